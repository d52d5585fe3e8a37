"""Crash dumps as bytes, in every shape that there is, and page tables to poke.

dump = Dump.of(kernel)                      # the pages of a synthetic kernel
dump.full(), dump.bitmap(), dump.ranges()   # the same memory in another container
dump.entry(address), dump.set_entry(address, 0)
"""

import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Dict, List, Optional, Tuple

from tests.machine.crashdump import FIELDS, HEADER_SIZE, write_dump
from tests.machine.kernel import Kernel

PAGE = 0x1000
VALID, LARGE, PROTOTYPE, TRANSITION = 1, 1 << 7, 1 << 10, 1 << 11
FRAME = (1 << 52) - PAGE
MAX_RUNS = 43


class Dump:
    """A header and physical pages by number."""

    def __init__(self, header: bytes, pages: Dict[int, bytes], root: int) -> None:
        self.header = bytearray(header)
        self.pages = pages
        self.root = root

    @classmethod
    def of(cls, kernel: Kernel) -> "Dump":
        with TemporaryDirectory() as folder:
            path = Path(folder) / "kernel.dmp"
            write_dump(kernel, path)
            data = path.read_bytes()
        first = struct.unpack_from("<Q", data, FIELDS["Run0BasePage"][0])[0]
        at = range(HEADER_SIZE, len(data), PAGE)
        pages = {first + index: data[start : start + PAGE] for index, start in enumerate(at)}
        return cls(data[:HEADER_SIZE], pages, struct.unpack_from("<Q", data, 0x10)[0])

    def copy(self) -> "Dump":
        return Dump(bytes(self.header), dict(self.pages), self.root)

    def put(self, name: str, *values: object) -> "Dump":
        """Set a field of the header, named as in tests.machine.crashdump."""
        offset, form = FIELDS[name]
        struct.pack_into("<" + form, self.header, offset, *values)
        return self

    # Page tables

    def _slot(self, address: int, bottom: int) -> Tuple[int, int]:
        """(page, index) of the entry at level `bottom` (39, 30, 21 or 12) that leads to the address."""
        page = self.root // PAGE
        for shift in (39, 30, 21, 12):
            index = address >> shift & 0x1FF
            if shift == bottom:
                return page, index
            page = (struct.unpack_from("<Q", self.pages[page], index * 8)[0] & FRAME) // PAGE
        raise AssertionError(bottom)

    def entry(self, address: int, level: int = 12) -> int:
        page, index = self._slot(address, level)
        return int(struct.unpack_from("<Q", self.pages[page], index * 8)[0])

    def set_entry(self, address: int, value: int, level: int = 12) -> "Dump":
        page, index = self._slot(address, level)
        table = bytearray(self.pages[page])
        struct.pack_into("<Q", table, index * 8, value)
        self.pages[page] = bytes(table)
        return self

    # Containers

    def runs(self) -> List[Tuple[int, int]]:
        """(first page, number of pages) of each stretch."""
        found: List[Tuple[int, int]] = []
        for page in sorted(self.pages):
            if found and found[-1][0] + found[-1][1] == page:
                found[-1] = (found[-1][0], found[-1][1] + 1)
            else:
                found.append((page, 1))
        return found

    def _data(self) -> bytes:
        return b"".join(self.pages[page] for page in sorted(self.pages))

    def full(self) -> bytes:
        """Type 1: the runs are in the header."""
        runs = self.runs()
        assert len(runs) <= MAX_RUNS
        self.put("DumpType", 1).put("NumberOfRuns", len(runs)).put("NumberOfPages", len(self.pages))
        for index, run in enumerate(runs):
            struct.pack_into("<QQ", self.header, 0x98 + 16 * index, *run)
        return bytes(self.header) + self._data()

    def bitmap(self, kind: int = 6, signature: bytes = b"SDMP", present: Optional[int] = None) -> bytes:
        """Types 2 (with a head of its own), 5 and 6: a bit a page."""
        bits = -(-(max(self.pages) + 1) // 64) * 64
        bitmap = bytearray(bits // 8)
        for page in self.pages:
            bitmap[page // 8] |= 1 << page % 8
        first = -(-(HEADER_SIZE + 0x38 + len(bitmap)) // PAGE) * PAGE
        present = len(self.pages) if present is None else present
        if kind == 2:
            head = struct.pack("<4s4s4x4I12x", signature, b"DUMP", first, bits, present, bits)
        else:
            head = struct.pack("<4s4s24xQQQ", signature, b"DUMP", first, present, bits)
        # The engine reads nothing behind RequiredDumpSpace.
        self.put("DumpType", kind).put("RequiredDumpSpace", first + PAGE * len(self.pages))
        return bytes(self.header) + (head + bitmap).ljust(first - HEADER_SIZE, b"\0") + self._data()

    def ranges(self, kind: int = 8) -> bytes:
        """Types 8, 9, 10: (first page, number of pages) in a table of their own."""
        table = b"".join(struct.pack("<QQ", *run) for run in self.runs()) + bytes(16)
        size = 0x10 + len(table)
        self.put("DumpType", kind)
        head = struct.pack(
            "<I4s4sIQQQQ", 0x40, b"RDMP", b"DUMP", 0, size, HEADER_SIZE + 0x20 + size, 0, len(self.pages)
        )
        return bytes(self.header) + head + table + self._data()
