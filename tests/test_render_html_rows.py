"""A process as a row of the page: what of it is marked, counted and found, and what is not known of it."""

from typing import Any, List, Sequence

import pytest

from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.lineage.edges import Change, Edge
from kdtoken.analysis.lineage.parents import Family, How, Parent
from kdtoken.analysis.lineage.tree import Node
from kdtoken.frozen import replace
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.render.html import rows
from kdtoken.render.html.rows import Colours, Row, rows_of, token_words
from tests.declared_views import decoded
from tests.test_analysis_audit_users import made

LIMITED, SYSTEM = decoded("notepad"), decoded("system")
GONE = Unreadable(0x10, "paged out")


def process(at: int, token: Any, pid: Any = 8, name: Any = "a.exe", died: int = 0) -> ProcessDump:
    address = token.address if isinstance(token, Token) else 0x9000
    return ProcessDump(Process(at, pid, name, FastRef(address, 15), 4), ProcessDetails(5, died, 0, 1, 0x1500), token)


def shown(
    monkeypatch: pytest.MonkeyPatch, nodes: Sequence[Node], findings: Sequence[Finding] = (), cards: Any = None
) -> List[Row]:
    """The rows of a tree that is given, from number 3 on."""
    monkeypatch.setattr(rows, "tree", lambda *_: list(nodes))
    snapshot = Snapshot("memory", tuple(node.row for node in nodes))
    return rows_of(snapshot, Family(snapshot), findings, NO_NAMES, cards or {}, Colours(), 3)


UP = process(0x200, SYSTEM, 4, "b.exe")
OVER = Parent(How.ALIVE, 4, UP)
# Another user, level or logon, or a confinement, is worth a look; a copy is none, and of what is not known nobody knows.
WORTH_A_LOOK = {
    Change.CONFINED,
    Change.RAISED,
    Change.ELEVATED,
    Change.LIMITED,
    Change.OTHER_LOGON,
    Change.OTHER_USER,
}


@pytest.mark.parametrize("change", list(Change))
def test_which_changes_are_worth_a_look(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = shown(monkeypatch, [Node(process(0x100, LIMITED), OVER, Edge(change), 1)])
    assert one.changed is (change in WORTH_A_LOOK)
    assert one.change is change and one.depth == 1 and one.id == "p3"
    # A root has no parent to be otherwise than.
    (root,) = shown(monkeypatch, [Node(UP, Parent(How.GONE, 4), Edge(change, ("no parent",)), 0)])
    assert (root.changed, root.change, root.reason) == (False, None, "")


def test_the_worst_finding_marks_the_row_and_information_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    row, other = process(0x100, LIMITED), process(0x300, SYSTEM, 12)
    nodes = [Node(row, OVER, Edge(Change.SAME), 1), Node(other, OVER, Edge(Change.SAME), 1)]

    def finding(rule: str, severity: Severity, *about: ProcessDump) -> Finding:
        return Finding(rule, severity, "seen", (), about, (), "key")

    findings = [
        finding("first", Severity.INFORMATION, row),
        finding("second", Severity.UNUSUAL, row, other),
        finding("third", Severity.IMPOSSIBLE, row),
        finding("second", Severity.UNUSUAL, row),
        finding("fourth", Severity.INFORMATION, other),
        finding("nobody", Severity.IMPOSSIBLE),
    ]
    one, two = shown(monkeypatch, nodes, findings)
    assert (one.mark, one.rules) == ("!!", ("third", "second"))
    # What is about another process in the first place is not laid at this one's door.
    assert (two.mark, two.rules) == ("", ())
    assert (one.id, two.id) == ("p3", "p4")


def test_a_token_that_is_not_there_or_not_known_has_no_card_and_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = {0x9000: 7, LIMITED.address: 5}
    for token, user in ((None, "no token"), (GONE, "token not known")):
        (one,) = shown(monkeypatch, [Node(process(0x100, token), OVER, Edge(Change.UNKNOWN), 1)], cards=cards)
        assert (one.user, one.level, one.level_class, one.user_class) == (user, "?", "l-unknown", "u-unknown")
        assert (one.token, one.changed, one.authority, one.account) == (-1, False, "", user)
    (one,) = shown(monkeypatch, [Node(process(0x100, LIMITED), OVER, Edge(Change.SAME), 1)], cards=cards)
    assert one.token == 5
    (one,) = shown(monkeypatch, [Node(process(0x100, SYSTEM), OVER, Edge(Change.SAME), 1)], cards=cards)
    assert (one.token, one.user, one.authority, one.account) == (-1, "NT AUTHORITY\\SYSTEM", "NT AUTHORITY", "SYSTEM")


# winnt.h SECURITY_MANDATORY_*_RID; what lies between two levels counts as the lower one.
@pytest.mark.parametrize("level", [0, 0xFFF, 0x1000, 0x1FFF, 0x2000, 0x2100, 0x2FFF, 0x3000, 0x3FFF, 0x4000, 0x5000])
def test_the_class_of_a_level_is_that_of_the_highest_that_it_reaches(level: int) -> None:
    names = {0: "untrusted", 1: "low", 2: "medium", 3: "high", 4: "system", 5: "system"}
    assert token_words(made(LIMITED, level), NO_NAMES)[2] == "l-" + names[level >> 12]


def test_colours_are_a_user_s_on_every_machine_of_the_page() -> None:
    colours = Colours()
    anna, bea = Sid.from_text("S-1-5-21-1-2-3-1001"), Sid.from_text("S-1-5-21-1-2-3-1002")
    assert [colours.of(one) for one in (anna, bea, anna, None, GONE)] == ["u-0", "u-1", "u-0", "u-unknown", "u-unknown"]
    assert colours.of(Sid.from_text("S-1-5-18")) == "u-system" and colours.of(bea) == "u-1"


def test_threads_are_counted_and_addresses_found(monkeypatch: pytest.MonkeyPatch) -> None:
    acts = Impersonation(0x4000, 2, False)
    threads = tuple(Thread(0x10 * at, 8, 4 * at, how) for at, how in enumerate((acts, None, acts, GONE, None), 1))
    row = replace(process(0xFFFFA08012340080, LIMITED, 0x1230, died=9), threads=threads)
    (one,) = shown(monkeypatch, [Node(row, OVER, Edge(Change.SAME), 30)])
    assert (one.impersonating, one.threads, one.ended, one.pid) == (2, 5, True, "4656")
    words = one.search.split()
    assert words[:3] == ["0xffffa08012340080", "0x1230", "0x%x" % LIMITED.address]
    assert str(LIMITED.user).lower() in words and "sechangenotifyprivilege" in words  # enabled in every user's token
    assert "seshutdownprivilege" not in words  # held and not enabled
    assert one.step == rows.DEEPEST
    alone = shown(monkeypatch, [Node(process(0x100, GONE, GONE, GONE), OVER, Edge(Change.UNKNOWN), 1)])[0]
    assert alone.search.startswith("0x100 ??") and (alone.threads, alone.ended, alone.step) == (0, False, 1)
