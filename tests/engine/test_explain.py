"""explain inside the genuine engine: the same answers, line by line, as on the memory that the dump was made of."""

import io
from contextlib import redirect_stdout
from typing import Any

import pytest

from kdtoken import cli, explain
from kdtoken.machine.kernel import KernelMachine
from tests.engine.conftest import make_lab
from tests.engine.windows import EXTENSIONS, Windows, answers
from tests.machine.synthetic import SyntheticSource

QUESTIONS = (
    "notepad.exe --to lsass.exe --want VM_READ",
    "cmd.exe --to token:lsass.exe --want QUERY",
    "1120:1132 --to services.exe --want QUERY_LIMITED_INFORMATION",
    "notepad.exe --to key:HKLM\\SYSTEM --want write",
    "--who --threads --to lsass.exe --want QUERY_LIMITED_INFORMATION",
)


@pytest.mark.parametrize("build", ["10.0.22000.2538", "6.1.7601.24540"])
def test_the_same_in_the_engine(windows: Windows, monkeypatch: Any, build: str) -> None:
    lab = make_lab(build)
    commands = ["!py -m kdtoken.explain " + words for words in QUESTIONS]
    printed = windows.debugger(lab.dump, [EXTENSIONS["bootstrapper"], *commands], cwd=lab.folder)
    said = dict(answers(printed))
    machine = KernelMachine(SyntheticSource(lab.kernel))
    monkeypatch.setattr(cli, "open_machine", lambda options, *rest: machine)
    for command, words in zip(commands, QUESTIONS):
        out = io.StringIO()
        with redirect_stdout(out):
            explain.main(words.split())
        # Why memory cannot be read is told in the words of whoever read it.
        theirs, ours = (text.partition("Not judged")[0] for text in (said[command], out.getvalue()))
        assert theirs.split() == ours.split(), command
        assert "Traceback" not in said[command] and len(out.getvalue()) > 200
