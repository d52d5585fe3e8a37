"""Pages whose lines are ended by tags: where such a page was broken at a width, its lines are put together again.

Whether a line of the file goes on in the next one, the page's own habit tells: where lines end with a tag, one that ends
without is a piece of a line.  HTML: html.spec.whatwg.org "The br element".
"""

import os.path
import re
from typing import Callable, List

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
# Or the rest of a tag, in a page without its beginning.
_REST_OF_TAG = re.compile("[^<>&]{0,60}[\"'](?:>|&gt;)")
_PRE = re.compile("%spre\\b" % _OPEN, re.IGNORECASE)
_PRE_ENDS = re.compile("%s/pre\\b" % _OPEN, re.IGNORECASE)
_NEAR = 4  # lines before and behind in which a tag ends a line, where that is the habit
_FEWEST = 3  # pieces, before their lengths tell what broke them
# What mails and shells put in front of every line.
_FRAME = re.compile(r"\s*(?:>{1,8} ?){1,8}|\s*[^<>=]{0,80}[>$#%] ?|\s+")
# A word, a number or a SID that may have been broken in its middle.
_INSIDE = re.compile(r"[^\s<>]\n[^\s<>]")
_BROKEN = re.compile(r"[\w\\`.]\n[\w\\`.-]|[0-9]-\n[0-9]")


def ends_with_tag(line: str) -> bool:
    """Whether a tag ends the line, so that no width has broken it there."""
    return line.rstrip()[-1:] in (">", ";") and _AT_END.search(line) is not None


def is_cut_in_a_link(line: str) -> bool:
    """Whether the line ends inside the text of a link of the debugger's: an address, a number, a name."""
    return " cmd=" in line and _LINK_LEFT_OPEN.match(line, line.rfind("<")) is not None


def joined_at_tags(text: str, is_cut: Callable[[str], bool]) -> str:
    """The text, with JOINT for each line break that is none by the habit of the lines around it.

    is_cut  whether a line says that somebody left lines out there: nothing is joined to it
    """
    if ("<" not in text and "&lt;" not in text) or _END.search(text) is None:
        return text
    lines = text.split("\n")
    goes_on = _which_go_on(lines)
    if not any(goes_on):
        return text
    # What was put around the pieces of a page, each of them a line of the file, stands in the middle of words.
    bare = _without_frame(lines)
    if bare != lines:
        lines, goes_on = bare, _which_go_on(bare)
    for at, line in enumerate(lines):
        if (goes_on[at] and is_cut(line)) or (at and not line.strip() and goes_on[at - 1]):
            # What stands on both sides of it, or of a line that is empty, is torn.
            goes_on[at] = False
            if at and goes_on[at - 1]:
                lines[at - 1], goes_on[at - 1] = lines[at - 1] + CUT_OFF, False
            if at + 1 < len(lines) and not lines[at + 1].startswith("<"):
                lines[at + 1] = CUT_OFF + lines[at + 1]
    last = max(at for at, line in enumerate(lines) if line.strip())
    if last and goes_on[last - 1] and not ends_with_tag(lines[last]):
        lines[last] += CUT_OFF  # the page has no end
    return _joined(lines, goes_on) if any(goes_on) else "\n".join(lines)


def _which_go_on(lines: List[str]) -> List[bool]:
    goes_on: List[bool] = []
    for habit in _habits(lines):
        for at, own in enumerate(habit):
            line = lines[len(goes_on)]
            goes_on.append(
                any(habit[at + 1 : at + 1 + _NEAR])
                and line.strip() != ""
                and (own or any(habit[max(0, at - _NEAR) : at]) or _is_torn(line))
                and not ends_with_tag(line)
            )
    return goes_on


def _is_torn(line: str) -> bool:
    """Whether an element of a page is open at the line's end, or a tag at its beginning."""
    return _LEFT_OPEN.search(line) is not None or _REST_OF_TAG.match(line) is not None


def _without_frame(lines: List[str]) -> List[str]:
    """The lines without the mail's quotes, the prompt or the blanks that all of them begin with, bold and tabs."""
    common = os.path.commonprefix([line for line in lines if line.strip()])
    frame = _FRAME.match(common)
    start = frame.end() if frame else 0
    inside = [line[start:] for line in lines]
    # Where the page was broken before somebody made words bold, or tabs of blanks, it is of one width without them.
    others = ([line.replace("**", "") for line in inside], [line.replace("\t", "    ") for line in inside])
    return max((inside, *others), key=_as_wide_as_the_widest)


def _as_wide_as_the_widest(lines: List[str]) -> int:
    lengths = [len(line) for line in lines]
    return lengths.count(max(lengths))


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
    pieces = [(line, behind) for line, more, behind in zip(lines, goes_on, lines[1:] + [""]) if more]
    lengths = [len(line.lstrip(CUT_OFF)) for line, _ in pieces]
    width = max(lengths)
    # A width that breaks words makes nearly all pieces equally long; one that does not has taken a blank from each.
    breaks_words = lengths.count(width) * 2 > len(lengths) >= _FEWEST
    if breaks_words:
        # Where no piece begins with a blank, it was lost there as well as at the ends.
        sure = any(behind[:1] == " " for _, behind in pieces) and lengths.count(width) * 3 > len(lengths) * 2
    else:
        # Each line has as many words as there is room for, if no more than a blank stood behind it, which is lost.
        full = sum(len(line) + len((behind.split() or [""])[0]) >= width for line, behind in pieces)
        blanks = any(line[-1:] == " " or behind[:1] == " " for line, behind in pieces)
        sure = full * 5 >= len(pieces) * 4 and not blanks
    parts: List[str] = []
    for line, more, behind in zip(lines, goes_on, lines[1:] + [""]):
        parts.append(line)
        broken = more and _BROKEN.search(line[-2:] + "\n" + behind[:1]) is not None
        inside = more and _INSIDE.match(line[-1:] + "\n" + behind[:1]) is not None
        if not more:
            parts.append("\n")
        elif len(line.lstrip(CUT_OFF)) == width and breaks_words:
            parts.append(JOINT)
        elif inside and not sure and line.count("<") <= line.count(">"):
            # Whether a blank stood there nobody can tell: it is the end of one line, and another one's without its beginning.
            parts.append(CUT_OFF + "\n" + CUT_OFF)
        elif (
            len(line) == width
            and broken
            and (len(lengths) < _FEWEST or len(line.split()[-1] + behind.split()[0]) > width)
        ):
            # A word that is longer than a line is broken all the same: nobody can tell.
            parts.append("\n")
        else:
            parts.append(JOINT if line[-1:] in ("-", " ") else " " + JOINT)
    return "".join(parts[:-1])
