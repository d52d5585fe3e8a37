"""What kind of token this is, and what about it is out of the ordinary.

Pure functions of the model.  A remark is made only from values that were read; what is
unreadable never counts as zero, and is named in a remark of its own.
"""

from __future__ import annotations

from enum import Enum
from typing import List, Tuple

from kdtoken.analysis.consistency import faults, hash_faults, integrity_level, oddities, process_oddities
from kdtoken.frozen import dataclass
from kdtoken.model.absent import ElevationSaid, Missing, NotSaid, Unreadable, known
from kdtoken.model.group import ENABLED
from kdtoken.model.integrity import IntegrityLevel, integrity_text
from kdtoken.model.process import Impersonation, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import Doubt, LogonSession, Token
from kdtoken.model.token_flags import TokenFlags

LOCAL_SYSTEM = Sid(5, (18,))
ADMINISTRATORS = Sid(5, (32, 544))
# Services' own accounts hold sensitive privileges as a matter of course.
SERVICE_ACCOUNTS = (LOCAL_SYSTEM, Sid(5, (19,)), Sid(5, (20,)))
# A secure process (of VTL 1) is nothing that a walk of the ordinary kernel's list meets.
_COMMON_LEVELS = frozenset(IntegrityLevel) - {IntegrityLevel.SECURE_PROCESS}


class Elevation(Enum):
    """TOKEN_ELEVATION_TYPE as Windows would report it (winnt.h), told from the kernel's fields."""

    DEFAULT = "default (no linked token)"
    FULL = "full (elevated half of a UAC pair)"
    LIMITED = "filtered by UAC (limited half of a pair)"
    UNKNOWN = "not known"


# TOKEN_ELEVATION_TYPE's numbers.
_SAID = {1: Elevation.DEFAULT, 2: Elevation.FULL, 3: Elevation.LIMITED}
# How the remark about privileges begins, for those that list privileges anyway.
SENSITIVE = "sensitive privileges enabled"


@dataclass(frozen=True)
class Remark:
    """One thing that a reader should know.  `serious`: it should not be there at all."""

    text: str
    serious: bool = False


def elevation(token: Token) -> Elevation:
    """The elevation type.

    A pair of logon sessions names each other in BuddyLogonId; the half whose token carries
    IS_FILTERED is the limited one.  A view may say it outright.
    """
    session = token.logon_session
    if isinstance(session, ElevationSaid):
        return _SAID.get(session.elevation, Elevation.UNKNOWN)
    if not isinstance(session, LogonSession) or not isinstance(token.flags, int):
        return Elevation.UNKNOWN
    buddy = session.buddy_logon_id
    if isinstance(buddy, Missing):
        return Elevation.UNKNOWN
    if buddy.value == 0:
        return Elevation.DEFAULT
    return Elevation.LIMITED if token.has_flag(TokenFlags.IS_FILTERED) else Elevation.FULL


def of_another_user(token: Token, linked: Token) -> bool:
    """Whether the halves of a pair speak for two users, as those of Administrator Protection do and UAC's never."""
    return isinstance(token.user, Sid) and isinstance(linked.user, Sid) and token.user != linked.user


def managed_pair(token: Token, linked: Token) -> str:
    """What that means, in words.

    Administrator Protection (Windows 11 25H2; "Administrator protection" on learn.microsoft.com): elevation runs under
    a hidden account that Windows makes for the user, ADMIN_..., with a profile and logons of its own.
    """
    full = TokenFlags.SYSTEM_MANAGED_ADMIN_FULL_TOKEN
    if token.has_flag(full) or linked.has_flag(full):
        return "Administrator Protection: what is elevated runs as an account that Windows keeps for this (ADMIN_...)"
    return "the halves of a pair are one user's, but for Administrator Protection, whose flag neither has"


def kinds(token: Token) -> Tuple[str, ...]:
    """Words for what confines the token: AppContainer, restricted, write-restricted ..."""
    words = []
    if token.has_flag(TokenFlags.LOWBOX) or isinstance(token.package, Sid):
        words.append("AppContainer")
    if token.has_flag(TokenFlags.WRITE_RESTRICTED):
        words.append("write-restricted")
    elif token.has_flag(TokenFlags.IS_RESTRICTED):
        words.append("restricted")
    if token.has_flag(TokenFlags.UIACCESS):
        words.append("UIAccess")
    if token.has_flag(TokenFlags.SANDBOX_INERT):
        words.append("sandbox-inert")
    return tuple(words)


def token_remarks(token: Token) -> List[Remark]:
    """What is unusual about a token by itself."""
    remarks = [Remark(problem, not isinstance(problem, Doubt)) for problem in token.problems]
    remarks += _unread_remarks(token)
    remarks += _privilege_remarks(token)
    remarks += _group_remarks(token)
    remarks += [Remark(text, True) for text in faults(token)]
    remarks += [Remark(text) for text in oddities(token)]
    for kind in kinds(token):
        if kind in ("restricted", "write-restricted"):
            what = "writes are" if kind == "write-restricted" else "every access is"
            remarks.append(Remark("%s: %s checked a second time, against the restricting SIDs" % (kind, what)))
    level = integrity_level(token)
    if level is not None and level not in _COMMON_LEVELS:
        remarks.append(Remark("its integrity level is uncommon: %s" % integrity_text(level)))
    return remarks


