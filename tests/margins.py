"""Damage done to whole columns of a text: what a screen, a page or a form has cut off at its margin."""

from typing import Iterator, List, Sequence, Tuple

# Every width that a page, a screen or a form has cut lines at.
RIGHT = range(30, 101)


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
