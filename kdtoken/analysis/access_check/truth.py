"""Yes, no, or what it depends on: the check run under every answer that the source leaves open."""

from enum import Enum
from typing import Dict, List, NamedTuple, Tuple

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import READINGS, Answers, Question, Reading
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.run import Outcome

MOST_RUNS = 256  # of one explanation; with more open facts than that, what was tried is told


class Verdict(Enum):
    """The three answers."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends"


class Dependence(NamedTuple):
    """A fact that the verdict depends on, and what either answer gives."""

    question: Question
    if_true: Outcome
    if_false: Outcome


class Conflict(NamedTuple):
    """A disagreement between authorities that changes this answer: ours is the main outcome."""

    reading: Reading
    theirs: Outcome


class Answer(NamedTuple):
    """The verdict, the run behind it, and what it hangs on.

    outcome    the run with every open fact answered by the step's own caution
    runs       how many runs stand behind the verdict
    cut_short  whether there were more than MOST_RUNS
    """

    request: Request
    verdict: Verdict
    outcome: Outcome
    depends: Tuple[Dependence, ...]
    conflicts: Tuple[Conflict, ...]
    runs: int
    cut_short: bool

    def __repr__(self) -> str:
        denial = self.outcome.denial
        if self.verdict is Verdict.DEPENDS:
            what = ", ".join(one.question.text for one in self.depends[:2])
            return "<Answer: depends on whether %s>" % (what or "much that is not known")
        if denial is None:
            return "<Answer: yes, 0x%x>" % self.outcome.granted
        return "<Answer: no, by the %s: %s>" % (denial.place.value, denial.why)


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two runs give the same answer; reasons and steps may differ."""
    return (one.allowed, one.granted) == (other.allowed, other.granted)


def decide(request: Request, detail: bool = True) -> Answer:
    """The verdict about one request.  Facts that change nothing are not mentioned."""
    answers = Answers()
    outcome = check(request, answers, detail)
    if answers.asked:
        leaves, cut_short = _leaves(request, answers, outcome)
    else:
        leaves, cut_short = [({}, outcome)], False
    depends = _dependences(request, leaves, outcome) if len(leaves) > 1 else ()
    if any(not same(outcome, other) for _, other in leaves) or cut_short:
        verdict = Verdict.DEPENDS
    else:
        verdict = Verdict.YES if outcome.allowed else Verdict.NO
    return Answer(request, verdict, outcome, depends, _conflicts(request, answers, outcome), len(leaves), cut_short)


def _leaves(
    request: Request, first: Answers, outcome: Outcome
) -> Tuple[List[Tuple[Dict[Question, bool], Outcome]], bool]:
    """Every distinct run, by what it asked and was answered."""
    leaves = [(dict(first.asked), outcome)]
    waiting: List[Dict[str, bool]] = _branches(first, 0)
    while waiting and len(leaves) < MOST_RUNS:
        given = waiting.pop()
        answers = Answers(given)
        found = check(request, answers, False)
        leaves.append((dict(answers.asked), found))
        waiting += _branches(answers, len(given))
    return leaves, bool(waiting)


def _branches(answers: Answers, fixed: int) -> List[Dict[str, bool]]:
    """The other side of each question that was not given: what was asked before it stays as it was."""
    asked = list(answers.asked.items())
    found = []
    for place in range(fixed, len(asked)):
        given = {question.key: answer for question, answer in asked[:place]}
        given[asked[place][0].key] = not asked[place][1]
        found.append(given)
    return found


def _dependences(
    request: Request, leaves: List[Tuple[Dict[Question, bool], Outcome]], outcome: Outcome
) -> Tuple[Dependence, ...]:
    questions: Dict[Question, None] = {}
    for asked, _ in leaves:
        questions.update(dict.fromkeys(asked))
    found = []
    for question in questions:
        sides: Dict[bool, List[Outcome]] = {True: [], False: []}
        for asked, one in leaves:
            if question in asked:
                sides[asked[question]].append(one)
        if {(one.allowed, one.granted) for one in sides[True]} == {(one.allowed, one.granted) for one in sides[False]}:
            continue
        if not sides[True] or not sides[False]:
            continue
        alone = [check(request, Answers({question.key: side}), False) for side in (True, False)]
        if same(*alone):  # it matters only along with another
            alone = next(([one, other] for one in sides[True] for other in sides[False] if not same(one, other)), alone)
        found.append(Dependence(question, alone[0], alone[1]))
    return tuple(found)


def _conflicts(request: Request, answers: Answers, outcome: Outcome) -> Tuple[Conflict, ...]:
    found = []
    for name in answers.met:
        theirs = check(request, Answers({}, frozenset((name,))), False)
        if not same(theirs, outcome):
            found.append(Conflict(READINGS[name], theirs))
    return tuple(found)
