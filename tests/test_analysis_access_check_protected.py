"""Protected processes: which rights LEARN lists, who is less protected, and what is taken away from whom."""

from dataclasses import replace
from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.protected import REFUSED, less_protected
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.request import ACCESS_CHECK, MAXIMUM_ALLOWED
from kdtoken.analysis.access_check.run import Outcome, Place
from tests.test_analysis_access_check_check import asked


def test_the_rights_that_learn_lists() -> None:
    """winnt.h's values of the rights that "Process Security and Access Rights" and its page on threads name."""
    # CREATE_PROCESS CREATE_THREAD DUP_HANDLE QUERY_INFORMATION SET_INFORMATION SET_QUOTA VM_OPERATION VM_READ VM_WRITE,
    # DELETE READ_CONTROL WRITE_DAC WRITE_OWNER
    assert REFUSED["Process"] == 0x80 + 0x2 + 0x40 + 0x400 + 0x200 + 0x100 + 0x8 + 0x10 + 0x20 + 0xF0000
    # DIRECT_IMPERSONATION GET_CONTEXT IMPERSONATE QUERY_INFORMATION SET_CONTEXT SET_INFORMATION SET_THREAD_TOKEN TERMINATE
    assert REFUSED["Thread"] == 0x200 + 0x8 + 0x100 + 0x40 + 0x10 + 0x20 + 0x80 + 0x1
    assert sorted(REFUSED) == ["Process", "Thread"]


@pytest.mark.parametrize(
    "caller, target, less, full",
    [
        # _PS_PROTECTION.Level: the low three bits are the type (0 none, 1 light, 2 full), the high four the signer.
        (0x00, 0x31, True, True),  # nobody below PPL-Antimalware
        (0x31, 0x31, False, False),  # the same
        (0x41, 0x31, False, False),  # Lsa above Antimalware
        (0x31, 0x41, True, True),
        (0x31, 0x32, True, True),  # light below full of one signer
        (0x32, 0x31, False, False),
        (0x62, 0x61, False, False),
        (0x61, 0x62, True, True),
        # A full one whose signer is lower than the light one's: on that the authorities differ.
        (0x12, 0x41, True, False),
        (0x41, 0x12, True, True),
        (0x62, 0x72, True, True),
        (0x72, 0x62, False, False),
        (0x00, 0x00, False, False),
    ],
)
def test_who_is_less_protected(caller: int, target: int, less: bool, full: bool) -> None:
    assert (less_protected(caller, target), less_protected(caller, target, full_is_above=True)) == (less, full)


ALL = "O:{X}G:{X}D:(A;;0x1fffff;;;BA)"


def opened(
    wish: int, kind: str = "process", caller: Optional[int] = 0, target: Optional[int] = 0x61, **more: Any
) -> Outcome:
    """An administrator whom the DACL grants everything opens a process (or thread of it) with these protections."""
    token = "admin level=2" if more else "admin"  # AccessCheck takes an impersonation token
    request = asked(token, ALL, wish, kind, protection=target, **more)
    return check(replace(request, caller=replace(request.caller, protection=caller)))


@pytest.mark.parametrize(
    "kind, wish, refused",
    [
        ("process", 0x1000, ""),  # QUERY_LIMITED_INFORMATION, which is in no list
        ("process", 0x800, ""),  # SUSPEND_RESUME
        ("process", 0x100000, ""),
        ("process", 0x10, "0x10 (VM_READ)"),
        ("process", 0x1010, "0x10 (VM_READ)"),  # one bit of the wish is enough
        ("process", 0x20000, "0x20000 (READ_CONTROL)"),
        ("process", 0x1, "0x1 (TERMINATE)"),  # WinTcb's are not ended either
        ("thread", 0x2, ""),  # SUSPEND_RESUME
        ("thread", 0x1, "0x1 (TERMINATE)"),
        ("thread", 0x20000, ""),  # the page on threads lists no standard right
        ("file", 0x10, ""),  # no process
    ],
)
def test_a_less_protected_caller_is_refused_what_is_listed(kind: str, wish: int, refused: str) -> None:
    outcome = opened(wish, kind)
    assert outcome.allowed is not bool(refused)
    if refused:
        assert outcome.denial is not None and outcome.place is Place.PROTECTED
        assert outcome.denial.why == "less protected callers are refused " + refused
    else:
        assert outcome.granted == wish
    # Equally protected nobody is refused; nor where a server asks for a client, or the process is not protected.
    for free in (opened(wish, kind, 0x61), opened(wish, kind, call=ACCESS_CHECK), opened(wish, kind, target=0)):
        assert free.granted == wish


