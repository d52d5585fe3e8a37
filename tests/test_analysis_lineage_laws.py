"""Random histories of a machine: whatever lineage tells of it is what happened, and it never tells the opposite.

The small kernel here does what the documentation says that Windows does: one counter of LUIDs; a logon makes a token
with no parent token; filtering makes one that names its source; a duplicate keeps all but its TokenId; adjusting gives
a new ModifiedId; a child gets a duplicate of its parent's token, or one that its parent was able to give it.
"""

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Tuple

from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.analysis.audit.finding import Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.lineage.chain import chain
from kdtoken.analysis.lineage.edges import Change
from kdtoken.analysis.lineage.origin import Kind, Lineages
from kdtoken.analysis.lineage.parents import How
from kdtoken.analysis.lineage.tree import tree
from kdtoken.model.absent import NotSaid
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import privileges_of
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import BootTokens, Snapshot
from kdtoken.model.token import LogonSession, Token
from kdtoken.view.partial import partial_token
from tests.examples import examples

ADMINS, EVERYONE = Sid(5, (32, 544)), Sid(1, (0,))
USERS = [Sid(5, (21, 7, 7, 7, 1001 + number)) for number in range(3)]
HIGH, MEDIUM = Sid(16, (0x3000,)), Sid(16, (0x2000,))
SYSTEM = Sid(5, (18,))


@dataclass(frozen=True)
class Made:
    """A token of the little kernel and the truth about it: how it came to be, as (event, of which token)."""

    token: Token
    story: Tuple[Tuple[str, Optional[int]], ...]


@dataclass
class Running:
    """A process: its parent's serial number tells which process it really was."""

    pid: int
    serial: int
    parent_pid: int
    parent_serial: Optional[int]
    born: int
    token: Optional[Made]
    inherited: bool = False
    given: bool = False


