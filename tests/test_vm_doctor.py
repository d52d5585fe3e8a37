"""vm/doctor.py: each broken set-up has its broken link named first, with the command that mends it.

The sessions are made up here in the shape of what people paste; none is anybody's.
"""

import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vm_tools import tool

doctor: Any = tool("doctor")
findings: Any = tool("findings")
kd: Any = tool("kd_connection")
guest_text: Any = tool("guest_text")
debugger_text: Any = tool("debugger_text")

VMX = r"""
displayName = "Lab"
serial0.present = "TRUE"
serial0.fileType = "pipe"
serial0.fileName = "\\.\pipe\kd_lab"
serial0.pipe.endPoint = "server"
serial0.tryNoRxLoss = "TRUE"
serial0.yieldOnMsrRead = "TRUE"
"""
COMMAND = "C:\\lab> windbg -k com:pipe,port=\\\\.\\pipe\\kd_lab\n"
OPENED = r"""
Microsoft (R) Windows Debugger Version 10.0.26100.1 AMD64
Copyright (c) Microsoft Corporation. All rights reserved.

Opened \\.\pipe\kd_lab
Waiting to reconnect...
"""
CONNECTED = (
    OPENED
    + """\
Connected to Windows 10 22621 x64 target at (Sat Mar  1 10:00:00.000 2025 (UTC + 1:00)), ptr64 TRUE
Kernel Debugger connection established.  (Initial Breakpoint requested)
"""
)
BCDEDIT = r"""
C:\Windows\system32>bcdedit /enum {current}

Windows Boot Loader
-------------------
identifier              {current}
device                  partition=C:
path                    \Windows\system32\winload.efi
description             Windows 11
osdevice                partition=C:
systemroot              \Windows
debug                   Yes

C:\Windows\system32>bcdedit /dbgsettings
debugtype               Serial
debugport               1
baudrate                115200
The operation completed successfully.
"""
LM = """
1: kd> lm m nt
Browse full module list
start             end                 module name
fffff801`23400000 fffff801`24447000   nt         (pdb symbols)          c:\\symbols\\ntkrnlmp.pdb\\1234\\ntkrnlmp.pdb
"""
PY = """
1: kd> .load pykd
1: kd> .chain
    pykd: image 2.0.0.25, API 1.0.0, built Sun Apr 19 2020
1: kd> !py -3.9
Python 3.9.13 (tags/v3.9.13:6de2ca5, May 17 2022) on win32
"""
GOOD = VMX + COMMAND + BCDEDIT + CONNECTED + LM + PY
TWO_ENTRIES = BCDEDIT.replace("debug                   Yes\n", "").replace(
    "\nC:\\Windows\\system32>bcdedit /dbg",
    r"""
Windows Boot Loader
-------------------
identifier              {1a2b3c4d-0000-1111-2222-333344445555}
path                    \Windows\system32\winload.efi
description             Windows with kernel debugger
osdevice                partition=C:
debug                   Yes

C:\Windows\system32>bcdedit /dbg""",
)
REFUSED = """
C:\\Windows\\system32>bcdedit /debug on
An error occurred while attempting to modify the debugger settings.
%s
"""

