"""Names for SIDs, worked out without LSA: a debugger or a dump has nobody to ask.

A name that Windows itself would show is given as an English Windows spells it (``NT AUTHORITY\\SYSTEM``); parts
that only the machine knows stand in angle brackets (``<domain>\\Domain Users``). An account that needs the
machine's own database has no name here: :func:`kind_of` then says what sort of SID it is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, Iterable, Mapping, Optional, Tuple

from kdtoken.frozen import dataclass, field
from kdtoken.model import sid_derive
from kdtoken.model.capability_names import CAPABILITY_NAMES
from kdtoken.model.integrity import integrity_text
from kdtoken.model.service_names import SERVICE_NAMES
from kdtoken.model.sid import BUILTIN_DOMAIN_RID, NT_AUTHORITY, Sid
from kdtoken.model.sid_tables import (
    BUILTIN_RIDS,
    DOMAIN_RIDS,
    KINDS,
    TRUST_LEVELS,
    TRUST_TYPES,
    WELL_KNOWN,
)

# Application pools that IIS set-up itself creates.
APPPOOL_NAMES = (
    "DefaultAppPool",
    "Classic .NET AppPool",
    ".NET v2.0",
    ".NET v2.0 Classic",
    ".NET v4.5",
    ".NET v4.5 Classic",
    "ASP.NET v4.0",
    "ASP.NET v4.0 Classic",
)

ENTRA_AUTHORITY = 12


@dataclass(frozen=True)
class Names:
    """What one source itself, or the person who reads it, calls SIDs that are not the same on every machine.

    accounts  of a domain or machine; others keep the names that Windows gives them everywhere
    services  names of services beside the built-in list: a service SID is a hash of the name, so it can be recognised
              but not read back; the machine's own are the keys of HKLM\\SYSTEM\\CurrentControlSet\\Services

    They belong to that source: another machine may have given the same SID to somebody else.
    """

    accounts: Mapping[Sid, str] = field(default_factory=dict)
    services: Tuple[str, ...] = ()

    def of(self, sid: Sid) -> Optional[str]:
        """The SID's name, or None if nobody here can tell."""
        if sid.is_domain_relative and sid in self.accounts:
            return self.accounts[sid]
        return name_of(sid, self.services)

    def with_accounts(self, accounts: Mapping[Sid, str]) -> Names:
        """These and more."""
        return Names({**self.accounts, **accounts}, self.services)

    def with_services(self, names: Iterable[str]) -> Names:
        """These and more; blanks around a name, and empty lines, are no part of it."""
        return Names(self.accounts, self.services + tuple(name.strip() for name in names if name.strip()))


@lru_cache(maxsize=8)
def _services(names: Tuple[str, ...]) -> Dict[Tuple[int, ...], str]:
    """Five hash words -> service name; one table for each list asked for, so the list is hashed once."""
    return {sid_derive.service_sid(name).subauthorities[1:]: name for name in names}


@lru_cache(maxsize=1)
def _apppools() -> Dict[Tuple[int, ...], str]:
    return {sid_derive.apppool_sid(name).subauthorities[1:]: name for name in APPPOOL_NAMES}


@lru_cache(maxsize=1)
def _capabilities() -> Dict[Tuple[int, ...], str]:
    """Eight hash words -> capability name; taken from the group form, which every name has."""
    names = CAPABILITY_NAMES + tuple(sid_derive.NUMBERED_CAPABILITIES.values())
    return {sid_derive.capability_group_sid(name).subauthorities[1:]: name for name in names}


