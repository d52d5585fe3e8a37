"""What the owner of an object has without any ACE: READ_CONTROL and WRITE_DAC."""

from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import READ_CONTROL, WRITE_DAC
from kdtoken.analysis.access_check.run import Run
from kdtoken.analysis.access_check.sids import OWNER_RIGHTS, RestrictingSids, TokenSids
from kdtoken.model.acl import INHERIT_ONLY
from kdtoken.model.descriptor import ABSENT, SecurityDescriptor

OWNERS = READ_CONTROL | WRITE_DAC


def owner(run: Run) -> None:
    """Grant the owner's two rights before the walk, so that no deny ACE takes them ([MS-DTYP] 2.5.3.2).

    Not for a SID that is for deny only; a restricted token needs the owner among its restricting SIDs too (Windows
    Security Internals); and any OWNER RIGHTS ACE that is not inherit-only takes their place ([MS-DTYP] 2.4.2.4).
    """
    descriptor = run.request.object.descriptor
    wanted = OWNERS if run.maximum else OWNERS & run.rest
    if not isinstance(descriptor, SecurityDescriptor) or not wanted:
        return
    sid = descriptor.owner
    if sid is None:
        if descriptor.owner_state != ABSENT:
            question = Question("owner", "the caller owns the object", OF_THE_OBJECT)
            if run.answers.ask(question, False):
                _grant(run, wanted, "an owner that the source does not show")
        return
    if not TokenSids(run).allows(sid):
        if run.detail:
            state = run.caller.sids.get(sid)
            why = "that is not the caller" if state is None else "the token has that SID, but not enabled"
            run.step("owner", "owner %s" % sid, "goes on", why)
        return
    restricting = run.caller.restricting
    if restricting and not RestrictingSids(restricting).allows(sid):
        run.step("owner", "owner %s" % sid, "goes on", "a restricted token needs the owner among its restricting SIDs")
        return
    if descriptor.dacl is not None:
        for index, ace in enumerate(descriptor.dacl.aces):
            if ace.sid == OWNER_RIGHTS and not ace.flags & INHERIT_ONLY:
                why = "ACE %d is for OWNER RIGHTS, which stands in place of the owner's own rights" % index
                run.step("owner", "owner %s" % sid, "goes on", why)
                return
    _grant(run, wanted, "%s is the owner, and enabled in the token" % sid)


def _grant(run: Run, wanted: int, why: str) -> None:
    granted = wanted & run.allowed
    run.by_owner |= granted
    run.granted |= granted
    run.because(granted, Reason(ReasonType.OWNERSHIP))
    run.step("owner", "the descriptor's owner", "grants %s" % run.rights(granted), why)
