"""Ordinary machines of administrators, servers and users, with what a rule might take for theft."""

from dataclasses import replace
from typing import Any, Tuple

from tests.machine import owner, spec
from tests.machine.declared import BOOT, SECOND
from tests.machine.owner import HIGH, MACHINE_SID
from tests.machine.spec import GroupSpec, LogonSessionSpec, Machine, PrivilegesSpec
from tests.machine.strange import (
    BORIS,
    CALCULATOR,
    CMD,
    CONHOST,
    DCOM,
    EXPLORER,
    LSASS,
    NOTEPAD,
    QUIET,
    READER,
    RPCSS,
    SANDBOX,
    SERVICES,
    SMSS,
    WININIT,
    WINLOGON,
    Case,
    child,
    client,
    everyone,
    fresh,
    impersonating,
    with_new,
    with_process,
    with_session,
    with_token,
)

_SCHEDULE = 1120
_OWN_LOGON, _OTHER_LOGON = 0x7C110, 0x7C210
_ALONE = {"parent_id": 0, "flags": 0x2000}  # of a user with one token: nothing was filtered
_DEBUG_ON = {"privileges": owner.ELEVATED_PRIVILEGES}
_SERVICE = {
    "groups": (GroupSpec("S-1-1-0"), GroupSpec("S-1-5-6"), GroupSpec("S-1-5-11")),
    "integrity": HIGH,
    "default_owner": None,
}


def logon(machine: Machine, account: str, at: int = _OWN_LOGON, buddy: int = 0) -> Machine:
    """The machine with a logon session more."""
    return with_session(machine, LogonSessionSpec(at, account, "ANNA-PC", buddy))


def started(
    machine: Machine, name: str, parent: int, of: int, pid: int = 9000, session: int = 1, **token: Any
) -> Machine:
    """The machine with a process more, whose token is a copy of another process's; later pids are started later."""
    at = 3000 + (pid - 9000) // 8
    made = {"token_id": 0x90000 + pid * 16, "modified_id": 0x90007 + pid * 16, "session_id": session, **token}
    return with_new(machine, child(name, parent, at, pid, session), fresh(QUIET, of, "of-%d" % pid, **made))


def of_boris(machine: Machine, name: str, parent: int, pid: int = 9000, session: int = 1, **token: Any) -> Machine:
    """The same as Boris, an ordinary user with a logon of his own."""
    values = {"user": BORIS, "auth_id": _OWN_LOGON, **_ALONE, **token}
    return started(machine, name, parent, NOTEPAD, pid, session, **values)


def remote_desktop() -> Machine:
    """A second session with Boris's desktop in it, whose smss and userinit have ended."""
    made = started(logon(QUIET, "Boris"), "smss.exe", SMSS, SMSS, 9000, 2)
    made = started(made, "csrss.exe", 9000, 608, 9008, 2)
    made = started(made, "winlogon.exe", 9000, WINLOGON, 9016, 2)
    made = with_process(made, 9000, exit_time=BOOT + 3003 * SECOND)
    made = of_boris(made, "userinit.exe", 9016, 9024, 2)
    made = of_boris(made, "explorer.exe", 9024, 9032, 2)
    return with_process(made, 9024, exit_time=BOOT + 3006 * SECOND)


def server_silo() -> Machine:
    """A container with a session of its own: smss, csrss, wininit, services, lsass and a service again."""
    made = started(QUIET, "smss.exe", SMSS, SMSS, 9000, 2)
    made = started(made, "csrss.exe", 9000, 608, 9008, 2)
    made = started(made, "wininit.exe", 9000, WININIT, 9016, 2)
    made = started(made, "services.exe", 9016, SERVICES, 9024, 2)
    made = started(made, "lsass.exe", 9016, LSASS, 9032, 2)
    return started(made, "svchost.exe", 9024, RPCSS, 9040, 2)


def pool() -> Machine:
    """An IIS application pool, and a program that it runs."""
    user = "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415"
    made = started(logon(QUIET, "DefaultAppPool"), "w3wp.exe", DCOM, RPCSS, 9000, 0, user=user, auth_id=_OWN_LOGON)
    return started(made, "php-cgi.exe", 9000, RPCSS, 9008, 0, user=user, auth_id=_OWN_LOGON)


def under(first: str, second: str, of: int, parent: int = EXPLORER, base: int = NOTEPAD, **token: Any) -> Machine:
    """A program and what it starts, with a copy of the second token."""
    return started(started(QUIET, first, parent, base), second, 9000, of, 9008, **token)


