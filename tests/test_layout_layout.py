"""Layouts as plain data: sizes, strides, look-ups, and the JSON form."""

from typing import Any, Callable, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat, FieldNotFound, TypeNotFound
from kdtoken.layout.layout import (
    LARGEST,
    PRIMITIVE_SIZES,
    Field,
    Layout,
    array_of,
    extent,
    layout_from_json,
    layout_to_json,
    make_layout,
    pointer_size,
    size_of,
    stride,
)

LUID = make_layout("_LUID", 8, [Field("LowPart", 0, "Uint4B"), Field("HighPart", 4, "Int4B")])
# As plain `dt` tells it, without a size.
PRIVILEGE = make_layout("_LUID_AND_ATTRIBUTES", None, [Field("Luid", 0, "_LUID"), Field("Attributes", 8, "Uint4B")])
TOKEN_TYPE = make_layout("_TOKEN_TYPE", 4, (), [("TokenImpersonation", 2), ("TokenPrimary", 1)])
KNOWN = {layout.name: layout for layout in (LUID, PRIVILEGE, TOKEN_TYPE)}


def resolve(name: str) -> Layout:
    if name not in KNOWN:
        raise TypeNotFound("no type %s" % name, name)
    return KNOWN[name]


@pytest.mark.parametrize(
    "text, size",
    [
        # dt's words for C's types: char, short, long, __int64, wchar_t, float and double of Microsoft's compilers.
        ("Void", 0),
        ("Bool", 1),
        ("Char", 1),
        ("UChar", 1),
        ("Wchar", 2),
        ("Int1B", 1),
        ("Uint1B", 1),
        ("Int2B", 2),
        ("Uint2B", 2),
        ("Int4B", 4),
        ("Uint4B", 4),
        ("Int8B", 8),
        ("Uint8B", 8),
        ("Int16B", 16),
        ("Uint16B", 16),
        ("Float", 4),
        ("Double", 8),
        ("Ptr64 _NOT_KNOWN", 8),
        ("Ptr32 Void", 4),
        ("Ptr64 Ptr64 Void", 8),
        ("Ptr64 Function", 8),
        ("[15] UChar", 15),
        ("[0] Uint8B", 0),
        ("[2] [3] Uint2B", 12),
        ("[4] Ptr64 Void", 32),
        ("Pos 0, 4 Bits", 1),
        ("Pos 7, 1 Bit", 1),
        ("Pos 7, 2 Bits", 2),
        ("Pos 63, 1 Bit", 8),
        ("_LUID", 8),
        ("[3] _LUID", 24),
        ("_TOKEN_TYPE", 4),
    ],
)
def test_size_of_a_type(text: str, size: int) -> None:
    assert size_of(text, resolve) == size


def test_size_of_an_unknown_type_is_the_resolvers_error() -> None:
    with pytest.raises(TypeNotFound, match="_NOT_KNOWN"):
        size_of("[2] _NOT_KNOWN", resolve)


@pytest.mark.parametrize(
    "fields, size",
    [
        ([], 0),
        ([("a", 0, "UChar")], 1),
        ([("a", 0, "Uint8B"), ("b", 8, "UChar")], 16),  # rounded up to the widest member
        ([("a", 0, "Uint4B"), ("b", 4, "UChar")], 8),
        ([("a", 0, "_LUID"), ("b", 8, "UChar")], 12),  # a LUID is aligned as its parts are: to 4
        ([("a", 0, "_TOKEN_TYPE"), ("b", 4, "Uint2B")], 8),
        ([("a", 0, "[3] Uint2B"), ("b", 6, "UChar")], 8),
        ([("a", 0, "Ptr32 Void"), ("b", 4, "UChar")], 8),
        ([("a", 0, "Pos 0, 20 Bits")], 4),  # three bytes of bits need an integer of four
        ([("a", 0, "Pos 0, 33 Bits"), ("b", 8, "UChar")], 16),
    ],
)
def test_stride_where_the_source_told_no_size(fields: List[List[object]], size: int) -> None:
    made = make_layout("_X", None, [Field(str(n), int(str(o)), str(t)) for n, o, t in fields])
    assert stride(made, resolve) == size


def test_a_told_size_wins_over_the_rule() -> None:
    assert stride(make_layout("_X", 24, [Field("a", 0, "UChar")]), resolve) == 24
    assert stride(make_layout("_E", 1, (), [("A", 0)]), resolve) == 1
    assert stride(make_layout("_E", None, (), [("A", 0)]), resolve) == 4


def test_the_published_array_stride() -> None:
    """winnt.h: LUID_AND_ATTRIBUTES is 12 bytes, by `#pragma pack(4)` and by its members alike."""
    assert extent(PRIVILEGE, resolve) == 12
    assert size_of("[36] _LUID_AND_ATTRIBUTES", resolve) == 36 * 12


