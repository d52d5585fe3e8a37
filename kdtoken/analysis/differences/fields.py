"""Two tokens compared by meaning: identity, policy, bookkeeping, and what only one side can know.

A token has an identity, fixed when it is made (user, groups, integrity, restriction, package), and
a policy that may be adjusted later (privileges and groups switched, default owner and DACL).  A
difference in the first is serious, in the second ordinary; ids and lengths are bookkeeping.

Each kind of view has blind spots.  What a view cannot know is never reported as a difference.
"""

from typing import Dict, List, Optional, Tuple

from kdtoken.analysis.classification import Elevation, elevation
from kdtoken.analysis.differences.comparison import Comparison, Difference, Kind, Outcome, Part, View, one_sided
from kdtoken.analysis.differences.lists import group_rows, privilege_rows, user_and_label_rows
from kdtoken.analysis.differences.verdict import Findings, one_token, verdict_of
from kdtoken.model.absent import Absent, ElevationSaid, Missing, NotSaid, Unreadable, known
from kdtoken.model.acl import Acl
from kdtoken.model.token import TYPE_IMPERSONATION, LogonSession, RawMember, Token

# attribute of Token -> (part, name for people).  Groups and privileges have rows of their own.
_FIELDS: Dict[str, Tuple[Part, str]] = {
    "user": (Part.IDENTITY, "user"),
    "integrity": (Part.IDENTITY, "integrity label"),
    "token_type": (Part.IDENTITY, "type"),
    "package": (Part.IDENTITY, "package"),
    "lowbox_number": (Part.IDENTITY, "lowbox number"),
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
    "source_id": (Part.BOOKKEEPING, "source id"),
    "expiration_time": (Part.BOOKKEEPING, "expiration"),
    "in_use": (Part.BOOKKEEPING, "in use"),
}
# Of identity what SetTokenInformation can set in a token that is there: TokenIntegrityLevel, TokenOrigin.
_SET_LATER = ("integrity label", "originating logon")
TRACELESS, REPLACED = "change without trace", "token replaced"


def compare(a: View, b: View) -> Comparison:
    """Compare field by field."""
    rows = [_row(a, b, attribute, part, name) for attribute, (part, name) in _FIELDS.items()]
    rows += _elevation_rows(a, b)
    rows += user_and_label_rows(a, b)
    rows += group_rows(a, b, "group", "groups", "user_and_groups")
    rows += group_rows(a, b, "restricting SID", "restricting SIDs", "restricted_sids")
    rows += group_rows(a, b, "capability", "capabilities", "capabilities")
    rows += privilege_rows(a, b)
    rows += _unnamed_rows(a, b)
    over_time = _over_time(a, b, rows)
    found = Findings(
        {row.shown: row.part.value for row in rows if row.outcome is Outcome.DIFFERS},
        any(row.outcome in (Outcome.SAME, Outcome.DIFFERS) for row in rows),
        any(row.outcome is Outcome.UNREADABLE for row in rows),
        any(row.name == TRACELESS for row in over_time),
        any(row.name == REPLACED for row in over_time),
        all(known(view.token.user) and _tells_groups(view) for view in (a, b)),
    )
    return Comparison(a, b, tuple(over_time + rows), verdict_of(a.token, b.token, found))


def _tells_groups(view: View) -> bool:
    """Whether the view tells all groups that it can list."""
    listed = view.token.user_and_groups
    return isinstance(listed, tuple) and "user_and_groups" not in view.incomplete and not any(map(_is_unread, listed))


def _is_unread(entry: object) -> bool:
    return isinstance(entry, Unreadable)


def _row(a: View, b: View, attribute: str, part: Part, name: str) -> Difference:
    left, right = getattr(a.token, attribute), getattr(b.token, attribute)
    outcome = one_sided(left, right)
    if outcome is not None:
        return Difference(part, name, outcome, left, right)
    if _meaning(left) == _meaning(right):
        return Difference(part, name, Outcome.SAME, left, right)
    # A token that is no impersonation token has a number there all the same, and each view its own.
    types = (a.token.token_type, b.token.token_type)
    if attribute == "impersonation_level" and TYPE_IMPERSONATION not in types:
        note = "it means nothing for a primary token"
        return Difference(part, name, Outcome.EXPECTED, left, right, note)
    return Difference(part, name, Outcome.DIFFERS, left, right)


