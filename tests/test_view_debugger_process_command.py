"""`!process` and `!thread` texts: golden expectations by hand, and the round trip on every build."""

from pathlib import Path
from typing import List, Optional

import pytest

from kdtoken.layout.layout_file import load_layouts
from kdtoken.model.absent import Fragment, NotSaid, Unreadable
from kdtoken.model.process import FastRef, Impersonation
from kdtoken.view.debugger import process_command
from kdtoken.view.debugger.process_command import PartialProcesses, read_process_text
from kdtoken.view.debugger.process_text import PartialProcess
from kdtoken.view.debugger.text import read_debugger_text
from kdtoken.view.leftovers import among
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


def test_more_threads_than_a_text_can_have_are_not_read_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the process in which that happens taken for one whose threads are all told."""
    monkeypatch.setattr(process_command, "_MOST_THREADS", 3)
    thread = "        THREAD ffffc102030%05x  Cid 0004.%04x  Teb: 0000000000000000 Win32Thread: 0000000000000000 WAIT\n"
    many = [thread % (n << 12, 4 * n) for n in range(1, 6)]
    texts = read_process_text("kd> !process 0 7\n" + BLOCK % (1 << 8, 4) + "".join(many) + BLOCK % (2 << 8, 8))
    (process,) = texts.processes
    assert [one.thread.tid for one in process.threads] == [4, 8, 12]
    assert isinstance(process.threads, Fragment) and process.threads.why == "what follows was not read (line 8)"
    assert texts.torn == ("line 8: over 3 threads were printed, and what follows was not read",)
    # Threads of no process that is told of stand for processes, and count as those.
    monkeypatch.setattr(process_command, "_MOST_PROCESSES", 2)
    texts = read_process_text("kd> !thread\n" + "".join(many[:3]))
    assert [one.thread.tid for one in texts.threads] == [4, 8]
    assert texts.torn == ("line 4: over 2 were printed, and what follows was not read",)
    texts = read_process_text("kd> !process 0 7\n" + BLOCK % (1 << 8, 4) + "".join(many[:3]))
    assert (len(texts.processes[0].threads), type(texts.processes[0].threads), texts.torn) == (3, tuple, ())


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
    assert list(among(lines, [])) == [0, 0, 0, 0]
    assert list(among(lines, [lines[1], lines[3]])) == [0, 1, 0, 1]
    assert list(among(lines, [lines[3], lines[0], lines[3]])) == [1, 0, 0, 1]
    # Pieces of one line, in any order; and a line of nobody's, with the number of one.
    pieces = [Line(1, "x"), Line(1, "x"), Line(1, "x"), Line(2, "x")]
    assert list(among(pieces, [pieces[2], Line(1, "x"), pieces[0]])) == [1, 0, 1, 0]
    assert list(among(pieces, [Line(0, "x"), Line(2, "x")])) == [0, 0, 0, 0]


HEAD = "kd> !process 0 7\nPROCESS ffffc10203042080\n    SessionId: 0  Cid: 0460    Peb: 5d40002000  ParentCid: 02d4\n"
THREAD = "        THREAD ffffc10203052080  Cid 0460.0468  Teb: 0000005d40003000 Win32Thread: 0000000000000000 WAIT\n"
IMAGE = "    Image: svchost.exe\n"


def unknown(text: str) -> List[int]:
    return [line.number for line in read_process_text(text).not_understood]


def one(text: str) -> PartialProcess:
    (process,) = read_process_text(text, "a.txt").processes
    return process


def test_each_value_of_a_process_with_its_line() -> None:
    text = HEAD + "    DirBase: 2b3c4d002  ObjectTable: ffffd10203007000  HandleCount:  90.\n" + IMAGE
    found = one(text + "    Token                             ffffd10203009730\n")
    assert (found.process.address, found.process.pid, found.process.parent_pid) == (0xFFFFC10203042080, 0x460, 0x2D4)
    assert (found.session, found.peb, found.directory_base) == (0, 0x5D40002000, 0x2B3C4D002)
    assert (found.object_table, found.handle_count) == (0xFFFFD10203007000, 90)
    assert {name: place.line for name, place in found.places.items()} == {
        "address": 2,
        "SessionId": 3,
        "Cid": 3,
        "Peb": 3,
        "ParentCid": 3,
        "DirBase": 4,
        "ObjectTable": 4,
        "HandleCount": 4,
        "Image": 5,
        "token": 6,
    }
    nothing = one("PROCESS ffffc10203042080\n")
    unsaid = [nothing.session, nothing.peb, nothing.directory_base, nothing.object_table, nothing.handle_count]
    assert unsaid == [NotSaid("!process")] * 5
    assert nothing.process.parent_pid == nothing.process.image_name == nothing.process.token == NotSaid("!process")


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ("SessionId: 0  Cid: 046    Peb: 5d40002000  ParentCid: 02d4", "Cid"),  # four digits at least
        ("SessionId: 0  Cid: 0460    Peb: 5d40002000  ParentCid: 02d", "ParentCid"),
        ("DirBase: 2b3c4d002  ObjectTable: ffffd10203007000  HandleCount:  90", "HandleCount"),  # its full stop
        ("DirBase: 2b3c4d002  ObjectTable: ffffd102030", "ObjectTable"),  # a pointer into the kernel lost its end
        ("SessionId: 0  Cid: 0460    Peb: 5d4000", "Peb"),  # something stands behind it in every output
        ("SessionId: 0  Cid: 0460", "Cid"),
        ("DirBase: 2b3c4d00..", "DirBase"),
    ],
)
def test_a_value_that_lost_its_end_is_not_said(fields: str, lost: str) -> None:
    text = "PROCESS ffffc10203042080\n    " + fields + "\n"
    assert lost not in one(text).places and unknown(text) == [2]


def test_of_values_with_their_ends_those_before_a_cut_one_are_kept() -> None:
    found = one("PROCESS ffffc10203042080\n    SessionId: 1  Cid: 0460    Peb: 5d4000\n")
    assert (found.session, found.process.pid, found.peb) == (1, 0x460, NotSaid("!process"))


def test_a_field_is_of_the_block_whose_head_it_stands_in() -> None:
    """Behind the image, a blank line or a cut the same labels are another object's."""
    second = "    SessionId: 5  Cid: 0999    Peb: 0000000001  ParentCid: 0888\n"
    for between in ("", IMAGE, "\n", "   \n", "...\n"):
        text = "PROCESS ffffc10203042080\n" + between + second
        found = read_process_text(text)
        taken = between == ""
        assert (found.processes[0].session == 5) is taken, between
        assert (len(found.not_understood) == 0) is taken
    # Told twice in one head: the first counts.
    assert (one(HEAD + second).session, one(HEAD + second).process.pid) == (0, 0x460)
    assert unknown(second) == [1]  # of no process at all


