"""nt!PspCidTable: from a process id straight to its _EPROCESS, however many processes there are.

A `_HANDLE_TABLE` whose handles are process and thread ids.  `TableCode` points to the table and
has the number of levels above the leaves in its low two bits: 0, one page of entries; 1, a page of
pointers to such pages; 2, a page of pointers to pages of pointers.  Handles count in fours, and
entry i belongs to id 4 * i.  Unlike a process's own table this one points to objects themselves,
not to their headers.

Public: M. Russinovich and others, Windows Internals ("Handles and the Process Handle Table");
Volatility 3's windows.handles and psscan plugins; the layouts themselves, as the symbols give them.
"""

from __future__ import annotations

from typing import Callable, Optional

from kdtoken.decode.fast_ref import fast_ref
from kdtoken.decode.object_header import PROCESS_TYPE, THREAD_TYPE, TOKEN_TYPE, body_offset, is_object_of
from kdtoken.decode.process import members_shown
from kdtoken.decode.structure import find, place_of, pointer_width, read_members
from kdtoken.decode.token import fetch_token
from kdtoken.decode.variables import id_pages, keep_id_pages, together
from kdtoken.errors import KdTokenError, MemoryUnreadable
from kdtoken.layout.layout import stride
from kdtoken.model.process import FastRef
from kdtoken.source.base import PAGE_SIZE, Source

TYPE = "_HANDLE_TABLE"
_ENTRY = "_HANDLE_TABLE_ENTRY"
_ID_STEP = 4
_LEVEL_BITS = 3
_POINTER_FLAGS = 7  # low bits of TableCode and of Windows 7's entries that are no address


def process_by_id(target: Source, pid: int) -> Optional[int]:
    """Address of the _EPROCESS that the table has for `pid`, checked by what lies there.

    None where anything is off: no such symbols, memory paged out, no such id, or an id whose
    object says that it is something else.  Whoever asks can still walk the list of processes.
    """
    return _proven(target, pid, _is_process)


def thread_by_id(target: Source, tid: int) -> Optional[int]:
    """Address of the _ETHREAD that the table has for `tid`, checked by what lies there; None as in process_by_id."""
    return _proven(target, tid, _is_thread)


def _proven(target: Source, number: int, is_it: Callable[[Source, int, int], bool]) -> Optional[int]:
    """The object of an id that is what it shall be: by the pages of entries that an earlier run of this boot found, which
    stay where they are, and at any doubt by the table as it is now."""
    for way in (_kept_object, _object):
        try:
            address = way(target, number)
            if address and is_it(target, number, address):
                return address
        except KdTokenError:
            pass
    return None


def _is_process(target: Source, pid: int, address: int) -> bool:
    """Whether the process with that id lies there.

    Over a wire its header would be a request of its own, and its token, which is wanted next, comes with a header that
    tells as much: what has the id where a process has it, and a token where a process refers to one, is the process.
    """
    _prefetch(target, address)
    s = read_members(target, "_EPROCESS", address, ["UniqueProcessId", "Token"])
    if s.uint("UniqueProcessId") != pid:
        return False
    if not target.cheap and target.boot_memory() is not None:
        token = fast_ref(target, s.uint("Token.Value" if s.has("Token.Value") else "Token"))
        if isinstance(token, FastRef) and token.object:
            fetch_token(target, token.object)
            if is_object_of(target, token.object, TOKEN_TYPE) is True:
                return True
    return is_object_of(target, address, PROCESS_TYPE) is True


def _is_thread(target: Source, tid: int, address: int) -> bool:
    if is_object_of(target, address, THREAD_TYPE) is not True:
        return False
    return read_members(target, "_ETHREAD", address, ["Cid.UniqueThread"]).uint("Cid.UniqueThread") == tid


