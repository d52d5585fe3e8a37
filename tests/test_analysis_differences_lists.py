"""What two views list: groups, the user's and the label's attributes, privileges; and where a hole is no difference."""

from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.differences.comparison import Kind, Outcome, Part, View
from kdtoken.analysis.differences.lists import group_rows, privilege_rows, user_and_label_rows
from kdtoken.frozen import replace
from kdtoken.model.absent import Fragment, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.model.view import Unread
from tests.declared_views import decoded

BASE = decoded("notepad")
GONE = Unreadable(0x10, "paged out")
USER = Sid(5, (21, 1, 2, 3, 1001))
USERS, GUESTS, LOGON = Sid(5, (32, 545)), Sid(5, (32, 546)), Sid(5, (5, 0, 77))
DOMAIN_USERS, DOMAIN_GUESTS = Sid(5, (21, 1, 2, 3, 513)), Sid(5, (21, 1, 2, 3, 514))
MEDIUM, HIGH = Sid(16, (0x2000,)), Sid(16, (0x3000,))
# winnt.h SE_GROUP_*: MANDATORY 1, ENABLED_BY_DEFAULT 2, ENABLED 4, OWNER 8, USE_FOR_DENY_ONLY 0x10, INTEGRITY 0x20,
# INTEGRITY_ENABLED 0x40, RESOURCE 0x20000000, LOGON_ID 0xC0000000.
KERNEL, WHOAMI, COMMAND = Kind.KERNEL, Kind.WHOAMI, Kind.TOKEN_COMMAND


def view(kind: Kind, *groups: Any, label: Any = None, user: Any = None, **more: Any) -> View:
    """A token of the user, these groups, and a label at the end."""
    entries = (user or Group(USER, 0), *groups, label or Group(MEDIUM, 0x60))
    token = replace(
        BASE, user_and_groups=entries, integrity_level_index=len(entries) - 1, primary_group=more.pop("primary", None)
    )
    return View(token, kind, "x", **more)


def rows(a: View, b: View) -> List[Tuple[str, Outcome, str]]:
    found = group_rows(a, b, "group", "groups", "user_and_groups")
    assert all(row.part in (Part.IDENTITY, Part.POLICY) for row in found)
    return [(row.name, row.outcome, row.note) for row in found]


IN = Group(USERS, 7)


def test_a_group_on_one_side_only_differs() -> None:
    assert rows(view(KERNEL, IN), view(KERNEL, IN)) == [("group S-1-5-32-545", Outcome.SAME, "")]
    for pair in ((view(KERNEL, IN), view(KERNEL)), (view(KERNEL), view(KERNEL, IN))):
        assert rows(*pair) == [("group S-1-5-32-545", Outcome.DIFFERS, "")]
    assert rows(view(KERNEL), view(KERNEL)) == [("groups", Outcome.SAME, "")]
    (row,) = group_rows(view(KERNEL, IN), view(KERNEL), "group", "groups", "user_and_groups")
    assert (row.part, row.a, row.b) == (Part.IDENTITY, IN, None)
    # The user and the label have rows of their own.
    assert rows(view(KERNEL, label=Group(HIGH, 0x60)), view(KERNEL)) == [("groups", Outcome.SAME, "")]


def test_a_sid_that_is_listed_twice_is_compared_each_time() -> None:
    again = Group(USERS, 0x10)
    assert rows(view(KERNEL, IN, again), view(KERNEL, IN)) == [
        ("group S-1-5-32-545", Outcome.SAME, ""),
        ("group S-1-5-32-545 (again)", Outcome.DIFFERS, ""),
    ]
    assert rows(view(KERNEL, IN, again), view(KERNEL, IN, again))[1][1] is Outcome.SAME


