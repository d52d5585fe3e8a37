"""Two looks at machines: the verdict, the processes by what became of them, and what is the same counted."""

import json
from typing import Any, List, Optional

import pytest

from kdtoken.analysis.differences.comparison import Comparison, Kind, View
from kdtoken.analysis.differences.fields import compare
from kdtoken.analysis.differences.machines import Fate, MachineComparison, Pair, TokenFate
from kdtoken.frozen import replace
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.render.machines import machines_json, machines_lines
from kdtoken.render.words import set_columns
from tests.declared_views import decoded

ANNA, SYSTEM = decoded("notepad"), decoded("system")
USER = "S-1-5-21-1004336348-1177238915-682003330-1001"


def row(pid: int, token: Any = ANNA, name: Any = "a.exe") -> ProcessDump:
    return ProcessDump(Process(0x1000, pid, name, FastRef(token.address, 15), 4), ProcessDetails(5, 0, 0, 1, 0), token)


def compared(*pairs: Pair, same_start: bool = True) -> MachineComparison:
    rows = tuple(pair.before or pair.after for pair in pairs)
    before = Snapshot("before.dmp", rows, build="10.0.22000")  # type: ignore[arg-type]
    return MachineComparison(before, Snapshot("after\x1b.dmp", (row(8),)), same_start, pairs)


def lines(*pairs: Pair, everything: bool = False, same_start: bool = True) -> List[str]:
    return [str(line) for line in machines_lines(compared(*pairs, same_start=same_start), everything)]


SAME, ENDED = Pair(Fate.SAME, row(8), row(8)), Pair(Fate.ENDED, row(12), None)


def test_the_sides_and_what_is_the_same() -> None:
    assert lines(SAME, SAME) == [
        "nothing changed",
        "",
        "  A  before.dmp, Windows kernel 10.0.22000, 2 processes",
        "  B  after\\u001b.dmp, 1 process",
        "",
        "Same: 2 of 2 processes (--all lists them)",
    ]
    assert lines(SAME, ENDED)[4:] == [
        "",
        "Ended, or only there before",
        "  a.exe (12)",
        "",
        "Same: 1 of 2 processes (--all lists them)",
    ]
    assert lines(ENDED)[-1] == "Same: 0 of 1 process"  # there is none to list
    assert lines(SAME, ENDED, everything=True)[4:] == [
        "",
        "Ended, or only there before",
        "  a.exe (12)",
        "",
        "Same",
        "  a.exe (8)",
        "",
        "Same: 1 of 2 processes",
    ]


def test_two_starts_are_said_to_be_two() -> None:
    words = "Two machines, or two starts of one: processes are matched by name, and ids mean nothing."
    assert words in " ".join(lines(SAME, same_start=False)) and words not in " ".join(lines(SAME))


@pytest.mark.parametrize("fate", list(Fate))
def test_each_fate_has_its_heading(fate: Fate) -> None:
    heads = {
        Fate.TAMPERED: "!! Changed without the kernel's own trace (ModifiedId stayed):",
        Fate.REPLACED: "! Hold another token than before;",
        Fate.ADJUSTED: "Adjusted; ModifiedId does not tell of it",  # no comparison is at hand
        Fate.DIFFERENT: "Run in another context",
        Fate.ENDED: "Ended, or only there before",
        Fate.APPEARED: "Appeared, or only there after",
        Fate.UNKNOWN: "Could not be compared",
        Fate.SAME: "Same",
    }
    text = " ".join(" ".join(lines(Pair(fate, row(8), row(8)), everything=True)[4:]).split())
    assert text.startswith(heads[fate] + (" a.exe" if fate not in (Fate.TAMPERED, Fate.REPLACED) else " "))


OTHER = replace(ANNA, address=ANNA.address + 0x1000)


