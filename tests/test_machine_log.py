"""A log: its memory, else its text; what neither has is memory's error; names stay with the log that told them."""

import gzip
import traceback
from pathlib import Path
from typing import Any, Dict, List

import pytest

from kdtoken import diff, dump, walk
from kdtoken.errors import BadFormat, KdTokenError, NotAToken, ProcessNotFound
from kdtoken.machine import merged
from kdtoken.machine.log import LogMachine
from kdtoken.machine.log import kernel_of as memory_of
from kdtoken.machine.open import open_machine
from kdtoken.model.absent import NotSaid
from kdtoken.model.view import Kind
from kdtoken.view import partial
from kdtoken.view.text import read_text
from tests.declared_views import WIN11, token_lines, whoami_lines
from tests.expected import kernel_of
from tests.machine.declared import MACHINE
from tests.machine.standin_text import process_details, process_head
from tests.sessions import MACHINE_22000

ROOT = Path(__file__).parent.parent
CAPTURE = ROOT / "fixtures" / "logs" / "capture-10.0.22000.2538-synthetic.log.gz"
KERNEL = kernel_of(WIN11)


def printed(*keys: str) -> str:
    """What `!process` of notepad and `!token` of these tokens print."""
    notepad = MACHINE.process(6104)
    text = "0: kd> !process %x 1\n%s\n" % (
        KERNEL.processes[6104],
        "\n".join(process_head(KERNEL, notepad) + process_details(KERNEL, notepad)),
    )
    return text + "".join("0: kd> !token %x\n%s" % (KERNEL.tokens[key], token_lines(key)) for key in keys)


@pytest.fixture
def logs(tmp_path: Path) -> Dict[str, str]:
    files = {
        "memory": gzip.decompress(CAPTURE.read_bytes()).decode("utf-8"),
        "text": printed("notepad"),
        "tokens": printed("notepad", "cmd"),
        "no token": printed(),
        "chatter": "hello\n",
    }
    for name, text in files.items():
        (tmp_path / (name + ".log")).write_text(text, encoding="utf-8")
    return {name: str(tmp_path / (name + ".log")) for name in files}


def test_memory_answers_first_and_text_is_not_even_read(logs: Dict[str, str]) -> None:
    machine = LogMachine([logs["memory"]])
    process = machine.find("notepad.exe")
    token: Any = process.token
    assert token.origins and process.about.source == "log memory.log"
    assert len(machine.processes()) == len(MACHINE.processes) and machine._text is None
    assert machine.view("notepad.exe").kind is Kind.KERNEL


def test_text_answers_where_there_is_no_memory(logs: Dict[str, str]) -> None:
    machine = LogMachine([logs["text"]])
    process = machine.find("6104")
    assert [one.pid for one in machine.processes()] == [6104]
    made = process.dump()
    token: Any = made.token
    assert str(token.user) == MACHINE.tokens["notepad"].user and made.details == NotSaid("!process")
    assert process.about.source.startswith("log text.log, the text of !process (line 2) and !token (line ")
    walked = machine.walk()
    assert walked.total == 1 and walked.about.source == "log text.log, the text of !process and !token, no memory"
    address = KERNEL.tokens["notepad"]
    assert machine.token(address).address == address and "!token (line " in machine.about_token(address).source
    assert machine.view("notepad.exe").kind is Kind.TOKEN_COMMAND


def test_what_neither_has_is_memorys_error(logs: Dict[str, str]) -> None:
    with pytest.raises(ProcessNotFound, match=r"lsass.exe \(1 process seen\)"):
        LogMachine([logs["text"]]).find("lsass.exe")
    with pytest.raises(ProcessNotFound, match=r"nobody.exe \(31 processes seen\)"):
        LogMachine([logs["memory"]]).find("nobody.exe")
    with pytest.raises(NotAToken, match=r"no token.* has no !token of 0x[0-9a-f]+"):
        LogMachine([logs["no token"]]).token(KERNEL.tokens["notepad"])
    with pytest.raises(BadFormat, match="holds nothing that a debugger prints"):
        LogMachine([logs["chatter"]]).processes()


def test_lines_past_the_end_are_said_with_what_there_is(logs: Dict[str, str]) -> None:
    count = printed("notepad").rstrip("\n").count("\n") + 1
    with pytest.raises(BadFormat, match="there are no such lines, the file has %d" % count):
        open_machine(logs["text"] + ":90000-").processes()


