"""Columns of whoami's tables: by the rule under the heads, by the blanks between, and where neither tells."""

from typing import List, Tuple

import pytest

from kdtoken.model.sid import Sid
from kdtoken.view.whoami import shapes

RULE4 = "========== ====== ======== ===="  # name, kind, SID, attributes
COLUMNS4 = tuple(one.span() for one in shapes.COLUMN.finditer(RULE4))
RULE3 = "================ =========== ========"
COLUMNS3 = tuple(one.span() for one in shapes.COLUMN.finditer(RULE3))
ON = "Mandatory group, Enabled by default, Enabled group"


@pytest.mark.parametrize(
    ("before", "columns", "name"),
    [
        ("Everyone   Alias  ", COLUMNS4, "Everyone"),
        ("Every one  Xyz    ", COLUMNS4, "Every one"),
        ("\u5404\u5404\u5404\u5404\u5404 Xyz    ", COLUMNS4, "\u5404" * 5),  # East Asian letters are two columns wide
        ("x\u5404\u5404\u5404\u5404\u5404 Xyz   ", COLUMNS4, ""),  # the column's end would split one of them
        ("Everyone1234567 Alias  ", COLUMNS4, "Everyone1234567"),  # not as wide as the rule: the kind tells
        ("BUILTIN\\Users  Alias ", (), "BUILTIN\\Users"),
        ("BUILTIN\\Users  Xyz ", (), "BUILTIN\\Users"),  # two blanks between two columns
        ("BUILTIN\\Users Xyz ", (), ""),
        (" BUILTIN\\Users  Xyz ", (), ""),
        ("a  b  c ", (), ""),
    ],
)
def test_the_name_in_front_of_a_sid(before: str, columns: shapes.Columns, name: str) -> None:
    assert shapes.name_column(before, columns) == name


def test_what_a_page_put_in_front_of_a_row_is_no_name() -> None:
    users, account = Sid(5, (32, 545)), Sid(5, (21, 1, 2, 3, 1001))
    assert shapes.loose_name("BUILTIN\\Users  Alias ", users) == "BUILTIN\\Users"
    for frame in ("- BUILTIN\\Users  Alias ", "1. BUILTIN\\Users  Alias ", "12 BUILTIN\\Users  Alias ", "> x  Alias "):
        assert shapes.loose_name(frame, users) == "", frame
    assert shapes.loose_name("1abc\\Users  Alias ", account) == "1abc\\Users"
    # Without BUILTIN in front of it, its name lost the beginning; everybody else's need not have one.
    assert shapes.loose_name("Users  Alias ", users) == "" != shapes.loose_name("Users  Alias ", account)


@pytest.mark.parametrize(
    ("text", "columns", "found"),
    [
        ("SeDebugPrivilege Debug       Enabled", COLUMNS3, ("Enabled", "")),
        ("SeDebugPrivilege Debug       Disabled  <- mine", COLUMNS3, ("Disabled", "<- mine")),
        ("SeDebugPrivilege Debug       Enabled (disabled)", COLUMNS3, ("Enabled (disabled)", "")),  # it says two things
        ("SeDebugPrivilege Debug       Xyzzy", COLUMNS3, ("Xyzzy", "")),
        (
            "SeDebugPrivilege Debug       Devre D\u0131\u015f\u0131 <- mine",
            COLUMNS3,
            ("Devre D\u0131\u015f\u0131", "<- mine"),
        ),
        ("SeDebugPrivilege Debug       \uc0ac\uc6a9 \uc548 \ud568", COLUMNS3, ("\uc0ac\uc6a9 \uc548 \ud568", "")),
        ("SeDebugPrivilege Debug it  Devre D\u0131\u015f\u0131", (), ("Devre D\u0131\u015f\u0131", "")),
        ("SeDebugPrivilege Debug programs  Enabled", (), ("Enabled", "")),
        ("SeDebugPrivilege Debug programs  Xyzzy", (), ("Xyzzy", "")),
        ("SeDebugPrivilege Debug Xyzzy", (), ("Xyzzy", "")),
        ("SeDebugPrivilege Xyzzy", (), ("", "")),
        ("SeDebugPrivilege", (), ("", "")),
    ],
)
def test_the_state_of_a_privilege_and_what_stands_behind_it(
    text: str, columns: shapes.Columns, found: Tuple[str, str]
) -> None:
    assert shapes.state_column(text, text[len("SeDebugPrivilege") :].strip(), columns) == found


@pytest.mark.parametrize(
    ("sid", "asked", "before", "after", "is_row"),
    [
        ("S-1-1-0", False, "Everyone  x ", ON, True),
        ("S-1-1-0", True, " ", ON, False),  # nothing in front of it
        ("S-1-1-0", True, "Everyone  x ", "Xyzzy", False),
        ("S-1-1-0", True, "Everyone  Alias ", "", False),  # without attributes only a label is one
        ("S-1-16-8192", True, "Mandatory Label\\Medium Mandatory Level Label ", "", True),
        ("S-1-16-8192", False, "Mandatory Label\\Medium Mandatory Level Label ", "", False),
        ("S-1-16-8192", True, "Mandatory Label\\Medium Mandatory Level ", "", False),  # its kind is missing
        ("S-1-16-8192", True, "Medium Label ", "", False),  # no authority
    ],
)
def test_a_row_by_itself_is_a_group_s(sid: str, asked: bool, before: str, after: str, is_row: bool) -> None:
    assert shapes.is_group_row(Sid.from_text(sid), asked, before, after) is is_row


@pytest.mark.parametrize(
    ("values", "sids", "names", "is_record"),
    [
        (["Everyone", "Group", "S-1-1-0", ON], [2], [], True),
        (["Everyone", "Group", "S-1-1-0", ""], [2], [], False),
        (["Label", "Label", "S-1-16-8192", ""], [2], [], True),
        (["Everyone", "Group", "S-1-1-0", "Xyzzy"], [2], [], False),
        (["Everyone", "Group", "S-1-1-0"], [2], [], False),
        (["Everyone", "S-1-1-0", "Group", ON], [1], [], False),
        (["SeDebugPrivilege", "Debug", "Enabled"], [], [0], True),
        (["SeDebugPrivilege", "Debug", "Xyzzy"], [], [0], False),
        (["SeDebugPrivilege", "Enabled"], [], [0], False),
        (["Debug", "SeDebugPrivilege", "Enabled"], [], [1], False),
        (["SeDebugPrivilege", "S-1-1-0", "Enabled"], [1], [0], False),
    ],
)
def test_a_record_of_the_list_form_by_itself(
    values: List[str], sids: List[int], names: List[int], is_record: bool
) -> None:
    assert shapes.is_record(values, sids, names) is is_record


def test_a_line_that_was_several_rows() -> None:
    one, other = "SeDebugPrivilege  Debug  Enabled", "SeShutdownPrivilege  Shut down  Disabled"
    assert shapes.rows_of(one + " " + other) == ([one, other], 2)
    assert shapes.rows_of(one) == ([one], 1) and shapes.rows_of("nothing") == (["nothing"], 0)
    sids = "S-1-1-0 and s-1-5-18"
    assert shapes.rows_of(sids) == ([sids], 2)
    assert shapes.rows_of("S-1-1-0 " + one) == (["S-1-1-0", one], 2)


def test_keys_are_the_same_whatever_blanks_a_console_put_in() -> None:
    assert shapes.same_key("Group Name", "Group Na me") and not shapes.same_key("Group Name", "Group")
