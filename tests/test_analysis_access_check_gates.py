"""The gates before a process's token: what each use of the handle needs, and which gate is reached."""

from dataclasses import replace
from typing import Dict

import pytest

from kdtoken.analysis.access_check.gates import USES, Chain, token_gates
from kdtoken.analysis.access_check.truth import Verdict
from kdtoken.model.absent import Unreadable
from kdtoken.model.object_type import documented_type
from kdtoken.model.secured_object import SecuredObject
from tests.access_rows import caller, descriptor

PROCESS, TOKEN = documented_type("process"), documented_type("token")
OPEN = "O:SYG:SYD:(A;;0x1400;;;BU)"

# The pages of the calls: what the handle must have been opened with.  TOKEN_ASSIGN_PRIMARY 1, TOKEN_DUPLICATE 2,
# TOKEN_QUERY 8, TOKEN_QUERY_SOURCE 0x10, TOKEN_ADJUST_PRIVILEGES 0x20, TOKEN_ADJUST_GROUPS 0x40.
NEEDED: Dict[str, int] = {
    "GetTokenInformation, all classes but TokenSource": 0x8,
    "GetTokenInformation(TokenSource)": 0x10,
    "DuplicateTokenEx": 0x2,
    "ImpersonateLoggedOnUser": 0x8 | 0x2,
    "CreateProcessAsUser": 0x8 | 0x2 | 0x1,
    "AdjustTokenPrivileges": 0x20,
    "AdjustTokenGroups": 0x40,
}


def gates(process: str, token: str, wish: int, own: bool = False) -> Chain:
    one = SecuredObject(None, "a.exe", PROCESS, descriptor(process))
    other = SecuredObject(None, "its token", TOKEN, descriptor(token))
    return token_gates(caller("user"), one, PROCESS, other, TOKEN, wish, own=own)


@pytest.mark.parametrize("call", NEEDED)
def test_what_a_call_needs_of_the_handle(call: str) -> None:
    assert set(USES) == set(NEEDED)
    for bit in (1, 2, 8, 0x10, 0x20, 0x40):
        enough = gates(OPEN, "O:SYG:SYD:(A;;0xffff;;;BU)", NEEDED[call] | bit)
        assert enough.verdict is Verdict.YES and enough.uses[call] is True
        if NEEDED[call] & bit:  # without one of its rights
            wish = NEEDED[call] & ~bit or 0x100
            assert gates(OPEN, "O:SYG:SYD:(A;;0xffff;;;BU)", wish).uses[call] is False


def test_which_gates_are_reached() -> None:
    calls = ["OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION)", "OpenProcessToken"]
    found = gates(OPEN, "O:SYG:SYD:", 0x8)
    assert [gate.call for gate in found.gates] == calls and (found.verdict, found.uses) == (Verdict.NO, {})
    found = gates("O:SYG:SYD:", OPEN, 0x8)
    assert [gate.call for gate in found.gates] == calls[:1] and (found.verdict, found.uses) == (Verdict.NO, {})
    # GetCurrentProcess needs no check.
    found = gates("O:SYG:SYD:", "O:SYG:SYD:(A;;0x8;;;BU)", 0x8, own=True)
    assert [gate.call for gate in found.gates] == calls[1:] and found.verdict is Verdict.YES


def test_an_object_without_a_label_is_medium() -> None:
    """The default of nt!SepDefaultMandatorySid, as of every Windows that is known: Low writes into nothing above."""
    low = caller("user @L")
    thing = SecuredObject(None, "a.exe", PROCESS, descriptor(OPEN))
    token = SecuredObject(None, "its token", TOKEN, descriptor("O:SYG:SYD:(A;;0x28;;;BU)"))
    found = token_gates(low, thing, PROCESS, token, TOKEN, 0x28)
    assert found.verdict is Verdict.NO and len(found.gates) == 2
    assert token_gates(low, thing, PROCESS, token, TOKEN, 0x28, default_level=0x1000).verdict is Verdict.YES


def test_a_token_whose_descriptor_is_not_known_leaves_the_chain_open() -> None:
    thing = SecuredObject(None, "a.exe", PROCESS, descriptor(OPEN))
    token = SecuredObject(None, "its token", TOKEN, Unreadable(0xFFFF800012345678, "paged out"))
    found = token_gates(caller("user"), thing, PROCESS, token, TOKEN, 0x8)
    assert (found.verdict, found.uses) == (Verdict.DEPENDS, {}) and len(found.gates) == 2
    assert [gate.answer.verdict for gate in found.gates] == [Verdict.YES, Verdict.DEPENDS]


@pytest.mark.parametrize("rights, told", [(0x1000, True), (0x1400, False), (0x400, True)])
def test_the_two_rights_that_openprocesstoken_may_need(rights: int, told: bool) -> None:
    """Its page has QUERY_LIMITED_INFORMATION 0x1000, the table of rights QUERY_INFORMATION 0x400: told where it matters."""
    found = gates("O:SYG:SYD:(A;;0x%x;;;BU)" % rights, "O:SYG:SYD:(A;;0x8;;;BU)", 0x8)
    assert [one.reading.name for one in found.conflicts] == (["open-process-token"] if told else [])


def test_two_answers_that_both_depend_may_differ_all_the_same() -> None:
    """A level that is not known is taken as high enough, a group that is not known as not there."""
    one = replace(caller("user"), integrity=None, sids_whole=False)
    label = "S:(ML;;NWNRNX;;;HI)"
    token = SecuredObject(None, "its token", TOKEN, descriptor("O:SYG:SYD:(A;;0x8;;;BU)"))
    for aces, told in (("(A;;0x1000;;;BU)(A;;0x400;;;{G})", 1), ("(A;;0x1400;;;BU)", 0)):
        thing = SecuredObject(None, "a.exe", PROCESS, descriptor("O:SYG:SYD:%s%s" % (aces, label)))
        found = token_gates(one, thing, PROCESS, token, TOKEN, 0x8)
        assert found.gates[0].answer.verdict is Verdict.DEPENDS and found.gates[0].answer.outcome.allowed
        assert len(found.conflicts) == told and all(conflict.depends for conflict in found.conflicts)