def _unread_remarks(token: Token) -> List[Remark]:
    """What is missing, so that nobody takes a gap for an absence."""
    missing = []
    for name, value in vars(token).items():
        words = name.replace("_", " ")
        if isinstance(value, Unreadable):
            missing.append(words)
        elif isinstance(value, tuple):
            # A SID that is listed without its attributes was read.
            holes = sum(isinstance(one, Unreadable) and getattr(one, "sid", None) is None for one in value)
            missing += ["%d of %s" % (holes, words)] if holes else []
    if not missing:
        return []
    more = " and %d more" % (len(missing) - 5) if len(missing) > 5 else ""
    return [Remark("not all of the token could be read: %s%s" % (", ".join(missing[:5]), more))]


def _privilege_remarks(token: Token) -> List[Remark]:
    privileges = token.privileges
    if isinstance(privileges, Missing):
        return []
    remarks = []
    ghosts = [p.name for p in privileges if p.enabled and not p.present]
    if ghosts:
        remarks.append(
            Remark("enabled without being present, which no documented call can do: " + ", ".join(ghosts), True)
        )
    level = integrity_level(token)
    strong = [p.name for p in token.enabled_privileges if p.danger]
    if strong and token.user not in SERVICE_ACCOUNTS:
        below = level is not None and level < IntegrityLevel.HIGH
        usual = strong == ["SeImpersonatePrivilege"] and not below
        if not usual:
            remarks.append(Remark("%s%s: %s" % (SENSITIVE, " below High" if below else "", ", ".join(strong)), below))
    return remarks


def _group_remarks(token: Token) -> List[Remark]:
    remarks = []
    level = integrity_level(token)
    for group in token.groups:
        if isinstance(group, Missing) or group.sid != ADMINISTRATORS:
            continue
        if group.deny_only:
            remarks.append(Remark("BUILTIN\\Administrators counts for deny only"))
        elif group.attributes & ENABLED and level is not None and level < IntegrityLevel.HIGH:
            remarks.append(Remark("BUILTIN\\Administrators is enabled below High integrity", True))
    return remarks


def _beside_remarks(dump: ProcessDump) -> List[Remark]:
    """What is wrong inside the linked token, and inside those that threads impersonate with."""
    beside = [("the linked token", dump.linked)]
    beside += [("the impersonation token at 0x%x" % address, token) for address, token in dump.tokens.items()]
    remarks = []
    for which, token in beside:
        if not isinstance(token, Token):
            continue
        wrong = [*token.problems, *faults(token), *hash_faults(token)]
        remarks += [Remark("%s: %s" % (which, text), not isinstance(text, Doubt)) for text in wrong]
        remarks += [Remark("%s: %s" % (which, text)) for text in oddities(token)]
    for thread in dump.threads:
        used = thread.impersonation
        token = dump.tokens.get(used.token) if isinstance(used, Impersonation) else None
        if not isinstance(used, Impersonation) or not isinstance(token, Token):
            continue
        most = token.impersonation_level
        if token.is_primary is False and isinstance(most, int) and isinstance(used.level, int) and used.level > most:
            # A client says how far a server may go, and the token keeps that.
            text = "thread %s impersonates at level %d, and its token allows %d" % (thread.tid, used.level, most)
            remarks.append(Remark(text, True))
    return remarks


def dump_remarks(dump: ProcessDump) -> List[Remark]:
    """What is unusual about a process and its primary token."""
    remarks = [Remark(problem, True) for problem in dump.problems]
    details = dump.details
    if not isinstance(details, Missing) and isinstance(details.exit_time, int) and details.exit_time:
        remarks.append(Remark("the process has ended; it is still on the list because somebody holds it open"))
    token = dump.token
    if isinstance(token, Missing):
        hint = token.hint if isinstance(token, (Unreadable, NotSaid)) else ""
        # That a text does not tell of it is nothing strange about the token.
        serious = not isinstance(token, NotSaid)
        remarks.append(Remark("its token is %s%s" % (token, "; next: " + hint if hint else ""), serious))
        return remarks
    if token is None:
        remarks.append(Remark("the process has no token: its reference is null, as after exit"))
        return remarks
    if token.is_primary is False:
        remarks.append(Remark("the process runs under a token of type Impersonation", True))
    if dump.shared_with:
        names = ", ".join("%s (%s)" % (p.image_name, p.pid) for p in dump.shared_with[:4])
        more = len(dump.shared_with) - 4
        remarks.append(
            Remark(
                "shares its token object with %s%s; an ordinary process has its own copy"
                % (names, " and %d more" % more if more > 0 else "")
            )
        )
    check = dump.cross_check
    if check is not None and check.agrees is False:
        shown = "none" if check.token is None else "0x%x" % check.token
        remarks.append(Remark("%s says that the token is %s: one of the two is wrong" % (check.command, shown), True))
    remarks += token_remarks(token)
    remarks += _beside_remarks(dump)
    remarks += [Remark(text) for text in process_oddities(dump)]
    busy = [t for t in dump.threads if known(t.impersonation) and t.impersonation is not None]
    if busy:
        remarks.append(
            Remark(
                "%d of %d threads %s not act under this token"
                % (len(busy), len(dump.threads), "impersonates, so does" if len(busy) == 1 else "impersonate, so do")
            )
        )
    return remarks
