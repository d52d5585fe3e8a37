"""Everything of a token and of a process, in the words of `dump --all --why`, as data that the page lays out.

A section is [title, rows, table]; a row [label, value] or [label, value, where it was read]; a row of a table
[key, cell, ...], where the key tells it from the others of its table.  All texts are numbers: places in one list,
since thousands of tokens hold the same privileges and groups.
"""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from kdtoken.analysis.classification import Elevation, dump_remarks, elevation, token_remarks
from kdtoken.analysis.lineage.origin import Lineage
from kdtoken.analysis.lineage.parents import Parent
from kdtoken.model.process import ProcessDetails, ProcessDump
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Origin, Token
from kdtoken.render.report import Report, origin_text
from kdtoken.render.screen_token import token_rows
from kdtoken.render.text import finding_rows, linked_section, process_section, remark_rows
from kdtoken.render.token_text import token_sections, unnamed_section
from kdtoken.render.words import show

Section = List[Any]


class Strings:
    """Every text once; the same text always has the same number."""

    def __init__(self) -> None:
        self.all: List[str] = []
        self._places: Dict[str, int] = {}

    def __call__(self, text: str) -> int:
        """The text's number."""
        place = self._places.setdefault(text, len(self.all))
        if place == len(self.all):
            self.all.append(str(text))  # without the marks of a terminal
        return place


class Card(Report):
    """A report that keeps its sections as data; nothing is wrapped or left out."""

    def __init__(self, strings: Strings, names: Names = NO_NAMES) -> None:
        super().__init__(True, names)
        self.sections: List[Section] = []
        self._strings = strings

    def section(self, title: str) -> None:
        """A heading."""
        self.sections.append([self._strings(title), [], []])

    def row(self, label: str, value: str, origin: Optional[Origin] = None) -> None:
        """A labelled value."""
        row = [self._strings(label.strip()), self._strings(value)]
        self.sections[-1][1].append(row)
        if origin is not None:
            self.note(origin_text(origin))

    def table(self, rows: Sequence[Tuple[str, ...]], key: int = -1) -> None:
        """Rows of cells; what tells one row from another is its cell `key`, or all of it."""
        for row in rows:
            name = row[key] if 0 <= key < len(row) else "\t".join(row)
            self.sections[-1][2].append([self._strings(name), *map(self._strings, row)])

    def note(self, text: str) -> None:
        """Where the last row, or the table in front of it, was read; two notes on one row are joined."""
        text = text[3:] if text.startswith("<- ") else text
        rows = self.sections[-1][1]
        if not rows:
            rows.append([self._strings(""), self._strings("")])
        row = rows[-1]
        row[2:] = [self._strings("%s; %s" % (self._strings.all[row[2]], text) if len(row) > 2 else text)]


def token_card(strings: Strings, token: Token, lineage: Optional[Lineage], names: Names) -> List[Section]:
    """A token: the answer first, then every field."""
    card = Card(strings, names)
    card.section("At a glance")
    card.row("Runs as", show(token.user, lambda sid: "%s  (%s)" % (card.name(sid, token), sid)))
    card.row("Integrity", show(token.integrity, lambda sid: card.name(sid).split("\\")[-1], "no label"))
    kind = elevation(token)
    if kind is not Elevation.UNKNOWN:
        card.row("Elevation", kind.value)
    remark_rows(card, token_remarks(token))
    token_rows(card, token, lineage, "")
    token_sections(card, token)
    return card.sections


def process_card(strings: Strings, row: ProcessDump, parent: Parent, findings: Sequence[Any], names: Names) -> Any:
    """A process around its token: what is strange, its parent, its members, its linked token."""
    card = Card(strings, names)
    process_section(card, row, parent)
    finding_rows(card, findings)
    shown = token_remarks(row.token) if isinstance(row.token, Token) else []
    remark_rows(card, [one for one in dump_remarks(row) if one not in shown])
    if isinstance(row.details, ProcessDetails):
        unnamed_section(card, "_EPROCESS", row.details.unnamed)
    if isinstance(row.token, Token):
        linked_section(card, row.token, row.linked)
    return card.sections
