"""The second pass of a restricted token: the same DACL, for the restricting SIDs alone."""

from typing import Optional, Tuple

from kdtoken.analysis.access_check.dacl import first_wins_or_not, is_open
from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import GRANTABLE
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, Denial, Place, Run
from kdtoken.analysis.access_check.sids import RestrictingSids
from kdtoken.analysis.access_check.walk import Walk
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import GenericMapping
from kdtoken.model.token_words import counted


def write_bits(mapping: GenericMapping) -> int:
    """What counts as write for a write-restricted token: the write mapping without what reading or executing has."""
    return mapping.write & ~(mapping.read | mapping.execute)


def second_pass(run: Run) -> Optional[Denial]:
    """Whether the restricting SIDs are granted it as well.  What privileges and ownership gave is not tested again."""
    caller = run.caller
    restricting = caller.restricting
    if restricting is None:
        text = "the token has restricting SIDs, and the DACL does not grant them what is asked"
        if not run.answers.ask(Question("restricted", text, caller.settle), False):
            run.step(
                "restricted", "restricting SIDs that are not known", "goes on", "they are taken as not refusing it"
            )
            return None
        return _refused(run, run.wish & ~run.by_privilege, (), "the restricting SIDs are not known", "not known")
    if not restricting:
        return None
    only_writes = caller.write_restricted
    if only_writes is None:
        text = "the token is write-restricted"
        only_writes = run.answers.ask(Question("write-restricted", text, caller.settle), False)
    rest = run.wish & ~run.by_privilege & ~run.by_owner
    writes = write_bits(run.mapping)
    looked = counted(len(restricting), "restricting SID")
    if only_writes:
        looked += ", for writes only (0x%x)" % writes
        if not rest & writes and not run.maximum:
            run.step("restricted", looked, "goes on", "nothing that is left of the wish is a write")
            return None
        if rest & ~writes and run.answers.other("write-restricted-rest"):
            rest &= writes
    descriptor = run.request.object.descriptor
    if is_open(run) or descriptor is None:
        run.step("restricted", looked, "goes on", "without a DACL everything is granted")
        return None
    if not isinstance(descriptor, SecurityDescriptor) or descriptor.dacl is None:
        text = "the DACL grants the restricting SIDs what is asked"
        if run.answers.ask(Question("restricted-dacl", text, OF_THE_OBJECT), False):
            return None
        return _refused(run, rest, (), "the DACL is not known", looked)
    interest = GRANTABLE if run.maximum else rest
    walked = Walk(run, RestrictingSids(restricting), interest).through(descriptor.dacl)
    second = first_wins_or_not(run, walked) | run.by_owner | run.by_privilege
    if run.maximum:
        kept = second | (~writes if only_writes else 0)
        if only_writes and rest & writes:
            kept &= second | ~rest  # named with a write, the others are tested as well: as without MAXIMUM_ALLOWED
        lost = run.granted & ~kept
        run.because(lost, Reason(ReasonType.NO_GRANT, 0, "to the restricting SIDs"))
        run.granted &= kept
        refused = (rest & ~run.granted) or (0 if run.granted else lost)
    else:
        refused = rest & ~second
    if refused:
        why = "the restricting SIDs are not granted %s" % run.rights(refused)
        return _refused(run, refused, walked.lines, why, looked)
    run.step("restricted", looked, "goes on", "the restricting SIDs are granted it too", walked.lines)
    return None


def _refused(run: Run, mask: int, lines: Tuple[str, ...], why: str, looked: str) -> Denial:
    run.because(mask, Reason(ReasonType.NO_GRANT, 0, "to the restricting SIDs"))
    run.step("restricted", looked, "refused", why, lines)
    return Denial(Place.RESTRICTED, STATUS_ACCESS_DENIED, why)
