"""Public and global symbols of a PDB: name -> RVA.

Format: "The PDB DBI (Debug Info) Stream" and "CodeView Symbol Records" of LLVM's documentation;
cvinfo.h and dbi.h of microsoft/microsoft-pdb.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right
from typing import List, Optional, Sequence, Tuple

from kdtoken.errors import BadFormat
from kdtoken.layout.pdb.msf import Msf

S_LDATA32, S_GDATA32, S_PUB32 = 0x110C, 0x110D, 0x110E
_RECORD = struct.Struct("<HHIIH")  # length, kind, flags or type, offset, segment; then the name
_HEADER = struct.Struct("<iII6H5iIiiHHI")
_NO_STREAM = 0xFFFF
# Order of the optional streams at the end of the DBI stream.
_OMAP_FROM, _SECTIONS, _ORIGINAL_SECTIONS = 4, 5, 10


class SymbolStream:
    """Symbols by name; the records are searched, not gone through.

    age   as the image names it; the PDB's own info stream may say more, when tools wrote to the PDB
    """

    def __init__(self, msf: Msf) -> None:
        """Raises BadFormat."""
        self._origin = msf.origin
        data = msf.stream(3)
        if len(data) < _HEADER.size:
            raise BadFormat("%s holds no symbols" % msf.origin, msf.origin)
        (
            _signature,
            _version,
            self.age,
            _globals,
            _build,
            _publics,
            _dll,
            records,
            _rbld,
            modules,
            contributions,
            section_map,
            files,
            server,
            _mfc,
            optional,
            more,
            _flags,
            self.machine,
            _pad,
        ) = _HEADER.unpack_from(data)
        sizes = (modules, contributions, section_map, files, server, more)
        start = _HEADER.size + sum(sizes)
        if min(sizes) < 0 or optional < 0 or start > len(data):
            raise BadFormat("%s is a damaged PDB: the head of its symbols makes no sense" % msf.origin, msf.origin)
        tail = data[start : start + optional]
        streams = struct.unpack("<%dH" % (len(tail) // 2), tail[: len(tail) // 2 * 2])
        self._records = msf.stream(records)
        self._omap: Tuple[Sequence[int], Sequence[int]] = ((), ())
        self._sections = _sections(msf, streams, _SECTIONS)
        omap = _optional(msf, streams, _OMAP_FROM)
        if omap:
            # The image was rearranged after linking: symbols name places in what it was before.
            self._sections = _sections(msf, streams, _ORIGINAL_SECTIONS) or self._sections
            words = array("I", omap[: len(omap) // 8 * 8])  # a tuple would take ten times the room
            if sys.byteorder == "big":
                words.byteswap()
            self._omap = (words[::2], words[1::2])

    def rva(self, name: str) -> Optional[int]:
        """Offset of a symbol from the image's base; None where the PDB has no such symbol.

        On x86 the compiler puts an underscore before a C name; who asks for it does not.
        """
        found = self._rva(name)
        return self._rva("_" + name) if found is None else found

    def _rva(self, name: str) -> Optional[int]:
        """The same of the name as it stands in the records, from their end on: an incremental link adds its own there.

        What is compared is the name's bytes in the records, with the head in front of it: some ten
        thousand records are not gone through for the dozen names that a run asks for.
        """
        wanted = name.encode("utf-8", "replace") + b"\0"
        data = self._records
        at = len(data)
        while len(wanted) > 1:
            end = at + len(wanted) - 1  # the next one begins before this one
            at = data.rfind(wanted, 0, end)
            if at < 0:
                break
            head = at - _RECORD.size
            if head < 0 or head % 4:
                continue
            length, kind, _flags, offset, segment = _RECORD.unpack_from(data, head)
            whole = _RECORD.size + len(wanted)
            if kind in (S_PUB32, S_GDATA32, S_LDATA32) and whole <= length + 2 < whole + 4:
                found = self._place(segment, offset)
                if found is not None:
                    return found
        return None

    def names(self) -> List[str]:
        """All names, for completeness checks; goes through every record."""
        found, at, data = set(), 0, self._records
        while at + _RECORD.size <= len(data):
            length, kind = struct.unpack_from("<HH", data, at)
            if length < 2:
                break
            if kind in (S_PUB32, S_GDATA32, S_LDATA32):
                found.add(data[at + _RECORD.size : at + 2 + length].split(b"\0")[0].decode("utf-8", "replace"))
            at += 2 + length
        return sorted(found)

    def _place(self, segment: int, offset: int) -> Optional[int]:
        if not 0 < segment <= len(self._sections):
            return None
        rva = self._sections[segment - 1] + offset
        before, after = self._omap
        if not before:
            return rva
        near = bisect_right(before, rva) - 1
        if near < 0 or after[near] == 0:
            return None  # the linker's tools dropped it
        return after[near] + rva - before[near]


def _optional(msf: Msf, streams: Sequence[int], index: int) -> bytes:
    if index >= len(streams) or streams[index] == _NO_STREAM:
        return b""
    return msf.stream(streams[index])


def _sections(msf: Msf, streams: Sequence[int], index: int) -> List[int]:
    """VirtualAddress of each IMAGE_SECTION_HEADER (40 bytes; the RVA at 12)."""
    data = _optional(msf, streams, index)
    return [struct.unpack_from("<I", data, at + 12)[0] for at in range(0, len(data) // 40 * 40, 40)]
