"""The head of a 64-bit kernel crash dump: DUMP_HEADER64 and what follows it for each kind of dump.

Sources (facts only): the overlays of Rekall (plugins/overlays/windows/crashdump.py) and Volatility 3
(symbols/windows/crash64.json, crash_common.json), and kdmp-parser's kdmp-parser-structs.h, all public;
the judges of this file are Microsoft's dbgeng and kdmp-parser (tests/engine/test_crashdump.py).
Windows fills the header with "PAGE" over and over first, so a field nobody set reads 0x45474150.
"""

from __future__ import annotations

import struct
from typing import Any, Tuple, Union

from kdtoken.errors import BadFormat
from kdtoken.frozen import dataclass
from kdtoken.source.crashdump.form import Form

Buffer = Any  # bytes or mmap: typeshed's Buffer is no name of Python 3.8

HEADER_SIZE = 0x2000
MACHINE_AMD64, MACHINE_ARM64 = 0x8664, 0xAA64  # winnt.h IMAGE_FILE_MACHINE_*

FULL, SUMMARY, HEADER_ONLY, TRIAGE, BITMAP_FULL, BITMAP_KERNEL, AUTOMATIC = range(1, 8)
# Written by newer debugger engines for `.dump /k`, `/ka` and `/f` (kdmp-parser).
RANGES_KERNEL, RANGES_KERNEL_USER, RANGES_FULL = 8, 9, 10
KINDS = {
    FULL: "full memory dump",
    SUMMARY: "kernel memory dump",
    HEADER_ONLY: "dump header without memory",
    TRIAGE: "triage dump",
    BITMAP_FULL: "full bitmap dump",
    BITMAP_KERNEL: "kernel bitmap dump",
    AUTOMATIC: "automatic dump",
    RANGES_KERNEL: "kernel dump in ranges",
    RANGES_KERNEL_USER: "kernel and user dump in ranges",
    RANGES_FULL: "complete dump in ranges",
}

# The header of the file, which is the same for every build of Windows: a format, and no struct of the kernel.
# PhysicalMemoryBlockBuffer has 700 bytes, aligned to 8: a descriptor of 16 and this many runs of 16.
MAX_RUNS = 43
DUMP_HEADER64 = Form(
    ("signature", "4s"),  # 0x000 "PAGE"
    ("valid", "4s"),  # 0x004 "DU64"
    ("major", "I"),  # 0x008 15 on a free build, 12 on a checked one
    ("minor", "I"),  # 0x00c build number
    ("directory_table", "Q"),  # 0x010 CR3
    ("pfn_database", "Q"),
    ("module_list", "Q"),  # 0x020 nt!PsLoadedModuleList
    ("process_list", "Q"),  # 0x028 nt!PsActiveProcessHead
    ("machine", "I"),  # 0x030
    ("processors", "I"),
    ("bugcheck", "I"),  # 0x038
    ("", "4x"),
    ("parameters", "4Q"),  # 0x040
    ("", "32x"),  # 0x060 VersionUser
    ("debugger_data", "Q"),  # 0x080 nt!KdDebuggerDataBlock
    ("runs", "I"),  # 0x088 PHYSICAL_MEMORY_DESCRIPTOR64
    ("", "4x"),
    ("pages", "Q"),
    ("run", "%ds" % (16 * MAX_RUNS)),  # 0x098, (first page, count) of 64 bits each
    ("", "3000x"),  # ContextRecord: a CONTEXT of any machine
    ("", "152x"),  # Exception: EXCEPTION_RECORD64
    ("type", "I"),  # 0xf98
    ("", "4x"),
    ("required_space", "Q"),  # 0xfa0 bytes of the whole file
    ("system_time", "Q"),  # 0xfa8 FILETIME
    ("comment", "128s"),  # 0xfb0
)
# Behind the header of SUMMARY dumps (Windows before 8): SUMMARY_DUMP64 of mindumpdef.h in the Windows SDK.
SUMMARY_HEADER = Form(
    ("signature", "4s"),  # "SDMP"
    ("valid", "4s"),  # "DUMP"
    ("options", "I"),
    ("first_page", "I"),  # 0x0c HeaderSize: offset in the file
    ("bits", "I"),  # 0x10 BitmapSize
    ("present", "I"),  # 0x14 Pages
    ("", "16x"),  # 0x18 RTL_BITMAP, whose pointer means nothing in a file
)  # 0x28: the bitmap, a bit a page, the lowest bit of a byte first
# Behind the header of BITMAP_* dumps; AUTOMATIC ones are believed to be like them, no judge has seen one.
BITMAP_HEADER = Form(
    ("signature", "4s"),  # "SDMP" (kernel) or "FDMP" (full)
    ("valid", "4s"),  # "DUMP"
    ("", "24x"),
    ("first_page", "Q"),  # 0x20 offset in the file
    ("present", "Q"),  # 0x28 number of bits that are set
    ("bits", "Q"),  # 0x30
)  # 0x38: the bitmap
# Behind the header of RANGES_* dumps.
RANGES_HEADER = Form(
    ("marker", "I"),  # 0x40
    ("signature", "4s"),  # "RDMP"
    ("valid", "4s"),  # "DUMP"
    ("", "4x"),
    ("metadata_size", "Q"),  # 0x10
    ("first_page", "Q"),  # 0x18 offset in the file
    ("", "8x"),  # 0x20
    ("total_pages", "Q"),  # 0x28 of RANGES_FULL; unknown in the others
)  # 0x30: (first page, number of pages), 64 bits each

