"""The members of a `_TOKEN` that lies whole in memory, all by one `struct.unpack`: for the thousands of a walk.

What a member's reader would make of a number is the same for every token of a build: nothing (a member that it does
not have), the number, a LUID, or a pointer that a walk leaves alone.  So it is worked out of the layout once, and so is
which members make a list, a hash or the privileges.  Members that want more keep their readers.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken.decode.structure import CODES, Packed, Place, Structure, luid_of, text_of
from kdtoken.frozen import member_names
from kdtoken.model.absent import Absent, NotAsked
from kdtoken.model.token import Token


class Followed:
    """A reader of what a pointer leads to; None where it is null."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self._read = read

    def __call__(self, s: Any, path: str) -> Any:
        return self._read(s.target, s.outside(path))


class Several:
    """A reader of what several members make.

    parts  path of the value -> their paths
    make   (structure, path, their values) -> the value, once all were read
    read   the reader of where they are not
    """

    def __init__(
        self,
        parts: Callable[[str], Tuple[str, ...]],
        make: Callable[..., Any],
        read: Callable[[Any, str], Any],
    ) -> None:
        self.parts, self.make, self._read = parts, make, read

    def __call__(self, s: Any, path: str) -> Any:
        return self._read(s, path)


class Plan(NamedTuple):
    """How to take a token apart.

    values   attribute -> its value, of members that are not in this build; None for all others, in Token's order
    packed   all that is taken at once
    numbers  the attributes that stand for one of these as it is, `pick` takes them out in this order
    made     (attribute, what makes it of one value, which)
    several  (attribute, path, what makes it of several, what takes these out)
    rest     (attribute, path, reader) of the others
    """

    values: Dict[str, Any]
    packed: Packed
    numbers: Tuple[str, ...]
    pick: Callable[[Tuple[Any, ...]], Tuple[Any, ...]]
    made: Tuple[Tuple[str, Callable[[Any], Any], int], ...]
    several: Tuple[Tuple[str, str, Callable[..., Any], Callable[[Tuple[Any, ...]], Tuple[Any, ...]]], ...]
    rest: Tuple[Tuple[str, str, Callable[..., Any]], ...]


def _left_alone(pointer: int) -> Optional[NotAsked]:
    return NotAsked(pointer) if pointer else None


# Readers of one member -> what they make of it, None for nothing; and whether it is a signed number.
_MAKE: Dict[Any, Tuple[Optional[Callable[[Any], Any]], bool]] = {
    Structure.uint: (None, False),
    Structure.sint: (None, True),
    Structure.raw: (None, False),
    Structure.luid: (luid_of, False),
    Structure.text: (text_of, False),
}


def _code(place: Place, number: bool, signed: bool = False) -> Optional[str]:
    """What `struct` calls the member; None where it has to be read by itself."""
    if place.bits is not None:
        return None
    if not number:
        return "%ds" % place.size
    code = CODES.get(place.size)
    return code.lower() if code and signed else code


def plan_of(layout_name: str, place: Callable[[str], Optional[Place]], members: Sequence[Any]) -> Plan:
    """The plan for a layout; `place` tells where a member lies, None where the build has none.

    Members that lie over others, bit-fields and odd sizes are left to their readers.
    """
    values: Dict[str, Any] = dict.fromkeys(member_names(Token))
    values["unnamed"] = values["problems"] = ()
    taken: Dict[str, Tuple[int, str]] = {}
    wanted: List[Tuple[Any, Tuple[str, ...]]] = []  # members with the paths that they are made of
    rest: List[Any] = []
    for one in members:
        is_several, read = isinstance(one.read, Several), one.read
        if not is_several and read not in _MAKE and not isinstance(read, Followed):
            rest.append(one)
            continue
        paths = one.read.parts(one.path) if is_several else (one.path,)
        places = [place(path) for path in paths]
        if not is_several and places[0] is None:
            values[one.attribute] = Absent("%s.%s" % (layout_name, one.path))
            continue
        signed = read is Structure.sint
        codes = []
        for where in places:
            number = read not in (Structure.raw, Structure.text) and not (where is not None and where.elements)
            codes.append(None if where is None else _code(where, number, signed))
        if None in codes:
            rest.append(one)
            continue
        for path, where, code in zip(paths, places, codes):
            if where is not None and code is not None:
                taken.setdefault(path, (where.offset, code))
        wanted.append((one, paths))
    packed = Packed(taken)
    at = {path: number for number, path in enumerate(packed.names)}
    numbers: List[Tuple[str, int]] = []
    made: List[Tuple[str, Callable[[Any], Any], int]] = []
    several: List[Any] = []
    for one, paths in wanted:
        if not all(path in at for path in paths):
            rest.append(one)
        elif isinstance(one.read, Several):
            several.append((one.attribute, one.path, one.read.make, itemgetter(*(at[path] for path in paths))))
        else:
            make = _left_alone if isinstance(one.read, Followed) else _MAKE[one.read][0]
            if make is None:
                numbers.append((one.attribute, at[one.path]))
            else:
                made.append((one.attribute, make, at[one.path]))
    return Plan(
        values,
        packed,
        tuple(name for name, _ in numbers),
        _picker([place for _, place in numbers]),
        tuple(made),
        tuple(several),
        tuple((one.attribute, one.path, one.read) for one in rest),
    )


def _picker(places: Sequence[int]) -> Callable[[Tuple[Any, ...]], Tuple[Any, ...]]:
    """Takes these places out of a tuple; what `itemgetter` gives of one place is no tuple, and of none an error."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple([values[place] for place in places])


def take(plan: Plan, s: Structure, data: bytes, at: int) -> Optional[Dict[str, Any]]:
    """All members of the token whose offset 0 is at `at` in `data`; None where they are not all in there."""
    raw = plan.packed.of(data, at)
    if not raw:
        return None
    values = plan.values.copy()
    values.update(zip(plan.numbers, plan.pick(raw)))
    for name, make, place in plan.made:
        values[name] = make(raw[place])
    for name, path, make_of, pick in plan.several:
        values[name] = make_of(s, path, *pick(raw))
    for name, path, read in plan.rest:
        values[name] = read(s, path)
    return values
