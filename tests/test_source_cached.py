"""The cache: nothing is asked twice, and no answer changes."""

from typing import List, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import MemoryUnreadable, NotRecorded, SymbolNotFound, TypeNotFound
from kdtoken.layout.layout import Layout
from kdtoken.source.base import PAGE_SIZE, About, Source
from kdtoken.source.cached import READ_AHEAD, CachedSource
from tests.expected import file_of, kernel_of
from tests.machine.synthetic import SyntheticSource
from tests.test_source_base import BASE, Pages, content


class Sparse(Source):
    """A recording: only some ranges, nothing else, and no whole pages."""

    about = About("sparse")

    def __init__(self, *ranges: Tuple[int, int]) -> None:
        self.ranges = ranges

    def read(self, address: int, size: int) -> bytes:
        for start, length in self.ranges:
            if start <= address and address + size <= start + length:
                return content(address, size)
        raise NotRecorded(address, size, "record it")

    def layout(self, name: str) -> Layout:
        raise TypeNotFound("no types", name)

    def symbol(self, name: str) -> int:
        raise SymbolNotFound("no symbols", name)


def test_a_small_read_brings_its_neighbours() -> None:
    inner = Pages()
    cached = CachedSource(inner)
    assert cached.read(BASE + 16, 8) == content(BASE + 16, 8)
    assert cached.read(BASE + 24, 100) == content(BASE + 24, 100)
    assert inner.log == [(BASE + 16, READ_AHEAD)]
    assert (cached.requests, cached.bytes_read) == (1, READ_AHEAD)


def test_who_wants_no_neighbours_gets_none() -> None:
    inner = Pages()
    cached = CachedSource(inner)
    assert cached.read_just(BASE + 16, 8) == content(BASE + 16, 8)
    assert inner.log == [(BASE + 16, 8)] and (cached.requests, cached.bytes_read) == (1, 8)
    assert cached.read_just(BASE + 18, 4) == content(BASE + 18, 4) and cached.requests == 1


def test_no_small_read_goes_into_the_next_page() -> None:
    inner = Pages((1,), False)
    cached = CachedSource(inner)
    assert cached.read(BASE + 0xFF8, 8) == content(BASE + 0xFF8, 8)
    assert inner.log == [(BASE + 0xFF8, 8)]


def test_a_large_read_is_not_widened() -> None:
    inner = Pages()
    CachedSource(inner).read(BASE, 500)
    assert inner.log == [(BASE, 500)]


def test_only_what_is_missing_is_asked() -> None:
    inner = Pages()
    cached = CachedSource(inner)
    cached.read(BASE, 500)
    assert cached.read(BASE + 400, 300) == content(BASE + 400, 300)
    assert inner.log[1] == (BASE + 500, 200)


def test_widening_stops_where_something_is_known() -> None:
    inner = Pages()
    cached = CachedSource(inner)
    cached.read(BASE + 0x100, 8)
    cached.read(BASE + 0xE0, 8)
    assert inner.log[1] == (BASE + 0xE0, 0x20)


def test_known_pages_join_across_their_border() -> None:
    inner = Pages()
    cached = CachedSource(inner)
    cached.read(BASE + 0xF00, 0x100)
    cached.read(BASE + 0x1000, 0x200)
    before = len(inner.log)
    assert cached.read(BASE + 0xFF0, 0x40) == content(BASE + 0xFF0, 0x40)
    assert len(inner.log) == before


def test_nothing_is_no_request() -> None:
    cached = CachedSource(Pages())
    assert cached.read(BASE, 0) == b"" and cached.requests == 0


@pytest.mark.parametrize("partial", [True, False])
def test_a_refused_page_is_not_asked_again(partial: bool) -> None:
    inner = Pages((0,), partial)
    cached = CachedSource(inner)
    for offset in (0, 8, 0x800):
        with pytest.raises(MemoryUnreadable) as error:
            cached.read(BASE + offset, 8)
        assert (error.value.address, error.value.size, error.value.reason) == (BASE + offset, 8, "paged out")
    assert len(inner.log) == 1


def test_what_came_before_a_refused_page_is_kept_and_given() -> None:
    inner = Pages((1,), True)
    cached = CachedSource(inner)
    with pytest.raises(MemoryUnreadable) as error:
        cached.read(BASE + 0xF00, 0x200)
    assert error.value.partial == content(BASE + 0xF00, 0x100)
    before = len(inner.log)
    assert cached.read(BASE + 0xF80, 0x80) == content(BASE + 0xF80, 0x80)
    assert len(inner.log) == before


