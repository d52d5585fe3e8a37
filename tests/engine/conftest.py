"""Fixtures of the bench: the Windows side, and a synthetic kernel of each build as a dump."""

import os
import pickle
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from kdtoken.layout.layout_file import load_layouts
from tests.engine.assemble import alone, default_folder
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
# By version, not by the spelling of a file's name: a new fixture changes which one this is, and nothing else.
NEWEST = max(BUILDS, key=lambda name: tuple(map(int, name.split("."))))
# Of pytest-xdist: which worker this is, and of which run; empty where there is none.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")


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


# First, so that nothing long is left for the end: half a minute each, or more, the longest before the others.
LONG = (
    "of_the_tour_can_be_typed",
    "against_volatility",
    "random_faults",
    "test_vm_guest",
    "two_hundred_dumps",
    "the_same_in_the_engine",
    "as_often_as_one_likes",
    "against_the_engine",
)


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    items.sort(key=lambda item: next((at for at, word in enumerate(LONG) if word in item.nodeid), len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of one module and one build go to one worker, one after the other: they share what is costly.

    By the name of the test: the groups of `--dist=loadgroup` are not seen by every pytest.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByBuild(LoadScopeScheduling):  # type: ignore[misc,unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False  # in the order above, not by how many tests a group has
    return ByBuild(config, log)


def group_of(nodeid: str) -> str:
    """ "test_dump.py 10.0.22000.2538" of a test of a build; the module, where all its tests share one long run."""
    module, _, test = nodeid.partition("::")
    build_name = re.search(r"\[.*?(\d+\.\d+\.\d+\.\d+)", test)
    if build_name:
        return "%s %s" % (module, build_name[1])
    return module if module.endswith(("test_vm_guest.py", "test_collect.py")) else nodeid


@pytest.fixture(scope="session")
def windows() -> Iterator[Windows]:
    """The Windows side with this kdtoken installed. A failed build fails the tests that need it: it is no skip.

    Workers of pytest-xdist have a Wine prefix each: one name of a pipe or a registry key is not another's.
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("the bench needs Linux: Wine, Debian packages")
    made = build_windows()
    if not os.environ.get("KDTOKEN_ENGINE_INSTALLED"):  # `make engine` has done it, once for all workers
        made.install(ROOT)
    if WORKER:
        made = made.apart(WORKER)
    with made.awake():
        yield made


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
        with alone(folder):
            image = build_image(layouts, folder)
            lab = Lab(folder, image, build(MACHINE, layouts, image))
            if not _made_in_this_run(lab.standin):
                write_dump(lab.kernel, lab.dump)
                write_standin(lab.kernel, lab.standin)
                _made_now(lab.standin)
        _LABS[build_name] = lab
    return _LABS[build_name]


def _made_in_this_run(path: Path) -> bool:
    """Whether another worker of this run has made the file."""
    stamp = path.with_name(path.name + ".run")
    return bool(RUN) and stamp.exists() and stamp.read_text(encoding="ascii") == RUN


def _made_now(path: Path) -> None:
    path.with_name(path.name + ".run").write_text(RUN, encoding="ascii")


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
        with alone(lab.folder):
            if not _made_in_this_run(out):
                done = windows.python(Path(__file__).with_name("seen.py"), lab.dump, out, cwd=lab.folder, timeout=300)
                assert done.returncode == 0, done.stdout + done.stderr
                _made_now(out)
        _SEEN[key] = pickle.loads(out.read_bytes())
    return _SEEN[key]
