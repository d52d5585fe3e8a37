"""Words of `!token`'s output: its labels in their order, its attributes, and what of a token each stands for."""

import re
from typing import Dict, Optional, Tuple, Union

from kdtoken.model import group as groups
from kdtoken.model.absent import ElevationSaid, Maybe, Unreadable
from kdtoken.model.token_words import IMPERSONATION_LEVELS, TOKEN_TYPES
from kdtoken.view.words import GOES_ON, hexadecimal

GROUPS, RESTRICTED, CAPABILITIES, PRIVILEGES, ATTRIBUTES = "groups", "restricted", "capabilities", "privs", "attributes"
# Rows above which no heading was seen.
UNKNOWN = "unknown"

NEVER_SHOWN = (
    "user_and_groups[0].attributes: only the user's SID is printed",
    "privileges: those that were removed are not listed",
    "source_name: blanks at its end are not seen",
    "expiration_time, default_dacl, default_owner_index, mandatory_policy, audit_policy: not printed",
)

GROUP_WORDS = {
    "mandatory": groups.MANDATORY,
    "default": groups.ENABLED_BY_DEFAULT,
    "enabled": groups.ENABLED,
    "owner": groups.OWNER,
    "denyonly": groups.USE_FOR_DENY_ONLY,
    "groupintegrity": groups.INTEGRITY,
    "groupintegrityenabled": groups.INTEGRITY_ENABLED,
    "groupresource": groups.RESOURCE,
    "resource": groups.RESOURCE,
    "logonid": groups.LOGON_ID,
}
LEVELS = {word.lower(): number for number, word in IMPERSONATION_LEVELS.items()}
TYPES = {word.lower(): number for number, word in TOKEN_TYPES.items()}
SID_AND_REST = re.compile(r"(S-1-[0-9A-Fa-fx-]{1,250}%s)(.*)$" % GOES_ON, re.IGNORECASE)
IN_USE = re.compile(r"\( ?Token (NOT )?in use ?\)", re.IGNORECASE)

# Label -> field of Token, for LUIDs and hex numbers that stand alone.
LUIDS = {
    "authenticationid": "authentication_id",
    "authid": "authentication_id",
    "tokenid": "token_id",
    "parenttokenid": "parent_token_id",
    "modifiedid": "modified_id",
    "originatinglogonsession": "originating_logon_session",
}
SIDS = {
    "primarygroup": "primary_group",
    "packagesid": "package",
    "package": "package",
    "processtokentrustlevelsid": "trust_level_sid",
    "trustlevelsid": "trust_level_sid",
    "processtrustlabel": "trust_level_sid",
}
# List -> field of Token.
FIELD_OF = {
    GROUPS: "user_and_groups",
    PRIVILEGES: "privileges",
    RESTRICTED: "restricted_sids",
    CAPABILITIES: "capabilities",
}
COUNTS = {
    "restrictedsidcount": "restricted_sid_count",
    "restrictedsdcount": "restricted_sid_count",
    "capabilitycount": "capability_count",
}
SECTIONS = {
    "groups": GROUPS,
    "usergroups": GROUPS,
    "usersgroups": GROUPS,
    "restrictedsids": RESTRICTED,
    "restrictingsids": RESTRICTED,
    "capabilities": CAPABILITIES,
    "securityattributes": ATTRIBUTES,
}
# Their order in the output of every generation; one that goes back, or comes twice, is another token's.
_ORDER = (
    ("tssessionid",),
    ("user",),
    ("groups", "usergroups", "usersgroups"),
    ("primarygroup",),
    ("privs", "privileges"),
    ("authenticationid", "authid"),
    ("impersonationlevel",),
    ("tokentype",),
    ("isrestrictedtoken",),
    ("source",),
    ("tokenflags",),
    ("tokenid",),
    ("parenttokenid",),
    ("modifiedid",),
    ("restrictedsidcount", "restrictedsdcount"),
    ("restrictedsids", "restrictingsids"),
    ("sandboxinert", "originatinglogonsession"),
    ("elevationtype", "packagesid", "package"),
    ("mandatorypolicy", "capabilitycount"),
    ("integritylevel", "capabilities"),
    ("processtrustlabel", "lowboxnumberentry"),
    ("lowboxnumber",),
    ("securityattributes",),
    ("processtokentrustlevelsid", "trustlevelsid"),
)
RANK: Dict[str, int] = {label: rank for rank, same in enumerate(_ORDER) for label in same}
# These two are printed as a pointer behind the count, and as a heading of the list.
TWICE = ("restrictedsids", "capabilities")
LAST = ("restrictedsidcount", "originatinglogonsession", "lowboxnumberentry")
# What stands right below the last row of a list in every genuine output.
CLOSED_BY = {
    GROUPS: ("primarygroup",),
    PRIVILEGES: ("authenticationid", "authid"),
    RESTRICTED: ("originatinglogonsession", "packagesid", "isrestrictedtoken"),
    CAPABILITIES: ("lowboxnumberentry",),
}


def attribute_bits(text: str) -> Tuple[Maybe[int], str]:
    """SE_GROUP_* bits of the words behind `Attributes -`, and the first word that nobody knows (then no bits)."""
    words = text.replace(",", " ").lower().split()
    strange = next((word for word in words if word not in GROUP_WORDS), "")
    if strange:
        return Unreadable(0, "attribute words not known: %r" % text.strip()), strange
    return sum({GROUP_WORDS[word] for word in words}), ""


# Facts that the kernel keeps as flags or policy bits, of which these name one only.
NOT_KEPT = ("isrestrictedtoken", "sandboxinert", "mandatorypolicy")
# TOKEN_ELEVATION_TYPE (winnt.h), with the word that the user-mode form has behind the number.
_ELEVATION = re.compile(r"(?:1 \(Default\)|2 \(Full\)|3 \(Limited\))$")


def word(label: str, value: str) -> Optional[Tuple[str, Union[int, str, ElevationSaid, None], bool]]:
    """Field of Token ("" where there is none), its value, and whether that is all; None for what no such label has."""
    if label == "tssessionid":
        # Hex throughout: 0xb with its prefix, and 0 is printed without one.
        session = hexadecimal(value)
        return ("session_id", session, True) if session is not None and session < 1 << 32 else None
    if label == "elevationtype":
        # It takes a logon session to tell, of which this is all that is said.
        said = ElevationSaid("!token", elevation=int(value[0])) if _ELEVATION.match(value) else None
        return None if said is None else ("logon_session", said, True)
    if label == "impersonationlevel":
        # In user mode it is printed of a primary token too, where it means nothing and can be anything.
        if value == "Illegal!":
            return "", None, True
        level = LEVELS.get(value.lower())
        return None if level is None else ("impersonation_level", level, True)
    if label == "tokentype":
        kind = TYPES.get(value.lower())
        return None if kind is None else ("token_type", kind, True)
    if label == "source":
        is_cut = value.endswith(("\u2026", ".."))
        return None if is_cut else ("source_name", value[:8].rstrip(), len(value) <= 8)
    if label == "lowboxnumberentry":
        entry = hexadecimal(value)
        return None if entry is None else ("" if entry else "lowbox_number", None, True)
    if label == "lowboxnumber" and value.isdigit() and value.isascii() and len(value) < 11:
        return "lowbox_number", int(value), True
    return None
