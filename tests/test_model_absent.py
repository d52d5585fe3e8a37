"""The four ways in which a value is missing: told apart, and none of them a value."""

import pytest

from kdtoken.analysis.differences.comparison import Outcome, one_sided
from kdtoken.model.absent import Absent, Missing, NotAsked, NotSaid, Unreadable, known
from kdtoken.render.json import plain
from kdtoken.render.words import briefly, show

UNREADABLE = Unreadable(0xFFFF8000, "paged out", "page it in")
ABSENT, NOT_SAID, NOT_ASKED = Absent("_TOKEN.Package"), NotSaid("whoami"), NotAsked(0xFFFF9000)


@pytest.mark.parametrize(
    "value, text, shown, brief, json",
    [
        (
            UNREADABLE,
            "unreadable at 0xffff8000: paged out",
            "?? unreadable at 0xffff8000: paged out  [page it in]",
            "?? paged out",
            {"unreadable": "0xffff8000", "reason": "paged out", "hint": "page it in"},
        ),
        (
            ABSENT,
            "not in this build (no _TOKEN.Package)",
            "-  not in this build (no _TOKEN.Package)",
            "-",
            {"absent": "_TOKEN.Package"},
        ),
        (NOT_SAID, "not said by whoami", "-  not said by whoami", "-", {"not_said": "whoami"}),
        (
            NOT_ASKED,
            "not asked for (it lies at 0xffff9000)",
            "-  not asked for (it lies at 0xffff9000)",
            "-",
            {"not_asked": "0xffff9000"},
        ),
    ],
)
def test_each_says_which_way_it_is_missing(value: Missing, text: str, shown: str, brief: str, json: object) -> None:
    assert isinstance(value, Missing) and not known(value)
    assert (str(value), show(value, str), briefly(value, str), plain(value)) == (text, shown, brief, json)


@pytest.mark.parametrize("value", [0, "", None, False, ()])
def test_zero_empty_and_null_are_values(value: object) -> None:
    assert known(value)


def test_no_two_of_them_are_one() -> None:
    """Neither equal nor of one another's kind: NotSaid is no Absent."""
    assert NotSaid("x") != Absent("x")
    kinds = [type(one) for one in (UNREADABLE, ABSENT, NOT_SAID, NOT_ASKED)]
    assert not any(issubclass(a, b) for a in kinds for b in kinds if a is not b)


@pytest.mark.parametrize(
    "left, right, outcome",
    [
        (1, 2, None),
        (None, 0, None),
        (UNREADABLE, 1, Outcome.UNREADABLE),
        (ABSENT, UNREADABLE, Outcome.UNREADABLE),
        (1, NOT_ASKED, Outcome.UNREADABLE),
        (NOT_SAID, NOT_ASKED, Outcome.UNREADABLE),
        (ABSENT, NOT_SAID, Outcome.NEITHER),
        (1, ABSENT, Outcome.ONLY_A),
        (1, NOT_SAID, Outcome.ONLY_A),
        (NOT_SAID, 1, Outcome.ONLY_B),
        (ABSENT, None, Outcome.ONLY_B),
    ],
)
def test_what_a_comparison_makes_of_them(left: object, right: object, outcome: object) -> None:
    """A side that has no value is never "the same" and never "differs"."""
    assert one_sided(left, right) is outcome
