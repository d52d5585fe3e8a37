"""Types and symbols out of PDBs that are written here, record by record."""

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat, KdTokenError, TypeNotFound
from kdtoken.layout.layout import Field
from kdtoken.layout.pdb.identity import PdbIdentity, parse_rsds
from kdtoken.layout.pdb.msf import Msf
from kdtoken.layout.pdb.pdb import PdbFile, load_pdb
from kdtoken.layout.pdb.types import TypeStream
from tests.pdb_bytes import (
    CHAR,
    FORWARD,
    GUID,
    LONG,
    MAGIC,
    PVOID64,
    UCHAR,
    ULONG,
    UNION,
    UQUAD,
    VOID,
    Pdb,
    base_class,
    enumerate_,
    goes_on,
    member,
    msf,
    nested,
)

KEY = "030201000504070608090A0B0C0D0E0F"


def small() -> Pdb:
    """A PDB with one of everything."""
    pdb = Pdb()
    forward = pdb.struct("_TOKEN", 0, 0, flags=FORWARD)
    luid = pdb.struct("_LUID", 8, pdb.fields(member("LowPart", 0, ULONG), member("HighPart", 4, LONG)))
    unnamed = pdb.struct("<unnamed-tag>", 4, pdb.fields(member("Byte", 0, UCHAR)), kind=UNION)
    overlay = pdb.struct("<anonymous-tag>", 16, pdb.fields(member("Inner", 0, ULONG), member("Other", 8, UQUAD)))
    level = pdb.enum(
        "_LEVEL", LONG, pdb.fields(enumerate_("None", -1), enumerate_("Low", 0), enumerate_("High", 70000))
    )
    flags = pdb.enum("_FLAGS", ULONG, pdb.fields(enumerate_("Top", 0x80000000)))
    more = pdb.fields(member("Last", 0x9000, pdb.modifier(UCHAR)))
    fields = pdb.fields(
        member("Luid", 0, pdb.modifier(luid)),
        member("Self", 8, pdb.pointer(forward)),
        member("Low", 16, pdb.bits(ULONG, 0, 4)),
        member("One", 16, pdb.bits(ULONG, 4, 1)),
        nested("_NESTED", luid),
        member("Names", 24, pdb.array(pdb.array(CHAR, 15), 60)),
        member("Luids", 84, pdb.array(luid, 24)),
        member("u", 108, unnamed),
        member("", 112, overlay),
        member("Level", 128, level),
        member("Flags", 132, flags),
        member("Call", 136, pdb.pointer(pdb.procedure())),
        member("Handle", 144, PVOID64),
        member("Short", 152, pdb.pointer(VOID, 4)),
        member("Tokens", 160, pdb.array(forward, 0x20000)),
        goes_on(more),
    )
    pdb.struct("_TOKEN", 0x10000, fields)
    pdb.struct("_DERIVED", 16, pdb.fields(base_class(8, luid), member("Own", 0, UQUAD)))
    pdb.public("PsActiveProcessHead", 2, 0x10)
    pdb.public("KeBugCheckEx", 1, 0x40)
    pdb.public("SeTokenObjectType", 2, 0x20, kind=0x110D)
    pdb.public("Hidden", 2, 0x28, kind=0x110C)
    pdb.public("NoSection", 9, 0)
    pdb.public("ProcRef", 1, 0, kind=0x1125)
    return pdb


DATA = small().data()


