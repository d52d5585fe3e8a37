"""MemProcFS's FindEvil beside `kdtoken audit`, on every guilty and every innocent machine.

    python -m tests.engine.bench_findevil [BUILD]

A machine counts as found by FindEvil where it says something of it that it does not say of the quiet machine (of which it
says that each PEB has no list of modules: the declared machine has no user-mode memory).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Set

from kdtoken.analysis.audit.finding import Severity
from kdtoken.analysis.audit.rules import audit
from tests.engine import memproc
from tests.engine.conftest import Lab, make_lab
from tests.machine.crashdump import write_dump
from tests.machine.guilty import GUILTY
from tests.machine.innocent import INNOCENT
from tests.machine.kernel import build
from tests.machine.spec import Machine
from tests.machine.strange import QUIET
from tests.snapshots import snapshot_of_machine

OPTIONS = "-disable-symbolserver -disable-python -disable-yara -norefresh -waitinitialize -printf -v -forensic 1"
PATIENCE = 30.0  # seconds until its forensic run is given up


def _child(path: str) -> None:
    """In a process of its own: the lines of its table."""
    import memprocfs

    memory: Any = memprocfs.Vmm(["-device", path, *OPTIONS.split()])
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and b"100" not in memory.vfs.read("/forensic/progress_percent.txt", 64):
        time.sleep(0.1)
    sys.stdout.write(memory.vfs.read("/forensic/csv/findevil.csv", 1 << 20).decode("latin-1"))
    sys.stdout.flush()
    os._exit(0)  # it may hang when it is taken down


def evil(lab: Lab, machine: Machine, folder: Path) -> Set[str]:
    """ "pid kind" of each thing that FindEvil says."""
    path = folder / "machine.dmp"
    write_dump(build(machine, lab.kernel.layouts, lab.image), path, memproc.LEAST_PAGES)
    command = [sys.executable, "-m", "tests.engine.bench_findevil", "-", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120)
    rows = [line.split(",") for line in done.stdout.decode("utf-8", "replace").splitlines()[1:] if line[:1].isdigit()]
    return {"%s %s" % (row[0], kind) for row in rows for kind in row[2:4] if kind.isupper() and "_" in kind}


def worst(machine: Machine) -> str:
    """Severity and rule of the worst that kdtoken's rules say; "" where they say nothing that needs a look."""
    found = [one for one in audit(snapshot_of_machine(machine)) if one.severity is not Severity.INFORMATION]
    return "%s %s" % (found[0].severity.value, found[0].rule) if found else ""


def main(build_name: str) -> None:
    lab = make_lab(build_name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = evil(lab, QUIET, folder)
        for title, cases in (("guilty", GUILTY), ("innocent", INNOCENT)):
            ours = theirs = 0
            print("%s machines: kdtoken audit, and what FindEvil says beyond the quiet machine" % title)
            for case in cases:
                said, rest = worst(case.machine), evil(lab, case.machine, folder) - plain
                rest = {one for one in rest if not one.endswith("PEB_BAD_LDR")}  # each new process has one
                ours, theirs = ours + bool(said), theirs + bool(rest)
                print("  %-46s %-28s %s" % (case.name[:46], said or "-", ", ".join(sorted(rest)) or "-"), flush=True)
            print("  %d of %d by kdtoken, %d by FindEvil" % (ours, len(cases), theirs))


if __name__ == "__main__":
    if sys.argv[1:2] == ["-"]:
        _child(sys.argv[2])
    main(sys.argv[1] if sys.argv[1:] else "10.0.19041.3570")
