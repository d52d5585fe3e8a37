"""Rules about ids and flags: sources, logon sessions, the order of TokenIds, PrimaryTokenFrozen, the type."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Dict, Iterator, List, Optional, Tuple

from kdtoken.analysis.audit.finding import (
    Evidence,
    Finding,
    Rule,
    Severity,
    image_of,
    name_of,
    process_evidence,
    token_evidence,
)
from kdtoken.analysis.audit.integrity import at, holder
from kdtoken.analysis.audit.scene import Point, Scene, is_system_family
from kdtoken.analysis.audit.users import user_words
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import name_of as sid_name
from kdtoken.model.snapshot import created
from kdtoken.model.token import LogonSession, Token

# TOKEN_SOURCE names seen on real tokens; MemProcFS accepts User* and Adva*, the rest are LSA's packages.
_SOURCES = (
    "*SYSTEM*",
    "User32",
    "Advapi",
    "AdvApi",
    "NtLmSsp",
    "Kerberos",
    "Negotiat",
    "seclogo",
    "IAS",
    "CredPro",
    "Schannel",
    "*NTLM*",
    "CHAP",
)


# winnt.h *_LUID of well-known logon sessions -> whose user's SID may stand in them.
_OWNERS: Dict[int, Tuple[Sid, ...]] = {
    0x3E7: (Sid(5, (18,)),),
    0x3E6: (Sid(5, (7,)),),
    0x3E5: (Sid(5, (19,)),),
    0x3E4: (Sid(5, (20,)),),
    0x3E3: (Sid(5, (17,)),),
}


# A process started this much later was not being made at the same time (FILETIME: 100 ns).
_APART = 2 * 10_000_000


_OUT_OF_TIME = 2  # so many later processes whose tokens are older, before it is more than a remark


def source(scene: Scene) -> Iterator[Finding]:
    """A TokenSource that nobody's token here is known for."""
    for token, users in scene.tokens_of(lambda one: _odd_source(one) is not None):
        name = _odd_source(token) or ""
        who, key = holder(token, users)
        evidence = (
            Evidence("token", "0x%x" % token.address, token.address, "token"),
            Evidence("TokenSource.SourceName", name, at(token, "source_name")),
        )
        saw = "%s was made by a source called %r" % (who, name)
        yield Finding(SOURCE.id, Severity.INFORMATION, saw, evidence, users, (token.address,), key)


def _odd_source(token: Token) -> Optional[str]:
    """The name without what pads it, where it is none that is known."""
    name = token.source_name
    if not isinstance(name, str) or name.rstrip() in _SOURCES or name.startswith(("User", "Adva", "AdvA")):
        return None
    return name.rstrip()


def logon_sessions(scene: Scene) -> Iterator[Finding]:
    """AuthenticationId and the logon session do not fit each other, or not the user."""
    for token, users in scene.tokens_of(_logon_faults):
        for saw, fact in _logon_faults(token):
            who, key = holder(token, users)
            evidence = (Evidence("token", "0x%x" % token.address, token.address, "token"), fact)
            text = "%s: %s" % (who, saw)
            yield Finding(LOGON.id, Severity.UNUSUAL, text, evidence, users, (token.address,), key)
    yield from _of_two_users(scene)


def _of_two_users(scene: Scene) -> Iterator[Finding]:
    strangers = _strangers(scene)
    for token, users in scene.tokens_of(lambda one: (one.authentication_id, one.user) in strangers):
        who, key = holder(token, users)
        usual = strangers[token.authentication_id, token.user]
        evidence = (
            Evidence("token", "0x%x" % token.address, token.address, "token"),
            Evidence("user", user_words(token), at(token, "user_and_groups")),
            Evidence("AuthenticationId", str(token.authentication_id), at(token, "authentication_id")),
        )
        saw = "%s: %s in logon session %s, whose other tokens are of %s" % (
            who,
            user_words(token),
            token.authentication_id,
            usual,
        )
        yield Finding(LOGON.id, Severity.UNUSUAL, saw, evidence, users, (token.address,), key)


