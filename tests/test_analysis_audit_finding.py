"""What a finding names: processes whose name or id is not known, evidence, and which findings are about a process."""

from typing import Any, Tuple

import pytest

from kdtoken.analysis.audit.finding import (
    Evidence,
    Finding,
    Severity,
    by_process,
    image_of,
    name_of,
    process_evidence,
    token_evidence,
)
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.process import FastRef, Process, ProcessDump

GONE = Unreadable(0x10, "paged out")


def row(image: Any, pid: Any, address: int = 0x1000) -> ProcessDump:
    return ProcessDump(Process(address, pid, image, FastRef(0x2000, 15), 4), GONE, GONE)


@pytest.mark.parametrize(
    "image, pid, name, lower",
    [
        ("Notepad.EXE", 6104, "Notepad.EXE (6104)", "notepad.exe"),
        ("Idle", 0, "Idle (0)", "idle"),
        (GONE, 8, "? (8)", ""),
        (NotSaid("a text"), 8, "? (8)", ""),
        ("a.exe", GONE, "a.exe (pid ?)", "a.exe"),
        (GONE, NotSaid("a text"), "? (pid ?)", ""),
    ],
)
def test_a_process_by_its_name_and_id_as_far_as_they_are_known(image: Any, pid: Any, name: str, lower: str) -> None:
    assert (name_of(row(image, pid)), image_of(row(image, pid))) == (name, lower)
    assert process_evidence(row(image, pid)) == Evidence("process", name, 0x1000, "process")
    assert process_evidence(row(image, pid), "its parent") == Evidence("its parent", name, 0x1000, "process")
    assert token_evidence(row(image, pid), 0xABC0) == Evidence("token of " + name, "0xabc0", 0xABC0, "token")
    assert token_evidence(row(image, pid), 0xABC0, "boot token") == Evidence("boot token", "0xabc0", 0xABC0, "token")


def test_the_worst_comes_first_and_has_two_marks() -> None:
    assert [(one.name, one.value, one.rank) for one in Severity] == [
        ("IMPOSSIBLE", "!!", 0),
        ("UNUSUAL", "!", 1),
        ("INFORMATION", "i", 2),
    ]


def test_findings_of_a_process_are_those_that_name_it_first() -> None:
    one, other = row("a.exe", 8), row("b.exe", 12, 0x3000)

    def found(rule: str, processes: Tuple[ProcessDump, ...]) -> Finding:
        return Finding(rule, Severity.UNUSUAL, "", (), processes, key="k")

    first, second, third, nobody = found("1", (one,)), found("2", (other, one)), found("3", (one,)), found("4", ())
    assert by_process([first, second, nobody, third]) == {0x1000: [first, third], 0x3000: [second]}
    assert by_process([nobody]) == {} and first.identity == "1: k"
