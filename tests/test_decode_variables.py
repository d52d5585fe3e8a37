"""nt's variables: those that stay for a boot are asked for once a boot, and only of a kernel that has set them."""

from typing import Dict, Optional, Tuple

import pytest

from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.token import Token
from kdtoken.source.base import BootMemory
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource

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
    """By pid: KeBootTime, three of the table of ids, the process, its token, and what these two lie apart from."""
    kept = Kept()
    alone = KernelMachine(SyntheticSource(kernel)).find("6104").token
    first = KernelMachine(source_of(kernel, kept)).find("6104").token
    assert isinstance(first, Token) and first == alone and len(kept.values) == 1
    source = source_of(kernel, kept)
    machine = KernelMachine(source)
    assert machine.find("6104").token == alone
    assert not any(asked(source, name) for name in FOR_GOOD) and asked(source, "KeBootTime")
    requests, size = machine.cost
    assert requests <= 9 and size <= 4100


def test_a_dump_with_threads_and_twin(kernel: Kernel) -> None:
    kept = Kept()
    for _ in range(2):
        machine = KernelMachine(source_of(kernel, kept))
        dump = machine.find("6104").dump(False)
        assert isinstance(dump.linked, Token) and dump.threads
    # On 8.1 what tells a process's details lies a page's end away.
    assert machine.cost[0] <= (17 if kernel.layouts.build.startswith("6.3.") else 16) and machine.cost[1] <= 7600


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
