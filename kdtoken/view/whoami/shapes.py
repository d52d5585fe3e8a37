"""Columns of whoami's tables: where one ends, told by the rule under the heads or by the blanks between."""

import re
import unicodedata
from typing import List, Optional, Tuple

from kdtoken.model.sid import Sid
from kdtoken.view.whoami.words import LONGEST_STATE, attributes_of, state_of
from kdtoken.view.words import PRIVILEGE

# An account as plain `whoami` prints it; a line of the list form; one column of a rule.
ACCOUNT = re.compile(r"[^\\/\[\]:;|=,+*?<>\"]{1,64}\\[^\\/\[\]:;|=,+*?<>\"]{1,104}$")
KEY = re.compile(r"([^:：\"|=]{1,60}?) ?[:：]( .*|)$")
# Where a row of privileges begins in a line that was several.
_ROWS = re.compile(r"(?<=\S)\s+(?=Se[A-Z][A-Za-z]{2,60}Privilege\s)")
COLUMN = re.compile(r"=+")
# Start and end of each column, in columns of the display.
Columns = Tuple[Tuple[int, int], ...]


def name_column(before: str, columns: Columns) -> str:
    """The name column of what stands before a SID."""
    if len(columns) == 4:
        cut = _cut_at(before, columns[0][1])
        if cut is not None:
            return before[:cut].strip()
    return re.split(r"\s{2,}", before.strip(), maxsplit=1)[0]


def state_column(text: str, rest: str, columns: Columns) -> Tuple[str, str]:
    """The state column of a privilege's row, and what stands behind it that is not whoami's."""
    if len(columns) == 3:
        cut = _cut_at(text, columns[1][1])
        if cut is not None:
            cell = text[cut:].strip()
            words = cell.split()
            for count in range(min(LONGEST_STATE, len(words)), 0, -1):
                if state_of(" ".join(words[:count])) is not None:
                    return " ".join(words[:count]), " ".join(words[count:])
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


def _cut_at(text: str, column: int) -> Optional[int]:
    """Where display column `column` is in the text, East Asian letters being two wide; None if it splits a word."""
    width = 0
    for at, c in enumerate(text):
        if width >= column:
            return at if width == column and c == " " else None
        width += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return None


def is_group_row(sid: Sid, columns: bool, before: str, after: str) -> bool:
    """Whether a row that stands alone is a group's: part of a table that was cut, or picked out by findstr."""
    if after and before.strip():
        return isinstance(attributes_of(after), int)
    return columns and sid.is_integrity_label


def rows_of(text: str) -> Tuple[List[str], int]:
    """The rows that one line was before somebody joined them, and how many SIDs and privileges are in it."""
    names = len(PRIVILEGE.findall(text)) if "Se" in text else 0
    count = names + text.count("S-1-") + text.count("s-1-")
    return _ROWS.split(text) if names and count > 1 else [text], count
