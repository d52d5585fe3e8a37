"""A live kernel over a named pipe: the genuine engine at one end, the KD target simulator at the other.

KDTOKEN_LIVE_ROUNDS chooses how many attach, dump and detach rounds with random faults are made (20).
"""

import json
import os
import pickle
import random
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.layout.layout_file import load_layouts
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from tests.dump_bytes import Dump
from tests.engine.assemble import alone, default_folder
from tests.engine.conftest import NEWEST, ROOT, Lab, make_lab
from tests.engine.image import build_image
from tests.engine.kd.arm64 import Arm64Target
from tests.engine.kd.faults import Faults
from tests.engine.kd.pipe import connection, named_pipe
from tests.engine.kd.serve import Server
from tests.engine.kd.target import KdTarget
from tests.engine.whole import whole
from tests.engine.windows import Windows, answers
from tests.machine.arm64 import BUILD as ARM64
from tests.machine.arm64 import arm64_layouts, to_arm64
from tests.machine.declared import MACHINE
from tests.machine.kernel import build

ROUNDS = int(os.environ.get("KDTOKEN_LIVE_ROUNDS", "20"))
PARTS = 5  # tests that they are dealt to, so that workers share them
NOTEPAD = "6104"
Live = Tuple[Lab, Server, str]


@pytest.fixture
def live(windows: Windows) -> Iterator[Live]:
    """The newest build's kernel, running, and its pipe."""
    lab = make_lab(NEWEST)
    with Server(KdTarget(lab.kernel, running=True)) as server, named_pipe(windows, server) as pipe:
        yield lab, server, connection(pipe)


def dump(windows: Windows, where: Live, *more: str, timeout: float = 90) -> "subprocess.CompletedProcess[str]":
    """`kdtoken dump 6104 --attach ...`, as a user types it."""
    lab, _, attach = where
    return windows.python("-m", "kdtoken", "dump", NOTEPAD, "--attach", attach, *more, cwd=lab.folder, timeout=timeout)