@pytest.mark.parametrize(
    "kinds, sid, one, other, outcome, note",
    [
        ((KERNEL, KERNEL), USERS, 7, 7, Outcome.SAME, ""),
        ((KERNEL, KERNEL), USERS, 7, 0x10, Outcome.DIFFERS, ""),
        ((KERNEL, KERNEL), USERS, 7, 0x47, Outcome.DIFFERS, ""),
        # whoami's words: "Mandatory group", "Enabled by default", "Enabled group", "Group owner", "Group used for deny
        # only", "Local Group"; others it has none for.
        *[((KERNEL, WHOAMI), USERS, 0x40 | bit, 0x40, Outcome.DIFFERS, "") for bit in (1, 2, 4, 8, 0x10, 0x20000000)],
        *[
            ((KERNEL, WHOAMI), USERS, 7 | bit, 7, Outcome.EXPECTED, "whoami has no words for these attributes")
            for bit in (0x20, 0x40, 0x80, 0x40000000)
        ],
        ((WHOAMI, KERNEL), USERS, 7, 0x27, Outcome.EXPECTED, "whoami has no words for these attributes"),
        ((KERNEL, WHOAMI), USERS, 0x27, 0x3, Outcome.DIFFERS, ""),
        ((KERNEL, WHOAMI), LOGON, 0xC0000007, 7, Outcome.EXPECTED, "whoami prints the logon SID alone"),
        ((KERNEL, KERNEL), LOGON, 0xC0000007, 7, Outcome.DIFFERS, ""),
    ],
)
def test_attributes(kinds: Any, sid: Sid, one: int, other: int, outcome: Outcome, note: str) -> None:
    ((_, found, said),) = rows(view(kinds[0], Group(sid, one)), view(kinds[1], Group(sid, other)))
    assert (found, said) == (outcome, note)


PRIMARY = "whoami does not print the primary group"


@pytest.mark.parametrize(
    "kind, group, primary, outcome, note",
    [
        (KERNEL, Group(LOGON, 0xC0000007), None, Outcome.DIFFERS, ""),
        (WHOAMI, Group(LOGON, 0xC0000007), None, Outcome.EXPECTED, "whoami does not print the logon SID"),
        (WHOAMI, Group(LOGON, 7), None, Outcome.EXPECTED, "whoami does not print the logon SID"),
        (WHOAMI, Group(USERS, 0xC0000007), None, Outcome.EXPECTED, "whoami does not print the logon SID"),
        (WHOAMI, IN, USERS, Outcome.EXPECTED, PRIMARY),
        (WHOAMI, IN, GUESTS, Outcome.DIFFERS, ""),
        (COMMAND, IN, USERS, Outcome.DIFFERS, ""),
        (WHOAMI, Group(DOMAIN_USERS, 7), None, Outcome.EXPECTED, PRIMARY),  # "None", of a machine without a domain
        (WHOAMI, Group(DOMAIN_GUESTS, 7), None, Outcome.DIFFERS, ""),
        (WHOAMI, Group(Sid(5, (32, 513)), 7), None, Outcome.DIFFERS, ""),
    ],
)
def test_what_whoami_leaves_out_is_no_difference(
    kind: Kind, group: Group, primary: Any, outcome: Outcome, note: str
) -> None:
    holder, lacking = view(KERNEL, group, primary=primary), view(kind)
    for pair in ((holder, lacking), (lacking, holder)):
        ((_, found, said),) = rows(*pair)
        assert (found, said) == (outcome, note)


LINES = tuple(Unread(number, "x") for number in (3, 5, 9, 11))


@pytest.mark.parametrize(
    "more, note",
    [
        ({"listed": (USERS,)}, "listed on both sides, with attributes that are not known"),
        ({"incomplete": ("user_and_groups",)}, "the other text shows only a part of its list"),
        ({"incomplete": ("the rest",)}, "the other text shows only a part of its list"),
        ({"not_understood": LINES[:3]}, "the other text has lines that were not understood: 3, 5, 9"),
        ({"not_understood": LINES}, "the other text has lines that were not understood: 3, 5, 9 and 1 more"),
        ({"listed": (GUESTS,)}, ""),
        ({"incomplete": ("privileges",)}, ""),
    ],
)
def test_where_the_other_list_may_hold_it_all_the_same_nobody_is_accused(more: Any, note: str) -> None:
    holder, lacking = view(COMMAND, IN), view(COMMAND, **more)
    for pair in ((holder, lacking), (lacking, holder)):
        ((_, outcome, said),) = rows(*pair)
        assert (outcome, said) == (Outcome.UNREADABLE if note else Outcome.DIFFERS, note)


