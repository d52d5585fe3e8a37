"""The target's end of a kernel debugging session: what the kernel answers.

One processor, stopped at nt!DbgBreakPointWithStatus or running.  Everything that could change the
machine is carried out on the target's own copy, and written down by name in `counters.changes`.
"""

from typing import Any, Callable, Dict, Optional, Tuple

from tests.engine.kd import wire
from tests.engine.kd.counters import Counters
from tests.engine.kd.faults import Faults
from tests.engine.kd.line import PacketLine
from tests.engine.kd.ram import Ram
from tests.engine.kd.wire import SUCCESS, UNSUCCESSFUL, Api, PacketType
from tests.machine.kernel import Kernel
from tests.machine.structs import Structs

Answer = Tuple[int, bytes, bytes]  # NTSTATUS, union, data after it
# MSRs that a debugger asks for (Intel SDM volume 4): EFER, and the bases of GS
_EFER, _GS_BASE, _KERNEL_GS_BASE = 0xC0000080, 0xC0000101, 0xC0000102
_SEARCH_LIMIT = 1 << 20
_KERNEL_SPACE, _ALL_ACCESS = 2, 7


class KdTarget:
    """A kernel that can be debugged.

    machine   IMAGE_FILE_MACHINE_*, which the debugger asks for first
    running   the machine runs (it hears nothing but a break-in); False: it waits for a debugger
    counters  what crossed the wire so far
    """

    machine, secondary = 0x8664, 2

    def __init__(self, kernel: Kernel, faults: Optional[Faults] = None, running: bool = False) -> None:
        self.kernel = kernel
        self.ram = Ram(kernel)
        self.running = running
        self.counters = Counters()
        self.line = PacketLine(
            self.counters, faults or Faults(), self._message, self._break_in, self._stopped, lambda: self.running
        )
        self._context = bytearray(kernel.context)
        self._breakpoints: Dict[int, Tuple[int, bytes]] = {}
        self._reads = 0
        s = Structs(kernel.memory, kernel.layouts)
        self._pcr = kernel.regions.pcr
        self._prcb = self._pcr + s.offset("_KPCR", "Prcb")
        self._thread = kernel.pointer_at("_KPRCB", self._prcb, "CurrentThread")
        special = self._prcb + s.offset("_KPRCB", "ProcessorState.SpecialRegisters")
        size = s.size("_KSPECIAL_REGISTERS")
        # Control spaces of x64: KPCR and KPRCB (their addresses), special registers, current thread.
        self._control_space: Dict[int, Callable[[], bytes]] = {
            0: lambda: self._pcr.to_bytes(8, "little"),
            1: lambda: self._prcb.to_bytes(8, "little"),
            2: lambda: self.ram.read(special, size),
            3: lambda: self._thread.to_bytes(8, "little"),
        }
        self._answers: Dict[int, Callable[[bytes, bytes], Answer]] = {
            Api.ReadVirtualMemory: self._read,
            Api.ReadPhysicalMemory: self._read_physical,
            Api.WriteVirtualMemory: self._write,
            Api.WritePhysicalMemory: self._write_physical,
            Api.GetContext: lambda u, _: (SUCCESS, u, bytes(self._context)),
            Api.SetContext: self._set_context,
            Api.GetContextEx: self._get_context_part,
            Api.SetContextEx: self._set_context_part,
            Api.ReadControlSpace: self._read_control_space,
            Api.WriteControlSpace: lambda u, data: (SUCCESS, _done(wire.MEMORY, u, len(data)), b""),
            Api.GetVersion: self._version,
            Api.WriteBreakPoint: self._set_breakpoint,
            Api.RestoreBreakPoint: self._remove_breakpoint,
            Api.ReadMachineSpecificRegister: self._read_msr,
            Api.WriteMachineSpecificRegister: lambda u, _: (SUCCESS, u, b""),
            Api.SearchMemory: self._search,
            Api.QueryMemory: self._query,
            Api.FillMemory: lambda u, _: (UNSUCCESSFUL, u, b""),
            Api.WriteBreakPointEx: lambda u, _: (UNSUCCESSFUL, u, b""),
            Api.RestoreBreakPointEx: lambda u, _: (UNSUCCESSFUL, u, b""),
            Api.CheckLowMemory: lambda u, _: (SUCCESS, u, b""),
        }

    # ------------------------------------------------------------------ stopping and running

    def plugged(self, write: Optional[Callable[[bytes], None]]) -> None:
        """A debugger's cable is there (None: gone).  A stopped machine says so by itself."""
        self.line.plug(write)
        self._reads = 0  # as requests, counted by the session
        if write is not None and not self.running:
            self.line.forget()
            self._stopped()

    def _break_in(self) -> None:
        if self.running:
            self.running = False
            self.line.forget()
            self._stopped()

    def _stopped(self) -> None:
        """Tell the debugger that, and where, the machine stands."""
        if self.running:
            return
        at = self.kernel.symbols["DbgBreakPointWithStatus"]
        self.line.send(PacketType.STATE_CHANGE64, self._state_change(at, self.ram.read(at, wire.INSTRUCTIONS)))

    def _state_change(self, at: int, code: bytes) -> bytes:
        """Why and where the machine stands; its context says the same."""
        self._context[wire.CONTEXT_RIP : wire.CONTEXT_RIP + 8] = at.to_bytes(8, "little")
        flags = int.from_bytes(self._context[wire.CONTEXT_EFLAGS : wire.CONTEXT_EFLAGS + 4], "little")
        return bytes(wire.STATE_CHANGE.build(dict(processor_level=6, eflags=flags, **self._where(at, code))))

    def _where(self, at: int, code: bytes) -> Dict[str, Any]:
        return dict(
            processor=0,
            processors=1,
            thread=self._thread,
            program_counter=at,
            address=at,
            information=[0] * 15,
            instruction_count=len(code),
            instructions=code.ljust(wire.INSTRUCTIONS, b"\0"),
        )

    # ------------------------------------------------------------------ requests

    def _message(self, kind: int, data: bytes) -> None:
        if kind != PacketType.STATE_MANIPULATE or len(data) < wire.MANIPULATE_SIZE:
            return
        head = wire.MANIPULATE.parse(data)
        name = _name(head.api)
        self.counters.requests[name] += 1
        if head.api not in wire.READ_ONLY:
            self.counters.changes.append(name)
        if head.api in (Api.Continue, Api.Continue2):
            self.running = True
            self.line.forget()
            return
        if head.api == Api.SwitchProcessor:
            self._stopped()
            return
        if head.api in wire.SILENT:
            return
        answer = self._answers.get(head.api)
        if answer is None:
            status, u, extra = wire.NOT_IMPLEMENTED, head.u, b""
        else:
            status, u, extra = answer(head.u, data[wire.MANIPULATE_SIZE :])
        head.status, head.u = status, u[: wire.UNION_SIZE].ljust(wire.UNION_SIZE, b"\0")
        self.line.send(PacketType.STATE_MANIPULATE, wire.MANIPULATE.build(head) + extra)

    def _read(self, u: bytes, _: bytes) -> Answer:
        return self._memory(u, self.ram.read)

    def _read_physical(self, u: bytes, _: bytes) -> Answer:
        return self._memory(u, self.ram.read_physical)

    def _memory(self, u: bytes, read: Callable[[int, int], bytes]) -> Answer:
        asked = wire.MEMORY.parse(u)
        data = read(asked.address, min(asked.count, wire.MAX_DATA - wire.MANIPULATE_SIZE))
        self._reads += 1
        self.counters.bytes_asked += asked.count
        self.counters.bytes_given += len(data)
        self.ram.page_out(self.line.faults.page_out.get(self._reads, ()))
        return (SUCCESS if data else UNSUCCESSFUL), _done(wire.MEMORY, u, len(data)), data

    def _write(self, u: bytes, data: bytes) -> Answer:
        asked = wire.MEMORY.parse(u)
        done = self.ram.write(asked.address, data[: asked.count])
        return (SUCCESS if done == asked.count else UNSUCCESSFUL), _done(wire.MEMORY, u, done), b""

    def _write_physical(self, u: bytes, data: bytes) -> Answer:
        asked = wire.MEMORY.parse(u)
        done = self.ram.write_physical(asked.address, data[: asked.count])
        return (SUCCESS if done == asked.count else UNSUCCESSFUL), _done(wire.MEMORY, u, done), b""

    def _set_context(self, u: bytes, data: bytes) -> Answer:
        self._context[: len(data)] = data[: len(self._context)]
        return SUCCESS, u, b""

    def _get_context_part(self, u: bytes, _: bytes) -> Answer:
        part = wire.CONTEXT_EX.parse(u)
        data = bytes(self._context[part.offset : part.offset + part.count])
        return (SUCCESS if data else UNSUCCESSFUL), _done(wire.CONTEXT_EX, u, len(data)), data

    def _set_context_part(self, u: bytes, data: bytes) -> Answer:
        part = wire.CONTEXT_EX.parse(u)
        size = max(0, min(part.count, len(data), len(self._context) - part.offset))
        self._context[part.offset : part.offset + size] = data[:size]
        return SUCCESS, _done(wire.CONTEXT_EX, u, size), b""

    def _read_control_space(self, u: bytes, _: bytes) -> Answer:
        asked = wire.MEMORY.parse(u)
        space = self._control_space.get(asked.address)
        data = space()[: asked.count] if space else b""
        return (SUCCESS if data else UNSUCCESSFUL), _done(wire.MEMORY, u, len(data)), data

    def _version(self, u: bytes, _: bytes) -> Answer:
        symbols = self.kernel.symbols
        version = wire.VERSION.build(
            dict(
                major=0xF,
                secondary=self.secondary,
                machine=self.machine,
                minor=self.kernel.version[2],
                kernel_base=self.kernel.base,
                loaded_module_list=symbols["PsLoadedModuleList"],
                debugger_data_list=symbols["KdDebuggerDataBlock"],
            )
        )
        return SUCCESS, version, b""

    def _set_breakpoint(self, u: bytes, _: bytes) -> Answer:
        address = wire.BREAKPOINT.parse(u).address
        handle = len(self._breakpoints) + 1
        self._breakpoints[handle] = (address, self.ram.read(address, 1))
        done = self.ram.write(address, b"\xcc")
        return (SUCCESS if done else UNSUCCESSFUL), wire.BREAKPOINT.build(dict(address=address, handle=handle)), b""

    def _remove_breakpoint(self, u: bytes, _: bytes) -> Answer:
        known = self._breakpoints.pop(wire.BREAKPOINT_HANDLE.parse(u).handle, None)
        if known is None:
            return UNSUCCESSFUL, u, b""
        self.ram.write(*known)
        return SUCCESS, u, b""

    def _read_msr(self, u: bytes, _: bytes) -> Answer:
        number = wire.MSR.parse(u).number
        value = {_GS_BASE: self._pcr, _EFER: 0xD01, _KERNEL_GS_BASE: 0}.get(number, 0)
        return SUCCESS, wire.MSR.build(dict(number=number, low=value & 0xFFFFFFFF, high=value >> 32)), b""

    def _search(self, u: bytes, pattern: bytes) -> Answer:
        asked = wire.SEARCH.parse(u)
        at = self.ram.read(asked.address, min(asked.length, _SEARCH_LIMIT)).find(pattern[: asked.pattern_length])
        if at < 0:
            return wire.NOT_FOUND, u, b""
        asked.address += at
        return SUCCESS, wire.SEARCH.build(asked), b""

    def _query(self, u: bytes, _: bytes) -> Answer:
        asked = wire.QUERY.parse(u)
        asked.space = _KERNEL_SPACE if asked.address >> 47 else 0
        asked.flags = _ALL_ACCESS
        return SUCCESS, wire.QUERY.build(asked), b""


def _done(struct: Any, u: bytes, done: int) -> bytes:
    """The request's own union with its `done` filled in."""
    value = struct.parse(u)
    value.done = done
    return bytes(struct.build(value))


def _name(api: int) -> str:
    try:
        return Api(api).name
    except ValueError:
        return hex(api)
