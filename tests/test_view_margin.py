"""A text that a right margin cut: what ends there may have gone on, and only there."""

from typing import List

import pytest

from kdtoken.model.absent import Fragment, known
from kdtoken.model.process import Process
from kdtoken.view.lines import Line
from kdtoken.view.margin import CUT_OFF, ends_at_a_margin
from kdtoken.view.text import read_text
from tests.margins import right_cuts

# 63 columns up to "Attributes - ", 71 with "Enabled ", 79 with "Default " behind it.
DEFAULT = " 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled Default "
DEBUG = " 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled Default "
TIME = " 34 0x000000022 SeTimeZonePrivilege               Attributes - "
TOKEN = "\n".join(
    (
        "kd> !token ffff8f0012340060",
        "_TOKEN 0xffff8f0012340060",
        "TS Session ID: 0x1",
        "User: S-1-5-21-1111111111-2222222222-3333333333-1001",
        "User Groups: ",
        " 00 S-1-5-32-544",
        "    Attributes - Mandatory Default Enabled Owner ",
        " 01 S-1-16-12288",
        "    Attributes - GroupIntegrity GroupIntegrityEnabled ",
        "Primary Group: S-1-5-21-1111111111-2222222222-3333333333-513",
        "Privs: ",
        DEBUG,
        DEFAULT,
        TIME,
        "Authentication ID:         (0,1234)",
        "Impersonation Level:       Anonymous",
        "TokenType:                 Primary",
        "Source: User32             TokenFlags: 0x2a00 ( Token in use )",
        "Token ID: 1b5a6            ParentToken ID: 0",
    )
)


def marked(text: str) -> List[str]:
    """The lines of the text that are marked."""
    lines = [Line(at, one) for at, one in enumerate(text.split("\n"), 1)]
    return [one.text for one in ends_at_a_margin(lines) if one.text.endswith(CUT_OFF)]


def cut(text: str, width: int) -> str:
    return "\n".join(line[:width] for line in text.split("\n"))


def test_a_whole_text_has_no_margin() -> None:
    assert marked(TOKEN) == []
    assert marked(TOKEN.replace(" \n", "\n")) == []


def test_only_the_bits_that_may_have_followed_are_not_known() -> None:
    (token,) = read_text(cut(TOKEN, 71)).tokens  # behind "Enabled "
    states = {one.name: (one.enabled, one.enabled_by_default) for one in token.privileges}
    assert states["SeDebugPrivilege"][0] is True and not known(states["SeDebugPrivilege"][1])
    # A row that ends long before the margin is whole.
    assert states["SeTimeZonePrivilege"] == (False, False)
    (token,) = read_text(cut(TOKEN, 63)).tokens  # behind "Attributes - "
    assert not any(known(one.enabled) for one in token.privileges)
    (token,) = read_text(cut(TOKEN, 42)).tokens  # behind "Mandatory Default Enabled"
    assert not any(known(one.attributes) for one in token.groups if str(one.sid) == "S-1-5-32-544")
    assert [str(one.sid) for one in token.groups] == ["S-1-5-32-544", "S-1-16-12288"]


def test_one_longer_line_shows_that_there_is_no_margin() -> None:
    rows = "\n".join(one[:71] for one in (DEBUG, DEFAULT))
    both = "kd> !token ffff8f0012340060\n_TOKEN 0xffff8f0012340060\nPrivs: \n%s\n" % rows
    assert len(marked(both)) == 2
    assert marked(both + DEFAULT + "\n") == []


@pytest.mark.parametrize("width", range(46, 60))
def test_a_number_or_a_sid_is_never_a_shorter_one(width: int) -> None:
    (token,) = read_text(cut(TOKEN, width)).tokens
    user, primary, flags = token.token.user, token.token.primary_group, token.token.flags
    assert not known(user) or str(user) == "S-1-5-21-1111111111-2222222222-3333333333-1001"
    assert not known(primary) or str(primary).endswith("-513")
    assert not known(flags) or flags == 0x2A00
    assert token.token.source_name == "User32"


