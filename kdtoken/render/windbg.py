"""A token in the very form of the debugger's own `!token ADDRESS`, for people and scripts that know it.

What could not be read stands in its place as `?? unreadable at ...`, which `!token` never prints.
"""

from typing import List, Sequence, Tuple

from kdtoken.model.absent import Absent, Maybe, Missing, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup, attribute_words
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import TYPE_IMPERSONATION, AttributeList, Doubt, Token
from kdtoken.model.token_words import IMPERSONATION_LEVELS, TOKEN_TYPES, value_word
from kdtoken.render.words import clean, show

# Where `!token` has a word of its own for a SE_GROUP_* attribute.
_ATTRIBUTES = {
    "EnabledByDefault": "Default",
    "UseForDenyOnly": "DenyOnly",
    "Integrity": "GroupIntegrity",
    "IntegrityEnabled": "GroupIntegrityEnabled",
    "Resource": "GroupResource",
}
# All that `!token` says of claims: of a list that is empty, which is no fault; and of one that is not, where nt's
# symbols are the public ones.
_EMPTY_CLAIMS = "Invalid AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION with no claims"
_UNNAMED_CLAIMS = "Unable to get the offset of nt!_AUTHZBASEP_SECURITY_ATTRIBUTE.ListLink"


def dump_lines(dump: ProcessDump) -> List[str]:
    """The primary token of a process; what is wrong with process or token comes last, after `!!`."""
    token = dump.token
    if isinstance(token, Token):
        lines = token_lines(token)
    elif token is None:
        lines = ["_TOKEN null: pid %s has no token, as after exit" % dump.process.pid]
    else:
        lines = ["_TOKEN %s" % show(token, str)]
    lines += ["!! %s" % clean(problem) for problem in dump.problems]
    check = dump.cross_check
    if check is not None and check.agrees is False:
        shown = "none" if check.token is None else "0x%x" % check.token
        lines.append("!! %s says that the token is %s: one of the two is wrong" % (check.command, shown))
    return lines


def token_lines(token: Token) -> List[str]:
    """What `!token` prints, its trailing blanks included."""
    lines = [
        "_TOKEN %s" % _pointer(token.address, token),
        "TS Session ID: %s" % show(token.session_id, lambda v: "0x%x" % v if v else "0"),
        "User: %s" % show(token.user, str),
    ]
    lines += _list(token, "User Groups: ", token.user_and_groups, 1)
    lines += _primary_group(token)
    lines += _privileges(token)
    lines += _ids(token)
    lines += _restricted(token)
    lines.append("OriginatingLogonSession: %s" % show(token.originating_logon_session, _hex))
    if not isinstance(token.package, (Absent, NotSaid)):
        lines += _app_container(token)
    return lines + ["%s %s" % ("!" if isinstance(one, Doubt) else "!!", clean(one)) for one in token.problems]


def _hex(luid: Luid) -> str:
    return "%x" % luid.value


def _pointer(value: int, token: Token) -> str:
    """As wide as the target's pointers, which a pointer of the token tells."""
    origin = token.origins.get("user_and_groups")
    width = 2 * len(origin.raw) if origin else 8 if 0 < token.address < 1 << 32 else 16
    return "0x%0*x" % (width, value)


def _digits(value: int, token: Token) -> str:
    return _pointer(value, token)[2:]


def _pointer_in(name: str, value: Maybe[object], token: Token) -> str:
    """The pointer itself, where the model keeps what it points to."""
    origin = token.origins.get(name)
    if origin is None:
        # A token of a text: its pointers are not kept, but that of nothing is null.
        return _pointer(0, token) if value in ((), None) else show(value, lambda _: "?? not kept of a text")
    return _pointer(int.from_bytes(origin.raw, "little"), token)


def _list(token: Token, title: str, groups: Maybe[Tuple[Maybe[Group], ...]], skip: int = 0) -> List[str]:
    """Entries in two lines each; the user, who is the first of UserAndGroups, has a line of his own."""
    if isinstance(groups, Missing):
        return [title.strip() + " " + show(groups, str)]
    lines = [title]
    for index, group in enumerate(groups[skip:]):
        if isinstance(group, HalfGroup) and group.pointer:
            # The very words of `!token`, which go on behind them.
            lines += [
                " %02d %s: Unable to get MIN SID header" % (index, _digits(group.pointer, token)),
                "%s: Unable to read in SID" % _digits(group.pointer, token),
                "    Attributes - ??" if group.attributes is None else _words(attribute_words(group.attributes)),
            ]
        elif isinstance(group, Missing):
            lines += [" %02d %s" % (index, show(group, str)), "    Attributes - ??"]
        else:
            lines += [" %02d %s" % (index, group.sid), _words(group.words)]
    return lines


