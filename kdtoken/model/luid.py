"""Locally unique identifiers: ``_LUID``, and the logon ids that every Windows machine shares.

``_LUID`` is ``ULONG LowPart; LONG HighPart;``, 8 bytes little-endian: [MS-DTYP] 2.3.7. No construct here:
two integers do not earn its import.
"""

from __future__ import annotations

import re
from typing import Dict, Optional

from kdtoken.errors import BadFormat
from kdtoken.frozen import dataclass

SIZE = 8  # bytes

# Logon ids that are the same on every machine: ntifs.h SYSTEM_LUID, ANONYMOUS_LOGON_LUID,
# LOCALSERVICE_LUID, NETWORKSERVICE_LUID, IUSER_LUID, PROTECTED_TO_SYSTEM_LUID.
WELL_KNOWN_LOGONS: Dict[int, str] = {
    0x3E2: "PROTECTED TO SYSTEM",
    0x3E3: "IUSR",
    0x3E4: "NETWORK SERVICE",
    0x3E5: "LOCAL SERVICE",
    0x3E6: "ANONYMOUS LOGON",
    0x3E7: "SYSTEM",
}

# WinDbg prints high:low, both hex and with or without 0x; a lone number is the whole 64 bits.
_TEXT = re.compile(r"\(?\s*(?:(?:0x)?([0-9a-f]{1,8})\s*[:,]\s*)?(?:0x)?([0-9a-f]{1,16})\s*\)?\Z", re.IGNORECASE)


@dataclass(frozen=True, order=True, slots=True)
class Luid:
    """``_LUID``: ``high`` is a signed 32-bit number, ``low`` an unsigned one; out of range is :class:`BadFormat`."""

    high: int
    low: int

    def __post_init__(self) -> None:
        if not -(1 << 31) <= self.high < 1 << 31:
            raise BadFormat("LUID HighPart does not fit a signed 32-bit number", self.high)
        if not 0 <= self.low < 1 << 32:
            raise BadFormat("LUID LowPart does not fit an unsigned 32-bit number", self.low)

    @classmethod
    def from_value(cls, value: int) -> Luid:
        """From the 64 bits as one number (LowPart is the low half); a negative number is read as signed."""
        if not -(1 << 63) <= value < 1 << 64:
            raise BadFormat("LUID does not fit 64 bits", value)
        high = (value >> 32) & 0xFFFFFFFF
        return cls(high - (1 << 32) if high >= 1 << 31 else high, value & 0xFFFFFFFF)

    @classmethod
    def parse(cls, data: bytes, offset: int = 0) -> Luid:
        """From the 8 bytes at ``offset``; fewer is :class:`BadFormat`."""
        piece = data[offset : offset + SIZE] if offset >= 0 else b""
        if len(piece) < SIZE:
            raise BadFormat("a LUID needs 8 bytes, only {} here".format(len(piece)), piece.hex())
        return cls.from_value(int.from_bytes(piece, "little"))

    @classmethod
    def from_text(cls, text: str) -> Luid:
        """From hex text: ``0x3e7``, ``3e7``, or high and low as in ``0:3e7``, ``0x0:3e7``, ``(0,0x3e7)``."""
        match = _TEXT.match(text.strip())
        if match is None:
            raise BadFormat("not the text of a LUID (0x3e7 or 0x0:3e7, in hex)", text)
        high, low = match.group(1), int(match.group(2), 16)
        if high is None:
            return cls.from_value(low)
        if low >= 1 << 32:
            raise BadFormat("LUID LowPart does not fit an unsigned 32-bit number", text)
        return cls.from_value(int(high, 16) << 32 | low)

    @property
    def value(self) -> int:
        """The 64 bits as one unsigned number."""
        return (self.high & 0xFFFFFFFF) << 32 | self.low

    def to_bytes(self) -> bytes:
        """The 8 bytes of ``_LUID``."""
        return self.value.to_bytes(SIZE, "little")

    @property
    def logon_name(self) -> Optional[str]:
        """Whose logon session this always is, if it is one of the shared ones; None otherwise."""
        return WELL_KNOWN_LOGONS.get(self.value)

    def __str__(self) -> str:
        """``0x3e7``, or ``0x1:3e7`` when the high half is not 0 (a negative one as its 32 bits)."""
        if self.high == 0:
            return "0x{:x}".format(self.low)
        return "0x{:x}:{:x}".format(self.high & 0xFFFFFFFF, self.low)
