"""ELF cores of whole machines: QEMU's `dump-guest-memory`, `virsh dump --memory-only`, VirtualBox's `debugvm dumpvmcore`.

Program headers of type PT_LOAD say which physical range lies where in the file (System V ABI, "Program Header").
QEMU adds a note "QEMU" for each processor with the struct QEMUCPUState of its target/i386/arch_dump.c; only
CR3 is taken of it.  VirtualBox's notes ("VBCORE", "VBCPU": its dbgfcorefmt.h) are not needed.
"""

import struct
from typing import Any, Iterator, List, Tuple

from kdtoken.errors import BadFormat
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.header import MACHINE_AMD64, MACHINE_ARM64
from kdtoken.source.image.segments import MAX_SEGMENTS, Segment, Segments

MAGIC = b"\x7fELF"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION_INFO = 44  # Elf64_Shdr.sh_info: the number of program headers where 16 bits are too few
_CORE, _LOAD, _NOTE, _MANY = 4, 1, 4, 0xFFFF  # ET_CORE, PT_LOAD, PT_NOTE, PN_XNUM
_MACHINES = {62: MACHINE_AMD64, 183: MACHINE_ARM64}
_MAX_NOTES = 1 << 20
# QEMUCPUState: version and size, 16 registers, rip and rflags, 10 segments of 24 bytes, cr0 to cr4.
_CR3 = 8 + 18 * 8 + 10 * 24 + 3 * 8


class ElfCore:
    """The memory that a core's program headers tell.

    machine  MACHINE_*     roots  CR3 of its processors, where it tells them
    """

    def __init__(self, data: Any, origin: str) -> None:
        """Raises BadFormat."""
        head = bytes(data[: _HEADER.size])
        if len(head) < _HEADER.size:
            raise BadFormat("%s is cut short within its ELF header" % origin, origin, "copy it again")
        ident, kind, machine, _, _, programs, sections, _, _, size, count, _, _, _ = _HEADER.unpack(head)
        if ident[4:6] != b"\2\1":
            raise BadFormat("%s is an ELF file of 32 bits or big-endian: no core of a 64-bit Windows" % origin, origin)
        if kind != _CORE:
            raise BadFormat("%s is an ELF file, but no core: a program or a library" % origin, origin)
        if machine not in _MACHINES:
            raise BadFormat("%s is an ELF core of a machine of type %d, which Windows has none of" % (origin, machine))
        if count == _MANY:
            count = int.from_bytes(bytes(data[sections + _SECTION_INFO : sections + _SECTION_INFO + 4]), "little")
        if size != _PROGRAM.size or not 0 < count <= MAX_SEGMENTS or programs + size * count > len(data):
            raise BadFormat("%s: its table of memory is damaged or cut off (%d entries)" % (origin, count), origin)
        self.machine = _MACHINES[machine]
        self.roots: List[int] = []
        found: List[Segment] = []
        for entry in _PROGRAM.iter_unpack(bytes(data[programs : programs + size * count])):
            what, _, offset, _, physical, length, _, _ = entry
            if what == _LOAD and length >= PAGE_SIZE and physical % PAGE_SIZE == 0:
                found.append((physical // PAGE_SIZE, length // PAGE_SIZE, offset))
            elif what == _NOTE:
                self.roots += _roots(bytes(data[offset : offset + min(length, _MAX_NOTES)]))
        if not found:
            raise BadFormat("%s is an ELF core without memory, or of a process" % origin, origin)
        if all(first == 0 for first, _, _ in found) and len(found) > 1:
            raise BadFormat(
                "%s is the ELF core of a process: it names no physical memory" % origin,
                origin,
                "of a virtual machine: virsh dump --memory-only, or dump-guest-memory without -p",
            )
        self.pages = Segments(found, len(data), origin)


def _roots(notes: bytes) -> List[int]:
    return [
        int.from_bytes(body[_CR3 : _CR3 + 8], "little") // PAGE_SIZE * PAGE_SIZE
        for name, body in _notes(notes)
        if name == b"QEMU" and len(body) >= _CR3 + 8
    ]


def _notes(data: bytes) -> Iterator[Tuple[bytes, bytes]]:
    """Name and body of each Elf64_Nhdr."""
    at = 0
    while at + 12 <= len(data):
        name_size, body_size, _ = struct.unpack_from("<III", data, at)
        name = at + 12
        body = name + -(-name_size // 4) * 4
        yield data[name : name + name_size].rstrip(b"\0"), data[body : body + body_size]
        at = body + -(-body_size // 4) * 4
