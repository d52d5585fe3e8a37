"""What the kernel keeps twice of a token or a process, compared: pure functions of the model.

`faults` are what no kernel brings about by itself; `oddities` are what nothing public explains and a later Windows may
have.  Both are made only of values that were read, and each names the members that it is about: what stands beside them
is not drawn into doubt.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from kdtoken.model.absent import NotAsked, known
from kdtoken.model.group import (
    ATTRIBUTE_NAMES,
    ENABLED,
    INTEGRITY,
    INTEGRITY_ENABLED,
    LOGON_ID,
    USE_FOR_DENY_ONLY,
    Group,
    HalfGroup,
)
from kdtoken.model.integrity import IntegrityLevel
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import LogonSession, SidHash, Token
from kdtoken.model.token_flags import TokenFlags

_NO_LABEL = 0xFFFFFFFF  # IntegrityLevelIndex of a token without a label
_ANONYMOUS = Sid(5, (7,))
_NAMED = sum(value for value, _ in ATTRIBUTE_NAMES)
# What nearly all entries have: nothing in them contradicts anything.
_PLAIN = frozenset((0, 4, 7, 0xE, 0xF, USE_FOR_DENY_ONLY))
_ID_STEP = 4  # ids of processes and threads are handles of one table, and a handle's two low bits mean nothing
_SHORT_NAME = 14  # letters of ImageFileName that every build keeps: a byte each of 15, the last of them NUL in some


def integrity_level(token: Token) -> Optional[int]:
    """The label's level (0x2000 is Medium); None when not known or the token has none."""
    index, groups = token.integrity_level_index, token.user_and_groups
    # What Token.integrity does, without the words for what is wrong: each rule asks it of every token.
    if not isinstance(index, int) or not isinstance(groups, tuple) or index >= len(groups):
        return None
    entry = groups[index]
    if isinstance(entry, HalfGroup):
        return None if entry.label is None else entry.label.subauthorities[0]
    return entry.sid.subauthorities[0] if isinstance(entry, Group) and entry.sid.is_integrity_label else None


def faults(token: Token) -> List[str]:
    """Members that the kernel keeps in step; where they are not, somebody wrote into the token, or memory is damaged."""
    return [
        *_label(token),
        *_session(token),
        *flag_faults(token),
        *_sids(token),
        *_ranges(token),
    ]


def hash_faults(token: Token) -> List[str]:
    """The hash of a list of SIDs that is of another list: the kernel keeps count and address of its list there.

    The bits of the hash are left alone: nothing public shows on a real token how they follow the groups.
    """
    found = []
    for name, hashed, count in (
        ("SidHash", token.sid_hash, token.user_and_group_count),
        ("RestrictedSidHash", token.restricted_sid_hash, token.restricted_sid_count),
        ("CapabilitiesHash", token.capabilities_hash, token.capability_count),
    ):
        if not isinstance(hashed, SidHash) or not isinstance(count, int) or (count == 0 and hashed.count == 0):
            continue
        if hashed.count != count:
            found.append("%s.SidCount is %d, the list has %d" % (name, hashed.count, count))
        if hashed.list_at is not None and hashed.sid_attr != hashed.list_at:
            found.append("%s.SidAttr is 0x%x, the list is at 0x%x" % (name, hashed.sid_attr, hashed.list_at))
    return found


def not_low_denied(token: Token) -> bool:
    """Whether the label says another thing than TokenFlags.NOT_LOW does; not where one of them is not known."""
    level, not_low = integrity_level(token), token.has_flag(TokenFlags.NOT_LOW)
    if level is None or not_low is None:
        return False
    # Between Low and Medium lie levels of which nobody tells what the flag should be.
    return level <= IntegrityLevel.LOW if not_low else level >= IntegrityLevel.MEDIUM


def _label(token: Token) -> Iterator[str]:
    level = integrity_level(token)
    if level is not None and not_low_denied(token):
        yield "TokenFlags %s NOT_LOW, but the label is 0x%x" % (
            "has" if token.has_flag(TokenFlags.NOT_LOW) else "lacks",
            level,
        )
    separate = token.integrity_level_sid_value
    if isinstance(separate, Sid) and known(token.integrity) and separate != token.integrity:
        yield "IntegrityLevelSidValue is %s, but the label is %s" % (separate, token.integrity)


