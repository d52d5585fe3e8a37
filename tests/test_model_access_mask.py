"""Access masks: [MS-DTYP] 2.4.3 and the headers' specific rights."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.model.access_mask import ALL_ACCESS, GENERIC, SPECIFIC, STANDARD, mask_words


@pytest.mark.parametrize(
    "mask, kind, words",
    [
        (0, "", ()),
        (0x10000000, "", ("GENERIC_ALL",)),
        (0xA0000000, "", ("GENERIC_READ", "GENERIC_EXECUTE")),  # what a default DACL gives Everyone
        (0x03000000, "", ("MAXIMUM_ALLOWED", "ACCESS_SYSTEM_SECURITY")),
        # FILE_GENERIC_READ
        (0x00120089, "file", ("SYNCHRONIZE", "READ_CONTROL", "READ_DATA", "READ_EA", "READ_ATTRIBUTES")),
        (0x000F01FF, "token", ("ALL_ACCESS",)),
        (0x000F01FF, "Token", ("ALL_ACCESS",)),
        (0x00020008, "Token", ("READ_CONTROL", "QUERY")),
        (0x0008, "token", ("QUERY",)),
        (0x001FFFFF, "process", ("ALL_ACCESS",)),
        (0x1410, "process", ("VM_READ", "QUERY_INFORMATION", "QUERY_LIMITED_INFORMATION")),
        (0x0200, "thread", ("DIRECT_IMPERSONATION",)),
        (0x00020019, "key", ("READ_CONTROL", "QUERY_VALUE", "ENUMERATE_SUB_KEYS", "NOTIFY")),  # KEY_READ
        (0x0004, "section", ("MAP_READ",)),
        (0x3, "no such type", ("0x3",)),
        (0x00028000, "event", ("READ_CONTROL", "0x8000")),
    ],
)
def test_words(mask: int, kind: str, words: "tuple[str, ...]") -> None:
    assert mask_words(mask, kind) == words


def test_tables_agree() -> None:
    assert set(ALL_ACCESS) == set(SPECIFIC)
    for kind, mask in ALL_ACCESS.items():
        # ALL_ACCESS is standard rights and specific ones, and covers every specific right that has a name but the
        # two that the header leaves out of it.
        assert mask & 0xF0000 == 0xF0000
        missing = {name for bit, name in SPECIFIC[kind].items() if not mask & bit}
        assert missing <= {"MAP_EXECUTE_EXPLICIT", "WOW64_64KEY", "WOW64_32KEY", "SET"}


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(SPECIFIC)))
def test_no_bit_is_lost(mask: int, kind: str) -> None:
    values = {name: bit for table in (GENERIC, STANDARD, SPECIFIC[kind]) for bit, name in table.items()}
    values["ALL_ACCESS"] = ALL_ACCESS[kind]
    words = mask_words(mask, kind)
    assert reduce(lambda a, b: a | b, (values[w] if w in values else int(w, 16) for w in words), 0) == mask
