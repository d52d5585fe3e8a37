"""A triage ("small memory", Mini*.dmp) dump: the process and the thread of the crash, and scraps of memory.

Windows keeps here no pages but ranges of bytes: those that the registers and the stack of the crash
point to, 256 bytes at a time, and copies of _KPRCB, _EPROCESS and _ETHREAD.  A pointer with low bits of its own, as
_EPROCESS.Token is, was followed as it stands: of the token there are the 256 bytes from the unmasked
reference on.  The layout of the file: header.TRIAGE_HEADER.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from kdtoken.errors import BadFormat, LookupFailed, MemoryUnreadable, NotRecorded
from kdtoken.layout.layout import Layout, size_of
from kdtoken.layout.pdb.image import ImageIdentity
from kdtoken.source.crashdump.header import Buffer, DumpHeader, triage_header
from kdtoken.source.crashdump.kernel import KDBG_BASE, KDBG_TAG, NT, Nt
from kdtoken.symbols.file import SymbolFile

NOT_KEPT = "not in the triage dump"
_VALID = b"TRGD"
# DUMP_DRIVER_ENTRY64: a name's offset, then KLDR_DATA_TABLE_ENTRY64; TimeDateStamp where two real dumps have it.
_DRIVER_BASE, _DRIVER_SIZE, _DRIVER_STAMP = 0x38, 0x48, 0x88
# Lists that are empty in most processes and threads: then both their pointers hold their own address.
_EMPTY_LISTS = {
    "_EPROCESS": ("Pcb.ProfileListHead", "Pcb.Header.WaitListHead"),
    "_ETHREAD": ("Tcb.MutantListHead", "Tcb.Header.WaitListHead"),
}


class Pieces:
    """Ranges of virtual memory that lie in a file; of two for one address, the one that was added first counts."""

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._starts: List[int] = []
        self._ranges: List[Tuple[int, int, int]] = []  # address, end, offset in the file; apart, in order

    def add(self, blocks: Sequence[Tuple[int, int, int]]) -> None:
        """Blocks of (address, offset, size), as far as the file and the address space go."""
        for address, offset, size in blocks:
            end = min(address + min(size, len(self._data) - offset), 1 << 64)
            at = address
            fresh: List[Tuple[int, int, int]] = []
            for start, stop, _ in self._from(address, end):
                if start > at:
                    fresh.append((at, start, offset + at - address))
                at = max(at, stop)
            if at < end:
                fresh.append((at, end, offset + at - address))
            for piece in fresh:
                place = bisect_right(self._starts, piece[0])
                self._starts.insert(place, piece[0])
                self._ranges.insert(place, piece)

    def _from(self, address: int, end: int) -> Iterator[Tuple[int, int, int]]:
        """The ranges that end behind an address and begin before another."""
        at = max(0, bisect_right(self._starts, address) - 1)
        while at < len(self._ranges) and self._ranges[at][0] < end:
            if self._ranges[at][1] > address:
                yield self._ranges[at]
            at += 1

    def blocks(self) -> List[Tuple[int, int, int]]:
        """All of them as `add` takes them."""
        return [(start, offset, stop - start) for start, stop, offset in self._ranges]

    def read(self, address: int, size: int) -> bytes:
        """Raises NotRecorded, with what lies before and behind the first gap."""
        end = address + size
        found: List[Tuple[int, bytes]] = []
        for start, stop, offset in self._from(address, end):
            low, high = max(start, address), min(stop, end)
            piece = bytes(self._data[offset + low - start : offset + high - start])
            if found and found[-1][0] + len(found[-1][1]) == low:
                found[-1] = (found[-1][0], found[-1][1] + piece)
            else:
                found.append((low, piece))
        partial = found.pop(0)[1] if found and found[0][0] == address else b""
        if len(partial) == size:
            return partial
        raise NotRecorded(address, size, "", partial, tuple(found), NOT_KEPT)


class TriageDump:
    """The dump's memory.  `place` puts its copies of structs where the symbols say that they belong."""

    def __init__(self, data: Any, header: DumpHeader, origin: str) -> None:
        """Raises BadFormat."""
        self.origin, self.header, self._data = origin, header, data
        self.words = "triage dump"
        self._raw, blocks = triage_header(data, origin)
        raw = self._raw
        self.notes: List[str] = ["it keeps the process and the thread of the crash, and parts of them"]
        if raw.size > len(data) or bytes(data[raw.valid : raw.valid + 4]) != _VALID:
            self.notes.append("CUT SHORT: %d of %d bytes are there" % (len(data), raw.size))
        if not blocks and raw.thread >= len(data):
            raise BadFormat("%s is cut short: nothing of the memory is left" % origin, origin, "copy the dump again")
        self._pieces = Pieces(data)
        self._blocks = blocks
        self.nt: Optional[Nt] = self._nt()
        self.why_no_nt = "a triage dump keeps no part of the kernel's image"
        self._add(header.debugger_data, raw.debugger_data, raw.debugger_data_size)
        self._add(raw.top_of_stack, raw.stack, raw.stack_size)
        self._add(raw.page_address, raw.page, raw.page_size)
        self._pieces.add(blocks)

    def _add(self, address: int, offset: int, size: int) -> None:
        if address and 0 < offset < len(self._data):
            self._pieces.add([(address, offset, size)])

    def _nt(self) -> Optional[Nt]:
        """By the copy of the debugger's block, else by the first driver, which is the kernel."""
        at, drivers = self._raw.debugger_data, self._raw.drivers
        base = size = 0
        image: Optional[ImageIdentity] = None
        if drivers and self._raw.driver_count:
            base, size = self._word(drivers + _DRIVER_BASE, 8), self._word(drivers + _DRIVER_SIZE, 4)
            image = ImageIdentity(NT, self._word(drivers + _DRIVER_STAMP, 4), size)
        if at and bytes(self._data[at + KDBG_TAG : at + KDBG_TAG + 4]) == b"KDBG":
            loaded = self._word(at + KDBG_BASE, 8)
            image = image if loaded == base else None  # the first driver is another
            base = loaded
        return Nt(base, size, None, "a triage dump keeps no part of the kernel's image", image) if base else None

    def _word(self, offset: int, size: int) -> int:
        return int.from_bytes(bytes(self._data[offset : offset + size]), "little")

    def place(self, symbols: SymbolFile) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
        """Addresses of the process and of the thread of the crash; () for one whose place nobody can tell.

        The thread's copy names its process, the processor's its thread; an empty list in a copy holds its own address.
        """
        raw = self._raw
        try:
            prcb, thread = symbols.layout("_KPRCB"), symbols.layout("_ETHREAD")
            process = symbols.layout("_EPROCESS")
            named = self._value(symbols, raw.prcb, prcb, "CurrentThread")
            threads = self._place(symbols, raw.thread, thread, named)
            owners = [
                self._value(symbols, raw.thread, thread, path) for path in ("Tcb.Process", "Tcb.ApcState.Process")
            ]
            own = self._value(symbols, raw.process, process, "UniqueProcessId")
            if own != self._value(symbols, raw.thread, thread, "Cid.UniqueProcess"):
                owners = owners[1:]  # the thread is attached to a process that is not its own
            processes = self._place(symbols, raw.process, process, next((at for at in owners if at), 0))
        except (LookupFailed, BadFormat) as error:
            self.notes.append("its process and thread cannot be placed: %s" % error.message)
            return (), ()
        # The scraps lie behind the copies, which are whole and of one moment.
        pieces = Pieces(self._data)
        for at, offset, layout in ((processes, raw.process, process), (threads, raw.thread, thread)):
            pieces.add([(address, offset, layout.size or 0) for address in at])
        pieces.add(self._pieces.blocks())
        self._pieces = pieces
        return processes, threads

    def _place(self, symbols: SymbolFile, offset: int, layout: Layout, named: int) -> Tuple[int, ...]:
        if not offset or not layout.size or offset + layout.size > len(self._data):
            self.notes.append("its copy of %s is cut off" % layout.name)
            return ()
        if not named:
            self.notes.append("where its copy of %s belongs is not told" % layout.name)
            return ()
        for path in _EMPTY_LISTS[layout.name]:
            at = _offset(symbols, layout, path)
            if at is not None and self._value(symbols, offset, layout, path + ".Flink") == named + at:
                return (named,)
        self.notes.append("where its copy of %s belongs is told by one pointer only" % layout.name)
        return (named,)

    def _value(self, symbols: SymbolFile, offset: int, layout: Layout, path: str) -> int:
        """A pointer or number of a copy; 0 where it has no such member."""
        at = _offset(symbols, layout, path)
        width = size_of(symbols.layout("_LIST_ENTRY").field("Flink").type, symbols.layout)
        return 0 if at is None or not offset else self._word(offset + at, width)

    def read(self, address: int, size: int) -> bytes:
        """Raises NotRecorded with all of the range that is there."""
        if size <= 0:
            return b""
        if not 0 <= address < 1 << 64 or address + size > 1 << 64:
            raise MemoryUnreadable(address, size, "outside the address space")
        return self._pieces.read(address, size)

    def close(self) -> None:
        """Let go of the file."""
        if not isinstance(self._data, bytes):
            self._data.close()


def _offset(symbols: SymbolFile, layout: Layout, path: str) -> Optional[int]:
    total = 0
    names = path.split(".")
    for index, name in enumerate(names):
        if not layout.has(name):
            return None
        member = layout.field(name)
        total += member.offset
        if index + 1 < len(names):
            layout = symbols.layout(member.type)
    return total
