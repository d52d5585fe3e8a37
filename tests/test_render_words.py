"""Single values in words, and tables that keep their width."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.frozen import replace
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import Names
from kdtoken.model.token import LogonSession
from kdtoken.render import words
from kdtoken.render.words import WIDTH, briefly, clean, printable, row_lines, show, table, wrapped
from tests.declared_views import decoded


@given(st.text())
def test_clean_text_is_printable_and_says_what_was_there(text: str) -> None:
    assert clean(text).isprintable()
    if text.isascii() and text.isprintable() and "\\" not in text:
        assert clean(text) == text


# Names that are made to be taken for others: their letters, as a generator for all that is printed.
TRICKY = st.text(
    st.sampled_from("aSYSTEM\\u202ee0\u202e\u3164\u034f\ufe0f\x1b\0\U000e0041") | st.characters(), max_size=12
)


@given(TRICKY, TRICKY)
def test_no_two_texts_print_alike(one: str, other: str) -> None:
    assert (clean(one) == clean(other)) == (one == other)


@pytest.mark.parametrize(
    "text, printed",
    [
        ("SYSTEM\u3164", "SYSTEM\\u3164"),  # HANGUL FILLER: a letter that is drawn as a blank
        ("SYS\u034fTEM", "SYS\\u034fTEM"),  # COMBINING GRAPHEME JOINER: drawn as nothing
        ("SYSTEM\u115f", "SYSTEM\\u115f"),
        ("SYSTEM\u2800", "SYSTEM\\u2800"),  # BRAILLE PATTERN BLANK
        ("SYSTEM\ufe0f", "SYSTEM\\ufe0f"),  # VARIATION SELECTOR-16
        ("SYSTEM\U000e0041", "SYSTEM\\U000e0041"),  # TAG LATIN CAPITAL LETTER A
        ("a\u202eb", "a\\u202eb"),
        (r"a\u202eb", r"a\\u202eb"),  # the same, typed as six characters
        ("a\\\u202eb", r"a\\\u202eb"),  # a backslash, and then the character itself
        ("NT AUTHORITY\\SYSTEM", "NT AUTHORITY\\SYSTEM"),
        ("C:\\", "C:\\"),
    ],
)
def test_what_looks_like_nothing_or_like_an_escape(text: str, printed: str) -> None:
    assert clean(text) == printed


def test_clean_escapes_what_moves_or_hides() -> None:
    assert clean("\x1b[1m\u202ea\u200bb\ud800\u00a0") == "\\u001b[1m\\u202ea\\u200bb\\ud800\\u00a0"
    assert clean("caf\u00e9 \u65e5\u672c") == "caf\u00e9 \u65e5\u672c"


def test_four_ways_of_not_being_there() -> None:
    gone = Unreadable(0x1230, "paged out", "page it in")
    assert show(gone, str) == "?? unreadable at 0x1230: paged out  [page it in]"
    assert show(Absent("_TOKEN.Package"), str) == "-  not in this build (no _TOKEN.Package)"
    assert show(None, str, "null") == "null"
    assert show(0, str) == "0"
    assert briefly(gone, str) == "?? paged out"
    assert briefly(Absent("_TOKEN.Package"), str) == "-"
    assert briefly(7, str) == "7"


def test_numbers() -> None:
    assert (words.number(10), words.hexadecimal(10), words.pointer(0), words.pointer(10)) == (
        "10",
        "0xa",
        "null",
        "0xa",
    )
    assert words.luid(Luid(0, 0x3E7)) == "0x3e7  SYSTEM"
    assert words.luid(Luid(0, 0x2F3D2)) == "0x2f3d2"
    assert words.time(0x7FFFFFFFFFFFFFFF) == "never"


def test_sids_without_a_name_say_what_they_are() -> None:
    assert words.sid_name(Sid.from_text("S-1-5-18")) == "NT AUTHORITY\\SYSTEM"
    assert words.sid_name(Sid.from_text("S-1-5-21-1-2-3-1001")) == "<domain user or group>"


def test_group_attributes_in_the_debuggers_words() -> None:
    sid = Sid.from_text("S-1-1-0")
    assert words.group_words(Group(sid, 7)) == "Mandatory Default Enabled"
    assert words.group_words(Group(sid, 0x10)) == "DenyOnly"
    assert words.group_words(Group(sid, 0)) == "-"


@given(st.lists(st.lists(st.text("ab ", max_size=140), min_size=1, max_size=4).map(tuple), max_size=5))
def test_no_line_of_a_table_is_wide(rows: "list[tuple[str, ...]]") -> None:
    longest = max([len(word) for row in rows for cell in row for word in cell.split()] + [0])
    for line in table(rows):
        assert len(line) <= max(WIDTH, longest + 8)
        assert line == line.rstrip()
    assert len(row_lines(rows)) == len(rows)
    text = "".join("".join(row) for row in rows).replace(" ", "")
    assert "".join(table(rows)).replace(" ", "") == text


def test_columns_stand_below_each_other() -> None:
    assert table([("a", "bb"), ("ccc", "d")]) == ["  a    bb", "  ccc  d"]
    wide = "S-1-15-3-1024-" + "1234567890-" * 4 + "1"
    assert table([("a", "b", "c"), ("a", wide, "c")])[0] == "  a  b  c"


@given(st.text("abc ", max_size=300), st.integers(5, 40))
def test_wrapping_loses_no_word(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert " ".join(lines).split() == text.split()
    for line in lines:
        assert len(line) <= width or len(line.split()) == 1


def test_the_reason_of_what_is_unreadable_gives_a_terminal_no_commands() -> None:
    """A recording's row says it, and somebody else may have written the row."""
    from kdtoken.model.absent import Unreadable
    from kdtoken.render.words import briefly, show

    hostile = Unreadable(0x1000, "\x1b]0;x\x07\u202e", "\x1b[2J")
    for text in (show(hostile, str), briefly(hostile, str)):
        assert "\\u001b]0;x\\u0007\\u202e" in text and "\x1b" not in text and "\u202e" not in text


