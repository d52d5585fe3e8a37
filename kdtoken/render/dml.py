"""Lines in which processes are links to the next command, for WinDbg's DML (Debugger Markup Language).

A line stays an ordinary string: whoever prints it elsewhere sees no markup.  What a target wrote is escaped in the
shown text, and never becomes part of a command: a command is a verb of ours and a number.

Source: learn.microsoft.com, "Customizing Debugger Output Using DML": <link cmd="...">, and &amp; &lt; &gt; &quot;.
"""

from typing import Tuple

_VERBS = ("dump", "lineage")
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}


class Linked(str):
    """A line of which a part is a link.

    part     where the link begins and ends in the line
    command  what a click runs
    """

    part: Tuple[int, int] = (0, 0)
    command: str = ""


def command_of(verb: str, number: int) -> str:
    """What a click runs: a verb and an address, nothing else.  Raises ValueError."""
    if verb not in _VERBS or type(number) is not int or number <= 0:
        raise ValueError("no command may be made of %r and %r" % (verb, number))
    return "!py -m kdtoken.%s 0x%x" % (verb, number)


def linked(line: str, text: str, address: int, start: int = 0, verb: str = "dump") -> str:
    """The line with `text`, as it stands there from `start` on, made a link to the process whose EPROCESS is given.

    As it was where the text is not there (it was wrapped, say) or there is no address.
    """
    if not text or not line.startswith(text, start) or address <= 0:
        return line
    made = Linked(line)
    made.part = (start, start + len(text))
    made.command = command_of(verb, address)
    return made


def dml(line: str) -> str:
    """A line as DML in ASCII, which is all that WinDbg's stdout takes; every character of it is shown as it is."""
    if not isinstance(line, Linked):
        return _escaped(line)
    start, end = line.part
    shown = (_escaped(line[:start]), line.command, _escaped(line[start:end]), _escaped(line[end:]))
    return '%s<link cmd="%s">%s</link>%s' % shown


def _escaped(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii").translate(_ESCAPES)
