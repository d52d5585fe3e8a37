"""Runs of threads are read at once, and what is read is what the lines say one by one."""

import re
from dataclasses import replace
from typing import Callable, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.machine.idle_lines import without_idle_lines
from kdtoken.view import margin, text
from kdtoken.view.debugger import process_command, token_command
from kdtoken.view.debugger.text import DebuggerText, read_debugger_lines
from kdtoken.view.lines import Line, split_lines
from kdtoken.view.runs import EMPTY, Run, apart, is_quiet, lines_and_runs, with_runs

HEAD = (
    "PROCESS ffffe68900000080\n"
    "    SessionId: 1  Cid: 0008    Peb: 5c00000000  ParentCid: 0f14\n"
    "    DirBase: 10001002  ObjectTable: ffff9a8f00000040  HandleCount:   9.\n"
    "    Image: made.exe\n"
    "    Token                             ffff9a8f10000000\n"
)
# One thread as `!process 0 7` lists it; its call stack is left out as idle lines are: the line breaks stay.
WIDE = (
    "        THREAD ffffe68900001080  Cid 0008.0{0:03x}  Teb: 0000005c00001000 Win32Thread: 0000000000000000 WAIT: (UserRequest)"
    " UserMode Non-Alertable\n"
    "            ffffe6890abc0000  SynchronizationEvent\n"
    "        Not impersonating\n"
    "        Owning Process            ffffe68900000080       Image:         made.exe\n"
    "\n\n\n"
    "        ffffb20f`00001000 fffff807`24681358     nt!KiSwapContext+0x76\n"
    "\n"
)
NARROW = (
    "        THREAD 8a5b3020  Cid 0008.0{0:03x}  Teb: 00000000 Win32Thread: 00000000 WAIT: (Executive) KernelMode Alertable\n"
    "            8a5b3100  NotificationEvent\n"
    "        Not impersonating\n"
    "        Owning Process            8a5b0020       Image:         System\n"
    "\n"
)
TOKEN = "_TOKEN 0xffff9a8f10000000\nTS Session ID: 0x1\nUser: S-1-5-18\nUser Groups: \n 00 S-1-5-32-544\n"


def threads(count: int, one: str = WIDE) -> str:
    return "".join(one.format(at) for at in range(count))


def by_lines(written: str) -> DebuggerText:
    return read_debugger_lines(list(split_lines(written, EMPTY)))


def by_runs(written: str) -> DebuggerText:
    """The same; what the token's reader passed over, a run stands for its lines, of which it never lists empty ones."""
    found = read_debugger_lines(list(lines_and_runs(written)))
    assert not any(isinstance(line, Run) for line in (*found.not_understood, *found.processes.not_understood))
    unknown = tuple(line for line in apart(found.tokens.not_understood, every=True) if line.text)
    return replace(found, tokens=replace(found.tokens, not_understood=unknown))


def test_threads_that_follow_one_another_are_one_run() -> None:
    lines = list(lines_and_runs(HEAD + threads(3) + "end\n"))
    # Five lines of the head, the run, the empty line behind it, "end", and what is behind the last line break.
    assert [line.number for line in lines] == [1, 2, 3, 4, 5, 6, 32, 33, 34]
    run = lines[5]
    assert isinstance(run, Run) and run.text == threads(3)[:-1].rstrip("\n")
    assert run.width == max(map(len, threads(3).split("\n"))) and not run.is_open
    assert run.count() == 3 * 9 - 1 - 3  # of the three empty lines in a row two are kept, and the last is not of it
    # Each line by itself, and the same whenever they are asked for.
    assert [line.text for line in run.lines] == [line.text for line in split_lines(run.text, EMPTY)]
    assert [line.number for line in run.lines][:6] == [6, 7, 8, 9, 10, 11] and run.lines[6].number == 13
    assert run.is_open and all(one is other for one, other in zip(run.lines, run.lines))
    assert apart(lines)[5] is run.lines[0] and len(apart(lines)) == len(lines) - 1 + run.count()


def test_each_thread_with_its_lines() -> None:
    (process,) = by_runs(HEAD + threads(4)).processes.processes
    first, *_, last = process.threads
    assert len(process.threads) == 4 and (last.thread.pid, last.thread.tid) == (8, 3)
    assert (last.thread.address, last.owner) == (0xFFFFE68900001080, 0xFFFFE68900000080)
    assert last.thread.impersonation is None and last.image == "made.exe"
    assert {name: place.line for name, place in first.places.items()} == {
        "address": 6,
        "impersonation": 8,
        "owner": 9,
    }
    assert {place.line for place in last.places.values()} == {33, 35, 36}


