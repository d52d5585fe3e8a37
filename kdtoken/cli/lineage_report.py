"""What `lineage` prints of one process; the tour shows the same."""

from argparse import Namespace
from typing import List

from kdtoken import cli
from kdtoken.analysis.audit.finding import Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.lineage.chain import chain
from kdtoken.analysis.lineage.origin import Lineages
from kdtoken.analysis.lineage.tree import path
from kdtoken.machine.base import Machine
from kdtoken.model.luid import Luid
from kdtoken.model.token import Token
from kdtoken.render.audit import head_lines
from kdtoken.render.lineage import lineage_json, lineage_lines


def add_arguments(parser: cli.Parser) -> None:
    """What `lineage` understands."""
    parser.add_argument("words", metavar="[SOURCE] PROCESS", nargs="+", help="a process, after the file that shows it")
    parser.add_argument("--unread", action="store_true", help=cli.UNREAD)
    parser.add_argument("--json", action="store_true", help="for programs: JSON")


def report(machine: Machine, options: Namespace) -> List[str]:
    """The lines that `lineage` prints of one process."""
    found = machine.find(options.words[-1])
    snapshot = machine.snapshot()
    row = next((one for one in snapshot.processes if one.process.address == found.address), None)
    if row is None:
        row = found.dump(False)
    token = row.token
    lineage = Lineages(snapshot).of(token) if isinstance(token, Token) else None
    session = token.authentication_id if isinstance(token, Token) else None
    links = chain(snapshot, session) if isinstance(session, Luid) else ()
    nodes = path(snapshot, row)
    if options.json:
        return lineage_json(row, nodes, lineage, links, cli.about(machine.about)).split("\n")
    findings = [one for one in audit(snapshot) if one.processes and one.processes[0] is row]
    telling = any(one.severity is not Severity.INFORMATION for one in findings)
    strange = head_lines(findings, len(snapshot.processes)) if telling else []
    return lineage_lines(row, nodes, lineage, links, cli.source(machine.about), machine.names, strange)
