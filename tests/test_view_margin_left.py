"""What a left margin took, and lines whose own end is missing: nothing is made of what is left."""

from typing import Dict

import pytest

from kdtoken.model.absent import Fragment, known
from kdtoken.view.partial import PartialToken
from kdtoken.view.text import read_text

ON = "Mandatory group, Enabled by default, Enabled group"
ROW = "%s Alias %s %s\n"


def only(text: str) -> PartialToken:
    (token,) = read_text(text).tokens
    return token


def names(text: str) -> Dict[str, str]:
    return {str(sid): name for one in read_text(text).tokens for sid, name in one.names.items()}


def table(heads: str, *rows: str) -> str:
    """The groups' table, its first column 12 wide."""
    head = "GROUP INFORMATION\n-----------------\n\n%-12s Typ   SID          Attr\n" % heads
    return head + "%s ===== ============ %s\n" % ("=" * 12, "=" * len(ON)) + "".join(rows)


def test_heads_that_begin_with_a_small_letter_lost_their_beginning() -> None:
    """In every language, also in those of which no name is known; here a left margin took 3 and 7 columns."""
    rows = ("%-12s Alias S-1-5-32-599 %s\n" % ("LAB\\Anna", ON), "%-12s Grupp S-1-5-32-598 %s\n" % ("Xyz", ON))
    for heads in ("Gruppenname", "Группа", "Имя группы"):
        assert sorted(names(table(heads, *rows)).values()) == ["LAB\\Anna", "Xyz"], heads
        for width in (1, 3):
            cut = "\n".join(line[width:] for line in table(heads, *rows).split("\n"))
            assert names(cut) == {} and len(only(cut).groups) == 2, (heads, width)
    assert names("\n".join(line[7:] for line in table("Gruppenname", *rows).split("\n"))) == {}


def test_the_name_of_everybody_begins_with_a_capital() -> None:
    """Without heads that tell, one name of Windows' own tells of all; people name their accounts as they like."""
    everyone, other = "%-12s Grupp S-1-1-0      " + ON + "\n", "%-12s Alias S-1-5-32-599 " + ON + "\n"
    account = "%-12s Alias S-1-5-21-1-2-3-1001 " + ON + "\n"
    rows = table("SID", other % "RDEFINIERT\\X", everyone % "der")
    assert names(rows) == {} and len(only(rows).groups) == 2
    assert len(names(table("SID", other % "VORD\\X", everyone % "Jeder"))) == 2
    # The user's own is printed in small letters.
    user = "USER INFORMATION\n----------------\n\nBenutzername        SID\n%s %s\nnt authority\\system S-1-5-18\n\n" % (
        "=" * 19,
        "=" * 8,
    )
    found = names(user + table("SID", everyone % "Jeder"))
    assert found == {"S-1-5-18": "nt authority\\system", "S-1-1-0": "Jeder"}
    # An account of a domain, the built-in one that was renamed, and one of a directory in the cloud.
    for sid in ("S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-500", "S-1-12-1-1-2-3-4"):
        assert names(table("SID", account.replace("S-1-5-21-1-2-3-1001", sid) % "docker")) == {sid: "docker"}


def test_attributes_in_a_line_of_their_own_lost_their_beginning_too() -> None:
    """Of a table that a console broke, a left margin of 17 takes "Mandatory group, " from each of these lines."""
    text = (
        "GROUP INFORMATION\n-----------------\n\n%-48s Type  SID          \nAttributes\n%s ===== ============ \n%s\n"
        "%-48s Alias S-1-5-32-544 \n%s\n\n\nC:\\>\n"
    ) % ("Group Name", "=" * 48, "=" * len(ON), "BUILTIN\\Administrators", ON)
    text = text.replace("\n\n\nC", "\n%-48s Alias S-1-1-0      \n%s\n\n\nC" % ("Everyone", ON))
    assert [one.attributes for one in only(text).groups] == [7, 7]
    cut = "\n".join(line[17:] if not line.startswith("C:") else line for line in text.split("\n"))
    groups = only(cut).groups
    assert [str(one.sid) for one in groups] == ["S-1-5-32-544", "S-1-1-0"]
    assert not any(known(one.attributes) for one in groups)


@pytest.mark.parametrize(
    "sid, whole", [("S-1-5-11", False), ("S-1-5-1", False), ("S-1-5-32-5", False), ("S-1-5-18", True)]
)
def test_a_sid_at_the_end_of_a_broken_rule_may_go_on(sid: str, whole: bool) -> None:
    """The first line of the rule is as wide as the SIDs' line: whether that column ends there, only a known name tells."""
    name = "NT AUTHORITY\\SYSTEM"
    row = "%-48s Alias %s" % (name, sid)
    heads = "GROUP INFORMATION\n-----------------\n\n%s Type  SID\nAttributes\n" % ("Group Name" + " " * 38)
    rule = "%s ===== %s\n%s\n" % ("=" * 48, "=" * len(sid), "=" * len(ON))
    text = heads + rule + "%s\n%s\n%-48s Alias S-1-1-0\n%s\n\n\nC:\\>\n" % (row, ON, "Everyone", ON)
    found = {str(one.sid) for token in read_text(text).tokens for one in token.groups}
    assert (sid in found) is whole
    assert sid in found or sid in " ".join(line.text for line in read_text(text).not_understood)


