"""What was put around the lines and words of a text is taken off, and only where all of the text has it."""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

from typing import Callable

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
