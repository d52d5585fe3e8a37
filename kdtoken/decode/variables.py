"""nt's variables that every run needs, fetched together where they lie near each other.

Each is a few bytes and a request of its own; those that the linker put side by side come in one.
"""

from typing import Dict, List, Tuple

from kdtoken.decode.structure import pointer_width
from kdtoken.errors import LookupFailed, MemoryUnreadable
from kdtoken.source.base import Source

# A request costs four packets: 178 bytes on the wire besides its data, and a round trip of some
# milliseconds, so that a gap of this many bytes is cheaper read than left out.
_GAP = 0x280
_POINTERS = ("PspCidTable", "SepLogonSessions", "PsProcessType", "SeTokenObjectType", "ObHeaderCookie")
_LIST = "PsActiveProcessHead"
# nt!ObTypeIndexTable: the types asked for here are among the first, in every known build.
_FIRST_TYPES = 16


def fetch_variables(target: Source, with_list: bool = True) -> None:
    """Read them, for a target that remembers what was read.  What cannot be read is left to its user.

    with_list  the head of the process list too: it lies far from the others, and a process that is found
               by its id has no need of it
    """
    try:
        width = pointer_width(target)
    except LookupFailed:
        return
    sizes: Dict[str, int] = dict.fromkeys(_POINTERS + (_LIST,) * with_list, 2 * width)
    sizes["ObTypeIndexTable"] = _FIRST_TYPES * width
    places: List[Tuple[int, int]] = []
    for name, size in sizes.items():
        try:
            start = target.symbol(name)
        except LookupFailed:
            continue  # not in this build
        places.append((start, start + size))
    for start, end in _together(places):
        try:
            target.read(start, end - start)
        except MemoryUnreadable:
            pass


def _together(places: List[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """The ranges, sorted, those with little between them made one."""
    joined: List[Tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start - joined[-1][1] <= _GAP:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
