"""Writes a synthetic kernel as a triage dump: one process, one thread, and scraps around their pointers.

Format: TRIAGE_DUMP64, as Ghidra's TriageDump.java names its fields; what real ones keep of a token, the 256
bytes from the unmasked fast reference on, was seen in a dump of 10.0.19041.
"""

import struct
from typing import List, Tuple

from tests.machine.crashdump import FIELDS, HEADER_SIZE, header
from tests.machine.kernel import Kernel
from tests.machine.structs import Structs, link

TRIAGE = 4
SCRAP = 0x100
# DWORDs of TRIAGE_DUMP64 by offset.
PLACES = {
    "SizeOfDump": 0x04,
    "ValidOffset": 0x08,
    "PrcbOffset": 0x1C,
    "ProcessOffset": 0x20,
    "ThreadOffset": 0x24,
    "CallStackOffset": 0x28,
    "CallStackSize": 0x2C,
    "DriverListOffset": 0x30,
    "DriverCount": 0x34,
    "DebuggerDataOffset": 0x70,
    "DebuggerDataSize": 0x74,
    "DataBlocksOffset": 0x78,
    "DataBlocksCount": 0x7C,
}
TOP_OF_STACK = 0x48  # a QWORD
STAMP = 0x0D8333E6  # TimeDateStamp that its list of drivers has of nt


def triage_dump(kernel: Kernel, pid: int, extra: Tuple[Tuple[int, int], ...] = ()) -> bytes:
    """The dump of a crash in the first thread of a process.

    extra  (address, size) of further blocks
    """
    structs = Structs(kernel.memory.copy(), kernel.layouts)
    memory = structs.memory
    process = kernel.processes[pid]
    thread = next(kernel.threads[t.tid] for p in kernel.machine.processes if p.pid == pid for t in p.threads)
    # What every real process and thread has: lists that are empty, and the thread's way to its process.
    structs.put("_ETHREAD", thread, {"Tcb.Process": process})
    link(structs, process + structs.offset("_EPROCESS", "Pcb.ProfileListHead"), ())
    link(structs, thread + structs.offset("_ETHREAD", "Tcb.MutantListHead"), ())
    prcb = kernel.regions.pcr + structs.offset("_KPCR", "Prcb")
    structs.put("_KPRCB", prcb, {"CurrentThread": thread})

    data = bytearray(header(kernel, 1, 1))
    struct.pack_into("<Q", data, FIELDS["DumpType"][0], TRIAGE)
    struct.pack_into("<44s", data, FIELDS["NumberOfRuns"][0], b"PAGE" * 11)  # no runs are told
    data += bytes(0x100)  # TRIAGE_DUMP64
    at = HEADER_SIZE

    def put(name: str, value: int) -> None:
        struct.pack_into("<I", data, at + PLACES[name], value)

    def copy(name: str, address: int, size: int) -> None:
        put(name, len(data))
        data.extend(memory.peek(address, size))

    copy("PrcbOffset", prcb, structs.size("_KPRCB"))
    copy("ProcessOffset", process, structs.size("_EPROCESS"))
    copy("ThreadOffset", thread, structs.size("_ETHREAD"))
    copy("CallStackOffset", kernel.regions.pcr - 0x1000, 0x400)
    put("CallStackSize", 0x400)
    struct.pack_into("<Q", data, at + TOP_OF_STACK, kernel.regions.pcr - 0x1000)
    copy("DebuggerDataOffset", kernel.symbols["KdDebuggerDataBlock"], 0x380)
    put("DebuggerDataSize", 0x380)
    # DUMP_DRIVER_ENTRY64 of nt, the first: name, DllBase, SizeOfImage, TimeDateStamp; then its name, counted in characters.
    put("DriverListOffset", len(data))
    put("DriverCount", 1)
    entry = bytearray(0x90)
    struct.pack_into("<I", entry, 0, len(data) + len(entry))
    struct.pack_into("<Q", entry, 0x38, kernel.base)
    struct.pack_into("<I", entry, 0x48, kernel.image_size)
    struct.pack_into("<I", entry, 0x88, STAMP)
    name = "\\SystemRoot\\system32\\ntoskrnl.exe"
    data += bytes(entry) + struct.pack("<I", len(name)) + name.encode("utf-16-le") + bytes(2)
    data += bytes(-len(data) % 8)
    # The reference as it stands, its count included.
    reference = kernel.pointer_at("_EPROCESS", process, "Token")
    blocks: List[Tuple[int, int]] = [(reference, SCRAP), (process, SCRAP), *extra]
    table = len(data)
    put("DataBlocksOffset", table)
    put("DataBlocksCount", len(blocks))
    data.extend(bytes(16 * len(blocks)))
    for index, (address, size) in enumerate(blocks):
        struct.pack_into("<QII", data, table + 16 * index, address, len(data), size)
        data.extend(memory.peek(address, size))
    put("ValidOffset", len(data))
    data.extend(b"TRGD")
    put("SizeOfDump", len(data))
    return bytes(data)
