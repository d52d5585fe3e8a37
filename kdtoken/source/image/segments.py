"""Physical memory in a file: stretches of pages, each at its own place."""

from bisect import bisect_right
from typing import Iterable, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.pages import MAX_PAGE, PhysicalPages

Segment = Tuple[int, int, int]  # first page, number of pages, offset in the file

MAX_SEGMENTS = 1 << 16


class Segments(PhysicalPages):
    """Page number -> offset in the file, for any order of the stretches in it.

    exact  False where the container does not tell how memory is spread in it, so that this is a guess
    """

    def __init__(self, segments: Iterable[Segment], size: int, origin: str, exact: bool = True) -> None:
        """size  of the file.  Raises BadFormat for stretches that overlap or go beyond any memory."""
        super().__init__(0, size)
        self._size = size
        self.exact = exact
        self.segments: List[Segment] = sorted(one for one in segments if one[1] > 0)
        self._starts = [first for first, _, _ in self.segments]
        end = 0
        for first, count, offset in self.segments:
            if first < end or first + count > MAX_PAGE or offset < 0:
                raise BadFormat(
                    "%s: its table of memory is damaged: 0x%x pages from page 0x%x on" % (origin, count, first), origin
                )
            end = first + count
        self.pages = sum(count for _, count, _ in self.segments)
        self.highest = max(0, end - 1)

    @property
    def missing(self) -> int:
        """Pages behind the end of the file."""
        gone = 0
        for _, count, offset in self.segments:
            gone += count - max(0, min(count, (self._size - offset) // PAGE_SIZE))
        return gone

    def _segment(self, page: int) -> Optional[Segment]:
        near = bisect_right(self._starts, page) - 1
        if near < 0 or page >= self._starts[near] + self.segments[near][1]:
            return None
        return self.segments[near]

    def index(self, page: int) -> int:
        """0 for a page that is in the container, -1 for another: they are in no order here."""
        return -1 if self._segment(page) is None else 0

    def offset(self, page: int) -> Optional[int]:
        found = self._segment(page)
        if found is None:
            return None
        at = found[2] + (page - found[0]) * PAGE_SIZE
        return at if at + PAGE_SIZE <= self._size else None

    def cut_off(self, page: int) -> bool:
        found = self._segment(page)
        return found is not None and found[2] + (page - found[0] + 1) * PAGE_SIZE > self._size
