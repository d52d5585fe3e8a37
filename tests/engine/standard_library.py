"""Find a CPython 3.9 standard library on this machine: the one part of a Windows Python that no wheel brings."""

import glob
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator, Optional

from tests.engine.assemble import BuildFailed, run

HOW_TO = """no Python 3.9 standard library found. Any of these will do:
  KDTOKEN_PYTHON39_STDLIB=FOLDER   the folder that holds os.py of a CPython 3.9, whatever its operating system
  pyenv install 3.9                or any `python3.9` on PATH
  apt-get                          on Debian 12, whose pypy3-lib is a Python 3.9 library (used by itself, as root)"""


def _output(*command: str) -> str:
    try:
        return (
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=30,
                check=False,
            )
            .stdout.decode()
            .strip()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""  # no such program


def _candidates() -> Iterator[str]:
    yield os.environ.get("KDTOKEN_PYTHON39_STDLIB", "")
    pyenv = _output("pyenv", "root")
    if pyenv:
        yield from sorted(glob.glob(pyenv + "/versions/3.9.*/lib/python3.9"), reverse=True)
    yield _output("python3.9", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))")


def find(work: Path) -> Path:
    """The folder that holds os.py, from this machine or, failing that, made of Debian's PyPy in `work`."""
    for candidate in _candidates():
        if candidate and Path(candidate, "os.py").is_file():
            return Path(candidate)
    made = from_pypy(work)
    if made is None:
        raise BuildFailed(HOW_TO)
    return made


def from_pypy(work: Path) -> Optional[Path]:
    """Debian 12's pypy3-lib is CPython 3.9's library with a few files changed for PyPy; put those back.

    None if this machine's Debian has no such package. Not for anything but a test bench: three modules come from
    the system's own Python 3.11, which CPython 3.9 can run.
    """
    library = work / "pypy-library"
    system = Path("/usr/lib/python3.11")
    if library.is_dir():
        return library
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and system.is_dir()):
        return None
    with tempfile.TemporaryDirectory(dir=str(work)) as scratch:
        try:
            run("pypy3-lib", ["sh", "-c", 'cd "$0" && apt-get download -q pypy3-lib && dpkg-deb -x *.deb .', scratch])
        except BuildFailed:
            return None
        found = Path(scratch, "usr", "lib", "pypy3.9")
        if not found.is_dir():
            return None  # another Debian, whose PyPy is of another Python
        repair(found, system)
        found.rename(library)
    return library


def repair(library: Path, system: Path) -> None:
    """Undo what ties PyPy's copy to PyPy."""
    for name in ("json", "ctypes"):
        shutil.rmtree(str(library / name))
        shutil.copytree(str(system / name), str(library / name), ignore=shutil.ignore_patterns("__pycache__"))
    # Under PyPy a built-in method has a code object; CPython has no such type, so nothing may be an instance of it.
    inspect = library / "inspect.py"
    text = inspect.read_text(encoding="utf-8")
    inspect.write_text(text.replace("type(dict.update.__code__)", "()"), encoding="utf-8")
