r"""Starts WinDbg or kd on the host, connected to the VM, with symbols, the bootstrapper and a first !py.

    python vm/start.py --vmx "Windows 11.vmx"                    what the .vmx says
    python vm/start.py --pipe kd_Win11 --hypervisor hyperv       another hypervisor's pipe
    python vm/start.py --install --bootstrapper pykd.dll         once: puts files where the debugger looks
    ... --print                                                  says what it would do, and does nothing

Anywhere but on Windows it prints. For VMware the -k string never has resets=0 or reconnect.
Sources: learn.microsoft.com, "WinDbg Command-Line Options" (-k -b -y -c), "KD Command-Line Options", "Symbol
path for Windows debuggers"; and those named in windbg_side.py and kd_connection.py.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

import kd_connection
import vmx
import windbg_side
from debugger_text import INSTALL_PYKD, INSTALL_PYTHON
from findings import pasteable
from said import COULD_NOT, Parser, complain, ended, say
from vmx_file import Refused, VmxFile
from windbg_side import Host

TOOL = "start.py"

SYMBOL_PATH = "srv*C:\\Symbols*https://msdl.microsoft.com/download/symbols"
DOWNLOAD = "https://githomelab.ru/pykd/pykd-ext (pykd_ext 2.0.0.25, folder x64)"


class Plan(NamedTuple):
    """What to start: the command, what to add to its environment, and what to tell the user."""

    command: List[str]
    environment: Dict[str, str]
    notes: List[str]


def quoted(command: Sequence[str]) -> str:
    """The command as it is typed. Quotes also keep PowerShell from splitting at the commas."""
    return " ".join(part if part.replace("-", "").isalnum() else '"%s"' % part for part in command)


def plan(host: Host, connection: str, which: str = "", process: str = "notepad.exe", break_in: bool = False) -> Plan:
    """The debugger's command line. which: "windbg", "windbgx", "kd", or empty for the first that is there."""
    found = windbg_side.debuggers(host)
    choice = {
        "windbg": found.classic or "windbg.exe",
        "windbgx": found.store or "WinDbgX.exe",
        "kd": found.kd or "kd.exe",
    }
    program = choice[which] if which else found.store or found.classic or found.kd or "windbg.exe"
    pythons = windbg_side.pythons_of(host) if host.windows else []
    if not re.match(r"[\w .+()\-]+\Z", process):
        raise Refused("%r is not the name of a process: it becomes part of a debugger command" % process)
    first = ".load pykd; !py %s-m kdtoken.dump %s" % (windbg_side.switch(pythons), process)
    command = [program, "-k", connection, "-y", host.env.get("_NT_SYMBOL_PATH") or SYMBOL_PATH, "-c", first]
    if break_in:
        # Stops a restarting guest before it has a desktop. Without it the guest runs on, and the first commands
        # wait for the first Ctrl+Break, when the process to be looked at can be there.
        command.insert(1, "-b")
    notes = []
    if host.windows and not (found.store or found.classic or found.kd):
        notes.append("no WinDbg found: winget install Microsoft.WinDbg")
    environment: Dict[str, str] = {}
    best = windbg_side.best(pythons)
    if best is not None:
        # !py NAME looks along PATH for a file of exactly that name; pip put them into this folder.
        environment["PATH"] = windbg_side.scripts_folder(best) + ";" + host.env.get("PATH", "")
    return Plan(command, environment, notes + (about_python(host) if host.windows else []))


def about_python(host: Host) -> List[str]:
    """Which Python !py will use, and why no other."""
    pythons = windbg_side.pythons_of(host)
    best, unasked = windbg_side.best(pythons), windbg_side.taken_by_bootstrapper(pythons)
    lines = []
    if best is None:
        lines.append("no Python that pykd can run in: %s, then %s" % (INSTALL_PYTHON, INSTALL_PYKD))
    else:
        lines.append("!py will use Python %s: %s" % (best.version, best.path))
        if unasked is not None and unasked != best:
            lines.append(
                "  asked for with -%s, since the bootstrapper takes %s unless told" % (best.version, unasked.version)
            )
    lines += [
        "  not Python %s: %s" % (one.version, windbg_side.why_not(one) or "an older one than the newest that fits")
        for one in pythons
        if one != best
    ]
    return lines


