"""The law of tests/mutants.py over the fixtures and the cases: a bounded part of it, all mutants of some and a part of others."""

from pathlib import Path
from typing import List, Tuple

import pytest

from tests import mutants, test_view_cases

VIEWS = Path(__file__).resolve().parent.parent / "fixtures" / "views"
CASES: List[Tuple[str, str]] = [
    ("whole", test_view_cases.WHOLE),
    ("whoami", test_view_cases.WHOAMI),
    ("rows", test_view_cases.ROWS % "Enabled "),
    ("both", test_view_cases.WHOLE + "\nkd> g\n" + test_view_cases.WHOAMI),
]


@pytest.mark.parametrize(("name", "text"), CASES, ids=[name for name, _ in CASES])
def test_a_mutant_of_a_case_says_nothing_that_the_text_does_not(name: str, text: str) -> None:
    assert mutants.judge([(name, text)]).wrong == ()


@pytest.mark.parametrize("path", sorted(VIEWS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_mutant_of_a_fixture_says_nothing_that_the_text_does_not(path: Path) -> None:
    figures = mutants.judge([(path.name, path.read_text(encoding="utf-8"))], every=4)
    assert figures.wrong == () and figures.mutants


@pytest.mark.parametrize(("name", "text"), CASES, ids=[name for name, _ in CASES])
def test_two_things_that_happened_to_a_case(name: str, text: str) -> None:
    figures = mutants.judge_twice([(name, text)], every=199)
    assert figures.wrong == () and figures.mutants > 20


def test_the_law_finds_a_value_that_is_wrong() -> None:
    text = test_view_cases.WHOLE
    original = mutants.facts(text)
    assert mutants.wrong(original, original) == []
    for before, after in (
        ("S-1-5-18\nUser Groups", "S-1-5-19\nUser Groups"),
        ("Enabled Default \n 35", "Enabled \n 35"),
        ("(0,3e7)", "(0,3e5)"),
        ("GroupIntegrityEnabled ", ""),
        (test_view_cases.LAST_ROW, ""),
    ):
        assert before in text and mutants.wrong(mutants.facts(text.replace(before, after)), original) != []
