"""Lists of `!token` as rows: what makes one whole, what of a torn one is still told, and how doubt is put."""

from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.model.absent import NOT_SAID_HERE, Fragment, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.token_lists import (
    Ends,
    GroupRow,
    PrivilegeRow,
    group_attributes,
    group_entries,
    partial_groups,
    partial_privileges,
    privilege_row,
    privileges_of_rows,
    user_and_groups,
    user_entry,
    with_doubt,
)
from kdtoken.view.partial import PartialGroup, PartialPrivilege

WHOLE = Ends(True, True)
ONE, TWO, THREE = (Sid(5, (32, number)) for number in (544, 545, 546))


def row(index: int, sid: Optional[Sid] = ONE, **kwargs: Any) -> GroupRow:
    return GroupRow(index, sid, kwargs.pop("attributes", 7), **kwargs)


def why(found: object) -> str:
    assert isinstance(found, Fragment)
    return found.why


def test_a_row_is_a_group_or_the_half_of_one_that_is_known() -> None:
    assert row(0).entry == Group(ONE, 7)
    no_sid = row(0, None, why="Unable to read", address=0x1234).entry
    assert isinstance(no_sid, HalfGroup)
    assert (no_sid.sid, no_sid.attributes, no_sid.pointer, no_sid.address) == (None, 7, 0x1234, 0x1234)
    assert no_sid.reason == "Unable to read"
    neither = row(0, None, attributes=NotSaid("!token"), why="x").entry
    assert isinstance(neither, HalfGroup) and neither.attributes is None
    unsaid = row(0, attributes=NotSaid("!token")).entry
    assert isinstance(unsaid, HalfGroup) and (unsaid.sid, unsaid.reason) == (ONE, "its attributes are not in the text")
    strange = row(0, attributes=Unreadable(0, "words not known")).entry
    assert isinstance(strange, HalfGroup) and (strange.sid, strange.reason) == (ONE, "words not known")
    assert row(0, attributes=0).entry == Group(ONE, 0)


def test_a_list_with_both_ends_and_each_number_is_whole() -> None:
    found = group_entries([row(0), row(1, TWO)], WHOLE)
    assert found == (Group(ONE, 7), Group(TWO, 7)) and not isinstance(found, Fragment)
    assert group_entries([], WHOLE) == () and not isinstance(group_entries([], WHOLE), Fragment)


@pytest.mark.parametrize(
    ("indexes", "ends", "reason"),
    [
        ((0, 1), Ends(False, True), "its beginning is not in the text"),
        ((1, 2), Ends(False, True), "the text lacks its beginning"),
        ((0, 2), WHOLE, "the text lacks its beginning"),
        ((0, 1), Ends(True, False), "its end is not in the text"),
        ((0, 1), Ends(True, False, "torn here"), "torn here"),
        ((0, 1), Ends(True, True, "torn here"), "torn here"),
        ((1, 0), WHOLE, "its rows are not in order"),
        ((0, 0), WHOLE, "its rows are not in order"),
        ((0, 4096), WHOLE, "its rows are not in order"),
        ((0, 4095), WHOLE, "the text lacks its beginning"),
    ],
)
def test_what_a_list_lacks_is_said(indexes: Tuple[int, int], ends: Ends, reason: str) -> None:
    assert why(group_entries([row(at) for at in indexes], ends)) == reason


def test_a_number_that_is_left_out_keeps_its_place() -> None:
    """Row 3 of the text is entry 3 of the kernel's array, whatever of it is lost; a number that is noise has none."""
    assert tuple(group_entries([row(1), row(3, TWO)], WHOLE)) == (
        NOT_SAID_HERE,
        Group(ONE, 7),
        NOT_SAID_HERE,
        Group(TWO, 7),
    )
    assert tuple(group_entries([row(0), row(4096, TWO)], WHOLE)) == (Group(ONE, 7), Group(TWO, 7))
    assert len(group_entries([row(0), row(4095, TWO)], WHOLE)) == 4096


@pytest.mark.parametrize("joined, whole", [(True, True), (False, False)])
def test_rows_without_numbers_are_whole_only_where_nothing_lies_between(joined: bool, whole: bool) -> None:
    """With numbers, what lies between them took none of them away."""
    found = group_entries([row(-1), row(-1, TWO, joined=joined)], WHOLE)
    assert tuple(found) == (Group(ONE, 7), Group(TWO, 7)) and isinstance(found, Fragment) is not whole
    assert whole or why(found) == "lines in it were not understood"
    assert not isinstance(group_entries([row(0), row(1, TWO, joined=joined)], WHOLE), Fragment)


