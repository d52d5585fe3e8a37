"""Packs: many parts as few files, which hold nothing else and may go away at any time."""

import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")
pytest.importorskip("fsspec")

from kdtoken.dataset import ask, pack  # noqa: E402
from kdtoken.dataset.pack import find_pack, known_sources  # noqa: E402
from kdtoken.dataset.rows import Machined  # noqa: E402
from kdtoken.dataset.schema import TABLES  # noqa: E402
from kdtoken.dataset.store import PACKED, Store  # noqa: E402
from kdtoken.errors import KdTokenError  # noqa: E402
from tests.lake_dumps import tree  # noqa: E402
from tests.machine.declared import MACHINE  # noqa: E402
from tests.machine.strange import QUIET  # noqa: E402
from tests.test_dataset_ask import made_of, put  # noqa: E402


@lru_cache(maxsize=None)
def made() -> Dict[str, Machined]:
    declared, quiet = made_of(MACHINE), made_of(QUIET)
    return {"A": declared, "B": quiet, "C": quiet, "D": declared}


def filled(path: Path, names: str = "ABC") -> Store:
    store = Store(str(path / "lake"))
    store.check(create=True)
    for name in names:
        put(store, made()[name], "" if name == "C" else "HOST-" + name, ord(name))
    put(store, None, "", 9, error="no dump")
    return store


def everything(store: Store) -> Dict[str, List[Any]]:
    return {table.name: sorted(map(repr, ask.ask(store, "SELECT * FROM %s" % table.name).rows)) for table in TABLES}


def test_a_pack_answers_as_its_parts_do(tmp_path: Path) -> None:
    store = filled(tmp_path)
    before, told, there = tree(store.base), everything(store), known_sources(store)
    assert not pack.pack(store) and not pack.pack(store, 5) and pack.pack(store, 4)
    (name,) = store.packs()
    found = find_pack(store, store.keys())
    assert found is not None and found.name == name and {key.host for key in found.keys} == {"HOST-A", "HOST-B", ""}
    assert everything(store) == told
    # The parts are what they were, and what a pack makes of them is read instead of them.
    assert {path: data for path, data in tree(store.base).items() if not path.startswith(PACKED)} == before
    for key in found.keys:
        Path(store.path("tokens", key)).write_bytes(b"")
    assert everything(store) == told
    assert sorted((one.key, one.row["path"], one.row["error"]) for one in known_sources(store)) == sorted(
        (one.key, one.row["path"], one.row["error"]) for one in there
    )


def test_what_is_added_later_lies_beside_it_until_the_next(tmp_path: Path) -> None:
    store = filled(tmp_path)
    pack.pack(store, 1)
    put(store, made()["D"], "HOST-D", ord("D"))
    told = everything(store)
    assert len([row for row in told["sources"] if "HOST-D" in row]) == 1
    (first,) = store.packs()
    assert pack.pack(store, 1) and everything(store) == told
    # The one before may be read just now: it goes with the next.
    assert len(store.packs()) == 2
    put(store, made()["B"], "HOST-E", 77)
    assert pack.pack(store, 1) and first not in store.packs() and len(store.packs()) == 2
    found = find_pack(store, store.keys())
    assert found is not None and len(found.keys) == 5
    # The share that the new ones must be of the packed.
    put(store, made()["B"], "HOST-F", 78)
    pack_share, pack.SHARE = pack.SHARE, 1
    try:
        assert not pack.pack(store, 1)
    finally:
        pack.SHARE = pack_share


def test_a_source_that_was_taken_out_by_hand_is_not_told_of(tmp_path: Path) -> None:
    store = filled(tmp_path)
    pack.pack(store, 1)
    gone = next(key for key in store.keys() if key.host == "HOST-A")
    Path(store.path("sources", gone)).unlink()
    assert find_pack(store, store.keys()) is None
    assert {row[0] for row in ask.ask(store, "SELECT DISTINCT host FROM processes").rows} == {"HOST-B", None}


def test_a_pack_that_was_not_finished(tmp_path: Path) -> None:
    """It counts only with its sources, which are written last; the next one is whole."""
    store = filled(tmp_path)
    told = everything(store)
    pack.pack(store, 1)
    (name,) = store.packs()
    Path(store.below("%s/%s/sources.parquet" % (PACKED, name))).write_bytes(b"PAR1 half")
    assert find_pack(store, store.keys()) is None and everything(store) == told
    assert pack.pack(store, 1) and find_pack(store, store.keys()) is not None and everything(store) == told


def test_a_damaged_pack_is_named(tmp_path: Path) -> None:
    store = filled(tmp_path)
    told = everything(store)
    pack.pack(store, 1)
    (name,) = store.packs()
    path = Path(store.below("%s/%s/groups.parquet" % (PACKED, name)))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(KdTokenError) as said:
        ask.ask(store, "SELECT sid FROM groups")
    assert str(path) in said.value.message and "delete the folder" in said.value.next_step
    shutil.rmtree(str(path.parent))
    assert everything(store) == told
