"""A process in a line: each cell from what is known of it, what is not known, and who passes a filter."""

import json
from typing import Any, Dict

import pytest

from kdtoken.frozen import replace
from kdtoken.model.absent import NotAsked, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES
from kdtoken.render.walk import COLUMNS, cells_of, csv_lines, is_wanted, text_lines
from kdtoken.render.walk_json import json_rows
from tests.declared_views import decoded
from tests.test_analysis_audit_users import made

ANNA, SYSTEM, FULL = decoded("notepad"), decoded("system"), decoded("cmd")
GONE = Unreadable(0x10, "paged out")
DETAILS = ProcessDetails(5, 0, 0, 1, 0)


def row(token: Any = ANNA, details: Any = DETAILS, pid: Any = 8, name: Any = "a.exe", **more: Any) -> ProcessDump:
    process = Process(0xABC0, pid, name, more.pop("ref", FastRef(0x7007, 15)), 4)
    return ProcessDump(process, details, token, **more)


def test_every_cell_of_a_process() -> None:
    assert ANNA.user is not None
    cells = cells_of(row())
    assert tuple(cells) == COLUMNS
    assert (cells["pid"], cells["image"], cells["eprocess"]) == ("8", "a.exe", "0xabc0")
    assert (cells["user"], cells["sid"], cells["session"]) == ("ANNA-PC\\Anna", str(ANNA.user), str(ANNA.session_id))
    assert (cells["integrity"], cells["elevation"], cells["token"]) == ("Medium", "filtered", hex(ANNA.address))
    assert (cells["oddities"], cells["privileges"], cells["remarks"]) == ("", "", "")
    assert cells_of(row(FULL))["elevation"] == "full" and cells_of(row(SYSTEM))["elevation"] == ""
    assert cells_of(row(replace(ANNA, flags=GONE)))["elevation"] == "?"


@pytest.mark.parametrize(
    "changes, cells",
    [
        ({"pid": GONE}, {"pid": ""}),
        ({"name": GONE}, {"image": "?? unreadable at 0x10: paged out"}),
        ({"name": "a\x1b.exe"}, {"image": "a\\u001b.exe"}),
        ({"token": None}, {"user": "no token", "token": "", "sid": ""}),
        ({"token": GONE}, {"user": "?? unreadable at 0x10: paged out", "token": ""}),
        # A text names the token by its address, and no more; the low bits are a count.
        ({"token": NotSaid("a text")}, {"token": "0x7000", "sid": ""}),
        ({"token": NotSaid("a text"), "ref": GONE}, {"token": ""}),
        ({"token": replace(ANNA, address=0)}, {"token": ""}),
        ({"token": made(ANNA, 0x1000)}, {"integrity": "Low"}),
        ({"token": replace(ANNA, user_and_groups=GONE)}, {"integrity": "?"}),
        ({"token": replace(ANNA, session_id=GONE)}, {"session": "?? unreadable at 0x10: paged out"}),
        ({"details": replace(DETAILS, exit_time=9)}, {"oddities": "exited"}),
        # _PS_PROTECTION.Level: type 1 light, 2 full; signer 4 Lsa, 6 WinTcb.
        ({"details": replace(DETAILS, protection=0x41)}, {"oddities": "PPL-Lsa"}),
        ({"details": replace(DETAILS, protection=0x62)}, {"oddities": "PP-WinTcb"}),
        ({"details": replace(DETAILS, exit_time=9, protection=0x41)}, {"oddities": "exited, PPL-Lsa"}),
        ({"details": replace(DETAILS, exit_time=GONE, protection=GONE)}, {"oddities": ""}),
        ({"details": GONE}, {"oddities": ""}),
        ({"token": None, "problems": ("torn\x1b",)}, {"oddities": "!! torn\\u001b"}),
    ],
)
def test_what_is_known_and_what_is_not(changes: Dict[str, Any], cells: Dict[str, str]) -> None:
    found = cells_of(row(**changes))
    assert {name: found[name] for name in cells} == cells


