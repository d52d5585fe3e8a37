"""`lake` at its size: 200 dumps on a Dask cluster of processes that die meanwhile, and a lake in a store that speaks S3."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List

import distributed  # noqa: F401  the bench skips nothing: what it needs is installed before
import moto  # noqa: F401
import pytest
import s3fs

from kdtoken import lake
from kdtoken.dataset import spread
from kdtoken.dataset.pack import known_sources
from kdtoken.dataset.store import Store
from kdtoken.dataset.work import ADDED, BROKEN, THERE, Job, Summary, add_source
from kdtoken.machine.open import Request
from tests.engine.lake_cluster import Cluster, free_port
from tests.lake_dumps import Dumps, host_of, some, strange_machines, tree

COUNT = 200


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    """Of six builds, three of them of machines with something written into them; 20 cut, 20 broken."""
    made = Dumps(tmp_path_factory.mktemp("dumps"), strange_machines(6))
    some(made, COUNT)
    return made


def jobs(dumps: Dumps, store: Store) -> List[Job]:
    names = sorted(str(path) for path in dumps.folder.glob("*.dmp"))
    return [Job(store.url, Request((name,), symbols=str(dumps.symbols), lenient=True)) for name in names]


def fresh(path: Path, name: str) -> Store:
    store = Store(str(path / name))
    store.check(create=True)
    return store


def test_two_hundred_dumps_on_a_cluster_that_loses_a_worker_and_its_scheduler(dumps: Dumps, tmp_path: Path) -> None:
    """The same rows, byte for byte, as one process makes of them, one after the other."""
    alone, spread_out = fresh(tmp_path, "alone"), fresh(tmp_path, "cluster")
    began = time.monotonic()
    first = [add_source(job) for job in jobs(dumps, alone)]
    one_process = time.monotonic() - began
    assert [one.status for one in first].count(BROKEN) == COUNT // 10
    cluster = Cluster(tmp_path)
    told: List[Summary] = []
    try:
        for one in spread.add_all(jobs(dumps, spread_out), cluster.address):
            told.append(one)
            if len(told) == 40:
                cluster.kill_worker()
            if len(told) == 90:
                cluster.restart_scheduler()
    finally:
        cluster.close()
    assert sorted(one.name for one in told) == sorted(one.name for one in first)  # none lost, none twice
    assert {one.name for one in told if one.status == BROKEN} == {one.name for one in first if one.status == BROKEN}
    assert all(one.status in (ADDED, THERE) for one in told if one.status != BROKEN)
    files = tree(spread_out.base)
    # Who is killed while it writes leaves that one file behind, under a name that nothing reads: at most one a worker.
    torn = {name for name in files if name.rpartition("/")[2].startswith(".") and name.endswith(".part")}
    assert {name: data for name, data in files.items() if name not in torn} == tree(alone.base)
    assert len(torn) <= cluster.killed and spread_out.keys() == alone.keys()
    assert {key.host for key in spread_out.keys()} >= {host_of(0), host_of(3), host_of(COUNT - 1)}
    print("200 dumps: %.1f s in one process" % one_process)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks S3, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    log = open(str(tmp_path_factory.mktemp("moto") / "log"), "wb")
    server = subprocess.Popen(command, stdout=log, stderr=log)
    url = "http://127.0.0.1:%d" % port
    deadline = time.monotonic() + 60
    files = s3fs.S3FileSystem(key="a", secret="b", endpoint_url=url)
    while True:
        try:
            files.call_s3("create_bucket", Bucket="case")
            break
        except Exception:  # noqa: BLE001  whatever it says while it is not there yet
            assert time.monotonic() < deadline and server.poll() is None
            time.sleep(0.3)
    yield url
    server.kill()
    server.wait()
    log.close()


def test_a_lake_and_its_sources_in_a_store_that_speaks_s3(
    dumps: Dumps, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As people use it: keys and address of the store are in the environment, where its package looks for them."""
    environment: Dict[str, str] = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    names = sorted(dumps.folder.glob("*.dmp"))[:6]  # the fifth is cut, the sixth is broken
    for path in names:
        files.put_file(str(path), "case/dumps/" + path.name)
    local = str(tmp_path / "local")
    for target in ("s3://case/lake", local):
        assert lake.main([target, "add", "s3://case/dumps", "--symbols", str(dumps.symbols)]) == 2
        told = capsys.readouterr()
        assert "6 sources: 5 added" in told.out and "s3://case/dumps/0005.dmp" in told.err
    # The same in both; there is no folder in between, and nothing half written.
    stored = {path[len("case/lake/") :]: files.cat_file(path) for path in files.find("case/lake")}
    assert stored == {path.replace(os.sep, "/"): data for path, data in tree(local).items()}
    assert lake.main(["s3://case/lake", "add", "s3://case/dumps", "--symbols", str(dumps.symbols)]) == 2
    assert "0 added, 5 there already" in capsys.readouterr().out
    assert lake.main(["s3://case/lake", "ask", "SELECT count(*) AS n FROM processes WHERE pid = 4", "--csv"]) == 0
    assert capsys.readouterr().out.split("\n")[1] == "4"
    assert lake.main(["s3://nobody/lake", "ask", "SELECT 1"]) == 2
    assert "s3://nobody/lake" in capsys.readouterr().err
    s3fs.S3FileSystem.clear_instance_cache()


def test_every_row_of_sources_has_its_parts(dumps: Dumps, tmp_path: Path) -> None:
    """All cores of this machine, through the very same code."""
    store = fresh(tmp_path, "cores")
    told: List[Summary] = list(spread.add_all(jobs(dumps, store)[:24]))
    assert len(told) == 24 and all(store.is_whole(one) for one in known_sources(store))
