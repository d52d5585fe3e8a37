"""The page walk of x64 with four levels: virtual address -> physical page, or why there is none.

Valid entries: Intel SDM volume 3A, 4.5.  Entries that the processor cannot use belong to Windows:
_MMPTE_SOFTWARE, _MMPTE_TRANSITION and _MMPTE_PROTOTYPE of the public symbols, the same since
Windows XP x64 (bit 10 Prototype, bit 11 Transition, bits 5-9 Protection, 32 and up PageFileHigh).
"""

from __future__ import annotations

import mmap
import struct
from typing import Dict, Iterator, List, Tuple, Union

from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.header import Buffer
from kdtoken.source.crashdump.pages import PhysicalPages

NOT_MAPPED = "not mapped"
PAGED_OUT = "paged out"
DEMAND_ZERO = "not mapped (demand zero: never touched)"
PROTOTYPE = "prototype page (not followed)"
NOT_IN_DUMP = "page not in the dump"
CUT_OFF = "page not in the dump (the file is cut short)"
NOT_CANONICAL = "not mapped (no canonical address)"

# Of a walk nearly every read is of one of the last few pages.
_MOST_KNOWN = 1 << 12
_VALID, _LARGE, _PROTOTYPE, _TRANSITION = 1, 1 << 7, 1 << 10, 1 << 11
_FRAME = (1 << 52) - PAGE_SIZE  # bits 12 to 51
_ENTRY = struct.Struct("<Q")

# Offset of a page in the file, or why it is not there.
Place = Union[int, str]


def let_go(data: Buffer) -> None:
    """Have the system take back what a mapped file takes of this process's memory.

    What is read again comes out of the system's own cache; and a walk of a large dump reads few pages twice.
    """
    advice = getattr(mmap, "MADV_DONTNEED", None)  # Windows has none, and trims by itself
    if advice is not None and isinstance(data, mmap.mmap):
        data.madvise(advice)


class PageTables:
    """One address space of the dumped machine.

    `in_transition` counts pages that were found through transition entries: taken from a
    working set, but still in memory, so as good as any.
    """

    frame = _FRAME

    def __init__(self, data: Buffer, pages: PhysicalPages, root: int) -> None:
        """root  physical address of the PML4, as in CR3"""
        self._data = data
        self._pages = pages
        self._root = (root & self.frame) // PAGE_SIZE  # CR3 and TTBR have tags and flags of their own
        self.in_transition = 0
        # address >> 21 -> (first page of a large page, 0), (-1, offset of the page table), or why not.
        self._regions: Dict[int, Union[str, Tuple[int, int]]] = {}
        self._known: Dict[int, Place] = {}  # page of an address -> its place

    def place(self, address: int) -> Place:
        """Where the page that holds the address lies in the file."""
        known = self._known.get(address >> 12)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
                let_go(self._data)
            known = self._known[address >> 12] = self._look_up(address)
        return known

    def _look_up(self, address: int) -> Place:
        number = address >> 21
        region = self._regions.get(number)
        if region is None:
            region = self._regions[number] = self._region(address)
        if isinstance(region, str):
            return region
        first, table = region
        if first >= 0:
            return self._file(first + (address >> 12 & 0x1FF))
        page = self._next(_ENTRY.unpack_from(self._data, table + (address >> 9 & 0xFF8))[0])
        return page if isinstance(page, str) else self._file(page)

    def regions(self, slot: int) -> Iterator[int]:
        """Addresses of the stretches of 2 MiB in which anything is mapped, of the kernel's half-terabyte `slot` (256-511)."""
        top = self._file(self._root)
        if isinstance(top, str):
            return
        start = 0xFFFF << 48 | slot << 39
        upper = self._next(_ENTRY.unpack_from(self._data, top + slot * 8)[0])
        table = upper if isinstance(upper, str) else self._file(upper)
        for index, entry in () if isinstance(table, str) else self._entries(table):
            at = start + (index << 30)
            if self.is_large(entry, 30):
                yield from range(at, at + (1 << 30), 1 << 21)
                continue
            lower = self._next(entry)
            below = lower if isinstance(lower, str) else self._file(lower)
            for inner, _ in () if isinstance(below, str) else self._entries(below):
                yield at + (inner << 21)

    def _entries(self, table: int) -> List[Tuple[int, int]]:
        """(index, entry) of those that are valid."""
        data = self._data[table : table + PAGE_SIZE]
        # All at once: many of an image's tables are nearly empty, and it may have thousands that are none.
        entries = struct.unpack("<%dQ" % (len(data) // _ENTRY.size), data)
        return [(index, entry) for index, entry in enumerate(entries) if entry & _VALID]

    @staticmethod
    def is_large(entry: int, shift: int) -> bool:
        """Whether a valid entry at this level maps a large page itself."""
        return bool(entry & _LARGE) and shift != 39

    def _region(self, address: int) -> Union[str, Tuple[int, int]]:
        """What the upper three levels say of the 2 MiB around the address."""
        if address >> 47 not in (0, 0x1FFFF):
            return NOT_CANONICAL
        page = self._root
        for shift in (39, 30, 21):
            table = self._file(page)
            if isinstance(table, str):
                return table if shift == 39 else "%s: its page table" % table
            entry: int = _ENTRY.unpack_from(self._data, table + (address >> shift & 0x1FF) * 8)[0]
            if entry & _VALID and self.is_large(entry, shift):
                # PAT takes bit 12, and the rest below the page's size is reserved.
                first = (entry & self.frame) >> shift << shift - 12
                return first + (address >> 12 & (1 << shift - 12) - 1 & ~0x1FF), 0
            below = self._next(entry)
            if isinstance(below, str):
                return below
            page = below
        table = self._file(page)
        return "%s: its page table" % table if isinstance(table, str) else (-1, table)

    def _next(self, entry: int) -> Place:
        """The page number in an entry, or why it has none."""
        if entry & _VALID:
            return (entry & self.frame) >> 12
        if entry & _PROTOTYPE:
            return PROTOTYPE
        if entry & _TRANSITION:
            self.in_transition += 1
            return self._unmasked((entry & self.frame) >> 12)
        if entry == 0:
            return NOT_MAPPED
        return PAGED_OUT if entry >> 32 else DEMAND_ZERO

    def _unmasked(self, page: int) -> int:
        """The page of a transition entry without the bit that newer Windows sets in invalid entries.

        Since the L1TF fixes of 2018 an entry that is not valid has one bit above all memory set, so
        that the processor cannot speculate through it.  One bit only, and only where it leads to a
        page that the dump holds.
        """
        if page > self._pages.highest:
            plain = page & ((1 << self._pages.highest.bit_length()) - 1)
            extra = page ^ plain
            if extra & (extra - 1) == 0 and self._pages.index(plain) >= 0:
                return plain
        return page

    def _file(self, page: int) -> Place:
        offset = self._pages.offset(page)
        if offset is not None:
            return offset
        return CUT_OFF if self._pages.cut_off(page) else NOT_IN_DUMP
