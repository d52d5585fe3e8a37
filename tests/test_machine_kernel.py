"""A machine by its memory: handles that ask for what is looked at, each token once, and what they cost."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kdtoken.errors import KdTokenError, NotAToken, ProcessNotFound, UsageError
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.open import open_machine
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import FastRef
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


# --- addresses, ids and what is no process


def test_the_address_of_a_token_is_no_process_and_the_step_shows_the_token(machine: KernelMachine) -> None:
    token = KERNEL.tokens["lsass"]
    for address in (token, token | 7):  # as a fast reference prints it
        with pytest.raises(ProcessNotFound) as error:
            machine.find("%x" % address)
        assert error.value.next_step == "kdtoken dump --token 0x%x shows it" % token
    with pytest.raises(ProcessNotFound) as error:
        machine.find("%x" % KERNEL.base)
    assert "--token" not in error.value.next_step


def test_where_no_process_can_be_at_an_address_the_list_tells_whose_token_it_is() -> None:
    """A recording of one process: its token's bytes are there, and could be taken for a process."""
    with open_machine(NOTEPAD) as recording:
        reference = recording.find("notepad.exe").process.token
        assert isinstance(reference, FastRef)
        for address in (reference.object, reference.object | 5):
            with pytest.raises(ProcessNotFound) as error:
                recording.find("%x" % address)
            assert error.value.next_step == "kdtoken dump --token 0x%x shows it" % reference.object


def test_a_fast_reference_is_taken_for_the_token_that_it_refers_to(machine: KernelMachine) -> None:
    token = KERNEL.tokens["lsass"]
    assert machine.token(token | 0xF).address == machine.token(token).address == token
    with pytest.raises(NotAToken) as error:
        machine.token(0xFFFFDEAD00000000)
    assert error.value.message.startswith("there is no readable token at 0xffffdead00000000: ")


def test_what_has_no_token_and_whose_token_is_gone_cannot_be_compared() -> None:
    kernel = kernel_of(WINDOWS_11, everything_there=False)
    machine = KernelMachine(SyntheticSource(kernel))
    null = next(one for one in MACHINE.processes if one.token is None)
    with pytest.raises(KdTokenError, match="pid %d has no token: its reference is null" % null.pid):
        machine.view(str(null.pid))
    with pytest.raises(KdTokenError, match="the token of pid [0-9]+ is unreadable"):
        machine.view("OneDrive.exe")
    with pytest.raises(UsageError, match="which process"):
        machine.view()


def test_the_view_of_a_thread_says_whose_it_is_and_keeps_its_address(machine: KernelMachine) -> None:
    view = machine.view("1120:1128")
    assert view.label.endswith(", svchost.exe (thread 1128 of pid 1120)")
    assert (view.process, view.ethread, view.eprocess) == ("", KERNEL.threads[1128], KERNEL.processes[1120])
    own = machine.view("1120")
    assert own.ethread == 0 and own.process.startswith("pid 1120 at 0x%x, created " % KERNEL.processes[1120])


def test_the_parent_is_the_process_that_has_that_id_now(machine: KernelMachine) -> None:
    child = machine.find("notepad.exe")
    parent = machine.parent(child)
    said = MACHINE.process(6104).parent
    if any(one.pid == said for one in MACHINE.processes):
        assert parent is not None and parent.process.pid == said
        assert parent.process.address == KERNEL.processes[said]
    # By its pid the list was not read: it is looked up, on what costs little.
    alone = machine.find("6104")
    assert alone.others is None
    again = machine.parent(alone)
    assert (again is None) == (parent is None) and (again is None or again.process == parent.process)  # type: ignore[union-attr]
    idle = machine.find("4")
    assert machine.parent(idle) is None  # pid 0 is nobody's address


