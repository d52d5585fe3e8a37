"""`dt` and `dx` of tokens, processes and what they hold: each member where it belongs, and nothing taken from elsewhere."""

from typing import List, Tuple

import pytest

from kdtoken.model.absent import NotSaid
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef
from kdtoken.model.token import Token
from kdtoken.view.debugger.dt_values import VIEW, read_dt_values
from kdtoken.view.debugger.process_text import PartialProcess
from kdtoken.view.lines import split_lines
from kdtoken.view.partial import PartialToken, TextPlace

AT = 0xFFFFD10203046060
ASKED = "kd> dt nt!_TOKEN ffffd102`03046060\n"


def read(text: str) -> Tuple[List[PartialToken], List[PartialProcess], List[int]]:
    tokens, processes, used = read_dt_values(list(split_lines(text)), "a.txt")
    return tokens, processes, [line.number for line in used]


def token(text: str) -> Token:
    (found,) = read(text)[0]
    return found.token


@pytest.mark.parametrize(
    ("member", "printed", "field", "value"),
    [
        ("SessionId", "0xb", "session_id", 11),
        ("UserAndGroupCount", "0xe", "user_and_group_count", 14),
        ("RestrictedSidCount", "3", "restricted_sid_count", 3),
        ("CapabilityCount", "0n12", "capability_count", 12),
        ("VariableLength", "0x1cc", "variable_length", 0x1CC),
        ("DynamicCharged", "0x1000", "dynamic_charged", 0x1000),
        ("DynamicAvailable", "0", "dynamic_available", 0),
        ("DefaultOwnerIndex", "0y101", "default_owner_index", 5),
        ("TokenType", "2 ( TokenImpersonation )", "token_type", 2),
        ("ImpersonationLevel", "1 ( SecurityIdentification )", "impersonation_level", 1),
        ("TokenFlags", "0x2a00", "flags", 0x2A00),
        ("TokenInUse", "0x1 ''", "in_use", 1),
        ("IntegrityLevelIndex", "0xd", "integrity_level_index", 13),
        ("MandatoryPolicy", "3", "mandatory_policy", 3),
    ],
)
def test_each_member_of_a_token_is_its_field_with_its_line(member: str, printed: str, field: str, value: int) -> None:
    """0x is hexadecimal, 0y binary, 0n and nothing decimal (learn.microsoft.com "MASM numbers and operators")."""
    (found,) = read(ASKED + "   +0x000 TokenSource      : _TOKEN_SOURCE\n   +0x078 %-16s : %s\n" % (member, printed))[0]
    assert getattr(found.token, field) == value
    assert found.view == VIEW == "dt" and found.token.user == NotSaid("dt")
    assert found.token.address == AT
    assert dict(found.places) == {"address": TextPlace("a.txt", 1), field: TextPlace("a.txt", 3)}
    others = [name for name in ("session_id", "flags", "in_use", "token_type") if name != field]
    assert all(getattr(found.token, name) == NotSaid("dt") for name in others)


MASKS = """   +0x000 Present          : 0x00000006`02880000
   +0x008 Enabled          : 0x%x
   +0x010 EnabledByDefault : 0x800000
"""
HELD = (  # bits 19, 23, 25, 33, 34 of 0x602880000; enabled 23 and 33; by default 23 (names: winnt.h)
    Privilege(19, "SeShutdownPrivilege", True, False, False),
    Privilege(23, "SeChangeNotifyPrivilege", True, True, True),
    Privilege(25, "SeUndockPrivilege", True, False, False),
    Privilege(33, "SeIncreaseWorkingSetPrivilege", True, True, False),
    Privilege(34, "SeTimeZonePrivilege", True, False, False),
)


def test_privileges_in_the_listing_are_three_masks() -> None:
    inner = "".join("   " + line + "\n" for line in (MASKS % 0x2_00800000).splitlines())
    (found,) = read(ASKED + "   +0x040 Privileges       : _SEP_TOKEN_PRIVILEGES\n" + inner)[0]
    assert found.token.privileges == HELD
    assert found.places["privileges"] == TextPlace("a.txt", 1)


