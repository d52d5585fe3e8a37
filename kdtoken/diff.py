"""diff: two views of a token compared by meaning: what differs, what only one side can know, and why.

With no process named, two machines, or one at two times: which tokens were replaced, adjusted, changed without the
kernel's own trace, which processes appeared and ended.

    kdtoken diff before.dmp after.dmp

    kdtoken diff notepad.kdtoken.gz@notepad.exe whoami.txt
    kdtoken diff before.kdtoken.gz@lsass.exe after.kdtoken.gz@lsass.exe
    kdtoken diff --session machine.kdtoken.gz explorer.exe cmd.exe
    kdtoken diff MEMORY.DMP notepad.exe cmd.exe
    kdtoken diff MEMORY.DMP@1120 MEMORY.DMP@1120:1128
    !py -m kdtoken.diff live@notepad.exe C:\\views\\collect.json

A side is SOURCE, SOURCE@PROCESS or SOURCE@PROCESS:THREAD.  SOURCE is a recording, a crash dump, a saved WinDbg
log, the text of whoami or of !token, or the JSON of kdtoken's collect; `live`, or nothing before the @, is the
session that this runs in, or what --session, --dump, --log or --attach names, and there a process needs no @.
In a text, @ may also choose a token by its address, as @#2 by its place in the text; in collect's JSON, @linked
the linked one.
Exit code: 0 the same, 1 differences, 2 nothing could be compared.
"""

import argparse
import os
import sys
from typing import Dict, List, Optional, Sequence, Tuple, Union

from kdtoken import cli
from kdtoken.analysis.differences.comparison import Comparison
from kdtoken.analysis.differences.fields import compare
from kdtoken.analysis.differences.machines import MachineComparison, compare_machines
from kdtoken.cli.output import nothing_collected
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.frozen import replace
from kdtoken.machine.base import Machine
from kdtoken.machine.open import Request, open_request
from kdtoken.machine.process import MachineProcess, MachineThread
from kdtoken.machine.sniff import LIVE, STDIN, is_attach_string, looks_like_file
from kdtoken.model.absent import Unreadable
from kdtoken.model.view import Kind, View
from kdtoken.render.diff import diff_json, diff_lines
from kdtoken.render.machines import machines_json, machines_lines


class Sides:
    """Opens sides; a source that both name is opened once (a kernel can be attached to only once)."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._machines: Dict[str, Machine] = {}

    def open(self, text: str) -> View:
        """The token that one argument names.  Raises KdTokenError saying what is missing."""
        source, which = self._parts(text)
        if source and not which and not looks_like_file(source) and not is_attach_string(source) and source != STDIN:
            step = "say of which machine it is a process: kdtoken diff FILE %s OTHER, or FILE@%s" % (source, source)
            raise UsageError("there is no file called %s" % source, source, step)
        if not source and not which:
            raise UsageError("%s: which process?" % (text or LIVE), text, "%s@notepad.exe" % LIVE)
        try:
            return self._machine(source).view(which)
        except KdTokenError as error:
            if text in error.message or (source and source in error.message):
                raise
            error.message = "%s: %s" % (text, error.message)  # which of the two sides it is about
            raise

    def _parts(self, text: str) -> Tuple[str, str]:
        """(source, process) of a side; source "" for the one that the options name, or the debugger's session."""
        source, which = ("", text) if _is_process(text, self._options) else _split(text)
        return ("" if source == LIVE and not os.path.exists(source) else source), which

    def is_here(self, text: str) -> bool:
        """Whether a side is of the debugger's own session, which a click can ask."""
        options = self._options
        named = options.session or options.dump or options.log or options.attach
        return not named and not self._parts(text)[0]

    def _machine(self, source: str) -> Machine:
        """The machine of a side; "" for the one that the options name."""
        if source not in self._machines:
            if source:
                wanted = cli.request(self._options, (source,), lenient=True, instead=True)
            else:
                # Symbols may have been given for the other side, which is a crash dump.
                wanted = cli.request(self._options, lenient=True)
            self._machines[source] = cli.opened(wanted)
        return self._machines[source]

    def machines(self, a: str, b: str) -> Optional[Tuple[Machine, Machine]]:
        """Both machines, where neither argument names a process and both show more than one; else None."""
        found: List[Machine] = []
        for text in (a, b):
            source, which = _split(text)
            if which or not source or source == LIVE:
                return None
            try:
                machine = self._machine(source)
                if len(machine.processes()) < 2:
                    return None
            except KdTokenError:
                return None  # no file, or a text of tokens: what is asked is a token, and its error is the better one
            found.append(machine)
        return found[0], found[1]


