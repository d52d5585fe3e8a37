"""Virtual memory out of a mapped file that holds physical pages: crash dumps and images of memory alike."""

from __future__ import annotations

from typing import Any, Optional

from kdtoken.errors import MemoryUnreadable
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.pages import PhysicalPages
from kdtoken.source.paging import PageTables

_TOP = 1 << 64
_LIMIT = 1 << 28  # longer reads are damage: page tables that run in a circle would serve any length


class PagedMemory:
    """A file, where its pages lie, and the page tables in force."""

    _data: Any
    pages: PhysicalPages
    tables: PageTables

    def read(self, address: int, size: int) -> bytes:
        """Kernel virtual memory.  Raises MemoryUnreadable, with what came before the stop."""
        low = address & (PAGE_SIZE - 1)
        if 0 < size <= PAGE_SIZE - low and 0 <= address < _TOP:  # nearly every read
            place = self.tables.place(address)
            if isinstance(place, int):
                data: bytes = self._data[place + low : place + low + size]
                return data
            raise MemoryUnreadable(address, size, place)
        if size <= 0:
            return b""
        if not 0 <= address < _TOP or address + size > _TOP:
            raise MemoryUnreadable(address, size, "outside the address space")
        if size > _LIMIT:
            raise MemoryUnreadable(address, size, "more than %d bytes at once" % _LIMIT)
        got = bytearray()
        while len(got) < size:
            at = address + len(got)
            place = self.tables.place(at)
            if isinstance(place, str):
                raise MemoryUnreadable(address, size, place, bytes(got))
            low = at & (PAGE_SIZE - 1)
            got += self._data[place + low : place + min(PAGE_SIZE, low + size - len(got))]
        return bytes(got)

    def physical_page(self, number: int) -> Optional[bytes]:
        """4096 bytes of the machine's physical memory; None if the file does not hold them."""
        offset = self.pages.offset(number)
        return None if offset is None else bytes(self._data[offset : offset + PAGE_SIZE])

    def close(self) -> None:
        """Let go of the file."""
        if not isinstance(self._data, bytes):
            self._data.close()
