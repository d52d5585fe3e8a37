"""Puts a target on a line that a debugger can be plugged into, and counts for whoever asks.

    with Server(KdTarget(kernel)) as server:                    # TCP, server.port
    with Server(KdTarget(kernel), unix=Path("kd.sock")) as ...  # ntoseye, QEMU-like
    with Server(KdTarget(kernel), pty=True) as server:          # server.terminal is the device

The control connection (server.control_port) is for a program on the debugger's side: it sends
"mark NAME" and reads "ok" once the line is quiet; `server.marks` then has the counters under NAME.
It also tells such a program, by closing, that the server has ended.  Loopback only.
"""

import os
import select
import socket
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Dict, List, Optional, Tuple, Type, Union

from tests.engine.kd.counters import Counters
from tests.engine.kd.target import KdTarget

QUIET = 0.03  # seconds without a byte after which an exchange is over
_TICK = 0.01
_CHUNK = 65536
Channel = Union[socket.socket, int]


class Server:
    """Serves one target, to one debugger at a time, from a thread of its own."""

    def __init__(self, target: KdTarget, unix: Optional[Path] = None, pty: bool = False) -> None:
        self.target = target
        self.marks: Dict[str, Counters] = {}
        self.connections = 0
        self.port, self.terminal = 0, ""
        self.failure: Optional[Exception] = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kd target", daemon=True)
        self._listener: Optional[socket.socket] = None
        self._line: Optional[Channel] = None
        self._slave: Optional[int] = None
        if pty:
            self._line, self._slave = _terminal()
            self.terminal = os.ttyname(self._slave)
        elif unix is not None:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(unix))
            self._listener.listen(1)
        else:
            self._listener = _loopback()
            self.port = self._listener.getsockname()[1]
        self._control_listener = _loopback()
        self.control_port: int = self._control_listener.getsockname()[1]
        self._controls: List[socket.socket] = []
        self._waiting: List[Tuple[socket.socket, str]] = []
        self._last_byte = 0.0

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._stop.set()
        self._thread.join(10)
        for channel in [self._listener, self._line, self._slave, self._control_listener, *self._controls]:
            _close(channel)
        if self.failure is not None and error is None:
            raise self.failure

    def counters(self) -> Counters:
        """A copy, taken when nothing has been on the line for a moment (waits a second at most)."""
        end = time.monotonic() + 1
        while time.monotonic() < end and time.monotonic() - self._last_byte < QUIET:
            time.sleep(_TICK)
        with self._lock:
            return self.target.counters.copy()

    def wait_until_running(self, seconds: float = 5) -> bool:
        """Whether the machine runs, now or within that time."""
        end = time.monotonic() + seconds
        while not self.target.running and time.monotonic() < end:
            time.sleep(_TICK)
        return self.target.running

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            if self._line is not None:
                self._plug(self._line)
            while not self._stop.is_set():
                self._turn()
        except Exception as error:  # told to whoever started the server, at the end of its `with`
            self.failure = error
            raise

    def _turn(self) -> None:
        channels: List[Channel] = [self._control_listener, *self._controls]
        channels += [one for one in (self._listener, self._line) if one is not None]
        ready, _, _ = select.select(channels, [], [], _TICK)
        with self._lock:
            for channel in ready:
                if channel is self._listener:
                    self._unplug()
                    accepted = self._listener.accept()[0]
                    if accepted.family == socket.AF_INET:
                        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._plug(accepted)
                elif channel is self._line:
                    self._receive(channel)
                elif channel is self._control_listener:
                    self._controls.append(self._control_listener.accept()[0])
                elif isinstance(channel, socket.socket):
                    self._command(channel)
            self.target.line.tick()
            if time.monotonic() - self._last_byte >= QUIET:
                for control, name in self._waiting:
                    self.marks[name] = self.target.counters.copy()
                    _send(control, b"ok\n")
                self._waiting.clear()

    def _plug(self, channel: Channel) -> None:
        self._line = channel
        self.connections += 1
        self.target.plugged(lambda data: self._send_line(channel, data))

    def _unplug(self) -> None:
        if self._line is not None:
            self.target.plugged(None)
            _close(self._line)
            self._line = None

    def _receive(self, channel: Channel) -> None:
        try:
            data = os.read(channel, _CHUNK) if isinstance(channel, int) else channel.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self._unplug()
            return
        self._last_byte = time.monotonic()
        self.target.line.feed(data)

    def _send_line(self, channel: Channel, data: bytes) -> None:
        self._last_byte = time.monotonic()
        if isinstance(channel, int):
            os.write(channel, data)
        else:
            _send(channel, data)

    def _command(self, control: socket.socket) -> None:
        try:
            text = control.recv(_CHUNK).decode("ascii", "replace")
        except OSError:
            text = ""
        if not text:
            self._controls.remove(control)
            control.close()
            return
        for line in text.splitlines():
            if line.startswith("mark "):
                self._waiting.append((control, line[5:]))


def _loopback() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(4)
    return made


def _terminal() -> Tuple[int, int]:
    """Both ends of a raw pseudo-terminal; the far end stays open, so that ours never sees an end."""
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    return master, slave


def _send(channel: socket.socket, data: bytes) -> None:
    try:
        channel.sendall(data)
    except OSError:
        pass  # the other side has gone; the next recv says so


def _close(channel: Optional[Channel]) -> None:
    if isinstance(channel, int):
        os.close(channel)
    elif channel is not None:
        channel.close()
