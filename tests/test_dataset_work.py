"""Sources on their way into a lake: what an address stands for, what a file is known by, and how a reading fails."""

import os
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

from kdtoken.dataset import work  # noqa: E402
from kdtoken.dataset.work import (  # noqa: E402
    _message,
    _Read,
    _read,
    _symbols_wanted,
    brought,
    captured_text,
    print_of,
    remote_files,
    unchanged,
)
from kdtoken.errors import BadFormat, KdTokenError, UsageError  # noqa: E402
from kdtoken.machine.open import Request  # noqa: E402


class Store:
    """A file system of fsspec's manner, as much of it as is asked here."""

    def __init__(self, *files: str) -> None:
        self.files = files
        self.got: List[Any] = []

    def glob(self, path: str) -> List[str]:
        return [one for one in self.files if one.startswith(path.partition("*")[0])]

    def isdir(self, path: str) -> bool:
        return any(one.startswith(path + "/") for one in self.files)

    def ls(self, path: str, detail: bool) -> Any:
        inner = [{"name": one, "type": "file"} for one in self.files if one.startswith(path + "/")]
        return [*inner, {"name": path + "/folder.dmp", "type": "directory"}]

    def unstrip_protocol(self, path: str) -> str:
        return "s3://" + path

    def get_file(self, there: str, path: str) -> None:
        self.got.append(there)
        Path(path).write_bytes(b"x")


@pytest.mark.parametrize(
    "name, found",
    [
        ("s3://b/z.dmp", ["s3://b/z.dmp"]),  # itself, whether or not it is there
        ("s3://b/d", ["s3://b/d/a.dmp", "s3://b/d/c.log"]),  # of a folder what looks like a source, in order
        ("s3://b/d/*", ["s3://b/d/a.dmp", "s3://b/d/c.log"]),
        ("s3://b/d/c*", ["s3://b/d/c.log"]),
    ],
)
def test_what_an_address_stands_for(name: str, found: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store("b/d/c.log", "b/d/a.dmp", "b/d/noend")
    monkeypatch.setattr(work, "fs_of", lambda address: (store, address[len("s3://") :]))
    assert remote_files(name) == found


def test_an_address_with_nothing_at_it_and_one_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "fs_of", lambda address: (Store(), "b/*"))
    with pytest.raises(UsageError, match="there is nothing at s3://b/") as caught:
        remote_files("s3://b/*")
    assert caught.value.next_step == "name the files"

    def refuse(address: str) -> Any:
        raise RuntimeError("an AccessDenied of some package")

    monkeypatch.setattr(work, "fs_of", refuse)
    with pytest.raises(UsageError) as caught:
        remote_files("s3://b/*")
    assert caught.value.message == "cannot read s3://b/*: its store refuses"


@pytest.mark.parametrize("name, base", [("s3://b/a.dmp", "a.dmp"), ("s3://b/a.dmp?x=1", "a.dmp"), ("s3://", "s3:")])
def test_what_lies_in_a_store_is_copied_and_the_copy_goes(
    name: str, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    monkeypatch.setattr(work, "fs_of", lambda address: (store, "there"))
    monkeypatch.setattr(work, "is_remote", lambda address: True)
    with brought(name) as path:
        assert os.path.basename(path) == base and Path(path).read_bytes() == b"x" and store.got == ["there"]
    assert not os.path.exists(path)
    monkeypatch.setattr(work, "is_remote", lambda address: False)
    with brought(name) as path:
        assert path == name


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match="is no regular file: only those are read"):
        print_of(str(tmp_path), "a", 0)
    with pytest.raises(BadFormat, match="cannot read a"):
        print_of(str(tmp_path / "nothing"), "a", 0)


def test_a_file_is_known_by_its_bytes_its_size_and_the_lines_that_were_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo\n")
    first = print_of(str(path), "a", 7)
    assert (first.size, first.modified, len(first.sample)) == (8, 7, 32)
    assert print_of(str(path), "another name", 9).sample == first.sample
    chosen = print_of("%s:1-2" % path, "a", 7)
    assert chosen.sample != first.sample and chosen.size == 8
    path.write_bytes(b"one\ntwO\n")
    assert print_of(str(path), "a", 7).sample != first.sample