def test_an_entry_that_was_not_read_may_be_any_group() -> None:
    holder, torn = view(KERNEL, IN), view(KERNEL, GONE)
    for pair in ((holder, torn), (torn, holder)):
        first, hole = rows(*pair)
        assert first == ("group S-1-5-32-545", Outcome.UNREADABLE, "not all of the other list could be read")
        assert hole[:2] == ("unreadable entries of groups", Outcome.UNREADABLE)
    # An entry of which only the attributes are not known is that SID and no other.
    known = view(KERNEL, GONE, listed=(GUESTS,))
    assert rows(holder, known)[0] == ("group S-1-5-32-545", Outcome.DIFFERS, "")
    # What the side with the hole lists itself is not excused by its own hole.
    assert rows(view(KERNEL, IN, GONE), view(KERNEL))[0][1] is Outcome.DIFFERS
    (row,) = group_rows(view(KERNEL, GONE), view(KERNEL), "group", "groups", "user_and_groups")
    assert (row.a, row.b) == (GONE, None)
    (row,) = group_rows(view(KERNEL), view(KERNEL, GONE), "group", "groups", "user_and_groups")
    assert (row.a, row.b) == (None, GONE)


def test_a_list_that_is_not_there_is_one_row() -> None:
    whole = view(KERNEL, IN)
    gone = replace(whole, token=replace(whole.token, user_and_groups=GONE))
    for pair in ((whole, gone), (gone, whole)):
        assert rows(*pair) == [("groups", Outcome.UNREADABLE, "")]
    unsaid = replace(whole, token=replace(whole.token, user_and_groups=NotSaid("x")))
    assert [outcome for _, outcome, _ in rows(whole, unsaid)] == [Outcome.ONLY_A]
    assert [outcome for _, outcome, _ in rows(unsaid, whole)] == [Outcome.ONLY_B]


def user_rows(a: View, b: View) -> List[Tuple[str, Outcome, str]]:
    return [(row.name, row.outcome, row.note) for row in user_and_label_rows(a, b)]


def test_the_attributes_of_the_user_and_of_the_label() -> None:
    plain, deny = view(KERNEL), view(KERNEL, user=Group(USER, 0x10))
    assert user_rows(plain, plain) == [
        ("user attributes", Outcome.SAME, ""),
        ("label attributes", Outcome.SAME, ""),
    ]
    assert user_rows(plain, deny)[0] == ("user attributes", Outcome.DIFFERS, "")
    for kind in (WHOAMI, COMMAND):  # neither prints the user's
        assert user_rows(plain, view(kind))[0] == ("user attributes", Outcome.ONLY_A, "")
        assert user_rows(view(kind), plain)[0] == ("user attributes", Outcome.ONLY_B, "")
    other = Group(MEDIUM, 0x20)
    assert user_rows(plain, view(KERNEL, label=other))[1] == ("label attributes", Outcome.DIFFERS, "")
    assert user_rows(plain, view(COMMAND, label=other))[1] == ("label attributes", Outcome.DIFFERS, "")
    blind = "whoami prints the label without its attributes"
    assert user_rows(plain, view(WHOAMI, label=other))[1] == ("label attributes", Outcome.EXPECTED, blind)
    assert user_rows(view(WHOAMI, label=other), plain)[1] == ("label attributes", Outcome.EXPECTED, blind)
    assert user_rows(plain, view(WHOAMI))[1] == ("label attributes", Outcome.SAME, "")
    none = replace(plain, token=replace(plain.token, user_and_groups=()))
    assert user_rows(plain, none)[0] == ("user attributes", Outcome.UNREADABLE, "")


