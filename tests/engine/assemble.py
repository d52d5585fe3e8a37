"""Put together, in one git-ignored folder, a Windows Python with pykd and a debugger, out of public packages.

    wheels/     as downloaded from PyPI: pykd brings pykd.pyd and Microsoft's dbgeng.dll; panda3d brings python39.dll
    python/     python.exe, python39.dll, DLLs/, Lib/ (the standard library), Lib/site-packages/, Scripts/
    debugger/   kdhost.exe and dbgeng.dll; winext/ has the extensions: pykd.dll (our stand-in for the bootstrapper),
                pykd.pyd (the genuine one) and kdexts_standin.dll
    prefix/     Wine's C: drive and registry

Every step is skipped when its result is there and made aside, then moved into place, so a build that was cut short
is taken up again. Two builds at once wait for each other.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

from tests.engine import debian
from tests.engine.prefix import wine_environment

NATIVE = Path(__file__).with_name("native")
WHEELS = {"pykd": "0.3.4.15", "panda3d": "1.10.16"}


class BuildFailed(Exception):
    """A step of the build; the text says which, and what it printed last."""


def default_folder() -> Path:
    """Where the bench is built: KDTOKEN_ENGINE_DIR, or build/engine of the repository."""
    named = os.environ.get("KDTOKEN_ENGINE_DIR")
    return Path(named).resolve() if named else Path(__file__).resolve().parents[2] / "build" / "engine"


def run(what: str, command: Sequence[str], env: Optional[Dict[str, str]] = None, timeout: float = 900) -> str:
    """The output of a build step, or BuildFailed with its last lines."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"{what}: {error}") from error
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        tail = "\n".join(output.splitlines()[-15:])
        raise BuildFailed(f"{what}: {command[0]} ended with status {done.returncode}\n{tail}")
    return output


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else builds or installs in `folder` meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(str(folder / ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def made_aside(folder: Path) -> Iterator[Path]:
    """An empty folder that becomes `folder` if the block ends well."""
    aside = folder.with_name(folder.name + ".part")
    shutil.rmtree(str(aside), ignore_errors=True)
    aside.mkdir(parents=True)
    yield aside
    shutil.rmtree(str(folder), ignore_errors=True)
    aside.rename(folder)


def install_tools() -> None:
    """Wine, a compiler for Windows, and clang with lld-link (for the PDB of a synthetic kernel)."""
    try:
        debian.install()
    except debian.NotInstalled as error:
        raise BuildFailed(str(error)) from error


def download_wheels(work: Path) -> Dict[str, Path]:
    wheels = work / "wheels"
    if not wheels.is_dir():
        with made_aside(wheels) as aside:
            pins = [f"{name}=={version}" for name, version in WHEELS.items()]
            run(
                "wheels from PyPI",
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "-q",
                    "--disable-pip-version-check",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--platform",
                    "win_amd64",
                    "--python-version",
                    "3.9",
                    "-d",
                    str(aside),
                    *pins,
                ],
            )
    return {name: next(wheels.glob(name + "-*.whl")) for name in WHEELS}


def compile_native(source: str, target: Path, *options: str) -> None:
    """Build one file of native/ for Windows, unless the result is newer than all of native/."""
    newest = max(path.stat().st_mtime for path in NATIVE.iterdir())
    if target.exists() and target.stat().st_mtime >= newest:
        return
    compiler = "x86_64-w64-mingw32-g++" if source.endswith(".cpp") else "x86_64-w64-mingw32-gcc"
    kind = ["-municode"] if target.suffix == ".exe" else ["-shared"]
    aside = target.with_name("part-%d-%s" % (os.getpid(), target.name))  # whoever builds the same beside us has its own
    run(
        source,
        [compiler, *kind, "-O1", "-static", "-s", "-Wall", "-Wextra", str(NATIVE / source), "-o", str(aside), *options],
    )
    aside.replace(target)


def unpack_python(work: Path, wheels: Dict[str, Path], standard_library: Path) -> None:
    """python/: the interpreter and its extension modules from panda3d's wheel, pykd in site-packages."""
    with made_aside(work / "python") as home:
        shutil.copytree(
            str(standard_library),
            str(home / "Lib"),
            ignore=shutil.ignore_patterns(
                "site-packages", "dist-packages", "lib-dynload", "test", "tests", "idlelib", "__pycache__"
            ),
        )
        for folder in ("DLLs", "Scripts", "Lib/site-packages"):
            (home / folder).mkdir()
        with zipfile.ZipFile(str(wheels["panda3d"])) as wheel:
            for name in wheel.namelist():
                base = name.rpartition("/")[2]
                # api-ms-*: Wine has its own, and Microsoft's forwarders break under it. tcl, tk: no windows here.
                if not name.startswith("deploy_libs/") or not base or base.startswith(("api-ms-", "tcl", "tk")):
                    continue
                beside = base.lower().startswith(("python3", "vcruntime"))
                (home / ("." if beside else "DLLs") / base).write_bytes(wheel.read(name))
        with zipfile.ZipFile(str(wheels["pykd"])) as wheel:
            wheel.extractall(str(home / "Lib" / "site-packages"))


def lay_out_debugger(work: Path) -> None:
    """debugger/: the engine beside its host, the extensions in winext/, where the engine looks for them."""
    pykd = work / "python" / "Lib" / "site-packages" / "pykd"
    with made_aside(work / "debugger") as folder:
        (folder / "winext").mkdir()
        for library in pykd.glob("*.dll"):
            shutil.copy(str(library), str(folder))
        shutil.copy(str(pykd / "pykd.pyd"), str(folder / "winext"))
        # pykd reads types through DIA, and loads it from its own folder only: without this every typeInfo ends in
        # "symbol not found" and module.symfile() says "export symbols", although the engine's `dt` works.
        shutil.copy(str(pykd / "msdia140.dll"), str(folder / "winext"))


def compile_all(work: Path) -> None:
    python, debugger = work / "python", work / "debugger"
    compile_native("winpython.c", python / "python.exe")
    compile_native("kdhost.cpp", debugger / "kdhost.exe", "-ldbgeng", "-luuid")
    compile_native("bootstrapper_standin.cpp", debugger / "winext" / "pykd.dll", "-luuid")
    compile_native("kdexts_standin.cpp", debugger / "winext" / "kdexts_standin.dll", "-luuid")
    compile_native("pipe_bridge.c", debugger / "pipe_bridge.exe", "-lws2_32")
    compile_native("access_check.c", debugger / "access_check.exe", "-ladvapi32")
    # pykd looks for mscoree.dll by the rules of whoever loads pykd: beside the program, or beside the extension.
    for folder in (python, debugger, debugger / "winext"):
        compile_native("mscoree.c", folder / "mscoree.dll")


def make_prefix(work: Path) -> None:
    if (work / "prefix" / "system.reg").exists():
        return
    # wineboot's own exit status says nothing: what counts is that it left a registry.
    with contextlib.suppress(BuildFailed):
        run("Wine prefix", ["wine", "wineboot", "-i"], wine_environment(work / "prefix"), timeout=300)
    with contextlib.suppress(BuildFailed):
        run("Wine prefix", ["wineserver", "-w"], wine_environment(work / "prefix"), timeout=60)
    if not (work / "prefix" / "system.reg").exists():
        raise BuildFailed("Wine prefix: `wine wineboot -i` left no registry in {}".format(work / "prefix"))


def steps_done(work: Path) -> List[str]:
    """What there is, for a person to read."""
    names = (
        "python/python.exe",
        "python/Lib/os.py",
        "python/Lib/site-packages/pykd/pykd.pyd",
        "debugger/kdhost.exe",
        "debugger/access_check.exe",
        "debugger/dbgeng.dll",
        "debugger/winext/pykd.dll",
        "debugger/winext/pykd.pyd",
        "debugger/winext/kdexts_standin.dll",
        "prefix/system.reg",
    )
    return [f"{(work / name).stat().st_size:<10} {name}" for name in names]
