"""collect.py for real, in a Windows Python on Wine's Windows API; the JSON read back as a token.

Wine answers fewer classes than Windows and has no integrity label among its groups; what it answers is compared.
"""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from kdtoken import explain
from kdtoken.model.absent import Unreadable
from kdtoken.view.collect.token_information import Collected, read_token_information
from tests.engine.windows import Windows

SCRIPT = Path(__file__).resolve().parent.parent.parent / "kdtoken" / "collect.py"


@pytest.fixture(scope="module")
def own(windows: Windows) -> str:
    done = windows.python(SCRIPT)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def read(text: str) -> Collected:
    return read_token_information(text, "own.json")


def test_the_own_token_decodes(own: str) -> None:
    found = read(own)
    token = found.token.token
    assert token.problems == () or all("integrity label" in one for one in token.problems)
    assert str(token.user).startswith("S-1-5-21-")
    assert found.token.logon_sid is not None and not isinstance(token.privileges, Unreadable)
    assert {"SeChangeNotifyPrivilege", "SeDebugPrivilege"} <= {one.name for one in found.token.privileges}
    assert token.token_type == 1 and token.session_id == 1
    assert str(found.about["image"]).lower().endswith("python.exe")
    assert found.windows["build"] > 0 and found.token.not_understood == ()


def test_both_decoders_agree(own: str) -> None:
    classes, found = json.loads(own)["classes"], read(own)
    listed = [{"sid": str(one.sid), "attributes": one.attributes} for one in found.token.groups]
    assert listed == [classes["TokenUser"]["decoded"]] + classes["TokenGroups"]["decoded"]
    assert str(found.token.token.primary_group) == classes["TokenPrimaryGroup"]["decoded"]


def test_every_class_is_there_or_says_why_not(own: str) -> None:
    data = json.loads(own)
    for name, entry in data["classes"].items():
        assert ("raw" in entry) != ("error" in entry and "message" in entry), name
    assert set(read(own).errors) == {name for name, entry in data["classes"].items() if "error" in entry}
    assert len(data["classes"]) >= 48


def test_a_pid_and_a_file(windows: Windows, tmp_path: Path) -> None:
    # collect under another name, started by a process whose pid is given: that process's token.
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, subprocess, sys\n"
        "sys.exit(subprocess.call([sys.executable, sys.argv[1], '--pid', str(os.getpid()), '-o', sys.argv[2]]))\n",
        encoding="ascii",
    )
    out = tmp_path / "token.json"
    done = windows.python(script, SCRIPT, out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read(out.read_text(encoding="ascii")).token.token.token_type == 1


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--pid", "there is no process 99999 (the number is decimal)\n  next: tasklist lists them\n"),
        (
            "--thread",
            "there is no thread 99999 (the number is decimal)\n"
            "  next: in PowerShell (Get-Process -Id PID).Threads.Id lists them\n",
        ),
    ],
)
def test_errors_are_one_clear_line_and_the_next_step(windows: Windows, option: str, said: str) -> None:
    done = windows.python(SCRIPT, option, "99999")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "collect: " + said)


def test_a_thread_that_impersonates_and_one_that_does_not(windows: Windows, tmp_path: Path) -> None:
    script = tmp_path / "impersonate.py"
    script.write_text(
        "import ctypes, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import collect\n"
        "kernel32, advapi32 = ctypes.WinDLL('kernel32'), ctypes.WinDLL('advapi32')\n"
        "tid = str(kernel32.GetCurrentThreadId())\n"
        "print(collect.main(['--thread', tid]))\n"
        "assert advapi32.ImpersonateSelf(2)\n"
        "print(collect.main(['--thread', tid, '-o', 'thread.json']))\n",
        encoding="ascii",
    )
    done = windows.python(script, SCRIPT.parent, cwd=tmp_path)
    assert done.stdout.split() == ["2", "0"], done.stderr
    assert "impersonates nobody" in done.stderr
    token = read((tmp_path / "thread.json").read_text(encoding="ascii")).token.token
    assert (token.token_type, token.impersonation_level) == (2, 2)


def test_the_lab_questions_are_asked_and_worked_out_again(windows: Windows, tmp_path: Path) -> None:
    """Wine's NtAccessCheck through collect.py, and what explain says of it: they differ where Wine is known to."""
    questions = SCRIPT.parent.parent / "fixtures" / "lab" / "questions.json"
    done = windows.python(SCRIPT, "--questions", questions, "-o", "lab.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    out = io.StringIO()
    with redirect_stdout(out):
        explain.main(["--against", str(tmp_path / "lab.json")])
    rows = out.getvalue().splitlines()
    differing = {rows[at - 1].split()[0] if row.strip().startswith("DIFFERS") else row.split()[0]
                 for at, row in enumerate(rows) if "DIFFERS" in row}  # fmt: skip
    assert differing == {"maximum-allow-then-deny", "maximum-named", "generic-ace"}, out.getvalue()
    assert "Windows sides with: maximum-order" in out.getvalue() and "Windows sides with: generic-ace" in out.getvalue()
