"""The one way out for text of these tools: cleaned line by line, on whatever stdout and stderr are."""

import argparse
import os
import re
import sys
import unicodedata
from typing import Any, Callable, Iterable

COULD_NOT = 2  # the exit code of a tool that could not do what it was asked for

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
    """One message on stderr, and the next step."""
    try:
        _write(sys.stderr, ["%s: %s" % (tool, why), "  next: %s" % (command or "python vm/%s --help" % tool)])
    except OSError:
        pass  # the exit code has to say it


def _write(out: object, lines: Iterable[str]) -> None:
    if out is None:  # how Python says that it was started with a closed one
        return
    text = "".join(clean(line) + "\n" for line in lines)
    write, flush = getattr(out, "write"), getattr(out, "flush")
    try:
        try:
            write(text)
        except UnicodeEncodeError:
            write(text.encode("ascii", "backslashreplace").decode("ascii"))
        flush()
    except BrokenPipeError:  # the reader went away, which changes no exit code
        _silence()


class Parser(argparse.ArgumentParser):
    """argparse, whose error is one message with a next step."""

    def error(self, message: str) -> Any:
        """One message in our words, and exit code 2."""
        for pattern, words in _WORDS:
            message = re.sub("^" + pattern + "$", words, message)
        complain(self.prog, message.replace("'", ""))
        sys.exit(COULD_NOT)


# argparse's message -> ours.
_WORDS = (
    (r"unrecognized arguments: (.*)", r"nothing takes \1"),
    (r"argument (\S+): invalid choice: (.*) \(choose from (.*)\)", r"\1 takes one of \3, not \2"),
    (r"argument (\S+): invalid int value: (.*)", r"\1 takes a number, not \2"),
    (r"argument (\S+): expected .*", r"\1 needs a word behind it"),
    (r"argument (\S+): ignored explicit argument .*", r"\1 takes no word"),
    (r"the following arguments are required: (.*)", r"\1 is missing"),
    (r"ambiguous option: (\S+) could match (.*)", r"\1 may be each of \2"),
)


def ended(tool: str, main: Callable[[], int]) -> int:
    """The tool's exit code; Ctrl+C and a stdout that takes nothing are one line each."""
    try:
        return main()
    except KeyboardInterrupt:
        complain(tool, "stopped by Ctrl+C; nothing was half done", "the same command again")
    except OSError as error:
        _silence()
        complain(tool, "cannot print: %s" % (error.strerror or "stdout takes nothing"), "> FILE, where there is room")
    return COULD_NOT


def _silence() -> None:
    """What Python itself would write at its end goes nowhere."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (AttributeError, OSError, ValueError):
        pass
