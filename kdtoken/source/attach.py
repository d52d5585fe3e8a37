r"""Attaching to a live kernel from a Python of one's own, and letting its machine run again.

    kdtoken dump notepad.exe --attach "com:pipe,port=\\.\pipe\kd_Win11"

Windows only: pykd brings the debugger engine.  The engine breaks in by itself, so the machine may
run or stand.  Left alone, the engine would leave it standing when this program ends; so the last
thing done here is `qd`, unless the caller wants to stay.

The engine waits for its target without end, and nothing can call it back: a clock in a thread of
its own watches, and where nothing has moved for too long it calls `give_up` (the command line ends the
program then).  What nobody can do then is to let the machine run: it does not answer.
"""

import os
import re
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from typing import Callable, ContextManager, Iterator, Optional

from kdtoken.errors import KdTokenError, TargetError
from kdtoken.layout.layout import Layout
from kdtoken.source import live
from kdtoken.source.base import About

PATIENCE = 30.0  # seconds; the engine itself gives a lost packet four before it tries again
# Where the symbol path names a server, nt's symbols (some 10 MB) may have to come from there first.
_DOWNLOAD_PATIENCE = 600.0
_PIPE = re.compile(r"(?:^|,)\s*port\s*=\s*(\\\\[^,]+)", re.IGNORECASE)
_PIPE_WAIT_MS = 2000
_FILE_NOT_FOUND, _SEM_TIMEOUT, _PIPE_BUSY = 2, 121, 231

_STANDS = "the machine may stand still: attach again (this or WinDbg), and leave with `qd` or type `g`"
_SYMBOLS = r"set _NT_SYMBOL_PATH=srv*C:\symbols*https://msdl.microsoft.com/download/symbols   and run this again"


class Watch:
    """Calls `give_up` once when the engine has not come back for too long; watches only while told to."""

    def __init__(self, give_up: Callable[[str], None]) -> None:
        self._give_up = give_up
        self._limit = float("inf")
        self._message = ""
        self._done = threading.Event()
        threading.Thread(target=self._run, name="kdtoken watch", daemon=True).start()

    @contextmanager
    def limit(self, seconds: float, message: str) -> Iterator[None]:
        """What is done inside has that long; else `message` is the last word."""
        before = self._limit, self._message
        self._limit, self._message = min(before[0], time.monotonic() + seconds), message
        try:
            yield
        finally:
            self._limit, self._message = before

    def stop(self) -> None:
        """Nothing is waited for any more."""
        self._done.set()

    def _run(self) -> None:
        while not self._done.wait(0.2):
            if time.monotonic() > self._limit:
                self._limit = float("inf")
                self._give_up(self._message)


class AttachedSource(live.LiveSource):
    """A kernel that this program attached to.  `release` it at the end, whatever happened."""

    def __init__(
        self,
        connection: str,
        patience: float = PATIENCE,
        stay: bool = False,
        give_up: Optional[Callable[[str], None]] = None,
    ) -> None:
        """give_up  called from a thread of its own when the engine has been silent for too long; a program of which
                 nobody else has a use ends itself then, since the engine waits without end

        Raises TargetError, with the next step, where there is nothing to attach to.
        """
        self._patience = patience
        server = "http" in os.environ.get("_NT_SYMBOL_PATH", "").lower()
        self._symbol_patience = max(patience, _DOWNLOAD_PATIENCE) if server else patience
        self._stay = stay
        self._watch = Watch(give_up or warn)
        self._attached = False
        self._connection = connection
        try:
            self._attach()
            with self._expect("the module list"):
                super().__init__()
            self._load_symbols()
        except BaseException:  # also Ctrl+C: a machine that stands is worse than a late error
            self.release()
            raise
        self.about = About("the live kernel at %s" % connection, self.about.build, live=True)

    def read(self, address: int, size: int) -> bytes:
        with self._expect("memory"):
            return super().read(address, size)

    def layout(self, name: str) -> Layout:
        with self._expect("symbols", self._symbol_patience):
            return super().layout(name)

    def symbol(self, name: str) -> int:
        with self._expect("symbols", self._symbol_patience):
            return super().symbol(name)

    def command(self, text: str) -> str:
        with self._expect("an answer to %s" % text):
            return super().command(text)

    def release(self) -> None:
        """Let the machine run again, unless told to stay; safe to call twice."""
        attached, self._attached = self._attached, False
        try:
            if attached and not self._stay:
                with self._expect("its leave"):
                    live.pykd.dbgCommand("qd")
        except live.pykd.DbgException as error:
            raise TargetError("the machine could not be let run: %s" % _text(error), None, _STANDS) from error
        finally:
            self._watch.stop()

    def _attach(self) -> None:
        pykd = live.pykd
        if pykd is None:
            raise TargetError(
                "pykd is not here, so nothing can be attached",
                "pykd",
                "on Windows: pip install pykd (64-bit Python 3.5 to 3.9; nightly builds of its maker go to 3.13); "
                "inside WinDbg leave --attach away",
            )
        live.refuse_broken_pykd()
        if _has_session():
            raise TargetError("a debugging session is open here already", "--attach", "leave --attach away")
        check_pipe(self._connection)
        try:
            with self._watch.limit(self._patience, nobody_answers(self._connection, self._patience)):
                pykd.initialize()
                pykd.attachKernel(self._connection)
        except pykd.DbgException as error:
            raise attach_failed(self._connection, _text(error)) from error
        self._attached = True

    def _load_symbols(self) -> None:
        """Have nt's symbols loaded, or say how to get them: nobody can type .reload out here."""
        try:
            with self._expect("nt's symbols", self._symbol_patience):
                live.pykd.dbgCommand(".reload /f nt")
                self.layout("_LIST_ENTRY")
        except live.pykd.DbgException as error:
            raise TargetError("nt's symbols cannot be loaded: %s" % _text(error), "nt", _SYMBOLS) from error
        except KdTokenError as error:
            raise TargetError(error.message, "nt", _SYMBOLS) from error

    def _expect(self, what: str, seconds: Optional[float] = None) -> ContextManager[None]:
        limit = self._patience if seconds is None else seconds
        return self._watch.limit(
            limit,
            "the connection to %s was lost: waited %.0f s for %s\n  next: %s"
            % (self._connection, limit, what, _STANDS),
        )


