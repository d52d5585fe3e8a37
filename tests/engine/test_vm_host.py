"""vm/'s host side in a Windows Python, and the doctor on what the genuine engine says.

Wine is no Windows: its administrator is always one, and there is no WinDbg. What this shows is that the
calls of Windows are made rightly (pipes, registry), and that the sentences are those of the engine.
"""

from pathlib import Path
from typing import Any, List, Tuple

import pytest

from tests.engine.conftest import NEWEST, Lab, make_lab
from tests.engine.windows import Windows
from tests.vm_tools import VM, tool

doctor: Any = tool("doctor")
findings: Any = tool("findings")

LOOK = r"""
import ctypes, sys, winreg
sys.path.insert(0, sys.argv[1])
import start, windbg_side
host = windbg_side.Host()
pipe = "\\\\.\\pipe\\kd_probe"
make = ctypes.windll.kernel32.CreateNamedPipeW
make.restype = ctypes.c_void_p
print("none", host.pipe_state(pipe))
server = make(pipe, 3, 0, 1, 512, 512, 0, None)     # duplex, byte mode, one instance: as VMware's
print("free", host.pipe_state(pipe))
client = open(pipe, "r+b", buffering=0)
print("busy", host.pipe_state(pipe))
with winreg.OpenKey(winreg.HKEY_CURRENT_USER, "Environment", 0, winreg.KEY_ALL_ACCESS) as key:
    winreg.SetValueEx(key, "Path", 0, winreg.REG_EXPAND_SZ, "%SystemRoot%\\x;" + "y" * 1500)
    step = start.Step("path", "", "C:\\new")
    print(start.do_step(step)[:4], start.do_step(step)[:4])
    value, kind = winreg.QueryValueEx(key, "Path")
    print(kind == winreg.REG_EXPAND_SZ, value == "%SystemRoot%\\x;" + "y" * 1500 + ";C:\\new")
    winreg.DeleteValue(key, "Path")
    print(start.do_step(step)[:4], winreg.QueryValueEx(key, "Path")[0])
    winreg.DeleteValue(key, "Path")
"""


def test_pipes_and_the_registry_are_asked_rightly(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "look.py").write_text(LOOK, encoding="ascii")
    done = windows.python("look.py", VM, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "none none",
        "free free",
        "busy busy",
        "done done",
        "True True",
        "done C:\\new",
    ], done


def test_whole_way_on_a_windows_python(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "Lab.vmx").write_bytes(
        b'.encoding = "windows-1252"\r\nvirtualHW.version = "21"\r\ndisplayName = "Lab"\r\n'
    )
    done = windows.python(VM / "vmx.py", "Lab.vmx", cwd=tmp_path)
    assert done.returncode == 0 and r"\\.\pipe\kd_Lab" in done.stdout, done
    assert b'serial0.fileName = "\\\\.\\pipe\\kd_Lab"\r\n' in (tmp_path / "Lab.vmx").read_bytes()
    done = windows.python(VM / "doctor.py", "--vmx", "Lab.vmx", cwd=tmp_path)
    assert done.returncode == 1 and "first to mend: running: the VM is off" in done.stdout, done
    assert "ok       python        Python 3.9 has pykd and kdtoken" in done.stdout
    done = windows.python(VM / "start.py", "--vmx", "Lab.vmx", "--print", cwd=tmp_path)
    assert r'-k "com:pipe,port=\\.\pipe\kd_Lab"' in done.stdout, done


@pytest.fixture(scope="module")
def lab(windows: Windows) -> Lab:
    return make_lab(NEWEST)


def said(text: str) -> List[Tuple[str, str]]:
    return [(one.link, one.status.value) for one in doctor.check_text(text, doctor.Seen())]


def test_sentences_of_the_genuine_engine_are_known(windows: Windows, lab: Lab, tmp_path: Path) -> None:
    good = windows.debugger(lab.dump, ["lm", ".reload /f nt", "lm m nt"], cwd=lab.folder)
    assert ("symbols", "ok") in said(good), good
    bare = windows.debugger(lab.dump, ["!py x", ".load nosuch_pykd", ".reload /f nt", "lm m nt"], cwd=tmp_path)
    found = said(bare)
    assert ("symbols", "BROKEN") in found and ("bootstrapper", "BROKEN") in found, bare
    none = windows.debugger(
        lab.dump, ["!py kdtoken.nosuch", "!py -m kdtoken_nosuch"], cwd=lab.folder, pykd_in="bootstrapper"
    )
    assert ("scripts", "BROKEN") in said(none), none


def test_failed_connection_of_the_genuine_engine_is_named(windows: Windows, tmp_path: Path) -> None:
    printed = windows.debugger(r"com:pipe,port=\\.\pipe\kd_nobody", ["q"], cwd=tmp_path)
    seen = findings.first_to_mend(doctor.check_text(printed, doctor.Seen()))
    assert seen is not None and seen.link == "pipe", printed
