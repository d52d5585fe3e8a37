"""Opening a machine, whatever shows it.

    open_machine("MEMORY.DMP", symbols="store")      a crash dump, also packed by gzip
    open_machine("Windows 11.vmem")                  memory: with its .vmss, raw, or an ELF core
    open_machine("notepad.kdtoken.gz")               a recording
    open_machine(["boot.log", "later.log:200-900"])  logs of one machine, or parts of them
    open_machine("whoami.txt"), open_machine("-")    a text, also from stdin
    open_machine(r"com:pipe,port=\\\\.\\pipe\\kd")       a live kernel, attached to
    open_machine("tour")                             the small machine that kdtoken carries, to try things on
    open_machine()                                   the debugger session that this Python runs in

Each kind of sniff.KINDS has its function here, under the same name in OPENERS.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from kdtoken.errors import KdTokenError, UsageError
from kdtoken.frozen import dataclass, replace
from kdtoken.machine.base import Machine
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.sniff import CARRIED, LIVE, STDIN, head_of, is_attach_string, kind_of, split_lines, the_one_of
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.source.base import Source

if TYPE_CHECKING:
    from kdtoken.machine.unpack import Unpacked  # gzip and the like, which a live machine has no need of
    from kdtoken.source.session import RecordingSource

TIMEOUT = 30.0  # seconds that an attached machine may be silent
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Callbacks:
    """Whom to tell of what takes long: a library prints nothing.

    reading      (bytes done, bytes in all), while a log is read, or an image of memory searched for Windows
    downloading  (bytes done, bytes in all or 0), while symbols are fetched
    lost         why, when an attached machine has been silent for too long; from a thread of its own
    """

    reading: Optional[Progress] = None
    downloading: Optional[Progress] = None
    lost: Optional[Callable[[str], None]] = None


SILENT = Callbacks()

Recording = List["RecordingSource"]  # gets the recorder of the machine that is opened


@dataclass(frozen=True)
class Request:
    """What to open, and how; can be sent to another process.

    sources   files, "-" for stdin, a connection to attach to, or none: the debugger session that this runs in
    option    the option of the command line that named them, "" where none did
    symbols   of a dumped kernel: a PDB, an ISF, a folder or a symbol path; "" for _NT_SYMBOL_PATH
    download  whether symbols that are not here may be fetched from a server
    lenient   symbols may be given for a source that needs none (there are others beside it)
    names     what the person who asks calls SIDs
    timeout   seconds that an attached machine may be silent
    stay      leave an attached machine standing; else it runs again
    """

    sources: Tuple[str, ...] = ()
    option: str = ""
    symbols: str = ""
    download: bool = False
    lenient: bool = False
    names: Names = NO_NAMES
    timeout: float = TIMEOUT
    stay: bool = False


class _Given:
    """A file that is being opened.

    name   as it was given, for messages
    kind   what it is
    path   where its plain content lies
    lines  ":FIRST-LAST" where only these lines of a log are wanted
    """

    def __init__(self, name: str, option: str) -> None:
        """Raises BadFormat where it cannot be read or is no source."""
        file, self.lines = split_lines(name)
        file = the_one_of(file)
        self.name, self.path = file + self.lines, file
        if file in CARRIED and not os.path.exists(file):
            file = self.path = carried(file)
        self._unpacked: Optional[Unpacked] = None
        if file == STDIN:
            self._unpack()
        head = head_of(self.path, file)
        self.kind = kind_of(head, option)
        if head.packed and self.kind.name not in _UNPACK_THEMSELVES:
            self._unpack()

    def _unpack(self) -> None:
        from kdtoken.machine.unpack import Unpacked

        self._unpacked = Unpacked(self.path)
        self.path = self._unpacked.path

    def named(self, text: str) -> str:
        """A text in which the unpacked copy is called by the name that was given."""
        return text if self._unpacked is None else text.replace(self.path, "stdin" if self.name == STDIN else self.name)

    def close(self) -> None:
        """Let go of the unpacked copy, if there is one."""
        if self._unpacked is not None:
            self._unpacked.close()


@dataclass(frozen=True)
class _How:
    """What openers need besides the file."""

    request: Request
    record: Optional[Recording]
    callbacks: Callbacks

    def recorded(self, source: Source) -> Source:
        """The source, behind a recorder where its answers shall be kept."""
        if self.record is None:
            return source
        from kdtoken.source.session import RecordingSource

        self.record.append(RecordingSource(source))
        return self.record[-1]

    def kernel(self, source: Source) -> KernelMachine:
        """The machine of a source."""
        return KernelMachine(self.recorded(source), self.request.names)


def open_machine(
    source: Union[str, os.PathLike[str], Sequence[str]] = LIVE,
    symbols: str = "",
    download: bool = False,
    services: Iterable[str] = (),
    timeout: float = TIMEOUT,
    stay: bool = False,
) -> Machine:
    """The Windows machine that a source shows; what the source is, its content tells.

    source    a file (crash dump, recording, log, text of whoami or !token, collect's JSON; plain or gzip), several
              logs of one machine, "-" for stdin, a connection of a live kernel, or "live": the debugger session
              that this Python runs in
    symbols   of a crash dump: a PDB, an ISF, a folder or a symbol path; "" for _NT_SYMBOL_PATH
    download  whether symbols that are not here may be fetched from a symbol server
    services  names of services, to name S-1-5-80 SIDs by
    timeout   seconds that a machine that was attached to may be silent
    stay      leave that machine standing at the end; else it runs again

    Raises KdTokenError that says what the source is instead, and what to do.
    """
    sources = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    names = NO_NAMES.with_services(services)
    files = tuple(os.fspath(one) for one in sources)
    if files == (LIVE,) and not os.path.exists(LIVE):
        files = ()
    return open_request(Request(files, "", symbols, download, False, names, timeout, stay))


# What kdtoken carries: the name in a wheel, beside the verbs, and in a checkout, among the fixtures.
_CARRIED = {
    "tour": ("tour.kdtoken.gz", "sessions/machine-22000-synthetic.kdtoken.gz"),
    "tour-incident": ("tour-incident.kdtoken.gz", "sessions/incident-22000-synthetic.kdtoken.gz"),
    "tour-whoami": ("tour-whoami.txt", "practice/whoami-notepad.txt"),
    "tour-unknown": ("tour-unknown.txt", "practice/whoami-unknown.txt"),
    "practice": ("practice.tar.xz", "practice/practice.tar.xz"),
}


def carried(word: str) -> str:
    """The path of a file that kdtoken carries for its tour: one of sniff.CARRIED, or "practice", the tour's machine as
    a crash dump with its symbols.

    Raises UsageError where it was not installed.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside, fixture = _CARRIED[word]
    for path in (os.path.join(package, inside), os.path.join(package, "..", "fixtures", *fixture.split("/"))):
        if os.path.exists(path):
            return os.path.normpath(path)
    raise UsageError("%s is not installed with this kdtoken" % inside, word, "run it from the source tree")


def open_request(request: Request, record: Optional[Recording] = None, callbacks: Callbacks = SILENT) -> Machine:
    """Open what was asked for.

    record     given by `record`: gets the RecordingSource that keeps every answer of a kernel
    callbacks  whom to tell of what takes long
    """
    how = _How(request, record, callbacks)
    if not request.sources:
        from kdtoken.source.live import LiveSource  # imports pykd, which exists only in a debugger

        _refuse_symbols(request)
        return how.kernel(LiveSource())
    if request.option == "--attach" or (not request.option and is_attach_string(request.sources[0])):
        _refuse_symbols(request)
        return _attached(request.sources, how)
    files: List[_Given] = []
    try:
        for name in request.sources:
            files.append(_Given(name, request.option))
        other = next((file for file in files if file.kind.name != "log"), None)
        if len(files) > 1 and other is not None:
            raise UsageError(
                "several sources are one machine only if all are logs; %s is %s" % (other.name, other.kind.words),
                other.name,
                "one source at a time; kdtoken walk takes many",
            )
        if files[0].kind.name not in ("crash_dump", "memory"):
            _refuse_symbols(request, "leave them away: %s is %s" % (files[0].name, files[0].kind.words))
        machine = OPENERS[files[0].kind.name](files, how)
    except BaseException:  # also Ctrl+C: what was unpacked is large
        for file in files:
            file.close()
        raise
    machine.closing += [file.close for file in files]
    return machine


def debugger_command(text: str) -> str:
    """What the debugger that this runs in prints for a command.  Raises TargetError where there is no debugger."""
    from kdtoken.source.live import LiveSource

    return LiveSource().command(text)


def _refuse_symbols(request: Request, step: str = "a debugger has symbols of its own") -> None:
    if (request.symbols or request.download) and not request.lenient:
        raise UsageError("--symbols and --download belong to --dump FILE", None, step)


def _attached(sources: Sequence[str], how: _How) -> Machine:
    from kdtoken.source.attach import AttachedSource

    if len(sources) > 1:
        raise UsageError("one connection at a time: %s" % sources[1], sources[1])
    source = AttachedSource(sources[0], how.request.timeout, how.request.stay, how.callbacks.lost)
    machine = how.kernel(source)
    machine.closing.append(source.release)
    return machine


def _recording(files: Sequence[_Given], how: _How) -> Machine:
    from kdtoken.source.session import load_session

    return how.kernel(load_session(files[0].path))


def _crash_dump(files: Sequence[_Given], how: _How) -> Machine:
    from kdtoken.source.crashdump.dump import open_dump

    callbacks = how.callbacks
    try:
        source = open_dump(
            files[0].path, how.request.symbols, how.request.download, callbacks.downloading, callbacks.reading
        )
    except KdTokenError as error:
        error.message = files[0].named(error.message)
        raise
    source.about = replace(source.about, source=files[0].named(source.about.source))
    machine = how.kernel(source)
    machine.closing.append(source.dump.close)
    return machine


def _log(files: Sequence[_Given], how: _How) -> Machine:
    from kdtoken.machine.log import LogMachine

    names = [file.path + file.lines for file in files]
    return LogMachine(names, [file.name for file in files], how.request.names, how.callbacks.reading, how.recorded)


def _collected(files: Sequence[_Given], how: _How) -> Machine:
    from kdtoken.machine.collected import CollectedMachine

    return CollectedMachine(files[0].path, files[0].name, how.request.names)


# kind of sniff.KINDS -> what opens files of it
OPENERS: Dict[str, Callable[[Sequence[_Given], _How], Machine]] = {
    "recording": _recording,
    "crash_dump": _crash_dump,
    "memory": _crash_dump,
    "collected": _collected,
    "log": _log,
}
# Kinds whose openers take gzip off by themselves.
_UNPACK_THEMSELVES = ("recording",)
