"""Which image is meant, and which PDB belongs to it: of a dump that names its kernel's EXE and no PDB.

Symbol servers and stores keep an image as NAME/KEY/NAME, KEY being its TimeDateStamp (8 digits, capitals) and its
SizeOfImage (small letters), both hexadecimal ("Using SymStore", learn.microsoft.com; Volatility's and LLVM's readers).
The image's debug directory names the PDB ("PE Format", learn.microsoft.com).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, Callable, Iterator, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.files import why
from kdtoken.frozen import dataclass
from kdtoken.layout.pdb.identity import PdbIdentity, parse_rsds

if TYPE_CHECKING:
    from pathlib import Path

_STAMP, _SECTIONS, _OPTIONAL_SIZE = 8, 6, 20  # from "PE\0\0": of IMAGE_FILE_HEADER, which begins 4 behind it
_OPTIONAL, _IMAGE_SIZE, _DIRECTORIES = 24, 56, {0x10B: 96, 0x20B: 112}  # by the magic of PE32 and PE32+
_DEBUG_DIRECTORY, _CODEVIEW = 6, 2
_SECTION = struct.Struct("<8s4I16x")  # name, VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData
_ENTRY = struct.Struct("<12xIIII")  # Type, SizeOfData, AddressOfRawData, PointerToRawData
_MOST = 96  # sections that the loader takes
_At = Callable[[int, int], bytes]


@dataclass(frozen=True)
class ImageIdentity:
    """name  "ntoskrnl.exe"    stamp, size  TimeDateStamp and SizeOfImage of its headers"""

    name: str
    stamp: int
    size: int

    @property
    def key(self) -> str:
        """Both in one, as symbol servers write them."""
        return "%08X%x" % (self.stamp, self.size)

    def __str__(self) -> str:
        return "%s %s" % (self.name, self.key)


def read_image(path: Path) -> Tuple[ImageIdentity, Optional[PdbIdentity]]:
    """What an EXE says of itself, and its PDB, None where it names none.  Raises BadFormat."""
    try:
        with open(str(path), "rb") as file:
            return _read(file, path)
    except OSError as error:
        raise BadFormat("cannot open %s: %s" % (path, why(error)), str(path)) from error
    except struct.error as error:
        raise BadFormat("%s is cut short" % path, str(path)) from error


def _read(file: BinaryIO, path: Path) -> Tuple[ImageIdentity, Optional[PdbIdentity]]:
    def at(offset: int, size: int) -> bytes:
        file.seek(offset)
        return file.read(size)

    head = at(0, 64)
    new = struct.unpack_from("<I", head, 0x3C)[0] if head[:2] == b"MZ" and len(head) == 64 else 0
    header = at(new, _OPTIONAL + 240) if new else b""
    magic = struct.unpack_from("<H", header, _OPTIONAL)[0] if len(header) > _OPTIONAL + 2 else 0
    if header[:4] != b"PE\0\0" or magic not in _DIRECTORIES:
        raise BadFormat("%s is no program of Windows" % path, str(path))
    sections, optional = (struct.unpack_from("<H", header, x)[0] for x in (_SECTIONS, _OPTIONAL_SIZE))
    stamp = struct.unpack_from("<I", header, _STAMP)[0]
    size = struct.unpack_from("<I", header, _OPTIONAL + _IMAGE_SIZE)[0]
    table = at(new + _OPTIONAL + optional, _SECTION.size * min(sections, _MOST))
    rows = [one[1:] for one in _SECTION.iter_unpack(table[: len(table) // _SECTION.size * _SECTION.size])]
    rva, length = struct.unpack_from("<II", header, _OPTIONAL + _DIRECTORIES[magic] + 8 * _DEBUG_DIRECTORY)
    pdb: Optional[PdbIdentity] = None
    for kind, record_size, offset in _records(at, _offset(rows, rva), length):
        if kind == _CODEVIEW and pdb is None:
            pdb = parse_rsds(at(offset, min(record_size, 0x400)))
    return ImageIdentity(path.name, stamp, size), pdb


def _records(at: _At, start: int, length: int) -> Iterator[Tuple[int, int, int]]:
    """(kind, size, offset in the file) of the entries of a debug directory."""
    for place in range(start, start + min(length, 16 * _ENTRY.size), _ENTRY.size) if start else ():
        entry = at(place, _ENTRY.size)
        if len(entry) < _ENTRY.size:
            return
        kind, size, _, offset = _ENTRY.unpack(entry)
        yield kind, size, offset


def _offset(rows: List[Tuple[int, ...]], rva: int) -> int:
    """Where in the file that address lies; 0 where no section has it."""
    for size, start, raw_size, raw in rows:
        if start <= rva < start + min(size or raw_size, raw_size):
            return raw + rva - start
    return 0
