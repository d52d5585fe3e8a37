"""Numbers, SIDs and names as tools print them: what is one, where it ends, and what only looks like one."""

from typing import Optional, Tuple

import pytest

from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.view.words import (
    has_facts,
    hexadecimal,
    is_cut_sid,
    luid_of,
    may_have_facts,
    pointer_at,
    sid_of,
    unbracketed,
)


@pytest.mark.parametrize(
    ("text", "sid"),
    [
        ("S-1-5-18", Sid(5, (18,))),
        (" s-1-5-18 ", Sid(5, (18,))),
        ("S-1-0x000100000000-7", Sid(1 << 32, (7,))),
        ("S-1-5-21-1-2-3-1001", Sid(5, (21, 1, 2, 3, 1001))),
        ("S-1-5-21-1-2-3", None),  # a domain's own: the account's number was cut off
        ("S-1-5-21", None),
        ("S-1-16-21-1", Sid(16, (21, 1))),
        ("S-1-5-018", None),
        ("S-1-5-", None),
        ("S-1-5-4294967296", None),
        ("S-1", None),
    ],
)
def test_what_a_text_is_as_a_sid(text: str, sid: Optional[Sid]) -> None:
    assert sid_of(text) == sid


@pytest.mark.parametrize(
    "text, cut", [("S-1-5-", True), ("s-1-5-21-1-", True), ("S-1-5", False), ("S-1-", False), ("S-1-5-21-x-", False)]
)
def test_a_sid_that_a_line_s_end_cut(text: str, cut: bool) -> None:
    assert is_cut_sid(text) is cut


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("of S-1-5-x", True),
        ("of s-1-5", True),
        ("SeDebugPrivilege", True),
        ("SeRemoteInteractiveLogonRight", True),
        ("nt!SeTokenIsAdmin", False),
        ("Sedebugprivilege", False),
        ("xSeDebugPrivilege", False),
        ("Session 1", False),
    ],
)
def test_what_no_view_may_lose(text: str, facts: bool) -> None:
    assert has_facts(text) is facts
    assert may_have_facts(text) or not facts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ffffd102`03046060 rest", (0xFFFFD10203046060, " rest")),
        ("  0xffffd10203046060", (0xFFFFD10203046060, "")),
        ("e1bad030, x", (0xE1BAD030, ", x")),
        ("0x10 x", (0x10, " x")),
        ("ffffd10203046060a", (None, "ffffd10203046060a")),
        ("(null)", (None, "(null)")),
    ],
)
def test_a_pointer_and_what_stands_behind_it(text: str, found: Tuple[Optional[int], str]) -> None:
    assert pointer_at(text) == found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0x1F", 31),
        ("0X1f", 31),
        (" 1f ", 31),
        ("ffffd102`03046060", 0xFFFFD10203046060),
        ("10000000000000000", None),  # seventeen digits
        ("", None),
        ("0x", None),
        ("1g", None),
        ("1 2", None),
    ],
)
def test_hexadecimal_numbers(text: str, number: Optional[int]) -> None:
    assert hexadecimal(text) == number


@pytest.mark.parametrize(
    ("text", "luid"),
    [
        ("3e7", Luid(0, 0x3E7)),
        ("0x3e7", Luid(0, 0x3E7)),
        ("(0,3e7)", Luid(0, 0x3E7)),
        (" (1, 3e7) ", Luid(1, 0x3E7)),
        ("1:3e7", Luid(1, 0x3E7)),
        ("(0,3e7", None),
        ("none", None),
    ],
)
def test_luids_as_tools_print_them(text: str, luid: Optional[Luid]) -> None:
    assert luid_of(text) == luid


@pytest.mark.parametrize(
    "text, name", [(" (a b) ", "a b"), ("(a", "(a"), ("a)", "a)"), ("()", ""), ("a", "a"), ("", "")]
)
def test_a_name_without_its_brackets(text: str, name: str) -> None:
    assert unbracketed(text) == name


@pytest.mark.parametrize(
    ("text", "may"),
    [("of Se", True), ("S-1-", True), ("s-1-5", True), ("se", False), ("S-2-5", False), ("S-1", False), ("", False)],
)
def test_what_needs_a_closer_look(text: str, may: bool) -> None:
    assert may_have_facts(text) is may
