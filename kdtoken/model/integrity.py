"""Mandatory integrity levels: the number in S-1-16-LEVEL, the one table of them.

winnt.h SECURITY_MANDATORY_*_RID; Secure Process is on Microsoft's "Security identifiers" page.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Dict


class IntegrityLevel(IntEnum):
    """The levels that have a name (ULONG, the one subauthority of the label's SID); others lie between them."""

    UNTRUSTED = 0x0000
    LOW = 0x1000
    MEDIUM = 0x2000
    MEDIUM_PLUS = 0x2100
    HIGH = 0x3000
    SYSTEM = 0x4000
    PROTECTED_PROCESS = 0x5000
    SECURE_PROCESS = 0x7000

    @property
    def text(self) -> str:
        """ "Medium Plus", as Windows spells it."""
        return self.name.replace("_", " ").title()


# What a person may type for one: "medium", "Medium Plus", "medium-plus".
BY_WORD: Dict[str, IntegrityLevel] = {one.name.replace("_", "").lower(): one for one in IntegrityLevel}


def integrity_text(level: int) -> str:
    """`High Mandatory Level` for a level of winnt.h; `between Medium Plus and High (0x2800)` for others."""
    below = ""
    for one in IntegrityLevel:
        if one == level:
            return one.text + " Mandatory Level"
        if one > level:
            return "between %s and %s (0x%x)" % (below, one.text, level)
        below = one.text
    return "above %s (0x%x)" % (below, level)
