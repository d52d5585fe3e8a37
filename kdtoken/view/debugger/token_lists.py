"""Lists of `!token`'s output as their rows come by: whether both ends were seen, and where they are torn.

A list is whole when its heading stands right above its first row, what comes next in every genuine output stands right
below its last, and nothing foreign lies in between; or when it has as many rows as the text itself counts.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from kdtoken.model.absent import NOT_SAID_HERE, Fragment, Maybe, Missing, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.privilege import NAMES, NUMBERS, Privilege
from kdtoken.model.sid import Sid
from kdtoken.view.debugger import token_labels as labels
from kdtoken.view.partial import MOST_ROWS, PartialGroup, PartialPrivilege

_STATES = ("enabled", "default", "usedforaccess")


@dataclass(frozen=True)
class GroupRow:
    """A row of a list of SIDs; its attributes come on the next line.

    sid      None where the debugger could not read it: then `why` is its own line and `address` where the SID lies
    joined   nothing foreign lies between this row and what stands above it in the list
    """

    index: int
    sid: Optional[Sid]
    attributes: Maybe[int]
    name: str = ""
    why: str = ""
    address: int = 0
    joined: bool = True

    @property
    def entry(self) -> Maybe[Group]:
        """The same as an entry of a Token's list."""
        bits = self.attributes if isinstance(self.attributes, int) else None
        if self.sid is None:
            return HalfGroup(self.address, self.why, attributes=bits, pointer=self.address)
        if bits is not None:
            return Group(self.sid, bits)
        why = "its attributes are not in the text"
        return HalfGroup(0, self.attributes.reason if isinstance(self.attributes, Unreadable) else why, sid=self.sid)


@dataclass(frozen=True)
class PrivilegeRow:
    """A row of `Privs:`."""

    index: Optional[int]
    number: Optional[int]
    name: str
    enabled: Maybe[bool]
    default: Maybe[bool]
    joined: bool = True

    @property
    def understood(self) -> bool:
        return self.number is not None and isinstance(self.enabled, bool) and isinstance(self.default, bool)


@dataclass
class Ends:
    """What was seen of a list's ends."""

    begun: bool = False
    ended: bool = False
    torn: str = ""


def group_entries(
    rows: List[GroupRow], ends: Ends, count: Optional[int] = None
) -> Union[Tuple[Maybe[Group], ...], "Fragment[Maybe[Group]]"]:
    """The rows as a Token's list, an entry of its own for each number that is not there.

    count  how many the text itself says there are, if it does
    """
    entries: List[Maybe[Group]] = []
    ordered = True
    for row in rows:
        if row.index >= 0 and row.index != len(entries):
            if not len(entries) < row.index < MOST_ROWS:
                ordered = False
            else:
                entries += [NOT_SAID_HERE] * (row.index - len(entries))
        entries.append(row.entry)
    complete = ordered and len(entries) == len(rows)
    numbered = all(row.index >= 0 for row in rows)
    if count is not None and count < MOST_ROWS:
        if complete and len(rows) == count:
            return tuple(entries)
        if ordered and len(entries) < count:
            entries += [NOT_SAID_HERE] * (count - len(entries))
        return Fragment(entries, "the text counts %d and lists %d" % (count, len(rows)))
    if not ordered:
        return Fragment(entries, "its rows are not in order")
    if not complete or not ends.begun:
        return Fragment(entries, "the text lacks its beginning" if not complete else "its beginning is not in the text")
    if not ends.ended:
        return Fragment(entries, ends.torn or "its end is not in the text")
    if ends.torn or not (numbered or all(row.joined for row in rows)):
        return Fragment(entries, ends.torn or "lines in it were not understood")
    return tuple(entries)


def put_counted_lists(fields: Dict[str, Any], lists: Mapping[str, List[GroupRow]], ends: Mapping[str, Ends]) -> None:
    """The lists of which the text also counts how many are in them, into a token's fields."""
    for name, rows, count in (
        ("restricted_sids", labels.RESTRICTED, "restricted_sid_count"),
        ("capabilities", labels.CAPABILITIES, "capability_count"),
    ):
        counted = fields[count] if isinstance(fields.get(count), int) else None
        if lists[rows] or counted is not None:
            fields[name] = group_entries(lists[rows], ends[rows], counted)


