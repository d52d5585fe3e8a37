"""What is worked out once for all rules: in the time of a sort, and the same as the plain way gives."""

from dataclasses import replace
from typing import Any, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.audit.scene import (
    Scene,
    _disagreements,
    group,
    holds,
    is_person,
    is_service_account,
    is_system_family,
    reference,
    session_of,
    thread_name,
)
from kdtoken.analysis.lineage import parents
from kdtoken.analysis.lineage.edges import Edge, edge
from kdtoken.analysis.lineage.parents import Family
from kdtoken.analysis.lineage.tree import tree
from kdtoken.model.absent import Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import BootTokens, Snapshot, created
from kdtoken.model.token import Token
from tests.declared_views import decoded
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


ANNA, CLIENT, SYSTEM = decoded("notepad"), decoded("client-anna"), decoded("system")
GONE = Unreadable(0x10, "paged out")


def of_user(sid: str) -> Token:
    assert isinstance(ANNA.user_and_groups, tuple)
    user, *groups = ANNA.user_and_groups
    return replace(ANNA, user_and_groups=(replace(user, sid=Sid.from_text(sid)), *groups))


@pytest.mark.parametrize(
    "sid, person, service",
    [
        ("S-1-5-21-1-2-3-1001", True, False),
        ("S-1-12-1-1-2-3-4", True, False),  # Entra
        ("S-1-5-18", False, True),
        ("S-1-5-19", False, True),
        ("S-1-5-20", False, True),
        ("S-1-5-7", False, False),
        ("S-1-5-17", False, False),
        ("S-1-5-80-1-2-3-4-5", False, True),
        # Of virtual accounts the first number ("Well-known SIDs" on learn.microsoft.com, [MS-DTYP] 2.4.2.4).
        *[("S-1-5-%d-1-2" % number, False, True) for number in (82, 83, 87, 90, 94, 96, 97, 98, 99)],
        *[("S-1-5-%d-1-2" % number, False, False) for number in (81, 84, 89, 91, 95, 100)],
        ("S-1-15-83-1", False, False),
        ("S-1-5-32-544", False, False),
    ],
)
def test_who_is_a_person_and_who_an_account_of_windows(sid: str, person: bool, service: bool) -> None:
    assert (is_person(of_user(sid)), is_service_account(of_user(sid))) == (person, service)


def test_of_whom_the_user_is_not_known_neither_is_said() -> None:
    blind = replace(ANNA, user_and_groups=GONE)
    assert is_person(blind) is False and is_service_account(blind) is None


def row(pid: Any, name: Any = "a.exe", parent: Any = 4, token: Any = ANNA, **details: Any) -> ProcessDump:
    at = token.address if isinstance(token, Token) else 0
    born, died = details.get("born", 5), details.get("died", 0)
    kept = ProcessDetails(born, died, 0, 1, 0, session_id=details.get("session", 1))
    return ProcessDump(Process(0x1000, pid, name, FastRef(at | 7, 15), parent), kept, token)


@pytest.mark.parametrize(
    "one, ours",
    [
        (row(0, "Idle", 9), True),
        (row(4, "System", 0), True),
        (row(4, "evil.exe", 9), True),
        (row(8, "System"), False),
        *[
            (row(92, name), True)
            for name in ("Registry", "MemCompression", "Memory Compression", "Secure System", "vmmem")
        ],
        (row(92, "REGISTRY", 0), True),
        (row(92, "Registry", 8), False),  # another's child has no claim to the name
        (row(92, "Registry", GONE), False),
        (row(92, "smss.exe"), False),
        (row(92, GONE), False),
    ],
)
def test_the_kernel_s_own_processes(one: ProcessDump, ours: bool) -> None:
    assert is_system_family(one) is ours


def test_holding_a_privilege_is_to_have_it_present() -> None:
    token = replace(ANNA, privileges=(Privilege(20, "SeDebugPrivilege", True, False, False),))
    assert holds(token, "SeDebugPrivilege") is True and holds(token, "SeTcbPrivilege", "SeDebugPrivilege") is True
    assert holds(token, "SeTcbPrivilege") is False
    ghost = replace(ANNA, privileges=(Privilege(20, "SeDebugPrivilege", False, True, True),))
    assert holds(ghost, "SeDebugPrivilege") is False and holds(replace(ANNA, privileges=GONE), "x") is None


