"""How two tokens are related, in one line."""

from __future__ import annotations

from typing import Dict, List, Optional

from kdtoken.analysis.classification import ADMINISTRATORS, kinds
from kdtoken.analysis.consistency import integrity_level
from kdtoken.frozen import dataclass
from kdtoken.model.absent import Missing, known
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.token import LogonSession, Token
from kdtoken.model.token_flags import TokenFlags


@dataclass(frozen=True)
class Findings:
    """What the rows of a comparison came to.

    differing   what differs: name for people -> "identity", "policy" or "bookkeeping"
    comparable  whether anything could be compared at all
    unread      whether something could not be read that should have been there
    traceless   one token changed and its ModifiedId did not
    replaced    one process holds another token than before
    identity    whether who they speak for is known of both: the user, and all groups with both ends of their lists
    """

    differing: Dict[str, str]
    comparable: bool = True
    unread: bool = False
    traceless: bool = False
    replaced: bool = False
    identity: bool = True

    def of(self, part: str) -> List[str]:
        """The names that differ in one part."""
        return [name for name, its in self.differing.items() if its == part]


# Behind a verdict on tokens of which nobody can say that they are one user's.
_UNTOLD = " (not both name their user)"


def one_token(a: Token, b: Token) -> bool:
    """Whether both are looks at one token object.

    Ids are counted from zero at each start of a machine, so an id alone says little: where a view
    has no address, the logon has to agree too.
    """
    if not known(a.token_id) or a.token_id != b.token_id:
        return False
    if a.address and b.address:
        return a.address == b.address
    return known(a.authentication_id) and a.authentication_id == b.authentication_id


def verdict_of(a: Token, b: Token, found: Findings) -> str:
    """The relation of two tokens."""
    if not found.comparable:
        return "A and B could not be compared: they have nothing in common"
    text = _over_time(a, b, found) or _relation(a, b, found)
    if found.unread and not found.of("identity") and not found.of("policy"):
        text += ", as far as both could be read"
    return text


def _over_time(a: Token, b: Token, found: Findings) -> str:
    """Of one process or one token, seen twice; empty if it is not that."""
    serious = [name for name in found.of("identity") if name != "integrity label"]
    if found.replaced:
        text = "the process's token was replaced between A and B"
        if known(a.user) and known(b.user) and a.user != b.user:
            return text + ": it speaks for another user"
        return text + (": " + _few(serious) if serious else " by one of the same identity" if found.identity else "")
    if not one_token(a, b):
        return ""
    if not found.differing:
        return "A and B are the same token"
    changed = found.of("identity") + found.of("policy")
    if found.traceless:
        return "one token, changed between A and B without the kernel's own trace of it: " + _few(changed)
    if serious:
        return "one token, but with another identity, which no documented call gives it: " + _few(serious)
    return "one token, adjusted between A and B: " + _few(changed or list(found.differing))


def _relation(a: Token, b: Token, found: Findings) -> str:
    """Of two tokens."""
    if known(a.user) and known(b.user) and a.user != b.user:
        return "A and B speak for different users"
    for full, limited, words in ((a, b, "B is A's"), (b, a, "A is B's")):
        if _filtered_of(full, limited):
            return ", ".join([words + " UAC-filtered twin", *_confinement(limited)])
    if not found.differing:
        return "A and B agree in all that both can know"
    # A view may tell groups and no user (`whoami /groups`), or privileges and neither.
    same_user = known(a.user) and known(b.user)
    serious, policy = found.of("identity"), found.of("policy")
    if serious == ["type"] and same_user:
        return "%s is an impersonation copy of %s" % (("A", "B") if b.is_primary else ("B", "A"))
    if _shows_confinement(found):
        mine, theirs = _confinement(a), _confinement(b)
        of_a, of_b = [w for w in mine if w not in theirs], [w for w in theirs if w not in mine]
        if of_a and of_b:
            return "%sconfined in different ways" % ("the same user, " if same_user else "")
        if (of_a or of_b) and same_user:
            return "%s user under confinement: %s" % ("A is B's" if of_a else "B is A's", ", ".join(of_a or of_b))
        if of_a or of_b:
            return "%s is confined: %s" % ("A" if of_a else "B", ", ".join(of_a or of_b)) + _UNTOLD
    if not same_user:
        if serious:
            return "they differ in identity: %s" % _few(serious) + _UNTOLD
        return "they differ in %s" % _few(policy or list(found.differing)) + _UNTOLD
    if "authentication id" in serious:
        rest = [name for name in serious if name != "authentication id"]
        return "the same user from another logon" + (": " + _few(rest) if rest else "")
    if serious == ["integrity label"]:
        return "the same user at another integrity level"
    if serious:
        return "the same user, but a different identity: " + _few(serious)
    who = "the same identity" if found.identity else "the same user"
    if policy:
        return who + " under another policy: " + _few(policy)
    if "token id" in found.differing:
        if not found.identity:
            return "two tokens of the same user that agree in all else that both can know"
        return "copies of one token: the same identity and policy, with ids of their own"
    return "%s and policy, but for %s" % (who, _few(list(found.differing)))


def _few(names: List[str]) -> str:
    return ", ".join(names[:4]) + (" and %d more" % (len(names) - 4) if len(names) > 4 else "")


def _confinement(token: Token) -> List[str]:
    """What confines a token; a view without TokenFlags shows restriction by its SIDs."""
    words = list(kinds(token))
    if not known(token.flags) and isinstance(token.restricted_sids, tuple) and token.restricted_sids:
        words.append("restricted")
    return words


def _shows_confinement(found: Findings) -> bool:
    """Whether what differs has to do with it; a view that is blind for it must not make it a finding."""
    return any(
        name in ("package", "TokenFlags") or name.startswith(("restricting SID", "capabilit"))
        for name in found.differing
    )


def _filtered_of(full: Token, limited: Token) -> bool:
    """Whether `limited` is what UAC makes of `full` (a filtered copy with its own linked logon)."""
    if full.user != limited.user or not known(full.user):
        return False
    by_logon = _buddies(full, limited)
    if by_logon is False:
        return False
    flags = full.has_flag(TokenFlags.IS_FILTERED), limited.has_flag(TokenFlags.IS_FILTERED)
    if by_logon and None not in flags:
        return flags == (False, True)
    if flags[0] or flags[1] is False:
        return False
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
    if isinstance(groups, Missing):
        return None
    return next((g for g in groups if isinstance(g, Group) and g.sid == ADMINISTRATORS), None)