# name: the session, the link first to mend, a word of what is found, a word of the command
BROKEN: Dict[str, Tuple[str, str, str, str]] = {
    "wrong end point": (GOOD.replace('"server"', '"client"'), "vmx", "wrong end point", "vm/vmx.py"),
    "port not present": (
        GOOD.replace('serial0.present = "TRUE"', 'serial0.present = "FALSE"'),
        "vmx",
        "present",
        "vm/vmx.py",
    ),
    "no pipe": (VMX.replace('"pipe"', '"thinprint"') + COMMAND, "vmx", "no serial port leads to a pipe", "vm/vmx.py"),
    "resets=0 on VMware": (
        GOOD.replace("kd_lab\n", "kd_lab,resets=0,reconnect\n", 2).replace(
            "Opened \\\\.\\pipe\\kd_lab,resets=0,reconnect", "Opened \\\\.\\pipe\\kd_lab"
        ),
        "-k string",
        "resets=0 and reconnect with VMware",
        r'windbg -k "com:pipe,port=\\.\pipe\kd_lab"',
    ),
    "pipe name mismatch": (
        VMX
        + COMMAND.replace("kd_lab", "com_1")
        + r"""
Failed to open \\.\pipe\com_1
Kernel debugger failed initialization, Win32 error 0n2
    "Das System kann die angegebene Datei nicht finden."
""",
        "-k string",
        "com_1, the VM has kd_lab",
        r"port=\\.\pipe\kd_lab",
    ),
    "mismatch seen in the banner only": (
        VMX + OPENED.replace("kd_lab", "other"),
        "-k string",
        "opened other",
        r"kd_lab",
    ),
    "missing port=": (
        r"windbg -k com:pipe,\\.\pipe\kd_lab",
        "-k string",
        "`port=` is missing",
        r"port=\\.\pipe\kd_lab",
    ),
    "slashes": ("kd -k com:pipe,port=//./pipe/kd_lab", "-k string", "backslashes", r"port=\\.\pipe\kd_lab"),
    "one backslash": (
        "kd -k com:pipe,port=\\.\\pipe\\kd_lab",
        "-k string",
        "lost a backslash",
        r"port=\\.\pipe\kd_lab",
    ),
    "pipe not said": (r"kd -k com:port=\\.\pipe\kd_lab,baud=115200", "-k string", "`pipe,` is missing", "com:pipe,"),
    "PowerShell's commas": (r"PS C:\> kd -k com:pipe port=\\.\pipe\kd_lab", "-k string", "quotes", '"com:pipe,port='),
    "VM off": (
        COMMAND + "Kernel debugger failed initialization, Win32 error 0n2\n",
        "pipe",
        "not there",
        "vmrun start",
    ),
    "pipe busy": (
        COMMAND + "Could not start kernel debugging using com:pipe,port=\\\\.\\pipe\\kd_lab parameters, "
        "HRESULT 0x800700E7\n",
        "pipe",
        "busy",
        "Get-Process",
    ),
    "not elevated": (
        VMX + COMMAND + "Kernel debugger failed initialization, Win32 error 5 アクセス拒否\n",
        "elevated",
        "not elevated",
        "RunAs",
    ),
    "guest's prompt not elevated": (
        r"""
C:\Users\ana>bcdedit /debug on
No se pudo abrir el almacén de datos de la configuración de arranque.
Acceso denegado.
""",
        "guest",
        "not elevated",
        "debug-on.cmd",
    ),
    "wrong debugport": (
        GOOD.replace("debugport               1", "debugport               2"),
        "guest",
        "wrong debugport",
        "debug-on.cmd 1",
    ),
    "debugport behind a printer": (GOOD.replace("serial0", "serial1"), "guest", "the pipe is COM2", "debug-on.cmd 2"),
    "Secure Boot": (
        REFUSED % "The value is protected by Secure Boot policy and cannot be modified or deleted.",
        "guest",
        "Secure Boot",
        "--secure-boot off",
    ),
    "Secure Boot in Chinese": (
        REFUSED % "该值受安全引导策略保护，无法进行修改或删除。",
        "guest",
        "Secure Boot",
        "--secure-boot off",
    ),
    "Secure Boot by PowerShell": (
        "PS C:\\> Confirm-SecureBootUEFI\nTrue\n",
        "guest",
        "Secure Boot",
        "--secure-boot off",
    ),
    "BitLocker": ("    Protection Status:    Protection On\n", "guest", "BitLocker", "manage-bde -protectors -disable"),
    "debugging off": (
        BCDEDIT.replace("debug                   Yes", "debug                   No"),
        "guest",
        "debugging is off",
        "debug-on.cmd",
    ),
    "boot loader's debugging instead": (
        BCDEDIT.replace("debug     ", "bootdebug "),
        "guest",
        "bootdebug",
        "debug-on.cmd",
    ),
    "booted without the debug entry": (
        TWO_ENTRIES,
        "guest",
        "booted without the debug entry",
        "bcdedit /bootsequence {1a2b3c4d-0000-1111-2222-333344445555}",
    ),
    "network in the guest, pipe on the host": (GOOD.replace("Serial", "Net"), "guest", "over Net", "debug-on.cmd 1"),
    "baud mismatch": (BCDEDIT + "windbg -k com:port=COM1,baud=9600\n", "guest", "baud mismatch", "baudrate:9600"),
    "banner never seen": (VMX + COMMAND + OPENED, "connection", "never a line", "debug-on.cmd 1"),
    "banner never seen, guest is right": (VMX + COMMAND + BCDEDIT + OPENED, "connection", "never", "shutdown /r /t 0"),
    "banner never seen over the network": (
        "Using NET for debugging\nOpened WinSock 2.0\nWaiting to reconnect...\n",
        "connection",
        "never",
        "debug-on.cmd net HOSTIP PORT",
    ),
    "connection lost": (
        CONNECTED + "Retry sending the same data packet for 64 times.\n",
        "connection",
        "lost",
        "windbg -k",
    ),
    "user-mode session": ("0:000> !py kdtoken.dump notepad.exe\n", "connection", "user-mode", "windbg -k"),
    "export symbols": (GOOD.replace("(pdb symbols) ", "(export symbols) "), "symbols", "export", ".symfix"),
    "symbol file not found": (
        CONNECTED + "*** ERROR: Symbol file could not be found.  Defaulted to export symbols for ntkrnlmp.exe - \n",
        "symbols",
        "no symbol file",
        ".reload /f nt",
    ),
    "types not found": (
        CONNECTED + "0: kd> dt nt!_EPROCESS\nSymbol nt!_EPROCESS not found.\n",
        "symbols",
        "wrong or missing",
        ".symfix",
    ),
    "wrong debugport in the entry itself": (
        GOOD.replace(
            "debug                   Yes",
            "debug                   Yes\ndebugtype               Serial\ndebugport               2",
        ),
        "guest",
        "wrong debugport",
        "debug-on.cmd 1",
    ),
    "deferred symbols": (CONNECTED + LM.replace("(pdb symbols)", "(deferred)"), "symbols", "deferred", ".reload /f nt"),
    "pykd with Python 3.12": (
        """
1: kd> !py
Python 3.12.4 (tags/v3.12.4:8e8a4ba, Jun  6 2024) on win32
>>> import pykd
ModuleNotFoundError: No module named 'pykd'
""",
        "python",
        "Python 3.12",
        "Python.Python.3.9",
    ),
    "pip on Python 3.12": (
        """
C:\\>C:\\Python312\\Scripts\\pip install pykd
ERROR: Could not find a version that satisfies the requirement pykd (from versions: none)
ERROR: No matching distribution found for pykd
""",
        "python",
        "3.12",
        "Python.Python.3.9",
    ),
    "pykd not installed": (
        "1: kd> !py -3.9\nPython 3.9.13 (x) on win32\nModuleNotFoundError: No module named 'pykd'\n",
        "python",
        "no pykd",
        "pip install",
    ),
    "no Python": (
        "1: kd> !py -m kdtoken.dump x\nfailed to find python interpreter\n",
        "python",
        "finds no Python",
        "winget",
    ),
    "no kdtoken": (
        "1: kd> !py -m kdtoken.dump\nModuleNotFoundError: No module named 'kdtoken'\n",
        "scripts",
        "no kdtoken",
        "pip install",
    ),
    "bootstrapper missing": (
        """
1: kd> .load pykd
The call to LoadLibrary(pykd) failed, Win32 error 0n126
    "找不到指定的模块。"
Please check your debugger configuration and/or network access.
""",
        "bootstrapper",
        "pykd.dll",
        "--install --bootstrapper",
    ),
    "bootstrapper of the wrong width": (
        "The call to LoadLibrary(pykd.dll) failed, Win32 error 0n193\n",
        "bootstrapper",
        "32-bit",
        "--install",
    ),
    "bootstrapper not loaded": (
        "1: kd> !py kdtoken.dump x\nNo export py found\n",
        "bootstrapper",
        "unknown",
        ".load pykd",
    ),
    "script files not on PATH": (
        "1: kd> !py kdtoken.dump notepad.exe\nscript not found\n",
        "scripts",
        "PATH",
        "!py -m kdtoken.dump",
    ),
}