def held(present: bool = True, enabled: bool = False, default: Any = False, number: int = 20) -> Privilege:
    return Privilege(number, "SeDebugPrivilege", present, enabled, default)


def privileges(a: Any, b: Any, kinds: Any = (KERNEL, KERNEL), **more: Any) -> List[Tuple[str, Outcome, str]]:
    def side(kind: Kind, one: Any, more: Any) -> View:
        listed = one if isinstance(one, (tuple, Unreadable, NotSaid)) else () if one is None else (one,)
        return View(replace(BASE, privileges=listed), kind, "x", **more)

    views = side(kinds[0], a, {}), side(kinds[1], b, more)
    return [(row.name, row.outcome, row.note) for row in privilege_rows(*views)]


DEFAULT = "enabled by default on one side only"
HIDDEN = "only the kernel shows what is not held"
OTHER = "held by neither, but its other bits differ"


@pytest.mark.parametrize(
    "one, other, kinds, outcome, note",
    [
        (held(), held(), (KERNEL, KERNEL), Outcome.SAME, ""),
        (held(), None, (KERNEL, KERNEL), Outcome.DIFFERS, ""),
        (None, held(), (KERNEL, KERNEL), Outcome.DIFFERS, ""),
        (held(), held(False), (KERNEL, KERNEL), Outcome.DIFFERS, ""),
        (held(enabled=True), held(), (KERNEL, KERNEL), Outcome.DIFFERS, ""),
        (held(default=True), held(), (KERNEL, KERNEL), Outcome.DIFFERS, DEFAULT),
        (held(default=True), held(default=None), (KERNEL, WHOAMI), Outcome.SAME, ""),  # of which whoami says nothing
        (held(default=None), held(default=True), (WHOAMI, KERNEL), Outcome.SAME, ""),
        # Held by neither: bits that only the kernel's masks show.
        (held(False, True), None, (KERNEL, KERNEL), Outcome.DIFFERS, OTHER),
        (None, held(False, True), (KERNEL, KERNEL), Outcome.DIFFERS, OTHER),
        (held(False, default=True), None, (KERNEL, KERNEL), Outcome.DIFFERS, OTHER),
        (held(False), None, (KERNEL, KERNEL), Outcome.SAME, ""),
        (held(False, True), held(False, True), (KERNEL, KERNEL), Outcome.SAME, ""),
        (held(False, True), None, (KERNEL, COMMAND), Outcome.ONLY_A, HIDDEN),
        (None, held(False, True), (COMMAND, KERNEL), Outcome.ONLY_B, HIDDEN),
        (held(False, True), held(False, False), (KERNEL, COMMAND), Outcome.DIFFERS, OTHER),
    ],
)
def test_a_privilege(one: Any, other: Any, kinds: Any, outcome: Outcome, note: str) -> None:
    assert privileges(one, other, kinds) == [("SeDebugPrivilege", outcome, note)]


def test_privileges_by_number_and_lists_that_are_not_there() -> None:
    assert privileges((held(number=50),), ()) == [("privilege 50", Outcome.DIFFERS, "")]
    many = (held(number=23), held(number=5))
    assert [name for name, _, _ in privileges(many, ())] == ["SeIncreaseQuotaPrivilege", "SeChangeNotifyPrivilege"]
    assert privileges((), ()) == [("privileges", Outcome.SAME, "")]
    assert privileges(held(), GONE) == [("privileges", Outcome.UNREADABLE, "")]
    assert privileges(held(), NotSaid("x")) == [("privileges", Outcome.ONLY_A, "")]


CUT = "the other text shows only a part of its list"


