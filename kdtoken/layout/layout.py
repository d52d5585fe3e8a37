"""A kernel type's layout as plain data, whatever told us: PDB, `dt` text, JSON, a live engine.

Types are written in the debugger's own words, so that a layout reads like `dt`:

    Uint4B  UChar  Void  _LUID  Ptr64 _SID_AND_ATTRIBUTES  [15] UChar  Pos 0, 4 Bits

That text is the least that every source can tell, hence equal layouts are equal text.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterable, List, Optional, Tuple

from kdtoken.errors import BadFormat, FieldNotFound, KdTokenError
from kdtoken.frozen import dataclass, field

# Bytes of the types that `dt` prints by a name of its own.
PRIMITIVE_SIZES: Dict[str, int] = {
    "Void": 0,
    "Bool": 1,
    "Char": 1,
    "UChar": 1,
    "Wchar": 2,
    "Int1B": 1,
    "Uint1B": 1,
    "Int2B": 2,
    "Uint2B": 2,
    "Int4B": 4,
    "Uint4B": 4,
    "Int8B": 8,
    "Uint8B": 8,
    "Int16B": 16,
    "Uint16B": 16,
    "Float": 4,
    "Double": 8,
}

# Bytes.  The largest type of a public nt PDB is _MI_HYPER_SPACE of 10.0.17763: a map of 264 MB of addresses.
LARGEST = 1 << 30

_BITS = re.compile(r"Pos ([0-9]{1,4}), ([0-9]{1,4}) Bits?$")
_POINTER = re.compile(r"Ptr(32|64) (.+)$")
_ARRAY = re.compile(r"\[([0-9]{1,9})\] (.+)$")


@dataclass(frozen=True)
class Field:
    """One member of a struct or union.

    offset     bytes from the start of the struct; for a bit-field, of the integer that holds it
    type       the member's type in `dt`'s words; `Pos P, N Bits` for a bit-field
    container  type of the integer around a bit-field; not every source tells, so it is
               no part of equality
    """

    name: str
    offset: int
    type: str
    container: str = field(default="", compare=False)

    @property
    def bits(self) -> Optional[Tuple[int, int]]:
        """(position, width) of a bit-field, counted from the low bit of the container; or None."""
        return _bits(self.type)


@dataclass(frozen=True)
class Layout:
    """A struct, union or enum of the target.

    size    bytes; None where the source does not say (plain `dt` text)
    fields  in the order of offset, then bit position
    values  for an enum: (name, number) pairs; empty otherwise
    """

    name: str
    size: Optional[int]
    fields: Tuple[Field, ...] = ()
    values: Tuple[Tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {f.name: f for f in self.fields})

    @property
    def is_enum(self) -> bool:
        """Whether it is an enumeration: names for numbers, and no members."""
        return bool(self.values)

    def has(self, name: str) -> bool:
        """Whether the struct has a member of that name."""
        by_name: Dict[str, Field] = getattr(self, "_by_name")
        return name in by_name

    def field(self, name: str) -> Field:
        """The member called `name`.  Raises FieldNotFound, which names the type too."""
        by_name: Dict[str, Field] = getattr(self, "_by_name")
        found = by_name.get(name)
        if found is None:
            raise FieldNotFound(
                "this kernel's %s has no field %s" % (self.name, name),
                "%s.%s" % (self.name, name),
                "see what it has with: dt nt!%s" % self.name,
            )
        return found

    def value_name(self, number: int) -> Optional[str]:
        """Name of an enum's number, or None."""
        for name, value in self.values:
            if value == number:
                return name
        return None


Resolver = Callable[[str], Layout]


def make_layout(
    name: str,
    size: Optional[int],
    fields: Iterable[Field] = (),
    values: Iterable[Tuple[str, int]] = (),
) -> Layout:
    """A Layout with its members in the one order that all sources are brought to.

    Raises BadFormat where a size or an offset is impossible: a symbol file from a stranger could otherwise have
    bytes in front of a struct shown as its members, or a terabyte read for one.
    """
    fields = tuple(fields)
    if size is not None and not 0 <= size <= LARGEST:
        raise BadFormat("the symbols are damaged: they say that %s takes %d bytes" % (name, size), name)
    for member in fields:
        if _is_senseless(member):
            raise BadFormat(
                "the symbols are damaged: %s.%s is said to be %s" % (name, member.name, member.type[:60]), name
            )
        end = member.offset + _least_size(member.type)
        if member.offset < 0 or end > (LARGEST if size is None else size):
            raise BadFormat(
                "the symbols are damaged: %s.%s is said to lie at %d to %d, outside the type's %s bytes"
                % (name, member.name, member.offset, end, "possible" if size is None else size),
                name,
            )

    def order(member: Field) -> Tuple[int, int, str]:
        bits = member.bits
        return member.offset, bits[0] if bits else -1, member.name

    return Layout(
        name,
        size,
        tuple(sorted(fields, key=order)),
        tuple(sorted(values, key=lambda pair: (pair[1], pair[0]))),
    )


def _is_senseless(member: Field) -> bool:
    """An array of a negative or endless count, or a bit-field that has no bit or more than its integer holds."""
    kind = member.type
    if kind.startswith("[") and _ARRAY.match(kind) is None:
        return True
    if not kind.startswith("Pos "):
        return False
    bits = member.bits
    if bits is None or bits[1] == 0:
        return True
    return bits[0] + bits[1] > 8 * PRIMITIVE_SIZES.get(member.container, 8)


