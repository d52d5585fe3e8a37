"""Doubly linked kernel lists: `_LIST_ENTRY` {Flink; Blink;} embedded in structs.

A list read while the machine runs, or of a machine whose memory is damaged, may be torn or
run in a circle; the walk always ends, keeps what it reached, and says what is wrong.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Set, Tuple, TypeVar

from kdtoken.decode.structure import Structure, read_structure
from kdtoken.model.absent import Maybe, Missing, Unreadable
from kdtoken.source.base import Source

# Windows hands out at most some 2^26 / 4 ids; nobody's machine has this many of anything listed.
LIMIT = 1_000_000

T = TypeVar("T")


def walk_list(
    target: Source,
    head: int,
    type_name: str,
    link: str,
    read: Callable[[int], Tuple[Structure, T]],
    is_one: Optional[Callable[[int], Maybe[bool]]] = None,
) -> Tuple[List[T], List[str]]:
    """Every struct of the list at `head`, in order, and what was wrong with the list.

    head    address of the list head, itself a _LIST_ENTRY
    link    member of the struct that is chained
    read    address of a struct -> the bytes that hold `link`, and what to keep of it
    is_one  address of a struct -> whether it is one; asked only where the two chains disagree

    Forward by Flink; where the two chains disagree, by Blink as well, so that one torn entry
    hides neither those behind it nor those that it skips.
    """
    link_offset = target.layout(type_name).field(link).offset
    ends = read_structure(target, "_LIST_ENTRY", head)
    pointers = {step: "%s.%s" % (link, step) for step in ("Flink", "Blink")}
    # Both pointers of an entry and what is kept of it: its bytes are not held until the last one was read.
    known: Dict[int, Tuple[Dict[str, Maybe[int]], T]] = {}
    blamed: Set[Tuple[int, str]] = set()
    problems: List[str] = []

    def problem(pointer: Tuple[int, str], text: str) -> bool:
        """Tell what is wrong with a pointer, once, though both walks meet it."""
        text = "%s list: %s" % (type_name, text)
        if pointer not in blamed and text not in problems:
            problems.append(text)
        blamed.add(pointer)
        return False

    def follow(step: str, back: str, kept: List[int]) -> bool:
        """Walk until the head; True when it was reached and the other chain says the same."""
        whole, seen = True, {head}
        previous, entry = head, ends.uint(step)
        while True:
            here = (previous, step)
            if isinstance(entry, Missing):
                return problem(here, "%s of 0x%x is %s" % (step, previous, entry))
            if entry == head:
                last = ends.uint(back)
                if isinstance(last, int) and last != previous:
                    text = "torn, %s of 0x%x ends it, but the last entry should be 0x%x"
                    return problem(here, text % (step, previous, last))
                return whole
            if entry == 0:
                return problem(here, "torn, %s of 0x%x is null" % (step, previous))
            if entry in seen:
                text = "runs in a circle, %s of 0x%x goes back to 0x%x"
                return problem(here, text % (step, previous, entry))
            if len(seen) > LIMIT:
                return problem(here, "over %d entries; stopped" % LIMIT)
            address = entry - link_offset
            if entry not in known:
                structure, item = read(address)
                known[entry] = {name: structure.uint(path) for name, path in pointers.items()}, item
            both = known[entry][0]
            after, before = both[step], both[back]
            if isinstance(after, Unreadable):
                return problem(here, "the one at 0x%x cannot be read: %s" % (address, after.reason))
            if isinstance(before, int) and before != previous:
                # A pointer that went wild can hit readable memory; what lies there is no entry.
                if is_one is not None and is_one(address) is False:
                    text = "torn, %s of 0x%x leads to 0x%x, which is no %s"
                    return problem(here, text % (step, previous, entry, type_name))
                text = "torn, %s of 0x%x is 0x%x, not 0x%x"
                whole = problem((entry, back), text % (back, entry, before, previous))
            seen.add(entry)
            kept.append(entry)
            previous, entry = entry, after

    forward: List[int] = []
    backward: List[int] = []
    if not follow("Flink", "Blink", forward):
        follow("Blink", "Flink", backward)
    entries = _merged(forward, backward[::-1])
    more = len(entries) - len(forward)
    if more:
        problems.append("%d more were found by walking the list backward; some in between may be missing" % more)
    return [known[entry][1] for entry in entries], problems


def _merged(first: List[int], second: List[int]) -> List[int]:
    """The entries of both, in order: one that only `second` has comes before its next neighbour there."""
    have = set(first)
    extra: Dict[int, List[int]] = {}
    waiting: List[int] = []
    for entry in second:
        if entry in have:
            extra[entry], waiting = waiting, []
        else:
            waiting.append(entry)
    merged: List[int] = []
    for entry in first:
        merged += extra.get(entry, [])
        merged.append(entry)
    return merged + waiting
