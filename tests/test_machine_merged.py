"""Processes put together from what !process, !thread and !token printed: in the text alone, and as the verbs show it."""

import dataclasses
import gzip
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, List, Optional

import pytest

from kdtoken import dump, walk
from kdtoken.errors import ProcessNotFound
from kdtoken.machine import merged
from kdtoken.machine.merged import MergedProcess, merge_processes, merge_tokens, names_of, read_logs
from kdtoken.machine.text import TextMachine
from kdtoken.model.absent import Fragment, NotSaid, Unreadable
from kdtoken.model.process import FastRef, Impersonation
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.source.base import About
from kdtoken.view.partial import PartialToken
from tests.declared_views import token_lines
from tests.expected import FEW_FILES, WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel
from tests.machine.standin_text import commands
from tests.schemas import validator

ROOT = Path(__file__).parent.parent
KERNEL = kernel_of(WINDOWS_11)
# A thread as Windows 10 prints it, and a token of which only the user is told.
THREAD = """        THREAD ffffc10203092080  Cid 0460.0468  Teb: 0000005d40003000 Win32Thread: 0000000000000000 WAIT: (UserRequest)
        Impersonation token:  ffffd1020300a060 (Level Impersonation)
        Owning Process            ffffc10203042080       Image:         svchost.exe
"""
PROCESS = """PROCESS ffffc10203042080
    SessionId: 0  Cid: 0460    Peb: 5d40002000  ParentCid: 02d4
    DirBase: 2b3c4d002  ObjectTable: ffffd10203007000  HandleCount:  90.
    Image: svchost.exe
"""
TOKEN_LINE = "    Token                             ffffd10203009060\n"
TOKEN = """_TOKEN 0xffffd1020300a060
TS Session ID: 0
User: S-1-5-18
User Groups:
 00 S-1-5-32-544
    Attributes - Default Enabled Owner
"""


def told(*texts: str) -> List[MergedProcess]:
    return merge_processes(read_logs(("log%d" % index, text) for index, text in enumerate(texts)))


def log_of(kernel: Kernel, folder: Path) -> Path:
    """What a person logs who knows no kdtoken: !process of each process, !token of each token."""
    said = commands(kernel)
    typed = [one for one in said if one.startswith("!token ") or one.endswith(" 1") and one.count(" ") == 2]
    path = folder / "customer.log"
    path.write_text("".join("0: kd> %s\n%s" % (command, said[command]) for command in typed), encoding="utf-8")
    return path


