"""A comparison of two tokens: the verdict first, then what differs, then why the rest does not count."""

import json
from typing import Any, Dict, Iterable, List, Tuple

from kdtoken.analysis.differences import Comparison, Difference, Outcome, Part
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.access_mask import mask_words
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.filetime import filetime_text
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token_words import (
    IMPERSONATION_LEVELS,
    MANDATORY_POLICY,
    TOKEN_TYPES,
    bit_words,
    token_flag_words,
    value_word,
)
from kdtoken.render.json import SCHEMA, plain
from kdtoken.render.words import WIDTH, clean, group_words, luid, sid_name, table, wrapped

_HEADINGS = (
    (Part.IDENTITY, "Identity differs (fixed when a token is made: this is serious)"),
    (Part.POLICY, "Policy differs (may be adjusted while the token lives)"),
    (Part.BOOKKEEPING, "Bookkeeping differs"),
)


def diff_lines(comparison: Comparison, everything: bool = False) -> List[str]:
    """The report; `everything` lists what is the same too."""
    lines = [comparison.verdict, ""]
    for letter, view in (("A", comparison.a), ("B", comparison.b)):
        words = wrapped("%s, %s" % (view.kind.value, clean(view.label)), WIDTH - 8)
        lines += ["  %s  %s" % (letter, words[0])] + ["     " + more for more in words[1:]]
    for part, heading in _HEADINGS:
        rows = [r for r in comparison.with_outcome(Outcome.DIFFERS) if r.part is part]
        if rows:
            lines += ["", heading] + _table(rows)
    expected = comparison.with_outcome(Outcome.EXPECTED)
    if expected:
        lines += ["", "Differs as it must, by how each side sees"] + _table(expected)
    for outcome, heading in (
        (Outcome.ONLY_A, "Only A can know"),
        (Outcome.ONLY_B, "Only B can know"),
        (Outcome.UNREADABLE, "Could not be compared"),
    ):
        names = [clean(row.name) for row in comparison.with_outcome(outcome)]
        if names:
            lines += ["", *wrapped("%s: %s" % (heading, ", ".join(names)), WIDTH - 2)]
    same = comparison.with_outcome(Outcome.SAME)
    lines += ["", "Same: %d of %d" % (len(same), len(comparison.rows))]
    if everything:
        lines += table([(row.name, _words(row, row.a)) for row in same])
    return lines


def _table(rows: Iterable[Difference]) -> List[str]:
    cells: List[Tuple[str, ...]] = []
    for row in rows:
        a, b = _words(row, row.a), _words(row, row.b)
        if len(_name(row)) + len(a) + len(b) < 70:
            cells.append((_name(row), "%s -> %s" % (a, b), row.note))
        else:
            cells += [(_name(row), "A  " + a), ("", "B  " + b)] + ([("", row.note)] if row.note else [])
    return table(cells)


def _name(row: Difference) -> str:
    """A group by its name, where it has one."""
    for value in (row.a, row.b):
        if isinstance(value, Group):
            return "%s %s" % (row.name.split(" ")[0], sid_name(value.sid))
    return clean(row.name)


def _words(row: Difference, value: Any) -> str:
    if value is None:
        return "-" if row.name.split(" ")[0] in ("group", "capability", "restricting") else "none"
    if isinstance(value, (Unreadable, Absent)):
        return str(value)
    if isinstance(value, Sid):
        return "%s %s" % (sid_name(value), value)
    if isinstance(value, Group):
        return group_words(value)
    if isinstance(value, Privilege):
        return " ".join(value.words)
    if isinstance(value, Luid):
        return luid(value)
    if isinstance(value, Acl):
        return ", ".join(_ace(ace) for ace in value.aces) or "no ACEs"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int):
        return _number(row.name, value)
    return clean(str(value))


def _ace(ace: Ace) -> str:
    """One ACE in short: `SYSTEM GENERIC_ALL`."""
    who = sid_name(ace.sid) if ace.sid is not None else "?"
    what = "" if ace.type_name == "ACCESS_ALLOWED" else ace.type_name + " "
    return "%s%s %s" % (what, who.split("\\")[-1], " ".join(mask_words(ace.mask or 0)))


def _number(name: str, value: int) -> str:
    if name == "TokenFlags":
        return "0x%x %s" % (value, " ".join(token_flag_words(value)))
    if name == "type":
        return value_word(value, TOKEN_TYPES)
    if name == "impersonation level":
        return value_word(value, IMPERSONATION_LEVELS)
    if name == "mandatory policy":
        return " ".join(bit_words(value, MANDATORY_POLICY)) or "off"
    if name == "expiration":
        return filetime_text(value)
    return str(value)


def diff_json(comparison: Comparison) -> str:
    """The comparison for programs."""
    rows: List[Dict[str, Any]] = [
        {"part": r.part.value, "name": r.name, "outcome": r.outcome.name.lower(), "a": plain(r.a), "b": plain(r.b),
         "note": r.note}
        for r in comparison.rows
    ]  # fmt: skip
    return json.dumps(
        {
            "kdtoken": SCHEMA,
            "verdict": comparison.verdict,
            "exit_code": comparison.exit_code,
            "a": {"kind": comparison.a.kind.name.lower(), "label": comparison.a.label},
            "b": {"kind": comparison.b.kind.name.lower(), "label": comparison.b.label},
            "rows": rows,
        },
        indent=1,
    )
