"""`!process` and `!thread` texts: golden expectations by hand, and the round trip on every build."""

from pathlib import Path

import pytest

from kdtoken.layout.layout_file import load_layouts
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.process import FastRef, Impersonation
from kdtoken.view.debugger import process_command
from kdtoken.view.debugger.process_command import PartialProcesses, read_process_text
from kdtoken.view.debugger.text import _among, read_debugger_text
from kdtoken.view.lines import Line
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.standin_text import commands
from tests.view_facts import facts_in, facts_of_debugger

ROOT = Path(__file__).resolve().parent.parent
VIEWS = ROOT / "fixtures" / "views"
LAYOUTS = sorted((ROOT / "fixtures" / "layouts").glob("nt-*.json"))


def read(name: str) -> PartialProcesses:
    return read_process_text((VIEWS / name).read_text(encoding="utf-8"), name)


def test_processes_and_what_their_threads_run_under() -> None:
    texts = read("process-threads.txt")
    system, service = texts.processes
    assert (system.process.address, system.process.pid, system.process.image_name) == (0xFFFFC10203040040, 4, "System")
    assert system.session is None and service.session == 0
    assert (system.handle_count, system.directory_base, system.peb) == (2486, 0x1AA002, 0)
    assert system.process.token == FastRef(0xFFFFD10203003060, 0) and service.process.parent_pid == 0x2D4
    assert [one.thread.impersonation for one in system.threads] == [None]
    assert [one.thread.impersonation for one in service.threads] == [
        Impersonation(0xFFFFD1020300A060, 2, NotSaid("!process")),
        Impersonation(0xFFFFD1020300B060, 1, NotSaid("!process")),
    ]
    assert [(one.thread.pid, one.thread.tid) for one in service.threads] == [(0x460, 0x468), (0x460, 0x46C)]


def test_places() -> None:
    _, service = read("process-threads.txt").processes
    assert str(service.places["address"]) == "process-threads.txt:27"
    assert str(service.places["token"]) == "process-threads.txt:31"
    assert str(service.threads[0].places["impersonation"]) == "process-threads.txt:35"


def test_a_thread_alone_tells_its_process() -> None:
    (thread,) = read("process-threads.txt").threads
    assert (thread.owner, thread.image, thread.thread.impersonation) == (0xFFFFC10203044080, "notepad.exe", None)


def test_remarks_are_listed() -> None:
    assert [line.text.strip()[:7] for line in read("process-threads.txt").not_understood] == ["Token  ", "a remar"]


def test_the_forms_of_xp() -> None:
    texts = read("process-xp.txt")
    (process,) = texts.processes
    assert (process.process.address, process.process.pid, process.session) == (0x82ABCDA0, 0x62C, 0)
    assert process.process.token == FastRef(0xE1BAD030, 0) and process.process.parent_pid == 0x124
    assert isinstance(process.handle_count, NotSaid)
    assert texts.threads[0].owner == 0x82ABCDA0 and texts.not_understood == ()


def test_what_the_debugger_could_not_read() -> None:
    (process,) = read("token-filtered.txt").processes
    assert isinstance(process.handle_count, Unreadable) and process.handle_count.reason == "Data Not Accessible"


def test_the_number_that_was_searched_for_stands_in_for_a_lost_line() -> None:
    (one,) = read_process_text("kd> !process 1 0\nSearching for Process with Cid == 1a\nPROCESS 81234567\n").processes
    (other,) = read_process_text("PROCESS 81234567\n").processes
    assert one.process.pid == 0x1A and isinstance(other.process.pid, NotSaid)


def test_a_block_in_one_line() -> None:
    text = " ".join((VIEWS / "process-threads.txt").read_text(encoding="utf-8").split("\n")[2:9])
    (process,) = read_process_text(text).processes
    assert (process.process.pid, process.process.image_name) == (4, "System")
    assert process.process.token == FastRef(0xFFFFD10203003060, 0)


@pytest.mark.parametrize("text", ["", "PROCESS", "PROCESS of law", "THREAD x", "Token: 5", "Image: x", "!process"])
def test_a_text_without_a_process_has_none(text: str) -> None:
    texts = read_process_text(text)
    assert texts.processes == () and texts.threads == ()


