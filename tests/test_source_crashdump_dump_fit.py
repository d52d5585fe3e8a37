"""Whether symbols are those of a dump, and what Windows it is of: by each sign that a dump may have."""

from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import pytest

from kdtoken.errors import MemoryUnreadable, SymbolNotFound, TargetError, TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.source.crashdump.dump import CrashDumpSource, fit
from kdtoken.source.crashdump.header import DumpHeader
from kdtoken.source.crashdump.kernel import Nt

BASE = 0xFFFFF80312400000
RVAS = {"PsLoadedModuleList": 0x3000, "PsActiveProcessHead": 0x4000, "KdDebuggerDataBlock": 0x5000}
TYPES = {
    "_EPROCESS": make_layout("_EPROCESS", 0x20, [Field("UniqueProcessId", 0, "Ptr64 Void"), Field("ImageFileName", 8, "[15] UChar")]),
    "_KUSER_SHARED_DATA": make_layout("_KUSER_SHARED_DATA", 16, [Field("NtMajorVersion", 0, "Uint4B"), Field("NtMinorVersion", 4, "Uint4B")]),
}  # fmt: skip


class Symbols:
    """A symbol file that knows some variables and types."""

    origin = "nt.pdb"

    def __init__(self, rvas: Optional[Dict[str, int]] = None, types: Any = TYPES) -> None:
        self.rvas, self.types = RVAS if rvas is None else rvas, types

    def rva(self, name: str) -> Optional[int]:
        return self.rvas.get(name)

    def layout(self, name: str) -> Layout:
        if name not in self.types:
            raise TypeNotFound("no type %s" % name, name)
        return self.types[name]  # type: ignore[no-any-return]


class Dump:
    """A dump of which its header and some bytes are known."""

    origin, words, notes = "x.dmp", "full memory dump", []  # type: ignore[var-annotated]
    why_no_nt = "it is paged out"

    def __init__(self, memory: Optional[Dict[int, bytes]] = None, nt: Optional[Nt] = None, **header: Any) -> None:
        said = dict(
            kind=1, machine=0x8664, build=22000, directory_table=0, module_list=BASE + 0x3000,
            process_list=BASE + 0x4000, debugger_data=BASE + 0x5000, runs=(), bugcheck=0, comment=b"", system_time=7,
        )  # fmt: skip
        self.header = DumpHeader(**{**said, **header})  # type: ignore[arg-type]
        self.memory, self.nt = memory or {}, nt

    def read(self, address: int, size: int) -> bytes:
        for start, data in self.memory.items():
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise MemoryUnreadable(address, size, "not there")

    def close(self) -> None:
        pass


def matched(dump: Any, symbols: Any = None) -> Any:
    return fit(symbols or Symbols(), dump)


def test_without_a_guid_the_variables_that_agree_are_named() -> None:
    base, said = matched(Dump())
    assert base == BASE and said == [
        "symbols matched by PsLoadedModuleList, PsActiveProcessHead, KdDebuggerDataBlock only: it is paged out"
    ]
    # Two of three are enough: ISF files may lack one, and a header may not tell it.
    rvas = {name: rva for name, rva in RVAS.items() if name != "KdDebuggerDataBlock"}
    assert "by PsLoadedModuleList, PsActiveProcessHead only" in matched(Dump(), Symbols(rvas))[1][0]
    assert "by PsLoadedModuleList, PsActiveProcessHead only" in matched(Dump(debugger_data=0))[1][0]


@pytest.mark.parametrize(
    "header, rvas, words",
    [
        ({"process_list": BASE + 0x4010}, RVAS, "PsActiveProcessHead is at 0xfffff80312404010 in the dump, the symbols say 0xfffff80312404000"),
        ({"debugger_data": BASE + 0x5010}, RVAS, "KdDebuggerDataBlock is at"),
        ({"process_list": 0}, RVAS, "PsActiveProcessHead is at 0x0 in the dump"),
        ({}, {"PsLoadedModuleList": 0x3000}, "PsActiveProcessHead is at 0xfffff80312404000 in the dump, the symbols say nothing"),
        ({}, {}, "PsLoadedModuleList is at 0xfffff80312403000 in the dump, the symbols say nothing"),
        ({"module_list": 0}, RVAS, "PsLoadedModuleList is at 0x0"),
    ],
)  # fmt: skip
def test_symbols_that_put_a_variable_elsewhere_are_another_kernels(header: Any, rvas: Any, words: str) -> None:
    with pytest.raises(TargetError) as error:
        matched(Dump(**header), Symbols(rvas))
    assert words in error.value.message and "(it is paged out)" in error.value.message
    assert error.value.next_step == "give the symbols of the very kernel that was dumped"


