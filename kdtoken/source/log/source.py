"""A saved WinDbg log (`.logopen`, or text copied from the window), asked like a live session.

    target = LogSource(["notepad.log"])          # or "notepad.log:1200-3400" to choose lines
    target.where(0xffffa08011002380)             # "notepad.log, line 1288"

Answers are what the log shows: types from `dt`, memory from `dq` and its relatives and from `dt`
with an address, symbols from `x ? ln dq`.  What was never printed is NotRecorded, with the command
that prints it.  vm/capture.wds prints all that `kdtoken dump` needs.
"""

import os
import re
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

from kdtoken.errors import (
    BadFormat,
    MemoryUnreadable,
    NoCommands,
    NothingPrinted,
    NotRecorded,
    SymbolNotFound,
    TypeNotFound,
)
from kdtoken.layout.layout import Layout
from kdtoken.source.base import About, Source
from kdtoken.source.log.commands import folded
from kdtoken.source.log.lines import Gap, LogFile, Progress
from kdtoken.source.log.memory import two_values, written
from kdtoken.source.log.scan import Scan, line_in_file
from kdtoken.source.log.values import all_bytes

_CHOOSE = "choose lines of one machine: --log FILE:FIRST-LAST, or cut the file"
_LINES = re.compile(r"^(.+):(\d{1,12})-(\d{1,12})?$")
# Lowest build of each "major.minor" ("Operating System Version", learn.microsoft.com).
_VERSIONS = ((10240, "10.0"), (9600, "6.3"), (9200, "6.2"), (7600, "6.1"), (6000, "6.0"), (3790, "5.2"), (2600, "5.1"))
_LONGEST_TEXT = 1 << 27
_NO_EXTENSION = re.compile(r"^No export \w+ found\s*$", re.MULTILINE)


Thinned = Callable[[Iterable[str]], Iterator[str]]


class LogSource(Source):
    """One or more logs of one machine."""

    def __init__(self, names: Sequence[str], progress: Optional[Progress] = None) -> None:
        """Read them once, from beginning to end.

        names     files; FILE:FIRST-LAST takes only those lines
        progress  called with (bytes done, bytes in all) of each file now and then
        Raises BadFormat for what is no log, and where two machines are in it.
        """
        self._scan = Scan()
        for name in names:
            self._scan.read(_open(name), progress)
        self._wide = self._scan.wide is not False
        self._refuse_two_machines()
        for address, data, line in all_bytes(self._scan.types.values, self._plain_layout):
            if address >= (1 << 63 if self._wide else 1 << 31):
                self._scan.memory.add(address, data, line)
        self._scan.types.values = []
        self._scan.memory.finish()
        self._refuse_nothing()
        self.about = About(self._source(), self._build(), self._scan.synthetic)

    def _source(self) -> str:
        words = "log " + ", ".join(file.name for file in self._scan.files)
        if self._scan.cut:
            words += " (cut in the middle of a line: %s)" % "; ".join(self._scan.cut)
        return words

    def _build(self) -> str:
        build = next(iter(self._scan.builds), 0)
        return next(("%s.%d" % (version, build) for lowest, version in _VERSIONS if build >= lowest), "")

    def _refuse_two_machines(self) -> None:
        scan = self._scan
        for what, found, form in (
            ("builds of Windows", scan.builds, "%d"),
            ("kernels, at different addresses,", scan.bases, "0x%x"),
        ):
            if len(found) > 1:
                said = ["%s (%s)" % (form % value, scan.where(line)) for value, line in found.items()]
                raise BadFormat(
                    "two %s are in the log: %s. These are two machines, or one that was started again"
                    % (what, " and ".join(said[:4])),
                    scan.files[0].path,
                    _CHOOSE,
                )

    def _refuse_nothing(self) -> None:
        scan = self._scan
        if not (
            len(scan.memory) or scan.types.layouts or scan.symbols or scan.outputs or scan.has_processes or scan.builds
        ):
            raise NothingPrinted(
                "%s holds nothing that a debugger prints about a kernel" % ", ".join(f.name for f in scan.files),
                scan.files[0].path if scan.files else None,
                "log a session with .logopen FILE, then $$>a<capture.wds notepad.exe",
            )

    def read(self, address: int, size: int) -> bytes:
        """Raises BadFormat where two lines tell different bytes."""
        if size <= 0:
            return b""
        conflict = self._scan.memory.conflict_in(address, size)
        try:
            data = self._scan.memory.read(address, size, self._wide)
        except MemoryUnreadable as error:
            if conflict is None or address + len(error.partial) <= conflict[0]:
                raise
        else:
            if conflict is None:
                return data
        raise two_values(conflict, self._wide, {line: self._scan.where(line) for line in conflict[2:]})

    def pieces(self, address: int, size: int) -> Tuple[Tuple[int, bytes], ...]:
        """All that the log has of a range, with gaps.  Raises BadFormat where two lines differ."""
        conflict = self._scan.memory.conflict_in(address, size)
        if conflict is not None:
            raise two_values(conflict, self._wide, {line: self._scan.where(line) for line in conflict[2:]})
        return tuple(self._scan.memory.pieces(address, size))

    def layout(self, name: str) -> Layout:
        types = self._scan.types
        doubt = types.doubted.get(name)
        if doubt is not None:
            raise BadFormat(
                "the log shows two different types %s: %s and %s" % (name, *map(self._scan.where, doubt)), name, _CHOOSE
            )
        if name in types.layouts:
            return self._plain_layout(name)
        ask = "dt -v nt!%s" % name
        if name in types.missing:
            raise TypeNotFound(
                "the symbols of nt have no type %s (%s)" % (name, self._scan.where(types.missing[name])), name
            )
        if name in types.partial:
            line, why = types.partial[name]
            raise TypeNotFound(
                "the log does not show all of the type %s: %s (%s)" % (name, why, self._scan.where(line)), name, ask
            )
        raise TypeNotFound("the type %s is not recorded in the log" % name, name, ask)

    def _plain_layout(self, name: str) -> Layout:
        types = self._scan.types
        if name in types.doubted or name not in types.layouts:
            raise TypeNotFound("the type %s is not recorded in the log" % name, name)
        layout = types.layouts[name][0]
        if layout.size is None and name in types.sizes:
            return Layout(layout.name, types.sizes[name], layout.fields, layout.values)
        return layout

    def symbol(self, name: str) -> int:
        plain = name.split("!", 1)[-1]
        doubt = self._scan.doubted_symbols.get(plain)
        if doubt is not None:
            raise BadFormat(
                "the log shows two addresses of nt!%s: %s and %s" % (plain, *map(self._scan.where, doubt)),
                plain,
                _CHOOSE,
            )
        found = self._scan.symbols.get(plain)
        if found is not None:
            return found
        if plain in self._scan.missing_symbols:
            raise SymbolNotFound("nt has no symbol %s" % plain, plain)
        raise SymbolNotFound("the symbol nt!%s is not recorded in the log" % plain, plain, "x nt!%s" % plain)

    def command(self, text: str) -> str:
        """The output that the log holds; the last one where a command was run more than once."""
        found = self._scan.outputs.get(folded(text))
        if found is None:
            raise NoCommands("the log does not hold the command %s" % text, text, "run it and log it: %s" % text)
        file = self._scan.files[found.file]
        output = file.text(found.start, max(found.start, found.stop))
        if file.last is not None:
            left = file.last - line_in_file(found.line)
            output = "".join(output.splitlines(keepends=True)[: max(left, 0)])
        if _NO_EXTENSION.search(output):
            raise NoCommands("the debugger of the log had no such command: %s" % text, text)
        return output

    def commands(self) -> List[str]:
        """The commands that `command` can answer, in the form in which they are compared."""
        return list(self._scan.outputs)

    def where(self, address: int) -> Optional[str]:
        """File and line that show the byte at an address; None where none does."""
        line = self._scan.memory.line_of(address)
        return None if line is None else self._scan.where(line)

    def conflicts(self) -> List[str]:
        """Every place where two lines tell different bytes, in words; reads of these raise BadFormat."""
        return [
            "%s: %s and %s" % (written(start, self._wide), self._scan.where(line), self._scan.where(other))
            for start, _, line, other in self._scan.memory.conflicts
        ]

    @property
    def is_capture(self) -> bool:
        """Whether it shows memory and types, as vm/capture.wds prints them: more than `dt` of one or two objects."""
        types = self._scan.types
        return bool(len(self._scan.memory) and (types.layouts or self._scan.symbols))

    @property
    def gaps(self) -> List[List[Gap]]:
        """Of each file, where it only shows memory, which LogSource has taken in."""
        return self._scan.gaps

    @property
    def has_banner(self) -> bool:
        """Whether it begins as a debugger's session does: then more of it may be had."""
        return bool(self._scan.builds or self._scan.bases)