def _least_size(type_text: str) -> int:
    """Bytes that the type takes as far as its text alone tells; 0 for one that is named."""
    array = array_of(type_text)
    count, depth = 1, 0
    while array is not None and depth < 8:
        count, depth, type_text = count * array[0], depth + 1, array[1]
        array = array_of(type_text)
    bits = _bits(type_text)
    if bits:
        return (sum(bits) + 7) // 8
    return count * (pointer_size(type_text) or PRIMITIVE_SIZES.get(type_text, 0))


# A look at the first letters comes before each pattern: of 1,500 members that a dump asks of, 50 are bits and 60 arrays.


def _bits(type_text: str) -> Optional[Tuple[int, int]]:
    match = _BITS.match(type_text) if type_text.startswith("Pos") else None
    return (int(match[1]), int(match[2])) if match else None


def pointer_size(type_text: str) -> Optional[int]:
    """4 or 8 for `Ptr32 T` / `Ptr64 T`, None for anything else."""
    match = _POINTER.match(type_text) if type_text.startswith("Ptr") else None
    return int(match[1]) // 8 if match else None


def array_of(type_text: str) -> Optional[Tuple[int, str]]:
    """(count, element type) of `[N] T`, None for anything else."""
    match = _ARRAY.match(type_text) if type_text.startswith("[") else None
    return (int(match[1]), match[2]) if match else None


def size_of(type_text: str, resolve: Resolver) -> int:
    """Bytes that a value of this type takes.

    A bit-field takes the bytes up to its last bit.  Named types are looked up with `resolve`.
    """
    if type_text in PRIMITIVE_SIZES:
        return PRIMITIVE_SIZES[type_text]
    width = pointer_size(type_text)
    if width is not None:
        return width
    array = array_of(type_text)
    if array is not None:
        return array[0] * size_of(array[1], resolve)
    bits = _bits(type_text)
    if bits:
        return (sum(bits) + 7) // 8
    return stride(resolve(type_text), resolve)


# Of any member of the kernel's structs that has no alignment attribute of its own.
_WIDEST_ALIGNMENT = 8


def extent(layout: Layout, resolve: Resolver) -> int:
    """Bytes up to the end of the last member: the least that the struct can take."""
    return max((f.offset + size_of(f.type, resolve) for f in layout.fields), default=0)


def stride(layout: Layout, resolve: Resolver) -> int:
    """The struct's size; where the source did not say, by C's rule from its members.

    C's rule (round up to the widest member's alignment) holds for every struct without an
    alignment attribute of its own; the few that have one (cache-aligned lists and caches of
    the kernel) are no elements of the arrays that kdtoken reads.
    """
    if layout.size is not None:
        return layout.size
    if layout.is_enum:
        return 4
    unit = _alignment(layout, resolve)
    return -(-extent(layout, resolve) // unit) * unit


def _alignment(layout: Layout, resolve: Resolver) -> int:
    widest = 1
    missing: Optional[KdTokenError] = None
    for member in layout.fields:
        kind = member.type
        array = array_of(kind)
        while array is not None:
            kind = array[1]
            array = array_of(kind)
        if kind in PRIMITIVE_SIZES or pointer_size(kind) is not None:
            widest = max(widest, min(size_of(kind, resolve), 8))
        elif _BITS.match(kind):
            # 20 bits take three bytes, but the integer around them is one of four.
            while widest < min(size_of(kind, resolve), 8):
                widest *= 2
        else:
            try:
                inner = resolve(kind)
            except KdTokenError as error:
                missing = error
                continue
            widest = max(widest, 4 if inner.is_enum else _alignment(inner, resolve))
    if missing is not None and widest < _WIDEST_ALIGNMENT:
        # What that type would ask for is not known, and nothing beside it asks for as much as a member can.
        raise missing
    return widest


def layout_to_json(layout: Layout) -> Dict[str, object]:
    """The form kept in fixtures/layouts and in recordings: small, and good to diff."""
    if layout.is_enum:
        return {"size": layout.size, "values": [list(pair) for pair in layout.values]}
    rows: List[List[object]] = []
    for member in layout.fields:
        row: List[object] = [member.name, member.offset, member.type]
        if member.container:
            row.append(member.container)
        rows.append(row)
    return {"size": layout.size, "fields": rows}


class _Damage(ValueError):
    """What is wrong, in our own words."""


def _own_words(error: Exception) -> str:
    return str(error) if isinstance(error, _Damage) else "a value is of the wrong kind"


def layout_from_json(name: str, data: object) -> Layout:
    """The reverse of layout_to_json.  Raises BadFormat, naming the type."""
    try:
        if not isinstance(data, dict):
            raise _Damage("not an object")
        size = data["size"]
        if size is not None and not (isinstance(size, int) and size >= 0):
            raise _Damage("size is %r" % (size,))
        fields = []
        for row in data.get("fields", ()):
            fields.append(Field(str(row[0]), int(row[1]), str(row[2]), str(row[3]) if row[3:] else ""))
        values = [(str(row[0]), int(row[1])) for row in data.get("values", ())]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        fault = "it has no %s" % error if isinstance(error, KeyError) else _own_words(error)
        raise BadFormat("layout of %s is damaged: %s" % (name, fault), name) from error
    return make_layout(name, size, fields, values)
