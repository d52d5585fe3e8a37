"""All processes, a line each: text and CSV; walk_json.py has the JSON."""

from __future__ import annotations

import csv
import io
import re
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from kdtoken.analysis.audit.finding import Finding, by_process
from kdtoken.analysis.classification import SERVICE_ACCOUNTS, Elevation, dump_remarks, elevation, kinds
from kdtoken.analysis.consistency import integrity_level
from kdtoken.model.absent import Maybe, Missing, NotSaid, known
from kdtoken.model.integrity import integrity_text
from kdtoken.model.process import FastRef, Impersonation, ProcessDetails, ProcessDump
from kdtoken.model.protection import Protection
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Token
from kdtoken.model.token_words import counted
from kdtoken.render.audit import head_lines, remarks_text, rules_by_process
from kdtoken.render.dml import link, rule_link
from kdtoken.render.marked import filled, joined, styled, together
from kdtoken.render.meaning import level_style
from kdtoken.render.threads import impersonation_lines
from kdtoken.render.words import WIDTH, briefly, clean, columns, show, sid_name, wrapped

_ELEVATION = {Elevation.DEFAULT: "", Elevation.FULL: "full", Elevation.LIMITED: "filtered", Elevation.UNKNOWN: "?"}
COLUMNS = (
    "pid",
    "image",
    "session",
    "user",
    "sid",
    "integrity",
    "elevation",
    "oddities",
    "privileges",
    "token",
    "eprocess",
    "remarks",
)
# Columns of the text, their headings, and how wide a cell may make its column.
_SHOWN = (
    ("pid", "PID", 6),
    ("image", "IMAGE", 24),
    ("session", "SES", 5),
    ("user", "USER", 30),
    ("integrity", "INTEGRITY", 12),
    ("elevation", "ELEVATED", 8),
)
# Notes of more lines than this would make a tall narrow column; they go below their process.
_FEW = 2
_BELOW = " " * 12
_LONG = 4  # dashes of a SID that is told by its ends
_USUAL = 15  # of an image and of most users; on a narrow terminal a longer one moves its own line alone
_NARROW = 20  # columns of notes that are too few to wrap them in
_MARKS = {"!!": "impossible", "!": "unusual"}
_MANY = " sensitive"
_LEGEND = (
    ("+", "+Debug: SeDebugPrivilege is enabled; so for each privilege that gives power over others."),
    (_MANY, "4 sensitive: so many such privileges, on a service account, which has them by design."),
)


def text_lines(
    rows: Sequence[ProcessDump],
    source: str,
    total: int,
    problems: Sequence[str],
    with_threads: bool,
    names: Names = NO_NAMES,
    findings: Optional[Sequence[Finding]] = None,
) -> List[str]:
    """What is strange first, then an aligned table; what could not be reached is said below it."""
    lines = wrapped("from " + clean(source), columns())
    if findings is not None:
        listed = None if len(rows) == total else [row.process.address for row in rows]
        lines += head_lines(findings, total, sum(isinstance(row.token, Missing) for row in rows), listed)
    lines.append("")
    marked = rules_by_process(findings or ())
    narrow = columns() < WIDTH
    table = [_text_cells(row, names, marked.get(row.process.address, ""), narrow) for row in rows]
    shown = [(name, head, min(limit, _USUAL)) for name, head, limit in _SHOWN[:-1]] if narrow else _SHOWN
    heads = tuple(head for _, head, _ in shown)
    widths = [
        max([len(heads[at])] + [len(cells[at]) for cells, _ in table if len(cells[at]) <= limit])
        for at, (_, _, limit) in enumerate(shown)
    ]
    lines += _row(heads, widths, "NOTES")
    for row, (cells, notes) in zip(rows, table):
        lines += _row(cells, widths, notes)
        if with_threads:
            lines += impersonation_lines(row, " " * 8, names)
    whole = counted(total, "process", "processes")
    lines += ["", "%d of %s" % (len(rows), whole) if len(rows) != total else whole]
    for mark, words in _LEGEND:
        lines += wrapped(words, columns()) if any(mark in notes for _, notes in table) else []
    for problem in problems:
        lines += wrapped(styled("!!", "impossible") + " " + clean(problem), columns())
    return lines


