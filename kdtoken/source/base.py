"""The one small interface behind which live sessions, recordings, logs and dumps differ."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Dict, List, Optional, Protocol, Tuple

from kdtoken.errors import MemoryUnreadable, NoCommands, NotRecorded
from kdtoken.frozen import dataclass
from kdtoken.layout.layout import Layout

# The unit in which x86, x64 and ARM64 Windows map memory: a range can end only at its multiples.
PAGE_SIZE = 0x1000


@dataclass(frozen=True)
class About:
    """What a target says of itself.

    source     where the bytes come from, in words for a person
    build      "10.0.22000"-like version of the kernel, or "" where unknown
    synthetic  the kernel was made for tests; never to be taken for a real machine
    live       a machine that can still run, so that what is paged out could be brought in
    captured   FILETIME (100 ns since 1601, UTC) of when the source was taken, as it says itself; 0 where it does not
    """

    source: str
    build: str = ""
    synthetic: bool = False
    live: bool = False
    captured: int = 0


class BootMemory(Protocol):
    """What earlier runs read of a kernel that cannot change before its next boot."""

    def recall(self, place: int, proof: bytes) -> Optional[Dict[str, bytes]]:
        """By the variables' names, of the boot that has the bytes `proof` at the address `place`; None of another."""

    def keep(self, place: int, proof: bytes, values: Dict[str, bytes]) -> None:
        """For the next run, if that can be done."""


class Source(ABC):
    """A Windows kernel that can be asked.  Read-only: nothing here changes the machine."""

    about: About = About("unknown")
    # What decoders have worked out of the layouts, where those stay the same for a whole run;
    # None where they may change.  Keys are the decoders' own.
    memo: Optional[Dict[Tuple[str, ...], Any]] = None
    # Whether any read costs next to nothing, as of a mapped file: a cache in front of it would only copy it once more.
    cheap: bool = False
    # Addresses of the only _EPROCESS and _ETHREAD that are there, of a source that keeps no list of all of them;
    # None where the kernel's own lists are to be walked.
    kept_processes: Optional[Tuple[int, ...]] = None
    kept_threads: Optional[Tuple[int, ...]] = None

    @abstractmethod
    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes of kernel virtual memory.

        Raises MemoryUnreadable (its `partial` holds what came before the stop), or
        NotRecorded where a recording does not hold the range.
        """

    def read_just(self, address: int, size: int) -> bytes:
        """As read, of what has no neighbours that are wanted next: a source that reads along what lies beside does not."""
        return self.read(address, size)

    @abstractmethod
    def layout(self, name: str) -> Layout:
        """Layout of an nt type such as "_TOKEN".  Raises TypeNotFound."""

    @abstractmethod
    def symbol(self, name: str) -> int:
        """Address of an nt symbol such as "PsActiveProcessHead".  Raises SymbolNotFound."""

    def boot_memory(self) -> Optional[BootMemory]:
        """What was read of this kernel before; None where asking costs next to nothing, or nobody keeps it."""
        return None

    def know(self, address: int, data: bytes) -> None:
        """Take these bytes for read already, where reads are remembered."""
        return None

    def command(self, text: str) -> str:
        """Output of a debugger command.  Raises NoCommands where there is no interpreter.

        Never put a name that came from the target into `text`: it could hold `;` and run.
        """
        raise NoCommands("%s has no command interpreter" % self.about.source, text.split(" ", 1)[0])


@dataclass(frozen=True, slots=True)
class Span:
    """A range of memory of which parts may be missing.

    pieces  (address, bytes) that could be read, in order, not touching each other
    holes   why the rest is missing, in order
    """

    address: int
    size: int
    pieces: Tuple[Tuple[int, bytes], ...]
    holes: Tuple[MemoryUnreadable, ...] = ()

    def get(self, address: int, size: int) -> bytes:
        """`size` bytes at `address`.  Raises MemoryUnreadable if any of them is missing."""
        for start, data in self.pieces:
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        for hole in self.holes:
            if address < hole.address + hole.size and hole.address < address + size:
                raise _hole(address, size, hole)
        raise MemoryUnreadable(address, size, "outside the range that was read")


def read_span(target: Source, address: int, size: int) -> Span:
    """Read a range in one request; only where that fails, page by page.

    A debugger tells nothing of a range that runs into an unmapped page, so the pages are
    asked one by one to keep what there is.
    """
    try:
        return Span(address, size, ((address, target.read(address, size)),))
    except MemoryUnreadable as error:
        # Not kept in a variable: an error holds the frames that it went through, and with them all that was read so far.
        if address // PAGE_SIZE == (address + size - 1) // PAGE_SIZE:
            return _sparse(address, size, error)
    end = address + size
    found: List[Tuple[int, bytes]] = []
    holes: List[MemoryUnreadable] = []
    at = address
    while at < end:
        stop = min(end, (at // PAGE_SIZE + 1) * PAGE_SIZE)
        try:
            data = target.read(at, stop - at)
            pieces: Tuple[Tuple[int, bytes], ...] = ((at, data),)
        except MemoryUnreadable as error:
            sparse = _sparse(at, stop - at, error)
            pieces = sparse.pieces
            holes += sparse.holes
        for start, data in pieces:
            if found and found[-1][0] + len(found[-1][1]) == start:
                found[-1] = (found[-1][0], found[-1][1] + data)
            else:
                found.append((start, data))
        at = stop
    return Span(address, size, tuple(found), tuple(holes))


def _sparse(address: int, size: int, error: MemoryUnreadable) -> Span:
    """What a failed read did give: the bytes up to the stop, and what a log has behind it."""
    pieces = [(address, error.partial)] if error.partial else []
    if isinstance(error, NotRecorded):
        pieces += error.known
    holes: List[MemoryUnreadable] = []
    at = address
    for start, data in pieces:
        if start > at:
            holes.append(_hole(at, start - at, error))
        at = start + len(data)
    if at < address + size:
        holes.append(_hole(at, address + size - at, error))
    return Span(address, size, tuple(pieces), tuple(holes))


def _hole(address: int, size: int, error: MemoryUnreadable) -> MemoryUnreadable:
    """The same failure, told of the part that is really missing."""
    if isinstance(error, NotRecorded):
        return NotRecorded(address, size, error.next_step, reason=error.reason)
    return MemoryUnreadable(address, size, error.reason)
