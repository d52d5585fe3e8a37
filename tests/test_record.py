"""`record`: what it keeps answers every form of the same verb, and it says where it kept it."""

import gzip
import json
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List

import pytest

from kdtoken import cli, dump, record, walk
from kdtoken.machine.base import Machine
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.objects import Objects
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.source.session import RecordingSource
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource
from tests.sessions import MACHINE_22000


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SyntheticSource:
    """A target that stands for the live session, recorded where `record` asks for that."""
    target = SyntheticSource(kernel_of(WINDOWS_11)).with_commands()
    real = cli.open_machine

    def open_machine(
        options: object, files: "tuple[str, ...]" = (), recordings: "list[RecordingSource] | None" = None
    ) -> Machine:
        if getattr(options, "session", None):
            return real(options, files, recordings)  # type: ignore[arg-type]
        if recordings is None:
            return KernelMachine(target)
        recordings.append(RecordingSource(target))
        return KernelMachine(recordings[0])

    monkeypatch.setattr(cli, "open_machine", open_machine)
    return target


@pytest.mark.parametrize("name", ["a.kdtoken.gz", "a.kdtoken"])
def test_every_form_of_a_dump_replays(
    name: str, machine: SyntheticSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / name
    assert record.main(["-o", str(kept), "dump", "notepad.exe"]) == 0
    assert "\nrecorded in %s: " % kept in capsys.readouterr().out
    for form in ([], ["--json"], ["--format", "windbg"], ["--no-check"]):
        assert dump.main(["notepad.exe"] + form) == 0
        live = capsys.readouterr().out
        assert dump.main(["--session", str(kept), "notepad.exe"] + form) == 0
        replayed = capsys.readouterr().out
        if form == ["--format", "windbg"]:
            assert replayed == live
        else:
            assert replayed.count("\n") in range(live.count("\n"), live.count("\n") + 2)
        assert "not recorded" not in replayed


def test_a_walk_replays(machine: SyntheticSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "walk.kdtoken.gz"
    assert record.main(["-o", str(kept), "walk", "--threads"]) == 0
    capsys.readouterr()
    assert walk.main(["--csv"]) == 0
    live = capsys.readouterr().out
    assert walk.main(["--session", str(kept), "--csv"]) == 0
    assert capsys.readouterr().out == live


def test_it_can_be_marked_synthetic(machine: SyntheticSource, tmp_path: Path) -> None:
    kept = tmp_path / "x.kdtoken.gz"
    assert record.main(["-o", str(kept), "--synthetic", "dump", "6104"]) == 0
    assert json.loads(gzip.decompress(kept.read_bytes()).split(b"\n")[0])["synthetic"] is True


def test_the_same_run_gives_the_same_file(machine: SyntheticSource, tmp_path: Path) -> None:
    for name in ("1.gz", "2.gz"):
        assert record.main(["-o", str(tmp_path / name), "dump", "6104"]) == 0
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()


def test_what_was_not_recorded_is_said_so(
    machine: SyntheticSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "x.kdtoken.gz"
    record.main(["-o", str(kept), "dump", "notepad.exe"])
    capsys.readouterr()
    # The process list was read on the way, lsass's token was not: one sentence, and no page of question marks.
    assert dump.main(["--session", str(kept), "lsass.exe"]) == 2
    out, err = capsys.readouterr()
    address = machine.kernel.tokens["lsass"]
    assert out == "" and err == (
        "kdtoken: lsass.exe (pid 744) is there, but its token at 0x%x is not recorded\n"
        "  next: record it again with the same command that you replay: kdtoken record VERB ...\n" % address
    )


@pytest.mark.parametrize("words", [["-o", "x"], ["dump", "a.exe"], ["-o", "x", "frobnicate"]])
def test_usage(words: "list[str]", machine: SyntheticSource, capsys: pytest.CaptureFixture[str]) -> None:
    assert record.main(words) == 2
    assert capsys.readouterr().err.startswith("kdtoken: ")


def test_a_file_that_cannot_be_written(
    machine: SyntheticSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record.main(["-o", str(tmp_path / "no" / "such.gz"), "dump", "notepad.exe"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("kdtoken: cannot write the recording ") and "Traceback" not in err


def test_a_session_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.gz"
    wrong.write_bytes(b"\x1f\x8bnot gzip")
    for path in (wrong, tmp_path / "missing.gz"):
        assert dump.main(["--session", str(path), "a.exe"]) == 2
        err = capsys.readouterr().err
        assert err.startswith("kdtoken: cannot read %s: " % path) and err.count("\n") == 2 and "\n  next: " in err


def test_all_keeps_what_guards_processes_and_tokens(
    machine: SyntheticSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "all.kdtoken.gz"
    assert record.main(["-o", str(kept), "all"]) == 0
    # Every process and every token that is readable has one; whoami.exe has no token any more.
    processes = len(machine.kernel.machine.processes)
    assert "%d processes, " % processes in capsys.readouterr().out
    live = Objects(machine)
    replayed = Objects(cli.open_machine(cli.parser("x", "").parse_args(["--session", str(kept)])).source)  # type: ignore[attr-defined]
    for argument in ("lsass.exe", "token:notepad.exe", "token:cmd.exe", "4"):
        assert replayed.find(argument) == live.find(argument)
        assert isinstance(replayed.find(argument).descriptor, SecurityDescriptor)
    assert replayed.default_label() == live.default_label()


def test_symbols_without_object_types_record_the_rest(
    machine: SyntheticSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.without_type("_OBJECT_TYPE")
    assert record.main(["-o", str(tmp_path / "all.gz"), "all"]) == 0
    assert " 0 security descriptors\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["dump", "{0}", "6104"], ["walk", "{0}"], ["all", "{0}"]], ids=lambda words: words[0]
)
def test_a_file_is_recorded_without_an_option_and_o_may_stand_behind_the_verb(
    words: "list[str]", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a dump of gigabytes what was asked for; here of a recording, which answers the same."""
    kept = tmp_path / "kept.kdtoken"
    assert record.main([word.format(MACHINE_22000) for word in words] + ["-o", str(kept)]) == 0
    assert capsys.readouterr().out.rstrip().split("\n")[-1].startswith("recorded in %s: " % kept)
    assert dump.main([str(kept), "6104"]) == 0
    told = capsys.readouterr().out
    # Of a walk, what only a dump asks for was not recorded: neither is it none, nor does the build lack it.
    assert "not in this build" not in told and "none on the process's list" not in told
    assert ("SepLogonSessions is not recorded" in told) == ("?? not listed, as noted" in told) == (words[0] == "walk")
    assert kept.read_bytes().startswith(b'{"kdtoken-session"')


def test_what_is_replaced_is_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, source = tmp_path / "kept.kdtoken.gz", tmp_path / "source.kdtoken.gz"
    source.write_bytes(MACHINE_22000.read_bytes())
    kept.write_bytes(gzip.compress(b"a diary"))
    command = ["-o", str(kept), "dump", str(source), "6104"]
    assert record.main(command) == 2 and gzip.decompress(kept.read_bytes()) == b"a diary"
    assert (
        "is there already, and no recording of ours\n  next: another name, or remove it first"
        in capsys.readouterr().err
    )
    kept.write_bytes(source.read_bytes())
    assert record.main(command) == 0 and kept.read_bytes() != source.read_bytes()
    before = source.read_bytes()
    assert record.main(["-o", str(source), "dump", str(source), "6104"]) == 2 and source.read_bytes() == before
    assert "it is what is read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["dump", "notepad.exe"], "dump notepad.exe"),
        (["dump", "my editor.exe", "--all"], 'dump "my editor.exe" --all'),
        (["all"], "all"),
    ],
)
def test_without_a_file_the_command_is_said_again_with_one(
    words: List[str], again: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record.main(words) == 2
    assert capsys.readouterr().err == (
        "kdtoken: -o FILE is missing\n  next: kdtoken record -o machine.kdtoken.gz %s\n" % again
    )


def test_all_counts_processes_threads_and_descriptors(
    machine: SyntheticSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record.main(["-o", str(tmp_path / "all.kdtoken.gz"), "all"]) == 0
    processes = machine.kernel.machine.processes
    said = capsys.readouterr().out.split("\n")[0].split(", ")
    assert said[:2] == ["%d processes" % len(processes), "%d threads" % sum(len(one.threads) for one in processes)]
    assert said[2].endswith(" security descriptors")


@pytest.mark.parametrize(
    "processes, threads, guarded, said",
    [
        (0, 0, 0, "0 processes, 0 threads, 0 security descriptors"),
        (1, 1, 1, "1 process, 1 thread, 1 security descriptor"),
        (2, 3, 2, "2 processes, 6 threads, 2 security descriptors"),
    ],
)
def test_one_of_a_kind_is_one(
    processes: int, threads: int, guarded: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one: Any = SimpleNamespace(dump=lambda check: SimpleNamespace(threads=[0] * threads))
    machine = KernelMachine(SyntheticSource(kernel_of(WINDOWS_11)))
    monkeypatch.setattr(machine, "processes", lambda: [one] * processes)
    monkeypatch.setattr(record, "read_guards", lambda source: guarded)
    machine.problems = ("the list is torn",)
    assert record.read_all(machine, Namespace(check=False)) == [said, "the list is torn"]
