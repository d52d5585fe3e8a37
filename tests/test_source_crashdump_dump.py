"""Crash dumps as a target: the same answers as from the kernel itself, in every container."""

import json
import struct
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from kdtoken import dump as dump_verb
from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.errors import BadFormat, MemoryUnreadable, SymbolNotFound, TargetError
from kdtoken.layout.layout_file import load_layouts
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import ProcessDump
from kdtoken.model.token import Token
from kdtoken.source import paging
from kdtoken.source.base import Source
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import CrashDump, CrashDumpSource, open_dump
from kdtoken.source.crashdump.header import read_header
from tests.dump_bytes import PAGE, TRANSITION, Dump
from tests.engine.volatility import isf
from tests.fake_image import DEBUG_DIRECTORY, GUID_TEXT, RECORD, as_image, fake_image
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.synthetic import SyntheticSource

LAYOUTS = sorted((Path(__file__).parent.parent / "fixtures" / "layouts").glob("nt-*.json"))


class Case:
    """A kernel, its pages, and its symbols on disk."""

    def __init__(self, layout_file: Path, folder: Path) -> None:
        layouts = load_layouts(layout_file)
        image = fake_image(layouts)
        self.kernel: Kernel = build(MACHINE, layouts, image)
        self.dump = Dump.of(self.kernel)
        self.folder = folder
        self.symbols = folder / "symbols.json"
        self.symbols.write_text(json.dumps(isf(layouts, as_image(image))))

    def write(self, data: bytes, name: str = "memory.dmp") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def open(self, data: bytes) -> CrashDumpSource:
        return open_dump(self.write(data), str(self.symbols))


def everything(target: Source) -> Tuple[List[ProcessDump], List[str]]:
    cached = CachedSource(target)
    tokens = Tokens(cached)
    processes, problems = walk_processes(cached)
    return [dump_process(tokens, one, tuple(processes), check=False) for one in processes], problems


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(LAYOUTS[3], tmp_path_factory.mktemp("case"))


@pytest.mark.parametrize("layout_file", LAYOUTS, ids=lambda path: path.stem)
def test_every_token_of_every_build_is_the_kernels_own(layout_file: Path, tmp_path: Path) -> None:
    case = Case(layout_file, tmp_path)
    target = case.open(case.dump.copy().full())
    assert everything(target) == everything(SyntheticSource(case.kernel))
    assert target.about.synthetic
    assert target.about.build == case.kernel.layouts.build.rsplit(".", 1)[0]
    nt = target.dump.nt
    assert nt is not None and nt.base == case.kernel.base
    assert nt.identity is not None and nt.identity.key == GUID_TEXT + "1" and nt.identity.name == "ntkrnlmp.pdb"


@pytest.mark.parametrize("kind", [2, 5, 6, 7, 8, 9, 10])
def test_every_container_holds_the_same_memory(case: Case, kind: int) -> None:
    dump = case.dump.copy()
    data = dump.bitmap(kind, b"FDMP" if kind == 5 else b"SDMP") if kind < 8 else dump.ranges(kind)
    target = case.open(data)
    for number, page in dump.pages.items():
        assert target.dump.physical_page(number) == page
    assert target.dump.physical_page(max(dump.pages) + 1) is None
    assert everything(target) == everything(SyntheticSource(case.kernel))
    assert target.dump.notes == []


@pytest.mark.parametrize("container", ["full", "bitmap", "ranges"])
def test_gaps_between_runs(case: Case, container: str) -> None:
    """Pages out of the middle are "not in the dump", those behind them are still the right ones."""
    dump = case.dump.copy()
    gone = [address for key, address in sorted(case.kernel.tokens.items())][3:20:6]
    for address in gone:
        frame = (dump.entry(address) & ((1 << 52) - PAGE)) // PAGE
        dump.pages.pop(frame, None)
    assert len(dump.runs()) > 2
    target = case.open(getattr(dump, container)())
    for number in case.dump.pages:
        assert target.dump.physical_page(number) == dump.pages.get(number)
    with pytest.raises(MemoryUnreadable, match="page not in the dump"):
        target.read(gone[0], 8)


