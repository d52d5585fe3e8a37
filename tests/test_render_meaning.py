"""Which style a value has: levels at their borders, privileges by their bits, groups on the screen."""

from dataclasses import replace
from typing import Optional

import pytest

from kdtoken.analysis.audit.finding import Severity
from kdtoken.model.absent import Fragment, Unreadable
from kdtoken.model.privilege import Privilege
from kdtoken.render.marked import segments
from kdtoken.render.meaning import level_style, privilege, severity
from kdtoken.render.privileges import all_lines, privilege_lines
from kdtoken.render.screen import screen_lines
from tests.test_render_screen import NOTEPAD, TOKEN


@pytest.mark.parametrize(
    "level, style",
    [(None, ""), (0, "untrusted"), (0xFFF, "untrusted"), (0x1000, "low"), (0x1FFF, "low"), (0x2000, ""), (0x2100, "")]
    + [(0x2FFF, ""), (0x3000, "high"), (0x3FFF, "high"), (0x4000, "system"), (0x5000, "system")],
)
def test_a_level_has_the_style_of_the_named_one_below_it(level: int, style: str) -> None:
    assert level_style(level) == style


def debug(present: bool, enabled: bool, default: bool = False) -> Privilege:
    return Privilege(20, "SeDebugPrivilege", present, enabled, default)


@pytest.mark.parametrize("present, enabled, style", [(True, True, "sensitive"), (True, False, ""), (False, True, "")])
def test_only_what_is_held_and_on_and_gives_power_is_sensitive(present: bool, enabled: bool, style: str) -> None:
    assert segments(privilege(debug(present, enabled), "x")) == [("x", style, "")]
    assert segments(privilege(Privilege(23, "SeChangeNotifyPrivilege", present, enabled, True), "x"))[0][1] == ""


@pytest.mark.parametrize(
    "held, words",
    [
        (debug(True, True, True), "held and on, on by default"),
        (debug(True, False), "held and off, off by default"),
        (debug(False, False, True), "not held any more: removed"),
        (debug(False, True), "marked as on, but not held"),
    ],
)
def test_how_a_privilege_stands_in_a_token(held: Privilege, words: str) -> None:
    assert privilege_lines("SeDebugPrivilege", replace(TOKEN, privileges=(held,)), "x")[-1] == "  x: " + words


def test_what_is_not_known_of_a_privilege_is_not_said_to_be_lacking() -> None:
    part = replace(TOKEN, privileges=Fragment((), "cut"))
    assert privilege_lines("SeDebugPrivilege", part, "x")[-1] == "  x: not told"
    gone = replace(TOKEN, privileges=Unreadable(0x10, "paged out"))
    assert privilege_lines("SeDebugPrivilege", gone, "x")[-1] == "  x: ?? unreadable at 0x10: paged out"


def test_groups_for_deny_only_are_marked_on_the_screen() -> None:
    told = [text for line in screen_lines(NOTEPAD, "") for text, style, _ in segments(line) if style == "deny"]
    assert "BUILTIN\\Administrators" in told and "Everyone" not in "".join(told)


@pytest.mark.parametrize(
    "one, style",
    [(Severity.IMPOSSIBLE, "impossible"), (Severity.UNUSUAL, "unusual"), (Severity.INFORMATION, ""), (None, "")],
)
def test_a_finding_has_the_style_of_what_it_says(one: Optional[Severity], style: str) -> None:
    assert segments(severity(one, "x")) == [("x", style, "")]


def test_a_privilege_by_itself_says_nothing_of_a_token() -> None:
    lines = privilege_lines("SeDebugPrivilege")
    assert lines[0] == "SeDebugPrivilege  (20, 0x14)" and not any("there is no token" in line for line in lines)
    assert privilege_lines("SeDebugPrivilege", None, "a.exe (8)")[-1] == "  a.exe (8): there is no token"
    # Whether it gives power over others is said of those that do (wdm.h 20; 23 is everybody's).
    assert any("power over others" in line for line in lines)
    assert not any("power over others" in line for line in privilege_lines("SeChangeNotifyPrivilege"))


def test_every_privilege_has_its_number_and_its_words() -> None:
    lines = all_lines()
    assert lines[0].startswith(" 2  SeCreateTokenPrivilege: ") and any(line.startswith("20  SeDebug") for line in lines)
    heads = [line for line in lines if line[:4].strip()]
    assert [int(line[:2]) for line in heads] == list(range(2, 37)) and all(len(line) < 100 for line in lines)
