"""SIDs and groups in memory, sound and damaged."""

from typing import Any, List, Tuple

import pytest

from kdtoken.decode.sids import MAX_COUNT, prefetch_around, read_groups, read_sid
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.group import Group, HalfGroup
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


def test_an_entry_whose_sid_is_gone_keeps_its_attributes_and_pointer(target: SyntheticSource) -> None:
    target.poke(PAGE, sids_array(PAGE, PAIRS))
    target.poke(PAGE + 16, (0xFFFFDEAD00000000).to_bytes(8, "little"))
    seen = read_groups(target, PAGE, len(PAIRS))
    assert isinstance(seen, tuple) and isinstance(seen[1], HalfGroup)
    assert (seen[1].sid, seen[1].attributes, seen[1].pointer) == (None, PAIRS[1][1], 0xFFFFDEAD00000000)
    assert (seen[1].address, seen[1].reason) == (0xFFFFDEAD00000000, "not mapped")


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("cached", [False, True])
def test_so_many_entries_as_are_counted(target: SyntheticSource, count: int, cached: bool) -> None:
    target.poke(PAGE, sids_array(PAGE, PAIRS))
    source: Any = CachedSource(target) if cached else target
    expected = tuple(Group(Sid.from_text(text), bits) for text, bits in PAIRS[:count])
    places: List[Any] = []
    assert read_groups(source, PAGE, count, places) == expected
    assert [str(read_sid(target, place)) for place in places] == [text for text, _ in PAIRS[:count]]
    # Asked again, it is the same list.
    again = read_groups(source, PAGE, count)
    assert again == expected and (again is read_groups(source, PAGE, count) or not cached or count == 1)


def test_attributes_are_32_bits_and_what_lies_beside_them_is_none(target: SyntheticSource) -> None:
    """_SID_AND_ATTRIBUTES of x64: PSID, ULONG, four bytes that nobody set."""
    sid = place(target, ANNA)
    target.poke(PAGE + 0x100, sid.to_bytes(8, "little") + (0xC0000007).to_bytes(4, "little") + b"\xff" * 4)
    for source in (target, CachedSource(target)):
        assert read_groups(source, PAGE + 0x100, 1) == (Group(Sid.from_text(ANNA), 0xC0000007),)


def test_the_most_groups_that_are_believed(target: SyntheticSource) -> None:
    """A count of 4,096 is read, though none of it is there."""
    seen = read_groups(target, 0xFFFFDEAD00000000, MAX_COUNT)
    assert isinstance(seen, tuple) and len(seen) == MAX_COUNT and all(isinstance(one, Unreadable) for one in seen)


def test_a_sid_among_others_that_is_none_costs_one_entry(target: SyntheticSource) -> None:
    target.poke(PAGE, sids_array(PAGE, PAIRS))
    at = int.from_bytes(target.read(PAGE + 16, 8), "little")
    for byte, value, words in ((0, 2, "Revision"), (1, 16, "SubAuthorityCount")):
        hurt = SyntheticSource(target.kernel).poke(PAGE, target.read(PAGE, 0x1000)).poke(at + byte, bytes([value]))
        for source in (hurt, CachedSource(hurt)):
            seen = read_groups(source, PAGE, len(PAIRS))
            assert isinstance(seen, tuple)
            assert [isinstance(one, Unreadable) for one in seen] == [False, True, False, False, False]
            assert words in seen[1].reason  # type: ignore[union-attr]


def test_lists_whose_sids_reach_past_what_was_fetched_are_not_taken_for_each_other(target: SyntheticSource) -> None:
    """The last pointer ends what is fetched; a SID in front of it may go on behind, over the last one.

    Two tokens whose lists agree in all that was fetched are two lists, where these SIDs differ in the rest.
    """
    source, found = CachedSource(target), []
    for number, rest in enumerate((7, 9)):
        base = PAGE + 0x400 * number
        # S-1-5-21-A-B-C-D, and within it a pointer to its last sub-authority but three, which reads as S-1-0.
        body = b"\x01\x05\0\0\0\0\0\x05" + (21).to_bytes(4, "little") + b"\x01\0\0\0" + bytes(8)
        body += rest.to_bytes(4, "little")
        target.poke(base + 0x100, body)
        entries = [(base + 0x100, 7), (base + 0x10C, 7)]
        target.poke(base, b"".join(at.to_bytes(8, "little") + bits.to_bytes(8, "little") for at, bits in entries))
        found.append(read_groups(source, base, 2))
    assert [str(one[0].sid) for one in found] == ["S-1-5-21-1-0-0-7", "S-1-5-21-1-0-0-9"]


