"""SeDebugPrivilege and impersonation at the borders of the rules."""

from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.frozen import replace
from kdtoken.model.absent import Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from tests.declared_views import decoded
from tests.machine import owner
from tests.machine.innocent import fresh
from tests.machine.strange import CMD, NOTEPAD, QUIET, child, with_new
from tests.snapshots import snapshot_of_machine
from tests.test_analysis_audit_users import made, process, told

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


LIMITED, FULL, SYSTEM, SERVICE, CLIENT = (decoded(key) for key in ("notepad", "cmd", "system", "bfe", "client-anna"))
GONE = Unreadable(0x10, "paged out")
IMPERSONATE = Privilege(29, "SeImpersonatePrivilege", True, True, True)


def acting(own: Token, client: Token, level: int = 2) -> List[Tuple[str, str]]:
    """What is said of a process under `own`, one thread of which acts as `client`."""
    row = process(own)
    thread = Thread(0x100, 8, 20, Impersonation(client.address, level, False))
    return told("impersonates-stronger", replace(row, threads=(thread,), tokens={client.address: client}))


def without(token: Token, **members: Any) -> Token:
    return replace(token, address=token.address + 0x800, privileges=(), **members)


@pytest.mark.parametrize(
    "own, client, mark",
    [
        (without(LIMITED), made(CLIENT, 0x2000), ""),
        (without(LIMITED), made(CLIENT, 0x2001), "i"),  # its own user
        (without(LIMITED), SERVICE, "!"),  # of System's level
        (without(LIMITED), made(SERVICE, 0x2000), ""),
        (without(LIMITED), made(SERVICE, 0x2001), "!"),
        (without(LIMITED), made(SYSTEM, 0x1000), "!"),  # SYSTEM is more at any level
        (without(SYSTEM), made(SERVICE, 0x5000), ""),
        (without(SERVICE), SYSTEM, "!"),
        (without(LIMITED), replace(CLIENT, user_and_groups=GONE), ""),
        # A restricted process as its own user without restriction, at its own level.
        (without(LIMITED, restricted_sid_count=1), made(CLIENT, 0x2000), "!"),
        (without(LIMITED, restricted_sid_count=1), made(replace(CLIENT, restricted_sid_count=1), 0x2000), ""),
        (without(LIMITED, restricted_sid_count=0), made(CLIENT, 0x2000), ""),
        (without(LIMITED, restricted_sid_count=GONE), made(CLIENT, 0x2000), ""),
        (without(LIMITED, restricted_sid_count=1), made(SERVICE, 0x2000), ""),
    ],
)
def test_who_is_stronger(own: Token, client: Token, mark: str) -> None:
    assert [one for one, _ in acting(own, client)] == ([mark] if mark else [])


def test_what_excuses_an_impersonation() -> None:
    head = (
        "thread 20 of a.exe (8), which runs as NT AUTHORITY\\LOCAL SERVICE, impersonates NT AUTHORITY\\SYSTEM at level "
    )
    own = without(SERVICE)
    lowered = "; without SeImpersonatePrivilege the kernel would have lowered the level"
    assert acting(own, SYSTEM) == [("!", head + "Impersonation" + lowered)]
    assert acting(own, SYSTEM, 3) == [("!", head + "Delegation" + lowered)]
    assert acting(own, SYSTEM, 1) == [("i", head + "Identification; that level cannot open anything")]
    assert acting(own, SYSTEM, 0) == [("i", head + "Anonymous; that level cannot open anything")]
    served = replace(own, privileges=(IMPERSONATE,))
    assert acting(served, SYSTEM) == [("i", head + "Impersonation; SeImpersonatePrivilege lets a service do so")]
    held = replace(own, privileges=(replace(IMPERSONATE, present=False),))
    assert [one for one, _ in acting(held, SYSTEM)] == ["!"]
    logged = replace(SYSTEM, originating_logon_session=own.authentication_id)
    words = "Impersonation; it logged that user on itself, with credentials"
    assert acting(own, logged) == [("i", head + words)]
    # Whether it has the privilege could not be read: nothing more is said.
    assert acting(replace(own, privileges=GONE), SYSTEM) == [("i", head + "Impersonation")]
    (one,) = acting(without(LIMITED), made(CLIENT, 0x3000))
    assert one[1].endswith("; it is its own user, whose level is higher there")


def test_each_token_is_told_once_and_every_thread_looked_at() -> None:
    own = without(SERVICE)
    two = replace(SYSTEM, address=0x7000)
    used = [Impersonation(CLIENT.address, 2, False), Impersonation(SYSTEM.address, 2, False), None, GONE]
    used += [Impersonation(SYSTEM.address, 2, False), Impersonation(0x6000, 2, False), Impersonation(0x7000, 2, False)]
    threads = tuple(Thread(0x100, 8, 20 + 4 * at, one) for at, one in enumerate(used))
    tokens = {SYSTEM.address: SYSTEM, 0x7000: two, 0x6000: GONE, CLIENT.address: CLIENT}
    said = told("impersonates-stronger", replace(process(own), threads=threads, tokens=tokens))
    assert [words[:9] for _, words in said] == ["thread 24", "thread 44"]


