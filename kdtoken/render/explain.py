"""An access check explained: the verdict, where a no comes from, the steps, and what would turn it."""

import re
from typing import Callable, Dict, List, Sequence, Tuple

from kdtoken.analysis.access_check.by_type import NodeResult
from kdtoken.analysis.access_check.gates import Chain
from kdtoken.analysis.access_check.lab import LabAnswer
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from kdtoken.analysis.access_check.run import STATUS_NAMES, WIN32_ERRORS, Outcome, Place
from kdtoken.analysis.access_check.truth import Answer, Verdict
from kdtoken.analysis.access_check.turn import Turn
from kdtoken.errors import BadFormat
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.render.marked import styled
from kdtoken.render.words import clean, columns, row_lines, set_columns, table, wrapped

_SID = re.compile(r"S-1-(?:0x[0-9a-f]{12}|[0-9]+)(?:-[0-9]+)*")
_MOST_TURNS = 6
_FEW_WORDS = 24  # columns
_PLACES: Dict[Place, str] = {
    Place.LEVEL: "the token cannot be used: its impersonation level",
    Place.WISH: "what was asked for",
    Place.TRUST: "the object's trust label",
    Place.FILTER: "an access filter",
    Place.LABEL: "the object's integrity label",
    Place.PRIVILEGE: "a privilege that is not there",
    Place.DACL: "the DACL",
    Place.APPCONTAINER: "the AppContainer's side",
    Place.RESTRICTED: "the restricting SIDs",
    Place.PROTECTED: "the process is protected",
    Place.POLICY: "the central access policy",
}


def explain_lines(
    answer: Answer,
    turns: Sequence[Turn] = (),
    names: Names = NO_NAMES,
    stories: Sequence[str] = (),
    nodes: Sequence[NodeResult] = (),
) -> List[str]:
    """The whole explanation.

    stories  sentences about the thread's impersonation level;  nodes  the answers of an object type list's nodes
    """
    request, outcome = answer.request, answer.outcome
    say = _speaker(names)
    wish = _wish(answer)
    head = "%s asks %s (%s) for %s" % (request.caller.name, request.object.name, request.type.name, wish)
    lines = wrapped(say(head), columns()) + wrapped(_verdict_line(answer, say), columns())
    if outcome.denial is not None and answer.verdict is not Verdict.YES:
        known = ", as far as is known" if answer.elsewhere else ""
        lines += _in("  ", "it comes from: %s%s" % (_PLACES[outcome.denial.place], known))
        lines += _in("  ", say(outcome.denial.why))
        for other in answer.elsewhere:
            lines += _in("  ", say("if not from there, from: %s (%s)" % (_PLACES[other.place], other.why)))
    for dependence in answer.depends:
        lines += ["", *wrapped("It depends on whether " + say(dependence.question.text), columns())]
        lines += _in("  ", "if so: %s" % result(dependence.if_true, answer))
        lines += _in("  ", "if not: %s" % result(dependence.if_false, answer))
        if dependence.question.settle:
            lines += _in("  ", "what would tell: %s" % clean(dependence.question.settle))
    if answer.cut_short:
        lines += ["", "More is not known than could be tried: %d runs were made" % answer.runs]
    for conflict in answer.conflicts:
        text = "The authorities disagree: %s; or else %s: then %s"
        then = "it depends, as far as is known " if conflict.depends else ""
        text %= (conflict.reading.ours, conflict.reading.theirs, then + result(conflict.theirs, answer))
        lines += ["", *wrapped(say(text), columns())]
    lines += _bits(answer, say) + _nodes(answer, nodes, say) + _steps(answer, say)
    for note in (*stories, *outcome.notes, *request.object.notes):
        lines += ["", *wrapped("Note: " + say(note), columns())]
    return lines + _turns(answer, turns, say)


def result(outcome: Outcome, answer: Answer) -> str:
    """A run's answer in a few words."""
    if outcome.allowed:
        return "yes, 0x%x (%s)" % (outcome.granted, " ".join(answer.request.type.words(outcome.granted)))
    assert outcome.place is not None
    return "no, by %s" % _PLACES[outcome.place]


def _wish(answer: Answer) -> str:
    wish = answer.request.wish
    if wish & ~MAXIMUM_ALLOWED == 0:
        return "all it can get (MAXIMUM_ALLOWED)" if wish else "nothing"
    return "%s (0x%x)" % (" ".join(answer.request.type.words(wish)), wish)


def _verdict(answer: Answer) -> str:
    outcome = answer.outcome
    if answer.verdict is Verdict.DEPENDS:
        return "DEPENDS: as far as is known %s" % result(outcome, answer)
    if answer.verdict is Verdict.YES:
        words = "YES: granted 0x%x (%s)" % (outcome.granted, " ".join(answer.request.type.words(outcome.granted)))
        if outcome.implied:
            words += "; the handle gets %s besides" % " ".join(answer.request.type.words(outcome.implied))
        return words
    name = STATUS_NAMES.get(outcome.status, "0x%08x" % outcome.status)
    return "NO: %s (error %d)" % (name, WIN32_ERRORS.get(outcome.status, 0))


