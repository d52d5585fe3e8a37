"""The owner's READ_CONTROL and WRITE_DAC: as much of them as is asked, and what their step says ([MS-DTYP] 2.5.3.2)."""

from typing import List

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.reason import ReasonType
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from tests.test_analysis_access_check_check import asked


@pytest.mark.parametrize(
    "wish, decided, granted",
    [
        (0x20000, ["grants 0x20000 (READ_CONTROL)"], 0x20000),
        (0x40001, ["grants 0x40000 (WRITE_DAC)"], 0x40001),
        (0x60000, ["grants 0x60000 (WRITE_DAC READ_CONTROL)"], 0x60000),
        (0x1, [], 0x1),  # nothing that an owner has
        (MAXIMUM_ALLOWED, ["grants 0x60000 (WRITE_DAC READ_CONTROL)"], 0x60001),
        (MAXIMUM_ALLOWED | 0x1, ["grants 0x60000 (WRITE_DAC READ_CONTROL)"], 0x60001),
    ],
)
def test_an_owner_is_granted_what_is_asked_of_the_two(wish: int, decided: List[str], granted: int) -> None:
    outcome = check(asked("user", "O:{U}G:{X}D:(A;;0x1;;;BU)", wish))
    assert [step.decided for step in outcome.steps if step.name == "owner"] == decided
    assert outcome.granted == granted
    for bit in (0x20000, 0x40000):
        assert (outcome.reason(bit).type is ReasonType.OWNERSHIP) is bool(granted & bit)


@pytest.mark.parametrize("wish, granted", [(MAXIMUM_ALLOWED, 0x60001), (0x60001, 0x60001), (0x40000, 0x40000)])
def test_what_an_owner_was_given_is_not_tested_for_the_restricting_sids_again(wish: int, granted: int) -> None:
    """Windows Security Internals: the owner has to be among them, and then has the two whatever the ACEs say."""
    sddl = "O:{U}G:{X}D:(A;;0x3;;;BU)(A;;0x1;;;S-1-5-12)"
    assert check(asked("user r:{U},RC", sddl, wish)).granted == granted
    assert check(asked("user r:RC", sddl, 0x40000)).granted == 0
    assert check(asked("user r:RC", sddl, MAXIMUM_ALLOWED)).granted == 0x1
