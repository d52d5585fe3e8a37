"""Findings in words and as JSON: of one process, at the head of a walk, of many machines grouped by rule."""

import re
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from kdtoken.analysis.audit.finding import Evidence, Finding, Rule, Severity, name_of
from kdtoken.analysis.audit.rules import BY_ID, RULES
from kdtoken.frozen import dataclass
from kdtoken.model.snapshot import pid_of
from kdtoken.render.dml import linked, rule_link
from kdtoken.render.marked import filled, joined
from kdtoken.render.meaning import severity as styled_severity
from kdtoken.render.words import clean, columns, command, wrapped

_WORDS = {
    Severity.IMPOSSIBLE: "cannot happen innocently",
    Severity.UNUSUAL: "unusual, with innocent causes",
    Severity.INFORMATION: "for information",
}


@dataclass(frozen=True)
class Report:
    """What the audit of one machine came to.

    source    the file, or what the session is called
    findings  all that is not in the baseline
    known     how many findings the baseline has left out
    error     why the machine could not be read at all; empty where it could
    watch     lines for a debugger that would catch the next write, for those that need a look
    """

    source: str
    build: str = ""
    processes: int = 0
    findings: Tuple[Finding, ...] = ()
    known: int = 0
    error: str = ""
    problems: Tuple[str, ...] = ()
    watch: Tuple[str, ...] = ()

    @property
    def needs_a_look(self) -> bool:
        """Whether anything but information was found."""
        return any(one.severity is not Severity.INFORMATION for one in self.findings)


_LEGEND = (
    "!! cannot happen innocently; ! is unusual; i is for information. "
    'An innocent cause with "! only" or "i only" is why something is marked no higher than that.'
)


def head_lines(
    findings: Sequence[Finding], processes: int, unknown: int = 0, shown: Optional[Iterable[int]] = None
) -> List[str]:
    """The head of a list of processes: what is strange among them, or that nothing is.

    unknown  how many of them have a token of which nothing is known
    shown    EPROCESS addresses of those that are listed, where filters left others out; what is unusual of these is counted
    """
    telling = [one for one in findings if one.severity is not Severity.INFORMATION]
    others: List[Finding] = []
    if shown is not None:
        listed = set(shown)
        others = [  # what cannot happen innocently is said whatever is listed
            one
            for one in telling
            if one.severity is not Severity.IMPOSSIBLE
            and one.processes
            and not any(row.process.address in listed for row in one.processes)
        ]
        telling = [one for one in telling if one not in others]
    if others and not telling:
        return _hanging("  ", "Nothing strange among these; %s." % _elsewhere(len(others)), "     ")
    if not telling:
        but = "; of the token%s of %d nothing is known" % ("" if unknown == 1 else "s", unknown) if unknown else ""
        return ["  Nothing strange among %d process%s%s." % (processes, "" if processes == 1 else "es", but)]
    lines: List[str] = []
    for one in telling:
        lines += _finding_lines(one, "  ", "     ")
    rules = list(dict.fromkeys(one.rule for one in telling))
    links = joined(", ", [rule_link(rule, rule) for rule in rules])
    lines += _hanging("  ", filled("(%s tells more: %s)", command("audit", "--explain RULE"), links), "     ")
    return lines + (["  (%s)" % _elsewhere(len(others))] if others else [])


def _elsewhere(count: int) -> str:
    return "%d more finding%s about processes that are not shown here" % (count, "" if count == 1 else "s")


def audit_lines(reports: Sequence[Report], everything: bool = False) -> List[str]:
    """All machines: how many need a look, then what was found, grouped by rule, then the rest."""
    read = [one for one in reports if not one.error]
    look = [one for one in read if one.needs_a_look]
    if len(reports) == 1 and read:
        lines = wrapped("%s: %s" % (_machine(read[0]), "needs a look" if look else _nothing(read[0])), columns())
    else:
        lines = [
            "%d of %d need a look." % (len(look), len(reports))
            if len(look) != 1
            else "1 of %d needs a look." % len(reports)
        ]
    information = 0
    for rule in RULES:
        group = [(one, finding) for one in read for finding in one.findings if finding.rule == rule.id]
        shown = [each for each in group if everything or each[1].severity is not Severity.INFORMATION]
        information += len(group) - len(shown)
        if shown:
            lines += [""] + _group(rule, shown, len(reports) > 1)
    lines += _rest(reports, information, look)
    if look:
        lines += ["", *wrapped(_LEGEND, columns())]
    return lines