def test_a_count_in_the_text_says_whether_a_list_is_whole() -> None:
    """Whatever of its ends was seen; as many as it counts, no fewer, no more."""
    nothing = Ends()
    assert not isinstance(group_entries([row(0), row(1)], nothing, 2), Fragment)
    assert not isinstance(group_entries([], nothing, 0), Fragment)
    few = group_entries([row(0), row(1, TWO)], WHOLE, 4)
    assert why(few) == "the text counts 4 and lists 2"
    assert tuple(few) == (Group(ONE, 7), Group(TWO, 7), NOT_SAID_HERE, NOT_SAID_HERE)
    many = group_entries([row(0), row(1, TWO)], WHOLE, 1)
    assert why(many) == "the text counts 1 and lists 2" and len(many) == 2
    gap = group_entries([row(0), row(2, TWO)], WHOLE, 3)
    assert why(gap) == "the text counts 3 and lists 2" and len(gap) == 3
    mixed = group_entries([row(1), row(0, TWO)], WHOLE, 4)
    assert isinstance(mixed, Fragment) and len(mixed) == 3  # not in order: nobody knows where the others stood
    # As many as it counts, and yet not those: one in between is missing, or they are in no order.
    for at in ((0, 2), (1, 2), (1, 0), (0, 0)):
        odd = group_entries([row(at[0]), row(at[1], TWO)], WHOLE, 2)
        assert why(odd) == "the text counts 2 and lists 2", at
    # A count that no token can have is noise.
    assert not isinstance(group_entries([row(0)], WHOLE, 4096), Fragment)
    assert len(group_entries([row(0)], WHOLE, 4095)) == 4095


# --- the user and the SIDs that lie behind one another ---


def test_the_sid_in_front_of_the_first_unreadable_one_is_doubted() -> None:
    unread = row(1, None, why="Unable to read")
    rows, doubt = with_doubt([row(0), row(1, TWO), unread, unread, row(4, THREE), unread], None)
    assert doubt == ""
    assert [one.sid for one in rows] == [ONE, None, None, None, None, None]
    assert rows[1].why == "the text says S-1-5-32-545, but the SIDs behind it could not be read"
    assert rows[1].attributes == 7 and rows[2].why == "Unable to read"


def test_the_user_is_doubted_where_the_first_group_could_not_be_read() -> None:
    user = PartialGroup(ONE, 0)
    unread = row(0, None)
    assert with_doubt([unread], user) == ([unread], "the debugger could not read the SIDs behind it")
    assert with_doubt([unread], None) == ([unread], "")
    assert with_doubt([row(0), row(1, TWO)], user) == ([row(0), row(1, TWO)], "")
    assert with_doubt([], user) == ([], "")


def test_the_user_is_the_first_entry_or_why_it_is_not_known() -> None:
    user = PartialGroup(ONE, 0)
    assert user_entry(user, None, "") == Group(ONE, 0)
    assert user_entry(None, None, "") is NOT_SAID_HERE
    unread = Unreadable(0x10, "Unable to read")
    assert user_entry(None, unread, "") is unread
    doubted = user_entry(user, None, "it is so")
    assert isinstance(doubted, HalfGroup) and doubted.sid is None
    assert doubted.reason == "doubtful: the text says S-1-5-32-544, but it is so"


def test_the_last_rows_that_were_printed_elsewhere_stand_at_the_end() -> None:
    first = Group(ONE, 0)
    # The label of the user-mode form has no number: as one of the list's rows it would follow one of another kind.
    rows = [row(0, TWO), row(-1, THREE, joined=False)]
    found = user_and_groups(first, rows, WHOLE, 1, True)
    assert found == (first, Group(TWO, 7), Group(THREE, 7)) and not isinstance(found, Fragment)
    assert why(user_and_groups(first, rows, WHOLE, 0, True)) == "lines in it were not understood"
    torn = user_and_groups(first, rows, Ends(True, False), 1, True)
    assert tuple(torn) == tuple(found) and why(torn) == "its end is not in the text"
    unlisted = user_and_groups(first, [], WHOLE, 0, False)
    assert tuple(unlisted) == (first,) and why(unlisted) == "the text has no list of groups"


def test_rows_as_every_view_gives_them() -> None:
    assert partial_groups([row(0, name="Admins"), row(1, None), row(-1, TWO)]) == (
        PartialGroup(ONE, 7, "Admins", 0),
        PartialGroup(TWO, 7, "", -1),
    )
    assert partial_privileges([PrivilegeRow(0, 19, "SeShutdownPrivilege", True, False)]) == (
        PartialPrivilege("SeShutdownPrivilege", 19, True, False),
    )


