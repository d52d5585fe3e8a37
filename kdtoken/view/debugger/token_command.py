"""The text of the debugger's `!token` -> tokens.

Forms, from published output of XP to Windows 11 and the pages "!token" and "Access tokens" of learn.microsoft.com:
`_TOKEN` and its address or none of it, `Groups:` or `User Groups:`, names behind SIDs (`-n`), privileges numbered by
rank or by LUID, restricted SIDs, app containers, errors in between; and genuine extensions of three generations, in
kernel and in user mode.  Users retype, cut and wrap such text, so no line depends on its indentation, and each is
matched by what stands in it.  Where the head is missing, only lines of a form that no other tool prints begin a token.
"""

import re
from itertools import islice
from typing import List, Optional, Sequence

from kdtoken.view.debugger import token_forms as forms
from kdtoken.view.debugger.token_labels import GROUP_WORDS, PRIVILEGES, RANK, UNKNOWN
from kdtoken.view.debugger.token_lines import TokenBuilder
from kdtoken.view.debugger.token_lists import goes_back
from kdtoken.view.debugger.token_text import NoToken, PartialTokens
from kdtoken.view.leftovers import read_each, with_leftovers
from kdtoken.view.lines import Line, broken_width, is_cut, split_lines, width_of
from kdtoken.view.partial import PartialToken, TextPlace, refuse_more_tokens
from kdtoken.view.runs import Run
from kdtoken.view.words import has_facts, pointer_at

VIEW = "!token"
_MANY = 20  # lines in a row that nobody knew, and no token goes on behind more of them


