"""One struct: members by path, each of them known, unreadable or absent."""

import pytest

from kdtoken.decode.structure import (
    Numbers,
    Place,
    Structure,
    find,
    offset_of,
    pointer_width,
    printable,
    read_members,
    read_structure,
    unreadable,
)
from kdtoken.decode.token import decode_token
from kdtoken.errors import BadFormat, FieldNotFound, MemoryUnreadable, NotRecorded, TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.model.absent import Absent, NotAsked, Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import Origin, Token
from kdtoken.source.base import Span
from kdtoken.source.cached import CachedSource
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
AT = 0xFFFFA08077000000 - 0x10  # the border is behind the first 16 bytes
TYPES = {
    "_INNER": make_layout("_INNER", 8, [Field("Low", 0, "Uint4B"), Field("High", 4, "Int4B")]),
    "_OUTER": make_layout(
        "_OUTER",
        0x28,
        [
            Field("Flags", 0, "Uint4B"),
            Field("Two", 0, "Pos 1, 2 Bits"),
            Field("Last", 0, "Pos 31, 1 Bit"),
            Field("Late", 0, "Pos 9, 3 Bits"),
            Field("Inner", 4, "_INNER"),
            Field("Name", 0xC, "[6] UChar"),
            Field("Words", 0x12, "[3] Uint2B"),
            Field("Pointer", 0x18, "Ptr64 _INNER"),
            Field("None", 0x20, "[0] Uint4B"),
        ],
    ),
}
DATA = (
    (0x80000A06).to_bytes(4, "little")  # Two is 3, Late is 5, Last is 1
    + (7).to_bytes(4, "little")
    + (-2).to_bytes(4, "little", signed=True)  # Inner
    + b"ab\x80\0zz"  # Name: ends at its NUL
    + b"\1\0\2\0\3\0"  # Words
    + (0xFFFFE00000000010).to_bytes(8, "little")  # Pointer
    + bytes(8)
)


class Small(SyntheticSource):
    def layout(self, name: str) -> Layout:
        return TYPES[name] if name in TYPES else super().layout(name)


@pytest.fixture
def target() -> Small:
    there = Small(KERNEL)
    there.poke(AT, DATA)
    return there


@pytest.fixture
def outer(target: Small) -> Structure:
    return read_structure(target, "_OUTER", AT)


@pytest.mark.parametrize(
    "path, value",
    [
        ("Flags", 0x80000A06),
        ("Two", 3),
        ("Last", 1),
        ("Late", 5),
        ("Inner.Low", 7),
        ("Inner.High", 0xFFFFFFFE),
        ("Pointer", 0xFFFFE00000000010),
    ],
)
def test_unsigned(outer: Structure, path: str, value: int) -> None:
    assert outer.uint(path) == value


def test_signed(outer: Structure) -> None:
    assert outer.sint("Inner.High") == -2


def test_text_ends_at_its_nul_and_guesses_no_code_page(outer: Structure) -> None:
    assert outer.text("Name") == "ab\\x80"


def test_text_without_a_nul_is_the_whole_array(target: Small) -> None:
    target.poke(AT + 0xC, b"abcdef")
    assert read_structure(target, "_OUTER", AT).text("Name") == "abcdef"


def test_arrays(outer: Structure) -> None:
    assert outer.array("Words") == (1, 2, 3)
    assert outer.array("None") == ()
    assert outer.array("Flags") == ()


def test_a_luid(outer: Structure) -> None:
    assert outer.luid("Inner") == Luid(-2, 7)


@pytest.mark.parametrize("path", ["Nope", "Nope.Low", "Inner.Nope", "Pointer.Low", "Words.Low", "Flags.Low", "Two.Low"])
def test_no_such_path_is_absent_and_says_which(outer: Structure, path: str) -> None:
    """Neither through an integer nor through a pointer does a path go on."""
    assert outer.uint(path) == Absent("_OUTER." + path)
    assert not outer.has(path)


def test_origins_hold_address_and_bytes(outer: Structure) -> None:
    outer.uint("Inner.High")
    assert outer.origins == {"Inner.High": Origin("_OUTER", "Inner.High", AT + 8, DATA[8:12])}


def test_what_is_not_asked_has_no_origin(outer: Structure) -> None:
    assert outer.origins == {}


def test_beyond_the_border_is_unreadable_and_before_it_is_not(target: Small) -> None:
    target.without_mapping([AT + 0x10])
    outer = read_structure(target, "_OUTER", AT)
    assert outer.uint("Flags") == 0x80000A06
    assert outer.uint("Pointer") == Unreadable(AT + 0x18, "not mapped")
    assert outer.array("Words") == Unreadable(AT + 0x12, "not mapped")


