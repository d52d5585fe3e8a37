"""All rules, in the order in which findings of one severity are told, and the run over a machine."""

from __future__ import annotations

from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from kdtoken.analysis.audit import ids, integrity, parents, privileges, sharing, users
from kdtoken.analysis.audit.finding import Finding, Rule, Severity
from kdtoken.analysis.audit.scene import Scene
from kdtoken.analysis.differences.verdict import one_token
from kdtoken.analysis.lineage.parents import Family
from kdtoken.frozen import replace
from kdtoken.model.process import ProcessDump
from kdtoken.model.snapshot import Look, Snapshot

RULES: Tuple[Rule, ...] = sharing.RULES + integrity.RULES + ids.RULES + users.RULES + parents.RULES + privileges.RULES
BY_ID: Dict[str, Rule] = {rule.id: rule for rule in RULES}


def audit(
    snapshot: Snapshot,
    extra: Iterable[str] = (),
    only: Optional[Sequence[str]] = None,
    family: Optional[Family] = None,
) -> Tuple[Finding, ...]:
    """What the rules see on a machine: the worst first, then in the order of the rules and of the processes.

    extra   ids of rules that are left out otherwise
    only    ids of the rules to run; None for all
    family  of this snapshot, where it is asked for more than the rules
    """
    scene = Scene(snapshot, family)
    wanted = set(extra)
    order = {rule.id: number for number, rule in enumerate(RULES)}
    found: List[Finding] = []
    for rule in RULES:
        if rule.extra and rule.id not in wanted or only is not None and rule.id not in only:
            continue
        found += rule.check(scene)
    return tuple(sorted(found, key=lambda one: (one.severity.rank, order[one.rule])))


def across(snapshots: Sequence[Snapshot]) -> List[Tuple[Finding, ...]]:
    """For each snapshot, what shows only beside an earlier one of the same machine: tokens changed without trace.

    A token is the same where address, TokenId and logon session are; see `traceless-change` for what else that may be.
    """
    earlier: Dict[int, List[Look]] = {}
    by_snapshot: List[Tuple[Finding, ...]] = []
    for snapshot in snapshots:
        looks: Dict[int, Tuple[Look, ...]] = {}
        for token in snapshot.tokens():
            here = snapshot.captures.get(token.address) or (Look(token, snapshot.label, printed=snapshot.printed),)
            before = [look for look in earlier.get(token.address, []) if one_token(look.token, token)]
            if before:
                looks[token.address] = (before[-1], here[0])
            earlier.setdefault(token.address, []).append(here[-1])
        by_snapshot.append(audit(replace(snapshot, captures=looks), only=("traceless-change",)) if looks else ())
    return by_snapshot


def of_process(findings: Iterable[Finding], address: int) -> Tuple[Finding, ...]:
    """Those that are about the process whose EPROCESS is at `address`: it is what should be looked at."""
    return tuple(one for one in findings if one.processes and one.processes[0].process.address == address)


def audit_process(dump: ProcessDump, others: Iterable[ProcessDump] = ()) -> Tuple[Finding, ...]:
    """What the rules see of one process by what a dump of it has read, beside what is known of the others."""
    return of_process(audit(Snapshot("", (dump, *others), whole=False)), dump.process.address)


def marks(findings: Iterable[Finding]) -> Dict[int, Severity]:
    """EPROCESS -> the worst that is said of it, information left out."""
    worst: Dict[int, Severity] = {}
    for one in findings:
        if one.severity is Severity.INFORMATION or not one.processes:
            continue
        address = one.processes[0].process.address
        if address not in worst or one.severity.rank < worst[address].rank:
            worst[address] = one.severity
    return worst


def worst_of(findings: Iterable[Finding]) -> Optional[Severity]:
    """The worst severity, None where nothing was found."""
    return min((one.severity for one in findings), key=lambda one: one.rank, default=None)
