"""The README shows what `make run` prints."""

from pathlib import Path

import pytest

from kdtoken import dump

ROOT = Path(__file__).parent.parent
SESSION = ROOT / "fixtures" / "sessions" / "notepad-22000-synthetic.kdtoken.gz"


def test_the_sample_is_what_make_run_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert dump.main(["--session", str(SESSION), "notepad.exe"]) == 0
    printed = ["    " + line if line else "" for line in capsys.readouterr().out.rstrip("\n").split("\n")]
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("\n")
    start = readme.index(printed[0])
    assert readme[start : start + len(printed)] == printed


def test_the_makefile_runs_that_session() -> None:
    assert SESSION.relative_to(ROOT).as_posix() in (ROOT / "Makefile").read_text(encoding="utf-8")