def test_attribute_words_are_their_bits() -> None:
    """winnt.h SE_GROUP_*: mandatory 1, enabled by default 2, enabled 4."""
    found, strange = group_attributes(row(3, attributes=NotSaid("!token")), "Mandatory Default Enabled")
    assert (found.index, found.sid, found.attributes, strange) == (3, ONE, 7, "")
    doubtful, strange = group_attributes(row(3), "Mandatory Enbled Odd")
    assert isinstance(doubtful.attributes, Unreadable) and strange == "enbled"


# --- privileges ---


def made(index: Optional[int], number: Optional[int], name: str, words: Optional[str] = "") -> Tuple[PrivilegeRow, str]:
    return privilege_row("!token", index, number, name, words, True)


def test_a_privilege_row_has_number_name_and_state() -> None:
    assert made(2, 19, "SeShutdownPrivilege", "Enabled Default") == (
        PrivilegeRow(2, 19, "SeShutdownPrivilege", True, True),
        "",
    )
    assert made(None, None, "SeShutdownPrivilege", "Default")[0] == PrivilegeRow(
        None, 19, "SeShutdownPrivilege", False, True
    )
    assert made(2, 19, "SeShutdownPrivilege", "Enabled,UsedForAccess")[0].default is False
    unsaid = made(2, 19, "SeShutdownPrivilege", None)[0]
    assert (unsaid.enabled, unsaid.default) == (NotSaid("!token"), NotSaid("!token")) and not unsaid.understood
    assert privilege_row("!token", 2, 19, "SeShutdownPrivilege", "", False)[0].joined is False


def test_a_privilege_that_the_extension_does_not_know_is_called_by_its_number() -> None:
    """36 is SeDelegateSessionUserImpersonatePrivilege (winnt.h, Windows 10); 40 is nobody's yet."""
    assert made(0, 36, "Unknown Privilege")[0].name == "SeDelegateSessionUserImpersonatePrivilege"
    assert made(0, 40, "Unknown Privilege")[0] == PrivilegeRow(0, 40, "privilege 40", False, False)
    assert made(0, None, "Unknown Privilege")[0].name == "Unknown Privilege"


def test_a_number_and_a_name_that_do_not_agree_are_neither() -> None:
    found, problem = made(0, 20, "SeShutdownPrivilege", "Enabled")
    assert problem == "the text calls privilege 0x14 SeShutdownPrivilege" and found.number is None
    assert not found.understood
    assert made(0, 40, "SeNewPrivilege", "Enabled") == (PrivilegeRow(0, 40, "SeNewPrivilege", True, False), "")
    assert made(0, None, "SeNewPrivilege", "Enabled")[0].number is None
    # Both at once: what is said first is the name.
    assert made(0, 20, "SeShutdownPrivilege", "Enbled")[1].startswith("the text calls")


@pytest.mark.parametrize(
    ("words", "enabled", "default", "problem"),
    [
        ("Enabled Deflt", True, None, "deflt"),  # letters lost: it may be Default
        ("Enbled", None, None, "enbled"),
        ("En", None, None, "en"),  # a remark of two letters: it may be no state
        ("remark Enabled", None, None, "remark"),
        ("Enabled remark Default", True, None, "remark"),
        ("Enbled Default", None, True, "enbled"),
    ],
)
def test_what_a_word_that_nobody_knows_leaves_told(words: str, enabled: object, default: object, problem: str) -> None:
    found, said = made(0, 19, "SeShutdownPrivilege", words)
    assert [one if isinstance(one, bool) else None for one in (found.enabled, found.default)] == [enabled, default]
    assert said == problem
    assert str(words) in str(next(one for one in (found.enabled, found.default) if isinstance(one, Unreadable)))


def of(number: int, index: Optional[int] = None, **kwargs: Any) -> PrivilegeRow:
    """A row that is enabled; numbered by its LUID unless said otherwise."""
    name = {19: "SeShutdownPrivilege", 23: "SeChangeNotifyPrivilege", 33: "SeIncreaseWorkingSetPrivilege"}[number]
    return PrivilegeRow(number if index is None else index, number, name, True, False, **kwargs)


HELD = (
    Privilege(19, "SeShutdownPrivilege", True, True, False),
    Privilege(23, "SeChangeNotifyPrivilege", True, True, False),
)
UNREAD = PrivilegeRow(23, 23, "SeChangeNotifyPrivilege", Unreadable(0, "words not known"), False)


def test_a_list_of_privileges_with_both_ends_in_order_is_whole() -> None:
    for rows in ([of(19), of(23)], [of(19, 0), of(23, 1)]):  # numbered by LUID, and by rank
        found = privileges_of_rows(rows, WHOLE)
        assert found == HELD and not isinstance(found, Fragment)
    # By rank they stand in any order, and one's rank may be its LUID: SeCreateTokenPrivilege is 2 (winnt.h).
    third = PrivilegeRow(2, 2, "SeCreateTokenPrivilege", True, False)
    found = privileges_of_rows([of(23, 0), of(19, 1), third], WHOLE)
    assert found == (Privilege(2, "SeCreateTokenPrivilege", True, True, False), *HELD)
    assert not isinstance(found, Fragment)