@pytest.mark.parametrize(
    "before, after, said",
    [
        (ANNA, OTHER, "token 0x%x -> 0x%x" % (ANNA.address, OTHER.address)),
        # The memory of the old one was used again for another.
        (ANNA, ANNA, "another token at 0x%x" % ANNA.address),
        (
            ANNA,
            SYSTEM,
            "token 0x%x -> 0x%x; ANNA-PC\\Anna, Medium -> NT AUTHORITY\\SYSTEM, System"
            % (ANNA.address, SYSTEM.address),
        ),
    ],
)
def test_a_token_that_was_replaced_is_told_with_both_addresses_and_users(before: Any, after: Any, said: str) -> None:
    found = lines(Pair(Fate.REPLACED, row(8, before), row(8, after)))
    text = " ".join(" ".join(found[found.index("") + 1 :]).split())
    assert "a.exe (8): %s" % said in text and (";" in text.partition("a.exe (8)")[2]) is (";" in said)
    # Of every other fate the addresses say nothing.
    assert "token 0x" not in " ".join(lines(Pair(Fate.DIFFERENT, row(8, before), row(8, after))))


@pytest.mark.parametrize(
    "before, after, pid, first, second",
    [
        (row(8), row(8, SYSTEM), 8, ANNA.address, SYSTEM.address),
        (row(8), None, 8, ANNA.address, None),
        (None, row(12, SYSTEM), 12, None, SYSTEM.address),
    ],
)
def test_the_same_for_programs(before: Any, after: Any, pid: int, first: Optional[int], second: Optional[int]) -> None:
    document = json.loads(machines_json(compared(Pair(Fate.DIFFERENT, before, after), same_start=False)))
    assert document["same_start"] is False and document["exit_code"] == 1
    assert document["a"] == {"source": "before.dmp", "build": "10.0.22000"}
    assert document["b"]["source"] == "after\x1b.dmp"
    (one,) = document["processes"]
    assert (one["pid"], one["image"], one["fate"], one["identity"], one["policy"]) == (
        pid,
        "a.exe",
        "different",
        [],
        [],
    )
    assert (one["token_before"], one["token_after"]) == (first and hex(first), second and hex(second))


def comparison(before: Any, after: Any) -> Comparison:
    return compare(View(before, Kind.KERNEL, "a", process="p"), View(after, Kind.KERNEL, "b", process="p"))


RICHER = replace(ANNA, privileges=SYSTEM.privileges, session_id=7)


@pytest.mark.parametrize(
    "fate, told",
    [(Fate.ADJUSTED, True), (Fate.DIFFERENT, True), (Fate.TAMPERED, True), (Fate.SAME, False)],
)
def test_what_differs_is_named_by_part_but_of_what_is_the_same(fate: Fate, told: bool) -> None:
    compared_ = comparison(ANNA, replace(ANNA, privileges=()))
    text = " ".join(lines(Pair(fate, row(8), row(8), compared_), everything=True))
    assert ("a.exe (8); policy: Se" in text) is told and "identity:" not in text
    # Without a comparison there is nothing to name.
    assert "policy" not in " ".join(lines(Pair(fate, row(8), row(8)), everything=True))


def test_a_line_goes_on_below_itself_within_the_width() -> None:
    set_columns(60)
    try:
        found = lines(Pair(Fate.ADJUSTED, row(8), row(8), comparison(ANNA, replace(ANNA, privileges=()))))
    finally:
        set_columns()
    at = next(at for at, line in enumerate(found) if line.startswith("  a.exe (8); policy: "))
    assert found[at + 1].startswith(" " * 4) and found[at + 1][4] != " "
    assert all(len(line) <= 60 for line in found)
    # No word that would have fitted stands on the next line.
    first = found[at + 1].split()[0]
    assert len(found[at]) + 1 + len(first) > 60 - 2


def test_tokens_for_programs() -> None:
    other = replace(ANNA, privileges=())
    whole = replace(compared(SAME), others=(TokenFate(Fate.TAMPERED, ANNA, other, comparison(ANNA, other)),))
    document = json.loads(machines_json(whole))
    (one,) = document["tokens"]
    assert (one["token"], one["fate"], one["identity"]) == (hex(ANNA.address), "tampered", [])
    assert one["policy"] and all(name.startswith("Se") for name in one["policy"])
