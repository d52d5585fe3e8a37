"""Where a page of a dump lies in its file, and what of a header is believed: the edges of each form."""

import struct
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Tuple

import pytest

from kdtoken.errors import BadFormat, MemoryUnreadable
from kdtoken.layout.pdb.image import ImageIdentity
from kdtoken.source.crashdump import header as head
from kdtoken.source.crashdump.form import Form
from kdtoken.source.crashdump.header import DumpHeader, bitmap_header, check_magic, ranges_header, read_header
from kdtoken.source.crashdump.kernel import NT, find_nt, image_at
from kdtoken.source.crashdump.pages import MAX_PAGE, Bitmap, Runs, locate_pages

PAGE, FIRST = 0x1000, 0x2000
FULL, SUMMARY, BITMAP, RANGES, RANGES_FULL = 1, 2, 6, 8, 10


def header(kind: int = FULL, **fields: Any) -> DumpHeader:
    """What a dump says of itself."""
    values: Dict[str, Any] = dict(
        kind=kind, machine=0x8664, build=22000, directory_table=0x1AD000, module_list=0, process_list=0,
        debugger_data=0, runs=(), bugcheck=0, comment=b"",
    )  # fmt: skip
    return DumpHeader(**{**values, **fields})


def file(behind: bytes = b"", pages: int = 0) -> bytes:
    return bytes(head.HEADER_SIZE) + behind + bytes(PAGE * pages)


def test_runs_follow_each_other_in_the_file_as_the_header_lists_them() -> None:
    pages = Runs([(0x100, 2), (0x10, 1)], FIRST, FIRST + 3 * PAGE, "x")
    offsets = [pages.offset(page) for page in (0xF, 0x10, 0x11, 0xFF, 0x100, 0x101, 0x102)]
    assert offsets == [None, FIRST + 2 * PAGE, None, None, FIRST, FIRST + PAGE, None]
    assert (pages.pages, pages.highest, pages.missing) == (3, 0x101, 0)
    short = Runs([(0x100, 2), (0x10, 1)], FIRST, FIRST + 3 * PAGE - 1, "x")  # a byte of the last page is missing
    assert short.missing == 1 and short.offset(0x10) is None and short.offset(0x101) == FIRST + PAGE
    assert short.cut_off(0x10) and not short.cut_off(0x101) and not short.cut_off(0x11)
    nothing = Runs([(0, 1)], FIRST, FIRST - 1, "x")
    assert nothing.missing == 1 and nothing.offset(0) is None


def test_a_run_may_end_where_addresses_do_and_not_behind() -> None:
    assert Runs([(MAX_PAGE - 1, 1)], FIRST, FIRST, "x").highest == MAX_PAGE - 1
    with pytest.raises(BadFormat, match="0x2 pages at 0xffffffffff is not believable"):
        Runs([(MAX_PAGE - 1, 2)], FIRST, FIRST, "x")


