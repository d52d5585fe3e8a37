"""Rows of whoami put together: what makes a list whole, what of a torn one is told, and what is nobody's."""

from typing import Tuple

import pytest

from kdtoken.model import group as groups
from kdtoken.model.absent import NOT_SAID_HERE, Fragment, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.view.lines import Line
from kdtoken.view.partial import PartialGroup, TextPlace
from kdtoken.view.whoami.rows import GROUPS, PRIVILEGES, USER, VIEW, WhoamiBuilder

ANNA, EVERYONE, MEDIUM, LOGON = (
    Sid.from_text(one) for one in ("S-1-5-21-1-2-3-1001", "S-1-1-0", "S-1-16-8192", "S-1-5-5-0-7")
)
ON = "Mandatory group, Enabled by default, Enabled group"
LABEL = groups.INTEGRITY | groups.INTEGRITY_ENABLED


def line(number: int) -> Line:
    return Line(number, "")


def builder(*kinds: str, begun: bool = True, ended: bool = True) -> WhoamiBuilder:
    made = WhoamiBuilder("a.txt")
    for kind in kinds:
        made.begin(kind, begun).ended = ended
    return made


def test_a_list_comes_once_and_keeps_what_was_seen_of_its_beginning() -> None:
    made = WhoamiBuilder("a.txt")
    assert made.takes(GROUPS) and made.begin(GROUPS, False).why == "its beginning is not in the text"
    assert not made.takes(GROUPS) and made.takes(PRIVILEGES)
    assert made.begin(GROUPS, True).begun is False and made.kind == GROUPS
    part = made.begin(PRIVILEGES, True)
    assert part.why == "its end is not in the text"
    part.ended = True
    assert part.why == ""
    part.torn = "torn"
    assert part.why == "torn"


def test_the_user_is_one_and_never_a_label_or_a_logon() -> None:
    made = builder()
    assert not made.user_row(MEDIUM, "x", line(1)) and not made.user_row(LOGON, "x", line(2))
    assert made.user_row(ANNA, " lab\\anna ", line(3)) and made.user == PartialGroup(ANNA, 0, "lab\\anna")
    assert not made.user_row(EVERYONE, "x", line(4)) and made.problems == ["line 4: a second user, S-1-1-0"]
    assert made.user.sid == ANNA and made.places == {"user": TextPlace("a.txt", 3)}


@pytest.mark.parametrize(
    "name", ["a/b", "a[b", "a:b", "a\ufffdb", "a\u2026", "\u2500x", "a\\b\\c", "a" * 121, "a\\" + "b" * 121]
)
def test_what_can_be_no_name_is_none(name: str) -> None:
    made = builder(GROUPS)
    made.group_row(EVERYONE, name, ON, line(1))
    assert made.names == {} and made.groups[0].name == ""
    made.group_row(ANNA, "a" * 120 + "\\" + "b" * 120, ON, line(2))
    assert made.groups[1].name == "a" * 120 + "\\" + "b" * 120


def test_a_group_s_words_are_its_bits_or_why_not() -> None:
    made = builder(GROUPS)
    assert made.group_row(EVERYONE, "", ON, line(1)) and made.group_row(MEDIUM, "", " ", line(2))
    assert made.group_row(ANNA, "", "", line(3))
    assert not made.group_row(ANNA, "", "Xyzzy", line(4)) and not made.group_row(ANNA, "", "Enabled gr", line(5), False)
    assert [one.attributes for one in made.groups[:3]] == [7, LABEL, NotSaid(VIEW)]
    assert made.groups[3].attributes == Unreadable(0, "attribute words not known: 'Xyzzy'")
    assert made.groups[4].attributes == Unreadable(0, "the words for its attributes may go on: 'Enabled gr'")
    # A label may go on as well, and one with words has these.
    assert not made.group_row(MEDIUM, "", "", line(6), all_there=False)
    assert made.group_row(MEDIUM, "", ON, line(7)) and made.groups[-1].attributes == 7
    # Why a state is not known is no address, either.
    of_state = builder(PRIVILEGES)
    assert not of_state.privilege_row("SeDebugPrivilege", "Xyzzy", line(1))
    assert of_state.privileges[0].enabled == Unreadable(0, "state word not known: 'Xyzzy'")
    assert made.places["groups.S-1-1-0"] == TextPlace("a.txt", 1)
    assert made.places["groups.S-1-16-8192"] == TextPlace("a.txt", 2)


def test_attributes_and_states_on_the_next_line() -> None:
    made = builder(GROUPS, PRIVILEGES)
    assert not made.waits_for_attributes and not made.waits_for_state
    made.group_row(EVERYONE, "Everyone", "", line(1))
    assert made.waits_for_attributes and made.attributes_row(ON, line(2))
    assert made.groups == [PartialGroup(EVERYONE, 7, "Everyone")] and not made.waits_for_attributes
    made.privilege_row("SeDebugPrivilege", "", line(3))
    assert made.waits_for_state and made.state_row("Disabled", line(4)) and not made.waits_for_state
    assert [(one.name, one.number, one.enabled) for one in made.privileges] == [("SeDebugPrivilege", 20, False)]
    assert made.places["privileges.SeDebugPrivilege"] == TextPlace("a.txt", 3)


