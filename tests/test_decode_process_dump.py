"""A process with all that hangs on it: what does not fit together is said, or not shown."""

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import FastRef, ProcessDump
from kdtoken.model.token import Token
from tests.expected import WINDOWS_11, kernel_of
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
