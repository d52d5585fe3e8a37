"""Why a bit was granted or not, in Windows' own vocabulary: ACCESS_REASON_TYPE of winnt.h.

A reason is 32 bits: the type in 0x00ff0000, data in the low 16 (the index of the ACE, the number of the privilege).  Event
4656 prints the same reasons in words, so that an answer here can be laid beside it bit by bit.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Dict, Optional

from kdtoken.model.privilege import NAMES as PRIVILEGES

DATA_MASK = 0x0000FFFF  # winnt.h ACCESS_REASON_DATA_MASK


class ReasonType(Enum):
    """ACCESS_REASON_TYPE: the name used here -> its value in winnt.h (the last two stand in newer SDKs only)."""

    NONE = 0x00000000
    ALLOWED_ACE = 0x00010000
    DENIED_ACE = 0x00020000
    ALLOWED_PARENT_ACE = 0x00030000
    DENIED_PARENT_ACE = 0x00040000
    NOT_GRANTED_BY_CAPE = 0x00050000
    NOT_GRANTED_BY_PARENT_CAPE = 0x00060000
    NOT_GRANTED_TO_APPCONTAINER = 0x00070000
    MISSING_PRIVILEGE = 0x00100000
    FROM_PRIVILEGE = 0x00200000
    INTEGRITY = 0x00300000
    OWNERSHIP = 0x00400000
    NULL_DACL = 0x00500000
    EMPTY_DACL = 0x00600000
    NO_SD = 0x00700000
    NO_GRANT = 0x00800000
    TRUST_LABEL = 0x00900000
    FILTER_ACE = 0x00A00000

    @property
    def word(self) -> str:
        """``allowed-ace``: the name in lower case."""
        return self.name.lower().replace("_", "-")


_GRANTS = frozenset(
    (
        ReasonType.ALLOWED_ACE,
        ReasonType.ALLOWED_PARENT_ACE,
        ReasonType.FROM_PRIVILEGE,
        ReasonType.OWNERSHIP,
        ReasonType.NULL_DACL,
        ReasonType.NO_SD,
    )
)
_HAS_ACE = frozenset((ReasonType.ALLOWED_ACE, ReasonType.DENIED_ACE, ReasonType.TRUST_LABEL, ReasonType.FILTER_ACE))
_HAS_PRIVILEGE = frozenset((ReasonType.FROM_PRIVILEGE, ReasonType.MISSING_PRIVILEGE))

# As event 4656 words them, where it was seen; the rest in the same manner.
_WORDS: Dict[ReasonType, str] = {
    ReasonType.NONE: "unknown or unchecked",
    ReasonType.ALLOWED_ACE: "granted by",
    ReasonType.DENIED_ACE: "denied by",
    ReasonType.NOT_GRANTED_BY_CAPE: "not granted by the central access policy",
    ReasonType.NOT_GRANTED_TO_APPCONTAINER: "not granted to the AppContainer",
    ReasonType.MISSING_PRIVILEGE: "not granted, for want of",
    ReasonType.FROM_PRIVILEGE: "granted by",
    ReasonType.INTEGRITY: "denied by the integrity policy check",
    ReasonType.OWNERSHIP: "granted by ownership",
    ReasonType.NULL_DACL: "granted by a null DACL",
    ReasonType.EMPTY_DACL: "not granted by an empty DACL",
    ReasonType.NO_SD: "granted for want of a security descriptor",
    ReasonType.NO_GRANT: "not granted",
    ReasonType.TRUST_LABEL: "denied by the process trust label",
    ReasonType.FILTER_ACE: "denied by the access filter",
}


@dataclass(frozen=True)
class Reason:
    """One reason: its type and, where the type has it, an index into the ACL or a privilege's number.

    ``note`` says in words what the vocabulary has no value for (a protected process, a restricting SID).
    """

    type: ReasonType
    data: int = 0
    note: str = ""

    @property
    def value(self) -> int:
        """The ULONG that AccessCheckByTypeResultListAndAuditAlarm and event 4656 work with."""
        return self.type.value | (self.data & DATA_MASK)

    @property
    def grants(self) -> bool:
        """Whether the reason is one for having the bit."""
        return self.type in _GRANTS

    @property
    def ace(self) -> Optional[int]:
        """Index of the ACE: in the DACL, or in the SACL for trust labels and filters; None where it is about none."""
        return self.data if self.type in _HAS_ACE else None

    @property
    def words(self) -> str:
        """The reason as a clause."""
        text = _WORDS.get(self.type, self.type.word)
        if self.type in (ReasonType.ALLOWED_ACE, ReasonType.DENIED_ACE):
            text += " ACE %d" % self.data
        elif self.type in _HAS_PRIVILEGE:
            text += " " + PRIVILEGES.get(self.data, "privilege %d" % self.data)
        elif self.type in _HAS_ACE:
            text += " (SACL ACE %d)" % self.data
        return text + (": " + self.note if self.note else "")


UNCHECKED = Reason(ReasonType.NONE)
