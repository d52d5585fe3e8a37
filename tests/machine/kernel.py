"""Builds a synthetic kernel: a declared machine, put in memory by the layouts of any build.

`build(machine, layouts)` gives a Kernel; tests read its memory through tests.machine.synthetic, and
crashdump.py writes it as a dump for the genuine engine.  The same inputs give the same bytes.
"""

from dataclasses import dataclass, field
from typing import Dict, Optional, Protocol, Tuple

from kdtoken.layout.layout import size_of
from kdtoken.layout.layout_file import LayoutFile
from tests.machine.binary import sid_bytes
from tests.machine.debugger import DebuggerData
from tests.machine.memory import Memory, Pool
from tests.machine.namespace import KEYS, OBJECTS, NamespaceWriter, descriptor_of_token
from tests.machine.objects import Objects, Regions
from tests.machine.paging import DirectoryBases
from tests.machine.processes import CidTable, ProcessWriter
from tests.machine.security import TokenWriter, put_logon_sessions
from tests.machine.spec import Machine
from tests.machine.structs import Structs
from tests.machine.symbols import FUNCTIONS, PRIVILEGE_VARIABLES, variables_of

_LATER = 0x4000000  # from the start of a pool to where the later things lie
_SOME_BOOT = 132_800_000_000_000_000  # FILETIME, where no process says better: 2021
_IMAGE_SIZE = 0x100000  # of the nt that has no image: room for its variables


class Image(Protocol):
    """An nt image made by image.py: what is mapped at the base, and where its symbols are."""

    @property
    def memory_image(self) -> bytes:
        """SizeOfImage bytes, sections where they belong."""

    @property
    def symbols(self) -> Dict[str, int]:
        """Name -> RVA."""


@dataclass
class Kernel:
    """A machine in memory, and where everything landed.

    symbols         name without "nt!" -> address
    processes       pid -> _EPROCESS          threads         tid -> _ETHREAD
    tokens          key -> _TOKEN             logon_sessions  LogonId -> its struct
    directory_base  pid -> physical address of its PML4
    object_tables   pid -> its _HANDLE_TABLE, which is empty
    named           path -> body              keys            path -> _CM_KEY_CONTROL_BLOCK
    dropped_fields  "_TOKEN.Package" -> how often a declaration had a value for a member that
                    this kernel does not have
    """

    machine: Machine
    layouts: LayoutFile
    memory: Memory
    base: int
    image_size: int
    symbols: Dict[str, int]
    regions: Regions
    cookie: Optional[int]
    processes: Dict[int, int] = field(default_factory=dict)
    threads: Dict[int, int] = field(default_factory=dict)
    tokens: Dict[str, int] = field(default_factory=dict)
    logon_sessions: Dict[int, int] = field(default_factory=dict)
    types: Dict[str, int] = field(default_factory=dict)
    dropped_fields: Dict[str, int] = field(default_factory=dict)
    directory_base: Dict[int, int] = field(default_factory=dict)
    object_tables: Dict[int, int] = field(default_factory=dict)
    named: Dict[str, int] = field(default_factory=dict)
    keys: Dict[str, int] = field(default_factory=dict)
    context: bytes = b""

    def process_named(self, name: str) -> int:
        """Address of the first process whose image has that name."""
        for process in self.machine.processes:
            if process.image_name == name.encode("latin-1"):
                return self.processes[process.pid]
        raise KeyError(name)

    def pointer_at(self, type_name: str, address: int, name: str) -> int:
        """The pointer in a member of the struct at an address, paged out or not."""
        member = self.layouts.layout(type_name).field(name)
        return int.from_bytes(self.memory.peek(address + member.offset, self.layouts.pointer_size), "little")

    @property
    def version(self) -> Tuple[int, ...]:
        """(10, 0, 22000, 2538)."""
        return version_of(self.layouts)


def version_of(layouts: LayoutFile) -> Tuple[int, ...]:
    """The build string as numbers."""
    return tuple(int(part) for part in layouts.build.split("."))


def _regions(version: Tuple[int, ...], seed: int) -> Regions:
    """Addresses as each generation of Windows has them; `seed` slides them as a boot does."""
    slide = (seed & 0xFF) << 24
    if version < (6, 2):
        return Regions(
            nt=0xFFFFF80002A00000,
            nonpaged=0xFFFFFA8002400000 + slide,
            paged=0xFFFFF8A000200000 + slide,
            session=0xFFFFF88004A00000,
            pcr=0xFFFFF880009E0000,
        )
    if version < (10,):
        return Regions(
            nt=0xFFFFF80312400000 + slide,
            nonpaged=0xFFFFE00011000000 + slide,
            paged=0xFFFFC00034000000 + slide,
            session=0xFFFFD00022A00000 + slide,
            pcr=0xFFFFF80310A00000 + slide,
        )
    return Regions(
        nt=0xFFFFF80312400000 + slide,
        nonpaged=0xFFFFA08011000000 + slide,
        paged=0xFFFFCC8A14200000 + slide,
        session=0xFFFFB50022A00000 + slide,
        pcr=0xFFFFF80310A00000 + slide,
    )