# Behind the header of TRIAGE dumps: TRIAGE_DUMP64 (Ghidra's TriageDump.java names the fields).  Offsets of the file.
TRIAGE_HEADER = Form(
    ("service_pack", "I"),
    ("size", "I"),  # 0x04 bytes of the file up to here are the dump; tagged data of others follow
    ("valid", "I"),  # 0x08 where "TRGD" is
    ("context", "I"),
    ("exception", "I"),
    ("", "8x"),  # 0x14 memory manager's counters, unloaded drivers
    ("prcb", "I"),  # 0x1c _KPRCB of the processor that crashed
    ("process", "I"),  # 0x20 _EPROCESS
    ("thread", "I"),  # 0x24 _ETHREAD
    ("stack", "I"),  # 0x28 of the thread, from top_of_stack on
    ("stack_size", "I"),
    ("drivers", "I"),  # 0x30
    ("driver_count", "I"),
    ("", "16x"),  # 0x38 string pool, broken driver, options
    ("top_of_stack", "Q"),  # 0x48
    ("", "16x"),  # 0x50 backing store of Itanium
    ("page_address", "Q"),  # 0x60
    ("page", "I"),
    ("page_size", "I"),
    ("debugger_data", "I"),  # 0x70 KDDEBUGGER_DATA64
    ("debugger_data_size", "I"),
    ("blocks", "I"),  # 0x78 TRIAGE_DATA_BLOCK: address, then offset and size
    ("block_count", "I"),
)
MAX_BLOCKS = 1 << 16  # real dumps have some two thousand


@dataclass(frozen=True)
class DumpHeader:
    """What a dump says of itself.

    kind             one of KINDS
    machine          MACHINE_AMD64 or MACHINE_ARM64
    build            Windows build number, 22000
    directory_table  physical address of the page tables' root
    module_list, process_list, debugger_data    addresses of nt's variables, 0 where not told
    runs             (first page, number of pages) of a FULL dump
    system_time      FILETIME of the crash or of the dump; 0 where not told
    """

    kind: int
    machine: int
    build: int
    directory_table: int
    module_list: int
    process_list: int
    debugger_data: int
    runs: Tuple[Tuple[int, int], ...]
    bugcheck: int
    comment: bytes
    system_time: int = 0


def check_magic(data: Buffer, origin: str) -> None:
    """Raises BadFormat that says what the file is, unless it begins as a 64-bit crash dump does."""
    head = bytes(data[:16])
    if not head:
        raise BadFormat("%s is empty" % origin, origin, "copy the dump again; on Windows it lies in MEMORY.DMP")
    if head.startswith(b"PAGEDUMP"):
        raise BadFormat(
            "%s is a 32-bit crash dump (DUMP_HEADER32); only x64 is read from files so far" % origin,
            origin,
            "open it in WinDbg and run kdtoken there: windbg -z FILE",
        )
    if head[:8] != b"PAGEDU64":
        if not head.strip(b"\0"):
            raise BadFormat("%s begins with zeros: a copy that broke off, or no dump" % origin, origin)
        raise BadFormat(
            "%s is no Windows crash dump: it begins with %s, not with PAGEDU64" % (origin, head[:8].hex()), origin
        )
    if len(data) < HEADER_SIZE:
        raise BadFormat(
            "%s is cut short: %d bytes, and the header alone has %d" % (origin, len(data), HEADER_SIZE),
            origin,
            "copy the dump again",
        )