WORDS = st.sampled_from(
    [
        *("token", "Token", "TOKENBROKER", "S-1-5-18", "s-1-5-18", "SeDebugPrivilege", "SeXRight", "whoami", "WHOAMI"),
        *(
            "offsets",
            "dt nt!_TOKEN",
            "dx x",
            "poi(",
            "_EX_FAST_REF",
            "Image file name",
            "N/A",
            "<Unknown>",
            "a.ex",
            "?",
        ),
        *("kd> ", "[...]", "**", "&amp;", "\t", "\u2026", "\r", "x", "0: kd> !token -n", "not understood", ""),
    ]
)
LINES = st.sampled_from(
    [
        *(HEAD, TOKEN, "kd> !token ffff9a8f10000000\n", "kd> !process 0 7\n", "kd> \n", "\n", "x\n", "[...]\n", "\t\n"),
        *("    Attributes - Default Enabled Owner \n", "***Thread is impersonating***\n", "Auth Id    0 : 0x3e7\n"),
        *("User       S-1-5-18\n", "dt nt!_TOKEN ffff9a8f10000000\n", "   +0x0d8 SessionId : 1\n", "Object : 1\n"),
        *("kd> ? poi(ffffe68900000080+360)\n", "Evaluate expression: 1 = ffff9a8f`10000000\n", " 3 S-1-5-11\n"),
        *("        Impersonation token:  ffff9a8f10000000 (Level Impersonation)\n", "        Not impersonating\n"),
        *("User: S-1-5-18\n", "TYPE mismatch for thread object at 1\n", "        IRP List:\n", "Image: other.exe\n"),
        *(
            threads(1),
            threads(2),
            threads(8),
            threads(30),
            threads(3, NARROW),
            WIDE.format(5).replace("0008.", "0009."),
        ),
    ]
)


