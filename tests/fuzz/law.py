"""The law: no reader takes over 60 s of a processor or 1 GB of memory, whatever 100 MB it is given.

    python -m tests.fuzz.law [--megabytes 100] [NAME ...]

Each row is a file of that size in the worst shape that was thought of for its reader (shapes, long_texts), given to the
command that a person types, in a process of its own whose address space ends at 4 GB.  What breaks the law, ends with
a traceback or in another code than 0, 1, 2 or 3 is named, and the exit code is 1.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Sequence

from tests.fuzz import long_texts, pdb_shapes, shapes
from tests.fuzz.shapes import FRESH, ROOT, SYMBOLS, WALK, Case

SECONDS, MEMORY = 60, 1 << 30
# Address space: more than is allowed, since DuckDB waits for ever where it cannot reserve what it will not use.
# Seconds of a processor after which nobody waits any more.
_SPACE, _KILL = 4 << 30, 4 * SECONDS

CASES: Dict[str, Case] = {**shapes.CASES, **pdb_shapes.CASES, **long_texts.CASES}


class Measured(NamedTuple):
    """code: of the process, negative for the signal that ended it; said: its last line."""

    name: str
    megabytes: float
    seconds: float
    peak: float
    code: int
    said: str

    @property
    def breaks(self) -> bool:
        """Whether the law is broken."""
        odd = self.code not in (0, 1, 2, 3) or "Traceback" in self.said or "not enough memory" in self.said
        return self.seconds > SECONDS or self.peak > MEMORY / 1e6 or odd


# The peak that Linux tells of a process counts what it was forked from: one that is small stands in between.
_BETWEEN = """
import json, os, sys
child = os.fork()
if not child:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
os.write(int(sys.argv[1]), json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss]).encode())
"""


def measure(name: str, size: int, folder: Path) -> Measured:
    """Make the file, run the command."""
    case = CASES[name]
    path = folder / ("case" + case.ending)
    with open(str(path), "wb") as out:
        out.writelines(case.make(size))
    command = case.command or [*WALK, str(_some_dump(folder)), "--symbols", "{}"]
    words = [
        sys.executable,
        *(
            word.replace("{}", str(path)).replace(SYMBOLS, str(_symbols(folder))).replace(FRESH, str(folder / "fresh"))
            for word in command
        ),
    ]
    with open(str(folder / "out"), "w+b") as out, open(str(folder / "err"), "w+b") as err:
        told_at, tell = os.pipe()
        between = [sys.executable, "-S", "-c", _BETWEEN, str(tell), *words]
        subprocess.run(
            between,
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            cwd=str(ROOT),
            preexec_fn=_limits,
            pass_fds=(tell,),
            check=True,
        )
        status, seconds, kilobytes = json.loads(os.read(told_at, 4096))
        os.close(told_at)
        os.close(tell)
        err.seek(0)
        told = err.read().decode("utf-8", "replace").strip().splitlines()
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    said = next((line for line in told if "Traceback" in line), told[0] if told else "")
    size_now = path.stat().st_size / 1e6
    path.unlink()
    shutil.rmtree(str(folder / "fresh"), ignore_errors=True)
    return Measured(name, size_now, seconds, kilobytes * 1024 / 1e6, code, said[:110])


def _symbols(folder: Path) -> Path:
    from tests.engine.volatility import isf
    from tests.fake_image import as_image, fake_image
    from tests.test_source_crashdump_fuzz import LAYOUTS

    path = folder / "symbols.json"
    if not path.exists():
        path.write_text(json.dumps(isf(LAYOUTS, as_image(fake_image(LAYOUTS)))))
    return path


def _some_dump(folder: Path) -> Path:
    from tests.test_source_crashdump_fuzz import CONTAINERS

    path = folder / "some.dmp"
    path.write_bytes(CONTAINERS[0])
    return path


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_SPACE, _SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (_KILL, _KILL))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.law", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the rows; a part of a name is enough")
    parser.add_argument("--megabytes", type=float, default=100)
    options = parser.parse_args(arguments)
    names = [one for one in CASES if not options.names or any(part in one for part in options.names)]
    broken = 0
    print("%-26s%8s%9s%9s%6s  %s" % ("what is read", "MB", "s", "peak MB", "code", "what it says"))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            one = measure(name, int(options.megabytes * 1e6), Path(folder))
            broken += one.breaks
            mark = "BREAKS IT  " if one.breaks else ""
            print("%-26s%8.1f%9.1f%9.0f%6d  %s%s" % (*one[:5], mark, one.said), flush=True)
    print("%d of %d break the law of %d s and %d MB" % (broken, len(names), SECONDS, MEMORY >> 20))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
