"""Single values in words, and tables of them; the same for every output that people read."""

from __future__ import annotations

import re
import unicodedata
from typing import Callable, List, Optional, Sequence, Tuple, TypeVar

from kdtoken.model.absent import Maybe, Missing, NotSaid, Unreadable, known
from kdtoken.model.filetime import filetime_text
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names, kind_of
from kdtoken.model.token import LogonSession, Token
from kdtoken.render.marked import Marked, styled

WIDTH = 99  # columns of a line where nobody says otherwise: pipes, files, WinDbg's window
_LONG = 46  # the longest cell that counts for its column's width: a domain user's SID
# Stands for a blank that no line may end at; a NUL of a target is escaped long before.
_HELD = "\0"
_SHORT_NAME = 24  # such a name is held in the narrowest column that has room for it
T = TypeVar("T")


class _Page:
    """What all that is written at a time is made for."""

    columns = WIDTH
    command = "kdtoken VERB ARGUMENTS"


def columns() -> int:
    """Columns of a line: of the terminal, where the command line has said so."""
    return _Page.columns


def set_columns(count: int = WIDTH) -> None:
    """Say how wide lines are from now on; the command line does so for a run, and takes it back behind it."""
    _Page.columns = count


def command(verb: str, arguments: str) -> str:
    """How a verb is typed where this runs: `kdtoken audit ...`, or `!py -m kdtoken.audit ...` in WinDbg."""
    return _Page.command.replace("VERB", verb).replace("ARGUMENTS", arguments)


def set_command(form: str = "kdtoken VERB ARGUMENTS") -> None:
    """Say how a command is typed from now on; the command line does so for a run."""
    _Page.command = form


# Drawn as nothing, or as a blank, though their category does not say so: the Default_Ignorable_Code_Point of
# Unicode's DerivedCoreProperties.txt, the blank Braille pattern, and the note head that is none.
_UNSEEN = re.compile(
    "[\u034f\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001d159\U000e0000-\U000e0fff]"
)
_PLAIN = re.compile("[ -~]*")  # nearly every text
_LIKE_ESCAPED = re.compile("u[0-9a-f]{4}|U[0-9a-f]{8}")  # behind a backslash


def clean(text: str) -> str:
    r"""Text from a target made safe for people: what a terminal obeys or does not show is escaped.

    Controls, bidi overrides, lone surrogates, blanks but the plain one, and what is drawn as nothing become
    \uXXXX or \UXXXXXXXX.  Text that only looks so gets its backslashes doubled: an odd number of them stands in
    front of an escaped character, an even number in front of a literal one, so that no two texts print alike.
    """
    if "\\" not in text and _PLAIN.fullmatch(text):
        return text
    shown, backslashes = [], ""
    for at, c in enumerate(text):
        if c == "\\":
            backslashes += c
            continue
        unseen = _is_unseen(c)
        doubled = unseen or (backslashes and _LIKE_ESCAPED.match(text, at) is not None)
        shown += [backslashes * 2 if doubled else backslashes, _escape(c) if unseen else c]
        backslashes = ""
    return "".join(shown) + backslashes


_SHOWN = bytes(range(0x20, 0x7F))  # what of ASCII is drawn


def printable(line: str) -> str:
    """The line, when nothing in it moves, hides or is obeyed; else the same with that escaped, and without marks.

    The last gate, in the one place that prints: renderers clean each text that is not theirs, and a test proves that
    nothing is left to do here.  What one of them forgets is escaped all the same.
    """
    if line.isascii():
        if not line.encode("ascii").translate(None, _SHOWN):  # three times as fast as to ask each letter
            return line
    elif line.isprintable() and _UNSEEN.search(line) is None:
        return line
    return "".join(_escape(c) if _is_unseen(c) else c for c in str(line))


def _is_unseen(c: str) -> bool:
    return c != " " and (unicodedata.category(c)[0] in "CZ" or _UNSEEN.match(c) is not None)


def _escape(c: str) -> str:
    return ("\\u%04x" if ord(c) < 0x10000 else "\\U%08x") % ord(c)


def show(value: Maybe[Optional[T]], words: Callable[[T], str], null: str = "none") -> str:
    """A value in words; what is not there says which way it is not there."""
    if isinstance(value, Unreadable):
        hint = "  [%s]" % value.hint if value.hint else ""
        return styled(
            "?? %s" % clean("%s%s" % (value, hint)), "gap"
        )  # a recording says the reason: it may say anything
    if isinstance(value, Missing):
        hint = value.hint if isinstance(value, NotSaid) else ""
        return "-  %s%s" % (value, clean("  [%s]" % hint) if hint else "")
    if value is None:
        return null
    return words(value)


def briefly(value: Maybe[Optional[T]], words: Callable[[T], str], null: str = "none") -> str:
    """The same where there is room for a word only: the reason without the address."""
    if isinstance(value, Unreadable):
        return styled("?? %s" % clean(value.reason), "gap")
    return "-" if isinstance(value, Missing) else show(value, words, null)


def number(value: int) -> str:
    """A number in decimal."""
    return "%d" % value


def both_bases(value: int) -> str:
    """An id as people and as debuggers print it: 6104 (0x17d8)."""
    return "%d (0x%x)" % (value, value)


def hexadecimal(value: int) -> str:
    """A number in hexadecimal."""
    return "0x%x" % value


def pointer(value: int) -> str:
    """An address, or null."""
    return "0x%x" % value if value else "null"


def luid(value: Luid) -> str:
    """A LUID, named where it is a well-known logon."""
    return "%s  %s" % (value, value.logon_name) if value.logon_name else str(value)


