"""Many parts as few files: of ten thousand sources each has seven small ones, and opening them is all that a question costs.

    packed/ID/TABLE.parquet      the rows of many sources, with host, captured and source as columns
    packed/ID/sources.parquet    written last: it makes the pack count, and says what is in it

A pack holds nothing that the parts do not: it may be deleted at any time, and the next `add` makes another.  What could
not be read is in none, since its row may go away; nor is a pack used of which a source was taken out of the lake by hand.
"""

import hashlib
from importlib import import_module
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence

from kdtoken.dataset.parts import part_schema
from kdtoken.dataset.schema import DATA, PARTITION
from kdtoken.dataset.store import OF_KNOWN, PACKED, Key, Known, Store
from kdtoken.errors import KdTokenError

# Sources beside the pack from which on a new one is made, and the part of those in it that they must be.
LEAST, SHARE = 256, 8
_GROUP = 1 << 17  # rows of a row group: what one thread of a reader takes


class Pack(NamedTuple):
    """A pack that may be used.

    keys  of the sources in it
    rows  their rows of `sources`
    """

    name: str
    keys: FrozenSet[Key]
    rows: List[Dict[str, Any]]

    def path(self, table: str) -> str:
        """Where a table of it lies, in the store."""
        return "%s/%s/%s.parquet" % (PACKED, self.name, table)


def find_pack(store: Store, keys: Sequence[Key]) -> Optional[Pack]:
    """The pack with most sources of which all are among `keys`; None where there is none."""
    parquet: Any = import_module("pyarrow.parquet")
    arrow: Any = import_module("pyarrow")
    there, best = frozenset(keys), None
    for name in store.packs():
        try:
            with store.arrow_fs().open_input_file(store.below("%s/%s/sources.parquet" % (PACKED, name))) as file:
                rows = parquet.ParquetFile(file).read().to_pylist()
        except (arrow.ArrowException, OSError):
            continue  # half written, or gone
        found = frozenset(_key(row) for row in rows)
        if found <= there and (best is None or len(found) > len(best.keys)):
            best = Pack(name, found, rows)
    return best


def pack(store: Store, at_least: int = LEAST) -> bool:
    """Make a pack of all that could be read, where enough lies beside the last one; whether one was made."""
    keys = store.keys()
    before = find_pack(store, keys)
    packed = before.keys if before is not None else frozenset()
    loose = [key for key in keys if key not in packed]
    if len(loose) < max(at_least, len(packed) // SHARE):
        return False
    rows = store.table("sources", loose, [*PARTITION, "error"]).to_pylist()
    readable = [_key(row) for row in rows if row["error"] is None]
    if not readable:
        return False
    name = hashlib.sha256("\n".join(sorted(key.folder for key in {*packed, *readable})).encode()).hexdigest()[:16]
    for table in (*DATA, "sources"):
        store.put("%s/%s/%s.parquet" % (PACKED, name, table), _packed(store, table, readable, before))
    for other in store.packs():
        # One that is being read may be the last before this; older ones are nobody's.
        if other != name and (before is None or other != before.name):
            store.forget_pack(other)
    return True


def _packed(store: Store, table: str, keys: List[Key], before: Optional[Pack]) -> bytes:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    out = arrow.BufferOutputStream()
    rows = store.table(table, keys, pack=None if before is None else before.path(table))
    with parquet.ParquetWriter(out, part_schema(table, True), compression="zstd", store_schema=False) as writer:
        waiting: List[Any] = []
        for batch in rows.to_batches():
            waiting.append(batch)
            if sum(map(len, waiting)) >= _GROUP:
                writer.write_table(arrow.Table.from_batches(waiting, rows.schema))
                waiting = []
        writer.write_table(arrow.Table.from_batches(waiting, rows.schema))
    data: bytes = out.getvalue().to_pybytes()
    return data


def known_sources(store: Store) -> List[Known]:
    """The rows of `sources`, as much of them as `add` needs; one that cannot be read does not count."""
    keys = store.keys()
    packed = find_pack(store, keys)
    found = [Known(_key(row), row) for row in packed.rows] if packed is not None else []
    loose = [key for key in keys if packed is None or key not in packed.keys]
    try:
        rows = store.table("sources", loose, [*PARTITION, *OF_KNOWN]).to_pylist() if loose else []
        return found + [Known(_key(row), row) for row in rows]
    except KdTokenError:
        one_by_one = [(key, store.row(key)) for key in loose]
        return found + [Known(key, row) for key, row in one_by_one if row is not None]


def _key(row: Dict[str, Any]) -> Key:
    return Key(*[row[one] or "" for one in PARTITION])
