"""A session kept in a text file: every read, layout, symbol and command of a run, for replay.

The file is JSON lines, gzip-compressed when its name ends in .gz; unpacked it can be read and
compared with diff.  The first line says what it is; the others are facts, in a fixed order:

    {"kdtoken-session": 1, "source": ..., "build": ..., "synthetic": ..., "made-by": ...}
    {"layout": "_LUID", "size": 8, "fields": [["LowPart", 0, "Uint4B"], ...]}
    {"symbol": "PsActiveProcessHead", "address": "0xfffff80312403010"}
    {"memory": "0xffffa08011000670", "bytes": "2a53595354..."}
    {"unreadable": "0xffffa08011003000", "size": 64, "reason": "paged out"}
    {"command": "!process ffffa08011002380 1", "output": "PROCESS ..."}

What the recorded run never asked for answers NotRecorded.
"""

import bisect
import json
import re
import zlib
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from kdtoken import __version__
from kdtoken.errors import (
    BadFormat,
    MemoryUnreadable,
    NoCommands,
    NotRecorded,
    SymbolNotFound,
    TypeNotFound,
)
from kdtoken.files import json_of, read_packed, write_whole
from kdtoken.frozen import replace
from kdtoken.layout.layout import Layout, layout_from_json, layout_to_json
from kdtoken.source.base import About, Source

FORMAT = 1
_MAGIC = "kdtoken-session"
# What parsing a line that somebody or something changed can end in: RecursionError by brackets
# without end, OverflowError by a size of Infinity, which Python's JSON knows.
_DAMAGE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, BadFormat)
_AGAIN = "record it again with the same command that you replay: kdtoken record VERB ..."


class RecordingSource(Source):
    """Passes every question on to another target and keeps the answers."""

    def __init__(self, inner: Source) -> None:
        self._inner = inner
        self.about = inner.about
        self.kept_processes, self.kept_threads = inner.kept_processes, inner.kept_threads
        self._memory: Dict[int, bytes] = {}
        self._failed: Dict[Tuple[int, int], MemoryUnreadable] = {}
        self._layouts: Dict[str, Optional[Layout]] = {}
        self._symbols: Dict[str, Optional[int]] = {}
        self._commands: Dict[str, Optional[str]] = {}

    def mark_synthetic(self) -> None:
        """Say in the recording that its kernel was made for tests; an engine cannot know that."""
        self.about = replace(self.about, synthetic=True)

    def read(self, address: int, size: int) -> bytes:
        try:
            data = self._inner.read(address, size)
        except MemoryUnreadable as error:
            self._failed[(address, size)] = error
            if error.partial:
                self._keep(address, error.partial)
            if isinstance(error, NotRecorded):
                for start, piece in error.known:
                    self._keep(start, piece)
            raise
        self._keep(address, data)
        return data

    def _keep(self, address: int, data: bytes) -> None:
        if len(data) > len(self._memory.get(address, b"")):
            self._memory[address] = data

    def layout(self, name: str) -> Layout:
        try:
            found = self._inner.layout(name)
        except TypeNotFound:
            self._layouts[name] = None
            raise
        self._layouts[name] = found
        return found

    def symbol(self, name: str) -> int:
        try:
            found = self._inner.symbol(name)
        except SymbolNotFound:
            self._symbols[name] = None
            raise
        self._symbols[name] = found
        return found

    def command(self, text: str) -> str:
        try:
            output = self._inner.command(text)
        except NoCommands:
            self._commands[text] = None
            raise
        self._commands[text] = output
        return output

    def lines(self) -> Iterator[str]:
        """The recording, a JSON object a line, in an order that does not depend on the run."""
        head: Dict[str, Any] = {
            _MAGIC: FORMAT,
            "source": self.about.source,
            "build": self.about.build,
            "synthetic": self.about.synthetic,
            "made-by": "kdtoken " + __version__,
        }
        if self.kept_processes is not None:
            head["processes"] = [hex(address) for address in self.kept_processes]
        if self.kept_threads is not None:
            head["threads"] = [hex(address) for address in self.kept_threads]
        yield json.dumps(head)
        row: Dict[str, Any]
        for name, layout in sorted(self._layouts.items()):
            row = {"layout": name}
            row.update({"missing": True} if layout is None else layout_to_json(layout))
            yield json.dumps(row)
        for name, address in sorted(self._symbols.items()):
            where = None if address is None else hex(address)
            yield json.dumps({"symbol": name, "address": where})
        for start, data in sorted(self._memory.items()):
            yield json.dumps({"memory": hex(start), "bytes": data.hex()})
        for (start, size), error in sorted(self._failed.items()):
            row = {"unreadable": hex(start), "size": size, "reason": error.reason}
            if isinstance(error, NotRecorded):
                row["pieces"] = True  # the target keeps less than pages: what lies beside may be there
            yield json.dumps(row)
        for text, output in sorted(self._commands.items()):
            yield json.dumps({"command": text, "output": output})

    def save(self, path: Union[str, Path]) -> None:
        """Write the recording; gzip when the name ends in .gz.  Raises KdTokenError on I/O failure."""
        lines = ((line + "\n").encode("utf-8") for line in self.lines())
        write_whole(path, _gzipped(lines) if str(path).endswith(".gz") else lines, "recording")