def test_sids_at_both_ends_of_what_is_fetched_together(target: SyntheticSource) -> None:
    """A stretch of 0x4000 bytes at most, the last SID whole."""
    for away, requests in ((0x4000, True), (0x4001, False), (0, False)):
        base = PAGE + 0x10000
        target.poke(base, bytes(0x5000)).poke(base, sid_bytes(ANNA))
        target.poke(base + away, sid_bytes(LONGEST))
        found = prefetch_around(target, [base + away, base])
        if not requests:
            assert found is None
            continue
        assert found is not None and found[0] == base and found[1].endswith(sid_bytes(LONGEST))
    # Where the last one's rest is not there, what could be read is kept.
    target.poke(END - 12, sid_bytes(ANNA)[:12])
    found = prefetch_around(target, [END - 0x100, END - 12])
    assert found is not None and (found[0], len(found[1])) == (END - 0x100, 0x100 - 12 + 8)
    # A hole between them: each is read by itself.
    assert prefetch_around(target, [END - 12, END + 0x1000]) is None


def test_of_lists_of_groups_only_so_many_are_kept(target: SyntheticSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept to be found again does not grow with the tokens of a machine; the lists stay right."""
    monkeypatch.setattr("kdtoken.decode.sids._MOST_LISTS", 2)
    source = CachedSource(target)
    for bits in range(5):
        expected = [(ANNA, bits), ("S-1-1-0", 7)]
        base = PAGE + 0x200 * bits
        target.poke(base, sids_array(base, expected))
        assert read_groups(source, base, 2) == tuple(Group(Sid.from_text(text), one) for text, one in expected)
        (lists,) = [one for key, one in source.memo.items() if key == ("lists of groups",)]
        assert len(lists) == (1, 2, 1, 2, 1)[bits]


def test_what_cannot_be_read_of_a_list_carries_its_own_address_though_another_is_the_same(
    target: SyntheticSource,
) -> None:
    """Two tokens with the same bytes at the same distances, one of them a SID of revision 2: each names its own place."""
    source = CachedSource(target)
    for base in (PAGE, PAGE + 0x400):
        target.poke(base, sids_array(base, PAIRS))
        at = int.from_bytes(target.read(base + 16, 8), "little")
        target.poke(at, b"\2")
        seen = read_groups(source, base, len(PAIRS))
        assert isinstance(seen, tuple) and isinstance(seen[1], Unreadable) and seen[1].address == at


def test_bytes_that_were_read_before_count_only_where_they_lie(target: SyntheticSource) -> None:
    """A list in front of them, behind them and across their ends is read; one within them is not asked for again."""
    array, sids = PAGE, PAGE + 0x100
    place(target, "S-1-5-18", sids)
    place(target, "S-1-5-19", sids + 0x20)
    pairs = ((sids, 7), (sids + 0x20, 4))
    for number, (pointer, bits) in enumerate(pairs):
        target.poke(array + 16 * number, pointer.to_bytes(8, "little") + bits.to_bytes(8, "little"))
    expected = (Group(Sid(5, (18,)), 7), Group(Sid(5, (19,)), 4))
    for first, size in ((array + 8, 0x200), (array + 0x80, 0x80), (array, 0x1F), (array, 0x110), (PAGE + 0x400, 0x40)):
        near = first, bytes(target.read(first, size))
        assert read_groups(target, array, 2, None, near) == expected, (hex(first), size)
    near = array, bytes(target.read(array, 0x130))
    target.reset_counters()
    assert read_groups(CachedSource(target), array, 2, None, near) == expected and target.log == []
