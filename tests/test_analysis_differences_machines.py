"""Two looks at machines: what was replaced, adjusted, tampered with, what appeared and ended."""

from dataclasses import replace
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken.analysis.differences.comparison import Part
from kdtoken.analysis.differences.machines import Fate, MachineComparison, compare_machines, same_start
from kdtoken.model.absent import Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import FIELD_NAMES, Token
from kdtoken.render import machines
from kdtoken.render.machines import machines_lines
from kdtoken.render.marked import segments
from tests.declared_views import decoded
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


def test_the_kernel_s_trace_is_claimed_only_where_it_was_seen() -> None:
    """ModifiedId moves with each documented change; where it was not read, nobody knows whether it did."""
    assert isinstance(ANNA.privileges, tuple) and isinstance(ANNA.modified_id, Luid)
    changed = replace(ANNA, privileges=tuple(replace(one, enabled=not one.enabled) for one in ANNA.privileges))
    moved = replace(changed, modified_id=Luid(0, ANNA.modified_id.low + 1))
    for later, title in (
        (moved, "Adjusted, with the kernel's trace of it"),
        (replace(changed, modified_id=GONE), "Adjusted; ModifiedId does not tell of it"),
        (replace(changed, token_id=GONE), "Adjusted; ModifiedId does not tell of it"),
    ):
        compared = compare_machines(seen(row(8, token=ANNA)), seen(row(8, token=later)))
        assert compared.pairs[0].fate is Fate.ADJUSTED
        lines = machines_lines(compared)
        assert lines[lines.index(title) + 1].startswith("  a.exe (8); policy: ")
        assert sum(line.startswith("Adjusted") for line in lines) == 1
    rows = (row(8, token=ANNA), row(12, address=0x2000, token=ANNA))
    both = (row(8, token=moved), row(12, address=0x2000, token=replace(changed, modified_id=GONE)))
    lines = machines_lines(compare_machines(seen(*rows), seen(*both)))
    heads = [at for at, line in enumerate(lines) if line.startswith("Adjusted")]
    assert [lines[at + 1][:11] for at in heads] == ["  a.exe (8)", "  a.exe (12"]


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


GONE = Unreadable(0x10, "paged out")
ANNA, SYSTEM = decoded("notepad"), decoded("system")


def row(pid: Any, name: Any = "a.exe", address: int = 0x1000, token: Any = SYSTEM, born: Any = 5, died: Any = 0, ref: Any = None) -> ProcessDump:  # fmt: skip
    """A process by itself; `ref` is what its _EX_FAST_REF points to, by default the token's address."""
    if ref is None:
        ref = token.address if isinstance(token, Token) else 0x9000
    return ProcessDump(
        Process(address, pid, name, FastRef(ref, 15), 4), ProcessDetails(born, died, 0, 1, 0x1500), token
    )


def seen(*rows: ProcessDump, build: str = "22000", whole: bool = True, system: Any = 0x100) -> Snapshot:
    """A look at a machine whose System process lies at `system`; None where that one is not shown."""
    head = () if system is None else (row(4, "System", system, SYSTEM, 1),)
    return Snapshot("memory", (*head, *rows), build, whole=whole)


def pairs(before: Snapshot, after: Snapshot) -> List[Tuple[Any, Any, Fate]]:
    """(address before, address after, fate) of all but System, in the order shown."""
    found = []
    for one in compare_machines(before, after).pairs:
        if one.row.process.image_name != "System":
            sides = (None if side is None else side.process.address for side in (one.before, one.after))
            found.append((*sides, one.fate))
    return found  # type: ignore[return-value]


def test_one_start_is_known_by_the_build_and_where_and_when_system_came() -> None:
    assert same_start(seen(), seen())
    assert not same_start(seen(), seen(build="19041"))
    assert same_start(seen(), seen(build="")) and same_start(seen(build=""), seen())
    assert not same_start(seen(), seen(system=0x200))
    later = Snapshot("memory", (row(4, "System", 0x100, SYSTEM, 2),), "22000")
    untold = Snapshot("memory", (row(4, "System", 0x100, SYSTEM, GONE),), "22000")
    assert not same_start(seen(), later)
    assert same_start(seen(), untold) and same_start(untold, seen())


