"""Questions to a lake, in SQL, by DuckDB, and the answers as text.

DuckDB sees the lake's tables and nothing else: no file, no network, no extension, no setting can be reached by a
question, which may have come from anywhere.
"""

import json
import os
import re
from importlib import import_module
from itertools import zip_longest
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from kdtoken.dataset.pack import find_pack
from kdtoken.dataset.parts import need
from kdtoken.dataset.schema import HEXADECIMAL, IDENTITY, TABLES
from kdtoken.dataset.store import Key, Store
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.render.json import SCHEMA
from kdtoken.render.walk import csv_text
from kdtoken.render.words import clean, columns, wrapped

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "questions")
_NARROW = 20  # columns that a cell keeps in a table that is too wide
_WIDEST = 60  # characters of a cell of the table for people
# Before anything that a question says; the last lets none of it be undone.
_LOCKED = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",  # else the name of a Python variable would be a table
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
# Beside the tables of the schema, for the commonest of all questions.
_RUNNING = """
CREATE VIEW running AS
SELECT p.host, p.captured, p.source, p.pid, p.image, p.parent_pid, p.created, p.ended, p.protection_name,
       t.user_name, t.user_sid, t.integrity, t.integrity_name, t.elevation, t.confined, t.logon_id, p.eprocess, p.token
FROM processes p LEFT JOIN tokens t ON t.source = p.source AND t.token = p.token
"""


class Question(NamedTuple):
    """A question that ships: its name, its title (the first line of its file), and the whole file."""

    name: str
    title: str
    sql: str


class Answer(NamedTuple):
    """Names of the columns, and the rows.

    table  the same as Arrow's table, typed
    """

    columns: Tuple[str, ...]
    rows: List[Tuple[Any, ...]]
    table: Any


def questions() -> Dict[str, Question]:
    """The questions that ship, by name."""
    found = {}
    for file in sorted(os.listdir(FOLDER)):
        name, end = os.path.splitext(file)
        if end == ".sql":
            with open(os.path.join(FOLDER, file), encoding="utf-8") as opened:
                sql = opened.read()
            found[name] = Question(name, sql.split("\n", 1)[0].lstrip("- ").rstrip(), sql)
    return found


def question(name: str) -> Question:
    """The one of that name.  Raises UsageError with near ones."""
    known = questions()
    if name in known:
        return known[name]
    import difflib

    near = difflib.get_close_matches(name, list(known), 3, 0.4)
    raise UsageError(
        "no question is called %r" % name, name, "near: %s" % ", ".join(near) if near else "--named lists them"
    )


def connect(store: Store) -> Any:
    """A DuckDB connection that sees the lake's tables and `running`, and can reach nothing else."""
    need("duckdb")
    duckdb: Any = import_module("duckdb")
    connection = duckdb.connect(":memory:")
    keys = store.keys()
    pack = find_pack(store, keys)
    loose = [key for key in keys if pack is None or key not in pack.keys]
    # A source that could not be read has a row in `sources` and no other part.
    readable = [key for key, error in _errors(store, loose) if error is None]
    for table in TABLES:
        packed = None if pack is None else pack.path(table.name)
        parts = store.table(table.name, loose if table.name == "sources" else readable, pack=packed)
        connection.register("_" + table.name, parts)
        rest = ", ".join('"%s"' % column.name for column in table.columns)
        connection.execute("CREATE VIEW %s AS SELECT %s, %s FROM _%s" % (table.name, _IDENTITY, rest, table.name))
    connection.execute(_RUNNING)
    for setting in _LOCKED:
        connection.execute(setting)
    return connection


_IDENTITY = ", ".join(
    "try_strptime(captured, '%Y%m%dT%H%M%SZ') AS captured" if one.type == "timestamp" else one.name for one in IDENTITY
)


def _errors(store: Store, keys: Any) -> List[Tuple[Any, Optional[str]]]:
    rows = store.table("sources", keys, ["host", "captured", "source", "error"]).to_pylist() if keys else []
    return [(Key(row["host"] or "", row["captured"] or "", row["source"]), row["error"]) for row in rows]


def ask(store: Store, sql: str) -> Answer:
    """The answer to one SELECT.

    Raises UsageError where it is no question, which says what is wrong with the SQL; KdTokenError where the lake cannot be read.
    """
    connection = connect(store)
    duckdb: Any = import_module("duckdb")
    pyarrow: Any = import_module("pyarrow")
    try:
        statements = connection.extract_statements(sql)
        _one_question(duckdb, statements, sql, help_of(store))
        table = _arrow(connection.sql(statements[0].query))
    except (duckdb.IOException, pyarrow.ArrowException, OSError) as error:
        raise store.torn() or store.changed() from error
    except duckdb.OutOfMemoryException as error:
        raise KdTokenError(
            "there is not enough memory for this question", None, "ask for less: LIMIT, WHERE"
        ) from error
    except duckdb.Error as error:
        torn = store.torn() if isinstance(error, duckdb.InvalidInputException) else None
        if torn is not None:  # what it says of a stream that ended is about a part
            raise torn from error
        raise UsageError("the question cannot be answered: %s" % _said(error), None, help_of(store)) from error
    finally:
        connection.close()
    values = [column.to_pylist() for column in table.columns]
    return Answer(tuple(table.column_names), list(zip(*values)), table)


