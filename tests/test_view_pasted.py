"""What was put around the lines and words of a text is taken off, and only where all of the text has it."""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

from typing import Callable, Sequence

import pytest

from kdtoken.view.lines import split_lines
from kdtoken.view.pasted import as_printed
from kdtoken.view.text import read_text
from tests.test_view_cases import WHOAMI, WHOLE, attributes, only

FRAMES = {
    "numbers": lambda at, line: "%4d  %s" % (at, line),
    "numbers and a colon": lambda at, line: "%d: %s" % (at, line),
    "numbers and a bar": lambda at, line: "%3d| %s" % (at, line),
    "numbers of two digits": lambda at, line: "%02d %s" % (at, line),
    "numbers in brackets": lambda at, line: "[%d] %s" % (at, line),
    "a list": lambda at, line: "%d. %s" % (at, line),
    "times": lambda at, line: "[2024-05-01 10:11:%02d] %s" % (at % 60, line),
    "times of a log": lambda at, line: "2024-05-01T10:11:%02d.123Z INFO %s" % (at % 60, line),
    "times of a terminal": lambda at, line: "10:%02d:07.5 %s" % (at % 60, line),
    "half a day's times": lambda at, line: "%d:11 PM %s" % (at % 12 + 1, line),
    "a comment": lambda at, line: "// " + line,
    "a script's comment": lambda at, line: "# " + line,
    "bullets": lambda at, line: "* " + line,
    "a patch": lambda at, line: "+" + line,
    "a chat": lambda at, line: "<anna> " + line,
    "a box": lambda at, line: "| %s |" % line,
    "quotes": lambda at, line: '"%s"' % line,
}


@pytest.mark.parametrize("text", [WHOLE, WHOAMI], ids=["!token", "whoami"])
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_around_every_line_changes_nothing(frame: Callable[[int, str], str], text: str) -> None:
    framed = "\n".join(frame(at, line) for at, line in enumerate(text.split("\n"), 1))
    token, whole = only(framed), only(text)
    assert token.token == whole.token and token.names == whole.names
    assert {name: place.line for name, place in token.places.items()} == {
        name: place.line for name, place in whole.places.items()
    }


def test_rows_that_begin_with_numbers_keep_them() -> None:
    # What findstr left of a token: its own numbers, from the first group on.
    rows = "\n".join(" %02d S-1-5-32-%d\n" % (at, 544 + at) for at in range(1, 12)).replace("\n\n", "\n")
    assert as_printed(rows) == rows
    rows = "\n".join(" %02d 0x%09x SeShutdownPrivilege   Attributes - " % (at, at) for at in range(2, 12))
    assert as_printed(rows) == rows
    stack = "\n".join("%02x ffff898d`05d6ee00 fffff807`1e2349c0 nt!KiSwapContext" % at for at in range(14))
    assert as_printed(stack) == stack


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        WHOAMI,
        # A prompt is no time, and a list of cells no box.
        "0:000> !token\n0:000> g\n0:000> k\n0:000> r\n0:000> kb\n0:000> q\n0:000> x\n",
        "| a | b |\n" * 8,
        '"a","b"\n' * 8,
        # Some lines are marked, others not.
        "# a\n# b\n# c\n# d\n# e\nf\n# g\n",
        # Too few lines for a habit.
        "1 a\n2 b\n3 c\n",
    ],
)
def test_what_has_no_habit_stays(text: str) -> None:
    assert as_printed(text) == text


def test_marks_around_words_are_taken_off_and_a_sources_own_are_not() -> None:
    marked = WHOLE.replace("SeDebugPrivilege", "[b]SeDebugPrivilege[/b]").replace(
        "Enabled Default", "*Enabled* `Default`"
    )
    marked = marked.replace("00 S-1-16-16384", "00 _S-1-16-16384_")
    token = only("[code]\n%s[/code]\n" % marked)
    assert token.token == only(WHOLE).token
    assert token.token.source_name == "*SYSTEM*"
    # The debugger's back-quotes stand within addresses.
    assert as_printed("dq ffffbf84`5d8963a0 `x`") == "dq ffffbf84`5d8963a0 `x`"


def test_hyphens_of_a_page_are_hyphens_of_a_sid() -> None:
    for dash in "\u2010\u2011\u2012\u2013\u2014\u2212":
        assert str(only(WHOLE.replace("S-1-5-18", "S%s1%s5%s18" % (dash, dash, dash))).token.user) == "S-1-5-18"


def test_letters_that_were_read_twice_are_read_as_they_were_written() -> None:
    german = WHOAMI.replace(
        "Mandatory group, Enabled by default, Enabled group",
        "Verbindliche Gruppe, Standardm\u00e4\u00dfig aktiviert, Aktivierte Gruppe",
    )
    german = german.replace("Everyone", "J\u00e4ger   ")
    misread = german.encode("utf-8").decode("cp1252")
    assert "\u00c3\u00a4" in misread
    token = only(misread)
    assert attributes(token) == attributes(only(WHOAMI)) and "J\u00e4ger" in token.names.values()
    # Letters that are what they are.
    assert (
        as_printed("caf\u00e9 \u00c3") == "caf\u00e9 \u00c3"
        and as_printed("\u0416\u00c3\u00a4") == "\u0416\u00c3\u00a4"
    )


