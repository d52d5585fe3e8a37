"""nt's variables that a run needs, fetched together where they lie near each other.

Each is a few bytes and a request of its own; those that the linker put side by side come in one.  Those that stay
as they are until the next boot are asked for once a boot, where the target has a memory for that.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from kdtoken.decode.object_header import PROCESS_TYPE, is_object_of
from kdtoken.decode.structure import pointer_width
from kdtoken.errors import LookupFailed, MemoryUnreadable
from kdtoken.source.base import BootMemory, Source

# A request costs four packets: 178 bytes on the wire besides its data, and a round trip of some
# milliseconds, so that a gap of this many bytes is cheaper read than left out.
_GAP = 0x280
# Whether an object is a token is asked in every run, beside ObTypeIndexTable...
_COOKIE = "ObHeaderCookie"
_ALWAYS = ("SeTokenObjectType", _COOKIE)
# ... and the rest by the way to the process.
_TO_ALL = ("PsActiveProcessHead",)
_TO_ONE = ("PspCidTable", "PsProcessType")
# Of use where one process's token has a linked one: taken along where it lies near, and else left until then.
_IF_NEAR = "SepLogonSessions"
# nt!ObTypeIndexTable: the types asked for here are among the first, in every known build.
_TYPES = "ObTypeIndexTable"
_FIRST_TYPES = 16
# Set while the kernel starts, and never again.
_FOR_GOOD = (*_ALWAYS, *_TO_ONE, _IF_NEAR, _TYPES)
# The pages of nt!PspCidTable's entries: where each lies stays, more are added (decode.cid_table).
_ID_PAGES = "pages of PspCidTable"
# When that was (LARGE_INTEGER, FILETIME); 0 before.  A clock that is set moves it.
_BOOT_TIME = "KeBootTime"
_SYSTEM = "PsInitialSystemProcess"


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
    way = _TO_ONE if by_id else _TO_ALL
    boot = _boot(target)
    known = _recall(target, boot, width) if boot else set()
    if boot and not known:
        _read(target, [_place(target, name, width) for name in (*way, *_FOR_GOOD, _SYSTEM)])
        _keep(target, boot, width)
        return
    places = [_place(target, name, width) for name in (*way, *_ALWAYS, _TYPES) if name not in known]
    if by_id and _IF_NEAR not in known:
        more = [*places, _place(target, _IF_NEAR, width)]
        places = more if len(together(more)) <= len(together(places)) else places
    _read(target, places)


class _Boot(NamedTuple):
    """The memory of a target, and what proves which boot this is."""

    memory: BootMemory
    place: int
    time: bytes


def id_pages(target: Source) -> bytes:
    """Pointers to the pages of nt!PspCidTable's entries, as an earlier run of this boot kept them; empty where none did."""
    boot = _boot(target)
    return (boot.memory.recall(boot.place, boot.time) or {}).get(_ID_PAGES, b"") if boot else b""


def keep_id_pages(target: Source, pointers: bytes) -> None:
    """Keep them for the next run, beside the variables of this boot."""
    boot = _boot(target)
    kept = boot.memory.recall(boot.place, boot.time) if boot else None
    if boot and kept and pointers and kept.get(_ID_PAGES) != pointers:
        boot.memory.keep(boot.place, boot.time, {**kept, _ID_PAGES: pointers})


def _boot(target: Source) -> Optional[_Boot]:
    """None where nothing is kept, or where nobody can tell one boot from another."""
    memory = target.boot_memory()
    if memory is None:
        return None
    try:
        place = target.symbol(_BOOT_TIME)
        time = target.read_just(place, 8)
    except (LookupFailed, MemoryUnreadable):
        return None
    return _Boot(memory, place, time) if any(time) else None


def _recall(target: Source, boot: _Boot, width: int) -> Set[str]:
    """The variables that the target knows by now of an earlier run; none where what was kept does not fit."""
    kept = dict(boot.memory.recall(boot.place, boot.time) or {})
    kept.pop(_ID_PAGES, None)
    places = {name: place for name, place in ((name, _place(target, name, width)) for name in _FOR_GOOD) if place}
    if {name: len(data) for name, data in kept.items()} != {name: end - at for name, (at, end) in places.items()}:
        return set()
    for name, (start, end) in places.items():
        for at in range(0, end - start, width):
            word = kept[name][at : at + width]
            if any(word) or name == _COOKIE:  # an entry of the table may be of a type that was made since
                target.know(start + at, word)
    return set(_FOR_GOOD)  # those that this build lacks need not be asked for either


def _keep(target: Source, boot: _Boot, width: int) -> None:
    """Keep all that is for good, once the kernel's own first process proves that it is set by now."""
    values: Dict[str, bytes] = {}
    try:
        for name in _FOR_GOOD:
            place = _place(target, name, width)
            if place:
                values[name] = target.read(place[0], place[1] - place[0])
        system = int.from_bytes(target.read(target.symbol(_SYSTEM), width), "little")
        proven = is_object_of(target, system, PROCESS_TYPE) is True
    except (LookupFailed, MemoryUnreadable):
        return
    # The cookie may be 0; a pointer is null until the kernel has come so far.
    if proven and all(any(data) for name, data in values.items() if name != _COOKIE):
        boot.memory.keep(boot.place, boot.time, values)


def _read(target: Source, places: List[Optional[Tuple[int, int]]]) -> None:
    for start, end in together(places):
        try:
            target.read(start, end - start)  # other variables lie beside, and an explain wants some
        except MemoryUnreadable:
            pass


def _place(target: Source, name: str, width: int) -> Optional[Tuple[int, int]]:
    """Start and end of a variable; None of one that is not in this build."""
    size = {_TYPES: _FIRST_TYPES * width, _COOKIE: 1, "PsActiveProcessHead": 2 * width}.get(name, width)
    try:
        start = target.symbol(name)
    except LookupFailed:
        return None
    return start, start + size


def together(places: Sequence[Optional[Tuple[int, int]]]) -> List[Tuple[int, int]]:
    """Ranges of memory, sorted, those made one that cost less in one request than in two."""
    joined: List[Tuple[int, int]] = []
    for start, end in sorted(place for place in places if place):
        if joined and start - joined[-1][1] <= _GAP:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
