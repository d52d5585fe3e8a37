"""Output where it ends badly: full and closed stdout, a reader that went away, Ctrl+C.  Each a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Tuple

import pytest

from tests.sessions import MACHINE_22000

ROOT = Path(__file__).parent.parent
MACHINE = str(MACHINE_22000)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="/dev/full and signals as POSIX has them")
pytestmark = POSIX
FULL = "kdtoken: cannot print the answer: No space left on device\n  next: print it where there is room: > FILE\n"


def shell(line: str, *words: str) -> Tuple[int, str]:
    """(exit code of kdtoken, stderr) of a line of the shell, in which $K is kdtoken and $1, $2 are the words."""
    script = 'k() { "$PYTHON" -m kdtoken "$@"; }; set -o pipefail; ' + line
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        cwd=str(ROOT),
        env={**os.environ, "PYTHON": sys.executable},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", ['dump notepad.exe --session "$1"', "--help", 'diff "$1@cmd.exe" "$1@notepad.exe"'])
def test_a_full_stdout_is_one_message_and_code_2(words: str) -> None:
    assert shell("k %s > /dev/full" % words, MACHINE) == (2, FULL)


def test_a_closed_stdout_is_said_and_a_closed_stderr_too_is_no_traceback() -> None:
    code, err = shell('k walk "$1" >&-', MACHINE)
    assert code == 2 and err.startswith("kdtoken: nothing can be printed: standard output is closed\n  next: ")
    assert shell('k dump 6104 --session "$1" >&- 2>&-', MACHINE) == (2, "")
    assert shell("k walk nosuch.dmp 2>&-") == (2, "")


def test_a_reader_that_goes_away_changes_no_exit_code() -> None:
    """`diff A B | true` is 1 when they differ.  The pipe's own end is closed before anything is written."""
    for words, code in ((["diff", MACHINE + "@cmd.exe", MACHINE + "@notepad.exe"], 1), (["walk", MACHINE], 0)):
        assert piped_to_nobody(words) == (code, b"")


def test_what_is_recorded_is_saved_whatever_becomes_of_stdout(tmp_path: Path) -> None:
    kept = str(tmp_path / "a.gz")
    assert piped_to_nobody(["record", "-o", kept, "dump", "notepad.exe", "--session", MACHINE]) == (0, b"")
    first = Path(kept).read_bytes()
    code, err = shell('k record -o "$1" dump notepad.exe --session "$2" > /dev/full', kept, MACHINE)
    assert (code, err) == (2, FULL) and Path(kept).read_bytes() == first and len(first) > 1000


def test_a_recording_that_finds_no_room_leaves_the_old_one(tmp_path: Path) -> None:
    """A file size limit of 4 blocks stands for the full disk; SIGXFSZ is ignored, so that the write itself fails."""
    kept = tmp_path / "a.kdtoken"
    old = b'{"kdtoken-session": 1}'
    kept.write_bytes(old)
    # Nor is half a module's bytecode kept, which Python would write under that limit.
    line = 'trap \'\' XFSZ; ulimit -f 4; export PYTHONDONTWRITEBYTECODE=1; k record -o "$1" dump notepad.exe --session "$2"'
    code, err = shell(line, str(kept), MACHINE)
    assert code == 2 and err.startswith("kdtoken: cannot write the recording %s: File too large" % kept)
    assert kept.read_bytes() == old and os.listdir(str(tmp_path)) == ["a.kdtoken"]


def piped_to_nobody(words: List[str]) -> Tuple[int, bytes]:
    """(exit code, stderr) where stdout is a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kdtoken", *words], cwd=str(ROOT), stdout=write, stderr=subprocess.PIPE
        )
    finally:
        os.close(write)
    return done.returncode, done.stderr


def test_ctrl_c_is_one_line_and_code_2() -> None:
    """Ctrl+C reaches the whole group of processes: `walk` of two sources, one of which never comes to an end."""
    code = (
        "import os, signal, sys, time\n"
        # Who starts the tests in the background has it ignored, and so has whatever they start.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from kdtoken import __main__, walk\n"
        "def endless(job):\n"
        "    sys.stdout.write('reading\\n'); sys.stdout.flush(); time.sleep(60)\n"
        "walk._read_one = endless\n"
        "walk._cores = lambda: 2\n"
        "sys.exit(__main__.main(['walk', %r, %r]))" % (MACHINE, MACHINE)
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        universal_newlines=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "reading\n"
    time.sleep(0.2)
    os.killpg(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (
        2,
        "kdtoken: stopped by Ctrl+C; the answer is not whole\n  next: the same command again\n",
    )
