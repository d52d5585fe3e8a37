"""The SACL's part before the DACL: trust labels and access filters.  Either only narrows what may be granted."""

from typing import List, Optional, Tuple

from kdtoken.analysis.access_check.conditions import condition_of
from kdtoken.analysis.access_check.questions import Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import ACCESS_SYSTEM_SECURITY, GRANTABLE
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, Denial, Place, Run
from kdtoken.analysis.access_check.sids import hidden_sacl
from kdtoken.model.acl import INHERIT_ONLY, SYSTEM_ACCESS_FILTER, SYSTEM_PROCESS_TRUST_LABEL, Ace
from kdtoken.model.condition import Truth
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.sid import Sid

NO_TRUST = Sid(19, (0, 0))  # a token without a trust SID: None, None (Windows Security Internals)


def aces_of(run: Run, kind: int) -> List[Tuple[int, Ace]]:
    """(index, ACE) of one type in the SACL, inherit-only ones left out."""
    descriptor = run.request.object.descriptor
    if not isinstance(descriptor, SecurityDescriptor) or descriptor.sacl is None:
        return []
    return [
        (index, ace)
        for index, ace in enumerate(descriptor.sacl.aces)
        if ace.type == kind and not ace.flags & INHERIT_ONLY and ace.mask is not None
    ]


def narrow(run: Run, allowed: int, place: Place, reason: Reason, why: str) -> Optional[Denial]:
    """Take from the run what is not in `allowed`; a wish with one forbidden bit fails as a whole."""
    run.allowed &= allowed
    forbidden = ~allowed & 0xFFFFFFFF
    run.because(forbidden & GRANTABLE if run.maximum else forbidden & run.wish, reason)
    denial = Denial(place, STATUS_ACCESS_DENIED, why)
    if run.wish & forbidden or (run.maximum and not run.allowed & (_within_reach(run) | run.wish)):
        return denial
    run.narrowed = denial
    return None


def only(run: Run, mask: int) -> str:
    """What is left, in words: "0x20000 (READ_CONTROL) only", or "nothing"."""
    mask &= run.mapping.all | ACCESS_SYSTEM_SECURITY | run.wish | (_of_the_aces(run) if run.maximum else 0)
    return run.rights(mask) + " only" if mask else "nothing"


def _of_the_aces(run: Run) -> int:
    """What the DACL's ACEs have, which MAXIMUM_ALLOWED can come to even where the type lacks it."""
    acl = getattr(run.request.object.descriptor, "dacl", None)
    mask = 0
    for ace in acl.aces if acl is not None else ():
        mask |= ace.mask or 0
    return mask & GRANTABLE


def _within_reach(run: Run) -> int:
    """What MAXIMUM_ALLOWED can come to: whatever an ACE has, even a right that the type lacks; without ACEs, the type's."""
    acl = getattr(run.request.object.descriptor, "dacl", None)
    return GRANTABLE if acl is not None else run.mapping.all


def trust_dominates(token: Sid, label: Sid) -> bool:
    """Whether S-1-19-TYPE-LEVEL of a token is not below a label's, in type as well as in level."""
    if len(token.subauthorities) < 2 or len(label.subauthorities) < 2:
        return False
    return token.subauthorities[0] >= label.subauthorities[0] and token.subauthorities[1] >= label.subauthorities[1]


def trust_label(run: Run) -> Optional[Denial]:
    """The first trust label: a token that does not dominate it keeps the ACE's mask only."""
    if hidden_sacl(run):
        run.notes.append(
            "the SACL is not shown, or not whole: a trust label, an access filter or a central policy in it would narrow"
            " this further, and is taken as not there"
        )
    found = aces_of(run, SYSTEM_PROCESS_TRUST_LABEL)
    if not found:
        return None
    index, ace = found[0]
    label = ace.sid
    token = run.caller.trust or NO_TRUST
    if label is None or not run.caller.trust_known:
        question = Question("trust:%s" % label, "the token's trust SID dominates %s" % label, run.caller.settle)
        passes = run.answers.ask(question, False)
    else:
        passes = trust_dominates(token, label)
    mine = (run.caller.trust or "none") if run.caller.trust_known else "not known"
    looked = "SACL ACE %d, trust label %s; the token's is %s" % (index, label, mine)
    if passes:
        why = "the token's trust is not below the label, in type and in level"
        run.step("trust label", looked, "goes on", why if run.caller.trust_known else "taken so: " + why)
        return None
    allowed = (ace.mask or 0) | ACCESS_SYSTEM_SECURITY
    why = "the object's trust label %s leaves a caller below it %s" % (label, only(run, ace.mask or 0))
    if not run.caller.trust_known:
        why += ", and the caller's trust, which is not known, is taken as below it"
    denial = narrow(run, allowed, Place.TRUST, Reason(ReasonType.TRUST_LABEL, index), why)
    run.step("trust label", looked, "refused" if denial else "narrows to %s" % only(run, allowed), why)
    return denial


def access_filters(run: Run) -> Optional[Denial]:
    """Each access filter whose condition is not true narrows what may be granted to its mask."""
    for index, ace in aces_of(run, SYSTEM_ACCESS_FILTER):
        truth, words = condition_of(run, ace, "filter:%d" % index, deny=False)
        looked = "SACL ACE %d, access filter 0x%x: %s" % (index, ace.mask or 0, words)
        if truth is Truth.TRUE:
            run.step("access filter", looked, "goes on", "its condition is true")
            continue
        allowed = (ace.mask or 0) | ACCESS_SYSTEM_SECURITY
        why = "the access filter's condition is %s, which leaves %s" % (truth.value, only(run, ace.mask or 0))
        denial = narrow(run, allowed, Place.FILTER, Reason(ReasonType.FILTER_ACE, index), why)
        run.step("access filter", looked, "refused" if denial else "narrows to %s" % only(run, allowed), why)
        if denial:
            return denial
    return None