def _gzipped(data: Iterable[bytes]) -> Iterator[bytes]:
    """No name and no time in the gzip header: the same run gives the same file."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for part in data:
        yield packer.compress(part)
    yield packer.flush()


_MOST_LAYOUTS = 1 << 16  # nt's public symbols have some 3,000
# Lines of types that were read: recordings of one build have the same ones, half of the time that reading them takes.
_KNOWN: Dict[str, Tuple[str, Layout]] = {}
_MOST_KNOWN, _LONGEST_KNOWN = 512, 1 << 14


class SessionSource(Source):
    """A recording, asked like the session that it was made from."""

    def __init__(self, text: str, origin: str) -> None:
        """Raises BadFormat, which names the file and the line."""
        self._memory: List[Tuple[int, bytes]] = []
        self._failed: Dict[Tuple[int, int], Tuple[str, bool]] = {}  # why, and whether parts may be there
        self._layouts: Dict[str, Optional[Layout]] = {}
        self._symbols: Dict[str, Optional[int]] = {}
        self._commands: Dict[str, Optional[str]] = {}
        rows = [row for row in text.split("\n") if row.strip()]
        if not rows:
            raise BadFormat("%s is empty, not a recorded session" % origin, origin)
        for number, row in enumerate(rows, 1):
            try:
                if row in _KNOWN and number > 1:
                    self._keep(*_KNOWN[row])
                    continue
                data = json_of(row, origin, "recording")
                if number == 1:
                    self.about = self._read_head(data, origin)
                    self.kept_processes, self.kept_threads = _kept(data, "processes"), _kept(data, "threads")
                else:
                    self._read_fact(data, row)
            except _DAMAGE as error:
                if isinstance(error, BadFormat) and error.subject == origin:
                    raise
                what = "%s, line %d is damaged: %s" % (origin, number, _fault(error))
                raise BadFormat(what, origin, "copy it again, or record it again") from error
        self._memory = _merge(self._memory)
        self._starts = [start for start, _ in self._memory]

    @staticmethod
    def _read_head(data: Dict[str, Any], origin: str) -> About:
        if not isinstance(data, dict) or _MAGIC not in data:
            raise BadFormat("%s is not a recorded kdtoken session" % origin, origin)
        if data[_MAGIC] != FORMAT:
            raise BadFormat(
                "%s has session format %r; this kdtoken reads format %d" % (origin, data[_MAGIC], FORMAT),
                origin,
                "read it with what made it: %s" % data.get("made-by", "unknown"),
            )
        source = "recording %s of %s" % (origin, data["source"])
        return About(source, str(data["build"]), bool(data["synthetic"]))

    def _keep(self, name: str, layout: Optional[Layout]) -> None:
        if len(self._layouts) >= _MOST_LAYOUTS:
            raise BadFormat("it has over %d types, and no kernel has" % _MOST_LAYOUTS)
        self._layouts[name] = layout

    def _read_fact(self, data: Dict[str, Any], row: str) -> None:
        if "memory" in data:
            content = bytes.fromhex(data["bytes"])
            self._memory.append((_address(data["memory"], len(content)), content))
        elif "unreadable" in data:
            size = int(data["size"])
            self._failed[_address(data["unreadable"], size), size] = str(data["reason"]), bool(data.get("pieces"))
        elif "layout" in data:
            name = str(data["layout"])
            layout = None if data.get("missing") else layout_from_json(name, data)
            self._keep(name, layout)
            if layout is not None and len(row) <= _LONGEST_KNOWN and len(_KNOWN) < _MOST_KNOWN:
                _KNOWN[row] = name, layout
        elif "symbol" in data:
            address = data["address"]
            self._symbols[str(data["symbol"])] = None if address is None else _address(address, 0)
        elif "command" in data:
            output = data["output"]
            self._commands[str(data["command"])] = None if output is None else str(output)
        else:
            raise BadFormat("unknown kind of line: %s" % ", ".join(sorted(map(str, data))[:3]))

    def read(self, address: int, size: int) -> bytes:
        reason = self._failed.get((address, size))
        partial = b""
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0:
            start, data = self._memory[index]
            partial = data[address - start : address - start + size]
        if len(partial) == size and reason is None:
            return partial
        if reason is None:
            for (start, length), why in self._failed.items():
                if start <= address and address + size <= start + length:
                    reason = why
                    break
        if reason is not None and reason[1]:
            known = self._behind(address + len(partial), address + size)
            raise NotRecorded(address, size, "", partial, known, reason[0])
        if reason is not None:
            raise MemoryUnreadable(address, size, reason[0], partial)
        raise NotRecorded(address, size, _AGAIN, partial)

    def _behind(self, start: int, end: int) -> Tuple[Tuple[int, bytes], ...]:
        """What is recorded between two addresses, from the first piece that begins there on."""
        first, last = bisect.bisect_left(self._starts, start), bisect.bisect_left(self._starts, end)
        return tuple((at, data[: end - at]) for at, data in self._memory[first:last])

    def layout(self, name: str) -> Layout:
        if name not in self._layouts:
            raise TypeNotFound("the recording does not hold the type %s" % name, name, _AGAIN)
        found = self._layouts[name]
        if found is None:
            raise TypeNotFound("the symbols of nt have no type %s" % name, name)
        return found

    def symbol(self, name: str) -> int:
        if name not in self._symbols:
            raise SymbolNotFound("the recording does not hold the symbol %s" % name, name, _AGAIN)
        found = self._symbols[name]
        if found is None:
            raise SymbolNotFound("nt has no symbol %s" % name, name)
        return found

    def command(self, text: str) -> str:
        output = self._commands.get(text)
        if output is None:
            raise NoCommands("the recording does not hold the command %s" % text, text, _AGAIN)
        return output


def _kept(head: Dict[str, Any], name: str) -> Optional[Tuple[int, ...]]:
    return tuple(_address(address, 0) for address in head[name]) if name in head else None


_HEXADECIMAL = re.compile("(?:0[xX])?[0-9a-fA-F]{1,16}")


def _address(text: str, size: int) -> int:
    """A hexadecimal address of which `size` bytes fit below 2^64.  Raises BadFormat."""
    if _HEXADECIMAL.fullmatch(text) is None:  # int() also takes blanks, signs, underscores and digits of other scripts
        raise BadFormat("there is no address %.40s" % text)
    address = int(text, 16)
    if not 0 <= size <= (1 << 64) - address:
        raise BadFormat("there is no address %s with %d bytes" % (text, size))
    return address


def _fault(error: Exception) -> str:
    """What is wrong with a line, for a person."""
    if isinstance(error, BadFormat):
        return error.message
    if isinstance(error, KeyError):
        return "it has no %s" % error
    return "it is no JSON, cut off or changed" if isinstance(error, (ValueError, RecursionError)) else "a wrong value"


def _merge(pieces: List[Tuple[int, bytes]]) -> List[Tuple[int, bytes]]:
    """Join pieces that overlap or touch, so that a read may cross what were two reads.  In linear time."""
    merged: List[Tuple[int, bytearray]] = []
    for start, data in sorted(pieces):
        if merged and start <= merged[-1][0] + len(merged[-1][1]):
            first, before = merged[-1]
            before[start - first : start - first + len(data)] = data
        else:
            merged.append((start, bytearray(data)))
    return [(start, bytes(data)) for start, data in merged]


def load_session(path: Union[str, Path]) -> SessionSource:
    """Open a recording, packed or not.  Raises BadFormat naming the file."""
    try:
        text = read_packed(path, "recording").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFormat("%s is no recording: it is not UTF-8 text" % path, str(path)) from error
    return SessionSource(text, Path(path).name)
