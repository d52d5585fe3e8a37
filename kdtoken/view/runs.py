"""Runs of lines that tell of threads and of nothing else, which the readers of a long text take at once.

A log of `!process 0 7` has some 100 lines a process that are all of one kind: `THREAD`, what it waits for, `Not
impersonating`, `Owning Process`, empty lines where call stacks were.  The forms here are narrower than what the reader
of `!process` takes: each line of a run is one that it understands and keeps nothing of but the thread, and one that no
other reader has any use for.  Whatever is otherwise is read line by line, and what is read is the same both ways.
"""

import re
from typing import Iterable, Iterator, List, Optional, Tuple

from kdtoken.view.lines import Line, split_lines

EMPTY = 2  # of empty lines in a row two are enough to see that something ends there
_MANY_EMPTY = re.compile("\n{%d,}" % (EMPTY + 2))


class Run(Line):
    """Several lines in one.

    number  of the first
    text    all of them, with line breaks between them
    width   of the widest
    """

    _lines: Optional[List[Line]] = None

    @property
    def lines(self) -> List[Line]:
        """Each by itself: the same ones whenever they are asked for, since readers tell lines by their identity."""
        if self._lines is None:
            self._lines = list(self._apart())
        return self._lines

    @property
    def is_open(self) -> bool:
        """Whether somebody asked for its lines, and may have kept some of them."""
        return self._lines is not None

    def count(self) -> int:  # type: ignore[override]
        """How many lines it has; none of them is made."""
        passed_over = _MANY_EMPTY.findall(self.text)
        return self.text.count("\n") + 1 - sum(map(len, passed_over)) + (EMPTY + 1) * len(passed_over)

    def _apart(self) -> Iterator[Line]:
        empty = 0
        for number, text in enumerate(self.text.split("\n"), self.number):
            empty = 0 if text else empty + 1
            if empty <= EMPTY:
                yield Line(number, text)


def lines_and_runs(text: str) -> Iterator[Line]:
    """The lines of a text, un-mangled, those of a run in one."""
    for line in split_lines(text, EMPTY, with_runs):
        yield Run(*line) if "\n" in line.text else line


def apart(lines: Iterable[Line], every: bool = False) -> List[Line]:
    """The lines, with those of a run in its place, if it was opened; or of every run."""
    found: List[Line] = []
    for line in lines:
        if isinstance(line, Run) and (every or line.is_open):
            found += line.lines
        else:
            found.append(line)
    return found


# A line's end, which is not taken; and an address of 64 or 32 bits in the kernel's half.
_END = r"(?=\n|\Z)"
_WIDE, _NARROW = "[89a-f][0-9a-f]{15}", "[89a-f][0-9a-f]{7}"
# What a thread waits for, or a frame without its arguments, empty lines before them.  After the blanks each differs in
# its first letter from whatever else may come, so nothing is tried twice.
_OTHERS = (
    r"(?:\n+ {1,40}[0-9a-f]{8}(?:`?[0-9a-f]{8})? "
    r"(?: [A-Z][\w ()-]*|[0-9a-f]{8}(?:`[0-9a-f]{8})? {1,12}[\w.!+`$?:-][\w.!+`$?: -]*)" + _END + ")*"
)
_THREAD = (
    r"\n* {0,40}THREAD (%s)  Cid ([0-9a-f]{4,8})\.([0-9a-f]{4,8})  Teb: [\w.:()?/ -]*" + _END + _OTHERS
    + r"(?:\n+( {1,40}Not impersonating)" + _END + _OTHERS + ")?"
    + r"(?:\n+( {1,40}Owning Process {1,40})(%s) {1,40}Image: {1,40}([\w.-]+)" + _END + _OTHERS + ")?"
)  # fmt: skip
THREAD = {
    True: re.compile(_THREAD % (_WIDE, _WIDE), re.ASCII),
    False: re.compile(_THREAD % (_NARROW, _NARROW), re.ASCII),
}
# Many of one width.
_SEVERAL = re.compile("|".join("(?:%s)+" % one.pattern for one in THREAD.values()), re.ASCII)
# A word of something that a reader may have a use for, in whatever case.
_TELLING = ("token", "s-1-", "rivilege", "right", "hoami", "offsets", "dt ", "dx ", "fast_ref", "image file")
_INDENT = 40  # blanks in front of THREAD


def with_runs(block: str) -> Iterator[str]:
    """The lines of a text; those of a run in one piece, with line breaks in it."""
    at = 0  # where the line begins that comes next
    for begin, end in _runs(block):
        if at < begin:
            yield from block[at : begin - 1].split("\n")
        yield block[begin:end]
        at = end + 1
    if at <= len(block):
        yield from block[at:].split("\n")


def _runs(block: str) -> Iterator[Tuple[int, int]]:
    """Where runs begin and end."""
    at = block.find("THREAD ")
    while at >= 0:
        begin = block.rfind("\n", max(0, at - _INDENT - 1), at) + 1
        found = _SEVERAL.match(block, begin) if begin or at <= _INDENT else None
        if found is not None and is_quiet(found.group()):
            yield found.span()
        elif found is not None:
            yield from (one for one in _each(block, *found.span()) if is_quiet(block[slice(*one)]))
        at = block.find("THREAD ", found.end() if found is not None else at + 1)


def _each(block: str, begin: int, end: int) -> Iterator[Tuple[int, int]]:
    """Where each of the threads of a run begins and ends."""
    for thread in THREAD[THREAD[True].match(block, begin) is not None].finditer(block, begin, end):
        yield max(begin, block.rfind("\n", begin, thread.start(1)) + 1), thread.end()


def is_quiet(text: str) -> bool:
    """Whether no word of the text is one that a reader may have a use for."""
    lower = text.lower()
    return not any(word in lower for word in _TELLING)
