"""What became of the token from a parent process to its child, and what a child has that its parent could not give.

A child gets a duplicate of its parent's primary token [learn.microsoft.com, "Process Creation Flags", "Access Rights
for Access-Token Objects"]; a duplicate keeps everything but the token id [DUPLICATION of ReactOS' SepDuplicateToken:
ModifiedId, ParentTokenId, AuthenticationId, source, origin are copied].  Whatever differs was given, or changed since.
"""

from __future__ import annotations

from enum import Enum
from typing import Dict, List, Tuple

from kdtoken.analysis.classification import kinds
from kdtoken.analysis.consistency import integrity_level
from kdtoken.frozen import dataclass
from kdtoken.model.absent import Maybe
from kdtoken.model.group import Group
from kdtoken.model.integrity import IntegrityLevel, integrity_text
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import name_of
from kdtoken.model.token import LogonSession, Token
from kdtoken.model.token_flags import TokenFlags


class Change(Enum):
    """What a child's token is beside its parent's."""

    SAME_OBJECT = "the very token of its parent"
    SAME = "same"
    ADJUSTED = "adjusted"
    CONFINED = "confined"
    RAISED = "more than its parent's"
    ELEVATED = "elevated"
    LIMITED = "back to the limited half"
    OTHER_LOGON = "another logon of the same user"
    OTHER_USER = "another user"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True)
class Edge:
    """`details` are what changed, in words; SIDs and privileges by name, nothing of the target's own text."""

    change: Change
    details: Tuple[str, ...] = ()


def edge(parent: Maybe[object], child: Maybe[object]) -> Edge:
    """Compare two tokens (or what stands in their place) as a parent's and a child's."""
    if not isinstance(parent, Token) or not isinstance(child, Token):
        missing = "the parent's token" if not isinstance(parent, Token) else "its token"
        return Edge(Change.UNKNOWN, ("%s is not known" % missing,))
    if parent.address and parent.address == child.address:
        return Edge(Change.SAME_OBJECT)
    mine, theirs = child.user, parent.user
    if not isinstance(mine, Sid) or not isinstance(theirs, Sid):
        return Edge(Change.UNKNOWN, ("the user of one of the two is not known",))
    if mine != theirs:
        # Another user's level is his own, and says nothing of the two.
        return Edge(Change.OTHER_USER, tuple(one for one in _confinement(child, parent) if "integrity" not in one))
    if not isinstance(child.authentication_id, Luid) or not isinstance(parent.authentication_id, Luid):
        return Edge(Change.UNKNOWN, ("the logon session of one of the two is not known",))
    if child.authentication_id != parent.authentication_id:
        return _other_logon(parent, child)
    gained = gains(parent, child)
    if gained:
        return Edge(Change.RAISED, gained)
    confined = _confinement(child, parent)
    if confined:
        return Edge(Change.CONFINED, confined)
    changed = _adjustments(parent, child)
    if changed:
        return Edge(Change.ADJUSTED, changed)
    if _holes(parent) or _holes(child):
        return Edge(Change.UNKNOWN, ("same logon; not all of both could be read",))
    if isinstance(child.modified_id, Luid) and child.modified_id != parent.modified_id:
        return Edge(Change.SAME, ("adjusted since, to the same in the end: ModifiedId differs",))
    return Edge(Change.SAME)


def _other_logon(parent: Token, child: Token) -> Edge:
    """Same user, another authentication id: the other half of a UAC pair, or an unrelated logon."""
    linked = _buddy(child) == parent.authentication_id or _buddy(parent) == child.authentication_id
    flags = child.has_flag(TokenFlags.IS_FILTERED), parent.has_flag(TokenFlags.IS_FILTERED)
    if linked and flags == (False, True):
        return Edge(Change.ELEVATED, _confinement(child, parent))
    if linked and flags == (True, False):
        return Edge(Change.LIMITED, _confinement(child, parent))
    if linked:
        return Edge(Change.OTHER_LOGON, ("the two logon sessions name each other as a pair",))
    if _buddy(child) is None and _buddy(parent) is None:
        return Edge(Change.OTHER_LOGON, ("whether it is the other half of a UAC pair cannot be told",))
    return Edge(Change.OTHER_LOGON)


def _buddy(token: Token) -> object:
    session = token.logon_session
    if not isinstance(session, LogonSession) or not isinstance(session.buddy_logon_id, Luid):
        return None
    return session.buddy_logon_id


