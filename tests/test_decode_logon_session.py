"""Logon sessions: one by its address, and one by its id in the kernel's table."""

from pathlib import Path
from typing import List

import pytest

from kdtoken.decode.logon_session import all_logon_sessions, find_logon_session, read_logon_session
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.token import LogonSession
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_11, kernel_of, logon
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource

KIND = "_SEP_LOGON_SESSION_REFERENCES"
NEWEST = WINDOWS_11
ANNA, FULL = 0x2F3D2, 0x2F3A1  # the two halves of a UAC pair
SAME_CHAIN = 0x41C02  # in the same chain as the filtered one


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def target_of(path: Path = NEWEST) -> SyntheticSource:
    return SyntheticSource(kernel_of(path))


def assert_equal(seen: object, kernel: Kernel, logon_id: int) -> None:
    assert isinstance(seen, LogonSession)
    for name, value in logon(kernel, logon_id).items():
        assert getattr(seen, name) == value, name


def test_each_session_by_address(kernel: Kernel) -> None:
    for session in MACHINE.logon_sessions:
        seen = read_logon_session(SyntheticSource(kernel), kernel.logon_sessions[session.logon_id])
        assert_equal(seen, kernel, session.logon_id)


def test_each_session_by_id(kernel: Kernel) -> None:
    for session in MACHINE.logon_sessions:
        seen = find_logon_session(SyntheticSource(kernel), Luid.from_value(session.logon_id))
        assert_equal(seen, kernel, session.logon_id)


