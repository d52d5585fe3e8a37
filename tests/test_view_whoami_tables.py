"""Tables of whoami as they are pasted: where one ends, a margin that cut it, a console that broke it, rows outside."""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

from typing import Dict, List, Optional

import pytest

from kdtoken.model.absent import Fragment, NotSaid, Unreadable
from kdtoken.model.sid import Sid
from kdtoken.view.lines import split_lines
from kdtoken.view.partial import PartialToken
from kdtoken.view.whoami.reader import WhoamiTexts, read_whoami_text
from kdtoken.view.whoami.tables import margin_of

ON = "Mandatory group, Enabled by default, Enabled group"
HEADS = """GROUP INFORMATION
-----------------

Group Name Type  SID          Attributes
========== ===== ============ ==================================================
"""
USERS = "USERS      Alias S-1-5-32-545 " + ON + "\n"
ADMINS = "ADMINS     Alias S-1-5-32-544 " + ON + "\n"
PRIVS = """PRIVILEGES INFORMATION
----------------------

Privilege Name          Description State
======================= =========== ========
"""
DEBUG = "SeDebugPrivilege        Debug it    Enabled\n"
NOTIFY = "SeChangeNotifyPrivilege Bypass it   Enabled\n"
USER = """USER INFORMATION
----------------

User Name SID
========= ===================
lab\\anna  S-1-5-21-1-2-3-1001
"""
END = "\nC:\\>\n"


def read(text: str) -> WhoamiTexts:
    return read_whoami_text(text, "a.txt")


def only(text: str) -> PartialToken:
    (token,) = read(text).tokens
    return token


def unknown(text: str) -> List[int]:
    return [line.number for line in read(text).not_understood]


def attributes(token: PartialToken) -> Dict[str, Optional[int]]:
    return {str(one.sid): one.attributes if isinstance(one.attributes, int) else None for one in token.groups}


def test_three_tables_are_one_token() -> None:
    token = only(USER + "\n" + HEADS + USERS + ADMINS + "\n" + PRIVS + DEBUG + NOTIFY + END)
    assert attributes(token) == {"S-1-5-21-1-2-3-1001": 0, "S-1-5-32-545": 7, "S-1-5-32-544": 7}
    assert [(one.name, one.enabled) for one in token.privileges] == [
        ("SeDebugPrivilege", True),
        ("SeChangeNotifyPrivilege", True),
    ]
    assert token.incomplete == () and token.names[Sid(5, (32, 545))] == "USERS"
    assert str(token.places["groups.S-1-5-32-544"]) == "a.txt:14"


def test_a_second_table_of_a_kind_is_another_token() -> None:
    assert [len(one.groups) for one in read(HEADS + USERS + "\n" + HEADS + USERS + ADMINS + END).tokens] == [1, 2]


def test_a_table_right_behind_another_one_ends_it_where_its_heads_are_there() -> None:
    heads, rule = PRIVS.splitlines()[-2:]
    token = only(HEADS + USERS + ADMINS + heads + "\n" + rule + "\n" + DEBUG + NOTIFY + END)
    assert token.incomplete == () and [one.name for one in token.privileges][0] == "SeDebugPrivilege"
    assert len(token.groups) == 2 and token.not_understood == ()
    # Without them the last row may have been one of many; and nobody knows what the second begins with.
    token = only(HEADS + USERS + ADMINS + rule + "\n" + DEBUG + NOTIFY + END)
    assert token.incomplete == ("user_and_groups", "privileges") and len(token.groups) == 2


@pytest.mark.parametrize(
    ("behind", "whole"),
    [
        ("", False),
        (END, True),
        ("kd> k\n", True),
        ("\n" + PRIVS + DEBUG, True),  # another table's title
        ("...\n", False),
        ("\nsomething else\n", True),  # behind a blank line it is no row
    ],
)
def test_the_end_of_a_table_is_what_comes_behind_it(behind: str, whole: bool) -> None:
    token = read(HEADS + USERS + ADMINS + behind).tokens[0]
    assert ("user_and_groups" not in token.incomplete) is whole
    assert attributes(token)["S-1-5-32-545"] == 7


