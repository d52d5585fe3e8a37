"""Gives a VM the serial port that a kernel debugger on the host connects to.

    python vm/vmx.py "Windows 11.vmx" --dry-run     the change, as a diff
    python vm/vmx.py "Windows 11.vmx"               the change, after a backup
    python vm/vmx.py "Windows 11.vmx" --snapshot    no debugger at all: its memory in a file, and what reads that
    python vm/vmx.py --virtualbox|--qemu|--hyperv NAME     what to type there, printed

Sources: Broadcom's Workstation documentation, "Using serial ports" and "Debugging over a virtual serial
port" (pipe, end point server, "yield CPU on poll" = yieldOnMsrRead, "the other end is an application" =
tryNoRxLoss TRUE); learn.microsoft.com, "Setting Up Kernel-Mode Debugging of a Virtual Machine Manually
using a Virtual COM Port". serial0 is the guest's COM1, so `debugport:1`; serial1 is COM2, `debugport:2`.
"""

import argparse
import difflib
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

import hypervisors
import kd_connection
import snapshot
from findings import pasteable
from said import COULD_NOT, Parser, complain, ended, say
from vmx_file import Refused, VmxFile

TOOL = "vmx.py"

PORTS = range(4)  # VMware gives a VM four serial ports


class Port(NamedTuple):
    """A serial port: its number, the pipe, and what the debugger and bcdedit call it."""

    number: int
    pipe: str
    end_point: str = "server"

    @property
    def debugport(self) -> int:
        return self.number + 1


def pipe_path(name: str, host: str) -> str:
    r"""NAME as the .vmx has it: \\.\pipe\NAME on Windows, a socket's path on Linux and macOS."""
    if "/" in name or "\\" in name:
        return name
    return "\\\\.\\pipe\\" + name if host == "windows" else "/tmp/" + name


