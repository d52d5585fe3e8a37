"""Which PDB is meant, and the container that it lies in: what is believed of either, at each edge."""

import struct
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from kdtoken.errors import BadFormat, TargetError
from kdtoken.layout.pdb.identity import PdbIdentity, guid_text, parse_rsds, read_identity
from kdtoken.layout.pdb.msf import MAGIC, Msf
from kdtoken.symbols.file import check_match, open_symbols
from tests.pdb_bytes import Pdb

GUID = bytes(range(16))
TEXT = "03020100050407060" + "8090A0B0C0D0E0F"


def rsds(path: bytes, age: int = 3, mark: bytes = b"RSDS") -> bytes:
    return mark + GUID + struct.pack("<I", age) + path


@pytest.mark.parametrize(
    "record, name",
    [
        (rsds(b"ntkrnlmp.pdb\0"), "ntkrnlmp.pdb"),
        (rsds(b"D:\\build\\nt\\ntkrnlmp.pdb\0more"), "ntkrnlmp.pdb"),
        (rsds(b"/usr/x.pdb\0"), "x.pdb"),
        (rsds(b"\xe6\x97\xa5.pdb\0"), "\u65e5.pdb"),
        (rsds(b"x"), "x"),
        (rsds(b"x" * 200 + b"\0"), "x" * 200),
        (rsds(b"x" * 201 + b"\0"), None),  # no file system takes what is made of it
        (rsds(b"\xe6\x97\xa5" * 66 + b"xx\0"), "\u65e5" * 66 + "xx"),
        (rsds(b"\xe6\x97\xa5" * 67 + b"\0"), None),
        (rsds(b"x.pdb\0", mark=b"NB10"), None),
        (rsds(b""), None),
        (rsds(b"\0"), None),
        *((rsds(bad + b"\0"), None) for bad in
          (b"a\\", b"..", b". .", b"ab:c", b"a*b", b"a?b", b'a"b', b"a<b", b"a>b", b"a|b", b"a\x1fb", b"a\nb")),
        (rsds(b"a b.pdb\0"), "a b.pdb"),
    ],
)  # fmt: skip
def test_the_name_of_a_record_becomes_a_file_s_name_or_none(record: bytes, name: Optional[str]) -> None:
    assert parse_rsds(record) == (None if name is None else PdbIdentity(name, TEXT, 3))


def test_a_guid_and_an_age_as_symbol_servers_write_them() -> None:
    assert guid_text(GUID) == TEXT
    assert PdbIdentity("a.pdb", TEXT, 0x1F).key == TEXT + "1F" and str(PdbIdentity("a", "B", 2)) == "a B age 2"


def test_a_file_says_its_own_identity_and_what_is_none_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ntkrnlmp.pdb"
    path.write_bytes(Pdb(age=3).data())
    assert read_identity(str(path)).name == "ntkrnlmp.pdb" and read_identity(str(path)).age == 3
    with pytest.raises(BadFormat, match="cannot open the PDB .*gone"):
        read_identity(str(tmp_path / "gone"))
    path.write_bytes(b"MZ" + bytes(100))
    with pytest.raises(BadFormat, match="is no PDB"):
        read_identity(str(path))


# --- the container

BLOCK = 512


def msf(streams: Dict[int, Any], count: Optional[int] = None, **changed: int) -> bytes:
    """A container whose directory is in block 3, the numbers of its blocks in block 2; a stream's data from block 4 on.

    streams  number -> its bytes, or None for one that was deleted
    """
    sizes, numbers, blocks = [], [], []
    for number in range(max(streams, default=-1) + 1):
        data = streams.get(number, b"")
        sizes.append(0xFFFFFFFF if data is None else len(data))
        for at in range(0, len(data or b""), BLOCK):
            numbers.append(4 + len(blocks))
            blocks.append((data or b"")[at : at + BLOCK].ljust(BLOCK, b"\0"))
    words = [len(sizes) if count is None else count, *sizes, *numbers]
    directory = struct.pack("<%dI" % len(words), *words)
    total = 4 + len(blocks)
    head = {"block": BLOCK, "free": 1, "total": total, "size": len(directory), "zero": 0, "map": 2, **changed}
    first = (MAGIC + struct.pack("<6I", *head.values())).ljust(BLOCK, b"\0")
    return (
        first
        + bytes(BLOCK)
        + struct.pack("<I", 3).ljust(BLOCK, b"\0")
        + directory.ljust(BLOCK, b"\0")
        + b"".join(blocks)
    )


def test_streams_are_joined_of_their_blocks() -> None:
    long = bytes(range(256)) * 5  # two blocks and a half
    made = Msf(msf({0: b"", 1: long, 2: None, 3: b"abc"}), "x")
    assert made.stream(1) == long and made.stream(3) == b"abc"
    assert made.stream(0) == made.stream(2) == made.stream(4) == made.stream(-1) == b""
    for most in (0, 1, 511, 512, 513, 1279, 1280, 5000):
        assert made.stream(1, most) == long[:most]


