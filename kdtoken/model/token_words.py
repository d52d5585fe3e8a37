"""Words for numbers that do not move with the build: policies, type, level, audit entries of a token; how many of a thing.

Each table names its header. All are ``ULONG`` bit masks or enumerations as ``_TOKEN`` holds them; a bit or value
with no published name stays in the output as hex.
"""

from __future__ import annotations

from typing import Dict, Tuple

# _TOKEN.MandatoryPolicy: winnt.h TOKEN_MANDATORY_POLICY_*.
MANDATORY_POLICY: Dict[int, str] = {0x1: "NO_WRITE_UP", 0x2: "NEW_PROCESS_MIN"}

# SYSTEM_MANDATORY_LABEL_ACE.Mask: winnt.h SYSTEM_MANDATORY_LABEL_*.
LABEL_POLICY: Dict[int, str] = {0x1: "NO_WRITE_UP", 0x2: "NO_READ_UP", 0x4: "NO_EXECUTE_UP"}

# Enumerations of winnt.h / ntifs.h: TOKEN_TYPE, SECURITY_IMPERSONATION_LEVEL.
TOKEN_TYPES: Dict[int, str] = {1: "Primary", 2: "Impersonation"}
IMPERSONATION_LEVELS: Dict[int, str] = {0: "Anonymous", 1: "Identification", 2: "Impersonation", 3: "Delegation"}

# One entry of a per-user audit policy: ntsecapi.h PER_USER_AUDIT_*.
AUDIT_BITS: Dict[int, str] = {
    0x1: "SUCCESS_INCLUDE",
    0x2: "SUCCESS_EXCLUDE",
    0x4: "FAILURE_INCLUDE",
    0x8: "FAILURE_EXCLUDE",
}


def bit_words(value: int, names: Dict[int, str]) -> Tuple[str, ...]:
    """Words for the set bits, lowest first; bits that ``names`` lacks come last as one hex word."""
    words = [name for bit, name in sorted(names.items()) if value & bit]
    known = 0
    for bit in names:
        known |= bit
    rest = value & ~known
    return tuple(words + (["0x{:x}".format(rest)] if rest else []))


def value_word(value: int, names: Dict[int, str]) -> str:
    """The word for an enumeration's value; one that ``names`` lacks is shown as ``unknown (7)``."""
    return names.get(value, "unknown ({})".format(value))


def counted(number: int, one: str, many: str = "") -> str:
    """``1 ACE``, ``2 ACEs``; ``many`` where more of it do not end in s."""
    return "%d %s" % (number, one if number == 1 else many or one + "s")


def audit_entries(policy: bytes) -> Tuple[Tuple[int, Tuple[str, ...]], ...]:
    """The entries of ``_TOKEN_AUDIT_POLICY.PerUserPolicy`` that are set: (index, words).

    Two 4-bit entries a byte, the low half first (the published reading is NtUtils' TTokenAuditPolicyHelper).
    The array has 27 bytes on 6.1 and 30 on 10.0, one entry a subcategory of the audit policy. Which subcategory
    an index stands for is written nowhere public that we found, so an index is all that is given.
    """
    found = []
    for index in range(2 * len(policy)):
        entry = policy[index >> 1] >> (4 * (index & 1)) & 0xF
        if entry:
            found.append((index, bit_words(entry, AUDIT_BITS)))
    return tuple(found)
