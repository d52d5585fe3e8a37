"""The caller's side of an access check: what of a token the check looks at, and what of it is not known."""

from dataclasses import dataclass, field, replace
from typing import Dict, FrozenSet, Iterable, Mapping, Optional, Tuple

from kdtoken.model.absent import Absent, Maybe, Missing
from kdtoken.model.group import ENABLED as SE_GROUP_ENABLED
from kdtoken.model.group import USE_FOR_DENY_ONLY, Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import TYPE_IMPERSONATION, Token
from kdtoken.model.token_flags import TokenFlags

# How a SID of the token counts: enabled for allow and deny ACEs, for deny ones only, for neither.
ENABLED, DENY_ONLY, DISABLED = 2, 1, 0
STATE_WORDS = {ENABLED: "enabled", DENY_ONLY: "for deny only", DISABLED: "disabled"}
ANONYMOUS_LEVEL, IDENTIFICATION_LEVEL, IMPERSONATION_LEVEL, DELEGATION_LEVEL = 0, 1, 2, 3

NO_WRITE_UP = 0x1  # winnt.h TOKEN_MANDATORY_POLICY_NO_WRITE_UP
LOW, MEDIUM = 0x1000, 0x2000
UNTRUSTED = 0


@dataclass(frozen=True)
class Caller:
    """Who asks.

    name              what to call it: "notepad.exe (1120)"
    user, sids        the user, and every SID (the user too) -> ENABLED, DENY_ONLY or DISABLED
    sids_whole        False where groups may be missing from `sids`
    restricting       the restricting SIDs; empty for a token that is not restricted, None where not all are known
    integrity         the label's level, None where it is not known
    policy            TOKEN_MANDATORY_POLICY; None where it is not known, 0 where the system has none
    privileges        name -> whether it is enabled; held ones only, None where they are not known
    package           the AppContainer's SID; container None where it is not known whether there is one
    lpac              less privileged AppContainer, None where that cannot be known
    trust             S-1-19-TYPE-LEVEL of the token, with trust_known
    level             impersonation level, None for a primary token
    protection        _PS_PROTECTION.Level of the caller's process, None where it is not known
    claims            "User", "Device", "Local" -> name -> Values; a space that is missing cannot be known
    device_sids       the device's groups; None where they cannot be known
    settle            the command that would tell what is not known here
    of_whoami         told by whoami, which lists neither the logon SID nor the primary group
    """

    name: str
    user: Optional[Sid]
    sids: Mapping[Sid, int]
    sids_whole: bool = True
    restricting: Optional[FrozenSet[Sid]] = frozenset()
    write_restricted: Optional[bool] = False
    integrity: Optional[int] = MEDIUM
    policy: Optional[int] = 3
    privileges: Optional[Mapping[str, bool]] = field(default_factory=dict)
    container: Optional[bool] = False
    package: Optional[Sid] = None
    capabilities: FrozenSet[Sid] = frozenset()
    capabilities_whole: bool = True
    lpac: Optional[bool] = None
    trust: Optional[Sid] = None
    trust_known: bool = True
    level: Optional[int] = None
    protection: Optional[int] = 0
    claims: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    device_sids: Optional[FrozenSet[Sid]] = None
    kernel_mode: bool = False
    settle: str = "kdtoken collect"
    of_whoami: bool = False

    def may_have(self, sid: Sid) -> bool:
        """Whether a SID that is not in `sids` may be in the token all the same, since its source does not show it."""
        if not self.sids_whole:
            return True
        if not self.of_whoami:
            return False
        user = self.user
        primary = sid.is_domain_relative and sid.rid == 513 and user is not None
        return sid.is_logon_sid or (
            primary and user is not None and sid.subauthorities[:-1] == user.subauthorities[:-1]
        )

    def with_privilege(self, name: str) -> "Caller":
        """The same caller with a privilege enabled."""
        return replace(self, privileges={**(self.privileges or {}), name: True})

    def with_sid(self, sid: Sid, state: int) -> "Caller":
        """The same caller with a SID in another state."""
        return replace(self, sids={**self.sids, sid: state})


def caller_of(
    token: Token,
    name: str,
    level: Optional[int] = None,
    protection: Maybe[int] = 0,
    groups: Optional[Tuple[Iterable[Tuple[Sid, Optional[int]]], bool]] = None,
    settle: str = "kdtoken collect",
) -> Caller:
    """A token as a caller.

    level       the impersonation level that the thread has it at, None for the process's own token
    protection  _PS_PROTECTION.Level of the process
    groups      (SIDs with their attributes, whether they are all), instead of the token's own list
    settle      the command to name for what is not known
    """
    sids, whole, user = _sids(token.user_and_groups)
    restricting, restricting_whole, _ = _sids(token.restricted_sids)
    capabilities, capabilities_whole, _ = _sids(token.capabilities)
    container, package = _container(token)
    integrity = token.integrity
    known_level = integrity.subauthorities[0] if isinstance(integrity, Sid) and integrity.subauthorities else None
    if integrity is None:
        known_level = UNTRUSTED  # a token with no label is below every label
    policy = token.mandatory_policy
    if container is None and known_level is not None and known_level > LOW:
        container = False  # an AppContainer's level is Low (LEARN, "Launch an AppContainer")
    if level is None and token.token_type == TYPE_IMPERSONATION and isinstance(token.impersonation_level, int):
        level = token.impersonation_level
    trust = token.trust_level_sid
    return Caller(
        name,
        user,
        sids,
        whole,
        frozenset(restricting) if restricting_whole or _none_restricting(token) else None,
        token.has_flag(TokenFlags.WRITE_RESTRICTED),
        known_level,
        0 if isinstance(policy, Absent) else (None if isinstance(policy, Missing) else policy),
        _privileges(token.privileges),
        container,
        package,
        frozenset(capabilities),
        capabilities_whole or not container,
        None,
        trust if isinstance(trust, Sid) else None,
        trust is None or isinstance(trust, (Sid, Absent)),
        level,
        protection if isinstance(protection, int) else (0 if isinstance(protection, Absent) else None),
        settle=settle,
    )


def _sids(entries: Maybe[Tuple[Maybe[Group], ...]]) -> Tuple[Dict[Sid, int], bool, Optional[Sid]]:
    """SID -> state of a token's list, whether the list is whole, and its first SID (the user of a list of groups)."""
    if isinstance(entries, Missing):
        return {}, isinstance(entries, Absent), None
    found: Dict[Sid, int] = {}
    whole, user = True, None
    for index, entry in enumerate(entries):
        if isinstance(entry, Missing):
            whole = False
            continue
        attributes = entry.attributes
        if attributes & USE_FOR_DENY_ONLY:
            state = DENY_ONLY
        else:
            state = ENABLED if index == 0 or attributes & SE_GROUP_ENABLED else DISABLED
        if index == 0:
            user = entry.sid
        found[entry.sid] = max(state, found.get(entry.sid, DISABLED))
    return found, whole, user


def _none_restricting(token: Token) -> bool:
    return token.restricted_sid_count == 0 or isinstance(token.restricted_sids, Absent)


def _container(token: Token) -> Tuple[Optional[bool], Optional[Sid]]:
    package, flag = token.package, token.has_flag(TokenFlags.LOWBOX)
    if isinstance(package, Sid):
        return True, package
    if flag is not None:
        return flag, None
    if package is None or isinstance(package, Absent):
        return False, None
    return None, None


def _privileges(held: Maybe[Tuple[Privilege, ...]]) -> Optional[Dict[str, bool]]:
    if isinstance(held, Missing):
        return None
    return {one.name: one.enabled for one in held if one.present}
