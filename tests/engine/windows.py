"""The Windows side of the bench: the genuine dbgeng.dll and pykd 0.3.4.15, run under Wine.

    windows = build()
    windows.install(Path("dist/kdtoken-0.1-py3-none-any.whl"))
    windows.python("look.py", "kernel.dmp", cwd=folder).stdout
    answers(windows.debugger(dump, ["lm", "!py -m kdtoken.dump notepad.exe"], cwd=folder))

`python -m tests.engine.windows` builds it and says what there is. README.md tells what is genuine and what is not.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from tests.engine import assemble, standard_library
from tests.engine.assemble import BuildFailed, alone
from tests.engine.ended import TimedOut, read_to_end
from tests.engine.prefix import awake, copy_prefix, wine_environment

__all__ = ["EXTENSIONS", "PROMPT", "BuildFailed", "TimedOut", "Windows", "answers", "build", "wine_path"]
PROMPT = "kd> "
# Seconds that a program may take: much more than it needs where others use the same cores.
LIMIT = 300.0
Environment = Optional[Dict[str, str]]
Arguments = Sequence[Union[str, Path]]
# How a debugger is told to load pykd, so that !py exists.
EXTENSIONS = {"bootstrapper": ".load pykd", "pykd.pyd": ".load pykd.pyd"}


@dataclass(frozen=True)
class Windows:
    """A Windows Python, pykd and a debugger in one folder, ready to run.

    prefix_name   the folder of Wine's C: drive and registry in `work`; see `apart`
    """

    work: Path
    prefix_name: str = "prefix"

    @property
    def prefix(self) -> Path:
        return self.work / self.prefix_name

    def apart(self, name: str) -> "Windows":
        """The same programs with a drive C: and a registry of their own, fresh: nothing that runs there is seen here."""
        with alone(self.work):
            copy_prefix(self.prefix, self.work / ("prefix-" + name))
        return Windows(self.work, "prefix-" + name)

    def awake(self) -> "contextlib.AbstractContextManager[None]":
        """While the block runs, a program costs a tenth of a second to start instead of one and a half."""
        return awake(self.prefix, wine_path(self.python_home / "python.exe"))

    @property
    def python_home(self) -> Path:
        return self.work / "python"

    @property
    def site_packages(self) -> Path:
        return self.python_home / "Lib" / "site-packages"

    @property
    def scripts(self) -> Path:
        """Where pip puts script files; on PATH in everything run here."""
        return self.python_home / "Scripts"

    @property
    def kdexts(self) -> Path:
        """The stand-in for !process and !token, for `pykd.loadExt` or `.load`."""
        return self.work / "debugger" / "winext" / "kdexts_standin.dll"

    def python(
        self,
        script: Union[str, Path],
        *arguments: Union[str, Path],
        cwd: Optional[Path] = None,
        timeout: float = LIMIT,
        env: Environment = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script (or "-m", "-c" and what follows) in the Windows Python.

        A Path among the arguments becomes its Windows spelling; a str stays as it is. Newlines come out as \\n.
        """
        return self.run(
            [self.python_home / "python.exe", script, *arguments],
            cwd,
            timeout,
            {"PYTHONIOENCODING": "utf-8", **(env or {})},
        )

    def debugger(
        self,
        target: Union[str, Path],
        commands: Sequence[str],
        cwd: Optional[Path] = None,
        pykd_in: Optional[str] = None,
        kdexts: Optional[Path] = None,
        env: Environment = None,
        timeout: float = LIMIT,
    ) -> str:
        """Open a dump (Path) or a kernel connection ("com:pipe,port=...") and type the commands: all that is printed.

        pykd_in: "bootstrapper" (our stand-in for pykd-ext) or "pykd.pyd" (its own !py), or None for no !py.
        kdexts: the file of answers for !process and !token; without it these commands do not exist.
        Symbols are looked for in cwd. A live target is left as the last command leaves it: frozen, unless "qd".
        """
        load = [EXTENSIONS[pykd_in]] if pykd_in else []
        extra = {"PYTHONHOME": wine_path(self.python_home)}
        if kdexts is not None:
            load.append(".load kdexts_standin")
            extra["KDTOKEN_STANDIN"] = wine_path(kdexts)
        extra.update(env or {})
        open_it = ["-z", target] if isinstance(target, Path) else ["-k", target]
        done = self.run([self.work / "debugger" / "kdhost.exe", *open_it, *load, *commands], cwd, timeout, extra)
        return done.stdout + done.stderr

    def run(
        self, command: Arguments, cwd: Optional[Path] = None, timeout: float = LIMIT, env: Environment = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run any Windows program to its end; TimedOut, with what it had printed, where that does not come."""
        process = subprocess.Popen(**self._how(command, cwd, env))
        out, err = read_to_end(process, timeout)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, command: Arguments, cwd: Optional[Path] = None, env: Environment = None) -> "subprocess.Popen[str]":
        """Start any Windows program; its output is read from the pipes of the process returned."""
        return subprocess.Popen(**self._how(command, cwd, env), encoding="utf-8", errors="replace")

    def _how(self, command: Arguments, cwd: Optional[Path], env: Environment) -> Dict[str, Any]:
        """What Popen is told."""
        # dbghelp looks for symbols in every folder below: two minutes, were it the repository with all that is built.
        where = (cwd or self.work / "empty").resolve()
        where.mkdir(parents=True, exist_ok=True)
        wine = wine_environment(self.prefix)
        # The engine and pykd look for symbols here; a program for its DLLs and scripts there, as on a user's machine.
        wine["_NT_SYMBOL_PATH"] = wine_path(where)
        wine["WINEPATH"] = ";".join(map(wine_path, (self.python_home, self.scripts)))
        wine.update(env or {})
        program = [wine_path(part) if isinstance(part, Path) else part for part in command]
        # Pipes on both outputs: Windows Python refuses to start ("Invalid handle") on a plain file from Wine.
        return {
            "args": ["wine", *program],
            "cwd": str(where),
            "env": wine,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "start_new_session": True,
        }

    def install(self, what: Path) -> None:
        """Put a wheel (or a project's folder, built first) and what it requires into the Windows Python.

        As pip does on Windows: packages into site-packages, the script files of a wheel into Scripts. Do it before
        the first run, not during one.
        """
        with alone(self.work), tempfile.TemporaryDirectory() as scratch:
            wheel = what if what.suffix == ".whl" else _build_wheel(what, Path(scratch))
            stamp = self.site_packages / (wheel.name.split("-")[0] + ".installed")
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
                return
            for one in _with_requirements(wheel, self.work / "wheels", Path(scratch) / "all"):
                if not one.name.startswith("pykd-"):  # it is there, and may be in use
                    self._unpack(one)
            stamp.write_text(digest, encoding="ascii")

    def _unpack(self, wheel: Path) -> None:
        with zipfile.ZipFile(str(wheel)) as archive:
            # All of an older version goes first: a module left behind would hide a wrong import.
            for top in {name.partition("/")[0] for name in archive.namelist() if "/" in name}:
                shutil.rmtree(str(self.site_packages / top), ignore_errors=True)
            for name in archive.namelist():
                head, _, rest = name.partition(".data/")
                kind, _, inner = rest.partition("/")
                if rest and kind == "scripts":
                    target = self.scripts / inner
                elif rest and kind == "data":
                    target = self.python_home / inner
                else:
                    target = self.site_packages / (inner if rest else name)
                if not name.endswith("/"):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.read(name))


def wine_path(path: Path) -> str:
    """The Windows spelling of a path: Wine shows the whole of this machine as drive Z."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def answers(printed: str) -> List[Tuple[str, str]]:
    """The commands in what a debugger printed, each with its output. What came before the first is left out."""
    parts: List[Tuple[str, List[str]]] = []
    for line in printed.splitlines(keepends=True):
        if line.startswith(PROMPT):
            parts.append((line[len(PROMPT) :].rstrip("\n"), []))
        elif parts:
            parts[-1][1].append(line)
    return [(command, "".join(lines)) for command, lines in parts]


def _build_wheel(project: Path, scratch: Path) -> Path:
    assemble.run(
        f"wheel of {project}",
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--disable-pip-version-check",
            "--no-deps",
            "-w",
            str(scratch),
            str(project),
        ],
        dict(os.environ, SOURCE_DATE_EPOCH="315532800"),
    )  # same source, same wheel: no second install
    return next(scratch.glob("*.whl"))


def _with_requirements(wheel: Path, known: Path, folder: Path) -> List[Path]:
    """The wheel and all that it requires, for a Windows Python 3.9."""
    assemble.run(
        f"what {wheel.name} requires",
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--platform",
            "win_amd64",
            "--python-version",
            "3.9",
            "--find-links",
            str(known),
            "-d",
            str(folder),
            str(wheel),
        ],
    )
    return sorted(folder.glob("*.whl"))


def build(work: Optional[Path] = None) -> Windows:
    """Everything, made if it is not there yet (about 40 s with the packages at hand, then well under one)."""
    work = (work or assemble.default_folder()).resolve()
    with alone(work):
        assemble.install_tools()
        wheels = assemble.download_wheels(work)
        if not (work / "python").is_dir():
            assemble.unpack_python(work, wheels, standard_library.find(work))
        if not (work / "debugger").is_dir():
            assemble.lay_out_debugger(work)
        assemble.compile_all(work)
        assemble.make_prefix(work)
    return Windows(work)


def main() -> int:
    try:
        windows = build()
    except BuildFailed as error:
        print(f"tests.engine.windows: {error}", file=sys.stderr)
        return 1
    print(f"built in {windows.work}")
    print("\n".join(assemble.steps_done(windows.work)))
    print(windows.python("-c", "import sys, pykd; print('Python', sys.version); print('pykd', pykd.version)").stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
