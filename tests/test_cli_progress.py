"""Bars of progress: on a terminal and gone behind it, nothing in a pipe, a line now and then in a debugger."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

from kdtoken import cli
from kdtoken.cli import progress as module
from kdtoken.cli.output import BARS, close_all
from kdtoken.cli.progress import Progress
from tests.sessions import INCIDENT_22000, MACHINE_22000
from tests.test_cli import WinDbgOut

pytest.importorskip("rich.progress")
ROOT = Path(__file__).parent.parent


class Stderr(io.StringIO):
    """A text file that may be a terminal; StringIO has a fileno, as files do."""

    def __init__(self, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> List[float]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def counted(out: object, clock: List[float], monkeypatch: pytest.MonkeyPatch, seconds: float = 3.5) -> Progress:
    monkeypatch.setattr(sys, "stderr", out)
    made = Progress("processes", 7)
    made.at(1)
    clock[0] += seconds
    made.at(2)
    made.at(3)
    return made


def test_a_pipe_stays_silent(clock: List[float], monkeypatch: pytest.MonkeyPatch) -> None:
    out = Stderr(False)
    counted(out, clock, monkeypatch)
    assert out.getvalue() == ""


def test_a_debugger_gets_a_line_when_it_is_slow(clock: List[float], monkeypatch: pytest.MonkeyPatch) -> None:
    out = WinDbgOut()
    counted(out, clock, monkeypatch)
    assert out.parts == ["... 2 of 7 processes\n"]


def test_a_terminal_gets_a_bar_when_it_is_slow_and_nothing_stays(
    clock: List[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Stderr(True)
    counted(out, clock, monkeypatch, seconds=0.2)
    assert out.getvalue() == ""
    bar = counted(out, clock, monkeypatch)
    text = out.getvalue()
    assert "2 of 7 processes" in text and "3 of 7 processes" not in text  # redrawn ten times a second at most
    assert not text.endswith("\x1b[2K")
    bar.at(7)
    assert out.getvalue().endswith("\x1b[2K") and BARS == []  # the line is erased
    clock[0] += 1
    other = Progress("sources", 3, slow=0)
    other.at(0)
    assert "0 of 3 sources" in out.getvalue() and BARS == [other]
    close_all()
    assert BARS == [] and out.getvalue().endswith("\x1b[2K")


def test_what_is_written_next_stands_alone(clock: List[float], monkeypatch: pytest.MonkeyPatch) -> None:
    both = Stderr(True)
    monkeypatch.setattr(sys, "stdout", both)
    bar = counted(both, clock, monkeypatch)
    cli.write_lines(["an answer"])
    assert both.getvalue().endswith("\x1b[2Kan answer\n")
    clock[0] += 1
    bar.at(4)
    cli.complain("an error")
    assert both.getvalue().endswith("\x1b[2Kkdtoken: an error\n")


def test_without_rich_a_terminal_gets_lines(clock: List[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    out = Stderr(True)
    counted(out, clock, monkeypatch)
    assert out.getvalue() == "... 2 of 7 processes\n"


def test_bytes_are_told_in_megabytes_and_quick_work_is_not_told(
    clock: List[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Stderr(True)
    monkeypatch.setattr(sys, "stderr", out)
    for done in (0, 5 << 20, 40 << 20):
        cli._log_progress(done, 40 << 20)
    cli._log_progress(1 << 20, 2 << 20)
    assert out.getvalue() == "" and cli._WORK == {}
    cli._log_progress(0, 40 << 20)
    clock[0] += 1
    cli._log_progress(5 << 20, 40 << 20)
    assert "reading: 5 of 40 MB" in out.getvalue()
    cli._log_progress(40 << 20, 40 << 20)
    assert out.getvalue().endswith("\x1b[2K") and cli._WORK == {}
    cli._download_progress(0, 0)  # a server that does not tell the size
    clock[0] += 1
    cli._download_progress(3 << 20, 0)
    assert "symbols: 3 MB" in out.getvalue()
    close_all()
    cli._WORK.clear()


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
@pytest.mark.parametrize("verb", ["walk", "audit"])
def test_several_sources_on_a_real_terminal_and_in_a_pipe(verb: str) -> None:
    def run(terminal: bool) -> Tuple[bytes, bytes]:
        """(stdout, stderr)"""
        import pty

        ours, theirs = pty.openpty() if terminal else os.pipe()
        done = subprocess.Popen(
            [sys.executable, "-m", "kdtoken", verb, str(MACHINE_22000), str(INCIDENT_22000)],
            cwd=str(ROOT),
            env={**os.environ, "TERM": "xterm"},
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        out, _ = done.communicate()
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how a pseudo-terminal says that nobody writes any more
                break
            if not piece:
                break
            said += piece
        os.close(ours)
        assert done.returncode in (0, 1)
        return out, said

    out, said = run(True)
    assert b"0 of 2 sources" in said and said.rstrip().endswith(b"\x1b[2K")
    assert run(False) == (out, b"")
