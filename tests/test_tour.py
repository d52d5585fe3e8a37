"""The tour: every step shows what its text speaks of, and every command that it prints is typed."""

import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import List, Tuple

import pytest

import kdtoken
from kdtoken import cli, tour
from kdtoken.cli.tour.exercises import EXERCISES, task_lines
from kdtoken.cli.tour.steps import STEPS, step_lines
from kdtoken.machine.sniff import CARRIED
from kdtoken.render.words import set_columns
from tests.machine.declared import MACHINE
from tests.machine.strange import INCIDENT
from tests.sessions import INCIDENT_22000, MACHINE_22000, recorded
from tests.test_cli import WinDbgOut

NUMBERS = range(1, len(STEPS) + 1)


@pytest.fixture(autouse=True)
def ordinary_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever another test left behind."""
    monkeypatch.delenv("COLUMNS", raising=False)
    set_columns()


def run(command: str, capsys: pytest.CaptureFixture[str]) -> Tuple[int, List[str]]:
    """A line as it is typed, `kdtoken VERB ...` or `!py -m kdtoken.VERB ...`, run in this process."""
    words = shlex.split(command)
    verb, arguments = (words[2].split(".")[1], words[3:]) if words[0] == "!py" else (words[1], words[2:])
    code = import_module("kdtoken." + verb).main(arguments)
    return code, capsys.readouterr().out.split("\n")


@pytest.mark.parametrize("number", NUMBERS)
def test_each_section_of_a_step_is_shown(number: int) -> None:
    step = STEPS[number - 1]
    shown = [line[5:] for line in step_lines(number) if line.startswith("   |")]
    assert len(shown) > 3
    for section in step.sections:
        assert any(line.startswith(section.rstrip()) for line in shown), section


@pytest.mark.parametrize("number", NUMBERS)
def test_each_step_can_be_typed(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The command of a step prints all lines that the step shows, in their order."""
    lines = step_lines(number)
    code, printed = run(lines[2].strip(), capsys)
    assert code == (1 if STEPS[number - 1].command.startswith("explain") else 0)  # each access check says no
    left = iter(line.rstrip() for line in printed)
    for line in (line[5:] for line in lines if line.startswith("   | ")):
        assert line in left, line


def test_the_steps_follow_the_concepts() -> None:
    """The order that the labs have: each word in the title of a later step than the one before."""
    titles = [step.title for step in STEPS]
    order = [
        "whoami beside the kernel",
        "!token",
        "_EPROCESS",
        "Primary and impersonation",
        "Privileges are not rights",
        "Integrity",
        "Identity and policy",
        "Groups are policy too",
        "boot",
        "authentication",
        "filtering",
        "Inheritance",
        "Why attackers care",
    ]
    places = [next(at for at, title in enumerate(titles) if word in title) for word in order]
    assert places == sorted(places) and len(set(places)) == len(order)


def test_the_steps_say_what_they_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert tour.main(["all"]) == 0
    printed = capsys.readouterr().out
    # what the notices claim of the machine, in the output itself
    assert "A and B agree in all that both can know" in printed
    assert "TokenFlags: 0x2a00" in printed
    assert "& ~0xf (_EX_FAST_REF.RefCnt is 4 bits wide)" in printed
    assert "removed   SeCreateGlobalPrivilege" in printed
    assert "The full token behind this filtered one" in printed
    assert "5 of 7 threads impersonate" in printed
    assert "the kernel's own token, made at its start (nt!PspBootAccessToken)" in printed
    assert "authentication logged on: logon session 0x2f3a1" in printed
    assert "filtered out of token 0x2f3d5" in printed
    assert "Restricting SIDs (1)" in printed
    assert "Lowbox number" in printed
    assert "two running processes, one token object" in printed
    for number, one in enumerate(EXERCISES, 1):
        assert "Exercise %d. %s" % (number, one.title) in printed
    # one SID and no more fits a line of a hundred
    assert max(len(line) for line in printed.split("\n") if "S-1-15-" not in line) < 106


