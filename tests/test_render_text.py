"""The report for people: the answer first, gaps marked, the twin compared only where both sides were read."""

from dataclasses import replace
from typing import List

from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Unreadable
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.group import Group
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import FIELD_NAMES, Token
from kdtoken.render.text import render_dump, render_token
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
GONE = Unreadable(0x10, "paged out")


def dump_of(name: str) -> ProcessDump:
    source = SyntheticSource(KERNEL)
    process, others, _ = find_process(source, name)
    return dump_process(Tokens(source), process, tuple(others))


NOTEPAD = dump_of("notepad.exe")


def section(lines: List[str], title: str) -> List[str]:
    """The lines below a heading, up to the next empty one."""
    start = next(at for at, line in enumerate(lines) if line.startswith(title)) + 1
    rest = lines[start:]
    return rest[: rest.index("") if "" in rest else None]


def test_the_answer_comes_first() -> None:
    lines = render_dump(NOTEPAD, "here")
    assert lines[0].startswith("notepad.exe  pid 6104 (0x17d8)  EPROCESS 0x")
    assert lines[1] == "  from here"
    assert [line[2:24].strip() for line in lines[3:7]] == ["Runs as", "Integrity", "Elevation", "Note"]


def test_a_source_cannot_smuggle_anything() -> None:
    lines = render_dump(NOTEPAD, "a\x1b[2Jb " + "long name " * 20)
    assert "  from a\\u001b[2Jb long name" in lines[1]
    assert all(len(line) <= 99 and line.isprintable() for line in lines)


def test_serious_remarks_come_first() -> None:
    lines = render_dump(replace(NOTEPAD, problems=("the list is torn",)), "here")
    assert lines[6] == "  Note                   !! the list is torn"


def test_the_twin_is_compared_only_where_both_were_read() -> None:
    token, linked = NOTEPAD.token, NOTEPAD.linked
    assert isinstance(token, Token) and isinstance(linked, Token)
    title = "The full token behind this filtered one"
    sound = section(render_dump(NOTEPAD, ""), title)
    assert any(line.startswith("  Privileges it adds     SeBackupPrivilege") for line in sound)
    assert isinstance(linked.user_and_groups, tuple)
    torn = replace(linked, user_and_groups=linked.user_and_groups[:2] + (GONE,) + linked.user_and_groups[3:])
    for other in (replace(linked, user_and_groups=GONE), torn):
        lines = section(render_dump(replace(NOTEPAD, linked=other), ""), title)
        assert "  Groups                 cannot be compared: some could not be read" in lines
    lines = section(render_dump(replace(NOTEPAD, linked=replace(linked, privileges=GONE)), ""), title)
    assert "  Privileges             cannot be compared: they could not be read" in lines
    lines = section(render_dump(replace(NOTEPAD, linked=GONE), ""), title)
    assert lines == ["  Token                  ?? unreadable at 0x10: paged out"]


def test_which_twin_it_is_is_not_guessed() -> None:
    assert isinstance(NOTEPAD.token, Token)
    lines = render_dump(replace(NOTEPAD, token=replace(NOTEPAD.token, flags=GONE)), "")
    assert "The other token of this logon" in lines
    assert not any(line.startswith("  Elevation") for line in lines)


def test_groups_that_only_one_of_the_twins_has() -> None:
    token, linked = NOTEPAD.token, NOTEPAD.linked
    assert isinstance(token, Token) and isinstance(linked, Token) and isinstance(linked.user_and_groups, tuple)
    shorter = replace(
        linked, user_and_groups=linked.user_and_groups[:3] + linked.user_and_groups[-1:], integrity_level_index=3
    )
    text = "\n".join(render_dump(replace(NOTEPAD, linked=shorter), ""))
    assert "BUILTIN\\Users (only here)" in text


def test_entries_of_a_damaged_dacl() -> None:
    assert isinstance(NOTEPAD.token, Token)
    dacl = Acl(2, 0, 3, (Ace(0x99, 0, b"\x99\0\4\0"), Ace(0, 0, b"", 0x10, None, problem="no room")), b"", "torn")
    lines = section(render_token(replace(NOTEPAD.token, default_dacl=dacl), ""), "Default DACL (2 of 3 ACEs)")
    assert "no SID" in lines[0] and "no mask" in lines[0]
    assert lines[1].endswith("no room")
    assert lines[2] == "  Damaged                torn"
    assert "null: objects get no protection" in "\n".join(render_token(replace(NOTEPAD.token, default_dacl=None), ""))


def test_every_gap_is_marked_in_its_place() -> None:
    token = NOTEPAD.token
    assert isinstance(token, Token)
    names = FIELD_NAMES
    for name in names:
        lines = render_token(replace(token, **{name: GONE}), "")
        assert any("?? unreadable at 0x10: paged out" in line for line in lines), name
        assert all(len(line) <= 99 for line in lines), name
    blind = replace(token, **{name: GONE for name in names})
    assert sum("??" in line for line in render_token(blind, "")) > 30


def test_the_elevated_half_of_administrator_protection_is_another_user() -> None:
    """ADMIN_...: a hidden account of Windows' own; no filtered twin of the same user."""
    token, linked = NOTEPAD.token, NOTEPAD.linked
    assert isinstance(token, Token) and isinstance(linked, Token) and isinstance(linked.user_and_groups, tuple)
    assert isinstance(linked.flags, int)
    admin = Group(Sid.from_text("S-1-5-21-790525478-1844823847-1801674531-1009"), 0)
    other = replace(linked, user_and_groups=(admin,) + linked.user_and_groups[1:])
    managed = replace(other, flags=linked.flags | 0x08000000)
    title = "The other half of this pair, which is another user's"
    lines = section(render_dump(replace(NOTEPAD, linked=managed), ""), title)
    assert any(line.startswith("  User") and str(admin.sid) in line for line in lines)
    assert any("Administrator Protection: what is elevated runs as an account" in line for line in lines)
    # Without its flag the same is odd, and said to be.
    lines = section(render_dump(replace(NOTEPAD, linked=other), ""), title)
    assert any("whose flag neither has" in line for line in lines)
    assert title not in render_dump(NOTEPAD, "")