def _group(rule: Rule, found: Sequence[Tuple[Report, Finding]], several: bool) -> List[str]:
    worst = min((finding.severity for _, finding in found), key=lambda one: one.rank)
    lines = _hanging(_mark(worst), rule_link(rule.id, rule.id) + ": " + rule.title, "   ")
    lines += _hanging("   ", rule.why, "   ")
    source = ""
    for report, finding in found:
        if several and report.source != source:
            source = report.source
            lines += _hanging("   in ", clean(source), "      ")
        lines += _finding_lines(finding, "   ", "      ")
        lines += evidence_lines(finding.evidence, "         ")
        lines += ["         " + clean(line) for line in _watch_of(report, finding)]
    for cause in rule.innocent:
        lines += _hanging("   innocent: ", cause, " " * 13)
    return lines + _hanging("   source: ", rule.source, " " * 11)


def _watch_of(report: Report, finding: Finding) -> List[str]:
    """The report's watch lines that are about this finding's process: each begins with its EPROCESS."""
    if not finding.processes:
        return []
    mark = "%x " % finding.processes[0].process.address
    return [line[len(mark) :] for line in report.watch if line.startswith(mark)]


def evidence_lines(evidence: Iterable[Evidence], indent: str) -> List[str]:
    """A line a fact: what, value, where it lies."""
    lines: List[str] = []
    for fact in evidence:
        at = " at 0x%x" % fact.address if fact.address and "%x" % fact.address not in fact.value else ""
        made = _hanging(indent, "%s: %s%s" % (clean(fact.what), clean(fact.value), at), indent + "  ")
        if fact.kind == "process":
            where = "0x%x" % fact.address
            made[-1] = linked(made[-1], where, fact.address, max(len(made[-1]) - len(where), 0))
        lines += made
    return lines


def _mark(severity: Severity) -> str:
    """The mark of a severity in its column."""
    return styled_severity(severity, severity.value).ljust(3)


def _finding_lines(finding: Finding, indent: str, hang: str) -> List[str]:
    """What it saw; where that begins with the process, it is a link to it."""
    first = indent + _mark(finding.severity)
    lines = _hanging(first, clean(finding.saw), hang)
    if finding.processes:
        row = finding.processes[0]
        lines[0] = linked(lines[0], clean(name_of(row)), row.process.address, len(first))
    return lines


def _rest(reports: Sequence[Report], information: int, look: Sequence[Report]) -> List[str]:
    lines: List[str] = [""]
    if information:
        one = information == 1
        lines.append(
            "%d finding%s for information only (--all lists %s)"
            % (information, "" if one else "s", "it" if one else "them")
        )
    known = sum(one.known for one in reports)
    if known:
        lines.append("%d known from the baseline and not told again" % known)
    quiet = [one for one in reports if not one.error and one not in look]
    if len(reports) > 1:
        for report in quiet:
            lines += wrapped("%s: %s" % (_nothing(report), _machine(report)), columns())
    for report in reports:
        if report.error:
            lines += wrapped("could not be read: %s: %s" % (clean(report.source), clean(report.error)), columns())
        for problem in _alike(report.problems):
            where = clean(report.source) + ": " if len(reports) > 1 else ""
            lines += wrapped("not whole: %s%s" % (where, clean(problem)), columns())
    return lines if len(lines) > 1 else []


# Of one kind of problem so many are told; the rest are counted.
_OF_A_KIND = 2
_NUMBER = re.compile(r"0x[0-9a-f]+|\b[0-9]+\b|Flink|Blink")


def _alike(problems: Iterable[str]) -> List[str]:
    """The problems in order; of those that differ in pids and addresses only the first, and how many more there are."""
    kinds: Dict[str, List[str]] = {}
    for problem in problems:
        kinds.setdefault(_NUMBER.sub("", problem), []).append(problem)
    kept: List[str] = []
    for alike in kinds.values():
        few = alike if len(alike) <= _OF_A_KIND else alike[:1]
        more = len(alike) - len(few)
        kept += [*few[:-1], few[-1] + ("; and %d more like it (--json lists all)" % more if more else "")]
    return kept


def _nothing(report: Report) -> str:
    """That nothing was found, and where that says little: what could not be read may be what is strange."""
    return "nothing strange in what could be read" if report.problems else "nothing strange"


def _machine(report: Report) -> str:
    build = ", Windows kernel %s" % clean(report.build) if report.build else ""
    return "%s%s, %d process%s" % (clean(report.source), build, report.processes, "" if report.processes == 1 else "es")