def test_names_of_one_log_never_name_the_sids_of_another_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`!token -n` of log A calls a SID LAB\\anna; log B has the same SID and no name for it."""
    named = (ROOT / "fixtures" / "views" / "token-xp-names.txt").read_text(encoding="utf-8")
    process = "PROCESS 8237dc70  SessionId: 0  Cid: 0460    Peb: 7ffd5000  ParentCid: 02d4\n    Image: calc.exe\n"
    token = "    Token                             e1c0ffe0\n"
    (tmp_path / "a.log").write_text("kd> !process 8237dc70 1\n" + process + token + named, encoding="utf-8")
    plain = "\n".join(line.split(" (User: ")[0].split(" (Group: ")[0] for line in named.split("\n"))
    assert "anna" in named and "anna" not in plain
    (tmp_path / "b.log").write_text("kd> !process 8237dc70 1\n" + process + token + plain, encoding="utf-8")
    said: List[str] = []
    for name in ("b.log", "a.log", "b.log"):
        assert dump.main(["--log", str(tmp_path / name), "calc.exe"]) == 0
        said.append(capsys.readouterr().out.split("Runs as")[1].split("\n")[0])
    assert said[0] == said[2] and "anna" not in said[0] and "LAB\\anna" in said[1]
    # Nor in one run over both.
    assert walk.main([str(tmp_path / "a.log"), str(tmp_path / "b.log"), "--csv"]) == 0
    rows = capsys.readouterr().out.split("\n")
    assert "LAB\\anna" in rows[1] and "anna" not in rows[2]
    # And diff calls what is in A only by A's names, as dump does.
    assert diff.main([str(tmp_path / "a.log") + "@calc.exe", MACHINE_22000.as_posix() + "@notepad.exe"]) == 1
    assert "LAB\\anna" in capsys.readouterr().out


def mangled(text: str, sid: str) -> str:
    """The text with one row glued: two SIDs where one should be."""
    (row,) = [line for line in text.split("\n") if sid in line]
    return text.replace(row, row.replace(sid, sid + "|" + sid))


@pytest.mark.parametrize("order", ["kernel first", "text first"])
@pytest.mark.parametrize("kind", ["whoami", "!token"])
def test_nobody_is_accused_because_of_a_line_that_was_not_understood(
    kind: str, order: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = whoami_lines("notepad") if kind == "whoami" else token_lines("notepad")
    sound, bad = tmp_path / "sound.txt", tmp_path / "bad.txt"
    sound.write_text(text, encoding="utf-8")
    bad.write_text(mangled(text, "S-1-5-32-545"), encoding="utf-8")
    kernel = str(MACHINE_22000) + "@notepad.exe"
    for file in (sound, bad):
        sides = [kernel, str(file)] if order == "kernel first" else [str(file), kernel]
        assert diff.main(sides) == 0, capsys.readouterr().out
        out = " ".join(capsys.readouterr().out.split())
        assert "serious" not in out and "different" not in out
        if file is bad:
            line = next(at for at, row in enumerate(bad.read_text().split("\n"), 1) if "545|" in row)
            # Of a row that says two SIDs none is believed.
            assert "as far as both could be read" in out
            letter = "B" if order == "kernel first" else "A"
            count = (
                "1 line" if kind == "whoami" else "2 lines"
            )  # of !token, the attributes stand on a line of their own
            them = "it" if kind == "whoami" else "them"
            assert out.endswith("%s: %s not understood; --unread lists %s" % (letter, count, them))
            diff.main(["--unread", *sides])
            out = " ".join(capsys.readouterr().out.split())
            assert "%s: %s not understood: %s:%d: " % (letter, count, bad.name, line) in out
            assert "S-1-5-32-545|S-1-5-32-545" in out
    # A person who dumps that text reads it too.
    assert dump.main([str(bad)]) == 0
    assert "\n\n%s not understood; --unread lists %s\n" % (count, them) in capsys.readouterr().out
    assert dump.main([str(bad), "--unread"]) == 0
    head, _, listed = capsys.readouterr().out.rpartition("\n%s not understood:\n" % count)
    assert head and listed.startswith("  %s:%d: " % (bad.name, line)) and "545|" in listed
    # Programs get it too, among the problems.
    assert dump.main([str(bad), "--json"]) == 0
    assert "line %d was not understood: " % line in capsys.readouterr().out


def test_a_privilege_row_that_was_not_understood_accuses_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = whoami_lines("notepad")
    (row,) = [line for line in text.split("\n") if line.startswith("SeShutdownPrivilege")]
    file = tmp_path / "who.txt"
    file.write_text(text.replace(row, "x" + row), encoding="utf-8")
    assert diff.main([str(MACHINE_22000) + "@notepad.exe", str(file)]) == 0
    assert "could not be read SeShutdownPrivilege" in " ".join(capsys.readouterr().out.split())


def test_a_real_difference_beside_prose_is_still_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody wrote before and after the output hides no fact."""
    text = whoami_lines("notepad")
    (row,) = [line for line in text.split("\n") if "S-1-5-32-545" in line]
    file = tmp_path / "who.txt"
    file.write_text(
        "Please have a look:\n" + text.replace(row + "\n", "") + "\nThank you very much!\n", encoding="utf-8"
    )
    assert diff.main([str(MACHINE_22000) + "@notepad.exe", str(file)]) == 1
    assert "BUILTIN\\Users" in capsys.readouterr().out


