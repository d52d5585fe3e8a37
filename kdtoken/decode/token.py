"""`_TOKEN`: a whole token out of the target's memory, every field of the build's layout."""

from typing import Callable, Dict, List, Optional, Tuple, TypeVar

from kdtoken.decode.logon_session import read_logon_session
from kdtoken.decode.object_header import TOKEN_TYPE, body_offset, is_object_of, type_name
from kdtoken.decode.privileges import read_privileges
from kdtoken.decode.sids import read_groups, read_sid
from kdtoken.decode.structure import Structure, read_members, read_structure, unreadable
from kdtoken.errors import BadFormat, LookupFailed, MemoryUnreadable
from kdtoken.model.absent import Absent, Maybe, Missing, NotAsked, Unreadable
from kdtoken.model.acl import ACL_HEADER_SIZE, Acl, acl_length
from kdtoken.model.token import AttributeList, Diagnostics, Origin, SidHash, Token
from kdtoken.source.base import PAGE_SIZE, Source, read_span

TYPE = "_TOKEN"

# attribute of model.token.Token -> member of _TOKEN.  Every member of every known build is here;
# a test compares the two, so that a field of a new build cannot be overlooked.
FIELDS: Dict[str, str] = {
    "source_name": "TokenSource.SourceName",
    "source_id": "TokenSource.SourceIdentifier",
    "token_id": "TokenId",
    "authentication_id": "AuthenticationId",
    "parent_token_id": "ParentTokenId",
    "expiration_time": "ExpirationTime",
    "token_lock": "TokenLock",
    "modified_id": "ModifiedId",
    "privileges": "Privileges",
    "audit_policy": "AuditPolicy.AdtTokenPolicy",
    "audit_policy_status": "AuditPolicy.PolicySetStatus",
    "session_id": "SessionId",
    "user_and_group_count": "UserAndGroupCount",
    "restricted_sid_count": "RestrictedSidCount",
    "variable_length": "VariableLength",
    "dynamic_charged": "DynamicCharged",
    "dynamic_available": "DynamicAvailable",
    "default_owner_index": "DefaultOwnerIndex",
    "user_and_groups": "UserAndGroups",
    "restricted_sids": "RestrictedSids",
    "primary_group": "PrimaryGroup",
    "dynamic_part": "DynamicPart",
    "default_dacl": "DefaultDacl",
    "token_type": "TokenType",
    "impersonation_level": "ImpersonationLevel",
    "flags": "TokenFlags",
    "in_use": "TokenInUse",
    "integrity_level_index": "IntegrityLevelIndex",
    "mandatory_policy": "MandatoryPolicy",
    "logon_session": "LogonSession",
    "originating_logon_session": "OriginatingLogonSession",
    "sid_hash": "SidHash",
    "restricted_sid_hash": "RestrictedSidHash",
    "security_attributes": "pSecurityAttributes",
    "package": "Package",
    "capabilities": "Capabilities",
    "capability_count": "CapabilityCount",
    "capabilities_hash": "CapabilitiesHash",
    "lowbox_number": "LowboxNumberEntry",
    "lowbox_handles_entry": "LowboxHandlesEntry",
    "claim_attributes": "pClaimAttributes",
    "trust_level_sid": "TrustLevelSid",
    "trust_linked_token": "TrustLinkedToken",
    "integrity_level_sid_value": "IntegrityLevelSidValue",
    "sid_values": "TokenSidValues",
    "index_entry": "IndexEntry",
    "diagnostics": "DiagnosticInfo",
    "bno_isolation_handles_entry": "BnoIsolationHandlesEntry",
    "session_object": "SessionObject",
    "variable_part": "VariablePart",
}

# The groups follow the token in its own allocation; an ordinary user's take about this much.
# Bytes behind the struct in its last page come with the same request.
_LIKELY_VARIABLE_PART = 0x300
# Longest believable VariableLength: the group limit of decode.sids, each a longest SID.
_VARIABLE_LIMIT = 0x60000
# DynamicPart holds the primary group's SID and the default DACL, in the order of 100 bytes.
_LIKELY_DYNAMIC_PART = 0x100

T = TypeVar("T")


