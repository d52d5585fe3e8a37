"""Findings in the words of `audit` and in the cells of `walk`."""

from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.audit.finding import Evidence, Finding, Severity
from kdtoken.analysis.audit.rules import RULES
from kdtoken.model.absent import NotSaid
from kdtoken.model.process import Process, ProcessDump
from kdtoken.render.audit import (
    Report,
    _alike,
    audit_lines,
    explain_lines,
    finding_data,
    head_lines,
    remarks_data,
    remarks_text,
    rule_lines,
    rules_by_process,
)

NOTHING = NotSaid("here")


def process(address: int, pid: int) -> ProcessDump:
    return ProcessDump(Process(address, pid, "a.exe", NOTHING, NOTHING), NOTHING, NOTHING)


ONE, TWO = process(0x1000, 4), process(0x2000, 8)


def finding(rule: str, severity: Severity, *rows: ProcessDump, saw: str = "saw it") -> Finding:
    return Finding(
        rule, severity, saw, (Evidence("what", "value", 0x10, "kind"), Evidence("that", "5")), rows, (0xABC,), "key"
    )


FINDINGS: Tuple[Finding, ...] = (
    finding("r0", Severity.UNUSUAL),  # of no process: of the machine
    finding("r1", Severity.IMPOSSIBLE, ONE, TWO, saw="a\x1bb"),
    finding("r2", Severity.INFORMATION, ONE),
    finding("r3", Severity.UNUSUAL, TWO),
    finding("r1", Severity.IMPOSSIBLE, ONE),
)


def test_what_is_said_of_one_process_is_what_it_comes_first_in() -> None:
    assert remarks_data(FINDINGS, 0x1000) == [
        {"rule": "r1", "severity": "!!", "saw": "a\x1bb"},
        {"rule": "r2", "severity": Severity.INFORMATION.value, "saw": "saw it"},
        {"rule": "r1", "severity": "!!", "saw": "saw it"},
    ]
    assert [one["rule"] for one in remarks_data(FINDINGS, 0x2000)] == ["r3"] and remarks_data(FINDINGS, 0x3000) == []
    assert remarks_text(FINDINGS, 0x1000) == "!! r1: a\\u001bb; !! r1: saw it"
    assert remarks_text(FINDINGS, 0x2000) == "! r3: saw it" and remarks_text(FINDINGS[:1], 0x1000) == ""


def test_rules_that_saw_something_in_a_process_each_once() -> None:
    assert rules_by_process(FINDINGS) == {0x1000: "!! r1", 0x2000: "! r3"}
    more = (*FINDINGS, finding("r4", Severity.UNUSUAL, ONE))
    assert rules_by_process(more)[0x1000] == "!! r1, ! r4"


def test_a_finding_for_programs() -> None:
    assert finding_data(FINDINGS[1]) == {
        "rule": "r1",
        "severity": "!!",
        "saw": "a\x1bb",
        "identity": "r1: key",
        "pids": [4, 8],
        "processes": ["0x1000", "0x2000"],
        "tokens": ["0xabc"],
        "evidence": [
            {"what": "what", "value": "value", "address": "0x10", "kind": "kind"},
            {"what": "that", "value": "5", "address": None, "kind": Evidence("that", "5").kind},
        ],
    }


def test_a_rule_is_told_whole() -> None:
    assert len([line for line in rule_lines() if not line.startswith(" " * 9)]) == len(RULES)
    for rule in RULES:
        lines = explain_lines(rule)
        text = " ".join(" ".join(lines).split())
        assert lines[0].startswith("%s (%s, " % (rule.id, rule.severity.value))
        assert ("only by --rule %s" % rule.id in text) is rule.extra
        assert sum(line.startswith("  innocent ") for line in lines) == 1
        assert ("none is known" in text) is (not rule.innocent)


@pytest.mark.parametrize(
    "looks, errors, quiet, first",
    [
        (0, 0, 1, "a.dmp, 1 process: nothing strange"),
        (1, 0, 0, "a.dmp, 1 process: needs a look"),
        (0, 1, 0, "0 of 1 need a look."),
        (1, 0, 1, "1 of 2 needs a look."),
        (2, 0, 0, "2 of 2 need a look."),
        (1, 1, 0, "1 of 2 needs a look."),
        (0, 0, 2, "0 of 2 need a look."),
    ],
)
def test_the_first_line_counts_who_needs_a_look(looks: int, errors: int, quiet: int, first: str) -> None:
    strange = Report("a.dmp", processes=1, findings=(finding("boot-token", Severity.IMPOSSIBLE, process(0x1000, 8)),))
    reports = [strange] * looks + [Report("b.dmp", error="gone")] * errors + [Report("a.dmp", processes=1)] * quiet
    assert audit_lines(reports)[0].startswith(first)


