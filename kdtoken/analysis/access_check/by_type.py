"""What each node of an object type list is granted by itself, as AccessCheckByTypeResultList tells it.

AccessCheckByType answers for the whole list, which is its root; the other call answers node by node (LEARN,
"AccessCheckByTypeResultList").  A node's answer is that of the tree that begins with it: what an ACE says to a node
above is said to it too, and what an ACE says to a node beside it is not.
"""

from dataclasses import replace
from typing import List, NamedTuple, Set, Tuple
from uuid import UUID

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.model.descriptor import SecurityDescriptor


class NodeResult(NamedTuple):
    """One node: its level and GUID, the answer, and where a no comes from.

    granted  what of the wish it gets, of a no the part that would be granted by itself (AccessCheckByTypeResultList
             leaves such partial rights in its list; ReactOS' test of the call shows it)
    """

    level: int
    guid: UUID
    verdict: Verdict
    granted: int
    status: int
    why: str


def node_results(request: Request) -> Tuple[NodeResult, ...]:
    """The answer of each node of the request's type list, in its order; none without a list."""
    found = []
    for index, (level, guid) in enumerate(request.type_list):
        own = _of_node(request, index)
        answer = decide(own, False)
        outcome = answer.outcome
        granted = outcome.granted if outcome.allowed else _partial(own, outcome.wish)
        why = "" if outcome.denial is None else outcome.denial.why
        if answer.verdict is Verdict.DEPENDS and answer.depends:
            why = "on whether " + answer.depends[0].question.text
        found.append(NodeResult(level, guid, answer.verdict, granted, outcome.status, why))
    return tuple(found)


def _partial(request: Request, wish: int) -> int:
    """The rights of a wish that would be granted one by one."""
    granted = 0
    for bit in range(32):
        if wish >> bit & 1:
            granted |= check(replace(request, wish=1 << bit), None, False).granted
    return granted


def _of_node(request: Request, index: int) -> Request:
    """The request for the tree below one node, with the ACEs of the nodes above it made its own."""
    types = request.type_list
    level, guid = types[index]
    below: List[Tuple[int, UUID]] = []
    for deeper, one in types[index + 1 :]:
        if deeper <= level:
            break
        below.append((deeper - level, one))
    above: Set[UUID] = set()
    wanted = level
    for higher, one in reversed(types[:index]):
        if higher < wanted:
            above.add(one)
            wanted = higher
    descriptor = request.object.descriptor
    if above and isinstance(descriptor, SecurityDescriptor) and descriptor.dacl is not None:
        aces = tuple(
            replace(ace, object_type=guid) if ace.object_type in above else ace for ace in descriptor.dacl.aces
        )
        descriptor = replace(descriptor, dacl=replace(descriptor.dacl, aces=aces))
    own = replace(request.object, descriptor=descriptor)
    return replace(request, object=own, type_list=((0, guid), *below))
