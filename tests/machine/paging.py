"""Four-level x64 page tables for a sparse memory, and the physical pages under them.

Facts: Intel SDM volume 3A, chapter 4; the self-map entry at PML4 index 0x1ed is where Windows
before 1607 had it always, and where one finds it often enough since.
"""

import struct
from typing import Dict, List

from tests.machine.memory import PAGE, Memory

FIRST_PFN = 0x1AD  # physical page of System's PML4; directory bases follow it
SELF_MAP = 0x1ED

PRESENT, WRITE, USER, ACCESSED, DIRTY, GLOBAL = 1, 2, 4, 0x20, 0x40, 0x100
TABLE_BITS = PRESENT | WRITE | ACCESSED | DIRTY
# A software PTE: not valid, in page file 0 at page 0x12340, protection read/write.
PAGED_OUT_PTE = 0x12340 << 32 | 4 << 5


class DirectoryBases:
    """Hands out the physical addresses that _KPROCESS.DirectoryTableBase holds, in order."""

    first = FIRST_PFN * PAGE

    def __init__(self) -> None:
        self.count = 0

    def new(self) -> int:
        """The next one."""
        self.count += 1
        return (FIRST_PFN + self.count - 1) * PAGE


class PhysicalMemory:
    """The pages of a virtual memory, one physical run from FIRST_PFN on.

    Every process gets a PML4 of its own at its directory base; all of them share what is below,
    as real ones share the kernel half.
    """

    def __init__(self, memory: Memory, directory_bases: int) -> None:
        self.first = FIRST_PFN
        self._tables: Dict[int, List[int]] = {}
        self._pages: List[bytes] = []
        self._roots = max(directory_bases, 1)
        self._next = FIRST_PFN + self._roots
        self._data: Dict[int, bytes] = {}
        self._root = self._fill(memory)

    def _new(self) -> int:
        self._next += 1
        return self._next - 1

    def _fill(self, memory: Memory) -> List[int]:
        root = [0] * 512
        for number in sorted(memory.pages):
            table, user = root, number < 1 << 35
            for shift in (27, 18, 9):
                index = number >> shift & 0x1FF
                if not table[index]:
                    pfn = self._new()
                    self._tables[pfn] = [0] * 512
                    table[index] = pfn * PAGE | TABLE_BITS | (USER if user else 0)
                table = self._tables[table[index] // PAGE & (1 << 40) - 1]
            if number in memory.paged_out:
                table[number & 0x1FF] = PAGED_OUT_PTE
                continue
            pfn = self._new()
            self._data[pfn] = bytes(memory.pages[number])
            table[number & 0x1FF] = pfn * PAGE | TABLE_BITS | (USER if user else GLOBAL)
        return root

    def pages(self) -> List[bytes]:
        """All pages of the run, in order."""
        run = []
        for index in range(self._roots):
            entries = list(self._root)
            entries[SELF_MAP] = (FIRST_PFN + index) * PAGE | TABLE_BITS
            run.append(struct.pack("<512Q", *entries))
        for pfn in range(FIRST_PFN + self._roots, self._next):
            table = self._tables.get(pfn)
            run.append(self._data[pfn] if table is None else struct.pack("<512Q", *table))
        return run
