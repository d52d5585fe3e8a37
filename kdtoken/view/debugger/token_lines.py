"""A token put together line by line from `!token`'s output: what each label and row means.

Attribute words are the debugger's own; their bits are winnt.h SE_GROUP_* and SE_PRIVILEGE_*.
"""

from typing import Any, Dict, List, Optional, Tuple

from kdtoken.model import group as groups
from kdtoken.model.absent import Maybe, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import NAMES
from kdtoken.model.sid import Sid
from kdtoken.view.debugger import token_labels as labels
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
from kdtoken.view.words import has_facts, hexadecimal, is_cut_sid, luid_of, sid_of, unbracketed


class TokenBuilder:
    """Values of one token as its lines come by.  Methods say whether they understood all they were given."""

    def __init__(self, view: str, file: str, address: int, line: Line) -> None:
        self.view, self.file, self.address = view, file, address
        self.fields: Dict[str, Any] = {}
        self.places: Dict[str, TextPlace] = {}
        self.lists: Dict[str, List[PartialGroup]] = {labels.GROUPS: [], labels.RESTRICTED: [], labels.CAPABILITIES: []}
        self.privileges: List[PartialPrivilege] = []
        self.user: Optional[PartialGroup] = None
        self.names: Dict[Sid, str] = {}
        self.section = ""
        self.headers: List[str] = []
        self.labels: List[str] = []
        self.problems: List[str] = []
        self.incomplete: List[str] = []
        self.not_understood: List[Line] = []
        # A SID that ends in "-" goes on in the next line: (where to put it, its beginning, its line).
        self.split_sid: Optional[Tuple[str, str, Line]] = None
        if address:
            self._place("address", line)

    def _place(self, name: str, line: Line) -> None:
        self.places.setdefault(name, TextPlace(self.file, line.number))

    def _set(self, name: str, value: Any, line: Line) -> bool:
        if name in self.fields and self.fields[name] != value:
            self.problem("%s is given twice" % name, line)
            return False
        self.fields[name] = value
        self._place(name, line)
        return True

    def has_label(self, label: str) -> bool:
        return label in self.labels

    @property
    def complete(self) -> bool:
        """Whether the lines that come last in a token's output were seen."""
        return any(one in self.labels for one in ("restrictedsidcount", "originatinglogonsession", "lowboxnumberentry"))

    def problem(self, text: str, line: Line) -> None:
        self.problems.append("line %d: %s" % (line.number, text))

    def cut(self, line: Line) -> None:
        """The author left lines out here."""
        self.problem("lines are left out here", line)
        what = {
            labels.PRIVILEGES: "privileges",
            labels.GROUPS: "user_and_groups",
            labels.RESTRICTED: "restricted_sids",
            labels.CAPABILITIES: "capabilities",
        }.get(self.section, "the rest")
        self.incomplete.append(what)

    # --- rows ---

    def row(self, index: int, text: str, rest: str, line: Line) -> bool:
        """A numbered SID of a list, and what stands behind it."""
        listed = self.lists[self.section]
        if is_cut_sid(text):
            self.split_sid = ("row %d %s" % (index, self.section), text, line)
            return not rest.strip()
        sid = sid_of(text)
        if sid is None:
            return False
        self.split_sid = None
        listed.append(PartialGroup(sid, NotSaid(self.view), self._name(sid, rest), index))
        self._place("%s.%s" % (self.section, sid), line)
        return not has_facts(rest)

    def finish_sid(self, rest: str, line: Line) -> bool:
        """The second half of a SID that a line's end had cut."""
        if self.split_sid is None:
            return False
        where, start, _ = self.split_sid
        self.split_sid = None
        if where.startswith("row "):
            _, index, self.section = where.split(" ")
            return self.row(int(index), start + rest, "", line)
        return self.label(where, start + rest, line)

    def attributes(self, text: str, line: Line) -> bool:
        """The attribute words of the row before."""
        if self.section == labels.PRIVILEGES and self.privileges:
            last = self.privileges.pop()
            return self.privilege(last.number, last.name, text, line)
        if self.section == "integrity" and self.lists[labels.GROUPS]:
            self.section = labels.GROUPS
        listed = self.lists.get(self.section)
        if not listed:
            return False
        if isinstance(listed[-1].attributes, int):
            return False
        last_group, (value, strange) = listed[-1], labels.attribute_bits(text)
        if strange:
            self.problem("unknown attribute %r of %s" % (strange, last_group.sid), line)
        listed[-1] = PartialGroup(last_group.sid, value, last_group.name, last_group.index)
        return not strange

    def privilege(self, number: Optional[int], name: str, words: Optional[str], line: Line) -> bool:
        """A row of `Privs:`; `words` is None when the row ends before its attributes."""
        if number is not None and NAMES.get(number, name) != name:
            self.problem("the text calls privilege 0x%x %s" % (number, name), line)
        known = {word.lower() for word in (words or "").replace(",", " ").split()}
        strange = known - {"enabled", "default", "usedforaccess"}
        enabled: Maybe[bool] = "enabled" in known
        default: Maybe[bool] = "default" in known
        if words is None:
            enabled = default = NotSaid(self.view)
        elif strange and not known & {"enabled", "default"}:
            enabled = default = Unreadable(0, "attribute words not known: %r" % words.strip())
        self.privileges.append(PartialPrivilege(name, number, enabled, default))
        self._place("privileges.%s" % name, line)
        return not strange

    def _name(self, sid: Sid, rest: str) -> str:
        name = unbracketed(rest)
        if name:
            self.names.setdefault(sid, name)
        return name

    # --- labels ---

    def label(self, label: str, value: str, line: Line) -> bool:
        """A label (lower case, no blanks) and what follows it up to the next one."""
        self.labels.append(label)
        if label in labels.SECTIONS and (not value or label in ("groups", "usergroups", "usersgroups")):
            self._header(labels.SECTIONS[label])
            return not value
        if label.startswith("pr") and label not in labels.SIDS:
            self._header(labels.PRIVILEGES)
            return not value
        if label == "user":
            return self._user(value, line)
        if label in labels.SIDS:
            return self._sid_field(label, value, line)
        self.section = ""
        if label in labels.LUIDS:
            luid = luid_of(value)
            return luid is not None and self._set(labels.LUIDS[label], luid, line)
        if label in labels.COUNTS:
            return value.isdigit() and len(value) < 7 and self._set(labels.COUNTS[label], int(value), line)
        if label in ("restrictedsids", "capabilities"):
            return hexadecimal(value) is not None
        return self._word(label, value, line)

    def _header(self, section: str) -> None:
        self.section = section
        self.headers.append(section)

    def _user(self, value: str, line: Line) -> bool:
        found = labels.SID_AND_REST.match(value)
        self.section = ""
        if not found:
            return False
        if is_cut_sid(found.group(1)):
            self.split_sid = ("user", found.group(1), line)
            return not found.group(2).strip()
        sid = sid_of(found.group(1))
        if sid is None or self.user is not None:
            return False
        self.user = PartialGroup(sid, 0, self._name(sid, found.group(2)))
        self._place("user", line)
        return not has_facts(found.group(2))

    def _sid_field(self, label: str, value: str, line: Line) -> bool:
        self.section = ""
        if value.lower() in ("(null)", "null", "none", "<null>"):
            return self._set(labels.SIDS[label], None, line)
        found = labels.SID_AND_REST.match(value)
        if found and is_cut_sid(found.group(1)):
            self.split_sid = (label, found.group(1), line)
            return not found.group(2).strip()
        sid = sid_of(found.group(1)) if found else None
        if sid is None:
            if not has_facts(value) and value:
                # The user-mode form prints which call failed.
                self.problem("%s: %s" % (label, value), line)
                return label == "processtrustlabel"
            return False
        self._name(sid, found.group(2) if found else "")
        return self._set(labels.SIDS[label], sid, line) and not (found and has_facts(found.group(2)))

    def _word(self, label: str, value: str, line: Line) -> bool:
        if label == "tssessionid":
            # Hex throughout: 0xb with its prefix, and 0 is printed without one.
            session = hexadecimal(value)
            return session is not None and session < 1 << 32 and self._set("session_id", session, line)
        if label == "impersonationlevel":
            level = labels.LEVELS.get(value.lower())
            return level is not None and self._set("impersonation_level", level, line)
        if label == "tokentype":
            kind = labels.TYPES.get(value.lower())
            return kind is not None and self._set("token_type", kind, line)
        if label == "source":
            return self._set("source_name", value[:8], line) and len(value) <= 8
        if label == "tokenflags":
            return self._flags(value, line)
        if label == "lowboxnumberentry":
            entry = hexadecimal(value)
            if entry == 0:
                return self._set("lowbox_number", None, line)
            return entry is not None
        if label == "lowboxnumber":
            return value.isdigit() and len(value) < 11 and self._set("lowbox_number", int(value), line)
        if label == "integritylevel":
            found = labels.SID_AND_REST.match(value)
            sid = sid_of(found.group(1)) if found else None
            if sid is None or found is None:
                return False
            self.lists[labels.GROUPS].append(
                PartialGroup(sid, groups.INTEGRITY | groups.INTEGRITY_ENABLED, found.group(2).strip())
            )
            self.section = labels.GROUPS
            self._place("integrity", line)
            return not has_facts(found.group(2))
        if label in ("isrestrictedtoken", "sandboxinert", "elevationtype", "mandatorypolicy"):
            # Facts that the kernel keeps as flags or policy bits of which this names one only.
            self.problem("%s: %s (not kept)" % (label, value), line)
            return not has_facts(value)
        return False

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

    # --- the end ---

    def finished(self) -> PartialToken:
        """The token that the lines told of."""
        fields, listed = self.fields, {name: tuple(rows) for name, rows in self.lists.items()}
        started = labels.GROUPS in self.headers or bool(listed[labels.GROUPS])
        if self.user or started:
            user: Maybe[Group] = self.user.entry if self.user else Unreadable(0, "the text has no User line")
            entries = (user,) + entries_of(listed[labels.GROUPS])
            if not started:
                entries += (Unreadable(0, "the text has no list of groups"),)
                self.incomplete.append("user_and_groups")
            elif not any(label in self.labels for label in ("primarygroup", "privs", "authenticationid", "authid")):
                self.incomplete.append("user_and_groups")
            fields["user_and_groups"] = entries
            index = label_index(entries)
            if index is not None:
                fields.setdefault("integrity_level_index", index)
        if labels.PRIVILEGES in self.headers or self.privileges:
            fields["privileges"] = privileges_field(self.view, tuple(self.privileges))
            if not any(label in labels.LUIDS for label in self.labels):
                self.incomplete.append("privileges")
        for name, rows, count in (
            ("restricted_sids", labels.RESTRICTED, "restricted_sid_count"),
            ("capabilities", labels.CAPABILITIES, "capability_count"),
        ):
            if listed[rows] or fields.get(count) == 0:
                fields[name] = entries_of(listed[rows])
        return PartialToken(
            self.view,
            partial_token(self.view, self.address, fields, tuple(self.problems)),
            self.places,
            tuple(self.not_understood),
            ((self.user,) if self.user else ()) + listed[labels.GROUPS],
            listed[labels.RESTRICTED],
            listed[labels.CAPABILITIES],
            tuple(self.privileges),
            tuple(dict.fromkeys(self.incomplete)),
            labels.NEVER_SHOWN,
            self.names,
        )
