"""Many sources over cores, and over a real Dask cluster of processes on loopback: the same lake, whoever dies meanwhile."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Iterator, List, Optional, Set

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

from kdtoken import walk  # noqa: E402
from kdtoken.dataset import spread  # noqa: E402
from kdtoken.dataset.pack import known_sources  # noqa: E402
from kdtoken.dataset.store import Store  # noqa: E402
from kdtoken.dataset.work import ADDED, BROKEN, THERE, Job, Summary, add_source  # noqa: E402
from kdtoken.errors import KdTokenError, UsageError  # noqa: E402
from kdtoken.machine.open import Request  # noqa: E402
from tests.lake_dumps import Dumps, some, strange_machines, tree  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
COUNT = 12


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    made = Dumps(tmp_path_factory.mktemp("dumps"), strange_machines(3), builds=3)
    some(made, COUNT)
    return made


@pytest.fixture(scope="module")
def alone(dumps: Dumps, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What one process makes of them, one after the other."""
    store = Store(str(tmp_path_factory.mktemp("alone") / "lake"))
    store.check(create=True)
    assert [add_source(job).status for job in jobs(dumps, store)].count(ADDED) == COUNT - 1
    return store


def jobs(dumps: Dumps, store: Store, download: bool = False) -> List[Job]:
    names = sorted(str(path) for path in dumps.folder.glob("*.dmp"))
    where = str(dumps.symbols)
    return [Job(store.url, Request((name,), symbols=where, lenient=True, download=download)) for name in names]


def fresh(path: Path) -> Store:
    store = Store(str(path / "lake"))
    store.check(create=True)
    return store


def test_over_the_cores(dumps: Dumps, alone: Store, tmp_path: Path) -> None:
    store = fresh(tmp_path)
    told = list(spread.add_all(jobs(dumps, store), workers=2))
    assert sorted(one.status for one in told) == [ADDED] * (COUNT - 1) + [BROKEN]
    assert tree(store.base) == tree(alone.base)
    assert [one.status for one in spread.add_all(jobs(dumps, store), workers=1)].count(THERE) == COUNT - 1


def test_a_worker_that_dies_alone_takes_no_other_source_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fresh(tmp_path)
    names = ["tour", "/nowhere/a.dmp"]
    given = [Job(store.url, Request((name,), lenient=True)) for name in names]
    monkeypatch.setattr(spread, "add_source", dying)
    told = {one.name: one for one in spread.add_all(given, workers=2)}
    assert told["tour"].status == ADDED
    assert told["/nowhere/a.dmp"].status == BROKEN and "was ended" in told["/nowhere/a.dmp"].error
    (row,) = [one.row for one in known_sources(store) if one.row["path"] == "/nowhere/a.dmp"]
    assert "was ended" in row["error"]


