"""Damaged images: an error of ours or a marked partial result, never another exception, a hang, or much memory."""

import json
import struct
import tracemalloc
from functools import lru_cache
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.errors import KdTokenError
from kdtoken.layout.isf import load_isf
from kdtoken.layout.layout_file import load_layouts
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from kdtoken.source.image import image
from kdtoken.source.image.segments import Segments
from kdtoken.source.image.windows import find_image
from kdtoken.source.paging import PageTables
from tests.dump_bytes import Dump
from tests.engine.volatility import isf
from tests.examples import examples
from tests.fake_image import as_image, fake_image
from tests.machine.containers import physical_pages, start_block, vmss, write_elf, write_raw
from tests.machine.declared import MACHINE
from tests.machine.kernel import build

LAYOUTS = load_layouts(Path(__file__).parent.parent / "fixtures" / "layouts" / "nt-10.0.19041.3570.json")
KERNEL = build(MACHINE, LAYOUTS, fake_image(LAYOUTS))
DUMP = Dump.of(KERNEL)
PHYSICAL: Dict[int, bytes] = physical_pages(KERNEL)
PAGE = 0x1000
LIMIT = 200 << 20
VALUES = [0, 1, 0x7F, 0xFFFF, 0xFFFFFFFF, 1 << 40, 1 << 47, (1 << 63) - 1, (1 << 64) - 1]
ENTRIES = [0, 1, 0x3, 0x63, 0x83, 0xE3, 0x400, 0x800, 0x1AD063, 0x1AD0E3, 0x1AE001, 1 << 52, (1 << 64) - 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("fuzz")
    (made / "symbols.json").write_text(json.dumps(isf(LAYOUTS, as_image(fake_image(LAYOUTS)))))
    with pytest.MonkeyPatch.context() as patch:
        # Nothing is wrong with the symbols: they are parsed once for all images.
        patch.setattr("kdtoken.layout.isf.load_isf", lru_cache(maxsize=1)(load_isf))
        yield made


def use(path: Path, folder: Path) -> None:
    """Open it, list its processes, decode a dozen tokens; watch what memory that takes."""
    tracemalloc.start()
    try:
        target = open_dump(path, str(folder / "symbols.json"))
        try:
            cached = CachedSource(target)
            tokens = Tokens(cached)
            for process in walk_processes(cached)[0][:12]:
                tokens.of(process)
        finally:
            target.dump.close()
    except KdTokenError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < LIMIT


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.sampled_from(VALUES), st.sampled_from([1, 2, 4, 8])), max_size=3))
def test_elf_headers(folder: Path, changes: List[Tuple[int, int, int]]) -> None:
    path = write_elf(PHYSICAL, folder / "a.elf", DUMP.root)
    data = bytearray(path.read_bytes())
    for at, value, width in changes:
        data[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
    path.write_bytes(data)
    use(path, folder)


SIDE = vmss([(0, 0, 0x300), (0x100000, 0x300, 0x300)])


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SIDE) - 1), st.sampled_from(VALUES), st.sampled_from([1, 2, 4, 8])), max_size=3
    ),
    st.integers(0, 2 * len(SIDE)),
)
def test_region_tables(folder: Path, changes: List[Tuple[int, int, int]], keep: int) -> None:
    path = write_raw(PHYSICAL, folder / "a.vmem")
    data = bytearray(SIDE)
    for at, value, width in changes:
        data[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
    (folder / "a.vmss").write_bytes(data[:keep])
    use(path, folder)


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KERNEL.processes.values()) + [KERNEL.base]),
            st.sampled_from([12, 21, 30, 39]),
            st.sampled_from(ENTRIES),
        ),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
def test_page_tables(folder: Path, changes: List[Tuple[int, int, int]], block: bool) -> None:
    dump = DUMP.copy()
    for address, level, value in changes:
        try:
            dump.set_entry(address, value, level)
        except KeyError:
            continue
    pages = dict(dump.pages)
    if block:
        pages[1] = start_block(dump.root, KERNEL.symbols["KiSystemStartup"])
    use(write_raw(pages, folder / "a.raw"), folder)


LOOP = {
    1: start_block(2 * PAGE, 0xFFFFF80312345678),
    2: struct.pack("<512Q", *[2 * PAGE | 0x63] * 512),
    300: bytes(PAGE),
}


def test_page_tables_that_are_one_page_in_a_circle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every level leads back to itself, and everything is mapped: 2^36 pages, of which few are looked at."""
    path = write_raw(LOOP, folder / "a.raw")
    data = path.read_bytes()
    pages = Segments([(0, len(data) // PAGE, 0)], len(data), "a")
    left = [1000]
    assert find_image(PageTables(data, pages, 2 * PAGE), data, lambda address, size: b"", 0, left) is None
    assert left == [-1]
    monkeypatch.setattr(image, "PROBES", 1 << 12)
    use(path, folder)


def test_roots_without_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has another entry for nt, and maps large pages everywhere."""
    monkeypatch.setattr(image, "PROBES", 1 << 8)
    roots = {}
    for number in range(2, 200):
        entries = [number * PAGE | 0x63 if index >= 256 else 0 for index in range(512)]
        entries[0x1F0] = (700 + number) * PAGE | 0x63
        roots[number] = struct.pack("<512Q", *entries)
        roots[700 + number] = struct.pack("<512Q", *[0xE3] * 512)
    use(write_raw(roots, folder / "b.raw"), folder)


@settings(max_examples=examples(20), deadline=None)
@given(st.binary(max_size=64), st.integers(0, 3 << 20))
def test_anything_at_all(folder: Path, head: bytes, size: int) -> None:
    path = folder / "any.raw"
    path.write_bytes((head + bytes(range(256)) * (size // 256))[: max(size, len(head))])
    use(path, folder)
