"""report: one HTML file to hand on: findings, lineage graph, the tree of processes, a card for each token, comparison.

    kdtoken report MEMORY.DMP -o report.html
    kdtoken report *.dmp -o report.html
    !py -m kdtoken.report -o C:\\report.html       in WinDbg, where jinja2 is installed into its Python

The file needs no network and no program but a browser.  It needs the package jinja2: pip install "kdtoken[report]".
Exit code: 0 nothing needs a look, 1 something does, 2 a source could not be read (or the command line not carried out).
"""

import sys
import time
from argparse import Namespace
from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.audit.finding import Severity
from kdtoken.analysis.audit.rules import across
from kdtoken.cli import audit_options
from kdtoken.cli.files import files_of
from kdtoken.cli.outfile import REPORT, One, check_output
from kdtoken.cli.output import nothing_collected
from kdtoken.cli.progress import Progress
from kdtoken.errors import KdTokenError, NothingPrinted, UsageError
from kdtoken.files import write_whole
from kdtoken.machine.base import Machine
from kdtoken.model.process import ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.model.token_words import counted
from kdtoken.render.audit import Report
from kdtoken.render.html.page import Seen, page, require_jinja2

_MOST = 10_000  # tokens of a text without processes


def read(machine: Machine, name: str = "") -> Seen:
    """Everything of a machine: each process with its linked token and its threads; findings are added by `judged`.

    name  what the page calls it; the source's own name where there is none
    Raises KdTokenError where there is nothing to show.
    """
    rows: List[ProcessDump] = []
    if machine.has_memory:
        processes = machine.processes()
        progress = Progress("processes", len(processes))
        for at, process in enumerate(processes):
            progress.at(at)
            rows.append(machine.dump(process, False))
    try:
        snapshot = machine.snapshot(rows if machine.has_memory else None)
    except NothingPrinted:  # a text of whoami, say: no process, and tokens without addresses
        snapshot = Snapshot(name or machine.about.source, (), whole=False)
    problems = list(dict.fromkeys((*snapshot.problems, *machine.problems)))
    has_content = snapshot.processes or next(snapshot.tokens(), None) is not None
    tokens = () if has_content or machine.has_memory else _tokens_of_text(machine)
    name = name or snapshot.label
    made = Report(name, snapshot.build, len(snapshot.processes), problems=tuple(problems))
    label = replace(snapshot, label=name)
    return Seen(made, label, cli.source(machine.about), machine.names, tokens, len(machine.unread()))


def _tokens_of_text(machine: Machine) -> Tuple[Token, ...]:
    """Tokens that a text tells of without their address, as whoami does.  Raises KdTokenError where it has none."""
    try:
        return (machine.view("").token,)
    except UsageError:
        found: List[Token] = []
        for number in range(1, _MOST):
            try:
                found.append(machine.view("#%d" % number).token)
            except KdTokenError:
                break
        if not found:
            raise
        return tuple(found)


def judged(seen: Sequence[Seen], choice: audit_options.Chosen = audit_options.ALL) -> List[Seen]:
    """The same with what the rules see, on each and between two of one machine; as `audit` tells it."""
    snapshots = [one.snapshot for one in seen if isinstance(one.snapshot, Snapshot)]
    between = iter(across(snapshots))
    kept: List[Seen] = []
    for one in seen:
        if one.snapshot is None:
            kept.append(one)
            continue
        new, known = choice.findings(one.snapshot, next(between))
        kept.append(replace(one, report=replace(one.report, findings=new, known=known)))
    return kept


def _all(options: Namespace) -> List[Seen]:
    """Each source; one of several that fails is its own answer."""
    found: List[Seen] = []
    for file in options.files or [""]:
        try:
            machine = cli.opened(cli.request(options, (file,), lenient=True)) if file else cli.open_machine(options)
            found.append(read(machine, file))
            if len(options.files) > 1:
                machine.close()
        except KdTokenError as error:
            if len(options.files) < 2:
                raise
            why = " ".join(line.strip() for line in str(error).replace("\n  next: ", "; next: ").split("\n"))
            found.append(Seen(Report(file, error=why), None))
    return found


def _main(arguments: List[str]) -> int:
    parser = cli.parser(
        "report", "Write one HTML file: findings, processes, tokens, their lineage; it needs no network."
    )
    parser.add_argument(
        "files",
        metavar="SOURCE",
        nargs="*",
        help="crash dumps, recordings, logs, texts, or folders of them: each a machine",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", action=One, required=True, help="the file to write: report.html"
    )
    audit_options.add_arguments(parser)
    options = parser.parse_intermixed_args(arguments)
    require_jinja2()
    options.files = files_of(options.files, "report")
    check_output(options.output, REPORT, [*options.files, options.session, options.dump, *(options.log or ())])
    choice = audit_options.chosen(options)
    with nothing_collected():
        seen = judged(_all(options), choice)
        text = page(seen, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
    write_whole(options.output, [text.encode("utf-8")], "report")
    cli.write_lines(_summary(options.output, seen))
    reports = [one.report for one in seen]
    for one in reports:
        if one.error:
            cli.complain("%s: %s" % (one.source, one.error))
    if any(one.error for one in reports):
        return 2
    return 1 if any(one.needs_a_look or one.problems for one in reports) else 0


def _summary(path: str, seen: Sequence[Seen]) -> List[str]:
    found = [finding for one in seen for finding in one.report.findings]
    worst, odd = (sum(one.severity is kind for one in found) for kind in (Severity.IMPOSSIBLE, Severity.UNUSUAL))
    processes = sum(one.report.processes for one in seen)
    tokens = sum(len(one.tokens) for one in seen)
    if tokens and not processes:
        words = "%s: %d token%s of a text, which tells of no process: nothing was judged"
        return [words % (path, tokens, "" if tokens == 1 else "s")]
    sources = "%d source%s" % (len(seen), "" if len(seen) == 1 else "s")
    return [
        "%s: %s of %s" % (path, counted(processes, "process", "processes"), sources),
        "findings: %d that cannot happen innocently (!!), %d unusual (!)" % (worst, odd),
    ]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
