"""What shows a margin where hardly anything ends in its column: half a word, a hash's length, a row that everybody has."""

from typing import List

import pytest

from kdtoken.model.absent import known
from kdtoken.view.lines import Line, broken_width, width_of
from kdtoken.view.margin import CUT_OFF, ends_at_a_margin
from kdtoken.view.text import read_text
from tests.test_view_margin import DEBUG, DEFAULT, TIME, cut, marked

# 72 columns up to "Attributes - ", 80 with "Enabled " behind it.
DELEGATE = " 36 0x000000024 SeDelegateSessionUserImpersonatePrivilege  Attributes - Enabled Default "
# A capability by name (8 parts of its hash), a container (7), a service (5): learn.microsoft.com "Capability SIDs".
CAPABILITY = "S-1-15-3-1024-1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-3456934681"
CONTAINER = "S-1-15-2-3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194"
SERVICE = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"


@pytest.mark.parametrize("sid", [CAPABILITY, CONTAINER, CONTAINER.replace("-2-", "-3-", 1), SERVICE])
def test_a_sid_made_of_a_hash_has_all_its_parts(sid: str) -> None:
    """Also in a text in which other lines are longer; with a short number at its end only in the longest one."""
    row, wide = " 02 %s", "\n 00 S-1-5-32-544\n    Attributes - Mandatory Default Enabled Owner " + "x" * 100
    assert marked(row % sid) == [] == marked(row % sid + wide)
    before = sid.rpartition("-")[0]
    assert marked(row % before + wide) == [row % before + CUT_OFF]
    for digits in range(1, 10):
        text = row % (before + "-3456934681"[: digits + 1])
        assert bool(marked(text)) is (digits < 8), digits
        assert marked(text + wide) == []
    # Nobody's hash: the services all together, everybody in a container, the internet's capability.
    for short in ("S-1-5-80-0", "S-1-15-2-1", "S-1-15-3-1", "S-1-15-3-1024"):
        assert marked(row % short) == [], short


def test_half_a_word_shows_the_margin_also_for_rows_that_had_bold_in_them() -> None:
    rows = "\n".join((DEBUG.replace("Enabled", "**Enabled**"), DEFAULT, TIME))
    for width in (72, 74, 75, 76):
        text = "kd> !token ffff8f0012340060\n_TOKEN ffff8f0012340060\nPrivs: \n" + cut(rows, width)
        for one in (text, text.replace(" \n", "\n")):
            (token,) = read_text(one).tokens
            states = {held.name: (held.enabled, held.enabled_by_default) for held in token.privileges}
            assert all(not known(default) for _, default in list(states.values())[:2]), width
            assert states["SeTimeZonePrivilege"] == (False, False)
    # A whole word that is not known, or a row by itself, shows none.
    assert marked("Privs: \n" + DEBUG[:71] + "Foo\n" + TIME) == []
    assert marked("Privs: \n" + DEBUG[:71]) == []


def test_a_broken_row_that_was_cut_once_more_may_lack_a_word_in_between() -> None:
    """Broken at 80 columns and then cut at 71: "Enabled" is lost between the row's end and "Default"."""
    rows = [DEBUG, DELEGATE[:80], "Default "]
    (token,) = read_text("_TOKEN ffff8f0012340060\nPrivs: \n" + "\n".join(rows) + "\n").tokens
    assert [(one.enabled, one.enabled_by_default) for one in token.privileges] == [(True, True), (True, True)]
    for width in (71, 72, 74):
        text = "_TOKEN ffff8f0012340060\nPrivs: \n" + "\n".join(row[:width] for row in rows) + "\n"
        (token,) = read_text(text).tokens
        states = {one.name: (one.enabled, one.enabled_by_default) for one in token.privileges}
        assert not any(known(state) for state in states["SeDelegateSessionUserImpersonatePrivilege"]), width
    # Where the very next word stands there, nothing can be lost.
    text = "\n".join((DEBUG[:71], "Default ", TIME, DEFAULT[:71]))
    assert marked("Privs: \n" + text) == [DEFAULT[:71] + CUT_OFF]


def test_the_row_that_everybody_has_beside_a_closed_line_that_is_shorter() -> None:
    """ "Attributes -" of SeChangeNotifyPrivilege is the longest, one column behind it ends a bracket."""
    source = "Source: User32             TokenFlags: 0xa10 ( Token in use )"
    for row in (DEFAULT[:62], DEFAULT[:63]):
        assert marked("Privs: \n%s\n%s" % (row, source)) == [row + CUT_OFF]
        assert marked("Privs: \n%s\n%s\n%s" % (row, source, DEFAULT)) == []


