r"""What lies on the debugger's machine: WinDbg, its extension folders, Pythons, and kdtoken's script files.

Everything asks a Host, so that the same code is tried on a machine of any kind.
Sources: learn.microsoft.com, "Loading Debugger Extension DLLs" (_NT_DEBUGGER_EXTENSION_PATH, winext), "Install
WinDbg" (WinDbgX.exe, an alias in WindowsApps); microsoft/WinDbg-Feedback issue 32 (%LOCALAPPDATA%\Dbg\EngineExtensions
for the Store version); the source of the bootstrapper pykd-ext 2.0.0 (which Python it takes); PEP 397 (`py -0p`).
"""

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from debugger_text import INSTALL_PYKD, INSTALL_PYTHON, NIGHTLY, PYKD_WHEELS
from findings import Finding, broken, fine, note

VERB = "kdtoken.dump"  # one script file stands for all: a wheel brings them together


class Host:
    """This machine. Tests give another."""

    def __init__(self) -> None:
        self.windows = sys.platform == "win32"
        self.env: Dict[str, str] = dict(os.environ)

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)  # an alias in WindowsApps is a link that only Windows itself can follow

    def run(self, command: Sequence[str]) -> str:
        """What a command prints, or nothing when it cannot be run."""
        try:
            done = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode("utf-8", "replace")

    def read(self, path: str) -> bytes:
        """The first megabytes of a file; nothing where there is none."""
        try:
            with open(path, "rb") as file:
                return file.read(1 << 25)
        except OSError:
            return b""

    def elevated(self) -> bool:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())  # type: ignore[attr-defined,unused-ignore]

    def pipe_state(self, pipe: str) -> str:
        """ "free", "busy" or "none". WaitNamedPipe asks without connecting, so nobody is disturbed."""
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
        if kernel32.WaitNamedPipeW(ctypes.c_wchar_p(pipe), 1):
            return "free"
        # 121, ERROR_SEM_TIMEOUT: there, and no instance is free.
        return "busy" if ctypes.get_last_error() == 121 else "none"  # type: ignore[attr-defined,unused-ignore]


class Python(NamedTuple):
    """One that `py -0p` lists.

    pykd  "3.11" where it has a pykd that is built for that Python
    """

    version: str
    path: str
    bits: int = 64
    pykd: str = ""

    @property
    def number(self) -> Tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))


class Debuggers(NamedTuple):
    """Paths, empty where there is none."""

    classic: str
    store: str
    kd: str


def join(*parts: str) -> str:
    return "\\".join(part.rstrip("\\") for part in parts)


def debuggers(host: Host) -> Debuggers:
    """Classic WinDbg and kd of the Windows SDK (64-bit), and the Store's WinDbg."""
    classic, kd = "", ""
    for variable in ("ProgramFiles(x86)", "ProgramFiles"):
        folder = join(host.env.get(variable) or "C:\\Program Files (x86)", "Windows Kits\\10\\Debuggers\\x64")
        classic = classic or (join(folder, "windbg.exe") if host.exists(join(folder, "windbg.exe")) else "")
        kd = kd or (join(folder, "kd.exe") if host.exists(join(folder, "kd.exe")) else "")
    apps = join(host.env.get("LOCALAPPDATA") or "", "Microsoft\\WindowsApps")
    store = join(apps, "WinDbgX.exe")
    if not kd and host.exists(join(apps, "kdX64.exe")):
        kd = join(apps, "kdX64.exe")
    return Debuggers(classic, store if host.exists(store) else "", kd)


def bootstrapper_places(host: Host) -> List[str]:
    """Where `.load pykd` finds pykd.dll: classic WinDbg's winext, the Store's own folder, the folders of the variable."""
    found = debuggers(host)
    places = []
    if found.classic or not found.store:
        folder = found.classic.rpartition("\\")[0] or "C:\\Program Files (x86)\\Windows Kits\\10\\Debuggers\\x64"
        places.append(join(folder, "winext", "pykd.dll"))
    if found.store or not found.classic:
        places.append(join(host.env.get("LOCALAPPDATA") or "%LOCALAPPDATA%", "Dbg\\EngineExtensions", "pykd.dll"))
    for folder in (host.env.get("_NT_DEBUGGER_EXTENSION_PATH") or "").split(";"):
        if folder:
            places.append(join(folder, "pykd.dll"))
    return places


def read_py_list(text: str) -> List[Python]:
    r"""The lines of `py -0p`: ` -V:3.12 *  C:\...\python.exe`, or from older launchers ` -3.9-64  C:\...`."""
    found = []
    for line in text.splitlines():
        hit = re.match(r"^\s*-(?:V:)?([0-9]\.[0-9]{1,3})(?:-(32|64|arm64))?\s*\*?\s+(\S+(?:\s+\S+)*)\s*$", line)
        if hit and hit.group(2) != "arm64":
            found.append(Python(hit.group(1), hit.group(3), int(hit.group(2) or 64)))
    return found


def taken_by_bootstrapper(pythons: Sequence[Python]) -> Optional[Python]:
    """The one that !py takes unasked: 2.7, else the newest 2.x, else the newest 3.x of the debugger's 64 bits."""
    fit = [one for one in pythons if one.bits == 64]
    twos = sorted((one for one in fit if one.number[0] == 2), key=lambda one: one.number)
    threes = sorted((one for one in fit if one.number[0] == 3), key=lambda one: one.number)
    return twos[-1] if twos else threes[-1] if threes else None


def best(pythons: Sequence[Python]) -> Optional[Python]:
    """The newest one that kdtoken (3.8 on) and a pykd both run in: its own pykd, else one that PyPI has."""
    fit = [one for one in pythons if not why_not(one)]
    return max(fit, key=lambda one: one.number) if fit else None


