"""Yes, no, or what it depends on: the check run under every answer that the source leaves open."""

from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import READINGS, Answers, Question, Reading
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.run import Denial, Outcome

_Leaf = Tuple[Dict[Question, bool], Outcome]  # what one run asked with the answers, and what it came to
_Reach = Tuple[List[_Leaf], Dict[str, None], bool]  # every run, the readings that came up in any, whether cut short
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
    """A disagreement between authorities that changes this answer: ours is the main outcome.

    depends  whether their answer, too, hangs on what is not known; `theirs` is then the one by caution
    """

    reading: Reading
    theirs: Outcome
    depends: bool = False


class Answer(NamedTuple):
    """The verdict, the run behind it, and what it hangs on.

    outcome    the run with every open fact answered by the step's own caution
    elsewhere  of a no: where it comes from instead if the facts that are not known fall another way
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
    elsewhere: Tuple[Denial, ...] = ()

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
    reach = _leaves(request, answers, outcome)
    leaves, _, cut_short = reach
    depends = _dependences(request, leaves) if len(leaves) > 1 else ()
    verdict = _verdict(outcome, reach)
    places = {} if outcome.denial is None else {outcome.denial.place: outcome.denial}
    for _, other in leaves if verdict is Verdict.NO else ():
        if other.denial is not None:
            places.setdefault(other.denial.place, other.denial)
    conflicts = _conflicts(request, reach, outcome)
    return Answer(request, verdict, outcome, depends, conflicts, len(leaves), cut_short, tuple(places.values())[1:])


def _verdict(outcome: Outcome, reach: _Reach) -> Verdict:
    leaves, _, cut_short = reach
    if any(not same(outcome, other) for _, other in leaves) or cut_short:
        return Verdict.DEPENDS
    return Verdict.YES if outcome.allowed else Verdict.NO


def _leaves(request: Request, first: Answers, outcome: Outcome) -> _Reach:
    """Every distinct run, by what it asked and was answered."""
    leaves = [(dict(first.asked), outcome)]
    met = dict(first.met)
    waiting: List[Dict[str, bool]] = _branches(first, 0)
    while waiting and len(leaves) < MOST_RUNS:
        given = waiting.pop()
        answers = Answers(given, first.others)
        found = check(request, answers, False)
        leaves.append((dict(answers.asked), found))
        met.update(answers.met)
        waiting += _branches(answers, len(given))
    return leaves, met, bool(waiting)


def _branches(answers: Answers, fixed: int) -> List[Dict[str, bool]]:
    """The other side of each question that was not given: what was asked before it stays as it was."""
    asked = list(answers.asked.items())
    found = []
    for place in range(fixed, len(asked)):
        given = {question.key: answer for question, answer in asked[:place]}
        given[asked[place][0].key] = not asked[place][1]
        found.append(given)
    return found


def _dependences(request: Request, leaves: Sequence[_Leaf]) -> Tuple[Dependence, ...]:
    questions: Dict[Question, None] = {}
    for asked, _ in leaves:
        questions.update(dict.fromkeys(asked))
    found = []
    for question in questions:
        alone = [check(request, Answers({question.key: side}), False) for side in (True, False)]
        pair = (alone[0], alone[1]) if not same(*alone) else _differing(leaves, question)
        if pair is not None:
            found.append(Dependence(question, pair[0], pair[1]))
    return tuple(found)


def _differing(leaves: Sequence[_Leaf], question: Question) -> Optional[Tuple[Outcome, Outcome]]:
    """Two runs that differ in this answer and in no other that both asked for, and come out differently."""
    deny_only = Question(question.key.replace("sid:", "sid-deny:", 1))  # asked of what is not enabled: its own question
    sides: Tuple[List[_Leaf], List[_Leaf]] = ([], [])
    for leaf in leaves:
        if question in leaf[0]:
            sides[0 if leaf[0][question] else 1].append(leaf)
    for asked, one in sides[0]:
        for others, other in sides[1]:
            if same(one, other) or (others.get(deny_only) and deny_only != question):
                continue
            if all(others.get(key, answer) == answer for key, answer in asked.items() if key != question):
                return one, other
    return None


def _conflicts(request: Request, reach: _Reach, outcome: Outcome) -> Tuple[Conflict, ...]:
    """The readings with which the answer is another, be it that something depends on what is not known, or no longer."""
    leaves, met, _ = reach
    ours = _verdict(outcome, reach)
    found = []
    for name in met:
        answers = Answers({}, frozenset((name,)))
        theirs = check(request, answers, False)
        verdict = Verdict.YES if theirs.allowed else Verdict.NO
        if len(leaves) > 1 or answers.asked:
            verdict = _verdict(theirs, _leaves(request, answers, theirs))
        if not same(theirs, outcome) or verdict is not ours:
            found.append(Conflict(READINGS[name], theirs, verdict is Verdict.DEPENDS))
    return tuple(found)
