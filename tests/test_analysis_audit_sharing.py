"""Token objects that more than one process has, and two objects with one id: who is accused, and how surely."""

from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.audit.sharing import _names
from kdtoken.frozen import replace
from kdtoken.model.absent import Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from tests.declared_views import decoded

ANNA, SYSTEM, SERVICE = decoded("notepad"), decoded("system"), decoded("bfe")
GONE = Unreadable(0x10, "paged out")


def row(
    pid: int, token: Any, parent: int = 3, born: int = 0, name: str = "", session: Any = None, died: int = 0
) -> ProcessDump:
    address = token.address if isinstance(token, Token) else 0x9000
    details = ProcessDetails(born or pid, died, 0, 1, 0, session_id=session)
    return ProcessDump(
        Process(0x1000 * pid, pid, name or "p%d.exe" % pid, FastRef(address + 7, 15), parent), details, token
    )


def told(rule: str, *rows: ProcessDump, **more: Any) -> List[Tuple[str, str]]:
    return [(one.severity.value, one.saw) for one in audit(Snapshot("memory", rows, **more), only=[rule])]


def test_names_are_four_and_the_others_counted() -> None:
    rows = [row(pid, ANNA) for pid in (8, 12, 16, 20, 24, 28)]
    assert (
        _names(rows[:1]) == "p8.exe (8)" and _names(rows[:4]) == "p8.exe (8), p12.exe (12), p16.exe (16), p20.exe (20)"
    )
    assert _names(rows[:5]).endswith("p20.exe (20) and 1 more") and _names(rows).endswith(" and 2 more")


# The desktop's shell runs as anna, whose token a child has a copy of; lsass as SYSTEM.
SHELL = row(8, replace(ANNA, address=0x7000), name="explorer.exe")


@pytest.mark.parametrize(
    "one, other, mark, said",
    [
        # A child of anna's shell under the very object of a SYSTEM process: it won.
        (row(12, SYSTEM, 3), row(16, SYSTEM, 8), "!!", "p16.exe (16) runs under the very token object of p12.exe (12)"),
        # Under its parent's own object: a copy of that is what it would have had.
        (
            replace(SHELL),
            row(16, SHELL.token, 8),
            "!",
            "p16.exe (16) runs under the very token object of explorer.exe (8); a copy of it is what it would have anyway",
        ),
    ],
)
def test_who_won_by_a_shared_object(one: ProcessDump, other: ProcessDump, mark: str, said: str) -> None:
    rows = (one, other) if one.process.pid == 8 else (SHELL, one, other)
    assert told("shared-token", *rows) == [(mark, said)]
    # Outputs of two moments prove less.
    assert told("shared-token", *rows, at_once=False) == [("!", said)]


def test_one_holder_alone_or_one_that_has_ended_shares_nothing() -> None:
    assert told("shared-token", SHELL, row(12, SYSTEM)) == []
    assert told("shared-token", SHELL, row(12, SYSTEM), row(16, SYSTEM, 8, died=20)) == []


def test_the_kernel_s_own_share_theirs_and_nobody_else_does() -> None:
    system, registry = row(4, SYSTEM, 0, name="System"), row(12, SYSTEM, 4, name="Registry")
    assert told("shared-token", system, registry) == []
    ((mark, words),) = told("shared-token", system, registry, SHELL, row(16, SYSTEM, 8))
    assert (mark, words) == ("!!", "p16.exe (16) runs under the very token object of System (4), Registry (12)")


def test_a_parent_that_is_not_there_excuses_nobody_unless_the_list_is_not_whole() -> None:
    one, other = row(12, SYSTEM, 3), row(16, SYSTEM, 99)
    assert told("shared-token", one, other)[0][0] == "!!"
    ((mark, words),) = told("shared-token", one, other, whole=False)
    assert mark == "!" and words.endswith(
        "what it won by that cannot be told here: its parent is not among the processes shown"
    )
    # Whether its parent is its parent still nobody can tell where no birth is told.
    unsure = replace(SHELL, details=GONE)
    ((mark, words),) = told("shared-token", unsure, row(12, SYSTEM, 3), row(16, SYSTEM, 8))
    assert mark == "!" and words.endswith("whether explorer.exe (8) is its parent still")


def test_a_token_of_another_session_than_its_process_s_was_won() -> None:
    """A process gets a token of its own session at its birth."""
    assert isinstance(SHELL.token, Token)
    shell = replace(SHELL, token=replace(SHELL.token, session_id=1))
    for session, mark in ((2, "!!"), (1, "!"), (None, "!"), (GONE, "!")):
        assert told("shared-token", shell, row(16, shell.token, 8, session=session))[0][0] == mark, session


def twin(at: int, luid: Any = None) -> Token:
    assert isinstance(ANNA.token_id, Luid)
    return replace(ANNA, address=at, token_id=luid or ANNA.token_id)


def test_two_objects_with_one_id_are_a_copy_of_bytes() -> None:
    one, other = row(12, twin(0x7000)), row(16, twin(0x8000))
    ((mark, words),) = told("twin-token", one, other)
    assert (mark, words) == (
        "!!",
        "2 token objects have the TokenId %s: p12.exe (12), p16.exe (16)" % ANNA.token_id,
    )
    assert told("twin-token", one, other, at_once=False)[0][0] == "!"
    assert told("twin-token", one, row(16, twin(0x7000))) == []  # one object
    assert told("twin-token", one) == []


@pytest.mark.parametrize(
    "first, second, same",
    [
        (Luid(0, 5), Luid(0, 5), True),
        (Luid(1, 5), Luid(0, 5), False),
        (Luid(1, 0), Luid(1, 0), True),
        (Luid(0, 0), Luid(0, 0), False),  # nought is no id
        (GONE, GONE, False),
        (Luid(0, 5), GONE, False),
    ],
)
def test_which_ids_are_one(first: Any, second: Any, same: bool) -> None:
    found = told("twin-token", row(12, twin(0x7000, first)), row(16, twin(0x8000, second)))
    assert len(found) == same
    # An object without an address is nobody's: a text that does not tell where it lies may show one twice.
    assert told("twin-token", row(12, twin(0x7000, first)), row(16, twin(0, second))) == []


def test_the_boot_token_is_the_kernel_s() -> None:
    system, registry = row(4, SYSTEM, 0, name="System"), row(12, SYSTEM, 4, name="Registry")
    assert told("boot-token", system, registry, SHELL) == []
    thief = row(16, SYSTEM, 8)
    assert told("boot-token", system, registry, SHELL, thief) == [
        ("!!", "p16.exe (16) runs under System's own token, which the kernel made at its start")
    ]
    assert told("boot-token", SHELL, thief) == []  # where nobody tells which that is


def test_a_child_under_its_parent_s_own_object_won_nothing_even_where_the_parent_is_not_certain() -> None:
    unsure = replace(SHELL, details=GONE)
    ((mark, words),) = told("shared-token", unsure, row(16, SHELL.token, 8))
    assert mark == "!" and words.endswith("; a copy of it is what it would have anyway")


def test_where_the_parent_s_token_was_not_read_that_is_why_nothing_can_be_told() -> None:
    blind = row(8, GONE, name="explorer.exe")
    ((mark, words),) = told("shared-token", blind, row(12, SYSTEM, 3), row(16, SYSTEM, 8))
    assert mark == "!" and words.endswith("cannot be told here: the parent's token is not known")
