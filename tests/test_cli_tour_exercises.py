"""The exercises: who is right follows from the declaration of the machine, not from what the check says."""

from types import SimpleNamespace
from typing import List, Set

import pytest

from kdtoken import tour
from kdtoken.analysis.audit.rules import audit
from kdtoken.cli.tour import exercises
from kdtoken.cli.tour.exercises import EXERCISES, task_lines
from kdtoken.machine.open import open_machine
from kdtoken.render.words import clean
from tests.machine import spec
from tests.machine.declared import MACHINE
from tests.machine.spec import ProcessSpec, TokenSpec
from tests.machine.strange import INCIDENT, QUIET


def token_of(process: ProcessSpec) -> TokenSpec:
    assert process.token is not None
    return MACHINE.tokens[process.token]


def right(number: int, processes: "tuple[ProcessSpec, ...]") -> Set[int]:
    """The pids that the exercise takes for right."""
    return {one.pid for one in processes if tour.main(["--exercise", str(number), str(one.pid)]) == 0}


def test_whoami_fits_who_has_that_user_those_groups_and_privileges() -> None:
    text = MACHINE.tokens["reader"]  # of whom tests/engine/practice.py has whoami speak
    fits = {
        one.pid
        for one in MACHINE.processes
        if one.token is not None
        and not token_of(one).paged_out
        and (token_of(one).user, token_of(one).all_groups, token_of(one).privileges)
        == (text.user, text.all_groups, text.privileges)
    }
    assert 5300 in fits and 6104 not in fits
    assert right(1, MACHINE.processes) == fits


def test_the_token_was_made_of_the_one_that_it_names() -> None:
    parent = MACHINE.tokens["restricted"].parent_id
    made_of = {one.pid for one in MACHINE.processes if one.token is not None and token_of(one).token_id == parent}
    assert len(made_of) == 1
    assert right(2, MACHINE.processes) == made_of


