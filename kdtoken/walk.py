"""walk: every process on one line: whose token it runs under, at what integrity, and what is odd.

    !py -m kdtoken.walk --user SYSTEM --threads
    kdtoken walk --session FILE --integrity high --csv
"""

import sys
from argparse import Namespace
from typing import Iterator, List, Optional, Sequence

from kdtoken import cli
from kdtoken.analysis.character import integrity_level
from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.decode.thread import walk_threads
from kdtoken.errors import LookupFailed, UsageError
from kdtoken.model.absent import Maybe
from kdtoken.model.process import Impersonation, Process, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.render.walk import csv_lines, json_lines, text_lines
from kdtoken.render.words import sid_name
from kdtoken.target.cached import CachedTarget

LEVELS = {"untrusted": 0, "low": 0x1000, "medium": 0x2000, "mediumplus": 0x2100, "high": 0x3000, "system": 0x4000}


def add_arguments(parser: cli.Parser) -> None:
    """What `walk` understands."""
    parser.add_argument("--threads", action="store_true", help="read every thread too: who impersonates whom")
    parser.add_argument("--user", metavar="TEXT", help="only tokens whose user's name or SID holds this text")
    parser.add_argument("--integrity", metavar="LEVEL", help="only this level: %s, or a number" % ", ".join(LEVELS))
    parser.add_argument("--json", action="store_true", help="for programs: JSON")
    parser.add_argument("--csv", action="store_true", help="for spreadsheets: comma-separated values")


def report(target: CachedTarget, options: Namespace) -> List[str]:
    """The lines that `walk` prints."""
    if options.json and options.csv:
        raise UsageError("--json or --csv, not both")
    level = _level(options.integrity) if options.integrity else None
    processes, problems = walk_processes(target, details=True)
    rows = []
    for row in _rows(target, processes, options.threads, problems):
        if _wanted(row, options.user, level):
            rows.append(row)
    if options.json:
        return json_lines(rows, cli.about(target), problems, options.threads)
    if options.csv:
        return csv_lines(rows)
    return text_lines(rows, cli.source(target), len(processes), problems, options.threads)


def _rows(
    target: CachedTarget, processes: List[Process], with_threads: bool, problems: List[str]
) -> Iterator[ProcessDump]:
    """A lean ProcessDump a process: no DACL, no linked token, threads only when asked for."""
    tokens = Tokens(target, follow=False)
    progress = cli.Progress("processes", len(processes))
    for at, process in enumerate(processes):
        progress.at(at)
        details = process_details(target, process)
        threads: List[Thread] = []
        if with_threads:
            try:
                threads, torn = walk_threads(target, details.thread_list_head)
                problems += ["pid %d: %s" % (process.pid, problem) for problem in torn]
            except LookupFailed as error:
                problems.append("pid %d: threads cannot be listed: %s" % (process.pid, error.message))
        impersonated = {
            thread.impersonation.token: tokens.at(thread.impersonation.token)
            for thread in threads
            if isinstance(thread.impersonation, Impersonation)
        }
        yield ProcessDump(process, details, tokens.of(process), tuple(threads), impersonated)


def _level(text: str) -> int:
    known = LEVELS.get(text.lower().replace(" ", "").replace("-", ""))
    if known is not None:
        return known
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(
            "no integrity level is called %r" % text, text, "one of %s, or a number" % ", ".join(LEVELS)
        ) from None


def _wanted(row: ProcessDump, user: Optional[str], level: Optional[int]) -> bool:
    """Whether the process's token, or one that a thread of it impersonates, passes the filters."""
    if user is None and level is None:
        return True
    return any(_matches(token, user, level) for token in [row.token, *row.tokens.values()])


def _matches(token: Maybe[Optional[Token]], user: Optional[str], level: Optional[int]) -> bool:
    if not isinstance(token, Token):
        return False
    if level is not None and integrity_level(token) != level:
        return False
    if user is None:
        return True
    sid = token.user
    return isinstance(sid, Sid) and user.lower() in ("%s %s" % (sid_name(sid, token), sid)).lower()


def _main(arguments: List[str]) -> int:
    parser = cli.parser("walk", "List every process with the token it runs under.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    cli.write_lines(report(cli.open_target(options), options))
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
