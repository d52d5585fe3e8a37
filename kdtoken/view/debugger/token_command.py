"""The text of the debugger's `!token` -> tokens.

Forms, from published output of XP to Windows 11 and the pages "!token" and "Access tokens" of learn.microsoft.com:
`_TOKEN` and its address or none of it, `Groups:` or `User Groups:`, names behind SIDs (`-n`), privileges numbered by
rank or by LUID, restricted SIDs, app containers, errors in between.  Users retype, cut and wrap such text, so no line
depends on its indentation, and each is matched by what stands in it.  The user-mode form (`Auth ID`, `Integrity
Level`, `Elevation Type`) is read too; it is documented by its page only and was not compared with real output.
"""

import re
from dataclasses import dataclass
from typing import Iterable, List, Optional, Tuple

from kdtoken.view.debugger.token_labels import CAPABILITIES, GROUPS, PRIVILEGES, RESTRICTED
from kdtoken.view.debugger.token_lines import TokenBuilder
from kdtoken.view.leftovers import read_each, with_leftovers
from kdtoken.view.lines import Line, command_of, is_cut, is_decoration, split_lines
from kdtoken.view.partial import PartialToken, TextPlace
from kdtoken.view.words import PRIVILEGE, SID, has_facts, pointer_at

VIEW = "!token"


@dataclass(frozen=True)
class NoToken:
    """An error that `!token` printed in place of a token."""

    place: TextPlace
    text: str
    address: Optional[int]


@dataclass(frozen=True)
class PartialTokens:
    """Everything that a text says about tokens.

    commands        lines with a prompt and `!token`
    not_understood  lines of the whole text that are no part of a token's output, and those in it nobody knew
    """

    tokens: Tuple[PartialToken, ...]
    errors: Tuple[NoToken, ...]
    commands: Tuple[Line, ...]
    not_understood: Tuple[Line, ...]


_HEAD = re.compile(r"(?:nt!)?_?TOKEN\s+((?:0x)?[0-9a-fA-F`]{6,19})\s*$")
_LABELS = (
    "TS Session ID",
    "User Groups",
    "Users Groups",
    "User",
    "Groups",
    "Primary Group",
    "Privs",
    "Privileges",
    "Authentication ID",
    "Auth ID",
    "Impersonation Level",
    "TokenType",
    "Token Type",
    "Source",
    "TokenFlags",
    "Token Flags",
    "Token ID",
    "ParentToken ID",
    "Parent Token ID",
    "Modified ID",
    "RestrictedSidCount",
    "RestrictedSids",
    "Restricted SIDs",
    "Restricting SIDs",
    "OriginatingLogonSession",
    "PackageSid",
    "Package",
    "CapabilityCount",
    "Capabilities",
    "LowboxNumberEntry",
    "LowboxNumber",
    "Lowbox Number",
    "Security Attributes",
    "Process Token TrustLevelSid",
    "TrustLevelSid",
    "Is restricted token",
    "SandBoxInert",
    "Elevation Type",
    "Mandatory Policy",
    "Integrity Level",
    "Process Trust Label",
    "RestrictedSdCount",
)
_LABEL = re.compile(
    r"(?<!\S)(?:%s|Pr[a-z]{2,6}(?=:\s*$)) ?:"
    % "|".join(sorted((re.escape(one).replace(r"\ ", " {1,4}") for one in _LABELS), key=len, reverse=True)),
    re.IGNORECASE,
)
# Only these begin a token of which the head is missing: other tools print the rest too.
_STARTERS = frozenset(
    (
        "usergroups",
        "privs",
        "authenticationid",
        "tssessionid",
        "restrictedsidcount",
        "originatinglogonsession",
        "packagesid",
        "capabilitycount",
        "modifiedid",
        "primarygroup",
    )
)
_ROW = re.compile(r"(?:(\d{1,4})[.:)]? {0,8})?(S-1-[0-9A-Fa-fx-]{1,250})(.*)$", re.IGNORECASE)
_NUMBER_AND_LABEL = re.compile(r"\d{1,3} (?=[A-Z][A-Za-z ]{3,40}:)")
_ATTRIBUTES = re.compile(r"Attributes? ?[-\u2010-\u2015:] ?(.*)$", re.IGNORECASE)
_PRIVILEGE_ROW = re.compile(
    r"(?:(\d{1,3})[.:)]? {1,8})?(?:0x([0-9a-fA-F]{1,16}) {1,8})?((?:Se[A-Za-z]{3,64}|Unknown Privilege))\s*"
    r"(?:Attributes? ?[-\u2010-\u2015:](.*))?$"
)
_SPLIT = re.compile(
    r"\s(?=\d{2,3} (?:S-1-\d|0x[0-9a-fA-F]{6,16} )|(?:Primary Group|Privs|User Groups|Groups|Authentication ID"
    r"|Impersonation Level|TokenType|Source|TS Session ID|RestrictedSidCount|User): |_TOKEN (?:0x)?[0-9a-fA-F]{8})"
)
_ROW_ATTRIBUTES = re.compile(r"\s(?=Attributes - )")
_REST_OF_SID = re.compile(r"(?:\d{1,10})(?:-\d{1,10}){0,14}(?=\s|$)")
_NO_TOKEN = re.compile(
    r"does not point to a token|not a token object|Could not read token|Unable to .{0,40}token", re.I
)
# What the form without an argument says first.
_WHOSE = re.compile(r"Thread is (?:not )?impersonating|Using (?:process|thread) token", re.IGNORECASE)
_ERROR = re.compile(
    r"(?:\*{3} )?(?:ERROR|Error|Unable to|Could not|Couldn't|Cannot|Failed|Invalid|Memory read error|GetContextState|<Unable)",
)


