"""SeTakeOwnershipPrivilege is told of where WRITE_OWNER is still wanted, and nowhere else (DDI SeAccessCheck)."""

from dataclasses import replace
from typing import List, Tuple

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED, Request
from tests.test_analysis_access_check_check import asked


def steps(request: Request) -> List[Tuple[str, str, str]]:
    return [(one.looked_at, one.decided, one.why) for one in check(request).steps if one.name == "privileges"]


@pytest.mark.parametrize(
    "token, wish, told",
    [
        ("user", 0x80000, [("SeTakeOwnershipPrivilege", "goes on", "it is not held")]),
        (
            "user p-SeTakeOwnershipPrivilege",
            0x80000,
            [("SeTakeOwnershipPrivilege", "goes on", "it is held but disabled")],
        ),
        (
            "user p+SeTakeOwnershipPrivilege",
            0x80000,
            [("SeTakeOwnershipPrivilege", "grants WRITE_OWNER", "it is enabled")],
        ),
        ("user", 0x1, []),
        ("user p+SeTakeOwnershipPrivilege", 0x1, []),
        ("user p+SeTakeOwnershipPrivilege", MAXIMUM_ALLOWED, []),
        (
            "user p+SeSecurityPrivilege",
            0x1000000,
            [("SeSecurityPrivilege", "grants ACCESS_SYSTEM_SECURITY", "it is enabled")],
        ),
    ],
)
def test_which_privileges_are_told_of(token: str, wish: int, told: object) -> None:
    assert steps(asked(token, "O:{X}G:{X}D:(A;;0x1;;;BU)", wish)) == told


def test_of_privileges_that_are_not_known_no_state_is_told() -> None:
    request = asked("user", "O:{X}G:{X}D:(A;;0x80000;;;BU)", 0x80000)
    assert steps(replace(request, caller=replace(request.caller, privileges=None))) == []
