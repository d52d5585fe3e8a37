"""What single lines of a saved log tell: symbols, modules, builds, sizes, processes, memory."""

import re
from typing import Dict, Optional, Set, Tuple

from kdtoken.source.log.commands import Asked
from kdtoken.source.log.memory import LogMemory, memory_line
from kdtoken.source.log.rows import ROW, Stretch, content_of
from kdtoken.source.log.types import Types

_SYMBOL_LINE = re.compile(
    r"^[ \t]*(?:0x)?([0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?) +(?:nt|ntkrnl\w{1,3}|ntoskrnl|ntkrpamp)!([A-Za-z_?@$][\w?@$]*)"
    r"(?=$|[ ]|\s*=)(?:[ ]+= struct _LIST_ENTRY \[ (0x[0-9a-fA-F][0-9a-fA-F`]*) - (0x[0-9a-fA-F][0-9a-fA-F`]*) \])?"
)
_NEAR = re.compile(r"\(([0-9a-fA-F][0-9a-fA-F`]{7,16})\)\s+nt!([A-Za-z_?@$][\w?@$]*)(?=\s|$)(?!\s*\+)")
_EVALUATED = re.compile(r"^Evaluate expression: (-?\d+) = ([0-9a-fA-F][0-9a-fA-F`]{7,16})")
_UNSIGNED = re.compile(r"^unsigned int(?:64)? (0x[0-9a-fA-F]{1,8}|\d{1,8})\s*$")
_UNRESOLVED = re.compile(r"^(?:Couldn't resolve error at '|Symbol )(?:nt!)?([A-Za-z_]\w*)")
_BANNER = re.compile(r"^\s*Windows .{1,60}Kernel Version (\d{3,6})\b(.*)$")
_CONNECTED = re.compile(r"^\s*Connected to Windows .{0,30}?(\d{3,6}) .{0,40}target")
_BASE = re.compile(
    r"^\s*Kernel base = (?:0x)?([0-9a-fA-F][0-9a-fA-F`]{7,16}) PsLoadedModuleList = (?:0x)?([0-9a-fA-F][0-9a-fA-F`]{7,16})"
)
_MODULE = re.compile(r"^\s*([0-9a-fA-F]{8}(?:`[0-9a-fA-F]{8})?) ([0-9a-fA-F]{8}(?:`[0-9a-fA-F]{8})?)   nt\b")
_PROCESS = re.compile(r"^\s*PROCESS +[0-9a-fA-F][0-9a-fA-F`]{7,16}")


def number(digits: str) -> int:
    """Hexadecimal digits, with or without 0x and the backtick, as a number."""
    return int(digits.replace("`", ""), 16)


def _lowest(wide: bool) -> int:
    """The kernel's lowest address.  Those below mean another thing in each process; kdtoken never asks for them."""
    return 1 << 63 if wide else 1 << 31


