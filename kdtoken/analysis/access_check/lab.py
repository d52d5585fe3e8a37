"""What a real Windows answered (``kdtoken collect --check``), worked out again here.

The document is collect's own JSON with a list "checks": each entry is one call of NtAccessCheck on the machine it ran on,
with the token that stands in the same document.  A difference proves us wrong, or settles a point on which the
authorities disagree; then the reading that agrees with Windows is named.
"""

import json
from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Tuple

from kdtoken.analysis.access_check.caller import IMPERSONATION_LEVEL, Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import READINGS, Answers
from kdtoken.analysis.access_check.request import ACCESS_CHECK, Request
from kdtoken.analysis.access_check.truth import Answer, Verdict, decide
from kdtoken.errors import BadFormat
from kdtoken.model.object_type import GenericMapping, ObjectType
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject


class LabAnswer(NamedTuple):
    """One question: what Windows said and what we say.

    agreeing  the readings, other than ours, that give what Windows gave; only where we differ
    """

    name: str
    question: str
    granted: int
    status: int
    ours: Answer
    differs: bool
    agreeing: Tuple[str, ...]


def lab_checks(data: bytes, name: str = "the file") -> List[Any]:
    """The checks of a lab run, as they stand in it.  Raises BadFormat where the file is none."""
    try:
        document = json.loads(data.decode("utf-8-sig"))
        checks = document["checks"]
        if isinstance(checks, list) and checks:
            return checks
        why = "holds no checks"
    except (KeyError, TypeError):
        why = "is JSON, but holds no checks"
    except (UnicodeDecodeError, ValueError, RecursionError):
        why = "is no lab run: that is JSON, which collect writes"
    raise BadFormat(
        "%s %s" % (name, why),
        name,
        'on a Windows: kdtoken collect --check "D:(A;;FA;;;BA)" --type file --want read -o lab.json',
    )


def lab_answers(caller: Caller, data: bytes, name: str = "the file") -> List[LabAnswer]:
    """Every check of a lab run, worked out again.  Raises BadFormat where the file is none."""
    checks = lab_checks(data, name)
    client = replace(caller, level=IMPERSONATION_LEVEL)  # collect duplicates its own token to that level
    found = []
    for number, entry in enumerate(checks, 1):
        if isinstance(entry, dict) and entry.get("problem"):
            continue  # that Windows did not take the SDDL: nothing was asked
        found.append(_one(client, entry, "%s, check %d" % (name, number)))
    return found


def _one(caller: Caller, entry: Dict[str, Any], name: str) -> LabAnswer:
    try:
        read, write, execute, everything = (int(mask) for mask in entry["mapping"])
        kind = ObjectType(str(entry["type"]), GenericMapping(read, write, execute, everything), everything)
        descriptor = from_sddl(str(entry["sddl"]), object_type=kind)
        wish, status, granted = int(entry["wish"]), int(entry["status"]), int(entry["granted"])
        if not all(0 <= mask < 1 << 32 for mask in (read, write, execute, everything, wish, status, granted)):
            raise ValueError("a mask of more than 32 bits")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadFormat(
            "%s lacks a part" % name, name, "sddl, type, mapping (four masks), wish, status, granted"
        ) from error
    thing = SecuredObject(None, str(entry.get("id", name)), kind, descriptor)
    request = Request(caller, thing, kind, wish, call=ACCESS_CHECK)
    ours = decide(request)
    theirs = (status == 0, granted if status == 0 else 0)
    differs = not _could_be(ours, theirs)
    agreeing = []
    for reading in READINGS if differs else ():
        other = check(request, Answers({}, frozenset((reading,))), False)
        if (other.allowed, other.granted) == theirs:
            agreeing.append(reading)
    return LabAnswer(thing.name, str(entry.get("question", "")), granted, status, ours, differs, tuple(agreeing))


def _could_be(ours: Answer, theirs: Tuple[bool, int]) -> bool:
    """Whether what Windows said is what we say, or one of the sides of what it depends on."""
    outcomes = [ours.outcome]
    if ours.verdict is Verdict.DEPENDS:
        outcomes += [one for dependence in ours.depends for one in (dependence.if_true, dependence.if_false)]
    return any((one.allowed, one.granted) == theirs for one in outcomes)
