"""What a Token says of itself: the edges of its indices, lists with holes, and a type that is not known."""

from dataclasses import replace
from typing import Any, Optional

import pytest

from kdtoken.model.absent import Absent, Fragment, Missing, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import FIELD_NAMES, Token
from kdtoken.model.token_flags import TokenFlags

USER, EVERYONE, LABEL = (Sid.from_text(one) for one in ("S-1-5-21-1-2-3-1001", "S-1-1-0", "S-1-16-8192"))
GROUPS = (Group(USER, 0), Group(EVERYONE, 7), Group(LABEL, 0x60))
GONE = Unreadable(0x10, "paged out")
NOTHING = Token(address=0x1000, **dict.fromkeys(FIELD_NAMES, NotSaid("x")))  # type: ignore[arg-type]


def token(**fields: Any) -> Token:
    return replace(NOTHING, **fields)


@pytest.mark.parametrize("name", ["integrity", "default_owner"])
@pytest.mark.parametrize(
    "index, groups, value",
    [
        (2, GROUPS, LABEL),
        (2, (*GROUPS[:2], GONE), GONE),  # the entry itself is a hole
        (GONE, GROUPS, GONE),
        (2, GONE, GONE),
        (GONE, Absent("x"), Absent("x")),  # the list says more than the index
    ],
)
def test_an_index_into_the_groups(name: str, index: Any, groups: Any, value: Any) -> None:
    fields = {"integrity": "integrity_level_index", "default_owner": "default_owner_index"}
    assert getattr(token(user_and_groups=groups, **{fields[name]: index}), name) == value


def test_the_owner_may_be_the_user_and_the_label_must_be_a_label() -> None:
    assert token(user_and_groups=GROUPS, default_owner_index=0).default_owner == USER
    label = token(user_and_groups=GROUPS, integrity_level_index=1).integrity
    assert isinstance(label, Unreadable) and label.reason == "IntegrityLevelIndex 1 leads to S-1-1-0, which is no label"


def test_an_index_past_the_groups_is_damage() -> None:
    for index in (3, 0xFFFFFFFE):
        label = token(user_and_groups=GROUPS, integrity_level_index=index).integrity
        assert label == Unreadable(0x1000, "IntegrityLevelIndex %d is past the groups" % index)
        owner = token(user_and_groups=GROUPS, default_owner_index=index).default_owner
        assert owner == Unreadable(0x1000, "DefaultOwnerIndex %d is past the groups" % index)


def test_of_a_list_that_is_shown_in_part_what_lies_behind_its_end_is_not_said() -> None:
    part = token(user_and_groups=Fragment(GROUPS, "cut"), default_owner_index=3, integrity_level_index=3)
    assert part.integrity == part.default_owner == NotSaid("this text")
    assert token(user_and_groups=Fragment((), "cut")).user == NotSaid("this text")


def test_minus_one_is_a_token_without_a_label_but_no_owner() -> None:
    """IntegrityLevelIndex is 0xffffffff where there is no label; DefaultOwnerIndex knows no such value."""
    assert token(user_and_groups=GROUPS, integrity_level_index=0xFFFFFFFF).integrity is None
    owner = token(user_and_groups=GROUPS, default_owner_index=0xFFFFFFFF).default_owner
    assert isinstance(owner, Unreadable)


@pytest.mark.parametrize(
    "groups, user, rest",
    [
        (GROUPS, USER, GROUPS[1:]),
        ((GONE, GROUPS[1]), GONE, (GROUPS[1],)),
        ((), Unreadable(0x1000, "the token lists no user"), ()),
        (GONE, GONE, ()),
    ],
)
def test_the_user_is_the_first_entry(groups: Any, user: Any, rest: Any) -> None:
    assert (token(user_and_groups=groups).user, token(user_and_groups=groups).groups) == (user, rest)


@pytest.mark.parametrize("kind, primary", [(1, True), (2, False), (0, False), (GONE, None), (Absent("x"), None)])
def test_the_type(kind: Any, primary: Optional[bool]) -> None:
    assert token(token_type=kind).is_primary is primary


def test_a_privilege_counts_when_it_is_held_and_enabled() -> None:
    held, on, ghost = (
        Privilege(20, "SeDebugPrivilege", True, False, True),
        Privilege(23, "SeChangeNotifyPrivilege", True, True, False),
        Privilege(17, "SeBackupPrivilege", False, True, True),
    )
    assert token(privileges=(ghost, on, held)).enabled_privileges == (on,)
    assert token(privileges=GONE).enabled_privileges == ()


def test_flags() -> None:
    assert token(flags=0x2000).has_flag(TokenFlags.NOT_LOW) is True
    assert token(flags=0x1000).has_flag(TokenFlags.NOT_LOW) is False
    assert token(flags=GONE).has_flag(TokenFlags.NOT_LOW) is None


def test_every_field_is_one_that_a_view_may_leave_out() -> None:
    assert all(isinstance(getattr(NOTHING, name), Missing) for name in FIELD_NAMES)
    assert set(vars(NOTHING)) - set(FIELD_NAMES) == {"address", "unnamed", "problems", "origins"}
