"""Resource attributes: what a SYSTEM_RESOURCE_ATTRIBUTE_ACE holds, as bytes and as text.

``CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1`` of [MS-DTYP] 2.4.10.1; the text is "attribute-data" of 2.5.1.1:
``("colour",TS,0x0,"blue","red")``.
"""

import re
from typing import List, Optional, Tuple, Union

from construct import Array, ConstructError, Int16ul, Int32ul, Struct, this  # type: ignore[import-untyped]

from kdtoken.errors import BadFormat
from kdtoken.model.acl import Ace
from kdtoken.model.condition.text import _unescaped, escaped
from kdtoken.model.condition.tokens import (
    BOOLEAN,
    INT64,
    OCTET_STRING,
    SID,
    STRING,
    TYPE_CODES,
    TYPE_WORDS,
    UINT64,
    Values,
)
from kdtoken.model.cursor import LONGEST_NUMBER, Cursor
from kdtoken.model.sid import Sid
from kdtoken.model.sid_aliases import alias_of_sid, sid_of_alias

HEADER = Struct(
    "name" / Int32ul,  # offsets from the start of the structure
    "type" / Int16ul,
    "reserved" / Int16ul,
    "flags" / Int32ul,
    "count" / Int32ul,
    "offsets" / Array(this.count, Int32ul),
)
_FIXED = 16  # bytes before the offsets

_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9A-Fa-f]+|[0-9]+)")
_HEX = re.compile(r"#?[0-9A-Fa-f]*")
_SID_WORD = re.compile(r"[sS]-[0-9A-Za-z-]+|[A-Za-z]{2}")

Value = Union[int, str, bytes, Sid]


def resource_attribute(ace: Ace) -> Tuple[str, Values]:
    """Name and values that a resource attribute ACE gives its object; :class:`BadFormat` if it is malformed."""
    return parse_attribute(ace.application_data)


def parse_attribute(data: bytes) -> Tuple[str, Values]:
    """Name and values of a CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1; :class:`BadFormat` says what is wrong."""
    if len(data) >= _FIXED and int.from_bytes(data[12:16], "little") > (len(data) - _FIXED) // 4:
        raise BadFormat("resource attribute: ValueCount (byte 12) is more than fits", data.hex())
    try:
        header = HEADER.parse(data)
    except ConstructError:
        raise BadFormat("resource attribute: cut off after %d bytes" % len(data), data.hex()) from None
    kind = int(header.type)
    if kind not in TYPE_WORDS:
        raise BadFormat("resource attribute: ValueType (byte 4) is 0x%x, which is none" % kind, data.hex())
    values = tuple(_value(data, int(offset), kind) for offset in header.offsets)
    return _string(data, int(header.name)), Values(kind, values, int(header.flags))


def attribute_bytes(name: str, values: Values) -> bytes:
    """The structure as Windows lays it out: header, offsets, name, values one after the other, nothing aligned."""
    body = _string_bytes(name)
    start = _FIXED + 4 * len(values.values)
    offsets = []
    for value in values.values:
        offsets.append(start + len(body))
        body += _value_bytes(value, values.type)
    fields = {"name": start, "type": values.type, "reserved": 0, "flags": values.flags, "count": len(offsets)}
    return bytes(HEADER.build({**fields, "offsets": offsets})) + body


def _value(data: bytes, offset: int, kind: int) -> Value:
    if kind == STRING:
        return _string(data, offset)
    if kind in (INT64, UINT64, BOOLEAN):
        return int.from_bytes(_bytes(data, offset, 8), "little", signed=kind == INT64)
    length = int.from_bytes(_bytes(data, offset, 4), "little")
    octets = _bytes(data, offset + 4, length)
    return Sid.parse(octets) if kind == SID else octets


def _bytes(data: bytes, offset: int, size: int) -> bytes:
    found = data[offset : offset + size]
    if len(found) != size:
        raise BadFormat("resource attribute: %d bytes at offset 0x%x are cut off" % (size, offset), data.hex())
    return found


def _string(data: bytes, offset: int) -> str:
    end = offset
    while data[end : end + 2] != b"\0\0":
        if end + 2 > len(data):
            raise BadFormat("resource attribute: the string at offset 0x%x has no end" % offset, data.hex())
        end += 2
    return data[offset:end].decode("utf-16-le", "surrogatepass")


