"""Writes kernel structs by their layout: the mirror image of a decoder.

`put("_EPROCESS", address, {"Pcb.DirectoryTableBase": 0x1ad000})` finds each member, whatever build
the layouts are of.  An integer fills a member of any width, bytes fill arrays and whole structs,
and a bit-field changes only its own bits.
"""

from typing import Dict, Mapping, Optional, Tuple, Union

from kdtoken.errors import FieldNotFound
from kdtoken.layout.layout import size_of
from kdtoken.layout.layout_file import LayoutFile
from tests.machine.memory import PAGE, Memory

Value = Union[int, bytes]
# offset, bytes, (position, width) of a bit-field, as many ones as the bytes have bits
Place = Tuple[int, int, Optional[Tuple[int, int]], int]
Places = Dict[Tuple[str, str], Optional[Place]]

# What was found in layouts that hundreds of machines are built by, with the layouts, whose id nobody else gets so.
_KNOWN: Dict[int, Tuple[LayoutFile, Places, Dict[str, int]]] = {}


def _known_of(layouts: LayoutFile) -> Tuple[Places, Dict[str, int]]:
    return _KNOWN.setdefault(id(layouts), (layouts, {}, {}))[1:]


class Structs:
    """Puts members into `memory` where `layouts` say they are."""

    def __init__(self, memory: Memory, layouts: LayoutFile) -> None:
        self.memory = memory
        self.layouts = layouts
        self.dropped: Dict[str, int] = {}
        self._places, self._sizes = _known_of(layouts)

    def has(self, type_name: str, path: str = "") -> bool:
        """Whether this kernel has the type, and the member if one is named."""
        if not path:
            return type_name in self.layouts.types
        return self._find(type_name, path) is not None

    def size(self, type_name: str) -> int:
        """Bytes of the type, which may be any type in `dt`'s words."""
        found = self._sizes.get(type_name)
        if found is None:
            found = self._sizes[type_name] = size_of(type_name, self.layouts.layout)
        return found

    def offset(self, type_name: str, path: str) -> int:
        """Bytes from the struct's start to a member.  Raises FieldNotFound."""
        return self._place(type_name, path)[0]

    def width(self, type_name: str, path: str) -> int:
        """Bytes of a member.  Raises FieldNotFound."""
        return self._place(type_name, path)[1]

    def put(self, type_name: str, address: int, values: Mapping[str, Value]) -> None:
        """Write members.  Raises FieldNotFound for one that this kernel does not have."""
        places, pages = self._places, self.memory.pages
        for path, value in values.items():
            place = places.get((type_name, path)) or self._place(type_name, path)
            if place[2] is None:  # nearly every member lies on one page, and that is there
                number, start = divmod(address + place[0], PAGE)
                page, data = pages.get(number), value
                if isinstance(data, int):
                    data = (data & place[3]).to_bytes(place[1], "little")
                end = start + len(data)
                if isinstance(page, bytearray) and end <= PAGE and len(data) <= place[1]:
                    page[start:end] = data
                    continue
            self._write(address, place, value)

    def put_present(self, type_name: str, address: int, values: Mapping[str, Value]) -> None:
        """Write those members that this kernel has; others with a value are noted in `dropped`."""
        for path, value in values.items():
            place = self._find(type_name, path)
            if place is not None:
                self._write(address, place, value)
            elif value:
                name = "%s.%s" % (type_name, path)
                self.dropped[name] = self.dropped.get(name, 0) + 1

    def pointer(self, address: int, value: int) -> None:
        """Write one pointer."""
        size = self.layouts.pointer_size
        self.memory.write(address, (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))

    def _write(self, address: int, place: Place, value: Value) -> None:
        offset, size, bits, ones = place
        if isinstance(value, bytes):
            if len(value) > size:
                raise ValueError("%d bytes do not fit a member of %d" % (len(value), size))
            self.memory.write(address + offset, value)
            return
        if bits is not None:
            position, width = bits
            if value >> width:
                raise ValueError("%#x does not fit %d bits" % (value, width))
            mask = ((1 << width) - 1) << position
            before = int.from_bytes(self.memory.peek(address + offset, size), "little")
            value = before & ~mask | value << position
        self.memory.write(address + offset, (value & ones).to_bytes(size, "little"))

    def _place(self, type_name: str, path: str) -> Place:
        place = self._find(type_name, path)
        if place is None:
            raise FieldNotFound("%s has no %s" % (type_name, path), "%s.%s" % (type_name, path))
        return place

    def _find(self, type_name: str, path: str) -> Optional[Place]:
        key = (type_name, path)
        if key not in self._places:
            self._places[key] = self._walk(type_name, path)
        return self._places[key]

    def _walk(self, type_name: str, path: str) -> Optional[Place]:
        offset, kind = 0, type_name
        bits: Optional[Tuple[int, int]] = None
        for name in path.split("."):
            layout = self.layouts.types.get(kind)
            if layout is None or not layout.has(name):
                return None
            member = layout.field(name)
            offset += member.offset
            kind, bits = member.type, member.bits
        size = self.size(kind)
        return offset, size, bits, (1 << 8 * size) - 1


def link(structs: Structs, head: int, entries: Tuple[int, ...]) -> None:
    """Make a circular _LIST_ENTRY list of the head and the entries, in this order."""
    ring = (head,) + tuple(entries)
    width = structs.layouts.pointer_size
    for index, address in enumerate(ring):
        structs.pointer(address, ring[(index + 1) % len(ring)])
        structs.pointer(address + width, ring[index - 1])