def test_a_long_log_is_left_alone() -> None:
    line = "12 x\n"
    assert as_printed(line * (1 << 20)) == line * (1 << 20)
    assert [one.number for one in split_lines("1: a\n2: b\n3: c\n4: d\n5: e\n6: f")] == [1, 2, 3, 4, 5, 6]


def test_two_people_in_one_chat_are_no_habit() -> None:
    text = "\n".join("<%s> line" % name for name in ("anna", "boris") * 5)
    assert as_printed(text) == text
    assert read_text(text).tokens == ()


@pytest.mark.parametrize("sign", ["*", "**", "_", "`"])
@pytest.mark.parametrize("word", ["Enabled", "Disabled", "Default", "Mandatory", "SeDebugPrivilege", "S-1-5-18"])
def test_each_marked_word_by_itself(word: str, sign: str) -> None:
    assert as_printed("a %s%s%s b" % (sign, word, sign)) == "a %s b" % word


def test_arrows_of_the_debugger_are_no_margin() -> None:
    """`!sd` begins each of its lines with `->`: neither a removed line of a patch nor a mail's quote."""
    text = "->Revision: 0x1\n->Sbz1    : 0x0\n->Control : 0x8004\n->Owner   : S-1-5-18\n->Group   : S-1-5-18\n->Dacl    :  is NULL\n"
    assert as_printed(text) == text
    patch = "".join("-" + line + "\n" for line in text.splitlines())
    assert as_printed(patch) == text


def test_how_many_lines_make_a_habit_and_how_many_may_be_without_it() -> None:
    """Six lines; one in twenty may lack a time or a number, none a mark."""
    time, mark = "10:11:%02d x%d", "# x%d"
    for count, others, habit in (
        (5, 0, False),
        (6, 0, True),
        (19, 1, False),
        (20, 1, True),
        (39, 2, False),
        (40, 2, True),
    ):
        framed = [time % (at, at) for at in range(count - others)] + ["other"] * others
        bare = ["x%d" % at for at in range(count - others)] + ["other"] * others
        assert (as_printed("\n".join(framed)) == "\n".join(bare)) is habit, (count, others)
    marked = "\n".join([mark % at for at in range(39)] + ["other"])
    assert as_printed(marked) == marked
    # Blank lines count neither way, and keep their numbers.
    assert as_printed("\n\n".join(mark % at for at in range(6))) == "\n\n".join("x%d" % at for at in range(6))


@pytest.mark.parametrize(
    ("numbers", "counted"),
    [
        (range(1, 9), True),
        ((1, 2, 3, 4, 5, 9), True),  # blank lines are not numbered lines
        ((1, 2, 3, 4, 5, 10), False),  # more than four on
        ((1, 2, 3, 4, 5, 5), False),
        ((1, 2, 3, 5, 4, 6), False),
        ((1, 3, 5, 6, 7, 8, 9), False),  # four steps of one in seven lines
        ((1, 3, 5, 6, 7, 8, 9, 10, 11, 12), True),  # seven in ten
    ],
)
def test_numbers_that_count_the_lines_go_up_by_one(numbers: Sequence[int], counted: bool) -> None:
    text = "\n".join("%d: x" % number for number in numbers)
    assert (as_printed(text) == "\n".join(["x"] * len(numbers))) is counted


def test_a_box_has_no_cells_and_quotes_no_fields() -> None:
    boxed = "\n".join("| x%d |" % at for at in range(6))
    assert as_printed(boxed) == "\n".join("x%d" % at for at in range(6))
    cells = boxed + "\n| x | y |"
    assert as_printed(cells) == cells
    # Each line is in it, from the bar in front to the one behind; an empty one has a bar alone, or two.
    assert as_printed(boxed + "\n| |") == "\n".join("x%d" % at for at in range(6)) + "\n"
    twenty = range(20)
    lone = "\n".join("| x%d |" % at for at in twenty) + "\n|"  # one in twenty may lack it
    assert as_printed(lone) == "\n".join("x%d" % at for at in twenty) + "\n|"
    for others in ("\ny", "\n| y" * 6):
        text = "\n".join("| x%d |" % at for at in range(21 if others == "\ny" else 6)) + others
        assert as_printed(text) == text
    quoted = "\n".join("'x%d'," % at for at in range(6))
    assert as_printed(quoted) == "\n".join("x%d" % at for at in range(6))
    for odd in ('"a","b"', "x"):
        assert as_printed(quoted + "\n" + odd) == quoted + "\n" + odd


def test_only_a_line_that_was_read_twice_is_read_again() -> None:
    """UTF-8 of an umlaut is two characters of Windows-1252; one that page has not is itself."""
    assert as_printed("J\u00c3\u00a4ger\ncaf\u00e9") == "J\u00e4ger\ncaf\u00e9"
    assert as_printed("a\u00c3\u0081b") == "a\u00c1b"  # 0x81 is nothing in Windows-1252
    assert as_printed("J\u00c3\u00a4ger \u0416") == "J\u00c3\u00a4ger \u0416"
