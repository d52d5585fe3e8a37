"""Conditions of callback ACEs, as far as the caller's facts go."""

from typing import Dict, Optional, Tuple, Union

from kdtoken.analysis.access_check.caller import DENY_ONLY, ENABLED
from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.run import Run
from kdtoken.analysis.access_check.sids import hidden_sacl
from kdtoken.errors import BadFormat
from kdtoken.model.acl import SYSTEM_RESOURCE_ATTRIBUTE, Ace
from kdtoken.model.condition import (
    UNKNOWABLE,
    Context,
    Truth,
    Values,
    condition_text,
    evaluate,
    is_condition,
    parse_condition,
    resource_attribute,
)
from kdtoken.model.condition.evaluate import Unknowable
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.sid import Sid


class _Facts(Context):
    """The caller's and the object's facts, for one ACE."""

    def __init__(self, run: Run, deny: bool) -> None:
        self.run = run
        self.deny = deny
        self._resource: Optional[Dict[str, Values]] = None
        self.guessed = False  # a membership that is not known was taken as said

    def member(self, sid: Sid, device: bool) -> Optional[bool]:
        caller = self.run.caller
        if device:
            return None if caller.device_sids is None else sid in caller.device_sids
        state = caller.sids.get(sid)
        if state is None:
            if not caller.may_have(sid):
                return False
            self.guessed = True
            question = Question("sid:%s" % sid, "%s is an enabled group of the token" % sid, caller.settle)
            return self.run.answers.ask(question, False)
        if state == DENY_ONLY and self.deny:
            return self.run.answers.other("deny-only-member")
        return state == ENABLED

    def attribute(self, space: str, name: str) -> Union[Values, None, Unknowable]:
        if space == "Resource":
            if self._resource is None:
                self._resource = _resource_attributes(self.run)
            found = self._resource.get(name.lower())
            return UNKNOWABLE if found is None and hidden_sacl(self.run) else found
        claims = self.run.caller.claims.get(space)
        if claims is None:
            return UNKNOWABLE
        for known, values in claims.items():
            if known.lower() == name.lower():
                assert isinstance(values, Values)
                return values
        return None


def _resource_attributes(run: Run) -> Dict[str, Values]:
    found: Dict[str, Values] = {}
    descriptor = run.request.object.descriptor
    if isinstance(descriptor, SecurityDescriptor) and descriptor.sacl is not None:
        for ace in descriptor.sacl.aces:
            if ace.type == SYSTEM_RESOURCE_ATTRIBUTE and not ace.flags & 0x08:
                try:
                    name, values = resource_attribute(ace)
                except BadFormat:
                    continue  # Windows cannot read it either: the attribute is not there
                found.setdefault(name.lower(), values)
    return found


def condition_of(run: Run, ace: Ace, key: str, deny: bool) -> Tuple[Truth, str]:
    """What an ACE's condition comes to, and its text.

    Where the caller's facts leave several of TRUE, FALSE and UNKNOWN, they are asked for as questions under `key`.
    Malformed conditions are UNKNOWN ([MS-DTYP] 2.4.4.17.3).
    """
    try:
        if not is_condition(ace.application_data):
            return Truth.UNKNOWN, "(no condition that can be read)"
        condition = parse_condition(ace.application_data)
        facts = _Facts(run, deny)
        outcome = evaluate(condition, facts)
        text = condition_text(condition) if run.detail or len(outcome.possible) > 1 else ""
        shown = text + ", as far as is known," if facts.guessed or outcome.not_known else text
    except BadFormat as error:
        return Truth.UNKNOWN, "(malformed: %s)" % error.message
    possible = outcome.possible
    if len(possible) == 1:
        return next(iter(possible)), shown
    of_the_object = all(one.upper().startswith("@RESOURCE.") for one in outcome.not_known) and bool(outcome.not_known)
    settle = OF_THE_OBJECT if of_the_object else run.caller.settle
    if not outcome.not_known:  # nothing is missing: the sources leave open whether it is decided or UNKNOWN
        decided = Truth.TRUE if Truth.TRUE in possible else Truth.FALSE
        question = Question(
            "%s:unknown" % key,
            "the condition %s is UNKNOWN, not %s (open: %s)"
            % (text, decided.name, "; ".join(outcome.conflicts) or "no source says"),
            settle,
        )
        return (Truth.UNKNOWN if run.answers.ask(question, False) else decided), text
    what = ", ".join(outcome.not_known)
    if Truth.TRUE in possible:
        question = Question("%s:true" % key, "the condition %s is true (not known: %s)" % (text, what), settle)
        if run.answers.ask(question, False):
            return Truth.TRUE, shown
    rest = possible - {Truth.TRUE}
    if len(rest) == 1:
        return next(iter(rest)), shown
    question = Question("%s:unknown" % key, "the condition %s is UNKNOWN (%s missing)" % (text, what), settle)
    return (Truth.UNKNOWN if run.answers.ask(question, False) else Truth.FALSE), shown