def test_what_was_not_whole_is_said_of_its_source_where_there_are_several() -> None:
    torn = Report("a.dmp", processes=2, problems=("the list is torn\x1b",))
    assert audit_lines([torn])[-1] == "not whole: the list is torn\\u001b"
    lines = audit_lines([torn, Report("b.dmp", processes=1), Report("c.dmp", error="gone")])
    assert lines[-4:] == [
        "nothing strange in what could be read: a.dmp, 2 processes",
        "nothing strange: b.dmp, 1 process",
        "not whole: a.dmp: the list is torn\\u001b",
        "could not be read: c.dmp: gone",
    ]


@pytest.mark.parametrize(
    "problems, told",
    [
        ((), []),
        (("pid 8: torn",), ["pid 8: torn"]),
        (("pid 8: torn", "pid 12: torn"), ["pid 8: torn", "pid 12: torn"]),
        # Of three that differ in numbers only the first is told.
        (
            ("pid 8: torn", "x", "pid 12: torn", "pid 16: torn"),
            ["pid 8: torn; and 2 more like it (--json lists all)", "x"],
        ),
        (("at 0x10: torn", "at 0x20: torn", "at 0x30: torn"), ["at 0x10: torn; and 2 more like it (--json lists all)"]),
        (("a: Flink", "a: Blink", "b: Flink"), ["a: Flink", "a: Blink", "b: Flink"]),
    ],
)
def test_problems_of_a_kind_are_counted(problems: Tuple[str, ...], told: List[str]) -> None:
    assert _alike(problems) == told


@pytest.mark.parametrize(
    "count, known, told",
    [
        (0, 0, []),
        (1, 0, ["1 finding for information only (--all lists it)"]),
        (2, 0, ["2 findings for information only (--all lists them)"]),
        (0, 3, ["3 known from the baseline and not told again"]),
    ],
)
def test_what_is_not_told_is_counted(count: int, known: int, told: List[str]) -> None:
    found = tuple(finding("boot-token", Severity.INFORMATION, process(0x1000, 8)) for _ in range(count))
    lines = audit_lines([Report("a.dmp", processes=1, findings=found, known=known)])
    assert lines[1:] == ([""] + told if told else [])
    assert ("saw it" in " ".join(audit_lines([Report("a", processes=1, findings=found)], True))) is bool(count)


def test_the_head_of_a_list_tells_what_is_strange_among_those_that_are_listed() -> None:
    one, other = process(0x1000, 8), process(0x2000, 12)
    worst, odd, quiet = (
        finding("boot-token", Severity.IMPOSSIBLE, one, saw="worst"),
        finding("shared-token", Severity.UNUSUAL, other, saw="odd"),
        finding("token-source", Severity.INFORMATION, one, saw="quiet"),
    )

    def head(*found: Finding, **more: Any) -> List[str]:
        return [str(line) for line in head_lines(found, 5, **more)]

    assert head() == head(quiet) == ["  Nothing strange among 5 processes."]
    assert head_lines((), 1) == ["  Nothing strange among 1 process."]
    assert head(unknown=1) == ["  Nothing strange among 5 processes; of the token of 1 nothing is known."]
    assert head(unknown=2) == ["  Nothing strange among 5 processes; of the tokens of 2 nothing is known."]
    assert [line.split()[:2] for line in head(worst, odd, quiet)[:2]] == [["!!", "worst"], ["!", "odd"]]
    assert head(worst, odd)[-1].endswith("audit --explain RULE tells more: boot-token, shared-token)")
    # Of those that a filter left out the unusual ones are counted; the worst is said whatever is listed.
    assert head(odd, shown=[0x2000])[0].split() == ["!", "odd"]
    (line,) = head(odd, shown=[0x1000])
    assert line == "  Nothing strange among these; 1 more finding about processes that are not shown here."
    mixed = head(worst, odd, shown=[0x3000])
    assert mixed[0].split() == ["!!", "worst"] and "odd" not in " ".join(mixed)
    assert mixed[-1] == "  (1 more finding about processes that are not shown here)"
    assert "(2 more findings about processes" in " ".join(head(worst, odd, odd, shown=[0x3000]))
