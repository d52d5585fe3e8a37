"""Conditional ACEs inside the check: a hundred public situations, and what is not known about them."""

from dataclasses import replace
from typing import List, Optional

import pytest

from kdtoken.analysis.access_check.caller import ENABLED, Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from tests.access_conditional import CASES, Case, values

FILE = documented_type("file")


def request(case: Case) -> Request:
    sids = [Sid.from_text(text) for text in case.sids]
    claims = {
        "User": {name: values(claim) for name, claim in case.user.items()},
        "Device": {name: values(claim) for name, claim in case.machine.items()},
        "Local": {},
    }
    caller = Caller(
        "a caller",
        sids[0],
        dict.fromkeys(sids, ENABLED),
        claims=claims,
        device_sids=frozenset(Sid.from_text(text) for text in case.device),
        lpac=False,
    )
    return Request(caller, SecuredObject(None, case.name, FILE, from_sddl(case.sddl)), FILE, 0x10)


def test_there_are_a_hundred_with_names_of_their_own() -> None:
    assert len(CASES) == 100 == len({case.name for case in CASES})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    answer = decide(request(case))
    assert answer.verdict is (Verdict.YES if case.allow else Verdict.NO)
    assert answer.outcome.allowed is case.allow and not answer.depends


def _of_a_dump(sddl: str) -> Request:
    """A caller whose claims and device groups cannot be known, as in any dump."""
    everyone = Sid(1, (0,))
    caller = Caller("a caller", everyone, {everyone: ENABLED}, settle="kdtoken collect")
    return Request(caller, SecuredObject(None, "a file", FILE, from_sddl(sddl)), FILE, 0x10)


def test_a_claim_that_cannot_be_known_is_what_it_depends_on() -> None:
    answer = decide(_of_a_dump('O:SYG:SYD:(XA;;0x1f;;;WD;(@User.Title == "PM"))'))
    assert answer.verdict is Verdict.DEPENDS
    (dependence,) = answer.depends
    assert "title" in dependence.question.text.lower() and dependence.question.settle == "kdtoken collect"
    assert dependence.if_true.allowed and not dependence.if_false.allowed


def test_a_deny_ace_with_such_a_claim_denies_when_it_is_true_and_when_it_is_missing() -> None:
    answer = decide(_of_a_dump('O:SYG:SYD:(XD;;0x1f;;;WD;(@User.Title == "PM"))(A;;0x1f;;;WD)'))
    assert answer.verdict is Verdict.DEPENDS
    results = {dependence.if_true.allowed for dependence in answer.depends}
    assert len(answer.depends) == 2 and results == {False}, "true denies, and missing (UNKNOWN) denies too"
    assert answer.outcome.allowed, "false lets the next ACE speak"


@pytest.mark.parametrize(
    "ace, otherwise",
    [
        # Nothing is unknown here: the claim is not there.  [MS-DTYP] 2.4.4.17.7 makes Exists of a user's or a device's
        # attribute an error, so UNKNOWN, which allows nothing; Windows' own conditions use it, and then it is true.
        ("(XA;;0x1f;;;WD;(Not_Exists @User.Title))", True),
        ("(XA;;0x1f;;;WD;(!(Exists @Device.Title)))", True),
        # Exists is false or UNKNOWN: nothing is allowed either way, so nothing is said.
        ("(XA;;0x1f;;;WD;(Exists @User.Title))", None),
    ],
)
def test_true_or_unknown_is_never_told_as_false(ace: str, otherwise: Optional[bool]) -> None:
    asked = _of_a_dump("O:SYG:SYD:" + ace)
    asked = replace(asked, caller=replace(asked.caller, claims={"User": {}, "Device": {}, "Local": {}}))
    answer = decide(asked)
    if otherwise is None:
        assert answer.verdict is Verdict.NO and not answer.depends
        return
    assert answer.verdict is Verdict.DEPENDS
    (dependence,) = answer.depends
    assert "is UNKNOWN, not TRUE" in dependence.question.text
    assert not dependence.if_true.allowed and dependence.if_false.allowed


def test_an_access_filter_that_is_true_or_unknown_depends_too() -> None:
    asked = _of_a_dump("O:SYG:SYD:(A;;0x1f;;;WD)S:(FL;;0x1;;;WD;(Not_Exists @User.Title))")
    asked = replace(asked, caller=replace(asked.caller, claims={"User": {}, "Device": {}, "Local": {}}))
    assert decide(asked).verdict is Verdict.DEPENDS


def test_a_claim_that_changes_nothing_is_not_mentioned() -> None:
    answer = decide(_of_a_dump('O:SYG:SYD:(XA;;0x1f;;;WD;(@User.Title == "PM"))(A;;0x1f;;;WD)'))
    assert answer.verdict is Verdict.YES and not answer.depends
    answer = decide(_of_a_dump('O:SYG:SYD:(XA;;0x1;;;WD;(@User.Title == "PM"))'))
    assert answer.verdict is Verdict.NO and not answer.depends