@pytest.mark.parametrize("file", FEW_FILES, ids=lambda file: file.stem)
def test_every_process_of_a_log_without_memory_is_what_was_declared(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same text is given thirty times; the lines are read once.
    monkeypatch.setattr(merged, "read_text", lru_cache(maxsize=1)(merged.read_text))
    kernel = kernel_of(file)
    log = str(log_of(kernel, tmp_path))
    tokens = 0
    for spec in MACHINE.processes:
        assert dump.main(["--log", log, "0x%x" % spec.pid, "--json"]) == 0
        data: Any = json.loads(capsys.readouterr().out)
        validator("dump").validate(data)
        process = data["process"]
        assert (process["pid"], process["parent_pid"]) == (spec.pid, spec.parent)
        assert process["address"] == hex(kernel.processes[spec.pid])
        assert data["details"] == {"not_said": "!process"}
        declared = MACHINE.tokens.get(spec.token) if spec.token else None
        assert process["token"]["object"] == hex(kernel.tokens[spec.token] if spec.token else 0)
        assert process["token"]["ref_count"] is None
        if declared is None:
            assert data["token"] is None
            continue
        token = data["token"]
        if declared.paged_out:
            assert token["not_said"] == "this text" and token["hint"].startswith("!token ")
            continue
        tokens += 1
        assert token["user"]["sid"] == str(Sid.from_text(declared.user))
        assert [group["sid"] for group in token["user_and_groups"]] == [
            str(Sid.from_text(g.sid)) for g in declared.all_groups
        ]
        present, enabled, _default = declared.privileges.masks
        assert sum(1 << p["number"] for p in token["privileges"]) == present
        assert sum(1 << p["number"] for p in token["privileges"] if p["enabled"]) == enabled & present
        assert token["session_id"] == declared.session_id
        assert token["mandatory_policy"] == {"not_said": "!token"}
    assert tokens >= 25


def test_the_report_says_that_it_is_text_and_which_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = log_of(KERNEL, tmp_path)
    assert dump.main(["--log", str(log), "notepad", "--all"]) == 0
    out = capsys.readouterr().out
    lines = log.read_text(encoding="utf-8").split("\n")
    process = lines.index("PROCESS %016x" % KERNEL.processes[6104]) + 1
    token = lines.index("_TOKEN 0x%016x" % KERNEL.tokens["notepad"]) + 1
    head = " ".join(out.split("\n\n")[0].split())
    assert head.startswith("notepad.exe pid 6104 (0x17d8) EPROCESS 0x%x" % KERNEL.processes[6104])
    assert head.endswith(
        "from log customer.log, the text of !process (line %d) and !token (line %d), no memory" % (process, token)
    )
    assert "Not said by !token     any field of _TOKEN that is not listed here" in out
    assert "none are told of; !process %x 6 lists them" % KERNEL.processes[6104] in out
    assert "count 0" not in out and "Not in this build" not in out
    assert all(len(line) < 110 for line in out.split("\n"))


def test_chosen_lines_and_several_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.log").write_text(
        "chatter\n0: kd> !process 0 1 svchost.exe\n" + PROCESS + TOKEN_LINE, encoding="utf-8"
    )
    (tmp_path / "b.log").write_text("0: kd> !token\n" + TOKEN.replace("00a060", "009060"), encoding="utf-16")
    assert dump.main(["--log", "%s:2-7" % (tmp_path / "a.log"), "--log", str(tmp_path / "b.log"), "svchost"]) == 0
    head = " ".join(capsys.readouterr().out.split("\n\n")[0].split())
    assert head.endswith("the text of !process (a.log:3) and !token (b.log:2), no memory")
    assert dump.main(["--log", "%s:2-6" % (tmp_path / "a.log"), "svchost"]) == 0  # without its Token line
    assert "its token is not said by !process" in capsys.readouterr().out
    assert dump.main(["--log", str(tmp_path / "b.log"), "--token", "ffffd102`03009060"]) == 0
    assert "Runs as NT AUTHORITY\\SYSTEM (S-1-5-18)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "words, said",
    [
        (["lsas"], "no process has the name lsas (1 process seen)"),
        (["77"], "no process has pid 77 (1 process seen)"),
        (["ffffc10203042081"], "no process has the EPROCESS address ffffc10203042081 (1 process seen)"),
        (["--token", "ffffd10203009060"], "!token ffffd10203009060 prints it"),
    ],
)
def test_what_the_text_does_not_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: List[str], said: str
) -> None:
    (tmp_path / "a.log").write_text("0: kd> !process 0 1\n" + PROCESS + TOKEN_LINE, encoding="utf-8")
    assert dump.main(["--log", str(tmp_path / "a.log"), *words]) == 2
    assert said in capsys.readouterr().err


