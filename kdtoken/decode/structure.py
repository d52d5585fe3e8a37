"""One struct in the target's memory: its layout, the bytes that could be read, its members.

A member that cannot be read is Unreadable, one that the build does not have is Absent; neither
ever raises, so that one bad pointer does not end a dump of forty fields.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from kdtoken.errors import BadFormat, FieldNotFound, LookupFailed, MemoryUnreadable, NotRecorded
from kdtoken.layout.layout import PRIMITIVE_SIZES, Field, Layout, array_of, pointer_size, size_of, stride
from kdtoken.model.absent import Absent, Maybe, Missing, Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.token import Origin
from kdtoken.source.base import PAGE_SIZE, Source, Span, read_span


class Structure:
    """Members of the struct `type_name` at `address`, by path such as "Privileges.Present".

    start, data  address and bytes of a struct that was read in one piece; no bytes where it was not
    origins  False keeps no note of where each member was read; then, in a struct that was read in one piece, all
             that was asked of such a struct before is taken out of its bytes at once (Numbers)
    """

    def __init__(self, target: Source, type_name: str, address: int, span: Span, origins: bool = True) -> None:
        self.target = target
        self.address = address
        self.span = span
        self.start, self.data = span.pieces[0] if len(span.pieces) == 1 else (address, b"")
        self._noted: Optional[Dict[str, Tuple[int, bytes]]] = {} if origins else None
        self._numbers: Dict[str, int] = {}
        self._pieces: Dict[str, bytes] = {}
        self._learn: Optional[Numbers] = None
        memo = target.memo
        if memo is None:
            kind = _Kind(target.layout(type_name))
        else:  # worked out once a run where the target's layouts stay the same
            known: Optional[_Kind] = memo.get(("kind", type_name))
            kind = memo.setdefault(("kind", type_name), _Kind(target.layout(type_name))) if known is None else known
            if not origins and self.data:
                before = address - self.start  # who reads another stretch of the type asks for other members
                learn = kind.numbers.get(before)
                self._learn = learn = kind.numbers.setdefault(before, Numbers()) if learn is None else learn
                self._numbers, self._pieces = learn.of(self.data, before), learn.pieces_of(self.data, before)
        self.layout, self._places = kind.layout, kind.places

    @property
    def origins(self) -> Dict[str, Origin]:
        """Where each member that was asked for lies, and its bytes, by path."""
        kind = self.layout.name
        return {path: Origin(kind, path, address, raw) for path, (address, raw) in (self._noted or {}).items()}

    @property
    def noting(self) -> bool:
        """Whether it is kept where members were read."""
        return self._noted is not None

    def note(self, path: str, address: int, raw: bytes) -> None:
        """Add an origin, of a value that was made of several members."""
        if self._noted is not None:
            self._noted[path] = address, raw

    def has(self, path: str) -> bool:
        """Whether this build's type has the member."""
        return self.place(path) is not None

    def address_of(self, path: str) -> int:
        """Address of the member.  Raises FieldNotFound where the build has none."""
        place = self.place(path)
        return self.address + (offset_of(self.target, self.layout, path) if place is None else place.offset)

    def bytes_at(self, address: int, size: int) -> Maybe[bytes]:
        """Bytes of the struct by their address, for a member that has no path here."""
        try:
            return self.span.get(address, size)
        except MemoryUnreadable as error:
            return unreadable(error)

    def raw(self, path: str) -> Maybe[bytes]:
        """The member's bytes; for a bit-field those that hold it."""
        known = self._pieces.get(path)
        if known is not None:
            return known
        data = self._raw(path)
        if self._learn is not None and isinstance(data, bytes):
            place = self._places[path]
            if place is not None:
                self._learn.add_piece(path, place)
        return data

    def _raw(self, path: str) -> Maybe[bytes]:
        place = self.place(path)
        return Absent("%s.%s" % (self.layout.name, path)) if place is None else self._at(path, place)

    def place(self, path: str) -> Optional["Place"]:
        """Where the member lies; None where this build's type has none."""
        try:
            return self._places[path]
        except KeyError:
            place = self._places[path] = place_of(self.target, self.layout, path)
            return place

    def _at(self, path: str, place: "Place") -> Maybe[bytes]:
        address, size = self.address + place.offset, place.size
        at = address - self.start
        data = self.data[at : at + size] if at >= 0 else b""
        if len(data) != size:
            try:
                data = self.span.get(address, size)
            except MemoryUnreadable as error:
                return unreadable(error)
        if self._noted is not None:
            self._noted[path] = address, data
        return data

    def uint(self, path: str) -> Maybe[int]:
        """An unsigned integer, enum, pointer, or bit-field."""
        known = self._numbers.get(path)
        if known is not None:
            return known
        place = self.place(path)
        if place is None:
            return Absent("%s.%s" % (self.layout.name, path))
        data = self._at(path, place)
        if isinstance(data, Missing):
            return data
        if self._learn is not None:
            self._learn.add(path, place)
        number, bits = int.from_bytes(data, "little"), place.bits
        return number if bits is None else (number >> bits[0]) & ((1 << bits[1]) - 1)

    def sint(self, path: str) -> Maybe[int]:
        """A signed integer (two's complement)."""
        number = self._numbers.get(path)
        place = self.place(path)
        if number is not None and place is not None and place.bits is None:
            return number - (1 << 8 * place.size) if number >> 8 * place.size - 1 else number
        data = self._raw(path)
        if isinstance(data, Missing):
            return data
        if self._learn is not None and place is not None:
            self._learn.add(path, place)
        return int.from_bytes(data, "little", signed=True)

    def luid(self, path: str) -> Maybe[Luid]:
        """A `_LUID` {ULONG LowPart; LONG HighPart;}."""
        number = self.uint(path)
        return number if isinstance(number, Missing) else luid_of(number)

    def text(self, path: str) -> Maybe[str]:
        """A `char` array up to its first NUL; bytes outside printable ASCII as \\xNN."""
        data = self.raw(path)
        if isinstance(data, Missing):
            return data
        return text_of(data)

    def array(self, path: str) -> Maybe[Tuple[int, ...]]:
        """An array of unsigned integers or pointers."""
        place, data = self.place(path), self.raw(path)
        if isinstance(data, Missing):
            return data
        if place is None or not place.elements:
            return ()
        return numbers_of(data, place.elements)


