"""What is asked: rights that a type has or lacks, and object type lists that are one tree or are refused."""

from typing import List, Tuple
from uuid import UUID

import pytest

from kdtoken.analysis.access_check.request import parse_type_list, parse_wish
from kdtoken.errors import BadFormat
from kdtoken.frozen import replace
from kdtoken.model.object_type import documented_type

TOKEN = documented_type("token")
ROOT, ONE, TWO = (str(UUID(int=number)) for number in (1, 2, 3))


@pytest.mark.parametrize(
    "words, levels",
    [
        ([], []),
        ([ROOT], [0]),
        ([ROOT, "+" + ONE], [0, 1]),
        ([ROOT, "+" + ONE, "++" + TWO, "+" + TWO], [0, 1, 2, 1]),
        # NtAccessCheckByType takes five levels: ACCESS_MAX_LEVEL of winnt.h is 4.
        ([ROOT, "+" + ONE, "++" + ONE, "+++" + ONE, "++++" + ONE], [0, 1, 2, 3, 4]),
    ],
)
def test_a_type_list_that_is_one_tree(words: List[str], levels: List[int]) -> None:
    found = parse_type_list(words)
    assert [level for level, _ in found] == levels
    assert [str(guid) for _, guid in found] == [word.lstrip("+") for word in words]


@pytest.mark.parametrize(
    "words, said",
    [
        ([ROOT, ONE], "the object type list is not one tree"),  # two roots
        (["+" + ROOT], "the object type list is not one tree"),  # none
        ([ROOT, "++" + ONE], "the object type list is not one tree"),  # a level left out
        ([ROOT, "+" + ONE, "+++" + TWO], "the object type list is not one tree"),
        ([ROOT, *("+" * level + ONE for level in range(1, 6))], "the object type list is not one tree"),  # a sixth
        (["zz"], "zz is no GUID"),
        ([ROOT, "+"], "+ is no GUID"),
        ([""], " is no GUID"),
    ],
)
def test_a_type_list_that_is_refused(words: List[str], said: str) -> None:
    with pytest.raises(BadFormat) as caught:
        parse_type_list(words)
    assert caught.value.message == said and "+" in caught.value.next_step


@pytest.mark.parametrize(
    "text, mask",
    [
        ("query", 0x8),
        ("TOKEN_DUPLICATE|query", 0xA),
        ("read", 0x80000000),  # mapped later, by the check
        ("maximum", 0x02000000),
        ("0x01000000", 0x01000000),  # ACCESS_SYSTEM_SECURITY may be asked of every type
        ("0xf01ff", 0xF01FF),
    ],
)
def test_a_wish_that_the_type_knows(text: str, mask: int) -> None:
    assert parse_wish(TOKEN, text) == mask


RIGHTS = (
    # winnt.h, TOKEN_*: from bit 0 up, and the four standard rights.
    "ASSIGN_PRIMARY, DUPLICATE, IMPERSONATE, QUERY, QUERY_SOURCE, ADJUST_PRIVILEGES, ADJUST_GROUPS, ADJUST_DEFAULT, "
    "ADJUST_SESSIONID, DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER"
)


@pytest.mark.parametrize(
    "text, said",
    [
        ("SYNCHRONIZE", "objects of type Token have no right SYNCHRONIZE (0x100000)"),  # nobody waits for a token
        ("0x200", "objects of type Token have no right 0x200"),
        ("0x100200", "objects of type Token have no right SYNCHRONIZE (0x100200)"),
        ("query|0x200", "objects of type Token have no right 0x200"),  # what it has is not complained of
        ("0x04000000", "objects of type Token have no right 0x4000000"),
    ],
)
def test_a_wish_that_the_type_lacks_is_refused_with_those_that_it_has(text: str, said: str) -> None:
    with pytest.raises(BadFormat) as caught:
        parse_wish(TOKEN, text)
    assert (caught.value.message, caught.value.next_step) == (said, "they have " + RIGHTS)


@pytest.mark.parametrize(
    "valid, rights",
    [
        # The four standard rights are every type's, whatever its own mask says.
        (0, ("DELETE", "READ_CONTROL", "WRITE_DAC", "WRITE_OWNER")),
        (0x8, ("QUERY", "DELETE", "READ_CONTROL", "WRITE_DAC", "WRITE_OWNER")),
        (
            0x208,
            ("QUERY", "DELETE", "READ_CONTROL", "WRITE_DAC", "WRITE_OWNER"),
        ),  # a bit without a name is no right to offer
        (0x100000, ("DELETE", "READ_CONTROL", "WRITE_DAC", "WRITE_OWNER", "SYNCHRONIZE")),
    ],
)
def test_the_rights_that_are_offered(valid: int, rights: Tuple[str, ...]) -> None:
    with pytest.raises(BadFormat) as caught:
        parse_wish(replace(TOKEN, valid_access=valid), "0x1")
    assert caught.value.next_step == "they have " + ", ".join(rights)
