"""The Debian packages of the bench: which are missing, and how to install them while somebody else uses apt.

    install()    # nothing happens where all is there

Programs are looked for on PATH and libraries by loading them, so a machine that has them from elsewhere needs no apt.
"""

import os
import shutil
import subprocess
import sys
import time
from typing import Callable, Dict, List, Mapping, Sequence

# What is used -> the package that has it. `wine` alone is a script; wine64 is the program.
PROGRAMS = {
    "wine": "wine wine64",
    "wineserver": "wine wine64",
    "clang": "clang",
    "lld-link": "lld",
    "llvm-pdbutil": "llvm",
    "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64",
    "x86_64-w64-mingw32-g++": "g++-mingw-w64-x86-64",
    "chromium": "chromium",
}
# MemProcFS's wheel links it, through leechcore, and does not bring it.
LIBRARIES = {"libusb-1.0.so.0": "libusb-1.0-0"}

# apt's own way to wait for dpkg's lock. Its lock on the lists has none: `update` is tried again (below).
OPTIONS = ("-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=3")
PATIENCE = 600.0
PAUSE = 3.0
BUSY = ("could not get lock", "unable to lock", "unable to acquire", "is another process using it")


class NotInstalled(Exception):
    """A package is missing and could not be installed; the text says which, and what to do."""


def loads(library: str) -> bool:
    """Whether a shared library can be loaded, asked of a process of its own."""
    program = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", program, library], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def missing() -> Dict[str, str]:
    """What is not there -> the packages that have it."""
    found = {name: packages for name, packages in PROGRAMS.items() if not shutil.which(name)}
    found.update({name: package for name, package in LIBRARIES.items() if not loads(name)})
    return found


def install() -> None:
    """Everything that is missing, by apt-get; NotInstalled where that cannot be."""
    lacking = missing()
    if not lacking:
        return
    packages = sorted({package for named in lacking.values() for package in named.split()})
    names = ", ".join(sorted(lacking))
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise NotInstalled("not found: {}. As root: apt-get install {}".format(names, " ".join(packages)))
    _install(packages)
    lacking = missing()
    if lacking:
        raise NotInstalled("still not found after apt-get: {}".format(", ".join(sorted(lacking))))


def install_package(program: str) -> None:
    """One program more, of the package with its name; NotInstalled where that cannot be."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise NotInstalled("not found: {0}. As root: apt-get install {0}".format(program))
    _install([program])
    if not shutil.which(program):
        raise NotInstalled("still not found after apt-get: {}".format(program))


def _install(packages: Sequence[str]) -> None:
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    print("bench: installing {}".format(" ".join(packages)), flush=True)
    apt_get(["update", "-q"], env)
    apt_get(["install", "-y", "-q", "--no-install-recommends", *packages], env)


def apt_get(
    command: Sequence[str],
    env: Mapping[str, str],
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Run apt-get, and again while another one holds its locks; NotInstalled with its last lines."""
    waited = 0.0
    while True:
        done = subprocess.run(
            ["apt-get", *OPTIONS, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            check=False,
        )
        if not done.returncode:
            return
        lines: List[str] = done.stdout.decode("utf-8", "replace").splitlines()
        said = "\n".join(lines).lower()
        if "dpkg --configure -a" in said and not waited:  # an install before this one was cut short
            subprocess.run(["dpkg", "--configure", "-a"], stdin=subprocess.DEVNULL, env=dict(env), check=False)
        elif not any(words in said for words in BUSY):
            raise NotInstalled("apt-get {} failed:\n{}".format(" ".join(command), "\n".join(lines[-15:])))
        if waited >= patience:
            raise NotInstalled(
                "apt-get {}: another apt held its lock for {:.0f} s:\n{}".format(
                    " ".join(command), waited, "\n".join(lines[-5:])
                )
            )
        waited += PAUSE
        sleep(PAUSE)