def test_fields_are_found_by_name_and_missed_with_a_next_step() -> None:
    assert LUID.has("HighPart") and not LUID.has("Low")
    assert LUID.field("HighPart").offset == 4
    with pytest.raises(FieldNotFound) as caught:
        LUID.field("Low")
    assert str(caught.value) == "this kernel's _LUID has no field Low\n  next: see what it has with: dt nt!_LUID"
    assert caught.value.subject == "_LUID.Low"


def test_enums_name_their_values() -> None:
    assert TOKEN_TYPE.is_enum and not LUID.is_enum
    assert TOKEN_TYPE.values == (("TokenPrimary", 1), ("TokenImpersonation", 2))
    assert TOKEN_TYPE.value_name(2) == "TokenImpersonation"
    assert TOKEN_TYPE.value_name(3) is None


def test_what_a_field_type_says() -> None:
    assert Field("RefCnt", 0, "Pos 0, 4 Bits").bits == (0, 4)
    assert Field("LogonSession", 0, "Ptr64 _SEP_LOGON_SESSION_REFERENCES").bits is None
    assert (pointer_size("Ptr32 Void"), pointer_size("Ptr64 Void"), pointer_size("Uint8B")) == (4, 8, None)
    assert (array_of("[2] [3] UChar"), array_of("UChar")) == ((2, "[3] UChar"), None)


def test_sources_that_differ_only_in_order_or_container_are_equal() -> None:
    low = Field("a", 0, "Pos 0, 4 Bits", "Uint8B")
    high = Field("b", 0, "Pos 4, 60 Bits", "Uint8B")
    from_dt = make_layout("_X", 8, [Field("b", 0, "Pos 4, 60 Bits"), Field("a", 0, "Pos 0, 4 Bits")])
    assert make_layout("_X", 8, [low, high]) == from_dt
    assert make_layout("_X", 8, [Field("a", 0, "Pos 0, 5 Bits"), high]) != from_dt


names = st.text(min_size=1, max_size=12)
types = st.recursive(
    st.sampled_from(sorted(PRIMITIVE_SIZES)) | names.map("_{}".format),
    lambda inner: inner.map("Ptr64 {}".format) | st.builds("[{}] {}".format, st.integers(0, 99), inner),
    max_leaves=3,
)
bits = st.builds("Pos {}, {} Bits".format, st.integers(0, 15), st.integers(2, 16))
fields = st.builds(Field, names, st.integers(0, 1 << 16), types | bits, st.sampled_from(["", "Uint4B"]))
structs = st.builds(make_layout, names, st.none() | st.integers(1 << 28, LARGEST), st.lists(fields, max_size=6))
enums = st.builds(
    make_layout,
    names,
    st.sampled_from([None, 1, 4, 8]),
    st.just(()),
    st.lists(st.tuples(names, st.integers(-(1 << 63), 1 << 63)), min_size=1, max_size=6),
)


@pytest.mark.parametrize(
    "size, offset, kind",
    [
        (1 << 60, 0, "UChar"),  # what nobody could read
        (8, -4, "UChar"),  # what lies in front of the struct
        (8, 8, "UChar"),  # what lies behind it
        (8, 4, "Ptr64 Void"),  # half behind it
        (8, 0, "[3] Uint4B"),
        (8, 0, "[99999] [99999] UChar"),
        (8, 6, "Pos 20, 1 Bit"),
        (None, 1 << 40, "UChar"),  # text of dt, which tells no size
    ],
)
def test_no_layout_leads_out_of_its_struct(size: Optional[int], offset: int, kind: str) -> None:
    with pytest.raises(BadFormat, match="the symbols are damaged: ") as caught:
        make_layout("_TOKEN", size, [Field("A", offset, kind)])
    assert caught.value.subject == "_TOKEN"


@pytest.mark.parametrize(
    "kind, container",
    [
        ("Pos 60, 8 Bits", "Uint8B"),  # half behind the integer that holds it
        ("Pos 60, 8 Bits", ""),
        ("Pos 8, 1 Bit", "UChar"),
        ("Pos 31, 2 Bits", "Uint4B"),
        ("Pos 0, 0 Bits", "Uint4B"),
        ("Pos -1, 2 Bits", "Uint4B"),
        ("[-1] UChar", ""),
        ("[18446744073709551616] UChar", ""),
    ],
)
def test_bits_outside_their_integer_and_arrays_of_no_number_are_refused(kind: str, container: str) -> None:
    with pytest.raises(BadFormat, match="the symbols are damaged: _TOKEN.A is said to be "):
        make_layout("_TOKEN", 64, [Field("A", 0, kind, container)])
    make_layout("_TOKEN", 64, [Field("A", 0, "Pos 7, 1 Bit", "UChar"), Field("B", 0, "Pos 0, 64 Bits", "Uint8B")])


