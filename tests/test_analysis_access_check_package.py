"""The package's side of an AppContainer: conditions of its ACEs, and a DACL that is not known or not there."""

from dataclasses import replace

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from kdtoken.analysis.access_check.run import Place
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.model.descriptor import NOT_SAID, UNREADABLE, SecurityDescriptor
from tests.test_analysis_access_check_check import asked, guarded


@pytest.mark.parametrize(
    "condition, allowed",
    [
        # [MS-DTYP] 2.4.4.17.3: an ACE that allows applies when its condition is TRUE, and neither when it is FALSE nor UNKNOWN.
        ("(Member_of {SID(BU)})", True),
        ("(Member_of {SID(BA)})", False),
        ("(@Resource.nope == 1)", False),
        ("(!(@Resource.nope == 1))", False),
    ],
)
def test_an_ace_for_the_package_whose_condition_is_not_true_grants_nothing(condition: str, allowed: bool) -> None:
    outcome = check(asked("user @L pkg", "O:{X}G:{X}D:(A;;0x1;;;BU)(XA;;0x1;;;{PKG};%s)" % condition, 0x1))
    assert outcome.allowed is allowed
    assert allowed or outcome.place is Place.APPCONTAINER


@pytest.mark.parametrize("state", [UNREADABLE, NOT_SAID])
def test_a_dacl_that_is_not_known_is_asked_about_for_the_package_as_well(state: str) -> None:
    request = asked("user @L pkg", "nodacl", 0x1)
    found = request.object.descriptor
    assert isinstance(found, SecurityDescriptor)
    answer = decide(guarded(request, replace(found, dacl_state=state)))
    assert answer.verdict is Verdict.DEPENDS and not answer.outcome.allowed
    texts = [one.question.text for one in answer.depends]
    assert "the DACL grants the package what is asked" in texts


@pytest.mark.parametrize("sddl", ["nodacl", "nulldacl"])
def test_without_a_dacl_a_package_is_granted_nothing(sddl: str) -> None:
    """Windows Security Internals; others are granted all."""
    outcome = check(asked("user @L pkg", sddl, 0x1))
    assert outcome.denial is not None and outcome.place is Place.APPCONTAINER
    assert outcome.denial.why == "without a DACL an AppContainer is granted nothing"
    assert check(asked("user", sddl, 0x1)).granted == 0x1


@pytest.mark.parametrize(
    "aces, wish, granted",
    [
        # Granted is what user and package are both granted (LEARN, "How AccessCheck Works" with AppContainers).
        ("(A;;0x3;;;BU)", MAXIMUM_ALLOWED, None),  # the package is granted nothing
        ("(A;;0x3;;;BU)(A;;0x5;;;{PKG})", MAXIMUM_ALLOWED, 0x1),
        ("(A;;0x3;;;BU)(A;;0x3;;;{PKG})", MAXIMUM_ALLOWED | 0x1, 0x3),  # named, and all else that can be had
        ("(A;;0x3;;;BU)(A;;0x2;;;{PKG})", MAXIMUM_ALLOWED | 0x1, None),
        ("(A;;0x3;;;BU)(A;IO;0x3;;;{PKG})", 0x1, None),  # inherit-only: for what is made below the object
        ("(A;;0x3;;;BU)(A;OICI;0x3;;;{PKG})", 0x1, 0x1),
        ("(A;IO;0x3;;;BU)(A;;0x3;;;{PKG})", 0x1, None),
    ],
)
def test_both_sides_have_to_grant(aces: str, wish: int, granted: object) -> None:
    outcome = check(asked("user @L pkg", "O:{X}G:{X}D:" + aces, wish))
    assert (outcome.granted if outcome.allowed else None) == granted
    assert outcome.allowed or outcome.place is (Place.DACL if aces.startswith("(A;IO") else Place.APPCONTAINER)


@pytest.mark.parametrize("problem, verdict", [("", Verdict.YES), ("its mask is cut off", Verdict.DEPENDS)])
def test_an_ace_for_the_package_that_was_not_read_whole_is_asked_about(problem: str, verdict: Verdict) -> None:
    """By default it is taken as not applying."""
    request = asked("user pkg", "O:{X}G:{X}D:(A;;0x1;;;BU)(A;;0x1;;;{PKG})", 0x1)
    found = request.object.descriptor
    assert isinstance(found, SecurityDescriptor) and found.dacl is not None
    user, package = found.dacl.aces
    aces = (user, replace(package, problem=problem))
    request = guarded(request, replace(found, dacl=replace(found.dacl, aces=aces)))
    assert decide(request).verdict is verdict and check(request).allowed is not bool(problem)
    if problem:
        assert check(request, Answers({"ace:1": True})).allowed
        (dependence,) = decide(request).depends
        assert dependence.question.text == "ACE 1 (ACCESS_ALLOWED, its mask is cut off) applies"


@pytest.mark.parametrize("kind", ["A", "OA"])
def test_an_object_ace_without_a_type_counts_for_the_package_as_any_other(kind: str) -> None:
    """[MS-DTYP] 2.4.4.3: without ACE_OBJECT_TYPE_PRESENT it is for the object itself."""
    request = asked("user pkg", "O:{X}G:{X}D:(A;;0x1;;;BU)(%s;;0x1;;;{PKG})" % kind, 0x1)
    assert check(request).allowed
    guid = "00000000-0000-0000-0000-000000000001"
    typed = asked("user pkg", "O:{X}G:{X}D:(A;;0x1;;;BU)(OA;;0x1;%s;;{PKG})" % guid, 0x1)
    assert not check(typed).allowed and check(typed, Answers({}, frozenset(["object-ace-no-list"]))).allowed
