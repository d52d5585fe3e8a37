"""`lake`: how fast the questions that ship are on 10,000 sources, and what a second worker brings.

    python -m tests.engine.bench_lake

The 10,000 sources are two machines' rows over and over, each time under another host and source, written as one pack.
Fails where a question takes two seconds.  The dumps for the workers are the tests' own, of six builds.
"""

import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, List

from kdtoken.dataset import ask, spread
from kdtoken.dataset.parts import part_bytes, part_schema
from kdtoken.dataset.rows import rows_of, source_row
from kdtoken.dataset.schema import DATA
from kdtoken.dataset.store import PACKED, Key, Store
from kdtoken.dataset.work import Job
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.open import Request
from tests.expected import FILES
from tests.lake_dumps import Dumps, strange_machines
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.strange import QUIET
from tests.machine.synthetic import SyntheticSource

SOURCES, DUMPS = 10_000, 200
LIMIT = 2.0  # seconds for a question
_GROUP = 1 << 17


def repeated(folder: Path, count: int = SOURCES) -> Store:
    """A lake with that many sources, two on each host, all of them in a pack."""
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    store = Store(str(folder / "lake"))
    store.check(create=True)
    machines = [rows_of(KernelMachine(SyntheticSource(build(one, load_layouts(FILES[3]))))) for one in (MACHINE, QUIET)]
    keys = [Key("PC-%05d" % (at // 2), "202211%02dT220000Z" % (1 + at % 28), "%032x" % at) for at in range(count)]
    for key in keys:  # what tells that a source is there is a file of that name
        path = Path(store.path("sources", key))
        path.parent.mkdir(parents=True)
        path.touch()
    for table in (*DATA, "sources"):
        parts: List[Any] = []
        for made in machines:
            rows = [source_row("/x.dmp", made, size=1, part_bytes=0)] if table == "sources" else made.tables[table]
            parts.append(parquet.read_table(arrow.BufferReader(part_bytes(table, rows))))
        path = Path(store.below("%s/made/%s.parquet" % (PACKED, table)))
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = part_schema(table, True)
        with parquet.ParquetWriter(str(path), schema, compression="zstd", store_schema=False) as writer:
            waiting: List[Any] = []
            for at, key in enumerate(keys):
                part = parts[at % 2]
                columns = [arrow.repeat(arrow.scalar(value), len(part)) for value in key] + part.columns
                waiting.append(arrow.Table.from_arrays(columns, schema=schema))
                if sum(map(len, waiting)) >= _GROUP or at == count - 1:
                    writer.write_table(arrow.concat_tables(waiting).combine_chunks())
                    waiting = []
    return store


def ask_all(store: Store) -> Dict[str, float]:
    """Seconds of each question that ships, the better of two."""
    began = time.perf_counter()
    connection = ask.connect(store)
    print("%-24s %6.2f s" % ("opening the lake", time.perf_counter() - began))
    took = {}
    for name, question in ask.questions().items():
        times = []
        for _ in range(2):
            began = time.perf_counter()
            rows = connection.sql(question.sql).to_arrow_table().num_rows
            times.append(time.perf_counter() - began)
        took[name] = min(times)
        print("%-24s %6.2f s %8d rows" % (name, took[name], rows))
    return took


def scaling(folder: Path) -> float:
    """How many times faster two workers are than one."""
    dumps = Dumps(folder / "dumps", strange_machines(6))
    names = [dumps.write(number) for number in range(DUMPS)]
    took = {}
    for workers in (1, 2):
        store = Store(str(folder / ("lake-%d" % workers)))
        store.check(create=True)
        jobs = [Job(store.url, Request((name,), symbols=str(dumps.symbols), lenient=True)) for name in names]
        began = time.perf_counter()
        assert len(list(spread.add_all(jobs, workers=workers))) == DUMPS
        took[workers] = time.perf_counter() - began
        print("%d dumps, %d worker%s: %.1f s" % (DUMPS, workers, "s" if workers > 1 else "", took[workers]))
    return took[1] / took[2]


def main() -> int:
    """1 where a question is too slow."""
    with tempfile.TemporaryDirectory() as folder:
        print("%d sources" % SOURCES)
        slow = {name: took for name, took in ask_all(repeated(Path(folder))).items() if took >= LIMIT}
        print("two workers are %.2f times as fast as one" % scaling(Path(folder)))
    for name, took in slow.items():
        print("too slow: %s took %.2f s" % (name, took), file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
