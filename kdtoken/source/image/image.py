"""An image of physical memory as a source: what the file is, which Windows is in it, and the proof of both.

A kernel is believed when the first process of its list is System, with the page tables that led there.  Where the
container does not tell how memory is spread in it, each way that is usual is tried, and the one counts under
which the list of processes is whole.
"""

import mmap
import os
from typing import Any, Iterator, List, Optional, Tuple

from kdtoken.errors import BadFormat, KdTokenError, LookupFailed, MemoryUnreadable, TargetError
from kdtoken.frozen import dataclass
from kdtoken.layout.layout import size_of
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump.header import MACHINE_AMD64, MACHINE_ARM64, DumpHeader
from kdtoken.source.crashdump.kernel import Nt
from kdtoken.source.image import elf, raw, vmware
from kdtoken.source.image.refusal import encrypted, named_instead, no_side_file, no_windows
from kdtoken.source.image.segments import Segments
from kdtoken.source.image.windows import PROBES, Progress, Root, find_image, self_maps, start_blocks
from kdtoken.source.paged import PagedMemory
from kdtoken.source.paging import PageTables
from kdtoken.source.paging_arm64 import Arm64PageTables
from kdtoken.symbols.file import SymbolFile
from kdtoken.symbols.path import find_symbols

_LIST_LIMIT = 1 << 16  # processes that are followed for the proof
_SYSTEM, _SECURE, _COMPRESSION = b"System", b"Secure System", b"MemCompression"


@dataclass(frozen=True)
class Kernel:
    """A kernel that was found.

    spread  how memory lies in the file, in words
    """

    pages: Segments
    spread: str
    tables: PageTables
    nt: Nt
    how: str


@dataclass(frozen=True)
class Proof:
    """What the list of processes says: why the kernel is none ("" if it is), and how much of the list there is."""

    why: str
    processes: int = 0
    whole: bool = False
    high: int = 0
    names: Tuple[bytes, ...] = ()


