"""Questions: those that ship find what was put in; others reach the lake and nothing else; answers are harmless."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")
pytest.importorskip("fsspec")

from kdtoken.dataset import ask  # noqa: E402
from kdtoken.dataset.ask import Answer  # noqa: E402
from kdtoken.dataset.parts import part_bytes  # noqa: E402
from kdtoken.dataset.rows import Machined, rows_of, source_row  # noqa: E402
from kdtoken.dataset.schema import DATA, HEXADECIMAL, TABLES  # noqa: E402
from kdtoken.dataset.store import Key, Store  # noqa: E402
from kdtoken.errors import KdTokenError, UsageError  # noqa: E402
from kdtoken.layout.layout_file import load_layouts  # noqa: E402
from kdtoken.machine.kernel import KernelMachine  # noqa: E402
from tests.expected import FILES  # noqa: E402
from tests.machine.declared import MACHINE  # noqa: E402
from tests.machine.kernel import build  # noqa: E402
from tests.machine.owner import LOW  # noqa: E402
from tests.machine.spec import Machine  # noqa: E402
from tests.machine.strange import CMD, LSASS, NOTEPAD, QUIET, with_process, with_token  # noqa: E402
from tests.machine.synthetic import SyntheticSource  # noqa: E402


def made_of(machine: Machine, layouts: int = 3) -> Machined:
    return rows_of(KernelMachine(SyntheticSource(build(machine, load_layouts(FILES[layouts])))))


def put(store: Store, made: Optional[Machined], host: str, number: int, error: str = "") -> None:
    key = Key(host, "20221104T22560%dZ" % (number % 10), "%032x" % number)
    parts = {name: part_bytes(name, made.tables[name]) for name in DATA} if made else {}
    for name, data in parts.items():
        store.put_part(name, key, data)
    row = source_row(
        "/cases/%d.dmp" % number, made, size=1, error=error or None, part_bytes=sum(map(len, parts.values()))
    )
    store.put_part("sources", key, part_bytes("sources", [row]))


# Hosts and what is on them, all of one account: HOME and WORK are quiet, SEVEN is a Windows 7.
BARE = with_process(QUIET, LSASS, protection=0)
WEAK = with_token(QUIET, CMD, integrity=LOW, mandatory_policy=0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(str(tmp_path_factory.mktemp("asked") / "lake"))
    made.check(create=True)
    stolen = with_process(QUIET, NOTEPAD, token="of-668")  # winlogon's very token
    for number, (host, machine, layouts) in enumerate(
        [
            ("HOME", QUIET, 3),
            ("WORK", MACHINE, 3),
            ("SEVEN", QUIET, 4),
            ("STOLEN", stolen, 3),
            ("BARE", BARE, 3),
            ("WEAK", WEAK, 3),
        ]
    ):
        put(made, made_of(machine, layouts), host, number)
    put(made, None, "", 99, error="/cases/99.dmp: no Windows crash dump")
    return made


def hosts(answer: Answer) -> Set[Any]:
    return {row[answer.columns.index("host")] for row in answer.rows}


def named(store: Store, name: str) -> Answer:
    return ask.ask(store, ask.question(name).sql)


def rows_named(store: Store, name: str) -> List[Dict[str, Any]]:
    answer = named(store, name)
    return [dict(zip(answer.columns, row)) for row in answer.rows]


def test_every_question_has_a_title_and_an_answer(store: Store) -> None:
    known = ask.questions()
    assert len(known) >= 12 and len({one.title for one in known.values()}) == len(known)
    for name, one in known.items():
        assert re.fullmatch("[a-z-]+", name) and one.sql.startswith("-- " + one.title) and len(one.title) > 20
        answer = ask.ask(store, one.sql)
        assert answer.columns and all(len(row) == len(answer.columns) for row in answer.rows)


def test_stolen_token(store: Store) -> None:
    rows = rows_named(store, "stolen-token")
    worst = [row for row in rows if row["severity"] == "impossible"]
    assert [(row["host"], row["pid"], row["image"], row["rule"]) for row in worst] == (
        [("STOLEN", NOTEPAD, "notepad.exe", "shared-token")]
    )
    assert {row["host"] for row in rows} <= {"STOLEN", "WORK"}


def test_sensitive_privileges(store: Store) -> None:
    rows = rows_named(store, "sensitive-privileges")
    assert {row["image"] for row in rows if row["privilege"] == "SeDebugPrivilege"} >= {"cmd.exe"}
    assert not any(row["image"] in ("lsass.exe", "services.exe") for row in rows)  # SYSTEM's own


def test_debug_below_high(store: Store) -> None:
    held = [one.number for one in _privileges(WEAK, CMD) if one.number == 20]
    rows = rows_named(store, "debug-below-high")
    assert bool(held) and {(row["host"], row["pid"], row["integrity_name"]) for row in rows} <= {
        ("WEAK", CMD, "Low"),
        ("WEAK", 6520, "Low"),
    }


def _privileges(machine: Machine, pid: int) -> List[Any]:
    from kdtoken.model.privilege import Privilege

    token = machine.tokens[str(machine.process(pid).token)]
    return [Privilege(number, "", True, True, True) for number in token.privileges.present]


def test_lsass_not_protected(store: Store) -> None:
    rows = rows_named(store, "lsass-not-protected")
    assert {(row["host"], row["protection"]) for row in rows} == {
        ("BARE", "not protected"),
        ("SEVEN", "not in this build (no _EPROCESS.Protection.Level)"),
    }


def test_accounts_on_many_hosts(store: Store) -> None:
    (row,) = rows_named(store, "accounts-on-many-hosts")
    assert row["user_name"] == "ANNA-PC\\Anna" and row["hosts"] == 6 and row["elevated_somewhere"] is True
    assert row["some_hosts"] == ["BARE", "HOME", "SEVEN", "STOLEN", "WEAK"]  # five, by name


def test_logon_sessions(store: Store) -> None:
    rows = [row for row in rows_named(store, "logon-sessions") if row["host"] == "WORK"]
    told = {row["logon_id"]: row for row in rows}
    assert set(told) == {0x2F3A1, 0x2F3D2} and told[0x2F3A1]["elevated"] and not told[0x2F3D2]["elevated"]
    assert told[0x2F3A1]["impersonating_threads"] == 1 and told[0x2F3A1]["processes"] == 2  # cmd and conhost


def test_impersonating_stronger_and_delegation(store: Store) -> None:
    rows = [row for row in rows_named(store, "impersonating-stronger") if row["host"] == "WORK"]
    assert [(row["pid"], row["tid"], row["client"]) for row in rows] == [(980, 988, "NT AUTHORITY\\SYSTEM")]
    rows = [row for row in rows_named(store, "delegation") if row["host"] == "WORK"]
    assert [(row["pid"], row["tid"], row["logon_id"]) for row in rows] == [(1120, 1140, 0x2F3A1)]


def test_elevated_users(store: Store) -> None:
    rows = rows_named(store, "elevated-users")
    assert {(row["pid"], row["elevation"]) for row in rows if row["host"] == "HOME"} == {(CMD, "full"), (6520, "full")}


def test_system_in_session(store: Store) -> None:
    rows = rows_named(store, "system-in-session")
    assert {(row["host"], row["image"], row["parent"]) for row in rows} == {("STOLEN", "notepad.exe", "explorer.exe")}


def test_no_write_up_off_and_odd_integrity(store: Store) -> None:
    assert {(row["host"], row["pid"]) for row in rows_named(store, "no-write-up-off")} == {("WEAK", CMD)}
    rows = {(row["image"], row["integrity_name"], row["some_host"]) for row in rows_named(store, "odd-integrity")}
    assert ("cmd.exe", "Low", "WEAK") in rows and ("notepad.exe", "System", "STOLEN") in rows
    assert not any(image == "explorer.exe" for image, _, _ in rows)


def test_findings_by_rule_and_not_read(store: Store) -> None:
    rows = {row["rule"]: row for row in rows_named(store, "findings-by-rule")}
    assert rows["shared-token"]["hosts"] >= 1 and "information" not in {row["severity"] for row in rows.values()}
    (row,) = rows_named(store, "not-read")
    assert row["path"] == "/cases/99.dmp" and row["why"] == "/cases/99.dmp: no Windows crash dump"


def test_the_parts_of_one_source_are_joined_with_no_other_s(store: Store) -> None:
    """The same addresses are in every one of these dumps."""
    answer = ask.ask(store, "SELECT host, count(*) AS n FROM running WHERE pid = 6104 GROUP BY host")
    assert dict(answer.rows) == dict.fromkeys(["HOME", "WORK", "SEVEN", "STOLEN", "BARE", "WEAK"], 1)


def test_types(store: Store) -> None:
    answer = ask.ask(store, "SELECT host, captured, token, user_sid, flag_names FROM tokens WHERE host = 'HOME'")
    assert [str(one) for one in answer.table.schema.types][:4] == ["string", "timestamp[us]", "uint64", "string"]
    assert {str(row[1]) for row in answer.rows} == {"2022-11-04 22:56:00"}


# -- what a question may not do


@pytest.mark.parametrize(
    "sql, words",
    [
        ("SELECT * FROM '{file}'", "cannot be answered: "),
        ("SELECT * FROM read_csv('{file}')", "cannot be answered: "),
        ("SELECT * FROM read_text('{file}')", "cannot be answered: "),
        ("SELECT * FROM read_parquet('{file}')", "cannot be answered: "),
        ("SELECT * FROM glob('{folder}/*')", "cannot be answered: "),
        ("SELECT * FROM 'http://127.0.0.1:9/x.csv'", "cannot be answered: "),
        ("COPY (SELECT 1) TO '{folder}/out.csv'", "no SELECT"),
        ("EXPORT DATABASE '{folder}/out'", "no SELECT"),
        ("ATTACH '{folder}/out.db'", "no SELECT"),
        ("INSTALL httpfs", "no SELECT"),
        ("LOAD httpfs", "no SELECT"),
        ("CREATE TABLE t (a INT)", "no SELECT"),
        ("DROP VIEW processes", "no SELECT"),
        ("SET lock_configuration = false", "no SELECT"),
        ("SET enable_external_access = true", "no SELECT"),
        ("SELECT 1; COPY (SELECT 1) TO '{folder}/out.csv'", "several statements"),
        ("", "nothing"),
        ("-- nothing but a comment", "nothing"),
        ("SELECT frobnicate FROM processes", "frobnicate"),
        ("SELEC 1", "cannot be answered: "),
        ("SELECT * FROM store", "cannot be answered: "),  # a variable of ours, no table
        ("SELECT * FROM keys", "cannot be answered: "),
    ],
)
def test_a_question_reaches_the_lake_and_nothing_else(store: Store, tmp_path: Path, sql: str, words: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    with pytest.raises(UsageError) as told:
        ask.ask(store, sql.format(file=secret, folder=tmp_path))
    assert words in told.value.message and "hunter2" not in str(told.value) and "\n" not in told.value.message
    assert [one.name for one in tmp_path.iterdir()] == ["secret.csv"]


def test_the_locks_hold_without_the_gate(store: Store, tmp_path: Path) -> None:
    """What DuckDB itself refuses, were one to come past the look at the kind of statement."""
    import duckdb

    connection = ask.connect(store)
    for sql in (
        "COPY (SELECT 1) TO '%s/out.csv'" % tmp_path,
        "ATTACH '%s/out.db'" % tmp_path,
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(sql)
    assert list(tmp_path.iterdir()) == []


def test_no_such_question() -> None:
    with pytest.raises(UsageError) as told:
        ask.question("stolen-tokens")
    assert "stolen-token" in told.value.next_step
    with pytest.raises(UsageError):
        ask.question("../ask")


def test_a_torn_part_is_named(store: Store, tmp_path: Path) -> None:
    torn = Store(str(tmp_path / "lake"))
    torn.check(create=True)
    put(torn, made_of(QUIET), "HOME", 1)
    path = Path(torn.path("tokens", torn.keys()[0]))
    path.write_bytes(path.read_bytes()[:-9])
    assert ask.ask(torn, "SELECT count(*) FROM processes").rows == [(30,)]
    with pytest.raises(KdTokenError) as told:
        ask.ask(torn, "SELECT user_sid FROM tokens")
    assert str(path) in told.value.message and told.value.next_step.endswith("add /cases/1.dmp")


def test_an_empty_lake_answers(tmp_path: Path) -> None:
    empty = Store(str(tmp_path / "lake"))
    empty.check(create=True)
    for one in ask.questions().values():
        assert ask.ask(empty, one.sql).rows == []


# -- answers as text

HOSTILE = Answer(
    ("image", "token", "n", "yes", "list", "tokens", "missing", "\x1b[31m"),
    [
        (
            "=cmd|' /C calc'!A0\x1b]0;x\x07",
            (1 << 64) - 1,
            1 << 60,
            True,
            ["a", "\u202eb"],
            [16],
            [("pid", "\x9b1m")],
            None,
        ),
        (None, None, None, None, None, None, None, "x" * 100),
    ],
    None,
)


def test_table_for_people() -> None:
    lines = ask.table_lines(HOSTILE)
    assert lines[-1] == "2 rows" and "0xffffffffffffffff" in lines[1] and "0x10" in lines[1] and " yes " in lines[1]
    assert all(31 < ord(c) < 0x202E and not 0x7F <= ord(c) < 0xA0 for line in lines for c in line)
    assert lines[2].startswith("-") and "..." in lines[2]
    assert ask.table_lines(Answer(("a",), [("x",)], None))[-1] == "1 row"


def test_a_table_fits_the_terminal() -> None:
    """Long cells break their lines; where that leaves a column no room, each row is a list; nothing is cut."""
    saw = "mspaint.exe (6240) runs under the very token object of winlogon.exe (668)"
    answer = Answer(("host", "pid", "saw"), [("ANNA-PC", 6240, saw), ("B", None, "-")], None)
    assert ask.table_lines(answer, 99)[1] == "ANNA-PC  6240  %s" % saw
    assert ask.table_lines(answer, 60) == [
        "host      pid  saw",
        "ANNA-PC  6240  mspaint.exe (6240) runs under the very token",
        "               object of winlogon.exe (668)",
        "B           -  -",
        "",
        "2 rows",
    ]
    assert ask.table_lines(Answer(("host", "impersonating_threads"), [("ANNA-PC", 1)], None), 24) == [
        "host      impersonating_",
        "                 threads",
        "ANNA-PC                1",
        "",
        "1 row",
    ]
    assert ask.table_lines(Answer(("host", "pid"), [], None), 60) == ["host  pid", "", "0 rows"]
    assert ask.table_lines(answer, 34) == [
        "row 1",
        "  host  ANNA-PC",
        "  pid   6240",
        "  saw   mspaint.exe (6240) runs",
        "        under the very token",
        "        object of winlogon.exe",
        "        (668)",
        "",
        "row 2",
        "  host  B",
        "  pid   -",
        "  saw   -",
        "",
        "2 rows",
    ]


def test_csv() -> None:
    rows = list(csv.reader(io.StringIO("\n".join(ask.csv_lines(HOSTILE)))))
    assert rows[1][0] == "'=cmd|' /C calc'!A0\\u001b]0;x\\u0007" and rows[0][7] == "\\u001b[31m"
    assert rows[1][1] == "0xffffffffffffffff" and rows[1][2] == str(1 << 60) and rows[1][5] == "0x10"
    assert rows[2][0] == "" and rows[2][7] == "x" * 100


def test_json() -> None:
    text = "\n".join(ask.json_lines(HOSTILE))
    data = json.loads(text)
    assert all(31 < ord(c) < 127 or c == "\n" for c in text)
    assert data["rows"][0][:6] == [
        HOSTILE.rows[0][0],
        "0xffffffffffffffff",
        str(1 << 60),
        True,
        ["a", "\u202eb"],
        ["0x10"],
    ]
    assert data["rows"][0][6] == {"pid": "\x9b1m"} and data["rows"][1][0] is None
    assert json.loads("\n".join(ask.json_lines(Answer(("a",), [], None))))["rows"] == []


def test_parquet(store: Store) -> None:
    import pyarrow
    from pyarrow import parquet

    answer = ask.ask(store, "SELECT host, token FROM tokens ORDER BY host, token")
    back = parquet.read_table(pyarrow.BufferReader(ask.parquet_of(answer)))
    assert [tuple(row.values()) for row in back.to_pylist()] == answer.rows
    assert str(back.schema.field("token").type) == "uint64"


def test_the_guide_names_every_table_and_question() -> None:
    text = "\n".join(ask.guide_lines())
    assert all("  %s: " % table.name in text for table in TABLES) and all(name in text for name in ask.questions())
    assert "token" in HEXADECIMAL


@pytest.mark.parametrize("length, shown", [(59, "x" * 59), (60, "x" * 60), (61, "x" * 57 + "...")])
def test_in_a_pipe_a_cell_has_sixty_characters_at_most(length: int, shown: str) -> None:
    assert ask.table_lines(Answer(("a",), [("x" * length,)], None))[1] == shown


def test_a_name_that_is_exactly_as_wide_as_its_column_stays_whole() -> None:
    answer = Answer(("logon_id", "saw"), [("12345678", "some words that are longer than the line has room for")], None)
    assert ask.table_lines(answer, 40) == [
        "logon_id  saw",
        "12345678  some words that are longer",
        "          than the line has room for",
        "",
        "1 row",
    ]


@pytest.mark.parametrize("room", [0, 99])
def test_numbers_stand_right_and_all_else_left(room: int) -> None:
    names = ("average", "count", "elevated", "mixed", "nothing")
    answer = Answer(names, [(1.5, 7, True, 1, None), (10.25, None, False, "x", None)], None)
    assert ask.table_lines(answer, room)[:3] == [
        "average  count  elevated  mixed  nothing",
        "    1.5      7  yes       1      -",
        "  10.25      -  no        x      -",
    ]


@pytest.mark.parametrize("name", ["store", "sql", "statements", "connection", "TABLES"])
def test_a_name_of_python_is_no_table(name: str, store: Store) -> None:
    with pytest.raises(UsageError, match="no table is called %s\n" % name):
        ask.ask(store, "SELECT * FROM %s" % name)


@pytest.mark.parametrize(
    "name, value, text, plain",
    [
        ("n", None, "", None),
        ("n", True, "yes", True),
        ("n", False, "no", False),
        ("n", 7, "7", 7),
        ("n", 1.5, "1.5", 1.5),
        ("token", 0xABC0, "0xabc0", "0xabc0"),  # an address
        ("n", (1 << 53) - 1, "9007199254740991", (1 << 53) - 1),
        ("n", 1 << 53, "9007199254740992", "9007199254740992"),  # which JavaScript's numbers would round
        ("n", -(1 << 53), "-9007199254740992", "-9007199254740992"),
        ("n", "a\x1b", "a\\u001b", "a\x1b"),
        ("n", [1, 2], "1; 2", [1, 2]),
        ("tokens", [0xABC0, 1], "0xabc0; 0x1", ["0xabc0", "0x1"]),
        ("tokens", ["a", None], "a; ", ["a", None]),
        ("n", [], "", []),
        # A map: pairs, or a dictionary.
        ("n", [("a", 1), ("b", None)], "a: 1; b: ", {"a": 1, "b": None}),
        ("n", {"a": True, "b": 1}, "a: yes; b: 1", {"a": True, "b": 1}),
        ("n", [("a", 1), 2], "a: 1; 2", [["a", 1], 2]),
    ],
)
def test_a_value_in_a_cell_and_for_programs(name: str, value: Any, text: str, plain: Any) -> None:
    assert ask.cell(name, value) == text
    assert json.loads(json.dumps(ask._plain(name, value))) == plain
    assert ask.cell(name, None, "-") == "-"
