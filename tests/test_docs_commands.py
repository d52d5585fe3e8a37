"""Every command that a page, a verb's help or an error message tells people to type is typed."""

import re
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from kdtoken import cli, collect
from kdtoken.__main__ import VERBS
from kdtoken.source import live
from tests import test_errors
from tests.documented import HELPS, OURS, PAGES, ROOT, Command, Live, Place, commands_of, words_of
from tests.vm_tools import VM, tool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the place has names that only POSIX can have")

ALL: List[Command] = list(dict.fromkeys(one for path in PAGES + HELPS for one in commands_of(path)))
# What is no whole command, or wants more than a machine to look at; each with the reason.
NOT_TYPED: Dict[str, str] = {
    'kdtoken dump notepad.exe --dump "...vmem" --download': "the name is the reader's, and symbols are fetched",
    "kdtoken dump --log": "an option's name in a sentence",
    "kdtoken lake DIR add": "the sources that it takes are told elsewhere",
}
ELSEWHERE = re.compile(r"s3://|smb://|tcp://|--cluster")  # a store, or workers, on a network
# What has another exit code than 0, and why.
CODES = {"diff": (0, 1), "audit": (0, 1), "report": (0, 1), "explain": (0, 1, 3), "tour": (0, 1)}


def is_of(command: Command, word: str) -> bool:
    return command.text.replace("/", "\\").startswith(word)


IN_THE_GUEST = [one for one in ALL if is_of(one, "python collect.py")]
# What several pages tell is typed once.
TYPED = [
    one
    for one in {one.text: one for one in reversed(ALL)}.values()
    if one.text not in NOT_TYPED and not is_of(one, "python ") and not ELSEWHERE.search(one.text)
][::-1]
# file -> the command that a page tells to make it with; a test that runs alone, or before, makes it itself
MADE_BY = {made.group(1): one.text for one in TYPED for made in [re.search(r" > ([\w.]+)$", one.text)] if made}
OF_THE_LAB = [one for one in ALL if is_of(one, "python vm\\")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("documented"))


@pytest.mark.parametrize("command", TYPED, ids=lambda one: "%s: %s" % one)
def test_what_is_written_can_be_typed(command: Command, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if " lake " in command.text:
        pytest.importorskip("duckdb")
        pytest.importorskip("pyarrow")
    place.enter(monkeypatch)
    for word in words_of(command.text):
        if MADE_BY.get(word, command.text) != command.text and not (place.folder / word).exists():
            place.run(MADE_BY[word])
    code, out, err = place.run(command.text)
    verb = next((word for word in re.split(r"[ .]", command.text) if word in VERBS), "")
    assert code in CODES.get(verb, (0,)), (code, err)
    assert out and not err, err


def test_the_pages_are_read() -> None:
    """The patterns find what is there: each verb is shown somewhere, each page of how-tos has commands."""
    assert len(TYPED) > 90 and len(OF_THE_LAB) > 8
    shown = {verb for verb in VERBS if any(re.search(r"kdtoken[ .]%s\b" % verb, one.text) for one in ALL)}
    assert shown == set(VERBS) - {"collect"}  # which is `python collect.py`
    pages = {one.where for one in ALL}
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "howto").glob("*.md")} <= pages


