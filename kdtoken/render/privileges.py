"""A privilege told: its number, what it allows, and how it stands in a token."""

from typing import List, Optional

from kdtoken.model.absent import Fragment, Maybe, Missing
from kdtoken.model.privilege import NUMBERS, SENSITIVE
from kdtoken.model.privilege_words import words_of
from kdtoken.model.token import Token
from kdtoken.render.marked import styled
from kdtoken.render.meaning import privilege as marked
from kdtoken.render.words import columns, show, wrapped


def privilege_lines(name: str, token: Maybe[Optional[Token]] = None, whose: str = "") -> List[str]:
    """All about one privilege; `whose` names the holder of `token`, "" where none was asked for."""
    number = NUMBERS[name]
    lines = ["%s  (%d, 0x%x)" % (name, number, number)]
    rows = ["who holds it %s" % words_of(name)]
    if name in SENSITIVE:
        rows.append("it gives power over others: where it is on, dump and walk mark it")
    rows.append("a privilege counts only while it is on; whoever holds it can switch it on")
    if whose:
        rows.append("%s: " % whose + _state(name, token))
    return lines + ["  " + line for row in rows for line in wrapped(row, columns() - 2)]


def _state(name: str, token: Maybe[Optional[Token]]) -> str:
    if not isinstance(token, Token):
        return show(token, str, "there is no token")
    listed = token.privileges
    if isinstance(listed, Missing):
        return show(listed, str)
    found = next((one for one in listed if one.name == name), None)
    if found is None:
        return "not told" if isinstance(listed, Fragment) else "not held"
    if not found.present:
        return styled("marked as on, but not held", "impossible") if found.enabled else "not held any more: removed"
    default = {True: ", on by default", False: ", off by default", None: ""}[found.enabled_by_default]
    return marked(found, "held and %s" % ("on" if found.enabled else "off")) + default


def all_lines() -> List[str]:
    """A line for each privilege, by number."""
    lines: List[str] = []
    for name, number in NUMBERS.items():
        first, *rest = wrapped("%s: %s" % (name, words_of(name)), columns() - 4)
        lines += ["%2d  " % number + first] + ["    " + line for line in rest]
    return lines