def test_an_entry_of_a_token_s_groups_is_found_by_its_whole_sid() -> None:
    sid = Sid.from_text("S-1-5-32-544")
    found = group(ANNA, sid)
    assert found is not None and found.sid == sid
    assert group(ANNA, Sid.from_text("S-1-15-32-544")) is None and group(ANNA, Sid.from_text("S-1-5-32-551")) is None
    assert group(replace(ANNA, user_and_groups=GONE), sid) is None
    assert ANNA.user == Sid.from_text(str(ANNA.user)) and group(ANNA, ANNA.user) is None, "the user is no group"


def test_the_boot_token_is_the_kernel_s_variable_or_what_the_one_system_runs_under() -> None:
    system = row(4, "System", 0, SYSTEM)

    def boot(*rows: ProcessDump, variable: Any = GONE) -> int:
        return Scene(Snapshot("memory", rows, boot=BootTokens(variable))).boot_token

    assert boot(system) == SYSTEM.address and boot(system, variable=0x5000) == 0x5000
    assert boot(system, variable=0) == SYSTEM.address
    assert boot() == boot(system, system) == boot(row(4, "evil", 0, SYSTEM)) == boot(row(8, "System", 0, SYSTEM)) == 0


def test_who_has_a_token_as_its_own_or_by_a_thread() -> None:
    stolen = replace(CLIENT, address=0x9000)
    one, two, dead = row(8), row(12, token=stolen), row(16, died=9)
    thread = replace(row(20, token=SYSTEM), tokens={0x9000: stolen, ANNA.address: ANNA})
    scene = Scene(Snapshot("memory", (one, two, dead, thread)))
    assert [user.process.pid for user in scene.users(ANNA)] == [8, 16, 20]
    assert [user.process.pid for user in scene.users(stolen)] == [12, 20]
    # As a primary token it is the running processes' that hold it themselves.
    (chosen,) = [users for token, users in scene.primaries_of(lambda _: True) if token.address == ANNA.address]
    assert [user.process.pid for user in chosen] == [8]
    gone = Scene(Snapshot("memory", (dead, thread)))
    assert [token.address for token, _ in gone.primaries_of(lambda _: True)] == [SYSTEM.address]
    assert [holder.process.pid for holder in scene.holders[ANNA.address]] == [8] and scene.running == (one, two, thread)


def test_processes_are_found_by_what_the_kernel_keeps_of_their_names() -> None:
    rows = (
        row(8, "Lsass.exe"),
        row(12, "MemCompression"),
        row(16, GONE),
        row(20, "lsass.exe", died=9),
        row(24, "lsass.exe"),
    )
    scene = Scene(Snapshot("memory", rows))
    assert [one.process.pid for one in scene.named(["lsass.exe", "memcompression"])] == [8, 12, 24]


def test_a_process_s_session_its_reference_and_a_thread_s_name() -> None:
    assert (session_of(row(8)), session_of(row(8, session=0)), session_of(row(8, session=GONE))) == (1, 0, None)
    assert session_of(replace(row(8), details=GONE)) is None
    assert reference(row(8)) == FastRef(ANNA.address | 7, 15)
    assert reference(replace(row(8), process=replace(row(8).process, token=GONE))) is None
    assert thread_name(Thread(0x500, 8, 988, None)) == "thread 988"
    assert thread_name(Thread(0x500, 8, GONE, None)) == "thread 0x500"


def test_out_of_time_counts_other_tokens_only_and_moments_before_not_the_same() -> None:
    def made(pid: int, born: int, luid: int, died: int = 0) -> ProcessDump:
        return row(pid, token=replace(ANNA, address=0x10000 * pid, token_id=Luid(0, luid)), born=born, died=died)

    rows = (made(8, 10, 10), made(12, 20, 20), made(16, 30, 15), made(20, 30, 30), made(24, 25, 5, died=40))
    scene = Scene(Snapshot("memory", rows))
    assert [scene.out_of_time(one) for one in rows] == [0, 1, 1, 1, 2]
    unborn, nameless = made(28, 0, 1), replace(made(32, 5, 1), token=GONE)
    assert scene.out_of_time(unborn) == scene.out_of_time(nameless) == 0
    # Of one moment the lower TokenId speaks against the higher one: it is no earlier.
    same = (made(8, 10, 10), made(12, 10, 20), made(16, 10, 10, died=20), made(20, 10, 20, died=20))
    scene = Scene(Snapshot("memory", same))
    assert [scene.out_of_time(one) for one in same] == [0, 1, 0, 1]
