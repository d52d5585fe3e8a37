"""Bytes out of `dt nt!_X ADDRESS` values: all of them, or none."""

from typing import Dict, List, Optional

import pytest

from kdtoken.errors import TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.source.log.types import Value
from kdtoken.source.log.values import all_bytes, bytes_of

# One struct with a member of each kind of type, and what its members are of.
KINDS = make_layout(
    "_X",
    None,
    [
        Field("Byte", 0, "UChar"),
        Field("Word", 2, "Uint2B"),
        Field("Dword", 4, "Uint4B"),
        Field("Qword", 8, "Uint8B"),
        Field("Pointer", 0x10, "Ptr64 Void"),
        Field("Narrow", 0x18, "Ptr32 _SID"),
        Field("Kind", 0x1C, "_TOKEN_TYPE"),
        Field("Luid", 0x20, "_LUID"),
        Field("Bits", 0x28, "Pos 0, 4 Bits"),
        Field("Many", 0x30, "[2] Uint4B"),
        Field("Ratio", 0x38, "Float"),
        Field("Longer", 0x40, "Double"),
        Field("Nothing", 0x48, "Void"),
        Field("Unknown", 0x50, "_NEVER_PRINTED"),
    ],
)
KNOWN: Dict[str, Layout] = {
    "_X": KINDS,
    "_TOKEN_TYPE": make_layout("_TOKEN_TYPE", 4, (), [("TokenPrimary", 1), ("TokenImpersonation", 2)]),
    "_LUID": make_layout("_LUID", 8, [Field("LowPart", 0, "Uint4B"), Field("HighPart", 4, "Int4B")]),
}


def resolve(name: str) -> Layout:
    if name not in KNOWN:
        raise TypeNotFound("the type %s is not recorded in the log" % name, name)
    return KNOWN[name]


def told(name: str, text: str, offset: Optional[int] = None, of: str = "_X") -> Optional[bytes]:
    at = KINDS.field(name).offset if offset is None and KINDS.has(name) else offset or 0
    return bytes_of(Value(of, 0xFFFFA08011002380, at, name, text, 7), resolve)


@pytest.mark.parametrize(
    "text, hexadecimal",
    [
        # Two pointers, each with its lowest byte first.
        ("_LIST_ENTRY [ 0xffffa080`110054a8 - 0xfffff803`12403000 ]", "a854001180a0ffff 0030401203f8ffff"),
        ("_LIST_ENTRY [ 0xffffa080110054a8 - 0xfffff80312403000 ]", "a854001180a0ffff 0030401203f8ffff"),
        ("_LIST_ENTRY [ 0x00000000`00000000 - 0x00000000`00000001 ]", "0000000000000000 0100000000000000"),
        ("_LIST_ENTRY [ 0x86a010c8 - 0xffffffff ]", "c810a086 ffffffff"),
        (
            "struct _LIST_ENTRY, 2 elements, 0x10 bytes [ 0xffffa080`110054a8 - 0xfffff803`12403000 ]",
            "a854001180a0ffff 0030401203f8ffff",
        ),
        # Damaged: the two are not of one width, or of none.
        ("_LIST_ENTRY [ 0x86a010c8 - 0xffffa080`110054a8 ]", None),
        ("_LIST_ENTRY [ 0xffffa080`110054a8 - 0x86a010c8 ]", None),
        ("_LIST_ENTRY [ 0x86a010c8 - 0x100000000 ]", None),
        ("_LIST_ENTRY [ 0xffffa080`110054a8 - 0x1ffffa080`110054a8 ]", None),
        ("_LIST_ENTRY [ 0xffffa080`110054a8 ]", None),
        # Eight bytes, and no more of them than eight hold.
        ("_LARGE_INTEGER 0x01d7ed01`2345abcd", "cdab452301edd701"),
        ("_ULARGE_INTEGER 0xffffffff`ffffffff", "ffffffffffffffff"),
        ("_LARGE_INTEGER 0x0", "0000000000000000"),
        ("_LARGE_INTEGER 0x1`00000000`00000000", None),
        # A char array: its text and the NUL behind it; what lies behind that, nobody printed.
        ('[15]  "lsass.exe"', b"lsass.exe\0".hex()),
        ('(15 elements)  "lsass.exe"', b"lsass.exe\0".hex()),
        ('[4]  "abcd"', b"abcd".hex()),  # no room for a NUL
        ('[5]  "abcd"', b"abcd\0".hex()),
        ('[3]  "abcd"', None),
        ('[8]  ""', "00"),
        ('[8]  " ~"', "207e00"),
        ('[8]  "a\x1fb"', None),
        ('[8]  "a\x7fb"', None),
        ('[8]  "\u00fcb"', None),  # of a code page that the log does not name
    ],
)
def test_values_whose_text_alone_tells_their_bytes(text: str, hexadecimal: Optional[str]) -> None:
    assert told("Member", text, of="") == (None if hexadecimal is None else bytes.fromhex(hexadecimal))