def test_the_image_and_the_token_are_told_once() -> None:
    token = "    Token                             %s\n"
    found = read_process_text(
        HEAD + IMAGE + "    Image: other.exe\n" + token % "ffffd10203009730" + token % "ffffd1020300a730"
    )
    (process,) = found.processes
    assert process.process.image_name == "svchost.exe" and process.process.token == FastRef(0xFFFFD10203009730, 0)
    assert [line.number for line in found.not_understood] == [5, 7]
    assert [line.number for line in process.not_understood] == [5, 7]


@pytest.mark.parametrize(
    "line",
    [
        "    Token                             ffffd102030",  # a kernel pointer that lost its end
        "    Token                             00000000d1020300",
        "    Token                             ffffd10203009730 of somebody",
        "    Token                             ffffd1020300973?",
    ],
)
def test_a_token_whose_address_is_mangled_is_listed(line: str) -> None:
    found = read_process_text(HEAD + IMAGE + line + "\n")
    assert [one.number for one in found.not_understood] == [5]
    if "somebody" not in line:
        assert found.processes[0].process.token == NotSaid("!process")


def test_an_image_without_a_name_and_one_beside_another_text() -> None:
    assert one(HEAD + "    Image:\n").process.image_name == NotSaid("!process")
    assert unknown(HEAD + "    Image:\n") == [] == unknown(HEAD + "    Image: a.exe\n")
    for mangled in ("svchost.exe     and a column", "svchost</a", "svchost.exe S-1-5-18"):
        assert unknown(HEAD + "    Image: " + mangled + "\n") == [4], mangled
    assert one(HEAD + "    Image: System Idle   Process\n").process.image_name == "System Idle   Process"


