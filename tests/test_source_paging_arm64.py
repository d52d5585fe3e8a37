"""ARM64's page tables: tables, blocks, pages, what is none of them, and addresses that carry more than an address."""

import struct
from typing import Dict

import pytest

from kdtoken.source.image.segments import Segments
from kdtoken.source.paging import DEMAND_ZERO, NOT_CANONICAL, NOT_MAPPED, PAGED_OUT
from kdtoken.source.paging_arm64 import Arm64PageTables, plain

PAGE = 0x1000
TABLE, BLOCK = 0b11, 0b01
ADDRESS = 0xFFFFF803F2E01000  # indices 0x1f0, 0xf, 0x197, 0x1


def tables(entries: Dict[int, int]) -> Arm64PageTables:
    """Four tables, in pages 1 to 4; `entries`: page -> its entry on the way to ADDRESS."""
    data = bytearray(0x800 * PAGE)
    for page, index in ((1, 0x1F0), (2, 0xF), (3, 0x197), (4, 0x1)):
        # Bits 53 and 54: no execution; 10: accessed; 55: Windows' own.
        entry = entries.get(page, (page + 1) * PAGE | TABLE | 1 << 10 | 0b111 << 53)
        struct.pack_into("<Q", data, page * PAGE + index * 8, entry)
    return Arm64PageTables(bytes(data), Segments([(0, 0x800, 0)], len(data), "x"), 1 * PAGE)


def test_a_page_and_blocks_of_both_sizes() -> None:
    assert tables({}).place(ADDRESS) == 5 * PAGE
    # 2 MiB: of the address, bits 12 to 20 count in the block.
    assert tables({3: 0x200 * PAGE | BLOCK | 1 << 10}).place(ADDRESS) == 0x201 * PAGE
    assert tables({3: 0x200 * PAGE | BLOCK}).place(ADDRESS + 0x3000) == 0x204 * PAGE
    # 1 GiB, at address 0: bits 12 to 29 count, 0x32e01 pages, which lie behind this memory.
    assert tables({2: BLOCK}).place(ADDRESS) != tables({}).place(ADDRESS)
    assert tables({2: BLOCK}).place(0xFFFFF803C0001000) == 1 * PAGE


@pytest.mark.parametrize(
    "entries, why",
    [
        ({1: 0}, NOT_MAPPED),
        ({1: 0x5000 | BLOCK}, NOT_MAPPED),  # no block is as large as 512 GiB
        ({4: 0x5000 | BLOCK}, NOT_MAPPED),  # and none is a page
        ({4: 0x77 << 32 | 0x80}, PAGED_OUT),
        ({4: 0x80}, DEMAND_ZERO),
        ({4: 0x80 | 2 << 12 | 1 << 31}, DEMAND_ZERO),
    ],
)
def test_what_is_not_there(entries: Dict[int, int], why: str) -> None:
    assert tables(entries).place(ADDRESS) == why


def test_an_entry_in_transition() -> None:
    made = tables({4: 5 * PAGE | 1 << 11})
    assert made.place(ADDRESS) == 5 * PAGE and made.in_transition == 1


def test_tags_and_authentication_codes_are_no_part_of_an_address() -> None:
    """Bit 55 tells the half; above it are a tag, and with bit 54 down to 48 a code (Arm ARM, D8.8)."""
    for tagged in (0xA5FFF803F2E01000, 0x12F3F803F2E01000, 0xFFAAF803F2E01000 | 1 << 55):
        assert plain(tagged) == ADDRESS and tables({}).place(tagged) == 5 * PAGE
    assert plain(0x5A00000012345678) == 0x12345678
    assert plain(ADDRESS) == ADDRESS and plain(0) == 0
    assert NOT_CANONICAL not in (tables({}).place(ADDRESS), tables({}).place(0x1000))


def test_a_root_with_an_address_space_number() -> None:
    """TTBR has the ASID in bits 48 and up, CR3 flags below bit 12."""
    made = tables({})
    again = Arm64PageTables(made._data, made._pages, 1 * PAGE | 0x1234 << 48 | 2)
    assert again.place(ADDRESS) == 5 * PAGE
