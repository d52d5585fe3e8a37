"""Pointers that a person had read in a debugger's memory: `dq`, `dps`, `dqs`, `? poi(...)`, `dt` and `dx` of one.

Forms: learn.microsoft.com "d, da, db, ...", "dds, dps, dqs", "? (Evaluate Expression)", "MASM numbers and operators"
(numbers are hexadecimal there, and poi(A) is the pointer at A), "dt", "dx".  What a pointer is of is not said here.
"""

import re
from bisect import bisect_right
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Tuple, TypeVar

from kdtoken.view.lines import Line
from kdtoken.view.runs import Run

T = TypeVar("T")
_ADDRESS = r"(?:0x)?([0-9a-fA-F]{8}`?[0-9a-fA-F]{8}|[89a-fA-F][0-9a-fA-F]{7})(?![0-9a-fA-F`])"
_PLACE = re.compile(r"(?<![0-9a-zA-Z`])" + _ADDRESS + r"(?: ?\+ ?(?:0x)?([0-9a-fA-F]{1,3})(?![0-9a-zA-Z`]))?")
_ROW = re.compile(r"([0-9a-f]{8}`[0-9a-f]{8})  ([0-9a-f]{8}`[0-9a-f]{8})(?: ([0-9a-f]{8}`[0-9a-f]{8}))?(?: |$)")
_RESULT = re.compile(r"Evaluate expression: -?[0-9]{1,20} = " + _ADDRESS + r"\s*$")
_MEMBER = re.compile(r"\s{0,20}(?:\[?\+0x0{1,3}\]? )?(?:Object|Value) {1,20}: " + _ADDRESS)
# In an EPROCESS only the fast reference to its token points to a token.  So near to its beginning no other one begins,
# which the text may not list; of pointers of 8 and of 4 bytes.
_NEAR, _NEAR_32 = 0x500, 0x200
_FEW = 64  # upper halves of addresses that one pattern looks for
_MEMBERS = 6  # lines below a `dt` or `dx` of a reference in which its value stands


class Pointer(NamedTuple):
    """The `value` that stood in memory at `address`; of a member that is named, in the structure there."""

    address: int
    value: int
    line: int = 0


def pointers(lines: Iterable[Line]) -> Tuple[Pointer, ...]:
    """Every pointer that the lines show with its place, in their order."""
    found: List[Pointer] = []
    asked, left = 0, 0  # where the command before looked, and for how many lines it counts
    for line in lines:
        text = line.text
        if text[8:9] == "`" and text[17:19] == "  ":
            row = _ROW.match(text)
            if row:
                found += [Pointer(at, value, line.number) for at, value in _cells(row)]
        elif "poi(" in text or "_EX_FAST_REF" in text or "->Token" in text:
            places = _PLACE.findall(text.partition("&")[0]) if ">" in text else []
            if places:
                asked = _number(places[0][0]) + int(places[0][1] or "0", 16) if len(places) == 1 else 0
                left = _MEMBERS if asked else 0
        elif left > 0:
            left -= line.count() if isinstance(line, Run) else 1
            value = _RESULT.match(text) or _MEMBER.match(text)
            if value:
                found.append(Pointer(asked, _number(value.group(1)), line.number))
                left = 0
            elif "kd>" in text:
                left = 0
    return tuple(found)


def pointers_to(tokens: Iterable[int], pieces: Iterable[str]) -> Iterator[Pointer]:
    """The pointers to these tokens in the rows of a text that is too long to make lines of; its pieces end with one."""
    wanted = {token & ~0xF for token in tokens}
    highs = {"%08x`" % (token >> 32) for token in wanted if token >> 32}
    if not highs:
        return
    high = "(?:%s)" % "|".join(sorted(highs)) if len(highs) <= _FEW else "[0-9a-f]{8}`"
    telling = re.compile(r"\n[0-9a-f]{8}`[0-9a-f]{8}  (?:[0-9a-f]{8}`[0-9a-f]{8} )?" + high)
    number = 0
    for piece in pieces:
        text, counted = "\n" + piece, 0
        for found in telling.finditer(text):
            begin = found.start() + 1
            number, counted = number + text.count("\n", counted, begin), begin
            row = _ROW.match(text[begin : text.find("\n", begin)])
            if row:
                cells = _cells(row)
                yield from (Pointer(at, value, number) for at, value in cells if value & ~0xF in wanted)
        number += text.count("\n", counted) - 1


def _cells(row: "re.Match[str]") -> List[Tuple[int, int]]:
    """(address, value) of each cell of a row."""
    at = _number(row.group(1))
    return [(at + 8 * i, _number(one)) for i, one in enumerate(row.groups()[1:]) if one]


def referred(read: Iterable[Pointer], processes: Iterable[int], tokens: Mapping[int, T]) -> Dict[int, T]:
    """The token of each EPROCESS in which a pointer to one of `tokens` was read; a later one counts."""
    starts, found = sorted(processes), {}
    for at, value, _ in read:
        token = tokens.get(value & ~(0xF if value >> 32 else 7))  # the low bits count references
        before = bisect_right(starts, at)
        near = _NEAR if at >> 32 else _NEAR_32
        if token is not None and before and at - starts[before - 1] < near:
            found[starts[before - 1]] = token
    return found


def _number(text: str) -> int:
    return int(text.replace("`", ""), 16)
