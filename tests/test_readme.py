"""The README shows what `make run` prints."""

import os
import shlex
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import List, Sequence

import pytest

from kdtoken import dump

ROOT = Path(__file__).parent.parent
SESSION = ROOT / "fixtures" / "sessions" / "notepad-22000-synthetic.kdtoken.gz"


def sample(readme: Sequence[str], printed: Sequence[str]) -> None:
    """The README shows what was printed; "..." stands for lines that it leaves out."""
    at = readme.index(printed[0])
    left = list(printed)
    for line in readme[at:]:
        if line.startswith("```") or (line and not line.startswith("    ")):
            return
        if line == "    ...":
            following = readme[readme.index(line, at) + 1 :]
            wanted = next((one for one in following if one), "")
            left = left[left.index(wanted) :] if wanted in left else []
            at = readme.index(line, at) + 1
            continue
        if not left and not line:
            continue
        assert left and line == left.pop(0), line


def indented(text: str) -> List[str]:
    return ["    " + line if line else "" for line in text.rstrip("\n").split("\n")]


def lines_of_readme() -> List[str]:
    return (ROOT / "README.md").read_text(encoding="utf-8").split("\n")


def test_the_sample_is_what_make_run_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert dump.main(["--session", str(SESSION), "notepad.exe"]) == 0
    sample(lines_of_readme(), indented(capsys.readouterr().out))


def test_every_other_sample_is_what_its_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    commands = [line[len("    $ kdtoken ") :] for line in lines_of_readme() if line.startswith("    $ kdtoken ")]
    assert commands
    for command in commands:
        verb, *arguments = shlex.split(command)
        assert import_module("kdtoken." + verb).main(arguments) in (0, 1)
        sample(lines_of_readme(), indented(capsys.readouterr().out))


def test_the_makefile_runs_that_session() -> None:
    assert SESSION.relative_to(ROOT).as_posix() in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("make") is None, reason="the README has a way without make")
def test_make_says_what_it_sets_up_before_it_takes_its_time(tmp_path: Path) -> None:
    """With a Python that can make no environment it ends there, which is quick and needs no network."""
    made = subprocess.run(
        ["make", "run", "PYTHON=false", "VENV=%s" % (tmp_path / "venv")],
        cwd=str(ROOT),
        env={
            name: value for name, value in os.environ.items() if not name.startswith("MAKE")
        },  # as typed, not below `make test`
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    lines = [line for line in made.stderr.split("\n") if not line.startswith("make")]
    assert made.returncode == 2 and made.stdout == ""
    assert lines[0].startswith("setting kdtoken up in ") and lines[1].startswith("this Python cannot make")