def test_without_system_one_process_at_its_place_or_one_token_says_that_it_is_one_start() -> None:
    one = seen(row(8), system=None)
    assert same_start(one, seen(row(8), row(12, address=0x2000), system=None))
    assert same_start(seen(), Snapshot("memory", seen().processes, ""))
    other = row(8, address=0x3000, token=ANNA)
    assert not same_start(one, seen(other, system=None)) and not same_start(seen(), seen(other, system=None))
    assert not same_start(one, seen(row(16, token=ANNA), system=None)), "the same place, another id"
    # The same token object, though no process is where one was.
    assert same_start(one, seen(row(16, address=0x3000), system=None))
    moved = replace(SYSTEM, address=SYSTEM.address + 0x1000)
    assert not same_start(one, seen(row(16, address=0x3000, token=moved), system=None))


def test_a_process_is_the_same_by_its_birth_or_where_none_is_told_by_its_place() -> None:
    assert pairs(seen(row(8)), seen(row(8))) == [(0x1000, 0x1000, Fate.SAME)]
    # Born at another moment: another process, though it lies where the first one lay.
    assert pairs(seen(row(8)), seen(row(8, born=6))) == [(0x1000, None, Fate.ENDED), (None, 0x1000, Fate.APPEARED)]
    for born in (GONE, 0):
        assert pairs(seen(row(8)), seen(row(8, born=born))) == [(0x1000, 0x1000, Fate.SAME)]
        elsewhere = row(8, address=0x2000, born=born)
        assert pairs(seen(row(8)), seen(elsewhere)) == [(0x1000, None, Fate.ENDED), (None, 0x2000, Fate.APPEARED)]
    # Who tells no id is nobody's match, wherever it lies.
    nobody = row(GONE, born=GONE)
    assert pairs(seen(nobody), seen(nobody)) == [(0x1000, None, Fate.ENDED), (None, 0x1000, Fate.APPEARED)]
    # The second of two with that id.
    two = seen(row(8, address=0x2000, born=7), row(8))
    assert pairs(seen(row(8)), two) == [(None, 0x2000, Fate.APPEARED), (0x1000, 0x1000, Fate.SAME)]


def test_of_a_list_that_was_not_seen_whole_nobody_ended_and_nobody_appeared() -> None:
    assert pairs(seen(row(8)), seen()) == [(0x1000, None, Fate.ENDED)]
    assert pairs(seen(row(8)), seen(whole=False)) == [(0x1000, None, Fate.UNKNOWN)]
    assert pairs(seen(row(8), whole=False), seen()) == [(0x1000, None, Fate.ENDED)]
    assert pairs(seen(), seen(row(8))) == [(None, 0x1000, Fate.APPEARED)]
    assert pairs(seen(whole=False), seen(row(8))) == [(None, 0x1000, Fate.UNKNOWN)]
    assert pairs(seen(), seen(row(8), whole=False)) == [(None, 0x1000, Fate.APPEARED)]
    # It had ended before the first look: that is not what happened between the two.
    assert pairs(seen(row(8, died=6)), seen()) == [(0x1000, None, Fate.UNKNOWN)]


def test_two_tokens_of_which_one_is_not_read_are_told_apart_by_their_pointers_alone() -> None:
    def fate(one: Any, other: Any, **more: Any) -> Fate:
        return pairs(seen(row(8, token=one, **more)), seen(row(8, token=other)))[0][2]

    assert fate(GONE, GONE) is Fate.UNKNOWN and fate(GONE, SYSTEM, ref=SYSTEM.address) is Fate.UNKNOWN
    assert fate(GONE, SYSTEM) is Fate.REPLACED and fate(SYSTEM, GONE) is Fate.REPLACED
    assert fate(GONE, SYSTEM, ref=0) is Fate.UNKNOWN, "a null pointer is no token"
    assert fate(None, None) is Fate.SAME
    assert fate(None, GONE, ref=0) is Fate.UNKNOWN
    assert fate(SYSTEM, None, ref=0x9000) is Fate.UNKNOWN and fate(None, SYSTEM) is Fate.REPLACED
    # On two machines no address says anything.
    two = pairs(seen(row(8, token=GONE)), seen(row(8), system=0x200))
    assert two == [(0x1000, 0x1000, Fate.UNKNOWN)]