class _Reader:
    """One pass over the lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.tokens: List[TokenBuilder] = []
        self.current: Optional[TokenBuilder] = None
        self.errors: List[NoToken] = []
        self.commands: List[Line] = []
        self.unknown: List[Line] = []
        self.asked = False
        # Lines nobody knew since the last one that was known: many of them end a token.
        self.unknown_in_a_row = 0

    def line(self, line: Line) -> None:
        text = line.text.strip()
        if self.current is None and not self.asked and not _may_begin(text):
            if text:
                self.unknown.append(line)
            return
        if is_decoration(text):
            return
        command = command_of(text)
        if command is not None:
            self._command(line, command)
            return
        pieces = [text]
        if (
            "_TOKEN " in text[1:]
            or len(text) > 60
            and text.count("S-1-") + text.count("Attributes - ") + text.count("Se") > 1
        ):
            pieces = _pieces(text)
        # A list and not all(): every piece must be read.
        if all([self._piece(piece, line) for piece in pieces]):
            self.unknown_in_a_row = 0
        else:
            self._not_understood(line)

    def _command(self, line: Line, command: str) -> None:
        self.current, self.asked = None, False
        lowered = command.lower()
        if "!" in lowered and "token" in lowered.split()[0]:
            self.commands.append(line)
            self.asked = True
        elif not command:
            return
        else:
            # Output may follow a prompt on its line, when somebody else's typing came first.
            found = _HEAD.match(command)
            if found:
                self._begin(line, pointer_at(found.group(1))[0])
            else:
                self.unknown.append(line)

    def _not_understood(self, line: Line) -> None:
        self.unknown.append(line)
        self.unknown_in_a_row += 1
        if self.unknown_in_a_row > 20:
            self.current, self.asked = None, False
        # Behind a token's last lines anything may follow; that is not the token's.
        if self.current and not self.current.complete:
            self.current.not_understood.append(line)

    def _begin(self, line: Line, address: Optional[int]) -> TokenBuilder:
        self.current = TokenBuilder(VIEW, self.file, address or 0, line)
        self.tokens.append(self.current)
        return self.current

    def _piece(self, text: str, line: Line) -> bool:
        token = self.current
        if token and token.split_sid:
            first, found = token.split_sid[2], _REST_OF_SID.match(text)
            if found and token.finish_sid(found.group(), line):
                return not text[found.end() :].strip()
            token.split_sid = None
            self._not_understood(first)
        head = _HEAD.match(text)
        if head:
            self._begin(line, pointer_at(head.group(1).replace("`", ""))[0])
            return True
        if "S-1-" in text or "s-1-" in text:
            row = _ROW.match(text)
            if row:
                return self._row(row.group(1), row.group(2), row.group(3), line)
        if token and text[:4].lower() == "attr":
            found = _ATTRIBUTES.match(text)
            if found:
                return token.attributes(found.group(1), line)
        if "Se" in text or "Unknown Privilege" in text:
            found = _PRIVILEGE_ROW.match(text)
            if found and (found.group(1) or found.group(2) or token and token.section == PRIVILEGES):
                return self._privilege(found, line)
        if ":" in text:
            found = _NUMBER_AND_LABEL.match(text)
            labelled = self._labels(text[found.end() :] if found else text, line)
            if labelled is not None:
                return labelled
        if _WHOSE.match(text):
            return not has_facts(text)
        if _NO_TOKEN.search(text):
            self.errors.append(NoToken(TextPlace(self.file, line.number), text, _first_pointer(text)))
            return True
        if is_cut(text):
            if token:
                token.cut(line)
            return True
        if (token or self.asked) and _ERROR.match(text) and not has_facts(text):
            if token:
                token.problem(text, line)
            else:
                self.errors.append(NoToken(TextPlace(self.file, line.number), text, _first_pointer(text)))
            return True
        return False

    def _row(self, index: Optional[str], sid: str, rest: str, line: Line) -> bool:
        token = self.current
        if token is None:
            # A list whose beginning was cut off; a lone SID may be anybody's.
            if index is None or not rest == rest.lstrip("-"):
                return False
            token = self._begin(line, None)
            token.section = GROUPS
        if token.section not in (GROUPS, RESTRICTED, CAPABILITIES):
            if index is None:
                return False
            token.section = GROUPS if "primary_group" not in token.fields else token.section
            if token.section not in (GROUPS, RESTRICTED, CAPABILITIES):
                return False
        return token.row(-1 if index is None else int(index), sid, rest, line)

    def _privilege(self, found: "re.Match[str]", line: Line) -> bool:
        index, number, name, words = found.groups()
        token = self.current
        if token is None:
            if number is None or words is None:
                return False
            token = self._begin(line, None)
        token.section = PRIVILEGES
        return token.privilege(None if number is None else int(number, 16), name, words, line)

    def _labels(self, text: str, line: Line) -> Optional[bool]:
        found = list(_LABEL.finditer(text))
        if not found or found[0].start() != 0:
            return None
        understood, before = True, self.current
        for at, one in enumerate(found):
            label = one.group().rstrip(" :").replace(" ", "").lower()
            end = found[at + 1].start() if at + 1 < len(found) else len(text)
            value = text[one.end() : end].strip()
            token = self.current
            if token is None:
                starts = label in _STARTERS or (label == "user" and value[:4].upper() == "S-1-")
                if not (starts or (self.asked and label != "source")):
                    return None
                token = self._begin(line, None)
            elif label in ("tssessionid", "user", "authenticationid") and token.has_label(label):
                token = self._begin(line, None)
            understood = token.label(label, value, line) and understood
        if before is None and not understood and self.current and not self.current.fields:
            # A lone label of something else, such as `!tokenfields`, is no token.
            self.tokens.pop()
            self.current = None
        return understood


_FIRST_WORDS = frozenset(one.split(" ")[0].lower() for one in _LABELS)


def _may_begin(text: str) -> bool:
    """Whether a line outside all tokens needs a look: a log is full of lines that do not."""
    if len(text) <= 40 or "S-1-" in text or "s-1-" in text or "oken" in text or "TOKEN" in text or ">" in text:
        return True
    if "rivilege" in text or text[:1] in "!$┌╭└" or "@" in text:
        return True
    return text.partition(" ")[0].partition(":")[0].lower() in _FIRST_WORDS or is_decoration(text)


def _first_pointer(text: str) -> Optional[int]:
    found = re.search(r"\b(?:0x[0-9a-fA-F`]{4,19}|[0-9a-fA-F]{8}`?[0-9a-fA-F]{8}|[0-9a-fA-F]{8})\b", text)
    return pointer_at(found.group().replace("`", ""))[0] if found else None


def _pieces(text: str) -> List[str]:
    """A line that was several, taken apart where rows begin."""
    pieces: List[str] = []
    for piece in _SPLIT.split(text):
        if SID.match(piece.lstrip("0123456789 ")) and " Attributes - " in piece:
            pieces += _ROW_ATTRIBUTES.split(piece, 1)
        elif len(PRIVILEGE.findall(piece)) > 1:
            pieces.append(piece)
        else:
            pieces.append(piece)
    return [piece.strip() for piece in pieces if piece.strip()]


def read_token_lines(lines: Iterable[Line], file: str = "text") -> PartialTokens:
    """All tokens that the lines tell of."""
    reader = _Reader(file)
    facts = read_each(lines, reader.line)
    tokens = tuple(one.finished() for one in reader.tokens)
    unknown = with_leftovers(facts, tokens, reader.commands, reader.unknown)
    return PartialTokens(tokens, tuple(reader.errors), tuple(reader.commands), unknown)


def read_token_text(text: str, file: str = "text") -> PartialTokens:
    """All tokens that a pasted text or a log tells of; never an error, whatever the text."""
    return read_token_lines(split_lines(text), file)
