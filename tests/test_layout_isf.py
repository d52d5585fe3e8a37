"""Layouts out of ISF, from a file made by hand: each of its lines is there for a reason."""

import copy
import gzip
import json
import lzma
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from kdtoken.errors import BadFormat, TypeNotFound
from kdtoken.layout.isf import IsfFile, load_isf
from kdtoken.layout.layout import Field


def base(size: int, kind: str = "int", signed: bool = False) -> Dict[str, Any]:
    return {"size": size, "kind": kind, "signed": signed, "endian": "little"}


def member(offset: int, kind: Dict[str, Any]) -> Dict[str, Any]:
    return {"offset": offset, "type": kind}


def named(name: str, kind: str = "base") -> Dict[str, Any]:
    return {"kind": kind, "name": name}


def pointer(subtype: Dict[str, Any]) -> Dict[str, Any]:
    return {"kind": "pointer", "subtype": subtype}


def array(count: int, subtype: Dict[str, Any]) -> Dict[str, Any]:
    return {"kind": "array", "count": count, "subtype": subtype}


def bits(position: int, width: int, container: str) -> Dict[str, Any]:
    return {"kind": "bitfield", "bit_position": position, "bit_length": width, "type": named(container)}


EVERY_KIND: Dict[str, Any] = {
    "Size": member(0x00, named("unsigned long")),  # an integer by the name that MSVC gives it
    "Left": member(0x04, named("long")),  # signed
    "Count": member(0x08, named("unsigned long long")),  # eight bytes
    "Short": member(0x10, named("unsigned short")),  # two
    "Byte": member(0x12, named("unsigned char")),  # one, unsigned: `dt` says UChar and not Uint1B
    "Sign": member(0x13, named("char")),  # one, signed
    "Wide": member(0x14, named("wchar")),  # UTF-16, which no size tells from a short
    "Unit": member(0x16, named("wchar_t")),  # the same by C's own name
    "Real": member(0x18, named("double")),  # floating point has words of its own
    "Half": member(0x20, named("float")),  # by size
    "Flag": member(0x24, named("bool")),  # C++'s
    "Low": member(0x28, bits(0, 4, "unsigned long long")),  # bit-fields keep their container
    "One": member(0x28, bits(4, 1, "unsigned long long")),  # one "Bit", as `dt` writes it
    "Next": member(0x30, pointer(named("_SAMPLE", "struct"))),  # to its own type: no endless closure
    "Any": member(0x38, pointer(named("void"))),  # to nothing known
    "Call": member(0x40, pointer({"kind": "function"})),  # to code
    "Twice": member(0x48, pointer(pointer(named("_ELSEWHERE", "struct")))),  # to a type that is not in the file
    "Name": member(0x50, array(15, named("unsigned char"))),  # not zero-terminated text
    "Grid": member(0x60, array(2, array(3, named("unsigned short")))),  # arrays of arrays, outer first
    "Inner": member(0x6C, named("_INNER", "struct")),  # by value: closure takes it
    "Kinds": member(0x70, array(2, named("_KIND", "enum"))),  # by value in an array: closure takes it
    "u": member(0x78, named("__unnamed_1096", "union")),  # nameless in C, numbered by the tool
}
SAMPLE: Dict[str, Any] = {
    "metadata": {
        "format": "6.1.0",
        # The symbol server writes GUID and age in one word; lower case comes from other tools.
        "windows": {"pdb": {"GUID": "0ce4a95c0cd782a7596b034d8648e585", "age": 10, "database": "ntkrnlmp.pdb"}},
    },
    "base_types": {
        "void": base(0, "void"),
        "bool": base(1, "bool"),
        "char": base(1, "char", True),
        "unsigned char": base(1, "char"),
        "wchar": base(2, "int", True),
        "wchar_t": base(2),
        "unsigned short": base(2),
        "long": base(4, "int", True),
        "unsigned long": base(4),
        "unsigned long long": base(8),
        "float": base(4, "float", True),
        "double": base(8, "float", True),
        "pointer": base(8),  # tells the width of the target
    },
    "user_types": {
        "_SAMPLE": {"kind": "struct", "size": 0x80, "fields": EVERY_KIND},
        "_INNER": {"kind": "struct", "size": 4, "fields": {"x": member(0, named("unsigned long"))}},
        "__unnamed_1096": {"kind": "union", "size": 8, "fields": {"All": member(0, named("unsigned long long"))}},
        "_APART": {"kind": "struct", "size": 0, "fields": {}},  # asked for by nobody
    },
    "enums": {"_KIND": {"size": 4, "base": "long", "constants": {"KindMax": 2, "KindNone": -1, "KindOne": 1}}},
    "symbols": {"PsActiveProcessHead": {"address": 0xC2B1D0}},  # an RVA
}