def test_privileges_listed_apart_are_the_token_s_in_which_they_lie() -> None:
    """The token's listing says that they lie at +0x40; another address is another token's."""
    head = ASKED + "   +0x040 Privileges       : _SEP_TOKEN_PRIVILEGES\n   +0x078 SessionId        : 1\n"
    for at, whole in (("ffffd102030460a0", True), ("ffffd10203046060+40", True), ("ffffd102030460a8", False)):
        (found,) = read(head + "kd> dt _SEP_TOKEN_PRIVILEGES %s\n" % at + MASKS % 0x2_00800000)[0]
        assert (found.token.privileges == HELD) is whole
        assert found.places.get("privileges") == (TextPlace("a.txt", 4) if whole else None)


@pytest.mark.parametrize("lost", ["Present", "Enabled ", "EnabledByDefault"])
def test_of_two_masks_no_privilege_is_said(lost: str) -> None:
    lines = [line for line in (MASKS % 0x800000).splitlines() if "  %s" % lost not in line and " %s" % lost not in line]
    assert len(lines) == 2
    text = ASKED + "   +0x040 Privileges       : _SEP_TOKEN_PRIVILEGES\n   +0x078 SessionId        : 1\n"
    assert token(text + "".join("   %s\n" % line for line in lines)).privileges == NotSaid("dt")


def test_masks_of_zero_are_a_token_without_privileges() -> None:
    text = ASKED + "   +0x040 Privileges       : _SEP_TOKEN_PRIVILEGES\n"
    zero = "".join(
        "      +0x0%02x %s : 0\n" % (8 * i, name) for i, name in enumerate(("Present", "Enabled", "EnabledByDefault"))
    )
    assert token(text + zero).privileges == ()


def test_a_member_of_a_member_is_not_the_token_s_own() -> None:
    """Of `dt -r`: what stands deeper is of the member above it, also when its name is one of a token's."""
    text = ASKED + (
        "   +0x018 AuthenticationId : _LUID\n      +0x000 SessionId        : 0x63\n"
        "   +0x078 SessionId        : 1\n   +0x080 LogonSession     : 0x1234 _X\n      +0x078 SessionId        : 0x62\n"
    )
    assert token(text).session_id == 1
    # Also where whoever pasted it took the blanks in front away.
    assert token(text.replace("\n   ", "\n")).session_id == 1


def test_a_member_that_is_listed_twice_has_its_later_value() -> None:
    """The same structure asked for again, after the machine ran on."""
    text = ASKED + "   +0x078 SessionId        : 1\n" + ASKED + "   +0x078 SessionId        : 2\n"
    (found,) = read(text)[0]
    assert found.token.session_id == 2 and found.places["session_id"] == TextPlace("a.txt", 4)


def test_a_listing_ends_where_another_command_begins() -> None:
    for command, value in (("kd> dt nt!_FOO ffffd10203046060", NotSaid("dt")), ("kd> k", NotSaid("dt")), ("a note", 7)):
        text = ASKED + "   +0x074 TokenInUse       : 0x1\n" + command + "\n   +0x078 SessionId        : 7\n"
        found, _, used = read(text)
        assert found[0].token.session_id == value, command
        assert used == ([2, 4] if value == 7 else [2])


def test_members_of_nothing_that_was_asked_for_are_nobody_s() -> None:
    assert read("   +0x078 SessionId        : 7\n") == ([], [], [])
    assert read(ASKED + "   +0x000 TokenSource      : _TOKEN_SOURCE\n")[0] == []  # nothing that this reads


@pytest.mark.parametrize(
    ("command", "address"),
    [
        ("dt nt!_TOKEN ffffd10203046060", AT),
        ("dt _TOKEN 0xffffd102`03046060", AT),
        ("dt -b -v nt!_TOKEN ffffd10203046060", AT),
        ("dt nt!_TOKEN -r1 ffffd10203046060", AT),
        ("dt ntkrnlmp!_token FFFFD10203046060; k", AT),
        ("dt nt!_TOKEN ffffd10203046000 + 0x60", AT),
        ("dt nt!_TOKEN e1bad030", 0xE1BAD030),
    ],
)
def test_each_way_to_ask_for_a_token(command: str, address: int) -> None:
    assert token("0: kd> " + command + "\n   +0x078 SessionId        : 1\n").address == address


@pytest.mark.parametrize("command", ["dt nt!_TOKEN", "dt nt!_TOKEN e1bad03", "dt nt!_TOKENS ffffd10203046060"])
def test_what_does_not_ask_for_a_token_somewhere(command: str) -> None:
    assert read("kd> " + command + "\n   +0x078 SessionId        : 1\n")[0] == []


