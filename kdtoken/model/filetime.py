"""FILETIME: a 64-bit count of 100 ns since 1601-01-01 00:00 UTC ([MS-DTYP] 2.3.3; LARGE_INTEGER in the kernel)."""

from datetime import datetime, timedelta

TICKS_PER_SECOND = 10_000_000
NEVER = 0x7FFFFFFFFFFFFFFF  # what a token that does not expire holds
_EPOCH = datetime(1601, 1, 1)
# The first tick of the year 10000: what lies past it is no date that anybody meant.
_END = ((datetime.max - _EPOCH).days + 1) * 86_400 * TICKS_PER_SECOND


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
    # Days and seconds apart: timedelta keeps both as integers.
    moment = _EPOCH + timedelta(days=seconds // 86_400, seconds=seconds % 86_400)
    return "{:%Y-%m-%d %H:%M:%S}.{:07d} UTC".format(moment, fraction)
