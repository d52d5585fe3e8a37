"""collect.py on a machine that is no Windows, its decoders on bytes, and its JSON read back as a token."""

import ast
import json
import struct
from pathlib import Path
from typing import Any, Dict, List

import pytest

from kdtoken import collect
from kdtoken.analysis.access_check.questions import READINGS
from kdtoken.analysis.classification import Elevation, elevation
from kdtoken.errors import BadFormat
from kdtoken.model import group as groups
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.object_type import documented_type
from kdtoken.model.privilege import Privilege
from kdtoken.model.sddl import from_sddl
from kdtoken.model.sid import Sid
from kdtoken.view.collect.token_information import Collected, read_token_information

SOURCE = Path(collect.__file__)
BASE = 0x2000
ANNA, LABEL, LOGON = Sid.from_text("S-1-5-21-1-2-3-1001"), Sid.from_text("S-1-16-8192"), Sid.from_text("S-1-5-5-0-77")
ALL = groups.MANDATORY | groups.ENABLED_BY_DEFAULT | groups.ENABLED


def listed(*entries: Group, head: bool = True, size: int = 8) -> bytes:
    """TOKEN_GROUPS, or the entries alone, as Windows fills them at BASE: the SIDs behind the entries."""
    number = "<Q" if size == 8 else "<I"
    data = len(entries).to_bytes(size, "little") if head else b""
    at = BASE + len(data) + 2 * size * len(entries)
    tail = b""
    for entry in entries:
        data += struct.pack(number, at + len(tail)) + entry.attributes.to_bytes(size, "little")
        tail += entry.sid.to_bytes()
    return data + tail


def pointed(data: bytes) -> bytes:
    return struct.pack("<Q", BASE + 8) + data


ANNAS = (
    Group(Sid.from_text("S-1-1-0"), ALL),
    Group(LOGON, ALL | groups.LOGON_ID),
    Group(LABEL, groups.INTEGRITY | groups.INTEGRITY_ENABLED),
)
DACL = Acl.build((Ace.build(0, 0x10000000, ANNA),))
RAW: Dict[str, bytes] = {
    "TokenUser": listed(Group(ANNA, 0), head=False),
    "TokenGroups": listed(*ANNAS),
    "TokenPrivileges": struct.pack("<IQIQIQI", 3, 23, 3, 20, 0, 19, 4),
    "TokenOwner": pointed(ANNA.to_bytes()),
    "TokenPrimaryGroup": pointed(LABEL.to_bytes()),
    "TokenDefaultDacl": pointed(DACL.to_bytes()),
    "TokenSource": b"User32\0\0" + struct.pack("<Q", 0x1234),
    "TokenStatistics": struct.pack("<QQQIIIIIIQ", 0x111, 0x3E7, 0x7FFFFFFFFFFFFFFF, 2, 1, 4096, 100, 3, 2, 0x222),
    "TokenSessionId": struct.pack("<I", 1),
    "TokenElevationType": struct.pack("<I", 3),
    "TokenIntegrityLevel": listed(ANNAS[2], head=False),
    "TokenMandatoryPolicy": struct.pack("<I", 3),
    "TokenRestrictedSids": listed(),
    "TokenCapabilities": listed(Group(Sid.from_text("S-1-15-3-1"), 4)),
    "TokenAppContainerSid": bytes(8),
    "TokenOrigin": struct.pack("<Q", 0x3E7),
}


def document(raw: Dict[str, bytes], **more: Any) -> str:
    classes: Dict[str, Any] = {"TokenAuditPolicy": {"class": 16, "error": 1314, "message": "not held"}}
    for name, data in raw.items():
        entry: Dict[str, Any] = {"class": 1, "base": "0x%x" % BASE, "raw": data.hex()}
        entry.update(collect.decoded(name, collect.Block(BASE, data, 8)))
        classes[name] = entry
    data = {
        "format": collect.FORMAT,
        "version": 1,
        "pointer_size": 8,
        "about": {"pid": 7},
        "windows": {"build": 19045},
        "time": "2026-01-01T00:00:00Z",
        "classes": classes,
        "linked": None,
    }
    data.update(more)
    return json.dumps(data, indent=1)


