"""A few hundred of the faults that `make faults` makes by the thousand: no value is shown wrong and unmarked."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from kdtoken.decode import token as decode
from tests.examples import ALL
from tests.expected import WINDOWS_11, kernel_of
from tests.fault_hunt.hunt import Hunt
from tests.fault_hunt.places import Places
from tests.fault_hunt.shown import changes
from tests.fault_hunt.through import THROUGH
from tests.fault_hunt.undetectable import UNDETECTABLE, reason_of

KERNEL = kernel_of(WINDOWS_11)


@lru_cache(maxsize=None)
def straight() -> Hunt:
    """One for all tests: it keeps what the sound machine shows, and no fault."""
    return Hunt(KERNEL)


def test_nothing_is_shown_wrong_and_unmarked() -> None:
    result = straight().run(1, 250 if ALL else 150)
    assert result.silent == [], result.silent[:3]
    counts = result.counts
    assert sum(counts[kind, "marked"] for kind in ("page", "bit", "pointer", "list", "layout")) > 25
    assert counts["token", "true, and noted"] > counts["token", "true"]


def test_a_page_that_is_gone_changes_no_value() -> None:
    result = straight().run(2, 60 if ALL else 30, ("page",))
    assert {outcome for _, outcome in result.counts} <= {"marked", "without effect"}


@pytest.mark.parametrize("way", ["recording", "log"])
def test_a_recording_or_a_log_of_the_faulty_machine_shows_the_same(way: str, tmp_path: Path) -> None:
    kept = Hunt(KERNEL, THROUGH[way](tmp_path), straight()).run(3, 25)
    assert kept.silent == [] and kept.counts == straight().run(3, 25).counts


def test_a_log_shows_the_sound_machine_as_its_memory_does(tmp_path: Path) -> None:
    through = Hunt(KERNEL, THROUGH["log"](tmp_path), straight())
    for process in through.processes[::6]:
        assert through.sound(process)[0] == straight().sound(process)[0]


def test_of_a_union_the_widest_member_is_what_lies_there() -> None:
    """Bits of it had its place: tokens of threads were never swapped, and faults in the rest were "elsewhere"."""
    places = Places(KERNEL)
    parts = places.alike("_ETHREAD.ClientSecurity.ImpersonationData")
    assert len(parts) > 10 and all(part.end - part.start == 8 and part.pointer for part in parts)
    assert places.at(parts[0].start + 7) == parts[0]


def test_a_token_that_is_none_marks_the_thread_that_names_it() -> None:
    before = {"threads": [{"impersonation": {"token": "0x10", "level": 2}}], "tokens": {"0x10": {"user": "a"}}}
    after = {"threads": [{"impersonation": {"token": "0x11", "level": 2}}], "tokens": {"0x11": {"unreadable": "0x11"}}}
    assert changes(before, after) == []
    after["tokens"] = {"0x11": {"user": "b"}}  # type: ignore[dict-item]
    assert [path for path, _, _ in changes(before, after)] == ["threads[].impersonation.token", "tokens"]


def test_the_hunt_sees_a_check_that_is_taken_away(monkeypatch: Any) -> None:
    """Else silence would prove nothing.  Of lists that point to another token's SIDs this one check alone tells."""
    sound = straight().run(5, 150 if ALL else 60, ("pointer",))
    monkeypatch.setattr(decode, "strays", lambda *arguments: [])
    without = straight().run(5, 150 if ALL else 60, ("pointer",))
    assert sound.silent == []
    assert {one.path.split("[")[0] for one in without.silent} >= {"token.restricted_sids"}


def test_what_cannot_be_known_has_a_reason_and_is_no_catch_all() -> None:
    assert all(len(row.reason) > 20 for row in UNDETECTABLE)
    assert reason_of("bit", "_TOKEN.SessionId", "token.session_id")
    assert reason_of("bit", "_TOKEN.SessionId", "token.user") is None
    assert reason_of("pointer", "_TOKEN.LogonSession", "token.account") is None
    assert reason_of("pointer", "foreign pointer in UserAndGroups", "token.user_and_groups[].sid") is None
    assert reason_of("pointer", "_TOKEN.UserAndGroups", "token.user") is None


def test_changes_name_the_facts() -> None:
    before = {"token": {"session_id": 1, "user_and_groups": [{"sid": "a"}], "integrity": {"sid": "b"}}}
    after = {
        "token": {"session_id": 2, "user_and_groups": [{"sid": "c"}], "integrity": {"unreadable": "0x1", "reason": "x"}}
    }
    assert [path for path, _, _ in changes(before, after)] == ["token.session_id", "token.user_and_groups[].sid"]
    assert changes(before, before) == []
