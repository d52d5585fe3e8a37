"""A kernel in a WinDbg session, through pykd.  The only file that imports pykd.

Works inside WinDbg (`!py`), and outside it on a dump or connection that pykd itself opened.
Everything here reads; nothing writes, sets a register or lets the machine run.
"""

import re
from typing import Any, Dict, List, NoReturn, Optional, Tuple

from kdtoken.errors import (
    BadFormat,
    MemoryUnreadable,
    NoCommands,
    SymbolNotFound,
    TargetError,
    TypeNotFound,
)
from kdtoken.layout.dt import parse_dt
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.layout.pdb.identity import read_identity
from kdtoken.source.base import PAGE_SIZE, About, BootMemory, Source
from kdtoken.symbols.layout_cache import LayoutCache, digest_of_file

pykd: Any
_LACK = "is not here"
try:
    import pykd  # type: ignore[no-redef,import-not-found,unused-ignore]
except (ImportError, OSError, AttributeError, RuntimeError, SystemError) as error:
    pykd = None  # a pykd of another Python or of another engine fails in each of these ways
    if not isinstance(error, ModuleNotFoundError):
        _LACK = "cannot be loaded (is it another Python's?)"

_NO_SYMBOLS = ".symfix; .reload /f nt   then check that `lm m nt` says (pdb symbols), not (export symbols)"
_CACHE_ROOM = 0x80000
_SIGN_BIT_32 = 0x80000000
# pykd: "Memory exception at 0xffffa08011054000 target virtual address"
_AT = re.compile(r" at 0x([0-9a-fA-F]+)")
# pykd's words for integers -> `dt`'s
_INTEGERS = {
    "UInt1B": "UChar",
    "Int1B": "Char",
    "UInt2B": "Uint2B",
    "UInt4B": "Uint4B",
    "UInt8B": "Uint8B",
    "WChar": "Wchar",
}


_NEEDED = ("isKernelDebugging", "module", "loadBytes", "compareMemory", "typeInfo", "dbgCommand", "ptrSize")


def refuse_broken_pykd() -> None:
    """Raises TargetError where there is a pykd that lacks what is needed here: half installed, or something else."""
    if pykd is None:
        return
    lacks = [name for name in _NEEDED if not hasattr(pykd, name)]
    lacks += [
        name
        for name in ("DbgException", "MemoryException")
        if not (isinstance(getattr(pykd, name, None), type) and issubclass(getattr(pykd, name), BaseException))
    ]
    if lacks:
        raise TargetError(
            "the pykd that is here is broken: it has no %s" % ", ".join(lacks[:3]),
            "pykd",
            "install it anew: pip install --force-reinstall pykd",
        )


