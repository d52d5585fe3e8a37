"""`walk` of several dumps: in order, each with its own symbols, a broken one told and the rest kept."""

import csv
import gc
import io
import json
import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken import cli, walk
from kdtoken.cli import output
from kdtoken.errors import KdTokenError
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.open import Request
from kdtoken.render import walk_files
from kdtoken.render.walk_files import failed
from tests.engine.volatility import isf
from tests.expected import WINDOWS_11, file_of
from tests.fake_image import as_image, fake_image
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import build
from tests.schemas import validator

PIDS = [one.pid for one in MACHINE.processes]
MORE = grown(MACHINE, 33, len(MACHINE.tokens))


class Case:
    """Dumps of two builds with a broken one between, and a folder with the symbols of both."""

    def __init__(self, folder: Path) -> None:
        self.symbols = folder / "symbols"
        self.symbols.mkdir()
        self.files: List[str] = []
        # Two ages, so that the symbols of one fit the other's GUID and yet must not be taken.
        for age, (layout_file, machine) in enumerate([(WINDOWS_11, MACHINE), (file_of("10.0.19041"), MORE)], 1):
            layouts = load_layouts(layout_file)
            image = fake_image(layouts, age)
            path = folder / ("%d.dmp" % age)
            write_dump(build(machine, layouts, image), path)
            (self.symbols / ("%d.json" % age)).write_text(json.dumps(isf(layouts, as_image(image))))
            self.files.append(str(path))
        broken = folder / "broken.dmp"
        broken.write_bytes(b"no dump at all")
        self.files.insert(1, str(broken))


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("dumps"))


Ran = Tuple[int, str, str]