def test_it_imports_nothing_but_the_standard_library_and_parses_as_3_5() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 5))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"argparse", "ctypes", "json", "os", "re", "struct", "sys", "time"}


def test_it_says_plainly_that_this_is_no_windows(capsys: pytest.CaptureFixture[str]) -> None:
    if collect.sys.platform == "win32":
        pytest.skip("this is Windows")
    assert collect.main([]) == 2
    printed = capsys.readouterr()
    assert (
        printed.out == ""
        and "into the guest, and there: python collect.py" in printed.err
        and "Traceback" not in printed.err
    )


def test_all_classes_of_winnt_h_are_asked_for() -> None:
    assert len(collect.CLASSES) == 48 == len(set(collect.CLASSES))
    assert (collect.CLASSES[0], collect.CLASSES[24], collect.CLASSES[47]) == (
        "TokenUser",
        "TokenIntegrityLevel",
        "TokenIsAppSilo",
    )


def test_every_field() -> None:
    token = read_token_information(document(RAW)).token.token
    assert token.user_and_groups == (Group(ANNA, 0),) + ANNAS
    assert (token.integrity, token.default_owner, token.primary_group) == (LABEL, ANNA, LABEL)
    assert token.privileges == (
        Privilege(20, "SeDebugPrivilege", True, False, False),
        Privilege(23, "SeChangeNotifyPrivilege", True, True, True),
    )
    assert (token.token_id, token.authentication_id, token.modified_id) == (
        Luid(0, 0x111),
        Luid(0, 0x3E7),
        Luid(0, 0x222),
    )
    assert (token.token_type, token.impersonation_level, token.expiration_time) == (2, 1, 0x7FFFFFFFFFFFFFFF)
    assert (token.source_name, token.source_id) == ("User32", Luid(0, 0x1234))
    assert (token.session_id, token.mandatory_policy, token.default_dacl) == (1, 3, DACL)
    assert (token.restricted_sids, token.restricted_sid_count, token.package) == ((), 0, None)
    assert token.capabilities == (Group(Sid.from_text("S-1-15-3-1"), 4),)
    assert isinstance(token.flags, NotSaid) and token.problems == ()


def test_refusals_facts_and_lines() -> None:
    text = document(RAW)
    found = read_token_information(text, "a.json")
    assert found.errors == {"TokenAuditPolicy": "error 1314, not held"}
    assert found.facts["TokenElevationType"] == 3 and found.about["pid"] == 7 and found.time[:4] == "2026"
    line = found.token.places["TokenStatistics"].line
    assert '"TokenStatistics"' in text.split("\n")[line - 1]


def test_the_elevation_type_is_a_fact_of_the_token() -> None:
    """TOKEN_ELEVATION_TYPE (winnt.h) goes from 1 to 3; the logon session behind it is told by no class."""
    for number, kind in ((1, Elevation.DEFAULT), (2, Elevation.FULL), (3, Elevation.LIMITED)):
        raw = {**RAW, "TokenElevationType": struct.pack("<I", number)}
        assert elevation(read_token_information(document(raw)).token.token) is kind
    for number in (0, 4, 0x103):
        raw = {**RAW, "TokenElevationType": struct.pack("<I", number)}
        found = read_token_information(document(raw))
        assert type(found.token.token.logon_session) is NotSaid and found.facts["TokenElevationType"] == number


def test_what_was_refused_is_unreadable_and_not_empty() -> None:
    token = read_token_information(document({"TokenUser": RAW["TokenUser"]})).token.token
    assert isinstance(token.user_and_groups, tuple) and isinstance(token.user_and_groups[1], Unreadable)
    assert isinstance(token.privileges, NotSaid)


