"""One pass over a saved log: what its lines tell, put where LogTarget finds it again.

Every fact keeps the number of its line.  Nothing is decided here about what contradicts what.
"""

import re
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from kdtoken.layout.dt import type_text
from kdtoken.target.log_commands import NOTHING, Asked, Dt, asked_by, folded, split_prompt
from kdtoken.target.log_lines import Line, LogFile, Progress
from kdtoken.target.log_memory import LogMemory, memory_line
from kdtoken.target.log_types import Listing, Member, Types, enum_value_of, head_of, member_of

# Line numbers of several files in one integer.
_FILE_SHIFT = 40
# Lines that may lie between two members of one listing (a driver that printed in between).
_LONGEST_GAP = 200

# The beginning of every line that can matter; all others are passed over inside `re`.
INTERESTING = re.compile(
    rb"""\n(?=
      [ \t]* (?:
        \+0x
      | (?:0x)?[0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?
          (?: [ ]{1,40}(?:nt|ntkr\w{2,6}|ntoskrnl)! | [ ]{2}[0-9a-fA-F?] | [ ][0-9a-fA-F?`]{2,17}(?:[ ]|\r?$|[ ]{3}nt\b) )
      | \([0-9a-fA-F`]{8,17}\)[ ]+nt!
      | (?:[|0-9:.]{1,12}[ ]?){0,3}l?kd(?::\w{1,8})?>
      | [|0-9:.]{0,8}[0-9]{1,3}:[0-9]{3}(?::\w{1,8})?>
      | (?:struct|union|class|Enum)[ ]
      | (?:PROCESS[ ]|SessionId:|Image:[ ]|Token[ ]{3})
      | \w{1,40}[ ]=[ ](?:0n|0x|[0-9-])
      | Windows[ ].{1,60}Version[ ] | Connected[ ]to[ ]Windows | Kernel[ ]base
      )
    | (?:dt|d[bcdpqwW]|d[dpq]s|x|ln|lm\w{0,4}|\?{1,2}|vertarget|version)(?:[ ]|\r?$)
    | !(?:process|token|thread|object|list)
    | \w{1,40}!\w{1,80}\s*$
    | Evaluate[ ]expression | unsigned[ ]int | Couldn't[ ]resolve | Symbol[ ]
    | Comment: | Opened[ ]log | Closing[ ]open
    )""",
    re.VERBOSE | re.MULTILINE,
)

_SYMBOL_LINE = re.compile(
    r"^[ \t]*(?:0x)?([0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?) +(?:nt|ntkrnl\w{1,3}|ntoskrnl|ntkrpamp)!([A-Za-z_?@$][\w?@$]*)"
    r"(?=$|[ ]|\s*=)(?:[ ]+= struct _LIST_ENTRY \[ (0x[0-9a-fA-F`]+) - (0x[0-9a-fA-F`]+) \])?"
)
_NEAR = re.compile(r"\(([0-9a-fA-F`]{8,17})\)\s+nt!([A-Za-z_?@$][\w?@$]*)(?=\s|$)(?!\s*\+)")
_EVALUATED = re.compile(r"^Evaluate expression: (-?\d+) = ([0-9a-fA-F`]{8,17})")
_UNSIGNED = re.compile(r"^unsigned int(?:64)? (0x[0-9a-fA-F]{1,8}|\d{1,8})\s*$")
_UNRESOLVED = re.compile(r"^(?:Couldn't resolve error at '|Symbol )(?:nt!)?([A-Za-z_]\w*)")
_BANNER = re.compile(r"^\s*Windows .{1,60}Kernel Version (\d{3,6})\b(.*)$")
_CONNECTED = re.compile(r"^\s*Connected to Windows .{0,30}?(\d{3,6}) .{0,40}target")
_BASE = re.compile(r"^\s*Kernel base = (?:0x)?([0-9a-fA-F`]{8,17}) PsLoadedModuleList = (?:0x)?([0-9a-fA-F`]{8,17})")
_MODULE = re.compile(r"^\s*([0-9a-fA-F]{8}(?:`[0-9a-fA-F]{8})?) ([0-9a-fA-F]{8}(?:`[0-9a-fA-F]{8})?)   nt\b")
_PROCESS = re.compile(r"^\s*PROCESS +([0-9a-fA-F`]{8,17})")
_CID = re.compile(r"\bCid: *([0-9a-fA-F]{1,8})\b")
_IMAGE = re.compile(r"^\s*Image: +(.*?)\s*$")
_TOKEN = re.compile(r"^\s*Token +([0-9a-fA-F`]{8,17})\s*$")


class ProcessInText(NamedTuple):
    """A process as `!process` printed it; what it did not print is None."""

    address: int
    pid: Optional[int]
    image_name: Optional[str]
    token: Optional[int]
    line: int


class Output(NamedTuple):
    """Where in the files the output of a command lies."""

    file: int
    line: int
    start: int
    stop: int


def number(digits: str) -> int:
    return int(digits.replace("`", ""), 16)


