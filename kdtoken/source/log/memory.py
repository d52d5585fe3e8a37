"""Memory that a log shows: lines of `db dw dd dq dp dps dqs dds dc`, kept with their line numbers.

The shapes are those of "d, da, db, dc, dd, ... (Display Memory)" on learn.microsoft.com: an address,
two blanks, then cells of 2, 4, 8 or 8`8 hexadecimal digits, little-endian, `?` where memory was not
there.  The width of a cell tells its size, so the command need not be known.
"""

import bisect
import re
from operator import attrgetter
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken.errors import BadFormat, MemoryUnreadable, NotRecorded

NOT_PRESENT = "not present when it was logged"

_LINE = re.compile(r"^[ \t]*(?:0x)?([0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?)( +)([0-9a-fA-F?].*)$")
_CELLS = (
    (8, re.compile(r"(?:(?:[0-9a-fA-F]{8}`[0-9a-fA-F]{8}|\?{8}`\?{8})(?: (?=[0-9a-fA-F?])|(?![^ ])))+")),
    (4, re.compile(r"(?:(?:[0-9a-fA-F]{8}|\?{8})(?: (?=[0-9a-fA-F?])|(?![^ ])))+")),
    (2, re.compile(r"(?:(?:[0-9a-fA-F]{4}|\?{4})(?: (?=[0-9a-fA-F?])|(?![^ ])))+")),
    (1, re.compile(r"(?:(?:[0-9a-fA-F]{2}|\?\?)(?:[ -](?=[0-9a-fA-F?])|(?![^ ])))+")),
)
_BINARY = re.compile(r"^[01 ]+$")
_SYMBOL = re.compile(r"^(?:nt|ntkrnl\w{1,3}|ntoskrnl|ntkrpamp)!([A-Za-z_?@$][\w?@$]*)$")


class MemoryLine(NamedTuple):
    """pieces: (address, bytes); holes: (address, size); symbol: nt symbol that the only cell is the address of."""

    address: int
    pieces: List[Tuple[int, bytes]]
    holes: List[Tuple[int, int]]
    symbol: Optional[Tuple[str, int]]
    wide: bool


def memory_line(text: str, sure: bool) -> Optional[MemoryLine]:
    """What a line shows of memory, or None where it is something else.

    sure  a memory command was seen in front: blanks may have been lost or added
    """
    match = _LINE.match(text)
    if match is None or (len(match[2]) != 2 and not sure):
        return None
    body = match[3]
    for size, pattern in _CELLS:  # noqa: B007
        found = pattern.match(body)
        if found:
            break
    else:
        return None
    cells = found[0].replace("-", " ").split()
    rest = body[found.end() :]
    if size == 1 and not _text_fits(cells, rest, sure):
        return None
    if size == 2 and not sure and len(cells) == 1 and rest.strip():
        return None
    if size == 4 and rest.strip(" .") and _BINARY.match(found[0]):
        return None  # `dyb` and `dyd`: the digits are bits (`dc` shows such bytes as dots)
    address = int(match[1].replace("`", ""), 16)
    pieces: List[Tuple[int, bytes]] = []
    holes: List[Tuple[int, int]] = []
    at = address
    for cell in cells:
        if cell[0] == "?":
            if holes and holes[-1][0] + holes[-1][1] == at:
                holes[-1] = (holes[-1][0], holes[-1][1] + size)
            else:
                holes.append((at, size))
        else:
            data = int(cell.replace("`", ""), 16).to_bytes(size, "little")
            if pieces and pieces[-1][0] + len(pieces[-1][1]) == at:
                pieces[-1] = (pieces[-1][0], pieces[-1][1] + data)
            else:
                pieces.append((at, data))
        at += size
    symbol = _SYMBOL.match(rest.strip()) if len(cells) == 1 and size in (4, 8) else None
    named = (symbol[1], int.from_bytes(pieces[0][1], "little")) if symbol and pieces else None
    return MemoryLine(address, pieces, holes, named, len(match[1]) > 8)


def _text_fits(cells: List[str], rest: str, sure: bool) -> bool:
    """Whether the text column of `db` shows these bytes; tables of two-digit numbers have none.

    The engine shows bytes outside printable ASCII as dots; trailing blanks may have been cut.
    """
    shown = rest.lstrip(" ")
    blanks = len(rest) - len(shown)
    if not shown:
        return sure or all(cell in ("20", "??") for cell in cells)
    lead = 0
    for cell in cells:
        if cell != "20":
            break
        lead += 1  # leading blanks of the text column cannot be told from the gap
    shown = " " * min(lead, max(blanks - 1, 0)) + shown
    shown = shown.ljust(len(cells))
    if len(shown) != len(cells):
        return sure
    for cell, char in zip(cells, shown):
        if cell == "??":
            if char != "?":
                return sure
        elif 0x20 <= int(cell, 16) < 0x7F and chr(int(cell, 16)) != char:
            return sure
    return True


