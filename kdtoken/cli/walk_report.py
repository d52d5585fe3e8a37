"""What `walk` asks of a machine and shows of it; `record` and `tour` show the same."""

import argparse
from argparse import Namespace
from typing import Any, Iterable, List, NamedTuple, Optional, Tuple

from kdtoken import cli
from kdtoken.analysis.audit.finding import Finding
from kdtoken.analysis.audit.rules import audit, marks
from kdtoken.analysis.lineage.parents import Family
from kdtoken.analysis.lineage.tree import Node, tree
from kdtoken.cli.output import nothing_collected
from kdtoken.cli.progress import Progress
from kdtoken.errors import UsageError
from kdtoken.machine.base import About, Machine
from kdtoken.model.absent import Absent, Missing
from kdtoken.model.absent import known as known_value
from kdtoken.model.integrity import BY_WORD as LEVELS
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid_names import Names
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.model.view import Unread
from kdtoken.render.audit import head_lines
from kdtoken.render.lineage import tree_json, tree_lines
from kdtoken.render.marked import styled
from kdtoken.render.unread import unread_lines, unread_problems
from kdtoken.render.walk import cells_of, csv_lines, is_wanted, text_lines
from kdtoken.render.walk_files import host_of
from kdtoken.render.walk_json import json_lines
from kdtoken.render.words import clean, columns, wrapped