def _kept_object(target: Source, number: int) -> int:
    """As _object, by the kept pages alone; 0 where none has that id."""
    width = pointer_width(target)
    if number <= 0 or number % _ID_STEP:
        return 0
    entry_size = stride(target.layout(_ENTRY), target.layout)
    page, index = divmod(number // _ID_STEP, PAGE_SIZE // entry_size)
    at = int.from_bytes(id_pages(target)[page * width : (page + 1) * width], "little")
    return _entry_object(target, at + index * entry_size, width) if at else 0


def _keep_pages(target: Source, at: int, end: int, leaf_entries: int, width: int) -> None:
    """Keep where the pages of entries lie, from the page of pointers at `at`, for ids below `end`."""
    if target.boot_memory() is None:
        return
    size = width * min(PAGE_SIZE // width, -(-end // (_ID_STEP * leaf_entries)))
    keep_id_pages(target, target.read_just(at, size))


def _object(target: Source, number: int) -> int:
    """What the entry of an id points to; 0 for none.  Raises LookupFailed or MemoryUnreadable."""
    width = pointer_width(target)
    if number <= 0 or number % _ID_STEP:
        return 0
    index = number // _ID_STEP
    entry_size = stride(target.layout(_ENTRY), target.layout)
    leaf_entries, pointers = PAGE_SIZE // entry_size, PAGE_SIZE // width
    table = read_members(
        target, TYPE, _pointer(target, target.symbol("PspCidTable"), width), ["TableCode", "NextHandleNeedingPool"]
    )
    code, end = table.uint("TableCode"), table.uint("NextHandleNeedingPool")
    if not isinstance(code, int):
        return 0
    level = code & _LEVEL_BITS
    if level > 2 or index >= leaf_entries * pointers**level or (isinstance(end, int) and number >= end):
        return 0
    at = code & ~_POINTER_FLAGS
    if level == 1 and isinstance(end, int):
        _keep_pages(target, at, end, leaf_entries, width)
    for above in range(level, 0, -1):
        below = leaf_entries * pointers ** (above - 1)  # ids' worth of entries under each pointer
        at = _pointer(target, at + index // below * width, width)
        index %= below
        if not at:
            return 0
    return _entry_object(target, at + index * entry_size, width)


def _entry_object(target: Source, address: int, width: int) -> int:
    """The object of an entry.

    Since Windows 8 it keeps only ObjectPointerBits: the pointer without the low bits that
    alignment makes 0 and without the high ones that repeat the sign.  Before, it is a pointer
    with flags in its low bits.
    """
    layout = target.layout(_ENTRY)
    target.read_just(address, stride(layout, target.layout))  # the entries beside it are of other ids
    found = find(target, layout, "ObjectPointerBits")
    if found is None:
        pointer = read_members(target, _ENTRY, address, ["Object"]).uint("Object")
        return pointer & ~_POINTER_FLAGS if isinstance(pointer, int) else 0
    bits = found[1].bits
    value = read_members(target, _ENTRY, address, ["ObjectPointerBits"]).uint("ObjectPointerBits")
    if bits is None or not isinstance(value, int):
        return 0
    # Objects are aligned to two pointers: 16 bytes on x64, 8 on x86.
    shift = (2 * width).bit_length() - 1
    kept = bits[1] + shift
    pointer = value << shift
    if kept < 8 * width and pointer >> (kept - 1):
        pointer |= (1 << 8 * width) - (1 << kept)
    return pointer


def _prefetch(target: Source, process: int) -> None:
    """The members that a dump reads, and the header where it is to prove the process, in one request or two, for a target
    that remembers."""
    layout = target.layout("_EPROCESS")
    found = [place_of(target, layout, path) for path in members_shown(target)]
    places = [(one.offset, one.offset + one.size) for one in found if one is not None]
    if target.boot_memory() is None:
        places.append((-body_offset(target), 0))
    for start, end in together(places):
        try:
            target.read(process + start, end - start)
        except MemoryUnreadable:
            pass  # then each is read by itself, and tells what is wrong


def _pointer(target: Source, address: int, width: int) -> int:
    return int.from_bytes(target.read(address, width), "little")
