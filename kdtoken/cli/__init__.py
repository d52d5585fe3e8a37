"""What every verb shares: words for people -> a machine, writing lines, and errors that help."""

from __future__ import annotations

import argparse
import os
import re
import sys
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from kdtoken.cli.output import COLOUR, OTHER_SOURCES, close_all
from kdtoken.cli.output import complain as complain
from kdtoken.cli.output import write_lines as write_lines
from kdtoken.cli.parsing import Done, Once
from kdtoken.cli.parsing import Parser as Parser
from kdtoken.errors import BadFormat, KdTokenError, UsageError
from kdtoken.machine.base import About, Machine, origin
from kdtoken.machine.open import TIMEOUT, Callbacks, Recording, Request, debugger_command, open_request
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.view import Unread

# Name of the debugger alias that carries arguments where sys.argv cannot (see windbg_arguments).
ALIAS = "KDARGS"
_BY_ALIAS = "as %s ARGUMENTS   and then   !py kdtoken.VERB ARGUMENTS" % ALIAS

UNREAD = "of a text: list the lines that were not understood"  # help of --unread, in every verb that has it
COULD_NOT = 2  # the exit code of every verb that could not answer

# Machines that this run opened; `run` closes them, whatever happened: one that was attached to runs again.
_OPENED: List[Machine] = []
_ASKED: List[Request] = []  # what it asked to be opened


def tell_unread(lines: Sequence[Unread], options: argparse.Namespace) -> None:
    """End a report with what of a text was not understood; beside it, on stderr, where it is for programs."""
    from kdtoken.render.unread import unread_lines

    shown = unread_lines(lines, options.unread)
    if getattr(options, "json", False) or getattr(options, "csv", False):
        for line in shown:
            if line:
                complain(line)
    else:
        write_lines(shown)


def parser(verb: str, description: str) -> Parser:
    """A parser with the options that all verbs have."""
    made = Parser(prog="kdtoken %s" % verb, description=description)
    source = made.add_argument_group("where to read (default: the debugger session that this runs in)")
    source.add_argument("--session", metavar="FILE", action=Once, help="replay a recorded session")
    source.add_argument("--dump", metavar="FILE", action=Once, help="a kernel crash dump, read without any debugger")
    source.add_argument(
        "--log", metavar="FILE", action="append", help="a saved WinDbg log, or FILE:FIRST-LAST of its lines; repeatable"
    )
    source.add_argument(
        "--symbols",
        metavar="PATH",
        default="",
        help="of the dumped kernel: a PDB, an ISF, a folder or a symbol store (default: _NT_SYMBOL_PATH)",
    )
    source.add_argument(
        "--download", action="store_true", help="fetch symbols that are not here from the symbol server"
    )
    made.add_argument("--services", metavar="FILE", help="names of services, one a line, to name S-1-5-80 SIDs by")
    source.add_argument(
        "--attach", metavar="CONNECTION", help=r'attach to a live kernel (Windows): "com:pipe,port=\\.\pipe\NAME"'
    )
    source.add_argument("--stay", action="store_true", help="leave the attached machine standing; else it runs again")
    source.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="how long an attached machine may be silent (%d)" % TIMEOUT
    )
    made.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return made


def request(
    options: argparse.Namespace, files: Sequence[str] = (), lenient: bool = False, instead: bool = False
) -> Request:
    """What the options, or the words that are files, ask to be opened.

    files    as they were named without an option
    lenient  symbols may be given for a source that needs none, since there are others
    instead  `files` stand instead of the source that the options name, not beside it
    Raises UsageError where they ask for two things at once.
    """
    named: List[Tuple[str, Any]] = [("--session", options.session), ("--dump", options.dump), ("--log", options.log)]
    named += [("--attach", options.attach), ("", tuple(files))]
    given = [(option, value) for option, value in named if value and not (option and instead)]
    if len(given) > 1:
        words = [option or "a file's name" for option, _ in given]
        raise UsageError(
            "give one of %s" % " and ".join([", ".join(words[:-1]), words[-1]]), None, "one source at a time"
        )
    option, value = given[0] if given else ("", ())
    if option != "--attach" and not instead and (options.stay or options.timeout is not None):
        word = "--stay" if options.stay else "--timeout"
        raise UsageError("%s belongs to --attach CONNECTION" % word, word, "leave it away")
    if options.timeout is not None and not 0 < options.timeout < 1e9:  # which no NaN is
        raise UsageError("--timeout takes seconds, not %g" % options.timeout, "--timeout", "for instance --timeout 60")
    return Request(
        (value,) if isinstance(value, str) else tuple(value),
        option,
        options.symbols,
        options.download,
        lenient,
        service_names(options.services),
        TIMEOUT if options.timeout is None else options.timeout,
        options.stay,
    )