def test_a_row_behind_a_blank_line_is_one_all_the_same() -> None:
    """A text that was double spaced; what is not of that list ends it."""
    spaced = only(HEADS + USERS + "\n" + ADMINS + "\n")
    assert list(attributes(spaced)) == ["S-1-5-32-545", "S-1-5-32-544"]
    assert [one.name for one in only(PRIVS + DEBUG + "\n" + NOTIFY + "\n").privileges] == [
        "SeDebugPrivilege",
        "SeChangeNotifyPrivilege",
    ]
    two = "S-1-5-11 and S-1-5-15 are SIDs\n"
    found = read(HEADS + USERS + "\n" + two + END)
    assert list(attributes(found.tokens[0])) == ["S-1-5-32-545"] and [line.number for line in found.not_understood] == [
        8
    ]


def test_a_row_that_is_not_understood_leaves_the_one_above_it_doubtful() -> None:
    found = read(HEADS + USERS + "what is this\n" + ADMINS + END)
    token = found.tokens[0]
    assert attributes(token) == {"S-1-5-32-545": None, "S-1-5-32-544": 7} and token.incomplete == ("user_and_groups",)
    assert [line.number for line in found.not_understood] == [7] == [line.number for line in token.not_understood]
    # The row behind it may have its name's beginning there.
    assert Sid(5, (32, 544)) not in token.names and Sid(5, (32, 545)) not in token.names
    held = only(PRIVS + DEBUG + "what is this\n" + NOTIFY + END).token.privileges
    assert isinstance(held, Fragment) and [one.number for one in held] == [23]
    two = read(HEADS + USERS + "S-1-5-11 S-1-5-15 Alias\n" + END)
    assert attributes(two.tokens[0]) == {"S-1-5-32-545": None}
    both = read(PRIVS + DEBUG + DEBUG.strip() + " " + NOTIFY + END)
    assert both.tokens[0].incomplete == ("privileges",) or len(both.tokens[0].privileges) == 3


def test_attributes_and_states_that_stand_on_the_next_line() -> None:
    token = only(HEADS + USERS.replace(ON, "") + "   " + ON + "\n" + ADMINS + END)
    assert attributes(token) == {"S-1-5-32-545": 7, "S-1-5-32-544": 7} and token.not_understood == ()
    state = only(PRIVS + "SeDebugPrivilege\n                                    Disabled\n" + NOTIFY + END)
    assert [(one.name, one.enabled) for one in state.privileges] == [
        ("SeDebugPrivilege", False),
        ("SeChangeNotifyPrivilege", True),
    ]


def test_a_cut_in_a_table_leaves_a_name_s_beginning_open() -> None:
    token = only(HEADS + USERS + "(snip)\n" + ADMINS + END)
    assert attributes(token) == {"S-1-5-32-545": 7, "S-1-5-32-544": 7} and token.incomplete == ("user_and_groups",)
    assert Sid(5, (32, 544)) not in token.names
    assert token.token.problems == ("line 7: lines are left out here",)


def test_a_user_is_one_row_with_a_name_and_nothing_behind() -> None:
    assert only(USER + END).token.user == Sid.from_text("S-1-5-21-1-2-3-1001")
    for row in ("          S-1-5-21-1-2-3-1001", "lab\\anna  S-1-5-21-1-2-3-1001 and", "lab\\anna  S-1-16-8192"):
        text = USER.replace("lab\\anna  S-1-5-21-1-2-3-1001", row) + END
        assert [one.token.user for one in read(text).tokens if isinstance(one.token.user, Sid)] == [], row
        assert 6 in unknown(text)


