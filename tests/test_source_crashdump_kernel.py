"""nt inside a dump: images that are one or are none, what their debug directory names, and where they are looked for."""

import struct
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Tuple

import pytest

from kdtoken.errors import MemoryUnreadable
from kdtoken.layout.pdb.identity import PdbIdentity
from kdtoken.layout.pdb.image import ImageIdentity
from kdtoken.source.crashdump.kernel import Nt, _candidates, find_nt, image_at

BASE = 0xFFFFF80000000000
PE = 0xF0  # where the DOS header says that the PE header begins
GUID = bytes(range(16))
# [PE Format] CodeView: "RSDS", GUID, age, path.
RSDS = b"RSDS" + GUID + struct.pack("<I", 2) + b"ntkrnlmp.pdb\0"
IDENTITY = PdbIdentity("ntkrnlmp.pdb", "030201000504070608090A0B0C0D0E0F", 2)


def entry(kind: int, size: int, rva: int) -> bytes:
    """IMAGE_DEBUG_DIRECTORY: characteristics, time, versions, type, size, address, pointer."""
    return struct.pack("<IIHHIIII", 0, 0, 0, 0, kind, size, rva, 0)


def image(machine: int = 0x8664, entries: Any = None, directory: Optional[Tuple[int, int]] = None) -> bytes:
    """A page of headers (DOS, PE32+), then a page with the debug directory at 0x1000 and the record at 0x1800."""
    head = bytearray(0x1000)
    head[:2], head[0x3C:0x40] = b"MZ", struct.pack("<I", PE)
    head[PE : PE + 4] = b"PE\0\0"
    struct.pack_into("<HHI", head, PE + 4, machine, 1, 0x12345678)  # machine, sections, time stamp
    struct.pack_into("<I", head, PE + 24 + 56, 0x46000)  # SizeOfImage
    table = b"".join([entry(2, len(RSDS), 0x1800)] if entries is None else entries)
    # The seventh data directory is the debug directory.
    struct.pack_into("<II", head, PE + 24 + 112 + 6 * 8, *(directory or (0x1000, len(table))))
    rest = bytearray(0x1000)
    rest[: len(table)], rest[0x800 : 0x800 + len(RSDS)] = table, RSDS
    return bytes(head) + bytes(rest)


class Memory:
    """What is there, by address; all else is not."""

    def __init__(self, *parts: Tuple[int, bytes]) -> None:
        self.parts = parts
        self.asked: List[Tuple[int, int]] = []

    def read(self, address: int, size: int) -> bytes:
        self.asked.append((address, size))
        for start, data in self.parts:
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise MemoryUnreadable(address, size, "page not in the dump")


def changed(at: int, data: bytes, whole: bytes = b"") -> bytes:
    whole = whole or image()
    return whole[:at] + data + whole[at + len(data) :]


UNKNOWN = ImageIdentity("ntoskrnl.exe", 0x12345678, 0x46000)
OTHER = entry(13, 4, 0x1800)  # IMAGE_DEBUG_TYPE_POGO


@pytest.mark.parametrize(
    "data, found",
    [
        (image(), Nt(BASE, 0x46000, IDENTITY)),
        (image(0xAA64), Nt(BASE, 0x46000, IDENTITY)),  # ARM64
        (image(0x14C), None),  # 32-bit
        (changed(0, b"ZM"), None),
        (changed(PE, b"NE\0\0"), None),
        # The whole optional header has to lie in the first page.
        (changed(0x3C, struct.pack("<I", 0x1000 - 24 - 112 - 56 + 1)), None),
        (image(entries=(OTHER, entry(2, len(RSDS), 0x1800))), Nt(BASE, 0x46000, IDENTITY)),
        (image(entries=(OTHER,)), Nt(BASE, 0x46000, None, "its debug directory names no PDB", UNKNOWN)),
        (image(entries=()), Nt(BASE, 0x46000, None, "it has no debug directory", UNKNOWN)),
        (
            image(entries=(entry(2, 4, 0x1000),)),  # a record that is no RSDS
            Nt(BASE, 0x46000, None, "its debug directory names no PDB", UNKNOWN),
        ),
        (
            image(entries=(entry(2, len(RSDS), 0x5000),)),  # a record on a page that is not there
            Nt(
                BASE,
                0x46000,
                None,
                "its debug directory at 0x%x cannot be read: page not in the dump" % (BASE + 0x5000),
                UNKNOWN,
            ),
        ),
        (
            image(directory=(0x9000, 28)),
            Nt(
                BASE,
                0x46000,
                None,
                "its debug directory at 0x%x cannot be read: page not in the dump" % (BASE + 0x9000),
                UNKNOWN,
            ),
        ),
        # A record behind sixteen others is not looked for.
        (image(entries=(*[OTHER] * 15, entry(2, len(RSDS), 0x1800))), Nt(BASE, 0x46000, IDENTITY)),
        (
            image(entries=(*[OTHER] * 16, entry(2, len(RSDS), 0x1800))),
            Nt(BASE, 0x46000, None, "its debug directory names no PDB", UNKNOWN),
        ),
    ],
)
def test_an_image_and_what_its_debug_directory_names(data: bytes, found: Optional[Nt]) -> None:
    assert image_at(Memory((BASE, data)).read, BASE) == found


