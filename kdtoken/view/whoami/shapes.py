"""Columns of whoami's tables: where one ends, shown by the rule under the heads or by the blanks between."""

import re
import unicodedata
from typing import List, Optional, Tuple

from kdtoken.model.sid import Sid
from kdtoken.view.whoami.words import LONGEST_STATE, attributes_of, says_a_state, state_of, without_kind
from kdtoken.view.words import PRIVILEGE, sid_of

# An account as plain `whoami` prints it; a line of the list form; one column of a rule.
ACCOUNT = re.compile(r"[^\\/\[\]:;|=,+*?<>\"]{1,64}\\[^\\/\[\]:;|=,+*?<>\"]{1,104}$")
KEY = re.compile(r"([^:：\"|=]{1,60}?) ?[:：]( .*|)$")
# Where a row of privileges begins in a line that was several.
_ROWS = re.compile(r"(?<=\S)\s+(?=Se[A-Z][A-Za-z]{2,60}Privilege\s)")
_BUILTIN = 32  # S-1-5-32 ([MS-DTYP] 2.4.2.4)
COLUMN = re.compile(r"=+")
# Start and end of each column, in columns of the display.
Columns = Tuple[Tuple[int, int], ...]
_FRAME = re.compile(r"[^\w]|\d{1,5}(?:[\s.:)|\]]|$)")
# The name of a label as whoami prints it: an authority, a backslash, a level.
_LABEL_NAME = re.compile(r"[^\\/:;|=<>*?\"\[\](){}]{2,60}\\[^\\/:;|=<>*?\"\[\](){}]{2,120}$")


def name_column(before: str, columns: Columns) -> str:
    """The name column of what stands before a SID, without the account's kind; empty where that cannot be told."""
    if len(columns) == 4 and _width_of(before) == columns[2][0]:
        cut = _cut_at(before, columns[0][1])
        if cut is not None:
            return before[:cut].strip()
    named = without_kind(before)
    if named is not None:
        return named
    parts = re.split(r"\s{2,}", before.strip())
    return parts[0] if len(parts) == 2 and before[:1] != " " else ""


def loose_name(before: str, sid: Sid) -> str:
    """The same in a row without a table: what a page put in front of its lines is no name, nor the beginning of one; and
    of BUILTIN's names the authority is always given, if no margin has cut it."""
    name = name_column(before, ())
    is_builtin = sid.authority == 5 and sid.subauthorities[:1] == (_BUILTIN,)
    return "" if _FRAME.match(name) or (is_builtin and "\\" not in name) else name


def lost_their_beginning(heads: str, rule: str) -> bool:
    """Whether a left margin has cut the heads above a rule, and with them the names below it.

    In no language do they begin with a small letter.
    """
    if rule[:1] != "=":
        return False
    return heads[:1] == " " or heads[:1].islower() or heads.startswith("Name ")


def state_column(text: str, rest: str, columns: Columns) -> Tuple[str, str]:
    """The state column of a privilege's row, and what stands behind it that is not whoami's."""
    if len(columns) == 3:
        cut = _cut_at(text, columns[1][1])
        if cut is not None:
            cell = text[cut:].strip()
            words = cell.split()
            for count in range(min(LONGEST_STATE, len(words)), 0, -1):
                if state_of(" ".join(words[:count])) is not None:
                    rest = " ".join(words[count:])
                    # A remark that says a state too leaves none that can be believed.
                    return (cell, "") if says_a_state(rest) else (" ".join(words[:count]), rest)
            if cell and len(words) <= LONGEST_STATE:
                return cell, ""
    words = rest.split()
    for count in range(min(LONGEST_STATE, len(words)), 0, -1):
        if state_of(" ".join(words[-count:])) is not None:
            return " ".join(words[-count:]), ""
    parts = re.split(r"\s{2,}", rest)
    return (parts[-1] if len(parts) > 1 else words[-1] if len(words) > 1 else ""), ""


def same_key(one: str, other: str) -> bool:
    """Whether two keys are one; a console's line wrap may have put a blank into a word."""
    return "".join(one.split()) == "".join(other.split())


def _width_of(text: str) -> int:
    """Columns of the display; East Asian letters are two wide."""
    return len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text if not c.isascii())


def _cut_at(text: str, column: int) -> Optional[int]:
    """Where display column `column` is in the text, East Asian letters being two wide; None if it splits a word."""
    width = 0
    for at, c in enumerate(text):
        if width >= column:
            return at if width == column and c == " " else None
        width += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return None


def is_group_row(sid: Sid, asked: bool, before: str, after: str) -> bool:
    """Whether a row that stands alone is a group's: part of a table that was cut, or picked out by findstr.

    whoami's own words for the attributes are nobody else's; a label has none, so its name and its kind must tell.
    """
    if after:
        return bool(before.strip()) and isinstance(attributes_of(after), int)
    named = without_kind(before)
    return sid.is_integrity_label and named is not None and asked and _LABEL_NAME.match(named) is not None


def is_record(values: List[str], sids: List[int], names: List[int]) -> bool:
    """Whether a record that no title and no command announces is whoami's: its own words are in it.

    values       of the keys of one record of the list form
    sids, names  where among them a SID stands, the name of a privilege
    """
    if sids == [2] and len(values) == 4 and not names:
        sid = sid_of(values[2])
        return isinstance(attributes_of(values[3]), int) and (
            bool(values[3]) or (sid is not None and sid.is_integrity_label)
        )
    return names == [0] and not sids and len(values) == 3 and state_of(values[2]) is not None


def rows_of(text: str) -> Tuple[List[str], int]:
    """The rows that one line was before somebody joined them, and how many SIDs and privileges are in it."""
    names = len(PRIVILEGE.findall(text)) if "Se" in text else 0
    count = names + text.count("S-1-") + text.count("s-1-")
    return _ROWS.split(text) if names and count > 1 else [text], count