def log_texts(
    names: Sequence[str], thinned: Optional[Thinned] = None, gaps: Sequence[Sequence[Gap]] = ()
) -> List[Tuple[str, str]]:
    """(name, text) of each log, for who reads what commands printed rather than memory.

    thinned  leaves out what its caller has no use for, piece by piece as it is read, but keeps the line breaks
    gaps     of each log, where it only shows memory (LogSource.gaps)

    Lines that were not chosen are empty, so that the others keep their numbers.  Raises BadFormat for what is
    no log, or where what is left is too long to be read as a whole.
    """
    files = [_open(name) for name in names]
    texts, length = [], 0
    for at, file in enumerate(files):
        pieces, read = [], file.pieces(gaps[at] if gaps else ())
        for piece in thinned(read) if thinned else read:
            pieces.append(piece)
            length += len(piece)
            if length > _LONGEST_TEXT:
                raise BadFormat(
                    "the log%s %d MB long, which is too much to be read as text"
                    % ("s are" if names[1:] else " is", sum(one.size for one in files) >> 20),
                    names[0],
                    _CHOOSE,
                )
        texts.append((file.name, "".join(pieces)))
    return texts


def log_pieces(name: str) -> Iterator[str]:
    """The text of a log once more, in pieces that end with a line, for who looks for one thing in it."""
    return _open(name).pieces()


def _open(name: str) -> LogFile:
    match = _LINES.match(name)
    if match is None or os.path.exists(name):
        return LogFile(name)
    first, last = int(match[2]), int(match[3]) if match[3] else None
    if first < 1 or (last is not None and last < first):
        raise BadFormat(
            "%s: lines are counted from 1, the first before the last" % name,
            name,
            "FILE:100-200, or FILE:100- to its end",
        )
    return LogFile(match[1], first, last)


__all__ = ["LogSource", "NotRecorded", "log_pieces", "log_texts"]