def _words(words: Sequence[str]) -> str:
    return "    Attributes - %s" % "".join(_ATTRIBUTES.get(word, word) + " " for word in words)


def _primary_group(token: Token) -> List[str]:
    group = token.primary_group
    origin = token.origins.get("primary_group")
    # A text has no pointer; there the words are the debugger's own, and the address is where the SID lies.
    if isinstance(group, Unreadable) and (origin or (group.address and group.reason.startswith("Unable to get MIN"))):
        at = int.from_bytes(origin.raw, "little") if origin else group.address
        return [
            "Primary Group: %s: Unable to get MIN SID header" % _digits(at, token),
            "%s: Unable to read in SID" % _digits(at, token),
        ]
    return ["Primary Group: %s" % show(group, str, "(null)")]


def _privileges(token: Token) -> List[str]:
    privileges = token.privileges
    if isinstance(privileges, Missing):
        return ["Privs: " + show(privileges, str)]
    lines = ["Privs: "]
    for p in privileges:
        if p.present:
            state = ("Enabled " if p.enabled else "") + ("Default " if p.enabled_by_default else "")
            lines.append(" %02d 0x%09x %-32s  Attributes - %s" % (p.number, p.number, _name(p), state))
    return lines


def _name(privilege: Privilege) -> str:
    return privilege.name if privilege.name.startswith("Se") else "Unknown Privilege"


def _ids(token: Token) -> List[str]:
    source = show(token.source_name, clean)
    in_use = show(token.in_use, lambda v: "( Token in use )" if v else "( Token NOT in use ) ")
    if token.token_type == TYPE_IMPERSONATION:
        in_use = ""  # said of a primary token only
    return [
        "Authentication ID:         %s" % show(token.authentication_id, lambda v: "(%x,%x)" % _halves(v)),
        "Impersonation Level:       %s"
        % show(token.impersonation_level, lambda v: value_word(v, IMPERSONATION_LEVELS)),
        "TokenType:                 %s" % show(token.token_type, lambda v: value_word(v, TOKEN_TYPES)),
        "Source: %-18s TokenFlags: %s %s" % (source, show(token.flags, lambda v: "0x%x" % v), in_use),
        "Token ID: %-16s ParentToken ID: %s" % (show(token.token_id, _hex), show(token.parent_token_id, _hex)),
        "Modified ID:               %s" % show(token.modified_id, lambda v: "(%x, %x)" % _halves(v)),
    ]


def _halves(luid: Luid) -> Tuple[int, int]:
    return luid.high & 0xFFFFFFFF, luid.low


def _restricted(token: Token) -> List[str]:
    sids = token.restricted_sids
    lines = [
        "RestrictedSidCount: %-6s RestrictedSids: %s"
        % (show(token.restricted_sid_count, str), _pointer_in("restricted_sids", sids, token))
    ]
    return lines + (_list(token, "Restricted SIDs:", sids) if sids != () else [])


def _app_container(token: Token) -> List[str]:
    capabilities = token.capabilities
    lines = [
        "PackageSid: %s" % show(token.package, str, "(null)"),
        "CapabilityCount: %-6s Capabilities: %s"
        % (show(token.capability_count, str), _pointer_in("capabilities", capabilities, token)),
    ]
    if capabilities != ():
        lines += _list(token, "Capabilities:", capabilities)
    lines.append("LowboxNumberEntry: %s" % _pointer_in("lowbox_number", token.lowbox_number, token))
    if isinstance(token.package, Sid):
        lines.append("LowboxNumber: %-6s" % show(token.lowbox_number, str, "(null)"))
    lines.append("Security Attributes:")
    claims = token.security_attributes
    filled = isinstance(claims, AttributeList) and any(count != 0 for _, count in claims.counts)
    lines.append(show(claims, str) if isinstance(claims, Unreadable) else _UNNAMED_CLAIMS if filled else _EMPTY_CLAIMS)
    lines.append("Process Token TrustLevelSid: %s" % show(token.trust_level_sid, str, "(null)"))
    return lines
