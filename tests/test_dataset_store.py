"""The folder of a lake: written whole or not at all, once, by however many; and what is said when it is none."""

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

from kdtoken.dataset import store as stores  # noqa: E402
from kdtoken.dataset import work  # noqa: E402
from kdtoken.dataset.pack import known_sources  # noqa: E402
from kdtoken.dataset.parts import arrow_type, part_bytes, part_schema  # noqa: E402
from kdtoken.dataset.schema import DATA, IDENTITY, TABLES, VERSION  # noqa: E402
from kdtoken.dataset.store import MARKER, Answered, Key, Known, Store, _told  # noqa: E402
from kdtoken.dataset.work import (  # noqa: E402
    ADDED,
    BROKEN,
    THERE,
    Job,
    Print,
    Summary,
    add_source,
    captured_text,
    print_of,
    source_of,
)
from kdtoken.errors import BadFormat, KdTokenError, UsageError  # noqa: E402
from kdtoken.machine.open import Request  # noqa: E402
from tests.lake_dumps import TIME, Dumps, host_of, tree  # noqa: E402

SOURCE = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    return Dumps(tmp_path_factory.mktemp("dumps"), builds=1)


def lake_at(path: Path) -> Store:
    store = Store(str(path))
    store.check(create=True)
    return store


def add(store: Store, dumps: Dumps, name: str) -> Summary:
    known = {one.row["path"]: one for one in known_sources(store)}
    return add_source(Job(store.url, Request((name,), symbols=str(dumps.symbols), lenient=True), known.get(name)))


def test_a_source_is_seven_files_and_comes_back_as_it_went_in(dumps: Dumps, tmp_path: Path) -> None:
    store = lake_at(tmp_path / "lake")
    name = dumps.write(7)
    summary = add(store, dumps, name)
    assert summary == Summary(name, ADDED, summary.source, host_of(7), 30)
    files = tree(store.base)
    below = "host=PC-0007/captured=20221111T225635Z/source=%s/rows.parquet" % summary.source
    assert sorted(files) == sorted([MARKER] + [os.path.join(table.name, *below.split("/")) for table in TABLES])
    (known,) = known_sources(store)
    assert known.key == Key("PC-0007", "20221111T225635Z", summary.source)
    row = store.row(known.key)
    assert row is not None and row["path"] == name and row["kind"] == "crash_dump" and row["error"] is None
    assert row["size"] == os.path.getsize(name) and row["modified"] == os.stat(name).st_mtime_ns
    assert row["part_bytes"] == sum(len(files[os.path.join(table, *below.split("/"))]) for table in DATA)
    assert row["build"] == "10.0.17763" and row["synthetic"] and row["whole"] and row["processes"] == 30
    for table in TABLES:
        rows = store.table(table.name).to_table().to_pylist()
        assert rows and {(one["host"], one["captured"], one["source"]) for one in rows} == {tuple(known.key)}
        assert list(rows[0]) == [column.name for column in IDENTITY + table.columns]


def test_the_same_source_twice_changes_nothing(dumps: Dumps, tmp_path: Path) -> None:
    store = lake_at(tmp_path / "lake")
    name = dumps.write(1)
    first = add(store, dumps, name)
    before = tree(store.base)
    stamps = {path: os.stat(os.path.join(store.base, path)).st_mtime_ns for path in before}
    # Named again; as a copy that lies elsewhere; and copied over itself, so that its time is another.
    copy = dumps.write(1, tmp_path / "copy.dmp")
    for again in (name, copy, dumps.write(1)):
        told = add(store, dumps, again)
        assert (told.status, told.source, told.host, told.processes) == (THERE, first.source, host_of(1), 30)
    assert tree(store.base) == before
    assert stamps == {path: os.stat(os.path.join(store.base, path)).st_mtime_ns for path in before}


