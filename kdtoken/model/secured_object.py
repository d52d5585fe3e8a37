"""An object and what guards it: the other side of an access check."""

from typing import Optional, Tuple

from kdtoken.frozen import dataclass
from kdtoken.model.absent import Maybe, Missing
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import ObjectType


@dataclass(frozen=True)
class NotInMemory(Missing):
    """Stands in the place of a descriptor that another keeps: a file's lies in its file system.

    what    who keeps it
    hint    what to give instead
    """

    what: str
    hint: str = ""

    def __str__(self) -> str:
        return "not in the kernel's memory: %s" % self.what


@dataclass(frozen=True)
class SecuredObject:
    """One object of a machine, or of a text.

    ``address`` is where its body lies, None for a text. ``name`` is what a person would call it. ``descriptor`` is None
    where the object has none (a null pointer in its header: the kernel then grants everything), Unreadable where there
    is one that cannot be read, Absent where this source cannot have it. ``notes`` say what a person should know.
    """

    address: Optional[int]
    name: str
    type: Maybe[ObjectType]
    descriptor: Maybe[Optional[SecurityDescriptor]]
    notes: Tuple[str, ...] = ()
