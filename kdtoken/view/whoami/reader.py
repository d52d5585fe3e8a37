"""The output of `whoami /all`, `/user`, `/groups`, `/priv`, `/logonid` -> a token, as far as whoami shows one.

Table, list (`/fo list`) and csv form: learn.microsoft.com "whoami"; the forms as published output has them.  whoami
speaks the system's language, but SIDs, the names of privileges and the rules under the column heads do not: rows are
told by those, and only the words for attributes and states need a table (`whoami_words`).
"""

import csv
from typing import Iterable, List, Optional, Tuple

from kdtoken.model.absent import Unreadable
from kdtoken.model.sid import Sid
from kdtoken.view.leftovers import read_each, with_leftovers
from kdtoken.view.lines import Line, command_of, is_cut, is_decoration, split_lines
from kdtoken.view.whoami import shapes
from kdtoken.view.whoami.rows import GROUPS, PRIVILEGES, USER, WhoamiBuilder, WhoamiTexts
from kdtoken.view.whoami.words import attributes_of, state_of
from kdtoken.view.words import PRIVILEGE, SID, has_facts, sid_of


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.tokens: List[WhoamiBuilder] = []
        self.current: Optional[WhoamiBuilder] = None
        self.commands: List[Line] = []
        self.names: List[Line] = []
        self.claims: List[Line] = []
        self.unknown: List[Line] = []
        self.columns: shapes.Columns = ()
        self.section = ""
        self.asked = ""
        self.titled = False
        # A line that may be a title or column heads: the next one tells.
        self.pending: Optional[Line] = None
        self.record: List[Tuple[str, str, Line]] = []

    def line(self, line: Line) -> None:
        """One line; one that was several rows is taken apart, and listed too if that does not account for it all."""
        pieces, count = shapes.rows_of(line.text)
        before = len(self.unknown)
        for piece in pieces:
            self._line(Line(line.number, piece))
        if len(pieces) < count:
            self._flush()
            if line not in self.unknown[before:]:
                self._not_understood(line)

    def _line(self, line: Line) -> None:
        text = line.text.strip()
        if is_decoration(text):
            self._decoration(text)
            return
        command = command_of(text)
        if command is not None:
            self._command(command, line)
            return
        if text[:1] == "|" and text.count("|") > 2:
            cells = [one.strip() for one in text.strip("|").split("|")]
            if self._cells(cells, line):
                return
        if text[:1] == '"' and '","' in text:
            if self._cells(next(csv.reader([text.replace("\0", "")]), []), line):
                return
        pair = shapes.KEY.match(text)
        if pair and not self.columns and self._pair(pair.group(1), pair.group(2).strip(), line):
            return
        self._close()
        if ("S-1-" in text or "s-1-" in text) and self._sid_row(line, text):
            return
        found = PRIVILEGE.match(text)
        if found and self._privilege_row(found.group(), text[found.end() :], line):
            return
        if self._continued(text, line):
            return
        if is_cut(text):
            if self.current:
                self.current.cut(line, self.section)
            return
        self._flush()
        self.pending = line

    def finish(self) -> None:
        self._close()
        self._flush()

    # --- structure ---

    def _decoration(self, text: str) -> None:
        if "=" in text and not text.strip("= "):
            # Column rules: two for the user, four for groups, three for privileges.
            if self.pending and has_facts(self.pending.text):
                self._flush()
            self.pending = None
            self._close()
            self.columns = tuple(one.span() for one in shapes.COLUMN.finditer(text))
            self.section = {2: USER, 4: GROUPS, 3: PRIVILEGES}.get(len(self.columns), self.section)
            self.titled = False
        elif "-" in text and not text.strip("- "):
            if self.pending and has_facts(self.pending.text):
                self._flush()
            self.pending = None
            self._close()
            self.columns, self.titled, self.section = (), True, ""
        elif not text:
            self._close()

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
            self.unknown.append(line)
            if self.current:
                self.current.not_understood.append(line)

    def _command(self, command: str, line: Line) -> None:
        self._close()
        self._flush()
        words = command.lower().split()
        self.columns, self.section, self.titled, self.asked = (), "", False, ""
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

    def _token(self, kind: str, line: Line) -> WhoamiBuilder:
        if self.current is None or (kind in self.current.closed):
            self.current = WhoamiBuilder(self.file)
            self.tokens.append(self.current)
        self.current.begin(kind)
        return self.current

    # --- rows ---

    def _cells(self, cells: List[str], line: Line) -> bool:
        at = next((at for at, one in enumerate(cells) if sid_of(one) is not None), -1)
        if at >= 0:
            self._flush()
            sid = sid_of(cells[at])
            if sid is None:
                return False
            if at == 1 and len(cells) == 2:
                return self._token(USER, line).user_row(sid, cells[0], line)
            return self._token(GROUPS, line).group_row(sid, cells[0], " ".join(cells[at + 1 :]), line)
        if cells and PRIVILEGE.fullmatch(cells[0]):
            self._flush()
            return self._token(PRIVILEGES, line).privilege_row(cells[0], cells[-1] if len(cells) > 1 else "", line)
        if not has_facts(" ".join(cells)) and len(cells) in (2, 3, 4) and (self.asked or self.current or self.titled):
            # Column heads of the csv form stand alone.
            self._flush()
            return True
        return False

    def _pair(self, key: str, value: str, line: Line) -> bool:
        """A `Key: value` line of the list form; taken for good once its record is complete."""
        if SID.search(value) and sid_of(value) is None:
            return False
        if not self.record and not value and not self.asked:
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
        if len(sids) == 1 and not names:
            at = sids[0]
            sid = sid_of(record[at][1])
            line = record[at][2]
            name = record[0][1] if at else ""
            if sid is not None and at == 1 and len(record) == 2:
                if not self._token(USER, line).user_row(sid, name, line):
                    self._not_understood(line)
                return
            if sid is not None and len(record) <= at + 2:
                text = record[at + 1][1] if len(record) > at + 1 else ""
                if not self._token(GROUPS, line).group_row(sid, name, text, line):
                    self._not_understood(record[-1][2])
                return
        if names == [0] and not sids and len(record) in (2, 3):
            state = record[-1][1] if len(record) > 1 else ""
            if not self._token(PRIVILEGES, record[0][2]).privilege_row(record[0][1], state, record[0][2]):
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
        name = shapes.name_column(before, self.columns)
        columns = len(before) - len(before.rstrip()) > 0 and "  " in before.strip()
        if self.section == USER and before.strip() and not after:
            self._flush()
            return self._token(USER, line).user_row(sid, before.strip(), line)
        if not before and not after:
            return self._lone(sid, line)
        if self.section == GROUPS or shapes.is_group_row(sid, columns, before, after):
            self._flush()
            understood = self._token(GROUPS, line).group_row(sid, name, after, line)
            if not understood:
                self._not_understood(line)
            return True
        if not after and "\\" in before and before[:1] not in "[*+(" and (self.asked or "  " not in before.strip()):
            self._flush()
            return self._token(USER, line).user_row(sid, before.strip(), line)
        return False

    def _lone(self, sid: Sid, line: Line) -> bool:
        if sid.is_logon_sid:
            self._flush()
            if self.current is None:
                self.current = WhoamiBuilder(self.file)
                self.tokens.append(self.current)
            return self.current.logon_row(sid, line)
        return False

    def _privilege_row(self, name: str, rest: str, line: Line) -> bool:
        if rest[:1] not in ("", " "):
            return False
        state, leftover = shapes.state_column(line.text.strip(), rest.strip(), self.columns)
        known = state_of(state)
        if self.section != PRIVILEGES and (known is None or "  " not in rest) and self.asked.find("/priv") < 0:
            # No table around it: only a row that ends as one does is taken for one.
            if known is None or leftover or not (self.asked or self.current):
                return False
        self._flush()
        understood = self._token(PRIVILEGES, line).privilege_row(name, state, line)
        if not understood or leftover:
            self._not_understood(line)
        return True

    def _continued(self, text: str, line: Line) -> bool:
        """The rest of a row that a narrow console broke."""
        token = self.current
        if token is None or has_facts(text):
            return False
        if token.waits_for_state and state_of(text) is not None:
            return token.state_row(text, line)
        if self.section == GROUPS and token.waits_for_attributes and not isinstance(attributes_of(text), Unreadable):
            return token.attributes_row(text, line)
        return False


def read_whoami_lines(lines: Iterable[Line], file: str = "text") -> WhoamiTexts:
    """All that the lines hold of whoami's output."""
    reader = _Reader(file)
    facts = read_each(lines, reader.line)
    reader.finish()
    tokens = tuple(one.finished() for one in reader.tokens)
    kept = reader.commands + reader.names + reader.claims
    unknown = with_leftovers(facts, tokens, kept, reader.unknown)
    return WhoamiTexts(tokens, tuple(reader.commands), tuple(reader.names), tuple(reader.claims), unknown)


def read_whoami_text(text: str, file: str = "text") -> WhoamiTexts:
    """All that a pasted text holds of whoami's output; never an error, whatever the text."""
    return read_whoami_lines(split_lines(text), file)
