"""`_TOKEN`: a whole token out of the target's memory, every member of the build's layout."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from kdtoken.decode import token_parts as parts
from kdtoken.decode.lean import Followed, Plan, Several, plan_of, take
from kdtoken.decode.logon_session import read_logon_session
from kdtoken.decode.object_header import TOKEN_TYPE, body_offset, is_object_of, is_sound, type_name, uncounted
from kdtoken.decode.privileges import of_masks, read_privileges
from kdtoken.decode.sids import Near, read_groups, read_sid, strays
from kdtoken.decode.structure import Structure, read_structure, span_of, unreadable
from kdtoken.decode.unnamed import raw_member, unnamed_members
from kdtoken.errors import LookupFailed
from kdtoken.frozen import made_of
from kdtoken.model.absent import Absent, Maybe, Missing, NotAsked, Unreadable
from kdtoken.model.token import Origin, RawMember, Token
from kdtoken.source.base import PAGE_SIZE, Source, Span, read_span

TYPE = "_TOKEN"


class TokenStructure(Structure):
    """The bytes of a `_TOKEN`, and how far to follow what it points to.

    names   of privileges, by number
    follow  False leaves alone what lies outside the token's own allocation
    pair    as decode_token has it
    """

    def __init__(
        self, target: Source, address: int, span: Span, names: Mapping[int, str], follow: bool, pair: bool = False
    ) -> None:
        super().__init__(target, TYPE, address, span, origins=follow)
        self.names, self.follow, self.pair = names, follow, pair
        self.places: Dict[str, List[Maybe[int]]] = {}  # list -> where the SID of each entry lies
        self.tail: Optional[Near] = None  # the bytes of the variable part, where all of them could be read

    def outside(self, path: str) -> Maybe[int]:
        """A pointer out of the allocation; NotAsked where it is not to be followed (null says enough)."""
        pointer = self.uint(path)
        return pointer if self.follow or not isinstance(pointer, int) or pointer == 0 else NotAsked(pointer)


Reader = Callable[[TokenStructure, str], Any]


class Member(NamedTuple):
    """A row of the table: what attribute of model.token.Token, out of what member of _TOKEN, and how.

    within  members of the embedded struct that the reader takes; empty where it takes the member as a whole
    """

    attribute: str
    path: str
    read: Reader
    within: Tuple[str, ...] = ()


def _list(count: str) -> Reader:
    """An array of _SID_AND_ATTRIBUTES in the token's own memory, and the member that counts it."""

    def read(s: TokenStructure, path: str, address: Maybe[int], number: Maybe[int]) -> Any:
        return read_groups(s.target, address, number, s.places.setdefault(path, []), s.tail)

    return Several(lambda path: (path, count), read, lambda s, path: read(s, path, s.uint(path), s.uint(count)))


def _list_outside(count: str) -> Reader:
    """The same elsewhere."""
    return lambda s, path: read_groups(s.target, s.outside(path), s.uint(count))


_HASH = ("SidCount", "SidAttr", "Hash")
_MASKS = ("Present", "Enabled", "EnabledByDefault")
_PRIVILEGES = Several(
    lambda path: tuple("%s.%s" % (path, name) for name in _MASKS),
    lambda s, path, *masks: of_masks(s.target, s.names, *masks),
    lambda s, path: read_privileges(s, s.names),
)
_SID_HASH = Several(parts.hash_parts, parts.hash_of, parts.read_hash)

