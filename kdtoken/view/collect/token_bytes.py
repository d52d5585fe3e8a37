"""Structures that GetTokenInformation fills, as bytes with the address at which they lay.

learn.microsoft.com: SID_AND_ATTRIBUTES, TOKEN_GROUPS; the pointers in them point into the same bytes.
"""

from typing import FrozenSet, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.absent import Maybe, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid


class Block:
    """Bytes of one class; pointers in them are addresses from `base` on."""

    def __init__(self, base: int, data: bytes, pointer_size: int) -> None:
        self.base, self.data, self.size = base, data, pointer_size

    def number(self, offset: int, size: int = 4) -> int:
        """An unsigned little-endian integer at an offset."""
        piece = self.data[offset : offset + size]
        if offset < 0 or len(piece) < size:
            raise BadFormat("%d bytes at offset %d are not there" % (size, offset), offset)
        return int.from_bytes(piece, "little")

    def pointer(self, offset: int) -> Optional[int]:
        """Where the pointer at an offset leads, as an offset into these bytes; None for null."""
        value = self.number(offset, self.size)
        return value - self.base if value else None

    def sid(self, offset: int = 0) -> Optional[Sid]:
        """The SID that the pointer at `offset` points to."""
        at = self.pointer(offset)
        return None if at is None else Sid.parse(self.data, at)

    def entry(self, offset: int = 0) -> Maybe[Group]:
        """SID_AND_ATTRIBUTES."""
        sid = self.sid(offset)
        if sid is None:
            return Unreadable(0, "the SID's pointer is null")
        return Group(sid, self.number(offset + self.size))

    def entries(self) -> Tuple[Maybe[Group], ...]:
        """TOKEN_GROUPS."""
        count = self.number(0)
        if count * 2 * self.size > len(self.data):
            raise BadFormat("%d groups do not fit %d bytes" % (count, len(self.data)), count)
        return tuple(self.entry(self.size + 2 * self.size * at) for at in range(count))

    def attribute_names(self) -> FrozenSet[str]:
        """Names of a TOKEN_SECURITY_ATTRIBUTES_INFORMATION, as System Informer's ntseapi.h has it.

        {USHORT Version, Reserved; ULONG AttributeCount; PTOKEN_SECURITY_ATTRIBUTE_V1 Attribute;}, and an attribute:
        {UNICODE_STRING Name; USHORT ValueType, Reserved; ULONG Flags, ValueCount; PVOID Values;}.
        """
        version, count, at = self.number(0, 2), self.number(4), self.pointer(8)
        if version != 1:
            raise BadFormat("version %d of the security attributes is not known" % version, version)
        step = 24 if self.size == 4 else 40
        if count and (at is None or at < 0 or at + count * step > len(self.data)):
            raise BadFormat("%d security attributes are not there" % count, count)
        found = set()
        for entry in range(at or 0, (at or 0) + count * step, step):
            length, text = self.number(entry, 2), self.pointer(entry + self.size)
            if length and (text is None or not 0 <= text <= len(self.data) - length):
                raise BadFormat("the name of a security attribute is not there", entry)
            found.add(self.data[text or 0 : (text or 0) + length].decode("utf-16-le", "backslashreplace"))
        return frozenset(found)

    def luid(self, offset: int = 0) -> Luid:
        """A `_LUID` at an offset."""
        return Luid.parse(self.data, offset)
