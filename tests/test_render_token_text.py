"""Every field of a token in words: each value behind its own label, and each way of not being there."""

from dataclasses import replace
from typing import Any, Dict, List

import pytest

from kdtoken.model.absent import Absent, Fragment, NotSaid, Unreadable
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import AttributeList, Diagnostics, LogonSession, Origin, RawMember, SidHash, Token
from kdtoken.render.report import Report
from kdtoken.render.token_text import _hash, token_sections, unnamed_section
from kdtoken.view.partial import partial_token

KERNEL = 0xFFFF800000000000
SYSTEM, USERS, ADMINS = Sid(5, (18,)), Sid(5, (32, 545)), Sid(5, (32, 544))
GONE = Unreadable(0x5000, "paged out")
SESSION = LogonSession(
    KERNEL + 0x99, Luid(0, 0x3E7), Luid(0, 0x3E5), 7, 8, 0, "Anna", "LAB", Absent("_SEP_LOGON_SESSION_REFERENCES.x")
)
# Every number is another one, so that no value can stand behind another's label unseen.
FIELDS: Dict[str, Any] = {
    "source_name": "User32 ",
    "source_id": Luid(0, 0x11),
    "token_id": Luid(0, 0x12),
    "authentication_id": Luid(0, 0x3E7),
    "parent_token_id": Luid(0, 0x14),
    "expiration_time": 0x7FFFFFFFFFFFFFFF,
    "token_lock": KERNEL + 0x15,
    "modified_id": Luid(0, 0x16),
    "privileges": (
        Privilege(20, "SeDebugPrivilege", True, True, False),
        Privilege(23, "SeChangeNotifyPrivilege", True, False, True),
        Privilege(7, "SeTcbPrivilege", False, False, True),
        Privilege(8, "SeSecurityPrivilege", False, True, False),
    ),
    "audit_policy": b"\x21\0\x04",  # four bits a subcategory (ntsecapi.h PER_USER_AUDIT_*), the low half first
    "audit_policy_status": 17,
    "session_id": 18,
    "user_and_group_count": 4,
    "restricted_sid_count": 3,
    "variable_length": 21,
    "dynamic_charged": 22,
    "dynamic_available": 23,
    "default_owner_index": 1,
    "user_and_groups": (Group(SYSTEM, 0), Group(ADMINS, 0x10), Group(Sid(16, (0x2000,)), 0x60), GONE),
    "restricted_sids": (Group(Sid(5, (12,)), 7),),
    "primary_group": USERS,
    "dynamic_part": KERNEL + 0x24,
    "default_dacl": None,
    "token_type": 2,
    "impersonation_level": 1,
    "flags": 0x2810,
    "in_use": 1,
    "integrity_level_index": 2,
    "mandatory_policy": 1,
    "logon_session": None,
    "originating_logon_session": Luid(0, 0x27),
    "sid_hash": SidHash(4, KERNEL + 0x28, tuple(range(32))),
    "restricted_sid_hash": SidHash(1, KERNEL + 0x29, (9, 8, 7, 6, 5)),
    "security_attributes": AttributeList(KERNEL + 0x2A, (("SecurityAttributeCount", 3),)),
    "package": Sid(15, (2, 1, 2)),
    "capability_count": 6,
    "capabilities": (Group(Sid(15, (3, 1)), 4),),
    "capabilities_hash": SidHash(5, KERNEL + 0x2B, (4, 3, 2, 1)),
    "lowbox_number": 45,
    "lowbox_handles_entry": KERNEL + 0x2E,
    "claim_attributes": AttributeList(0x2F, (("DeviceGroupsCount", Unreadable(0x30, "gone")),)),
    "trust_level_sid": Sid(19, (512, 8192)),
    "trust_linked_token": KERNEL + 0x31,
    "integrity_level_sid_value": Sid(16, (0x1000,)),
    "sid_values": AttributeList(0x32, (("BlockLength", 5), ("SidCount", 6))),
    "index_entry": KERNEL + 0x33,
    "diagnostics": Diagnostics(0x34, 4120, 4124, "explorer.exe", 3, 1, 2),
    "bno_isolation_handles_entry": KERNEL + 0x35,
    "session_object": KERNEL + 0x36,
    "variable_part": KERNEL + 0x37,
}
TOKEN = partial_token("made", 0x1000, FIELDS)


def lines_of(token: Token, why: bool = False) -> List[str]:
    page = Report(why, width=300)
    token_sections(page, token)
    return page.lines


def sections(token: Token) -> Dict[str, List[str]]:
    """heading -> its lines, without the blanks around them."""
    found: Dict[str, List[str]] = {}
    heading = ""
    for line in lines_of(token):
        if line and line[0] != " ":
            heading = line
            found[heading] = []
        elif line:
            found[heading].append(" ".join(line.split()))
    return found