def test_the_first_line_of_a_block_of_another_debugger() -> None:
    """HyperDbg prints `Process Id:`, the directory and the image on one line below the head."""
    line = "    Process Id: 1b40  DirBase (Kernel Cr3): 00000001aa002000  Image: cmd.exe\n"
    found = one("PROCESS ffffc10203042080\n" + line)
    assert (found.process.pid, found.process.image_name) == (0x1B40, "cmd.exe")
    assert (found.places["Cid"].line, found.places["Image"].line) == (2, 2)
    assert one(HEAD + line).process.pid == 0x460 and unknown(HEAD + line) == [4]


# --- threads ---


def test_a_thread_is_its_process_s_only_by_its_number() -> None:
    found = read_process_text(HEAD + IMAGE + THREAD + THREAD.replace("0460.", "0461."))
    assert [(one.thread.address, one.thread.pid, one.thread.tid) for one in found.processes[0].threads] == [
        (0xFFFFC10203052080, 0x460, 0x468)
    ]
    assert [one.thread.pid for one in found.threads] == [0x461]
    # Of a block whose number is not told it may be one.
    unsaid = read_process_text("PROCESS ffffc10203042080\n" + THREAD)
    assert len(unsaid.processes[0].threads) == 1 and unsaid.threads == ()


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("THREAD ffffc10203052080  Cid 0460.0468", True),
        ("THREAD ffffc10203052080  Cid 0460.046", False),  # four digits: its end was cut off
        ("THREAD ffffc10203052080  Cid 0460.046  Teb: 0", True),
        ("THREAD ffffc10203052080  Cid 0460", False),
        ("THREAD ffffc102030  Cid 0460.0468", False),
    ],
)
def test_a_thread_s_head_with_and_without_its_end(line: str, taken: bool) -> None:
    found = read_process_text(line + "\n")
    assert len(found.threads) == int(taken) and (found.not_understood == ()) is taken


LEVELS = [("Anonymous", 0), ("Identification", 1), ("Impersonation", 2), ("Delegation", 3)]


@pytest.mark.parametrize(("word", "level"), LEVELS)
def test_each_impersonation_level(word: str, level: int) -> None:
    """winnt.h SECURITY_IMPERSONATION_LEVEL."""
    (thread,) = read_process_text(
        THREAD + "Impersonation token:  ffffd1020300a060 (Level %s)\n" % word, "a.txt"
    ).threads
    assert thread.thread.impersonation == Impersonation(0xFFFFD1020300A060, level, NotSaid("!process"))
    assert str(thread.places["impersonation"]) == "a.txt:2"


def test_impersonation_that_is_mangled_is_no_level_and_no_token() -> None:
    found = read_process_text(THREAD + "Impersonation token:  ffffd1020300a060 (Level Impers)\n")
    said = found.threads[0].thread.impersonation
    assert isinstance(said, Unreadable) and said.address == 0xFFFFD1020300A060 and "(Level Impers)" in said.reason
    assert [line.number for line in found.not_understood] == [2]
    for line in (
        "Impersonation token:  00000000d1020300 (Level Impersonation)",
        "Impersonation token:  (Level Impersonation)",
    ):
        found = read_process_text(THREAD + line + "\n")
        assert found.threads[0].thread.impersonation == NotSaid("!process"), line
        assert [one.number for one in found.not_understood] == [2]
    # Of no thread at all.
    assert unknown(HEAD + "Impersonation token:  ffffd1020300a060 (Level Impersonation)\n") == [4]
    assert unknown(HEAD + "Not impersonating\n") == [4]
    # Words that begin alike say something else.
    found = read_process_text(THREAD + "Not signed\n")
    assert found.threads[0].thread.impersonation == NotSaid("!process") and [
        o.number for o in found.not_understood
    ] == [2]


@pytest.mark.parametrize(
    ("line", "owner", "image", "understood"),
    [
        (
            "Owning Process            ffffc10203042080       Image:         svchost.exe",
            0xFFFFC10203042080,
            "svchost.exe",
            True,
        ),
        ("Owning Process            0       Image:         <Unknown>", None, None, True),
        ("Owning Process            ffffc10203042080       Image:         N/A", 0xFFFFC10203042080, None, True),
        ("Owning Process            ffffc10203042080       Image:         a     b", 0xFFFFC10203042080, None, True),
        ("Owning Process            ffffc10203042080", 0xFFFFC10203042080, None, True),
        ("Owning Process            4203042080       Image:         svchost.exe", None, None, False),  # half a pointer
    ],
)
def test_the_owner_of_a_thread(line: str, owner: Optional[int], image: Optional[str], understood: bool) -> None:
    nothing = NotSaid("!process")
    found = read_process_text(THREAD + line + "\n", "a.txt")
    (thread,) = found.threads
    assert (thread.owner, thread.image) == (nothing if owner is None else owner, nothing if image is None else image)
    assert (found.not_understood == ()) is understood
    assert ("owner" in thread.places) is (owner is not None)


