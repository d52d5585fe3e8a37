"""What a `_TOKEN` points to outside itself, and its hashes: one reader each, for the table in decode.token.

Readers take the pointer as it was read: what is missing stays missing, a null pointer is None.
"""

from typing import Callable, Optional, TypeVar

from kdtoken.decode.structure import Structure, read_members, unreadable
from kdtoken.errors import BadFormat, LookupFailed, MemoryUnreadable
from kdtoken.model.absent import Absent, Maybe, Missing, Unreadable
from kdtoken.model.acl import ACL_HEADER_SIZE, Acl, acl_length
from kdtoken.model.token import AttributeList, Diagnostics, SidHash
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
            return Absent(str(error.subject))

    return follow


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
