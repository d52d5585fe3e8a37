"""Luid: [MS-DTYP] 2.3.7 bytes, the text forms WinDbg prints, and ntifs.h's shared logon ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.model.luid import Luid


def test_bytes() -> None:
    # LowPart e7 03 00 00, then HighPart.
    assert Luid.parse(b"\xe7\x03\x00\x00\x00\x00\x00\x00") == Luid(0, 0x3E7)
    assert Luid.parse(b"\xff\x01\x00\x00\x00\xff\xff\xff\xff", 1) == Luid(-1, 1)


def test_text() -> None:
    assert str(Luid(0, 0x3E7)) == "0x3e7"
    assert str(Luid(1, 0x3E7)) == "0x1:3e7"
    assert str(Luid(-1, 0)) == "0xffffffff:0"


@pytest.mark.parametrize("text", ["0x3e7", "3E7", "0:3e7", "0x0:3e7", "0x0:0x3e7", "(0,0x3e7)", " 0:3e7 "])
def test_from_text(text: str) -> None:
    assert Luid.from_text(text) == Luid(0, 0x3E7)


@pytest.mark.parametrize("text", ["", "x", "0:", ":3e7", "0:1:2", "0:100000000", "-1", "0x10000000000000000"])
def test_bad_text(text: str) -> None:
    with pytest.raises(BadFormat, match="LUID"):
        Luid.from_text(text)


def test_bad_numbers() -> None:
    with pytest.raises(BadFormat, match="only 7 here"):
        Luid.parse(b"\0" * 7)
    with pytest.raises(BadFormat, match="64 bits"):
        Luid.from_value(1 << 64)
    with pytest.raises(BadFormat, match="HighPart"):
        Luid(1 << 31, 0)
    with pytest.raises(BadFormat, match="LowPart"):
        Luid(0, -1)


def test_well_known_logons() -> None:
    names = {value: Luid.from_value(value).logon_name for value in range(0x3E2, 0x3E9)}
    assert names == {
        0x3E2: "PROTECTED TO SYSTEM",
        0x3E3: "IUSR",
        0x3E4: "NETWORK SERVICE",
        0x3E5: "LOCAL SERVICE",
        0x3E6: "ANONYMOUS LOGON",
        0x3E7: "SYSTEM",
        0x3E8: None,
    }
    assert Luid(1, 0x3E7).logon_name is None


@given(st.integers(0, (1 << 64) - 1))
def test_round_trips(value: int) -> None:
    luid = Luid.from_value(value)
    assert luid.value == value
    assert Luid.parse(luid.to_bytes()) == luid
    assert Luid.from_text(str(luid)) == luid


def test_the_ends_of_both_halves() -> None:
    """LARGE_INTEGER-like: HighPart is a LONG, LowPart a ULONG ([MS-DTYP] 2.3.7)."""
    for high, low in ((-(1 << 31), 0), ((1 << 31) - 1, (1 << 32) - 1), (0, 0)):
        assert Luid.from_value(Luid(high, low).value) == Luid(high, low)
    for high, low in ((-(1 << 31) - 1, 0), (1 << 31, 0), (0, -1), (0, 1 << 32)):
        with pytest.raises(BadFormat):
            Luid(high, low)


@pytest.mark.parametrize(
    "number, high, low",
    [
        (-1, -1, 0xFFFFFFFF),
        (-(1 << 63), -(1 << 31), 0),
        ((1 << 64) - 1, -1, 0xFFFFFFFF),
        ((1 << 63) - 1, (1 << 31) - 1, 0xFFFFFFFF),
        (1 << 63, -(1 << 31), 0),
        (0, 0, 0),
        (1 << 32, 1, 0),
    ],
)
def test_a_number_of_64_bits_signed_or_not(number: int, high: int, low: int) -> None:
    assert Luid.from_value(number) == Luid(high, low)


def test_numbers_past_64_bits_and_bytes_before_the_start() -> None:
    for number in (1 << 64, -(1 << 63) - 1):
        with pytest.raises(BadFormat, match="64 bits"):
            Luid.from_value(number)
    with pytest.raises(BadFormat, match="only 0 here"):
        Luid.parse(b"\0" * 16, -8)
    assert Luid.parse(b"\0" * 8 + b"\1" + b"\0" * 7, 8) == Luid(0, 1)


@pytest.mark.parametrize("text", ["\t0x3e7\n", "(0x0,0x3E7)", "( 0 : 3e7 )", "00000000:000003e7", "0:0x3e7"])
def test_blanks_brackets_and_zeros_around_it(text: str) -> None:
    assert Luid.from_text(text) == Luid(0, 0x3E7)


def test_a_lone_number_is_all_64_bits_and_two_are_the_halves() -> None:
    assert Luid.from_text("100000001") == Luid(1, 1) == Luid.from_text("1:1") == Luid.from_text("1,0x1")
    assert Luid.from_text("0:ffffffff") == Luid(0, 0xFFFFFFFF)
    assert Luid.from_text("ffffffff:0") == Luid(-1, 0)
