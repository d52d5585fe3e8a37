"""What `mask` and `sid` say: words, what generic bits stand for, bits foreign to a type, what only a machine knows."""

from typing import Optional

import pytest

from kdtoken.frozen import replace
from kdtoken.model.object_type import GenericMapping, ObjectType, documented_type
from kdtoken.model.sid import Sid
from kdtoken.render.lookup import UNMAPPED, mask_facts, mask_lines, sid_facts, sid_lines

TOKEN = documented_type("token")
UNKNOWN = ObjectType("job", GenericMapping(0, 0, 0, 0x1F003F), 0x1F003F, UNMAPPED)


@pytest.mark.parametrize(
    "mask, foreign",
    [
        # winnt.h: TOKEN_ALL_ACCESS is 0xF01FF; a token cannot be waited for, so SYNCHRONIZE (0x100000) is not its.
        (0x000F01FF, None),
        (0x00000200, "0x00000200"),
        (0x00100000, "0x00100000"),
        (0x001F03FF, "0x00100200"),
        # ACCESS_SYSTEM_SECURITY and MAXIMUM_ALLOWED may be asked of every type, the four generic ones too.
        (0x01000000, None),
        (0x02000000, None),
        (0xF0000000, None),
        (0x04000000, "0x04000000"),
        (0x08000000, "0x08000000"),
    ],
)
def test_bits_that_a_token_does_not_have(mask: int, foreign: Optional[str]) -> None:
    assert mask_facts(mask, TOKEN)["not_of_the_type"] == foreign
    lines = [line for line in mask_lines(mask, TOKEN) if line.startswith("not among")]
    assert lines == (["not among the type's rights: %s" % foreign] if foreign else [])


@pytest.mark.parametrize("bit", [bit for bit in range(32) if bit not in (24, 25, 28, 29, 30, 31)])
def test_every_bit_is_foreign_to_a_type_that_has_none(bit: int) -> None:
    nothing = replace(TOKEN, valid_access=0)
    assert mask_facts(1 << bit, nothing)["not_of_the_type"] == "0x%08x" % (1 << bit)


def test_generic_rights_are_mapped_and_the_rest_is_left() -> None:
    """winnt.h: TOKEN_QUERY 8; TOKEN_WRITE is READ_CONTROL and the right to adjust privileges, groups and defaults."""
    assert mask_facts(0x8, TOKEN)["mapped"] is None and mask_facts(0x8, TOKEN)["mapped_words"] is None
    facts = mask_facts(0x40000008, TOKEN)  # GENERIC_WRITE | TOKEN_QUERY
    assert facts["mask"] == "0x40000008" and facts["type"] == "Token" and facts["mapping_from"] == "documented"
    # TOKEN_WRITE: READ_CONTROL 0x20000, ADJUST_PRIVILEGES 0x20, ADJUST_GROUPS 0x40, ADJUST_DEFAULT 0x80; and
    # ADJUST_SESSIONID 0x100, which the kernel's own type adds.
    assert facts["mapped"] == "0x000201e8"
    words = "READ_CONTROL QUERY ADJUST_PRIVILEGES ADJUST_GROUPS ADJUST_DEFAULT ADJUST_SESSIONID"
    assert facts["mapped_words"] == words.split()
    # Of a type whose mapping nobody documents nothing is mapped, and a generic bit is not foreign to it.
    facts = mask_facts(0x40000040, UNKNOWN)
    assert facts["mapped"] is facts["mapped_words"] is None and facts["not_of_the_type"] == "0x00000040"
    assert [mask_facts(1 << bit, UNKNOWN)["not_of_the_type"] for bit in (28, 29, 30, 31)] == [None] * 4


def test_the_lines_for_people() -> None:
    assert mask_lines(0x8, TOKEN) == [
        "0x00000008 for objects of type Token",
        "  QUERY",
        "  SDDL: SW",  # [MS-DTYP] 2.5.1.1: SELF_WRITE, bit 3
        "the type's mapping: read 0x2001a, write 0x201e0, execute 0x20005, all 0xf01ff",
    ]
    assert mask_lines(0, None) == [
        "0x00000000",
        "  (nothing)",
        "  SDDL: (empty)",
        "  name a type for its specific rights: kdtoken mask 0x00000000 process",
    ]
    assert (
        mask_lines(0x80000001, TOKEN)[1:]
        == [
            "  GENERIC_READ",
            "  ASSIGN_PRIMARY",
            "  SDDL: CCGR",
            "generic rights mapped: 0x0002001b",  # what TOKEN_READ adds: READ_CONTROL, DUPLICATE 2, QUERY 8, QUERY_SOURCE 0x10
            "  READ_CONTROL",
            "  ASSIGN_PRIMARY",
            "  DUPLICATE",
            "  QUERY",
            "  QUERY_SOURCE",
            "the type's mapping: read 0x2001a, write 0x201e0, execute 0x20005, all 0xf01ff",
        ]
    )
    assert mask_lines(0x20000000, UNKNOWN)[1:] == [
        "  GENERIC_EXECUTE",
        "  SDDL: GX",
        "what generic rights stand for is not documented for this type; the type object of a machine says it",
    ]


def test_a_sid() -> None:
    # [MS-DTYP] 2.4.2.2: revision 1, count 2, authority 5 in six bytes, then 32 and 544 as little-endian numbers.
    text = "01020000000000052000000020020000"
    administrators = Sid(5, (32, 544))
    facts = sid_facts(administrators)
    assert (facts["sid"], facts["name"], facts["sddl"], facts["bytes"]) == (
        "S-1-5-32-544",
        "BUILTIN\\Administrators",
        "BA",
        text,
    )
    lines = sid_lines(administrators)
    assert lines[0] == "S-1-5-32-544" and lines[1] == "  name   BUILTIN\\Administrators" and lines[3] == "  SDDL   BA"
    assert lines[4] == "  bytes  01 02 00 00 00 00 00 05 20 00 00 00 20 02 00 00" and len(lines) == 5
    # A user's: it has no name that is known everywhere, and no letters in SDDL.
    user = Sid(5, (21, 1, 2, 3, 1001))
    assert sid_facts(user)["name"] is None and sid_facts(user)["sddl"] is None
    lines = sid_lines(user)
    assert lines[1] == "  name   (only the machine or domain that made it knows)" and lines[3].startswith("  bytes  ")


@pytest.mark.parametrize(
    "asked, name",
    [
        ("", None),
        ("anna\x1b", "anna\\u001b"),
        ("S-1-5-21-1-2-3-1001", None),
        ("s-1-5-21-1-2-3-1001", None),
        ("S-", None),
    ],
)
def test_the_name_that_was_asked_for_is_kept_and_a_number_is_none(asked: str, name: Optional[str]) -> None:
    assert sid_facts(Sid(5, (21, 1, 2, 3, 1001)), asked)["name"] == name
    # What has a name of its own keeps it.
    assert sid_facts(Sid(5, (18,)), "anna")["name"] == "NT AUTHORITY\\SYSTEM"
