"""The output of `whoami /all`, `/user`, `/groups`, `/priv`, `/logonid` -> a token, as far as whoami shows one.

Table, list (`/fo list`) and csv form: learn.microsoft.com "whoami"; the forms as published output has them.  whoami
speaks the system's language, but SIDs, the names of privileges and the rules under the column heads do not: rows are
told by those, and only the words for attributes and states need a table (`words`).  What a list is, its rule, its
title or its command says; rows with none of these count only where they have whoami's own words in them.
"""

import csv
from typing import Iterable, List, Optional, Tuple

from kdtoken.model.sid import Sid
from kdtoken.view.leftovers import read_each, with_leftovers
from kdtoken.view.lines import ENDED, Line, command_of, is_cut, is_decoration, split_lines
from kdtoken.view.partial import refuse_more_tokens
from kdtoken.view.whoami import shapes
from kdtoken.view.whoami.rows import GROUPS, PRIVILEGES, USER, WhoamiBuilder, WhoamiTexts
from kdtoken.view.whoami.tables import Table, margin_of
from kdtoken.view.whoami.words import state_of
from kdtoken.view.words import PRIVILEGE, SID, has_facts, may_have_facts, sid_of


class _Reader:
    def __init__(self, file: str, margin: int) -> None:
        self.file, self.margin = file, margin
        self.tokens: List[WhoamiBuilder] = []
        self.current: Optional[WhoamiBuilder] = None
        self.commands: List[Line] = []
        self.names: List[Line] = []
        self.claims: List[Line] = []
        self.unknown: List[Line] = []
        self.table: Optional[Table] = None
        # The whoami command whose output this is, as far as that was seen.
        self.asked = ""
        # Whether the title of a list was seen: a line of its own with a rule of dashes below.
        self.titled = False
        # A line that may be a title or column heads: the next one tells.
        self.pending: Optional[Line] = None
        self.blank_behind = False
        # Whether lines were left out since the last title or command.
        self.cut = False
        self.record: List[Tuple[str, str, Line]] = []
        # The list that rows outside a table belong to.
        self.loose = ""
        self.before = self.sids = 0  # the number of the line before; SIDs in the lists of the tokens before

    def line(self, line: Line) -> None:
        """One line; one that was several rows is taken apart, and listed too if that does not account for it all."""
        pieces, count = shapes.rows_of(line.text) if may_have_facts(line.text) else ([line.text], 0)
        if len(pieces) > 1:
            self._end_table(False)
        before = len(self.unknown)
        for piece in pieces:
            self._line(Line(line.number, piece) if len(pieces) > 1 else line)
        if len(pieces) < count and self.table is None:
            self._flush()
            if line not in self.unknown[before:]:
                self._not_understood(line)
        self.before = line.number

    def _line(self, line: Line) -> None:
        text = line.text.strip()
        if not text:
            self._blank(line.width == ENDED)
            return
        if is_decoration(text):
            self._decoration(line)
            return
        command = command_of(text)
        if command is not None:
            self._command(command, line)
            return
        table = self.table
        if table is not None:
            if not table.blanks or not table.lines or table.is_row(line.text):
                table.spaced = table.spaced or table.blanks > 0
                table.blanks = table.of_tags = 0
                table.lines.append(line)
                return
            # Where a console broke the rows, a piece of one may be all blanks; between two lists stand two blank lines.
            self._end_table(not is_cut(text) and (len(table.rules) == 1 or table.blanks > 1))
        self._outside(text, line)

    def _outside(self, text: str, line: Line) -> None:
        """A line that is in no table."""
        if text[:1] == "|" and text.count("|") > 2:
            cells = [one.strip() for one in text.strip("|").split("|")]
            if self._cells(cells, line):
                return
        # With a quote that is not closed, a margin has cut the last of them.
        if text[:1] == '"' and '","' in text and text.count('"') % 2 == 0:
            if self._cells(next(csv.reader([text.replace("\0", "")]), []), line):
                return
        pair = shapes.KEY.match(text) if ":" in text or "\uff1a" in text else None
        if pair and self._pair(pair.group(1), pair.group(2).strip(), line):
            return
        self._close()
        if ("S-1-" in text or "s-1-" in text) and self._sid_row(line, text):
            return
        found = PRIVILEGE.match(text)
        if found and self._privilege_row(found.group(), text[found.end() :], line):
            return
        if is_cut(text):
            self.cut = True
            if self.current:
                self.current.cut(line, self.loose)
            return
        self._flush()
        self.pending = line
        self.blank_behind = False

    def finish(self) -> None:
        """The text ends.  The line break behind its last line is no blank line."""
        table = self.table
        self._end_table(table is not None and table.ends_with_the_text)
        self._close()
        self._flush()

    # --- structure ---

    def _blank(self, of_tags: bool) -> None:
        if self.table is not None:
            self.table.blanks, self.table.of_tags = self.table.blanks + 1, self.table.of_tags + of_tags
            return
        self.blank_behind = self.pending is not None
        self._close()

    def _end_table(self, ended: bool) -> None:
        """The table is over; `ended` if what comes behind a table was seen."""
        table, self.table = self.table, None
        if table is None:
            return
        if not table.kind:
            self.unknown += table.lines
            return
        if not table.lines:
            return
        token = self._token(table.kind)
        unknown = table.read(token, ended and not (table.spaced and table.blanks > 0))
        self.unknown += unknown
        token.not_understood += unknown

    def _decoration(self, line: Line) -> None:
        text = line.text.strip()
        if "=" in text and not text.strip("= "):
            self._rule(line)
        elif "-" in text and not text.strip("- "):
            title = self.pending
            if self.table is not None:
                title = self._last_of_table()
                self._end_table(title is not None)
            if title is not None and has_facts(title.text):
                self._flush()
            if title is not None:
                self._finished_loose(True)
            self.pending = None
            self._close()
            self.titled, self.loose, self.cut = True, "", False

    def _rule(self, line: Line) -> None:
        """A rule under column heads: two columns for the user, four for groups, three for privileges."""
        table = self.table
        if table is not None and not table.lines and not table.blanks:
            table.rules.append(line.text)
            return
        heads: Optional[Line] = None
        if table is not None:
            heads = self._last_of_table()
            self._end_table(heads is not None)
        if self.pending and has_facts(self.pending.text):
            self._flush()
        heads, self.pending = self.pending or heads, None
        self._close()
        self._finished_loose(False)
        self.table = Table(line.text, self.blank_behind, self.cut, self.margin, heads.text if heads else "")
        self.titled, self.blank_behind = False, False

    def _last_of_table(self) -> Optional[Line]:
        """The line above a rule, which is no row of the table before; None where it is one, or says of a cut."""
        table = self.table
        if table is None or not table.lines or has_facts(table.lines[-1].text) or is_cut(table.lines[-1].text):
            return None
        return table.lines.pop()

    def _finished_loose(self, ended: bool) -> None:
        """Rows outside a table are over."""
        if self.loose and self.current and self.loose in self.current.parts:
            part = self.current.parts[self.loose]
            part.ended = part.ended or ended
        self.loose = ""

    def _flush(self) -> None:
        """The line held back was no heading."""
        line, self.pending = self.pending, None
        if line is None:
            return
        text = line.text.strip()
        if self.asked == "whoami" and shapes.ACCOUNT.match(text) and not has_facts(text):
            self.names.append(line)
            self.asked = ""
        elif self.titled and self.current and self.current.privileges and not has_facts(text):
            self.claims.append(line)
        else:
            self._not_understood(line)
            if self.current and self.loose in self.current.parts:
                self.current.doubt(self.loose, line)
                self.titled = False  # the title was that list's, whose beginning is behind us
            # What stands between two lists of one output is a title; anything else may be another's prompt.
            self.current = None

    def _command(self, command: str, line: Line) -> None:
        self._end_table(True)
        self._close()
        self._flush()
        self._finished_loose(True)
        words = command.lower().split()
        self.titled, self.asked, self.cut = False, "", False
        if words and "whoami" in words[0].rpartition("\\")[2]:
            self.commands.append(line)
            self.asked = " ".join(words)
        elif words and any("whoami" in word for word in words):
            # Run through something else: whose token that is nobody can tell.
            self.current = None
            self.commands.append(line)
            self.asked = command.lower()
        elif words:
            self.current = None
            if not has_facts(command):
                self.commands.append(line)
            else:
                self.unknown.append(line)

    def _token(self, kind: str) -> WhoamiBuilder:
        """The token that a list of this kind is of."""
        token = self.current
        if token is None or not token.takes(kind):
            token = self.current = WhoamiBuilder(self.file)
            self.tokens.append(token)
            self.sids += len(self.tokens[-2].groups) if len(self.tokens) > 1 else 0
            refuse_more_tokens(len(self.tokens), self.sids, self.file)
        return token

    def _loose(self, kind: str) -> WhoamiBuilder:
        """The same for a row outside a table; `titled` says that the list's beginning was seen."""
        if kind == self.loose and self.current is not None:
            return self.current
        self._finished_loose(False)
        token = self._token(kind)
        token.begin(kind, self.titled and not self.cut)
        self.loose = kind
        return token

    # --- rows ---

    def _cells(self, cells: List[str], line: Line) -> bool:
        at = next((at for at, one in enumerate(cells) if sid_of(one) is not None), -1)
        known = bool(self.asked or self.titled)
        if at >= 0:
            sid = sid_of(cells[at])
            if sid is None or not (
                known or (len(cells) == 4 and shapes.is_group_row(sid, True, "%s %s" % (cells[0], cells[1]), cells[3]))
            ):
                return False
            self._flush()
            if at == 1 and len(cells) == 2:
                return self._loose(USER).user_row(sid, cells[0], line)
            return self._loose(GROUPS).group_row(sid, cells[0], " ".join(cells[at + 1 :]), line)
        if cells and PRIVILEGE.fullmatch(cells[0]):
            if not known and (len(cells) < 2 or state_of(cells[-1]) is None):
                return False
            self._flush()
            return self._loose(PRIVILEGES).privilege_row(cells[0], cells[-1] if len(cells) > 1 else "", line)
        if not has_facts(" ".join(cells)) and len(cells) in (2, 3, 4) and (self.asked or self.current or self.titled):
            # Column heads of the csv form stand alone.
            self._flush()
            self._finished_loose(True)
            self.titled = True
            return True
        return False

    def _pair(self, key: str, value: str, line: Line) -> bool:
        """A `Key: value` line of the list form; taken for good once its record is complete."""
        if (SID.search(value) and sid_of(value) is None) or not (self.record or value):
            return False
        if self.record and shapes.same_key(key, self.record[0][0]):
            self._close()
        if len(self.record) >= 6:
            self._close()
        self._flush()
        self.record.append((key, value, line))
        return True

    def _close(self) -> None:
        """The end of a record of the list form."""
        record, self.record = self.record, []
        if not record:
            return
        # The key of that line is SID in every language seen.
        sids = [
            at for at, (key, value, _) in enumerate(record) if shapes.same_key(key, "SID") and sid_of(value) is not None
        ]
        names = [at for at, (_, value, _) in enumerate(record) if PRIVILEGE.fullmatch(value)]
        if not (
            self.asked or self.titled or self.loose or shapes.is_record([value for _, value, _ in record], sids, names)
        ):
            sids = names = []
        if len(sids) == 1 and not names:
            at = sids[0]
            sid, line = sid_of(record[at][1]), record[at][2]
            name = record[0][1] if at else ""
            if sid is not None and at == 1 and len(record) == 2:
                if not self._loose(USER).user_row(sid, name, line):
                    self._not_understood(line)
                return
            if sid is not None and at == 2 and len(record) <= 4:
                text = record[3][1] if len(record) == 4 else None
                if not self._loose(GROUPS).group_row(sid, name, text or "", line, all_there=text is not None):
                    self._not_understood(record[-1][2])
                return
        if names == [0] and not sids and len(record) in (2, 3):
            state = record[-1][1] if len(record) == 3 else ""
            if not self._loose(PRIVILEGES).privilege_row(record[0][1], state, record[0][2]):
                self._not_understood(record[-1][2])
            return
        for _, _, line in record:
            self.pending = line
            self._flush()

    def _not_understood(self, line: Line) -> None:
        self.unknown.append(line)
        if self.current:
            self.current.not_understood.append(line)

    def _sid_row(self, line: Line, text: str) -> bool:
        found = SID.search(text)
        sid = sid_of(found.group()) if found else None
        if found is None or sid is None or SID.search(text, found.end()):
            return False
        before, after = text[: found.start()], text[found.end() :].strip()
        if not before and not after:
            return self._lone(sid, line)
        ours = "whoami" in self.asked
        if shapes.is_group_row(sid, ours or self.loose == GROUPS or not self.asked, before, after):
            name = shapes.loose_name(before, sid) if self._stands_alone(line) else ""
            self._flush()
            token = self._loose(GROUPS)
            # A row without a table may have lost what a width broke off; only whoami's own label has no attributes.
            if not token.group_row(sid, name, after, line, all_there=bool(after) or ours):
                self._not_understood(line)
            return True
        if not after and "\\" in before and before[:1] not in "[*+(" and ours and "/user" in self.asked:
            self._flush()
            return self._loose(USER).user_row(sid, before, line)
        return False

    def _stands_alone(self, line: Line) -> bool:
        """Whether no line above a row can hold the beginning of its name."""
        above = self.pending or (self.unknown[-1] if self.unknown else None)
        # Column heads name the SID in every language.
        return above is None or above.number != self.before or self.blank_behind or "SID" in above.text.split()

    def _lone(self, sid: Sid, line: Line) -> bool:
        if not sid.is_logon_sid or "whoami" not in self.asked:
            return False
        self._flush()
        if self.current is None:
            self.current = WhoamiBuilder(self.file)
            self.tokens.append(self.current)
        return self.current.logon_row(sid, line)

    def _privilege_row(self, name: str, rest: str, line: Line) -> bool:
        if rest[:1] not in ("", " "):
            return False
        state, leftover = shapes.state_column(line.text.strip(), rest.strip(), ())
        # No table around it: only a row that ends as one does, behind a description, is taken for one.
        described = len(rest.split()) >= len(state.split()) + 2
        if state_of(state) is None or leftover or not described:
            return False
        self._flush()
        if not self._loose(PRIVILEGES).privilege_row(name, state, line):
            self._not_understood(line)
        return True


def read_whoami_lines(lines: Iterable[Line], file: str = "text") -> WhoamiTexts:
    """All that the lines hold of whoami's output.  Raises BadFormat where its tokens are more than memory is for."""
    lines = lines if isinstance(lines, list) else list(lines)  # of millions, no second list
    reader = _Reader(file, margin_of(lines))
    facts = read_each(lines, reader.line)
    reader.finish()
    tokens = tuple(one.finished() for one in reader.tokens if one.places)
    unknown = with_leftovers(facts, tokens, reader.commands + reader.names + reader.claims, reader.unknown)
    return WhoamiTexts(tokens, tuple(reader.commands), tuple(reader.names), tuple(reader.claims), unknown)


def read_whoami_text(text: str, file: str = "text") -> WhoamiTexts:
    """All that a pasted text holds of whoami's output; no error but that its tokens are too many, whatever the text."""
    return read_whoami_lines(split_lines(text), file)
