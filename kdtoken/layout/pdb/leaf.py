"""CodeView leaves: numbers, names, and the members of a field list.

Format: "CodeView Type Records" of LLVM's documentation; cvinfo.h of microsoft/microsoft-pdb.
"""

import struct
from typing import Any, Iterator, NamedTuple, Tuple

from kdtoken.errors import BadFormat

LF_MODIFIER, LF_POINTER, LF_PROCEDURE, LF_MFUNCTION = 0x1001, 0x1002, 0x1008, 0x1009
LF_FIELDLIST, LF_BITFIELD = 0x1203, 0x1205
LF_BCLASS, LF_VBCLASS, LF_IVBCLASS, LF_INDEX, LF_VFUNCTAB = 0x1400, 0x1401, 0x1402, 0x1404, 0x1409
LF_ENUMERATE, LF_ARRAY, LF_CLASS, LF_STRUCTURE, LF_UNION, LF_ENUM = range(0x1502, 0x1508)
LF_MEMBER, LF_STMEMBER, LF_METHOD, LF_NESTTYPE, LF_ONEMETHOD = 0x150D, 0x150E, 0x150F, 0x1510, 0x1511
LF_NESTTYPEEX = 0x1512

# What compilers call a type that has no name.
UNNAMED = ("<unnamed-tag>", "<anonymous-tag>", "__unnamed", "<unnamed-type>", "")

# Kind of a simple type -> `dt`'s word.
SIMPLE = {
    0x00: "Void",
    0x03: "Void",
    0x08: "Int4B",  # T_NOTYPE, T_VOID, T_HRESULT
    0x10: "Char",
    0x20: "UChar",
    0x68: "Char",
    0x69: "UChar",
    0x70: "Char",
    0x7C: "UChar",
    0x11: "Int2B",
    0x21: "Uint2B",
    0x72: "Int2B",
    0x73: "Uint2B",
    0x71: "Wchar",
    0x7A: "Wchar",
    0x12: "Int4B",
    0x22: "Uint4B",
    0x74: "Int4B",
    0x75: "Uint4B",
    0x7B: "Uint4B",
    0x13: "Int8B",
    0x23: "Uint8B",
    0x76: "Int8B",
    0x77: "Uint8B",
    0x14: "Int16B",
    0x24: "Uint16B",
    0x78: "Int16B",
    0x79: "Uint16B",
    0x30: "Bool",
    0x31: "Int2B",
    0x32: "Int4B",
    0x33: "Int8B",
    0x40: "Float",
    0x41: "Double",
}

# Numbers too large for the leaf itself: leaf -> struct format.
_NUMBERS = {0x8000: "<b", 0x8001: "<h", 0x8002: "<H", 0x8003: "<i", 0x8004: "<I", 0x8009: "<q", 0x800A: "<Q"}


class Leaf(NamedTuple):
    """One member of a field list.

    value  offset of a member or base class; number of an enum's value
    type   type index; for LF_INDEX that of the list which goes on
    """

    kind: int
    name: str
    value: int
    type: int


def number(data: bytes, at: int) -> Tuple[int, int]:
    """(the number at `at`, where it ends): itself when below 0x8000, else a leaf that says its width."""
    leaf = struct.unpack_from("<H", data, at)[0]
    if leaf < 0x8000:
        return leaf, at + 2
    form = _NUMBERS.get(leaf)
    if form is None:
        raise BadFormat("a PDB has a number of the unknown kind 0x%x" % leaf, leaf)
    value: int = struct.unpack_from(form, data, at + 2)[0]
    return value, at + 2 + struct.calcsize(form)


def name_at(data: bytes, at: int) -> Tuple[str, int]:
    """(the name at `at`, where it ends), NUL-terminated."""
    end = data.find(b"\0", at, at + 0x10000)
    if end < 0:
        raise BadFormat("a PDB has a name without end", at)
    return data[at:end].decode("utf-8", "replace"), end + 1


def members(data: Any, at: int, end: int) -> Iterator[Leaf]:
    """The leaves between two offsets.  Raises BadFormat or struct.error where they are damaged."""
    while at + 2 <= end:
        if data[at] >= 0xF0:  # padding: the low half says how far, 0xf0 itself is one byte
            at += max(1, data[at] & 0x0F)
            continue
        kind, attributes = struct.unpack_from("<HH", data, at)
        at += 4
        name, value, index = "", 0, 0
        if kind == LF_ENUMERATE:
            value, at = number(data, at)
            name, at = name_at(data, at)
        elif kind in (LF_MEMBER, LF_BCLASS):
            index = struct.unpack_from("<I", data, at)[0]
            value, at = number(data, at + 4)
            if kind == LF_MEMBER:
                name, at = name_at(data, at)
        elif kind in (LF_STMEMBER, LF_METHOD, LF_NESTTYPE, LF_NESTTYPEEX):
            index = struct.unpack_from("<I", data, at)[0]
            name, at = name_at(data, at + 4)
        elif kind in (LF_INDEX, LF_VFUNCTAB):
            index = struct.unpack_from("<I", data, at)[0]
            at += 4
        elif kind == LF_ONEMETHOD:
            introducing = attributes >> 2 & 7 in (4, 6)  # then the slot in the vtable follows
            name, at = name_at(data, at + (8 if introducing else 4))
        elif kind in (LF_VBCLASS, LF_IVBCLASS):
            _, at = number(data, at + 8)
            _, at = number(data, at)
        else:
            raise BadFormat("a PDB has a member of the unknown kind 0x%x" % kind, kind)
        yield Leaf(kind, name, value, index)
