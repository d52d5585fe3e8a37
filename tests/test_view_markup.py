"""Pages whose lines are ended by tags, broken at a width: put together by the page's own habit, doubtful where not."""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

import textwrap
from typing import List

import pytest

from kdtoken.model.absent import Fragment, known
from kdtoken.view.lines import ENDED, is_cut, split_lines
from kdtoken.view.markup import CUT_OFF, JOINT, joined_at_tags
from kdtoken.view.text import read_text
from tests.test_view_cases import WHOAMI, WHOLE

# One line of a file, as a blog's highlighter writes it.
PAGE = "".join('<span class="line">%s</span><br>' % one for one in WHOLE.replace(">", "&gt;").split("\n"))


def joined_here(text: str) -> str:
    return joined_at_tags(text, is_cut)


def hard(text: str, width: int) -> List[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


def soft(text: str, width: int) -> List[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


@pytest.mark.parametrize("width", [72, 80, 92, 120])
@pytest.mark.parametrize("broken", [hard, soft])
def test_a_page_broken_at_a_width_is_read_as_the_page(broken, width: int) -> None:  # type: ignore[no-untyped-def]
    (token,) = read_text("\n".join(broken(PAGE, width))).tokens
    (whole,) = read_text(WHOLE).tokens
    assert token.token == whole.token and token.names == whole.names and not token.not_understood


def test_blanks_that_were_lost_where_it_was_broken_are_put_back() -> None:
    # 'Attributes - Enabled ' ends where a line of 92 does: without the blank it is 91 letters long.
    (token,) = read_text("\n".join(one.rstrip() for one in hard(PAGE, 92))).tokens
    assert token.token == read_text(WHOLE).tokens[0].token


def test_lines_keep_their_numbers() -> None:
    lines = list(split_lines("a<br>b \nc<br>\nd<br>e<br>\nf"))
    assert [(one.number, one.text) for one in lines] == [(1, "a"), (1, "b c"), (3, "d"), (3, "e"), (4, "f")]
    # Where a tag ends a line, no width did.
    assert [one.width for one in lines] == [ENDED, ENDED, ENDED, ENDED, 0]


def test_a_page_whose_lines_are_lines_stays_as_it_is() -> None:
    page = "<div>Read on</div>\n<pre><code>kd> !token\n_TOKEN 0xfffff8a000004040\nUser: S-1-5-18\na\nb\nc</code></pre>\n<br>"
    assert joined_here(page).count("\n") == page.count("\n")
    assert joined_here("x < y\nz") == "x < y\nz"
    # `</div>` behind a block of code makes no piece of its last line but of those that have one near on both sides.
    many = "<li>one</li>\n" + "\n".join("row %d" % at for at in range(9)) + "\n<li>two</li>"
    assert JOINT not in joined_here(many)


def test_a_word_longer_than_a_line_is_not_put_together_where_only_words_were_moved() -> None:
    # Word by word, but a SID of 75 letters had to be broken: nothing tells whether a blank stood there.
    sid = "S-1-15-2-1111111111-2222222222-3333333333-4444444444-555555555-666666666-777777777"
    page = PAGE.replace("OriginatingLogonSession: 0", "OriginatingLogonSession: 0</span><br><span>PackageSid: %s" % sid)
    (token,) = read_text("\n".join(soft(page, 72))).tokens
    assert not known(token.token.package) or str(token.token.package) == sid


def test_a_name_whose_beginning_stands_in_the_line_above_is_none() -> None:
    row = "BUILTIN\\Remote Management Users"
    text = WHOAMI.replace("BUILTIN\\Users   ", row[:24] + "\n" + row[24:].ljust(16))
    assert row[:24] in text and "t Users" in text
    (token,) = read_text(text).tokens
    assert "S-1-5-32-545" in [str(one.sid) for one in token.groups]
    assert not [name for name in token.names.values() if name.startswith("t")]
    # A row without its table, with nothing but its own name's beginning above it.
    (token,) = read_text(
        "PS > whoami /groups | findstr NT\nNT\nSERVICE\\Installer Well-known group S-1-5-80-1-2-3-4-5 Enabled group\n"
    ).tokens
    assert token.groups and not token.names


def test_a_half_tag_behind_a_name_is_no_part_of_it() -> None:
    text = "PROCESS fffffa8001234040\n    SessionId: 1  Cid: 0100    Peb: 7fff0000  ParentCid: 0004\n    Image: a.exe<b\nr>\n"
    assert not known(read_text(text).processes.processes[0].process.image_name)
    text = text.replace("<b\nr>", "")
    assert read_text(text).processes.processes[0].process.image_name == "a.exe"


def test_a_list_in_a_broken_page_is_whole() -> None:
    (token,) = read_text("\n".join(hard(PAGE, 80))).tokens
    assert isinstance(token.token.privileges, tuple) and not isinstance(token.token.privileges, Fragment)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        # Lines end with a tag before and behind: the one between goes on.
        ("a<br>\nb,\nc<br>\nd<br>\n", "a<br>\nb, " + JOINT + "c<br>\nd<br>\n"),
        ("a<br>\nb-\nc<br>\nd<br>\n", "a<br>\nb-" + JOINT + "c<br>\nd<br>\n"),  # behind a hyphen no blank was lost
        ("a<br>\nb \nc<br>\nd<br>\n", "a<br>\nb " + JOINT + "c<br>\nd<br>\n"),
        ("a<br>\nb\nc<br>\nd<br>\n", "a<br>\nb\nc<br>\nd<br>\n"),  # one word or two: nobody can tell
        ("a<br>\n\nc<br>\nd<br>\n", "a<br>\n\nc<br>\nd<br>\n"),  # nothing goes on
        ("b,\nc<br>\nd<br>\n", "b,\nc<br>\nd<br>\n"),  # in front of the first tag nobody knows
        ("<span class='x'>b,\nc<br>\nd<br>\n", "<span class='x'>b, " + JOINT + "c<br>\nd<br>\n"),  # what was left open
        ("a<br>\nb,\nc,\n", "a<br>\nb,\nc,\n"),  # behind the last tag it is a habit no more
        ("a<p>\nb,\nc<p>\n", "a<p>\nb,\nc<p>\n"),
        ("a&lt;br&gt;\nb,\nc&lt;br&gt;\n", "a&lt;br&gt;\nb, " + JOINT + "c&lt;br&gt;\n"),
    ],
)
def test_where_a_line_goes_on(text: str, joined: str) -> None:
    assert joined_here(text) == joined