def test_an_image_begins_at_a_page_and_is_there() -> None:
    memory = Memory((BASE, b"\0" * 0x800 + image()))
    assert image_at(memory.read, BASE + 0x800) is None
    assert image_at(memory.read, BASE + 0x5000) is None
    assert image_at(memory.read, 0) is None and (0, 0x1000) not in memory.asked  # nought is no address


def test_the_last_place_for_a_header_is_the_end_of_the_page() -> None:
    """PE header, optional header of PE32+ up to the seventh directory: 24 + 112 + 7 * 8 bytes."""
    last = 0x1000 - 24 - 112 - 56
    whole = image()
    moved = bytearray(whole)
    moved[0x3C:0x40] = struct.pack("<I", last)
    moved[last : last + 24 + 112 + 56] = whole[PE : PE + 24 + 112 + 56]
    assert image_at(Memory((BASE, bytes(moved))).read, BASE) == Nt(BASE, 0x46000, IDENTITY)


def header(block: int = 0, modules: int = 0) -> Any:
    return SimpleNamespace(debugger_data=block, module_list=modules)


def block(base: int, tag: bytes = b"KDBG") -> bytes:
    """DBGKD_DEBUG_DATA_HEADER64: a list entry, OwnerTag, Size; then KernBase."""
    return bytes(16) + tag + struct.pack("<I", 0x360) + struct.pack("<Q", base)


LIST, ENTRY, HERE = BASE + 0x5010, 0xFFFF800000001000, 0xFFFF800000002000
MODULE = bytes(0x30) + struct.pack("<Q", BASE + 0x10000)  # LDR_DATA_TABLE_ENTRY.DllBase


@pytest.mark.parametrize(
    "parts, told, found",
    [
        ({HERE: block(BASE)}, header(HERE), [("KdDebuggerDataBlock", BASE)]),
        ({HERE: block(BASE, b"GBDK")}, header(HERE), []),
        ({HERE: block(BASE)[:-1]}, header(HERE), []),  # its end is not there
        (
            {LIST: struct.pack("<Q", ENTRY), ENTRY: MODULE},
            header(0, LIST),
            [("the first loaded module", BASE + 0x10000)],
        ),
        ({LIST: struct.pack("<Q", ENTRY), ENTRY: MODULE[:-1]}, header(0, LIST), []),
        # An image below the list's head, which is a variable of nt.
        ({BASE: image()}, header(0, LIST), [("the search below PsLoadedModuleList", BASE)]),
        ({BASE + 0x5000: image()}, header(0, LIST), [("the search below PsLoadedModuleList", BASE + 0x5000)]),
        ({BASE + 0x6000: image()}, header(0, LIST), []),  # above it
        ({BASE: image(0x14C)}, header(0, LIST), []),
        # 32 MiB below at most.
        ({BASE: image()}, header(0, BASE + 0x1FFF008), [("the search below PsLoadedModuleList", BASE)]),
        ({BASE: image()}, header(0, BASE + 0x2000008), []),
        ({}, header(), []),
    ],
)
def test_where_nt_is_looked_for(parts: Dict[int, bytes], told: Any, found: List[Tuple[str, int]]) -> None:
    assert list(_candidates(Memory(*parts.items()).read, told)) == found


def test_nt_is_the_first_that_is_one_and_else_what_was_tried_is_told() -> None:
    memory = Memory((HERE, block(BASE + 0x7000)), (BASE, image()))
    assert find_nt(memory.read, header(HERE, LIST)) == (Nt(BASE, 0x46000, IDENTITY), "")
    assert find_nt(memory.read, header(HERE)) == (None, "KdDebuggerDataBlock said 0x%x" % (BASE + 0x7000))
    words = "neither KdDebuggerDataBlock nor PsLoadedModuleList can be read"
    assert find_nt(Memory().read, header()) == (None, words)
