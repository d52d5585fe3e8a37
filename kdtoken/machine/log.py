"""A machine by a saved log: the memory that it shows, and where that is not enough, the text of what was printed."""

from functools import partial
from typing import Callable, Optional, Sequence, Tuple, Type, TypeVar, Union

from kdtoken.errors import (
    BadFormat,
    KdTokenError,
    LookupFailed,
    MemoryUnreadable,
    NotAToken,
    NothingPrinted,
    ProcessNotFound,
)
from kdtoken.frozen import replace
from kdtoken.machine.base import Machine, Walk
from kdtoken.machine.idle_lines import passed_over
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.process import MachineProcess, MachineThread, Processes
from kdtoken.machine.sniff import split_lines
from kdtoken.machine.text import TextMachine
from kdtoken.model.absent import Maybe, known
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.model.view import Unread, View
from kdtoken.model.watch import WatchPoint
from kdtoken.source.base import About, Source
from kdtoken.source.log.source import LogSource, log_pieces, log_texts

T = TypeVar("T")
# What memory that a log does not show ends in; the text of the same log may still have the answer.
_LACKING: Tuple[Type[KdTokenError], ...] = (LookupFailed, MemoryUnreadable, NotAToken, ProcessNotFound, NothingPrinted)
Progress = Callable[[int, int], None]


