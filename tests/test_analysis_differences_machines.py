"""Two looks at machines: what was replaced, adjusted, tampered with, what appeared and ended."""

from dataclasses import replace
from typing import Dict

import pytest

from kdtoken.analysis.differences.comparison import Part
from kdtoken.analysis.differences.machines import Fate, MachineComparison, compare_machines, same_start
from kdtoken.model.snapshot import Snapshot
from tests.expected import FILES
from tests.machine.declared import BOOT, SECOND
from tests.machine.spec import PrivilegesSpec
from tests.machine.strange import (
    CMD,
    NOTEPAD,
    PAINT,
    QUIET,
    RPCSS,
    child,
    client,
    fresh,
    impersonating,
    with_new,
    with_process,
    with_token,
)
from tests.machine.synthetic import SyntheticSource
from tests.snapshots import kernel_of_machine, printed, snapshot_of_machine, snapshot_of_source, snapshot_of_text

ENABLED = PrivilegesSpec((19, 23, 25, 33, 34), (23, 34), (23, 30))


@pytest.fixture(scope="module")
def before() -> Snapshot:
    return snapshot_of_machine(QUIET)


def fates(compared: MachineComparison) -> Dict[int, Fate]:
    return {pair.row.process.pid: pair.fate for pair in compared.pairs if pair.fate is not Fate.SAME}


def test_nothing_changed(before: Snapshot) -> None:
    compared = compare_machines(before, snapshot_of_machine(QUIET))
    assert compared.same_start and fates(compared) == {} and compared.verdict == "nothing changed"
    assert compared.exit_code == 0 and len(compared.pairs) == len(QUIET.processes)


def test_adjusted_and_tampered(before: Snapshot) -> None:
    adjusted = with_token(QUIET, PAINT, privileges=ENABLED, modified_id=0x99999)
    both = with_token(adjusted, NOTEPAD, privileges=ENABLED)
    compared = compare_machines(before, snapshot_of_machine(both))
    assert fates(compared) == {NOTEPAD: Fate.TAMPERED, PAINT: Fate.ADJUSTED}
    assert [pair.row.process.pid for pair in compared.pairs[:2]] == [NOTEPAD, PAINT]
    assert compared.pairs[0].changed(Part.POLICY) == ("SeTimeZonePrivilege",)
    assert compared.pairs[0].changed(Part.IDENTITY) == ()
    assert compared.verdict == "1 token changed without trace, 1 token adjusted" and compared.exit_code == 1


def test_replaced(before: Snapshot) -> None:
    compared = compare_machines(before, snapshot_of_machine(with_process(QUIET, NOTEPAD, token="system")))
    assert fates(compared) == {NOTEPAD: Fate.REPLACED}
    assert "user" in compared.pairs[0].changed(Part.IDENTITY) and compared.verdict == "1 token replaced"


def test_appeared_ended_and_an_id_used_again(before: Snapshot) -> None:
    machine = with_new(QUIET, child("tool.exe", CMD), fresh(QUIET, CMD))
    machine = with_process(machine, NOTEPAD, create_time=BOOT + 4000 * SECOND)  # another process with its id
    compared = compare_machines(before, snapshot_of_machine(machine))
    told = [(pair.row.process.pid, pair.fate) for pair in compared.pairs if pair.fate is not Fate.SAME]
    assert told == [(NOTEPAD, Fate.ENDED), (NOTEPAD, Fate.APPEARED), (9000, Fate.APPEARED)]
    assert compared.verdict == "1 process ended, 2 processes appeared"


def test_the_token_of_a_thread() -> None:
    one = impersonating(QUIET, RPCSS, client(QUIET, NOTEPAD), 2)
    two = impersonating(QUIET, RPCSS, client(QUIET, NOTEPAD, privileges=ENABLED), 2)
    compared = compare_machines(snapshot_of_machine(one), snapshot_of_machine(two))
    assert fates(compared) == {} and [each.fate for each in compared.others] == [Fate.TAMPERED]
    assert "1 token changed without trace" in compared.verdict and compared.exit_code == 1


def test_two_machines_are_matched_by_name(before: Snapshot) -> None:
    """Other addresses, ids, logons and account SIDs: none of that is a difference between two machines."""
    path = next(path for path in FILES if "19041" in path.name)
    machine = with_process(QUIET, CMD, token="of-744")
    machine = replace(
        machine, processes=tuple(replace(one, pid=one.pid + 8) if one.pid > 6000 else one for one in machine.processes)
    )
    other = snapshot_of_source(SyntheticSource(kernel_of_machine(machine, path)))
    assert not same_start(before, other)
    compared = compare_machines(before, other)
    assert not compared.same_start
    assert fates(compared) == {CMD + 8: Fate.DIFFERENT}
    assert "1 process with another context" in compared.verdict


def test_texts(before: Snapshot) -> None:
    """Log against log, and a log beside memory: holes are no differences."""
    kernel = kernel_of_machine(QUIET)
    text = snapshot_of_text(printed(kernel))
    assert fates(compare_machines(text, text)) == {}
    assert fates(compare_machines(before, text)) == {}
    changed = kernel_of_machine(with_token(with_process(QUIET, PAINT, token="of-6488"), NOTEPAD, privileges=ENABLED))
    told = fates(compare_machines(text, snapshot_of_text(printed(changed))))
    assert told == {NOTEPAD: Fate.TAMPERED, PAINT: Fate.REPLACED}
    assert fates(compare_machines(before, snapshot_of_text(printed(changed)))) == told


def test_what_cannot_be_read_is_no_change(before: Snapshot) -> None:
    kernel = kernel_of_machine(QUIET)
    source = SyntheticSource(kernel).without_pages([kernel.tokens["of-6104"]])
    compared = compare_machines(before, snapshot_of_source(source))
    assert Fate.TAMPERED not in fates(compared).values() and Fate.REPLACED not in fates(compared).values()
    assert fates(compared)[NOTEPAD] is Fate.UNKNOWN


def test_nothing_in_common() -> None:
    empty = snapshot_of_text("nothing at all")
    assert compare_machines(empty, empty).exit_code == 2
