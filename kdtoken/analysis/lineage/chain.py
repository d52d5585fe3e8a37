"""The story of one logon session: what was made in it, in order of LUID, with the living tokens in their places.

LUIDs count up while the machine runs, and a logon session, its tokens and their copies take theirs from the one
counter (seen in eight of eight captures; ReactOS counts the same way; Microsoft promises uniqueness only).
"""

from typing import Dict, List, Optional, Tuple

from kdtoken.frozen import dataclass
from kdtoken.model.luid import Luid
from kdtoken.model.process import Impersonation, ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token


@dataclass(frozen=True)
class Link:
    """One LUID of the story.

    what    "logon session", "base token", "token"
    token   the living token that it is, None for what is gone or no token
    users   processes that run under the token, and those of whose threads one impersonates it
    """

    luid: Luid
    what: str
    token: Optional[Token] = None
    users: Tuple[Tuple[ProcessDump, str], ...] = ()


def chain(snapshot: Snapshot, session: Luid) -> Tuple[Link, ...]:
    """All that is known of a logon session, by LUID."""
    tokens = [one for one in snapshot.tokens() if one.authentication_id == session]
    living: Dict[Luid, Token] = {one.token_id: one for one in tokens if isinstance(one.token_id, Luid)}
    links: List[Link] = [Link(session, "logon session")]
    named = {
        one.parent_token_id for one in tokens if isinstance(one.parent_token_id, Luid) and one.parent_token_id.value
    }
    everywhere = {one.token_id for one in snapshot.tokens()}
    for parent in named:
        if isinstance(parent, Luid) and parent not in living:
            elsewhere = ", of another logon session" if parent in everywhere else ", none of those read here"
            links.append(Link(parent, "token that others were filtered from" + elsewhere))
    links += [Link(luid, "token", token, _users(snapshot, token)) for luid, token in living.items()]
    return tuple(sorted(links, key=lambda one: (one.luid.value, one.what)))


def _users(snapshot: Snapshot, token: Token) -> Tuple[Tuple[ProcessDump, str], ...]:
    found: List[Tuple[ProcessDump, str]] = []
    for row in snapshot.processes:
        if isinstance(row.token, Token) and row.token.address == token.address:
            found.append((row, "primary"))
        busy = [
            one
            for one in row.threads
            if isinstance(one.impersonation, Impersonation) and one.impersonation.token == token.address
        ]
        if busy:
            found.append((row, "impersonated by %d thread%s" % (len(busy), "" if len(busy) == 1 else "s")))
    return tuple(found)
