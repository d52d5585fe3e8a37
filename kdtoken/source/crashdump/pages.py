"""Where a physical page of the dumped machine lies in the file: runs, a bitmap, or ranges."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from typing import Iterable, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump import header as head
from kdtoken.source.crashdump.header import Buffer, DumpHeader

# Physical addresses of x64 have 52 bits at most (Intel SDM 3A, 4.1.4), hence page numbers 40.
MAX_PAGE = 1 << 40
_BLOCK = 64  # bytes of the bitmap between two remembered counts


class PhysicalPages:
    """Page number -> offset in the file.

    pages    pages that the dump should hold
    missing  of those, how many lie behind the end of a file that was cut short
    highest  highest page number that the dump should hold
    notes    what else is odd, in words
    """

    pages: int = 0
    highest: int = 0

    def __init__(self, first: int, size: int) -> None:
        self._first = first
        self._whole = max(0, (size - first) // PAGE_SIZE)
        self.notes: List[str] = []

    @property
    def missing(self) -> int:
        """How many pages of physical memory the header promises and the file is too short for."""
        return max(0, self.pages - self._whole)

    def index(self, page: int) -> int:
        """Which one in the file the page is, from 0 on; -1 if the dump does not hold it."""
        raise NotImplementedError

    def offset(self, page: int) -> Optional[int]:
        """Offset of the page in the file, None where it is not there."""
        found = self.index(page)
        return self._first + found * PAGE_SIZE if 0 <= found < self._whole else None

    def cut_off(self, page: int) -> bool:
        """Whether the page should be in the dump, but the file ends before it."""
        return self.index(page) >= self._whole


class Runs(PhysicalPages):
    """Stretches of pages, one behind the other in the file."""

    def __init__(self, runs: Iterable[Tuple[int, int]], first: int, size: int, origin: str) -> None:
        super().__init__(first, size)
        at, placed = 0, []
        for base, count in runs:
            if base + count > MAX_PAGE:
                raise BadFormat("%s: a run of 0x%x pages at 0x%x is not believable" % (origin, count, base), origin)
            placed.append((base, count, at))
            at += count
        placed.sort()
        self.pages = at
        self._starts = [base for base, _, _ in placed]
        self._ends = [base + count for base, count, _ in placed]
        self._at = [index for _, _, index in placed]
        self.highest = max(self._ends, default=1) - 1

    def index(self, page: int) -> int:
        near = bisect_right(self._starts, page) - 1
        if near < 0 or page >= self._ends[near]:
            return -1
        return self._at[near] + page - self._starts[near]


class Bitmap(PhysicalPages):
    """A bit a page; the pages whose bit is set follow each other in the file.

    The bits before a page are counted once for each stretch of 512: a bit test and a count of
    64 bytes answer a question, whatever the size of the machine.
    """

    def __init__(self, bitmap: bytes, bits: int, first: int, size: int) -> None:
        super().__init__(first, size)
        self._bitmap = bitmap
        self._bits = bits
        counts, total, last = array("Q"), 0, 0
        for at in range(0, len(bitmap), _BLOCK):
            counts.append(total)
            here = bin(int.from_bytes(bitmap[at : at + _BLOCK], "little")).count("1")
            total += here
            last = at if here else last
        self._counts = counts
        self.pages = total
        self.highest = max(0, last * 8 + int.from_bytes(bitmap[last : last + _BLOCK], "little").bit_length() - 1)

    def index(self, page: int) -> int:
        byte, bit = divmod(page, 8)
        if not 0 <= page < self._bits or not self._bitmap[byte] >> bit & 1:
            return -1
        block = byte // _BLOCK
        before = int.from_bytes(self._bitmap[block * _BLOCK : byte + 1], "little")
        before &= (1 << (page - block * _BLOCK * 8)) - 1
        return self._counts[block] + bin(before).count("1")


def locate_pages(data: Buffer, header: DumpHeader, origin: str) -> PhysicalPages:
    """The map of a dump's pages, by its kind.  Raises BadFormat."""
    if header.kind == head.FULL:
        return Runs(header.runs, head.HEADER_SIZE, len(data), origin)
    if header.kind in (head.RANGES_KERNEL, head.RANGES_KERNEL_USER, head.RANGES_FULL):
        return _ranges(data, header.kind, origin)
    return _bitmap(data, header.kind, origin)


def _bitmap(data: Buffer, kind: int, origin: str) -> Bitmap:
    raw, start = head.bitmap_header(data, kind, origin)
    length = -(-raw.bits // 8)
    if not 0 < length <= raw.first_page - start:
        raise BadFormat("%s: its bitmap of 0x%x bits does not fit before its first page" % (origin, raw.bits), origin)
    bitmap = bytes(data[start : start + length])
    if len(bitmap) < length:
        raise BadFormat(
            "%s is cut short within its bitmap: no page of memory is left" % origin, origin, "copy the dump again"
        )
    if raw.bits % 8:
        bitmap = bitmap[:-1] + bytes([bitmap[-1] & (1 << raw.bits % 8) - 1])
    made = Bitmap(bitmap, int(raw.bits), int(raw.first_page), len(data))
    if made.pages != raw.present:
        made.notes.append("its bitmap holds %d pages, its header says %d" % (made.pages, raw.present))
    return made


def _ranges(data: Buffer, kind: int, origin: str) -> Runs:
    raw = head.ranges_header(data, origin)
    start = head.HEADER_SIZE + head.RANGES_HEADER.size
    table = bytes(data[start : min(raw.first_page, len(data))])
    runs: List[Tuple[int, int]] = []
    total = 0
    for base, count in struct.iter_unpack("<QQ", table[: len(table) // 16 * 16]):
        if base == 0 or (kind == head.RANGES_FULL and total >= raw.total_pages):
            break
        runs.append((base, count))
        total += count
    if not runs:
        raise BadFormat("%s: its table of memory ranges is empty or cut off" % origin, origin)
    return Runs(runs, int(raw.first_page), len(data), origin)
