"""PDBs as bytes, written record by record after LLVM's "The PDB File Format".

pdb = Pdb()
fields = pdb.type(0x1203, member("Low", 0, ULONG) + member("High", 4, LONG))
pdb.struct("_LUID", 8, fields)
pdb.public("PsActiveProcessHead", 2, 0x10)
data = pdb.data()
"""

import struct
from typing import List, Optional, Sequence, Tuple

MAGIC = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"
BLOCK = 512
GUID = bytes(range(16))
CHAR, UCHAR, LONG, ULONG, UQUAD, VOID, PVOID64 = 0x70, 0x20, 0x12, 0x22, 0x23, 0x03, 0x603
STRUCTURE, UNION, ENUM, FIELDLIST = 0x1505, 0x1506, 0x1507, 0x1203
FORWARD = 0x80
SECTIONS = (0x1000, 0x5000)  # RVAs


def padded(data: bytes) -> bytes:
    """With LF_PADn up to a multiple of four."""
    left = -len(data) % 4
    return data + bytes(0xF0 + count for count in range(left, 0, -1))


def number(value: int) -> bytes:
    if 0 <= value < 0x8000:
        return struct.pack("<H", value)
    if value < 0:
        return struct.pack("<Hi", 0x8003, value)
    return struct.pack("<HI", 0x8004, value) if value < 1 << 32 else struct.pack("<HQ", 0x800A, value)


def member(name: str, offset: int, kind: int) -> bytes:
    return padded(struct.pack("<HHI", 0x150D, 3, kind) + number(offset) + name.encode() + b"\0")


def base_class(offset: int, kind: int) -> bytes:
    return padded(struct.pack("<HHI", 0x1400, 3, kind) + number(offset))


def enumerate_(name: str, value: int) -> bytes:
    return padded(struct.pack("<HH", 0x1502, 3) + number(value) + name.encode() + b"\0")


def nested(name: str, kind: int) -> bytes:
    return padded(struct.pack("<HHI", 0x1510, 0, kind) + name.encode() + b"\0")


def goes_on(index: int) -> bytes:
    return struct.pack("<HHI", 0x1404, 0, index)


class Pdb:
    """Types and symbols, put together by data()."""

    def __init__(self, age: int = 3, info_age: int = 7) -> None:
        self.age, self.info_age = age, info_age
        self._types: List[bytes] = []
        self._symbols: List[bytes] = []
        self.omap: Sequence[Tuple[int, int]] = ()

    def type(self, kind: int, body: bytes) -> int:
        """Add a record; returns its type index."""
        body = padded(struct.pack("<H", kind) + body)
        self._types.append(struct.pack("<H", len(body)) + body)
        return 0x1000 + len(self._types) - 1

    def struct(self, name: str, size: int, fields: int, kind: int = STRUCTURE, flags: int = 0) -> int:
        words = struct.pack("<HHI", 1, flags, fields) + (b"" if kind == UNION else bytes(8))
        return self.type(kind, words + number(size) + name.encode() + b"\0")

    def fields(self, *members: bytes) -> int:
        return self.type(FIELDLIST, b"".join(members))

    def enum(self, name: str, base: int, fields: int) -> int:
        return self.type(ENUM, struct.pack("<HHII", 1, 0, base, fields) + name.encode() + b"\0")

    def pointer(self, kind: int, size: int = 8) -> int:
        return self.type(0x1002, struct.pack("<II", kind, (0x0C if size == 8 else 0x0A) | size << 13))

    def array(self, kind: int, size: int) -> int:
        return self.type(0x1503, struct.pack("<II", kind, UQUAD) + number(size) + b"\0")

    def bits(self, kind: int, position: int, width: int) -> int:
        return self.type(0x1205, struct.pack("<IBB", kind, width, position))

    def modifier(self, kind: int) -> int:
        return self.type(0x1001, struct.pack("<IH", kind, 1))

    def procedure(self) -> int:
        return self.type(0x1008, struct.pack("<IBBHI", VOID, 0, 0, 0, 0))

    def public(self, name: str, segment: int, offset: int, kind: int = 0x110E) -> None:
        self.record(struct.pack("<HIIH", kind, 0, offset, segment) + name.encode() + b"\0")

    def record(self, body: bytes) -> None:
        """Add a symbol's record, from its kind on."""
        body += bytes(-(len(body) + 2) % 4)
        self._symbols.append(struct.pack("<H", len(body)) + body)

    def streams(self) -> List[Optional[bytes]]:
        """0 the old directory, 1 info, 2 types, 3 debug info, 4 ids, 5 symbols, 6 sections, 7 address map."""
        types = b"".join(self._types)
        count = len(self._types)
        tpi = struct.pack("<5I", 20040203, 56, 0x1000, 0x1000 + count, len(types)).ljust(56, b"\0") + types
        info = struct.pack("<III16s", 20000404, 0x5F000000, self.info_age, GUID)
        extra = [0xFFFF] * 11
        extra[5] = 6
        omap = b"".join(struct.pack("<II", *pair) for pair in self.omap)
        if omap:
            extra[4], extra[10] = 7, 6
        tail = struct.pack("<11H", *extra)
        debug = (
            struct.pack(
                "<iIIHHHHHHiiiiiIiiHHI",
                -1,
                19990903,
                self.age,
                0xFFFF,
                0,
                0xFFFF,
                0,
                5,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                len(tail),
                0,
                0,
                0x8664,
                0,
            )
            + tail
        )
        sections = b"".join(struct.pack("<8sII24x", b".data", 0x4000, rva) for rva in SECTIONS)
        return [b"", info, tpi, debug, None, b"".join(self._symbols), sections, omap]

    def data(self) -> bytes:
        return msf(self.streams())


def msf(streams: Sequence[Optional[bytes]], block: int = BLOCK) -> bytes:
    """An MSF file; None is a stream that was deleted.  Blocks are handed out backwards, to be found by number only."""
    blocks: List[bytes] = []
    lists: List[List[int]] = []
    for data in streams:
        pieces = [(data or b"")[at : at + block].ljust(block, b"\0") for at in range(0, len(data or b""), block)]
        blocks += reversed(pieces)
        lists.append(list(range(len(blocks) - 1, len(blocks) - 1 - len(pieces), -1)))
    first = 3  # 0 superblock, 1 and 2 free-block maps
    words = [len(streams)] + [0xFFFFFFFF if data is None else len(data) for data in streams]
    words += [first + number for numbers in lists for number in numbers]
    directory = struct.pack("<%dI" % len(words), *words)
    start = first + len(blocks)
    pieces = [directory[at : at + block].ljust(block, b"\0") for at in range(0, len(directory), block)]
    numbers = struct.pack("<%dI" % len(pieces), *range(start, start + len(pieces)))
    where = start + len(pieces)
    total = where + -(-len(numbers) // block)
    head = MAGIC + struct.pack("<6I", block, 1, total, len(directory), 0, where)
    whole = head.ljust(first * block, b"\0") + b"".join(blocks) + b"".join(pieces)
    return (whole + numbers).ljust(total * block, b"\0")
