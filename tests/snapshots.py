"""A declared machine as a Snapshot: from memory, from a dump, from a recording, from the text of a debugger."""

import gzip
import json
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Set, Tuple

from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.decode.snapshot import snapshot_of
from kdtoken.decode.thread import walk_threads
from kdtoken.layout.layout import Layout
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.log import LogMachine
from kdtoken.machine.merged import read_logs
from kdtoken.machine.snapshot import snapshot_of_texts
from kdtoken.model.process import Impersonation, ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.source.base import Source
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from kdtoken.source.session import RecordingSource, load_session
from tests.engine.volatility import isf
from tests.expected import WINDOWS_11, layouts_of_build
from tests.fake_image import as_image, fake_image
from tests.machine.crashdump import write_dump
from tests.machine.kernel import Kernel, build
from tests.machine.memory import PAGE
from tests.machine.spec import Machine
from tests.machine.standin_text import process_details as printed_details
from tests.machine.standin_text import process_head, token_text
from tests.machine.synthetic import SyntheticSource
from tests.test_source_log_memory import UNITS, rendered


def kernel_of_machine(machine: Machine, path: Path = WINDOWS_11) -> Kernel:
    """The machine in memory, by default as Windows 11 lays it out, with no page paged out; equal ones are one."""
    return _built(machine, path)[0]


def paged_out_of_machine(machine: Machine) -> List[int]:
    """An address in each page of it that the declaration has paged out."""
    return [number * PAGE for number in _built(machine, WINDOWS_11)[1]]


@lru_cache(maxsize=192)
def _built(machine: Machine, path: Path) -> Tuple[Kernel, Set[int]]:
    kernel = build(machine, layouts_of_build(path))
    gone, kernel.memory.paged_out = kernel.memory.paged_out, set()
    return kernel, gone


def snapshot_of_source(source: Source, with_sessions: bool = False) -> Snapshot:
    """What `walk --threads` reads, as a Snapshot."""
    target = CachedSource(source)
    tokens = Tokens(target, follow=False)
    processes, problems = walk_processes(target, details=True)
    rows: List[ProcessDump] = []
    for process in processes:
        details = process_details(target, process, origins=False)
        threads, _ = walk_threads(target, details.thread_list_head)
        of_threads = {
            one.impersonation.token: tokens.at(one.impersonation.token)
            for one in threads
            if isinstance(one.impersonation, Impersonation)
        }
        rows.append(ProcessDump(process, details, tokens.of(process), tuple(threads), of_threads))
    return snapshot_of(target, rows, problems, with_sessions)


@lru_cache(maxsize=192)
def snapshot_of_machine(machine: Machine, with_sessions: bool = False) -> Snapshot:
    """From memory."""
    return snapshot_of_source(SyntheticSource(kernel_of_machine(machine)), with_sessions)


def dump_file(machine: Machine, folder: Path, name: str = "kernel") -> Path:
    """A crash dump of the machine, with NAME.json beside it, which are its symbols."""
    image = fake_image(layouts_of_build(WINDOWS_11), 1)
    path = folder / (name + ".dmp")
    kernel = build(machine, layouts_of_build(WINDOWS_11), image)
    kernel.memory.paged_out = set()
    write_dump(kernel, path)
    (folder / (name + ".json")).write_text(_symbols_of_dumps())
    return path


@lru_cache(maxsize=None)
def _symbols_of_dumps() -> str:
    layouts = layouts_of_build(WINDOWS_11)
    return json.dumps(isf(layouts, as_image(fake_image(layouts, 1))))


def snapshot_of_dump(path: Path) -> Snapshot:
    """From a crash dump that `dump_file` wrote."""
    return snapshot_of_source(open_dump(str(path), str(path.with_suffix(".json")), False))


def snapshot_of_recording(machine: Machine, folder: Path) -> Snapshot:
    """From a recording of what a walk of the machine asks."""
    recording = RecordingSource(SyntheticSource(kernel_of_machine(machine)))
    snapshot_of_source(recording)
    recording.save(folder / "one.kdtoken.gz")
    return snapshot_of_source(load_session(str(folder / "one.kdtoken.gz")))


def printed(kernel: Kernel) -> str:
    """What `!process 0 1` and a `!token` for each process print."""
    lines: List[str] = ["0: kd> !process 0 1", "**** NT ACTIVE PROCESS DUMP ****"]
    for process in kernel.machine.processes:
        lines += process_head(kernel, process) + printed_details(kernel, process) + [""]
    for key in dict.fromkeys(process.token for process in kernel.machine.processes if process.token):
        lines += ["0: kd> !token %x" % kernel.tokens[key], *token_text(kernel, kernel.machine.tokens[key]), ""]
    return "\n".join(lines)


@lru_cache(maxsize=32)
def snapshot_of_text(text: str) -> Snapshot:
    """From a debugger's text."""
    return snapshot_of_texts(read_logs([("windbg.log", text)]), "windbg.log")


_CAPTURE = Path(__file__).parent.parent / "fixtures" / "logs" / "capture-10.0.22000.2538-synthetic.log.gz"


class _Noting(SyntheticSource):
    """Remembers what was asked of it, as what a debugger would have printed."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.memory: Dict[int, bytes] = {}
        self.symbols: Dict[str, int] = {}
        self.types: Dict[str, Layout] = {}

    def layout(self, name: str) -> Layout:
        self.types[name] = found = super().layout(name)
        return found

    def read(self, address: int, size: int) -> bytes:
        data = super().read(address, size)
        if len(data) > len(self.memory.get(address, b"")):
            self.memory[address] = data
        return data

    def symbol(self, name: str) -> int:
        self.symbols[name.split("!")[-1]] = found = super().symbol(name)
        return found


@lru_cache(maxsize=None)
def _head_of_capture() -> str:
    return gzip.decompress(_CAPTURE.read_bytes()).decode("utf-8").split("nt!PsActiveProcessHead = ")[0]


def memory_log(machine: Machine, folder: Path) -> Path:
    """A log of what a person printed by hand with `dt -v`, `x`, `dq` and `db`: types, variables and memory, no extension."""
    source = _Noting(kernel_of_machine(machine))
    snapshot_of_source(source)
    KernelMachine(source).snapshot()
    head = _head_of_capture()
    text = [head.rsplit("\n", 1)[0] + "\n"]  # what the engine prints of the same build's types
    for name, layout in source.types.items():
        if "\nstruct %s," % name not in head:  # the capture is older than the question for this one
            text.append("struct %s, %d elements, 0x%x bytes\n" % (name, len(layout.fields), layout.size or 0))
            text += ["   +0x%03x %-16s : %s\n" % (one.offset, one.name, one.type) for one in layout.fields]
    for name, at in source.symbols.items():
        text.append(
            "0: kd> x nt!%s\n%08x`%08x nt!%s = <no type information>\n" % (name, at >> 32, at & 0xFFFFFFFF, name)
        )
    for number, (address, data) in enumerate(sorted(source.memory.items())):
        form = "db" if number % 2 or len(data) % 8 else "dq"
        text.append("0: kd> %s %x L%x\n%s" % (form, address, len(data) // UNITS[form], rendered(form, address, data)))
    path = folder / "by-hand.log"
    path.write_text("".join(text), encoding="utf-8")
    return path


def snapshot_of_memory_log(machine: Machine, folder: Path) -> Snapshot:
    """From a log of memory."""
    return LogMachine([str(memory_log(machine, folder))]).snapshot()
