"""The side file of a .vmem, an ELF core's tables, and why a file is no memory of Windows: the edges of each."""

import struct
from pathlib import Path
from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.source.image.elf import ElfCore
from kdtoken.source.image.raw import layouts
from kdtoken.source.image.refusal import could_be_image, no_windows
from kdtoken.source.image.segments import MAX_SEGMENTS, Segments
from kdtoken.source.image.vmware import inner_memory, is_encrypted, is_running, memory_file, regions, side_file

PAGE, GIB = 0x1000, 1 << 30
OLD, NEW = b"\xd0\xbe\xd2\xbe", b"\xd2\xbe\xd2\xbe"  # lengths of 32 bits, of 64 bits


def tag(
    name: bytes, indices: Tuple[int, ...], data: bytes, long: bool = False, wide: int = 8, padding: int = 0
) -> bytes:
    """A tag: flags with the number of indices and the length (or 62: two lengths and padding follow), its name."""
    head = bytes([len(indices) << 6 | (62 if long else len(data)), len(name)]) + name
    head += struct.pack("<%dI" % len(indices), *indices)
    if long:
        head += len(data).to_bytes(wide, "little") * 2 + padding.to_bytes(2, "little") + bytes(padding)
    return head + data


def side(tags: List[bytes], magic: bytes = NEW, group: bytes = b"memory") -> bytes:
    other = struct.pack("<64sQQ", b"cpu", 0x10, 0)
    table = other + struct.pack("<64sQQ", group, 12 + 160, 0)
    return struct.pack("<4sII", magic, 0, 2) + table + b"".join(tags) + b"\0\0"


def number(name: bytes, value: int, *indices: int) -> bytes:
    return tag(name, indices, value.to_bytes(4, "little"))


def region(at: int, first: int, size: int, place: int) -> List[bytes]:
    return [number(b"regionPPN", first, at), number(b"regionSize", size, at), number(b"regionPageNum", place, at)]


def placed(data: bytes, size: int = 16 * PAGE) -> List[Tuple[int, int, int]]:
    return regions(data, size, "x.vmss").segments


@pytest.mark.parametrize("magic", [OLD, NEW, b"\xd1\xba\xd1\xba", b"\xd3\xbe\xd3\xbe"])
def test_regions_say_where_pages_belong(magic: bytes) -> None:
    tags = [number(b"regionsCount", 2), *region(0, 0, 4, 0), *region(1, 0x100, 2, 4), number(b"other", 9)]
    assert placed(side(tags, magic)) == [(0, 4, 0), (0x100, 2, 4 * PAGE)]


def test_a_machine_with_little_memory_lies_in_one_piece() -> None:
    assert placed(side([number(b"other", 1)]), 5 * PAGE + 1) == [(0, 5, 0)]
    assert placed(side([number(b"regionsCount", 0)]), 5 * PAGE) == [(0, 5, 0)]


@pytest.mark.parametrize(
    "data, words",
    [
        (side([number(b"regionsCount", 1)]), "region 0 of 1 is not all there"),
        (side([number(b"regionsCount", 2), *region(0, 0, 4, 0)]), "region 1 of 2 is not all there"),
        (side([number(b"regionsCount", MAX_SEGMENTS + 1)]), "damaged: 65537 regions of memory"),
        (side([number(b"regionsCount", 2), *region(0, 0, 4, 0), *region(1, 3, 4, 4)]), "table of memory is damaged"),
        (b"\xd4\xbe\xd2\xbe" + side([])[4:], "no .vmss or .vmsn: it begins with d4bed2be"),
        (side([], group=b"disk"), "tells nothing of memory"),
        (side([], group=b"memoryX"), "tells nothing of memory"),
        (side([])[:20], "tells nothing of memory"),
        (b"", "it begins with 00000000"),
    ],
)
def test_a_side_file_that_is_damaged_says_how(data: bytes, words: str) -> None:
    with pytest.raises(BadFormat, match=words):
        placed(data)


@pytest.mark.parametrize("magic, wide", [(OLD, 4), (NEW, 8)])
@pytest.mark.parametrize("padding", [0, 3])
def test_what_is_long_says_its_length_twice_and_is_passed_over(magic: bytes, wide: int, padding: int) -> None:
    long = tag(b"Memory", (), bytes(PAGE), True, wide, padding)
    data = side([tag(b"text", (1, 2), bytes(61)), long, number(b"regionsCount", 1), *region(0, 7, 1, 0)], magic)
    assert placed(data) == [(7, 1, 0)]
    found = inner_memory(data, "x")
    assert found is not None and found[1] == PAGE and found[0] == data.index(long) + len(long) - PAGE
    assert inner_memory(side([tag(b"Memory", (), bytes(PAGE - 1), True)]), "x") is None  # no page of it
    assert inner_memory(side([tag(b"memory", (), bytes(PAGE), True)]), "x") is None


