"""The live target, on a pykd made of a synthetic kernel.

The fake has pykd 0.3.4.15's manners, as seen on the genuine engine: typeInfo names like `_ACL*`,
`UInt1B[15]` and `UInt4B:3`; loadBytes gives a list, all or nothing; MemoryException and SymbolException
are DbgExceptions; an engine without a target says that it is not debugging a kernel.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.token import decode_token
from kdtoken.errors import (
    MemoryUnreadable,
    NoCommands,
    SymbolNotFound,
    TargetError,
    TypeNotFound,
)
from kdtoken.layout.layout import Field, Layout, array_of, make_layout, size_of
from kdtoken.layout.layout_file import LayoutFile
from kdtoken.model.privilege import NAMES
from kdtoken.source import live
from kdtoken.source.cached import CachedSource
from kdtoken.source.live import LiveSource
from tests import expected
from tests.expected import FILES, WINDOWS_11, kernel_of, layouts_of_build
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource
from tests.pdb_bytes import Pdb

INTEGERS = {
    "UChar": "UInt1B",
    "Uint2B": "UInt2B",
    "Uint4B": "UInt4B",
    "Uint8B": "UInt8B",
    "Wchar": "WChar",
    "Uint16B": "UInt16B",
}


class DbgException(Exception):
    pass


class MemoryException(DbgException):
    pass


class SymbolException(DbgException):
    pass


def pykd_name(kind: str, container: str = "") -> str:
    """A type as typeInfo.name() tells it."""
    if kind.startswith("Pos "):
        return "%s:%s" % (pykd_name(container or "Uint4B"), kind.split(" ")[2])
    if kind.startswith("Ptr64 ") or kind.startswith("Ptr32 "):
        return "Void(*)(...)" if kind[6:] == "Function" else pykd_name(kind[6:]) + "*"
    # Dimensions behind the element; of an array of functions the genuine form was not seen.
    dimensions = ""
    array = array_of(kind)
    while array is not None:
        dimensions += "[%d]" % array[0]
        kind = array[1]
        array = array_of(kind)
    return INTEGERS.get(kind, pykd_name(kind) if kind.startswith("Ptr") else kind) + dimensions


class TypeInfo:
    """pykd.typeInfo of a type, or of a member."""

    def __init__(self, layouts: LayoutFile, kind: str, member: Any = None, value: int = 0) -> None:
        self.layouts, self.kind, self.member, self.value = layouts, kind, member, value

    def _layout(self) -> Layout:
        return self.layouts.layout(self.kind)

    def name(self) -> str:
        return pykd_name(self.kind, self.member.container if self.member else "")

    def size(self) -> int:
        return size_of(self.kind, self.layouts.layout)

    def isEnum(self) -> bool:
        return self.kind in self.layouts.types and self._layout().is_enum

    def isBitField(self) -> bool:
        return self.kind.startswith("Pos ")

    def bitOffset(self) -> int:
        return int(self.kind.split(" ")[1].rstrip(","))

    def bitWidth(self) -> int:
        return int(self.kind.split(" ")[2])

    def fields(self) -> List[Tuple[str, "TypeInfo"]]:
        layout = self._layout()
        if layout.is_enum:
            return [(name, TypeInfo(self.layouts, "Int4B", None, value)) for name, value in layout.values]
        return [(one.name, TypeInfo(self.layouts, one.type, one)) for one in layout.fields]

    def fieldOffset(self, name: str) -> int:
        return self._layout().field(name).offset

    def __int__(self) -> int:
        return self.value


class FakePykd:
    """The module, as much of it as the live target calls."""

    DbgException, MemoryException, SymbolException = DbgException, MemoryException, SymbolException

    def __init__(self, kernel: Kernel) -> None:
        self.target = SyntheticSource(kernel)
        self.kernel = kernel
        self.width = 8
        self.session = "kernel"
        self.symfile = "C:\\symbols\\ntkrnlmp.pdb"
        self.loaded: List[Tuple[int, int]] = []

    def isKernelDebugging(self) -> bool:
        if self.session == "not initialized":
            raise DbgException("pykd is not initialized")
        return self.session == "kernel"

    def getNumberProcesses(self) -> int:
        return 0 if self.session == "none" else 1

    def isDumpAnalyzing(self) -> bool:
        return True

    def ptrSize(self) -> int:
        return self.width

    def getSystemVersion(self) -> Any:
        return SimpleNamespace(win32Major=10, win32Minor=0, buildNumber=22000)

    def module(self, name: str) -> Any:
        if self.session == "no nt":
            raise DbgException("Failed to find module 'nt'")
        return SimpleNamespace(offset=self._offset, symfile=lambda: self.symfile)

    def _offset(self, name: str) -> int:
        if name not in self.kernel.symbols:
            raise SymbolException("%s symbol is not found" % name)
        return self.kernel.symbols[name]

    def typeInfo(self, name: str) -> TypeInfo:
        plain = name.split("!", 1)[1]
        if plain not in self.kernel.layouts.types or not self.symfile.endswith(".pdb"):
            raise SymbolException("'%s' - symbol not found" % plain)
        return TypeInfo(self.kernel.layouts, plain)

    def loadBytes(self, address: int, size: int) -> List[int]:
        if not 0 <= address < 1 << 64 or size <= 0:
            raise OverflowError("no C++ integer")  # must never get this far
        self.loaded.append((address, size))
        try:
            return list(self.target.read(address, size))
        except MemoryUnreadable as error:
            # the missing page is named, and nothing of what lies before it is given
            hole = address + len(error.partial)
            raise MemoryException("Memory exception at 0x%x target virtual address" % hole) from error

    def compareMemory(self, one: int, other: int, size: int) -> bool:
        assert one == other
        self.loadBytes(one, size)
        return True

    def dbgCommand(self, text: str) -> Any:
        return {"vertarget": "Windows 10 Kernel\n", "!nosuch": None}.get(text) or self._refuse(text)

    @staticmethod
    def _refuse(text: str) -> None:
        if text == "nosuchcommand":
            raise DbgException("Call IDebugControl::ExecuteWide failed\nHRESULT 0x80040205")


@pytest.fixture
def pykd(monkeypatch: pytest.MonkeyPatch) -> FakePykd:
    fake = FakePykd(kernel_of(WINDOWS_11))
    monkeypatch.setattr(live, "pykd", fake)
    return fake


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_type_of_every_build(monkeypatch: pytest.MonkeyPatch, path: Any) -> None:
    layouts = layouts_of_build(path)
    monkeypatch.setattr(live, "pykd", FakePykd(kernel_of(path)))
    target = LiveSource()
    for name, layout in layouts.types.items():
        assert target.layout(name) == layout, name


def test_the_integer_around_a_bit_field_is_kept(pykd: FakePykd) -> None:
    assert LiveSource().layout("_EX_FAST_REF").field("RefCnt") == Field("RefCnt", 0, "Pos 0, 4 Bits")
    assert LiveSource().layout("_EX_FAST_REF").field("RefCnt").container == "Uint8B"


@pytest.mark.parametrize(
    "name, kind",
    [
        ("_ACL*", "Ptr64 _ACL"),
        ("Void*", "Ptr64 Void"),
        ("Void**", "Ptr64 Ptr64 Void"),
        ("UInt1B[15]", "[15] UChar"),
        ("UInt4B[2][3]", "[2] [3] Uint4B"),
        ("_KWAIT_BLOCK[4]", "[4] _KWAIT_BLOCK"),
        ("Void*[4]", "[4] Ptr64 Void"),
        ("Void(*)(Void*)", "Ptr64 Function"),
        ("_TOKEN_TYPE", "_TOKEN_TYPE"),
    ],
)
def test_pykds_words_for_types(pykd: FakePykd, name: str, kind: str) -> None:
    assert LiveSource()._type_text(name) == kind


def test_types_are_asked_once(pykd: FakePykd, monkeypatch: pytest.MonkeyPatch) -> None:
    target = LiveSource()
    first = target.layout("_TOKEN")
    monkeypatch.setattr(pykd, "typeInfo", None)
    assert target.layout("_TOKEN") is first


def test_a_whole_machine(pykd: FakePykd) -> None:
    target = CachedSource(LiveSource())
    processes, problems = walk_processes(target)
    assert problems == [] and [p.pid for p in processes] == [p.pid for p in MACHINE.processes]
    for key, address in pykd.kernel.tokens.items():
        expected.assert_equal(decode_token(target, address, NAMES), pykd.kernel, key)


def test_all_or_nothing_loses_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """loadBytes tells nothing of a range with a missing page; answers are those of a target that does."""
    kernel = kernel_of(WINDOWS_11, False)
    monkeypatch.setattr(live, "pykd", FakePykd(kernel))
    for key in ("sids-paged-out", "dynamic-paged-out"):
        seen: Any = decode_token(LiveSource(), kernel.tokens[key], NAMES)
        right: Any = decode_token(SyntheticSource(kernel), kernel.tokens[key], NAMES)
        known = [type(one).__name__ for one in right.user_and_groups]
        assert [type(one).__name__ for one in seen.user_and_groups] == known
        assert (seen.token_id, seen.privileges, seen.logon_session) == (
            right.token_id,
            right.privileges,
            right.logon_session,
        )


def test_what_lies_before_a_missing_page_is_right_where_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = kernel_of(WINDOWS_11, False)
    monkeypatch.setattr(live, "pykd", FakePykd(kernel))
    at = kernel.tokens["sids-paged-out"]
    border = (at // 0x1000 + 1) * 0x1000
    with pytest.raises(MemoryUnreadable) as error:
        LiveSource().read(at, 0x1000)
    assert error.value.partial in (b"", kernel.memory.peek(at, border - at))


def test_about_says_what_is_looked_at(pykd: FakePykd) -> None:
    about = LiveSource().about
    assert about.source == "a crash dump in the debugger"
    assert (about.build, about.synthetic) == ("10.0.22000", False)


def test_unreadable_memory(pykd: FakePykd) -> None:
    with pytest.raises(MemoryUnreadable) as error:
        LiveSource().read(0xFFFFDEAD00000000, 8)
    assert error.value.address == 0xFFFFDEAD00000000 and "not present" in error.value.reason


@pytest.mark.parametrize("address", [-0x30, 1 << 64, (1 << 64) - 4])
def test_no_address_at_all_never_reaches_pykd(pykd: FakePykd, address: int) -> None:
    with pytest.raises(MemoryUnreadable, match="outside the address space"):
        LiveSource().read(address, 8)
    assert pykd.loaded == []


def test_no_bytes_are_no_request(pykd: FakePykd) -> None:
    """pykd calls a read of nothing unreadable."""
    assert LiveSource().read(0x1000, 0) == b"" and pykd.loaded == []


@pytest.mark.parametrize(
    "address, asked",
    [
        (0x7FFFFFFF, 0x7FFFFFFF),
        (0x80000000, 0xFFFFFFFF80000000),
        (0x80000001, 0xFFFFFFFF80000001),
        (0xFFFFFFF8, 0xFFFFFFFFFFFFFFF8),
    ],
)
def test_the_kernel_s_half_of_a_32_bit_target_begins_at_its_highest_bit(
    address: int, asked: int, pykd: FakePykd
) -> None:
    pykd.width = 4
    with pytest.raises(MemoryUnreadable):
        LiveSource().read(address, 8)
    assert {at for at, _ in pykd.loaded} == {asked}


@pytest.mark.parametrize("address", [0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0x100000000, 0xFFFF800000000000])
def test_an_address_of_a_64_bit_target_is_asked_for_as_it_is(address: int, pykd: FakePykd) -> None:
    """There 0x80000000 is in the middle of the user's half: sign-extended it would be another's memory."""
    with pytest.raises(MemoryUnreadable) as caught:
        LiveSource().read(address, 8)
    assert caught.value.address == address and {at for at, _ in pykd.loaded} == {address}


@pytest.mark.parametrize(
    "width, offset, plain",
    [
        (8, -1, 0xFFFFFFFFFFFFFFFF),
        (8, 0x80000000, 0x80000000),
        (8, -0x7FFFFFFFFFFF, 0xFFFF800000000001),
        (4, -1, 0xFFFFFFFF),
        (4, 0xFFFFFFFF8237DC70, 0x8237DC70),
        (4, 0x8237DC70, 0x8237DC70),
    ],
)
def test_a_symbol_s_address_is_as_wide_as_the_target_s_pointers(
    width: int, offset: int, plain: int, pykd: FakePykd
) -> None:
    pykd.width = width
    pykd.kernel = SimpleNamespace(symbols={"X": offset}, layouts=None)  # type: ignore[assignment]
    assert LiveSource().symbol("X") == plain


def test_an_error_of_the_engine_that_is_no_hole_is_told_in_its_words(pykd: FakePykd) -> None:
    def refuse(one: int, other: int, size: int) -> bool:
        raise DbgException("the target\nis  running")

    pykd.compareMemory = refuse  # type: ignore[method-assign]
    with pytest.raises(MemoryUnreadable) as caught:
        LiveSource().read(0xFFFF800000001000, 16)
    error = caught.value
    assert (error.address, error.size, error.reason) == (0xFFFF800000001000, 16, "the target is running")
    assert error.partial == b""


@pytest.mark.parametrize(
    "hole, size, before",
    [
        # Of the range from 0xffff800000000ff8 to 0xffff800000002008, or to the start of that last page.
        (0xFFFF800000001000, 0x1010, b"before"),
        (0xFFFF800000002000, 0x1010, b"before"),
        (0xFFFF800000002000, 0x1008, b""),
        (0xFFFF800000000000, 0x1010, b""),  # in front of it
        (0xFFFF800000000FF8, 0x1010, b""),  # its very start
        (0xFFFF800000001008, 0x1010, b""),  # no page begins there
        (0xFFFF800000003000, 0x1010, b""),  # behind it
        (None, 0x1010, b""),  # not named
    ],
)
def test_what_lies_before_the_hole_is_asked_for_only_where_the_error_names_a_page_within(
    hole: Any, size: int, before: bytes, pykd: FakePykd
) -> None:
    asked = []

    def refuse(one: int, other: int, size: int) -> bool:
        raise MemoryException("Memory exception%s" % (" at 0x%x target" % hole if hole else ""))

    def give(at: int, size: int) -> Any:
        asked.append((at, size))
        return before

    pykd.compareMemory, pykd.loadBytes = refuse, give  # type: ignore[method-assign]
    with pytest.raises(MemoryUnreadable) as caught:
        LiveSource().read(0xFFFF800000000FF8, size)
    assert caught.value.partial == before and caught.value.reason == "not present (paged out or not mapped)"
    assert asked == ([(0xFFFF800000000FF8, hole - 0xFFFF800000000FF8)] if before else [])


def test_a_hole_that_moves_leaves_nothing(pykd: FakePykd) -> None:
    def refuse(*_: int) -> Any:
        raise MemoryException("Memory exception at 0xffff800000001000 target")

    pykd.compareMemory = pykd.loadBytes = refuse  # type: ignore[method-assign]
    with pytest.raises(MemoryUnreadable) as caught:
        LiveSource().read(0xFFFF800000000FF8, 16)
    assert caught.value.partial == b""


@pytest.mark.parametrize(
    "dump, sizes, flushed",
    [
        # The engine's cache is a MiB; half of it is used before it is emptied.
        (False, [0x7FFFF, 1], []),
        (False, [0x7FFFF, 2], [".cache flushall"]),
        (False, [0x80001], [".cache flushall"]),
        (False, [0x7FFFF, 2, 0x7FFFE], [".cache flushall"]),  # the two that were read last are in it already
        (False, [0x7FFFF, 2, 0x7FFFF], [".cache flushall"] * 2),
        (True, [0x80001], []),  # a dump's cache is no matter
    ],
)
def test_the_engine_s_cache_is_emptied_before_it_is_full(
    dump: bool, sizes: List[int], flushed: List[str], pykd: FakePykd, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: List[str] = []
    monkeypatch.setattr(pykd, "isDumpAnalyzing", lambda: dump)
    monkeypatch.setattr(pykd, "dbgCommand", said.append)
    monkeypatch.setattr(pykd, "compareMemory", lambda *_: True)
    monkeypatch.setattr(pykd, "loadBytes", lambda at, size: bytes(size))
    target = LiveSource()
    for size in sizes:
        assert len(target.read(0xFFFF800000000000, size)) == size
    assert said == flushed


def test_symbols_without_a_file_are_not_loaded(pykd: FakePykd, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file() -> str:
        raise DbgException("no symbol file")

    monkeypatch.setattr(pykd, "module", lambda name: SimpleNamespace(offset=None, symfile=no_file))
    with pytest.raises(TargetError, match="symbols of nt are not loaded") as caught:
        LiveSource().layout("_NOPE")
    assert "_NOPE" in caught.value.message


def test_addresses_of_a_32_bit_target_are_sign_extended(pykd: FakePykd) -> None:
    pykd.width = 4
    target = LiveSource()
    for address in (0x8237DC70, 0x70000000):
        with pytest.raises(MemoryUnreadable) as error:
            target.read(address, 8)
        assert error.value.address == address
    assert {address for address, _ in pykd.loaded} == {0xFFFFFFFF8237DC70, 0x70000000}
    with pytest.raises(MemoryUnreadable, match="outside"):
        target.read(0xFFFFFFFC, 8)


def test_types_of_a_32_bit_target(pykd: FakePykd) -> None:
    pykd.width = 4
    assert LiveSource()._type_text("_ACL*") == "Ptr32 _ACL"


def test_symbols(pykd: FakePykd) -> None:
    target = LiveSource()
    assert target.symbol("PsActiveProcessHead") == pykd.kernel.symbols["PsActiveProcessHead"]
    with pytest.raises(SymbolNotFound, match="nt has no symbol Nope") as error:
        target.symbol("Nope")
    assert error.value.subject == "Nope" and ".reload" in error.value.next_step


def test_a_signed_address_of_a_symbol_is_made_plain(pykd: FakePykd) -> None:
    pykd.kernel = SimpleNamespace(symbols={"X": -1}, layouts=None)  # type: ignore[assignment]
    assert LiveSource().symbol("X") == 0xFFFFFFFFFFFFFFFF


def test_a_type_that_the_symbols_lack(pykd: FakePykd) -> None:
    with pytest.raises(TypeNotFound, match="no type _NOPE"):
        LiveSource().layout("_NOPE")


def test_export_symbols_only_say_what_to_do(pykd: FakePykd) -> None:
    pykd.symfile = "ntkrnlmp.exe"
    with pytest.raises(TargetError, match="symbols of nt are not loaded") as error:
        LiveSource().layout("_TOKEN")
    assert "_TOKEN" in str(error.value) and ".reload" in error.value.next_step


def test_commands(pykd: FakePykd) -> None:
    target = LiveSource()
    assert target.command("vertarget") == "Windows 10 Kernel\n"
    assert target.command("!nosuch") == ""  # pykd gives None for no output
    with pytest.raises(NoCommands, match="refused"):
        target.command("nosuchcommand")


MESSAGES: Dict[str, str] = {
    "not initialized": "there is no debugging session",
    "none": "there is no debugging session",
    "user": "user-mode session",
    "no nt": "no module nt",
}


@pytest.mark.parametrize("session", sorted(MESSAGES))
def test_what_is_no_kernel_session_says_what_it_is(pykd: FakePykd, session: str) -> None:
    pykd.session = "kernel" if session == "no nt" else session
    if session == "no nt":
        pykd.module = lambda name: (_ for _ in ()).throw(DbgException("Failed to find module 'nt'"))  # type: ignore
    with pytest.raises(TargetError, match=MESSAGES[session]) as error:
        LiveSource()
    assert error.value.next_step


def test_without_pykd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "pykd", None)
    with pytest.raises(TargetError, match="pykd is not here") as error:
        LiveSource()
    assert error.value.next_step.startswith("name a file")


def test_made_up_layouts_keep_the_engines_order(pykd: FakePykd) -> None:
    """typeInfo lists members as declared; a layout has them by offset."""
    types = {"_T": make_layout("_T", 8, [Field("B", 4, "Uint4B"), Field("A", 0, "Uint4B")])}
    pykd.kernel = SimpleNamespace(layouts=LayoutFile("1", "", 8, types), symbols={})  # type: ignore[assignment]
    assert [one.name for one in LiveSource().layout("_T").fields] == ["A", "B"]


def test_types_are_kept_on_disk_for_the_pdb_that_is_loaded(
    pykd: FakePykd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each `!py` starts with an empty Python; the engine is asked for a type once per build."""
    monkeypatch.setenv("KDTOKEN_CACHE", str(tmp_path / "cache"))
    pykd.symfile = str(tmp_path / "ntkrnlmp.pdb")
    Path(pykd.symfile).write_bytes(Pdb(age=1).data())
    asked: List[str] = []
    engine = pykd.typeInfo
    monkeypatch.setattr(pykd, "typeInfo", lambda name: asked.append(name) or engine(name))
    layouts = [LiveSource().layout(name) for name in ("_TOKEN", "_TOKEN", "_EPROCESS")]
    assert layouts[0] == layouts[1] and asked == ["nt!_TOKEN", "nt!_EPROCESS"]
    Path(pykd.symfile).write_bytes(Pdb(age=2).data())  # another build's
    assert LiveSource().layout("_TOKEN") == layouts[0] and asked[2:] == ["nt!_TOKEN"]


