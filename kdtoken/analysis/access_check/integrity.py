"""Mandatory integrity: the label of the object against the level of the token."""

from typing import Optional, Tuple

from kdtoken.analysis.access_check.caller import LOW, MEDIUM, NO_WRITE_UP
from kdtoken.analysis.access_check.privileges import SE_RELABEL, enabled
from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import (
    ACCESS_SYSTEM_SECURITY,
    DELETE,
    READ_CONTROL,
    SYNCHRONIZE,
    WRITE_DAC,
    WRITE_OWNER,
)
from kdtoken.analysis.access_check.run import Denial, Place, Run
from kdtoken.analysis.access_check.sacl import aces_of, narrow, only
from kdtoken.analysis.access_check.sids import hidden_sacl
from kdtoken.model.acl import SYSTEM_MANDATORY_LABEL
from kdtoken.model.integrity import integrity_text
from kdtoken.model.object_type import GenericMapping
from kdtoken.model.token_words import LABEL_POLICY, bit_words

LABEL_NO_WRITE_UP, LABEL_NO_READ_UP, LABEL_NO_EXECUTE_UP = 0x1, 0x2, 0x4


def allowed_below(policy: int, mapping: GenericMapping) -> int:
    """What a label's policy leaves to a caller below it.

    Three categories, with the standard rights that go with each; a bit of a forbidden category stays if an allowed one
    has it too, so that READ_CONTROL and SYNCHRONIZE, which stand in the write mapping, do not fall with it.  The facts are
    those of NtCoreLib's GenericMapping.GetAllowedMandatoryAccess.
    """
    read = mapping.read | READ_CONTROL
    write = mapping.write | DELETE | WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY
    execute = mapping.execute & ~mapping.read | SYNCHRONIZE
    allowed = mapping.read | mapping.execute | READ_CONTROL | SYNCHRONIZE
    kept = forbidden = 0
    for bit, category in ((LABEL_NO_READ_UP, read), (LABEL_NO_WRITE_UP, write), (LABEL_NO_EXECUTE_UP, execute)):
        if policy & bit:
            forbidden |= category
        else:
            kept |= category
    if not policy & LABEL_NO_WRITE_UP:
        allowed |= mapping.all | ACCESS_SYSTEM_SECURITY
    return allowed & ~(forbidden & ~kept)


def default_policy(run: Run) -> int:
    """The policy of an object without a label: processes and threads may not be read from below (NtCoreLib)."""
    return LABEL_NO_WRITE_UP | (LABEL_NO_READ_UP if run.request.is_process else 0)


def label_of(run: Run) -> Tuple[int, int, str]:
    """(level, policy, where it is from) of the object; the first label that is not inherit-only counts."""
    for index, ace in aces_of(run, SYSTEM_MANDATORY_LABEL):
        if ace.sid is not None and ace.sid.subauthorities:
            return ace.sid.subauthorities[0], ace.mask or 0, "SACL ACE %d" % index
    return run.request.default_level, default_policy(run), "no label, so the default"


def _hidden_label(run: Run) -> bool:
    """Whether the object may have a label that its source does not show."""
    return hidden_sacl(run) and not aces_of(run, SYSTEM_MANDATORY_LABEL)


def integrity(run: Run) -> Optional[Denial]:
    """A token below the object's label keeps what the label's policy leaves; before the DACL, owner and privileges."""
    caller = run.caller
    policy = caller.policy
    if policy is None:
        question = Question("mandatory-policy", "the token's mandatory policy has NO_WRITE_UP", caller.settle)
        policy = NO_WRITE_UP if run.answers.ask(question, True) else 0
    if not policy & NO_WRITE_UP:
        why = "the token's mandatory policy lacks NO_WRITE_UP, so labels do not count for it"
        run.step("integrity", "mandatory policy 0x%x" % policy, "goes on", why)
        return None
    level, rules, origin = label_of(run)
    if _hidden_label(run):
        origin = "no label is shown, so the default is taken"
        question = Question("label", "the object has a label above the caller's level", OF_THE_OBJECT)
        if run.answers.ask(question, False):
            level, rules, origin = 0xFFFFFFFF, default_policy(run), "a label that the source does not show"
    mine = caller.integrity
    if mine is None:
        question = Question(
            "level:%d" % level, "the caller's level is %s or more" % integrity_text(level), caller.settle
        )
        dominates = run.answers.ask(question, True)
        mine_text = "not known"
    else:
        dominates = mine >= level
        mine_text = integrity_text(mine) if run.detail else ""
    looked = ""
    if run.detail:
        words = ", ".join(bit_words(rules, LABEL_POLICY)) or "no policy"
        looked = "caller %s; object %s, %s (%s)" % (mine_text, integrity_text(level), words, origin)
    if dominates:
        why = "the caller is not below the object"
        run.step("integrity", looked, "goes on", why if mine is not None else "taken so: " + why)
        return None
    if not rules & (LABEL_NO_WRITE_UP | LABEL_NO_READ_UP | LABEL_NO_EXECUTE_UP):
        run.step(
            "integrity", looked, "goes on", "the caller is below the object, but the label's policy forbids nothing"
        )
        return None
    allowed = allowed_below(rules, run.mapping)
    if (run.wish & WRITE_OWNER or run.maximum) and not allowed & WRITE_OWNER and enabled(run, SE_RELABEL):
        allowed |= WRITE_OWNER
        run.notes.append("SeRelabelPrivilege lifts the label for WRITE_OWNER")
    if run.wish & ACCESS_SYSTEM_SECURITY & ~allowed and run.answers.other("label-system-security"):
        allowed |= ACCESS_SYSTEM_SECURITY
    forbidden = run.wish & ~allowed
    if (forbidden or run.maximum) and _forgiven(run, level):
        run.step("integrity", looked, "goes on", "an AppContainer is forgiven a label of Medium or lower")
        return None
    why = "the caller is below the object's label, which leaves it %s" % only(run, allowed)
    denial = narrow(run, allowed, Place.LABEL, Reason(ReasonType.INTEGRITY), why)
    run.step("integrity", looked, "refused" if denial else "narrows to %s" % only(run, allowed), why)
    return denial


def _forgiven(run: Run, level: int) -> bool:
    """An AppContainer (at Low or more) may fail a label of Medium or lower: its package side decides then."""
    caller = run.caller
    container = caller.container
    if level > MEDIUM or (caller.integrity is not None and caller.integrity < LOW):
        return False
    if caller.integrity is None and caller.container is not False:
        text = "the caller's level is %s or more" % integrity_text(LOW)
        if not run.answers.ask(Question("level:%d" % LOW, text, caller.settle), True):
            return False
    if container is None:
        question = Question("container", "the token is an AppContainer's", caller.settle)
        container = run.answers.ask(question, False)
    return container and not run.answers.other("appcontainer-label")