@pytest.mark.parametrize(
    "error, said",
    [
        (MemoryError(), "there is not enough memory for it"),
        (RecursionError(), "it nests too deep"),
        (KdTokenError("x.log is damaged", None, "copy it again"), "damaged"),
    ],
)
def test_what_a_reading_fails_by_is_kept_with_what_was_found_before(
    error: BaseException, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"kd> !token\nUser: S-1-5-18\n")

    def fail(request: Any) -> Any:
        raise error

    monkeypatch.setattr(work, "open_request", fail)
    read = _Read()
    job: Any = SimpleNamespace(name=str(path), request=Request((str(path),), ""))
    _read(job, str(path), 7, read)
    assert said in read.error and read.made is None and read.found is not None and read.kind


@pytest.mark.parametrize(
    "filetime, text",
    [
        (0, ""),
        (9_999_999, ""),  # not one second
        (10_000_000, "16010101T000001Z"),  # FILETIME counts 100 ns from 1601
        (116_444_736_000_000_000, "19700101T000000Z"),  # Unix time 0
        (116_444_736_000_000_000 + (3600 + 60 + 59) * 10_000_000, "19700101T010159Z"),
        (265_046_774_400 * 10_000_000 - 1, "99991231T235959Z"),
        (265_046_774_400 * 10_000_000, ""),  # the year 10000
        (-1, ""),
    ],
)
def test_when_a_machine_was_captured(filetime: int, text: str) -> None:
    assert captured_text(filetime) == text


@pytest.mark.parametrize(
    "row, same",
    [
        ({}, True),
        ({"error": "damaged"}, False),  # it may be readable by now
        ({"size": 8}, False),
        ({"modified": 8}, False),
    ],
)
def test_a_file_of_the_same_size_and_time_was_read_already(row: Any, same: bool) -> None:
    known: Any = SimpleNamespace(row={"error": None, "size": 9, "modified": 7, **row})
    assert unchanged(known, 9, 7) is same
    known.row["modified"] = 0
    assert not unchanged(known, 9, 0)  # a time that nobody tells proves nothing


@pytest.mark.parametrize(
    "message, step, told, wanted",
    [
        ("/tmp/copy is damaged", "copy it again", "s3://a is damaged; next: copy it again", ""),
        ("it is damaged", "", "s3://a: it is damaged", ""),
        ("it is\n   damaged", "", "s3://a: it is damaged", ""),
        ("symbols needed: ntkrnlmp.pdb 1\nmore", "", "s3://a: symbols needed: ntkrnlmp.pdb 1 more", "ntkrnlmp.pdb 1"),
    ],
)
def test_an_error_is_one_line_that_names_the_source(message: str, step: str, told: str, wanted: str) -> None:
    problem = KdTokenError(message, None, step)
    assert (_message(problem, "s3://a", "/tmp/copy"), _symbols_wanted(problem)) == (told, wanted)


@pytest.mark.parametrize(
    "info, found",
    [
        ({"size": 7, "mtime": 12.5}, (7, 12_500_000_000)),  # seconds, as fsspec's stores tell them
        ({"size": 7, "LastModified": datetime(1970, 1, 1, 0, 0, 2, tzinfo=timezone.utc)}, (7, 2_000_000_000)),
        ({"size": 7, "modified": 3, "mtime": 0}, (7, 3_000_000_000)),
        ({"size": 7, "mtime": "yesterday"}, (7, 0)),
        ({"size": None}, (0, 0)),
    ],
)
def test_a_store_tells_size_and_time_in_words_of_its_own(
    info: Any, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "fs_of", lambda url: (SimpleNamespace(info=lambda path: info), "bucket/a.dmp"))
    assert work.stat_of("s3://bucket/a.dmp") == found