def explain_lines(rule: Rule) -> List[str]:
    """All about a rule."""
    lines = _hanging("", "%s (%s, %s)" % (rule.id, rule.severity.value, _WORDS[rule.severity]), "")
    for label, text in (("what", rule.title), ("why", rule.why)):
        lines += _hanging("  %-9s " % label, text, " " * 12)
    for number, cause in enumerate(rule.innocent or ("none is known",)):
        lines += _hanging("  %-9s " % ("innocent" if not number else ""), cause, " " * 12)
    lines += _hanging("  %-9s " % "source", rule.source, " " * 12)
    if rule.extra:
        lines += _hanging(
            "  %-9s " % "asked for", "only by --rule %s: not proven on a real machine yet" % rule.id, " " * 12
        )
    return lines


def rule_lines() -> List[str]:
    """A line a rule."""
    width = max(len(rule.id) for rule in RULES)
    return [
        line
        for rule in RULES
        for line in _hanging(_mark(rule.severity) + rule.id.ljust(width) + "  ", rule.title, " " * (width + 5))
    ]


def _hanging(first: str, text: str, hang: str) -> List[str]:
    lines = wrapped(text, columns() - len(first), "")
    return [first + lines[0]] + [hang + line for line in lines[1:]]


def finding_data(finding: Finding) -> Dict[str, Any]:
    """A finding for programs."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "saw": finding.saw,
        "identity": finding.identity,
        "pids": [pid_of(row) for row in finding.processes],
        "processes": [hex(row.process.address) for row in finding.processes],
        "tokens": [hex(address) for address in finding.tokens],
        "evidence": [
            {
                "what": fact.what,
                "value": fact.value,
                "address": hex(fact.address) if fact.address else None,
                "kind": fact.kind,
            }
            for fact in finding.evidence
        ],
    }


def rules_by_process(findings: Iterable[Finding]) -> Dict[int, str]:
    """EPROCESS -> "!! boot-token, ! system-under-user": the rules that saw something, information left out."""
    found: Dict[int, List[str]] = {}
    for one in findings:
        if one.processes and one.severity is not Severity.INFORMATION:
            words = "%s %s" % (one.severity.value, one.rule)
            rules = found.setdefault(one.processes[0].process.address, [])
            if words not in rules:
                rules.append(words)
    return {address: ", ".join(rules) for address, rules in found.items()}


def remarks_data(findings: Iterable[Finding], address: int) -> List[Dict[str, Any]]:
    """What is said of one process of a walk: its findings in short."""
    return [
        {"rule": one.rule, "severity": one.severity.value, "saw": one.saw}
        for one in findings
        if one.processes and one.processes[0].process.address == address
    ]


def remarks_text(findings: Iterable[Finding], address: int) -> str:
    """The same in one cell, information left out."""
    return "; ".join(
        "%s %s: %s" % (one["severity"], one["rule"], clean(str(one["saw"])))
        for one in remarks_data(findings, address)
        if one["severity"] != Severity.INFORMATION.value
    )


def audit_json(reports: Sequence[Report]) -> str:
    """All reports for programs, information too; audit.schema.json describes every key."""
    from kdtoken.render.json import SCHEMA

    used = sorted({finding.rule for one in reports for finding in one.findings})
    whole = {
        "kdtoken": SCHEMA,
        "needs_a_look": sum(one.needs_a_look for one in reports),
        "machines": [
            {
                "source": one.source,
                "build": one.build,
                "processes": one.processes,
                "needs_a_look": one.needs_a_look,
                "findings": [finding_data(finding) for finding in one.findings],
                "known": one.known,
                "error": one.error or None,
                "problems": list(one.problems),
            }
            for one in reports
        ],
        "rules": {id: rule_data(BY_ID[id]) for id in used},
    }
    import json  # text, which a live dump prints, has no need of it

    return json.dumps(whole, indent=1)


def rule_data(rule: Rule) -> Dict[str, Any]:
    """A rule for programs."""
    return {
        "title": rule.title,
        "severity": rule.severity.value,
        "why": rule.why,
        "innocent": list(rule.innocent),
        "source": rule.source,
    }


def watch_words(points: Iterable[Any], symbol: Optional[str] = None) -> List[str]:
    """WinDbg lines that would stop the machine at the next write; printed, never executed."""
    return ["ba w%d 0x%x   $$ %s" % (point.size, point.address, point.what) for point in points]
