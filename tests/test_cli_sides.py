"""Who asks and for what, word by word: the caller of a text with its doubts, and objects as text."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kdtoken import cli
from kdtoken.cli import sides as sides_file
from kdtoken.cli.sides import Sides, _has_label, _is_sddl, _number
from kdtoken.errors import KdTokenError, ProcessNotFound, UsageError
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from tests.declared_views import token_lines
from tests.machine.declared import MACHINE
from tests.sessions import MACHINE_22000

WHOAMI = """C:\\>whoami /all

USER INFORMATION
----------------

User Name SID
========= ===================
lab\\anna  S-1-5-21-1-2-3-1001

GROUP INFORMATION
-----------------

Group Name                             Type             SID          Attributes
====================================== ================ ============ ==================================================
Everyone                               Well-known group S-1-1-0      Mandatory group, Enabled by default, Enabled group
Mandatory Label\\Medium Mandatory Level Label            S-1-16-8192

PRIVILEGES INFORMATION
----------------------

Privilege Name          Description              State
======================= ======================== =======
SeChangeNotifyPrivilege Bypass traverse checking Enabled
SeShutdownPrivilege     Shut down the system     Disabled

C:\\>
"""


def sides(*words: str) -> Sides:
    parser = cli.parser("explain", "")
    parser.add_argument("--type", default="")
    parser.add_argument("--to", action="append", default=["one"])
    parser.add_argument("--who", action="store_true")
    return Sides(parser.parse_args(list(words)))


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    while cli._OPENED:
        cli._OPENED.pop().close()
    cli._ASKED.clear()


def written(folder: Path, text: str) -> str:
    path = folder / "whoami.txt"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_caller_of_a_whole_text_is_whole(tmp_path: Path) -> None:
    party = sides().caller(written(tmp_path, WHOAMI))
    caller = party.caller
    assert caller.of_whoami and caller.protection is None and party.process == 0 and party.others == ()
    whole = sides().caller(written(tmp_path, token_lines("notepad"))).caller
    assert whole.sids_whole and not whole.of_whoami


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Groups after a cut: what stood there nobody knows.
        (" 01 ", "...\n 01 "),
        # A line with a SID that is not understood may be a group as well.
        ("Primary Group", "and then S-1-5-32-5x4 too\nPrimary Group"),
    ],
)
def test_a_text_of_which_a_part_is_missing_may_lack_groups(old: str, new: str, tmp_path: Path) -> None:
    text = token_lines("notepad")
    assert old in text
    made = sides()
    caller = made.caller(written(tmp_path, text.replace(old, new, 1))).caller
    assert not caller.sids_whole
    assert len(made.unread) == ("and then" in new)


def test_callers_of_a_machine_by_process_and_thread() -> None:
    made = sides("--session", str(MACHINE_22000))
    process = MACHINE.process(6104)
    party = made.caller("6104")
    assert party.caller.name == "notepad.exe (6104)" and party.stories == () and party.process
    assert process.token and party.caller.user == Sid.from_text(MACHINE.tokens[process.token].user)
    system = made.caller("4")
    assert system.stories == ("System's threads run in kernel mode, where an open is checked only if they ask for it",)
    thread = made.caller("1120:1132")
    assert thread.caller.name.startswith("thread 1120:1132 of ") and [one.kind for one in thread.others] == ["revert"]
    assert thread.process == made.caller("1120").process != party.process
    with pytest.raises(UsageError) as caught:
        made.caller("1120:9")
    assert caught.value.message == "process 1120 has no thread 9"
    assert caught.value.next_step == "kdtoken dump 1120 lists its threads"
    with pytest.raises(KdTokenError):
        made.caller("nobody.exe")


@pytest.mark.parametrize(
    ("word", "message", "step"),
    [
        (
            "(A;;FA;;;BA)",
            "(A;;FA;;;BA) is an ACE, and no descriptor",
            "a descriptor has its parts' letters: D:(A;;FA;;;BA)",
        ),
        (
            "A;;FA;;;BA",
            "A;;FA;;;BA is an ACE, and no descriptor",
            "a descriptor has its parts' letters: D:(A;;FA;;;BA)",
        ),
        ("C:\\a.txt", "C:\\a.txt is no file here; of another machine,", None),
        ("\\??\\C:\\a.txt", "\\??\\C:\\a.txt is no file here; of another machine,", None),
        ("\\\\server\\a", "\\\\server\\a is no file here; of another machine,", None),
    ],
)
def test_what_is_no_object(word: str, message: str, step: Any) -> None:
    with pytest.raises(UsageError) as caught:
        sides().wanted(word)
    assert caught.value.message.startswith(message) and step in (None, caught.value.next_step)


def test_an_object_as_text_and_a_folder(tmp_path: Path) -> None:
    wanted = sides("--type", "file").wanted("D:(A;;FA;;;BA)")
    assert (wanted.type.name.lower(), wanted.protection, wanted.process, wanted.argument) == (
        "file",
        0,
        0,
        "D:(A;;FA;;;BA)",
    )
    assert wanted.object.address is None
    with pytest.raises(UsageError):
        sides().wanted("D:(A;;FA;;;BA)")  # of which type?
    with pytest.raises(UsageError, match="is a folder"):
        sides().wanted(str(tmp_path))
    path = tmp_path / "acl.txt"
    path.write_text("O:SYD:(A;;FA;;;SY)\n", encoding="utf-8")
    assert sides("--type", "file").wanted(str(path)).argument == str(path)


def test_what_an_object_without_a_label_counts_as() -> None:
    """Medium, where there is no kernel that says otherwise ([MS-AZOD], mandatory integrity control)."""
    made = sides("--type", "file")
    assert made.default_level([made.wanted("D:(A;;FA;;;BA)")]) == 0x2000
    assert made.opened is None


def test_a_kernel_is_asked_what_counts_where_one_of_the_objects_has_no_label(monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked = sides("--type", "file"), []

    def level(source: Any) -> Any:
        asked.append(source)
        return answers

    monkeypatch.setattr(sides_file, "kernel_of", lambda machine: SimpleNamespace(source=machine))
    monkeypatch.setattr(sides_file, "default_label", level)
    made._machine = kernel = object()  # type: ignore[assignment]
    labelled, bare = made.wanted("D:(A;;FA;;;BA)S:(ML;;NW;;;LW)"), made.wanted("D:(A;;FA;;;BA)")
    answers: Any = Sid.from_text("S-1-16-12288")
    assert made.default_level([labelled]) == 0x2000 and asked == []  # its own counts, and nothing is read
    for some in ([bare], [labelled, bare], [bare, labelled], [bare, bare]):
        assert made.default_level(some) == 0x3000
    assert asked == [kernel] * 4
    answers = Unreadable(0x10, "paged out")
    assert made.default_level([bare]) == 0x2000


@pytest.mark.parametrize(
    "word, words",
    [
        ("0x10", ", and no object lies at so low an address"),
        ("questions.sddl", ", and there is no such file here"),
        ("nobody.exe", ""),
    ],
)
def test_what_is_no_process_may_have_been_meant_for_something_else(word: str, words: str) -> None:
    with pytest.raises(ProcessNotFound) as caught:
        sides("--session", str(MACHINE_22000)).wanted(word)
    assert caught.value.message.endswith(words) and ("low" in caught.value.message) is ("low" in words)
    assert ("file" in caught.value.message) is ("file" in words)


@pytest.mark.parametrize(
    "value, number",
    [(0x41, 0x41), (0, 0), (Absent("_EPROCESS.Protection"), 0), (Unreadable(0x10, "paged out"), None), (None, None)],
)
def test_a_field_that_a_build_lacks_is_nought_and_one_that_is_not_read_is_not_known(value: Any, number: Any) -> None:
    """A process of Windows 7 is not protected; of one whose member is paged out nobody can tell."""
    assert _number(value) == number


@pytest.mark.parametrize(
    "word, is_one",
    [("D:(A;;FA;;;BA)", True), ("o:BA", True), ("G:SY", True), ("s:", True), ("E:x", False), ("D", False), ("", False)],
)
def test_what_begins_as_sddl_is_an_object_as_text(
    word: str, is_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _is_sddl(word) is is_one


def test_a_file_of_that_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows D:\\memory.dmp begins as a DACL does."""
    monkeypatch.setattr("os.path.exists", lambda path: path == "D:x.dmp")
    assert not _is_sddl("D:x.dmp") and _is_sddl("D:y.dmp")


@pytest.mark.parametrize(
    "sacl, labelled",
    [
        ("(ML;;NW;;;HI)", True),
        ("(ML;;;;;LW)", True),
        ("(ML;IO;NW;;;HI)", False),  # inherit only: for what is made below it
        ("(AU;SA;FA;;;WD)", False),  # an audit entry
        ("(AU;SA;FA;;;WD)(ML;;NW;;;HI)", True),
        ("", False),
    ],
)
def test_whether_an_object_has_a_label_of_its_own(sacl: str, labelled: bool) -> None:
    found = from_sddl("O:SYG:SYD:" + ("S:" + sacl if sacl else ""))
    assert _has_label(SecuredObject(None, "x", documented_type("file"), found)) is labelled
    assert not _has_label(SecuredObject(None, "x", documented_type("file"), None))
