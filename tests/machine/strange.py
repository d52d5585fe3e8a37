"""Declared machines on which something is strange, and others that only look so.

QUIET is THE machine without its own oddities: nothing on it is worth a remark.  Each guilty machine is QUIET with one
thing written into it, each innocent one is QUIET with something that a rule might take for it.
"""

from dataclasses import dataclass, replace
from typing import Any, Dict, Optional, Tuple

from tests.machine import owner, spec, tokens
from tests.machine.declared import BOOT, MACHINE, SECOND, SYSTEM32
from tests.machine.owner import ADMINS, HIGH, LOW, MEDIUM, SYSTEM_LEVEL
from tests.machine.spec import GroupSpec, LogonSessionSpec, Machine, PrivilegesSpec, ProcessSpec, ThreadSpec, TokenSpec

SYSTEM, SMSS, WININIT, WINLOGON, SERVICES, LSASS, DCOM, RPCSS = 4, 396, 588, 668, 724, 744, 868, 980
EXPLORER, READER, CALCULATOR, CHROME, SANDBOX, NOTEPAD, PAINT, CMD, CONHOST = (
    4120,
    5300,
    5716,
    5952,
    5996,
    6104,
    6240,
    6488,
    6520,
)
BORIS = owner.MACHINE_SID + "-1002"
BORIS_ID, SECOND_LOGON = 0x7A210, 0x7B330


def quiet() -> Machine:
    """THE machine with a token for every process, in the order in which they were started, and no debugger."""
    made: Dict[str, TokenSpec] = {}
    processes = []
    shared = {4: "system", 92: "system"}
    for process in MACHINE.processes:
        if process.pid == 6040:  # the search service under a user's shell
            continue
        if process.token is None or process.pid in shared:
            processes.append(process)
            continue
        key = "of-%d" % process.pid
        made[key] = replace(MACHINE.tokens[process.token], key=key, paged_out=frozenset())
        processes.append(replace(process, token=key))
    luid = 0x80000
    for process in sorted(processes, key=lambda one: one.create_time):
        if process.token in made:
            # Adjusted soon after, before the next process was started.
            made[process.token] = replace(made[process.token], token_id=luid, modified_id=luid + 7)
            luid += 0x100
    made["of-5952"] = replace(made["of-5952"], parent_id=made["of-4120"].token_id)
    made["of-6488"] = replace(made["of-6488"], privileges=owner.ADMIN_PRIVILEGES)
    made["of-6520"] = replace(made["of-6520"], privileges=owner.ADMIN_PRIVILEGES)
    return Machine(tuple(processes), {**MACHINE.tokens, **made}, MACHINE.logon_sessions)


QUIET = quiet()


def with_process(machine: Machine, pid: int, **values: Any) -> Machine:
    """The machine with one process changed."""
    changed = tuple(replace(one, **values) if one.pid == pid else one for one in machine.processes)
    return replace(machine, processes=changed)


def with_token(machine: Machine, pid: int, **values: Any) -> Machine:
    """The machine with a process's token changed."""
    key = machine.process(pid).token
    assert key is not None
    return replace(machine, tokens={**machine.tokens, key: replace(machine.tokens[key], **values)})


def with_new(machine: Machine, process: ProcessSpec, token: TokenSpec) -> Machine:
    """The machine with one process more, at the end of the list, and its token."""
    added = replace(process, token=token.key)
    return replace(machine, processes=(*machine.processes, added), tokens={**machine.tokens, token.key: token})


def child(name: str, parent: int, at: int = 3000, pid: int = 9000, session: int = 1, **more: Any) -> ProcessSpec:
    """A process started at that second after the boot."""
    return ProcessSpec(
        pid,
        SYSTEM32 + name,
        None,
        parent=parent,
        session=session,
        threads=(ThreadSpec(pid + 4),),
        create_time=BOOT + at * SECOND,
        **more,
    )


def fresh(machine: Machine, pid: int, key: str = "fresh", **values: Any) -> TokenSpec:
    """A copy of a process's token, made later than all others."""
    of = machine.process(pid).token
    assert of is not None
    return replace(machine.tokens[of], key=key, **{"token_id": 0x90000, "modified_id": 0x90007, **values})


def impersonating(machine: Machine, pid: int, token: TokenSpec, level: int, **more: Any) -> Machine:
    """The machine with a thread more in a process, which impersonates that token."""
    thread = ThreadSpec(pid + 44, token.key, level, **more)
    process = machine.process(pid)
    changed = with_process(machine, pid, threads=(*process.threads, thread))
    return replace(changed, tokens={**changed.tokens, token.key: token})