def _row(cells: Sequence[str], widths: Sequence[int], notes: str) -> List[str]:
    """One process; notes stand in the last column, or below if they are long.

    A cell that is longer than its column moves its neighbours as far as it must, and none behind them.
    """
    between = "  " if columns() >= WIDTH else " "
    line = cells[0].rjust(widths[0])
    end = widths[0]
    for cell, width in zip(cells[1:], widths[1:]):
        end += len(between) + width
        line = (line + between + cell).ljust(end)
    line += between
    if len(line) + len(notes) <= columns():
        return [(line + notes).rstrip()]
    if _NARROW <= columns() - len(line) and len(notes) <= _FEW * (columns() - len(line)):
        first, *rest = wrapped(notes, columns() - len(line), "")
        return [line + first] + [" " * len(line) + more for more in rest]
    return [line.rstrip()] + [_BELOW + more for more in wrapped(notes, columns() - len(_BELOW), "")]


def _text_cells(row: ProcessDump, names: Names, mark: str = "", narrow: bool = False) -> Tuple[Tuple[str, ...], str]:
    """The columns of the text and its notes, what is strange about it first.

    narrow  the last column, which few rows fill, is a note like others: else most notes would have no room
    """
    cells = _cells_of(row, names, ())
    token = row.token
    at = row.process.address
    cells["pid"], cells["image"] = link(cells["pid"], at), link(cells["image"], at)
    cells["integrity"] = _marked_level(cells["integrity"], token)
    if isinstance(token, Token):
        user = briefly(token.user, lambda sid: _user(sid_name(sid, token, names), sid))
        cells["user"] = link(user, token.address, "token")
        cells["session"] = briefly(token.session_id, str)
    elif token is not None:
        cells["user"] = "token " + ("not told" if isinstance(token, NotSaid) else briefly(token, str))
    notes = [one for one in (_marked_rules(mark), _marked_oddities(cells["oddities"])) if one]
    strong = cells["privileges"].split()
    if isinstance(token, Token) and token.user in SERVICE_ACCOUNTS and len(strong) > 3:
        # A service account holds many as a matter of course; the list would hide what is unusual.
        notes.append(together("%d%s" % (len(strong), _MANY)))
    elif strong:
        short = ["+" + (name[2:-9] if name.endswith("Privilege") else name) for name in strong]
        notes.append(joined(" ", [styled(name, "sensitive") for name in short]))
    shown = tuple(cells[name] for name, _, _ in _SHOWN)
    if narrow:
        notes = ([shown[-1]] if shown[-1] else []) + notes
    return shown[:-1] if narrow else shown, joined(", ", notes)


def _user(name: str, sid: Sid) -> str:
    """A user in a column; one that nobody can name by the ends of its SID, which tell accounts apart."""
    text = str(sid)
    if name.startswith("<") and name.endswith(">") and text.count("-") > _LONG:
        return "%s-...-%s" % (text[: len("S-1-5-21")], sid.subauthorities[-1])
    return text if name.startswith("<") and name.endswith(">") else name.replace("NT AUTHORITY\\", "")


def _marked_level(words: str, token: Maybe[Optional[Token]]) -> str:
    level = integrity_level(token) if isinstance(token, Token) else None
    return styled(words, level_style(level) if level is not None else "gap" if words == "?" else "")


def _marked_rules(text: str) -> str:
    """The rules that saw something, each a link to what it is about."""
    parts = [one.split(" ") for one in text.split(", ")] if text else []
    marked = [filled("%s %s", styled(mark, _MARKS.get(mark, "")), rule_link(id, id)) for mark, id in parts]
    return joined(", ", map(together, marked))


def _marked_oddities(text: str) -> str:
    """What is odd, with the marks of what should not be there at all; each stands at the start of its own."""
    parts = text.split(", ")
    return joined(", ", [styled("!!", "impossible") + one[2:] if one[:3] == "!! " else one for one in parts])


def is_wanted(row: ProcessDump, user: Optional[str], level: Optional[int], names: Names) -> bool:
    """Whether the process's token, or one that a thread of it impersonates, passes the filters."""
    if user is None and level is None:
        return True
    return any(_matches(token, user, level, names) for token in [row.token, *row.tokens.values()])


def _matches(token: Maybe[Optional[Token]], user: Optional[str], level: Optional[int], names: Names) -> bool:
    if not isinstance(token, Token):
        return False
    if level is not None and integrity_level(token) != level:
        return False
    if user is None:
        return True
    sid = token.user
    return isinstance(sid, Sid) and user.lower() in ("%s %s" % (sid_name(sid, token, names), sid)).lower()


