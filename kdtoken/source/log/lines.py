"""The lines of a saved log that may matter, out of files of any size, with their numbers.

Most of a log is none of our business (call stacks, module lists, chatter): one pattern over big
blocks finds the lines worth a look, and no other line ever becomes a Python object.  Time is
linear in the file, memory is one block.

Files of every encoding are brought to one byte a character first: `.logopen` writes the ANSI code
page, `.logopen /u` UTF-16 (learn.microsoft.com, ".logopen (Open Log File)"), an editor UTF-8.
All that is looked for is ASCII.
"""

import codecs
import io
import os
from typing import BinaryIO, Callable, Iterator, List, NamedTuple, Optional, Pattern, Sequence, Tuple, Union

from kdtoken.errors import BadFormat
from kdtoken.files import why
from kdtoken.source.log.rows import Stretch, stretches_at

BLOCK = 1 << 20
# Of a longer line only the beginning is looked at: no debugger prints such a line.
LONGEST_LINE = 1 << 16

Progress = Callable[[int, int], None]

_ASK_AGAIN = "give a text file that WinDbg's .logopen wrote, or text copied from its window"
# Bytes that no text has; NUL is judged apart, since logs come with some, and UTF-16 is full of them.
_CONTROLS = bytes(set(range(1, 32)) - set(b"\t\n\r\f\x08\x1b\x07\x1a"))
_HIGHEST_SHARE = 0.02


class Line(NamedTuple):
    """number counts from 1; start and stop are positions in the file, in characters; cut: the file ends in it."""

    number: int
    start: int
    stop: int
    text: str
    cut: bool


class Rows(NamedTuple):
    """Many lines that show memory; number and start are those of the first."""

    number: int
    start: int
    stretch: Stretch

    def lines(self) -> Iterator[Line]:
        """The same one by one."""
        start = self.start
        for index, text in enumerate(self.stretch.rows.split(b"\n")[:-1]):
            stop = start + len(text)
            shown = text[:LONGEST_LINE].decode("latin-1").rstrip("\r")
            yield Line(self.number + index, start, stop, shown, False)
            start = stop + 1


class Gap(NamedTuple):
    """Whole lines that a reader of text has no use for; start and stop are positions in the file, in characters."""

    start: int
    stop: int
    lines: int


