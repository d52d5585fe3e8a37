"""vm/start.py and vm/windbg_side.py on a Windows that is made up: what is where, and what is done about it."""

from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest

from tests.vm_tools import tool

start: Any = tool("start")
side: Any = tool("windbg_side")
doctor: Any = tool("doctor")
kd: Any = tool("kd_connection")

KITS = "C:\\Program Files (x86)\\Windows Kits\\10\\Debuggers\\x64\\"
APPS = "C:\\Users\\ana\\AppData\\Local\\Microsoft\\WindowsApps\\"
ENGINE = "C:\\Users\\ana\\AppData\\Local\\Dbg\\EngineExtensions\\pykd.dll"
PY39, PY312 = "C:\\Python39\\python.exe", "C:\\Python312\\python.exe"
PY_LIST = (
    " -V:3.12 *        %s\n -V:3.9           %s\n -V:3.9-32        C:\\P32\\python.exe\n -V:3.7           C:\\P37\\python.exe\n"
    % (PY312, PY39)
)


class FakeWindows:
    """A machine with the files, the Pythons and the pipes it is told to have."""

    windows = True

    def __init__(
        self,
        *files: str,
        pythons: str = PY_LIST,
        missing: str = "",
        pipe: str = "none",
        admin: bool = True,
        path: str = "C:\\Windows",
    ) -> None:
        self.files, self.pythons, self.missing, self.pipe, self.admin = files, pythons, missing, pipe, admin
        self.contents: Dict[str, bytes] = {}
        self.env: Dict[str, str] = {
            "ProgramFiles(x86)": "C:\\Program Files (x86)",
            "PATH": path,
            "LOCALAPPDATA": "C:\\Users\\ana\\AppData\\Local",
        }

    def exists(self, path: str) -> bool:
        return path in self.files

    def run(self, command: Sequence[str]) -> str:
        return self.pythons if command[0] == "py" else self.missing

    def read(self, path: str) -> bytes:
        return self.contents.get(path, b"")

    def elevated(self) -> bool:
        return self.admin

    def pipe_state(self, pipe: str) -> str:
        return self.pipe


def test_vmware_never_gets_resets_or_reconnect_and_the_others_do() -> None:
    assert kd.build("kd_lab", "vmware") == r"com:pipe,port=\\.\pipe\kd_lab"
    for other in ("hyperv", "virtualbox", "qemu"):
        assert kd.build(r"\\.\pipe\kd_lab", other) == r"com:pipe,port=\\.\pipe\kd_lab,resets=0,reconnect"
    for hypervisor in kd.SUFFIX:
        assert kd.lint(kd.read(kd.build("kd_lab", hypervisor)), hypervisor) == []


def test_command_line_has_connection_symbols_and_first_py() -> None:
    made = start.plan(FakeWindows(KITS + "windbg.exe", KITS + "kd.exe"), kd.build("kd_lab"))
    assert made.command == [
        KITS + "windbg.exe",
        "-k",
        r"com:pipe,port=\\.\pipe\kd_lab",
        "-y",
        r"srv*C:\Symbols*https://msdl.microsoft.com/download/symbols",
        "-c",
        ".load pykd; !py -3.9 -m kdtoken.dump notepad.exe",
    ]
    assert start.plan(FakeWindows(), "com:x", break_in=True).command[1] == "-b"
    assert made.environment["PATH"] == "C:\\Python39\\Scripts;C:\\Windows"
    # What is printed can be pasted into PowerShell too: the commas are inside quotes.
    assert r'-k "com:pipe,port=\\.\pipe\kd_lab"' in start.quoted(made.command)


@pytest.mark.parametrize(
    "which, program", [("", APPS + "WinDbgX.exe"), ("windbg", KITS + "windbg.exe"), ("kd", KITS + "kd.exe")]
)
def test_debugger_is_the_stores_unless_another_is_asked_for(which: str, program: str) -> None:
    host = FakeWindows(KITS + "windbg.exe", KITS + "kd.exe", APPS + "WinDbgX.exe")
    assert start.plan(host, "com:x", which).command[0] == program


