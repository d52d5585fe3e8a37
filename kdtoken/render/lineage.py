"""Where tokens came from, in words and as JSON; and the tree of processes."""

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from kdtoken.analysis.audit.finding import Severity
from kdtoken.analysis.audit.finding import name_of as process_name
from kdtoken.analysis.consistency import integrity_level
from kdtoken.analysis.lineage.chain import Link
from kdtoken.analysis.lineage.edges import Change
from kdtoken.analysis.lineage.origin import Lineage
from kdtoken.analysis.lineage.parents import How
from kdtoken.analysis.lineage.tree import Node
from kdtoken.model.filetime import filetime_text
from kdtoken.model.integrity import integrity_text
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.snapshot import created, ended, pid_of
from kdtoken.model.token import Token
from kdtoken.render.dml import link, linked
from kdtoken.render.json import SCHEMA
from kdtoken.render.marked import filled, joined, styled
from kdtoken.render.meaning import level_style, severity
from kdtoken.render.words import clean, columns, sid_name, wrapped

_COPY = "a copy"
_EDGE = {
    Change.SAME: _COPY,
    Change.SAME_OBJECT: "the very token object of its parent",
    Change.UNKNOWN: "",
}


def edge_words(node: Node) -> str:
    """What became of the token at a node, in a few words."""
    change = node.edge.change
    words = _EDGE.get(change, change.value)
    if change is Change.SAME and node.edge.details:
        words += ", adjusted since"
    elif node.edge.details and change not in (Change.SAME,):
        words = "%s: %s" % (words, "; ".join(node.edge.details)) if words else "; ".join(node.edge.details)
    if node.parent.how is How.UNSURE:
        words += " (if pid %s is its parent still)" % node.parent.pid
    return words


def who(row: ProcessDump, names: Names = NO_NAMES) -> str:
    """User and integrity of a process's token."""
    token = row.token
    if not isinstance(token, Token):
        return "no token" if token is None else "token not known"
    user = sid_name(token.user, token, names) if isinstance(token.user, Sid) else "?"
    level = integrity_level(token)
    words = integrity_text(level).replace(" Mandatory Level", "") if level is not None else "level not known"
    if user == "?":
        user = "user and level not known" if level is None else "user not known"
        if level is None:
            return link(user, token.address, "token")
    return link(user, token.address, "token") + ", " + styled(words, level_style(level))


def tree_lines(
    nodes: Sequence[Node], names: Names = NO_NAMES, marks: Optional[Mapping[int, Severity]] = None
) -> List[str]:
    """The processes as a tree, a line each, and on what ground the token is another than its parent's."""
    lines: List[str] = []
    for node in nodes:
        mark = (marks or {}).get(node.row.process.address)
        name = clean(process_name(node.row))
        first = severity(mark, mark.value if mark else "").ljust(3) + "  " * node.depth + name + "  "
        gone = ", ended" if ended(node.row) else ""
        made = _hanging(
            first,
            filled("  %s%s  [%s]", who(node.row, names), gone, clean(root_words(node) or edge_words(node))),
            5 + 2 * node.depth,
        )
        made[0] = linked(made[0], clean(process_name(node.row)), node.row.process.address, 3 + 2 * node.depth)
        lines += made
    used = {node.edge.change for node in nodes}
    from kdtoken.analysis.lineage.tree import REASONS

    legend = ["%s: %s" % (change.value, REASONS[change]) for change in REASONS if change in used]
    if Change.SAME in used:
        legend.insert(0, "%s: of its parent's token, made when it was started, as is usual" % _COPY)
    return lines + [""] + [line for one in legend for line in wrapped(one, columns())] if legend else lines


def root_words(node: Node) -> str:
    """Why a root has no parent; empty for others."""
    if node.parent.row is not None or node.parent.how is How.NOBODY:
        return "" if node.parent.row is not None else node.edge.details[0]
    words = node.edge.details[0]
    if node.parent.taken_by is not None:
        words += ": %s" % process_name(node.parent.taken_by)
    return "%s (pid %s)" % (words, node.parent.pid) if node.parent.pid is not None else words


