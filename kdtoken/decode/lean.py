"""The members of a `_TOKEN` that lies whole in memory, all numbers by one `struct.unpack`: for the thousands of a walk.

What a member's reader would make of a number is the same for every token of a build: nothing (a member that it does
not have), the number, a LUID, or a pointer that a walk leaves alone.  So it is worked out of the layout once.  Members
that want more (groups, privileges, hashes ...) keep their readers.
"""

import struct
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken.decode.structure import CODES, Place, Structure, luid_of
from kdtoken.frozen import member_names
from kdtoken.model.absent import Absent, NotAsked
from kdtoken.model.token import Token


class Followed:
    """A reader of what a pointer leads to; None where it is null."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self._read = read

    def __call__(self, s: Any, path: str) -> Any:
        return self._read(s.target, s.outside(path))


class Plan(NamedTuple):
    """How to take a token apart.

    values    attribute -> its value, of members that are not in this build; None for all others, in Token's order
    first     offset of the first byte that `format` unpacks
    numbers   the attributes that it gives
    luids, pointers   those of them that are LUIDs, or lead out of the token
    rest      (attribute, path, reader) of the others
    """

    values: Dict[str, Any]
    first: int
    format: struct.Struct
    numbers: Tuple[str, ...]
    luids: Tuple[str, ...]
    pointers: Tuple[str, ...]
    rest: Tuple[Tuple[str, str, Callable[..., Any]], ...]


def plan_of(layout_name: str, place: Callable[[str], Optional[Place]], members: Sequence[Any]) -> Plan:
    """The plan for a layout; `place` tells where a member lies, None where the build has none.

    Members that lie over others, bit-fields and odd sizes are left to their readers.
    """
    values: Dict[str, Any] = dict.fromkeys(member_names(Token))
    values["unnamed"] = values["problems"] = ()
    simple: List[Tuple[Place, Any]] = []
    rest: List[Any] = []
    for one in members:
        where = place(one.path)
        kind = one.read
        if kind is not Structure.uint and kind is not Structure.luid and not isinstance(kind, Followed):
            rest.append(one)
        elif where is None:
            values[one.attribute] = Absent("%s.%s" % (layout_name, one.path))
        elif where.bits is not None or where.size not in CODES:
            rest.append(one)
        else:
            simple.append((where, one))
    simple.sort(key=lambda pair: pair[0].offset)
    first = end = simple[0][0].offset if simple else 0
    codes, taken = ["<"], []
    for where, one in simple:
        if where.offset < end:
            rest.append(one)
            continue
        codes.append("%dx%s" % (where.offset - end, CODES[where.size]))
        end = where.offset + where.size
        taken.append(one)
    return Plan(
        values,
        first,
        struct.Struct("".join(codes)),
        tuple(one.attribute for one in taken),
        tuple(one.attribute for one in taken if one.read is Structure.luid),
        tuple(one.attribute for one in taken if isinstance(one.read, Followed)),
        tuple((one.attribute, one.path, one.read) for one in rest),
    )


def take(plan: Plan, s: Structure, data: bytes, at: int) -> Optional[Dict[str, Any]]:
    """All members of the token whose offset 0 is at `at` in `data`; None where the numbers are not all in there."""
    start = at + plan.first
    if start < 0 or start + plan.format.size > len(data):
        return None
    values = plan.values.copy()
    values.update(zip(plan.numbers, plan.format.unpack_from(data, start)))
    for name in plan.luids:
        values[name] = luid_of(values[name])
    for name in plan.pointers:
        pointer = values[name]
        values[name] = NotAsked(pointer) if pointer else None
    for name, path, read in plan.rest:
        values[name] = read(s, path)
    return values