def _place_symbols(layouts: LayoutFile, base: int) -> Dict[str, int]:
    """Addresses for the variables and functions of an nt that nobody compiled."""
    at, symbols = base + 0x10000, {}
    for name in FUNCTIONS:
        symbols[name] = at
        at += 0x40
    at = base + 0x20000
    for name, kind in variables_of(layouts).items():
        at = -(-at // 16) * 16
        symbols[name] = at
        at += size_of(kind, layouts.layout)
    return symbols


def build(machine: Machine, layouts: LayoutFile, image: Optional[Image] = None, seed: int = 0) -> Kernel:
    """Put the machine in memory."""
    memory = Memory()
    structs = Structs(memory, layouts)
    version = version_of(layouts)
    regions = _regions(version, seed)
    if image is not None:
        symbols = {name: regions.nt + rva for name, rva in image.symbols.items()}
        size = len(image.memory_image)
        memory.write(regions.nt, image.memory_image)
    else:
        symbols = _place_symbols(layouts, regions.nt)
        size = _IMAGE_SIZE
        memory.map(regions.nt, size)
    cookie: Optional[int] = None
    if "ObHeaderCookie" in symbols:
        cookie = (0x9C + 7 * seed) & 0xFF
        memory.write(symbols["ObHeaderCookie"], bytes([cookie]))
    objects = Objects(
        structs, Pool(memory, regions.nonpaged), Pool(memory, regions.paged), cookie, protected_tag=version < (6, 2)
    )
    objects.make_types(symbols["ObTypeIndexTable"])
    for variable, kind in (("PsProcessType", "Process"), ("PsThreadType", "Thread"), ("SeTokenObjectType", "Token")):
        structs.pointer(symbols[variable], objects.types[kind])

    kernel = Kernel(machine, layouts, memory, regions.nt, size, symbols, regions, cookie)
    kernel.types = objects.types
    kernel.logon_sessions = put_logon_sessions(structs, objects, machine.logon_sessions, symbols["SepLogonSessions"])
    tokens = TokenWriter(structs, objects, kernel.logon_sessions)
    kernel.tokens = {key: tokens.put(token) for key, token in machine.tokens.items()}
    tokens.finish(kernel.tokens, machine.logon_sessions)
    writer = ProcessWriter(structs, objects, machine, kernel.tokens, regions.session)
    writer.put_all(symbols["PsActiveProcessHead"])
    writer.put_idle(symbols["PsIdleProcess"])
    kernel.processes, kernel.threads = writer.processes, writer.threads
    kernel.directory_base, kernel.object_tables = writer.directory_base, writer.object_tables
    CidTable(structs, objects).put({**kernel.processes, **kernel.threads}, symbols["PspCidTable"])
    _variables(kernel, structs, version)
    _namespace(kernel, structs, objects)
    data = DebuggerData(structs, objects, symbols, kernel.base, kernel.image_size)
    data.module_list()
    data.debugger_block()
    data.shared_user_data(version)
    for process in machine.processes:
        if process.peb and not process.exit_time:
            data.environment(process.peb, version)
        if process.pid == 4:
            data.address_space(kernel.processes[4])
    first_thread = next(iter(kernel.threads.values()), 0)
    kernel.context = data.processor(regions.pcr, DirectoryBases.first, first_thread)
    kernel.dropped_fields = structs.dropped
    return kernel


def _namespace(kernel: Kernel, structs: Structs, objects: Objects) -> None:
    """Descriptors, named objects, keys: in pools of their own, so that all else lies where it always did."""
    writer = NamespaceWriter(
        structs,
        objects.elsewhere(
            Pool(kernel.memory, kernel.regions.nonpaged + _LATER), Pool(kernel.memory, kernel.regions.paged + _LATER)
        ),
    )
    writer.types(kernel.symbols["ObTypeIndexTable"], kernel.symbols)
    writer.guard_all(kernel.machine, kernel.processes, kernel.threads)
    for key, at in kernel.tokens.items():
        writer.guard(at, descriptor_of_token(kernel.machine, key))
    writer.namespace(OBJECTS, kernel.symbols["ObpRootDirectoryObject"])
    writer.registry(KEYS, kernel.symbols["CmpHiveListHead"])
    kernel.named, kernel.keys = writer.bodies, writer.blocks
    if "SepDefaultMandatorySid" in kernel.symbols:
        sid = sid_bytes("S-1-16-8192")
        at = writer.objects.block(len(sid), b"Seml")
        kernel.memory.write(at, sid)
        structs.pointer(kernel.symbols["SepDefaultMandatorySid"], at)


def _variables(kernel: Kernel, structs: Structs, version: Tuple[int, ...]) -> None:
    """The plain global variables."""
    symbols, memory = kernel.symbols, kernel.memory
    system = kernel.processes.get(4)
    if system is not None:
        structs.pointer(symbols["PsInitialSystemProcess"], system)
    boots = (
        ("PspBootAccessToken", kernel.machine.boot_token),
        ("SeAnonymousLogonToken", kernel.machine.anonymous_token),
    )
    for name, key in boots:
        structs.pointer(symbols[name], kernel.tokens.get(key or "", 0))
    structs.pointer(symbols["PsNtosImageBase"], kernel.base)
    memory.write(symbols["NtBuildNumber"], (0xF0000000 | version[2]).to_bytes(4, "little"))
    highest = 0x7FFFFFEFFFF if version < (6, 3) else 0x7FFFFFFEFFFF
    structs.pointer(symbols["MmHighestUserAddress"], highest)
    structs.pointer(symbols["MmUserProbeAddress"], highest + 1)
    structs.pointer(symbols["MmSystemRangeStart"], 0xFFFF080000000000 if version < (6, 3) else 0xFFFF800000000000)
    memory.write(symbols["KeNumberProcessors"], b"\x01\x00")
    # A moment before the first process that has a time.
    born = min((one.create_time for one in kernel.machine.processes if one.create_time), default=_SOME_BOOT)
    memory.write(symbols["KeBootTime"], (born - 1_000_000).to_bytes(8, "little"))
    for name, number in PRIVILEGE_VARIABLES.items():
        if name in symbols:
            memory.write(symbols[name], number.to_bytes(8, "little"))
