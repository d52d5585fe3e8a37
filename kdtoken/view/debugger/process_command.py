"""The text of the debugger's `!process` and `!thread` -> processes, and what their threads run under.

Forms: learn.microsoft.com "!process", "!thread", and published output from NT 4 to Windows 11.  A log of all
processes with all threads has millions of lines of call stacks, so a line is told by its first word, and only the few
that carry a fact are looked at further.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Callable, List, Optional, Sequence, Tuple

from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.process import Impersonation
from kdtoken.view.debugger import process_forms as forms
from kdtoken.view.debugger.memory_read import pointers
from kdtoken.view.debugger.process_text import VIEW, PartialProcesses, ProcessBuilder, ThreadBuilder
from kdtoken.view.debugger.thread_rows import ThreadRows
from kdtoken.view.lines import Line, broken_width, command_of, is_cut, is_decoration, split_lines, width_of
from kdtoken.view.partial import TextPlace
from kdtoken.view.runs import Run
from kdtoken.view.words import has_facts, hexadecimal, pointer_at

# Blocks that are kept, of any process: a week of `!process 0 0` once an hour; some 8 KB each until they are shown.
_MOST_PROCESSES = 1 << 16
_MOST_THREADS = 1 << 17  # of all blocks, some 3 KB each where they impersonate


@dataclass
class _Reader:
    """One pass over the lines."""

    file: str
    broken: int
    processes: List[ProcessBuilder] = field(default_factory=list)
    threads: List[ThreadBuilder] = field(default_factory=list)
    commands: List[Line] = field(default_factory=list)
    errors: List[Line] = field(default_factory=list)
    unknown: List[Line] = field(default_factory=list)
    process: Optional[ProcessBuilder] = None
    thread: Optional[ThreadBuilder] = None
    asked: bool = False
    one_process: bool = False
    searched: Optional[Tuple[str, Line]] = None
    # Whether the first lines of a block may still come: later ones under the same labels are another object's.
    head: bool = False
    torn: List[str] = field(default_factory=list)
    thread_count: int = 0
    # Where a process or thread came that was one too many; what stands there and behind it is not read.
    full: int = 0
    # A value at the end of the line before, which may go on in this one.
    at_end: Optional[Callable[[], object]] = None

    def line(self, line: Line) -> None:
        text = line.text.strip()
        if not text:
            self.head = False
            return
        if self.full:
            return
        at_end, self.at_end = self.at_end, None
        if self._line(line, text):
            if self.at_end and width_of(line) < self.broken:
                self.at_end = None
            return
        self._not_understood(line)
        if at_end is not None and not line.text[:1].isspace():
            at_end()

    def _line(self, line: Line, text: str) -> bool:
        """Whether the line was understood."""
        inside = self.process is not None or self.thread is not None or self.asked
        if inside and "oken" not in text and "S-1-" not in text:
            # Nearly all of a log: a call stack's line, its first word a 64-bit address.
            if text[8:9] == "`" and text[0] in forms.HEX:
                return True
            first = text.partition(" ")[0]
            if first in forms.STARTS:
                if text.startswith(forms.STARTS[first]):
                    return True
            elif text[0] in forms.HEX and forms.STACK_OR_WAIT.match(text):
                return True
        elif "oken" in text and forms.JOINED_TOKEN.search(text):
            # A line of something else, and a token's line put behind it.
            pieces = [one.strip() for one in forms.JOINED_TOKEN.split(text) if one.strip()]
            return all([self._understood(one, one.partition(" ")[0], line) for one in pieces])
        first = text.partition(" ")[0]
        return self._understood(text, first, line) or self._passed(text, first)

    def _passed(self, text: str, first: str) -> bool:
        """Lines of stacks and the like, which were looked at closer since they name a token or a SID."""
        if not (self.process or self.thread or self.asked) or has_facts(text) or "!token" in text or "_TOKEN" in text:
            return False
        known = first in forms.STARTS and text.startswith(forms.STARTS[first])
        return known or (text[0] in forms.HEX and forms.STACK_OR_WAIT.match(text) is not None)

    def _understood(self, text: str, first: str, line: Line) -> bool:
        # Told by the first word, since nothing else is as quick.
        if first.startswith("PROCESS"):
            if "DirBase:" in text:
                return (
                    all(
                        [
                            self._understood(one.strip(), one.partition(" ")[0], line)
                            for one in forms.SPLIT.split(text, 400)
                            if one.strip() != text
                        ]
                    )
                    if forms.SPLIT.search(text)
                    else self._process(text, line)
                )
            return self._process(text, line)
        if first.startswith("THREAD"):
            return self._thread(text, line)
        inside = self.process or self.thread
        if inside:
            if first in forms.FIELD_LINES:
                return self._fields(text, line)
            if first == "Process" and self.process:
                found = forms.HYPERDBG.match(text)
                if found and self.head and "Cid" not in self.process.values:
                    self.process.values["Cid"] = found.group(1)
                    self.process.places["Cid"] = TextPlace(self.file, line.number)
                    return self._image(found.group(2), line)
            if first == "Image:":
                return self._image(text[6:].strip(), line)
            if first in ("Token", "Token:"):
                return self._token(text, line)
            if first == "Not" and text.lower().startswith("not impersonating"):
                return self._impersonation(None, "", line)
            if first == "Impersonation":
                found = forms.IMPERSONATION.match(text)
                if found is None or self._is_half(found.group(1)):
                    return False
                return self._impersonation(pointer_at(found.group(1))[0], found.group(2), line)
            if first == "Owning":
                return self._owner(text, line)
            if forms.BASE.match(text):
                return True
        if is_decoration(text):
            return True
        if is_cut(text):
            self._cut(line)
            return True
        command = command_of(text)
        if command is not None:
            return self._command(command, line)
        if text.startswith("**** NT ACTIVE"):
            self.searched = None
            return True
        if (inside or self.asked) and forms.TORN.match(text) and not has_facts(text):
            self._tear(text, line)
            return True
        found = forms.SEARCHING.match(text)
        if found:
            # The Cid of the block that follows, in case that block's own line is cut; if the search found one.
            self.searched = (found.group(1), line)
            return True
        if (inside or self.asked) and forms.ERRORS.match(text) and not has_facts(text):
            self.errors.append(line)
            return True
        return False

    def _not_understood(self, line: Line) -> None:
        self.unknown.append(line)
        if self.process:
            self.process.not_understood.append(line)
        if line.text.lstrip().startswith(("PROCESS", "THREAD")):
            # A block whose first line was mangled: what follows is not of the one before.
            self.thread = None
            if line.text.lstrip().startswith("PROCESS"):
                self.process = None

    def _cut(self, line: Line) -> None:
        """The author left lines out: the beginning of another block may be among them."""
        self.head, self.thread, self.searched = False, None, None
        if self.process is None:
            return
        self.process.tear("lines are left out in it (line %d)" % line.number)
        if not self.one_process:
            self.process = None

    def _tear(self, text: str, line: Line) -> None:
        """The debugger says that it could not go on with a list."""
        self.errors.append(line)
        self.thread = None
        if self.process is not None and "process" not in text.lower():
            self.process.tear("the debugger could not read all of it: %s (line %d)" % (text, line.number))
        else:
            self.torn.append("line %d: %s" % (line.number, text))
            self.process = None

    def _command(self, command: str, line: Line) -> bool:
        self.process = self.thread = self.searched = None
        self.asked = self.one_process = False
        first = command.partition(" ")[0].lower()
        if first.startswith("!") and ("process" in first or "thread" in first):
            self.commands.append(line)
            self.asked = True
            self.one_process = forms.ONE_PROCESS.match(command) is not None
            return not has_facts(command)
        if command.startswith(("PROCESS ", "THREAD ")):
            # Output behind a prompt, where another thread of the debugger printed it.
            return self._understood(command, first.upper(), line)
        return not command

    def _process(self, text: str, line: Line) -> bool:
        found = forms.PROCESS.match(text)
        if not found:
            return False
        if len(self.processes) + len(self.threads) >= _MOST_PROCESSES:
            self.process = None
            return self._is_full("%d" % _MOST_PROCESSES, line)
        address = pointer_at(found.group(1).replace("`", ""))[0]
        self.process = ProcessBuilder(address or 0, line, self.file)
        self.thread = None
        self.head = True
        self.processes.append(self.process)
        if self.searched:
            self.process.values["Cid"], searching = self.searched
            self.process.places["Cid"], self.searched = TextPlace(self.file, searching.number), None
        rest = found.group(2).strip()
        return self._fields(rest, line) if rest else True

    def _is_full(self, most: str, line: Line) -> bool:
        """Nothing more is read; that the list goes on is told."""
        if self.process is not None:
            self.process.tear("what follows was not read (line %d)" % line.number)
        self.full, self.process, self.thread = line.number, None, None
        self.torn.append("line %d: over %s were printed, and what follows was not read" % (line.number, most))
        return True

    def _thread(self, text: str, line: Line) -> bool:
        found = forms.THREAD.match(text)
        if not found:
            return False
        address, pid, tid, rest = found.groups()
        if not rest.strip() and len(tid) < 4:
            return False  # four digits at least, and more behind them: the line's end was cut off
        self.thread_count += 1
        if self.thread_count > _MOST_THREADS:
            return self._is_full("%d threads" % _MOST_THREADS, line)
        number = int(pid, 16)
        alone = not (self.process and self.process.may_be(number))
        if alone and len(self.processes) + len(self.threads) >= _MOST_PROCESSES:
            self.process = None  # each of those stands for a process of its own
            return self._is_full("%d" % _MOST_PROCESSES, line)
        self.thread = ThreadBuilder(int(address.replace("`", ""), 16), number, int(tid, 16), line.number, self.file)
        if self.process and self.process.may_be(number):
            self.process.threads.append(self.thread)
        else:
            self.process = None
            self.threads.append(self.thread)
        return not has_facts(rest)

    def run(self, run: Run) -> bool:
        """Take threads in that stand one behind the other; False where that has to be done line by line."""
        if self.full:
            return True
        rows = ThreadRows(run, self.file)
        blocks = len(self.processes) + len(self.threads)
        if blocks + rows.most > _MOST_PROCESSES or self.thread_count + rows.most > _MOST_THREADS:
            return False
        if self.process is not None and rows.wide != (self.process.address >= 1 << 32):
            return False
        pid = self.process.number("Cid", 16) if self.process is not None and "Cid" in self.process.values else None
        for self.thread in rows:
            self.thread_count += 1
            if self.process is not None and pid in (None, self.thread.pid):
                self.process.threads.append(self.thread)
            else:
                self.process = None
                self.threads.append(self.thread)
        self.head = self.head and "\n\n" not in run.text
        self.at_end = partial(setattr, self.thread, "image", NotSaid(VIEW)) if rows.image_ends >= self.broken else None
        return True

    def _fields(self, text: str, line: Line) -> bool:
        if self.process is None or not self.head:
            return False
        if "Image:" in text:
            text, _, image = text.partition("Image:")
            self._image(image.strip(), line)
        fields = forms.FIELD.findall(text)
        cut = len(fields) > 1 and fields[-1][0] in forms.NEVER_LAST and text.endswith(fields[-1][1])
        if "DirBase" in self.process.values and any(name in ("Cid", "SessionId") for name, _ in fields):
            # The first lines of another block, whose beginning is not there.
            self.process, self.thread = None, None
            return False
        rest = forms.FIELD.sub("", text).strip(" .\t")
        for name, value in fields[:-1] if cut else fields:
            if rest and forms.is_torn_behind(name, text):
                continue
            form = forms.FORMS.get(name)
            half = value.endswith("..") or (name == "ObjectTable" and self._is_half(value))
            # More always follows it, and in 32 bits it has 8 digits.
            half = half or (
                name == "DirBase" and len(fields) == 1 and len(value) < 16 >> (self.process.address < 1 << 32)
            )
            if half or (form is not None and not form.match(value)):
                # Not as it is ever printed: a console's width has cut it.
                return False
            if name in forms.FIELDS and name not in self.process.values:
                self.process.values[name] = value
                self.at_end = partial(self.process.values.pop, name, None)
                self.process.places[name] = TextPlace(self.file, line.number)
        return not cut and not rest

    def _is_half(self, pointer: str) -> bool:
        """Whether a pointer into the kernel lost its end: the kernel's half of the addresses has the highest bit set."""
        value, known = hexadecimal(pointer.replace("`", "")), self.process or self.thread
        if not value or known is None:
            return False
        highest = 1 << (63 if known.address >> 32 else 31)
        return bool(known.address & highest) and not value & highest

    def _image(self, name: str, line: Line) -> bool:
        if self.process is None or "Image" in self.process.values:
            return False
        if not name:
            return True
        if forms.NO_NAME.search(name):
            return False
        self.head = False
        self.process.values["Image"] = name
        self.at_end = partial(self.process.values.pop, "Image", None)
        self.process.places["Image"] = TextPlace(self.file, line.number)
        return not has_facts(name)

    def _token(self, text: str, line: Line) -> bool:
        found = forms.TOKEN.match(text)
        if not found or self.process is None or self.process.token is not None or self._is_half(found.group(1)):
            return False
        self.at_end = partial(setattr, self.process, "token", None)
        self.process.token = pointer_at(found.group(1).replace("`", ""))[0]
        self.process.places["token"] = TextPlace(self.file, line.number)
        # An author's arrow behind it is decoration, words are not.
        return not any(c.isalnum() for c in found.group(2))

    def _impersonation(self, token: Optional[int], rest: str, line: Line) -> bool:
        if self.thread is None or "impersonation" in self.thread.places:
            return False
        self.thread.places["impersonation"] = TextPlace(self.file, line.number)
        if token is None:
            self.thread.impersonation = None
            return True
        for word in rest.replace("(", " ").replace(")", " ").lower().split():
            if word in forms.LEVELS:
                self.thread.impersonation = Impersonation(token, forms.LEVELS[word], NotSaid(VIEW))
                return not has_facts(rest)
        self.thread.impersonation = Unreadable(token, "impersonates, level not understood: %r" % rest.strip())
        return False

    def _owner(self, text: str, line: Line) -> bool:
        found = forms.OWNING.match(text)
        if not found or self.thread is None:
            return False
        value = hexadecimal(found.group(1))
        if value and value < 1 << 32 <= self.thread.address:
            # Windows 7's extension prints the low half of a newer kernel's pointer.
            whole = self.process.address if self.process else 0
            value = whole if whole & 0xFFFFFFFF == value else None
        elif self._is_half(found.group(1)):
            return False
        if value:
            self.thread.owner = value
            self.thread.places["owner"] = TextPlace(self.file, line.number)
        image = (found.group(2) or "").strip()
        if image and image not in forms.CUT_WORDS and not forms.NO_NAME.search(image):
            self.thread.image = image
            self.at_end = partial(setattr, self.thread, "image", NotSaid(VIEW))
        return not has_facts(image)


def read_process_lines(lines: Sequence[Line], file: str = "text") -> PartialProcesses:
    """All processes and threads that the lines tell of."""
    reader = _Reader(file, broken_width(lines))
    for line in lines:
        if isinstance(line, Run):
            if not reader.run(line):
                for one in line.lines:
                    reader.line(one)
        elif line.text:
            reader.line(line)
        else:
            reader.head = False
    return PartialProcesses(
        tuple(one.finished() for one in reader.processes),
        tuple(one.finished() for one in reader.threads),
        tuple(reader.commands),
        tuple(reader.errors),
        tuple(reader.unknown),
        tuple(reader.torn),
        pointers(lines),
    )


def read_process_text(text: str, file: str = "text") -> PartialProcesses:
    """All processes and threads that a pasted text or a log tells of; never an error, whatever the text."""
    return read_process_lines(list(split_lines(text)), file)