def test_a_text_without_processes_says_so(tmp_path: Path) -> None:
    (tmp_path / "who.txt").write_text(whoami_lines("notepad"), encoding="utf-8")
    with open_machine(tmp_path / "who.txt") as machine:
        with pytest.raises(KdTokenError):
            machine.find("notepad.exe")
        with pytest.raises(KdTokenError):
            machine.view("#2")
        assert machine.view("#1").kind is machine.view("pc\\anna").kind is Kind.WHOAMI


@pytest.mark.parametrize(
    "put, counts",
    [
        (lambda rows: ["BUILTIN\\Users Alias S-1-5-32-545|x"] + rows, True),  # a fact before the output
        (lambda rows: rows + ["", "and:", "", "?S-1-5-32-545?"], True),  # a fact behind it
        (lambda rows: rows + ["BUI?TIN Users, group"], True),  # right behind the last row: part of the output
        (lambda rows: rows + ["", "BUI?TIN Users, group"], False),  # prose
        (lambda rows: ["Please look:", ""] + rows, False),
    ],
)
def test_which_lines_may_hide_what_a_text_seems_to_lack(put: Any, counts: bool, tmp_path: Path) -> None:
    rows = [line for line in whoami_lines("notepad").rstrip("\n").split("\n") if "S-1-5-32-545" not in line]
    rows = rows[:-2]  # without the blank line and the prompt behind them
    file = tmp_path / "who.txt"
    file.write_text("\n".join(put(rows)) + "\n", encoding="utf-8")
    with open_machine(file) as text, open_machine(MACHINE_22000) as machine:
        assert bool(text.view("#1").not_understood) is counts
        assert diff.diff(machine.process(6104), text.view("#1")).exit_code == (0 if counts else 1)


def test_a_neighbours_lines_hide_nothing_of_this_token(tmp_path: Path) -> None:
    bad = mangled(whoami_lines("cmd"), "S-1-5-32-545")
    text = "C:\\>whoami /all\n\n%s\nC:\\>whoami /all\n\n%s" % (whoami_lines("notepad"), bad)
    (tmp_path / "two.txt").write_text(text, encoding="utf-8")
    with open_machine(tmp_path / "two.txt") as machine:
        assert machine.view("#1").not_understood == ()
        ((line, row, file),) = machine.view("#2").not_understood
        assert "545|" in row and text.split("\n")[line - 1] == row
        assert file == "two.txt"


def test_walk_tells_how_many_lines_it_did_not_understand_and_lists_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "kd> !process 0 1\n"
        "PROCESS ffff800000001040\n"
        "    SessionId: 1  Cid: 0a10    Peb: 00000000  ParentCid: 0004\n"
        "    DirBase: 1aa000  ObjectTable: ffff800000002000  HandleCount:  7.\n"
        "    Image: calc.exe\n"
        "    my\x1b[2J   remark\n"  # within the block: nobody can tell what it did to it
        "    Token                             ffff800000003060\n"
        "\n"
        "and then there was S-1-5-32-544 | S-1-5-18 too\n"  # a fact, though outside of every output
        "kd> .echo done\n"
        "and this says nothing\n"  # of another command
    )
    file = tmp_path / "session.log"
    file.write_text(text, encoding="utf-8")
    assert walk.main([str(file)]) == 0
    assert capsys.readouterr().out.endswith("\n\n2 lines not understood; --unread lists them\n")
    assert walk.main([str(file), "--unread"]) == 0
    assert capsys.readouterr().out.endswith(
        "\n\n2 lines not understood:\n"
        "  session.log:6: my remark\n"  # without the escape, its blanks collapsed
        "  session.log:9: and then there was S-1-5-32-544 | S-1-5-18 too\n"
    )
    assert walk.main([str(file), "--json"]) == 0
    assert "line 6 was not understood: my" in capsys.readouterr().out
    # Of what was understood as a whole nothing is said, unless it is asked for.
    file.write_text("\n".join(text.split("\n")[:5] + text.split("\n")[6:7]) + "\n", encoding="utf-8")
    assert walk.main([str(file)]) == 0
    assert "not understood" not in capsys.readouterr().out
    assert walk.main([str(file), "--unread"]) == 0
    assert capsys.readouterr().out.endswith("\n\n0 lines not understood\n")


