"""The lines of texts that nobody understood: those of each token's part, and the others that may hold a fact."""

from bisect import bisect_left, bisect_right
from typing import Dict, List, Sequence, Tuple

from kdtoken.model.view import Unread
from kdtoken.view.lines import Line, is_debugger_command
from kdtoken.view.partial import PartialToken
from kdtoken.view.text import AnyText
from kdtoken.view.words import has_facts


def line_of(text: PartialToken) -> int:
    """The line where a token's text begins; 0 where that is not known."""
    return min((place.line for place in text.places.values()), default=0)


class UnreadLines:
    """Each question costs what its answer's part of the text does: a log may tell of ten thousands of tokens."""

    def __init__(self, texts: Sequence[AnyText]) -> None:
        self._texts = texts
        self._tokens: List[PartialToken] = []
        self._left: List[Sequence[Line]] = []  # of the text of each token, in their order
        self._starts: Dict[str, List[int]] = {}  # lines where tokens begin, by file
        for text in texts:
            left = _in_order(text.not_understood) if text.tokens else []
            for token in text.tokens:
                self._tokens.append(token)
                self._left.append(left)
                if token.places:
                    self._starts.setdefault(_file_of(token), []).append(line_of(token))
        for starts in self._starts.values():
            starts.sort()
        # What was put together out of several outputs stands where the last of them does.
        self._at = {id(token): at for at, token in enumerate(self._tokens)}
        self._at_address = {token.token.address: at for at, token in enumerate(self._tokens)}

    def of_token(self, token: PartialToken) -> Tuple[Unread, ...]:
        """The lines in a token's part of the text that nobody understood.

        Its part goes from its own first line to the next token's (the first token's from the beginning of the text).
        Outside of what the token's lines enclose there is chatter too: there only lines with a SID or a privilege count.
        """
        at = self._at.get(id(token), self._at_address.get(token.token.address, -1))
        if at < 0 or not token.places:
            return ()
        token = self._tokens[at]
        file, lines = _file_of(token), [place.line for place in token.places.values()]
        starts = self._starts[file]
        first, last = min(lines), max(lines)
        begin = 0 if first == starts[0] else first
        behind = bisect_right(starts, first)
        end = starts[behind] if behind < len(starts) else 1 << 62
        left = self._left[at]
        part = left[bisect_left(left, Line(begin, "")) : bisect_left(left, Line(end, ""))]
        found: List[Unread] = []
        for line in _in_order([*part, *token.not_understood]):
            if line.number == last + 1:
                last += 1  # what follows without a blank line belongs to it
            if is_debugger_command(line.text):
                continue  # what was asked tells nothing of a token
            if begin <= line.number < end and (first <= line.number <= last or has_facts(line.text)):
                if found and found[-1].line == line.number:
                    found.pop()  # of several pieces of one line, the last
                found.append(Unread(line.number, line.text, file))
        return tuple(found)

    def all(self) -> Tuple[Unread, ...]:
        """Those of every token, and the others: between outputs stands talk, too, of which only what may be a fact."""
        found = {one: None for token in self._tokens for one in self.of_token(token)}
        for read in self._texts:
            lines = {line: None for line in read.not_understood if has_facts(line.text)}
            nobodys = {line.number for line in read.not_understood}  # a token's lines may stand in a process's block
            for block in read.processes.processes:
                lines.update((line, None) for line in block.not_understood if line.number in nobodys)
            for line in lines:
                if not is_debugger_command(line.text):
                    found[Unread(line.number, line.text, read.file)] = None
        return tuple(sorted(found, key=lambda one: (one.file, one.line)))


def _in_order(lines: Sequence[Line]) -> List[Line]:
    """The lines by number, each once; of millions, which come nearly in their order, no set is made."""
    ordered = sorted(lines)
    return [line for at, line in enumerate(ordered) if not at or line != ordered[at - 1]]


def _file_of(token: PartialToken) -> str:
    return next(iter(token.places.values())).file
