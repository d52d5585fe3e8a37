"""Each node of an object type list by itself: what another project's test of the call shows, and laws."""

from types import SimpleNamespace
from typing import List, Optional, Tuple

import pytest
from hypothesis import given, settings

from kdtoken.analysis.access_check import by_type
from kdtoken.analysis.access_check.by_type import node_results
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, STATUS_SUCCESS
from kdtoken.analysis.access_check.truth import Verdict
from tests import access_rows
from tests.examples import examples
from tests.test_analysis_access_check_walk import ALLOW, DENY, GUIDS, Rule, Types, masks, request, rules, type_lists

# ReactOS, apitests/ntdll/NtAccessCheckByTypeResultList.c: an administrator's token and a list of six nodes, of which each
# gets the same; the rows of public.txt hold the descriptors.
REACTOS = [
    ("ros-results-everything", STATUS_SUCCESS, 0xF003F),
    ("ros-results-read", STATUS_SUCCESS, 0x20019),
    ("ros-results-query-value", STATUS_SUCCESS, 0x1),
    ("ros-results-denied", STATUS_ACCESS_DENIED, 0x20000),  # READ_CONTROL of the owner, as a partial right
    ("ros-results-denied-write", STATUS_ACCESS_DENIED, 0x20000),
]


@pytest.mark.parametrize("name, status, granted", REACTOS)
def test_as_reactos_asserts_for_each_of_six_nodes(name: str, status: int, granted: int) -> None:
    row = next(one for one in access_rows.rows(access_rows.PUBLIC) if one.name == name)
    found = node_results(access_rows.request(row))
    assert [(node.status, node.granted) for node in found] == [(status, granted)] * 6
    assert [node.level for node in found] == [0, 1, 2, 2, 1, 2]


def test_a_node_has_what_is_said_above_and_below_it_and_not_beside_it() -> None:
    types = ((0, GUIDS[0]), (1, GUIDS[1]), (2, GUIDS[2]), (1, GUIDS[3]))
    given = [(ALLOW, 0x1, 0), (ALLOW, 0x2, 2), (ALLOW, 0x8, 3), (ALLOW, 0x10, 1)]
    found = node_results(request(types, given, MAXIMUM_ALLOWED))
    # 0x1 comes down from the root; 0x2 goes up to the node whose only child has it; 0x8 stays where it is;
    # 0x10 goes down from the second node, and not to the fourth, which is beside it.
    assert [node.granted for node in found] == [0x1, 0x13, 0x13, 0x9]


def test_an_uncle_and_his_children_give_a_node_nothing() -> None:
    levels = (0, 1, 2, 1, 2, 3)
    given = [(ALLOW, 0x1, 1), (ALLOW, 0x2, 2), (ALLOW, 0x10, 2), (ALLOW, 0x8, 3), (ALLOW, 0x4, 5)]
    found = node_results(request(tuple(zip(levels, GUIDS)), given, MAXIMUM_ALLOWED))
    assert [node.granted for node in found] == [0, 0x13, 0x13, 0xC, 0xC, 0xC]
    # A wish that the uncle alone has.
    found = node_results(request(tuple(zip(levels, GUIDS)), given, 0x1))
    assert [node.verdict is Verdict.YES for node in found] == [False, True, True, False, False, False]
    # Nor does what is denied to him take anything from it.
    given = [(DENY, 0x1, 1), (ALLOW, 0x1, 0)]
    found = node_results(request(tuple(zip(levels, GUIDS)), given, 0x1))
    assert [node.verdict is Verdict.YES for node in found[1:]] == [False, False, True, True, True]


def test_without_a_list_there_are_none() -> None:
    assert node_results(request((), [], 0x1)) == ()


@settings(max_examples=examples(300), deadline=None)
@given(type_lists(), rules, masks)
def test_the_root_is_the_answer_and_what_a_node_has_its_children_have(
    types: Types, given: List[Rule], wish: int
) -> None:
    asked = request(types, given, wish)
    found = node_results(asked)
    assert (found[0].verdict is Verdict.YES) == check(asked, detail=False).allowed
    stack: List[int] = []
    for index, node in enumerate(found):
        while stack and found[stack[-1]].level >= node.level:
            stack.pop()
        if stack and found[stack[-1]].verdict is Verdict.YES:
            assert node.verdict is Verdict.YES
        stack.append(index)


@pytest.mark.parametrize(
    "verdict, questions, denial, why",
    [
        (Verdict.NO, (), "ACE 1 denies", "ACE 1 denies"),
        (Verdict.YES, (), None, ""),
        (
            Verdict.DEPENDS,
            ("the group is the token's", "another"),
            "ACE 1 denies",
            "on whether the group is the token's",
        ),
        (Verdict.DEPENDS, (), "ACE 1 denies", "ACE 1 denies"),
        # Of a no, what else it hangs on is no reason.
        (Verdict.NO, ("the group is the token's",), "ACE 1 denies", "ACE 1 denies"),
    ],
)
def test_a_node_whose_answer_depends_says_on_what(
    verdict: Verdict, questions: Tuple[str, ...], denial: Optional[str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = SimpleNamespace(
        granted=1, allowed=verdict is Verdict.YES, status=0, wish=0, denial=denial and SimpleNamespace(why=denial)
    )
    depends = [SimpleNamespace(question=SimpleNamespace(text=text)) for text in questions]
    answer = SimpleNamespace(outcome=outcome, verdict=verdict, depends=depends)
    monkeypatch.setattr(by_type, "decide", lambda own, detail: answer)
    (one,) = node_results(request(((0, GUIDS[0]),), [], 0x1))
    assert (one.verdict, one.why) == (verdict, why)
