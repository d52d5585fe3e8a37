"""The tour: every step shows what its text speaks of."""

import pytest

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


def test_a_step_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert tour.main(["13"]) == 1
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
