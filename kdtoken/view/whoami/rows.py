"""A token put together row by row from whoami's output."""

import re
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from kdtoken.model import group as groups
from kdtoken.model.absent import NOT_SAID_HERE, Fragment, Maybe, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import NUMBERS, Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import name_of
from kdtoken.view.lines import Line
from kdtoken.view.partial import (
    MOST_ROWS,
    TOO_MANY,
    PartialGroup,
    PartialPrivilege,
    PartialToken,
    TextPlace,
    label_index,
    partial_token,
)
from kdtoken.view.whoami.words import attributes_of, state_of, was_repaired

VIEW = "whoami"
USER, GROUPS, PRIVILEGES = "user", "groups", "privileges"
# What Windows allows in a name ("User name", learn.microsoft.com), the authority in front.
_NAME = re.compile(
    r"[^\\/\[\]:;|=,+*?<>\"\ufffd\u2026\u2500-\u25ff]{1,120}(?:\\[^\\/\[\]:;|=,+*?<>\"\ufffd\u2026\u2500-\u25ff]{1,120})?$"
)
_NAMED = (1, 2, 3, 5, 16)  # authorities whose SIDs Windows names itself
_DOMAIN = 21  # S-1-5-21: accounts that people name ([MS-DTYP] 2.4.2.4)
_FIELD_OF = {GROUPS: "user_and_groups", PRIVILEGES: "privileges"}

NEVER_SHOWN = (
    "user_and_groups: the logon SID is not listed (only /logonid prints it), nor is the primary group as such",
    "user_and_groups[0].attributes: not printed",
    "integrity label: printed without its attributes",
    "privileges.enabled_by_default: not printed; removed privileges are not listed",
    "the whole: whoami is a process of its own, with a copy of the token of whoever started it",
)
_LABEL = groups.INTEGRITY | groups.INTEGRITY_ENABLED


@dataclass(frozen=True)
class WhoamiTexts:
    """All tokens a text tells of.  Another command in between, or a second list of the same kind, begins a new one:
    nobody can tell from the text that both ran under the same token.

    claims  lines of the claims section, kept as they are: the model has no claims
    names   what plain `whoami` printed
    """

    tokens: Tuple[PartialToken, ...]
    commands: Tuple[Line, ...]
    names: Tuple[Line, ...]
    claims: Tuple[Line, ...]
    not_understood: Tuple[Line, ...]


@dataclass
class Part:
    """One list of a token: what was seen of its ends, and why it is torn, if it is."""

    begun: bool = False
    ended: bool = False
    torn: str = ""

    @property
    def why(self) -> str:
        """Why more may have stood in the list; empty where it is whole."""
        if self.torn:
            return self.torn
        if not self.begun:
            return "its beginning is not in the text"
        return "" if self.ended else "its end is not in the text"


