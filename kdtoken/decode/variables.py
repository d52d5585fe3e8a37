"""nt's variables that a run needs, fetched together where they lie near each other.

Each is a few bytes and a request of its own; those that the linker put side by side come in one.
"""

from typing import Dict, List, Tuple

from kdtoken.decode.structure import pointer_width
from kdtoken.errors import LookupFailed, MemoryUnreadable
from kdtoken.source.base import Source

# A request costs four packets: 178 bytes on the wire besides its data, and a round trip of some
# milliseconds, so that a gap of this many bytes is cheaper read than left out.
_GAP = 0x280
# Whether an object is a token is asked in every run, beside ObTypeIndexTable...
_ALWAYS = ("SeTokenObjectType", "ObHeaderCookie")
# ... and the rest by the way to the process.
_TO_ALL = ("PsActiveProcessHead",)
_TO_ONE = ("PspCidTable", "PsProcessType")
# Of use where one process's token has a linked one: taken along where it lies near, and else left until then.
_IF_NEAR = "SepLogonSessions"
# nt!ObTypeIndexTable: the types asked for here are among the first, in every known build.
_FIRST_TYPES = 16


def fetch_variables(target: Source, by_id: bool = False) -> None:
    """Read them, for a target that remembers what was read.  What cannot be read is left to its user.

    by_id  those that lead to one process by its id, and say that it is one, instead of those that lead to all: the
           two ways lie apart, and an entry of a list that is whole needs no proof of its type
    """
    if target.cheap:
        return  # nothing stands between, so nothing is remembered
    try:
        width = pointer_width(target)
    except LookupFailed:
        return
    sizes: Dict[str, int] = dict.fromkeys(_ALWAYS + (_TO_ONE if by_id else _TO_ALL), 2 * width)
    sizes["ObTypeIndexTable"] = _FIRST_TYPES * width
    places = [place for name, size in sizes.items() for place in _place(target, name, size)]
    if by_id:
        more = places + _place(target, _IF_NEAR, width)
        places = more if len(_together(more)) <= len(_together(places)) else places
    for start, end in _together(places):
        try:
            target.read(start, end - start)
        except MemoryUnreadable:
            pass


def _place(target: Source, name: str, size: int) -> List[Tuple[int, int]]:
    """Start and end of a variable; none that is not in this build."""
    try:
        start = target.symbol(name)
    except LookupFailed:
        return []
    return [(start, start + size)]


def _together(places: List[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """The ranges, sorted, those with little between them made one."""
    joined: List[Tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start - joined[-1][1] <= _GAP:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
