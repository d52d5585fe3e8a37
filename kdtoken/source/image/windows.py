"""Windows in physical memory: roots of page tables, and the kernel's image in what they map.

Kilobytes first: the block that starts further processors lies in the first MiB and holds CR3 and an address in the
kernel (PROCESSOR_START_BLOCK: its first bytes, LmTarget at 0x70, Cr3 at 0xa0; MemProcFS's vmmwininit.c and Volatility's
pdbscan.py look for the same).  Only where that leads to nothing, all of the memory is gone through for a root that
points to itself, as each process's does.  Nothing here is believed: `kdtoken.source.image.image` proves it.
"""

import errno
import os
import re
import struct
from typing import Any, Callable, Iterator, List, Optional, Tuple

from kdtoken.frozen import dataclass
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.header import MACHINE_ARM64
from kdtoken.source.crashdump.kernel import Nt, Read, image_at
from kdtoken.source.image.segments import Segments
from kdtoken.source.paging import PageTables
from kdtoken.source.paging_arm64 import Arm64PageTables

Progress = Callable[[int, int], None]

_LOW = 1 << 20
_QWORD = struct.Struct("<Q")
_START, _START_MASK = 0x00000001000600E9, 0xFFFFFFFFFFFF00FF
_TARGET, _TARGET_BITS, _TARGET_MASK = 0x70, 0xFFFFF80000000000, 0xFFFFF80000000003
_CR3, _CR3_ZEROS = 0xA0, 0xFFFFFF0000000FFF
# nt is loaded in the half-terabyte from here on, on x64 and on ARM64.
_NT_SLOT = 0xFFFFF80000000000 >> 39 & 0x1FF
_ENTRIES, _HALF = 512, 256
_CHUNK = 1 << 24
# A valid table that only the kernel uses: x64 valid, writable, not user, not large; ARM64 valid and a table.
_TABLE_BITS = {False: (0x8000000000000087, 0x3), True: (0x3, 0x3)}
_NEAR = 1 << 26  # nt, and the hal beside it, are smaller
_STEPS = (1 << 21, 1 << 16, 1 << 12)
# Pages that are looked at for the head of an image: real kernels map some hundred MB there, page tables that
# run in a circle everything.
PROBES = 1 << 17
_MAX_ROOTS = 32
_KERNEL_PDB = re.compile(r"nt(krnl|oskrnl)[a-z0-9]*\.pdb$", re.IGNORECASE)


@dataclass(frozen=True)
class Root:
    """A root of page tables that somebody pointed to.

    root   its physical address
    near   an address in nt, or beside it; 0 where none was told
    how    where it was found, in words
    """

    root: int
    near: int
    how: str


def start_blocks(data: Any, pages: Segments) -> Iterator[Root]:
    """By the blocks that start processors, of which each kernel has one in the first MiB."""
    for number in range(1, _LOW // PAGE_SIZE):
        at = pages.offset(number)
        if at is None or _QWORD.unpack_from(data, at)[0] & _START_MASK != _START:
            continue
        target, root = _QWORD.unpack_from(data, at + _TARGET)[0], _QWORD.unpack_from(data, at + _CR3)[0]
        if target & _TARGET_MASK == _TARGET_BITS and not root & _CR3_ZEROS and root:
            yield Root(root, target, "by the processor start block at 0x%x" % (number * PAGE_SIZE))


def self_maps(data: Any, pages: Segments, machine: int, file: int, progress: Optional[Progress]) -> Iterator[Root]:
    """Roots that point to themselves, one for each kernel: those of all its processes have the same entry for nt.

    file  descriptor of the file, to pass over its holes
    """
    arm, seen, done = machine == MACHINE_ARM64, set(), 0
    mask, want = _TABLE_BITS[arm]
    frame = (Arm64PageTables if arm else PageTables).frame
    total = pages.pages * PAGE_SIZE
    for first, count, offset in pages.segments:
        for start, end in _extents(file, offset, min(offset + count * PAGE_SIZE, len(data)), offset):
            for chunk in range(start, end, _CHUNK):
                size = min(_CHUNK, end - chunk) // PAGE_SIZE * PAGE_SIZE
                for index in _likely(data, chunk, size, mask, want):
                    at = chunk + index * PAGE_SIZE
                    entries = struct.unpack("<512Q", data[at : at + PAGE_SIZE])
                    page = first + (at - offset) // PAGE_SIZE
                    if entries[_NT_SLOT] in seen or not _is_root(entries, page, pages, mask, want, frame):
                        continue
                    seen.add(entries[_NT_SLOT])
                    yield Root(page * PAGE_SIZE, 0, "by a root of page tables that points to itself")
                    if len(seen) >= _MAX_ROOTS:
                        return
                if progress is not None:
                    progress(done + chunk + size - offset, total)
        done += count * PAGE_SIZE
    if progress is not None:
        progress(total, total)


def _likely(data: Any, chunk: int, size: int, mask: int, want: int) -> Iterator[int]:
    """Pages whose entry for nt could be one."""
    with memoryview(data) as whole, whole[chunk : chunk + size] as part, part.cast("Q") as words:
        column = words[_NT_SLOT::_ENTRIES].tolist()
    for index, entry in enumerate(column):
        if entry & mask == want:
            yield index


def _is_root(entries: Tuple[int, ...], page: int, pages: Segments, mask: int, want: int, frame: int) -> bool:
    """Whether a page looks like the top of page tables: it points to itself, and elsewhere within memory only."""
    own = False
    for entry in entries[_HALF:]:
        if entry & mask != want:
            continue
        number = (entry & frame) // PAGE_SIZE
        if number > pages.highest:
            return False
        own = own or number == page
    return own


def _extents(file: int, start: int, end: int, base: int) -> Iterator[Tuple[int, int]]:
    """The parts of a range of the file that are no hole in it, in pages counted from `base`."""
    seek_data, seek_hole = getattr(os, "SEEK_DATA", None), getattr(os, "SEEK_HOLE", None)
    at = start
    while at < end:
        stop = end
        if seek_data is not None and seek_hole is not None:
            try:
                at = max(at, os.lseek(file, at, seek_data))
                stop = min(end, os.lseek(file, at, seek_hole))
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole from here on
                    return
        if at >= end:
            return
        at -= (at - base) % PAGE_SIZE
        stop = min(end, stop + -(stop - base) % PAGE_SIZE)
        yield at, stop
        at = stop


def find_image(tables: PageTables, data: Any, read: Read, near: int, left: List[int]) -> Optional[Nt]:
    """nt in what the tables map: around an address, else wherever kernels are loaded.

    left  one number: how many pages may still be looked at
    """
    for base in _bases(tables, near):
        left[0] -= 1
        if left[0] < 0:
            return None
        place = tables.place(base)
        if not isinstance(place, int) or data[place : place + 2] != b"MZ":
            continue
        found = image_at(read, base)
        if found is not None and found.identity is not None and _KERNEL_PDB.match(found.identity.name):
            return found
    return None


def _bases(tables: PageTables, near: int) -> Iterator[int]:
    if near:
        for step in _STEPS:
            down = near // step * step
            for distance in range(0, _NEAR, step):
                yield down - distance
            for distance in range(step, _NEAR // 4, step):
                yield down + distance
    for region in tables.regions(_NT_SLOT):
        yield from range(region, region + (1 << 21), PAGE_SIZE)
