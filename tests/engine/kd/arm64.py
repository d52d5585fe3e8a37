"""A kernel as a machine of ARM64 answers for it: another CONTEXT, report and special registers.

Public: winnt.h's ARM64_NT_CONTEXT and IMAGE_FILE_MACHINE_ARM64; ReactOS' windbgkd.h (ARM64_DBGKD_CONTROL_REPORT).  A
debugger reads through the target's own eyes here (DbgKdReadVirtualMemory), so no page table is asked for; those of ARM64
are tests/machine/arm64.py's.
"""

import struct
from typing import Optional

from tests.engine.kd import wire
from tests.engine.kd.faults import Faults
from tests.engine.kd.target import KdTarget
from tests.machine.kernel import Kernel

_FLAGS, _SP, _PC, _SIZE = 0, 0x100, 0x108, 0x390  # ARM64_NT_CONTEXT: ContextFlags and Cpsr, Sp, Pc, all of it
_CONTEXT_ARM64_ALL = 0x0040001F
_CPSR = 0x600003C5  # EL1 on its own stack, interrupts masked
_SPECIAL_REGISTERS = 160  # bytes of KARM64_SPECIAL_REGISTERS, all zero
_MACHINE_IN_HEADER = 4  # from "PE\0\0" to IMAGE_FILE_HEADER.Machine


class Arm64Target(KdTarget):
    """A kernel that can be debugged, on ARM64."""

    machine, secondary = 0xAA64, 0

    def __init__(self, kernel: Kernel, faults: Optional[Faults] = None, running: bool = False) -> None:
        super().__init__(kernel, faults, running)
        self._context = bytearray(_SIZE)
        struct.pack_into("<II", self._context, _FLAGS, _CONTEXT_ARM64_ALL, _CPSR)
        struct.pack_into("<Q", self._context, _SP, self._pcr - 0x1000)
        self._control_space[2] = lambda: bytes(_SPECIAL_REGISTERS)
        # The image of nt in memory is one of this machine.
        header = kernel.base + int.from_bytes(self.ram.read(kernel.base + 0x3C, 4), "little")
        self.ram.write(header + _MACHINE_IN_HEADER, self.machine.to_bytes(2, "little"))

    def _state_change(self, at: int, code: bytes) -> bytes:
        struct.pack_into("<Q", self._context, _PC, at)
        return bytes(wire.STATE_CHANGE_ARM64.build(dict(processor_level=0, **self._where(at, code))))
