"""Small files as wholes: read within bounds, written whole or not at all."""

import gzip
import lzma
import os
import stat
import sys
from pathlib import Path
from typing import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat, KdTokenError
from kdtoken.files import json_of, read_bounded, read_packed, unpack, write_whole

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and links as POSIX has them")


@given(st.binary(max_size=4096))
def test_what_was_packed_comes_back(data: bytes) -> None:
    assert unpack(gzip.compress(data), "x", "recording") == data
    assert unpack(lzma.compress(data), "x", "recording") == data
    assert unpack(gzip.compress(data) + gzip.compress(b"!"), "x", "recording") == data + b"!"  # two behind one another


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_no_more_than_the_bound(pack: "type[bytes]") -> None:
    assert len(unpack(pack(b"a" * 1000), "x", "recording", 1000)) == 1000
    with pytest.raises(BadFormat, match="x holds over 0 MB, and no recording is that large"):
        unpack(pack(b"a" * 1001), "x", "recording", 1000)


def test_a_bomb_is_not_unpacked() -> None:
    """1 GB of zeros in 1 MB: refused after the bound, with no more memory than that."""
    bomb = gzip.compress(bytes(1 << 24), 9)  # 16 KB that unpack to 16 MB
    with pytest.raises(BadFormat, match="over 1 MB"):
        unpack(bomb, "bomb.gz", "recording", 1 << 20)
    with pytest.raises(BadFormat, match="over 1 MB"):
        unpack(lzma.compress(bytes(1 << 24)), "bomb.xz", "ISF symbol file", 1 << 20)


@pytest.mark.parametrize("cut", range(2, 24))
def test_a_cut_one_is_said_to_be_cut_or_damaged(cut: int) -> None:
    for packed in (gzip.compress(b"some text"), lzma.compress(b"some text")):
        if packed[:cut] in (b"\xfd7", b"\xfd7z", b"\xfd7zX", b"\xfd7zXZ"):
            continue  # not yet told from any other file
        with pytest.raises(BadFormat, match="is cut short|is damaged"):
            unpack(packed[:cut], "x", "recording")


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match="is a folder, and a recording is wanted"):
        read_packed(tmp_path, "recording")
    with pytest.raises(BadFormat, match="cannot read the recording .*absent: No such file or directory$"):
        read_packed(tmp_path / "absent", "recording")
    with pytest.raises(BadFormat, match="no file can have that name"):
        read_packed("a\0b", "recording")


@POSIX
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "fifo"))
    with pytest.raises(BadFormat, match="is no regular file"):
        read_packed(tmp_path / "fifo", "recording")


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with open(str(tmp_path / "sparse"), "wb") as file:
        file.truncate(1 << 32)
    with pytest.raises(BadFormat, match="holds over 256 MB"):
        read_bounded(tmp_path / "sparse", "recording")


def test_writing_replaces_a_whole_file_by_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, [b"one ", b"two"], "recording")
    write_whole(path, [b"three"], "recording")
    assert path.read_bytes() == b"three" and os.listdir(str(tmp_path)) == ["a.txt"]


def test_what_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def parts(error: BaseException) -> Iterator[bytes]:
        yield b"new"
        raise error

    with pytest.raises(
        KdTokenError,
        match="cannot write the recording .*a.txt: No space left on device\n  next: another folder, with room",
    ):
        write_whole(path, parts(OSError(28, "No space left on device")), "recording")
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, parts(KeyboardInterrupt()), "recording")
    assert path.read_bytes() == b"old" and os.listdir(str(tmp_path)) == ["a.txt"]


@POSIX
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"old")
    (tmp_path / "a.txt").chmod(0o640)
    (tmp_path / "link").symlink_to("a.txt")
    write_whole(tmp_path / "link", [b"new"], "recording")
    assert (tmp_path / "a.txt").read_bytes() == b"new" and (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


@POSIX
def test_a_device_is_written_in_place() -> None:
    write_whole(os.devnull, [b"x"], "recording")
    assert not os.path.isfile(os.devnull)
    with pytest.raises(KdTokenError, match="cannot write the recording /dev/full: No space left"):
        write_whole("/dev/full", [b"x"], "recording")


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(KdTokenError, match="cannot write the recording .*: No such file or directory"):
        write_whole(tmp_path / "no" / "such", [b""], "recording")


@pytest.mark.parametrize(
    "text",
    [
        "[" + "[]," * (1 << 21) + "0]",
        "{" + '"a":{},' * (1 << 21) + '"b":0}',
        "[" + "1," * (1 + (1 << 23)) + "1]",
        "[" * (1 << 22),
    ],
)
def test_json_of_millions_of_values_is_not_parsed(text: str) -> None:
    with pytest.raises(BadFormat, match="^x holds millions of values, and no recording does"):
        json_of(text, "x", "recording")


def test_json_that_is_long_for_one_value_is_read() -> None:
    long = "0" * (1 << 22)
    assert json_of('{"a": "%s"}' % long, "x", "recording") == {"a": long}
    assert json_of("[[], {}, 1]", "x", "recording") == [[], {}, 1]
    with pytest.raises(ValueError):
        json_of("[", "x", "recording")


@POSIX
def test_a_name_as_long_as_a_name_may_be_is_written(tmp_path: Path) -> None:
    """255 bytes (ext4, NTFS); what is written first, beside it, has a shorter one."""
    path = tmp_path / ("a" * 255)
    write_whole(path, [b"x"], "list")
    assert path.read_bytes() == b"x" and [one.name for one in tmp_path.iterdir()] == ["a" * 255]


def test_a_file_may_be_as_large_as_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for size, fits in ((999, True), (1000, True), (1001, False)):
        path.write_bytes(b"a" * size)
        if fits:
            assert read_bounded(path, "recording", 1000) == b"a" * size
        else:
            with pytest.raises(BadFormat, match="and no recording is that large"):
                read_bounded(path, "recording", 1000)
