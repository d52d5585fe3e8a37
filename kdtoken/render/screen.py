"""A security context on one screen: what decides, in some twenty lines; what could not be read is said here too."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence

from kdtoken.analysis.audit.finding import Finding
from kdtoken.analysis.classification import (
    LOCAL_SYSTEM,
    SENSITIVE,
    Elevation,
    Remark,
    dump_remarks,
    elevation,
    of_another_user,
    token_remarks,
)
from kdtoken.analysis.lineage.origin import Lineage
from kdtoken.analysis.lineage.parents import Parent
from kdtoken.frozen import member_names
from kdtoken.model.absent import Absent, Fragment, Missing, NotSaid, Unreadable, whole
from kdtoken.model.acl import Acl
from kdtoken.model.process import FastRef, Impersonation, ProcessDetails, ProcessDump
from kdtoken.model.protection import Protection
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import FIELD_NAMES, LogonSession, Token
from kdtoken.model.token_words import IMPERSONATION_LEVELS, value_word
from kdtoken.render import words
from kdtoken.render.dml import link
from kdtoken.render.marked import filled, joined, styled
from kdtoken.render.report import Report
from kdtoken.render.screen_token import few, token_rows
from kdtoken.render.text import (
    finding_rows,
    image_words,
    integrity_row,
    parent_words,
    process_line,
    remark_rows,
    source_lines,
)
from kdtoken.render.threads import no_threads, thread_id
from kdtoken.render.words import clean, show

_LABEL = 12
_NETWORK_SERVICE = Sid(5, (20,))
# What of a token the screen tells; the rest is counted at its end.
SHOWN = frozenset(
    ("user_and_groups", "integrity_level_index", "privileges", "token_type", "session_id", "authentication_id")
    + ("logon_session", "restricted_sids", "package", "capabilities")
)


def screen_lines(
    dump: ProcessDump,
    source: str,
    names: Names = NO_NAMES,
    findings: Sequence[Finding] = (),
    parent: Optional[Parent] = None,
    lineage: Optional[Lineage] = None,
    width: int = 0,
) -> List[str]:
    """A process on one screen, in lines of at most `width` as far as the words in them allow.

    parent, lineage  what is known of where the process and its token came from
    """
    page = Report(False, names, width, _LABEL)
    page.lines += [process_line(dump.process), *source_lines(source, width), ""]
    token = dump.token if isinstance(dump.token, Token) else None
    if token is not None:
        _who(page, token, tuple(dump.tokens.values()))
    finding_rows(page, findings)
    remark_rows(page, _beside_privileges(dump_remarks(dump)))
    if token is not None:
        _inner_gaps(page, token)
    page.lines.append("")
    page.row_unless_empty("Image", "", image_words(dump))
    page.row("Parent", parent_words(dump.process, parent))
    _details(page, dump)
    if token is not None:
        check = dump.cross_check
        token_rows(page, token, lineage, "" if check is None or not check.agrees else "; !process agrees")
    elif isinstance(dump.process.token, FastRef) and dump.process.token.object:
        address = dump.process.token.object
        nothing = "no more is said by this text" if isinstance(dump.token, NotSaid) else "nothing could be read"
        page.row("Token", link("0x%x" % address, address, "token") + ", of which " + nothing)
    _threads(page, dump)
    if token is not None:
        _linked(page, token, dump)
    return page.lines


def screen_token(
    token: Token, source: str, names: Names = NO_NAMES, lineage: Optional[Lineage] = None, width: int = 0
) -> List[str]:
    """A token without a process around it on one screen."""
    page = Report(False, names, width, _LABEL)
    page.lines += ["TOKEN 0x%x" % token.address if token.address else "TOKEN", *source_lines(source, width), ""]
    _who(page, token)
    remark_rows(page, _beside_privileges(token_remarks(token)))
    _inner_gaps(page, token)
    page.lines.append("")
    token_rows(page, token, lineage, "")
    return page.lines


def _beside_privileges(remarks: Sequence[Remark]) -> List[Remark]:
    """Without what the row of privileges says in the same words: which sensitive ones are on."""
    return [one for one in remarks if one.serious or not one.text.startswith(SENSITIVE)]


def left_out(token: Optional[Token], details: object = None) -> int:
    """How many fields that were asked for the screen leaves to --all."""
    count = len(details.unnamed) if isinstance(details, ProcessDetails) else 0
    if token is None:
        return count
    rest = [name for name in FIELD_NAMES if name not in SHOWN]
    return count + len(token.unnamed) + sum(not isinstance(getattr(token, one), (Absent, NotSaid)) for one in rest)


def _who(page: Report, token: Token, others: Sequence[object] = ()) -> None:
    """The answer; `others` are tokens of the same machine, of which one may tell its name."""
    page.row("Runs as", show(token.user, lambda sid: "%s  (%s)" % (page.name(sid, token), sid)))
    page.row("Integrity", integrity_row(page, token))
    kind = elevation(token)
    page.row("Elevation", _no_elevation(token) if kind is Elevation.UNKNOWN else kind.value)
    machine = next((name for name in map(_machine, (token, *others)) if name), "")
    page.row_unless_empty("Machine", "", machine)


def _machine(token: object) -> str:
    """The machine's name and domain, where the token is its own account's: what SYSTEM is known by on the network."""
    if not isinstance(token, Token) or token.user not in (LOCAL_SYSTEM, _NETWORK_SERVICE):
        return ""
    account = words.account_of(token)
    if not account or not account.endswith("$"):
        return ""
    domain, _, host = account[:-1].rpartition("\\")
    return "%s, of %s" % (host, domain) if domain else host


def _no_elevation(token: Token) -> str:
    """Why it cannot be told."""
    session = token.logon_session
    if session is None:
        return "not known: the token has no logon session"
    parts = (session, token.flags, session.buddy_logon_id if isinstance(session, LogonSession) else None)
    missing = next((one for one in parts if isinstance(one, Missing)), None)
    return "not known: %s" % (missing if isinstance(missing, (Absent, NotSaid)) else show(missing, str))


def _inner_gaps(page: Report, token: Token) -> None:
    """Members of which a part is missing: the remarks name those only that are missing whole."""
    torn = []
    for name in FIELD_NAMES:
        value = getattr(token, name)
        damaged = isinstance(value, Acl) and (value.problem or len(value.aces) != value.count)
        if damaged or (member_names(value) and not isinstance(value, Missing) and any(_gaps(value))):
            torn.append(name.replace("_", " "))
    torn += [clean(one.member) for one in token.unnamed if isinstance(one.raw, Unreadable)]
    if torn:
        page.row("Incomplete", "a part could not be read of: %s" % ", ".join(torn))
    not_said: Dict[str, int] = {}
    for name in FIELD_NAMES:
        value = getattr(token, name)
        if isinstance(value, NotSaid):
            not_said[value.what] = not_said.get(value.what, 0) + 1
    for view, count in sorted(not_said.items()):
        page.row("Not told", "%d fields of the token are not said by %s" % (count, clean(view)))


def _gaps(value: object) -> Iterator[bool]:
    """Whether each value within a value is unreadable."""
    if isinstance(value, tuple):
        for one in value:
            yield from _gaps(one)
    elif member_names(value) and not isinstance(value, Missing):
        for member in member_names(value):
            yield from _gaps(getattr(value, member))
    else:
        yield isinstance(value, Unreadable)


def _details(page: Report, dump: ProcessDump) -> None:
    details = dump.details
    if not isinstance(details, ProcessDetails):
        page.row("Process", show(details, str))
        return
    page.row("Started", show(details.create_time, words.time))
    if details.exit_time != 0 and not isinstance(details.exit_time, (Absent, NotSaid)):
        page.row("Ended", show(details.exit_time, words.time))
    if details.protection != 0 and not isinstance(details.protection, (Absent, NotSaid)):
        page.row("Protected", show(details.protection, lambda level: str(Protection(level))))


def _threads(page: Report, dump: ProcessDump) -> None:
    threads = dump.threads
    if not threads:
        said = isinstance(dump.details, NotSaid)
        page.row("Threads", "none are told of" if said else no_threads(dump))
    others = [one for one in threads if one.impersonation is not None]
    if threads:
        plain = len(threads) - len(others)
        count = ("at least %d" if isinstance(threads, Fragment) else "%d") % len(threads)
        page.row("Threads", "%s; %s under the primary token" % (count, plain if plain < len(threads) else "all"))
    alike: Dict[str, List[str]] = {}
    for one in others:
        acts = one.impersonation
        if isinstance(acts, Impersonation):
            how = _client(page, dump, acts.token) + ", " + value_word(acts.level, IMPERSONATION_LEVELS)
        else:
            how = "token not known, " + show(acts, str)
        alike.setdefault(how, []).append(thread_id(one))
    for how, tids in alike.items():
        page.row("", filled("%s: thread%s %s", how, "" if len(tids) == 1 else "s", few(tids)))
    for one in threads:
        for problem in one.problems:
            page.row("", filled("%s thread %s: %s", styled("!!", "impossible"), thread_id(one), clean(problem)))


def _client(page: Report, dump: ProcessDump, address: int) -> str:
    """Whom a thread acts for."""
    token = dump.tokens.get(address)
    if not isinstance(token, Token):
        where = link("token 0x%x" % address, address, "token")
        return filled("%s, %s", where, show(token, str, "which was not read"))
    return link(show(token.user, lambda sid: page.name(sid, token)), address, "token")


def _linked(page: Report, token: Token, dump: ProcessDump) -> None:
    linked = dump.linked
    if linked is None:
        return
    if not isinstance(linked, Token):
        page.row("Linked", show(linked, str))
        return
    level = integrity_row(page, linked)
    half = {Elevation.LIMITED: "the full token", Elevation.FULL: "the filtered twin"}.get(elevation(token), "the other")
    if of_another_user(token, linked):
        half = "%s's" % show(linked.user, lambda sid: page.name(sid, linked))
    parts = [filled("%s at %s, %s", half, link("0x%x" % linked.address, linked.address, "token"), level)]
    if not whole(token.privileges) or not whole(linked.privileges):
        parts.append("privileges cannot be compared: not all of them are known")
    else:
        mine, theirs = _held(token), _held(linked)
        parts += ["%d more privileges" % len(theirs - mine)] if theirs - mine else []
        parts += ["%d fewer privileges" % len(mine - theirs)] if mine - theirs else []
    if any(isinstance(one, Missing) for one in linked.groups) or isinstance(linked.user_and_groups, Missing):
        parts.append("not all of its groups could be read")
    page.row("Linked", joined(", ", parts))


def _held(token: Token) -> FrozenSet[str]:
    privileges = token.privileges
    return frozenset() if isinstance(privileges, Missing) else frozenset(one.name for one in privileges if one.present)
