"""What is concluded of one token and used for those that are alike is what each of them gives by itself."""

import pytest

from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.likeness import Likeness
from kdtoken.analysis.lineage.edges import edge
from kdtoken.analysis.lineage.parents import Family
from kdtoken.analysis.lineage.tree import tree
from kdtoken.frozen import replace
from kdtoken.model.absent import Absent, NotAsked
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from tests.examples import some
from tests.machine.declared import MACHINE
from tests.machine.guilty import GUILTY
from tests.machine.innocent import INNOCENT
from tests.machine.strange import Case
from tests.snapshots import snapshot_of_machine


def snapshot() -> Snapshot:
    return snapshot_of_machine(MACHINE)


def test_an_edge_that_is_known_is_the_edge() -> None:
    seen = snapshot()
    family = Family(seen)
    changes = set()
    for _ in range(2):  # the second time from what is known
        for parent in seen.processes:
            for child in seen.processes:
                found = family.edge(parent, child)
                assert found == edge(parent.token, child.token), (parent.process, child.process)
                changes.add(found.change)
    assert len(changes) > 5


def test_a_token_that_was_adjusted_is_told_from_its_like() -> None:
    """Two children alike in all but ModifiedId: the one says so, the other does not."""
    parent, child = [row for row in snapshot().processes if isinstance(row.token, Token)][:2]
    assert isinstance(parent.token, Token)
    same = replace(parent.token, address=parent.token.address + 0x1000)
    adjusted = replace(same, address=same.address + 0x1000, modified_id=Luid(0x7FFF, 1))
    family = Family(Snapshot("", (parent, replace(child, token=same))))
    first, second = (family.edge(parent, replace(child, token=token)) for token in (same, adjusted))
    assert first == edge(parent.token, same) and second == edge(parent.token, adjusted) and first != second


def test_what_tells_two_tokens_apart() -> None:
    token = next(row.token for row in snapshot().processes if isinstance(row.token, Token))
    alike = Likeness()
    number = alike.of(token)
    kept = [replace(token, address=1, token_id=Luid(1, 0), modified_id=Luid(2, 0))]
    assert alike.of(kept[0]) == number == alike.of(token)
    changes = dict(flags=7, integrity_level_index=1, restricted_sid_count=3, authentication_id=Luid(9, 9))
    more = dict(default_owner_index=5, token_type=2, in_use=7, source_name="x", originating_logon_session=Luid(9, 9))
    gaps = dict(
        user_and_groups=Absent("x"),
        restricted_sids=Absent("x"),
        capabilities=Absent("x"),
        privileges=(),
        logon_session=None,
        package=Absent("x"),
    )
    others = dict(mandatory_policy=Absent("x"), integrity_level_sid_value=Sid(16, (0,)))
    for name, value in {**changes, **more, **gaps, **others}.items():
        kept.append(replace(token, **{name: value}))
        assert alike.of(kept[-1]) != number, name
    assert alike.tokens[number] is token
    # Pointers that were not followed tell nothing, wherever they lead.
    first, second = (replace(token, package=NotAsked(at)) for at in (0x1000, 0x2000))
    assert alike.of(first) == alike.of(second) != number


@pytest.mark.parametrize("case", some([*GUILTY, *INNOCENT], 3), ids=lambda case: case.name)
def test_what_is_found_is_found_of_each_by_itself(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules ask once of all that are alike; with no two alike they are asked of every token, and say the same."""
    seen = snapshot_of_machine(case.machine)
    found, nodes = audit(seen, ["sid-hash-bits"]), tree(seen)
    tokens = list(seen.tokens())

    def alone(likeness: Likeness, token: Token) -> int:
        likeness.tokens = tokens
        return [one is token for one in tokens].index(True)

    monkeypatch.setattr(Likeness, "of", alone)
    assert audit(seen, ["sid-hash-bits"]) == found
    assert tree(seen) == nodes