def test_a_mandatory_group_as_wide_as_its_rule_that_is_not_enabled_lost_its_words() -> None:
    """winnt.h: a mandatory group cannot be disabled, so that more stood behind."""
    cut = USERS.replace(ON, "Mandatory group, Enabled by default, Enabled gr")
    found = only(HEADS + cut + ADMINS + END)
    assert attributes(found) == {"S-1-5-32-545": None, "S-1-5-32-544": 7}


def test_the_margin_of_a_text_is_where_two_tables_are_as_wide() -> None:
    wide, other = "====== ==================", "============ ============"
    assert len(wide) == len(other) == 25
    assert margin_of(list(split_lines(wide + "\nx\n" + other + "\n"))) == 25
    assert margin_of(list(split_lines(wide + "\nx\n" + wide + "\n"))) == 1 << 30
    assert margin_of(list(split_lines(wide + "\nx\n" + other + "=\n"))) == 1 << 30
    assert margin_of([]) == 1 << 30


BROKEN = """GROUP INFORMATION
-----------------

Group Name Type  SID          
Attributes
========== ===== ============ 
==================================================
USERS      Alias S-1-5-32-545 
Mandatory group, Enabled by default, Enabled group
ADMINS     Alias S-1-5-32-544 
Group used for deny only
%s"""


def test_rows_that_a_console_broke_are_told_by_their_sids_and_words() -> None:
    whole = only(BROKEN % END)
    assert attributes(whole) == {"S-1-5-32-545": 7, "S-1-5-32-544": 0x10} and whole.incomplete == ()
    assert whole.names == {Sid(5, (32, 545)): "USERS", Sid(5, (32, 544)): "ADMINS"}
    assert [whole.places["groups.S-1-5-32-%d" % one].line for one in (545, 544)] == [8, 10]
    # At the text's end more words may follow; behind other words what was said is doubted.
    assert attributes(only(BROKEN % "")) == {"S-1-5-32-545": 7, "S-1-5-32-544": None}
    assert attributes(only(BROKEN % "and more words\n" + END)) == {"S-1-5-32-545": 7, "S-1-5-32-544": None}
    label = only(BROKEN % "Mandatory Label\\High Mandatory Level Label S-1-16-12288\n" + END)
    assert attributes(label)["S-1-16-12288"] == 0x60 and label.token.integrity == Sid(16, (12288,))


def test_a_user_s_table_that_a_console_broke() -> None:
    text = (
        USER.replace("User Name SID", "User Name \nSID")
        .replace("========= ===", "========= \n===")
        .replace("anna  S", "anna  \nS")
    )
    assert only(text + END).token.user == Sid.from_text("S-1-5-21-1-2-3-1001")
    for odd in (text, text.replace("1001", "1001 too") + END, text.replace("lab\\anna", "...\nlab\\anna") + END):
        assert not [one for one in read(odd).tokens if isinstance(one.token.user, Sid)], odd


def test_privileges_that_a_console_broke() -> None:
    text = PRIVS.replace("Description State", "Description \nState").replace("=========== ====", "=========== \n====")
    text += DEBUG.replace("it    ", "it    \n") + NOTIFY.replace("it   Enabled", "it   \nDisabled")
    token = only(text + END)
    assert [(one.name, one.enabled) for one in token.privileges] == [
        ("SeDebugPrivilege", True),
        ("SeChangeNotifyPrivilege", False),
    ]


# --- the list form, csv, rows of findstr


def pair(*pairs: str) -> str:
    return "".join(one + "\n" for one in pairs) + "\n"


EVERYONE = pair("Group Name:  Everyone", "Type:        Well-known group", "SID:         S-1-1-0", "Attributes:  " + ON)


