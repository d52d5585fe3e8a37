"""No traceback, ever: each verb on a full, a closed and a narrow stdout, stopped by Ctrl+C, with a pykd that is broken."""

import ast
import errno
import io
import shutil
import subprocess
import sys
import types
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from kdtoken import cli
from kdtoken.__main__ import main
from kdtoken.source import live
from tests.sessions import MACHINE_22000

ROOT = Path(__file__).parent.parent
MACHINE = str(MACHINE_22000)
VERBS: Dict[str, List[str]] = {
    "dump": ["dump", MACHINE, "6104"],
    "dump --all": ["dump", MACHINE, "6740", "--all"],
    "dump --json": ["dump", MACHINE, "6104", "--json"],
    "walk": ["walk", MACHINE],
    "walk --csv": ["walk", MACHINE, "--csv"],
    "diff": ["diff", MACHINE + "@cmd.exe", MACHINE + "@notepad.exe"],
    "explain": ["explain", "6104", "--to", "744", "--want", "VM_READ", "--session", MACHINE],
    "audit": ["audit", MACHINE],
    "lineage": ["lineage", MACHINE, "6104"],
    "sid": ["sid", "S-1-5-32-544"],
    "mask": ["mask", "0x1410", "process"],
    "tour": ["tour", "1"],
    "record": ["record", "-o", "{new}.kdtoken", "dump", "6104", "--session", MACHINE],
    "report": ["report", MACHINE, "-o", "{new}.html"],
    "lake add": ["lake", "{new}", "add", MACHINE],
    "lake ask": ["lake", "{lake}", "ask", "SELECT host, image, pid FROM running ORDER BY pid"],
    "help": ["--help"],
    "help of a verb": ["walk", "--help"],
}
EACH = pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)


class Full(io.StringIO):
    """A stdout that takes nothing: the error comes with a write, or with the flush behind it."""

    def __init__(self, error: int, late: bool) -> None:
        super().__init__()
        self._error, self._late = error, late

    def write(self, text: str) -> int:
        if self._late:
            return len(text)
        raise OSError(self._error, "it is said so")

    def flush(self) -> None:
        raise OSError(self._error, "it is said so")


@pytest.fixture(scope="module")
def lake_folder(tmp_path_factory: Any) -> str:
    """A lake with one machine in it."""
    if find_spec("duckdb") is None or find_spec("pyarrow") is None:
        return ""
    folder = str(tmp_path_factory.mktemp("ends") / "lake")
    assert main(["lake", folder, "add", MACHINE]) in (0, 1)
    return folder


@pytest.fixture(autouse=True)
def _places(monkeypatch: Any, tmp_path: Any, lake_folder: str) -> None:
    """{new} is a name that is free, another each time; {lake} a lake."""
    made = iter(range(99))
    monkeypatch.setitem(PLACES, "new", lambda: str(tmp_path / ("new%d" % next(made))))
    monkeypatch.setitem(PLACES, "lake", lambda: lake_folder)


PLACES: Dict[str, Callable[[], str]] = {}


def run(words: List[str], out: Any, monkeypatch: Any) -> "tuple[int, str]":
    if words[0] == "report":
        pytest.importorskip("jinja2")
    if words[0] == "lake":
        pytest.importorskip("duckdb"), pytest.importorskip("pyarrow")
    for name, make in PLACES.items():
        words = [word.replace("{%s}" % name, make()) if "{%s}" % name in word else word for word in words]
    err = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    code = main(words)
    assert "Traceback" not in err.getvalue() and "a fault in kdtoken" not in err.getvalue(), err.getvalue()
    return code, err.getvalue()


@EACH
@pytest.mark.parametrize("late", [False, True])
def test_a_full_stdout(words: List[str], late: bool, monkeypatch: Any) -> None:
    code, err = run(words, Full(errno.ENOSPC, late), monkeypatch)
    assert code == 2
    assert err == "kdtoken: cannot print the answer: it is said so\n  next: print it where there is room: > FILE\n"


