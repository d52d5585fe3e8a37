"""Lines of a log that no reader of text has a use for, left empty: most of a log, so the rest is read many times as fast.

Their line breaks stay, so that the others keep their numbers.
"""

import re
from typing import Iterable, Iterator

# Child-SP and RetAddr of a 64-bit stack, and what follows, and the counters of a process or thread.
_IDLE_LINE = re.compile(
    r"\n[ \t]*(?:[0-9a-f]{8}`[0-9a-f]{8} [0-9a-f]{8}`[0-9a-f]{8} {1,8}: "
    r"|(?:VadRoot|DeviceMap|ElapsedTime|UserTime|KernelTime|QuotaPoolUsage\[|Working Set Sizes|PeakWorkingSetSize|VirtualSize"
    r"|PeakVirtualSize|PageFaultCount|MemoryPriority|BasePriority|CommitCharge|Wait Start TickCount|Context Switch Count"
    r"|Stack Init|Base [0-9a-f]|Priority \d|Child-SP|Attached Process|Win32 Start Address) )[^\n]*"
)

# Rows of `dq`, `dd`, `dw` and `db`: whole ones, of sixteen bytes.
_WIDE, _NARROW = "[0-9a-f]{8}`[0-9a-f]{8}", "[0-9a-f]{8}"
_CELLS = (
    "%s %s" % (_WIDE, _WIDE),
    " ".join([_NARROW] * 4),
    " ".join(["[0-9a-f]{4}"] * 8),
    " ".join(["[0-9a-f][0-9a-f]"] * 8) + "-" + " ".join(["[0-9a-f][0-9a-f]"] * 8) + r"  [^\n]{16}",
)
_FORMS = ["%s  %s(?=\n)" % (at, cells) for at in (_WIDE, _NARROW) for cells in _CELLS]
_ROWS = re.compile(r"\n(?:%s)" % "|".join(r"%s(?:\n%s){1,4096}" % (form, form) for form in _FORMS))
# A command that shows memory, behind nothing or behind memory.
_ASKS = re.compile(r"(?:\n|[0-9a-f]{8}[` ][^\n]{0,90}\n)(?:\d{1,3}: )?l?kd> ?d[bdqw] [^\n]{0,99}$")
# So many unknown lines end whatever a reader was in; behind such a command none is in any.
_ENOUGH, _ENOUGH_ASKED = 30, 2
# What nobody may lose, were it only the text beside a row's cells.
_TELLING = re.compile(r"S-1-|s-1-|Se[A-Z]|oken|TOKEN|hoami")


def without_idle_lines(text: str) -> str:
    """The text with nothing in its call stacks and counters."""
    return _IDLE_LINE.sub("\n", text)


def passed_over(pieces: Iterable[str]) -> Iterator[str]:
    """The same of pieces that end with a line, and with nothing in long stretches of memory either.

    Of a stretch the first rows stay: what comes before it ends there as it ends at any other text.
    """
    lead = ""  # the first line of a text has no line break before it
    for piece in pieces:
        text = lead + piece
        yield _IDLE_LINE.sub("\n", _ROWS.sub(_first_rows, text))[len(lead) :]
        lead = "\n"


def _first_rows(found: "re.Match[str]") -> str:
    rows = found.group()
    text, begin = found.string, found.start()
    before = text.rfind("\n", 0, max(text.rfind("\n", 0, begin), 0)) + 1
    asked = _ASKS.match(text, before, begin) is not None
    stop, enough = -1, _ENOUGH_ASKED if asked else _ENOUGH
    for _ in range(enough + 1):
        stop = rows.find("\n", stop + 1)
        if stop < 0:
            return rows
    rest = rows[stop:]
    if _TELLING.search(rest) is None:
        return rows[:stop] + "\n" * rest.count("\n")
    return rows[:stop] + "\n".join(row if _TELLING.search(row) else "" for row in rest.split("\n"))