@pytest.mark.parametrize(
    ("rows", "ends", "reason"),
    [
        ([of(19), of(23)], Ends(True, True, "torn here"), "torn here"),
        ([of(23), of(19)], WHOLE, "its rows are not in order"),
        ([of(19), of(23), of(23)], WHOLE, "its rows are not in order"),
        ([of(19, 0), of(23, 2)], WHOLE, "its rows are not in order"),
        ([of(19), of(23)], Ends(False, True), "its beginning is not in the text"),
        ([of(19), of(23)], Ends(True, False), "its end is not in the text"),
        ([of(19), of(23, joined=False)], WHOLE, "lines in it were not understood"),
    ],
)
def test_what_a_list_of_privileges_lacks_is_said(rows: List[PrivilegeRow], ends: Ends, reason: str) -> None:
    found = privileges_of_rows(rows, ends)
    assert isinstance(found, Fragment) and tuple(found) == HELD and found.why == reason and found.notes == ()


def test_a_row_that_was_not_understood_is_noted_and_is_no_absence() -> None:
    found = privileges_of_rows([of(19), UNREAD, of(33)], WHOLE)
    assert isinstance(found, Fragment) and [one.number for one in found] == [19, 33]
    assert found.why == "a row in it was not understood"
    assert found.notes == ("SeChangeNotifyPrivilege: words not known",)
    assert [number for number in range(64) if not found.tells(number)] == [23]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (UNREAD, "words not known"),
        (PrivilegeRow(23, 23, "SeX", True, Unreadable(0, "its default")), "its default"),
        (PrivilegeRow(23, 23, "SeX", NotSaid("!token"), NotSaid("!token")), "its attributes are not in the text"),
        (PrivilegeRow(23, None, "SeChangeNotifyPrivilege", True, False), "its number and name do not agree"),
        (PrivilegeRow(23, None, "SeNewPrivilege", True, False), "no number is known of it"),
    ],
)
def test_why_a_row_of_a_privilege_is_not_understood(row: PrivilegeRow, reason: str) -> None:
    found = privileges_of_rows([row], WHOLE)
    assert isinstance(found, Unreadable) and found.reason == "%s: %s" % (row.name, reason)
    assert not row.understood


def test_of_many_rows_that_were_not_understood_three_are_named() -> None:
    found = privileges_of_rows([PrivilegeRow(at, None, "Se%d" % at, True, False) for at in range(4)], WHOLE)
    assert isinstance(found, Unreadable)
    assert found.reason == "; ".join("Se%d: no number is known of it" % at for at in range(3))


def test_a_list_without_rows_is_none_only_where_both_its_ends_were_seen() -> None:
    assert privileges_of_rows([], WHOLE) == () != NotSaid("!token")
    for ends in (Ends(True), Ends(False, True), Ends(True, True, "torn")):
        assert privileges_of_rows([], ends) == NotSaid("!token")


def stretch(*spans: Tuple[int, int]) -> List[int]:
    return [number for first, last in spans for number in range(first, last + 1)]


@pytest.mark.parametrize(
    ("rows", "ends", "told"),
    [
        # From its beginning to the last row; behind that more may come.
        ([of(19), of(23)], Ends(True, False), stretch((0, 23))),
        ([of(19), of(23)], Ends(False, True), stretch((19, 63))),
        # Between rows that do not stand one below the other anything may have stood.
        ([of(19), of(23, joined=False)], WHOLE, stretch((0, 19), (23, 63))),
        # A row without a number tells nothing of its neighbours.
        ([of(19), PrivilegeRow(1, None, "SeX", True, False), of(33)], WHOLE, stretch((0, 19), (33, 63))),
        ([of(19), PrivilegeRow(1, None, "SeX", True, False)], WHOLE, stretch((0, 19))),
        ([of(19), of(23)], Ends(False, False), stretch((19, 23))),
        # Numbered by rank, or out of order: only what is listed.
        ([of(19, 0), of(23, 1)], Ends(True, False), [19, 23]),
        ([of(23), of(19)], WHOLE, [19, 23]),
    ],
)
def test_of_which_numbers_a_torn_list_tells_that_they_are_not_held(
    rows: List[PrivilegeRow], ends: Ends, told: List[int]
) -> None:
    found = privileges_of_rows(rows, ends)
    assert isinstance(found, Fragment)
    assert sorted(set(number for number in range(64) if found.tells(number)) | {one.number for one in found}) == told
