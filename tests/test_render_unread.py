"""The lines of a text that were not understood: how many, which, and where; nothing that a terminal obeys."""

from kdtoken.model.view import Unread
from kdtoken.render.unread import unread_lines, unread_problems

ONE, TWO = Unread(3, "  what   is\tthis\x1b[m ", "a.txt"), Unread(9, "x")


def test_how_many_or_which() -> None:
    assert unread_lines((), False) == [] and unread_lines((), True) == ["", "0 lines not understood"]
    assert unread_lines((ONE,), False) == ["", "1 line not understood; --unread lists it"]
    assert unread_lines((ONE, TWO), False, "A: ") == ["", "A: 2 lines not understood; --unread lists them"]
    assert unread_lines((ONE, TWO), True) == [
        "",
        "2 lines not understood:",
        "  a.txt:3: what is this\\u001b[m",
        "  line 9: x",
    ]


def test_a_long_line_is_cut_behind_200_characters() -> None:
    assert unread_lines((Unread(1, "y" * 200),), True)[2] == "  line 1: " + "y" * 200
    assert unread_lines((Unread(1, "y" * 201),), True)[2] == "  line 1: " + "y" * 200 + "..."


def test_the_same_for_programs() -> None:
    assert unread_problems((ONE, TWO)) == (
        "line 3 was not understood: what is this\\u001b[m",
        "line 9 was not understood: x",
    )
