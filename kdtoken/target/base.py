"""The one small interface behind which live sessions, recordings, logs and dumps differ."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import List, Tuple

from kdtoken.errors import MemoryUnreadable, NoCommands
from kdtoken.layout.layout import Layout

# The unit in which x86, x64 and ARM64 Windows map memory: a range can end only at its multiples.
PAGE_SIZE = 0x1000


@dataclass(frozen=True)
class About:
    """What a target says of itself.

    source     where the bytes come from, in words for a person
    build      "10.0.22000"-like version of the kernel, or "" where unknown
    synthetic  the kernel was made for tests; never to be taken for a real machine
    """

    source: str
    build: str = ""
    synthetic: bool = False


class Target(ABC):
    """A Windows kernel that can be asked.  Read-only: nothing here changes the machine."""

    about: About = About("unknown")

    @abstractmethod
    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes of kernel virtual memory.

        Raises MemoryUnreadable (its `partial` holds what came before the stop), or
        NotRecorded where a recording does not hold the range.
        """

    @abstractmethod
    def layout(self, name: str) -> Layout:
        """Layout of an nt type such as "_TOKEN".  Raises TypeNotFound."""

    @abstractmethod
    def symbol(self, name: str) -> int:
        """Address of an nt symbol such as "PsActiveProcessHead".  Raises SymbolNotFound."""

    def command(self, text: str) -> str:
        """Output of a debugger command.  Raises NoCommands where there is no interpreter.

        Never put a name that came from the target into `text`: it could hold `;` and run.
        """
        raise NoCommands(
            "%s has no command interpreter" % self.about.source, text.split(" ", 1)[0]
        )


@dataclass(frozen=True)
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
                raise MemoryUnreadable(address, size, hole.reason)
        raise MemoryUnreadable(address, size, "outside the range that was read")


def read_span(target: Target, address: int, size: int) -> Span:
    """Read a range in one request; only where that fails, page by page.

    A debugger tells nothing of a range that runs into an unmapped page, so the pages are
    asked one by one to keep what there is.
    """
    try:
        return Span(address, size, ((address, target.read(address, size)),))
    except MemoryUnreadable as error:
        first = error
    end = address + size
    if address // PAGE_SIZE == (end - 1) // PAGE_SIZE:
        pieces = ((address, first.partial),) if first.partial else ()
        got = len(first.partial)
        return Span(address, size, pieces, (_hole(address + got, size - got, first),))
    found: List[Tuple[int, bytes]] = []
    holes: List[MemoryUnreadable] = []
    at = address
    while at < end:
        stop = min(end, (at // PAGE_SIZE + 1) * PAGE_SIZE)
        try:
            data = target.read(at, stop - at)
        except MemoryUnreadable as error:
            data = error.partial
            holes.append(_hole(at + len(data), stop - at - len(data), error))
        if data and found and found[-1][0] + len(found[-1][1]) == at:
            found[-1] = (found[-1][0], found[-1][1] + data)
        elif data:
            found.append((at, data))
        at = stop
    return Span(address, size, tuple(found), tuple(holes))


def _hole(address: int, size: int, error: MemoryUnreadable) -> MemoryUnreadable:
    """The same failure, told of the part that is really missing."""
    return MemoryUnreadable(address, size, error.reason)
