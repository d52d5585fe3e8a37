"""The gate of impersonation: whether a server could have more than Identification, and the stories of one that has not."""

from dataclasses import replace
from typing import Any

import pytest

from kdtoken.analysis.access_check.downgrade import impersonation_gate, stories
from kdtoken.model.absent import NotSaid
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from tests.declared_views import decoded

ANNA, BOB = Sid(5, (21, 1, 2, 3, 1001)), Sid(5, (21, 1, 2, 3, 1002))


def token(user: Sid, logon: int, origin: int = 0, privileges: Any = (), restricted: int = 0) -> Token:
    """A token with what the gate looks at declared, the rest as a decoded one has it."""
    return replace(
        decoded("notepad"),
        user_and_groups=(Group(user, 0),),
        authentication_id=Luid(0, logon),
        originating_logon_session=Luid(0, origin),
        privileges=privileges,
        restricted_sid_count=restricted,
    )


def impersonate(enabled: bool) -> Any:
    return (Privilege(29, "SeImpersonatePrivilege", True, enabled, True),)


@pytest.mark.parametrize(
    "server, client, passes",
    [
        (token(ANNA, 0x111, privileges=impersonate(True)), token(BOB, 0x222), True),
        (token(ANNA, 0x111, privileges=impersonate(False)), token(BOB, 0x222), False),
        (token(ANNA, 0x111), token(BOB, 0x3E6), True),  # the anonymous logon
        (token(ANNA, 0x111), token(BOB, 0x222, origin=0x111), True),  # made from credentials in the server's session
        (token(ANNA, 0x111), token(BOB, 0x222, origin=0x333), False),
        (token(ANNA, 0), token(BOB, 0x222, origin=0), False),  # 0 names no session (TOKEN_ORIGIN: a network logon's)
        (token(ANNA, 0x111), token(ANNA, 0x222), True),  # the same user
        (token(ANNA, 0x111, restricted=2), token(ANNA, 0x222), False),  # and not as restricted
        (token(ANNA, 0x111, restricted=2), token(ANNA, 0x222, restricted=1), True),
        (token(ANNA, 0x111), token(BOB, 0x222), False),
    ],
)
def test_the_gate(server: Token, client: Token, passes: bool) -> None:
    """ReactOS SeTokenCanImpersonate, in its order."""
    assert impersonation_gate(server, client).passes is passes


def test_a_gate_that_cannot_be_judged() -> None:
    server = replace(token(ANNA, 0x111), privileges=NotSaid("whoami"))
    gate = impersonation_gate(server, token(BOB, 0x222))
    assert gate.passes is None and "not said by whoami" in gate.why
    (told,) = stories(server, token(BOB, 0x222), 1)
    assert "or because the server failed the gate" in told


def test_the_stories_of_an_identification_token() -> None:
    could, could_not = token(ANNA, 0x111, privileges=impersonate(True)), token(ANNA, 0x111)
    client = token(BOB, 0x222)
    (one,) = stories(could, client, 1)
    assert one.startswith("at Identification because the client allowed no more")
    two = stories(could_not, client, 1)
    assert len(two) == 2 and "failed the gate" in two[1]
    assert stories(could, client, 2) == stories(could, client, None) == ()
    assert len(stories(could, client, 0)) == 1
