"""Mandatory integrity: what its step says where nothing is taken away, and when SeRelabelPrivilege is asked about."""

from dataclasses import replace
from typing import Any, Dict, List

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.integrity import allowed_below, integrity
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from kdtoken.analysis.access_check.run import Place, Run
from kdtoken.model.object_type import GenericMapping
from tests.test_analysis_access_check_check import asked


@pytest.mark.parametrize(
    "token, sacl, decided, why",
    [
        ("user", "(ML;;NW;;;ME)", "goes on", "the caller is not below the object"),
        ("user @H", "(ML;;NW;;;ME)", "goes on", "the caller is not below the object"),
        ("user @L", "(ML;;;;;ME)", "goes on", "the caller is below the object, but the label's policy forbids nothing"),
        ("user @L", "(ML;;NX;;;ME)", "narrows to", "the caller is below the object's label, which leaves it"),
        (
            "user @L policy=0",
            "(ML;;NW;;;ME)",
            "goes on",
            "the token's mandatory policy lacks NO_WRITE_UP, so labels do not count for it",
        ),
    ],
)
def test_the_step_says_how_the_label_was_passed(token: str, sacl: str, decided: str, why: str) -> None:
    """[MS-DTYP] 2.5.3.3: a level that dominates, a policy of the label, a policy of the token."""
    outcome = check(asked(token, "O:{X}G:{X}D:(A;;0x1;;;BU)S:" + sacl, 0x1))
    (step,) = [one for one in outcome.steps if one.name == "integrity"]
    assert outcome.granted == 0x1
    assert step.decided.startswith(decided) and step.why.startswith(why)
    assert decided != "goes on" or (step.decided, step.why) == (decided, why)


@pytest.mark.parametrize(
    "wish, sacl, matters",
    [
        (0x80000, "(ML;;NW;;;HI)", True),  # WRITE_OWNER counts as write
        (MAXIMUM_ALLOWED, "(ML;;NW;;;HI)", True),
        (0x1, "(ML;;NW;;;HI)", False),
        (0x2, "(ML;;NW;;;HI)", False),
        (0x40000, "(ML;;NW;;;HI)", False),  # WRITE_DAC: nothing that the privilege lifts
        (MAXIMUM_ALLOWED, "(ML;;NR;;;HI)", False),  # reading alone is forbidden, so there is nothing to lift
        (MAXIMUM_ALLOWED, "(ML;;NW;;;ME)", False),  # not below the label
    ],
)
def test_when_it_matters_whether_serelabelprivilege_is_enabled(wish: int, sacl: str, matters: bool) -> None:
    """[MS-DTYP] 2.5.3.3: it adds WRITE_OWNER to what a label leaves.  Where that is nothing new it is no question."""
    request = asked("user", "O:{X}G:{X}D:(A;;0x1f01ff;;;BU)S:" + sacl, wish)
    answers = Answers()
    check(replace(request, caller=replace(request.caller, privileges=None)), answers)
    keys = [question.key for question in answers.asked]
    before = keys[: keys.index("privilege:SeTakeOwnershipPrivilege")] if wish == 0x80000 and len(keys) > 1 else keys
    assert ("privilege:SeRelabelPrivilege" in before) is matters
    held = asked("user p+SeRelabelPrivilege", "O:{X}G:{X}D:(A;;0x1f01ff;;;BU)S:" + sacl, wish)
    noted = "SeRelabelPrivilege lifts the label for WRITE_OWNER" in check(held).notes
    assert noted is matters
    assert not noted or check(held).granted & 0x80000


FILE = GenericMapping(0x120089, 0x120116, 0x1200A0, 0x1F01FF)
BARE = GenericMapping(0x1, 0x2, 0x4, 0xF0007)  # no standard right in any of the first three


