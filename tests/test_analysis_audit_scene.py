"""What is worked out once for all rules: in the time of a sort, and the same as the plain way gives."""

from dataclasses import replace
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.audit.scene import Scene, _disagreements
from kdtoken.analysis.lineage import parents
from kdtoken.analysis.lineage.edges import Edge, edge
from kdtoken.analysis.lineage.parents import Family
from kdtoken.analysis.lineage.tree import tree
from kdtoken.model.luid import Luid
from kdtoken.model.snapshot import created
from kdtoken.model.token import Token
from tests.machine.declared import MACHINE, grown
from tests.snapshots import snapshot_of_machine

NUMBERS = st.integers(0, 6)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12))
def test_disagreements(points: List[Tuple[int, int]]) -> None:
    """Counted by comparing each with each: earlier and not lower, or lower and not earlier."""
    points.sort(key=lambda point: point[0])
    plain = [sum((time < born) != (luid < mine) for time, luid in points) for born, mine in points]
    assert _disagreements(points) == plain


def test_out_of_time_of_every_process() -> None:
    """Those that have ended are compared with the running ones too."""
    scene = Scene(snapshot_of_machine(grown(MACHINE, 60, 40)))
    asked = 0
    for row in scene.rows:
        mine = row.token
        if not isinstance(mine, Token) or not isinstance(mine.token_id, Luid) or not created(row):
            continue
        plain = 0
        for other, token in scene.primary():
            if token.address != mine.address and isinstance(token.token_id, Luid) and created(other):
                older, lower = created(other) < created(row), token.token_id.value < mine.token_id.value
                plain += older != lower
        assert scene.out_of_time(row) == plain
        asked += plain > 0
    assert asked > 5
    assert any(row not in scene.running for row in scene.rows)


def test_two_tokens_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all rules and the tree together, and however many processes have the two."""
    compared: List[Tuple[int, int]] = []

    def counted(parent: object, child: object) -> Edge:
        compared.append((id(parent), id(child)))
        return edge(parent, child)

    monkeypatch.setattr(parents, "edge", counted)
    snapshot = snapshot_of_machine(grown(MACHINE, 120, 60))
    family = Family(snapshot)
    findings = audit(snapshot, family=family)
    nodes = tree(snapshot, family)
    assert len(compared) == len(set(compared)) <= len(list(snapshot.tokens())) + 5
    assert findings == audit(snapshot)
    assert nodes == tree(snapshot)


def _flagged(*flags: int) -> List[str]:
    """What the rule label-and-flags says where the first tokens have these TokenFlags, and all others none."""
    tokens = {
        key: replace(one, flags=flags[number] if number < len(flags) else 0)
        for number, (key, one) in enumerate(MACHINE.tokens.items())
    }
    found = audit(snapshot_of_machine(replace(MACHINE, tokens=tokens)))
    return [one.saw for one in found if one.rule == "label-and-flags"]


def test_where_no_token_has_not_low_none_lacks_it() -> None:
    """A Windows 7 was seen that does not set 0x2000 at all; where one token has it, each above Low that has it not is told."""
    assert _flagged() == []
    assert len(_flagged(0x2000)) > 5