@pytest.mark.parametrize(
    "listed, best, unasked, switch",
    [
        (PY_LIST, "3.9", "3.12", "-3.9 "),
        (" -3.9-64        C:\\a.exe\n -3.8-64        C:\\b.exe\n", "3.9", "3.9", ""),
        (" -V:3.9 *  C:\\a b\\python.exe\n -V:2.7   C:\\c.exe\n", "3.9", "2.7", "-3.9 "),
        (" -V:3.13 *  C:\\a.exe\n -V:3.13-arm64  C:\\b.exe\n", None, "3.13", ""),
        ("", None, None, ""),
    ],
)
def test_python_that_py_takes_and_the_one_it_should_take(listed: str, best: Any, unasked: Any, switch: str) -> None:
    pythons = side.read_py_list(listed)
    assert [one and one.version for one in (side.best(pythons), side.taken_by_bootstrapper(pythons))] == [best, unasked]
    assert side.switch(pythons) == switch


def test_each_python_that_is_not_taken_has_its_reason() -> None:
    said = "\n".join(start.about_python(FakeWindows()))
    assert "will use Python 3.9: " + PY39 in said and "takes 3.12 unless told" in said
    assert "not Python 3.12: pykd on PyPI has no wheel" in said and "not Python 3.9: 32-bit" in said
    assert "not Python 3.7: kdtoken needs 3.8" in said
    assert "winget install Python.Python.3.9" in start.about_python(FakeWindows(pythons=" -V:3.13 *  C:\\a.exe\n"))[0]


def test_install_copies_for_both_windbgs_and_adds_the_scripts_folder() -> None:
    host = FakeWindows(KITS + "windbg.exe", APPS + "WinDbgX.exe")
    assert [str(step) for step in start.install_steps(host, "pykd.dll")] == [
        'copy "pykd.dll" "%swinext\\pykd.dll"' % KITS,
        'copy "pykd.dll" "%s"' % ENGINE,
        "add to your PATH: C:\\Python39\\Scripts",
    ]
    ready = FakeWindows(KITS + "windbg.exe", "C:\\S\\kdtoken.dump", path="C:\\Windows;C:\\S\\")
    assert start.install_steps(ready, "") == []


def test_step_that_copies_makes_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pykd.dll").write_bytes(b"MZ")
    source = tmp_path / "new" / "pykd.dll"
    assert start.do_step(start.Step("copy", str(tmp_path / "pykd.dll"), str(source))).startswith("done: copy")
    assert source.read_bytes() == b"MZ"


def test_install_without_the_download_says_where_it_is_to_be_had(capsys: Any) -> None:
    assert start.main(["--install", "--bootstrapper", "none.dll"], host=FakeWindows()) == 2
    assert "pykd-ext" in capsys.readouterr().err


