"""A process and a thread of a machine: what is asked of it once, who is meant by a word, and how they show themselves."""

from typing import Any, List, Tuple

import pytest

from kdtoken.errors import ProcessNotFound
from kdtoken.machine.base import Walk
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.process import MachineProcess, MachineThread, Processes
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import Impersonation, Process, Thread
from kdtoken.model.token import Token
from kdtoken.source.base import About
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)


@pytest.fixture
def machine() -> KernelMachine:
    return KernelMachine(SyntheticSource(KERNEL).with_commands())


def test_a_dump_is_made_once_unless_a_check_is_asked_for(machine: KernelMachine, monkeypatch: Any) -> None:
    asked: List[bool] = []
    real = machine.dump
    monkeypatch.setattr(machine, "dump", lambda process, check: asked.append(check) or real(process, check))
    process = machine.find("notepad.exe")
    first = process.dump()
    assert process.dump() is first and asked == [False]
    assert process.details == first.details and process.linked_token == first.linked and process.token == first.token
    process.dump(True)
    process.dump(False)
    process.dump()
    assert asked == [False, True, False]


def test_a_process_tells_what_its_list_told(machine: KernelMachine) -> None:
    process, said = machine.find("lsass.exe"), MACHINE.process(744)
    assert (process.pid, process.parent_pid, process.name) == (744, said.parent, "lsass.exe")
    assert process.address == KERNEL.processes[744] and process.about == machine.about
    assert isinstance(process.token, Token) and process.token.address == KERNEL.tokens[str(said.token)]


@pytest.mark.parametrize("which, tid", [("1120:1128", 1128), ("svchost.exe:1128", 1128), ("0x460:0x468", 1128)])
def test_a_word_with_a_thread_means_that_thread(which: str, tid: int, machine: KernelMachine) -> None:
    if which.startswith("svchost"):
        which = "1120" + which[len("svchost.exe") :]  # of that name there are several
    found = machine.presenter(which)
    assert isinstance(found, MachineThread) and (found.tid, found.tid_text) == (tid, str(tid))
    assert found.address == KERNEL.threads[tid] and found.process.pid == 1120
    alone = machine.presenter("1120")
    assert isinstance(alone, MachineProcess) and alone.pid == 1120


def test_a_thread_that_is_not_there_is_said_with_those_that_are(machine: KernelMachine) -> None:
    tids = [str(one.tid) for one in MACHINE.process(744).threads]
    with pytest.raises(ProcessNotFound) as error:
        machine.presenter("744:3")
    assert error.value.message == "pid 744 has no thread 3"
    assert sorted(error.value.next_step.replace("its threads are ", "").split(", ")) == sorted(tids)


@pytest.mark.parametrize("count, step", [(0, "no thread of it is known"), (20, "19"), (21, "19, ...")])
def test_of_many_threads_the_first_twenty_are_named(
    count: int, step: str, machine: KernelMachine, monkeypatch: Any
) -> None:
    process = machine.find("744")
    threads = tuple(MachineThread(process, Thread(0x1000 + n, 744, n, None)) for n in range(count))
    monkeypatch.setattr(MachineProcess, "threads", threads)
    with pytest.raises(ProcessNotFound) as error:
        machine.presenter("744:99")
    assert error.value.next_step.endswith(step) and error.value.next_step.count(",") == max(0, min(count, 21) - 1)


def test_threads_of_one_process_or_of_all(machine: KernelMachine) -> None:
    of_one = machine.threads("744")
    assert [one.tid for one in of_one] == [one.tid for one in machine.threads(machine.find("744"))]
    assert {one.process.pid for one in of_one} == {744}
    assert len(machine.threads()) == sum(len(one.threads) for one in MACHINE.processes)


def test_whom_a_thread_acts_for_decides_which_token_it_presents(machine: KernelMachine) -> None:
    process = machine.find("1120")
    seen = {thread.tid: thread for thread in process.threads}
    for spec in MACHINE.process(1120).threads:
        thread = seen[spec.tid]
        acts = bool(spec.impersonates) and not spec.stale
        assert isinstance(thread.impersonation, Impersonation) is acts
        assert repr(thread) == "<Thread %d of svchost.exe at 0x%x%s>" % (
            spec.tid,
            KERNEL.threads[spec.tid],
            ", impersonating" if acts else "",
        )
        assert thread.token.address == KERNEL.tokens[str(spec.impersonates if acts else MACHINE.process(1120).token)]
    # Where nobody can tell whom it acts for, nobody can tell what it presents.
    gone = Unreadable(0x10, "paged out")
    assert MachineThread(process, Thread(0x20, 1120, 4, gone)).token is gone


def test_what_a_notebook_shows_is_escaped_and_says_what_is_not_known(machine: KernelMachine) -> None:
    hostile = Process(0x10, 4, "<b>\x1b[2Ja.exe", Unreadable(0, "paged out"), 0)
    odd = MachineProcess(machine, hostile)
    assert repr(odd) == "<Process <b>\\x1b[2Ja.exe pid 4 at 0x10>"
    nameless = MachineProcess(machine, Process(0, Unreadable(0, "x"), Unreadable(0, "x"), Unreadable(0, "x"), 0))
    assert repr(nameless).startswith("<Process ? pid ") and " at 0x" not in repr(nameless).split("pid")[1].split("(")[0]
    shown = machine.find("744")._repr_html_()
    cells = ("<td>pid</td><td>744</td>", "<td>parent pid</td><td>%d</td>" % MACHINE.process(744).parent)
    assert all(cell in shown for cell in (*cells, "<td>EPROCESS</td><td>0x%x</td>" % KERNEL.processes[744]))
    assert "<caption>lsass.exe</caption>" in shown and shown.count("<table>") > 1  # its token too
    table = Processes([odd])._repr_html_()
    assert "<caption>1 process</caption>" in table and "&lt;b&gt;" in table and "\x1b" not in table
    assert "<th>pid</th><th>name</th><th>parent</th><th>EPROCESS</th>" in table
    thread = machine.threads("744")[0]
    html = thread._repr_html_()
    assert "<td>thread</td><td>%s</td>" % thread.tid_text in html
    assert "<td>ETHREAD</td><td>0x%x</td>" % thread.address in html


def test_a_machine_is_let_go_of_once_and_last_first(machine: KernelMachine) -> None:
    done: List[int] = []
    machine.closing += [lambda: done.append(1), lambda: done.append(2)]
    with machine as same:
        assert same is machine
    machine.close()
    assert done == [2, 1]


def walked(machine: KernelMachine, threads: bool) -> Tuple[Walk, List[Any]]:
    walk = machine.walk(threads)
    return walk, list(walk.rows)


def test_a_walk_reads_threads_only_where_they_are_asked_for(machine: KernelMachine) -> None:
    walk, rows = walked(machine, False)
    assert walk.total == len(rows) == len(MACHINE.processes) and all(row.threads == () for row in rows)
    _, rows = walked(machine, True)
    assert [len(row.threads) for row in rows] == [len(one.threads) for one in MACHINE.processes]
    assert machine.snapshot(rows).processes == tuple(rows)


def test_a_process_is_of_its_own_source_where_that_is_told(machine: KernelMachine) -> None:
    process = machine.process(6104)
    other = About("another", "10.0.1")
    assert MachineProcess(machine, process.process).about is machine.about
    assert MachineProcess(machine, process.process, about=other).about is other
