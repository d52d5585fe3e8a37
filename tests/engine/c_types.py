"""Layouts -> C text whose structs have the same fields at the same offsets.

The compiler is not trusted to lay anything out by its own rules: under `#pragma pack(1)` every
gap is written as an unnamed bit-field, every size and offset is asserted.  Fields that overlap
(the members of a union in the original) go into anonymous structs in an anonymous union, which
a PDB shows as plain fields, just as it does for the original.

Those anonymous structs have tags (Microsoft's C lets a bare `struct tag;` be an anonymous member).
Without a tag, and in C++, they would be nested types, which `dt -v` counts and lists as members.
The price of C is that two enums cannot share the name of a value; should a build have such a
pair, the second is renamed and said to be.

What a layout does not tell and this cannot give back: whether a type was `struct` or `union`
(all become `struct`), and the order of fields that share an offset.
"""

from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Optional, Set, Tuple

from kdtoken.layout.layout import (
    PRIMITIVE_SIZES,
    Field,
    Layout,
    array_of,
    extent,
    pointer_size,
    size_of,
)
from kdtoken.layout.layout_file import LayoutFile

_C_NAMES: Dict[str, str] = {
    "Void": "void",
    "Bool": "_Bool",
    "Char": "char",
    "UChar": "unsigned char",
    "Wchar": "__wchar_t",
    "Int1B": "signed char",
    "Uint1B": "unsigned char",
    "Int2B": "short",
    "Uint2B": "unsigned short",
    "Int4B": "int",
    "Uint4B": "unsigned int",
    "Int8B": "long long",
    "Uint8B": "unsigned long long",
    "Int16B": "__int128",
    "Uint16B": "unsigned __int128",
    "Float": "float",
    "Double": "double",
}


@dataclass(frozen=True)
class CTypes:
    """C source of a layout file's types.

    replaced   "_TYPE.Field: why" for each field that had to become an array of bytes,
               and for each enum value that had to be renamed
    """

    text: str
    replaced: Tuple[str, ...]


def declare(type_text: str, name: str = "") -> str:
    """The C declaration of `name` with a type in `dt`'s words.

    >>> declare("[4] Ptr64 _TOKEN", "tokens")
    '_TOKEN *tokens[4]'
    """
    array = array_of(type_text)
    if array is not None:
        # A name that is already `*x` is a pointer to this array: C wants parentheses there.
        inner = "(%s)" % name if name.startswith("*") else name
        return declare(array[1], "%s[%d]" % (inner, array[0]))
    width = pointer_size(type_text)
    if width is not None:
        # 64 bits is the compiler's default; the other kind exists in structs shared with WOW64.
        star = "*" if width == 8 else "* __ptr32 "
        return declare(type_text.split(" ", 1)[1], star + name)
    if type_text == "Function":
        return "void (%s)()" % name
    return ("%s %s" % (_C_NAMES.get(type_text, type_text), name)).rstrip()


def named_type(type_text: str) -> Optional[str]:
    """The struct or enum at the bottom of arrays and pointers; None for a primitive."""
    while array_of(type_text) is not None or pointer_size(type_text) is not None:
        type_text = type_text.split(" ", 1)[1]
    known = type_text in PRIMITIVE_SIZES or type_text == "Function" or type_text.startswith("Pos ")
    return None if known else type_text


def c_types(layouts: LayoutFile, used: Iterable[str] = ()) -> CTypes:
    """All types of the file, each after those that it holds by value.

    used   types in `dt`'s words that the caller is going to declare variables of
    """
    writer = _Writer(layouts)
    bottoms = (named_type(kind) for kind in used)
    writer.forward.update(name for name in bottoms if name and name not in layouts.types)
    for name in sorted(layouts.types):
        writer.define(name)
    head = ["#pragma pack(1)"]
    head += ["typedef struct %s %s;" % (name, name) for name in sorted(writer.forward)]
    # One pointer to each type, or the compiler would leave unused ones out of the PDB.
    uses = ["struct {"]
    uses += ["  %s *p%d;" % pair[::-1] for pair in enumerate(sorted(layouts.types))]
    uses += ["} *kdtoken_every_type;", "#pragma pack()"]
    return CTypes("\n".join(head + writer.lines + uses) + "\n", tuple(writer.replaced))


