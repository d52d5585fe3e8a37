"""A file finds its reader: each kind of file, in each way that a person may name it, for each verb that looks at it."""

import gzip
import io
import os
import shutil
import sys
from itertools import product
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

import kdtoken
from tests.documented import Place
from tests.examples import ALL

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the place has names that only POSIX can have")

MEMORIES = ("MEMORY.DMP", "machine.kdtoken.gz", "session.log", "Windows 11-Snapshot1.vmem")
TOKENS = ("whoami.txt", "collect.json")
OF_MEMORY = {
    "dump": 'dump "{0}" notepad.exe',
    "walk": 'walk "{0}"',
    "lineage": 'lineage "{0}" notepad.exe',
    "audit": 'audit "{0}"',
    "explain": 'explain "{0}" notepad.exe --to "D:(A;;FA;;;WD)" --type file --want read',
    "diff": 'diff "{0}@notepad.exe" whoami.txt',
    "diff of three words": 'diff "{0}" notepad.exe notepad.exe',
    "record": 'record -o made.out dump "{0}" notepad.exe',
}
OF_A_TOKEN = {
    "dump": "dump {0}",
    "explain": 'explain {0} --to "D:(A;;FA;;;WD)" --type file --want read',
    "diff": "diff tour@notepad.exe {0}",
}
# What they answer: the machine of the texts has strange things on it, a text does not list all groups.
CODES: Dict[str, Tuple[int, ...]] = {"audit": (1,), "explain": (0, 3)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("files"))
    for name in (*MEMORIES, *TOKENS):
        plain = name[:-3] if name.endswith(".gz") else name
        data = (made.folder / name).read_bytes()
        data = gzip.decompress(data) if name != plain else data
        (made.folder / plain).write_bytes(data)
        (made.folder / (plain + ".gz")).write_bytes(gzip.compress(data))
        folder = made.folder / ("of " + plain)  # with something that is no source beside it
        folder.mkdir()
        (folder / plain).write_bytes(data)
        (folder / "picture.png").write_bytes(b"\x89PNG" + bytes(100))
    return made


def ways(name: str) -> Dict[str, str]:
    plain = name[:-3] if name.endswith(".gz") else name
    return {
        "plain": plain,
        "gzip": plain + ".gz",
        "stdin": "-",
        "folder": "of " + plain,
        "pattern": "of %s/%s*" % (plain, plain[:3]),
    }


def answered(place: Place, verb: str, command: str, monkeypatch: Any, stdin: Path) -> str:
    place.enter(monkeypatch)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.read_bytes())))
    code, out, err = place.run("kdtoken " + command, shell=False)
    assert code in CODES.get(verb.split(" ")[0], (0,)), err
    assert err in ("", "of %s: passed over" % stdin.name) or "passed over, being no source: picture.png" in err
    assert "kdtoken-" not in out.split("\n")[0] + out.split("\n")[1]  # where a copy was unpacked to
    return out


WAYS = ("plain", "gzip", "stdin", "folder", "pattern")
# Each with each, or every other one: then each verb is still given each kind of file, and each way, and each kind in each way.
EACH_WITH_EACH = [
    (name, way, verb)
    for kind, name in enumerate(MEMORIES)
    for number, way in enumerate(WAYS)
    for place, verb in enumerate(OF_MEMORY)
    if ALL or (kind + number + place) % 2 == 0
]


def test_every_pair_of_kind_way_and_verb_is_tried() -> None:
    assert {(name, way) for name, way, _ in EACH_WITH_EACH} == set(product(MEMORIES, WAYS))
    assert {(name, verb) for name, _, verb in EACH_WITH_EACH} == set(product(MEMORIES, OF_MEMORY))
    assert {(way, verb) for _, way, verb in EACH_WITH_EACH} == set(product(WAYS, OF_MEMORY))