def test_the_last_gate_escapes_what_was_forgotten() -> None:
    """An escape sequence and a mark that turns the line around, as `clean` shows them; plain text goes through."""
    assert printable("a\x1b[2Jb\u202ec") == "a\\u001b[2Jb\\u202ec" == clean("a\x1b[2Jb\u202ec")
    for text in ("", "plain", "caf\u00e9 \u4f60"):
        assert printable(text) == text


def test_columns_are_for_the_usual_cells_where_most_rows_would_pass_the_width() -> None:
    """Four of five first cells have 5 letters: the fifth moves its own row only."""
    words.set_columns(60)
    try:
        rows = [("aaaaa", "b" * 30)] * 4 + [("c" * 40, "b" * 30)]
        assert row_lines(rows)[0] == ["  aaaaa  " + "b" * 30] == row_lines(rows)[3]
        # Where only half of them would, each keeps its column.
        half = [("aaaaa", "b")] * 3 + [("c" * 40, "b" * 30)] * 3
        assert row_lines(half)[0] == ["  aaaaa".ljust(44) + "b"]
    finally:
        words.set_columns()


def test_a_cell_longer_than_a_domain_user_s_sid_sets_no_column() -> None:
    """46 columns: S-1-5-21, three numbers of ten digits and one of four."""
    for length, column in ((46, 50), (47, 7)):
        lines = row_lines([("aaa", "b"), ("c" * length, "d")])
        assert lines[0] == ["  aaa".ljust(column) + "b"]


@pytest.mark.parametrize(
    "authority, account, name",
    [
        ("LAB", "anna", "LAB\\anna"),
        ("", "anna", "anna"),  # no backslash in front of nothing
        (None, "anna", "anna"),
        (Unreadable(0x10, "paged out"), "anna", "anna"),
        ("LAB", "", None),
        ("LAB", None, None),
        ("LAB", Unreadable(0x10, "paged out"), None),
        ("LAB\x1b", "an\x1bna", "LAB\\u001b\\an\\u001bna"),
    ],
)
def test_the_account_of_a_logon_session(authority: Any, account: Any, name: Any) -> None:
    token = decoded("notepad")
    assert isinstance(token.logon_session, LogonSession)
    session = replace(token.logon_session, authority_name=authority, account_name=account)
    assert words.account_of(replace(token, logon_session=session)) == name
    # Another's session names nobody here.
    other = replace(session, logon_id=Luid(1, 2))
    assert words.account_of(replace(token, logon_session=other)) is None
    unknown = replace(session, logon_id=Unreadable(0x10, "paged out"))
    assert words.account_of(replace(token, logon_session=unknown)) == name
    assert words.account_of(replace(token, logon_session=None)) is None


@pytest.mark.parametrize(
    "rid, known, name",
    [
        (500, None, "LAB\\anna"),  # a well-known id of a domain that nobody here names
        (500, "LAB\\root", "LAB\\root"),  # the source's own name for it
        (1001, None, "LAB\\anna"),
        (1001, "x\\y", "x\\y"),
    ],
)
def test_the_user_is_named_by_its_source_and_else_by_its_logon_session(rid: int, known: Any, name: str) -> None:
    token = decoded("notepad")
    assert isinstance(token.logon_session, LogonSession) and isinstance(token.user_and_groups, tuple)
    sid = Sid(5, (21, 1, 2, 3, rid))
    session = replace(token.logon_session, authority_name="LAB", account_name="anna")
    named = replace(token, logon_session=session, user_and_groups=(Group(sid, 0), *token.user_and_groups[1:]))
    names = Names({sid: known} if known else {})
    assert words.sid_name(sid, named, names) == name
    # Of another SID the session says nothing.
    assert words.sid_name(Sid(5, (21, 1, 2, 3, 1002)), named, names) != "LAB\\anna"
