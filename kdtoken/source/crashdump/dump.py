"""A kernel crash dump as a target: no debugger, no Windows.

    target = open_dump("MEMORY.DMP", "symbols/")
    target.read(target.symbol("PsActiveProcessHead"), 16)

The file is mapped, never read as a whole.  Why not the package kdmp-parser (0.7.4 looked at): it puts
every page of the dump in a hash map first (a 64 GB dump: 16 million entries), has wheels for Linux
and Windows on x64 only, does not read kernel summary dumps, tells "paged out", "in transition" and "not
mapped" from each other in no way, and trusts the file in C++.  It judges this file in the bench.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Protocol, Tuple, Union

from kdtoken.errors import BadFormat, KdTokenError, LookupFailed, MemoryUnreadable, SymbolNotFound, TargetError
from kdtoken.files import why
from kdtoken.layout.layout import Layout
from kdtoken.source.base import About, Source
from kdtoken.source.crashdump.header import KINDS, MACHINE_ARM64, TRIAGE, DumpHeader, check_magic, read_header
from kdtoken.source.crashdump.kernel import Nt, find_nt
from kdtoken.source.crashdump.pages import locate_pages
from kdtoken.source.crashdump.triage import TriageDump
from kdtoken.source.paged import PagedMemory
from kdtoken.source.paging import PageTables
from kdtoken.symbols.file import SymbolFile, check_match
from kdtoken.symbols.path import find_symbols

if TYPE_CHECKING:
    from pathlib import Path

if TYPE_CHECKING:  # an image of memory is no dump, and its readers are imported where one is opened
    from kdtoken.source.image.windows import Progress

_USER_SHARED_DATA = 0xFFFFF78000000000  # ntddk.h SharedUserData; the same on every x64 Windows
_MARK = b"synthetic"  # what the tests' own dumps say in their comment


class KernelMemory(Protocol):
    """A file with a kernel's memory in it, before there are symbols.

    words   what kind of file it is
    header  what it says of itself, as a crash dump's header would
    nt      the kernel's image; None where it cannot be found, and `why_no_nt` says more
    notes   what is odd about the file, in words
    """

    origin: str
    words: str
    header: DumpHeader
    notes: List[str]
    nt: Optional[Nt]
    why_no_nt: str

    def read(self, address: int, size: int) -> bytes:
        """Kernel virtual memory.  Raises MemoryUnreadable."""

    def close(self) -> None:
        """Let go of the file."""


class CrashDump(PagedMemory):
    """The dump's memory, without symbols.

    header   what the file says of itself
    nt       the kernel's image; None where it cannot be found, and `why_no_nt` says more
    notes    what is odd: a file cut short, counts that disagree
    """

    def __init__(self, path: Union[str, Path]) -> None:
        """Raises BadFormat that says what the file is instead, and what to do."""
        self.origin = str(path)
        self._data: Any = _map(path)
        self.header = read_header(self._data, self.origin)
        self.words = KINDS[self.header.kind]
        if self.header.kind == TRIAGE:
            raise BadFormat("%s is a triage dump, which keeps no pages" % path, self.origin, "open_dump reads it")
        self.pages = locate_pages(self._data, self.header, self.origin)
        kind = PageTables
        if self.header.machine == MACHINE_ARM64:
            from kdtoken.source.paging_arm64 import Arm64PageTables  # few dumps are of one

            kind = Arm64PageTables
        self.tables = kind(self._data, self.pages, self.header.directory_table)
        self.notes: List[str] = list(self.pages.notes)
        if self.pages.missing:
            self.notes.append("CUT SHORT: %d of %d pages are missing" % (self.pages.missing, self.pages.pages))
        self.nt, self.why_no_nt = find_nt(self.read, self.header)


class CrashDumpSource(Source):
    """A dump and the symbols that belong to it."""

    cheap = True

    def __init__(self, dump: KernelMemory, symbols: SymbolFile) -> None:
        """Raises TargetError where dump and symbols do not belong together, with both values."""
        self.dump = dump
        self.symbols = symbols
        self._base, said = fit(symbols, dump)
        if isinstance(dump, TriageDump):
            self.kept_processes, self.kept_threads = dump.place(symbols)
        self.about = self._about(list(dump.notes) + said)

    def _about(self, notes: List[str]) -> About:
        header = self.dump.header
        words = "%s %s" % (self.dump.words, self.dump.origin)
        if notes:
            words += " (%s)" % "; ".join(notes)
        build = header.build or self._build_number()
        synthetic = header.comment.startswith(_MARK)
        return About(words, "%s%d" % (self._version(build), build), synthetic, captured=header.system_time)

    def _build_number(self) -> int:
        """nt!NtBuildNumber, of which the upper half tells a free build from a checked one; 0 where it cannot be read."""
        try:
            return int.from_bytes(self.read(self.symbol("NtBuildNumber"), 2), "little")
        except (LookupFailed, MemoryUnreadable):
            return 0

    def _version(self, build: int) -> str:
        """ "10.0." out of the page that every process sees, or by the build number."""
        fallback = next(
            (
                text
                for first, text in ((9600, "6.3."), (9200, "6.2."), (7600, "6.1."), (6000, "6.0."))
                if build >= first
            ),
            "5.2.",
        )
        if build > 9600:
            fallback = "10.0."
        try:
            layout = self.layout("_KUSER_SHARED_DATA")
            major, minor = (
                int.from_bytes(self.read(_USER_SHARED_DATA + layout.field(name).offset, 4), "little")
                for name in ("NtMajorVersion", "NtMinorVersion")
            )
        except (LookupFailed, MemoryUnreadable, BadFormat):
            return fallback
        return "%d.%d." % (major, minor) if 5 <= major < 20 else fallback

    def read(self, address: int, size: int) -> bytes:
        return self.dump.read(address, size)

    def layout(self, name: str) -> Layout:
        return self.symbols.layout(name)

    def symbol(self, name: str) -> int:
        rva = self.symbols.rva(name)
        if rva is not None:
            return self._base + rva
        header = self.dump.header
        known = {"PsActiveProcessHead": header.process_list, "PsLoadedModuleList": header.module_list}.get(name)
        if known:
            return known
        raise SymbolNotFound("%s has no symbol %s" % (self.symbols.origin, name), name)


def fit(symbols: SymbolFile, dump: KernelMemory) -> Tuple[int, List[str]]:
    """nt's base, and what is to be said of how the symbols were matched.

    Where no GUID tells, the variables do that the dump names: symbols of another build put them elsewhere.
    Raises TargetError where dump and symbols do not belong together, with both values.
    """
    nt, header = dump.nt, dump.header
    if nt is not None and nt.identity is not None:
        check_match(symbols, nt.identity, dump.origin)
        return nt.base, []
    why = nt.why if nt is not None else dump.why_no_nt
    said: List[str] = []
    agree: List[str] = []
    rvas: Dict[str, Optional[int]] = {name: symbols.rva(name) for name, _ in _variables(header)}
    first = rvas["PsLoadedModuleList"] or 0
    base = nt.base if nt is not None else max(0, header.module_list - first)
    for name, address in _variables(header):
        rva = rvas[name]
        if address and rva is not None and base + rva == address:
            agree.append(name)
        elif name == "PsActiveProcessHead" and _is_system(symbols, dump, address):
            said.append("its header gives System itself for the list of processes")
        elif address and rva is None and name == "KdDebuggerDataBlock":
            continue  # ISF files may lack it
        elif address or name != "KdDebuggerDataBlock":
            raise TargetError(
                "%s does not say which PDB its kernel needs (%s), and %s does not fit: "
                "%s is at 0x%x in the dump, the symbols say %s"
                % (dump.origin, why, symbols.origin, name, address, "nothing" if rva is None else hex(base + rva)),
                symbols.origin,
                "give the symbols of the very kernel that was dumped",
            )
    if len(agree) < 2:
        raise TargetError(
            "%s does not say which PDB its kernel needs (%s), nor enough to match symbols by" % (dump.origin, why),
            dump.origin,
        )
    said.append("symbols matched by %s only: %s" % (", ".join(agree), why))
    return base, said


def _misfit(symbols: SymbolFile, dump: KernelMemory) -> str:
    """Why the symbols are not the dump's, "" where they are."""
    try:
        fit(symbols, dump)
        return ""
    except TargetError as error:
        return error.message


