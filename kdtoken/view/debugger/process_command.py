"""The text of the debugger's `!process` and `!thread` -> processes, and what their threads run under.

Forms: learn.microsoft.com "!process", "!thread", and published output from NT 4 to Windows 11.  A log of all
processes with all threads has millions of lines of call stacks, so a line is told by its first word, and only the few
that carry a fact are looked at further.
"""

import re
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, Iterable, List, Optional, Tuple

from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.process import Impersonation
from kdtoken.model.token_words import IMPERSONATION_LEVELS
from kdtoken.view.debugger.process_text import VIEW, PartialProcess, PartialThread, ProcessBuilder, ThreadBuilder
from kdtoken.view.lines import Line, command_of, is_cut, is_decoration, split_lines
from kdtoken.view.partial import TextPlace
from kdtoken.view.words import has_facts, hexadecimal, pointer_at


@dataclass(frozen=True)
class PartialProcesses:
    """Everything that a text says about processes; `threads` are those under no PROCESS block of theirs."""

    processes: Tuple[PartialProcess, ...]
    threads: Tuple[PartialThread, ...]
    commands: Tuple[Line, ...]
    errors: Tuple[Line, ...]
    not_understood: Tuple[Line, ...]


_POINTER = r"(?:0x)?[0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?"
_PROCESS = re.compile(r"PROCESS:? {1,8}(%s)(?![0-9a-fA-F])(.*)$" % _POINTER)
_THREAD = re.compile(r"THREAD:? {1,8}(%s) {1,8}Cid:? {0,4}([0-9a-fA-F]{1,8})\.([0-9a-fA-F]{1,8})(.*)$" % _POINTER)
_TOKEN = re.compile(r"Token:? {1,60}(%s)(?![0-9a-fA-F])(.*)$" % _POINTER)
_IMPERSONATION = re.compile(r"Impersonation token:? {0,40}(%s)(?![0-9a-fA-F])(.*)$" % _POINTER, re.IGNORECASE)
_OWNING = re.compile(
    r"Owning Process:? {1,40}(0x[0-9a-fA-F`]{1,17}|[0-9a-fA-F`]{1,17}|N/A)(?: {1,40}Image: {1,40}(.*))?$"
)
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9]{1,20}): {0,8}(<[^<>]{0,60}>|[^\s<]\S{0,60})")
_SPLIT = re.compile(
    r"\s(?=PROCESS [0-9a-f]{8}|SessionId: |DirBase: |Image: |VadRoot |DeviceMap |Token {1,60}[0-9a-f]{8}"
    r"|ElapsedTime |THREAD [0-9a-f]{8})"
)
_JOINED_TOKEN = re.compile(r"(?<=\S) {1,40}(?=(?:Token:? {1,60}|Impersonation token:? {1,40})%s)" % _POINTER)
_SEARCHING = re.compile(r"Searching for (?:Process|Thread) with Cid == ([0-9a-fA-F]{1,8})$")
_LEVELS = {word.lower(): number for number, word in IMPERSONATION_LEVELS.items()}

_STARTS: Dict[str, Tuple[str, ...]] = {}
for _start in (
    "VadRoot ",
    "DeviceMap ",
    "DeviceMap",
    "ElapsedTime",
    "UserTime",
    "KernelTime",
    "QuotaPoolUsage[PagedPool]",
    "QuotaPoolUsage[NonPagedPool]",
    "Working Set Sizes",
    "PeakWorkingSetSize",
    "VirtualSize",
    "PeakVirtualSize",
    "PageFaultCount",
    "MemoryPriority",
    "BasePriority",
    "CommitCharge",
    "Job ",
    "DebugPort",
    "IRP List:",
    "Wait Start TickCount",
    "WaitTime (seconds)",
    "Context Switch Count",
    "Win32 Start Address",
    "Start Address",
    "Stack Init ",
    "Initial Sp ",
    "Kernel stack not resident",
    "Child-SP ",
    "ChildEBP ",
    "Attached Process",
    "(Inline Function)",
    "(Inline",
    "WARNING: Stack unwind",
    "WARNING: Frame IP",
    "WARNING: Process directory",
    "No active threads",
    "**** NT ACTIVE PROCESS DUMP",
    "LPC Server thread",
    "Waiting for reply to",
    "Pending LPC Reply",
    "Shadow Stack",
    "Scheduling Group",
    "Thread group",
    "Affinity",
    "FreezeCount",
    "SuspendCount",
    "*** WARNING:",
    "*** ERROR:",
    "TYPE mismatch for process object",
    "TYPE mismatch for thread object",
    "Process Lock",
    "IdleThread",
    "Cycles",
    "Cycle Time",
    "IO Priority",
    "IoPriority",
    "PagePriority",
    "Owning Job",
    "WorkingSetLeader",
    "RetAddr ",
    "Unable to load image",
    "Kernel Stack",
):
    _key = _start.split(" ")[0]
    _STARTS[_key] = _STARTS.get(_key, ()) + (_start,)
