"""A process's security context for people: the answer first, then everything.  Lines, never printed here."""

from __future__ import annotations

from typing import List, Optional, Sequence, Set, Tuple

from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.classification import (
    Elevation,
    Remark,
    dump_remarks,
    elevation,
    kinds,
    managed_pair,
    of_another_user,
    token_remarks,
)
from kdtoken.analysis.lineage.parents import How, Parent
from kdtoken.errors import NOT_RECORDED
from kdtoken.model.absent import Absent, Maybe, Missing, NotAsked, NotSaid, Unreadable, known
from kdtoken.model.group import Group
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.protection import Protection
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Token
from kdtoken.render import words
from kdtoken.render.dml import link, rule_link
from kdtoken.render.marked import filled, styled, together
from kdtoken.render.meaning import level, severity
from kdtoken.render.report import Report
from kdtoken.render.threads import thread_lines
from kdtoken.render.token_text import token_sections, unnamed_section
from kdtoken.render.words import clean, columns, show, wrapped

_LINKED = {
    Elevation.LIMITED: "The full token behind this filtered one",
    Elevation.FULL: "The filtered twin of this full token",
}


def render_dump(
    dump: ProcessDump,
    source: str,
    why: bool = False,
    names: Names = NO_NAMES,
    findings: Sequence[Finding] = (),
    parent: Optional[Parent] = None,
) -> List[str]:
    """Every field, a list of lines under 100 columns.  `source` says where it was read, `names` are its own."""
    page = Report(why, names)
    page.lines += [process_line(dump.process), *source_lines(source)]
    token = dump.token if isinstance(dump.token, Token) else None
    page.lines.append("")
    if token is not None:
        _answer(page, token)
    finding_rows(page, findings)
    remark_rows(page, dump_remarks(dump))
    process_section(page, dump, parent)
    if isinstance(dump.details, ProcessDetails):
        unnamed_section(page, "_EPROCESS", dump.details.unnamed)
    if token is not None:
        token_sections(page, token)
    if token is not None:
        linked_section(page, token, dump.linked)
    page.lines += thread_lines(dump, names)
    page.idle_rows()
    return page.lines


def render_token(token: Token, source: str, why: bool = False, names: Names = NO_NAMES) -> List[str]:
    """The report of a token by itself, without a process around it."""
    page = Report(why, names)
    page.lines += ["TOKEN 0x%x" % token.address if token.address else "TOKEN", *source_lines(source), ""]
    _answer(page, token)
    remark_rows(page, token_remarks(token))
    token_sections(page, token)
    page.idle_rows()
    return page.lines


def process_line(process: Process) -> str:
    """The head of a report: name, id both ways, and where its _EPROCESS lies."""
    at = process.address
    name = link(show(process.image_name, clean), at, "lineage")
    return filled("%s  pid %s  EPROCESS %s", name, show(process.pid, words.both_bases), link("0x%x" % at, at))


def source_lines(source: str, width: int = 0) -> List[str]:
    """Where the report was read; the name of a recording may be long."""
    return ["  " + line for line in wrapped("from " + clean(source), (width or columns()) - 2)]


def parent_words(process: Process, parent: Optional[Parent]) -> str:
    """Whose child a process is, as far as ids and times tell; a name only with its doubts."""
    if parent is None or parent.pid is None or parent.how is How.UNKNOWN:
        return show(process.parent_pid, words.both_bases)
    pid = words.both_bases(parent.pid)
    if parent.row is not None:
        doubt = {How.ENDED: ", which has ended", How.UNSURE: ", if that id was not used again"}.get(parent.how, "")
        return link(show(parent.row.process.image_name, clean), parent.row.process.address) + "  " + pid + doubt
    if parent.taken_by is not None:
        later = link(show(parent.taken_by.process.image_name, clean), parent.taken_by.process.address)
        return filled("%s, no longer there; its id was given to a later process, %s", pid, later)
    return "none: made by the kernel" if parent.how is How.NOBODY else "%s, %s" % (pid, parent.how.value)


def integrity_row(page: Report, token: Token) -> str:
    """The label's level in words."""
    return level(token.integrity, show(token.integrity, lambda sid: page.name(sid).split("\\")[-1], "no label"))


def image_words(dump: ProcessDump) -> str:
    """The image's path; "" where nobody asked for it, or nobody recorded it."""
    path = dump.image_path
    if isinstance(path, (Absent, NotSaid, NotAsked)) or (isinstance(path, Unreadable) and path.reason == NOT_RECORDED):
        return ""
    return together(show(path, clean, "the kernel keeps no path"))


def finding_rows(page: Report, findings: Sequence[Finding]) -> None:
    """What the audit calls strange about the process."""
    strange = [one for one in findings if one.severity is not Severity.INFORMATION]
    for at, one in enumerate(strange):
        mark = severity(one.severity, one.severity.value)
        page.row("" if at else "Strange", filled("%s %s  [%s]", mark, clean(one.saw), rule_link(one.rule, one.rule)))


def _answer(page: Report, token: Token) -> None:
    who = show(token.user, lambda sid: "%s  (%s)" % (page.name(sid, token), sid))
    page.row("Runs as", who)
    page.row("Integrity", integrity_row(page, token))
    kind = elevation(token)
    if kind is not Elevation.UNKNOWN:
        page.row("Elevation", kind.value)
    confined = kinds(token)
    if confined:
        page.row("Confined", ", ".join(confined))


