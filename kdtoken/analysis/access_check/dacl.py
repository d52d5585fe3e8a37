"""The user's side of the DACL: absent, null, empty, not readable, or a walk."""

from typing import Optional

from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import GRANTABLE
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, Denial, Place, Run
from kdtoken.analysis.access_check.sids import TokenSids
from kdtoken.analysis.access_check.walk import Walk, Walked
from kdtoken.model.absent import Missing
from kdtoken.model.descriptor import ABSENT, NULL, SecurityDescriptor
from kdtoken.model.token_words import counted


def no_descriptor(run: Run) -> bool:
    """Grant everything on an object that has no descriptor at all; whether it was so."""
    if run.request.object.descriptor is not None:
        return False
    everything(run, ReasonType.NO_SD, "DACL", "no security descriptor", "an object without one is open to everybody")
    return True


def everything(run: Run, reason: ReasonType, name: str, looked: str, why: str) -> None:
    """Grant all that is asked, and with MAXIMUM_ALLOWED all that the type has (DDI SeAccessCheck)."""
    new = (run.rest | (run.mapping.all & ~run.granted if run.maximum else 0)) & run.allowed
    run.granted |= new
    run.because(new, Reason(reason))
    run.step(name, looked, "grants %s" % run.rights(new), why)


def is_open(run: Run) -> bool:
    """Whether the descriptor has no DACL, or a null one."""
    descriptor = run.request.object.descriptor
    return isinstance(descriptor, SecurityDescriptor) and descriptor.dacl_state in (ABSENT, NULL)


def dacl(run: Run) -> Optional[Denial]:
    """What the DACL gives the token itself."""
    descriptor = run.request.object.descriptor
    if isinstance(descriptor, Missing) or descriptor is None:
        return _not_known(run, str(descriptor), getattr(descriptor, "hint", ""))
    if is_open(run):
        looked = "no DACL" if descriptor.dacl_state == ABSENT else "a null DACL"
        everything(run, ReasonType.NULL_DACL, "DACL", looked, "without a DACL everything is granted")
        return None
    if descriptor.dacl is None:
        return _not_known(run, descriptor.problem or "the DACL is %s" % descriptor.dacl_state)
    if not run.rest and not run.maximum:
        run.step("DACL", counted(len(descriptor.dacl.aces), "ACE"), "goes on", "all is granted already")
        return None
    interest = GRANTABLE if run.maximum else run.rest
    walked = Walk(run, TokenSids(run), interest).through(descriptor.dacl)
    if not descriptor.dacl.aces and not descriptor.dacl.problem:
        looked, unnamed = "an empty DACL", Reason(ReasonType.EMPTY_DACL)
        why = "an empty DACL grants nothing"
    else:
        looked, unnamed = counted(len(descriptor.dacl.aces), "ACE"), Reason(ReasonType.NO_GRANT)
        why = "no ACE grants the caller %s"
        if run.asked_about("sid", "ace", "dacl", "dacl-rest", "owner"):
            why = "no ACE that is known to be the caller's grants %s"
    new = first_wins_or_not(run, walked) & run.allowed & ~run.by_owner
    run.granted |= new
    for mask, reason in walked.reasons:
        run.because(mask & (new if reason.grants else ~run.granted & run.allowed), reason)
    if not run.rest & walked.denied:  # else the walk stopped at the deny ACE, and the others are unchecked
        run.because(run.rest, unnamed)
    if run.maximum and run.rest and run.granted and run.answers.other("maximum-named"):
        run.wish &= ~run.rest
    denial = None
    if run.rest or (run.maximum and not run.granted):
        denied = walked.denied & (run.rest or run.allowed)
        if run.rest & walked.denied:
            index = next(one.data for mask, one in walked.reasons if not one.grants and mask & run.rest)
            why = "ACE %d denies %s" % (index, run.rights(denied))
        elif "%" in why:
            why %= run.rights(run.rest or run.mapping.all & run.allowed)
        denial = Denial(Place.DACL, STATUS_ACCESS_DENIED, why)
        if run.maximum and not run.rest and walked.granted and run.narrowed is not None:
            denial = run.narrowed  # the DACL would have granted something; what it grants is narrowed away
    said = "refused" if denial else "grants %s" % run.rights(new if run.maximum else new & run.wish)
    run.step("DACL", looked, said, denial.why if denial else "the token's SIDs are granted it", walked.lines)
    return denial


def first_wins_or_not(run: Run, walked: Walked) -> int:
    """The bits that a walk grants; with MAXIMUM_ALLOWED the authorities differ on what an allow before a deny means."""
    if run.maximum and walked.granted & walked.any_deny & run.allowed and run.answers.other("maximum-order"):
        return walked.granted & ~walked.any_deny
    return walked.granted


def _not_known(run: Run, what: str, settle: str = "") -> Optional[Denial]:
    """A descriptor or DACL that the source does not show: it may grant all, or nothing."""
    question = Question("dacl", "the object's DACL (%s) grants what is asked" % what, settle or OF_THE_OBJECT)
    if run.answers.ask(question, False):
        everything(run, ReasonType.ALLOWED_ACE, "DACL", what, "taken as said: it cannot be read")
        return None
    if not run.rest and not run.maximum:
        return None
    run.because(run.rest, Reason(ReasonType.NONE, 0, what))
    why = "the DACL is not known: " + what
    run.step("DACL", what, "refused", "taken as said: it cannot be read")
    return Denial(Place.DACL, STATUS_ACCESS_DENIED, why)
