"""The public interface: its names, its docstrings run as they stand, and what a notebook shows."""

import doctest
import html.parser
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, List, Tuple

import pytest

import kdtoken
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.token import Token
from kdtoken.view.whoami.reader import read_whoami_text
from tests.declared_views import decoded, whoami_lines
from tests.expected import WINDOWS_11, kernel_of, layouts_of_build
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.synthetic import SyntheticSource
from tests.sessions import MACHINE_22000

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
MACHINE_FILE = str(MACHINE_22000)


def test_the_docstring_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = doctest.testmod(kdtoken, verbose=False)
    assert done.attempted >= 6 and done.failed == 0


def test_the_readme_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = doctest.testfile(str(README), module_relative=False, verbose=False)
    assert done.attempted >= 6 and done.failed == 0


def test_every_public_name_is_there_and_none_is_loaded_before() -> None:
    code = (
        "import sys, kdtoken\n"
        "before = [name for name in sys.modules if name.startswith(('kdtoken.', 'construct'))]\n"
        "assert before == [], before\n"
        "names = {name: getattr(kdtoken, name) for name in kdtoken.__all__}\n"
        "assert all(callable(one) for one in names.values())\n"
        "assert set(kdtoken.__all__) <= set(dir(kdtoken)) and 'pykd' not in sys.modules\n"
        "from kdtoken import *\n"
        "assert open is kdtoken.open\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert set(kdtoken._PUBLIC) == set(kdtoken.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'opne'"):
        kdtoken.opne  # noqa: B018


def test_typed_for_strangers() -> None:
    assert (ROOT / "kdtoken" / "py.typed").read_bytes() == b""


@pytest.mark.parametrize("first", ["kdtoken.diff", "kdtoken"])
def test_diff_is_a_function_whichever_way_its_module_was_imported(first: str) -> None:
    code = (
        "import %s, kdtoken\n"
        "from kdtoken import diff\n"
        "side = %r + '@notepad.exe'\n"
        "assert repr(kdtoken.diff(side, side)) == repr(diff(side, b=side)) == '<Comparison: A and B are the same token>'\n"
        "assert diff.main(['--json', side, side]) == 0\n" % (first, MACHINE_FILE)
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=str(ROOT), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_diff_takes_what_a_machine_gives(tmp_path: Path) -> None:
    (tmp_path / "who.txt").write_text(whoami_lines("notepad"), encoding="utf-8")
    with kdtoken.open(MACHINE_22000) as machine, kdtoken.open(tmp_path / "who.txt") as text:
        notepad, service = machine.process("notepad.exe"), machine.process(1120)
        assert kdtoken.diff(notepad, MACHINE_FILE + "@6104").verdict == "A and B are the same token"
        assert kdtoken.diff(notepad, text.view()).exit_code == 0
        assert kdtoken.diff(str(tmp_path / "who.txt"), notepad).exit_code == 0
        plain, client = service.threads[:2]
        assert kdtoken.diff(plain, service).verdict == "A and B are the same token"
        assert kdtoken.diff(client, service).verdict == "A and B speak for different users"
        # A bare token does not say who saw it, and so not what it cannot know.
        with pytest.raises(kdtoken.KdTokenError, match="give a process or a thread"):
            kdtoken.diff(notepad.token, service)  # type: ignore[arg-type]


def test_a_token_shows_itself_in_a_line() -> None:
    token = decoded("notepad")
    assert repr(token) == ("<Token 0x%x: ANNA-PC\\Anna, Medium, 5 privileges (1 enabled), 14 groups>" % token.address)
    text = read_whoami_text(whoami_lines("notepad")).tokens[0].token
    assert repr(text).startswith("<Token: S-1-5-21-") and ", Medium, " in repr(text)
    user = read_whoami_text(whoami_lines("notepad").split("GROUP INFORMATION")[0]).tokens[0].token
    assert repr(user).endswith("integrity unknown, privileges unknown, groups unknown>")
    none = replace(token, integrity_level_index=0xFFFFFFFF)
    assert "no integrity label" in repr(none)


class Shown(html.parser.HTMLParser):
    """The tags and the text of what a notebook is given."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: List[Tuple[str, Any]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data + "\n"


def test_a_notebook_runs_nothing_of_a_hostile_machine() -> None:
    processes = tuple(replace(one, name=b"<script>x\x1b[2J") if one.pid == 6104 else one for one in MACHINE.processes)
    machine = KernelMachine(SyntheticSource(build(replace(MACHINE, processes=processes), layouts_of_build(WINDOWS_11))))
    process = machine.process(6104)
    comparison = kdtoken.diff(process, machine.process("cmd.exe"))
    token = process.token
    assert isinstance(token, Token)
    shown: List[Any] = [machine, machine.processes(), process, process.threads[0], token, comparison]
    for one in shown:
        assert "\x1b" not in repr(one), one
        if hasattr(one, "_repr_html_"):
            page = Shown(one._repr_html_())
            assert {tag for tag, _ in page.tags} <= {"table", "caption", "tr", "td", "th"}
            assert all(attributes == () for _, attributes in page.tags)
            assert "\x1b" not in page.words
    assert "<script>x\\x1b[2J" in Shown(process._repr_html_()).words
    assert "SeChangeNotifyPrivilege" in Shown(token._repr_html_()).words
    assert "31 processes" in Shown(machine.processes()._repr_html_()).words
    assert comparison.verdict in Shown(comparison._repr_html_()).words


def test_paths_of_any_kind(tmp_path: Path) -> None:
    for source in (MACHINE_22000, MACHINE_FILE, [MACHINE_FILE]):
        with kdtoken.open(source) as machine:  # type: ignore[arg-type]
            assert machine.process(4).name == "System"
    with pytest.raises(kdtoken.KdTokenError, match="there is no such file"):
        kdtoken.open(os.path.join(str(tmp_path), "none"))


def test_services_name_sids_of_this_machine_only() -> None:
    kernel = kernel_of(WINDOWS_11)
    with kdtoken.open(MACHINE_22000, services=["AnOddServiceOfOurs"]) as machine:
        assert machine.names.services == ("AnOddServiceOfOurs",)
    assert KernelMachine(SyntheticSource(kernel)).names.services == ()


@pytest.mark.parametrize("name", sorted(kdtoken.__all__))
def test_a_public_name_is_of_what_is_called_so(name: str) -> None:
    called = {"open": "open_machine", "Process": "MachineProcess", "Thread": "MachineThread"}.get(name, name)
    assert getattr(kdtoken, name).__name__.split(".")[-1] == called
