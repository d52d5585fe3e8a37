"""What a notice is about, and what nothing in memory can tell, by name and with the reason."""

import re
from typing import NamedTuple, Optional, Pattern, Tuple

from kdtoken.decode.token import MEMBERS
from kdtoken.decode.token_parts import POINTERS


def _about(notice: str, paths: str) -> Tuple[Pattern[str], Pattern[str]]:
    return re.compile(notice), re.compile("(?:%s)$" % paths)


_TOKEN = r"(?:token|linked|tokens\[\])"
_GROUPS = (
    _TOKEN
    + r"\.(?:user_and_groups.*|user|user\..*|integrity|integrity\..*|integrity_level|account|elevation|user_and_group_count)"
)
_SESSION = _TOKEN + r"\.(?:logon_session.*|account|elevation|authentication_id)|linked.*"
# A notice, and the facts that it marks: a value beside them is not drawn into doubt by it, nor excused.
ABOUT = (
    _about(r"_ETHREAD list: |threads cannot be listed", r"threads|tokens|linked|details\..*"),
    _about(r"_EPROCESS list: ", r"shared_with"),
    _about(r"UserAndGroups: SIDs of", _GROUPS + "|" + _TOKEN + r"\.(?:variable_length|variable_part)"),
    _about(r"RestrictedSids: SIDs of", _TOKEN + r"\.(?:restricted_sids.*|variable_length)"),
    _about(r"\bSidHash\.Sid(?:Count|Attr) is", _GROUPS + "|" + _TOKEN + r"\.(?:sid_hash\..*|default_owner.*)"),
    _about(r"RestrictedSidHash\.Sid", _TOKEN + r"\.(?:restricted_sid.*)"),
    _about(r"CapabilitiesHash\.Sid", _TOKEN + r"\.(?:capabilit.*)"),
    _about(r"its LogonSession is that of|logon-session: ", _SESSION),
    _about(r"label-entry: .*(?:label|IntegrityLevelIndex)", _GROUPS + "|" + _TOKEN + r"\.integrity_level_index"),
    _about(r"label-entry: .*owner|DefaultOwnerIndex", _TOKEN + r"\.(?:default_owner_index|user_and_groups.*)"),
    _about(r"NOT_LOW|label-and-flags", _TOKEN + r"\.(?:flags.*|integrity.*|user_and_groups.*)"),
    _about(r"IntegrityLevelSidValue is", _TOKEN + r"\.integrity_level_sid_value.*"),
    _about(r"LOWBOX|there is a package", _TOKEN + r"\.(?:flags.*|package.*|confined.*)"),
    _about(r"IS_RESTRICTED", _TOKEN + r"\.(?:flags.*|restricted_sid_count|restricted_sids.*|confined.*)"),
    _about(r"enabled without being present|enabled-not-present|nameless-priv", _TOKEN + r"\.privileges.*"),
    _about(r"says that it belongs to pid", r"threads\[\]\.pid|process\.pid"),
    _about(r"token-flags: |not marked as in use", _TOKEN + r"\.(?:in_use|flags.*)"),
    _about(r"integrity is off|integrity-off", _TOKEN + r"\.mandatory_policy.*"),
    _about(r"token of type Impersonation", _TOKEN + r"\.token_type.*"),
    _about(r"VariableLength 0x", _TOKEN + r"\.variable_length"),
    _about(r"session-and-token: ", _TOKEN + r"\.session_id|details\.session_id"),
    _about(r"LogonSession's Token is 0x", _TOKEN + r"\.logon_session\.token"),
    _about(r"could not check that this is a token", r"nothing"),
    _about(r"uncommon", _TOKEN + r"\.integrity.*|" + _GROUPS),
    _about(r"shares its token|shared-token", r"shared_with.*|process\.token.*"),
    _about(
        r"outside the \d+ bytes of DynamicPart",
        _TOKEN + r"\.(?:dynamic_part|dynamic_charged|primary_group.*|default_dacl.*)",
    ),
    _about(r"DynamicAvailable is", _TOKEN + r"\.(?:dynamic_available|dynamic_charged)"),
    _about(r"PrimaryGroup is S-\S+, which is none", _TOKEN + r"\.primary_group.*|" + _GROUPS),
    _about(r"Package is |LowboxNumberEntry is", _TOKEN + r"\.(?:package.*|lowbox_number|confined.*)"),
    _about(r"TrustLevelSid is", _TOKEN + r"\.trust_level_sid.*"),
    _about(r"^(?:[\w ]*: )?UserAndGroups: entry|IntegrityLevelIndex says that it has no label", _GROUPS),
    _about(r"RestrictedSids: entry", _TOKEN + r"\.restricted_sids.*"),
    _about(r"Capabilities: entry", _TOKEN + r"\.capabilities.*"),
    _about(
        r"(?:AuthenticationId|ParentTokenId) .* is newer than",
        _TOKEN + r"\.(?:token_id|parent_token_id|authentication_id).*",
    ),
    *(
        _about(r"%s is \d+, which means nothing" % name, _TOKEN + r"\.%s.*" % attribute)
        for name, attribute in (
            ("TokenType", "token_type"),
            ("ImpersonationLevel", "impersonation_level"),
            ("TokenInUse", "in_use"),
        )
    ),
    _about(r"MandatoryPolicy has bits", _TOKEN + r"\.mandatory_policy.*"),
    *(
        _about(r"%s is 0x[0-9a-f]+, which is no address" % one.path, _TOKEN + r"\.%s.*" % one.attribute)
        for one in MEMBERS
        if one.path in POINTERS
    ),
    _about(r"the kernel keeps its name twice", r"process\.image_name|image_path"),
    _about(r"the halves of its pair", r"(?:token|linked)\.(?:account|logon_session\.(?:account|authority)_name)"),
    _about(r"its parent's id", r"process\.parent_pid|parent.*"),
    _about(r"thread id \d+ is", r"threads\[\]\.tid"),
    _about(r"ActiveThreads is", r"details\.active_threads|threads|tokens"),
    _about(r"impersonates at level", r"threads\[\]\.impersonation.*|tokens\[\]\.impersonation_level.*"),
    _about(r"its token is unreadable", r"process\.token.*"),
    _about(r"the process has ended", r"details\.exit_time.*"),
)


