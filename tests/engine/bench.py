"""`make bench`: what each way to a token costs on the wire of a live kernel, in one table.

    python -m tests.engine.bench [--processes 3,50,200,1000] [--build 10.0.22000.2538]

Same kernel and same run for all rows; the engine's cache is empty before each.  The target counts.
"""

import argparse
import contextlib
import os
import struct
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from kdtoken.layout.layout import size_of, stride
from kdtoken.layout.layout_file import load_layouts
from tests.engine.assemble import BuildFailed, default_folder
from tests.engine.bench_rows import add, calibrate
from tests.engine.image import Image, build_image
from tests.engine.kd.counters import BITS_A_BYTE, Counters
from tests.engine.kd.pipe import connection, named_pipe
from tests.engine.kd.serve import Server
from tests.engine.kd.target import KdTarget
from tests.engine.windows import Windows
from tests.engine.windows import build as build_windows
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import Kernel, build
from tests.machine.spec import Machine

ROOT = Path(__file__).resolve().parent.parent.parent
NTOSEYE = "ntoseye==0.52.0"
NAME, PID = "notepad.exe", 6104
# The script's walk takes pykd many minutes beyond; its cost grows by the same 15 reads a process.
SCRIPT_WALK = 200
FEW = (4, 4120, PID)  # System, explorer, notepad
BAUD, ROUND_TRIP = 115200, 0.005
# Four packets carry a request: itself (73 bytes), an acknowledgement (16), the answer (73 and the
# data), an acknowledgement.
PACKETS, OVERHEAD, MOST = 4, 178, 3944


class Row(NamedTuple):
    """What one way cost."""

    name: str
    requests: int
    data: int
    packets: int
    wire: int

    def text(self, processes: int) -> str:
        """A line of the table."""
        return "| %5d | %-36s | %6d | %8d | %7d | %8d | %7.2f | %7.2f |" % (
            processes,
            self.name,
            self.requests,
            self.data,
            self.packets,
            self.wire,
            self.wire * BITS_A_BYTE / BAUD,
            self.requests * ROUND_TRIP,
        )


HEAD = (
    "| procs | way                                  | reads  | bytes    | packets | on wire  | s 115k2 | s 5 ms  |\n"
    "| ----: | ------------------------------------ | -----: | -------: | ------: | -------: | ------: | ------: |"
)


def machine_of(processes: int) -> Machine:
    """A machine of that many processes, nearly each with a token of its own."""
    if processes < len(MACHINE.processes):
        chosen = [one for one in MACHINE.processes if one.pid in FEW]
        return Machine(tuple(chosen[:processes]), MACHINE.tokens, MACHINE.logon_sessions)
    return grown(MACHINE, processes, processes)


def rows_of(marks: Dict[str, Counters]) -> List[Row]:
    """The differences between the marks, in the order in which they were set."""
    rows = []
    for name in [mark[:-2] for mark in marks if mark.endswith(" <")]:
        used = marks[name + " >"].since(marks[name + " <"])
        assert not used.changes, "%s changed the machine: %s" % (name, used.changes)
        rows.append(Row(name, used.round_trips, used.bytes_asked, used.packets, used.bytes_in + used.bytes_out))
    return rows


def minimum(kernel: Kernel) -> List[Row]:
    """The least that any client must have cross: each struct once, in one request, nothing else."""
    resolve = kernel.layouts.layout
    process = resolve("_EPROCESS")

    def stretch(*more: str) -> int:
        names = ("UniqueProcessId", "ActiveProcessLinks", "Token", "ImageFileName", *more)
        members = [process.field(name) for name in names if process.has(name)]
        first = min(member.offset for member in members)
        return max(member.offset + size_of(member.type, resolve) for member in members) - first

    of_process = stretch()
    # What each line of a walk tells besides: an end, a protection, the session.
    walked = stretch("CreateTime", "ExitTime", "Protection", "Session")
    tokens = {key: resolve("_TOKEN").size + _variable_length(kernel, key) for key in kernel.machine.tokens}
    notepad = next(p.token for p in kernel.machine.processes if p.pid == PID)
    held = {p.token for p in kernel.machine.processes if p.token}
    listed = [8] + [of_process] * len(kernel.processes)
    entry = stride(resolve("_HANDLE_TABLE_ENTRY"), resolve)
    way = [8, 16, 8, entry, of_process]  # PspCidTable, its table, a leaf's address, the entry, the process
    return [
        _sum("(minimum) token by pid", [*way, tokens[str(notepad)]]),
        _sum("(minimum) token by name", [*listed, tokens[str(notepad)]]),
        _sum("(minimum) walk of names and tokens", [*listed, *(tokens[str(key)] for key in held)]),
        _sum(
            "(minimum) walk as it is printed",
            [8, *[walked] * len(kernel.processes), *(tokens[str(key)] for key in held), *_sessions(kernel)],
        ),
    ]