def client(machine: Machine, pid: int, **values: Any) -> TokenSpec:
    """An impersonation copy of a process's token."""
    return fresh(
        machine, pid, "client", **{"type": spec.IMPERSONATION, "level": spec.IMPERSONATE, "in_use": False, **values}
    )


def with_session(machine: Machine, session: LogonSessionSpec) -> Machine:
    """The machine with a logon session more."""
    return replace(machine, logon_sessions=(*machine.logon_sessions, session))


# The tour's incident: mspaint's fast reference leads to winlogon's token, and nothing else is wrong.
INCIDENT = with_process(QUIET, PAINT, token="of-%d" % WINLOGON)


@dataclass(frozen=True)
class Case:
    """A machine and what a rule says of it.

    rule   the rule that it is about
    mark   "!!", "!" or "i" for a guilty one; for an innocent one the worst that the rule may say, "" for nothing
    pid    the process that the finding is about first; None where any will do
    token  key of the token that the evidence must name by its address
    shown  whether printed text shows it too (!process and !token)
    """

    name: str
    rule: str
    machine: Machine
    mark: str
    pid: Optional[int] = None
    token: Optional[str] = None
    shown: bool = False


def _everyone(machine: Machine, **values: Any) -> Machine:
    return replace(machine, processes=tuple(replace(one, **values) for one in machine.processes))


_ALL_ONES = tuple(range(64))
_DEBUG_ON = PrivilegesSpec((*owner.USER_PRIVILEGES.present, 20), (23, 20), (23,))
_HIGH_USER = {"integrity": SYSTEM_LEVEL}

