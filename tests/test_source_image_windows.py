"""Windows in physical memory: blocks that start processors, roots that point to themselves, where nt is looked for."""

import struct
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Tuple

import pytest

from kdtoken.source.crashdump.header import MACHINE_AMD64, MACHINE_ARM64
from kdtoken.source.image import windows
from kdtoken.source.image.segments import Segments
from kdtoken.source.image.windows import Root, _bases, _is_root, _likely, find_image, start_blocks

PAGE = 0x1000
NT = 0xFFFFF80000000000  # where kernels are loaded: entry 0x1f0 of the highest page table
TARGET, ROOT = NT + 0x1234000, 0x1AD000


def segments(count: int) -> Segments:
    return Segments([(0, count, 0)], count * PAGE, "a test")


def start_block(jump: int = 0x00000001000600E9, target: int = TARGET, root: int = ROOT) -> bytes:
    """PROCESSOR_START_BLOCK: a near jump and its marks, LmTarget at 0x70, Cr3 at 0xa0 (Volatility's pdbscan.py)."""
    page = bytearray(PAGE)
    struct.pack_into("<Q", page, 0, jump)
    struct.pack_into("<Q", page, 0x70, target)
    struct.pack_into("<Q", page, 0xA0, root)
    return bytes(page)


FOUND = Root(ROOT, TARGET, "by the processor start block at 0x%x")


@pytest.mark.parametrize(
    "block, found",
    [
        (start_block(), True),
        (start_block(0x000000010006FFE9), True),  # how far it jumps is no matter
        (start_block(0x00000001000600E8), False),  # no jump
        (start_block(0x00000001000700E9), False),
        (start_block(0x00000002000600E9), False),
        (start_block(target=TARGET | 1), False),  # code is aligned
        (start_block(target=TARGET | 2), False),
        (start_block(target=0xFFFFF00000000000), False),  # not where kernels are
        (start_block(target=0x1234000), False),
        (start_block(root=0), False),
        (start_block(root=ROOT | 1), False),  # no page begins there
        (start_block(root=ROOT | 0x800), False),
        (start_block(root=1 << 40), False),  # above a TiB
        (start_block(root=(1 << 40) - PAGE), True),
    ],
)
def test_the_block_that_starts_a_processor(block: bytes, found: bool) -> None:
    root, target = struct.unpack_from("<Q", block, 0xA0)[0], struct.unpack_from("<Q", block, 0x70)[0]
    data = bytes(PAGE) + block + bytes(PAGE)
    expected = [Root(root, target, "by the processor start block at 0x1000")] if found else []
    assert list(start_blocks(data, segments(3))) == expected


def test_start_blocks_lie_in_the_first_mebibyte_but_for_its_first_page() -> None:
    block = start_block()
    data = block + b"".join(block if page in (1, 255, 256) else bytes(PAGE) for page in range(1, 258))
    found = [one.how for one in start_blocks(data, segments(258))]
    assert found == ["by the processor start block at 0x1000", "by the processor start block at 0xff000"]
    # Pages that the file does not hold are passed over.
    assert [one.how for one in start_blocks(bytes(PAGE) + block, segments(2))] == found[:1]


def table(entries: Dict[int, int]) -> Tuple[int, ...]:
    return tuple(entries.get(at, 0) for at in range(512))


X64 = (0x8000000000000087, 0x3)  # Intel SDM, table 4-15: present, writable, not user, not large, executable
FRAME = (1 << 52) - PAGE


@pytest.mark.parametrize(
    "entries, is_root",
    [
        ({0x1ED: 5 << 12 | 3, 0x1F0: 6 << 12 | 3}, True),
        ({0x100: 5 << 12 | 3}, True),  # in the very first entry of the kernel's half
        ({0x1FF: 5 << 12 | 3}, True),
        ({0xFF: 5 << 12 | 3}, False),  # the user's half
        ({0x1F0: 6 << 12 | 3}, False),  # not to itself
        ({0x1ED: 5 << 12 | 7}, False),  # a user's page
        ({0x1ED: 5 << 12 | 0x83}, False),  # a large page
        ({0x1ED: 5 << 12 | 1 << 63 | 3}, False),  # not executable
        ({0x1ED: 5 << 12 | 1}, False),  # not writable
        ({0x1ED: 5 << 12 | 3, 0x1F0: 9 << 12 | 3}, True),  # the highest page that there is
        ({0x1ED: 5 << 12 | 3, 0x1F0: 10 << 12 | 3}, False),  # beyond memory
        ({0x1F0: 10 << 12 | 3, 0x1F1: 5 << 12 | 3}, False),
        ({}, False),
    ],
)
def test_a_root_points_to_itself_and_elsewhere_within_memory_only(entries: Dict[int, int], is_root: bool) -> None:
    assert _is_root(table(entries), 5, segments(10), *X64, FRAME) is is_root


