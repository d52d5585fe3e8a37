"""What is concluded of one token and used for those that are alike is what each of them gives by itself."""

from kdtoken.analysis.likeness import Likeness
from kdtoken.analysis.lineage.edges import edge
from kdtoken.analysis.lineage.parents import Family
from kdtoken.frozen import replace
from kdtoken.model.absent import Absent
from kdtoken.model.luid import Luid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from tests.machine.declared import MACHINE
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
    gaps = dict(user_and_groups=Absent("x"), privileges=(), logon_session=None, package=Absent("x"))
    for name, value in {**changes, **gaps, "mandatory_policy": Absent("x")}.items():
        kept.append(replace(token, **{name: value}))
        assert alike.of(kept[-1]) != number, name