@pytest.mark.parametrize(
    "name, text, hexadecimal",
    [
        ("Byte", "0x7f", "7f"),
        ("Byte", "0x41 'A'", "41"),
        ("Byte", "255", "ff"),
        ("Byte", "0x100", None),  # more than a byte holds: the layout is another's
        ("Byte", "-128", "80"),
        ("Byte", "-129", None),
        ("Word", "0n-1", "ffff"),
        ("Dword", "0x4d2", "d2040000"),
        ("Dword", "1234", "d2040000"),
        ("Dword", "0n1234", "d2040000"),
        ("Dword", "0xffffffff", "ffffffff"),
        ("Dword", "4294967296", None),
        ("Dword", "0n-2147483648", "00000080"),
        ("Dword", "0n-2147483649", None),
        ("Qword", "0x00000000`00002710", "1027000000000000"),
        ("Qword", "18446744073709551615", "ff" * 8),
        ("Qword", "18446744073709551616", None),
        ("Pointer", "0xffffa080`110054a8 Void", "a854001180a0ffff"),
        ("Pointer", "(null) ", "00" * 8),
        ("Narrow", "0x865ce8a8 _SID", "a8e85c86"),
        ("Narrow", "0x865ce8a8 struct _SID, 4 elements, 0xc bytes", "a8e85c86"),
        ("Narrow", "(null)", "00" * 4),
        ("Dword", "(null)", None),  # of what is no pointer
        ("Qword", "(null)", None),
        ("Kind", "2 ( TokenImpersonation )", "02000000"),
        ("Kind", "0n1", "01000000"),
        ("Dword", "0x1 -> 0x2", "01000000"),
        # What one number does not fill.
        ("Luid", "0x3e7", None),
        ("Bits", "0y101", None),
        ("Bits", "5", None),
        ("Many", "5", None),
        ("Ratio", "1", None),
        ("Longer", "1", None),
        ("Nothing", "1", None),
        ("Unknown", "1", None),
        # Not the form of a value.
        ("Dword", "7 of 9", None),
        ("Dword", "[2] 0x1", None),
        ("Dword", "seven", None),
        ("Dword", "", None),
    ],
)
def test_the_members_type_tells_how_wide_its_number_is(name: str, text: str, hexadecimal: Optional[str]) -> None:
    assert told(name, text) == (None if hexadecimal is None else bytes.fromhex(hexadecimal))


@pytest.mark.parametrize(
    "name, offset, of",
    [("Dword", 8, "_X"), ("Nobody", 4, "_X"), ("Dword", 4, "_NEVER_PRINTED"), ("Dword", 4, "")],
)
def test_where_the_layout_does_not_agree_the_form_alone_tells_the_width(name: str, offset: int, of: str) -> None:
    def form(text: str) -> Optional[bytes]:
        return told(name, text, offset, of)

    assert form("0x00000000`00000004") == form("0x00000000`00000004 Void") == bytes([4, 0, 0, 0, 0, 0, 0, 0])
    assert form("0x865ce8a8 Void") == form("0x865ce8a8 _SID") == form("0x865ce8a8 struct _SID") == b"\xa8\xe8\x5c\x86"
    # A number of any width, and a null of either.
    assert form("0x865ce8a8") is None and form("4") is None and form("(null)") is None


def test_every_value_keeps_its_address_and_its_line_and_each_layout_is_looked_up_once() -> None:
    asked: List[str] = []

    def counted(name: str) -> Layout:
        asked.append(name)
        return resolve(name)

    at = 0xFFFFA08011002380
    values = [
        Value("_X", at, 4, "Dword", "0x1", 10),
        Value("_X", at, 0x28, "Bits", "0y1", 11),
        Value("_X", at + 0x100, 4, "Dword", "0x2", 12),
        Value("_GONE", at, 4, "Dword", "0x3", 13),
        Value("_GONE", at, 8, "Qword", "0x00000000`00000004", 14),
    ]
    assert all_bytes(values, counted) == [
        (at + 4, bytes([1, 0, 0, 0]), 10),
        (at + 0x104, bytes([2, 0, 0, 0]), 12),
        (at + 8, bytes([4, 0, 0, 0, 0, 0, 0, 0]), 14),
    ]
    assert asked == ["_X", "_GONE"]