def open_machine(options: argparse.Namespace, files: Sequence[str] = (), record: Optional[Recording] = None) -> Machine:
    """The machine that the options name, or the words that are files; `run` closes it.

    record  given by `record`: gets the RecordingSource that keeps every answer
    """
    return opened(request(options, files), record)


def opened(what: Request, record: Optional[Recording] = None) -> Machine:
    """The machine of a request; `run` closes it."""

    OTHER_SOURCES.extend(what.sources)
    _ASKED.append(what)
    machine = open_request(what, record, Callbacks(_log_progress, _download_progress, _end_program))
    _OPENED.append(machine)
    return machine


# What is being read or fetched, and how far it is: these come as numbers, from deep below.
_WORK: Dict[str, Any] = {}


def _log_progress(done: int, size: int) -> None:
    """For a person who waits for a log of hundreds of megabytes, or more of memory."""
    if size >= 1 << 25:
        _work("reading", done, size)


def _download_progress(done: int, size: int) -> None:
    """For a person who waits for symbols of some 10 MB; size 0 where the server does not tell it."""
    _work("symbols", done, size)


def _work(what: str, done: int, size: int) -> None:
    from kdtoken.cli.progress import Progress  # most runs need none

    if what not in _WORK:
        _WORK[what] = Progress(what, size, of_bytes=True)
    _WORK[what].at(done)
    if size and done >= size:
        del _WORK[what]


def _end_program(message: str) -> None:
    """From a watching thread: the main one is inside the debugger engine, which waits for its target without end."""
    complain(message)
    os._exit(COULD_NOT)


_LARGEST_SERVICES = 1 << 20  # bytes; a machine has some hundreds


def service_names(path: Optional[str]) -> Names:
    """What --services FILE adds to the names that kdtoken knows.  Raises UsageError where it cannot be read."""
    if not path:
        return NO_NAMES
    from kdtoken.files import read_packed  # brings pathlib, which a dump without it does not need

    try:
        text = read_packed(path, "list of service names", _LARGEST_SERVICES).decode("utf-8-sig", "replace")
    except BadFormat as error:
        raise UsageError(error.message, path, "name a file that is there, a service a line") from error
    lines = text.splitlines()
    if any("\0" in line or "\ufffd" in line for line in lines):
        raise UsageError("%s is no text, so holds no names of services" % path, path, "a service a line, in UTF-8")
    return NO_NAMES.with_services(lines)


def source(about: About) -> str:
    """Where a report was read, in words for its head."""
    return origin(about)


def about(known: About) -> Dict[str, Any]:
    """The same for programs."""
    return {"source": known.source, "build": known.build, "synthetic": known.synthetic}


def width() -> int:
    """Columns of what is printed: COLUMNS, else the terminal's, else 99; never below 60 nor above 160."""
    typed = os.environ.get("COLUMNS", "")
    columns = int(typed) - 1 if re.match("[0-9]{1,4}$", typed) else 99
    if not typed and sys.stdout is not None and not in_debugger() and sys.stdout.isatty():
        import shutil  # costs time, which a pipe need not pay

        columns = shutil.get_terminal_size().columns - 1
    return min(max(columns, 60), 160)


def has_width() -> bool:
    """Whether the width is somebody's: a terminal's, or COLUMNS; a pipe and a file have none."""
    typed = re.match("[0-9]{1,4}$", os.environ.get("COLUMNS", "")) is not None
    return typed or (sys.stdout is not None and not in_debugger() and sys.stdout.isatty())


