"""A comparison of two tokens: the verdict first, then what differs, then why the rest does not count."""

import json
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Tuple

from kdtoken.analysis.differences.comparison import Comparison, Difference, Outcome, Part, View
from kdtoken.model.absent import Missing
from kdtoken.model.access_mask import mask_words
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.filetime import filetime_text
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES
from kdtoken.model.token import Token
from kdtoken.model.token_words import (
    IMPERSONATION_LEVELS,
    MANDATORY_POLICY,
    TOKEN_TYPES,
    bit_words,
    value_word,
)
from kdtoken.model.view import Kind
from kdtoken.render.dml import link, privilege_link
from kdtoken.render.json import SCHEMA, plain
from kdtoken.render.marked import filled, joined, styled
from kdtoken.render.meaning import level
from kdtoken.render.unread import unread_lines
from kdtoken.render.words import clean, columns, group_words, luid, sid_name, wrapped

_HEADINGS = (
    (Part.IDENTITY, "Identity differs (fixed when a token is made)"),
    (Part.POLICY, "Policy differs (may be adjusted while the token lives)"),
    (Part.BOOKKEEPING, "Bookkeeping differs"),
)
# Two looks at one token or process; of two processes nothing else is to be expected.
_SERIOUS = "Identity differs (fixed when a token is made: this is serious)"
_LABEL = 22
# Attributes of an ordinary group; only others are worth a word beside its name.
_ORDINARY = 0x7
_LISTS = {"group": "groups", "restricting": "restricting", "capability": "capabilities"}
_Cell = Tuple[str, str]


def diff_lines(
    comparison: Comparison, everything: bool = False, unread: bool = False, here: Tuple[bool, bool] = (False, False)
) -> List[str]:
    """The report; `everything` lists what is the same too, `unread` the lines that were not understood.

    here  which sides are the debugger's own session: only their addresses may be clicked
    """
    lines = [*wrapped(clean(comparison.verdict), columns()), ""]
    for letter, view, ours in (("A", comparison.a, here[0]), ("B", comparison.b, here[1])):
        words = wrapped(_side_words(view, ours), columns() - 5, "")
        lines += ["  %s  %s" % (letter, words[0])] + ["     " + more for more in words[1:]]
    words_of = _Words(comparison)
    for part, heading in _HEADINGS:
        rows = [r for r in comparison.with_outcome(Outcome.DIFFERS) if r.part is part]
        if rows and part is Part.IDENTITY and comparison.over_time:
            heading = styled(_SERIOUS, "impossible")
        if rows:
            lines += ["", heading] + _table(words_of.cells(rows))
    expected = comparison.with_outcome(Outcome.EXPECTED)
    if expected:
        lines += ["", "Differs as it must, by how each side sees"] + words_of.notes(expected)
    unknown: List[_Cell] = []
    for outcome, heading in (
        (Outcome.ONLY_A, "only A can know"),
        (Outcome.ONLY_B, "only B can know"),
        (Outcome.NEITHER, "neither can know"),
        (Outcome.UNREADABLE, "could not be read"),
    ):
        rows = list(comparison.with_outcome(outcome))
        if rows:
            unknown.append((heading, ", ".join(words_of.name(row) for row in rows)))
    if unknown:
        lines += ["", "Not compared"] + _table(unknown)
    same = comparison.with_outcome(Outcome.SAME)
    hint = "" if everything or not same else " (--all lists them)"
    lines += ["", "Same: %d of %d%s" % (len(same), len(comparison.rows), hint)]
    lines += _table(words_of.both(same)) if everything else []
    for letter, view in (("A", comparison.a), ("B", comparison.b)):
        # What the side seems to lack may stand there.
        lines += unread_lines(view.not_understood, unread, letter + ": ")
    return lines


def _side_words(view: View, ours: bool) -> str:
    """What a side is: the last words of its label are its process or thread, then the token by its address."""
    label = clean(view.label)
    if view.kind is not Kind.KERNEL or not view.token.address:
        return "%s: %s" % (view.kind.value, label)
    source, between, whose = label.rpartition(", ")
    token = "token 0x%x" % view.token.address
    if ours:
        verb, address = ("thread", view.ethread) if view.ethread else ("dump", view.eprocess)
        whose, token = link(whose, address, verb), link(token, view.token.address, "token")
    return joined("", ["%s: " % view.kind.value, source, between, whose, ", ", token])


def _room() -> int:
    """Columns of a value behind its label."""
    return columns() - _LABEL - 3