def test_rows_without_their_blank_beside_a_line_that_is_whole() -> None:
    rows = [TIME[:62], TIME.replace("34", "35")[:62]]
    source = "Source: User32             TokenFlags: 0x%s ( Token in use )"
    for flags, cut_off in (("12a00", True), ("112a00", False)):
        lines = ["Privs: ", *rows, source % flags]
        assert len(lines[-1]) == 63 + (not cut_off)
        assert marked("\n".join(lines)) == [row + CUT_OFF for row in rows if cut_off]
    # With the blank they are whole.
    assert marked("\n".join(["Privs: ", *(row + " " for row in rows), source % "112a00"])) == []


def test_a_mark_makes_no_line_wider() -> None:
    """So that a line at the console's width is still as wide as the widest."""
    lines = [Line(at, one) for at, one in enumerate((DEBUG[:71], DEFAULT[:71], TIME), 1)]
    cut_off = [one for one in ends_at_a_margin(lines) if one.text.endswith(CUT_OFF)]
    assert [width_of(one) for one in cut_off] == [71, 71] and broken_width(lines) == 71


def test_a_row_alone_among_a_tokens_other_lines() -> None:
    row, others = DEBUG[:71], "Authentication ID:         (0,3e7)\nTokenType:                 Primary\n"
    assert marked("%s\n%s" % (row, others)) == [row + CUT_OFF]
    # One that is disabled may be the only one that somebody left.
    assert marked("%s\n%s" % (TIME, others)) == []
    # That one which is enabled by default is longer, or the row is quoted by itself.
    assert marked("%s\n%s\n%s" % (DEFAULT, row, others)) == [] == marked(row)


def test_a_log_with_its_own_margin_on_the_left() -> None:
    text = (
        "          PROCESS 86ba98e0\n            SessionId: 0  Cid: 0ce8    Peb: 7ffd8000  ParentCid: 0894\n"
        "              DirBase: 0f8c0420  ObjectTable: e2a8ea90  HandleCount:  14.\n              Image: msgbox.exe\n"
    )
    (whole,) = read_text(text).processes.processes
    assert (whole.process.image_name, whole.directory_base) == ("msgbox.exe", 0x0F8C0420)
    for width in range(24, 34):
        for one in read_text(cut(text, width)).processes.processes:
            assert not known(one.process.image_name) or one.process.image_name == "msgbox.exe", width
            assert not known(one.directory_base) or one.directory_base == 0x0F8C0420, width


def test_a_thread_tokens_lines() -> None:
    domain = "S-1-5-21-1111111111-2222222222-3333333333-"
    text = "\n".join(
        (
            "***Thread is not impersonating, using process token***",
            "    Auth Id    0 : 0x1c93d",
            "    Type       Primary",
            "     User      S-1-5-21-1-2-3-1001",
            "     Groups    2",
            "               %s10010" % domain,
            "               %s10020" % domain,
            "     Privileges    1",
            "               SeShutdownPrivilege ( )",
        )
    )

    def sids(text: str) -> List[str]:
        return [str(group.sid) for one in read_text(text).tokens for group in one.groups]

    whole = ["S-1-5-21-1-2-3-1001", domain + "10010", domain + "10020"]
    assert sids(text) == whole
    for width in range(24, 61):
        for one in sids("\n".join(line[:width].rstrip() for line in text.split("\n"))):
            assert one in whole, width
    text = text.replace(domain + "10010", "S-1-5-32-544").replace(domain + "10020", "S-1-5-32-545")
    for width in range(22, 27):
        assert not any("-32-" in one for one in sids("\n".join(line[:width].rstrip() for line in text.split("\n"))))


def test_an_image_with_a_margin_of_its_own_on_the_left() -> None:
    lines = [" " * 10 + "PROCESS 86ba98e0", " " * 14 + "Image: a_name_that_goes_on"]
    assert marked("\n".join(lines)) == [lines[1] + CUT_OFF]
    assert marked("\n".join([lines[0], lines[1] + ".exe"])) == []


@pytest.mark.parametrize(
    "half, width, marks", [(False, 70, True), (False, 69, False), (True, 64, True), (True, 63, False)]
)
def test_how_much_narrower_a_line_may_be_that_the_margin_has_cut(half: bool, width: int, marks: bool) -> None:
    """A blank that was lost, of rows that end in 71 columns; beside half a word bold and a blank, of 69 columns."""
    rows = [row[: 69 if half else 71] for row in (DEBUG, DEFAULT)]
    other = "PackageSid:".ljust(width - len("S-1-15-2-1-2")) + "S-1-15-2-1-2"
    found = marked("\n".join(["Privs: ", *rows, other]))
    assert found == [one + CUT_OFF for one in [*rows, *([other] if marks else [])]]


@pytest.mark.parametrize(
    "end, whole", [(".exe", True), (".EXE", True), (".Exe", True), (".dll", False), ("_exe", False)]
)
def test_an_image_is_whole_that_ends_as_programs_do(end: str, whole: bool) -> None:
    rows = ["    Image: %s%s" % (letter * 16, end) for letter in "ab"]
    assert marked("\n".join(rows)) == ([] if whole else [row + CUT_OFF for row in rows])