def lists_in_part(fields: Mapping[str, object], told: Sequence[str], begun: bool) -> List[str]:
    """Fields of which a part only is shown; `told` are those of which that is known, `begun`: privileges are titled."""
    found = [name for name in labels.FIELD_OF.values() if isinstance(fields.get(name), Fragment) or name in told]
    return found + ["privileges"] if begun and isinstance(fields["privileges"], NotSaid) else found


def lost_between(before: List[GroupRow], no_attributes: bool, index: int) -> bool:
    """Whether a line is missing in front of row `index`, right below another: each has its attributes and its number."""
    return any(no_attributes or -1 < one.index != index - 1 > -2 for one in before)


def without_absences(rows: List[PrivilegeRow], ends: Ends) -> List[PrivilegeRow]:
    """The rows of a text that lacks lines with no mark of it: no gap between them is an absence."""
    ends.torn = ends.torn or "lines of this text are missing, and may be in it"
    ends.begun, ends.ended = ends.begun and not rows, False
    return [replace(row, joined=False) for row in rows]


def goes_back(rows: List[PrivilegeRow], index: Optional[str], number: int) -> bool:
    """Whether a row behind these is another token's, whose head was lost: with their numbers in front of them (and not
    their ranks, as before Vista) they are printed in ascending order."""
    last = rows[-1] if rows else None
    if last is None or last.number is None or last.number < number:
        return False
    return last.index in (None, last.number) and (index is None or int(index) == number)


def with_doubt(rows: List[GroupRow], user: Optional[PartialGroup]) -> Tuple[List[GroupRow], str]:
    """The rows, and why the user is not to be believed ("" if he is).

    The SIDs of a token lie one behind the other; where a page of them is out, the debugger prints the SID that
    crosses into it as if it had been read, with garbage in its second half.  That is the one in front of the first
    that it could not read.
    """
    doubted = list(rows)
    for at, row in enumerate(rows):
        if row.sid is not None or (at and rows[at - 1].sid is None):
            continue
        if at == 0:
            return doubted, "the debugger could not read the SIDs behind it" if user else ""
        before = rows[at - 1]
        why = "the text says %s, but the SIDs behind it could not be read" % before.sid
        doubted[at - 1] = replace(before, sid=None, why=why)
    return doubted, ""


def user_entry(user: Optional[PartialGroup], unread: Optional[Unreadable], doubt: str) -> Maybe[Group]:
    """The first entry of UserAndGroups; its attributes are never printed."""
    if user is None:
        return unread or NOT_SAID_HERE
    if doubt:
        return HalfGroup(0, "doubtful: the text says %s, but %s" % (user.sid, doubt))
    return user.entry


def user_and_groups(
    user: Maybe[Group], rows: List[GroupRow], ends: Ends, apart: int, started: bool
) -> Tuple[Maybe[Group], ...]:
    """UserAndGroups out of the user's line, the list, and the `apart` last rows, which were printed elsewhere."""
    inside, behind = rows[: len(rows) - apart], rows[len(rows) - apart :]
    listed = group_entries(inside, ends) if started else Fragment((), "the text has no list of groups")
    entries = (user, *listed, *(row.entry for row in behind))
    return Fragment(entries, listed.why) if isinstance(listed, Fragment) else entries


def partial_groups(rows: List[GroupRow]) -> Tuple[PartialGroup, ...]:
    """The rows that have a SID, as every view gives them."""
    return tuple(PartialGroup(row.sid, row.attributes, row.name, row.index) for row in rows if row.sid is not None)


def group_attributes(row: GroupRow, text: str) -> Tuple[GroupRow, str]:
    """The row with the attributes that these words are, and the first word that nobody knows."""
    value, strange = labels.attribute_bits(text)
    return replace(row, attributes=value), strange


def privilege_row(
    view: str, index: Optional[int], number: Optional[int], name: str, words: Optional[str], joined: bool
) -> Tuple[PrivilegeRow, str]:
    """A row out of what stands in it, and what of it is not to be believed ("" if all is)."""
    make = _privilege_row if len(words or "") <= _SHORT else _privilege_row.__wrapped__
    return make(view, index, number, name, words, joined)


_SHORT = 100  # what is longer is not worth keeping


