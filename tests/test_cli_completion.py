"""Tab in a shell: the protocol of argcomplete, as its shell functions speak it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from kdtoken.__main__ import VERBS

ROOT = Path(__file__).resolve().parent.parent
pytest.importorskip("argcomplete")


def asked(line: str, folder: Path) -> List[str]:
    """What the shell is told for a line with the cursor at its end."""
    out = folder / "told"
    env: Dict[str, str] = dict(
        os.environ,
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_IFS="\n",
        _ARGCOMPLETE_STDOUT_FILENAME=str(out),
        COMP_LINE=line,
        COMP_POINT=str(len(line)),
        COMP_TYPE="9",
    )
    done = subprocess.run([sys.executable, "-m", "kdtoken"], cwd=str(ROOT), env=env, stdout=subprocess.PIPE)
    assert done.returncode == 0 and done.stdout == b""
    return out.read_text(encoding="utf-8").split("\n") if out.exists() else []


@pytest.mark.parametrize(
    "line, there, not_there",
    [
        ("kdtoken ", sorted(VERBS), ["notepad.exe"]),
        ("kdtoken d", ["dump", "diff"], ["walk"]),
        ("kdtoken dump --se", ["--session"], ["--why"]),
        ("kdtoken walk --col", ["--color"], ["--csv"]),
        ("kdtoken walk --color ", ["auto", "always", "never"], []),
        ("kdtoken record out.gz dump --s", [], ["walk"]),
    ],
)
def test_what_may_come_next(line: str, there: List[str], not_there: List[str], tmp_path: Path) -> None:
    said = [word.strip() for word in asked(line, tmp_path)]
    assert set(there) <= set(said) and not set(not_there) & set(said)


def test_a_verb_that_is_being_typed_is_not_asked(tmp_path: Path) -> None:
    """ "walk" without a blank behind it may become something else."""
    assert [word.strip() for word in asked("kdtoken walk", tmp_path)] == ["walk"]


def test_nothing_of_it_without_a_shell_that_asks() -> None:
    code = "import sys, kdtoken.__main__ as m; m.main(['--version']); print('kdtoken.cli.completion' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), stdout=subprocess.PIPE, encoding="utf-8")
    assert done.stdout.split("\n")[1] == "False"