def test_no_command_changes_what_another_one_reads(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers take them in any order: what one writes over is put back, what one makes for another is known."""
    place.enter(monkeypatch)
    before = (place.folder / "machine.kdtoken.gz").read_bytes()
    code, out, _ = place.run("kdtoken record -o machine.kdtoken.gz dump notepad.exe")
    assert code == 0 and "recorded in machine.kdtoken.gz" in out
    assert (place.folder / "machine.kdtoken.gz").read_bytes() == before
    assert MADE_BY == {"good.json": "kdtoken audit good.dmp --json > good.json"}


def test_what_is_not_typed_is_still_written() -> None:
    assert set(NOT_TYPED) <= {one.text for one in ALL}


@pytest.mark.parametrize("command", IN_THE_GUEST, ids=lambda one: "%s: %s" % one)
def test_collect_understands_its_commands(
    command: Command, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It wants Windows (tests/engine/test_collect.py runs it under Wine); here it says so, and nothing of the line."""
    place.enter(monkeypatch)
    assert collect.main(words_of(command.text)[2:]) == 2
    assert capsys.readouterr().err.startswith("collect: collect asks Windows about a token, and this is ")


@pytest.mark.parametrize("command", OF_THE_LAB, ids=lambda one: "%s: %s" % one)
def test_the_labs_tools_understand_their_commands(command: Command) -> None:
    """They want Windows, a hypervisor and a guest; what can be seen anywhere is that no word of the line is wrong."""
    words = words_of(command.text.replace("vm\\", "vm/"))
    module = tool(Path(words[1]).stem)
    if hasattr(module, "parser"):
        module.parser().parse_args(words[2:])
    else:
        assert words[2:] in ([], ["--text", "session.txt"]) and (VM / Path(words[1]).name).exists()


def commands_in(message: str) -> List[str]:
    """The commands in a next step, without the words of the sentence around them; a verb alone is told of, not typed."""
    found = []
    for match in OURS.finditer(message):
        command = [match.group().strip()]
        for word in message[match.end() :].replace("(", " ").split():
            bare = word.rstrip(",;)")
            of_a_sentence = re.fullmatch(r"[a-z]+", bare) and not (bare in VERBS and "record" in command)
            if of_a_sentence and len(command) > 1:
                break
            command.append(bare)
            if bare != word:
                break
        found.append(" ".join(command if len(command) > 2 or command[1] in ("walk", "tour") else command + ["--help"]))
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """What the wrong uses of tests/test_errors.py name."""
    made: Dict[str, str] = test_errors.files.__wrapped__(tmp_path_factory)  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize("line", [line for line, _ in test_errors.COULD_NOT])
def test_what_an_error_tells_to_type_can_be_typed(
    line: str, files: Dict[str, str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = test_errors.typed(line, files)
    assert code == 2
    steps = [one for one in err.split("\n") if one.startswith("  next: ")]
    place.enter(monkeypatch)
    for command in (command for step in steps for command in commands_in(step)):
        code, _, said = place.run(command)
        # What the file of the wrong use does not hold is an answer about that file.
        about_the_file = (
            "no process has",
            "processes are called",
            "holds nothing that a debugger prints",
            "no symbols ",
        )
        assert code in (0, 1, 3) or any(words in said for words in about_the_file), (command, said)


@pytest.mark.parametrize("line", [line for line, _ in test_errors.COULD_NOT])
def test_inside_windbg_a_next_step_is_for_there(
    line: str, files: Dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "in_debugger", lambda: True)
    monkeypatch.setattr(live, "LiveSource", Live)
    code, _, err = test_errors.typed(line, files)
    steps = [one for one in err.split("\n") if one.startswith("  next: ")]
    assert not [one for one in steps if re.search(r"(?<![\w.-])kdtoken [a-z]", one)]


def test_commands_are_found_in_a_sentence() -> None:
    both = commands_in("  next: kdtoken walk lists all, kdtoken diff compares two")
    assert both == ["kdtoken walk", "kdtoken diff --help"]
    assert commands_in("kdtoken record -o FILE dump NAME") == ["kdtoken record -o FILE dump NAME"]
    assert commands_in("did you mean dump?\n  next: kdtoken dump a.exe") == ["kdtoken dump a.exe"]
    assert commands_in("kdtoken dump F 6104 lists its threads") == ["kdtoken dump F 6104"]
    assert commands_in("dump it (!py -m kdtoken.dump NAME)") == ["!py -m kdtoken.dump NAME"]
    assert commands_in("leave x.kdtoken.gz away") == []
