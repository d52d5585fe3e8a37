"""Processes by id through nt!PspCidTable, on every build, and what happens when it lies."""

from pathlib import Path
from typing import Dict, Optional

import pytest

from kdtoken.decode.cid_table import process_by_id, thread_by_id
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.kernel import find_process
from kdtoken.source.base import BootMemory
from kdtoken.source.cached import CachedSource
from tests.expected import kernel_of
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import Kernel, build
from tests.machine.memory import PAGE
from tests.machine.synthetic import SyntheticSource


class Forgetful(BootMemory):
    """A memory of a boot that keeps nothing."""

    def recall(self, place: int, proof: bytes) -> Optional[Dict[str, bytes]]:
        return None

    def keep(self, place: int, proof: bytes, values: Dict[str, bytes]) -> None:
        pass


LAYOUTS = sorted((Path(__file__).resolve().parent.parent / "fixtures" / "layouts").glob("nt-*.json"))
NOTEPAD = 6104


@pytest.fixture(params=LAYOUTS, ids=[path.stem for path in LAYOUTS])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


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


def test_threads_are_found_by_their_id_and_no_process(kernel: Kernel) -> None:
    target = CachedSource(SyntheticSource(kernel))
    for tid, address in kernel.threads.items():
        assert thread_by_id(target, tid) == address
    for other in [*kernel.processes, 0, 5, -4, 1 << 40]:
        assert thread_by_id(target, other) is None


def test_an_id_that_leads_to_something_else_is_nobody_s(kernel: Kernel) -> None:
    """What lies there has that id where a process has it, and is none: a header of another type, another id."""
    right = kernel.processes[NOTEPAD]
    copied = SyntheticSource(kernel)
    header = right - kernel.layouts.layout("_OBJECT_HEADER").field("Body").offset
    copied.poke_field(header, "_OBJECT_HEADER", "TypeIndex", 0)
    assert process_by_id(CachedSource(copied), NOTEPAD) is None
    renumbered = SyntheticSource(kernel).poke_field(right, "_EPROCESS", "UniqueProcessId", NOTEPAD + 4)
    assert process_by_id(CachedSource(renumbered), NOTEPAD) is None
    tid = next(iter(kernel.threads))
    thread = SyntheticSource(kernel).poke_field(kernel.threads[tid], "_ETHREAD", "Cid.UniqueThread", tid + 4)
    assert thread_by_id(CachedSource(thread), tid) is None


def _levelled(kernel: Kernel, level: int) -> SyntheticSource:
    """The same ids in a table of no level above the leaves, or of two."""
    source = SyntheticSource(kernel)
    table = int.from_bytes(kernel.memory.peek(kernel.symbols["PspCidTable"], 8), "little")
    code = kernel.pointer_at("_HANDLE_TABLE", table, "TableCode")
    if level == 0:
        first = int.from_bytes(kernel.memory.peek(code & ~7, 8), "little")
        source.poke_field(table, "_HANDLE_TABLE", "TableCode", first)
    else:
        above = 0xFFFFA08077000000
        source.poke(above, (code & ~7).to_bytes(8, "little").ljust(0x1000, b"\0"))
        source.poke_field(table, "_HANDLE_TABLE", "TableCode", above | 2)
    return source


def test_tables_of_each_depth(kernel: Kernel) -> None:
    """A leaf holds 256 entries on x64: ids below 1024."""
    flat = _levelled(kernel, 0)
    for pid, address in kernel.processes.items():
        assert process_by_id(CachedSource(flat), pid) == (address if pid < 1024 else None)
    deep = _levelled(kernel, 2)
    for pid, address in kernel.processes.items():
        assert process_by_id(CachedSource(deep), pid) == address


