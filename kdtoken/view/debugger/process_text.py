"""Processes and threads as a text tells them, and how they are put together line by line."""

from dataclasses import dataclass
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from kdtoken.model.absent import Fragment, Maybe, NotSaid, Unreadable
from kdtoken.model.process import FastRef, Impersonation, Process, Thread
from kdtoken.view.debugger.memory_read import Pointer
from kdtoken.view.lines import Line
from kdtoken.view.partial import TextPlace
from kdtoken.view.words import hexadecimal

VIEW = "!process"

NEVER_SHOWN = (
    "token.ref_count: the address is printed without it",
    "threads: only with flag 2, and impersonation only with flag 4",
    "impersonation.effective_only: not printed",
)
_NOT_SAID = NotSaid(VIEW)


class PartialThread(NamedTuple):
    """A thread as `!process` or `!thread` lists it; its impersonation is NotSaid when no line tells it.

    owner, image  from `Owning Process`, which `!thread` prints
    """

    thread: Thread
    places: Mapping[str, TextPlace]
    owner: Maybe[int]
    image: Maybe[str]


@dataclass(frozen=True)
class PartialProcess:
    """A PROCESS block.

    process         token.mask is 0: the text shows the address without the reference count.
    session         None for a process outside all sessions ("none")
    threads         a Fragment where the debugger could not go on with the list, or its author cut it
    handle_count    Unreadable where the debugger said so (`<Data Not Accessible>`)
    not_understood  lines within the block that nothing here knew
    """

    process: Process
    session: Maybe[Optional[int]]
    peb: Maybe[int]
    directory_base: Maybe[int]
    object_table: Maybe[int]
    handle_count: Maybe[int]
    threads: Tuple[PartialThread, ...]
    places: Mapping[str, TextPlace]
    not_understood: Tuple[Line, ...] = ()
    problems: Tuple[str, ...] = ()


@dataclass(frozen=True)
class PartialProcesses:
    """Everything that a text says about processes; `threads` are those under no PROCESS block of theirs.

    torn  why the list of processes may lack some: the debugger's own errors, with their lines
    """

    processes: Tuple[PartialProcess, ...]
    threads: Tuple[PartialThread, ...]
    commands: Tuple[Line, ...]
    errors: Tuple[Line, ...]
    not_understood: Tuple[Line, ...]
    torn: Tuple[str, ...] = ()
    pointers: Tuple[Pointer, ...] = ()


class ProcessBuilder:
    """A process while its lines come by."""

    def __init__(self, address: int, line: Line, file: str) -> None:
        self.address, self.file = address, file
        self.values: Dict[str, str] = {}
        self.places: Dict[str, TextPlace] = {"address": TextPlace(file, line.number)}
        self.token: Optional[int] = None
        self.threads: List[ThreadBuilder] = []
        self.not_understood: List[Line] = []
        self.problems: List[str] = []
        self.torn = ""

    def tear(self, why: str) -> None:
        """Threads may be missing from here on."""
        self.torn = self.torn or why

    def number(self, name: str, base: int) -> Maybe[int]:
        text = self.values.get(name)
        if text is None:
            return _NOT_SAID
        digits = text.rstrip(".").replace("`", "")
        if base == 16:
            value = hexadecimal(digits)
        else:
            value = int(digits) if digits.isdigit() and digits.isascii() and len(digits) < 12 else None
        return Unreadable(0, text.strip("<>")) if value is None else value

    def may_be(self, pid: int) -> bool:
        """Whether it is the process of that number, as far as its lines tell one."""
        return "Cid" not in self.values or self.number("Cid", 16) == pid

    def finished(self) -> PartialProcess:
        threads = tuple(one.finished() for one in self.threads)
        pid = self.number("Cid", 16)
        session: Maybe[Optional[int]] = None if self.values.get("SessionId") == "none" else self.number("SessionId", 10)
        process = Process(
            self.address,
            pid,
            self.values.get("Image", _NOT_SAID),
            _NOT_SAID if self.token is None else FastRef(self.token, 0),
            self.number("ParentCid", 16),
        )
        return PartialProcess(
            process,
            session,
            self.number("Peb", 16),
            self.number("DirBase", 16),
            self.number("ObjectTable", 16),
            self.number("HandleCount", 10),
            Fragment(threads, self.torn) if self.torn else threads,
            self.places,
            tuple(self.not_understood),
            tuple(self.problems),
        )


class ThreadBuilder:
    """A thread while its lines come by: a text may have many."""

    __slots__ = ("address", "pid", "tid", "places", "impersonation", "owner", "image")

    def __init__(self, address: int, pid: int, tid: int, line: int, file: str) -> None:
        self.address, self.pid, self.tid = address, pid, tid
        self.places: Dict[str, TextPlace] = {"address": TextPlace(file, line)}
        self.impersonation: Maybe[Optional[Impersonation]] = _NOT_SAID
        self.owner: Maybe[int] = _NOT_SAID
        self.image: Maybe[str] = _NOT_SAID

    def finished(self) -> PartialThread:
        thread = Thread(self.address, self.pid, self.tid, self.impersonation)
        return PartialThread(thread, self.places, self.owner, self.image)
