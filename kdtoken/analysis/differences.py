"""Two tokens compared by meaning: identity, policy, bookkeeping, and what only one side can know.

A token has an identity, fixed when it is made (user, groups, integrity, restriction, package), and
a policy that may be adjusted later (privileges and groups switched, default owner and DACL).  A
difference in the first is serious, in the second ordinary; ids and lengths are bookkeeping.

Each kind of view has blind spots.  What a view cannot know is never reported as a difference.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Dict, List, Optional, Sequence, Tuple

from kdtoken.analysis.verdict import verdict_of
from kdtoken.model.absent import Absent, Maybe, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token


class Kind(Enum):
    """Who saw the token."""

    KERNEL = "kernel memory"
    TOKEN_COMMAND = "text of !token"
    WHOAMI = "whoami"
    TOKEN_INFORMATION = "GetTokenInformation"


class Part(Enum):
    """What a difference means."""

    IDENTITY = "identity"
    POLICY = "policy"
    BOOKKEEPING = "bookkeeping"


class Outcome(Enum):
    """How a field compares."""

    SAME = "same"
    DIFFERS = "differs"
    EXPECTED = "differs as it must"
    ONLY_A = "only A can know it"
    ONLY_B = "only B can know it"
    UNREADABLE = "could not be read"


@dataclass(frozen=True)
class View:
    """A token, who saw it, and where it came from in words.

    incomplete  fields of which it holds a part only, because its text was cut
    """

    token: Token
    kind: Kind
    label: str
    incomplete: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """One line of a comparison.  `a` and `b` are model values or None."""

    part: Part
    name: str
    outcome: Outcome
    a: object = None
    b: object = None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """All lines, and the one-line verdict."""

    a: View
    b: View
    rows: Tuple[Difference, ...]
    verdict: str

    def with_outcome(self, *outcomes: Outcome) -> Tuple[Difference, ...]:
        """The rows that came out so."""
        return tuple(row for row in self.rows if row.outcome in outcomes)

    @property
    def exit_code(self) -> int:
        """0 same, 1 differences, 2 nothing could be compared."""
        if self.with_outcome(Outcome.DIFFERS):
            return 1
        return 0 if self.with_outcome(Outcome.SAME) else 2


# attribute of Token -> (part, name for people).  Groups and privileges have rows of their own.
_FIELDS: Dict[str, Tuple[Part, str]] = {
    "user": (Part.IDENTITY, "user"),
    "integrity": (Part.IDENTITY, "integrity label"),
    "token_type": (Part.IDENTITY, "type"),
    "package": (Part.IDENTITY, "package"),
    "trust_level_sid": (Part.IDENTITY, "trust level"),
    "source_name": (Part.IDENTITY, "source"),
    "authentication_id": (Part.IDENTITY, "authentication id"),
    "originating_logon_session": (Part.IDENTITY, "originating logon"),
    "session_id": (Part.POLICY, "session"),
    "impersonation_level": (Part.POLICY, "impersonation level"),
    "flags": (Part.POLICY, "TokenFlags"),
    "mandatory_policy": (Part.POLICY, "mandatory policy"),
    "primary_group": (Part.POLICY, "primary group"),
    "default_owner": (Part.POLICY, "default owner"),
    "default_dacl": (Part.POLICY, "default DACL"),
    "audit_policy": (Part.POLICY, "audit policy"),
    "token_id": (Part.BOOKKEEPING, "token id"),
    "modified_id": (Part.BOOKKEEPING, "modified id"),
    "parent_token_id": (Part.BOOKKEEPING, "parent token id"),
    "expiration_time": (Part.BOOKKEEPING, "expiration"),
    "in_use": (Part.BOOKKEEPING, "in use"),
}

# What a kind of view says only in part, or of its own copy of the token.
_OWN_PROCESS = "whoami is a process of its own, with its own copy of the token"
_BLIND: Dict[Kind, Dict[str, str]] = {
    Kind.WHOAMI: {
        "token id": _OWN_PROCESS,
        "modified id": _OWN_PROCESS,
        "parent token id": _OWN_PROCESS,
    },
    Kind.TOKEN_COMMAND: {},
    Kind.TOKEN_INFORMATION: {"TokenFlags": "user mode is told single flags only"},
    Kind.KERNEL: {},
}


def compare(a: View, b: View) -> Comparison:
    """Compare field by field."""
    rows = [_row(a, b, attribute, part, name) for attribute, (part, name) in _FIELDS.items()]
    rows += _groups(a, b, "group", "groups", "user_and_groups")
    rows += _groups(a, b, "restricting SID", "restricting SIDs", "restricted_sids")
    rows += _groups(a, b, "capability", "capabilities", "capabilities")
    rows += _privileges(a, b)
    rows += _over_time(a, b)
    return Comparison(a, b, tuple(rows), verdict_of(a.token, b.token, _named(rows)))


def _named(rows: List[Difference]) -> Dict[str, str]:
    """name -> part, of what differs."""
    return {row.name: row.part.value for row in rows if row.outcome is Outcome.DIFFERS}


def _row(a: View, b: View, attribute: str, part: Part, name: str) -> Difference:
    left, right = getattr(a.token, attribute), getattr(b.token, attribute)
    one_sided = _one_sided(left, right)
    if one_sided is not None:
        return Difference(part, name, one_sided, left, right)
    # TOKEN_SOURCE pads its eight characters with blanks; text loses them.
    if left == right or (attribute == "source_name" and left.strip() == right.strip()):
        return Difference(part, name, Outcome.SAME, left, right)
    for view in (a, b):
        note = _BLIND[view.kind].get(name)
        if note:
            return Difference(part, name, Outcome.EXPECTED, left, right, note)
    if attribute == "impersonation_level" and a.token.is_primary and b.token.is_primary:
        return Difference(part, name, Outcome.EXPECTED, left, right, "it means nothing for a primary token")
    return Difference(part, name, Outcome.DIFFERS, left, right)


def _one_sided(left: object, right: object) -> Optional[Outcome]:
    if isinstance(left, Unreadable) or isinstance(right, Unreadable):
        return Outcome.UNREADABLE
    if isinstance(left, Absent) and isinstance(right, Absent):
        return Outcome.UNREADABLE
    if isinstance(right, Absent):
        return Outcome.ONLY_A
    if isinstance(left, Absent):
        return Outcome.ONLY_B
    return None


def _groups(a: View, b: View, word: str, plural: str, attribute: str) -> List[Difference]:
    left, right = getattr(a.token, attribute), getattr(b.token, attribute)
    one_sided = _one_sided(left, right)
    if one_sided is not None:
        return [Difference(Part.IDENTITY, plural, one_sided, left, right)]
    mine = _by_sid(left[_skip(attribute) :])
    theirs = _by_sid(right[_skip(attribute) :])
    broken = any(not isinstance(g, Group) for g in (*left, *right))
    rows = []
    for sid in sorted(set(mine) | set(theirs)):
        name = "%s %s" % (word, sid)
        if sid in mine and sid in theirs:
            rows.append(_attributes(a, b, name, mine[sid], theirs[sid]))
            continue
        here, lacking = (mine[sid], b) if sid in mine else (theirs[sid], a)
        note = _why_missing(lacking.kind, here, lacking.token)
        unsure = broken or attribute in lacking.incomplete
        outcome = Outcome.EXPECTED if note else Outcome.UNREADABLE if unsure else Outcome.DIFFERS
        rows.append(Difference(Part.IDENTITY, name, outcome, mine.get(sid), theirs.get(sid), note))
    return rows


def _by_sid(groups: Sequence[Maybe[Group]]) -> Dict[Sid, Group]:
    """Readable groups but the integrity label, which is compared on its own."""
    return {g.sid: g for g in groups if isinstance(g, Group) and not g.sid.is_integrity_label}


def _skip(attribute: str) -> int:
    """The first entry of user_and_groups is the user, compared on its own."""
    return 1 if attribute == "user_and_groups" else 0


def _attributes(a: View, b: View, name: str, left: Group, right: Group) -> Difference:
    if left.attributes == right.attributes:
        return Difference(Part.POLICY, name, Outcome.SAME, left, right)
    counts = (left.enabled, left.deny_only) != (right.enabled, right.deny_only)
    if not counts and Kind.WHOAMI in (a.kind, b.kind):
        return Difference(Part.POLICY, name, Outcome.EXPECTED, left, right, "whoami words not all attributes")
    return Difference(Part.POLICY, name, Outcome.DIFFERS, left, right)


def _why_missing(kind: Kind, group: Group, token: Token) -> str:
    """Why a view may lack a group that is there; empty where it should have shown it."""
    if kind is Kind.WHOAMI:
        if group.is_logon_id or group.sid.is_logon_sid:
            return "whoami does not print the logon SID"
        if group.sid == token.primary_group:
            return "whoami does not print the primary group"
        # "None" of a machine without a domain is left out by its RID.
        if group.sid.is_domain_relative and group.sid.rid == 513:
            return "whoami does not print the primary group"
    return ""


def _privileges(a: View, b: View) -> List[Difference]:
    left, right = a.token.privileges, b.token.privileges
    one_sided = _one_sided(left, right)
    if one_sided is not None:
        return [Difference(Part.POLICY, "privileges", one_sided, left, right)]
    assert isinstance(left, tuple) and isinstance(right, tuple)
    mine: Dict[int, Privilege] = {p.number: p for p in left}
    theirs: Dict[int, Privilege] = {p.number: p for p in right}
    # What is enabled by default, and what was removed, neither whoami nor !token tells apart from
    # what is not; GetTokenInformation lists no removed ones.
    defaults = Kind.WHOAMI not in (a.kind, b.kind)
    cut = "privileges" in a.incomplete or "privileges" in b.incomplete
    rows = []
    for number in sorted(set(mine) | set(theirs)):
        one, other = mine.get(number), theirs.get(number)
        name = (one or other or left[0]).name
        if cut and (one is None or other is None):
            rows.append(Difference(Part.POLICY, name, Outcome.UNREADABLE, one, other, "its text was cut"))
        elif _state(one) != _state(other):
            rows.append(Difference(Part.POLICY, name, Outcome.DIFFERS, one, other))
        elif defaults and _default(one) != _default(other) and Kind.TOKEN_COMMAND not in (a.kind, b.kind):
            rows.append(Difference(Part.POLICY, name, Outcome.DIFFERS, one, other, "enabled by default on one side only"))
        else:
            rows.append(Difference(Part.POLICY, name, Outcome.SAME, one, other))
    return rows


def _state(privilege: Optional[Privilege]) -> Tuple[bool, bool]:
    """Held and enabled; a removed privilege is as good as none."""
    return (privilege.present, privilege.present and privilege.enabled) if privilege else (False, False)


def _default(privilege: Optional[Privilege]) -> bool:
    return bool(privilege and privilege.present and privilege.enabled_by_default)


def _over_time(a: View, b: View) -> List[Difference]:
    """Two looks of the kernel at what may be the same token, before and after."""
    if a.kind is not Kind.KERNEL or b.kind is not Kind.KERNEL:
        return []
    before, after = a.token, b.token
    same_token = before.token_id == after.token_id and before.address == after.address
    if not same_token or isinstance(before.token_id, (Unreadable, Absent)):
        return []
    changed = before.privileges != after.privileges or before.user_and_groups != after.user_and_groups
    if changed and before.modified_id == after.modified_id:
        return [
            Difference(
                Part.IDENTITY,
                "change without trace",
                Outcome.DIFFERS,
                before.modified_id,
                after.modified_id,
                "the token changed while ModifiedId did not: not done through the documented calls",
            )
        ]
    return []
