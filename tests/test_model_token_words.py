"""Words for token numbers, FILETIMEs and protection bytes."""

import calendar
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.model.filetime import date_of, filetime_text
from kdtoken.model.protection import Protection
from kdtoken.model.token_words import (
    IMPERSONATION_LEVELS,
    LABEL_POLICY,
    MANDATORY_POLICY,
    TOKEN_TYPES,
    audit_entries,
    bit_words,
    counted,
    value_word,
)
from tests.examples import ALL


def test_policies_and_enumerations() -> None:
    assert bit_words(0x3, MANDATORY_POLICY) == ("NO_WRITE_UP", "NEW_PROCESS_MIN")
    assert bit_words(0x9, MANDATORY_POLICY) == ("NO_WRITE_UP", "0x8")
    assert bit_words(0x7, LABEL_POLICY) == ("NO_WRITE_UP", "NO_READ_UP", "NO_EXECUTE_UP")
    assert [value_word(number, TOKEN_TYPES) for number in (1, 2)] == ["Primary", "Impersonation"]
    levels = ["Anonymous", "Identification", "Impersonation", "Delegation"]  # SECURITY_IMPERSONATION_LEVEL, from 0
    assert [value_word(number, IMPERSONATION_LEVELS) for number in range(4)] == levels
    assert value_word(9, TOKEN_TYPES) == "unknown (9)"


def test_audit_entries() -> None:
    assert audit_entries(bytes(30)) == ()
    # Byte 0 is entry 0 (low half) and entry 1 (high half).
    assert audit_entries(b"\x51\x00\x80") == (
        (0, ("SUCCESS_INCLUDE",)),
        (1, ("SUCCESS_INCLUDE", "FAILURE_INCLUDE")),
        (5, ("FAILURE_EXCLUDE",)),
    )
    assert audit_entries(b"\x02") == ((0, ("SUCCESS_EXCLUDE",)),)  # ntsecapi.h PER_USER_AUDIT_SUCCESS_EXCLUDE


@pytest.mark.parametrize(
    "ticks, text",
    [
        (0, "not set"),
        (0x7FFFFFFFFFFFFFFF, "never"),
        (1, "1601-01-01 00:00:00.0000001 UTC"),
        (116444736000000000, "1970-01-01 00:00:00.0000000 UTC"),  # the Unix epoch, a constant everybody knows
        (128166372003061629, "2007-02-22 17:00:00.3061629 UTC"),  # datetime says the same, to the microsecond
        (2650467743999999999, "9999-12-31 23:59:59.9999999 UTC"),
        (2650467744000000000, "0x24c85a5ed1c04000"),
        (-1, "0xffffffffffffffff"),
        (0x8000000000000000, "0x8000000000000000"),
    ],
)
def test_filetime(ticks: int, text: str) -> None:
    assert filetime_text(ticks) == text


@given(st.integers(1, 2650467743999999999))
def test_filetime_loses_no_tick(ticks: int) -> None:
    assert int(filetime_text(ticks)[20:27]) == ticks % 10_000_000


@pytest.mark.parametrize(
    "level, text",
    [
        (0x00, "not protected"),
        (0x12, "PsProtectedSignerAuthenticode"),  # 1 to 8 of _PS_PROTECTED_SIGNER
        (0x21, "PsProtectedSignerCodeGen-Light"),
        (0x51, "PsProtectedSignerWindows-Light"),
        (0x31, "PsProtectedSignerAntimalware-Light"),  # MsMpEng.exe
        (0x41, "PsProtectedSignerLsa-Light"),  # lsass.exe with RunAsPPL
        (0x61, "PsProtectedSignerWinTcb-Light"),  # csrss.exe, services.exe
        (0x72, "PsProtectedSignerWinSystem"),  # System
        (0x62, "PsProtectedSignerWinTcb"),
        (0x81, "PsProtectedSignerApp-Light"),
        (0x49, "PsProtectedSignerLsa-Light (audit)"),
        (0x40, "PsProtectedSignerLsa-None"),
        (0xF7, "PsProtectedSigner15-type7"),
    ],
)
def test_protection(level: int, text: str) -> None:
    assert str(Protection(level)) == text


def test_protection_fields() -> None:
    protection = Protection(0x69)
    assert (protection.type, protection.audit, protection.signer) == (1, True, 6)


def test_filetime_knows_every_day_of_the_calendar() -> None:
    """Against the standard library's calendar, which the model itself must not import (see its docstring)."""
    first, days = datetime.date(1601, 1, 1), 0
    # The Gregorian calendar comes again every 400 years (146,097 days): two of those in full, then each year's ends.
    whole = first.year + (800 if not ALL else datetime.date.max.year)
    for year in range(first.year, datetime.date.max.year + 1):
        lengths = [calendar.monthrange(year, month)[1] for month in range(1, 13)]
        told = [(year, month, day) for month, length in enumerate(lengths, 1) for day in range(1, length + 1)]
        assert (first + datetime.timedelta(days=days)).timetuple()[:3] == told[0]
        tried = range(days, days + len(told))
        assert list(map(date_of, tried if year < whole else (tried[0], tried[58], tried[59], tried[-1]))) == (
            told if year < whole else [told[0], told[58], told[59], told[-1]]
        )
        days += len(told)
    assert days == (datetime.date.max - first).days + 1
    last = (datetime.date.max - first).days * 864_000_000_000 + 863_999_999_999
    assert filetime_text(last) == "9999-12-31 23:59:59.9999999 UTC"
    assert filetime_text(last + 1) == hex(last + 1)


@pytest.mark.parametrize("number, text", [(0, "0 capabilities"), (1, "1 capability"), (2, "2 capabilities")])
def test_one_of_a_thing_is_no_plural(number: int, text: str) -> None:
    assert counted(number, "capability", "capabilities") == text
    assert counted(number, "ACE") == "%d ACE%s" % (number, "" if number == 1 else "s")