def test_the_logon_sid_is_printed_once() -> None:
    made = builder()
    assert made.logon_row(LOGON, line(1)) and not made.logon_row(Sid(5, (5, 0, 8)), line(2))
    assert made.logon == PartialGroup(LOGON, 0xC0000000) and made.places == {"logon_sid": TextPlace("a.txt", 1)}


def test_the_row_before_a_line_that_nobody_knows_is_doubted() -> None:
    made = builder(GROUPS, PRIVILEGES)
    made.group_row(EVERYONE, "Everyone", ON, line(1))
    made.group_row(ANNA, "lab\\anna", ON, line(2))
    made.privilege_row("SeDebugPrivilege", "Enabled", line(3))
    made.doubt(GROUPS, line(4))
    made.doubt(GROUPS, line(5))
    why = Unreadable(0, "the line behind it was not understood")
    assert made.groups == [PartialGroup(EVERYONE, 7, "Everyone"), PartialGroup(ANNA, why)]
    assert made.names == {EVERYONE: "Everyone"}
    assert made.parts[GROUPS].torn == "lines in it were not understood (line 4)" and made.parts[PRIVILEGES].torn == ""
    assert made.privileges[0].enabled is True
    made.doubt(PRIVILEGES, line(6))
    assert made.privileges[0].enabled == why and made.privileges[0].number == 20
    empty = builder(USER, GROUPS, PRIVILEGES)
    for kind in (USER, GROUPS, PRIVILEGES):
        empty.doubt(kind, line(1))
    assert empty.groups == [] == empty.privileges


def test_a_cut_tears_its_list_or_all_that_have_not_ended() -> None:
    made = builder(GROUPS, PRIVILEGES)
    made.parts[PRIVILEGES].ended = False
    made.cut(line(5), "")
    assert (made.parts[GROUPS].torn, made.parts[PRIVILEGES].torn) == ("", "lines are left out in it (line 5)")
    made.cut(line(6), GROUPS)
    assert made.parts[GROUPS].torn == ""  # it had ended
    made.parts[GROUPS].ended = False
    made.cut(line(7), GROUPS)
    made.cut(line(8), GROUPS)
    assert made.parts[GROUPS].torn == "lines are left out in it (line 7)"
    assert made.problems == ["line %d: lines are left out here" % number for number in (5, 6, 7, 8)]


def test_a_token_of_rows() -> None:
    made = builder(USER, GROUPS, PRIVILEGES)
    made.user_row(ANNA, "lab\\anna", line(1))
    made.group_row(EVERYONE, "Everyone", ON, line(2))
    made.group_row(MEDIUM, "", "", line(3))
    made.logon_row(LOGON, line(4))
    made.privilege_row("SeShutdownPrivilege", "Disabled", line(5))
    made.privilege_row("SeDebugPrivilege", "Enabled", line(6))
    found = made.finished()
    entries = (Group(ANNA, 0), Group(EVERYONE, 7), Group(MEDIUM, LABEL), Group(LOGON, groups.LOGON_ID))
    held = found.token.user_and_groups
    assert held == entries and isinstance(held, Fragment) and held.why.startswith("the logon SID is not listed")
    assert found.token.integrity_level_index == 2 and found.incomplete == ()
    assert found.token.privileges == (
        Privilege(19, "SeShutdownPrivilege", True, False, None),
        Privilege(20, "SeDebugPrivilege", True, True, None),
    )
    assert not isinstance(found.token.privileges, Fragment)
    assert [one.sid for one in found.groups] == [ANNA, EVERYONE, MEDIUM, LOGON] and found.names[ANNA] == "lab\\anna"


def test_what_is_not_in_the_text_is_not_said() -> None:
    alone = builder(USER)
    alone.user_row(ANNA, "", line(1))
    held = alone.finished().token.user_and_groups
    assert isinstance(held, Fragment) and held.why == "the text has no list of groups" and held == (Group(ANNA, 0),)
    assert alone.finished().incomplete == ("user_and_groups",)
    listed = builder(GROUPS, ended=False)
    listed.group_row(EVERYONE, "", ON, line(1))
    held = listed.finished().token.user_and_groups
    assert isinstance(held, Fragment) and held[0] is NOT_SAID_HERE and held.why == "its end is not in the text"
    assert listed.finished().token.privileges == NotSaid(VIEW)
    nothing = builder().finished()
    assert nothing.token.user_and_groups == NotSaid(VIEW) and nothing.incomplete == ()
    unsaid = builder(GROUPS)
    unsaid.group_row(EVERYONE, "", "", line(1))
    (_, entry) = unsaid.finished().token.user_and_groups
    assert isinstance(entry, HalfGroup) and entry.sid == EVERYONE and entry.attributes is None


