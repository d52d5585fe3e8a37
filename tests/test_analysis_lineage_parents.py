"""Who is whose parent: by id, by who was there when the child was born, and how sure that is."""

from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.lineage.parents import Family, How
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.snapshot import Snapshot

GONE = Unreadable(0x10, "paged out")
Told = Tuple[int, int]  # birth and end, 0 where there is none or it is not told


def row(pid: Any, parent: Any, born: int, died: int = 0, name: str = "a.exe") -> ProcessDump:
    return ProcessDump(Process(0x100, pid, name, FastRef(1, 0), parent), ProcessDetails(born, died, 0, 1, 0), GONE)


def snapshot(*rows: ProcessDump, whole: bool = True) -> Snapshot:
    return Snapshot("memory", rows, whole=whole)


@pytest.mark.parametrize(
    "others, how, which",
    [
        # Of a child born at 20 whose parent's id is 8: who has that id, and which of them it is.
        ([(19, 0)], How.ALIVE, 0),
        ([(20, 0)], How.ALIVE, 0),  # in the very tick of its birth
        ([(21, 0)], How.REUSED, -1),  # a parent is no younger
        ([(10, 20)], How.ENDED, 0),  # it ended in that tick
        ([(10, 21)], How.ENDED, 0),
        ([(10, 19)], How.GONE, -1),  # it had ended before
        ([(0, 0)], How.UNSURE, 0),  # whose birth nobody tells
        ([(5, 10), (12, 0)], How.ALIVE, 1),  # of two the one that was there
        ([(12, 0), (5, 10)], How.ALIVE, 0),
        ([(5, 25), (12, 30)], How.ENDED, 1),  # both were, so the later one had it then
        ([(5, 10), (21, 0)], How.REUSED, -1),
        ([(5, 10), (0, 0)], How.UNSURE, 1),
        ([(20, 0), (20, 0)], How.ALIVE, 0),
        ([], How.GONE, -1),
    ],
)
def test_who_had_the_parent_s_id_when_the_child_was_born(others: List[Told], how: How, which: int) -> None:
    above = [row(8, 4, *told) for told in others]
    child = row(12, 8, 20)
    for order in ([*above, child], [child, *above]):
        found = Family(snapshot(*order)).parent(child)
        assert (found.how, found.pid) == (how, 8)
        assert found.row is (above[which] if which >= 0 else None)
        assert found.certain is (how in (How.ALIVE, How.ENDED))
        later = next((one for one, told in zip(above, others) if told[0] > 20), None)
        assert found.taken_by is (later if how is How.REUSED else None)
        # A process that is not of the snapshot is told the same.
        assert Family(snapshot(*above)).parent(child)[:2] == (how, 8)


def test_a_child_whose_own_birth_is_not_told_has_a_parent_that_may_be() -> None:
    child = row(12, 8, 0)
    for born, died in ((0, 0), (5, 0), (5, 10)):
        above = row(8, 4, born, died)
        assert Family(snapshot(above, child)).parent(child)[:3] == (How.UNSURE, 8, above)


def test_of_a_list_that_is_not_whole_nobody_is_known_to_be_gone() -> None:
    child = row(12, 8, 20)
    assert Family(snapshot(child)).parent(child).how is How.GONE
    assert Family(snapshot(child, whole=False)).parent(child).how is How.UNKNOWN


def test_the_kernel_s_own_and_what_is_not_told() -> None:
    for parent, how, pid in ((0, How.NOBODY, 0), (GONE, How.UNKNOWN, None)):
        child = row(12, parent, 20)
        assert Family(snapshot(row(0, 0, 1), child)).parent(child)[:3] == (how, pid, None)


def test_system_is_the_parent_whenever_it_seems_to_be_born() -> None:
    """Its creation time is taken before the clock is set."""
    for born in (0, 10, 30):
        system, child = row(4, 0, born, name="System"), row(12, 4, 20)
        assert Family(snapshot(system, child)).parent(child)[:3] == (How.ALIVE, 4, system)


def test_nobody_is_its_own_parent_and_children_are_those_of_whom_it_is_one() -> None:
    alone = row(8, 8, 20)
    assert Family(snapshot(alone)).parent(alone)[:3] == (How.GONE, 8, None)
    above, one, two, other = row(8, 4, 5), row(12, 8, 20), row(16, 8, 21), row(20, 12, 22)
    family = Family(snapshot(above, one, two, other))
    assert family.children(above) == (one, two) and family.children(one) == (other,) and family.children(other) == ()
    assert [link.row for link in family.links().values()] == [one, two, other]
    assert [link.above for link in family.links().values()] == [above, above, one]