GUILTY: Tuple[Case, ...] = (
    Case(
        "notepad on winlogon's token",
        "shared-token",
        with_process(QUIET, NOTEPAD, token="of-668"),
        "!!",
        NOTEPAD,
        "of-668",
    ),
    Case(
        "notepad on cmd's elevated token",
        "shared-token",
        with_process(QUIET, NOTEPAD, token="of-6488"),
        "!!",
        NOTEPAD,
        "of-6488",
    ),
    Case(
        "conhost on cmd's token",
        "shared-token",
        with_process(QUIET, CONHOST, token="of-6488"),
        "!",
        CONHOST,
        "of-6488",
        True,
    ),
    Case(
        "notepad on System's token",
        "boot-token",
        with_process(QUIET, NOTEPAD, token="system"),
        "!!",
        NOTEPAD,
        "system",
        True,
    ),
    Case(
        "System's token, and no symbol for it",
        "boot-token",
        replace(with_process(QUIET, CMD, token="system"), boot_token=None),
        "!!",
        CMD,
        "system",
        True,
    ),
    Case(
        "a copy of the bytes of lsass's token",
        "twin-token",
        with_token(
            QUIET,
            NOTEPAD,
            **{
                name: getattr(QUIET.tokens["of-744"], name)
                for name in (
                    "user",
                    "auth_id",
                    "token_id",
                    "modified_id",
                    "privileges",
                    "groups",
                    "integrity",
                    "source_name",
                    "originating_id",
                    "parent_id",
                    "flags",
                    "default_owner",
                )
            },
        ),
        "!!",
        NOTEPAD,
        "of-744",
    ),
    Case(
        "Enabled written, Present not",
        "enabled-not-present",
        with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec((19, 23, 25, 33, 34), (23, 20, 7), (23,))),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "masks filled with ones",
        "nameless-privileges",
        with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec(_ALL_ONES, _ALL_ONES, (23,))),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "a bit above every privilege",
        "nameless-privileges",
        with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec((23, 45), (23,), (23,))),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "the label's index out of range",
        "label-entry",
        with_token(QUIET, NOTEPAD, written=(("IntegrityLevelIndex", 60),)),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "the label's index on a group",
        "label-entry",
        with_token(QUIET, NOTEPAD, written=(("IntegrityLevelIndex", 3),)),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "a label without its attributes",
        "label-entry",
        with_token(QUIET, NOTEPAD, label_attributes=0x7),
        "!!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "the owner's index out of range",
        "label-entry",
        with_token(QUIET, NOTEPAD, written=(("DefaultOwnerIndex", 99),)),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "an owner that may not be one",
        "label-entry",
        with_token(QUIET, NOTEPAD, default_owner="S-1-5-32-545"),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "groups exchanged, their hash not",
        "sid-hash",
        with_token(QUIET, NOTEPAD, written=(("SidHash.SidCount", 4),)),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "the hash of another list",
        "sid-hash",
        with_token(QUIET, NOTEPAD, written=(("SidHash.SidAttr", 0xFFFFCC8A00001000),)),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "restricting SIDs taken out, their hash not",
        "sid-hash",
        with_token(QUIET, CHROME, written=(("RestrictedSidCount", 0),)),
        "!!",
        CHROME,
        "of-5952",
    ),
    Case(
        "Low to System in place",
        "label-and-flags",
        with_token(QUIET, READER, integrity=SYSTEM_LEVEL),
        "!",
        READER,
        "of-5300",
        True,
    ),
    Case(
        "mandatory policy off", "integrity-off", with_token(QUIET, NOTEPAD, mandatory_policy=0), "!", NOTEPAD, "of-6104"
    ),
    Case("lsass as Anna", "user-and-image", with_process(QUIET, LSASS, token="of-6488"), "!", LSASS, "of-6488", True),
    Case(
        "explorer as SYSTEM",
        "user-and-image",
        with_token(QUIET, EXPLORER, user=owner.SYSTEM),
        "!",
        EXPLORER,
        "of-4120",
        True,
    ),
    Case(
        "svchost under explorer",
        "parent-and-image",
        with_new(QUIET, child("svchost.exe", EXPLORER), fresh(QUIET, NOTEPAD)),
        "!",
        9000,
    ),
    Case(
        "a second lsass under cmd",
        "parent-and-image",
        with_new(QUIET, child("lsass.exe", CMD), fresh(QUIET, CMD)),
        "!",
        9000,
    ),
    Case(
        "a SYSTEM shell under notepad",
        "system-under-user",
        with_new(QUIET, child("shell.exe", NOTEPAD), fresh(QUIET, WINLOGON)),
        "!",
        9000,
        "fresh",
    ),
    Case(
        "the limited half at System",
        "integrity-and-user",
        with_token(QUIET, NOTEPAD, integrity=SYSTEM_LEVEL),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "the limited half at High",
        "integrity-and-user",
        with_token(QUIET, NOTEPAD, integrity=HIGH),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "SYSTEM at Medium", "integrity-and-user", with_token(QUIET, LSASS, integrity=MEDIUM), "!", LSASS, "of-744", True
    ),
    Case(
        "Administrators enabled at Medium",
        "integrity-and-user",
        with_token(QUIET, NOTEPAD, groups=owner._anna_groups(spec.OWNER)),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "Anna's process in the services' session",
        "session-and-token",
        with_process(QUIET, NOTEPAD, session=0),
        "!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "a child at High of a Medium parent",
        "child-gained",
        with_new(QUIET, child("tool.exe", NOTEPAD), fresh(QUIET, NOTEPAD, integrity=HIGH)),
        "!",
        9000,
        "fresh",
    ),
    Case(
        "a child with a privilege more",
        "child-gained",
        with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec((19, 23, 25, 33, 34, 17), (23,), (23,))),
        "!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "a child out of its parent's sandbox",
        "child-gained",
        with_new(QUIET, child("tool.exe", SANDBOX), fresh(QUIET, NOTEPAD)),
        "!",
        9000,
        "fresh",
    ),
    Case(
        "a SYSTEM child of notepad",
        "child-gained",
        with_new(QUIET, child("tool.exe", NOTEPAD, session=0), fresh(QUIET, WININIT)),
        "!",
        9000,
        "fresh",
    ),
    Case(
        "notepad impersonates SYSTEM",
        "impersonates-stronger",
        impersonating(QUIET, NOTEPAD, client(QUIET, LSASS), spec.IMPERSONATE),
        "!",
        NOTEPAD,
        "client",
    ),
    Case(
        "notepad impersonates the elevated half",
        "impersonates-stronger",
        impersonating(QUIET, NOTEPAD, client(QUIET, CMD, user=BORIS), spec.IMPERSONATE),
        "!",
        NOTEPAD,
        "client",
    ),
    Case(
        "SeDebugPrivilege at Medium",
        "debug-privilege",
        with_token(QUIET, NOTEPAD, privileges=_DEBUG_ON),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "SeDebugPrivilege enabled in no debugger",
        "debug-privilege",
        with_token(QUIET, CMD, privileges=owner.ELEVATED_PRIVILEGES),
        "!",
        CMD,
        "of-6488",
        True,
    ),
    Case(
        "every privilege in a filtered token",
        "strong-and-filtered",
        with_token(QUIET, NOTEPAD, privileges=tokens.SYSTEM_PRIVILEGES),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "a source that nobody knows",
        "token-source",
        with_token(QUIET, NOTEPAD, source_name=b"Mallory\0"),
        "i",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case("no logon session", "logon-session", with_token(QUIET, NOTEPAD, auth_id=0x123456), "!", NOTEPAD, "of-6104"),
    Case(
        "Anna in SYSTEM's logon session",
        "logon-session",
        with_token(QUIET, NOTEPAD, auth_id=0x3E7),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "a token newer than the process",
        "token-order",
        with_token(QUIET, EXPLORER, token_id=0x95000, modified_id=0x94000),
        "!",
        EXPLORER,
        "of-4120",
    ),
    Case(
        "a process not frozen among frozen ones",
        "token-flags",
        with_process(_everyone(QUIET, frozen=1), NOTEPAD, frozen=0),
        "i",
        NOTEPAD,
    ),
    Case("a token not in use", "token-flags", with_token(QUIET, NOTEPAD, in_use=False), "i", NOTEPAD, "of-6104", True),
    Case(
        "a process under an impersonation token",
        "primary-type",
        with_token(QUIET, NOTEPAD, type=spec.IMPERSONATION, level=spec.IMPERSONATE),
        "!!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "Anna again in a logon of her own",
        "new-credentials",
        with_new(
            with_session(QUIET, LogonSessionSpec(SECOND_LOGON, "Anna", "ANNA-PC")),
            child("tool.exe", NOTEPAD),
            fresh(QUIET, NOTEPAD, auth_id=SECOND_LOGON),
        ),
        "i",
        9000,
        "fresh",
    ),
)