class WhoamiBuilder:
    """Rows of one token.  Methods say whether they understood all of the row."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: Dict[str, TextPlace] = {}
        self.user: Optional[PartialGroup] = None
        self.groups: List[PartialGroup] = []
        self.privileges: List[PartialPrivilege] = []
        self.logon: Optional[PartialGroup] = None
        self.names: Dict[Sid, str] = {}
        self.problems: List[str] = []
        self.not_understood: List[Line] = []
        self.parts: Dict[str, Part] = {}
        self.kind = ""
        self.cut_left = False  # a left margin has cut its tables

    def takes(self, kind: str) -> bool:
        """Whether a list of this kind can be this token's: each comes once."""
        return kind not in self.parts

    def begin(self, kind: str, begun: bool) -> Part:
        """Rows of this kind follow; `begun` if what stands above the first of them was seen."""
        self.kind = kind
        if kind not in self.parts:
            self.parts[kind] = Part(begun)
        return self.parts[kind]

    def _place(self, name: str, line: Line) -> None:
        self.places.setdefault(name, TextPlace(self.file, line.number))

    def cut(self, line: Line, kind: str) -> None:
        """The author left lines out here."""
        self.problems.append("line %d: lines are left out here" % line.number)
        for part in [self.parts[kind]] if kind in self.parts else self.parts.values():
            if part.torn or not part.ended:
                part.torn = part.torn or "lines are left out in it (line %d)" % line.number

    def user_row(self, sid: Sid, name: str, line: Line) -> bool:
        """The user, who is never a label nor a logon session."""
        if sid.is_integrity_label or sid.is_logon_sid:
            return False
        if self.user is not None:
            self.problems.append("line %d: a second user, %s" % (line.number, sid))
            return False
        self.user = PartialGroup(sid, 0, self._named(sid, name))
        self._place("user", line)
        return True

    def _named(self, sid: Sid, name: str) -> str:
        """The name, if it can be one: letters that were lost make another of it."""
        name = name.strip()
        if not _NAME.match(name):
            return ""
        return self.names.setdefault(sid, name)

    def group_row(self, sid: Sid, name: str, text: str, line: Line, all_there: bool = True) -> bool:
        """A group with the words for its attributes; `all_there` if more words cannot have followed."""
        if self._is_full(GROUPS, self.groups, line):
            return True
        value: Maybe[int]
        if not all_there:
            value = Unreadable(0, "the words for its attributes may go on: %r" % text.strip())
        elif sid.is_integrity_label and not text.strip():
            # whoami leaves the column empty; a label in a token always has these (winnt.h SE_GROUP_INTEGRITY).
            value = _LABEL
        elif not text.strip():
            value = NotSaid(VIEW)
        else:
            value = attributes_of(text)
        self._note_repair(text, value, line)
        self.groups.append(PartialGroup(sid, value, self._named(sid, name)))
        self._place("groups.%s" % sid, line)
        return not isinstance(value, Unreadable)

    def _is_full(self, kind: str, rows: Sequence[object], line: Line) -> bool:
        """Whether a list has as many rows as are kept; then it is marked as a part, and the row is this token's still."""
        if len(rows) < MOST_ROWS:
            return False
        self.parts[kind].torn = self.parts[kind].torn or TOO_MANY
        self.not_understood.append(line)
        return True

    def _note_repair(self, text: str, value: object, line: Line) -> None:
        if isinstance(value, int) and was_repaired(text):
            self.problems.append(
                "line %d: %r has lost letters; only one known reading fits" % (line.number, text.strip())
            )

    @property
    def waits_for_attributes(self) -> bool:
        """Whether the last group's row may go on in the next line."""
        return 0 < len(self.groups) < MOST_ROWS and not isinstance(self.groups[-1].attributes, int)

    def attributes_row(self, text: str, line: Line) -> bool:
        """The attributes of the last group."""
        last = self.groups.pop()
        return self.group_row(last.sid, last.name, text, line)

    def privilege_row(self, name: str, word: str, line: Line) -> bool:
        """A privilege with the word for its state."""
        if self._is_full(PRIVILEGES, self.privileges, line):
            return True
        state = state_of(word) if word.strip() else None
        enabled: Maybe[bool] = NotSaid(VIEW) if not word.strip() else Unreadable(0, "state word not known: %r" % word)
        if state is not None:
            enabled = state
            self._note_repair(word, state, line)
        self.privileges.append(PartialPrivilege(name, NUMBERS.get(name), enabled, NotSaid(VIEW)))
        self._place("privileges.%s" % name, line)
        return not isinstance(enabled, Unreadable)

    @property
    def waits_for_state(self) -> bool:
        """Whether the last privilege's row may go on in the next line."""
        return 0 < len(self.privileges) < MOST_ROWS and not isinstance(self.privileges[-1].enabled, bool)

    def state_row(self, word: str, line: Line) -> bool:
        """The state of the last privilege, on a line of its own."""
        last = self.privileges.pop()
        return self.privilege_row(last.name, word, line)

    def doubt(self, kind: str, line: Line) -> None:
        """A line in a list was not understood: it may be the rest of the row above."""
        self.parts[kind].torn = self.parts[kind].torn or "lines in it were not understood (line %d)" % line.number
        why = Unreadable(0, "the line behind it was not understood")
        if kind == GROUPS and self.groups:
            last = self.groups.pop()
            self.names.pop(last.sid, None)
            self.groups.append(PartialGroup(last.sid, why, ""))
        elif kind == PRIVILEGES and self.privileges:
            one = self.privileges.pop()
            self.privileges.append(PartialPrivilege(one.name, one.number, why, one.enabled_by_default))

    def logon_row(self, sid: Sid, line: Line) -> bool:
        """What /logonid prints."""
        # Only the SID; that it has this attribute is what makes it the logon SID (winnt.h).
        if self.logon is not None:
            return False
        self.logon = PartialGroup(sid, groups.LOGON_ID)
        self._place("logon_sid", line)
        return True

    def _forget_cut_names(self) -> None:
        """Where a left margin took the beginning of one name that is known, it took that of them all."""
        for sid, name in [] if self.cut_left else self.names.items():
            whole, its = (name_of(sid) or "").lower(), name.lower()
            if its != whole and whole.endswith(its) and whole[: -len(its)][-1:] != "\\":
                break
            # Names that Windows itself gives begin with a capital in all languages that have any; that of the user is
            # printed in small letters.
            own = (
                sid.authority in _NAMED
                and sid.subauthorities[:1] != (_DOMAIN,)
                and (not self.user or sid != self.user.sid)
            )
            if own and name[:1].islower():
                break
        else:
            if not (self.cut_left and self.names):
                return
        self.problems.append("the beginnings of names are cut off: none is told")
        self.names.clear()
        self.groups = [replace(one, name="") for one in self.groups]
        self.user = replace(self.user, name="") if self.user else None

    def finished(self) -> PartialToken:
        """The token that the rows showed."""
        self._forget_cut_names()
        fields: Dict[str, Any] = {}
        incomplete: List[str] = []
        listed: Tuple[PartialGroup, ...] = tuple(self.groups) + ((self.logon,) if self.logon else ())
        if self.user or listed:
            user: Maybe[Group] = self.user.entry if self.user else NOT_SAID_HERE
            entries = (user,) + tuple(one.entry for one in listed)
            why = self.parts[GROUPS].why if GROUPS in self.parts else "the text has no list of groups"
            if why:
                incomplete.append("user_and_groups")
            # Also a list with both its ends lacks what whoami never lists.
            fields["user_and_groups"] = Fragment(entries, why or NEVER_SHOWN[0].partition(": ")[2])
            index = label_index(entries)
            if index is not None:
                fields["integrity_level_index"] = index
        if self.privileges:
            fields["privileges"] = self._privileges(incomplete)
        return PartialToken(
            VIEW,
            partial_token(VIEW, 0, fields, tuple(self.problems)),
            self.places,
            tuple(self.not_understood),
            ((self.user,) if self.user else ()) + listed,
            privileges=tuple(self.privileges),
            incomplete=tuple(incomplete),
            never_shown=NEVER_SHOWN,
            names=self.names,
        )

    def _privileges(self, incomplete: List[str]) -> Maybe[Tuple[Privilege, ...]]:
        """The privileges of which the state is known; a Fragment if there may be others."""
        found: Dict[int, Privilege] = {}
        notes = []
        for one in self.privileges:
            if one.number is None or not isinstance(one.enabled, bool):
                reason = one.enabled.reason if isinstance(one.enabled, Unreadable) else "its state is not in the text"
                notes.append("%s: %s" % (one.name, reason if one.number is not None else "no number is known of it"))
            elif one.number in found and found[one.number].enabled != one.enabled:
                notes.append("%s: the text gives it twice" % one.name)
                del found[one.number]
            else:
                found[one.number] = Privilege(one.number, one.name, True, one.enabled, None)
        held = tuple(found[number] for number in sorted(found))
        why = self.parts[PRIVILEGES].why or ("a row in it was not understood" if notes else "")
        if not why:
            return held
        incomplete.append("privileges")
        return Fragment(held, why, tuple(notes)) if held else Unreadable(0, "; ".join(notes[:3]) or why)
