"""Walks of doubly linked lists: sound, torn, circular, long."""

import struct
from typing import Dict, Iterable, List, Optional, Tuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.decode.lists import walk_list
from kdtoken.decode.structure import Structure, read_members
from kdtoken.errors import FieldNotFound, MemoryUnreadable, SymbolNotFound, TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.model.absent import Maybe
from kdtoken.source.base import Source

HEAD = 0xFFFF800000001000
FIRST = 0xFFFF900000000000
STEP = 0x40
LINK = 0x10  # offset of the links in an item
TYPES = {
    "_LIST_ENTRY": make_layout(
        "_LIST_ENTRY", 16, [Field("Flink", 0, "Ptr64 _LIST_ENTRY"), Field("Blink", 8, "Ptr64 _LIST_ENTRY")]
    ),
    "_ITEM": make_layout("_ITEM", 0x20, [Field("Number", 0, "Uint4B"), Field("Links", LINK, "_LIST_ENTRY")]),
}


class Chain(Source):
    """A list of items numbered 0, 1, ...; memory is what `words` holds, nothing else can be read."""

    def __init__(self, count: int) -> None:
        self.words: Dict[int, int] = {}
        self.asked = 0  # links, by Links below
        self.entries = [FIRST + STEP * index + LINK for index in range(count)]
        self.link([HEAD] + self.entries)
        for index, at in enumerate(self.entries):
            self.words[at - LINK] = index
            self.words[at - LINK + 8] = 0

    def link(self, ring: List[int]) -> None:
        for index, at in enumerate(ring):
            self.words[at] = ring[(index + 1) % len(ring)]
            self.words[at + 8] = ring[index - 1]

    def flink(self, index: int, value: int) -> "Chain":
        self.words[self.entries[index]] = value
        return self

    def blink(self, index: int, value: int) -> "Chain":
        self.words[self.entries[index] + 8] = value
        return self

    def read(self, address: int, size: int) -> bytes:
        try:
            return b"".join(struct.pack("<Q", self.words[at]) for at in range(address, address + size, 8))
        except KeyError:
            raise MemoryUnreadable(address, size, "not mapped") from None

    def layout(self, name: str) -> Layout:
        if name not in TYPES:
            raise TypeNotFound("no type %s" % name, name)
        return TYPES[name]

    def symbol(self, name: str) -> int:
        raise SymbolNotFound("no symbol %s" % name, name)


def walk(chain: Chain, items: Optional[Iterable[int]] = None) -> Tuple[List[Maybe[int]], List[str]]:
    """Numbers of the items reached, and problems; `items` tells which addresses are items at all."""

    def read(address: int) -> Tuple[Structure, Maybe[int]]:
        s = read_members(chain, "_ITEM", address, ["Number", "Links"])
        return s, s.uint("Number")

    return walk_list(chain, HEAD, "_ITEM", "Links", read, None if items is None else lambda at: at in set(items or ()))


def test_in_order() -> None:
    assert walk(Chain(5)) == ([0, 1, 2, 3, 4], [])


def test_an_empty_list_is_its_head() -> None:
    assert walk(Chain(0)) == ([], [])


def test_a_null_flink_is_told_and_the_rest_comes_from_behind() -> None:
    numbers, problems = walk(Chain(6).flink(2, 0))
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert "is null" in problems[0] and "%x" % (FIRST + 2 * STEP + LINK) in problems[0]
    assert problems[1].startswith("3 more were found by walking the list backward")


def test_a_flink_into_unmapped_memory() -> None:
    numbers, problems = walk(Chain(6).flink(2, 0xDEAD0000))
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert "_ITEM list: the one at 0xdeacfff0 cannot be read: not mapped" in problems


def test_a_flink_to_itself() -> None:
    chain = Chain(6)
    numbers, problems = walk(chain.flink(2, chain.entries[2]))
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert "runs in a circle" in problems[0]


def test_a_flink_back_to_the_middle() -> None:
    chain = Chain(6)
    numbers, problems = walk(chain.flink(4, chain.entries[1]))
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert "goes back to 0x%x" % chain.entries[1] in problems[0]


