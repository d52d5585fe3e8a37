"""Which process is the parent of which: by process id, and by creation times, since ids are used again.

`_EPROCESS.InheritedFromUniqueProcessId` is a number only.  The process that has it now may be another one than had
it then; a parent is older than its child, so one that was created later is not it.
"""

from enum import Enum
from typing import Dict, List, Optional, Tuple

from kdtoken.analysis.likeness import Likeness
from kdtoken.analysis.lineage.edges import Edge, edge
from kdtoken.frozen import dataclass
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDetails, ProcessDump
from kdtoken.model.snapshot import NO_PID, Snapshot, created, ended, pid_of
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


@dataclass(frozen=True)
class Parent:
    """The parent of a process.

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


class Family:
    """The processes of a snapshot by id, the parent of each and what became of its token on the way, found once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.by_pid: Dict[int, List[ProcessDump]] = {}
        for row in snapshot.processes:
            if pid_of(row) != NO_PID:
                self.by_pid.setdefault(pid_of(row), []).append(row)
        self._parents: Dict[int, Parent] = {}
        self.likeness = Likeness()  # the snapshot keeps the tokens alive
        self._edges: Dict[Tuple[int, int, bool, bool], Edge] = {}

    def parent(self, row: ProcessDump) -> Parent:
        """The parent of a process of this snapshot."""
        key = row.process.address
        found = self._parents.get(key)
        if found is None:
            found = self._parents[key] = self._find(row)
        return found

    def edge(self, above: ProcessDump, row: ProcessDump) -> Edge:
        """The token of `row` beside that of `above`, both of this snapshot."""
        parent, child = above.token, row.token
        if not isinstance(parent, Token) or not isinstance(child, Token):
            return edge(parent, child)
        # All that `edge` looks at: of two thousand pairs few are different.
        same = parent.address != 0 and parent.address == child.address
        adjusted = isinstance(child.modified_id, Luid) and child.modified_id != parent.modified_id
        key = self.likeness.of(parent), self.likeness.of(child), same, adjusted
        found = self._edges.get(key)
        if found is None:
            found = self._edges[key] = edge(parent, child)
        return found

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