class LogFile:
    """One saved log.  `name` is what messages call it; `first` and `last` choose lines of it."""

    def __init__(self, path: str, first: int = 1, last: Optional[int] = None) -> None:
        """Raises BadFormat where there is no such file, or where it is no text."""
        self.path = path
        self.name = os.path.basename(path)
        self.first, self.last = first, last
        try:
            with open(path, "rb") as file:
                head = file.read(BLOCK)
                self.size = os.fstat(file.fileno()).st_size
        except (OSError, ValueError) as error:
            raise BadFormat("cannot read the log %s: %s" % (path, why(error)), path, _ASK_AGAIN) from error
        self._encoding, self._unit, self._skip = _encoding_of(head)
        self._errors = "replace" if self._unit == 2 else "backslashreplace"
        self._old_mac = self._unit == 1 and b"\n" not in head and head.count(b"\r") > 1
        self._refuse_what_is_no_text(head)

    def _refuse_what_is_no_text(self, head: bytes) -> None:
        text = self._characters(head[self._skip :])
        if not text.strip(b" \t\r\n\f\x1a\0"):
            raise BadFormat("%s is empty: there is no text in it" % self.name, self.path, _ASK_AGAIN)
        strange = len(text) - len(text.translate(None, _CONTROLS))
        if strange > len(text) * _HIGHEST_SHARE:
            raise BadFormat("%s is a binary file, not a saved log" % self.name, self.path, _ASK_AGAIN)

    def _characters(self, raw: bytes) -> bytes:
        """As many bytes as the block has characters (code units); what is not ASCII may become "?"."""
        if self._unit == 1:
            text = raw
        else:
            low, high = (raw[0::2], raw[1::2]) if self._encoding == "utf-16-le" else (raw[1::2], raw[0::2])
            if high.strip(b"\0"):
                text = bytes(a if b == 0 else 0x3F for a, b in zip(low, high))
            else:
                text = low[: len(high)]
        if b"\0" in text:
            text = text.replace(b"\0", b" ")
        if self._old_mac:
            text = text.replace(b"\r", b"\n")
        return text

    def _blocks(self, file: BinaryIO, progress: Optional[Progress]) -> Iterator[bytes]:
        file.seek(self._skip)
        done = self._skip
        while True:
            raw = file.read(BLOCK)
            if not raw:
                return
            done += len(raw)
            yield self._characters(raw)
            if progress is not None:
                progress(done, self.size)

    def lines(self, pattern: Pattern[bytes], progress: Optional[Progress] = None) -> Iterator[Union[Line, Rows]]:
        """The lines whose beginning matches; `pattern` starts with the newline in front of the line."""
        some = self.first > 1 or self.last is not None
        try:
            with open(self.path, "rb") as file:
                for found in _matching(self._blocks(file, progress), pattern):
                    for line in found.lines() if some and isinstance(found, Rows) else (found,):
                        if self.last is not None and line.number > self.last:
                            return
                        if line.number >= self.first:
                            yield line
        except OSError as error:
            raise BadFormat("cannot read the log %s: %s" % (self.path, why(error)), self.path, _ASK_AGAIN) from error

    def text(self, start: int, stop: int) -> str:
        """A part of the file as it is, by positions that `lines` gave.  Raises BadFormat if it is gone."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._skip + start * self._unit)
                raw = file.read((stop - start) * self._unit)
        except OSError as error:
            raise BadFormat("cannot read the log %s again: %s" % (self.path, why(error)), self.path) from error
        text = raw.decode(self._encoding, self._errors)
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def pieces(self, gaps: Sequence[Gap] = ()) -> Iterator[str]:
        """The text from its beginning to its end, in pieces that end with a line; lines not chosen, or in one of the
        gaps, are empty."""
        begun: List[str] = []  # of a line whose end has not come yet
        number = 1
        for text in self._decoded(gaps):
            lines, end, rest = text.rpartition("\n")
            if not end:
                begun.append(rest)
                continue
            piece = "".join([*begun, lines, end])
            begun = [rest]
            behind = number + piece.count("\n")
            if number < self.first or (self.last is not None and behind > self.last):
                piece = self._chosen(piece, number)
            yield piece
            if self.last is not None and behind > self.last:
                return
            number = behind
        yield self._chosen("".join(begun), number)

    def _chosen(self, piece: str, number: int) -> str:
        """The piece that begins with line `number`, with nothing in lines before the first, and none behind the last."""
        lines = piece.split("\n")
        before = min(max(self.first - number, 0), len(lines))
        stop = len(lines) if self.last is None else self.last - number + 1
        return "\n".join([""] * before + lines[before:stop])

    def _decoded(self, gaps: Sequence[Gap]) -> Iterator[str]:
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(self._encoding)(self._errors), True)
        end = Gap(self.size, self.size, 0)
        try:
            with open(self.path, "rb") as file:
                file.seek(self._skip)
                for gap in (*gaps, end):
                    left = self._skip + gap.start * self._unit - file.tell()
                    while left > 0:
                        raw = file.read(min(left, BLOCK))
                        left = left - len(raw) if raw else 0
                        yield decoder.decode(raw)
                    if gap is not end:
                        yield "\n" * gap.lines
                        file.seek(self._skip + gap.stop * self._unit)
        except OSError as error:
            raise BadFormat("cannot read the log %s again: %s" % (self.path, why(error)), self.path) from error
        yield decoder.decode(b"", True)


def _encoding_of(head: bytes) -> Tuple[str, int, int]:
    """(codec, bytes a character, bytes of the mark in front)."""
    if head.startswith(b"\xff\xfe"):
        return "utf-16-le", 2, 2
    if head.startswith(b"\xfe\xff"):
        return "utf-16-be", 2, 2
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8", 1, 3
    # Without the mark: in UTF-16 every other byte of what a debugger prints is zero.
    probe = head[:4096]
    half = len(probe) // 2
    if half >= 2:
        odd, even = probe[1::2].count(0), probe[0::2].count(0)
        if odd > half * 0.7 and even < half * 0.3:
            return "utf-16-le", 2, 0
        if even > half * 0.7 and odd < half * 0.3:
            return "utf-16-be", 2, 0
    return "utf-8", 1, 0


def _matching(blocks: Iterator[bytes], pattern: Pattern[bytes]) -> Iterator[Union[Line, Rows]]:
    number = 1  # of the line at the start of `kept`
    start = 0  # position of that line
    kept = b""
    for block in blocks:
        at = start + len(kept)  # of the block
        end = block.rfind(b"\n")
        if end < 0:
            kept += block
        else:
            whole = b"\n" + kept + block[: end + 1]
            for line in _in_block(whole, pattern, number, start, False):
                yield line
            number += whole.count(b"\n") - 1
            kept = block[end + 1 :]
            start = at + end + 1
        while len(kept) > LONGEST_LINE:
            # The rest of this line is passed over, up to its newline.
            for line in _in_block(b"\n" + kept[:LONGEST_LINE] + b"\n", pattern, number, start, False):
                yield line
            at = start + len(kept)
            kept = b""
            start = at
            for block in blocks:
                end = block.find(b"\n")
                if end >= 0:
                    number += 1
                    rest = block[end + 1 :]
                    start = at + end + 1
                    last = rest.rfind(b"\n")
                    if last >= 0:
                        whole = b"\n" + rest[: last + 1]
                        for line in _in_block(whole, pattern, number, start, False):
                            yield line
                        number += whole.count(b"\n") - 1
                        start += last + 1
                        rest = rest[last + 1 :]
                    kept = rest
                    break
                at += len(block)
                start = at
    if kept:
        for line in _in_block(b"\n" + kept + b"\n", pattern, number, start, True):
            yield line


def _in_block(block: bytes, pattern: Pattern[bytes], number: int, start: int, cut: bool) -> Iterator[Union[Line, Rows]]:
    """`block` begins with a newline that is not in the file, and ends with one."""
    counted = 1
    match = pattern.search(block)
    while match:
        at = match.start() + 1
        number += block.count(b"\n", counted, at)
        counted = at
        end, behind = at - 1, number
        for stretch in () if cut else stretches_at(block, at):
            yield Rows(behind, start + end, stretch)
            end += len(stretch.rows)
            behind += stretch.rows.count(b"\n")
        if end < at:
            end = block.find(b"\n", at)
            text = block[at : min(end, at + LONGEST_LINE)].decode("latin-1").rstrip("\r")
            yield Line(number, start + at - 1, start + end - 1, text, cut)
        match = pattern.search(block, end)
