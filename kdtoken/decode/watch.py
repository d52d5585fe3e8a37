"""Where to watch for the next write into a process's security context: addresses by the symbols, nothing is set."""

from typing import List, Tuple

from kdtoken.decode.structure import Structure, read_members
from kdtoken.errors import LookupFailed
from kdtoken.layout.layout import size_of, stride
from kdtoken.model.absent import Missing
from kdtoken.model.process import FastRef, ProcessDump
from kdtoken.model.sid import HEADER_SIZE
from kdtoken.model.watch import WatchPoint
from kdtoken.source.base import Source

_SIZES = (1, 2, 4, 8)


def watch_points(target: Source, row: ProcessDump) -> Tuple[WatchPoint, ...]:
    """Of one process: its token reference, its token's privileges, its integrity label.

    Four at most, as many as an x86 or x64 processor has; what the symbols or the memory do not give is left out.
    """
    points: List[WatchPoint] = []
    _member(target, points, "_EPROCESS", row.process.address, "Token", "the process's reference to its token")
    ref = row.process.token
    if not isinstance(ref, FastRef) or not ref.object:
        return tuple(points)
    for path in ("Privileges.Present", "Privileges.Enabled"):
        _member(target, points, "_TOKEN", ref.object, path, "_TOKEN." + path)
    label = _label(target, ref.object)
    if label:
        points.append(WatchPoint(label, 4, "the level in the token's integrity label"))
    return tuple(points)


def _member(target: Source, points: List[WatchPoint], kind: str, at: int, path: str, what: str) -> None:
    try:
        s = read_members(target, kind, at, [path])
        if not s.has(path):
            return
        address, size = s.address_of(path), _size(target, s, path)
    except LookupFailed:
        return
    if size in _SIZES and address % size == 0:
        points.append(WatchPoint(address, size, what))


def _size(target: Source, s: Structure, path: str) -> int:
    layout = s.layout
    for name in path.split(".")[:-1]:
        layout = target.layout(layout.field(name).type)
    return size_of(layout.field(path.split(".")[-1]).type, target.layout)


def _label(target: Source, token: int) -> int:
    """Address of the label SID's only sub-authority; 0 where the way to it cannot be read."""
    try:
        s = read_members(target, "_TOKEN", token, ["IntegrityLevelIndex", "UserAndGroups", "UserAndGroupCount"])
        entry = target.layout("_SID_AND_ATTRIBUTES")
        index, array, count = s.uint("IntegrityLevelIndex"), s.uint("UserAndGroups"), s.uint("UserAndGroupCount")
        if isinstance(index, Missing) or isinstance(array, Missing) or isinstance(count, Missing) or index >= count:
            return 0
        at = array + index * stride(entry, target.layout)
        sid = read_members(target, "_SID_AND_ATTRIBUTES", at, ["Sid"]).uint("Sid")
    except LookupFailed:
        return 0
    return sid + HEADER_SIZE if isinstance(sid, int) and sid else 0
