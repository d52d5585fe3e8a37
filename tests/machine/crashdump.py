"""Writes a synthetic kernel as a full-memory crash dump that a genuine debugger engine opens.

Format: DUMP_HEADER64, two pages, then every page of physical memory in the order of the header's
runs.  It is described in public by Rekall and Volatility (their crash address spaces); the fields
that dbgeng looks at were found by trying.  Bytes that nothing describes are "PAGE" over and over.
"""

import struct
from pathlib import Path
from typing import Dict, Tuple, Union

from tests.machine.kernel import Kernel
from tests.machine.memory import PAGE
from tests.machine.paging import PhysicalMemory

HEADER_SIZE = 0x2000
FULL_DUMP = 1
MANUALLY_INITIATED_CRASH = 0xE2
STATUS_BREAKPOINT = 0x80000003
MACHINE_AMD64 = 0x8664
CONTEXT_ROOM = 3000
MARK = b"synthetic"  # in the dump's comment: nobody shall take it for a real machine's

# Field of DUMP_HEADER64 -> offset and struct format.
FIELDS: Dict[str, Tuple[int, str]] = {
    "Signature": (0x000, "4s"),
    "ValidDump": (0x004, "4s"),
    "MajorVersion": (0x008, "I"),
    "MinorVersion": (0x00C, "I"),
    "DirectoryTableBase": (0x010, "Q"),
    "PfnDataBase": (0x018, "Q"),
    "PsLoadedModuleList": (0x020, "Q"),
    "PsActiveProcessHead": (0x028, "Q"),
    "MachineImageType": (0x030, "I"),
    "NumberProcessors": (0x034, "I"),
    "BugCheckCode": (0x038, "I"),
    "BugCheckParameters": (0x040, "32s"),
    "VersionUser": (0x060, "32s"),
    "KdDebuggerDataBlock": (0x080, "Q"),
    "NumberOfRuns": (0x088, "Q"),
    "NumberOfPages": (0x090, "Q"),
    "Run0BasePage": (0x098, "Q"),
    "Run0PageCount": (0x0A0, "Q"),
    "ContextRecord": (0x348, "%ds" % CONTEXT_ROOM),
    "Exception": (0xF00, "152s"),
    "DumpType": (0xF98, "Q"),
    "RequiredDumpSpace": (0xFA0, "Q"),
    "SystemTime": (0xFA8, "Q"),
    "Comment": (0xFB0, "128s"),
    "SystemUpTime": (0x1030, "Q"),
    "MiniDumpFields": (0x1038, "I"),
    "SecondaryDataState": (0x103C, "I"),
    "ProductType": (0x1040, "I"),
    "SuiteMask": (0x1044, "I"),
    "WriterStatus": (0x1048, "I"),
}


def header(kernel: Kernel, first_page: int, pages: int) -> bytes:
    """The two pages of DUMP_HEADER64."""
    exception = struct.pack("<IIQQ", STATUS_BREAKPOINT, 0, 0, kernel.symbols["KeBugCheckEx"])
    values: Dict[str, Union[int, bytes]] = {
        "Signature": b"PAGE",
        "ValidDump": b"DU64",
        "MajorVersion": 15,  # a free build; the minor version is the build number
        "MinorVersion": kernel.version[2],
        "DirectoryTableBase": first_page * PAGE,
        "PfnDataBase": 0,
        "PsLoadedModuleList": kernel.symbols["PsLoadedModuleList"],
        "PsActiveProcessHead": kernel.symbols["PsActiveProcessHead"],
        "MachineImageType": MACHINE_AMD64,
        "NumberProcessors": 1,
        "BugCheckCode": MANUALLY_INITIATED_CRASH,
        "BugCheckParameters": b"",
        "VersionUser": b"",
        "KdDebuggerDataBlock": kernel.symbols["KdDebuggerDataBlock"],
        "NumberOfRuns": 1,
        "NumberOfPages": pages,
        "Run0BasePage": first_page,
        "Run0PageCount": pages,
        "ContextRecord": kernel.context,
        "Exception": exception,
        "DumpType": FULL_DUMP,
        "RequiredDumpSpace": HEADER_SIZE + pages * PAGE,
        "SystemTime": 0x01D8F0A0B0C0D0E0,
        "Comment": MARK,
        "SystemUpTime": 0x12345678,
        "MiniDumpFields": 0,
        "SecondaryDataState": 0,
        "ProductType": 1,
        "SuiteMask": 0x110,
        "WriterStatus": 0,
    }
    data = bytearray(b"PAGE" * (HEADER_SIZE // 4))
    for name, value in values.items():
        offset, form = FIELDS[name]
        struct.pack_into("<" + form, data, offset, value)
    return bytes(data)


def write_dump(kernel: Kernel, path: Union[str, Path], at_least: int = 0) -> int:
    """Write the dump, with free pages behind the others up to `at_least` in all; returns its size in bytes."""
    physical = PhysicalMemory(kernel.memory, len(kernel.directory_base))
    pages = physical.pages()
    pages += [bytes(PAGE)] * (at_least - len(pages))
    with open(str(path), "wb") as out:
        out.write(header(kernel, physical.first, len(pages)))
        for page in pages:
            out.write(page)
    return HEADER_SIZE + len(pages) * PAGE