class Kernel:
    """Makes tokens and processes, and remembers the truth."""

    def __init__(self) -> None:
        self.luid, self.time, self.address, self.serials = 0x3E8, 1000, 0xFFFF800000000000, 0
        self.sessions: Dict[int, LogonSession] = {}
        self.processes: List[Running] = []
        self.free_pids: List[int] = []
        self.next_pid = 8
        boot = self._make(
            user_and_groups=(Group(SYSTEM, 0), Group(ADMINS, 0xE), Group(Sid(16, (0x4000,)), 0x60)),
            source_name="*SYSTEM*",
            authentication_id=Luid(0, 0x3E7),
            originating_logon_session=Luid(0, 0),
            flags=0x2000,
            privileges=privileges_of((1 << 37) - 4, 1 << 20, 1 << 20),
        )
        self.boot = Made(boot, (("boot", None),))
        self.sessions[0x3E7] = self._session(0x3E7, 0)
        self.processes.append(Running(4, self._serial(), 0, None, self.tick(), self.boot))

    def _serial(self) -> int:
        self.serials += 1
        return self.serials

    def tick(self) -> int:
        self.time += 10_000_000
        return self.time

    def new_luid(self) -> Luid:
        self.luid += 1
        return Luid(0, self.luid)

    def _session(self, logon: int, buddy: int) -> LogonSession:
        self.address += 0x1000
        missing = NotSaid("the little kernel")
        return LogonSession(self.address, Luid(0, logon), Luid(0, buddy), 1, 0, 0, missing, missing, missing)

    def _make(self, **values: object) -> Token:
        self.address += 0x1000
        groups = values["user_and_groups"]
        assert isinstance(groups, tuple)
        defaults: Dict[str, object] = {
            "token_id": self.new_luid(),
            "modified_id": self.new_luid(),
            "parent_token_id": Luid(0, 0),
            "token_type": 1,
            "restricted_sid_count": 0,
            "restricted_sids": (),
            "user_and_group_count": len(groups),
            "integrity_level_index": len(groups) - 1,
            "in_use": 1,
            "mandatory_policy": 3,
        }
        return partial_token("the little kernel", self.address, {**defaults, **values})

    def log_on(self, user: Sid) -> Tuple[Made, Optional[Made]]:
        """An administrator's logon: two sessions that name each other, and two tokens, one filtered of a third."""
        full, limited = self.new_luid().value, self.new_luid().value
        self.sessions[full], self.sessions[limited] = self._session(full, limited), self._session(limited, full)
        base = {"source_name": "User32", "originating_logon_session": Luid(0, 0x3E7)}
        high = self._make(
            user_and_groups=(Group(user, 0), Group(EVERYONE, 7), Group(ADMINS, 0xF), Group(HIGH, 0x60)),
            authentication_id=Luid(0, full),
            logon_session=self.sessions[full],
            flags=0x2000,
            privileges=privileges_of(1 << 23 | 1 << 20 | 1 << 29, 1 << 23 | 1 << 29, 1 << 23),
            **base,
        )
        gone = self.new_luid()
        low = self._make(
            user_and_groups=(Group(user, 0), Group(EVERYONE, 7), Group(ADMINS, 0x10), Group(MEDIUM, 0x60)),
            authentication_id=Luid(0, limited),
            logon_session=self.sessions[limited],
            flags=0x2800,
            parent_token_id=gone,
            privileges=privileges_of(1 << 23 | 1 << 19, 1 << 23, 1 << 23),
            **base,
        )
        logon = ("logon", None)
        return Made(high, (logon,)), Made(low, (logon, ("filter", gone.value)))

    def duplicate(self, made: Made) -> Made:
        self.address += 0x1000
        token = replace(made.token, address=self.address, token_id=self.new_luid())
        return Made(token, made.story + (("duplicate", None),))

    def filter(self, made: Made) -> Made:
        self.address += 0x1000
        token = replace(
            made.token,
            address=self.address,
            parent_token_id=made.token.token_id,
            token_id=self.new_luid(),
            modified_id=self.new_luid(),
            restricted_sid_count=1,
            restricted_sids=(Group(EVERYONE, 7),),
            flags=int(made.token.flags) | 0x10,  # type: ignore[call-overload]
        )
        source = made.token.token_id
        assert isinstance(source, Luid)
        return Made(token, made.story + (("filter", source.value),))

    def adjust(self, made: Made) -> Made:
        assert isinstance(made.token.privileges, tuple)
        changed = tuple(replace(p, enabled=not p.enabled) if p.number == 19 else p for p in made.token.privileges)
        token = replace(made.token, privileges=changed, modified_id=self.new_luid())
        return Made(token, made.story + (("adjust", None),))

    def start(self, parent: Running, given: Optional[Made]) -> None:
        """A child with a copy of its parent's token, or of one that it is given."""
        self.new_luid()  # others take some too
        source = given if given is not None else parent.token
        assert source is not None
        pid = self.free_pids.pop(0) if self.free_pids else self.next_pid
        self.next_pid += 4 * (pid == self.next_pid)
        made = self.duplicate(source)
        self.processes.append(
            Running(pid, self._serial(), parent.pid, parent.serial, self.tick(), made, given is None, given is not None)
        )

    def exit(self, process: Running) -> None:
        self.processes.remove(process)
        self.free_pids.append(process.pid)

    def snapshot(self) -> Snapshot:
        rows = []
        for one in self.processes:
            token = one.token.token if one.token else None
            assert token is not None
            address = 0xFFFFA00000000000 + one.serial * 0x1000
            process = Process(address, one.pid, "p%d.exe" % one.serial, FastRef(token.address | 7, 0xF), one.parent_pid)
            details = ProcessDetails(one.born, 0, 0, 1, address + 0x100)
            rows.append(ProcessDump(process, details, token))
        return Snapshot("a history", tuple(rows), boot=BootTokens(self.boot.token.address, 0, 0))


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["logon", "start", "start", "start", "give", "adjust", "filter", "exit"]),
        st.integers(0, 50),
        st.integers(0, 50),
    ),
    min_size=1,
    max_size=30,
)


def play(operations: List[Tuple[str, int, int]]) -> Kernel:
    kernel = Kernel()
    logons: List[Made] = []
    for what, first, second in operations:
        process = kernel.processes[first % len(kernel.processes)]
        ordinary = process.pid != 4
        if what == "logon":
            logons += [made for made in kernel.log_on(USERS[second % 3]) if made]
        elif what == "start":
            kernel.start(process, None)
        elif what == "give" and logons and process.token is not None and process.token.token.user == SYSTEM:
            kernel.start(process, logons[second % len(logons)])
        elif what == "adjust" and ordinary and process.token is not None:
            process.token = kernel.adjust(process.token)
        elif what == "filter" and process.token is not None:
            kernel.start(process, kernel.filter(process.token))
        elif what == "exit" and ordinary:
            kernel.exit(process)
    return kernel


