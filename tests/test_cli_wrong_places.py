"""Right words in a wrong place: stdout, HOME, encodings, permissions, folders, signals; and the wrong uses of vm/*.py.

Each is a process of its own, which tests/starts.py forks; `start`, where Python's own start counts too.  The codes
were written down from docs/reference/exit-codes.md before anything was run.
"""

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import pytest

from tests import starts
from tests.documented import Place
from tests.test_cli_wrong_uses import LIBRARY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell lines, modes and devices as POSIX has them")
ROOT = Path(__file__).parent.parent
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if IS_ROOT else []


class Use(NamedTuple):
    """A line of bash, in which k is kdtoken; its code; words of the answer."""

    line: str
    code: int
    words: str


ROOM = "cannot print the answer: No space left on device;next: print it where there is room"
CLOSED = "standard output is closed;next:"
PLACES: List[Use] = [
    # Where the answer goes.
    *[
        Use("k %s > /dev/full" % words, 2, ROOM)
        for words in ("walk rec.gz", "audit rec.gz", "lineage rec.gz 6104", "explain rec.gz 6104 --to 744 --want read",
                      "sid BA", "mask 0x10 file", "tour 1", "--version", "dump --help", "dump --explain all")
    ],
    *[
        Use("k %s >&-" % words, 2, CLOSED)
        for words in ("walk rec.gz", "audit rec.gz", "diff rec.gz@6104 rec.gz@1120", "sid BA", "tour 1", "--help",
                      "record -o new.gz dump 6104 --session rec.gz")
    ],
    Use("start diff rec.gz@cmd.exe rec.gz@notepad.exe | true", 1, ""),
    Use("k walk rec.gz | head -1", 0, ""),
    Use("k walk nosuch.dmp 2>/dev/full", 2, ""),
    Use("start walk nosuch.dmp >&- 2>&-", 2, ""),
    # Where it is read from.
    Use("k dump - notepad.exe </dev/null", 2, "- is empty;next: what stands before the | printed nothing"),
    Use("start dump - notepad.exe <&-", 2, "next:"),
    Use("k dump - notepad.exe < /bin/true", 2, "-;next:"),
    Use("k dump - notepad.exe < rec.gz", 0, "notepad.exe"),
    Use("head -c 3000 rec.gz | k dump - notepad.exe", 2, "-;next: copy it again"),
    Use("k diff - rec.gz@6104 < rec.gz", 2, "next:"),
    Use("k explain - --to - --type file --want read < rec.gz", 2, "-;next:"),
    # The environment.
    Use("HOME= XDG_CACHE_HOME= k dump MEMORY.DMP 6104", 0, "notepad.exe"),
    Use("env -u HOME -u XDG_CACHE_HOME $PYTHON -m kdtoken dump MEMORY.DMP 6104", 0, "notepad.exe"),
    Use("HOME=/dev/null XDG_CACHE_HOME=/dev/null k dump MEMORY.DMP 6104", 0, "notepad.exe"),
    Use("TMPDIR=/nosuch TMP=/nosuch TEMP=/nosuch k dump dump.gz 6104", 0, "notepad.exe"),
    Use("_NT_SYMBOL_PATH=/nosuch k dump MEMORY.DMP 6104", 2, "MEMORY.DMP;/nosuch;next: --symbols"),
    Use("_NT_SYMBOL_PATH='srv*;;*' k dump MEMORY.DMP 6104", 2, "MEMORY.DMP;next: --symbols"),
    Use("PYTHONIOENCODING=ascii start dump rec.gz notepad.exe --all", 0, "Anna"),
    Use("PYTHONIOENCODING=cp437 start tour all", 0, "token"),
    Use("PYTHONIOENCODING=cp932 start walk rec.gz --tree", 0, "notepad.exe"),
    Use("PYTHONIOENCODING=ascii start walk $'na\\xc3\\xafve.dmp'", 2, "no such file;next:"),
    Use("LC_ALL=C start walk $'\\xff\\xfe.dmp'", 2, "no such file;next:"),
    Use("COLUMNS=abc k walk rec.gz", 0, "notepad.exe"),
    Use("COLUMNS=0 k walk rec.gz", 0, "notepad.exe"),
    Use("COLUMNS=-5 k walk rec.gz", 0, "notepad.exe"),
    Use("COLUMNS=99999999999 k walk rec.gz", 0, "notepad.exe"),
    Use("COLUMNS=1 k dump rec.gz 6104", 0, "notepad.exe"),
    Use("NO_COLOR= FORCE_COLOR= TERM= k dump rec.gz 6104 --color always", 0, "notepad.exe"),
    Use("TERM=dumb k dump rec.gz 6104", 0, "notepad.exe"),
    Use("mkdir gone && cd gone && rmdir ../gone && start dump tour 6104", 0, "notepad.exe"),
    Use("mkdir gone && cd gone && rmdir ../gone && k dump notepad.dmp 6104", 2, "notepad.dmp;next:"),
    Use("mkdir gone && cd gone && rmdir ../gone && k record -o x.gz all tour", 2, "x.gz;next:"),
    Use("ulimit -f 4; trap '' XFSZ; export PYTHONDONTWRITEBYTECODE=1; k report rec.gz -o r.html", 2, "cannot write the report r.html;next:"),
    Use("ulimit -f 4; trap '' XFSZ; export PYTHONDONTWRITEBYTECODE=1; k tour --write laid", 2, "cannot write the file;next:"),
    # What is not ours to read or write.
    Use("as_nobody dump secret.dmp notepad.exe", 2, "secret.dmp: the system refuses access;next: copy it"),
    Use("as_nobody walk secret.dmp", 2, "secret.dmp;next:"),
    Use("as_nobody walk secrets", 2, "secrets;next:"),
    Use("as_nobody dump secrets/a.dmp notepad.exe", 2, "secrets/a.dmp;next:"),
    Use("as_nobody audit rec.gz --baseline secret.dmp", 2, "secret.dmp;next:"),
    Use("as_nobody walk rec.gz --services secret.dmp", 2, "secret.dmp;next:"),
    Use("as_nobody explain rec.gz 6104 --to secret.dmp --type file --want read", 2, "secret.dmp;next:"),
    Use("as_nobody dump MEMORY.DMP 6104 --symbols secret.dmp", 2, "secret.dmp;next:"),
    Use("as_nobody record -o new.gz all rec.gz", 2, "new.gz;next:"),
    Use("as_nobody report rec.gz -o new.html", 2, "new.html;next:"),
    Use("as_nobody record -o secret.dmp all rec.gz", 2, "secret.dmp;next:"),
    Use("as_nobody tour --write new", 2, "new;next:"),
    Use("as_nobody tour --write .", 2, "next:"),
    Use("as_nobody lake NEW add rec.gz", 2, "NEW;next:"),
    Use("as_nobody lake secrets ask 'SELECT 1'", 2, "secrets;next:"),
]  # fmt: skip
TOOLS: List[Use] = [
    Use("$PYTHON $VM/doctor.py --vmx missing.vmx", 2, "missing.vmx;next:"),
    Use("tool doctor.py --vmx folder", 2, "folder;next:"),
    Use("tool doctor.py --text missing.txt", 2, "missing.txt;next:"),
    Use("tool doctor.py --text folder", 2, "folder;next:"),
    Use("tool doctor.py --hypervisor vbox", 2, "vbox;next:"),
    Use("tool doctor.py vm.vmx", 2, "vm.vmx;next:"),
    Use("tool doctor.py --text", 2, "--text;next:"),
    Use("tool doctor.py --tex=x --bogus", 2, "--bogus;next:"),
    Use("tool vmx.py", 2, "file;next:"),
    Use("tool vmx.py missing.vmx", 2, "missing.vmx;next:"),
    Use("tool vmx.py folder", 2, "folder;next:"),
    Use("tool vmx.py MEMORY.DMP", 2, "MEMORY.DMP;next:"),
    Use("tool vmx.py empty.vmx", 2, "empty.vmx;next:"),
    Use("tool vmx.py vm.vmx --port 9", 2, "9;next:"),
    Use("tool vmx.py vm.vmx --port x", 2, "--port;next:"),
    Use("tool vmx.py vm.vmx --secure-boot maybe", 2, "maybe;next:"),
    Use("tool vmx.py vm.vmx other.vmx", 2, "other.vmx;next:"),
    Use("tool vmx.py missing.vmx --snapshot", 2, "missing.vmx;next:"),
    Use("tool start.py", 2, "--vmx;next:"),
    Use("tool start.py --vmx missing.vmx", 2, "missing.vmx;next:"),
    Use("tool start.py --vmx MEMORY.DMP", 2, "MEMORY.DMP;next:"),
    Use("tool start.py --net abc", 2, "abc;next:"),
    Use("tool start.py --net 99999", 2, "99999;next:"),
    Use("tool start.py --net 50000 --key no.key", 2, "no key of KDNET;next:"),
    Use("tool start.py --key a.b.c.d", 2, "--net;next:"),
    Use("tool start.py --hypervisor xen --pipe kd", 2, "xen;next:"),
    Use("tool start.py --debugger gdb --pipe kd", 2, "gdb;next:"),
    Use("tool start.py notepad.exe", 2, "notepad.exe;next:"),
    Use("$PYTHON $VM/vmx.py vm.vmx --dry-run > /dev/full", 2, "cannot print;next:"),
    Use("$PYTHON $VM/start.py --pipe kd > /dev/full", 2, "cannot print;next:"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder that nobody but its owner writes to, with a file and a folder that nobody else reads."""
    folder = tmp_path_factory.mktemp("places")
    made = Place(folder)
    for path in [folder, *folder.parents][:4]:  # pytest keeps its folders to itself
        if path.stat().st_uid == os.geteuid() and path != Path("/tmp"):
            path.chmod(0o755)
    shutil.copy(str(folder / "machine.kdtoken.gz"), str(folder / "rec.gz"))
    subprocess.run("gzip -kc MEMORY.DMP > dump.gz; mkdir folder secrets; : > empty.vmx", shell=True, cwd=str(folder))
    (folder / "vm.vmx").write_text('config.version = "8"\nvirtualHW.version = "19"\n')
    (folder / "secret.dmp").write_bytes((folder / "MEMORY.DMP").read_bytes())
    (folder / "secrets" / "a.dmp").write_bytes(b"PAGEDU64")
    (folder / "secret.dmp").chmod(0)
    (folder / "secrets").chmod(0)
    return made


def shell(line: str, place: Place) -> Tuple[int, str]:
    """(exit code, stdout and stderr) of a line of bash."""
    script = starts.prelude(NOBODY) + 'start() { "$PYTHON" -m kdtoken "$@"; }; set -o pipefail\n'
    env: Dict[str, str] = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "VM": str(ROOT / "vm")}
    env.update(_NT_SYMBOL_PATH=str(place.folder), PYTHONIOENCODING="utf-8")
    done = subprocess.run(
        ["bash", "-c", script + line],
        cwd=str(place.folder),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _judge(use: Use, place: Place) -> None:
    code, told = shell(use.line, place)
    assert code == use.code, told
    assert not LIBRARY.search(told), told
    for word in use.words.split(";"):
        assert word in told, told


@pytest.mark.parametrize("use", PLACES, ids=[use.line for use in PLACES])
def test_a_wrong_place(use: Use, place: Place) -> None:
    if "as_nobody" in use.line and IS_ROOT and (not shutil.which("setpriv") or not _nobody_can_run(place)):
        pytest.skip("no other user can run this Python here")
    _judge(use, place)


@lru_cache(maxsize=None)
def _nobody_can_run(place: Place) -> bool:
    return shell("as_nobody --version", place)[0] == 0


@pytest.mark.parametrize("use", TOOLS, ids=[use.line for use in TOOLS])
def test_a_wrong_use_of_the_tools_of_the_lab(use: Use, place: Place) -> None:
    _judge(use, place)
