"""Run a program to its end and read what it printed, without ever waiting for more than it.

    out, err = read_to_end(process, seconds=120)

`communicate` waits until the last holder of the pipes has closed them. Under Wine that may be nobody who is asked
for anything: a program's first window starts explorer.exe, which inherits stdout, leaves the process group, and lives
as long as any other program of the prefix. So here the program's own end is what counts.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import IO, Dict, List, Tuple

# After the program's end: how long its children may be silent before they are no longer listened to.
GRACE = 0.3
# After a kill: how long at most the rest is read.
REST = 2.0
_CHUNK = 1 << 16


class TimedOut(Exception):
    """A program did not end in time; the text carries what it had printed."""


def read_to_end(process: "subprocess.Popen[bytes]", seconds: float) -> Tuple[str, str]:
    """What the program printed on each of its pipes, newlines as \\n.

    TimedOut after `seconds`; its whole process group is killed then, so it must lead one of its own.
    """
    assert process.stdout is not None and process.stderr is not None
    read: Dict[IO[bytes], List[bytes]] = {process.stdout: [], process.stderr: []}
    late = ended = False
    with process.stdout, process.stderr, selectors.DefaultSelector() as waiting:
        for pipe in read:
            waiting.register(pipe, selectors.EVENT_READ)
        end = time.monotonic() + seconds
        while waiting.get_map():
            ready = waiting.select(GRACE)
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                if data:
                    read[key.fileobj].append(data)  # type: ignore[index]
                else:
                    waiting.unregister(key.fileobj)
            if ended and not ready:
                break  # all that it wrote was in the pipe by then
            ended = process.poll() is not None
            if time.monotonic() > end:
                if late:
                    break
                late = True
                kill_group(process)
                end = time.monotonic() + REST
    if not late:
        with contextlib.suppress(subprocess.TimeoutExpired):  # it closed its outputs and goes on
            process.wait(max(end - time.monotonic(), 0))
        if process.poll() is None:
            late = True
            kill_group(process)
    out, err = (_text(b"".join(parts)) for parts in read.values())
    if late:
        raise TimedOut("{} after {:g} s\n{}{}".format(process.args, seconds, out, err))
    return out, err


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a program and all that it started that still belongs to its group; never waits long."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(REST)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
