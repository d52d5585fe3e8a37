"""Processes: the list, finding one, and what is said when there is none."""

from pathlib import Path

import pytest

from kdtoken.decode.process import (
    pointer_bytes,
    process_at,
    process_details,
    walk_processes,
)
from kdtoken.errors import (
    FieldNotFound,
    ProcessAmbiguous,
    ProcessNotFound,
    SymbolNotFound,
    TypeNotFound,
)
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.process import FastRef
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_7, WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource

NEWEST = WINDOWS_11
SEVEN = WINDOWS_7


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def target_of(path: Path = NEWEST) -> SyntheticSource:
    return SyntheticSource(kernel_of(path))


def shown(name: bytes) -> str:
    """A name in an unknown code page: ASCII as it is, the rest as \\xNN."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "\\x%02x" % byte for byte in name)


def test_every_process_of_every_build(kernel: Kernel) -> None:
    processes, problems = walk_processes(SyntheticSource(kernel))
    assert problems == []
    assert len(processes) == len(MACHINE.processes)
    for seen, declared in zip(processes, MACHINE.processes):
        assert seen.address == kernel.processes[declared.pid]
        assert (seen.pid, seen.parent_pid) == (declared.pid, declared.parent)
        assert seen.image_name == shown(declared.image_name)


def test_every_token_reference_of_every_build(kernel: Kernel) -> None:
    processes, _ = walk_processes(SyntheticSource(kernel))
    for seen, declared in zip(processes, MACHINE.processes):
        assert isinstance(seen.token, FastRef)
        if declared.token is None:
            assert (seen.token.value, seen.token.object, seen.token.ref_count) == (0, 0, 0)
        else:
            assert seen.token.object == kernel.tokens[declared.token]
            assert seen.token.ref_count == MACHINE.tokens[declared.token].fast_ref


def test_details_of_every_process(kernel: Kernel) -> None:
    target = SyntheticSource(kernel)
    protected = kernel.layouts.layout("_EPROCESS").has("Protection")
    for process, declared in zip(walk_processes(target)[0], MACHINE.processes):
        details = process_details(target, process)
        assert (details.create_time, details.exit_time) == (declared.create_time, declared.exit_time)
        assert details.active_threads == (0 if declared.exit_time else len(declared.threads))
        assert details.protection == (declared.protection if protected else Absent("_EPROCESS.Protection.Level"))


def test_a_name_that_tries_to_be_a_command_is_only_a_name() -> None:
    process, _, _ = find_process(target_of(), 'a;.quit"x')
    assert process.pid == 6700


@pytest.mark.parametrize(
    "text, pid",
    [
        ("services.exe", 724),
        ("SERVICES.EXE", 724),
        ("services", 724),
        ("724", 724),
        ("0n724", 724),
        ("0x2d4", 724),
        ("  724 ", 724),
        ("System", 4),
        ("4", 4),
        ("Registry", 92),
        ("ApplicationFrameHost.exe", 5804),  # ImageFileName keeps 14 characters of it
        ("ApplicationFrameHost", 5804),
        ("ABCDEFGHIJKLMNOP.exe", 6780),
    ],
)
def test_ways_to_name_a_process(kernel: Kernel, text: str, pid: int) -> None:
    process, _, problems = find_process(SyntheticSource(kernel), text)
    assert (process.pid, problems) == (pid, [])


@pytest.mark.parametrize("form", ["%x", "0x%x", "%X", "tick", "0xtick"])
def test_ways_to_write_an_address(form: str) -> None:
    target = target_of()
    address = target.kernel.processes[6488]
    plain = "%016x" % address
    text = {"tick": plain[:8] + "`" + plain[8:], "0xtick": "0x" + plain[:8] + "`" + plain[8:]}.get(form)
    process, _, _ = find_process(target, text or form % address)
    assert (process.pid, process.address) == (6488, address)


def test_several_of_one_name_are_listed() -> None:
    target = target_of()
    with pytest.raises(ProcessAmbiguous) as error:
        find_process(target, "chrome.exe")
    at = target.kernel.processes
    assert error.value.choices == ((5952, at[5952]), (5996, at[5996]))
    assert "5952" in str(error.value) and "0x%x" % at[5996] in str(error.value)
    assert "pid" in error.value.next_step


@pytest.mark.parametrize(
    "wrong, near", [("notepda.exe", "notepad.exe"), ("lsas", "lsass.exe"), ("chrom", "chrome.exe")]
)
def test_no_such_process_suggests_near_names(wrong: str, near: str) -> None:
    with pytest.raises(ProcessNotFound) as error:
        find_process(target_of(), wrong)
    assert wrong in str(error.value) and near in error.value.next_step


def test_no_such_pid() -> None:
    with pytest.raises(ProcessNotFound, match="no process has pid 4242") as error:
        find_process(target_of(), "4242")
    assert error.value.subject == "4242"


def test_a_number_can_be_a_name() -> None:
    target = target_of()
    target.poke_field(target.kernel.processes[6488], "_EPROCESS", "ImageFileName", b"4242.exe\0")
    assert find_process(target, "4242")[0].pid == 6488


def test_not_found_in_a_torn_list_says_that_the_list_is_torn() -> None:
    target = target_of()
    links = target.layout("_EPROCESS").field("ActiveProcessLinks").offset
    target.poke(target.kernel.processes[608] + links, bytes(8))
    with pytest.raises(ProcessNotFound, match="the list is not whole"):
        find_process(target, "nosuch.exe")


def test_an_address_that_is_a_token_is_said_to_be_one(kernel: Kernel) -> None:
    with pytest.raises(ProcessNotFound, match="its object header says Token"):
        process_at(SyntheticSource(kernel), kernel.tokens["notepad"])


def test_an_address_without_memory() -> None:
    with pytest.raises(ProcessNotFound, match="0xffff900000000000"):
        process_at(target_of(), 0xFFFF900000000000)


def test_a_process_that_has_left_the_list_is_found_by_address() -> None:
    target = target_of()
    links = target.layout("_EPROCESS").field("ActiveProcessLinks").offset
    target.poke(target.kernel.processes[6488] + links, bytes(16))
    assert process_at(target, target.kernel.processes[6488]).pid == 6488


def test_a_wild_flink_finds_all_and_invents_none() -> None:
    """It leads into a readable page, where something lies that is no process."""
    target = target_of()
    links = target.layout("_EPROCESS").field("ActiveProcessLinks").offset
    wild = target.kernel.tokens["notepad"]
    target.poke(target.kernel.processes[608] + links, wild.to_bytes(8, "little"))
    processes, problems = walk_processes(target)
    assert [p.pid for p in processes] == [p.pid for p in MACHINE.processes]
    assert "no _EPROCESS" in problems[0]


def test_an_eprocess_cut_by_a_page_border_keeps_its_readable_members() -> None:
    """A list of one process, whose name would be on a page that is not there."""
    target = target_of()
    layout = target.layout("_EPROCESS")
    border = 0xFFFFA08077000000
    address = border - layout.field("ImageFileName").offset
    target.poke(address, target.kernel.memory.peek(target.kernel.processes[6488], border - address))
    ring = [target.symbol("PsActiveProcessHead"), address + layout.field("ActiveProcessLinks").offset]
    for index, at in enumerate(ring):
        target.poke(at, ring[1 - index].to_bytes(8, "little") * 2)
    processes, problems = walk_processes(target)
    assert problems == []
    assert [p.pid for p in processes] == [6488]
    assert processes[0].image_name == Unreadable(border, "not mapped")
    assert isinstance(processes[0].token, FastRef)
    assert processes[0].token.object == target.kernel.tokens["cmd"]


@pytest.mark.parametrize("symbol", ["PsActiveProcessHead"])
def test_a_missing_symbol_is_named(symbol: str) -> None:
    with pytest.raises(SymbolNotFound, match=symbol):
        walk_processes(target_of().without_symbol(symbol))


@pytest.mark.parametrize("name", ["_EPROCESS", "_EX_FAST_REF", "_LIST_ENTRY"])
def test_a_missing_type_is_named(name: str) -> None:
    with pytest.raises(TypeNotFound, match=name):
        walk_processes(target_of().without_type(name))


@pytest.mark.parametrize("member", ["UniqueProcessId", "ActiveProcessLinks", "ImageFileName", "Token"])
def test_a_missing_member_is_named(member: str) -> None:
    with pytest.raises(FieldNotFound, match="_EPROCESS has no field %s" % member) as error:
        walk_processes(target_of().without_field("_EPROCESS", member))
    assert error.value.subject == "_EPROCESS." + member


def test_a_missing_parent_is_absent() -> None:
    processes, _ = walk_processes(target_of().without_field("_EPROCESS", "InheritedFromUniqueProcessId"))
    assert processes[0].parent_pid == Absent("_EPROCESS.InheritedFromUniqueProcessId")


def test_a_walk_costs_a_request_a_process_and_four(kernel: Kernel) -> None:
    """The variables of nt that a walk needs lie in four places, in three where no cookie hides the types."""
    cached = CachedSource(SyntheticSource(kernel))
    walk_processes(cached)
    places = 4 if "ObHeaderCookie" in kernel.symbols else 3
    assert cached.requests <= len(MACHINE.processes) + places


def test_a_second_walk_costs_nothing() -> None:
    cached = CachedSource(target_of())
    walk_processes(cached)
    before = cached.requests
    walk_processes(cached)
    assert cached.requests == before


def test_pointers_are_eight_bytes_on_x64(kernel: Kernel) -> None:
    assert pointer_bytes(SyntheticSource(kernel)) == 8


def test_without_object_headers_an_address_is_taken_at_its_word() -> None:
    """Symbols that lack _OBJECT_HEADER prove nothing, and keep nobody from looking."""
    target = target_of().without_type("_OBJECT_HEADER")
    assert process_at(target, target.kernel.processes[6488]).pid == 6488


def test_members_of_tokens_without_a_name_are_read_where_they_are_asked_for() -> None:
    """A build with one more: shown of one process, and of the thousands of a walk not."""
    target = target_of().with_field("_EPROCESS", "NewTokenWord", 0x2E8, "Uint4B")
    process = process_at(target, target.kernel.processes[6488])
    assert process_details(target, process, origins=False).unnamed == ()
    assert process_details(target, process, origins=False).origins == {}
    (one,) = [one for one in process_details(target, process).unnamed if one.member == "NewTokenWord"]
    assert one.raw == target.read(process.address + 0x2E8, 4)