@given(parts=st.lists(LINES, max_size=8), word=WORDS, at=st.integers(0, 1 << 16), idle=st.booleans())
def test_whatever_stands_around_and_in_them_is_read_as_line_by_line(
    parts: List[str], word: str, at: int, idle: bool
) -> None:
    written = "".join(parts)
    at %= len(written) + 1
    written = written[:at] + word + written[at + len(word) // 2 :]
    written = without_idle_lines(written) if idle else written
    assert "\n".join(with_runs(written)) == written
    assert by_runs(written) == by_lines(written)


@pytest.mark.parametrize("word", ["token", "S-1-5-18", "SeDebugPrivilege", "offsets", "dt ", "WHOAMI", "Right"])
def test_a_line_with_a_word_that_tells_something_is_no_run(word: str) -> None:
    """Nor is it in one: those around it are."""
    assert is_quiet(threads(2)) and not is_quiet(word)
    marked = WIDE.format(9).replace("SynchronizationEvent", "S " + word)
    runs = [line for line in lines_and_runs(threads(2) + marked + threads(2)) if isinstance(line, Run)]
    assert [run.number for run in runs] == [1, 10, 28, 37]


@pytest.mark.parametrize("change", ["ffffe6890", "Cid 0008", "Teb:", "Owning", "Not imp", "made.exe", "THREAD"])
def test_what_is_not_whole_is_read_line_by_line(change: str) -> None:
    for other in ("x" + change, change[:-1], change + "\u2026", "<b>" + change):
        written = HEAD + threads(2) + WIDE.format(9).replace(change, other) + threads(2) + "behind\n"
        assert by_runs(written) == by_lines(written)


def test_a_token_that_is_not_ended_counts_the_lines_one_by_one() -> None:
    """Over twenty lines that nobody knew end it: four threads have sixteen, and six have more."""
    for count in (4, 6):
        written = TOKEN + threads(count) + " 01 S-1-5-11\n"
        found = by_runs(written)
        assert found == by_lines(written) and len(found.tokens.tokens[0].groups) == (3 if count == 4 else 2)


@pytest.mark.parametrize("most", ["_MOST_THREADS", "_MOST_PROCESSES"])
@pytest.mark.parametrize("limit", [3, 4, 5, 9])
def test_more_than_a_text_can_have_end_in_the_middle_of_a_run(
    most: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_command, most, limit)
    for written in (HEAD + threads(5), threads(5), HEAD + threads(2) + threads(3, NARROW) + HEAD):
        assert by_runs(written) == by_lines(written)
    if most == "_MOST_THREADS":
        assert bool(by_runs(HEAD + threads(5)).processes.torn) == (limit < 5)


def test_a_block_of_another_width_is_read_line_by_line() -> None:
    # Of 32 bits in a process of 64: `Owning Process` lost its upper half, and the other way round.
    for written in (HEAD + threads(3, NARROW), HEAD.replace("ffffe68900000080", "8a5b0020") + threads(3)):
        assert by_runs(written) == by_lines(written)


def test_an_image_at_the_width_of_a_console_may_go_on_behind_the_run() -> None:
    # No thread's line is as wide as that of its image, and no other line is.
    short = "        THREAD 8a5b3020  Cid 0008.0001  Teb: 00000000 W\n"
    short += "        Owning Process            8a5b0020       Image:         System"
    frame = "\n        8a5b3020 8a5b3100     nt!KiSwapContext"
    for behind in ("\nrest\n", "\n rest\n", "\n\nrest\n", "\n", frame + "\nrest\n"):
        written = "PROCESS 8a5b0020\n" + short + "\n" + short + behind
        assert by_runs(written) == by_lines(written)
    assert by_runs("PROCESS 8a5b0020\n" + short + "\nrest\n").processes.processes[0].threads[0].image != "System"


def counted(monkeypatch: pytest.MonkeyPatch, module: object) -> List[Line]:
    """The lines that a reader is given."""
    seen: List[Line] = []
    reader = module._Reader  # type: ignore[attr-defined]
    read: Callable[[object, Line], None] = reader.line

    def line(self: object, line: Line) -> None:
        seen.append(line)
        read(self, line)

    monkeypatch.setattr(reader, "line", line)
    return seen


def test_of_a_log_of_all_processes_the_readers_see_each_line_of_a_thread_but_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = [counted(monkeypatch, process_command), counted(monkeypatch, token_command)]
    written = "".join(HEAD + threads(40) for _ in range(100))
    assert written.count("\n") > margin.LONGEST_CUT
    found = text.read_text(written)
    assert sum(len(process.threads) for process in found.processes.processes) == 4000
    # The head's lines, one or two runs of each process (where 64 K end), and what stands around those.
    assert len(seen[0]) < 100 * 8 and len(seen[1]) < 100 * 12
    assert sum(one.text.count("THREAD ") for one in seen[1]) == 4000


def test_what_a_margin_may_have_cut_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    written = HEAD + threads(6)
    assert not any(isinstance(line, Run) for line in text.read_text(written).debugger.not_understood)
    count = len(list(split_lines(written, EMPTY)))
    for longest, is_run in ((count, False), (count - 1, True)):
        monkeypatch.setattr(margin, "LONGEST_CUT", longest)
        monkeypatch.setattr(text, "LONGEST_CUT", longest)
        found = text.read_text(written)
        assert any(isinstance(line, Run) for line in found.debugger.not_understood) == is_run
    for most, is_read in ((count, True), (count - 1, False)):
        monkeypatch.setattr(text, "_MOST_LINES", most)
        if is_read:
            assert text.read_text(written).processes.processes
        else:
            with pytest.raises(Exception, match=re.escape("has over %d lines" % most)):
                text.read_text(written)


def test_whoami_s_reader_is_given_the_lines_of_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    written = (
        HEAD
        + threads(30)
        + "C:\\> whoami /user\n\nUSER INFORMATION\n----------------\n\nUser Name SID\n========= ========\n"
    )
    written += "lab\\anna  S-1-5-18\n"
    expected = repr(text.read_text(written).whoami), text.read_text(written).not_understood
    monkeypatch.setattr(margin, "LONGEST_CUT", 0)
    monkeypatch.setattr(text, "LONGEST_CUT", 0)
    assert (repr(text.read_text(written).whoami), text.read_text(written).not_understood) == expected


@pytest.mark.parametrize(
    "written",
    [
        # An empty line in the run ends the head of a process, and what is behind it is another one's.
        "PROCESS ffffe68900000080\n" + threads(2).rstrip("\n") + "\n    SessionId: 1  Cid: 0008\n",
        "PROCESS 8a5b0020\n" + threads(1, NARROW).strip("\n") + "\n    SessionId: 1  Cid: 0008\n",
        # Of an expression's value six lines at most are waited for, and there are more.
        "kd> ? poi(ffffe68900000080+360)\n"
        + threads(1).rstrip("\n")
        + "\nEvaluate expression: 1 = ffff9a8f`10000000\n",
        # THREAD far behind the beginning of the second line, which no line break is near.
        WIDE.format(1).partition("\n")[0] + "\n" + "x" * 60 + " THREAD ffffe68900001080\n",
    ],
)
def test_what_a_run_ends(written: str) -> None:
    assert by_runs(written) == by_lines(written)


@pytest.mark.parametrize("count", range(8, 13))
def test_how_many_lines_nobody_knew_is_counted_in_a_run(count: int) -> None:
    """Each thread has two short ones; a row that is not understood as a whole begins a token where they were few."""
    written = (
        threads(count)
        + " 3 S-1-5-11 SeDebugPrivilege\n    Attributes - Enabled \n 4 S-1-5-18 x\n    Attributes - Enabled \n"
    )
    assert by_runs(written) == by_lines(written)


def test_an_empty_line_in_a_run_ends_what_threadtoken_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = "***Thread is impersonating***\nAuth Id    0 : 0x3e7\n%s\nUser       S-1-5-18\n"
    for one, count in ((threads(2).rstrip("\n"), 0), (threads(1, NARROW).rstrip("\n"), 1)):
        for longest in (0, 1 << 14):
            monkeypatch.setattr(margin, "LONGEST_CUT", longest)
            monkeypatch.setattr(text, "LONGEST_CUT", longest)
            assert len(text.read_text(written % one).tokens) == count
