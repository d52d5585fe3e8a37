"""The interface that a kernel and a text share: processes, threads, tokens, and the names learnt on the way.

    with open_machine("MEMORY.DMP", symbols="store") as machine:
        for process in machine.processes():
            print(process.pid, process.name, process.token)

What a machine cannot tell is a value, never a guess: Unreadable (with the address), Absent (not in this build), NotSaid
(no command printed it).  Errors are for questions that have no answer at all: no such process, no such token.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from kdtoken.errors import ProcessNotFound
from kdtoken.machine.argument import split_thread
from kdtoken.machine.process import MachineProcess, MachineThread, Processes
from kdtoken.model.absent import Maybe
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.model.view import Unread, View
from kdtoken.source.base import About as About

if TYPE_CHECKING:
    from kdtoken.model.watch import WatchPoint


class Walk(NamedTuple):
    """Every process of a machine, one after the other.

    about     where it comes from
    total     how many there are
    rows      a lean ProcessDump each: no DACL, no linked token, threads only where they were asked for
    problems  what is wrong with the list; grows while `rows` is read
    """

    about: About
    total: int
    rows: Iterator[ProcessDump]
    problems: List[str]


class Machine(ABC):
    """One Windows machine as one source shows it.  Read-only.

    names     what this source, and no other, calls SIDs
    problems  what is wrong with the list of processes, once that was read
    """

    names: Names = NO_NAMES
    has_memory = True  # else it is a text, which may tell of tokens without their processes
    problems: Tuple[str, ...] = ()

    def __init__(self, about: About, names: Names = NO_NAMES) -> None:
        self._about, self.names = about, names
        self.closing: List[Callable[[], None]] = []  # what `close` does, last first

    @property
    def about(self) -> About:
        """Where its answers come from."""
        return self._about

    @abstractmethod
    def processes(self) -> Processes:
        """All processes, in the order of the kernel's list or of the text.

        Raises LookupFailed or MemoryUnreadable where the source does not show the list.
        """

    @abstractmethod
    def find(self, argument: Union[str, int]) -> MachineProcess:
        """The one process that a name, a pid or an EPROCESS address stands for (machine/argument.py has the grammar).

        Raises ProcessNotFound (with near names), ProcessAmbiguous (with all of that name), UsageError.
        """

    @abstractmethod
    def token(self, address: int) -> Token:
        """The token object at a kernel address.  Raises NotAToken, or what says why it is not there."""

    def about_token(self, address: int) -> About:
        """Where the token at an address comes from; in a text, with the line."""
        return self.about

    @abstractmethod
    def walk(self, threads: bool = False) -> Walk:
        """All processes with the little that a list of them shows.  Raises as `processes`."""

    def snapshot(self, walked: Optional[Sequence[ProcessDump]] = None, sessions: bool = False) -> Snapshot:
        """The whole machine, to be judged (`analysis.audit`, `analysis.lineage`).

        walked    its processes, where they were walked already; else they are walked now, with their threads
        sessions  read the kernel's table of logon sessions too
        Raises as `walk`.
        """
        rows, problems = self._walked(walked)
        return Snapshot(self.about.source, rows, self.about.build, at_once=False, whole=False, problems=problems)

    def _walked(self, walked: Optional[Sequence[ProcessDump]]) -> Tuple[Tuple[ProcessDump, ...], Tuple[str, ...]]:
        """The rows, and what was wrong with the walk where it is done here."""
        if walked is not None:
            return tuple(walked), ()
        walk = self.walk(threads=True)
        return tuple(walk.rows), tuple(walk.problems)

    def watch(self, row: ProcessDump) -> "Tuple[WatchPoint, ...]":
        """Where a write would change a process's authority; nothing where no layout tells."""
        return ()

    def unread(self, process: Optional[MachineProcess] = None) -> Tuple[Unread, ...]:
        """The lines of a text that no reader understood; of a process, those that may belong to its token.

        Nothing where memory answered.
        """
        return ()

    @abstractmethod
    def view(self, which: Union[str, MachineProcess, MachineThread] = "") -> View:
        """A token to compare: of a process (as `find`), of a thread of it (`PID:TID`), or what else is there.

        A text: its only token for "", `#2` by its place, an address, a user.  collect's JSON: `linked`.
        Raises KdTokenError that says what else there is.
        """

    @abstractmethod
    def dump(self, process: MachineProcess, check: bool = True) -> ProcessDump:
        """All about one process's security context; `check` asks the debugger's own !process too, where there is one."""

    @abstractmethod
    def primary_token(self, process: MachineProcess) -> Maybe[Optional[Token]]:
        """A process's own token, and nothing else of it; None when its reference is null."""

    def parent(self, process: MachineProcess) -> Optional[ProcessDump]:
        """The process that has the id of its parent now, and its times; None where that would cost too much to ask."""
        return None

    def process(self, argument: Union[str, int]) -> MachineProcess:
        """The same as `find`, as it reads in a script: `machine.process("notepad.exe").token`."""
        return self.find(argument)

    def presenter(self, which: str) -> Union[MachineProcess, MachineThread]:
        """The process that a word names, or the thread that PROCESS:TID does: who presents a token.

        Raises ProcessNotFound where the process, or the thread in it, is not there.
        """
        name, tid = split_thread(which)
        process = self.find(name)
        if tid is None:
            return process
        threads = process.threads
        for thread in threads:
            if thread.tid == tid:
                return thread
        shown = ", ".join(one.tid_text for one in threads[:20]) + (", ..." if len(threads) > 20 else "")
        raise ProcessNotFound(
            "pid %s has no thread %s" % (process.pid, tid),
            which,
            "its threads are %s" % shown if threads else "no thread of it is known",
        )

    def threads(self, process: Optional[Union[str, int, MachineProcess]] = None) -> List[MachineThread]:
        """The threads of one process, or of all."""
        if process is None:
            return [thread for one in self.processes() for thread in one.threads]
        return list((process if isinstance(process, MachineProcess) else self.find(process)).threads)

    @property
    def cost(self) -> Tuple[int, int]:
        """(requests, bytes) that were asked of the source so far."""
        return 0, 0

    def close(self) -> None:
        """Let go of files, and of a machine that was attached to; safe to call twice."""
        while self.closing:
            self.closing.pop()()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<%s: %s>" % (type(self).__name__, origin(self.about))


def origin(about: About) -> str:
    """Where a report was read, in words for its head."""
    words = about.source
    if about.build:
        words += ", Windows kernel %s" % about.build
    return words + (" (SYNTHETIC: made for tests, no real machine)" if about.synthetic else "")