def paragraph(text: str, indent: str = "") -> List[str]:
    """Prose in lines under 100 columns, and no wider than the terminal."""
    import textwrap

    from kdtoken.render.words import columns

    room = min(96, columns())
    return textwrap.wrap(text, room, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def run(main: Callable[[List[str]], int], arguments: Optional[Sequence[str]]) -> int:
    """Run a verb: its own code, or 2 with one clear message on stderr when it could not."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stderr is None:  # closed; whoever speaks there speaks to nobody
        sys.stderr = open(os.devnull, "w")
    try:
        return _and_release(main, words)
    except KdTokenError as error:
        if "--debug" in words:
            import traceback

            traceback.print_exc()
        from kdtoken.cli.here import here, with_step  # where all went well nobody needs it

        complain(here(with_step(str(error), main), _ASKED, in_debugger()))
    except RecursionError:
        complain(
            "the recursion limit of this Python (%d) is too low for this\n  next: raise it by sys.setrecursionlimit; "
            "from 1000 on it is the file that nests too deep" % sys.getrecursionlimit()
        )
    except MemoryError:
        complain("there is not enough memory for this\n  next: ask for less at once: one file, or one process")
    except KeyboardInterrupt:
        complain("stopped by Ctrl+C; the answer is not whole\n  next: the same command again")
    return COULD_NOT


def _and_release(main: Callable[[List[str]], int], words: List[str]) -> int:
    from kdtoken.render.words import set_columns, set_command

    set_columns(width())
    if "" in words:
        from kdtoken.cli.here import refuse_empty

        refuse_empty(words)
    if in_debugger():
        set_command("!py -m kdtoken.VERB ARGUMENTS" if arguments_survive() else _BY_ALIAS)
    _ASKED.clear()
    try:
        return main(words)
    except Done as done:
        if str(done):
            write_lines([str(done).rstrip()])
        return 0
    finally:
        close_all()
        _WORK.clear()
        OTHER_SOURCES.clear()
        COLOUR.clear()
        set_columns()
        set_command()
        while _OPENED:
            _OPENED.pop().close()


def run_in_windbg(main: Callable[[List[str]], object]) -> None:
    """What the script files for `!py kdtoken.VERB ...` call."""
    arguments = sys.argv[1:]
    if arguments and not arguments_survive():
        try:
            arguments = alias_arguments(len(arguments))
        except KdTokenError as error:
            complain(str(error))
            return
        write_lines(["arguments, from the alias %s: %s" % (ALIAS, " ".join(arguments)), ""])
    main(arguments)


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
    text = debugger_command(".echo ${%s}" % ALIAS).strip()
    how = "as %s notepad.exe   and then   !py kdtoken.dump notepad.exe" % ALIAS
    if text == "${%s}" % ALIAS:
        raise UsageError(
            "this !py (pykd.pyd's own) destroys its arguments; put them in the alias %s first" % ALIAS,
            ALIAS,
            how + "   (or load the pykd-ext bootstrapper, whose !py keeps them)",
        )
    words = [word.replace('"', "") for word in re.findall(r'(?:"[^"]*"|[^\s"])+', text)]
    if len(words) != count:
        raise UsageError(
            "%d argument(s) were typed, but the alias %s holds %d: %s" % (count, ALIAS, len(words), text), ALIAS, how
        )
    return words


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Let a verb's module be called as its function is.

    `kdtoken.diff` is a function of the public interface, and importing the verb kdtoken.diff puts the module under
    that very name (importlib does so).  Whichever came first, `kdtoken.diff(a, b)` does the same.
    """

    class Verb(ModuleType):
        """A verb that is its own function."""

        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return function(*arguments, **named)

    sys.modules[name].__class__ = Verb


def exit_with(code: int) -> None:
    """End the program with an exit code; inside WinDbg do nothing, since SystemExit is swallowed there."""
    if code and not in_debugger():
        sys.exit(code)


def in_debugger() -> bool:
    """Whether stdout is the debugger's: pykd replaces it by an object that has no fileno."""
    return sys.stdout is not None and not hasattr(sys.stdout, "fileno")
