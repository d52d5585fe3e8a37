"""A model with holes: which entry is the label, how lists with gaps line up, and what a privilege needs to count."""

from typing import Any

import pytest

from kdtoken.model.absent import NOT_SAID_HERE, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.view.partial import (
    PartialGroup,
    PartialPrivilege,
    entries_of,
    label_index,
    partial_token,
    privileges_field,
)

EVERYONE, LOW, MEDIUM = (Sid.from_text(one) for one in ("S-1-1-0", "S-1-16-4096", "S-1-16-8192"))
LABEL = 0x60  # winnt.h SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED
GONE = Unreadable(0, "not in the text")


@pytest.mark.parametrize(
    "entries, index",
    [
        ((Group(EVERYONE, 7), Group(MEDIUM, LABEL)), 1),
        ((Group(LOW, 7), Group(MEDIUM, LABEL)), 1),  # a label SID without the attribute is a group like others
        ((Group(LOW, LABEL), Group(MEDIUM, 7)), 0),
        ((Group(LOW, 7), Group(MEDIUM, 7)), 0),  # none has it (a text without attributes): the first
        ((GONE, Group(MEDIUM, 0x20)), 1),
        ((Group(EVERYONE, LABEL),), None),  # the attribute makes no label of another SID
        ((), None),
    ],
)
def test_which_entry_is_the_label(entries: Any, index: Any) -> None:
    assert label_index(entries) == index


def listed(sid: Sid, index: int = -1, attributes: Any = 7) -> PartialGroup:
    return PartialGroup(sid, attributes, "", index)


def test_numbers_that_were_left_out_are_holes() -> None:
    """Rows 00 and 03 of a list: an index into the kernel's list must be one into this."""
    entries = entries_of((listed(EVERYONE, 0), listed(MEDIUM, 3)))
    assert entries[0] == Group(EVERYONE, 7) and entries[3] == Group(MEDIUM, 7) and len(entries) == 4
    assert entries[1] == NOT_SAID_HERE


@pytest.mark.parametrize("index", [-1, 0, 1, 4096, 1 << 40])
def test_numbers_that_do_not_go_up_or_are_noise_are_not_believed(index: int) -> None:
    assert entries_of((listed(EVERYONE, 0), listed(MEDIUM, index))) == (Group(EVERYONE, 7), Group(MEDIUM, 7))
    assert len(entries_of((listed(EVERYONE, 0), listed(MEDIUM, 4095)))) == 4096


def test_a_list_that_starts_later() -> None:
    assert entries_of((listed(EVERYONE, 1), listed(MEDIUM, 3)), first=1) == (
        Group(EVERYONE, 7),
        NOT_SAID_HERE,
        Group(MEDIUM, 7),
    )


def test_a_group_of_which_the_attributes_are_not_known_is_a_hole_that_names_it() -> None:
    nothing = listed(EVERYONE, 0, NotSaid("whoami")).entry
    assert nothing == HalfGroup(0, "it is listed, its attributes are not", sid=EVERYONE)
    assert str(nothing) == "S-1-1-0: it is listed, its attributes are not"
    strange = Unreadable(0, "attribute words not known: 'Xyzzy'")
    assert listed(EVERYONE, 0, strange).entry == HalfGroup(0, "attribute words not known: 'Xyzzy'", sid=EVERYONE)


def test_privileges_by_number_and_none_invented() -> None:
    debug = PartialPrivilege("SeDebugPrivilege", None, True, NotSaid("whoami"))
    notify = PartialPrivilege("SeChangeNotifyPrivilege", 23, False, True)
    assert privileges_field("whoami", (notify, debug)) == (
        Privilege(20, "SeDebugPrivilege", True, True, None),  # whoami never says it
        Privilege(23, "SeChangeNotifyPrivilege", True, False, True),
    )
    assert privileges_field("whoami", ()) == ()


@pytest.mark.parametrize(
    "one",
    [
        PartialPrivilege("SeDebugPrivilege", 20, NotSaid("whoami"), False),
        PartialPrivilege("SeDebugPrivilege", 20, Unreadable(0, "state word not known: 'X'"), False),
        PartialPrivilege("SeNobodyKnowsPrivilege", None, True, False),
        PartialPrivilege("SeDebugPrivilege", 64, True, False),
        PartialPrivilege("SeDebugPrivilege", -1, True, False),
    ],
)
def test_one_privilege_that_is_not_known_leaves_all_unread(one: PartialPrivilege) -> None:
    """Leaving it out would say that the token lacks it."""
    notify = PartialPrivilege("SeChangeNotifyPrivilege", 23, True, True)
    found = privileges_field("whoami", (notify, one))
    assert isinstance(found, Unreadable) and one.name in found.reason


def test_the_highest_bit_is_a_privilege() -> None:
    top = PartialPrivilege("SeTopPrivilege", 63, True, False)
    assert privileges_field("!token", (top,)) == (Privilege(63, "SeTopPrivilege", True, True, False),)


def test_a_field_that_nobody_has_is_a_mistake_of_the_reader() -> None:
    with pytest.raises(KeyError):
        partial_token("!token", 0, {"nonsense": 1})
    token = partial_token("!token", 0x1000, {"session_id": 1})
    assert (token.address, token.session_id, token.flags) == (0x1000, 1, NotSaid("!token"))
