"""Targets: ranges with holes, and what a target without an interpreter says."""

from typing import Any, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import MemoryUnreadable, NoCommands, NotRecorded, SymbolNotFound, TypeNotFound
from kdtoken.layout.layout import Layout
from kdtoken.source.base import PAGE_SIZE, About, Source, Span, _sparse, read_span

BASE = 0xFFFF800000000000


def content(address: int, size: int) -> bytes:
    """Bytes that tell their own address."""
    return bytes((at * 7 + at // PAGE_SIZE) & 0xFF for at in range(address, address + size))


class Pages(Source):
    """Readable but for some pages; `partial` is whether it gives what comes before a bad page."""

    about = About("made-up pages")

    def __init__(self, bad: Tuple[int, ...] = (), partial: bool = True) -> None:
        self.bad = {BASE // PAGE_SIZE + index for index in bad}
        self.partial = partial
        self.log: List[Tuple[int, int]] = []

    def read(self, address: int, size: int) -> bytes:
        self.log.append((address, size))
        for at in range(address, address + size):
            if at // PAGE_SIZE in self.bad:
                before = content(address, at - address) if self.partial else b""
                raise MemoryUnreadable(address, size, "paged out", before)
        return content(address, size)

    def layout(self, name: str) -> Layout:
        raise TypeNotFound("no types here", name)

    def symbol(self, name: str) -> int:
        raise SymbolNotFound("no symbols here", name)


def test_a_sound_range_is_one_request() -> None:
    target = Pages()
    span = read_span(target, BASE + 100, 3 * PAGE_SIZE)
    assert target.log == [(BASE + 100, 3 * PAGE_SIZE)]
    assert span.pieces == ((BASE + 100, content(BASE + 100, 3 * PAGE_SIZE)),) and span.holes == ()


@pytest.mark.parametrize("partial", [True, False])
def test_a_hole_in_the_middle(partial: bool) -> None:
    span = read_span(Pages((1,), partial), BASE + 0xF00, 0x1200)
    assert span.pieces == (
        (BASE + 0xF00, content(BASE + 0xF00, 0x100)),
        (BASE + 0x2000, content(BASE + 0x2000, 0x100)),
    )
    assert [(hole.address, hole.size, hole.reason) for hole in span.holes] == [(BASE + 0x1000, 0x1000, "paged out")]


@pytest.mark.parametrize("partial", [True, False])
def test_pages_that_touch_become_one_piece(partial: bool) -> None:
    span = read_span(Pages((3,), partial), BASE, 4 * PAGE_SIZE)
    assert span.pieces == ((BASE, content(BASE, 3 * PAGE_SIZE)),)


def test_a_bad_page_is_asked_once_when_the_range_lies_in_it() -> None:
    target = Pages((0,), False)
    span = read_span(target, BASE + 8, 16)
    assert target.log == [(BASE + 8, 16)] and span.pieces == ()


def test_members_that_lie_in_a_piece() -> None:
    span = read_span(Pages((1,)), BASE + 0xF00, 0x1200)
    assert span.get(BASE + 0xFF8, 8) == content(BASE + 0xFF8, 8)
    assert span.get(BASE + 0x2000, 1) == content(BASE + 0x2000, 1)


@pytest.mark.parametrize("offset, size", [(0xFFC, 8), (0x1000, 4), (0x1FFF, 2), (0xF00, 0x1200)])
def test_members_that_touch_a_hole_are_unreadable(offset: int, size: int) -> None:
    span = read_span(Pages((1,)), BASE + 0xF00, 0x1200)
    with pytest.raises(MemoryUnreadable) as error:
        span.get(BASE + offset, size)
    assert (error.value.address, error.value.size, error.value.reason) == (BASE + offset, size, "paged out")


def test_what_was_never_read_says_so() -> None:
    with pytest.raises(MemoryUnreadable, match="outside the range"):
        Span(BASE, 8, ((BASE, bytes(8)),)).get(BASE + 4, 8)


def test_no_interpreter() -> None:
    with pytest.raises(NoCommands, match="made-up pages has no command interpreter") as error:
        Pages().command("!process 0 0")
    assert error.value.subject == "!process"


def test_errors_tell_address_and_size() -> None:
    assert str(MemoryUnreadable(0x10, 1, "paged out")) == "cannot read 1 byte at 0x10: paged out"
    assert str(NotRecorded(0x10, 8, "record it")) == "cannot read 8 bytes at 0x10: not recorded\n  next: record it"


@given(
    st.integers(0, 3 * PAGE_SIZE), st.integers(1, 3 * PAGE_SIZE), st.sets(st.integers(0, 6), max_size=4), st.booleans()
)
def test_pieces_and_holes_cover_the_range_without_overlap(
    start: int, size: int, bad: "set[int]", partial: bool
) -> None:
    span = read_span(Pages(tuple(bad), partial), BASE + start, size)
    parts = [(at, len(data)) for at, data in span.pieces] + [(hole.address, hole.size) for hole in span.holes]
    at = BASE + start
    for begin, length in sorted(parts):
        assert begin == at and length > 0
        at += length
    assert at == BASE + start + size
    for begin, data in span.pieces:
        assert data == content(begin, len(data))


@pytest.mark.parametrize(
    "partial, known, holes",
    [
        (b"ab", ((0x1002, b"cd"), (0x1006, b"gh")), [(0x1004, 2)]),  # pieces that touch leave no hole between
        (b"ab", ((0x1004, b"ef"),), [(0x1002, 2), (0x1006, 2)]),
        (b"", ((0x1000, b"abcdefgh"),), []),
        (b"", ((0x1004, b"efgh"),), [(0x1000, 4)]),
        (b"abcd", (), [(0x1004, 4)]),
        (b"", (), [(0x1000, 8)]),
    ],
)
def test_the_holes_of_a_failed_read_lie_between_what_there_is(partial: bytes, known: Any, holes: Any) -> None:
    span = _sparse(0x1000, 8, NotRecorded(0x1000, 8, "", partial, known))
    assert [(hole.address, hole.size) for hole in span.holes] == holes
    assert span.pieces == (((0x1000, partial),) if partial else ()) + known