def test_between_two_machines_names_are_matched_and_what_is_there_often_by_its_users() -> None:
    def other(*rows: ProcessDump) -> Snapshot:
        return seen(*rows, system=0x200)

    one, two, three = row(8), row(12, address=0x2000), row(16, address=0x3000)
    assert pairs(seen(one), other(row(20, "A.EXE", 0x5000))) == [(0x1000, 0x5000, Fate.SAME)]
    assert pairs(seen(one), other(row(20, "b.exe", 0x5000))) == [(0x1000, None, Fate.ENDED), (None, 0x5000, Fate.APPEARED)]  # fmt: skip
    assert pairs(seen(one), other(row(20, token=ANNA))) == [(0x1000, 0x1000, Fate.DIFFERENT)]
    # Several of one name: are they the same users'?
    assert pairs(seen(one, two), other(three)) == [(0x1000, 0x3000, Fate.SAME)]
    assert pairs(seen(three), other(one, two)) == [(0x3000, 0x1000, Fate.SAME)]
    annas = row(24, address=0x6000, token=ANNA)
    assert pairs(seen(one, annas), other(two, three)) == [(0x1000, 0x2000, Fate.DIFFERENT)]
    assert pairs(seen(one, annas), other(annas, two)) == [(0x1000, 0x6000, Fate.SAME)]
    assert pairs(seen(one, two), other()) == [(0x1000, None, Fate.ENDED), (0x2000, None, Fate.ENDED)]
    assert pairs(seen(), other(one, two)) == [(None, 0x1000, Fate.APPEARED), (None, 0x2000, Fate.APPEARED)]
    # Who ended, or has no name that could be read, is matched with nobody.
    assert pairs(seen(one, row(12, address=0x2000, died=9)), other(three)) == [(0x1000, 0x3000, Fate.SAME)]
    assert pairs(seen(one, row(12, address=0x2000, token=ANNA, died=9)), other(three)) == [(0x1000, 0x3000, Fate.SAME)]
    assert pairs(seen(one, row(12, GONE, 0x2000)), other(three)) == [(0x1000, 0x3000, Fate.SAME)]
    # Anna's, and one whose user nobody knows.
    blind = row(28, address=0x7000, token=replace(ANNA, user_and_groups=GONE))
    assert pairs(seen(annas, annas), other(blind, blind)) == [(0x6000, 0x7000, Fate.UNKNOWN)]
    assert pairs(seen(blind, blind), other(annas, annas)) == [(0x7000, 0x6000, Fate.UNKNOWN)]
    assert pairs(seen(blind, blind), other(blind, blind)) == [(0x7000, 0x7000, Fate.UNKNOWN)]
    # SYSTEM's is among the first and not among Anna's, whoever else is there.
    assert pairs(seen(one, blind), other(annas, annas)) == [(0x1000, 0x6000, Fate.DIFFERENT)]
    assert pairs(seen(annas, annas), other(one, blind)) == [(0x6000, 0x1000, Fate.DIFFERENT)]
    assert pairs(seen(annas, blind), other(annas, annas)) == [(0x6000, 0x6000, Fate.UNKNOWN)]
    assert pairs(seen(one, blind), other(annas, blind)) == [(0x1000, 0x6000, Fate.UNKNOWN)]


def changed_between_machines(**fields: Any) -> Fate:
    """Of a token of Anna's on one machine beside another's with these fields."""
    return pairs(seen(row(8, token=ANNA)), seen(row(8, token=replace(ANNA, **fields)), system=0x200))[0][2]