def first(text: str) -> Any:
    return findings.first_to_mend(doctor.check_text(text, doctor.Seen()))


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_link_is_named_first_with_its_command(name: str) -> None:
    text, link, found, mend = BROKEN[name]
    seen = first(text)
    assert seen is not None
    assert seen.link == link and found in seen.found and mend in seen.mend, seen


def test_session_where_all_is_well_has_nothing_broken() -> None:
    found = doctor.check_text(GOOD, doctor.Seen())
    assert findings.first_to_mend(found) is None
    ok = {one.link for one in found if one.status is findings.Status.OK}
    assert ok == {"vmx", "pipe", "-k string", "guest", "connection", "symbols", "python", "bootstrapper"}


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("(pdb symbols) ", "(export symbols) ") + LM,
        GOOD.replace("Kernel Debugger", "Kernel Debugger", 1) + OPENED + CONNECTED,
        "1: kd> .load pykd\nThe call to LoadLibrary(pykd) failed, Win32 error 0n2\n" + PY,
    ],
)
def test_later_line_that_says_it_is_well_now_counts(text: str) -> None:
    assert first(text) is None


@pytest.mark.parametrize(
    "title, identifier",
    [
        ("Windows-Startladeprogramm", "Bezeichner"),
        ("Chargeur de démarrage Windows", "identificateur"),
        ("Cargador de arranque de Windows", "Identificador"),
        ("Windows 启动加载器", "标识符"),
        ("Windows ブート ローダー", "識別子"),
        ("Загрузка Windows", "идентификатор"),
        ("Windows 부팅 로더", "식별자"),
    ],
)
def test_bcdedit_of_any_language_is_read_by_its_shape(title: str, identifier: str) -> None:
    text = BCDEDIT.replace("Windows Boot Loader", title).replace("identifier ", identifier + " ", 1)
    assert first(text) is None and guest_text.read(text).current["debug"] == "Yes"
    assert "debugging is off" in first(text.replace("debug                   Yes", "")).found