def test_pages_whose_entry_for_nt_could_be_one() -> None:
    pages = [bytearray(PAGE) for _ in range(4)]
    for page, entry in ((1, 6 << 12 | 3), (2, 6 << 12 | 7), (3, 7 << 12 | 3)):
        struct.pack_into("<Q", pages[page], 0x1F0 * 8, entry)
    data = b"".join(map(bytes, pages))
    assert list(_likely(data, 0, 4 * PAGE, *X64)) == [1, 3]
    assert list(_likely(data, PAGE, 2 * PAGE, *X64)) == [0]  # counted from where the chunk begins


def self_maps(data: bytes, pages: Segments, machine: int, tmp: Any) -> List[Root]:
    path = tmp / "memory"
    path.write_bytes(data)
    told: List[Tuple[int, int]] = []
    with open(str(path), "rb") as file:
        found = list(windows.self_maps(data, pages, machine, file.fileno(), lambda *one: told.append(one)))
    assert told[-1] == (pages.pages * PAGE, pages.pages * PAGE)
    return found


@pytest.mark.parametrize(
    "machine, entry, how_many",
    [(MACHINE_AMD64, 0x3, 1), (MACHINE_ARM64, 0x3, 1), (MACHINE_AMD64, 0x7, 0), (MACHINE_ARM64, 0x1, 0)],
)
def test_each_kernel_s_root_is_found_once(machine: int, entry: int, how_many: int, tmp_path: Any) -> None:
    """Roots of two processes of one kernel have one entry for nt."""
    pages = [bytearray(PAGE) for _ in range(6)]
    for page in (2, 4):
        struct.pack_into("<Q", pages[page], 0x1ED * 8, page << 12 | entry)
        struct.pack_into("<Q", pages[page], 0x1F0 * 8, 1 << 12 | entry)
    found = self_maps(b"".join(map(bytes, pages)), segments(6), machine, tmp_path)
    assert found == [Root(2 * PAGE, 0, "by a root of page tables that points to itself")] * how_many
    # Another entry for nt is another kernel's.
    struct.pack_into("<Q", pages[4], 0x1F0 * 8, 3 << 12 | entry)
    found = self_maps(b"".join(map(bytes, pages)), segments(6), machine, tmp_path)
    assert [one.root for one in found] == [2 * PAGE, 4 * PAGE][: 2 * how_many]


def test_where_nt_is_looked_for_around_an_address() -> None:
    """Down and up from it by 2 MiB, then by 64 KiB and by pages; then all that the tables map there."""
    regions = SimpleNamespace(regions=lambda slot: [NT + (1 << 30)] if slot == 0x1F0 else [])
    near = NT + 0x7654321
    found = list(_bases(regions, near))  # type: ignore[arg-type]
    large = 1 << 21
    down = near // large * large
    assert down == NT + 0x7600000
    assert found[:3] == [down, down - large, down - 2 * large]
    # 64 MiB down, and a quarter of that up.
    assert found[31] == down - 31 * large and found[32] == down + large and found[38] == down + 7 * large
    assert found[39] == NT + 0x7650000 and found[39 + 1024] == NT + 0x7660000
    assert found[39 + 1024 + 255] == NT + 0x7654000
    tail = [NT + (1 << 30) + page * PAGE for page in range(512)]
    assert found[-512:] == tail and list(_bases(regions, 0)) == tail  # type: ignore[arg-type]


def nt(name: str, known: bool = True) -> Any:
    return SimpleNamespace(identity=SimpleNamespace(name=name) if known else None)


@pytest.mark.parametrize(
    "name, known, found",
    [
        ("ntkrnlmp.pdb", True, True),
        ("NTKRPAMP.PDB", True, False),
        ("ntoskrnl.pdb", True, True),
        ("ntkrnlpa.pdb", True, True),
        ("NTKRNLMP.PDB", True, True),
        ("ntkrnlmp.pdb.x", True, False),
        ("ntdll.pdb", True, False),
        ("hal.pdb", True, False),
        ("ntkrnlmp.pdb", False, False),
    ],
)
def test_an_image_is_the_kernel_by_the_name_of_its_pdb(
    name: str, known: bool, found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "_bases", lambda tables, near: iter([NT, NT + PAGE, NT + 2 * PAGE]))
    image = nt(name, known)
    monkeypatch.setattr(windows, "image_at", lambda read, base: image if base == NT + PAGE else None)
    places: Dict[int, Any] = {NT: "not mapped", NT + PAGE: 0, NT + 2 * PAGE: 2}
    tables: Any = SimpleNamespace(place=places.__getitem__)
    read: Any = None
    got: Optional[Any] = find_image(tables, b"MZxx", read, NT, [3])
    assert got is (image if found else None)
    # Only so many pages are looked at.
    assert find_image(tables, b"MZxx", read, NT, [1]) is None
    assert find_image(tables, b"ZMxx", read, NT, [3]) is None
