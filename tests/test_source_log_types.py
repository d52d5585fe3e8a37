"""Listings of `dt` in a log: lines, what belongs together, what is a layout and what is doubted."""

from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.layout.layout import Field, make_layout
from kdtoken.source.log.types import (
    Listing,
    Member,
    Types,
    _with_enums,
    enum_value_of,
    head_of,
    is_anonymous,
    member_of,
)


@pytest.mark.parametrize(
    "text, found",
    [
        ("   +0x0f8 Token            : _EX_FAST_REF", (3, 0xF8, "Token", "_EX_FAST_REF")),
        ("\t+0x000 LowPart : Uint4B  ", (8, 0, "LowPart", "Uint4B")),
        ("+0x4b8 Token : Ptr64 to struct _X, 1 elements, 0x8 bytes",
         (0, 0x4B8, "Token", "Ptr64 to struct _X, 1 elements, 0x8 bytes")),
        ("   +0x000 Kind             : ", (3, 0, "Kind", "")),  # dt -r prints an enum's values below
        ("   +0x123456789 A : Uint4B", None),  # nine digits: no offset
        ("   +0x000 Token", None),
        ("   0x000 Token : Uint4B", None),
        ("   +000 Token : Uint4B", None),
    ],
)  # fmt: skip
def test_a_member_line(text: str, found: Optional[Tuple[int, int, str, str]]) -> None:
    member = member_of(text, 12)
    assert (None if member is None else tuple(member)) == (None if found is None else (*found, 12))


@pytest.mark.parametrize(
    "text, found",
    [
        ("struct _LUID, 2 elements, 0x8 bytes", ("_LUID", 2, 8)),
        ("union _LARGE_INTEGER, 4 elements, 0x10 bytes", ("_LARGE_INTEGER", 4, 16)),
        ("class _X, 1 element, 0x1 bytes", ("_X", 1, 1)),
        ("Enum _TOKEN_TYPE,  2 total enums", ("_TOKEN_TYPE", 2, 4)),  # an enum of C is an int
        ("nt!_TOKEN", ("_TOKEN", None, None)),
        ("  nt!<unnamed-tag>  ", ("<unnamed-tag>", None, None)),
        ("nt!_TOKEN and more", None),
        ("struct _LUID", None),
        ("struct _LUID, 2 elements, 8 bytes", None),
    ],
)
def test_the_line_above_a_listing(text: str, found: Any) -> None:
    assert head_of(text) == found


@pytest.mark.parametrize(
    "text, found",
    [
        ("   TokenPrimary = 0n1", ("TokenPrimary", 1)),
        ("   Below = 0n-1", ("Below", -1)),
        ("   Plain = 12", ("Plain", 12)),
        ("   Less = -12", ("Less", -12)),
        ("   Sixteen = 0x10", ("Sixteen", 16)),
        # An int whose highest bit is set is negative; the engine writes what is not with 0n.
        ("   Minus = 0xffffffff", ("Minus", -1)),
        ("   Lowest = 0x80000000", ("Lowest", -(1 << 31))),
        ("   Highest = 0x7fffffff", ("Highest", (1 << 31) - 1)),
        ("   Decimal = 0n4294967295", ("Decimal", 4294967295)),
        ("   Counted = 4294967295", ("Counted", 4294967295)),
        ("   Beyond = 0x100000000", ("Beyond", 1 << 32)),
        ("TokenPrimary = 0n1", None),  # not indented: prose, or an assignment
        ("   Token Primary = 0n1", None),
        ("   TokenPrimary = one", None),
    ],
)
def test_a_line_of_an_enum(text: str, found: Any) -> None:
    assert enum_value_of(text) == found


def test_an_unnamed_union_is_told_from_a_named_one() -> None:
    assert is_anonymous("union , 3 elements, 0x4 bytes") and is_anonymous("  struct , 1 element, 0x4 bytes")
    assert not is_anonymous("union _U, 3 elements, 0x4 bytes") and not is_anonymous("union , of states")


