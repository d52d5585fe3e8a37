"""A declared machine as a Snapshot: from memory, from a dump, from a recording, from the text of a debugger."""

import json
from pathlib import Path
from typing import List

from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.decode.snapshot import snapshot_of
from kdtoken.decode.thread import walk_threads
from kdtoken.machine.merged import read_logs
from kdtoken.machine.snapshot import snapshot_of_texts
from kdtoken.model.process import Impersonation, ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.source.base import Source
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from kdtoken.source.session import RecordingSource, load_session
from tests.engine.volatility import isf
from tests.expected import FILES, layouts_of_build
from tests.fake_image import as_image, fake_image
from tests.machine.crashdump import write_dump
from tests.machine.kernel import Kernel, build
from tests.machine.spec import Machine
from tests.machine.standin_text import process_details as printed_details
from tests.machine.standin_text import process_head, token_text
from tests.machine.synthetic import SyntheticSource

WINDOWS_11 = next(path for path in FILES if "22000" in path.name)


def kernel_of_machine(machine: Machine, path: Path = WINDOWS_11) -> Kernel:
    """The machine in memory, by default as Windows 11 lays it out, with no page paged out."""
    kernel = build(machine, layouts_of_build(path))
    kernel.memory.paged_out = set()
    return kernel


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
    (folder / (name + ".json")).write_text(json.dumps(isf(layouts_of_build(WINDOWS_11), as_image(image))))
    return path


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


def snapshot_of_text(text: str) -> Snapshot:
    """From a debugger's text."""
    return snapshot_of_texts(read_logs([("windbg.log", text)]), "windbg.log")