def test_a_condition_that_is_none_is_unknown() -> None:
    """A callback ACE whose data is no condition: it does not allow, and it denies ([MS-DTYP] 2.4.4.17.3)."""
    from kdtoken.model.acl import Ace, Acl
    from kdtoken.model.descriptor import SecurityDescriptor

    everyone = Sid(1, (0,))
    for kind, allowed in ((0x09, False), (0x0A, False)):
        aces = (Ace.build(kind, 0x1F, everyone, application_data=b"junk"), Ace.build(0, 0x1, everyone))
        descriptor = SecurityDescriptor(everyone, everyone, 0x8004, Acl.build(aces), None, "present")
        asked = _of_a_dump("O:SYG:SY")
        thing = SecuredObject(None, "a file", FILE, descriptor)
        outcome = check(Request(asked.caller, thing, FILE, 0x10))
        assert outcome.allowed is allowed


def test_a_resource_attribute_that_is_inherit_only_is_not_the_objects() -> None:
    everyone = Sid(1, (0,))
    caller = Caller("a caller", everyone, {everyone: ENABLED})
    for flags, allowed in (("", True), ("OICIIO", False)):
        sddl = 'O:SYG:SYD:(XA;;0x1;;;WD;(@Resource.Level == 3))S:(RA;%s;;;;WD;("Level",TI,0x0,3))' % flags
        asked = Request(caller, SecuredObject(None, "a file", FILE, from_sddl(sddl)), FILE, 0x1)
        assert check(asked).allowed is allowed


@pytest.mark.parametrize("kind, disputed", [("XA", []), ("XD", ["deny-only-member"])])
def test_whose_member_a_deny_only_group_is(kind: str, disputed: List[str]) -> None:
    """No source has an allowing ACE count it; of a denying one they are silent or differ."""
    from tests.test_analysis_access_check_check import asked

    sddl = "O:{X}G:{X}D:(%s;;0x1;;;WD;(Member_of {SID(BA)}))%s" % (kind, "(A;;0x1;;;WD)" if kind == "XD" else "")
    answer = decide(asked("filtered", sddl, 0x1))
    assert answer.outcome.allowed is (kind == "XD")
    assert [one.reading.name for one in answer.conflicts] == disputed


def test_of_two_resource_attributes_of_one_name_the_first_counts_whatever_its_letters() -> None:
    """No source tells of two; kdtoken takes the first, as a list is read."""
    everyone = Sid(1, (0,))
    caller = Caller("a caller", everyone, {everyone: ENABLED})
    for first, second, allowed in ((3, 4, True), (4, 3, False)):
        aces = '(RA;;;;;WD;("Level",TI,0x0,%d))(RA;;;;;WD;("LEVEL",TI,0x0,%d))' % (first, second)
        sddl = "O:SYG:SYD:(XA;;0x1;;;WD;(@Resource.level == 3))S:" + aces
        asked = Request(caller, SecuredObject(None, "a file", FILE, from_sddl(sddl)), FILE, 0x1)
        assert check(asked).allowed is allowed


@pytest.mark.parametrize("asked", ["Title", "title", "TITLE"])
@pytest.mark.parametrize("held", ["Title", "tItLe"])
def test_a_claim_is_found_whatever_its_letters(asked: str, held: str) -> None:
    """[MS-DTYP] 2.4.4.17.7: names of attributes are compared without case."""
    request = _of_a_dump('O:SYG:SYD:(XA;;0x1f;;;WD;(@User.%s == "PM"))' % asked)
    caller = replace(request.caller, claims={"User": {"Other": values("AM"), held: values("PM")}, "Device": {}})
    assert decide(replace(request, caller=caller)).verdict is Verdict.YES
    caller = replace(request.caller, claims={"User": {"Titles": values("PM")}, "Device": {}})
    assert decide(replace(request, caller=caller)).verdict is Verdict.NO


def test_a_resource_attribute_that_cannot_be_read_is_not_there_and_the_next_one_counts() -> None:
    """Windows cannot read it either."""
    request = _of_a_dump('O:SYG:SYD:(XA;;0x1f;;;WD;(@Resource.A == 1))S:(RA;;;;;WD;("A",TI,0,1))')
    assert decide(request).verdict is Verdict.YES
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor) and descriptor.sacl is not None
    (whole,) = descriptor.sacl.aces
    for aces, verdict in (((replace(whole, application_data=b"\1"), whole), Verdict.YES), ((), Verdict.NO)):
        other = replace(descriptor, sacl=replace(descriptor.sacl, aces=aces))
        answer = decide(replace(request, object=replace(request.object, descriptor=other)))
        assert answer.verdict is verdict, aces
