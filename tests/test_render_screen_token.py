"""The token on the screen: which groups are named first, what stands for a long name."""

from typing import Any, Tuple

import pytest

from kdtoken.frozen import replace
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.sid import Sid
from kdtoken.render.report import Report
from kdtoken.render.screen_token import _confined, _groups, _weight, few, token_rows
from tests.test_analysis_consistency import token

DOMAIN = "S-1-5-21-1-2-3-"


@pytest.mark.parametrize(
    ("sid", "weight"),
    [
        ("S-1-5-32-544", (0, 0)),  # Administrators
        ("S-1-5-32-551", (1, 0)),  # Backup Operators
        (DOMAIN + "512", (1, 0)),  # a domain's
        ("S-1-5-32-545", (3, 0)),  # Users
        ("S-1-1-0", (3, 0)),
        ("S-1-2-0", (3, 0)),
        ("S-1-2-1", (3, 0)),
        ("S-1-5-11", (3, 0)),
        ("S-1-5-113", (3, 0)),
        ("S-1-5-64-10", (3, 0)),
        ("S-1-18-1", (3, 0)),
        ("S-1-5-5-0-77", (3, 0)),  # a logon's
        ("S-1-5-80-0", (2, 0)),
        ("S-1-5-114", (2, 0)),
        ("S-1-15-3-1", (2, 0)),
    ],
)
def test_who_decides_most_is_named_first(sid: str, weight: Tuple[int, int]) -> None:
    attributes = 0xC0000007 if "-5-5-0" in sid else 7
    assert _weight(Group(Sid.from_text(sid), attributes)) == weight


def test_a_list_is_cut_where_words_for_the_rest_are_shorter_than_the_rest() -> None:
    assert few([]) == "" and few(["a"]) == "a" and few(["a", "b", "c"], 1) == "a and 2 more"
    assert few(["a", "b"], 1) == "a, b"


def test_groups_of_which_only_the_sid_is_known_are_told() -> None:
    """A text may list groups without their attributes: none of them is known to be on."""
    half = [HalfGroup(0x10, "paged out", sid=Sid.from_text(sid)) for sid in ("S-1-1-0", "S-1-5-11")]
    page = Report(False)
    _groups(page, replace(token("notepad"), user_and_groups=(token("notepad").user_and_groups[0], *half)))
    text = " ".join(" ".join(page.lines).split())
    assert text.startswith("Groups at least 0 on") and "not said" not in text
    assert "listed, but not how: Everyone, NT AUTHORITY\\Authenticated Users" in text


def token_row(one: Any) -> str:
    """The row that says which token it is; none where there is nothing to say."""
    page = Report(False)
    token_rows(page, one, None, "")
    return next((" ".join(line.split()) for line in page.lines if line.startswith("  Token ")), "")


def test_a_token_is_told_by_its_address_and_type_as_far_as_they_are_known() -> None:
    one = token("notepad")
    assert token_row(one) == "Token 0x%x, primary" % one.address
    assert token_row(replace(one, token_type=2)) == "Token 0x%x, impersonation" % one.address
    assert token_row(replace(one, address=0)) == "Token primary"
    assert token_row(replace(one, token_type=NotSaid("a text"))) == "Token 0x%x" % one.address
    assert token_row(replace(one, address=0, token_type=NotSaid("a text"))) == ""


def confined(**members: Any) -> str:
    page = Report(False)
    _confined(page, replace(token("notepad"), **members))
    return " ".join(" ".join(page.lines).split())


def test_what_confines_a_token_is_told_as_far_as_it_is_known() -> None:
    package = Sid.from_text("S-1-15-2-1-2-3-4-5-6-7")
    gone = Unreadable(0x10, "paged out")
    assert confined(flags=0, package=None, restricted_sids=()) == "Confined not restricted, in no AppContainer"
    # Of what was not read or not told nothing follows.
    assert "not known whether" in confined(flags=gone, package=gone, restricted_sids=())
    assert "package ?? unreadable at 0x10: paged out" in confined(flags=0, package=gone, restricted_sids=())
    assert "TokenFlags, package: not told" in confined(flags=NotSaid("x"), package=NotSaid("x"), restricted_sids=())
    listed = confined(flags=0x4000, package=package, capabilities=(Group(Sid(15, (3, 1)), 4), gone))
    assert (
        listed.startswith("Confined AppContainer package ")
        and "2 capabilities: " in listed
        and "?? unreadable" in listed
    )
    assert "capabilities ?? unreadable at 0x10: paged out" in confined(flags=0x4000, package=package, capabilities=gone)
    two = (Group(Sid(5, (32, 545)), 7), Group(Sid(5, (12,)), 7))
    assert "restricting SIDs: BUILTIN\\Users, " in confined(flags=0x10, package=None, restricted_sids=two)
