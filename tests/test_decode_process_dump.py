"""A process with all that hangs on it: what does not fit together is said, or not shown."""

import time
from typing import Optional

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, cross_check, dump_process
from kdtoken.errors import TargetError
from kdtoken.frozen import replace
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.process import CrossCheck, FastRef, ProcessDump
from kdtoken.model.token import Token
from tests.expected import WINDOWS_11, kernel_of
from tests.fuzz.inputs import SECONDS
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
ANNA = 6104  # notepad.exe, the limited half of a UAC pair


def dumped(source: SyntheticSource, pid: int = ANNA) -> ProcessDump:
    return dump_process(Tokens(source), find_process(source, "%d" % pid)[0], None, False)


def test_the_linked_token_is_of_the_session_that_the_pair_names() -> None:
    linked = dumped(SyntheticSource(KERNEL)).linked
    assert isinstance(linked, Token) and linked.authentication_id is not None
    declared = MACHINE.tokens["notepad"]
    assert linked.address != KERNEL.tokens["notepad"] and linked.user == dumped(SyntheticSource(KERNEL)).token.user  # type: ignore[union-attr]
    assert declared.auth_id != linked.authentication_id.value  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["system", "notepad", "bfe"])
def test_a_token_of_another_session_is_not_shown_as_the_other_half(key: str) -> None:
    """195 of 200 swapped pointers were "the full token behind this filtered one"."""
    source = SyntheticSource(KERNEL)
    before = dumped(source)
    assert isinstance(before.linked, Token) and isinstance(before.token, Token)
    full = before.linked.logon_session
    assert full is not None and hasattr(full, "address")
    source.poke_field(full.address, "_SEP_LOGON_SESSION_REFERENCES", "Token", KERNEL.tokens[key])
    linked = dumped(source).linked
    assert isinstance(linked, Unreadable) and linked.address == KERNEL.tokens[key]
    assert (
        "no half of this pair: the token there is of logon session 0x%x" % MACHINE.tokens[key].auth_id in linked.reason
    )


def test_a_thread_that_says_it_is_another_processs_is_named() -> None:
    source = SyntheticSource(KERNEL)
    assert dumped(source).problems == ()
    thread = dumped(source).threads[0]
    source.poke_field(thread.address, "_ETHREAD", "Cid.UniqueProcess", 4)
    assert dumped(source).problems == (
        "the thread at 0x%x is on this process's list and says that it belongs to pid 4" % thread.address,
    )


def test_processes_that_have_no_token_share_none() -> None:
    """Null references are equal, but there is no object that they share."""
    source = SyntheticSource(KERNEL)
    processes, _ = walk_processes(source)
    mine, other, third = (one for one in processes if one.pid in (ANNA, 6240, 4))
    for process in (mine, other):
        source.poke_field(process.address, "_EPROCESS", "Token", bytes(8))
    processes, _ = walk_processes(source)
    process = next(one for one in processes if one.pid == ANNA)
    dump = dump_process(Tokens(source), process, tuple(processes), False)
    assert dump.token is None and dump.shared_with == ()


def test_a_reference_that_cannot_be_read_is_told_and_a_null_one_is_none() -> None:
    tokens = Tokens(SyntheticSource(KERNEL))
    process = find_process(SyntheticSource(KERNEL), "%d" % ANNA)[0]
    gone = Unreadable(0x1000, "paged out")
    assert tokens.of(replace(process, token=gone)) is gone
    assert tokens.of(replace(process, token=FastRef(3, 0xF))) is None
    own = tokens.of(process)
    assert isinstance(own, Token) and own.address == KERNEL.tokens["notepad"] and tokens.of(process) is own


def test_who_shares_a_token_is_named_without_oneself() -> None:
    source = SyntheticSource(KERNEL)
    reference = next(one for one in walk_processes(source)[0] if one.pid == ANNA).token
    assert isinstance(reference, FastRef)
    source.poke_field(KERNEL.processes[6240], "_EPROCESS", "Token", reference.value.to_bytes(8, "little"))
    processes, _ = walk_processes(source)
    process = next(one for one in processes if one.pid == ANNA)
    shared = dump_process(Tokens(source), process, tuple(processes), False).shared_with
    assert shared is not None and [one.pid for one in shared] == [6240]
    assert dump_process(Tokens(source), process, None, False).shared_with is None  # nobody walked the list


SESSION = "_SEP_LOGON_SESSION_REFERENCES"
LIMITED, FULL = (KERNEL.logon_sessions[MACHINE.tokens[key].auth_id] for key in ("notepad", "cmd"))


