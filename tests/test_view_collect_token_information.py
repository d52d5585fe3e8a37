"""Each class that `collect` records is its field, from bytes laid out by hand; what is cut, refused or odd is said."""

import json
import struct
from typing import Any, Dict, Optional, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.view.collect.token_bytes import Block
from kdtoken.view.collect.token_information import VIEW, Collected, read_token_information

BASE = 0x10000
SYSTEM, ADMINS, HIGH = Sid(5, (18,)), Sid(5, (32, 544)), Sid(16, (12288,))


def document(classes: Dict[str, Any], **more: Any) -> str:
    made = {
        name: {"base": hex(BASE), "raw": value.hex()} if isinstance(value, bytes) else value
        for name, value in classes.items()
    }
    return json.dumps({"format": "kdtoken-collect", "pointer_size": 8, "classes": made, **more}, indent=1)


def read(classes: Dict[str, Any], **more: Any) -> Collected:
    return read_token_information(document(classes, **more), "c.json")


def one_sid(sid: Optional[Sid]) -> bytes:
    """A pointer, and what it points to."""
    return struct.pack("<Q", BASE + 8) + sid.to_bytes() if sid else bytes(8)


def entry(sid: Sid, attributes: int) -> bytes:
    """SID_AND_ATTRIBUTES and the SID behind it."""
    return struct.pack("<QQ", BASE + 16, attributes) + sid.to_bytes()


def entries(*pairs: Tuple[Sid, int]) -> bytes:
    """TOKEN_GROUPS: the count, padded; pairs; the SIDs behind them."""
    data, at, tail = struct.pack("<Q", len(pairs)), BASE + 8 + 16 * len(pairs), b""
    for sid, attributes in pairs:
        data += struct.pack("<QQ", at + len(tail), attributes)
        tail += sid.to_bytes()
    return data + tail


@pytest.mark.parametrize(
    ("name", "raw", "fields"),
    [
        ("TokenPrimaryGroup", one_sid(ADMINS), {"primary_group": ADMINS}),
        ("TokenDefaultDacl", bytes(8), {"default_dacl": None}),
        (
            "TokenSource",
            b"User32 \0" + struct.pack("<II", 0x1234, 1),
            {"source_name": "User32 ", "source_id": Luid(1, 0x1234)},
        ),
        ("TokenSource", b"12345678" + bytes(8), {"source_name": "12345678"}),
        ("TokenSource", b"ab\0defgh" + bytes(8), {"source_name": "ab"}),
        ("TokenType", b"\2\0\0\0", {"token_type": 2}),
        ("TokenImpersonationLevel", b"\3\0\0\0", {"impersonation_level": 3}),
        ("TokenSessionId", b"\1\2\0\0", {"session_id": 0x201}),
        ("TokenMandatoryPolicy", b"\3\0\0\0", {"mandatory_policy": 3}),
        ("TokenAppContainerSid", one_sid(Sid(15, (2, 1))), {"package": Sid(15, (2, 1))}),
        ("TokenAppContainerSid", one_sid(None), {"package": None}),
        ("TokenAppContainerNumber", b"\5\0\0\0", {"lowbox_number": 5}),
        ("TokenAppContainerNumber", b"\0\0\0\0", {"lowbox_number": None}),
        ("TokenProcessTrustLevel", one_sid(Sid(19, (512, 8192))), {"trust_level_sid": Sid(19, (512, 8192))}),
        ("TokenOrigin", struct.pack("<II", 0x3E7, 2), {"originating_logon_session": Luid(2, 0x3E7)}),
        ("TokenAuditPolicy", b"\1\2\3", {"audit_policy": b"\1\2\3"}),
        (
            "TokenRestrictedSids",
            entries((ADMINS, 7), (SYSTEM, 0)),
            {"restricted_sids": (Group(ADMINS, 7), Group(SYSTEM, 0)), "restricted_sid_count": 2},
        ),
        ("TokenCapabilities", entries((ADMINS, 4)), {"capabilities": (Group(ADMINS, 4),), "capability_count": 1}),
    ],
)
def test_each_class_is_its_field(name: str, raw: bytes, fields: Dict[str, Any]) -> None:
    found = read({name: raw}).token
    for field, value in fields.items():
        assert getattr(found.token, field) == value
    assert found.view == VIEW and found.not_understood == () and found.token.problems == ()
    assert {field: str(place) for field, place in found.places.items()} == {name: "c.json:5"}
    assert found.token.flags == NotSaid(VIEW) == found.token.user_and_groups


