"""The page as text: findings, lineage graph, processes as a tree, and a card for each token that the page's script shows.

Whatever a target says passes `clean` and then jinja2's autoescape, or stands in a JSON block that holds neither < nor
& ; the script only ever sets text.  The policy of the page lets nothing run but that script, named by its hash, and
nothing be loaded at all; Trusted Types forbid it to make markup out of text.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pkgutil import get_data
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from kdtoken import __version__
from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import BY_ID, of_process
from kdtoken.analysis.lineage.origin import Lineages
from kdtoken.analysis.lineage.parents import Family
from kdtoken.errors import UsageError
from kdtoken.model.absent import Missing
from kdtoken.model.process import Impersonation
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.snapshot import BootTokens, Snapshot
from kdtoken.model.token import Token
from kdtoken.model.token_words import counted
from kdtoken.render.audit import Report
from kdtoken.render.html.cards import Strings, process_card, token_card
from kdtoken.render.html.graph import Graph, Point, graph
from kdtoken.render.html.rows import Colours, Row, rows_of, token_words
from kdtoken.render.threads import impersonation_rows
from kdtoken.render.words import clean, show

_KINDS = {Severity.IMPOSSIBLE: "worst", Severity.UNUSUAL: "odd", Severity.INFORMATION: "info"}
_NOTHING = Snapshot("", (), boot=BootTokens())


@dataclass(frozen=True)
class Seen:
    """One source of the page.

    report    its findings, or why it could not be read
    snapshot  what they were seen on, None where it could not be read
    about     where it was read, in words
    tokens    tokens that the snapshot does not have: a text may tell of one without an address
    unread    lines of a text that were not understood
    """

    report: Report
    snapshot: Optional[Snapshot]
    about: str = ""
    names: Names = NO_NAMES
    tokens: Tuple[Token, ...] = ()
    unread: int = 0


def require_jinja2() -> None:
    """Raises UsageError where the package that fills the page's template is not installed."""
    if find_spec("jinja2") is None:
        raise UsageError(
            "report needs the package jinja2, which this Python does not have",
            "jinja2",
            'pip install "kdtoken[report]"; kdtoken audit and kdtoken walk --tree do without',
        )


def page(seen: Sequence[Seen], made: str = "") -> str:
    """The whole page; `made` says when, in words.  Raises UsageError where jinja2 is not installed."""
    require_jinja2()
    import jinja2

    strings, colours = Strings(), Colours()
    tokens: List[Any] = []
    processes: List[Any] = []
    machines = [_machine(one, strings, colours, tokens, processes) for one in seen]
    data = {"strings": strings.all, "tokens": tokens, "processes": processes}
    style, script = _asset("page.css"), _asset("page.js")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, loader=jinja2.FunctionLoader(_asset), trim_blocks=True
    )
    safe = environment.filters["safe"]
    reports = [one.report for one in seen]
    template = environment.get_template("page.html.j2")
    return template.render(
        policy=policy_of(style, script),
        style=safe(style),
        script=safe(script),
        data=safe(json_block(data)),
        finding=environment.get_template("finding.html.j2").module.finding,  # type: ignore[attr-defined]
        title=clean(reports[0].source) if len(reports) == 1 else "%d machines" % len(reports),
        version=__version__,
        made=made,
        machines=machines,
        look=any(one.needs_a_look for one in reports),
        unread=any(one.error or one.problems or not one.processes for one in reports),
        any_rows=any(machine["rows"] for machine in machines),
        verdict=_verdict(reports),
        tiles=_tiles(reports, machines, len(tokens)),
    )