def test_what_whoami_did_not_say_is_neither_unreadable_nor_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "priv.txt"
    file.write_text(
        "C:\\>whoami /priv /groups\n\n"
        "GROUP INFORMATION\n-----------------\n\n"
        "Group Name Type             SID     Attributes\n"
        "========== ================ ======= ==================================================\n"
        "Everyone   Well-known group S-1-1-0 Mandatory group, Enabled by default, Enabled group\n\n"
        "PRIVILEGES INFORMATION\n----------------------\n\n"
        "Privilege Name                Description              State\n"
        "============================= ======================== ========\n"
        "SeChangeNotifyPrivilege       Bypass traverse checking Enabled\n\n"
        "C:\\>\n",
        encoding="utf-8",
    )
    assert dump.main([str(file), "--all"]) == 0
    out = capsys.readouterr().out
    assert "User                   -  not said by this text" in out and "unreadable" not in out
    assert "which of these are enabled by default is not said by this text" in out
    assert dump.main([str(file), "--json"]) == 0
    out = capsys.readouterr().out
    assert '"default": null' in out and '"default": false' not in out


# --- which of the two answers


def write(folder: Path, text: str) -> LogMachine:
    (folder / "one.log").write_text(text, encoding="utf-8")
    return LogMachine([str(folder / "one.log")])


def test_a_view_is_of_memory_where_it_tells_more_and_a_place_means_the_text(
    logs: Dict[str, str], tmp_path: Path
) -> None:
    memory = Path(logs["memory"]).read_text(encoding="utf-8")
    both = write(tmp_path, memory + "\n" + printed("notepad", "cmd"))
    assert both.view("notepad.exe").kind is Kind.KERNEL
    assert both.view("#1").kind is both.view("#2").kind is Kind.TOKEN_COMMAND
    with pytest.raises(KdTokenError, match="holds 2 tokens"):
        both.view()
    one = write(tmp_path, memory + "\n" + printed("notepad"))
    assert one.view().kind is Kind.TOKEN_COMMAND  # the only one that is told of
    # Of a text that tells of no token, memory is asked, whose own words say what to name.
    bare = write(tmp_path, memory)
    with pytest.raises(KdTokenError, match="which process"):
        bare.view()
    with pytest.raises(KdTokenError, match="tells of no token"):
        write(tmp_path, "kd> hello\nWindows 10 Kernel Version 22000 MP (4 procs) Free x64\n").view()
    with pytest.raises(KdTokenError, match="tells of no token of #1"):
        bare.view("#1")


def test_who_is_named_and_in_neither_has_the_error_of_the_one_that_knows_more(
    logs: Dict[str, str], tmp_path: Path
) -> None:
    memory = Path(logs["memory"]).read_text(encoding="utf-8")
    with pytest.raises(ProcessNotFound, match="31 processes seen"):
        write(tmp_path, memory).view("nobody.exe")
    with pytest.raises(ProcessNotFound, match="31 processes seen"):
        write(tmp_path, memory + "\n" + printed("notepad")).view("nobody.exe")
    # A text with tokens and no memory: what it holds.
    with pytest.raises(KdTokenError, match="no token of nobody.exe; it holds #1"):
        write(tmp_path, printed("notepad")).view("nobody.exe")
    # One without tokens: the command that it lacks.
    with pytest.raises(KdTokenError) as error:
        write(tmp_path, "kd> hello\nWindows 10 Kernel Version 22000 MP (4 procs) Free x64\n").view("nobody.exe")
    assert "dt -v nt!_" in str(error.value)


