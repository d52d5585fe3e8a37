"""A token as a caller: what each member becomes, and that what is not known stays not known."""

from dataclasses import replace
from typing import Any

import pytest

from kdtoken.analysis.access_check.caller import DENY_ONLY, DISABLED, ENABLED, Caller, caller_of
from kdtoken.model.absent import Absent, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from tests.declared_views import decoded

GONE, OLD, UNSAID = Unreadable(0x10, "paged out"), Absent("_TOKEN.x"), NotSaid("!token")
ANNA, ADMINS, USERS, LOGON = (
    Sid.from_text("S-1-5-" + rest) for rest in ("21-1-2-3-1001", "32-544", "32-545", "5-0-99")
)
PACKAGE, CAPABILITY = Sid.from_text("S-1-15-2-1-2-3-4-5-6-7"), Sid.from_text("S-1-15-3-1")
TOKEN = replace(
    decoded("notepad"),
    user_and_groups=(Group(ANNA, 0), Group(ADMINS, 0x10), Group(USERS, 0x7), Group(LOGON, 0x3)),
    restricted_sids=(),
    restricted_sid_count=0,
    capabilities=(),
    package=None,
    flags=0,
)


def of(**members: Any) -> Caller:
    return caller_of(replace(TOKEN, **members), "anna")


def at_level(label: Any, **members: Any) -> Caller:
    """With a label among the groups, which IntegrityLevelIndex names; 0xFFFFFFFF names none."""
    groups = TOKEN.user_and_groups + (() if label is None else (label,))
    index = 0xFFFFFFFF if label is None else len(TOKEN.user_and_groups)
    return of(user_and_groups=groups, integrity_level_index=index, **members)


def test_groups_by_winnt() -> None:
    """SE_GROUP_ENABLED 4, SE_GROUP_USE_FOR_DENY_ONLY 0x10; the user itself has no attribute and counts."""
    made = of()
    assert (made.name, made.user, made.sids_whole) == ("anna", ANNA, True)
    assert made.sids == {ANNA: ENABLED, ADMINS: DENY_ONLY, USERS: ENABLED, LOGON: DISABLED}
    assert of(user_and_groups=(Group(ANNA, 0x10),)).sids == {ANNA: DENY_ONLY}
    # Listed twice: it counts as what it counts for most.
    assert of(user_and_groups=(Group(ANNA, 0), Group(USERS, 0x7), Group(USERS, 0x10))).sids[USERS] == ENABLED


def test_groups_that_are_not_all_known() -> None:
    part = of(user_and_groups=(Group(ANNA, 0), GONE, Group(USERS, 0x7)))
    assert (part.user, part.sids_whole, part.sids) == (ANNA, False, {ANNA: ENABLED, USERS: ENABLED})
    assert of(user_and_groups=(GONE, Group(USERS, 0x7))).user is None
    for missing in (GONE, UNSAID):
        none = of(user_and_groups=missing)
        assert (none.user, none.sids, none.sids_whole) == (None, {}, False)
        assert none.may_have(USERS)
    assert not of().may_have(Sid(5, (32, 551)))


@pytest.mark.parametrize(
    "sids, count, restricting",
    [
        ((), 0, frozenset()),
        ((Group(USERS, 0x7),), 1, frozenset({USERS})),
        (GONE, 2, None),
        (UNSAID, UNSAID, None),
        (UNSAID, 0, frozenset()),  # the count is known, and is none
        (OLD, OLD, frozenset()),
    ],
)
def test_restricting_sids(sids: Any, count: Any, restricting: Any) -> None:
    assert of(restricted_sids=sids, restricted_sid_count=count).restricting == restricting


@pytest.mark.parametrize(
    "label, level",
    [(Group(Sid(16, (0x3000,)), 0x60), 0x3000), (None, 0), (GONE, None)],
)
def test_integrity(label: Any, level: Any) -> None:
    """A token without a label is below every label."""
    assert at_level(label).integrity == level
    assert of(integrity_level_index=GONE).integrity is None


@pytest.mark.parametrize("policy, known", [(0x1, 0x1), (0, 0), (OLD, 0), (GONE, None), (UNSAID, None)])
def test_mandatory_policy(policy: Any, known: Any) -> None:
    """Before Vista there is none."""
    assert of(mandatory_policy=policy).policy == known


def test_app_containers() -> None:
    low, above = Group(Sid(16, (0x1000,)), 0x60), Group(Sid(16, (0x1001,)), 0x60)
    inside = at_level(low, package=PACKAGE, capabilities=(Group(CAPABILITY, 0x4),))
    assert (inside.container, inside.package, inside.capabilities) == (True, PACKAGE, frozenset({CAPABILITY}))
    assert inside.capabilities_whole and not of(package=PACKAGE, capabilities=GONE).capabilities_whole
    assert of(package=OLD, flags=UNSAID).container is False
    for flags, container in ((0x4000, True), (0, False), (UNSAID, None)):
        assert at_level(low, flags=flags, package=UNSAID).container is container
    # LEARN, "Launch an AppContainer": its level is Low, so that above it there is none.
    assert at_level(above, flags=UNSAID, package=UNSAID).container is False
    assert at_level(GONE, flags=UNSAID, package=UNSAID).container is None


def test_capabilities_matter_in_a_container_only() -> None:
    assert of(capabilities=GONE).capabilities_whole


@pytest.mark.parametrize(
    "trust, sid, known",
    [(Sid(19, (512, 8192)), Sid(19, (512, 8192)), True), (None, None, True), (OLD, None, True), (GONE, None, False)],
)
def test_trust(trust: Any, sid: Any, known: bool) -> None:
    made = of(trust_level_sid=trust)
    assert (made.trust, made.trust_known) == (sid, known)


def test_level_of_impersonation() -> None:
    """A thread's level counts; without a thread, an impersonation token's own does, and a primary one has none."""
    assert of().level is None
    held = replace(TOKEN, token_type=2, impersonation_level=1)
    assert caller_of(held, "x").level == 1 and caller_of(held, "x", 3).level == 3
    assert caller_of(replace(held, impersonation_level=GONE), "x").level is None
    assert of(token_type=1, impersonation_level=2).level is None


@pytest.mark.parametrize("protection, known", [(0x61, 0x61), (0, 0), (OLD, 0), (GONE, None)])
def test_protection(protection: Any, known: Any) -> None:
    assert caller_of(TOKEN, "x", None, protection).protection == known


def test_privileges_are_those_that_are_held() -> None:
    """A privilege that was removed cannot be enabled again."""
    held = (
        Privilege(20, "SeDebugPrivilege", True, False, False),
        Privilege(23, "SeChangeNotifyPrivilege", True, True, True),
        Privilege(17, "SeBackupPrivilege", False, False, True),
    )
    assert of(privileges=held).privileges == {"SeDebugPrivilege": False, "SeChangeNotifyPrivilege": True}
    assert of(privileges=GONE).privileges is None


def test_what_whoami_does_not_list_the_caller_may_have() -> None:
    """Neither the logon SID nor the primary group, which is Domain Users of the user's own domain."""
    made = replace(of(), of_whoami=True)
    other = Sid.from_text("S-1-5-21-9-9-9-513")
    assert made.may_have(Sid.from_text("S-1-5-21-1-2-3-513")) and made.may_have(Sid.from_text("S-1-5-5-0-1"))
    assert not made.may_have(other) and not made.may_have(Sid.from_text("S-1-5-21-1-2-3-512"))
    assert not replace(made, user=None).may_have(Sid.from_text("S-1-5-21-1-2-3-513"))
    assert not of().may_have(Sid.from_text("S-1-5-5-0-1"))
