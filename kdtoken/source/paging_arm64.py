"""The page walk of ARM64 Windows: four levels of 4 KiB tables, as on x64 but for the bits of an entry.

"Arm Architecture Reference Manual" (DDI 0487), D8.3: bit 0 valid; bit 1 set for a table, and for a page at the last
level, clear for a block of 1 GiB or 2 MiB.  Windows keeps both halves in one table of 512 entries, TTBR1 pointing to its
second half, so that an index is what it is on x64; MemProcFS's vmmwininit.c takes roots for what they are by that, and its
mm_arm64.c entries in transition by the same bits as on x64.
"""

from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.header import Buffer
from kdtoken.source.crashdump.pages import PhysicalPages
from kdtoken.source.paging import NOT_MAPPED, PageTables, Place

_TABLE = 1 << 1
_SIGN = 1 << 55  # chooses between TTBR0 and TTBR1, whatever tag or pointer authentication code is above it
_PLAIN = (1 << 47) - 1


class Arm64PageTables(PageTables):
    """One address space of a dumped ARM64 machine."""

    frame = (1 << 50) - PAGE_SIZE  # bits 12 to 49; above are those that software, and permissions, have

    def __init__(self, data: Buffer, pages: PhysicalPages, root: int) -> None:
        """root  as in TTBR: bits 48 and up are the address space's number."""
        super().__init__(data, pages, root & (1 << 48) - PAGE_SIZE)

    @staticmethod
    def is_large(entry: int, shift: int) -> bool:
        """A block, which there is at the two levels in the middle only."""
        return not entry & _TABLE and shift != 39

    def place(self, address: int) -> Place:
        """Bits 47 to 63 are bit 55's copies, or a tag."""
        return super().place(plain(address))

    def _next(self, entry: int) -> Place:
        if entry & 3 == 1:
            return NOT_MAPPED  # a block where a table or a page belongs
        return super()._next(entry)


def plain(address: int) -> int:
    """An address without the tag (top byte) or the authentication code that its upper bits may carry."""
    low = address & _PLAIN
    return low | 0x1FFFF << 47 if address & _SIGN else low