class LiveSource(Source):
    """The session that this Python is in."""

    def __init__(self) -> None:
        """Raises TargetError where there is no pykd, no session, no kernel or no nt symbols."""
        if pykd is None:
            raise TargetError(
                "pykd %s, so there is no live session to ask" % _LACK,
                "pykd",
                "name a file: a dump, a recording, a log (tour is a practice machine);  in WinDbg: !py -m kdtoken.VERB",
            )
        refuse_broken_pykd()
        try:
            kernel = bool(pykd.isKernelDebugging())
        except pykd.DbgException as error:
            raise _no_session(error) from error
        if not kernel and not pykd.getNumberProcesses():
            raise _no_session("no target is open")  # an engine without one calls itself user-mode
        if not kernel:
            raise TargetError(
                "this is a user-mode session; kernel tokens are out of its sight",
                "session",
                "attach to the kernel (windbg -k ...) or open a kernel dump (windbg -z MEMORY.DMP)",
            )
        try:
            self._nt = pykd.module("nt")
        except pykd.DbgException as error:
            raise TargetError("the session has no module nt: %s" % _on_one_line(error), "nt", ".reload") from error
        self._cached = 0
        self._layouts: Dict[str, Layout] = {}
        self._kept: Optional[LayoutCache] = None
        self._boot: Optional[BootMemory] = None
        self._contents: Optional[str] = None
        self._symbols: Dict[str, int] = {}
        self._x86 = int(pykd.ptrSize()) == 4
        self._top = 1 << (32 if self._x86 else 64)
        version = pykd.getSystemVersion()
        live = not pykd.isDumpAnalyzing()
        self.about = About(
            "%s in the debugger" % ("a live kernel" if live else "a crash dump"),
            "%d.%d.%d" % (version.win32Major, version.win32Minor, version.buildNumber),
            live=live,
        )

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""  # pykd calls that unreadable
        if not 0 <= address <= address + size <= self._top:
            # A wild pointer plus or minus an offset; pykd's C++ would take no such number.
            raise MemoryUnreadable(address, size, "outside the address space")
        at = self._canonical(address)
        try:
            # pykd's loadBytes asks for one byte of each page before it asks for the rest, each a
            # request on the wire.  compareMemory asks for the whole at once, and leaves it in the
            # engine's cache: comparing the range with itself halves the cost of a read.
            self._make_room(size)
            pykd.compareMemory(at, at, size)
            return bytes(pykd.loadBytes(at, size))
        except pykd.MemoryException as error:
            reason = "not present (paged out or not mapped)"
            raise MemoryUnreadable(address, size, reason, self._before_hole(at, size, error)) from error
        except pykd.DbgException as error:
            raise MemoryUnreadable(address, size, _on_one_line(error)) from error

    def _make_room(self, size: int) -> None:
        """Empty the engine's cache before it is full (1 MiB): full, it keeps nothing, and a read costs four.

        Only the engine's own copies go; what kdtoken has read it remembers itself.
        """
        self._cached += size
        if self._cached > _CACHE_ROOM and not pykd.isDumpAnalyzing():
            self._cached = size
            pykd.dbgCommand(".cache flushall")

    def _before_hole(self, at: int, size: int, error: Exception) -> bytes:
        """What there is of a range up to the missing page, which the error names."""
        named = _AT.search(str(error))
        hole = int(named[1], 16) if named else at
        if not at < hole < at + size or hole % PAGE_SIZE:
            return b""
        try:
            return bytes(pykd.loadBytes(at, hole - at))
        except pykd.DbgException:
            return b""

    def boot_memory(self) -> Optional[BootMemory]:
        if not self.about.live or not self._pdb():
            return None
        if self._boot is None:
            from kdtoken.symbols.boot_cache import BootCache

            self._boot = BootCache(self._pdb(), self._digest())
        return self._boot

    def _digest(self) -> str:
        if self._contents is None:
            self._contents = digest_of_file(str(self._nt.symfile()))
        return self._contents

    def layout(self, name: str) -> Layout:
        found = self._layouts.get(name)
        if found is None:
            if self._kept is None and self._pdb():
                self._kept = LayoutCache(self._pdb(), self._digest(), "pykd")
            # Symbols that are not loaded yet have no file to be known by; asking for a type loads them.
            found = self._kept.layout(name, self._ask_layout) if self._kept else self._ask_layout(name)
            self._layouts[name] = found
        return found

    def _pdb(self) -> str:
        """GUID and age of the symbols that the engine has loaded, out of that file; "" where there is none.

        The engine has compared them with the kernel's own already; to ask the kernel would cost three reads.
        """
        try:
            return read_identity(str(self._nt.symfile())).key
        except (pykd.DbgException, BadFormat):
            return ""

    def _ask_layout(self, name: str) -> Layout:
        try:
            return self._read_layout(name)
        except pykd.DbgException as error:
            # Without msdia140.dll beside it, pykd finds no type at all, while the engine's
            # own dt still does.
            return self._layout_from_dt(name) or self._no_type(name, error)

    def symbol(self, name: str) -> int:
        found = self._symbols.get(name)
        if found is None:
            try:
                found = self._plain(int(self._nt.offset(name)))
            except pykd.DbgException as error:
                raise SymbolNotFound("nt has no symbol %s" % name, name, _NO_SYMBOLS) from error
            self._symbols[name] = found
        return found

    def command(self, text: str) -> str:
        try:
            output = pykd.dbgCommand(text)
        except pykd.DbgException as error:
            raise NoCommands("the debugger refused the command: %s" % _on_one_line(error), text) from error
        return output or ""

    def _read_layout(self, name: str) -> Layout:
        info = pykd.typeInfo("nt!" + name)
        if info.isEnum():
            values = [(label, int(value)) for label, value in info.fields()]
            return make_layout(name, int(info.size()), (), values)
        fields: List[Field] = []
        for label, member in info.fields():
            offset = int(info.fieldOffset(label))
            if member.isBitField():
                kind, container = _bit_field(member)
                fields.append(Field(label, offset, kind, container))
            else:
                fields.append(Field(label, offset, self._type_text(str(member.name()))))
        return make_layout(name, int(info.size()), fields)

    def _layout_from_dt(self, name: str) -> Optional[Layout]:
        try:
            return parse_dt(name, self.command("dt -v nt!" + name))
        except (NoCommands, BadFormat):
            return None

    def _type_text(self, name: str) -> str:
        """pykd's `_ACL*`, `UInt1B[15]`, `Void(*)(...)` -> `dt`'s words."""
        if "(" in name:
            counts = re.findall(r"\[(\d+)\]", name.rpartition(")")[2])  # arrays of functions: a driver's dispatch table
            return "".join("[%s] " % n for n in counts) + "Ptr%d Function" % (32 if self._x86 else 64)
        if name.endswith("*"):
            return "Ptr%d %s" % (32 if self._x86 else 64, self._type_text(name[:-1]))
        array = re.match(r"^(.*?)\[(\d+)\](.*)$", name)
        if array:
            return "[%s] %s" % (array[2], self._type_text(array[1] + array[3]))
        return _INTEGERS.get(name, name)

    def _no_type(self, name: str, error: Exception) -> NoReturn:
        try:
            symbols = str(self._nt.symfile())
        except pykd.DbgException:
            symbols = ""
        if not symbols.lower().endswith(".pdb"):
            raise TargetError(
                "the symbols of nt are not loaded (asked for the type %s)" % name, "nt", _NO_SYMBOLS
            ) from error
        raise TypeNotFound("the symbols of nt have no type %s" % name, name) from error

    def _canonical(self, address: int) -> int:
        """dbgeng wants the addresses of a 32-bit target sign-extended to 64 bits."""
        if self._x86 and _SIGN_BIT_32 <= address <= 0xFFFFFFFF:
            return address | 0xFFFFFFFF00000000
        return address

    def _plain(self, address: int) -> int:
        """The reverse of _canonical; pykd gives signed numbers in places."""
        return address & (0xFFFFFFFF if self._x86 else 0xFFFFFFFFFFFFFFFF)


def _bit_field(member: Any) -> Tuple[str, str]:
    width = int(member.bitWidth())
    container = str(member.name()).split(":")[0]
    text = "Pos %d, %d Bit%s" % (int(member.bitOffset()), width, "" if width == 1 else "s")
    return text, _INTEGERS.get(container, container)


def _on_one_line(error: object) -> str:
    return " ".join(str(error).split())


def _no_session(error: object) -> TargetError:
    return TargetError(
        "there is no debugging session: %s" % _on_one_line(error),
        "session",
        "run this inside WinDbg on a kernel target, or replay a recording with --session FILE",
    )