@pytest.mark.parametrize(
    "data, words",
    [
        (b"Microsoft C/C++ program database 2.00\r\n" + bytes(99), "a PDB of the 1990s"),
        (MAGIC + bytes(23), "is no PDB"),
        (b"x" + MAGIC + bytes(99), "is no PDB"),
        (msf({1: b"a"}, block=100), "its block size is 100"),
        (msf({1: b"a"}, block=0), "its block size is 0"),
        (msf({1: b"a"}, total=7), "it is cut short: it should have 7 blocks of 512 bytes"),
        (msf({1: b"a"}, size=1 << 20), "it is cut short"),
        (msf({1: b"a"}, map=5), "its directory lies outside the file"),
        (msf({1: b"a"}, size=0), "its directory is damaged"),
        (msf({1: b"a"}, count=9), "its directory is damaged"),
        (msf({1: b"a"}, size=8), "its directory is damaged"),
    ],
)
def test_a_container_that_is_damaged_says_how(data: bytes, words: str) -> None:
    with pytest.raises(BadFormat, match=words):
        Msf(data, "x").stream(1)


def _of_empty_streams(count: int, more: int = 0) -> bytes:
    """So many streams without a byte, and zeros behind that in the directory: blocks of 64 KB, the directory's from 3 on."""
    block = 1 << 16
    directory = struct.pack("<I", count) + bytes(4 * count + more)
    pieces = -(-len(directory) // block)
    head = MAGIC + struct.pack("<6I", block, 1, 3 + pieces, len(directory), 0, 2)
    places = struct.pack("<%dI" % pieces, *range(3, 3 + pieces))
    whole = head.ljust(2 * block, b"\0") + places.ljust(block, b"\0") + directory
    return whole.ljust((3 + pieces) * block, b"\0")


def test_there_are_no_more_streams_than_sixteen_bits_can_name() -> None:
    assert Msf(_of_empty_streams(0xFFFF), "x").stream(0xFFFE) == b""
    with pytest.raises(BadFormat, match="its directory is damaged"):
        Msf(_of_empty_streams(0x10000), "x")
    # How many there are, the size of each, where each block of the file is: 1 + 65,535 + 8 words.
    room = 4 * (1 + 0xFFFF + 8)
    Msf(_of_empty_streams(0xFFFF, room - 4 * (1 + 0xFFFF)), "x")
    with pytest.raises(BadFormat, match="its directory has room for more streams than there can be"):
        Msf(_of_empty_streams(0xFFFF, room - 4 * (1 + 0xFFFF) + 4), "x")


def test_a_file_may_lack_the_end_of_its_last_block_and_no_more() -> None:
    whole = msf({1: b"a" * 100})
    assert Msf(whole[: -(BLOCK - 100)], "x").stream(1) == b"a" * 100
    assert Msf(whole, "x").stream(1) == b"a" * 100
    with pytest.raises(BadFormat, match="cut short"):
        Msf(whole[: -(BLOCK - 99)], "x").stream(1)
    assert Msf(msf({1: b"a"}, total=6), "x").stream(1) == b"a"  # one block more than there are
    with pytest.raises(BadFormat, match="lies outside the file"):
        Msf(msf({1: b"a"}, total=4), "x").stream(1)


# --- which file of symbols it is


@pytest.mark.parametrize(
    "data, words",
    [
        (b"MSCF" + bytes(40), "is packed .CAB."),
        (b"BSJB" + bytes(40), "is a portable PDB"),
        (b"MZ" + bytes(40), "is a program, not its symbols"),
        (b"PAGEDU64" + bytes(40), "is a crash dump, not symbols"),
        (b"hello", "holds no symbols that are known here"),
        (b"", "holds no symbols that are known here"),
    ],
)
def test_a_file_that_is_no_symbols_is_called_by_its_name(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(BadFormat, match=words):
        open_symbols(tmp_path / "x")
    with pytest.raises(BadFormat, match="cannot open the symbols .*gone") as error:
        open_symbols(tmp_path / "gone")
    assert error.value.next_step.startswith("--symbols names a PDB")


def test_symbols_of_another_kernel_are_refused_with_both_identities() -> None:
    class Symbols:
        origin, pdb = "a.pdb", TEXT.lower() + "3"

    wanted: List[PdbIdentity] = [PdbIdentity("nt.pdb", TEXT, 3), PdbIdentity("nt.pdb", TEXT, 4)]
    check_match(Symbols(), wanted[0], "x.dmp")  # type: ignore[arg-type]
    with pytest.raises(TargetError) as error:
        check_match(Symbols(), wanted[1], "x.dmp")  # type: ignore[arg-type]
    assert "needs  %s4\n" % TEXT in error.value.message and "are of       %s3" % TEXT.lower() in error.value.message
    assert error.value.next_step == "get nt.pdb with GUID %s and age 4 from a symbol server (--download does)" % TEXT
    Symbols.pdb = ""
    with pytest.raises(TargetError, match="are of       an unknown PDB"):
        check_match(Symbols(), wanted[0], "x.dmp")  # type: ignore[arg-type]
