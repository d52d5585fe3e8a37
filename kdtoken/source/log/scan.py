"""One pass over a saved log: which lines matter, and what was asked in front of them.

Every fact keeps the number of its line.  Nothing is decided here about what contradicts what.
"""

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.source.log.commands import NOTHING, Asked, asked_by, folded, split_prompt
from kdtoken.source.log.facts import Facts
from kdtoken.source.log.lines import Gap, Line, LogFile, Progress, Rows
from kdtoken.source.log.listing import Listings
from kdtoken.source.log.types import enum_value_of, head_of, is_anonymous, member_of

# Line numbers of several files in one integer.
_FILE_SHIFT = 40
_HEX = frozenset("0123456789abcdefABCDEF")
# All of these but "d", with which `dq` and `dt` begin.
_NO_COMMAND = _HEX - {"d"}

# An author's "here is more", as far as it can stand in a listing of `dt`; U+2026 is three bytes of UTF-8 here.
_MARKS = frozenset(".\xe2<([")
_CUT = re.compile(
    r"(?:\.{2,}|\xe2\x80\xa6|[(<\[]{1,3}[-. ]{0,5}(?i:snip|cut|truncated|omitted|\.\.))\W{0,10}\w{0,10}\W{0,10}$"
)
# The beginning of every line that can matter; all others are passed over inside `re`.
INTERESTING = re.compile(
    rb"""\n(?![\r\n])(?!
      # Of these most of a log is: Child-SP and RetAddr of a call stack, and what stands above it.  Nothing of the below
      # begins so.
        [ ]{0,40}[0-9a-fA-F]{8}`[0-9a-fA-F]{8}[ ][0-9a-fA-F]{8}`[0-9a-fA-F]{8}[ ]{1,8}:
      | [ ]{4,40}(?:THREAD|Not[ ]impersonating|DeviceMap|Owning|Wait|Context|Win32|Stack|Child-SP)[ ]{0,40}[^ =]
    )(?=
      [ \t]* (?![ \t]) (?:
        \+0x
      | (?:0x)?[0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?[ ]
          (?: [ ](?:[0-9a-fA-F?]|[ ]{0,40}nt) | nt | [0-9a-fA-F?`]{8,17}(?:[ ]{3}nt\b|[ ]*\r?\n) )
      | [PWCKEcsu(|] (?:
          (?<=P)ROCESS[ ] | (?<=W)indows[ ].{1,60}Version[ ] | (?<=C)onnected[ ]to[ ]Windows | (?<=K)ernel[ ]base
        | (?<=E)num[ ] | (?<=s)truct[ ] | (?<=u)nion[ ] | (?<=c)lass[ ]
        | (?<=\()[0-9a-fA-F][0-9a-fA-F`]{7,16}\)[ ]+nt!
        | (?<=\|)[|0-9:. ]{0,12}(?:l?kd|[0-9]{1,3}:[0-9]{3})(?::\w{1,8})?> )
      | l?kd(?::\w{1,8})?>
      | [0-9][0-9:.]{0,8}[ ]?(?:[0-9:.]{1,8}[ ])?(?:l?kd)?(?::\w{1,8})?>
      | [A-Za-z_]\w{0,60}[ ]=[ ](?:0n|0x|-?[0-9])
      )
    | (?:dt|d[bcdpqwW]|d[dpq]s|x|ln|lm\w{0,4}|\?{1,2}|vertarget|version)(?:[ ]|\r?\n)
    | !(?:process|token|thread|object|list)
    | [A-Za-z]\w{0,20}![A-Za-z_<][\w<>$-]{0,80}[ ]*\r?\n
    | Evaluate[ ]expression | unsigned[ ]int | Couldn't[ ]resolve | Symbol[ ]
    | Comment: | Opened[ ]log | Closing[ ]open
    | [ \t]{0,40}(?:\.\.+[ \t]*\r?\n | \xe2\x80\xa6 | [(<\[]{1,3}[-.\ ]{0,5}(?i:snip|cut|truncated|omitted|\.\.))
    )""",
    re.VERBOSE,
)


def line_in_file(line: int) -> int:
    """The number that an editor shows for a line."""
    return line & ((1 << _FILE_SHIFT) - 1)


class Output(NamedTuple):
    """Where in the files the output of a command lies."""

    file: int
    line: int
    start: int
    stop: int


# Whose output is kept, so that it can be asked for again; a session of a week has some thousands.
_MOST_COMMANDS = 1 << 18

