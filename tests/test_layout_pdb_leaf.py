"""CodeView's numbers and field lists, by LLVM's CodeView.h (SimpleTypeKind) and cvinfo.h of microsoft/microsoft-pdb."""

import struct

import pytest

from kdtoken.errors import BadFormat
from kdtoken.layout.layout import PRIMITIVE_SIZES
from kdtoken.layout.pdb.leaf import LF_ENUMERATE, LF_INDEX, LF_MEMBER, SIMPLE, Leaf, members, name_at, number

# SimpleTypeKind of CodeView.h, in its order: None, Void, HResult; the characters; then a row a width.
KINDS = {
    "Void": (0x00, 0x03),
    "Char": (0x10, 0x70, 0x68),
    "UChar": (0x20, 0x7C, 0x69),
    "Wchar": (0x71, 0x7A),
    "Int2B": (0x11, 0x72, 0x31),
    "Uint2B": (0x21, 0x73),
    "Int4B": (0x08, 0x12, 0x74, 0x32),
    "Uint4B": (0x22, 0x75, 0x7B),
    "Int8B": (0x13, 0x76, 0x33),
    "Uint8B": (0x23, 0x77),
    "Int16B": (0x14, 0x78),
    "Uint16B": (0x24, 0x79),
    "Bool": (0x30,),
    "Float": (0x40,),
    "Double": (0x41,),
}


def test_each_simple_type_has_its_word() -> None:
    assert SIMPLE == {kind: word for word, kinds in KINDS.items() for kind in kinds}
    assert set(SIMPLE.values()) <= set(PRIMITIVE_SIZES)


@pytest.mark.parametrize(
    "data, value",
    [
        (b"\xff\x7f", 0x7FFF),  # below 0x8000: itself
        (b"\x00\x80\xfe", -2),  # LF_CHAR
        (b"\x01\x80\xfe\xff", -2),  # LF_SHORT
        (b"\x02\x80\xfe\xff", 0xFFFE),  # LF_USHORT
        (b"\x03\x80\xfe\xff\xff\xff", -2),  # LF_LONG
        (b"\x04\x80\xfe\xff\xff\xff", 0xFFFFFFFE),  # LF_ULONG
        (b"\x09\x80" + b"\xfe" + b"\xff" * 7, -2),  # LF_QUADWORD
        (b"\x0a\x80" + b"\xfe" + b"\xff" * 7, 0xFFFFFFFFFFFFFFFE),  # LF_UQUADWORD
    ],
)
def test_numbers(data: bytes, value: int) -> None:
    assert number(b"\xcc" + data + b"\xcc" * 8, 1) == (value, 1 + len(data))


def test_a_number_and_a_name_that_are_none() -> None:
    with pytest.raises(BadFormat, match="0x8005"):
        number(b"\x05\x80" + bytes(8), 0)  # LF_REAL32
    with pytest.raises(BadFormat, match="without end"):
        name_at(b"Flags", 0)
    assert name_at(b"\xccFlags\0\xcc", 1) == ("Flags", 7)


def test_a_field_list_leaf_by_leaf() -> None:
    """Each leaf: kind and attributes of 16 bits each, then its own; 0xf1 to 0xf3 pad to the next multiple of four."""
    pieces = [
        (
            struct.pack("<HHIH", 0x150D, 3, 0x1234, 0x40) + b"Flags\0" + b"\xf2\xf1",
            Leaf(LF_MEMBER, "Flags", 0x40, 0x1234),
        ),
        (struct.pack("<HHIH", 0x1400, 3, 0x1300, 8), Leaf(0x1400, "", 8, 0x1300)),  # LF_BCLASS: its offset, no name
        (struct.pack("<HHH", 0x1502, 3, 2) + b"Two\0" + b"\xf2\xf1", Leaf(LF_ENUMERATE, "Two", 2, 0)),
        (struct.pack("<HHI", 0x150E, 3, 0x74) + b"s\0" + b"\xf2\xf1", Leaf(0x150E, "s", 0, 0x74)),  # LF_STMEMBER
        (struct.pack("<HHI", 0x150F, 2, 0x1001) + b"m\0" + b"\xf2\xf1", Leaf(0x150F, "m", 0, 0x1001)),  # LF_METHOD
        (struct.pack("<HHI", 0x1510, 0, 0x1002) + b"N\0" + b"\xf2\xf1", Leaf(0x1510, "N", 0, 0x1002)),  # LF_NESTTYPE
        (struct.pack("<HHI", 0x1512, 3, 0x1003) + b"X\0" + b"\xf2\xf1", Leaf(0x1512, "X", 0, 0x1003)),  # LF_NESTTYPEEX
        (struct.pack("<HHI", 0x1409, 0, 0x1004), Leaf(0x1409, "", 0, 0x1004)),  # LF_VFUNCTAB
        # LF_ONEMETHOD: attributes bits 2-4 are the kind; 4 and 6 introduce, and then the vtable's slot follows.
        (struct.pack("<HHI", 0x1511, 1 << 2, 0x1005) + b"v\0\xf2\xf1", Leaf(0x1511, "v", 0, 0)),
        (struct.pack("<HHII", 0x1511, 4 << 2, 0x1005, 0x18) + b"i\0\xf2\xf1", Leaf(0x1511, "i", 0, 0)),
        (struct.pack("<HHII", 0x1511, 6 << 2, 0x1005, 0x18) + b"p\0\xf2\xf1", Leaf(0x1511, "p", 0, 0)),
        # LF_VBCLASS, LF_IVBCLASS: type, type of the pointer, then two numbers.
        (struct.pack("<HHIIHH", 0x1401, 3, 0x1006, 0x1007, 8, 1), Leaf(0x1401, "", 0, 0)),
        (struct.pack("<HHIIHH", 0x1402, 3, 0x1006, 0x1007, 8, 1), Leaf(0x1402, "", 0, 0)),
        (struct.pack("<HHI", 0x1404, 0, 0x1008), Leaf(LF_INDEX, "", 0, 0x1008)),
    ]
    data = b"\xcc\xcc" + b"".join(piece for piece, _ in pieces)
    assert list(members(data, 2, len(data))) == [leaf for _, leaf in pieces]
    # LF_PADn is n bytes with itself, whatever stands in them; 0xf0 is one.
    for padding in (b"\xf1", b"\xf3\0\0", b"\xf0\xf0", b"\xf0\xf2\xcc"):
        assert list(members(padding + pieces[1][0], 0, len(padding) + len(pieces[1][0]))) == [pieces[1][1]]
    with pytest.raises(BadFormat, match="0x1599"):
        list(members(struct.pack("<HHI", 0x1599, 0, 0), 0, 8))
