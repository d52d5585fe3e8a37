"""What a person types for a process, by its form."""

from typing import Any

import pytest

from kdtoken.errors import ProcessAmbiguous, ProcessNotFound, UsageError
from kdtoken.machine.argument import choose, named, parse_process_argument, split_thread
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


@pytest.mark.parametrize(
    "text, width, parsed",
    [
        (" 1234 ", 8, ("pid", 1234)),
        (" notepad.exe ", 8, ("name", "notepad.exe")),
        ("0", 8, ("pid", 0)),
        ("-", 8, ("name", "-")),
        ("-1a", 8, ("name", "-1a")),
        ("FFFFE0012C3D4080", 8, ("address", 0xFFFFE0012C3D4080)),
        ("0xffffe001`2c3d4080", 8, ("address", 0xFFFFE0012C3D4080)),
        ("ffff00002c3d4080", 8, ("address", 0xFFFF00002C3D4080)),
        ("fffee0012c3d4080", 8, ("name", "fffee0012c3d4080")),  # no address that a kernel has
        ("ffffe0012c3d408", 8, ("name", "ffffe0012c3d408")),
        ("0x00007ff612c3d408", 8, ("pid", 0x7FF612C3D408)),
        ("80000000", 4, ("address", 0x80000000)),
        ("ffffffff", 4, ("address", 0xFFFFFFFF)),
        ("7fffffff", 4, ("name", "7fffffff")),  # user mode's
        ("ffffffff80000000", 4, ("address", 0x80000000)),
        ("ffffe0012c3d4080", 4, ("name", "ffffe0012c3d4080")),
        ("1" * 20, 8, ("pid", int("1" * 20))),
        ("1" * 21, 8, ("name", "1" * 21)),  # no pid has as many digits
        ("0x" + "1" * 16, 8, ("pid", 0x1111111111111111)),
        ("0x" + "1" * 17, 8, ("name", "0x" + "1" * 17)),
        ("0n" + "1" * 21, 8, ("name", "0n" + "1" * 21)),
    ],
)
def test_the_edges_of_each_form(text: str, width: int, parsed: Any) -> None:
    assert parse_process_argument(text, width) == parsed


@pytest.mark.parametrize(
    "text, split",
    [
        (" lsass.exe:748 ", ("lsass.exe", 748)),
        ("a:b:748", ("a:b", 748)),
        (":748", (":748", None)),
        ("x:" + "1" * 21, ("x:" + "1" * 21, None)),
        ("x:0x1f", ("x", 31)),
        ("x:1f", ("x:1f", None)),  # a thread's id is decimal, or says that it is not
    ],
)
def test_the_edges_of_a_thread_of_a_process(text: str, split: Any) -> None:
    assert split_thread(text) == split


LONG = "averylongprogram.exe"


@pytest.mark.parametrize(
    "typed, name, room, found",
    [
        ("notepad", "notepad.exe", 15, True),
        ("NOTEPAD.EXE", "notepad.exe", 15, True),
        ("notepad.exe", "NotePad.exe", 15, True),
        ("notepad", "notepad", 15, True),
        ("note", "notepad.exe", 15, False),
        # The kernel keeps 15 bytes, older builds 14 and a NUL.
        (LONG, LONG[:15], 15, True),
        (LONG, LONG[:14], 15, True),
        (LONG, LONG[:13], 15, False),  # one byte less was never cut
        ("averylongprogram", LONG[:15], 15, True),
        (LONG[:15], LONG[:15], 15, True),
        (LONG[:15], LONG[:14], 15, True),
        (LONG[:14], LONG[:15], 15, False),
        (LONG, "averylongprogrx", 15, False),
        (LONG, LONG[:15], 20, False),  # of a kernel that keeps more, this is the whole name
        (LONG, LONG[:19], 20, True),
    ],
)
def test_a_name_without_its_ending_or_past_where_the_kernel_cut_it(
    typed: str, name: str, room: int, found: bool
) -> None:
    assert [one.pid for one in named([process(8, name)], typed, room)] == ([8] if found else [])


def test_the_name_as_it_was_typed_comes_before_the_one_with_its_ending() -> None:
    both = [process(8, "tool.exe"), process(12, "tool")]
    assert [one.pid for one in named(both, "tool")] == [12]
    assert [one.pid for one in named([process(4, "tool"), *both], "tool")] == [4, 12]
    assert named([Process(1, 8, Unreadable(0, "-"), Unreadable(0, "-"), 4)], "unreadable") == []