def name_of(sid: Sid, services: Iterable[str] = ()) -> Optional[str]:
    """The SID's name, or None if only the machine that made it could tell.

    ``services`` are further service names (a mapping's keys will do) tried before the built-in list, for
    instance those the target's own list of services holds. Pass the same list each time: it is hashed once.
    """
    text = str(sid)
    if text in WELL_KNOWN:
        return WELL_KNOWN[text]
    if sid.is_integrity_label:
        return "Mandatory Label\\" + integrity_text(sid.subauthorities[0])
    if sid.is_trust_label:
        return trust_text(sid)
    if sid.is_logon_sid:
        return "Logon session {:x}:{:x}".format(*sid.subauthorities[1:])
    if sid.is_domain_relative:
        name = DOMAIN_RIDS.get(sid.subauthorities[-1])
        return None if name is None else "<domain>\\" + name
    if sid.is_capability:
        return _capability_name(sid)
    if sid.authority == ENTRA_AUTHORITY and len(sid.subauthorities) == 5 and sid.subauthorities[0] == 1:
        return "AzureAD\\<object {}>".format(sid_derive.guid_of_words(sid.subauthorities[1:]))
    if sid.authority == NT_AUTHORITY and len(sid.subauthorities) > 1:
        return _nt_name(sid.subauthorities[0], sid.subauthorities[1:], services)
    return None


def _nt_name(base: int, rest: Tuple[int, ...], services: Iterable[str]) -> Optional[str]:
    """Names under S-1-5-base-rest, for the bases that hold virtual accounts."""
    if base == BUILTIN_DOMAIN_RID:
        if len(rest) == 8:
            name = _capabilities().get(rest)
            return None if name is None else "capability group " + name
        return "BUILTIN\\" + BUILTIN_RIDS[rest[0]] if len(rest) == 1 and rest[0] in BUILTIN_RIDS else None
    if len(rest) == 5:
        if base in (80, sid_derive.RESTRICTED_SERVICE_BASE_RID):
            name = _services(tuple(services)).get(rest) or _services(SERVICE_NAMES).get(rest)
            prefix = "NT SERVICE\\" if base == 80 else "RESTRICTED SERVICES\\"
            return None if name is None else prefix + name
        if base == sid_derive.APPPOOL_BASE_RID:
            name = _apppools().get(rest)
            return None if name is None else "IIS APPPOOL\\" + name
        if base == sid_derive.VIRTUAL_MACHINE_BASE_RID and rest[0] == 1:
            # LSA shows the machine's GUID as the account name.
            return "NT VIRTUAL MACHINE\\{}".format(str(sid_derive.guid_of_words(rest[1:])).upper())
    if len(rest) == 2 and rest[0] == 0:
        if base == 90:
            return "Window Manager\\DWM-{}".format(rest[1])
        if base == 96:
            return "Font Driver Host\\UMFD-{}".format(rest[1])
    return None


def _capability_name(sid: Sid) -> Optional[str]:
    rest = sid.subauthorities[1:]
    if len(rest) == 1:
        name = sid_derive.NUMBERED_CAPABILITIES.get(rest[0])
    elif rest[0] == sid_derive.CAPABILITY_APP_RID:
        name = _capabilities().get(rest[1:])
    else:
        name = None  # a device interface's GUID, or an app's own package: nothing to look up
    return None if name is None else "capability " + name


def trust_text(sid: Sid) -> str:
    """``Process Trust\\ProtectedLight-WinTcb`` for S-1-19-512-8192; a number that has no name stays a number."""
    kind, level = sid.subauthorities
    return "Process Trust\\{}-{}".format(TRUST_TYPES.get(kind, str(kind)), TRUST_LEVELS.get(level, str(level)))


# For whatever no source gave names to.
NO_NAMES = Names()


def kind_of(sid: Sid) -> str:
    """What sort of SID it is, in a word or two (``package``, ``service``, ``domain user or group``)."""
    if sid.starts_with(NT_AUTHORITY, 21):
        if len(sid.subauthorities) == 4:
            return "domain"
        if not sid.is_domain_relative:
            return "NT authority"
    key = (sid.authority,) + sid.subauthorities
    for length in (2, 1):
        if key[:length] in KINDS:
            return KINDS[key[:length]]
    return "unknown authority"
