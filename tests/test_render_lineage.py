"""The lineage of a process on the screen: who has the tokens of its logon session."""

from typing import Tuple

import pytest

from kdtoken.analysis.lineage.chain import Link
from kdtoken.analysis.lineage.edges import Change, Edge
from kdtoken.analysis.lineage.origin import Lineages
from kdtoken.analysis.lineage.parents import How, Parent
from kdtoken.analysis.lineage.tree import Node, path
from kdtoken.model.luid import Luid
from kdtoken.model.token import Token
from kdtoken.render.lineage import edge_words, lineage_lines
from tests.machine.strange import NOTEPAD, QUIET
from tests.snapshots import snapshot_of_machine


@pytest.mark.parametrize("count, more", [(0, ""), (1, ""), (4, ""), (5, " and 1 more"), (7, " and 3 more")])
def test_of_those_who_have_a_token_four_are_named_and_the_others_counted(count: int, more: str) -> None:
    snapshot = snapshot_of_machine(QUIET)
    row = next(one for one in snapshot.processes if one.process.pid == NOTEPAD)
    assert isinstance(row.token, Token)
    users = tuple((one, "runs under it") for one in snapshot.processes[:count])
    link = Link(Luid(0, 0x77), "base token", None, users)
    lines = lineage_lines(row, path(snapshot, row), Lineages(snapshot).of(row.token), [link], "a test")
    text = " ".join(" ".join(lines).split()).split("in order of LUID ")[1].split(" Cannot be told")[0]
    named = ["%s (%d) (runs under it)" % (one.process.image_name, one.process.pid or 0) for one, _ in users[:4]]
    assert text == "0x77 base token" + (": " if named else "") + ", ".join(named) + more


@pytest.mark.parametrize(
    "change, details, words",
    [
        (Change.SAME, (), "a copy"),
        (Change.SAME, ("x",), "a copy, adjusted since"),
        (Change.SAME_OBJECT, (), "the very token object of its parent"),
        (Change.UNKNOWN, (), ""),
        (Change.UNKNOWN, ("its parent is gone",), "its parent is gone"),
        (Change.ELEVATED, (), "elevated"),
        (Change.OTHER_USER, ("A -> B", "C"), "%s: A -> B; C" % Change.OTHER_USER.value),
    ],
)
def test_what_became_of_a_token_in_words(change: Change, details: Tuple[str, ...], words: str) -> None:
    row = snapshot_of_machine(QUIET).processes[0]
    for how, more in ((How.ALIVE, ""), (How.UNSURE, " (if pid 7 is its parent still)")):
        node = Node(row, Parent(how, 7, row), Edge(change, details), 1)
        assert edge_words(node) == words + more
