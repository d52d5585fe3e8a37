"""Processes by id through nt!PspCidTable, on every build, and what happens when it lies."""

from pathlib import Path

import pytest

from kdtoken.decode.cid_table import process_by_id
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.kernel import find_process
from kdtoken.source.cached import CachedSource
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import Kernel, build
from tests.machine.memory import PAGE
from tests.machine.synthetic import SyntheticSource

LAYOUTS = sorted((Path(__file__).resolve().parent.parent / "fixtures" / "layouts").glob("nt-*.json"))
NOTEPAD = 6104


@pytest.fixture(params=LAYOUTS, ids=[path.stem for path in LAYOUTS])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return build(MACHINE, load_layouts(request.param))


def _entry(kernel: Kernel, number: int) -> int:
    """Address of an id's entry; the machine's table has one level above the leaves."""
    table = int.from_bytes(kernel.memory.peek(kernel.symbols["PspCidTable"], 8), "little")
    code = kernel.pointer_at("_HANDLE_TABLE", table, "TableCode")
    assert code & 3 == 1
    leaf = int.from_bytes(kernel.memory.peek((code & ~7) + number // 4 // 256 * 8, 8), "little")
    return leaf + number // 4 % 256 * 16


def test_every_process_is_found_and_no_thread(kernel: Kernel) -> None:
    target = SyntheticSource(kernel)
    for pid, address in kernel.processes.items():
        assert process_by_id(CachedSource(target), pid) == address
    for other in [*kernel.threads, 0, 5, 108, -4, 1 << 40]:
        assert process_by_id(CachedSource(target), other) is None


@pytest.mark.parametrize("path", [LAYOUTS[0], LAYOUTS[-1]], ids=["first", "last"])
def test_the_cost_does_not_grow_with_the_processes(path: Path) -> None:
    for count in (len(MACHINE.processes), 300):
        kernel = build(grown(MACHINE, count, len(MACHINE.tokens)), load_layouts(path))
        target = SyntheticSource(kernel)
        process, others, problems = find_process(CachedSource(target), str(NOTEPAD))
        assert (process.address, others, problems) == (kernel.processes[NOTEPAD], [], [])
        # nt's variables lie in four places, the table in three, the process's header and its members apart
        assert target.requests <= 9


def test_a_table_that_lies_or_is_gone_means_the_list(kernel: Kernel) -> None:
    right = kernel.processes[NOTEPAD]
    whole = len(MACHINE.processes)
    paged_out = SyntheticSource(kernel).without_pages([_entry(kernel, NOTEPAD)])
    swapped = SyntheticSource(kernel)
    swapped.poke(_entry(kernel, NOTEPAD), kernel.memory.peek(_entry(kernel, 4), 16))
    empty = SyntheticSource(kernel).poke(_entry(kernel, NOTEPAD), bytes(16))
    deep = SyntheticSource(kernel)
    table = int.from_bytes(kernel.memory.peek(kernel.symbols["PspCidTable"], 8), "little")
    deep.poke_field(table, "_HANDLE_TABLE", "TableCode", 0xFFFF800000000003)
    for target in (
        paged_out,
        swapped,
        empty,
        deep,
        SyntheticSource(kernel).without_symbol("PspCidTable"),
        SyntheticSource(kernel).without_type("_HANDLE_TABLE_ENTRY"),
        SyntheticSource(kernel).without_mapping([table // PAGE * PAGE]),
    ):
        assert process_by_id(CachedSource(target), NOTEPAD) is None
        process, others, _ = find_process(CachedSource(target), str(NOTEPAD))
        assert process.address == right and len(others) == whole
