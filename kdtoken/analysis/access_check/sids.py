"""Which SIDs of an ACE are the caller's: the token's own list, the restricting SIDs, the package's."""

from typing import FrozenSet, Optional

from kdtoken.analysis.access_check.caller import DENY_ONLY, ENABLED
from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.run import Run
from kdtoken.model.descriptor import ABSENT, NULL, SecurityDescriptor
from kdtoken.model.sid import Sid

OWNER_RIGHTS = Sid(3, (4,))
SELF = Sid(5, (10,))
ALL_PACKAGES = Sid(15, (2, 1))
ALL_RESTRICTED_PACKAGES = Sid(15, (2, 2))


def hidden_owner(run: Run) -> bool:
    """Whether the descriptor has an owner that its source does not show."""
    descriptor = run.request.object.descriptor
    return isinstance(descriptor, SecurityDescriptor) and descriptor.owner is None and descriptor.owner_state != ABSENT


def hidden_sacl(run: Run) -> bool:
    """Whether the descriptor may have ACEs in its SACL that the source does not show."""
    descriptor = run.request.object.descriptor
    if not isinstance(descriptor, SecurityDescriptor):
        return False  # the whole descriptor is asked about elsewhere
    if descriptor.sacl is not None:
        return bool(descriptor.sacl.problem)
    return descriptor.sacl_state not in (ABSENT, NULL)


def owns(run: Run) -> bool:
    """Whether the caller is the owner that the source does not show: asked, and taken as not."""
    return run.answers.ask(Question("owner", "the caller owns the object", OF_THE_OBJECT), False)


def meant(run: Run, sid: Sid) -> Optional[Sid]:
    """Who an ACE's SID stands for: the owner for S-1-3-4, the caller's principal for S-1-5-10, else itself."""
    if sid == OWNER_RIGHTS:
        descriptor = run.request.object.descriptor
        return descriptor.owner if isinstance(descriptor, SecurityDescriptor) else None
    if sid == SELF:
        return run.request.principal_self
    return sid


class TokenSids:
    """The token's own SIDs: allow ACEs match enabled ones, deny ACEs those for deny only too."""

    word = "the token"

    def __init__(self, run: Run) -> None:
        self.run = run

    def allows(self, sid: Sid) -> bool:
        """Whether an allow ACE for the SID is the caller's."""
        state = self.run.caller.sids.get(sid)
        return self._asked(sid) if state is None else state == ENABLED

    def denies(self, sid: Sid) -> bool:
        """Whether a deny ACE for the SID is the caller's."""
        state = self.run.caller.sids.get(sid)
        if state is not None:
            return state >= DENY_ONLY
        caller, answers = self.run.caller, self.run.answers
        asked_before = Question("sid:%s" % sid) in answers.asked  # by an ACE that allows
        if self._asked(sid):
            return True
        if not asked_before:
            return False  # what is for deny only is then as good as enabled to this ACE, and as absent to later ones
        text = "%s is a group of the token for deny only" % sid
        return answers.ask(Question("sid-deny:%s" % sid, text, caller.settle), False)

    def _asked(self, sid: Sid) -> bool:
        caller = self.run.caller
        if not caller.may_have(sid):
            return False
        question = Question("sid:%s" % sid, "%s is an enabled group of the token" % sid, caller.settle)
        return self.run.answers.ask(question, False)

    def state(self, sid: Sid) -> Optional[int]:
        """ENABLED, DENY_ONLY, DISABLED, or None for a SID that the token does not list."""
        return self.run.caller.sids.get(sid)


class RestrictingSids:
    """The restricting SIDs: always enabled, whatever their attributes (LEARN, "Restricted Tokens")."""

    word = "the restricting SIDs"

    def __init__(self, sids: FrozenSet[Sid]) -> None:
        self.sids = sids

    def allows(self, sid: Sid) -> bool:
        """Whether an ACE for the SID counts."""
        return sid in self.sids

    denies = allows

    def state(self, sid: Sid) -> Optional[int]:
        """ENABLED or None."""
        return ENABLED if sid in self.sids else None


def package_matches(run: Run, sid: Sid) -> bool:
    """Whether an ACE speaks for the AppContainer: its package, a capability, or one of the ALL ... PACKAGES groups.

    S-1-15-2-1 leaves out less privileged AppContainers; whether a token is one stands in an attribute that a dump does
    not show, so it may have to be asked.
    """
    caller = run.caller
    if sid == caller.package or sid in caller.capabilities or sid == ALL_RESTRICTED_PACKAGES:
        return True
    if sid == ALL_PACKAGES:
        if caller.lpac is not None:
            return not caller.lpac
        text = "the token is a less privileged AppContainer's (it has the attribute WIN://NOALLAPPPKG)"
        return not run.answers.ask(Question("lpac", text, caller.settle), False)
    if caller.package is None and sid.is_package:
        return run.answers.ask(Question("package:%s" % sid, "%s is the token's package" % sid, caller.settle), False)
    if not caller.capabilities_whole and sid.is_capability:
        return run.answers.ask(
            Question("capability:%s" % sid, "%s is a capability of the token" % sid, caller.settle), False
        )
    return False