def listing(rows: List[Tuple[Any, ...]], name: str = "_X", **given: Any) -> Listing:
    """A listing of plain `dt`; a row is (depth, offset, name, text)."""
    known = dict(
        elements=None, size=None, values=(), address=None, filtered=False, nested=False, broken=False, unnamed=0
    )
    members = tuple(Member(*row, 10 + index) for index, row in enumerate(rows))
    return Listing(type=name, members=members, line=9, **{**known, **given})  # type: ignore[arg-type]


def types_of(*listings: Listing) -> Types:
    types = Types()
    for one in listings:
        types.add(one)
    return types


LOW, HIGH = (3, 0, "LowPart", "Uint4B"), (3, 4, "HighPart", "Int4B")


def shown(types: Types, name: str) -> List[Tuple[str, int, str]]:
    return [(one.name, one.offset, one.type) for one in types.layouts[name][0].fields]


@pytest.mark.parametrize(
    "given, why",
    [
        ({}, None),
        ({"elements": 2}, None),
        ({"elements": 3, "unnamed": 1}, None),  # an unnamed union is counted, and at no offset
        ({"elements": 3}, "2 of its 3 members are there"),
        ({"elements": 4, "unnamed": 1}, "2 of its 4 members are there"),
        ({"elements": 1}, "2 of its 1 members are there"),  # lines of another listing came in between
        ({"filtered": True}, "only some fields were asked for"),
        ({"broken": True}, "lines are missing in the listing, whose text ends at +0x004"),
        ({"elements": 2, "filtered": True, "broken": True}, None),  # all that the header counts are there
    ],
)
def test_whether_a_listing_is_the_whole_type(given: Any, why: Optional[str]) -> None:
    types = types_of(listing([LOW, HIGH], **given))
    if why is None:
        assert shown(types, "_X") == [("LowPart", 0, "Uint4B"), ("HighPart", 4, "Int4B")] and not types.partial
        assert types.layouts["_X"][1] == 10  # the line of its first member
    else:
        assert types.partial == {"_X": (10, why)} and not types.layouts


def test_a_listing_without_its_beginning_is_not_the_whole_type() -> None:
    types = types_of(listing([HIGH]))
    assert types.partial["_X"] == (10, "the beginning of the listing is missing")


def test_a_nested_listing_whose_indentation_is_lost_is_not_the_whole_type() -> None:
    """Members of members at the offsets of members would be wrong values."""
    flat = [(3, 0, "Id", "_LUID"), (3, 0, "LowPart", "Uint4B"), (3, 4, "HighPart", "Int4B")]
    assert "indentation" in types_of(listing(flat, nested=True)).partial["_X"][1]
    assert shown(types_of(listing(flat)), "_X")  # it was not asked to be nested
    # Nothing in it could have been unfolded: it lost nothing.
    assert shown(types_of(listing([LOW, HIGH], nested=True)), "_X")


def test_a_listing_of_values_gives_values_and_no_layout() -> None:
    at = 0xFFFFA08011002380
    types = types_of(listing([(3, 0, "LowPart", "0x3e7"), (3, 4, "HighPart", "0n0")], address=at))
    assert [tuple(one) for one in types.values] == [
        ("_X", at, 0, "LowPart", "0x3e7", 10),
        ("_X", at, 4, "HighPart", "0n0", 11),
    ]
    assert not types.layouts and not types.partial
    assert not types_of(listing([LOW, HIGH])).values  # at no address


def test_the_size_is_the_headers_or_the_one_that_a_line_of_dt_v_tells() -> None:
    sized = (3, 8, "Luid", "struct _LUID, 2 elements, 0x8 bytes")
    types = types_of(listing([LOW, HIGH, sized], elements=3, size=0x10), listing([LOW], "_Y", elements=2, size=0x20))
    assert types.sizes == {"_X": 0x10, "_LUID": 8, "_Y": 0x20}
    assert types.layouts["_X"][0].size == 0x10
    types = types_of(listing([LOW, HIGH], elements=2, size=8), listing([LOW, HIGH], size=0x18, elements=2))
    assert types.sizes == {"_X": 8}  # the first, and that they differ is told


