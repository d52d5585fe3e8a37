"""Groups of a token: ``_SID_AND_ATTRIBUTES``, a SID and a ULONG of SE_GROUP_* bits.

Values: winnt.h SE_GROUP_*, also described with the TOKEN_GROUPS structure and in [MS-PAC] 2.2.1.
"""

from __future__ import annotations

from typing import Optional, Tuple

from kdtoken.frozen import dataclass
from kdtoken.model.absent import Unreadable
from kdtoken.model.integrity import IntegrityLevel
from kdtoken.model.sid import Sid

MANDATORY = 0x00000001
ENABLED_BY_DEFAULT = 0x00000002
ENABLED = 0x00000004
OWNER = 0x00000008
USE_FOR_DENY_ONLY = 0x00000010
INTEGRITY = 0x00000020
INTEGRITY_ENABLED = 0x00000040
RESOURCE = 0x20000000
LOGON_ID = 0xC0000000  # both bits together are one attribute; either alone means nothing published

ATTRIBUTE_NAMES: Tuple[Tuple[int, str], ...] = (
    (MANDATORY, "Mandatory"),
    (ENABLED_BY_DEFAULT, "EnabledByDefault"),
    (ENABLED, "Enabled"),
    (OWNER, "Owner"),
    (USE_FOR_DENY_ONLY, "UseForDenyOnly"),
    (INTEGRITY, "Integrity"),
    (INTEGRITY_ENABLED, "IntegrityEnabled"),
    (RESOURCE, "Resource"),
    (LOGON_ID, "LogonId"),
)


def attribute_words(attributes: int) -> Tuple[str, ...]:
    """SE_GROUP_* words of a ULONG, lowest bit first; bits with no name come last as one hex word."""
    words = []
    rest = attributes
    for value, name in ATTRIBUTE_NAMES:
        if attributes & value == value:
            words.append(name)
            rest &= ~value
    if rest:
        words.append("0x{:x}".format(rest))
    return tuple(words)


@dataclass(frozen=True)
class Group:
    """``_SID_AND_ATTRIBUTES``: who, and how the group counts in an access check."""

    sid: Sid
    attributes: int = 0

    @property
    def words(self) -> Tuple[str, ...]:
        """The attributes as words, see :func:`attribute_words`."""
        return attribute_words(self.attributes)

    @property
    def enabled(self) -> bool:
        """SE_GROUP_ENABLED: allow ACEs for this group count."""
        return bool(self.attributes & ENABLED)

    @property
    def deny_only(self) -> bool:
        """SE_GROUP_USE_FOR_DENY_ONLY: only deny ACEs for this group count."""
        return bool(self.attributes & USE_FOR_DENY_ONLY)

    @property
    def mandatory(self) -> bool:
        """SE_GROUP_MANDATORY: AdjustTokenGroups cannot disable it."""
        return bool(self.attributes & MANDATORY)

    @property
    def is_integrity(self) -> bool:
        """SE_GROUP_INTEGRITY: the entry is the token's integrity label."""
        return bool(self.attributes & INTEGRITY)

    @property
    def is_logon_id(self) -> bool:
        """SE_GROUP_LOGON_ID (both of its bits): the entry is the SID of the logon session."""
        return self.attributes & LOGON_ID == LOGON_ID


@dataclass(frozen=True)
class HalfGroup(Unreadable):
    """An entry of a list of groups of which one half is known: the SID or the attributes (None: not known).

    pointer  PSID of the entry, where the SID lies that could not be read; 0 where that is not known
    """

    sid: Optional[Sid] = None
    attributes: Optional[int] = None
    pointer: int = 0

    @property
    def label(self) -> Optional[Sid]:
        """The integrity label that this is, its attributes unknown; None where it is none.

        Only of a level that has a name: no such number begins another one's, so no width can have cut it.
        """
        sid = self.sid
        named = sid is not None and sid.is_integrity_label and sid.subauthorities[0] in tuple(IntegrityLevel)
        return sid if named else None

    def __str__(self) -> str:
        return "%s: %s" % (self.sid, self.reason) if self.sid is not None else super().__str__()