class _Reader:
    """One pass over the lines."""

    def __init__(self, file: str, broken: int) -> None:
        self.file, self.broken = file, broken
        self.tokens: List[PartialToken] = []
        self.sids = 0  # in the lists of those
        self.latest: Optional[TokenBuilder] = None  # the last that began; those before it are finished, and take less
        self.current: Optional[TokenBuilder] = None
        self.errors: List[NoToken] = []
        self.commands: List[Line] = []
        self.unknown: List[Line] = []
        self.asked = False
        # Lines nobody knew since the last one that was known: many of them end a token.
        self.unknown_in_a_row = 0
        # A line that may be a token's first: the next one tells.
        self.held: Optional[Line] = None
        self.owner = 0  # the process whose token comes, as the form without an argument says
        self.spaced = False
        self.taken: List[Line] = []
        self.width_before = 0

    def line(self, line: Line) -> None:
        if isinstance(line, Run):
            self._run(line)
            return
        text = line.text.strip()
        if not text and self.current is None:
            return
        if line.width < 0 and self.current:
            self.current.foreign("mark-up in it is broken (line %d)" % line.number)
        if not text:
            self._blank()
            return
        held, self.held = self.held, None
        if self.current is None and not self.asked:
            if not forms.may_begin(text):
                self._leave(held)
                self.unknown.append(line)
                return
            if held is not None:
                if forms.confirms(held.text.strip(), text):
                    self.asked = True
                    self._read(held)
                    self.asked = False
                else:
                    self._leave(held)
            if self.current is None and forms.weak(text):
                self.held = line
                return
            if held is None and forms.is_of_process(text):
                self._not_understood(line)
                self.width_before = width_of(line)
                return
        self._read(line)

    def _run(self, run: Run) -> None:
        """Lines of threads: outside all tokens they are unknown; inside, each for itself."""
        if self.current is not None or self.asked:
            for line in run.lines:
                self.line(line)
            return
        held, self.held = self.held, None
        self._leave(held)
        self.unknown.append(run)
        left = max(1, _MANY + 1 - self.unknown_in_a_row)
        short = (one for one in reversed(run.text.split("\n")) if 0 < len(one.strip()) <= forms.SHORT)
        widths = [len(one) for one in islice(short, left)]
        if widths:
            self.unknown_in_a_row += len(widths)
            self.width_before = widths[0]

    def finish(self) -> None:
        """The text ends."""
        self._leave(self.held)
        self.held = None
        self._leave_half()
        if self.current and self.width_before >= self.broken:
            self.current.doubt_last("the text ends behind it, at a width where lines are broken")

    def _leave(self, line: Optional[Line]) -> None:
        if line is not None:
            self.unknown.append(line)

    def _leave_half(self) -> None:
        """A SID whose line was cut, and whose rest did not come."""
        if self.current and self.current.split_sid:
            first, self.current.split_sid = self.current.split_sid[2], None
            self._not_understood(first)

    def _blank(self) -> None:
        token = self.current
        if token is None:
            return
        if not token.complete:
            self.spaced = True
        elif not self.spaced:
            # Behind a token's last lines anything may follow.
            self._leave_half()
            self.current, self.asked = None, False

    def _read(self, line: Line) -> None:
        text = line.text.strip()
        nothing, command, others, pieces = forms.seen(text)
        if nothing:
            return
        if command is not None:
            self._command(line, command)
            return
        if others:
            self._end()
            self.unknown.append(line)
            return
        if self.current is None and len(pieces) > 1 and forms.confirms(pieces[0], pieces[1]):
            self._begin(line, None)
        strange = 0
        for at, piece in enumerate(pieces):
            if not self._piece(piece, line):
                strange += 1
                if self.current and len(pieces) > 1:
                    # What is behind it in the line does not stand below what is in front of it.
                    self._doubt_last(line, at > 0)
                    self.current.foreign("a part of a line was not understood (line %d)" % line.number)
        if not strange:
            self.unknown_in_a_row = 0
            if self.current or self.asked:
                self.taken.append(line)
        else:
            self._not_understood(line)
        self.width_before = width_of(line)

    def _end(self) -> None:
        self._leave_half()
        if self.current and self.width_before >= self.broken:
            self.current.doubt_last("its list ends behind it, at a width where lines are broken")
        self.current, self.asked, self.owner, self.spaced = None, False, 0, False

    def _command(self, line: Line, command: str) -> None:
        self._end()
        if forms.COMMAND.match(command):
            self.commands.append(line)
            self.asked = True
        elif not command:
            return
        else:
            # Output may follow a prompt on its line, when somebody else's typing came first.
            found = forms.HEAD.match(command)
            if found:
                self._begin(line, pointer_at(found.group(1))[0])
            else:
                self.unknown.append(line)

    def _not_understood(self, line: Line) -> None:
        self.unknown.append(line)
        self.unknown_in_a_row += 1
        token = self.current
        if token:
            self._doubt_last(line)
            token.foreign("lines in it were not understood (line %d)" % line.number)
        if self.unknown_in_a_row > _MANY:
            self._end()
        # Behind a token's last lines anything may follow; that is not the token's.
        if token and not token.complete:
            token.not_understood.append(line)

    def _doubt_last(self, line: Line, inside: bool = False) -> None:
        """What stood above a line that was not understood may go on in it: at a width, or where it begins with attributes."""
        at_end = self.width_before >= self.broken and not line.text.startswith((" ", "PROCESS ", "THREAD "))
        token, first = self.current, line.text.split()[:1]
        its_words = token and token.last in ("row", "attributes") and first and first[0].lower() in GROUP_WORDS
        if token and (at_end or its_words) and not inside:
            token.doubt_last("the line behind it may be its rest: %r" % line.text.strip()[:40])
            self.width_before = 0  # once

    def _begin(self, line: Line, address: Optional[int]) -> TokenBuilder:
        self.current = TokenBuilder(VIEW, self.file, address or 0, line)
        if self.owner:
            self.current.process, self.owner = self.owner, 0
        self.spaced = False
        self.close()
        self.latest = self.current
        return self.current

    def close(self) -> None:
        """The latest token is finished, if it is one."""
        if self.latest is not None and _is_told(self.latest):
            one = self.latest.finished()
            self.tokens.append(one)
            self.sids += len(one.groups) + len(one.restricted) + len(one.capabilities)
            refuse_more_tokens(len(self.tokens), self.sids, self.file)
        self.latest = None

    def _piece(self, text: str, line: Line) -> bool:
        token = self.current
        if token and token.split_sid:
            found = forms.REST_OF_SID.match(text)
            first = token.split_sid
            if found and token.finish_sid(found.group(), line):
                return not text[found.end() :].strip()
            token.split_sid = first
            self._leave_half()
        piece = forms.piece_of(text)
        if piece.head is not None:
            self._begin(line, piece.head)
            return True
        if piece.owner is not None:
            self.owner, address = piece.owner
            self._begin(line, address)
            return True
        if "Unable to" in text:
            understood = self._unread(text, line)
            if understood is not None:
                return understood
        if piece.row is not None:
            return self._row(piece.row.group(1), piece.row.group(2), piece.row.group(3), line)
        if token and piece.attributes is not None:
            return token.attributes(piece.attributes, line)
        found = piece.privilege
        if found and (found.group(1) or found.group(2) or token and token.section == PRIVILEGES):
            return self._privilege(found, line)
        if piece.label is not None:
            labelled = self._labels(piece.label, line)
            if labelled is not None:
                return labelled
        return self._remark(text, line)

    def _remark(self, text: str, line: Line) -> bool:
        """A line that is neither a row nor a label."""
        token = self.current
        if token and token.more_attributes(text, line):
            return True
        if forms.WHOSE.match(text):
            return not has_facts(text)
        if "oken" in text.lower() and forms.NO_TOKEN.search(text):
            address = forms.first_pointer(text)
            if token and not token.labels and token.address == address:
                # Its head was printed, and then that nothing of it can be read.
                self.latest = None
                self.current = None
            self.errors.append(NoToken(TextPlace(self.file, line.number), text, address))
            return True
        if is_cut(text):
            if token:
                token.cut(line)
            return True
        if (token or self.asked) and forms.ERROR.match(text) and not has_facts(text):
            if token:
                if not text.startswith("Invalid AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION with no claims"):
                    token.problem(text, line)
                    if not _is_told(token):
                        self.errors.append(NoToken(TextPlace(self.file, line.number), text, token.address or None))
            else:
                self.errors.append(NoToken(TextPlace(self.file, line.number), text, forms.first_pointer(text)))
            return True
        return False

    def _unread(self, text: str, line: Line) -> Optional[bool]:
        """What the debugger prints in the place of a SID that it could not read; None if it is not that."""
        token = self.current
        if token is None:
            return None
        found = forms.UNREAD_ROW.match(text)
        if found:
            if token.section not in token.lists:
                return False
            address = int(found.group(2).replace("`", ""), 16)
            if token.is_full():
                self.unknown.append(line)
                return True
            return token.unread_row(int(found.group(1)), address, found.group(3), line)
        found = forms.UNREAD.match(text)
        if found:
            # The second line about the same SID.
            return token.unread_at == int(found.group(1).replace("`", ""), 16)
        label, colon, rest = text.partition(":")
        found = forms.UNREAD.match(rest.strip()) if colon else None
        if found:
            name = label.replace(" ", "").lower()
            return token.unread_sid(name, int(found.group(1).replace("`", ""), 16), found.group(2), line)
        return None

    def _row(self, index: Optional[str], sid: str, rest: str, line: Line) -> bool:
        token = self.current
        number = -1 if index is None else int(index)
        if token is None or token.section not in token.lists:
            # A list whose beginning was cut off; a lone SID may be anybody's.
            if index is None or rest.startswith("-"):
                return False
            if token is None or token.rank > RANK["usergroups"]:
                token = self._begin(line, None)
            # Which list it is, only what stands behind it tells.
            token.section = UNKNOWN
        if token.is_full():
            self.unknown.append(line)
            return True
        return token.row(number, sid, rest, line)

    def _privilege(self, found: "re.Match[str]", line: Line) -> bool:
        index, number, name, words = found.groups()
        token = self.current
        anew = token is not None and number is not None and goes_back(token.privileges, index, int(number, 16))
        if token is not None and anew:
            # Lines are lost here, and may be anywhere in both.
            token.thinned = True
        if token is None or (token.section != PRIVILEGES and token.rank >= RANK["privs"]) or anew:
            if number is None or words is None:
                return False
            token = self._begin(line, None)
            token.thinned = anew
        if token.section != PRIVILEGES:
            token.section = PRIVILEGES
            token.rank = max(token.rank, RANK["privs"])
        if token.is_full():
            self.unknown.append(line)
            return True
        return token.privilege(
            None if index is None else int(index), None if number is None else int(number, 16), name, words, line
        )

    def _labels(self, text: str, line: Line) -> Optional[bool]:
        found = forms.labels_of(text)
        if not found:
            return None
        understood, before = True, self.current
        for label, value, after in found:
            token = self.current
            if token is None:
                if not (self.asked or forms.is_strong(label, value, after)) or forms.IS_OF_DT.match(text):
                    return None
                token = self._begin(line, None)
            elif not token.follows(label):
                token = self._begin(line, None)
            understood = token.label(label, value, line) and understood
        if before is None and not understood and self.current and not self.current.fields:
            # A lone label of something else, such as `!tokenfields`, is no token.
            self.latest = None
            self.current = None
        return understood


def _is_told(token: TokenBuilder) -> bool:
    """Whether anything of a token is told but its address: the line behind a head may have said that it is none."""
    return bool(token.labels or token.privileges or any(token.lists.values()) or token.process)


def read_token_lines(lines: Sequence[Line], file: str = "text") -> PartialTokens:
    """All tokens that the lines show.  Raises BadFormat where they are more than memory is for."""
    reader = _Reader(file, broken_width(lines))
    facts = read_each(lines, reader.line)
    reader.finish()
    reader.close()
    tokens = tuple(reader.tokens)
    unknown = with_leftovers(facts, tokens, reader.commands, reader.unknown)
    return PartialTokens(tokens, tuple(reader.errors), tuple(reader.commands), unknown, tuple(reader.taken))


def read_token_text(text: str, file: str = "text") -> PartialTokens:
    """All tokens of a pasted text or a log; no error but that they are too many, whatever the text."""
    return read_token_lines(list(split_lines(text)), file)