def test_a_member_across_the_border_is_unreadable_as_a_whole(target: Small) -> None:
    target.without_mapping([AT + 0x10])
    assert read_structure(target, "_OUTER", AT).text("Name") == Unreadable(AT + 0xC, "not mapped")


def test_the_far_side_of_a_missing_page_is_still_read(target: Small) -> None:
    target.without_pages([AT])
    outer = read_structure(target, "_OUTER", AT)
    assert outer.uint("Pointer") == 0xFFFFE00000000010
    assert outer.uint("Flags") == Unreadable(AT, "paged out")


def test_members_are_fetched_in_one_request(target: Small) -> None:
    target.reset_counters()
    outer = read_members(target, "_OUTER", AT, ["Inner.High", "Words", "Nope"])
    assert target.log == [(AT + 8, 0x18 - 8)]
    assert (outer.sint("Inner.High"), outer.array("Words")) == (-2, (1, 2, 3))


def test_a_member_outside_the_stretch_is_not_zero(target: Small) -> None:
    outer = read_members(target, "_OUTER", AT, ["Words"])
    assert isinstance(outer.uint("Flags"), Unreadable)


def test_members_that_no_build_has_ask_nothing(target: Small) -> None:
    target.reset_counters()
    assert read_members(target, "_OUTER", AT, ["Nope"]).uint("Nope") == Absent("_OUTER.Nope")
    assert target.log == []


def test_bytes_around_stop_at_the_page(target: Small) -> None:
    """`after` takes what lies in the struct's last page, never one page more."""
    target.reset_counters()
    read_structure(target, "_OUTER", AT + 0xFC0, 8, 0x4000)
    assert target.log == [(AT + 0xFC0 - 8, 8 + 0x50)]


def test_offsets(target: Small) -> None:
    layout = target.layout("_OUTER")
    assert offset_of(target, layout, "Inner.High") == 8
    assert find(target, layout, "Inner.High") == (8, Field("High", 4, "Int4B"))
    with pytest.raises(FieldNotFound, match="_OUTER has no field Nope"):
        offset_of(target, layout, "Nope.Low")
    with pytest.raises(FieldNotFound, match="Inner.Nope|no field Nope"):
        offset_of(target, layout, "Inner.Nope")


@pytest.mark.parametrize("path", ["Inner", "Inner.High"])
def test_an_embedded_struct_that_ends_behind_its_own_is_refused(target: Small, path: str) -> None:
    """Its offset is within _LATE, its own size is told elsewhere: what lies there is the next thing in memory."""
    late = make_layout("_LATE", 0x28, [Field("Inner", 0x24, "_INNER")])  # 8 bytes from 0x24 on
    target._changed["_LATE"] = late
    structure = Structure(target, "_LATE", AT, Span(AT, 0x40, ((AT, bytes(0x40)),)))
    with pytest.raises(BadFormat, match="_LATE.%s is said to end at 44, and the type at 40" % path):
        structure.uint(path)


def test_an_unknown_embedded_type_is_named(target: Small) -> None:
    with pytest.raises(TypeNotFound, match="_TOKEN_SOURCE"):
        target.without_type("_TOKEN_SOURCE")
        read_structure(target, "_TOKEN", AT).text("TokenSource.SourceName")


def test_the_width_of_a_pointer_is_the_targets() -> None:
    assert pointer_width(Small(KERNEL)) == 8


def test_printable_keeps_ascii_only() -> None:
    assert printable(b"a\x1b[2J\x7f~ ") == "a\\x1b[2J\\x7f~ "


def test_a_failed_read_as_a_value() -> None:
    assert unreadable(MemoryUnreadable(16, 8, "paged out")) == Unreadable(16, "paged out")
    assert unreadable(NotRecorded(16, 8, "record again")) == Unreadable(16, "not recorded", "record again")


def test_an_empty_span_holds_nothing(target: Small) -> None:
    assert Structure(target, "_OUTER", AT, Span(AT, 0, ())).uint("Flags") == Unreadable(
        AT, "outside the range that was read"
    )


def hand_made() -> Numbers:
    """Of a struct {u8 A; u8 Bit : 2 @1; u16 B @2; u64 D @8; u32 C @16}, and what cannot be taken in one go: E and F lie over D."""
    numbers = Numbers()
    for path, place in (
        ("C", Place(16, 4, None, 0)),
        ("A", Place(0, 1, None, 0)),
        ("D", Place(8, 8, None, 0)),
        ("E", Place(12, 4, None, 0)),
        ("F", Place(7, 2, None, 0)),
        ("B", Place(2, 2, None, 0)),
        ("Odd", Place(20, 3, None, 0)),
        ("Bit", Place(1, 1, (3, 2), 0)),
    ):
        numbers.add(path, place)
    return numbers


