"""Values that are not there, told apart: each says which way it is missing, and none is zero, empty or "no".

Unreadable   memory that the target could not give, with the address and the reason
Absent       this kernel build has no such field
NotSaid      the view (a text, a user-mode call) does not tell it; the token may well have it
NotAsked     it is there, and was left alone since nobody asked for it
None         the pointer is there and is null
0, ""        the value is there and is zero or empty

Fragment     a list of which the source shows a part: what is not in it may be there all the same

The first four have one base, Missing: `isinstance(value, Missing)` asks whether there is no value.
"""

from __future__ import annotations

from typing import Any, Iterable, Optional, Tuple, TypeVar, Union

from kdtoken.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Missing:
    """Stands in the place of a value that is not there; a subclass says why."""


@dataclass(frozen=True)
class Unreadable(Missing):
    """Stands in the place of a value that could not be read or made no sense.

    address  where it would have been (kernel virtual address); 0 where the source has no addresses
    reason   why not, for a person: "paged out", "not recorded", "SubAuthorityCount is 255"
    hint     what to do about it, if something can be done
    """

    address: int
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        # A text gives no address where it gives no value.
        return "unreadable%s: %s" % (" at 0x%x" % self.address if self.address else "", self.reason)


@dataclass(frozen=True)
class Absent(Missing):
    """Stands in the place of a field that this build's type does not have; `what` is its "TYPE.member"."""

    what: str

    def __str__(self) -> str:
        return "not in this build (no %s)" % self.what


@dataclass(frozen=True)
class NotSaid(Missing):
    """Stands in the place of a field that a view does not tell.

    what  the view: "!token", "whoami"
    hint  what prints it, where that is one command
    """

    what: str
    hint: str = ""

    def __str__(self) -> str:
        return "not said by %s" % self.what


@dataclass(frozen=True)
class ElevationSaid(NotSaid):
    """Stands in the place of a logon session of which a view tells only what half of a UAC pair its token is.

    elevation  TOKEN_ELEVATION_TYPE (winnt.h, DWORD): 1 default, 2 full, 3 limited
    """

    elevation: int = 0


@dataclass(frozen=True, slots=True)
class NotAsked(Missing):
    """Stands in the place of what a pointer leads to, where a lean decode did not follow it; `address` is the pointer."""

    address: int

    def __str__(self) -> str:
        return "not asked for (it lies at 0x%x)" % self.address


T = TypeVar("T")


class Fragment(Tuple[T, ...]):
    """A list of which the source shows only a part: nothing follows from what is not in it.

    why     what is missing, for a person: "the text ends in the list"
    notes   entries of which something is known, but not enough to be listed
    covers  for a list of numbered things, the stretches (first, last) of numbers in which it is whole all the same
    """

    why: str
    notes: Tuple[str, ...]
    covers: Tuple[Tuple[int, int], ...]

    def __new__(
        cls,
        items: Iterable[Any] = (),
        why: str = "",
        notes: Tuple[str, ...] = (),
        covers: Tuple[Tuple[int, int], ...] = (),
    ) -> Fragment[T]:
        made = super().__new__(cls, items)
        made.why, made.notes, made.covers = why, notes, covers
        return made

    def tells(self, number: int) -> bool:
        """Whether the absence of this number means that it is not there."""
        return any(first <= number <= last for first, last in self.covers)


Maybe = Union[T, Missing]
NOT_SAID_HERE = NotSaid("this text")  # what its view does tell elsewhere, where its author cut or chose


def past_the_end(listed: Tuple[T, ...]) -> Optional[NotSaid]:
    """What is known of an entry behind the last one shown: nothing was said of it, if the list goes on; else None."""
    return NOT_SAID_HERE if isinstance(listed, Fragment) else None


def known(value: Maybe[T]) -> bool:
    """Whether there is a value (null and zero are values)."""
    return not isinstance(value, Missing)


def whole(value: object) -> bool:
    """Whether a list is there with both its ends, so that what it lacks is not there."""
    return isinstance(value, tuple) and not isinstance(value, Fragment)
