"""Changes that a reader's author did not think of: of bytes that are numbers, and of lines that are text."""

import random
import struct
from typing import List

# What counts, sizes and offsets go wrong at.
NUMBERS = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 47]
NUMBERS += [(1 << 63) - 1, 1 << 63, (1 << 64) - 1]
# What a reader of text meets in the wild, and what somebody would put there on purpose.
PIECES = [
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b]0;t\x07", b"\xe2\x80\xae", b"\r", b"\r\r\n", b"\n\n\n", b"\t", b"&#1114112;", b"&#" + b"1" * 5000 + b";",
    b"0x", b"-1", b"9" * 5000, b"1e999", b"NaN", b"Infinity", b"[" * 2000, b"{" * 2000, b'"', b"'", b"(snip)", b"...", b"> ", b"<b>", b"kd> ",
    b" " * 3000, b"\n" * 3000, b"a" * 3000, b"S-1-5-18", b"S-1-" + b"5-" * 300, b"\xed\xa0\x80", b"%s%n", b"ffff`ffff", b"=" * 3000,
    b"`" * 8, b"\xc2\xb2", b"\xd9\xa3",
]  # fmt: skip
# What takes a reader a tenth of a second each: now and then.
LONG = [
    b" " * 60000, b"\t" * 60000, b"\r" * 60000, b"\r\n" * 60000, b"a" * 60000, b"(A)" * 20000, b"%0000" * 12000,
]  # fmt: skip

_LONG_ONES = 0.02


def mutated(data: bytes, other: bytes, binary: bool, chance: random.Random) -> bytes:
    """A few changes at random; `other` is a second sound input of the kind, to splice from."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        if not made:
            break
        made = _number(made, chance) if binary and chance.random() < 0.7 else _piece(made, other, binary, chance)
    return bytes(made)


def _number(data: bytearray, chance: random.Random) -> bytearray:
    """One number of one, two, four or eight bytes becomes another, or is off by little."""
    width, form = chance.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    if len(data) < width:
        return data
    # Heads are where sizes and offsets stand.
    at = chance.randrange(min(len(data), 512) if chance.random() < 0.5 else len(data)) // width * width
    at = min(at, len(data) - width)
    old = struct.unpack_from("<" + form, data, at)[0]
    new = chance.choice(
        [chance.choice(NUMBERS), old + chance.choice((-1, 1, 8, 4096)), old ^ 1 << chance.randrange(8 * width)]
    )
    struct.pack_into("<" + form, data, at, new & (1 << 8 * width) - 1)
    return data


def _piece(data: bytearray, other: bytes, binary: bool, chance: random.Random) -> bytearray:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 2, 4, 16, 100, 1000)))
    what = chance.randrange(7)
    if what == 0:
        return data[:at]  # cut off
    if what == 1:
        return data[:at] + data[end:]  # a hole
    if what == 2:
        return data[:at] + data[at:end] * chance.choice((2, 2, 50)) + data[end:]
    if what == 3:
        start = chance.randrange(len(other) + 1)
        return data[:at] + other[start : start + chance.choice((8, 64, 512))] + data[at:]
    if what == 4 and not binary:
        return _lines(data, chance)
    pieces = LONG if chance.random() < _LONG_ONES else PIECES
    return data[:at] + chance.choice(pieces) + data[end if what == 5 else at :]


def _lines(data: bytearray, chance: random.Random) -> bytearray:
    """Lines swapped, doubled, lost, joined or broken."""
    lines: List[bytes] = bytes(data).split(b"\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    what = chance.randrange(5)
    if what == 0:
        lines[one], lines[two] = lines[two], lines[one]
    elif what == 1:
        lines.insert(two, lines[one])
    elif what == 2:
        del lines[one]
    elif what == 3:
        lines[one : one + 2] = [b"".join(lines[one : one + 2])]
    else:
        width = chance.choice((40, 72, 80))
        lines[one : one + 1] = [lines[one][:width], lines[one][width:]]
    return bytearray(b"\n".join(lines))
