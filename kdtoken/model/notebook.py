"""How objects show themselves in a shell and a notebook; all escaped, since names come from whoever made the process."""

import html
from typing import TYPE_CHECKING, Iterable, List, Sequence

from kdtoken.model.absent import Missing
from kdtoken.model.integrity import integrity_text
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import name_of

if TYPE_CHECKING:
    from kdtoken.model.token import Token


def html_table(title: str, rows: Iterable[Sequence[object]], head: Sequence[str] = ()) -> str:
    """A table as HTML; `head` are the names of its columns."""
    cells = ["".join("<th>%s</th>" % html.escape(word) for word in head)] if head else []
    cells += ["".join("<td>%s</td>" % html.escape(printable(str(cell))) for cell in row) for row in rows]
    body = "".join("<tr>%s</tr>" % one for one in cells)
    return "<table><caption>%s</caption>%s</table>" % (html.escape(printable(title)), body)


def printable(text: str) -> str:
    """Text with whatever a terminal obeys or does not show escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def token_repr(token: "Token") -> str:
    r"""`<Token 0xffffcc8a1420a800: ANNA-PC\Anna, Medium, 5 privileges (1 enabled), 14 groups>`."""
    where = " 0x%x" % token.address if token.address else ""
    return "<Token%s: %s>" % (where, ", ".join([printable(_user(token)), *_parts(token)]))


def token_html(token: "Token") -> str:
    """The same with the lists, as tables."""
    rows = [("user", _user(token)), ("SID", token.user), *(("", part) for part in _parts(token))]
    made = html_table("Token 0x%x" % token.address, rows)
    if not isinstance(token.privileges, Missing):
        held = [(one.name, "enabled" if one.enabled else "disabled") for one in token.privileges if one.present]
        made += html_table("Privileges", held)
    groups = [
        (one.sid, name_of(one.sid) or "", " ".join(one.words)) if not isinstance(one, Missing) else (one, "", "")
        for one in token.groups
    ]
    return made + html_table("Groups", groups)


def _user(token: "Token") -> str:
    """By the account of the token's logon session, where the SID's name is not the same everywhere."""
    sid = token.user
    if isinstance(sid, Missing):
        return str(sid)
    name, session = name_of(sid), token.logon_session
    account = getattr(session, "account_name", None)
    if isinstance(account, str) and account and (name is None or name.startswith("<")):
        authority = getattr(session, "authority_name", None)
        return "%s\\%s" % (authority, account) if isinstance(authority, str) and authority else account
    return name or str(sid)


def _parts(token: "Token") -> List[str]:
    label = token.integrity
    level = "no integrity label"
    if isinstance(label, Sid) and label.is_integrity_label:
        level = integrity_text(label.subauthorities[0]).replace(" Mandatory Level", "")
    elif label is not None:
        level = "integrity unknown"
    parts = [level]
    if isinstance(token.privileges, Missing):
        parts.append("privileges unknown")
    else:
        held = sum(one.present for one in token.privileges)
        word = "privilege" if held == 1 else "privileges"
        parts.append("%d %s (%d enabled)" % (held, word, len(token.enabled_privileges)))
    listed = [one for one in token.groups if not isinstance(one, Missing)]
    # A view that tells the user alone (`whoami /user`) does not say that there are no groups; every token has some.
    whole = not isinstance(token.user_and_groups, Missing) and 0 < len(listed) == len(token.groups)
    parts.append("%d groups%s" % (len(listed), "" if whole else " known") if whole or listed else "groups unknown")
    return parts
