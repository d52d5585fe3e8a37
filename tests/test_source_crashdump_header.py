"""The head of a crash dump, field by field at its documented place, and what is refused with which words.

Places: DUMP_HEADER64 and its followers as Rekall, Volatility 3 and kdmp-parser have them.
"""

import struct
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.source.crashdump.form import Form
from kdtoken.source.crashdump.header import (
    BITMAP_HEADER,
    DUMP_HEADER64,
    HEADER_SIZE,
    RANGES_HEADER,
    SUMMARY_HEADER,
    TRIAGE_HEADER,
    bitmap_header,
    ranges_header,
    read_header,
    triage_header,
)

Q, L = 8, 4
FILLING = b"PAGE" * (HEADER_SIZE // 4)  # what Windows writes first


@pytest.mark.parametrize(
    "form, size, fields",
    [
        (
            DUMP_HEADER64,
            0xFB0 + 128,
            {
                "major": (0x8, L),
                "minor": (0xC, L),
                "directory_table": (0x10, Q),
                "pfn_database": (0x18, Q),
                "module_list": (0x20, Q),
                "process_list": (0x28, Q),
                "machine": (0x30, L),
                "processors": (0x34, L),
                "bugcheck": (0x38, L),
                "debugger_data": (0x80, Q),
                "runs": (0x88, L),
                "pages": (0x90, Q),
                "type": (0xF98, L),
                "required_space": (0xFA0, Q),
                "system_time": (0xFA8, Q),
            },
        ),
        (SUMMARY_HEADER, 0x28, {"options": (8, L), "first_page": (0xC, L), "bits": (0x10, L), "present": (0x14, L)}),
        (BITMAP_HEADER, 0x38, {"first_page": (0x20, Q), "present": (0x28, Q), "bits": (0x30, Q)}),
        (
            RANGES_HEADER,
            0x30,
            {"marker": (0, L), "metadata_size": (0x10, Q), "first_page": (0x18, Q), "total_pages": (0x28, Q)},
        ),
        (
            TRIAGE_HEADER,
            0x80,
            {
                "service_pack": (0, L),
                "size": (0x4, L),
                "valid": (0x8, L),
                "context": (0xC, L),
                "exception": (0x10, L),
                "prcb": (0x1C, L),
                "process": (0x20, L),
                "thread": (0x24, L),
                "stack": (0x28, L),
                "stack_size": (0x2C, L),
                "drivers": (0x30, L),
                "driver_count": (0x34, L),
                "top_of_stack": (0x48, Q),
                "page_address": (0x60, Q),
                "page": (0x68, L),
                "page_size": (0x6C, L),
                "debugger_data": (0x70, L),
                "debugger_data_size": (0x74, L),
                "blocks": (0x78, L),
                "block_count": (0x7C, L),
            },
        ),
    ],
)
def test_every_field_lies_where_it_is_documented(form: Form, size: int, fields: Dict[str, Tuple[int, int]]) -> None:
    assert form.size == size
    for name, (offset, width) in fields.items():
        for byte in range(width):  # each byte of it by itself, and none beside
            data = bytearray(size)
            data[offset + byte] = 0xA5
            found = form.parse(bytes(data))
            assert getattr(found, name) == 0xA5 << 8 * byte, name
            assert all(not getattr(found, other) for other in fields if other != name), name


def test_texts_and_lists_of_the_header() -> None:
    data = bytearray(DUMP_HEADER64.size)
    data[0:8] = b"PAGEDU64"
    struct.pack_into("<4Q", data, 0x40, 1, 2, 3, 4)  # BugCheckParameter1 to 4
    data[0x98 : 0x98 + 688] = bytes(range(256)) * 2 + bytes(176)  # 43 runs of 16 bytes
    data[0xFB0 : 0xFB0 + 5] = b"hello"
    found = DUMP_HEADER64.parse(bytes(data))
    assert (found.signature, found.valid, found.parameters) == (b"PAGE", b"DU64", (1, 2, 3, 4))
    assert len(found.run) == 43 * 16 and found.run[:4] == b"\0\1\2\3" and found.comment[:6] == b"hello\0"
    with pytest.raises(struct.error):
        DUMP_HEADER64.parse(bytes(data[:-1]))


def header(kind: int = 5, machine: int = 0x8664, runs: Any = (), **fields: int) -> bytes:
    data = bytearray(FILLING)
    data[:8] = b"PAGEDU64"
    struct.pack_into("<I", data, 0x30, machine)
    struct.pack_into("<I", data, 0xF98, kind)
    struct.pack_into("<I", data, 0x88, fields.pop("count", len(runs)))
    for at, run in enumerate(runs):
        struct.pack_into("<QQ", data, 0x98 + 16 * at, *run)
    for name, value in fields.items():
        offset, code = {"minor": (0xC, "<I"), "root": (0x10, "<Q"), "modules": (0x20, "<Q"), "time": (0xFA8, "<Q")}[
            name
        ]
        struct.pack_into(code, data, offset, value)
    return bytes(data)


def test_what_a_header_says() -> None:
    found = read_header(header(minor=22000, root=0x1AD002, modules=0xFFFFF80012345678, time=7), "x")
    assert (found.kind, found.machine, found.build, found.directory_table) == (5, 0x8664, 22000, 0x1AD000)
    assert (found.module_list, found.system_time, found.runs) == (0xFFFFF80012345678, 7, ())
    # What nobody set is no address and no time.
    assert (found.process_list, found.debugger_data) == (0, 0)
    assert read_header(header(modules=0xFFFFFFFFFFFFFFFF), "x").module_list == 0
    assert read_header(header(machine=0xAA64), "x").machine == 0xAA64
    full = read_header(header(1, runs=((1, 0x9E), (0x100, 0xF00))), "x")
    assert full.runs == ((1, 0x9E), (0x100, 0xF00))
    commented = bytearray(header())
    commented[0xFB0 : 0xFB0 + 8] = b"a note\0x"
    assert read_header(bytes(commented), "x").comment == b"a note"


@pytest.mark.parametrize("kind", [1, 2, 4, 5, 6, 7, 8, 9, 10])
def test_kinds_that_are_read(kind: int) -> None:
    assert read_header(header(kind, runs=((1, 1),)), "x").kind == kind


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "x is empty"),
        (b"PAGEDUMP" + bytes(HEADER_SIZE), "x is a 32-bit crash dump (DUMP_HEADER32)"),
        (bytes(HEADER_SIZE), "x begins with zeros"),
        (b"MDMP\x93\xa7\0\0" + bytes(HEADER_SIZE), "x is no Windows crash dump: it begins with 4d444d5093a70000"),
        (header()[:-1], "x is cut short: 8191 bytes, and the header alone has 8192"),
        (header(machine=0x14C), "x is a crash dump of a 32-bit x86 machine"),
        (header(machine=0x1C0), "x is a crash dump of a machine of type 0x1c0"),
        (header(0), "x is a dump of type 0 (0x0), which nothing public describes"),
        (header(3), "x is a dump header without memory"),
        (header(11), "x is a dump of type 11 (0xb)"),
        (header(1, count=0), "x has 0 runs of memory; 1 to 43 fit"),
        (header(1, count=44), "x has 44 runs of memory; 1 to 43 fit"),
    ],
)
def test_what_is_refused_and_as_what(data: bytes, words: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read_header(data, "x")
    assert caught.value.message.startswith(words)


def test_forty_three_runs_fit() -> None:
    assert len(read_header(header(1, runs=[(2 * at, 1) for at in range(43)]), "x").runs) == 43


def behind(data: bytes) -> bytes:
    return header() + data


SUMMARY = b"SDMPDUMP" + struct.pack("<IIII", 0, 0x3000, 64, 7) + bytes(16)
BITMAP = b"FDMPDUMP" + bytes(24) + struct.pack("<QQQ", 0x4000, 8, 128)


def test_the_head_of_a_bitmap_and_where_the_bitmap_is() -> None:
    raw, at = bitmap_header(behind(SUMMARY), 2, "x")
    assert (raw.first_page, raw.bits, raw.present, at) == (0x3000, 64, 7, 0x2028)
    for kind in (5, 6, 7):
        raw, at = bitmap_header(behind(BITMAP), kind, "x")
        assert (raw.first_page, raw.bits, raw.present, at) == (0x4000, 128, 8, 0x2038)
    assert bitmap_header(behind(b"SDMP" + BITMAP[4:]), 6, "x")[0].bits == 128
    for broken in (b"RDMP" + BITMAP[4:], b"FDMPDUMX" + BITMAP[8:]):
        with pytest.raises(BadFormat, match="not the bitmap of a dump"):
            bitmap_header(behind(broken), 5, "x")
    with pytest.raises(BadFormat, match="cut short or damaged near 0x2000"):
        bitmap_header(behind(BITMAP[:-1]), 5, "x")


def ranges(signature: bytes = b"RDMPDUMP", size: int = 0x100, first: int = HEADER_SIZE + 0x120) -> bytes:
    return behind(struct.pack("<I8s4xQQ8xQ", 0x40, signature, size, first, 9))


def test_the_head_of_ranges_whose_sizes_agree() -> None:
    raw = ranges_header(ranges(), "x")
    assert (raw.metadata_size, raw.first_page, raw.total_pages) == (0x100, 0x2120, 9)
    for broken, words in (
        (ranges(b"SDMPDUMP"), "not RDMP"),
        (ranges(b"RDMPDUMX"), "not RDMP"),
        (ranges(size=0x101), "contradict each other"),
        (ranges(first=0x2121), "contradict each other"),
    ):
        with pytest.raises(BadFormat, match=words):
            ranges_header(broken, "x")


@pytest.mark.parametrize("count, cut, told", [(2, 0, 2), (1, 0, 1), (0, 0, 0), (3, 0, 2), (2, 1, 1), (2, 16, 1)])
def test_the_blocks_of_a_triage_dump_as_far_as_they_are_there(count: int, cut: int, told: int) -> None:
    """TRIAGE_DATA_BLOCK: address, offset in the file, size."""
    blocks: List[Tuple[int, int, int]] = [(0xFFFF800000001000, 0x3000, 0x20), (0xFFFF800000002000, 0x3020, 0x10)]
    table = b"".join(struct.pack("<QII", *one) for one in blocks)
    head = bytearray(0x80)
    struct.pack_into("<II", head, 0x78, HEADER_SIZE + 0x80, count)
    raw, found = triage_header(behind(bytes(head) + table[: len(table) - cut]), "x")
    assert found == tuple(blocks[:told]) and raw.block_count == count