def read_header(data: Buffer, origin: str) -> DumpHeader:
    """Check what can be checked.  Raises BadFormat that says what this is and what to do."""
    check_magic(data, origin)
    raw = _parse(DUMP_HEADER64, data, 0, origin)
    kind = int(raw.type)
    if raw.machine not in (MACHINE_AMD64, MACHINE_ARM64):
        known = {0x14C: "a 32-bit x86"}.get(raw.machine)
        what = "of %s machine" % known if known else "of a machine of type 0x%x" % raw.machine
        raise BadFormat(
            "%s is a crash dump %s; only x64 and ARM64 are read from files so far" % (origin, what),
            origin,
            "open it in WinDbg and run kdtoken there",
        )
    if kind not in KINDS or kind == HEADER_ONLY:
        words = KINDS.get(kind, "dump of type %d (0x%x), which nothing public describes" % (kind, kind))
        raise BadFormat("%s is a %s" % (origin, words), origin, "open it in WinDbg and run kdtoken there")
    runs: Tuple[Tuple[int, int], ...] = ()
    if kind == FULL:
        if not 0 < raw.runs <= MAX_RUNS:
            raise BadFormat("%s has %d runs of memory; 1 to %d fit" % (origin, raw.runs, MAX_RUNS), origin)
        runs = tuple(struct.iter_unpack("<QQ", raw.run[: 16 * raw.runs]))
    return DumpHeader(
        kind=kind,
        machine=int(raw.machine),
        build=int(raw.minor),
        directory_table=int(raw.directory_table) & ~0xFFF,
        module_list=_set(raw.module_list),
        process_list=_set(raw.process_list),
        debugger_data=_set(raw.debugger_data),
        runs=runs,
        bugcheck=int(raw.bugcheck),
        comment=bytes(raw.comment).split(b"\0")[0],
        system_time=_set(raw.system_time),
    )


def bitmap_header(data: Buffer, kind: int, origin: str) -> Tuple[Any, int]:
    """(the head of the bitmap, offset of the bitmap itself) of a dump that has one.  Raises BadFormat."""
    form = SUMMARY_HEADER if kind == SUMMARY else BITMAP_HEADER
    raw = _parse(form, data, HEADER_SIZE, origin)
    if raw.signature not in (b"SDMP", b"FDMP") or raw.valid != b"DUMP":
        raise BadFormat("%s: behind its header is %s, not the bitmap of a dump" % (origin, raw.signature.hex()), origin)
    return raw, HEADER_SIZE + form.size


def ranges_header(data: Buffer, origin: str) -> Any:
    """RANGES_HEADER of a dump that has one.  Raises BadFormat."""
    raw = _parse(RANGES_HEADER, data, HEADER_SIZE, origin)
    if raw.signature != b"RDMP" or raw.valid != b"DUMP":
        raise BadFormat("%s: behind its header is %s, not RDMP" % (origin, raw.signature.hex()), origin)
    if raw.first_page != HEADER_SIZE + 0x20 + raw.metadata_size:
        raise BadFormat("%s: the sizes in its RDMP header contradict each other" % origin, origin)
    return raw


def triage_header(data: Buffer, origin: str) -> Tuple[Any, Tuple[Tuple[int, int, int], ...]]:
    """TRIAGE_HEADER, and (address, offset, size) of each block of memory.  Raises BadFormat."""
    raw = _parse(TRIAGE_HEADER, data, HEADER_SIZE, origin)
    table = bytes(data[raw.blocks : raw.blocks + 16 * min(raw.block_count, MAX_BLOCKS)])
    whole = table[: len(table) // 16 * 16]
    return raw, tuple((address, offset, length) for address, offset, length in struct.iter_unpack("<QII", whole))


def _set(value: Union[int, Any]) -> int:
    """A field's value; 0 where Windows left its filling of "PAGE"."""
    number = int(value)
    return 0 if number in (0x4547415045474150, 0xFFFFFFFFFFFFFFFF) else number


def _parse(form: Form, data: Buffer, offset: int, origin: str) -> Any:
    try:
        return form.parse(bytes(data[offset : offset + form.size]))
    except struct.error as error:
        raise BadFormat("%s is cut short or damaged near 0x%x" % (origin, offset), origin) from error