# A 64-bit address has sixteen digits, as printed and as typed; a 32-bit one eight, and no pool lies at the top of 4 GB.
@pytest.mark.parametrize("lost", range(1, 12))
def test_an_address_that_a_margin_cut_is_no_token_s(lost: int) -> None:
    """The command stands at the end of its line; a page's or a form's margin took the last digits."""
    assert len("ffffd10203046060") == 16
    for address in ("ffffd10203046060"[:-lost], "ffffd102`03046060"[:-lost]):
        text = "0: kd> dt nt!_TOKEN %s\n   +0x078 SessionId        : 1\n" % address
        assert read(text) == ([], [], []), address
        text = "0: kd> dt nt!_EPROCESS %s\n   +0x440 UniqueProcessId  : 0x00000000`00001be4 Void\n" % address
        assert read(text) == ([], [], []), address


@pytest.mark.parametrize("address", ["e1bad03", "fffffff8", "FFFFFFF8", "ffff0000", "0xffffd102"])
def test_eight_digits_at_the_very_top_are_the_beginning_of_sixteen(address: str) -> None:
    assert read("kd> dt nt!_TOKEN %s\n   +0x078 SessionId        : 1\n" % address) == ([], [], [])
    assert token("kd> dt nt!_TOKEN fffe0000\n   +0x078 SessionId        : 1\n").address == 0xFFFE0000


def test_a_value_that_a_console_broke_is_not_said() -> None:
    """The lines are as wide as the widest of their console: the number may go on in the next."""
    wide = "   +0x078 SessionId        : %s\n" % "0x1".rjust(31)
    assert len(wide) == 61  # columns, and the end: no console is narrower than 60
    head, behind = "kd> dt _TOKEN ffffd10203046060\n", "   +0x07c TokenInUse       : 1\n"
    whole, at_the_end = token(head + wide + behind), token(head + wide)
    assert (whole.session_id, whole.in_use, at_the_end.session_id) == (1, 1, 1)
    cut = token(head + wide + "234\n" + behind)
    assert (cut.session_id, cut.in_use) == (NotSaid("dt"), 1)
    narrow = token(head + wide.replace("  0x1", "0x1") + "234\n" + behind)
    assert narrow.session_id == 1
    # Behind a blank line nothing goes on.
    assert token(head + wide + "\n" + behind).session_id == 1


DX = """kd> dx -r1 (*((nt!_TOKEN *)0xffffd10203046060))
(*((nt!_TOKEN *)0xffffd10203046060))                 [Type: _TOKEN]
    [+0x040] Privileges       [Type: _SEP_TOKEN_PRIVILEGES]
    [+0x078] SessionId        : 0x1 [Type: unsigned long]
    [+0x0c0] TokenType        : TokenPrimary (1) [Type: _TOKEN_TYPE]
    [+0x0c8] TokenFlags       : 0x2a00 [Type: unsigned long]
kd> dx -r1 (*((nt!_SEP_TOKEN_PRIVILEGES *)0xffffd102030460a0))
    [+0x000] Present          : 0x602880000 [Type: unsigned __int64]
    [+0x008] Enabled          : 0x200800000 [Type: unsigned __int64]
    [+0x010] EnabledByDefault : 0x800000 [Type: unsigned __int64]
"""


def test_dx_tells_the_same_as_dt() -> None:
    tokens, processes, used = read(DX)
    (found,) = tokens
    assert (found.token.address, found.token.session_id, found.token.token_type, found.token.flags) == (
        AT,
        1,
        1,
        0x2A00,
    )
    assert found.token.privileges == HELD and processes == [] and used == [3, 4, 5, 6, 8, 9, 10]


PROCESS = """kd> dt nt!_EPROCESS ffffab887e89d080
   +0x358 Token            : _EX_FAST_REF
%s   +0x2e8 UniqueProcessId  : 0x00000000`00001b40 Void
   +0x3e8 InheritedFromUniqueProcessId : 0x00000000`00000c70 Void
   +0x450 ImageFileName    : [15]  "cmd.exe"
"""


