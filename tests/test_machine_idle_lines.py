"""What a log's text is read without: its numbers of lines stay, and so does whatever a reader could use."""

from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.machine.idle_lines import passed_over, without_idle_lines
from kdtoken.machine.log import LogMachine
from kdtoken.machine.text import TextMachine
from kdtoken.model.token import Token
from kdtoken.source.base import About
from kdtoken.source.log.source import LogSource, log_pieces, log_texts
from tests.test_source_log_memory import rendered
from tests.test_view_debugger_memory_read import PROCESS, TOKEN

BASE = 0xFFFFAB887E89D380
DATA = bytes(range(256)) * 8  # 128 rows
FRAME = "        ffffb20f`00001000 fffff807`24681358 : ffffe689`13579be0 00000000`00000000 : nt!Frame+0x3"


def thin(path: Path, text: str) -> List[str]:
    """The lines of a log as they are read for their text, without what it shows of memory."""
    path.write_text(text, encoding="ascii")
    (read,) = log_texts([str(path)], passed_over, LogSource([str(path)]).gaps)
    assert read[1].count("\n") == text.count("\n")
    return read[1].split("\n")


@pytest.mark.parametrize("form", ["dq", "dd", "dw", "db"])
@pytest.mark.parametrize("wide", [True, False])
def test_of_a_stretch_of_rows_the_first_stay(form: str, wide: bool, tmp_path: Path) -> None:
    rows = rendered(form, BASE if wide else 0x8A89D380, DATA, wide).split("\n")[:-1]
    command = ["0: kd> %s X L80" % form]
    text = ["User: S-1-5-18", *command, *rows, *command, *rows[:16], *command, *rows[:31], "x", *rows[:31], "kd> g", ""]
    # Behind a command behind memory two are enough, but not where anything else stood between.
    left = [128 - 30, 16 - 2, 31 - 2, 31 - 30]
    kept = ["User: S-1-5-18", *command, *rows[:30], *[""] * left[0], *command, *rows[:2], *[""] * left[1]]
    kept += [*command, *rows[:2], *[""] * left[2], "x", *rows[:30], *[""] * left[3], "kd> g", ""]
    assert thin(tmp_path / "a.log", "\n".join(text)) == kept


def test_rows_beside_which_a_fact_stands_stay(tmp_path: Path) -> None:
    data = bytearray(DATA)
    data[16 * 50 : 16 * 51] = b"  SeDebugPrivile"
    data[16 * 51 : 16 * 52] = b"ge " + bytes(13)
    text = "x\n" + rendered("db", BASE, bytes(data))
    assert thin(tmp_path / "a.log", text)[40] == ""
    data[16 * 51 : 16 * 52] = b"SeShutPrivilege "
    text = "x\n" + rendered("db", BASE, bytes(data))
    assert "\n".join(thin(tmp_path / "b.log", text)) == text


def test_rows_that_are_no_memory_or_of_another_form_stay(tmp_path: Path) -> None:
    rows = rendered("dq", BASE, DATA)
    for at, text in enumerate(("kd> !pte 0\n" + rows, rows.replace("  ", "   "), rendered("dq", BASE, DATA[:480]))):
        text = "kd> version\n" + text
        assert "\n".join(thin(tmp_path / ("%d.log" % at), text)) == text


@given(
    lines=st.lists(st.sampled_from(["", "x", FRAME, "    VadRoot 1", "kd> dq X"]), max_size=12), cut=st.integers(0, 12)
)
def test_pieces_or_the_whole_are_the_same(lines: List[str], cut: int) -> None:
    pieces = ["".join(line + "\n" for line in part) for part in (lines[:cut], lines[cut:])]
    assert "".join(passed_over(piece for piece in pieces if piece)) == without_idle_lines("".join(pieces))


@pytest.mark.parametrize("rows", [3, 40, 400])
def test_a_pointer_in_a_long_stretch_leads_to_the_token(rows: int, tmp_path: Path) -> None:
    data = bytearray(16 * 16 * rows)
    # AT of the token, with its references, at 0x360 of the process; the stretch begins before the process.
    at = 0xFFFFAB887E89D3E0
    start = at - 16 * (rows - 1)
    data[at - start : at - start + 8] = (0xFFFF898D050A667C).to_bytes(8, "little")
    path = tmp_path / "a.log"
    path.write_text(PROCESS + "kd> dq X\n" + rendered("dq", start, bytes(data)) + TOKEN, encoding="ascii")
    token = LogMachine([str(path)]).text.find("cmd.exe").token
    assert isinstance(token, Token) and token.address == 0xFFFF898D050A6670


def test_a_text_is_read_in_pieces_as_it_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\u00e4 one\r\ntwo\rthree\n" + "long" * 50 + "\n\nend \u20ac"
    path = tmp_path / "a.log"
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        path.write_bytes(text.encode(encoding))
        plain = text.replace("\r\n", "\n").replace("\r", "\n")
        for block in (15, 16, 64, 1 << 20):
            monkeypatch.setattr("kdtoken.source.log.lines.BLOCK", block)
            for chosen, lines in (("", plain), (":2-3", "\ntwo\nthree"), (":3-", "\n\n" + plain.split("\n", 2)[2])):
                assert log_texts([str(path) + chosen]) == [("a.log", lines)]
                pieces = list(log_pieces(str(path) + chosen))
                assert "".join(pieces) == lines and all(piece.endswith("\n") for piece in pieces[:-2])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_gaps_are_whole_lines_in_every_encoding(encoding: str, end: str, tmp_path: Path) -> None:
    # UTF-16 beyond ASCII: \u20ac is three bytes of UTF-8, and one unit of UTF-16.
    parts = ["kd> .echo \u20ac", *rendered("dq", BASE, DATA).split("\n")[:-1], "last \u20ac", ""]
    path = tmp_path / "a.log"
    path.write_bytes(end.join(parts).encode(encoding))
    source = LogSource([str(path)])
    assert [gap.lines for gap in source.gaps[0]] == [98]
    (read,) = log_texts([str(path)], None, source.gaps)
    assert read[1].split("\n") == parts[:31] + [""] * 98 + parts[129:]


def test_what_is_left_may_not_be_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdtoken.source.log.source._LONGEST_TEXT", 2000)
    path = tmp_path / "a.log"
    path.write_text("kd> !process 0 7\n" + (FRAME + "\n") * 500, encoding="ascii")  # 60,000 characters, all but idle
    assert log_texts([str(path)], passed_over)[0][1].count("\n") == 501
    with pytest.raises(Exception, match="too much to be read as text"):
        log_texts([str(path)])


def test_lines_that_nobody_understood_are_told_of_the_token_that_they_follow() -> None:
    text = TOKEN + "what is this\n" + TOKEN.replace("6670", "7770") + "and this SeDebugPrivilege\n\nchatter\n"
    machine = TextMachine("a", [("a", text)], About("log a"))
    assert [one.text for one in machine.view("#1").not_understood] == ["what is this"]
    assert [one.text for one in machine.view("#2").not_understood] == ["and this SeDebugPrivilege"]
    assert [one.text for one in machine.unread()] == ["what is this", "and this SeDebugPrivilege"]
