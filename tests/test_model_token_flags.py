"""TokenFlags: no bit lost or misnamed, and one decision about 0x8 for whoever asks."""

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.analysis.classification import kinds
from kdtoken.analysis.differences.fields import compare
from kdtoken.model.absent import Absent, NotSaid, Unreadable
from kdtoken.model.token_flags import HAS_ADMIN_GROUP, MEANINGS, TokenFlags, find_flag, token_flag_words
from kdtoken.render.diff import diff_lines
from kdtoken.render.json import token_flags
from kdtoken.render.text import render_token
from tests.declared_views import decoded, kernel

BFE = decoded("bfe")  # declared write-restricted: 0x8 and 0x10, with restricting SIDs
NO_POLICY = Absent("_TOKEN.MandatoryPolicy")


def test_words() -> None:
    # 0x2A00 is what an ordinary user's filtered token has on Windows 7 and later.
    assert token_flag_words(0x2A00) == ("VIRTUALIZE_ALLOWED", "IS_FILTERED", "NOT_LOW")
    assert token_flag_words(0x4000) == ("LOWBOX",)
    assert token_flag_words(0) == ()
    assert token_flag_words(0x03000000) == ("LEARNING_MODE_LOGGING", "PERMISSIVE_LEARNING_MODE")
    assert token_flag_words(0x08000000) == ("SYSTEM_MANAGED_ADMIN_FULL_TOKEN",)
    assert token_flag_words(0x84000001) == ("HAS_TRAVERSE_PRIVILEGE", "0x84000000")
    assert token_flag_words(0x9) == ("HAS_TRAVERSE_PRIVILEGE", "WRITE_RESTRICTED")
    assert token_flag_words(0x9, admin_group=True) == ("HAS_TRAVERSE_PRIVILEGE", "HAS_ADMIN_GROUP")
    assert token_flag_words(0x11, admin_group=True) == ("HAS_TRAVERSE_PRIVILEGE", "IS_RESTRICTED")


def test_the_headers_leave_one_gap() -> None:
    assert sorted(TokenFlags) == [1 << bit for bit in range(28) if bit != 26]
    assert set(MEANINGS) == set(TokenFlags)


# ntifs.h, spelled again: each word beside its bit.
@pytest.mark.parametrize(
    "bit, word",
    [
        (0x1, "HAS_TRAVERSE_PRIVILEGE"),
        (0x2, "HAS_BACKUP_PRIVILEGE"),
        (0x4, "HAS_RESTORE_PRIVILEGE"),
        (0x10, "IS_RESTRICTED"),
        (0x20, "SESSION_NOT_REFERENCED"),
        (0x40, "SANDBOX_INERT"),
        (0x80, "HAS_IMPERSONATE_PRIVILEGE"),
        (0x100, "BACKUP_PRIVILEGES_CHECKED"),
        (0x200, "VIRTUALIZE_ALLOWED"),
        (0x400, "VIRTUALIZE_ENABLED"),
        (0x800, "IS_FILTERED"),
        (0x1000, "UIACCESS"),
        (0x2000, "NOT_LOW"),
        (0x8000, "HAS_OWN_CLAIM_ATTRIBUTES"),
        (0x10000, "PRIVATE_NAMESPACE"),
        (0x20000, "DO_NOT_USE_GLOBAL_ATTRIBS_FOR_QUERY"),
        (0x40000, "SPECIAL_ENCRYPTED_OPEN"),
        (0x80000, "NO_CHILD_PROCESS"),
        (0x100000, "NO_CHILD_PROCESS_UNLESS_SECURE"),
        (0x200000, "AUDIT_NO_CHILD_PROCESS"),
        (0x400000, "ENFORCE_REDIRECTION_TRUST"),
        (0x800000, "AUDIT_REDIRECTION_TRUST"),
    ],
)
def test_each_bit_has_its_word(bit: int, word: str) -> None:
    assert token_flag_words(bit) == (word,)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_no_flag_is_lost(flags: int, admin: bool) -> None:
    values = {"HAS_ADMIN_GROUP": 0x8, **{flag.name: int(flag) for flag in TokenFlags}}
    words = token_flag_words(flags, admin)
    assert reduce(lambda a, b: a | b, (values[w] if w in values else int(w, 16) for w in words), 0) == flags