@pytest.mark.parametrize(
    "busy, total, said",
    [
        (0, 3, ""),
        (1, 1, "1 of 1 threads impersonates"),
        (1, 3, "1 of 3 threads impersonates"),
        (2, 3, "2 of 3 threads impersonate"),
    ],
)
def test_threads_that_impersonate_are_counted(busy: int, total: int, said: str) -> None:
    acting = [Impersonation(0x6000, 2, False)] * busy + [None] * (total - busy)
    threads = tuple(Thread(0x100 + at, 8, at, one) for at, one in enumerate(acting))
    assert cells_of(row(threads=threads))["oddities"] == said


def test_only_privileges_that_are_on_and_give_power_are_named() -> None:
    listed = (
        Privilege(20, "SeDebugPrivilege", True, True, False),
        Privilege(17, "SeBackupPrivilege", True, False, False),
        Privilege(23, "SeChangeNotifyPrivilege", True, True, True),
        Privilege(7, "SeTcbPrivilege", False, True, False),  # marked as on, and not held
    )
    assert cells_of(row(replace(FULL, privileges=listed)))["privileges"] == "SeDebugPrivilege"


@pytest.mark.parametrize(
    "user, level, wanted",
    [
        (None, None, True),
        ("anna", None, True),  # any part of the name, whatever its letters
        ("ANNA-PC", None, True),
        ("S-1-5-21", None, True),
        ("-1001", None, True),
        ("system", None, False),
        (None, 0x2000, True),
        (None, 0x2001, False),
        ("anna", 0x3000, False),
        ("boris", 0x2000, False),
    ],
)
def test_who_passes_a_filter(user: Any, level: Any, wanted: bool) -> None:
    assert is_wanted(row(), user, level, NO_NAMES) is wanted
    assert is_wanted(row(None), user, level, NO_NAMES) is (user is None and level is None)
    # One whom a thread impersonates counts as well.
    acting = row(SYSTEM, tokens={0x6000: ANNA})
    assert is_wanted(acting, "system", None, NO_NAMES) and is_wanted(acting, user, level, NO_NAMES) is (
        wanted or user == "system"
    )
    blind = replace(ANNA, user_and_groups=(GONE, Group(Sid(16, (0x2000,)), 0x60)), integrity_level_index=1)
    assert is_wanted(row(blind), user, level, NO_NAMES) is (user is None and level in (None, 0x2000))


def test_two_processes_with_one_token_have_the_same_json_and_others_their_own() -> None:
    other = replace(SYSTEM, address=ANNA.address + 0x1000)
    lines = [json.loads(line) for line in json_rows([row(), row(pid=12), row(other, pid=16), row(None, pid=20)], False)]
    assert [line["process"]["pid"] for line in lines] == [8, 12, 16, 20]
    assert lines[0]["token"] == lines[1]["token"] and lines[3]["token"] is None
    assert lines[0]["token"]["user"] != lines[2]["token"]["user"]
    assert lines[2]["token"]["address"] == hex(other.address) and lines[0]["token"]["integrity"] == 0x2000
    acting = row(tokens={0x6000: other}, threads=(Thread(0x100, 8, 20, Impersonation(0x6000, 2, False)),))
    (line,) = [json.loads(text) for text in json_rows([acting], True)]
    assert line["tokens"]["0x6000"]["address"] == hex(other.address)


def test_the_table_counts_what_is_shown_of_all() -> None:
    lines = [str(line) for line in text_lines([row(), row(SYSTEM, pid=12)], "x", 5, ["torn"], False)]
    assert lines[0] == "from x" and "2 of 5 processes" in lines and lines[-1] == "!! torn"
    assert "2 processes" in [str(line) for line in text_lines([row(), row(SYSTEM, pid=12)], "x", 2, [], False)]
    head, one, two = next((lines[at : at + 3] for at, line in enumerate(lines) if line.split()[:1] == ["PID"]))
    assert head.split() == ["PID", "IMAGE", "SES", "USER", "INTEGRITY", "ELEVATED", "NOTES"]
    assert one.split()[:3] == ["8", "a.exe", str(ANNA.session_id)] and "ANNA-PC\\Anna" in one and "filtered" in one
    assert two.split()[:2] == ["12", "a.exe"] and "SYSTEM" in two and "NT AUTHORITY" not in two
    assert len(csv_lines([row(), row(None)])) == 3


def test_a_token_that_was_not_looked_for_is_said_to_be() -> None:
    assert cells_of(row(NotAsked(0x7000)))["user"] and cells_of(row(NotAsked(0x7000)))["sid"] == ""