def test_two_listings_of_a_type_that_differ_are_doubted_and_those_that_agree_are_not() -> None:
    first, same = listing([LOW, HIGH]), listing([LOW, HIGH])
    assert not types_of(first, same).doubted
    other = listing([LOW, (3, 8, "HighPart", "Int4B")])._replace(line=30)
    assert types_of(first, other).doubted == {"_X": (10, 10)}
    small, big = listing([LOW, HIGH], size=8, elements=2), listing([LOW, HIGH], size=16, elements=2)
    assert "_X" in types_of(small, big).doubted
    assert not types_of(small, small).doubted
    # One that says no size contradicts none; the one that does is kept, whichever comes first.
    for pair in ((first, small), (small, first)):
        types = types_of(*pair)
        assert not types.doubted and types.layouts["_X"][0].size == 8
    one, two = (("A", 1), ("B", 2)), (("A", 1), ("B", 3))
    assert not types_of(listing([], values=one), listing([], values=one)).doubted
    assert "_X" in types_of(listing([], values=one), listing([], values=two)).doubted


def test_an_enum_is_whole_where_all_its_values_are_there() -> None:
    pairs = (("TokenPrimary", 1), ("TokenImpersonation", 2))
    for given in ({}, {"elements": 2}):
        types = types_of(listing([], values=pairs, **given))
        assert types.layouts["_X"] == (make_layout("_X", 4, (), pairs), 9)
    for given in ({"elements": 3}, {"elements": 1}, {"broken": True}, {"elements": 2, "broken": True}):
        assert types_of(listing([], values=pairs, **given)).partial == {"_X": (9, "the listing is cut")}
    nameless = types_of(listing([], "", values=pairs))
    assert not nameless.layouts and not nameless.partial


def test_a_type_without_a_name_is_kept_by_none() -> None:
    for name in ("", "__unnamed", "<unnamed-tag>"):
        types = types_of(listing([LOW, HIGH], name))
        assert not types.layouts and not types.partial


def test_what_dt_r_prints_in_place_of_an_enums_name_takes_the_name_of_a_listing_that_has_it() -> None:
    """`dt -r` writes the values of an enum below it; four bytes at the same place under the same name are that enum."""
    plain = [(3, 0, "TokenType", "_TOKEN_TYPE"), (3, 4, "Level", "Uint4B")]
    bare = [(3, 0, "TokenType", "Uint4B"), (3, 4, "Level", "Uint4B")]
    for pair in ((plain, bare), (bare, plain)):
        types = types_of(listing(pair[0]), listing(pair[1]))
        assert not types.doubted and shown(types, "_X") == [("TokenType", 0, "_TOKEN_TYPE"), ("Level", 4, "Uint4B")]
    for other in (
        [(3, 0, "TokenType", "_TOKEN_TYPE"), (3, 4, "Level", "_LEVEL"), (3, 8, "More", "Uint4B")],  # one more member
        [(3, 0, "OtherType", "_TOKEN_TYPE"), (3, 4, "Level", "Uint4B")],  # of another name
        [(3, 0, "TokenType", "Int4B"), (3, 4, "Level", "Uint4B")],  # no enum
    ):
        assert "_X" in types_of(listing(bare), listing(other)).doubted
    moved = [(3, 0, "TokenType", "Uint4B"), (3, 8, "Level", "_LEVEL")]  # at another place
    assert "_X" in types_of(listing(bare), listing(moved)).doubted


AT = 0xFFFFA08011002380


