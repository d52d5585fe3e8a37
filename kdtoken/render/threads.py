"""The thread map: which token each thread of a process really presents."""

from typing import List, Optional, Tuple

from kdtoken.analysis.character import integrity_level
from kdtoken.model.absent import Absent, Unreadable, known
from kdtoken.model.process import Impersonation, ProcessDump, Thread
from kdtoken.model.sid_names import integrity_text
from kdtoken.model.token import Token
from kdtoken.model.token_words import IMPERSONATION_LEVELS, value_word
from kdtoken.render.words import show, sid_name, table


def thread_lines(dump: ProcessDump) -> List[str]:
    """Threads that run under the primary token on one line; each other one on its own."""
    if not dump.threads:
        return ["", "Threads", "  none on the process's list"]
    plain = [t for t in dump.threads if t.impersonation is None]
    others = [t for t in dump.threads if t.impersonation is not None]
    lines = ["", "Threads (%d)" % len(dump.threads)]
    if plain:
        shown = " ".join(_tid(t) for t in plain[:12])
        more = " and %d more" % (len(plain) - 12) if len(plain) > 12 else ""
        lines.append("  %d under the primary token: %s%s" % (len(plain), shown, more))
    rows: List[Tuple[str, ...]] = []
    for thread in others:
        rows.append(_row(dump, thread))
    lines += table(rows)
    for thread in dump.threads:
        lines += ["  !! thread %s: %s" % (_tid(thread), problem) for problem in thread.problems]
    return lines


def _tid(thread: Thread) -> str:
    return show(thread.tid, str)


def _row(dump: ProcessDump, thread: Thread) -> Tuple[str, ...]:
    impersonation = thread.impersonation
    if not isinstance(impersonation, Impersonation):
        return (_tid(thread), show(impersonation, str))
    level = value_word(impersonation.level, IMPERSONATION_LEVELS)
    token = dump.tokens.get(impersonation.token)
    if not isinstance(token, Token):
        what = show(token, str) if token is not None else "token 0x%x" % impersonation.token
        return (_tid(thread), "impersonates", what, level)
    cells = [
        _tid(thread),
        "impersonates",
        show(token.user, lambda sid: sid_name(sid, token)),
        level + (", EffectiveOnly" if impersonation.effective_only else ""),
        "0x%x" % token.address,
    ]
    differs = differences(dump.token if isinstance(dump.token, Token) else None, token)
    if impersonation.level < 2:
        differs.append("good for asking who, not for access")
    return tuple(cells) + ("; ".join(differs),)


def differences(primary: Optional[Token], token: Token) -> List[str]:
    """What a thread's token has otherwise than the process's: user, integrity, privileges."""
    if primary is None:
        return []
    found: List[str] = []
    if known(primary.user) and known(token.user) and primary.user != token.user:
        found.append("other user")
    mine, theirs = integrity_level(primary), integrity_level(token)
    if mine is not None and theirs is not None and mine != theirs:
        found.append("integrity %s" % integrity_text(theirs).replace(" Mandatory Level", ""))
    before = {p.name for p in primary.enabled_privileges}
    after = {p.name for p in token.enabled_privileges}
    if not isinstance(primary.privileges, (Unreadable, Absent)) and not isinstance(
        token.privileges, (Unreadable, Absent)
    ):
        gained, lost = sorted(after - before), sorted(before - after)
        if gained:
            more = " and %d more" % (len(gained) - 3) if len(gained) > 3 else ""
            found.append("gains " + " ".join(gained[:3]) + more)
        if lost:
            found.append("lacks %d of its %d enabled privileges" % (len(lost), len(before)))
    return found
