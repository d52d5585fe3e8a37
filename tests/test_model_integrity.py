"""Integrity levels: the one table, what lies between its rows, and what a person may type."""

import pytest

from kdtoken.model.integrity import BY_WORD, IntegrityLevel, integrity_text


# winnt.h SECURITY_MANDATORY_*_RID, spelled again.
@pytest.mark.parametrize(
    "level, text",
    [
        (0x0, "Untrusted Mandatory Level"),
        (0x1000, "Low Mandatory Level"),
        (0x2000, "Medium Mandatory Level"),
        (0x2100, "Medium Plus Mandatory Level"),
        (0x3000, "High Mandatory Level"),
        (0x4000, "System Mandatory Level"),
        (0x5000, "Protected Process Mandatory Level"),
        (0x7000, "Secure Process Mandatory Level"),
        (0x1, "between Untrusted and Low (0x1)"),
        (0x2010, "between Medium and Medium Plus (0x2010)"),
        (0x2800, "between Medium Plus and High (0x2800)"),
        (0x6000, "between Protected Process and Secure Process (0x6000)"),
        (0x7001, "above Secure Process (0x7001)"),
        (0xFFFF, "above Secure Process (0xffff)"),
    ],
)
def test_text(level: int, text: str) -> None:
    assert integrity_text(level) == text


def test_the_table_ascends() -> None:
    """`integrity_text` looks for the two rows around a level."""
    assert list(IntegrityLevel) == sorted(IntegrityLevel)


def test_words() -> None:
    assert BY_WORD["mediumplus"] == 0x2100 and BY_WORD["untrusted"] == 0 and BY_WORD["protectedprocess"] == 0x5000
    assert len(BY_WORD) == len(IntegrityLevel)
