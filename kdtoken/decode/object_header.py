"""What kind of kernel object lies at an address: `_OBJECT_HEADER`, in front of every object."""

from __future__ import annotations

from operator import itemgetter
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from kdtoken.decode.structure import CODES, Packed, Structure, offset_of, place_of, pointer_width, read_members
from kdtoken.errors import LookupFailed, MemoryUnreadable, SymbolNotFound
from kdtoken.model.absent import Absent, Maybe, Missing, Unreadable
from kdtoken.source.base import Source

TYPE = "_OBJECT_HEADER"

# The pointer variables of nt that hold the object types asked for here.
TOKEN_TYPE = "SeTokenObjectType"
PROCESS_TYPE = "PsProcessType"
THREAD_TYPE = "PsThreadType"

_COOKIE = "ObHeaderCookie"
_COUNTS = ("PointerCount", "HandleCount")


def body_offset(target: Source) -> int:
    """Bytes from an object's header to the object itself (`_OBJECT_HEADER.Body`)."""
    memo, key = target.memo, ("body offset", TYPE)
    known: Optional[int] = memo.get(key) if memo is not None else None
    if known is None:
        known = offset_of(target, target.layout(TYPE), "Body")
        if memo is not None:
            memo[key] = known
    return known


def is_object_of(target: Source, body: int, type_symbol: str) -> Maybe[bool]:
    """Whether the object at `body` is of the type that nt!`type_symbol` points to.

    Unreadable or Absent where the memory or the symbols cannot tell.
    """
    kind = _type_of(target, body)
    if isinstance(kind, Missing):
        return kind
    try:
        wanted = _pointer(target, target.symbol(type_symbol))
    except SymbolNotFound:
        return Absent("nt!%s" % type_symbol)
    if isinstance(wanted, Missing):
        return wanted
    if not wanted:
        return Absent("nt!%s is null" % type_symbol)
    if kind == wanted:
        return True
    if not target.layout(TYPE).has("TypeIndex"):
        return False  # before Windows 7 the header has the pointer itself, and nothing hides it
    if not _has_symbol(target, _COOKIE) and not _is_type_object(target, kind):
        # Either there is no object here, or the symbols do not tell of the cookie that hides the
        # index; the latter must not turn a token into "no token".
        if not _is_type_object(target, wanted):
            return Absent("nt!%s" % _COOKIE)
    return False


class _Sound(NamedTuple):
    """How a header that leaves no question is told: its counts and its index, and what else takes part in that."""

    packed: Packed
    order: Callable[[Tuple[int, ...]], Tuple[int, int, int]]
    cookie: int
    kinds: Dict[int, Maybe[int]]
    wanted: int


_SOUND = "PointerCount", "HandleCount", "TypeIndex"


def is_sound(target: Source, body: int, type_symbol: str, header: bytes) -> bool:
    """Whether the bytes of an object's header say that it is of that type and that something holds it.

    For the thousands of a walk.  False says nothing: then `is_object_of` and `uncounted` have to be asked.
    """
    memo, key = target.memo, ("sound", type_symbol)
    if memo is None:
        return False
    if key not in memo:
        # Where these know the answer, all is there that is wanted below.
        if is_object_of(target, body, type_symbol) is not True:
            return False
        memo[key] = None
        places = {name: place_of(target, target.layout(TYPE), name) for name in _SOUND}
        codes = [CODES.get(one.size, "") if one is not None and one.bits is None else "" for one in places.values()]
        if not all(codes):
            return False
        signed = [codes[0].lower(), codes[1].lower(), codes[2]]
        packed = Packed(
            {name: (one.offset, code) for (name, one), code in zip(places.items(), signed) if one is not None}
        )
        if len(packed.names) < len(_SOUND):
            return False
        kinds: Dict[int, Maybe[int]] = memo[("object types",)]
        cookie, wanted = kinds[_OF_COOKIE], _pointer(target, target.symbol(type_symbol))
        assert isinstance(cookie, int) and isinstance(wanted, int)
        order = itemgetter(*(packed.names.index(name) for name in _SOUND))
        memo[key] = _Sound(packed, order, cookie, kinds, wanted)
    sound: Optional[_Sound] = memo[key]
    values = sound.packed.of(header, 0) if sound is not None else ()
    if sound is None or not values:
        return False
    pointers, handles, index = sound.order(values)
    if sound.cookie >= 0:
        index ^= sound.cookie ^ (body - body_offset(target) >> 8 & 0xFF)
    return pointers > 0 and 0 <= handles <= pointers and sound.kinds.get(index) == sound.wanted


def type_object(target: Source, body: int) -> Maybe[int]:
    """Address of the _OBJECT_TYPE that the object's header names; Unreadable or Absent where it cannot be told."""
    return _type_of(target, body)


def uncounted(target: Source, body: int) -> List[str]:
    """What is wrong with how often the object is referred to, by its header.

    PointerCount counts what holds it, handles among them, HandleCount the handles: an object that nothing holds is gone
    ("Life cycle of an object" on learn.microsoft.com).  Where PointerCount cannot be read nothing is said.
    """
    s = read_members(target, TYPE, body - body_offset(target), _COUNTS, origins=False)
    pointers, handles = s.sint("PointerCount"), s.sint("HandleCount")
    if not isinstance(pointers, int) or not isinstance(handles, int):
        return []
    if pointers <= 0:
        return ["PointerCount of its header is %d: nothing holds it, so it is gone, or being taken away" % pointers]
    if not 0 <= handles <= pointers:
        return [
            "HandleCount of its header is %d, and PointerCount, which has the handles in it, %d" % (handles, pointers)
        ]
    return []