class LogMachine(Machine):
    """One or more logs of one machine; each part is read when it is first asked for.

    The way of every question: memory, then text; where neither has the answer, memory's error, which says what
    command would print it.
    """

    has_memory = False  # of a token that its text tells of, a process need not be named

    def __init__(
        self,
        files: Sequence[str],
        shown: Sequence[str] = (),
        names: Names = NO_NAMES,
        progress: Optional[Progress] = None,
        wrap: Optional[Callable[[Source], Source]] = None,
    ) -> None:
        """files  paths; PATH:FIRST-LAST takes only those lines
        shown  what messages call them, where that is not the path
        wrap   puts a recorder before what the log shows of memory
        """
        super().__init__(About("log " + ", ".join(shown or files)), names)
        self._files, self._shown, self._progress, self._wrap = list(files), list(shown or files), progress, wrap
        self._given = names
        self._log: Optional[LogSource] = None
        self._memory: Optional[KernelMachine] = None
        self._no_memory: Optional[KdTokenError] = None  # why it shows none, so that it is read but once
        self._text: Optional[TextMachine] = None
        self._no_text: Optional[BadFormat] = None  # why it is not read as text: it is read but once, too
        self._walker: Machine = self  # which of the two the last walk was of
        self._told_by_text = False  # whether the last dump was of the text

    @property
    def memory(self) -> KernelMachine:
        """What the log shows of the kernel's memory.  Raises BadFormat where it shows none, or two machines'."""
        if self._no_memory is not None:
            raise self._no_memory
        if self._memory is None:
            try:
                self._log = LogSource(self._files, self._progress)
            except NothingPrinted as error:
                self._refuse_lines_past_the_end()
                self._no_memory = error
                raise
            self._memory = KernelMachine(self._wrap(self._log) if self._wrap else self._log, self._given)
        return self._memory

    def _refuse_lines_past_the_end(self) -> None:
        for path, shown in zip(self._files, self._shown):
            file, lines = split_lines(path)
            if lines:
                count = log_texts([file])[0][1].rstrip("\n").count("\n") + 1
                if int(lines[1:].split("-")[0]) > count:
                    raise BadFormat(
                        "%s: there are no such lines, the file has %d" % (shown, count), shown, "lines count from 1"
                    )

    @property
    def text(self) -> TextMachine:
        """What commands printed in it.  Raises BadFormat where it is no text, or too long for this."""
        if self._no_text is not None:
            raise self._no_text
        if self._text is None:
            about = self.about  # reads the log's memory first
            texts = log_texts(self._files, passed_over, self._log.gaps if self._log else ())
            again = [partial(log_pieces, file) for file in self._files]
            try:
                self._text = TextMachine(", ".join(self._shown), texts, about, self._given, again)
            except BadFormat as error:
                self._no_text = error.with_traceback(None)  # whose frames hold all lines
                raise self._no_text from None
            self.names = self._text.names
        return self._text

    @property
    def about(self) -> About:
        try:
            return self.memory.about
        except NothingPrinted:
            return About("text " + ", ".join(self._shown))

    def _has_memory(self) -> bool:
        try:
            return bool(self.memory.processes())
        except KdTokenError:
            return False

    @property
    def is_capture(self) -> bool:
        """Whether it shows memory with the types to read it by.  Raises as `memory`."""
        return self.memory is not None and self._log is not None and self._log.is_capture

    def _shows_memory(self) -> bool:
        """Whether the log is a capture of memory, or was meant for one."""
        has_text = self._text is not None and (self._text.tokens or self._text.has_processes)
        if self._log is None:
            return not has_text
        return self._log.is_capture or (not has_text and self._log.has_banner)

    def _either(self, of_memory: Callable[[], T], of_text: Callable[[], T]) -> T:
        try:
            return of_memory()
        except _LACKING as error:
            try:
                return of_text()
            except ProcessNotFound as other:
                # The list in memory has more processes, and better advice, than the text.
                raise (error if isinstance(error, (ProcessNotFound, NothingPrinted)) else other) from None
            except (LookupFailed, NotAToken, NothingPrinted) as other:
                # Who has printed text lacks a command that prints text, not the layouts that memory is read by.
                raise (error if self._shows_memory() else other) from None

    def processes(self) -> Processes:
        return self._either(
            lambda: Processes(self._own(one) for one in self.memory.processes()), lambda: self.text.processes()
        )

    def find(self, argument: Union[str, int]) -> MachineProcess:
        return self._either(lambda: self._own(self.memory.find(argument)), lambda: self.text.find(argument))

    def _own(self, found: MachineProcess) -> MachineProcess:
        return MachineProcess(self, found.process, found.others, found.problems, self.memory.about)

    def dump(self, process: MachineProcess, check: bool = True) -> ProcessDump:
        def of_text() -> ProcessDump:
            found = self.text.find("%x" % process.address)
            process.about = found.about
            self._told_by_text = True
            return self.text.dump(found)

        return self._either(lambda: self.memory.dump(process, check), of_text)

    def primary_token(self, process: MachineProcess) -> Maybe[Optional[Token]]:
        def of_text() -> Maybe[Optional[Token]]:
            found = self.text.find("%x" % process.address).token
            self._told_by_text = True
            return found

        return self._either(lambda: self.memory.primary_token(process), of_text)

    def token(self, address: int) -> Token:
        return self._either(lambda: self.memory.token(address), lambda: self.text.token(address))

    def about_token(self, address: int) -> About:
        def of_memory() -> About:
            self.memory.token(address)
            return self.memory.about

        return self._either(of_memory, lambda: self.text.about_token(address))

    def walk(self, threads: bool = False) -> Walk:
        def of_memory() -> Walk:
            self._walker = self.memory
            return self.memory.walk(threads)

        def of_text() -> Walk:
            self._walker = self.text
            return self.text.walk(threads)

        return self._either(of_memory, of_text)

    def snapshot(self, walked: Optional[Sequence[ProcessDump]] = None, sessions: bool = False) -> Snapshot:
        """Of the memory that it shows, with every output of !token beside it; else of the text alone."""
        if walked is not None:
            return self._walker.snapshot(walked, sessions)
        try:
            found = self.memory.snapshot(None, sessions)
        except _LACKING as error:
            found = self.text.snapshot()
            if not found.processes and not found.captures:
                if isinstance(error, NothingPrinted) and self.text.tokens:
                    raise self.text.shows_no_process() from None
                raise error from None
            self._walker = self.text
            return found
        try:
            return replace(found, captures=self.text.snapshot().captures)
        except KdTokenError:  # too long for the reader of text: memory alone, then
            return found

    def unread(self, process: Optional[MachineProcess] = None) -> Tuple[Unread, ...]:
        """Of the text, if that was what answered."""
        answered = self._told_by_text if process is not None else self._walker is self._text
        return self._text.unread(process) if self._text is not None and answered else ()

    def watch(self, row: ProcessDump) -> Tuple[WatchPoint, ...]:
        try:
            return self.memory.watch(row)
        except _LACKING:
            return ()

    def view(self, which: Union[str, MachineProcess, MachineThread] = "") -> View:
        """The memory of a token says more than the text of !token; a place in the text (#2), or none, means the text."""
        if not isinstance(which, str):
            return self._either(lambda: self.memory.view(which), lambda: self.text.view(which))
        if not which and not self.text.tokens and self._has_memory():
            return self.memory.view(which)
        if not which or which.startswith("#"):
            return self.text.view(which)
        chosen = self.text.chosen(which)
        try:
            found = self.memory.view(which)
        except KdTokenError as error:
            # A text that tells of tokens need not be a log; of one that tells of none, what it lacks is worth a word.
            telling = isinstance(error, ProcessNotFound) or not self.text.tokens
            if not chosen and telling and not isinstance(error, BadFormat):
                raise
        else:
            if known(found.token.user) or not chosen:
                return found
        return self.text.view(which)

    @property
    def cost(self) -> Tuple[int, int]:
        return (0, 0) if self._memory is None else self._memory.cost


def kernel_of(machine: Machine) -> Optional[KernelMachine]:
    """The machine's memory: its own, or what a log shows of it; None for a text."""
    if isinstance(machine, LogMachine):
        try:
            return machine.memory if machine.is_capture else None
        except KdTokenError:
            return None
    return machine if isinstance(machine, KernelMachine) else None
