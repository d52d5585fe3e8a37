"""How a token shows itself in a shell and in a notebook: names, counts, what is not known."""

from typing import Any

import pytest

from kdtoken.frozen import replace
from kdtoken.model.absent import Unreadable
from kdtoken.model.group import Group
from kdtoken.model.notebook import html_table, printable, token_html, token_repr
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import LogonSession, Token
from tests.declared_views import decoded

ANNA, SYSTEM = decoded("notepad"), decoded("system")
GONE = Unreadable(0x10, "paged out")


def made(token: Token = ANNA, **members: Any) -> str:
    return token_repr(replace(token, **{"address": 0, **members}))


def named(**members: Any) -> str:
    assert isinstance(ANNA.logon_session, LogonSession)
    return made(logon_session=replace(ANNA.logon_session, **members)).partition(": ")[2].partition(",")[0]


def test_the_account_of_the_logon_names_a_user_whom_no_list_names() -> None:
    assert named() == "ANNA-PC\\Anna" and named(authority_name=None) == named(authority_name="") == "Anna"
    assert named(account_name=None) == named(account_name="") == named(account_name=GONE) == str(ANNA.user)
    assert made(logon_session=GONE).startswith("<Token: %s, " % ANNA.user)
    assert made(SYSTEM).startswith("<Token: NT AUTHORITY\\SYSTEM, ")
    assert isinstance(ANNA.user_and_groups, tuple)
    domain = Group(Sid.from_text("S-1-5-21-1-2-3-500"), 0)
    admin = replace(ANNA, user_and_groups=(domain, *ANNA.user_and_groups[1:]))
    assert made(admin).startswith("<Token: ANNA-PC\\Anna, ")
    assert made(admin, logon_session=GONE).startswith("<Token: <domain>\\Administrator, ")
    assert made(user_and_groups=GONE).startswith("<Token: %s, " % GONE)


def test_address_level_privileges_and_groups() -> None:
    held = [Privilege(at, "Se%d" % at, present, enabled, False) for at, present, enabled in ((2, True, True), (3, True, False), (4, False, True))]  # fmt: skip
    assert token_repr(replace(ANNA, address=0x1000, privileges=tuple(held))) == (
        "<Token 0x1000: ANNA-PC\\Anna, Medium, 2 privileges (1 enabled), 14 groups>"
    )
    assert ", 1 privilege (1 enabled), " in made(privileges=(held[0],))
    assert ", 0 privileges (0 enabled), " in made(privileges=())
    assert ", privileges unknown, " in made(privileges=GONE)
    assert ", no integrity label, " in made(integrity_level_index=0xFFFFFFFF)
    assert ", integrity unknown, " in made(integrity_level_index=GONE) and ", integrity unknown, " in made(
        integrity_level_index=3
    )
    assert isinstance(ANNA.user_and_groups, tuple)
    holed = (*ANNA.user_and_groups[:3], GONE, *ANNA.user_and_groups[4:])
    assert made(user_and_groups=holed).endswith(", 13 groups known>")
    assert made(user_and_groups=ANNA.user_and_groups[:1]).endswith(", groups unknown>")
    assert made(user_and_groups=GONE).endswith(", groups unknown>")
    assert made(user_and_groups=(ANNA.user_and_groups[0], GONE)).endswith(", groups unknown>")


def test_the_tables_hold_every_privilege_that_is_held_and_every_group() -> None:
    held = tuple(Privilege(at, "Se%d" % at, at != 4, at == 2, False) for at in (2, 3, 4))
    text = token_html(replace(ANNA, privileges=held))
    assert "<td>Se2</td><td>enabled</td>" in text and "<td>Se3</td><td>disabled</td>" in text and "Se4" not in text
    assert "<td>S-1-5-32-545</td><td>BUILTIN\\Users</td><td>Mandatory EnabledByDefault Enabled</td>" in text
    assert text.count("<table>") == 3 and "<td>SID</td><td>%s</td>" % ANNA.user in text
    assert isinstance(ANNA.user_and_groups, tuple)
    stranger = (*ANNA.user_and_groups[:1], Group(Sid.from_text("S-1-5-21-9-9-9-1001"), 7), GONE)
    text = token_html(replace(ANNA, privileges=GONE, user_and_groups=stranger))
    assert text.count("<table>") == 2
    assert "<td>S-1-5-21-9-9-9-1001</td><td></td><td>Mandatory" in text
    assert "<td>%s</td><td></td><td></td>" % GONE in text


@pytest.mark.parametrize(
    "text, shown", [("a", "a"), ("\x1b[1m", "\\x1b[1m"), ("\u202e", "\\u202e"), ("\u65e5", "\u65e5")]
)
def test_what_a_terminal_obeys_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_table_escapes_all_that_it_is_given() -> None:
    assert html_table("<a>", [("<b>", 1)], ("<c>", "d")) == (
        "<table><caption>&lt;a&gt;</caption><tr><th>&lt;c&gt;</th><th>d</th></tr>"
        "<tr><td>&lt;b&gt;</td><td>1</td></tr></table>"
    )
    assert html_table("a", []) == "<table><caption>a</caption></table>"
