"""The rows of a token on the screen: how it was made, privileges, groups, what confines it."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from kdtoken.analysis.classification import ADMINISTRATORS, kinds
from kdtoken.analysis.lineage.origin import Kind, Lineage
from kdtoken.model.absent import Fragment, Missing, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.model.token_words import TOKEN_TYPES, value_word
from kdtoken.render import words
from kdtoken.render.dml import link, privilege_link
from kdtoken.render.marked import joined, styled, together
from kdtoken.render.meaning import privilege
from kdtoken.render.report import Report
from kdtoken.render.words import clean, show

_ALL_SERVICES = Sid(5, (80, 0))
# Groups that nearly everybody is in: told last, since they decide least.
_COMMON = frozenset(
    [Sid(1, (0,)), Sid(2, (0,)), Sid(2, (1,)), Sid(5, (32, 545))]
    + [Sid(5, (one,)) for one in (2, 3, 4, 6, 11, 15, 113)]
    + [Sid(5, (64, 10)), Sid(18, (1,)), Sid(18, (2,))]
)
_LONG_SID = 46  # that of an account in a domain
_NAMED = 6  # so many of a list's entries are named


def token_rows(page: Report, token: Token, lineage: Optional[Lineage], check: str) -> None:
    """The token: where it came from, what it may do, who it counts as, what confines it."""
    parts = [link("0x%x" % token.address, token.address, "token")] if token.address else []
    if not isinstance(token.token_type, NotSaid):
        parts.append(show(token.token_type, lambda one: value_word(one, TOKEN_TYPES).lower()))
    page.row_unless_empty("Token", "", joined(", ", parts) + check)
    parts = []
    if not isinstance(token.authentication_id, NotSaid):
        parts.append(show(token.authentication_id, lambda one: words.luid(one).replace("  ", ", ")))
    if not isinstance(token.session_id, NotSaid):
        parts.append("session %s" % show(token.session_id, words.number))
    page.row_unless_empty("Logon", "", joined("; ", parts))
    for at, step in enumerate(lineage.steps if lineage is not None else ()):
        text = clean(step.words)
        if step.of:
            text += "; that token is at " + link("0x%x" % step.of, step.of, "token")
        if step.kind is Kind.UNKNOWN:
            text = "%s: " % step.kind.value + text
        elif not step.certain:
            text += "  (the usual reading)"
        page.row("" if at else "Made", text)
    _privileges(page, token)
    _groups(page, token)
    _confined(page, token)


def _privileges(page: Report, token: Token) -> None:
    privileges = token.privileges
    if isinstance(privileges, Missing):
        page.row("Privileges", show(privileges, str))
        return
    held = [one for one in privileges if one.present]
    on = [one for one in held if one.enabled]
    least = "at least " if isinstance(privileges, Fragment) else ""
    strong = [privilege_link(privilege(one, one.name), one.name) for one in on if one.danger]
    others = few([one.name for one in on if not one.danger])
    counts = (
        "%s%d held, %d off, %d on" % (least, len(held), len(held) - len(on), len(on)) if held or least else "holds none"
    )
    page.row("Privileges", counts if strong or not on else "%s: %s" % (counts, others))
    page.row_unless_empty("", "sensitive, on: ", joined(", ", strong))
    page.row_unless_empty("", "others, on: ", others if strong else "")
    page.row_unless_empty("", "sensitive, off: ", few([one.name for one in held if one.danger and not one.enabled]))


def few(listed: Sequence[str], room: int = _NAMED) -> str:
    """The first of a list by name, the others counted."""
    more = len(listed) - room
    if more == 1:  # its name is no longer than the words for it
        more = 0
    return joined(", ", map(together, listed[:room] if more > 0 else listed)) + (
        " and %d more" % more if more > 0 else ""
    )


def _groups(page: Report, token: Token) -> None:
    if isinstance(token.user_and_groups, Missing):
        page.row("Groups", show(token.user_and_groups, str))
        return
    groups = [one for one in token.groups if isinstance(one, Group) and not one.is_integrity]
    not_said = sum(isinstance(one, NotSaid) for one in token.groups)
    half = [one.sid for one in token.groups if isinstance(one, HalfGroup) and one.sid is not None]
    unread = sum(isinstance(one, Missing) for one in token.groups) - not_said - len(half)
    on = sorted((one for one in groups if one.enabled and not one.deny_only), key=_weight)
    deny = [styled(page.name(one.sid, token), "deny") for one in groups if one.deny_only]
    off = [page.name(one.sid, token) for one in groups if not one.enabled and not one.deny_only]
    least = "at least " if unread or not_said or half or isinstance(token.user_and_groups, Fragment) else ""
    services = [one for one in on if one.sid.starts_with(5, 80) and one.sid != _ALL_SERVICES]
    names = [page.name(one.sid, token) for one in on if one not in services]
    among = ", %d of them for services" % len(services) if services else ""
    if least and not groups and not half and not unread:
        page.row("Groups", "-  not said which" if not_said else "-  not said by this text")
        return
    page.row("Groups", "%s%d on%s" % (least, len(on), among) + (": " + few(names) if names else ""))
    page.row_unless_empty("", "for deny only: ", few(deny))
    page.row_unless_empty("", "off: ", few(off))
    page.row_unless_empty("", "listed, but not how: ", few([page.name(one, token) for one in half]))
    if unread:
        page.row("", styled("?? %d more could not be read" % unread, "gap"))
    if services:
        page.row("Services", few([_named(page, one).split("\\")[-1] for one in services]))


def _weight(group: Group) -> Tuple[int, int]:
    """Who decides most comes first: administrators, the built-in groups, accounts, what everybody has."""
    sid = group.sid
    if sid == ADMINISTRATORS:
        return 0, 0
    if sid in _COMMON or group.is_logon_id:
        return 3, 0
    return (1, 0) if sid.starts_with(5, 32) or sid.starts_with(5, 21) else (2, 0)


def _confined(page: Report, token: Token) -> None:
    """What makes the token less than its user."""
    found = list(kinds(token))
    parts = (("TokenFlags", token.flags), ("package", token.package), ("restricting SIDs", token.restricted_sids))
    not_said = [what for what, one in parts if isinstance(one, NotSaid)]
    gaps = [what + " " + show(one, str) for what, one in parts if isinstance(one, Unreadable)]
    gaps += ["%s: not told" % ", ".join(not_said)] if not_said else []
    if not found:
        found = ["not known whether"] if gaps else ["not restricted, in no AppContainer"]
    page.row("Confined", ", ".join(found))
    for gap in gaps:
        page.row("", gap)
    if isinstance(token.package, Sid):
        page.row("", "package " + together(_named(page, Group(token.package))))
        listed = token.capabilities
        if isinstance(listed, tuple):
            page.row("", "%d capabilities: " % len(listed) + few([_named(page, one) for one in listed]))
        else:
            page.row("", "capabilities %s" % show(listed, str))
    restricted = token.restricted_sids
    if isinstance(restricted, tuple) and restricted:
        page.row("", "restricting SIDs: " + few([_named(page, one) for one in restricted]))


def _named(page: Report, group: object) -> str:
    if not isinstance(group, Group):
        return styled("?? unreadable", "gap")
    name = page.name(group.sid)
    if not name.startswith("<"):
        return name
    text = str(group.sid)
    parts = text.split("-")
    # What nobody can read out anyway stands whole in --all, and would tear a line of 80.
    return text if len(text) <= _LONG_SID else "-".join(parts[:5] + ["..."] + parts[-1:])
