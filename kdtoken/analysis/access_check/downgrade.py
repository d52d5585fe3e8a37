"""The gate of impersonation: why a server thread has less than Impersonation.

A failed gate is no error.  The thread gets a copy of the client's token at Identification and goes on (DDI
PsImpersonateClient), so that an Identification token on a thread has two stories: the client allowed no more, or the
server failed the gate.  What the gate looks at is in the two tokens.
"""

from typing import NamedTuple, Optional, Tuple

from kdtoken.analysis.access_check.caller import ANONYMOUS_LEVEL, IDENTIFICATION_LEVEL
from kdtoken.model.absent import Missing
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token

ANONYMOUS_LOGON_ID = 0x3E6  # winnt.h ANONYMOUS_LOGON_LUID
SE_IMPERSONATE = "SeImpersonatePrivilege"


class Gate(NamedTuple):
    """Whether a server could impersonate a client above Identification; None where that is not known."""

    passes: Optional[bool]
    why: str


def impersonation_gate(server: Token, client: Token) -> Gate:
    """The gate, as ReactOS has it (SeTokenCanImpersonate) and LEARN describes it (ImpersonateLoggedOnUser).

    server  the process's own token;  client  the token to impersonate
    """
    logon = client.authentication_id
    if not isinstance(logon, Missing) and logon.value == ANONYMOUS_LOGON_ID:
        return Gate(True, "the client is the anonymous logon")
    held = server.privileges
    if not isinstance(held, Missing) and any(one.name == SE_IMPERSONATE and one.enabled for one in held):
        return Gate(True, "the process has SeImpersonatePrivilege enabled")
    origin, mine = client.originating_logon_session, server.authentication_id
    if not isinstance(origin, Missing) and not isinstance(mine, Missing) and origin.value and origin == mine:
        return Gate(True, "the client's token was made from credentials in the process's own logon session")
    users = server.user, client.user
    if isinstance(users[0], Sid) and isinstance(users[1], Sid):
        if users[0] == users[1] and bool(server.restricted_sid_count) == bool(client.restricted_sid_count):
            return Gate(True, "client and process are the same user, and as restricted as each other")
    for value in (held, origin, mine, users[0], users[1]):
        if isinstance(value, Missing):
            return Gate(None, "not all that the gate looks at is known: %s" % value)
    return Gate(False, "the process lacks SeImpersonatePrivilege, is another user, and did not make the token")


def stories(server: Token, client: Token, level: Optional[int]) -> Tuple[str, ...]:
    """What may be behind a thread's level: one or two sentences, none for a thread at Impersonation or more."""
    if level is None or level > IDENTIFICATION_LEVEL:
        return ()
    if level == ANONYMOUS_LEVEL:
        return ("at Anonymous: the client allowed the server nothing of itself",)
    gate = impersonation_gate(server, client)
    if gate.passes:
        return ("at Identification because the client allowed no more: the server would have passed (%s)" % gate.why,)
    because = "at Identification because the client allowed no more"
    if gate.passes is None:
        return (because + ", or because the server failed the gate (%s)" % gate.why,)
    return (because, "or because the server failed the gate, which lowers the level without an error: " + gate.why)