def _table(cells: Sequence[_Cell]) -> List[str]:
    """Labelled values, each going on below itself."""
    lines = []
    for label, value in cells:
        for line in wrapped(value, _room()):
            lines.append(("  %s " % label.ljust(_LABEL) + line).rstrip())
            label = ""
    return lines


class _Words:
    """Rows in words, with both tokens at hand: the user is named by the logon session that is known."""

    def __init__(self, comparison: Comparison) -> None:
        self._views: Tuple[View, View] = (comparison.a, comparison.b)
        self._listed_by = tuple(_sids_of(view.token) for view in self._views)

    def cells(self, rows: Sequence[Difference]) -> List[_Cell]:
        """What differs: fields one by one, groups and privileges gathered."""
        cells: List[_Cell] = []
        gathered: Dict[str, Dict[str, List[str]]] = {}
        for row in rows:
            listed = self._listed(row)
            if listed is None:
                cells += self._field(row)
                continue
            label, how, name = listed
            gathered.setdefault(label, {}).setdefault(how, []).append(name)
        for label, by_state in gathered.items():
            for how, names in by_state.items():
                cells.append((label, (how + ": " if how else "") + joined(", ", names)))
                label = ""
        return cells

    def notes(self, rows: Sequence[Difference]) -> List[str]:
        """What differs as it must: by the reason."""
        by_note: Dict[str, List[str]] = {}
        for row in rows:
            by_note.setdefault(row.note, []).append(self.name(row))
        lines = []
        for note, names in by_note.items():
            lines += ["  " + line for line in wrapped("%s: %s" % (note, ", ".join(names)), columns() - 2)]
        return lines

    def both(self, rows: Sequence[Difference]) -> List[_Cell]:
        """What is the same."""
        cells = []
        for row in rows:
            if row.group is not None and row.name.split(" ")[0] in _LISTS:
                cells.append((row.name.split(" ")[0], "%s: %s" % (self._sid(row.group.sid), group_words(row.group))))
            elif isinstance(row.a, Privilege):
                cells.append(("privilege", "%s: %s" % (row.name, " ".join(row.a.words))))
            else:
                cells.append((row.name, self.value(row, row.a, self._views[0].token)))
        return cells

    def name(self, row: Difference) -> str:
        """A row's name in a list of names."""
        word = row.name.split(" ")[0]
        if row.group is not None and word in _LISTS:
            return "%s%s" % ("" if word == "group" else word + " ", self._sid(row.group.sid))
        return clean(row.name)

    def _listed(self, row: Difference) -> Optional[Tuple[str, str, str]]:
        """(label, state or change, name) of a group or a privilege; None for a field."""
        one, other = row.a, row.b
        if isinstance(one, Privilege) or isinstance(other, Privilege):
            on = [p for p in (one, other) if isinstance(p, Privilege) and p.present and p.enabled and p.danger]
            return (*_privilege(one, other), privilege_link(styled(row.name, "sensitive" if on else ""), row.name))
        word = row.name.split(" ")[0]
        if row.group is None or word not in _LISTS:
            return None
        name = self._sid(row.group.sid) + (" (listed again)" if row.name.endswith("(again)") else "")
        if isinstance(one, Group) and isinstance(other, Group):
            return word + " switched", "%s -> %s" % (group_words(one), group_words(other)), name
        ordinary = row.group.attributes == _ORDINARY or word == "restricting"
        label = "%s in %s only" % (_LISTS[word], "A" if isinstance(one, Group) else "B")
        return label, "" if ordinary else group_words(row.group), name

    def _field(self, row: Difference) -> List[_Cell]:
        a, b = self.value(row, row.a, self._views[0].token), self.value(row, row.b, self._views[1].token)
        note = [("", row.note)] if row.note else []
        if len(a) + len(b) + 4 <= _room():
            return [(clean(row.name), filled("%s -> %s", a, b)), *note]
        return [(clean(row.name), "A  " + a), ("", "B  " + b), *note]

    def value(self, row: Difference, value: Any, token: Token) -> str:
        """A value of a row in words; `token` is the one that it is of."""
        if value is None:
            return "none"
        if isinstance(value, Missing):
            return clean(str(value))
        if isinstance(value, Sid):
            name = level(value, self._sid(value))
            return name if str(value) in name else filled("%s %s", name, str(value))
        if isinstance(value, Group):
            return group_words(value).replace("-", "ordinary")
        if isinstance(value, Luid):
            return luid(value).replace("  ", " ")
        if isinstance(value, Acl):
            problem = " (%s)" % clean(value.problem) if value.problem else ""
            return (", ".join(self._ace(ace) for ace in value.aces) or "no ACEs: nobody is let in") + problem
        if isinstance(value, bytes):
            return value.hex() if any(value) or row.name != "audit policy" else "nothing audited"
        if isinstance(value, tuple):
            return ", ".join(self.value(row, one, token) for one in value) or "none"
        return _number(row.name, value, token) if isinstance(value, int) else clean(str(value)).rstrip()

    def _sid(self, sid: Sid) -> str:
        """The SID's name; one that has none here stands for itself, with the kind it is."""
        # The names of one source are for what it lists: the other machine may call the SID otherwise.
        sides = [view for view, listed in zip(self._views, self._listed_by) if sid in listed] or self._views
        given = (sid_name(sid, view.token, view.names if sides is not self._views else NO_NAMES) for view in sides)
        name = next((one for one in given if not one.startswith("<")), sid_name(sid))
        return "%s %s" % (name, sid) if name.startswith("<") else name

    def _ace(self, ace: Ace) -> str:
        """One ACE in short: `SYSTEM GENERIC_ALL`."""
        who = self._sid(ace.sid).rpartition("\\")[2] if ace.sid is not None else "?"
        what = "" if ace.type_name == "ACCESS_ALLOWED" else ace.type_name + " "
        return "%s%s %s" % (what, who, " ".join(mask_words(ace.mask or 0)))