def test_reads_stop_where_memory_does(case: Case) -> None:
    token = case.kernel.tokens["notepad"]
    dump = case.dump.copy()
    page = token // PAGE * PAGE
    whole = case.open(case.dump.copy().full()).read(page - 0x20, PAGE + 0x40)
    assert whole[0x20 + token % PAGE :][:8] == case.kernel.memory.peek(token, 8)
    target = case.open(dump.set_entry(page, 0x77 << 32 | 0x80).full())
    with pytest.raises(MemoryUnreadable) as failed:
        target.read(page - 0x20, 0x40)
    assert failed.value.partial == whole[:0x20] and failed.value.reason == paging.PAGED_OUT
    assert target.read(page - 0x20, 0x20) == whole[:0x20]
    assert target.read(page, 0) == b""
    for address, size in ((-8, 16), ((1 << 64) - 4, 8), (1 << 64, 1), (page - 0x20, 1 << 40)):
        with pytest.raises(MemoryUnreadable):
            target.read(address, size)


def test_a_token_in_transition_is_still_read_and_a_prototype_page_is_said_to_be_one(case: Case) -> None:
    token = case.kernel.tokens["notepad"]
    dump = case.dump.copy()
    entry = dump.entry(token)
    target = case.open(dump.set_entry(token, (entry & ((1 << 52) - PAGE)) | TRANSITION).full())
    assert everything(target) == everything(SyntheticSource(case.kernel))
    assert target.dump.tables.in_transition > 0
    target = case.open(dump.set_entry(token, 0x400 | 0x123 << 32).full())
    found = Tokens(CachedSource(target)).at(token)
    assert isinstance(found, Unreadable) and found.reason == paging.PROTOTYPE


def test_a_file_cut_short_is_read_as_far_as_it_goes_and_said_to_be_short(case: Case) -> None:
    data = case.dump.copy().full()
    target = case.open(data[: -40 * PAGE - 7])
    assert "CUT SHORT: 41 of %d pages are missing" % len(case.dump.pages) in target.about.source
    last = max(case.dump.pages)
    assert target.dump.physical_page(last) is None and target.dump.tables._file(last) == paging.CUT_OFF


def test_a_bitmap_whose_count_is_wrong_is_noted(case: Case) -> None:
    target = case.open(case.dump.copy().bitmap(present=3))
    assert "its header says 3" in target.about.source


def test_symbols_of_another_kernel_are_refused_with_both_values(case: Case, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(isf(case.kernel.layouts, as_image(fake_image(case.kernel.layouts, age=2)))))
    path = case.write(case.dump.copy().full())
    with pytest.raises(TargetError) as failed:
        open_dump(path, str(other))
    assert GUID_TEXT + "1\n" in str(failed.value) and GUID_TEXT + "2" in str(failed.value)


def tampered(case: Case, rva: int, data: bytes) -> Dump:
    """The dump with bytes of nt's image changed."""
    dump = case.dump.copy()
    address = case.kernel.base + rva
    frame = (dump.entry(address) & ((1 << 52) - PAGE)) // PAGE
    page = bytearray(dump.pages[frame])
    page[address % PAGE : address % PAGE + len(data)] = data
    dump.pages[frame] = bytes(page)
    return dump


def test_without_a_guid_the_header_must_agree_with_the_symbols(case: Case, tmp_path: Path) -> None:
    dump = tampered(case, RECORD, b"XXXX")
    target = case.open(dump.full())
    assert "KdDebuggerDataBlock only: its debug directory names no PDB" in target.about.source
    assert everything(target) == everything(SyntheticSource(case.kernel))
    shifted = json.loads(case.symbols.read_text())
    shifted["symbols"]["PsActiveProcessHead"]["address"] += 16
    other = tmp_path / "other.json"
    other.write_text(json.dumps(shifted))
    with pytest.raises(TargetError, match="PsActiveProcessHead is at 0x"):
        open_dump(case.write(dump.full()), str(other))
    with pytest.raises(TargetError, match="does not say which PDB"):
        open_dump(case.write(dump.full()), str(tmp_path))


