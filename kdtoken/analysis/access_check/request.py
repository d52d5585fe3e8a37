"""What is asked: who wants what of which object, and by which call."""

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple
from uuid import UUID

from kdtoken.analysis.access_check.caller import MEDIUM, Caller
from kdtoken.errors import BadFormat
from kdtoken.model.object_type import ObjectType
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid

MAXIMUM_ALLOWED = 0x02000000  # winnt.h
ACCESS_SYSTEM_SECURITY = 0x01000000
SYNCHRONIZE, WRITE_OWNER, WRITE_DAC, READ_CONTROL, DELETE = 0x100000, 0x80000, 0x40000, 0x20000, 0x10000
GENERIC_BITS = 0xF0000000
# What an ACE can give at all: specific and standard rights.  ACCESS_SYSTEM_SECURITY is given by a privilege only
# (LEARN, "SACL Access Right"), MAXIMUM_ALLOWED is a way of asking.
GRANTABLE = 0x00FFFFFF

# What may be asked of any type, whatever its valid access mask says; SYNCHRONIZE is not among them.
VALID_ANYWHERE = DELETE | READ_CONTROL | WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED

OPEN = "open"  # an object is opened: SeAccessCheck
ACCESS_CHECK = "AccessCheck"  # a server asks on a client's behalf: AccessCheck, NtAccessCheck


@dataclass(frozen=True)
class Request:
    """One access check to be worked out.

    wish            ACCESS_MASK as asked for; generic bits and MAXIMUM_ALLOWED may be in it
    principal_self  who S-1-5-10 in an ACE stands for; None for nobody
    type_list       object type list: (level, GUID) from the root down; empty for none
    protection      _PS_PROTECTION.Level of the object, if it is a process or a thread of one; None where not known
    call            OPEN or ACCESS_CHECK
    backup_intent   the file was opened with FILE_OPEN_FOR_BACKUP_INTENT
    default_level   the level of an object without a label
    """

    caller: Caller
    object: SecuredObject
    type: ObjectType
    wish: int
    principal_self: Optional[Sid] = None
    type_list: Tuple[Tuple[int, UUID], ...] = ()
    protection: Optional[int] = 0
    call: str = OPEN
    backup_intent: bool = False
    default_level: int = MEDIUM

    @property
    def is_process(self) -> bool:
        """Whether a process or a thread is opened: SeDebugPrivilege and protection matter for these only."""
        return self.type.name in ("Process", "Thread")


def parse_type_list(words: Sequence[str]) -> Tuple[Tuple[int, UUID], ...]:
    """An object type list as people write it: GUID for the root, +GUID a level below, ++GUID two.

    Raises BadFormat for what NtAccessCheckByType answers with STATUS_INVALID_PARAMETER: several roots, a level left out.
    """
    found = []
    for word in words:
        bare = word.lstrip("+")
        try:
            found.append((len(word) - len(bare), UUID(bare)))
        except ValueError:
            raise BadFormat("%s is no GUID" % word, word, "+GUID for one below the last, ++GUID below that") from None
    levels = [level for level, _ in found]
    steps = [(levels[0], -1)] + list(zip(levels[1:], levels)) if levels else []
    if any(level > before + 1 or level > 4 for level, before in steps) or levels.count(0) > 1:
        raise BadFormat(
            "the object type list is not one tree", " ".join(words), "one root first; each next at most one + deeper"
        )
    return tuple(found)


def parse_wish(kind: ObjectType, text: str) -> int:
    """The mask that was asked for; BadFormat where the type has no such bit."""
    wish = kind.parse_access(text)
    extra = kind.mapping.map(wish) & ~(kind.valid_access | VALID_ANYWHERE)
    if extra:
        valid = kind.valid_access | DELETE | READ_CONTROL | WRITE_DAC | WRITE_OWNER
        rights = ", ".join(
            word for bit in range(24) for word in kind.words(1 << bit) if valid >> bit & 1 and "x" not in word
        )
        names = " ".join(word for word in kind.words(extra) if word[:2] != "0x")
        said = "%s (0x%x)" % (names, extra) if names else "0x%x" % extra
        raise BadFormat("objects of type %s have no right %s" % (kind.name, said), text, "they have %s" % rights)
    return wish
