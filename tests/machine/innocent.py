"""Machines with something on them that a rule of the audit might take for theft, and is not."""

from dataclasses import replace
from typing import Tuple

from tests.machine import owner, spec, tokens
from tests.machine.declared import BOOT, SECOND
from tests.machine.ordinary import ORDINARY
from tests.machine.owner import ADMINS, HIGH, LOW
from tests.machine.spec import GroupSpec, LogonSessionSpec, PrivilegesSpec, ProcessSpec
from tests.machine.strange import (
    BORIS,
    BORIS_ID,
    CMD,
    DCOM,
    EXPLORER,
    LSASS,
    NOTEPAD,
    PAINT,
    QUIET,
    RPCSS,
    SECOND_LOGON,
    SERVICES,
    SMSS,
    WININIT,
    WINLOGON,
    Case,
    child,
    client,
    fresh,
    impersonating,
    with_new,
    with_process,
    with_session,
    with_token,
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
INNOCENT += ORDINARY