def _variables(header: DumpHeader) -> Tuple[Tuple[str, int], ...]:
    return (
        ("PsLoadedModuleList", header.module_list),
        ("PsActiveProcessHead", header.process_list),
        ("KdDebuggerDataBlock", header.debugger_data),
    )


def _is_system(symbols: SymbolFile, dump: KernelMemory, address: int) -> bool:
    """Whether an _EPROCESS with System's id is at the address, as some tools write it for the list's head."""
    try:
        layout = symbols.layout("_EPROCESS")
        at = address + layout.field("UniqueProcessId").offset
        name = dump.read(address + layout.field("ImageFileName").offset, 7)
        return dump.read(at, 4) == b"\4\0\0\0" and name == b"System\0"
    except (LookupFailed, MemoryUnreadable, BadFormat):
        return False


def open_memory(path: Union[str, Path]) -> KernelMemory:
    """The memory in a file, by what the file is.  Raises BadFormat that says what it is instead, and what to do."""
    data = _map(path)
    try:
        if bytes(data[:8]) != b"PAGEDU64":
            from kdtoken.source.image.image import MemoryImage
            from kdtoken.source.image.refusal import could_be_image

            if could_be_image(str(path), bytes(data[:16]), len(data)):
                return MemoryImage(str(path), data, os.open(str(path), os.O_RDONLY | getattr(os, "O_BINARY", 0)))
        header = read_header(data, str(path))
        if header.kind == TRIAGE:
            return TriageDump(data, header, str(path))
    except KdTokenError:
        data.close()
        raise
    data.close()
    return CrashDump(path)