# A member of the build that no row takes is shown raw (decode.unnamed).
MEMBERS: Tuple[Member, ...] = (
    Member("source_name", "TokenSource.SourceName", Structure.text),
    Member("source_id", "TokenSource.SourceIdentifier", Structure.luid),
    Member("token_id", "TokenId", Structure.luid),
    Member("authentication_id", "AuthenticationId", Structure.luid),
    Member("parent_token_id", "ParentTokenId", Structure.luid),
    Member("expiration_time", "ExpirationTime", Structure.sint),
    Member("token_lock", "TokenLock", Structure.uint),
    Member("modified_id", "ModifiedId", Structure.luid),
    Member("privileges", "Privileges", _PRIVILEGES, _MASKS),
    Member("audit_policy", "AuditPolicy.AdtTokenPolicy", Structure.raw),
    Member("audit_policy_status", "AuditPolicy.PolicySetStatus", Structure.uint),
    Member("session_id", "SessionId", Structure.uint),
    Member("user_and_group_count", "UserAndGroupCount", Structure.uint),
    Member("restricted_sid_count", "RestrictedSidCount", Structure.uint),
    Member("variable_length", "VariableLength", Structure.uint),
    Member("dynamic_charged", "DynamicCharged", Structure.uint),
    Member("dynamic_available", "DynamicAvailable", Structure.uint),
    Member("default_owner_index", "DefaultOwnerIndex", Structure.uint),
    Member("user_and_groups", "UserAndGroups", _list("UserAndGroupCount")),
    Member("restricted_sids", "RestrictedSids", _list("RestrictedSidCount")),
    Member("primary_group", "PrimaryGroup", Followed(read_sid)),
    Member("dynamic_part", "DynamicPart", Structure.uint),
    Member("default_dacl", "DefaultDacl", Followed(parts.read_acl)),
    Member("token_type", "TokenType", Structure.uint),
    Member("impersonation_level", "ImpersonationLevel", Structure.uint),
    Member("flags", "TokenFlags", Structure.uint),
    Member("in_use", "TokenInUse", Structure.uint),
    Member("integrity_level_index", "IntegrityLevelIndex", Structure.uint),
    Member("mandatory_policy", "MandatoryPolicy", Structure.uint),
    Member("logon_session", "LogonSession", lambda s, path: read_logon_session(s.target, s.uint(path), s.pair)),
    Member("originating_logon_session", "OriginatingLogonSession", Structure.luid),
    Member("sid_hash", "SidHash", _SID_HASH, _HASH),
    Member("restricted_sid_hash", "RestrictedSidHash", _SID_HASH, _HASH),
    Member("security_attributes", "pSecurityAttributes", Followed(parts.read_security_attributes)),
    Member("package", "Package", Followed(read_sid)),
    Member("capabilities", "Capabilities", _list_outside("CapabilityCount")),
    Member("capability_count", "CapabilityCount", Structure.uint),
    Member("capabilities_hash", "CapabilitiesHash", _SID_HASH, _HASH),
    Member("lowbox_number", "LowboxNumberEntry", Followed(parts.read_lowbox_number)),
    Member("lowbox_handles_entry", "LowboxHandlesEntry", Structure.uint),
    Member("claim_attributes", "pClaimAttributes", Followed(parts.read_claims)),
    Member("trust_level_sid", "TrustLevelSid", Followed(read_sid)),
    Member("trust_linked_token", "TrustLinkedToken", Structure.uint),
    Member("integrity_level_sid_value", "IntegrityLevelSidValue", Followed(read_sid)),
    Member("sid_values", "TokenSidValues", Followed(parts.read_sid_values)),
    Member("index_entry", "IndexEntry", Structure.uint),
    Member("diagnostics", "DiagnosticInfo", Followed(parts.read_diagnostics)),
    Member("bno_isolation_handles_entry", "BnoIsolationHandlesEntry", Structure.uint),
    Member("session_object", "SessionObject", Structure.uint),
    Member("variable_part", "VariablePart", Structure.uint),
)
_PLAN = ("plan", TYPE)
_NOWHERE: Mapping[str, Origin] = {}  # one for all tokens of which it is not kept
_NAMED = frozenset(
    name for one in MEMBERS for name in ([one.path + "." + inner for inner in one.within] or [one.path])
) | {"PrivilegeCount"}  # before Vista: read with the Privileges that it counts

# The groups follow the token in its own allocation; an ordinary user's take about this much.
# Bytes behind the struct in its last page come with the same request.
_LIKELY_VARIABLE_PART = 0x300
# Longest believable VariableLength: the group limit of decode.sids, each a longest SID.
_VARIABLE_LIMIT = 0x60000
# DynamicPart holds the primary group's SID and the default DACL, in the order of 100 bytes.
_LIKELY_DYNAMIC_PART = 0x100