@pytest.mark.parametrize(
    ("rows", "numbers", "note"),
    [
        (
            (("SeDebugPrivilege", "Enabled"), ("SeShutdownPrivilege", "Xyzzy")),
            [20],
            "SeShutdownPrivilege: state word not known: 'Xyzzy'",
        ),
        (
            (("SeDebugPrivilege", "Enabled"), ("SeShutdownPrivilege", "")),
            [20],
            "SeShutdownPrivilege: its state is not in the text",
        ),
        (
            (("SeDebugPrivilege", "Enabled"), ("SeNewPrivilege", "Enabled")),
            [20],
            "SeNewPrivilege: no number is known of it",
        ),
        (
            (("SeDebugPrivilege", "Enabled"), ("SeShutdownPrivilege", "Enabled"), ("SeDebugPrivilege", "Disabled")),
            [19],
            "SeDebugPrivilege: the text gives it twice",
        ),
    ],
)
def test_a_privilege_that_is_not_understood_is_noted(
    rows: Tuple[Tuple[str, str], ...], numbers: object, note: str
) -> None:
    made = builder(PRIVILEGES)
    for at, (name, word) in enumerate(rows):
        made.privilege_row(name, word, line(at))
    found = made.finished()
    held = found.token.privileges
    assert isinstance(held, Fragment) and [one.number for one in held] == numbers and held.notes == (note,)
    assert held.why == "a row in it was not understood" and found.incomplete == ("privileges",)


def test_privileges_of_which_none_is_understood() -> None:
    made = builder(PRIVILEGES)
    for at in range(4):
        made.privilege_row("Se%sPrivilege" % "ABCD"[at], "Enabled", line(at))
    held = made.finished().token.privileges
    assert isinstance(held, Unreadable)
    assert held.reason == "; ".join("Se%sPrivilege: no number is known of it" % one for one in "ABC")
    # Twice the same says it once.
    twice = builder(PRIVILEGES)
    for at in range(2):
        twice.privilege_row("SeDebugPrivilege", "Enabled", line(at))
    assert twice.finished().token.privileges == (Privilege(20, "SeDebugPrivilege", True, True, None),)


@pytest.mark.parametrize(
    ("rows", "cut"),
    [
        # The name that Windows gives a SID ends with what is left of it: a left margin took its beginning, and that of all.
        ((("S-1-5-32-544", "DMINISTRATORS"), ("S-1-1-0", "Everyone")), True),
        ((("S-1-5-32-544", "TIN\\Administrators"),), True),
        ((("S-1-5-32-544", "Administrators"), ("S-1-1-0", "Everyone")), False),  # only its authority is not there
        ((("S-1-5-32-544", "BUILTIN\\Administrators"),), False),
        ((("S-1-5-32-544", "Administradores"),), False),  # another language's
        # Windows' own names begin with a capital.
        ((("S-1-5-11", "uthenticated Users"),), True),
        ((("S-1-2-0", "ocal"),), True),
        ((("S-1-3-0", "reator owner"),), True),
        ((("S-1-16-8192", "andatory Label"),), True),
        # Those that people give need not.
        ((("S-1-5-21-1-2-3-1120", "printers"),), False),
        ((("S-1-15-3-1", "capability"),), False),
        ((("S-1-5-21-1-2-3-1001", "lab\\anna"),), False),
        ((), False),
    ],
)
def test_a_left_margin_that_cut_one_name_cut_them_all(rows: Tuple[Tuple[str, str], ...], cut: bool) -> None:
    made = builder(USER, GROUPS)
    made.user_row(ANNA, "anna", line(1))
    for number, (sid, name) in enumerate(rows, 2):
        made.group_row(Sid.from_text(sid), name, ON, line(number))
    found = made.finished()
    assert found.token.problems == (("the beginnings of names are cut off: none is told",) if cut else ())
    assert (
        [one.name for one in found.groups] == [""] * (len(rows) + 1) if cut else ["anna", *(name for _, name in rows)]
    )
    assert (found.names == {}) is cut


def test_names_of_a_table_that_a_left_margin_cut_are_none() -> None:
    made = builder(GROUPS)
    made.cut_left = True
    made.group_row(EVERYONE, "Everyone", ON, line(1))
    assert made.finished().names == {} and made.finished().groups[0].name == ""
    empty = builder(GROUPS)
    empty.cut_left = True
    empty.group_row(EVERYONE, "", ON, line(1))
    assert empty.finished().token.problems == ()


def test_what_whoami_never_shows_is_said() -> None:
    """The logon SID and the primary group, attributes of the user and of the label, defaults; and whose token it is at all."""
    assert [one.split(":")[0] for one in builder().finished().never_shown] == [
        "user_and_groups",
        "user_and_groups[0].attributes",
        "integrity label",
        "privileges.enabled_by_default",
        "the whole",
    ]
