"""Lineage on declared machines: each token and process gets the path that was declared, or "cannot be told"."""

from typing import Dict, List, Tuple

import pytest

from kdtoken.analysis.lineage.chain import chain
from kdtoken.analysis.lineage.edges import Change, edge
from kdtoken.analysis.lineage.origin import Kind, Lineages, _is_limited
from kdtoken.analysis.lineage.parents import Family, How
from kdtoken.analysis.lineage.tree import path, tree
from kdtoken.frozen import replace
from kdtoken.model.absent import Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import LogonSession, Token
from tests.declared_views import decoded
from tests.machine import owner
from tests.machine.declared import BOOT, MACHINE, SECOND
from tests.machine.strange import (
    CHROME,
    CMD,
    EXPLORER,
    LSASS,
    NOTEPAD,
    QUIET,
    SANDBOX,
    child,
    fresh,
    with_new,
    with_process,
)
from tests.snapshots import kernel_of_machine, printed, snapshot_of_machine, snapshot_of_text


@pytest.fixture(scope="module")
def quiet() -> Snapshot:
    return snapshot_of_machine(QUIET, with_sessions=True)


def token_of(snapshot: Snapshot, pid: int) -> Token:
    token = next(row.token for row in snapshot.processes if row.process.pid == pid)
    assert isinstance(token, Token)
    return token


# pid -> the kinds of its token's steps, by the declaration: Anna's all come from a logon and UAC's filter.
PATHS: Dict[int, List[Kind]] = {
    4: [Kind.BOOT],
    92: [Kind.BOOT],
    LSASS: [Kind.BOOT, Kind.ADJUSTMENT],
    980: [Kind.AUTHENTICATION, Kind.ADJUSTMENT],
    1048: [Kind.AUTHENTICATION, Kind.FILTERING, Kind.ADJUSTMENT],
    EXPLORER: [Kind.AUTHENTICATION, Kind.FILTERING, Kind.ADJUSTMENT],
    5716: [Kind.AUTHENTICATION, Kind.FILTERING, Kind.APP_CONTAINER, Kind.ADJUSTMENT],
    SANDBOX: [Kind.AUTHENTICATION, Kind.FILTERING, Kind.ADJUSTMENT],
    CMD: [Kind.AUTHENTICATION, Kind.ADJUSTMENT],
}


@pytest.mark.parametrize("pid", PATHS)
def test_the_steps_of_a_token(quiet: Snapshot, pid: int) -> None:
    lineage = Lineages(quiet).of(token_of(quiet, pid))
    assert [step.kind for step in lineage.steps] == PATHS[pid]
    assert lineage.root is PATHS[pid][0]


def test_what_a_step_says(quiet: Snapshot) -> None:
    lineages = Lineages(quiet)
    system = lineages.of(token_of(quiet, 4))
    assert system.steps[0].certain and "nt!PspBootAccessToken" in system.steps[0].words
    service = lineages.of(token_of(quiet, 980)).steps[0].words
    assert "0x3e4 (NETWORK SERVICE" in service and "asked for by logon session 0x3e7 (SYSTEM)" in service
    limited = lineages.of(token_of(quiet, EXPLORER))
    assert "0x%x, which nobody runs under now" % owner.PARENT_ID in limited.steps[1].words
    assert "limited half of a UAC pair" in limited.steps[1].words and limited.steps[1].of is None
    assert "kind of logon" in limited.cannot_tell[0]
    restricted = lineages.of(token_of(quiet, CHROME))
    assert restricted.steps[1].of == token_of(quiet, EXPLORER).address and "restricted" in restricted.steps[1].words


def test_duplicates_and_copies_of_threads(quiet: Snapshot) -> None:
    lineages = Lineages(quiet)
    for row in quiet.processes:
        for token in row.tokens.values():
            assert isinstance(token, Token)
            steps = lineages.of(token).steps
            assert steps[-1].kind is Kind.DUPLICATION
            # Below its TokenId, ModifiedId leaves no other way.
            assert isinstance(token.modified_id, Luid) and isinstance(token.token_id, Luid)
            assert steps[-1].certain == (token.modified_id.value < token.token_id.value)


def test_what_a_text_does_not_say_cannot_be_told() -> None:
    snapshot = snapshot_of_text(
        "_TOKEN 0xffff898d050a6670\nUser: S-1-5-18\nGroups: \n 00 S-1-1-0\n    Attributes - Enabled "
    )
    (token,) = snapshot.tokens()
    assert Lineages(snapshot).of(token).root is Kind.UNKNOWN
    told = snapshot_of_text(printed(kernel_of_machine(QUIET)))
    lineages = Lineages(told)
    for pid, kinds in PATHS.items():
        assert [step.kind for step in lineages.of(token_of(told, pid)).steps] == kinds
    # By its printed fields System's token is of the line of the boot; that it is that very token no text says.
    assert not lineages.of(token_of(told, 4)).steps[0].certain


# pid -> (what became of the parent, what became of the token)
EDGES: Dict[int, Tuple[How, Change]] = {
    4: (How.NOBODY, Change.UNKNOWN),
    92: (How.ALIVE, Change.SAME_OBJECT),
    512: (How.GONE, Change.UNKNOWN),
    LSASS: (How.ALIVE, Change.SAME),
    980: (How.ALIVE, Change.OTHER_USER),
    EXPLORER: (How.ENDED, Change.SAME),
    5300: (How.ALIVE, Change.CONFINED),
    CHROME: (How.ALIVE, Change.CONFINED),
    SANDBOX: (How.ALIVE, Change.CONFINED),
    CMD: (How.ALIVE, Change.ELEVATED),
    6560: (How.ALIVE, Change.UNKNOWN),
}


