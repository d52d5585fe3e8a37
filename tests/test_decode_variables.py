"""nt's variables: those that stay for a boot are asked for once a boot, and only of a kernel that has set them."""

from typing import Dict, Optional, Tuple

import pytest

from kdtoken.decode.cid_table import process_by_id
from kdtoken.decode.variables import id_pages, keep_id_pages, together
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.token import Token
from kdtoken.source.base import BootMemory
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource

PAGES = "pages of PspCidTable"
FOR_GOOD = ("SeTokenObjectType", "PsProcessType", "PspCidTable", "SepLogonSessions", "ObTypeIndexTable")


class Kept(BootMemory):
    """A memory that lasts as long as the test."""

    def __init__(self) -> None:
        self.values: Dict[Tuple[int, bytes], Dict[str, bytes]] = {}

    def recall(self, place: int, proof: bytes) -> Optional[Dict[str, bytes]]:
        return self.values.get((place, proof))

    def keep(self, place: int, proof: bytes, values: Dict[str, bytes]) -> None:
        self.values[place, proof] = values


def source_of(kernel: Kernel, kept: Kept) -> SyntheticSource:
    source = SyntheticSource(kernel)
    source.boot = kept
    return source


def asked(source: SyntheticSource, name: str) -> bool:
    at = source.kernel.symbols[name]
    return any(start <= at < start + size for start, size in source.log)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def test_the_second_run_of_a_boot_asks_for_its_time_and_nothing_else(kernel: Kernel) -> None:
    """By pid: KeBootTime, the id's entry, the process, its token, the logon session, its names."""
    kept = Kept()
    alone = KernelMachine(SyntheticSource(kernel)).find("6104").token
    first = KernelMachine(source_of(kernel, kept)).find("6104").token
    assert isinstance(first, Token) and first == alone and len(kept.values) == 1
    source = source_of(kernel, kept)
    machine = KernelMachine(source)
    assert machine.find("6104").token == alone
    assert not any(asked(source, name) for name in FOR_GOOD) and asked(source, "KeBootTime")
    requests, size = machine.cost
    assert requests <= 6 and size <= 3450


def test_a_dump_with_threads_and_twin(kernel: Kernel) -> None:
    kept = Kept()
    for _ in range(2):
        machine = KernelMachine(source_of(kernel, kept))
        dump = machine.find("6104").dump(False)
        assert isinstance(dump.linked, Token) and dump.threads
    # The six of its token; the session's space, the image's path, a thread; the table's chain, the twin's logon session,
    # whose names come with the other's, and the twin.
    assert machine.cost[0] <= 12 and machine.cost[1] <= 6400


def _table(kernel: Kernel) -> Tuple[int, int]:
    """The _HANDLE_TABLE of ids, and the page of pointers to its pages of entries."""
    table = int.from_bytes(kernel.memory.peek(kernel.symbols["PspCidTable"], 8), "little")
    return table, kernel.pointer_at("_HANDLE_TABLE", table, "TableCode") & ~7


def test_the_pages_of_ids_are_asked_for_once_a_boot(kernel: Kernel) -> None:
    kept = Kept()
    places = [_table(kernel)[0] + 8, _table(kernel)[1]]
    assert KernelMachine(source_of(kernel, kept)).find("4").address == kernel.processes[4]
    for pid, address in kernel.processes.items():
        source = source_of(kernel, kept)
        assert KernelMachine(source).find(str(pid)).address == address
        assert not any(at <= place < at + size for at, size in source.log for place in places), pid