@pytest.mark.parametrize(
    "attributes, text",
    [
        # cvinfo.h CV_ptrtype_e: 0x0a is a near pointer of 32 bits, 0x0c of 64; the size in bits 13-18 may be left out.
        (0x0A, "Ptr32 Uint4B"),
        (0x0C, "Ptr64 Uint4B"),
        (0x0C | 1 << 10, "Ptr64 Uint4B"),  # const
        (0x0C | 4 << 13, "Ptr32 Uint4B"),  # what is said of the size counts
        (0x0A | 8 << 13, "Ptr64 Uint4B"),
    ],
)
def test_how_wide_a_pointer_is(attributes: int, text: str) -> None:
    pdb = Pdb()
    kind = pdb.type(0x1002, struct.pack("<II", ULONG, attributes))
    pdb.struct("_ONE", 24, pdb.fields(member("Next", 0, kind), member("Both", 8, pdb.array(kind, 16))))
    fields = PdbFile(pdb.data(), "x").layout("_ONE").fields
    assert [one.type for one in fields] == [text, "[%d] %s" % (16 // (8 if "64" in text else 4), text)]


@pytest.mark.parametrize("base, width", [(UCHAR, 1), (ULONG, 4), (LONG, 4), (UQUAD, 8)])
def test_arrays_of_enums_have_as_many_as_fit(base: int, width: int) -> None:
    """An enum is as wide as its base type (LF_ENUM's utype), declared before, behind a const, and in arrays of arrays."""
    pdb = Pdb()
    kind = pdb.enum("_KIND", base, pdb.fields(enumerate_("One", 1)))
    row = pdb.array(kind, 3 * width)
    members = (
        member("Plain", 0, pdb.array(kind, 5 * width)),
        member("Const", 0x100, pdb.array(pdb.modifier(kind), 2 * width)),
        member("Rows", 0x200, pdb.array(row, 4 * 3 * width)),
    )
    pdb.struct("_ONE", 0x300, pdb.fields(*members))
    made = PdbFile(pdb.data(), "x")
    assert [one.type for one in made.layout("_ONE").fields] == ["[5] _KIND", "[2] _KIND", "[4] [3] _KIND"]
    assert made.layout("_KIND").size == width


def test_identity_takes_the_age_that_the_image_names() -> None:
    pdb = PdbFile(DATA, "folder/nt.pdb")
    assert pdb.identity == PdbIdentity("nt.pdb", KEY, 3)
    assert pdb.pdb == KEY + "3"
    assert PdbFile(Pdb(age=0, info_age=0x1A).data(), "x").pdb == KEY + "1A"


def test_every_kind_of_member() -> None:
    layout = PdbFile(DATA, "x").layout("_TOKEN")
    assert layout.size == 0x10000
    assert [(one.name, one.offset, one.type) for one in layout.fields] == [
        ("Luid", 0, "_LUID"),
        ("Self", 8, "Ptr64 _TOKEN"),
        ("Low", 16, "Pos 0, 4 Bits"),
        ("One", 16, "Pos 4, 1 Bit"),
        ("Names", 24, "[4] [15] Char"),
        ("Luids", 84, "[3] _LUID"),
        ("u", 108, "__unnamed_1004"),
        ("Inner", 112, "Uint4B"),
        ("Other", 120, "Uint8B"),
        ("Level", 128, "_LEVEL"),
        ("Flags", 132, "_FLAGS"),
        ("Call", 136, "Ptr64 Function"),
        ("Handle", 144, "Ptr64 Void"),
        ("Short", 152, "Ptr32 Void"),
        ("Tokens", 160, "[2] _TOKEN"),
        ("Last", 0x9000, "UChar"),
    ]
    assert layout.field("Low").container == "Uint4B"


def test_unnamed_types_answer_to_the_name_that_their_member_shows() -> None:
    pdb = PdbFile(DATA, "x")
    assert pdb.layout("__unnamed_1004").fields == (Field("Byte", 0, "UChar"),)
    for name in ("__unnamed_1003", "__unnamed_ffff", "__unnamed_zz", "_NOTHING", ""):
        with pytest.raises(TypeNotFound):
            pdb.layout(name)


def test_enums_have_the_sign_of_their_base() -> None:
    pdb = PdbFile(DATA, "x")
    assert pdb.layout("_LEVEL").values == (("None", -1), ("Low", 0), ("High", 70000))
    assert pdb.layout("_FLAGS").values == (("Top", 0x80000000),)
    assert pdb.layout("_LEVEL").size == 4


@pytest.mark.parametrize(
    "base, width, value, said",
    [
        # cvinfo.h: T_CHAR 0x10, T_SHORT 0x11, T_QUAD 0x13, T_UCHAR 0x20, T_USHORT 0x21, T_WCHAR 0x71.
        (0x10, 1, 0xFF, -1),
        (0x11, 2, 0x8000, -0x8000),
        (0x11, 2, 0x7FFF, 0x7FFF),
        (0x13, 8, -5, -5),
        (0x20, 1, 0xFF, 0xFF),
        (0x21, 2, 0xFFFF, 0xFFFF),
        (0x71, 2, 0xFFFF, 0xFFFF),
    ],
)
def test_the_base_of_an_enum_tells_width_and_sign_of_its_values(base: int, width: int, value: int, said: int) -> None:
    pdb = Pdb()
    pdb.enum("_KIND", base, pdb.fields(enumerate_("Last", value), enumerate_("None", 0)))
    layout = PdbFile(pdb.data(), "x").layout("_KIND")
    assert (layout.size, dict(layout.values)) == (width, {"Last": said, "None": 0})


def test_members_of_a_base_class_come_with_their_offsets() -> None:
    layout = PdbFile(DATA, "x").layout("_DERIVED")
    assert [(one.name, one.offset) for one in layout.fields] == [("Own", 0), ("LowPart", 8), ("HighPart", 12)]


def test_names_leave_out_what_is_only_declared_or_has_no_name() -> None:
    assert PdbFile(DATA, "x").names() == ["_DERIVED", "_FLAGS", "_LEVEL", "_LUID", "_TOKEN"]


def test_symbols_of_all_three_kinds() -> None:
    pdb = PdbFile(DATA, "x")
    assert pdb.rva("PsActiveProcessHead") == 0x5010
    assert pdb.rva("KeBugCheckEx") == 0x1040
    assert pdb.rva("SeTokenObjectType") == 0x5020
    assert pdb.rva("Hidden") == 0x5028
    for name in ("NoSection", "ProcRef", "ActiveProcessHead", "PsActiveProcessHea", "", "\udc80"):
        assert pdb.rva(name) is None
    assert "PsActiveProcessHead" in pdb.symbol_names() and "ProcRef" not in pdb.symbol_names()


def test_an_image_rearranged_after_linking() -> None:
    pdb = small()
    pdb.omap = ((0x1000, 0x9000), (0x1050, 0), (0x5000, 0x2000), (0x5018, 0xA000))
    made = PdbFile(pdb.data(), "x")
    assert made.rva("KeBugCheckEx") == 0x9040
    assert made.rva("PsActiveProcessHead") == 0x2010
    assert made.rva("SeTokenObjectType") == 0xA008
    pdb.omap = ((0x1000, 0), (0x5000, 0x2000))
    assert PdbFile(pdb.data(), "x").rva("KeBugCheckEx") is None  # the tools dropped it


@pytest.mark.parametrize("block", [512, 1024, 4096])
def test_any_block_size(block: int) -> None:
    assert PdbFile(msf(small().streams(), block), "x").layout("_LUID").size == 8


def test_a_file_on_disk_is_mapped_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "nt.pdb"
    path.write_bytes(DATA)
    pdb = load_pdb(path)
    assert pdb.layout("_LUID").size == 8
    pdb.close()
    for bad in (b"", b"hello"):
        path.write_bytes(bad)
        with pytest.raises(BadFormat, match="nt.pdb"):
            load_pdb(path)
    with pytest.raises(BadFormat, match="cannot open"):
        load_pdb(tmp_path / "none.pdb")


@pytest.mark.parametrize(
    "data, words",
    [
        (b"Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0", "2.00"),
        (b"MZ" + bytes(600), "no PDB"),
        (DATA[:40], "no PDB"),
        (DATA[:32] + struct.pack("<I", 513) + DATA[36:], "block size"),
        (DATA[: len(DATA) // 2], "cut short"),
        (DATA[:44] + struct.pack("<I", 1 << 30) + DATA[48:], "cut short"),
        (DATA[:52] + struct.pack("<I", 1 << 30) + DATA[56:], "outside the file"),
        (msf([b""]), "GUID"),
        (msf([b"", bytes(28)]), "no symbols"),
    ],
)
def test_damage_is_told(data: bytes, words: str) -> None:
    with pytest.raises(BadFormat, match=words):
        PdbFile(data, "x")


def test_types_that_contain_themselves_end() -> None:
    pdb = Pdb()
    pdb.array(0x1000, 8)  # 0x1000: an array of itself
    pdb.fields(member("", 0, 0x1003))  # 0x1001
    pdb.fields(goes_on(0x1002))  # 0x1002: goes on in itself
    pdb.struct("_SELF", 8, 0x1001)  # 0x1003: an anonymous member of its own type
    pdb.struct("_ARRAY", 8, pdb.fields(member("a", 0, 0x1000)))
    pdb.struct("_LIST", 8, 0x1002)
    pdb.struct("_MISSING", 8, pdb.fields(member("a", 0, 0x2000)))
    pdb.struct("_NO_LIST", 8, 0x1003)
    made = PdbFile(pdb.data(), "x")
    for name in ("_SELF", "_ARRAY", "_LIST", "_MISSING", "_NO_LIST"):
        with pytest.raises(BadFormat):
            made.layout(name)


def test_unnamed_structs_without_end_are_bounded() -> None:
    """Ten unnamed members wide, fourteen deep, and not one named member: 10^14 lists to go through."""
    pdb = Pdb()
    inner = pdb.struct("", 8, pdb.fields(b""))  # nothing in it
    for _ in range(14):
        inner = pdb.struct("", 8, pdb.fields(b"".join(member("", 0, inner) for _ in range(10))))
    pdb.struct("_TOKEN", 8, pdb.fields(member("", 0, inner)))
    with pytest.raises(BadFormat, match="a type has over 20000 members"):
        PdbFile(pdb.data(), "x").layout("_TOKEN")


def test_a_member_in_front_of_its_struct_is_refused() -> None:
    """Otherwise bytes in front of the token would be shown as its session."""
    pdb = Pdb()
    pdb.struct("_TOKEN", 8, pdb.fields(member("SessionId", -8, ULONG)))
    with pytest.raises(BadFormat, match="_TOKEN.SessionId is said to lie at -8 to -4"):
        PdbFile(pdb.data(), "x").layout("_TOKEN")


def test_a_record_too_short_for_its_kind() -> None:
    """The last record is two bytes, LF_STRUCTURE, and the file ends."""
    types = struct.pack("<HH", 2, 0x1505)  # length without itself, kind
    head = struct.pack("<5I", 20040203, 20, 0x1000, 0x1001, len(types))  # version, size of this, first, last, bytes
    with pytest.raises(BadFormat, match="x is a damaged PDB: type 0x1000"):
        TypeStream(head + types, "x")


def use(data: bytes) -> None:
    """All that a run does with a PDB; only our own errors may come out."""
    try:
        pdb = PdbFile(data, "x")
    except KdTokenError:
        return
    for name in ("_TOKEN", "_LUID", "_LEVEL", "_FLAGS", "_DERIVED", "__unnamed_1004"):
        try:
            pdb.layout(name)
        except KdTokenError:
            pass
    for name in ("PsActiveProcessHead", "SeTokenObjectType"):
        pdb.rva(name)
    pdb.symbol_names()


PLACES = st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 255)), min_size=1, max_size=6)


@given(PLACES)
def test_mutated_pdbs(places: Any) -> None:
    data = bytearray(DATA)
    for at, value in places:
        data[at] = value
    use(bytes(data))


@given(
    st.lists(st.tuples(st.integers(0, 10000), st.sampled_from([0, 1, 0x7F, 0x80, 0xF0, 0xFF])), max_size=4),
    st.sampled_from([2, 3, 5, 6]),
)
def test_mutated_streams(places: Any, which: int) -> None:
    """Damage where it hurts: within a stream, in a container that is sound."""
    streams = small().streams()
    data = bytearray(streams[which] or b"")
    for at, value in places:
        data[at % len(data)] = value
    streams[which] = bytes(data)
    use(msf(streams))


@given(st.integers(0, len(DATA)))
def test_pdbs_cut_short(size: int) -> None:
    use(DATA[:size])


def test_rsds_records() -> None:
    record = b"RSDS" + GUID + struct.pack("<I", 0x1A) + b"D:\\a\\ntkrnlmp.pdb\0junk"
    assert parse_rsds(record) == PdbIdentity("ntkrnlmp.pdb", KEY, 0x1A)
    for name in (b"..", b"a/..", b"", b"a\x01b", b"a|b"):
        assert parse_rsds(record[:24] + name + b"\0") is None  # it becomes a file's name here
    assert parse_rsds(b"NB10" + record[4:]) is None and parse_rsds(record[:20]) is None


def test_the_newest_record_counts_where_an_incremental_link_left_old_ones() -> None:
    """As link.exe /INCREMENTAL does it: what changed is added at the end, what it replaces stays."""
    pdb = small()
    pdb.public("PsActiveProcessHead", 2, 0x40)
    fields = pdb.fields(member("LowPart", 0, ULONG), member("HighPart", 4, ULONG), member("More", 8, ULONG))
    pdb.struct("_LUID", 12, fields)
    made = PdbFile(pdb.data(), "x")
    assert made.rva("PsActiveProcessHead") == 0x5040
    assert made.layout("_LUID").size == 12 and made.layout("_LUID").has("More")


def test_the_underscore_of_x86() -> None:
    pdb = Pdb()
    pdb.public("_PsActiveProcessHead", 2, 0x10)  # C names, cdecl
    pdb.public("_NtOpenProcess@16", 1, 0x20)
    made = PdbFile(pdb.data(), "x")
    assert made.rva("PsActiveProcessHead") == made.rva("_PsActiveProcessHead") == 0x5010
    assert made.rva("NtOpenProcess") is None  # stdcall: the size of the arguments is part of the name
    pdb.public("PsActiveProcessHead", 2, 0x30)
    assert PdbFile(pdb.data(), "x").rva("PsActiveProcessHead") == 0x5030


class Slices:
    """A file whose slices are noted, as an open one is read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.read = data, 0

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, part: slice) -> bytes:
        found = self.data[part]
        self.read += len(found)
        return found


@pytest.mark.parametrize(
    "most, blocks", [(1, 1), (511, 1), (512, 1), (513, 2), (1024, 2), (1025, 3), (None, 3), (5000, 3)]
)
def test_of_a_stream_no_more_blocks_are_read_than_asked_for(most: Any, blocks: int) -> None:
    text = bytes(range(256)) * 5  # 1280 bytes: three blocks of 512
    noted = Slices(msf([b"", text]))
    made = Msf(noted, "x")
    noted.read = 0
    assert made.stream(1, most) == text[:most] and noted.read == 512 * blocks
    assert made.stream(2) == made.stream(-1) == b"" == made.stream(0)
    # To open one, its head and its directory are read.
    large = Slices(msf([b"", text * 100]))
    Msf(large, "x")
    assert large.read < 5 * 512


@pytest.mark.parametrize(
    "data, message",
    [
        (
            b"Microsoft C/C++ program database 2.00\r\n\x1aJG\0" + bytes(60),
            "x is a PDB of the 1990s (format 2.00); only 7.00 is read",
        ),
        (MAGIC, "x is no PDB"),
        (MAGIC + bytes(23), "x is no PDB"),
        (MAGIC + bytes(24), "x is a damaged PDB: its block size is 0"),
        (b"Microsoft C/C++ MSF 7.01" + bytes(100), "x is no PDB"),
        (b"", "x is no PDB"),
    ],
)
def test_what_is_no_container(data: bytes, message: Any) -> None:
    with pytest.raises(BadFormat) as failed:
        Msf(data, "x")
    assert failed.value.message == message


@pytest.mark.parametrize(
    "at, value, words",  # offsets in the head of the symbols: sizes of what follows it, four bytes each, from 24 on
    [
        *((at, -1, "the head of its symbols makes no sense") for at in (24, 28, 32, 36, 40, 48, 52)),
        (24, 23, "the head of its symbols makes no sense"),  # more than the 22 bytes behind the head
        (24, 22, ""),
        (40, 1000, "the head of its symbols makes no sense"),
    ],
)
def test_a_head_of_symbols_that_cannot_be(at: int, value: int, words: str) -> None:
    streams = small().streams()
    debug = streams[3]
    assert debug is not None and len(debug) == 64 + 22
    streams[3] = debug[:at] + struct.pack("<i", value) + debug[at + 4 :]
    if not words:
        assert PdbFile(msf(streams), "x").rva("PsActiveProcessHead") is None  # no sections are left
        return
    with pytest.raises(BadFormat) as failed:
        PdbFile(msf(streams), "x").rva("PsActiveProcessHead")
    assert failed.value.message == "x is a damaged PDB: " + words
    streams[3] = debug[:63]
    with pytest.raises(BadFormat, match="x holds no symbols"):
        PdbFile(msf(streams), "x").rva("PsActiveProcessHead")


def container(words: Any, blocks: int = 8, **head: int) -> bytes:
    """An MSF of 512-byte blocks: the superblock, its directory's numbers in block 3, the directory from block 4 on."""
    directory = struct.pack("<%dI" % len(words), *words)
    count = -(-len(directory) // 512)
    values = {"block": 512, "free": 1, "count": blocks, "size": len(directory), "unknown": 0, "where": 3, **head}
    data = MAGIC + struct.pack("<6I", *values.values())
    data = data.ljust(3 * 512, b"\0") + struct.pack("<%dI" % count, *range(4, 4 + count)).ljust(512, b"\0")
    return (data + directory).ljust(blocks * 512, b"\0")


@pytest.mark.parametrize(
    "data, words",
    [
        (container([1, 512, 7]), ""),
        (container([1, 512, 8]), "one of its streams lies outside the file"),  # of eight blocks the last is 7
        (container([1, 512 * 9] + [7] * 9), "one of its streams is larger than the file"),
        (container([1, 512 * 8] + [7] * 8), ""),
        (container([1, 513, 7]), "its directory is damaged"),  # two blocks, of which one is named
        (container([3, 0, 0]), "its directory is damaged"),
        (container([2, 0, 0xFFFFFFFF]), ""),  # one that was deleted
        (container([1, 0], block=513), "its block size is 513"),
        (container([1, 0], where=9), "its directory lies outside the file"),
        (container([1, 0], count=10), "it is cut short: it should have 10 blocks of 512 bytes"),
        (container([1, 0], count=9), ""),  # a last block that is not whole
        (container([1, 0], size=5000), "it is cut short: it should have 8 blocks of 512 bytes"),
        (container([]), "its directory is damaged"),
    ],
)
def test_a_container_that_cannot_be(data: bytes, words: str) -> None:
    if not words:
        Msf(data, "x").stream(0)
        return
    with pytest.raises(BadFormat) as failed:
        Msf(data, "x").stream(0)
    assert words in failed.value.message and failed.value.subject == "x"


def test_a_pdb_of_a_linker_that_knew_fewer_streams() -> None:
    """The optional streams end with the section headers: no map, and no sections of before it."""
    streams = small().streams()
    debug = streams[3]
    assert debug is not None
    at = debug.index(struct.pack("<i", 22))  # bytes of the list: eleven numbers of 16 bits
    for left, there in ((12, True), (10, False)):
        streams[3] = debug[:at] + struct.pack("<i", left) + debug[at + 4 : len(debug) - 22 + left]
        made = PdbFile(msf(streams), "x")
        assert made.rva("PsActiveProcessHead") == (0x5010 if there else None)


def test_a_name_that_ends_like_another_is_not_it() -> None:
    """Names are searched as bytes: what stands in front has to be the head of a record that ends behind the name."""
    wanted = b"KeBugCheckEx\0"
    for length, there in ((0x19, True), (0x1C, True), (0x18, False), (0x1D, False), (0x1011, False)):
        pdb = Pdb()
        # A record of another name, at whose end stands what reads as a record of ours: 14 bytes of head and 13 of name.
        name = b"xx" + struct.pack("<HHIIH", length, 0x110E, 0, 0x40, 1) + wanted
        pdb.record(struct.pack("<HIIH", 0x110E, 0, 0x10, 2) + name)
        assert (PdbFile(pdb.data(), "x").rva("KeBugCheckEx") is not None) is there, hex(length)


def damaged(pdb: Pdb, name: str) -> str:
    with pytest.raises(BadFormat) as failed:
        PdbFile(pdb.data(), "x").layout(name)
    return failed.value.message


def test_lists_of_fields_that_run_in_a_circle_or_are_none() -> None:
    pdb = Pdb()
    itself = pdb.fields(goes_on(0x1000))
    pdb.struct("_LOOP", 8, itself)
    pdb.struct("_NONE", 8, pdb.pointer(ULONG))
    pdb.struct("_GONE", 8, 0x1FFF)
    assert damaged(pdb, "_LOOP") == "x is damaged: type 0x1000 is no list of fields"
    assert damaged(pdb, "_NONE") == "x is damaged: type 0x1002 is no list of fields"
    assert damaged(pdb, "_GONE") == "x is damaged: it has no type 0x1fff"


def test_how_deep_types_may_lie_in_each_other() -> None:
    """Sixteen pointers, and as many structs without a name; one more is damage."""
    for deep in (16, 17):
        pdb = Pdb()
        kind = ULONG
        for _ in range(deep):
            kind = pdb.pointer(kind)
        pdb.struct("_POINTERS", 8, pdb.fields(member("P", 0, kind)))
        inner = pdb.struct("<unnamed-tag>", 4, pdb.fields(member("Deep", 0, ULONG)))
        for _ in range(deep - 1):
            inner = pdb.struct("<unnamed-tag>", 4, pdb.fields(member("", 0, inner)))
        pdb.struct("_STRUCTS", 4, pdb.fields(member("", 0, inner)))
        if deep == 16:
            made = PdbFile(pdb.data(), "x")
            assert made.layout("_POINTERS").field("P").type == "Ptr64 " * 16 + "Uint4B"
            assert [one.name for one in made.layout("_STRUCTS").fields] == ["Deep"]
        else:
            assert damaged(pdb, "_POINTERS") == "x is damaged: a type that contains itself"
            assert damaged(pdb, "_STRUCTS") == "x is damaged: structs nested without end"


def test_how_many_times_a_type_may_be_modified_before_its_size() -> None:
    """An array of fifteen consts of each other has a size at the sixteenth step; one more is damage."""
    for deep in (15, 16):
        pdb = Pdb()
        kind = ULONG
        for _ in range(deep):
            kind = pdb.modifier(kind)
        pdb.struct("_ONE", 8, pdb.fields(member("A", 0, pdb.array(kind, 8))))
        if deep == 15:
            assert PdbFile(pdb.data(), "x").layout("_ONE").field("A").type == "[2] Uint4B"
        else:
            assert damaged(pdb, "_ONE") == "x is damaged: a type that contains itself"


def test_what_no_size_is_known_of_is_there_without_one() -> None:
    """Arrays of code, of what is nowhere defined, and of bits of an integer: how many, nobody can tell."""
    pdb = Pdb()
    nowhere = pdb.struct("_NOWHERE", 0, 0, flags=FORWARD)
    fields = (
        member("Code", 0, pdb.array(pdb.procedure(), 16)),
        member("Nowhere", 16, pdb.array(nowhere, 16)),
        member("Behind", 32, pdb.modifier(pdb.bits(ULONG, 0, 4))),
        member("Odd", 40, pdb.type(0x1601, bytes(4))),  # a kind of record that has no words
        member("Const", 48, pdb.array(pdb.modifier(ULONG), 16)),
        member("Pointers", 64, pdb.array(PVOID64, 16)),
    )
    pdb.struct("_ONE", 0x80, pdb.fields(*fields))
    assert [one.type for one in PdbFile(pdb.data(), "x").layout("_ONE").fields] == [
        "[0] Function",
        "[0] _NOWHERE",
        "Uint4B",
        "Void",
        "[4] Uint4B",
        "[2] Ptr64 Void",
    ]


def test_a_base_class_that_is_only_declared_or_behind_a_const() -> None:
    pdb = Pdb()
    forward = pdb.struct("_BASE", 0, 0, flags=FORWARD)
    nowhere = pdb.struct("_NOWHERE", 0, 0, flags=FORWARD)
    pdb.struct("_BASE", 8, pdb.fields(member("Low", 0, ULONG), member("High", 4, LONG)))
    pdb.struct("_ONE", 24, pdb.fields(base_class(8, pdb.modifier(forward)), member("Own", 0, UQUAD)))
    pdb.struct(
        "_TWO", 24, pdb.fields(base_class(8, nowhere), base_class(0, pdb.pointer(forward)), member("Own", 0, UQUAD))
    )
    made = PdbFile(pdb.data(), "x")
    assert [(one.name, one.offset) for one in made.layout("_ONE").fields] == [("Own", 0), ("Low", 8), ("High", 12)]
    assert [one.name for one in made.layout("_TWO").fields] == ["Own"]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda types: types[:19], "x holds no types (a stripped PDB?)"),
        (lambda types: b"", "x holds no types (a stripped PDB?)"),
        (lambda types: types[:8] + b"\0\x20" + types[10:], "x is a damaged PDB: the head of its types makes no sense"),
        (lambda types: types[:4] + b"\x13" + types[5:], "x is a damaged PDB: the head of its types makes no sense"),
        (lambda types: types[:-1], "x is a damaged PDB: the head of its types makes no sense"),
        (lambda types: types[:12] + b"\x04" + types[13:], "x is a damaged PDB: 2 of 4 types are there"),
        (lambda types: types[:56] + b"\1" + types[57:], "x is a damaged PDB: type 0x1000"),
    ],
)
def test_a_head_of_types_that_cannot_be(change: Any, words: str) -> None:
    pdb = Pdb()
    pdb.struct("_ONE", 4, pdb.fields(member("Low", 0, ULONG)))
    streams = pdb.streams()
    streams[2] = change(streams[2])
    with pytest.raises(BadFormat) as failed:
        PdbFile(msf(streams), "x").names()
    assert failed.value.message == words