@pytest.mark.parametrize(
    "listed, more, outcome, note",
    [
        ((), {"incomplete": ("privileges",)}, Outcome.UNREADABLE, CUT),
        ((), {"incomplete": ("the rest",)}, Outcome.UNREADABLE, CUT),
        ((), {"incomplete": ("user_and_groups",)}, Outcome.DIFFERS, ""),
        (
            Fragment((), "cut", ("SeDebugPrivilege: odd",)),
            {"incomplete": ("privileges",)},
            Outcome.UNREADABLE,
            "listed on both sides, but not how",
        ),
        (Fragment((), "cut", ("SeTcbPrivilege: odd",)), {"incomplete": ("privileges",)}, Outcome.UNREADABLE, CUT),
        # A stretch in which the part is whole all the same says that it is not there.
        (Fragment((), "cut", (), ((2, 20),)), {"incomplete": ("privileges",)}, Outcome.DIFFERS, ""),
        (Fragment((), "cut", (), ((2, 19),)), {"incomplete": ("privileges",)}, Outcome.UNREADABLE, CUT),
        (
            (),
            {"not_understood": LINES[:1]},
            Outcome.UNREADABLE,
            "the other text has lines that were not understood: 3",
        ),
        # One that it lists as not held is no hole.
        ((held(False),), {"incomplete": ("privileges",)}, Outcome.DIFFERS, ""),
        ((held(False),), {"not_understood": LINES[:1]}, Outcome.DIFFERS, ""),
    ],
)
def test_a_privilege_that_may_stand_in_the_rest_of_the_list(
    listed: Any, more: Any, outcome: Outcome, note: str
) -> None:
    assert privileges(held(), listed, (COMMAND, COMMAND), **more) == [("SeDebugPrivilege", outcome, note)]


def test_of_two_parts_of_lists_without_a_privilege_nothing_is_said_to_be_the_same() -> None:
    assert privileges((), (), (COMMAND, COMMAND), incomplete=("privileges",)) == [
        ("privileges", Outcome.UNREADABLE, "only a part of them is shown")
    ]


def test_a_token_s_own_label_is_found_without_its_index() -> None:
    """Where GetTokenInformation was refused that class, the entry with the attribute is it."""
    one = view(KERNEL, IN)
    blind = replace(one, token=replace(one.token, integrity_level_index=GONE))
    assert rows(blind, one) == [("group S-1-5-32-545", Outcome.SAME, "")]
    assert user_rows(blind, one)[1] == ("label attributes", Outcome.SAME, "")
    assert isinstance(blind.token, Token)


def test_in_other_lists_the_first_entry_is_one_as_any_other() -> None:
    """Only in UserAndGroups is it the user."""
    one, other = (View(replace(BASE, restricted_sids=listed), KERNEL, "x") for listed in ((IN,), ()))
    found = group_rows(one, other, "restricting SID", "restricting SIDs", "restricted_sids")
    assert [(row.name, row.outcome) for row in found] == [("restricting SID S-1-5-32-545", Outcome.DIFFERS)]
    found = group_rows(one, one, "restricting SID", "restricting SIDs", "restricted_sids")
    assert [(row.name, row.outcome) for row in found] == [("restricting SID S-1-5-32-545", Outcome.SAME)]


def test_the_label_is_the_entry_that_the_index_names_whatever_its_attributes() -> None:
    odd = view(KERNEL, IN, label=Group(HIGH, 0))
    assert rows(odd, view(KERNEL, IN)) == [("group S-1-5-32-545", Outcome.SAME, "")]
    # An index behind the list names none: then each entry is a group.
    beyond = replace(odd, token=replace(odd.token, integrity_level_index=3))
    assert [name for name, _, _ in rows(beyond, view(KERNEL, IN))] == ["group S-1-5-32-545", "group S-1-16-12288"]
    gone = replace(odd, token=replace(odd.token, user_and_groups=GONE))
    assert [row.name for row in user_and_label_rows(gone, odd)] == ["user attributes"]