def _session(token: Token) -> Iterator[str]:
    session = token.logon_session
    if isinstance(session, LogonSession) and known(session.logon_id) and known(token.authentication_id):
        if session.logon_id != token.authentication_id:
            yield (
                "its LogonSession is that of %s, but its AuthenticationId is %s: the account's name is not to be believed"
                % (session.logon_id, token.authentication_id)
            )
    if isinstance(session, LogonSession) and isinstance(session.token, int) and session.token:
        # Of a 64-bit kernel, as token_parts.no_pointers has it: objects are blocks of pool, in the highest half.
        wide = session.address >= 1 << 32
        if session.token < (0xFF << 56 if wide else 1 << 31) or session.token % (8 if wide else 4):
            yield "its LogonSession's Token is 0x%x, which is no address of the kernel's" % session.token


def flag_faults(token: Token) -> Iterator[str]:
    """TokenFlags and attributes that say one thing where what they are about says another."""
    lowbox, package = token.has_flag(TokenFlags.LOWBOX), token.package
    if lowbox is True and package is None:
        yield "TokenFlags has LOWBOX, but there is no package"
    if lowbox is False and isinstance(package, (Sid, NotAsked)):  # NotAsked: there, and not followed
        yield "there is a package, but TokenFlags lacks LOWBOX"
    restricted, count = token.has_flag(TokenFlags.IS_RESTRICTED), token.restricted_sid_count
    if restricted is True and count == 0:
        yield "TokenFlags has IS_RESTRICTED, but RestrictedSidCount is 0"
    if restricted is False and isinstance(count, int) and count:
        yield "RestrictedSidCount is %d, but TokenFlags lacks IS_RESTRICTED" % count
    yield from _attributes(token)


def _sids(token: Token) -> Iterator[str]:
    """SIDs that can only be of one kind.

    winnt.h SECURITY_APP_PACKAGE_AUTHORITY with SECURITY_APP_PACKAGE_BASE_RID, and SECURITY_PROCESS_TRUST_AUTHORITY.
    """
    if isinstance(token.package, Sid) and (token.package.authority, token.package.subauthorities[:1]) != (15, (2,)):
        yield "Package is %s, which is no package's SID" % token.package
    if isinstance(token.trust_level_sid, Sid) and token.trust_level_sid.authority != 19:
        yield "TrustLevelSid is %s, which is no trust label" % token.trust_level_sid


def _primary_group(token: Token) -> Iterator[str]:
    """TOKEN_PRIMARY_GROUP on learn.microsoft.com: "The SID must be one of the group SIDs already in the token".

    An open kernel refuses to make a token otherwise (STATUS_INVALID_PRIMARY_GROUP); so it is in 24 published outputs of
    !token, the user's own SID among them.  Of an anonymous token none was published.
    """
    groups, group = token.user_and_groups, token.primary_group
    if not isinstance(group, Sid) or not isinstance(groups, tuple) or len(groups) != token.user_and_group_count:
        return
    sids = [one.sid for one in groups if isinstance(one, Group)]
    if len(sids) == len(groups) and group not in sids and sids[:1] != [_ANONYMOUS]:
        yield "PrimaryGroup is %s, which is none of its SIDs" % group


def _entries(token: Token) -> Iterator[Tuple[str, int, Group]]:
    for name, listed in (
        ("UserAndGroups", token.user_and_groups),
        ("RestrictedSids", token.restricted_sids),
        ("Capabilities", token.capabilities),
    ):
        if isinstance(listed, tuple):
            for at, one in enumerate(listed):
                if isinstance(one, Group) and one.attributes not in _PLAIN:
                    yield name, at, one


def _attributes(token: Token) -> Iterator[str]:
    """SE_GROUP_* attributes that exclude each other, or the SID that they are of.

    Source: "TOKEN_GROUPS structure" on learn.microsoft.com: with USE_FOR_DENY_ONLY, ENABLED is not set; INTEGRITY is a
    mandatory integrity SID's, LOGON_ID a logon SID's.
    """
    for name, at, one in _entries(token):
        bits, where = one.attributes, "%s: entry %d (%s)" % (name, at, one.sid)
        if bits & USE_FOR_DENY_ONLY and bits & ENABLED:
            yield "%s is enabled and for deny only" % where
        if bits & (INTEGRITY | INTEGRITY_ENABLED) and not one.sid.is_integrity_label:
            yield "%s has the attribute of an integrity label, and is none" % where
        if bits & LOGON_ID == LOGON_ID and (one.sid.authority, one.sid.subauthorities[:1]) != (5, (5,)):
            yield "%s has the attribute LogonId, and is no logon's SID" % where


def _ids(token: Token) -> Iterator[str]:
    """LUIDs count up, and the logon and the token that a token is made of were there before it.

    Source: ExAllocateLocallyUniqueId of an open kernel counts up; so in 11 published outputs of !token.  ModifiedId
    is no such id: a duplicate gets a TokenId of its own and keeps the older ModifiedId (five of these outputs).
    """
    own = token.token_id
    if not isinstance(own, Luid):
        return
    for name, other in (("AuthenticationId", token.authentication_id), ("ParentTokenId", token.parent_token_id)):
        if isinstance(other, Luid) and other.value > own.value:
            yield "%s %s is newer than its TokenId %s" % (name, other, own)


