"""Rows of a comparison for what a token lists: groups, restricting SIDs, capabilities, privileges."""

from typing import Dict, List, Optional, Sequence, Tuple

from kdtoken.analysis.differences.comparison import Difference, Kind, Outcome, Part, View, one_sided
from kdtoken.model.absent import Fragment, Maybe, Missing, NotSaid, Unreadable
from kdtoken.model.group import (
    ENABLED,
    ENABLED_BY_DEFAULT,
    INTEGRITY,
    MANDATORY,
    OWNER,
    RESOURCE,
    USE_FOR_DENY_ONLY,
    Group,
)
from kdtoken.model.privilege import NAMES, Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token

# What whoami has words for; the rest of a group's attributes it does not show.
_WHOAMI_WORDS = MANDATORY | ENABLED_BY_DEFAULT | ENABLED | OWNER | USE_FOR_DENY_ONLY | RESOURCE
_DOMAIN_USERS = 513

# A SID may be listed twice, with other attributes: (SID, how often it came before).
_Listed = Dict[Tuple[Sid, int], Group]


def group_rows(a: View, b: View, word: str, plural: str, attribute: str) -> List[Difference]:
    """One row a SID of one list of groups, and one for what in it could not be read."""
    left, right = getattr(a.token, attribute), getattr(b.token, attribute)
    outcome = one_sided(left, right)
    if outcome is not None:
        return [Difference(Part.IDENTITY, plural, outcome, left, right)]
    mine, theirs = _by_sid(a.token, attribute), _by_sid(b.token, attribute)
    holes = {True: _holes(a.token, attribute), False: _holes(b.token, attribute)}
    rows = []
    for sid, again in sorted(set(mine) | set(theirs)):
        name = "%s %s" % (word, sid) + (" (again)" if again else "")
        one, other = mine.get((sid, again)), theirs.get((sid, again))
        if one is not None and other is not None:
            rows.append(_attributes(a, b, name, one, other))
            continue
        holder, lacking = (a, b) if one is not None else (b, a)
        # An entry that is listed, with words nobody knows, is a hole of which the SID is known.
        unknown = len(holes[lacking is a]) > len(lacking.listed)
        found, note = _missing(holder, lacking, one or other, attribute, unknown)
        rows.append(Difference(Part.IDENTITY, name, found, one, other, note))
    if holes[True] or holes[False]:
        one_hole, other_hole = (side[0] if side else None for side in (holes[True], holes[False]))
        name = "unreadable entries of " + plural
        rows.append(Difference(Part.IDENTITY, name, Outcome.UNREADABLE, one_hole, other_hole))
    return rows or [Difference(Part.IDENTITY, plural, Outcome.SAME, left, right)]


def user_and_label_rows(a: View, b: View) -> List[Difference]:
    """Attributes of the two entries that are compared by themselves: the user and the integrity label.

    A sandbox's user counts for deny only: that is in no SID.
    """
    rows = []
    mine, theirs = _user(a), _user(b)
    outcome = one_sided(mine, theirs)
    if outcome is not None:
        rows.append(Difference(Part.POLICY, "user attributes", outcome, mine, theirs))
    elif isinstance(mine, Group) and isinstance(theirs, Group):
        same = mine.attributes == theirs.attributes
        rows.append(Difference(Part.POLICY, "user attributes", Outcome.SAME if same else Outcome.DIFFERS, mine, theirs))
    one, other = _label(a.token), _label(b.token)
    if isinstance(one, Group) and isinstance(other, Group):
        same = one.attributes == other.attributes
        blind = Kind.WHOAMI in (a.kind, b.kind) and not same
        outcome = Outcome.SAME if same else Outcome.EXPECTED if blind else Outcome.DIFFERS
        note = "whoami prints the label without its attributes" if blind else ""
        rows.append(Difference(Part.POLICY, "label attributes", outcome, one, other, note))
    return rows


def _user(view: View) -> Maybe[Group]:
    if view.kind in (Kind.WHOAMI, Kind.TOKEN_COMMAND):
        return NotSaid(view.kind.value)
    groups = view.token.user_and_groups
    if isinstance(groups, Missing):
        return groups
    return groups[0] if groups else Unreadable(view.token.address, "the token lists no user")


def _label_at(token: Token) -> Optional[int]:
    """Which entry is the integrity label.

    Where nothing tells (GetTokenInformation was refused that class), the entry with the attribute.
    """
    index, groups = token.integrity_level_index, token.user_and_groups
    if isinstance(groups, Missing):
        return None
    if isinstance(index, int):
        return index if index < len(groups) else None
    for at, entry in enumerate(groups):
        if isinstance(entry, Group) and entry.sid.is_integrity_label and entry.attributes & INTEGRITY:
            return at
    return None


def _label(token: Token) -> Optional[Maybe[Group]]:
    at, groups = _label_at(token), token.user_and_groups
    return None if at is None or isinstance(groups, Missing) else groups[at]


def _entries(token: Token, attribute: str) -> Sequence[Maybe[Group]]:
    """All but the user and the label, which have rows of their own."""
    groups: Sequence[Maybe[Group]] = getattr(token, attribute)
    if attribute != "user_and_groups":
        return groups
    label = _label_at(token)
    return [one for at, one in enumerate(groups) if at and at != label]


def _by_sid(token: Token, attribute: str) -> _Listed:
    found: _Listed = {}
    for one in _entries(token, attribute):
        if isinstance(one, Group):
            again = 0
            while (one.sid, again) in found:
                again += 1
            found[one.sid, again] = one
    return found


