"""Doubly linked kernel lists: `_LIST_ENTRY` {Flink; Blink;} embedded in structs.

A list read while the machine runs, or of a machine whose memory is damaged, may be torn or
run in a circle; the walk always ends, keeps what it reached, and says what is wrong.
"""

from typing import Callable, List, Set, Tuple, TypeVar

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
) -> Tuple[List[T], List[str]]:
    """Every struct of the list at `head`, in order, and what was wrong with the list.

    head  address of the list head, itself a _LIST_ENTRY
    link  member of the struct that is chained
    read  address of a struct -> the bytes that hold `link`, and what to keep of it

    Forward by Flink; where that path breaks, the rest backward by Blink, so that one torn
    entry does not hide the processes behind it.
    """
    link_offset = target.layout(type_name).field(link).offset
    ends = read_structure(target, "_LIST_ENTRY", head)
    seen: Set[int] = {head}
    problems: List[str] = []

    def follow(entry: Maybe[int], step: str, kept: List[T]) -> bool:
        """Walk until the head; True when it was reached."""
        previous = head
        while True:
            if isinstance(entry, (Unreadable, Absent)):
                problems.append("%s list: %s of 0x%x is %s" % (type_name, step, previous, entry))
                return False
            if entry == head:
                return True
            if entry == 0:
                problems.append("%s list is torn: %s of 0x%x is null" % (type_name, step, previous))
                return False
            if entry in seen:
                if step == "Flink":
                    problems.append(
                        "%s list runs in a circle: %s of 0x%x goes back to 0x%x"
                        % (type_name, step, previous, entry)
                    )
                return False
            if len(seen) > LIMIT:
                problems.append("%s list has over %d entries; stopped" % (type_name, LIMIT))
                return False
            seen.add(entry)
            structure, value = read(entry - link_offset)
            here = structure.uint("%s.%s" % (link, step))
            if isinstance(here, Unreadable):
                problems.append(
                    "%s at 0x%x cannot be read: %s" % (type_name, entry - link_offset, here.reason)
                )
                seen.discard(entry)
                return False
            kept.append(value)
            previous, entry = entry, here

    forward: List[T] = []
    backward: List[T] = []
    if not follow(ends.uint("Flink"), "Flink", forward):
        follow(ends.uint("Blink"), "Blink", backward)
        if backward:
            problems.append(
                "%d more were found by walking the list backward; some in between may be missing"
                % len(backward)
            )
    return forward + backward[::-1], problems


