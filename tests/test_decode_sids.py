"""SIDs and groups in memory, sound and damaged."""

from typing import Any, List, Tuple

import pytest

from kdtoken.decode.sids import MAX_COUNT, prefetch_around, read_groups, read_sid
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.sid import Sid
from kdtoken.source.cached import CachedSource
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.binary import sid_bytes, sids_array
from tests.machine.synthetic import SyntheticSource

PAGE = 0xFFFFCC8A77000000
END = PAGE + 0x1000  # nothing is mapped from here on
ANNA = "S-1-5-21-1004336348-1177238915-682003330-1001"
LONGEST = "S-1-15-3-" + "-".join(str(number) for number in range(14))
PAIRS: List[Tuple[str, int]] = [(ANNA, 0), ("S-1-1-0", 7), ("S-1-16-8192", 0x60), (LONGEST, 4), ("S-1-5", 7)]


@pytest.fixture
def target() -> SyntheticSource:
    there = SyntheticSource(kernel_of(WINDOWS_11))
    return there.poke(PAGE, bytes(0x1000))


def place(target: SyntheticSource, text: str, at: int = PAGE) -> int:
    target.poke(at, sid_bytes(text))
    return at


@pytest.mark.parametrize("text", [ANNA, "S-1-5-18", "S-1-0-0", LONGEST, "S-1-5", "S-1-281474976710655-4294967295"])
def test_a_sid(target: SyntheticSource, text: str) -> None:
    sid = read_sid(target, place(target, text))
    assert isinstance(sid, Sid) and sid.to_bytes() == sid_bytes(text)


def test_a_sid_that_ends_with_its_page(target: SyntheticSource) -> None:
    """Nothing behind its last byte is asked for."""
    at = END - len(sid_bytes(ANNA))
    assert str(read_sid(target, place(target, ANNA, at))) == ANNA


def test_a_sid_across_a_border_that_is_there(target: SyntheticSource) -> None:
    assert str(read_sid(target, place(target, ANNA, END - 12))) == ANNA


@pytest.mark.parametrize("inside", [4, 8, 12, 24])
def test_memory_that_stops_inside_a_sid(target: SyntheticSource, inside: int) -> None:
    target.poke(END - inside, sid_bytes(ANNA)[:inside])
    sid = read_sid(target, END - inside)
    assert isinstance(sid, Unreadable) and sid.reason == "not mapped"


def test_null_is_none(target: SyntheticSource) -> None:
    assert read_sid(target, 0) is None


@pytest.mark.parametrize("missing", [Unreadable(16, "paged out"), Absent("_TOKEN.Package")])
def test_a_pointer_that_is_not_known_stays_so(target: SyntheticSource, missing: Any) -> None:
    assert read_sid(target, missing) is missing


@pytest.mark.parametrize("count", [16, 17, 255])
def test_too_many_sub_authorities(target: SyntheticSource, count: int) -> None:
    at = place(target, ANNA)
    sid = read_sid(target.poke(at + 1, bytes([count])), at)
    assert isinstance(sid, Unreadable) and "SubAuthorityCount (byte 1) is %d" % count in sid.reason
    assert sid.address == at


@pytest.mark.parametrize("revision", [0, 2, 255])
def test_another_revision_is_no_sid(target: SyntheticSource, revision: int) -> None:
    at = place(target, ANNA)
    sid = read_sid(target.poke(at, bytes([revision])), at)
    assert isinstance(sid, Unreadable) and "Revision (byte 0) is %d" % revision in sid.reason


def groups(target: Any, pairs: List[Tuple[str, int]], at: int = PAGE) -> Any:
    target.poke(at, sids_array(at, pairs))
    return read_groups(target, at, len(pairs))


def test_groups(target: SyntheticSource) -> None:
    assert groups(target, PAIRS) == tuple(Group(Sid.from_text(text), bits) for text, bits in PAIRS)


def test_no_groups(target: SyntheticSource) -> None:
    assert read_groups(target, 0, 0) == ()
    assert read_groups(target, 0xFFFFDEAD00000000, 0) == ()


@pytest.mark.parametrize("missing", [Unreadable(16, "paged out"), Absent("_TOKEN.Capabilities")])
def test_an_unknown_array_or_count_stays_so(target: SyntheticSource, missing: Any) -> None:
    for array, count in ((missing, 3), (PAGE, missing)):
        assert read_groups(target, array, count) is missing


@pytest.mark.parametrize("count", [MAX_COUNT + 1, 0x10000, 0xFFFFFFFF])
def test_an_unbelievable_count_reads_nothing(target: SyntheticSource, count: int) -> None:
    target.reset_counters()
    seen = read_groups(target, PAGE, count)
    assert isinstance(seen, Unreadable) and "0x%x" % count in seen.reason
    assert target.bytes_read == 0


def test_a_null_array_with_a_count(target: SyntheticSource) -> None:
    seen = read_groups(target, 0, 3)
    assert isinstance(seen, Unreadable) and "null" in seen.reason


def test_one_bad_pointer_costs_one_entry(target: SyntheticSource) -> None:
    target.poke(PAGE, sids_array(PAGE, PAIRS))
    target.poke(PAGE + 16, (0xFFFFDEAD00000000).to_bytes(8, "little"))
    seen = read_groups(target, PAGE, len(PAIRS))
    assert isinstance(seen, tuple)
    assert [isinstance(one, Unreadable) for one in seen] == [False, True, False, False, False]


def test_one_null_pointer_costs_one_entry(target: SyntheticSource) -> None:
    target.poke(PAGE, sids_array(PAGE, PAIRS))
    target.poke(PAGE, bytes(8))
    seen = read_groups(target, PAGE, len(PAIRS))
    assert isinstance(seen, tuple)
    assert isinstance(seen[0], Unreadable) and "null" in seen[0].reason
    assert isinstance(seen[1], Group)


def test_an_array_that_stops_with_its_page(target: SyntheticSource) -> None:
    """Two entries before the border, the third one half, its SIDs elsewhere."""
    at = END - 40
    sid = place(target, ANNA)
    entry = sid.to_bytes(8, "little") + (7).to_bytes(8, "little")
    target.poke(at, (entry * 3)[:40])
    seen = read_groups(target, at, 3)
    good = Group(Sid.from_text(ANNA), 7)
    assert isinstance(seen, tuple) and seen[:2] == (good, good)
    assert isinstance(seen[2], Unreadable) and seen[2].reason == "not mapped"


def test_sids_that_lie_together_cost_two_requests(target: SyntheticSource) -> None:
    target.poke(PAGE, sids_array(PAGE, PAIRS))
    cached = CachedSource(target)
    read_groups(cached, PAGE, len(PAIRS))
    assert cached.requests <= 2


def test_far_sids_are_not_fetched_with_all_between(target: SyntheticSource) -> None:
    target.reset_counters()
    prefetch_around(target, [PAGE, PAGE + 0x100000])
    prefetch_around(target, [PAGE])
    prefetch_around(target, [])
    assert target.bytes_read == 0