@pytest.mark.parametrize("width", [80, 90])
def test_on_a_narrow_terminal_nothing_is_wider(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert tour.main(["all"]) == 0
    lines = capsys.readouterr().out.split("\n")
    prose = [line for line in lines if line.startswith("   ") and line[3:4] not in "|k" and "tour --" not in line]
    assert max(map(len, prose)) <= width
    # An address, a SID and a table of walk have a width of their own.
    shown = [line for line in lines if line.startswith("   | ") and not re.search("S-1-|0x|walk|NOTES", line)]
    wide = [line for line in shown if len(line) > width]
    assert len(wide) <= len(shown) // 20, wide


def test_the_checks_that_are_predicted() -> None:
    """The places that the notices speak of: a group for deny only, a privilege of no use here, the label."""
    privilege, label, predicted = ("\n".join(step_lines(number)) for number in (5, 6, 16))
    assert "it comes from: the DACL" in predicted and "in this one it counts for" in predicted
    assert "it comes from: the DACL" in privilege and "with backup intent" in privilege
    assert "it comes from: the object's integrity label" in label
    assert "caller Low Mandatory Level; object Medium Mandatory Level" in label


def test_a_privilege_opens_a_process_and_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """What step 5 says of --type process."""
    command = "kdtoken " + STEPS[4].command.replace("--type file", "--type process")
    code, printed = run(command, capsys)
    rights = [line for line in printed if re.match(r"  0x[0-9a-f]{8}  ", line)]
    assert code == 0 and rights and all("granted by SeDebugPrivilege" in line for line in rights)


@pytest.mark.parametrize("word", CARRIED)
def test_a_file_called_so_comes_first(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert kdtoken.open(word).about.source
    (tmp_path / word).write_text("hello")
    with pytest.raises(kdtoken.KdTokenError):
        kdtoken.open(word).processes()


def test_the_carried_recordings_are_the_declared_machines(tmp_path: Path) -> None:
    """The files are what tests/sessions.py writes: nobody changed the machine and left them."""
    for path, machine in ((MACHINE_22000, MACHINE), (INCIDENT_22000, INCIDENT)):
        recorded("22000", machine).save(tmp_path / path.name)
        assert kdtoken.open(path).snapshot().processes == kdtoken.open(tmp_path / path.name).snapshot().processes


@pytest.mark.parametrize("verb", ["dump", "walk", "lineage", "diff", "explain", "audit"])
def test_the_tour_is_a_session_too(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--session tour` and plain `tour` are the same everywhere."""
    more = {
        "dump": "notepad.exe",
        "lineage": "notepad.exe",
        "diff": "notepad.exe cmd.exe",
        "explain": "notepad.exe --to lsass.exe --want VM_READ",
    }.get(verb, "")
    named = run("kdtoken %s --session tour %s" % (verb, more), capsys)
    plain = "diff tour@notepad.exe tour@cmd.exe" if verb == "diff" else "%s tour %s" % (verb, more)
    again = run("kdtoken " + plain, capsys)
    assert named[0] in (0, 1)
    # what stands before the first empty line may name the file
    assert (named[0], named[1][named[1].index("") :]) == (again[0], again[1][again[1].index("") :])


def test_in_windbg_what_is_printed_is_what_is_typed_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = WinDbgOut()
    out.writedml = out.write  # type: ignore[method-assign]
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        assert tour.main(["all"]) == tour.main([]) == tour.main(["--exercise", "3", "dacl"]) - 1 == 0
    lines = "".join(out.parts).split("\n")
    assert not [line for line in lines if line.strip().startswith("kdtoken ")]
    typed = [line.split("  ")[0] for line in (line.strip() for line in lines) if line.startswith("!py -m kdtoken.")]
    assert len(typed) > len(STEPS) + 10
    for command in typed:
        if not re.search("ANSWER|FOLDER", command):
            assert run(command, capsys)[0] in (0, 1), command


class PykdOut(WinDbgOut):
    """The stdout under pykd.pyd's own !py, which destroys its arguments."""


PykdOut.__module__ = "pykd"


def test_under_pykds_own_py_the_alias_is_told_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = PykdOut()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        assert tour.main(["all"]) == tour.main([]) == 0
    typed = re.findall(r"^\s*(as .*)$", "".join(out.parts), flags=re.MULTILINE)
    assert len(typed) > len(STEPS) + 10 and "!py -m" not in "".join(out.parts)
    for line in typed:
        alias, command = line.split("   and then   ")
        command = command.split("  ")[0]
        assert alias.startswith("as KDARGS ")
        held = alias[len("as KDARGS ") :]
        # The engine puts back the very text of the line: seen on dbgeng 15063, quotes and semicolons too.
        monkeypatch.setattr(cli, "debugger_command", lambda asked, held=held: held + "\n")
        words = cli.alias_arguments(len(shlex.split(command)) - 2)
        assert words == shlex.split(held)
        if not re.search("ANSWER|FOLDER", command):
            verb = command.split()[1].split(".")[1]
            assert import_module("kdtoken." + verb).main(words) in (0, 1), command
            capsys.readouterr()


def test_every_command_of_the_contents_and_tasks_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    tour.main([])
    lines = capsys.readouterr().out.split("\n")
    for number in range(1, len(EXERCISES) + 1):
        lines += task_lines(number)
    typed = [line.strip().split("  ")[0] for line in lines if line.strip().startswith("kdtoken ")]
    assert len(typed) > 15
    for command in typed:
        if not re.search("ANSWER|FOLDER", command):
            assert run(command, capsys)[0] in (0, 1), command


@pytest.mark.parametrize("words", ["99", "x", "1 2", "--hint", "--exercise 6", "--exercise x", "--write F 1"])
def test_what_is_not_there(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tour.main(words.split(" ")) == 2
    assert "\n  next: " in capsys.readouterr().err


def test_a_step_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The next step, and behind the last one the first exercise."""
    for number, following in (("1", "kdtoken tour 2"), (str(len(STEPS)), "kdtoken tour --exercise 1")):
        assert tour.main([number]) == 0
        assert capsys.readouterr().out.endswith("\n\nGo on: %s\n" % following)
