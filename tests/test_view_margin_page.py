"""Two things that happened to one text: a page broken at a width and then cut, quoted, spaced; a line that was several, broken."""

import html
import re
from typing import Callable, Dict, List

import pytest

from kdtoken.model.absent import Fragment, known
from kdtoken.view.lines import is_cut, split_lines
from kdtoken.view.margin import CUT_OFF
from kdtoken.view.markup import joined_at_tags
from kdtoken.view.text import read_text
from tests.mutants import facts, wrong
from tests.test_view_cases import WHOAMI, WHOLE

BLOCK = (
    "kd> !process ffffc10203042080 1\nPROCESS ffffc10203042080\n    SessionId: 1  Cid: 0460    Peb: 5d40002000  ParentCid: 02d4\n"
    "    DirBase: 1a2b3c002  ObjectTable: ffffd10203040ac0  HandleCount: 123.\n    Image: notepad.exe\n"
)


def page(text: str, width: int, blanks: bool = True) -> List[str]:
    """The text as a blog's highlighter writes it, on one line, broken at a width."""
    one = "".join('<span class="line">%s</span><br>' % html.escape(line) for line in text.rstrip("\n").split("\n"))
    pieces = [one[at : at + width] for at in range(0, len(one), width)]
    return pieces if blanks else [piece.rstrip() for piece in pieces]


AGAIN: Dict[str, Callable[[str], str]] = {
    "quoted": lambda line: "> " + line,
    "quoted twice": lambda line: ">> " + line,
    "behind a prompt": lambda line: "lab\\anna@HOST C:\\Users\\anna>" + line,
    "behind $": lambda line: "$ " + line,
    "indented": lambda line: "        " + line,
    "bold": lambda line: re.sub(r"\b(Enabled|Image|S-1-[-0-9]+)\b", r"**\1**", line),
    "half bold": lambda line: re.sub(r"\b(Enabled|Image|S-1-[-0-9]+)\b", r"**\1", line, count=1),
    "with tabs": lambda line: line.replace("    ", "\t"),
}


@pytest.mark.parametrize("again", sorted(AGAIN))
@pytest.mark.parametrize("text", [WHOLE, BLOCK, WHOAMI], ids=["token", "process", "whoami"])
def test_what_was_put_around_the_pieces_of_a_page_is_taken_off_first(again: str, text: str) -> None:
    original = facts(text)
    for width in (72, 80, 92, 120):
        pieces = page(text, width)
        found = facts("\n".join(map(AGAIN[again], pieces)))
        assert wrong(found, original) == [], width
        # Nothing is doubtful: the pieces are put together as if nobody had touched them.
        assert found == facts("\n".join(pieces)), width


@pytest.mark.parametrize("text", [WHOLE, BLOCK, WHOAMI], ids=["token", "process", "whoami"])
@pytest.mark.parametrize("mark", ["......", "(snip)", ""])
def test_on_both_sides_of_what_was_left_out_of_a_page_lines_are_torn(mark: str, text: str) -> None:
    original = facts(text)
    for width in (72, 92):
        for blanks in (True, False):
            pieces = page(text, width, blanks)
            for at in range(1, len(pieces) - 1):
                left = pieces[:at] + [mark] + pieces[at + bool(mark) :]
                assert wrong(facts("\n".join(left)), original) == [], (width, at)
            assert wrong(facts("\n\n".join(pieces)), original) == []
            assert wrong(facts("\n".join(map(str.strip, pieces))), original) == []
            assert wrong(facts("\n".join(re.sub(" +", " ", one) for one in pieces)), original) == []


def test_a_torn_page_line_by_line() -> None:
    broken = ["a<br>aaaaa", "b<br>bbbbb", "c<br>ccccc"]
    rows = ["x<br>", *broken, "......", *broken, "dd<br>", "e<br>"]
    for mark in ("......", ""):
        rows[4] = mark
        lines = [one.text for one in split_lines("\n".join(rows))]
        torn = ["aaaaab", "bbbbbc", "ccccc" + CUT_OFF, mark, CUT_OFF + "a", "aaaaab", "bbbbbc", "cccccdd", "e"]
        assert lines == ["x", "a", *torn]
    # A tag begins a new line: nothing of it is lost.
    rows[5] = "<b>a<br>aa"
    assert joined_at_tags("\n".join(rows), is_cut).split("\n")[3].startswith("<b>")
    # A page without its end.
    assert [one.text for one in split_lines("\n".join(["x<br>", *broken, "d<br>ddd"]))][-1] == "ddd" + CUT_OFF
    pieces = page(BLOCK, 72)
    for at in range(2, len(pieces)):
        assert wrong(facts("\n".join(pieces[:at])), facts(BLOCK)) == [], at
        assert wrong(facts("\n".join(pieces[at - 1 :])), facts(BLOCK)) == [], at