def test_a_process_that_is_its_own_parent_has_none(machine: KernelMachine) -> None:
    source = SyntheticSource(KERNEL)
    at = KERNEL.processes[6104] + source.layout("_EPROCESS").field("InheritedFromUniqueProcessId").offset
    mine = KernelMachine(source.poke(at, (6104).to_bytes(8, "little")))
    assert mine.parent(mine.find("6104")) is None and mine.parent(mine.find("notepad.exe")) is None


def test_a_torn_list_is_a_problem_of_what_was_found_on_it() -> None:
    source = SyntheticSource(KERNEL)
    link = KERNEL.processes[4120] + source.layout("_EPROCESS").field("ActiveProcessLinks").offset
    machine = KernelMachine(source.poke(link, (0xFFFFDEAD00001000).to_bytes(8, "little")))
    by_name = machine.find("notepad.exe")
    assert by_name.problems and by_name.dump().problems[: len(by_name.problems)] == by_name.problems
    assert machine.find("6104").problems == ()  # looked up without the list
    assert machine.processes() and machine.problems
    assert not machine.snapshot().whole and KernelMachine(SyntheticSource(KERNEL)).snapshot().whole


GONE = Unreadable(0x10, "paged out")


@pytest.mark.parametrize(
    "verdict, token_type, said",
    [
        # winnt.h: TokenPrimary 1, TokenImpersonation 2.
        (True, 1, ""),
        (True, 7, ""),  # the object header says that it is a token, whatever its members are
        (GONE, 1, ""),
        (GONE, 2, ""),
        (GONE, 0, "what would be its TokenType is 0"),
        (GONE, 3, "what would be its TokenType is 3"),
        (GONE, GONE, ""),  # neither can be asked: what there is is shown
        (False, 1, "0x%x is not a token: its object header says "),
    ],
)
def test_what_vouches_for_a_token_is_its_header_or_else_its_type(
    verdict: Any, token_type: Any, said: str, machine: KernelMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = KERNEL.tokens["notepad"]
    token = replace(machine.token(address), token_type=token_type)
    monkeypatch.setattr("kdtoken.machine.kernel.is_object_of", lambda source, at, kind: verdict)
    monkeypatch.setattr(machine, "_tokens", SimpleNamespace(at=lambda at: token if at == address else GONE))
    if not said:
        assert machine.token(address) is token
        return
    with pytest.raises(NotAToken) as caught:
        machine.token(address)
    assert (
        caught.value.subject == address and "kdtoken dump PROCESS finds the token by itself" == caught.value.next_step
    )
    message = caught.value.message
    assert said % address in message if "%" in said else message.endswith(said) and "0x%x" % address in message
    assert verdict is False or "its object header cannot be asked (unreadable at 0x10: paged out)" in message


def test_a_token_that_cannot_be_read_is_none(machine: KernelMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdtoken.machine.kernel.is_object_of", lambda source, at, kind: GONE)
    monkeypatch.setattr(machine, "_tokens", SimpleNamespace(at=lambda at: GONE))
    with pytest.raises(NotAToken) as caught:
        machine.token(0x7000)
    assert caught.value.message == "there is no readable token at 0x7000: unreadable at 0x10: paged out"


def test_a_parent_is_looked_up_where_the_list_was_not_read_and_only_on_what_costs_little(
    machine: KernelMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, alone = machine.find("notepad.exe"), machine.find("6104")
    assert child.others is not None and alone.others is None
    asked: list = []  # type: ignore[type-arg]

    def by_id(source: Any, pid: int) -> Any:
        asked.append(pid)
        return KERNEL.processes[744]

    monkeypatch.setattr("kdtoken.machine.kernel.process_by_id", by_id)
    parent = MACHINE.process(6104).parent
    machine.parent(child)
    assert asked == []  # its list tells
    found = machine.parent(alone)
    assert asked == [parent] and found is not None and found.process.pid == 744
    monkeypatch.setattr(type(machine), "about", replace(machine.about, live=True), raising=False)
    machine.about = replace(machine.about, live=True)
    assert machine.parent(alone) is None and asked == [parent]  # each question takes its time there