def test_what_collect_decoded_itself_agrees() -> None:
    classes = json.loads(document(RAW))["classes"]
    assert classes["TokenUser"]["decoded"] == {"sid": str(ANNA), "attributes": 0}
    assert classes["TokenGroups"]["decoded"][2] == {"sid": str(LABEL), "attributes": 0x60}
    assert classes["TokenDefaultDacl"]["decoded"] == DACL.to_bytes().hex()
    assert classes["TokenStatistics"]["decoded"]["modified_id"] == "0x0:222"
    assert classes["TokenPrivileges"]["decoded"][1] == {"luid": "0x0:14", "attributes": 0}
    assert classes["TokenElevationType"]["decoded"] == 3
    assert classes["TokenAppContainerSid"]["decoded"] is None


def test_a_32_bit_collector() -> None:
    raw = listed(*ANNAS, size=4)
    entry = {"class": 2, "base": "0x%x" % BASE, "raw": raw.hex()}
    text = document({}, pointer_size=4, classes={"TokenGroups": entry})
    listed_groups = read_token_information(text).token.token.user_and_groups
    assert isinstance(listed_groups, tuple) and listed_groups[1:] == ANNAS


def test_the_linked_token_and_unknown_classes() -> None:
    linked = json.loads(document(RAW))["classes"]
    linked["TokenNewThing"] = {"class": 99, "base": "0x0", "raw": "00"}
    found = read_token_information(document(RAW, linked=linked))
    assert isinstance(found, Collected) and found.linked is not None
    assert found.linked.token.user == ANNA
    assert [line.text for line in found.linked.not_understood] == ["TokenNewThing"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "x",
        '{"format": "kdtoken-collect"}',
        "[" * 100000,
        "null",
        '{"format": "kdtoken-collect", "classes": {}, "pointer_size": 16}',
    ],
)
def test_other_json_is_one_clear_error(text: str) -> None:
    with pytest.raises(BadFormat):
        read_token_information(text, "x.json")


@pytest.mark.parametrize("name", sorted(RAW))
@pytest.mark.parametrize("keep", [0, 1, 3, 7, 9, 12, 20])
def test_bytes_cut_short_spoil_their_class_only(name: str, keep: int) -> None:
    found = read_token_information(document({**RAW, name: RAW[name][:keep]}))
    assert found.token.token.session_id == 1 or name == "TokenSessionId"


@pytest.mark.parametrize("entry", [None, 1, {}, {"raw": "zz", "base": "0x0"}, {"raw": "00", "base": None}, {"raw": 5}])
def test_entries_that_make_no_sense_are_listed(entry: Any) -> None:
    found = read_token_information(document(RAW, classes={"TokenUser": entry}))
    assert [line.text for line in found.token.not_understood] == ["TokenUser"]


def test_a_wish_is_mapped_as_access_check_wants_it() -> None:
    mapping = collect.MAPPINGS["file"]
    assert collect.mapped_wish("read", mapping) == 0x120089
    assert collect.mapped_wish("0x80000001", mapping) == 0x120089
    assert collect.mapped_wish("maximum", mapping) == 0x02000000
    with pytest.raises(collect.CannotCollect, match="no wish"):
        collect.mapped_wish("much", mapping)
    assert collect.mapped_wish("0x%x" % (1 << 0), mapping) == 1
    # What ctypes would cut to 32 bits without a word is another wish.
    for wrong in ("0x100000001", "-1", "9" * 5000, "1" + " " * 40 + "x", ""):
        with pytest.raises(collect.CannotCollect, match="no wish") as caught:
            collect.mapped_wish(wrong, mapping)
        assert len(str(caught.value)) < 150


def test_the_mappings_are_those_that_explain_goes_by() -> None:
    for name, masks in collect.MAPPINGS.items():
        mapping = documented_type(name).mapping
        assert masks == (mapping.read, mapping.write, mapping.execute, mapping.all), name