def test_a_process_has_its_number_parent_name_and_token() -> None:
    """Bits that count references: as many as RefCnt has digits, four of a 64-bit kernel's, three of a 32-bit one's."""
    for digits, mask in (("0y1100", 15), ("0y110", 7)):
        inner = (
            "      +0x000 Object           : 0xffffd102`0304606c Void\n      +0x000 RefCnt           : %s\n" % digits
        )
        inner += "      +0x000 Value            : 0xffffd102`0304606c\n"
        (found,) = read(PROCESS % inner)[1]
        assert found.process.address == 0xFFFFAB887E89D080
        assert (found.process.pid, found.process.parent_pid, found.process.image_name) == (0x1B40, 0xC70, "cmd.exe")
        assert found.process.token == FastRef(0xFFFFD1020304606C, mask)
        assert dict(found.places) == {"address": TextPlace("a.txt", 1)}
        assert found.threads == () and found.session == NotSaid("dt")


def test_a_reference_that_is_listed_apart_is_the_process_s() -> None:
    apart = "kd> dt nt!_EX_FAST_REF ffffab887e89d3d8\n   +0x000 Object           : 0xffffd102`0304606c Void\n"
    apart += "   +0x000 RefCnt           : 0y1100\n   +0x000 Value            : 0xffffd102`0304606c\n"
    (found,) = read(PROCESS % "" + apart)[1]
    assert found.process.token == FastRef(0xFFFFD1020304606C, 15)
    (found,) = read(PROCESS % "" + apart.replace("3d8", "3e0"))[1]
    assert found.process.token == NotSaid("dt")


@pytest.mark.parametrize("lost", ["RefCnt", "Value  ", "0y1100"])
def test_a_reference_of_which_a_part_is_lost_is_no_token(lost: str) -> None:
    """Without the width of RefCnt nobody knows which bits are the address; without Value there is none."""
    inner = "      +0x000 RefCnt           : 0y1100\n      +0x000 Value            : 0xffffd102`0304606c\n"
    if lost == "0y1100":
        inner = inner.replace(lost, "0y11001")
    else:
        inner = "".join(line + "\n" for line in inner.splitlines() if lost not in line)
    (found,) = read(PROCESS % inner)[1]
    assert found.process.token == NotSaid("dt") and found.process.pid == 0x1B40


def test_a_process_of_which_little_is_listed_says_no_more() -> None:
    (found,) = read("kd> dt nt!_EPROCESS 82abcda0\n   +0x084 UniqueProcessId  : 0x0000062c Void\n")[1]
    assert (found.process.address, found.process.pid) == (0x82ABCDA0, 0x62C)
    assert [found.process.parent_pid, found.process.image_name, found.process.token] == [NotSaid("dt")] * 3


DML = """kd> !dml_proc
Address           PID  Image file name
ffffab88`7e89d080 1b40 cmd.exe
82abcda0          4    System
ffffab887e89e080  c70  Registry

ffffab887e89f080  c78  late.exe
"""


def test_dml_proc_lists_processes_with_hexadecimal_numbers() -> None:
    """learn.microsoft.com "!dml_proc": the PID column is hexadecimal.  Behind another line no row is its own."""
    tokens, processes, used = read(DML)
    assert tokens == [] and used == [2, 3, 4, 5]
    assert [(one.process.address, one.process.pid, one.process.image_name) for one in processes] == [
        (0xFFFFAB887E89D080, 0x1B40, "cmd.exe"),
        (0x82ABCDA0, 4, "System"),
        (0xFFFFAB887E89E080, 0xC70, "Registry"),
    ]
    assert [str(one.places["address"]) for one in processes] == ["a.txt:3", "a.txt:4", "a.txt:5"]
    assert (
        {one.process.token for one in processes}
        == {NotSaid("!dml_proc")}
        == {one.process.parent_pid for one in processes}
    )


def test_rows_under_another_heading_are_no_processes() -> None:
    """`Image file name` in a sentence is no heading."""
    assert read("ffffab887e89d080 1b40 cmd.exe\n")[1:] == ([], [])
    assert read("the Image file name of it\nffffab887e89d080 1b40 cmd.exe\n")[1:] == ([], [])


def test_a_member_before_any_listing_is_nobody_s_and_ends_nothing() -> None:
    """Rows that lost their command stand above a listing that has its own."""
    lost = "   +0x078 SessionId        : 9\n"
    assert read(lost) == ([], [], [])
    assert token(lost + ASKED + "   +0x078 SessionId        : 2\n").session_id == 2
    # Behind another command's prompt they are nobody's either.
    assert token(ASKED + "   +0x078 SessionId        : 2\nkd> lm\n" + lost).session_id == 2
