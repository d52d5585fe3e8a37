"""How vm/'s tools speak: cleaned, on any stdout, and never with a traceback.  Each a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.render.words import clean as kdtokens_clean
from tests.vm_tools import tool

said: Any = tool("said")
ROOT = Path(__file__).parent.parent
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="/dev/full and signals as POSIX has them")
VMX = 'virtualHW.version = "19"\nserial0.present = "TRUE"\nserial0.fileName = "\\\\.\\pipe\\caf\u00e9"\nserial0.fileType = "pipe"\n'


@given(st.text())
def test_vm_and_kdtoken_clean_alike(text: str) -> None:
    """vm/ stands alone and has a copy; the two may not differ."""
    assert said.clean(text) == kdtokens_clean(text)


def test_a_line_break_in_a_name_makes_no_second_line(capsys: Any) -> None:
    said.say(["the pipe a\nfirst to mend: nothing"])
    assert capsys.readouterr().out == "the pipe a\\u000afirst to mend: nothing\n"


@pytest.fixture
def lines(tmp_path: Path) -> List[List[str]]:
    path = tmp_path / "a.vmx"
    path.write_text(VMX, encoding="utf-8")
    return [
        ["vm/vmx.py", str(path), "--dry-run", "--host", "windows"],
        ["vm/start.py", "--vmx", str(path), "--print"],
        ["vm/doctor.py", "--vmx", str(path)],
    ]


def shell(line: str, words: List[str], **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, *words],
        cwd=str(ROOT),
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@POSIX
@pytest.mark.parametrize("end", ["> /dev/full", ">&-", "| true", "2>&-", ">&- 2>&-"])
def test_no_traceback_whatever_stdout_is(end: str, lines: List[List[str]]) -> None:
    for words in lines:
        done = shell('"$@" %s' % end, words)
        assert b"Traceback" not in done.stderr and done.stderr.count(b"\n") <= 3, done.stderr


@POSIX
def test_a_narrow_console_gets_escapes(lines: List[List[str]]) -> None:
    for words in lines:
        done = shell('"$@"', words, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert b"Traceback" not in done.stderr and max(done.stdout + done.stderr) < 128, words


@POSIX
def test_ctrl_c_is_one_line() -> None:
    code = (
        "import signal, sys, time; sys.path.insert(0, 'vm')\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import said\n"
        "def endless():\n    sys.stdout.write('x\\n'); sys.stdout.flush(); time.sleep(60)\n"
        "sys.exit(said.ended('doctor.py', endless))"
    )
    run = subprocess.Popen([sys.executable, "-c", code], cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None and run.stdout.readline() == b"x\n"
    time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (
        2,
        b"doctor.py: stopped by Ctrl+C; nothing was half done\n  next: the same command again\n",
    )


def test_nobody_else_prints() -> None:
    for path in sorted((ROOT / "vm").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert path.name == "said.py" or ("\nprint(" not in text and " print(" not in text), path.name