def test_records_of_the_list_form() -> None:
    head = "C:\\>whoami /all /fo list\n\n"
    user = pair("User Name: lab\\anna", "SID:       S-1-5-21-1-2-3-1001")
    label = pair(
        "Group Name:  Mandatory Label\\High", "Type:        Label", "SID:         S-1-16-12288", "Attributes:  "
    )
    debug = pair("Privilege Name: SeDebugPrivilege", "Description:    Debug", "State:          Disabled")
    token = only(head + user + EVERYONE + label + debug + "C:\\>\n")
    assert attributes(token) == {"S-1-5-21-1-2-3-1001": 0, "S-1-1-0": 7, "S-1-16-12288": 0x60}
    assert [(one.name, one.enabled) for one in token.privileges] == [("SeDebugPrivilege", False)]
    assert token.names[Sid.from_text("S-1-5-21-1-2-3-1001")] == "lab\\anna"
    # Without its command only what has whoami's own words in it.
    assert attributes(only(EVERYONE)) == {"S-1-1-0": 7} and read(user).tokens == () and unknown(user) == [1, 2]
    # A record that lost its last line has attributes that nobody knows.
    cut = only(head + EVERYONE.replace("Attributes:  " + ON + "\n", ""))
    assert attributes(cut) == {"S-1-1-0": None} and isinstance(cut.groups[0].attributes, Unreadable)
    state = only(head + debug.replace("State:          Disabled\n", ""))
    assert state.privileges[0].enabled == NotSaid("whoami")


def test_rows_of_the_csv_form() -> None:
    head = 'C:\\>whoami /groups /fo csv\n"Group Name","Type","SID","Attributes"\n'
    row = '"Everyone","Well-known group","S-1-1-0","%s"\n' % ON
    assert attributes(only(head + row)) == {"S-1-1-0": 7}
    assert attributes(only(row)) == {"S-1-1-0": 7}  # its words are whoami's
    assert read('"Everyone","Well-known group","S-1-1-0","Xyzzy"\n').tokens == ()
    user = 'C:\\>whoami /user /fo csv\n"User Name","SID"\n"lab\\anna","S-1-5-21-1-2-3-1001"\n'
    assert only(user).token.user == Sid.from_text("S-1-5-21-1-2-3-1001")
    privilege = '"SeDebugPrivilege","Debug","%s"\n'
    assert only(privilege % "Enabled").privileges[0].enabled is True
    assert read(privilege % "Xyzzy").tokens == () and unknown(privilege % "Xyzzy") == [1]
    assert read('"SeDebugPrivilege","x"\n"other","y"\n').tokens == ()


@pytest.mark.parametrize(
    ("row", "enabled"),
    [
        ('"SeDebugPrivilege","Debug programs","Enabled"', True),
        ('"SeDebugPrivilege","Disabled"', False),  # two cells, the last a state
        ('"SeDebugPrivilege","Debug programs"', None),
        ("| SeDebugPrivilege | Debug programs | Disabled |", False),
        ("| SeDebugPrivilege | Enabled |", True),
        ("| SeDebugPrivilege | Xyzzy |", None),
    ],
)
def test_a_row_of_cells_by_itself_is_a_privilege_s_where_it_ends_with_a_state(
    row: str, enabled: Optional[bool]
) -> None:
    found = read(row + "\n")
    assert [one.enabled for token in found.tokens for one in token.privileges] == ([] if enabled is None else [enabled])
    assert [line.number for line in found.not_understood] == ([1] if enabled is None else [])


def test_a_table_of_markdown() -> None:
    """What an editor makes of the csv form: cells between bars."""
    text = "C:\\>whoami /all\n| User Name | SID |\n|---|---|\n| lab\\anna | S-1-5-21-1-2-3-1001 |\n"
    assert only(text).token.user == Sid.from_text("S-1-5-21-1-2-3-1001")
    row = "| Everyone | Well-known group | S-1-1-0 | %s |\n"
    token = only(row % ON)
    assert attributes(token) == {"S-1-1-0": 7} and token.names == {Sid(1, (0,)): "Everyone"}
    assert read(row % "Xyzzy").tokens == () and unknown(row % "Xyzzy") == [1]
    # Two bars are no table.
    assert read("| S-1-1-0 |\n").tokens == () and unknown("| S-1-1-0 |\n") == [1]