def run(case: Case, capsys: pytest.CaptureFixture[str], *words: str) -> Ran:
    code = walk.main([*words, "--symbols", str(case.symbols)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_csv(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(case, capsys, *case.files, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0])[:3] == ["file", "host", "pid"]
    first, broken, last = case.files
    assert [row["file"] for row in rows] == [first] * len(PIDS) + [broken] + [last] * len(MORE.processes)
    good = [row for row in rows if row["file"] != broken]
    assert [int(row["pid"]) for row in good] == PIDS + [one.pid for one in MORE.processes]
    assert {row["host"] for row in good} == {"ANNA-PC"}
    assert all(row["integrity"] == "System" for row in good if row["pid"] == "4")  # both by their own layouts
    bad = next(row for row in rows if row["file"] == broken)
    assert bad["oddities"].startswith("!! ") and "no Windows crash dump" in bad["oddities"] and not bad["pid"]
    assert code == 2 and err.count("kdtoken: ") == 1 and broken in err


def test_json(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(case, capsys, *case.files, "--json", "--threads")
    data = json.loads(out)
    validator("walk").validate(data)
    assert code == 2
    assert [one["file"] for one in data["dumps"]] == case.files
    assert [one.get("processes") for one in data["dumps"]] == [len(PIDS), None, len(MORE.processes)]
    assert "no Windows crash dump" in data["dumps"][1]["error"]
    # Each process is what the dump by itself gives, and its file.
    for file in (case.files[0], case.files[2]):
        code, out, _ = run(case, capsys, file, "--json", "--threads")
        alone = json.loads(out)
        assert code == 0 and "dumps" not in alone
        named = [{"file": file, "host": "ANNA-PC", **row} for row in alone["processes"]]
        assert named == [row for row in data["processes"] if row["file"] == file]


def test_the_schema_takes_no_mixture(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    check = validator("walk")
    several = json.loads(run(case, capsys, *case.files, "--json")[1])
    one = json.loads(run(case, capsys, "--dump", case.files[0], "--json")[1])
    for data in (several, one):
        del data["processes"][3:]  # validation is slow
    assert check.is_valid(several) and check.is_valid(one)
    for key in ("file", "host"):
        row = {name: value for name, value in several["processes"][0].items() if name != key}
        assert not check.is_valid({**several, "processes": [row]})
    assert not check.is_valid({**one, "dumps": []})
    assert not check.is_valid({**one, "processes": several["processes"]})
    assert not check.is_valid({**several, "dumps": [{**several["dumps"][0], "error": "no"}]})


def test_text(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(case, capsys, *case.files)
    lines = out.split("\n")
    # Paths are longer than a line may be, and wrap: look at the words.
    words = " ".join(out.split())
    places = [words.index(one) for one in case.files]
    assert places == sorted(places)
    assert words.count("host ANNA-PC") == 2 and "31 processes" in lines and "33 processes" in lines
    assert lines[-2] == "3 dumps, 64 processes; 1 could not be read"
    assert code == 2 and len(err.splitlines()) == 1


def test_filters_hold_for_each_and_the_host_is_known_all_the_same(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(case, capsys, case.files[0], case.files[2], "--csv", "--integrity", "low")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and rows
    assert {(row["integrity"], row["host"]) for row in rows} == {("Low", "ANNA-PC")}


def test_nothing_is_left_of_the_list(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(run(case, capsys, case.files[1], case.files[1], "--json")[1])
    assert data["processes"] == [] and len(data["dumps"]) == 2
    data = json.loads(run(case, capsys, case.files[0], case.files[2], "--json", "--user", "nobody")[1])
    assert data["processes"] == [] and [one["processes"] for one in data["dumps"]] == [0, 0]


def test_in_a_debugger_no_process_is_started(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """sys.executable is the debugger there."""
    expected = run(case, capsys, *case.files, "--csv")[1]
    monkeypatch.setattr("kdtoken.cli.in_debugger", lambda: True)
    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", None)
    assert run(case, capsys, *case.files, "--csv")[1] == expected


def _die(job: walk.Job) -> Any:
    """Stands in for a reader that the system ends."""
    import os

    if job.name.endswith("broken.dmp"):
        os._exit(9)
    return _real_one(job)


_real_one = walk._one


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the stand-in reaches the processes by fork")
def test_a_process_that_dies_takes_no_other_dump_along(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from multiprocessing import get_context

    expected = json.loads(run(case, capsys, *case.files, "--json")[1])
    monkeypatch.setattr(walk, "_cores", lambda: 2)
    monkeypatch.setattr(walk, "_one", _die)
    forking = get_context("fork")
    monkeypatch.setattr(
        "concurrent.futures.ProcessPoolExecutor", lambda n, **more: ProcessPoolExecutor(n, mp_context=forking, **more)
    )
    code, out, err = run(case, capsys, *case.files, "--json")
    data = json.loads(out)
    assert data["processes"] == expected["processes"]
    assert code == 2 and "was ended" in data["dumps"][1]["error"] and "was ended" in err


def test_processes_that_start_afresh_as_on_windows(case: Case) -> None:
    code = (
        "import sys, multiprocessing; multiprocessing.set_start_method('spawn')\n"
        "from kdtoken import walk; walk._cores = lambda: 2; sys.exit(walk.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *case.files, "--csv", "--symbols", str(case.symbols)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
        cwd=str(Path(__file__).parent.parent),
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(PIDS) + 1 + len(MORE.processes)


def test_usage(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    first, _, last = case.files
    for words, message in (
        ((first, "--dump", last), "give one of --dump and a file's name"),
        (("--dump", first, "--dump", last), "kdtoken walk A.dmp B.dmp"),
        ((first, last, "--json", "--csv"), "one of --json, --csv and --parquet"),
        ((first, last, "--integrity", "hihg"), "no integrity level"),
    ):
        code, out, err = run(case, capsys, *words)
        assert (code, out) == (2, "") and message in err and err.count("kdtoken: ") == 1


def test_a_pattern_that_the_shell_left_alone(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(run(case, capsys, str(Path(case.files[0]).parent / "?.dmp"), "--json")[1])
    assert [one["file"] for one in data["dumps"]] == [case.files[0], case.files[2]]


def test_parquet_without_pyarrow_is_one_message_and_no_file(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(walk_files, "find_spec", lambda name: None)
    path = tmp_path / "out.parquet"
    code, out, err = run(case, capsys, case.files[0], "--parquet", str(path))
    assert (code, out, path.exists()) == (2, "", False)
    assert "needs the package pyarrow" in err and "kdtoken[parquet]" in err


def test_columns_of_parquet(case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in for pyarrow that keeps what it is given."""
    kept: Dict[str, List[Any]] = {}
    standin = SimpleNamespace(
        array=lambda values, kind: (values, kind),
        int64=lambda: int,
        string=lambda: str,
        table=lambda columns: kept.update(columns),
        BufferOutputStream=lambda: SimpleNamespace(getvalue=lambda: SimpleNamespace(to_pybytes=lambda: b"PAR1")),
        write_table=lambda table, out: None,
    )
    monkeypatch.setattr(walk_files, "import_module", lambda name: standin)
    parts = [walk._one(job) for job in _jobs(case)]
    assert walk_files.parquet_bytes(parts) == b"PAR1"
    total = len(PIDS) + 1 + len(MORE.processes)
    for name, (values, kind) in kept.items():
        assert len(values) == total and all(value is None or type(value) is kind for value in values), name
    assert kept["pid"][0][: len(PIDS)] == PIDS
    assert [at for at, error in enumerate(kept["error"][0]) if error] == [len(PIDS)]
    assert kept["file"][0][len(PIDS)] == case.files[1]


def test_parquet_read_back(case: Case, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    code, out, _ = run(case, capsys, *case.files, "--parquet", str(path))
    count = len(PIDS) + len(MORE.processes)
    assert (code, out) == (2, "%s: %d processes of 3 sources\n" % (path, count))
    rows = parquet.read_table(str(path)).to_pylist()
    assert [row["pid"] for row in rows] == PIDS + [None] + [one.pid for one in MORE.processes]


def _jobs(case: Case) -> List[walk.Job]:
    from argparse import Namespace

    options = Namespace(json=False, csv=False, parquet="x", threads=False, user=None, integrity=None)
    return [walk.Job(Request((file,), symbols=str(case.symbols)), options) for file in case.files]


def test_a_host_that_is_not_known_is_null() -> None:
    parts = [walk_files.part_of("json", "a.dmp", host, [], {"build": "x"}, [], False) for host in ("", "ANNA-PC")]
    data = json.loads("\n".join(walk_files.lines_of_all([*parts, walk_files.failed("b.dmp", "no dump")], "json")))
    assert [one.get("host", "-") for one in data["dumps"]] == [None, "ANNA-PC", "-"]
    assert data["dumps"][2] == {"file": "b.dmp", "error": "no dump"} and data["processes"] == []


def test_an_error_of_several_lines_is_one_with_single_blanks(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(run(case, capsys, case.files[0], "no.dmp", "--json")[1])
    assert " next: " in data["dumps"][1]["error"] and "  " not in data["dumps"][1]["error"]


def test_nothing_stays_frozen_of_a_program_that_walked_several(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    """Each verb asks Python how many objects are frozen, which takes the longer the more there are."""
    gc.unfreeze()
    assert run(case, capsys, *case.files, "--json")[0] == 2
    assert gc.get_freeze_count() == 0 and not output._kept
    gc.freeze()
    try:
        mine = gc.get_freeze_count()
        assert run(case, capsys, *case.files, "--json")[0] == 2
        assert gc.get_freeze_count() >= mine // 2  # somebody's own stay frozen; what died is not counted
    finally:
        gc.unfreeze()


def test_a_source_whose_neighbour_took_the_pool_along_is_asked_again(case: Case) -> None:
    lost: "Future[walk.Part]" = Future()
    lost.set_exception(BrokenProcessPool("a process died"))
    first, broken, _ = _jobs(case)
    assert "no Windows crash dump" in walk._answer(lost, broken).error
    part = walk._answer(lost, first)
    assert (part.error, part.shown) == ("", len(PIDS))


class Nowhere(io.StringIO):
    """Takes what is printed and keeps nothing of it."""

    def write(self, text: str) -> int:
        return len(text)


# Bytes of all that is kept of a process and a token of its own until the last one is judged, 64-bit Python.
_KEPT = 4000


def test_what_was_printed_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory grows by what the rules need of each process: neither bytes of the dump nor lines of JSON, 1,100 of each."""
    layouts = load_layouts(WINDOWS_11)
    image = fake_image(layouts)
    (tmp_path / "nt.json").write_text(json.dumps(isf(layouts, as_image(image))))
    monkeypatch.setattr("sys.stdout", Nowhere())
    most = {}
    for count in (100, 200, 1200):  # the first warms up what is made once
        path = tmp_path / ("%d.dmp" % count)
        write_dump(build(grown(MACHINE, count, count), layouts, image), path)
        tracemalloc.start()
        assert walk.main(["--json", "--dump", str(path), "--symbols", str(tmp_path / "nt.json")]) == 0
        most[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (most[1200] - most[200]) / 1000 < _KEPT


@pytest.mark.parametrize(
    "error, said",
    [
        (MemoryError(), "there is not enough memory for it"),
        (RecursionError(), "it nests too deep"),
        (KdTokenError("it is damaged", None, "copy it again"), "it is damaged next: copy it again"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_part_with_its_reason(
    error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: Any) -> Any:
        raise error

    monkeypatch.setattr(cli, "opened", fail)
    job: Any = SimpleNamespace(name="a.dmp", request=None, options=SimpleNamespace(parquet=None, json=False, csv=False))
    assert walk._read_one(job) == failed("a.dmp", said)


def test_what_a_process_of_its_own_found_or_how_it_ended() -> None:
    job: Any = SimpleNamespace(name="a.dmp")

    def ended(error: Any, result: Any = None) -> Any:
        return SimpleNamespace(exception=lambda: error, result=lambda: result)

    assert walk._answer(ended(None, "the part"), job) == "the part"  # type: ignore[comparison-overlap]
    fault = walk._answer(ended(KeyError("x")), job)
    assert fault.error == "a fault in kdtoken itself (KeyError); alone, with --debug, it says more"
    gone = walk._answer(ended(BrokenProcessPool()), job, alone=True)
    assert gone == failed("a.dmp", "the process that read it was ended (out of memory?)")


@pytest.mark.parametrize("allowed, count, cores", [({0}, 8, 1), ({0, 3}, 8, 2), (None, 8, 8), (None, None, 1)])
def test_as_many_cores_as_this_process_may_use(
    allowed: Any, count: Any, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if allowed is None:
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: allowed, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert walk._cores() == cores