def remark_rows(page: Report, remarks: List[Remark]) -> None:
    """What a reader should know, the serious first."""
    ordered = [r for r in remarks if r.serious] + [r for r in remarks if not r.serious]
    for at, remark in enumerate(ordered):
        mark = styled("!!", "impossible") + " " if remark.serious else ""
        page.row("" if at else "Note", mark + clean(remark.text))


def process_section(page: Report, dump: ProcessDump, parent: Optional[Parent]) -> None:
    """The process around the token: its parent, times, protection, and the reference to the token."""
    process = dump.process
    page.section("Process")
    page.row_unless_empty("Image", "", image_words(dump))
    page.row("Parent", parent_words(process, parent))
    details = dump.details
    if isinstance(details, ProcessDetails):
        page.row("Created", show(details.create_time, words.time), details.origins.get("CreateTime"))
        if details.exit_time != 0:  # a process that runs has none
            page.row("Exited", show(details.exit_time, words.time), details.origins.get("ExitTime"))
        page.row(
            "Protection",
            show(details.protection, lambda level: str(Protection(level))),
            details.origins.get("Protection.Level"),
        )
    else:
        page.row("Details", show(details, str))
    page.row("Token", show(process.token, _fast_ref))
    if isinstance(process.token, FastRef) and process.token.mask:
        ref = process.token
        page.note(
            "<- _EPROCESS.Token 0x%x & ~0x%x (_EX_FAST_REF.RefCnt is %d bits wide)"
            % (ref.value, ref.mask, ref.mask.bit_length())
        )
    check = dump.cross_check
    if check is not None:
        shown = "no token" if not check.token else "0x%x" % check.token
        verdict = {True: "agrees", False: styled("DISAGREES", "impossible"), None: "cannot be compared"}[check.agrees]
        note = check.note and "; " + check.note
        page.row("Cross-check", filled("%s: %s, %s%s", clean(check.command), shown, verdict, note))


def _fast_ref(ref: FastRef) -> str:
    if ref.mask == 0:
        return link(hex(ref.object), ref.object, "token") if ref.object else "null"
    if ref.object == 0:
        return "null (fast reference 0x%x)" % ref.value
    at = link("0x%x" % ref.object, ref.object, "token")
    return at + "  (fast reference 0x%x, count %d)" % (ref.value, ref.ref_count)


def linked_section(page: Report, token: Token, linked: Maybe[Optional[Token]]) -> None:
    """The other half of a UAC pair beside this one; no section where there is none."""
    if linked is None:
        return
    page.section(_linked_title(token, linked))
    if isinstance(linked, Token):
        _linked(page, token, linked)
    else:
        page.row("Token", show(linked, str))


def _linked_title(token: Token, linked: Maybe[Token]) -> str:
    if isinstance(linked, Token) and of_another_user(token, linked):
        return "The other half of this pair, which is another user's"
    return _LINKED.get(elevation(token), "The other token of this logon")


def _linked(page: Report, token: Token, linked: Token) -> None:
    """What the other half of the pair has that this one lacks, and the reverse."""
    page.row("Token", link(hex(linked.address), linked.address, "token"))
    if of_another_user(token, linked):
        page.row("User", show(linked.user, lambda sid: "%s  %s" % (sid, page.name(sid))))
        page.row("Why", managed_pair(token, linked))
    label = show(linked.integrity, lambda sid: "%s  %s" % (sid, page.name(sid)))
    page.row("Integrity", level(linked.integrity, label))
    mine, theirs = _held(token), _held(linked)
    if mine is None or theirs is None:
        page.row("Privileges", "cannot be compared: they could not be read")
    else:
        page.row("Privileges it adds", ", ".join(sorted(theirs - mine)) or "none")
        page.row("Privileges it lacks", ", ".join(sorted(mine - theirs)) or "none")
    unread = [g for one in (token, linked) for g in one.groups if not known(g)]
    if unread or not known(token.user_and_groups) or not known(linked.user_and_groups):
        page.row("Groups", "cannot be compared: some could not be read")
        return
    sids = {g.sid: g for g in token.groups if isinstance(g, Group)}
    changed = [
        "%s (%s here)" % (page.name(g.sid), words.group_words(sids[g.sid]) if g.sid in sids else "missing")
        for g in linked.groups
        if isinstance(g, Group) and not g.is_integrity and (g.sid not in sids or _counts(g) != _counts(sids[g.sid]))
    ]
    theirs_only = {g.sid for g in linked.groups if isinstance(g, Group)}
    changed += [
        "%s (only here)" % page.name(sid) for sid, g in sids.items() if sid not in theirs_only and not g.is_integrity
    ]
    for at, line in enumerate(changed or ["none"]):
        page.row("" if at else "Groups otherwise", line)


def _counts(group: Group) -> Tuple[bool, bool]:
    """How a group counts in an access check."""
    return group.enabled, group.deny_only


def _held(token: Token) -> Optional[Set[str]]:
    if isinstance(token.privileges, Missing):
        return None
    return {p.name for p in token.privileges if p.present}
