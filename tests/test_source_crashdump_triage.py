"""Triage dumps: the process and the thread of the crash, and of the token what was kept."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken import dump as dump_verb
from kdtoken import record as record_verb
from kdtoken import walk as walk_verb
from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.errors import BadFormat, KdTokenError, MemoryUnreadable, NotRecorded, TargetError
from kdtoken.layout.layout_file import load_layouts
from kdtoken.layout.pdb.image import ImageIdentity
from kdtoken.model.absent import Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDetails
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import CrashDump, CrashDumpSource, open_dump
from kdtoken.source.crashdump.triage import NOT_KEPT, Pieces
from tests.dump_bytes import Dump
from tests.engine.volatility import isf
from tests.examples import examples
from tests.fake_image import GUID, GUID_TEXT, as_image, fake_image
from tests.machine.crashdump import FIELDS, HEADER_SIZE
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.structs import Structs
from tests.machine.synthetic import SyntheticSource
from tests.machine.triage import PLACES, STAMP, triage_dump
from tests.test_layout_pdb_image import exe

LAYOUTS = sorted((Path(__file__).parent.parent / "fixtures" / "layouts").glob("nt-*.json"))
PID = next(one.pid for one in MACHINE.processes if one.image_name == b"notepad.exe")


def kernel_of(layout_file: Path, folder: Path) -> Kernel:
    """The kernel of a build, whose symbols are put in a folder."""
    layouts = load_layouts(layout_file)
    image = fake_image(layouts)
    (folder / "symbols.json").write_text(json.dumps(isf(layouts, as_image(image))))
    return build(MACHINE, layouts, image)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("triage")


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Kernel:
    return kernel_of(LAYOUTS[1], folder)


def opened(data: bytes, folder: Path, symbols: str = "symbols.json") -> CrashDumpSource:
    path = folder / "Mini112626-01.dmp"
    path.write_bytes(data)
    return open_dump(path, str(folder / symbols))


@pytest.mark.parametrize("layout_file", LAYOUTS, ids=lambda path: path.stem)
def test_process_thread_and_what_was_kept_of_the_token(layout_file: Path, tmp_path: Path) -> None:
    kernel = kernel_of(layout_file, tmp_path)
    target = CachedSource(opened(triage_dump(kernel, PID), tmp_path))
    whole = CachedSource(SyntheticSource(kernel))
    declared = MACHINE.process(PID)
    processes, problems = walk_processes(target)
    assert [(one.pid, one.address) for one in processes] == [(PID, kernel.processes[PID])]
    assert len(problems) == 1 and "no list of processes" in problems[0]
    expected = next(one for one in walk_processes(whole)[0] if one.pid == PID)
    assert processes[0] == expected
    kept, all_of_it = process_details(target, processes[0]), process_details(whole, expected)
    assert isinstance(kept, ProcessDetails) and isinstance(all_of_it, ProcessDetails)
    # The session lies behind a pointer that a triage dump does not follow; all else is as in the whole machine.
    assert isinstance(kept.session_id, Unreadable) and kept.session_id.reason == NOT_KEPT
    assert replace(kept, session_id=all_of_it.session_id) == all_of_it
    dump = dump_process(Tokens(target), processes[0])
    assert [thread.tid for thread in dump.threads] == [declared.threads[0].tid]
    token, spec = dump.token, MACHINE.tokens[str(declared.token)]
    assert isinstance(token, Token)
    # Right of the 256 bytes: these lie within them in every build.
    assert token.token_id == Luid(0, spec.token_id) and token.authentication_id == Luid(0, spec.auth_id)
    assert isinstance(token.privileges, tuple)
    present, enabled, _ = spec.privileges.masks
    assert sum(1 << one.number for one in token.privileges if one.present) == present
    assert sum(1 << one.number for one in token.privileges if one.enabled) == enabled
    assert (token.token_type, token.flags, token.session_id) == (spec.type, spec.flags, spec.session_id)
    assert token.user_and_group_count == len(spec.all_groups)
    # The source lies before the unmasked reference, the SIDs behind the 256 bytes: unreadable, and no more than these.
    assert isinstance(token.source_name, Unreadable) and token.source_name.reason == NOT_KEPT
    assert isinstance(token.user, Unreadable)


def test_the_kernel_that_it_names_leads_to_the_symbols(kernel: Kernel, folder: Path, tmp_path: Path) -> None:
    """A triage dump keeps no part of nt, and so no GUID: a store that has the EXE of its time stamp and size knows it."""
    path = tmp_path / "Mini.dmp"
    path.write_bytes(triage_dump(kernel, PID))
    key = "%08X%x" % (STAMP, kernel.image_size)
    store = tmp_path / "store"
    (store / "ntkrnlmp.pdb").mkdir(parents=True)
    with pytest.raises(TargetError, match="its kernel: ntoskrnl.exe, time stamp and size %s" % key):
        open_dump(path, str(store))
    symbols = store / "ntkrnlmp.pdb" / (GUID_TEXT + "-1.json")
    symbols.write_bytes((folder / "symbols.json").read_bytes())
    image = store / "ntoskrnl.exe" / key / "ntoskrnl.exe"
    image.parent.mkdir(parents=True)
    image.write_bytes(exe(STAMP, kernel.image_size, 1, b"ntkrnlmp.pdb", GUID))
    target = open_dump(path, str(store))
    assert target.symbols.origin == str(symbols)
    nt = target.dump.nt
    assert nt is not None and nt.image == ImageIdentity("ntoskrnl.exe", STAMP, kernel.image_size)
    assert [one.pid for one in walk_processes(target)[0]] == [PID]
    target.dump.close()


def test_members_are_missing_and_not_the_whole_token(kernel: Kernel, folder: Path) -> None:
    """A hole before the token's body, and one of 16 bytes within it."""
    token = kernel.tokens[str(MACHINE.process(PID).token)]
    size = kernel.layouts.layout("_TOKEN").size or 0
    data = triage_dump(kernel, PID, extra=((token, size + 0x300),))
    whole = Tokens(CachedSource(SyntheticSource(kernel))).at(token)
    found = Tokens(CachedSource(opened(data, folder))).at(token)
    assert isinstance(found, Token) and isinstance(whole, Token)
    assert found.source_name == whole.source_name and found.user == whole.user and found.groups == whole.groups
    # Cut the table down to a block that begins in the middle of ParentTokenId.
    at = kernel.layouts.layout("_TOKEN").field("ParentTokenId").offset
    data = triage_dump(kernel, PID, extra=((token + at + 2, size),))
    table, count = struct.unpack_from("<II", data, HEADER_SIZE + PLACES["DataBlocksOffset"])
    changed = bytearray(data)
    struct.pack_into("<QII", changed, table, 0, 0, 0)  # without the block at the reference
    found = Tokens(CachedSource(opened(bytes(changed), folder))).at(token)
    assert isinstance(found, Token) and count == 3
    assert isinstance(found.token_id, Unreadable) and isinstance(found.parent_token_id, Unreadable)
    assert found.modified_id == whole.modified_id and found.privileges == whole.privileges