def time(value: int) -> str:
    """A FILETIME as a date and time (UTC)."""
    return filetime_text(value)


def sid_name(sid: Sid, token: Optional[Token] = None, names: Names = NO_NAMES) -> str:
    """The SID's name without an LSA; the user of a token is named by its logon session.

    A SID that nobody here can name says what kind it is, in angle brackets.  `names` are those of the token's source.
    """
    found = names.of(sid)
    account = account_of(token) if token is not None and token.user == sid else None
    if account and (found is None or found.startswith("<domain>")):
        return account
    return clean(found) if found else "<%s>" % kind_of(sid)


def account_of(token: Token) -> Optional[str]:
    """AUTHORITY\\account of the token's logon session, None where it is not known."""
    session = token.logon_session
    if not isinstance(session, LogonSession) or not isinstance(session.account_name, str):
        return None
    if known(session.logon_id) and known(token.authentication_id) and session.logon_id != token.authentication_id:
        return None  # another's session: its name beside this user's SID would be a lie
    authority = session.authority_name
    prefix = "%s\\" % clean(authority) if isinstance(authority, str) and authority else ""
    return prefix + clean(session.account_name) if session.account_name else None


# Shorter forms, as `!token` prints them, so that a group fits its line.
_SHORT = {"EnabledByDefault": "Default", "UseForDenyOnly": "DenyOnly"}


def group_words(group: Group) -> str:
    """SE_GROUP_* attributes by name."""
    return " ".join(_SHORT.get(word, word) for word in group.words) or "-"


def wrapped(text: str, width: int, hang: str = "   ") -> List[str]:
    """Text in lines of at most `width`, as far as its words allow; lines after the first hang behind.  Marks stay."""
    held = str(text)
    if "\\" in held and len(held) > width:
        held = _ACCOUNT.sub(lambda found: _held(found.group(), width - len(hang)), held)
    if not isinstance(text, Marked):
        return [line.replace(_HELD, " ") for line in _wrapped(held, width, hang)]
    for mark in text.marks:
        # A longer one would leave most of a line empty.
        if mark.whole and _may_be_held(mark.end - mark.start, width - len(hang)):
            held = held[: mark.start] + held[mark.start : mark.end].replace(" ", _HELD) + held[mark.end :]
    lines = [line.replace(_HELD, " ") for line in _wrapped(held, width, hang)]
    # Each line is a piece of the text, in order, with nothing but blanks left out between.
    marked: List[str] = []
    at = 0
    for number, line in enumerate(lines):
        body = line[len(hang) :] if number else line
        at = text.index(body, at)
        marked.append((hang if number else "") + text[at : at + len(body)])
        at += len(body)
    return marked


# An account's name, in which authority and name may have blanks: NT AUTHORITY\\Authenticated Users.
_ACCOUNT = re.compile(r"(?<![\w\\])[A-Z][\w-]*(?: [A-Z][\w-]*){0,3}\\[\w$.-]+(?: [A-Z][\w-]*){0,3}")


def _held(name: str, room: int) -> str:
    """A name whose blanks end no line; a longer one than two thirds of it would leave most of a line empty."""
    return name.replace(" ", _HELD) if _may_be_held(len(name), room) else name


def _may_be_held(length: int, room: int) -> bool:
    return 3 * length <= 2 * room or length <= min(room, _SHORT_NAME)


def _wrapped(text: str, width: int, hang: str) -> List[str]:
    lines: List[str] = []
    line = ""
    for word in text.split(" "):
        if line.strip() and len(line) + 1 + len(word) > width:
            lines.append(line.rstrip())
            line = hang + word
        else:
            line = "%s %s" % (line, word) if line else word
    return lines + [line]


def table(rows: Sequence[Tuple[str, ...]], indent: str = "  ") -> List[str]:
    """Rows in aligned columns; a row that would pass the width continues on lines of its own."""
    return [line for lines in row_lines(rows, indent) for line in lines]


def row_lines(rows: Sequence[Tuple[str, ...]], indent: str = "  ") -> List[List[str]]:
    """The lines of each row of a table."""
    count = max((len(row) for row in rows), default=0)
    # A rare long cell (a capability SID) must not push everybody else's columns out.
    widths = [0] * count
    for row in rows:
        for at, cell in enumerate(row):
            if len(cell) <= _LONG:
                widths[at] = max(widths[at], len(cell))
    if 2 * sum(_end(row, widths, indent) > columns() for row in rows) > len(rows):
        # Most would end below themselves: the columns are for the usual cells, and a longer one moves its own row.
        for at in range(len(widths) - 1):
            usual = sorted(len(row[at]) for row in rows if len(row) > at)
            widths[at] = min(widths[at], usual[4 * (len(usual) - 1) // 5])
    return [_row(row, widths, indent) for row in rows]


def _end(row: Tuple[str, ...], widths: Sequence[int], indent: str) -> int:
    """Where a row would end, if each of its cells stood in its column."""
    last = max((at for at, cell in enumerate(row) if cell), default=0)
    return len(indent) + sum(width + 2 for width in widths[:last]) + len(row[last])


def _row(row: Tuple[str, ...], widths: Sequence[int], indent: str) -> List[str]:
    lines, line = [], indent
    for at, cell in enumerate(row):
        if cell and len(line) > len(indent) and len(line) + len(cell) > columns():
            lines.append(line.rstrip())
            line = indent + "      "
        first, *rest = wrapped(cell, columns() - len(line), "")
        lines += [line + first] if rest else []
        for part in rest[:-1]:
            lines.append(indent + "      " + part)
        line = (indent + "      " + rest[-1] if rest else line + first.ljust(widths[at])) + "  "
    return lines + [line.rstrip()]
