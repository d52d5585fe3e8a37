"""`!threadtoken` of the user-mode debugger: each line its value; lists that are cut are parts."""

from typing import List, Tuple

import pytest

from kdtoken.model.absent import NOT_SAID_HERE, Fragment, NotSaid
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.threadtoken import VIEW, read_thread_tokens
from kdtoken.view.lines import split_lines
from kdtoken.view.partial import PartialGroup, PartialPrivilege, PartialToken

TEXT = """0:000> !threadtoken
***Thread is not impersonating, using process token***
Auth Id      0 : 0x3e7
Type         Primary
Imp Level    Anonymous
Token Id     0 : 0x3eb
Mod Id       1 : 0x3ec
Parent Id    0 : 0x11
Groups       2
S-1-1-0
S-1-5-11
Privileges   2
SeChangeNotifyPrivilege ( Enabled Default )
SeShutdownPrivilege ( )
User         S-1-5-18

after
"""


def read(text: str) -> Tuple[List[PartialToken], List[int]]:
    tokens, used = read_thread_tokens(list(split_lines(text)), "a.txt")
    return tokens, [line.number for line in used]


def only(text: str) -> PartialToken:
    (token,) = read(text)[0]
    return token


def test_every_value_of_a_token() -> None:
    tokens, used = read(TEXT)
    (found,) = tokens
    token = found.token
    assert (found.view, token.address) == (VIEW, 0) and used == list(range(2, 16))
    assert (token.authentication_id, token.token_id, token.modified_id) == (
        Luid(0, 0x3E7),
        Luid(0, 0x3EB),
        Luid(1, 0x3EC),
    )
    assert (token.token_type, token.impersonation_level) == (1, 0)
    user, *groups = token.user_and_groups
    assert user == Group(Sid(5, (18,)), 0)
    assert [(one.sid, one.attributes) for one in groups if isinstance(one, HalfGroup)] == [
        (Sid(1, (0,)), None),
        (Sid(5, (11,)), None),
    ]
    assert token.privileges == (
        Privilege(19, "SeShutdownPrivilege", True, False, False),
        Privilege(23, "SeChangeNotifyPrivilege", True, True, True),
    )
    assert not isinstance(token.user_and_groups, Fragment) and not isinstance(token.privileges, Fragment)
    assert found.groups == (
        PartialGroup(Sid(5, (18,)), 0),
        PartialGroup(Sid(1, (0,)), NotSaid(VIEW)),
        PartialGroup(Sid(5, (11,)), NotSaid(VIEW)),
    )
    assert found.privileges == (
        PartialPrivilege("SeChangeNotifyPrivilege", 23, True, True),
        PartialPrivilege("SeShutdownPrivilege", 19, False, False),
    )
    assert found.incomplete == () and str(found.places["user"]) == "a.txt:2"
    assert token.parent_token_id == NotSaid(VIEW)


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("Type         Primary", "Type         Impersonation", "token_type", 2),
        ("Imp Level    Anonymous", "Imp Level    Delegation", "impersonation_level", 3),
        ("Imp Level    Anonymous", "Imp Level    Whatever", "impersonation_level", NotSaid(VIEW)),
        ("Mod Id ", "Modified Id ", "modified_id", Luid(1, 0x3EC)),
        ("Auth Id ", "auth id ", "authentication_id", Luid(0, 0x3E7)),
        ("0 : 0x3e7", "0 - 0x3e7", "authentication_id", NotSaid(VIEW)),
    ],
)
def test_other_values_of_a_token(old: str, new: str, field: str, value: object) -> None:
    assert getattr(only(TEXT.replace(old, new)).token, field) == value


@pytest.mark.parametrize(
    ("lost", "incomplete"),
    [
        ("S-1-5-11\n", "user_and_groups"),
        ("SeShutdownPrivilege ( )\n", "privileges"),
        ("Groups       2\n", "user_and_groups"),
    ],
)
def test_fewer_than_it_counts_are_a_part(lost: str, incomplete: str) -> None:
    found = only(TEXT.replace(lost, ""))
    assert isinstance(getattr(found.token, incomplete), Fragment) and found.incomplete == (incomplete,)


def test_a_list_that_is_not_there_is_not_said() -> None:
    without = TEXT.replace("Privileges   2\n", "").replace("SeChangeNotifyPrivilege ( Enabled Default )\n", "")
    assert only(without).token.privileges == NotSaid(VIEW)
    anonymous = only(TEXT.replace("User         S-1-5-18\n", ""))
    assert anonymous.token.user_and_groups[0] is NOT_SAID_HERE and anonymous.groups[0].sid == Sid(1, (0,))
    assert not isinstance(anonymous.token.user_and_groups, Fragment)
    user_only = only("***Thread is impersonating***\nType         Primary\nUser         S-1-5-18\n\n")
    assert isinstance(user_only.token.user_and_groups, Fragment) and user_only.token.user_and_groups == (
        Group(Sid(5, (18,)), 0),
    )
    counted = only("***Thread is impersonating***\nType         Primary\nPrivileges   0\n\n")
    assert counted.token.privileges == () and counted.token.user_and_groups == NotSaid(VIEW)


def test_what_has_no_values_or_no_list_is_no_token() -> None:
    head = "***Thread is impersonating***\n"
    assert read(head + "Type         Primary\n\n") == ([], [])
    assert read(head + "Groups       1\nS-1-1-0\n\n") == ([], [])
    assert read("Type         Primary\nUser         S-1-5-18\n\n") == ([], [])


def test_rows_are_of_the_list_that_they_stand_in() -> None:
    """A SID before the groups and behind the privileges is none of them; a name that no header has is no privilege."""
    text = TEXT.replace("Groups       2", "S-1-5-6\nGroups       2").replace(
        "Privileges   2\n", "Privileges   2\nS-1-5-7\n"
    )
    found = only(text.replace("SeShutdownPrivilege ( )", "SeNothingPrivilege ( )"))
    assert [str(one.sid) for one in found.groups] == ["S-1-5-18", "S-1-1-0", "S-1-5-11"]
    assert [one.name for one in found.privileges] == ["SeChangeNotifyPrivilege"]


@pytest.mark.parametrize("end", ["\n", "0:000> k\n", "***Thread is impersonating***\n", ""])
def test_where_a_token_ends(end: str) -> None:
    found, used = read(TEXT.split("\n\n")[0] + "\n" + end + "Imp Level    Delegation\n" * bool(end))
    assert found[0].token.impersonation_level == 0 and used == list(range(2, 16))


@pytest.mark.parametrize("between", ["", "   ", "0:000> k", "0:000>"])
def test_a_block_ends_with_a_blank_line_or_a_prompt(between: str) -> None:
    """What stands behind it is another's, whatever it looks like."""
    text = TEXT.replace(
        "User         S-1-5-18\n\nafter", "User         S-1-5-18\n%s\nMod Id       2 : 0x4\nS-1-5-12" % between
    )
    tokens, used = read(text)
    assert [one.token.modified_id for one in tokens] == [Luid(1, 0x3EC)] and used == list(range(2, 16))
    # The next one begins where it says so, with or without anything between.
    tokens, used = read(TEXT.split("\n\n")[0] + "\n" + TEXT.split("\n", 1)[1].replace("0x3eb", "0x3ed"))
    assert [one.token.token_id for one in tokens] == [Luid(0, 0x3EB), Luid(0, 0x3ED)]
