"""What a `_TOKEN` points to outside itself, and its hashes: one reader each, for the table in decode.token.

Readers take the pointer as it was read: what is missing stays missing, a null pointer is None.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Callable, List, Optional, Tuple, TypeVar

from kdtoken.decode.sids import read_sid
from kdtoken.decode.structure import Structure, lacking, numbers_of, read_members, unreadable
from kdtoken.errors import BadFormat, LookupFailed, MemoryUnreadable
from kdtoken.model.absent import Maybe, Missing, Unreadable
from kdtoken.model.acl import ACL_HEADER_SIZE, Acl, acl_length
from kdtoken.model.sid import Sid
from kdtoken.model.token import AttributeList, Diagnostics, Doubt, SidHash
from kdtoken.source.base import Source

T = TypeVar("T")


def read_acl(target: Source, address: Maybe[int]) -> Maybe[Optional[Acl]]:
    """An `_ACL` of AclSize bytes."""
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


# A hash -> the token's own pointer to the list that it is of.
_HASHED = {"SidHash": "UserAndGroups", "RestrictedSidHash": "RestrictedSids", "CapabilitiesHash": "Capabilities"}


def read_hash(s: Structure, path: str) -> Maybe[SidHash]:
    """A `_SID_AND_ATTRIBUTES_HASH` that is embedded at `path`."""
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
    hashed = s.uint(_HASHED[path]) if path in _HASHED else None
    return SidHash(count, pointer, words, hashed if isinstance(hashed, int) else None)


def hash_of(s: Structure, path: str, count: int, pointer: int, words: bytes, hashed: int) -> SidHash:
    """The same of its members' values; `hashed` is the token's own pointer."""
    place = s.place(path + ".Hash")
    elements = place.elements if place is not None else 0
    if not count and not pointer and not hashed:
        return _no_hash(words, elements)
    return SidHash(count, pointer, numbers_of(words, elements), hashed)


@lru_cache(maxsize=64)
def _no_hash(words: bytes, elements: int) -> SidHash:
    """That of an empty list, of which nearly all tokens have one or two."""
    return SidHash(0, 0, numbers_of(words, elements), 0)


def hash_parts(path: str) -> Tuple[str, ...]:
    """The members that it takes."""
    return (*(path + name for name in (".SidCount", ".SidAttr", ".Hash")), _HASHED[path])


def _behind(read: Callable[[Source, int], Maybe[T]]) -> Callable[[Source, Maybe[int]], Maybe[Optional[T]]]:
    """A reader of what lies at an address, made one of what a pointer leads to."""

    def follow(target: Source, address: Maybe[int]) -> Maybe[Optional[T]]:
        if isinstance(address, Missing):
            return address
        if address == 0:
            return None
        try:
            return read(target, address)
        except LookupFailed as error:
            return lacking(error, address)

    return follow


_LOWBOX = "_SEP_LOWBOX_NUMBER_ENTRY"


def _lowbox(target: Source, address: int) -> Structure:
    return read_members(target, _LOWBOX, address, ["PackageSid", "LowboxNumber"])


def _lowbox_number(target: Source, address: int) -> Maybe[int]:
    return _lowbox(target, address).uint("LowboxNumber")


def of_another_package(s: Structure, package: Maybe[Optional[Sid]]) -> List[str]:
    """Whether the entry that LowboxNumberEntry leads to is of another package than the token: it keeps the SID, too.

    Source: the member _SEP_LOWBOX_NUMBER_ENTRY.PackageSid of public symbols.
    """
    entry = s.uint("LowboxNumberEntry")
    if not isinstance(entry, int) or not entry or not isinstance(package, Sid):
        return []
    try:
        theirs = read_sid(s.target, _lowbox(s.target, entry).uint("PackageSid"))
    except LookupFailed:
        return []
    if not isinstance(theirs, Sid) or theirs == package:
        return []
    words = "LowboxNumberEntry is that of package %s, and Package is %s: one of them is another's" % (theirs, package)
    return [Doubt(words)]


# Members that are shown as addresses and not followed.
POINTERS = (
    "TokenLock",
    "TrustLinkedToken",
    "IndexEntry",
    "LowboxHandlesEntry",
    "BnoIsolationHandlesEntry",
    "SessionObject",
    "DiagnosticInfo",
    "pSecurityAttributes",
    "pClaimAttributes",
    "TokenSidValues",
)


def no_pointers(s: Structure) -> List[str]:
    """Pointers of a token that lead nowhere: into a program's half of memory, or between two words.

    x64 and ARM64 kernels lie in the highest 2**56 bytes at least, x86 ones in the upper half (the upper quarter where
    programs have three): "User space and system space" on learn.microsoft.com.  All of these are blocks of pool, which
    are aligned to two pointers.
    """
    found = []
    for name in POINTERS:
        value, place = s.uint(name), s.place(name)
        if not isinstance(value, int) or not value or place is None or place.size not in (4, 8):
            continue
        lowest = 0xFF << 56 if place.size == 8 else 1 << 31
        if value < lowest or value % place.size:
            found.append("%s is 0x%x, which is no address of the kernel's" % (name, value))
    return found


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


def _counts(type_name: str, *names: str) -> Callable[[Source, Maybe[int]], Maybe[Optional[AttributeList]]]:
    def read(target: Source, address: int) -> Maybe[AttributeList]:
        s = read_members(target, type_name, address, names)
        return AttributeList(address, tuple((name, s.uint(name)) for name in names))

    return _behind(read)


read_security_attributes = _counts(
    "_AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION",
    "SecurityAttributeCount",
    "WorkingSecurityAttributeCount",
)
read_claims = _counts(
    "_AUTHZBASEP_CLAIM_ATTRIBUTES_COLLECTION",
    "DeviceGroupsCount",
    "RestrictedDeviceGroupsCount",
)
read_lowbox_number = _behind(_lowbox_number)
read_diagnostics = _behind(_diagnostics)
read_sid_values = _counts("_SEP_SID_VALUES_BLOCK", "BlockLength", "SidCount")