def _verdict_line(answer: Answer, say: Callable[[str], str]) -> str:
    """The verdict, whose word is coloured."""
    text = say(_verdict(answer))
    word, colon, rest = text.partition(":")
    return styled(word, answer.verdict.name.lower()) + colon + rest


def _bits(answer: Answer, say: Callable[[str], str]) -> List[str]:
    """A line for each right that was asked for or granted."""
    outcome = answer.outcome
    shown = outcome.wish | outcome.granted
    rows = []
    for bit in range(32):
        mask = 1 << bit
        if shown & mask:
            reason = outcome.reasons[bit]
            rows.append(("0x%08x" % mask, " ".join(answer.request.type.words(mask)), say(reason.words)))
    return ["", "Rights, and why", *table(rows)] if rows else []


def _nodes(answer: Answer, nodes: Sequence[NodeResult], say: Callable[[str], str]) -> List[str]:
    """Each node of the object type list by itself; the verdict above is that of the whole list, its root."""
    if not nodes:
        return []
    lines = ["", "Each object type by itself (AccessCheckByTypeResultList)"]
    for node in nodes:
        words = " ".join(answer.request.type.words(node.granted))
        mask = "0x%x%s" % (node.granted, " (%s)" % words if words else "")
        if node.verdict is Verdict.YES:
            answer_words = "yes, %s" % mask
        else:
            part = "; by itself it gets %s" % mask if node.granted else ""
            answer_words = "%s: %s%s" % (node.verdict.value, node.why, part)
            if node.verdict is Verdict.DEPENDS:
                answer_words = "depends %s; as far as is known %s" % (node.why, mask if node.granted else "no")
        lines += _in("  " + "  " * node.level, say("%s  %s" % (node.guid, answer_words)))
    return lines


def _steps(answer: Answer, say: Callable[[str], str]) -> List[str]:
    lines = ["", "Steps"]
    for number, step in enumerate(answer.outcome.steps, 1):
        lines += _in("  ", say("%2d. %s: %s" % (number, step.name, step.decided)), " " * 8)
        lines += _in("      ", "looked at %s" % say(step.looked_at)) + _in("      ", "because %s" % say(step.why))
        for line in step.lines:
            lines += _in("        ", say(line))
    return lines


def _turns(answer: Answer, turns: Sequence[Turn], say: Callable[[str], str]) -> List[str]:
    if answer.outcome.allowed:
        return []
    if not turns:
        return ["", "No single change that was tried turns this no, nor any two together."]
    lines = ["", "What would turn it (each was tried)"]
    for turn in turns[:_MOST_TURNS]:
        text = ", and ".join(change.text for change in turn.changes)
        lines += _in("  ", "- " + say(text + ("; it then depends on what is not known" if turn.depends else "")))
    more = len(turns) - _MOST_TURNS
    return lines + (["  and %d more ways, farther to go (--json lists them)" % more] if more > 0 else [])


def chain_lines(chain: Chain, turns: Sequence[Sequence[Turn]] = (), names: Names = NO_NAMES) -> List[str]:
    """The gates of user mode, one after the other."""
    total = 1 + any(gate.call.startswith("OpenProcess(") for gate in chain.gates)
    passed = {Verdict.YES: "every gate is passed", Verdict.NO: "a gate is closed", Verdict.DEPENDS: "it depends"}
    lines = [styled(chain.verdict.value.upper(), chain.verdict.name.lower()) + ": " + passed[chain.verdict]]
    for number, gate in enumerate(chain.gates, 1):
        lines += ["", "Gate %d of %d: %s" % (number, total, gate.call)]
        tried = turns[number - 1] if number <= len(turns) else ()
        whole = columns()
        set_columns(whole - 2)  # its lines are made for what the indent leaves
        try:
            lines += ["  " + line if line else line for line in explain_lines(gate.answer, tried, names)]
        finally:
            set_columns(whole)
    if len(chain.gates) < total:
        lines += ["", "The gates behind it are not reached."]
    if chain.uses:
        lines += ["", "What the token handle is good for (it keeps what it was granted)"]
        words = {enough: styled(word, word) for enough, word in ((True, "yes"), (False, "no"))}
        lines += table([(name, words[bool(enough)]) for name, enough in chain.uses.items()])
    for conflict in chain.conflicts:
        text = "The authorities disagree: %s; or else %s: then the first gate says %s"
        said = "it depends, as far as is known " if conflict.depends else ""
        said += result(conflict.theirs, chain.gates[0].answer)
        lines += ["", *wrapped(clean(text % (conflict.reading.ours, conflict.reading.theirs, said)), columns())]
    return lines


