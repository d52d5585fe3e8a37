"""What a person types for a process, by its form."""

from typing import Any

import pytest

from kdtoken.errors import ProcessNotFound, UsageError
from kdtoken.machine.argument import choose, parse_process_argument, split_thread
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import Process


@pytest.mark.parametrize(
    "text, width, parsed",
    [
        ("1234", 8, ("pid", 1234)),
        ("0n1234", 8, ("pid", 1234)),
        ("0x4d2", 8, ("pid", 1234)),
        ("8237dc70", 4, ("address", 0x8237DC70)),
        ("0x8237dc70", 4, ("address", 0x8237DC70)),
        ("8237dc70", 8, ("name", "8237dc70")),
        # As a debugger of 64 bits prints an address of a 32-bit machine.
        ("0xffffffff8237dc70", 4, ("address", 0x8237DC70)),
        ("ffffffff`b12fe3e0", 4, ("address", 0xB12FE3E0)),
        ("ffffffff7237dc70", 4, ("name", "ffffffff7237dc70")),
        ("ffffe001`2c3d4080", 8, ("address", 0xFFFFE0012C3D4080)),
        ("0x1234abcd", 4, ("pid", 0x1234ABCD)),
        ("notepad.exe", 8, ("name", "notepad.exe")),
        ("7zip.exe", 8, ("name", "7zip.exe")),
    ],
)
def test_the_form_of_an_argument(text: str, width: int, parsed: Any) -> None:
    assert parse_process_argument(text, width) == parsed


def test_no_argument_at_all() -> None:
    with pytest.raises(UsageError, match="no process was named"):
        parse_process_argument("  ", 8)


def process(pid: int, name: str) -> Process:
    return Process(0xFFFFE00000000000 + pid, pid, name, Unreadable(0, "-"), 4)


def chosen(text: str, *processes: Process) -> int:
    kind, value = parse_process_argument(text, 8)
    return choose(processes, text, kind, value).pid


def test_a_pid_as_the_debugger_prints_it() -> None:
    notepad, odd = process(0x17D8, "notepad.exe"), process(8, "17d8")
    assert chosen("17d8", notepad) == chosen("17D8", notepad) == 0x17D8
    assert chosen("17d8", notepad, odd) == 8  # somebody called a program so: that is what was typed


def test_digits_are_decimal_and_the_other_reading_is_offered() -> None:
    one = process(0x1120, "svchost.exe")
    assert chosen("1120", one, process(1120, "a.exe")) == 1120
    with pytest.raises(ProcessNotFound) as error:
        chosen("1120", one)
    assert error.value.next_step == "0x1120 is pid 4384, svchost.exe: write 0x1120 for it"
    with pytest.raises(ProcessNotFound) as error:
        chosen("1124", one)
    assert error.value.next_step == "kdtoken walk lists all processes"


def test_where_there_is_no_list_nobody_is_sent_to_walk() -> None:
    with pytest.raises(ProcessNotFound) as error:
        choose([], "a.exe", "name", "a.exe", ["the list head is paged out"])
    assert "the list head is paged out" in error.value.message
    assert "walk shows none either" in error.value.next_step


@pytest.mark.parametrize("text", ["-1", "-6104"])
def test_a_negative_number_is_no_pid(text: str) -> None:
    with pytest.raises(UsageError, match="%s is no pid" % text):
        parse_process_argument(text, 8)


@pytest.mark.parametrize(
    "text, split",
    [
        ("1120:1128", ("1120", 1128)),
        ("svchost.exe:0x468", ("svchost.exe", 0x468)),
        ("ffffe001`2c3d4080:0n8", ("ffffe001`2c3d4080", 8)),
        ("1120", ("1120", None)),
        ("odd:name.exe", ("odd:name.exe", None)),
    ],
)
def test_a_thread_of_a_process(text: str, split: Any) -> None:
    assert split_thread(text) == split
