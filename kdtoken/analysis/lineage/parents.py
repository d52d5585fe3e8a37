"""Which process is the parent of which: by process id, and by creation times, since ids are used again.

`_EPROCESS.InheritedFromUniqueProcessId` is a number only.  The process that has it now may be another one than had
it then; a parent is older than its child, so one that was created later is not it.
"""

from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Tuple

from kdtoken.analysis.likeness import Likeness
from kdtoken.analysis.lineage.edges import Edge, edge
from kdtoken.model.absent import Maybe
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDetails, ProcessDump
from kdtoken.model.snapshot import NO_PID, Snapshot, created, ended
from kdtoken.model.token import Token

SYSTEM_PID = 4  # of the System process since Windows XP; 0 is Idle, which is on no list


class How(Enum):
    """What became of the process that a parent id names."""

    NOBODY = "made by the kernel, with no parent"
    ALIVE = "still there"
    ENDED = "has ended, but its object is still held"
    GONE = "no longer there"
    REUSED = "no longer there; its id was given to a later process"
    UNSURE = "the process of that id, if the id was not used again meanwhile"
    UNKNOWN = "not known"


class Parent(NamedTuple):
    """The parent of a process.  A tuple, since a machine has thousands.

    row       the parent itself, where it is among the processes; None otherwise
    taken_by  for REUSED, the process that has the id now
    """

    how: How
    pid: Optional[int]
    row: Optional[ProcessDump] = None
    taken_by: Optional[ProcessDump] = None

    @property
    def certain(self) -> bool:
        """Whether `row` is the parent beyond doubt."""
        return self.row is not None and self.how in (How.ALIVE, How.ENDED)


class Link(NamedTuple):
    """A process with the parent that it has, or may have, among the processes; `edge` is what became of the token."""

    parent: Parent
    above: ProcessDump
    row: ProcessDump
    edge: Edge


_Key = Tuple[int, int, bool, bool]  # likeness of the parent's and of the child's token, same object, other ModifiedId


class Family:
    """The processes of a snapshot by id, the parent of each and what became of its token on the way, found once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.by_pid: Dict[int, List[ProcessDump]] = {}
        for row in snapshot.processes:
            pid = row.process.pid
            if isinstance(pid, int) and pid != NO_PID:
                self.by_pid.setdefault(pid, []).append(row)
        self._parents: Dict[int, Parent] = {}
        self.likeness = Likeness()  # the snapshot keeps the tokens alive
        self._edges: Dict[_Key, Edge] = {}
        self._links: Optional[Dict[int, Link]] = None

    def parent(self, row: ProcessDump) -> Parent:
        """The parent of a process, of this snapshot or beside it."""
        return self._all_parents().get(id(row)) or self._find(row)

    def links(self) -> Dict[int, Link]:
        """By id() of the row: every process of this snapshot whose parent is among them, or may be, in list order."""
        if self._links is None:
            parents = self._all_parents()
            numbers = {id(row): self._number(row) for row in self.snapshot.processes}
            self._links = {}
            for row in self.snapshot.processes:
                here = id(row)
                parent = parents[here]
                above = parent.row
                if above is not None:
                    became = self._edge(numbers[id(above)], numbers[here], above.token, row.token)
                    self._links[here] = Link(parent, above, row, became)
        return self._links

    def edge(self, above: ProcessDump, row: ProcessDump) -> Edge:
        """The token of `row` beside that of `above`, both of this snapshot."""
        return self._edge(self._number(above), self._number(row), above.token, row.token)

    def _number(self, row: ProcessDump) -> int:
        """Which of those that are alike its token is; -1 where it is not known."""
        return self.likeness.of(row.token) if isinstance(row.token, Token) else -1

    def _edge(self, above: int, here: int, parent: Maybe[Optional[Token]], child: Maybe[Optional[Token]]) -> Edge:
        if not isinstance(parent, Token) or not isinstance(child, Token):
            return edge(parent, child)
        # All that `edge` looks at: of two thousand pairs few are different.
        same = parent.address != 0 and parent.address == child.address
        key = above, here, same, _adjusted(parent.modified_id, child.modified_id)
        found = self._edges.get(key)
        if found is None:
            found = self._edges[key] = edge(parent, child)
        return found

    def _all_parents(self) -> Dict[int, Parent]:
        """By id() of the row: the snapshot keeps the rows."""
        if self._parents:
            return self._parents
        found: Dict[int, Parent] = {}
        living: Dict[int, Tuple[int, Optional[Parent]]] = {}
        for row in self.snapshot.processes:
            pid = row.process.parent_pid
            if isinstance(pid, int):
                older = living.get(pid)
                if older is None:
                    older = living[pid] = self._living(pid)
                # Nearly all: who has that id is older and still there.
                if older[1] is not None and older[0] <= created(row) and older[1].row is not row:
                    found[id(row)] = older[1]
                    continue
            found[id(row)] = self._find(row)
        self._parents = found
        return found

    def _living(self, pid: int) -> Tuple[int, Optional[Parent]]:
        """Birth of the one process that ever had this id, as far as is known, and it as a parent; None of others."""
        rows = self.by_pid.get(pid, ())
        if len(rows) != 1 or pid in (0, SYSTEM_PID) or not created(rows[0]) or ended(rows[0]):
            return 0, None
        return created(rows[0]), Parent(How.ALIVE, pid, rows[0])

    def _find(self, row: ProcessDump) -> Parent:
        pid = row.process.parent_pid
        if not isinstance(pid, int):
            return Parent(How.UNKNOWN, None)
        if pid == 0:
            return Parent(How.NOBODY, 0)
        candidates = [one for one in self.by_pid.get(pid, ()) if one is not row]
        if not candidates:
            return Parent(How.GONE if self.snapshot.whole else How.UNKNOWN, pid)
        if pid == SYSTEM_PID:
            # Its id is its own from start to end; its creation time is not: the clock is set after it was taken.
            return Parent(How.ALIVE, pid, candidates[0])
        born = created(row)
        older = [one for one in candidates if born and created(one) and created(one) <= born]
        for one in sorted(older, key=created, reverse=True):
            if not ended(one):
                return Parent(How.ALIVE, pid, one)
            if _end(one) >= born:
                return Parent(How.ENDED, pid, one)
        unknown = [one for one in candidates if not born or not created(one)]
        if unknown:
            return Parent(How.UNSURE, pid, unknown[0])
        later = [one for one in candidates if created(one) > born]
        if later:
            return Parent(How.REUSED, pid, None, later[0])
        return Parent(How.GONE, pid)

    def children(self, row: ProcessDump) -> Tuple[ProcessDump, ...]:
        """The processes whose parent this one is, or may be."""
        return tuple(one for one in self.snapshot.processes if self.parent(one).row is row)


def _end(row: ProcessDump) -> int:
    details = row.details
    assert isinstance(details, ProcessDetails) and isinstance(details.exit_time, int)
    return details.exit_time


def _adjusted(parent: object, child: object) -> bool:
    """Whether the child's ModifiedId is known, and another than its parent's."""
    if not isinstance(child, Luid):
        return False
    return not isinstance(parent, Luid) or child.low != parent.low or child.high != parent.high