def test_windows_7_s_extension_prints_the_low_half_of_the_owner() -> None:
    """It is the process whose block this is, or nobody knows whose."""
    line = "Owning Process            3042080       Image:         svchost.exe\n"
    (thread,) = one(HEAD + IMAGE + THREAD + line).threads
    assert thread.owner == 0xFFFFC10203042080 and thread.image == "svchost.exe"
    (thread,) = one(HEAD + IMAGE + THREAD + line.replace("3042080", "03042081")).threads
    assert thread.owner == NotSaid("!process")
    (thread,) = read_process_text(THREAD + line.replace("3042080", "03042080")).threads
    assert thread.owner == NotSaid("!process")


# --- commands, cuts and errors ---


def test_a_command_ends_a_block() -> None:
    token = "    Token                             ffffd10203009730\n"
    for command in ("kd> k\n", "kd>\n", "kd> !process 0 0\n"):
        found = read_process_text(HEAD + IMAGE + command + token)
        assert found.processes[0].process.token == NotSaid("!process") and 6 in [o.number for o in found.not_understood]
    text = "kd> !process 0 0\nkd> !THREAD ffffc10203052080\nkd> !exts.process -1 0\nkd> k\n"
    assert [line.number for line in read_process_text(text).commands] == [1, 2, 3] and unknown(text) == [4]
    assert unknown("kd> !process S-1-5-18 0\n") == [1]


def test_output_behind_a_prompt_is_output() -> None:
    (process,) = read_process_text("1: kd> PROCESS ffffc10203042080\n    Image: svchost.exe\n").processes
    assert (process.process.address, process.process.image_name) == (0xFFFFC10203042080, "svchost.exe")
    (thread,) = read_process_text("1: kd> " + THREAD.strip() + "\n").threads
    assert thread.thread.tid == 0x468


def test_what_a_search_looked_for_is_the_number_of_the_next_block_only() -> None:
    search = "Searching for Process with Cid == 1b40\n"
    found = read_process_text(search + "PROCESS ffffc10203042080\n\nPROCESS ffffc10203043080\n", "a.txt").processes
    assert [one.process.pid for one in found] == [0x1B40, NotSaid("!process")]
    assert str(found[0].places["Cid"]) == "a.txt:1"
    for between in ("kd> k\n", "**** NT ACTIVE PROCESS DUMP ****\n", "...\n"):
        assert one(search + between + "PROCESS ffffc10203042080\n").process.pid == NotSaid("!process"), between


def test_a_cut_leaves_open_whose_the_lines_behind_it_are() -> None:
    token = "    Token                             ffffd10203009730\n"
    found = read_process_text(HEAD + IMAGE + "...\n" + token)
    (process,) = found.processes
    assert process.process.token == NotSaid("!process") and [line.number for line in found.not_understood] == [6]
    assert isinstance(process.threads, Fragment) and process.threads.why == "lines are left out in it (line 5)"
    # Behind a cut no labels are of the head above it: another's may be left out.
    second = "    SessionId: 5  Cid: 0999    Peb: 0000000001  ParentCid: 0888\n"
    asked = "kd> !process ffffc10203042080 7\nPROCESS ffffc10203042080\n"
    assert (one(asked + second).session, one(asked + second).process.pid) == (5, 0x999)
    process = one(asked + "...\n" + second)
    assert (process.session, process.process.pid) == (NotSaid("!process"), NotSaid("!process"))
    # Asked for one process by its address, all is of that one.
    for command in ("!process ffffc10203042080 7", "!process -1 7", "!process 0xffffc102`03042080"):
        process = one(HEAD.replace("!process 0 7", command) + IMAGE + "...\n" + token)
        assert process.process.token == FastRef(0xFFFFD10203009730, 0)
    assert not isinstance(one(HEAD + IMAGE).threads, Fragment)