def decode_token(
    target: Source, address: int, names: Mapping[int, str], follow: bool = True, pair: bool = False
) -> Maybe[Token]:
    """The token at `address`; Unreadable where no token lies there or its memory is gone.

    names   of privileges, by number (model.privilege)
    follow  False reads only the token's own allocation and its logon session: what lies behind
            other pointers (primary group, DACL, capabilities ...) is NotAsked; where each value was
            read is not kept, nor are members that have no name here
    pair    its linked token is asked next (process_dump.Tokens.linked_with)
    Raises TypeNotFound or FieldNotFound when the symbols do not describe a token at all.
    """
    problems: List[str] = []
    try:
        header = body_offset(target)
    except LookupFailed:
        header = 0  # symbols without object headers: _not_a_token says so
    span = span_of(target, TYPE, address, header, _LIKELY_VARIABLE_PART)
    if not span.pieces:
        return unreadable(span.holes[0])
    if follow or span.holes or not is_sound(target, address, TOKEN_TYPE, span.pieces[0][1][:header]):
        wrong = _not_a_token(target, address, problems)
        if wrong is not None:
            return wrong
    s = TokenStructure(target, address, span, names, follow, pair)
    _fetch_variable_part(s, problems)
    if follow:
        _fetch_dynamic_part(s)
    values = None if follow else _lean(s)
    if values is not None:
        problems += strays(s, s.places, values["integrity_level_index"])
        values.update(address=address, problems=tuple(problems), origins=_NOWHERE)
        return made_of(Token, values)
    values = {attribute: read(s, path) for attribute, path, read, _ in MEMBERS}
    problems += strays(s, s.places, values["integrity_level_index"])
    if follow:
        problems += parts.no_pointers(s) + parts.of_another_package(s, values["package"])
    return Token(
        address=address,
        problems=tuple(problems),
        origins=_origins(s) if follow else {},
        unnamed=_unnamed(s) if follow else (),
        **values,
    )


def fetch_token(target: Source, address: int) -> None:
    """Read what decode_token reads first, for a target that remembers."""
    read_structure(target, TYPE, address, body_offset(target), _LIKELY_VARIABLE_PART)


def _lean(s: TokenStructure) -> Optional[Dict[str, Any]]:
    """All members at once, of a token that was read in one piece; None where it was not."""
    memo = s.target.memo
    if memo is None or not s.data:
        return None
    plan: Optional[Plan] = memo.get(_PLAN)
    if plan is None:
        plan = memo[_PLAN] = plan_of(s.layout.name, s.place, MEMBERS)
    return take(plan, s, s.data, s.address - s.start)


def _unnamed(s: Structure) -> Tuple[RawMember, ...]:
    return tuple(raw_member(s, one) for one in unnamed_members(s.target, s.layout, _NAMED))


def _origins(s: Structure) -> Dict[str, Origin]:
    """By the names of the model, of all that was asked for so far."""
    noted = s.origins
    return {one.attribute: noted[one.path] for one in MEMBERS if one.path in noted}


def _not_a_token(target: Source, address: int, problems: List[str]) -> Optional[Unreadable]:
    """Unreadable if the object header says that this is something else; a problem if it is silent."""
    try:
        verdict = is_object_of(target, address, TOKEN_TYPE)
    except LookupFailed as error:
        verdict = Absent(str(error.subject))
    if verdict is False:
        kind = type_name(target, address)
        what = "a %s object" % kind if kind else "no token object"
        return Unreadable(address, "there is %s at that address, by its object header" % what)
    if isinstance(verdict, Missing):
        problems.append("could not check that this is a token object: %s" % verdict)
    else:
        problems += uncounted(target, address)
    return None


def _fetch_variable_part(s: TokenStructure, problems: List[str]) -> None:
    """Groups and restricted SIDs lie behind the struct: fetch them in one request."""
    length = s.uint("VariableLength")
    if not isinstance(length, int) or not s.has("VariablePart"):
        return
    if length > _VARIABLE_LIMIT:
        problems.append("VariableLength 0x%x is not believable" % length)
    elif length:
        start = s.address_of("VariablePart")
        at = start - s.start
        held = s.data[at : at + length]
        if len(held) == length:
            s.tail = start, held
            return
        span = read_span(s.target, start, length)
        if not span.holes and len(span.pieces) == 1:
            s.tail = span.pieces[0]


def _fetch_dynamic_part(s: Structure) -> None:
    """Primary group and default DACL lie together: fetch them in one request, within a page."""
    start = s.uint("DynamicPart")
    if isinstance(start, int) and start:
        read_span(s.target, start, min(_LIKELY_DYNAMIC_PART, PAGE_SIZE - start % PAGE_SIZE))