def test_what_each_machine_has_of_its_own_is_no_difference_between_two() -> None:
    sid = Sid.from_text
    assert isinstance(ANNA.user_and_groups, tuple)
    user, *others = ANNA.user_and_groups
    boris = replace(user, sid=sid("S-1-5-21-1-2-3-1002"))
    guests = replace(user, sid=sid("S-1-5-32-546"))
    assert changed_between_machines(user_and_groups=(boris, *others), default_owner_index=0) is Fate.SAME
    assert changed_between_machines(user_and_groups=(guests, *others)) is Fate.DIFFERENT
    for own in (
        {"authentication_id": Luid(0, 0x777)},
        {"originating_logon_session": Luid(0, 0x777)},
        {"session_id": 7},
        {"lowbox_number": 7},
        {"default_dacl": None},
        {"primary_group": sid("S-1-1-0")},
        {"token_id": Luid(0, 0x777)},
        {"modified_id": Luid(0, 0x777)},
        {"source_id": Luid(0, 0x777)},
        {"in_use": 0},
    ):
        assert changed_between_machines(**own) is Fate.SAME, own
    for telling in ({"source_name": "x"}, {"flags": 0}, {"mandatory_policy": 0}, {"package": sid("S-1-15-2-1")}):
        assert changed_between_machines(**telling) is Fate.DIFFERENT, telling


def test_on_one_machine_bookkeeping_alone_adjusts_nothing_but_for_the_modified_id() -> None:
    def fate(**fields: Any) -> Fate:
        return pairs(seen(row(8, token=ANNA)), seen(row(8, token=replace(ANNA, **fields))))[0][2]

    assert fate() is fate(in_use=0) is fate(source_id=Luid(0, 7)) is Fate.SAME
    assert fate(modified_id=Luid(0, 0x99999)) is fate(session_id=7) is Fate.ADJUSTED
    assert fate(source_name="x") is Fate.TAMPERED
    # The kernel's own Token pointer says it: another object.
    assert fate(address=ANNA.address + 0x1000) is Fate.REPLACED


def test_the_verdict_counts_and_says_one_of_one() -> None:
    one, two = row(8), row(12, address=0x2000)

    def verdict(before: Snapshot, after: Snapshot) -> Tuple[str, int]:
        found = compare_machines(before, after)
        return found.verdict, found.exit_code

    assert verdict(seen(one), seen()) == ("1 process ended", 1)
    assert verdict(seen(one, two), seen()) == ("2 processes ended", 1)
    assert verdict(seen(), seen(one)) == ("1 process appeared", 1)
    assert verdict(seen(one), seen(whole=False)) == ("1 process could not be compared", 0)
    gone = seen(row(8, token=GONE), system=None)
    assert verdict(gone, gone) == ("1 process could not be compared", 2)
    blind = seen(row(8, token=GONE), row(12, address=0x2000, token=GONE), system=None)
    assert verdict(blind, blind) == ("2 processes could not be compared", 2)
    other = [replace(ANNA, address=ANNA.address + at) for at in (0x1000, 0x2000)]
    anna = seen(row(8, token=ANNA), row(12, address=0x2000, token=ANNA))
    assert (
        verdict(anna, seen(row(8, token=other[0]), row(12, address=0x2000, token=other[1])))[0] == "2 tokens replaced"
    )
    assert verdict(anna, seen(row(8, token=other[0]), row(12, address=0x2000, token=ANNA)))[0] == "1 token replaced"
    touched = replace(ANNA, source_name="x")
    assert verdict(anna, seen(row(8, token=touched), row(12, address=0x2000, token=other[1]))) == (
        "1 token changed without trace, 1 token replaced",
        1,
    )
    assert verdict(anna, seen(row(8, token=touched), row(12, address=0x2000, token=touched)))[0] == (
        "2 tokens changed without trace"
    )
    far = seen(row(8), row(12, "b.exe", 0x2000), system=0x200)
    assert (
        verdict(seen(row(8, token=ANNA), row(12, "b.exe", 0x2000, ANNA)), far)[0] == "2 processes with another context"
    )


