"""A machine by its memory: handles that ask for what is looked at, each token once, and what they cost."""

from pathlib import Path
from typing import Any

import pytest

from kdtoken.errors import NotAToken, ProcessNotFound
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.open import open_machine
from kdtoken.model.absent import Unreadable
from kdtoken.model.token import LogonSession, Token
from kdtoken.model.view import Kind
from tests.expected import FILES, WINDOWS_7, WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource
from tests.sessions import SESSIONS

KERNEL = kernel_of(WINDOWS_11)


@pytest.fixture
def machine() -> KernelMachine:
    return KernelMachine(SyntheticSource(KERNEL).with_commands())


def test_all_processes_with_their_tokens_and_threads(machine: KernelMachine) -> None:
    processes = machine.processes()
    assert [one.pid for one in processes] == [one.pid for one in MACHINE.processes]
    for one, declared in zip(processes, MACHINE.processes):
        assert (one.address, one.parent_pid) == (KERNEL.processes[declared.pid], declared.parent)
        token = one.token
        if declared.token is None:
            assert token is None
        else:
            assert isinstance(token, Token) and token.address == KERNEL.tokens[declared.token]
    assert machine.problems == ()
    assert len(machine.threads()) == sum(len(one.threads) for one in MACHINE.processes)


def test_looking_at_a_token_reads_no_threads(machine: KernelMachine) -> None:
    process = machine.process(6104)
    assert isinstance(process.token, Token)
    before = machine.cost[0]
    assert isinstance(process.token, Token) and machine.cost[0] == before
    assert len(process.threads) == len(MACHINE.process(6104).threads)
    assert machine.cost[0] > before
    before = machine.cost[0]
    assert process.dump() is process.dump() and machine.cost[0] == before


def test_a_thread_presents_the_token_that_counts(machine: KernelMachine) -> None:
    declared = {one.tid: one for one in MACHINE.process(1120).threads}
    for thread in machine.threads("1120"):
        spec = declared[thread.tid]  # type: ignore[index]
        token: Any = thread.token
        wanted = spec.impersonates if spec.impersonates and not spec.stale else MACHINE.process(1120).token
        assert token.address == KERNEL.tokens[str(wanted)]


def test_what_is_paged_out_is_a_value() -> None:
    kernel = kernel_of(WINDOWS_11, everything_there=False)
    machine = KernelMachine(SyntheticSource(kernel))
    assert isinstance(machine.process("OneDrive.exe").token, Unreadable)
    with pytest.raises(NotAToken, match="there is no readable token"):
        machine.token(kernel.tokens["token-paged-out"])


def test_a_token_by_its_address(machine: KernelMachine) -> None:
    address = KERNEL.tokens["system"]
    assert machine.token(address).address == address and machine.about_token(address) == machine.about
    with pytest.raises(NotAToken, match="its object header says a Process object"):
        machine.token(KERNEL.processes[4])


def test_the_view_of_a_process_says_whose_it_is(machine: KernelMachine) -> None:
    view = machine.view("notepad.exe")
    born = MACHINE.process(6104).create_time
    assert view.kind is Kind.KERNEL and view.token.address == KERNEL.tokens["notepad"]
    assert view.process == "pid 6104 at 0x%x, created %d" % (KERNEL.processes[6104], born)
    assert view.label.endswith(", notepad.exe (pid 6104)")


def test_reprs_are_for_people(machine: KernelMachine) -> None:
    assert repr(machine.process(6104)) == "<Process notepad.exe pid 6104 at 0x%x>" % KERNEL.processes[6104]
    assert repr(machine).startswith("<KernelMachine: synthetic kernel")


NOTEPAD = SESSIONS / "notepad-22000-synthetic.kdtoken.gz"


def test_an_address_that_nothing_vouches_for_is_no_process() -> None:
    """A recording holds parts of memory only: bytes that happen to be there would make a process of any address."""
    with open_machine(NOTEPAD) as recording:
        (notepad,) = [one for one in recording.processes() if one.name == "notepad.exe"]
        (other,) = [one for one in recording.processes() if one.name == "lsass.exe"]
        # Eight bytes on, a pid and a name can be read, out of what are other fields.
        with pytest.raises(ProcessNotFound, match="nothing here says that 0x%x is a process" % (notepad.address + 8)):
            recording.find("%x" % (notepad.address + 8))
        assert recording.find("%x" % notepad.address).pid == 6104
        # Its object header was not recorded, but the list has it.
        assert recording.find("%x" % other.address).pid == other.pid


def test_the_debugger_is_asked_when_that_is_wanted(machine: KernelMachine) -> None:
    process = machine.process(6104)
    assert process.dump().cross_check is None
    check = process.dump(check=True).cross_check
    assert check is not None and check.agrees is True
    assert process.dump().cross_check == check  # read once


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_asked_over_the_wire(path: Path) -> None:
    """Requests and bytes of a target behind a cable, counted: they may fall, and nobody shall raise them unseen."""
    kernel = kernel_of(path)
    by_pid = KernelMachine(SyntheticSource(kernel))
    assert isinstance(by_pid.find("6104").token, Token)
    requests, size = by_pid.cost
    assert requests <= (11 if "ObHeaderCookie" in kernel.symbols else 12) and size <= 4820
    whole = KernelMachine(SyntheticSource(kernel))
    whole.find("6104").dump(False)  # with threads and the linked twin
    requests, size = whole.cost
    assert requests <= (17 if path == WINDOWS_7 else 18) and size <= 7870
    walked = KernelMachine(SyntheticSource(kernel))
    rows = list(walked.walk().rows)
    tokens = {row.token.address for row in rows if isinstance(row.token, Token)}
    sessions = {
        row.token.logon_session.address
        for row in rows
        if isinstance(row.token, Token) and isinstance(row.token.logon_session, LogonSession)
    }
    # A request each for a process and a token, two a logon session with its names, as many more as there are session
    # spaces and tokens that reach into a page more, and nt's variables in three or four places.
    assert walked.cost[0] <= len(rows) + len(tokens) + 3 * len(sessions) + (
        2 if "ObHeaderCookie" in kernel.symbols else 1
    )
    assert walked.cost[1] <= 82800


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_way_to_a_process_asks_for_its_own_variables(path: Path) -> None:
    """The list's head on the way to all; the table of ids and the type of a process on the way to one."""
    kernel = kernel_of(path)
    at = kernel.symbols

    def asked(name: str, source: SyntheticSource) -> bool:
        return any(start <= at[name] < start + size for start, size in source.log)

    walked = SyntheticSource(kernel)
    assert list(KernelMachine(walked).walk().rows)
    assert asked("PsActiveProcessHead", walked) and not asked("PsProcessType", walked)
    by_pid = SyntheticSource(kernel)
    machine = KernelMachine(by_pid)
    token: Any = machine.find("6104").token
    assert asked("PspCidTable", by_pid) and asked("PsProcessType", by_pid)
    # The logon sessions' table comes along where it costs no request, and where none is linked it is left out.
    near = at["SepLogonSessions"] - at["SeTokenObjectType"] < 0x280
    assert asked("SepLogonSessions", by_pid) is near
    requests = machine.cost[0]
    assert isinstance(machine.source.read(at["SepLogonSessions"], 8), bytes)
    assert machine.cost[0] == requests + (not near) and token.address
