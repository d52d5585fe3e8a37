"""An access token as the kernel holds it: `_TOKEN`, every field of it, decoded.

Whoever saw the token (kernel memory, a log, a user-mode view), this is its shape; a view that
cannot know a field leaves it NotSaid.  Names follow `_TOKEN`'s own.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Tuple

from kdtoken.frozen import dataclass, field, member_names
from kdtoken.model.absent import Absent, Maybe, Missing, NotSaid, Unreadable, known, past_the_end
from kdtoken.model.acl import Acl
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token_flags import TokenFlags, token_flag_words

TYPE_PRIMARY = 1
TYPE_IMPERSONATION = 2


class Origin(NamedTuple):
    """Where a decoded value came from.  A tuple, since a walk of 2,000 processes makes 40,000.

    address  of the field in the target
    raw      the field's bytes, little-endian as they lie there
    """

    type: str
    field: str
    address: int
    raw: bytes


class RawMember(NamedTuple):
    """A member of a kernel type that this version has no name for, as it lies in memory.

    member   its path in `type`: "NewThing", or "Privileges.NewMask" for one within a struct that is known
    c_type   its type in `dt`'s words: "Uint4B", "Ptr64 _THING", "Pos 3, 1 Bit"
    address  of its bytes in the target
    raw      the bytes, little-endian as they lie there; of a bit-field those that hold it
    number   the value, where it is a number, a pointer, a bit-field or an enum
    word     the enum's own name of that number, by the target's symbols; else empty
    """

    type: str
    member: str
    c_type: str
    address: int
    raw: Maybe[bytes]
    number: Optional[int] = None
    word: str = ""


class Doubt(str):
    """Of a token's problems one that no document speaks for, but tokens that were published: noted, accused of nothing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SidHash:
    """`_SID_AND_ATTRIBUTES_HASH`: quick-reject filter of an access check; 32 words of hash.

    sid_attr  address of the list by the hash
    list_at   the same by the token itself, to compare; None where it was not read
    """

    count: int
    sid_attr: int
    words: Tuple[int, ...]
    list_at: Optional[int] = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class LogonSession:
    """`_SEP_LOGON_SESSION_REFERENCES`: the logon that the token came from.

    buddy_logon_id  the other half of a UAC pair; zero where there is none
    token           address of the token that this logon session keeps (the linked one), or 0
    """

    address: int
    logon_id: Maybe[Luid]
    buddy_logon_id: Maybe[Luid]
    reference_count: Maybe[int]
    flags: Maybe[int]
    token: Maybe[int]
    account_name: Maybe[Optional[str]]
    authority_name: Maybe[Optional[str]]
    sibling_auth_id: Maybe[Luid]


@dataclass(frozen=True)
class Diagnostics:
    """`_SEP_TOKEN_DIAG_TRACK_ENTRY`: who made the token, on builds that keep track.

    create_method is the kernel's number for the way it was made; public symbols do not name it.
    """

    address: int
    process_cid: Maybe[int]
    thread_cid: Maybe[int]
    image_file_name: Maybe[str]
    create_method: Maybe[int]
    count: Maybe[int]
    capture_count: Maybe[int]


@dataclass(frozen=True)
class AttributeList:
    """Counts of a list of claims or security attributes; public symbols tell no more."""

    address: int
    counts: Tuple[Tuple[str, Maybe[int]], ...]