def dying(job: Job) -> Summary:
    """add_source in a process that the system ends over one source."""
    if job.name != "tour":
        os.kill(os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    return add_source(job)


def faulty(job: Job) -> Summary:
    """add_source with a fault of ours."""
    if job.name != "tour":
        raise ZeroDivisionError
    return add_source(job)


def test_a_fault_of_ours_is_told_of_its_source_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fresh(tmp_path)
    given = [Job(store.url, Request((name,), lenient=True)) for name in ("tour", "/nowhere/a.dmp")]
    monkeypatch.setattr(spread, "add_source", faulty)
    told = {one.name: one for one in spread.add_all(given, workers=2)}
    assert (
        told["tour"].status == ADDED and "a fault in kdtoken itself (ZeroDivisionError)" in told["/nowhere/a.dmp"].error
    )


def test_no_room_ends_the_run_with_one_message(dumps: Dumps, tmp_path: Path) -> None:
    store = fresh(tmp_path)
    Path(store.base, "tokens").write_text("a file where a folder has to be")
    with pytest.raises(KdTokenError) as told:
        list(spread.add_all(jobs(dumps, store), workers=2))
    assert "cannot write the" in told.value.message and told.value.next_step
    # What could not be read has no part there, and its row may be written by then; nothing else may.
    assert [one for one in known_sources(store) if one.row["error"] is None] == []


def test_symbols_are_fetched_by_one_source_of_each_kernel(
    dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First whatever needs none; then one of each kernel asks the server; then the rest find what it brought."""
    seen: List[Any] = []
    brought = set()

    def reading(job: Job) -> Summary:
        kernel = int(Path(job.name).stem) % 3
        seen.append((job.request.download, kernel))
        if job.request.download:
            brought.add(kernel)
        wanted = "" if kernel in brought or kernel == 2 else "ntkrnlmp.pdb, GUID and age %d" % kernel
        return Summary(job.name, BROKEN if wanted else ADDED, wanted=wanted)

    monkeypatch.setattr(spread, "add_source", reading)
    told = list(spread.add_all(jobs(dumps, fresh(tmp_path), download=True), workers=1))
    assert sorted(one.name for one in told) == sorted(one.name for one in jobs(dumps, fresh(tmp_path)))
    assert {one.status for one in told} == {ADDED}
    assert [kernel for download, kernel in seen[COUNT : COUNT + 2] if download] == [0, 1]
    assert seen[:COUNT] == [(False, number % 3) for number in range(COUNT)]


# -- Dask


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def address() -> Iterator[str]:
    """Of a scheduler with two workers, here in threads; the bench has one of processes, and kills them."""
    distributed = pytest.importorskip("distributed")
    quiet = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(protocol="tcp", **quiet) as made:
        yield made.scheduler_address


def test_on_a_cluster(dumps: Dumps, alone: Store, address: str, tmp_path: Path) -> None:
    store = fresh(tmp_path)
    told = list(spread.add_all(jobs(dumps, store), address))
    assert sorted(one.name for one in told) == sorted(job.name for job in jobs(dumps, store))
    assert sorted(one.status for one in told) == [ADDED] * (COUNT - 1) + [BROKEN]
    assert tree(store.base) == tree(alone.base)


def test_what_ends_the_run_on_a_cluster(dumps: Dumps, address: str, tmp_path: Path) -> None:
    """No room on a worker's side is one message here, as it is on this machine's cores."""
    store = fresh(tmp_path)
    Path(store.base, "tokens").write_text("a file where a folder has to be")
    with pytest.raises(KdTokenError) as told:
        list(spread.add_all(jobs(dumps, store), address))
    assert "cannot write the" in told.value.message and told.value.next_step
    # What could not be read has no part there, and its row may be written by then; nothing else may.
    assert [one for one in known_sources(store) if one.row["error"] is None] == []


def test_a_scheduler_that_does_not_answer(
    dumps: Dumps, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(spread, "_CONNECT", 1.0)
    store = fresh(tmp_path)
    before = tree(store.base)
    with pytest.raises(KdTokenError) as told:
        list(spread.add_all(jobs(dumps, store), "tcp://127.0.0.1:%d" % port))
    assert "no Dask scheduler answers at tcp://127.0.0.1:%d" % port in told.value.message and told.value.next_step
    assert tree(store.base) == before
    for address in ("127.0.0.1:8786", "frobnicate"):
        with pytest.raises(UsageError, match="is no scheduler's address"):
            list(spread.add_all(jobs(dumps, store), address))


def test_something_else_answers_there(dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that takes the connection and says nothing, as a firewall's tar pit does."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(spread, "_CONNECT", 2.0)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = "tcp://127.0.0.1:%d" % deaf.getsockname()[1]
        with pytest.raises(KdTokenError, match="no Dask scheduler answers"):
            list(spread.add_all(jobs(dumps, fresh(tmp_path)), address))


def test_without_the_package(dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdtoken.dataset.parts.find_spec", lambda name: None)
    with pytest.raises(UsageError) as told:
        list(spread.add_all([Job(str(tmp_path), Request(("tour",)))], "tcp://127.0.0.1:1"))
    assert told.value.next_step == 'pip install "kdtoken[cluster]"'


@pytest.mark.parametrize("of_system, of_this, known", [(8, {0, 3}, 2), (8, None, 8), (None, None, 1)])
def test_cores_are_those_that_this_process_may_use(
    of_system: Optional[int], of_this: Optional[Set[int]], known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows and macOS do not tell which cores a process may use; and some systems tell no number at all."""
    monkeypatch.setattr(os, "cpu_count", lambda: of_system)
    if of_this is None:
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: of_this, raising=False)
    assert spread.cores() == walk._cores() == known
