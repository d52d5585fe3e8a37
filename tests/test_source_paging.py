"""The page walk against tables written here entry by entry, and page maps against naive ones."""

import mmap
import struct
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.source import paging
from kdtoken.source.crashdump.pages import MAX_PAGE, Bitmap, Runs
from kdtoken.source.paging import PageTables

PAGE = 0x1000
ROOT, POINTERS, DIRECTORY, TABLE = 1, 2, 3, 4  # physical pages
DATA = 5
PAGES = 12
TOP = 0xFFFFF80000000000  # PML4 index 0x1f0, and 0 in all the others
PRESENT, LARGE, PROTOTYPE, TRANSITION = 1, 1 << 7, 1 << 10, 1 << 11
PAGED_OUT = 0x1234 << 32 | 4 << 5  # in the page file, at page 0x1234, read/write
DEMAND_ZERO = 4 << 5
Entries = Dict[Tuple[int, int], int]


def tables(entries: Entries, cut: int = 0) -> PageTables:
    """Tables with the four levels linked, and then `entries`: (physical page, index) -> value."""
    memory = [bytearray(bytes([number]) * PAGE) for number in range(PAGES)]
    for number in (ROOT, POINTERS, DIRECTORY, TABLE):
        memory[number] = bytearray(PAGE)
    linked = {
        (ROOT, 0x1F0): POINTERS << 12 | PRESENT,
        (POINTERS, 0): DIRECTORY << 12 | PRESENT,
        (DIRECTORY, 0): TABLE << 12 | PRESENT,
        **entries,
    }
    for (number, index), value in linked.items():
        struct.pack_into("<Q", memory[number], index * 8, value)
    data = b"".join(bytes(page) for page in memory)[: len(memory) * PAGE - cut]
    return PageTables(data, Runs([(0, PAGES)], 0, len(data), "a test"), ROOT << 12 | 0x18)


def test_a_valid_page_is_found_whatever_else_its_entry_says() -> None:
    no_execute, software_bits = 1 << 63, 0x7FF << 52
    made = tables({(TABLE, 3): DATA << 12 | PRESENT | PROTOTYPE | TRANSITION | no_execute | software_bits})
    assert made.place(TOP + 3 * PAGE + 5) == DATA * PAGE
    assert made.in_transition == 0


class Mapped(mmap.mmap):
    """A mapped file that counts what the system is told of it."""

    advised = 0

    def madvise(self, option: int, *rest: int) -> None:
        Mapped.advised += option == mmap.MADV_DONTNEED
        super().madvise(option, *rest)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="this system takes memory back by itself")
