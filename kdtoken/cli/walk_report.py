"""What `walk` asks of a machine and shows of it; `record` and `tour` show the same."""

from argparse import Namespace
from typing import List, NamedTuple

from kdtoken import cli
from kdtoken.errors import UsageError
from kdtoken.machine.base import About, Machine
from kdtoken.model.integrity import BY_WORD as LEVELS
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid_names import Names
from kdtoken.render.walk import csv_lines, is_wanted, json_lines, text_lines
from kdtoken.render.walk_files import host_of


class Listed(NamedTuple):
    """The processes of one machine that were asked for.

    total  how many there are
    host   the machine's name, or ""
    """

    rows: List[ProcessDump]
    total: int
    about: About
    names: Names
    problems: List[str]
    host: str


def add_arguments(parser: cli.Parser) -> None:
    """What `walk` understands."""
    parser.add_argument("--threads", action="store_true", help="read every thread too: who impersonates whom")
    parser.add_argument("--user", metavar="TEXT", help="only tokens whose user's name or SID holds this text")
    parser.add_argument("--integrity", metavar="LEVEL", help="only this level: %s, or a number" % ", ".join(LEVELS))
    parser.add_argument("--json", action="store_true", help="for programs: JSON")
    parser.add_argument("--csv", action="store_true", help="for spreadsheets: comma-separated values")


def report(machine: Machine, options: Namespace) -> List[str]:
    """The lines that `walk` prints of one machine."""
    if options.json and options.csv:
        raise UsageError("--json or --csv, not both")
    found = read(machine, options)
    if options.json:
        return json_lines(found.rows, cli.about(found.about), found.problems, options.threads, found.names)
    if options.csv:
        return csv_lines(found.rows, found.names)
    source = cli.source(found.about)
    return text_lines(found.rows, source, found.total, found.problems, options.threads, found.names)


def read(machine: Machine, options: Namespace) -> Listed:
    """Ask for all processes, and keep those that the options want."""
    level = level_of(options.integrity) if options.integrity else None
    walk = machine.walk(options.threads)
    progress = cli.Progress("processes", walk.total)
    rows, host = [], ""
    for at, row in enumerate(walk.rows):
        progress.at(at)
        host = host or host_of(row.token)
        if is_wanted(row, options.user, level, machine.names):
            rows.append(row)
    return Listed(rows, walk.total, walk.about, machine.names, walk.problems, host)


def level_of(text: str) -> int:
    """The integrity level that a word or a number means.  Raises UsageError."""
    known = LEVELS.get(text.lower().replace(" ", "").replace("-", ""))
    if known is not None:
        return known
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(
            "no integrity level is called %r" % text, text, "one of %s, or a number" % ", ".join(LEVELS)
        ) from None
