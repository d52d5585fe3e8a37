"""Types of a PDB: its TPI stream -> layouts.

Format: "The PDB TPI and IPI Streams" and "CodeView Type Records" of LLVM's documentation, and
cvinfo.h of microsoft/microsoft-pdb.  Type indices below 0x1000 are simple types, the others number
the records.  Only the records' places and the names of structs are gone through at the start; a
layout is decoded when it is asked for.
"""

import re
import struct
from array import array
from typing import Dict, Iterator, List, Optional, Tuple

from kdtoken.errors import BadFormat, TypeNotFound
from kdtoken.layout.layout import PRIMITIVE_SIZES, Field, Layout, make_layout
from kdtoken.layout.pdb.leaf import (
    LF_ARRAY,
    LF_BCLASS,
    LF_BITFIELD,
    LF_CLASS,
    LF_ENUM,
    LF_ENUMERATE,
    LF_FIELDLIST,
    LF_INDEX,
    LF_MEMBER,
    LF_MFUNCTION,
    LF_MODIFIER,
    LF_POINTER,
    LF_PROCEDURE,
    LF_STRUCTURE,
    LF_UNION,
    SIMPLE,
    UNNAMED,
    Leaf,
    members,
    name_at,
    number,
)

FIRST = 0x1000  # type index of the first record
_HEADER = struct.Struct("<5I")  # Version HeaderSize TypeIndexBegin TypeIndexEnd TypeRecordBytes
_PREFIX = struct.Struct("<HH")  # length without itself, kind
_FORWARD = 1 << 7  # property "forward reference"
_DEPTH = 16  # pointers to arrays of pointers ...: no kernel type goes half as deep
_MAX_FIELDS = 20000  # nor has one this many members, those of unnamed structs in it included
# Types without a name get the one that Volatility's ISF files give them: by their type index.
_UNNAMED_NAME = re.compile(r"__unnamed_([0-9a-f]{4,8})$")