def _strangers(scene: Scene) -> Dict[Tuple[object, object], str]:
    """(logon session, user) of users in a session that is another's -> whose it is: a logon is of one user.

    The shared sessions are left to _OWNERS; of two users with as many tokens both are told.
    """
    users: Dict[Luid, Dict[Sid, int]] = {}
    for token in scene.tokens():
        auth, user = token.authentication_id, token.user
        if isinstance(auth, Luid) and isinstance(user, Sid) and auth.value and auth.value not in _OWNERS:
            counts = users.setdefault(auth, {})
            counts[user] = counts.get(user, 0) + 1
    found: Dict[Tuple[object, object], str] = {}
    for auth, counts in users.items():
        if len(counts) < 2:
            continue
        most = max(counts.values())
        usual = [user for user, count in counts.items() if count == most]
        for user in counts:
            others = [one for one in usual if one != user]
            if others:
                found[auth, user] = sid_name(others[0]) or str(others[0])
    return found


def _logon_faults(token: Token) -> List[Tuple[str, Evidence]]:
    auth, session = token.authentication_id, token.logon_session
    if not isinstance(auth, Luid):
        return []
    where = at(token, "authentication_id")
    if session is None:
        return [("it belongs to no logon session", Evidence("LogonSession", "null", where))]
    found: List[Tuple[str, Evidence]] = []
    if isinstance(session, LogonSession) and isinstance(session.logon_id, Luid) and session.logon_id != auth:
        fact = Evidence("logon session", "LogonId %s" % session.logon_id, session.address, "session")
        found.append(("its AuthenticationId is %s, its logon session's LogonId %s" % (auth, session.logon_id), fact))
    owners = _OWNERS.get(auth.value)
    if owners and isinstance(token.user, Sid) and token.user not in owners:
        fact = Evidence("AuthenticationId", str(auth), where)
        found.append(("%s in the logon session of %s" % (user_words(token), auth.logon_name), fact))
    return found


def token_order(scene: Scene) -> Iterator[Finding]:
    """A TokenId that is newer than those of processes which were started later: replaced after the start."""
    points = _first_holders(scene)
    in_order = _longest_rise([luid for _, luid, _, _ in points])
    kept = [points[number] for number in in_order]
    births, ids = [point[0] for point in kept], [point[1] for point in kept]
    standing = set(in_order)
    everyone, highest = [point[0] for point in points], [0]  # of the last, the last two ... the highest TokenId
    for point in reversed(points):
        highest.append(max(highest[-1], point[1]))
    for number, (born, luid, _, row) in enumerate(points):
        token = row.token
        if number in standing or is_system_family(row) or not isinstance(token, Token):
            continue
        # Those kept go up in both, so the later ones with lower ids stand together.
        first, end = bisect_right(births, born + _APART), bisect_left(ids, luid)
        if first >= end:
            continue  # older than its neighbours: an old token that it was given at its start
        later, last = end - first, kept[end - 1]
        # A token that was made for the purpose is newer than all that came since the process.
        newest = highest[len(points) - bisect_right(everyone, born + _APART)] < luid
        severity = Severity.UNUSUAL if newest and later >= _OUT_OF_TIME else Severity.INFORMATION
        saw = "%s has a token that is newer than those of %d process%s started after it" % (
            name_of(row),
            later,
            "" if later == 1 else "es",
        )
        latest = last[3].token
        assert isinstance(latest, Token)
        evidence = (
            token_evidence(row, token.address),
            Evidence("TokenId", str(token.token_id), at(token, "token_id")),
            Evidence("TokenId of the later %s" % name_of(last[3]), str(latest.token_id), last[2], "token"),
        )
        yield Finding(ORDER.id, severity, saw, evidence, (row,), (token.address,), image_of(row))


def _first_holders(scene: Scene) -> List[Point]:
    """Of each token the process that was started first, as a point; in order of birth and TokenId."""
    several = {at for at, rows in scene.holders.items() if len(rows) > 1}
    first = {at: min(scene.holders[at], key=created) for at in several}
    return [point for point in scene.points() if point[2] not in several or first[point[2]] is point[3]]


def _longest_rise(values: List[int]) -> List[int]:
    """Positions of a longest part of the list that only goes up: what is in order, whatever stands between."""
    ends: List[int] = []  # position of the smallest last value of a rise of each length
    lowest: List[int] = []
    before: List[int] = []
    for number, value in enumerate(values):
        length = bisect_left(lowest, value)
        before.append(ends[length - 1] if length else -1)
        if length == len(ends):
            ends.append(number)
            lowest.append(value)
        else:
            ends[length], lowest[length] = number, value
    rise: List[int] = []
    at_number = ends[-1] if ends else -1
    while at_number >= 0:
        rise.append(at_number)
        at_number = before[at_number]
    return rise[::-1]


