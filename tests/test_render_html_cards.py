"""A card tells what `dump --all --why` tells: the same sections, labels, values and places, none left out."""

from typing import Dict, List, Optional, Sequence, Tuple

from kdtoken.analysis.lineage.origin import Lineage, Lineages
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.sid_names import NO_NAMES
from kdtoken.model.snapshot import Look, Snapshot
from kdtoken.model.token import Origin, Token
from kdtoken.render.html.cards import Card, Strings, token_card
from kdtoken.render.report import Report
from kdtoken.render.token_text import token_sections
from kdtoken.view.partial import partial_token
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource
from tests.snapshots import kernel_of_machine


class Spy(Report):
    """Writes down what a report is told, whatever the report makes of it."""

    def __init__(self) -> None:
        super().__init__(True)
        self.rows: List[Tuple[str, str]] = []
        self.tables: List[Tuple[str, ...]] = []
        self.titles: List[str] = []

    def section(self, title: str) -> None:
        self.titles.append(title)

    def row(self, label: str, value: str, origin: Optional[Origin] = None) -> None:
        self.rows.append((label.strip(), value))

    def table(self, rows: Sequence[Tuple[str, ...]], key: int = -1) -> None:
        self.tables += rows


def tokens() -> List[Token]:
    kernel = kernel_of_machine(MACHINE)
    machine = KernelMachine(SyntheticSource(kernel))
    return [one for one in (machine.token(kernel.tokens[key]) for key in MACHINE.tokens) if isinstance(one, Token)]


def test_a_card_has_all_that_dump_all_has() -> None:
    found = tokens()
    assert len(found) > 10
    for token in found:
        spy, strings = Spy(), Strings()
        token_sections(spy, token)
        words = strings.all
        card = token_card(strings, token, None, NO_NAMES)
        titles = [words[one[0]] for one in card]
        rows = [(words[row[0]], words[row[1]]) for one in card for row in one[1]]
        tables = [tuple(words[cell] for cell in row[1:]) for one in card for row in one[2]]
        assert titles[1:] == spy.titles and set(spy.rows) <= set(rows) and tables == spy.tables
        read = sum(len(row) == 3 for one in card for row in one[1])
        assert read >= 20  # nearly every row of a token that was read from memory


def test_the_answer_is_at_the_top() -> None:
    strings = Strings()
    found = tokens()[0]
    card = token_card(strings, found, lineage_of(found), NO_NAMES)
    first: Dict[str, str] = {strings.all[row[0]]: strings.all[row[1]] for row in card[0][1]}
    assert strings.all[card[0][0]] == "At a glance"
    assert {"Runs as", "Integrity", "Token", "Logon", "Made", "Privileges", "Groups", "Confined"} <= set(first)


def lineage_of(token: Token) -> Lineage:
    return Lineages(Snapshot("", (), captures={token.address: (Look(token),)}, whole=False)).of(token)


def test_a_text_has_one_number() -> None:
    strings = Strings()
    assert [strings(one) for one in ("a", "b", "a", "")] == [0, 1, 0, 2] and strings.all == ["a", "b", ""]


def test_a_row_of_a_table_is_known_by_one_cell_or_by_all() -> None:
    """The first of each is the key; a key that the row does not have stands for the whole row."""
    for key, name in ((0, "a"), (1, "b"), (2, "a\tb"), (3, "a\tb"), (-1, "a\tb"), (-2, "a\tb")):
        strings = Strings()
        card = Card(strings)
        card.section("Groups")
        card.table([("a", "b")], key)
        ((row,),) = [one[2] for one in card.sections]
        assert [strings.all[cell] for cell in row] == [name, "a", "b"], key


def test_where_a_row_was_read_stands_with_the_row_before() -> None:
    strings = Strings()
    card = Card(strings)

    def rows() -> List[List[str]]:
        return [[strings.all[cell] for cell in row] for row in card.sections[-1][1]]

    card.section("Groups")
    card.note("<- _TOKEN+0x98")  # of a table: no row is in front of it
    assert rows() == [["", "", "_TOKEN+0x98"]]
    card.row("  user ", "anna")
    assert rows()[1:] == [["user", "anna"]]
    card.note("a")
    card.note("<- b")  # two notes on one row are joined
    assert rows()[1:] == [["user", "anna", "a; b"]]
    card.row("owner", "anna")
    card.note("<-c")  # no arrow with a blank
    assert rows()[1:] == [["user", "anna", "a; b"], ["owner", "anna", "<-c"]]


def test_a_token_that_says_nothing_of_elevation_has_no_such_row() -> None:
    """winnt.h TOKEN_ELEVATION_TYPE; of a text that does not print the flags nothing follows."""
    strings = Strings()
    token = tokens()[0]
    rows = {strings.all[row[0]] for row in token_card(strings, token, None, NO_NAMES)[0][1]}
    assert "Elevation" in rows
    strings = Strings()
    unsaid = partial_token("a text", 0, {"session_id": 1})
    rows = {strings.all[row[0]] for row in token_card(strings, unsaid, None, NO_NAMES)[0][1]}
    assert "Elevation" not in rows and {"Runs as", "Integrity"} <= rows