def gains(parent: Token, child: Token) -> Tuple[str, ...]:
    """What a token of the same logon has that the other has not: things that no child gets from its parent.

    Only what both show is compared.
    """
    found: List[str] = []
    high, low = integrity_level(child), integrity_level(parent)
    if high is not None and low is not None and _raised(low, high) and not child.has_flag(TokenFlags.UIACCESS):
        found.append("integrity %s, its parent's is %s" % (_level(high), _level(low)))
    # Nearly every child has what its parent has: equal lists need no look inside.
    if (
        isinstance(child.privileges, tuple)
        and isinstance(parent.privileges, tuple)
        and not _same_privileges(child, parent)
    ):
        held = {p.number for p in parent.privileges if p.present}
        new = [p.name for p in child.privileges if p.present and p.number not in held]
        if new:
            found.append("holds %s, which its parent does not" % _few(new))
    if parent.user_and_groups != child.user_and_groups:
        found += _group_gains(parent, child)
    if parent.restricted_sid_count and child.restricted_sid_count == 0 and isinstance(parent.restricted_sid_count, int):
        found.append("unrestricted, its parent is restricted")
    if parent.has_flag(TokenFlags.LOWBOX) is True and child.has_flag(TokenFlags.LOWBOX) is False:
        found.append("outside the AppContainer that its parent is in")
    # A duplicate keeps the flag, and nothing documented takes it away.
    if parent.has_flag(TokenFlags.IS_FILTERED) is True and child.has_flag(TokenFlags.IS_FILTERED) is False:
        found.append("not filtered, its parent is")
    return tuple(found)


def _same_privileges(one: Token, other: Token) -> bool:
    return one.privileges == other.privileges


def _raised(low: int, high: int) -> bool:
    """Whether a level is more: between Medium and High lie those that UIAccess programs run at, and their children."""
    return high > low and not (low >= IntegrityLevel.MEDIUM and high < IntegrityLevel.HIGH)


def _group_gains(parent: Token, child: Token) -> List[str]:
    theirs, whole = _groups(parent)
    mine, _ = _groups(child)
    found: List[str] = []
    undenied = [sid for sid, one in mine.items() if sid in theirs and theirs[sid].deny_only and not one.deny_only]
    if undenied:
        found.append("%s for more than denying" % _few([_name(sid) for sid in undenied]))
    new = [sid for sid in mine if sid not in theirs and not sid.is_integrity_label and not sid.is_logon_sid]
    if whole and new:
        found.append("in %s, which its parent is not in" % _few([_name(sid) for sid in new]))
    return found


def _groups(token: Token) -> Tuple[Dict[Sid, Group], bool]:
    """Groups by SID, and whether all of them could be read."""
    listed = [one for one in token.groups if isinstance(one, Group)]
    return {one.sid: one for one in listed}, bool(listed) and len(listed) == len(token.groups)


def _confinement(child: Token, parent: Token) -> Tuple[str, ...]:
    """What confines the child and not its parent."""
    words: List[str] = []
    if child.has_flag(TokenFlags.LOWBOX) and not parent.has_flag(TokenFlags.LOWBOX):
        words.append("AppContainer")
    if isinstance(child.restricted_sid_count, int) and child.restricted_sid_count and parent.restricted_sid_count == 0:
        words.append("write-restricted" if "write-restricted" in kinds(child) else "restricted")
    high, low = integrity_level(parent), integrity_level(child)
    if high is not None and low is not None and low < high:
        words.append("integrity %s, its parent's is %s" % (_level(low), _level(high)))
    return tuple(words)


def _adjustments(parent: Token, child: Token) -> Tuple[str, ...]:
    """Privileges and groups that were switched or taken away between the two."""
    words: List[str] = []
    if _same_privileges(child, parent) and child.user_and_groups == parent.user_and_groups:
        return ()
    if isinstance(child.privileges, tuple) and isinstance(parent.privileges, tuple):
        mine = {p.number: p for p in child.privileges if p.present}
        theirs = {p.number: p for p in parent.privileges if p.present}
        taken = [p.name for number, p in theirs.items() if number not in mine]
        on = [p.name for number, p in mine.items() if p.enabled and number in theirs and not theirs[number].enabled]
        off = [p.name for number, p in mine.items() if not p.enabled and number in theirs and theirs[number].enabled]
        for names, what in ((taken, "without"), (on, "enabled"), (off, "disabled")):
            if names:
                words.append("%s %s" % (what, _few(names)))
    (mine_by_sid, whole), (theirs_by_sid, _) = _groups(child), _groups(parent)
    gone = [sid for sid in theirs_by_sid if sid not in mine_by_sid and not sid.is_integrity_label]
    if whole and gone:
        words.append("not in %s" % _few([_name(sid) for sid in gone]))
    denied = [
        sid for sid, one in mine_by_sid.items() if one.deny_only and sid in theirs_by_sid and theirs_by_sid[sid].enabled
    ]
    if denied:
        words.append("%s for denying only" % _few([_name(sid) for sid in denied]))
    return tuple(words)


def _holes(token: Token) -> bool:
    groups = token.user_and_groups
    if not isinstance(token.privileges, tuple) or not isinstance(groups, tuple) or len(groups) < 2:
        return True
    return set(map(type, groups)) != {Group}


def _name(sid: Sid) -> str:
    return name_of(sid) or str(sid)


def _level(level: int) -> str:
    return integrity_text(level).replace(" Mandatory Level", "")


def _few(names: List[str]) -> str:
    return ", ".join(names[:4]) + (" and %d more" % (len(names) - 4) if len(names) > 4 else "")
