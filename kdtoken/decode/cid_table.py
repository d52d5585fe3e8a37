"""nt!PspCidTable: from a process id straight to its _EPROCESS, however many processes there are.

A `_HANDLE_TABLE` whose handles are process and thread ids.  `TableCode` points to the table and
has the number of levels above the leaves in its low two bits: 0, one page of entries; 1, a page of
pointers to such pages; 2, a page of pointers to pages of pointers.  Handles count in fours, and
entry i belongs to id 4 * i.  Unlike a process's own table this one points to objects themselves,
not to their headers.

Public: M. Russinovich and others, Windows Internals ("Handles and the Process Handle Table");
Volatility 3's windows.handles and psscan plugins; the layouts themselves, as the symbols give them.
"""

from typing import Optional

from kdtoken.decode.object_header import PROCESS_TYPE, THREAD_TYPE, body_offset, is_object_of
from kdtoken.decode.structure import find, pointer_width, read_members
from kdtoken.decode.variables import together
from kdtoken.errors import KdTokenError, MemoryUnreadable
from kdtoken.layout.layout import size_of, stride
from kdtoken.source.base import PAGE_SIZE, Source

TYPE = "_HANDLE_TABLE"
_ENTRY = "_HANDLE_TABLE_ENTRY"
_ID_STEP = 4
_LEVEL_BITS = 3
# The members of _EPROCESS that lie furthest back among those that a dump shows.
_READ_NEXT = (
    "UniqueProcessId",
    "InheritedFromUniqueProcessId",
    "Token",
    "ImageFileName",
    "ExitTime",
    "ThreadListHead",
    "ActiveThreads",
    "Protection",
)
_POINTER_FLAGS = 7  # low bits of TableCode and of Windows 7's entries that are no address


def process_by_id(target: Source, pid: int) -> Optional[int]:
    """Address of the _EPROCESS that the table has for `pid`, checked by what lies there.

    None where anything is off: no such symbols, memory paged out, no such id, or an id whose
    object says that it is something else.  Whoever asks can still walk the list of processes.
    """
    try:
        address = _object(target, pid)
        if not address:
            return None
        _prefetch(target, address)
        if is_object_of(target, address, PROCESS_TYPE) is not True:
            return None
        found = read_members(target, "_EPROCESS", address, ["UniqueProcessId"]).uint("UniqueProcessId")
    except KdTokenError:
        return None
    return address if found == pid else None


def thread_by_id(target: Source, tid: int) -> Optional[int]:
    """Address of the _ETHREAD that the table has for `tid`, checked by what lies there; None as in process_by_id."""
    try:
        address = _object(target, tid)
        if not address or is_object_of(target, address, THREAD_TYPE) is not True:
            return None
        found = read_members(target, "_ETHREAD", address, ["Cid.UniqueThread"]).uint("Cid.UniqueThread")
    except KdTokenError:
        return None
    return address if found == tid else None


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
    found = find(target, layout, "ObjectPointerBits")
    if found is None:
        pointer = read_members(target, _ENTRY, address, ["Object"]).uint("Object")
        return pointer & ~_POINTER_FLAGS if isinstance(pointer, int) else 0
    bits = found[1].bits
    value = read_members(target, _ENTRY, address, ["ObjectPointerBits"]).uint("ObjectPointerBits")
    if bits is None or not isinstance(value, int) or not value:
        return 0
    # Objects are aligned to two pointers: 16 bytes on x64, 8 on x86.
    shift = (2 * width).bit_length() - 1
    kept = bits[1] + shift
    pointer = value << shift
    if kept < 8 * width and pointer >> (kept - 1):
        pointer |= (1 << 8 * width) - (1 << kept)
    return pointer


def _prefetch(target: Source, process: int) -> None:
    """Header and the members that a dump reads, in one request or two, for a target that remembers."""
    layout = target.layout("_EPROCESS")
    members = [layout.field(name) for name in _READ_NEXT if layout.has(name)]
    places = [(one.offset, one.offset + size_of(one.type, target.layout)) for one in members]
    for start, end in together([(-body_offset(target), 0), *places]):
        try:
            target.read(process + start, end - start)
        except MemoryUnreadable:
            pass  # then each is read by itself, and tells what is wrong


def _pointer(target: Source, address: int, width: int) -> int:
    return int.from_bytes(target.read(address, width), "little")
