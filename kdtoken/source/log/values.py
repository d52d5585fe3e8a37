"""Bytes out of `dt nt!_X ADDRESS` values: only where the text tells every one of them.

A bit-field tells some bits, a `_UNICODE_STRING "..."` not its lengths: such values give nothing.
The forms were seen from the engine for every member of a token, a process and a thread.
"""

import re
from typing import Callable, Dict, List, Optional, Tuple

from kdtoken.errors import KdTokenError
from kdtoken.layout.layout import PRIMITIVE_SIZES, Layout, array_of, pointer_size, size_of
from kdtoken.source.log.types import Value

_LIST = re.compile(
    r"^(?:struct )?_LIST_ENTRY(?:, 2 elements, 0x\w+ bytes)?\s*\[ (0x[0-9a-fA-F][0-9a-fA-F`]*) - (0x[0-9a-fA-F][0-9a-fA-F`]*) \]$"
)
_QUAD = re.compile(r"^_U?LARGE_INTEGER (0x[0-9a-fA-F][0-9a-fA-F`]*)$")
_STRING = re.compile(r'^(?:\[(\d{1,6})\]|\((\d{1,6}) elements\))\s+"(.*)"$')
_NUMBER = re.compile(r"^(?:(0x[0-9a-fA-F]{1,16}(?:`[0-9a-fA-F]{8})?)|(0n-?\d{1,20})|(-?\d{1,20}))(?: |$)(.*)$")
_WIDE = re.compile(r"^0x[0-9a-fA-F]{8}`[0-9a-fA-F]{8}(?: |$)")
_NARROW_POINTER = re.compile(r"^0x[0-9a-fA-F]{8} (?:Void|_\w+|struct )")
_MARGIN = re.compile(r"^-> |^\( |^'|^Void\b|^_|^struct |^union |^Ptr|^\(null\)|^$")


def bytes_of(value: Value, resolve: Callable[[str], Layout]) -> Optional[bytes]:
    """The bytes at value.address + value.offset, or None where the text does not tell them all.

    `resolve` gives the layouts that the log holds and raises KdTokenError for others.
    """
    text = value.text
    pair = _LIST.match(text)
    if pair:
        # "0x", and eight digits for 32 bits, sixteen for 64
        digits = [one[2:].replace("`", "") for one in pair.groups()]
        pointer, links = len(digits[0]) // 2, [_number(one) for one in digits]
        if [len(one) for one in digits] not in ([8, 8], [16, 16]):
            return None  # damaged text: the two pointers are not of one width
        return b"".join(link.to_bytes(pointer, "little") for link in links)
    quad = _QUAD.match(text)
    if quad:
        return _number(quad[1]).to_bytes(8, "little") if _number(quad[1]) < 1 << 64 else None
    string = _STRING.match(text)
    if string:
        return _string(string[3], int(string[1] or string[2]))
    kind = _type_of(value, resolve)
    width: Optional[int] = _width(kind, resolve) if kind is not None else _width_by_form(text)
    if text.startswith("(null)"):
        return bytes(width) if width in (4, 8) and kind is not None and pointer_size(kind) else None
    match = _NUMBER.match(text)
    if match is None or not width or not _MARGIN.match(match[4]):
        return None
    number = _number(match[1]) if match[1] else int((match[2] or match[3]).replace("0n", ""))
    if not -(1 << (8 * width - 1)) <= number < 1 << (8 * width):
        return None
    return (number % (1 << (8 * width))).to_bytes(width, "little")


def _number(text: str) -> int:
    return int(text.replace("`", ""), 16)


def _string(text: str, room: int) -> Optional[bytes]:
    """A char array's text and the NUL behind it; what lies behind that, nobody printed."""
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError:
        return None  # of a code page that the log does not name
    if any(byte < 0x20 or byte == 0x7F for byte in data) or len(data) > room:
        return None
    return data + (b"\0" if len(data) < room else b"")


def _type_of(value: Value, resolve: Callable[[str], Layout]) -> Optional[str]:
    """The member's type where the layout is there and agrees about the offset."""
    if not value.type:
        return None
    try:
        layout = resolve(value.type)
    except KdTokenError:
        return None
    if not layout.has(value.name):
        return None
    member = layout.field(value.name)
    return member.type if member.offset == value.offset else None


def _width(kind: str, resolve: Callable[[str], Layout]) -> Optional[int]:
    """Bytes of an integer, pointer or enum; None for what one number does not fill."""
    if kind.startswith("Pos ") or array_of(kind) or kind in ("Void", "Float", "Double"):
        return None
    if kind in PRIMITIVE_SIZES or pointer_size(kind):
        return size_of(kind, resolve)
    try:
        return 4 if resolve(kind).is_enum else None
    except KdTokenError:
        return None


def _width_by_form(text: str) -> Optional[int]:
    """Without the layout: 0x00000000`00000004 is always eight bytes, 0x865ce8a8 Void a 32-bit pointer."""
    if _WIDE.match(text):
        return 8
    return 4 if _NARROW_POINTER.match(text) else None


def all_bytes(values: List[Value], resolve: Callable[[str], Layout]) -> List[Tuple[int, bytes, int]]:
    """(address, bytes, line) of every value that tells them."""
    found: List[Tuple[int, bytes, int]] = []
    cache: Dict[str, object] = {}

    def once(name: str) -> Layout:
        known = cache.get(name)
        if known is None:
            try:
                known = resolve(name)
            except KdTokenError as error:
                known = error
            cache[name] = known
        if isinstance(known, KdTokenError):
            raise known
        assert isinstance(known, Layout)
        return known

    for value in values:
        data = bytes_of(value, once)
        if data:
            found.append((value.address + value.offset, data, value.line))
    return found
