"""What every verb shares: choosing the target, writing lines, and errors that help."""

import argparse
import os
import sys
import time
import traceback
from importlib import import_module
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

from kdtoken.errors import KdTokenError, UsageError
from kdtoken.target.base import Target
from kdtoken.target.cached import CachedTarget
from kdtoken.target.session import RecordingTarget, load_session

# Name of the debugger alias that carries arguments where sys.argv cannot (see windbg_arguments).
ALIAS = "KDARGS"


class Parser(argparse.ArgumentParser):
    """argparse without sys.exit: inside WinDbg that would vanish with its message."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message, None, "%s --help" % self.prog)

    def exit(self, status: int = 0, message: Optional[str] = None) -> None:  # type: ignore[override]
        raise _Done(message or "")

    def print_help(self, file: object = None) -> None:
        write_lines(self.format_help().rstrip().split("\n"))


class _Done(Exception):
    """--help or --version has said all there is to say."""


def parser(verb: str, description: str) -> Parser:
    """A parser with the options that all verbs have."""
    made = Parser(prog="kdtoken %s" % verb, description=description)
    source = made.add_argument_group("where to read (default: the debugger session that this runs in)")
    source.add_argument("--session", metavar="FILE", help="replay a recorded session")
    source.add_argument("--dump", metavar="FILE", help="a kernel crash dump, read without any debugger")
    source.add_argument(
        "--symbols",
        metavar="PATH",
        default="",
        help="of the dumped kernel: a PDB, an ISF, a folder or a symbol store (default: _NT_SYMBOL_PATH)",
    )
    source.add_argument(
        "--download", action="store_true", help="fetch symbols that are not here from the symbol server"
    )
    made.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return made


def open_target(options: argparse.Namespace, record: Optional[List[RecordingTarget]] = None) -> CachedTarget:
    """The target that the options name.

    record  given by `record`: gets the RecordingTarget that keeps every answer
    """
    target: Target
    if options.session and options.dump:
        raise UsageError("give --session or --dump, not both")
    if options.dump:
        from kdtoken.target.crashdump import open_dump

        target = open_dump(options.dump, options.symbols, options.download)
    elif options.symbols or options.download:
        raise UsageError("--symbols and --download belong to --dump FILE", None, "a debugger has symbols of its own")
    elif options.session:
        target = load_session(options.session)
    else:
        from kdtoken.target.live import LiveTarget  # imports pykd, which exists only in a debugger

        target = LiveTarget()
    if record is not None:
        recording = RecordingTarget(target)
        record.append(recording)
        target = recording
    return CachedTarget(target)


def source(target: CachedTarget) -> str:
    """Where a report was read, in words for its head."""
    words = target.about.source
    if target.about.build:
        words += ", Windows kernel %s" % target.about.build
    return words + (" (SYNTHETIC: made for tests, no real machine)" if target.about.synthetic else "")


def about(target: CachedTarget) -> Dict[str, Any]:
    """The same for programs."""
    known = target.about
    return {"source": known.source, "build": known.build, "synthetic": known.synthetic}


class Progress:
    """A line now and then while a slow target is read; silent when it is quick."""

    EVERY = 3.0  # seconds

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._last = time.monotonic()

    def at(self, count: int) -> None:
        """Tell how far it is, if the last telling was long ago."""
        now = time.monotonic()
        if now - self._last >= self.EVERY:
            self._last = now
            sys.stderr.write("... %d of %d %s\n" % (count, self._total, self._what))


def write_lines(lines: Iterable[str]) -> None:
    """Print line by line.

    One long write is cut silently at some 16 K characters by the debugger engine, and its
    stdout has neither `buffer` nor `fileno`; a console that cannot show a character gets an
    escape instead of an exception.
    """
    for line in lines:
        try:
            sys.stdout.write(line + "\n")
        except UnicodeEncodeError:
            sys.stdout.write(line.encode("ascii", "backslashreplace").decode("ascii") + "\n")
    flush = getattr(sys.stdout, "flush", None)
    if flush is not None:
        flush()


def run(main: Callable[[List[str]], int], arguments: Optional[Sequence[str]]) -> int:
    """Run a verb: 0 or its own code; 1 with one clear message on stderr when it fails."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return main(words)
    except _Done as done:
        if str(done):
            write_lines([str(done).rstrip()])
        return 0
    except KdTokenError as error:
        if "--debug" in words:
            traceback.print_exc()
        sys.stderr.write("kdtoken: %s\n" % error)
        return 1
    except RecursionError as error:
        sys.stderr.write("kdtoken: the recursion limit of this Python is too low (%s)\n" % error)
        return 1
    except BrokenPipeError:
        # The reader went away (`| head`); there is nobody left to tell.
        sys.stdout = open(os.devnull, "w")
        return 0


def run_in_windbg(verb: str) -> None:
    """What the script files for `!py kdtoken.VERB ...` call."""
    arguments = sys.argv[1:]
    if arguments and not arguments_survive():
        try:
            arguments = alias_arguments(len(arguments))
        except KdTokenError as error:
            sys.stderr.write("kdtoken: %s\n" % error)
            return
        write_lines(["arguments, from the alias %s: %s" % (ALIAS, " ".join(arguments)), ""])
    import_module("kdtoken." + verb).main(arguments)


def arguments_survive() -> bool:
    """Whether sys.argv can be believed.

    pykd.pyd's own `!py` (0.3.4.15) hands over freed memory: the count is right, the words are
    not.  The bootstrapper's are right.  Told apart by stdout, which there is pykd's own object.
    """
    return not type(sys.stdout).__module__.startswith("pykd")


def alias_arguments(count: int) -> List[str]:
    """The arguments out of the debugger alias, where `!py` destroys sys.argv.

    Raises UsageError where there is no alias, or where it holds another number of words than
    were typed: an alias left over from before must not choose the process.
    """
    from kdtoken.target.live import LiveTarget

    text = LiveTarget().command(".echo ${%s}" % ALIAS).strip()
    how = "as %s notepad.exe   and then   !py kdtoken.dump notepad.exe" % ALIAS
    if text == "${%s}" % ALIAS:
        raise UsageError(
            "this !py (pykd.pyd's own) destroys its arguments; put them in the alias %s first" % ALIAS, ALIAS,
            how + "   (or load the pykd-ext bootstrapper, whose !py keeps them)",
        )
    words = text.split()
    if len(words) != count:
        raise UsageError(
            "%d argument(s) were typed, but the alias %s holds %d: %s" % (count, ALIAS, len(words), text), ALIAS, how
        )
    return words


def exit_with(code: int) -> None:
    """End the program with an exit code; inside WinDbg do nothing, since SystemExit is swallowed there."""
    if code and not in_debugger():
        sys.exit(code)


def in_debugger() -> bool:
    """Whether stdout is the debugger's: pykd replaces it by an object that has no fileno."""
    return not hasattr(sys.stdout, "fileno")