@pytest.mark.parametrize(
    "text, kind, elements, size, address",
    [
        # Embedded: at its own offset.
        ("_LUID", "_LUID", None, None, AT + 0x10),
        ("struct _LUID, 2 elements, 0x8 bytes", "_LUID", 2, 8, AT + 0x10),
        ("union _LUID, 2 elements, 0x8 bytes", "_LUID", 2, 8, AT + 0x10),
        ("class _LUID, 2 elements, 0x8 bytes", "_LUID", 2, 8, AT + 0x10),
        # Pointed to: where the pointer leads.
        ("0xffffa080`22000000 _LUID", "_LUID", None, None, 0xFFFFA08022000000),
        ("0xffffa080`22000000 struct _LUID, 2 elements, 0x8 bytes", "_LUID", 2, 8, 0xFFFFA08022000000),
        ("0x865ce8a8 _LUID", "_LUID", None, None, 0x865CE8A8),
        # Of what pointer, and which element, nobody said.
        ("Ptr64 _LUID", "_LUID", None, None, None),
        ("Ptr32 _LUID", "_LUID", None, None, None),
        ("[2] _LUID", "_LUID", None, None, None),
        ("[2] Ptr64 _LUID", "_LUID", None, None, None),
        ("Ptr64 to struct _LUID, 2 elements, 0x8 bytes", "_LUID", 2, 8, None),
    ],
)
def test_what_is_unfolded_below_a_member_is_the_type_of_that_member(
    text: str, kind: str, elements: Optional[int], size: Optional[int], address: Optional[int]
) -> None:
    rows = [(3, 0x10, "Id", text), (6, 0, "LowPart", "Uint4B"), (6, 4, "HighPart", "Int4B"), (3, 0x18, "Z", "UChar")]
    types = types_of(listing(rows, address=AT, nested=True))
    assert shown(types, kind) == [("LowPart", 0, "Uint4B"), ("HighPart", 4, "Int4B")]
    inner = [one.address for one in types.values if one.name == "LowPart"]
    assert inner == ([] if address is None else [address])
    assert [one.address for one in types.values if one.name == "Z"] == [AT]  # back in the outer struct
    assert types.sizes.get("_LUID") == size
    if elements:
        short = types_of(listing(rows[:2], address=AT, nested=True))
        assert short.partial["_LUID"][1] == "1 of its 2 members are there"


def test_what_is_unfolded_below_a_member_without_a_type_is_at_its_offset() -> None:
    """`dt nt!_X ADDRESS Member.` prints no type beside the member."""
    rows = [(3, 0x10, "Id", ""), (6, 4, "HighPart", "0n5")]
    (value,) = [one for one in types_of(listing(rows, address=AT)).values if one.name == "HighPart"]
    assert (value.type, value.address, value.offset) == ("", AT + 0x10, 4)
    odd = [(3, 0x10, "Id", "what is this?"), (6, 4, "HighPart", "0n5")]
    assert [one.name for one in types_of(listing(odd, address=AT)).values] == ["Id"]


def test_three_levels_are_told_apart_by_their_indentation() -> None:
    rows = [
        (3, 0, "Outer", "_MIDDLE"),
        (6, 0, "Middle", "_INNER"),
        (9, 0, "Deep", "UChar"),
        (9, 1, "Deeper", "UChar"),
        (6, 8, "MiddleToo", "UChar"),
        (3, 0x10, "OuterToo", "UChar"),
    ]
    types = types_of(listing(rows, nested=True))
    assert shown(types, "_X") == [("Outer", 0, "_MIDDLE"), ("OuterToo", 0x10, "UChar")]
    assert shown(types, "_MIDDLE") == [("Middle", 0, "_INNER"), ("MiddleToo", 8, "UChar")]
    assert shown(types, "_INNER") == [("Deep", 0, "UChar"), ("Deeper", 1, "UChar")]
    assert types.layouts["_INNER"][0].fields[0] == Field("Deep", 0, "UChar")
    # From the third level back to the first.
    types = types_of(listing([*rows[:4], rows[5]], nested=True))
    assert shown(types, "_X") == [("Outer", 0, "_MIDDLE"), ("OuterToo", 0x10, "UChar")]


@pytest.mark.parametrize(
    "bare, other, kind",
    [
        ("Uint4B", "_TOKEN_TYPE", "_TOKEN_TYPE"),
        ("Uint4B", "Int4B", "Uint4B"),  # no enum
        ("Uint8B", "_LARGE_INTEGER", "Uint8B"),  # no enum has eight bytes
        ("Int4B", "_TOKEN_TYPE", "Int4B"),
        ("_OTHER", "_TOKEN_TYPE", "_OTHER"),
    ],
)
def test_only_four_bytes_may_be_an_enum(bare: str, other: str, kind: str) -> None:
    one, two = make_layout("_X", 8, [Field("A", 0, bare)]), [Field("A", 0, other)]
    assert [field.type for field in _with_enums(one, two).fields] == [kind]
    assert _with_enums(one, [Field("A", 4, other)]) == _with_enums(one, [Field("B", 0, other)]) == one
    assert _with_enums(one, []) == one
