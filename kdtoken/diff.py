"""diff: two views of a token compared by meaning: what differs, what only one side can know, and why.

    kdtoken diff notepad.kdtoken.gz@notepad.exe whoami.txt
    kdtoken diff before.kdtoken.gz@lsass.exe after.kdtoken.gz@lsass.exe
    kdtoken diff --session machine.kdtoken.gz @explorer.exe @cmd.exe
    !py -m kdtoken.diff live@notepad.exe C:\\views\\collect.json

A side is SOURCE or SOURCE@PROCESS.  SOURCE is a recording, a crash dump, a saved WinDbg log, the text
of whoami or of !token, or the JSON of kdtoken's collect; `live`, or nothing before the @, is the
session that this runs in, or what --session, --dump, --log or --attach names.  In a text, @ may also
choose a token by its address, as @#2 by its place in the text; in collect's JSON, @linked the linked one.
Exit code: 0 the same, 1 differences, 2 nothing could be compared.
"""

import argparse
import os
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.differences.comparison import Comparison
from kdtoken.analysis.differences.fields import compare
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.machine.base import Machine
from kdtoken.machine.sniff import LIVE
from kdtoken.model.view import View
from kdtoken.render.diff import diff_json, diff_lines


class Sides:
    """Opens sides; a source that both name is opened once (a kernel can be attached to only once)."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._machines: Dict[str, Machine] = {}

    def open(self, text: str) -> View:
        """The token that one argument names.  Raises KdTokenError saying what is missing."""
        source, which = _split(text)
        if source == LIVE and not os.path.exists(source):
            source = ""
        if not source and not which:
            raise UsageError("%s: which process?" % (text or LIVE), text, "%s@notepad.exe" % LIVE)
        try:
            return self._machine(source).view(which)
        except KdTokenError as error:
            if text in error.message or (source and source in error.message):
                raise
            error.message = "%s: %s" % (text, error.message)  # which of the two sides it is about
            raise

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


def _split(text: str) -> Tuple[str, str]:
    """SOURCE@PROCESS; the last @ divides, unless the whole is a file's name."""
    source, at, which = text.rpartition("@")
    return (source, which) if at and not os.path.isfile(text) else (text, "")


def report(options: argparse.Namespace) -> Comparison:
    """Open both sides and compare them."""
    sides = Sides(options)
    return compare(sides.open(options.a), sides.open(options.b))


def _main(arguments: List[str]) -> int:
    parser = cli.parser("diff", "Compare two views of a token.")
    parser.add_argument(
        "a",
        metavar="A",
        help="SOURCE or SOURCE@PROCESS: live, a recording, a dump, a log, whoami's or !token's text, collect's JSON",
    )
    parser.add_argument("b", metavar="B", help="the same")
    parser.add_argument("--all", action="store_true", help="list what is the same too")
    parser.add_argument("--json", action="store_true", help="for programs: JSON instead of text")
    options = parser.parse_args(arguments)
    comparison = report(options)
    lines = diff_json(comparison).split("\n") if options.json else diff_lines(comparison, options.all)
    cli.write_lines(lines)
    return comparison.exit_code


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); 0 same, 1 differences, 2 could not compare."""
    return cli.run(_main, arguments, failure=2)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
