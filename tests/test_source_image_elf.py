"""ELF cores of whole machines, header by header: which memory they name, the processors' CR3, and what is refused."""

import struct
from typing import Any, List, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.source.image.elf import ElfCore, _notes

PAGE = 0x1000
LOAD, NOTE = 1, 4  # PT_LOAD, PT_NOTE of the System V ABI


def core(
    *segments: Tuple[int, int, int],
    notes: bytes = b"",
    kind: int = 4,
    machine: int = 62,
    ident: bytes = b"\x7fELF\2\1\1",
    entry: int = 56,
    count: Any = None,
) -> bytes:
    """Elf64_Ehdr, a program header of (type, physical address, length) each, notes, then two pages."""
    total = len(segments)
    body = 64 + 56 * total
    programs = b""
    for what, physical, length in segments:
        offset, size = (body, len(notes)) if what == NOTE else (body + len(notes), length)
        programs += struct.pack("<IIQQQQQQ", what, 7, offset, 0xFFFF, physical, size, size, 0)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH",
        ident,
        kind,
        machine,
        1,
        0,
        64,
        0,
        0,
        64,
        entry,
        total if count is None else count,
        64,
        0,
        0,
    )
    return head + programs + notes + bytes(2 * PAGE)


def cpu(cr3: int, name: bytes = b"QEMU\0", size: int = 440) -> bytes:
    """Elf64_Nhdr and QEMUCPUState: version and size, 18 registers, 10 segments of 24 bytes, cr0 to cr4."""
    body = bytearray(size)
    if size >= 424:
        struct.pack_into("<Q", body, 8 + 18 * 8 + 10 * 24 + 3 * 8, cr3)
    padded = name + bytes(-len(name) % 4)
    return struct.pack("<III", len(name), size, 0) + padded + bytes(body) + bytes(-size % 4)


def test_memory_lies_where_the_program_headers_say() -> None:
    made = ElfCore(core((LOAD, 0, PAGE), (LOAD, 0x100000, PAGE)), "x")
    start = 64 + 2 * 56
    assert [made.pages.offset(page) for page in (0, 1, 0x100, 0x101)] == [start, None, start, None]
    assert made.machine == 0x8664 and made.roots == []
    assert ElfCore(core((LOAD, 0, PAGE), machine=183), "x").machine == 0xAA64


def test_only_whole_pages_of_memory_count() -> None:
    made = ElfCore(
        core((LOAD, 0, 2 * PAGE - 1), (LOAD, 0x100800, PAGE), (LOAD, 0x200000, PAGE - 1), (2, 0x300000, PAGE)), "x"
    )
    assert [(first, count) for first, count, _ in made.pages.segments] == [(0, 1)]


@pytest.mark.parametrize(
    "notes, roots",
    [
        (b"", []),
        (cpu(0x1AD000), [0x1AD000]),
        (cpu(0x1AD7FF), [0x1AD000]),  # flags are no part of the address
        (cpu(0x1AD000) + cpu(0x2AD000), [0x1AD000, 0x2AD000]),
        (cpu(0x1AD000, b"CORE\0"), []),
        (cpu(0x1AD000, size=424), [0x1AD000]),
        (cpu(0x1AD000, size=423) + cpu(0x2AD000), [0x2AD000]),  # one that is too short is passed over
        (cpu(0x1AD000, size=437) + cpu(0x2AD000), [0x1AD000, 0x2AD000]),  # bodies are padded to four bytes
        (cpu(0x1AD000)[:-300], []),
    ],
)
def test_the_processors_roots(notes: bytes, roots: List[int]) -> None:
    assert ElfCore(core((NOTE, 0, 0), (LOAD, 0, PAGE), notes=notes), "x").roots == roots


def test_notes_have_a_name_and_a_body_padded_to_four_bytes() -> None:
    data = struct.pack("<III", 3, 5, 1) + b"ab\0\0" + b"12345\0\0\0" + struct.pack("<III", 4, 0, 1) + b"cde\0"
    assert list(_notes(data)) == [(b"ab", b"12345"), (b"cde", b"")]
    assert list(_notes(data[:11])) == [] and len(list(_notes(data[:12]))) == 1


@pytest.mark.parametrize(
    "data, words",
    [
        (core((LOAD, 0, PAGE))[:63], "x is cut short within its ELF header"),
        (core((LOAD, 0, PAGE), ident=b"\x7fELF\1\1\1"), "x is an ELF file of 32 bits or big-endian"),
        (core((LOAD, 0, PAGE), ident=b"\x7fELF\2\2\1"), "x is an ELF file of 32 bits or big-endian"),
        (core((LOAD, 0, PAGE), kind=2), "x is an ELF file, but no core"),
        (core((LOAD, 0, PAGE), machine=3), "x is an ELF core of a machine of type 3"),
        (core((LOAD, 0, PAGE), entry=55), "x: its table of memory is damaged or cut off (1 entries)"),
        (core(), "x: its table of memory is damaged or cut off (0 entries)"),
        (core((LOAD, 0, PAGE), count=200), "x: its table of memory is damaged or cut off (200 entries)"),
        (core((NOTE, 0, 0)), "x is an ELF core without memory, or of a process"),
        (core((LOAD, 0, PAGE), (LOAD, 0, PAGE)), "x is the ELF core of a process: it names no physical memory"),
    ],
)
def test_what_is_no_core_of_a_machine(data: bytes, words: str) -> None:
    with pytest.raises(BadFormat) as caught:
        ElfCore(data, "x")
    assert caught.value.message.startswith(words)


def test_one_stretch_from_zero_on_is_memory() -> None:
    assert ElfCore(core((LOAD, 0, 2 * PAGE)), "x").pages.pages == 2