def test_what_did_not_change_is_not_opened(dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = lake_at(tmp_path / "lake")
    name = dumps.write(2)
    add(store, dumps, name)
    monkeypatch.setattr("kdtoken.dataset.work.open_request", None)
    monkeypatch.setattr("kdtoken.dataset.work.print_of", None)
    assert add(store, dumps, name).status == THERE


def test_a_broken_source_is_a_row_and_gives_way_when_it_can_be_read(dumps: Dumps, tmp_path: Path) -> None:
    store = lake_at(tmp_path / "lake")
    name = dumps.write(3)
    no_symbols = Job(store.url, Request((name,), symbols=str(tmp_path / "nowhere"), lenient=True))
    told = add_source(no_symbols)
    assert told.status == BROKEN and name in told.error and told.wanted.startswith("ntkrnlmp.pdb, GUID and age ")
    (known,) = known_sources(store)
    row = store.row(known.key)
    assert row is not None and row["error"] == told.error and row["processes"] is None and row["part_bytes"] == 0
    before = tree(store.base)
    assert add_source(no_symbols._replace(known=known)).status == BROKEN and tree(store.base) == before
    assert add(store, dumps, name).status == ADDED
    (known,) = known_sources(store)
    assert known.row["error"] is None and known.key.host == host_of(3)


def test_a_broken_source_becomes_another(dumps: Dumps, tmp_path: Path) -> None:
    """One row of what cannot be read, the last; what could be read before stays."""
    store = lake_at(tmp_path / "lake")
    path = tmp_path / "a.dmp"
    for text in (b"no dump", b"no dump either"):
        path.write_bytes(text)
        assert add(store, dumps, str(path)).status == BROKEN
    assert len(known_sources(store)) == 1
    dumps.write(4, path)
    assert add(store, dumps, str(path)).status == ADDED
    path.write_bytes(b"no dump any more")
    assert add(store, dumps, str(path)).status == BROKEN
    assert sorted(one.row["error"] is None for one in known_sources(store)) == [False, True]


def test_a_run_that_was_killed_leaves_a_whole_lake(
    dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, the source is not there, and the next run writes what an undisturbed one would have."""
    name = dumps.write(5)
    whole = lake_at(tmp_path / "whole")
    add(whole, dumps, name)
    put = Store.put
    for stop in range(len(TABLES)):
        store = lake_at(tmp_path / ("killed-%d" % stop))
        left = [stop]

        def killed(self: Store, below: str, data: bytes, left: List[int] = left) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            put(self, below, data)

        monkeypatch.setattr(Store, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            add(store, dumps, name)
        monkeypatch.setattr(Store, "put", put)
        assert store.keys() == [] and known_sources(store) == []
        assert add(store, dumps, name).status == ADDED
        assert tree(store.base) == tree(whole.base)


def test_two_runs_at_once_write_the_same(dumps: Dumps, tmp_path: Path) -> None:
    alone, both = lake_at(tmp_path / "alone"), lake_at(tmp_path / "both")
    names = [dumps.write(number) for number in (10, 11)]
    for name in names:
        add(alone, dumps, name)
    ready, told = threading.Barrier(2), []

    def run() -> None:
        ready.wait()
        for name in names:
            told.append(add_source(Job(both.url, Request((name,), symbols=str(dumps.symbols), lenient=True))))

    runs = [threading.Thread(target=run) for _ in range(2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert len(told) == 4 and {one.status for one in told} <= {ADDED, THERE}
    assert tree(both.base) == tree(alone.base)


def test_no_room_on_the_disk(dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third part finds no room: one message, and the lake is as it was."""
    store = lake_at(tmp_path / "lake")
    add(store, dumps, dumps.write(20))
    before = tree(store.base)
    name, real, wrote = dumps.write(21), os.fsync, []

    def full(handle: int) -> None:
        wrote.append(handle)
        if len(wrote) > 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KdTokenError) as told:
        add(store, dumps, name)
    monkeypatch.undo()
    assert "No space left on device" in told.value.message and store.base in told.value.message
    assert told.value.next_step == "another folder, with room, where you may"
    assert [one.row["path"] for one in known_sources(store)] == [str(dumps.folder / "0020.dmp")]
    after = tree(store.base)
    assert {path: after[path] for path in before} == before and not any(path.endswith(".part") for path in after)
    assert add(store, dumps, name).status == ADDED


@pytest.mark.parametrize("table", ["tokens", "sources"])
@pytest.mark.parametrize("how", ["cut", "gone", "changed"])
def test_a_half_written_part(dumps: Dumps, tmp_path: Path, table: str, how: str) -> None:
    store = lake_at(tmp_path / "lake")
    name = dumps.write(30)
    summary = add(store, dumps, name)
    (key,) = store.keys()
    path = Path(store.path(table, key))
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-100] if how == "cut" else bytes(len(whole)))
    if table == "tokens" or how != "gone":  # a source without its row was never added
        with pytest.raises(KdTokenError) as told:
            store.table(table, store.keys(), ["source"])
        assert str(path) in told.value.message and "damaged or missing" in told.value.message
        assert ("kdtoken lake %s add " % store.url) in told.value.next_step
        if table == "tokens":
            assert told.value.next_step.endswith(name)
    if how == "changed" and table == "tokens":
        path.unlink()  # as the message says: its length tells nothing
    # Named again, it is read again, and only then.
    assert add(store, dumps, name) == summary
    assert path.read_bytes() == whole and add(store, dumps, name).status == THERE


