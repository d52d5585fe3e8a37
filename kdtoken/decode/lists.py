"""Doubly linked kernel lists: `_LIST_ENTRY` {Flink; Blink;} embedded in structs.

A list read while the machine runs, or of a machine whose memory is damaged, may be torn or
run in a circle; the walk always ends, keeps what it reached, and says what is wrong.
"""

from typing import Callable, List, Optional, Set, Tuple, TypeVar

from kdtoken.decode.structure import Structure, read_structure
from kdtoken.model.absent import Absent, Maybe, Unreadable
from kdtoken.target.base import Target

# Windows hands out at most some 2^26 / 4 ids; nobody's machine has this many of anything listed.
LIMIT = 1_000_000

T = TypeVar("T")


def walk_list(
    target: Target,
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

    Forward by Flink; where that path breaks, the rest backward by Blink, so that one torn
    entry does not hide the processes behind it.
    """
    link_offset = target.layout(type_name).field(link).offset
    ends = read_structure(target, "_LIST_ENTRY", head)
    seen: Set[int] = {head}
    problems: List[str] = []

    def problem(text: str) -> bool:
        if text not in problems:  # both directions may meet the same one
            problems.append(text)
        return False

    def follow(step: str, back: str, kept: List[T]) -> bool:
        """Walk until the head; True when it was reached and nothing is missing."""
        previous, entry = head, ends.uint(step)
        while True:
            if isinstance(entry, (Unreadable, Absent)):
                return problem("%s list: %s of 0x%x is %s" % (type_name, step, previous, entry))
            if entry == head:
                last = ends.uint(back)
                if isinstance(last, int) and last != previous:
                    return problem(
                        "%s list is torn: %s of 0x%x ends it, but the last entry should be 0x%x"
                        % (type_name, step, previous, last)
                    )
                return True
            if entry == 0:
                return problem("%s list is torn: %s of 0x%x is null" % (type_name, step, previous))
            if entry in seen:
                if step == "Flink":
                    problem(
                        "%s list runs in a circle: %s of 0x%x goes back to 0x%x"
                        % (type_name, step, previous, entry)
                    )
                return False
            if len(seen) > LIMIT:
                return problem("%s list has over %d entries; stopped" % (type_name, LIMIT))
            address = entry - link_offset
            structure, value = read(address)
            here = structure.uint("%s.%s" % (link, step))
            if isinstance(here, Unreadable):
                return problem("%s at 0x%x cannot be read: %s" % (type_name, address, here.reason))
            came_from = structure.uint("%s.%s" % (link, back))
            if isinstance(came_from, int) and came_from != previous:
                # A pointer that went wild can hit readable memory; what lies there is no entry.
                if is_one is not None and is_one(address) is False:
                    return problem(
                        "%s list is torn: %s of 0x%x leads to 0x%x, which is no %s"
                        % (type_name, step, previous, entry, type_name)
                    )
                problem(
                    "%s list is torn: %s of 0x%x is 0x%x, not 0x%x"
                    % (type_name, back, entry, came_from, previous)
                )
            seen.add(entry)
            kept.append(value)
            previous, entry = entry, here

    forward: List[T] = []
    backward: List[T] = []
    if not follow("Flink", "Blink", forward):
        follow("Blink", "Flink", backward)
        if backward:
            problem(
                "%d more were found by walking the list backward; some in between may be missing"
                % len(backward)
            )
    return forward + backward[::-1], problems
