"""A token put together line by line from `!token`'s output: what each label and row means.

Attribute words are the debugger's own; their bits are winnt.h SE_GROUP_* and SE_PRIVILEGE_*.
"""

from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from kdtoken.model import group as groups
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.sid import Sid
from kdtoken.view.debugger import token_labels as labels
from kdtoken.view.debugger.token_lists import (
    Ends,
    GroupRow,
    PrivilegeRow,
    group_attributes,
    lists_in_part,
    lost_between,
    partial_groups,
    partial_privileges,
    privilege_row,
    privileges_of_rows,
    put_counted_lists,
    user_and_groups,
    user_entry,
    with_doubt,
    without_absences,
)
from kdtoken.view.lines import Line
from kdtoken.view.partial import MOST_ROWS, TOO_MANY, PartialGroup, PartialToken, TextPlace, label_index, partial_token
from kdtoken.view.words import has_facts, hexadecimal, is_cut_sid, luid_of, sid_of, unbracketed


class TokenBuilder:
    """Values of one token as its lines come by.  Methods say whether they understood all they were given."""

    def __init__(self, view: str, file: str, address: int, line: Line) -> None:
        self.view, self.file, self.address, self.process = view, file, address, 0
        self.fields: Dict[str, Any] = {}
        self.places: Dict[str, TextPlace] = {}
        self.lists: Dict[str, List[GroupRow]] = {
            name: [] for name in (labels.GROUPS, labels.RESTRICTED, labels.CAPABILITIES, labels.UNKNOWN)
        }
        self.ends: Dict[str, Ends] = {name: Ends() for name in labels.FIELD_OF}
        self.privileges: List[PrivilegeRow] = []
        self.user: Optional[PartialGroup] = None
        self.names: Dict[Sid, str] = {}
        self.section, self.rank = "", -1
        self.labels: List[str] = []
        self.problems: List[str] = []
        self.incomplete: List[str] = []
        self.not_understood: List[Line] = []
        # Whether the line before was this token's and understood; what it was: a heading, a row, its attributes.
        self.joined, self.last, self.last_field = True, "", ""
        # A SID that ends in "-" goes on in the next line: (where to put it, its beginning, its line).
        self.split_sid: Optional[Tuple[str, str, Line]] = None
        self.unread_at: Optional[int] = None  # what the debugger could not read: the next line says it again
        self.thinned = False  # whether lines are missing, with no mark of it
        if address:
            self._place("address", line)

    def _place(self, name: str, line: Line) -> None:
        self.places.setdefault(name, TextPlace(self.file, line.number))

    def _set(self, name: str, value: Any, line: Line) -> bool:
        if name in self.fields and self.fields[name] != value:
            self.problem("%s is given twice" % name, line)
            self.fields[name] = Unreadable(0, "the text gives two")
            return False
        self.fields[name] = value
        self.last_field = name
        self._place(name, line)
        return True

    def follows(self, label: str) -> bool:
        """Whether this label may come here: each comes once, and none of the first behind the last."""
        rank = labels.RANK.get(label, -1)
        if label in self.labels:
            return rank < 0 or (label in labels.TWICE and self.labels.count(label) == 1)
        return rank > self.rank or not self.complete

    @property
    def complete(self) -> bool:
        """Whether the lines that come last in a token's output were seen."""
        return any(one in self.labels for one in labels.LAST)

    def problem(self, text: str, line: Line) -> None:
        self.problems.append("line %d: %s" % (line.number, text))

    def foreign(self, why: str) -> None:
        """A line that is not this token's, or not understood: what lies around it is torn."""
        self.joined = False
        if self.section in self.ends and not self.ends[self.section].torn:
            self.ends[self.section].torn = why

    def cut(self, line: Line) -> None:
        """The author left lines out here."""
        self.problem("lines are left out here", line)
        self.incomplete.append(labels.FIELD_OF.get(self.section, "the rest"))
        self.foreign("lines are left out in it (line %d)" % line.number)

    def is_full(self) -> bool:
        """Whether the open list has as many rows as are kept; then it is marked as a part, and this row passed over."""
        rows: Sequence[object] = self.privileges if self.section == labels.PRIVILEGES else self.lists[self.section]
        if len(rows) >= MOST_ROWS:
            self.foreign(TOO_MANY)
            self.last = "full"
        return len(rows) >= MOST_ROWS

    def row(self, index: int, text: str, rest: str, line: Line) -> bool:
        """A numbered SID of a list, and what stands behind it."""
        if is_cut_sid(text):
            # With dots or the like behind it, somebody else cut it.
            self.split_sid = None if rest.strip() else ("row %d %s" % (index, self.section), text, line)
            return not rest.strip()
        sid = sid_of(text)
        if sid is None:
            return False
        self.split_sid = None
        name, understood = self._name(sid, rest)
        above = self.lists[self.section][-1:] if self.joined else []
        self.thinned = self.thinned or lost_between(above, self.last == "row", index)
        self.lists[self.section].append(GroupRow(index, sid, NotSaid(self.view), name, joined=self._joins(line)))
        self._place("%s.%s" % (self.section, sid), line)
        self.last = "row"
        return understood

    def unread_row(self, index: int, address: int, why: str, line: Line) -> bool:
        """A row in which the debugger says that it could not read the SID."""
        joined, nothing = self._joins(line), NotSaid(self.view)
        self.lists[self.section].append(GroupRow(index, None, nothing, why=why, address=address, joined=joined))
        self.unread_at, self.last = address, "row"
        return True

    def _joins(self, line: Line) -> bool:
        """Whether a row of the open list stands right below what came before it in the list."""
        joined, self.joined = self.joined, True
        return joined

    def finish_sid(self, rest: str, line: Line) -> bool:
        """The second half of a SID that a line's end had cut."""
        if self.split_sid is None:
            return False
        (where, start, _), self.split_sid = self.split_sid, None
        if not where.startswith("row "):
            return self.label(where, start + rest, line)
        _, index, self.section = where.split(" ")
        return self.row(int(index), start + rest, "", line)

    def attributes(self, text: str, line: Line) -> bool:
        """The attribute words of the row before."""
        if self.last == "full":
            return True
        if self.section == labels.PRIVILEGES and self.privileges:
            last = self.privileges[-1]
            if self.last != "row" or not self.joined or isinstance(last.enabled, bool):
                return False
            self.joined = self.privileges.pop().joined
            return self.privilege(last.index, last.number, last.name, text, line)
        listed = self.lists.get(self.section)
        if not (listed and self.last == "row" and self.joined):
            return False
        listed[-1], strange = group_attributes(listed[-1], text)
        self.last, self.joined = "strange" if strange else "attributes", True
        if strange:
            self.problem("unknown attribute %r of %s" % (strange, listed[-1].sid), line)
        return not strange

    def more_attributes(self, text: str, line: Line) -> bool:
        """Attribute words alone on a line: a console's width broke them off the line before."""
        words = set(text.lower().split())
        if not words or not words <= labels.GROUP_WORDS.keys():
            return False
        if self.last == "full" or not self.joined:
            return self.last == "full"
        if self.section == labels.PRIVILEGES and self.privileges and self.last == "row":
            last = self.privileges[-1]
            if isinstance(last.enabled, bool) or last.default is True:
                before = ("Enabled " if last.enabled is True else "") + ("Default " if last.default is True else "")
                self.joined = self.privileges.pop().joined
                return self.privilege(last.index, last.number, last.name, before + text, line)
        listed = self.lists.get(self.section)
        if listed and self.last == "attributes" and isinstance(listed[-1].attributes, int):
            more, _ = labels.attribute_bits(text)
            if isinstance(more, int):
                listed[-1] = replace(listed[-1], attributes=listed[-1].attributes | more)
                return True
        return False

    def doubt_last(self, why: str) -> None:
        """What follows shows that the line before may have gone on: words that it lacks may have stood there."""
        if self.section == labels.PRIVILEGES and self.privileges and self.last == "row":
            row, doubt = self.privileges[-1], Unreadable(0, why)
            self.privileges[-1] = replace(row, enabled=row.enabled or doubt, default=row.default or doubt)
        elif self.last == "label" and self.last_field:
            said = self.user.sid if self.user and self.last_field == "user" else self.fields[self.last_field]
            self.fields[self.last_field] = Unreadable(0, "%s (%s)" % (why, said))
            self.user = None if self.last_field == "user" else self.user
        elif self.last == "row" and self.lists.get(self.section):
            one = self.lists[self.section][-1]
            self.lists[self.section][-1] = replace(one, sid=None, why="%s (%s)" % (why, one.sid)) if one.sid else one
        elif self.last == "attributes" and self.lists.get(self.section):
            listed = self.lists[self.section]
            listed[-1] = replace(listed[-1], attributes=Unreadable(0, why))

    def privilege(
        self, index: Optional[int], number: Optional[int], name: str, words: Optional[str], line: Line
    ) -> bool:
        """A row of `Privs:`; `words` is None when the row ends before its attributes."""
        row, problem = privilege_row(self.view, index, number, name, words, self._joins(line))
        if problem:
            self.problem(problem if " " in problem else "unknown attribute %r of %s" % (problem, name), line)
        self.privileges.append(row)
        self._place("privileges.%s" % row.name, line)
        self.last = "row"
        return row.understood or words is None

    def _name(self, sid: Sid, rest: str) -> Tuple[str, bool]:
        """The name behind a SID, and whether that is all that stands there; a name that lost its end is none."""
        name, rest = unbracketed(rest), rest.strip()
        if name != rest and name and name.count("(") == name.count(")"):
            if name != "no name mapped":
                self.names.setdefault(sid, name)
            return name, not has_facts(rest)
        return "", not any(c.isalnum() for c in rest)

    # --- labels ---

    def label(self, label: str, value: str, line: Line) -> bool:
        """A label (lower case, no blanks) and what follows it up to the next one."""
        self._close(label)
        self.labels.append(label)
        self.rank = max(self.rank, labels.RANK.get(label, -1))
        self.last, self.joined, self.last_field = "label", True, ""
        if label in labels.SECTIONS and (not value or label in ("groups", "usergroups", "usersgroups")):
            self._header(labels.SECTIONS[label])
            return not value
        if label.startswith("pr") and label not in labels.SIDS:
            self._header(labels.PRIVILEGES)
            return not value
        self.section = ""
        if label == "user":
            return self._user(value, line)
        if label in labels.SIDS:
            return self._sid_field(label, value, line)
        if label in labels.LUIDS:
            luid = luid_of(value)
            return luid is not None and self._set(labels.LUIDS[label], luid, line)
        if label in labels.COUNTS:
            return value.isdecimal() and len(value) < 7 and self._set(labels.COUNTS[label], int(value), line)
        if label in ("restrictedsids", "capabilities"):
            return hexadecimal(value) is not None
        return self._word(label, value, line)

    def _header(self, section: str) -> None:
        self.section, self.last = section, "header"
        if section in self.ends:
            self.ends[section].begun = True
            self.joined = True

    def _close(self, label: str) -> None:
        """The label that comes behind a list: the list's end, if it is the one that comes there in every output."""
        if self.section == labels.UNKNOWN:
            whose = [name for name, closing in labels.CLOSED_BY.items() if label in closing and name in self.lists]
            if not whose:
                return
            self.section = whose[0]
            self.lists[self.section] = self.lists.pop(labels.UNKNOWN)
            self.lists[labels.UNKNOWN] = []
        ends = self.ends.get(self.section)
        if ends is None:
            return
        if label in labels.CLOSED_BY[self.section] and self.joined:
            ends.ended = True
        elif not ends.torn:
            ends.torn = "lines behind its last row are missing"

    def _user(self, value: str, line: Line) -> bool:
        found = labels.SID_AND_REST.match(value)
        if not found:
            return False
        if is_cut_sid(found.group(1)):
            self.split_sid = None if found.group(2).strip() else ("user", found.group(1), line)
            return not found.group(2).strip()
        sid = sid_of(found.group(1))
        if sid is None or self.user is not None:
            return False
        name, understood = self._name(sid, found.group(2))
        self.user = PartialGroup(sid, 0, name)
        self._place("user", line)
        self.last_field = "user"
        return understood

    def _sid_field(self, label: str, value: str, line: Line) -> bool:
        if value.lower() in ("(null)", "null", "none", "<null>"):
            return self._set(labels.SIDS[label], None, line)
        found = labels.SID_AND_REST.match(value)
        if found and is_cut_sid(found.group(1)):
            self.split_sid = None if found.group(2).strip() else (label, found.group(1), line)
            return not found.group(2).strip()
        sid = sid_of(found.group(1)) if found else None
        if sid is None or found is None:
            if not has_facts(value) and value:
                # The user-mode form prints which call failed.
                self.problem("%s: %s" % (label, value), line)
                return label == "processtrustlabel"
            return False
        understood = self._name(sid, found.group(2))[1]
        return self._set(labels.SIDS[label], sid, line) and understood

    def unread_sid(self, label: str, address: int, why: str, line: Line) -> bool:
        """A label behind which the debugger says that it could not read the SID."""
        self._close(label)
        self.labels.append(label)
        self.rank = max(self.rank, labels.RANK.get(label, -1))
        self.section, self.last, self.unread_at = "", "label", address
        if label == "user":
            self.fields["user"] = Unreadable(address, why)
        elif label in labels.SIDS:
            self.fields[labels.SIDS[label]] = Unreadable(address, why)
        return label == "user" or label in labels.SIDS

    def _word(self, label: str, value: str, line: Line) -> bool:
        if label == "tokenflags":
            return self._flags(value, line)
        if label == "integritylevel":
            return self._integrity(value, line)
        if label in labels.NOT_KEPT:
            self.problem("%s: %s (not kept)" % (label, value), line)
            return not has_facts(value)
        name, number, whole = labels.word(label, value) or ("", None, False)
        return (not name or self._set(name, number, line)) and whole

    def _integrity(self, value: str, line: Line) -> bool:
        """The user-mode form prints the label apart from the groups."""
        found = labels.SID_AND_REST.match(value)
        sid = sid_of(found.group(1)) if found else None
        if sid is None or found is None:
            return False
        name, understood = self._name(sid, found.group(2))
        self.lists[labels.GROUPS].append(GroupRow(-1, sid, groups.INTEGRITY | groups.INTEGRITY_ENABLED, name))
        self._place("integrity", line)
        return understood

    def _flags(self, value: str, line: Line) -> bool:
        number, _, rest = value.partition(" ")
        flags = hexadecimal(number)
        if flags is None or flags >= 1 << 32:
            return False
        understood = self._set("flags", flags, line)
        found = labels.IN_USE.search(rest)
        if found:
            self._set("in_use", 0 if found.group(1) else 1, line)
            rest = rest.replace(found.group(), "")
        return understood and not rest.strip()

    def finished(self) -> PartialToken:
        """The token that the lines showed."""
        fields = self.fields
        lists, doubt = dict(self.lists), ""
        if lists[labels.UNKNOWN]:
            self.incomplete.append("the rest")
        lists[labels.GROUPS], doubt = with_doubt(lists[labels.GROUPS], self.user)
        for others in (labels.RESTRICTED, labels.CAPABILITIES):
            lists[others] = with_doubt(lists[others], None)[0]
        started = self.ends[labels.GROUPS].begun or bool(lists[labels.GROUPS])
        unread = fields.pop("user", None)
        if self.user or unread or started:
            # The label of the user-mode form is in no list.
            apart = 1 if "integritylevel" in self.labels else 0
            first = user_entry(self.user, unread, doubt)
            entries = user_and_groups(first, lists[labels.GROUPS], self.ends[labels.GROUPS], apart, started)
            fields["user_and_groups"] = entries
            index = label_index(entries)
            if index is not None:
                fields.setdefault("integrity_level_index", index)
        ends = self.ends[labels.PRIVILEGES]
        if self.thinned:
            self.privileges = without_absences(self.privileges, ends)
        if ends.begun or self.privileges:
            fields["privileges"] = privileges_of_rows(self.privileges, ends)
        put_counted_lists(fields, lists, self.ends)
        incomplete = lists_in_part(fields, self.incomplete, ends.begun)
        user = None if doubt else self.user
        return PartialToken(
            self.view,
            partial_token(self.view, self.address, fields, tuple(self.problems)),
            self.places,
            tuple(self.not_understood),
            ((user,) if user else ()) + partial_groups(lists[labels.GROUPS]),
            partial_groups(lists[labels.RESTRICTED]),
            partial_groups(lists[labels.CAPABILITIES]),
            partial_privileges(self.privileges),
            tuple(dict.fromkeys(incomplete + ["the rest"] * ("the rest" in self.incomplete))),
            labels.NEVER_SHOWN,
            self.names,
            self.process,
        )