def test_a_debug_directory_that_is_paged_out_is_said_to_be(case: Case) -> None:
    dump = case.dump.copy().set_entry(case.kernel.base + DEBUG_DIRECTORY, 0x77 << 32 | 0x80)
    target = case.open(dump.full())
    assert "paged out" in target.about.source
    # Then its time stamp and size name it to a symbol server: 0 and that of the image.
    nt = target.dump.nt
    assert (
        nt is not None and nt.image is not None and (nt.image.name, nt.image.key) == ("ntoskrnl.exe", "00000000100000")
    )


def test_nt_is_found_by_the_module_list_by_a_search_and_by_the_symbols(case: Case) -> None:
    symbols, base = case.kernel.symbols, case.kernel.base
    no_block = tampered(case, symbols["KdDebuggerDataBlock"] - base + 0x10, b"XXXX")
    assert case.open(no_block.full()).dump.nt == case.open(case.dump.copy().full()).dump.nt
    no_block.put("KdDebuggerDataBlock", 0x4547415045474150)
    modules = symbols["PsLoadedModuleList"]
    frame = (no_block.entry(modules) & ((1 << 52) - PAGE)) // PAGE
    page = bytearray(no_block.pages[frame])
    page[modules % PAGE : modules % PAGE + 8] = bytes(8)
    no_block.pages[frame] = bytes(page)
    found = CrashDump(case.write(no_block.full())).nt
    assert found is not None and found.base == base
    # Without any image in memory, symbols that agree with two variables of the header still place it.
    no_image = no_block.copy().set_entry(base, 0)
    target = case.open(no_image.full())
    assert target.dump.nt is None
    assert target.symbol("PsActiveProcessHead") == symbols["PsActiveProcessHead"]
    assert everything(target)[1] == []


def test_a_dump_whose_page_tables_are_nothing(case: Case, tmp_path: Path) -> None:
    dump = case.dump.copy().put("DirectoryTableBase", 0x1000)
    path = case.write(dump.full())
    with pytest.raises(TargetError, match="does not say which PDB"):
        open_dump(path, str(tmp_path))


def test_layouts_of_this_project_serve_as_symbols_as_far_as_they_go(case: Case, tmp_path: Path) -> None:
    """They hold no symbols; the header tells where the process list is."""
    layouts = json.loads(LAYOUTS[3].read_text())
    layouts["pdb"] = GUID_TEXT + "1"
    path = tmp_path / "layouts.json"
    path.write_text(json.dumps(layouts))
    target = open_dump(case.write(case.dump.copy().full()), str(path))
    processes, _ = walk_processes(CachedSource(target))
    assert [one.pid for one in processes] == [one.pid for one in MACHINE.processes]
    with pytest.raises(SymbolNotFound):
        target.symbol("SeTokenObjectType")


def test_a_file_cut_before_the_kernel_says_so_when_symbols_cannot_be_matched(case: Case) -> None:
    """With the right ones among others they can: its header names three variables."""
    data = case.dump.copy().full()[: 0x2000 + 30 * PAGE]
    assert "CUT SHORT" in open_dump(case.write(data), str(case.folder)).about.source
    (case.folder / "empty").mkdir()
    with pytest.raises(TargetError) as caught:
        open_dump(case.write(data), str(case.folder / "empty"))
    assert "CUT SHORT" in str(caught.value) and "does not say which PDB" in str(caught.value)