# Of rows of memory a reader of text is left so many: unknown lines enough to end whatever it was in; and where it is in
# nothing, behind other memory, these.
_ENOUGH, _ENOUGH_BEHIND = 30, 2
# With such a word beside its cells a row is left to it as well: a part of a SID, a privilege, a token or a command.
_TELLING = (b"S-1-", b"s-1-", b"Privilege", b"Right", b"oken", b"TOKEN", b"hoami")


class Scan(Facts):
    """What the logs tell so far.  Feed it with `read`.

    gaps     of each file, rows of memory that a reader of text has no use for
    outputs  command, folded -> where in the files its output lies
    cut      files that end in the middle of a line
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: List[LogFile] = []
        self.outputs: Dict[str, Output] = {}
        self.cut: List[str] = []
        self.gaps: List[List[Gap]] = []
        self._memory_ends = -1  # the line behind rows of memory of which there were enough
        self._listings = Listings(self.types)
        self._asked: Asked = NOTHING
        self._command: Optional[Tuple[str, int, int]] = None  # text, line, where its output begins

    def read(self, file: LogFile, progress: Optional[Progress] = None) -> None:
        """Take one file in; between two files no command and no listing carries over."""
        index = len(self.files)
        self.files.append(file)
        self.gaps.append([])
        line: Optional[Line] = None
        for found in file.lines(INTERESTING, progress):
            if isinstance(found, Rows):
                at = index << _FILE_SHIFT | found.number
                if self.rows(found.stretch, at, self._asked):
                    self._pass_over(found, at)
                    line = None
                    continue
            for line in found.lines() if isinstance(found, Rows) else (found,):
                self._line(line, index << _FILE_SHIFT | line.number)
        if line is not None and line.cut:
            self._listings.cut()
            self.cut.append(self.where(index << _FILE_SHIFT | line.number))
        self._end_command(index, file.size)

    def _pass_over(self, found: Rows, at: int) -> None:
        """Note where memory stands, of which nobody needs the text."""
        rows, length = found.stretch.rows, found.stretch.length
        count = len(rows) // length
        asked_at = self._command[1] if self._command is not None and self._asked.dumps else -1
        behind = at == self._memory_ends or (at == asked_at + 1 and asked_at == self._memory_ends)
        left = _ENOUGH_BEHIND if behind else _ENOUGH
        self._memory_ends = at + count if behind or count >= _ENOUGH else -1
        if count > left and not (found.stretch.unit == 1 and any(word in rows for word in _TELLING)):
            stop = found.start + len(rows)
            self.gaps[-1].append(Gap(found.start + left * length, stop, count - left))

    def where(self, line: int) -> str:
        """A line in words: `notepad.log, line 12`."""
        return "%s, line %d" % (self.files[line >> _FILE_SHIFT].name, line_in_file(line))

    def _line(self, line: Line, at: int) -> None:
        text = line.text
        stripped = text.strip()
        first = stripped[:1]
        if first == "+":
            member = member_of(text, at)
            if member is not None:
                self._listings.member(member, at)
                return
        # Most lines that come here are memory; no command begins so, and a prompt ends in ">".
        elif first not in _NO_COMMAND or ">" in text:
            command = split_prompt(text)
            if command is not None:
                self._begin_command(command, line, at)
                return
        if first in _HEX and self.address_line(text, at, self._asked):
            return
        if first in _MARKS and _CUT.match(stripped):
            self._listings.left_out()
            return
        head = head_of(text)
        if head is not None:
            self._listings.head(head, at)
            return
        if is_anonymous(text):
            self._listings.anonymous(at)
            return
        value = enum_value_of(text)
        if value is not None:
            self._listings.enum_value(value, at)
        elif stripped.startswith(("Opened log", "Closing open")):
            self._listings.end()
        else:
            self.single(stripped, text, at, self._asked)

    def _begin_command(self, command: str, line: Line, at: int) -> None:
        self._end_command(at >> _FILE_SHIFT, line.start)
        if command:
            self._command = (command, at, line.stop + 1)
            self._asked = asked_by(command, self.symbols)
            self._listings.asked(self._asked.dts)
            self.wanted = self._asked.dumped

    def _end_command(self, file: int, stop: int) -> None:
        self._listings.asked(())
        if self._command is not None:
            text, line, start = self._command
            if len(self.outputs) >= _MOST_COMMANDS:
                name = self.files[file].name
                raise BadFormat(
                    "%s holds over %d commands, and no session does" % (name, _MOST_COMMANDS),
                    self.files[file].path,
                    "choose lines: --log FILE:FIRST-LAST",
                )
            self.outputs[folded(text)] = Output(file, line, start, stop)
        self._command = None
        self._asked = NOTHING
        self.wanted = None
