"""Which PDB is meant: name, GUID and age, as an image's debug directory tells and a PDB says of itself."""

from __future__ import annotations

import ntpath
import struct
from typing import BinaryIO, Optional

from kdtoken.errors import BadFormat
from kdtoken.files import why
from kdtoken.frozen import dataclass
from kdtoken.layout.pdb.msf import Msf

RSDS = b"RSDS"
_INFO = struct.Struct("<III16s")  # Version, Signature, Age, GUID: the PDB info stream
_INFO_STREAM, _SYMBOL_STREAM = 1, 3
_LONGEST_NAME = 200  # bytes: a store's folder and a ".part" file are named by it, and file systems take 255
_AGE = 8  # where the symbol stream's head has the age


def guid_text(data: bytes) -> str:
    """16 bytes of a GUID as symbol servers write them: 32 hex digits, the first three numbers little-endian."""
    first, second, third = struct.unpack_from("<IHH", data)
    return "%08X%04X%04X%s" % (first, second, third, data[8:16].hex().upper())


@dataclass(frozen=True)
class PdbIdentity:
    """name  "ntkrnlmp.pdb"    guid  32 hex digits    age  a number"""

    name: str
    guid: str
    age: int

    @property
    def key(self) -> str:
        """GUID and age in one, as symbol servers and LayoutFile.pdb write them."""
        return "%s%X" % (self.guid, self.age)

    def __str__(self) -> str:
        return "%s %s age %d" % (self.name, self.guid, self.age)


def parse_rsds(data: bytes) -> Optional[PdbIdentity]:
    """The CodeView record of a debug directory: "RSDS", GUID, age, path of the PDB, NUL.

    None if it is none.  Only the last part of the path is kept: it becomes a file's name here.
    """
    if data[:4] != RSDS or len(data) < 25:
        return None
    age = struct.unpack_from("<I", data, 20)[0]
    path = data[24:].split(b"\0")[0].decode("utf-8", "replace")
    name = ntpath.basename(path)
    if not name or any(ord(char) < 32 or char in '<>:"|?*/\\' for char in name) or name.strip(". ") == "":
        return None
    if len(name.encode("utf-8")) > _LONGEST_NAME:
        return None
    return PdbIdentity(name, guid_text(data[4:20]), age)


def identity_of(msf: Msf) -> PdbIdentity:
    """What a PDB says of itself.  Raises BadFormat."""
    info = msf.stream(_INFO_STREAM, _INFO.size)
    if len(info) < _INFO.size:
        raise BadFormat("%s is a damaged PDB: it does not say its GUID" % msf.origin, msf.origin)
    _version, _signature, age, guid = _INFO.unpack_from(info)
    # The image names the age that the linker left in the DBI stream; "0" there means nobody did.
    head = msf.stream(_SYMBOL_STREAM, _AGE + 4)
    linked = struct.unpack_from("<I", head, _AGE)[0] if len(head) == _AGE + 4 else 0
    return PdbIdentity(ntpath.basename(msf.origin), guid_text(guid), linked or age)


def read_identity(path: str) -> PdbIdentity:
    """The same of a file, of which only a few blocks are read.  Raises BadFormat."""
    try:
        with open(path, "rb") as file:
            return identity_of(Msf(_Slices(file), path))
    except (OSError, ValueError) as error:
        raise BadFormat("cannot open the PDB %s: %s" % (path, why(error)), path) from error


class _Slices:
    """An open file that is sliced like bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _step = part.indices(self._size)
        self._file.seek(start)
        return self._file.read(max(0, stop - start))
