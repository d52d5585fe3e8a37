"""tests/starts.py: what is forked ends, prints and reads as what is started does."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

from tests import starts
from tests.sessions import MACHINE_22000

MACHINE = str(MACHINE_22000)
pytestmark = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform != "linux", reason="it forks on Linux only")


@pytest.mark.parametrize(
    "words",
    [
        ["sid", "BA"],
        ["walk", MACHINE],
        ["dump", "nosuch.exe", "--session", MACHINE],
        ["diff"],
        [],
        ["dump", "-", "6104"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_the_same_is_said(words: List[str], monkeypatch: Any) -> None:
    told = []
    for forks in (True, False):
        monkeypatch.setattr(starts, "FORKS", forks)
        done = starts.run(words)
        told.append((done.returncode, done.stdout, done.stderr))
    assert told[0] == told[1] and told[0][1] + told[0][2]


PROGRAMS = {
    "print('out'); import sys; print('err', file=sys.stderr)": 0,
    "import sys; sys.exit('last words')": 1,
    "import sys; sys.exit(7)": 7,
    "raise ValueError('x')": 1,
    "import os; os.kill(os.getpid(), 9)": -signal.SIGKILL,
    "import atexit; atexit.register(print, 'late')": 0,
    "import os; print(os.getcwd(), os.environ.get('MARK'), input())": 0,
    "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('done'))).start()": 0,
    "open('/dev/full', 'w').fileno(); import os; os.dup2(os.open('/dev/full', 1), 1); print('x' * 9)": 120,
    "import resource; print(resource.getrlimit(resource.RLIMIT_FSIZE))": 0,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_ends_as_python_does(program: str, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "a.py").write_text(program)
    told = []
    for forks in (True, False):
        monkeypatch.setattr(starts, "FORKS", forks)
        line = starts.prelude() + "ulimit -f 9; tool a.py"
        env = {**os.environ, "PYTHON": sys.executable, "VM": str(tmp_path), "MARK": "x"}
        done = subprocess.run(
            ["bash", "-c", line], input=b"in\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=str(tmp_path)
        )  # fmt: skip
        # bash names a process that was killed by its id.
        last = "" if PROGRAMS[program] < 0 else done.stderr.decode().strip().split("\n")[-1]
        told.append((done.returncode, done.stdout, last))
    assert told[0] == told[1]
    # A line of bash tells a signal as 128 and its number.
    assert told[0][0] in (PROGRAMS[program], 128 - PROGRAMS[program])


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(starts, "FORKS", True)
    os.mkfifo(str(tmp_path / "a"))
    with pytest.raises(TimeoutError):
        starts.run([str(_endless(tmp_path))], timeout=0.2)


def _endless(folder: Path) -> Path:
    path = folder / "endless.py"
    path.write_text("import time; time.sleep(60)")
    return path


def test_a_run_sees_nothing_of_the_one_before(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(starts, "FORKS", True)
    (tmp_path / "a.py").write_text(
        "import os, kdtoken; print(hasattr(kdtoken, 'mark')); kdtoken.mark = 1; os.environ['A'] = ''"
    )
    assert [starts.run([str(tmp_path / "a.py")]).stdout for _ in range(2)] == ["False\n", "False\n"]
