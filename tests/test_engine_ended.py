"""Programs of the bench are read to their own end, whoever else holds their pipes; here with /bin/sh, no Wine."""

import os
import subprocess
import time
from pathlib import Path
from typing import Tuple

import pytest

from tests.engine.ended import TimedOut, kill_group, read_to_end


def run(text: str, seconds: float = 20) -> Tuple[str, str, int]:
    """Output, errors and status of a shell script."""
    process = subprocess.Popen(
        ["sh", "-c", text],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    out, err = read_to_end(process, seconds)
    return out, err, process.returncode


def lives(pid: int) -> bool:
    """Whether a process runs (one that is dead and not waited for does not)."""
    try:
        return Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int, seconds: float = 20) -> bool:
    """Whether a process that was killed is dead in time: a signal is sent at once and acted upon when its turn comes."""
    end = time.monotonic() + seconds
    while lives(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not lives(pid)


def test_both_streams_and_the_status() -> None:
    assert run(r"printf 'a\r\n\303\274\n'; printf 'e\377' >&2; exit 3") == ("a\nü\n", "e\ufffd", 3)


def test_more_than_a_pipe_holds_on_both_streams() -> None:
    out, err, _ = run("head -c 300000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2")
    assert (out, err) == ("x" * 300000, "y" * 300000)


def test_what_a_child_inherits_is_not_waited_for() -> None:
    """As explorer.exe does: it has left the group, holds stdout and never ends."""
    start = time.monotonic()
    out, _, status = run("setsid sleep 60 & echo $!; exit 5")
    assert status == 5 and time.monotonic() - start < 15
    os.kill(int(out), 9)


def test_a_program_that_does_not_end_is_killed_with_its_children_and_quoted(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut, match="after 1 s\nso far\n"):
        run("echo so far; sleep 60 & echo $! > %s/child; wait" % tmp_path, 1)
    assert time.monotonic() - start < 15
    assert ends(int((tmp_path / "child").read_text()))


def test_no_kill_reaches_who_left_the_group_and_yet_the_run_ends(tmp_path: Path) -> None:
    with pytest.raises(TimedOut):
        run("setsid sh -c 'echo $$ > %s/away; sleep 60' & sleep 60" % tmp_path, 1)
    away = int((tmp_path / "away").read_text())
    assert lives(away)
    os.killpg(away, 9)


def test_a_program_that_closes_its_outputs_and_goes_on_is_late_too() -> None:
    with pytest.raises(TimedOut):
        run("exec >&- 2>&-; sleep 60", 0.3)
    assert run("exec >&- 2>&-; sleep 0.4; exit 4")[2] == 4


def test_killing_what_has_ended_is_no_error() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    kill_group(process)
