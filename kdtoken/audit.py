"""audit: what is strange on one machine or many, grouped by rule, and why each may be innocent.

    kdtoken audit *.dmp
    kdtoken audit before.dmp after.dmp        of one machine: also what changed in between without trace
    kdtoken audit good.dmp --json > good.json; kdtoken audit other.dmp --baseline good.json
    kdtoken audit --explain shared-token
    !py -m kdtoken.audit

Marks: !! cannot happen innocently, ! unusual (the rule names innocent causes), i for information (--all).
Exit code: 0 nothing needs a look, 1 something does or a list of the kernel is torn, 2 a source could not be read (or the command line not carried out).
"""

import sys
from argparse import Namespace
from typing import Iterable, List, Optional, Sequence, Tuple, Union

from kdtoken import cli
from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import across
from kdtoken.analysis.audit.rules import audit as run_rules
from kdtoken.cli import audit_options
from kdtoken.cli.files import files_of
from kdtoken.cli.progress import Progress
from kdtoken.errors import KdTokenError
from kdtoken.frozen import replace
from kdtoken.machine.base import Machine
from kdtoken.machine.open import Request, open_request
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.view import Unread
from kdtoken.render.audit import Report, audit_json, audit_lines, explain_lines, rule_lines, watch_words


def audit(source: Union[str, Machine], symbols: str = "", extra: Iterable[str] = ()) -> Tuple[Finding, ...]:
    """What the rules see on one machine, the worst first.

    source   a machine that is open, or what `open` takes: a file, a connection
    symbols  of a crash dump
    extra    ids of rules that are run only when asked for

    Raises KdTokenError where there is nothing to judge.
    """
    if isinstance(source, Machine):
        return run_rules(source.snapshot(), extra)
    with open_request(Request((source,), symbols=symbols, lenient=True)) as machine:
        return run_rules(machine.snapshot(), extra)


def add_arguments(parser: cli.Parser) -> None:
    """What `audit` understands."""
    parser.add_argument(
        "files",
        metavar="SOURCE",
        nargs="*",
        help="crash dumps, recordings, logs, texts, or folders of them: each a machine",
    )
    parser.add_argument("--all", action="store_true", help="list what is for information too")
    parser.add_argument("--json", action="store_true", help="for programs: JSON, information too")
    audit_options.add_arguments(parser)
    parser.add_argument("--unread", action="store_true", help=cli.UNREAD)
    parser.add_argument("--watch", action="store_true", help="print the breakpoints that would catch the next write")
    parser.add_argument(
        "--explain", metavar="RULE", nargs="?", const="", help="tell all about a rule, or list the rules"
    )


def _machines(options: Namespace, unread: List[Unread]) -> List[Tuple[str, Union[Snapshot, str], Tuple[str, ...]]]:
    """(name, snapshot or why there is none, watch lines) of each source; `unread` gets what texts hold besides."""
    # A source that fails is its own answer; only what was asked wrongly ends the run.
    found: List[Tuple[str, Union[Snapshot, str], Tuple[str, ...]]] = []
    progress = Progress("sources", len(options.files), slow=0)
    for number, file in enumerate(options.files or [""]):
        if len(options.files) > 1:
            progress.at(number)
        try:
            if file:
                machine = cli.opened(cli.request(options, (file,), lenient=True))
            else:
                machine = cli.open_machine(options)
            snapshot = machine.snapshot()
            unread.extend(machine.unread())
            found.append(
                (
                    file or snapshot.label,
                    replace(snapshot, label=file or snapshot.label),
                    _watch(machine, snapshot, options),
                )
            )
            if len(options.files) > 1:
                machine.close()
        except KdTokenError as error:
            if not file or len(options.files) == 1:
                raise
            found.append((file, " ".join(line.strip() for line in str(error).split("\n")), ()))
    progress.close()
    return found


def _watch(machine: Machine, snapshot: Snapshot, options: Namespace) -> Tuple[str, ...]:
    """For each process that needs a look: lines that begin with its EPROCESS."""
    if not options.watch:
        return ()
    rows = {}
    for finding in run_rules(snapshot):
        if finding.severity is not Severity.INFORMATION and finding.processes:
            rows[finding.processes[0].process.address] = finding.processes[0]
    return tuple("%x %s" % (at, line) for at, row in rows.items() for line in watch_words(machine.watch(row)))


def reports(options: Namespace, unread: Optional[List[Unread]] = None) -> List[Report]:
    """Audit every source; `unread` gets the lines of texts that were not understood."""
    choice = audit_options.chosen(options)
    machines = _machines(options, [] if unread is None else unread)
    snapshots = [one for _, one, _ in machines if isinstance(one, Snapshot)]
    later = iter(across(snapshots))
    made: List[Report] = []
    for name, one, watch in machines:
        if not isinstance(one, Snapshot):
            made.append(Report(name, error=one))
            continue
        new, known = choice.findings(one, next(later))
        made.append(Report(name, one.build, len(one.processes), new, known, problems=one.problems, watch=watch))
    return made


def _main(arguments: List[str]) -> int:
    parser = cli.parser("audit", "Tell what is strange on one machine or many, and how it may be innocent.")
    add_arguments(parser)
    options = parser.parse_intermixed_args(arguments)
    if options.explain is not None:
        cli.write_lines(explain_lines(audit_options.rule_named(options.explain)) if options.explain else rule_lines())
        return 0
    options.files = files_of(options.files, "audit")
    unread: List[Unread] = []
    made = reports(options, unread)
    cli.write_lines(audit_json(made).split("\n") if options.json else audit_lines(made, options.all))
    cli.tell_unread(unread, options)
    for one in made:
        if one.error:
            cli.complain("%s: %s" % (one.source, one.error))
    if any(one.error for one in made):
        return 2
    return 1 if any(one.needs_a_look or one.problems for one in made) else 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


cli.make_callable(__name__, audit)

if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