def test_the_lab_questions_are_whole_and_their_descriptors_are_sddl() -> None:
    path = SOURCE.parent.parent / "fixtures" / "lab" / "questions.json"
    questions = json.loads(path.read_text(encoding="utf-8"))["questions"]
    assert len({one["id"] for one in questions}) == len(questions) >= 15
    for one in questions:
        from_sddl(one["sddl"])
        assert collect.mapped_wish(one["want"], collect.MAPPINGS[one["type"]]) >= 0
        assert one.get("reading", "generic-ace") in READINGS


def test_a_check_is_asked_of_the_own_token_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert collect.main(["--check", "D:", "--pid", "4"]) == 2
    assert "leave --pid and --thread away" in capsys.readouterr().err


def test_a_negative_number_is_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    """0 is one: the Idle process has it, and Windows itself says no."""
    for words in (["--pid", "-4"], ["--thread", "-8"]):
        assert collect.main(words) == 2
        assert "%s is no id of a process or a thread" % words[1] in capsys.readouterr().err
    if collect.sys.platform != "win32":
        assert collect.main(["--pid", "0"]) == 2
        assert "no id" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,  # nested deeper than Python's stack
        b'{"questions": [' + b"[]," * (2 << 20) + b"[]]}",  # 6 MB of lists
        b'{"questions": 5}',
        b'{"questions": [{"want": "read"}]}',
        b'{"questions": [7]}',
        b"[]",
        b"\xff\xfe",
        b"",
    ],
    ids=lambda data: repr(data[:20]),
)
def test_a_file_that_holds_no_questions_is_one_message(data: bytes, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "q.json").write_bytes(data)
    assert collect.main(["--questions", str(tmp_path / "q.json")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("collect: ") and "holds no questions" in err
    assert "Traceback" not in err and "codec" not in err and len(err.splitlines()) == 2


# --- the blocks that Windows fills, at their edges


def test_a_number_ends_where_the_bytes_do() -> None:
    block = collect.Block(BASE, bytes([1, 2, 3, 4, 5]), 8)
    assert (block.number(0, 4), block.number(1, 4), block.number(5, 0)) == (0x04030201, 0x05040302, 0)
    for offset, size in ((2, 4), (5, 1), (-1, 1)):
        with pytest.raises(ValueError, match="%d bytes at offset %d are not there" % (size, offset)):
            block.number(offset, size)


@pytest.mark.parametrize(
    "text, data",
    [
        ("S-1-5-18", "010100000000000512000000"),
        ("S-1-16-0", "010100000000001000000000"),
        # [MS-DTYP] 2.4.2.1: an authority that 32 bits do not hold is written in hexadecimal.
        ("S-1-4294967295", "0100 0000ffffffff"),
        ("S-1-0x000100000000", "0100 000100000000"),
        ("S-1-5-21-1-4294967295", "010300000000000515000000 01000000 ffffffff"),
        ("S-1-5", "0100000000000005"),
    ],
)
def test_a_sid_in_words(text: str, data: str) -> None:
    raw = bytes.fromhex(data)
    block = collect.Block(BASE, b"\xff" + raw, 8)
    assert block.sid(1) == text and block.sid(None) is None
    with pytest.raises(ValueError):
        collect.Block(BASE, raw[:-1], 8).sid(0)


@pytest.mark.parametrize(
    "name, raw, said",
    [
        ("TokenSource", RAW["TokenSource"], {"name": "User32", "luid": "0x0:1234"}),
        ("TokenOrigin", struct.pack("<II", 5, 7), "0x7:5"),
        ("TokenOwner", RAW["TokenOwner"], str(ANNA)),
        ("TokenDefaultDacl", bytes(8), None),
        ("TokenCapabilities", RAW["TokenCapabilities"], [{"sid": "S-1-15-3-1", "attributes": 4}]),
        ("TokenStatistics", RAW["TokenStatistics"], {
            "token_id": "0x0:111", "authentication_id": "0x0:3e7", "expiration_time": 0x7FFFFFFFFFFFFFFF, "type": 2,
            "impersonation_level": 1, "dynamic_charged": 4096, "dynamic_available": 100, "group_count": 3,
            "privilege_count": 2, "modified_id": "0x0:222",
        }),
        ("TokenPrivileges", RAW["TokenPrivileges"], [
            {"luid": "0x0:17", "attributes": 3}, {"luid": "0x0:14", "attributes": 0}, {"luid": "0x0:13", "attributes": 4},
        ]),
        ("TokenIsSandboxed", b"\1", 1),
        ("TokenIsSandboxed", b"\1\2", 0x201),
        ("TokenUIAccess", struct.pack("<I", 7), 7),
    ],
)  # fmt: skip
def test_each_structure_as_its_header_has_it(name: str, raw: bytes, said: Any) -> None:
    assert collect.decoded(name, collect.Block(BASE, raw, 8)) == {"decoded": said}


def test_what_nobody_decodes_is_left_as_bytes_and_what_is_cut_says_so() -> None:
    assert collect.decoded("TokenAccessInformation", collect.Block(BASE, bytes(5), 8)) == {}
    assert collect.decoded("TokenAccessInformation", collect.Block(BASE, b"", 8)) == {}
    problem = collect.decoded("TokenOrigin", collect.Block(BASE, bytes(7), 8))
    assert problem == {"problem": "4 bytes at offset 4 are not there"}


@pytest.mark.parametrize(
    "wish, mask",
    [("read", 0x120089), ("write", 0x120116), ("execute", 0x1200A0), ("all", 0x1F01FF), ("maximum", 1 << 25),
     ("0xC0000000", 0x120089 | 0x120116), ("0xF0000001", 0x1F01FF), ("3", 3), ("0xffffffff", 0x0FFFFFFF)],
)  # fmt: skip
def test_each_generic_right_is_mapped_to_its_own(wish: str, mask: int) -> None:
    assert collect.mapped_wish(wish, collect.MAPPINGS["file"]) == mask


@pytest.mark.parametrize("offset, size", [(-1, 1), (-4, 4), (-8, 4), (-5, 1), (0, 9), (8, 1), (7, 2)])
def test_a_number_that_is_not_whole_within_the_bytes_is_an_error(offset: int, size: int) -> None:
    """A pointer in front of the buffer is negative: Python would count it from the end."""
    block = collect.Block(0x1000, b"\1\2\3\4\5\6\7\x08", 8)
    with pytest.raises(ValueError, match="%d bytes at offset %d are not there" % (size, offset)):
        block.number(offset, size)
    assert block.number(0, 8) == 0x0807060504030201 and block.number(7, 1) == 8


@pytest.mark.parametrize("size, whole", [(8, True), (9, False), (0, True)])
def test_a_default_dacl_that_says_it_is_longer_than_what_is_there_is_an_error(size: int, whole: bool) -> None:
    """ACL: revision, Sbz1, AclSize (USHORT), AceCount, Sbz2."""
    acl = b"\2\0" + size.to_bytes(2, "little") + b"\0\0\0\0"
    block = collect.Block(0x1000, (0x1008).to_bytes(8, "little") + acl, 8)
    if whole:
        assert collect.default_dacl(block) == acl[:size].hex()
    else:
        with pytest.raises(ValueError, match="9 bytes at offset 8 are not there"):
            collect.default_dacl(block)


@pytest.mark.parametrize("whose", [["--pid", "4"], ["--thread", "8"]])
def test_a_check_asks_with_this_process_s_own_token(whose: List[str], capsys: Any) -> None:
    assert collect.main([*whose, "--check", "D:(A;;FA;;;WD)"]) == 2
    assert "leave --pid and --thread away" in capsys.readouterr().err
