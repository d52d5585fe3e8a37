"""Several dumps in one report: each part in its place, what could not be read, and whose name a dump tells."""

import csv
import json
from typing import Any, List

import pytest

from kdtoken.frozen import replace
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.token import LogonSession, Token
from kdtoken.render.walk_files import Part, failed, host_of, lines_of_all, parquet_bytes
from tests.declared_views import decoded

SYSTEM = decoded("system")
GONE = Unreadable(0x10, "paged out")
ABOUT = {"build": "10.0.22000"}


def logged(name: Any, high: int = 0, low: int = 0x3E7) -> Token:
    assert isinstance(SYSTEM.logon_session, LogonSession)
    return replace(SYSTEM, logon_session=replace(SYSTEM.logon_session, logon_id=Luid(high, low), account_name=name))


@pytest.mark.parametrize(
    "token, host",
    [
        # ntifs.h: SYSTEM_LUID is 0x3e7; its account is the machine's, HOST$.
        (logged("PC1$"), "PC1"),
        (logged("PC1"), ""),
        (logged("$"), ""),
        (logged(GONE), ""),
        (logged(None), ""),
        (logged("PC1$", low=0x3E5), ""),  # LOCAL SERVICE's logon
        (logged("PC1$", high=1), ""),
        (logged("PC\x1b[1$"), "PC\\u001b[1"),
        (replace(SYSTEM, logon_session=GONE), ""),
        (GONE, ""),
        (None, ""),
    ],
)
def test_the_machine_s_name_is_that_of_its_own_account(token: Any, host: str) -> None:
    assert host_of(token) == host


def test_an_error_names_its_file_once() -> None:
    assert failed("a.dmp", "it is cut short") == Part("a.dmp", "", {}, (), 0, error="it is cut short")
    assert failed("a.dmp", "it is cut short").complaint == "a.dmp: it is cut short"
    assert failed("a.dmp", "a.dmp is cut short").complaint == "a.dmp is cut short"


def part(file: str, *lines: str, host: str = "", problems: "tuple[str, ...]" = ()) -> Part:
    return Part(file, host, ABOUT, problems, len(lines), lines)


def shown(form: str, *parts: Part) -> List[str]:
    return [str(line) for line in lines_of_all(parts, form)]


def test_text() -> None:
    bad = failed("c.dmp", "it is cut short")
    assert shown("text", part("a", "1", "2"), bad, part("b", "3")) == [
        "1",
        "2",
        "",
        "!! c.dmp: it is cut short",
        "",
        "3",
        "",
        "3 dumps, 3 processes; 1 could not be read",
    ]
    assert shown("text", part("a", "1", "2"))[-1] == "1 dump, 2 processes"
    assert shown("text", bad, bad)[-1] == "2 dumps, 0 processes; 2 could not be read"


def test_json_ends_with_what_became_of_each_file() -> None:
    rows = ['{"file": "a", "pid": 4}', '{"file": "a", "pid": 8}', '{"file": "b", "pid": 4}']
    parts = part("a", *rows[:2], host="PC1", problems=("torn",)), failed("c", "gone"), part("b", rows[2])
    document = json.loads("\n".join(shown("json", *parts)))
    assert document == {
        "kdtoken": document["kdtoken"],
        "processes": [{"file": "a", "pid": 4}, {"file": "a", "pid": 8}, {"file": "b", "pid": 4}],
        "dumps": [
            {"file": "a", "host": "PC1", "about": ABOUT, "problems": ["torn"], "processes": 2},
            {"file": "c", "error": "gone"},
            {"file": "b", "host": None, "about": ABOUT, "problems": [], "processes": 1},
        ],
    }
    document = json.loads("\n".join(shown("json", failed("c", "gone"))))
    assert document["processes"] == [] and document["dumps"] == [{"file": "c", "error": "gone"}]
    assert json.loads("\n".join(shown("json")))["dumps"] == []


def test_csv_has_a_line_for_what_could_not_be_read() -> None:
    head, row, bad = shown("csv", part("a", "a,PC1,4"), failed("c\n", "gone"))
    assert head.startswith("file,host,pid,image,session,user,") and row == "a,PC1,4"
    assert dict(zip(head.split(","), bad.split(","))) == {
        **dict.fromkeys(head.split(","), ""),
        "file": "c\\u000a",
        "oddities": "!! gone",
    }


def test_parquet_tells_what_is_not_known_by_null() -> None:
    pytest.importorskip("pyarrow")
    import pyarrow
    from pyarrow import parquet

    from kdtoken.render.walk import COLUMNS

    def cells(**values: str) -> Any:
        return {**dict.fromkeys(COLUMNS, ""), **values}

    one = Part("a", "PC1", ABOUT, (), 2, (), (cells(pid="4", user="anna", session=""), cells(pid="-", session="1")))
    back = parquet.read_table(pyarrow.BufferReader(parquet_bytes([one, failed("c\x1b", "gone")]))).to_pylist()
    assert list(back[0]) == ["file", "host", *COLUMNS, "error"]
    told = [{key: value for key, value in row.items() if value is not None} for row in back]
    assert told == [
        {"file": "a", "host": "PC1", "pid": 4, "user": "anna"},
        {"file": "a", "host": "PC1", "session": 1},
        {"file": "c\\u001b", "error": "gone"},
    ]


def test_a_host_that_a_text_does_not_tell() -> None:
    assert host_of(replace(SYSTEM, logon_session=NotSaid("a text"))) == ""


@pytest.mark.parametrize(
    "name, shown",
    [
        ("C:\\dumps\\u0041.dmp", "C:\\dumps\\u0041.dmp"),  # as it is, for who looks it up
        ("b\u00fcro.dmp", "b\u00fcro.dmp"),
        ("a\nb", "a\\u000ab"),
    ],
)
def test_the_name_of_a_file_is_kept_as_it_is_unless_it_would_break_a_row(name: str, shown: str) -> None:
    assert shown_bad(name) == shown


def shown_bad(name: str) -> str:
    """The first cell of the row of a file that could not be read."""
    return next(csv.reader(list(shown("csv", failed(name, "gone")))[1:]))[0]
