"""Lines for WinDbg's DML (Debugger Markup Language): links to the next command, and the engine's own colours.

A line stays an ordinary string: whoever prints it elsewhere sees no markup.  What a target wrote is escaped in the
shown text, and never becomes part of a command: a command is a verb of ours and a number, or a rule or privilege of ours.

Source: learn.microsoft.com, "Customizing Debugger Output Using DML": <link cmd="...">, <col fg="...">, the names of
the colours (which the user of the debugger chooses), and &amp; &lt; &gt; &quot;.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Dict

from kdtoken.model.privilege import NUMBERS
from kdtoken.render.marked import Mark, Marked, clickable, segments

_COMMANDS: Dict[str, str] = {
    "dump": "!py -m kdtoken.dump 0x%x",
    "all": "!py -m kdtoken.dump 0x%x --all",
    "lineage": "!py -m kdtoken.lineage 0x%x",
    "token": "!py -m kdtoken.dump --token 0x%x",
    "thread": "!thread 0x%x",
}
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}
_RULE = re.compile("[a-z]+(?:-[a-z]+)*")
# What a part of a line is -> the engine's name for the colour of its like.
COLOURS: Dict[str, str] = {
    "impossible": "errfg",
    "unusual": "warnfg",
    "untrusted": "verbfg",
    "low": "verbfg",
    "high": "warnfg",
    "system": "emphfg",
    "deny": "subfg",
    "sensitive": "warnfg",
    "yes": "emphfg",
    "no": "errfg",
    "depends": "warnfg",
    "gap": "subfg",
}


def command_of(verb: str, number: int) -> str:
    """What a click runs: a verb and an address, nothing else.  Raises ValueError."""
    if verb not in _COMMANDS or type(number) is not int or number <= 0:
        raise ValueError("no command may be made of %r and %r" % (verb, number))
    return _COMMANDS[verb] % number


def linked(line: str, text: str, address: int, start: int = 0, verb: str = "dump") -> str:
    """The line with `text`, as it stands there from `start` on, made a link to what lies at the address.

    verb  "dump" for a process by its EPROCESS, "token", "thread"
    As it was where the text is not there (it was wrapped, say) or there is no address.
    """
    if not text or not line.startswith(text, start) or address <= 0:
        return line
    before = line.marks if isinstance(line, Marked) else ()
    return Marked(str(line), (*before, Mark(start, start + len(text), "", command_of(verb, address))))


def link(text: str, address: int, verb: str = "dump") -> str:
    """The text as a link to what lies at an address; as it was where there is none."""
    return clickable(text, command_of(verb, address)) if address > 0 else text


def rule_link(text: str, rule: str) -> str:
    """The text as a link to all about a rule of the audit, whose id is a word of ours."""
    return clickable(text, "!py -m kdtoken.audit --explain " + rule) if _RULE.fullmatch(rule) else text


def privilege_link(text: str, name: str) -> str:
    """The text as a link to what a privilege allows, whose name is one of ours and not of the target's symbols."""
    return clickable(text, "!py -m kdtoken.dump --explain " + name) if name in NUMBERS else text


def dml(line: str, links: bool = True) -> str:
    """A line as DML in ASCII, which is all that WinDbg's stdout takes; every character of it is shown as it is.

    links  False: colours only
    """
    made = ""
    for command, parts in groupby(segments(line), lambda part: part[2]):
        text = "".join(_coloured(part, style) for part, style, _ in parts)
        made += '<link cmd="%s">%s</link>' % (command, text) if command and links else text
    return made


def _coloured(text: str, style: str) -> str:
    colour = COLOURS.get(style)
    return '<col fg="%s">%s</col>' % (colour, _escaped(text)) if colour else _escaped(text)


def _escaped(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii").translate(_ESCAPES)
