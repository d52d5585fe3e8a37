"""FILETIME: a 64-bit count of 100 ns since 1601-01-01 00:00 UTC ([MS-DTYP] 2.3.3; LARGE_INTEGER in the kernel).

No `datetime` here: its C module does not survive being loaded into one sub-interpreter after the
other, and inside WinDbg each `!py` is one.  The second dump of a session failed with it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Tuple

TICKS_PER_SECOND = 10_000_000
NEVER = 0x7FFFFFFFFFFFFFFF  # what a token that does not expire holds

# The Gregorian calendar repeats every 400 years, and 1601 is the first year of such a cycle.
_DAYS_400, _DAYS_100, _DAYS_4, _DAYS_1 = 146_097, 36_524, 1_461, 365
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# The first tick of the year 10000: what lies past it is no date that anybody meant. It is the
# last year, a leap year, of the 21st cycle.
_END = (21 * _DAYS_400 - 366) * 86_400 * TICKS_PER_SECOND


def date_of(days: int) -> Tuple[int, int, int]:
    """(year, month, day) of a number of days since 1601-01-01.

    >>> date_of(0), date_of(134774)
    ((1601, 1, 1), (1970, 1, 1))
    """
    cycles, days = divmod(days, _DAYS_400)
    # The last day of a cycle, and of four years, belongs to the year before it: 3, not 4.
    centuries = min(days // _DAYS_100, 3)
    days -= centuries * _DAYS_100
    fours, days = divmod(days, _DAYS_4)
    ones = min(days // _DAYS_1, 3)
    days -= ones * _DAYS_1
    year = 1601 + 400 * cycles + 100 * centuries + 4 * fours + ones
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    for month, length in enumerate(_MONTHS, 1):
        length += leap and month == 2
        if days < length:
            break
        days -= length
    return year, month, days + 1


def filetime_text(ticks: int) -> str:
    """``2024-02-29 23:59:59.1234567 UTC``; 0 is ``not set``, the largest value ``never``, nonsense stays hex.

    ``ticks`` may be given signed or as the unsigned 64 bits. Whole-number arithmetic throughout: a float has too
    few digits for today's tick counts.
    """
    if ticks == 0:
        return "not set"
    if ticks == NEVER:
        return "never"
    if not 0 < ticks < _END:
        return "0x{:x}".format(ticks & 0xFFFFFFFFFFFFFFFF)
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    days, seconds = divmod(seconds, 86_400)
    clock = "%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
    return "%s %s.%07d UTC" % (_date_text(days), clock, fraction)


@lru_cache(maxsize=64)
def _date_text(days: int) -> str:
    """The processes of a machine were made on a few days."""
    return "%04d-%02d-%02d" % date_of(days)