def test_the_statistics_are_in_their_places() -> None:
    """TOKEN_STATISTICS: three 8-byte values, type, level, two sizes, two counts, the modified id."""
    raw = struct.pack("<QQQIIIIIIQ", 0x11, 0x22, 0x33, 2, 1, 0x1000, 0x40, 14, 5, 0x44)
    found = read({"TokenStatistics": raw})
    token = found.token.token
    assert (token.token_id, token.authentication_id, token.modified_id) == (Luid(0, 0x11), Luid(0, 0x22), Luid(0, 0x44))
    assert (token.expiration_time, token.token_type, token.impersonation_level) == (0x33, 2, 1)
    assert (token.dynamic_charged, token.dynamic_available) == (0x1000, 0x40)
    assert found.facts == {"GroupCount": 14, "PrivilegeCount": 5}
    # In a primary token the level means nothing.
    primary = read({"TokenStatistics": raw[:24] + b"\1\0\0\0" + raw[28:]}).token.token
    assert (primary.token_type, primary.impersonation_level) == (1, NotSaid(VIEW))


@pytest.mark.parametrize(
    "name",
    [
        "TokenSandBoxInert",
        "TokenElevationType",
        "TokenElevation",
        "TokenHasRestrictions",
        "TokenVirtualizationAllowed",
        "TokenVirtualizationEnabled",
        "TokenUIAccess",
        "TokenIsAppContainer",
        "TokenIsRestricted",
        "TokenPrivateNameSpace",
        "TokenChildProcessFlags",
        "TokenIsLessPrivilegedAppContainer",
        "TokenIsSandboxed",
        "TokenIsAppSilo",
    ],
)
def test_a_class_that_answers_with_a_number_is_a_fact(name: str) -> None:
    """Of as many bytes as Windows gave, and four at most."""
    for raw, value in ((b"\2\1\0\0", 0x102), (b"\1", 1), (b"\1\2", 0x201), (b"\2\1\0\0\xff", 0x102)):
        found = read({name: raw})
        assert dict(found.facts) == {name: value} and found.token.not_understood == ()
    empty = read({name: b""})
    assert dict(empty.facts) == {} and [line.text for line in empty.token.not_understood] == [name]
    assert empty.token.token.problems == ("%s: 1 bytes at offset 0 are not there" % name,)


def test_user_groups_owner_and_label_are_one_list() -> None:
    classes = {
        "TokenUser": entry(SYSTEM, 0),
        "TokenGroups": entries((ADMINS, 0xF), (HIGH, 0x60)),
        "TokenOwner": one_sid(ADMINS),
        "TokenIntegrityLevel": entry(HIGH, 0x60),
    }
    found = read(classes).token
    assert found.token.user_and_groups == (Group(SYSTEM, 0), Group(ADMINS, 0xF), Group(HIGH, 0x60))
    assert (found.token.default_owner_index, found.token.integrity_level_index) == (1, 2)
    assert [(one.sid, one.attributes) for one in found.groups] == [(SYSTEM, 0), (ADMINS, 0xF), (HIGH, 0x60)]
    # The label is not in the list; there is none; nobody asked.
    odd = read({**classes, "TokenIntegrityLevel": entry(Sid(16, (4096,)), 0x60)}).token.token
    assert odd.problems == ("the integrity label S-1-16-4096 is not among the groups",)
    assert odd.integrity_level_index == NotSaid(VIEW)
    none = read({**classes, "TokenIntegrityLevel": bytes(16)}).token.token
    assert none.integrity_level_index == 0xFFFFFFFF
    del classes["TokenIntegrityLevel"], classes["TokenOwner"]
    unasked = read(classes).token.token
    assert unasked.integrity_level_index == NotSaid(VIEW) == unasked.default_owner_index