def _arrow(made: Any) -> Any:
    """The answer as Arrow's table, which older ones of DuckDB call otherwise."""
    return made.to_arrow_table() if hasattr(made, "to_arrow_table") else made.fetch_arrow_table()


def help_of(store: Store) -> str:
    """The next step of whoever asked in vain."""
    return "kdtoken lake %s ask   (without a question) lists the tables and the questions that ship" % store.url


def _one_question(duckdb: Any, statements: Any, sql: str, step: str) -> None:
    select = duckdb.StatementType.SELECT
    explain = duckdb.StatementType.EXPLAIN
    if len(statements) != 1 or statements[0].type not in (select, explain):
        what = "nothing" if not statements else "several statements" if len(statements) > 1 else "no SELECT"
        raise UsageError("one SELECT is a question, and this is %s" % what, sql[:80], step)


# What DuckDB says of the commonest slips -> our words.  Of others what it says about the SQL is kept, and no more.
_SLIPS = (
    (r'syntax error at or near "(.*?)"', r"the SQL cannot be understood from \1 on"),
    (r"syntax error at end of input", "the SQL breaks off"),
    (
        r'Referenced column "(.*?)" (?:was )?not found .*?Candidate bindings: (.*)',
        r"no column is called \1; near are \2",
    ),
    (r'Referenced column "(.*?)" (?:was )?not found', r"no column is called \1"),
    (r'Table "(.*?)" does not have a column named "(.*?)"', r"the table \1 has no column \2"),
    (r"Table with name (.*?) does not exist", r"no table is called \1"),
    (r"Scalar Function with name (.*?) does not exist", r"no function is called \1"),
    (r"Could not convert string '(.*?)' to U?(?:INT|BIGINT|HUGEINT)", r"'\1' is no number"),
    (r"Cannot access|disabled by configuration|Permission", "it asks for something beside the lake's own tables"),
)


def _said(error: Exception) -> str:
    """What is wrong with the SQL, without the picture of where."""
    lines = [line for line in str(error).split("\n") if line.strip()]
    kept = [line for line in lines[:4] if not re.match(r"LINE \d+:|\s*\^", line)]
    message = " ".join(" ".join(kept).split())[:400]
    for pattern, words in _SLIPS:
        found = re.search(pattern, message)
        if found:
            return found.expand(words)
    return re.sub(r"^[A-Z][A-Za-z -]* Error: ", "", message)


# -- as text


def cell(name: str, value: Any, null: str = "") -> str:
    """A value for people and for CSV: numbers that are addresses in hexadecimal, what is no text made safe."""
    if value is None:
        return null
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return hex(value) if name in HEXADECIMAL else str(value)
    if isinstance(value, (list, tuple)):
        return "; ".join(_item(name, one) for one in value)
    if isinstance(value, dict):
        return "; ".join("%s: %s" % (cell("", key), cell("", one)) for key, one in value.items())
    return clean(str(value))


def _item(name: str, value: Any) -> str:
    if isinstance(value, tuple) and len(value) == 2:  # of a map
        return "%s: %s" % (cell("", value[0]), cell("", value[1]))
    return hex(value) if name == "tokens" and isinstance(value, int) else cell(name, value)