def test_a_flink_that_skips_to_the_head_hides_nothing() -> None:
    """The forward chain alone looks whole; the head's Blink says that it is not."""
    numbers, problems = walk(Chain(6).flink(2, HEAD))
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert "torn" in problems[0]


def test_a_flink_into_readable_memory_that_is_no_item() -> None:
    chain = Chain(6)
    other = 0xFFFFA00000000000
    chain.words.update({other: 77, other + 8: 0, other + 16: other + 16, other + 24: other + 16})
    chain.flink(2, other + LINK)
    items = [at - LINK for at in chain.entries]
    numbers, problems = walk(chain, items)
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert "which is no _ITEM" in problems[0]


def test_a_damaged_blink_costs_no_item() -> None:
    chain = Chain(6)
    numbers, problems = walk(chain.blink(3, 0x1234), [at - LINK for at in chain.entries])
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert len(problems) == 1 and "Blink of 0x%x is 0x1234" % chain.entries[3] in problems[0]


def test_torn_in_both_directions_keeps_both_ends() -> None:
    numbers, problems = walk(Chain(8).flink(1, 0).blink(5, 0))
    assert numbers == [0, 1, 5, 6, 7]
    assert any("Flink" in text for text in problems) and any("Blink" in text for text in problems)


def test_an_item_that_is_paged_out_is_told_once() -> None:
    chain = Chain(5)
    for at in range(chain.entries[2] - LINK, chain.entries[2] + 16, 8):
        del chain.words[at]
    numbers, problems = walk(chain)
    assert numbers == [0, 1, 3, 4]
    assert sum("cannot be read" in text for text in problems) == 1


def test_a_head_that_cannot_be_read() -> None:
    chain = Chain(3)
    del chain.words[HEAD], chain.words[HEAD + 8]
    numbers, problems = walk(chain)
    assert numbers == []
    assert problems and "not mapped" in problems[0]


def test_a_missing_link_member_is_named() -> None:
    with pytest.raises(FieldNotFound, match="_ITEM has no field Chain"):
        walk_list(Chain(1), HEAD, "_ITEM", "Chain", lambda at: (None, at))  # type: ignore[arg-type,return-value]


class Links:
    """Stands for a Structure where only the walk counts, not the reading of members."""

    def __init__(self, chain: Chain, entry: int) -> None:
        self.chain, self.pair = chain, (chain.words[entry], chain.words[entry + 8])

    def uint(self, path: str) -> int:
        self.chain.asked += 1
        return self.pair[path.endswith("Blink")]


def test_a_hundred_thousand_items_in_bounded_time() -> None:
    chain = Chain(100_000)
    numbers, problems = walk_list(
        chain, HEAD, "_ITEM", "Links", lambda at: (cast(Structure, Links(chain, at + LINK)), chain.words[at])
    )
    assert numbers == list(range(100_000)) and problems == []
    assert chain.asked < 4 * 100_000


def test_a_hundred_thousand_items_and_a_circle() -> None:
    """Both chains are walked and merged; that may not take the square of the time."""
    chain = Chain(100_000)
    chain.flink(99_000, chain.entries[5])
    numbers, problems = walk_list(
        chain, HEAD, "_ITEM", "Links", lambda at: (cast(Structure, Links(chain, at + LINK)), chain.words[at])
    )
    assert numbers == list(range(100_000)) and len(problems) == 2
    assert chain.asked < 8 * 100_000


def test_no_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdtoken.decode.lists.LIMIT", 50)
    numbers, problems = walk(Chain(500))
    assert len(numbers) <= 102
    assert "over 50 entries" in problems[0]


@given(st.integers(0, 9), st.booleans(), st.one_of(st.integers(0, 2**64 - 1), st.integers(-1, 10)))
def test_one_broken_pointer_never_hides_or_invents_an_item(index: int, forward: bool, where: int) -> None:
    chain = Chain(10)
    ring = [HEAD] + chain.entries
    value = ring[where] if -1 <= where <= 10 else where
    chain.words[chain.entries[index] + (0 if forward else 8)] = value
    numbers, problems = walk(chain, [at - LINK for at in chain.entries])
    assert numbers == list(range(10))
    untouched = Chain(10).words == chain.words
    assert bool(problems) != untouched
