"""Sid against [MS-DTYP] 2.4.2: bytes, text, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.model.sid import MAX_SIZE, Sid, sid_length

ADMINISTRATORS = bytes(
    [
        0x01,  # Revision
        0x02,  # SubAuthorityCount
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x05,  # IdentifierAuthority, big-endian: NT authority
        0x20,
        0x00,
        0x00,
        0x00,  # 32, BUILTIN
        0x20,
        0x02,
        0x00,
        0x00,  # 544, Administrators
    ]
)

sids = st.builds(
    Sid,
    st.one_of(st.integers(0, 20), st.integers(0, (1 << 48) - 1)),
    st.lists(st.integers(0, (1 << 32) - 1), max_size=15).map(tuple),
)


def test_bytes_to_sid() -> None:
    sid = Sid.parse(ADMINISTRATORS)
    assert sid == Sid(5, (32, 544))
    assert str(sid) == "S-1-5-32-544"
    assert (sid.rid, sid.size) == (544, 16)
    assert sid.to_bytes() == ADMINISTRATORS


def test_offset_and_what_follows_are_left_alone() -> None:
    assert Sid.parse(b"\xff" * 3 + ADMINISTRATORS + b"\xff" * 40, 3) == Sid(5, (32, 544))


def test_authority_is_big_endian() -> None:
    assert Sid.parse(bytes([1, 0, 0x10, 0, 0, 0, 0, 0])).authority == 0x100000000000


@pytest.mark.parametrize(
    "authority, text",
    [
        # [MS-DTYP] 2.4.2.1: decimal below 2**32, else 0x and all twelve digits.
        (0xFFFFFFFF, "S-1-4294967295-1"),
        (0x100000000, "S-1-0x000100000000-1"),
        (0x100000000000, "S-1-0x100000000000-1"),
        (0xABCDEF012345, "S-1-0xabcdef012345-1"),
    ],
)
def test_large_authority_is_hex(authority: int, text: str) -> None:
    sid = Sid(authority, (1,))
    assert str(sid) == text
    assert Sid.from_text(text) == sid
    assert Sid.from_text(text.upper()) == sid


@pytest.mark.parametrize("text", ["S-1-5", "s-1-5-18", " S-1-5-18\n", "S-1-0x5-18"])
def test_lenient_text(text: str) -> None:
    assert Sid.from_text(text).authority == 5


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "not the text of a SID"),
        ("S-1", "not the text of a SID"),
        ("S-2-5-18", "not the text of a SID"),
        ("S-1-5--18", "not the text of a SID"),
        ("S-1-5-18x", "not the text of a SID"),
        ("S-1-5-4294967296", "does not fit 32 bits"),
        ("S-1-281474976710656-1", "does not fit 48 bits"),
        ("S-1-5" + "-1" * 16, "16 sub-authorities"),
    ],
)
def test_bad_text(text: str, message: str) -> None:
    with pytest.raises(BadFormat, match=message):
        Sid.from_text(text)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "8 bytes for its header, only 0"),
        (ADMINISTRATORS[:7], "only 7"),
        (b"\x02" + ADMINISTRATORS[1:], r"Revision \(byte 0\) is 2"),
        (b"\x00" * 8, r"Revision \(byte 0\) is 0"),
        (b"\x01\x10" + ADMINISTRATORS[2:], r"SubAuthorityCount \(byte 1\) is 16"),
        (ADMINISTRATORS[:15], "cut off: SubAuthorityCount .* 16 bytes, only 15"),
    ],
)
def test_bad_bytes(data: bytes, message: str) -> None:
    with pytest.raises(BadFormat, match=message):
        Sid.parse(data)


def test_negative_offset_is_refused() -> None:
    with pytest.raises(BadFormat, match="negative"):
        Sid.parse(ADMINISTRATORS, -16)


def test_sid_length() -> None:
    assert sid_length(ADMINISTRATORS[:8]) == 16
    assert sid_length(bytes([1, 0, 0, 0, 0, 0, 0, 0])) == 8
    assert sid_length(bytes([1, 15, 0, 0, 0, 0, 0, 0])) == MAX_SIZE == 68  # winnt.h SECURITY_MAX_SID_SIZE


@pytest.mark.parametrize(
    "text, true",
    [
        ("S-1-5-21-1-2-3-1001", "is_domain_relative"),
        ("S-1-5-5-0-12345", "is_logon_sid"),
        ("S-1-16-8192", "is_integrity_label"),
        ("S-1-15-3-1", "is_capability"),
        ("S-1-15-2-1", "is_package"),
        ("S-1-19-512-8192", "is_trust_label"),
        ("S-1-5-80-1-2-3-4-5", "is_service"),
        ("S-1-5-21-1-2-3", ""),
        ("S-1-5-21-0-0-0-497", ""),
        ("S-1-5-80-0", ""),
        ("S-1-5-18", ""),
        ("S-1-16", ""),
        ("S-1-15-2", ""),
    ],
)
def test_kinds(text: str, true: str) -> None:
    kinds = "is_domain_relative is_logon_sid is_integrity_label is_capability is_package is_trust_label is_service"
    sid = Sid.from_text(text)
    assert [kind for kind in kinds.split() if getattr(sid, kind)] == ([true] if true else [])


def test_order_hash_and_no_rid() -> None:
    texts = ["S-1-5", "S-1-5-18", "S-1-5-19", "S-1-5-32-544", "S-1-16-0"]
    assert [str(sid) for sid in sorted(map(Sid.from_text, reversed(texts)))] == texts
    assert len({Sid.from_text("S-1-5-18"), Sid(5, (18,))}) == 1
    assert Sid(5).rid is None


@given(sids)
def test_round_trips(sid: Sid) -> None:
    data = sid.to_bytes()
    assert len(data) == sid.size == sid_length(data[:8])
    assert Sid.parse(data) == sid
    assert Sid.from_text(str(sid)) == sid


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        sid = Sid.parse(data)
    except BadFormat:
        return
    assert data.startswith(sid.to_bytes())


KINDS = "is_domain_relative is_logon_sid is_integrity_label is_capability is_package is_trust_label is_service"


@pytest.mark.parametrize(
    "text, true",
    [
        # One number more or less, its neighbour, another authority: none of that kind.
        ("S-1-5-21-1-2-3-4-5", ""),
        ("S-1-5-22-1-2-3-1001", ""),
        ("S-1-6-21-1-2-3-1001", ""),
        ("S-1-5-21-0-0-1-5", "is_domain_relative"),
        ("S-1-5-21-0-1-0-5", "is_domain_relative"),
        ("S-1-5-21-1-0-0-5", "is_domain_relative"),
        ("S-1-5-5-0", ""),
        ("S-1-5-5-0-1-2", ""),
        ("S-1-5-6-0-1", ""),
        ("S-1-4-5-0-1", ""),
        ("S-1-16-8192-1", ""),
        ("S-1-15-8192", ""),
        ("S-1-17-8192", ""),
        ("S-1-15-3", ""),
        ("S-1-15-3-1024-1-2-3-4-5-6-7-8", "is_capability"),
        ("S-1-16-3-1", ""),
        ("S-1-15-4-1", ""),
        ("S-1-15-1-1", ""),
        ("S-1-5-2-1", ""),
        ("S-1-19-512", ""),
        ("S-1-19-512-8192-1", ""),
        ("S-1-18-512-8192", ""),
        ("S-1-20-512-8192", ""),
        ("S-1-5-80-1-2-3-4", ""),
        ("S-1-5-80-1-2-3-4-5-6", ""),
        ("S-1-5-81-1-2-3-4-5", ""),
        ("S-1-5-79-1-2-3-4-5", ""),
        ("S-1-15-80-1-2-3-4-5", ""),
    ],
)
def test_what_is_nearly_of_a_kind_is_not(text: str, true: str) -> None:
    sid = Sid.from_text(text)
    assert [kind for kind in KINDS.split() if getattr(sid, kind)] == ([true] if true else [])


def test_numbers_at_their_limits() -> None:
    assert Sid((1 << 48) - 1, ((1 << 32) - 1,) * 15).size == 68
    for authority, rest in ((1 << 48, ()), (-1, ()), (5, (1 << 32,)), (5, (-1,)), (5, (1,) * 16)):
        with pytest.raises(BadFormat):
            Sid(authority, rest)
    for revision in (0, 2):
        with pytest.raises(BadFormat, match="revision"):
            Sid(5, (18,), revision)


def test_beginnings() -> None:
    sid = Sid(5, (21, 1, 2))
    assert sid.starts_with(5) and sid.starts_with(5, 21) and sid.starts_with(5, 21, 1, 2)
    assert not sid.starts_with(5, 21, 1, 2, 3) and not sid.starts_with(5, 1) and not sid.starts_with(4, 21)


def test_bytes_behind_an_offset_and_a_cut() -> None:
    with pytest.raises(BadFormat, match="only 3"):
        Sid.parse(ADMINISTRATORS, 13)
    with pytest.raises(BadFormat, match="only 0"):
        Sid.parse(ADMINISTRATORS, 99)
    with pytest.raises(BadFormat, match="cut off"):
        Sid.parse(ADMINISTRATORS[:12])
    # Numbers are little-endian, the authority is not.
    assert Sid.parse(bytes.fromhex("010100000000000504030201")) == Sid(5, (0x01020304,))
    assert Sid(5, (0x01020304,)).to_bytes() == bytes.fromhex("010100000000000504030201")
