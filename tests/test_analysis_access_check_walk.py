"""The walk with an object type list, against the rule worked off node by node from what remains ([MS-ADTS] 5.1.3.3.3)."""

from dataclasses import replace
from typing import List, Tuple
from uuid import UUID

import pytest
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
from tests.test_analysis_access_check_check import asked, guarded

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


X = "S-1-5-21-1-2-3-9999"  # somebody else
GUID_A, GUID_B = (str(UUID(int=number)) for number in (1, 2))


@pytest.mark.parametrize(
    "token, dacl, wish, lines",
    [
        # What each ACE was to the caller, in order, until all is granted or a bit is denied.
        ("user", "(A;;0x1;;;BU)(A;;0x2;;;BU)", 0x1, [
            "ACE 0 (allow 0x1 S-1-5-32-545): grants 0x1",
            "ACE 1 and what follows are not looked at: all is granted",
        ]),
        ("user", "(D;;0x1;;;BU)(A;;0x1;;;BU)", 0x1, [
            "ACE 0 (deny 0x1 S-1-5-32-545): denies 0x1",
            "ACE 1 and what follows are not looked at: a bit is denied",
        ]),
        ("user", "(A;;0x1;;;BU)(D;;0x1;;;BU)(A;;0x2;;;BU)", 0x3, [
            "ACE 0 (allow 0x1 S-1-5-32-545): grants 0x1",
            "ACE 1 (deny 0x1 S-1-5-32-545): denies nothing that is still open",
            "ACE 2 (allow 0x2 S-1-5-32-545): grants 0x2",
        ]),
        ("user", "(A;;0x6;;;BU)", 0x3, ["ACE 0 (allow 0x6 S-1-5-32-545): grants 0x2"]),
        ("user", "(A;IO;0x1;;;BU)", 0x1, ["ACE 0 is for what inherits it only"]),
        # Whose it is not, and why.
        ("user", "(A;;0x1;;;%s)" % X, 0x1, ["ACE 0 (allow 0x1 %s): not among the token's SIDs" % X]),
        ("user", "(D;;0x1;;;%s)" % X, 0x1, ["ACE 0 (deny 0x1 %s): not among the token's SIDs" % X]),
        ("user /BA", "(A;;0x1;;;BA)", 0x1, ["ACE 0 (allow 0x1 S-1-5-32-544): that SID is disabled in the token"]),
        ("user -BA", "(A;;0x1;;;BA)", 0x1, ["ACE 0 (allow 0x1 S-1-5-32-544): that SID is for deny only in the token"]),
        ("user", "(A;;0x1;;;PS)", 0x1, ["ACE 0 (allow 0x1 S-1-5-10): no principal is given that it would stand for"]),
        # Object ACEs, without and with a list of object types.
        ("user", "(OA;;0x1;%s;;BU)" % GUID_A, 0x1, ["ACE 0 is for %s, and no object type list is given" % GUID_A]),
        ("user", "(OD;;0x1;%s;;BU)" % GUID_A, 0x1, ["ACE 0 (deny 0x1 S-1-5-32-545): denies 0x1"]),
        ("user", "(OA;;0x1;;;BU)", 0x1, ["ACE 0 (allow 0x1 S-1-5-32-545): grants 0x1"]),
        # Conditions.
        ("user", "(XA;;0x1;;;BU;(Member_of {SID(BU)}))", 0x1, ["ACE 0 (allow 0x1 S-1-5-32-545): grants 0x1"]),
        ("user", "(XA;;0x1;;;BU;(Member_of {SID(BG)}))", 0x1, ["ACE 0: its condition (Member_of {SID(BG)}) is false"]),
    ],
)  # fmt: skip
def test_the_dacl_s_step_says_what_each_ace_was_to_the_caller(
    token: str, dacl: str, wish: int, lines: List[str]
) -> None:
    (step,) = [one for one in check(asked(token, "O:{X}G:{X}D:" + dacl, wish)).steps if one.name == "DACL"]
    assert list(step.lines) == lines
    assert check(asked(token, "O:{X}G:{X}D:" + dacl, wish), detail=False).steps == ()


def test_an_object_ace_whose_type_the_list_lacks_is_said_to() -> None:
    request_ = asked("user", "O:{X}G:{X}D:(OA;;0x1;%s;;BU)" % GUID_B, 0x1, type_list=((0, UUID(int=1)),))
    (step,) = [one for one in check(request_).steps if one.name == "DACL"]
    assert list(step.lines) == ["ACE 0 is for %s, which the object type list lacks" % GUID_B]


def test_of_a_list_that_is_not_whole_nothing_is_said_to_be_absent() -> None:
    request_ = asked("user", "O:{X}G:{X}D:(A;;0x1;;;BA)", 0x1)
    request_ = replace(request_, caller=replace(request_.caller, sids_whole=False))
    (step,) = [one for one in check(request_).steps if one.name == "DACL"]
    assert list(step.lines) == [
        "ACE 0 (allow 0x1 S-1-5-32-544): taken as not the caller's: not all of the token's SIDs are known"
    ]


def test_the_restricting_sids_have_a_list_of_their_own() -> None:
    steps = check(asked("user r:BG", "O:{X}G:{X}D:(A;;0x1;;;BU)", 0x1)).steps
    (lines,) = [step.lines for step in steps if step.name == "restricted"]
    assert lines == ("ACE 0 (allow 0x1 S-1-5-32-545): not among the restricting SIDs",)


@pytest.mark.parametrize(
    "server, client, allowed",
    [("BU", "BU", True), ("BU", "BA", False), ("BA", "BU", False)],
)
def test_a_compound_ace_wants_both_of_its_sids(server: str, client: str, allowed: bool) -> None:
    """ACCESS_ALLOWED_COMPOUND_ACE_TYPE 4: mask, type and reserved, the server's SID, the client's."""
    sids = {"BU": Sid(5, (32, 545)), "BA": Sid(5, (32, 544))}
    body = (1).to_bytes(4, "little") + bytes([1, 0, 0, 0]) + sids[server].to_bytes() + sids[client].to_bytes()
    raw = bytes([4, 0]) + (len(body) + 4).to_bytes(2, "little") + body
    request_ = asked("user", "O:{X}G:{X}D:", 0x1)
    found = request_.object.descriptor
    assert isinstance(found, SecurityDescriptor)
    made = replace(found, dacl=Acl.build((Ace.parse(raw),)))
    assert check(guarded(request_, made)).allowed is allowed
    cut = bytes([4, 0, 12, 0]) + body[:8]
    outcome = check(guarded(request_, replace(found, dacl=Acl.build((Ace.parse(cut),)))))
    (step,) = [one for one in outcome.steps if one.name == "DACL"]
    assert not outcome.allowed and list(step.lines) == ["ACE 0 (compound) cannot be read"]
