"""`dump` on sound, odd and damaged machines: each bad input with its own message."""

import io
import json
from dataclasses import replace
from typing import Any, List

import pytest

from kdtoken import dump
from kdtoken.cli import dump_report
from kdtoken.errors import (
    FieldNotFound,
    KdTokenError,
    NotAToken,
    ProcessAmbiguous,
    ProcessNotFound,
    SymbolNotFound,
    TypeNotFound,
    UsageError,
)
from kdtoken.model.privilege import NUMBERS
from kdtoken.source import live
from tests.expected import WINDOWS_11, kernel_of, layouts_of_build
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.spec import Machine
from tests.machine.synthetic import SyntheticSource
from tests.test_cli import WinDbgOut
from tests.test_source_live import FakePykd
from tests.verbs import main_on, run_on

KERNEL = kernel_of(WINDOWS_11)


@pytest.fixture
def target() -> SyntheticSource:
    return SyntheticSource(KERNEL).with_commands()


def test_no_such_process_suggests_near_names(target: SyntheticSource, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main_on(monkeypatch, target, "dump", "notpad.exe") == (
        2,
        "",
        "kdtoken: no process has the name notpad.exe (31 processes seen)\n  next: near names: notepad.exe\n",
    )


def test_no_such_pid(target: SyntheticSource, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = main_on(monkeypatch, target, "dump", "3")
    assert (code, out) == (2, "")
    assert err == ("kdtoken: no process has pid 3 (31 processes seen)\n  next: kdtoken walk lists all processes\n")


def test_several_of_one_name_are_all_shown(target: SyntheticSource, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join("    pid %-6d EPROCESS 0x%x  chrome.exe\n" % (pid, KERNEL.processes[pid]) for pid in (5952, 5996))
    assert main_on(monkeypatch, target, "dump", "Chrome") == (
        2,
        "",
        "kdtoken: 2 processes are called Chrome:\n" + rows + "  next: give one of the pids instead of the name\n",
    )


def test_ways_to_name_a_process(target: SyntheticSource) -> None:
    names = ["notepad.exe", "NOTEPAD", "6104", "0n6104", "0x17d8", "%x" % KERNEL.processes[6104]]
    for name in names:
        assert run_on(target, "dump", name)[0].startswith("notepad.exe  pid 6104 "), name


def test_no_symbols_for_nt(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePykd(KERNEL)
    fake.symfile = "ntkrnlmp.exe"  # export symbols
    monkeypatch.setattr(live, "pykd", fake)
    code, out, err = main_on(monkeypatch, None, "dump", "notepad.exe")
    assert (code, out) == (2, "")
    assert err == (
        "kdtoken: the symbols of nt are not loaded (asked for the type _LIST_ENTRY)\n"
        "  next: .symfix; .reload /f nt   then check that `lm m nt` says (pdb symbols), not (export symbols)\n"
    )


def test_a_user_mode_session(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePykd(KERNEL)
    monkeypatch.setattr(fake, "isKernelDebugging", lambda: False, raising=False)
    monkeypatch.setattr(live, "pykd", fake)
    assert main_on(monkeypatch, None, "dump", "notepad.exe") == (
        2,
        "",
        "kdtoken: this is a user-mode session; kernel tokens are out of its sight\n"
        "  next: attach to the kernel (windbg -k ...) or open a kernel dump (windbg -z MEMORY.DMP)\n",
    )


def test_no_pykd_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "pykd", None)
    code, out, err = main_on(monkeypatch, None, "dump", "notepad.exe")
    assert (code, out) == (2, "")
    assert err.startswith("kdtoken: pykd is not here") and "next: name a file" in err


@pytest.mark.parametrize(
    "spoil, error, subject",
    [
        (lambda t: t.without_type("_TOKEN"), TypeNotFound, "_TOKEN"),
        (lambda t: t.without_type("_EPROCESS"), TypeNotFound, "_EPROCESS"),
        (lambda t: t.without_field("_EPROCESS", "Token"), FieldNotFound, "Token"),
        (lambda t: t.without_field("_EPROCESS", "ImageFileName"), FieldNotFound, "ImageFileName"),
        (lambda t: t.without_symbol("PsActiveProcessHead"), SymbolNotFound, "PsActiveProcessHead"),
    ],
)
def test_what_the_symbols_lack_is_named(spoil: Any, error: type, subject: str, target: SyntheticSource) -> None:
    spoil(target)
    with pytest.raises(error, match=subject):
        run_on(target, "dump", "notepad.exe")


def test_without_a_field_that_can_be_spared_the_dump_goes_on(target: SyntheticSource) -> None:
    target.without_field("_TOKEN", "TrustLevelSid")
    lines = run_on(target, "dump", "notepad.exe", "--all")
    assert "  Trust level            -  not in this build (no _TOKEN.TrustLevelSid)" in lines


def test_a_token_by_its_address(target: SyntheticSource) -> None:
    address = KERNEL.tokens["bfe"]
    for text in ("%x" % address, "0x%x" % address, "%08x`%08x" % (address >> 32, address & 0xFFFFFFFF)):
        assert run_on(target, "dump", "--token", text)[0] == "TOKEN 0x%x" % address
    data = json.loads("\n".join(run_on(target, "dump", "--token", "%x" % address, "--json")))
    assert data["token"]["address"] == "0x%x" % address
    assert run_on(target, "dump", "--token", "%x" % address, "--format", "windbg")[0] == "_TOKEN 0x%016x" % address


def test_an_address_that_is_no_token(target: SyntheticSource, monkeypatch: pytest.MonkeyPatch) -> None:
    address = KERNEL.processes[6104]
    assert main_on(monkeypatch, target, "dump", "--token", "%x" % address) == (
        2,
        "",
        "kdtoken: 0x%x is not a token: its object header says a Process object\n"
        "  next: kdtoken dump PROCESS finds the token by itself\n" % address,
    )
    with pytest.raises(NotAToken, match="there is no readable token at 0x1000: "):
        run_on(target, "dump", "--token", "1000")
    with pytest.raises(UsageError, match="'xyz' is no address"):
        run_on(target, "dump", "--token", "xyz")


@pytest.mark.parametrize("text", ["-1", "fffffffffffffffffffff", "0"])
def test_impossible_addresses_end_in_a_message(text: str, target: SyntheticSource) -> None:
    with pytest.raises(KdTokenError):
        run_on(target, "dump", "--token=" + text)


def test_an_address_that_is_no_process(target: SyntheticSource) -> None:
    with pytest.raises(ProcessNotFound, match="is not a process: its object header says Token"):
        run_on(target, "dump", "%x" % KERNEL.tokens["notepad"])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "no process was named"),
        (["a.exe", "--token", "1"], "give a process or --token ADDRESS, not both"),
        (["a.exe", "--why", "--format", "windbg"], "--why has no place in the form of !token"),
        (["a.exe", "--format", "xml"], "--format takes one of text, json, windbg, not xml"),
    ],
)
def test_usage(arguments: List[str], message: str, target: SyntheticSource) -> None:
    with pytest.raises(UsageError, match=message):
        run_on(target, "dump", *arguments)


def test_a_fast_reference_of_zero(target: SyntheticSource) -> None:
    target.poke_field(KERNEL.processes[6104], "_EPROCESS", "Token.Object", 0)
    lines = run_on(target, "dump", "notepad.exe", "--all")
    assert "  Token                  null (fast reference 0x0)" in lines
    for said in (lines, run_on(target, "dump", "notepad.exe")):
        assert any("the process has no token: its reference is null, as after exit" in line for line in said)
        assert not any("Runs as" in line for line in said)


def test_a_torn_list_keeps_what_was_seen(target: SyntheticSource) -> None:
    # explorer's next is itself: the walk ends there, and the way back finds the others
    link = KERNEL.processes[4120] + KERNEL.layouts.layout("_EPROCESS").field("ActiveProcessLinks").offset
    target.poke(link, link.to_bytes(8, "little"))
    lines = run_on(target, "dump", "notepad.exe")
    assert lines[0].startswith("notepad.exe  pid 6104 (0x17d8)")
    assert any(line.startswith("  Note         !! ") for line in lines)
    assert "  Parent       explorer.exe  4120 (0x1018)" in lines


def test_a_disagreement_with_the_debugger_is_shown(target: SyntheticSource) -> None:
    command = "!process %x 1" % KERNEL.processes[6104]
    target.answer(command, "    Token                             ffffcc8a00001230\n")
    lines = run_on(target, "dump", "notepad.exe", "--all")
    assert "  Cross-check            %s: 0xffffcc8a00001230, DISAGREES" % command in lines
    note = "Note                   !! %s says that the token is 0xffffcc8a00001230" % command
    assert any(note in line for line in lines)
    short = run_on(target, "dump", "notepad.exe")
    assert any("!! %s says that the token" % command in line for line in short)
    assert not any("!process agrees" in line for line in short)
    assert any("!process agrees" in line for line in run_on(SyntheticSource(KERNEL).with_commands(), "dump", "6104"))
    last = run_on(target, "dump", "notepad.exe", "--format", "windbg")[-1]
    assert last == "!! %s says that the token is 0xffffcc8a00001230: one of the two is wrong" % command
    assert not any("Cross-check" in line for line in run_on(target, "dump", "notepad.exe", "--no-check", "--all"))


def renamed(name: bytes) -> Machine:
    processes = tuple(replace(one, name=name) if one.pid == 6104 else one for one in MACHINE.processes)
    return replace(MACHINE, processes=processes)


HOSTILE = [b"\x1b[2J\x1b]0;x\x07", b"a\r\nb\x08", b'<link cmd="q">', b"a;.quit", b"\"'`$<x", b"\xe2\x80\xaegnp.exe"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_and_never_asked(name: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    target = SyntheticSource(build(renamed(name), layouts_of_build(WINDOWS_11)))
    asked: List[str] = []
    monkeypatch.setattr(target, "command", lambda text: asked.append(text) or "")
    for arguments in (
        ["6104"],
        ["6104", "--all"],
        ["6104", "--json"],
        ["6104", "--format", "windbg"],
        ["6104", "--why"],
    ):
        for line in run_on(target, "dump", *arguments):
            assert line.isprintable() and line.isascii(), line
    assert set(asked) == {"!process %x 1" % target.kernel.processes[6104]}
    asked.clear()
    for line in run_on(target, "walk", "--threads") + run_on(target, "walk", "--csv"):
        assert line.isprintable(), line
    assert asked == []


def test_a_name_typed_with_a_command_in_it_is_only_a_name(target: SyntheticSource) -> None:
    with pytest.raises(ProcessNotFound, match="no process has the name notepad.exe;.quit"):
        run_on(target, "dump", "notepad.exe;.quit")
    assert run_on(target, "dump", 'a;.quit"x')[0].startswith('a;.quit"x  pid 6700')


def test_inside_windbg_lines_are_ascii_and_short(monkeypatch: pytest.MonkeyPatch, target: SyntheticSource) -> None:
    import sys

    from kdtoken import cli, dump
    from kdtoken.machine.kernel import KernelMachine

    out = WinDbgOut()
    monkeypatch.setattr(cli, "open_machine", lambda options, *rest: KernelMachine(target))
    monkeypatch.setattr(sys, "stdout", out)
    assert dump.main(["notepad.exe", "--why"]) == 0
    assert max(map(len, out.parts)) <= 100
    lines = "".join(out.parts)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert dump.main(["notepad.exe", "--why"]) == 0
    assert lines.split("Read in")[0] == sys.stdout.getvalue().split("Read in")[0]  # type: ignore[attr-defined]


def test_the_same_token_is_decoded_once(target: SyntheticSource) -> None:
    # two threads of 1120 run under one token
    target.about = replace(target.about, live=True)  # elsewhere all of the machine is read, to judge this by
    lines = run_on(target, "dump", "1120", "--why")
    requests, _ = [int(word) for word in lines[-1].replace(",", "").split() if word.isdigit()]
    assert requests <= 60
    with pytest.raises(ProcessAmbiguous):
        run_on(target, "dump", "svchost")


@pytest.mark.parametrize("running", [True, False])
def test_paging_in_is_advised_on_a_machine_that_can_run(running: bool) -> None:
    """The declared OneDrive's token is paged out; in a dump or a recording nothing can bring it in."""
    kernel = kernel_of(WINDOWS_11, everything_there=False)
    target = SyntheticSource(kernel)
    target.about = replace(target.about, live=running)
    page = kernel.tokens["token-paged-out"]
    advice = [line for line in run_on(target, "dump", "OneDrive.exe") if ".pagein" in line]
    if running:
        command = ".pagein /p %x " % kernel.process_named("OneDrive.exe")
        assert len(advice) == 1 and command in advice[0]
        assert int(advice[0].split(command)[1].split()[0], 16) >> 12 == page >> 12
    else:
        assert advice == []


def test_every_privilege_is_told_whatever_is_named_beside(capsys: Any) -> None:
    assert dump.main(["--explain", "all"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in NUMBERS)
    assert dump.main(["no.dmp", "notepad.exe", "--explain", "all"]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize("hint", ["dq ffffe10000001000 L8", "dd 8fe01000 L10"])
def test_a_debugger_s_command_is_for_the_debugger_and_other_steps_are_not(hint: str) -> None:
    """dq on a 64-bit kernel, dd on a 32-bit one."""
    told = "type this in the debugger while it logs, then this again: "
    assert dump_report._in_the_debugger(hint) == told + hint
    assert dump_report._in_the_debugger("kdtoken record makes one") == "kdtoken record makes one"


def test_how_a_word_stands_in_the_token_at_an_address_or_of_a_process(target: SyntheticSource) -> None:
    address = KERNEL.tokens["system"]
    lines = run_on(target, "dump", "--token", "0x%x" % address, "--explain", "SeDebug")
    assert lines[0] == "SeDebugPrivilege  (20, 0x14)"  # wdm.h SE_DEBUG_PRIVILEGE
    assert lines[-1].startswith("  token 0x%x: held and on" % address)
    lines = run_on(target, "dump", "notepad.exe", "--explain", "20")
    assert lines[0] == "SeDebugPrivilege  (20, 0x14)" and lines[-1] == "  notepad.exe (6104): not held"


def test_where_to_watch_is_told_or_why_it_cannot_be(target: SyntheticSource, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any("would stop the machine at the next write" in line for line in run_on(target, "dump", "4", "--watch"))
    monkeypatch.setattr("kdtoken.render.audit.watch_words", lambda watched: [])
    text = "Where to watch cannot be told: this source has no layouts of the kernel's types."
    assert text in run_on(target, "dump", "4", "--watch")
    assert text not in run_on(target, "dump", "4")