@lru_cache(4096)  # the same few dozens in each token of a log
def _privilege_row(
    view: str, index: Optional[int], number: Optional[int], name: str, words: Optional[str], joined: bool
) -> Tuple[PrivilegeRow, str]:
    problem = ""
    if name.lower().startswith("unknown"):
        # The extension knows fewer than the kernel has: the number is what counts.
        name = NAMES.get(number, "privilege %d" % number) if number is not None else name
    if number is None:
        number = NUMBERS.get(name)
    elif NAMES.get(number, name) != name:
        problem = "the text calls privilege 0x%x %s" % (number, name)
        number = None
    if words is None:
        nothing = NotSaid(view)
        return PrivilegeRow(index, number, name, nothing, nothing, joined), problem
    # A whole word at a margin is that word: none of these begins as another one does.
    said = words.replace(",", " ").replace("\u2026", " \u2026").lower().split()
    strange = sorted(set(said).difference(_STATES))
    remark = next((at for at, word in enumerate(said) if word in strange and not _is_damaged(word)), len(said))
    known = set(said[:remark])
    unknown = Unreadable(0, "attribute words not known: %r" % words.strip()) if strange else None
    enabled: Maybe[bool] = True if "enabled" in known else unknown or False
    default: Maybe[bool] = True if "default" in known else unknown or False
    return PrivilegeRow(index, number, name, enabled, default, joined), problem or " ".join(strange)


def _is_damaged(word: str) -> bool:
    """Whether a word that is not known may be one of the states, with letters lost; else it is somebody's remark."""
    letters = [c for c in word if c.isascii() and c.isalpha()]
    for state in _STATES:
        rest = iter(state)
        if len(letters) > 2 and all(c in rest for c in letters):
            return True
    return False


def privileges_of_rows(rows: List[PrivilegeRow], ends: Ends) -> Maybe[Tuple[Privilege, ...]]:
    """The rows as `Token.privileges`; a Fragment where there may be more, NotSaid where none is told.

    `!token` prints them in ascending order, numbered by their LUIDs (before Vista, and in user mode, by rank): a gap
    between two rows that stand one below the other is an absence.
    """
    good = {row.number: row for row in rows if row.understood and row.number is not None}
    found = tuple(
        Privilege(number, NAMES.get(number, row.name), True, row.enabled is True, row.default is True)
        for number, row in sorted(good.items())
    )
    twice = len(good) != sum(row.understood for row in rows)
    by_rank = any(row.index is not None and row.index != row.number for row in rows if row.number is not None)
    numbers = [row.number for row in rows if row.number is not None]
    ordered = not twice and (
        [row.index for row in rows] == list(range(len(rows))) if by_rank else numbers == sorted(numbers)
    )
    joined = all(row.joined for row in rows)
    if ordered and ends.begun and ends.ended and joined and not ends.torn and len(good) == len(rows):
        return found
    if not rows:
        return NotSaid("!token")
    notes = tuple("%s: %s" % (row.name, _why(row)) for row in rows if not row.understood)
    why = ends.torn or (
        "its rows are not in order"
        if not ordered
        else "its beginning is not in the text"
        if not ends.begun
        else "its end is not in the text"
        if not ends.ended
        else "a row in it was not understood"
        if notes
        else "lines in it were not understood"
    )
    covers = () if by_rank or not ordered else _covered(rows, ends)
    if not found:
        return Unreadable(0, "; ".join(notes[:3]) or why)
    return Fragment(found, why, notes, covers)


def _why(row: PrivilegeRow) -> str:
    if row.number is None:
        return "its number and name do not agree" if row.name in NUMBERS else "no number is known of it"
    value = row.enabled if isinstance(row.enabled, Missing) else row.default
    return value.reason if isinstance(value, Unreadable) else "its attributes are not in the text"


def _covered(rows: List[PrivilegeRow], ends: Ends) -> Tuple[Tuple[int, int], ...]:
    """The stretches of numbers in which the list is whole."""
    stretches: List[Tuple[int, int]] = []
    start: Optional[int] = 0 if ends.begun else None
    last: Optional[int] = None
    for row in rows:
        if not row.joined or row.number is None:
            start = None
        if row.number is None:
            last = None
            continue
        if start is not None and start < row.number:
            stretches.append((start, row.number - 1))
        if row.understood:
            stretches.append((row.number, row.number))
        start = last = row.number + 1
    if last is not None and ends.ended:
        stretches.append((last, 63))
    return tuple(stretches)


def partial_privileges(rows: List[PrivilegeRow]) -> Tuple[PartialPrivilege, ...]:
    """The rows as every view gives them."""
    return tuple(PartialPrivilege(row.name, row.number, row.enabled, row.default) for row in rows)
