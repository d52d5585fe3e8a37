"""Names of many sources: what a folder holds, a pattern and a word that is no file."""

import os
from pathlib import Path

import pytest

from kdtoken.cli.files import files_of
from kdtoken.errors import UsageError

TEXT = "kd> !token\nUser: S-1-5-18\n"


def made(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99) if name.endswith("png") else TEXT.encode())


def test_of_a_folder_all_that_can_be_read_is_taken_and_the_rest_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, "a.txt", "b.log")
    assert files_of([str(tmp_path)], "walk") == [str(tmp_path / "a.txt"), str(tmp_path / "b.log")]
    assert capsys.readouterr().err == ""
    made(tmp_path, "1.png", "2.png", "3.png", "4.png", "inner/c.txt")
    assert len(files_of([str(tmp_path)], "walk")) == 2
    said = capsys.readouterr().err
    assert said.endswith(": passed over, being no source: 1.png, 2.png, 3.png, 4.png, inner%s\n" % os.sep)
    made(tmp_path, "0.png")
    files_of([str(tmp_path)], "walk")
    assert capsys.readouterr().err.endswith(": 0.png, 1.png, 2.png, 3.png, 4.png, ...\n")


def test_a_folder_without_a_source(tmp_path: Path) -> None:
    made(tmp_path, "1.png")
    with pytest.raises(UsageError, match="nothing in .* is a dump, a recording, a log or a text"):
        files_of([str(tmp_path)], "walk")


def test_a_pattern_a_file_and_a_word(tmp_path: Path) -> None:
    made(tmp_path, "a.txt", "b.txt", "c.log")
    place = str(tmp_path) + os.sep
    assert files_of([place + "*.txt", place + "c.log"], "walk") == [place + one for one in ("a.txt", "b.txt", "c.log")]
    assert files_of(["-"], "walk") == ["-"] and files_of([], "walk") == []
    with pytest.raises(UsageError) as caught:
        files_of(["nosuch*"], "walk")
    assert caught.value.message == "no file is called as nosuch* asks"
    with pytest.raises(UsageError) as caught:
        files_of([place + "a.txt", "notepad"], "walk")
    assert caught.value.message == "walk takes files, and there is none called notepad"
    assert caught.value.next_step == "kdtoken dump %sa.txt notepad shows one process" % place
    with pytest.raises(UsageError) as caught:  # of several files the last: a verb that shows one process takes one
        files_of([place + "a.txt", place + "b.txt", "notepad"], "walk")
    assert caught.value.next_step == "kdtoken dump %sb.txt notepad shows one process" % place
    with pytest.raises(UsageError) as caught:
        files_of(["notepad"], "audit")
    assert caught.value.next_step == "kdtoken dump notepad shows one process"
    # What looks like a file's name is one, and whoever opens it says that it is not there.
    assert files_of(["gone.dmp"], "walk") == ["gone.dmp"]


def test_a_pattern_that_names_nothing_is_said_to_whatever_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows the shell leaves `*.dmp` alone: no file of that name is missing."""
    monkeypatch.chdir(tmp_path)
    for name in ("*.dmp", "?.kdtoken.gz", "folder/*.log"):
        with pytest.raises(UsageError, match="no file is called as .* asks") as caught:
            files_of([name], "walk")
        assert caught.value.next_step == "name the files, or their folder"