def _holes(token: Token, attribute: str) -> List[Maybe[Group]]:
    return [one for one in _entries(token, attribute) if not isinstance(one, Group)]


def _attributes(a: View, b: View, name: str, left: Group, right: Group) -> Difference:
    changed = left.attributes ^ right.attributes
    if not changed:
        return Difference(Part.POLICY, name, Outcome.SAME, left, right)
    if Kind.WHOAMI in (a.kind, b.kind):
        if left.sid.is_logon_sid:
            note = "whoami prints the logon SID alone"
            return Difference(Part.POLICY, name, Outcome.EXPECTED, left, right, note)
        if not changed & _WHOAMI_WORDS:
            note = "whoami has no words for these attributes"
            return Difference(Part.POLICY, name, Outcome.EXPECTED, left, right, note)
    return Difference(Part.POLICY, name, Outcome.DIFFERS, left, right)


def _missing(holder: View, lacking: View, group: Optional[Group], attribute: str, holes: bool) -> Tuple[Outcome, str]:
    """What it means that one view has a group and the other has not, and why."""
    assert group is not None
    if lacking.kind is Kind.WHOAMI:
        if group.is_logon_id or group.sid.is_logon_sid:
            return Outcome.EXPECTED, "whoami does not print the logon SID"
        # "None" of a machine without a domain is left out by its RID.
        domain_users = group.sid.is_domain_relative and group.sid.rid == _DOMAIN_USERS
        if group.sid == holder.token.primary_group or domain_users:
            return Outcome.EXPECTED, "whoami does not print the primary group"
    if group.sid in lacking.listed:
        return Outcome.UNREADABLE, "listed on both sides, with attributes that are not known"
    if lacking.is_cut(attribute):
        return Outcome.UNREADABLE, "the other text shows only a part of its list"
    if lacking.not_understood:
        return Outcome.UNREADABLE, _may_stand_there(lacking)
    if holes:
        return Outcome.UNREADABLE, "not all of the other list could be read"
    return Outcome.DIFFERS, ""


def _may_stand_there(lacking: View) -> str:
    """Why nobody is accused: what the view seems to lack may be what its reader did not understand."""
    lines = [str(one.line) for one in lacking.not_understood]
    shown = ", ".join(lines[:3]) + (" and %d more" % (len(lines) - 3) if len(lines) > 3 else "")
    return "the other text has lines that were not understood: %s" % shown


def privilege_rows(a: View, b: View) -> List[Difference]:
    """One row a privilege that has a bit on either side."""
    left, right = a.token.privileges, b.token.privileges
    outcome = one_sided(left, right)
    if outcome is not None:
        return [Difference(Part.POLICY, "privileges", outcome, left, right)]
    assert isinstance(left, tuple) and isinstance(right, tuple)
    mine: Dict[int, Privilege] = {p.number: p for p in left}
    theirs: Dict[int, Privilege] = {p.number: p for p in right}
    rows = [_privilege(a, b, mine.get(n), theirs.get(n), n) for n in sorted(set(mine) | set(theirs))]
    if not rows and (a.is_cut("privileges") or b.is_cut("privileges")):
        return [Difference(Part.POLICY, "privileges", Outcome.UNREADABLE, left, right, "only a part of them is shown")]
    return rows or [Difference(Part.POLICY, "privileges", Outcome.SAME, left, right)]


def _privilege(a: View, b: View, one: Optional[Privilege], other: Optional[Privilege], number: int) -> Difference:
    name = NAMES.get(number, "privilege %d" % number)

    def row(outcome: Outcome, note: str = "") -> Difference:
        return Difference(Part.POLICY, name, outcome, one, other, note)

    here, there = bool(one and one.present), bool(other and other.present)
    if here != there:
        lacking, its = (b, other) if here else (a, one)
        held = lacking.token.privileges
        if its is None and lacking.is_cut("privileges") and not (isinstance(held, Fragment) and held.tells(number)):
            return row(Outcome.UNREADABLE, _listed_or_cut(held, name))
        if its is None and lacking.not_understood and not lacking.is_cut("privileges"):
            return row(Outcome.UNREADABLE, _may_stand_there(lacking))
        return row(Outcome.DIFFERS)
    if one is not None and other is not None and here:
        if one.enabled != other.enabled:
            return row(Outcome.DIFFERS)
        defaults = one.enabled_by_default, other.enabled_by_default  # of which whoami says nothing
        if one.enabled_by_default != other.enabled_by_default and None not in defaults:
            return row(Outcome.DIFFERS, "enabled by default on one side only")
        return row(Outcome.SAME)
    # Held by neither: bits that only the kernel's masks show.
    both_kernel = a.kind is b.kind is Kind.KERNEL
    if not both_kernel and (one is None or other is None):
        return row(Outcome.ONLY_A if one else Outcome.ONLY_B, "only the kernel shows what is not held")
    if _bits(one) != _bits(other):
        return row(Outcome.DIFFERS, "held by neither, but its other bits differ")
    return row(Outcome.SAME)


def _listed_or_cut(held: object, name: str) -> str:
    """Why a privilege is not among those of a text that shows a part of the list."""
    noted = isinstance(held, Fragment) and any(note.startswith(name) for note in held.notes)
    return "listed on both sides, but not how" if noted else "the other text shows only a part of its list"


def _bits(privilege: Optional[Privilege]) -> Tuple[bool, Optional[bool]]:
    return (privilege.enabled, privilege.enabled_by_default) if privilege else (False, False)
