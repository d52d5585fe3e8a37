"""Whose an ACE is: the token's SIDs by their state, who a SID stands for, the restricting SIDs, an AppContainer's."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest

from kdtoken.analysis.access_check.caller import DENY_ONLY, DISABLED, ENABLED
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.run import Run
from kdtoken.analysis.access_check.sids import (
    RestrictingSids,
    TokenSids,
    hidden_owner,
    hidden_sacl,
    meant,
    owns,
    package_matches,
)
from kdtoken.model.descriptor import ABSENT, NOT_SAID, NULL, UNREADABLE, SecurityDescriptor
from kdtoken.model.sid import Sid
from tests.test_analysis_access_check_check import asked, guarded

USERS, ADMINS, GUESTS = (Sid(5, (32, rid)) for rid in (545, 544, 546))
OWNER_RIGHTS, SELF = Sid(3, (4,)), Sid(5, (10,))
ALL, RESTRICTED = Sid(15, (2, 1)), Sid(15, (2, 2))
PACKAGE, OTHER = Sid(15, (2, 1, 2, 3, 4, 5, 6, 7)), Sid(15, (2, 9, 9, 9, 9, 9, 9, 9))
CAPABILITY = Sid(15, (3, 1))


def run(token: str = "user", answers: Any = None, sddl: str = "O:{X}G:{X}D:", **changes: Any) -> Run:
    request = asked(token, sddl, 0x1)
    request = replace(request, caller=replace(request.caller, **changes))
    return Run(request, answers or Answers())


@pytest.mark.parametrize(
    "state, allows, denies",
    [
        # LEARN, "SID Attributes in an Access Token": a SID for deny only matches denying ACEs alone.
        (ENABLED, True, True),
        (DENY_ONLY, False, True),
        (DISABLED, False, False),
        (None, False, False),
    ],
)
def test_a_sid_by_its_state(state: Any, allows: bool, denies: bool) -> None:
    made = run()
    sids = {key: value for key, value in made.caller.sids.items() if key != GUESTS}
    made = run(sids={**sids, **({} if state is None else {GUESTS: state})})
    own = TokenSids(made)
    assert (own.allows(GUESTS), own.denies(GUESTS), own.state(GUESTS)) == (allows, denies, state)
    assert not made.answers.asked


@pytest.mark.parametrize(
    "given, allows, denies, keys",
    [
        ({}, False, False, ["sid:S-1-5-32-546"]),
        ({"sid:S-1-5-32-546": True}, True, True, ["sid:S-1-5-32-546"]),
    ],
)
def test_of_a_list_that_is_not_whole_it_is_asked(
    given: Dict[str, bool], allows: bool, denies: bool, keys: List[str]
) -> None:
    for ask, answer in ((TokenSids.allows, allows), (TokenSids.denies, denies)):
        made = run(answers=Answers(given), sids_whole=False)
        assert ask(TokenSids(made), GUESTS) is answer
        assert [one.key for one in made.answers.asked] == keys


def test_a_group_that_an_allow_ace_asked_about_may_be_for_deny_only() -> None:
    for given, denied in (({}, False), ({"sid-deny:S-1-5-32-546": True}, True)):
        made = run(answers=Answers(given), sids_whole=False)
        own = TokenSids(made)
        assert not own.allows(GUESTS) and own.denies(GUESTS) is denied
        assert [one.key for one in made.answers.asked] == ["sid:S-1-5-32-546", "sid-deny:S-1-5-32-546"]


def test_the_restricting_sids_are_always_enabled() -> None:
    own = RestrictingSids(frozenset([USERS]))
    assert own.allows(USERS) and own.denies(USERS) and own.state(USERS) == ENABLED
    assert not own.allows(ADMINS) and not own.denies(ADMINS) and own.state(ADMINS) is None
    assert (own.word, TokenSids.word) == ("the restricting SIDs", "the token")


def test_who_a_sid_stands_for() -> None:
    """[MS-DTYP] 2.4.2.4: OWNER RIGHTS stands for the owner, PRINCIPAL_SELF for the caller's principal."""
    made = run(sddl="O:BAG:{X}D:")
    assert meant(made, OWNER_RIGHTS) == ADMINS and meant(made, USERS) == USERS and meant(made, SELF) is None
    request = replace(made.request, principal_self=GUESTS)
    assert meant(Run(request, Answers()), SELF) == GUESTS
    nothing = Run(guarded(made.request, None), Answers())
    assert meant(nothing, OWNER_RIGHTS) is None