def why_not(python: Python) -> str:
    """Why a Python is not taken, or an empty text."""
    if python.bits != 64:
        return "32-bit, and the debugger is 64-bit"
    if python.pykd and python.pykd != python.version:
        return "the pykd in it is built for Python %s" % python.pykd
    if python.version not in PYKD_WHEELS and not python.pykd:
        return "pykd on PyPI has no wheel for it (2.7 and 3.5 to 3.9 only); " + NIGHTLY
    if python.number < (3, 8):
        return "kdtoken needs 3.8 or newer"
    return ""


def switch(pythons: Sequence[Python]) -> str:
    """What !py needs in front of its arguments so that it takes the best one: "-3.9 ", or nothing."""
    wanted, unasked = best(pythons), taken_by_bootstrapper(pythons)
    return "" if wanted is None or wanted == unasked else "-%s " % wanted.version


def pythons_of(host: Host) -> List[Python]:
    """Those that the launcher lists; without a launcher, the one that runs this."""
    listed = read_py_list(host.run(["py", "-0p"]))
    own = Python("%d.%d" % sys.version_info[:2], sys.executable, 64 if sys.maxsize > 2**32 else 32)
    return [one._replace(pykd=built_for(host, one)) for one in listed or [own]]


def built_for(host: Host, python: Python) -> str:
    """The Python that the pykd.pyd in this one was built for, by the pythonNN.dll that it asks for; "" without one."""
    folder = join(python.path.rpartition("\\")[0], "Lib\\site-packages")
    for place in (join(folder, "pykd\\pykd.pyd"), join(folder, "pykd.pyd")):
        asked = re.search(rb"\bpython([23])(\d{1,2})\.dll\0", host.read(place), re.IGNORECASE)
        if asked:
            return "%d.%d" % (int(asked[1]), int(asked[2]))
    return ""


def scripts_folder(python: Python) -> str:
    return join(python.path.rpartition("\\")[0], "Scripts")


def on_path(host: Host, name: str) -> str:
    """The folder of PATH that has a file of this name, or nothing."""
    for folder in (host.env.get("PATH") or host.env.get("Path") or "").split(";" if host.windows else os.pathsep):
        if folder and host.exists(join(folder, name) if host.windows else str(Path(folder, name))):
            return folder
    return ""


def look(host: Host, pipe: str) -> List[Finding]:
    """What can be seen of the debugger's side from here: nothing, where this is no Windows."""
    if not host.windows:
        return []
    return _look_pipe(host, pipe) + _look_elevated(host) + look_python(host) + look_files(host)


def _look_pipe(host: Host, pipe: str) -> List[Finding]:
    if not pipe.startswith("\\\\"):
        return []
    state = host.pipe_state(pipe)
    if state == "none":
        return [broken("pipe", "%s is not there: the VM makes it when it starts" % pipe, 'vmrun start "NAME.vmx"')]
    if state == "busy":
        return [
            note(
                "pipe",
                "%s is there, and a debugger (perhaps yours) holds it" % pipe,
                "Get-Process windbg,kd,DbgX.Shell,EngHost -ErrorAction Ignore",
            )
        ]
    return [fine("pipe", "%s is there and free" % pipe)]


def _look_elevated(host: Host) -> List[Finding]:
    if host.elevated():
        return [fine("elevated", "this prompt is elevated, and so is a debugger started from it")]
    return [
        broken(
            "elevated",
            "this prompt is not elevated: a debugger started from it is often refused the pipe (error 5)",
            "Start-Process -Verb RunAs powershell     (then start the debugger from there)",
        )
    ]


def look_python(host: Host) -> List[Finding]:
    """Which Python !py will take, and whether it has what it needs."""
    pythons = pythons_of(host)
    wanted, unasked = best(pythons), taken_by_bootstrapper(pythons)
    rest = "; ".join("%s: %s" % (one.version, why_not(one)) for one in pythons if why_not(one))
    if wanted is None:
        return [
            broken(
                "python",
                "no Python that pykd can run in%s" % (" (%s)" % rest if rest else ""),
                "%s     (then %s)" % (INSTALL_PYTHON, INSTALL_PYKD),
            )
        ]
    probe = "import importlib.util as u;print(*[n for n in ('pykd','kdtoken','construct') if u.find_spec(n) is None])"
    missing = host.run([wanted.path, "-c", probe]).split()
    if missing:
        return [
            broken(
                "python",
                "Python %s has no %s" % (wanted.version, ", ".join(missing)),
                INSTALL_PYKD.replace("3.9", wanted.version),
            )
        ]
    found = [fine("python", "Python %s has pykd and kdtoken%s" % (wanted.version, " (not %s)" % rest if rest else ""))]
    if unasked is not None and unasked != wanted:
        found.append(
            note(
                "python",
                "!py takes Python %s unless told" % unasked.version,
                "!py -%s -m kdtoken.dump notepad.exe" % wanted.version,
            )
        )
    return found


def look_files(host: Host) -> List[Finding]:
    """The bootstrapper's DLL and the script files."""
    install = "python vm/start.py --install --bootstrapper DOWNLOADED\\pykd.dll"
    there = [place for place in bootstrapper_places(host) if host.exists(place)]
    found = [
        fine("bootstrapper", there[0])
        if there
        else broken("bootstrapper", "no pykd.dll in any of %s" % "; ".join(bootstrapper_places(host)), install)
    ]
    folder = on_path(host, VERB)
    found.append(
        fine("scripts", "%s is on PATH, in %s" % (VERB, folder))
        if folder
        else note(
            "scripts", "no %s on PATH: only `!py -m kdtoken.dump` will work" % VERB, "python vm/start.py --install"
        )
    )
    return found
