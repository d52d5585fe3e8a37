"""A WinDbg log of what a program asked a target: `dt -v`, `x` and `db` in the genuine engine's forms.

    log_of(recording, source)      # the text; what was never asked is not in it

tests/test_layout_dt.py shows that the types' text is the engine's, fixtures/logs holds a log that the engine wrote.
"""

import json
from typing import Dict, List

from kdtoken.errors import KdTokenError
from kdtoken.source.session import RecordingSource
from tests.machine.synthetic import SyntheticSource
from tests.test_layout_dt import dt

_LINE = 16  # bytes of a line of `db`


def log_of(recording: RecordingSource, source: SyntheticSource) -> str:
    """recording: of that source."""
    rows = [json.loads(line) for line in recording.lines()][1:]
    base = source.kernel.base
    build = source.kernel.version[2]
    lines = [
        "Comment: 'synthetic'",
        "Windows 10 Kernel Version %d MP (1 procs) Free x64" % build,
        "Kernel base = 0x%s PsLoadedModuleList = 0x%s" % (_address(base), _address(base + 0x3010)),
    ]
    known: Dict[int, int] = {}
    gone: Dict[int, bool] = {}
    for row in rows:
        if "layout" in row:
            lines += _type(row["layout"], bool(row.get("missing")), source)
        elif "symbol" in row:
            lines.append(_symbol(row["symbol"], row["address"]))
        elif "memory" in row:
            start = int(row["memory"], 16)
            known.update(enumerate(bytes.fromhex(row["bytes"]), start))
        elif "unreadable" in row:
            start = int(row["unreadable"], 16)
            gone.update(dict.fromkeys(range(start, start + row["size"]), True))
    lines += _memory(known, [at for at in gone if at not in known])
    return "\n".join(lines) + "\n"


def _address(value: int) -> str:
    return "%08x`%08x" % (value >> 32, value & 0xFFFFFFFF)


def _type(name: str, missing: bool, source: SyntheticSource) -> List[str]:
    if not missing:
        try:
            return ["kd> dt -v nt!%s" % name, *dt(source.layout(name), source.kernel.layouts, True).splitlines()]
        except KdTokenError:
            pass
    return ["kd> dt -v nt!%s" % name, "Symbol nt!%s not found." % name]


def _symbol(name: str, address: str) -> str:
    if address is None:
        return "kd> x nt!%s\nCouldn't resolve error at 'nt!%s'" % (name, name)
    return "kd> x nt!%s\n%s nt!%s = <no type information>" % (name, _address(int(address, 16)), name)


def _memory(known: Dict[int, int], gone: List[int]) -> List[str]:
    """Lines of 16 bytes, of which none begins where nothing was asked; `??` where memory was not there."""
    cells = {at: "%02x" % value for at, value in known.items()}
    cells.update(dict.fromkeys(gone, "??"))
    lines: List[str] = []
    done = 0
    for start in sorted(cells):
        if start < done:
            continue
        end = start
        while end < start + _LINE and end in cells:
            end += 1
        if start != done or not lines:
            lines.append("kd> db %x" % start)
        shown = [cells[at] for at in range(start, end)]
        text = " ".join(shown[:8]) + ("-" + " ".join(shown[8:]) if len(shown) > 8 else "")
        letters = "".join(
            "?" if at not in known else chr(known[at]) if 0x20 <= known[at] < 0x7F else "." for at in range(start, end)
        )
        lines.append("%s  %s  %s" % (_address(start), text.ljust(47), letters))
        done = end
    return lines