class TypeStream:
    """Types by name."""

    def __init__(self, data: bytes, origin: str) -> None:
        """data  stream 2 of the PDB.  Raises BadFormat."""
        self.origin = origin
        self._data = data
        if len(data) < _HEADER.size:
            raise BadFormat("%s holds no types (a stripped PDB?)" % origin, origin)
        _version, header, first, last, size = _HEADER.unpack_from(data)
        if first != FIRST or header < _HEADER.size or header + size > len(data):
            raise BadFormat("%s is a damaged PDB: the head of its types makes no sense" % origin, origin)
        self._at = array("I")  # type index - FIRST -> offset of the record's kind
        self._names: Dict[str, int] = {}
        self._sizes: Dict[int, int] = {}
        self._index(header, header + size)
        if len(self._at) < last - first:
            raise BadFormat(
                "%s is a damaged PDB: %d of %d types are there" % (origin, len(self._at), last - first), origin
            )

    def _index(self, at: int, end: int) -> None:
        data, prefix, named = self._data, _PREFIX.unpack_from, (LF_CLASS, LF_STRUCTURE, LF_UNION, LF_ENUM)
        places, index = self._at, FIRST
        while at + 4 <= end:
            length, kind = prefix(data, at)
            if length < 2 or at + 2 + length > end:
                raise self._damaged(index)
            places.append(at + 2)
            if kind in named and length < 6:
                raise self._damaged(index)  # too short for the property word, at 2 behind the kind
            if kind in named and not data[at + 6] & _FORWARD:
                name = self._udt(index)[2]
                if name not in UNNAMED:
                    self._names[name] = index  # of several the newest: an incremental link leaves the old ones behind
            at += 2 + length
            index += 1

    def names(self) -> List[str]:
        """Names of all structs, unions and enums that are defined."""
        return sorted(self._names)

    def layout(self, name: str) -> Layout:
        """Raises TypeNotFound or BadFormat."""
        index = self._names.get(name)
        if index is None:
            unnamed = _UNNAMED_NAME.match(name)
            index = int(unnamed[1], 16) if unnamed else -1
            if not self._is_unnamed(index):
                raise TypeNotFound("%s has no type %s" % (self.origin, name), name)
        kind, record = self._record(index)
        try:
            if kind == LF_ENUM:
                return self._enum(name, index, record)
            size, fields_index, _ = self._udt(index)
            fields: List[Field] = []
            self._collect(fields, [0], fields_index, 0, 0)
            return make_layout(name, size, fields)
        except (struct.error, IndexError, RecursionError) as error:
            raise BadFormat("%s: type %s is damaged" % (self.origin, name), name, "fetch the PDB again") from error

    def _is_unnamed(self, index: int) -> bool:
        if not 0 <= index - FIRST < len(self._at):
            return False
        return self._record(index)[0] in (LF_CLASS, LF_STRUCTURE, LF_UNION, LF_ENUM)

    def _record(self, index: int) -> Tuple[int, int]:
        """(kind, offset of what follows it) of a type index."""
        place = index - FIRST
        if not 0 <= place < len(self._at):
            raise BadFormat("%s is damaged: it has no type 0x%x" % (self.origin, index), self.origin)
        at = self._at[place]
        return int.from_bytes(self._data[at : at + 2], "little"), at + 2

    def _udt(self, index: int) -> Tuple[int, int, str]:
        """(size, type index of the field list, name) of a struct, union or enum; an enum's size is its base type."""
        data = self._data
        kind, at = self._record(index)
        try:
            if kind == LF_ENUM:  # count, property, base type, field list, name
                base, fields = struct.unpack_from("<II", data, at + 4)
                return base, fields, name_at(data, at + 12)[0]
            fields = struct.unpack_from("<I", data, at + 4)[0]  # count, property, field list
            # then for a struct: derived-from list and vtable shape; then the size and the name
            size, at = number(data, at + (8 if kind == LF_UNION else 16))
            return size, fields, name_at(data, at)[0]
        except (struct.error, IndexError) as error:
            raise self._damaged(index) from error

    def _enum(self, name: str, index: int, record: int) -> Layout:
        base, fields, _ = self._udt(index)
        width = self._size(base, 0)
        values = [(leaf.name, leaf.value) for leaf in self._leaves(fields) if leaf.kind == LF_ENUMERATE]
        # The number in the record does not tell the sign (clang writes -1 as 0xffffffff): the base type does.
        top = 1 << 8 * width
        limit = top if self._text(base, 0).startswith(("U", "W", "Bool")) else top >> 1
        values = [(label, value % top - (top if value % top >= limit else 0)) for label, value in values]
        return make_layout(name, width, (), values)

    def _leaves(self, index: int) -> Iterator[Leaf]:
        """The members of a field list, which may go on in others."""
        count, seen = 0, set()
        while index:
            kind, at = self._record(index)
            if kind != LF_FIELDLIST or index in seen:
                raise BadFormat("%s is damaged: type 0x%x is no list of fields" % (self.origin, index), self.origin)
            seen.add(index)
            length = int.from_bytes(self._data[at - 4 : at - 2], "little")
            index = 0
            for leaf in members(self._data, at, at - 2 + length):
                count += 1
                if count > _MAX_FIELDS:
                    raise BadFormat("%s is damaged: a type has over %d members" % (self.origin, _MAX_FIELDS))
                if leaf.kind == LF_INDEX:
                    index = leaf.type
                else:
                    yield leaf

    def _collect(self, found: List[Field], gone: List[int], index: int, offset: int, depth: int) -> None:
        """Add the members of a field list to `found`.

        gone  [how many leaves were gone through for this type]: structs without members, ten wide and
              fourteen deep, would otherwise be gone through for ever with nothing found
        """
        if depth > _DEPTH:
            raise BadFormat("%s is damaged: structs nested without end" % self.origin, self.origin)
        for leaf in self._leaves(index):
            gone[0] += 1
            if gone[0] > _MAX_FIELDS:
                raise BadFormat("%s is damaged: a type has over %d members" % (self.origin, _MAX_FIELDS), self.origin)
            at = offset + leaf.value
            if leaf.kind == LF_BCLASS or (leaf.kind == LF_MEMBER and not leaf.name):
                # Members of a base class, and of an anonymous struct or union where the compiler has not
                # already put them in the outer one (it mostly has), count as the outer one's.
                inner = self._resolve(leaf.type)
                if inner is not None:
                    self._collect(found, gone, self._udt(inner)[1], at, depth + 1)
            elif leaf.kind == LF_MEMBER:
                found.append(self._field(leaf.name, at, leaf.type))

    def _field(self, name: str, offset: int, index: int) -> Field:
        if index >= FIRST:
            kind, at = self._record(index)
            if kind == LF_BITFIELD:
                base, width, position = struct.unpack_from("<IBB", self._data, at)
                text = "Pos %d, %d Bit%s" % (position, width, "" if width == 1 else "s")
                return Field(name, offset, text, self._text(base, 0))
        return Field(name, offset, self._text(index, 0))

    def _resolve(self, index: int) -> Optional[int]:
        """The definition behind a struct's or union's type index; None where there is none."""
        kind, at = self._record(index)
        if kind == LF_MODIFIER:
            index = struct.unpack_from("<I", self._data, at)[0]
            kind, at = self._record(index)
        if kind not in (LF_CLASS, LF_STRUCTURE, LF_UNION, LF_ENUM):
            return None
        if self._data[at + 2] & _FORWARD:
            return self._names.get(self._udt(index)[2])
        return index

    def _text(self, index: int, depth: int) -> str:
        """A type in the debugger's words."""
        if depth > _DEPTH:
            raise BadFormat("%s is damaged: a type that contains itself" % self.origin, self.origin)
        if index < FIRST:
            return _simple(index)
        kind, at = self._record(index)
        if kind == LF_MODIFIER:
            return self._text(struct.unpack_from("<I", self._data, at)[0], depth + 1)
        if kind == LF_POINTER:
            return "Ptr%d %s" % (
                8 * self._pointer(at),
                self._text(struct.unpack_from("<I", self._data, at)[0], depth + 1),
            )
        if kind == LF_ARRAY:
            element = struct.unpack_from("<I", self._data, at)[0]
            size = self._size(element, depth + 1)
            return "[%d] %s" % (number(self._data, at + 8)[0] // size if size else 0, self._text(element, depth + 1))
        if kind in (LF_PROCEDURE, LF_MFUNCTION):
            return "Function"
        if kind == LF_BITFIELD:
            return self._text(struct.unpack_from("<I", self._data, at)[0], depth + 1)
        if kind in (LF_CLASS, LF_STRUCTURE, LF_UNION, LF_ENUM):
            name = self._udt(index)[2]
            return "__unnamed_%x" % index if name in UNNAMED else name
        return "Void"

    def _pointer(self, at: int) -> int:
        """Bytes of the pointer whose record is at `at`: bits 13-18 of its attributes, else by its kind."""
        attributes = struct.unpack_from("<I", self._data, at + 4)[0]
        return (attributes >> 13 & 0x3F) or (8 if attributes & 0x1F == 0x0C else 4)

    def _size(self, index: int, depth: int) -> int:
        """Bytes of a type; 0 where nobody can tell."""
        if depth > _DEPTH:
            raise BadFormat("%s is damaged: a type that contains itself" % self.origin, self.origin)
        if index < FIRST:
            text = _simple(index)
            return int(text[3:5]) // 8 if text.startswith("Ptr") else PRIMITIVE_SIZES[text]
        known = self._sizes.get(index)
        if known is not None:
            return known
        kind, at = self._record(index)
        size = 0
        if kind == LF_MODIFIER:
            size = self._size(struct.unpack_from("<I", self._data, at)[0], depth + 1)
        elif kind == LF_POINTER:
            size = self._pointer(at)
        elif kind == LF_ARRAY:
            size = number(self._data, at + 8)[0]
        elif kind in (LF_CLASS, LF_STRUCTURE, LF_UNION, LF_ENUM):
            whole = self._resolve(index)
            if whole is not None:
                size = self._udt(whole)[0]
                if self._record(whole)[0] == LF_ENUM:
                    size = self._size(size, depth + 1)
        self._sizes[index] = size
        return size

    def _damaged(self, index: int) -> BadFormat:
        return BadFormat("%s is a damaged PDB: type 0x%x" % (self.origin, index), self.origin, "fetch it again")


def _simple(index: int) -> str:
    """A simple type: the kind in the low byte, a pointer to it by bits 8-10 (4 and 5: 32 bits, 6: 64)."""
    text = SIMPLE.get(index & 0xFF, "Void")
    mode = index >> 8 & 7
    if mode == 0:
        return text
    return "Ptr%d %s" % (64 if mode == 6 else 32, text)
