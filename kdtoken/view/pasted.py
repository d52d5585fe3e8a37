"""What a page, an editor or a log put around every line of a text, taken off again: numbers, times, comment marks.

Only where the whole text has the habit: a line by itself may be a row that begins so.  Also what people mark words with
(BBCode, Markdown), hyphens that are no ASCII, and UTF-8 that was read as Windows-1252.
"""

import re
from typing import List, Optional, Pattern

_LARGEST = 1 << 22  # characters; what is longer was written by a debugger, not pasted
_FEWEST = 6  # lines, before there is a habit
_MOST_OTHERS = 20  # one line in so many may be without it

_NUMBER = re.compile(r"[ \t]{0,8}\[?(\d{1,5})(?:[\]:.|)]{1,2}(?:[ \t|]|$)|[ \t]|$) ?")
_TIME = re.compile(
    r"[\[(]?(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ,]{1,2})?\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,7})?)?(?: ?[AaPp]\.?[Mm]\.?)?Z?"
    r"(?:[+-]\d\d:?\d\d)?[\])]?(?:[ \t]{0,2}[|-])?(?:[ \t]|$)(?:(?:INFO|DEBUG|TRACE|WARN|ERROR|stdout|out)\b:? ?)?",
)
_MARK = re.compile(r"[ \t]{0,4}(?://|#|;|\*(?!\*)|\+|-(?!>|[-\s]*$)|<\w{1,30}>|%|\u2502)(?: |$)?")
_QUOTED = re.compile(r'(["\'])(.*)\1,?$')
_BOXED = re.compile(r"\|(?: (.*?)|)\s?\|$")

_BBCODE = re.compile(
    r"\[/?(?:b|i|u|s|code|quote|color|size|font|pre|tt|mono|spoiler|noparse|highlight)(?:=[^\]\n]{0,80})?\]",
    re.IGNORECASE,
)
# Words that are marked by one sign on each side; `*SYSTEM*` is a source's own name, and addresses have back-quotes.
_EMPHASIS = re.compile(
    r"([*_`]{1,3})(Enabled|Disabled|Default|Mandatory|Se[A-Z]\w{2,60}?(?:Privilege|Right)|S-1-[-0-9]{1,200})\1"
)
_MARKED = tuple(sign + word for sign in "*_`" for word in ("Enabled", "Disabled", "Default", "Mandatory", "Se", "S-1-"))
_DASHES = re.compile("S[\u2010-\u2015\u2212]1(?:[\u2010-\u2015\u2212][0-9]{1,10}){1,16}")
_HIGH = re.compile("[^\n\x00-\x7f]")


def as_printed(text: str) -> str:
    """The text without what was put around its lines and words; lines keep their numbers."""
    if len(text) > _LARGEST:
        return text
    if _HIGH.search(text) is not None:
        text = _DASHES.sub(lambda found: re.sub("[^S0-9]", "-", found.group()), text)
        text = "\n".join(_read_again(line) for line in text.split("\n"))
    if "[/" in text:
        text = _BBCODE.sub("", text)
    if any(one in text for one in _MARKED):
        text = _EMPHASIS.sub(r"\2", text)
    return _without_margins(text)


def _read_again(line: str) -> str:
    """A line whose UTF-8 was read as Windows-1252, as it was; any other one stays."""
    if line.isascii():
        return line
    data = bytearray()
    for c in line:
        try:
            data += c.encode("cp1252")
        except UnicodeEncodeError:
            if ord(c) > 255:
                return line
            data.append(ord(c))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return line


def _without_margins(text: str) -> str:
    """The text without what all of its lines begin with."""
    lines = text.split("\n")
    full = [line for line in lines if line.strip()]
    if len(full) < _FEWEST:
        return text
    if _habit(full, _TIME):
        return "\n".join(_cut(line, _TIME) for line in lines)
    if _habit(full, _NUMBER) and _counts(full):
        return "\n".join(_cut(line, _NUMBER) for line in lines)
    mark = _MARK.match(full[0])
    if mark is not None and not any(line.startswith("+0x") for line in full):
        sign = mark.group().strip()
        own = re.compile(r"[ \t]{0,4}%s ?" % re.escape(sign)) if sign else None
        if own is not None and _habit(full, own, others=0):
            return "\n".join(_cut(line, own) for line in lines)
    if all(line.startswith("| ") or line.strip() == "|" for line in full) and _habit(full, _BOXED):
        if not any(line.count("|") > 2 for line in full):
            return "\n".join(_BOXED.sub(lambda found: found.group(1) or "", line) for line in lines)
    if _habit(full, _QUOTED, others=0) and not any('","' in line for line in full):
        return "\n".join(_QUOTED.sub(lambda found: found.group(2), line) for line in lines)
    return text


def _habit(lines: List[str], form: Pattern[str], others: int = _MOST_OTHERS) -> bool:
    """Whether the lines have the form; `others` 0 if each of them has to."""
    allowed = len(lines) // others if others else 0
    for line in lines:
        if form.match(line) is None:
            allowed -= 1
            if allowed < 0:
                return False
    return True


def _counts(lines: List[str]) -> bool:
    """Whether the numbers that the lines begin with go up by one, as far as no blank line is left out; rows' do not."""
    before: Optional[int] = None
    steps = 0
    for line in lines:
        found = _NUMBER.match(line)
        number = int(found.group(1)) if found else None
        if before is not None and number is not None and not before < number <= before + 4:
            return False
        steps += before is not None and number == before + 1
        before = number if number is not None else before
    rest = [_cut(line, _NUMBER).lstrip() for line in lines]
    rows = sum(one.startswith(("S-1-", "0x", "Se")) for one in rest)
    return steps * 10 >= len(lines) * 6 and rows * 2 < len(lines)


def _cut(line: str, form: Pattern[str]) -> str:
    found = form.match(line)
    return line[found.end() :] if found else line