class Scan:
    """What the logs tell so far.  Feed it with `read`, then call `finish`."""

    def __init__(self) -> None:
        self.files: List[LogFile] = []
        self.memory = LogMemory()
        self.types = Types()
        self.symbols: Dict[str, int] = {}
        self.symbol_lines: Dict[str, int] = {}
        self.doubted_symbols: Dict[str, Tuple[int, int]] = {}
        self.missing_symbols: Set[str] = set()
        self.outputs: Dict[str, Output] = {}
        self.processes: List[ProcessInText] = []
        self.builds: Dict[int, int] = {}
        self.bases: Dict[int, int] = {}
        self.cut: List[str] = []
        self.synthetic = False
        self.wide: Optional[bool] = None
        self._forget()

    def _forget(self) -> None:
        """Between two files nothing carries over."""
        self._asked: Asked = NOTHING
        self._command: Optional[Tuple[str, int, int]] = None  # text, line, where its output begins
        self._wanted: Optional[str] = None  # symbol of the next memory line
        self._head: Optional[Tuple[str, Optional[int], Optional[int]]] = None
        self._members: List[Member] = []
        self._names: Set[str] = set()
        self._values: List[Tuple[str, int]] = []
        self._inner: Dict[int, List[Tuple[str, int]]] = {}
        self._broken = False
        self._begin = self._last = 0
        self._dt_index = 0

    def read(self, file: LogFile, progress: Optional[Progress] = None) -> None:
        """Take one file in."""
        self._forget()
        index = len(self.files)
        self.files.append(file)
        line: Optional[Line] = None
        for line in file.lines(INTERESTING, progress):
            self._line(line, index << _FILE_SHIFT | line.number)
        if line is not None and line.cut:
            self._broken = self._broken or bool(self._members or self._values)
            self.cut.append(self.where(index << _FILE_SHIFT | line.number))
        self._end_command(index, file.size)

    def where(self, line: int) -> str:
        """A line in words: `notepad.log, line 12`."""
        return "%s, line %d" % (self.files[line >> _FILE_SHIFT].name, line & ((1 << _FILE_SHIFT) - 1))

    # ------------------------------------------------------------------ one line

    def _line(self, line: Line, at: int) -> None:
        text = line.text
        command = split_prompt(text)
        if command is not None:
            self._end_command(at >> _FILE_SHIFT, line.start)
            if command:
                self._command = (command, at, line.stop + 1)
                self._asked = asked_by(command, self.symbols)
                self._wanted = self._asked.dumped
            return
        member = member_of(text, at) if "+0x" in text[:60] else None
        if member is not None:
            self._member(member, at)
            return
        stripped = text.strip()
        first = stripped[:1]
        if first in "0123456789abcdefABCDEF" and self._address_line(text, at):
            return
        head = head_of(text)
        if head is not None:
            self._end_listing()
            self._head, self._begin, self._last = head, at, at
            return
        value = enum_value_of(text)
        if value is not None:
            self._enum_value(value, at)
            return
        self._told(stripped, text, at)

    def _address_line(self, text: str, at: int) -> bool:
        module = _MODULE.match(text)
        if module:
            self._see_width(module[1])
            self.bases.setdefault(number(module[1]), at)
            return True
        symbol = _SYMBOL_LINE.match(text)
        if symbol:
            self._see_width(symbol[1])
            address = number(symbol[1])
            self._symbol(symbol[2], address, at)
            if symbol[3]:
                size = 8 if "`" in symbol[3] else 4
                for index, digits in enumerate((symbol[3], symbol[4])):
                    self.memory.add(address + index * size, number(digits).to_bytes(8, "little")[:size], at)
            return True
        if not self._asked.memory:
            return False
        shown = memory_line(text, self._asked.dumps)
        if shown is None:
            return False
        self._wanted, wanted = None, self._wanted
        if wanted is not None:
            self._symbol(wanted, shown.address, at)
        if shown.symbol is not None:
            self._symbol(shown.symbol[0], shown.symbol[1], at)
        # User-mode addresses mean another thing in each process; kdtoken never asks for them.
        if shown.address < (1 << 63 if shown.wide else 1 << 31):
            return True
        self.wide = self.wide or shown.wide
        for address, data in shown.pieces:
            self.memory.add(address, data, at)
        for address, size in shown.holes:
            self.memory.add_hole(address, size, at)
        return True

    def _see_width(self, digits: str) -> None:
        self.wide = self.wide or len(digits) > 8

    def _symbol(self, name: str, address: int, at: int) -> None:
        before = self.symbols.setdefault(name, address)
        line = self.symbol_lines.setdefault(name, at)
        if before != address:
            self.doubted_symbols.setdefault(name, (line, at))

    def _told(self, stripped: str, text: str, at: int) -> None:
        """Lines that say one thing each."""
        match = _EVALUATED.match(text)
        if match:
            if self._asked.evaluated:
                self._symbol(self._asked.evaluated, number(match[2]), at)
            elif self._asked.sizeof:
                self.types.sizes.setdefault(self._asked.sizeof, number(match[2]))
            return
        match = _UNSIGNED.match(text)
        if match:
            if self._asked.sizeof:
                self.types.sizes.setdefault(self._asked.sizeof, int(match[1], 0))
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
        if stripped.startswith(("Opened log", "Closing open")):
            self._end_listing()
            return
        self._machine(text, at) or self._process(text, at)

    def _machine(self, text: str, at: int) -> bool:
        match = _BANNER.match(text) or _CONNECTED.match(text)
        if match:
            self.builds.setdefault(int(match[1]), at)
            self.wide = self.wide or "x64" in text or "ARM 64" in text
            return True
        match = _BASE.match(text)
        if match:
            self._see_width(match[1])
            self.bases.setdefault(number(match[1]), at)
            self._symbol("PsLoadedModuleList", number(match[2]), at)
            return True
        if text.startswith("Comment:"):
            self.synthetic = self.synthetic or "synthetic" in text.lower()
            return True
        return False

    def _process(self, text: str, at: int) -> bool:
        match = _PROCESS.match(text)
        cid = _CID.search(text)
        if match:
            pid = int(cid[1], 16) if cid else None
            self.processes.append(ProcessInText(number(match[1]), pid, None, None, at))
            return True
        if not self.processes:
            return False
        last = self.processes[-1]
        image, token = _IMAGE.match(text), _TOKEN.match(text)
        if cid and last.pid is None:
            self.processes[-1] = last._replace(pid=int(cid[1], 16))
        elif image and last.image_name is None:
            self.processes[-1] = last._replace(image_name=image[1])
        elif token and last.token is None:
            self.processes[-1] = last._replace(token=number(token[1]))
        return True

    # ------------------------------------------------------------------ dt listings

    def _member(self, member: Member, at: int) -> None:
        gap = bool(self._last) and at - self._last > 1
        far = gap and at - self._last > _LONGEST_GAP
        root = not self._members or member.depth <= self._members[0].depth
        if self._members and (far or (root and member.name in self._names)):
            self._end_listing()
            gap = False
        if not self._members and not self._head:
            self._begin = at
            gap = False
        if root:
            self._names.add(member.name)
        self._broken = self._broken or gap
        self._last = at
        self._members.append(member)

    def _enum_value(self, value: Tuple[str, int], at: int) -> None:
        if self._members:
            # `dt -r` unfolds an enum under the member that is one.
            if at - self._last <= 1:
                self._last = at
                self._inner.setdefault(len(self._members) - 1, []).append(value)
            return
        if not (self._head or self._dt_index < len(self._asked.dts)):
            return
        if self._values and at - self._last > 1:
            self._broken = True
        if not self._values and not self._head:
            self._begin = at
        self._last = at
        self._values.append(value)

    def _end_listing(self) -> None:
        if self._members or self._values or (self._head and self._head[2] is not None):
            self.types.add(self._listing())
            for index, values in self._inner.items():
                enum = type_text(self._members[index].text)
                if enum is not None and enum.startswith("_") and not self._broken:
                    line = self._members[index].line
                    self.types.add(Listing(enum, None, None, (), tuple(values), None, False, False, False, line))
            self._dt_index += 1
        self._head = None
        self._members = []
        self._names = set()
        self._values = []
        self._inner = {}
        self._broken = False
        self._begin = self._last = 0

    def _listing(self) -> Listing:
        head, dts = self._head, self._asked.dts
        dt: Optional[Dt] = None
        if head is not None:
            same = [one for one in dts if one.type.lower() == head[0].lower()]
            dt = same[0] if len(same) == 1 else None
            # Two questions about one type: in the order of the answers, if each has been answered.
            if len(same) > 1 and self._dt_index < len(dts) and dts[self._dt_index] in same:
                dt = dts[self._dt_index]
        elif self._dt_index < len(dts) and (len(dts) == 1 or self._dt_index == 0):
            dt = dts[self._dt_index]
        name = head[0] if head else dt.type if dt else ""
        if dt is not None and not dt.known:
            name = ""
        elements, size = (head[1], head[2]) if head else (None, None)
        # Without the command a plain listing may be a choice of fields.
        filtered = dt.filtered if dt else True
        nested = dt.nested if dt else False
        for index in self._inner:
            if not self._members[index].text:
                # `dt -r` prints an enum's values in place of its name; an enum is four bytes wide.
                self._members[index] = self._members[index]._replace(text="Uint4B")
        return Listing(
            name, elements, size, tuple(self._members), tuple(self._values), dt.address if dt else None,
            filtered, nested, self._broken, self._begin,
        )  # fmt: skip

    # ------------------------------------------------------------------ commands

    def _end_command(self, file: int, stop: int) -> None:
        self._end_listing()
        if self._command is not None:
            text, line, start = self._command
            self.outputs[folded(text)] = Output(file, line, start, stop)
        self._command = None
        self._asked = NOTHING
        self._wanted = None
        self._dt_index = 0