def test_the_half_of_a_list_that_was_refused_is_unreadable() -> None:
    refused = {"error": 5, "message": "Access is denied."}
    user = read({"TokenUser": entry(SYSTEM, 0), "TokenGroups": refused})
    assert user.token.token.user_and_groups == (Group(SYSTEM, 0), Unreadable(0, "TokenGroups was refused"))
    assert dict(user.errors) == {"TokenGroups": "error 5, Access is denied."}
    groups = read({"TokenUser": refused, "TokenGroups": entries((ADMINS, 7))})
    assert groups.token.token.user_and_groups == (Unreadable(0, "TokenUser was refused"), Group(ADMINS, 7))
    assert [one.sid for one in groups.token.groups] == [ADMINS]
    neither = read({"TokenUser": refused, "TokenGroups": refused})
    assert neither.token.token.user_and_groups == NotSaid(VIEW)
    # The logon SID stands in for groups that are not there, and only then.
    logon = entries((Sid(5, (5, 0, 77)), 0xC0000007))
    alone = read({"TokenUser": entry(SYSTEM, 0), "TokenLogonSid": logon}).token
    assert alone.token.user_and_groups == (Group(SYSTEM, 0), Group(Sid(5, (5, 0, 77)), 0xC0000007))
    both = read({"TokenUser": entry(SYSTEM, 0), "TokenGroups": entries((ADMINS, 7)), "TokenLogonSid": logon}).token
    assert both.token.user_and_groups == (Group(SYSTEM, 0), Group(ADMINS, 7))


def privileges(*rows: Tuple[int, int]) -> bytes:
    return struct.pack("<I", len(rows)) + b"".join(struct.pack("<QI", number, bits) for number, bits in rows)


def test_privileges_with_their_bits_and_names() -> None:
    """winnt.h: ENABLED_BY_DEFAULT 1, ENABLED 2, REMOVED 4.  A removed one is not held; those behind it are."""
    raw = privileges((19, 0), (20, 4 | 2), (23, 3), (33, 2), (36, 1))
    found = read({"TokenPrivileges": raw}).token
    assert found.token.privileges == (
        Privilege(19, "SeShutdownPrivilege", True, False, False),
        Privilege(23, "SeChangeNotifyPrivilege", True, True, True),
        Privilege(33, "SeIncreaseWorkingSetPrivilege", True, True, False),
        Privilege(36, "SeDelegateSessionUserImpersonatePrivilege", True, False, True),
    )
    assert [one.name for one in found.privileges] == [one.name for one in found.token.privileges]


def test_a_privilege_that_only_the_guest_knows_has_the_guest_s_name() -> None:
    """Its names stand in the order of the bytes; one that is missing there, or no text, is the number's."""
    raw = privileges((19, 0), (40, 2))
    for decoded, name in (
        ([{"name": "SeShutdownPrivilege"}, {"name": "SeNewPrivilege"}], "SeNewPrivilege"),
        ([{"name": "SeShutdownPrivilege"}], "privilege 40"),
        ([{"name": "SeShutdownPrivilege"}, {"name": 5}], "privilege 40"),
        ([{"name": "SeShutdownPrivilege"}, {}], "privilege 40"),
        ("no list", "privilege 40"),
    ):
        found = read({"TokenPrivileges": {"base": hex(BASE), "raw": raw.hex(), "decoded": decoded}}).token
        assert [one.name for one in found.privileges][0] == "SeShutdownPrivilege", decoded
        assert "40" in found.privileges[1].name or found.privileges[1].name == name
        assert (found.privileges[1].name == "SeNewPrivilege") is (name == "SeNewPrivilege")
    cut = read({"TokenPrivileges": raw[:-1]}).token
    assert cut.token.privileges == NotSaid(VIEW) or cut.not_understood


