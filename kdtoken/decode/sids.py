"""SIDs and arrays of `_SID_AND_ATTRIBUTES` in the target's memory."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from kdtoken.decode.structure import Structure, unreadable
from kdtoken.errors import BadFormat, MemoryUnreadable
from kdtoken.layout.layout import size_of, stride
from kdtoken.model.absent import Maybe, Missing, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.sid import HEADER_SIZE, MAX_SUBAUTHORITIES, Sid, sid_length
from kdtoken.model.token import Doubt
from kdtoken.source.base import Source, Span, read_span

# A token holds at most 1,024 groups ("MaxTokenSize and group limits", learn.microsoft.com); a
# count far past that is damage, and is never allocated or walked.
MAX_COUNT = 4096
# SIDs that belong together lie together; a stretch up to this long is fetched in one request.
_TOGETHER = 0x4000
_MOST_LISTS = 4096  # of groups, that are kept to be found again
_LISTS = ("lists of groups",)
Near = Tuple[int, bytes]  # an address, and bytes that were read there


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


def read_groups(
    target: Source,
    address: Maybe[int],
    count: Maybe[int],
    places: Optional[List[Maybe[int]]] = None,
    near: Optional[Near] = None,
) -> Maybe[Tuple[Maybe[Group], ...]]:
    """`count` elements of _SID_AND_ATTRIBUTES {PSID Sid; ULONG Attributes;} at `address`.

    A null array is empty; an element whose SID cannot be read is Unreadable in its place.
    places  gets where the SID of each element lies
    near    bytes that were read already, in which they may lie
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
    shape = _entry_shape(target)
    table = _cut(near, address, shape.step * count)
    if table is None:
        span = read_span(target, address, shape.step * count)
        if len(span.pieces) == 1 and not span.holes:
            table = span.pieces[0][1]
    if table is None or shape.format is None:
        entries = [_entry(span, at, shape) for at in range(address, address + shape.step * count, shape.step)]
        if places is not None:
            places.extend([pointer for pointer, _ in entries])
        around = prefetch_around(
            target, [pointer for pointer, _ in entries if isinstance(pointer, int) and pointer], near
        )
        return tuple([_group(target, pointer, bits, around) for pointer, bits in entries])
    pointers: Tuple[int, ...]
    pointers, attributes = zip(*shape.format.iter_unpack(table))
    if places is not None:
        places.extend(pointers)
    around = prefetch_around(target, [one for one in pointers if one] if 0 in pointers else pointers, near)
    memo = target.memo
    if around is None or memo is None:
        return tuple([_group(target, pointer, bits, around) for pointer, bits in zip(pointers, attributes)])
    # Each token has a copy of its own, and a machine's users few different ones: a list that lies there with the same
    # bytes and the same distances is the same list, and whoever compares two sees that they are one.
    start, data = around
    lists: Optional[Dict[Any, Tuple[Maybe[Group], ...]]] = memo.get(_LISTS)
    if lists is None:
        lists = memo[_LISTS] = {}
    key = data, tuple([pointer - start for pointer in pointers]), attributes
    known = lists.get(key)
    if known is None:
        known = tuple([_group(target, pointer, bits, around) for pointer, bits in zip(pointers, attributes)])
        # What could not be read carries its address, and what is not within these bytes may lie elsewhere.
        if all(_within(data, at) for at in key[1]) and all(type(one) is Group for one in known):
            if len(lists) >= _MOST_LISTS:
                lists.clear()
            lists[key] = known
    return known


def _cut(near: Optional[Near], address: int, size: int) -> Optional[bytes]:
    """Bytes out of those that were read already; None where they are not all there."""
    if near is None or address < near[0]:
        return None
    at = address - near[0]
    data = near[1][at : at + size]
    return data if len(data) == size else None


def _within(data: bytes, at: int) -> bool:
    """Whether the whole SID at this offset is in these bytes."""
    return 0 <= at <= len(data) - HEADER_SIZE and at + HEADER_SIZE + 4 * data[at + 1] <= len(data)


def _entry(span: Span, at: int, shape: "_Shape") -> Tuple[Maybe[int], Maybe[int]]:
    """(Sid, Attributes) of one element; both Unreadable where one is."""
    try:
        pair = span.get(at + shape.sid, shape.width), span.get(at + shape.attributes, shape.bits_width)
    except MemoryUnreadable as error:
        return unreadable(error), unreadable(error)
    return int.from_bytes(pair[0], "little"), int.from_bytes(pair[1], "little")


class _Shape(NamedTuple):
    """Of _SID_AND_ATTRIBUTES: its stride; offset and size of Sid, and of Attributes; both at once, as `struct` has them."""

    step: int
    sid: int
    width: int
    attributes: int
    bits_width: int
    format: Optional[struct.Struct]


_CODES = {4: "I", 8: "Q"}


def _entry_shape(target: Source) -> _Shape:
    memo, key = target.memo, ("_SID_AND_ATTRIBUTES",)
    known: Optional[_Shape] = memo.get(key) if memo is not None else None
    if known is not None:
        return known
    layout = target.layout("_SID_AND_ATTRIBUTES")
    sid, attributes = layout.field("Sid"), layout.field("Attributes")
    step = stride(layout, target.layout)
    width, bits_width = size_of(sid.type, target.layout), size_of(attributes.type, target.layout)
    gap = attributes.offset - sid.offset - width
    rest = step - attributes.offset - bits_width
    together = None
    if min(gap, rest) >= 0 and width in _CODES and bits_width in _CODES:
        parts = (sid.offset, _CODES[width], gap, _CODES[bits_width], rest)
        together = struct.Struct("<%dx%s%dx%s%dx" % parts)
    known = _Shape(step, sid.offset, width, attributes.offset, bits_width, together)
    if memo is not None:
        memo[key] = known
    return known


