"""A synthetic kernel's physical memory, and virtual memory seen through its own page tables.

Physical and virtual reads so give the same bytes, and a page that is taken away is gone for a
debugger that walks the page tables by itself, too.
"""

import struct
from typing import Dict, Iterable, List, Optional

from tests.machine.kernel import Kernel
from tests.machine.memory import PAGE
from tests.machine.paging import PAGED_OUT_PTE, PRESENT, PhysicalMemory

_FRAME = 0x000FFFFFFFFFF000  # bits of an entry that hold a physical address
_LARGE = 0x80  # the entry maps a large page itself


class Ram:
    """What is read is what was written: writes change this copy, never the kernel it came from."""

    def __init__(self, kernel: Kernel) -> None:
        physical = PhysicalMemory(kernel.memory, len(kernel.directory_base))
        self._first = physical.first
        self._pages: List[bytearray] = [bytearray(page) for page in physical.pages()]
        self._root = physical.first * PAGE
        self._known: Dict[int, int] = {}  # virtual page number -> physical address
        self._gone: Dict[int, bytes] = {}  # physical address of an entry -> what it was

    def read_physical(self, address: int, size: int) -> bytes:
        """As many bytes as there are, up to `size`."""
        out = bytearray()
        while len(out) < size:
            page = self._page(address + len(out))
            if page is None:
                break
            low = (address + len(out)) % PAGE
            out += page[low : low + size - len(out)]
        return bytes(out)

    def write_physical(self, address: int, data: bytes) -> int:
        """How many of the bytes could be written."""
        done = 0
        while done < len(data):
            page = self._page(address + done)
            if page is None:
                break
            low = (address + done) % PAGE
            piece = data[done : done + PAGE - low]
            page[low : low + len(piece)] = piece
            done += len(piece)
        self._known.clear()  # it may have been a page table
        return done

    def read(self, address: int, size: int) -> bytes:
        """As many bytes of virtual memory as there are before the first hole, up to `size`."""
        out = b""
        while len(out) < size:
            physical = self.translate(address + len(out))
            if physical is None:
                break
            out += self.read_physical(physical, min(size - len(out), PAGE - physical % PAGE))
        return out

    def write(self, address: int, data: bytes) -> int:
        """How many of the bytes could be written."""
        done = 0
        while done < len(data):
            physical = self.translate(address + done)
            if physical is None:
                break
            done += self.write_physical(physical, data[done : done + PAGE - physical % PAGE])
        return done

    def translate(self, address: int) -> Optional[int]:
        """Physical address; None where nothing is present."""
        address &= (1 << 64) - 1
        page = self._known.get(address // PAGE)
        if page is None:
            entry = self._entry(address)
            if entry is None:
                return None
            value = struct.unpack("<Q", self.read_physical(entry, 8))[0]
            if not value & PRESENT:
                return None
            page = self._known[address // PAGE] = value & _FRAME
        return page | address % PAGE

    def page_out(self, addresses: Iterable[int]) -> None:
        """Take the pages that these addresses are in from the debugger's sight."""
        for address in addresses:
            entry = self._entry(address)
            if entry is not None:
                self._gone.setdefault(entry, self.read_physical(entry, 8))
                self.write_physical(entry, struct.pack("<Q", PAGED_OUT_PTE))

    def page_in(self) -> None:
        """All that was taken away is there again."""
        for entry, value in self._gone.items():
            self.write_physical(entry, value)
        self._gone.clear()

    def _entry(self, address: int) -> Optional[int]:
        """Physical address of the page table entry of a virtual address (four levels, small pages)."""
        table = self._root
        for shift in (39, 30, 21):
            raw = self.read_physical(table + (address >> shift & 0x1FF) * 8, 8)
            value = struct.unpack("<Q", raw)[0] if len(raw) == 8 else 0
            if not value & PRESENT or value & _LARGE and shift != 39:
                return None
            table = value & _FRAME
        return table + (address >> 12 & 0x1FF) * 8

    def _page(self, address: int) -> Optional[bytearray]:
        index = address // PAGE - self._first
        return self._pages[index] if 0 <= index < len(self._pages) else None
