"""What is packed, as a plain file: whole, or refused before it fills the disk."""

import gzip
import os
from pathlib import Path

import pytest

from kdtoken.errors import BadFormat
from kdtoken.machine import unpack
from kdtoken.machine.unpack import Unpacked


def test_a_packed_file_of_several_members_is_unpacked_whole(tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(
        gzip.compress(b"kd> !process 0 0\n") + gzip.compress(b"PROCESS ffffc10203040080\n")
    )
    unpacked = Unpacked(str(tmp_path / "a.log.gz"))
    assert os.path.basename(unpacked.path) == "a.log"
    assert Path(unpacked.path).read_bytes() == b"kd> !process 0 0\nPROCESS ffffc10203040080\n"
    unpacked.close()
    assert not os.path.exists(os.path.dirname(unpacked.path))


def test_what_unpacks_to_hundreds_of_times_its_size_is_refused_and_nothing_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_FREE", 1 << 22)  # as far as any ratio is allowed
    monkeypatch.setattr(unpack.tempfile, "tempdir", str(tmp_path))
    packed = tmp_path / "bomb.log.gz"
    packed.write_bytes(gzip.compress(b"\n" * (1 << 26), 9))  # a thousandth: 64 KB
    assert packed.stat().st_size < 1 << 17
    with pytest.raises(BadFormat, match="unpacks to over 200 times its size"):
        Unpacked(str(packed))
    assert os.listdir(str(tmp_path)) == ["bomb.log.gz"]


def test_a_small_file_may_be_packed_as_well_as_gzip_can(tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"\n" * (1 << 24), 9))  # 16 MB out of 16 KB
    unpacked = Unpacked(str(tmp_path / "a.log.gz"))
    assert os.path.getsize(unpacked.path) == 1 << 24
    unpacked.close()
