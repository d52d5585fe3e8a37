"""Values that are not there, told apart: unreadable, absent, null and zero are four things.

Unreadable   memory that the target could not give, with the address and the reason
Absent       this kernel build has no such field
None         the pointer is there and is null
0, ""        the value is there and is zero or empty
"""

from dataclasses import dataclass
from typing import ClassVar, TypeVar, Union


@dataclass(frozen=True)
class Unreadable:
    """Stands in the place of a value that could not be read or made no sense.

    address  where it would have been (kernel virtual address)
    reason   why not, for a person: "paged out", "not recorded", "SubAuthorityCount is 255"
    hint     what to do about it, if something can be done
    """

    address: int
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return "unreadable at 0x%x: %s" % (self.address, self.reason)


@dataclass(frozen=True)
class Absent:
    """Stands in the place of a field that this build's type does not have."""

    what: str
    json_key: ClassVar[str] = "absent"  # what stands for it in JSON

    def __str__(self) -> str:
        return "not in this build (no %s)" % self.what


T = TypeVar("T")
Maybe = Union[T, Unreadable, Absent]


def known(value: Maybe[T]) -> bool:
    """Whether there is a value (null and zero are values)."""
    return not isinstance(value, (Unreadable, Absent))
