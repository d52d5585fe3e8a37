"""Damage done to whole columns and rows of a text: cut at its margins, thinned, sorted, set side by side."""

import difflib
import re
from typing import Iterator, List, Sequence, Tuple

# Every width that a page, a screen or a form has cut lines at.
RIGHT = range(30, 101)
LEFT = range(1, 21)
# `diff -y` and `sdiff` have 130 columns; people make it narrower and wider.
SIDES = (80, 100, 130, 160, 200)


def right_cuts(lines: Sequence[str]) -> Iterator[Tuple[str, List[str]]]:
    """Cut off at a right margin, with the blanks that then stand at a line's end, and without."""
    longest = max(map(len, lines), default=0)
    for width in RIGHT:
        if width >= longest:
            break
        cut = [line[:width] for line in lines]
        yield "right margin at %d" % width, cut
        bare = [line.rstrip() for line in cut]
        if bare != cut:
            yield "right margin at %d, blanks at the end lost" % width, bare


def left_cuts(lines: Sequence[str]) -> Iterator[Tuple[str, List[str]]]:
    """Cut off at a left margin."""
    for width in LEFT:
        yield "left margin of %d" % width, [line[width:] for line in lines]


def thinned(lines: Sequence[str]) -> Iterator[Tuple[str, List[str]]]:
    """Every second line, every third one lost."""
    for every in (2, 3):
        for first in range(every):
            yield (
                "lines %d of %d lost" % (first + 1, every),
                [line for at, line in enumerate(lines) if at % every != first],
            )


def sorted_lines(lines: Sequence[str]) -> Iterator[Tuple[str, List[str]]]:
    """Sorted, as `sort` and editors do, and turned over, as `tac` does."""
    yield "sorted", sorted(lines)
    yield "sorted, once each", sorted(set(lines))
    yield "sorted by what stands behind the blanks", sorted(lines, key=str.strip)
    yield "turned over", list(reversed(lines))


def side_by_side(lines: Sequence[str], other: Sequence[str], width: int) -> List[str]:
    """As `diff -y -W width` sets two texts."""
    half = (width - 3) // 2 - (width % 2 == 0)
    made = []
    pairs = difflib.SequenceMatcher(None, list(lines), list(other), autojunk=False)
    for what, a, b, c, d in pairs.get_opcodes():
        for at in range(max(b - a, d - c)):
            left = lines[a + at].expandtabs()[:half] if a + at < b else None
            right = other[c + at].expandtabs()[:half] if c + at < d else None
            sign = " " if what == "equal" else "<" if right is None else ">" if left is None else "|"
            made.append(("%-*s %s %s" % (half, left or "", sign, right or "")).rstrip())
    return made


def sides(lines: Sequence[str]) -> Iterator[Tuple[str, List[str]]]:
    """Beside itself, and beside what it may have been before: some of its lines are others, some are not there."""

    def changed(line: str) -> str:
        return re.sub(r"\bEnabled\b", "Disabled", line)

    before = [changed(line) for at, line in enumerate(lines) if at % 7 != 5]
    for width in SIDES:
        yield "beside itself at %d" % width, side_by_side(lines, lines, width)
        yield "beside another at %d" % width, side_by_side(lines, before, width)