def test_a_token_that_memory_lacks_is_the_text_s(logs: Dict[str, str], tmp_path: Path) -> None:
    machine = write(tmp_path, Path(logs["memory"]).read_text(encoding="utf-8") + "\n" + printed())
    address = KERNEL.tokens["notepad"]
    assert machine.token(address).address == address and "no memory" not in machine.about_token(address).source
    text = write(tmp_path, printed("notepad"))
    assert "no memory" in text.about_token(address).source and text.cost == (0, 0)
    assert text.watch(text.find("notepad.exe").dump()) == ()


def test_what_nobody_understood_is_asked_of_the_text_only_where_it_answered(
    logs: Dict[str, str], tmp_path: Path
) -> None:
    stray = "\nsomething S-1-5-21-9-9-9-9 odd\n"
    text = write(tmp_path, printed("notepad") + stray)
    assert text.unread() == ()  # nothing was asked yet
    process = text.find("notepad.exe")
    assert text.unread(process) == ()
    assert [one.text for one in process.machine.unread(process)] == [stray.strip()]
    text.walk()
    assert [one.text for one in text.unread()] == [stray.strip()]
    memory = write(tmp_path, Path(logs["memory"]).read_text(encoding="utf-8") + stray)
    memory.walk()
    found = memory.find("notepad.exe")
    assert found.dump() and memory.unread() == () and memory.unread(found) == ()


def test_the_snapshot_of_a_log_is_of_memory_with_each_output_beside_it(logs: Dict[str, str], tmp_path: Path) -> None:
    memory = Path(logs["memory"]).read_text(encoding="utf-8")
    both = write(tmp_path, memory + "\n" + printed("notepad")).snapshot()
    assert len(both.processes) == len(MACHINE.processes) and list(both.captures) == [KERNEL.tokens["notepad"]]
    text = write(tmp_path, printed("notepad")).snapshot()
    assert len(text.processes) == 1 and text.printed and not both.printed
    tokens = write(tmp_path, "0: kd> !token\n" + token_lines("cmd")).snapshot()
    assert not tokens.processes and list(tokens.captures) == [KERNEL.tokens["cmd"]]
    with pytest.raises(KdTokenError, match="tells of a token, and of no process"):
        write(tmp_path, whoami_lines("notepad")).snapshot()
    with pytest.raises(KdTokenError, match="holds nothing that a debugger prints"):
        write(tmp_path, "hello\n").snapshot()


@pytest.mark.parametrize("lines, beyond", [("2-", False), ("3-", True), ("3-9", True), ("2-9", False), ("1-1", False)])
def test_lines_are_past_the_end_from_the_one_behind_the_last(lines: str, beyond: bool, tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text("hello\nyou\n\n", encoding="utf-8")
    with pytest.raises(KdTokenError) as error:
        LogMachine(["%s:%s" % (tmp_path / "one.log", lines)]).processes()
    assert ("there are no such lines, the file has 2" in error.value.message) is beyond


def test_the_kernel_of_a_machine_is_its_memory_where_it_has_any(logs: Dict[str, str], tmp_path: Path) -> None:
    memory = LogMachine([logs["memory"]])
    assert memory_of(memory) is memory.memory
    assert memory_of(LogMachine([logs["text"]])) is None and memory_of(LogMachine([logs["chatter"]])) is None
    with open_machine(MACHINE_22000) as machine:
        assert memory_of(machine) is machine
    assert memory_of(LogMachine([logs["text"]]).text) is None


def test_a_text_that_is_refused_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """dump asks it for a token, a view and a process in turn; each reading of 100 MB takes a quarter of a minute."""
    monkeypatch.setattr(partial, "MOST_TOKENS", 2)
    path = tmp_path / "a.txt"
    path.write_text("".join("_TOKEN ffffd1020300%x060\nUser: S-1-5-18\n" % n for n in range(4)), encoding="utf-8")
    readings: List[str] = []
    monkeypatch.setattr(merged, "read_text", lambda text, file: readings.append(file) or read_text(text, file))
    assert dump.main([str(path)]) == 2
    assert capsys.readouterr().err.startswith("kdtoken: a.txt tells of over 2 tokens, which is too much")
    assert readings == ["a.txt"]
    machine = LogMachine([str(path)])
    for ask in (lambda: machine.text, lambda: machine.text):
        with pytest.raises(BadFormat, match="over 2 tokens") as caught:
            ask()
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "read_text" not in frames, "its lines would be kept"
