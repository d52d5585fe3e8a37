"""From a name back to a SID, without LSA: the names that are the same on every machine, and those that are hashes.

An account of a machine or domain has no SID that a name could tell; nor has a name that a Windows of another language
spells.  Both are None here, never a guess.
"""

import re
from functools import lru_cache
from typing import Dict, List, Optional

from kdtoken.errors import BadFormat
from kdtoken.model import sid_derive
from kdtoken.model.capability_names import CAPABILITY_NAMES
from kdtoken.model.integrity import IntegrityLevel
from kdtoken.model.service_names import SERVICE_NAMES
from kdtoken.model.sid import BUILTIN_DOMAIN_RID, MANDATORY_LABEL_AUTHORITY, NT_AUTHORITY, Sid
from kdtoken.model.sid_names import ENTRA_AUTHORITY
from kdtoken.model.sid_tables import BUILTIN_RIDS, WELL_KNOWN

# Other spellings of tools: whoami, icacls, Get-Acl leave out or add the authority.
_ALSO = {"system": "S-1-5-18", "localsystem": "S-1-5-18", "creator owner": "S-1-3-0", "creator group": "S-1-3-1"}
# Authorities whose accounts have no list: the SID is made of the name itself.
_MADE_OF_NAMES = {
    "nt service\\": sid_derive.service_sid,
    "restricted services\\": sid_derive.restricted_service_sid,
    "iis apppool\\": sid_derive.apppool_sid,
}
# Name_publisher: the publisher's hash is 13 digits of base 32 without I, L, O and U ("Package identity overview").
_PACKAGE_FAMILY = re.compile(r"[A-Za-z0-9.-]+_[0-9a-hjkmnp-tv-z]{13}", re.IGNORECASE)
_GUID = r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?"
_VIRTUAL_MACHINE = re.compile(r"nt virtual machine\\" + _GUID)
_ENTRA_OBJECT = re.compile(r"azuread\\(?:<object )?" + _GUID + ">?")


@lru_cache(maxsize=1)
def _names() -> Dict[str, Sid]:
    found: Dict[str, Sid] = {}
    for text, name in WELL_KNOWN.items():
        sid = Sid.from_text(text)
        found[name.lower()] = sid
        # "Authenticated Users" without its authority, where nothing else is called so.
        found.setdefault(name.lower().rpartition("\\")[2], sid)
    for rid, name in BUILTIN_RIDS.items():
        sid = Sid(NT_AUTHORITY, (BUILTIN_DOMAIN_RID, rid))
        found["builtin\\" + name.lower()] = sid
        found.setdefault(name.lower(), sid)
    for level in IntegrityLevel:
        sid = Sid(MANDATORY_LABEL_AUTHORITY, (int(level),))
        found["mandatory label\\%s mandatory level" % level.text.lower()] = sid
        found["%s mandatory level" % level.text.lower()] = sid
    for name, text in _ALSO.items():
        found[name] = Sid.from_text(text)
    return found


def sid_of_name(name: str) -> Optional[Sid]:
    """The SID that a name or a SID's text stands for, any letter case; None where only a machine could tell.

    ``NT SERVICE\\x``, ``RESTRICTED SERVICES\\x``, ``IIS APPPOOL\\x`` and package family names are hashed, so every such
    name has a SID; ``NT VIRTUAL MACHINE\\GUID`` and ``AzureAD\\GUID`` hold theirs.
    """
    text = name.strip()
    if text[:2].upper() == "S-":
        try:
            return Sid.from_text(text)
        except BadFormat:
            return None
    lowered = text.lower()
    found = _names().get(lowered)
    if found is not None:
        return found
    for authority, made_of in _MADE_OF_NAMES.items():
        if lowered.startswith(authority) and len(lowered) > len(authority):
            return made_of(text[len(authority) :])
    if _PACKAGE_FAMILY.fullmatch(text):
        return sid_derive.package_sid(text)
    return _of_guid(lowered)


def _of_guid(lowered: str) -> Optional[Sid]:
    """The SID of an account whose name is a GUID."""
    machine, entra = _VIRTUAL_MACHINE.fullmatch(lowered), _ENTRA_OBJECT.fullmatch(lowered)
    named = machine or entra
    if named is None:
        return None
    from uuid import UUID  # brings subprocess and more along

    words = sid_derive.words_of_guid(UUID(named[1]))
    if machine:
        return Sid(NT_AUTHORITY, (sid_derive.VIRTUAL_MACHINE_BASE_RID, 1, *words))
    return Sid(ENTRA_AUTHORITY, (1, *words))


@lru_cache(maxsize=1)
def _service_names() -> Dict[str, str]:
    return {name.lower(): name for name in SERVICE_NAMES}


def service_named(name: str) -> Optional[str]:
    """The spelling of a service that is known by that name, any letter case."""
    return _service_names().get(name.strip().lower())


@lru_cache(maxsize=1)
def _capability_names() -> Dict[str, str]:
    names = CAPABILITY_NAMES + tuple(sid_derive.NUMBERED_CAPABILITIES.values())
    return {name.lower(): name for name in names}


def capability_named(name: str) -> List[Sid]:
    """The SIDs of a capability that is known by that name, any letter case: its own, and the group that stands for it."""
    known = _capability_names().get(name.strip().lower())
    return [] if known is None else [sid_derive.capability_sid(known), sid_derive.capability_group_sid(known)]
