"""Security identifiers: ``_SID``, its bytes and its text.

The layout is ``UCHAR Revision; UCHAR SubAuthorityCount; UCHAR IdentifierAuthority[6] (big-endian);
ULONG SubAuthority[SubAuthorityCount]`` and is fixed on every Windows build: [MS-DTYP] 2.4.2.2. The text
form is [MS-DTYP] 2.4.2.1. Names for SIDs are in :mod:`kdtoken.model.sid_names`.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.frozen import dataclass

HEADER_SIZE = 8  # bytes before the first sub-authority
MAX_SUBAUTHORITIES = 15  # [MS-DTYP] 2.4.2.2; winnt.h SID_MAX_SUB_AUTHORITIES
MAX_SIZE = HEADER_SIZE + 4 * MAX_SUBAUTHORITIES  # 68; winnt.h SECURITY_MAX_SID_SIZE
REVISION = 1  # winnt.h SID_REVISION

# Identifier authorities (winnt.h SECURITY_*_AUTHORITY, last of their six bytes).
NT_AUTHORITY = 5
APP_PACKAGE_AUTHORITY = 15
MANDATORY_LABEL_AUTHORITY = 16
PROCESS_TRUST_AUTHORITY = 19

# First sub-authorities (winnt.h).
LOGON_IDS_RID = 5
NT_NON_UNIQUE = 21
BUILTIN_DOMAIN_RID = 32
SERVICE_ID_BASE_RID = 80
APP_PACKAGE_BASE_RID = 2
CAPABILITY_BASE_RID = 3

_TEXT = re.compile(r"S-1-(0x[0-9a-f]{1,12}|[0-9]{1,15})((?:-[0-9]{1,10})*)\Z", re.IGNORECASE | re.ASCII)


def sid_length(header: bytes) -> int:
    """Bytes a SID takes (8 to 68), from its first 8 bytes; fewer than 8 or a bad header is :class:`BadFormat`.

    A reader of target memory asks this first, so the checks are those that hold before the rest is read.
    """
    if len(header) < HEADER_SIZE:
        raise BadFormat("a SID needs 8 bytes for its header, only {} here".format(len(header)), header.hex())
    revision, count = header[0], header[1]
    if revision != REVISION:
        raise BadFormat("not a SID: Revision (byte 0) is {}, must be 1".format(revision), header[:HEADER_SIZE].hex())
    if count > MAX_SUBAUTHORITIES:
        raise BadFormat(
            "not a SID: SubAuthorityCount (byte 1) is {}, at most 15".format(count), header[:HEADER_SIZE].hex()
        )
    return HEADER_SIZE + 4 * count


@dataclass(frozen=True, order=True)
class Sid:
    """``_SID`` as a value: hashable, ordered by authority and then sub-authorities.

    ``authority`` is the 48-bit number, ``subauthorities`` 0 to 15 numbers of 32 bits. Numbers out of range
    are :class:`BadFormat`.
    """

    authority: int
    subauthorities: Tuple[int, ...] = ()
    revision: int = REVISION

    def __post_init__(self) -> None:
        if self.revision != REVISION:
            raise BadFormat("SID revision is {}, must be 1".format(self.revision), self.revision)
        if not 0 <= self.authority < 1 << 48:
            raise BadFormat("SID authority does not fit 48 bits", self.authority)
        if len(self.subauthorities) > MAX_SUBAUTHORITIES:
            raise BadFormat(
                "{} has {} sub-authorities, a SID at most 15".format(self, len(self.subauthorities)), str(self)
            )
        for number in self.subauthorities:
            if not 0 <= number < 1 << 32:
                raise BadFormat("SID sub-authority does not fit 32 bits", number)

    @classmethod
    def parse(cls, data: bytes, offset: int = 0) -> Sid:
        """The SID at ``offset`` of ``data``; bytes after it are left alone. :class:`BadFormat` says what is wrong."""
        if offset < 0:
            raise BadFormat("a SID cannot start at a negative offset", offset)
        size = sid_length(data[offset : offset + HEADER_SIZE])
        body = data[offset : offset + size]
        if len(body) < size:
            raise BadFormat(
                "SID is cut off: SubAuthorityCount (byte 1) is {}, so {} bytes, only {} here".format(
                    body[1], size, len(body)
                ),
                body.hex(),
            )
        return _parse(body)

    @classmethod
    def from_text(cls, text: str) -> Sid:
        """The SID a text such as ``S-1-5-18`` or ``S-1-0x100000000000-1`` stands for, letter case ignored.

        [MS-DTYP] 2.4.2.1 wants at least one sub-authority and decimal only below 2**32; both are read
        leniently here, since a SID with none (``S-1-5``) is a valid ``_SID`` and Windows prints it.
        """
        match = _TEXT.match(text.strip())
        if match is None:
            raise BadFormat(
                "%.60r is not the text of a SID" % text, text, "S-1-AUTHORITY-NUMBER..., such as S-1-5-32-544"
            )
        authority, rest = match.group(1), match.group(2)
        number = int(authority, 16) if authority[:2] in ("0x", "0X") else int(authority)
        return cls(number, tuple(int(part) for part in rest.split("-")[1:]))

    def __str__(self) -> str:
        """The text of [MS-DTYP] 2.4.2.1: an authority of 2**32 or more is 0x and twelve hex digits."""
        authority = str(self.authority) if self.authority < 1 << 32 else "0x{:012x}".format(self.authority)
        return "-".join(["S", str(self.revision), authority] + [str(number) for number in self.subauthorities])

    def to_bytes(self) -> bytes:
        """The bytes of ``_SID``, :attr:`size` of them."""
        numbers = self.subauthorities
        head = bytes((self.revision, len(numbers))) + self.authority.to_bytes(6, "big")
        return head + struct.pack("<%dI" % len(numbers), *numbers)

    @property
    def size(self) -> int:
        """Bytes of the ``_SID``: 8 and 4 for each sub-authority."""
        return HEADER_SIZE + 4 * len(self.subauthorities)

    @property
    def rid(self) -> Optional[int]:
        """The relative identifier, the last sub-authority; None for a SID that has none."""
        return self.subauthorities[-1] if self.subauthorities else None

    def starts_with(self, authority: int, *first: int) -> bool:
        """Whether the authority and the first sub-authorities are these."""
        return self.authority == authority and self.subauthorities[: len(first)] == first

    @property
    def is_domain_relative(self) -> bool:
        """S-1-5-21-a-b-c-RID: an account of a domain or machine (not the domain itself, nor S-1-5-21-0-0-0-*)."""
        return (
            self.starts_with(NT_AUTHORITY, NT_NON_UNIQUE)
            and len(self.subauthorities) == 5
            and self.subauthorities[1:4] != (0, 0, 0)
        )

    @property
    def is_logon_sid(self) -> bool:
        """S-1-5-5-X-Y: one logon session (winnt.h SECURITY_LOGON_IDS_RID)."""
        return self.starts_with(NT_AUTHORITY, LOGON_IDS_RID) and len(self.subauthorities) == 3

    @property
    def is_integrity_label(self) -> bool:
        """S-1-16-LEVEL (winnt.h SECURITY_MANDATORY_LABEL_AUTHORITY)."""
        return self.authority == MANDATORY_LABEL_AUTHORITY and len(self.subauthorities) == 1

    @property
    def is_capability(self) -> bool:
        """S-1-15-3-...: an app capability (winnt.h SECURITY_CAPABILITY_BASE_RID)."""
        return self.starts_with(APP_PACKAGE_AUTHORITY, CAPABILITY_BASE_RID) and len(self.subauthorities) > 1

    @property
    def is_package(self) -> bool:
        """S-1-15-2-...: an app container, or one of the two ALL ... PACKAGES groups (SECURITY_APP_PACKAGE_BASE_RID)."""
        return self.starts_with(APP_PACKAGE_AUTHORITY, APP_PACKAGE_BASE_RID) and len(self.subauthorities) > 1

    @property
    def is_trust_label(self) -> bool:
        """S-1-19-TYPE-LEVEL: how far a protected process is trusted (SECURITY_PROCESS_TRUST_AUTHORITY)."""
        return self.authority == PROCESS_TRUST_AUTHORITY and len(self.subauthorities) == 2

    @property
    def is_service(self) -> bool:
        """S-1-5-80-five words: one service (winnt.h SECURITY_SERVICE_ID_BASE_RID, _RID_COUNT 6)."""
        return self.starts_with(NT_AUTHORITY, SERVICE_ID_BASE_RID) and len(self.subauthorities) == 6


@lru_cache(maxsize=4096)
def _parse(body: bytes) -> Sid:
    """A SID's exact bytes.  A machine's tokens hold the same few SIDs over and over."""
    # the authority is big-endian, unlike all after it
    return Sid(int.from_bytes(body[2:HEADER_SIZE], "big"), struct.unpack_from("<%dI" % body[1], body, HEADER_SIZE))
