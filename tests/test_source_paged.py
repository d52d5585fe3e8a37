"""Virtual memory out of physical pages: reads within a page, over several, up to a hole, and out of every range."""

import struct
from pathlib import Path
from typing import Optional

import pytest

from kdtoken.errors import MemoryUnreadable
from kdtoken.source import paged, paging
from kdtoken.source.crashdump.pages import Runs
from kdtoken.source.paged import PagedMemory
from kdtoken.source.paging import PageTables

PAGE = 0x1000
LOW = 0xFFFFF80000000000  # PML4 index 0x1f0, and 0 in the others
HIGH = 0xFFFFFFFFFFFFE000  # the last two pages of the address space: 0x1ff in all but the last, there 0x1fe and 0x1ff
ONE, TWO, THREE = (bytes([number]) * PAGE for number in (0xA1, 0xB2, 0xC3))


def memory() -> PagedMemory:
    """Physical pages 0-6 of tables, and 7, 8, 9 full of A1, B2 and C3; 10 is not in the file."""
    tables = [bytearray(PAGE) for _ in range(7)]

    def link(table: int, index: int, page: int) -> None:
        struct.pack_into("<Q", tables[table], index * 8, page << 12 | 1)  # present

    for table, below in ((0, 1), (1, 2), (2, 3)):
        link(table, 0x1F0 if table == 0 else 0, below)
    for table, below in ((0, 4), (4, 5), (5, 6)):
        link(table, 0x1FF, below)
    link(3, 0, 8)  # LOW: B2
    link(3, 1, 7)  # LOW + 0x1000: A1, which lies before it in the file
    link(3, 2, 9)  # LOW + 0x2000: C3
    link(3, 3, 10)  # LOW + 0x3000: a page that the file does not hold
    link(6, 0x1FE, 9)  # HIGH: C3
    link(6, 0x1FF, 7)  # the very last page: A1
    made = PagedMemory()
    made._data = b"".join(bytes(one) for one in tables) + ONE + TWO + THREE
    made.pages = Runs([(0, 10)], 0, len(made._data), "a test")
    made.tables = PageTables(made._data, made.pages, 0)
    return made


@pytest.mark.parametrize(
    "address, size, data",
    [
        (LOW, 1, b"\xb2"),
        (LOW, PAGE, TWO),
        (LOW + 1, PAGE - 1, TWO[1:]),
        (LOW + 1, PAGE, TWO[1:] + ONE[:1]),  # one byte over the page's end
        (LOW + 0xFFF, 2, b"\xb2\xa1"),
        (LOW + 0xFFE, PAGE + 3, b"\xb2\xb2" + ONE + b"\xc3"),  # the end of one, a whole one, the start of a third
        (LOW, 3 * PAGE, TWO + ONE + THREE),
        (LOW, 0, b""),
        (LOW, -1, b""),
        (HIGH + 0x1FFF, 1, b"\xa1"),  # the last byte that there is
        (HIGH + 0xFFF, PAGE + 1, b"\xc3" + ONE),  # over a page's end, and to the very end
    ],
)
def test_what_is_there(address: int, size: int, data: bytes) -> None:
    assert memory().read(address, size) == data


@pytest.mark.parametrize(
    "address, size, reason, before",
    [
        (LOW + 3 * PAGE, 8, paging.NOT_IN_DUMP, b""),
        (LOW + 4 * PAGE, 8, paging.NOT_MAPPED, b""),
        (LOW + 0x2FFD, 8, paging.NOT_IN_DUMP, b"\xc3\xc3\xc3"),  # what came before the hole is kept
        (LOW + 0x1FFF, 2 * PAGE, paging.NOT_IN_DUMP, b"\xa1" + THREE),
        (-1, 1, "outside the address space", b""),
        (-1, 2, "outside the address space", b""),
        (1 << 64, 1, "outside the address space", b""),
        (HIGH + 0x1FFF, 2, "outside the address space", b""),
        (LOW, (1 << 28) + 1, "more than 268435456 bytes at once", b""),
        (LOW + 3 * PAGE, 1 << 28, paging.NOT_IN_DUMP, b""),  # that many are allowed
    ],
)
def test_what_is_not_there_says_which_range_was_asked_for_and_why(
    address: int, size: int, reason: str, before: bytes
) -> None:
    with pytest.raises(MemoryUnreadable) as caught:
        memory().read(address, size)
    error = caught.value
    assert (error.address, error.size, error.reason, error.partial) == (address, size, reason, before)


@pytest.mark.parametrize("number, page", [(6, None), (7, ONE), (8, TWO), (9, THREE), (10, None)])
def test_a_page_of_physical_memory(number: int, page: Optional[bytes]) -> None:
    found = memory().physical_page(number)
    assert found == page or number == 6 and found is not None and len(found) == PAGE


def test_a_mapped_file_is_let_go_of_and_bytes_need_not_be(tmp_path: Path) -> None:
    made = memory()
    made.close()  # bytes have nothing to close
    (tmp_path / "a").write_bytes(b"x")
    with open(str(tmp_path / "a"), "rb") as file:
        made._data = file
        made.close()
        assert file.closed
    assert paged._LIMIT == 256 << 20
