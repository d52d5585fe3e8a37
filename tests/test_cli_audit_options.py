"""What `audit` and `report` tell of their findings: chosen rules, rules that are asked for, a known-good baseline."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import RULES
from kdtoken.cli import audit_options, parser
from kdtoken.cli.audit_options import ALL, Chosen, chosen, rule_named
from kdtoken.errors import UsageError
from kdtoken.model.snapshot import Snapshot

EMPTY = Snapshot("x", (), whole=False)
EXTRA = [rule.id for rule in RULES if rule.extra]


def finding(rule: str, identity: str) -> Finding:
    return Finding(rule, Severity.UNUSUAL, "saw it", (), (), (), identity)


def options(*words: str) -> Any:
    made = parser("audit", "")
    audit_options.add_arguments(made)
    return made.parse_args(list(words))


def test_only_the_wanted_rules_and_nothing_that_is_known() -> None:
    between = [finding("shared-token", "one"), finding("boot-token", "two"), finding("shared-token", "three")]
    assert ALL.findings(EMPTY, between) == (tuple(between), 0)
    assert Chosen(["shared-token"], frozenset()).findings(EMPTY, between) == ((between[0], between[2]), 0)
    assert Chosen(None, frozenset(["boot-token: two", "other"])).findings(EMPTY, between) == (
        (between[0], between[2]),
        1,
    )
    assert Chosen(["boot-token"], frozenset(["boot-token: two"])).findings(EMPTY, between) == ((), 1)


def test_a_rule_that_is_not_proven_runs_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: List[Any] = []

    def rules(snapshot: Snapshot, extra: List[str], only: object) -> Tuple[Finding, ...]:
        asked.append((extra, only))
        return ()

    monkeypatch.setattr(audit_options, "run_rules", rules)
    assert EXTRA  # there is one
    for wanted in (None, ["shared-token"], EXTRA, [*EXTRA, "shared-token"]):
        Chosen(wanted, frozenset()).findings(EMPTY, ())
    assert asked == [
        ([], None),
        ([], ["shared-token"]),
        (EXTRA, EXTRA),
        (EXTRA, [*EXTRA, "shared-token"]),
    ]


def test_rules_by_name_and_near_names() -> None:
    assert rule_named("boot-token").id == "boot-token"
    with pytest.raises(UsageError) as caught:
        rule_named("boot-tokem")
    assert caught.value.message == "no rule is called 'boot-tokem'"
    assert (
        caught.value.next_step.startswith("near: boot-token") and "audit --explain lists them" in caught.value.next_step
    )
    with pytest.raises(UsageError) as caught:
        rule_named("0000")
    assert caught.value.next_step == "kdtoken audit --explain lists them"
    assert chosen(options()) == ALL
    assert chosen(options("--rule", "boot-token", "--rule", "shared-token")).wanted == ["boot-token", "shared-token"]


def test_a_baseline_is_the_identities_of_all_its_machines(tmp_path: Path) -> None:
    path = tmp_path / "good.json"
    machines = [
        {"findings": [{"identity": "a"}, {"identity": "b"}]},
        {"findings": []},
        {"findings": [{"identity": "c"}]},
    ]
    path.write_text(json.dumps({"machines": machines}), encoding="utf-8")
    assert chosen(options("--baseline", str(path))) == Chosen(None, frozenset("abc"))
    for text in ("[]", "{}", '{"machines": [{}]}', '{"machines": 5}', '{"machines": [{"findings": [{}]}]}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            chosen(options("--baseline", str(path)))
        assert caught.value.message == "%s is no output of audit --json" % path
        assert caught.value.next_step == "kdtoken audit GOOD.dmp --json > good.json makes one"
    for text in ("{", "\xff"):
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(UsageError) as caught:
            chosen(options("--baseline", str(path)))
        assert caught.value.next_step == "kdtoken audit GOOD.dmp --json > good.json makes one"


def test_findings_keep_what_they_saw() -> None:
    one = finding("boot-token", "x")
    assert Chosen(None, frozenset()).findings(EMPTY, [replace(one, saw="other")])[0][0].saw == "other"
