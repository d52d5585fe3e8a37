"""What `dump --json` shows of a process, as facts that can be compared one by one."""

import json
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from kdtoken.errors import KdTokenError
from kdtoken.source.base import Source
from tests.verbs import run_on

# Not values: what is said about them.
_SAID = ("remarks", "findings", "problems")
_LEFT_OUT = ("kdtoken", "about", "cross_check", *_SAID)


class Shown(NamedTuple):
    """error is the one line that the verb says instead of an answer; notices are remarks, findings and problems."""

    facts: Dict[str, Any]
    notices: Tuple[str, ...]
    error: str = ""


def shown(source: Source, process: str) -> Shown:
    """What a person gets who asks for that process."""
    try:
        row = json.loads("\n".join(run_on(source, "dump", process, "--json", "--no-check", alone=True)))
    except KdTokenError as error:
        return Shown({}, (), str(error))
    notices = [remark["text"] for remark in row["remarks"]]
    notices += ["%s: %s" % (one["rule"], one["saw"]) for one in row["findings"]] + list(row["problems"])
    for token in _tokens(row):
        notices += token["problems"]
    for thread in row["threads"]:
        notices += thread["problems"]
    return Shown({key: value for key, value in row.items() if key not in _LEFT_OUT}, tuple(notices))


def _tokens(row: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    for one in [row["token"], row["linked"], *row["tokens"].values()]:
        if isinstance(one, dict) and "problems" in one:
            yield one


def is_marked(value: Any) -> bool:
    """Whether it says of itself that it is no value."""
    return isinstance(value, dict) and "unreadable" in value


# Worked out of other values; null or "unknown" where one of those is not there.
_DERIVED = {
    "account": ("logon_session", "user_and_groups", "authentication_id"),
    "elevation": ("logon_session", "flags", "user_and_groups"),
    "integrity_level": ("user_and_groups", "integrity_level_index"),
    "integrity": ("user_and_groups", "integrity_level_index"),
    "user": ("user_and_groups",),
}


def _follows(key: str, row: Dict[str, Any]) -> bool:
    """Whether a value is left out since one that it is made of is marked."""
    if key in _DERIVED:
        return row.get(key) in (None, "unknown") and any(_has_mark(row.get(name)) for name in _DERIVED[key])
    # Not asked: of a process without a readable token there is no linked one, and the list is walked only on the way.
    return (key == "linked" and _has_mark(row.get("token"))) or (key == "shared_with" and row[key] is None)


def _broken(before: Any, after: Any) -> bool:
    """Whether it says of itself what is wrong with it, as an ACL does that does not add up."""
    return isinstance(after, dict) and bool(after.get("problem")) and after != before


def _has_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return is_marked(value) or any(_has_mark(one) for one in value.values())
    return isinstance(value, list) and any(_has_mark(one) for one in value)


def changes(before: Any, after: Any, path: str = "") -> List[Tuple[str, Any, Any]]:
    """(path, before, after) of each fact that is shown otherwise and does not say of itself that it is no value.

    Numbers in the path of a list are left out, and addresses as keys: `threads[].tid`, `tokens[].user`.
    """
    if before == after or is_marked(after) or _broken(before, after):
        return []
    if path == "shared_with" and before is None:
        return []  # more is told, since the list had to be walked
    if not path and isinstance(after, dict):
        nowhere = {address for address, token in (after.get("tokens") or {}).items() if is_marked(token)}
        threads = [
            {**one, "impersonation": {**one["impersonation"], "unreadable": "its token"}}
            if isinstance(one.get("impersonation"), dict) and one["impersonation"].get("token") in nowhere
            else one
            for one in after.get("threads") or []
        ]
        after = {**after, "threads": threads} if nowhere else after
    if isinstance(before, dict) and isinstance(after, dict) and not is_marked(before):
        if path == "tokens" and set(before) != set(after):
            # Under an address where no token is there stands that there is none.
            others = [key for key in after if key not in before and not is_marked(after[key])]
            return [(path, sorted(before), sorted(after))] if others or len(after) < len(before) else []
        found: List[Tuple[str, Any, Any]] = []
        for key in sorted(set(before) | set(after)):
            if key == "problems" or (key in after and _follows(key, after) and before.get(key) != after[key]):
                continue
            inner = "tokens[]" if path == "tokens" else "%s.%s" % (path, key) if path else key
            found += changes(before.get(key), after.get(key), inner)
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [one for pair in zip(before, after) for one in changes(pair[0], pair[1], path + "[]")]
    return [(path, before, after)]
