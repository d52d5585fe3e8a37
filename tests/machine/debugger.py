"""What debuggers and memory tools ask of a kernel: KDBG, the processor's blocks, the module list, PEBs.

Facts: KDDEBUGGER_DATA64 is public (wdbgexts.h of the Windows SDK); CONTEXT is winnt.h's; that
dbgeng wants a GDT with the code segment in it before it shows a register was found by trying.
"""

import struct
from typing import Dict, Mapping, Tuple

from tests.machine.memory import PAGE
from tests.machine.objects import Objects
from tests.machine.structs import Structs, link

# KDDEBUGGER_DATA64 by offset: pointers to variables, named as in the kernel.
_KDBG_VARIABLES = {
    0x048: "PsLoadedModuleList",
    0x050: "PsActiveProcessHead",
    0x058: "PspCidTable",
    0x088: "KiBugCheckData",
    0x098: "ObpRootDirectoryObject",
    0x0C0: "MmPfnDatabase",
    0x1C8: "MmHighestUserAddress",
    0x1D0: "MmSystemRangeStart",
    0x1D8: "MmUserProbeAddress",
    0x218: "KiProcessorBlock",
    0x268: "CmNtCSDVersion",
}
# Offsets of members and sizes of structs that the block tells the debugger, as USHORTs.
_KDBG_OFFSETS = {
    0x29A: ("_KTHREAD", "Teb"),
    0x29C: ("_KTHREAD", "KernelStack"),
    0x29E: ("_KTHREAD", "InitialStack"),
    0x2A0: ("_KTHREAD", "ApcState.Process"),
    0x2A2: ("_KTHREAD", "State"),
    0x2AA: ("_EPROCESS", "Peb"),
    0x2AC: ("_EPROCESS", "InheritedFromUniqueProcessId"),
    0x2AE: ("_KPROCESS", "DirectoryTableBase"),
    0x2B4: ("_KPRCB", "CurrentThread"),
    0x2B6: ("_KPRCB", "MHz"),
    0x2B8: ("_KPRCB", "CpuType"),
    0x2BA: ("_KPRCB", "VendorString"),
    0x2BC: ("_KPRCB", "ProcessorState.ContextFrame"),
    0x2BE: ("_KPRCB", "Number"),
    0x2E2: ("_KPCR", "Self"),
    0x2E4: ("_KPCR", "CurrentPrcb"),
    0x2F2: ("_KPRCB", "ProcessorState.SpecialRegisters"),
}
_KDBG_PRCB_IN_PCR = 0x2E6
_KDBG_SIZES = {0x2A8: "_EPROCESS", 0x2B0: "_KPRCB", 0x2C0: "_ETHREAD", 0x2E0: "_KPCR"}
# Selectors of x64 Windows: kernel code and data, user code and data, 32-bit TEB, TSS, 32-bit code.
_KDBG_SELECTORS = {0x2F4: 0x10, 0x2F6: 0x18, 0x2FA: 0x33, 0x2FC: 0x2B, 0x2FE: 0x53, 0x302: 0x40, 0x304: 0x23}
_KDBG_SIZE, _KDBG_ROOM = 0x368, 0x380

_GDT = {
    0x10: 0x00209B0000000000,
    0x18: 0x00CF93000000FFFF,
    0x20: 0x00CFFB000000FFFF,
    0x28: 0x00CFF3000000FFFF,
    0x30: 0x0020FB0000000000,
    0x50: 0x0040F30000003C00,
}
USER_SHARED_DATA = 0xFFFFF78000000000
USER_SHARED_DATA_USER = 0x7FFE0000
WORKING_SET_LIST = 0xFFFFF70001080000  # of Windows 7 on x64: MmWorkingSetList


