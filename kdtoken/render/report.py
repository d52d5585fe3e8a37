"""Lines of a report being gathered: sections, labelled rows, and where each value was read."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Origin, Token
from kdtoken.render.words import clean, columns, sid_name, table, wrapped

LABEL = 22
_NOTE = " " * 6
# Values that say nothing is there, and rows that are told all the same: session 0 is a session.
_IDLE = ("none", "null", "0")
_TOLD = ("Session", "Integrity label", "Logon session")


class Report:
    """A report; with `why`, each value is followed by where it came from; `names` are those of its source.

    width, label  columns of a line (0: of the page), and of the labels in front of the values
    gathering     whether rows that say none, null or 0 are kept back for `idle_rows`; never with `why`, which
                  shows where each of them was read
    """

    def __init__(self, why: bool, names: Names = NO_NAMES, width: int = 0, label: int = LABEL) -> None:
        self.lines: List[str] = []
        self.gathering = False
        self._why = why
        self._names = names
        self._width, self._label = width or columns(), label
        self._idle: Dict[str, List[str]] = {}
        self._bare = ""  # a section of which nothing was printed but its heading, since its rows were kept back

    def name(self, sid: Sid, token: Optional[Token] = None) -> str:
        """The SID's name; the user of `token` is named by its logon session."""
        return sid_name(sid, token, self._names)

    def section(self, title: str) -> None:
        """A heading after an empty line."""
        self._drop_bare()
        self.lines += ["", title]

    def row(self, label: str, value: str, origin: Optional[Origin] = None) -> None:
        """A labelled value; long values go on below themselves."""
        if self.gathering and not self._why and value in _IDLE and label.strip() and label not in _TOLD:
            self._idle.setdefault(value, []).append(label.strip())
            self._bare = self.lines[-1] if self.lines[-2:-1] == [""] else self._bare
            return
        for line in wrapped(value, self._width - self._label - 3):
            self.lines.append(("  %s " % label.ljust(self._label) + line).rstrip())
            label = ""
        if origin is not None:
            self.note(origin_text(origin))

    def row_unless_empty(self, label: str, before: str, value: str) -> None:
        """A row where there is something to tell."""
        if value:
            self.row(label, before + value)

    def table(self, rows: Sequence[Tuple[str, ...]], key: int = -1) -> None:
        """Rows in aligned columns; `key` is the column that tells one row from another, -1 where only all do."""
        self.lines += table(rows)

    def idle_rows(self) -> None:
        """The rows that were kept back: one line for all that say none, null or 0."""
        self._drop_bare()
        if self._idle:
            idle = "; ".join("%s: %s" % (value, ", ".join(labels)) for value, labels in self._idle.items())
            self.lines += ["", *wrapped("Nothing there, %s" % idle, self._width)]
            self._idle = {}

    def _drop_bare(self) -> None:
        if self._bare and self.lines[-2:] == ["", self._bare]:
            del self.lines[-2:]
        self._bare = ""

    def note(self, text: str) -> None:
        """A line that only `--why` wants."""
        if self._why:
            self.lines += [_NOTE + line for line in wrapped(text, self._width - len(_NOTE))]


def origin_text(origin: Origin) -> str:
    """`<- _TOKEN.SessionId at 0x...: 01 00 00 00`, the bytes as they lie in memory."""
    long = len(origin.raw) > 8
    raw = " ".join("%02x" % byte for byte in (origin.raw[:4] if long else origin.raw))
    more = " ... %d bytes" % len(origin.raw) if long else ""
    what = "%s.%s" % (clean(origin.type), clean(origin.field))  # of the symbols, which a stranger may have made
    return "<- %s at 0x%x: %s%s" % (what, origin.address, raw, more)
