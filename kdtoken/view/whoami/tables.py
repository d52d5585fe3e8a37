"""A table of whoami's: its rule, the lines below it, and the rows that they are, also where a narrow console broke them.

Where the rule itself is broken over lines, every row may be: then the lines are joined again by their width, and rows
are told by what no width can hide: a SID, the name of a privilege, whoami's own words.
"""

import re
from typing import Iterable, List, Optional, Set

from kdtoken.model.group import ENABLED, MANDATORY, USE_FOR_DENY_ONLY
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import name_of
from kdtoken.view.lines import Line, is_cut
from kdtoken.view.whoami import shapes
from kdtoken.view.whoami.rows import GROUPS, PRIVILEGES, USER, WhoamiBuilder
from kdtoken.view.whoami.words import attributes_of, leading_attributes, state_of, without_kind
from kdtoken.view.words import PRIVILEGE, SID, SID_BESIDE_WORDS, has_facts, sid_of

KINDS = {2: USER, 4: GROUPS, 3: PRIVILEGES}
# Where lines were joined, a word may end right in front of it.
_NAME = re.compile(r"Se[A-Z][A-Za-z]{1,60}?(?:Privilege|Right)(?![a-z])")
_LONGEST_STATE = 3
_SID_LAST = re.compile(r"S-1-[-0-9]{1,200}$", re.IGNORECASE)


def margin_of(lines: Iterable[Line]) -> int:
    """The column where a text was cut on its right: two tables are as wide only there; far out where it was not."""
    rules = {line.text for line in lines if line.text[:2] == "==" and not line.text.strip("= ")}
    widths = [len(one) for one in rules]
    widest = max(widths, default=0)
    shapes_there = {tuple(shapes.COLUMN.findall(one)) for one in rules if len(one) == widest}
    return widest if len(shapes_there) > 1 else 1 << 30


class Table:
    """The lines of one table until its end is seen."""

    def __init__(self, rule: str, spaced: bool, cut: bool, margin: int = 1 << 30, heads: str = "") -> None:
        self.rules, self.cut, self.margin = [rule], cut or not heads, margin
        self.cut_left = shapes.lost_their_beginning(heads, rule)
        self.lines: List[Line] = []
        self.spaced = spaced
        self.blanks = self.of_tags = 0  # blank lines behind the last row, and how many of them a page's tags left

    @property
    def columns(self) -> shapes.Columns:
        """Of a rule that stands on one line."""
        return tuple(one.span() for one in shapes.COLUMN.finditer(self.rules[0]))

    @property
    def kind(self) -> str:
        """Which list this is, by the number of its columns; empty where no table of whoami's has so many."""
        if len(self.rules) == 1:
            return KINDS.get(len(self.columns), "")
        # Where blanks at the ends of lines were lost, two columns may look like one.
        counts = {len(shapes.COLUMN.findall(text)) for text in (_joined(self.rules), " ".join(self.rules))}
        if any(_NAME.search(line.text) for line in self.lines):
            return PRIVILEGES if 3 in counts else ""
        return GROUPS if 4 in counts else USER if 2 in counts else ""

    @property
    def ends_with_the_text(self) -> bool:
        """Whether its end was seen, with nothing behind it but blank lines of the text's own."""
        return self.blanks - self.of_tags > 1 and sum(self.is_row(one.text) for one in self.lines) > 1

    def is_row(self, text: str) -> bool:
        """Whether a line behind a blank one is a row of this table all the same."""
        if self.kind == PRIVILEGES:
            return PRIVILEGE.match(text.strip()) is not None
        return self.kind == GROUPS and len(SID.findall(text)) == 1

    def read(self, token: WhoamiBuilder, ended: bool) -> List[Line]:
        """Give the rows to the token; returns the lines that were not understood."""
        part = token.begin(self.kind, not self.cut)
        token.cut_left = token.cut_left or self.cut_left
        unknown: List[Line] = []
        if len(self.rules) > 1:
            self._flowing(token, ended, unknown)
        else:
            alone = True  # whether the row's beginning cannot stand in the line above
            for line in self.lines:
                if is_cut(line.text):
                    token.cut(line, self.kind)
                    alone = False
                    continue
                at_margin = len(line.text) >= self.margin
                if at_margin and (self.kind == USER or _SID_LAST.search(line.text)):
                    understood = False
                else:
                    understood = _row(token, self.kind, line, self.columns, alone)
                    if understood and (at_margin or self._lacks_words(token, line)):
                        token.doubt(self.kind, line)
                unknown += [] if understood else [line]
                alone = understood
        part.ended = part.ended or ended
        return unknown

    def _lacks_words(self, token: WhoamiBuilder, line: Line) -> bool:
        """Whether a row as wide as its rule says of a group what cannot be: mandatory, and not enabled (winnt.h)."""
        if self.kind != GROUPS or len(line.text) < len(self.rules[0]) or not token.groups:
            return False
        bits = token.groups[-1].attributes
        return isinstance(bits, int) and bits & (MANDATORY | ENABLED | USE_FOR_DENY_ONLY) == MANDATORY

    # --- a table that a console broke ---

    def _flowing(self, token: WhoamiBuilder, ended: bool, unknown: List[Line]) -> None:
        """The rows of lines that were joined again."""
        chunks: List[List[Line]] = [[]]
        for line in self.lines:
            if is_cut(line.text):
                token.cut(line, self.kind)
                chunks.append([])
            else:
                chunks[-1].append(line)
        for at, lines in enumerate(chunks):
            if lines:
                self._chunk(token, lines, at == 0, ended and at + 1 == len(chunks), unknown)

    def _chunk(self, token: WhoamiBuilder, lines: List[Line], first: bool, ended: bool, unknown: List[Line]) -> None:
        """Lines with nothing left out between them."""
        text = _joined([line.text for line in lines])
        if self.kind == USER:
            found = SID_BESIDE_WORDS.search(text)
            sid = sid_of(found.group()) if found else None
            if found is None or sid is None or text[found.end() :].strip() or not ended or not first:
                unknown += lines
            else:
                token.user_row(sid, text[: found.start()], lines[0])
        elif (SID_BESIDE_WORDS if self.kind == GROUPS else _NAME).search(text) is None:
            unknown += lines  # no row at all
            if first:
                token.doubt(self.kind, lines[0])
        elif self.kind == GROUPS:
            # As wide as the rule's first line, a SID may go on: nobody knows whether a blank at its end was lost.
            width = len(self.rules[0])
            ends = [_SID_LAST.search(line.text) for line in lines if len(line.text) >= width]
            torn = {found.group() for found in ends if found is not None}
            _flowing_groups(token, text, lines, first, ended, torn)
        else:
            _flowing_privileges(token, text, lines)