@EACH
def test_a_reader_that_went_away_changes_no_code(words: List[str], monkeypatch: Any) -> None:
    expected, _ = run(words, io.StringIO(), monkeypatch)
    assert run(words, Full(errno.EPIPE, False), monkeypatch) == (expected, "")


@EACH
def test_a_closed_stdout(words: List[str], monkeypatch: Any) -> None:
    code, err = run(words, None, monkeypatch)
    assert code == 2 and err.startswith("kdtoken: nothing can be printed: standard output is closed")


@EACH
def test_a_stdout_of_ascii(words: List[str], monkeypatch: Any) -> None:
    expected, _ = run(words, io.StringIO(), monkeypatch)
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict", newline="\n")
    assert run(words, narrow, monkeypatch) == (expected, "")
    narrow.flush()
    assert max(narrow.buffer.getvalue()) < 128  # type: ignore[attr-defined]


@EACH
def test_ctrl_c_while_it_is_at_work(words: List[str], monkeypatch: Any) -> None:
    class Stopped(io.StringIO):
        def write(self, text: str) -> int:
            raise KeyboardInterrupt

    code, err = run(words, Stopped(), monkeypatch)
    assert code == 2
    assert err == "kdtoken: stopped by Ctrl+C; the answer is not whole\n  next: the same command again\n"


def _nothing() -> types.ModuleType:
    return types.ModuleType("pykd")  # imports, and has no function at all


class Raising(types.ModuleType):
    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*arguments: Any, **named: Any) -> Any:
            raise RuntimeError("0x80004005 %s" % name)

        return fail


@pytest.mark.parametrize("pykd", [_nothing(), Raising("pykd")], ids=["empty", "raising"])
@pytest.mark.parametrize(
    "words",
    [
        ["dump", "notepad.exe"],
        ["walk"],
        ["audit"],
        ["lineage", "4"],
        ["explain", "4", "--to", "744", "--want", "VM_READ"],
        ["record", "-o", "never.kdtoken", "dump", "4"],
        ["walk", "--attach", r"com:pipe,port=\\.\pipe\kd"],
    ],
    ids=lambda words: words[0] + (" --attach" if "--attach" in words else ""),
)
def test_a_pykd_that_is_broken(words: List[str], pykd: types.ModuleType, monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(live, "pykd", pykd)
    code, err = run(words, io.StringIO(), monkeypatch)
    assert code == 2 and err.startswith("kdtoken: the pykd that is here is broken: it has no "), err
    assert err.endswith("\n  next: install it anew: pip install --force-reinstall pykd\n") and err.count("\n") == 2, err
    assert not list(tmp_path.iterdir()) and not cli._OPENED


def test_an_old_python_gets_one_line(monkeypatch: Any) -> None:
    """kdtoken/__init__.py has to be plain enough for Python 2.7 to come as far as the message."""
    source = (ROOT / "kdtoken" / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.AnnAssign, ast.JoinedStr, ast.NamedExpr, ast.AsyncFunctionDef)), ast.dump(node)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None and not any(one.annotation for one in node.args.args), node.name
    assert [type(one) for one in tree.body[:3]] == [ast.Expr, ast.Import, ast.If], "the check comes first"
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "version_info", (2, 7, 18))
    with pytest.raises(SystemExit) as ended:
        exec(compile(source, "kdtoken", "exec"), {"__name__": "kdtoken"})
    assert ended.value.code == 2
    assert err.getvalue().startswith("kdtoken: this is Python 2.7, and kdtoken needs 3.8 or later\n  next: ")


def test_python_2_7_itself() -> None:
    # A version manager's stand-in for it is there also where no 2.7 is.
    if (
        shutil.which("python2.7") is None
        or subprocess.run(["python2.7", "-c", ""], stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip("no Python 2.7 here")
    done = subprocess.run(["python2.7", "-m", "kdtoken.walk"], cwd=str(ROOT), stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr.startswith(b"kdtoken: this is Python 2.7, and kdtoken needs 3.8")
