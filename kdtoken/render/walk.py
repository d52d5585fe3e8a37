"""All processes, a line each: text, CSV and JSON."""

import csv
import io
import json
from typing import Any, Dict, List, Sequence, Tuple

from kdtoken.analysis.character import (
    SERVICE_ACCOUNTS,
    Elevation,
    dump_remarks,
    elevation,
    integrity_level,
    kinds,
)
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.process import Impersonation, ProcessDetails, ProcessDump
from kdtoken.model.protection import Protection
from kdtoken.model.sid_names import integrity_text
from kdtoken.model.token import Token
from kdtoken.render.json import SCHEMA, plain
from kdtoken.render.threads import thread_lines
from kdtoken.render.words import WIDTH, clean, show, sid_name

_ELEVATION = {Elevation.DEFAULT: "", Elevation.FULL: "full", Elevation.LIMITED: "filtered", Elevation.UNKNOWN: "?"}
_ROW = "%6s  %-15s %3s  %-24s %-9s %-8s  "
COLUMNS = ("pid", "image", "session", "user", "sid", "integrity", "elevation", "oddities", "privileges", "token", "eprocess")


def text_lines(
    rows: Sequence[ProcessDump], source: str, total: int, problems: Sequence[str], with_threads: bool
) -> List[str]:
    """An aligned table; what could not be reached is said below it."""
    lines = ["from %s" % clean(source), ""]
    lines.append(_ROW % ("PID", "IMAGE", "SES", "USER", "INTEGRITY", "ELEVATED") + "NOTES")
    for row in rows:
        cells = cells_of(row)
        notes = [cells["oddities"]] if cells["oddities"] else []
        if cells["privileges"]:
            notes.append(cells["privileges"])
        line = _ROW % tuple(cells[name] for name in ("pid", "image", "session", "user", "integrity", "elevation"))
        lines += _with_notes(line, ", ".join(notes))
        if with_threads:
            lines += ["      " + text for text in thread_lines(row)[3 if _plain(row) else 2 :]]
    lines += ["", "%d of %d processes" % (len(rows), total) if len(rows) != total else "%d processes" % total]
    lines += ["!! " + clean(problem) for problem in problems]
    return lines


def _plain(row: ProcessDump) -> bool:
    return any(thread.impersonation is None for thread in row.threads)


def _with_notes(line: str, notes: str) -> List[str]:
    """Notes behind the line as long as they fit, else below it."""
    lines = []
    for word in notes.split(" "):
        if len(line) + len(word) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * 30
        line += word + " "
    return lines + [line.rstrip()]


def cells_of(row: ProcessDump) -> Dict[str, str]:
    """What each column shows, as text."""
    process, token = row.process, row.token
    cells = dict.fromkeys(COLUMNS, "")
    cells["pid"] = str(process.pid)
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
        cells["oddities"] = ", ".join(odd)
        return cells
    cells["token"] = hex(token.address)
    cells["session"] = show(token.session_id, str)
    cells["user"] = show(token.user, lambda sid: sid_name(sid, token).replace("NT AUTHORITY\\", ""))
    cells["sid"] = show(token.user, str)
    level = integrity_level(token)
    cells["integrity"] = integrity_text(level).replace(" Mandatory Level", "") if level is not None else "?"
    cells["elevation"] = _ELEVATION[elevation(token)]
    odd += kinds(token)
    busy = sum(isinstance(t.impersonation, Impersonation) for t in row.threads)
    if busy:
        odd.append("%d of %d threads impersonate" % (busy, len(row.threads)))
    odd += ["!! " + remark.text for remark in dump_remarks(row) if remark.serious]
    cells["oddities"] = ", ".join(odd)
    strong = [p.name for p in token.enabled_privileges if p.danger]
    if token.user in SERVICE_ACCOUNTS and len(strong) > 3:
        # A service account holds many as a matter of course; the list would hide what is unusual.
        cells["privileges"] = "%d sensitive" % len(strong)
    else:
        cells["privileges"] = " ".join("+" + (name[2:-9] if name.endswith("Privilege") else name) for name in strong)
    return cells


def _protection(level: int) -> str:
    """PPL-Lsa, PP-WinTcb: the short words that people use for _PS_PROTECTION."""
    words = str(Protection(level))
    if words.endswith("-Light"):
        return words[:-6].replace("PsProtectedSigner", "PPL-")
    return words.replace("PsProtectedSigner", "PP-")


def csv_lines(rows: Sequence[ProcessDump]) -> List[str]:
    """Comma-separated values with a heading; text that a spreadsheet would run as a formula is quoted off."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = cells_of(row)
        writer.writerow([_harmless(cells[name]) for name in COLUMNS])
    return out.getvalue().rstrip("\n").split("\n")


def _harmless(cell: str) -> str:
    return "'" + cell if cell[:1] in ("=", "+", "-", "@") else cell


def json_lines(rows: Sequence[ProcessDump], about: Dict[str, Any], problems: Sequence[str]) -> List[str]:
    """One JSON document; a process a line, so that it can be read and compared."""
    head = json.dumps({"kdtoken": SCHEMA, "about": about, "problems": list(problems)})
    body = ",\n".join(" " + json.dumps(_json_row(row)) for row in rows)
    return (head[:-1] + ', "processes": [\n' + body + "\n]}").split("\n")


def _json_row(row: ProcessDump) -> Dict[str, Any]:
    data: Dict[str, Any] = {"process": plain(row.process), "details": plain(row.details)}
    token = row.token
    if not isinstance(token, Token):
        data["token"] = plain(token)
        return data
    data["token"] = lean(token)
    data["threads"] = [plain(thread) for thread in row.threads]
    data["tokens"] = {hex(a): lean(t) if isinstance(t, Token) else plain(t) for a, t in sorted(row.tokens.items())}
    return data


_LEAN: Tuple[str, ...] = ("address", "session_id", "token_type", "impersonation_level", "flags", "authentication_id", "token_id")


def lean(token: Token) -> Dict[str, Any]:
    """The part of a token that a walk reads."""
    data = {name: plain(getattr(token, name), name) for name in _LEAN}
    data["user"] = plain(token.user)
    data["user_name"] = show(token.user, lambda sid: sid_name(sid, token))
    data["integrity"] = integrity_level(token)
    data["elevation"] = elevation(token).name.lower()
    data["confined"] = list(kinds(token))
    privileges = token.privileges
    if isinstance(privileges, (Unreadable, Absent)):
        data["enabled_privileges"] = plain(privileges)
    else:
        data["enabled_privileges"] = [p.name for p in token.enabled_privileges]
    data["problems"] = list(token.problems)
    return data