def test_the_verbs(kernel: Kernel, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(triage_dump(kernel, PID), folder)
    where = ["--dump", str(folder / "Mini112626-01.dmp"), "--symbols", str(folder / "symbols.json")]
    assert walk_verb.main(where) == 1  # one process, of a list that is not there
    text = capsys.readouterr().out
    assert "1 process" in text and "notepad.exe" in text and "triage dump" in text
    assert dump_verb.main(where + ["notepad"]) == 0
    first = capsys.readouterr().out
    assert "not in the triage dump" in first
    assert "it keeps the process and the thread of the crash" in " ".join(first.split())
    assert dump_verb.main(where + ["lsass"]) == 2
    assert "no list of processes" in capsys.readouterr().err
    # A recording of it holds the same holes.
    session = str(folder / "triage.kdtoken")
    assert record_verb.main(["-o", session, "dump", *where, "notepad"]) == 0
    capsys.readouterr()
    assert dump_verb.main(["--session", session, "notepad"]) == 0
    again = capsys.readouterr().out
    assert again.split("\n\n", 1)[1] == first.split("\n\n", 1)[1]


def test_symbols_are_matched_by_variables_and_found_by_trying(kernel: Kernel, folder: Path, tmp_path: Path) -> None:
    """A triage dump names no PDB."""
    data = triage_dump(kernel, PID)
    store = tmp_path / "ntkrnlmp.pdb"
    store.mkdir()
    right = json.loads((folder / "symbols.json").read_text())
    wrong = json.loads((folder / "symbols.json").read_text())
    wrong["symbols"]["KdDebuggerDataBlock"]["address"] += 16
    (store / "A-1.json").write_text(json.dumps(wrong))
    path = tmp_path / "Mini.dmp"
    path.write_bytes(data)
    with pytest.raises(TargetError, match="none of 1 symbol files fits"):
        open_dump(path, str(tmp_path))
    with pytest.raises(TargetError, match="KdDebuggerDataBlock is at 0x"):
        open_dump(path, str(store / "A-1.json"))
    (store / "B-1.json").write_text(json.dumps(right))
    target = open_dump(path, str(tmp_path))
    assert target.symbols.origin == str(store / "B-1.json")
    assert "PsLoadedModuleList, PsActiveProcessHead, KdDebuggerDataBlock" in target.about.source


def test_a_header_that_gives_system_for_the_list_of_processes(kernel: Kernel, folder: Path) -> None:
    """As some real dumps have it: two variables are left to match by, and the list is the symbols'."""
    dump = Dump.of(kernel).put("PsActiveProcessHead", kernel.processes[4])
    debug = kernel.base + 0x1100  # the RSDS record is not in the dump
    target = opened(dump.set_entry(debug, 0x77 << 32 | 0x80).full(), folder)
    assert "gives System itself" in target.about.source
    assert target.symbol("PsActiveProcessHead") == kernel.symbols["PsActiveProcessHead"]
    assert len(walk_processes(CachedSource(target))[0]) == len(MACHINE.processes)
    with pytest.raises(TargetError, match="PsActiveProcessHead is at"):
        opened(dump.put("PsActiveProcessHead", kernel.processes[PID]).full(), folder)


def poked(kernel: Kernel, data: bytes, place: str, kind: str, path: str, value: int) -> bytes:
    """The dump with a pointer of one of its copies changed."""
    changed = bytearray(data)
    at = struct.unpack_from("<I", data, HEADER_SIZE + PLACES[place])[0]
    offset = Structs(kernel.memory, kernel.layouts).offset(kind, path)
    struct.pack_into("<Q", changed, at + offset, value)
    return bytes(changed)


def test_a_thread_that_is_attached_to_another_process(kernel: Kernel, folder: Path) -> None:
    """The copy is of the process whose memory the thread saw, not of the thread's own."""
    data = triage_dump(kernel, PID)
    data = poked(kernel, data, "ThreadOffset", "_ETHREAD", "Tcb.Process", kernel.processes[4])
    data = poked(kernel, data, "ThreadOffset", "_ETHREAD", "Cid.UniqueProcess", 4)
    target = opened(data, folder)
    assert target.kept_processes == (kernel.processes[PID],)
    assert "one pointer only" not in target.about.source


def test_a_place_with_one_witness_is_told_and_without_any_is_none(kernel: Kernel, folder: Path) -> None:
    data = poked(kernel, triage_dump(kernel, PID), "ProcessOffset", "_EPROCESS", "Pcb.ProfileListHead", 0xFFFF)
    target = opened(data, folder)
    assert target.kept_processes == (kernel.processes[PID],)
    assert "_EPROCESS belongs is told by one pointer only" in target.about.source
    target = opened(poked(kernel, data, "PrcbOffset", "_KPRCB", "CurrentThread", 0), folder)
    assert target.kept_threads == () and "_ETHREAD belongs is not told" in target.about.source


def test_arm64_is_read_as_well(kernel: Kernel, folder: Path) -> None:
    """No page tables are in question; the layouts are the symbols' business."""
    data = bytearray(triage_dump(kernel, PID))
    struct.pack_into("<I", data, FIELDS["MachineImageType"][0], 0xAA64)
    assert len(walk_processes(CachedSource(opened(bytes(data), folder)))[0]) == 1


def test_how_much_of_a_cut_dump_is_there(kernel: Kernel, folder: Path) -> None:
    data = triage_dump(kernel, PID)
    assert (
        "CUT SHORT: %d of %d bytes are there" % (len(data) - 0x80, len(data))
        in opened(data[:-0x80], folder).about.source
    )
    assert "CUT SHORT" not in opened(data, folder).about.source


def test_the_first_driver_is_the_kernel_where_it_lies_where_the_debugger_s_block_says(
    kernel: Kernel, folder: Path
) -> None:
    """Else its time stamp and size are another file's, and the kernel is nowhere named."""
    data = bytearray(triage_dump(kernel, PID))
    nt = opened(bytes(data), folder).dump.nt
    assert nt is not None and (nt.base, nt.image) == (
        kernel.base,
        ImageIdentity("ntoskrnl.exe", STAMP, kernel.image_size),
    )
    entry = struct.unpack_from("<I", data, HEADER_SIZE + PLACES["DriverListOffset"])[0]
    struct.pack_into("<Q", data, entry + 0x38, kernel.base + 0x1000000)
    nt = opened(bytes(data), folder).dump.nt
    assert nt is not None and (nt.base, nt.image) == (kernel.base, None)


def test_what_cannot_be_opened_says_why(kernel: Kernel, folder: Path) -> None:
    data = triage_dump(kernel, PID)
    path = folder / "cut.dmp"
    path.write_bytes(data[: HEADER_SIZE + 0x90])
    with pytest.raises(BadFormat, match="nothing of the memory is left"):
        open_dump(path, str(folder / "symbols.json"))
    path.write_bytes(data[: HEADER_SIZE + 0x40])
    with pytest.raises(BadFormat, match="cut short or damaged"):
        open_dump(path, str(folder / "symbols.json"))
    path.write_bytes(data)
    with pytest.raises(BadFormat, match="keeps no pages"):
        CrashDump(path)
    target = opened(data[:-0x80], folder)
    assert "CUT SHORT" in target.about.source
    with pytest.raises(MemoryUnreadable, match="outside the address space"):
        target.read((1 << 64) - 4, 8)


BLOCKS = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(0, 40)), max_size=8)


