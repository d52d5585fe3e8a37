"""An access check explained, as JSON: explain.schema.json describes every key."""

import json
from typing import Any, Dict, Optional, Sequence

from kdtoken.analysis.access_check.by_type import NodeResult
from kdtoken.analysis.access_check.gates import Chain
from kdtoken.analysis.access_check.run import STATUS_NAMES, WIN32_ERRORS, Outcome
from kdtoken.analysis.access_check.truth import Answer, Conflict
from kdtoken.analysis.access_check.turn import Turn
from kdtoken.model.sid_names import NO_NAMES, Names

SCHEMA = 1


def explain_json(
    answers: Sequence[Answer],
    turns: Sequence[Sequence[Turn]] = (),
    names: Names = NO_NAMES,
    about: Optional[Dict[str, Any]] = None,
    chain: Optional[Chain] = None,
    stories: Sequence[str] = (),
    nodes: Sequence[NodeResult] = (),
) -> str:
    """One document for one check, a matrix of them, or the gates before a token; `nodes` are those of one check."""
    checks = [
        answer_value(answer, turns[index] if index < len(turns) else (), names) for index, answer in enumerate(answers)
    ]
    if len(checks) == 1:
        checks[0]["object_types"] = [_node(one, answers[0]) for one in nodes]
    document: Dict[str, Any] = {"kdtoken": SCHEMA, "source": about, "checks": checks}
    document["stories"] = list(stories)
    if chain is not None:
        document["chain"] = {
            "verdict": chain.verdict.value,
            "calls": [gate.call for gate in chain.gates],
            "uses": chain.uses,
            "conflicts": [_conflict(one) for one in chain.conflicts],
        }
    return json.dumps(document, indent=1, ensure_ascii=True)


def answer_value(answer: Answer, turns: Sequence[Turn], names: Names) -> Dict[str, Any]:
    """One check."""
    request, outcome = answer.request, answer.outcome
    caller, words = request.caller, request.type.words
    return {
        "caller": {
            "name": caller.name,
            "user": None if caller.user is None else str(caller.user),
            "user_name": None if caller.user is None else names.of(caller.user),
            "impersonation_level": caller.level,
            "integrity": caller.integrity,
        },
        "object": {
            "name": request.object.name,
            "address": None if request.object.address is None else "0x%x" % request.object.address,
            "type": request.type.name,
            "mapping_from": request.type.origin,
        },
        "wish": "0x%08x" % request.wish,
        "wish_words": list(words(request.wish)),
        "verdict": answer.verdict.value,
        "status": "0x%08x" % outcome.status,
        "status_name": STATUS_NAMES.get(outcome.status),
        "error": WIN32_ERRORS.get(outcome.status),
        **_result(outcome),
        "granted_words": list(words(outcome.granted)),
        "implied": "0x%08x" % outcome.implied,
        "missing": "0x%08x" % outcome.missing,
        "why": None if outcome.denial is None else outcome.denial.why,
        "elsewhere": [{"place": one.place.value, "why": one.why} for one in answer.elsewhere],
        "privileges_used": list(outcome.privileges),
        "reasons": [_reason(outcome, bit, words) for bit in range(32)],
        "steps": [
            {
                "name": step.name,
                "looked_at": step.looked_at,
                "decided": step.decided,
                "why": step.why,
                "lines": list(step.lines),
            }
            for step in outcome.steps
        ],
        "depends": [
            {
                "question": one.question.text,
                "settle": one.question.settle,
                "if_true": _result(one.if_true),
                "if_false": _result(one.if_false),
            }
            for one in answer.depends
        ],
        "object_types": [],
        "runs": answer.runs,
        "cut_short": answer.cut_short,
        "conflicts": [_conflict(one) for one in answer.conflicts],
        "turns": [
            {
                "changes": [{"kind": change.kind.split(" ")[0], "text": change.text} for change in turn.changes],
                "granted": "0x%08x" % turn.outcome.granted,
                "depends": turn.depends,
            }
            for turn in turns
        ],
        "notes": list(outcome.notes) + list(request.object.notes),
    }


def _result(outcome: Outcome) -> Dict[str, Any]:
    place = outcome.place
    return {
        "allowed": outcome.allowed,
        "granted": "0x%08x" % outcome.granted,
        "place": None if place is None else place.value,
    }


def _node(node: NodeResult, answer: Answer) -> Dict[str, Any]:
    return {
        "level": node.level,
        "guid": str(node.guid),
        "verdict": node.verdict.value,
        "status": "0x%08x" % node.status,
        "granted": "0x%08x" % node.granted,
        "granted_words": list(answer.request.type.words(node.granted)),
        "why": node.why or None,
    }


def _reason(outcome: Outcome, bit: int, words: Any) -> Dict[str, Any]:
    reason = outcome.reasons[bit]
    return {
        "bit": "0x%08x" % (1 << bit),
        "right": " ".join(words(1 << bit)),
        "reason": "0x%08x" % reason.value,
        "type": reason.type.word,
        "ace": reason.ace,
        "words": reason.words,
    }


def _conflict(one: Conflict) -> Dict[str, Any]:
    return {
        "name": one.reading.name,
        "ours": one.reading.ours,
        "theirs": one.reading.theirs,
        "their_answer": _result(one.theirs),
        "their_answer_depends": one.depends,
    }