def test_a_class_that_is_odd_is_listed_with_its_line_and_the_others_are_kept() -> None:
    found = read(
        {
            "TokenSession": b"\1\0\0\0",  # no such class
            "TokenOwner": "text",
            "TokenSessionId": b"\7\0\0\0",
            "TokenMandatoryPolicy": {"base": "zero", "raw": "00"},
            "TokenType": {"base": "0x0"},
            "TokenBnoIsolation": b"\1",
        }
    ).token
    assert [(line.text, line.number) for line in found.not_understood] == [
        ("TokenSession", 5),
        ("TokenOwner", 0),
        ("TokenMandatoryPolicy", 14),
        ("TokenType", 18),
    ]
    assert found.token.session_id == 7 and found.token.mandatory_policy == NotSaid(VIEW)
    assert str(found.places["TokenSessionId"]) == "c.json:10" and "TokenBnoIsolation" in found.places
    assert [problem.split(":")[0] for problem in found.token.problems] == ["TokenMandatoryPolicy", "TokenType"]


def test_the_linked_token_is_another_one_with_lines_of_its_own() -> None:
    raw = {"TokenSessionId": {"base": "0x0", "raw": "02000000"}}
    found = read({"TokenSessionId": b"\1\0\0\0"}, linked=raw)
    assert found.linked is not None
    assert (found.token.token.session_id, found.linked.token.session_id) == (1, 2)
    assert (found.token.places["TokenSessionId"].line, found.linked.places["TokenSessionId"].line) == (5, 11)
    assert read({}).linked is None is read({}, linked="refused").linked


def test_what_a_run_says_of_itself() -> None:
    found = read({}, about={"pid": 4}, windows={"build": 22000}, time="2024-05-01T10:00:00Z")
    assert (found.about, found.windows, found.time) == ({"pid": 4}, {"build": 22000}, "2024-05-01T10:00:00Z")
    odd = read({}, about="x", windows=[1])
    assert (odd.about, odd.windows, odd.time) == ({}, {}, "")
    assert read_token_information("\ufeff" + document({})).token.token.address == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "c.json is not JSON"),
        ("[]", "c.json is JSON, but not from `collect`"),
        ('{"format": "other", "classes": {}}', "c.json is JSON, but not from `collect`"),
        ('{"format": "kdtoken-collect", "classes": []}', "c.json is JSON, but not from `collect`"),
        (document({}).replace(": 8", ": 16"), "c.json: pointer_size is 16, must be 4 or 8"),
    ],
)
def test_a_text_that_is_no_run_of_collect(text: str, said: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read_token_information(text, "c.json")
    assert caught.value.message.startswith(said)


def test_an_array_of_attributes_may_lie_at_the_very_end_of_its_bytes_and_not_before_them() -> None:
    """TOKEN_SECURITY_ATTRIBUTE_V1 of 64 bits is 40 long; here without a name, and the only thing there."""
    head = struct.pack("<HHIQ", 1, 0, 1, BASE + 16)
    assert Block(BASE, head + bytes(40), 8).attribute_names() == {""}
    for data in (
        head + bytes(39),
        struct.pack("<HHIQ", 1, 0, 1, BASE - 1) + bytes(40),
        struct.pack("<HHIQ", 1, 0, 1, 0),
    ):
        with pytest.raises(BadFormat, match="1 security attributes are not there"):
            Block(BASE, data + b"", 8).attribute_names()
    name = struct.pack("<HHIQ", 1, 0, 1, BASE + 16) + struct.pack("<HHIQ", 4, 4, 0, BASE + 56).ljust(40, b"\0")
    assert Block(BASE, name + b"a\0b\0", 8).attribute_names() == {"ab"}
    with pytest.raises(BadFormat, match="the name of a security attribute is not there"):
        Block(BASE, name + b"a\0b", 8).attribute_names()
