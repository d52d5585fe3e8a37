"""What every view gives back: a Token with holes, where each value stood, and what was not understood."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model import group as groups
from kdtoken.model.absent import NOT_SAID_HERE, Maybe, Missing, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.privilege import NUMBERS, Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import FIELD_NAMES, Token
from kdtoken.view.lines import Line

# A token has at most some 1,024 groups (learn.microsoft.com "MaxTokenSize", and "Logging on a user account fails" of
# over 1,010) and 64 privileges: an index far past that is noise, and rows past it are no token's list.
MOST_ROWS = 4096
# Of one text, some 8 KB each until they are shown: a log of all processes has two a process.
MOST_TOKENS = 1 << 15
MOST_SIDS = 1 << 18  # in all their lists together, some 1,000 bytes each with their lines
TOO_MANY = "it has over %d rows, and no token's list has: what follows is not kept" % MOST_ROWS


class TextPlace(NamedTuple):
    """Where a value stood: the file's name as the caller gave it, and the line, from 1.  A tuple, like Line."""

    file: str
    line: int

    def __str__(self) -> str:
        return "%s:%d" % (self.file, self.line)


@dataclass(frozen=True)
class PartialGroup:
    """A SID as a view lists it, whether or not all about it was understood.

    name        the text's own name for it, as it stands there; empty where there is none
    attributes  Unreadable, with the words as the reason, when any of them is not known
    index       the number the text gives it, -1 where it gives none
    """

    sid: Sid
    attributes: Maybe[int]
    name: str = ""
    index: int = -1

    @property
    def entry(self) -> Maybe[Group]:
        """The same for `Token.user_and_groups`: the model has no group with attributes unknown."""
        if isinstance(self.attributes, NotSaid):
            return HalfGroup(0, "it is listed, its attributes are not", sid=self.sid)
        if isinstance(self.attributes, Missing):
            why = self.attributes.reason if isinstance(self.attributes, Unreadable) else str(self.attributes)
            return HalfGroup(0, why, sid=self.sid)
        return Group(self.sid, self.attributes)


@dataclass(frozen=True)
class PartialPrivilege:
    """A privilege as a view lists it; `enabled` is Unreadable, with the word as reason, when that is not known.

    enabled_by_default  NotSaid where the view never tells it
    """

    name: str
    number: Optional[int]
    enabled: Maybe[bool]
    enabled_by_default: Maybe[bool]


@dataclass(frozen=True)
class PartialToken:
    """A token as one view tells it.

    token           fields the view does not tell are NotSaid; the address is 0 where none is given
    places          field, or `privileges.SeXxx`, `groups.SID`, and so on -> where it stood
    not_understood  lines of this token's part of the text that nothing here knew
    groups          all SIDs listed, the user first; `privileges` likewise.  They hold what the Token's own fields
                    cannot: entries of which only a part is known
    incomplete      fields of which the text shows a part only: its author cut lines, or it ends there
    never_shown     what this view never shows, or shows as something else, for whoever compares
    names           the view's own names for SIDs
    process         EPROCESS address of the process whose primary token the text says this is; 0 where it does not
    """

    view: str
    token: Token
    places: Mapping[str, TextPlace]
    not_understood: Tuple[Line, ...] = ()
    groups: Tuple[PartialGroup, ...] = ()
    restricted: Tuple[PartialGroup, ...] = ()
    capabilities: Tuple[PartialGroup, ...] = ()
    privileges: Tuple[PartialPrivilege, ...] = ()
    incomplete: Tuple[str, ...] = ()
    never_shown: Tuple[str, ...] = ()
    names: Mapping[Sid, str] = field(default_factory=dict)
    process: int = 0

    @property
    def logon_sid(self) -> Optional[Sid]:
        """The logon session's SID, if the view lists it."""
        return next((one.sid for one in self.groups if one.sid.is_logon_sid), None)


def refuse_more_tokens(tokens: int, sids: int, file: str) -> None:
    """Raises BadFormat where a text tells of more tokens, or lists more SIDs in them, than memory is for."""
    if tokens > MOST_TOKENS or sids > MOST_SIDS:
        what = "over %d tokens" % MOST_TOKENS if tokens > MOST_TOKENS else "over %d groups of tokens" % MOST_SIDS
        raise BadFormat(
            "%s tells of %s, which is too much to be read at once" % (file, what),
            file,
            "choose lines of it: FILE:FIRST-LAST, or cut the file",
        )


def partial_token(view: str, address: int, known: Mapping[str, Any], problems: Tuple[str, ...] = ()) -> Token:
    """A Token of the fields in `known`; all others are NotSaid."""
    values: Dict[str, Any] = dict.fromkeys(FIELD_NAMES, NotSaid(view))
    for name, value in known.items():
        if name not in values:
            raise KeyError(name)
        values[name] = value
    return Token(address=address, problems=problems, **values)


def entries_of(listed: Tuple[PartialGroup, ...], first: int = 0) -> Tuple[Maybe[Group], ...]:
    """`listed` as entries of a list that starts with number `first`.

    Numbers left out by whoever cut the text are filled with NotSaid, so that an index into the kernel's list
    is one into this; numbers that do not go up are not believed.
    """
    entries: List[Maybe[Group]] = []
    for one in listed:
        if len(entries) + first < one.index < MOST_ROWS:
            entries += [NOT_SAID_HERE] * (one.index - len(entries) - first)
        entries.append(one.entry)
    return tuple(entries)


def label_index(entries: Tuple[Maybe[Group], ...]) -> Optional[int]:
    """Which entry is the integrity label: the one with its attribute, or else with its kind of SID."""
    found = None
    for index, entry in enumerate(entries):
        if isinstance(entry, Group) and entry.sid.is_integrity_label:
            if entry.attributes & groups.INTEGRITY:
                return index
            found = index if found is None else found
        elif isinstance(entry, HalfGroup) and entry.label is not None:
            found = index if found is None else found
    return found


def privileges_field(view: str, listed: Tuple[PartialPrivilege, ...]) -> Maybe[Tuple[Privilege, ...]]:
    """`listed` as `Token.privileges`, by number; Unreadable as a whole if any state is not known.

    The model has no privilege with its state unknown, and leaving one out would say that the token lacks it.
    Where the view never says what is enabled by default, that is None.
    """
    found: Dict[int, Privilege] = {}
    for one in listed:
        if isinstance(one.enabled, Missing):
            return Unreadable(0, "%s: %s" % (one.name, one.enabled))
        number = one.number if one.number is not None else NUMBERS.get(one.name)
        if number is None or not 0 <= number < 64:
            return Unreadable(0, "%s has no number that is known" % one.name)
        default = one.enabled_by_default
        found[number] = Privilege(number, one.name, True, one.enabled, default if isinstance(default, bool) else None)
    return tuple(found[number] for number in sorted(found))