_EXITED = {"exit_time": BOOT + 2500 * SECOND}
_BORIS = fresh(QUIET, NOTEPAD, "boris", user=BORIS, auth_id=BORIS_ID, source_id=0x7A1F0, parent_id=0, flags=0x2000)
_WITH_BORIS = with_session(QUIET, LogonSessionSpec(BORIS_ID, "Boris", "ANNA-PC"))
_UIACCESS = {"flags": 0x3A00, "integrity": "S-1-16-8208"}
# Removed from the parent after the child was started: its ModifiedId is newer than the child's token.
_CUT_DOWN = {"privileges": PrivilegesSpec((23,), (23,), (23,)), "modified_id": 0x95000}

INNOCENT: Tuple[Case, ...] = (
    Case("quiet", "", QUIET, ""),
    Case("Registry on System's token", "shared-token", QUIET, ""),
    Case(
        "Secure System and MemCompression",
        "boot-token",
        replace(
            QUIET,
            processes=(
                *QUIET.processes,
                ProcessSpec(72, "Secure System", "system", parent=4, session=None, create_time=BOOT),
                ProcessSpec(1976, "MemCompression", "system", parent=4, session=None, create_time=BOOT + 90 * SECOND),
            ),
        ),
        "",
    ),
    Case(
        "an ended process that still holds a token",
        "shared-token",
        with_process(QUIET, NOTEPAD, token="of-6488", **_EXITED),
        "",
    ),
    Case(
        "threads share a client's token",
        "shared-token",
        impersonating(
            impersonating(QUIET, RPCSS, client(QUIET, NOTEPAD), spec.IMPERSONATE),
            DCOM,
            client(QUIET, NOTEPAD),
            spec.IMPERSONATE,
        ),
        "",
    ),
    Case("a process whose token is gone", "shared-token", with_process(QUIET, NOTEPAD, token=None, **_EXITED), ""),
    Case("low bits of the fast reference", "shared-token", with_token(QUIET, NOTEPAD, fast_ref=0x3), ""),
    Case(
        "duplicates that keep the ModifiedId",
        "twin-token",
        with_token(QUIET, NOTEPAD, modified_id=QUIET.tokens["of-4120"].modified_id),
        "",
    ),
    Case(
        "a token of a process and of a thread",
        "twin-token",
        impersonating(QUIET, RPCSS, replace(QUIET.tokens["of-6104"], key="of-6104"), spec.IMPERSONATE),
        "",
    ),
    Case(
        "removed privileges left in EnabledByDefault",
        "enabled-not-present",
        with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec((23,), (23,), (23, 30, 19, 25))),
        "",
    ),
    Case(
        "nothing enabled",
        "enabled-not-present",
        with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec((19, 23), (), ())),
        "",
    ),
    Case(
        "every privilege that has a name",
        "nameless-privileges",
        with_token(QUIET, LSASS, privileges=PrivilegesSpec(tuple(range(2, 37)), (23,), (23,))),
        "",
    ),
    Case(
        "a token without a label",
        "label-entry",
        with_token(QUIET, NOTEPAD, written=(("IntegrityLevelIndex", 0xFFFFFFFF),)),
        "",
    ),
    Case("Administrators as the owner", "label-entry", with_token(QUIET, CMD, default_owner=ADMINS), ""),
    Case("a level between two names", "label-entry", with_token(QUIET, NOTEPAD, integrity="S-1-16-8448"), ""),
    Case("no restricting SIDs, no hash of them", "sid-hash", QUIET, ""),
    Case(
        "restricted, with its hash",
        "sid-hash",
        with_token(QUIET, PAINT, restricted=(GroupSpec("S-1-5-12"),), flags=0x2A10),
        "",
    ),
    Case(
        "a program that lowered itself", "label-and-flags", with_token(QUIET, NOTEPAD, integrity=LOW, flags=0x0A00), ""
    ),
    Case("Medium Plus", "label-and-flags", with_token(QUIET, NOTEPAD, integrity="S-1-16-8448"), ""),
    Case("NEW_PROCESS_MIN off", "integrity-off", with_token(QUIET, NOTEPAD, mandatory_policy=1), ""),
    Case(
        "an anonymous client without a policy",
        "integrity-off",
        impersonating(
            QUIET,
            RPCSS,
            replace(tokens.ANONYMOUS_TOKEN, key="nobody", token_id=0x90100, mandatory_policy=0),
            spec.ANONYMOUS,
        ),
        "",
    ),
    Case(
        "a shell as SYSTEM",
        "user-and-image",
        with_new(QUIET, child("cmd.exe", SERVICES, session=0), fresh(QUIET, WININIT)),
        "",
    ),
    Case(
        "dwm as a window manager",
        "user-and-image",
        with_new(
            with_session(QUIET, LogonSessionSpec(SECOND_LOGON, "DWM-1", "Window Manager")),
            child("dwm.exe", WINLOGON, 12, 900),
            fresh(QUIET, WINLOGON, user="S-1-5-90-0-1", auth_id=SECOND_LOGON, token_id=0x80850),
        ),
        "",
    ),
    Case("a parent that is gone", "parent-and-image", with_process(QUIET, LSASS, parent=580), ""),
    Case("a parent's id that a later process has", "parent-and-image", with_process(QUIET, LSASS, parent=NOTEPAD), ""),
    Case(
        "svchost started by a security product",
        "parent-and-image",
        with_new(QUIET, child("svchost.exe", 9100, 3001), fresh(QUIET, WININIT)),
        "",
    ),
    Case(
        "the print service",
        "parent-and-image",
        with_new(QUIET, child("spoolsv.exe", SERVICES, session=0), fresh(QUIET, WININIT)),
        "",
    ),
    Case("winlogon in a user's session", "system-under-user", QUIET, ""),
    Case(
        "consent asks in Anna's session",
        "system-under-user",
        with_new(QUIET, child("consent.exe", DCOM), fresh(QUIET, WINLOGON)),
        "",
    ),
    Case(
        "Utilman below explorer",
        "system-under-user",
        with_new(QUIET, child("utilman.exe", EXPLORER), fresh(QUIET, WINLOGON)),
        "i",
    ),
    Case(
        "WerFault below what crashed",
        "child-gained",
        with_new(QUIET, child("WerFault.exe", NOTEPAD), fresh(QUIET, WINLOGON)),
        "i",
    ),
    Case(
        "SYSTEM in a session, its parent's id reused",
        "system-under-user",
        with_new(QUIET, child("tool.exe", NOTEPAD, 20), fresh(QUIET, WINLOGON, token_id=0x80B10)),
        "",
    ),
    Case("an AppContainer is Low", "integrity-and-user", QUIET, ""),
    Case(
        "a sandbox is Untrusted",
        "integrity-and-user",
        with_token(QUIET, LSASS, integrity="S-1-16-0", flags=0x0010, restricted=(GroupSpec("S-1-0-0"),)),
        "i",
    ),
    Case("UIAccess between Medium and High", "integrity-and-user", with_token(QUIET, NOTEPAD, **_UIACCESS), ""),
    Case("UIAccess at High", "integrity-and-user", with_token(QUIET, NOTEPAD, flags=0x3A00, integrity=HIGH), "i"),
    Case(
        "the built-in Administrator, unfiltered",
        "integrity-and-user",
        with_new(
            with_session(QUIET, LogonSessionSpec(BORIS_ID, "Administrator", "ANNA-PC")),
            child("cmd.exe", 4072, 3000),
            fresh(QUIET, CMD, user=owner.MACHINE_SID + "-500", auth_id=BORIS_ID),
        ),
        "",
    ),
    Case(
        "Low by its own wish, with Administrators",
        "integrity-and-user",
        with_token(QUIET, CMD, integrity=LOW, flags=0x0000),
        "i",
    ),
    Case("a service in a user's session", "session-and-token", with_process(QUIET, SERVICES, session=1), "i"),
    Case("a process outside all sessions", "session-and-token", with_process(QUIET, SMSS, session=None), ""),
    Case("a parent that was cut down since", "child-gained", with_token(QUIET, EXPLORER, **_CUT_DOWN), "i"),
    Case("elevated by UAC", "child-gained", QUIET, ""),
    Case(
        "a service starts what it may",
        "child-gained",
        with_new(QUIET, child("tool.exe", RPCSS), fresh(QUIET, NOTEPAD)),
        "",
    ),
    Case(
        "runas another user, with a password",
        "child-gained",
        with_new(_WITH_BORIS, child("notepad.exe", CMD), _BORIS),
        "",
    ),
    Case(
        "a service impersonates SYSTEM",
        "impersonates-stronger",
        impersonating(QUIET, RPCSS, client(QUIET, LSASS), spec.IMPERSONATE),
        "i",
    ),
    Case(
        "a client that let itself be identified only",
        "impersonates-stronger",
        impersonating(QUIET, NOTEPAD, client(QUIET, LSASS, level=spec.IDENTIFICATION), spec.IDENTIFICATION),
        "i",
    ),
    Case(
        "an impersonation that has ended",
        "impersonates-stronger",
        impersonating(QUIET, NOTEPAD, client(QUIET, LSASS), spec.IMPERSONATE, stale=True),
        "i",
    ),
    Case(
        "logged on with a password by the process",
        "impersonates-stronger",
        impersonating(
            _WITH_BORIS,
            NOTEPAD,
            replace(client(QUIET, CMD), user=BORIS, auth_id=BORIS_ID, originating_id=owner.FILTERED_ID),
            spec.IMPERSONATE,
        ),
        "i",
    ),
    Case(
        "its own user at its own level",
        "impersonates-stronger",
        impersonating(QUIET, NOTEPAD, client(QUIET, PAINT), spec.IMPERSONATE),
        "i",
    ),
    Case(
        "a debugger debugs",
        "debug-privilege",
        with_new(QUIET, child("windbg.exe", CMD), fresh(QUIET, CMD, privileges=owner.ELEVATED_PRIVILEGES)),
        "i",
    ),
    Case("an administrator holds it disabled", "debug-privilege", QUIET, "i"),
    Case("SYSTEM has it enabled", "debug-privilege", QUIET, "i"),
    Case("the five privileges of a filtered token", "strong-and-filtered", QUIET, ""),
    Case(
        "a service at Low keeps SeImpersonate",
        "strong-and-filtered",
        with_token(QUIET, RPCSS, integrity=LOW, flags=0x0000),
        "",
    ),
    Case("sources of Windows", "token-source", QUIET, ""),
    Case("Kerberos logged on", "token-source", with_token(QUIET, NOTEPAD, source_name=b"Kerberos"), ""),
    Case("five services in one logon session", "logon-session", QUIET, ""),
    Case(
        "a token older than the process",
        "token-order",
        with_token(QUIET, CMD, token_id=0x31C00, modified_id=0x31C07),
        "i",
    ),
    Case(
        "two processes made in the same second",
        "token-order",
        with_token(QUIET, WININIT, token_id=QUIET.tokens["of-608"].token_id + 0x10, modified_id=0),
        "",
    ),
    Case("nobody is frozen in this build", "token-flags", QUIET, ""),
    Case(
        "System's token is not in use",
        "token-flags",
        replace(QUIET, tokens={**QUIET.tokens, "system": replace(QUIET.tokens["system"], in_use=False)}),
        "",
    ),
    Case("client tokens are impersonation tokens", "primary-type", QUIET, ""),
    Case("elevation is no new logon", "new-credentials", QUIET, ""),
)
