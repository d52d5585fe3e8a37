"""Rules about power in the wrong place: impersonation of someone stronger, privileges that filtering takes away."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence

from kdtoken.analysis.audit.finding import (
    Evidence,
    Finding,
    Rule,
    Severity,
    image_of,
    name_of,
    token_evidence,
)
from kdtoken.analysis.audit.integrity import at, bearer, holder, token_fact
from kdtoken.analysis.audit.scene import (
    Scene,
    group,
    holds,
    is_person,
    is_service_account,
    is_system,
    level,
    thread_name,
)
from kdtoken.analysis.audit.users import user_words
from kdtoken.analysis.classification import ADMINISTRATORS, Elevation, elevation
from kdtoken.model.integrity import IntegrityLevel
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import Impersonation, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.model.token_flags import TokenFlags
from kdtoken.model.token_words import IMPERSONATION_LEVELS, value_word

_IMPERSONATION_LEVEL = 2


_DEBUG = "SeDebugPrivilege"


# Programs that enable SeDebugPrivilege as their business; names cut to 14 characters as ImageFileName is.
_DEBUGGERS = frozenset(
    name[:14]
    for name in (
        "windbg.exe windbgx.exe dbgx.shell.exe kd.exe cdb.exe ntsd.exe dbgsrv.exe devenv.exe msvsmon.exe vsjitdebugger.exe "
        "procexp.exe procexp64.exe procmon.exe procmon64.exe taskmgr.exe perfmon.exe systeminformer.exe processhacker.exe "
        "x64dbg.exe x32dbg.exe ollydbg.exe ida.exe ida64.exe powershell.exe powershell_ise.exe pwsh.exe wmiprvse.exe "
        "msmpeng.exe vmmap.exe handle.exe handle64.exe listdlls.exe procdump.exe procdump64.exe werfault.exe "
        "enghost.exe gdb.exe lldb.exe svchost.exe services.exe lsass.exe collect.py python.exe msiexec.exe tiworker.exe trustedinstaller.exe mmc.exe"
    ).split()
)


# Debuggers that start what they debug: with a copy of their own token, privileges as they are.
_STARTING = frozenset(
    name[:14]
    for name in (
        "windbg.exe windbgx.exe dbgx.shell.exe enghost.exe kd.exe cdb.exe ntsd.exe devenv.exe msvsmon.exe x64dbg.exe "
        "x32dbg.exe ollydbg.exe ida.exe ida64.exe gdb.exe lldb.exe"
    ).split()
)
# learn.microsoft.com, "Create a token object", "Act as part of the operating system": default, nobody.
_NOBODYS = ("SeCreateTokenPrivilege", "SeTcbPrivilege")
_SERVICE, _BATCH = Sid(5, (6,)), Sid(5, (3,))
_SMALL_SERVICES = (Sid(5, (19,)), Sid(5, (20,)))


def impersonation(scene: Scene) -> Iterator[Finding]:
    """A thread under the token of someone stronger than its process."""
    for row, own in scene.primary():
        if not row.threads:
            continue
        judged = set()
        for thread in row.threads:
            what = thread.impersonation
            token = row.tokens.get(what.token) if isinstance(what, Impersonation) else None
            if not isinstance(what, Impersonation) or not isinstance(token, Token) or what.token in judged:
                continue
            if not _stronger(token, own):
                continue
            judged.add(what.token)
            yield _impersonation(row, own, thread, what, token)


def _stronger(token: Token, own: Token) -> bool:
    if is_system(own) or not isinstance(token.user, Sid):
        return False
    if is_system(token) or _out_of_restriction(token, own):
        return True
    high, low = level(token), level(own)
    return high is not None and low is not None and high > low


def _out_of_restriction(token: Token, own: Token) -> bool:
    """Whether a restricted process acts as its own user without restriction."""
    count = own.restricted_sid_count
    return isinstance(count, int) and count > 0 and token.restricted_sid_count == 0 and token.user == own.user


def _impersonation(row: ProcessDump, own: Token, thread: Thread, what: Impersonation, token: Token) -> Finding:
    words = value_word(what.level, IMPERSONATION_LEVELS)
    saw = "%s of %s, which runs as %s, impersonates %s at level %s" % (
        thread_name(thread),
        name_of(row),
        user_words(own),
        user_words(token),
        words,
    )
    severity = Severity.INFORMATION
    if what.level < _IMPERSONATION_LEVEL:
        saw += "; that level cannot open anything"
    elif holds(own, "SeImpersonatePrivilege"):
        saw += "; SeImpersonatePrivilege lets a service do so"
    elif token.originating_logon_session == own.authentication_id:
        saw += "; it logged that user on itself, with credentials"
    elif token.user == own.user and not _out_of_restriction(token, own):
        saw += "; it is its own user, whose level is higher there"
    elif holds(own, "SeImpersonatePrivilege") is False:
        severity = Severity.UNUSUAL
        saw += "; without SeImpersonatePrivilege the kernel would have lowered the level"
    evidence = (
        Evidence("thread", thread_name(thread), thread.address, "thread"),
        Evidence("token that it impersonates", user_words(token), what.token, "token"),
        token_evidence(row, own.address),
        Evidence("level", words),
    )
    key = "%s impersonates %s" % (image_of(row), token.user if is_service_account(token) else "a user")
    return Finding(IMPERSONATES.id, severity, saw, evidence, (row,), (what.token, own.address), key)


def debug_privilege(scene: Scene) -> Iterator[Finding]:
    """SeDebugPrivilege where it should not be."""
    for token, users in scene.primaries_of(_debug_held):
        held = _debug_held(token)
        if held is None:
            continue
        value = level(token)
        limited = elevation(token) is Elevation.LIMITED
        if limited or value is not None and value < IntegrityLevel.HIGH and not _administrator(token):
            severity, words = (
                Severity.UNUSUAL,
                "holds SeDebugPrivilege %s"
                % ("in the limited half of a UAC pair" if limited else "below High integrity"),
            )
        elif held.enabled and _is_debugged(scene, users):
            severity, words = Severity.INFORMATION, "has SeDebugPrivilege enabled, as the debugger that started it has"
        elif held.enabled and holder(token, users)[1][:14] not in _DEBUGGERS:
            severity, words = Severity.UNUSUAL, "has SeDebugPrivilege enabled, and is no debugger that is known here"
        elif held.enabled:
            severity, words = Severity.INFORMATION, "has SeDebugPrivilege enabled, as its kind does"
        else:
            severity, words = Severity.INFORMATION, "holds SeDebugPrivilege, as every elevated administrator does"
        evidence = (token_fact(token, users), Evidence(_DEBUG, " ".join(held.words), at(token, "privileges")))
        key = "%s %s" % (holder(token, users)[1], severity.value)
        yield Finding(
            DEBUG.id, severity, "%s %s" % (bearer(token, users), words), evidence, users, (token.address,), key
        )


def _is_debugged(scene: Scene, users: Sequence[ProcessDump]) -> bool:
    """Whether a debugger started it that has the privilege enabled itself."""
    above = scene.parent(users[0]).row if users else None
    if above is None or image_of(above)[:14] not in _STARTING or not isinstance(above.token, Token):
        return False
    held = _debug_held(above.token)
    return held is not None and held.enabled


def nobodys_privileges(scene: Scene) -> Iterator[Finding]:
    """Privileges that no account has by default, outside SYSTEM."""
    for token, users in scene.primaries_of(_nobodys):
        names = _nobodys(token)
        words = ", ".join(names)
        ours = token.user in _SMALL_SERVICES
        service = not ours and any(group(token, sid) for sid in (_SERVICE, _BATCH))
        saw = "%s, which runs as %s, holds %s" % (bearer(token, users), user_words(token), words)
        if service:
            saw += "; it is a service's or a task's account, which policy may have given it"
        evidence = (token_fact(token, users), Evidence("Privileges.Present", words, at(token, "privileges")))
        severity = Severity.INFORMATION if service else Severity.UNUSUAL
        yield Finding(NOBODYS.id, severity, saw, evidence, users, (token.address,), holder(token, users)[1])


def _nobodys(token: Token) -> List[str]:
    small = token.user in _SMALL_SERVICES
    if not isinstance(token.privileges, tuple) or not (small or is_person(token)):
        return []  # virtual accounts get what the program that logs them on chooses
    if _strong(token):  # told by that rule
        return []
    wanted = (*_NOBODYS, _DEBUG) if small else _NOBODYS
    return [p.name for p in token.privileges if p.present and p.name in wanted]


def _debug_held(token: Token) -> Optional[Privilege]:
    """SeDebugPrivilege of what is known not to be a service's."""
    if not isinstance(token.privileges, tuple) or is_service_account(token) is not False:
        return None
    return next((p for p in token.privileges if p.name == _DEBUG and p.present), None)