def damaged(change: Callable[[Any], object]) -> Dict[str, Any]:
    data = copy.deepcopy(SAMPLE)
    change(data)
    return data


def test_every_kind_of_member() -> None:
    layout = IsfFile(SAMPLE).layout("_SAMPLE")
    assert layout.size == 0x80
    assert {f.name: f.type for f in layout.fields} == {
        "Size": "Uint4B",
        "Left": "Int4B",
        "Count": "Uint8B",
        "Short": "Uint2B",
        "Byte": "UChar",
        "Sign": "Char",
        "Wide": "Wchar",
        "Unit": "Wchar",
        "Real": "Double",
        "Half": "Float",
        "Flag": "Bool",
        "Low": "Pos 0, 4 Bits",
        "One": "Pos 4, 1 Bit",
        "Next": "Ptr64 _SAMPLE",
        "Any": "Ptr64 Void",
        "Call": "Ptr64 Function",
        "Twice": "Ptr64 Ptr64 _ELSEWHERE",
        "Name": "[15] UChar",
        "Grid": "[2] [3] Uint2B",
        "Inner": "_INNER",
        "Kinds": "[2] _KIND",
        "u": "__unnamed_1096",
    }
    assert [f.name for f in layout.fields] == list(EVERY_KIND), "in the order of offset and bit"
    assert {f.name: f.container for f in layout.fields if f.container} == {"Low": "Uint8B", "One": "Uint8B"}


def test_enums_keep_negative_values() -> None:
    layout = IsfFile(SAMPLE).layout("_KIND")
    assert layout.values == (("KindNone", -1), ("KindOne", 1), ("KindMax", 2))
    assert (layout.size, layout.fields) == (4, ())


def test_pointers_of_a_32_bit_target() -> None:
    isf = IsfFile(damaged(lambda data: data["base_types"]["pointer"].update(size=4)))
    assert isf.layout("_SAMPLE").field("Any") == Field("Any", 0x38, "Ptr32 Void")
    assert isf.layouts(["_INNER"], "10.0.22000.1").pointer_size == 4


def test_head_and_names() -> None:
    isf = IsfFile(SAMPLE)
    assert isf.pdb == "0CE4A95C0CD782A7596B034D8648E585A"  # age 10 is hexadecimal there
    assert isf.symbols == {"PsActiveProcessHead": 0xC2B1D0}
    assert isf.names() == ["_APART", "_INNER", "_KIND", "_SAMPLE", "__unnamed_1096"]
    assert IsfFile(damaged(lambda data: data["metadata"].pop("windows"))).pdb == ""


