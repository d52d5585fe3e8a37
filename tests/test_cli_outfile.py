"""The file that a verb writes: which is replaced, and where it cannot be written."""

import argparse
import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from kdtoken.cli.outfile import PARQUET, RECORDING, REPORT, Made, One, check_output
from kdtoken.errors import UsageError

TEXT = b"kd> !process 0 0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.log", "a.log"):
        (tmp_path / name).write_bytes(TEXT)
    return tmp_path


def told(path: str, made: Made = RECORDING, sources: Any = ()) -> str:
    try:
        check_output(path, made, sources)
    except UsageError as error:
        return "%s; %s" % (error.message, error.next_step)
    return ""


@pytest.mark.parametrize(
    "made, sign, what",
    [
        (RECORDING, b'{"kdtoken-session": 1}', "recording"),
        (REPORT, b'<html><meta name="generator" content="kdtoken 1.0">', "report"),
        (PARQUET, b"PAR1....", "Parquet file"),
    ],
)
def test_only_what_an_earlier_run_made_is_replaced(made: Made, sign: bytes, what: str, folder: Path) -> None:
    assert told("new", made) == ""
    (folder / "old").write_bytes(sign)
    assert told("old", made) == ""
    (folder / "old").write_bytes(gzip.compress(sign))
    assert told("old", made) == ""
    (folder / "old").write_bytes(b"")
    assert told("old", made) == ""
    for other in (TEXT, b" " * (1 << 16) + sign, b"\x1f\x8b\0\0damaged", gzip.compress(TEXT)):
        (folder / "old").write_bytes(other)
        assert told("old", made) == "old is there already, and no %s of ours; another name, or remove it first" % what


def test_where_nothing_can_be_written_is_said_before_anything_is_read(folder: Path) -> None:
    assert told(".") == "cannot write the recording .: it is a folder; name a file in it: %s" % os.path.join(
        ".", "NAME"
    )
    assert told("gone/x").startswith("cannot write the recording gone/x: there is no folder gone; make that folder")
    (folder / "r").write_bytes(b'"kdtoken-session"')
    assert told("r", sources=["a.log", "", "none"]) == ""
    assert (
        told("r", sources=["a.log", os.path.join(".", "r")])
        == "cannot write the recording r: it is what is read; another name"
    )
    if os.name == "posix":
        assert told(os.devnull) == ""  # a device loses nothing
        (folder / "shut").mkdir(mode=0o500)
        if not os.access("shut", os.W_OK):  # root may write anywhere
            assert "no file can be made in shut" in told("shut/x")


def test_an_option_that_names_the_file_stands_once() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", action=One)
    assert parser.parse_args(["-o", "x"]).o == "x"
    with pytest.raises(UsageError, match="-o names one file, and here are two"):
        parser.parse_args(["-o", "x", "-o", "x"])