def _group(target: Source, pointer: Maybe[int], bits: Maybe[int], around: Optional[Tuple[int, bytes]]) -> Maybe[Group]:
    if around is not None and isinstance(pointer, int) and isinstance(bits, int):
        start, data = around
        at = pointer - start
        if 0 <= at <= len(data) - HEADER_SIZE:
            body = data[at : at + HEADER_SIZE + 4 * data[at + 1]]
            if len(body) == HEADER_SIZE + 4 * body[1]:
                try:
                    return _group_of(body, bits)
                except BadFormat as error:
                    return Unreadable(pointer, error.message)
    sid = read_sid(target, pointer)
    if isinstance(sid, Unreadable) and isinstance(bits, int) and isinstance(pointer, int):
        return HalfGroup(sid.address, sid.reason, sid.hint, attributes=bits, pointer=pointer)
    if isinstance(sid, Missing):
        return sid
    if sid is None:
        return Unreadable(0, "the SID pointer is null")
    if not isinstance(bits, int):
        return bits
    return Group(sid, bits)


@lru_cache(maxsize=8192)
def _group_of(body: bytes, bits: int) -> Group:
    """The tokens of a machine hold the same few groups over and over."""
    return Group(Sid.parse(body), bits)


def prefetch_around(target: Source, pointers: Sequence[int], near: Optional[Near] = None) -> Optional[Near]:
    """Fetch the stretch that SIDs lie in with one request, where it is short enough: its address and bytes.

    It ends with the last SID, or with its header where the rest cannot be read.  None where any of the others is
    missing; why shows when a SID itself is read.
    """
    if not pointers:
        return None
    first, last = min(pointers), max(pointers)
    if not first < last <= first + _TOGETHER:
        return None
    known = _cut(near, first, last - first + HEADER_SIZE)
    if known is None:
        span = read_span(target, first, last - first + HEADER_SIZE)
        if span.holes or len(span.pieces) != 1:
            return None
        known = span.pieces[0][1]
    start, data = first, known
    rest = 4 * min(data[-HEADER_SIZE + 1], MAX_SUBAUTHORITIES)
    try:
        more = _cut(near, last + HEADER_SIZE, rest)
        return start, data + (target.read(last + HEADER_SIZE, rest) if more is None else more) if rest else data
    except MemoryUnreadable:
        return start, data


def _out_of_dynamic_part(s: Structure) -> List[str]:
    """PrimaryGroup and DefaultDacl lie in the DynamicCharged bytes of DynamicPart: so in the same public listings, and in
    a real NT 5.2 kernel."""
    part, size = s.uint("DynamicPart"), s.uint("DynamicCharged")
    if not isinstance(part, int) or not isinstance(size, int) or not part or not size:
        return []
    found: List[str] = []
    for name in ("PrimaryGroup", "DefaultDacl"):
        pointer = s.uint(name)
        if isinstance(pointer, int) and pointer and not part <= pointer < part + size:
            found.append(
                Doubt(
                    "%s is 0x%x, outside the %d bytes of DynamicPart at 0x%x: it may be another's"
                    % (name, pointer, size, part)
                )
            )
    return found


def _all_between(pointers: Sequence[Maybe[int]], start: int, end: int) -> bool:
    known = [one for one in pointers if isinstance(one, int)]
    return len(known) == len(pointers) and (not known or start <= min(known) and max(known) < end)


def strays(s: Structure, places: Mapping[str, Sequence[Maybe[int]]], label: Maybe[int]) -> List[str]:
    """What is wrong with where the SIDs of a token lie, a sentence a list: pointers out of the token's own memory.

    A token's groups and restricting SIDs lie behind it, in the VariableLength bytes of its VariablePart: first the array,
    then the SIDs.  Seen in public `dt nt!_TOKEN` listings of 10.0 (an explorer.exe: VariablePart holds UserAndGroups +
    0x10 * UserAndGroupCount, which is the first SID's address; an AppContainer's the same).  Where _TOKEN.TokenSidValues
    is not null, its block holds SIDs too, and whose label was set later may have it elsewhere: neither is blamed, nor is
    a token of which no SID at all lies behind it, since then its build keeps them elsewhere.  What no document says of other
    builds is a doubt, no accusation.

    places  "UserAndGroups", "RestrictedSids" -> the pointer of each entry
    label   IntegrityLevelIndex
    """
    length = s.uint("VariableLength")
    if not isinstance(length, int) or not length or not s.has("VariablePart"):
        return []
    start = s.address_of("VariablePart")
    found = _out_of_dynamic_part(s)
    end = start + length
    if all([_all_between(listed, start, end) for listed in places.values()]):
        return found  # nearly every token
    elsewhere = s.has("TokenSidValues") and s.uint("TokenSidValues") != 0
    inside = any(isinstance(one, int) and start <= one < start + length for listed in places.values() for one in listed)
    if elsewhere or not inside:
        return found
    for name, pointers in places.items():
        known = [(at, pointer) for at, pointer in enumerate(pointers) if isinstance(pointer, int) and pointer]
        if name == "UserAndGroups":
            known = [one for one in known if one[0] != label]
        out = [one for one in known if not start <= one[1] < start + length]
        if not out:
            continue
        entries = ", ".join("%d" % at for at, _ in out[:4]) + (" ..." if len(out) > 4 else "")
        found.append(
            Doubt(
                "%s: SIDs of entries %s (0x%x ...) lie outside the %d bytes that the token has for them, "
                "so they may be another's" % (name, entries, out[0][1], length)
            )
        )
    return found