class MemoryImage(PagedMemory):
    """A file with physical memory; `use` chooses the kernel that is read.

    words  what kind of file it is
    """

    def __init__(self, path: str, data: Any, file: int) -> None:
        """data  the mapped file    file  its descriptor, which this closes.  Raises BadFormat."""
        self.origin = path
        self._data, self._file = data, file
        self.notes: List[str] = []
        self.words = "raw memory image"
        self.nt: Optional[Nt] = None
        self.why_no_nt = "no kernel was looked for"
        self._machines: Tuple[int, ...] = (MACHINE_AMD64, MACHINE_ARM64)
        self._roots: List[int] = []
        self._ahead(False)
        self.spreads = self._containers()
        self.pages = self.spreads[0][1]
        if self.pages.exact and self.pages.missing:
            self.notes.append("CUT SHORT: %d of %d pages are missing" % (self.pages.missing, self.pages.pages))
        self.tables = PageTables(data, self.pages, 0)
        self.header = DumpHeader(0, self._machines[0], 0, 0, 0, 0, 0, (), 0, b"")

    def _containers(self) -> List[Tuple[str, Segments]]:
        data, path = self._data, self.origin
        head = bytes(data[:16])
        if head.startswith(elf.MAGIC):
            core = elf.ElfCore(data, path)
            self.words, self._machines, self._roots = "ELF core", (core.machine,), core.roots
            return [("", core.pages)]
        if head[:4] in vmware.MAGICS:
            return [("", self._of_side_file())]
        side = vmware.side_file(path)
        named = path if path.lower().endswith(vmware.SIDE_FILES) else side
        if named is not None and not vmware.is_side_file(named):
            raise encrypted(path) if vmware.is_encrypted(path) else no_side_file(named)
        if vmware.is_running(path):
            self.notes.append(
                "its virtual machine is RUNNING, and memory changes while it is read: take a snapshot, and read its .vmem"
            )
        if side is not None:
            self.words = "VMware memory with %s" % os.path.basename(side)
            return [("", vmware.regions(_bytes_of(side), len(data), side))]
        is_vmem = path.lower().endswith(".vmem")
        if is_vmem:
            self.words = "VMware memory without its .vmss or .vmsn"
        return raw.layouts(len(data), path, not is_vmem)

    def _ahead(self, ahead: bool) -> None:
        """Whether the system shall read more than is asked for: not while pointers are followed here and there."""
        advice = getattr(mmap, "MADV_NORMAL" if ahead else "MADV_RANDOM", None)
        if advice is not None and isinstance(self._data, mmap.mmap):
            self._data.madvise(advice)

    def _of_side_file(self) -> Segments:
        """The .vmss itself was named: its memory is in the .vmem beside it, or in it."""
        beside = vmware.memory_file(self.origin)
        if beside is not None:
            raise named_instead(self.origin, beside)
        inner = vmware.inner_memory(self._data, self.origin)
        if inner is None:
            raise BadFormat(
                "%s holds no memory, and the .vmem of its name is not beside it" % self.origin,
                self.origin,
                "copy the .vmem too; a snapshot needs to include the machine's memory",
            )
        self.words = "VMware suspended state"
        offset, size = inner
        parts = [(0, min(size, raw.LOW_ENDS[0]) // PAGE_SIZE, offset)]
        if size > raw.LOW_ENDS[0]:
            high = (size - raw.LOW_ENDS[0]) // PAGE_SIZE
            parts.append((raw.HIGH_START // PAGE_SIZE, high, offset + raw.LOW_ENDS[0]))
        return Segments(parts, len(self._data), self.origin)

    def kernels(self, scan: bool, progress: Optional[Progress] = None) -> Iterator[Kernel]:
        """Kernels that may be there, each once for each way that memory may be spread.

        scan  False looks where a few kilobytes tell, True through all of the memory
        """
        for spread, pages in self.spreads:
            seen = set()
            for machine in self._machines:
                left = [PROBES]
                for root in self._looked_up(pages, machine, scan, progress):
                    kind = Arm64PageTables if machine == MACHINE_ARM64 else PageTables
                    self.tables = kind(self._data, pages, root.root)
                    nt = find_image(self.tables, self._data, self.read, root.near, left)
                    place = self.tables.place(nt.base) if nt is not None else ""
                    if nt is not None and place not in seen:
                        seen.add(place)
                        yield Kernel(pages, spread, self.tables, nt, root.how)

    def _looked_up(self, pages: Segments, machine: int, scan: bool, progress: Optional[Progress]) -> Iterator[Root]:
        if scan:
            self._ahead(True)
            yield from self_maps(self._data, pages, machine, self._file, progress)
            self._ahead(False)
            return
        if machine == MACHINE_AMD64:
            yield from start_blocks(self._data, pages)
        for root in self._roots:
            yield Root(root, 0, "by CR3 of a processor")

    def use(self, kernel: Kernel) -> None:
        """Read this kernel's memory from now on."""
        self.pages, self.tables, self.nt = kernel.pages, kernel.tables, kernel.nt

    def prove(self, kernel: Kernel, symbols: SymbolFile) -> Proof:
        """Walk the list of processes under the symbols, as far as a proof needs."""
        self.use(kernel)
        try:
            return self._prove(kernel, symbols)
        except (LookupFailed, BadFormat, MemoryUnreadable) as error:
            return Proof(error.message)

    def _prove(self, kernel: Kernel, symbols: SymbolFile) -> Proof:
        head = symbols.rva("PsActiveProcessHead")
        if head is None:
            return Proof("%s does not say where the list of processes is" % symbols.origin)
        head += kernel.nt.base
        layout = symbols.layout("_EPROCESS")
        link, pid, name = (layout.field(x).offset for x in ("ActiveProcessLinks", "UniqueProcessId", "ImageFileName"))
        width = size_of(symbols.layout("_LIST_ENTRY").field("Flink").type, symbols.layout)
        table = symbols.layout("_KPROCESS").field("DirectoryTableBase").offset + layout.field("Pcb").offset

        def pointer(address: int) -> int:
            return int.from_bytes(self.read(address, width), "little")

        first = pointer(head) - link
        if pointer(first + pid) != 4 or self.read(first + name, 7) != _SYSTEM + b"\0":
            return Proof("the first process of its list is not System")
        root = pointer(first + table)
        own = type(kernel.tables)(self._data, kernel.pages, root)
        if own.place(kernel.nt.base) != kernel.tables.place(kernel.nt.base):
            return Proof("System's page tables at 0x%x lead elsewhere" % root)
        self.tables = own
        names: List[bytes] = []
        high, at, before = 0, first + link, head
        seen = {head}
        while at not in seen and len(seen) < _LIST_LIMIT:
            try:
                if pointer(at + width) != before:
                    break
                names.append(self.read(at - link + name, 15).split(b"\0")[0])
                place = own.place(at)
                high += isinstance(place, int) and place >= min(raw.LOW_ENDS)
                seen.add(at)
                before, at = at, pointer(at)
            except MemoryUnreadable:
                break
        return Proof("", len(names), at == head, high, tuple(names))

    def close(self) -> None:
        """Let go of the file."""
        super().close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def choose(
    image: MemoryImage,
    symbols: str = "",
    download: bool = False,
    downloading: Optional[Progress] = None,
    reading: Optional[Progress] = None,
) -> SymbolFile:
    """Find the image's Windows and its symbols, and prove both; the image reads it from then on.

    Raises TargetError or BadFormat that says what is there instead, and what to do.
    """
    failures: List[KdTokenError] = []
    for scan in (False, True):
        proven: List[Tuple[Kernel, SymbolFile, Proof, PageTables]] = []
        for kernel in image.kernels(scan, reading):
            try:
                found = find_symbols(symbols, kernel.nt.identity, image.origin, download, None, downloading)
            except KdTokenError as error:
                failures.append(error)
                continue
            proof = image.prove(kernel, found)
            if proof.why:
                failures.append(
                    TargetError("the kernel at 0x%x was not believed: %s" % (kernel.nt.base, proof.why), image.origin)
                )
                continue
            proven.append((kernel, found, proof, image.tables))
        if proven:
            return _best(image, proven)
        if failures and any("was not believed" not in one.message for one in failures):
            raise failures[0]  # there is a kernel, and its symbols are wanted: no scan finds those
    raise no_windows(image.origin, image._data, image.words, image.notes, failures)


def _best(image: MemoryImage, proven: List[Tuple[Kernel, SymbolFile, Proof, PageTables]]) -> SymbolFile:
    proven.sort(key=lambda one: (not one[2].whole, -one[2].high))  # stable: the likeliest first
    kernel, symbols, proof, tables = proven[0]
    image.use(kernel)
    image.tables = tables
    if not kernel.pages.exact and len(image.spreads) > 1:
        if proof.high and proof.whole:
            image.notes.append("how memory lies in it was found out by trying: %s" % kernel.spread)
        else:
            image.notes.append(
                "how memory above %g GiB lies in it is NOT PROVEN (%s)" % (min(raw.LOW_ENDS) / (1 << 30), kernel.spread)
            )
    if not proof.whole:
        image.notes.append(
            "its list of processes breaks off after %d: pages are missing, or it changed" % proof.processes
        )
    others = {one[0].nt for one in proven if one[0].pages is kernel.pages and one[0] is not kernel}
    for nt in sorted(others, key=lambda one: one.base):
        image.notes.append("ANOTHER kernel is in it, at 0x%x: %s" % (nt.base, nt.identity))
    if _COMPRESSION in proof.names:
        image.notes.append("Windows compresses memory there, and what is compressed reads as paged out")
    if _SECURE in proof.names:
        image.notes.append("VBS is on, and the secure kernel's own pages read as absent")
    return symbols


def _bytes_of(path: str) -> bytes:
    """A side file, of which only the tags are wanted: those of suspended machines without a .vmem are as large as memory."""
    try:
        with open(path, "rb") as file:
            return file.read(1 << 26)
    except OSError as error:
        raise BadFormat("cannot open %s: %s" % (path, error.strerror), path) from error
