"""MemProcFS as a judge: a third reader of the synthetic kernels, in C, that shares no code with the others.

    rows(dump)      # [{"pid": 4, "ppid": 0, "name": "System", "eprocess": ..., "sids": [...], ...}, ...]

It reads no PDB on Linux: it guesses the members of _EPROCESS out of the bytes of System and smss.exe, and
takes those of _TOKEN from a table by build number that its package brings (info.db).  So nothing of what
kdtoken is told about the layouts reaches it.

Wanted: `pip install memprocfs==5.19.0` next to the Python that runs this.  No network is used.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

VERSION = "5.19.0"

# It opens no file below 16 MB.
LEAST_PAGES = 0x1000
# Its number for an integrity level -> the label's SID; 0 where it could not be read.
INTEGRITY = {
    number: "S-1-16-%d" % level for number, level in enumerate((0, 0x1000, 0x2000, 0x2100, 0x3000, 0x4000, 0x5000), 1)
}

Row = Dict[str, Any]


class MemProcError(Exception):
    """MemProcFS is not there, or could not make sense of the dump; with its own words."""


def rows(dump: Path, timeout: float = 120) -> List[Row]:
    """What it says of each process, in the order of the list.

    sids        of UserAndGroups; [] where it cannot read them
    privileges  (number, flags): e, p, d for enabled, present, by default
    """
    command = [sys.executable, "-m", __name__, str(dump.resolve())]
    root = str(Path(__file__).resolve().parent.parent.parent)
    # In a process of its own, since a judge in C may take its process along.
    done = subprocess.run(
        command,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        encoding="utf-8",
    )
    last = done.stdout.rstrip("\n").rpartition("\n")[2]
    if done.returncode or not last.startswith("["):
        raise MemProcError(done.stdout.strip()[-2000:])
    found: List[Row] = json.loads(last)
    return found


def _read(memory: Any, pid: int, name: str) -> List[str]:
    """The lines of a table below its two lines of head; none where there is no such file."""
    try:
        data: bytes = memory.vfs.read("/pid/%d/token/%s" % (pid, name), 1 << 16)
    except RuntimeError:
        return []
    return data.decode("ascii").splitlines()[2:]


def _privilege(line: str) -> Tuple[int, str]:
    number, flags = line.split()[:2]
    return int(number, 16), flags


def _row(memory: Any, process: Any) -> Row:
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "name": process.name,
        "path": process.pathkernel,
        "eprocess": process.eprocess,
        "peb": process.peb,
        "user": process.sid,
        "integrity": process.integrity,
        "session": process.session,
        "token_id": process.luid,
        "sids": [line.split()[-1] for line in _read(memory, process.pid, "sid-all.txt")],
        "privileges": [_privilege(line) for line in _read(memory, process.pid, "privileges.txt")],
    }


def main(arguments: Sequence[str]) -> None:
    """In the process of its own: print the rows as one line of JSON."""
    import memprocfs

    options = "-disable-symbolserver -disable-python -disable-yara -norefresh -waitinitialize -printf -v".split()
    memory = memprocfs.Vmm(["-device", arguments[0], *options])
    found = [_row(memory, process) for process in memory.process_list()]
    print("\n" + json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
