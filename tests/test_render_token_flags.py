"""`dump --explain WORD` of TokenFlags: the bit, what it says, and how it stands in a token."""

from dataclasses import replace
from typing import Any

import pytest

from kdtoken import dump
from kdtoken.errors import UsageError
from kdtoken.model.absent import Absent, NotSaid, Unreadable
from kdtoken.model.token_flags import find_flag
from kdtoken.render.token_flags import all_lines, flag_lines
from tests.declared_views import decoded

BFE = decoded("bfe")  # declared write-restricted: 0x8, 0x10 and NOT_LOW, as every token above Low


def test_a_word_has_its_bit_and_its_meaning() -> None:
    # ntifs.h: TOKEN_IS_FILTERED 0x0800; "Administrator Protection" made a filtered pair of each administrator's logon.
    assert flag_lines("IS_FILTERED") == [
        "IS_FILTERED  (TokenFlags 0x800)",
        "  made by filtering another token, as UAC does",
    ]
    # ntifs.h of the Server 2003 kits: TOKEN_HAS_ADMIN_GROUP 0x8.
    assert flag_lines("HAS_ADMIN_GROUP")[0] == "HAS_ADMIN_GROUP  (TokenFlags 0x8)"
    assert "before Vista" in " ".join(flag_lines("HAS_ADMIN_GROUP")[1:])


@pytest.mark.parametrize(
    "token, name, state",
    [
        (BFE, "WRITE_RESTRICTED", "set"),
        (BFE, "IS_RESTRICTED", "set"),
        (BFE, "LOWBOX", "not set"),
        (BFE, "HAS_ADMIN_GROUP", "not set"),  # the bit is set, and means WRITE_RESTRICTED there
        (replace(BFE, mandatory_policy=Absent("_TOKEN.MandatoryPolicy")), "HAS_ADMIN_GROUP", "set"),
        (replace(BFE, mandatory_policy=Absent("_TOKEN.MandatoryPolicy")), "WRITE_RESTRICTED", "not set"),
        (replace(BFE, flags=NotSaid("whoami")), "LOWBOX", "-  not said by whoami"),
        (replace(BFE, flags=Unreadable(0x1234, "paged out")), "LOWBOX", "?? unreadable at 0x1234: paged out"),
        (Unreadable(0x1234, "paged out"), "LOWBOX", "?? unreadable at 0x1234: paged out"),
        (None, "LOWBOX", "there is no token"),
    ],
)
def test_how_it_stands_in_a_token(token: Any, name: str, state: str) -> None:
    assert flag_lines(name, token, "svchost.exe (1234)")[-1] == "  svchost.exe (1234): " + state


@pytest.mark.parametrize(
    "typed, name",
    [
        ("NOT_LOW", "NOT_LOW"),
        (" not_low ", "NOT_LOW"),
        ("not-low", "NOT_LOW"),
        ("TOKEN_NOT_LOW", "NOT_LOW"),
        ("token-has-admin-group", "HAS_ADMIN_GROUP"),
        ("NOT_LO", None),
        ("TOKEN_", None),
        ("", None),
        ("0x2000", None),  # numbers are those of privileges
        ("mro", None),
        ("SeDebugPrivilege", None),
    ],
)
def test_what_a_person_types(typed: str, name: Any) -> None:
    assert find_flag(typed) == name


def test_all_of_them_stand_in_the_order_of_their_bits() -> None:
    bits = [int(line[:10], 16) for line in all_lines() if line.startswith("0x")]
    assert bits == [1 << bit for bit in range(28) if bit != 26]  # ntifs.h leaves one gap
    assert "0x00004000  LOWBOX: an app container's token" in all_lines()


def test_as_it_is_typed(capsys: Any) -> None:
    session = "fixtures/sessions/machine-22000-synthetic.kdtoken.gz"
    assert dump.main([session, "notepad.exe", "--explain", "virtualize-allowed"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  notepad.exe (6104): set"  # declared 0x2a00
    assert dump.main(["--explain", "all"]) == 0
    told = capsys.readouterr().out
    assert "\n20  SeDebugPrivilege: " in told and "\n0x00002000  NOT_LOW: " in told
    # A word that says nothing is told before the file, which is not there, is asked for.
    assert dump.main(["nowhere.dmp", "4", "--explain", "NOT_LO"]) == 2
    assert "near: NOT_LOW" in capsys.readouterr().err


def test_what_is_near_is_of_either_kind() -> None:
    with pytest.raises(UsageError) as raised:
        dump_words("lowbo")
    assert "LOWBOX" in str(raised.value.next_step)
    with pytest.raises(UsageError) as raised:
        dump_words("debgu")
    assert "SeDebugPrivilege" in str(raised.value.next_step)


def dump_words(word: str) -> None:
    from kdtoken.model.privilege_words import find_privilege

    find_privilege(word)