def test_a_bitmap_counts_the_pages_before_each() -> None:
    bits = bytearray(130)
    for page in (0, 7, 8, 511, 512, 1024, 1039):
        bits[page // 8] |= 1 << page % 8
    pages = Bitmap(bytes(bits), 1040, FIRST, FIRST + 7 * PAGE)
    assert [pages.index(page) for page in (0, 7, 8, 511, 512, 1024, 1039)] == list(range(7))
    assert [pages.index(page) for page in (-1, 1, 510, 513, 1038, 1040, 5000)] == [-1] * 7
    assert (pages.pages, pages.highest) == (7, 1039)
    assert Bitmap(bytes(8), 64, FIRST, FIRST).highest == 0
    assert Bitmap(b"\x80", 7, FIRST, FIRST).index(7) == -1  # behind the last bit


def bitmap_file(bits: int, bitmap: bytes, present: int, first: int = 0x3000, kind: int = BITMAP) -> bytes:
    if kind == SUMMARY:
        form = struct.pack("<4s4sIIII16x", b"SDMP", b"DUMP", 0, first, bits, present)
    else:
        form = struct.pack("<4s4s24xQQQ", b"FDMP", b"DUMP", first, present, bits)
    return (file(form + bitmap)).ljust(first, b"\0") + bytes(PAGE * present)


@pytest.mark.parametrize("kind", [BITMAP, SUMMARY, 5, 7])
def test_the_bitmap_of_each_kind_of_dump(kind: int) -> None:
    data = bitmap_file(12, b"\x03\xf4", 3, kind=kind)  # of the last byte four bits count
    pages = locate_pages(data, header(kind), "x")
    assert [pages.offset(page) for page in (0, 1, 2, 10, 11, 12)] == [0x3000, 0x4000, None, 0x5000, None, None]
    assert pages.notes == [] and pages.missing == 0
    other = locate_pages(bitmap_file(12, b"\x03\xf4", 4, kind=kind), header(kind), "x")
    assert other.notes == ["its bitmap holds 3 pages, its header says 4"]


def test_a_bitmap_that_does_not_fit_is_refused() -> None:
    start = head.HEADER_SIZE + 0x38
    room = 0x3000 - start
    assert locate_pages(bitmap_file(8 * room, b"", 0), header(BITMAP), "x").pages == 0
    for bits in (0, 8 * room + 1):
        with pytest.raises(BadFormat, match="does not fit before its first page"):
            locate_pages(bitmap_file(bits, b"", 0), header(BITMAP), "x")
    with pytest.raises(BadFormat, match="cut short within its bitmap"):
        locate_pages(bitmap_file(80, b"", 0)[: start + 9], header(BITMAP), "x")
    assert locate_pages(bitmap_file(80, b"", 0)[: start + 10], header(BITMAP), "x").pages == 0
    for wrong in (b"XDMPDUMP", b"SDMPDUMX"):
        with pytest.raises(BadFormat, match="not the bitmap of a dump"):
            bitmap_header(file(wrong + bytes(200)), BITMAP, "x")


def ranges(rows: List[Tuple[int, int]], total: int = 0, metadata: Optional[int] = None) -> bytes:
    table = b"".join(struct.pack("<QQ", *row) for row in rows)
    size = 0x10 + len(table) if metadata is None else metadata
    first = head.HEADER_SIZE + 0x20 + size
    form = struct.pack("<I4s4s4xQQ8xQ", 0x40, b"RDMP", b"DUMP", size, first, total)
    return file(form + table) + bytes(PAGE * sum(count for _, count in rows))


def test_ranges_end_at_the_first_that_is_none_or_where_all_pages_are_there() -> None:
    pages = locate_pages(ranges([(0x10, 2), (0x20, 1), (0, 0), (0x30, 1)]), header(RANGES), "x")
    assert pages.pages == 3 and [pages.index(page) for page in (0x10, 0x11, 0x20, 0x30)] == [0, 1, 2, -1]
    full = locate_pages(ranges([(0x10, 2), (0x20, 1), (0x30, 1)], 3), header(RANGES_FULL), "x")
    assert full.pages == 3
    assert locate_pages(ranges([(0x10, 2), (0x20, 1), (0x30, 1)], 3), header(RANGES), "x").pages == 4
    with pytest.raises(BadFormat, match="empty or cut off"):
        locate_pages(ranges([(0, 1)]), header(9), "x")
    with pytest.raises(BadFormat, match="empty or cut off"):
        locate_pages(ranges([(0x10, 2)])[: head.HEADER_SIZE + 0x30 + 15], header(RANGES), "x")
    good = bytearray(ranges([(0x10, 2)]))
    for at, words in ((4, "not RDMP"), (8, "not RDMP"), (0x18, "contradict each other")):
        bad = bytearray(good)
        bad[head.HEADER_SIZE + at] ^= 1
        with pytest.raises(BadFormat, match=words):
            ranges_header(bytes(bad), "x")


# --- the header


def raw(**fields: Any) -> bytes:
    """A header by its offsets, which WinDbg's dumpchk shows."""
    places = {"machine": (0x30, "I"), "minor": (0xC, "I"), "cr3": (0x10, "Q"), "modules": (0x20, "Q"),
              "processes": (0x28, "Q"), "bugcheck": (0x38, "I"), "debugger": (0x80, "Q"), "runs": (0x88, "I"),
              "run": (0x98, "QQQQ"), "type": (0xF98, "I"), "time": (0xFA8, "Q"), "comment": (0xFB0, "8s")}  # fmt: skip
    data = bytearray(b"PAGEDU64" + b"PAGE" * ((head.HEADER_SIZE - 8) // 4))
    values: Dict[str, Any] = {"machine": 0x8664, "type": FULL, "runs": 1, "run": (0x10, 1, 0x20, 2), "minor": 22000}
    for name, value in {**values, **fields}.items():
        offset, form = places[name]
        struct.pack_into("<" + form, data, offset, *(value if isinstance(value, tuple) else (value,)))
    return bytes(data)


def test_a_header_says_what_it_is_and_what_was_never_set_is_nothing() -> None:
    found = read_header(raw(cr3=0x1AD123, bugcheck=0xE2, comment=b"synth\0xx"), "x")
    assert (found.kind, found.machine, found.build, found.directory_table) == (FULL, 0x8664, 22000, 0x1AD000)
    assert (found.module_list, found.process_list, found.debugger_data, found.system_time) == (0, 0, 0, 0)
    assert (found.bugcheck, found.comment, found.runs) == (0xE2, b"synth", ((0x10, 1),))
    told = read_header(raw(modules=1 << 63, processes=2, debugger=(1 << 64) - 1, time=5, runs=2), "x")
    assert (told.module_list, told.process_list, told.debugger_data, told.system_time) == (1 << 63, 2, 0, 5)
    assert told.runs == ((0x10, 1), (0x20, 2))
    assert read_header(raw(type=BITMAP, runs=0), "x").runs == ()


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"machine": 0x14C}, "a crash dump of a 32-bit x86 machine"),
        ({"machine": 0x1C4}, "a crash dump of a machine of type 0x1c4"),
        ({"type": 3}, "is a dump header without memory"),
        ({"type": 0}, "dump of type 0"),
        ({"type": 11}, "dump of type 11"),
        ({"runs": 0}, "has 0 runs of memory; 1 to 43 fit"),
        ({"runs": 44}, "has 44 runs of memory"),
    ],
)
def test_a_header_that_nobody_can_follow_says_what_it_is(fields: Dict[str, Any], words: str) -> None:
    with pytest.raises(BadFormat, match=words):
        read_header(raw(**fields), "x")
    assert len(read_header(raw(runs=43), "x").runs) == 43 and read_header(raw(machine=0xAA64), "x").machine == 0xAA64


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "is empty"),
        (b"PAGEDUMP" + bytes(8192), "a 32-bit crash dump"),
        (bytes(8192), "begins with zeros"),
        (b"PAGEDU65" + bytes(8192), "it begins with 5041474544553635"),
        (b"PAGEDU64" + bytes(head.HEADER_SIZE - 9), "cut short: 8191 bytes, and the header alone has 8192"),
    ],
)
def test_what_does_not_begin_as_a_dump_does(data: bytes, words: str) -> None:
    with pytest.raises(BadFormat, match=words):
        check_magic(data, "x")
    check_magic(b"PAGEDU64" + bytes(head.HEADER_SIZE - 8), "x")