def lineage_lines(
    row: ProcessDump,
    path: Sequence[Node],
    lineage: Optional[Lineage],
    chain: Sequence[Link],
    source: str,
    names: Names = NO_NAMES,
    strange: Sequence[str] = (),
) -> List[str]:
    """One process: its ancestors, its token's steps, its logon session's story, and what cannot be told.

    strange  lines of what the rules see of it: a line that was forged is told as it was forged
    """
    lines = wrapped("from " + clean(source), columns()) + [
        "",
        filled("%s runs as %s", link(clean(process_name(row)), row.process.address), who(row, names)),
    ]
    lines += [*strange, "", "From parent to child"]
    for node in path:
        born = created(node.row)
        when = ", started %s UTC" % filetime_text(born)[:19] if born else ""
        made = _hanging(
            "  %s%s  " % ("  " * node.depth, clean(process_name(node.row))),
            filled("%s%s  [%s]", who(node.row, names), when, clean(root_words(node) or edge_words(node))),
            6 + 2 * node.depth,
        )
        made[0] = linked(made[0], clean(process_name(node.row)), node.row.process.address, 2 + 2 * node.depth)
        lines += made
        if node.parent.row is not None and node.reason:
            lines += _hanging(" " * (6 + 2 * node.depth), node.reason, 6 + 2 * node.depth)
    if lineage is None:
        return lines + ["", "Its token is not known, so where it came from cannot be told."]
    lines += ["", "Its token, step by step"]
    for number, step in enumerate(lineage.steps, 1):
        sure = "" if step.certain else "  (the usual reading)"
        at = "; that token is at " + link("0x%x" % step.of, step.of, "token") if step.of else ""
        lines += _hanging("  %d. %-14s " % (number, step.kind.value), clean(step.words) + at + sure, 20)
    lines += ["", "Its logon session, in order of LUID"]
    for one_link in chain:
        here = one_link.token is not None and one_link.token.address == lineage.token.address
        users = joined(", ", (_user(one, how) for one, how in one_link.users[:4]))
        more = " and %d more" % (len(one_link.users) - 4) if len(one_link.users) > 4 else ""
        text = clean(one_link.what)
        if one_link.token is not None and one_link.token.address:
            text += " at " + link("0x%x" % one_link.token.address, one_link.token.address, "token")
        text += ": " + users + more if users else ""
        lines += _hanging("  %s%-12s " % ("> " if here else "  ", one_link.luid), text, 18)
    for one in lineage.cannot_tell:
        lines += [""] + wrapped("Cannot be told: " + one, columns())
    return lines


def _user(row: ProcessDump, how: str) -> str:
    return link(clean(process_name(row)), row.process.address) + " (%s)" % how


def _hanging(first: str, text: str, hang: int) -> List[str]:
    """Text behind `first`, and below it from column `hang` on."""
    blanks = len(text) - len(text.lstrip())
    start, *rest = wrapped(text[blanks:], max(columns() - len(first), 30), "")
    again = wrapped(joined(" ", rest), columns() - hang, "") if rest else []
    return [first + start] + [" " * hang + line for line in again]


def node_data(node: Node) -> Dict[str, Any]:
    """A node of the tree for programs."""
    process = node.row.process
    return {
        "pid": pid_of(node.row),
        "image": process.image_name if isinstance(process.image_name, str) else None,
        "address": hex(process.address),
        "depth": node.depth,
        "parent_pid": node.parent.pid,
        "parent": node.parent.how.name.lower(),
        "change": node.edge.change.name.lower(),
        "details": list(node.edge.details),
        "reason": node.reason,
    }


def tree_json(nodes: Sequence[Node], about: Dict[str, Any]) -> str:
    """The tree for programs."""
    return json.dumps({"kdtoken": SCHEMA, "about": about, "tree": [node_data(node) for node in nodes]}, indent=1)


def lineage_json(
    row: ProcessDump, path: Sequence[Node], lineage: Optional[Lineage], chain: Sequence[Link], about: Dict[str, Any]
) -> str:
    """One process's lineage for programs; lineage.schema.json describes every key."""
    whole: Dict[str, Any] = {
        "kdtoken": SCHEMA,
        "about": about,
        "pid": pid_of(row),
        "path": [node_data(node) for node in path],
        "token": None,
    }
    if lineage is not None:
        whole["token"] = {
            "address": hex(lineage.token.address),
            "root": lineage.root.name.lower(),
            "steps": [
                {
                    "kind": step.kind.name.lower(),
                    "words": step.words,
                    "certain": step.certain,
                    "of": hex(step.of) if step.of else None,
                }
                for step in lineage.steps
            ],
            "session": [_link(link) for link in chain],
            "cannot_tell": list(lineage.cannot_tell),
        }
    return json.dumps(whole, indent=1)


def _link(link: Link) -> Dict[str, Any]:
    return {
        "luid": str(link.luid),
        "what": link.what,
        "token": hex(link.token.address) if link.token is not None else None,
        "users": [{"pid": pid_of(one), "how": how} for one, how in link.users],
    }