def _administrator(token: Token) -> bool:
    """Whether Administrators is enabled: then lowering its level left it its privileges."""
    admins = group(token, ADMINISTRATORS)
    return admins is not None and admins.enabled


def strong_and_limited(scene: Scene) -> Iterator[Finding]:
    """Privileges that filtering takes away, held by what UAC filtered, or in an AppContainer or at Low."""
    for token, users in scene.primaries_of(_strong):
        strong, filtered = _strong(token), _is_filtered(token)
        words = ", ".join(strong[:5]) + (" and %d more" % (len(strong) - 5) if len(strong) > 5 else "")
        where = "filtered" if filtered else "confined"
        saw = "%s holds %s in a %s token" % (bearer(token, users), words, where)
        evidence = (token_fact(token, users), Evidence("Privileges.Present", words, at(token, "privileges")))
        # SeImpersonate alone is left to services' sandboxes.
        usual = strong == ["SeImpersonatePrivilege"] and not filtered
        severity = Severity.INFORMATION if usual else Severity.UNUSUAL
        yield Finding(STRONG.id, severity, saw, evidence, users, (token.address,), holder(token, users)[1])


def _is_filtered(token: Token) -> bool:
    value = level(token)
    return bool(token.has_flag(TokenFlags.IS_FILTERED)) and (value is None or value < IntegrityLevel.HIGH)


