"""Settings of all tests: what Hypothesis makes up is the same in every run, and no run is timed."""

import gc
import os
import sys
from typing import Generator, List, Optional

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from tests.examples import examples

settings.register_profile(
    "same-every-time",
    derandomize=True,
    deadline=None,
    max_examples=examples(60),
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# No test fills or reads the cache of whoever runs it.
os.environ["KDTOKEN_CACHE"] = "off"
# Nor does the width of their terminal count; a worker of pytest-xdist says 80.
os.environ.pop("COLUMNS", None)
# A stream without a buffer fails elsewhere than those that people have.
os.environ.pop("PYTHONUNBUFFERED", None)
# Compiled once, not at each of some hundred starts of Python: half of such a start would be compiling.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
settings.load_profile("same-every-time")


def _from_the_end(config: pytest.Config) -> bool:
    """Whether this worker of pytest-xdist imports the files in reverse: what it compiles, its neighbour need not."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return (
        pytest.version_tuple >= (8,)
        and int(worker[2:]) % 2 == 1
        and len(config.args) == 1
        and os.path.isdir(config.args[0])
    )


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, None]:
    outcome = yield
    if _from_the_end(collector.config) and not isinstance(collector, (pytest.Module, pytest.Class)):
        outcome.get_result().result.reverse()  # type: ignore[attr-defined]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    if _from_the_end(config):
        files = {item.nodeid.split("::")[0]: [] for item in reversed(items)}  # type: ignore[var-annotated]
        for item in items:
            files[item.nodeid.split("::")[0]].append(item)
        items[:] = [item for file in files.values() for item in file]


def pytest_collection_finish() -> None:
    # What was imported and collected stays to the end, and what a test makes is little: the collector need not look
    # through it again and again.  It is not frozen: each verb asks how much is, and counting a million objects takes 50 ms.
    gc.collect()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: Optional[pytest.Item]) -> Optional[bool]:
    """A worker of pytest-xdist sends of a test what somebody will see, three messages and not six.

    Of a sound setup and teardown nobody does, but for `--durations` and a file of results.
    """
    option = item.config.option
    if "PYTEST_XDIST_WORKER" not in os.environ or option.durations is not None or getattr(option, "xmlpath", None):
        return None
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