class DebuggerData:
    """Writes them for one kernel.  `symbols` are addresses; `base` is where nt is loaded."""

    def __init__(self, structs: Structs, objects: Objects, symbols: Mapping[str, int], base: int, size: int) -> None:
        self.structs = structs
        self.objects = objects
        self.symbols = symbols
        self.base = base
        self.size = size

    def module_list(self) -> None:
        """PsLoadedModuleList with nt alone on it."""
        s = self.structs
        name = "_KLDR_DATA_TABLE_ENTRY" if s.has("_KLDR_DATA_TABLE_ENTRY") else "_LDR_DATA_TABLE_ENTRY"
        at = self.objects.block(s.size(name), b"MmLd", paged=False)
        s.put(name, at, {"DllBase": self.base, "SizeOfImage": self.size, "EntryPoint": self.symbols["KiSystemStartup"]})
        self.objects.unicode_string(at + s.offset(name, "FullDllName"), "\\SystemRoot\\system32\\ntoskrnl.exe")
        self.objects.unicode_string(at + s.offset(name, "BaseDllName"), "ntoskrnl.exe")
        link(s, self.symbols["PsLoadedModuleList"], (at + s.offset(name, "InLoadOrderLinks"),))

    def processor(self, pcr: int, directory_base: int, thread: int) -> bytes:
        """KPCR, KPRCB and GDT of the only processor; returns its CONTEXT."""
        s = self.structs
        s.memory.map(pcr - 0x10000, 0x80)
        prcb = pcr + self.prcb_in_pcr()
        s.memory.map(pcr - 0x2000, prcb + s.size("_KPRCB") - pcr + 0x2000)
        special = prcb + s.offset("_KPRCB", "ProcessorState.SpecialRegisters")
        gdt = pcr - 0x10000
        for selector, descriptor in _GDT.items():
            s.memory.write(gdt + selector, struct.pack("<Q", descriptor))
        s.put("_KPCR", pcr, {"Self": pcr, "CurrentPrcb": prcb, "GdtBase": gdt})
        s.put("_KPRCB", prcb, {"CurrentThread": thread, "IdleThread": thread})
        s.put(
            "_KSPECIAL_REGISTERS",
            special,
            {"Cr0": 0x80050033, "Cr3": directory_base, "Cr4": 0x370678, "Gdtr.Limit": 0x7F, "Gdtr.Base": gdt},
        )
        s.pointer(self.symbols["KiProcessorBlock"], prcb)
        frame = prcb + s.offset("_KPRCB", "ProcessorState.ContextFrame")
        s.put(
            "_CONTEXT",
            frame,
            {
                "Rip": self.symbols["KeBugCheckEx"],
                "Rsp": pcr - 0x1000,
                "SegCs": 0x10,
                "SegSs": 0x18,
                "SegDs": 0x2B,
                "SegEs": 0x2B,
                "SegFs": 0x53,
                "SegGs": 0x2B,
                "EFlags": 0x246,
                "ContextFlags": 0x10005F,  # CONTEXT_AMD64 with all that it can hold
            },
        )
        return s.memory.peek(frame, s.size("_CONTEXT"))

    def prcb_in_pcr(self) -> int:
        """From a KPCR to its KPRCB: a member up to 22H1; later types end before it, the memory does not."""
        if self.structs.has("_KPCR", "Prcb"):
            return self.structs.offset("_KPCR", "Prcb")
        return -(-self.structs.size("_KPCR") // 64) * 64  # a KPRCB begins a cache line

    def debugger_block(self) -> None:
        """KdDebuggerDataBlock; its list holds itself alone."""
        at = self.symbols["KdDebuggerDataBlock"]
        block = bytearray(_KDBG_ROOM)
        struct.pack_into("<QQ4sI", block, 0, at, at, b"KDBG", _KDBG_SIZE)
        quads: Dict[int, int] = {0x18: self.base, 0x20: self.symbols["DbgBreakPointWithStatus"], 0x138: 0x1000}
        for offset, name in _KDBG_VARIABLES.items():
            quads[offset] = self.symbols[name]
        for offset, value in quads.items():
            struct.pack_into("<Q", block, offset, value)
        words: Dict[int, int] = {0x36: 1}  # PaeEnabled
        for offset, (kind, member) in _KDBG_OFFSETS.items():
            if self.structs.has(kind, member):
                words[offset] = self.structs.offset(kind, member)
        for offset, kind in _KDBG_SIZES.items():
            words[offset] = self.structs.size(kind) & 0xFFFF
        words[_KDBG_PRCB_IN_PCR] = self.prcb_in_pcr()
        words.update(_KDBG_SELECTORS)
        for offset, value in words.items():
            struct.pack_into("<H", block, offset, value)
        self.structs.memory.write(at, bytes(block))

    def shared_user_data(self, version: Tuple[int, ...]) -> None:
        """KUSER_SHARED_DATA, in the kernel's half and at its user-mode address."""
        for at in (USER_SHARED_DATA, USER_SHARED_DATA_USER):
            self.structs.memory.map(at, 0x1000)
            self.structs.put_present(
                "_KUSER_SHARED_DATA",
                at,
                {
                    "NtMajorVersion": version[0],
                    "NtMinorVersion": version[1],
                    "NtProductType": 1,
                    "ProductTypeIsValid": 1,
                },
            )
            if self.structs.has("_KUSER_SHARED_DATA", "NtBuildNumber"):  # came with Windows 10
                self.structs.put("_KUSER_SHARED_DATA", at, {"NtBuildNumber": version[2]})

    def environment(self, at: int, version: Tuple[int, ...]) -> None:
        """A process's PEB, empty but for the version."""
        self.structs.memory.map(at, self.structs.size("_PEB"))
        values = dict(zip(("OSMajorVersion", "OSMinorVersion", "OSBuildNumber"), version))
        self.structs.put("_PEB", at, values)

    def address_space(self, process: int) -> None:
        """The tree of a process's address ranges, with KUSER_SHARED_DATA alone in it, and before Windows 8
        the page of hyperspace where its working set list begins."""
        s = self.structs
        at = self.objects.block(s.size("_MMVAD_SHORT"), b"VadS", paged=False)
        page = USER_SHARED_DATA_USER // PAGE
        s.put("_MMVAD_SHORT", at, {"StartingVpn": page, "EndingVpn": page})
        if s.has("_EPROCESS", "VadRoot.Root"):
            s.put("_EPROCESS", process, {"VadRoot.Root": at})
            return
        root = process + s.offset("_EPROCESS", "VadRoot")
        s.pointer(root, root)  # BalancedRoot.u1.Parent: the root is its own parent
        s.put("_EPROCESS", process, {"VadRoot.BalancedRoot.RightChild": at})
        # Windows 7 names the node's members in each of the types, Windows 8 has them in a member of their own.
        parents = [name for name in ("u1.Parent", "VadNode.u1.Parent") if s.has("_MMVAD_SHORT", name)]
        s.put_present("_MMVAD_SHORT", at, {parents[0] if parents else "u1.Parent": root})
        s.memory.map(WORKING_SET_LIST, PAGE)
