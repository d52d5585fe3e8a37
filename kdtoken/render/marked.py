"""Text that knows what its parts mean: marks beside a line, of which a pipe, a file and a test see nothing.

A renderer says what a part of its line is (a finding, a low integrity level) and what a click on it would run.
How that looks is another's business: kdtoken.cli.colour on a terminal, kdtoken.render.dml in WinDbg, nothing elsewhere.
A marked text is an ordinary string; where an operation that is not listed here makes a new one, the marks are lost
and the text is right.
"""

from typing import Any, Iterable, List, NamedTuple, Optional, Tuple

# What a part of a line can be.
STYLES = frozenset(
    ("impossible", "unusual")  # findings and remarks: !! and !
    + ("untrusted", "low", "high", "system")  # integrity; the medium level is what everybody has
    + ("deny", "sensitive")  # a group that only ever denies; a privilege that is on and gives power over others
    + ("yes", "no", "depends")  # of an access check
    + ("gap",)  # what could not be read
)


class Mark(NamedTuple):
    """A part of a text.

    start, end  where it lies
    style       what it is, one of STYLES, or ""
    command     what a click on it runs, or ""
    whole       a name or a path, at whose blanks a line should not end
    """

    start: int
    end: int
    style: str = ""
    command: str = ""
    whole: bool = False


class Marked(str):
    """A string with marks, which concatenation, slices and padding keep."""

    marks: Tuple[Mark, ...] = ()

    def __new__(cls, text: str, marks: Iterable[Mark] = ()) -> "Marked":
        made = super().__new__(cls, text)
        made.marks = tuple(marks)
        return made

    def __add__(self, other: str) -> "Marked":
        return Marked(str(self) + str(other), (*self.marks, *_moved(other, len(self))))

    def __radd__(self, other: str) -> "Marked":
        return Marked(str(other) + str(self), (*_moved(other, 0), *_moved(self, len(other))))

    def __getitem__(self, key: Any) -> str:
        text = super().__getitem__(key)
        if not isinstance(key, slice):
            return text
        start, stop, step = key.indices(len(self))
        return Marked(text, _within(self.marks, start, stop)) if step == 1 else text

    def ljust(self, width: Any, fillchar: str = " ") -> "Marked":
        """The text, filled up behind."""
        return Marked(super().ljust(width, fillchar), self.marks)

    def rjust(self, width: Any, fillchar: str = " ") -> "Marked":
        """The text, filled up before."""
        text = super().rjust(width, fillchar)
        return Marked(text, _moved(self, len(text) - len(self)))

    def rstrip(self, chars: Optional[str] = None) -> "Marked":
        """The text without the blanks behind it."""
        text = super().rstrip(chars)
        return Marked(text, _within(self.marks, 0, len(text)))

    def __reduce__(self) -> Any:
        return Marked, (str(self), self.marks)


def _moved(text: str, by: int) -> List[Mark]:
    marks = text.marks if isinstance(text, Marked) else ()
    return [mark._replace(start=mark.start + by, end=mark.end + by) for mark in marks]


def _within(marks: Iterable[Mark], start: int, stop: int) -> List[Mark]:
    cut = [one._replace(start=max(one.start, start) - start, end=min(one.end, stop) - start) for one in marks]
    return [one for one in cut if one.start < one.end]


def styled(text: str, style: str) -> str:
    """The text, said to be something; as it was where there is no style or no text."""
    if not style or not text:
        return text
    if style not in STYLES:
        raise ValueError("no style is called %r" % style)
    return _with(text, Mark(0, len(text), style))


def clickable(text: str, command: str) -> str:
    """The text, said to run a command where it is clicked; commands are made by kdtoken.render.dml alone."""
    return _with(text, Mark(0, len(text), "", command)) if text and command else text


def together(text: str) -> str:
    """The text, said to be one name: lines end before it or behind it where it takes no more than two thirds of one."""
    return _with(text, Mark(0, len(text), whole=True)) if " " in text else text


def _with(text: str, mark: Mark) -> Marked:
    before = text.marks if isinstance(text, Marked) else ()
    return Marked(str(text), (*before, mark))


def joined(separator: str, parts: Iterable[str]) -> str:
    """`separator.join(parts)`, keeping their marks."""
    listed = list(parts)
    if not any(isinstance(part, Marked) for part in listed):
        return separator.join(listed)
    marks: List[Mark] = []
    at = 0
    for part in listed:
        marks += _moved(part, at)
        at += len(part) + len(separator)
    return Marked(separator.join(map(str, listed)), marks)


def filled(template: str, *parts: str) -> str:
    """`template % parts`, keeping their marks; the template knows %s only."""
    pieces = template.split("%s")
    if len(pieces) != len(parts) + 1:
        raise ValueError("%d places for %d parts: %r" % (len(pieces) - 1, len(parts), template))
    found: List[str] = [pieces[0]]
    for part, piece in zip(parts, pieces[1:]):
        found += [part, piece]
    return joined("", found)


def segments(line: str) -> List[Tuple[str, str, str]]:
    """(text, style, command) of the parts of a line, in order; of marks that lie over one another the last counts."""
    marks = line.marks if isinstance(line, Marked) else ()
    edges = sorted({0, len(line), *(m.start for m in marks), *(m.end for m in marks)})
    found: List[Tuple[str, str, str]] = []
    plain = str(line)
    for start, end in zip(edges, edges[1:]):
        over = [mark for mark in marks if mark.start <= start and end <= mark.end]
        style = next((mark.style for mark in reversed(over) if mark.style), "")
        command = next((mark.command for mark in reversed(over) if mark.command), "")
        if found and found[-1][1:] == (style, command):
            found[-1] = (found[-1][0] + plain[start:end], style, command)
        else:
            found.append((plain[start:end], style, command))
    return found