def is_in_type_table(target: Source, kind: int, index: int) -> bool:
    """Whether nt!ObTypeIndexTable has that very _OBJECT_TYPE at its own Index; True where there is no such table."""
    try:
        table = target.symbol("ObTypeIndexTable")
    except SymbolNotFound:
        return True
    return _pointer(target, table + index * pointer_width(target)) == kind


def type_name(target: Source, body: int) -> Optional[str]:
    """Name of the object's type ("Token", "Process" ...), None where it cannot be told."""
    try:
        kind = _type_of(target, body)
        if not isinstance(kind, int) or not kind:
            return None
        return read_unicode(target, read_members(target, "_OBJECT_TYPE", kind, ["Name"]), "Name")
    except LookupFailed:
        return None


def _is_type_object(target: Source, kind: int) -> bool:
    """Whether the header in front of an _OBJECT_TYPE says that it is one, by an index that is not hidden.

    The type of types is its own type, so the way up ends after two steps.
    """
    above = _type_of(target, kind) if kind else 0
    return isinstance(above, int) and above != 0 and _type_of(target, above) == above


def _has_symbol(target: Source, name: str) -> bool:
    try:
        target.symbol(name)
    except SymbolNotFound:
        return False
    return True


def _type_of(target: Source, body: int) -> Maybe[int]:
    """Address of the object's _OBJECT_TYPE."""
    header = body - body_offset(target)
    structure = read_members(target, TYPE, header, ["TypeIndex", "Type"], origins=False)
    if not structure.has("TypeIndex"):
        # Before Windows 7 the header points to its type.
        return structure.uint("Type")
    index = structure.uint("TypeIndex")
    if isinstance(index, Missing):
        return index
    memo = target.memo
    # Nothing moves while kdtoken runs: the cookie and a type's place are asked once a run.
    known: Dict[int, Maybe[int]] = {} if memo is None else memo.setdefault(("object types",), {})
    cookie = known.get(_OF_COOKIE)
    if cookie is None:
        cookie = known[_OF_COOKIE] = _cookie(target)
    if isinstance(cookie, Missing):
        return cookie
    # Windows 10 hides the index: XOR with a boot-time cookie and with the second byte of
    # the header's own address.  Public: "A Light on Windows 10's OBJECT_HEADER->TypeIndex"
    # (Medium, 2017); the symbol exists since 10.0, which is what is asked here.
    index ^= cookie ^ (header >> 8 & 0xFF) if cookie >= 0 else 0
    kind = known.get(index)
    if kind is None:
        kind = known[index] = _type_at(target, index)
    return kind


_OF_COOKIE = -1  # no index


def _cookie(target: Source) -> Maybe[int]:
    """The byte; -1 where this kernel has none."""
    try:
        return target.read(target.symbol(_COOKIE), 1)[0]
    except SymbolNotFound:
        return -1
    except MemoryUnreadable as error:
        return Unreadable(error.address, error.reason)


def _type_at(target: Source, index: int) -> Maybe[int]:
    """What nt!ObTypeIndexTable has at an index."""
    try:
        table = target.symbol("ObTypeIndexTable")
    except SymbolNotFound:
        return Absent("nt!ObTypeIndexTable")
    entry = table + index * pointer_width(target)
    for name in (TOKEN_TYPE, PROCESS_TYPE, THREAD_TYPE):
        # Past the table's end lie other variables: those that hold the very pointers to compare with.
        if _has_symbol(target, name) and target.symbol(name) == entry:
            return 0
    return _pointer(target, entry)


def _pointer(target: Source, address: int) -> Maybe[int]:
    try:
        return int.from_bytes(target.read(address, pointer_width(target)), "little")
    except MemoryUnreadable as error:
        return Unreadable(error.address, error.reason)


def read_unicode(target: Source, structure: Structure, path: str) -> Optional[str]:
    """Text of an embedded _UNICODE_STRING; None where its buffer is null or cannot be read."""
    value = unicode_string(target, structure, path)
    return value if isinstance(value, str) else None


def unicode_string(target: Source, structure: Structure, path: str) -> Maybe[Optional[str]]:
    """An embedded _UNICODE_STRING {USHORT Length (bytes), MaximumLength; PWCH Buffer;}.

    None for a null buffer; unpaired surrogates stay as \\udNNN escapes; never more than the
    64 KiB that Length can say.  Unreadable where Length cannot be: odd, or over MaximumLength (RtlInitUnicodeString
    and its like keep both, "UNICODE_STRING structure" on learn.microsoft.com): what follows is no part of the text.
    """
    length, buffer = structure.uint(path + ".Length"), structure.uint(path + ".Buffer")
    most = structure.uint(path + ".MaximumLength")
    if isinstance(length, Missing):
        return length
    if isinstance(buffer, Missing):
        return buffer
    if buffer == 0:
        return None
    if length == 0:
        return ""
    if length % 2:
        return Unreadable(buffer, "no text: its Length %d is odd" % length)
    if isinstance(most, int) and length > most:
        return Unreadable(buffer, "no text: its Length %d is over its MaximumLength %d" % (length, most))
    try:
        data = target.read(buffer, length)
    except MemoryUnreadable as error:
        return Unreadable(error.address, error.reason)
    return data.decode("utf-16-le", "backslashreplace")