def _string_bytes(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass") + b"\0\0"


def _value_bytes(value: Value, kind: int) -> bytes:
    if isinstance(value, str):
        return _string_bytes(value)
    if isinstance(value, int):
        return value.to_bytes(8, "little", signed=kind == INT64)
    octets = value.to_bytes() if isinstance(value, Sid) else value
    return len(octets).to_bytes(4, "little") + octets


def attribute_text(name: str, values: Values, domain: Optional[Sid] = None) -> str:
    """``("colour",TS,0x0,"blue")``, as Windows writes it."""
    words = ['"%s"' % escaped(name), TYPE_WORDS[values.type], "0x%x" % values.flags]
    for value in values.values:
        if isinstance(value, str):
            if '"' in value:
                raise BadFormat("SDDL cannot write a string with a quotation mark in it", value)
            words.append('"%s"' % value)
        elif isinstance(value, int):
            words.append(str(value))
        elif isinstance(value, Sid):
            words.append("SID(%s)" % alias_of_sid(value, domain))
        else:
            words.append(value.hex())
    return "(%s)" % ",".join(words)


def read_attribute(cursor: Cursor, domain: Optional[Sid] = None) -> Tuple[str, Values]:
    """The attribute whose text starts at the cursor with its parenthesis."""
    cursor.spaces()
    cursor.need("(", '"(" before a resource attribute')
    cursor.spaces()
    name = _quoted(cursor, "the attribute's name in quotation marks")
    if not name:
        raise cursor.fail("a name that is not empty", cursor.at - 2)
    _comma(cursor)
    word = cursor.peek(2).upper()
    if word not in TYPE_CODES:
        raise cursor.fail("the type of its values: %s" % ", ".join(sorted(TYPE_CODES)))
    kind = TYPE_CODES[word]
    cursor.at += 2
    _comma(cursor)
    flags = _number(cursor, 0, (1 << 32) - 1, "the attribute's flags (0x0)")
    values: List[Value] = []
    while True:
        cursor.spaces()
        if cursor.take(")"):
            return _unescaped(name), Values(kind, tuple(values), flags)
        cursor.need(",", '"," and a value, or ")"')
        cursor.spaces()
        values.append(_read_value(cursor, kind, domain))


def _read_value(cursor: Cursor, kind: int, domain: Optional[Sid]) -> Value:
    if kind == STRING:
        return _quoted(cursor, "a string in quotation marks")
    if kind == INT64:
        return _number(cursor, -(1 << 63), (1 << 63) - 1, "a number of 64 bits with a sign")
    if kind == UINT64:
        return _number(cursor, 0, (1 << 64) - 1, "a number of 64 bits without a sign")
    if kind == BOOLEAN:
        return _number(cursor, 0, 1, "0 or 1")
    if kind == OCTET_STRING:
        digits = cursor.match(_HEX).lstrip("#")
        return bytes.fromhex("0" * (len(digits) % 2) + digits)
    start = cursor.at
    inside = cursor.take_any_case("SID(")
    word_at = cursor.at
    word = cursor.match(_SID_WORD)
    if not word or (inside and not cursor.take(")")):
        raise cursor.fail("a SID, as S-1-5-18, SY or SID(SY)", start)
    try:
        return sid_of_alias(word, domain) if len(word) == 2 else Sid.from_text(word)
    except BadFormat as error:
        raise BadFormat(
            "%s, column %d: %s" % (cursor.what, word_at + 1, error.message), cursor.text, error.next_step
        ) from None


def _quoted(cursor: Cursor, expected: str) -> str:
    start = cursor.at
    end = cursor.text.find('"', start + 1)
    if cursor.peek() != '"' or end < 0:
        raise cursor.fail(expected, start)
    cursor.at = end + 1
    return cursor.text[start + 1 : end]


def _comma(cursor: Cursor) -> None:
    cursor.spaces()
    cursor.need(",")
    cursor.spaces()


def _number(cursor: Cursor, least: int, most: int, expected: str) -> int:
    start = cursor.at
    word = cursor.match(_NUMBER)
    digits = word.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX"
    if not word or len(digits) > LONGEST_NUMBER or (octal and digits.strip("01234567")):
        raise cursor.fail(expected, start)
    number = int(digits, 8) if octal else int(digits, 0)
    number = -number if word[0] == "-" else number
    if not least <= number <= most:
        raise cursor.fail(expected, start)
    return number