class _Format(argparse.Action):
    """--format json is --json."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Optional[str] = None) -> None:
        if values != "text":
            setattr(namespace, values, True)


class Listed(NamedTuple):
    """The processes of one machine that were asked for.

    total   how many there are
    host    the machine's name, or ""
    passed  the others, which the filters left out
    findings  what the audit saw, on all of them
    snapshot  what it saw it on
    family  who is whose parent there
    unread    lines of a text that were not understood
    """

    rows: List[ProcessDump]
    total: int
    about: About
    names: Names
    problems: List[str]
    host: str
    passed: List[ProcessDump]
    findings: Tuple[Finding, ...]
    snapshot: Snapshot
    family: Family
    unread: Tuple[Unread, ...] = ()


def add_arguments(parser: cli.Parser) -> None:
    """What `walk` understands."""
    parser.add_argument("--threads", action="store_true", help="read every thread too: who impersonates whom")
    parser.add_argument("--user", metavar="TEXT", help="only tokens whose user's name or SID holds this text")
    parser.add_argument("--integrity", metavar="LEVEL", help="only this level: %s, or a number" % ", ".join(LEVELS))
    parser.add_argument("--strange", action="store_true", help="only processes of which something strange is said")
    parser.add_argument("--tree", action="store_true", help="as a tree, with what became of the token at each edge")
    parser.add_argument("--unread", action="store_true", help=cli.UNREAD)
    parser.add_argument("--json", action="store_true", help="for programs: JSON")
    parser.add_argument("--csv", action="store_true", help="for spreadsheets: comma-separated values")
    parser.add_argument(
        "--format", choices=("text", "json", "csv"), action=_Format, help="the same: text (default), json or csv"
    )


def report(machine: Machine, options: Namespace) -> List[str]:
    """The lines that `walk` prints of one machine."""
    with nothing_collected():
        return list(answer(machine, options)[0])


def answer(machine: Machine, options: Namespace) -> Tuple[Iterable[str], List[str]]:
    """The lines that `walk` prints of one machine, and what is wrong with its lists: then rows are missing.

    Lines of JSON are made as they are asked for: of fifty thousand processes they are more than all that is known of them.
    """
    if options.json and options.csv:
        raise UsageError("--json or --csv, not both", None, "one of them")
    if options.tree and options.csv:
        raise UsageError("a tree is no table: --tree with text or --json", None, "leave --csv or --tree away")
    found = read(machine, options)
    torn = list(found.problems)  # what a text held besides is told with them, but tears no list
    return _shown(found, options), torn


def _shown(found: Listed, options: Namespace) -> Iterable[str]:
    about = cli.about(found.about)
    if options.json:
        found.problems.extend(unread_problems(found.unread))
    if options.tree and options.json:
        return tree_json(_tree(found), about).split("\n")
    if options.json:
        return json_lines(found.rows, about, found.problems, options.threads, found.names, found.findings)
    if options.csv:
        return csv_lines(found.rows, found.names, found.findings)
    return lines_of(found, options, cli.source(found.about))


def lines_of(found: Listed, options: Namespace, source: str) -> List[str]:
    """What is strange, then the table or the tree; where the filters left nobody, what there is to filter by."""
    if getattr(options, "tree", False):
        unknown = sum(isinstance(row.token, Missing) for row in found.rows)
        shown = None if len(found.rows) == found.total else [row.process.address for row in found.rows]
        head = head_lines(found.findings, found.total, unknown, shown)
        lines = [*wrapped("from " + clean(source), columns()), *head, ""]
        lines += tree_lines(_tree(found), found.names, marks(found.findings))
        lines += [
            line
            for problem in found.problems
            for line in wrapped(styled("!!", "impossible") + " " + clean(problem), columns())
        ]
        return lines + unread_lines(found.unread, options.unread)
    lines = text_lines(found.rows, source, found.total, found.problems, options.threads, found.names, found.findings)
    for word, column, what in ((options.user, "user", "users"), (options.integrity, "integrity", "levels")):
        known = [row for row in found.passed if isinstance(row.token, Token) and known_value(row.token.user)]
        here = sorted({cells_of(row, found.names)[column] for row in known} - {"", "?"})
        if word and here and not found.rows:
            hint = "none has the %s %s; the %s here are: %s" % (column, clean(word), what, ", ".join(here))
            lines[-1:-1] = wrapped(hint, columns())
    return lines + unread_lines(found.unread, options.unread)


def read(machine: Machine, options: Namespace) -> Listed:
    """Ask for all processes, and keep those that the options want."""
    level = level_of(options.integrity) if options.integrity else None
    walk = machine.walk(options.threads)
    progress = Progress("processes", walk.total)
    everyone: List[ProcessDump] = []
    host = ""
    for at, row in enumerate(walk.rows):
        progress.at(at)
        host = host or host_of(row.token)
        everyone.append(row)
    snapshot = machine.snapshot(everyone)
    family = Family(snapshot)
    findings = audit(snapshot, family=family)
    strange = marks(findings)
    rows: List[ProcessDump] = []
    passed: List[ProcessDump] = []
    for row in everyone:
        wanted = is_wanted(row, options.user, level, machine.names)
        wanted = wanted and (not getattr(options, "strange", False) or row.process.address in strange)
        (rows if wanted else passed).append(row)
    problems = walk.problems
    if level is not None and not rows and any(_has_no_level(row.token) for row in passed):
        problems.append("tokens of this build have no integrity level (they came with Windows Vista): none can match")
    return Listed(
        rows,
        walk.total,
        walk.about,
        machine.names,
        problems,
        host,
        passed,
        findings,
        snapshot,
        family,
        machine.unread(),
    )


def _tree(found: Listed) -> List[Node]:
    """The tree, of those that were asked for and their ancestors."""
    shown = {row.process.address for row in found.rows}
    kept: List[Node] = []
    depth = 0  # of the nearest kept node behind: its ancestors are less deep
    for node in reversed(tree(found.snapshot, found.family)):
        if node.row.process.address in shown or node.depth < depth:
            kept.append(node)
            depth = node.depth
    return kept[::-1]


def _has_no_level(token: object) -> bool:
    return isinstance(token, Token) and isinstance(token.integrity_level_index, Absent)


def level_of(text: str) -> int:
    """The integrity level that a word or a number means.  Raises UsageError."""
    known = LEVELS.get(text.lower().replace(" ", "").replace("-", ""))
    if known is not None:
        return known
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 32:  # the RID of S-1-16-RID
        raise UsageError(
            "no integrity level is called %r" % text,
            text,
            "--integrity takes one of %s, or a number" % ", ".join(LEVELS),
        )
    return number