def test_kept_pages_that_lead_elsewhere_mean_the_table_as_it_is(kernel: Kernel) -> None:
    """A page that is not there, one that is none, and one whose entry leads to another process."""
    kept = Kept()
    right = kernel.processes[6104]
    assert KernelMachine(source_of(kernel, kept)).find("6104").address == right
    (key,) = kept.values
    whole = kept.values[key]
    pages = whole[PAGES]
    page = 6104 // 4 // 256
    system = int.from_bytes(pages[:8], "little") + (4 // 4 - 6104 // 4 % 256) * 16  # there lies the entry of id 4
    for other in (0xFFFF900000000000, kernel.tokens["notepad"], system):
        kept.values[key] = {**whole, PAGES: pages[: page * 8] + other.to_bytes(8, "little") + pages[page * 8 + 8 :]}
        machine = KernelMachine(source_of(kernel, kept))
        found = machine.find("6104")
        assert found.address == right and found.others is None  # by the table, not by the list
        assert kept.values[key] == whole  # what misled is kept no longer


class Counting(Kept):
    """Counts how often something was kept."""

    kept = 0

    def keep(self, place: int, proof: bytes, values: Dict[str, bytes]) -> None:
        self.kept += 1
        super().keep(place, proof, values)


def test_what_is_kept_already_is_not_kept_again() -> None:
    """The memory of a boot is a file: to look up one more process writes none."""
    kernel, kept = kernel_of(WINDOWS_11), Counting()
    assert KernelMachine(source_of(kernel, kept)).find("6104").address
    first = kept.kept
    (key,) = kept.values
    for pid in (4, 6104):
        source = source_of(kernel, kept)
        assert KernelMachine(source).find(str(pid)).address == kernel.processes[pid]
    assert kept.kept == first
    source = CachedSource(source_of(kernel, kept))
    keep_id_pages(source, kept.values[key][PAGES])
    keep_id_pages(source, b"")
    assert kept.kept == first
    keep_id_pages(source, kept.values[key][PAGES] + bytes(8))
    assert kept.kept == first + 1 and id_pages(source) == kept.values[key][PAGES] and id_pages(source)[-8:] == bytes(8)


def test_an_object_that_holds_the_id_and_is_no_process_is_none(kernel: Kernel) -> None:
    """The id alone proves nothing: with a reference to no token and another type in its header it is something else."""
    kept = Kept()
    assert KernelMachine(source_of(kernel, kept)).find("6104").token
    body = kernel.layouts.layout("_OBJECT_HEADER").field("Body").offset
    process, token = kernel.processes[6104], kernel.tokens["notepad"]
    index = kernel.memory.peek(token - body, body)  # a token's header; its index is hidden by the place, too
    source = source_of(kernel, kept)
    source.poke_field(process, "_EPROCESS", "Token.Value", kernel.processes[4] | 1)
    assert process_by_id(CachedSource(source), 6104) == process  # its own header says so
    source.poke(process - body, index)
    assert process_by_id(CachedSource(source), 6104) is None


def test_a_walk_asks_for_the_list_and_the_time(kernel: Kernel) -> None:
    kept = Kept()
    rows = [list(KernelMachine(source_of(kernel, kept)).walk().rows) for _ in range(2)]
    source = source_of(kernel, kept)
    rows.append(list(KernelMachine(source).walk().rows))
    assert rows[0] == rows[1] == rows[2] == list(KernelMachine(SyntheticSource(kernel)).walk().rows)
    assert asked(source, "PsActiveProcessHead") and not any(asked(source, name) for name in FOR_GOOD)


def test_what_was_kept_holds_the_kernels_own_bytes(kernel: Kernel) -> None:
    kept = Kept()
    assert KernelMachine(source_of(kernel, kept)).find("6104").token
    (((place, _), values),) = kept.values.items()
    assert place == kernel.symbols["KeBootTime"]
    pages = values.pop(PAGES)
    pointers = _table(kernel)[1]
    assert len(pages) % 8 == 0 and pages == kernel.memory.peek(pointers, len(pages)) and any(pages[-8:])
    assert set(FOR_GOOD) <= set(values) <= {*FOR_GOOD, "ObHeaderCookie"}
    for name, data in values.items():
        assert kernel.memory.peek(kernel.symbols[name], len(data)) == data


def test_another_boot_is_read_anew() -> None:
    """The clock that was set, too: KeBootTime moves with it."""
    kernel, kept = kernel_of(WINDOWS_11), Kept()
    assert KernelMachine(source_of(kernel, kept)).find("6104").token
    later = source_of(kernel, kept)
    later.poke(kernel.symbols["KeBootTime"], bytes.fromhex("0080c5f2d1ced701"))  # a FILETIME of 2021-11-01
    assert KernelMachine(later).find("6104").token and asked(later, "PspCidTable")
    assert len(kept.values) == 2


def zero(source: SyntheticSource, name: str, size: int = 8) -> SyntheticSource:
    return source.poke(source.kernel.symbols[name], bytes(size))


@pytest.mark.parametrize("name", ["SepLogonSessions", "KeBootTime", "PsInitialSystemProcess", "PspCidTable"])
def test_a_kernel_that_is_still_starting_is_not_kept(name: str) -> None:
    kept = Kept()
    machine = KernelMachine(zero(source_of(kernel_of(WINDOWS_11), kept), name))
    assert list(machine.walk().rows) and not kept.values


def test_a_type_that_is_still_to_be_made_is_asked_for_again() -> None:
    """The memory says of an entry of ObTypeIndexTable that was empty then: not known."""
    kernel, kept = kernel_of(WINDOWS_11), Kept()
    table = kernel.symbols["ObTypeIndexTable"]
    source = source_of(kernel, kept)
    early = source_of(kernel, kept)
    early.poke(table + 5 * 8, bytes(8))  # entry 5 of pointers: the tokens' in the declared machine, made later
    list(KernelMachine(early).walk().rows)
    (values,) = kept.values.values()
    assert values["ObTypeIndexTable"][5 * 8 : 6 * 8] == bytes(8)
    source = source_of(kernel, kept)
    assert isinstance(KernelMachine(source).find("6104").token, Token)
    assert any(start <= table + 5 * 8 < start + size for start, size in source.log)


def test_a_cookie_that_does_not_fit_the_first_process_is_not_kept() -> None:
    kernel, kept = kernel_of(WINDOWS_11), Kept()
    source = source_of(kernel, kept)
    source.poke(kernel.symbols["ObHeaderCookie"], b"\x00")  # its own is 0x9c
    assert list(KernelMachine(source).walk().rows) and not kept.values


@pytest.mark.parametrize("change", ["short", "missing"])
def test_what_was_kept_of_other_variables_is_not_believed(change: str) -> None:
    kernel, kept = kernel_of(WINDOWS_11), Kept()
    assert KernelMachine(source_of(kernel, kept)).find("6104").token
    (key,) = kept.values
    if change == "short":
        kept.values[key]["PspCidTable"] = kept.values[key]["PspCidTable"][:4]
    else:
        del kept.values[key]["PspCidTable"]
    source = source_of(kernel, kept)
    assert KernelMachine(source).find("6104").token and asked(source, "PspCidTable")


def test_a_build_without_the_variable_keeps_nothing() -> None:
    kept = Kept()
    source = source_of(kernel_of(WINDOWS_11), kept).without_symbol("KeBootTime")
    assert KernelMachine(source).find("6104").token and not kept.values


def test_places_are_read_at_once_where_a_request_would_cost_more() -> None:
    """A gap of 640 bytes is read, one of 641 is not; what overlaps or lies within is read once, and in any order."""
    assert together([]) == [] == together([None])
    assert together([(0x1000, 0x1008), None, (0x1288, 0x1290)]) == [(0x1000, 0x1290)]
    assert together([(0x1000, 0x1008), (0x1289, 0x1291)]) == [(0x1000, 0x1008), (0x1289, 0x1291)]
    assert together([(0x2000, 0x2008), (0x1000, 0x1100), (0x1010, 0x1020)]) == [(0x1000, 0x1100), (0x2000, 0x2008)]
    assert together([(0x1000, 0x1008), (0x1200, 0x1208), (0x1400, 0x1408)]) == [(0x1000, 0x1408)]


def test_a_kernel_that_cannot_be_proven_to_run_keeps_nothing() -> None:
    """No symbol for its first process, or no memory where a variable should be: found all the same, and not kept."""
    kernel = kernel_of(WINDOWS_11)
    for source in (
        source_of(kernel, Kept()).without_symbol("PsInitialSystemProcess"),
        source_of(kernel, Kept()).without_pages([kernel.symbols["SepLogonSessions"]]),
    ):
        boot = source.boot
        assert isinstance(boot, Kept)
        assert KernelMachine(source).find("6104").address == kernel.processes[6104] and not boot.values


def test_kept_pages_give_no_process_for_an_id_that_is_none() -> None:
    """0, and what is no multiple of four: whatever the entry says that dividing would lead to."""
    kernel, kept = kernel_of(WINDOWS_11), Kept()
    right = kernel.processes[6104]
    assert KernelMachine(source_of(kernel, kept)).find("6104").address == right
    (values,) = kept.values.values()
    leaf = int.from_bytes(values[PAGES][6104 // 4 // 256 * 8 :][:8], "little")
    first = int.from_bytes(values[PAGES][:8], "little")
    entry = kernel.memory.peek(leaf + 6104 // 4 % 256 * 16, 16)
    for number, place in ((6105, leaf + 6104 // 4 % 256 * 16), (0, first), (-4, leaf)):
        source = source_of(kernel, kept).poke(place, entry)
        source.poke_field(right, "_EPROCESS", "UniqueProcessId", number % (1 << 64))
        assert process_by_id(CachedSource(source), number) is None