def cells_of(row: ProcessDump, names: Names = NO_NAMES, findings: Sequence[Finding] = ()) -> Dict[str, str]:
    """What each column of the CSV shows, as text; `findings` are those of the whole machine."""
    # Data has no marks: what writes Parquet may take a str and nothing that is like one.
    return {name: str(cell) for name, cell in _cells_of(row, names, findings).items()}


def all_cells(
    rows: Iterable[ProcessDump], names: Names = NO_NAMES, findings: Sequence[Finding] = ()
) -> Iterator[Dict[str, str]]:
    """`cells_of` each row."""
    found = by_process(findings)
    return (cells_of(row, names, found.get(row.process.address, ())) for row in rows)


def _cells_of(row: ProcessDump, names: Names, findings: Sequence[Finding]) -> Dict[str, str]:
    process, token = row.process, row.token
    cells = dict.fromkeys(COLUMNS, "")
    cells["remarks"] = remarks_text(findings, process.address)
    cells["pid"] = str(process.pid) if known(process.pid) else ""
    cells["image"] = show(process.image_name, clean)
    cells["eprocess"] = hex(process.address)
    odd = []
    details = row.details
    if isinstance(details, ProcessDetails):
        if isinstance(details.exit_time, int) and details.exit_time:
            odd.append("exited")
        if isinstance(details.protection, int) and details.protection:
            odd.append(_protection(details.protection))
    if not isinstance(token, Token):
        cells["user"] = "no token" if token is None else show(token, str)
        if isinstance(token, NotSaid) and isinstance(process.token, FastRef):
            cells["token"] = hex(process.token.object)  # a text names it, and no more
        odd += ["!! " + clean(problem) for problem in row.problems]
        cells["oddities"] = ", ".join(odd)
        return cells
    cells["token"] = hex(token.address) if token.address else ""  # a text may not say it
    cells["session"] = show(token.session_id, str)
    cells["user"] = show(token.user, lambda sid: sid_name(sid, token, names))
    cells["sid"] = show(token.user, str)
    cells["integrity"] = _integrity(token)
    cells["elevation"] = _ELEVATION[elevation(token)]
    odd += kinds(token)
    busy = sum(isinstance(t.impersonation, Impersonation) for t in row.threads)
    if busy:
        odd.append("%d of %d threads impersonate%s" % (busy, len(row.threads), "s" if busy == 1 else ""))
    odd += ["!! " + clean(remark.text) for remark in dump_remarks(row) if remark.serious]
    cells["oddities"] = ", ".join(odd)
    cells["privileges"] = " ".join(p.name for p in token.enabled_privileges if p.danger)
    return cells


def _integrity(token: Token) -> str:
    level = integrity_level(token)
    if level is not None:
        return integrity_text(level).replace(" Mandatory Level", "")
    return "none" if token.integrity is None else "?"


def _protection(level: int) -> str:
    """PPL-Lsa, PP-WinTcb: the short words that people use for _PS_PROTECTION."""
    words = str(Protection(level))
    if words.endswith("-Light"):
        return words[:-6].replace("PsProtectedSigner", "PPL-")
    return words.replace("PsProtectedSigner", "PP-")


def csv_lines(rows: Sequence[ProcessDump], names: Names = NO_NAMES, findings: Sequence[Finding] = ()) -> List[str]:
    """Comma-separated values with a heading."""
    cells = all_cells(rows, names, findings)
    return csv_text([COLUMNS]) + csv_text([one[name] for name in COLUMNS] for one in cells)


def csv_text(rows: Iterable[Sequence[str]]) -> List[str]:
    """Lines of CSV; text that a spreadsheet would run as a formula is quoted off."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue().split("\n")[:-1]


# What spreadsheets begin a formula by (as wide characters too, in East Asian ones), at the start of a cell and behind
# anything that may be taken for its end: which separator counts is a setting of the reader's system, and the quotes
# that the comma needs do not bind where another one does.
_FORMULA = re.compile("(^|[^\\w=+@\uff1d\uff0b\uff0d\uff20-])(?=[=+@\uff1d\uff0b\uff0d\uff20-])")


def _harmless(cell: str) -> str:
    return _FORMULA.sub(r"\1'", cell)
