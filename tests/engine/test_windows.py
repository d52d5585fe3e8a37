"""The Windows side of the bench does what the tests that stand on it take for granted."""

import shutil
import subprocess
import threading
import time
import zipfile
from pathlib import Path
from typing import Dict, List

import pytest

from tests.engine.ended import kill_group
from tests.engine.user_dump import write_user_dump
from tests.engine.windows import TimedOut, Windows, answers, build, wine_path


@pytest.fixture(scope="module")
def dump(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_user_dump(windows, tmp_path_factory.mktemp("user") / "python.dmp")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A current folder with the scripts that the tests below name."""
    (tmp_path / "hello.py").write_text("import sys\nprint(sys.argv[1:], 'ż 漢 \U0001f600')\n", encoding="utf-8")
    (tmp_path / "kd.verb").write_text("import sys\nprint('verb', sys.argv[1:])\n", encoding="ascii")
    (tmp_path / "stream.py").write_text(
        "import sys\nprint([n for n in dir(sys.stdout) if n[0] != '_'], repr(input()), sys.getrecursionlimit())\n",
        encoding="ascii",
    )
    (tmp_path / "boom.py").write_text("raise ValueError('too bad')\n", encoding="ascii")
    (tmp_path / "leave.py").write_text("import sys\nprint('before')\nsys.exit('swallowed')\n", encoding="ascii")
    (tmp_path / "mark.py").write_text("import os\nprint(hasattr(os, 'mark'))\nos.mark = 1\n", encoding="ascii")
    (tmp_path / "nest.py").write_text(
        "import pykd\nprint(pykd.dbgCommand('!py hello', True, pykd.outputFlag.All), end='')\n", encoding="ascii"
    )
    return tmp_path


def run(windows: Windows, dump: Path, here: Path, way: str, *commands: str) -> Dict[str, str]:
    return dict(answers(windows.debugger(dump, commands, cwd=here, pykd_in=way)))


def test_python_is_a_64_bit_windows_with_the_genuine_pykd(windows: Windows) -> None:
    done = windows.python("-c", "import sys, struct, pykd; print(sys.platform, struct.calcsize('P'), pykd.version)")
    assert done.stdout.split() == ["win32", "8", "0.3.4.15"], done.stderr


def test_the_standard_library_is_whole(windows: Windows) -> None:
    names = "argparse ctypes dataclasses decimal inspect json lzma runpy sqlite3 typing unittest zipfile"
    done = windows.python("-c", "import sys\nfor name in sys.argv[1:]: __import__(name)\nprint('all')", *names.split())
    assert done.stdout == "all\n", done.stderr


def test_python_passes_arguments_status_and_both_streams(windows: Windows, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])\nprint('ż', file=sys.stderr)\nsys.exit(3)\n", encoding="utf-8")
    done = windows.python(script, 'a "b" ż', "", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, "['a \"b\" ż', '']\n", "ż\n")


def test_nothing_of_this_sides_python_leaks_in(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    assert windows.python("-c", "import os; print(os.environ.get('PYTHONPATH'))").stdout == "None\n"


def test_a_program_that_does_not_end_is_killed_and_quoted(windows: Windows) -> None:
    with pytest.raises(TimedOut, match="so far"):
        windows.python("-c", "import time; print('so far', flush=True); time.sleep(60)", timeout=5)


def test_a_run_ends_although_explorer_lives_on_with_its_output(windows: Windows) -> None:
    """In a prefix where something else runs: the first window starts explorer.exe, which inherits stdout."""
    apart = windows.apart("explorer")
    sleep = [apart.python_home / "python.exe", "-c", "import sys; print(1, flush=True); sys.stdin.read()"]
    window = "import ctypes; ctypes.windll.user32.GetDesktopWindow(); print('window')"
    holder = subprocess.Popen(**dict(apart._how(sleep, None, None), stdin=subprocess.PIPE))
    try:
        assert holder.stdout is not None and holder.stdout.readline().strip() == b"1"
        start = time.monotonic()
        assert apart.python("-c", window, timeout=60).stdout == "window\n"
        assert time.monotonic() - start < 50
    finally:
        kill_group(holder)
        shutil.rmtree(str(apart.prefix), ignore_errors=True)


def test_pykd_attaches_by_itself_and_knows_a_user_session_from_a_kernel(windows: Windows, dump: Path) -> None:
    script = (
        "import sys, pykd; pykd.initialize(); print(pykd.getExecutionStatus()); pykd.loadDump(sys.argv[1])\n"
        "print(pykd.isDumpAnalyzing(), pykd.isKernelDebugging(), pykd.ptrSize())\n"
    )
    done = windows.python("-c", script, dump)
    assert done.stdout.splitlines() == ["NoDebuggee", "True False 8"], done.stderr


def test_debugger_says_why_a_dump_does_not_open(windows: Windows, tmp_path: Path) -> None:
    assert "HRESULT 0x80070002" in windows.debugger(tmp_path / "none.dmp", ["lm"], cwd=tmp_path)


def test_debugger_prints_each_command_and_its_answer(windows: Windows, dump: Path, here: Path) -> None:
    printed = dict(answers(windows.debugger(dump, ["||", ".echo ż", ".sympath", "nonsense"], cwd=here)))
    assert "User mini dump" in printed["||"]
    assert printed[".echo ż"] == "ż\n"
    assert wine_path(here).lower() in printed[".sympath"].lower()
    assert "the command failed, HRESULT 0x80040205" in printed["nonsense"]


def test_bootstrapper_standin_finds_a_script_as_search_path_does(windows: Windows, dump: Path, here: Path) -> None:
    printed = run(
        windows,
        dump,
        here,
        "bootstrapper",
        '!py hello a "b  c" ""',
        "!py hello.py",
        "!py -m hello é",
        "!py -m hello ż",
        "!py kd.verb 1",
        "!py kd",
        "!py none.such",
    )
    assert printed['!py hello a "b  c" ""'] == "['a', 'b  c'] ż 漢 \U0001f600\n"
    assert printed["!py hello.py"] == "[] ż 漢 \U0001f600\n"
    assert printed["!py -m hello é"] == "['é'] ż 漢 \U0001f600\n"
    assert printed["!py -m hello ż"] == "['?'] ż 漢 \U0001f600\n"  # not in code page 1252
    assert printed["!py kd.verb 1"] == "verb ['1']\n"
    assert printed["!py kd"] == "script not found: kd\n"
    assert printed["!py none.such"] == "script not found: none.such\n"


def test_bootstrapper_standin_gives_the_script_what_pykd_ext_gives(windows: Windows, dump: Path, here: Path) -> None:
    printed = run(
        windows,
        dump,
        here,
        "bootstrapper",
        "!py stream",
        "!py leave",
        "!py boom",
        "!py -m boom",
        "!py nest",
        "!py hello after",
    )
    assert printed["!py stream"] == "['closed', 'encoding', 'flush', 'isatty', 'write', 'writedml'] '' 500\n"
    assert printed["!py leave"] == "before\n"
    assert "\n\n  File" in printed["!py boom"] and printed["!py boom"].endswith("ValueError: too bad\n\n\n")
    assert "runpy.py" in printed["!py -m boom"]
    assert printed["!py nest"] == "can not run !py command recursive\n\n"
    assert printed["!py hello after"].startswith("['after']")


def test_bootstrapper_standin_keeps_nothing_unless_global(windows: Windows, dump: Path, here: Path) -> None:
    printed = windows.debugger(dump, ["!py mark"] * 2 + ["!py -g mark"] * 2, cwd=here, pykd_in="bootstrapper")
    assert [text for _, text in answers(printed)[1:]] == ["False\n", "False\n", "False\n", "True\n"]


def test_pykds_own_py_destroys_the_arguments(windows: Windows, dump: Path, here: Path) -> None:
    printed = run(windows, dump, here, "pykd.pyd", "!py hello first second", "!py kd.verb", "!py -m hello")
    assert printed["!py hello first second"].count(",") == 1
    assert "first" not in printed["!py hello first second"]
    assert printed["!py kd.verb"] == "verb []\n"
    assert "script file not found" in printed["!py -m hello"]


def test_kdexts_standin_answers_from_its_file(windows: Windows, dump: Path, here: Path) -> None:
    saved = here / "saved answers.txt"
    saved.write_text(
        ">>> !process ffffa08011000080 1\nPROCESS ż\n  two\n>>> !token 0xAB\r\nTS Session ID: 0x1\r\n", encoding="utf-8"
    )
    printed = dict(
        answers(
            windows.debugger(
                dump,
                ["!process  0xFFFFA080`11000080  1", "!token ab", "!token cd", "!process 0 0"],
                cwd=here,
                kdexts=saved,
            )
        )
    )
    assert printed["!process  0xFFFFA080`11000080  1"] == "PROCESS ż\n  two\n"
    assert printed["!token ab"].strip() == "TS Session ID: 0x1"
    assert printed["!token cd"] == "The address 0xcd does not point to a token object.\n"
    assert printed["!process 0 0"] == "TYPE mismatch for process object at 0\n"


def test_two_debuggers_at_once_do_not_meet(windows: Windows, dump: Path, tmp_path: Path) -> None:
    printed: List[Dict[str, str]] = [{}, {}]

    def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "who.py").write_text(f"print({number})\n", encoding="ascii")
        printed[number] = run(windows, dump, folder, "bootstrapper", "!py who")

    threads = [threading.Thread(target=one, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one["!py who"] for one in printed] == ["0\n", "1\n"]


def test_install_puts_scripts_on_the_path_and_packages_in_place(windows: Windows, dump: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "benchprobe-1.0-py3-none-any.whl"
    info = "benchprobe-1.0.dist-info/"
    files = {
        "benchprobe/__init__.py": "VALUE = 42\n",
        "benchprobe-1.0.data/scripts/benchprobe.verb": "import benchprobe\nprint(benchprobe.VALUE)\n",
        info + "METADATA": "Metadata-Version: 2.1\nName: benchprobe\nVersion: 1.0\n",
        info + "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        info + "RECORD": "",
    }
    with zipfile.ZipFile(str(wheel), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    windows.install(wheel)
    assert run(windows, dump, tmp_path, "bootstrapper", "!py benchprobe.verb")["!py benchprobe.verb"] == "42\n"


def test_build_a_second_time_changes_nothing(windows: Windows) -> None:
    host = windows.work / "debugger" / "kdhost.exe"
    before = host.stat().st_mtime
    assert build(windows.work).work == windows.work
    assert host.stat().st_mtime == before
