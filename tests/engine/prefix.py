"""Wine's C: drive and registry: one that is made, copies of it for tests that run side by side, and one kept awake.

Each start of Wine from nothing costs a second and a half (a server, services.exe, explorer.exe); a start beside a
program that runs already costs a tenth of a second. So a prefix is kept awake by a program that only waits.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Iterator

from tests.engine.ended import kill_group

# Wine has its own half of these; the genuine ones must win. winemenubuilder would write into the user's desktop.
DLL_OVERRIDES = "mscoree,dbgeng,dbghelp,symsrv,srcsrv,dbgmodel,msdia140=n;winemenubuilder.exe=d"
# Asking for the desktop starts explorer.exe now, and not in the middle of a test.
_WAIT = "import ctypes, sys; ctypes.windll.user32.GetDesktopWindow(); print('awake', flush=True); sys.stdin.read()"


def wine_environment(prefix: Path) -> Dict[str, str]:
    """The environment of any program under Wine: nothing of this side's Python, and no registry but our own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WINE", "_NT_"))}
    env.update(
        WINEPREFIX=str(prefix), WINEARCH="win64", WINEDEBUG="-all", LC_ALL="C.UTF-8", WINEDLLOVERRIDES=DLL_OVERRIDES
    )
    return env


def copy_prefix(made: Path, copy: Path) -> Path:
    """A prefix like `made`, which nobody must be running. Files are shared but for the registry: 700 MB stay 2."""
    shutil.rmtree(str(copy), ignore_errors=True)

    def share(source: str, target: str) -> str:
        if source.endswith(".reg") or os.path.islink(source):
            return str(shutil.copy2(source, target, follow_symlinks=False))
        os.link(source, target)
        return target

    shutil.copytree(str(made), str(copy), symlinks=True, copy_function=share)
    return copy


@contextlib.contextmanager
def awake(prefix: Path, python: str) -> Iterator[None]:
    """While the block runs, Wine's servers and desktop do. `python`: the Windows spelling of a python.exe."""
    keeper = subprocess.Popen(
        ["wine", python, "-c", _WAIT],
        env=wine_environment(prefix),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert keeper.stdin is not None and keeper.stdout is not None
        line = keeper.stdout.readline()
        if line.strip() != b"awake":
            raise RuntimeError("Wine does not stay awake: %r" % line)
        yield
        keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(10)
    finally:
        kill_group(keeper)