def _sessions(kernel: Kernel) -> List[int]:
    """Each logon session with its two names, which lie together, and the number of each session's space."""
    size = kernel.layouts.layout("_SEP_LOGON_SESSION_REFERENCES").size
    names = [2 * len(one.account + one.authority) for one in kernel.machine.logon_sessions]
    spaces = {one.session for one in kernel.machine.processes if one.session is not None}
    return [*[size] * len(names), *names, *[4] * len(spaces)]


def _variable_length(kernel: Kernel, key: str) -> int:
    at = kernel.tokens[key] + kernel.layouts.layout("_TOKEN").field("VariableLength").offset
    return struct.unpack("<I", kernel.memory.peek(at, 4))[0]


def _sum(name: str, sizes: Sequence[int]) -> Row:
    requests = sum(-(-size // MOST) for size in sizes)
    return Row(name, requests, sum(sizes), requests * PACKETS, requests * OVERHEAD + sum(sizes))


def measure(windows: Windows, kernel: Kernel, folder: Path) -> List[Row]:
    """Every way through pykd and the engine."""
    with Server(KdTarget(kernel)) as server, named_pipe(windows, server) as pipe:
        done = windows.python(
            Path(__file__).with_name("bench_live.py"),
            connection(pipe),
            str(server.control_port),
            str(PID),
            NAME,
            "%d" % (len(kernel.processes) <= SCRIPT_WALK),
            cwd=folder,
            timeout=600,
        )
        if done.returncode:
            raise BuildFailed("bench_live.py: %s%s" % (done.stdout, done.stderr))
        return rows_of(server.marks)


def install_ntoseye(work: Path) -> Optional[Path]:
    """ntoseye in a folder of its own; None where PyPI has none for this machine."""
    folder = work / "ntoseye"
    if not folder.is_dir():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--no-deps",
            "-t",
            str(folder),
            NTOSEYE,
        ]
        if subprocess.run(command, check=False).returncode:
            return None
    return folder


def measure_ntoseye(package: Path, kernel: Kernel, image: Image, folder: Path) -> List[Row]:
    """The same through ntoseye's own KD client; its symbols come from a store made here."""
    rows: List[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        store = home / ".ntoseye" / "symbols" / "ntkrnlmp.pdb" / pdb_key(image.memory_image)
        store.mkdir(parents=True)
        (store / "ntkrnlmp.pdb").symlink_to(folder / "ntkrnlmp.pdb")
        # Nobody's network is asked for what is not in the store.
        env = dict(
            os.environ,
            HOME=str(home),
            PYTHONPATH=str(package),
            HTTPS_PROXY="http://127.0.0.1:9",
            HTTP_PROXY="http://127.0.0.1:9",
        )
        for what in ("name", "walk"):
            path = home / ("%s.sock" % what)
            with Server(KdTarget(kernel), unix=path) as server:
                script = str(Path(__file__).with_name("bench_ntoseye.py"))
                command = [sys.executable, script, str(path), str(server.control_port), NAME, what]
                with contextlib.suppress(subprocess.TimeoutExpired):
                    done = subprocess.run(
                        command,
                        env=env,
                        cwd=scratch,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        encoding="utf-8",
                        timeout=300,
                    )
                    if done.returncode:
                        print("ntoseye: %s" % done.stdout.strip()[-300:], file=sys.stderr)
                with contextlib.suppress(KeyError):
                    rows += rows_of(server.marks)
    return rows


def pdb_key(image: bytes) -> str:
    """GUID and age of the image's CodeView record, as symbol stores spell them."""
    at = image.index(b"RSDS") + 4
    guid = uuid.UUID(bytes_le=image[at : at + 16])
    return "%s%X" % (guid.hex.upper(), struct.unpack_from("<I", image, at + 16)[0])


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", default="3,50,200,1000")
    parser.add_argument("--build", default="10.0.22000.2538")
    options = parser.parse_args(arguments)
    windows = build_windows()
    windows.install(ROOT)
    layouts = load_layouts(ROOT / "fixtures" / "layouts" / ("nt-%s.json" % options.build))
    folder = default_folder() / "kernels" / options.build
    folder.mkdir(parents=True, exist_ok=True)
    image = build_image(layouts, folder)
    ntoseye = install_ntoseye(windows.work)
    print(calibrate().text())
    print(HEAD, flush=True)
    for count in map(int, options.processes.split(",")):
        kernel = build(machine_of(count), layouts, image)
        rows = measure(windows, kernel, folder)
        if ntoseye is not None:
            rows += measure_ntoseye(ntoseye, kernel, image, folder)
        for row in rows + minimum(kernel):
            print(row.text(len(kernel.processes)), flush=True)
            name = "%d processes, %s" % (len(kernel.processes), row.name)
            add("wire", name + ", requests", row.requests, "requests")
            add("wire", name + ", data", row.data, "bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