def held(*names: str, present: bool = True) -> Tuple[Privilege, ...]:
    return tuple(Privilege(at, name, present, False, False) for at, name in enumerate(names))


@pytest.mark.parametrize(
    "token, names, seen",
    [
        (FULL, ["SeTcbPrivilege"], "!"),
        (FULL, ["SeCreateTokenPrivilege"], "!"),
        (FULL, ["SeDebugPrivilege"], ""),  # which administrators have
        (FULL, ["SeBackupPrivilege"], ""),
        (SERVICE, ["SeDebugPrivilege"], "!"),
        (SERVICE, ["SeTcbPrivilege"], "!"),
        (SYSTEM, ["SeTcbPrivilege", "SeCreateTokenPrivilege"], ""),
        (LIMITED, ["SeTcbPrivilege"], ""),  # filtered: another rule's
    ],
)
def test_privileges_that_nobody_has_by_default(token: Token, names: List[str], seen: str) -> None:
    found = told("system-privileges", process(replace(token, privileges=held(*names))))
    assert [mark for mark, _ in found] == ([seen] if seen else [])
    assert told("system-privileges", process(replace(token, privileges=held(*names, present=False)))) == []


def test_a_service_s_or_a_task_s_account_may_have_been_given_them() -> None:
    assert isinstance(FULL.user_and_groups, tuple)
    given = "; it is a service's or a task's account, which policy may have given it"
    for sid, excused in (("S-1-5-6", True), ("S-1-5-3", True), ("S-1-5-4", False)):
        groups = (*FULL.user_and_groups[:-1], Group(Sid.from_text(sid), 7), FULL.user_and_groups[-1])
        token = replace(
            FULL, user_and_groups=groups, integrity_level_index=len(groups) - 1, privileges=held("SeTcbPrivilege")
        )
        ((mark, words),) = told("system-privileges", process(token))
        assert (mark, words.endswith(given)) == ("i" if excused else "!", excused)
    # LOCAL SERVICE is in SERVICE too, and is given it by nobody.
    ((mark, words),) = told(
        "system-privileges", process(replace(SERVICE, privileges=held("SeTcbPrivilege", "SeDebugPrivilege")))
    )
    assert (mark, words) == (
        "!",
        "a.exe (8), which runs as NT AUTHORITY\\LOCAL SERVICE, holds SeTcbPrivilege, SeDebugPrivilege",
    )


def test_what_is_not_present_or_not_dangerous_is_no_strength() -> None:
    def strong(*privileges: Privilege) -> List[str]:
        return [words for _, words in told("strong-and-filtered", process(replace(LIMITED, privileges=privileges)))]

    (tcb,) = held("SeTcbPrivilege")
    assert strong(tcb) == ["a.exe (8) holds SeTcbPrivilege in a filtered token"]
    assert strong(replace(tcb, present=False)) == strong(replace(tcb, present=False, enabled=True)) == []
    assert strong(*held("SeShutdownPrivilege", "SeUndockPrivilege", "SeTimeZonePrivilege")) == []


@pytest.mark.parametrize(
    "name, parent, enabled, seen",
    [
        ("a.exe", "explorer.exe", True, "has SeDebugPrivilege enabled, and is no debugger that is known here"),
        ("windbg.exe", "explorer.exe", True, "has SeDebugPrivilege enabled, as its kind does"),
        ("a.exe", "windbg.exe", True, "has SeDebugPrivilege enabled, as the debugger that started it has"),
        ("a.exe", "windbg.exe", False, "has SeDebugPrivilege enabled, and is no debugger that is known here"),
        ("a.exe", "procmon.exe", True, "has SeDebugPrivilege enabled, and is no debugger that is known here"),
        # 15 letters, as some builds keep them.
        ("vsjitdebugger.e", "explorer.exe", True, "has SeDebugPrivilege enabled, as its kind does"),
        ("a.exe", "dbgx.shell.exe", True, "has SeDebugPrivilege enabled, as the debugger that started it has"),
        # A debugger that does not hold the privilege at all has given none.
        ("a.exe", "windbg.exe", None, "has SeDebugPrivilege enabled, and is no debugger that is known here"),
    ],
)
def test_who_is_debugged_has_its_debugger_s_privileges(
    name: str, parent: str, enabled: Optional[bool], seen: str
) -> None:
    def row(pid: int, above: int, name: str, enabled: Optional[bool]) -> ProcessDump:
        privileges = () if enabled is None else (replace(DEBUG, enabled=enabled),)
        token = replace(FULL, address=0x1000 * pid, privileges=privileges)
        one = Process(0x100 * pid, pid, name, FastRef(token.address, 15), above)
        return ProcessDump(one, ProcessDetails(pid, 0, 0, 1, 0), token)

    said = told("debug-privilege", row(12, 8, name, True), row(8, 3, parent, enabled))
    assert [words for _, words in said if words.startswith(name)] == ["%s (12) %s" % (name, seen)]