def test_an_account_has_no_number_below_496_and_no_level_but_the_lowest_one_below_4096() -> None:
    domain = "S-1-5-21-1111111111-2222222222-3333333333-"
    for end, cut_off in (("49", True), ("495", True), ("496", False), ("500", False), ("1001", False), ("10", True)):
        assert bool(marked("User Name SID\n" + domain + end)) is cut_off, end
    for end, cut_off in (("0", False), ("1228", True), ("4095", True), ("4096", False), ("8192", False), ("819", True)):
        assert bool(marked("High Label S-1-16-" + end)) is cut_off, end
    assert marked("S-1-5-21-1-2-3-4") == []  # made up: nobody's domain


def test_the_name_of_an_image_is_not_cut() -> None:
    text = (
        "PROCESS ffff8f0012340080\n    SessionId: 1  Cid: 0f14    Peb: 5c00001000  ParentCid: 0a10\n"
        "    DirBase: 1234002  ObjectTable: ffff9a8f00000040  HandleCount: 123.\n    Image: averyverylongname.exe\n"
    )

    def image(text: str) -> object:
        process = read_text(text).processes.processes[0].process
        assert isinstance(process, Process)
        return process.image_name

    assert image(text) == "averyverylongname.exe"
    assert [known(image(cut(text, width))) for width in (24, 28, 30, 31, 32)] == [False] * 4 + [True]


def test_a_word_that_goes_on_in_the_next_line_was_broken_and_not_cut() -> None:
    rows = "%s\nDefault \n%s\n" % (DEBUG[:71], TIME)
    assert marked("Privs: \n" + rows + DEFAULT[:71]) == [DEFAULT[:71] + CUT_OFF]


def test_right_cuts_are_every_width_that_cuts() -> None:
    made = dict(right_cuts(["a" * 33, "b " * 20]))
    assert sorted(made) == sorted(
        [
            *("right margin at %d" % width for width in range(30, 40)),
            *("right margin at %d, blanks at the end lost" % width for width in range(30, 40, 2)),
        ]
    )
    assert made["right margin at 32"] == ["a" * 32, "b " * 16]


def test_where_a_left_margin_has_cut_names_none_is_told() -> None:
    text = (
        "GROUP INFORMATION\n-----------------\n\n"
        "Group Name    Type             SID          Attributes                                        \n"
        "============= ================ ============ ==================================================\n"
        "Everyone      Well-known group S-1-1-0      Mandatory group, Enabled by default, Enabled group\n"
        "LAB\\Anna      Group            S-1-5-32-599 Mandatory group, Enabled by default, Enabled group\n"
    )
    (whole,) = read_text(text).tokens
    assert sorted(whole.names.values()) == ["Everyone", "LAB\\Anna"]
    for width in range(1, 13):
        for token in read_text("\n".join(line[width:] for line in text.split("\n"))).tokens:
            assert not token.names and [one.attributes for one in token.groups] == [7, 7], width
    # Where no head tells, one name that is known tells of all.
    (token,) = read_text(text.replace("Group Name", "Nombre").replace("Everyone", "veryone ")).tokens
    assert not token.names
    # A name without its authority is whole.
    (token,) = read_text(text.replace("Everyone     ", "LAB\\Everyone")).tokens
    assert len(token.names) == 2


def test_lines_that_are_lost_without_a_mark_are_no_absence() -> None:
    lines = TOKEN.split("\n")
    (whole,) = read_text(TOKEN).tokens
    assert isinstance(whole.token.privileges, tuple) and not isinstance(whole.token.privileges, Fragment)
    assert [one.number for one in whole.token.privileges] == [20, 23, 34]
    lines.remove("    Attributes - Mandatory Default Enabled Owner ")
    lines.remove(DEFAULT)
    (token,) = read_text("\n".join(lines)).tokens
    held = token.token.privileges
    assert isinstance(held, Fragment) and [one.number for one in held] == [20, 34]
    assert not held.tells(23) and not held.tells(40) and not held.tells(1) and held.tells(20)
    # The number that is left out tells the same.
    text = TOKEN.replace(" 01 S-1-16", " 02 S-1-16")
    assert isinstance(read_text(text).tokens[0].token.privileges, Fragment)


def test_a_blocks_first_lines_behind_another_ones_last_are_not_its() -> None:
    block = "PROCESS ffff8f00123400%d0\n    SessionId: 1  Cid: 0f1%d    Peb: 5c00001000  ParentCid: 0a10\n"
    block += "    DirBase: 1234002  ObjectTable: ffff9a8f00000040  HandleCount: 123.\n    Image: number%d.exe\n"
    lines = (block % (1, 1, 1) + block % (2, 2, 2)).split("\n")
    del lines[3:5]  # the first one's image and the second one's address
    (process,) = read_text("\n".join(lines)).processes.processes
    assert process.process.pid == 0xF11 and not known(process.process.image_name)