def _is_process(text: str, options: argparse.Namespace) -> bool:
    """Whether a side without @ names a process of the machine that the options, or the debugger, give."""
    if "@" in text or looks_like_file(text) or is_attach_string(text) or text in (STDIN, LIVE):
        return False
    return bool(options.session or options.dump or options.log or options.attach) or cli.in_debugger()


def _split(text: str) -> Tuple[str, str]:
    """SOURCE@PROCESS; the last @ divides, unless the whole is a file's name."""
    source, at, which = text.rpartition("@")
    return (source, which) if at and not os.path.isfile(text) else (text, "")


Side = Union[str, View, MachineProcess, MachineThread]


def diff(a: Side, b: Side, symbols: str = "") -> Comparison:
    """Compare two tokens by meaning: identity, policy, bookkeeping, and what only one side can know.

    a, b     a process or a thread of a machine (its token that counts), a view (`machine.view("#2")`), or what the
             command line takes: "FILE@PROCESS", a file
    symbols  of sides that are files of crash dumps

    Raises KdTokenError where a side has no token.
    """
    machines: List[Machine] = []
    try:
        return compare(_view_of(a, symbols, machines), _view_of(b, symbols, machines))
    finally:
        for machine in machines:
            machine.close()


def _view_of(side: Side, symbols: str, machines: List[Machine]) -> View:
    if isinstance(side, View):
        return side
    if isinstance(side, MachineProcess):
        return side.machine.view(side)
    if isinstance(side, MachineThread):
        return side.process.machine.view(side)
    if not isinstance(side, str):
        raise UsageError("%r cannot be compared" % (side,), None, "give a process or a thread: diff(process, other)")
    source, which = _split(side)
    machines.append(open_request(Request((source,), symbols=symbols, lenient=True)))
    return machines[-1].view(which)


def report(options: argparse.Namespace) -> Comparison:
    """Open both sides and compare them."""
    sides = Sides(options)
    return compare(sides.open(options.a), sides.open(options.b))


def machines_report(sides: Sides, options: argparse.Namespace) -> Optional[MachineComparison]:
    """Two machines compared, where the arguments name no process; None where they name tokens."""
    both = sides.machines(options.a, options.b)
    if both is None:
        return None
    before, after = (replace(machine.snapshot(), label=text) for machine, text in zip(both, (options.a, options.b)))
    return compare_machines(before, after)


def _next_step(comparison: Comparison) -> str:
    """What would bring the first part of a token that could not be read."""
    for view in (comparison.a, comparison.b):
        for value in vars(view.token).values():
            if isinstance(value, Unreadable) and value.hint:
                return value.hint
    if Kind.KERNEL in (comparison.a.kind, comparison.b.kind):
        return "kdtoken dump SOURCE PROCESS tells of each side what could not be read, and why"
    return "give the whole text: whoami /all, or !token with all that it prints"


def _main(arguments: List[str]) -> int:
    parser = cli.parser("diff", "Compare two views of a token.")
    parser.add_argument(
        "a",
        metavar="A",
        help="SOURCE or SOURCE@PROCESS: live, a recording, a dump, a log, whoami's or !token's text, collect's JSON",
    )
    parser.add_argument("b", metavar="B", help="the same")
    parser.add_argument("more", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--all", action="store_true", help="list what is the same too")
    parser.add_argument("--unread", action="store_true", help=cli.UNREAD)
    parser.add_argument("--json", action="store_true", help="for programs: JSON instead of text")
    options = parser.parse_intermixed_args(arguments)
    if options.more is not None:
        if not looks_like_file(options.a) and options.a != STDIN:
            raise UsageError("two sides are compared, and here are three words", options.more, "kdtoken diff A B")
        options.a, options.b = ("%s@%s" % (options.a, process) for process in (options.b, options.more))
    sides = Sides(options)
    with nothing_collected():
        comparison = machines_report(sides, options) or compare(sides.open(options.a), sides.open(options.b))
    if isinstance(comparison, MachineComparison):
        lines = machines_json(comparison).split("\n") if options.json else machines_lines(comparison, options.all)
        cli.write_lines(lines)
        return comparison.exit_code
    here = (sides.is_here(options.a), sides.is_here(options.b))
    if options.json:
        lines = diff_json(comparison).split("\n")
    else:
        lines = diff_lines(comparison, options.all, options.unread, here)
    cli.write_lines(lines, links=any(here))
    if comparison.exit_code == cli.COULD_NOT:
        cli.complain("nothing of the two tokens could be compared\n  next: %s" % _next_step(comparison))
    return comparison.exit_code


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); 0 same, 1 differences, 2 could not compare."""
    return cli.run(_main, arguments)


cli.make_callable(__name__, diff)

if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
