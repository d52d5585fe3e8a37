"""A next step can be typed where one is: with the file that was asked, and as !py inside WinDbg."""

import sys
from typing import List

import pytest

from kdtoken import cli
from kdtoken.cli.here import here, refuse_empty
from kdtoken.errors import UsageError
from kdtoken.machine.open import Request

MESSAGE = "no process has pid 7\n  next: kdtoken walk lists all processes"
FILE = Request(("MEMORY.DMP",), symbols="my store")


@pytest.mark.parametrize(
    "asked, in_debugger, step",
    [
        ([], False, "kdtoken walk lists all processes"),
        ([], True, "!py -m kdtoken.walk lists all processes"),
        ([Request(("a b.gz",))], False, 'kdtoken walk "a b.gz" lists all processes'),
        ([FILE], False, 'kdtoken walk MEMORY.DMP --symbols "my store" lists all processes'),
        ([FILE], True, '!py -m kdtoken.walk MEMORY.DMP --symbols "my store" lists all processes'),
        ([FILE, FILE], False, "kdtoken walk lists all processes"),  # which of the two nobody can tell
        ([Request(("a.log", "b.log"))], False, "kdtoken walk lists all processes"),
        ([Request()], False, "kdtoken walk lists all processes"),  # the debugger's own session
    ],
)
def test_the_source_that_was_asked(asked: List[Request], in_debugger: bool, step: str) -> None:
    assert here(MESSAGE, asked, in_debugger) == "no process has pid 7\n  next: " + step


@pytest.mark.parametrize(
    "message",
    [
        "kdtoken walk lists nothing",  # no next step
        "x\n  next: kdtoken dump notepad.exe shows one process",  # a name: the line may begin with a file of its own
        "x\n  next: kdtoken dump FILE PROCESS",
        "x\n  next: copy F.kdtoken.gz again",
        # A file of its own, whose name begins as a pid does.
        'x\n  next: choose one: kdtoken dump 04-privs.txt "#1"',
        "x\n  next: kdtoken dump 2024.log notepad.exe",
    ],
)
def test_what_stays_as_it_is(message: str) -> None:
    assert here(message, [FILE], False) == message


@pytest.mark.parametrize("behind", ["", " --all", ".", ", say", ". Or not"])
def test_a_pid_behind_a_verb_is_of_the_source(behind: str) -> None:
    step = "x\n  next: kdtoken dump%s 6104" + behind
    assert here(step % "", [Request(("F",))], False) == step % " F"


def test_every_command_of_a_step_inside_windbg() -> None:
    step = "x kdtoken y\n  next: kdtoken record makes one; kdtoken dump FILE PROCESS, not F.kdtoken gz"
    wanted = "x kdtoken y\n  next: !py -m kdtoken.record makes one; !py -m kdtoken.dump FILE PROCESS, not F.kdtoken gz"
    assert here(step, [], True) == wanted


def test_a_replacement_is_taken_literally() -> None:
    """A path of Windows is no pattern."""
    request = Request(("C:\\1\\g<0>.dmp",))
    assert here(MESSAGE, [request], False).endswith("next: kdtoken walk C:\\1\\g<0>.dmp lists all processes")


def test_a_token_by_its_address_is_of_the_source() -> None:
    step = "x\n  next: kdtoken dump%s --token 0xe1001008 shows it"
    assert here(step % "", [Request(("F",))], False) == step % " F"


@pytest.mark.parametrize(
    "words, message",
    [
        (["", "notepad.exe"], "word 1 behind the verb is empty"),
        (["MEMORY.DMP", ""], "word 2 behind the verb is empty"),
        (["MEMORY.DMP", "--symbols", ""], "--symbols has nothing behind it but an empty word"),
    ],
)
def test_an_empty_word_is_told_by_what_stands_before_it(words: List[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        refuse_empty(words)
    assert refused.value.message == message


def test_without_arguments_the_words_are_those_behind_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kdtoken", "S-1-5-18", "S-1-5-19"])
    seen: List[List[str]] = []
    assert cli.run(lambda words: len(seen.append(words) or words), None) == 2
    assert seen == [["S-1-5-18", "S-1-5-19"]]