@pytest.mark.parametrize(
    "policy, mapping, allowed",
    [
        # NO_WRITE_UP 1, NO_READ_UP 2, NO_EXECUTE_UP 4.  NtCoreLib's three categories, worked out by hand: READ_CONTROL
        # 0x20000 goes with reading, SYNCHRONIZE 0x100000 with executing, DELETE, WRITE_DAC, WRITE_OWNER and
        # ACCESS_SYSTEM_SECURITY 0x1000000 with writing; what an allowed category has too stays.
        (0x1, FILE, 0x1200A9),
        (0x2, FILE, 0x11F0176),  # without 0x89; READ_CONTROL is needed for writing, which is allowed
        (0x3, FILE, 0x100020),
        (0x7, FILE, 0),
        (0x1, BARE, 0x120005),
        (0x2, BARE, 0x11D0006),  # READ_CONTROL falls with reading
        (0x4, BARE, 0x10F0003),  # SYNCHRONIZE with executing
        (0x7, BARE, 0),
    ],
)
def test_what_a_label_s_policy_leaves(policy: int, mapping: GenericMapping, allowed: int) -> None:
    assert allowed_below(policy, mapping) == allowed


@pytest.mark.parametrize(
    "token, label, allowed",
    [
        # winnt.h: Low 0x1000, Medium 0x2000, High 0x3000.  LEARN: AppContainers pass labels up to Medium by their package.
        ("user @4096 pkg", "S-1-16-8192", True),
        ("user @4097 pkg", "S-1-16-8192", True),
        ("user @4095 pkg", "S-1-16-8192", False),  # below Low nothing is forgiven
        ("user @4096 pkg", "S-1-16-8193", False),  # nor above Medium
        ("user @4096 pkg", "S-1-16-12288", False),
        ("user @4095 pkg", "S-1-16-12288", False),
        ("user @4096", "S-1-16-8192", False),  # no AppContainer
        ("user @8192", "S-1-16-8192", True),  # not below
        ("user @8191", "S-1-16-8192", False),
    ],
)
def test_an_appcontainer_is_forgiven_a_label_of_medium_or_lower(token: str, label: str, allowed: bool) -> None:
    sddl = "O:{X}G:{X}D:(A;;0x2;;;BU)(A;;0x2;;;{PKG})S:(ML;;NW;;;%s)" % label
    assert check(asked(token, sddl, 0x2)).allowed is allowed


@pytest.mark.parametrize(
    "container, level, answers, allowed, questions",
    [
        # What is not known is asked, in this order, and each answer counts.
        (True, None, {}, True, ["level:8192"]),  # taken as Medium or more
        (True, None, {"level:8192": False}, True, ["level:8192", "level:4096"]),
        (True, None, {"level:8192": False, "level:4096": False}, False, ["level:8192", "level:4096"]),
        (False, None, {"level:8192": False}, False, ["level:8192"]),
        (None, 0x1000, {}, False, ["container"]),
        (None, 0x1000, {"container": True}, True, ["container"]),
        (None, 0xFFF, {"container": True}, False, []),
    ],
)
def test_what_is_not_known_of_a_container_or_its_level_is_asked(
    container: Any, level: Any, answers: Dict[str, bool], allowed: bool, questions: List[str]
) -> None:
    request = asked("user pkg", "O:{X}G:{X}D:(A;;0x2;;;BU)(A;;0x2;;;{PKG})", 0x2)
    given = Answers(answers)
    run = Run(replace(request, caller=replace(request.caller, container=container, integrity=level)), given, True)
    assert (integrity(run) is None) is allowed and [one.key for one in given.asked] == questions


@pytest.mark.parametrize(
    "dacl, place",
    [
        ("(A;;0x2;;;BU)", Place.LABEL),  # the DACL would have granted WRITE_DATA, which the label takes away
        ("", Place.DACL),
        ("(A;;0x2;;;BA)", Place.DACL),
        ("(D;;0x2;;;BU)", Place.DACL),
    ],
)
def test_whether_a_label_or_the_dacl_leaves_nothing_of_maximum_allowed(dacl: str, place: Place) -> None:
    outcome = check(asked("user @L", "O:{X}G:{X}D:%sS:(ML;;NW;;;ME)" % dacl, MAXIMUM_ALLOWED))
    assert not outcome.allowed and outcome.place is place
    # Of what both leave something is granted.
    both = check(asked("user @L", "O:{X}G:{X}D:(A;;0x3;;;BU)S:(ML;;NW;;;ME)", MAXIMUM_ALLOWED))
    assert both.granted == 0x1