def test_numbers_of_a_struct_are_taken_out_of_its_bytes_at_once() -> None:
    data = bytes(range(0x5A, 0x5A + 24))
    found = hand_made().of(data, 0)
    assert found.pop("at 1 B") == 0x5B  # what holds Bit, which are its bits 3 and 4
    assert found == {"A": 0x5A, "Bit": 3, "B": 0x5D5C, "D": 0x6968676665646362, "C": 0x6D6C6B6A}
    assert hand_made().of(b"before" + data, 6) == hand_made().of(data, 0)


def test_several_bit_fields_and_the_number_that_holds_them_are_taken_once() -> None:
    numbers = Numbers()
    for path, place in (
        ("Low", Place(4, 4, (0, 4), 0)),
        ("Whole", Place(4, 4, None, 0)),  # lies over what holds Low by now, so it is left
        ("High", Place(4, 4, (28, 4), 0)),
        ("Narrow", Place(4, 1, (0, 4), 0)),  # in a byte of it
    ):
        numbers.add(path, place)
    assert numbers.of(bytes(4) + b"\x05\0\0\xc0", 0) == {"at 4 I": 0xC0000005, "Low": 5, "High": 12}


def test_pieces_of_bytes_are_taken_at_once() -> None:
    numbers = Numbers()
    assert numbers.pieces_of(b"", 0) == {}
    for path, place in (
        ("Name", Place(2, 3, None, 3)),
        ("Within", Place(3, 1, None, 0)),
        ("First", Place(0, 1, None, 0)),
    ):
        numbers.add_piece(path, place)
    assert numbers.pieces_of(b"abcdef", 0) == {"First": b"a", "Name": b"cde"}
    assert numbers.pieces_of(b"abcd", 0) == {}
    numbers.add_piece("Over", Place(1, 2, None, 0))  # what is taken already stays
    assert set(numbers.pieces_of(b"abcdef", 0)) == {"First", "Name"}


@pytest.mark.parametrize("number, size", [(-2, 4), (2, 4), (-(1 << 63), 8), ((1 << 63) - 1, 8), (-1, 1), (127, 1)])
def test_signed_numbers_are_learnt_too(number: int, size: int) -> None:
    """Of the second struct they come out of what was taken at once."""
    kinds = {4: "Int4B", 8: "Int8B", 1: "Char"}
    source = Small(KERNEL)
    source._changed["_SIGNED"] = make_layout("_SIGNED", 16, [Field("Number", 8, kinds[size])])
    source.poke(AT, bytes(8) + number.to_bytes(size, "little", signed=True))
    target = CachedSource(source)
    found = [read_structure(target, "_SIGNED", AT, origins=False).sint("Number") for _ in range(3)]
    assert found == [number] * 3


def test_no_number_is_taken_of_bytes_that_are_not_all_there() -> None:
    data = bytes(24)
    assert hand_made().of(data[:19], 0) == {} and hand_made().of(data[1:], -1) == {}
    assert len(hand_made().of(data[:20], 0)) == 6
    assert Numbers().of(b"", 0) == {}


def test_what_is_asked_of_one_struct_is_ready_in_the_next() -> None:
    """By name, and the same as read one by one: with origins nothing is taken in advance."""
    source = CachedSource(SyntheticSource(KERNEL))
    addresses = sorted(KERNEL.tokens.values())
    paths = ("TokenId", "SessionId", "Privileges.Present", "UserAndGroups", "TokenFlags", "Nothing")
    for address in addresses:
        lean = read_structure(source, "_TOKEN", address, origins=False)
        whole = read_structure(source, "_TOKEN", address)
        for path in paths:
            assert lean.uint(path) == whole.uint(path), (hex(address), path)
        assert lean.luid("TokenId") == whole.luid("TokenId") and lean.sint("ExpirationTime") == whole.sint(
            "ExpirationTime"
        )
        assert lean.origins == {} and set(whole.origins) >= {"TokenId", "SessionId"}


def test_a_lean_token_says_what_a_whole_one_says() -> None:
    """Every member of every token that both read, paged-out ones among them; in any order of tokens."""
    for follow_first in (True, False):
        source = CachedSource(SyntheticSource(KERNEL))
        names = NAMES
        for address in sorted(KERNEL.tokens.values(), reverse=follow_first):
            lean, whole = decode_token(source, address, names, False), decode_token(source, address, names)
            if not isinstance(whole, Token):
                assert lean == whole
                continue
            assert isinstance(lean, Token)
            for name, value in vars(lean).items():
                if not isinstance(value, NotAsked) and name not in ("origins", "unnamed", "problems"):
                    assert value == getattr(whole, name), (hex(address), name)
