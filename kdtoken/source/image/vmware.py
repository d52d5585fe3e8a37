"""VMware's .vmem, and the .vmss or .vmsn beside it that tells where its pages belong.

A suspended machine leaves NAME.vmem and NAME.vmss, a snapshot NAME-SnapshotN.vmem and .vmsn.  The side file is groups
of tags; in the group "memory" are regionsCount, and for each region regionPPN (physical page), regionPageNum (page in
the .vmem) and regionSize (pages).  Facts: Volatility's vmware.py layers, and its documentation of the format.
"""

import os
import struct
from typing import Any, Dict, Iterator, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.image.segments import MAX_SEGMENTS, Segment, Segments

MAGICS = (b"\xd0\xbe\xd2\xbe", b"\xd1\xba\xd1\xba", b"\xd2\xbe\xd2\xbe", b"\xd3\xbe\xd3\xbe")
SIDE_FILES = (".vmss", ".vmsn")
_HEADER = struct.Struct("<4sII")
_GROUP = struct.Struct("<64sQQ")
_MAX_GROUPS, _MAX_TAGS = 4096, 1 << 18
_REGION_TAGS = (b"regionsCount", b"regionPPN", b"regionSize", b"regionPageNum")
_LONG = (62, 63)  # data lengths that mean: two lengths follow, then padding

Tag = Tuple[bytes, Tuple[int, ...], bytes, int, int]  # name, indices, short data; offset and size of the data


def side_file(path: str) -> Optional[str]:
    """The .vmss or .vmsn beside a .vmem, None where there is none."""
    stem, ending = os.path.splitext(path)
    if ending.lower() != ".vmem":
        return None
    for end in SIDE_FILES + tuple(end.upper() for end in SIDE_FILES):
        if os.path.isfile(stem + end):
            return stem + end
    return None


def is_side_file(path: str) -> bool:
    """Whether a file begins as a .vmss does; True for one that cannot be opened, which is told elsewhere."""
    try:
        with open(path, "rb") as file:
            return file.read(4) in MAGICS
    except OSError:
        return True


def memory_file(path: str) -> Optional[str]:
    """The .vmem beside a .vmss or .vmsn."""
    stem = os.path.splitext(path)[0]
    return next((stem + end for end in (".vmem", ".VMEM") if os.path.isfile(stem + end)), None)


def is_running(path: str) -> bool:
    """Whether VMware holds the .vmem: a folder NAME.vmem.lck lies beside it."""
    return os.path.isdir(path + ".lck")


def is_encrypted(path: str) -> bool:
    """Whether a .vmx in the same folder says that the machine's files are encrypted."""
    folder = os.path.dirname(path) or "."
    try:
        names = [name for name in os.listdir(folder) if name.lower().endswith(".vmx")]
        for name in names[:4]:
            with open(os.path.join(folder, name), "rb") as file:
                if b"encryption.keysafe" in file.read(1 << 20).lower():
                    return True
    except OSError:
        pass
    return False


def regions(side: Any, size: int, origin: str) -> Segments:
    """Where the pages of a .vmem of `size` bytes belong, by its side file.  Raises BadFormat."""
    values: Dict[Tuple[bytes, Tuple[int, ...]], int] = {}
    for name, indices, data, _, _ in _tags(side, origin):
        if name not in _REGION_TAGS or len(values) > 3 * MAX_SEGMENTS:
            continue
        values.setdefault((name, indices), int.from_bytes(data, "little"))
    count = values.get((b"regionsCount", ()), 0)
    if count > MAX_SEGMENTS:
        raise BadFormat("%s is damaged: %d regions of memory" % (origin, count), origin)
    found: List[Segment] = []
    for index in range(count):
        keys = [(name, (index,)) for name in (b"regionPPN", b"regionSize", b"regionPageNum")]
        if not all(key in values for key in keys):
            raise BadFormat("%s is damaged: region %d of %d is not all there" % (origin, index, count), origin)
        first, pages, at = (values[key] for key in keys)
        found.append((first, pages, at * PAGE_SIZE))
    if not found:  # a machine with little memory: it lies in one piece
        return Segments([(0, size // PAGE_SIZE, 0)], size, origin)
    return Segments(found, size, origin)


def inner_memory(side: Any, origin: str) -> Optional[Tuple[int, int]]:
    """(offset, size) of the memory within the .vmss itself, where old versions kept it."""
    for name, _, _, offset, size in _tags(side, origin):
        if name == b"Memory" and size >= PAGE_SIZE:
            return offset, size
    return None


def _tags(side: Any, origin: str) -> Iterator[Tag]:
    """The tags of the group "memory".  Raises BadFormat."""
    magic, _, count = _HEADER.unpack(bytes(side[: _HEADER.size]).ljust(_HEADER.size, b"\0"))
    if magic not in MAGICS:
        raise BadFormat("%s is no .vmss or .vmsn: it begins with %s" % (origin, magic.hex()), origin)
    table = bytes(side[_HEADER.size : _HEADER.size + _GROUP.size * min(count, _MAX_GROUPS)])
    at = 0
    for name, offset, _ in _GROUP.iter_unpack(table[: len(table) // _GROUP.size * _GROUP.size]):
        if name.split(b"\0")[0] == b"memory":
            at = offset
    if not at:
        raise BadFormat("%s tells nothing of memory: it is cut short, or a snapshot without memory" % origin, origin)
    wide = 4 if magic[0] & 0xF == 0 else 8
    for _ in range(_MAX_TAGS):
        head = bytes(side[at : at + 2])
        if len(head) < 2 or head == b"\0\0":
            return
        flags, length = head
        name = bytes(side[at + 2 : at + 2 + length])
        at += 2 + length
        index_count = flags >> 6
        indices = struct.unpack("<%dI" % index_count, bytes(side[at : at + 4 * index_count]).ljust(4 * index_count))
        at += 4 * index_count
        size = flags & 0x3F
        if size in _LONG:
            size = int.from_bytes(bytes(side[at : at + wide]), "little")
            padding = int.from_bytes(bytes(side[at + 2 * wide : at + 2 * wide + 2]), "little")
            at += 2 * wide + 2 + padding
        yield name, indices, bytes(side[at : at + min(size, 8)]), at, size
        at += size
        if at > len(side):
            return
