"""A machine by one run of collect: the process that it is of, by whatever a person calls it, and its two tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from kdtoken.errors import BadFormat, NotAToken, ProcessNotFound, UsageError
from kdtoken.machine.collected import CollectedMachine
from kdtoken.model.absent import NotSaid
from kdtoken.model.token import Token
from tests.declared_views import collected
from tests.machine.declared import MACHINE


def machine(folder: Path, about: Any, linked: bool = False) -> CollectedMachine:
    data = json.loads(collected("cmd"))
    data["about"] = about
    if linked:
        data["linked"] = json.loads(collected("anna-filtered"))["classes"]
    (folder / "c.json").write_text(json.dumps(data), encoding="utf-8")
    return CollectedMachine(str(folder / "c.json"), "c.json")


@pytest.mark.parametrize(
    "word", ["4120", "0x1018", "cmd.exe", "CMD.EXE", "cmd", "c:\\windows\\system32\\cmd.exe", "C:\\Windows\\System32\\cmd.exe"]
)  # fmt: skip
def test_the_process_by_whatever_it_is_called(word: str, tmp_path: Path) -> None:
    made = machine(tmp_path, {"pid": 4120, "image": "C:\\Windows\\System32\\cmd.exe"})
    found = made.find(word)
    assert (found.pid, found.name, found.address) == (4120, "cmd.exe", 0)
    assert found.dump().image_path == "C:\\Windows\\System32\\cmd.exe"
    token = found.token
    assert isinstance(token, Token) and str(token.user) == MACHINE.tokens["cmd"].user
    assert made.view(word).token == token and [one.pid for one in made.processes()] == [4120]
    assert made.walk().total == 1 and [row.process.pid for row in made.walk().rows] == [4120]


@pytest.mark.parametrize("word", ["4121", "0x1019", "cm", "md.exe", "system32\\cmd.exe", "notepad"])
def test_another_process_is_not_there(word: str, tmp_path: Path) -> None:
    made = machine(tmp_path, {"pid": 4120, "image": "C:\\Windows\\System32\\cmd.exe"})
    for ask in (made.find, made.view):
        with pytest.raises(ProcessNotFound, match="c.json is of pid 4120, cmd.exe") as error:
            ask(word)
        assert error.value.next_step == "give it without a process"


def test_what_collect_did_not_say_of_the_process_is_not_said(tmp_path: Path) -> None:
    for about in ({"pid": None, "image": None}, {}, {"pid": "4120", "image": 5}, {"pid": True, "image": ""}):
        (found,) = machine(tmp_path, about).processes()
        assert isinstance(found.pid, NotSaid) and isinstance(found.parent_pid, NotSaid)
        assert isinstance(found.name, NotSaid) and isinstance(found.dump().image_path, NotSaid)
    bare = machine(tmp_path, {"pid": 7, "image": "cmd.exe"})  # a name without its folder is no path
    assert bare.find("cmd").name == "cmd.exe" and isinstance(bare.find("7").dump().image_path, NotSaid)
    slashed = machine(tmp_path, {"pid": 7, "image": "/c/cmd.exe"})
    assert slashed.find("cmd").name == "cmd.exe"


def test_the_linked_token_is_there_where_it_was_collected(tmp_path: Path) -> None:
    about = {"pid": 4120, "image": "cmd.exe"}
    both, one = machine(tmp_path, about, linked=True), machine(tmp_path, about)
    linked = both.view("linked").token
    assert str(linked.user) == MACHINE.tokens["anna-filtered"].user and both.find("cmd").linked_token == linked
    assert both.view("").token != linked
    with pytest.raises(UsageError, match="c.json holds no linked token"):
        one.view("linked")
    assert isinstance(one.find("cmd").linked_token, NotSaid)
    with pytest.raises(NotAToken, match="tells no token's address"):
        one.token(0x10)
    assert both.view(both.find("cmd")).token == both.view().token


def test_what_is_no_output_of_collect(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadFormat):
        CollectedMachine(str(tmp_path / "x.json"), "x.json")
