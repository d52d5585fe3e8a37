"""A machine by its text: what is asked of it, the one command that its reader lacks, and what was not understood."""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

from pathlib import Path
from typing import Any, List

import pytest

from kdtoken import audit, diff, dump, explain, lineage, walk
from kdtoken.analysis.differences.comparison import Outcome
from kdtoken.analysis.differences.fields import compare
from kdtoken.errors import KdTokenError, NotAToken, ProcessNotFound
from kdtoken.machine.open import open_machine
from kdtoken.machine.text import TextMachine
from kdtoken.machine.unread import _in_order
from kdtoken.model.absent import NotSaid
from kdtoken.source.base import About
from kdtoken.source.log.source import LogSource
from kdtoken.view import text as view_text
from kdtoken.view.lines import Line, is_debugger_command
from tests.test_view_cases import TAIL, WHOLE

PROCESS = """kd> !process 0 1
PROCESS ffffab8812340080
    SessionId: 1  Cid: 1b40    Peb: 92bee25000  ParentCid: 0c70
    DirBase: 469ed002  ObjectTable: ffff898d05d6ee00  HandleCount:  70.
    Image: cmd.exe
    Token                             fffff8a000004040

"""
THREAD = """0: kd> !thread
THREAD ffff878ff0503500  Cid 1f64.1fa0  Teb: 0000000004aa7000 Win32Thread: 0000000000000000 RUNNING on processor 0
Impersonation token:  ffffc0001f1d4060 (Level Impersonation)
Owning Process            ffff878fefe6b080       Image:         spooler.exe
"""
# The same token as WHOLE after somebody wrote to it: one row more, no other ModifiedId.
WRITTEN = WHOLE.replace(
    " 35 0x", " 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled Default \n 35 0x"
)
WHOAMI = """C:\\>whoami /user

User Name SID
========= ===================
lab\\boris S-1-5-21-1-2-3-1002
"""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(text: str) -> str:
        path = tmp_path / "a.txt"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    "text, words, said",
    [
        # He has a `!token`: what lists processes is `!process`, and never `dt -v`.
        (WHOLE, ["walk"], ["tells of a token, and of no process", "next: !process 0 1 lists them"]),
        (WHOLE, ["dump", "--token", "ffff8000000004"], ["!token ffff8000000004 prints it"]),
        # He has no debugger.
        (WHOAMI, ["walk"], ["next: kdtoken dump", "shows it; kdtoken diff"]),
        # A process and its token's address: the command has the address.
        (PROCESS * 2 + PROCESS.replace("80\n", "90\n"), ["dump"], ["cmd.exe (6976)", "!token fffff8a000004040"]),
        (PROCESS.replace("    Token", "    T") * 2 + PROCESS.replace("80\n", "90\n").replace("    Token", "    T"),
         ["dump"], ["!process 0 1 lists them with their tokens"]),
        ("kd> dt nt!_TOKEN\n   +0x000 TokenSource      : _TOKEN_SOURCE\n", ["dump"], ["!token ADDRESS prints one"]),
        # The next step can be typed as it stands; # alone would begin a comment.
        (WHOLE + "\n" + WHOAMI, ["dump"], ["holds 2 tokens", 'a.txt "#1"']),
    ],
)  # fmt: skip
def test_the_next_step_is_the_command_that_this_reader_lacks(
    text: str, words: List[str], said: List[str], file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = {"walk": walk, "dump": dump}[words[0]]
    assert verb.main(["--log", file(text), *words[1:]]) == 2
    told = capsys.readouterr().err
    assert all(one in told for one in said) and "dt -v" not in told, told


def test_the_only_process_need_not_be_named(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert dump.main([file(THREAD)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("spooler.exe  pid 8036") and "!token ffffc0001f1d4060" in told


def test_of_two_outputs_of_the_only_token_the_later_is_taken(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(WHOLE + "kd> eq fffff8a000004040+0x40 1\n" + WRITTEN)
    view = open_machine(path).view()
    assert [one.number for one in view.token.privileges] == [20, 23, 35]  # type: ignore[union-attr]
    assert dump.main([path]) == 0
    assert "SeChangeNotifyPrivilege only in the later" in " ".join(capsys.readouterr().out.split())


def test_a_command_between_two_outputs_hides_nothing(file: Any) -> None:
    """`eq` is no row that was not understood: what the first lacks, it lacks."""
    machine = open_machine(file(WHOLE + "kd> eq fffff8a000004040+0x40 1\n" + WRITTEN))
    rows = compare(machine.view("#1"), machine.view("#2")).rows
    names = [row.name for row in rows if row.outcome is Outcome.DIFFERS]
    assert "SeChangeNotifyPrivilege" in names
    assert machine.unread() == ()


@pytest.mark.parametrize(
    "line, is_one",
    [
        ("kd> eq fffff8a000004040+0x40 1", True),
        ("0: kd> kd> !drvobj x", True),
        ("lkd> .reload", True),
        ("kd> 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled", False),
        ("kd> dt x S-1-5-18", False),
        ("kd> TokenType: Primary", False),  # an output that began behind a prompt
        ("kd> ", False),
        ("lab> eq 1", False),
    ],
)
def test_what_a_debuggers_command_line_is(line: str, is_one: bool) -> None:
    assert is_debugger_command(line) is is_one


# Behind the token a line with a SID that belongs to nothing.
STRAY = PROCESS + WHOLE.replace("kd> !token fffff8a000004040\n", "") + "\nsomething S-1-5-21-9-9-9-9 odd\n"
COUNT, LISTED = "1 line not understood; --unread lists it", "something S-1-5-21-9-9-9-9 odd"


@pytest.mark.parametrize(
    "verb, before, behind, stderr",
    [
        (walk, [], [], False),
        (walk, [], ["--csv"], True),
        (walk, [], ["--tree"], False),
        (dump, [], ["cmd.exe"], False),
        (audit, [], [], False),
        (audit, [], ["--json"], True),
        (lineage, [], ["cmd.exe"], False),
        (lineage, [], ["cmd.exe", "--json"], True),
        (explain, [], ["--to", "D:(A;;FA;;;BA)", "--type", "file", "--want", "read"], False),
        (explain, [], ["cmd.exe", "--to", "D:(A;;FA;;;BA)", "--type", "file", "--want", "read"], False),
        (explain, [], ["--who", "--to", "D:(A;;FA;;;BA)", "--type", "file", "--want", "read", "--json"], True),
        (diff, [], ["SAME"], False),
    ],
)
def test_every_verb_on_text_says_how_much_it_did_not_understand_and_lists_it(
    verb: Any, before: List[str], behind: List[str], stderr: bool, file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(STRAY)
    words = [path] + [path if word == "SAME" else word for word in behind]
    for option, said in (([], COUNT), (["--unread"], LISTED)):
        assert verb.main(words + option) in (0, 1, 3)
        told = capsys.readouterr()
        assert said in (told.err if stderr else told.out), (told.out, told.err)
        assert said not in (told.out if stderr else told.err)


def test_several_sources_as_rows_say_it_too(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(STRAY)
    assert walk.main([path, path, "--csv"]) == 0
    assert capsys.readouterr().err.count(COUNT) == 2


def test_a_token_whose_address_nobody_printed_has_none(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = file("kd> !token\n_EPROCESS 0xffffab8812340080, _TOKEN 0x0000000000000000\nTS Session ID: 0x1\n" + TAIL)
    assert walk.main([path, "--csv"]) == 0
    assert "0x0," not in capsys.readouterr().out


# The debugger gave up within the list: a second thread may have been there, and impersonate.
TORN = (
    PROCESS
    + """        THREAD ffffab8812345080  Cid 1b40.1b44  Teb: 0000000000000000 Win32Thread: 0000000000000000 INITIALIZED
        Not impersonating
TYPE mismatch for thread object at ffffab8812346088
"""
)


@pytest.mark.parametrize("text, count", [(TORN, "at least 1"), (TORN.rsplit("TYPE")[0], "1")])
def test_a_torn_list_of_threads_is_counted_from_below(
    text: str, count: str, file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dump.main([file(text), "cmd.exe"]) == 0
    assert "Threads      %s; all under the primary token" % count in capsys.readouterr().out
    dump.main([file(text), "cmd.exe", "--all"])
    assert "Threads (%s)" % count in capsys.readouterr().out


@pytest.mark.parametrize("before", [[], ["--log"]])
def test_the_step_of_a_file_whose_name_begins_with_a_number(
    before: List[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("04.txt").write_text(WHOLE + "\n" + WHOAMI, encoding="utf-8")
    assert dump.main([*before, "04.txt"]) == 2
    assert capsys.readouterr().err.endswith('kdtoken dump 04.txt "#1"\n')


NAMED_ONLY = """0: kd> !process ffffe0000a1b2c40 6
PROCESS ffffe0000a1b2c40
    SessionId: 1  Cid: 04d2    Peb: 7ff6a000  ParentCid: 0004
    DirBase: 1aa000000  ObjectTable: ffffc0000d00d000  HandleCount: 200.
    Image: tool.exe
    Token                             ffffc0000caca060

        THREAD ffffe0000b1b2c40  Cid 04d2.04d6  Teb: 7ff6b000 Win32Thread: 0000000000000000 WAIT
            Impersonation token:  ffffc0000dada060 (Level Impersonation)
            Owning Process            ffffe0000a1b2c40       Image:         tool.exe
"""


def test_of_a_token_that_is_named_only_nothing_is_said(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = file(NAMED_ONLY)
    for verb, arguments in (
        (dump, []),
        (dump, ["--all"]),
        (dump, ["--json"]),
        (dump, ["--format", "windbg"]),
        (walk, ["--threads"]),
        (walk, ["--json"]),
        (walk, ["--csv"]),
        (audit, []),
        (lineage, ["tool.exe"]),
    ):
        verb.main([*arguments, "--log", name])
        out = capsys.readouterr().out
        # Nobody tried to read it; it is no null, no zero, no empty list, and nothing to be alarmed at.
        assert out and not any(
            word in out for word in ("unreadable", "no token", "!!", "could not", "()", "0 held", 'token": null')
        )
        if verb is walk:
            assert "not told" in out or "not_said" in out or "not said" in out
        elif verb is dump:
            assert "not_said" in out or "not said by this text" in out
    with open_machine(name) as machine:
        (row,) = machine.walk(threads=True).rows
        assert row.token == NotSaid("this text", "!token ffffc0000caca060")
        assert row.tokens == {0xFFFFC0000DADA060: NotSaid("this text", "!token ffffc0000dada060")}


def test_that_nothing_is_strange_says_of_how_many_nothing_is_known(
    file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = file(NAMED_ONLY)
    walk.main(["--log", name])
    assert "Nothing strange among 1 process; of the token of 1 nothing is known." in capsys.readouterr().out
    audit.main(["--log", name])
    out = " ".join(capsys.readouterr().out.split())
    assert "nothing strange in what could be read" in out and "the tokens of 1 of 1 process" in out
    walk.main(["--log", name, "--csv"])
    assert "0xffffc0000caca060" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (PROCESS + "kd> " + WHOLE[4:], "cmd.exe  pid 6976"),
        # One of several: the address in its block proves whose it is.
        (PROCESS + PROCESS.replace("2340080", "2440080").replace("4040", "5040") + WHOLE, "cmd.exe  pid 6976"),
        # Without that address, or with the address of another token, nothing does.
        (
            PROCESS.replace("    Token                             fffff8a000004040\n", "") + WHOLE,
            "TOKEN 0xfffff8a000004040",
        ),
        (PROCESS.replace("4040", "5040") + WHOLE, "TOKEN 0xfffff8a000004040"),
        # Two processes that share it: no one of them is meant.
        (PROCESS + PROCESS.replace("2340080", "2440080") + WHOLE, "TOKEN 0xfffff8a000004040"),
    ],
)
def test_the_process_of_the_only_token_is_shown_where_the_text_proves_it(
    file: Any, capsys: pytest.CaptureFixture[str], text: str, first: str
) -> None:
    dump.main([file(text)])
    assert capsys.readouterr().out.startswith(first)


def test_a_list_of_processes_that_the_debugger_could_not_follow_is_said_to_lack_some(file: Any, capsys: Any) -> None:
    torn = PROCESS.rstrip("\n") + "\nUnable to read nt!_LIST_ENTRY @ ffffc10203040448 of the process list\n"
    assert walk.main([file(torn), "--csv"]) == 1
    out, err = capsys.readouterr()
    assert "cmd.exe" in out and "the list of processes may lack some: line 7: Unable to read nt!_LIST_ENTRY" in err
    assert walk.main([file(torn)]) == 1
    assert "the list of processes may lack some" in " ".join(capsys.readouterr().out.split())
    assert walk.main([file(PROCESS)]) == 0


def test_a_text_of_more_lines_than_memory_is_for_is_one_message(
    file: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_text, "_MOST_LINES", 6)
    assert walk.main([file("".join("what %d\n" % number for number in range(7)))]) == 2
    assert "has over 6 lines, which is too much to be read as text" in capsys.readouterr().err
    assert walk.main([file(PROCESS.rstrip("\n"))]) == 0  # six lines


def test_of_a_text_that_shows_no_memory_memory_is_looked_for_once(
    file: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: List[int] = []
    real = LogSource.__init__

    def counted(self: LogSource, *given: Any, **named: Any) -> None:
        made.append(1)
        real(self, *given, **named)

    monkeypatch.setattr(LogSource, "__init__", counted)
    assert dump.main([file(WHOAMI), "--json"]) == 0
    assert len(made) == 1


# --- which token is meant


def machine_of(*texts: str) -> TextMachine:
    return TextMachine("a.txt", [("a.txt", text) for text in texts], About("text a.txt"))


NAMED = WHOAMI.replace("user", "all").replace("boris", "Boris")
# A token of a process that the text shows, one of whoami, and one more of another address.
THREE = PROCESS + WHOLE + "\n" + NAMED + "\n" + WHOLE.replace("4040", "5040").replace("S-1-5-18", "S-1-5-19")


def places(which: str, *texts: str) -> List[int]:
    machine = machine_of(*(texts or (THREE,)))
    return [machine.tokens.index(one) + 1 for one in machine.chosen(which)]


@pytest.mark.parametrize(
    "which, found",
    [
        ("", [1, 2, 3]),
        ("#1", [1]),
        ("#3", [3]),
        ("#0", []),
        ("#4", []),
        ("#", []),
        ("#-1", []),
        ("#x", []),
        ("#" + "0" * 10 + "1", []),  # no text holds as many
        ("#0000000001", [1]),
        ("fffff8a000004040", [1]),
        ("0xFFFFF8A000004040", [1]),
        ("fffff8a0`00005040", [3]),
        ("fffff8a00000404", []),
        ("0", []),  # whoami tells no address
        ("0x0", []),
        ("lab\\boris", [2]),
        ("LAB\\Boris", [2]),
        ("s-1-5-21-1-2-3-1002", [2]),
        ("boris", []),
        ("", [1, 2, 3]),
        # Of a process: by its name, its pid in either form, its address.
        ("cmd.exe", [1]),
        ("CMD.EXE", [1]),
        ("6976", [1]),
        ("0x1b40", [1]),
        ("ffffab88`12340080", [1]),
        ("1b40", []),
        ("cmd", []),
    ],
)
def test_which_tokens_of_a_text_a_word_means(which: str, found: List[int]) -> None:
    assert places(which) == found


def test_a_process_whose_token_is_another_or_not_told_has_none_of_these() -> None:
    other = PROCESS.replace("4040", "6040")
    bare = PROCESS.replace("    Token                             fffff8a000004040\n", "")
    for block in (other, bare):
        assert places("cmd.exe", block + WHOLE) == []
    assert places("cmd.exe", bare + WHOAMI) == []


def refused(which: str, *texts: str) -> str:
    with pytest.raises(KdTokenError) as error:
        machine_of(*texts).view(which)
    return "%s\n%s" % (error.value.message, error.value.next_step)


def test_where_several_are_meant_each_is_listed_with_its_line_up_to_six() -> None:
    said = refused("", THREE)
    third = THREE.count("\n", 0, THREE.index("kd> !token fffff8a000005040")) + 2
    assert said.startswith("a.txt holds 3 tokens: #1 0xfffff8a000004040 (line 9), #2 of S-1-5-21-1-2-3-1002 (line ")
    assert "#3 0xfffff8a000005040 (line %d)\n" % third in said and said.endswith("by its place in the text: a.txt@#1")
    # A fact of one token as well as of none: what it tells of instead.
    said = refused("nobody", THREE)
    assert said.startswith("a.txt tells of no token of nobody; it holds #1 0xfffff8a000004040 (line 9), #2")
    many = "\n".join(WHOLE.replace("4040", "%x040" % n) for n in range(1, 8))
    assert refused("", many).count("(line") == 6 and " and 1 more\n" in refused("", many)
    six = "\n".join(WHOLE.replace("4040", "%x040" % n) for n in range(1, 7))
    assert refused("", six).count("(line") == 6 and "more" not in refused("", six)


def test_two_outputs_of_one_token_are_one_and_two_of_whoami_are_two() -> None:
    assert machine_of(WHOLE + "\n" + WRITTEN).view().token.address == 0xFFFFF8A000004040
    assert "holds 2 tokens" in refused("", WHOAMI + "\n" + WHOAMI)


def test_a_thread_presents_the_token_that_it_impersonates() -> None:
    text = NAMED_ONLY + WHOLE.replace("fffff8a000004040", "ffffc0000dada060")
    machine = machine_of(text)
    assert machine.view("1234:1238").token.address == 0xFFFFC0000DADA060
    assert machine.view(machine.find("tool.exe").threads[0]).token.address == 0xFFFFC0000DADA060
    with pytest.raises(KdTokenError, match="not said by this text"):
        machine.view(machine.find("tool.exe"))  # its own is named, and no more
    with pytest.raises(ProcessNotFound, match="has no thread 1242"):
        machine.view("1234:1242")
    assert "tells of no token of 1234:1238" in refused("1234:1238", WHOAMI)  # where no process is told of


@pytest.mark.parametrize(
    "text, said, step",
    [
        (WHOAMI, "a.txt tells of a token, and of no process that has it", "kdtoken dump a.txt shows it; kdtoken diff"),
        (WHOAMI * 2, "a.txt tells of 2 tokens, and of no", "kdtoken dump a.txt shows it"),
        (WHOLE, "a.txt tells of a token, and of no", "!process 0 1 lists them with their tokens; kdtoken dump"),
        ("hello\n", "a.txt shows no process", "!process 0 1 lists them with their tokens"),
    ],
)
def test_where_processes_are_asked_for_of_a_text_without_any(text: str, said: str, step: str) -> None:
    with pytest.raises(KdTokenError) as error:
        machine_of(text).processes()
    assert error.value.message.startswith(said) and error.value.next_step.startswith(step)


def test_a_text_that_tells_of_no_token_says_what_it_tells_of() -> None:
    one = "%s (6976)" % "cmd.exe"
    assert refused("", PROCESS).startswith("a.txt tells of no token; it shows the process %s\n!token fffff8a" % one)
    assert refused("x", PROCESS).startswith("a.txt tells of no token of x; it shows the process ")
    blocks = [PROCESS.replace("2340080", "2340%d80" % n).replace("Cid: 1b40", "Cid: %04x" % n) for n in range(1, 8)]
    seven, six = refused("", "".join(blocks)), refused("", "".join(blocks[:6]))
    assert "it shows the processes cmd.exe (1), " in six and "more" not in six
    assert "cmd.exe (6) and 1 more\n" in seven and "cmd.exe (7)" not in seven
    assert refused("", "hello\n").endswith("it takes the text of whoami /all or of !token, a log with dt and db, a recording, or collect's JSON")  # fmt: skip
    assert refused("", "kd> hello\n").endswith("!token ADDRESS prints one, and !process 0 1 the address of each process's")  # fmt: skip


def test_where_an_answer_stands_is_told_with_the_file_where_there_are_several() -> None:
    one, two = machine_of(PROCESS + WHOLE), machine_of(PROCESS, WHOLE)
    assert one.find("cmd.exe").about.source == (
        "text a.txt, the text of !process (line 2) and !token (line 9), no memory"
    )
    assert two.find("cmd.exe").about.source == (
        "text a.txt, the text of !process (a.txt:2) and !token (a.txt:2), no memory"
    )
    assert one.about_token(0xFFFFF8A000004040).source == "text a.txt, the text of !token (line 9), no memory"
    with pytest.raises(NotAToken, match="a.txt has no !token of 0x10"):
        one.about_token(0x10)


def test_lines_that_nobody_understood_are_those_of_the_process_s_token_or_of_all() -> None:
    machine = machine_of(STRAY)
    assert [one.text for one in machine.unread()] == [LISTED]
    assert [one.text for one in machine.unread(machine.find("cmd.exe"))] == [LISTED]
    # A process whose token no text tells of: any line may be of it.
    text = STRAY + PROCESS.replace("2340080", "2440080").replace("4040", "6040").replace("cmd", "other")
    other = machine_of(text)
    assert [one.text for one in other.unread(other.find("other.exe"))] == [LISTED]


def test_what_follows_a_token_without_a_blank_line_is_a_part_of_it_that_was_not_understood() -> None:
    """Behind a blank line stands talk, of which only what may be a fact is told."""
    text = PROCESS + WHOLE + "odd words\nmore of them\n\ntalk\nsomething S-1-5-21-9-9-9-9 odd\n"
    told = ["odd words", "more of them", LISTED]
    assert [one.text for one in machine_of(text).unread()] == told
    assert [one.text for one in machine_of(text).unread(machine_of(text).find("cmd.exe"))] == told


def test_unread_lines_are_told_by_number_and_once() -> None:
    assert _in_order([Line(3, "c"), Line(1, "a"), Line(3, "c"), Line(2, "b")]) == [
        Line(1, "a"),
        Line(2, "b"),
        Line(3, "c"),
    ]
    assert _in_order([Line(1, "a"), Line(1, "b")]) == [Line(1, "a"), Line(1, "b")] and _in_order([]) == []
