r"""The target behind `com:pipe,port=\\.\pipe\NAME`, as a virtual machine's serial port is on Windows."""

import contextlib
import subprocess
import uuid
from typing import Iterator

from tests.engine.kd.serve import Server
from tests.engine.windows import Windows


@contextlib.contextmanager
def named_pipe(windows: Windows, server: Server) -> Iterator[str]:
    r"""The name of a new pipe, such as \\.\pipe\kd_1f0c, that leads to the server's target."""
    name = r"\\.\pipe\kd_%s" % uuid.uuid4().hex[:8]  # every prefix of Wine is one namespace to all that run in it
    bridge = windows.start(
        [windows.work / "debugger" / "pipe_bridge.exe", name, str(server.port), str(server.control_port)]
    )
    try:
        assert bridge.stdout is not None
        line = bridge.stdout.readline()
        if line.strip() != "ready":
            raise RuntimeError("the pipe bridge did not start: %s" % line)
        yield name
    finally:
        bridge.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            bridge.communicate(timeout=10)


def connection(pipe: str) -> str:
    """What a debugger is told to attach to that pipe."""
    return "com:pipe,port=%s" % pipe