@pytest.mark.parametrize("corrupt", [0, 7], ids=["clean line", "1 packet in 7 corrupted"])
def test_the_same_is_seen_live_as_in_the_dump(lab: Lab, windows: Windows, seen: Dict[str, Any], corrupt: int) -> None:
    target = KdTarget(lab.kernel, Faults(corrupt=corrupt))
    out = lab.folder / "seen-live.pickle"
    with Server(target) as server, named_pipe(windows, server) as pipe:
        done = windows.python(
            Path(__file__).with_name("seen_live.py"),
            connection(pipe),
            str(server.control_port),
            out,
            cwd=lab.folder,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.wait_until_running()
        counters = server.counters()
    live_seen = pickle.loads(out.read_bytes())
    assert live_seen["problems"] == []
    assert len(live_seen["dumps"]) == len(seen["dumps"]) == len(lab.kernel.machine.processes)
    for now, then in zip(live_seen["dumps"], seen["dumps"]):
        assert now == then, then.process.image_name
    # Nothing but reads between the attach and the leave.
    assert server.marks["read"].since(server.marks["attached"]).changes == []
    assert counters.changes[-1:] == ["Continue2"]
    assert bool(counters.faults["corrupted"]) == bool(corrupt)
    assert bool(counters.resends_in) == bool(corrupt)


def test_on_arm64_the_same_is_seen_live_as_in_the_dump(windows: Windows) -> None:
    """The engine takes the machine for one of ARM64, and every process, thread and token is what it is in the dump."""
    layouts = arm64_layouts(load_layouts(ROOT / "fixtures" / "layouts" / "nt-10.0.19041.3570.json"))
    folder = default_folder() / "kernels" / ARM64
    with alone(folder):
        image = build_image(layouts, folder)
    lab = Lab(folder, image, build(MACHINE, layouts, image))
    dump_file = lab.folder / "arm64.dmp"
    dump_file.write_bytes(to_arm64(Dump.of(lab.kernel)).full())
    out = lab.folder / "seen-live-arm64.pickle"
    with Server(Arm64Target(lab.kernel)) as server, named_pipe(windows, server) as pipe:
        text = windows.debugger(
            connection(pipe),
            ["vertarget", ".effmach", "dt nt!_EPROCESS Token", "!py -m kdtoken.dump notepad.exe"],
            lab.folder,
            "bootstrapper",
        )
    said = dict(answers(text))
    assert "ARM 64-bit (AArch64)" in said["vertarget"] and "(arm64)" in said[".effmach"]
    assert "+0x470 Token" in said["dt nt!_EPROCESS Token"]
    assert "notepad.exe  pid 6104" in said["!py -m kdtoken.dump notepad.exe"], text
    with Server(Arm64Target(lab.kernel)) as server, named_pipe(windows, server) as pipe:
        done = windows.python(
            Path(__file__).with_name("seen_live.py"),
            connection(pipe),
            str(server.control_port),
            out,
            cwd=lab.folder,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.wait_until_running()
        assert server.marks["read"].since(server.marks["attached"]).changes == []
    live_seen = pickle.loads(out.read_bytes())
    source = CachedSource(open_dump(dump_file, str(lab.folder)))
    processes, problems = walk_processes(source)
    assert live_seen["problems"] == problems == []
    tokens = Tokens(source)
    for now, process in zip(live_seen["dumps"], processes):
        then = dump_process(tokens, process, tuple(processes), check=False)
        assert whole(now) == whole(then), process.image_name
    assert len(live_seen["dumps"]) == len(processes) == len(lab.kernel.machine.processes)


def test_inside_the_debugger_nothing_is_written_set_or_resumed(windows: Windows) -> None:
    lab = make_lab(NEWEST)
    changes: List[List[str]] = []
    printed: Dict[str, str] = {}
    for commands in (
        [],
        [
            "!py -m kdtoken.dump notepad.exe",
            "!py -m kdtoken.dump %s --json" % NOTEPAD,
            "!py -m kdtoken.walk --threads",
            "!py -m kdtoken.dump nobody.exe",
        ],
    ):
        with Server(KdTarget(lab.kernel)) as server, named_pipe(windows, server) as pipe:
            text = windows.debugger(
                connection(pipe), [".reload /f nt", *commands, ".echo end"], lab.folder, "bootstrapper"
            )
            printed = dict(answers(text))
            assert not server.target.running, "a session without qd leaves the machine as it stands"
            changes.append(server.counters().changes)
    assert "notepad.exe  pid 6104" in printed["!py -m kdtoken.dump notepad.exe"], printed
    assert "notepad.exe" in printed["!py -m kdtoken.walk --threads"]
    assert "no process has the name nobody.exe" in printed["!py -m kdtoken.dump nobody.exe"]
    # What the engine itself does when it attaches is all that there is.
    assert changes[0] == changes[1]
    assert set(changes[1]) <= {"RestoreBreakPoint", "ClearAllInternalBreakpoints"}


def test_attach_says_what_is_wrong(live: Live, windows: Windows) -> None:
    lab, server, attach = live
    nowhere = dump(windows, (lab, server, r"com:pipe,port=\\.\pipe\kd_nobody"))
    assert nowhere.returncode == 2
    assert "there is no such pipe" in nowhere.stderr and nowhere.stderr.count("kdtoken:") == 1
    open_it = "import sys; held = open(sys.argv[1], 'r+b', 0); print('held', flush=True); sys.stdin.read()"
    holder = windows.start(
        [
            windows.python_home / "python.exe",
            "-c",
            open_it + "; import time; time.sleep(60)",
            attach.partition("port=")[2],
        ]
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline().strip() == "held"
        busy = dump(windows, live)
    finally:
        holder.kill()
        holder.communicate()
    assert busy.returncode == 2
    assert "the pipe is in use" in busy.stderr
    server.target.line.faults = Faults(silent_from=1)
    mute = dump(windows, live, "--timeout", "5")
    assert mute.returncode == 2
    assert "nobody answers at" in mute.stderr


def test_a_connection_lost_in_the_middle_ends_in_a_message_and_the_next_attach_works(
    live: Live, windows: Windows
) -> None:
    _, server, _ = live
    server.target.line.faults = Faults(silent_from=75)
    start = time.monotonic()
    lost = dump(windows, live, "--timeout", "6")
    assert time.monotonic() - start < 40
    assert lost.returncode == 2
    assert "was lost: waited 6 s" in lost.stderr and "attach again" in lost.stderr
    assert not server.target.running
    server.target.line.faults = Faults()
    again = dump(windows, live)
    assert again.returncode == 0, again.stderr
    assert server.wait_until_running()


def test_stay_leaves_the_machine_standing(live: Live, windows: Windows) -> None:
    _, server, _ = live
    assert dump(windows, live, "--stay").returncode == 0
    assert not server.target.running


def test_a_page_that_pages_out_between_two_reads_is_told(live: Live, windows: Windows) -> None:
    lab, server, _ = live
    token = lab.kernel.tokens["notepad"]
    # From the last read of the attach on: the process is still found, its token is gone.
    server.target.line.faults = Faults(page_out={number: [token] for number in range(25, 30)})
    done = dump(windows, live)
    assert done.returncode == 0, done.stderr
    assert "0x%x" % token in done.stdout
    assert "its token is unreadable" in done.stdout
    assert "not present (paged out or not mapped)" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr
    assert server.wait_until_running()


def _random_faults(chance: random.Random) -> Faults:
    """Faults that a session can live through: each kind now and then, none of them for good."""
    faults = Faults()
    for kind in chance.sample(["corrupt", "lose", "duplicate", "delay", "silent"], chance.randint(1, 3)):
        if kind == "corrupt":
            faults.corrupt = chance.randint(3, 20)
        elif kind == "lose":
            faults.lose = chance.randint(60, 200)
        elif kind == "duplicate":
            faults.duplicate = chance.randint(2, 20)
        elif kind == "delay":
            faults.delay, faults.delay_seconds = chance.randint(5, 30), chance.uniform(0.01, 0.2)
        else:
            faults.silent_from, faults.silent_for = chance.randint(40, 90), chance.randint(1, 2)
    return faults


@pytest.mark.parametrize("part", range(PARTS))
def test_rounds_with_random_faults(live: Live, windows: Windows, part: int) -> None:
    _, server, _ = live
    clean = dump(windows, live, "--json")
    assert clean.returncode == 0, clean.stderr
    right = json.loads(clean.stdout)["token"]
    told = 0
    rounds = range(part, ROUNDS, PARTS)
    for number in rounds:
        faults = _random_faults(random.Random(number))
        server.target.line.faults = faults
        start = time.monotonic()
        done = dump(windows, live, "--json", "--timeout", "20")
        what = (number, faults, done.stderr, round(time.monotonic() - start))
        if done.returncode == 0:
            assert json.loads(done.stdout)["token"] == right, what
        else:
            assert done.stderr.startswith("kdtoken: ") and done.stderr.count("kdtoken: ") == 1, what
            assert "Traceback" not in done.stderr, what
            told += 1
            server.target.line.faults = Faults()
            assert dump(windows, live).returncode == 0, what  # the message says: attach again
        assert server.wait_until_running(), what
    print("%d rounds: %d right tokens, %d clear errors" % (len(rounds), len(rounds) - told, told))