@pytest.mark.parametrize(
    "marker, words",
    [
        (
            json.dumps({"kdtoken-lake": VERSION + 1}),
            "is of version %d, and this kdtoken knows %d" % (VERSION + 1, VERSION),
        ),
        ("{}", "its %s says nothing" % MARKER),
        ("\xff not JSON", "its %s says nothing" % MARKER),
        (json.dumps({"kdtoken-lake": True}), "its %s says nothing" % MARKER),
        (json.dumps({"kdtoken-lake": 0}), "its %s says nothing" % MARKER),
        ("[" * 100000, "its %s says nothing" % MARKER),
        (None, "there is no %s in it" % MARKER),
    ],
)
def test_a_folder_that_is_no_lake_of_ours(tmp_path: Path, marker: Any, words: str) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    if marker is not None:
        (tmp_path / MARKER).write_text(marker, encoding="latin-1")
    before = tree(str(tmp_path))
    for create in (False, True):
        with pytest.raises(UsageError) as told:
            Store(str(tmp_path)).check(create=create)
        assert words in told.value.message and str(tmp_path) in told.value.message and told.value.next_step
    assert tree(str(tmp_path)) == before


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no lake"):
        Store(str(tmp_path / "nothing")).check()
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file, and a lake is a folder"):
        Store(str(tmp_path / "file")).check(create=True)
    with pytest.raises(UsageError, match="no such kind of address"):
        Store("frobnicate://bucket/lake")


@pytest.mark.parametrize(
    "host",
    ["ANNA-PC", "", "..", "a/../../b", "con.", "a=b", "%2E", "caf\u00e9", "\\\\x\\c$", "__x__", " ", "a\0b", ":*?"],
)
def test_a_host_s_name_cannot_leave_the_folder(host: str) -> None:
    """It comes out of a dump, whose writer may have chosen it."""
    key = Key(host, "20221104T225635Z", SOURCE)
    words = key.folder.split("/")
    assert len(words) == 3 and words[0].startswith("host=") and not set(words[0]) & set('\\/:*?"<>|\0.')
    assert stores._key_of("sources/%s/rows.parquet" % key.folder) == key


def test_a_host_s_name_that_is_too_long_is_cut() -> None:
    folder = Key("\u20ac" * 30000, "", SOURCE).folder
    assert len(folder.split("/")[0]) < 200


@pytest.mark.parametrize(
    "path",
    [
        "x/rows.parquet",
        "host=a/captured=b/source=c/.rows.parquet.part",
        "host=a/b/source=c/rows.parquet",
        "host/captured=/source=/rows.parquet",
    ],
)
def test_other_files_are_none_of_ours(path: str) -> None:
    assert stores._key_of(path) is None


def test_the_same_rows_give_the_same_bytes_and_come_back_typed() -> None:
    import pyarrow
    from pyarrow import parquet

    row: Dict[str, Any] = dict.fromkeys(column.name for column in TABLES[1].columns)
    row.update(
        eprocess=(1 << 64) - 1, pid=4, protection=0x41, created=-11_644_473_600_000_000, missing=[("token", "x")]
    )
    data = part_bytes("processes", [row])
    assert data == part_bytes("processes", [dict(row)])
    back = parquet.read_table(pyarrow.BufferReader(data))
    assert back.schema.equals(part_schema("processes"))
    found = back.to_pylist()[0]
    assert found["eprocess"] == (1 << 64) - 1 and found["missing"] == [("token", "x")]
    assert str(found["created"]) == "1601-01-01 00:00:00"
    for table in TABLES:
        assert part_bytes(table.name, []) and all(arrow_type(one) is not None for one in table.columns)


def test_times_of_paths() -> None:
    assert captured_text(TIME) == "20221104T225635Z"
    assert captured_text(0) == "" and captured_text(1 << 63) == "" and captured_text(-5) == ""