def who_lines(
    rows: Sequence[Tuple[str, str, Answer]], names: Names = NO_NAMES, unjudged: Sequence[str] = ()
) -> List[str]:
    """Every caller against one object: (caller, object, answer) -> granted rights, or the step that stopped it.

    unjudged  a line for each caller whose token cannot be read
    """
    say = _speaker(names)
    yes = sum(answer.verdict is Verdict.YES for _, _, answer in rows)
    depends = sum(answer.verdict is Verdict.DEPENDS for _, _, answer in rows)
    depending = ", %d more depend on something" % depends if depends else ""
    things = {thing for _, thing, _ in rows}
    one = len(things) == 1  # then it stands above the table, not in each of its lines
    asked = "%s of %s" % (_wish(rows[0][2]), clean(rows[0][1])) if one else "it"
    lines = wrapped(say("%d of %d get %s%s" % (yes, len(rows), asked, depending)), columns()) + [""]
    cells: List[Tuple[str, ...]] = [("CALLER", "OBJECT", "ANSWER", "GRANTED, OR WHAT STOPPED IT")]
    for caller, thing, answer in rows:
        outcome = answer.outcome
        if outcome.allowed:
            why = "0x%x %s" % (outcome.granted, " ".join(answer.request.type.words(outcome.granted)))
        else:
            assert outcome.denial is not None
            places = " or ".join(one.place.value for one in (outcome.denial, *answer.elsewhere))
            why = "%s: %s" % (places, outcome.denial.why)
            if outcome.denial.place is Place.LABEL and outcome.missing:  # what is left to it would fill three lines
                words = " ".join(answer.request.type.words(outcome.missing))
                why = "label: a caller below the object's gets no %s" % words
        if answer.verdict is Verdict.DEPENDS and answer.depends:
            why = "depends on whether %s" % answer.depends[0].question.text
        if answer.conflicts:
            why += " (the authorities disagree: %s)" % answer.conflicts[0].reading.name
        verdict = styled(answer.verdict.value, answer.verdict.name.lower())
        cells.append((clean(caller), clean(thing), verdict, say(why)))
    lines += _hung([cell[:1] + cell[2:] for cell in cells] if one else cells)
    if unjudged:
        lines += ["", "Not judged: %d" % len(unjudged)]
        lines += [line for one in unjudged for line in _in("  ", say(one))]
    return lines


def _hung(cells: Sequence[Tuple[str, ...]]) -> List[str]:
    """A table whose last column goes on below itself, as long as there is room for a few words a line."""
    whole = table(cells)
    if len(whole) == len(cells):
        return whole
    heads = row_lines([row[:-1] for row in cells])
    width = max(len(head[0]) for head in heads) + 2
    if columns() - width < _FEW_WORDS or any(len(head) > 1 for head in heads):
        return whole
    lines = []
    for head, row in zip(heads, cells):
        first, *rest = wrapped(row[-1], columns() - width, "")
        lines.append(head[0].ljust(width) + first)
        lines += [" " * width + part for part in rest]
    return lines


def _in(indent: str, text: str, hang: str = "  ") -> List[str]:
    """A sentence under an indent, going on below itself."""
    return [indent + line for line in wrapped(text, columns() - len(indent), hang)]


def _speaker(names: Names) -> Callable[[str], str]:
    """A sentence made fit to print: SIDs get their names, what a terminal obeys is escaped."""
    known: Dict[str, str] = {}

    def name(match: "re.Match[str]") -> str:
        text = match.group()
        if text not in known:
            try:
                found = names.of(Sid.from_text(text))
            except BadFormat:
                found = None
            known[text] = "%s (%s)" % (found, text) if found else text
        return known[text]

    return lambda text: clean(_SID.sub(name, text))


def lab_lines(answers: Sequence[LabAnswer], names: Names = NO_NAMES) -> List[str]:
    """What a real Windows said beside what we say; the differences first."""
    say = _speaker(names)
    differing = [one for one in answers if one.differs]
    lines = ["%d of %d checks are answered as Windows did" % (len(answers) - len(differing), len(answers)), ""]
    rows: List[Tuple[str, ...]] = [("CHECK", "WINDOWS", "KDTOKEN", "")]
    for one in differing + [other for other in answers if not other.differs]:
        theirs = "0x%x" % one.granted if one.status == 0 else STATUS_NAMES.get(one.status, "0x%08x" % one.status)
        outcome = one.ours.outcome
        ours = "0x%x" % outcome.granted if outcome.allowed else STATUS_NAMES.get(outcome.status, "no")
        note = ""
        if one.differs:
            note = "DIFFERS" + ("; Windows sides with: %s" % ", ".join(one.agreeing) if one.agreeing else "")
        elif one.ours.conflicts:
            note = "settles %s our way" % ", ".join(conflict.reading.name for conflict in one.ours.conflicts)
        rows.append((clean(one.name), theirs, ours, styled(say(note), "impossible" if one.differs else "")))
    return lines + table(rows)
