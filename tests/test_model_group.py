"""Group attributes: winnt.h SE_GROUP_*."""

from functools import reduce
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.model.group import ATTRIBUTE_NAMES, Group, attribute_words
from kdtoken.model.sid import Sid

EVERYONE = Sid(1, (0,))


@pytest.mark.parametrize(
    "attributes, words",
    [
        (0, ()),
        (0x7, ("Mandatory", "EnabledByDefault", "Enabled")),  # what whoami shows for most groups
        (0xF, ("Mandatory", "EnabledByDefault", "Enabled", "Owner")),  # Administrators, elevated
        (0x10, ("UseForDenyOnly",)),  # Administrators in a filtered token
        (0x60, ("Integrity", "IntegrityEnabled")),  # the label
        (0xC0000007, ("Mandatory", "EnabledByDefault", "Enabled", "LogonId")),  # the logon SID
        (0x20000007, ("Mandatory", "EnabledByDefault", "Enabled", "Resource")),  # domain-local group
        (0x80000000, ("0x80000000",)),  # one half of LogonId is not LogonId
        (0x104, ("Enabled", "0x100")),
    ],
)
def test_words(attributes: int, words: "tuple[str, ...]") -> None:
    assert Group(EVERYONE, attributes).words == words


def test_properties() -> None:
    assert Group(EVERYONE, 0x7).enabled and Group(EVERYONE, 0x7).mandatory
    assert Group(EVERYONE, 0x10).deny_only and not Group(EVERYONE, 0x10).enabled
    assert Group(EVERYONE, 0x20).is_integrity
    assert Group(EVERYONE, 0xC0000000).is_logon_id
    assert not Group(EVERYONE, 0x40000000).is_logon_id


@given(st.integers(0, 0xFFFFFFFF))
def test_no_bit_is_lost(attributes: int) -> None:
    values = {name: value for value, name in ATTRIBUTE_NAMES}
    words = attribute_words(attributes)
    assert reduce(lambda a, b: a | b, (values[w] if w in values else int(w, 16) for w in words), 0) == attributes


# winnt.h SE_GROUP_*, spelled again: (bit, its word, the property that asks for it).
BITS = [
    (0x1, "Mandatory", "mandatory"),
    (0x2, "EnabledByDefault", None),
    (0x4, "Enabled", "enabled"),
    (0x8, "Owner", None),
    (0x10, "UseForDenyOnly", "deny_only"),
    (0x20, "Integrity", "is_integrity"),
    (0x40, "IntegrityEnabled", None),
    (0x20000000, "Resource", None),
    (0xC0000000, "LogonId", "is_logon_id"),
]


@pytest.mark.parametrize("bit, word, question", BITS)
def test_each_bit_has_its_word_and_answers_its_question_only(bit: int, word: str, question: Optional[str]) -> None:
    one = Group(EVERYONE, bit)
    assert one.words == (word,)
    for _, _, name in BITS:
        if name is not None:
            assert getattr(one, name) is (name == question), name


def test_a_group_has_no_attributes_unless_told() -> None:
    assert Group(EVERYONE).attributes == 0 and Group(EVERYONE).words == ()


@pytest.mark.parametrize("half", [0x40000000, 0x80000000])
def test_half_of_the_logon_id_is_no_logon_id(half: int) -> None:
    assert not Group(EVERYONE, half).is_logon_id and Group(EVERYONE, half).words == (hex(half),)