def test_a_large_file_is_told_by_a_part_of_it_and_by_what_its_lists_say(
    dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two dumps of one machine may be alike in every page that was looked at, and yet differ in a token."""
    from kdtoken.dataset import work
    from kdtoken.machine.open import open_request

    name = dumps.write(40)
    monkeypatch.setattr(work, "HASHED_WHOLE", 1)
    monkeypatch.setattr(work, "_SAMPLES", 8)
    read: List[int] = []
    real = work._pieces
    monkeypatch.setattr(work, "_pieces", lambda *of: (read.append(len(one)) or one for one in real(*of)))
    found = print_of(name, name, 0)
    assert not found.all_of_it and sum(read) == 8 * 4096
    with open_request(Request((name,), symbols=str(dumps.symbols))) as machine:
        made = work.rows_of(machine)
    assert source_of(found, None) == found.sample != source_of(found, made)
    assert source_of(found, made) == source_of(Print(found.sample, False, 1, 2), made)
    other = {**made.tables, "tokens": [dict(row) for row in made.tables["tokens"]]}
    other["tokens"][3]["modified_id"] += 1
    assert source_of(found, made._replace(tables=other)) != source_of(found, made)
    # Our words for it are no part of it: another version of kdtoken may have others.
    worded = {**made.tables, "tokens": [dict(row, user_name="?") for row in made.tables["tokens"]]}
    assert source_of(found, made._replace(tables=worded)) == source_of(found, made)
    store = lake_at(tmp_path / "lake")
    assert add(store, dumps, name).status == ADDED
    assert add(store, dumps, dumps.write(40, tmp_path / "copy.dmp")).status == THERE
    assert isinstance(known_sources(store)[0], Known)


def test_a_lake_in_a_store_of_objects(dumps: Dumps) -> None:
    """fsspec's own, in memory; the bench has one that speaks S3."""
    store = Store("memory://case/lake")
    store.check(create=True)
    name = dumps.write(50)
    assert add(store, dumps, name).status == ADDED and add(store, dumps, name).status == THERE
    assert len(store.table("processes").to_table()) == 30
    with store.fs.open("memory://case/dumps/51.dmp", "wb") as out:
        out.write(Path(dumps.write(51)).read_bytes())
    told = add(store, dumps, "memory://case/dumps/51.dmp")
    assert told.status == ADDED and told.host == host_of(51)
    store.fs.pipe_file("memory://case/dumps/52.dmp", b"no dump")
    told = add(store, dumps, "memory://case/dumps/52.dmp")
    assert told.status == BROKEN and "memory://case/dumps/52.dmp" in told.error and "kdtoken-" not in told.error
    assert add(store, dumps, "memory://case/dumps/none.dmp").error.startswith(
        "cannot read memory://case/dumps/none.dmp"
    )
    store.fs.rm("memory://case", recursive=True)


class Refusal(Exception):
    """As botocore's ClientError: of no class that anybody knows."""


class Refusing:
    """A file system that answers everything with an error of its own."""

    def __getattr__(self, name: str) -> Any:
        def refuse(*arguments: Any, **named: Any) -> None:
            raise Refusal("<Error><Code>AccessDenied</Code></Error>")

        return refuse


def test_what_a_store_raises_of_its_own_is_one_line_of_ours(monkeypatch: Any) -> None:
    monkeypatch.setattr(work, "fs_of", lambda url: (Refusing(), "bucket/*"))
    with pytest.raises(
        BadFormat, match="^cannot read s3://bucket/a.dmp: its store has no such file, or refuses"
    ) as one:
        work.stat_of("s3://bucket/a.dmp")
    assert isinstance(one.value.__cause__, Refusal)
    with pytest.raises(BadFormat, match="^cannot read s3://bucket/a.dmp: its store"), work.brought("s3://bucket/a.dmp"):
        raise AssertionError("nothing was brought")
    with pytest.raises(UsageError, match="^cannot read s3://bucket/[*]: its store refuses"):
        work.remote_files("s3://bucket/*")


def test_ctrl_c_and_our_own_errors_pass_a_store_as_they_are() -> None:
    with pytest.raises(KeyboardInterrupt), Answered(lambda error: BadFormat("never")):
        raise KeyboardInterrupt
    with pytest.raises(UsageError, match="mine"), Answered(lambda error: BadFormat("never")):
        raise UsageError("mine")


@pytest.mark.parametrize(
    "error, reason",
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError("x"), "no file can have that name"),
        (RuntimeError("botocore's own words"), "its store refuses"),  # no text of a library reaches a person
    ],
)
@pytest.mark.parametrize("local", [True, False])
def test_what_a_file_system_raises_is_told_in_our_words(error: Exception, reason: str, local: bool) -> None:
    store: Any = SimpleNamespace(url="s3://lake", is_local=local)
    with pytest.raises(KdTokenError) as caught:
        with _told(store, "write"):
            raise error
    assert caught.value.message == "cannot write the lake s3://lake: %s" % reason
    step = "another folder, with room, where you may" if local else "is the address right, and may you?"
    assert caught.value.next_step == step
    # An error of ours is left as it is.
    ours = KdTokenError("x")
    with pytest.raises(KdTokenError) as caught:
        with _told(store, "write"):
            raise ours
    assert caught.value is ours