def test_a_base_that_is_known_is_what_variables_are_counted_from() -> None:
    nt = Nt(BASE, 0x1000000, None, "its debug directory names no PDB")
    assert matched(Dump(nt=nt))[0] == BASE and "names no PDB" in matched(Dump(nt=nt))[1][0]
    with pytest.raises(TargetError, match="PsLoadedModuleList is at"):
        matched(Dump(nt=Nt(BASE + 0x1000, 0, None, "x")))


def system(pid: int = 4, name: bytes = b"System\0") -> Dict[int, bytes]:
    return {BASE + 0x900000: pid.to_bytes(8, "little") + name.ljust(16, b"\0")}


@pytest.mark.parametrize(
    "memory, types, believed",
    [
        (system(), TYPES, True),
        (system(8), TYPES, False),
        (system(4, b"Systemd"), TYPES, False),
        (system(4, b"Syste\0\0"), TYPES, False),
        ({}, TYPES, False),
        (system(), {}, False),
    ],
)
def test_a_header_that_gives_system_for_the_list_is_believed_where_system_is_there(
    memory: Any, types: Any, believed: bool
) -> None:
    dump = Dump(memory, process_list=BASE + 0x900000)
    if believed:
        said = matched(dump, Symbols(types=types))[1]
        assert said[0] == "its header gives System itself for the list of processes"
        assert "PsLoadedModuleList, KdDebuggerDataBlock only" in said[1]
    else:
        with pytest.raises(TargetError, match="PsActiveProcessHead is at"):
            matched(dump, Symbols(types=types))


def test_one_variable_that_agrees_is_not_enough() -> None:
    with pytest.raises(TargetError, match="nor enough to match symbols by"):
        matched(Dump(system(), process_list=BASE + 0x900000, debugger_data=0))


# --- what it is of

SHARED = 0xFFFFF78000000000


def about(build: int, memory: Optional[Dict[int, bytes]] = None, types: Any = TYPES, **header: Any) -> Any:
    rvas = {**RVAS, "NtBuildNumber": 0x6000}
    return CrashDumpSource(Dump(memory, build=build, **header), Symbols(rvas, types)).about  # type: ignore[arg-type]


def version(major: int, minor: int) -> Dict[int, bytes]:
    return {SHARED: major.to_bytes(4, "little") + minor.to_bytes(4, "little")}


@pytest.mark.parametrize(
    "build, text",
    [
        (22000, "10.0.22000"), (9601, "10.0.9601"), (9600, "6.3.9600"), (9599, "6.2.9599"), (9200, "6.2.9200"),
        (9199, "6.1.9199"), (7600, "6.1.7600"), (7599, "6.0.7599"), (6000, "6.0.6000"), (5999, "5.2.5999"),
    ],
)  # fmt: skip
def test_the_version_is_told_by_the_build_where_the_shared_page_is_not_there(build: int, text: str) -> None:
    """Builds of each version: "Operating System Version", learn.microsoft.com."""
    assert about(build).build == text and about(build, version(10, 0), {}).build == text


def test_the_shared_page_tells_the_version_where_it_can_be_one() -> None:
    assert about(22000, version(6, 1)).build == "6.1.22000" and about(22000, version(5, 2)).build == "5.2.22000"
    assert about(22000, version(19, 3)).build == "19.3.22000"
    for odd in (version(4, 0), version(20, 0), version(0xFFFFFFFF, 0)):
        assert about(22000, odd).build == "10.0.22000"


def test_a_header_without_the_build_is_helped_out_by_the_kernels_own_variable() -> None:
    """NtBuildNumber: the upper half tells a free build from a checked one."""
    number = {BASE + 0x6000: (0xF0000000 | 19041).to_bytes(4, "little")}
    assert (
        about(0, number).build == "10.0.19041" and about(0).build == "5.2.0" and about(7601, number).build == "6.1.7601"
    )


def test_when_it_was_taken_and_whether_it_was_made_up() -> None:
    plain, made = about(22000), about(22000, comment=b"synthetic kernel")
    assert (plain.synthetic, made.synthetic, plain.captured) == (False, True, 7)
    assert plain.source.startswith("full memory dump x.dmp (symbols matched by ")


def test_variables_are_the_symbols_else_those_of_the_header() -> None:
    nt = Nt(BASE, 0, None, "x")
    source: Any = CrashDumpSource(Dump(nt=nt), Symbols())  # type: ignore[arg-type]
    assert source.symbol("PsActiveProcessHead") == BASE + 0x4000
    source.symbols = Symbols({})
    source.dump = SimpleNamespace(header=Dump(process_list=5, module_list=0).header)
    assert source.symbol("PsActiveProcessHead") == 5
    missing: List[str] = ["PsLoadedModuleList", "PspCidTable"]
    for name in missing:
        with pytest.raises(SymbolNotFound, match="nt.pdb has no symbol %s" % name):
            source.symbol(name)