@pytest.mark.parametrize(
    "target, others, ended",
    [
        # Signers: 1 Authenticode, 3 Antimalware, 4 Lsa, 5 Windows, 6 WinTcb.
        (0x11, (), True),
        (0x31, (), False),
        (0x41, (), True),
        (0x51, (), True),
        (0x61, (), False),
        (0x71, (), True),
        # Taking the other side where the authorities disagree.
        (0x31, ("protected-signer",), True),
        (0x61, ("protected-signer",), True),
        (0x41, ("protected-lsa",), False),
        (0x51, ("protected-lsa",), True),
    ],
)
def test_whose_processes_may_not_even_be_ended(target: int, others: Tuple[str, ...], ended: bool) -> None:
    request = asked("admin", ALL, 0x1, "process", protection=target)
    request = replace(request, caller=replace(request.caller, protection=0))
    assert check(request, Answers({}, frozenset(others))).allowed is ended


def test_with_maximum_allowed_the_rest_is_left() -> None:
    outcome = opened(MAXIMUM_ALLOWED)
    assert outcome.allowed and outcome.granted == 0x1FFFFF & ~(REFUSED["Process"] | 0x1)
    assert opened(MAXIMUM_ALLOWED, target=0x51).granted == 0x1FFFFF & ~REFUSED["Process"]
    assert opened(MAXIMUM_ALLOWED, "thread").granted == 0x1FFFFF & ~REFUSED["Thread"]
    # A wish beside it that is refused is refused as a whole.
    assert not opened(MAXIMUM_ALLOWED | 0x10).allowed


@pytest.mark.parametrize(
    "caller, target, wish, questions, allowed",
    [
        (None, 0x61, 0x10, ["protection"], True),  # taken as not less protected
        (0, None, 0x10, ["protection"], True),
        (None, 0, 0x10, [], True),  # not protected at all
        (None, 0x10, 0x10, [], True),  # a signer without a type is no protection
        (None, 0x61, 0x1000, [], True),  # which nobody is refused
        (None, 0x61, 0x1, ["protection"], True),
    ],
)
def test_a_protection_that_is_not_known_is_asked_about_where_it_matters(
    caller: Optional[int], target: Optional[int], wish: int, questions: List[str], allowed: bool
) -> None:
    request = asked("admin", ALL, wish, "process", protection=target)
    request = replace(request, caller=replace(request.caller, protection=caller))
    answers = Answers()
    assert check(request, answers).allowed is allowed and [one.key for one in answers.asked] == questions
    if questions:
        assert not check(request, Answers({"protection": True, "protection-signer": True})).allowed


@pytest.mark.parametrize(
    "caller, target, wish, decided, why",
    [
        (0, 0x61, 0x1000, "goes on", "protection leaves a less protected caller what is asked"),
        (0x61, 0x61, 0x10, "goes on", "the caller is not less protected"),
        (0, 0x61, 0x10, "refused", "less protected callers are refused 0x10 (VM_READ)"),
        (None, 0x61, 0x10, "goes on", "the caller is taken as not less protected"),
    ],
)
def test_the_step_says_what_was_decided(caller: Optional[int], target: int, wish: int, decided: str, why: str) -> None:
    (step,) = [one for one in opened(wish, caller=caller, target=target).steps if one.name == "protected process"]
    assert (step.decided, step.why) == (decided, why)


def test_what_is_taken_away_has_its_reason_and_its_step() -> None:
    outcome = opened(MAXIMUM_ALLOWED, target=0x51)
    (step,) = [one for one in outcome.steps if one.name == "protected process"]
    assert step.decided.startswith("takes 0xf07fa (") and step.why.startswith(
        "less protected callers are refused 0xf07fa"
    )
    words = "refused by a protected process"
    told = [bit for bit in range(32) if words in outcome.reasons[bit].words]
    assert sum(1 << bit for bit in told) == REFUSED["Process"]
    # Those who say that MAXIMUM_ALLOWED fails as a whole there.
    request = asked("admin", ALL, MAXIMUM_ALLOWED, "process", protection=0x51)
    request = replace(request, caller=replace(request.caller, protection=0))
    assert not check(request, Answers({}, frozenset(["protected-maximum"]))).allowed


@pytest.mark.parametrize("answers, ended", [({}, True), ({"protection": True}, True)])
def test_of_a_process_whose_signer_is_not_known_ending_it_is_asked_about(answers: Any, ended: bool) -> None:
    request = asked("admin", ALL, 0x1, "process", protection=None)
    assert check(request, Answers(answers)).allowed is ended
    both = Answers({"protection": True, "protection-signer": True})
    assert not check(request, both).allowed and "protection-signer" in [one.key for one in both.asked]
    # Of a thread the page names TERMINATE itself: there the signer is no matter.
    assert not check(asked("admin", ALL, 0x1, "thread", protection=None), Answers({"protection": True})).allowed