@given(BLOCKS, st.integers(0, 120), st.integers(1, 60))
def test_pieces_give_every_byte_that_is_there_and_the_first_block_wins(
    blocks: List[Tuple[int, int, int]], address: int, size: int
) -> None:
    data = bytes(range(100))
    there: Dict[int, int] = {}
    for start, offset, length in blocks:
        for index in range(min(length, len(data) - offset)):
            there.setdefault(start + index, data[offset + index])
    pieces = Pieces(data)
    pieces.add(blocks)
    try:
        got = dict(enumerate(pieces.read(address, size), address))
        assert len(got) == size
    except NotRecorded as error:
        got = dict(enumerate(error.partial, address))
        for start, part in error.known:
            got.update(enumerate(part, start))
        assert len(got) < size
    assert got == {at: there[at] for at in range(address, address + size) if at in there}


VALUES = [0, 1, 0x2000, 0x7FFFFFFF, 0xFFFFFFFF, 0x2080]


@settings(max_examples=examples(60))
@given(
    st.lists(
        st.tuples(st.sampled_from(list(range(0, 0x80, 4)) + [0xF98 - 0x2000]), st.sampled_from(VALUES)), max_size=3
    )
)
def test_damaged_headers(kernel: Kernel, folder: Path, changes: List[Tuple[int, int]]) -> None:
    data = bytearray(triage_dump(kernel, PID))
    for at, value in changes:
        struct.pack_into("<I", data, HEADER_SIZE + at, value)
    try:
        target = CachedSource(opened(bytes(data), folder))
        for process in walk_processes(target)[0]:
            dump_process(Tokens(target), process)
    except KdTokenError:
        pass


