"""SIDs and arrays of `_SID_AND_ATTRIBUTES` in the target's memory."""

from typing import List, Optional, Tuple

from kdtoken.decode.structure import unreadable
from kdtoken.errors import BadFormat, MemoryUnreadable
from kdtoken.layout.layout import size_of, stride
from kdtoken.model.absent import Maybe, Missing, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.sid import HEADER_SIZE, Sid, sid_length
from kdtoken.source.base import Source, read_span

# A token holds at most 1,024 groups ("MaxTokenSize and group limits", learn.microsoft.com); a
# count far past that is damage, and is never allocated or walked.
MAX_COUNT = 4096
# SIDs that belong together lie together; a stretch up to this long is fetched in one request.
_TOGETHER = 0x4000


def read_sid(target: Source, address: Maybe[int]) -> Maybe[Optional[Sid]]:
    """The SID at `address`; None for a null pointer, Unreadable where it is none."""
    if isinstance(address, Missing):
        return address
    if address == 0:
        return None
    try:
        size = sid_length(target.read(address, HEADER_SIZE))
        return Sid.parse(target.read(address, size))
    except MemoryUnreadable as error:
        return unreadable(error)
    except BadFormat as error:
        return Unreadable(address, error.message)


def read_groups(target: Source, address: Maybe[int], count: Maybe[int]) -> Maybe[Tuple[Maybe[Group], ...]]:
    """`count` elements of _SID_AND_ATTRIBUTES {PSID Sid; ULONG Attributes;} at `address`.

    A null array is empty; an element whose SID cannot be read is Unreadable in its place.
    """
    if isinstance(address, Missing):
        return address
    if isinstance(count, Missing):
        return count
    if count > MAX_COUNT:
        return Unreadable(address, "a count of %d (0x%x) groups is not believable" % (count, count))
    if count == 0:
        return ()
    if address == 0:
        return Unreadable(address, "the array pointer is null, but its count is %d" % count)
    step, sid, width, attributes, bits_width = _entry_shape(target)
    span = read_span(target, address, step * count)
    whole = span.pieces[0][1] if len(span.pieces) == 1 and not span.holes else None
    entries: List[Tuple[Maybe[int], Maybe[int]]] = []
    for at in range(0, step * count, step):
        try:
            if whole is not None:
                pair = whole[at + sid : at + sid + width], whole[at + attributes : at + attributes + bits_width]
            else:
                pair = span.get(address + at + sid, width), span.get(address + at + attributes, bits_width)
            entries.append((int.from_bytes(pair[0], "little"), int.from_bytes(pair[1], "little")))
        except MemoryUnreadable as error:
            entries.append((unreadable(error), unreadable(error)))
    prefetch_around(target, [p for p, _ in entries if isinstance(p, int) and p])
    return tuple([_group(target, pointer, bits) for pointer, bits in entries])


def _entry_shape(target: Source) -> Tuple[int, int, int, int, int]:
    """Of _SID_AND_ATTRIBUTES: its stride; offset and size of Sid, and of Attributes."""
    memo, key = target.memo, ("_SID_AND_ATTRIBUTES",)
    known: Optional[Tuple[int, int, int, int, int]] = memo.get(key) if memo is not None else None
    if known is None:
        layout = target.layout("_SID_AND_ATTRIBUTES")
        sid, attributes = layout.field("Sid"), layout.field("Attributes")
        known = (
            stride(layout, target.layout),
            sid.offset,
            size_of(sid.type, target.layout),
            attributes.offset,
            size_of(attributes.type, target.layout),
        )
        if memo is not None:
            memo[key] = known
    return known


def _group(target: Source, pointer: Maybe[int], bits: Maybe[int]) -> Maybe[Group]:
    sid = read_sid(target, pointer)
    if isinstance(sid, Missing):
        return sid
    if sid is None:
        return Unreadable(0, "the SID pointer is null")
    if not isinstance(bits, int):
        return bits
    return Group(sid, bits)


def prefetch_around(target: Source, pointers: List[int]) -> None:
    """Fetch the stretch that SIDs lie in with one request, where it is short enough.

    Only warms what stands in front of the target; failures show when a SID itself is read.
    """
    if not pointers:
        return
    first, last = min(pointers), max(pointers)
    if first < last <= first + _TOGETHER:
        read_span(target, first, last - first + HEADER_SIZE)
