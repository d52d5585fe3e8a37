"""A text as a whole: each line is one reader's, tokens stand in their order, and what is too long is refused."""

from typing import List

import pytest

from kdtoken.errors import BadFormat
from kdtoken.view import text as any_text
from kdtoken.view.text import read_text

TOKEN = "kd> !token ffff8f0012340060\n_TOKEN 0xffff8f0012340060\nTS Session ID: 0x1\nUser: S-1-5-18\n"
DT = "kd> dt nt!_TOKEN ffff8f0012340070\n   +0x078 SessionId        : 2\n"
THREAD = "0:000> !threadtoken\n***Thread is not impersonating***\nType         Primary\nUser         S-1-5-19\n\n"
WHOAMI = "C:\\>whoami /user\n\nUser Name SID\n========= ========\nnt\\system S-1-5-20\n\nC:\\>\n"
PROCESS = "kd> !process 0 0\nPROCESS ffffab887e89d080\n    Image: cmd.exe\n"


def unknown(text: str) -> List[int]:
    return [line.number for line in read_text(text, "a.txt").not_understood]


@pytest.mark.parametrize("first, second", [(TOKEN, DT), (DT, TOKEN), (THREAD, WHOAMI), (WHOAMI, THREAD), (DT, WHOAMI)])
def test_tokens_of_all_readers_stand_in_the_order_of_the_text(first: str, second: str) -> None:
    views = {TOKEN: "!token", DT: "dt", THREAD: "!threadtoken", WHOAMI: "whoami"}
    found = read_text(first + second, "a.txt")
    assert [one.view for one in found.tokens] == [views[first], views[second]] and found.file == "a.txt"
    assert all(line.text.startswith("kd> dt ") for line in found.not_understood)  # commands of other extensions


def test_what_dt_shows_stands_among_the_debugger_s_tokens_and_processes() -> None:
    listed = "kd> dt nt!_EPROCESS ffffab887e89e080\n   +0x2e8 UniqueProcessId  : 0x00000000`00001b40 Void\n"
    found = read_text(TOKEN + DT + PROCESS + listed)
    assert {one.token.address for one in found.debugger.tokens} == {0xFFFF8F0012340060, 0xFFFF8F0012340070}
    assert {one.process.address for one in found.processes.processes} == {0xFFFFAB887E89D080, 0xFFFFAB887E89E080}


def test_a_line_that_nobody_knows_is_listed_once() -> None:
    assert unknown(TOKEN + "what is S-1-5-32-544 here\n") == [5]
    assert unknown("a sentence\n" + TOKEN) == [1]
    assert unknown("whoami /all was run\nof S-1-5-11\n") in ([1, 2], [2])
    # A row of a token's text is no row of whoami's, and the other way round.
    found = read_text(TOKEN + WHOAMI)
    assert [len(one.groups) for one in found.tokens] == [1, 1] and len(found.whoami.tokens) == 1


def test_a_text_without_whoami_is_not_read_for_it() -> None:
    assert read_text(TOKEN).whoami.tokens == () == read_text(TOKEN).whoami.commands
    assert len(read_text('"C:\\whoami.exe" /user\nnt\\system S-1-5-20\n').whoami.commands) <= 1


def test_a_text_of_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(any_text, "_MOST_LINES", 5)
    assert len(read_text(TOKEN).tokens) == 1  # four lines, and the empty one behind the last
    with pytest.raises(BadFormat) as caught:
        read_text(TOKEN + "x\n", "a.txt")
    assert caught.value.message == "a.txt has over 5 lines, which is too much to be read as text"
    assert caught.value.next_step == "choose lines of it: FILE:FIRST-LAST, or cut the file"
    # Of empty lines in a row two count.
    assert len(read_text("_TOKEN 0xffff8f0012340060\nTS Session ID: 0x1\n" + "\n" * 50).tokens) == 1


def test_what_whoami_was_asked_and_said_nothing_of_is_a_command_all_the_same() -> None:
    """Asked with a switch, whatever came of it; a text in which nobody asked and that has no SID is not looked at."""
    found = read_text("C:\\>whoami /user\nERROR: Unable to get user information.\n\nC:\\>\n").whoami
    assert [line.number for line in found.commands] == [1] and found.tokens == ()
    for spelled in ("whoami.exe /all", "WHOAMI  -all", '"c:\\windows\\system32\\whoami.exe" /all'):
        assert len(read_text("C:\\>%s\nnothing\n" % spelled).whoami.commands) == 1, spelled
    for other in ("a sentence of whoami", "whoami?", "nothing"):
        assert read_text(other + "\n").whoami.commands == () == read_text(other + "\n").whoami.tokens


def test_a_log_is_looked_through_for_whoami_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name in any one of the pieces, and where two of them meet."""
    monkeypatch.setattr(any_text, "_BLOCK", 16)
    for ahead in range(0, 40):
        text = "x" * ahead + "\n" + WHOAMI + "y" * 40 + "\n"
        assert len(read_text(text).whoami.tokens) == 1, ahead
        text = "x" * ahead + "\nC:\\>whoami /user\nnothing came of it\n" + "y" * 40 + "\n"
        assert len(read_text(text).whoami.commands) == 1, ahead
    assert read_text("x" * 100 + "\n").whoami.commands == ()
