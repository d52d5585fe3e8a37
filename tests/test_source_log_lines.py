"""The lines of a log with their numbers and places, in every encoding, across blocks, and beyond any length."""

import re
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.source.log import lines
from kdtoken.source.log.lines import Gap, LogFile, Rows

WANTED = re.compile(rb"\n(?=kd>|x|[0-9a-f]{8}  )")


def file(folder: Path, data: bytes, first: int = 1, last: Any = None) -> LogFile:
    (folder / "one.log").write_bytes(data)
    return LogFile(str(folder / "one.log"), first, last)


def found(log: LogFile) -> List[Tuple[int, str, bool]]:
    return [
        (one.number, one.text, one.cut)
        for many in log.lines(WANTED)
        for one in (many.lines() if isinstance(many, Rows) else (many,))
    ]


TEXT = "kd> one\nchatter\nkd> two\n\nkd> three"


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("ascii"),
        lambda text: text.replace("\n", "\r\n").encode("ascii"),
        lambda text: text.replace("\n", "\r").encode("ascii"),  # an old Macintosh's
        lambda text: b"\xef\xbb\xbf" + text.encode("ascii"),
        lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
    ],
)
@pytest.mark.parametrize("block", [1 << 20, 6, 14])
def test_numbers_and_places_are_right_in_every_encoding_and_block(
    encode: Any, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode(TEXT)
    log = file(tmp_path, data)  # judged by its first megabyte
    monkeypatch.setattr(lines, "BLOCK", block)
    assert found(log) == [(1, "kd> one", False), (3, "kd> two", False), (5, "kd> three", True)]
    for one in log.lines(WANTED):
        assert not isinstance(one, Rows) and log.text(one.start, one.stop).strip("\n") == one.text
    assert "".join(log.pieces()) == TEXT


def test_letters_beyond_ascii_move_no_line_and_no_place(tmp_path: Path) -> None:
    text = "\u00fcber \u65e5\u672c\nkd> one\n\u20ac kd\nkd> two\n"
    for encoding in ("utf-16-le", "utf-16-be"):
        mark = "\ufeff".encode(encoding)
        log = file(tmp_path, mark + text.encode(encoding))
        assert [one[:2] for one in found(log)] == [(2, "kd> one"), (4, "kd> two")]
        (_, two) = log.lines(WANTED)
        assert not isinstance(two, Rows) and log.text(two.start, two.stop).strip() == "kd> two"
        assert "".join(log.pieces()) == text


@pytest.mark.parametrize("first, last, numbers", [
    (1, None, [1, 3, 5]), (2, None, [3, 5]), (3, None, [3, 5]), (4, None, [5]), (6, None, []),
    (1, 1, [1]), (1, 2, [1]), (1, 3, [1, 3]), (3, 3, [3]), (3, 4, [3]), (3, 5, [3, 5]),
])  # fmt: skip
@pytest.mark.parametrize("block", [1 << 20, 6])
def test_chosen_lines_keep_their_numbers(
    first: int, last: Any, numbers: List[int], block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = file(tmp_path, TEXT.encode("ascii"), first, last)
    monkeypatch.setattr(lines, "BLOCK", block)
    assert [one[0] for one in found(log)] == numbers
    shown = "".join(log.pieces()).split("\n")
    every = TEXT.split("\n")
    assert [(at, line) for at, line in enumerate(shown, 1) if line] == [
        (at, line) for at, line in enumerate(every, 1) if line and at >= first and (last is None or at <= last)
    ]


@pytest.mark.parametrize("length", [10, 11, 25, 26, 50, 60])
@pytest.mark.parametrize("block", [7, 10, 26, 1000])
@pytest.mark.parametrize("end", ["", "\n", "\nkd> last", "\nkd> last\n"])
def test_of_a_line_beyond_any_length_the_beginning_is_looked_at_and_those_behind_it_are_right(
    length: int, block: int, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of ten characters and more are too long here."""
    text = "kd> one\n" + "x" * length + "\nkd> two\n" + "y" * length + "\n\nkd> three" + end
    monkeypatch.setattr(lines, "LONGEST_LINE", 10)
    log = file(tmp_path, text.encode("ascii"))
    monkeypatch.setattr(lines, "BLOCK", block)
    told = found(log)
    wanted = [(1, "kd> one"), (2, "x" * 10), (3, "kd> two"), (6, "kd> three")]
    wanted += [(7, "kd> last")] if "last" in end else []
    assert [(number, line[:10]) for number, line, _ in told if not line.startswith("y")] == wanted
    for one in log.lines(WANTED):
        assert not isinstance(one, Rows) and text[one.start : one.start + 7] == one.text[:7]


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "is empty"),
        (b" \t\r\n\f\x1a\0", "is empty"),
        (b"kd> x\n" * 10 + b"\1" * 2, "binary file"),
        ((b"kd> x\n" * 10).decode().encode("utf-16-le") + b"\1\0" * 2, "binary file"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match=words):
        file(tmp_path, data)


@pytest.mark.parametrize("byte", b"\t\n\r\f\x08\x1b\x07\x1a")
def test_what_terminals_leave_in_a_log_is_no_sign_of_a_binary_file(byte: int, tmp_path: Path) -> None:
    assert found(file(tmp_path, b"kd> x\n" + bytes([byte]) * 30))[0] == (1, "kd> x", False)


def test_up_to_one_strange_character_in_fifty_is_a_text_all_the_same(tmp_path: Path) -> None:
    assert found(file(tmp_path, b"kd> " + b"x" * 45 + b"\1"))
    with pytest.raises(BadFormat):
        file(tmp_path, b"kd> " + b"x" * 44 + b"\1")


@pytest.mark.parametrize("share", [0.2, 0.4, 0.8])
def test_utf_16_without_its_mark_is_told_by_where_its_zeros_lie(share: float, tmp_path: Path) -> None:
    """In what a debugger prints nearly every other byte is zero, always on the same side."""
    plain = int(100 * share)
    text = "kd> x\n" + "a" * plain + "\u65e5" * (100 - plain)
    for encoding in ("utf-16-le", "utf-16-be"):
        log = file(tmp_path, text.encode(encoding))
        assert (log._encoding == encoding) is (share == 0.8)
    zeros = file(tmp_path, b"kd> x\n" + bytes(100))  # zeros on both sides are none of it
    assert zeros._encoding == "utf-8" and found(zeros)[0][:2] == (1, "kd> x")


def test_gaps_are_lines_with_nothing_in_them(tmp_path: Path) -> None:
    log = file(tmp_path, b"one\ntwo\nthree\nfour\n")
    assert "".join(log.pieces([Gap(4, 14, 2)])) == "one\n\n\nfour\n"
    assert "".join(log.pieces([Gap(0, 4, 1), Gap(8, 14, 1)])) == "\ntwo\n\nfour\n"


def test_a_file_that_is_gone_when_it_is_read_is_said(tmp_path: Path) -> None:
    log = file(tmp_path, b"kd> x\n")
    (tmp_path / "one.log").unlink()
    for ask in (lambda: found(log), lambda: log.text(0, 3), lambda: list(log.pieces())):
        with pytest.raises(BadFormat, match="cannot read the log"):
            ask()


def test_rows_of_memory_come_as_one_and_can_be_taken_apart(tmp_path: Path) -> None:
    rows = b"82f5a000  00000001 00000002 00000003 00000004\n82f5a010  00000001 00000002 00000003 00000004\n"
    log = file(tmp_path, b"chatter\n" + rows + b"kd> x\n")
    whole, last = log.lines(WANTED)
    assert isinstance(whole, Rows) and (whole.number, whole.start) == (2, 8)
    assert [(one.number, one.start, one.stop) for one in whole.lines()] == [(2, 8, 53), (3, 54, 99)]
    assert not isinstance(last, Rows) and (last.number, last.start) == (4, 100)
