"""One struct in the target's memory: its layout, the bytes that could be read, its members.

A member that cannot be read is Unreadable, one that the build does not have is Absent; neither
ever raises, so that one bad pointer does not end a dump of forty fields.
"""

import struct
from functools import lru_cache
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

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
             numbers that were asked of such a struct before are taken out of its bytes at once (Numbers)
    A walk of 2,000 processes asks for 130,000 members.
    """

    def __init__(self, target: Source, type_name: str, address: int, span: Span, origins: bool = True) -> None:
        self.target = target
        self.layout = target.layout(type_name)
        self.address = address
        self.span = span
        self.start, self.data = span.pieces[0] if len(span.pieces) == 1 else (address, b"")
        self._noted: Optional[Dict[str, Tuple[int, bytes]]] = {} if origins else None
        self._numbers: Dict[str, int] = {}
        self._learn: Optional[Numbers] = None
        memo = target.memo
        if memo is None:
            self._places: Dict[str, Optional[Place]] = {}
            return
        # Worked out once a run where the target's layouts stay the same.
        self._places = memo.setdefault(("places", type_name), {})
        if not origins and self.data:
            before = address - self.start  # who reads another stretch of the type asks for other members
            self._learn = memo.setdefault(("numbers", type_name), {}).setdefault(before, Numbers())
            self._numbers = self._learn.of(self.data, before)

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
        data = self.raw(path)
        if isinstance(data, Missing):
            return data
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
        return printable(data.split(b"\0", 1)[0])

    def array(self, path: str) -> Maybe[Tuple[int, ...]]:
        """An array of unsigned integers or pointers."""
        place, data = self.place(path), self.raw(path)
        if isinstance(data, Missing):
            return data
        if place is None or not place.elements:
            return ()
        size = len(data) // place.elements
        if size == 8:  # hashes, of which a token has three
            return struct.unpack("<%dQ" % place.elements, data)
        return tuple([int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)])


class Numbers:
    """The numbers of a type that were asked for, taken out of a struct's bytes by one `struct.unpack`.

    It learns from the first struct of the type: what was asked of that one is asked of all.  Bit-fields, odd sizes
    and members that lie over others are left to be read one by one.
    """

    def __init__(self) -> None:
        self._places: Dict[str, Place] = {}
        self._names: Tuple[str, ...] = ()
        self._format: Optional[struct.Struct] = None
        self._first = 0

    def add(self, path: str, place: "Place") -> None:
        """Take this member, too, from the next struct on."""
        if place.bits is None and place.size in CODES and path not in self._places:
            self._places[path] = place
            self._format = None

    def of(self, data: bytes, at: int) -> Dict[str, int]:
        """Path -> number, of the struct whose offset 0 is at `at` in `data`; none where it does not hold them all."""
        if self._format is None:
            self._compile()
        assert self._format is not None
        start = at + self._first
        if start < 0 or start + self._format.size > len(data):
            return {}
        return dict(zip(self._names, self._format.unpack_from(data, start)))

    def _compile(self) -> None:
        names, codes, end = [], ["<"], -1
        self._first = min((place.offset for place in self._places.values()), default=0)
        for path, place in sorted(self._places.items(), key=lambda one: one[1].offset):
            gap = place.offset - max(end, self._first)
            if gap < 0:
                continue
            codes.append("%dx%s" % (gap, CODES[place.size]))
            names.append(path)
            end = place.offset + place.size
        self._names, self._format = tuple(names), struct.Struct("".join(codes))


# Bytes of a number -> what `struct` calls it.
CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
# Nearly all tokens of a machine share their sources, sessions and origins.
luid_of = lru_cache(maxsize=4096)(Luid.from_value)


@lru_cache(maxsize=1024)
def printable(data: bytes) -> str:
    """Bytes of a name in an unknown code page: ASCII kept, the rest as \\xNN, never guessed."""
    return "".join(chr(b) if 0x20 <= b < 0x7F else "\\x%02x" % b for b in data)


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
    """The whole struct in one request, with bytes `before` it and `after` it.

    `after` is only taken as far as the last page that the struct itself touches: bytes that
    share a page cost no fault, and save a request when they are wanted next.
    """
    size = stride(target.layout(type_name), target.layout)
    end = address + size
    room = -end % PAGE_SIZE
    span = read_span(target, address - before, before + size + min(after, room))
    return Structure(target, type_name, address, span, origins)


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