def test_each_value_stands_behind_its_own_label() -> None:
    seen = sections(TOKEN)
    assert list(seen) == [
        "Identity",
        "Privileges (2 held, 1 enabled)",
        "Groups (3)",
        "Restricting SIDs (1)",
        "AppContainer",
        "Capabilities (1)",
        "Policy",
        "Logon",
        "Default DACL",
        "Bookkeeping",
    ]
    assert seen["Identity"] == [
        "User S-1-5-18 NT AUTHORITY\\SYSTEM",
        "Integrity label S-1-16-8192 Mandatory Label\\Medium Mandatory Level",
        "Primary group S-1-5-32-545 BUILTIN\\Users",
        "Default owner S-1-5-32-544 BUILTIN\\Administrators",
        "Source User32",
        "Session 18",
        "Type Impersonation",
        "Impersonation level Identification",
    ]
    assert seen["Privileges (2 held, 1 enabled)"] == [
        "enabled SeDebugPrivilege",
        "can open any process that is not protected, whatever its DACL",
        "disabled SeChangeNotifyPrivilege default",
        "removed SeTcbPrivilege default",
        "GHOST SeSecurityPrivilege",
    ]
    assert seen["Groups (3)"] == [
        "DenyOnly BUILTIN\\Administrators S-1-5-32-544",
        "Integrity IntegrityEnabled Mandatory Label\\Medium Mandatory Level S-1-16-8192",
        "?? unreadable at 0x5000: paged out",
    ]
    assert seen["Restricting SIDs (1)"] == ["Mandatory Default Enabled NT AUTHORITY\\RESTRICTED S-1-5-12"]
    assert seen["AppContainer"] == ["Package S-1-15-2-1-2 <package>", "Lowbox number 45"]
    assert seen["Capabilities (1)"] == ["Enabled capability internetClient S-1-15-3-1"]
    assert seen["Policy"] == [
        "TokenFlags 0x2810",
        "IS_RESTRICTED IS_FILTERED NOT_LOW",
        "Mandatory policy NO_WRITE_UP",
        "Audit policy entry 0 SUCCESS_INCLUDE; entry 1 SUCCESS_EXCLUDE; entry 4 FAILURE_INCLUDE",
        "Trust level S-1-19-512-8192 Process Trust\\ProtectedLight-WinTcb",
        "In use yes",
    ]
    assert seen["Logon"] == ["Authentication id 0x3e7 SYSTEM", "Originating logon 0x27", "Logon session null"]
    assert seen["Default DACL"] == ["Default DACL null: objects get no protection by default"]
    named = "(public symbols do not name them)"
    assert seen["Bookkeeping"] == [
        "Token id 0x12",
        "Parent token id 0x14",
        "Modified id 0x16",
        "Source id 0x11",
        "Expires never",
        "Made by explorer.exe (pid 4120, thread 4124), method 3",
        "User and groups 4",
        "Restricting SIDs 3",
        "Capabilities 6",
        "Variable length 21",
        "Dynamic charged 22",
        "Dynamic available 23",
        "Audit policy status 17",
        "Integrity index 2",
        "Integrity SID value S-1-16-4096",
        "SID hash of 4 SIDs at 0xffff800000000028: 0x0 0x1 0x2 0x3 ...",
        "Restricted SID hash of 1 SIDs at 0xffff800000000029: 0x9 0x8 0x7 0x6 ...",
        "Capabilities hash of 5 SIDs at 0xffff80000000002b: 0x4 0x3 0x2 0x1 ...",
        "Security attributes 0xffff80000000002a: SecurityAttributeCount 3 %s" % named,
        "Claims 0x2f: DeviceGroupsCount ?? unreadable at 0x30: gone %s" % named,
        "Token SID values 0x32: BlockLength 5, SidCount 6 %s" % named,
        "Trust-linked token 0xffff800000000031",
        "Lock 0xffff800000000015",
        "Dynamic part 0xffff800000000024",
        "Variable part 0xffff800000000037",
        "Index entry 0xffff800000000033",
        "Lowbox handles 0xffff80000000002e",
        "BNO isolation handles 0xffff800000000035",
        "Session object 0xffff800000000036",
    ]


