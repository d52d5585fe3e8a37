"""SIDs that are computed from a name: services, application pools, capabilities, packages, virtual machines.

Each takes a cryptographic hash of the UTF-16LE name as 32-bit little-endian sub-authorities, so a name can be
confirmed but never read back; :mod:`kdtoken.model.sid_names` tries the names it knows. Sources: winnt.h
SECURITY_*_BASE_RID and _RID_COUNT for the shape; the hash of each was checked against SIDs that others published
(the tests say which).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.sid import (
    APP_PACKAGE_AUTHORITY,
    APP_PACKAGE_BASE_RID,
    BUILTIN_DOMAIN_RID,
    CAPABILITY_BASE_RID,
    NT_AUTHORITY,
    SERVICE_ID_BASE_RID,
    Sid,
)

if TYPE_CHECKING:
    from uuid import UUID

APPPOOL_BASE_RID = 82  # SECURITY_APPPOOL_ID_BASE_RID
VIRTUAL_MACHINE_BASE_RID = 83  # SECURITY_VIRTUALSERVER_ID_BASE_RID
RESTRICTED_SERVICE_BASE_RID = 99  # SECURITY_RESTRICTED_SERVICES_BASE_RID
CAPABILITY_APP_RID = 1024  # SECURITY_CAPABILITY_APP_RID: what follows is the hash of a name

# Capabilities of Windows 8, which have a number of their own: winnt.h SECURITY_CAPABILITY_*.
NUMBERED_CAPABILITIES: Dict[int, str] = {
    1: "internetClient",
    2: "internetClientServer",
    3: "privateNetworkClientServer",
    4: "picturesLibrary",
    5: "videosLibrary",
    6: "musicLibrary",
    7: "documentsLibrary",
    8: "enterpriseAuthentication",
    9: "sharedUserCertificates",
    10: "removableStorage",
    11: "appointments",
    12: "contacts",
    4096: "internetExplorer",
}
_CAPABILITY_NUMBERS = {name.lower(): number for number, name in NUMBERED_CAPABILITIES.items()}


def _sha1_words(text: str) -> Tuple[int, ...]:
    try:
        from _sha1 import sha1  # type: ignore[import-not-found,unused-ignore]  # hashlib brings OpenSSL: 6 ms
    except ImportError:
        from hashlib import sha1
    return struct.unpack("<5I", sha1(text.encode("utf-16-le")).digest())


def _sha256_words(text: str) -> Tuple[int, ...]:
    import hashlib

    return struct.unpack("<8I", hashlib.sha256(text.encode("utf-16-le")).digest())


def service_sid(name: str) -> Sid:
    """S-1-5-80-five words: SHA-1 of the service's key name in upper case; ``sc showsid NAME`` prints the same."""
    return Sid(NT_AUTHORITY, (SERVICE_ID_BASE_RID,) + _sha1_words(name.upper()))


def restricted_service_sid(name: str) -> Sid:
    """S-1-5-99-five words (``RESTRICTED SERVICES\\NAME``, Windows 11 24H2): hashed as a service's name is."""
    return Sid(NT_AUTHORITY, (RESTRICTED_SERVICE_BASE_RID,) + _sha1_words(name.upper()))


def apppool_sid(name: str) -> Sid:
    """S-1-5-82-five words: SHA-1 of the IIS application pool's name in LOWER case, unlike a service's."""
    return Sid(NT_AUTHORITY, (APPPOOL_BASE_RID,) + _sha1_words(name.lower()))


def capability_sid(name: str) -> Sid:
    """The SID of an app capability: its own number if it has one, else S-1-15-3-1024-eight words.

    The words are SHA-256 of the name in upper case, as RtlDeriveCapabilitySidsFromName gives them.
    """
    number = _CAPABILITY_NUMBERS.get(name.lower())
    if number is not None:
        return Sid(APP_PACKAGE_AUTHORITY, (CAPABILITY_BASE_RID, number))
    return Sid(APP_PACKAGE_AUTHORITY, (CAPABILITY_BASE_RID, CAPABILITY_APP_RID) + _sha256_words(name.upper()))


def capability_group_sid(name: str) -> Sid:
    """S-1-5-32-eight words: the group form of a capability, for services and users that hold it.

    winnt.h SECURITY_INSTALLER_GROUP_CAPABILITY_BASE (32) and _RID_COUNT (9); the same hash as the app form.
    """
    return Sid(NT_AUTHORITY, (BUILTIN_DOMAIN_RID,) + _sha256_words(name.upper()))


def package_sid(moniker: str) -> Sid:
    """S-1-15-2-seven words: the first seven words of SHA-256 of the container's name in lower case.

    For a packaged app the name is the package family name; else it is what the program gave to
    CreateAppContainerProfile. This is what DeriveAppContainerSidFromAppContainerName gives.
    """
    return Sid(APP_PACKAGE_AUTHORITY, (APP_PACKAGE_BASE_RID,) + _sha256_words(moniker.lower())[:7])


def guid_of_words(words: Tuple[int, ...]) -> UUID:
    """The GUID whose 16 bytes in memory are four 32-bit little-endian words; not four: :class:`BadFormat`."""
    if len(words) != 4:
        raise BadFormat("a GUID is four 32-bit words, not {}".format(len(words)))
    from uuid import UUID  # brings subprocess and more along

    return UUID(bytes_le=struct.pack("<4I", *words))


def words_of_guid(guid: UUID) -> Tuple[int, ...]:
    """The four words of a GUID, as S-1-5-83-1-* (virtual machine) and S-1-12-1-* (Entra ID object) carry them."""
    return struct.unpack("<4I", guid.bytes_le)
