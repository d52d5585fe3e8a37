"""Call stacks and counters, which no reader of text has a use for, left empty: most of a log of processes.

Their line breaks stay, so that the others keep their numbers.  What a log shows of memory, source.log passes over.
"""

import re
from typing import Iterable, Iterator

# Child-SP and RetAddr of a 64-bit stack, and what follows, and the counters of a process or thread.
_IDLE_LINE = re.compile(
    r"\n(?!\n)[ \t]*(?:[0-9a-f]{8}`[0-9a-f]{8} [0-9a-f]{8}`[0-9a-f]{8} {1,8}: "
    r"|(?:VadRoot|DeviceMap|ElapsedTime|UserTime|KernelTime|QuotaPoolUsage\[|Working Set Sizes|PeakWorkingSetSize|VirtualSize"
    r"|PeakVirtualSize|PageFaultCount|MemoryPriority|BasePriority|CommitCharge|Wait Start TickCount|Context Switch Count"
    r"|Stack Init|Base [0-9a-f]|Priority \d|Child-SP|Attached Process|Win32 Start Address) )[^\n]*"
)


def without_idle_lines(text: str) -> str:
    """The text with nothing in its call stacks and counters."""
    return _IDLE_LINE.sub("\n", text)


def passed_over(pieces: Iterable[str]) -> Iterator[str]:
    """The same of pieces that end with a line."""
    lead = ""  # the first line of a text has no line break before it
    for piece in pieces:
        yield without_idle_lines(lead + piece)[len(lead) :]
        lead = "\n"