def test_baud_of_a_pipe_is_a_note_for_it_stops_nothing() -> None:
    found = doctor.check_text(BCDEDIT + "windbg -k com:pipe,port=\\\\.\\pipe\\x,baud=9600\n", doctor.Seen())
    notes = [one for one in found if one.status is findings.Status.NOTE]
    assert [one.link for one in notes] == ["guest"] and "baud mismatch" in notes[0].found
    assert not [one for one in found if one.status is findings.Status.BROKEN]


def test_resets_of_an_unknown_hypervisor_is_a_note_and_of_hyper_v_right() -> None:
    line = "windbg -k com:pipe,port=\\\\.\\pipe\\x,resets=0,reconnect\n"
    assert first(line).status is findings.Status.NOTE
    assert first("Set-VMComPort -VMName x -Number 1 -Path \\\\.\\pipe\\x\n" + line) is None
    assert "needs both" in first("VBoxManage modifyvm x\nwindbg -k com:pipe,port=\\\\.\\pipe\\x\n").found


def test_key_of_kdnet_is_never_repeated() -> None:
    text = (
        "windbg -k net:port=99,key=1abc.2def.3ghi.4jkl\nC:\\>bcdedit /dbgsettings\nkey                     1abc.2def.3ghi.4jkl\n"
        "debugtype               NET\nhostip                  10.0.0.1\nport                    99\n"
    )
    said = "\n".join(findings.report(doctor.check_text(text, doctor.Seen())))
    assert "2def" not in said and "(key)" in said and "49152" in said


