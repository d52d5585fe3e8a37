"""Ways into kdtoken from WinDbg: with arguments that arrive, and with pykd.pyd's own !py, where they do not."""

import sys
from typing import Any, List

import pytest

from kdtoken import cli
from kdtoken.source import live


class PykdOut:
    """pykd's stdout object; its class says that it is of pykd."""

    encoding = "ascii"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


PykdOut.__module__ = "pykd"


class BootstrapperOut(PykdOut):
    """The bootstrapper's own object: it writes through pykd, and arguments arrive."""


BootstrapperOut.__module__ = "builtins"


class Entry:
    """One `!py kdtoken.dump ...`: what was typed, what the alias holds, and what came of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, out: Any, argv: List[str], alias: str) -> None:
        self.asked: List[str] = []
        self.given: List[List[str]] = []
        entry = self

        class Live:
            def command(self, text: str) -> str:
                entry.asked.append(text)
                return alias + "\n"

        monkeypatch.setattr(live, "LiveSource", Live)
        monkeypatch.setattr(sys, "argv", ["kdtoken.dump"] + argv)
        monkeypatch.setattr(sys, "stdout", out)
        cli.run_in_windbg(self.given.append)
        monkeypatch.undo()


def test_the_bootstrapper_keeps_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(monkeypatch, BootstrapperOut(), ["notepad.exe", "--why"], "${KDARGS}")
    assert entry.given == [["notepad.exe", "--why"]]
    assert entry.asked == []


def test_destroyed_arguments_come_out_of_the_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    out = PykdOut()
    entry = Entry(monkeypatch, out, ["\x7f\x03", "??"], "notepad.exe --why")
    assert entry.asked == [".echo ${KDARGS}"]
    assert entry.given == [["notepad.exe", "--why"]]
    assert out.text == "arguments, from the alias KDARGS: notepad.exe --why\n\n"


def test_without_arguments_no_alias_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(monkeypatch, PykdOut(), [], "left.over")
    assert (entry.asked, entry.given) == ([], [[]])


def test_no_alias_tells_how_to_set_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    entry = Entry(monkeypatch, PykdOut(), ["\x7f"], "${KDARGS}")
    assert entry.given == []
    assert capsys.readouterr().err == (
        "kdtoken: this !py (pykd.pyd's own) destroys its arguments; put them in the alias KDARGS first\n"
        "  next: as KDARGS notepad.exe   and then   !py kdtoken.dump notepad.exe"
        "   (or load the pykd-ext bootstrapper, whose !py keeps them)\n"
    )


def test_an_alias_left_over_does_not_choose_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = Entry(monkeypatch, PykdOut(), ["\x7f"], "lsass.exe --why")
    assert entry.given == []
    assert capsys.readouterr().err.startswith(
        "kdtoken: 1 argument(s) were typed, but the alias KDARGS holds 2: lsass.exe --why\n  next: as KDARGS"
    )
