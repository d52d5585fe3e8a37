"""The access checks that were worked out by hand, against ours."""

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import READINGS, Answers
from tests.access_rows import PUBLIC, Row, request, rows
from tests.over import over

ROWS = rows()
ALL = ROWS + rows(PUBLIC)


def test_there_are_enough_rows_with_names_of_their_own() -> None:
    assert len(ROWS) >= 150
    assert len({row.name for row in ALL}) == len(ALL)


@over(ALL, lambda row: row.name)
def test_row(row: Row) -> None:
    expected, *more = row.answer.split(" ")
    what, *reasons = more
    asked = request(row)
    answers = Answers()
    outcome = check(asked, answers)
    if expected == "yes":
        assert (outcome.allowed, hex(outcome.granted)) == (True, hex(int(what, 16))), outcome
        assert outcome.place is None
    else:
        assert outcome.place is not None and outcome.place.value == what, outcome
        assert outcome.granted == 0
    assert not answers.asked, "nothing about these rows is not known"
    for reason in reasons:
        name, _, value = reason.partition("=")
        if name == "status":
            assert outcome.status == int(value, 16)
            continue
        if name == "used":
            assert ",".join(outcome.privileges) == value.replace("none", "")
            continue
        if not value:
            conflict = name.partition(":")[2]
            assert conflict in READINGS and _differs(row, conflict), "the sources disagree here"
            continue
        found = outcome.reason(int(name, 16))
        shown = found.type.word + ("[%d]" % found.data if found.type.word.endswith("-ace") and "[" in value else "")
        assert shown == value, outcome.steps


def _differs(row: Row, conflict: str) -> bool:
    """Whether the other authority's side of a disagreement gives another answer."""
    ours = check(request(row))
    theirs = check(request(row), Answers({}, frozenset((conflict,))))
    return (theirs.allowed, theirs.granted) != (ours.allowed, ours.granted)


@over(ALL, lambda row: row.name)
def test_without_particulars_the_answer_is_the_same(row: Row) -> None:
    full, lean = check(request(row)), check(request(row), detail=False)
    assert lean.steps == () and full.steps
    assert (lean.granted, lean.denial, lean.reasons) == (full.granted, full.denial, full.reasons)
