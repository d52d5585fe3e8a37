"""One run of the check: what has been decided so far, and the answer that it comes to."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Dict, List, Optional, Tuple

from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.reason import UNCHECKED, Reason, ReasonType
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED, Request
from kdtoken.model.access_mask import mask_words
from kdtoken.model.object_type import DOCUMENTED, GenericMapping, ObjectType

_KEY_CREATE_LINK = 0x20  # winnt.h

STATUS_SUCCESS = 0x00000000
STATUS_ACCESS_DENIED = 0xC0000022
STATUS_PRIVILEGE_NOT_HELD = 0xC0000061
STATUS_BAD_IMPERSONATION_LEVEL = 0xC00000A5
STATUS_NO_IMPERSONATION_TOKEN = 0xC000005C
STATUS_GENERIC_NOT_MAPPED = 0xC00000E6
STATUS_INVALID_SECURITY_DESCR = 0xC0000079
STATUS_NAMES: Dict[int, str] = {
    STATUS_SUCCESS: "STATUS_SUCCESS",
    STATUS_ACCESS_DENIED: "STATUS_ACCESS_DENIED",
    STATUS_PRIVILEGE_NOT_HELD: "STATUS_PRIVILEGE_NOT_HELD",
    STATUS_BAD_IMPERSONATION_LEVEL: "STATUS_BAD_IMPERSONATION_LEVEL",
    STATUS_NO_IMPERSONATION_TOKEN: "STATUS_NO_IMPERSONATION_TOKEN",
    STATUS_GENERIC_NOT_MAPPED: "STATUS_GENERIC_NOT_MAPPED",
    STATUS_INVALID_SECURITY_DESCR: "STATUS_INVALID_SECURITY_DESCR",
}
# winerror.h: what RtlNtStatusToDosError makes of them.
WIN32_ERRORS: Dict[int, int] = {
    STATUS_SUCCESS: 0,
    STATUS_ACCESS_DENIED: 5,
    STATUS_PRIVILEGE_NOT_HELD: 1314,
    STATUS_BAD_IMPERSONATION_LEVEL: 1346,
    STATUS_NO_IMPERSONATION_TOKEN: 1309,
    STATUS_GENERIC_NOT_MAPPED: 1360,
    STATUS_INVALID_SECURITY_DESCR: 1338,
}


class Place(Enum):
    """Where a no comes from, in the order in which they are met."""

    LEVEL = "level"
    WISH = "wish"
    TRUST = "trust"
    FILTER = "filter"
    LABEL = "label"
    PRIVILEGE = "privilege"
    DACL = "dacl"
    APPCONTAINER = "appcontainer"
    RESTRICTED = "restricted"
    PROTECTED = "protected"
    POLICY = "policy"


@dataclass(frozen=True)
class Step:
    """One step of the check: what it looked at, what it decided, and why.

    ``lines`` are the particulars (an ACE each, in a walk).  SIDs stand as S-1-...; whoever prints knows their names.
    """

    name: str
    looked_at: str
    decided: str
    why: str
    lines: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Denial:
    """A no, and where it comes from; ``why`` is a sentence."""

    place: Place
    status: int
    why: str


@dataclass(frozen=True)
class Outcome:
    """What one run came to.

    wish      the wish with generic bits mapped, MAXIMUM_ALLOWED left out
    granted   the mask of the handle; 0 for a no
    missing   the bits of the wish that were refused
    denial    None for a yes
    reasons   one for each of the 32 bits, lowest first
    implied   bits that the kernel adds to the handle
    """

    wish: int
    maximum: bool
    granted: int
    missing: int
    denial: Optional[Denial]
    reasons: Tuple[Reason, ...]
    steps: Tuple[Step, ...]
    privileges: Tuple[str, ...]
    notes: Tuple[str, ...]
    implied: int = 0

    @property
    def allowed(self) -> bool:
        """Whether it is a yes."""
        return self.denial is None

    @property
    def status(self) -> int:
        """NTSTATUS."""
        return STATUS_SUCCESS if self.denial is None else self.denial.status

    @property
    def place(self) -> Optional[Place]:
        """Where the no comes from; None for a yes."""
        return None if self.denial is None else self.denial.place

    def reason(self, bit: int) -> Reason:
        """The reason of one bit, given as a mask."""
        return self.reasons[bit.bit_length() - 1]


class Run:
    """The state of one run.  Steps read and write it; :func:`kdtoken.analysis.access_check.check.check` orders them.

    mapping         what the type's generic rights stand for
    wish, maximum   what is asked, mapped
    allowed         what the mandatory checks let through
    by_privilege, by_owner   bits that were won before the DACL is walked
    granted         bits that the user side has so far
    """

    def __init__(self, request: Request, answers: Answers, detail: bool = True) -> None:
        self.request = request
        self.caller = request.caller
        self.answers = answers
        self.detail = detail
        self.maximum = bool(request.wish & MAXIMUM_ALLOWED)
        self.mapping = _mapping(request.type, answers)
        self.wish = self.mapping.map(request.wish & ~MAXIMUM_ALLOWED)
        self.allowed = 0xFFFFFFFF
        self.by_privilege = 0
        self.by_owner = 0
        self.granted = 0
        self.narrowed: Optional[Denial] = None  # the no of the mandatory check that last narrowed `allowed`
        self.over = False  # everything is granted, and no later step looks at the descriptor
        self.privileges: List[str] = []
        self.notes: List[str] = []
        self.steps: List[Step] = []
        self._reasons: List[Tuple[int, Reason]] = []

    def asked_about(self, *about: str) -> bool:
        """Whether a question of these keys, or with these before a colon, came up: an answer to it is not knowledge."""
        return any(question.key.partition(":")[0] in about for question in self.answers.asked)

    @property
    def rest(self) -> int:
        """What of the definite wish is still to be granted."""
        return self.wish & ~self.granted

    def rights(self, mask: int) -> str:
        """A mask as number and words: 0x116 (WRITE_DATA APPEND_DATA ...), or "nothing"."""
        return _rights(self.request.type.name, mask)

    def because(self, mask: int, reason: Reason) -> None:
        """The reason for some bits; a later one replaces an earlier one."""
        if mask:
            self._reasons.append((mask, reason))

    def step(self, name: str, looked_at: str, decided: str, why: str, lines: Tuple[str, ...] = ()) -> None:
        """Remember a step; nothing where no particulars are wanted."""
        if self.detail:
            self.steps.append(Step(name, looked_at, decided, why, lines))

    def by(self, privilege: str, number: int, mask: int) -> None:
        """Bits that a privilege grants."""
        self.by_privilege |= mask
        self.granted |= mask
        self.privileges.append(privilege)
        self.because(mask, Reason(ReasonType.FROM_PRIVILEGE, number))

    def outcome(self, denial: Optional[Denial]) -> Outcome:
        """The answer; every bit has its reason."""
        reasons = [UNCHECKED] * 32
        for mask, reason in self._reasons:
            for bit in range(32):
                if mask >> bit & 1:
                    reasons[bit] = reason
        granted = self.granted if self.maximum else self.granted & self.wish
        if denial is not None:
            granted = 0
        missing = 0
        for bit in range(32):
            if denial is not None and self.wish >> bit & 1 and not reasons[bit].grants:
                missing |= 1 << bit
            if denial is None and not granted >> bit & 1 and reasons[bit].grants:
                reasons[bit] = UNCHECKED
        implied = 0
        for kind, strong, weak in _IMPLIED:
            if self.request.type.name == kind and granted & strong:
                implied |= weak & ~granted
        return Outcome(
            self.wish,
            self.maximum,
            granted,
            missing,
            denial,
            tuple(reasons),
            tuple(self.steps),
            tuple(self.privileges),
            tuple(dict.fromkeys(self.notes)),
            implied,
        )


def _mapping(kind: ObjectType, answers: Answers) -> GenericMapping:
    """The type's own; of a key whose type object is not at hand, by the side that the answers take."""
    mapping = kind.mapping
    if kind.name == "Key" and kind.origin == DOCUMENTED and answers.other("key-execute"):
        return GenericMapping(mapping.read, mapping.write, mapping.execute | _KEY_CREATE_LINK, mapping.all)
    return mapping


@lru_cache(maxsize=1024)
def _rights(kind: str, mask: int) -> str:
    return "0x%x (%s)" % (mask, " ".join(mask_words(mask, kind))) if mask else "nothing"


# LEARN, process and thread rights: a handle with the first is given the second too.
_IMPLIED = (("Process", 0x0400, 0x1000), ("Thread", 0x0040, 0x0800), ("Thread", 0x0020, 0x0400))