def test_an_array_without_end_may_stand_at_a_structs_end() -> None:
    """_SCATTER_GATHER_LIST.Elements, as ISF files tell it: offset and size are both 16."""
    assert make_layout("_LIST", 16, [Field("Elements", 16, "[0] _ELEMENT")]).fields[0].offset == 16


@given(structs | enums)
def test_json_round_trip(layout: Layout) -> None:
    again = layout_from_json(layout.name, layout_to_json(layout))
    assert again == layout
    # Equality looks past containers; the file must not lose them.
    assert [f.container for f in again.fields] == [f.container for f in layout.fields]


@pytest.mark.parametrize(
    "data, why",
    [
        (None, "not an object"),
        ([], "not an object"),
        ({}, "it has no 'size'"),
        ({"size": "8"}, "size is '8'"),
        ({"size": -1}, "size is -1"),
        ({"size": 8, "fields": [["a"]]}, "a value is of the wrong kind"),
        ({"size": 8, "fields": [["a", "x", "UChar"]]}, "a value is of the wrong kind"),
        ({"size": 8, "fields": 5}, "a value is of the wrong kind"),
        ({"size": 8, "fields": [5]}, "a value is of the wrong kind"),
        ({"size": float("inf")}, "size is inf"),
        ({"size": 8, "fields": [["a", float("inf"), "UChar"]]}, "a value is of the wrong kind"),
        ({"size": 4, "values": [["a"]]}, "a value is of the wrong kind"),
        ({"size": 4, "values": [["a", None]]}, "a value is of the wrong kind"),
    ],
)
def test_damaged_json_names_the_type_and_the_damage(data: object, why: str) -> None:
    with pytest.raises(BadFormat) as caught:
        layout_from_json("_TOKEN", data)
    assert caught.value.message.startswith("layout of _TOKEN is damaged: ")
    assert why in caught.value.message
    assert caught.value.subject == "_TOKEN"


def test_a_type_that_is_not_known_matters_only_where_its_alignment_could() -> None:
    members = [Field("pointer", 0, "Ptr64 Void"), Field("odd", 8, "_NOT_KNOWN"), Field("last", 12, "Uint4B")]
    known = make_layout("_IN", None, members)
    # extent() still has to know where the last member ends; the unit is 8 whatever _NOT_KNOWN asks for.
    outer = make_layout(
        "_OUT", None, [Field("first", 0, "Ptr64 Void"), Field("part", 8, "_IN"), Field("end", 24, "UChar")]
    )
    sizes = {"_IN": make_layout("_IN", 16, members), "_OUT": outer}

    def some(name: str) -> Layout:
        if name not in sizes:
            raise TypeNotFound("no type %s" % name, name)
        return sizes[name]

    assert stride(outer, some) == 32
    narrow = make_layout("_NARROW", None, [Field("part", 0, "_IN"), Field("end", 16, "UChar")])
    assert stride(narrow, some) == 24
    with pytest.raises(TypeNotFound):
        stride(make_layout("_X", None, [Field("odd", 0, "_NOT_KNOWN")]), some)
    assert known.size is None


# --- sizes and alignment, at the edges that C's rule has


def known(**types: Layout) -> Callable[[str], Layout]:
    def resolve(name: str) -> Layout:
        if name not in types:
            raise TypeNotFound("no type %s" % name, name)
        return types[name]

    return resolve


@pytest.mark.parametrize(
    "members, size",
    [
        ([("A", 0, "UChar")], 1),
        ([("A", 0, "UChar"), ("B", 1, "UChar")], 2),
        ([("A", 0, "Uint4B"), ("B", 4, "UChar")], 8),
        ([("A", 0, "Uint2B"), ("B", 2, "UChar")], 4),
        ([("A", 0, "Ptr64 Void"), ("B", 8, "UChar")], 16),
        ([("A", 0, "Ptr32 Void"), ("B", 4, "UChar")], 8),
        ([("A", 0, "Uint16B"), ("B", 16, "UChar")], 24),  # no member asks for more than 8
        ([("A", 0, "[3] Uint2B")], 6),
        ([("A", 0, "[3] [2] Uint2B"), ("B", 12, "UChar")], 14),
        ([("A", 0, "Pos 0, 3 Bits")], 1),
        ([("A", 0, "Pos 0, 20 Bits")], 4),  # three bytes, in an integer of four
        ([("A", 0, "Pos 31, 2 Bits")], 8),
        ([("A", 0, "_PAIR"), ("B", 8, "UChar")], 12),
        ([("A", 0, "_KIND"), ("B", 4, "UChar")], 8),  # an enum is an int
        ([("A", 0, "[2] _KIND"), ("B", 8, "UChar")], 12),
        ([], 0),
    ],
)
def test_a_struct_is_rounded_up_to_its_widest_member(members: List[Any], size: int) -> None:
    resolve = known(
        _PAIR=make_layout("_PAIR", None, [Field("A", 0, "Uint4B"), Field("B", 4, "Uint4B")]),
        _KIND=make_layout("_KIND", None, (), [("One", 1)]),
    )
    made = make_layout("_X", None, [Field(*one) for one in members])
    assert stride(made, resolve) == size
    assert stride(make_layout("_X", 99, [Field(*one) for one in members]), resolve) == 99