def _elevation_rows(a: View, b: View) -> List[Difference]:
    """The elevation type, where a view says it outright.

    No part of a token's identity, as TokenFlags is none: it hangs on the logon session's other half.
    """
    if not any(isinstance(view.token.logon_session, ElevationSaid) for view in (a, b)):
        return []
    left, right = _elevation(a.token), _elevation(b.token)
    outcome = one_sided(left, right) or (Outcome.SAME if left == right else Outcome.DIFFERS)
    return [Difference(Part.POLICY, "elevation", outcome, left, right)]


def _elevation(token: Token) -> object:
    """It in words, or why it cannot be told."""
    kind, session = elevation(token), token.logon_session
    if kind is not Elevation.UNKNOWN:
        return kind.value
    of_session = session.buddy_logon_id if isinstance(session, LogonSession) else session
    missing = [one for one in (of_session, token.flags) if isinstance(one, Missing)]
    return missing[0] if missing else Absent("the token's logon session")


def _unnamed_rows(a: View, b: View) -> List[Difference]:
    """Members that this version has no name for; not pointers, which no two tokens have alike."""
    left, right = ({one.member: one for one in view.token.unnamed} for view in (a, b))
    rows = []
    for name in dict.fromkeys([*left, *right]):
        one, other = left.get(name), right.get(name)
        if any(side is not None and side.c_type.startswith("Ptr") for side in (one, other)):
            continue
        mine, theirs = _plain(name, a, one), _plain(name, b, other)
        outcome = one_sided(mine, theirs) or (Outcome.SAME if mine == theirs else Outcome.DIFFERS)
        note = "" if outcome is not Outcome.DIFFERS else "this version has no name for it"
        rows.append(Difference(Part.BOOKKEEPING, "member " + name, outcome, mine, theirs, note))
    return rows


def _plain(name: str, view: View, member: Optional[RawMember]) -> object:
    if member is not None:
        return member.raw if member.number is None else member.number
    return Absent("_TOKEN." + name) if view.kind is Kind.KERNEL else NotSaid(view.kind.value)


def _meaning(value: object) -> object:
    """What of a value counts: neither padding nor how much room was set aside for it."""
    if isinstance(value, Acl):
        return (value.aces, value.problem)
    if isinstance(value, str):
        return value.rstrip()  # TOKEN_SOURCE pads its eight characters with blanks; text loses them
    if isinstance(value, bytes):
        return value.rstrip(b"\0")  # a policy of more subcategories is longer
    return value


def _over_time(a: View, b: View, rows: List[Difference]) -> List[Difference]:
    """Two looks at what may be the same token or the same process, before and after."""
    before, after = a.token, b.token
    if not one_token(before, after):
        if a.process and a.process == b.process and _are_two(before, after, rows):
            note = "the same process holds another token object than before"
            return [Difference(Part.IDENTITY, REPLACED, Outcome.DIFFERS, before.address, after.address, note)]
        return []
    moved = before.modified_id != after.modified_id
    if moved or not known(before.modified_id):
        return []
    if not any(row.outcome is Outcome.DIFFERS and _leaves_trace(row) for row in rows):
        return []
    note = "the token changed while ModifiedId did not: not done through the documented calls"
    if a.kind is not b.kind:
        note = "two views of one token, with the same ModifiedId, disagree"
    return [Difference(Part.IDENTITY, TRACELESS, Outcome.DIFFERS, before.modified_id, after.modified_id, note)]


def _are_two(before: Token, after: Token, rows: List[Difference]) -> bool:
    """Whether two looks show two token objects: by id or address, or by what no token changes once it is made.

    An id that could not be read says nothing: nobody is accused by it.
    """
    if known(before.token_id) and known(after.token_id) and before.token_id != after.token_id:
        return True
    if before.address and after.address and before.address != after.address:
        return True
    differing = (row for row in rows if row.part is Part.IDENTITY and row.outcome is Outcome.DIFFERS)
    return any(row.name not in _SET_LATER for row in differing)


def _leaves_trace(row: Difference) -> bool:
    """Whether a documented change of it moves ModifiedId; of session and flags nobody promises that."""
    return row.part is Part.IDENTITY or row.group is not None or row.name.startswith(("Se", "privilege"))


__all__ = ["Comparison", "Difference", "Kind", "Outcome", "Part", "View", "compare"]
