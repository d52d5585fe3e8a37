"""Samba's access check as a judge of ours, for the rules in which it is believed (samba.py)."""

import random
from dataclasses import replace
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken.analysis.access_check.caller import ENABLED, Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.request import ACCESS_SYSTEM_SECURITY, MAXIMUM_ALLOWED, WRITE_OWNER, Request
from kdtoken.analysis.access_check.run import Outcome
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from tests.access_conditional import CASES, Case, values
from tests.engine import samba

FILE = documented_type("file")
USER, OTHER, OWNER_RIGHTS = Sid(5, (21, 1, 2, 3, 1001)), Sid(5, (21, 1, 2, 3, 1002)), Sid(3, (4,))
GROUPS = (Sid(1, (0,)), Sid(5, (11,)), Sid(5, (32, 545)))
NUMBERS = {"SeSecurityPrivilege": 8, "SeTakeOwnershipPrivilege": 9}
KINDS = {1: "int", 2: "uint", 3: "str", 6: "bool"}
# Public situations of conditional ACEs about which Samba 4.22 says something else than its newer tree, and why.
KNOWN: Dict[str, str] = {"a claim against itself, none": "4.22 has nothing equal to nothing; its newer tree has"}


@pytest.fixture(scope="module")
def judge() -> samba.Samba:
    if not samba.is_installed():
        pytest.skip("Samba's chroot is not there: python -m tests.engine makes it")
    return samba.Samba()


def _asked(request: Request) -> Dict[str, Any]:
    """The request in the judge's words."""
    caller, descriptor = request.caller, request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor)
    claims: Dict[str, Any] = {}
    for space, named in caller.claims.items():
        claims[space] = {
            name: (KINDS[one.type], list(one.values), one.flags)  # type: ignore[attr-defined]
            for name, one in named.items()
        }
    return {
        "sd": descriptor.to_bytes().hex(),
        "sids": [str(sid) for sid in caller.sids],
        "device_sids": [str(sid) for sid in caller.device_sids or ()],
        "privileges": [NUMBERS[name] for name, on in (caller.privileges or {}).items() if on and name in NUMBERS],
        "claims": claims,
        "wish": request.wish,
    }


def _ours(outcome: Outcome) -> str:
    return "yes 0x%x" % outcome.granted if outcome.allowed else "no 0x%x" % outcome.status


def _random(dice: random.Random) -> Request:
    """A caller and a descriptor within what Samba knows: no labels, no SIDs for deny only, a DACL that is there."""
    sids = [USER] + dice.sample(GROUPS, dice.randint(0, len(GROUPS)))
    caller = Caller("random", USER, dict.fromkeys(sids, ENABLED), policy=0)
    caller = replace(caller, privileges={name: dice.random() < 0.7 for name in NUMBERS if dice.random() < 0.4})
    aces = []
    for _ in range(dice.randint(0, 6)):
        mask = dice.choice((0x1, 0x2, 0x3, 0x20, 0x1F, 0x10000, 0x20000, 0x40000, 0x60000, 0x80000, 0x1F01FF))
        who = dice.choice((USER, OTHER, *GROUPS, USER, OWNER_RIGHTS))
        aces.append(Ace.build(dice.choice((0, 0, 1)), mask, who, dice.choice((0, 0, 0, 0x8, 0x10))))
    owner = dice.choice((USER, OTHER, GROUPS[0]))
    descriptor = SecurityDescriptor(owner, OTHER, 0x8004, Acl.build(tuple(aces)), None, "present")
    wish = 0
    for _ in range(dice.randint(1, 3)):
        wish |= dice.choice((0x1, 0x2, 0x20, 0x10000, 0x20000, 0x40000, WRITE_OWNER, ACCESS_SYSTEM_SECURITY))
    return Request(caller, SecuredObject(None, "random", FILE, descriptor), FILE, wish)


def _differences(judge: samba.Samba, requests: List[Request]) -> List[Tuple[str, str, Request]]:
    said = judge.answers([_asked(request) for request in requests])
    pairs = [(_ours(check(request, detail=False)), theirs, request) for request, theirs in zip(requests, said)]
    return [(ours, theirs, request) for ours, theirs, request in pairs if ours != theirs]


def test_random_descriptors(judge: samba.Samba) -> None:
    dice = random.Random(20261126)
    assert _differences(judge, [_random(dice) for _ in range(2000)]) == []


def test_random_descriptors_and_maximum_allowed(judge: samba.Samba) -> None:
    """The first ACE wins, as with us.  Where nothing is granted Samba says yes to 0, Windows no ([MS-DTYP], ReactOS)."""
    dice = random.Random(20261127)
    requests = []
    for _ in range(2000):
        request = _random(dice)
        bare = replace(request.caller, privileges={})  # asked by name only: DDI SeAccessCheck
        requests.append(replace(request, caller=bare, wish=MAXIMUM_ALLOWED))
    differences = _differences(judge, requests)
    assert [one for one in differences if one[1] != "yes 0x0"] == []
    assert all(one[0] == "no 0xc0000022" for one in differences)


def _conditional(case: Case) -> Request:
    sids = [Sid.from_text(text) for text in case.sids]
    claims = {
        "User": {name: values(claim) for name, claim in case.user.items()},
        "Device": {name: values(claim) for name, claim in case.machine.items()},
    }
    device = frozenset(Sid.from_text(text) for text in case.device)
    caller = Caller("a caller", sids[0], dict.fromkeys(sids, ENABLED), claims=claims, device_sids=device, policy=0)
    return Request(caller, SecuredObject(None, case.name, FILE, from_sddl(case.sddl)), FILE, 0x10)


def test_conditional_aces(judge: samba.Samba) -> None:
    said = judge.answers([_asked(_conditional(case)) for case in CASES])
    wrong = [case.name for case, theirs in zip(CASES, said) if theirs.startswith("yes") is not case.allow]
    assert [name for name in wrong if name not in KNOWN] == []
    assert sorted(KNOWN) == sorted(wrong), "what is known to differ still differs"
    for case in CASES:
        assert check(_conditional(case), Answers()).allowed is case.allow
