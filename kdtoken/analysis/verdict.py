"""How two tokens are related, in one line."""

from typing import Dict, List, Optional

from kdtoken.analysis.character import ADMINISTRATORS, integrity_level, kinds
from kdtoken.model.absent import Absent, Unreadable, known
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.token import FLAG_IS_FILTERED, LogonSession, Token


def verdict_of(a: Token, b: Token, differing: Dict[str, str]) -> str:
    """The relation of two tokens.

    differing  what differs: name -> "identity", "policy" or "bookkeeping"
    """
    if known(a.user) and known(b.user) and a.user != b.user:
        return "A and B speak for different users"
    for full, limited, words in ((a, b, "B is A's"), (b, a, "A is B's")):
        if _filtered_of(full, limited):
            return words + " UAC-filtered twin"
    same_id = known(a.token_id) and a.token_id == b.token_id
    if not differing:
        return "A and B are the same token" if same_id else "A and B agree in all that both can know"
    if "change without trace" in differing:
        return "one token, changed between A and B without the kernel's own trace of it"
    if same_id:
        return "one token, adjusted between A and B: " + _few(list(differing))
    for plain, odd, words in ((a, b, "B is A's user under"), (b, a, "A is B's user under")):
        extra = [kind for kind in kinds(odd) if kind not in kinds(plain)]
        if extra:
            return "%s confinement: %s" % (words, ", ".join(extra))
    serious = [name for name, part in differing.items() if part == "identity"]
    if serious:
        return "the same user, but a different identity: " + _few(serious)
    policy = [name for name, part in differing.items() if part == "policy"]
    if policy:
        return "the same identity under another policy: " + _few(policy)
    return "copies of one token: the same identity and policy, with ids of their own"


def _few(names: List[str]) -> str:
    return ", ".join(names[:4]) + (" and %d more" % (len(names) - 4) if len(names) > 4 else "")


def _filtered_of(full: Token, limited: Token) -> bool:
    """Whether `limited` is what UAC makes of `full` (a filtered copy with its own linked logon)."""
    if full.user != limited.user or not known(full.user):
        return False
    by_logon = _buddies(full, limited)
    if by_logon is not None:
        return by_logon and limited.has_flag(FLAG_IS_FILTERED) is True and full.has_flag(FLAG_IS_FILTERED) is False
    high, low = integrity_level(full), integrity_level(limited)
    if high is None or low is None or not low < high:
        return False
    mine, theirs = _administrators(full), _administrators(limited)
    return mine is not None and theirs is not None and mine.enabled and theirs.deny_only


def _buddies(a: Token, b: Token) -> Optional[bool]:
    """Whether the two logon sessions name each other; None when that cannot be known."""
    for one, other in ((a, b), (b, a)):
        session = one.logon_session
        if isinstance(session, LogonSession) and isinstance(session.buddy_logon_id, Luid):
            if isinstance(other.authentication_id, Luid):
                return session.buddy_logon_id.value != 0 and session.buddy_logon_id == other.authentication_id
    return None


def _administrators(token: Token) -> Optional[Group]:
    groups = token.user_and_groups
    if isinstance(groups, (Unreadable, Absent)):
        return None
    return next((g for g in groups if isinstance(g, Group) and g.sid == ADMINISTRATORS), None)