def check_pipe(connection: str) -> None:
    """Raises TargetError where the pipe of the connection is not there or taken.

    Asks Windows only; the pipe is not opened, so the virtual machine notices nothing.
    """
    named = _PIPE.search(connection)
    if named is None or "pipe" not in connection[: named.start()].lower():
        return
    error = _pipe_error(named[1].strip())
    if error:
        raise attach_failed(connection, "", error)


def _pipe_error(pipe: str) -> int:
    """Windows' error code for waiting until the pipe is free; 0 when it is."""
    if sys.platform != "win32":
        return 0
    import ctypes

    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    if kernel32.WaitNamedPipeW(ctypes.c_wchar_p(pipe), _PIPE_WAIT_MS):
        return 0
    return int(ctypes.get_last_error())


def attach_failed(connection: str, said: str, error: int = 0) -> TargetError:
    """What to tell of an engine's refusal, by the Windows error in it."""
    code = re.search(r"0x8007([0-9a-fA-F]{4})", said)
    error = error or (int(code[1], 16) if code else 0)
    if error == _FILE_NOT_FOUND:
        return TargetError(
            "there is no such pipe or port: %s" % connection,
            connection,
            'start the virtual machine; its serial port must be this pipe, "this end is the server"',
        )
    if error in (_SEM_TIMEOUT, _PIPE_BUSY):
        return TargetError(
            "the pipe is in use: %s" % connection,
            connection,
            "another debugger has it: leave that one with `qd`, or type there: !py -m kdtoken.dump notepad.exe",
        )
    if error == 5:
        return TargetError(
            "Windows refuses access to %s" % connection,
            connection,
            "run as the user who started the virtual machine, or as administrator if that one is",
        )
    detail = said or "Windows error %d" % error
    return TargetError("cannot attach to %s: %s" % (connection, detail), connection, "windbg -k %s" % connection)


def nobody_answers(connection: str, seconds: float) -> str:
    """The last word when the engine got no answer at all."""
    return (
        "nobody answers at %s (%.0f s)\n  next: is the guest up, booted with `bcdedit /debug on` and "
        "`bcdedit /dbgsettings serial`, and not paused?  --timeout waits longer\n  if its screen stands still now, it "
        "did stop for the break that was asked for: attach again and leave with `qd`, or in WinDbg type `g`"
        % (connection, seconds)
    )


def _has_session() -> bool:
    try:
        live.pykd.isKernelDebugging()
    except live.pykd.DbgException:
        return False
    return True


def _text(error: Exception) -> str:
    return " ".join(str(error).split())


def warn(message: str) -> None:
    """From the watching thread: the main one is inside the engine and hears nothing, so it cannot be raised there."""
    warnings.warn(message, RuntimeWarning, stacklevel=1)
