"""`make engine`: build the Windows side and the kernels, run the bench; nothing may be skipped."""

import subprocess
import sys
from pathlib import Path

from tests.engine.volatility import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """pytest's exit code; the judge that PyPI has is installed first."""
    wanted = "volatility3==%s" % VERSION
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", wanted], check=True)
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "--import-mode=importlib", "-q", "--durations=5",
               *(sys.argv[1:] or ["tests/engine"])]  # fmt: skip
    return subprocess.run(command, cwd=str(ROOT)).returncode


if __name__ == "__main__":
    sys.exit(main())
