"""A machine as text shows it: every output of `!token` a look of its own, and nothing claimed that text cannot tell."""

from types import SimpleNamespace
from typing import Any

from kdtoken.machine import snapshot as module
from kdtoken.machine.snapshot import snapshot_of_texts
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.process import FastRef, Process, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Look
from kdtoken.view.partial import PartialGroup, PartialToken, TextPlace, partial_token

USERS, GUESTS = Sid(5, (32, 545)), Sid(5, (32, 546))


def token(address: int, line: int, *groups: PartialGroup, **more: Any) -> PartialToken:
    places = {"address": TextPlace("a.log", line)} if line else {}
    return PartialToken("!token", partial_token("!token", address, {}), places, groups=groups, **more)


def text(*tokens: PartialToken) -> Any:
    return SimpleNamespace(tokens=SimpleNamespace(tokens=tokens))


def row(pid: int, token_: Any, *problems: str) -> ProcessDump:
    process = Process(0x1000 * pid, pid, "a.exe", FastRef(0x2000, 15), 4)
    return ProcessDump(process, NotSaid("x"), token_, problems=problems)


def test_looks_are_kept_in_order_by_address(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "merge_processes", lambda texts: ())
    unknown = PartialGroup(GUESTS, Unreadable(0, "odd words"))
    first = token(0x7000, 5, PartialGroup(USERS, 7), unknown, incomplete=("privileges",))
    second, other, nowhere, placeless = token(0x7000, 50), token(0x8000, 20), token(0, 30), token(0x9000, 0)
    found = snapshot_of_texts([text(first, other), text(second, nowhere, placeless)], "a.log", "10.0.22000")
    assert found.captures == {
        # What is listed with words that nobody knows is listed all the same.
        0x7000: (
            Look(first.token, "a.log:5", ("privileges",), (GUESTS,), True),
            Look(second.token, "a.log:50", (), (), True),
        ),
        0x8000: (Look(other.token, "a.log:20", (), (), True),),
        0x9000: (Look(placeless.token, "", (), (), True),),  # without an address there is nothing to know it by
    }
    assert (found.label, found.build) == ("a.log", "10.0.22000")


def test_a_text_is_of_many_moments_and_no_list_in_it_is_known_to_be_whole(monkeypatch: Any) -> None:
    rows = (
        SimpleNamespace(dump=row(8, NotSaid("x"), "torn")),
        SimpleNamespace(dump=row(12, Unreadable(0x10, "y"), "torn")),
    )
    monkeypatch.setattr(module, "merge_processes", lambda texts: rows)
    found = snapshot_of_texts([], "a.log")
    assert (found.at_once, found.printed, found.whole) == (False, True, False)
    assert [one.process.pid for one in found.processes] == [8, 12]
    # Each problem once; of whose tokens the text tells nothing is counted.
    assert found.problems == ("torn", "of the tokens of 1 of 2 processes the text tells nothing")
    said = NotSaid("the text")
    assert (found.boot.boot, found.logon_sessions, found.build) == (said, said, "")
    assert set(vars(found.boot).values() if hasattr(found.boot, "__dict__") else found.boot) == {said}


def test_where_every_token_is_told_of_there_is_no_problem(monkeypatch: Any) -> None:
    told = partial_token("!token", 0x7000, {})
    monkeypatch.setattr(module, "merge_processes", lambda texts: (SimpleNamespace(dump=row(8, told)),))
    assert snapshot_of_texts([], "a.log").problems == ()
