"""The tour: every step shows what its text speaks of."""

import shlex
from importlib import import_module
from pathlib import Path

import pytest

import kdtoken
from kdtoken import tour


@pytest.mark.parametrize("number", range(1, len(tour.STEPS) + 1))
def test_each_section_of_a_step_is_shown(number: int) -> None:
    step = tour.STEPS[number - 1]
    shown = [line[5:] for line in tour.step_lines(number) if line.startswith("   |")]
    for section in step.sections:
        if section:
            assert any(line.startswith(section.rstrip()) for line in shown), section
        else:
            assert any("pid" in line.lower() for line in shown[:14])  # below what is strange


def test_the_steps_say_what_they_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert tour.main(["all"]) == 0
    printed = capsys.readouterr().out
    # what the notices claim of the machine, in the output itself
    assert "TokenFlags: 0x2a00" in printed
    assert "& ~0xf (_EX_FAST_REF.RefCnt is 4 bits wide)" in printed
    assert "removed   SeCreateGlobalPrivilege" in printed
    assert "The full token behind this filtered one" in printed
    assert "5 of 7 threads impersonate" in printed
    assert "Restricting SIDs (1)" in printed
    assert "Lowbox number" in printed
    # one SID and no more fits a line of a hundred
    assert max(len(line) for line in printed.split("\n") if "S-1-15-" not in line) < 106


@pytest.mark.parametrize("number", range(1, len(tour.STEPS) + 1))
def test_each_step_can_be_typed(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands behind `kdtoken` in a step, given to the verb, prints what the step shows."""
    lines = tour.step_lines(number)
    verb, *arguments = shlex.split(lines[2].strip())[1:]
    code = import_module("kdtoken." + verb).main(arguments)
    printed = [line.strip() for line in capsys.readouterr().out.split("\n")]
    assert code in (0, 1)  # 1: explain says no
    shown = [line[5:].strip() for line in lines if line.startswith("   | ")]
    missing = [line for line in shown if line not in printed]
    assert not missing or verb == "explain" and len(missing) <= len(shown) // 3, missing


def test_a_file_called_tour_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(kdtoken.open("tour").processes()) == 31
    (tmp_path / "tour").write_text("hello")
    with pytest.raises(kdtoken.KdTokenError):
        kdtoken.open("tour").processes()


def test_a_step_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert tour.main(["13"]) == 2
    assert "there is no step 13" in capsys.readouterr().err
    assert tour.main([]) == 0
    assert "12. A Low process and a Medium object" in capsys.readouterr().out


def test_the_checks_that_are_predicted(capsys: pytest.CaptureFixture[str]) -> None:
    """The places that the notices speak of: a group for deny only, a privilege of no use here, the label."""
    printed = []
    for step in ("10", "11", "12"):
        assert tour.main([step]) == 0
        printed.append(capsys.readouterr().out)
    assert "it comes from: the DACL" in printed[0] and "in this one it counts for" in printed[0]
    assert "it comes from: the DACL" in printed[1] and "with backup intent" in printed[1]
    assert "it comes from: the object's integrity label" in printed[2]
    assert "caller Low Mandatory Level; object Medium Mandatory Level" in printed[2]