def test_what_stays_for_a_boot_is_kept_of_a_live_machine_only(
    pykd: FakePykd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A dump in the debugger is on this disk, where a read costs next to nothing; a live kernel is behind a wire."""
    monkeypatch.setenv("KDTOKEN_CACHE", str(tmp_path / "cache"))
    assert LiveSource().boot_memory() is None  # no PDB that says what it is of
    pykd.symfile = str(tmp_path / "ntkrnlmp.pdb")
    Path(pykd.symfile).write_bytes(Pdb(age=1).data())
    assert LiveSource().boot_memory() is None  # a dump
    monkeypatch.setattr(pykd, "isDumpAnalyzing", lambda: False)
    memory = LiveSource().boot_memory()
    assert memory is not None
    memory.keep(0x1000, b"time", {"PspCidTable": b"12345678"})
    again = LiveSource().boot_memory()
    assert again is not None and again.recall(0x1000, b"time") == {"PspCidTable": b"12345678"}
    Path(pykd.symfile).write_bytes(Pdb(age=2).data())  # another build's
    other = LiveSource().boot_memory()
    assert other is not None and other.recall(0x1000, b"time") is None


def test_without_a_pdb_to_know_the_build_by_nothing_is_kept(
    pykd: FakePykd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KDTOKEN_CACHE", str(tmp_path / "cache"))
    for symfile in ("C:\\nowhere\\ntkrnlmp.pdb", str(tmp_path / "empty.pdb")):
        (tmp_path / "empty.pdb").write_bytes(b"")
        pykd.symfile = symfile
        assert LiveSource().layout("_TOKEN").size == 0x498
    assert not (tmp_path / "cache").exists()