@pytest.mark.parametrize(
    "section, members, rows",
    [
        # A sandbox takes the user's own SID out of play; a primary token's level is a number without a meaning.
        (
            "Identity",
            {"user_and_groups": (Group(SYSTEM, 0x10),), "integrity_level_index": 0xFFFFFFFF, "token_type": 1},
            [
                "User S-1-5-18 NT AUTHORITY\\SYSTEM",
                "User attributes DenyOnly",
                "Integrity label none",
                "Primary group S-1-5-32-545 BUILTIN\\Users",
                "Default owner ?? unreadable at 0x1000: DefaultOwnerIndex 1 is past the groups",
                "Source User32",
                "Session 18",
                "Type Primary",
                "Impersonation level Identification (means nothing for a primary token)",
            ],
        ),
        ("Privileges", {"privileges": GONE}, ["Privileges ?? unreadable at 0x5000: paged out"]),
        (
            "Privileges (at least 1 held, 0 of these enabled)",
            {
                "privileges": Fragment(
                    (Privilege(20, "SeDebugPrivilege", True, False, None),), "its end is not there", ("SeTcb: cut",)
                )
            },
            [
                "disabled SeDebugPrivilege",
                "By default which of these are enabled by default is not said by this text",
                "Not all of it its end is not there",
                "Listed too SeTcb: cut",
            ],
        ),
        ("Groups", {"user_and_groups": GONE}, ["Groups ?? unreadable at 0x5000: paged out"]),
        (
            "Groups (at least 1)",
            {
                "user_and_groups": Fragment(
                    (Group(SYSTEM, 0), HalfGroup(0x5000, "paged out", attributes=7)), "lines are missing"
                )
            },
            [
                "?? unreadable at 0x5000: paged out (Mandatory EnabledByDefault Enabled)",
                "Not all of it lines are missing",
            ],
        ),
        ("Restricting SIDs", {"restricted_sids": GONE}, ["Restricting SIDs ?? unreadable at 0x5000: paged out"]),
        ("AppContainer", {"package": None, "lowbox_number": GONE, "capabilities": ()}, [
            "Lowbox number ?? unreadable at 0x5000: paged out",
        ]),
        (
            "Policy",
            {"flags": 0, "mandatory_policy": 0, "audit_policy": b"\0\0", "trust_level_sid": GONE, "in_use": 0},
            [
                "TokenFlags 0x0",
                "none",
                "Mandatory policy off",
                "Audit policy nothing set",
                "Trust level ?? unreadable at 0x5000: paged out",
                "In use no",
            ],
        ),
        (
            "Policy",
            {"flags": GONE, "mandatory_policy": 3, "audit_policy": b"\x80"},
            [
                "TokenFlags ?? unreadable at 0x5000: paged out",
                "Mandatory policy NO_WRITE_UP NEW_PROCESS_MIN",
                "Audit policy entry 1 FAILURE_EXCLUDE",
                "Trust level S-1-19-512-8192 Process Trust\\ProtectedLight-WinTcb",
                "In use yes",
            ],
        ),
        (
            "Logon",
            {"logon_session": GONE},
            [
                "Authentication id 0x3e7 SYSTEM",
                "Originating logon 0x27",
                "Logon session ?? unreadable at 0x5000: paged out",
            ],
        ),
        (
            "Logon",
            {"logon_session": SESSION},
            [
                "Authentication id 0x3e7 SYSTEM",
                "Originating logon 0x27",
                "Logon session 0xffff800000000099",
                "Account LAB\\Anna",
                "Linked logon id 0x3e5 LOCAL SERVICE",
                "References, flags 7, 0x8",
            ],
        ),
        (
            "Default DACL (1 ACEs)",
            {"default_dacl": Acl.build((Ace.build(1, 0x10000000, USERS, flags=2),))},
            ["ACCESS_DENIED BUILTIN\\Users GENERIC_ALL CONTAINER_INHERIT"],
        ),
        (
            "Default DACL (0 of 3 ACEs)",
            {"default_dacl": Acl(2, 8, 3, problem="it is cut")},
            ["Damaged it is cut"],
        ),
    ],
)  # fmt: skip
def test_what_is_otherwise_than_on_most_tokens(section: str, members: Dict[str, Any], rows: List[str]) -> None:
    assert sections(replace(TOKEN, **members))[section] == rows


def test_what_this_build_or_this_view_has_not_is_one_line() -> None:
    token = replace(TOKEN, session_object=Absent("_TOKEN.SessionObject"), index_entry=Absent("_TOKEN.IndexEntry"))
    token = replace(token, token_lock=NotSaid("!token"), sid_hash=NotSaid("!token"))
    rows = sections(token)["Bookkeeping"]
    assert rows[-2:] == [
        "Not in this build _TOKEN.IndexEntry, _TOKEN.SessionObject",
        "Not said by !token any field of _TOKEN that is not listed here",
    ]
    assert not any(row.startswith(("Session object", "Index entry", "Lock", "SID hash")) for row in rows)