@pytest.mark.parametrize("answer", ["boot", "logon", "Authentication", "filtering"])
def test_how_is_not_who(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tour.main(["--exercise", "2", answer]) == 1
    assert ("name the process" if answer == "filtering" else "ParentTokenId") in capsys.readouterr().out


def test_a_token_at_identification_opens_nothing() -> None:
    """[MS-LSAD] and learn.microsoft.com, SECURITY_IMPERSONATION_LEVEL: at Identification nothing can be opened."""
    assert MACHINE.thread(1132).level == spec.IDENTIFICATION
    said = {
        one: tour.main(["--exercise", "3", one]) for one in ("level", "impersonation", "yes", "no", "dacl", "label")
    }
    assert said == {"level": 0, "impersonation": 0, "yes": 1, "no": 1, "dacl": 1, "label": 1}
    assert tour.main(["--exercise", "3", "no,", "by", "level"]) == 0
    assert tour.main(["--exercise", "3", "perhaps"]) == 2


def test_the_stolen_token_is_where_it_was_not_before() -> None:
    moved = {one.pid for one, was in zip(INCIDENT.processes, QUIET.processes) if one.token != was.token}
    assert len(moved) == 1
    assert right(4, INCIDENT.processes) == moved


def test_who_was_robbed_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    stolen = next(one.token for one, was in zip(INCIDENT.processes, QUIET.processes) if one.token != was.token)
    robbed = next(one.pid for one in QUIET.processes if one.token == stolen)
    assert tour.main(["--exercise", "4", str(robbed)]) == 1
    assert "That token is its own." in capsys.readouterr().out


def test_one_child_has_more_than_a_copy() -> None:
    explorer = next(one for one in MACHINE.processes if one.image_name == b"explorer.exe")
    more = {
        one.pid
        for one in MACHINE.processes
        if one.parent == explorer.pid
        and one.token is not None
        and int(token_of(one).integrity.split("-")[-1]) > int(token_of(explorer).integrity.split("-")[-1])
    }
    assert len(more) == 1
    assert right(5, MACHINE.processes) == more


@pytest.mark.parametrize("number", range(1, len(EXERCISES) + 1))
def test_a_wrong_answer_says_why_and_where_help_is(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "yes" if number == 3 else "services.exe"
    assert tour.main(["--exercise", str(number), wrong]) == 1
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "Exercise %d, %s: no." % (number, wrong)
    assert len(lines[2].strip()) > 20
    assert lines[-2] == "   kdtoken tour --exercise %d --hint" % number
    assert tour.main(["--exercise", str(number), "--hint"]) == 0
    assert EXERCISES[number - 1].hint.split(" ")[0] in capsys.readouterr().out


def test_a_name_of_several_and_of_none(capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2, 4, 5):
        assert tour.main(["--exercise", str(number), "svchost.exe"]) == 2
        assert "next: one of: 868, 980, 1048, 1120" in capsys.readouterr().err
        assert tour.main(["--exercise", str(number), "qqqqqq.exe"]) == 2
        assert "next: kdtoken walk tour lists them" in capsys.readouterr().err


def test_no_task_tells_its_answer() -> None:
    """Neither task nor hint names who is right, where that is one process."""
    for number, name in ((1, "AcroRd32"), (4, "mspaint"), (5, "cmd.exe")):
        words: List[str] = task_lines(number) + task_lines(number, True)
        assert name not in "\n".join(words)


def test_of_the_others_of_the_incident_each_is_told_what_there_is_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    """Of most nothing at all; of those with an innocent finding, that finding."""
    with open_machine("tour-incident") as machine:
        found = audit(machine.snapshot())
        saw = {}
        for one in found:
            for row in one.processes[:1]:
                saw.setdefault(row.process.pid, one)
    moved = {one.token for one, was in zip(INCIDENT.processes, QUIET.processes) if one.token != was.token}
    plain = innocent = 0
    for process in INCIDENT.processes:
        if process.token in moved:
            continue
        assert tour.main(["--exercise", "4", str(process.pid)]) == 1
        said = " ".join(capsys.readouterr().out.split())
        if process.pid in saw:
            innocent += 1
            assert "What is to be said of it has innocent causes:" in said, process.pid
            assert " ".join(clean(saw[process.pid].saw).split())[:30] in said
        else:
            plain += 1
            assert "Its token is its own: no other process points to it" in said, process.pid
    assert plain > 5


@pytest.mark.parametrize(
    "count, words", [(1, "a"), (3, "a, b, c"), (4, "a, b, c and 1 more"), (6, "a, b, c and 3 more")]
)
def test_of_what_differs_three_are_named_and_the_others_counted(count: int, words: str) -> None:
    rows = [SimpleNamespace(shown=one) for one in "abcdef"[:count]]
    assert exercises._differing(SimpleNamespace(with_outcome=lambda outcome: rows)) == words  # type: ignore[arg-type]


NEVER = "It never comes to that: something before it refuses."
PLACES = ["level", "label", "privilege", "dacl", "appcontainer", "restricted", "protected"]


def told(answer: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert tour.main(["--exercise", "3", answer]) in (0, 1)
    return " ".join(capsys.readouterr().out.split())


def test_of_what_is_behind_the_refusal_it_is_said_that_it_never_comes_to_that(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The level of impersonation is looked at before anything else, so all others lie behind it."""
    for place in [*PLACES[1:], "integrity", "acl"]:
        assert NEVER in told(place, capsys), place
    for place in ("level", "yes", "no"):
        assert NEVER not in told(place, capsys)
    assert "The list would have granted it, but it is not asked." in told("yes", capsys)
    assert "now say where it comes from" in told("no", capsys)


@pytest.mark.parametrize("ace, truth", [("(D;;FA;;;WD)(A;;FA;;;WD)", "dacl"), ("(A;;FA;;;WD)", "yes")])
def test_another_check_is_judged_by_its_own_outcome(
    ace: str, truth: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everyone is denied, or let in: then by the list, or not refused at all."""
    check = 'explain tour 6104 --to "O:BAG:BAD:%s" --type file --want read' % ace
    monkeypatch.setattr("kdtoken.cli.tour.exercises._CHECK", check)
    for answer in [*PLACES, "yes", "no"]:
        right = tour.main(["--exercise", "3", answer]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert right is (answer == truth), answer
        # The package's and the restricting SIDs' share of the check come behind the list's own.
        behind = truth == "dacl" and answer in ("appcontainer", "restricted", "protected")
        assert (NEVER in said) is behind, answer
        if truth == "yes":
            assert "It is granted 0x120089." in said  # winnt.h FILE_GENERIC_READ
