"""Rows as Parquet, and the Arrow types of the columns."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Dict, List, Sequence

from kdtoken.dataset.schema import BY_NAME, IDENTITY, Column
from kdtoken.errors import UsageError

_PACKAGES = {"pyarrow": "lake", "duckdb": "lake", "fsspec": "lake", "distributed": "cluster"}


def need(*names: str) -> None:
    """Raises UsageError where a package is not installed that this needs."""
    for name in names:
        if find_spec(name) is None:
            raise UsageError(
                "this needs the package %s, which is not here" % name,
                name,
                'pip install "kdtoken[%s]"' % _PACKAGES[name],
            )


def arrow_type(column: Column) -> Any:
    """The Arrow type of a column."""
    pyarrow: Any = import_module("pyarrow")
    plain = {
        "uint8": pyarrow.uint8(),
        "uint32": pyarrow.uint32(),
        "uint64": pyarrow.uint64(),
        "int64": pyarrow.int64(),
        "bool": pyarrow.bool_(),
        "string": pyarrow.string(),
        "timestamp": pyarrow.timestamp("us"),
        "list<string>": pyarrow.list_(pyarrow.string()),
        "list<uint64>": pyarrow.list_(pyarrow.uint64()),
        "map<string, string>": pyarrow.map_(pyarrow.string(), pyarrow.string()),
    }
    return plain[column.type]


def part_schema(table: str, with_path: bool = False) -> Any:
    """What a part's file holds; `with_path` also the columns of its path, there all text."""
    pyarrow: Any = import_module("pyarrow")
    fields = [(one.name, pyarrow.string()) for one in IDENTITY] if with_path else []
    return pyarrow.schema(fields + [(one.name, arrow_type(one)) for one in BY_NAME[table].columns])


def part_bytes(table: str, rows: Sequence[Dict[str, Any]]) -> bytes:
    """The Parquet file of the rows: the same rows give the same bytes."""
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    columns: List[Any] = [
        pyarrow.array([row[one.name] for row in rows], arrow_type(one)) for one in BY_NAME[table].columns
    ]
    out = pyarrow.BufferOutputStream()
    made = pyarrow.Table.from_arrays(columns, schema=part_schema(table))
    # Arrow's own schema would be stored besides, in more bytes than most parts have.
    parquet.write_table(made, out, compression="zstd", store_schema=False)
    data: bytes = out.getvalue().to_pybytes()
    return data