def test_ids_that_the_table_has_not_come_to_are_not_looked_up(kernel: Kernel) -> None:
    table = int.from_bytes(kernel.memory.peek(kernel.symbols["PspCidTable"], 8), "little")
    for end, found in ((NOTEPAD, None), (NOTEPAD + 4, kernel.processes[NOTEPAD])):
        source = SyntheticSource(kernel).poke_field(table, "_HANDLE_TABLE", "NextHandleNeedingPool", end)
        assert process_by_id(CachedSource(source), NOTEPAD) == found


def test_no_process_has_the_id_0_or_one_that_is_no_multiple_of_four(kernel: Kernel) -> None:
    """Whatever the table's first entry leads to; and what id 6105 would be, were ids not counted in fours."""
    right = kernel.processes[NOTEPAD]
    for number, entry in ((0, 0), (NOTEPAD + 1, NOTEPAD), (NOTEPAD + 2, NOTEPAD), (NOTEPAD + 3, NOTEPAD)):
        source = SyntheticSource(kernel).poke_field(right, "_EPROCESS", "UniqueProcessId", number)
        source.poke(_entry(kernel, entry), kernel.memory.peek(_entry(kernel, NOTEPAD), 16))
        assert process_by_id(CachedSource(source), number) is None
        tid = next(iter(kernel.threads))
        source.poke_field(kernel.threads[tid], "_ETHREAD", "Cid.UniqueThread", number)
        source.poke(_entry(kernel, entry), kernel.memory.peek(_entry(kernel, tid), 16))
        assert thread_by_id(CachedSource(source), number) is None


def test_a_page_of_entries_that_was_never_made_is_not_read_from(kernel: Kernel) -> None:
    """A null pointer in the page of pointers: nothing near address 0 is asked for."""
    table = int.from_bytes(kernel.memory.peek(kernel.symbols["PspCidTable"], 8), "little")
    code = kernel.pointer_at("_HANDLE_TABLE", table, "TableCode")
    source = SyntheticSource(kernel)
    source.poke((code & ~7) + NOTEPAD // 4 // 256 * 8, bytes(8))
    assert process_by_id(CachedSource(source), NOTEPAD) is None
    assert source.log and all(address >= 1 << 47 for address, _ in source.log)


@pytest.mark.parametrize("lacks", ["symbol", "memory", "reference"])
def test_a_process_whose_token_cannot_be_known_is_proven_by_its_own_header(kernel: Kernel, lacks: str) -> None:
    """Of a target that keeps what stays for a boot, the token stands for the process; a process without one has a header."""
    source = SyntheticSource(kernel)
    source.boot = Forgetful()
    right = kernel.processes[NOTEPAD]
    if lacks == "symbol":
        source.without_field("_EPROCESS", "Token")
    elif lacks == "memory":
        source.without_pages([kernel.tokens["notepad"]])
    else:
        source.poke_field(right, "_EPROCESS", "Token", bytes(8))
    assert process_by_id(CachedSource(source), NOTEPAD) == right
    header = right - kernel.layouts.layout("_OBJECT_HEADER").field("Body").offset
    source.poke_field(header, "_OBJECT_HEADER", "TypeIndex", 0)
    assert process_by_id(CachedSource(source), NOTEPAD) is None


def test_an_id_behind_the_only_page_of_a_table_is_nobody_s(kernel: Kernel) -> None:
    """A flat table holds 256 ids of x64, up to 1020; what lies behind its page is not its own."""
    flat, right = _levelled(kernel, 0), kernel.processes[NOTEPAD]
    table = int.from_bytes(kernel.memory.peek(kernel.symbols["PspCidTable"], 8), "little")
    leaf = int.from_bytes(
        flat.read(table + kernel.layouts.layout("_HANDLE_TABLE").field("TableCode").offset, 8), "little"
    )
    entry = kernel.memory.peek(_entry(kernel, NOTEPAD), 16)
    for number, found in ((1020, right), (1024, None)):
        flat.poke((leaf & ~7) + 16 * (number // 4), entry)
        flat.poke_field(right, "_EPROCESS", "UniqueProcessId", number)
        assert process_by_id(CachedSource(flat), number) == found
