"""The one way out for text of these tools: cleaned line by line, on whatever stdout and stderr are."""

import os
import re
import sys
import unicodedata
from typing import Callable, Iterable

# Drawn as nothing or as a blank, though their category does not say so: Default_Ignorable_Code_Point of Unicode's
# DerivedCoreProperties.txt, the blank Braille pattern, the note head that is none.
_UNSEEN = re.compile(
    "[\u034f\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001d159\U000e0000-\U000e0fff]"
)
_LIKE_ESCAPED = re.compile("u[0-9a-f]{4}|U[0-9a-f]{8}")  # behind a backslash


def clean(text: str) -> str:
    r"""A text that a stranger may have written, for a terminal: what it obeys or does not show is escaped.

    Such a character becomes \uXXXX or \UXXXXXXXX, and a text that only looks so gets its backslashes doubled.
    """
    shown, backslashes = [], ""
    for at, c in enumerate(text):
        if c == "\\":
            backslashes += c
            continue
        unseen = c != " " and (unicodedata.category(c)[0] in "CZ" or _UNSEEN.match(c) is not None)
        doubled = unseen or (backslashes and _LIKE_ESCAPED.match(text, at) is not None)
        shown.append(backslashes * 2 if doubled else backslashes)
        shown.append((("\\u%04x" if ord(c) < 0x10000 else "\\U%08x") % ord(c)) if unseen else c)
        backslashes = ""
    return "".join(shown) + backslashes


def say(lines: Iterable[str]) -> None:
    """Print lines; a line break within one of them is somebody's, and is escaped."""
    _write(sys.stdout, lines)


def complain(tool: str, why: str, command: str = "") -> None:
    """One message on stderr, and the command that helps."""
    try:
        _write(sys.stderr, ["%s: %s" % (tool, why)] + ["  %s" % command] * bool(command))
    except OSError:
        pass  # the exit code has to say it


def _write(out: object, lines: Iterable[str]) -> None:
    if out is None:  # how Python says that it was started with a closed one
        return
    text = "".join(clean(line) + "\n" for line in lines)
    write, flush = getattr(out, "write"), getattr(out, "flush")
    try:
        write(text)
    except UnicodeEncodeError:
        write(text.encode("ascii", "backslashreplace").decode("ascii"))
    flush()


def ended(tool: str, main: Callable[[], int]) -> int:
    """The tool's exit code; Ctrl+C and a stdout that takes nothing are one line each."""
    try:
        return main()
    except KeyboardInterrupt:
        complain(tool, "stopped by Ctrl+C; nothing was half done")
    except BrokenPipeError:
        _silence()
    except OSError as error:
        _silence()
        complain(tool, "cannot print: %s" % (error.strerror or "stdout takes nothing"))
    return 1


def _silence() -> None:
    """What Python itself would write at its end goes nowhere."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (AttributeError, OSError, ValueError):
        pass