def test_addresses_of_a_triage_dump_begin_at_zero_and_end_with_64_bits(kernel: Kernel, folder: Path) -> None:
    target = opened(triage_dump(kernel, PID), folder)
    assert target.read(0xFFFFF80312403000, 0) == b""
    for address, size in ((-1, 4), (1 << 64, 4), ((1 << 64) - 4, 5)):
        with pytest.raises(MemoryUnreadable) as error:
            target.read(address, size)
        assert error.value.reason == "outside the address space" and not isinstance(error.value, NotRecorded)
    for address, size in ((0, 4), ((1 << 64) - 4, 4)):
        with pytest.raises(NotRecorded) as kept:
            target.read(address, size)
        assert kept.value.reason == NOT_KEPT


def test_what_a_range_lacks_is_told_with_what_lies_before_and_behind_it() -> None:
    pieces = Pieces(bytes(range(100)))
    pieces.add([(0x1000, 0, 8), (0x1010, 20, 8), (0x1008, 40, 4), ((1 << 64) - 4, 60, 16), (0x2000, 96, 50)])
    assert pieces.read(0x1000, 12) == bytes(range(8)) + bytes(range(40, 44))
    with pytest.raises(NotRecorded) as error:
        pieces.read(0x1000, 0x20)
    assert error.value.partial == bytes(range(8)) + bytes(range(40, 44))
    assert error.value.known == ((0x1010, bytes(range(20, 28))),)
    with pytest.raises(NotRecorded) as error:
        pieces.read(0xFFF, 4)
    assert error.value.partial == b"" and error.value.known == ((0x1000, bytes(range(3))),)
    assert pieces.read((1 << 64) - 4, 4) == bytes(range(60, 64))  # as far as addresses go
    with pytest.raises(NotRecorded) as error:
        pieces.read(0x2000, 5)  # as far as the file goes
    assert error.value.partial == bytes(range(96, 100))


@pytest.mark.parametrize(
    "place, kind, words",
    [("ProcessOffset", "_EPROCESS", "its copy of _EPROCESS is cut off"), ("ThreadOffset", "_ETHREAD", "its copy of _ETHREAD is cut off")],
)  # fmt: skip
def test_a_copy_that_is_not_there_or_not_whole_is_placed_nowhere(
    place: str, kind: str, words: str, kernel: Kernel, folder: Path
) -> None:
    data = triage_dump(kernel, PID)
    size = kernel.layouts.layout(kind).size or 0
    for at in (0, len(data) - size + 1):
        changed = bytearray(data)
        struct.pack_into("<I", changed, HEADER_SIZE + PLACES[place], at)
        target = opened(bytes(changed), folder)
        assert words in target.about.source
        assert (target.kept_processes if kind == "_EPROCESS" else target.kept_threads) == ()
