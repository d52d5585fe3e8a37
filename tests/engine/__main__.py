"""`make engine`: build the Windows side and the kernels, run the bench; nothing may be skipped."""

import os
import subprocess
import sys
from pathlib import Path
from typing import List

from tests.engine import debian, memproc, samba, volatility

# Judges that PyPI has.
JUDGES = ("volatility3==%s" % volatility.VERSION, "kdmp-parser==0.7.4", "memprocfs==%s" % memproc.VERSION)
MODULES = ("volatility3.framework", "kdmp_parser", "memprocfs")

ROOT = Path(__file__).resolve().parent.parent.parent


def install_judges() -> None:
    """From PyPI into this Python; what is there already is left alone."""
    install = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *JUDGES]
    subprocess.run(install, check=True)


def not_loading() -> List[str]:
    """The judges that Python cannot import, each with the last line of why."""
    found = []
    for name in MODULES:
        done = subprocess.run([sys.executable, "-c", "import " + name], stderr=subprocess.PIPE, encoding="utf-8")
        if done.returncode:
            found.append("{}: {}".format(name, done.stderr.strip().rpartition("\n")[2]))
    return found


def main() -> int:
    """pytest's exit code; what the tests need is installed before any is collected, and a skip is a failure."""
    try:
        debian.install()
        unpacking = samba.start_install()  # a minute of downloading, beside the rest
        install_judges()
        samba.finish_install(unpacking)
    except (debian.NotInstalled, subprocess.CalledProcessError) as error:
        print("bench: %s" % error, file=sys.stderr)
        return 1
    lacking = not_loading()
    if lacking:
        print("bench: judges that do not load:\n" + "\n".join(lacking), file=sys.stderr)
        return 1
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "addopts=",
        "--import-mode=importlib",
        "-q",
        "--durations=5",
        *(sys.argv[1:] or ["tests/engine"]),
    ]
    return subprocess.run(command, cwd=str(ROOT), env=dict(os.environ, KDTOKEN_NO_SKIP="1")).returncode


if __name__ == "__main__":
    sys.exit(main())
