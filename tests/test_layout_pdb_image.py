"""A kernel's EXE: which it is, which PDB it names, and how a store or a server that has it leads to the symbols."""

import struct
import tarfile
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import BadFormat, TargetError
from kdtoken.layout.pdb.identity import PdbIdentity, read_identity
from kdtoken.layout.pdb.image import ImageIdentity, read_image
from kdtoken.symbols.path import find_symbols
from tests.examples import examples
from tests.test_symbols_path import DATA, GUID, Server, server  # noqa: F401 - a fixture

PRACTICE = Path(__file__).parent.parent / "fixtures" / "practice" / "practice.tar.xz"
STAMP, SIZE = 0xDF291B09, 0x103E000
KERNEL = ImageIdentity("ntoskrnl.exe", STAMP, SIZE)
KEY = "DF291B09103e000"  # 8 digits in capitals, then small ones
STORED = "ntoskrnl.exe/%s/ntoskrnl.exe" % KEY
# The GUID of tests.pdb_bytes as a record has it: three numbers little-endian, then eight bytes.
PDB_ID = bytes(range(16))


def exe(
    stamp: int = STAMP, size: int = SIZE, age: Optional[int] = 3, name: bytes = b"ntkrnlmp.pdb", guid: bytes = PDB_ID
) -> bytes:
    """A PE32+ file of one section, mapped at 0x1000 and kept at 0x400, with a debug directory at its start."""
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    head = head.ljust(0x80, b"\0") + b"PE\0\0"
    head += struct.pack("<HHIIIHH", 0xAA64, 1, stamp, 0, 0, 240, 0x22)  # IMAGE_FILE_HEADER
    optional = bytearray(240)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<I", optional, 56, size)
    struct.pack_into("<II", optional, 112 + 8 * 6, 0x1000, 56)  # two entries
    head += bytes(optional) + struct.pack("<8s4I16x", b".rdata", 0x200, 0x1000, 0x200, 0x400)
    first = struct.pack("<IIHHIIII", 0, stamp, 0, 0, 13, 4, 0x1100, 0x500)  # IMAGE_DEBUG_TYPE_POGO: passed over
    record = b"RSDS" + guid + struct.pack("<I", age or 0) + b"D:\\nt\\" + name + b"\0"
    second = struct.pack("<IIHHIIII", 0, stamp, 0, 0, 2 if age is not None else 13, len(record), 0x1040, 0x440)
    return (head.ljust(0x400, b"\0") + (first + second).ljust(0x40, b"\0") + record).ljust(0x600, b"\0")


def put(folder: Path, data: bytes, name: str = "ntoskrnl.exe") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_what_an_image_says_of_itself(tmp_path: Path) -> None:
    image, pdb = read_image(put(tmp_path, exe()))
    assert (image, image.key, str(image)) == (KERNEL, KEY, "ntoskrnl.exe " + KEY)
    assert pdb == PdbIdentity("ntkrnlmp.pdb", GUID, 3)
    assert read_image(put(tmp_path, exe(age=None))) == (KERNEL, None)
    assert ImageIdentity("a.exe", 0x5, 0x1000).key == "000000051000"


def test_of_a_linker_s_own_files(tmp_path: Path) -> None:
    """clang's and lld's: the image names the PDB that was written beside it."""
    with tarfile.open(str(PRACTICE)) as packed:
        for name in ("ntoskrnl.exe", "ntkrnlmp.pdb"):
            member = packed.extractfile(name)
            assert member is not None
            put(tmp_path, member.read(), name)
    pdb = read_image(tmp_path / "ntoskrnl.exe")[1]
    assert pdb is not None and pdb.key == read_identity(str(tmp_path / "ntkrnlmp.pdb")).key


