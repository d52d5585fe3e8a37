"""Words of `!token`'s output: its labels and attributes, and what of a token each stands for."""

import re
from typing import Tuple

from kdtoken.model import group as groups
from kdtoken.model.absent import Maybe, Unreadable
from kdtoken.model.token_words import IMPERSONATION_LEVELS, TOKEN_TYPES

GROUPS, RESTRICTED, CAPABILITIES, PRIVILEGES, ATTRIBUTES = "groups", "restricted", "capabilities", "privs", "attributes"

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
SID_AND_REST = re.compile(r"(S-1-[0-9A-Fa-fx-]{1,250})(.*)$", re.IGNORECASE)
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


def attribute_bits(text: str) -> Tuple[Maybe[int], str]:
    """SE_GROUP_* bits of the words behind `Attributes -`, and the first word that nobody knows (then no bits)."""
    words = text.replace(",", " ").lower().split()
    strange = next((word for word in words if word not in GROUP_WORDS), "")
    if strange:
        return Unreadable(0, "attribute words not known: %r" % text.strip()), strange
    return sum({GROUP_WORDS[word] for word in words}), ""
