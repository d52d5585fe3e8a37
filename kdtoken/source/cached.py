"""Nothing is read twice in a run: a memory of pages in front of any target.

The machine stands still while kdtoken runs (a halted kernel, a dump, a recording), so what was
read stays true.  Small reads are widened to the neighbours in the same page: over a serial line
a request costs four packets, more than 128 bytes do.  Who knows that no neighbour is wanted asks by read_just.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from kdtoken.errors import MemoryUnreadable, NotRecorded
from kdtoken.layout.layout import Layout
from kdtoken.source.base import PAGE_SIZE, BootMemory, Source

READ_AHEAD = 128


class CachedSource(Source):
    """Passes questions on, each part of memory once.  `requests` and `bytes_read` count them."""

    def __init__(self, inner: Source) -> None:
        self._inner = inner
        self.about = inner.about
        self.kept_processes, self.kept_threads = inner.kept_processes, inner.kept_threads
        self.cheap = inner.cheap
        self.requests = 0
        self.bytes_read = 0
        # page number -> (its bytes, the ranges of it that are known, in order)
        self._pages: Dict[int, Tuple[bytearray, List[Tuple[int, int]]]] = {}
        # page number -> why the target refused it; a page is there as a whole or not at all
        self._refused: Dict[int, str] = {}
        self._layouts: Dict[str, Layout] = {}
        self._symbols: Dict[str, int] = {}
        self.memo: Dict[Tuple[str, ...], Any] = {}  # layouts are asked for once, so they stay the same

    def layout(self, name: str) -> Layout:
        found = self._layouts.get(name)
        if found is None:
            found = self._layouts[name] = self._inner.layout(name)
        return found

    def symbol(self, name: str) -> int:
        found = self._symbols.get(name)
        if found is None:
            found = self._symbols[name] = self._inner.symbol(name)
        return found

    def command(self, text: str) -> str:
        return self._inner.command(text)

    def boot_memory(self) -> Optional[BootMemory]:
        return self._inner.boot_memory()

    def know(self, address: int, data: bytes) -> None:
        self._keep(address, data)

    def read_just(self, address: int, size: int) -> bytes:
        return self.read(address, size, 0)

    def read(self, address: int, size: int, ahead: int = READ_AHEAD) -> bytes:
        if self.cheap:
            data = self._inner.read(address, size)
            self.requests += 1
            self.bytes_read += size
            return data
        page = self._pages.get(address // PAGE_SIZE)
        if page is not None and size > 0:  # nearly every read: all of it known, within one page
            low = address % PAGE_SIZE
            high = low + size
            for start, stop in page[1]:
                if start <= low and high <= stop:
                    return bytes(page[0][low:high])
        known = self._known(address, size)
        if len(known) == size:
            return known
        start = address + len(known)
        want = address + size - start
        refused = self._refused.get(start // PAGE_SIZE)
        if refused is not None:
            raise MemoryUnreadable(address, size, refused, known)
        wide = max(want, min(ahead, self._unknown_room(start)))
        if wide > want:
            try:
                return known + self._fetch(start, wide)[:want]
            except NotRecorded:
                pass  # a recording or log may hold just the narrow range
            except MemoryUnreadable as error:
                if len(error.partial) >= want:
                    return known + error.partial[:want]
                raise MemoryUnreadable(address, size, error.reason, known + error.partial) from error
        try:
            return known + self._fetch(start, want)
        except NotRecorded as error:
            raise NotRecorded(
                address, size, error.next_step, known + error.partial, error.known, error.reason
            ) from error
        except MemoryUnreadable as error:
            raise MemoryUnreadable(address, size, error.reason, known + error.partial) from error

    def _fetch(self, address: int, size: int) -> bytes:
        self.requests += 1
        try:
            data = self._inner.read(address, size)
        except MemoryUnreadable as error:
            self._keep(address, error.partial)
            self.bytes_read += len(error.partial)
            self._note_refusal(address, size, error)
            raise
        self._keep(address, data)
        self.bytes_read += len(data)
        return data

    def _note_refusal(self, address: int, size: int, error: MemoryUnreadable) -> None:
        """Remember the page that the target did not give, where the error tells which one it is.

        What a recording does not hold is no page: its neighbours may be there.
        """
        stop = address + len(error.partial)
        one_page = address // PAGE_SIZE == (address + size - 1) // PAGE_SIZE
        at_border = stop % PAGE_SIZE == 0 and stop < address + size
        whole = at_border if error.partial else one_page
        if whole and not isinstance(error, NotRecorded):
            self._refused[stop // PAGE_SIZE] = error.reason

    def _unknown_room(self, address: int) -> int:
        """Bytes from `address` on in its page, up to the first that is known already."""
        number, low = divmod(address, PAGE_SIZE)
        page = self._pages.get(number)
        starts = [start for start, _ in page[1] if start > low] if page else []
        return min(starts, default=PAGE_SIZE) - low

    def _known(self, address: int, size: int) -> bytes:
        """As many of the bytes from `address` on as are known without a gap."""
        parts: List[bytes] = []
        at, end = address, address + size
        while at < end:
            page = self._pages.get(at // PAGE_SIZE)
            if page is None:
                break
            low = at % PAGE_SIZE
            high = min(PAGE_SIZE, low + end - at)
            upto = next((stop for start, stop in page[1] if start <= low < stop), low)
            upto = min(upto, high)
            parts.append(bytes(page[0][low:upto]))
            at += upto - low
            if upto < high:
                break
        return b"".join(parts)

    def _keep(self, address: int, data: bytes) -> None:
        at = 0
        while at < len(data):
            number, low = divmod(address + at, PAGE_SIZE)
            piece = data[at : at + PAGE_SIZE - low]
            page = self._pages.get(number)
            if page is None:
                page = self._pages[number] = (bytearray(PAGE_SIZE), [])
            page[0][low : low + len(piece)] = piece
            _add_range(page[1], low, low + len(piece))
            at += len(piece)


def _add_range(ranges: List[Tuple[int, int]], start: int, stop: int) -> None:
    """Put a range among sorted ones, joined with those that it touches."""
    touching = [pair for pair in ranges if pair[0] <= stop and start <= pair[1]]
    for pair in touching:
        ranges.remove(pair)
        start, stop = min(start, pair[0]), max(stop, pair[1])
    ranges.append((start, stop))
    ranges.sort()
