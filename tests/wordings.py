"""Every way in which the access check puts a thing, gathered from the rows of tests/access_cases/, for golden files.

Masks and their rights are left out of what makes two of them the same, so that each is there once, with the row that
showed it first.
"""

import re
from dataclasses import replace
from typing import Any, Dict, List, Tuple

from kdtoken.analysis.access_check.questions import READINGS
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.truth import decide
from kdtoken.model.absent import Unreadable
from kdtoken.model.descriptor import NOT_SAID, UNREADABLE, SecurityDescriptor
from kdtoken.model.privilege import NAMES, SENSITIVE
from kdtoken.model.privilege_words import words_of
from kdtoken.model.token_flags import MEANINGS
from tests.access_rows import PUBLIC, request, rows

# What a source may not tell of a caller.
HIDDEN: Tuple[Dict[str, Any], ...] = (
    {"sids_whole": False},
    {"privileges": None},
    {"restricting": None},
    {"write_restricted": None},
    {"policy": None},
    {"container": None},
    {"lpac": None},
    {"integrity": None},
    {"trust": None, "trust_known": False},
    {"protection": None},
    {"capabilities_whole": False},
)


def _shape(text: str) -> str:
    return re.sub(r"S-1(-[0-9]+)+|[0-9]+", "#", re.sub(r"0x[0-9a-f]+( \([^)]*\))?", "#", text))


def steps() -> str:
    """Each step, with what it looked at, decided and why; each line about an ACE; each note; each way of a no."""
    first: Dict[Tuple[str, str], str] = {}
    for row in rows() + rows(PUBLIC):
        outcome = decide(request(row)).outcome
        found = [("step", " | ".join((one.name, one.looked_at, one.decided, one.why))) for one in outcome.steps]
        found += [("ACE", line) for one in outcome.steps for line in one.lines]
        found += [("note", note) for note in outcome.notes]
        if outcome.denial is not None:
            found.append(("no", "%s | %s" % (outcome.denial.place.value, outcome.denial.why)))
        for kind, text in found:
            first.setdefault((kind, _shape(text)), "%-4s  %s  (%s)" % (kind, text, row.name))
    return "\n".join(sorted(first.values())) + "\n"


def questions() -> str:
    """Each question that an answer may depend on, with what would tell."""
    first: Dict[str, str] = {}
    for row in rows()[::3]:
        asked = request(row)
        hidden: List[Any] = [replace(asked, caller=replace(asked.caller, **facts)) for facts in HIDDEN]
        found = asked.object.descriptor
        if isinstance(found, SecurityDescriptor):
            parts: List[Any] = [Unreadable(0xFFFF800012345678, "paged out")]
            parts += [replace(found, dacl=None, dacl_state=state) for state in (UNREADABLE, NOT_SAID)]
            parts += [replace(found, sacl=None, sacl_state=NOT_SAID), replace(found, owner=None, owner_state=NOT_SAID)]
            hidden += [replace(asked, object=replace(asked.object, descriptor=part)) for part in parts]
        hidden.append(replace(asked, protection=None))
        for one in hidden:
            for question in (one.question for one in decide(one, False).depends):
                text = "%s | %s | %s" % (question.key, question.text, question.settle)
                first.setdefault(_shape(text), "%s  (%s)" % (text, row.name))
    return "\n".join(sorted(first.values())) + "\n"


def tables() -> str:
    """The words of the tables that no output shows whole."""
    lines = ["Privileges"]
    lines += ["  %2d  %s: %s" % (number, name, words_of(name)) for number, name in NAMES.items()]
    lines += ["", "Of these, power over others"] + ["  %s: %s" % pair for pair in SENSITIVE.items()]
    lines += ["", "TokenFlags"] + ["  0x%08x  %s: %s" % (flag, flag.name, MEANINGS[flag]) for flag in MEANINGS]
    lines += ["", "Where the authorities disagree"]
    for one in READINGS.values():
        lines += ["  " + one.name, "    ours:   " + one.ours, "    theirs: " + one.theirs]
    lines += ["", "Reasons"] + ["  0x%08x  %s: %s" % (kind.value, kind.word, Reason(kind).words) for kind in ReasonType]
    return "\n".join(lines) + "\n"