def test_report_has_a_line_for_every_link_and_says_what_only_windows_shows(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "session.txt"
    path.write_bytes(BROKEN["wrong debugport"][0].encode("utf-16"))
    assert doctor.main(["--text", str(path)], host=NotWindows()) == 1
    out = capsys.readouterr().out
    links = re.findall(r"(?m)^(?:ok|BROKEN|note|\?|Windows) +(-k string|\w+)", out)
    assert list(dict.fromkeys(links)) == list(findings.LINKS)
    assert re.search(r"(?m)^Windows +elevated +not seen; only Windows shows it", out)
    assert out.rstrip().endswith("debug-on.cmd 1     (in the guest, elevated prompt)")


def test_vmx_and_text_are_compared(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "Lab.vmx"
    path.write_text('virtualHW.version = "21"\n' + VMX, encoding="ascii")
    session = tmp_path / "session.txt"
    session.write_text(COMMAND.replace("kd_lab", "com_1"), encoding="ascii")
    (tmp_path / "Lab.vmx.lck").mkdir()
    assert doctor.main(["--vmx", str(path)], host=NotWindows()) == 1
    assert 'vmrun start "%s"' % path in capsys.readouterr().out
    (tmp_path / "Lab.vmx.lck" / "M1.lck").write_text("")
    assert doctor.main(["--vmx", str(path)], host=NotWindows()) == 0
    assert doctor.main(["--vmx", str(path), "--text", str(session)], host=NotWindows()) == 1
    assert "com_1, the VM has kd_lab" in capsys.readouterr().out
    path.write_text("no\n", encoding="ascii")
    assert doctor.main(["--vmx", str(path)], host=NotWindows()) == 1
    assert doctor.main(["--vmx", str(tmp_path / "none.vmx")], host=NotWindows()) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "hello\n" * 3,
        "-k",
        "a -k b",
        "serial0.x",
        "-----\n-----\n",
        "nt (",
        "\0\ufffd",
        "-k com:",
        "-k net:port=",
        "----------\n{} {}\n",
        "LoadLibrary(pykd) failed",
    ],
)
def test_any_text_is_read_without_a_crash(text: str) -> None:
    lines: List[str] = findings.report(doctor.check_text(text, doctor.Seen()))
    assert len(lines) >= len(findings.LINKS)


PIECES = st.sampled_from(
    [VMX, COMMAND, OPENED, CONNECTED, BCDEDIT, TWO_ENTRIES, LM, PY] + [one[0] for one in BROKEN.values()]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=5), st.integers(0, 400), st.integers(0, 400))
def test_torn_and_mixed_texts_are_read_without_a_crash(pieces: List[str], start: int, cut: int) -> None:
    text = "\n".join(pieces)
    text = text[:start] + text[start + cut :]
    lines = findings.report(doctor.check_text(text, doctor.Seen()))
    assert all("\n" not in line for line in lines)


class NotWindows:
    windows = False
    env: Dict[str, str] = {}


def test_a_python_that_only_the_makers_own_pykd_fits_is_not_broken_while_nothing_failed() -> None:
    """`!py` of pykd-ext with Python 3.12 and a nightly pykd: its banner is no sign of a fault, so it is tried."""
    text = "1: kd> !py\nPython 3.12.4 (tags/v3.12.4:8e8a4ba, Jun  6 2024) on win32\n>>> import pykd\n>>> exit()\n"
    said = [one for one in doctor.check_text(text, doctor.Seen()) if one.link == "python"]
    assert [one.status for one in said] == [findings.Status.NOTE]
    assert "3.12" in said[0].found and said[0].mend == "!py -m kdtoken.dump notepad.exe"


def test_a_guest_that_names_no_speed_has_the_default_one() -> None:
    """bcdedit /dbgsettings: baudrate is 115200 where it is not given (learn.microsoft.com)."""
    silent = BCDEDIT.replace("baudrate                115200\n", "")
    assert silent != BCDEDIT
    for baud, broken in ((115200, False), (9600, True)):
        found = doctor.check_text(silent + "windbg -k com:port=COM1,baud=%d\n" % baud, doctor.Seen())
        said = [one.found for one in found if one.link == "guest" and one.status is findings.Status.BROKEN]
        assert said == (["baud mismatch: baudrate 115200 in the guest, %d behind -k" % baud] if broken else [])
        settings = [one.found for one in found if one.found.startswith("debugger settings")]
        assert settings == ([] if broken else ["debugger settings: serial, COM1, 115200 baud"])


def test_what_has_no_command_is_nothing_to_mend_first() -> None:
    told = findings.note("vmx", "the VM is encrypted")
    worth = findings.note("guest", "BitLocker is on", "manage-bde ...")
    assert findings.first_to_mend([told]) is None
    assert findings.first_to_mend([told, worth]) == worth
    assert findings.report([told])[-1] == "nothing broken in what could be seen"
    assert findings.report([told, worth])[-2:] == ["worth mending: guest: BitLocker is on", "  manage-bde ..."]
    # A broken link comes before a note in front of it, and of two the one that the other depends on.
    one, other = findings.broken("symbols", "none", ".reload"), findings.broken("pipe", "taken", "qd")
    assert findings.first_to_mend([worth, one]) == one
    assert findings.first_to_mend([one, other, worth]) == other