@pytest.mark.parametrize("asked", ["C:\\>whoami /groups /fo csv\n", "GROUP INFORMATION\n-----------------\n"])
def test_rows_of_cells_below_a_command_or_a_title_are_whoami_s_whatever_their_words(asked: str) -> None:
    token = only(asked + '"Everyone","Well-known group","S-1-1-0","Xyzzy"\n')
    assert attributes(token) == {"S-1-1-0": None}
    token = only(asked + '"SeDebugPrivilege","Debug","Xyzzy"\n')
    assert isinstance(token.privileges[0].enabled, Unreadable)
    # Cells that name a privilege or a SID are no heads of columns.
    for cells in ('"of SeDebugPrivilege","x"', '"x S-1-5-z","y"', '"a","b","c","d","e"', '"a"'):
        assert unknown(asked + cells + "\n") == [asked.count("\n") + 1], cells
    assert unknown(asked + '"Group Name","Type","SID","Attributes"\n') == []


def test_a_claim_is_what_stands_below_its_title_behind_the_privileges() -> None:
    title = "\n\nUSER CLAIMS INFORMATION\n-----------------------\n\nUser claims unknown.\n" + END
    found = read("C:\\>whoami /all\n\n" + PRIVS + DEBUG + NOTIFY + title)
    assert [line.text for line in found.claims] == ["User claims unknown."] and found.not_understood == ()
    # Behind the groups alone it is no claim.
    found = read("C:\\>whoami /all\n\n" + HEADS + USERS + ADMINS + title)
    assert found.claims == () and "User claims unknown." in [line.text for line in found.not_understood]


def test_rows_that_findstr_picked() -> None:
    assert attributes(only(USERS + ADMINS)) == {"S-1-5-32-545": 7, "S-1-5-32-544": 7}
    assert unknown(USERS + ADMINS) == unknown(DEBUG + NOTIFY) == []
    assert only(DEBUG).privileges[0].name == "SeDebugPrivilege"
    for other in ("SeDebugPrivilege Enabled\n", "SeDebugPrivilege, Debug it, Enabled\n", "USERS S-1-5-32-545\n"):
        assert read(other).tokens == () and unknown(other) == [1], other
    asked = "C:\\>whoami /user | more\nlab\\anna S-1-5-21-1-2-3-1001\n"
    assert only(asked).token.user == Sid.from_text("S-1-5-21-1-2-3-1001")
    assert read("lab\\anna S-1-5-21-1-2-3-1001\n").tokens == ()
    for mark in "[*+(":  # what a tool puts in front of what it says itself
        assert read("C:\\>whoami /user | more\n%s lab\\anna S-1-5-21-1-2-3-1001\n" % mark).tokens == (), mark
    logon = only("C:\\>whoami /logonid\nS-1-5-5-0-77\n")
    assert logon.logon_sid == Sid(5, (5, 0, 77)) and str(logon.places["logon_sid"]) == "a.txt:2"
    assert read("S-1-5-5-0-77\n").tokens == () and read("C:\\>whoami /logonid\nS-1-5-18\n").tokens == ()


def test_a_name_by_itself_is_the_answer_of_whoami_alone() -> None:
    found = read("C:\\>whoami\nlab\\anna\n\nC:\\>whoami /user\nlab\\anna\n")
    assert [line.number for line in found.names] == [2] and [line.number for line in found.not_understood] == [5]
    assert [line.number for line in found.commands] == [1, 4] and found.tokens == ()


def test_what_runs_between_two_lists_begins_another_token() -> None:
    """Whoever ran it may have been somebody else by then."""
    for between, count in (
        ("", 1),
        ("C:\\>whoami /priv\n\n", 1),
        ("C:\\>dir\n\n", 2),
        ("C:\\>runas x whoami /priv\n\n", 2),
    ):
        text = "C:\\>whoami /groups\n\n" + HEADS + USERS + ADMINS + "\n" + between + PRIVS + DEBUG + NOTIFY + END
        assert len(read(text).tokens) == count, between