def decode_token(target: Source, address: int, names: Dict[int, str], follow: bool = True) -> Maybe[Token]:
    """The token at `address`; Unreadable where no token lies there or its memory is gone.

    names   privilege names of this kernel (decode.privileges)
    follow  False reads only the token's own allocation and its logon session: what lies behind
            other pointers (primary group, DACL, capabilities ...) is NotAsked, and where each value was read is not kept
    Raises TypeNotFound or FieldNotFound when the symbols do not describe a token at all.
    """
    problems: List[str] = []
    try:
        header = body_offset(target)
    except LookupFailed:
        header = 0  # symbols without object headers: _not_a_token says so
    s = read_structure(target, TYPE, address, header, _LIKELY_VARIABLE_PART, origins=follow)
    if not s.span.pieces:
        return unreadable(s.span.holes[0])
    wrong = _not_a_token(target, address, problems)
    if wrong is not None:
        return wrong
    _fetch_variable_part(s, problems)
    if follow:
        _fetch_dynamic_part(s)

    def outside(path: str) -> Maybe[int]:
        pointer = s.uint(path)
        if follow or not isinstance(pointer, int) or pointer == 0:
            return pointer
        return NotAsked(pointer)

    groups = read_groups(target, s.uint("UserAndGroups"), s.uint("UserAndGroupCount"))
    restricted = read_groups(target, s.uint("RestrictedSids"), s.uint("RestrictedSidCount"))
    capabilities = read_groups(target, outside("Capabilities"), s.uint("CapabilityCount"))
    return Token(
        address=address,
        source_name=s.text("TokenSource.SourceName"),
        source_id=s.luid("TokenSource.SourceIdentifier"),
        token_id=s.luid("TokenId"),
        authentication_id=s.luid("AuthenticationId"),
        parent_token_id=s.luid("ParentTokenId"),
        expiration_time=s.sint("ExpirationTime"),
        token_lock=s.uint("TokenLock"),
        modified_id=s.luid("ModifiedId"),
        privileges=read_privileges(s, names),
        audit_policy=s.raw("AuditPolicy.AdtTokenPolicy"),
        audit_policy_status=s.uint("AuditPolicy.PolicySetStatus"),
        session_id=s.uint("SessionId"),
        user_and_group_count=s.uint("UserAndGroupCount"),
        restricted_sid_count=s.uint("RestrictedSidCount"),
        variable_length=s.uint("VariableLength"),
        dynamic_charged=s.uint("DynamicCharged"),
        dynamic_available=s.uint("DynamicAvailable"),
        default_owner_index=s.uint("DefaultOwnerIndex"),
        user_and_groups=groups,
        restricted_sids=restricted,
        primary_group=read_sid(target, outside("PrimaryGroup")),
        dynamic_part=s.uint("DynamicPart"),
        default_dacl=_acl(target, outside("DefaultDacl")),
        token_type=s.uint("TokenType"),
        impersonation_level=s.uint("ImpersonationLevel"),
        flags=s.uint("TokenFlags"),
        in_use=s.uint("TokenInUse"),
        integrity_level_index=s.uint("IntegrityLevelIndex"),
        mandatory_policy=s.uint("MandatoryPolicy"),
        logon_session=read_logon_session(target, s.uint("LogonSession")),
        originating_logon_session=s.luid("OriginatingLogonSession"),
        sid_hash=_hash(s, "SidHash"),
        restricted_sid_hash=_hash(s, "RestrictedSidHash"),
        security_attributes=_follow(target, outside("pSecurityAttributes"), _security_attributes),
        package=read_sid(target, outside("Package")),
        capability_count=s.uint("CapabilityCount"),
        capabilities=capabilities,
        capabilities_hash=_hash(s, "CapabilitiesHash"),
        lowbox_number=_follow(target, outside("LowboxNumberEntry"), _lowbox_number),
        lowbox_handles_entry=s.uint("LowboxHandlesEntry"),
        claim_attributes=_follow(target, outside("pClaimAttributes"), _claims),
        trust_level_sid=read_sid(target, outside("TrustLevelSid")),
        trust_linked_token=s.uint("TrustLinkedToken"),
        integrity_level_sid_value=read_sid(target, outside("IntegrityLevelSidValue")),
        sid_values=_follow(target, outside("TokenSidValues"), _sid_values),
        index_entry=s.uint("IndexEntry"),
        diagnostics=_follow(target, outside("DiagnosticInfo"), _diagnostics),
        bno_isolation_handles_entry=s.uint("BnoIsolationHandlesEntry"),
        session_object=s.uint("SessionObject"),
        variable_part=s.uint("VariablePart"),
        problems=tuple(problems),
        origins=_origins(s) if follow else {},
    )