# Places that two lines tell differently, some 200 bytes each.
_MOST_CONFLICTS = 1 << 18
# Lines of memory that do not go on where the line before ended, and holes: some 900 bytes each, with all that is read
# of the same lines as text.
_MOST_PIECES = 1 << 20
_ONE_MOMENT = "choose lines of one moment: --log FILE:FIRST-LAST, or cut the file"


class _Run:
    """Bytes that follow each other in memory and in the log: one object for a long `dq`."""

    __slots__ = ("start", "data", "line", "width")

    def __init__(self, start: int, data: bytes, line: int, width: int) -> None:
        self.start = start
        self.data = bytearray(data)
        self.line = line
        self.width = width

    def takes(self, start: int, line: int) -> bool:
        """Whether what begins at `start` in `line` simply goes on with this run."""
        length = len(self.data)
        return start == self.start + length and length == self.width * (line - self.line)


def _bounded(pieces: Sequence[object]) -> None:
    if len(pieces) >= _MOST_PIECES:
        words = "the log shows memory in over %d pieces that do not follow each other" % _MOST_PIECES
        raise BadFormat(words, None, _ONE_MOMENT)


class LogMemory:
    """Bytes by address.  Line numbers are any integers that grow by one from line to line."""

    def __init__(self) -> None:
        self._runs: List[_Run] = []
        self._gone: List[Tuple[int, int, int]] = []  # start, stop, line
        self._starts: List[int] = []
        self._segments: List[Tuple[int, bytes]] = []
        self._origins: List[List[Tuple[int, int, int]]] = []  # a segment's (address, line, bytes a line)
        # start, stop, line, other line: where the log says two things
        self.conflicts: List[Tuple[int, int, int, int]] = []

    def add(self, address: int, data: bytes, line: int) -> None:
        """Bytes that a memory command printed."""
        if self._runs and self._runs[-1].takes(address, line):
            self._runs[-1].data += data
        else:
            self._begin(address, data, line, len(data))

    def add_rows(self, address: int, data: bytes, line: int, width: int) -> None:
        """The same of many lines, each of which shows as many bytes."""
        goes_on = bool(self._runs) and self._runs[-1].takes(address, line)
        if not goes_on:
            self._begin(address, data, line, width)
        elif self._runs[-1].width == width:
            self._runs[-1].data += data
        else:
            for index, at in enumerate(range(0, len(data), width)):
                self.add(address + at, data[at : at + width], line + index)

    def _begin(self, address: int, data: bytes, line: int, width: int) -> None:
        _bounded(self._runs)
        self._runs.append(_Run(address, data, line, width))

    def add_hole(self, address: int, size: int, line: int) -> None:
        """A range that the command asked for and that could not be read: printed as question marks."""
        if self._gone and self._gone[-1][1] == address:
            start, _, first = self._gone[-1]
            self._gone[-1] = (start, address + size, first)
        else:
            _bounded(self._gone)
            self._gone.append((address, address + size, line))

    def finish(self) -> None:
        """Join what belongs together; note where two lines differ."""
        segments: List[Tuple[int, bytearray]] = []
        # By address, those of one address by line, the first last: each is let go of at once, since there may be millions.
        self._runs.sort(key=attrgetter("line"), reverse=True)
        self._runs.sort(key=attrgetter("start"), reverse=True)
        while self._runs:
            run = self._runs.pop()
            if segments and run.start <= segments[-1][0] + len(segments[-1][1]):
                start, data = segments[-1]
                at = run.start - start
                both = min(len(data) - at, len(run.data))
                if data[at : at + both] != run.data[:both]:
                    self._note_conflicts(run, data[at : at + both])
                if len(run.data) > both:
                    data += run.data[both:]
                    self._origins[-1].append((run.start, run.line, run.width))
            else:
                segments.append((run.start, bytearray(run.data)))
                self._origins.append([(run.start, run.line, run.width)])
        self._segments = [(start, bytes(data)) for start, data in segments]
        self._starts = [start for start, _ in self._segments]
        gone, self._gone = sorted(self._gone), []
        for low, high, line in gone:
            if self._gone and low <= self._gone[-1][1]:
                self._gone[-1] = (self._gone[-1][0], max(high, self._gone[-1][1]), self._gone[-1][2])
            else:
                self._gone.append((low, high, line))
        # One range may differ more than twice; the first two lines are enough to say so.
        conflicts, self.conflicts = sorted(self.conflicts), []
        for one in conflicts:
            if self.conflicts and one[0] < self.conflicts[-1][1]:
                last = self.conflicts[-1]
                self.conflicts[-1] = (last[0], max(last[1], one[1]), last[2], last[3])
            else:
                self.conflicts.append(one)

    def _note_conflicts(self, run: _Run, before: bytearray) -> None:
        begin: Optional[int] = None
        for index in range(len(before) + 1):
            differs = index < len(before) and before[index] != run.data[index]
            if differs and begin is None:
                begin = index
            elif not differs and begin is not None:
                address = run.start + begin
                line = run.line + begin // run.width
                other = _origin_line(self._origins[-1], address)
                self.conflicts.append((address, run.start + index, min(line, other), max(line, other)))
                begin = None
        if len(self.conflicts) > _MOST_CONFLICTS:
            self._runs = []
            raise BadFormat(
                "the log tells over %d places of memory differently in two lines each: these are many moments, or many machines"
                % _MOST_CONFLICTS,
                self.conflicts[0][0],
                _ONE_MOMENT,
            )

    def _piece(self, address: int) -> Optional[int]:
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._starts[index] + len(self._segments[index][1]):
            return index
        return None

    def line_of(self, address: int) -> Optional[int]:
        """The line that shows the byte at an address; None where no line does."""
        index = self._piece(address)
        return None if index is None else _origin_line(self._origins[index], address)

    def pieces(self, address: int, size: int) -> List[Tuple[int, bytes]]:
        """What is known of a range, in order."""
        index = max(0, bisect.bisect_right(self._starts, address) - 1)
        found: List[Tuple[int, bytes]] = []
        while index < len(self._segments) and self._starts[index] < address + size:
            start, data = self._segments[index]
            low, high = max(start, address), min(start + len(data), address + size)
            if low < high:
                found.append((low, data[low - start : high - start]))
            index += 1
        return found

    def conflict_in(self, address: int, size: int) -> Optional[Tuple[int, int, int, int]]:
        """The first (start, stop, line, other line) of a range where two lines differ."""
        index = bisect.bisect_right(self.conflicts, (address, 1 << 80, 0, 0)) - 1
        for one in self.conflicts[max(index, 0) : index + 2]:
            if one[0] < address + size and address < one[1]:
                return one
        return None

    def was_gone(self, address: int) -> bool:
        """Whether the log shows `??` for the byte at an address."""
        index = bisect.bisect_right(self._gone, (address, 1 << 65, 0)) - 1
        return index >= 0 and self._gone[index][0] <= address < self._gone[index][1]

    def lowest(self) -> Optional[int]:
        """The lowest address of which anything is known."""
        return self._starts[0] if self._starts else None

    def __len__(self) -> int:
        return sum(len(data) for _, data in self._segments)

    def read(self, address: int, size: int, wide: bool) -> bytes:
        """Raises MemoryUnreadable where the log shows `??`, NotRecorded with the command to run."""
        index = self._piece(address)
        partial = b""
        if index is not None:
            start, data = self._segments[index]
            partial = data[address - start : address - start + size]
        if len(partial) == size:
            return partial
        stop = address + len(partial)
        if self.was_gone(stop):
            raise MemoryUnreadable(address, size, NOT_PRESENT, partial)
        left = address + size - stop
        behind = tuple(self.pieces(stop, left))
        raise NotRecorded(address, size, dump_command(stop, left, wide), partial, behind)


