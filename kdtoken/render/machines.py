"""Two machines, or one at two times, compared: text and JSON."""

import json
from typing import Any, Dict, List, Optional, Sequence

from kdtoken.analysis.audit.finding import name_of as process_name
from kdtoken.analysis.differences.comparison import Comparison, Outcome, Part
from kdtoken.analysis.differences.machines import Fate, MachineComparison, Pair, TokenFate
from kdtoken.model.snapshot import pid_of, token_address
from kdtoken.model.token_words import counted
from kdtoken.render.json import SCHEMA
from kdtoken.render.lineage import who
from kdtoken.render.marked import filled, joined, styled
from kdtoken.render.words import clean, columns, wrapped

_TITLES = {
    Fate.TAMPERED: "!! Changed without the kernel's own trace (ModifiedId stayed): no documented call does that",
    Fate.REPLACED: "!  Hold another token than before; Windows does not replace one once a process runs",
    Fate.ADJUSTED: "Adjusted",
    Fate.DIFFERENT: "Run in another context",
    Fate.ENDED: "Ended, or only there before",
    Fate.APPEARED: "Appeared, or only there after",
    Fate.UNKNOWN: "Could not be compared",
    Fate.SAME: "Same",
}
# Of what was adjusted: whether ModifiedId differs.  It was not read or not printed, or what differs moves none.
_TRACES = {True: ", with the kernel's trace of it", False: "; ModifiedId does not tell of it"}
_STYLES = {Fate.TAMPERED: "impossible", Fate.REPLACED: "unusual"}
_PARTS = ((Part.IDENTITY, "identity"), (Part.POLICY, "policy"))


def machines_lines(compared: MachineComparison, everything: bool = False) -> List[str]:
    """The verdict, then the processes by what became of them; `everything` lists what is the same too."""
    lines = wrapped(clean(compared.verdict), columns()) + [""]
    for letter, side in (("A", compared.before), ("B", compared.after)):
        build = ", Windows kernel %s" % clean(side.build) if side.build else ""
        lines += _hanging(
            "  %s  " % letter,
            "%s%s, %s" % (clean(side.label), build, counted(len(side.processes), "process", "processes")),
        )
    if not compared.same_start:
        lines += wrapped(
            "Two machines, or two starts of one: processes are matched by name, and ids mean nothing.", columns()
        )
    for fate in Fate:
        pairs = [pair for pair in compared.pairs if pair.fate is fate]
        tokens = [one for one in compared.others if one.fate is fate]
        if not pairs and not tokens or fate is Fate.SAME and not everything:
            continue
        if fate is not Fate.ADJUSTED:
            lines += _group(_TITLES[fate], pairs, tokens, _STYLES.get(fate, ""))
            continue
        for traced, words in _TRACES.items():
            lines += _group(
                _TITLES[fate] + words,
                [pair for pair in pairs if _traced(pair.comparison) is traced],
                [one for one in tokens if _traced(one.comparison) is traced],
            )
    same = sum(pair.fate is Fate.SAME for pair in compared.pairs)
    hint = "" if everything or not same else " (--all lists them)"
    return lines + ["", "Same: %d of %s%s" % (same, counted(len(compared.pairs), "process", "processes"), hint)]


def _group(title: str, pairs: Sequence[Pair], tokens: Sequence[TokenFate], style: str = "") -> List[str]:
    """What one thing became of; nothing where it is none."""
    if not pairs and not tokens:
        return []
    lines = ["", *[styled(line, style) for line in wrapped(title, columns())]]
    for pair in pairs:
        lines += _pair(pair)
    for one in tokens:
        lines += _hanging("  ", "token 0x%x%s" % (one.after.address, _changes(one.comparison)))
    return lines


def _traced(comparison: Optional[Comparison]) -> bool:
    rows = comparison.with_outcome(Outcome.DIFFERS) if comparison is not None else ()
    return any(row.name == "modified id" for row in rows)


def _pair(pair: Pair) -> List[str]:
    text = clean(process_name(pair.row))
    if pair.fate is Fate.REPLACED and pair.before is not None and pair.after is not None:
        before, after = token_address(pair.before), token_address(pair.after)
        where = "token 0x%x -> 0x%x" % (before, after) if before != after else "another token at 0x%x" % after
        text += ": " + where
        mine, theirs = who(pair.before), who(pair.after)
        if str(mine) != str(theirs):
            text = filled("%s; %s -> %s", text, mine, theirs)
    if pair.comparison is not None and pair.fate is not Fate.SAME:
        text = joined("", [text, _changes(pair.comparison)])
    return _hanging("  ", text)


def _changes(comparison: Comparison) -> str:
    """Identity and policy apart: "; identity: user; policy: SeDebugPrivilege"."""
    words = ""
    for part, name in _PARTS:
        names = _changed(comparison, part)
        if names:
            more = " and %d more" % (len(names) - 8) if len(names) > 8 else ""
            words += "; %s: %s%s" % (name, ", ".join(clean(one) for one in names[:8]), more)
    return words


def _changed(comparison: Comparison, part: Part) -> List[str]:
    pair = Pair(Fate.DIFFERENT, None, None, comparison)
    return list(pair.changed(part))


def _hanging(first: str, text: str) -> List[str]:
    start, *rest = wrapped(text, columns() - len(first) - 2, "")
    return [first + start] + [" " * (len(first) + 2) + line for line in rest]


def machines_json(compared: MachineComparison) -> str:
    """The comparison for programs; machines.schema.json describes every key."""
    whole: Dict[str, Any] = {
        "kdtoken": SCHEMA,
        "verdict": compared.verdict,
        "exit_code": compared.exit_code,
        "same_start": compared.same_start,
        "a": {"source": compared.before.label, "build": compared.before.build},
        "b": {"source": compared.after.label, "build": compared.after.build},
        "processes": [_pair_data(pair) for pair in compared.pairs],
        "tokens": [_token_data(one) for one in compared.others],
    }
    return json.dumps(whole, indent=1)


def _pair_data(pair: Pair) -> Dict[str, Any]:
    image = pair.row.process.image_name
    return {
        "pid": pid_of(pair.row),
        "image": image if isinstance(image, str) else None,
        "fate": pair.fate.name.lower(),
        "token_before": hex(token_address(pair.before)) if pair.before is not None else None,
        "token_after": hex(token_address(pair.after)) if pair.after is not None else None,
        "identity": list(pair.changed(Part.IDENTITY)),
        "policy": list(pair.changed(Part.POLICY)),
    }


def _token_data(one: TokenFate) -> Dict[str, Any]:
    return {
        "token": hex(one.after.address),
        "fate": one.fate.name.lower(),
        "identity": _changed(one.comparison, Part.IDENTITY),
        "policy": _changed(one.comparison, Part.POLICY),
    }