class _Kind:
    """What the structs of a type share: where its members lie, and by the bytes in front of a struct what was asked."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.places: Dict[str, Optional[Place]] = {}
        self.numbers: Dict[int, Numbers] = {}


class Packed:
    """Members of a type, taken out of a struct's bytes by one `struct.unpack`.

    names  those that are taken, by offset: one that lies over another, which begins before it, is left out
    """

    def __init__(self, members: Mapping[str, Tuple[int, str]]) -> None:
        """members  name -> offset in the type, and what `struct` calls it: Q, i, 30s ..."""
        names, codes = [], ["<"]
        self.first = end = min((offset for offset, _ in members.values()), default=0)
        for name, (offset, code) in sorted(members.items(), key=lambda one: one[1][0]):
            if offset >= end:
                codes.append("%dx%s" % (offset - end, code))
                names.append(name)
                end = offset + struct.calcsize("<" + code)
        self.names, self.form = tuple(names), struct.Struct("".join(codes))

    def of(self, data: bytes, at: int) -> Tuple[Any, ...]:
        """The values, of the struct whose offset 0 is at `at` in `data`; none where it does not hold them all."""
        start = at + self.first
        if start < 0 or start + self.form.size > len(data):
            return ()
        return self.form.unpack_from(data, start)


class Numbers:
    """What was asked of the structs of a type so far, to be taken out of the next one's bytes at once.

    Numbers, bit-fields and pieces of bytes; what lies over another, and odd sizes, are left to be read one by one.
    """

    def __init__(self) -> None:
        self._numbers: Dict[str, Tuple[int, str]] = {}
        self._fields: Dict[str, Tuple[str, int, int]] = {}  # name of the number that holds it, shift, mask
        self._pieces: Dict[str, Tuple[int, str]] = {}
        self._packed = self._packed_pieces = Packed({})

    def add(self, path: str, place: "Place") -> None:
        """Take this number, too, from the next struct on."""
        if place.size not in CODES:
            return
        where, name = (place.offset, CODES[place.size]), path
        if place.bits is not None:  # several may lie in one number, and that may have a name of its own
            name = next((known for known, one in self._numbers.items() if one == where), "at %d %s" % where)
        numbers = {**self._numbers, name: where}
        packed = Packed(numbers)
        if len(packed.names) < len(numbers):
            return  # one of them lies over another
        self._numbers, self._packed = numbers, packed
        if place.bits is not None:
            self._fields[path] = name, place.bits[0], (1 << place.bits[1]) - 1

    def add_piece(self, path: str, place: "Place") -> None:
        """Take these bytes, too."""
        pieces = {**self._pieces, path: (place.offset, "%ds" % place.size)}
        packed = Packed(pieces)
        if len(packed.names) == len(pieces):
            self._pieces, self._packed_pieces = pieces, packed

    def of(self, data: bytes, at: int) -> Dict[str, int]:
        """Path -> number, of the struct whose offset 0 is at `at` in `data`; none where it does not hold them all."""
        numbers: Dict[str, int] = dict(zip(self._packed.names, self._packed.of(data, at)))
        if numbers:
            for path, (name, shift, mask) in self._fields.items():
                numbers[path] = numbers[name] >> shift & mask
        return numbers

    def pieces_of(self, data: bytes, at: int) -> Dict[str, bytes]:
        """The same of bytes."""
        packed = self._packed_pieces
        return dict(zip(packed.names, packed.of(data, at))) if packed.names else {}


# Bytes of a number -> what `struct` calls it.
CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
# Nearly all tokens of a machine share their sources, sessions and origins.
luid_of = lru_cache(maxsize=4096)(Luid.from_value)


@lru_cache(maxsize=1024)
def printable(data: bytes) -> str:
    """Bytes of a name in an unknown code page: ASCII kept, the rest as \\xNN, never guessed."""
    text = data.decode("ascii", "replace")
    if text.isprintable() and data.isascii():
        return text
    return "".join(chr(b) if 0x20 <= b < 0x7F else "\\x%02x" % b for b in data)


def text_of(data: bytes) -> str:
    """A `char` array as Structure.text has it."""
    return printable(data.split(b"\0", 1)[0])


@lru_cache(maxsize=1024)
def numbers_of(data: bytes, elements: int) -> Tuple[int, ...]:
    """An array as Structure.array has it.  Hashes of the same groups are the same, and a token has three."""
    size = len(data) // elements
    return tuple([int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)])


class Place(NamedTuple):
    """Where a member lies in its struct: offset and size in bytes; (position, width) of a bit-field; elements of an array."""

    offset: int
    size: int
    bits: Optional[Tuple[int, int]]
    elements: int


def place_of(target: Source, layout: Layout, path: str) -> Optional[Place]:
    """The place of a member; None where a step of the path does not exist.  Raises BadFormat for one past the end."""
    found = find(target, layout, path)
    if found is None:
        return None
    offset, member = found
    shape, size = array_of(member.type), size_of(member.type, target.layout)
    if layout.size is not None and offset + size > layout.size:
        # What lies there is something else; a layout alone cannot tell, since it knows no other's size.
        raise BadFormat(
            "the symbols are damaged: %s.%s is said to end at %d, and the type at %d"
            % (layout.name, path, offset + size, layout.size),
            path,
        )
    return Place(offset, size, member.bits, shape[0] if shape else 0)


def find(target: Source, layout: Layout, path: str) -> Optional[Tuple[int, Field]]:
    """(offset, member) of a path through embedded structs; None where a step does not exist."""
    offset = 0
    *outer, last = path.split(".")
    for name in outer:
        if not layout.has(name):
            return None
        member = layout.field(name)
        if not holds_members(member):
            return None
        offset += member.offset
        layout = target.layout(member.type)
    if not layout.has(last):
        return None
    member = layout.field(last)
    return offset + member.offset, member


def holds_members(member: Field) -> bool:
    """Whether a path can go on through the member: what is a struct today was a pointer in XP."""
    kind = member.type
    return not (member.bits or kind in PRIMITIVE_SIZES or pointer_size(kind) or array_of(kind))


def pointer_width(target: Source) -> int:
    """Bytes of a pointer on this target, 4 or 8: as wide as _LIST_ENTRY.Flink."""
    return size_of(target.layout("_LIST_ENTRY").field("Flink").type, target.layout)


def offset_of(target: Source, layout: Layout, path: str) -> int:
    """Offset of a member.  Raises FieldNotFound, naming type and field."""
    found = find(target, layout, path)
    if found is None:
        layout.field(path.split(".")[0])
        raise FieldNotFound("this kernel's %s has no field %s" % (layout.name, path), path)
    return found[0]


def read_structure(
    target: Source, type_name: str, address: int, before: int = 0, after: int = 0, origins: bool = True
) -> Structure:
    """The whole struct in one request, with bytes `before` it and `after` it, as span_of has them."""
    return Structure(target, type_name, address, span_of(target, type_name, address, before, after), origins)


def span_of(target: Source, type_name: str, address: int, before: int, after: int) -> Span:
    """The bytes of a struct, with those `before` it and `after` it.

    `after` is only taken as far as the last page that the struct itself touches: bytes that
    share a page cost no fault, and save a request when they are wanted next.
    """
    memo, key = target.memo, ("stride", type_name)
    size: Optional[int] = memo.get(key) if memo is not None else None
    if size is None:
        size = stride(target.layout(type_name), target.layout)
        if memo is not None:
            memo[key] = size
    room = -(address + size) % PAGE_SIZE
    return read_span(target, address - before, before + size + min(after, room))


def read_members(target: Source, type_name: str, address: int, paths: Sequence[str], origins: bool = True) -> Structure:
    """Only the stretch from the first to the last of these members, in one request.

    Paths that the build does not have are passed over.
    """
    memo, key = target.memo, ("stretch", type_name, *paths)
    stretch: Optional[Tuple[int, int]] = memo.get(key) if memo is not None else None
    if stretch is None:
        layout = target.layout(type_name)
        places = [place for place in (place_of(target, layout, path) for path in paths) if place is not None]
        first = min((place.offset for place in places), default=0)
        stretch = first, max((place.offset + place.size for place in places), default=first) - first
        if memo is not None:
            memo[key] = stretch
    first, size = stretch
    if not size:
        return Structure(target, type_name, address, Span(address, 0, ()))
    return Structure(target, type_name, address, read_span(target, address + first, size), origins)


def unreadable(error: MemoryUnreadable) -> Unreadable:
    """A failed read as a value."""
    hint = error.next_step if isinstance(error, NotRecorded) else ""
    return Unreadable(error.address, error.reason, hint)


def lacking(error: LookupFailed, address: int = 0) -> Missing:
    """For what a type or a symbol that is not there would have told.

    A source that can say how to get it (a recording, a log) never asked for it, which is not that the build has none.
    """
    if error.next_step:
        return Unreadable(address, "%s is not recorded" % error.subject, error.next_step)
    return Absent(str(error.subject))