def _ranges(token: Token) -> Iterator[str]:
    """Numbers of which there are few: winnt.h TOKEN_TYPE, SECURITY_IMPERSONATION_LEVEL, BOOLEAN, TOKEN_STATISTICS."""
    for name, value, allowed in (
        ("TokenType", token.token_type, (1, 2)),
        ("ImpersonationLevel", token.impersonation_level, (0, 1, 2, 3)),
        ("TokenInUse", token.in_use, (0, 1)),
    ):
        if isinstance(value, int) and value not in allowed:
            yield "%s is %d, which means nothing" % (name, value)
    charged, free = token.dynamic_charged, token.dynamic_available
    if isinstance(charged, int) and isinstance(free, int) and free > charged:
        yield "DynamicAvailable is %d, more than the %d bytes of DynamicCharged" % (free, charged)


def oddities(token: Token) -> List[str]:
    """Bits that no header names, and what is as documents say on all tokens that were published, and need not be."""
    found = [*_primary_group(token), *_ids(token)]
    for name, at, one in _entries(token):
        # Of LogonId's two bits one alone means nothing.
        lone = one.attributes & LOGON_ID if one.attributes & LOGON_ID != LOGON_ID else 0
        if name == "UserAndGroups" and one.attributes & INTEGRITY and one.sid.is_integrity_label:
            if token.integrity_level_index == _NO_LABEL:
                found.append("IntegrityLevelIndex says that it has no label, and entry %d is %s" % (at, one.sid))
        nameless = one.attributes & ~_NAMED | lone
        if nameless:
            found.append("%s: entry %d (%s) has attributes without a name: 0x%x" % (name, at, one.sid, nameless))
    policy = token.mandatory_policy
    if isinstance(policy, int) and policy & ~3:  # winnt.h TOKEN_MANDATORY_POLICY_VALID_MASK
        found.append("MandatoryPolicy has bits without a name: 0x%x" % (policy & ~3))
    return found


def process_oddities(dump: ProcessDump) -> List[str]:
    """Of a process: its name kept twice, and ids that are no ids, or two threads'.

    Both names are made of the image's file when the process is; ImageFileName keeps a byte a letter.
    """
    found = []
    path, name = dump.image_path, dump.process.image_name
    if isinstance(path, str) and isinstance(name, str) and name and not _same_name(path, name):
        found.append(
            "the kernel keeps its name twice, and they differ: ImageFileName is %s, its path %s" % (name, path)
        )
    parent = dump.process.parent_pid
    if isinstance(parent, int) and parent % _ID_STEP:
        found.append("its parent's id %d is no multiple of four, as ids are" % parent)
    found += _pair_names(dump)
    seen: Dict[int, int] = {}
    for thread in dump.threads:
        if not isinstance(thread.tid, int):
            continue
        if thread.tid % _ID_STEP:
            found.append("thread id %d is no multiple of four, as ids are" % thread.tid)
        if thread.tid in seen:
            found.append(
                "thread id %d is that of two threads, at 0x%x and 0x%x" % (thread.tid, seen[thread.tid], thread.address)
            )
        seen[thread.tid] = thread.address
    return found


def _pair_names(dump: ProcessDump) -> Iterator[str]:
    """Both halves of a UAC pair come of one logon, whose account's name each one's session keeps."""
    one, other = dump.token, dump.linked
    if not isinstance(one, Token) or not isinstance(other, Token) or one.user != other.user:
        return
    mine, theirs = _account(one), _account(other)
    if mine and theirs and mine.lower() != theirs.lower():
        yield "the halves of its pair are one user's, and one's session calls it %s, the other's %s" % (mine, theirs)


def _account(token: Token) -> str:
    session = token.logon_session
    if not isinstance(session, LogonSession) or not known(session.logon_id):
        return ""
    if session.logon_id != token.authentication_id:
        return ""  # it is another's, which is said
    names = session.authority_name, session.account_name
    return "\\".join(name for name in names if isinstance(name, str)) if all(isinstance(n, str) for n in names) else ""


def _same_name(path: str, name: str) -> bool:
    last = path.replace("/", "\\").rpartition("\\")[2]
    short, both = last[:_SHORT_NAME], name[:_SHORT_NAME]
    if not last or "\\" in name or not short.isascii():
        return True  # one of them cannot be said in the other's letters
    return short.lower() == both.lower()
