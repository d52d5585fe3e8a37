"""Which PDB belongs to an image: name, GUID and age, as the image's debug directory tells."""

import ntpath
import struct
from dataclasses import dataclass
from typing import Optional

RSDS = b"RSDS"


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
    return PdbIdentity(name, guid_text(data[4:20]), age)