def test_an_authority_alone_is_nobodys_sid() -> None:
    for text in (
        "User: S-1-5\nUser Groups:\n 00 S-1-1\n    Attributes - Mandatory\n",
        table("Name", ROW % ("X", "S-1-1", ON)),
    ):
        read = read_text(text)
        assert [str(one.sid) for token in read.tokens for one in token.groups] == []
        assert "S-1-1" in " ".join(line.text for line in read.not_understood)


def test_the_end_of_a_strings_repr_is_its_quote() -> None:
    text = "GROUP INFORMATION\n-----------------\n\nName: Everyone\nType: Group\nSID: S-1-5-114\nAttributes: " + ON
    one = repr(text)
    for end in ("", ",", "]", ")", "),"):
        (group,) = only(one + end).groups
        assert (str(group.sid), group.attributes) == ("S-1-5-114", 7), end
    for cut in range(one.index("S-1-5-114") + 1, one.index("S-1-5-114") + 9):
        assert names(one[:cut]) == {}, one[:cut]


def test_privileges_that_go_back_are_another_tokens_whose_head_is_lost() -> None:
    row = " %02d 0x%09x %s Attributes - %s\n"
    first = row % (20, 20, "SeDebugPrivilege", "") + row % (34, 34, "SeTimeZonePrivilege", "")
    second = row % (20, 20, "SeDebugPrivilege", "Enabled ") + row % (
        23,
        23,
        "SeChangeNotifyPrivilege",
        "Enabled Default ",
    )
    head, tail = "_TOKEN ffff8f0012340060\nUser: S-1-5-18\nPrivs: \n", "Authentication ID:         (0,3e7)\n"
    both = head + first + second + tail
    for text in (both, both.replace("\n " + "20", "\n").replace("\n 34", "\n").replace("\n 23", "\n")):
        one, other = read_text(text).tokens
        assert [(held.number, held.enabled) for held in one.privileges] == [(20, False), (34, False)]
        assert [(held.number, held.enabled) for held in other.privileges] == [(20, True), (23, True)]
        for token in (one, other):
            held = token.token.privileges
            # Lines are lost, nobody knows which: no gap is an absence.
            assert isinstance(held, Fragment) and not any(held.tells(number) for number in (1, 22, 30, 40))
    assert len(read_text(head + first + first.split("\n")[1] + "\n" + tail).tokens) == 2  # nor twice the same
    # Numbered by rank, as before Vista, they come in any order.
    ranked = row % (0, 23, "SeChangeNotifyPrivilege", "") + row % (1, 8, "SeSecurityPrivilege", "")
    assert len(only(head + ranked + tail).privileges) == 2
    ranked = row % (8, 8, "SeSecurityPrivilege", "") + row % (9, 3, "SeAssignPrimaryTokenPrivilege", "")
    assert len(only(head + ranked + tail).privileges) == 2


def test_a_member_that_dt_printed_is_no_label() -> None:
    """With its offset cut off by a left margin; dt has a blank in front of the colon."""
    for line in ("RestrictedSidCount : 0", "80 RestrictedSidCount : 0", "CapabilityCount : 0"):
        assert read_text(line + "\n").tokens == (), line
        assert len(read_text(line.replace(" :", ":") + "\n").tokens) == 1, line


@pytest.mark.parametrize("behind", ["+50", "-10", ", _TOKEN ffff8f0012340060"])
def test_what_only_looks_like_a_processs_head_is_none(behind: str) -> None:
    assert read_text("PROCESS ffffbe0786bdf030%s\n" % behind).processes.processes == ()


def test_half_a_files_kind_and_half_a_directory_base() -> None:
    block = (
        "PROCESS %s\n    SessionId: 1  Cid: 0f14    Peb: 5c00001000  ParentCid: 0a10\n    DirBase: %s\n    Image: %s\n"
    )

    def read(address: str, base: str, name: str) -> tuple:  # type: ignore[type-arg]
        (one,) = read_text(block % (address, base, name)).processes.processes
        return tuple(value if known(value) else None for value in (one.directory_base, one.process.image_name))

    x64, x86 = "ffff8f0012340080", "86ba98e0"
    for name, whole in (
        ("a.exe", True),
        ("a.ex", False),
        ("a.e", False),
        ("a.", False),
        ("a.e2", True),
        ("System", True),
    ):
        assert read(x64, "1", name)[1] == (name if whole else None), name
    # The kernel keeps 14 letters of a name: then it is whole.
    assert read(x64, "1", "RuntimeBroker.")[1] == "RuntimeBroker."
    # Alone in its line, its digits must be all of them.
    assert [read(x86, base, "a.exe")[0] for base in ("0f8c0420", "0f8c042")] == [0x0F8C0420, None]
    assert [read(x64, base, "a.exe")[0] for base in ("00000001234002", "0000000001234002")] == [None, 0x1234002]
    behind = "1234002  ObjectTable: ffff9a8f00000040  HandleCount: 123."
    assert read(x64, behind, "a.exe")[0] == 0x1234002
