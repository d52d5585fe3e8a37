"""Rules about who a process speaks for: user against image, integrity, elevation and session."""

from __future__ import annotations

from typing import Iterator, List, Tuple

from kdtoken.analysis.audit.finding import (
    Evidence,
    Finding,
    Rule,
    Severity,
    image_of,
    name_of,
    process_evidence,
    token_evidence,
)
from kdtoken.analysis.audit.integrity import at, bearer, holder, token_fact
from kdtoken.analysis.audit.scene import (
    IMAGE_LENGTH,
    Scene,
    group,
    is_person,
    is_service_account,
    is_system,
    level,
    session_of,
)
from kdtoken.analysis.classification import ADMINISTRATORS, Elevation, elevation, kinds
from kdtoken.model.integrity import IntegrityLevel, integrity_text
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import name_of as sid_name
from kdtoken.model.token import Token
from kdtoken.model.token_flags import TokenFlags

# ImageFileName keeps 14 characters; names here are cut so. MemProcFS' m_evil_proc2 has the same two sets.
OF_SYSTEM = frozenset(
    "system registry memcompression smss.exe csrss.exe wininit.exe winlogon.exe services.exe lsass.exe".split()
)


OF_PEOPLE = frozenset("sihost.exe explorer.exe".split())


def user_words(token: Token) -> str:
    """The user by name, a SID where only the machine could name it.

    Never by the token's logon session: where somebody wrote a token, that is another's, and its name would be a lie.
    """
    user = token.user
    return (sid_name(user) or str(user)) if isinstance(user, Sid) else "?"


def _level(value: int) -> str:
    return integrity_text(value).replace(" Mandatory Level", "")


def user_and_image(scene: Scene) -> Iterator[Finding]:
    """A system process as an ordinary user, a desktop process as a service account."""
    for row in scene.named(OF_SYSTEM | OF_PEOPLE):
        token = row.token
        ours = is_service_account(token) if isinstance(token, Token) else None
        if not isinstance(token, Token) or ours is None:
            continue
        image = image_of(row)[:IMAGE_LENGTH]
        if image in OF_SYSTEM and not ours:
            saw = "%s runs as %s, and should run as an account of Windows" % (name_of(row), user_words(token))
        elif image in OF_PEOPLE and ours:
            saw = "%s runs as %s, and should run as a person" % (name_of(row), user_words(token))
        else:
            continue
        evidence = (process_evidence(row), token_evidence(row, token.address), Evidence("user", user_words(token)))
        yield Finding(USER.id, Severity.UNUSUAL, saw, evidence, (row,), (token.address,), "%s %s" % (image, ours))


def integrity_and_user(scene: Scene) -> Iterator[Finding]:
    """Integrity against the user, the groups and the elevation."""
    for token, users in scene.primaries_of(_integrity_faults):
        value = level(token)
        for severity, fault in _integrity_faults(token):
            saw = "%s: %s" % (bearer(token, users), fault)
            entry = token.integrity_level_index
            evidence = (
                token_fact(token, users),
                Evidence("integrity level", _level(value or 0), at(token, "integrity_level_index")),
                Evidence("entry of its groups", str(entry)),
                Evidence("elevation", elevation(token).value),
            )
            yield Finding(INTEGRITY.id, severity, saw, evidence, users, (token.address,), holder(token, users)[1])


def _integrity_faults(token: Token) -> List[Tuple[Severity, str]]:
    found: List[Tuple[Severity, str]] = []
    value = level(token)
    if value is None:
        return found
    confined = bool(kinds(token))
    half = elevation(token)
    admins = group(token, ADMINISTRATORS)
    if is_system(token) and value < IntegrityLevel.SYSTEM:
        # A process may lower itself, and a sandbox is lowered: to Low and below that is what it is for.
        severity = Severity.INFORMATION if confined or value <= IntegrityLevel.LOW else Severity.UNUSUAL
        found.append((severity, "SYSTEM at integrity %s" % _level(value)))
    if is_person(token) and value >= IntegrityLevel.SYSTEM:
        found.append((Severity.UNUSUAL, "%s, an ordinary user, at integrity %s" % (user_words(token), _level(value))))
    elif half is Elevation.LIMITED and value >= IntegrityLevel.HIGH:
        uiaccess = token.has_flag(TokenFlags.UIACCESS)
        severity = Severity.INFORMATION if uiaccess else Severity.UNUSUAL
        found.append((severity, "the limited half of a UAC pair at integrity %s" % _level(value)))
    elif (
        admins is not None
        and admins.deny_only
        and value >= IntegrityLevel.HIGH
        and not token.has_flag(TokenFlags.UIACCESS)
    ):
        found.append((Severity.UNUSUAL, "integrity %s, and Administrators counts for denying only" % _level(value)))
    if admins is not None and admins.enabled and is_person(token) and value < IntegrityLevel.HIGH:
        severity = Severity.INFORMATION if confined or value <= IntegrityLevel.LOW else Severity.UNUSUAL
        found.append((severity, "Administrators is enabled at integrity %s" % _level(value)))
    elif (
        half is Elevation.FULL
        and IntegrityLevel.MEDIUM <= value < IntegrityLevel.HIGH
        and not (admins is not None and admins.enabled)
    ):
        found.append((Severity.INFORMATION, "the full half of a UAC pair at integrity %s" % _level(value)))
    return found


def sessions(scene: Scene) -> Iterator[Finding]:
    """The process is in one session, its token says another."""
    for row, token in scene.primary():
        session = session_of(row)
        if session is None or token.session_id == session or not isinstance(token.session_id, int):
            continue
        given = is_service_account(token) is not False
        saw = "%s runs in session %d, and its token says %d" % (name_of(row), session, token.session_id)
        evidence = (
            process_evidence(row),
            Evidence("session of the process", "%d" % session, row.process.address, "process"),
            Evidence("SessionId of the token", "%d" % token.session_id, token.address, "token"),
        )
        severity = Severity.INFORMATION if given else Severity.UNUSUAL
        yield Finding(SESSION.id, severity, saw, evidence, (row,), (token.address,), image_of(row))


USER = Rule(
    "user-and-image",
    Severity.UNUSUAL,
    "the user does not fit the program",
    "The first processes of Windows run as its own accounts, the desktop's as the person who is logged on.",
    (
        "a desktop run by a service: kiosk, remote support, installers",
        "a program that only has the name of one of Windows",
    ),
    "MemProcFS m_evil_proc2",
    user_and_image,
)


INTEGRITY = Rule(
    "integrity-and-user",
    Severity.UNUSUAL,
    "the integrity level does not fit user, groups or elevation",
    "LSA sets it by who logs on: System for SYSTEM, High for the full half, Medium for users; only lowering is free.",
    (
        "a sandbox, an AppContainer, a program that lowered itself (i only)",
        "UIAccess programs run between Medium and High, or at High",
        "the built-in Administrator without UAC (High, nothing filtered: left out here)",
        "an administrator's token lowered to Medium: LUA policies, SAFER levels, Medium by runas /trustlevel",
    ),
    "learn.microsoft.com Mandatory Integrity Control; winnt.h; System Informer, MemProcFS",
    integrity_and_user,
)


SESSION = Rule(
    "session-and-token",
    Severity.UNUSUAL,
    "process and token are of two sessions",
    "A process is made in the session that its token names.",
    (
        "services that start or move processes between sessions (i only)",
        "a token whose session was set by SeTcbPrivilege after the process was made",
    ),
    "learn.microsoft.com CreateProcessAsUser, TokenSessionId",
    sessions,
)

RULES = (USER, INTEGRITY, SESSION)
