"""A self-relative security descriptor in the target's memory, whose length nobody says beforehand."""

from typing import Optional

from kdtoken.errors import BadFormat, MemoryUnreadable
from kdtoken.frozen import replace
from kdtoken.model.absent import Maybe, Unreadable
from kdtoken.model.acl import acl_length
from kdtoken.model.descriptor import HEADER, HEADER_SIZE, SecurityDescriptor
from kdtoken.model.sid import sid_length
from kdtoken.source.base import PAGE_SIZE, Source, read_span

# Descriptors of kernel objects are some 100 to 300 bytes; one request of this size nearly always has all of one.
_FIRST = 0x200
# Two SIDs and two ACLs of 64 KiB are the most that a descriptor can hold.
_LIMIT = 0x20200
_PEEK = 8  # bytes that tell how long a SID or an ACL is
_ROUNDS = 4


def read_descriptor(target: Source, address: int) -> Maybe[SecurityDescriptor]:
    """The descriptor at `address`, in one request or three; Unreadable where there is none.

    Where its end is missing, what could be read is kept and `problem` says what is not there.
    """
    size = max(HEADER_SIZE, min(_FIRST, PAGE_SIZE - address % PAGE_SIZE))
    data, stop = b"", ""
    for _ in range(_ROUNDS):
        span = read_span(target, address + len(data), size - len(data))
        if span.pieces and span.pieces[0][0] == address + len(data):
            data += span.pieces[0][1]
        if len(data) < size:
            hole = span.holes[0] if span.holes else MemoryUnreadable(address + len(data), 1, "unreadable")
            if len(data) < HEADER_SIZE:
                return Unreadable(address, hole.reason)
            stop = "the bytes from 0x%x on: %s" % (address + len(data), hole.reason)
            break
        wanted = _extent(data)
        if wanted <= size:
            break
        size = min(wanted, _LIMIT)
    try:
        found = SecurityDescriptor.parse(data)
    except BadFormat as error:
        return Unreadable(address, error.message)
    if stop and found.is_partial:
        return replace(found, problem="; ".join(part for part in (found.problem, stop) if part))
    return found


def _extent(data: bytes) -> int:
    """Bytes that are needed, as far as those at hand tell: the end of a part, or enough to learn its length."""
    _, _, _, owner, group, sacl, dacl = HEADER.unpack_from(data)
    end = HEADER_SIZE
    for offset, length in ((owner, sid_length), (group, sid_length), (sacl, acl_length), (dacl, acl_length)):
        if not HEADER_SIZE <= offset < _LIMIT:
            continue
        start: Optional[bytes] = data[offset : offset + _PEEK]
        if start is None or len(start) < _PEEK:
            end = max(end, offset + _PEEK)
            continue
        try:
            end = max(end, offset + length(start))
        except BadFormat:
            continue  # no SID, no ACL: reading on would not help
    return end
