"""Rules about values inside a token that the kernel keeps in step with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Sequence, Tuple

from kdtoken.analysis.audit.finding import Evidence, Finding, Rule, Severity, image_of, name_of
from kdtoken.analysis.audit.scene import Scene
from kdtoken.analysis.consistency import flag_faults, hash_faults, integrity_level, not_low_denied
from kdtoken.model.group import OWNER, Group
from kdtoken.model.integrity import integrity_text
from kdtoken.model.process import Impersonation, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Look, token_address
from kdtoken.model.token import SidHash, Token
from kdtoken.model.token_flags import TokenFlags

if TYPE_CHECKING:
    from kdtoken.analysis.differences.comparison import Comparison

_NO_LABEL = 0xFFFFFFFF  # IntegrityLevelIndex of a token without a label
# ntifs.h: SE_MIN_WELL_KNOWN_PRIVILEGE is 2; no header names a privilege above 36.
_LEAST, _MOST = 2, 36


def holder(token: Token, users: Sequence[ProcessDump]) -> Tuple[str, str]:
    """Who has the token, for people and for a key."""
    if not users:
        return "token 0x%x" % token.address, "no process"
    more = " and %d more" % (len(users) - 1) if len(users) > 1 else ""
    return "token of %s%s%s" % (_threads(token, users[0]), name_of(users[0]), more), image_of(users[0])


def _threads(token: Token, user: ProcessDump) -> str:
    """ "thread 120 of ", where the process has the token only by threads that impersonate; empty where it runs on it."""
    if token_address(user) == token.address:
        return ""
    tids = [
        "%s" % thread.tid
        for thread in user.threads
        if isinstance(thread.impersonation, Impersonation) and thread.impersonation.token == token.address
    ]
    more = " and %d more" % (len(tids) - 1) if len(tids) > 1 else ""
    return "thread %s%s of " % (tids[0], more) if tids else ""


def bearer(token: Token, users: Sequence[ProcessDump]) -> str:
    """The process or thread that runs under the token, for people; the token itself where none is known."""
    return _threads(token, users[0]) + name_of(users[0]) if users else "token 0x%x" % token.address


def token_fact(token: Token, users: Sequence[ProcessDump]) -> Evidence:
    """The token as evidence, with whose it is."""
    whose = "token of " + bearer(token, users) if users else "token"
    return Evidence(whose, "0x%x" % token.address, token.address, "token")


def _finding(
    rule: str, severity: Severity, token: Token, users: Tuple[ProcessDump, ...], saw: str, facts: Sequence[Evidence]
) -> Finding:
    who, key = holder(token, users)
    evidence = (Evidence("token", "0x%x" % token.address, token.address, "token"), *facts)
    return Finding(rule, severity, "%s: %s" % (who, saw), evidence, users, (token.address,), key)


def at(token: Token, field: str) -> int:
    """Address of a field, where it is known from which bytes it was read; 0 else."""
    origin = token.origins.get(field)
    return origin.address if origin else 0


def enabled_not_present(scene: Scene) -> Iterator[Finding]:
    """Privileges enabled that are not held."""
    for token, users in scene.tokens_of(_ghosts):
        ghosts = _ghosts(token)
        words = ", ".join(ghosts[:6]) + (" and %d more" % (len(ghosts) - 6) if len(ghosts) > 6 else "")
        fact = Evidence("Privileges.Enabled without Privileges.Present", words, at(token, "privileges"))
        saw = "privileges are enabled that it does not hold: %s" % words
        yield _finding(GHOSTS.id, Severity.IMPOSSIBLE, token, users, saw, [fact])


def _ghosts(token: Token) -> List[str]:
    privileges = token.privileges
    return [p.name for p in privileges if p.enabled and not p.present] if isinstance(privileges, tuple) else []


def nameless_privileges(scene: Scene) -> Iterator[Finding]:
    """Bits of the privilege masks that stand for no privilege."""
    for token, users in scene.tokens_of(_nameless):
        odd = _nameless(token)
        words = ", ".join("%d" % number for number in odd[:8]) + (" ..." if len(odd) > 8 else "")
        severity = Severity.IMPOSSIBLE if min(odd) < _LEAST else Severity.UNUSUAL
        fact = Evidence("bits without a privilege", words, at(token, "privileges"))
        yield _finding(
            NAMELESS.id, severity, token, users, "bits are set that stand for no privilege: %s" % words, [fact]
        )


def _nameless(token: Token) -> List[int]:
    privileges = token.privileges if isinstance(token.privileges, tuple) else ()
    return [p.number for p in privileges if (p.present or p.enabled) and not _LEAST <= p.number <= _MOST]


def _compared(before: Look, after: Look) -> Comparison:
    from kdtoken.analysis.differences.comparison import Kind, View
    from kdtoken.analysis.differences.fields import compare

    def view(look: Look) -> View:
        kind = Kind.TOKEN_COMMAND if look.printed else Kind.KERNEL
        return View(look.token, kind, look.where, look.incomplete, look.listed)

    return compare(view(before), view(after))


def traceless_change(scene: Scene) -> Iterator[Finding]:
    """One token seen twice, changed, with the same ModifiedId."""
    if not scene.snapshot.captures:
        return
    from kdtoken.analysis.differences.fields import TRACELESS  # a machine that was looked at once has no two to compare

    for looks in scene.snapshot.captures.values():
        for before, after in zip(looks, looks[1:]):
            # Ids begin again with each start of a machine; the logon that a token is of hardly agrees by chance.
            if before.token.authentication_id != after.token.authentication_id:
                continue
            compared = _compared(before, after)
            if not any(row.name == TRACELESS for row in compared.rows):
                continue
            changed = [row.shown for row in compared.rows if row.outcome.name == "DIFFERS" and row.name != TRACELESS]
            words = ", ".join(changed[:6]) + (" and %d more" % (len(changed) - 6) if len(changed) > 6 else "")
            facts = [
                Evidence("changed", words),
                Evidence("ModifiedId, before and after", str(after.token.modified_id), at(after.token, "modified_id")),
                Evidence("seen at", ", ".join(one.where for one in (before, after) if one.where) or "two moments"),
            ]
            saw = "seen twice, it had changed and its ModifiedId had not: %s" % words
            users = scene.users(after.token)
            yield _finding(TRACELESS_RULE.id, Severity.IMPOSSIBLE, after.token, users, saw, facts)
            break


def label(scene: Scene) -> Iterator[Finding]:
    """The entry that IntegrityLevelIndex names is no integrity label, or the default owner cannot be one."""
    for token, users in scene.tokens_of(_index_faults):
        for saw, what, value, field in _index_faults(token):
            fact = Evidence(what, value, at(token, field))
            yield _finding(LABEL.id, Severity.IMPOSSIBLE, token, users, saw, [fact])


def _index_faults(token: Token) -> List[Tuple[str, str, str, str]]:
    groups = token.user_and_groups
    if not isinstance(groups, tuple) or not groups:
        return []
    return _label_faults(token, groups) + _owner_faults(token, groups)


def _label_faults(token: Token, groups: Tuple[object, ...]) -> List[Tuple[str, str, str, str]]:
    index, field = token.integrity_level_index, "integrity_level_index"
    if not isinstance(index, int) or index == _NO_LABEL:
        return []
    if index >= len(groups):
        return [
            (
                "IntegrityLevelIndex points past its groups",
                "IntegrityLevelIndex",
                "%d of %d" % (index, len(groups)),
                field,
            )
        ]
    entry = groups[index]
    if not isinstance(entry, Group):
        return []
    if not entry.sid.is_integrity_label:
        return [("its integrity label is %s, which is none" % entry.sid, "entry %d" % index, str(entry.sid), field)]
    if not entry.is_integrity:
        words = " ".join(entry.words) or "none"
        return [("its integrity label lacks the attribute Integrity", "attributes of %s" % entry.sid, words, field)]
    return []


def _owner_faults(token: Token, groups: Tuple[object, ...]) -> List[Tuple[str, str, str, str]]:
    index, field = token.default_owner_index, "default_owner_index"
    if not isinstance(index, int) or index == 0:
        return []
    if index >= len(groups):
        return [
            ("DefaultOwnerIndex points past its groups", "DefaultOwnerIndex", "%d of %d" % (index, len(groups)), field)
        ]
    entry = groups[index]
    if isinstance(entry, Group) and not entry.attributes & OWNER:
        return [
            ("its default owner %s is not allowed as one" % entry.sid, "entry %d" % index, " ".join(entry.words), field)
        ]
    return []


def sid_hash(scene: Scene) -> Iterator[Finding]:
    """The hash of a list of SIDs belongs to another list."""
    for token in scene.tokens():
        for fault in hash_faults(token):
            fact = Evidence(fault.partition(".")[0], fault, at(token, "user_and_groups") or token.address)
            yield _finding(HASH.id, Severity.IMPOSSIBLE, token, scene.users(token), fault, [fact])


def sid_hash_bits(scene: Scene) -> Iterator[Finding]:
    """The bits of SidHash are not those of the groups; by an algorithm that no real token has confirmed yet."""
    for token in scene.tokens():
        hashed, groups = token.sid_hash, token.user_and_groups
        if not isinstance(hashed, SidHash) or not isinstance(groups, tuple):
            continue
        entries = [one for one in groups if isinstance(one, Group)]
        if len(entries) != len(groups):
            continue
        words = [0] * 32
        # Public: an open ntdll's RtlSidHashInitialize. 64 bits a word, 32 on x86, of which the upper half is 0.
        for number, entry in enumerate(entries[:64]):
            low = (entry.sid.subauthorities[-1] if entry.sid.subauthorities else 0) & 0xFF
            words[low & 15] |= 1 << number
            words[16 + (low >> 4)] |= 1 << number
        if tuple(words) != hashed.words and tuple(word & 0xFFFFFFFF for word in words) != hashed.words:
            fact = Evidence("SidHash.Hash", "does not fit", at(token, "sid_hash"))
            saw = "the bits of SidHash do not fit its groups"
            yield _finding(BITS.id, Severity.INFORMATION, token, scene.users(token), saw, [fact])


def mandatory_policy(scene: Scene) -> Iterator[Finding]:
    """TOKEN_MANDATORY_POLICY without NO_WRITE_UP."""
    for token, users in scene.tokens_of(lambda one: one.is_primary is True and not _policy(one) & 1):
        fact = Evidence("MandatoryPolicy", "0x%x" % _policy(token), at(token, "mandatory_policy"))
        saw = "mandatory integrity is off for it: its policy lacks NO_WRITE_UP"
        yield _finding(POLICY.id, Severity.UNUSUAL, token, users, saw, [fact])


def _policy(token: Token) -> int:
    """MandatoryPolicy; NO_WRITE_UP where it is not known."""
    return token.mandatory_policy if isinstance(token.mandatory_policy, int) else 1


def label_and_flags(scene: Scene) -> Iterator[Finding]:
    """TokenFlags.NOT_LOW, or IntegrityLevelSidValue, and the label say two things."""
    # A Windows 7 was seen that does not set NOT_LOW at all: where nobody has it, nobody lacks it.
    in_use = any(True for _ in scene.tokens_of(lambda token: token.has_flag(TokenFlags.NOT_LOW)))

    def fits_not(token: Token) -> bool:
        return not_low_denied(token) and (in_use or token.has_flag(TokenFlags.NOT_LOW) is True)

    def judge(token: Token) -> bool:
        separate = token.integrity_level_sid_value
        return fits_not(token) or isinstance(separate, Sid) and separate != token.integrity

    for token, users in scene.tokens_of(judge):
        value = integrity_level(token)
        if value is None:
            continue
        if fits_not(token):
            words = "%s NOT_LOW" % ("has" if token.has_flag(TokenFlags.NOT_LOW) else "lacks")
            facts = [
                Evidence("TokenFlags", words, at(token, "flags")),
                Evidence("integrity level", "0x%x" % value, at(token, "integrity_level_index")),
            ]
            saw = "TokenFlags %s, and its label is %s" % (words, integrity_text(value))
            yield _finding(LABEL_FLAGS.id, Severity.UNUSUAL, token, users, saw, facts)
        separate = token.integrity_level_sid_value
        if isinstance(separate, Sid) and separate != token.integrity:
            fact = Evidence("IntegrityLevelSidValue", str(separate), at(token, "integrity_level_sid_value"))
            saw = "IntegrityLevelSidValue is %s, its label %s" % (separate, token.integrity)
            yield _finding(LABEL_FLAGS.id, Severity.UNUSUAL, token, users, saw, [fact])


def members_and_flags(scene: Scene) -> Iterator[Finding]:
    """TokenFlags say confined and the members do not, or the other way round; attributes that exclude each other."""
    for token, users in scene.tokens_of(lambda one: list(flag_faults(one))):
        for saw in flag_faults(token):
            flags = "0x%x" % token.flags if isinstance(token.flags, int) else "?"
            yield _finding(
                MEMBERS.id, Severity.UNUSUAL, token, users, saw, [Evidence("TokenFlags", flags, at(token, "flags"))]
            )


GHOSTS = Rule(
    "enabled-not-present",
    Severity.IMPOSSIBLE,
    "privileges enabled that are not held",
    "AdjustTokenPrivileges enables what is present only; a write to Enabled alone is a well-known exploit.",
    (),
    "learn.microsoft.com AdjustTokenPrivileges; Volatility 2's privs --silent",
    enabled_not_present,
)
NAMELESS = Rule(
    "nameless-privileges",
    Severity.IMPOSSIBLE,
    "privilege bits that stand for no privilege",
    "Filling the masks with ones is a well-known exploit. Numbers 0 and 1 have never been privileges (!!).",
    ("a later Windows may have a privilege above 36 (! only)",),
    "ntifs.h SE_MIN_WELL_KNOWN_PRIVILEGE; wdm.h SE_*_PRIVILEGE",
    nameless_privileges,
)
TRACELESS_RULE = Rule(
    "traceless-change",
    Severity.IMPOSSIBLE,
    "one token, seen twice, changed without a new ModifiedId",
    "Every documented change of a token gives it a new ModifiedId.",
    ("another token with the same ids: only of two machines, or two starts of one",),
    "ntifs.h TOKEN_STATISTICS.ModifiedId; ReactOS allocates a new LUID on each adjustment; a public before/after capture",
    traceless_change,
)
LABEL = Rule(
    "label-entry",
    Severity.IMPOSSIBLE,
    "the integrity label or the default owner is no such entry",
    "The kernel finds the label by IntegrityLevelIndex and the owner by DefaultOwnerIndex; it sets both itself.",
    ("a token without a label has the index 0xffffffff (left out here)",),
    "_TOKEN of public symbols; winnt.h SE_GROUP_INTEGRITY, SE_GROUP_OWNER; [MS-DTYP] 2.4.2.4",
    label,
)
LABEL_FLAGS = Rule(
    "label-and-flags",
    Severity.UNUSUAL,
    "the integrity label does not fit TokenFlags",
    "The kernel sets NOT_LOW by the label whenever it sets the label; a label rewritten in place leaves the flag.",
    (
        "levels between Low and Medium, of which nobody tells (left out here)",
        "a build that does not set the flag at all (left out here)",
    ),
    "TOKEN_NOT_LOW of public type headers; captures of tokens at six levels",
    label_and_flags,
)
HASH = Rule(
    "sid-hash",
    Severity.IMPOSSIBLE,
    "the SID hash belongs to another list",
    "The kernel makes the hash of a list when it makes the list, and keeps its count and its address there.",
    ("an image taken while the machine ran may be torn inside a token",),
    "winnt.h SID_AND_ATTRIBUTES_HASH; _TOKEN of public symbols",
    sid_hash,
)
BITS = Rule(
    "sid-hash-bits",
    Severity.INFORMATION,
    "the bits of the SID hash do not fit the groups",
    "The bits are made of the last byte of each SID. Not proven on a real token yet, so it says no more than that.",
    ("the algorithm may be another in your build",),
    "an open implementation of ntdll's RtlSidHashInitialize",
    sid_hash_bits,
    extra=True,
)
POLICY = Rule(
    "integrity-off",
    Severity.UNUSUAL,
    "mandatory integrity is off for a token",
    "Without NO_WRITE_UP no label stops this token, neither writing nor reading up.",
    ("none is documented: LSA sets the policy when it makes the token, and nothing documented takes it away",),
    "winnt.h TOKEN_MANDATORY_POLICY_*; [MS-DTYP] 2.5.3.3; System Informer lists it as dangerous",
    mandatory_policy,
)
MEMBERS = Rule(
    "flags-and-members",
    Severity.UNUSUAL,
    "flags and attributes that do not fit what they are about",
    "LOWBOX goes with a package, IS_RESTRICTED with restricting SIDs, and no group is both enabled and for deny only; a "
    "confined token that was opened by a write to the one still has the other.",
    ("an image taken while the machine ran may be torn inside a token",),
    "ntifs.h TOKEN_IS_RESTRICTED, TOKEN_LOWBOX; learn.microsoft.com TOKEN_GROUPS; ReactOS sets flag and list together",
    members_and_flags,
)
RULES = (GHOSTS, NAMELESS, TRACELESS_RULE, LABEL, LABEL_FLAGS, MEMBERS, HASH, POLICY, BITS)