def test_the_tree(quiet: Snapshot) -> None:
    nodes = {node.row.process.pid: node for node in tree(quiet)}
    assert len(tree(quiet)) == len(nodes) == len(QUIET.processes)
    for pid, (how, change) in EDGES.items():
        assert (nodes[pid].parent.how, nodes[pid].edge.change) == (how, change), pid
    assert nodes[CMD].reason.startswith("elevated by UAC") and nodes[LSASS].reason == ""
    order = [node.row.process.pid for node in tree(quiet)]
    for node in tree(quiet):
        if node.parent.row is not None:
            above = nodes[node.parent.row.process.pid]
            assert node.depth == above.depth + 1
            assert order.index(above.row.process.pid) < order.index(node.row.process.pid)


def test_the_path_of_a_process(quiet: Snapshot) -> None:
    sandbox = next(row for row in quiet.processes if row.process.pid == SANDBOX)
    assert [node.row.process.pid for node in path(quiet, sandbox)] == [668, 4072, EXPLORER, CHROME, SANDBOX]
    assert [node.depth for node in path(quiet, sandbox)] == [0, 1, 2, 3, 4]


def test_a_parent_id_that_was_used_again() -> None:
    """Two seconds are enough: the process that has the id now was started after its "child"."""
    early = child("early.exe", 7700, 1500, 8000)
    taken = child("taken.exe", EXPLORER, 1502, 7700)
    machine = with_new(with_new(QUIET, early, fresh(QUIET, NOTEPAD)), taken, fresh(QUIET, NOTEPAD, "second"))
    snapshot = snapshot_of_machine(machine)
    rows = {row.process.pid: row for row in snapshot.processes}
    found = Family(snapshot).parent(rows[8000])
    assert found.how is How.REUSED and found.row is None and found.taken_by is rows[7700] and not found.certain
    # Without creation times, as in a text, it may be either.
    told = snapshot_of_text(printed(kernel_of_machine(machine)))
    row = next(row for row in told.processes if row.process.pid == 8000)
    assert Family(told).parent(row).how is How.UNSURE


def test_a_parent_that_had_ended_before() -> None:
    machine = with_process(QUIET, 4072, exit_time=BOOT + 40 * SECOND)  # explorer came at 41
    snapshot = snapshot_of_machine(machine)
    row = next(row for row in snapshot.processes if row.process.pid == EXPLORER)
    assert Family(snapshot).parent(row).how is How.GONE


def test_a_circle_of_parents_is_cut() -> None:
    machine = with_process(with_process(QUIET, EXPLORER, parent=CMD, create_time=0), CMD, create_time=0)
    nodes = tree(snapshot_of_machine(machine))
    assert len({node.row.process.pid for node in nodes}) == len(nodes) == len(QUIET.processes)


def test_edges_without_tokens() -> None:
    assert edge(None, None).change is Change.UNKNOWN


def test_the_chain_of_a_logon_session(quiet: Snapshot) -> None:
    links = chain(quiet, Luid(0, owner.FILTERED_ID))
    assert [link.luid.value for link in links] == sorted(link.luid.value for link in links)
    assert links[0].what == "logon session" and links[0].luid.value == owner.FILTERED_ID
    assert (
        links[1].luid.value == owner.PARENT_ID and "none of those read here" in links[1].what and links[1].token is None
    )
    held = {row.process.pid for link in links for row, how in link.users if how == "primary"}
    declared = {
        one.pid for one in QUIET.processes if one.token and QUIET.tokens[one.token].auth_id == owner.FILTERED_ID
    }
    assert held == declared
    busy = [how for link in links for row, how in link.users if row.process.pid == 1120]
    assert busy == ["impersonated by 1 thread"]


def test_the_logon_sessions_of_the_kernel(quiet: Snapshot) -> None:
    assert isinstance(quiet.logon_sessions, tuple)
    ids = [one.logon_id.value for one in quiet.logon_sessions if isinstance(one.logon_id, Luid)]
    assert ids == sorted(one.logon_id for one in MACHINE.logon_sessions)


@pytest.mark.parametrize(
    "buddy, filtered, limited",
    [
        (Luid(0, 0x777), True, True),
        (Luid(1, 0), True, True),
        (Luid(0, 0), True, False),  # a session that names no other half
        (Unreadable(0x10, "paged out"), True, False),
        (None, True, False),
        (Luid(0, 0x777), False, False),
    ],
)
def test_a_limited_half_has_the_flag_and_a_session_that_names_the_other(
    buddy: object, filtered: bool, limited: bool
) -> None:
    """winnt.h: TOKEN_IS_FILTERED is 0x800 of _TOKEN.TokenFlags."""
    token = decoded("notepad")
    assert isinstance(token.logon_session, LogonSession) and isinstance(token.flags, int)
    flags = token.flags | 0x800 if filtered else token.flags & ~0x800
    session = replace(token.logon_session, buddy_logon_id=buddy)  # type: ignore[arg-type]
    assert _is_limited(replace(token, flags=flags, logon_session=session)) is limited
    assert not _is_limited(replace(token, flags=flags, logon_session=Unreadable(0x10, "paged out")))