@pytest.mark.parametrize(
    ("error", "of_all"),
    [
        ("TYPE mismatch for thread object at ffffc10203052080", False),
        ("NO ETHREAD DATA", False),
        ("Unable to read nt!_LIST_ENTRY at ffffc10203052080", False),
        ("TYPE mismatch for process object at ffffc10203052080", True),
        ("NO EPROCESS DATA", True),
    ],
)
def test_an_error_that_ends_a_list_is_said_of_the_list(error: str, of_all: bool) -> None:
    """Of threads, of the process's; of processes, of the whole text: others may not be listed."""
    found = read_process_text(HEAD + IMAGE + THREAD + error + "\n" + THREAD)
    (process,) = found.processes
    assert [line.number for line in found.errors] == [6] and found.not_understood == ()
    assert isinstance(process.threads, Fragment) is not of_all
    assert found.torn == (("line 6: " + error,) if of_all else ())
    assert [len(process.threads), len(found.threads)] == ([1, 1] if of_all else [2, 0])
    if not of_all:
        assert process.threads.why == "the debugger could not read all of it: %s (line 6)" % error
    # Before any block it is of the list of processes.
    assert read_process_text("kd> !process 0 7\n" + error + "\n").torn == ("line 2: " + error,)
    assert read_process_text(error + "\n").torn == ()


def test_other_errors_are_kept_and_tear_nothing() -> None:
    found = read_process_text(HEAD + IMAGE + "Unable to get the time\n")
    assert [line.number for line in found.errors] == [5] and found.torn == () == found.not_understood
    assert not isinstance(found.processes[0].threads, Fragment)
    assert unknown("Unable to get the time\n") == [1]
    # Asked for, with no block yet; and of a block for which nobody asked in this text.
    for text, number in (
        ("kd> !process 0 7\nUnable to get the time\n", 2),
        (HEAD[HEAD.index("PROCESS") :] + "Unable to get the time\n", 3),
    ):
        found = read_process_text(text)
        assert [line.number for line in found.errors] == [number] and found.not_understood == ()
    assert unknown(HEAD + "Unable to find S-1-5-18\n") == [4]


def test_a_mangled_head_ends_the_block_before() -> None:
    token = "    Token                             ffffd10203009730\n"
    found = read_process_text(HEAD + IMAGE + "PROCESS ffffc102#3043080\n" + token)
    assert found.processes[0].process.token == NotSaid("!process")
    assert [line.number for line in found.not_understood] == [5, 6]
    said = "        Impersonation token:  ffffd1020300a060 (Level Impersonation)\n"
    (thread,) = one(HEAD + IMAGE + THREAD + "        THREAD ffffc102#3052080\n" + said).threads
    assert thread.thread.impersonation == NotSaid("!process")
    # The process goes on.
    assert one(HEAD + IMAGE + THREAD + "        THREAD ffffc102#3052080\n" + token).process.token == FastRef(
        0xFFFFD10203009730, 0
    )


@pytest.mark.parametrize("width, kept", [(60, False), (61, True)])
def test_a_value_at_the_width_of_the_console_may_go_on(width: int, kept: bool) -> None:
    """What stands behind it at the line's begin may be its rest; behind blanks it is a line of its own."""
    wide, head = "y" * width + "\n", "PROCESS ffffc10203042080\n"
    name = "    Image: ".ljust(48) + "service-host"
    token = "    Token ".ljust(44) + "ffffd10203009730"
    owning = ("Owning Process            ffffc10203042080       Image: ").ljust(56) + "host"
    assert {len(name), len(token), len(owning)} == {60}
    assert (one(wide + head + name + "\nrest.exe\n").process.image_name == "service-host") is kept
    assert (one(wide + head + token + "\nrest\n").process.token == FastRef(0xFFFFD10203009730, 0)) is kept
    (thread,) = read_process_text(wide + THREAD[8:60] + "\n" + owning + "\nrest\n").threads
    assert (thread.image == "host") is kept
    indented = one(wide + head + name + "\n  what is it\n")
    assert indented.process.image_name == "service-host"


def test_a_token_s_line_that_was_put_behind_another_is_read() -> None:
    joined = HEAD + "    Image: svchost.exe  Token  ffffd10203009730\n"
    found = read_process_text(joined)
    assert found.processes[0].process.image_name == "svchost.exe"
    assert found.processes[0].process.token == FastRef(0xFFFFD10203009730, 0) and found.not_understood == ()
    said = "DeviceMap  ffffd10203002000  Impersonation token:  ffffd1020300a060 (Level Impersonation)\n"
    (thread,) = read_process_text(THREAD + said).threads
    assert thread.thread.impersonation == Impersonation(0xFFFFD1020300A060, 2, NotSaid("!process"))


