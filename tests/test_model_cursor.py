"""A place in a text: what is passed over, what is not, and what an error says of the place."""

import re

import pytest

from kdtoken.model.cursor import Cursor


def test_what_comes_next_is_passed_over_or_left() -> None:
    cursor = Cursor("Abc  \t\r\n\v\fdef")
    assert (cursor.peek(), cursor.peek(2), cursor.peek(99), cursor.rest, cursor.done) == (
        "A",
        "Ab",
        cursor.text,
        cursor.text,
        False,
    )
    assert not cursor.take("ab") and cursor.at == 0 and cursor.take("Ab") and cursor.at == 2
    assert not cursor.take_any_case("X") and cursor.take_any_case("C") and cursor.at == 3
    assert cursor.match(re.compile("[a-z]+")) == "" and cursor.at == 3
    cursor.spaces()
    assert cursor.at == 10 and cursor.rest == "def"
    cursor.spaces()
    assert cursor.at == 10
    assert cursor.match(re.compile("[a-z]")) == "d" and cursor.rest == "ef" and not cursor.done
    cursor.need("ef")
    assert cursor.done and cursor.peek() == "" == cursor.rest and not cursor.take("x") and not cursor.take_any_case("x")
    cursor.spaces()
    assert cursor.at == len(cursor.text)


@pytest.mark.parametrize(
    ("text", "at", "place", "message"),
    [
        ("abc", 0, -1, "SDDL, column 1: expected it, found 'abc'"),
        ("abc", 2, -1, "SDDL, column 3: expected it, found 'c'"),
        ("abc", 2, 0, "SDDL, column 1: expected it, found 'abc'"),  # a place that was kept
        ("abc", 3, -1, "SDDL, column 4: expected it, found the end of the text"),
        ("abc", 3, 2, "SDDL, column 3: expected it, found 'c'"),
        ("", 0, -1, "SDDL, column 1: expected it, found the end of the text"),
        ("x" * 24, 0, -1, "SDDL, column 1: expected it, found '%s'" % ("x" * 24)),
        ("x" * 25, 0, -1, "SDDL, column 1: expected it, found '%s'..." % ("x" * 24)),
        ("x" * 25, 1, -1, "SDDL, column 2: expected it, found '%s'" % ("x" * 24)),
        ("\u00e9\x1b[1m", 0, -1, "SDDL, column 1: expected it, found '\\xe9\\x1b[1m'"),  # nothing that a terminal takes
    ],
)
def test_an_error_says_the_column_what_was_expected_and_what_stands_there(
    text: str, at: int, place: int, message: str
) -> None:
    error = Cursor(text, at).fail("it", place)
    assert (error.message, error.subject) == (message, text)


def test_what_is_needed_is_named() -> None:
    with pytest.raises(Exception, match="^condition, column 2: expected \";\", found 'b'$"):
        Cursor("ab", 1, "condition").need(";")
    with pytest.raises(Exception, match="^SDDL, column 1: expected a semicolon, found 'ab'$"):
        Cursor("ab").need(";", "a semicolon")