def _sids_of(token: Token) -> FrozenSet[Sid]:
    """Every SID that a token lists, wherever in it."""
    found: List[Any] = [token.user, token.primary_group, token.package, token.default_owner, token.integrity]
    for listed in (token.user_and_groups, token.restricted_sids, token.capabilities):
        found += [one.sid for one in listed if isinstance(one, Group)] if isinstance(listed, tuple) else []
    if isinstance(token.default_dacl, Acl):
        found += [ace.sid for ace in token.default_dacl.aces]
    return frozenset(one for one in found if isinstance(one, Sid))


def _privilege(one: object, other: object) -> Tuple[str, str]:
    """(label, state or change) of a privilege that differs."""
    held = [isinstance(p, Privilege) and p.present for p in (one, other)]
    words = [" ".join(p.words) if isinstance(p, Privilege) else "none" for p in (one, other)]
    if held[0] != held[1]:
        mine, their = (one, other) if held[0] else (other, one)
        state = "Enabled" if isinstance(mine, Privilege) and mine.enabled else "Disabled"
        # A bit among what is enabled, beside no bit among what is held, is nobody's doing but a writer's.
        if isinstance(their, Privilege) and their.enabled:
            state += " (and marked Enabled in %s, though not held)" % ("B" if held[0] else "A")
        return "held by %s only" % ("A" if held[0] else "B"), state
    return "switched" if held[0] else "not held, but marked", "%s -> %s" % (words[0], words[1])


def _number(name: str, value: int, token: Token) -> str:
    if name == "TokenFlags":
        return "0x%x %s" % (value, " ".join(token.flag_words))
    if name == "type":
        return value_word(value, TOKEN_TYPES)
    if name == "impersonation level":
        return value_word(value, IMPERSONATION_LEVELS)
    if name == "mandatory policy":
        return " ".join(bit_words(value, MANDATORY_POLICY)) or "off"
    if name == "expiration":
        return filetime_text(value)
    if name == "in use":
        return "yes" if value else "no"
    if name.startswith("member "):
        return hex(value)
    if name == "token replaced":
        return "token at 0x%x" % value
    return str(value)


def diff_json(comparison: Comparison) -> str:
    """The comparison for programs; diff.schema.json describes every key."""
    rows: List[Dict[str, Any]] = [
        {
            "part": r.part.value,
            "name": r.name,
            "outcome": r.outcome.name.lower(),
            "a": plain(r.a),
            "b": plain(r.b),
            "note": r.note,
        }
        for r in comparison.rows
    ]
    whole = {
        "kdtoken": SCHEMA,
        "verdict": comparison.verdict,
        "exit_code": comparison.exit_code,
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "rows": rows,
    }
    return json.dumps(whole, indent=1)


def _side(view: View) -> Dict[str, Any]:
    return {
        "kind": view.kind.name.lower(),
        "label": view.label,
        "incomplete": list(view.incomplete),
        "not_understood": [{"line": one.line, "text": one.text} for one in view.not_understood],
    }