def test_pipe_comes_from_the_vmx(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "a.vmx"
    path.write_text(
        'config.version = "8"\nserial1.present = "TRUE"\nserial1.fileType = "pipe"\nserial1.fileName = "\\\\.\\pipe\\q"\n'
    )
    assert start.main(["--vmx", str(path), "--print"], host=FakeWindows(APPS + "WinDbgX.exe")) == 0
    assert r'"com:pipe,port=\\.\pipe\q"' in capsys.readouterr().out
    path.write_text(
        'config.version = "8"\nserial1.present = "TRUE"\nserial1.fileType = "pipe"\nserial1.fileName = "/tmp/q"\n'
    )
    assert start.main(["--vmx", str(path), "--print"], host=FakeWindows()) == 2
    assert "com:port=COM2" in capsys.readouterr().err
    path.write_text('config.version = "8"\n')
    assert start.main(["--vmx", str(path)], host=FakeWindows()) == 2
    assert start.main([], host=FakeWindows()) == 2


def test_key_of_kdnet_is_not_printed(capsys: Any) -> None:
    assert start.main(["--net", "50000", "--key", "1abc.2def.3ghi.4jkl", "--print"], host=FakeWindows()) == 0
    out = capsys.readouterr().out
    assert "2def" not in out and "net:port=50000,key=(key)" in out


def test_anywhere_else_it_prints_what_it_would_do(capsys: Any) -> None:
    host = FakeWindows()
    host.windows = False
    assert start.main(["--pipe", "x"], host=host) == 0
    assert "not started: this is not Windows" in capsys.readouterr().out
    assert start.main(["--install"], host=host) == 0
    assert "would do: copy" in capsys.readouterr().out


# -- the doctor on such a machine

READY = (KITS + "windbg.exe", KITS + "winext\\pykd.dll", "C:\\Python39\\Scripts\\kdtoken.dump")
PATH = "C:\\Python39\\Scripts;C:\\Windows"
ONLY_39 = " -V:3.9 *  %s\n" % PY39


def look(**how: Any) -> List[Any]:
    files = how.pop("files", READY)
    return [
        one
        for one in side.look(
            FakeWindows(*files, **{"path": PATH, "pythons": ONLY_39, "pipe": "free", **how}), r"\\.\pipe\q"
        )
        if one.status.value != "ok"
    ]


def test_machine_where_all_is_well() -> None:
    assert look() == []


@pytest.mark.parametrize(
    "how, link, mend",
    [
        ({"pipe": "none"}, "pipe", "vmrun start"),
        ({"pipe": "busy"}, "pipe", "Get-Process"),
        ({"admin": False}, "elevated", "RunAs"),
        ({"pythons": " -V:3.12 *  x\n"}, "python", "Python.Python.3.9"),
        ({"missing": "pykd construct\n"}, "python", "pip install"),
        ({"pythons": PY_LIST}, "python", "!py -3.9"),
        ({"files": READY[:1] + READY[2:]}, "bootstrapper", "--bootstrapper"),
        ({"path": "C:\\Windows"}, "scripts", "--install"),
    ],
)
def test_machine_with_one_thing_wrong(how: Dict[str, Any], link: str, mend: str) -> None:
    found = look(**how)
    assert [one.link for one in found] == [link] and mend in found[0].mend


def test_extension_path_of_the_user_counts() -> None:
    host = FakeWindows("D:\\ext\\pykd.dll")
    host.env["_NT_DEBUGGER_EXTENSION_PATH"] = "D:\\ext;E:\\"
    assert [one.found for one in side.look_files(host) if one.link == "bootstrapper"] == ["D:\\ext\\pykd.dll"]


def test_a_nightly_pykd_is_known_by_the_python_that_it_asks_for() -> None:
    """Not by a list of versions: pykd.pyd names the pythonNN.dll that it was built for."""
    host = FakeWindows()
    folder = PY312.rpartition("\\")[0] + "\\Lib\\site-packages\\"
    host.contents[folder + "pykd\\pykd.pyd"] = b"MZ\0..KERNEL32.dll\0python312.dll\0dbgeng.dll\0"
    assert side.best(side.pythons_of(host)).version == "3.12"
    assert side.switch(side.pythons_of(host)) == ""  # the bootstrapper takes the newest unasked
    # One that was copied there from another Python does not load.
    host.contents[folder + "pykd\\pykd.pyd"] = b"MZ\0python39.dll\0"
    assert side.best(side.pythons_of(host)).version == "3.9"
    assert "not Python 3.12: the pykd in it is built for Python 3.9" in "\n".join(start.about_python(host))
    # Beside the package, as an unpacked archive is.
    host.contents = {folder + "pykd.pyd": b"MZ\0Python313.dll\0"}
    assert "built for Python 3.13" in "\n".join(start.about_python(host))


@pytest.mark.parametrize("port, taken", [(49151, False), (49152, True), (65535, True), (65536, False)])
def test_kdnet_takes_the_dynamic_ports_from_the_first_to_the_last(port: int, taken: bool) -> None:
    """IANA's dynamic ports, which "Setting up KDNET network kernel debugging manually" says to choose from."""
    faults = kd.lint(kd.read("net:port=%d,key=1a.2b.3c.4d" % port))
    assert (faults == []) is taken
