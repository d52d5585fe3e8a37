"""Stretches of memory rows: what `dq`, `dd`, `dw` and `db` print of a range, taken in at once instead of row by row.

Only rows as the debugger prints them, each of sixteen bytes.  Whatever is otherwise, a hole, a symbol, a row of fewer
cells, is read as a line of its own (memory.memory_line), and what is read is the same both ways.
"""

import re
import sys
from array import array
from binascii import unhexlify
from itertools import groupby
from typing import Iterator, NamedTuple, Optional

ROW = 16  # bytes that a row shows
_MOST = 4096  # rows of one stretch
# Lines that may be rows, which a closer look tells; a closer look by `re` would take twice as long.
_LIKE_ROWS = re.compile(
    rb"(?:[0-9a-fA-F]{8}(?:`[0-9a-fA-F]{8})?[ ][ ][0-9a-fA-F][^\n]*\n){2,%d}" % _MOST,
)
_DIGITS = bytes.maketrans(b"123456789abcdefABCDEF", b"0" * 21)
_SHOWN = bytes(byte if 0x20 <= byte < 0x7F else 0x2E for byte in range(256))
_ARRAYS = {2: "H", 4: "I", 8: "Q"}
_HALF = b" ".join([b"00"] * 8)
_CELLS = {
    8: b"00000000`00000000 00000000`00000000",
    4: b"00000000 00000000 00000000 00000000",
    2: b"0000 0000 0000 0000 0000 0000 0000 0000",
    1: _HALF + b"-" + _HALF + b"  ",  # and as many characters of text as there are bytes
}
# A row with a 0 for every digit -> bytes of a cell, and whether the address has 16 digits.
_FORMS = {
    address + b"  " + cells: (unit, wide)
    for address, wide in ((b"00000000`00000000", True), (b"00000000", False))
    for unit, cells in _CELLS.items()
}
_WITH_TEXT = {len(form) + ROW: len(form) for form, (unit, _) in _FORMS.items() if unit == 1}


class Stretch(NamedTuple):
    """Rows that follow each other in a log.

    rows    as they stand there, with their line breaks
    unit    bytes of a cell; 0 where these are no rows of one form, and must be read one by one
    wide    whether the addresses have 16 digits
    length  characters of a row, with its line break
    cells   the rows without their text, and without line breaks where they have one
    """

    rows: bytes
    unit: int = 0
    wide: bool = False
    length: int = 0
    cells: bytes = b""


class Content(NamedTuple):
    """What the rows of a stretch show: bytes that follow each other in memory.

    fits  whether the text beside the cells, where there is one, is that of the bytes
    """

    address: int
    data: bytes
    fits: bool


def stretches_at(block: bytes, at: int) -> Iterator[Stretch]:
    """What begins at a position of a block and looks like rows; nothing where fewer than two lines do."""
    found = _LIKE_ROWS.match(block, at)
    if found is None:
        return
    whole = _stretch(found.group())
    if whole.unit:
        yield whole
        return
    for _, rows in groupby([row + b"\n" for row in whole.rows.split(b"\n")[:-1]], _form_of):
        yield _stretch(b"".join(rows))


def _form_of(row: bytes) -> bytes:
    """The row with a 0 for every digit, and its line break; of its text only how long it is."""
    plain = row.rstrip(b"\r\n")
    cut = _WITH_TEXT.get(len(plain), len(plain))
    return plain[:cut].translate(_DIGITS) + bytes(len(plain) - cut) + row[len(plain) :]


def _stretch(rows: bytes) -> Stretch:
    length = rows.index(b"\n") + 1
    plain = len(rows[:length].rstrip(b"\r\n"))
    count, cut = len(rows) // length, _WITH_TEXT.get(plain, plain)
    unit, wide = _FORMS.get(rows[:cut].translate(_DIGITS), (0, False))
    # The last two columns; one of text must not hold a part of a line break.
    before, last = rows[length - 2 :: length], rows[length - 1 :: length]
    breaks = last == b"\n" * count and before.count(b"\r") in (0, count)
    if not unit or rows.count(b"\n") != count or not breaks:
        return Stretch(rows)
    cells, width = rows, length
    if cut < plain:
        cells, width = b"".join([rows[at : at + cut] for at in range(0, len(rows), length)]), cut
    same = cells.translate(_DIGITS) == cells[:width].translate(_DIGITS) * count
    return Stretch(rows, unit, wide, length, cells) if same else Stretch(rows)


def content_of(stretch: Stretch) -> Optional[Content]:
    """What a stretch shows; None where its rows are not of one form, or not of one range."""
    if not stretch.unit:
        return None
    size, word = (8, "Q") if stretch.wide else (4, "I")
    words = array(word, unhexlify(stretch.cells.translate(None, b"` -\r\n")))
    step = 1 + ROW // size  # an address, and sixteen bytes
    addresses = words[::step]
    if sys.byteorder == "little":
        addresses.byteswap()
    first, last = addresses[0], addresses[-1]
    if last - first != ROW * (len(addresses) - 1) or addresses != array(word, range(first, last + 1, ROW)):
        return None
    del words[::step]
    data = words.tobytes()
    if stretch.unit == 1:
        text = len(stretch.cells) // len(addresses)
        beside = data.translate(_SHOWN)
        fits = all(stretch.rows[text + at :: stretch.length] == beside[at::ROW] for at in range(ROW))
        return Content(first, data, fits)
    cells = array(_ARRAYS[stretch.unit], data)
    cells.byteswap()  # a cell is a little-endian number, written with its highest digit first
    return Content(first, cells.tobytes(), True)
