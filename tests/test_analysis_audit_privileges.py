"""SeDebugPrivilege and impersonation at the borders of the rules."""

from typing import Any, List

import pytest

from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.frozen import replace
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from tests.machine import owner
from tests.machine.innocent import fresh
from tests.machine.strange import CMD, NOTEPAD, QUIET, child, with_new
from tests.snapshots import snapshot_of_machine

ADMINISTRATORS = Sid(5, (32, 544))
DEBUG, DEBUG_ON = (Privilege(20, "SeDebugPrivilege", True, enabled, False) for enabled in (False, True))
SNAPSHOT = snapshot_of_machine(QUIET)


def found(pid: int, rule: str, **members: Any) -> List[Finding]:
    """What one rule sees of a process whose token has other members."""
    rows = []
    for row in SNAPSHOT.processes:
        if row.process.pid == pid:
            assert isinstance(row.token, Token)
            row = replace(row, token=replace(row.token, **members))
        rows.append(row)
    seen = audit(replace(SNAPSHOT, processes=tuple(rows)), only=[rule])
    return [one for one in seen if one.processes[0].process.pid == pid]


def at_level(pid: int, level: int, administrators: int) -> Any:
    """The groups of a process's token with another label, and Administrators with those attributes."""
    token = next(row.token for row in SNAPSHOT.processes if row.process.pid == pid)
    assert isinstance(token, Token) and isinstance(token.user_and_groups, tuple)
    groups = []
    for one in token.user_and_groups:
        assert isinstance(one, Group)
        if one.sid.is_integrity_label:
            one = replace(one, sid=Sid(16, (level,)))
        groups.append(replace(one, attributes=administrators) if one.sid == ADMINISTRATORS else one)
    return tuple(groups)


@pytest.mark.parametrize(
    "level, administrators, held, severity, words",
    [
        (0x3000, 0x10, DEBUG, Severity.INFORMATION, "holds SeDebugPrivilege, as every elevated administrator does"),
        (0x3000, 0xF, DEBUG_ON, Severity.UNUSUAL, "has SeDebugPrivilege enabled, and is no debugger"),
        (0x2FFF, 0x10, DEBUG, Severity.UNUSUAL, "holds SeDebugPrivilege below High integrity"),
        (
            0x2000,
            0xF,
            DEBUG,
            Severity.INFORMATION,
            "holds SeDebugPrivilege, as",
        ),  # an administrator that lowered itself
    ],
)
def test_debug_privilege_is_strange_below_high(
    level: int, administrators: int, held: Privilege, severity: Severity, words: str
) -> None:
    (one,) = found(CMD, "debug-privilege", privileges=(held,), user_and_groups=at_level(CMD, level, administrators))
    assert one.severity is severity and words in one.saw


@pytest.mark.parametrize("name, severity", [("vsjitdebugger.exe", "i"), ("vsjitdebuggex.exe", "!")])
def test_a_debugger_with_a_long_name_is_known_by_what_the_kernel_keeps_of_it(name: str, severity: str) -> None:
    """_EPROCESS.ImageFileName has 15 bytes, a NUL among them: vsjitdebugger."""
    made = with_new(QUIET, child(name, CMD), fresh(QUIET, CMD, privileges=owner.ELEVATED_PRIVILEGES))
    (one,) = [
        one
        for one in audit(snapshot_of_machine(made), only=["debug-privilege"])
        if one.processes[0].process.pid == 9000
    ]
    assert one.severity.value == severity


@pytest.mark.parametrize(
    "flags, level, names, seen",
    [
        (0x800, 0x2000, ["SeImpersonatePrivilege"], "!"),  # IS_FILTERED
        (0x800, 0x3000, ["SeImpersonatePrivilege"], ""),  # at High it is no half of a UAC pair
        (0, 0x1000, ["SeImpersonatePrivilege"], "i"),  # a service's sandbox
        (0, 0x1001, ["SeImpersonatePrivilege"], ""),
        (0, 0x1000, ["SeImpersonatePrivilege", "SeTcbPrivilege"], "!"),
        (0x4000, 0x2000, ["SeTcbPrivilege"], "!"),  # LOWBOX
        (0x800, 0x2000, ["SeDebugPrivilege"], ""),  # which has a rule of its own
        (0x800, 0x2000, ["SeChangeNotifyPrivilege"], ""),  # which everybody has
    ],
)
def test_strong_privileges_in_a_filtered_or_confined_token(flags: int, level: int, names: List[str], seen: str) -> None:
    held = tuple(Privilege(number, name, True, False, False) for number, name in enumerate(names))
    groups = at_level(NOTEPAD, level, 0x10)
    findings = found(NOTEPAD, "strong-and-filtered", flags=flags, privileges=held, user_and_groups=groups)
    assert [one.severity.value for one in findings] == ([seen] if seen else [])


def test_only_five_are_named() -> None:
    strong = ("CreateToken", "AssignPrimaryToken", "Tcb", "TakeOwnership", "LoadDriver", "Backup", "Restore")
    for count, end in ((5, "SeLoadDriverPrivilege in a filtered token"), (7, "and 2 more in a filtered token")):
        held = tuple(Privilege(n, "Se%sPrivilege" % name, True, False, False) for n, name in enumerate(strong[:count]))
        (one,) = found(NOTEPAD, "strong-and-filtered", flags=0x800, privileges=held)
        assert one.saw.endswith(end)