def test_a_block_of_code_has_a_habit_of_its_own() -> None:
    page = "<div>a</div>\n<pre>1\n2\n3</pre>\n<div>b</div>\n"
    assert joined_here(page) == page
    # A tag behind the block's end is of the page, one in front of its beginning too.
    for page in ("<pre>a<br>\nb,\nc</pre><br>\nd\n", "<br><pre>a\nb,\nc<br>\n</pre>\n"):
        assert joined_here(page) == page
    page = "<pre>a<br>\nb,\nc<br></pre>\nd\n"
    assert joined_here(page) == page.replace("b,\n", "b, " + JOINT)


def test_pieces_of_one_length_were_broken_in_words() -> None:
    """Three of ten letters: the width broke them, and no blank was lost; of two nobody knows."""
    rows = ["x<br>", "aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "d<br>", "e<br>"]
    assert joined_here("\n".join(rows)) == "x<br>\naaaaaaaaaa%sbbbbbbbbbb%scccccccccc%sd<br>\ne<br>" % ((JOINT,) * 3)
    two = joined_here("\n".join(rows[:3] + rows[4:]))
    assert JOINT + "bbb" not in two.replace(" " + JOINT, "")


GAP = (
    CUT_OFF + "\n" + CUT_OFF
)  # the end of one line and the beginning of another: whether a blank stood there nobody knows


@pytest.mark.parametrize(
    ("rows", "joined"),
    [
        # A width of ten broke words. One piece begins with a blank, so none was lost: at the short one's end a blank stood.
        (
            ["aaaaaaaaaa", " bbbbbbbbb", "cccccccccc", "dddddddd"],
            "aaaaaaaaaa" + JOINT + " bbbbbbbbb" + JOINT + "cccccccccc" + JOINT + "dddddddd " + JOINT,
        ),
        # No piece begins with one: blanks were lost at both sides, and of the short one nobody can tell.
        (
            ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddd"],
            "aaaaaaaaaa" + JOINT + "bbbbbbbbbb" + JOINT + "cccccccccc" + JOINT + "dddddddd" + GAP,
        ),
        # Nor where two in three are not more than what has the width.
        (
            ["aaaaaaaaaa", " bbbbbbbbb", "dddddddd"],
            "aaaaaaaaaa" + JOINT + " bbbbbbbbb" + JOINT + "dddddddd" + GAP,
        ),
        # Whole words were moved: each line has as many as there is room for, and a blank was lost at each.
        (
            ["aaaaa bbbbb", "ccccc dddd", "eeeee fff,"],
            "aaaaa bbbbb " + JOINT + "ccccc dddd " + JOINT + "eeeee fff, " + JOINT,
        ),
        # A blank that was not lost, before or behind, says that it is not so.
        (
            ["aaaaa bbbbb", " cccc dddd", "eeeee fff,"],
            "aaaaa bbbbb " + JOINT + " cccc dddd" + GAP + "eeeee fff," + GAP,
        ),
        (
            ["aaaaa bbbbb", "cccc dddd ", "eeeee fff,"],
            "aaaaa bbbbb" + GAP + "cccc dddd " + JOINT + "eeeee fff," + GAP,
        ),
        # Four of five lines as full as can be: enough; three of five are not.
        (
            ["aaaaa bbbbb", "ccccc dddd", "m<br>", "eeeee ffff", "g", "hhhhh iiii"],
            "aaaaa bbbbb |ccccc dddd |m<br>\neeeee ffff |g |hhhhh iiii |".replace("|", JOINT),
        ),
        (
            ["aaaaa bbbbb", "ccccc dddd", "m<br>", "eeee", "g", "hhhhh iiii"],
            "aaaaa bbbbb|ccccc dddd|m<br>\neeee|g|hhhhh iiii|".replace("|", GAP),
        ),
        # Two pieces tell of no width: the one that is as wide as the widest may have been broken in a word.
        (["aaaaa bbbbb", "ccccc dddd"], "aaaaa bbbbb\nccccc dddd " + JOINT),
        # As may one whose last word and the next one's first are longer together than a line; 5 and 6 are not, of 11.
        (["aaaa bbbbbb", "cccccc ddd", "eeeee ffff"], "aaaa bbbbbb\ncccccc ddd |eeeee ffff |".replace("|", JOINT)),
        (["aaaaa bbbbb", "cccccc ddd", "eeeee ffff"], "aaaaa bbbbb |cccccc ddd |eeeee ffff |".replace("|", JOINT)),
    ],
)
def test_whether_a_blank_was_lost_where_a_line_was_broken(rows: List[str], joined: str) -> None:
    found = joined_here("\n".join(["x<br>", *rows, "e<br>", "f<br>"]))
    assert found.startswith("x<br>\n") and found.endswith("e<br>\nf<br>")
    assert found[len("x<br>\n") : -len("e<br>\nf<br>")] == joined
