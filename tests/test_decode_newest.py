"""Windows 11 24H2: an _EPROCESS of another order, and a session whose type the symbols name and do not describe."""

from pathlib import Path
from typing import Dict

import pytest

from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.model.absent import Absent
from kdtoken.model.process import FastRef, Impersonation, ProcessDetails
from kdtoken.source.crashdump.dump import open_dump
from tests.expected import WINDOWS_7, WINDOWS_11, assert_equal, kernel_of, layouts_of_build
from tests.machine.containers import physical_pages, write_raw
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.newest import newest_layouts
from tests.machine.synthetic import SyntheticSource
from tests.test_source_crashdump_dump import Case, everything
from tests.verbs import run_on

LAYOUTS = newest_layouts(layouts_of_build(WINDOWS_11))
KERNEL = build(MACHINE, LAYOUTS)
KERNEL.memory.paged_out = set()
# As published of 26100 by people who patch tokens there: where they look for each.
PUBLISHED: Dict[str, int] = {
    "UniqueProcessId": 0x1D0,
    "ActiveProcessLinks": 0x1D8,
    "Token": 0x248,
    "ImageFileName": 0x338,
}


@pytest.fixture
def target() -> SyntheticSource:
    return SyntheticSource(KERNEL)


def test_the_offsets_are_those_that_are_published() -> None:
    layout = LAYOUTS.layout("_EPROCESS")
    assert {name: layout.field(name).offset for name in PUBLISHED} == PUBLISHED
    assert layout.field("Token").offset != layouts_of_build(WINDOWS_11).layout("_EPROCESS").field("Token").offset


def test_every_process_token_and_client(target: SyntheticSource) -> None:
    processes, problems = walk_processes(target)
    assert problems == [] and [one.pid for one in processes] == [one.pid for one in MACHINE.processes]
    tokens = Tokens(target)
    for process, want in zip(processes, MACHINE.processes):
        dump = dump_process(tokens, process, tuple(processes), check=False)
        assert isinstance(process.token, FastRef) and isinstance(dump.details, ProcessDetails)
        assert process.token.object == (KERNEL.tokens[want.token] if want.token else 0)
        assert process.parent_pid == want.parent
        details = dump.details
        assert (details.create_time, details.exit_time) == (want.create_time, want.exit_time)
        assert (details.protection, details.token_frozen, details.unnamed) == (want.protection, want.frozen, ())
        if want.token:
            assert_equal(dump.token, KERNEL, want.token)
        clients = {
            one.tid: one.impersonation.token for one in dump.threads if isinstance(one.impersonation, Impersonation)
        }
        assert clients == {
            one.tid: KERNEL.tokens[one.impersonates] for one in want.threads if one.impersonates and not one.stale
        }


def test_a_session_that_no_symbol_describes_is_not_in_this_build(target: SyntheticSource) -> None:
    """Not unreadable, not none: the pointer is there, and the token has a number of its own."""
    process = walk_processes(target)[0][8]
    target.poke_field(process.address, "_EPROCESS", "Session", 0xFFFFB50022A00000)
    assert process_details(target, process).session_id == Absent("_PSP_SESSION_SPACE.SessionId")
    lines = run_on(target, "dump", "%d" % process.pid, "--all")
    assert any(line.split() == ["Session", "0"] for line in lines)
    assert not any("unreadable" in line for line in lines)


@pytest.mark.parametrize("path", [WINDOWS_7, WINDOWS_11], ids=["a pointer to Void", "a pointer to its type"])
def test_the_session_before(path: Path) -> None:
    target = SyntheticSource(kernel_of(path))
    process = next(one for one in walk_processes(target)[0] if one.pid == 6104)
    assert process_details(target, process).session_id == 1


def test_a_crash_dump_and_an_image_of_it(tmp_path: Path) -> None:
    (tmp_path / "nt.json").write_text(LAYOUTS.dumps())
    case = Case(tmp_path / "nt.json", tmp_path)
    expected = everything(SyntheticSource(case.kernel))
    assert everything(case.open(case.dump.copy().full())) == expected
    image = write_raw(physical_pages(case.kernel), tmp_path / "memory.raw")
    assert everything(open_dump(image, str(case.symbols))) == expected