def test_accounts_of_one_domain_are_no_margin() -> None:
    domain = "S-1-5-21-1111111111-2222222222-3333333333-"
    lines = ["User: %s1001" % domain, "User Groups:", " 00 %s100300" % domain, " 01 %s100400" % domain]
    assert marked("\n".join(lines)) == []
    # Where something else ends there too, it is one.
    assert len(marked("\n".join([*lines, (DEBUG + "  ")[: len(lines[-1])]]))) == 4


def test_of_a_logon_session_the_last_attribute_is_its_own() -> None:
    lines = [" 00 S-1-5-32-544", "    Attributes - Mandatory Default Enabled Owner "]
    lines += [" 01 S-1-5-5-0-1234", "    Attributes - Mandatory Default Enabled Owner "]
    tail = "Privs: \n" + TIME[: len(lines[1])]
    assert marked("\n".join([*lines, tail])) == [lines[3] + CUT_OFF, TIME[: len(lines[1])] + CUT_OFF]


def test_a_lone_privilege_that_everybody_has_by_default() -> None:
    head = "Privs: \n"
    assert marked(head + DEFAULT[:71]) == [DEFAULT[:71] + CUT_OFF]
    assert marked(head + DEBUG[:71]) == [] == marked(head + DEFAULT)


def test_an_image_whose_letters_are_lost_has_no_name() -> None:
    text = "PROCESS ffff8f0012340080\n    SessionId: 1  Cid: 0f14    Peb: 5c00001000  ParentCid: 0a10\n    Image: caf%s.exe\n"
    names = [read_text(text % one).processes.processes[0].process.image_name for one in ("\u00e9", "\ufffd")]
    assert names[0] == "caf\u00e9.exe" and not known(names[1])


def test_a_name_that_ends_in_a_quote_may_go_on() -> None:
    thread = "THREAD ffff8f0012341080  Cid 0f14.0a10  Teb: 0000005c00002000 Win32Thread: 0000000000000000 WAIT\n"
    thread += "    Owning Process            ffff8f0012340080       Image:         %s"
    for name, cut_off in (('some;"x', True), ('x"', True), ("some.exe", False)):
        text = thread % name
        whole, at = marked(text), len(text.split("\n")[1])
        assert whole == [] and bool(marked(cut(text, at))) is cut_off, name


def test_a_debuggers_own_log_is_not_looked_through() -> None:
    rows = "Privs: \n%s\n%s\n" % (DEBUG[:71], DEFAULT[:71])
    assert len(marked(rows)) == 2 and marked(rows + "\n" * (1 << 14)) == []


# --- one line that shows a margin ---


# 71 columns up to "HandleCount: <Da"; 54 and 55 up to the colon and the first blank.
DIRBASE = "    DirBase: 1a2b3c002  ObjectTable: ffffd10203040ac0  HandleCount: %s"


@pytest.mark.parametrize(
    "handles, cut_off",
    [("<Da", True), ("123", True), ("12.", False), ("<D>", False)],
)
def test_a_line_whose_own_end_is_missing_shows_the_margin(handles: str, cut_off: bool) -> None:
    """A number of handles ends in a full stop, what stands for it in a bracket (`!process`'s text)."""
    row = DEBUG[:70]  # "Attributes - Enabled", the blank behind it lost
    text = "%s\nPrivs: \n%s\n" % (DIRBASE % handles, row)
    assert len(text.split("\n")[0]) == 71
    assert marked(text) == ([row + CUT_OFF] if cut_off else [])
    # Two columns further it is another line's end, and shows nothing about this one.
    assert marked(text.replace("DirBase", "  DirBase")) == []


def test_the_privilege_that_everybody_has_by_default_beside_one_longer_line() -> None:
    """SeChangeNotifyPrivilege lost its blank where a line of the process stands one column behind it."""
    text = "%s\nPrivs: \n%s\n" % (DIRBASE % "12.", DEFAULT[:70])
    assert marked(text) == [DEFAULT[:70] + CUT_OFF]
    assert marked(text.replace("DirBase", " DirBase")) == []


