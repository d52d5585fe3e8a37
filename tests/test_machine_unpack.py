"""What is packed, as a plain file: whole, or refused before it fills the disk."""

import gzip
import os
import random
from pathlib import Path
from typing import Optional

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


@pytest.mark.parametrize(
    "content, ratio, refused",
    [
        (b"\n", 1000, "over 50 times its size, as no log does"),  # text without a zero byte
        (b"\n", 55, "over 50 times its size, as no log does"),
        (b"\n", 45, None),
        (b"\0", 1000, "over 200 times its size, as no memory does"),
        (b"\0", 220, "over 200 times its size, as no memory does"),
        (b"\0", 180, None),
    ],
)
def test_what_unpacks_to_hundreds_of_times_its_size_is_refused_and_nothing_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, ratio: int, refused: Optional[str]
) -> None:
    monkeypatch.setattr(unpack, "_FREE", 1 << 22)  # as far as any ratio is allowed
    monkeypatch.setattr(unpack, "_CHUNK", 1 << 16)
    monkeypatch.setattr(unpack.tempfile, "tempdir", str(tmp_path))
    block = content * (1 << 18)  # 256 KB are packed to some 280 bytes
    if ratio < 1000:  # bytes that cannot be packed, none of them a zero, as many as make the ratio
        block += bytes(random.Random(1).choices(range(1, 256), k=((1 << 18) - 280 * ratio) // (ratio - 1)))
    packed = tmp_path / "bomb.log.gz"
    packed.write_bytes(gzip.compress(block * 64, 9))
    times = 64 * len(block) / packed.stat().st_size
    assert abs(times / ratio - 1) < 0.09 if ratio < 1000 else times > 900
    if refused:
        with pytest.raises(BadFormat, match=refused):
            Unpacked(str(packed))
    else:
        Unpacked(str(packed)).close()
    assert os.listdir(str(tmp_path)) == ["bomb.log.gz"]


def test_a_small_file_may_be_packed_as_well_as_gzip_can(tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"\n" * (1 << 24), 9))  # 16 MB out of 16 KB
    unpacked = Unpacked(str(tmp_path / "a.log.gz"))
    assert os.path.getsize(unpacked.path) == 1 << 24
    unpacked.close()
