"""nt inside a dump: where it is loaded, and which PDB belongs to it.

Nothing here needs symbols.  The three ways to nt's base are public and do not move with the build:
KDDEBUGGER_DATA64 (wdbgexts.h of the Windows SDK), the start of LDR_DATA_TABLE_ENTRY (winternl.h),
and the PE format ("PE Format", learn.microsoft.com).
"""

from __future__ import annotations

import struct
from typing import Callable, Iterator, Optional, Tuple

from kdtoken.errors import MemoryUnreadable
from kdtoken.frozen import dataclass
from kdtoken.layout.pdb.identity import PdbIdentity, parse_rsds
from kdtoken.layout.pdb.image import ImageIdentity
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.header import MACHINE_AMD64, MACHINE_ARM64, DumpHeader

Read = Callable[[int, int], bytes]

KDBG_TAG, KDBG_BASE = 0x10, 0x18  # DBGKD_DEBUG_DATA_HEADER64.OwnerTag; KDDEBUGGER_DATA64.KernBase
NT = "ntoskrnl.exe"  # as symbol servers keep it
_DLL_BASE = 0x30  # LDR_DATA_TABLE_ENTRY.DllBase: behind three list entries of two pointers
_SEARCH = 0x2000000  # nt is smaller than 32 MiB
_DEBUG_DIRECTORY, _CODEVIEW, _ENTRY_SIZE = 6, 2, 28  # IMAGE_DIRECTORY_ENTRY_DEBUG, IMAGE_DEBUG_TYPE_CODEVIEW


@dataclass(frozen=True)
class Nt:
    """The kernel's image.

    identity  its PDB; None where the part that tells is not in the dump
    why       then: why not
    image     then: the EXE, by which a symbol server knows the PDB; None where that is not told either
    """

    base: int
    size: int
    identity: Optional[PdbIdentity]
    why: str = ""
    image: Optional[ImageIdentity] = None


def find_nt(read: Read, header: DumpHeader) -> Tuple[Optional[Nt], str]:
    """The kernel's image, or None and what was tried."""
    tried = []
    for how, base in _candidates(read, header):
        found = image_at(read, base)
        if found is not None:
            return found, ""
        tried.append("%s said 0x%x" % (how, base))
    return None, ", ".join(tried) or "neither KdDebuggerDataBlock nor PsLoadedModuleList can be read"


def _candidates(read: Read, header: DumpHeader) -> Iterator[Tuple[str, int]]:
    block = _bytes(read, header.debugger_data, KDBG_BASE + 8)
    if block[KDBG_TAG : KDBG_TAG + 4] == b"KDBG":
        yield "KdDebuggerDataBlock", struct.unpack_from("<Q", block, KDBG_BASE)[0]
    first = _bytes(read, header.module_list, 8)
    if first:
        entry = _bytes(read, int.from_bytes(first, "little") + _DLL_BASE, 8)
        if entry:
            yield "the first loaded module", int.from_bytes(entry, "little")
    # The list's head is a variable of nt: its image begins somewhere below.
    start = header.module_list // PAGE_SIZE * PAGE_SIZE
    for base in range(start, max(0, start - _SEARCH), -PAGE_SIZE):
        if _bytes(read, base, 2) == b"MZ" and image_at(read, base) is not None:
            yield "the search below PsLoadedModuleList", base


def image_at(read: Read, base: int) -> Optional[Nt]:
    """The image at `base`, if there is a 64-bit one."""
    head = _bytes(read, base, PAGE_SIZE)
    if base % PAGE_SIZE or head[:2] != b"MZ":
        return None
    new = struct.unpack_from("<I", head, 0x3C)[0]
    optional = new + 24
    if optional + 112 + 7 * 8 > PAGE_SIZE or head[new : new + 4] != b"PE\0\0":
        return None
    if struct.unpack_from("<H", head, new + 4)[0] not in (MACHINE_AMD64, MACHINE_ARM64):
        return None
    size = struct.unpack_from("<I", head, optional + 56)[0]
    rva, length = struct.unpack_from("<II", head, optional + 112 + 8 * _DEBUG_DIRECTORY)
    why = "it has no debug directory"
    for at in range(rva, rva + min(length, 16 * _ENTRY_SIZE), _ENTRY_SIZE):
        try:
            kind, record_size, record = struct.unpack_from("<III", read(base + at, _ENTRY_SIZE), 12)
            if kind != _CODEVIEW:
                why = "its debug directory names no PDB"
                continue
            data = read(base + record, min(record_size, 0x400))
        except MemoryUnreadable as error:
            why = "its debug directory at 0x%x cannot be read: %s" % (error.address, error.reason)
            continue
        identity = parse_rsds(data)
        if identity is not None:
            return Nt(base, size, identity)
        why = "its debug directory names no PDB"
    return Nt(base, size, None, why, ImageIdentity(NT, struct.unpack_from("<I", head, new + 8)[0], size))


def _bytes(read: Read, address: int, size: int) -> bytes:
    """The bytes, or none at all."""
    if address == 0:
        return b""
    try:
        return read(address, size)
    except MemoryUnreadable:
        return b""
