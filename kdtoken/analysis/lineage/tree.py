"""The tree of processes, each with what became of the token on the way from its parent, and every break explained."""

from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from kdtoken.analysis.lineage.edges import Change, Edge
from kdtoken.analysis.lineage.parents import Family, How, Parent
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import name_of
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token

# Why a child's token may be another than a copy of its parent's: learn.microsoft.com, CreateProcessAsUser,
# CreateProcessWithTokenW, CreateProcessWithLogonW, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS; UAC's own description.
REASONS = {
    Change.OTHER_USER: "started as another user: a service or task, or CreateProcessAsUser, WithToken, WithLogon",
    Change.OTHER_LOGON: "a logon of its own: batch, S4U, NewCredentials (runas /netonly) or a second logon",
    Change.ELEVATED: "elevated by UAC; its parent on paper is who asked for it",
    Change.LIMITED: "started with the limited half of the same user's pair",
    Change.RAISED: "given another token of the same logon, or the parent's token was cut down since",
    Change.CONFINED: "confined when it was started, or by itself since",
}


class Node(NamedTuple):
    """A process in the tree.  A tuple, since a machine has thousands.

    parent    who made it; its `row` is the node above, where it is certain or may be
    edge      the child's token beside its parent's; UNKNOWN for a root
    depth     0 for a root
    """

    row: ProcessDump
    parent: Parent
    edge: Edge
    depth: int

    @property
    def reason(self) -> str:
        """Why the token is another, in the usual reading; empty where it is a copy."""
        return REASONS.get(self.edge.change, "")


def tree(snapshot: Snapshot, family: Optional[Family] = None) -> Tuple[Node, ...]:
    """Every process once, parents before their children, siblings in list order.

    A process whose parent is gone is a root of its own and keeps the parent's id.  A circle of parents, which only
    damage or a forged id makes, is cut at its first process.

    family  of this snapshot, where there is one that has been asked already
    """
    family = family or Family(snapshot)
    links = family.links()
    below: Dict[int, List[ProcessDump]] = {}
    for link in links.values():
        below.setdefault(id(link.above), []).append(link.row)
    found: List[Node] = []
    seen: Set[int] = set()
    roots = [row for row in snapshot.processes if id(row) not in links]
    for start in [*roots, *snapshot.processes]:
        waiting = [] if id(start) in seen else [(start, 0)]
        while waiting:
            row, depth = waiting.pop()
            here = id(row)
            if here in seen:
                continue
            seen.add(here)
            known = links.get(here)
            found.append(Node(row, known.parent, known.edge, depth) if known else _node(family, row, depth))
            children = below.get(here)
            if children:
                depth += 1
                waiting += [(child, depth) for child in reversed(children)]
    return tuple(found)


def _node(family: Family, row: ProcessDump, depth: int) -> Node:
    parent = family.parent(row)
    if parent.row is None:
        why = {
            How.NOBODY: "made by the kernel",
            How.GONE: "its parent is gone",
            How.REUSED: "its parent is gone, and that id belongs to a later process",
        }.get(parent.how, "its parent is not known")
        return Node(row, parent, Edge(Change.UNKNOWN, (why,)), depth)
    return Node(row, parent, family.edge(parent.row, row), depth)


def path(snapshot: Snapshot, row: ProcessDump) -> Tuple[Node, ...]:
    """From the oldest ancestor that is still there down to this process."""
    family = Family(snapshot)
    line: List[ProcessDump] = []
    seen: Set[int] = set()
    here = row
    while id(here) not in seen:
        seen.add(id(here))
        line.append(here)
        above = family.parent(here).row
        if above is None:
            break
        here = above
    return tuple(_node(family, one, depth) for depth, one in enumerate(reversed(line)))


def user_of(row: ProcessDump) -> str:
    """The user of a process's token by its well-known name or as a SID; empty where it is not known."""
    if not isinstance(row.token, Token) or not isinstance(row.token.user, Sid):
        return ""
    return name_of(row.token.user) or str(row.token.user)