class Facts:
    """What the lines told so far; of everything, the line is kept too.

    has_processes  whether `!process` printed one: what of it, the readers of text say
    wanted  nt symbol of which the next memory line tells the address (`dq nt!X L1`)
    """

    def __init__(self) -> None:
        self.memory = LogMemory()
        self.types = Types()
        self.symbols: Dict[str, int] = {}
        self.symbol_lines: Dict[str, int] = {}
        self.doubted_symbols: Dict[str, Tuple[int, int]] = {}
        self.missing_symbols: Set[str] = set()
        self.has_processes = False
        self.builds: Dict[int, int] = {}
        self.bases: Dict[int, int] = {}
        self.synthetic = False
        self.wide: Optional[bool] = None
        self.wanted: Optional[str] = None

    def address_line(self, text: str, at: int, asked: Asked) -> bool:
        """Take in a line that begins with an address; False where it is something else."""
        module = _MODULE.match(text) if "  nt" in text else None
        if module:
            self._see_width(module[1])
            self.bases.setdefault(number(module[1]), at)
            return True
        symbol = _SYMBOL_LINE.match(text) if "!" in text else None
        if symbol:
            self._see_width(symbol[1])
            address = number(symbol[1])
            self._symbol(symbol[2], address, at)
            if symbol[3]:
                links = [number(digits) for digits in (symbol[3], symbol[4])]
                # "0x", eight digits and no more: a 32-bit pointer, with or without a back-quote lost
                size = 8 if len(symbol[3]) > 10 else 4
                if len(symbol[3]) == len(symbol[4]) and max(links) < 1 << 8 * size:
                    for index, link in enumerate(links):
                        self.memory.add(address + index * size, link.to_bytes(size, "little"), at)
            return True
        if not asked.memory:
            return False
        shown = memory_line(text, asked.dumps)
        if shown is None:
            return False
        wanted, self.wanted = self.wanted, None
        if wanted is not None:
            self._symbol(wanted, shown.address, at)
        if shown.symbol is not None:
            self._symbol(shown.symbol[0], shown.symbol[1], at)
        if shown.address < _lowest(shown.wide):
            return True
        self.wide = self.wide or shown.wide
        for address, data in shown.pieces:
            self.memory.add(address, data, at)
        for address, size in shown.holes:
            self.memory.add_hole(address, size, at)
        return True

    def rows(self, stretch: Stretch, at: int, asked: Asked) -> bool:
        """Take in many rows of memory; False where they have to be taken in one by one."""
        content = content_of(stretch) if asked.memory else None
        if content is None or not (content.fits or asked.dumps):
            return False
        ours = content.address >= _lowest(stretch.wide)
        if not ours and content.address + len(content.data) > _lowest(stretch.wide):
            return False
        wanted, self.wanted = self.wanted, None
        if wanted is not None:
            self._symbol(wanted, content.address, at)
        if ours:
            self.wide = self.wide or stretch.wide
            self.memory.add_rows(content.address, content.data, at, ROW)
        return True

    def _see_width(self, digits: str) -> None:
        self.wide = self.wide or len(digits) > 8

    def _symbol(self, name: str, address: int, at: int) -> None:
        before = self.symbols.setdefault(name, address)
        line = self.symbol_lines.setdefault(name, at)
        if before != address:
            self.doubted_symbols.setdefault(name, (line, at))

    def single(self, stripped: str, text: str, at: int, asked: Asked) -> None:
        """Lines that say one thing each."""
        match = _EVALUATED.match(text)
        if match:
            if asked.evaluated:
                self._symbol(asked.evaluated, number(match[2]), at)
            elif asked.sizeof:
                self.types.sizes.setdefault(asked.sizeof, number(match[2]))
            return
        match = _UNSIGNED.match(text)
        if match:
            if asked.sizeof:
                self.types.sizes.setdefault(asked.sizeof, int(match[1], 16 if match[1][:2] == "0x" else 10))
            return
        match = _UNRESOLVED.match(text)
        if match:
            if match[1].startswith("_"):
                self.types.missing.setdefault(match[1], at)
            else:
                self.missing_symbols.add(match[1])
            return
        if stripped.startswith("("):
            for pair in _NEAR.finditer(text):
                self._symbol(pair[2], number(pair[1]), at)
            return
        if _PROCESS.match(text):
            self.has_processes = True
        else:
            self._machine(text, at)

    def _machine(self, text: str, at: int) -> None:
        match = _BANNER.match(text) or _CONNECTED.match(text)
        if match:
            self.builds.setdefault(int(match[1]), at)
            self.wide = self.wide or "x64" in text or "ARM 64" in text
            return
        match = _BASE.match(text)
        if match:
            self._see_width(match[1])
            self.bases.setdefault(number(match[1]), at)
            self._symbol("PsLoadedModuleList", number(match[2]), at)
            return
        if text.startswith("Comment:"):
            self.synthetic = self.synthetic or "synthetic" in text.lower()
