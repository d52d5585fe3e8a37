"""Where one token came from, step by step, as far as its own fields and the machine around it tell.

The facts: the kernel makes its own tokens at its start; LSA makes one for each logon (NtCreateToken: ParentTokenId 0,
a logon session of its own or of a well-known account); NtFilterToken gives a new token that names its source in
ParentTokenId; a duplicate gets a new TokenId and keeps everything else, ModifiedId too; a later adjustment gives
ModifiedId a new LUID.  LUIDs count up from the start of the machine.  Sources: winnt.h and ntifs.h (TOKEN_STATISTICS,
TOKEN_ORIGIN), learn.microsoft.com "Restricted Tokens", ReactOS' ntoskrnl/se, and eight captures of real tokens.
"""

from __future__ import annotations

from enum import Enum
from typing import Dict, List, Optional, Tuple

from kdtoken.frozen import dataclass
from kdtoken.model.absent import Missing
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import TYPE_IMPERSONATION, LogonSession, Token
from kdtoken.model.token_flags import TokenFlags

_SYSTEM_LOGON, _ANONYMOUS_LOGON = 0x3E7, 0x3E6
_BOOT_SOURCE = "*SYSTEM*"
# A token that was just made has its ModifiedId from the same moment; a larger step is an adjustment.
_AT_ONCE = 2


class Kind(Enum):
    """The ways a token is made."""

    BOOT = "boot"
    AUTHENTICATION = "authentication"
    FILTERING = "filtering"
    APP_CONTAINER = "AppContainer"
    DUPLICATION = "duplication"
    ADJUSTMENT = "adjustment"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True)
class Step:
    """One step, the oldest first.  `certain`: the fields leave no other way; else it is the usual reading."""

    kind: Kind
    words: str
    certain: bool = True
    of: Optional[int] = None  # address of the token it was made of, where that one is still there


@dataclass(frozen=True)
class Lineage:
    """A token's steps, and what its fields do not tell."""

    token: Token
    steps: Tuple[Step, ...]
    cannot_tell: Tuple[str, ...] = ()

    @property
    def root(self) -> Kind:
        """How its line began: BOOT, AUTHENTICATION, or UNKNOWN."""
        return self.steps[0].kind if self.steps else Kind.UNKNOWN