def test_the_first_of_two_tags_of_one_name_counts_and_a_cut_file_ends_quietly() -> None:
    tags = [number(b"regionsCount", 1), number(b"regionsCount", 5), *region(0, 7, 1, 0), number(b"regionPPN", 9, 0)]
    assert placed(side(tags)) == [(7, 1, 0)]
    whole = side([number(b"regionsCount", 1), *region(0, 7, 1, 0)])
    assert placed(whole[:-2]) == [(7, 1, 0)] and placed(whole[:-1]) == [(7, 1, 0)]
    assert placed(side([number(b"a", 1), tag(b"b", (), bytes(10), True)])[:-8], PAGE) == [(0, 1, 0)]


def test_files_that_lie_beside_each_other_are_found_by_their_names(tmp_path: Path) -> None:
    memory, state = tmp_path / "a.vmem", tmp_path / "a.vmss"
    memory.write_bytes(b"x")
    assert side_file(str(memory)) is None and not is_running(str(memory))
    (tmp_path / "a.vmsn").write_bytes(b"x")
    assert side_file(str(memory)) == str(tmp_path / "a.vmsn")
    state.write_bytes(b"x")
    assert side_file(str(memory)) == str(state)  # of both, the suspended state
    assert side_file(str(state)) is None and memory_file(str(state)) == str(memory)
    assert memory_file(str(tmp_path / "b.vmss")) is None
    (tmp_path / "a.vmem.lck").mkdir()
    assert is_running(str(memory)) and not is_encrypted(str(memory))
    (tmp_path / "A.VMX").write_bytes(b'Encryption.KeySafe = "vmware:key/list"')
    assert is_encrypted(str(memory)) and not is_encrypted(str(tmp_path / "none" / "a.vmem"))


# --- ELF


def core(
    loads: List[Tuple[int, int, int, int]], kind: int = 4, machine: int = 62, ident: bytes = b"\x7fELF\2\1",
    count: Optional[int] = None, size: int = 56, extra: bytes = b"", length: int = 0x8000,
) -> bytes:  # fmt: skip
    """An ELF core; a load is (type, offset, physical address, bytes in the file)."""
    table = b"".join(struct.pack("<IIQQQQQQ", what, 0, at, 0, place, n, n, 0) for what, at, place, n in loads)
    many = len(loads) if count is None else count
    head = struct.pack("<16sHHIQQQIHHHHHH", ident, kind, machine, 1, 0, 64, 0x300, 0, 64, size, many, 0, 0, 0)
    data = bytearray((head + table).ljust(0x300, b"\0").ljust(length, b"\0"))
    data[0x400 : 0x400 + len(extra)] = extra
    return bytes(data)