@pytest.mark.parametrize(
    "owner, state, hidden",
    [(ADMINS, "present", False), (None, ABSENT, False), (None, NOT_SAID, True), (None, UNREADABLE, True)],
)
def test_an_owner_that_is_not_shown(owner: Any, state: str, hidden: bool) -> None:
    made = run()
    found = made.request.object.descriptor
    assert isinstance(found, SecurityDescriptor)
    other = Run(guarded(made.request, replace(found, owner=owner, owner_state=state)), Answers())
    assert hidden_owner(other) is hidden
    assert not hidden_owner(Run(guarded(made.request, None), Answers()))
    for answer in (True, False):
        assert owns(Run(made.request, Answers({"owner": answer}))) is answer
    assert not owns(run())


@pytest.mark.parametrize(
    "sacl, state, hidden",
    [
        (None, ABSENT, False),
        (None, NULL, False),
        (None, NOT_SAID, True),
        (None, UNREADABLE, True),
        (SimpleNamespace(problem="", aces=()), "present", False),
        (SimpleNamespace(problem="cut", aces=()), "present", True),
    ],
)
def test_a_sacl_that_is_not_shown_or_not_whole(sacl: Any, state: str, hidden: bool) -> None:
    made = run()
    found = made.request.object.descriptor
    assert isinstance(found, SecurityDescriptor)
    other = Run(guarded(made.request, replace(found, sacl=sacl, sacl_state=state)), Answers())
    assert hidden_sacl(other) is hidden and not hidden_sacl(Run(guarded(made.request, None), Answers()))


@pytest.mark.parametrize(
    "sid, changes, given, matches, keys",
    [
        (PACKAGE, {}, {}, True, []),
        (OTHER, {}, {}, False, []),
        (CAPABILITY, {"capabilities": frozenset([CAPABILITY])}, {}, True, []),
        (CAPABILITY, {}, {}, False, []),
        (RESTRICTED, {}, {}, True, []),  # ALL RESTRICTED APPLICATION PACKAGES
        (RESTRICTED, {"lpac": True}, {}, True, []),
        # ALL APPLICATION PACKAGES leaves out less privileged containers.
        (ALL, {"lpac": False}, {}, True, []),
        (ALL, {"lpac": True}, {}, False, []),
        (ALL, {"lpac": None}, {}, True, ["lpac"]),
        (ALL, {"lpac": None}, {"lpac": True}, False, ["lpac"]),
        # What is not known of the container is asked.
        (OTHER, {"package": None}, {}, False, ["package:%s" % OTHER]),
        (OTHER, {"package": None}, {"package:%s" % OTHER: True}, True, ["package:%s" % OTHER]),
        (CAPABILITY, {"capabilities_whole": False}, {}, False, ["capability:%s" % CAPABILITY]),
        (
            CAPABILITY,
            {"capabilities_whole": False},
            {"capability:%s" % CAPABILITY: True},
            True,
            ["capability:%s" % CAPABILITY],
        ),
        (USERS, {"package": None, "capabilities_whole": False}, {}, False, []),
    ],
)
def test_which_aces_speak_for_an_appcontainer(
    sid: Sid, changes: Any, given: Dict[str, bool], matches: bool, keys: List[str]
) -> None:
    made = run("user pkg", Answers(given), **changes)
    assert package_matches(made, sid) is matches and [one.key for one in made.answers.asked] == keys
