"""A token put together row by row from whoami's output."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Set, Tuple

from kdtoken.model import group as groups
from kdtoken.model.absent import Maybe, NotSaid, Unreadable
from kdtoken.model.privilege import NUMBERS
from kdtoken.model.sid import Sid
from kdtoken.view.lines import Line
from kdtoken.view.partial import (
    PartialGroup,
    PartialPrivilege,
    PartialToken,
    TextPlace,
    entries_of,
    label_index,
    partial_token,
    privileges_field,
)
from kdtoken.view.whoami.words import attributes_of, state_of

VIEW = "whoami"
USER, GROUPS, PRIVILEGES = "user", "groups", "privileges"

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
        self.incomplete: List[str] = []
        self.not_understood: List[Line] = []
        # Lists that are over: rows of that kind that come later are another token's.
        self.closed: Set[str] = set()
        self.kind = ""
        self._attributes_text = ""

    def begin(self, kind: str) -> None:
        """A row of this kind follows."""
        if kind != self.kind and self.kind:
            self.closed.add(self.kind)
        self.kind = kind

    def _place(self, name: str, line: Line) -> None:
        self.places.setdefault(name, TextPlace(self.file, line.number))

    def cut(self, line: Line, section: str) -> None:
        """The author left lines out here."""
        self.problems.append("line %d: lines are left out here" % line.number)
        self.incomplete.append({GROUPS: "user_and_groups", PRIVILEGES: "privileges"}.get(section, "the rest"))

    def user_row(self, sid: Sid, name: str, line: Line) -> bool:
        if self.user is not None:
            self.problems.append("line %d: a second user, %s" % (line.number, sid))
            return False
        self.user = PartialGroup(sid, 0, name.strip())
        self.names.setdefault(sid, name.strip())
        self._place("user", line)
        self.closed.add(USER)
        return True

    def group_row(self, sid: Sid, name: str, text: str, line: Line) -> bool:
        value: Maybe[int]
        if sid.is_integrity_label and not text.strip():
            # whoami leaves the column empty; a label in a token always has these (winnt.h SE_GROUP_INTEGRITY).
            value = _LABEL
        elif not text.strip():
            value = NotSaid(VIEW)
        else:
            value = attributes_of(text)
        self.groups.append(PartialGroup(sid, value, name.strip()))
        if name.strip():
            self.names.setdefault(sid, name.strip())
        self._attributes_text = text
        self._place("groups.%s" % sid, line)
        return not isinstance(value, Unreadable) or text.rstrip().endswith(",")

    @property
    def waits_for_attributes(self) -> bool:
        return bool(self.groups) and (
            isinstance(self.groups[-1].attributes, (NotSaid, Unreadable))
            or self._attributes_text.rstrip().endswith(",")
        )

    def attributes_row(self, text: str, line: Line) -> bool:
        """More attributes of the last group."""
        last = self.groups.pop()
        return self.group_row(last.sid, last.name, "%s %s" % (self._attributes_text, text), line)

    def privilege_row(self, name: str, word: str, line: Line) -> bool:
        state = state_of(word) if word.strip() else None
        enabled: Maybe[bool] = NotSaid(VIEW) if not word.strip() else Unreadable(0, "state word not known: %r" % word)
        if state is not None:
            enabled = state
        self.privileges.append(PartialPrivilege(name, NUMBERS.get(name), enabled, NotSaid(VIEW)))
        self._place("privileges.%s" % name, line)
        return not isinstance(enabled, Unreadable)

    @property
    def waits_for_state(self) -> bool:
        return bool(self.privileges) and not isinstance(self.privileges[-1].enabled, bool)

    def state_row(self, word: str, line: Line) -> bool:
        """The state of the last privilege, on a line of its own."""
        last = self.privileges.pop()
        return self.privilege_row(last.name, word, line)

    def logon_row(self, sid: Sid, line: Line) -> bool:
        # /logonid prints only the SID; that it has this attribute is what makes it the logon SID (winnt.h).
        if self.logon is not None:
            return False
        self.logon = PartialGroup(sid, groups.LOGON_ID)
        self._place("logon_sid", line)
        return True

    def finished(self) -> PartialToken:
        """The token that the rows told of."""
        fields: Dict[str, Any] = {}
        listed: Tuple[PartialGroup, ...] = tuple(self.groups) + ((self.logon,) if self.logon else ())
        if self.user or listed:
            user = self.user.entry if self.user else Unreadable(0, "the text has no user")
            entries = (user,) + entries_of(listed)
            if not self.groups:
                entries += (Unreadable(0, "the text has no list of groups"),)
                self.incomplete.append("user_and_groups")
            fields["user_and_groups"] = entries
            index = label_index(entries)
            if index is not None:
                fields["integrity_level_index"] = index
        if self.privileges:
            fields["privileges"] = privileges_field(VIEW, tuple(self.privileges))
        return PartialToken(
            VIEW,
            partial_token(VIEW, 0, fields, tuple(self.problems)),
            self.places,
            tuple(self.not_understood),
            ((self.user,) if self.user else ()) + listed,
            privileges=tuple(self.privileges),
            incomplete=tuple(dict.fromkeys(self.incomplete)),
            never_shown=NEVER_SHOWN,
            names=self.names,
        )
