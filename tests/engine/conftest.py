"""Fixtures of the bench: the Windows side, and a synthetic kernel of each build as a dump."""

import os
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict

import pytest

from kdtoken.layout.layout_file import load_layouts
from tests.engine.assemble import default_folder
from tests.engine.image import Image, build_image
from tests.engine.windows import Windows
from tests.engine.windows import build as build_windows
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.standin_text import write_standin

ROOT = Path(__file__).resolve().parent.parent.parent
LAYOUTS = sorted((ROOT / "fixtures" / "layouts").glob("nt-*.json"))
BUILDS = [path.stem[3:] for path in LAYOUTS]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """`make engine` means all of it: a judge that is not there must not look like one that agreed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("KDTOKEN_NO_SKIP"):
        print("\n%d skipped, and nothing may be:" % len(skipped))
        for report in skipped:
            print("  %s: %s" % (report.nodeid, skip_reason(report)))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skip_reason(report: Any) -> str:
    """Why a test was skipped; pytest keeps (file, line, reason)."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.fixture(scope="session")
def windows() -> Windows:
    """The Windows side with this kdtoken installed. A failed build fails the tests that need it: it is no skip."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the bench needs Linux: Wine, Debian packages")
    made = build_windows()
    made.install(ROOT)
    return made


@dataclass(frozen=True)
class Lab:
    """One build's synthetic kernel on disk: ntoskrnl.exe, ntkrnlmp.pdb, kernel.dmp, standin.txt."""

    folder: Path
    image: Image
    kernel: Kernel

    @property
    def dump(self) -> Path:
        return self.folder / "kernel.dmp"

    @property
    def standin(self) -> Path:
        return self.folder / "standin.txt"


_LABS: Dict[str, Lab] = {}
_SEEN: Dict[str, Dict[str, Any]] = {}


def make_lab(build_name: str) -> Lab:
    """The lab of a build, made once a run."""
    if build_name not in _LABS:
        layouts = load_layouts(ROOT / "fixtures" / "layouts" / ("nt-%s.json" % build_name))
        folder = default_folder() / "kernels" / build_name
        folder.mkdir(parents=True, exist_ok=True)
        image = build_image(layouts, folder)
        lab = Lab(folder, image, build(MACHINE, layouts, image))
        write_dump(lab.kernel, lab.dump)
        write_standin(lab.kernel, lab.standin)
        _LABS[build_name] = lab
    return _LABS[build_name]


@pytest.fixture(params=BUILDS)
def lab(request: pytest.FixtureRequest) -> Lab:
    """Each of the builds in turn."""
    return make_lab(request.param)


@pytest.fixture
def seen(lab: Lab, windows: Windows) -> Dict[str, Any]:
    """What kdtoken and the engine's dt say of every process and token of the lab, on the genuine engine."""
    key = lab.folder.name
    if key not in _SEEN:
        out = lab.folder / "seen.pickle"
        done = windows.python(Path(__file__).with_name("seen.py"), lab.dump, out, cwd=lab.folder, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        _SEEN[key] = pickle.loads(out.read_bytes())
    return _SEEN[key]
