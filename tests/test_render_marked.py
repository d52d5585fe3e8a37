"""Marks beside a text: the text is what it was, and no mark is ever beside another part of it."""

import pickle
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.render.marked import STYLES, Mark, Marked, clickable, filled, joined, segments, styled, together
from kdtoken.render.words import _wrapped, table, wrapped

TEXTS = st.text(alphabet="ab -<\u0301", max_size=12)


def painted(line: str) -> List[Tuple[str, str]]:
    """(text, style) of the parts that have one."""
    return [(text, style) for text, style, _ in segments(line) if style]


def test_a_mark_goes_with_its_text() -> None:
    word = styled("High", "high")
    assert word == "High" and painted(word) == [("High", "high")]
    for line in ("a " + word, word + " b", "a " + word + " b", filled("a %s b%s", word, ""), joined("-", ["x", word])):
        assert painted(line) == [("High", "high")], line
    assert painted((word.ljust(9) + "|")) == [("High", "high")] and word.ljust(9) == "High     "
    assert painted("|" + word.rjust(9)) == [("High", "high")]
    assert painted((word + "   ").rstrip()) == [("High", "high")]
    assert painted(("ab" + word)[3:5]) == [("ig", "high")]
    assert painted(("ab" + word)[:2]) == [] and ("ab" + word)[2] == "H"
    assert painted("ab" + word + "cd" + styled("!!", "impossible")) == [("High", "high"), ("!!", "impossible")]


def test_what_means_nothing_is_no_mark() -> None:
    assert type(styled("a", "")) is str and type(styled("", "high")) is str and type(clickable("a", "")) is str
    with pytest.raises(ValueError, match="no style is called 'red'"):
        styled("a", "red")
    with pytest.raises(ValueError, match="1 places for 2 parts"):
        filled("%s", "a", "b")
    assert type(joined(", ", ["a", "b"])) is str


def test_a_part_can_be_coloured_and_clicked() -> None:
    line = "x" + clickable("a" + styled("b", "low") + "c", "run") + "y"
    assert segments(line) == [("x", "", ""), ("a", "", "run"), ("b", "low", "run"), ("c", "", "run"), ("y", "", "")]
    assert segments("") == [] and segments("plain") == [("plain", "", "")]
    assert painted(styled(styled("ab", "low"), "high")) == [("ab", "high")]  # the later word counts


def test_marks_survive_the_way_between_processes() -> None:
    line = "a " + styled("b", "low")
    again = pickle.loads(pickle.dumps(line))
    assert again == line and again.marks == line.marks == (Mark(2, 3, "low"),)


def test_str_takes_the_marks_off() -> None:
    assert type(str(styled("a", "low"))) is str


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(sorted(STYLES)), st.integers(1, 12), st.sampled_from(["", "  "]))
def test_wrapping_keeps_the_text_and_what_is_marked(
    before: str, word: str, after: str, style: str, width: int, hang: str
) -> None:
    marked = before + styled(word, style) + after
    lines = wrapped(marked, width, hang)
    assert lines == _wrapped(before + word + after, width, hang)
    # Of the marked part only blanks at an end of a line can be gone.
    shown = "".join(text for line in lines for text, _ in painted(line))
    assert shown.replace(" ", "") == word.replace(" ", "")


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=5), st.integers(1, 20), st.sampled_from(["", "   "]))
def test_only_a_long_name_is_torn(parts: List[Tuple[str, bool]], width: int, hang: str) -> None:
    # each part ends in a letter that no other has, and so can be found again
    named = [("%s%d" % (text.strip().replace("  ", " "), at), whole) for at, (text, whole) in enumerate(parts)]
    line = joined(", ", [together(text) if whole else text for text, whole in named])
    lines = wrapped(line, width, hang)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")
    for text, whole in named:
        if whole and len(text) * 3 <= (width - len(hang)) * 2:
            assert any(text in one for one in lines), (text, lines)


def test_names_of_several_words() -> None:
    names = joined(", ", [together("NT AUTHORITY\\SYSTEM"), together("NT AUTHORITY\\LOCAL SERVICE")])
    assert wrapped(names, 36, " ") == ["NT AUTHORITY\\SYSTEM, NT", " AUTHORITY\\LOCAL SERVICE"]
    assert wrapped(names, 40, " ") == ["NT AUTHORITY\\SYSTEM,", " NT AUTHORITY\\LOCAL SERVICE"]
    assert not segments(names)[0][1] and type(together("one")) is str


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=4))
def test_joining_equals_the_strings_own(parts: List[Tuple[str, bool]]) -> None:
    made = joined(", ", [styled(text, "deny") if mark else text for text, mark in parts])
    assert made == ", ".join(text for text, _ in parts)
    wanted = [text for text, mark in parts if mark and text]
    marks = made.marks if isinstance(made, Marked) else ()
    assert [made[mark.start : mark.end] for mark in marks] == wanted


def test_a_table_pads_behind_the_mark() -> None:
    (first, _) = table([(styled("no", "no"), "a"), ("depends", "b")])
    assert first == "  no       a" and painted(first) == [("no", "no")]


def test_neighbours_that_look_alike_are_one_part() -> None:
    assert segments(styled("a", "low") + styled("b", "low")) == [("ab", "low", "")]
    assert segments("x" + styled("a", "low") + styled("b", "high")) == [
        ("x", "", ""),
        ("a", "low", ""),
        ("b", "high", ""),
    ]
    # Of the same colour, and with another command behind it.
    line = clickable(styled("a", "low"), "one") + clickable(styled("b", "low"), "two") + clickable("c", "two")
    assert segments(line) == [("a", "low", "one"), ("b", "low", "two"), ("c", "", "two")]


def test_of_marks_over_one_another_the_last_counts_for_style_and_command_each() -> None:
    line = Marked("abc", (Mark(0, 3, "low", "first"), Mark(0, 2, "", "second"), Mark(1, 3, "high", "")))
    assert segments(line) == [("a", "low", "second"), ("b", "high", "second"), ("c", "high", "first")]
