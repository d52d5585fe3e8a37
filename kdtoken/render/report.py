"""Lines of a report being gathered: sections, labelled rows, and where each value was read."""

from typing import List, Optional

from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Origin, Token
from kdtoken.render.words import WIDTH, sid_name, wrapped

LABEL = 22
_NOTE = " " * 6
_ROOM = WIDTH - LABEL - 3  # for a value behind its label


class Report:
    """A report; with `why`, each value is followed by where it came from; `names` are those of its source."""

    def __init__(self, why: bool, names: Names = NO_NAMES) -> None:
        self.lines: List[str] = []
        self._why = why
        self._names = names

    def name(self, sid: Sid, token: Optional[Token] = None) -> str:
        """The SID's name; the user of `token` is named by its logon session."""
        return sid_name(sid, token, self._names)

    def section(self, title: str) -> None:
        """A heading after an empty line."""
        self.lines += ["", title]

    def row(self, label: str, value: str, origin: Optional[Origin] = None) -> None:
        """A labelled value; long values go on below themselves."""
        for line in wrapped(value, _ROOM):
            self.lines.append(("  %s %s" % (label.ljust(LABEL), line)).rstrip())
            label = ""
        if origin is not None:
            self.note(origin_text(origin))

    def note(self, text: str) -> None:
        """A line that only `--why` wants."""
        if self._why:
            self.lines += [_NOTE + line for line in wrapped(text, WIDTH - len(_NOTE))]


def origin_text(origin: Origin) -> str:
    """`<- _TOKEN.SessionId at 0x...: 01 00 00 00`, the bytes as they lie in memory."""
    long = len(origin.raw) > 8
    raw = " ".join("%02x" % byte for byte in (origin.raw[:4] if long else origin.raw))
    more = " ... %d bytes" % len(origin.raw) if long else ""
    return "<- %s.%s at 0x%x: %s%s" % (origin.type, origin.field, origin.address, raw, more)