def table_lines(answer: Answer, room: int = 0) -> List[str]:
    """A table for people: "-" is null.

    room  columns of a line.  A table that is wider breaks the lines of its longest cells; where that would leave them
          no room, each row is told as a list.  0: a row is a line, for pipes, and a long cell is cut, and marked so.
    """
    if room:
        return _fitted(answer, room) + _count(answer)
    numbers = {at for at in range(len(answer.columns)) if _is_number(answer, at)}
    cells = [tuple(_short(clean(name)) for name in answer.columns)] + [
        tuple(_short(cell(name, value, "-")) for name, value in zip(answer.columns, row)) for row in answer.rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = []
    for row in cells:
        padded = (
            one.rjust(width) if at in numbers else one.ljust(width) for at, (one, width) in enumerate(zip(row, widths))
        )
        lines.append("  ".join(padded).rstrip())
    return lines + _count(answer)


def _count(answer: Answer) -> List[str]:
    count = len(answer.rows)
    return ["", "%d row%s" % (count, "" if count == 1 else "s")]


def _fitted(answer: Answer, room: int) -> List[str]:
    """The rows as a table of at most `room` columns, or each as a list of its values."""
    heads = [clean(name) for name in answer.columns]
    rows = [[cell(name, value, "-") for name, value in zip(answer.columns, row)] for row in answer.rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    # A column of numbers, or of short words, keeps its width; the widest of the others gives way.
    broken = [head.replace("_", "_ ") for head in heads]  # where a column's name may be broken
    below = [max([0, *map(len, column)]) for column in zip(*rows)] or [0] * len(heads)
    longest = [max(len(word) for one in column for word in one.split(" ")) for column in zip(broken, *rows)]
    least = [max(longest[at], _NARROW if width > _NARROW else 0) for at, width in enumerate(below)]
    while sum(widths) + 2 * (len(widths) - 1) > room:
        at = max(range(len(widths)), key=lambda one: (widths[one] > least[one], widths[one]))
        if widths[at] <= least[at]:
            return _listed(heads, rows, room)
        widths[at] -= 1
    numbers = {at for at in range(len(heads)) if _is_number(answer, at)}
    lines: List[str] = []
    parted = [[part.replace("_ ", "_") for part in wrapped(one, width, "")] for one, width in zip(broken, widths)]
    top = [[head] if len(head) <= width else part for head, part, width in zip(heads, parted, widths)]
    for parts in [top, *([wrapped(one, width, "") for one, width in zip(row, widths)] for row in rows)]:
        for line in zip_longest(*parts, fillvalue=""):
            padded = (
                one.rjust(width) if at in numbers else one.ljust(width)
                for at, (one, width) in enumerate(zip(line, widths))
            )
            lines.append("  ".join(padded).rstrip())
    return lines


def _listed(heads: List[str], rows: List[List[str]], room: int) -> List[str]:
    """Each row as a list of its values, a name in front of each."""
    label = max(map(len, heads))
    lines: List[str] = []
    for number, row in enumerate(rows, 1):
        lines += ([""] if lines else []) + ["row %d" % number]
        for head, one in zip(heads, row):
            first, *rest = wrapped(one, room - label - 4, "")
            lines += ["  %s  %s" % (head.ljust(label), first), *(" " * (label + 4) + more for more in rest)]
    return lines


def _is_number(answer: Answer, at: int) -> bool:
    values = [row[at] for row in answer.rows if row[at] is not None]
    return bool(values) and all(type(one) in (int, float) for one in values)


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."


def csv_lines(answer: Answer) -> List[str]:
    """CSV; what a spreadsheet would run as a formula is quoted off, null is empty."""
    rows = [[cell(name, value) for name, value in zip(answer.columns, row)] for row in answer.rows]
    return csv_text([[clean(name) for name in answer.columns], *rows])


def json_lines(answer: Answer) -> List[str]:
    """One JSON document, a row a line: addresses and LUIDs in hexadecimal, as in all JSON of kdtoken."""
    head = json.dumps({"kdtoken": SCHEMA, "columns": list(answer.columns)})[:-1] + ', "rows": ['
    rows = [json.dumps([_plain(name, value) for name, value in zip(answer.columns, row)]) for row in answer.rows]
    return [head, *[" " + row + ("," if at < len(rows) else "") for at, row in enumerate(rows, 1)], "]}"]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return hex(value) if name in HEXADECIMAL else value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(one, tuple) and len(one) == 2 for one in value):
            return {str(key): _plain("", one) for key, one in value}
        return [hex(one) if name == "tokens" and isinstance(one, int) else _plain(name, one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain("", one) for key, one in value.items()}
    return str(value)


def parquet_of(answer: Answer) -> bytes:
    """The answer as Parquet, with its types."""
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    out = pyarrow.BufferOutputStream()
    parquet.write_table(answer.table, out, compression="zstd")
    data: bytes = out.getvalue().to_pybytes()
    return data


def guide_lines() -> List[str]:
    """What there is to ask: the tables with their columns, and the questions that ship."""
    return _table_guide() + ["", *question_lines()]


def _table_guide() -> List[str]:
    lines = ["tables, each also with host, captured and source:"]
    for table in TABLES:
        lines += ["", *("  " + line for line in wrapped("%s: %s" % (table.name, table.doc), columns() - 2))]
        names = ", ".join(column.name for column in table.columns)
        lines += ["    " + line for line in wrapped(names, columns() - 4, "")]
    running = "running: processes with the user, integrity and elevation of their tokens"
    return lines + ["", *("  " + line for line in wrapped(running, columns() - 2))]


def question_lines() -> List[str]:
    """The questions that ship, by the names that --named takes."""
    lines = ["questions that ship:", ""]
    known = questions()
    width = max(map(len, known))
    titles = ("%s  %s" % (one.name.ljust(width), one.title) for one in known.values())
    return lines + ["  " + line for title in titles for line in wrapped(title, columns() - 2, " " * (width + 2))]
