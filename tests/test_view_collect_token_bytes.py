"""Bytes of GetTokenInformation with the address at which they lay: pointers within them, and pointers that lie."""

import struct

import pytest

from kdtoken.errors import BadFormat
from kdtoken.model.absent import Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.view.collect.token_bytes import Block

BASE = 0x20000
EVERYONE = Sid.from_text("S-1-1-0")


def test_numbers_and_where_they_end() -> None:
    block = Block(BASE, bytes(range(1, 9)), 8)
    assert block.number(0) == 0x04030201 and block.number(4) == 0x08070605 and block.number(7, 1) == 8
    assert block.luid() == Luid.from_value(0x0807060504030201)
    for offset, size in ((5, 4), (8, 1), (-1, 1)):
        with pytest.raises(BadFormat, match="%d bytes at offset %d are not there" % (size, offset)):
            block.number(offset, size)


@pytest.mark.parametrize("width, code", [(4, "<II"), (8, "<QQ")])
def test_a_list_of_groups_of_either_width(width: int, code: str) -> None:
    """TOKEN_GROUPS: ULONG count, padded to a pointer; pairs of pointer and attributes; then the SIDs."""
    at = BASE + width + 2 * 2 * width  # behind the count and two pairs
    data = struct.pack("<I", 2).ljust(width, b"\0")
    data += struct.pack(code, at, 7) + struct.pack(code, 0, 7)  # the second pointer is null
    data += EVERYONE.to_bytes()
    assert Block(BASE, data, width).entries() == (Group(EVERYONE, 7), Unreadable(0, "the SID's pointer is null"))


def test_more_groups_than_there_is_room_for() -> None:
    with pytest.raises(BadFormat, match="5 groups do not fit 24 bytes"):
        Block(BASE, struct.pack("<Q", 5) + bytes(16), 8).entries()
    assert Block(BASE, bytes(8), 8).entries() == ()


@pytest.mark.parametrize("where", [BASE - 12, BASE + 100, BASE + 13, 1])
def test_a_pointer_out_of_the_bytes_is_no_sid(where: int) -> None:
    """Not even where counting from the end would find one."""
    data = struct.pack("<Q", where) + EVERYONE.to_bytes()
    with pytest.raises(BadFormat):
        Block(BASE, data, 8).sid()
    assert Block(BASE, bytes(8), 8).sid() is None


@pytest.mark.parametrize("width", [4, 8])
def test_names_of_security_attributes_of_either_width(width: int) -> None:
    """TOKEN_SECURITY_ATTRIBUTES_INFORMATION of version 1, the only one that ntseapi.h has, with one attribute."""
    form, step, name = ("<I", 24, "WIN://SYSAPPID") if width == 4 else ("<Q", 40, "WIN://SYSAPPID")
    text = name.encode("utf-16-le")
    attribute = 8 + width  # behind Version, Reserved, AttributeCount and the pointer
    head = struct.pack("<HHI", 1, 0, 1) + struct.pack(form, BASE + attribute)
    body = struct.pack("<HH", len(text), len(text)).ljust(width, b"\0") + struct.pack(form, BASE + attribute + step)
    data = head + body.ljust(step, b"\0") + text
    assert Block(BASE, data, width).attribute_names() == frozenset({name})
    with pytest.raises(BadFormat, match="version 2 of the security attributes is not known"):
        Block(BASE, struct.pack("<H", 2) + data[2:], width).attribute_names()
    with pytest.raises(BadFormat, match="3 security attributes are not there"):
        Block(BASE, data[:4] + struct.pack("<I", 3) + data[8:], width).attribute_names()


@pytest.mark.parametrize("letters", [0, 1, 127, 128, 300])
@pytest.mark.parametrize("count", [1, 2])
def test_names_of_security_attributes_of_any_length(letters: int, count: int) -> None:
    """Length of a UNICODE_STRING is a USHORT, in bytes; a step of 40 bytes to the next attribute."""
    text = ("x" * letters).encode("utf-16-le")
    names = 16 + 40 * count  # behind the head and the attributes
    data = struct.pack("<HHIQ", 1, 0, count, BASE + 16)
    for _ in range(count):
        data += struct.pack("<HHIQ", len(text), len(text), 0, BASE + names if text else 0).ljust(40, b"\0")
    assert Block(BASE, data + text, 8).attribute_names() == frozenset({"x" * letters})
    if letters:
        with pytest.raises(BadFormat, match="the name of a security attribute is not there"):
            Block(BASE, data + text[:-1], 8).attribute_names()
    with pytest.raises(BadFormat, match="%d security attributes are not there" % count):
        Block(BASE, data[:-1], 8).attribute_names()