@settings(max_examples=examples(150), deadline=None)
@given(OPERATIONS)
def test_what_lineage_tells_is_what_happened(operations: List[Tuple[str, int, int]]) -> None:
    kernel = play(operations)
    snapshot = kernel.snapshot()
    lineages = Lineages(snapshot)
    by_address = {one.token.token.address: one.token for one in kernel.processes if one.token}
    for one in kernel.processes:
        assert one.token is not None
        lineage = lineages.of(one.token.token)
        events = [event for event, _ in one.token.story]
        # The beginning: always told here, since the little kernel keeps every field.
        assert (lineage.root is Kind.BOOT) == (events[0] == "boot")
        assert (lineage.root is Kind.AUTHENTICATION) == (events[0] == "logon")
        for step in lineage.steps:
            if step.kind is Kind.FILTERING:
                # The last filtering is told, and of which token; the source is named only where it lives.
                source = [of for event, of in one.token.story if event == "filter"][-1]
                assert "0x%x" % source in step.words
                if step.of is not None:
                    assert by_address[step.of].token.token_id == Luid(0, source or 0)
            if step.kind is Kind.DUPLICATION and step.certain:
                assert "duplicate" in events
                assert "adjust" not in events[len(events) - events[::-1].index("duplicate") :]
            if step.kind is Kind.ADJUSTMENT and step.certain:
                assert events[-1] == "adjust"
        told = {step.kind for step in lineage.steps}
        assert (Kind.FILTERING in told) == ("filter" in events)


@settings(max_examples=examples(150), deadline=None)
@given(OPERATIONS)
def test_the_tree_is_the_family_that_was(operations: List[Tuple[str, int, int]]) -> None:
    kernel = play(operations)
    by_serial = {one.serial: one for one in kernel.processes}
    by_pid = {one.pid: one for one in kernel.processes}
    nodes = tree(kernel.snapshot())
    assert len(nodes) == len(kernel.processes)
    for node in nodes:
        one = by_pid[node.row.process.pid]
        parent = by_serial.get(one.parent_serial or 0)
        if node.parent.row is not None:
            assert node.parent.certain and parent is not None and node.parent.row.process.pid == parent.pid
        else:
            assert parent is None
            assert (node.parent.how is How.REUSED) == (one.parent_pid in by_pid)
        if parent is None or parent.token is None or one.token is None:
            continue
        mine, theirs = one.token.token, parent.token.token
        if node.edge.change is Change.OTHER_USER:
            assert mine.user != theirs.user and one.given
        if node.edge.change in (Change.ELEVATED, Change.LIMITED, Change.OTHER_LOGON, Change.RAISED):
            assert one.given, node.edge
        if node.edge.change is Change.SAME and not node.edge.details:
            # Equal to its parent's in every step but the copying.
            plain = [[step for step in each.token.story if step[0] != "duplicate"] for each in (one, parent)]  # type: ignore[union-attr]
            assert plain[0] == plain[1]
        if one.inherited:
            assert node.edge.change in (Change.SAME, Change.ADJUSTED)


@settings(max_examples=examples(100), deadline=None)
@given(OPERATIONS)
def test_no_history_is_accused(operations: List[Tuple[str, int, int]]) -> None:
    """All of it was done through documented calls, so nothing is impossible, and no child has won anything."""
    found = audit(play(operations).snapshot())
    assert [one.saw for one in found if one.severity is Severity.IMPOSSIBLE] == []
    assert [one.saw for one in found if one.rule == "child-gained" and one.severity is Severity.UNUSUAL] == []


@settings(max_examples=examples(50), deadline=None)
@given(OPERATIONS)
def test_a_chain_is_in_order_and_has_every_living_token(operations: List[Tuple[str, int, int]]) -> None:
    snapshot = play(operations).snapshot()
    tokens = list(snapshot.tokens())
    for session in {token.authentication_id for token in tokens}:
        assert isinstance(session, Luid)
        links = chain(snapshot, session)
        assert [link.luid.value for link in links] == sorted(link.luid.value for link in links)
        assert {link.token.address for link in links if link.token} == {
            token.address for token in tokens if token.authentication_id == session
        }