@pytest.mark.parametrize("path", sorted(VIEWS.glob("process-*.txt")), ids=lambda path: path.stem)
def test_no_fact_of_a_fixture_is_lost(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert facts_in(text) - facts_of_debugger(read_debugger_text(text)) == set()


@pytest.mark.parametrize("layouts", LAYOUTS, ids=lambda path: path.stem)
def test_the_stand_ins_text_gives_the_declared_processes(layouts: Path) -> None:
    kernel = build(MACHINE, load_layouts(layouts))
    texts = commands(kernel)
    for spec in MACHINE.processes:
        found = read_process_text(texts["!process %x 1" % kernel.processes[spec.pid]])
        (one,) = found.processes
        token = 0 if spec.token is None else kernel.tokens[spec.token]
        assert (one.process.address, one.process.pid) == (kernel.processes[spec.pid], spec.pid)
        assert one.process.token == FastRef(token, 0)
        assert (one.process.parent_pid, one.session, one.peb) == (spec.parent, spec.session, spec.peb)
        assert one.process.image_name == spec.image_name.decode("latin-1").strip()
        assert found.not_understood == ()
    everything = read_process_text(texts["!process 0 0"])
    assert [one.process.pid for one in everything.processes] == [spec.pid for spec in MACHINE.processes]


def test_a_stack_line_that_names_a_token_structure_is_not_passed_over() -> None:
    """Two lines that ran into one: what stands behind the stack may be somebody's token."""
    text = (
        "PROCESS ffffe68900001080  SessionId: 1  Cid: 17d8    Peb: 5c000  ParentCid: 0f14\n"
        "    Image: notepad.exe\n"
        "        fffff803`12405650 nt!SeTokenIsAdmin+0x76 _TOKEN ffffcc8a1420a800\n"
        "        fffff803`12405650 nt!SeTokenIsAdmin+0x76\n"
    )
    assert [line.number for line in read_process_text(text, "joined").not_understood] == [3]


@pytest.mark.parametrize("second", ["Not impersonating", "Impersonation token:  ffffd1020300f060 (Level Delegation)"])
def test_what_a_thread_impersonates_is_told_once(second: str) -> None:
    """A second line of it is another thread's, whose head was lost: it changes nothing, and is listed."""
    text = (
        "THREAD ffffc10203092080  Cid 0460.0468  Teb: 0000005d40003000 Win32Thread: 0000000000000000 WAIT: (UserRequest)\n"
        "Impersonation token:  ffffd1020300a060 (Level Impersonation)\n" + second + "\n"
    )
    found = read_process_text(text)
    (thread,) = found.threads
    assert thread.thread.impersonation == Impersonation(0xFFFFD1020300A060, 2, NotSaid("!process"))
    assert [line.text for line in found.not_understood] == [second]


BLOCK = "PROCESS ffffc102030%05x\n    SessionId: 1  Cid: %04x    Peb: 00000000  ParentCid: 0004\n    Image: a.exe\n"


def test_more_processes_than_a_text_can_have_are_not_read_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_command, "_MOST_PROCESSES", 3)
    texts = read_process_text("kd> !process 0 0\n" + "".join(BLOCK % (n << 12, 4 * n) for n in range(1, 6)))
    assert [one.process.pid for one in texts.processes] == [4, 8, 12]
    assert texts.torn == ("line 11: over 3 were printed, and what follows was not read",)
    assert texts.not_understood == ()
    # As many as there may be are all of them.
    texts = read_process_text("kd> !process 0 0\n" + "".join(BLOCK % (n << 12, 4 * n) for n in range(1, 4)))
    assert (len(texts.processes), texts.torn) == (3, ())


def test_lines_that_neither_view_knows_are_told_apart_by_themselves() -> None:
    """Equal lines, of which one is known where it stands; also where they come out of their order."""
    known = "    Image: a.exe"
    texts = read_debugger_text("!process 0 0\n" + BLOCK % (1 << 12, 4) + known + "\nwhat is this\nwhat is this\n")
    assert [(line.number, line.text) for line in texts.not_understood] == [
        (5, known),  # the block has its name
        (6, "what is this"),
        (7, "what is this"),
    ]
    lines = [Line(1, "x"), Line(2, "x"), Line(3, "x"), Line(4, "x")]
    assert list(_among(lines, [])) == [0, 0, 0, 0]
    assert list(_among(lines, [lines[1], lines[3]])) == [0, 1, 0, 1]
    assert list(_among(lines, [lines[3], lines[0], lines[3]])) == [1, 0, 0, 1]
