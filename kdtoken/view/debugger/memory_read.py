"""Pointers that a person had read in a debugger's memory: `dq`, `dps`, `dqs`, `? poi(...)`, `dt` and `dx` of one.

Forms: learn.microsoft.com "d, da, db, ...", "dds, dps, dqs", "? (Evaluate Expression)", "MASM numbers and operators"
(numbers are hexadecimal there, and poi(A) is the pointer at A), "dt", "dx".  What a pointer is of is not said here.
"""

import re
from bisect import bisect_right
from typing import Dict, Iterable, List, Mapping, NamedTuple, Tuple, TypeVar

from kdtoken.view.lines import Line

T = TypeVar("T")
_ADDRESS = r"(?:0x)?([0-9a-fA-F]{8}`?[0-9a-fA-F]{8}|[89a-fA-F][0-9a-fA-F]{7})(?![0-9a-fA-F`])"
_PLACE = re.compile(r"(?<![0-9a-zA-Z`])" + _ADDRESS + r"(?: ?\+ ?(?:0x)?([0-9a-fA-F]{1,3})(?![0-9a-zA-Z`]))?")
_ROW = re.compile(r"([0-9a-f]{8}`[0-9a-f]{8})  ([0-9a-f]{8}`[0-9a-f]{8})(?: ([0-9a-f]{8}`[0-9a-f]{8}))?(?: |$)")
_RESULT = re.compile(r"Evaluate expression: -?[0-9]{1,20} = " + _ADDRESS + r"\s*$")
_MEMBER = re.compile(r"\s{0,20}(?:\[?\+0x0{1,3}\]? )?(?:Object|Value) {1,20}: " + _ADDRESS)
# In an EPROCESS only the fast reference to its token points to a token.  So near to its beginning no other one begins,
# which the text may not list; of pointers of 8 and of 4 bytes.
_NEAR, _NEAR_32 = 0x500, 0x200
_MEMBERS = 6  # lines below a `dt` or `dx` of a reference in which its value stands


class Pointer(NamedTuple):
    """The `value` that stood in memory at `address`; of a member that is named, in the structure there."""

    address: int
    value: int


def pointers(lines: Iterable[Line]) -> Tuple[Pointer, ...]:
    """Every pointer that the lines show with its place, in their order."""
    found: List[Pointer] = []
    asked, left = 0, 0  # where the command before looked, and for how many lines it counts
    for line in lines:
        text = line.text
        if text[8:9] == "`" and text[17:19] == "  ":
            row = _ROW.match(text)
            if row:
                at = _number(row.group(1))
                found += [Pointer(at + 8 * i, _number(one)) for i, one in enumerate(row.groups()[1:]) if one]
        elif "poi(" in text or "_EX_FAST_REF" in text or "->Token" in text:
            places = _PLACE.findall(text.partition("&")[0]) if ">" in text else []
            if places:
                asked = _number(places[0][0]) + int(places[0][1] or "0", 16) if len(places) == 1 else 0
                left = _MEMBERS if asked else 0
        elif left:
            left -= 1
            value = _RESULT.match(text) or _MEMBER.match(text)
            if value:
                found.append(Pointer(asked, _number(value.group(1))))
                left = 0
            elif "kd>" in text:
                left = 0
    return tuple(found)


def referred(read: Iterable[Pointer], processes: Iterable[int], tokens: Mapping[int, T]) -> Dict[int, T]:
    """The token of each EPROCESS in which a pointer to one of `tokens` was read; a later one counts."""
    starts, found = sorted(processes), {}
    for at, value in read:
        token = tokens.get(value & ~(0xF if value >> 32 else 7))  # the low bits count references
        before = bisect_right(starts, at)
        near = _NEAR if at >> 32 else _NEAR_32
        if token is not None and before and at - starts[before - 1] < near:
            found[starts[before - 1]] = token
    return found


def _number(text: str) -> int:
    return int(text.replace("`", ""), 16)
