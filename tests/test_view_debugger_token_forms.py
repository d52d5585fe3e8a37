"""Forms of `!token`'s lines: what can begin a token without its head, and what is somebody else's."""

import pytest

from kdtoken.view.debugger import token_command
from kdtoken.view.debugger import token_forms as forms


@pytest.mark.parametrize(
    ("label", "value", "after", "strong"),
    [
        ("usergroups", "", "", True),
        ("usergroups", "x", "", False),
        ("privs", "", "", True),
        ("tssessionid", "0", "", True),
        ("tssessionid", "0x1", "", True),
        ("tssessionid", "1", "", False),  # the debugger prints 0x before all but 0
        ("authenticationid", "(0,3e7)", "", True),
        ("authenticationid", "0,3e7", "", False),
        ("modifiedid", "(0, 3ec)", "", True),
        ("tokenid", "3eb", "parenttokenid", True),
        ("tokenid", "3eb", "", False),  # alone it is any program's
        ("restrictedsidcount", "0", "", True),
        ("originatinglogonsession", "3e7", "", True),
        ("packagesid", "(null)", "", True),
        ("packagesid", "S-1-15-2-1", "", True),
        ("packagesid", "S-1-15-3-1", "", False),
        ("capabilitycount", "0", "", True),
        ("lowboxnumberentry", "ffff8f0012340000", "", True),
        ("processtokentrustlevelsid", "(null)", "", True),
        ("processtokentrustlevelsid", "S-1-19-512-8192", "", True),
        ("source", "*SYSTEM*", "tokenflags", True),
        ("source", "*SYSTEM*", "", False),
        ("user", "S-1-5-18", "usergroups", True),
        ("user", "S-1-5-18", "groups", True),
        ("user", "anna", "groups", False),
        ("user", "S-1-5-18", "", False),
        ("primarygroup", "S-1-5-18", "privs", True),
        ("primarygroup", "S-1-5-18", "groups", False),
    ],
)
def test_which_label_is_this_command_s_and_nobody_else_s(label: str, value: str, after: str, strong: bool) -> None:
    assert forms.is_strong(label, value, after) is strong


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("User: S-1-5-18", "User Groups:", True),
        ("User: S-1-5-18", "Groups: ", True),
        ("User: S-1-5-18", "User Groups", False),
        ("User: S-1-5-18", "Full Name:", False),
        ("Primary Group: S-1-5-18", "Privs: ", True),
        ("Primary Group: S-1-5-18", "Prvs:", True),
        ("Primary Group: S-1-5-18", "Privs: none", False),
        ("Primary Group: S-1-5-18", "User Groups:", False),
        ("00 S-1-5-18", "Attributes - Mandatory", True),
        ("00 S-1-5-18", "01 S-1-5-11", False),
    ],
)
def test_which_two_lines_show_a_token_together(first: str, second: str, together: bool) -> None:
    assert forms.confirms(first, second) is together


@pytest.mark.parametrize(
    ("text", "weak"),
    [
        ("00 S-1-5-18", True),
        ("S-1-5-18", False),
        ("User: S-1-5-18", True),
        ("Primary Group: S-1-5-18", True),
        ("User: anna", False),
        ("User: S-1-5-18 User Groups:", False),
        ("Owner: S-1-5-18", False),
    ],
)
def test_which_line_is_a_token_s_first_only_with_the_next(text: str, weak: bool) -> None:
    assert forms.weak(text) is weak


FILLER = " of a driver that is loaded at this very moment"


@pytest.mark.parametrize(
    ("text", "looked_at"),
    [
        ("x" * 40, True),
        ("x" * 41, False),
        ("x S-1-5-18" + FILLER, True),
        ("x s-1-5-18" + FILLER, True),
        ("x Token" + FILLER, True),
        ("x _TOKEN" + FILLER, True),
        ("0: kd> x" + FILLER, True),
        ("x Privilege" + FILLER, True),
        ("!x" + FILLER, True),
        ("$ x" + FILLER, True),
        ("anna@host x" + FILLER, True),
        ("Source: x" + FILLER, True),
        ("privs:x" + FILLER, True),
        ("-" * 60, True),
        ("Sources: x" + FILLER, False),
    ],
)
def test_which_lines_of_a_log_are_looked_at(text: str, looked_at: bool) -> None:
    assert forms.may_begin(text) is looked_at