_TWO = logon(logon(QUIET, "Boris", _OWN_LOGON, _OTHER_LOGON), "Boris", _OTHER_LOGON, _OWN_LOGON)
_PSEXEC = started(QUIET, "PSEXESVC.exe", SERVICES, WININIT, 9000, 0)
_SILO, _REMOTE, _POOL = server_silo(), remote_desktop(), pool()
_CONTAINER = {"auth_id": _OWN_LOGON, "parent_id": 0}
_TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
_PROTECTED = {"user": MACHINE_SID + "-1050", "auth_id": _OWN_LOGON, "parent_id": 0}  # a hidden account of Windows
_TCB = {"privileges": PrivilegesSpec((3, 7, 21, 23, 29, 30), (7, 23, 29, 30), (7, 23, 29, 30))}
_BOTH_TRANSPORT = {"user": MACHINE_SID + "-1109", "auth_id": _OWN_LOGON, **_SERVICE, **_TCB}
_LOWER = {"integrity": "S-1-16-0"}
_EARLIER = tuple(
    replace(one, create_time=one.create_time - 500 * SECOND) if one.create_time > BOOT + 960 * SECOND else one
    for one in QUIET.processes
)

ORDINARY: Tuple[Case, ...] = tuple(
    Case(name, rule, machine, mark)
    for name, rule, mark, machine in (
        ("runas Boris, below svchost", "child-gained", "", of_boris(logon(QUIET, "Boris"), "cmd.exe", DCOM)),
        ("runas Boris, below who asked", "child-gained", "", of_boris(logon(QUIET, "Boris"), "cmd.exe", CMD)),
        (
            "elevated with another administrator's password",
            "child-gained",
            "",
            started(_TWO, "mmc.exe", EXPLORER, CMD, user=BORIS, auth_id=_OWN_LOGON, parent_id=0),
        ),
        (
            "the desktop has ended, an elevated shell has not",
            "parent-and-image",
            "",
            with_process(QUIET, CMD, parent=64),
        ),
        ("psexec -s", "user-and-image", "", started(_PSEXEC, "cmd.exe", 9000, WININIT, 9008, 0)),
        ("psexec -s -i 1", "system-under-user", "", started(_PSEXEC, "cmd.exe", 9000, WININIT, 9008, 1)),
        ("a task as SYSTEM", "user-and-image", "", started(QUIET, "taskhostw.exe", _SCHEDULE, WININIT, 9000, 0)),
        ("a task with highest privileges", "child-gained", "", started(QUIET, "tool.exe", _SCHEDULE, CMD)),
        (
            "a task whether Anna is logged on or not",
            "new-credentials",
            "i",
            started(
                logon(QUIET, "Anna"), "tool.exe", _SCHEDULE, CMD, 9000, 0, auth_id=_OWN_LOGON, source_name=b"Advapi  "
            ),
        ),
        (
            "TrustedInstaller",
            "child-gained",
            "",
            started(
                QUIET,
                "TrustedInstaller.exe",
                SERVICES,
                WININIT,
                9000,
                0,
                groups=(*QUIET.tokens["of-588"].groups, GroupSpec(_TRUSTED_INSTALLER, spec.SERVICE_SID)),
            ),
        ),
        ("a renderer", "integrity-and-user", "", under("chrome.exe", "chrome.exe", SANDBOX)),
        ("a part of a browser in an AppContainer", "child-gained", "", under("msedge.exe", "msedge.exe", CALCULATOR)),
        ("a part of a browser at Low", "label-and-flags", "", under("firefox.exe", "firefox.exe", READER)),
        (
            "a renderer that is being started acts under its first token, restricted as its own",
            "impersonates-stronger",
            "i",
            impersonating(QUIET, SANDBOX, client(QUIET, SANDBOX), spec.IMPERSONATE),
        ),
        (
            "a container's administrator",
            "integrity-and-user",
            "",
            started(
                logon(QUIET, "ContainerAdministrator"), "cmd.exe", DCOM, CMD, 9000, 0, user="S-1-5-93-2-1", **_CONTAINER
            ),
        ),
        ("a container's session", "parent-and-image", "", _SILO),
        ("Linux below its host", "child-gained", "", under("wsl.exe", "bash", CMD, base=CMD)),
        ("an application pool", "child-gained", "", _POOL),
        (
            "an application pool serves an administrator",
            "impersonates-stronger",
            "i",
            impersonating(_POOL, 9000, client(QUIET, CMD, level=spec.DELEGATION), spec.DELEGATION),
        ),
        (
            "a service's account that may act as part of the system",
            "system-privileges",
            "i",
            started(logon(QUIET, "c2wts"), "c2wtshost.exe", SERVICES, RPCSS, 9000, 0, **_BOTH_TRANSPORT),
        ),
        ("another's desktop by remote", "parent-and-image", "", _REMOTE),
        ("a program on it", "session-and-token", "", of_boris(_REMOTE, "notepad.exe", 9032, 9040, 2)),
        ("its lock screen", "system-under-user", "", started(_REMOTE, "LogonUI.exe", 9016, WINLOGON, 9040, 2)),
        (
            "its window manager",
            "logon-session",
            "",
            started(
                logon(_REMOTE, "DWM-2", _OTHER_LOGON),
                "dwm.exe",
                9016,
                WINLOGON,
                9040,
                2,
                user="S-1-5-90-0-2",
                auth_id=_OTHER_LOGON,
            ),
        ),
        ("sihost for Anna", "user-and-image", "", started(QUIET, "sihost.exe", _SCHEDULE, NOTEPAD)),
        (
            "WinDbg's engine",
            "debug-privilege",
            "i",
            started(
                started(QUIET, "DbgX.Shell.exe", CMD, CMD, **_DEBUG_ON), "EngHost.exe", 9000, CMD, 9008, **_DEBUG_ON
            ),
        ),
        (
            "what a debugger started",
            "debug-privilege",
            "i",
            started(started(QUIET, "windbg.exe", CMD, CMD, **_DEBUG_ON), "target.exe", 9000, CMD, 9008, **_DEBUG_ON),
        ),
        (
            "an installer's part as SYSTEM below Anna's",
            "system-under-user",
            "i",
            under("msiexec.exe", "msiexec.exe", WINLOGON, base=CMD),
        ),
        (
            "an elevated installer starts the browser",
            "child-gained",
            "",
            under("setup.exe", "chrome.exe", NOTEPAD, base=CMD),
        ),
        (
            "WMI for an administrator",
            "impersonates-stronger",
            "i",
            impersonating(
                started(QUIET, "WmiPrvSE.exe", DCOM, RPCSS, 9000, 0), 9000, client(QUIET, CMD), spec.IMPERSONATE
            ),
        ),
        (
            "Administrator Protection",
            "logon-session",
            "",
            started(logon(QUIET, "ADMIN_Anna"), "cmd.exe", EXPLORER, CMD, **_PROTECTED),
        ),
        (
            "the built-in Administrator",
            "integrity-and-user",
            "",
            started(
                logon(QUIET, "Administrator"),
                "cmd.exe",
                DCOM,
                CMD,
                user=MACHINE_SID + "-500",
                auth_id=_OWN_LOGON,
                parent_id=0,
            ),
        ),
        (
            "an account of Entra",
            "logon-session",
            "",
            of_boris(logon(QUIET, "AzureAD"), "x.exe", DCOM, user="S-1-12-1-1-2-3-4"),
        ),
        (
            "a program without any privilege",
            "child-gained",
            "",
            with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec(())),
        ),
        (
            "a service that asked for two privileges",
            "system-privileges",
            "",
            with_token(QUIET, RPCSS, privileges=PrivilegesSpec((23, 29), (23, 29), (23, 29))),
        ),
        (
            "restricted, with flag and list",
            "flags-and-members",
            "",
            with_token(QUIET, NOTEPAD, **{"restricted": (GroupSpec("S-1-5-12"),), "flags": 0x2A10}),
        ),
        (
            "a client over the network",
            "impersonates-stronger",
            "i",
            impersonating(
                logon(QUIET, "Boris"),
                LSASS,
                client(QUIET, NOTEPAD, user=BORIS, auth_id=_OWN_LOGON, originating_id=0, source_name=b"NtLmSsp "),
                spec.IMPERSONATE,
            ),
        ),
        (
            "a Low program acts as its own user at Medium",
            "impersonates-stronger",
            "i",
            impersonating(QUIET, READER, client(QUIET, EXPLORER), spec.IMPERSONATE),
        ),
        ("a parent that is its child's child", "parent-and-image", "", with_process(QUIET, CMD, parent=CONHOST)),
        ("a parent by attribute", "child-gained", "", with_process(QUIET, CONHOST, parent=EXPLORER)),
        ("everybody frozen", "token-flags", "", everyone(QUIET, frozen=1)),
        ("the clock was set back", "token-order", "i", replace(QUIET, processes=_EARLIER)),
    )
)