@pytest.mark.parametrize(
    "data", [b"", b"MZ", exe()[:0x90], b"\x7fELF" + bytes(200), exe().replace(b"PE\0\0", b"NE\0\0")]
)
def test_what_is_no_image(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match="is no program of Windows|is cut short"):
        read_image(put(tmp_path, data))
    with pytest.raises(BadFormat, match="cannot open"):
        read_image(tmp_path / "none.exe")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MZ",
        exe()[:0x3F],
        exe()[:0x90],
        exe().replace(b"MZ", b"ZM", 1),
        exe().replace(b"\x0b\x02", b"\x07\x01", 1),
    ],
)
def test_what_has_no_head_of_an_image_is_no_program(data: bytes, tmp_path: Path) -> None:
    """Too short for one, without its letters, or of a format that is neither PE32 nor PE32+ (0x107 is a ROM's)."""
    path = put(tmp_path, data)
    with pytest.raises(BadFormat) as failed:
        read_image(path)
    assert failed.value.message == "%s is no program of Windows" % path and failed.value.subject == str(path)


def sized(virtual: int, raw: int) -> bytearray:
    """The program with a section of that VirtualSize and that SizeOfRawData (at 8 and 16 of its header)."""
    data = bytearray(exe())
    at = data.index(b".rdata")
    struct.pack_into("<I", data, at + 8, virtual)
    struct.pack_into("<I", data, at + 16, raw)
    return data


@pytest.mark.parametrize(
    "virtual, raw, there", [(0x100, 0x200, False), (0x101, 0x200, True), (0x200, 0x100, False), (0, 0x101, True)]
)
def test_an_address_behind_the_end_of_its_section_lies_nowhere(
    virtual: int, raw: int, there: bool, tmp_path: Path
) -> None:
    """The debug directory is at 0x1100 of the image, 0x100 behind the section's beginning."""
    data = sized(virtual, raw)
    struct.pack_into("<I", data, 0x80 + 24 + 112 + 8 * 6, 0x1100)
    data[0x500 : 0x500 + 56] = data[0x400 : 0x400 + 56]
    assert (read_image(put(tmp_path, bytes(data)))[1] is not None) is there


@settings(max_examples=examples(200), deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 0x4FF), st.integers(0, 255)), max_size=8), keep=st.integers(0, 0x600))
def test_damage_ends_in_an_answer_or_our_own_error(tmp_path_factory, changes, keep) -> None:  # type: ignore[no-untyped-def]
    data = bytearray(exe())
    for at, value in changes:
        data[at] = value
    try:
        read_image(put(tmp_path_factory.getbasetemp(), bytes(data[:keep]), "damaged.exe"))
    except BadFormat:
        pass


def test_a_store_that_has_the_image_leads_to_the_symbols(tmp_path: Path) -> None:
    put(tmp_path, DATA, "ntkrnlmp.pdb/%s3/ntkrnlmp.pdb" % GUID)
    with pytest.raises(TargetError, match="time stamp and size %s" % KEY) as failed:
        find_symbols(str(tmp_path), None, "a.dmp", image=KERNEL)
    assert "--download" in failed.value.next_step
    put(tmp_path, b"damaged", STORED)
    with pytest.raises(TargetError):
        find_symbols(str(tmp_path), None, "a.dmp", image=KERNEL)
    put(tmp_path, exe(stamp=7), STORED)  # of another build, whatever its folder says
    with pytest.raises(TargetError):
        find_symbols(str(tmp_path), None, "a.dmp", image=KERNEL)
    put(tmp_path, exe(), STORED)
    assert find_symbols(str(tmp_path), None, "a.dmp", image=KERNEL).pdb == GUID + "3"


def test_a_server_is_asked_for_both_only_where_it_is_allowed(server: Server, tmp_path: Path) -> None:  # noqa: F811
    server.files["/symbols/" + STORED] = exe()
    server.files["/symbols/ntkrnlmp.pdb/%s3/ntkrnlmp.pdb" % GUID] = DATA
    path = "srv*%s*%s" % (tmp_path, server.url)
    with pytest.raises(TargetError):
        find_symbols(path, None, "a.dmp", image=KERNEL)
    assert server.log == []
    for _ in range(2):
        assert find_symbols(path, None, "a.dmp", allow_server=True, image=KERNEL).pdb == GUID + "3"
    assert len(server.log) == 2  # each once: they are in the store now
    assert (tmp_path / STORED).is_file()