class _Writer:
    def __init__(self, layouts: LayoutFile) -> None:
        self._layouts = layouts
        self._done: Set[str] = set()
        self._value_names: Set[str] = set()
        self.forward: Set[str] = set()
        self.lines: List[str] = []
        self.replaced: List[str] = []

    def define(self, name: str) -> None:
        if name in self._done:
            return
        self._done.add(name)
        layout = self._layouts.layout(name)
        if layout.is_enum:
            self.lines.append(self._enum(layout))
            return
        self.forward.add(name)
        for member in layout.fields:
            held = named_type(member.type)
            if held is None:
                continue
            if held not in self._layouts.types:
                self.forward.add(held)
            elif "Ptr" not in member.type or self._layouts.layout(held).is_enum:
                self.define(held)
        self._struct(layout)

    def _struct(self, layout: Layout) -> None:
        size = layout.size if layout.size is not None else extent(layout, self._layouts.layout)
        runs: List[_Run] = [_Run()]
        for member in layout.fields:
            unit, text = self._member(layout, member)
            if not runs[-1].add(member, unit, text):
                runs.append(_Run())
                runs[-1].add(member, unit, text)
        runs[-1].pad_to(size)
        out = []
        body = runs[0].lines
        if len(runs) > 1:
            tags = ["kdtoken_run_%d_of_%s" % (index, layout.name) for index in range(len(runs))]
            overlay = "kdtoken_runs_of_%s" % layout.name
            out += ["struct %s { %s };" % (tag, " ".join(run.lines)) for tag, run in zip(tags, runs)]
            out += ["union %s { %s };" % (overlay, " ".join("struct %s;" % tag for tag in tags))]
            body = ["union %s;" % overlay]
        out += ["struct %s {" % layout.name, *("  " + line for line in body), "};"]
        out += ['_Static_assert(sizeof(%s) == %d, "");' % (layout.name, size)]
        out += [
            '_Static_assert(__builtin_offsetof(%s, %s) == %d, "");' % (layout.name, member.name, member.offset)
            for member in layout.fields
            if member.bits is None
        ]
        self.lines += out

    def _member(self, owner: Layout, member: Field) -> Tuple[int, str]:
        """(bytes of the storage, C declaration without the semicolon)."""
        bits = member.bits
        if bits is not None:
            container = member.container or _container(bits[0] + bits[1])
            width = size_of(container, self._layouts.layout)
            return width, "%s : %d" % (declare(container, member.name), bits[1])
        held = named_type(member.type)
        if held and "Ptr" not in member.type and held not in self._layouts.types:
            return self._bytes(owner, member, _room(owner, member), "no layout of " + held)
        return size_of(member.type, self._layouts.layout), declare(member.type, member.name)

    def _bytes(self, owner: Layout, member: Field, size: int, why: str) -> Tuple[int, str]:
        self.replaced.append("%s.%s: %s" % (owner.name, member.name, why))
        return size, "unsigned char %s[%d]" % (member.name, size)

    def _enum(self, layout: Layout) -> str:
        size = 4 if layout.size is None else layout.size
        signed = all(number < 1 << (8 * size - 1) for _name, number in layout.values)
        base = {1: "char", 2: "short", 4: "int", 8: "long long"}[size]
        values = []
        for name, number in layout.values:
            if name in self._value_names:
                self.replaced.append("%s.%s: two enums have this value" % (layout.name, name))
                name = "%s__%s" % (name, layout.name)
            self._value_names.add(name)
            values.append("%s = %d" % (name, number))
        kind = "%s %s" % ("signed" if signed else "unsigned", base)
        return "typedef enum %s : %s { %s } %s;" % (layout.name, kind, ", ".join(values), layout.name)


class _Run:
    """Fields that follow each other without overlap, hence fit into one anonymous struct."""

    def __init__(self) -> None:
        self.lines: List[str] = []
        self._end = 0  # bytes laid out, the whole storage of a last bit-field among them
        self._open: Optional[Tuple[int, int, str]] = None  # bit-field storage: offset, bits, type

    def add(self, member: Field, size: int, text: str) -> bool:
        """Append the member; False if it overlaps what is there."""
        is_bits = member.bits is not None and " : " in text
        position, width = member.bits if is_bits and member.bits else (0, 0)
        kind = text[: text.index(member.name + " : ")] if is_bits else ""
        if is_bits and self._open is not None and self._open[::2] == (member.offset, kind):
            used = self._open[1]
            if position < used:
                return False
        elif member.offset < self._end:
            return False
        else:
            if is_bits and self._open is not None and self._open[2] == kind and self._end == member.offset:
                # The last storage has bits left (_CM_KEY_CONTROL_BLOCK of Windows 7): end it.
                self.lines.append("%s : 0;" % kind)
            self.pad_to(member.offset)
            self._end = member.offset + size
            used = 0
        if is_bits:
            if position > used:
                self.lines.append("%s : %d;" % (kind, position - used))
            self._open = (member.offset, position + width, kind)
        else:
            self._open = None
        self.lines.append(text + ";")
        return True

    def pad_to(self, offset: int) -> None:
        """Fill up with unnamed bytes, in whole units, so that no field's bits start in one."""
        words, rest = divmod(offset - self._end, 8)
        self.lines += ["long long : 64;"] * max(words, 0) + ["unsigned char : 8;"] * max(rest, 0)
        self._end = max(self._end, offset)


def _container(bits: int) -> str:
    """The smallest integer around so many bits, where the source of the layout did not say."""
    return next(name for name, room in (("UChar", 8), ("Uint2B", 16), ("Uint4B", 32), ("Uint8B", 128)) if bits <= room)


def _room(owner: Layout, member: Field) -> int:
    """Bytes from a member to the next one, or to the end of the struct."""
    ends = [other.offset for other in owner.fields if other.offset > member.offset]
    return min(ends, default=owner.size or member.offset) - member.offset


def variables(types: Mapping[str, str]) -> str:
    """Exported definitions of global variables, name -> type in `dt`'s words.

    Aligned by hand: a packed type would else come to lie anywhere.
    """
    return "".join(
        "__declspec(dllexport) __declspec(align(16)) %s = {0};\n" % declare(kind, name) for name, kind in types.items()
    )
