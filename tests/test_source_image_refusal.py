"""What is no memory of Windows: what is not looked into at all, and the one sentence with its step for each other file."""

from pathlib import Path
from typing import Any, List, Tuple

import pytest

from kdtoken.errors import KdTokenError
from kdtoken.source.image.raw import layouts
from kdtoken.source.image.refusal import _places, could_be_image, named_instead, no_windows

MIB, PAGE = 1 << 20, 0x1000


@pytest.mark.parametrize(
    "path, head, size, could",
    [
        ("a.raw", bytes(16), MIB, True),
        ("a.raw", bytes(16), MIB - 1, False),  # real mode alone has a MiB
        ("a.raw", b"\x7fELF\2\1\1", 99, True),  # a core, however short: it is told what is wrong with it
        # The magics of .vmss and .vmsn, and their names.
        ("a", b"\xd0\xbe\xd2\xbe", 99, True),
        ("a", b"\xd1\xba\xd1\xba", 99, True),
        ("a", b"\xd2\xbe\xd2\xbe", 99, True),
        ("a", b"\xd3\xbe\xd3\xbe", 99, True),
        ("a", b"\xd4\xbe\xd2\xbe", 99, False),
        ("a.VMSS", b"x", 1, True),
        ("a.vmsn", b"x", 1, True),
        ("a.vmem", b"x", 1, False),
        # Packed files, programs, symbols, minidumps and hibernation files are none, however large.
        *[
            ("a", magic, 1 << 30, False)
            for magic in (
                b"PK\x03\x04",
                b"7z\xbc\xaf\x27\x1c",
                b"\x1f\x8b\x08",
                b"BZh9",
                b"\xfd7zXZ\0",
                b"\x28\xb5\x2f\xfd",
                b"MSCF",
                b"Rar!",
                b"MDMP",
                b"hibr",
                b"EMiL",
                b"MZ\x90",
                b"Microsoft C/C++ MSF 7.00",
            )
        ],
        ("a", b"PAGEDU64", 1 << 30, False),  # a crash dump
        ("a", b"PAGEDUMP", 1 << 30, False),
        ("a", b"PAGEXXXX", 1 << 30, True),
    ],
)
def test_what_may_hold_memory(path: str, head: bytes, size: int, could: bool) -> None:
    assert could_be_image(path, head, size) is could


def random_pages(count: int, values: int = 256) -> bytes:
    """Pages that each have so many values of a byte."""
    page = bytes(range(values)) * (PAGE // values) + bytes([0]) * (PAGE % values)
    return page * count


def refused(data: bytes, notes: Tuple[str, ...] = (), failures: Any = (), path: str = "a.raw") -> Tuple[str, str]:
    error = no_windows(path, data, "raw memory", notes, failures)
    return error.message, error.next_step


NONE = "a.raw (raw memory, %d MB) holds no 64-bit Windows that could be found%s"
COPY = "copy or take it again, whole: the .vmem and its .vmss or .vmsn, of a machine that does not run"
READ = "a crash dump or a .vmem with its .vmss can be read; kdtoken diff and --log read texts"


def test_why_there_is_none() -> None:
    assert refused(bytes(3 * MIB)) == (NONE % (3, ""), READ)
    assert refused(bytes(MIB), ("2 pages are missing", "it runs")) == (
        NONE % (1, "; 2 pages are missing; it runs"),
        COPY,
    )
    failure = KdTokenError("its symbols are not here", None, "--download")
    assert refused(bytes(MIB), failures=[failure])[0] == "no Windows could be proven in a.raw: its symbols are not here"
    linux = bytes(MIB) + b"Linux version 6.1" + bytes(MIB)
    assert refused(linux)[0] == "a.raw holds a Linux: there are no access tokens in it"
    assert refused(bytes(MIB) + b"Linux versionX")[0].startswith("a.raw (raw memory")


@pytest.mark.parametrize(
    "data, looks",
    [
        (random_pages(64), True),
        (random_pages(64, 250), True),
        (random_pages(64, 249), False),
        (random_pages(63), False),  # too small to be said anything of
        (random_pages(63) + bytes(PAGE), False),  # one page that is not
        (random_pages(200), True),
    ],
)
def test_what_looks_encrypted_is_said_to(data: bytes, looks: bool) -> None:
    message, step = refused(data)
    said = "; its bytes look random throughout, as encrypted or packed ones do"
    assert message.endswith(said) is looks
    assert step == (
        "take the memory anew from a machine without encryption, or unpack the file first" if looks else READ
    )


@pytest.mark.parametrize(
    "pages, places",
    [(63, []), (64, list(range(64))), (128, list(range(0, 128, 2))), (100, [100 * at // 64 for at in range(64)])],
)
def test_sixty_four_pages_are_spread_over_a_file(pages: int, places: List[int]) -> None:
    assert list(_places(pages * PAGE)) == [place * PAGE for place in places]
    assert list(_places(pages * PAGE + PAGE - 1)) == [place * PAGE for place in places]


def test_an_encrypted_machine_is_told_by_what_lies_beside_its_memory(tmp_path: Path) -> None:
    """The .vmx of an encrypted machine has a line encryption.keySafe."""
    (tmp_path / "a.vmx").write_text('encryption.keySafe = "x"\n', encoding="ascii")
    (tmp_path / "a.vmem").write_bytes(b"")
    message, step = refused(bytes(MIB), path=str(tmp_path / "a.vmem"))
    assert "belongs to an encrypted virtual machine" in message and step.startswith("remove the encryption")
    assert "encrypted virtual machine" not in refused(bytes(MIB), path=str(tmp_path / "a.raw"))[0]


def test_a_side_file_that_was_named_leads_to_its_memory() -> None:
    error = named_instead("a.vmss", "b/a.vmem")
    assert error.message == "a.vmss tells where memory lies in a.vmem" and error.next_step == "name b/a.vmem instead"


GIB = 1 << 30


@pytest.mark.parametrize("size", [2 * GIB, 3 * GIB, 3 * GIB + PAGE, 5 * GIB])
def test_how_memory_may_be_spread_in_a_raw_file(size: int) -> None:
    """Address by address; or without the hole below 4 GiB, behind which the rest of memory follows at once."""
    found = layouts(size, "x")
    assert found[0][0] == "offset is address" and found[0][1].segments == [(0, size // PAGE, 0)]
    for words, pages in found[1:]:
        (first, low, offset), (high, rest, behind) = pages.segments
        assert (first, offset, high) == (0, 0, 4 * GIB // PAGE) and behind == low * PAGE
        assert low + rest == size // PAGE and words == "a hole from %g to 4 GiB is left out" % (low * PAGE / GIB)
        assert not pages.exact
    assert all(low * PAGE < size for _, pages in found[1:] for _, low, _ in pages.segments[:1])
    other = layouts(size, "x", padded_first=False)
    assert [words for words, _ in other] == [words for words, _ in (*found[1:], found[0])]


def test_where_the_hole_may_begin() -> None:
    """VMware 3 GiB; QEMU's q35 2 GiB, its pc 3 or 3.5 GiB; VirtualBox 3.5 GiB: the likeliest first."""
    found = [pages.segments[0][1] * PAGE for _, pages in layouts(8 * GIB, "x")[1:]]
    assert found == [3 * GIB, 2 * GIB, 7 * GIB // 2]
    assert [words for words, _ in layouts(2 * GIB, "x")] == ["offset is address"]  # it ends where the hole begins
    assert len(layouts(2 * GIB + PAGE, "x")) == 2
