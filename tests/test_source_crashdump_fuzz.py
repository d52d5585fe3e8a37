"""Damaged crash dumps: an error of ours or a marked partial result, never another exception."""

import json
import struct
from pathlib import Path
from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.errors import KdTokenError
from kdtoken.layout.layout_file import load_layouts
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from tests.dump_bytes import Dump
from tests.engine.volatility import isf
from tests.examples import examples
from tests.fake_image import as_image, fake_image
from tests.machine.declared import MACHINE
from tests.machine.kernel import build

LAYOUTS = load_layouts(Path(__file__).parent.parent / "fixtures" / "layouts" / "nt-10.0.19041.3570.json")
KERNEL = build(MACHINE, LAYOUTS, fake_image(LAYOUTS))
DUMP = Dump.of(KERNEL)
CONTAINERS = [
    DUMP.copy().full(),
    DUMP.copy().bitmap(),
    DUMP.copy().bitmap(2),
    DUMP.copy().ranges(8),
    DUMP.copy().ranges(10),
]
# Where a header says something: DUMP_HEADER64's fields, and the first words behind it.
WORDS = [0x10, 0x20, 0x28, 0x30, 0x80, 0x88, 0x90, 0x98, 0xA0, 0xF98, *range(0x2000, 0x2060, 4)]
VALUES = [0, 1, 0x7F, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 47, (1 << 64) - 1, 0xFFFF800000000000]
ENTRIES = [0, 1, 0x81, 0x400, 0x800, 0xC00, 0x1AD063, 0x1AD0E3, 0x1AE001, 0x80, 1 << 52, (1 << 64) - 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fuzz")
    (made / "symbols.json").write_text(json.dumps(isf(LAYOUTS, as_image(fake_image(LAYOUTS)))))
    return made


def use(data: bytes, folder: Path) -> None:
    """Open the dump, list its processes, decode a dozen tokens."""
    path = folder / "a.dmp"
    path.write_bytes(data)
    try:
        target = open_dump(path, str(folder / "symbols.json"))
    except KdTokenError:
        return
    try:
        cached = CachedSource(target)
        tokens = Tokens(cached)
        for process in walk_processes(cached)[0][:12]:
            tokens.of(process)
    except KdTokenError:
        pass
    finally:
        target.dump.close()


@settings(max_examples=examples(40))
@given(st.integers(0, 4), st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(VALUES)), min_size=1, max_size=3))
def test_headers(folder: Path, which: int, changes: List[Tuple[int, int]]) -> None:
    data = bytearray(CONTAINERS[which])
    for at, value in changes:
        struct.pack_into("<Q", data, at, value)
    use(bytes(data), folder)


@settings(max_examples=examples(40))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KERNEL.tokens.values()) + sorted(KERNEL.processes.values()) + [KERNEL.base]),
            st.sampled_from([12, 21, 30, 39]),
            st.sampled_from(ENTRIES),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_page_tables(folder: Path, changes: List[Tuple[int, int, int]]) -> None:
    dump = DUMP.copy()
    for address, level, value in changes:
        try:
            dump.set_entry(address, value, level)
        except KeyError:
            continue  # the way there was cut before
    use(dump.full(), folder)


@settings(max_examples=examples(30))
@given(st.integers(0, 4), st.integers(0, 1 << 20))
def test_files_cut_short(folder: Path, which: int, size: int) -> None:
    use(CONTAINERS[which][: size % len(CONTAINERS[which])], folder)
