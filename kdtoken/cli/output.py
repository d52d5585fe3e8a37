"""What the verbs write: lines on stdout, messages on stderr, whatever these two are.

Inside WinDbg stdout is pykd's object: ASCII, no fileno, and the engine cuts each write at 16,376 characters.
Elsewhere it may be full, closed, a pipe whose reader went away, or unable to show a character.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import re
import sys
from typing import Any, Callable, Iterable, Iterator, List, Optional

from kdtoken.errors import KdTokenError
from kdtoken.render.marked import Marked
from kdtoken.render.words import printable

# Characters of one write.  The engine keeps 16,376 of one; a character that it cannot show becomes an escape of ten.
_PIECE = 1600
_LONGEST_WORD = 300  # a path has up to 260
_READER_GONE = (errno.EPIPE, errno.ESHUTDOWN) + ((errno.EINVAL,) if sys.platform == "win32" else ())
# What this run reads that is not the debugger's session: its addresses are none that a click could ask for here.
OTHER_SOURCES: List[str] = []
# What --color said, the last one counting; empty: nothing.
COLOUR: List[str] = []
# Bars of progress that stand on the terminal now.
BARS: List[Any] = []


class _ReaderGone(Exception):
    """Nobody reads stdout any more (`| head`)."""


def write_lines(lines: Iterable[str], links: bool = False) -> None:
    """Print lines, each in writes that the debugger engine takes whole.

    Where the reader of a pipe went away, the rest is not asked for, and the verb goes on to its end: what it came to
    is in its exit code.  Marks are colours on a terminal and in WinDbg, and links where a click can run what they say.
    links  whether all that can be clicked is of the debugger's own session, though another source was read as well
    Raises KdTokenError where stdout takes nothing: a full disk, a closed one.
    """
    if sys.stdout is None:  # how Python says that it was started with a closed one
        raise KdTokenError("nothing can be printed: standard output is closed", None, "do not close it, or > FILE")
    try:
        markup = getattr(sys.stdout, "writedml", None)
        links = _has_links(links)
        paint = _painter() if markup is None else None
        for line in map(printable, lines):
            if BARS:
                close_all()  # a bar that stood there while the line was being made
            if markup is not None and _has_marks(line, links) and len(line) <= _PIECE:
                from kdtoken.render.dml import dml

                markup(dml(line, links) + "\n")
            else:
                _write((paint(line) if paint is not None else str(line)) + "\n")
        _flush()
    except _ReaderGone:
        silence_stdout()


def close_all() -> None:
    """No bar is left on the terminal: something else is written, or the run ends."""
    for one in list(BARS):
        one.close()


def _has_marks(line: str, links: bool) -> bool:
    return isinstance(line, Marked) and any(mark.style or (links and mark.command) for mark in line.marks)


def _has_links(ours: bool) -> bool:
    """Whether a click would ask what was asked: not of a file, nor under pykd.pyd's own !py, which loses arguments."""
    return (ours or not OTHER_SOURCES) and not type(sys.stdout).__module__.startswith("pykd")


def _painter() -> Optional[Callable[[str], str]]:
    """What colours a line for the terminal; None where nothing is coloured."""
    when = COLOUR[-1] if COLOUR else "auto"
    if when == "never" or not hasattr(sys.stdout, "fileno"):
        return None
    from kdtoken.cli.colour import painter

    paint = painter(when)
    return None if paint is None else lambda line: paint(line, _fit)


def _fit(text: str) -> str:
    """The text, or its escaped form where the terminal cannot show it."""
    try:
        text.encode(sys.stdout.encoding or "ascii", sys.stdout.errors or "strict")
    except UnicodeEncodeError:
        return text.encode("ascii", "backslashreplace").decode("ascii")
    return text


def _write(line: str) -> None:
    pieces = [line[at : at + _PIECE] for at in range(0, len(line), _PIECE)] if len(line) > _PIECE else [line]
    for piece in pieces:
        try:
            try:
                sys.stdout.write(piece)
            except UnicodeEncodeError:
                sys.stdout.write(piece.encode("ascii", "backslashreplace").decode("ascii"))
        except OSError as error:
            raise _of_stdout(error) from error