def test_pages_of_a_mapped_file_are_given_back_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And read again as they were."""
    linked = {(TABLE, at): DATA + at << 12 | PRESENT for at in range(6)}
    path = tmp_path / "memory"
    path.write_bytes(tables(linked)._data)
    monkeypatch.setattr(paging, "_MOST_KNOWN", 3)
    with open(str(path), "rb") as file, Mapped(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        made = PageTables(data, Runs([(0, PAGES)], 0, len(data), "a test"), ROOT << 12)
        for _ in range(2):
            for at in range(6):
                place = made.place(TOP + at * PAGE)
                assert isinstance(place, int) and data[place] == DATA + at
        assert Mapped.advised == 3  # at every fourth page that was not among those known


def test_a_transition_page_is_read_and_counted() -> None:
    made = tables({(TABLE, 3): DATA << 12 | TRANSITION | 4 << 5})
    assert made.place(TOP + 3 * PAGE) == DATA * PAGE
    assert made.in_transition == 1


def test_a_transition_page_behind_the_bit_of_the_l1tf_fix_is_read() -> None:
    made = tables({(TABLE, 3): DATA << 12 | TRANSITION | 1 << 45, (TABLE, 4): DATA << 12 | TRANSITION | 3 << 45})
    assert made.place(TOP + 3 * PAGE) == DATA * PAGE
    assert made.place(TOP + 4 * PAGE) == paging.NOT_IN_DUMP  # two bits: no such fix, no guess


@pytest.mark.parametrize("level", [(TABLE, 3), (DIRECTORY, 0), (POINTERS, 0), (ROOT, 0x1F0)])
@pytest.mark.parametrize(
    "entry, why",
    [
        (0, paging.NOT_MAPPED),
        (PAGED_OUT, paging.PAGED_OUT),
        (1 << 32 | 4 << 5, paging.PAGED_OUT),  # in the page file, at page 1
        (DEMAND_ZERO, paging.DEMAND_ZERO),
        # _MMPTE_SOFTWARE: the page's number in the page file is bits 32-63; which page file (12-15) is no place in it.
        (DEMAND_ZERO | 2 << 12 | 1 << 31, paging.DEMAND_ZERO),
        (0xA08012345678 << 16 | PROTOTYPE, paging.PROTOTYPE),
        (DATA << 12 | PROTOTYPE | TRANSITION, paging.PROTOTYPE),
    ],
)
def test_why_a_page_is_not_there_at_every_level(level: Tuple[int, int], entry: int, why: str) -> None:
    assert tables({level: entry}).place(TOP + 3 * PAGE) == why


def test_a_page_or_page_table_that_the_dump_does_not_hold() -> None:
    made = tables({(TABLE, 3): 0x999 << 12 | PRESENT, (DIRECTORY, 1): 0x999 << 12 | PRESENT})
    assert made.place(TOP + 3 * PAGE) == paging.NOT_IN_DUMP
    assert made.place(TOP + (1 << 21)) == paging.NOT_IN_DUMP + ": its page table"


def test_a_page_behind_the_end_of_a_file_cut_short() -> None:
    made = tables({(TABLE, 3): (PAGES - 1) << 12 | PRESENT}, cut=1)
    assert made.place(TOP + 3 * PAGE) == paging.CUT_OFF


def test_a_page_table_in_transition_is_followed() -> None:
    made = tables({(DIRECTORY, 0): TABLE << 12 | TRANSITION, (TABLE, 3): DATA << 12 | PRESENT})
    assert made.place(TOP + 3 * PAGE) == DATA * PAGE


def test_large_pages() -> None:
    # 2 MiB and 1 GiB pages begin at multiples of their size; bit 12 is PAT, no part of the address.
    made = tables({(DIRECTORY, 1): PRESENT | LARGE | 1 << 12, (POINTERS, 1): PRESENT | LARGE | 1 << 12})
    assert made.place(TOP + (1 << 21) + 7 * PAGE + 1) == 7 * PAGE
    assert made.place(TOP + (1 << 30) + 9 * PAGE) == 9 * PAGE
    assert made.place(TOP + (1 << 30) + (1 << 21)) == paging.NOT_IN_DUMP
    # A bit 7 in a PML4 entry is no large page (it is reserved there).
    assert made.place(TOP + 3 * PAGE) == paging.NOT_MAPPED


def test_a_1_gib_page_whose_middle_is_in_the_dump() -> None:
    first = (1 << 30) // PAGE * 2  # it begins at physical 2 GiB
    memory = bytearray(3 * PAGE)
    struct.pack_into("<Q", memory, 0x1F0 * 8, (PRESENT | 1 << 12))
    struct.pack_into("<Q", memory, PAGE, first << 12 | PRESENT | LARGE)
    there = first + 0x12345
    made = PageTables(bytes(memory), Runs([(0, 2), (there, 1)], 0, len(memory), "a test"), 0)
    assert made.place(TOP + 0x12345 * PAGE) == 2 * PAGE
    assert made.place(TOP + 0x12346 * PAGE) == paging.NOT_IN_DUMP


@pytest.mark.parametrize("address", [1 << 47, 0xFFFF7FFFFFFFFFFF, 0x8000000000000000])
def test_addresses_that_no_processor_takes(address: int) -> None:
    assert tables({}).place(address) == paging.NOT_CANONICAL


def test_tables_that_point_at_themselves_end() -> None:
    made = tables({(ROOT, 0x1ED): ROOT << 12 | PRESENT})
    self_map = 0xFFFF000000000000 | 0x1ED << 39 | 0x1ED << 30 | 0x1ED << 21 | 0x1ED << 12
    assert made.place(self_map) == ROOT * PAGE


@given(st.binary(min_size=1, max_size=300), st.integers(0, 7))
def test_a_bitmap_counts_as_a_loop_does(bitmap: bytes, unused: int) -> None:
    bits = len(bitmap) * 8 - unused
    plain = bytearray(bitmap)
    plain[-1] &= 0xFF >> unused
    made = Bitmap(bytes(plain), bits, 0x3000, 1 << 40)
    pages = [page for page in range(bits) if plain[page // 8] >> page % 8 & 1]
    assert made.pages == len(pages) and made.highest == (pages[-1] if pages else 0)
    places = {page: index for index, page in enumerate(pages)}
    for page in range(-1, bits + 2):
        assert made.index(page) == places.get(page, -1)
        assert made.offset(page) == (0x3000 + places[page] * PAGE if page in places else None)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=8))
def test_runs_count_as_a_loop_does(steps: List[Tuple[int, int]]) -> None:
    runs, at, places = [], 0, {}
    for gap, count in steps:
        at += gap
        runs.append((at, count))
        for page in range(at, at + count):
            places[page] = len(places)
        at += count
    made = Runs(runs, 0x2000, 1 << 40, "a test")
    for page in range(-1, at + 3):
        assert made.index(page) == places.get(page, -1)
    assert made.pages == len(places) and made.missing == 0


def test_a_run_beyond_all_memory_is_refused() -> None:
    with pytest.raises(BadFormat, match="not believable"):
        Runs([(5, MAX_PAGE)], 0, 0, "a test")