# Short words that prose begins with too: these are told by more than their start.
_BASE = re.compile(r"Base [0-9a-fA-F`x]{1,18} Limit |Priority {1,4}-?\d{1,3}\b|Session(?:Id)? ?: ?\S+$")
_HEX = frozenset("0123456789abcdefABCDEF")
_STACK_OR_WAIT = re.compile(
    r"(?:[0-9a-f]{2,3} )?[0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?(?:[: ]|$)|[0-9a-f]{8}`[0-9a-f]{4}|-{8}`-{8}"
)
_CUT_WORDS = ("<Unknown>", "N/A")
_ERRORS = re.compile(
    r"(?:\*{3} )?(?:Error|ERROR|Unable to|Could not|Cannot|Failed|GetPointerFromAddress|ReadMemory error|Process \S{1,20} not)"
)


@dataclass
class _Reader:
    """One pass over the lines."""

    file: str
    processes: List[ProcessBuilder] = field(default_factory=list)
    threads: List[ThreadBuilder] = field(default_factory=list)
    commands: List[Line] = field(default_factory=list)
    errors: List[Line] = field(default_factory=list)
    unknown: List[Line] = field(default_factory=list)
    process: Optional[ProcessBuilder] = None
    thread: Optional[ThreadBuilder] = None
    asked: bool = False
    searched: Optional[Tuple[str, Line]] = None

    def line(self, line: Line) -> None:
        text = line.text.strip()
        if not text:
            return
        inside = self.process is not None or self.thread is not None or self.asked
        if inside and "oken" not in text and "S-1-" not in text:
            # Nearly all of a log: a call stack's line, its first word a 64-bit address.
            if text[8:9] == "`" and text[0] in _HEX:
                return
            first = text.partition(" ")[0]
            if first in _STARTS:
                if text.startswith(_STARTS[first]):
                    return
            elif text[0] in _HEX and _STACK_OR_WAIT.match(text):
                return
        elif "oken" in text and _JOINED_TOKEN.search(text):
            # A line of something else, and a token's line put behind it.
            pieces = [one.strip() for one in _JOINED_TOKEN.split(text) if one.strip()]
            if not all([self._understood(one, one.partition(" ")[0], line) for one in pieces]):
                self._not_understood(line)
            return
        first = text.partition(" ")[0]
        if not self._understood(text, first, line) and not self._passed(text, first):
            self._not_understood(line)

    def _passed(self, text: str, first: str) -> bool:
        """Lines of stacks and the like, which were looked at closer since they name a token or a SID."""
        if not (self.process or self.thread or self.asked) or has_facts(text) or "!token" in text or "_TOKEN" in text:
            return False
        known = first in _STARTS and text.startswith(_STARTS[first])
        return known or (text[0] in _HEX and _STACK_OR_WAIT.match(text) is not None)

    def _understood(self, text: str, first: str, line: Line) -> bool:
        # Told by the first word, since nothing else is as quick.
        if first.startswith("PROCESS"):
            if "DirBase:" in text:
                return (
                    all(
                        [
                            self._understood(one.strip(), one.partition(" ")[0], line)
                            for one in _SPLIT.split(text, 400)
                            if one.strip() != text
                        ]
                    )
                    if _SPLIT.search(text)
                    else self._process(text, line)
                )
            return self._process(text, line)
        if first.startswith("THREAD"):
            return self._thread(text, line)
        inside = self.process or self.thread
        if inside:
            if first in _FIELD_LINES:
                return self._fields(text, line)
            if first == "Image:":
                return self._image(text[6:].strip(), line)
            if first in ("Token", "Token:"):
                return self._token(text, line)
            if first == "Not" and text.lower().startswith("not impersonating"):
                return self._impersonation(None, "", line)
            if first == "Impersonation":
                found = _IMPERSONATION.match(text)
                return found is not None and self._impersonation(pointer_at(found.group(1))[0], found.group(2), line)
            if first == "Owning":
                return self._owner(text, line)
            if _BASE.match(text):
                return True
        if is_decoration(text) or is_cut(text):
            return True
        command = command_of(text)
        if command is not None:
            return self._command(command, line)
        if text.startswith("**** NT ACTIVE"):
            return True
        found = _SEARCHING.match(text)
        if found:
            # The Cid of the block that follows, in case that block's own line is cut.
            self.searched = (found.group(1), line)
            return True
        if (inside or self.asked) and _ERRORS.match(text) and not has_facts(text):
            self.errors.append(line)
            return True
        return False

    def _not_understood(self, line: Line) -> None:
        self.unknown.append(line)
        if self.process:
            self.process.not_understood.append(line)

    def _command(self, command: str, line: Line) -> bool:
        self.process = self.thread = None
        self.asked = False
        first = command.partition(" ")[0].lower()
        if first.startswith("!") and ("process" in first or "thread" in first):
            self.commands.append(line)
            self.asked = True
            return not has_facts(command)
        if command.startswith(("PROCESS ", "THREAD ")):
            # Output behind a prompt, where another thread of the debugger printed it.
            return self._understood(command, first.upper(), line)
        return not command

    def _process(self, text: str, line: Line) -> bool:
        found = _PROCESS.match(text)
        if not found:
            return False
        address = pointer_at(found.group(1).replace("`", ""))[0]
        self.process = ProcessBuilder(address or 0, line, self.file)
        self.thread = None
        self.processes.append(self.process)
        if self.searched:
            self.process.values["Cid"], searching = self.searched
            self.process.places["Cid"], self.searched = TextPlace(self.file, searching.number), None
        rest = found.group(2).strip()
        return self._fields(rest, line) if rest else True

    def _thread(self, text: str, line: Line) -> bool:
        found = _THREAD.match(text)
        if not found:
            return False
        address, pid, tid = (int(found.group(at).replace("`", ""), 16) for at in (1, 2, 3))
        self.thread = ThreadBuilder(address, pid, tid, line, self.file)
        if self.process and self.process.number("Cid", 16) in (pid, NotSaid(VIEW)):
            self.process.threads.append(self.thread)
        else:
            self.process = None
            self.threads.append(self.thread)
        return not has_facts(found.group(4))

    def _fields(self, text: str, line: Line) -> bool:
        if self.process is None:
            return False
        if "Image:" in text:
            text, _, image = text.partition("Image:")
            self._image(image.strip(), line)
        for name, value in _FIELD.findall(text):
            if name in _FIELDS and name not in self.process.values:
                self.process.values[name] = value
                self.process.places[name] = TextPlace(self.file, line.number)
        return not _FIELD.sub("", text).strip(" .\t")

    def _image(self, name: str, line: Line) -> bool:
        if self.process is None or "Image" in self.process.values:
            return False
        self.process.values["Image"] = name
        self.process.places["Image"] = TextPlace(self.file, line.number)
        return not has_facts(name)

    def _token(self, text: str, line: Line) -> bool:
        found = _TOKEN.match(text)
        if not found or self.process is None or self.process.token is not None:
            return False
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
            if word in _LEVELS:
                self.thread.impersonation = Impersonation(token, _LEVELS[word], NotSaid(VIEW))
                return not has_facts(rest)
        self.thread.impersonation = Unreadable(token, "impersonates, level not understood: %r" % rest.strip())
        return False

    def _owner(self, text: str, line: Line) -> bool:
        found = _OWNING.match(text)
        if not found or self.thread is None:
            return False
        value = hexadecimal(found.group(1))
        if value:
            self.thread.owner = value
            self.thread.places["owner"] = TextPlace(self.file, line.number)
        image = (found.group(2) or "").strip()
        if image and image not in _CUT_WORDS:
            self.thread.image = image
        return not has_facts(image)


_FIELDS: FrozenSet[str] = frozenset(
    ("SessionId", "Cid", "Peb", "ParentCid", "DirBase", "ObjectTable", "HandleCount", "TableSize")
)
_FIELD_LINES = frozenset(name + ":" for name in _FIELDS)


def read_process_lines(lines: Iterable[Line], file: str = "text") -> PartialProcesses:
    """All processes and threads that the lines tell of."""
    reader = _Reader(file)
    for line in lines:
        reader.line(line)
    return PartialProcesses(
        tuple(one.finished() for one in reader.processes),
        tuple(one.finished() for one in reader.threads),
        tuple(reader.commands),
        tuple(reader.errors),
        tuple(reader.unknown),
    )


def read_process_text(text: str, file: str = "text") -> PartialProcesses:
    """All processes and threads that a pasted text or a log tells of; never an error, whatever the text."""
    return read_process_lines(split_lines(text), file)
