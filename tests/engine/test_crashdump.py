"""Crash dumps read with no debugger, judged by the genuine engine, kdmp-parser and Volatility 3.

pip install kdmp-parser==0.7.4 volatility3==2.28.2
"""

import pickle
import struct
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import pytest

from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.errors import MemoryUnreadable
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import CrashDump, open_dump
from tests.dump_bytes import Dump
from tests.engine.conftest import Lab, make_lab
from tests.engine.volatility import Volatility
from tests.engine.whole import whole
from tests.engine.windows import Windows, answers
from tests.machine.arm64 import to_arm64
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import build

BUILD = "10.0.22000.2538"


def test_field_for_field_what_the_genuine_engine_sees(lab: Lab, seen: Dict[str, Any]) -> None:
    """The whole ProcessDump of each process: token, threads, logon session, linked token, origins."""
    target = CachedSource(open_dump(lab.dump, str(lab.image.pdb)))
    tokens = Tokens(target)
    processes, problems = walk_processes(target)
    dumps = [dump_process(tokens, process, tuple(processes), check=False) for process in processes]
    assert problems == seen["problems"] == []
    compared = 0
    for mine, theirs in zip(dumps, seen["dumps"]):
        assert whole(mine) == whole(theirs), mine.process.image_name
        compared += isinstance(mine.token, Token)
    assert len(dumps) == len(seen["dumps"]) and compared >= 28
    for name, layout in seen["layouts"].items():
        assert target.layout(name) == layout, name


def _containers() -> List[Tuple[str, bytes]]:
    dump = Dump.of(make_lab(BUILD).kernel)
    return [
        ("full", dump.copy().full()),
        ("summary", dump.copy().bitmap(2)),
        ("bitmap-full", dump.copy().bitmap(5, b"FDMP")),
        ("bitmap-kernel", dump.copy().bitmap(6)),
        ("ranges-8", dump.copy().ranges(8)),
        ("ranges-9", dump.copy().ranges(9)),
        ("ranges-10", dump.copy().ranges(10)),
    ]


@pytest.mark.parametrize("name", ["full", "summary", "bitmap-full", "bitmap-kernel"])
def test_the_engine_opens_each_container_that_the_tests_write(name: str, windows: Windows, tmp_path: Path) -> None:
    """So the tests' own dumps are what Windows writes; `ranges` are newer than this engine."""
    lab = make_lab(BUILD)
    path = tmp_path / "a.dmp"
    path.write_bytes(dict(_containers())[name])
    head = lab.kernel.symbols["PsActiveProcessHead"]
    token = lab.kernel.tokens["notepad"]
    said = answers(windows.debugger(path, [".reload /f nt", "dq %x L1" % head, "dq %x L1" % token], cwd=lab.folder))
    ours = CrashDump(path)
    text = "".join(output for _command, output in said)
    for address in (head, token):
        value = int.from_bytes(ours.read(address, 8), "little")
        assert "%08x`%08x" % (value >> 32, value & 0xFFFFFFFF) in text


@pytest.mark.parametrize("container", ["full", "bitmap"])
def test_arm64_pages_are_those_of_the_engine(container: str, windows: Windows, tmp_path: Path) -> None:
    """Each process's and each token's first 16 bytes, through the page tables of ARM64; what is not there, too."""
    lab = make_lab(BUILD)
    dump = to_arm64(Dump.of(lab.kernel))
    path = tmp_path / "a.dmp"
    path.write_bytes(dump.full() if container == "full" else dump.bitmap(5, b"FDMP"))
    places = sorted({*lab.kernel.processes.values(), *lab.kernel.tokens.values()})
    typed = ["vertarget", *("dq %x L2" % place for place in places)]
    (_, target), *said = answers(windows.debugger(path, typed, cwd=lab.folder))
    assert "ARM 64-bit (AArch64)" in target
    ours = CrashDump(path)
    unreadable = 0
    for place, (_, output) in zip(places, said):
        try:
            words = struct.unpack("<2Q", ours.read(place, 16))
        except MemoryUnreadable:
            unreadable += 1
            assert output.count("????????`????????") == 2, (hex(place), output)
            continue
        shown = output.split("\n")[0].replace("`", "").split()
        assert [int(word, 16) for word in shown[1:]] == list(words), (hex(place), output)
    assert len(said) == len(places) and unreadable < len(places) / 4


@pytest.mark.parametrize("name", ["full", "bitmap-full", "bitmap-kernel", "ranges-8", "ranges-9", "ranges-10"])
def test_physical_pages_are_those_of_kdmp_parser(name: str, tmp_path: Path) -> None:
    kdmp_parser = pytest.importorskip("kdmp_parser", reason="pip install kdmp-parser==0.7.4")
    path = tmp_path / "a.dmp"
    path.write_bytes(dict(_containers())[name])
    ours, theirs = CrashDump(path), kdmp_parser.KernelDumpParser(path)
    there = 0
    for number in range(ours.pages.highest + 40):
        page = theirs.read_physical_page(number * 0x1000)
        assert ours.physical_page(number) == (None if page is None else bytes(page)), number
        there += page is not None
    assert there == ours.pages.pages
    kernel = make_lab(BUILD).kernel
    for address in sorted(kernel.tokens.values()):
        place = ours.tables.place(address)
        physical = theirs.translate_virtual(address)
        if isinstance(place, int):
            assert ours.physical_page(physical // 0x1000) == ours.read(address // 0x1000 * 0x1000, 0x1000)
        else:
            assert physical is None


def test_two_thousand_processes_against_the_engine(windows: Windows, tmp_path: Path) -> None:
    """The same dump through pykd and dbgeng: every process and token, members and all."""
    lab = make_lab(BUILD)
    path, out = tmp_path / "grown.dmp", tmp_path / "seen.pickle"
    write_dump(build(grown(MACHINE, 2000, 300), lab.kernel.layouts, lab.image), path)
    done = windows.python(Path(__file__).with_name("seen_walk.py"), path, out, cwd=lab.folder, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    theirs, problems = pickle.loads(out.read_bytes())
    target = CachedSource(open_dump(path, str(lab.image.pdb)))
    tokens = Tokens(target, follow=False)
    processes, mine = walk_processes(target)
    assert len(processes) == len(theirs) == 2000 and mine == problems == []
    for process, seen in zip(processes, theirs):
        ours = (process, process_details(target, process), tokens.of(process))
        assert whole(ours) == whole(seen), process.image_name


def test_five_hundred_processes_against_volatility(tmp_path: Path) -> None:
    """Every SID of every token of every process. (Its two thousand take minutes: `make bench`.)"""
    lab = make_lab(BUILD)
    path = tmp_path / "grown.dmp"
    write_dump(build(grown(MACHINE, 500, 300), lab.kernel.layouts, lab.image), path)
    tokens = Tokens(CachedSource(open_dump(path, str(lab.image.pdb))))
    mine: Dict[int, Set[str]] = {}
    for process in walk_processes(tokens.target)[0]:
        token = tokens.of(process)
        if isinstance(token, Token) and isinstance(process.pid, int):
            mine[process.pid] = {str(getattr(group, "sid", "")) for group in token.groups} | {str(token.user)}
    judge = Volatility(path, lab.kernel.layouts, lab.image, tmp_path)
    said: Dict[int, Set[str]] = {}
    for row in judge.rows("windows.getsids", timeout=300):
        said.setdefault(int(str(row["PID"])), set()).add(str(row["SID"]))
    whole = [pid for pid in mine if pid >= 10000]
    assert len(whole) > 450
    for pid in whole:
        assert said[pid] - {""} == mine[pid] - {""}, pid
