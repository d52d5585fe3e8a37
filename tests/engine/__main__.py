"""`make engine`: build the Windows side and the kernels, run the bench; nothing may be skipped."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List

from tests.engine import debian, memproc, samba, volatility
from tests.engine.assemble import BuildFailed
from tests.engine.windows import build as build_windows

# Judges that PyPI has.
JUDGES = ("volatility3==%s" % volatility.VERSION, "kdmp-parser==0.7.4", "memprocfs==%s" % memproc.VERSION)
# axe-core's script is all that is used of this package: what the package itself drives is not needed.
AXE = "axe-playwright-python==0.1.8"
MODULES = ("volatility3.framework", "kdmp_parser", "memprocfs", "distributed", "duckdb", "moto", "s3fs")
# What `lake` is tried with at its size: Dask's processes, and a server that speaks S3.
AROUND_LAKE = ("distributed", "duckdb", "pyarrow", "fsspec", "s3fs", "moto[server]")

ROOT = Path(__file__).resolve().parent.parent.parent


def install_judges() -> None:
    """From PyPI into this Python; what is there already is left alone."""
    install = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *JUDGES, *AROUND_LAKE]
    subprocess.run(install, check=True)
    subprocess.run([*install[: -len(JUDGES)], "--no-deps", AXE], check=True)


def not_loading() -> List[str]:
    """The judges that Python cannot import, each with the last line of why."""
    found = []
    for name in MODULES:
        done = subprocess.run([sys.executable, "-c", "import " + name], stderr=subprocess.PIPE, encoding="utf-8")
        if done.returncode:
            found.append("{}: {}".format(name, done.stderr.strip().rpartition("\n")[2]))
    return found


def prepare() -> None:
    """All that the tests need, before any is collected: judges from PyPI beside the packages from Debian."""
    with ThreadPoolExecutor(1) as beside:
        judges = beside.submit(install_judges)
        debian.install()
        unpacking = samba.start_install()  # a minute of downloading, beside the rest
        windows = build_windows()
        windows.install(ROOT)
        judges.result()
        samba.finish_install(unpacking)
    lacking = not_loading()
    if lacking:
        raise BuildFailed("judges that do not load:\n" + "\n".join(lacking))


def main() -> int:
    """pytest's exit code; a skipped test is a failure."""
    try:
        prepare()
    except (debian.NotInstalled, BuildFailed, subprocess.CalledProcessError) as error:
        print("bench: %s" % error, file=sys.stderr)
        return 1
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "addopts=",
        "--import-mode=importlib",
        "-q",
        "--durations=15",
        # Half of the time is spent waiting for a line that is silent on purpose.
        "-n%d" % ((os.cpu_count() or 1) + 2),
        "--dist=load",
        *(sys.argv[1:] or ["tests/engine"]),
    ]
    env = dict(os.environ, KDTOKEN_NO_SKIP="1", KDTOKEN_ENGINE_INSTALLED="1")
    return subprocess.run(command, cwd=str(ROOT), env=env).returncode


if __name__ == "__main__":
    sys.exit(main())
