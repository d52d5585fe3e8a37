"""Forms of `!process`'s and `!thread`'s lines, and those of them that carry no fact."""

import re
from typing import Dict, FrozenSet, Tuple

from kdtoken.model.token_words import IMPERSONATION_LEVELS

POINTER = r"(?:0x)?[0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?"
PROCESS = re.compile(r"PROCESS:? {1,8}(%s)(?![-+,\w`*#?\u2026]|\.\.)(.*)$" % POINTER)
THREAD = re.compile(
    r"THREAD:? {1,8}(%s) {1,8}Cid:? {0,4}([0-9a-fA-F]{1,8})\.([0-9a-fA-F]{1,8})(?![\w*#?\u2026]|\.\.)(.*)$" % POINTER
)
TOKEN = re.compile(r"Token:? {1,60}(%s)(?![\w`*#?\u2026]|\.\.)(.*)$" % POINTER)
IMPERSONATION = re.compile(r"Impersonation token:? {0,40}(%s)(?![\w`*#?\u2026]|\.\.)(.*)$" % POINTER, re.IGNORECASE)
OWNING = re.compile(
    r"Owning Process:? {1,40}(0x[0-9a-fA-F][0-9a-fA-F`]{0,16}|[0-9a-fA-F][0-9a-fA-F`]{0,16}|N/A)(?: {1,40}Image: {1,40}(.*))?$"
)
FIELD = re.compile(r"([A-Za-z][A-Za-z0-9]{1,20}): {0,8}(<[^<>]{0,60}>|[^\s<]\S{0,60})")
SPLIT = re.compile(
    r"\s(?=PROCESS [0-9a-f]{8}|SessionId: |DirBase: |Image: |VadRoot |DeviceMap |Token {1,60}[0-9a-f]{8}"
    r"|ElapsedTime |THREAD [0-9a-f]{8})"
)
JOINED_TOKEN = re.compile(r"(?<=\S) {1,40}(?=(?:Token:? {1,60}|Impersonation token:? {1,40})%s)" % POINTER)
# The form of another debugger.
HYPERDBG = re.compile(r"Process Id: ([0-9a-f]{4,8}) {1,20}DirBase \(Kernel Cr3\): [0-9a-f]{16} {1,8}Image: (.*)$")
SEARCHING = re.compile(r"Searching for (?:Process|Thread) with Cid == ([0-9a-fA-F]{1,8})$")
LEVELS = {word.lower(): number for number, word in IMPERSONATION_LEVELS.items()}

STARTS: Dict[str, Tuple[str, ...]] = {}
for _start in (
    "VadRoot ",
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
    "(Inline)",
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
    STARTS[_key] = STARTS.get(_key, ()) + (_start,)
# Short words that prose begins with too: these are told by more than their start.
BASE = re.compile(r"Base [0-9a-fA-F`x]{1,18} Limit |Priority {1,4}-?\d{1,3}\b|Session(?:Id)? ?: ?\S+$")
HEX = frozenset("0123456789abcdefABCDEF")
STACK_OR_WAIT = re.compile(
    r"(?:[0-9a-f]{2,3} )?[0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?(?:[: ]|$)|[0-9a-f]{8}`[0-9a-f]{4}|-{8}`-{8}"
)
# A page's tag behind a name, broken at the line's end; another text that somebody put beside this one; or half a file's
# kind, which only names of 14 letters and more end in: the kernel keeps so many.
NO_NAME = re.compile(
    r"(?s)^.{1,12}\.(?:e|ex)?$|</?[a-z]{0,10}(?: ?/?>)?$|\?|(?:>| [$#])$|\S {4,}\S|\u2026$|\ufffd|<[^>]*$"
)
CUT_WORDS = ("<Unknown>", "N/A")
# Errors that end a list of threads, or of processes, before its end; others lack a time or a name.
TORN = re.compile(
    r"TYPE mismatch for (thread|process) object|.{0,40}NO E(THREAD|PROCESS) DATA|Unable to (?:read|get) .{0,60}_?LIST_ENTRY"
    r"|(?:Could not|Unable to|Cannot) (?:read|get|access) (?:the )?.{0,30}(thread|process)\b.{0,40}(?:list|links?|object)"
    r"|Unable to read .{0,20}_E(THREAD|PROCESS)\b|(?:Unable to|Could not) read .{0,40}(?:Thread|Process)List",
    re.IGNORECASE,
)
# A command that asks for one process by its address: what stands behind a cut in its output is of that one.
ONE_PROCESS = re.compile(r"!process (?:-1|@\$proc|(?:0x)?[0-9a-f][0-9a-f`]{5,18})(?: |$)", re.IGNORECASE)
ERRORS = re.compile(
    r"(?:\*{3} )?(?:Error|ERROR|Unable to|Could not|Cannot|Failed|GetPointerFromAddress|ReadMemory error|Process \S{1,20} not)"
)
FIELDS: FrozenSet[str] = frozenset(
    ("SessionId", "Cid", "Peb", "ParentCid", "DirBase", "ObjectTable", "HandleCount", "TableSize")
)
# At least four digits, and a full stop behind what is decimal: with less, its end was cut off.
FORMS = {
    "Cid": re.compile(r"[0-9a-fA-F]{4,8}$"),
    "ParentCid": re.compile(r"[0-9a-fA-F]{4,8}$"),
    "HandleCount": re.compile(r"\d{1,9}\.$|<[^<>]{3,60}>$"),
    "TableSize": re.compile(r"\d{1,9}\.$|<[^<>]{3,60}>$"),
}
# Behind these something stands in every genuine output: at a line's end, theirs may have been cut off.
NEVER_LAST = ("SessionId", "Cid", "Peb", "DirBase")
FIELD_LINES = frozenset(name + ":" for name in FIELDS)


def is_torn_behind(name: str, text: str) -> bool:
    """Whether the value of a field is followed by a number, which may be its rest."""
    found = re.search(r"\b%s: {0,8}[^\s<]\S{0,60} {1,4}[0-9a-fA-F]{1,16}\b(?!:)" % re.escape(name), text)
    return found is not None
