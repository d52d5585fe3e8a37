"""What is not known: no verdict that some way of filling the hole would belie, and no sentence that the hole makes untrue."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import jsonschema
import pytest

from kdtoken.analysis.access_check.caller import DENY_ONLY, DISABLED, ENABLED, Caller, caller_of
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import OF_THE_OBJECT
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.analysis.access_check.turn import turns
from kdtoken.model.absent import Unreadable
from kdtoken.model.group import Group
from kdtoken.model.sid import Sid
from kdtoken.render.explain import explain_lines, who_lines
from kdtoken.render.explain_json import explain_json
from tests.access_rows import PUBLIC, Row, descriptor, request, rows, sid
from tests.declared_views import decoded
from tests.over import over

ROWS = rows() + rows(PUBLIC)
SCHEMA = json.loads(
    (Path(__file__).parent.parent / "kdtoken" / "render" / "explain.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
_ALL = ("SeSecurityPrivilege", "SeTakeOwnershipPrivilege", "SeRelabelPrivilege", "SeDebugPrivilege")


def _fields(**fields: Any) -> Callable[[Caller], Caller]:
    return lambda one: replace(one, **fields)


# What is made unknown, and ways in which it may be: each row's own way is tried besides.
HOLES: Dict[str, Tuple[Callable[[Caller], Caller], List[Callable[[Caller], Caller]]]] = {
    "policy": (_fields(policy=None), [_fields(policy=number) for number in range(4)]),
    "integrity": (_fields(integrity=None), [_fields(integrity=level) for level in (0, 0x1000, 0x2000, 0x3000, 0x4000)]),
    "privileges": (
        _fields(privileges=None),
        [_fields(privileges={}), _fields(privileges=dict.fromkeys(_ALL, True))],
    ),
    "restricting": (
        _fields(restricting=None),
        [_fields(restricting=frozenset(sid(word) for word in words)) for words in ((), ("RC",), ("WD", "BU"))],
    ),
    "container": (
        _fields(container=None, package=None, capabilities=frozenset(), capabilities_whole=False, lpac=None),
        [
            _fields(container=False, package=None),
            _fields(container=True, package=sid("{PKG}"), lpac=False),
            _fields(container=True, package=sid("{PKG2}"), capabilities=frozenset((sid("{CAP}"),)), lpac=True),
        ],
    ),
    "lpac": (_fields(lpac=None), [_fields(lpac=True), _fields(lpac=False)]),
    "trust": (
        _fields(trust=None, trust_known=False),
        [_fields(trust=None), _fields(trust=Sid(19, (512, 4096))), _fields(trust=Sid(19, (1024, 8192)))],
    ),
    "protection": (_fields(protection=None), [_fields(protection=level) for level in (0, 0x31, 0x61, 0x72)]),
    "write-restricted": (_fields(write_restricted=None), [_fields(write_restricted=on) for on in (True, False)]),
}


@pytest.mark.parametrize("hole", sorted(HOLES))
def test_a_verdict_holds_however_the_hole_is_filled(hole: str) -> None:
    unknown, ways = HOLES[hole]
    decided = 0
    for row in ROWS:
        asked = request(row)
        if hole == "protection" and not asked.is_process:
            continue
        answer = decide(replace(asked, caller=unknown(asked.caller)), False)
        if answer.verdict is Verdict.DEPENDS:
            continue
        decided += 1
        for way in [lambda one: one, *ways]:
            found = check(replace(asked, caller=way(asked.caller)), None, False)
            assert (found.allowed, found.granted) == (answer.outcome.allowed, answer.outcome.granted), row.name
    assert decided > 4, "not everything hangs on it"


def _without(one: Request, group: Sid) -> Request:
    """The request of a caller, of whose groups one is not known to be there."""
    others = {known: state for known, state in one.caller.sids.items() if known != group}
    return replace(one, caller=replace(one.caller, sids=others, sids_whole=False))


def test_a_verdict_holds_whatever_a_group_that_is_not_known_is() -> None:
    decided = 0
    for row in ROWS:
        asked = request(row)
        for group in list(asked.caller.sids)[:4]:
            blind = _without(asked, group)
            answer = decide(blind, False)
            if answer.verdict is Verdict.DEPENDS:
                continue
            decided += 1
            whole = replace(blind.caller, sids_whole=True)
            for one in (whole, *[whole.with_sid(group, state) for state in (ENABLED, DENY_ONLY, DISABLED)]):
                found = check(replace(asked, caller=one), None, False)
                assert (found.allowed, found.granted) == (answer.outcome.allowed, answer.outcome.granted), (row, group)
    assert decided > 200


def test_a_group_that_may_be_for_deny_only() -> None:
    """Enabled it is granted by the first ACE, absent by the third; for deny only it is denied by the second."""
    asked = _asked("bare +BU", "O:{X}G:{X}D:(A;;0x1;;;{G})(D;;0x1;;;{G})(A;;0x1;;;BU)", 0x1)
    blind = replace(asked, caller=replace(asked.caller, sids_whole=False))
    answer = decide(blind)
    assert answer.verdict is Verdict.DEPENDS and answer.outcome.allowed
    (dependence,) = answer.depends  # and not that it is enabled, which alone changes nothing
    assert "for deny only" in dependence.question.text
    assert not dependence.if_true.allowed and dependence.if_false.allowed


@over(ROWS, lambda row: row.name)
def test_nothing_is_said_to_be_absent_from_a_list_that_is_not_whole(row: Row) -> None:
    """Not one SID is known: then no ACE is said to be somebody else's, nor the DACL to grant nothing."""
    asked = request(row)
    blind = replace(asked, caller=replace(asked.caller, sids={}, sids_whole=False))
    answer = decide(blind)
    text = "\n".join(explain_lines(answer, turns(blind, answer.outcome)))
    said = " ".join(text.split())
    assert "not among the token's SIDs" not in said and "that is not the caller" not in said
    walked = [line for step in answer.outcome.steps if step.name == "DACL" for line in step.lines]
    if any("not all of the token's SIDs are known" in line for line in walked) and answer.outcome.denial is not None:
        assert "no ACE grants the caller" not in answer.outcome.denial.why
    whole = decide(asked)
    assert "are known" not in "\n".join(explain_lines(whole)), "of a whole list what is absent is absent"


