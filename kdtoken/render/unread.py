"""The lines of a text that were not understood, in the same words in every verb."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from kdtoken.model.view import Unread
from kdtoken.render.words import clean

_LONGEST = 200  # characters of a line


def unread_lines(lines: Sequence[Unread], listed: bool, whose: str = "") -> List[str]:
    """The end of a report: how many there are, or with --unread (`listed`) each with its place.

    whose  what stands in front, where there is more than one text
    """
    if not lines and not listed:
        return []
    count = "%s%d line%s not understood" % (whose, len(lines), "" if len(lines) == 1 else "s")
    if not listed:
        return ["", "%s; --unread lists %s" % (count, "it" if len(lines) == 1 else "them")]
    return ["", count + (":" if lines else "")] + ["  %s: %s" % (_place(one), _text(one)) for one in lines]


def unread_problems(lines: Sequence[Unread]) -> Tuple[str, ...]:
    """The same for programs, as problems of what was read from around them."""
    return tuple("line %d was not understood: %s" % (one.line, _text(one)) for one in lines)


def _place(one: Unread) -> str:
    return clean("%s:%d" % (one.file, one.line) if one.file else "line %d" % one.line)


def _text(one: Unread) -> str:
    """Blanks collapsed, since what a mail did to them tells nothing; what a terminal would obey escaped."""
    text = clean(" ".join(one.text.split()))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