def flags(scene: Scene) -> Iterator[Finding]:
    """PrimaryTokenFrozen and TokenInUse against what is usual."""
    frozen = [one for one in map(_frozen, scene.running) if one is not None]
    usual = sum(1 for one in frozen if one) * 2 > len(frozen)
    unused = {id(row) for row, _ in scene.primary_of(lambda token: token.in_use == 0)}
    if not unused and not (usual and 0 in frozen):
        return
    for row, token in scene.primary():
        if usual and _frozen(row) == 0 and not is_system_family(row):
            saw = "%s may still be given another primary token: PrimaryTokenFrozen is 0" % name_of(row)
            evidence = (process_evidence(row), Evidence("PrimaryTokenFrozen", "0", row.process.address, "process"))
            yield Finding(FLAGS.id, Severity.INFORMATION, saw, evidence, (row,), (), image_of(row))
        if id(row) in unused and not is_system_family(row):
            saw = "the token of %s is not marked as in use" % name_of(row)
            evidence = (token_evidence(row, token.address), Evidence("TokenInUse", "0", at(token, "in_use")))
            yield Finding(FLAGS.id, Severity.INFORMATION, saw, evidence, (row,), (token.address,), image_of(row))


def _frozen(row: ProcessDump) -> Optional[int]:
    details = row.details
    if isinstance(details, ProcessDetails) and isinstance(details.token_frozen, int):
        return details.token_frozen
    return None


def token_type(scene: Scene) -> Iterator[Finding]:
    """A process under an impersonation token."""
    for row, token in scene.primary_of(lambda one: one.is_primary is False):
        saw = "%s runs under a token of type Impersonation" % name_of(row)
        evidence = (
            token_evidence(row, token.address),
            Evidence("TokenType", "Impersonation", at(token, "token_type")),
        )
        yield Finding(TYPE.id, Severity.IMPOSSIBLE, saw, evidence, (row,), (token.address,), image_of(row))


SOURCE = Rule(
    "token-source",
    Severity.INFORMATION,
    "a token source that is not usual",
    "A string of whoever made the token: LSA and its packages have theirs.",
    ("other authentication packages, remote desktop and single-sign-on products",),
    "ntifs.h TOKEN_SOURCE; MemProcFS accepts User* and Adva*",
    source,
)


LOGON = Rule(
    "logon-session",
    Severity.UNUSUAL,
    "the token and its logon session do not fit each other",
    "A token belongs to the logon session that its AuthenticationId names, which is one user's; five of them belong to "
    "one account each.",
    (
        "a logon session that is being closed while the image is taken",
        "virtual accounts of containers and managed services in a shared session",
        "outputs of two starts of a machine in one log, of which each counts its logons from the beginning",
    ),
    "winnt.h SYSTEM_LUID and following; _TOKEN.LogonSession of public symbols; [MS-DTYP] 2.3.7: a LUID is never given twice",
    logon_sessions,
)


ORDER = Rule(
    "token-order",
    Severity.UNUSUAL,
    "a token newer than those of processes that were started later",
    "LUIDs count up and a process's token is made with it, so a newer one was put there after the start, "
    "which Windows does not allow.",
    (
        "several older tokens given with CreateProcessAsUser make their neighbours look newer (i only)",
        "a process that was made suspended and given its token before it ran",
        "the system clock was set back",
    ),
    "inferred; eight captures; ReactOS counts LUIDs up; Microsoft promises uniqueness only",
    token_order,
)


FLAGS = Rule(
    "token-flags",
    Severity.INFORMATION,
    "PrimaryTokenFrozen or TokenInUse is not as for other processes",
    "The kernel sets both when a process gets its token for good.",
    ("a process that was just made, or made suspended", "System's own token is not marked as in use (left out here)"),
    "_EPROCESS and _TOKEN of public symbols; published output of !token",
    flags,
)


TYPE = Rule(
    "primary-type",
    Severity.IMPOSSIBLE,
    "a process under a token of type Impersonation",
    "Only a primary token can be assigned to a process.",
    (),
    "winnt.h TOKEN_TYPE; [MS-ERREF] STATUS_BAD_TOKEN_TYPE",
    token_type,
)

RULES = (SOURCE, LOGON, ORDER, FLAGS, TYPE)