def open_dump(
    path: Union[str, Path],
    symbols: str = "",
    download: bool = False,
    downloading: Optional[Progress] = None,
    reading: Optional[Progress] = None,
) -> CrashDumpSource:
    """The dump or image of memory at `path` with the symbols at `symbols`: a file, a folder, or a symbol path.

    Without `symbols`, the local parts of _NT_SYMBOL_PATH are searched.  `download` allows to ask
    symbol servers, of which `downloading` is told (symbols/server.py); `reading` is told how far a search through
    all of an image's memory is.  Raises KdTokenError.
    """
    dump = open_memory(path)
    try:
        if not isinstance(dump, (CrashDump, TriageDump)):
            from kdtoken.source.image.image import MemoryImage, choose

            assert isinstance(dump, MemoryImage)
            return CrashDumpSource(dump, choose(dump, symbols, download, downloading, reading))
        nt: Optional[Nt] = dump.nt
        # A dump that lacks the page with the answer lacks it for a reason, which its notes tell.
        name = dump.origin + (" (%s)" % "; ".join(dump.notes) if dump.notes else "")
        wanted = nt.identity if nt else None
        image = nt.image if nt else None
        found = find_symbols(symbols, wanted, name, download, lambda one: _misfit(one, dump), downloading, image)
        return CrashDumpSource(dump, found)
    except KdTokenError:
        dump.close()  # Windows lets nobody move or delete a mapped file
        raise


def _map(path: Union[str, Path]) -> Any:
    try:
        with open(str(path), "rb") as file:
            head = file.read(16)
            if not head:
                check_magic(b"", str(path))
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise BadFormat("cannot open the dump %s: %s" % (path, why(error)), str(path)) from error