def test_an_address_that_a_margin_cut_inside_a_link_is_none() -> None:
    """Of the debugger's mark-up an element ends in the line that it begins in; 8 digits would be a 32-bit pointer."""
    line = '<exec cmd="!process ffffc10203040080 0">PROCESS ffffc10203040080</exec>\n    Image: notepad.exe\n'
    (process,) = read_text(line).processes.processes
    assert process.process.address == 0xFFFFC10203040080
    at = line.index("03040080</exec>")
    assert read_text(line[:at] + line[at + 15 :]).processes.processes == ()
    # Cut in the tag behind it, it is whole.
    for end in ("<", "</", "</exe"):
        (process,) = read_text(line.replace("</exec>", end)).processes.processes
        assert process.process.address == 0xFFFFC10203040080


@pytest.mark.parametrize(
    "line",
    [
        "PROCESS ffffc102%s",
        "PROCESS ffffc10203040080%s",
        "    Token                             ffffd102%s",
        "    Impersonation token:  ffffd102%s (Level Impersonation)",
        "        THREAD ffffc10203041080  Cid 1a2c.1a%s  Teb: 0000005c00002000",
    ],
)
def test_a_number_with_dots_behind_it_is_shortened(line: str) -> None:
    head = "" if line.startswith("PROCESS") else "PROCESS ffffc10203040080\n    Image: notepad.exe\n"
    for dots in ("\u2026", "..", "..."):
        read = read_text(head + line % dots + "\n").processes
        assert [one.process.address for one in read.processes] == ([0xFFFFC10203040080] if head else [])
        assert not read.threads and all(not known(one.process.token) and not one.threads for one in read.processes)


# 72 columns up to "Attributes - ", 80 with "Enabled " behind it: the one row of a token that is wider than 79.
DELEGATE = " 36 0x000000024 SeDelegateSessionUserImpersonatePrivilege  Attributes - Enabled Default "
TCB = " 07 0x000000007 SeTcbPrivilege                    Attributes - Enabled Default "
SYSTEM = "_TOKEN 0xffff8f0012340060\nUser: S-1-5-18\nPrivs: \n%s\n%s\n%s\nAuthentication ID:         (0,3e7)\n" % (
    TCB,
    DEFAULT,
    DELEGATE,
)


@pytest.mark.parametrize("width", (79, 80))
def test_a_row_as_wide_as_a_console_may_go_on_though_no_other_one_does(width: int) -> None:
    lines = cut(SYSTEM, width)
    for text in (lines, "\n".join(line.rstrip() for line in lines.split("\n"))):
        (token,) = read_text(text).tokens
        states = {one.name: (one.enabled, one.enabled_by_default) for one in token.privileges}
        enabled, default = states["SeDelegateSessionUserImpersonatePrivilege"]
        assert enabled is True and not known(default)
        assert states["SeTcbPrivilege"] == (True, True) == states["SeChangeNotifyPrivilege"]


def test_a_wider_line_of_any_kind_shows_that_such_a_row_is_whole() -> None:
    for row, wide, cut_off in ((80, 80, True), (80, 81, False), (79, 80, True), (79, 81, False)):
        text = "x" * wide + "\n" + "\n".join(line[:row].rstrip() for line in SYSTEM.split("\n"))
        text = text if row == 79 else text.replace(DELEGATE[:79], DELEGATE[:80])  # the blank at its end is there
        (token,) = read_text(text).tokens
        assert known(token.privileges[-1].enabled_by_default) is not cut_off, (row, wide)


def test_a_row_of_another_width_is_whole() -> None:
    for width in (77, 80 - 8):  # of no console
        assert marked(cut(SYSTEM.replace(DEFAULT, DEFAULT.rstrip()), width)) != [DELEGATE[:width] + CUT_OFF]
    (whole,) = read_text(SYSTEM).tokens
    assert [one.enabled_by_default for one in whole.privileges] == [True, True, True]
    # Only the system's tokens have it enabled by default; where SeTcbPrivilege is not, it is none of these.
    row = DELEGATE[:80]
    for end, cut_off in (
        ("Attributes - ", False),
        ("Attributes - Enabled ", False),
        ("Attributes - Enabled Default ", True),
    ):
        text = SYSTEM.replace(TCB, TCB[:50] + end).replace(DELEGATE, row)
        assert marked(text) == ([row + CUT_OFF] if cut_off else []), end