@dataclass(frozen=True, slots=True)
class Token:
    """`_TOKEN`.  `user_and_groups[0]` is the user; pointers that are null are None.

    unnamed  members of this build's `_TOKEN` that no attribute here stands for
    """

    address: int
    source_name: Maybe[str]
    source_id: Maybe[Luid]
    token_id: Maybe[Luid]
    authentication_id: Maybe[Luid]
    parent_token_id: Maybe[Luid]
    expiration_time: Maybe[int]
    token_lock: Maybe[int]
    modified_id: Maybe[Luid]
    privileges: Maybe[Tuple[Privilege, ...]]
    audit_policy: Maybe[bytes]
    audit_policy_status: Maybe[int]
    session_id: Maybe[int]
    user_and_group_count: Maybe[int]
    restricted_sid_count: Maybe[int]
    variable_length: Maybe[int]
    dynamic_charged: Maybe[int]
    dynamic_available: Maybe[int]
    default_owner_index: Maybe[int]
    user_and_groups: Maybe[Tuple[Maybe[Group], ...]]
    restricted_sids: Maybe[Tuple[Maybe[Group], ...]]
    primary_group: Maybe[Optional[Sid]]
    dynamic_part: Maybe[int]
    default_dacl: Maybe[Optional[Acl]]
    token_type: Maybe[int]
    impersonation_level: Maybe[int]
    flags: Maybe[int]
    in_use: Maybe[int]
    integrity_level_index: Maybe[int]
    mandatory_policy: Maybe[int]
    logon_session: Maybe[Optional[LogonSession]]
    originating_logon_session: Maybe[Luid]
    sid_hash: Maybe[SidHash]
    restricted_sid_hash: Maybe[SidHash]
    security_attributes: Maybe[Optional[AttributeList]]
    package: Maybe[Optional[Sid]]
    capability_count: Maybe[int]
    capabilities: Maybe[Tuple[Maybe[Group], ...]]
    capabilities_hash: Maybe[SidHash]
    lowbox_number: Maybe[Optional[int]]
    lowbox_handles_entry: Maybe[int]
    claim_attributes: Maybe[Optional[AttributeList]]
    trust_level_sid: Maybe[Optional[Sid]]
    trust_linked_token: Maybe[int]
    integrity_level_sid_value: Maybe[Optional[Sid]]
    sid_values: Maybe[Optional[AttributeList]]
    index_entry: Maybe[int]
    diagnostics: Maybe[Optional[Diagnostics]]
    bno_isolation_handles_entry: Maybe[int]
    session_object: Maybe[int]
    variable_part: Maybe[int]
    unnamed: Tuple[RawMember, ...] = ()
    problems: Tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)

    @property
    def user(self) -> Maybe[Sid]:
        """Who the token speaks for."""
        groups = self.user_and_groups
        if isinstance(groups, Missing):
            return groups
        if not groups:
            return past_the_end(groups) or Unreadable(self.address, "the token lists no user")
        first = groups[0]
        return first if isinstance(first, Missing) else first.sid

    @property
    def groups(self) -> Tuple[Maybe[Group], ...]:
        """All entries behind the user; empty where the list itself could not be read."""
        groups = self.user_and_groups
        return () if isinstance(groups, Missing) else groups[1:]

    @property
    def integrity(self) -> Maybe[Optional[Sid]]:
        """The integrity label: entry IntegrityLevelIndex of the groups.

        None where the index says that the token has none (0xffffffff).
        """
        index, groups = self.integrity_level_index, self.user_and_groups
        if isinstance(groups, Missing):
            return groups
        if isinstance(index, Missing):
            return index
        if index == 0xFFFFFFFF:
            return None
        if index >= len(groups):
            return past_the_end(groups) or Unreadable(self.address, "IntegrityLevelIndex %d is past the groups" % index)
        entry = groups[index]
        if isinstance(entry, Missing):
            label = entry.label if isinstance(entry, HalfGroup) else None
            return entry if label is None else label
        if not entry.sid.is_integrity_label:
            return Unreadable(
                self.address, "IntegrityLevelIndex %d leads to %s, which is no label" % (index, entry.sid)
            )
        return entry.sid

    @property
    def default_owner(self) -> Maybe[Sid]:
        """Owner of objects made without a descriptor: entry DefaultOwnerIndex."""
        index, groups = self.default_owner_index, self.user_and_groups
        if isinstance(groups, Missing):
            return groups
        if isinstance(index, Missing):
            return index
        if index >= len(groups):
            return past_the_end(groups) or Unreadable(self.address, "DefaultOwnerIndex %d is past the groups" % index)
        entry = groups[index]
        return entry if isinstance(entry, Missing) else entry.sid

    def has_flag(self, flag: TokenFlags) -> Optional[bool]:
        """Whether a bit of TokenFlags is set and means this flag; None when the flags are not known."""
        flags = self.flags
        if not isinstance(flags, int):
            return None
        if flag is TokenFlags.WRITE_RESTRICTED and self.has_admin_group_bit:
            return False
        return bool(flags & flag._value_)  # Enum's own `value` costs more than all else here

    @property
    def has_admin_group_bit(self) -> bool:
        """Whether bit 0x8 of TokenFlags, set or not, is HAS_ADMIN_GROUP here and not WRITE_RESTRICTED.

        It was before Vista, whose tokens have no MandatoryPolicy.  A text does not tell of that member: what is
        write-restricted has restricting SIDs, and most administrators' tokens have none.
        """
        if isinstance(self.mandatory_policy, NotSaid):
            return self.restricted_sid_count == 0
        return isinstance(self.mandatory_policy, Absent)

    @property
    def flag_words(self) -> Tuple[str, ...]:
        """Names of the TokenFlags; none where they are not known."""
        return token_flag_words(self.flags, self.has_admin_group_bit) if isinstance(self.flags, int) else ()

    @property
    def is_primary(self) -> Optional[bool]:
        """True, False, or None when the type is not known."""
        return self.token_type == TYPE_PRIMARY if known(self.token_type) else None

    @property
    def enabled_privileges(self) -> Tuple[Privilege, ...]:
        """Privileges that count now."""
        privileges = self.privileges
        if isinstance(privileges, Missing):
            return ()
        return tuple(p for p in privileges if p.present and p.enabled)

    def __repr__(self) -> str:
        from kdtoken.model.notebook import token_repr  # seldom needed, and never inside WinDbg

        return token_repr(self)

    def _repr_html_(self) -> str:
        from kdtoken.model.notebook import token_html

        return token_html(self)


# Attributes of a Token that are values of the token itself, which a view may tell or not.
FIELD_NAMES: Tuple[str, ...] = tuple(
    name for name in member_names(Token) if name not in ("address", "unnamed", "problems", "origins")
)