def default_pipe(vmx: VmxFile, host: str) -> str:
    """A name of the VM's own, so that two VMs never share one; letters that need no quotes after -k."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", vmx.get("displayName") or "vm").strip("_")
    return pipe_path("kd_" + (name or "vm"), host)


def pipes(vmx: VmxFile) -> List[Port]:
    """The ports that are there and lead to a pipe."""
    return [
        Port(number, vmx.get("serial%d.fileName" % number) or "", vmx.get("serial%d.pipe.endPoint" % number) or "")
        for number in PORTS
        if vmx.is_true("serial%d.present" % number) and (vmx.get("serial%d.fileType" % number) or "") == "pipe"
    ]


def taken_by(vmx: VmxFile, number: int) -> str:
    """What a port is used for, or an empty text."""
    if not vmx.is_true("serial%d.present" % number):
        return ""
    return "%s %s" % (
        vmx.get("serial%d.fileType" % number) or "device",
        vmx.get("serial%d.fileName" % number) or "(automatic)",
    )


def choose(vmx: VmxFile, pipe: str, number: Optional[int], replace: bool) -> int:
    """The port to write: the one that has this pipe, else the one asked for, else the first free one."""
    if number is None:
        for port in pipes(vmx):
            if port.pipe.lower() == pipe.lower():
                return port.number
        for candidate in PORTS:
            if not taken_by(vmx, candidate):
                return candidate
        raise Refused(
            "all four serial ports are in use: %s"
            % "; ".join("serial%d is %s" % (one, taken_by(vmx, one)) for one in PORTS),
            "python vm/vmx.py FILE --port 0 --replace     (gives serial0 up)",
        )
    used = taken_by(vmx, number)
    if used and not replace and not any(p.number == number and p.pipe.lower() == pipe.lower() for p in pipes(vmx)):
        raise Refused(
            "serial%d is in use: %s" % (number, used),
            "python vm/vmx.py FILE --port %d --replace     (gives it up), or leave out --port" % number,
        )
    return number


def edit(
    vmx: VmxFile,
    host: str,
    pipe: str = "",
    number: Optional[int] = None,
    replace: bool = False,
    end_point: str = "server",
    other_end: str = "application",
    secure_boot: Optional[bool] = None,
) -> Port:
    """Make the change in memory; raises Refused. With no pipe named, a pipe that is already there is kept."""
    vmx.refuse_if_twice("serial")
    there = [port for port in pipes(vmx) if number in (None, port.number)]
    wanted = pipe_path(pipe, host) if pipe else there[0].pipe if there and there[0].pipe else default_pipe(vmx, host)
    # A pipe without its \\.\ is a file name to VMware, and one that a shell halved is no pipe at all.
    if host == "windows" and not kd_connection.PIPE.match(wanted):
        if pipe:
            raise Refused(r"%r is no pipe: give a bare NAME, or \\.\pipe\NAME" % pipe)
        number = there[0].number
        wanted = default_pipe(vmx, host)
        replace = True
    port = Port(choose(vmx, wanted, number, replace), wanted, end_point)
    prefix = "serial%d." % port.number
    for key, value in (
        ("present", "TRUE"),
        ("fileType", "pipe"),
        ("fileName", port.pipe),
        ("pipe.endPoint", end_point),
        ("tryNoRxLoss", "TRUE" if other_end == "application" else "FALSE"),
        ("yieldOnMsrRead", "TRUE"),
        ("startConnected", "TRUE"),
    ):
        vmx.put(prefix + key, value, prefix)
    if secure_boot is not None:
        vmx.put("uefi.secureBoot.enabled", "TRUE" if secure_boot else "FALSE", "firmware")
    return port


def why_busy(path: Path, vmx: Optional[VmxFile] = None) -> str:
    """Why the VM's files must not be touched now, or an empty text.

    VMware holds NAME.vmx.lck (a folder with one M*.lck, or on ESXi a file) while it has the VM open, and
    the same for each disk while it runs. An empty folder is left over.
    """
    own = [path.name] + (
        [
            entry.value.decode(vmx.codec(), "replace")
            for entry in vmx.entries("")
            if entry.value.lower().endswith(b".vmdk")
        ]
        if vmx
        else []
    )
    for lock in sorted(path.parent.glob("*.lck")):
        if lock.name.lower() not in [name.lower() + ".lck" for name in own]:
            continue  # another VM's
        if not lock.is_dir() or any(lock.iterdir()):
            return (
                "the VM is running, or its tab is open in VMware (%s): shut Windows down and close the tab. "
                "If VMware is not running at all, this is left from a crash: delete %s" % (lock.name, lock.name)
            )
    state = (vmx.get("checkpoint.vmState") or "") if vmx else ""
    if state:
        return "the VM is suspended (%s): resume it and shut Windows down, hardware cannot change under it" % state
    return ""


def backup_name(path: Path) -> Path:
    """The first name that is free: FILE.before-kd, then FILE.before-kd-2 and so on."""
    candidate, count = path.with_name(path.name + ".before-kd"), 1
    while os.path.lexists(str(candidate)):  # a link that leads nowhere is no free name: it would be written through
        count += 1
        candidate = path.with_name("%s.before-kd-%d" % (path.name, count))
    return candidate


def write(path: Path, data: bytes) -> Path:
    """Keep the old file under another name, put the new one in its place in one step; returns the backup."""
    backup = backup_name(path)
    try:
        with open(str(backup), "xb") as out:  # never through what somebody has put there meanwhile
            out.write(path.read_bytes())
            out.flush()
            os.fsync(out.fileno())
        shutil.copystat(str(path), str(backup))
    except OSError:
        if backup.is_file():
            os.unlink(str(backup))  # half a backup is none
        raise
    handle, fresh = tempfile.mkstemp(prefix=path.name, dir=str(path.parent))
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        shutil.copymode(str(path), fresh)
        os.replace(fresh, str(path))
    except OSError:
        os.unlink(fresh)
        raise
    return backup


def diff(path: Path, before: bytes, after: bytes, codec: str) -> List[str]:
    """A unified diff, in the file's own characters; line ends are left out of it."""
    old, new = (text.decode(codec, "replace").splitlines() for text in (before, after))
    return list(difflib.unified_diff(old, new, path.name, path.name + " (new)", lineterm=""))


