"""What a file is by its beginning, and what a word names: the edges of each sign."""

import errno
import gzip
import io
import os
from pathlib import Path
from typing import Any, List

import pytest

from kdtoken.errors import BadFormat, UsageError
from kdtoken.machine import sniff
from kdtoken.machine.sniff import (
    Head,
    cannot_read,
    inside,
    is_attach_string,
    is_source,
    is_there,
    kind_of,
    looks_like_file,
    matching,
    read_head,
    split_lines,
    the_one_of,
)

TEXT = b"kd> !process 0 0\n"
RECORDING = b'{"kdtoken-session": 1, "about": {}}'
DUMP = b"PAGEDU64" + bytes(range(200))
NOISE = bytes(range(256)) * 16  # no text, no magic number


def kind(name: str, data: bytes, size: int = -1, option: str = "", packed: bool = False) -> str:
    return kind_of(Head(name, data, size, packed), option).name


def refused(name: str, data: bytes, size: int = -1, option: str = "") -> str:
    with pytest.raises(BadFormat) as error:
        kind(name, data, size, option)
    return "%s\n%s" % (error.value.message, error.value.next_step)


@pytest.mark.parametrize("lead", [b"", b"\xef\xbb\xbf", b" \r\n\t", b"\xff\xfe"])
def test_a_recording_and_collects_json_are_told_in_every_encoding(lead: bytes) -> None:
    collected = b'{"kdtoken-collect": 1}'
    for data, name in ((RECORDING, "recording"), (collected, "collected")):
        plain = data.decode("ascii")
        packed = plain.encode("utf-16-le") if lead == b"\xff\xfe" else data
        assert kind("x", lead + packed) == name
    assert kind("x", b"see " + RECORDING) == "log"  # a text about one
    assert kind("x", b'{"other": 1}') == "log"


@pytest.mark.parametrize("key", [b'{"kdtoken": "1.0"}', b'{\n "kdtoken": "1.0"}'])
def test_what_a_verb_printed_is_no_source_in_either_form(key: bytes) -> None:
    assert "what a verb printed with --json" in refused("x.json", key)
    assert "kdtoken record" in refused("x.json", key, option="--log")
    assert kind("x", b'{"kdtoken-session": 1, "kdtoken": 2}') == "recording"


@pytest.mark.parametrize("magic", [b"PAGEDU64", b"PAGEDUMP"])
def test_a_crash_dump_is_one_whatever_its_name_and_option(magic: bytes) -> None:
    assert kind("x.txt", magic + bytes(100), option="--log") == "crash_dump"
    assert kind("x.txt", b" " + magic) == "log"


def test_raw_memory_is_told_by_name_and_size_together() -> None:
    for name in "a.vmem a.vmss a.vmsn a.raw a.mem a.memory a.img a.bin a.dd A.RAW a.raw.gz".split():
        assert kind(name, NOISE, 1 << 20) == "memory"
    assert "binary data" in refused("a.raw", NOISE, (1 << 20) - 1)
    assert kind("a.raw.gz", NOISE, 100, packed=True) == "memory"  # how large it is, nobody knows before it is unpacked
    assert "binary data" in refused("a.rawx", NOISE, 1 << 20) and "binary data" in refused("raw", NOISE, 1 << 20)
    assert kind("a.raw", TEXT, 1 << 20) == "log"
    assert "a zip archive" in refused("a.raw", b"PK\x03\x04" + NOISE, 1 << 20)
    for magic in (b"\xd0\xbe\xd2\xbe", b"\xd1\xba\xd1\xba", b"\xd2\xbe\xd2\xbe", b"\xd3\xbe\xd3\xbe"):
        assert kind("x", magic + NOISE, 10) == "memory"


def test_an_elf_file_is_memory_only_where_it_is_a_core() -> None:
    head = b"\x7fELF\2\1\1" + bytes(9)
    assert kind("x", head + b"\4\0" + NOISE, 10) == "memory"
    for other in (b"\2\0", b"\3\0", b"\4\1", b"\0\4"):
        assert "an ELF file, but no core" in refused("x.raw", head + other + NOISE, 1 << 20)


