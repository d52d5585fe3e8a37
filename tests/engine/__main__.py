"""`make engine`: build the Windows side and the kernels, run the bench; nothing may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

from tests.engine import memproc, volatility

# Judges that PyPI has.
JUDGES = ("volatility3==%s" % volatility.VERSION, "kdmp-parser==0.7.4", "memprocfs==%s" % memproc.VERSION)

ROOT = Path(__file__).resolve().parent.parent.parent


def install_judges() -> None:
    """From PyPI into this Python; what is there already is left alone."""
    install = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *JUDGES]
    subprocess.run(install, check=True)


def main() -> int:
    """pytest's exit code; the judges are installed first, and a skipped test is a failure."""
    install_judges()
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