def test_what_lacks_on_the_way_to_the_other_half() -> None:
    """_TOKEN.LogonSession -> BuddyLogonId -> nt!SepLogonSessions -> that session's Token."""

    def linked(at: int, member: str, value: int) -> object:
        source = SyntheticSource(KERNEL)
        source.poke_field(at, SESSION, member, value)
        return dumped(source).linked

    assert linked(LIMITED, "BuddyLogonId", 0) is None
    assert linked(FULL, "Token", 0) is None
    assert linked(LIMITED, "BuddyLogonId", 0x123456) == Unreadable(
        LIMITED, "no logon session 0x123456 in the kernel's table"
    )
    # A pair knows each other.
    other, mine = MACHINE.tokens["cmd"].auth_id, MACHINE.tokens["notepad"].auth_id
    assert linked(FULL, "BuddyLogonId", 0x3E7) == Unreadable(
        FULL, "no half of this pair: logon session 0x%x is paired with 0x3e7, not with 0x%x" % (other, mine)
    )
    source = SyntheticSource(KERNEL).without_symbol("SepLogonSessions")
    assert isinstance(dumped(source).linked, Absent)
    source = SyntheticSource(KERNEL).without_field(SESSION, "BuddyLogonId")
    assert isinstance(dumped(source).linked, Absent)
    source = SyntheticSource(KERNEL).without_field(SESSION, "Token")
    assert isinstance(dumped(source).linked, Absent)
    source = SyntheticSource(KERNEL).without_field("_TOKEN", "LogonSession")
    assert isinstance(dumped(source).linked, Absent)


def test_threads_that_are_counted_and_not_on_the_list_are_hidden() -> None:
    source = SyntheticSource(KERNEL)
    there = len(dumped(source).threads)
    for counted, said in ((there - 1, False), (there, False), (there + 1, True)):
        source.poke_field(KERNEL.processes[ANNA], "_EPROCESS", "ActiveThreads", counted)
        words = "ActiveThreads is %d, and %d thread%s on the list: some are hidden, or the count is wrong"
        expected = (words % (counted, there, " is" if there == 1 else "s are"),) if said else ()
        assert dumped(source).problems == expected
    # Of a list that is torn, that is what is said.
    head = KERNEL.processes[ANNA] + source.layout("_EPROCESS").field("ThreadListHead").offset
    source.poke(head, bytes(16))
    assert not any("ActiveThreads" in one for one in dumped(source).problems) and dumped(source).problems
    # A triage dump keeps one of them.
    kept = SyntheticSource(KERNEL).poke_field(KERNEL.processes[ANNA], "_EPROCESS", "ActiveThreads", there + 1)
    kept.kept_threads = (KERNEL.threads[MACHINE.process(ANNA).threads[0].tid],)  # type: ignore[misc, assignment]
    assert not any("ActiveThreads" in one for one in dumped(kept).problems)


def test_symbols_that_know_no_threads_are_said() -> None:
    dump = dumped(SyntheticSource(KERNEL).without_type("_ETHREAD"))
    assert dump.threads == () and len(dump.problems) == 1
    assert dump.problems[0].startswith("threads cannot be listed: ") and "_ETHREAD" in dump.problems[0]


def checked(text: str, process: int = ANNA) -> Optional[CrossCheck]:
    source = SyntheticSource(KERNEL)
    found = find_process(source, "%d" % process)[0]
    source.answer("!process %x 1" % found.address, text)
    return cross_check(source, found)


def test_blank_lines_before_the_token_are_gone_through_once() -> None:
    """From each of them on to the last took half a minute of a processor."""
    start = time.process_time()
    assert checked("\n" * 100_000 + "    Token   12345678\n") == CrossCheck(
        "!process %x 1" % KERNEL.processes[ANNA], 0x12345678, False
    )
    assert checked("PROCESS x" + "\n" * 100_000) is not None and time.process_time() - start < SECONDS


def test_the_debugger_s_own_word_for_the_token() -> None:
    at = KERNEL.tokens["notepad"]
    command = "!process %x 1" % KERNEL.processes[ANNA]
    for spelled in ("%x" % at, "%08x`%08x" % (at >> 32, at & 0xFFFFFFFF), "%X" % at):
        assert checked("    Token                             %s\n" % spelled) == CrossCheck(command, at, True)
    assert checked("PROCESS x\n    Token   %x\n" % (at + 16)) == CrossCheck(command, at + 16, False)
    assert checked("    Token\n") == CrossCheck(command, None, None, "it printed no Token line")
    assert checked("    TokenX   %x\n" % at) == CrossCheck(command, None, None, "it printed no Token line")
    assert checked("    Token   1234567\n") == CrossCheck(command, None, None, "it printed no Token line")
    assert checked("    Token   12345678 \n") == CrossCheck(command, 0x12345678, False)
    assert checked(" \n") is None
    source = SyntheticSource(KERNEL)
    process = find_process(source, "%d" % ANNA)[0]
    assert cross_check(source, process) is None
    source.answer(command, "    Token   %x\n" % at)
    blind = replace(process, token=Unreadable(0x10, "paged out"))
    assert cross_check(source, blind) == CrossCheck(command, at, None)


def test_a_debugger_that_fails_is_told_by_its_own_words() -> None:
    class Failing(SyntheticSource):
        def command(self, text: str) -> str:
            raise TargetError("the engine gave up", text)

    source = Failing(KERNEL)
    process = find_process(source, "%d" % ANNA)[0]
    assert cross_check(source, process) == CrossCheck(
        "!process %x 1" % process.address, None, None, "the engine gave up"
    )
