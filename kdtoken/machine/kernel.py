"""A machine by its kernel's memory and symbols: a live session, an attached one, a recording, a crash dump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from kdtoken.decode.cid_table import process_by_id
from kdtoken.decode.fast_ref import fast_ref_mask
from kdtoken.decode.object_header import PROCESS_TYPE, TOKEN_TYPE, is_object_of, type_name
from kdtoken.decode.process import (
    TYPE,
    pointer_bytes,
    process_at,
    process_details,
    process_of,
    read_protection,
    walk_processes,
    walk_with_details,
)
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.decode.snapshot import snapshot_of
from kdtoken.decode.thread import walk_threads
from kdtoken.decode.variables import fetch_variables
from kdtoken.errors import (
    KdTokenError,
    LookupFailed,
    MemoryUnreadable,
    NotAToken,
    ProcessNotFound,
    UsageError,
)
from kdtoken.frozen import replace
from kdtoken.layout.layout import array_of
from kdtoken.machine.argument import NAME_ROOM, choose, parse_process_argument
from kdtoken.machine.base import Machine, Walk, origin
from kdtoken.machine.process import MachineProcess, MachineThread, Processes
from kdtoken.model.absent import Maybe, NotAsked
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.model.view import Kind, View
from kdtoken.source.base import Source
from kdtoken.source.cached import CachedSource

if TYPE_CHECKING:
    from kdtoken.model.watch import WatchPoint

_TOKEN_TYPES = (1, 2)  # winnt.h TOKEN_TYPE: TokenPrimary, TokenImpersonation
_NOBODY: Mapping[int, Maybe[Token]] = {}  # one for all processes whose threads act for nobody
_AS_TOKEN = "kdtoken dump --token 0x%x shows it"


class KernelMachine(Machine):
    """A machine whose memory can be asked; nothing is read twice, and no token is decoded twice."""

    def __init__(self, source: Source, names: Names = NO_NAMES) -> None:
        self.source = source if isinstance(source, CachedSource) else CachedSource(source)
        super().__init__(self.source.about, names)
        self._tokens = Tokens(self.source)
        self._list: Optional[Processes] = None

    def processes(self) -> Processes:
        if self._list is None:
            found, problems = walk_processes(self.source)
            self.problems = tuple(problems)
            self._list = Processes(MachineProcess(self, one, found) for one in found)
        return self._list

    def find(self, argument: Union[str, int]) -> MachineProcess:
        process, others, problems = find_process(self.source, str(argument))
        return MachineProcess(self, process, tuple(others) or None, problems)

    def dump(self, process: MachineProcess, check: bool = True) -> ProcessDump:
        others = None if process.others is None else tuple(process.others)
        made = dump_process(self._tokens, process.process, others, check)
        return replace(made, problems=process.problems + made.problems) if process.problems else made

    def parent(self, process: MachineProcess) -> Optional[ProcessDump]:
        """On a live target only where the list of processes was read anyway: each question takes its time there."""
        pid, found = process.parent_pid, None
        try:
            if process.others is not None:
                found = next((one for one in process.others if one.pid == pid), None)
            elif isinstance(pid, int) and pid and not self.about.live:
                address = process_by_id(self.source, pid)
                found = process_of(self.source, address) if address is not None else None
            if found is None or found.address == process.address:
                return None
            details = process_details(self.source, found, origins=False)
        except (LookupFailed, MemoryUnreadable, ProcessNotFound):
            return None
        return ProcessDump(found, details, NotAsked(found.address))

    def primary_token(self, process: MachineProcess) -> Maybe[Optional[Token]]:
        return self._tokens.of(process.process)

    def token(self, address: int) -> Token:
        # A fast reference, as dt prints it, is taken for the token that it refers to: no object has these bits.
        address &= ~fast_ref_mask(self.source)
        verdict = is_object_of(self.source, address, TOKEN_TYPE)
        token = self._tokens.at(address) if verdict is not False else None
        if isinstance(token, Token):
            if verdict is not True and isinstance(token.token_type, int) and token.token_type not in _TOKEN_TYPES:
                raise NotAToken(
                    "nothing here says that 0x%x is a token: its object header cannot be asked (%s), and what would "
                    "be its TokenType is %d" % (address, verdict, token.token_type),
                    address,
                    "kdtoken dump PROCESS finds the token by itself",
                )
            return token
        if token is None:
            kind = type_name(self.source, address)
            what = "a %s object" % kind if kind else "something else"
            raise NotAToken(
                "0x%x is not a token: its object header says %s" % (address, what),
                address,
                "kdtoken dump PROCESS finds the token by itself",
            )
        raise NotAToken(
            "there is no readable token at 0x%x: %s" % (address, token),
            address,
            "kdtoken walk lists the processes, and kdtoken dump PROCESS finds the token by itself",
        )

    def protection(self, address: int) -> Maybe[int]:
        """_PS_PROTECTION.Level (UCHAR) of the process whose EPROCESS is there; Absent on kernels that have none."""
        return read_protection(self.source, address)

    def walk(self, threads: bool = False) -> Walk:
        processes, problems = walk_with_details(self.source)
        return Walk(self.about, len(processes), self._rows(processes, threads, problems), problems)

    def _rows(
        self, processes: List[Tuple[Process, ProcessDetails]], with_threads: bool, problems: List[str]
    ) -> Iterator[ProcessDump]:
        tokens = Tokens(self.source, follow=False)
        for process, details in processes:
            threads: List[Thread] = []
            if with_threads:
                try:
                    threads, torn = walk_threads(self.source, details.thread_list_head)
                    problems += ["pid %s: %s" % (process.pid, problem) for problem in torn]
                except LookupFailed as error:
                    problems.append("pid %s: threads cannot be listed: %s" % (process.pid, error.message))
            acting = [one.impersonation for one in threads if isinstance(one.impersonation, Impersonation)]
            impersonated = {one.token: tokens.at(one.token) for one in acting} if acting else _NOBODY
            yield ProcessDump(process, details, tokens.of(process), tuple(threads), impersonated)

    def snapshot(self, walked: Optional[Sequence[ProcessDump]] = None, sessions: bool = False) -> Snapshot:
        rows, problems = self._walked(walked)
        return snapshot_of(self.source, rows, problems, sessions, whole=not problems)

    def watch(self, row: ProcessDump) -> Tuple[WatchPoint, ...]:
        from kdtoken.decode.watch import watch_points  # of no use to a dump without --watch

        return watch_points(self.source, row)

    def view(self, which: Union[str, MachineProcess, MachineThread] = "") -> View:
        if not which:
            raise UsageError("which process?", None, "SOURCE@notepad.exe: a name, a pid or an EPROCESS address")
        found = self.presenter(which) if isinstance(which, str) else which
        owner = found if isinstance(found, MachineProcess) else found.process
        process, token = owner.process, found.token
        what = "pid %s" % process.pid
        if isinstance(found, MachineThread):
            what = "thread %s of %s" % (found.tid_text, what)
        if token is None:
            raise KdTokenError("%s has no token: its reference is null" % what)
        if not isinstance(token, Token):
            raise KdTokenError("the token of %s is %s" % (what, token))
        label = "%s, %s (%s)" % (origin(self.about), process.image_name, what)
        identity = self._identity(process) if found is owner else ""
        thread = found.address if isinstance(found, MachineThread) else 0
        return View(
            token, Kind.KERNEL, label, process=identity, names=self.names, eprocess=process.address, ethread=thread
        )

    def _identity(self, process: Process) -> str:
        """What two looks at one process have in common; pids and addresses are used again, so with its birth."""
        born = process_details(self.source, process).create_time
        return "pid %s at 0x%x, created %d" % (process.pid, process.address, born) if isinstance(born, int) else ""

    @property
    def cost(self) -> Tuple[int, int]:
        return self.source.requests, self.source.bytes_read


def _at_address(target: Source, address: int) -> Tuple[Process, List[Process], List[str]]:
    """The process at an address, as find_process.

    Where the object header cannot be asked (a recording holds parts of memory only), bytes that happen to be there
    would make a process of any address: then only the list of processes vouches for one.
    """
    try:
        process = process_at(target, address)
    except ProcessNotFound as error:
        if error.next_step and _is_token(target, address):
            error.next_step = _AS_TOKEN % (address & ~fast_ref_mask(target))
        raise
    try:
        sure = is_object_of(target, address, PROCESS_TYPE) is True
    except LookupFailed:
        sure = False
    if sure:
        return process, [], []
    try:
        processes, problems = walk_processes(target)
    except (LookupFailed, MemoryUnreadable):
        processes, problems = [], []
    if any(one.address == address for one in processes):
        return process, processes, problems
    whose = _whose_token(target, address, processes)
    if whose:
        token = address & ~fast_ref_mask(target)
        raise ProcessNotFound("0x%x is no process: it is %s" % (address, whose), address, _AS_TOKEN % token)
    known = ", ".join("0x%x %s" % (one.address, one.image_name) for one in processes[:6])
    raise ProcessNotFound(
        "nothing here says that 0x%x is a process: its object header is not there, and %s"
        % (address, "no process of the list has that address" if processes else "neither is the list of processes"),
        address,
        "those of the list are %s%s" % (known, ", ..." if len(processes) > 6 else "")
        if known
        else "give a name or a pid",
    )


def _is_token(target: Source, address: int) -> bool:
    """Whether an object header says so; `address` may be a fast reference."""
    try:
        return is_object_of(target, address & ~fast_ref_mask(target), TOKEN_TYPE) is True
    except LookupFailed:
        return False


def _whose_token(target: Source, address: int, processes: Sequence[Process]) -> str:
    """Who presents the token at an address, where no object header can say what lies there; empty for nobody."""
    token = address & ~fast_ref_mask(target)
    for process in processes:
        if isinstance(process.token, FastRef) and process.token.object == token:
            return "the primary token of %s (%s)" % (process.image_name, process.pid)
    for process in () if target.about.live else processes:  # there each thread costs a request
        try:
            threads = walk_threads(target, process_details(target, process, origins=False).thread_list_head)[0]
        except (LookupFailed, MemoryUnreadable):
            continue
        for thread in threads:
            if isinstance(thread.impersonation, Impersonation) and thread.impersonation.token == token:
                return "the token that thread %s of %s (%s) impersonates" % (
                    thread.tid,
                    process.image_name,
                    process.pid,
                )
    return ""


def find_process(target: Source, argument: str) -> Tuple[Process, List[Process], List[str]]:
    """The one process that a name, pid or address stands for, the list walked on the way to it
    (empty for an address, and for a pid that nt!PspCidTable knows), and what was wrong with the list.

    Raises ProcessNotFound (with near names), ProcessAmbiguous (with all of that name).
    """
    kind, value = parse_process_argument(argument, pointer_bytes(target))
    if kind == "address":
        assert isinstance(value, int)
        return _at_address(target, value)
    if kind == "pid":
        assert isinstance(value, int)
        fetch_variables(target, by_id=True)
        known = process_by_id(target, value)
        if known is not None:
            return process_of(target, known), [], []
    processes, problems = walk_processes(target)
    shape = array_of(target.layout(TYPE).field("ImageFileName").type)
    return choose(processes, argument, kind, value, problems, shape[0] if shape else NAME_ROOM), processes, problems