def test_a_protected_process_and_a_caller_whose_groups_are_unreadable() -> None:
    """A no whichever way: by the DACL, or if a group is the caller's after all by the protection."""
    asked = _asked("bare", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", 0x10, "process")
    blind = replace(asked, caller=replace(asked.caller, sids_whole=False), protection=0x41)
    answer = decide(blind)
    assert answer.verdict is Verdict.NO and [one.place.value for one in answer.elsewhere] == ["protected"]
    said = " ".join(" ".join(explain_lines(answer)).split())
    assert "it comes from: the DACL, as far as is known no ACE that is known to be the caller's grants 0x10" in said
    assert "if not from there, from: the process is protected (less protected callers are refused 0x10" in said
    document = json.loads(explain_json([answer]))
    VALIDATOR.validate(document)
    assert [one["place"] for one in document["checks"][0]["elsewhere"]] == ["protected"]
    (row,) = [line for line in who_lines([("c", "o", answer)]) if " no " in line]
    assert "dacl or protected: no ACE that is known" in row
    known = decide(replace(blind, caller=replace(blind.caller, sids_whole=True)))
    assert known.elsewhere == () and "it comes from: the DACL" in explain_lines(known)[2]


def test_a_disagreement_behind_what_is_not_known_is_named() -> None:
    """Ours: refused whichever way.  If TERMINATE is left to the DACL, it hangs on the groups."""
    asked = _asked("bare", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", 0x1, "process")
    blind = replace(asked, caller=replace(asked.caller, sids_whole=False), protection=0x31)
    answer = decide(blind)
    assert answer.verdict is Verdict.NO
    (conflict,) = answer.conflicts
    assert conflict.reading.name == "protected-signer" and conflict.depends
    said = " ".join(" ".join(explain_lines(answer)).split())
    assert "then it depends, as far as is known no, by the DACL" in said


def test_owner_rights_and_an_owner_that_the_source_does_not_show() -> None:
    """icacls tells of no owner: an ACE for OWNER RIGHTS may be the caller's, and takes what an owner has besides."""
    found = descriptor("D:(A;;0x1;;;{OR})")
    assert found is not None
    hidden = replace(found, owner=None, owner_state="not said")
    for wish, verdict in ((0x1, Verdict.DEPENDS), (0x2, Verdict.NO), (0x20000, Verdict.NO)):
        asked = _asked("user", "nodacl", wish)
        answer = decide(replace(asked, object=replace(asked.object, descriptor=hidden)))
        assert answer.verdict is verdict, hex(wish)
    asked = _asked("user", "nodacl", 0x1)
    answer = decide(replace(asked, object=replace(asked.object, descriptor=hidden)))
    assert [one.question.text for one in answer.depends] == ["the caller owns the object"]
    assert "taken as not the caller's: the source does not show the owner" in " ".join(
        " ".join(explain_lines(answer)).split()
    )


def test_a_resource_attribute_may_stand_in_a_sacl_that_is_not_shown() -> None:
    found = descriptor("O:{X}G:{X}D:(XA;;0x1;;;WD;(@Resource.level == 3))")
    assert found is not None
    asked = _asked("user", "nodacl", 0x1)
    shown = decide(replace(asked, object=replace(asked.object, descriptor=found)))
    assert shown.verdict is Verdict.NO, "the descriptor has no SACL, so no attribute"
    hidden = replace(found, sacl_state="not said")
    answer = decide(replace(asked, object=replace(asked.object, descriptor=hidden)))
    assert answer.verdict is Verdict.DEPENDS
    (dependence,) = answer.depends
    assert "(@RESOURCE.level == 3) is true" in dependence.question.text and dependence.if_true.allowed
    assert dependence.question.settle == OF_THE_OBJECT, "the caller's side would not tell it"
    assert any("the SACL is not shown" in note for note in answer.outcome.notes)


def test_a_change_whose_yes_still_depends_says_so() -> None:
    """SeDebugPrivilege, once enabled, opens the process, if that is not protected: which the source does not tell."""
    asked = _asked("admin p-SeDebugPrivilege", "O:{X}G:{X}D:", 0x10, "process")
    blind = replace(asked, protection=None)
    found = turns(blind, decide(blind).outcome)
    assert found[0].changes[0].kind == "privilege SeDebugPrivilege" or "SeDebugPrivilege" in found[0].changes[0].text
    assert found[0].depends and not turns(asked, decide(asked).outcome)[0].depends
    lines = " ".join(" ".join(explain_lines(decide(blind), found)).split())
    assert "enable SeDebugPrivilege, which the token holds (AdjustTokenPrivileges); it then depends" in lines


def test_a_list_of_restricting_sids_with_a_hole_is_not_known() -> None:
    """The one that cannot be read may be what the DACL denies, or grants."""
    spec = decoded("notepad")
    holed = replace(
        spec, restricted_sids=(Group(Sid(5, (12,)), 7), Unreadable(0xDEAD, "paged out")), restricted_sid_count=2
    )
    assert caller_of(holed, "x").restricting is None
    whole = replace(holed, restricted_sids=(Group(Sid(5, (12,)), 7),), restricted_sid_count=1)
    assert caller_of(whole, "x").restricting == frozenset((Sid(5, (12,)),))


def test_facts_that_are_not_known_are_not_told_as_facts() -> None:
    """Trust, level, label, restricting SIDs, container, protection: what is taken is told as taken."""
    sddl = "O:{X}G:{X}D:(A;;0x1fffff;;;WD)S:(TL;;0x1fffff;;;S-1-19-512-4096)"
    asked = _asked("user", sddl, 0x10, "process")
    who = replace(asked.caller, trust_known=False, integrity=None, restricting=None, container=None, protection=None)
    blind = replace(asked, caller=who, protection=0x41)
    steps = {step.name: (step.looked_at, step.decided, step.why) for step in decide(blind).outcome.steps}
    assert steps["trust label"][0].endswith("the token's is not known") and "is taken as" in steps["trust label"][2]
    assert steps["integrity"][2] == "taken so: the caller is not below the object"
    assert steps["AppContainer"][2] == "the token is taken as no AppContainer's"
    assert steps["restricted"][2] == "they are taken as not refusing it"
    assert steps["protected process"][2] == "the caller is taken as not less protected"
    found = descriptor("O:{X}G:{X}D:(A;;0x1;;;WD)")
    assert found is not None
    hidden = replace(asked, object=replace(asked.object, descriptor=replace(found, sacl_state="not said")))
    step = next(one for one in decide(hidden).outcome.steps if one.name == "integrity")
    assert "no label is shown, so the default is taken" in step.looked_at
    shown = next(one for one in decide(asked).outcome.steps if one.name == "integrity")
    assert "(no label, so the default)" in shown.looked_at


def _asked(token: str, sddl: str, wish: int, kind: str = "file") -> Request:
    from tests.test_analysis_access_check_check import asked

    return asked(token, sddl, wish, kind)
