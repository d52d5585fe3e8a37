"""Crash dumps and images of memory with a few words changed: headers, tables of pages, and what the tables lead to.

    SEEDS                      # inputs of some bytes: which container, and what is changed in it
    run(kind, data)            # change, open, list the processes, decode their tokens, change back

An input is not the file, of which each has 2 MB, but the list of its changes, so that hundreds are tried in a second and
the corpus stays small: one byte for the container, then records of where (two bytes), how (one) and with what (eight).
"""

import atexit
import json
import shutil
import struct
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Tuple

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from kdtoken.symbols import path as symbol_path
from tests.engine.volatility import isf
from tests.fake_image import as_image, fake_image
from tests.fuzz.mutate import NUMBERS
from tests.machine.containers import physical_pages, write_elf, write_raw
from tests.test_source_crashdump_fuzz import CONTAINERS, DUMP, KERNEL, LAYOUTS, WORDS

RECORD = struct.Struct("<HBQ")
PROCESSES = 4  # whose tokens are decoded
_PAGE = 0x1000


class _Kind:
    """Files of one kind: their bytes, and offsets in each that say something."""

    def __init__(self, ending: str, files: List[bytes], offsets: List[List[int]]) -> None:
        self.ending, self.files, self.offsets = ending, files, offsets


def _tables() -> List[Tuple[int, int]]:
    """(page, offset in it) of every entry on the way to what is read first."""
    addresses = [*KERNEL.tokens.values(), *KERNEL.processes.values(), KERNEL.base, *KERNEL.symbols.values()]
    slots = {DUMP._slot(address, level) for address in addresses for level in (39, 30, 21, 12)}
    return sorted((page, index * 8) for page, index in slots)


def _where(data: bytes) -> List[int]:
    """Offsets in a file of the entries of its page tables: each page is found by its content."""
    found = []
    for page, offset in _tables():
        at = data.find(DUMP.pages[page])
        if at >= 0:
            found.append(at + offset)
    return found


def _dumps() -> _Kind:
    return _Kind(".dmp", list(CONTAINERS), [[*WORDS, *range(0x2000, 0x2100, 8), *_where(one)] for one in CONTAINERS])


def _images() -> _Kind:
    pages = physical_pages(KERNEL)
    with tempfile.TemporaryDirectory() as folder:
        elf = write_elf(pages, Path(folder) / "a.elf", DUMP.root).read_bytes()
        raw = write_raw(pages, Path(folder) / "a.raw").read_bytes()
    # Behind the magic: what is no ELF core is looked at as raw memory, which the other one is.
    heads = [[*range(16, 64, 2), *range(64, 512, 8)], [*range(0, _PAGE, 8)]]
    return _Kind(".elf", [elf, raw], [head + _where(one) for head, one in zip(heads, (elf, raw))])


_MADE: Dict[str, _Kind] = {}
_FOLDER: List[Path] = []


def _kind(name: str) -> _Kind:
    if name not in _MADE:
        _MADE[name] = {"dump": _dumps, "image": _images}[name]()
    return _MADE[name]


def _folder() -> Path:
    """Where the files lie, with symbols that are read once."""
    if not _FOLDER:
        folder = Path(tempfile.mkdtemp("-fuzz"))
        atexit.register(shutil.rmtree, str(folder), True)
        symbols = folder / "symbols.json"
        symbols.write_text(json.dumps(isf(LAYOUTS, as_image(fake_image(LAYOUTS)))))
        opened, real = symbol_path.open_symbols(symbols), symbol_path.open_symbols
        opened.layout = lru_cache(None)(opened.layout)
        symbol_path.open_symbols = lambda path: opened if str(path) == str(symbols) else real(path)
        _FOLDER.append(folder)
    return _FOLDER[0]


def seeds(name: str) -> List[bytes]:
    """Of each container one that is sound, and one whose page tables are pointed elsewhere."""
    kind = _kind(name)
    found = []
    for which, offsets in enumerate(kind.offsets):
        found.append(bytes([which]))
        found.append(bytes([which]) + RECORD.pack(0, 3, 0) + RECORD.pack(len(offsets) - 1, 4, len(offsets) - 2))
        found.append(bytes([which]) + b"".join(RECORD.pack(at, 3, at) for at in range(0, len(offsets), 40)))
    return found


def changed(name: str, data: bytes) -> Tuple[int, bytearray]:
    """The container and its bytes after the changes."""
    kind = _kind(name)
    which = data[0] % len(kind.files) if data else 0
    made, offsets = bytearray(kind.files[which]), kind.offsets[which]
    for at in range(1, min(len(data), 1 + 64 * RECORD.size) - RECORD.size + 1, RECORD.size):
        where, how, value = RECORD.unpack_from(data, at)
        place = offsets[where % len(offsets)] if how < 128 else where * 64 % len(made)
        width = (8, 4, 2, 8, 8, 0)[how % 6]
        if how % 6 == 3:
            value = NUMBERS[value % len(NUMBERS)]
        elif how % 6 == 4:  # as another word says
            value = int.from_bytes(made[offsets[value % len(offsets)] :][:8], "little")
        if width:
            made[place : place + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
        elif value % 16 == 0:  # cut off, now and then
            del made[value // 16 % (len(made) + 1) :]
            break
    return which, made


def run(name: str, data: bytes) -> None:
    """What an input does: opened, walked, decoded."""
    which, made = changed(name, data)
    folder = _folder()
    path = folder / ("%d%s" % (which, (".raw" if which else ".elf") if name == "image" else ".dmp"))
    path.write_bytes(made)
    source = open_dump(path, str(folder / "symbols.json"))
    try:
        cached = CachedSource(source)
        tokens = Tokens(cached)
        for process in walk_processes(cached)[0][:PROCESSES]:
            tokens.of(process)
    finally:
        source.dump.close()