@pytest.mark.parametrize(
    ("text", "of_process"),
    [
        ("THREAD ffffc10203092080  Cid 0460.0468", True),
        ("PROCESS ffffc10203092080", True),
        ("Owning Process            ffffc10203092080       Image:         svchost.exe", True),
        ("Not impersonating", True),
        ("DirBase: 1aa002  ObjectTable: ffffd10203003000  HandleCount: 2486.", True),
        ("Image: svchost.exe", True),
        ("ffffc102`03092080  NotificationEvent", True),
        ("Image: Token.exe", False),
        ("Image: S-1-5-18", False),
        ("Image: Settings.exe", False),
        ("Image: whoami.exe", False),
        ("Not impersonating anybody", False),
        ("THREAD of law", False),
    ],
)
def test_which_lines_of_a_process_hold_no_token(text: str, of_process: bool) -> None:
    assert forms.is_of_process(text) is of_process


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("0xffff8f0012340060 does not point to a token object", 0xFFFF8F0012340060),
        ("The address ffff8f00`12340060 is not a token object", 0xFFFF8F0012340060),
        ("e1bad030 does not point to a token object", 0xE1BAD030),
        ("0x1000 does not point to a token object", 0x1000),
        ("e1bad03 does not point to a token object", None),
        ("does not point to a token object", None),
    ],
)
def test_the_address_that_an_error_names(text: str, pointer: object) -> None:
    assert forms.first_pointer(text) == pointer


def test_a_line_that_was_several_is_taken_apart_where_rows_begin() -> None:
    assert forms.pieces(
        "User: S-1-5-18 User Groups: 00 S-1-1-0 Attributes - Mandatory 01 S-1-5-11 Attributes - Owner"
    ) == [
        "User: S-1-5-18",
        "User Groups:",
        "00 S-1-1-0",
        "Attributes - Mandatory",
        "01 S-1-5-11",
        "Attributes - Owner",
    ]
    assert forms.pieces("kd output _TOKEN ffff8f0012340060") == ["kd output", "_TOKEN ffff8f0012340060"]
    # Of a privilege the attributes stand on its own line.
    row = "Privs: 20 0x000000014 SeDebugPrivilege  Attributes - Enabled"
    assert forms.pieces(row) == ["Privs:", "20 0x000000014 SeDebugPrivilege  Attributes - Enabled"]


def test_lines_of_the_next_token_that_are_the_same_are_not_looked_at_again() -> None:
    head = "kd> !token %x\n_TOKEN 0x%x\n"
    rest = (
        "TS Session ID: 0x1\nUser: S-1-5-21-1-2-3-1001\nUser Groups: \n 00 S-1-1-0\n    Attributes - Mandatory Default Enabled \n"
        "Primary Group: S-1-5-21-1-2-3-513\nPrivs: \n 23 0x000000017 SeChangeNotifyPrivilege  Attributes - Enabled Default \n"
        "Authentication ID:         (0,12f0a)\nImpersonation Level:       Anonymous\nTokenType:                 Primary\n\n"
    )
    for looked in (forms._seen, forms._piece_of):
        looked.cache_clear()
    one, many = (
        "".join(head % (address, address) + rest for address in range(0xFFFF9A8F10000000, 0xFFFF9A8F10000000 + count))
        for count in (1, 50)
    )
    assert len(token_command.read_token_text(one).tokens) == 1
    before = forms._seen.cache_info().misses, forms._piece_of.cache_info().misses
    assert before == (13, 12)  # with its prompt; that is no line of a token's
    found = token_command.read_token_text(many).tokens
    assert len(found) == 50 and len({repr(one.groups) + repr(one.privileges) for one in found}) == 1
    # Of each more, the line of its address and the command: all others are known.
    assert forms._seen.cache_info().misses - before[0] == 2 * 49
    assert forms._piece_of.cache_info().misses - before[1] == 49


@pytest.mark.parametrize("length", [200, 201])
def test_what_a_line_is_does_not_depend_on_whether_it_is_kept(length: int) -> None:
    text = " 3 S-1-5-11".strip() + " " * (length - 20)
    text += "x" * (length - len(text))
    for looked, kept in ((forms.seen, forms._seen), (forms.piece_of, forms._piece_of)):
        kept.cache_clear()
        first, second = looked(text), looked(text)
        assert kept.cache_info().hits == (length == 200)
        assert [repr(one) for one in first if not hasattr(one, "re")] == [
            repr(one) for one in second if not hasattr(one, "re")
        ]
    assert forms.piece_of(text).row is not None and forms.seen(text).pieces == (text,)
