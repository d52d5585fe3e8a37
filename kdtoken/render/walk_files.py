"""The processes of several dumps in one report: text, CSV, JSON and Parquet.

Each dump is rendered where it is read, in a process of its own, so that little but finished lines
crosses between the processes; here the parts are put together, in their order.
"""

import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken.analysis.audit.finding import Finding
from kdtoken.errors import UsageError
from kdtoken.model.absent import Maybe
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import LogonSession, Token
from kdtoken.model.token_words import counted
from kdtoken.model.view import Unread
from kdtoken.render.json import SCHEMA
from kdtoken.render.marked import styled
from kdtoken.render.walk import COLUMNS, all_cells, csv_text
from kdtoken.render.walk_json import json_rows
from kdtoken.render.words import clean, columns, wrapped

# ntifs.h SYSTEM_LUID: the machine's own logon, whose account is HOST$.
_SYSTEM = Luid(0, 0x3E7)
_BEFORE = ("file", "host")
_NUMBERS = ("pid", "session")


class Part(NamedTuple):
    """What one file gave.

    host   the machine's name, "" where the dump does not tell
    shown  how many processes are shown of it
    lines  its part of the report: text, or rows of CSV or JSON
    cells  for Parquet: the same as values, by column
    error  why there is nothing, "" where it could be read
    unread lines of a text that were not understood, where its part of the report has no room to say so
    """

    file: str
    host: str
    about: Dict[str, Any]
    problems: Tuple[str, ...]
    shown: int
    lines: Tuple[str, ...] = ()
    cells: Tuple[Dict[str, str], ...] = ()
    error: str = ""
    unread: Tuple[Unread, ...] = ()

    @property
    def complaint(self) -> str:
        """The error with its file, which most errors name already."""
        return self.error if self.file in self.error else "%s: %s" % (self.file, self.error)


def failed(file: str, error: str) -> Part:
    """The part of a file that could not be read."""
    return Part(file, "", {}, (), 0, error=error)


def host_of(token: Maybe[Optional[Token]]) -> str:
    """The machine's name, if this is a token of its own logon: that of SYSTEM, whose account is HOST$."""
    session = token.logon_session if isinstance(token, Token) else None
    if not isinstance(session, LogonSession) or session.logon_id != _SYSTEM:
        return ""
    name = session.account_name
    return clean(name[:-1]) if isinstance(name, str) and name.endswith("$") else ""


def part_of(
    form: str,
    file: str,
    host: str,
    rows: Sequence[ProcessDump],
    about: Dict[str, Any],
    problems: Sequence[str],
    with_threads: bool,
    names: Names = NO_NAMES,
    findings: Sequence[Finding] = (),
) -> Part:
    """The part of a file as "csv", "json" or "parquet", each row with its file and host."""
    part = Part(file, host, about, tuple(problems), len(rows))
    if form == "parquet":
        return part._replace(cells=tuple(all_cells(rows, names, findings)))
    if form == "csv":
        cells = all_cells(rows, names, findings)
        named = [_on_one_line(file), _on_one_line(host)]
        return part._replace(lines=tuple(csv_text(named + [one[name] for name in COLUMNS] for one in cells)))
    head = json.dumps({"file": file, "host": host or None})[:-1] + ", "
    return part._replace(lines=tuple(head + line[1:] for line in json_rows(rows, with_threads, names, findings)))


def _on_one_line(name: str) -> str:
    """The name of a file or a host as it is, for who looks it up; one that would break a row apart is escaped."""
    return name if name.isprintable() else clean(name)


def lines_of_all(parts: Iterable[Part], form: str) -> Iterator[str]:
    """The whole report; it begins before the last file has been read."""
    return {"text": _text, "csv": _csv, "json": _json}[form](parts)


def _text(parts: Iterable[Part]) -> Iterator[str]:
    files = bad = count = 0
    for part in parts:
        files, bad, count = files + 1, bad + bool(part.error), count + part.shown
        yield from part.lines
        if part.error:
            yield from wrapped(styled("!!", "impossible") + " " + clean(part.complaint), columns())
        yield ""
    failed = "; %d could not be read" % bad if bad else ""
    yield "%s, %s%s" % (counted(files, "dump"), counted(count, "process", "processes"), failed)


def _csv(parts: Iterable[Part]) -> Iterator[str]:
    yield ",".join(_BEFORE + COLUMNS)
    for part in parts:
        yield from part.lines
        if part.error:
            cells = dict.fromkeys(COLUMNS, "")
            cells["oddities"] = "!! " + part.error
            yield from csv_text([[_on_one_line(part.file), ""] + [cells[name] for name in COLUMNS]])


def _json(parts: Iterable[Part]) -> Iterator[str]:
    """Files last: what became of each is known only when it has been read."""
    files: List[Dict[str, Any]] = []
    yield '{"kdtoken": %d, "processes": [' % SCHEMA
    before = ""
    for part in parts:
        for line in part.lines:
            if before:
                yield before + ","
            before = " " + line
        if part.error:
            files.append({"file": part.file, "error": part.error})
        else:
            files.append(
                {
                    "file": part.file,
                    "host": part.host or None,
                    "about": part.about,
                    "problems": list(part.problems),
                    "processes": part.shown,
                }
            )
    if before:
        yield before
    yield '], "dumps": ['
    yield from ",\n".join(" " + json.dumps(one) for one in files).split("\n")
    yield "]}"


def require_pyarrow() -> None:
    """Raises UsageError where the package that writes Parquet is not installed."""
    if find_spec("pyarrow") is None:
        raise UsageError(
            "--parquet needs the package pyarrow, which is not here",
            "pyarrow",
            'pip install "kdtoken[parquet]", or --csv, which every data tool reads',
        )


def parquet_bytes(parts: Sequence[Part]) -> bytes:
    """A Parquet file: the columns of the CSV with file and host before and error behind.

    What is not known is null; pid and session are numbers, addresses hexadecimal text as in the
    JSON.  A file that could not be read is one row that has only its name and the error.
    """
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    columns: Dict[str, List[Any]] = {name: [] for name in (*_BEFORE, *COLUMNS, "error")}
    for part in parts:
        count = part.shown or bool(part.error)
        columns["file"] += [clean(part.file)] * count  # a name that is no Unicode would end the writing
        columns["host"] += [part.host or None] * count
        columns["error"] += [part.error or None] * count
        for name in COLUMNS:
            cells = [one[name] for one in part.cells] or [""] * count
            columns[name] += [_number(cell) if name in _NUMBERS else cell or None for cell in cells]
    table = pyarrow.table(
        {
            name: pyarrow.array(values, pyarrow.int64() if name in _NUMBERS else pyarrow.string())
            for name, values in columns.items()
        }
    )
    out = pyarrow.BufferOutputStream()
    parquet.write_table(table, out)
    data: bytes = out.getvalue().to_pybytes()
    return data


def _number(cell: str) -> Optional[int]:
    return int(cell) if cell.lstrip("-").isdigit() else None