def policy_of(style: str, script: str) -> str:
    """The Content-Security-Policy: this style, this script, and nothing else from anywhere."""
    return (
        "default-src 'none'; script-src '%s'; style-src '%s'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'" % (_hash(script), _hash(style))
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def json_block(data: Any) -> str:
    """JSON that may stand in a script element: ASCII, and nothing in it can end the element or begin another."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _asset(name: str) -> str:
    data = get_data("kdtoken.render.html", name)
    assert data is not None, name
    return data.decode("utf-8").replace("\r\n", "\n")


def _verdict(reports: Sequence[Report]) -> str:
    read = [one for one in reports if not one.error]
    look = sum(one.needs_a_look for one in read)
    if len(reports) == 1 and read:
        if not read[0].processes:
            return "It tells of no process, so there was nothing to judge."
        nothing = "Nothing strange in what could be read." if read[0].problems else "Nothing strange was found."
        return "Something needs a look." if look else nothing
    failed = len(reports) - len(read)
    words = "%d of %d machines need%s a look." % (look, len(reports), "s" if look == 1 else "")
    return words + (" %d could not be read." % failed if failed else "")


def _tiles(reports: Sequence[Report], machines: Sequence[Any], tokens: int) -> List[Tuple[int, str, str]]:
    found = [one for report in reports for one in report.findings]
    rows: List[Row] = [row for machine in machines for row in machine["rows"]]
    counted = [
        (sum(one.severity is Severity.IMPOSSIBLE for one in found), "cannot happen innocently", "worst"),
        (sum(one.severity is Severity.UNUSUAL for one in found), "unusual", "odd"),
        (len(rows), "processes", ""),
        (tokens, "tokens", ""),
        (sum(row.changed for row in rows), "with another token than their parent's", ""),
        (sum(row.impersonating for row in rows), "threads impersonating", ""),
    ]
    return counted if rows else [one for one in counted if one[0]]  # a text of tokens alone


def _machine(seen: Seen, strings: Strings, colours: Colours, tokens: List[Any], processes: List[Any]) -> Dict[str, Any]:
    """One machine for the template; its cards go into the lists of the whole page."""
    snapshot, report, names = seen.snapshot or _NOTHING, seen.report, seen.names
    family, lineages = Family(snapshot), Lineages(snapshot)
    listed: List[Tuple[Token, str]] = [(one, "") for one in (*snapshot.tokens(), *seen.tokens)]
    have = {one.address for one, _ in listed if one.address}
    for process in snapshot.processes:
        if isinstance(process.linked, Token) and process.linked.address not in have:
            have.add(process.linked.address)
            listed.append((process.linked, "linked token"))
    first = len(tokens)
    cards = {token.address: number for number, (token, _) in enumerate(listed, first) if token.address}
    for token, _ in listed:
        user, level, level_class = token_words(token, names)
        tokens.append(
            [
                strings("0x%x" % token.address if token.address else "token without an address"),
                strings("%s, %s" % (user, level)),
                token_card(strings, token, lineages.of(token), names),
                [strings(one) for one in _not_known(token)],
            ]
        )
    rows = rows_of(snapshot, family, report.findings, names, cards, colours, len(processes))
    places = {row.dump.process.address: row.id for row in rows}
    for row in rows:
        dump = row.dump
        linked = cards.get(dump.linked.address, -1) if isinstance(dump.linked, Token) else -1
        threads = [
            [
                [strings(cell) for cell in cells],
                cards.get(one.impersonation.token, -1) if isinstance(one.impersonation, Impersonation) else -1,
                strings(notes),
            ]
            for one, cells, notes in impersonation_rows(dump, names)
        ]
        plain = ", ".join(show(one.tid, str) for one in dump.threads if one.impersonation is None)
        problems = [*dump.problems, *(problem for one in dump.threads for problem in one.problems)]
        mine = of_process(report.findings, dump.process.address)
        sections = process_card(strings, dump, family.parent(dump), mine, names)
        processes.append(
            [
                strings("%s, pid %s" % (row.image, row.pid)),
                row.token,
                linked,
                sections,
                threads,
                strings(plain),
                [strings(clean(problem)) for problem in problems],
                strings(row.search),
                strings(row.reason),
                int(bool(row.mark)),
            ]
        )
    primary = {row.token for row in rows}
    findings = [_finding(one, places, cards) for one in report.findings]
    problems = [report.error, *report.problems] if report.error else list(report.problems)
    if seen.unread:
        one, many = (
            "line of the text was not understood; --unread lists it",
            "lines of the text were not understood; --unread lists them",
        )
        problems.append(counted(seen.unread, one, many))
    return {
        "source": clean(report.source),
        "about": clean(seen.about),
        "problems": [clean(one) for one in problems],
        "telling": [one for one in findings if one["kind"] != "info"],
        "more": [one for one in findings if one["kind"] == "info"],
        "graph": graph(list(_points(rows))) if len(rows) > 1 else Graph((), 0, 0),
        "rows": rows,
        "others": [
            _other(token, number, what, names, colours)
            for number, (token, what) in enumerate(listed, first)
            if number not in primary
        ],
    }


def _points(rows: Sequence[Row]) -> Iterator[Point]:
    for row in rows:
        yield Point(row.id, row.depth, row.image, row.user, row.level, row.user_class, row.change, row.what, row.mark)


def _other(token: Token, number: int, what: str, names: Names, colours: Colours) -> Dict[str, str]:
    user, level, _ = token_words(token, names)
    at = "at 0x%x" % token.address if token.address else ""
    what = what or ("impersonation token" if token.is_primary is False else "")
    return {
        "id": "t%d" % number,
        "user": user,
        "user_class": colours.of(token.user),
        "level": level,
        "what": ", ".join(one for one in (what, at) if one),
    }


def _finding(finding: Finding, places: Dict[int, str], cards: Dict[int, int]) -> Dict[str, Any]:
    rule = BY_ID[finding.rule]
    links = [
        (places[row.process.address], "pid %s" % show(row.process.pid, str))
        for row in finding.processes[:6]
        if row.process.address in places
    ]
    links += [("t%d" % cards[at], "token 0x%x" % at) for at in finding.tokens[:6] if at in cards]
    return {
        "kind": _KINDS[finding.severity],
        "mark": finding.severity.value,
        "saw": clean(finding.saw),
        "rule": finding.rule,
        "title": rule.title,
        "why": rule.why,
        "innocent": rule.innocent,
        "source": rule.source,
        "links": links,
        "evidence": [
            (
                clean(fact.what),
                clean(fact.value),
                "0x%x" % fact.address if fact.address and "%x" % fact.address not in fact.value else "",
            )
            for fact in finding.evidence
        ],
    }


def _not_known(token: Token) -> List[str]:
    """Sections that are left out of the card since nothing is known of them, not since there is nothing."""
    parts = {
        "Restricting SIDs": token.restricted_sids,
        "AppContainer": token.package,
        "Capabilities": token.capabilities,
    }
    return [title for title, value in parts.items() if isinstance(value, Missing)]


__all__ = ["Seen", "json_block", "page", "policy_of", "require_jinja2"]
