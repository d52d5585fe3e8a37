"""The practice machine in the genuine engine: it opens, its types are there, and the tour can be typed in it."""

import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Dict, List

import pytest

from kdtoken import dump, tour
from kdtoken.cli.tour.practice import practice_files
from kdtoken.cli.tour.steps import STEPS
from tests.engine.practice import PRACTICE, files, texts
from tests.engine.windows import Windows, answers


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("practice")
    assert tour.main(["--write", str(folder)]) == 0
    return folder


def typed(windows: Windows, lab: Path, name: str, commands: List[str]) -> Dict[str, str]:
    printed = windows.debugger(lab / name, [".reload /f nt", *commands], lab, "bootstrapper", timeout=400)
    return dict(answers(printed))


def test_it_is_what_the_command_makes(tmp_path: Path) -> None:
    """Where this fails after a new clang: python -m tests.engine.practice."""
    have = practice_files("")
    for name, data in files(tmp_path).items():
        assert data == have[name], name
    for name, text in texts().items():
        assert (PRACTICE / name).read_text(encoding="ascii") == text


def test_the_engine_knows_its_types_and_walks_it(windows: Windows, lab: Path) -> None:
    said = typed(
        windows,
        lab,
        "practice.dmp",
        [
            "lm",
            "dt nt!_TOKEN",
            "dt nt!_EPROCESS Token",
            "?? sizeof(nt!_TOKEN)",
            "dt nt!_TOKEN ffffcc8a1420a800 TokenFlags",
        ],
    )
    assert "(private pdb symbols)" in said["lm"] and "ntkrnlmp.pdb" in said["lm"]
    # the offsets of Windows 11 21H2, from its public symbols (fixtures/layouts)
    assert re.search(r"\+0x040 Privileges\s+: _SEP_TOKEN_PRIVILEGES", said["dt nt!_TOKEN"])
    assert re.search(r"\+0x4b8 Token\s+: _EX_FAST_REF", said["dt nt!_EPROCESS Token"])
    assert re.search(r"TokenFlags\s+: 0x2a00", said["dt nt!_TOKEN ffffcc8a1420a800 TokenFlags"])


def test_the_token_there_is_the_token_of_the_tour(windows: Windows, lab: Path) -> None:
    command = "!py -m kdtoken.dump notepad.exe --format windbg"
    said = typed(windows, lab, "practice.dmp", [command])[command]
    out = io.StringIO()
    with redirect_stdout(out):
        assert dump.main(["tour", "notepad.exe", "--format", "windbg"]) == 0
    assert said.split("\n")[1:] == out.getvalue().split("\n")[1:] or said.split() == out.getvalue().split()
    assert "Token ID: 5d21c" in said


class _Windbg(io.StringIO):
    """A stdout as pykd's: what has no fileno is the debugger's."""

    @property
    def fileno(self) -> "io.StringIO":  # type: ignore[override]
        raise AttributeError


def test_every_command_of_the_tour_can_be_typed_there(
    windows: Windows, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _Windbg()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        tour.main(["all"])
    lines = [line.strip().split("  ")[0] for line in out.getvalue().split("\n")]
    commands = [line for line in dict.fromkeys(lines) if line.startswith("!py") and "ANSWER" not in line]
    commands += ["!py -m kdtoken.tour", "!py -m kdtoken.tour --exercise 4 mspaint.exe"]
    assert len(commands) > len(STEPS)
    said: Dict[str, str] = {}
    half = len(commands) // 2
    for part in (["!py -m kdtoken.tour all", *commands[:half]], commands[half:]):
        said.update(typed(windows, lab, "practice.dmp", part))
    for command in commands:
        text = said[command]
        assert "Traceback" not in text and "kdtoken: " not in text and len(text) > 60, (command, text)
    assert "right." in said["!py -m kdtoken.tour --exercise 4 mspaint.exe"]
    # A step shows what its command prints: the engine took the quotes and the semicolons in them whole.
    pages = re.split(r"^(?=\d+\. )", said["!py -m kdtoken.tour all"], flags=re.MULTILINE)[1:]
    assert len(pages) == len(STEPS)
    for page, step in zip((page.split("\n") for page in pages), STEPS):
        answer = [line.rstrip() for line in said[page[2].strip()].split("\n")]
        shown = [line[5:] for line in page if line.startswith("   | ")]
        assert len(shown) > 3 and not [line for line in shown if line not in answer], step.title


def test_the_incident_needs_a_look_there(windows: Windows, lab: Path) -> None:
    said = typed(windows, lab, "incident.dmp", ["!py -m kdtoken.audit"])["!py -m kdtoken.audit"]
    assert "mspaint.exe (6240) runs under the very token object of winlogon.exe (668)" in said
