"""Pages whose lines are ended by tags: where such a page was broken at a width, its lines are put together again.

Whether a line of the file goes on in the next one, the page's own habit tells: where lines end with a tag, one that ends
without is a piece of a line.  HTML: html.spec.whatwg.org "The br element".
"""

import re
from typing import List

# What stands for a line break that a width made; a character of no script, so that lines keep their numbers.
JOINT = "\uf8fd"
# Behind what may have gone on when a margin cut it off; no reader takes it for a part of a value.
CUT_OFF = "\u2026"
# Of the debugger's own mark-up each element ends in the line that it begins in.
_LINK_LEFT_OPEN = re.compile(r"<(?:exec|link|altlink) cmd=[^<>]{0,2000}>[^<]{0,2000}$")
# Also in the text of a page that shows another page's source.
_OPEN, _CLOSE = "(?:<|&lt;)", "(?:>|&gt;)"
_END = re.compile("%s(?:br\\s?/?|/(?:div|tr|li))%s" % (_OPEN, _CLOSE), re.IGNORECASE)
_AT_END = re.compile(
    "%s(?:br\\s?/?|/(?:div|tr|li|p|pre|h[1-6]|td|table|figure|ul|ol|body|html))%s" % (_OPEN, _CLOSE)
    + "(?:%s/?[a-z][^<>&]{0,200}%s|\\s){0,8}$" % (_OPEN, _CLOSE),
    re.IGNORECASE,
)
# An element whose text goes on in the next line, at a page's beginning.
_LEFT_OPEN = re.compile("%sspan\\b[^<>]{0,200}%s[^<]{0,200}$" % (_OPEN, _CLOSE), re.IGNORECASE)
_PRE = re.compile("%spre\\b" % _OPEN, re.IGNORECASE)
_PRE_ENDS = re.compile("%s/pre\\b" % _OPEN, re.IGNORECASE)
_NEAR = 4  # lines before and behind in which a tag ends a line, where that is the habit
_FEWEST = 3  # pieces, before their lengths tell what broke them
# A word, a number or a SID that may have been broken in its middle.
_BROKEN = re.compile(r"[\w\\`]\n[\w\\`-]|[0-9]-\n[0-9]")


def ends_with_tag(line: str) -> bool:
    """Whether a tag ends the line, so that no width has broken it there."""
    return line.rstrip()[-1:] in (">", ";") and _AT_END.search(line) is not None


def is_cut_in_a_link(line: str) -> bool:
    """Whether the line ends inside the text of a link of the debugger's: an address, a number, a name."""
    return " cmd=" in line and _LINK_LEFT_OPEN.match(line, line.rfind("<")) is not None


def joined_at_tags(text: str) -> str:
    """The text, with JOINT for each line break that is none by the habit of the lines around it."""
    if ("<" not in text and "&lt;" not in text) or _END.search(text) is None:
        return text
    lines = text.split("\n")
    blocks = _habits(lines)
    goes_on: List[bool] = []
    for habit in blocks:
        for at, own in enumerate(habit):
            line = lines[len(goes_on)]
            goes_on.append(
                any(habit[at + 1 : at + 1 + _NEAR])
                and line.strip() != ""
                and (own or any(habit[max(0, at - _NEAR) : at]) or _LEFT_OPEN.search(line) is not None)
                and not ends_with_tag(line)
            )
    return _joined(lines, goes_on) if any(goes_on) else text


def _habits(lines: List[str]) -> List[List[bool]]:
    """Whether a tag ends a line inside each line, by blocks: inside <pre> and outside are two habits."""
    blocks: List[List[bool]] = [[]]
    for line in lines:
        if "<" not in line and "&lt;" not in line:
            blocks[-1].append(False)
            continue
        begins, ends = _PRE.search(line), _PRE_ENDS.search(line)
        if begins:
            blocks.append([])
        inside = line[begins.end() if begins else 0 : ends.start() if ends and not begins else None]
        blocks[-1].append(_END.search(inside) is not None)
        if ends:
            blocks.append([])
    return blocks


def _joined(lines: List[str], goes_on: List[bool]) -> str:
    lengths = [len(line) for line, more in zip(lines, goes_on) if more]
    width = max(lengths)
    # A width that breaks words makes nearly all pieces equally long; one that does not has taken a blank from each.
    breaks_words = lengths.count(width) * 2 > len(lengths) >= _FEWEST
    parts: List[str] = []
    for line, more, behind in zip(lines, goes_on, lines[1:] + [""]):
        parts.append(line)
        if not more:
            parts.append("\n")
        elif len(line) == width and breaks_words:
            parts.append(JOINT)
        elif (
            len(line) == width
            and _BROKEN.search(line[-2:] + "\n" + behind[:1])
            and (len(lengths) < _FEWEST or len(line.split()[-1] + behind.split()[0]) > width)
        ):
            # A word that is longer than a line is broken all the same: nobody can tell.
            parts.append("\n")
        else:
            parts.append(JOINT if line[-1:] in ("-", " ") else " " + JOINT)
    return "".join(parts[:-1])
