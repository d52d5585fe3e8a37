"""A few hundred of the faults that `make faults` makes by the thousand: no value is shown wrong and unmarked."""

from pathlib import Path
from typing import Any

from kdtoken.decode import token as decode
from tests.expected import WINDOWS_11, kernel_of
from tests.fault_hunt.hunt import Hunt
from tests.fault_hunt.shown import changes
from tests.fault_hunt.through import THROUGH
from tests.fault_hunt.undetectable import UNDETECTABLE, reason_of

KERNEL = kernel_of(WINDOWS_11)


def test_nothing_is_shown_wrong_and_unmarked() -> None:
    result = Hunt(KERNEL).run(1, 250)
    assert result.silent == [], result.silent[:3]
    counts = result.counts
    assert sum(counts[kind, "marked"] for kind in ("page", "bit", "pointer", "list", "layout")) > 25
    assert counts["token", "true, and noted"] > counts["token", "true"]


def test_a_page_that_is_gone_changes_no_value() -> None:
    result = Hunt(KERNEL).run(2, 60, ("page",))
    assert {outcome for _, outcome in result.counts} <= {"marked", "without effect"}


def test_a_recording_of_the_faulty_machine_shows_the_same(tmp_path: Path) -> None:
    straight = Hunt(KERNEL).run(3, 25)
    recorded = Hunt(KERNEL, THROUGH["recording"](tmp_path)).run(3, 25)
    assert recorded.silent == [] and recorded.counts == straight.counts


def test_the_hunt_sees_a_check_that_is_taken_away(monkeypatch: Any) -> None:
    """Else silence would prove nothing."""
    monkeypatch.setattr(decode, "strays", lambda *arguments: [])
    assert Hunt(KERNEL).run(4, 150, ("pointer",)).silent


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