def test_loads_of_a_core_are_its_memory() -> None:
    made = ElfCore(
        core([(1, 0x1000, 0, 0x2000), (1, 0x3000, 4 * GIB, 0x1800), (1, 0, 0x123, PAGE), (1, 0, 0x9000, PAGE - 1)]), "x"
    )
    assert made.pages.segments == [(0, 2, 0x1000), (4 * GIB // PAGE, 1, 0x3000)] and made.roots == []
    assert ElfCore(core([(1, 0, PAGE, PAGE)], machine=183), "x").machine == 0xAA64
    lone = ElfCore(core([(1, 0x1000, 0, PAGE)]), "x")  # one piece from address 0 on is a machine's
    assert lone.pages.segments == [(0, 1, 0x1000)]


@pytest.mark.parametrize(
    "data, words",
    [
        (b"\x7fELF", "cut short within its ELF header"),
        (core([(1, 0, 0, PAGE)], ident=b"\x7fELF\1\1"), "32 bits or big-endian"),
        (core([(1, 0, 0, PAGE)], ident=b"\x7fELF\2\2"), "32 bits or big-endian"),
        (core([(1, 0, 0, PAGE)], kind=3), "no core: a program"),
        (core([(1, 0, 0, PAGE)], machine=3), "a machine of type 3"),
        (core([(1, 0, 0, PAGE)], size=55), "damaged or cut off"),
        (core([], count=0), "damaged or cut off .0 entries"),
        (core([(1, 0, 0, PAGE)], count=0x7FFF), "damaged or cut off .32767 entries"),
        (core([(4, 0x400, 0, 0)]), "without memory, or of a process"),
        (core([(1, 0x1000, 0, PAGE), (1, 0x2000, 0, PAGE)]), "the ELF core of a process"),
    ],
)
def test_an_elf_file_that_is_no_core_of_a_machine_says_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(BadFormat, match=words):
        ElfCore(data, "x")


def note(name: bytes, body: bytes) -> bytes:
    def padded(part: bytes) -> bytes:
        return part.ljust(-(-len(part) // 4) * 4, b"\0")

    return struct.pack("<III", len(name), len(body), 0) + padded(name) + padded(body)


def test_each_processor_s_cr3_is_told_by_qemu_s_note() -> None:
    """QEMUCPUState (target/i386/arch_dump.c): version, size, 18 registers, 10 segments of 24 bytes, then cr0 to cr4."""

    def state(cr3: int, length: int = 440) -> bytes:
        return bytes(8 + 18 * 8 + 10 * 24 + 3 * 8) + cr3.to_bytes(8, "little") + bytes(length - 424)

    notes = note(b"CORE\0", bytes(5)) + note(b"QEMU\0", state(0x1AD000)) + note(b"QEMU\0", state(0x2AD018))
    notes += note(b"QEMU\0", state(0x3AD000)[:423]) + note(b"QEMU\0", state(0x4AD000, 424))
    made = ElfCore(core([(1, 0x1000, 0, PAGE), (4, 0x400, 0, len(notes))], extra=notes), "x")
    assert made.roots == [0x1AD000, 0x2AD000, 0x4AD000]  # the lowest bits of CR3 are no address


# --- raw, and what is none


def test_ways_that_memory_may_be_spread_go_by_where_machines_have_their_hole() -> None:
    words = [(how, made.segments) for how, made in layouts(4 * GIB, "x")]
    assert words[0] == ("offset is address", [(0, 4 * GIB // PAGE, 0)])
    assert words[1] == ("a hole from 3 to 4 GiB is left out",
                        [(0, 3 * GIB // PAGE, 0), (4 * GIB // PAGE, GIB // PAGE, 3 * GIB)])  # fmt: skip
    assert [how for how, _ in words[2:]] == [
        "a hole from 2 to 4 GiB is left out",
        "a hole from 3.5 to 4 GiB is left out",
    ]
    assert len(layouts(2 * GIB, "x")) == 1 and len(layouts(2 * GIB + PAGE, "x")) == 2
    assert layouts(4 * GIB, "x", padded_first=False)[-1][0] == "offset is address"
    assert not any(made.exact for _, made in layouts(4 * GIB, "x"))


def test_pages_behind_the_end_of_the_file_are_missing_and_said_to_be_cut_off() -> None:
    pages = Segments([(0x10, 2, 0), (0x20, 2, 2 * PAGE)], 3 * PAGE + PAGE - 1, "x")
    assert [pages.offset(page) for page in (0xF, 0x10, 0x11, 0x12, 0x20, 0x21)] == [None, 0, PAGE, None, 2 * PAGE, None]
    assert (pages.pages, pages.missing, pages.highest) == (4, 1, 0x21)
    assert pages.cut_off(0x21) and not pages.cut_off(0x20) and not pages.cut_off(0x22)
    assert Segments([(0, 1, 9 * PAGE)], PAGE, "x").missing == 1 and Segments([], PAGE, "x").highest == 0
    with pytest.raises(BadFormat):
        Segments([(0, 1, -1)], PAGE, "x")
    assert Segments([(0, 2, 0), (2, 1, 0)], PAGE, "x").pages == 3  # the second begins where the first ends
    with pytest.raises(BadFormat):
        Segments([(0, 2, 0), (1, 1, 0)], PAGE, "x")


@pytest.mark.parametrize(
    "name, head, size, image",
    [
        ("x", b"\x7fELF", 1, True), ("x", NEW, 1, True), ("x.VMSS", b"", 1, True), ("x.vmsn", b"MZ", 1, True),
        ("x", bytes(16), 1 << 20, True), ("x", bytes(16), (1 << 20) - 1, False), ("x", b"PAGEDUMP", 1 << 30, False),
        *(("x", magic, 1 << 30, False) for magic in
          (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"MSCF",
           b"Rar!", b"MDMP", b"hibr", b"EMiL", b"MZ", b"Microsoft C/C++")),
    ],
)  # fmt: skip
def test_which_files_are_looked_into_at_all(name: str, head: bytes, size: int, image: bool) -> None:
    assert could_be_image(name, head, size) is image


def test_why_nothing_was_found_is_said_by_what_the_file_holds() -> None:
    def why(data: bytes, *notes: str, failures: Any = ()) -> str:
        found = no_windows("x.raw", data, "raw", notes, failures)
        return "%s; %s" % (found.message, found.next_step)

    random = b"".join(bytes((7 * at + page) % 256 for at in range(PAGE)) for page in range(64))
    assert "look random throughout" in why(random) and "look random" not in why(random[:-PAGE])
    zeros = bytes(64 * PAGE)
    assert "holds no 64-bit Windows that could be found; a crash dump" in why(zeros)
    assert "be found; CUT SHORT; copy or take it again, whole" in why(zeros, "CUT SHORT")
    assert "be found; a; b; its bytes look random throughout" in why(random, "a", "b")
    assert "holds a Linux" in why(b"x" * 99 + b"Linux version 6.1")
    assert why(zeros, failures=[BadFormat("no symbols", "x"), BadFormat("other", "x")]).startswith(
        "no Windows could be proven in x.raw: no symbols"
    )
