"""Wine's AccessCheck as a judge of ours.

Believed for the walk through a DACL and its order, inherit-only, absent, null and empty DACLs, and SeSecurityPrivilege.  Not for
owners (it gives them 0x1f0000), OWNER RIGHTS, SeTakeOwnership, deny-only groups, labels, restricting SIDs; and it maps generic bits
of ACEs, which [MS-DTYP] 2.4.3 says is done when they are set.
"""

import random
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from kdtoken.analysis.access_check.caller import DENY_ONLY, DISABLED, ENABLED, Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.request import ACCESS_CHECK, MAXIMUM_ALLOWED, Request
from kdtoken.analysis.access_check.run import WIN32_ERRORS, Outcome
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.group import ENABLED as SE_GROUP_ENABLED
from kdtoken.model.group import USE_FOR_DENY_ONLY
from kdtoken.model.object_type import documented_type
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from tests.engine.windows import Windows

FILE = documented_type("file")
STRANGER = Sid(5, (21, 9, 9, 9, 1001))


class Judge:
    """The program, run once for many cases."""

    def __init__(self, windows: Windows, scratch: Path) -> None:
        self.windows, self.scratch = windows, scratch
        self.program = windows.work / "debugger" / "access_check.exe"
        self.caller = self._who(self.ask([])[0])

    def ask(self, cases: List[Tuple[int, bytes]]) -> List[str]:
        """The first line (who asks), then an answer a case."""
        listed = self.scratch / "cases.txt"  # of this worker alone: another one asks other questions at the same time
        listed.write_text("".join("%x %s\n" % (wish, data.hex()) for wish, data in cases), encoding="ascii")
        started = self.windows.start([self.program, listed])
        said, problems = started.communicate(timeout=300)
        lines = said.splitlines()
        assert started.returncode == 0 and len(lines) == len(cases) + 1, problems[-2000:]
        return lines

    @staticmethod
    def _who(line: str) -> Caller:
        word, user, *groups = line.split()
        assert word == "who"
        sids: Dict[Sid, int] = {Sid.from_text(user): ENABLED}
        for group in groups:
            text, attributes = group.split("=")
            bits = int(attributes, 16)
            enabled = ENABLED if bits & SE_GROUP_ENABLED else DISABLED
            sids.setdefault(Sid.from_text(text), DENY_ONLY if bits & USE_FOR_DENY_ONLY else enabled)
        return Caller("Wine", Sid.from_text(user), sids, policy=0, level=2)


@pytest.fixture(scope="module")
def judge(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge(windows, tmp_path_factory.mktemp("access_check"))


def _random(dice: random.Random, caller: Caller) -> Request:
    mine = [sid for sid, state in caller.sids.items() if state == ENABLED and not sid.is_integrity_label]
    aces = []
    for _ in range(dice.randint(0, 6)):
        mask = dice.choice((0x1, 0x2, 0x3, 0x20, 0x1F, 0x10000, 0x20000, 0x40000, 0x80000, 0x1F01FF))
        who = dice.choice((STRANGER, *mine))
        aces.append(Ace.build(dice.choice((0, 0, 1)), mask, who, dice.choice((0, 0, 0, 0x8))))
    state = dice.choice(("present",) * 8 + ("null", "absent"))
    dacl = Acl.build(tuple(aces)) if state == "present" else None
    control = 0x8000 | (0 if state == "absent" else 0x4)
    descriptor = SecurityDescriptor(STRANGER, STRANGER, control, dacl, None, state)
    wish = 0
    for _ in range(dice.randint(1, 3)):
        wish |= dice.choice((0x1, 0x2, 0x20, 0x10000, 0x20000, 0x40000, 0x80000))
    return Request(caller, SecuredObject(None, "random", FILE, descriptor), FILE, wish, call=ACCESS_CHECK)


def _said(outcome: Outcome) -> str:
    return "yes 0x%x" % outcome.granted if outcome.allowed else "no %d" % WIN32_ERRORS[outcome.status]


def _bytes(request: Request) -> bytes:
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor)
    return descriptor.to_bytes()


def test_random_descriptors(judge: Judge) -> None:
    dice = random.Random(20261126)
    requests = [_random(dice, judge.caller) for _ in range(3000)]
    theirs = judge.ask([(request.wish, _bytes(request)) for request in requests])[1:]
    ours = [_said(check(request, detail=False)) for request in requests]
    differing = [(request, mine, said) for request, mine, said in zip(requests, ours, theirs) if mine != said]
    assert all(_denies_what_is_granted(request) and said == "no 5" for request, _, said in differing)
    assert 0 < len(differing) < 30, "what is known to differ differs, and nothing else"


def _denies_what_is_granted(request: Request) -> bool:
    """Whether a deny ACE of the caller's stands behind an allow ACE for the same bit.

    Wine refuses then, while another bit is still to be granted; [MS-DTYP] 2.5.3.2 looks at what remains, as Samba does.
    """
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor) and descriptor.dacl is not None
    granted = 0
    for ace in descriptor.dacl.aces:
        if ace.flags & 0x8 or request.caller.sids.get(ace.sid) != ENABLED:  # type: ignore[arg-type]
            continue
        if ace.type == 0:
            granted |= (ace.mask or 0) & request.wish
        elif (ace.mask or 0) & granted:
            return True
    return False


def test_maximum_allowed_is_the_other_reading(judge: Judge) -> None:
    """Any deny ACE wins with Wine, as with [MS-DTYP]; with us that is named as the authorities' disagreement."""
    dice = random.Random(20261127)
    requests = [replace(_random(dice, judge.caller), wish=MAXIMUM_ALLOWED) for _ in range(3000)]
    theirs = judge.ask([(request.wish, _bytes(request)) for request in requests])[1:]
    ours = [_said(check(one, Answers({}, frozenset(("maximum-order",))), False)) for one in requests]
    assert [(mine, said) for mine, said in zip(ours, theirs) if mine != said] == []


def test_access_system_security_needs_its_privilege(judge: Judge) -> None:
    descriptor = SecurityDescriptor(STRANGER, STRANGER, 0x8004, Acl.build(()), None, "present")
    assert judge.ask([(0x01000000, descriptor.to_bytes())])[1] == "no 1314"