def _strong(token: Token) -> List[str]:
    """What a filtered or confined token holds that filtering takes away; SeDebugPrivilege has a rule of its own."""
    if not isinstance(token.privileges, tuple) or is_service_account(token) is not False:
        return []
    value = level(token)
    low = token.has_flag(TokenFlags.LOWBOX) or (
        value is not None and value <= IntegrityLevel.LOW and not _administrator(token)
    )
    if not low and not _is_filtered(token):
        return []
    return [p.name for p in token.privileges if p.present and p.danger and p.name != _DEBUG]


IMPERSONATES = Rule(
    "impersonates-stronger",
    Severity.UNUSUAL,
    "a thread impersonates someone stronger than its process",
    "Without SeImpersonatePrivilege the kernel lowers such an impersonation to Identification, and that of its own user "
    "without the restricting SIDs that the process has, too.",
    (
        "services with SeImpersonatePrivilege: RPC and COM servers do it all day (i only)",
        "levels below Impersonation, which cannot open anything (i only)",
        "a user whom the process logged on itself, with a password (i only)",
        "its own user at a higher level (i only): whether the kernel would have lowered that is not documented",
        "the privilege was held when the impersonation began, and removed since",
    ),
    "learn.microsoft.com ImpersonateLoggedOnUser; ntifs PsImpersonateClient; ReactOS SeTokenCanImpersonate; MemProcFS has "
    "it as a noisy rule",
    impersonation,
)


DEBUG = Rule(
    "debug-privilege",
    Severity.UNUSUAL,
    "SeDebugPrivilege enabled outside debuggers, or held where it is filtered away",
    "It opens every process whatever its descriptor says. Administrators hold it disabled; filtering takes it away.",
    (
        "debuggers and what they start, process viewers, PowerShell, Visual Studio, WMI, security products (i only)",
        "a policy that gives it to ordinary users (developers' machines)",
        "an administrative tool that is not known here",
    ),
    "MemProcFS; learn.microsoft.com Privilege Constants",
    debug_privilege,
)


STRONG = Rule(
    "strong-and-filtered",
    Severity.UNUSUAL,
    "privileges in a filtered or confined token that filtering takes away",
    "UAC leaves five harmless privileges; no documented call adds one to a token.",
    ("a user right given to the user by policy and kept by a filter other than UAC's",),
    "learn.microsoft.com CreateRestrictedToken (LUA_TOKEN); captures of filtered tokens; a public capture of rewriting",
    strong_and_limited,
)

NOBODYS = Rule(
    "system-privileges",
    Severity.UNUSUAL,
    "privileges outside SYSTEM that no account has by default",
    "SeTcbPrivilege and SeCreateTokenPrivilege are given to nobody but SYSTEM, and SeDebugPrivilege to neither LOCAL nor "
    "NETWORK SERVICE; whoever has them can be anybody.",
    (
        "a service's or a task's account that policy gives them to: protocol transition, old backup products (i only)",
        "a policy that gives them to a person's account",
    ),
    "learn.microsoft.com User Rights Assignment (defaults), LocalService Account, NetworkService Account",
    nobodys_privileges,
)
RULES = (IMPERSONATES, DEBUG, STRONG, NOBODYS)