def _joined(lines: List[str]) -> str:
    """Lines that a width broke as the one that they were; where blanks at their ends were lost, one blank."""
    width = max(map(len, lines))
    text = ""
    for line in lines:
        text += line if len(line) == width else line.rstrip() + " "
    return text


def _line_at(lines: List[Line], facts: str) -> Line:
    """The line in which a piece of the joined text begins, as near as that can be told."""
    return next((line for line in lines if facts[:12] in line.text), lines[0])


def _is_its_name(sid: Sid, name: Optional[str]) -> bool:
    """Whether the name is that of this very SID, so that nothing of it is missing."""
    known = name_of(sid)
    return (
        known is not None
        and name is not None
        and name.strip().lower().rpartition("\\")[2] == known.rpartition("\\")[2].lower()
    )


def _flowing_groups(
    token: WhoamiBuilder, text: str, lines: List[Line], first: bool, ended: bool, torn: Set[str]
) -> None:
    found = list(SID_BESIDE_WORDS.finditer(text))
    name = without_kind(text[: found[0].start()]) if first else None
    for at, one in enumerate(found):
        last = at + 1 == len(found)
        after = text[one.end() : None if last else found[at + 1].start()]
        sid = sid_of(one.group())
        if sid is not None and one.group() in torn and not _is_its_name(sid, name):
            sid = None
        line = _line_at(lines, one.group())
        bits, rest = leading_attributes(after)
        words = after[: len(after) - len(rest)].strip() if bits is not None else ""
        label = (
            sid is not None
            and sid.is_integrity_label
            and bits is None
            and rest == after.lstrip()  # no attribute at all
            and (without_kind(rest) or (last and not rest.strip()))
        )
        if sid is None:
            token.doubt(GROUPS, line)
        elif bits is not None or label:
            # At the end of the text, more words may have followed.
            token.group_row(sid, name or "", words, line, all_there=(ended or not last) and not token.cut_left)
        else:
            token.group_row(sid, name or "", after.strip() or "?", line)
        name = without_kind(rest) if bits is not None or label else None
        if last and rest.strip() and not label:
            token.doubt(GROUPS, line)


def _flowing_privileges(token: WhoamiBuilder, text: str, lines: List[Line]) -> None:
    found = list(_NAME.finditer(text))
    for at, one in enumerate(found):
        rest = text[one.end() : found[at + 1].start() if at + 1 < len(found) else None]
        words = rest.split()
        state = next(
            (
                " ".join(words[-count:])
                for count in range(min(_LONGEST_STATE, len(words)), 0, -1)
                if state_of(" ".join(words[-count:])) is not None
            ),
            words[-1] if words else "",
        )
        token.privilege_row(one.group(), state, _line_at(lines, one.group()))


# --- rows that are lines ---


def _row(token: WhoamiBuilder, kind: str, line: Line, columns: shapes.Columns, alone: bool) -> bool:
    """Read a line as a row of a table; `alone` if no line above it can hold the beginning of its name."""
    text = line.text.strip()
    if kind == PRIVILEGES:
        name = PRIVILEGE.match(text)
        if name and text[name.end() : name.end() + 1] in ("", " "):
            if len(PRIVILEGE.findall(text)) > 1:
                token.doubt(kind, line)
                return False
            rest = text[name.end() :]
            state, leftover = shapes.state_column(text, rest.strip(), columns)
            return token.privilege_row(name.group(), state, line) and not leftover
        if token.waits_for_state and state_of(text) is not None:
            return token.state_row(text, line)
        token.doubt(kind, line)
        return False
    found = SID.search(line.text)
    sid = sid_of(found.group()) if found else None
    if found is None or sid is None or SID.search(line.text, found.end()):
        if (
            kind == GROUPS
            and not has_facts(text)
            and token.waits_for_attributes
            and isinstance(attributes_of(text), int)
        ):
            return token.attributes_row(text, line)
        token.doubt(kind, line)
        return False
    before, after = line.text[: found.start()], line.text[found.end() :].strip()
    if kind == USER:
        # Behind lines that were left out, it may be a row of another list.
        if sid.is_integrity_label or token.parts[kind].torn or not token.parts[kind].begun:
            return False
        return bool(before.strip()) and not after and token.user_row(sid, before.strip() if alone else "", line)
    name_of = shapes.name_column(before, columns) if alone else ""
    return token.group_row(sid, name_of, after, line)