@pytest.mark.parametrize(
    "magic, what",
    [
        (b"PK\x03\x04", "a zip archive"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"Rar!", "a RAR archive"),
        (b"MSCF", "a CAB archive"), (b"BZh", "packed by bzip2"), (b"\xfd7zXZ\0", "packed by xz"),
        (b"\x28\xb5\x2f\xfd", "packed by zstd"), (b"MDMP", "a user-mode minidump"), (b"hibr", "a hibernation file"),
        (b"MZ", "a Windows program"), (b"Microsoft C/C++", "a symbol file (PDB)"), (b"BSJB", "a portable PDB"),
        (b"%PDF", "a PDF"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"),
    ],
)  # fmt: skip
def test_what_is_another_program_s_file_is_called_by_its_name(magic: bytes, what: str) -> None:
    assert what in refused("x", magic + NOISE) and what in refused("x", magic + NOISE, option="--log")


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "x is empty"),
        (b" \t\r\n\f\x1a", "x holds nothing but blanks and zeros"),
        (bytes(64), "x holds nothing but blanks and zeros"),
        (NOISE, "binary data, no crash dump, recording or text: it begins with 0001020304050607\n"),
    ],
)
def test_what_is_nothing_says_what_it_is(data: bytes, said: str) -> None:
    words = refused("x", data)
    assert said in words if data == NOISE else words.startswith(said)


def test_an_option_is_believed_where_the_content_leaves_room() -> None:
    assert "not a recording, which begins with" in refused("x", TEXT, option="--session")
    assert "kdtoken dump x PROCESS" in refused("x", TEXT, option="--session")
    assert "x is text, not a crash dump" in refused("x", TEXT, option="--dump")
    assert kind("x", TEXT) == kind("x", TEXT, option="--log") == "log"
    assert kind("x", NOISE, option="--dump") == "crash_dump"  # whose opener says what is wrong with it
    assert kind("x", NOISE, option="--log") == "log"
    assert "binary data" in refused("x", NOISE, option="--session")
    assert kind("MEMORY.DMP", NOISE) == kind("memory.dmp", TEXT) == "crash_dump"
    assert kind("memory.dmp", TEXT, option="--log") == "log"
    assert kind("memory.dmp", RECORDING) == "recording"


# --- reading the beginning


def test_of_a_packed_file_the_beginning_is_looked_at_unpacked_and_no_further_than_a_head() -> None:
    long = TEXT * 10000
    head = read_head(io.BytesIO(gzip.compress(long)), "x.gz", 77)
    assert head == Head("x.gz", long[: sniff.HEAD], 77, True)
    assert read_head(io.BytesIO(long), "x", 5) == Head("x", long[: sniff.HEAD], 5, False)
    assert read_head(io.BytesIO(TEXT), "x").size == -1
    with pytest.raises(BadFormat, match="gzip data, but damaged from the start"):
        read_head(io.BytesIO(b"\x1f\x8b\xff\xff" + bytes(20)), "x.gz")


def said(name: str, error: Exception) -> str:
    found = cannot_read(name, error)
    return "%s; %s" % (found.message, found.next_step)


def test_each_reason_why_a_file_cannot_be_read_is_said_with_what_helps(tmp_path: Path) -> None:
    there = tmp_path / "notepad.log"
    there.write_bytes(TEXT)
    missing = str(tmp_path / "notpad.log")
    assert said(missing, FileNotFoundError()) == "cannot read %s: there is no such file; did you mean %s?" % (
        missing,
        there,
    )
    assert said(str(tmp_path / "zzz"), FileNotFoundError()).endswith("name a file that is there")
    assert said(str(there), FileNotFoundError()).endswith("name a file that is there")  # never the same name again
    assert said(str(tmp_path / "none" / "a"), FileNotFoundError()).endswith("name a file that is there")
    for folder, error in ((str(tmp_path), OSError()), ("x", IsADirectoryError())):
        assert "it is a folder; name the file in it; walk takes folders" in said(folder, error)
    assert "the system refuses access" in said(missing, PermissionError())
    assert "cannot read %s: Input/output" % missing in said(missing, OSError(errno.EIO, "Input/output error"))
    assert "no such name can be" in said("a\0b", ValueError("embedded null byte"))
    link = tmp_path / "link"
    try:
        link.symlink_to(tmp_path / "gone")
    except OSError:
        return  # a Windows that lets nobody make links
    assert "it is a link that leads to no file" in said(str(link), FileNotFoundError())
    link.unlink()
    link.symlink_to(there)
    assert "a link" not in said(str(link), PermissionError())


