"""The thread map: which token each thread of a process really presents."""

from __future__ import annotations

from typing import List, Optional, Tuple

from kdtoken.analysis.consistency import integrity_level
from kdtoken.model.absent import Fragment, Missing, NotSaid, known
from kdtoken.model.integrity import integrity_text
from kdtoken.model.process import Impersonation, ProcessDump, Thread
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Token
from kdtoken.model.token_words import IMPERSONATION_LEVELS, value_word
from kdtoken.render.dml import link
from kdtoken.render.marked import filled, joined, styled
from kdtoken.render.meaning import level_style
from kdtoken.render.words import clean, columns, row_lines, show, sid_name, wrapped

# What the two lowest levels are good for ("Impersonation Levels", learn.microsoft.com).
_ALLOWED = {
    0: "can neither act as the client nor ask who it is",
    1: "good for asking who the client is, not for access",
}


def no_threads(dump: ProcessDump) -> str:
    """That there are none; or, where the list could not be read, that this is not known."""
    unlisted = any(problem.startswith("threads cannot be listed") for problem in dump.problems)
    return styled("?? not listed, as noted", "gap") if unlisted else "none on the process's list"


def thread_lines(dump: ProcessDump, names: Names = NO_NAMES) -> List[str]:
    """Threads that run under the primary token on one line; each other one on its own."""
    if not dump.threads:
        not_said = "none are told of; !process %x 6 lists them" % dump.process.address
        return ["", "Threads", "  " + (not_said if isinstance(dump.details, NotSaid) else no_threads(dump))]
    plain = [t for t in dump.threads if t.impersonation is None]
    least = "at least " if isinstance(dump.threads, Fragment) else ""
    lines = ["", "Threads (%s%d)" % (least, len(dump.threads))]
    if plain:
        shown = joined(" ", [thread_id(t) for t in plain[:12]])
        more = " and %d more" % (len(plain) - 12) if len(plain) > 12 else ""
        lines += _hanging("%d under the primary token: " % len(plain) + shown + more, "  ")
    busy = sum(isinstance(t.impersonation, Impersonation) for t in dump.threads)
    if busy:
        lines.append("  %d impersonating:" % busy)
    return lines + impersonation_lines(dump, "    ", names)


def impersonation_lines(dump: ProcessDump, indent: str = "  ", names: Names = NO_NAMES) -> List[str]:
    """Threads that do not, or may not, run under the primary token, and what is wrong with threads."""
    others = impersonation_rows(dump, names)
    lines: List[str] = []
    for (_, _, notes), cells in zip(others, row_lines([cells for _, cells, _ in others], indent)):
        lines += cells
        if notes:
            lines += _hanging(notes, indent + "      ")
    for thread in dump.threads:
        for problem in thread.problems:
            line = filled("%s thread %s: %s", styled("!!", "impossible"), thread_id(thread), clean(problem))
            lines += _hanging(line, indent)
    return lines


def impersonation_rows(dump: ProcessDump, names: Names = NO_NAMES) -> List[Tuple[Thread, Tuple[str, ...], str]]:
    """(thread, its id, user, level and token in words, what is otherwise than in the process's token) of each."""
    others = [t for t in dump.threads if t.impersonation is not None]
    return [(t, _cells(dump, t, names), _notes(dump, t)) for t in others]


def _hanging(text: str, indent: str) -> List[str]:
    return [indent + line for line in wrapped(text, columns() - len(indent))]


def thread_id(thread: Thread) -> str:
    """The id of a thread, a link to what the debugger tells of it."""
    return link(show(thread.tid, str), thread.address, "thread")


def _cells(dump: ProcessDump, thread: Thread, names: Names) -> Tuple[str, ...]:
    impersonation = thread.impersonation
    if not isinstance(impersonation, Impersonation):
        return (thread_id(thread), "token not known: " + show(impersonation, str))
    level = value_word(impersonation.level, IMPERSONATION_LEVELS)
    if impersonation.effective_only is True:
        level += ", EffectiveOnly"
    token = dump.tokens.get(impersonation.token)
    who = show(token.user, lambda sid: sid_name(sid, token, names)) if isinstance(token, Token) else "?"
    address = impersonation.token
    return (thread_id(thread), who, level, "token " + link("0x%x" % address, address, "token"))


def _notes(dump: ProcessDump, thread: Thread) -> str:
    """What is otherwise than in the process's token, and what the level allows."""
    impersonation = thread.impersonation
    if not isinstance(impersonation, Impersonation):
        return ""
    token = dump.tokens.get(impersonation.token)
    if not isinstance(token, Token):
        return show(token, str, "its token was not read")
    notes = differences(dump.token if isinstance(dump.token, Token) else None, token)
    allowed = _ALLOWED.get(impersonation.level)
    return joined("; ", notes + [allowed] if allowed else notes)


def differences(primary: Optional[Token], token: Token) -> List[str]:
    """What a thread's token has otherwise than the process's: user, integrity, privileges."""
    if primary is None:
        return []
    found: List[str] = []
    if known(primary.user) and known(token.user) and primary.user != token.user:
        found.append("other user")
    mine, theirs = integrity_level(primary), integrity_level(token)
    if mine is not None and theirs is not None and mine != theirs:
        words = "integrity %s" % integrity_text(theirs).replace(" Mandatory Level", "")
        found.append(styled(words, level_style(theirs)))
    before = {p.name for p in primary.enabled_privileges}
    after = {p.name for p in token.enabled_privileges}
    if not isinstance(primary.privileges, Missing) and not isinstance(token.privileges, Missing):
        gained, lost = sorted(after - before), sorted(before - after)
        if gained:
            more = " and %d more" % (len(gained) - 3) if len(gained) > 3 else ""
            found.append("gains " + " ".join(gained[:3]) + more)
        if lost:
            found.append("loses %d of the %d enabled privileges" % (len(lost), len(before)))
    return found