def _flush() -> None:
    flush = getattr(sys.stdout, "flush", None)
    try:
        if flush is not None:
            flush()
    except OSError as error:
        raise _of_stdout(error) from error


def _of_stdout(error: OSError) -> Exception:
    if error.errno in _READER_GONE:
        return _ReaderGone()
    silence_stdout()  # or Python tries what is left once more at its end, and complains in its own words
    why = error.strerror or "it takes nothing"
    return KdTokenError("cannot print the answer: %s" % why, None, "print it where there is room: > FILE")


def silence_stdout() -> None:
    """Let what is still written, also by Python itself at its end, go nowhere."""
    _silence("stdout")


def _silence(stream: str) -> None:
    nowhere = open(os.devnull, "w")
    try:
        os.dup2(nowhere.fileno(), getattr(sys, stream).fileno())
    except (AttributeError, OSError, ValueError):  # one that is no file
        setattr(sys, stream, nowhere)


def _shortened(line: str) -> str:
    """A line of a message without what fills the screen: a number or a name of thousands of characters."""
    if len(line) <= _LONGEST_WORD:
        return line
    words = [
        one if len(one) <= _LONGEST_WORD else "%s...(%d characters)" % (one[:80], len(one)) for one in line.split(" ")
    ]
    return " ".join(words)


# The rest of a line that is nothing but a command, which people copy.
_COMMAND = re.compile(r" *(?:next: )?(?:kdtoken|!py) (?:[^;,(]|,\S)*$")


def _room_of_messages() -> int:
    """Columns of stderr where it is a terminal; 0 in a pipe, a file and WinDbg, where a message keeps its lines."""
    if not hasattr(sys.stderr, "isatty") or not sys.stderr.isatty():
        return 0
    import shutil

    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):  # a terminal that is no file
        columns = shutil.get_terminal_size().columns
    return max(columns - 1, 40)


def _broken(line: str, room: int) -> List[str]:
    """A message's line as the terminal has room for it; a command stays one line, which can be copied."""
    if not room or len(line) <= room or _COMMAND.match(line):
        return [line]
    from kdtoken.render.words import wrapped

    body = line.lstrip(" ")
    indent = line[: len(line) - len(body)]
    return [indent + one for one in wrapped(body, room - len(indent), "   ")]


def complain(text: str) -> None:
    """One message on stderr; a damaged recording or a hostile name may have put anything in it."""
    from kdtoken.render.words import clean

    if sys.stderr is None:
        return
    close_all()
    # Lines of ours that go on begin with blanks: a name with a line break, as a file may have it, begins none.
    lines = re.split("\n(?=  )", "kdtoken: " + text)
    room = _room_of_messages()
    text = "".join(one + "\n" for line in lines for one in _broken(clean(_shortened(line)), room))
    try:
        try:
            sys.stderr.write(text)
        except UnicodeEncodeError:
            sys.stderr.write(text.encode("ascii", "backslashreplace").decode("ascii"))
        sys.stderr.flush()
    except (OSError, AttributeError):
        # A full disk, a closed pipe: the exit code has to say it, and Python's own is 120 if what is left fails again.
        _silence("stderr")


# Whether `all_kept` holds: Python tells how many objects are frozen by going through them.
_kept = False


@contextlib.contextmanager
def all_kept() -> Iterator[None]:
    """What is loaded by now stays: no child's collector shall go through it, and copy its pages by doing so."""
    global _kept
    before, ours = _kept, not gc.get_freeze_count()
    gc.freeze()
    _kept = True
    try:
        yield
    finally:
        _kept = before
        if ours:
            gc.unfreeze()  # whoever called goes on, and what was made till now may die in it


@contextlib.contextmanager
def nothing_collected() -> Iterator[None]:
    """Python's collector of cycles rests: rows hold none, and it would go through all of them again and again.

    Afterwards what came meanwhile counts as old: else the next object that is made has it go through all at once.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            if not _kept and not gc.get_freeze_count():  # somebody's own, who wants them kept so
                gc.freeze()
                gc.unfreeze()
            gc.enable()