def test_an_address_means_the_process_there_and_no_name() -> None:
    a, b = process(8, "a.exe"), process(12, "ffffe00000000008")
    assert choose([a, b], "ffffe00000000008", "address", 0xFFFFE00000000008).pid == 8
    with pytest.raises(ProcessNotFound, match="the EPROCESS address ffffe00000000010 .2 processes seen"):
        choose([a, b], "ffffe00000000010", "address", 0xFFFFE00000000010)


def test_a_number_is_a_pid_first_and_else_what_somebody_called_their_program() -> None:
    a, b = process(8, "a.exe"), process(12, "8")
    assert chosen("8", a, b) == 8 and chosen("8", process(4, "a.exe"), b) == 12
    # Only a bare hexadecimal number is tried as one, up to eight digits.
    assert chosen("c", a, b) == 12 and chosen("0000000c", a, b) == 12
    with pytest.raises(ProcessNotFound):
        chosen("00000000c", a, b)


def test_of_several_of_a_name_all_are_listed_and_their_pids_are_given() -> None:
    odd = Process(0x10, Unreadable(0, "-"), "svchost.exe", Unreadable(0, "-"), 4)
    with pytest.raises(ProcessAmbiguous) as error:
        chosen("svchost", process(8, "svchost.exe"), process(12, "other.exe"), process(16, "svchost.exe"), odd)
    assert error.value.message.split("\n")[0] == "3 processes are called svchost:"
    assert [" ".join(line.split()) for line in error.value.message.split("\n")[1:3]] == [
        "pid 8 EPROCESS 0xffffe00000000008 svchost.exe",
        "pid 16 EPROCESS 0xffffe00000000010 svchost.exe",
    ]
    assert error.value.choices == ((8, 0xFFFFE00000000008), (16, 0xFFFFE00000000010))
    assert error.value.next_step == "give one of the pids instead of the name"


def not_found(text: str, *processes: Process, problems: Any = ()) -> ProcessNotFound:
    kind, value = parse_process_argument(text, 8)
    with pytest.raises(ProcessNotFound) as error:
        choose(processes, text, kind, value, problems)
    return error.value


def test_near_names_are_offered_nearest_first_and_no_more_than_five() -> None:
    some = [process(4 * n, name) for n, name in enumerate(["lsass.exe", "lsm.exe", "System", "spoolsv.exe"], 1)]
    assert not_found("lsas", *some).next_step == "near names: lsass.exe"
    assert not_found("lsas.exe", *some).next_step == "near names: lsass.exe"
    assert not_found("SPOOL", *some).next_step == "near names: spoolsv.exe"  # a part of the name, in any case
    assert not_found("zzz", *some).next_step == "kdtoken walk lists all processes"
    hosts = [process(4 * n, "svchost%d.exe" % n) for n in range(1, 8)]
    assert not_found("svchost", *hosts).next_step.count(",") == 4


def test_what_was_wrong_with_the_list_is_said_where_a_process_is_not_in_it() -> None:
    a = process(8, "a.exe")
    assert not_found("zzz", a).message == "no process has the name zzz (1 process seen)"
    torn = not_found("zzz", a, problems=["the list is torn", "and more"])
    assert torn.message.endswith("(1 process seen); the list is not whole: the list is torn")
    cut = not_found("zzz", problems=["the dump was cut short"])
    assert cut.next_step == "copy the dump again, whole; an EPROCESS address goes without the list"
    assert "copy the dump" not in not_found("zzz", a, problems=["the dump was cut short"]).next_step
    assert not_found("77", a).message.startswith("no process has pid 77 ")


def test_a_thread_is_told_from_a_process_that_is_not_there() -> None:
    a = process(1120, "a.exe")
    said = not_found("1120:1128", a)
    assert said.message == "1120:1128 is a thread of pid 1120, and a process is asked for here"
    assert "kdtoken dump 1120 " in said.next_step
    assert "is a thread" not in not_found("1124:1128", a).message


def test_a_pid_is_offered_by_its_hexadecimal_reading_only_where_it_is_one() -> None:
    a = process(0x12, "a.exe")
    assert "0x12 is pid 18, a.exe" in not_found("12", process(4, "b.exe"), a).next_step
    assert not_found("0n12", a).next_step == "kdtoken walk lists all processes"
    assert not_found("123456789", a).next_step == "kdtoken walk lists all processes"