def test_a_server_that_has_another_or_none(server: Server, tmp_path: Path) -> None:  # noqa: F811
    path = "srv*%s*%s" % (tmp_path, server.url)
    with pytest.raises(TargetError, match="has no such file"):
        find_symbols(path, None, "a.dmp", allow_server=True, image=KERNEL)
    server.files["/symbols/" + STORED] = exe(stamp=7)
    with pytest.raises(TargetError, match="sent something that is not ntoskrnl.exe %s" % KEY):
        find_symbols(path, None, "a.dmp", allow_server=True, image=KERNEL)
    server.files["/symbols/" + STORED] = exe(age=None)
    with pytest.raises(TargetError, match="ntoskrnl.exe %s names no PDB" % KEY):
        find_symbols(path, None, "a.dmp", allow_server=True, image=KERNEL)


@pytest.mark.parametrize(
    "virtual, raw, there",
    [
        (0x200, 0x200, True),
        (0, 0x200, True),  # some linkers leave VirtualSize 0: then the size in the file counts
        (0x38, 0x200, True),
        (0x200, 0x38, True),
        (0x200, 0, False),  # nothing of the section is in the file
    ],
)
def test_where_in_the_file_an_address_lies_goes_by_the_smaller_of_a_section_s_sizes(
    virtual: int, raw: int, there: bool, tmp_path: Path
) -> None:
    assert (read_image(put(tmp_path, bytes(sized(virtual, raw))))[1] is not None) is there


@pytest.mark.parametrize(
    "start, there", [(0x1000, True), (0x1001, False), (0xFFF, True), (0xE01, True), (0xE00, False)]
)
def test_a_section_begins_and_ends_where_it_says(start: int, there: bool, tmp_path: Path) -> None:
    """The debug directory is at 0x1000 of the image; a section of 0x200 bytes has it or not."""
    data = bytearray(exe())
    at = data.index(b".rdata")
    struct.pack_into("<I", data, at + 12, start)
    struct.pack_into("<I", data, at + 20, 0x400 - (0x1000 - start) if start <= 0x1000 else 0x400)
    assert (read_image(put(tmp_path, bytes(data)))[1] is not None) is there


@pytest.mark.parametrize("at, there", [(0, True), (2, True), (15, True), (16, False)])
def test_the_pdb_is_named_by_any_of_the_first_sixteen_entries(at: int, there: bool, tmp_path: Path) -> None:
    data = bytearray(exe().ljust(0x800, b"\0"))
    head, record = data.index(b".rdata"), data.index(b"RSDS")
    struct.pack_into("<I", data, head + 8, 0x400)
    struct.pack_into("<I", data, head + 16, 0x400)
    codeview = bytes(data[record : record + 0x40])
    data[0x400:0x800] = bytes(0x400)
    data[0x700:0x740] = codeview
    struct.pack_into("<I", data, 0x80 + 24 + 112 + 8 * 6 + 4, 17 * 28)
    for number in range(17):
        kind = 2 if number == at else 13
        struct.pack_into("<IIHHIIII", data, 0x400 + 28 * number, 0, STAMP, 0, 0, kind, 0x40, 0x1300, 0x700)
    assert read_image(put(tmp_path, bytes(data))) == (KERNEL, PdbIdentity("ntkrnlmp.pdb", GUID, 3) if there else None)


@pytest.mark.parametrize("letters, name", [(12, "ntkrnlmp.pdb"), (6, "ntkrnl"), (0, None)])
def test_the_name_of_the_pdb_ends_with_its_record(letters: int, name: Optional[str], tmp_path: Path) -> None:
    """RSDS, GUID and age take 24 bytes, the folder 6: what lies behind the record is no part of it."""
    data = bytearray(exe())
    entry = data.index(struct.pack("<I", 0x1040))  # AddressOfRawData of the second entry, behind its size
    struct.pack_into("<I", data, entry - 4, 24 + len("D:\\nt\\") + letters)
    pdb = read_image(put(tmp_path, bytes(data)))[1]
    assert (pdb and pdb.name) == name