def test_a_row_behind_another_list_has_no_beginning_of_its_own() -> None:
    found = only(HEADS + USERS + ADMINS + "\n\n" + DEBUG + END)
    assert found.incomplete == ("privileges",)
    held = found.token.privileges
    assert isinstance(held, Fragment) and held.why == "its beginning is not in the text"


def test_a_command_is_the_same_in_capitals() -> None:
    user = Sid.from_text("S-1-5-21-1-2-3-1001")
    for command in ("WHOAMI /USER", "cmd /c WHOAMI /USER", "C:\\Windows\\System32\\WhoAmI.exe /User"):
        assert only("C:\\>" + command + "\nlab\\anna S-1-5-21-1-2-3-1001\n").token.user == user


@pytest.mark.parametrize(
    "words, bits",
    [
        # winnt.h: SE_GROUP_MANDATORY cannot be disabled, so it is enabled, or for deny only: else words were lost.
        ("Mandatory group", None),
        ("Mandatory group, Enabled by default", None),
        ("Mandatory group, Enabled group", 5),
        ("Mandatory group, Group used for deny only", 0x11),
        ("Group used for deny only", 0x10),
        ("Enabled group", 4),
        ("Enabled by default", 2),
    ],
)
def test_a_mandatory_group_that_is_neither_enabled_nor_denied_lost_its_words(words: str, bits: Optional[int]) -> None:
    row = USERS.replace(ON, words.ljust(len(ON)))
    assert attributes(only(HEADS + ADMINS + row + ADMINS.replace("544", "551") + END)) == {
        "S-1-5-32-544": 7,
        "S-1-5-32-545": bits,
        "S-1-5-32-551": 7,
    }


def test_a_table_that_a_console_broke_and_that_has_no_row() -> None:
    text = BROKEN.split("USERS")[0] + "nothing of it\n" + END
    found = read(text)
    assert found.tokens == () and "nothing of it" in [line.text for line in found.not_understood]
    # Behind lines that were left out, too; more words of the row in front of them may be among those.
    rows = "USERS      Alias S-1-5-32-545 \n" + ON + "\n(snip)\nnothing of it\n"
    found = read(BROKEN.split("USERS")[0] + rows + END)
    assert attributes(found.tokens[0]) == {"S-1-5-32-545": None} and found.tokens[0].incomplete == ("user_and_groups",)
    assert "nothing of it" in [line.text for line in found.not_understood]


def test_a_line_above_a_row_by_itself_is_listed_and_the_row_is_whole() -> None:
    """Whatever stands above it: a row that findstr picked says all of its group."""
    for row, sid in ((USERS, "S-1-5-32-545"), ('"Everyone","Well-known group","S-1-1-0","%s"\n' % ON, "S-1-1-0")):
        found = read("a line\n" + row)
        assert attributes(found.tokens[0]) == {sid: 7} and [line.number for line in found.not_understood] == [1]
        assert found.tokens[0].not_understood == ()
    found = read("a line\n" + DEBUG)
    assert found.tokens[0].privileges[0].enabled is True and [line.number for line in found.not_understood] == [1]
    found = read("C:\\>whoami /user\n\na line\nlab\\anna S-1-5-21-1-2-3-1001\n")
    assert [line.number for line in found.not_understood] == [3]
    found = read("C:\\>whoami /logonid\n\na line\nS-1-5-5-0-77\n")
    assert found.tokens[0].logon_sid == Sid(5, (5, 0, 77)) and [line.number for line in found.not_understood] == [3]


def test_a_row_that_names_two_privileges_is_none_and_leaves_the_one_above_it_doubtful() -> None:
    two = "SeDebugPrivilege        or(SeTcbPrivilege) Enabled\n"
    found = read(PRIVS + NOTIFY + two + DEBUG + END)
    (token,) = found.tokens
    assert token.incomplete == ("privileges",) and [line.number for line in found.not_understood] == [7]
    assert isinstance(token.privileges[0].enabled, Unreadable)
    assert [one.name for one in token.privileges][0] == "SeChangeNotifyPrivilege"