def test_where_the_list_is_in_memory_the_advice_is_its(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captured = ROOT / "fixtures" / "logs" / "capture-10.0.22000.2538-synthetic.log.gz"
    text = gzip.decompress(captured.read_bytes()).decode("utf-8").replace("PROCESS ffff", "PROC ffff")
    (tmp_path / "a.log").write_text(text + "\n0: kd> !process 0 1\n" + PROCESS, encoding="utf-8")
    assert dump.main(["--log", str(tmp_path / "a.log"), "notpad"]) == 2
    assert (
        "no process has the name notpad (31 processes seen)\n  next: near names: notepad.exe" in capsys.readouterr().err
    )
    assert dump.main(["--log", str(tmp_path / "a.log"), "ffffc10203042080"]) == 0  # only the text has this one
    assert "the text of !process" in capsys.readouterr().out


def test_a_log_with_neither_memory_nor_text_says_what_memory_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text(
        "0: kd> vertarget\nWindows 10 Kernel Version 22000 MP (4 procs) Free x64\n", encoding="utf-8"
    )
    for verb in (dump, walk):
        assert verb.main(["--log", str(tmp_path / "a.log")] + ["x"] * (verb is dump)) == 2
        assert "dt -v nt!_" in capsys.readouterr().err


def test_a_process_that_was_printed_twice_is_one_and_the_later_output_counts() -> None:
    (one,) = told(
        PROCESS + TOKEN_LINE, PROCESS.replace("svchost.exe", "other.exe") + TOKEN_LINE.replace("9060", "b060")
    )
    assert one.dump.process.image_name == "other.exe" and one.process_at.file == "log1"
    assert one.dump.process.token == FastRef(0xFFFFD1020300B060, 0)
    assert one.dump.problems == (
        "the text shows two outputs of it with another image: svchost.exe, then other.exe",
        "the text shows two outputs of it with another token: 0xffffd10203009060, then 0xffffd1020300b060",
    )
    (one,) = told(PROCESS + TOKEN_LINE, PROCESS)  # !process 0 1, then !process 0 0
    assert one.dump.process.token == FastRef(0xFFFFD10203009060, 0) and one.dump.problems == ()


def test_a_thread_printed_by_itself_belongs_to_its_process_and_its_token_is_found() -> None:
    (one,) = told(PROCESS + TOKEN_LINE + "\n" + THREAD, "0: kd> !token\n" + TOKEN)
    (thread,) = one.dump.threads
    assert thread.impersonation == Impersonation(0xFFFFD1020300A060, 2, NotSaid("!process"))
    client = one.dump.tokens[0xFFFFD1020300A060]
    assert isinstance(client, Token) and str(client.user) == "S-1-5-18"
    # Named by its address and no more: nobody tried to read it.
    assert one.dump.token == NotSaid("this text", "!token ffffd10203009060")
    (other,) = told(PROCESS, "0: kd> !thread ffffc10203092080\n" + THREAD)
    assert other.dump.threads == one.dump.threads


def test_of_several_outputs_of_a_token_the_fullest_counts() -> None:
    short = "0: kd> !token\n" + TOKEN.split("User Groups")[0]
    for texts in ((TOKEN, short), (short, TOKEN)):
        (one,) = told(PROCESS + TOKEN_LINE.replace("9060", "a060"), *("0: kd> !token\n" + text for text in texts))
        assert isinstance(one.dump.token, Token) and len(one.dump.token.groups) == 1


def test_walk_lists_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = str(log_of(KERNEL, tmp_path))
    assert walk.main(["--log", log]) == 0
    out = capsys.readouterr().out
    assert "the text of !process and !token, no memory" in " ".join(out.split())
    assert "%d processes" % len(MACHINE.processes) in out
    assert any(line.split()[:2] == ["6104", "notepad.exe"] and "Medium" in line for line in out.split("\n"))
    assert walk.main(["--log", log, "--user", "SYSTEM", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    validator("walk").validate(data)
    system = {
        p.pid
        for p in MACHINE.processes
        if p.token and MACHINE.tokens[p.token].user == "S-1-5-18" and not MACHINE.tokens[p.token].paged_out
    }
    assert {row["process"]["pid"] for row in data["processes"]} == system


def test_call_stacks_are_passed_over_and_lines_keep_their_numbers() -> None:
    stack = "        ffffa102`03060690 fffff802`12111111     : 00000000`00000000 00000000`00000001 : nt!SepTokenThing+0x76\n"
    (plain,), (with_stacks,) = (
        told(PROCESS + TOKEN_LINE + THREAD),
        told(PROCESS + TOKEN_LINE + stack * 5 + THREAD + stack),
    )
    assert with_stacks.dump == plain.dump
    (later,) = told(stack * 7 + PROCESS)
    assert later.process_at.line == 8


def test_names_that_token_n_prints_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = (ROOT / "fixtures" / "views" / "token-xp-names.txt").read_text(encoding="utf-8")
    process = "PROCESS 8237dc70  SessionId: 0  Cid: 0460    Peb: 7ffd5000  ParentCid: 02d4\n    Image: calc.exe\n"
    (tmp_path / "a.log").write_text(
        "kd> !process 8237dc70 1\n"
        + process
        + "    Token                             e1c0ffe0\n"
        + named.replace("anna", "an\x1b[31mna"),
        encoding="utf-8",
    )
    assert dump.main(["--log", str(tmp_path / "a.log"), "8237dc70", "--all"]) == 0
    out = capsys.readouterr().out
    assert "Runs as                LAB\\an" in out and "LAB\\Printers (third floor)" in out and "\x1b" not in out
    assert "LAB\\Domain Users" in out and "<domain>" not in out
    assert walk.main(["--log", str(tmp_path / "a.log"), "--user", "lab\\an"]) == 0
    assert "1 process" in capsys.readouterr().out


def test_of_two_outputs_that_tell_as_much_the_later_counts() -> None:
    """The second !token of one address shows the token as it is now."""
    first = "0: kd> !token\n" + TOKEN.replace("a060", "9060")
    (one,) = told(PROCESS + TOKEN_LINE, first, first.replace("Session ID: 0", "Session ID: 0x2"))
    assert isinstance(one.dump.token, Token) and one.dump.token.session_id == 2


def test_a_pid_outlives_a_later_block_that_lacks_it() -> None:
    """!process 0 0 first; then a block of the same process whose line with Cid was cut."""
    (whole,) = told(PROCESS)
    cut = "\n".join(line for line in PROCESS.split("\n") if "Cid" not in line)
    assert "PROCESS" in cut and "Cid" not in cut
    (one,) = told(PROCESS, cut)
    assert one.dump.process.pid == whole.dump.process.pid > 0
    (one,) = told(cut, PROCESS)
    assert one.dump.process.pid == whole.dump.process.pid


def test_a_thread_of_another_process_is_not_taken_in() -> None:
    """A thread's Cid says whose it is, wherever its lines stand."""
    thread = THREAD.split("        Owning")[0]  # that line says it once more
    (own,) = told(PROCESS + thread)
    pid = own.dump.process.pid
    assert [one.pid for one in own.dump.threads] == [pid]
    foreign = thread.replace("Cid %04x." % pid, "Cid %04x." % (pid + 4))
    assert foreign != thread
    (one,) = told(PROCESS + foreign)
    assert one.dump.threads == ()


def test_where_a_token_stands_is_where_it_was_printed_last() -> None:
    """The lines that are named are those of the values that are shown."""
    first = "0: kd> !token\n" + TOKEN
    (read,) = read_logs([("log", first + "0: kd> g\n" + first)])
    token = merge_tokens([read])[0xFFFFD1020300A060]
    places = {name: place.line for name, place in token.places.items()}
    assert places and min(places.values()) > first.count("\n")


def test_whose_token_it_is_outlives_a_later_output_that_does_not_say() -> None:
    """!token alone names the process, !token with the address does not."""
    owned = "_EPROCESS 0xffffc10203042080, _TOKEN 0xffffd1020300a060\n" + TOKEN.split("\n", 1)[1]
    (read,) = read_logs([("log", "0: kd> !token\n" + owned + "0: kd> !token ffffd1020300a060\n" + TOKEN)])
    assert [one.process for one in read.tokens.tokens] == [0xFFFFC10203042080, 0]
    assert merge_tokens([read])[0xFFFFD1020300A060].process == 0xFFFFC10203042080


def test_a_32_bit_address_is_one_where_the_text_is_of_a_32_bit_machine() -> None:
    block = PROCESS.replace("ffffc10203042080", "81a3b020").replace("ffffd10203007000", "e1007000")
    machine = TextMachine("log", [("log", "0: kd> !process 0 0\n" + block)], About("log"))
    for text in ("81a3b020", "0x81a3b020", "ffffffff81a3b020"):
        assert machine.find(text).address == 0x81A3B020
    whole = TextMachine("log", [("log", "0: kd> !process 0 0\n" + PROCESS)], About("log"))
    with pytest.raises(ProcessNotFound, match="the name 81a3b020"):  # no address of a 64-bit machine
        whole.find("81a3b020")


# --- two outputs of one token, and of one process

NOTEPAD = token_lines("notepad")
AT = KERNEL.tokens["notepad"]


def token_of(*outputs: str) -> PartialToken:
    """What these outputs of one token are together."""
    return merge_tokens(read_logs(("log%d" % index, "0: kd> !token\n" + text) for index, text in enumerate(outputs)))[
        AT
    ]


def differs(before: str, after: str) -> str:
    """What two outputs are said to differ in."""
    problems = token_of(before, after).token.problems
    assert len(problems) <= 1
    head, _, said = (problems or ("",))[0].partition(" that differ: ")
    assert not said or head == "the text shows two outputs of it (log0:2 and log1:2)"
    return said


SHUTDOWN = " 19 0x000000013 SeShutdownPrivilege               Attributes - \n"


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("Session ID: 0x1", "Session ID: 0x2", "session id was 0x1, then 0x2"),
        ("(0, 5d223)", "(0, 5d224)", "modified id was 0x5d223, then 0x5d224"),
        (SHUTDOWN, "", "SeShutdownPrivilege only in the earlier (Disabled)"),
        (SHUTDOWN, SHUTDOWN.replace("- ", "- Enabled "), "SeShutdownPrivilege was Disabled, then Enabled"),
        (" 13 S-1-16-8192\n    Attributes - GroupIntegrity GroupIntegrityEnabled \n", "",
         "S-1-16-8192 only in the earlier (Integrity IntegrityEnabled)"),
        (" 02 S-1-5-114\n    Attributes - DenyOnly \n", " 02 S-1-5-114\n    Attributes - Mandatory Default Enabled \n",
         "S-1-5-114 was UseForDenyOnly, then Mandatory EnabledByDefault Enabled"),
    ],
)  # fmt: skip
def test_what_two_outputs_of_a_token_differ_in_is_said_entry_by_entry(old: str, new: str, said: str) -> None:
    other = NOTEPAD.replace(old, new)
    assert other != NOTEPAD and differs(NOTEPAD, NOTEPAD) == ""
    assert differs(NOTEPAD, other) == said
    back = {"only in the earlier": "only in the later"}
    if not new:
        assert differs(other, NOTEPAD) == said.replace(*next(iter(back.items())))


def test_a_list_that_was_cut_lacks_nothing_and_the_whole_one_is_kept() -> None:
    """What a part of a list does not show, it does not deny; what it shows otherwise is told."""
    head = NOTEPAD.split(" 25 0x")[0]
    for outputs in ((NOTEPAD, head), (head, NOTEPAD)):
        both = token_of(*outputs)
        assert not both.token.problems and not both.incomplete
        assert both.token.privileges == token_of(NOTEPAD).token.privileges
        assert both.groups == token_of(NOTEPAD).groups
    # The later part says another thing of one entry: that is how the token is now, and the rest is not known to be.
    enabled = head.replace(
        "SeShutdownPrivilege               Attributes - ", "SeShutdownPrivilege  Attributes - Enabled "
    )
    both = token_of(NOTEPAD, enabled)
    assert "SeShutdownPrivilege was Disabled, then Enabled" in both.token.problems[0]
    assert "only in" not in both.token.problems[0] and both.incomplete == ("privileges",)


def test_what_only_one_of_two_outputs_tells_is_kept_whichever_it_is() -> None:
    without = NOTEPAD.replace("TS Session ID: 0x1\n", "")
    for outputs in ((NOTEPAD, without), (without, NOTEPAD)):
        both = token_of(*outputs)
        assert both.token.session_id == 1 and not both.token.problems
    assert token_of(NOTEPAD, without).places["session_id"].file == "log0"


THREAD_AGAIN = THREAD.replace("        Impersonation token:  ffffd1020300a060 (Level Impersonation)\n", "")


def test_a_thread_that_was_printed_twice_keeps_what_only_one_of_them_tells() -> None:
    acts = Impersonation(0xFFFFD1020300A060, 2, NotSaid("!process"))
    for blocks in ((THREAD, THREAD_AGAIN), (THREAD_AGAIN, THREAD)):
        (one,) = told(*(PROCESS + block for block in blocks))
        assert [thread.impersonation for thread in one.dump.threads] == [acts]
    # Of two that both tell, the later counts.
    (one,) = told(PROCESS + THREAD, PROCESS + THREAD.replace("a060 (Level Impersonation)", "b060 (Level Delegation)"))
    assert [thread.impersonation for thread in one.dump.threads] == [
        Impersonation(0xFFFFD1020300B060, 3, NotSaid("!process"))
    ]


OWNED = "_EPROCESS 0xffffc10203042080, _TOKEN 0xffffd1020300a060\n" + TOKEN.split("\n", 1)[1]


def test_the_token_that_a_text_says_is_the_process_s_is_its_token() -> None:
    """`!token` without an address names the process; its block needs no Token line."""
    (one,) = told(PROCESS + "\n0: kd> !token\n" + OWNED)
    assert isinstance(one.dump.token, Token) and str(one.dump.token.user) == "S-1-5-18"
    assert one.dump.process.token == FastRef(0xFFFFD1020300A060, 0) and one.token_at is not None
    assert not one.dump.problems
    # Where the block names another, nobody knows which it has now: that is told.
    for texts in ((PROCESS + TOKEN_LINE, OWNED), (OWNED, PROCESS + TOKEN_LINE)):
        (one,) = told(*(text if text.startswith("PROCESS") else "0: kd> !token\n" + text for text in texts))
        assert one.dump.problems == (
            "the text shows two tokens of it: !process names 0xffffd10203009060, and !token printed 0xffffd1020300a060",
        )
    (same,) = told(PROCESS + TOKEN_LINE.replace("9060", "a060") + "\n0: kd> !token\n" + OWNED)
    assert not same.dump.problems
    # A process of which nothing but that is told is one too.
    (alone,) = told("0: kd> !token\n" + OWNED)
    assert alone.dump.process.address == 0xFFFFC10203042080 and isinstance(alone.dump.token, Token)
    assert (alone.process_at.line, alone.token_at.line if alone.token_at else 0) == (2, 2)


def test_a_token_that_is_null_or_that_the_debugger_could_not_read_is_told_apart() -> None:
    (null,) = told(PROCESS + TOKEN_LINE.replace("ffffd10203009060", "0000000000000000"))
    assert null.dump.token is None and null.token_at is None
    (bad,) = told(
        PROCESS + TOKEN_LINE + "\n0: kd> !token ffffd10203009060\n*** Error: unable to read TOKEN at ffffd10203009060\n"
    )
    assert isinstance(bad.dump.token, Unreadable) and bad.dump.token.address == 0xFFFFD10203009060
    assert bad.dump.token.reason.startswith("the debugger said: ")


def test_a_torn_list_of_threads_is_whole_where_another_output_shows_it_whole() -> None:
    torn = THREAD + "TYPE mismatch for thread object at ffffc10203093080\n"
    (one,) = told(PROCESS + torn)
    assert isinstance(one.dump.threads, Fragment)
    assert any(problem.startswith("its threads may not all be here: ") for problem in one.dump.problems)
    for texts in ((PROCESS + torn, PROCESS + THREAD), (PROCESS + THREAD, PROCESS + torn)):
        (one,) = told(*texts)
        assert not isinstance(one.dump.threads, Fragment) and len(one.dump.threads) == 1
        assert not any("may not all be here" in problem for problem in one.dump.problems)
    (one,) = told(PROCESS + torn, PROCESS)  # printed without its threads: that says nothing of them
    assert isinstance(one.dump.threads, Fragment)


def test_a_process_is_where_it_was_printed_last_else_where_its_first_thread_is() -> None:
    (one,) = told(PROCESS + TOKEN_LINE, "chatter\n" + PROCESS)
    assert (one.process_at.file, one.process_at.line) == ("log1", 2)
    (alone,) = told("0: kd> !thread\n" + THREAD + "\n0: kd> !thread\n" + THREAD.replace("92080", "93080"))
    assert alone.process_at.line == 2 and len(alone.dump.threads) == 2
    assert (alone.dump.process.pid, alone.dump.process.image_name) == (0x460, "svchost.exe")


@pytest.mark.parametrize(
    "said, view, name",
    [
        ("User: LAB\\anna", "!token", "LAB\\anna"),
        ("Group: LAB\\Printers", "!token", "LAB\\Printers"),
        ("Domain: LAB", "!token", "LAB"),
        ("Alias: BUILTIN\\Users", "!token", "BUILTIN\\Users"),
        ("Well Known Group: Everyone", "!token", "Everyone"),
        ("Computer: LAB\\PC$", "!token", "LAB\\PC$"),
        ("Label: Mandatory Label\\Medium", "!token", None),
        ("User:  ", "!token", None),
        ("lab\\anna", "whoami", "lab\\anna"),
        ("lab\\anna", "!token", None),
        ("Everyone", "whoami", None),  # every Windows calls it so, in its language
    ],
)
def test_the_accounts_that_tokens_name(said: str, view: str, name: Optional[str]) -> None:
    sid = Sid(5, (21, 1, 2, 3, 1001))
    token = dataclasses.replace(token_of(NOTEPAD), view=view, names={sid: said})
    assert names_of([token]) == ({} if name is None else {sid: name})