def test_a_form_has_its_fields_by_name_without_gaps() -> None:
    form = Form(("one", "I"), ("", "4x"), ("many", "2Q"), ("text", "4s"), ("last", "I"))
    assert form.size == 4 + 4 + 16 + 4 + 4
    found = form.parse(struct.pack("<I4xQQ4sI", 1, 2, 3, b"abcd", 4) + b"more")
    assert found == SimpleNamespace(one=1, many=(2, 3), text=b"abcd", last=4)
    with pytest.raises(struct.error):
        form.parse(bytes(form.size - 1))


# --- the kernel's image

BASE = 0xFFFFF80312400000
RSDS = b"RSDS" + bytes(range(16)) + struct.pack("<I", 7) + b"ntkrnlmp.pdb\0"


def image(
    machine: int = 0x8664, records: Tuple[Tuple[int, int, int], ...] = ((2, len(RSDS), 0x900),), pe: int = 0x80,
    magic: bytes = b"MZ", mark: bytes = b"PE\0\0", length: Optional[int] = None,
) -> bytes:  # fmt: skip
    """The first page of an image: PE header, its debug directory at 0x800, the RSDS record at 0x900."""
    page = bytearray(PAGE)
    page[:2] = magic
    struct.pack_into("<I", page, 0x3C, pe)
    if pe + 24 + 112 + 56 <= PAGE:
        struct.pack_into("<4sHHI", page, pe, mark, machine, 0, 0x11223344)
        struct.pack_into("<I", page, pe + 24 + 56, 0x123000)
        size = 28 * len(records) if length is None else length
        struct.pack_into("<II", page, pe + 24 + 112 + 48, 0x800 if records else 0, size)
    for at, (kind, size, where) in enumerate(records):
        struct.pack_into("<IIII", page, 0x800 + 28 * at + 12, kind, size, where, where)
    page[0x900 : 0x900 + len(RSDS)] = RSDS
    return bytes(page)


