"""Stretches of memory rows: what `dq`, `dd`, `dw` and `db` print of a range, taken in at once instead of row by row.

Only rows as the debugger prints them, each of sixteen bytes and as long as the next.  Whatever is otherwise, a hole, a
symbol, a row of fewer cells, is read as a line of its own (memory.memory_line), and what is read is the same both ways.
"""

import re
from array import array
from binascii import unhexlify
from struct import Struct
from typing import NamedTuple, Optional

ROW = 16  # bytes that a row shows
_MOST = 4096  # rows of one stretch, so that no stretch is longer than a block
_DIGIT = rb"[0-9a-fA-F]"


def _row(address: bytes, digits: int, mark: bytes = b" ") -> bytes:
    """The form of a row with cells of as many digits; `mark` stands between the two halves."""
    half = b" ".join([_DIGIT * digits if digits < 8 else _DIGIT + b"{8}"] * (ROW // digits))
    return address + b"  " + half + mark + half


_WIDE, _NARROW = _DIGIT + b"{8}`" + _DIGIT + b"{8}", _DIGIT + b"{8}"
_QUADS = b"  " + _WIDE + b" " + _WIDE
_TEXT = b"  [^\r\n]{16}"
# How wide the address is, and bytes of a cell -> the form.
_FORMS = {
    "wide_8": _WIDE + _QUADS,
    "wide_4": _row(_WIDE, 8),
    "wide_2": _row(_WIDE, 4),
    "wide_1": _row(_WIDE, 2, b"-") + _TEXT,
    "narrow_8": _NARROW + _QUADS,
    "narrow_4": _row(_NARROW, 8),
    "narrow_2": _row(_NARROW, 4),
    "narrow_1": _row(_NARROW, 2, b"-") + _TEXT,
}
_STRETCH = re.compile(
    b"|".join(b"(?P<%s>(?:%s\r?\n){2,%d})" % (name.encode(), form, _MOST) for name, form in _FORMS.items())
)
_ARRAYS = {2: "H", 4: "I", 8: "Q"}
_SHOWN = bytes(byte if 0x20 <= byte < 0x7F else 0x2E for byte in range(256))


class Stretch(NamedTuple):
    """Rows that follow each other in a log, all of one form.

    unit    bytes of a cell
    wide    whether the addresses have 16 digits
    length  characters of a row, with its line break; 0 where that is "\\n" in one row and "\\r\\n" in another
    """

    rows: bytes
    unit: int
    wide: bool
    length: int


class Content(NamedTuple):
    """What the rows of a stretch show: bytes that follow each other in memory.

    fits  whether the text beside the cells, where there is one, is that of the bytes
    """

    address: int
    data: bytes
    fits: bool


def stretch_at(block: bytes, at: int) -> Optional[Stretch]:
    """The rows that begin at a position of a block; None where fewer than two of one form do."""
    found = _STRETCH.match(block, at)
    if found is None:
        return None
    width, _, unit = (found.lastgroup or "").partition("_")
    rows = found.group()
    length = rows.index(b"\n") + 1
    if len(rows) % length or rows[length - 1 :: length].strip(b"\n"):
        length = 0
    return Stretch(rows, int(unit), width == "wide", length)


def content_of(stretch: Stretch) -> Optional[Content]:
    """What a stretch shows; None where its rows are not of one range, or not of one length."""
    rows, length = stretch.rows, stretch.length
    if not length:
        return None
    if stretch.unit == 1:
        text = rows.index(b"  ", 20) + 2
        rows = b"".join([rows[at : at + text] for at in range(0, len(rows), length)])
    row = Struct(">Q16s" if stretch.wide else ">I16s")
    shown = list(row.iter_unpack(unhexlify(rows.translate(None, b"` -\r\n"))))
    first = shown[0][0]
    if [address for address, _ in shown] != list(range(first, first + ROW * len(shown), ROW)):
        return None
    data = b"".join([cells for _, cells in shown])
    if stretch.unit == 1:
        beside = data.translate(_SHOWN)
        return Content(first, data, all(stretch.rows[text + at :: length] == beside[at::ROW] for at in range(ROW)))
    turned = array(_ARRAYS[stretch.unit], data)
    turned.byteswap()  # a cell is a little-endian number, written with its highest digit first
    return Content(first, turned.tobytes(), True)