def test_the_buddy_leads_to_the_other_half_and_back(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    filtered = find_logon_session(source, Luid.from_value(ANNA))
    assert isinstance(filtered, LogonSession) and isinstance(filtered.buddy_logon_id, Luid)
    full = find_logon_session(source, filtered.buddy_logon_id)
    assert isinstance(full, LogonSession)
    assert (full.logon_id, full.buddy_logon_id) == (Luid.from_value(FULL), Luid.from_value(ANNA))


def test_null_is_none() -> None:
    assert read_logon_session(target_of(), 0) is None


def test_an_unknown_pointer_stays_so() -> None:
    missing = Unreadable(16, "paged out")
    assert read_logon_session(target_of(), missing) is missing


def test_no_memory_there() -> None:
    assert isinstance(read_logon_session(target_of(), 0xFFFFDEAD00000000), Unreadable)


def test_a_name_that_is_paged_out_costs_only_the_name() -> None:
    source = target_of()
    at = source.kernel.logon_sessions[ANNA]
    buffer = at + source.layout(KIND).field("AccountName").offset + 8
    source.poke(buffer, (0xFFFFDEAD00000000).to_bytes(8, "little"))
    seen = read_logon_session(source, at)
    assert isinstance(seen, LogonSession)
    assert seen.account_name == Unreadable(0xFFFFDEAD00000000, "not mapped")
    assert (seen.authority_name, seen.reference_count) == ("ANNA-PC", 1799)


def test_an_id_that_nobody_has() -> None:
    assert find_logon_session(target_of(), Luid.from_value(0x123450)) is None


def test_a_chain_in_a_circle_ends() -> None:
    source = target_of()
    first = source.kernel.logon_sessions[SAME_CHAIN]
    for logon_id in (SAME_CHAIN, ANNA, 0x77AF2):
        source.poke_field(source.kernel.logon_sessions[logon_id], KIND, "Next", first.to_bytes(8, "little"))
    seen = find_logon_session(source, Luid.from_value(0xFFFFF2))
    assert isinstance(seen, Unreadable) and "circle" in seen.reason
    assert source.requests < 20


def test_a_chain_that_breaks_is_unreadable_not_none() -> None:
    """Who was behind the break is not known to be absent."""
    source = target_of()
    for logon_id in (SAME_CHAIN, ANNA, 0x77AF2):
        source.poke_field(
            source.kernel.logon_sessions[logon_id], KIND, "Next", (0xFFFFDEAD00000000).to_bytes(8, "little")
        )
    seen = find_logon_session(source, Luid.from_value(0xFFFFF2))
    assert isinstance(seen, Unreadable) and seen.reason == "not mapped"


def test_a_table_that_is_paged_out() -> None:
    source = target_of()
    source.without_pages([source.symbol("SepLogonSessions")])
    assert isinstance(find_logon_session(source, Luid.from_value(ANNA)), Unreadable)


def test_a_table_pointer_of_null() -> None:
    source = target_of()
    source.poke(source.symbol("SepLogonSessions"), bytes(8))
    assert isinstance(find_logon_session(source, Luid.from_value(ANNA)), Unreadable)


def test_symbols_without_the_table() -> None:
    source = target_of().without_symbol("SepLogonSessions")
    seen = find_logon_session(source, Luid.from_value(ANNA))
    assert isinstance(seen, Absent) and "SepLogonSessions" in str(seen)


def test_symbols_without_the_type() -> None:
    source = target_of().without_type(KIND)
    assert find_logon_session(source, Luid.from_value(ANNA)) == Absent(KIND)
    assert read_logon_session(source, source.kernel.logon_sessions[ANNA]) == Absent(KIND)


@pytest.mark.parametrize(
    "member, name", [("BuddyLogonId", "buddy_logon_id"), ("AccountName", "account_name"), ("Token", "token")]
)
def test_members_that_a_build_lacks_are_absent(member: str, name: str) -> None:
    source = target_of().without_field(KIND, member)
    seen = read_logon_session(source, source.kernel.logon_sessions[ANNA])
    assert isinstance(getattr(seen, name), Absent)


def test_all_four_low_bits_choose_the_chain() -> None:
    """A session whose id ends in 0xa lies in chain 10, not in chain 2."""
    source = target_of()
    at = source.kernel.logon_sessions[ANNA]  # 0x2f3d2, of chain 2
    source.poke_field(at, KIND, "LogonId", (0x2F3DA).to_bytes(8, "little"))
    source.poke_field(at, KIND, "Next", bytes(8))
    table = int.from_bytes(source.read(source.symbol("SepLogonSessions"), 8), "little")
    source.poke(table + 8 * 2, bytes(8))
    source.poke(table + 8 * 10, at.to_bytes(8, "little"))
    found = find_logon_session(source, Luid.from_value(0x2F3DA))
    assert isinstance(found, LogonSession) and found.address == at


def all_of(source: SyntheticSource) -> "tuple[list[int], list[str]]":
    problems: List[str] = []
    found = all_logon_sessions(source, problems)
    assert isinstance(found, tuple)
    return [one.logon_id.value for one in found if isinstance(one.logon_id, Luid)], problems


DECLARED = sorted(one.logon_id for one in MACHINE.logon_sessions)


def test_every_session_of_the_table_by_its_id(kernel: Kernel) -> None:
    assert all_of(SyntheticSource(kernel)) == (DECLARED, [])


def test_a_chain_that_breaks_or_runs_in_a_circle_is_said_and_what_was_met_is_kept() -> None:
    kernel = kernel_of(NEWEST)
    for number, logon_id in ((2, SAME_CHAIN), (2, ANNA)):
        source = target_of()
        at = kernel.logon_sessions[logon_id]
        source.poke_field(at, KIND, "Next", at)
        found, problems = all_of(source)
        assert problems == ["chain %d of the logon sessions runs in a circle at 0x%x" % (number, at)]
        assert logon_id in found and set(found) <= set(DECLARED)
    source = target_of()
    last = next(
        one for one in DECLARED if one & 15 == 2 and kernel.pointer_at(KIND, kernel.logon_sessions[one], "Next") == 0
    )
    source.poke_field(kernel.logon_sessions[last], KIND, "Next", 0xFFFFDEAD00000000)
    found, problems = all_of(source)
    assert found == DECLARED and problems == [
        "chain 2 of the logon sessions is cut: %s" % Unreadable(0xFFFFDEAD00000000, "not mapped")
    ]


def test_a_table_that_cannot_be_read_is_no_list() -> None:
    gone = target_of()
    gone.without_pages([gone.symbol("SepLogonSessions")])
    assert isinstance(all_logon_sessions(gone, []), Unreadable)
    assert isinstance(all_logon_sessions(target_of().without_symbol("SepLogonSessions"), []), Absent)


def test_an_id_on_the_way_that_cannot_be_read_may_have_been_the_one() -> None:
    source = target_of()
    first = source.kernel.logon_sessions[SAME_CHAIN]
    # The struct's start on one page, which is gone; its link, which lies behind LogonId, on the next.
    table = int.from_bytes(source.read(source.symbol("SepLogonSessions"), 8), "little")
    head = int.from_bytes(source.read(table + 16, 8), "little")
    assert first
    source.without_pages([head])
    seen = find_logon_session(source, Luid.from_value(0xFFFFF2))
    assert isinstance(seen, Unreadable)


def test_a_link_that_cannot_be_read_is_no_end() -> None:
    """Next lies first: on a page that is gone, while the id behind it can be read and is another's."""
    source = target_of()
    end = 0xFFFFA08077001000
    layout = source.layout(KIND)
    assert layout.field("Next").offset == 0 and layout.field("LogonId").offset == 8
    moved = source.kernel.memory.peek(source.kernel.logon_sessions[SAME_CHAIN], 0x100)
    source.poke(end - 8, moved).without_mapping([end - 8])
    table = int.from_bytes(source.read(source.symbol("SepLogonSessions"), 8), "little")
    source.poke(table + 8 * (SAME_CHAIN & 15), (end - 8).to_bytes(8, "little"))
    assert find_logon_session(source, Luid.from_value(0xFFFFF2)) == Unreadable(end - 8, "not mapped")
    problems: List[str] = []
    found = all_logon_sessions(source, problems)
    assert isinstance(found, tuple) and SAME_CHAIN in [
        one.logon_id.value for one in found if isinstance(one.logon_id, Luid)
    ]
    assert problems == ["chain 2 of the logon sessions is cut: %s" % Unreadable(end - 8, "not mapped")]


@pytest.mark.parametrize("lacks", ["type", "symbol", "buddy"])
def test_the_other_half_is_fetched_along_only_where_the_symbols_tell_of_it(lacks: str) -> None:
    """Asked for a pair, as a dump asks: what the symbols lack costs the pair, and not the session."""
    source = target_of()
    at = source.kernel.logon_sessions[ANNA]
    if lacks == "type":
        source.without_type(KIND)
    elif lacks == "symbol":
        source.without_symbol("SepLogonSessions")
    else:
        source.without_field(KIND, "BuddyLogonId")
    seen = read_logon_session(CachedSource(source), at, pair=True)
    if lacks == "type":
        assert seen == Absent(KIND)
    else:
        assert isinstance(seen, LogonSession) and seen.account_name == "Anna"
        assert seen.buddy_logon_id == (Absent(KIND + ".BuddyLogonId") if lacks == "buddy" else Luid.from_value(FULL))


def test_a_session_that_lies_at_two_addresses_is_listed_by_each_and_in_the_order_of_the_ids() -> None:
    """Where an id cannot be read it comes first, as if it were 0."""
    source = target_of()
    at = source.kernel.logon_sessions[0x3E7]  # of chain 7
    source.poke_field(at, KIND, "LogonId", (0xFFFFFFFFFFFFFFF7).to_bytes(8, "little"))
    found, problems = all_of(source)
    assert found == sorted({*DECLARED, 0xFFFFFFFFFFFFFFF7} - {0x3E7}) and problems == []


def test_the_names_of_both_halves_come_in_one_request() -> None:
    """Asked for a pair: the session, the table's chain and the other half, then the names of both together."""
    alone, pair = CachedSource(target_of()), CachedSource(target_of())
    at = target_of().kernel.logon_sessions[ANNA]
    one = read_logon_session(pair, at, pair=True)
    assert one == read_logon_session(alone, at)
    spent = pair.requests
    assert isinstance(one, LogonSession) and isinstance(one.buddy_logon_id, Luid)
    other = find_logon_session(pair, one.buddy_logon_id)
    assert other == find_logon_session(alone, one.buddy_logon_id) and pair.requests == spent
    assert alone.requests > pair.requests