@pytest.mark.parametrize(
    "kind, container, fits",
    [
        ("Pos 0, 1 Bit", "", True),
        ("Pos 63, 1 Bit", "", True),
        ("Pos 63, 2 Bits", "", False),
        ("Pos 31, 1 Bit", "Uint4B", True),
        ("Pos 31, 2 Bits", "Uint4B", False),
        ("Pos 7, 1 Bit", "UChar", True),
        ("Pos 8, 1 Bit", "UChar", False),
        ("Pos 0, 0 Bits", "", False),
        ("Pos x, 1 Bit", "", False),
        ("[1] UChar", "", True),
        ("[x] UChar", "", False),
        ("[-1] UChar", "", False),
    ],
)
def test_bits_and_arrays_that_can_be(kind: str, container: str, fits: bool) -> None:
    if fits:
        assert make_layout("_X", 8, [Field("A", 0, kind, container)]).field("A").type == kind
    else:
        with pytest.raises(BadFormat, match="_X.A is said to be"):
            make_layout("_X", 8, [Field("A", 0, kind, container)])


@pytest.mark.parametrize(
    "size, offset, kind, fits",
    [
        (8, 4, "Uint4B", True),
        (8, 5, "Uint4B", False),
        (8, 0, "Ptr64 Void", True),
        (7, 0, "Ptr64 Void", False),
        (8, 4, "Ptr32 Void", True),
        (12, 0, "[3] Uint4B", True),
        (11, 0, "[3] Uint4B", False),
        (12, 0, "[3] [2] Uint2B", True),
        (11, 0, "[3] [2] Uint2B", False),
        (4, 0, "Pos 24, 8 Bits", True),
        (3, 0, "Pos 23, 2 Bits", False),
        (8, 8, "_UNKNOWN", True),  # how large it is, its own layout says
        (8, 9, "_UNKNOWN", False),
        (8, -1, "UChar", False),
        (None, LARGEST - 1, "UChar", True),
        (None, LARGEST, "UChar", False),
    ],
)
def test_each_member_lies_within_its_struct(size: Optional[int], offset: int, kind: str, fits: bool) -> None:
    if fits:
        assert make_layout("_X", size, [Field("A", offset, kind)]).has("A")
    else:
        with pytest.raises(BadFormat, match="_X.A is said to lie at"):
            make_layout("_X", size, [Field("A", offset, kind)])


def test_a_type_of_a_gigabyte_is_one_and_of_more_is_damage() -> None:
    assert LARGEST == 0x40000000
    assert make_layout("_X", LARGEST).size == LARGEST and make_layout("_X", 0).size == 0
    for size in (-1, LARGEST + 1):
        with pytest.raises(BadFormat, match="_X takes %d bytes" % size):
            make_layout("_X", size)


def test_members_stand_in_the_order_of_offset_bit_and_name() -> None:
    rows = [
        ("B", 4, "Uint4B"),
        ("Z", 0, "Pos 4, 1 Bit"),
        ("Y", 0, "Pos 0, 4 Bits"),
        ("Whole", 0, "Uint4B"),
        ("A", 4, "Uint4B"),
    ]
    made = make_layout("_X", 8, [Field(*row) for row in rows])
    assert [one.name for one in made.fields] == ["Whole", "Y", "Z", "A", "B"]
    assert make_layout("_E", 4, (), [("B", 1), ("A", 1), ("C", -1)]).values == (("C", -1), ("A", 1), ("B", 1))


def test_where_a_member_would_lie_and_how_large_its_type_is_are_said() -> None:
    for size, said in ((8, "8"), (0, "0"), (None, "possible")):
        end = LARGEST + 4 if size is None else 12
        with pytest.raises(BadFormat) as failed:
            make_layout("_X", size, [Field("A", end - 4, "Uint4B")])
        assert failed.value.message == (
            "the symbols are damaged: _X.A is said to lie at %d to %d, outside the type's %s bytes"
            % (end - 4, end, said)
        )
        assert failed.value.subject == "_X"
