"""The practice machine: laid down whole or not at all, and what it holds is the machine of the tour."""

import lzma
import os
import shlex
import shutil
from importlib import import_module
from pathlib import Path
from typing import List, Tuple

import pytest

from kdtoken import tour
from kdtoken.cli.tour import practice
from kdtoken.errors import KdTokenError
from kdtoken.machine import open as opening
from tests.machine.declared import MACHINE
from tests.machine.whoami_text import whoami_all

NAMES = sorted("README.txt incident.dmp ntkrnlmp.pdb ntoskrnl.exe practice.dmp unknown.txt whoami.txt".split())


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tour") / "lab here"
    assert tour.main(["--write", str(folder)]) == 0
    return folder


def run(command: str, capsys: pytest.CaptureFixture[str]) -> Tuple[int, List[str]]:
    verb, *arguments = shlex.split(command)[1:]
    code = import_module("kdtoken." + verb).main(arguments)
    return code, capsys.readouterr().out.split("\n")


def test_it_is_all_there(lab: Path) -> None:
    assert sorted(os.listdir(str(lab))) == NAMES
    assert os.path.getsize(opening.carried("practice")) < 300_000


@pytest.mark.parametrize("pid", [process.pid for process in MACHINE.processes if process.token])
def test_the_dump_shows_what_the_tour_shows(pid: int, lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every token the same, but for where it was read, and what only a debugger beside it can add."""
    asked = "--format windbg"
    dump = run('kdtoken dump "%s" --symbols "%s" %d %s' % (lab / "practice.dmp", lab, pid, asked), capsys)
    recording = run("kdtoken dump tour %d %s" % (pid, asked), capsys)
    assert dump[0] == recording[0] == 0
    # paged out of the tour's machine, and so out of the dump
    assert _without_addresses(dump[1]) == _without_addresses(recording[1])


def _without_addresses(lines: List[str]) -> List[str]:
    """The image of the dump's nt is not where the recording's is; nothing else moves."""
    return [line for line in lines if not line.startswith(("_TOKEN", "from "))]


def test_every_command_of_its_readme_is_right(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (lab / "README.txt").read_text(encoding="utf-8")
    commands = [line.strip() for line in text.split("\n") if line.startswith("    kdtoken ")]
    codes = {}
    for command in commands:
        codes[shlex.split(command)[1]] = run(command, capsys)[0]
    assert codes == {"dump": 0, "diff": 0, "audit": 1}  # the incident needs a look
    assert 'windbg -z "%s" -y "%s"' % (lab / "practice.dmp", lab) in text


def test_what_is_printed_can_be_typed(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tour.main(["--write", str(lab)]) == 0  # a second time: the same files are no obstacle
    printed = capsys.readouterr().out.split("\n")
    command = next(line for line in printed if line.startswith("   kdtoken dump"))
    assert "notepad.exe  pid 6104" in run(command, capsys)[1][0]


def test_the_incident_is_the_tours(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run('kdtoken audit "%s" --symbols "%s"' % (lab / "incident.dmp", lab), capsys)
    assert code == 1
    assert any("mspaint.exe (6240) runs under the very token object of winlogon.exe (668)" in one for one in printed)


def test_the_texts_are_of_the_declared_tokens(lab: Path) -> None:
    for name, key in (("whoami.txt", "notepad"), ("unknown.txt", "reader")):
        assert (lab / name).read_bytes() == whoami_all(MACHINE.tokens[key], "anna-pc\\anna").encode("ascii")


@pytest.mark.parametrize("name", NAMES)
def test_another_file_is_never_written_over(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_bytes(b"mine")
    assert tour.main(["--write", str(tmp_path)]) == 2
    assert "%s is there already, and another file" % (tmp_path / name) in capsys.readouterr().err
    assert os.listdir(str(tmp_path)) == [name] and (tmp_path / name).read_bytes() == b"mine"


def test_a_folder_of_that_name_and_a_file_for_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "whoami.txt").mkdir()
    assert tour.main(["--write", str(tmp_path)]) == 2
    assert "whoami.txt is there already" in capsys.readouterr().err
    (tmp_path / "file").write_bytes(b"")
    assert tour.main(["--write", str(tmp_path / "file")]) == 2
    err = capsys.readouterr().err
    assert "cannot make the folder %s" % (tmp_path / "file") in err and "next: " in err and "Errno" not in err


@pytest.mark.parametrize("there", [False, True])
def test_all_or_nothing(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full at the third file: what was written before goes again, and the folder if it was made for it."""
    folder = tmp_path / "lab"
    if there:
        folder.mkdir()
        (folder / "other").write_bytes(b"mine")
    written: List[str] = []
    whole = tour.write_whole

    def full(path: str, data: "List[bytes]", what: str) -> None:
        if len(written) == 2:
            raise KdTokenError("cannot write the file %s: No space left on device" % path, path, "another folder")
        written.append(path)
        whole(path, data, what)

    monkeypatch.setattr(tour, "write_whole", full)
    assert tour.main(["--write", str(folder)]) == 2
    assert len(written) == 2
    assert os.listdir(str(folder)) == ["other"] if there else not folder.exists()


def test_a_damaged_archive_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Path(opening.carried("practice")).read_bytes()
    bad = {"cut": good[:-3000], "none": b"", "text": b"hello" * 100, "bits": good[:9000] + b"\0" * 400 + good[9400:]}
    bad["inside"] = lzma.compress(b"\1" * 2048)
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
        monkeypatch.setattr(practice, "carried", lambda word, name=name: str(tmp_path / name))
        with pytest.raises(KdTokenError, match="is damaged"):
            practice.practice_files("F")


def test_a_kdtoken_without_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kdtoken" / "machine").mkdir(parents=True)
    monkeypatch.setattr(opening, "__file__", str(tmp_path / "kdtoken" / "machine" / "open.py"))
    with pytest.raises(KdTokenError, match="practice.tar.xz is not installed"):
        opening.carried("practice")
    shutil.copy(__file__, str(tmp_path / "kdtoken" / "practice.tar.xz"))  # as in a wheel
    assert opening.carried("practice") == str(tmp_path / "kdtoken" / "practice.tar.xz")