def test_what_another_command_prints_is_not_taken_for_a_stack_of_process() -> None:
    """Behind `!process` a line that begins with an address is of a call stack; behind `lm` nobody here knows it."""
    row = "fffff802`1a2b3000 fffff802`1b0f9000   nt\n"
    asked = (
        "kd> !process 0 7\nPROCESS ffffc10203044080\n    SessionId: 1  Cid: 0460    Peb: 00000000  ParentCid: 02d4\n"
    )
    assert read_process_text(asked + row).not_understood == ()
    lost = read_process_text(asked + "kd> lm\n" + row).not_understood
    assert [line.text for line in lost if line.text.strip()] == ["kd> lm", row.rstrip("\n")]
    assert [line.text for line in read_process_text(row).not_understood] == [row.rstrip("\n")]


# Lines of `!process 0 7` that say nothing of tokens, as the page "!process" of learn.microsoft.com and published logs have
# them, of a process and of its threads.
OTHERS = """    VadRoot ffffc10203045670 Vads 91 Clone 0 Private 497. Modified 12. Locked 0.
    DeviceMap ffffd10203002000
    ElapsedTime                       00:01:02.345
    UserTime                          00:00:00.015
    KernelTime                        00:00:00.031
    QuotaPoolUsage[PagedPool]         123456
    QuotaPoolUsage[NonPagedPool]      12345
    Working Set Sizes (now,min,max)  (1234, 50, 345) (4936KB, 200KB, 1380KB)
    PeakWorkingSetSize                1300
    VirtualSize                       2101234 Mb
    PeakVirtualSize                   2101240 Mb
    PageFaultCount                    1999
    MemoryPriority                    BACKGROUND
    BasePriority                      8
    CommitCharge                      789
    Job                               ffffc10203047890
    DebugPort                         ffffc10203047890
    IRP List:
    Wait Start TickCount      1234           Ticks: 567 (0:00:00:08.859)
    Context Switch Count      89             IdealProcessor: 0
    Win32 Start Address ntdll!TppWorkerThread (0x00007ffd12345678)
    Start Address nt!KiStartUserThread (0xfffff80212345678)
    Stack Init ffffd08012345c90 Current ffffd08012345680
    Kernel stack not resident.
    Child-SP          RetAddr           Call Site
    ChildEBP RetAddr
    Attached Process          ffffc10203048890       Image:         csrss.exe
    (Inline Function) --------`-------- nt!KiSwapThread+0x1
    (Inline) -------- nt!KiSwapThread+0x1
    WARNING: Stack unwind information not available. Following frames may be wrong.
    WARNING: Frame IP not in any known module. Following frames may be wrong.
    No active threads
    LPC Server thread working on message Id 1234
    Waiting for reply to ALPC Message ffffd10203005678
    Affinity Mask             0xff
    FreezeCount 1
    SuspendCount 1
    *** WARNING: Unable to verify timestamp for a.sys
    *** ERROR: Module load completed but symbols could not be loaded for a.sys
    Base ffffd08012346000 Limit ffffd08012340000 Call 0000000000000000
    Priority 9 BasePriority 8 PriorityDecrement 0 IoPriority 2 PagePriority 5
    ffffd080`12345680 fffff802`12345678 nt!KiSwapContext+0x76
    ffffc10203049890  SynchronizationEvent"""


@pytest.mark.parametrize("line", OTHERS.splitlines(), ids=str.strip)
def test_lines_that_say_nothing_of_tokens_are_known_for_what_they_are(line: str) -> None:
    """Of a process and of a thread they are passed over; where nobody asked for one, they are anybody's."""
    for above in (HEAD + IMAGE, HEAD + IMAGE + THREAD):
        found = read_process_text(above + line + "\n    Token                             ffffd10203009730\n")
        assert found.not_understood == () and found.processes[0].process.image_name == "svchost.exe"
        assert found.processes[0].process.token == FastRef(0xFFFFD10203009730, 0)
    if "WARNING" not in line and "ERROR" not in line:
        assert unknown(line + "\n") == [1]