@pytest.mark.parametrize(
    "policy, restricting_sids, is_write_restricted",
    [
        (1, 2, True),  # Vista and later: the member is there
        (1, 0, True),  # ... whatever else the token says
        (Unreadable(0x10, "paged out"), 2, True),  # ... even where its page is gone
        (NO_POLICY, 2, False),  # XP and Server 2003 have no such member
        (NO_POLICY, 0, False),
        (NotSaid("!token"), 2, True),  # a text: what is write-restricted has restricting SIDs
        (NotSaid("!token"), 0, False),
        (NotSaid("!token"), NotSaid("!token"), True),
    ],
)
def test_what_0x8_means(policy: Any, restricting_sids: Any, is_write_restricted: bool) -> None:
    """One decision: the flag, its word, the kind, JSON, and both sides of a diff say the same."""
    token = replace(BFE, flags=0x18, mandatory_policy=policy, restricted_sid_count=restricting_sids)
    word = "WRITE_RESTRICTED" if is_write_restricted else "HAS_ADMIN_GROUP"
    assert token.has_flag(TokenFlags.WRITE_RESTRICTED) is is_write_restricted
    assert token.flag_words == (word, "IS_RESTRICTED")
    assert kinds(token) == (("write-restricted",) if is_write_restricted else ("restricted",))
    assert token_flags(token) == {"value": 0x18, "words": [word, "IS_RESTRICTED"]}
    assert any(line.strip() == word + " IS_RESTRICTED" for line in render_token(token, ""))
    view = kernel("bfe")
    found = compare(replace(view, token=token), replace(view, token=replace(token, flags=0x8)))
    (line,) = [line for line in diff_lines(found) if line.startswith("  TokenFlags")]
    assert line.split(None, 1)[1] == "0x18 %s IS_RESTRICTED -> 0x8 %s" % (word, word)


def test_each_side_of_a_diff_by_its_own_build() -> None:
    view = kernel("bfe")
    new, old = replace(BFE, flags=0x8), replace(BFE, flags=0x18, mandatory_policy=NO_POLICY)
    lines = diff_lines(compare(replace(view, token=new), replace(view, token=old)))
    assert any("0x8 WRITE_RESTRICTED -> 0x18 HAS_ADMIN_GROUP IS_RESTRICTED" in line for line in lines)


def test_flags_that_are_not_known_are_none_and_not_no() -> None:
    token = replace(BFE, flags=Unreadable(0x10, "paged out"))
    assert token.has_flag(TokenFlags.WRITE_RESTRICTED) is None and token.has_flag(TokenFlags.LOWBOX) is None
    assert token.flag_words == ()


@pytest.mark.parametrize(
    "typed, word",
    [
        ("NOT_LOW", "NOT_LOW"),
        (" not-low ", "NOT_LOW"),
        ("TOKEN_NOT_LOW", "NOT_LOW"),
        ("token-is-filtered", "IS_FILTERED"),
        ("has_admin_group", "HAS_ADMIN_GROUP"),  # what 0x8 meant before Vista
        ("TOKEN_HAS_ADMIN_GROUP", "HAS_ADMIN_GROUP"),
        ("WRITE_RESTRICTED", "WRITE_RESTRICTED"),
        ("TOKEN_", None),
        ("TOKEN_TOKEN_NOT_LOW", None),
        ("NOTLOW", None),
        ("0x2000", None),
        ("", None),
    ],
)
def test_what_a_person_may_type_for_a_flag(typed: str, word: Any) -> None:
    assert find_flag(typed) == word and HAS_ADMIN_GROUP == "HAS_ADMIN_GROUP"
