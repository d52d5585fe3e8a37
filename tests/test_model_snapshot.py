"""A snapshot's tokens: each once, however many processes and threads have it."""

from typing import Any

from kdtoken.frozen import replace
from kdtoken.model.absent import NotAsked, NotSaid, Unreadable
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.snapshot import NO_PID, Look, Snapshot, created, ended, pid_of, token_address
from kdtoken.view.partial import partial_token

ONE, TWO, THREE, FOUR = (partial_token("made", 0x1000 * number, {}) for number in (1, 2, 3, 4))
TEXT = NotSaid("made")
GONE = Unreadable(0x5000, "paged out")


def row(pid: Any, token: Any, tokens: Any = None, details: Any = TEXT) -> ProcessDump:
    address = getattr(token, "address", 0)
    return ProcessDump(Process(0x100, pid, "a.exe", FastRef(address, 15), 4), details, token, (), tokens or {})


def test_every_token_is_there_once_those_of_processes_first() -> None:
    rows = (
        row(4, TWO),
        row(8, TWO),  # shares it
        row(12, ONE, {0x3000: THREE, 0x2000: TWO, 0x5000: GONE}),
        row(16, GONE, {0x3000: THREE}),
        row(20, None),
    )
    looks = {0x1000: (Look(ONE),), 0x4000: (Look(replace(FOUR, session_id=1)), Look(FOUR)), 0x6000: ()}
    tokens = list(Snapshot("x", rows, captures=looks).tokens())
    assert [token.address for token in tokens] == [0x2000, 0x1000, 0x3000, 0x4000]
    assert tokens[-1] is FOUR  # as it was seen last


def test_a_value_that_is_not_there_is_zero_for_those_who_sort_by_it() -> None:
    assert [token_address(one) for one in (row(4, ONE), row(4, None))] == [0x1000, 0]
    missing = replace(row(4, ONE), process=replace(row(4, ONE).process, token=GONE))
    assert token_address(missing) == 0
    assert [pid_of(row(pid, ONE)) for pid in (8, NotSaid("made"), 0)] == [8, NO_PID, 0]
    for details, birth, gone in (
        (ProcessDetails(5, 0, 0, 1, 0), 5, False),
        (ProcessDetails(5, 7, 0, 1, 0), 5, True),
        (ProcessDetails(GONE, GONE, 0, 1, 0), 0, False),
        (NotAsked(0x100), 0, False),
    ):
        assert (created(row(4, ONE, details=details)), ended(row(4, ONE, details=details))) == (birth, gone)