class Step(NamedTuple):
    """One thing that --install does: copy a file, or add a folder to the user's PATH."""

    kind: str
    source: str
    target: str

    def __str__(self) -> str:
        if self.kind == "copy":
            return 'copy "%s" "%s"' % (self.source, self.target)
        return "add to your PATH: %s" % self.target


def install_steps(host: Host, bootstrapper: str) -> List[Step]:
    """The bootstrapper into each installed debugger's folder, and the script files' folder onto PATH."""
    steps = []
    if bootstrapper:
        places = windbg_side.bootstrapper_places(host)
        steps += [Step("copy", bootstrapper, place) for place in places[:2]]
    best = windbg_side.best(windbg_side.pythons_of(host)) if host.windows else None
    if best is not None and not windbg_side.on_path(host, windbg_side.VERB):
        steps.append(Step("path", "", windbg_side.scripts_folder(best)))
    return steps


def do_step(step: Step) -> str:
    """Do it; returns what to say."""
    if step.kind == "copy":
        try:
            Path(step.target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(step.source, step.target)
        except PermissionError:
            return "refused: %s (classic WinDbg's folder wants an elevated prompt)" % str(step)
        return "done: " + str(step)
    _add_to_user_path(step.target)
    return "done: %s (prompts opened from now on have it)" % str(step)


def _add_to_user_path(folder: str) -> None:
    """HKCU\\Environment, by the registry: setx would cut a PATH of more than 1,024 characters."""
    import winreg  # Windows only

    key = winreg.OpenKey(  # type: ignore[attr-defined,unused-ignore]
        winreg.HKEY_CURRENT_USER,
        "Environment",
        0,  # type: ignore[attr-defined,unused-ignore]
        winreg.KEY_READ | winreg.KEY_WRITE,
    )  # type: ignore[attr-defined,unused-ignore]
    with key:
        try:
            old, kind = winreg.QueryValueEx(key, "Path")  # type: ignore[attr-defined,unused-ignore]
        except FileNotFoundError:
            old, kind = "", winreg.REG_EXPAND_SZ  # type: ignore[attr-defined,unused-ignore]
        if folder.lower() not in [part.lower() for part in old.split(";")]:
            new = ";".join(part for part in (old.rstrip(";"), folder) if part)
            winreg.SetValueEx(key, "Path", 0, kind, new)  # type: ignore[attr-defined,unused-ignore]


def install(host: Host, bootstrapper: str, only_print: bool) -> List[str]:
    """Do or print the steps, and say which Python it is for."""
    if bootstrapper and not only_print and not Path(bootstrapper).is_file():
        raise Refused("%s is not there; the bootstrapper is to be had from %s" % (bootstrapper, DOWNLOAD))
    steps = install_steps(host, bootstrapper or ("DOWNLOADED\\pykd.dll" if only_print else ""))
    lines = [("would do: " + str(step)) if only_print else do_step(step) for step in steps]
    if not bootstrapper and not any(host.exists(place) for place in windbg_side.bootstrapper_places(host)):
        lines.append("the bootstrapper pykd.dll is missing: take it from %s, and give --bootstrapper FILE" % DOWNLOAD)
    return lines + (
        about_python(host)
        if host.windows
        else ["would do: add the Scripts folder of the Python that has kdtoken to your PATH"]
    )


def connection_of(options: argparse.Namespace) -> str:
    """The -k string that the options ask for."""
    if options.vmx:
        there = vmx.pipes(VmxFile(Path(options.vmx).read_bytes()))
        if not there or not there[0].pipe:
            raise Refused(
                "%s has no serial port with a pipe" % options.vmx,
                'python vm/vmx.py "%s"' % pasteable(options.vmx, "FILE.vmx"),
            )
        if there[0].pipe.startswith("/"):
            raise Refused(
                "%s is a socket of Linux or macOS: WinDbg runs in a second VM there" % there[0].pipe,
                "windbg -k com:port=COM%d,baud=115200     (in that VM)" % there[0].debugport,
            )
        return kd_connection.build(there[0].pipe, "vmware")
    if options.key and not options.net:
        raise Refused("--key belongs to --net PORT", "python vm/start.py --net 50000 --key KEY")
    if options.net:
        if not re.match("[0-9]{1,5}$", options.net) or not 0 < int(options.net) < 65536:
            raise Refused("%s is no port" % options.net, "--net 50000, as bcdedit /dbgsettings net has it in the guest")
        if options.key and not re.match(r"[0-9A-Za-z]+(?:\.[0-9A-Za-z]+){3}$", options.key):
            raise Refused("that is no key of KDNET: it has four parts, w.x.y.z", "kdnet.exe prints it in the guest")
        return "net:port=%s,key=%s" % (options.net, options.key or "KEY")
    if not options.pipe:
        raise Refused("which VM? --vmx FILE, or --pipe NAME with --hypervisor")
    return kd_connection.build(options.pipe, options.hypervisor)


def parser() -> Parser:
    made = Parser(prog="start.py", description="a kernel debugger, connected to the VM")
    made.add_argument("--vmx", metavar="FILE", help="take the pipe from a VMware VM's configuration")
    made.add_argument("--pipe", metavar="NAME", help="the pipe")
    made.add_argument("--hypervisor", choices=sorted(kd_connection.SUFFIX), default="vmware", help="whose pipe it is")
    made.add_argument("--net", metavar="PORT", help="KDNET instead of a pipe; with --key, or type the key in yourself")
    made.add_argument("--key", help="KDNET's key (it is never printed)")
    made.add_argument("--debugger", choices=("windbg", "windbgx", "kd"), default="", help="classic, the Store's, or kd")
    made.add_argument("--process", default="notepad.exe", help="the process of the first !py")
    made.add_argument(
        "--break-in", action="store_true", help="stop the guest at once, as early in its boot as may be (-b)"
    )
    made.add_argument("--install", action="store_true", help="put the files where the debugger looks for them")
    made.add_argument("--bootstrapper", metavar="FILE", default="", help="with --install: the pykd.dll you downloaded")
    made.add_argument("--print", action="store_true", dest="only_print", help="do nothing, say what would be done")
    return made


def _about(file: Optional[str], why: str) -> str:
    return "%s: %s" % (file, why) if file and file not in why else why


def main(arguments: Optional[Sequence[str]] = None, host: Optional[Host] = None) -> int:
    options = parser().parse_args(arguments)
    machine = host or Host()
    only_print = options.only_print or not machine.windows
    try:
        if options.install:
            say(install(machine, options.bootstrapper, only_print))
            return 0
        made = plan(machine, connection_of(options), options.debugger, options.process, options.break_in)
    except Refused as refusal:
        complain(TOOL, _about(options.vmx, str(refusal)), refusal.command)
        return COULD_NOT
    except OSError as error:
        complain(TOOL, "%s: %s" % (error.filename, error.strerror), "--vmx FILE that is there")
        return COULD_NOT
    say(made.notes + [kd_connection.without_key(quoted(made.command))])
    if only_print:
        say(["not started: %s" % ("--print" if options.only_print else "this is not Windows")])
        return 0
    if not machine.elevated():
        say(["this prompt is not elevated, and the pipe may be refused (error 5): python vm/doctor.py tells more"])
    subprocess.Popen(made.command, env={**machine.env, **made.environment})
    return 0


if __name__ == "__main__":
    sys.exit(ended(TOOL, main))
