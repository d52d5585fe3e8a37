"""The walk with an object type list, against the rule worked off node by node from what remains ([MS-ADTS] 5.1.3.3.3)."""

from typing import List, Tuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.analysis.access_check.caller import ENABLED, Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import Request
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from tests.examples import examples

USER, OTHER = Sid(5, (21, 1, 2, 3, 1001)), Sid(5, (21, 1, 2, 3, 1002))
KEY = documented_type("key")
GUIDS = [UUID(int=number) for number in range(1, 8)]
ALLOW, DENY = 0x05, 0x06  # ACCESS_ALLOWED_OBJECT_ACE_TYPE, ACCESS_DENIED_OBJECT_ACE_TYPE of winnt.h

Types = Tuple[Tuple[int, UUID], ...]
Rule = Tuple[int, int, int]  # type of the ACE, mask, number of the GUID


def request(types: Types, rules: List[Rule], wish: int) -> Request:
    """A caller that every ACE is for, who owns nothing, and a key with object ACEs."""
    aces = tuple(Ace.build(kind, mask, USER, 0, object_type=GUIDS[which]) for kind, mask, which in rules)
    descriptor = SecurityDescriptor(OTHER, OTHER, 0x8004, Acl.build(aces), None, "present", "absent")
    caller = Caller("a caller", USER, {USER: ENABLED})
    return Request(caller, SecuredObject(None, "a key", KEY, descriptor), KEY, wish, type_list=types)


@st.composite
def type_lists(draw: st.DrawFn) -> Types:
    """One tree of up to six nodes, each at most one level below the one before it."""
    levels = [0]
    for _ in range(draw(st.integers(0, 5))):
        levels.append(draw(st.integers(1, min(4, levels[-1] + 1))))
    return tuple(zip(levels, GUIDS))


masks = st.sampled_from([0x1, 0x2, 0x3, 0x8, 0x9])
rules = st.lists(st.tuples(st.sampled_from([ALLOW, ALLOW, DENY]), masks, st.integers(0, 6)), max_size=8)


def remaining(types: Types, given: List[Rule], wish: int) -> bool:
    """Whether the root's wish is worked off before a deny ACE meets a node that still lacks one of its bits."""
    left = [wish] * len(types)
    parents = [
        max((other for other in range(node) if types[other][0] < types[node][0]), default=-1)
        for node in range(len(types))
    ]

    def below(node: int) -> List[int]:
        children = [child for child in range(len(types)) if parents[child] == node]
        return [node] + [each for child in children for each in below(child)]

    for kind, mask, which in given:
        if not left[0]:
            break
        if which >= len(types):
            continue  # a GUID that the list lacks
        if kind == DENY:
            if left[which] & mask:
                return False
            continue
        for each in below(which):
            left[each] &= ~mask
        above = parents[which]
        while above >= 0:
            still = 0
            for child in (child for child in range(len(types)) if parents[child] == above):
                still |= left[child]
            left[above] &= still
            above = parents[above]
    return not left[0]


def test_a_deny_ace_on_a_node_that_has_it_already_denies_nothing_above_it() -> None:
    types = ((0, GUIDS[0]), (1, GUIDS[1]), (1, GUIDS[2]))
    given = [(ALLOW, 0x1, 1), (DENY, 0x1, 1), (ALLOW, 0x1, 2)]
    assert check(request(types, given, 0x1)).granted == 0x1  # both children have it, so the root has
    given[0], given[1] = given[1], given[0]
    assert not check(request(types, given, 0x1)).allowed  # denied first: the root cannot have what a child lacks


@settings(max_examples=examples(1500), deadline=None)
@given(type_lists(), rules, masks)
def test_every_tree_as_by_what_remains(types: Types, given: List[Rule], wish: int) -> None:
    assert check(request(types, given, wish), detail=False).allowed == remaining(types, given, wish)