def test_dump_as_a_person_calls_it(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(case.write(case.dump.copy().bitmap(), "spaced name.dmp"))
    assert dump_verb.main(["--dump", path, "--symbols", str(case.folder), "notepad.exe"]) == 0
    out = capsys.readouterr().out
    assert "kernel bitmap dump" in out and "ANNA-PC\\Anna" in out and "SYNTHETIC" in out
    assert dump_verb.main(["--dump", path, "--session", "x", "notepad"]) == 2
    assert dump_verb.main(["--symbols", "x", "notepad"]) == 2
    assert "belong to --dump" in capsys.readouterr().err


HEAD = b"PAGEDU64" + bytes(0x2000 - 8)


def header(**fields: Any) -> bytes:
    dump = Dump(HEAD, {1: bytes(PAGE)}, 0)
    dump.put("MachineImageType", 0x8664).put("NumberOfRuns", 1).put("Run0PageCount", 1).put("DumpType", 1)
    for name, value in fields.items():
        dump.put(name, value)
    return bytes(dump.header) + bytes(PAGE)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "is empty"),
        (bytes(100), "begins with zeros"),
        (b"PAGEDUMP" + bytes(4096), "32-bit crash dump"),
        (b"hello, world, hello", "no Windows crash dump"),
        (b"PAGEDU64" + bytes(4000), "cut short"),
        (header(DumpType=3), "header without memory"),
        (header(DumpType=0), "type 0"),
        (header(DumpType=0x45474150), "type 1162297680"),
        (header(MachineImageType=0x14C), "32-bit x86"),
        (header(MachineImageType=0x200), "type 0x200"),
        (header(NumberOfRuns=0), "0 runs"),
        (header(NumberOfRuns=44), "44 runs"),
        (header(Run0PageCount=1 << 60), "not believable"),
        (header(DumpType=6), "not the bitmap"),
        (header(DumpType=9), "not RDMP"),
        (HEAD[:0x1FFF], "cut short"),
    ],
)
def test_what_is_no_such_dump_is_told_in_one_message(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.dmp"
    path.write_bytes(data)
    with pytest.raises(BadFormat, match=words) as failed:
        CrashDump(path)
    assert str(path) in failed.value.message


def test_what_windows_never_set_is_no_address_and_no_time() -> None:
    """The header is filled with "PAGE" first; other writers of dumps fill with ones."""
    for filling in (b"PAGEPAGE", b"\xff" * 8):
        data = bytearray(header())
        data[0x80:0x88] = data[0xFA8:0xFB0] = filling  # KdDebuggerDataBlock, SystemTime
        data[0x20:0x30] = 2 * filling  # PsLoadedModuleList, PsActiveProcessHead
        read = read_header(bytes(data), "a.dmp")
        assert (read.debugger_data, read.system_time, read.module_list, read.process_list) == (0, 0, 0, 0)


def test_a_bitmap_cut_short_or_too_long(case: Case) -> None:
    data = case.dump.copy().bitmap()
    with pytest.raises(BadFormat, match="within its bitmap"):
        CrashDump(case.write(data[:0x2040]))
    bad = bytearray(data)
    struct.pack_into("<Q", bad, 0x2030, 1 << 50)
    with pytest.raises(BadFormat, match="does not fit"):
        CrashDump(case.write(bytes(bad)))


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.dmp", tmp_path):
        with pytest.raises(BadFormat, match="cannot open the dump"):
            CrashDump(path)


def test_tokens_of_a_cut_dump_are_marked_not_lost(case: Case) -> None:
    """Half a file: every process that is still on the list is told, what is gone is Unreadable."""
    data = case.dump.copy().bitmap()
    seen = 0
    for keep in range(len(data) // PAGE // 2, len(data) // PAGE, 30):
        target = case.open(data[: keep * PAGE])
        try:
            dumps, problems = everything(target)
        except TargetError:
            continue
        tokens = [one.token for one in dumps]
        assert problems or all(isinstance(token, (Token, Unreadable, type(None))) for token in tokens)
        seen += 1
    assert seen >= 2
