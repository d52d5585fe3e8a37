"""The shortest way to a token: a snapshot puts the VM's memory in a file, and kdtoken reads it with no debugger.

    python vm/vmx.py "Windows 11.vmx" --snapshot              takes it with vmrun, where that is here, and says what to type next
    python vm/vmx.py "Windows 11.vmx" --snapshot --dry-run    says it all and runs nothing

Sources: Broadcom's "Using the vmrun Command" (snapshot, deleteSnapshot, -T ws|fusion); its Workstation documentation, "Taking
Snapshots" (of a machine that runs, the memory is saved as well: NAME-SnapshotN.vmem beside .vmsn) and "Encrypting a
Virtual Machine" (also the encryption that a TPM asks for covers .vmem, .vmss and .vmsn).
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from findings import pasteable
from vmx_file import Refused, VmxFile

NAME = "kdtoken-look"
SIDE_FILES = (".vmsn", ".vmss")
_PLACES = {
    "windows": (
        r"C:\Program Files (x86)\VMware\VMware Workstation\vmrun.exe",
        r"C:\Program Files\VMware\VMware Workstation\vmrun.exe",
    ),
    "mac": ("/Applications/VMware Fusion.app/Contents/Library/vmrun",),
    "linux": ("/usr/bin/vmrun",),
}
Run = Callable[[Sequence[str]], str]


def find_vmrun(host: str) -> Optional[str]:
    """vmrun on PATH or where VMware puts it."""
    return shutil.which("vmrun") or next((place for place in _PLACES[host] if os.path.isfile(place)), None)


def is_encrypted(vmx: VmxFile) -> bool:
    """Whether VMware encrypts the machine's memory in files: it does as soon as there are keys, for a TPM alone as well."""
    return bool(vmx.get("encryption.keySafe"))


def memories(path: Path) -> List[Path]:
    """The VM's .vmem files that have a .vmss or .vmsn beside them, the newest first."""
    stem = path.stem.lower()
    found = [
        one
        for one in path.parent.glob("*.vmem")
        if one.stem.lower().startswith(stem) and any(one.with_suffix(end).is_file() for end in SIDE_FILES)
    ]
    return sorted(found, key=lambda one: one.stat().st_mtime, reverse=True)


def dump_line(memory: str) -> str:
    """What reads a token out of it."""
    return 'kdtoken dump notepad.exe --dump "%s" --download' % pasteable(memory, "FILE.vmem")


def lines(path: Path, vmx: VmxFile, host: str, busy: str, dry_run: bool, run: Optional[Run] = None) -> List[str]:
    """Take the snapshot, or say how; returns the lines to print.  Raises Refused.

    busy  vmx.why_busy's words, "" where the VM is off
    run   runs a command and returns its output; None starts it
    """
    if is_encrypted(vmx):
        raise Refused(
            "this VM is encrypted (Windows 11's TPM asks for that), and so is its memory in files: a snapshot cannot be read",
            "python vm/vmx.py FILE     (the serial port: README, part B)",
        )
    name = pasteable(str(path), "FILE.vmx")
    if "suspended" in busy:
        there = memories(path)
        return ["the VM is suspended: its memory is in a file already", "", "  " + _line_of(there, path)]
    kind = "fusion" if host == "mac" else "ws"
    command = ["-T", kind, "snapshot", str(path), NAME]
    shown = 'vmrun -T %s snapshot "%s" %s' % (kind, name, NAME)
    after = [
        'vmrun -T %s deleteSnapshot "%s" %s     (when you are done: it is as large as the memory)' % (kind, name, NAME)
    ]
    if not busy:
        raise Refused("the VM is off, and a snapshot of it has no memory: start it first", 'vmrun start "%s"' % name)
    vmrun = find_vmrun(host)
    if dry_run or vmrun is None:
        why = (
            "nothing run (--dry-run)" if dry_run else "vmrun is not here; type, or take the snapshot in VMware's menu:"
        )
        wanted = str(path.with_name(path.stem + "-SnapshotN.vmem"))
        return [why, "", "  " + shown, "  " + dump_line(wanted), "  " + after[0]]
    before = {one: one.stat().st_mtime for one in memories(path)}
    said = (run or _run)([vmrun] + command).strip()
    fresh = [one for one in memories(path) if before.get(one) != one.stat().st_mtime]
    if not fresh:
        raise Refused("vmrun made no snapshot with memory%s" % (": " + said if said else ""), shown)
    return ["snapshot: %s" % fresh[0].name, "", "  " + _line_of(fresh, path), "  " + after[0]]


def _line_of(found: Sequence[Path], path: Path) -> str:
    return dump_line(str(found[0]) if found else str(path.with_suffix(".vmem")))


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=600,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused("vmrun could not be run: %s" % error) from error
    return done.stdout.decode("utf-8", "replace")