def test_pieces_of_no_one_width_are_not_put_together_inside_a_word() -> None:
    """Broken at 72 and at 50 columns: neither did all of it, and blanks may be lost or not."""
    (process,) = read_text("\n".join(page(BLOCK, 72))).processes.processes
    assert process.process.image_name == "notepad.exe" and process.directory_base == 0x1A2B3C002
    for first in range(60, 81):
        twice = [part for piece in page(BLOCK, first) for part in (piece[:40], piece[40:])]
        assert wrong(facts("\n".join(twice)), facts(BLOCK)) == [], first


def test_a_page_without_its_beginning_begins_inside_a_tag() -> None:
    row = " 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled"
    page = '"line">%s\n Default </span><br><span class="line">x</span><br>\n<span class="line">y\n</span><br>\n' % row
    assert [one.text for one in split_lines(page)][0].endswith("Attributes - Enabled  Default ")


def test_blank_lines_that_tags_left_are_no_end_of_a_table() -> None:
    rows = WHOAMI.rstrip("\n").split("\n")
    while not rows[-1].startswith("Se"):
        rows.pop()
    for tail in ("</pre>", "</pre>\n</div>"):
        read = read_text("<pre>" + "\n".join(row + "<br>" for row in rows) + "\n" + tail + "\n").tokens
        assert all(isinstance(one.token.privileges, Fragment) or not known(one.token.privileges) for one in read)


@pytest.mark.parametrize(
    "name",
    [
        "caf?.exe",
        "a.exe</span>",
        html.escape(html.escape("a.exe<br>")),
        "a.exe< /span>",
        "a.exe C:\\>",
        "a.exe $",
        "a.exe 0: kd>",
    ],
)
def test_what_no_file_can_be_called_is_no_images_name(name: str) -> None:
    (process,) = read_text(BLOCK.replace("notepad.exe", name)).processes.processes
    assert not known(process.process.image_name) or process.process.image_name == "a.exe"


def test_a_number_behind_a_value_may_be_its_rest() -> None:
    (process,) = read_text(BLOCK.replace("1a2b3c002", "1a 2b3c002")).processes.processes
    assert not known(process.directory_base) and process.object_table == 0xFFFFD10203040AC0
    (process,) = read_text(BLOCK.replace("123.", "123. well")).processes.processes
    assert process.handle_count == 123


def test_a_line_that_was_several_and_was_broken() -> None:
    """Attributes that stand in the next line are the row's, or nobody's."""
    line = "_TOKEN ffff8f0012340060 User: S-1-5-18 User Groups:  00 S-1-1-0     Attributes - Mandatory Default Enabled"
    line += (
        "   01 S-1-5-11     Attributes - Mandatory Default Enabled   02 S-1-16-16384     Attributes - GroupIntegrity"
    )
    line += " GroupIntegrityEnabled   03 S-1-2-0     Attributes - Mandatory Default Enabled Primary Group: S-1-5-18"
    words = {"S-1-1-0": 7, "S-1-5-11": 7, "S-1-2-0": 7, "S-1-16-16384": 0x60}
    for width in range(60, 121):
        for text in (
            [line[at : at + width] for at in range(0, len(line), width)],
            [line[:width] + " xyz", line[width:]],
        ):
            for token in read_text("\n".join(text)).tokens:
                for one in token.groups[1:]:
                    assert not known(one.attributes) or one.attributes == words.get(str(one.sid), one.attributes), width


def test_rows_left_out_of_a_line_that_was_several_are_no_absence() -> None:
    row = " %02d 0x%09x %s Attributes - %s"
    rows = [row % (20, 20, "SeDebugPrivilege", "Enabled "), row % (34, 34, "SeTimeZonePrivilege", "")]
    head = "_TOKEN ffff8f0012340060 User: S-1-5-18 Privs:"
    for mark in ("......", "...", "(snip)", "[snip]", "xyz 00"):
        (token,) = read_text(" ".join([head, rows[0], mark, rows[1], "Authentication ID:         (0,3e7)"])).tokens
        held = token.token.privileges
        assert not known(held) or (isinstance(held, Fragment) and not held.tells(25)), mark
    (token,) = read_text(" ".join([head, *rows, "Authentication ID:         (0,3e7)"])).tokens
    assert isinstance(token.token.privileges, tuple) and not isinstance(token.token.privileges, Fragment)


def test_a_tokens_address_has_8_digits_or_16() -> None:
    for address in ("ffffcc", "ffffcc8a14", "ffffcc8a1421106", "ffffcc8a142110600"):
        assert read_text("_TOKEN %s\nTS Session ID: 0x1\nUser: S-1-5-18\n" % address).tokens[0].token.address == 0, (
            address
        )
    for address in ("e1b2c3d8", "ffffcc8a`14211060", "0xffffcc8a14211060"):
        (token,) = read_text("_TOKEN %s\nTS Session ID: 0x1\n" % address).tokens
        assert token.token.address == int(address.replace("`", ""), 16)
    assert not known(
        read_text("_TOKEN e1b2c3d8\nTS Session ID: 0x1\nSource: *SYSTE%s\n" % CUT_OFF).tokens[0].token.source_name
    )
