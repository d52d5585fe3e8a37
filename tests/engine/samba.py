"""Samba's access check as a judge: Debian 13's python3-samba (4.22) in a folder of its own.

    judge = Samba()
    judge.answers([{"sd": descriptor.to_bytes().hex(), "sids": ["S-1-1-0"], "wish": 1}])     # ["yes 0x1"]

4.22 needs Python 3.13 and Debian 12 has neither, so it is unpacked by mmdebstrap into a chroot (a minute, 280 MB, once) and
asked through a pipe: bytes in hex go in, a line of text comes out.  It is believed for the DACL walk and its order,
inherit-only, the empty DACL, owner and OWNER RIGHTS, SeSecurity and SeTakeOwnership, and conditional ACEs; it knows nothing of labels,
SIDs for deny only, restricting SIDs, AppContainers, trust labels and levels, and gets an absent and a null DACL wrong.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Sequence

from tests.engine import debian
from tests.engine.assemble import default_folder

SUITE = "trixie"
PROGRAM = Path(__file__).resolve().parent / "native" / "samba_judge.py"


def folder() -> Path:
    """Where the chroot is; KDTOKEN_SAMBA names another one."""
    named = os.environ.get("KDTOKEN_SAMBA")
    return Path(named) if named else default_folder() / "samba"


def is_installed() -> bool:
    """Whether the chroot is whole: the last thing that is written is its mark."""
    return (folder() / "kdtoken-ready").exists()


def start_install() -> "subprocess.Popen[bytes] | None":
    """Start making the chroot, beside whatever else is built; None where it is there."""
    if is_installed():
        return None
    if not shutil.which("mmdebstrap"):
        debian.install_package("mmdebstrap")
    if os.geteuid() != 0:
        raise debian.NotInstalled("Samba's chroot needs root, as apt does")
    where = folder()
    shutil.rmtree(str(where), ignore_errors=True)
    where.parent.mkdir(parents=True, exist_ok=True)
    command = ["mmdebstrap", "--variant=minbase", "--include=python3-samba", SUITE, str(where)]
    print("bench: unpacking Samba 4.22 into %s" % where, flush=True)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish_install(started: "subprocess.Popen[bytes] | None") -> None:
    """Wait for the chroot; NotInstalled with mmdebstrap's last words."""
    if started is None:
        return
    said = started.communicate()[1].decode("utf-8", "replace")
    if started.returncode:
        raise debian.NotInstalled("mmdebstrap failed:\n" + "\n".join(said.splitlines()[-10:]))
    (folder() / "kdtoken-ready").write_text("ready\n", encoding="utf-8")


class Samba:
    """One process of the judge for many cases."""

    def answers(self, cases: Sequence[Dict[str, Any]]) -> List[str]:
        """ "yes MASK" or "no STATUS" for each case."""
        where = folder()
        shutil.copy(str(PROGRAM), str(where / "tmp" / PROGRAM.name))
        done = subprocess.run(
            ["chroot", str(where), "python3", "/tmp/" + PROGRAM.name],
            input="".join(json.dumps(case) + "\n" for case in cases),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        lines = done.stdout.splitlines()
        assert done.returncode == 0 and len(lines) == len(cases), done.stderr[-2000:]
        return lines
