"""What is asked for: generic rights become the type's own, and an open that asks for nothing is refused."""

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from kdtoken.analysis.access_check.run import Place
from tests.test_analysis_access_check_check import asked

GENERIC, PLAIN = "generic rights stand for the type's own", "no generic right is in it"


@pytest.mark.parametrize(
    "wish, looked, decided, why",
    [
        (0x1, "0x1", "READ_DATA", PLAIN),
        # winnt.h: FILE_GENERIC_EXECUTE is SYNCHRONIZE, READ_CONTROL, FILE_READ_ATTRIBUTES and FILE_EXECUTE.
        (0x20000000, "0x20000000", "SYNCHRONIZE READ_CONTROL EXECUTE READ_ATTRIBUTES", GENERIC),
        (0x10000000, "0x10000000", "ALL_ACCESS", GENERIC),
        (MAXIMUM_ALLOWED, "0x2000000", "nothing by name, and MAXIMUM_ALLOWED", PLAIN),
        (MAXIMUM_ALLOWED | 0x1, "0x2000001", "READ_DATA, and MAXIMUM_ALLOWED", PLAIN),
    ],
)
def test_the_step_says_what_generic_rights_stand_for(wish: int, looked: str, decided: str, why: str) -> None:
    outcome = check(asked("user", "nulldacl", wish))
    step = next(one for one in outcome.steps if one.name == "wish")
    assert step.looked_at == looked + ", objects of type File (mapping: documented)"
    assert (sorted(step.decided.split()), step.why) == (sorted(decided.split()), why)


@pytest.mark.parametrize("wish, refused", [(0, True), (1, False), (MAXIMUM_ALLOWED, False), (0x80000000, False)])
def test_an_open_that_asks_for_nothing_is_refused(wish: int, refused: bool) -> None:
    outcome = check(asked("user", "nulldacl", wish))
    assert outcome.allowed is not refused
    if refused:
        assert outcome.place is Place.WISH and outcome.steps[-1].decided == "refused"
