"""An nt image with no compiler: a PE head that names a PDB, and room for the variables.

For tests that need a dump's kernel to tell its GUID and age, and symbols to match, where the bench's
genuine image (tests.engine.image) would want clang and lld.
"""

import struct
from dataclasses import dataclass
from typing import Dict

from kdtoken.layout.layout_file import LayoutFile
from tests.engine.image import Image
from tests.machine.kernel import _place_symbols

SIZE = 0x100000
GUID = bytes(range(0x10, 0x20))
GUID_TEXT = "131211101514171618191A1B1C1D1E1F"
NAME = b"ntkrnlmp.pdb"
DEBUG_DIRECTORY, RECORD = 0x1000, 0x1100


@dataclass(frozen=True)
class FakeImage:
    """What tests.machine.kernel.build wants of an image, and what tests.engine.volatility.isf does."""

    memory_image: bytes
    symbols: Dict[str, int]
    guid: str = GUID_TEXT
    age: int = 1

    @property
    def pdb_id(self) -> str:
        return "%s%X" % (self.guid, self.age)


def fake_image(layouts: LayoutFile, age: int = 1) -> FakeImage:
    """The image of a build; its symbols lie where an nt without an image has them."""
    image = bytearray(SIZE)
    image[0:2] = b"MZ"
    struct.pack_into("<I", image, 0x3C, 0x80)  # e_lfanew
    image[0x80:0x84] = b"PE\0\0"
    struct.pack_into("<HH", image, 0x84, 0x8664, 0)
    optional = 0x80 + 24
    struct.pack_into("<H", image, optional, 0x20B)
    struct.pack_into("<I", image, optional + 56, SIZE)
    struct.pack_into("<II", image, optional + 112 + 6 * 8, DEBUG_DIRECTORY, 2 * 28)
    # Two entries: POGO (13), as linkers put there too, and CodeView (2).
    struct.pack_into("<IIHHIIII", image, DEBUG_DIRECTORY, 0, 0, 0, 0, 13, 16, RECORD + 0x80, 0)
    record = b"RSDS" + GUID + struct.pack("<I", age) + NAME + b"\0"
    struct.pack_into("<IIHHIIII", image, DEBUG_DIRECTORY + 28, 0, 0, 0, 0, 2, len(record), RECORD, 0)
    image[RECORD : RECORD + len(record)] = record
    return FakeImage(bytes(image), _place_symbols(layouts, 0), age=age)


def as_image(fake: FakeImage) -> Image:
    """For functions that are typed for the bench's image and look at these members only."""
    return fake  # type: ignore[return-value]
