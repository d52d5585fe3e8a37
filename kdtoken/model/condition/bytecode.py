"""A condition as bytes: "artx", then postfix tokens, each a byte code and its data.  [MS-DTYP] 2.4.4.17.4 to .8."""

from typing import List, Tuple, Union

from construct import (  # type: ignore[import-untyped]
    ConstructError,
    GreedyBytes,
    Int8ul,
    Int32ul,
    Int64sl,
    Prefixed,
    Struct,
)

from kdtoken.errors import BadFormat
from kdtoken.model.condition.tokens import (
    ATTRIBUTE_CODES,
    OPERATORS,
    SPACE_CODES,
    Attribute,
    Composite,
    Condition,
    Integer,
    Literal,
    Octets,
    Operator,
    SidValue,
    Text,
    Token,
)
from kdtoken.model.sid import Sid

SIGNATURE = b"artx"  # ACE_CONDITION_SIGNATURE of winnt.h

_TEXT, _OCTETS, _COMPOSITE, _SID = 0x10, 0x18, 0x50, 0x51
_INTEGERS = (1, 2, 3, 4)  # int8 to int64, all of them stored as 64 bits

INTEGER = Struct("value" / Int64sl, "sign" / Int8ul, "base" / Int8ul)
COUNTED = Prefixed(Int32ul, GreedyBytes)  # a DWORD of bytes, and the bytes


def is_condition(data: bytes) -> bool:
    """Whether a callback ACE's application data is a condition; it may be anything else."""
    return data[: len(SIGNATURE)] == SIGNATURE


def parse_condition(data: bytes) -> Condition:
    """The condition that a callback ACE's application data holds; :class:`BadFormat` says which byte is wrong.

    Zero bytes behind the last token are padding.  Whether the operators find their operands is checked too.
    """
    if not is_condition(data):
        raise BadFormat('no condition: it does not begin with "artx"', data[:16].hex())
    tokens: List[Token] = []
    depth = 0
    at = len(SIGNATURE)
    while at < len(data):
        code = data[at]
        if code == 0:
            if data[at:].strip(b"\0"):
                raise BadFormat("condition, byte 0x%x: padding in the middle" % at, data.hex())
            break
        token, size = _token(data, at)
        if isinstance(token, Operator):
            if depth < token.operands:
                raise BadFormat("condition, byte 0x%x: %s lacks an operand" % (at, token.name), data.hex())
            depth -= token.operands
        depth += 1
        tokens.append(token)
        at += size
    if depth != 1:
        raise BadFormat("a condition has one result, this one leaves %d" % depth, data.hex())
    return Condition(tuple(tokens))


def condition_bytes(condition: Condition) -> bytes:
    """The bytes of a condition, "artx" first, without the padding that an ACE adds."""
    return SIGNATURE + b"".join(_bytes(token) for token in condition.tokens)


def _token(data: bytes, at: int) -> Tuple[Token, int]:
    """The token at an offset, and how many bytes it takes."""
    code = data[at]
    if code in OPERATORS:
        return Operator(code), 1
    if code in ATTRIBUTE_CODES:
        body, size = _counted(data, at)
        if not body:
            raise BadFormat("condition, byte 0x%x: an attribute without a name" % at, data.hex())
        return Attribute(ATTRIBUTE_CODES[code], _text(body, at, data)), size
    if code == _COMPOSITE:
        body, size = _counted(data, at)
        items: List[Literal] = []
        inside = 0
        while inside < len(body):
            item, step = _literal(body, inside)
            items.append(item)
            inside += step
        return Composite(tuple(items)), size
    return _literal(data, at)


def _literal(data: bytes, at: int) -> Tuple[Literal, int]:
    code = data[at]
    if code in _INTEGERS:
        size = 1 + INTEGER.sizeof()
        if len(data) - at < size:
            raise BadFormat("condition, byte 0x%x: an integer is cut off" % at, data.hex())
        parsed = INTEGER.parse(data[at + 1 : at + size])
        return Integer(int(parsed.value), int(parsed.sign), int(parsed.base), code), size
    if code in (_TEXT, _OCTETS, _SID):
        body, size = _counted(data, at)
        if code == _TEXT:
            return Text(_text(body, at, data)), size
        if code == _OCTETS:
            return Octets(body), size
        sid = Sid.parse(body)
        if sid.size != len(body):
            raise BadFormat("condition, byte 0x%x: a SID of %d bytes in %d" % (at, sid.size, len(body)), data.hex())
        return SidValue(sid), size
    raise BadFormat("condition, byte 0x%x: 0x%02x is no token that may stand there" % (at, code), data.hex())


def _counted(data: bytes, at: int) -> Tuple[bytes, int]:
    """The data of a token whose length comes first, and the bytes of the whole token."""
    try:
        body = bytes(COUNTED.parse(data[at + 1 :]))
    except ConstructError:
        raise BadFormat("condition, byte 0x%x: a token is cut off" % at, data.hex()) from None
    return body, 1 + 4 + len(body)


def _text(body: bytes, at: int, data: bytes) -> str:
    if len(body) % 2:
        raise BadFormat("condition, byte 0x%x: a string of %d bytes is no UTF-16" % (at, len(body)), data.hex())
    return body.decode("utf-16-le", "surrogatepass")


def _bytes(token: Token) -> bytes:
    if isinstance(token, Operator):
        return bytes([token.code])
    if isinstance(token, Attribute):
        return bytes([SPACE_CODES[token.space]]) + _counted_bytes(_utf16(token.name))
    if isinstance(token, Composite):
        return bytes([_COMPOSITE]) + _counted_bytes(b"".join(_literal_bytes(item) for item in token.items))
    return _literal_bytes(token)


def _literal_bytes(token: Union[Integer, Text, Octets, SidValue]) -> bytes:
    if isinstance(token, Integer):
        fields = {"value": token.value, "sign": token.sign, "base": token.base}
        return bytes([token.size]) + bytes(INTEGER.build(fields))
    if isinstance(token, Text):
        return bytes([_TEXT]) + _counted_bytes(_utf16(token.value))
    if isinstance(token, Octets):
        return bytes([_OCTETS]) + _counted_bytes(token.value)
    return bytes([_SID]) + _counted_bytes(token.sid.to_bytes())


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _counted_bytes(body: bytes) -> bytes:
    return bytes(COUNTED.build(body))