def test_a_token_of_no_container_has_no_such_sections() -> None:
    nothing: Dict[str, Any] = {"package": None, "lowbox_number": None, "capabilities": ()}
    for members in (nothing, dict(nothing, package=NotSaid("!token")), dict.fromkeys(nothing, Absent("x"))):
        seen = sections(replace(TOKEN, restricted_sids=(), **members))
        assert not [one for one in seen if one.startswith(("AppContainer", "Capabilities", "Restricting"))]
    for one in (Absent("_TOKEN.RestrictedSids"), NotSaid("whoami")):
        assert not [name for name in sections(replace(TOKEN, restricted_sids=one)) if name.startswith("Restricting")]


def test_members_without_a_name_are_shown_raw() -> None:
    page = Report(False)
    unnamed_section(page, "_TOKEN", ())
    assert page.lines == []
    long = "AMemberWhoseNameIsLongerThanAnyLabel"
    members = (
        RawMember("_TOKEN", "NewThing", "Uint4B", 0x1040, b"\7\0\0\0", 7),
        RawMember("_TOKEN", "Kind", "_KIND", 0x1044, b"\1\0\0\0", 1, "KindOne"),
        RawMember("_TOKEN", "Blob", "[3] UChar", 0x1048, b"\1\2\3"),
        RawMember("_TOKEN", "Nothing", "Void", 0x1048, b""),
        RawMember("_TOKEN", "Gone", "Uint8B", 0x1050, GONE),
        RawMember("_TOKEN", long, "Uint1B", 0x1058, b"\x0a", 10),
    )
    unnamed_section(page, "_TOKEN", members)
    assert [" ".join(line.split()) for line in page.lines] == [
        "",
        "Members of _TOKEN this version has no name for (6)",
        "NewThing 0x7 Uint4B",
        "Kind 0x1 KindOne _KIND",
        "Blob 01 02 03 [3] UChar",
        "Nothing no bytes Void",
        "Gone ?? unreadable at 0x5000: paged out Uint8B",
        long + ": 0xa Uint1B",
    ]
    page = Report(True)
    unnamed_section(page, "_TOKEN", members[:1] + members[4:5])
    notes = [line.strip() for line in page.lines if "<-" in line]
    assert notes == ["<- _TOKEN.NewThing at 0x1040: 07 00 00 00"]  # of what could not be read there are no bytes


def test_where_each_value_was_read_stands_below_it() -> None:
    """--why: the note below a row is of the row's own field."""
    labels = {
        "user_and_groups": "User",
        "integrity_level_index": "Integrity label",
        "primary_group": "Primary group",
        "default_owner_index": "Default owner",
        "source_name": "Source",
        "session_id": "Session",
        "token_type": "Type",
        "impersonation_level": "Impersonation level",
        "package": "Package",
        "lowbox_number": "Lowbox number",
        "mandatory_policy": "Mandatory policy",
        "audit_policy": "Audit policy",
        "trust_level_sid": "Trust level",
        "in_use": "In use",
        "authentication_id": "Authentication id",
        "originating_logon_session": "Originating logon",
        "logon_session": "Logon session",
        "default_dacl": "Default DACL",
        "token_id": "Token id",
        "diagnostics": "Made by",
        "variable_part": "Variable part",
    }
    origins = {name: Origin("_TOKEN", name, 0x1000 + at, b"\1") for at, name in enumerate(FIELDS)}
    lines = [line.strip() for line in lines_of(replace(TOKEN, origins=origins), why=True)]
    for name, label in labels.items():
        at = next(at for at, line in enumerate(lines) if line.startswith("<- _TOKEN.%s at" % name))
        assert lines[at - 1].startswith(label + " "), (name, lines[at - 1])
    assert lines[lines.index("<- _TOKEN.flags at 0x%x: 01" % origins["flags"].address) - 1].startswith("IS_RESTRICTED")
    # Of the privileges, behind all of them.
    at = next(at for at, line in enumerate(lines) if line.startswith("<- _TOKEN.privileges"))
    assert lines[at - 1].startswith("GHOST")


@pytest.mark.parametrize(
    "count, at, words",
    [
        (0, 0, "none"),
        (2, 0x7000, "of 2 SIDs at 0x7000: 0x1 0x2 0x3 0x4 ..."),
        # One of the two alone is no empty hash.
        (0, 0x7000, "of 0 SIDs at 0x7000: 0x1 0x2 0x3 0x4 ..."),
        (2, 0, "of 2 SIDs at 0x0: 0x1 0x2 0x3 0x4 ..."),
    ],
)
def test_a_hash_is_none_where_it_has_neither_a_count_nor_a_list(count: int, at: int, words: str) -> None:
    assert _hash(SidHash(count, at, (1, 2, 3, 4, 5))) == words