class Lineages:
    """Lineages of a snapshot's tokens."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        # Only where every process's token was read can one be said to be gone.
        self._all_read = snapshot.whole and not any(isinstance(row.token, Missing) for row in snapshot.processes)
        self._by_id: Dict[Luid, List[Token]] = {}
        for token in snapshot.tokens():
            if isinstance(token.token_id, Luid):
                self._by_id.setdefault(token.token_id, []).append(token)

    def of(self, token: Token) -> Lineage:
        """The steps that led to this token."""
        unknown: List[str] = []
        steps = [self._root(token, unknown)]
        if not (steps[0].kind is Kind.BOOT and steps[0].certain):
            filtering = self._filtering(token)
            steps += [filtering] if filtering else []
        if token.has_flag(TokenFlags.LOWBOX) or isinstance(token.package, Sid):
            steps.append(
                Step(Kind.APP_CONTAINER, "put into an AppContainer: a package and its capabilities were added")
            )
        steps += self._later(token)
        return Lineage(token, tuple(steps), tuple(unknown))

    def _root(self, token: Token, unknown: List[str]) -> Step:
        boot = self.snapshot.boot
        for address, what in (
            (boot.boot, "the kernel's own token, made at its start (nt!PspBootAccessToken)"),
            (boot.anonymous, "made at the start of the kernel for anonymous logons (nt!SeAnonymousLogonToken)"),
            (boot.anonymous_no_everyone, "made at the start of the kernel (nt!SeAnonymousLogonTokenNoEveryone)"),
        ):
            if isinstance(address, int) and address and address == token.address:
                return Step(Kind.BOOT, what)
        auth, source = token.authentication_id, token.source_name
        if not isinstance(auth, Luid):
            return Step(Kind.UNKNOWN, "its logon session is not known", False)
        ours = isinstance(source, str) and source.rstrip() == _BOOT_SOURCE
        if ours and auth.value == _SYSTEM_LOGON and _origin_of(token) in (0, None):
            return Step(Kind.BOOT, "a line that began with the kernel's own token: its source is *SYSTEM*", False)
        if ours and auth.value == _ANONYMOUS_LOGON:
            return Step(Kind.BOOT, "a line that began with the kernel's anonymous token: its source is *SYSTEM*", False)
        if not isinstance(source, str) and auth.value == _SYSTEM_LOGON:
            return Step(
                Kind.UNKNOWN, "SYSTEM's logon session; whether from the boot or a service logon is not told", False
            )
        unknown.append("the kind of logon (interactive, service, batch, network): no token or logon session keeps it")
        return Step(Kind.AUTHENTICATION, _authentication(token, auth), not ours)

    def _filtering(self, token: Token) -> Optional[Step]:
        """The step that ParentTokenId or the flags tell of."""
        parent = token.parent_token_id
        if not isinstance(parent, Luid):
            return None
        half = ", in the limited half of a UAC pair" if _is_limited(token) else ""
        if parent.value == 0:
            if not token.has_flag(TokenFlags.IS_FILTERED):
                return None
            return Step(Kind.FILTERING, "filtered (IS_FILTERED) out of a token that it does not name" + half)
        kind = "filtered"
        if isinstance(token.restricted_sid_count, int) and token.restricted_sid_count:
            kind = "restricted (it has restricting SIDs)"
        sources = [one for one in self._by_id.get(parent, ()) if one is not token]
        # A copy keeps the number, so it may be the one that this was copied from that was filtered.
        if len(sources) == 1:
            return Step(Kind.FILTERING, "%s out of token %s%s" % (kind, parent, half), True, sources[0].address)
        if sources:
            why = "which several tokens claim to be"
        elif self._all_read:
            why = "which nobody runs under now: it is gone, as is usual, or open by a handle only"
        else:
            why = "which is none of the tokens read here"
        return Step(Kind.FILTERING, "%s out of token %s, %s%s" % (kind, parent, why, half))

    def _later(self, token: Token) -> List[Step]:
        """What the order of TokenId and ModifiedId tells, and a thread's copy."""
        steps: List[Step] = []
        own, modified = token.token_id, token.modified_id
        if isinstance(own, Luid) and isinstance(modified, Luid):
            if modified.value < own.value:
                steps.append(Step(Kind.DUPLICATION, "duplicated, and not adjusted since: ModifiedId is below TokenId"))
            elif modified.value > own.value + _AT_ONCE:
                steps.append(Step(Kind.ADJUSTMENT, "adjusted since it was made: ModifiedId is above TokenId"))
        if token.token_type == TYPE_IMPERSONATION and not any(one.kind is Kind.DUPLICATION for one in steps):
            steps.append(Step(Kind.DUPLICATION, "an impersonation token: a copy for the thread of a server", False))
        return steps


def _origin_of(token: Token) -> Optional[int]:
    """OriginatingLogonSession, None where it is not known."""
    origin = token.originating_logon_session
    return origin.value if isinstance(origin, Luid) else None


def _is_limited(token: Token) -> bool:
    """Whether it is known to be: the flag, and a logon session that names the other half."""
    session = token.logon_session
    if not token.has_flag(TokenFlags.IS_FILTERED) or not isinstance(session, LogonSession):
        return False
    return isinstance(session.buddy_logon_id, Luid) and session.buddy_logon_id.value != 0


def _authentication(token: Token, auth: Luid) -> str:
    words = "logged on: logon session %s" % auth
    if auth.logon_name:
        words += " (%s, shared by all of its logons)" % auth.logon_name
    origin = _origin_of(token)
    if origin is None:
        return words
    if origin == 0:
        return words + ", asked for by nobody with credentials (a network logon, or not told)"
    name = Luid.from_value(origin).logon_name
    return words + ", asked for by logon session %s%s" % (Luid.from_value(origin), " (%s)" % name if name else "")