# --- what a word names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, data in (("b.log", TEXT), ("a.log", TEXT), ("noise.dat", NOISE)):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "word, source, there, file",
    [
        ("-", True, True, False),
        ("tour", True, True, True),
        ("tour-whoami", True, True, True),
        ("tour-unknown", True, True, True),
        ("tour-incident", True, True, True),
        ("a.log", True, True, True),
        ("a.log:1-2", True, False, True),
        ("noise.dat", False, True, True),
        ("sub", False, True, True),
        ("net:port=50000,key=1.2.3.4", True, False, False),
        ("notepad.exe", False, False, False),
        ("notepad", False, False, False),
        ("gone.log", False, False, True),
        ("gone.txt:3-", False, False, True),
        ("gone/notepad", False, False, True),
        ("gone\\notepad", False, False, True),
        ("*.log", False, True, True),
        ("?.lag", False, False, False),
        ("gone.dmp", False, False, True),
        ("gone.vmem.gz", False, False, True),
        ("gone.dmpx", False, False, False),
    ],
)
def test_what_a_word_names(word: str, source: bool, there: bool, file: bool, folder: Path) -> None:
    assert (is_source(word), is_there(word), looks_like_file(word)) == (source, there, file)


def test_a_pattern_names_the_files_that_match_sorted_and_a_name_only_itself(folder: Path) -> None:
    assert matching("*.log") == matching("?.log") == ["a.log", "b.log"]
    assert matching("a.log") == matching("gone") == matching("*.gone") == []
    assert matching("[ab].log") == []  # brackets are ordinary in names
    if os.name == "nt":
        return  # where no name may have a *
    (folder / "*.log").write_bytes(TEXT)
    assert matching("*.log") == []  # a file is called so


def test_the_one_file_of_a_folder_or_pattern_or_a_list_of_five(folder: Path) -> None:
    assert the_one_of("a.log") == "a.log" and the_one_of("a*") == "a.log" and the_one_of("gone") == "gone"
    assert the_one_of("sub") == "sub"  # it holds nothing
    with pytest.raises(UsageError) as error:
        the_one_of(str(folder))
    names = ", ".join(str(folder / name) for name in ("a.log", "b.log"))  # noise.dat can be read by nobody
    assert error.value.message == "%s holds 2 that can be read: %s" % (folder, names)
    (folder / "b.log").unlink()
    assert the_one_of(str(folder)) == str(folder / "a.log")
    for number in range(1, 5):
        (folder / ("a%d.log" % number)).write_bytes(TEXT)
    with pytest.raises(UsageError) as error:
        the_one_of("*.log")
    assert error.value.message.endswith("a.log, a1.log, a2.log, a3.log, a4.log")
    (folder / "a5.log").write_bytes(TEXT)
    with pytest.raises(UsageError) as error:
        the_one_of("*.log")
    assert "holds 6 " in error.value.message and error.value.message.endswith("a3.log, a4.log, ...")
    assert inside("sub") == [] and inside(str(folder))[0] == str(folder / "a.log")
    with pytest.raises(BadFormat, match="cannot look into the folder gone"):
        inside("gone")


@pytest.mark.parametrize(
    "name, split",
    [
        ("a.log:1-2", ("a.log", ":1-2")),
        ("a.log:1-", ("a.log", ":1-")),
        ("a.log:1", ("a.log:1", "")),
        ("a.log:-2", ("a.log:-2", "")),
        ("a.log", ("a.log", "")),
        (":1-2", (":1-2", "")),
        ("c:\\a.log:12-34", ("c:\\a.log", ":12-34")),
        ("a.log:" + "1" * 12 + "-" + "2" * 12, ("a.log", ":" + "1" * 12 + "-" + "2" * 12)),
        ("a.log:" + "1" * 13 + "-", ("a.log:" + "1" * 13 + "-", "")),
    ],
)
def test_lines_of_a_file_that_are_asked_for(name: str, split: Any) -> None:
    assert split_lines(name) == split


@pytest.mark.skipif(os.name == "nt", reason="no name may have a colon there")
def test_a_file_that_is_called_like_lines_or_a_connection_is_that_file(folder: Path) -> None:
    words: List[str] = ["a.log:1-2", "com:pipe"]
    assert is_attach_string("com:pipe") and is_attach_string("NET:port=5")
    for word in words:
        (folder / word).write_bytes(TEXT)
    assert split_lines("a.log:1-2") == ("a.log:1-2", "") and not is_attach_string("com:pipe")
    assert all(not is_attach_string(word) for word in ("comx:1", "a.log", "xcom:pipe"))
    for word in ("1394:channel=1", "usb:target=1", "usb2:target=1", "usb3:target=1", "exdi:CLSID=1"):
        assert is_attach_string(word)