def test_a_pair_tells_what_differs_by_part_and_of_one_side_nothing() -> None:
    touched = replace(ANNA, source_name="x", session_id=7, in_use=0)
    pair = compare_machines(seen(row(8, token=ANNA)), seen(row(8, token=touched))).pairs[0]
    assert pair.fate is Fate.TAMPERED
    assert [pair.changed(part) for part in (Part.IDENTITY, Part.POLICY, Part.BOOKKEEPING)] == [
        ("source",),
        ("session",),
        ("in use",),
    ]
    gone = compare_machines(seen(row(8)), seen()).pairs[0]
    assert gone.changed(Part.IDENTITY) == () and gone.row.process.pid == 8
    died = compare_machines(seen(row(8)), seen(row(8, died=9))).pairs
    assert [one.row.details.exit_time for one in died if one.row.process.pid == 8] == [9], "as it was seen last"  # type: ignore[union-attr]


def test_the_worst_comes_first() -> None:
    touched, other = replace(ANNA, source_name="x"), replace(ANNA, address=ANNA.address + 0x1000)
    held = {24: replace(ANNA, session_id=9), 28: other, 32: touched}
    before = seen(*(row(pid, address=pid * 16, token=ANNA) for pid in (12, 16, 20, 24, 28, 32)))
    after = seen(
        *(row(pid, address=pid * 16, token=token) for pid, token in held.items()),
        row(12, address=12 * 16, token=ANNA),
        row(16, address=16 * 16, token=GONE, ref=ANNA.address),
        row(36, address=36 * 16),
    )
    assert [one[2] for one in pairs(before, after)] == [
        Fate.TAMPERED,
        Fate.REPLACED,
        Fate.ADJUSTED,
        Fate.ENDED,
        Fate.APPEARED,
        Fate.UNKNOWN,
        Fate.SAME,
    ]


def test_a_thread_s_token_is_told_under_its_own_fate() -> None:
    one = impersonating(QUIET, RPCSS, client(QUIET, NOTEPAD), 2)
    two = impersonating(QUIET, RPCSS, client(QUIET, NOTEPAD, privileges=ENABLED), 2)
    compared = compare_machines(snapshot_of_machine(one), snapshot_of_machine(two))
    lines = machines_lines(compared)
    at = "  token 0x%x; policy: SeTimeZonePrivilege" % compared.others[0].after.address
    heads = [line for line in lines if line.startswith(("!", "A", "R", "E"))]
    assert [line[:2] for line in heads if "trace" in line] == ["!!"]
    assert lines.count(at) == 1 and lines[lines.index(at) - 1].startswith(("!! Changed", "do"))
    assert "Adjusted, with the kernel's trace of it" not in lines


@pytest.mark.parametrize("count, more", [(1, ""), (8, ""), (9, " and 1 more"), (12, " and 4 more")])
def test_of_what_differs_eight_are_named_and_the_others_counted(
    count: int, more: str, before: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["Se%02dPrivilege" % number for number in range(count)]
    monkeypatch.setattr(machines, "_changed", lambda comparison, part: names if part is Part.POLICY else [])
    compared = compare_machines(before, before)
    assert compared.pairs[0].comparison is not None
    assert machines._changes(compared.pairs[0].comparison) == "; policy: " + ", ".join(names[:8]) + more


def test_headings_are_as_serious_as_what_stands_below_them(before: Snapshot) -> None:
    machine = with_process(with_token(QUIET, PAINT, privileges=ENABLED), NOTEPAD, token="system")
    lines = machines_lines(compare_machines(before, snapshot_of_machine(machine)))
    styles = {text[:2]: style for line in lines for text, style, _ in segments(line) if style and text[:1] == "!"}
    assert styles == {"!!": "impossible", "! ": "unusual"}


def test_a_start_of_which_one_look_shows_no_system_is_known_by_what_both_show() -> None:
    here, there = (row(8, address=at, token=GONE) for at in (0x8000, 0x9000))
    whole, part = seen(here), seen(here, system=None)
    assert same_start(whole, part) and same_start(part, whole)
    assert not same_start(whole, seen(there, system=None)) and not same_start(seen(there, system=None), whole)


def test_tokens_of_which_nothing_could_be_compared_are_not_the_same() -> None:
    blind = replace(ANNA, **{name: GONE for name in FIELD_NAMES})
    before, after = (seen(row(8, token=blind, address=0x8000)) for _ in range(2))
    ((_, _, fate),) = pairs(before, after)
    assert fate is Fate.UNKNOWN