class Row(NamedTuple):
    """Faults at `where` may change `paths` unmarked."""

    where: Pattern[str]
    paths: Pattern[str]
    reason: str


def _row(where: str, paths: str, reason: str) -> Row:
    return Row(re.compile("(?:%s)$" % where), re.compile("(?:%s)$" % paths), reason)


_ONCE = "the kernel keeps it once, and other values of it are as possible"
_NAMED_ONCE = (
    "TokenSource ExpirationTime TokenLock AuditPolicy DynamicCharged DynamicAvailable "
    "ImpersonationLevel TokenType TokenInUse MandatoryPolicy OriginatingLogonSession SessionId LowboxHandlesEntry IndexEntry "
    "BnoIsolationHandlesEntry SessionObject TrustLinkedToken DiagnosticInfo pSecurityAttributes pClaimAttributes "
    "TokenSidValues DefaultOwnerIndex Privileges VariablePart"
).split()
# Members that are kept once -> what is shown of each, by the decoder's own table of members.
_SHOWN = {name: "|".join(one.attribute for one in MEMBERS if one.path.split(".")[0] == name) for name in _NAMED_ONCE}
UNDETECTABLE: Tuple[Row, ...] = (
    *(
        _row(r"_TOKEN\.%s(?:\..*)?" % name, _TOKEN + r"\.(?:%s)(?:[.\[].*)?" % shown, _ONCE)
        for name, shown in _SHOWN.items()
        if shown
    ),
    _row(
        r"_TOKEN\.TokenFlags",
        _TOKEN + r"\.(?:flags.*|confined.*|elevation)",
        "but for LOWBOX, IS_RESTRICTED, NOT_LOW and the bits of the audit's rules, no flag is kept twice",
    ),
    _row(
        r"_TOKEN\.(?:TokenId|ModifiedId|ParentTokenId)(?:\..*)?",
        _TOKEN + r"\.(?:token_id|modified_id|parent_token_id).*",
        "of a token's ids only their order is known, and a duplicate keeps an older ModifiedId",
    ),
    _row(
        r"_TOKEN\.VariableLength",
        _TOKEN + r"\.variable_length",
        "how much room is left behind the last SID is not public; less than they take is noted",
    ),
    _row(
        r"_TOKEN\.\w*Hash\.Hash",
        _TOKEN + r"\.\w*hash\.words.*",
        "nothing public shows on a real token how the hash follows the SIDs (audit's sid-hash-bits compares, and says no more)",
    ),
    _row(
        r"_TOKEN\.(?:Package|TrustLevelSid|LowboxNumberEntry|IntegrityLevelSidValue|Capabilities)(?:\..*)?",
        _TOKEN
        + r"\.(?:package|trust_level_sid|lowbox_number|integrity_level_sid_value|capabilities)(?:[.\[].*)?|"
        + _TOKEN
        + r"\.confined.*",
        "a pointer to a block of its own, of which nothing is kept beside it",
    ),
    _row(
        r"_TOKEN\.IntegrityLevelIndex",
        _TOKEN + r"\.(?:integrity.*|elevation)",
        "0xffffffff says that the token has no label, as older ones do",
    ),
    _row(
        r"(?:SID of|attributes in) \w+|pointer in Capabilities|DefaultDacl",
        _TOKEN
        + r"\.(?:user_and_groups|restricted_sids|capabilities|primary_group|package|trust_level_sid|user|account|"
        r"integrity|integrity_level|default_dacl|elevation|confined)(?:[.\[_].*)?|linked",
        "the numbers of a SID, the attributes of an entry and the ACEs of an ACL are kept once",
    ),
    _row(
        r"(?:label )?pointer in UserAndGroups",
        _TOKEN + r"\.(?:user_and_groups|integrity|integrity_level|user|account)(?:[.\[_].*)?",
        "a pointer to another SID of the token's own, or of a label that may lie elsewhere when it was set later",
    ),
    _row(
        r"pointer in RestrictedSids|_TOKEN\.RestrictedSids",
        _TOKEN + r"\.restricted_sids(?:[.\[_].*)?",
        "a pointer to another SID of the token's own",
    ),
    _row(
        r"_TOKEN\.\w*Hash\.Sid(?:Attr|Count)",
        _TOKEN + r"\.\w*hash\.(?:sid_attr|count)",
        "of a list without SIDs nobody uses the hash; of others it is compared with the list",
    ),
    _row(r"_TOKEN\.DynamicPart", _TOKEN + r"\.dynamic_part", "that a token has no dynamic part is possible"),
    _row(
        r"_TOKEN\.PrimaryGroup",
        _TOKEN + r"\.primary_group",
        "null: NtCreateToken asks for one, but nothing beside it says that it is missing; it is shown as none",
    ),
    _row(
        r"_TOKEN\.DefaultDacl",
        _TOKEN + r"\.default_dacl(?:[.\[].*)?",
        "that a token has none is possible; another's is noted, but where it lies within the page that is charged for the own",
    ),
    _row(
        r"_SEP_LOWBOX_NUMBER_ENTRY\..*|_AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION\..*",
        _TOKEN + r"\.(?:lowbox_number|security_attributes.*)",
        _ONCE,
    ),
    _row(
        r"text of \w+|_SEP_LOGON_SESSION_REFERENCES\.(?:AccountName|AuthorityName)(?:\..*)?",
        _TOKEN + r"\.(?:account|logon_session\.(?:account_name|authority_name))",
        "the account's name is kept once; its user's SID is not made of it",
    ),
    _row(
        r"_SEP_LOGON_SESSION_REFERENCES\.(?:ReferenceCount|Flags|SiblingAuthId|Token)(?:\..*)?",
        _TOKEN + r"\.(?:logon_session\.(?:reference_count|flags|sibling_auth_id|token)|elevation)|linked(?:\..*)?",
        "kept once; the token of a pair's other half is compared with that half's id, one's own is not read for it",
    ),
    _row(
        r"_SEP_LOGON_SESSION_REFERENCES\.BuddyLogonId(?:\..*)?",
        _TOKEN + r"\.(?:logon_session\.buddy_logon_id|elevation|logon_session)|linked(?:\..*)?",
        "a pair that is not mutual is noted; that somebody has no buddy is possible",
    ),
    _row(
        r"_SEP_LOGON_SESSION_REFERENCES\.Next|nt!SepLogonSessions",
        r"linked(?:\..*)?",
        "a chain that ends early looks like one without that session, which is noted as no such session",
    ),
    _row(
        r"_ETHREAD\.Cid(?:\..*)?",
        r"threads\[\]\.(?:tid|pid)",
        "the table of ids would tell of a thread's own id; asking it would double a dump's requests. Its process's id is compared",
    ),
    _row(
        r"_ETHREAD\.(?:ClientSecurity|CrossThreadFlags|ActiveImpersonationInfo|ImpersonationInfo)(?:\..*)?",
        r"threads\[\]\.(?:impersonation(?:\..*)?|problems)|tokens(?:\[\])?(?:\..*)?",
        "the thread's word is the only one that says under which token it acts",
    ),
    _row(
        r"_ETHREAD\.ThreadListEntry",
        r"threads(?:\[\].*)?|tokens|details\..*",
        "of another build's symbols nothing in memory tells; debuggers and dumps are matched with their symbols by GUID",
    ),
    _row(
        r"_EPROCESS\.(?:InheritedFromUniqueProcessId|CreateTime|ExitTime|Protection|ActiveThreads|Session|PrimaryTokenFrozen|"
        r"ImageFileName|UniqueProcessId|SeAuditProcessCreationInfo|Flags\d?|ThreadListHead|MitigationFlags\w*|\w*Token\w*)(?:\..*)?"
        r"|elsewhere",
        r"(?:process|shared_with\[\])\.(?:parent_pid|image_name|pid)|details\..*|image_path.*|threads|tokens|parent.*|session.*",
        "kept once, or (the name, the id) in other processes' words only; the name is compared with the path's, as far as "
        "both are kept",
    ),
    _row(
        r"_EPROCESS\.Token(?:\..*)?",
        r"process\.token(?:\..*)?|token(?:\..*)?|linked(?:\..*)?|shared_with.*",
        "the process runs under what stands there; that others run under the same token is noted where the list was walked",
    ),
    _row(
        r"nt!\w+|_OBJECT_HEADER\..*",
        r"shared_with.*",
        "more is told where the table of ids could not be used and the list was walked",
    ),
)


def reason_of(kind: str, where: str, path: str) -> Optional[str]:
    """Why nothing can tell that a fault there changed the value at that path; None where a check should."""
    for row in UNDETECTABLE:
        if row.where.match(where) and row.paths.match(path):
            return row.reason
    return None