def _origin_line(origins: List[Tuple[int, int, int]], address: int) -> int:
    index = bisect.bisect_right(origins, (address, 1 << 80, 0)) - 1
    start, line, width = origins[max(index, 0)]
    return line + (address - start) // max(width, 1)


def dump_command(address: int, size: int, wide: bool) -> str:
    """The command that shows a range: `dq` on a 64-bit target, `dd` on a 32-bit one."""
    unit = 8 if wide else 4
    first = address // unit * unit
    count = -(-(address + size - first) // unit)
    return "%s %s L%x" % ("dq" if wide else "dd", written(first, wide), count)


def written(address: int, wide: bool) -> str:
    """An address as the debugger writes it: fffff803`12403000."""
    return "%08x`%08x" % (address >> 32, address & 0xFFFFFFFF) if wide else "%08x" % address


def two_values(conflict: Tuple[int, int, int, int], wide: bool, name: Dict[int, str]) -> BadFormat:
    """The error for bytes that two lines tell differently; `name` has the words for both lines."""
    start, stop, line, other = conflict
    return BadFormat(
        "two different values for the %d byte(s) at %s: %s and %s. The machine ran in between, something was"
        " written, or these are two machines" % (stop - start, written(start, wide), name[line], name[other]),
        start,
        _ONE_MOMENT,
    )