def test_a_range_refused_as_a_whole_does_not_condemn_its_first_page() -> None:
    """pykd gives nothing of a range that runs into a missing page."""
    cached = CachedSource(Pages((1,), False))
    with pytest.raises(MemoryUnreadable):
        cached.read(BASE + 0xF00, 0x200)
    assert cached.read(BASE + 0xF00, 0x100) == content(BASE + 0xF00, 0x100)


def test_a_recording_is_asked_for_no_more_than_it_holds() -> None:
    """The wide read is not recorded, the narrow one is."""
    cached = CachedSource(Sparse((BASE + 16, 8), (BASE + 64, 8)))
    assert cached.read(BASE + 16, 8) == content(BASE + 16, 8)
    with pytest.raises(NotRecorded) as error:
        cached.read(BASE + 32, 8)
    assert (error.value.address, error.value.next_step) == (BASE + 32, "record it")
    assert cached.read(BASE + 64, 8) == content(BASE + 64, 8)


def test_layouts_and_symbols_are_asked_once() -> None:
    asked: List[str] = []

    class Counting(SyntheticSource):
        def layout(self, name: str) -> Layout:
            asked.append(name)
            return super().layout(name)

        def symbol(self, name: str) -> int:
            asked.append(name)
            return super().symbol(name)

    cached = CachedSource(Counting(kernel_of(file_of("10.0.17763"))))
    for _ in range(3):
        cached.layout("_TOKEN")
        cached.symbol("PsActiveProcessHead")
    assert asked == ["_TOKEN", "PsActiveProcessHead"]


def test_errors_of_look_ups_pass_through() -> None:
    cached = CachedSource(SyntheticSource(kernel_of(file_of("10.0.17763"))))
    with pytest.raises(TypeNotFound, match="_NOPE"):
        cached.layout("_NOPE")
    with pytest.raises(SymbolNotFound, match="Nope"):
        cached.symbol("Nope")


def test_commands_and_about_pass_through() -> None:
    inner = SyntheticSource(kernel_of(file_of("10.0.17763"))).answer("vertarget", "Windows 10")
    cached = CachedSource(inner)
    assert cached.command("vertarget") == "Windows 10"
    assert cached.about == inner.about and cached.about.synthetic


READS = st.lists(st.tuples(st.integers(0, 4 * PAGE_SIZE), st.integers(1, 700)), min_size=1, max_size=12)


@given(READS, st.sets(st.integers(0, 4), max_size=2), st.booleans())
def test_every_answer_is_the_targets(reads: List[Tuple[int, int]], bad: Set[int], partial: bool) -> None:
    """Values, refusals, and what came before a refusal where the target tells it."""
    plain, cached = Pages(tuple(bad)), CachedSource(Pages(tuple(bad), partial))
    for offset, size in reads:
        try:
            right = plain.read(BASE + offset, size)
        except MemoryUnreadable as error:
            with pytest.raises(MemoryUnreadable) as seen:
                cached.read(BASE + offset, size)
            assert seen.value.reason == error.reason
            assert error.partial.startswith(seen.value.partial)
        else:
            assert cached.read(BASE + offset, size) == right


@given(READS)
def test_the_same_read_again_costs_nothing(reads: List[Tuple[int, int]]) -> None:
    cached = CachedSource(Pages())
    for offset, size in reads:
        cached.read(BASE + offset, size)
    before = cached.requests
    for offset, size in reads:
        assert cached.read(BASE + offset, size) == content(BASE + offset, size)
    assert cached.requests == before


@pytest.mark.parametrize("size", [7, 8, 9])
def test_of_a_wider_read_that_broke_off_what_was_wanted_is_an_answer(size: int) -> None:
    """The target gives eight bytes and refuses what lies behind them, in the middle of a page."""

    class Torn(Sparse):
        def read(self, address: int, size: int) -> bytes:
            if address + size > BASE + 8:
                raise MemoryUnreadable(address, size, "paged out", content(address, BASE + 8 - address))
            return content(address, size)

    made = CachedSource(Torn())
    if size <= 8:
        assert made.read(BASE, size) == content(BASE, size) and made.requests == 1
    else:
        with pytest.raises(MemoryUnreadable) as caught:
            made.read(BASE, size)
        assert caught.value.partial == content(BASE, 8)
