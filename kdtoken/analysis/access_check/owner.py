"""What the owner of an object has without any ACE: READ_CONTROL and WRITE_DAC."""

from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import READ_CONTROL, WRITE_DAC
from kdtoken.analysis.access_check.run import Run
from kdtoken.analysis.access_check.sids import OWNER_RIGHTS, RestrictingSids, TokenSids, hidden_owner, owns
from kdtoken.model.acl import INHERIT_ONLY
from kdtoken.model.descriptor import SecurityDescriptor

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
        # What an owner has is then granted to the token, and a second pass of a restricted one asks no more about it.
        if hidden_owner(run) and not _owner_rights(run, "whom the source does not show") and owns(run):
            _grant(run, wanted, "an owner that the source does not show")
        return
    if not TokenSids(run).allows(sid):
        if run.detail:
            state = run.caller.sids.get(sid)
            why = "that is not the caller" if state is None else "the token has that SID, but not enabled"
            if state is None and run.caller.may_have(sid):
                why = "taken as not the caller: not all of its SIDs are known"
            run.step("owner", "owner %s" % sid, "goes on", why)
        return
    restricting = run.caller.restricting
    if restricting and not RestrictingSids(restricting).allows(sid):
        run.step("owner", "owner %s" % sid, "goes on", "a restricted token needs the owner among its restricting SIDs")
        return
    if not _owner_rights(run, str(sid)):
        _grant(run, wanted, "%s is the owner, and enabled in the token" % sid)


def _owner_rights(run: Run, who: str) -> bool:
    """Whether an ACE for OWNER RIGHTS stands in place of what the owner has."""
    acl = getattr(run.request.object.descriptor, "dacl", None)
    for index, ace in enumerate(acl.aces if acl is not None else ()):
        if ace.sid == OWNER_RIGHTS and not ace.flags & INHERIT_ONLY:
            why = "ACE %d is for OWNER RIGHTS, which stands in place of the owner's own rights" % index
            run.step("owner", "owner %s" % who, "goes on", why)
            return True
    return False


def _grant(run: Run, wanted: int, why: str) -> None:
    granted = wanted & run.allowed
    run.by_owner |= granted
    run.granted |= granted
    run.because(granted, Reason(ReasonType.OWNERSHIP))
    run.step("owner", "the descriptor's owner", "grants %s" % run.rights(granted), why)