def run(options: argparse.Namespace) -> List[str]:
    """Do it; returns the lines to print."""
    path = Path(options.file).resolve()
    if path.is_dir():
        inside = sorted(path.glob("*.vmx"))  # Fusion's .vmwarevm is a folder
        if len(inside) != 1:
            raise Refused("%s holds %d .vmx files: name one" % (path, len(inside)))
        path = inside[0]
    before = path.read_bytes()
    vmx = VmxFile(before)
    if options.snapshot:
        return snapshot.lines(path, vmx, options.host, why_busy(path, vmx), options.dry_run)
    port = edit(
        vmx,
        options.host,
        options.pipe,
        options.port,
        options.replace,
        options.end_point,
        options.other_end,
        None if options.secure_boot is None else options.secure_boot == "on",
    )
    after = vmx.data()
    busy = why_busy(path, vmx)
    lines: List[str] = []
    if after == before:
        lines.append("nothing to change: serial%d is already the pipe %s" % (port.number, port.pipe))
    elif options.dry_run:
        lines += diff(path, before, after, vmx.codec())
        lines += ["", "nothing written (--dry-run)"] + (["and it would be refused now: " + busy] if busy else [])
    elif busy:
        raise Refused(busy)
    else:
        lines.append("backup: %s" % write(path, after).name)
        lines.append("serial%d is now the pipe %s" % (port.number, port.pipe))
    if vmx.is_true("uefi.secureBoot.enabled"):
        lines.append(
            "Secure Boot is on in this VM, and Windows then refuses `bcdedit /debug on`. With BitLocker "
            "suspended and the VM shut down: python vm/vmx.py FILE --secure-boot off"
        )
    lines.append(
        "in the guest: debug-on.cmd %d     (serial%d is COM%d there)" % (port.debugport, port.number, port.debugport)
    )
    if port.pipe.startswith("\\\\"):
        lines.append('on the host:  python vm/start.py --vmx "%s"' % pasteable(str(path), "FILE.vmx"))
    else:
        lines.append(
            "the debugger runs in a second VM: give that one the same port with --end-point client "
            "--other-end vm, and start windbg -k com:port=COM%d,baud=115200 there" % port.debugport
        )
    return lines


def parser() -> Parser:
    made = Parser(prog="vmx.py", description="the serial port for a kernel debugger, in a VM's settings")
    made.add_argument("file", help="the .vmx (or, with the options for another hypervisor, the VM's name)")
    made.add_argument("--dry-run", action="store_true", help="print the change as a diff and write nothing")
    made.add_argument(
        "--snapshot", action="store_true", help="no port: take a snapshot, and say what reads a token out of its memory"
    )
    made.add_argument("--pipe", default="", metavar="NAME", help="the pipe's name; without it, one from the VM's name")
    made.add_argument("--port", type=int, choices=list(PORTS), help="the serial port; without it, the first free one")
    made.add_argument("--replace", action="store_true", help="with --port: take the port from what uses it")
    made.add_argument("--end-point", choices=("server", "client"), default="server", help="client: for a debugger's VM")
    made.add_argument(
        "--other-end",
        choices=("application", "vm"),
        default="application",
        help="what is at the pipe's other end: WinDbg on the host, or another VM",
    )
    made.add_argument("--secure-boot", choices=("on", "off"), help="also switch the VM's Secure Boot")
    made.add_argument("--host", choices=("windows", "linux", "mac"), default=this_host(), help=argparse.SUPPRESS)
    for name in hypervisors.PRINTED:
        made.add_argument(
            "--" + name,
            action="store_const",
            dest="hypervisor",
            const=name,
            help="print what to run for this hypervisor instead",
        )
    return made


def this_host() -> str:
    return {"win32": "windows", "cygwin": "windows", "darwin": "mac"}.get(sys.platform, "linux")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = parser().parse_args(arguments)
    try:
        if options.hypervisor:
            lines = hypervisors.PRINTED[options.hypervisor](options.file, options.pipe, options.host)
        else:
            lines = run(options)
    except Refused as refusal:
        why = str(refusal)
        complain(TOOL, why if options.file in why else "%s: %s" % (options.file, why), refusal.command)
        return COULD_NOT
    except OSError as error:
        complain(TOOL, "%s: %s" % (error.filename or options.file, error.strerror), "name a .vmx that is there")
        return COULD_NOT
    say(lines)
    return 0


if __name__ == "__main__":
    sys.exit(ended(TOOL, main))