class Memory:
    """Pages by address."""

    def __init__(self, **pages: bytes) -> None:
        self.pages = {BASE + int(name[1:], 16): data for name, data in pages.items()}

    def __call__(self, address: int, size: int) -> bytes:
        page = self.pages.get(address // PAGE * PAGE)
        if page is None or address % PAGE + size > PAGE:
            raise MemoryUnreadable(address, size, "not there")
        return page[address % PAGE : address % PAGE + size]


def test_an_image_tells_its_size_and_its_pdb() -> None:
    for machine in (0x8664, 0xAA64):
        found = image_at(Memory(x0=image(machine)), BASE)
        assert found is not None and (found.base, found.size) == (BASE, 0x123000)
        assert found.identity is not None and found.identity.age == 7 and found.identity.name == "ntkrnlmp.pdb"
    last = PAGE - 24 - 112 - 56  # as far down as the header of an image fits
    assert image_at(Memory(x0=image(records=(), pe=last)), BASE) is not None
    for odd in (
        image(magic=b"ZM"), image(mark=b"NE\0\0"), image(0x14C), image(pe=last + 1), image(pe=0xFFFFFFF0),
    ):  # fmt: skip
        assert image_at(Memory(x0=odd), BASE) is None
    assert image_at(Memory(x0=image()), BASE + 8) is None and image_at(Memory(), BASE) is None


@pytest.mark.parametrize(
    "records, why",
    [
        ((), "it has no debug directory"),
        (((12, 10, 0x900),), "its debug directory names no PDB"),
        (((2, 10, 0x800),), "its debug directory names no PDB"),
        (((2, len(RSDS), 0x5000),), "its debug directory at 0xfffff80312405000 cannot be read: not there"),
    ],
)
def test_an_image_whose_pdb_is_not_told_is_known_by_itself(records: Tuple[Tuple[int, int, int], ...], why: str) -> None:
    found = image_at(Memory(x0=image(records=records)), BASE)
    assert found is not None and found.identity is None and found.why == why
    assert found.image == ImageIdentity(NT, 0x11223344, 0x123000)


def test_the_record_that_names_the_pdb_may_stand_behind_others() -> None:
    several = ((12, 10, 0x900), (2, 10, 0x800), (2, len(RSDS), 0x900))
    found = image_at(Memory(x0=image(records=several)), BASE)
    assert found is not None and found.identity is not None
    cut = image_at(Memory(x0=image(records=several, length=56)), BASE)  # the directory ends before it
    assert cut is not None and cut.identity is None


def word(at: int, value: int, extra: bytes = b"") -> bytes:
    page = bytearray(PAGE)
    struct.pack_into("<Q", page, at, value)
    page[at + 8 : at + 8 + len(extra)] = extra
    return bytes(page)


def test_the_ways_to_the_kernel_are_tried_in_their_order() -> None:
    block = bytearray(PAGE)
    block[0x10:0x14] = b"KDBG"
    struct.pack_into("<Q", block, 0x18, BASE)
    by_block, why = find_nt(Memory(x0=image(), x5000=bytes(block)), header(debugger_data=BASE + 0x5000))
    assert by_block is not None and why == ""
    # The first module of the list: its entry holds where it is loaded.
    listed = Memory(x0=image(), x6000=word(0, BASE + 0x7000), x7000=word(0x30, BASE))
    assert find_nt(listed, header(module_list=BASE + 0x6000))[0] is not None
    # The list's head is a variable of the kernel: its image begins below.
    below = Memory(x0=image(), x6000=bytes(PAGE))
    found, _ = find_nt(below, header(module_list=BASE + 0x6010))
    assert found is not None and found.base == BASE
    assert find_nt(Memory(), header())[0] is None
    assert find_nt(Memory(), header())[1] == "neither KdDebuggerDataBlock nor PsLoadedModuleList can be read"
    wrong = Memory(x5000=bytes(block), x7000=word(0x30, BASE + 0x1000), x6000=word(0, BASE + 0x7000))
    _, why = find_nt(wrong, header(debugger_data=BASE + 0x5000, module_list=BASE + 0x6000))
    assert why == "KdDebuggerDataBlock said 0x%x, the first loaded module said 0x%x" % (BASE, BASE + 0x1000)