def _origins(s: Structure) -> Dict[str, Origin]:
    """By the names of the model, of all that was asked for so far."""
    noted = s.origins
    return {name: noted[path] for name, path in FIELDS.items() if path in noted}


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
    return None


def _fetch_variable_part(s: Structure, problems: List[str]) -> None:
    """Groups and restricted SIDs lie behind the struct: fetch them in one request."""
    length = s.uint("VariableLength")
    if not isinstance(length, int) or not s.has("VariablePart"):
        return
    if length > _VARIABLE_LIMIT:
        problems.append("VariableLength 0x%x is not believable" % length)
    elif length:
        read_span(s.target, s.address_of("VariablePart"), length)


def _fetch_dynamic_part(s: Structure) -> None:
    """Primary group and default DACL lie together: fetch them in one request, within a page."""
    start = s.uint("DynamicPart")
    if isinstance(start, int) and start:
        read_span(s.target, start, min(_LIKELY_DYNAMIC_PART, PAGE_SIZE - start % PAGE_SIZE))


def _acl(target: Source, address: Maybe[int]) -> Maybe[Optional[Acl]]:
    if isinstance(address, Missing):
        return address
    if address == 0:
        return None
    try:
        return Acl.parse(target.read(address, acl_length(target.read(address, ACL_HEADER_SIZE))))
    except MemoryUnreadable as error:
        return unreadable(error)
    except BadFormat as error:
        return Unreadable(address, error.message)


def _hash(s: Structure, path: str) -> Maybe[SidHash]:
    count, pointer, words = (
        s.uint(path + ".SidCount"),
        s.uint(path + ".SidAttr"),
        s.array(path + ".Hash"),
    )
    for value in (count, pointer):
        if isinstance(value, Missing):
            return value
    if isinstance(words, Missing):
        return words
    assert isinstance(count, int) and isinstance(pointer, int)
    return SidHash(count, pointer, words)


def _follow(target: Source, address: Maybe[int], read: Callable[[Source, int], Maybe[T]]) -> Maybe[Optional[T]]:
    """What a pointer points to; None when it is null."""
    if isinstance(address, Missing):
        return address
    if address == 0:
        return None
    try:
        return read(target, address)
    except LookupFailed as error:
        return Absent(str(error.subject))


def _lowbox_number(target: Source, address: int) -> Maybe[int]:
    return read_members(target, "_SEP_LOWBOX_NUMBER_ENTRY", address, ["LowboxNumber"]).uint("LowboxNumber")


def _diagnostics(target: Source, address: int) -> Maybe[Diagnostics]:
    s = read_members(
        target,
        "_SEP_TOKEN_DIAG_TRACK_ENTRY",
        address,
        ["ProcessCid", "ThreadCid", "ImageFileName", "CreateMethod", "Count", "CaptureCount"],
    )
    return Diagnostics(
        address,
        s.uint("ProcessCid"),
        s.uint("ThreadCid"),
        s.text("ImageFileName"),
        s.uint("CreateMethod"),
        s.sint("Count"),
        s.sint("CaptureCount"),
    )


def _counts(type_name: str, names: Tuple[str, ...]) -> Callable[[Source, int], Maybe[AttributeList]]:
    def read(target: Source, address: int) -> Maybe[AttributeList]:
        s = read_members(target, type_name, address, names)
        return AttributeList(address, tuple((name, s.uint(name)) for name in names))

    return read


_security_attributes = _counts(
    "_AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION",
    ("SecurityAttributeCount", "WorkingSecurityAttributeCount"),
)
_claims = _counts(
    "_AUTHZBASEP_CLAIM_ATTRIBUTES_COLLECTION",
    ("DeviceGroupsCount", "RestrictedDeviceGroupsCount"),
)
_sid_values = _counts("_SEP_SID_VALUES_BLOCK", ("BlockLength", "SidCount"))
