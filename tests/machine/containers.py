"""Writes the physical pages of a synthetic machine as the files that people have: raw, .vmem with .vmss, ELF cores.

    pages = physical_pages(kernel)            # page number -> bytes, with the block that starts processors
    write_raw(pages, path)                    # sparse: a hole of the machine is a hole of the file
    write_vmem(pages, path, "vmsn")
    write_elf(pages, path, cr3=...)

Formats: Volatility 3's vmware.py layer reads the .vmss written here, and elf.py the cores; the start block is what
MemProcFS and Volatility look for in the first MiB.  Both open these files in the bench.
"""

import struct
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

from tests.dump_bytes import Dump
from tests.machine.kernel import Kernel
from tests.machine.memory import PAGE

Pages = Dict[int, bytes]
START_BLOCK = 1  # page number
LOW_END, HIGH_START = 3 << 30, 4 << 30  # of VMware's machines: where memory stops for devices, and goes on


def start_block(root: int, target: int) -> bytes:
    """PROCESSOR_START_BLOCK: a jump, LmTarget at 0x70, and CR3 in the processor's state at 0xa0."""
    block = bytearray(PAGE)
    struct.pack_into("<Q", block, 0, 0x00000001000600E9 | 0x4D << 8)
    struct.pack_into("<Q", block, 0x70, target)
    struct.pack_into("<Q", block, 0xA0, root)
    return bytes(block)


def physical_pages(kernel: Kernel, block: bool = True) -> Pages:
    """The machine's pages."""
    dump = Dump.of(kernel)
    pages = dict(dump.pages)
    if block:
        pages[START_BLOCK] = start_block(dump.root, kernel.symbols["KiSystemStartup"])
    return pages


def runs(numbers: Iterable[int]) -> List[Tuple[int, int]]:
    """(first page, count) of stretches without a gap."""
    found: List[Tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][0] + found[-1][1] == number:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found


def write_raw(pages: Pages, path: Path, size: int = 0, low_end: int = 0) -> Path:
    """Offset is address; with `low_end`, what is at 4 GiB and above follows what is below that."""
    with open(str(path), "wb") as out:
        for number, data in sorted(pages.items()):
            at = number * PAGE
            out.seek(at if not low_end or at < low_end else at - HIGH_START + low_end)
            out.write(data)
        out.truncate(max(out.tell(), size))
    return path


def write_vmem(pages: Pages, path: Path, side: Optional[str] = "vmss", size: int = 0) -> Path:
    """A .vmem as VMware leaves it, with the hole below 4 GiB left out, and its side file, if one is wanted."""
    high = max(pages) * PAGE >= HIGH_START
    write_raw(pages, path, size, LOW_END if high else 0)
    if side is None:
        return path
    total = path.stat().st_size
    regions = [(0, 0, min(total, LOW_END) // PAGE)]
    if high:
        regions.append((HIGH_START // PAGE, LOW_END // PAGE, (total - LOW_END) // PAGE))
    path.with_suffix("." + side).write_bytes(vmss(regions))
    return path


def _tag(name: str, indices: Tuple[int, ...], value: bytes) -> bytes:
    head = struct.pack("<BB", len(indices) << 6 | len(value), len(name)) + name.encode()
    return head + struct.pack("<%dI" % len(indices), *indices) + value


def vmss(regions: List[Tuple[int, int, int]], magic: bytes = b"\xd2\xbe\xd2\xbe", inner: bytes = b"") -> bytes:
    """A suspended state: regions of (physical page, page of the .vmem, pages), two groups and odd tags among them."""
    tags = _tag("align_mask", (0,), struct.pack("<I", 0xFFFF))
    tags += _tag("regionsCount", (), struct.pack("<I", len(regions)))
    for index, (first, at, count) in enumerate(regions):
        tags += _tag("regionPageNum", (index,), struct.pack("<I", at))
        tags += _tag("regionPPN", (index,), struct.pack("<I", first))
        tags += _tag("regionSize", (index,), struct.pack("<I", count))
    # A long one: its length twice, then how much padding, then that and the data, as the picture of the screen is kept.
    wide = "<II" if magic[0] & 0xF == 0 else "<QQ"
    tags += struct.pack("<BB", 0x3F, 4) + b"Blob" + struct.pack(wide, 5, 5) + struct.pack("<H", 3) + b"...12345"
    if inner:
        tags += struct.pack("<BB", 0x80 | 0x3F, 6) + b"Memory" + struct.pack("<II", 0, 0)
        tags += struct.pack(wide, len(inner), len(inner)) + struct.pack("<H", 7) + bytes(7) + inner
    tags += b"\0\0"
    groups = [(b"Checkpoint", b"\0\0"), (b"memory", tags)]
    at = 12 + 80 * len(groups)
    table, body = b"", b""
    for name, data in groups:
        table += struct.pack("<64sQQ", name, at + len(body), len(data))
        body += data
    return magic + struct.pack("<II", 8, len(groups)) + table + body


def _note(name: bytes, kind: int, body: bytes) -> bytes:
    padded = name + b"\0" * (-len(name) % 4)
    return struct.pack("<III", len(name), len(body), kind) + padded + body + b"\0" * (-len(body) % 4)


def write_elf(
    pages: Pages, path: Path, cr3: Optional[int] = None, machine: int = 62, virtual_box: bool = False
) -> Path:
    """An ELF core with a segment a stretch of memory; QEMU's note of a processor where `cr3` is given."""
    notes = b""
    if virtual_box:
        notes = _note(b"VBCORE\0", 0xB00, struct.pack("<IIII", 0xC01AC0DE, 0x10006, 24, 1) + bytes(8))
        notes += _note(b"VBCPU\0", 0xB01, bytes(640))
    elif cr3 is not None:
        # QEMUCPUState: version, size, 16 registers, rip, rflags, 10 segments of 24 bytes, cr0 to cr4, kernel_gs_base.
        state = struct.pack("<II", 1, 440) + bytes(18 * 8 + 240) + struct.pack("<5Q", 0x80050033, 0, 0, cr3, 0x370678)
        notes = _note(b"CORE\0", 1, bytes(336)) + _note(b"QEMU\0", 0, state + bytes(8))
    stretches = runs(pages)
    count = len(stretches) + 1
    at = -(-(64 + 56 * count + len(notes)) // PAGE) * PAGE
    ident = b"\x7fELF\2\1\1" + bytes(9)
    head = struct.pack("<16sHHIQQQIHHHHHH", ident, 4, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 4, 0, 64 + 56 * count, 0, 0, len(notes), len(notes), 0)
    for first, length in stretches:
        head += struct.pack("<IIQQQQQQ", 1, 0, at, 0, first * PAGE, length * PAGE, length * PAGE, 0)
        at += length * PAGE
    with open(str(path), "wb") as out:
        out.write((head + notes).ljust(-(-(64 + 56 * count + len(notes)) // PAGE) * PAGE, b"\0"))
        for number in sorted(pages):
            out.write(pages[number])
    return path
