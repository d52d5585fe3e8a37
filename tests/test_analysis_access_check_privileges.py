"""SeTakeOwnershipPrivilege is told of where WRITE_OWNER is still wanted, and nowhere else (DDI SeAccessCheck)."""

from dataclasses import replace
from typing import List, Tuple

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import ACCESS_CHECK, MAXIMUM_ALLOWED, Request
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


@pytest.mark.parametrize("privilege, granted", [("SeBackupPrivilege", 0x1200A9), ("SeRestorePrivilege", 0x1F0116)])
def test_backup_intent_and_all_that_can_be_had(privilege: str, granted: int) -> None:
    """LEARN, "Privilege Constants", lists the rights; ACCESS_SYSTEM_SECURITY is among them, and has to be asked for by name."""
    request = asked("user p+" + privilege, "O:{X}G:{X}D:", MAXIMUM_ALLOWED, backup_intent=True)
    assert check(request).granted == granted
    assert check(replace(request, wish=MAXIMUM_ALLOWED | 0x1000000)).granted == granted | 0x1000000


def test_a_server_s_accesscheck_knows_nothing_of_sedebugprivilege() -> None:
    """It is the opening of a process or thread that looks at it (ReactOS NtOpenProcess)."""
    token = "admin level=2 p+SeDebugPrivilege"
    assert check(asked(token, "O:{X}G:{X}D:", 0x10, "process")).granted == 0x10
    assert not check(asked(token, "O:{X}G:{X}D:", 0x10, "process", call=ACCESS_CHECK)).allowed
    assert not check(asked(token, "O:{X}G:{X}D:", 0x1, "event")).allowed