@pytest.mark.parametrize("name, way, verb", EACH_WITH_EACH)
def test_a_machine(name: str, way: str, verb: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ways(name)["plain"]
    if way == "stdin" and plain.endswith(".vmem"):
        pytest.skip("raw memory has no sign but its name, which stdin has not")
    command = OF_MEMORY[verb].format(ways(name)[way])
    out = answered(place, verb, command.replace('"-"', "-"), monkeypatch, place.folder / plain)
    assert out


@pytest.mark.parametrize("name", ["MEMORY.DMP", "Windows 11-Snapshot1.vmem"])
def test_what_was_unpacked_keeps_its_name(name: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.enter(monkeypatch)
    with kdtoken.open(name + ".gz", symbols=".") as machine:
        assert machine.about.source.endswith(" %s.gz" % name) and os.sep not in machine.about.source


def test_an_error_of_what_was_unpacked_names_what_was_given(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.enter(monkeypatch)
    monkeypatch.setenv("_NT_SYMBOL_PATH", "")
    code, _, err = place.run("kdtoken dump MEMORY.DMP.gz notepad.exe")
    assert code == 2 and "MEMORY.DMP.gz" in err and "kdtoken-" not in err


@pytest.mark.parametrize("verb", OF_A_TOKEN)
@pytest.mark.parametrize("way", ["plain", "gzip", "stdin", "folder", "pattern"])
@pytest.mark.parametrize("name", TOKENS)
def test_a_token(name: str, way: str, verb: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    command = OF_A_TOKEN[verb].replace("{0}", '"{0}"').format(ways(name)[way])
    assert answered(place, verb, command, monkeypatch, place.folder / name)


@pytest.mark.parametrize("option", ["--session", "--dump", "--log"])
@pytest.mark.parametrize("name", [*MEMORIES, *TOKENS])
def test_a_wrong_option_is_no_obstacle_or_names_the_right_way(
    name: str, option: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.enter(monkeypatch)
    code, out, err = place.run('kdtoken dump %s "%s" notepad.exe' % (option, name))
    if name == "whoami.txt" and option == "--log":
        assert code == 2 and "next: kdtoken dump whoami.txt shows it" in err
    elif name in ("session.log", "whoami.txt") and option != "--log":
        assert code == 2 and "%s is text, not a" % name in err
        assert "needs no option: kdtoken dump %s PROCESS" % name in err
    else:
        assert code == 0 and out.startswith("notepad.exe  pid 6104"), err


@pytest.mark.parametrize("verb", ["walk", "audit", "lineage"])
def test_the_text_of_a_token_is_no_machine(verb: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.enter(monkeypatch)
    code, _, err = place.run("kdtoken %s whoami.txt%s" % (verb, " notepad.exe" if verb == "lineage" else ""))
    assert code == 2
    assert "whoami.txt tells of a token, and of no process" in err and "next: kdtoken dump whoami.txt" in err


@pytest.mark.parametrize(
    "command", ["dump {0} a.exe", "lineage {0} a.exe", "diff {0} A.dmp", "explain {0} a.exe --to x --want y"]
)
@pytest.mark.parametrize("name", ["two", "two/*.dmp"])
def test_several_are_listed_where_one_is_wanted(
    command: str, name: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.folder / "two").mkdir(exist_ok=True)
    for one in ("a.dmp", "b.dmp"):
        shutil.copy(str(place.folder / "MEMORY.DMP"), str(place.folder / "two" / one))
    place.enter(monkeypatch)
    code, _, err = place.run("kdtoken " + command.format(name), shell=False)
    both = ", ".join(os.path.join("two", one) for one in ("a.dmp", "b.dmp"))
    assert code == 2 and "%s holds 2 that can be read: %s" % (name, both) in err
    assert "kdtoken walk and kdtoken audit take all" in err


def test_walk_and_audit_take_all_of_a_folder(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.folder / "both").mkdir(exist_ok=True)
    for one, of in (("a.dmp", "good.dmp"), ("b.dmp", "after.dmp")):
        shutil.copy(str(place.folder / of), str(place.folder / "both" / one))
    place.enter(monkeypatch)
    for name in ("both", "both/?.dmp"):
        assert place.run("kdtoken audit %s" % name, shell=False)[1].startswith("2 of 2 need a look.")
        assert place.run("kdtoken walk %s --csv" % name, shell=False)[1].count("notepad.exe") == 2


def test_sides_of_one_machine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process alone where --session names the machine, a thread's token, and two processes of one file."""
    place.enter(monkeypatch)
    verdict = "A is B's UAC-filtered twin"
    for command in (
        "diff notepad.exe cmd.exe --session machine.kdtoken.gz",
        "diff machine.kdtoken.gz@notepad.exe machine.kdtoken.gz@cmd.exe",
        "diff MEMORY.DMP notepad.exe cmd.exe",
        "diff tour notepad.exe cmd.exe",
    ):
        assert place.run("kdtoken " + command)[1].startswith(verdict), command
    threads = place.run("kdtoken diff 1120 1120:1132 --session machine.kdtoken.gz")[1]
    assert threads.startswith("A and B speak for different users") and "serious" not in threads


@pytest.mark.parametrize("words", ["notepad.exe cmd.exe", "notepad.exe whoami.txt"])
def test_a_process_of_no_machine(words: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.enter(monkeypatch)
    code, _, err = place.run("kdtoken diff " + words)
    assert code == 2 and "there is no file called notepad.exe" in err and "kdtoken diff FILE notepad.exe OTHER" in err


def test_three_words_that_are_no_machine_and_two_processes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.enter(monkeypatch)
    code, _, err = place.run("kdtoken diff one two three")
    assert code == 2 and "two sides are compared, and here are three words" in err


def test_two_processes_of_one_machine_are_nothing_serious(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two looks at one process tests/test_diff.py tells."""
    place.enter(monkeypatch)
    out = place.run("kdtoken diff after.dmp notepad.exe mspaint.exe")[1]
    assert "Identity differs (fixed when a token is made)" in out and "serious" not in out