def test_closure_takes_what_is_held_by_value_and_nothing_else() -> None:
    file = IsfFile(SAMPLE).layouts(["_SAMPLE"], "10.0.22000.1")
    assert sorted(file.types) == ["_INNER", "_KIND", "_SAMPLE", "__unnamed_1096"]
    assert (file.build, file.pointer_size) == ("10.0.22000.1", 8)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_plain_and_packed_files_read_the_same(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "ntkrnlmp"  # what is in a file tells, not its name
    path.write_bytes(pack(json.dumps(SAMPLE).encode()))
    isf = load_isf(path)
    assert isf.origin == str(path)
    assert isf.layouts(isf.names(), "b") == IsfFile(SAMPLE).layouts(IsfFile(SAMPLE).names(), "b")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"MZ\x90\0",
        b"[]",
        b"5",
        b'{"metadata":',
        b"\x1f\x8b\x08cut",
        b"\xfd7zXZ\0cut",
        gzip.compress(b"{}" * 99)[:-9],
        b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\xff" * 40,
    ],
    ids=["empty", "program", "list", "number", "cut", "gzip-cut", "xz-cut", "gzip-tail-cut", "gzip-damaged"],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.isf"
    path.write_bytes(raw)
    with pytest.raises(BadFormat, match="x.isf") as caught:
        load_isf(path)
    assert caught.value.subject == str(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match="cannot read the ISF symbol file .*absent.isf: No such file"):
        load_isf(tmp_path / "absent.isf")


HEAD_DAMAGE: List[Callable[[Any], object]] = [
    lambda data: data.pop("base_types"),
    lambda data: data.pop("user_types"),
    lambda data: data.pop("enums"),
    lambda data: data.pop("symbols"),
    lambda data: data.pop("metadata"),
    lambda data: data["base_types"].pop("pointer"),
    lambda data: data["symbols"].update(X={}),
    lambda data: data.update(symbols=[]),
    lambda data: data["metadata"]["windows"]["pdb"].pop("age"),
    lambda data: data["metadata"]["windows"]["pdb"].update(age=float("inf")),
    lambda data: data["symbols"].update(X={"address": float("inf")}),
]


@pytest.mark.parametrize("change", HEAD_DAMAGE)
def test_a_damaged_head_is_refused_at_once(change: Callable[[Any], object]) -> None:
    with pytest.raises(BadFormat, match="nt.isf is not an ISF symbol file, or a damaged one"):
        IsfFile(damaged(change), "nt.isf")


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"kind": "tensor"},
        named("quad"),
        {"kind": "pointer"},
        {"kind": "array", "count": 2},
        None,
        [],
        {"kind": "bitfield", "bit_position": 0, "type": named("long")},
    ],
)
def test_a_damaged_member_names_file_and_type(kind: Any) -> None:
    isf = IsfFile(damaged(lambda data: data["user_types"]["_INNER"]["fields"]["x"].update(type=kind)), "nt.isf")
    assert isf.layout("_KIND").size == 4, "other types can still be had"
    with pytest.raises(BadFormat, match="nt.isf: type _INNER is damaged") as caught:
        isf.layout("_INNER")
    assert caught.value.subject == "_INNER"


def test_a_type_that_is_not_there() -> None:
    with pytest.raises(TypeNotFound, match="nt.isf has no type _TOKEN"):
        IsfFile(SAMPLE, "nt.isf").layouts(["_INNER", "_TOKEN"], "b")


@pytest.mark.parametrize(
    ("name", "entry", "text"),
    [
        ("void", base(0, "void"), "Void"),
        ("void", base(0), "Void"),  # told by its name where a tool calls it an integer
        ("nothing", base(0, "void"), "Void"),  # and by its kind, whatever its name
        ("flag", base(1, "bool"), "Bool"),
        ("char", base(1, "char", True), "Char"),
        ("byte", base(1, "int"), "UChar"),
        ("wchar", base(2), "Wchar"),
        ("short", base(2, "int", True), "Int2B"),
        ("half", base(4, "float", True), "Float"),
        ("real", base(8, "float", True), "Double"),
        ("huge", base(16), "Uint16B"),
    ],
)
def test_each_base_type(name: str, entry: Dict[str, Any], text: str) -> None:
    data = copy.deepcopy(SAMPLE)
    data["base_types"][name] = entry
    data["user_types"]["_INNER"] = {"kind": "struct", "size": 8, "fields": {"P": member(0, pointer(named(name)))}}
    assert IsfFile(data).layout("_INNER").field("P").type == "Ptr64 " + text
