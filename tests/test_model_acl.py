"""ACLs and ACEs: [MS-DTYP] 2.4.4 and 2.4.5, vectors laid out by hand, and every way to be wrong."""

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.model.acl import (
    ACE_TYPES,
    ALLOW_TYPES,
    CALLBACK_TYPES,
    DENY_TYPES,
    OBJECT_TYPES,
    OPAQUE_TYPES,
    Ace,
    Acl,
    acl_length,
)
from kdtoken.model.sid import Sid
from tests.examples import examples

SYSTEM = Sid(5, (18,))
ADMINISTRATORS = Sid(5, (32, 544))

# D:(A;;GA;;;SY)(D;OICIIO;0x2;;;BA), with 4 bytes of slack.
DACL = bytes(
    [
        0x02,
        0x00,  # AclRevision 2, Sbz1
        0x38,
        0x00,  # AclSize 56 = 8 + 20 + 24 + 4
        0x02,
        0x00,  # AceCount
        0x00,
        0x00,  # Sbz2
        #
        0x00,
        0x00,  # ACCESS_ALLOWED_ACE_TYPE, no flags
        0x14,
        0x00,  # AceSize 20 = 4 + 4 + 12
        0x00,
        0x00,
        0x00,
        0x10,  # GENERIC_ALL
        0x01,
        0x01,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x05,  # S-1-5, one sub-authority
        0x12,
        0x00,
        0x00,
        0x00,  # 18
        #
        0x01,
        0x0B,  # ACCESS_DENIED_ACE_TYPE; object + container inherit + inherit only
        0x18,
        0x00,  # AceSize 24
        0x02,
        0x00,
        0x00,
        0x00,  # mask
        0x01,
        0x02,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x05,  # S-1-5, two sub-authorities
        0x20,
        0x00,
        0x00,
        0x00,  # 32
        0x20,
        0x02,
        0x00,
        0x00,  # 544
        #
        0xAA,
        0xBB,
        0xCC,
        0xDD,  # slack
    ]
)


def test_dacl_by_hand() -> None:
    acl = Acl.parse(DACL)
    allow, deny = acl.aces
    assert (acl.revision, acl.size, acl.count, acl.problem) == (2, 56, 2, "")
    assert (allow.type_name, allow.flag_words, allow.mask, allow.sid) == ("ACCESS_ALLOWED", (), 0x10000000, SYSTEM)
    assert (deny.type_name, deny.mask, deny.sid) == ("ACCESS_DENIED", 2, ADMINISTRATORS)
    assert deny.flag_words == ("OBJECT_INHERIT", "CONTAINER_INHERIT", "INHERIT_ONLY")
    assert acl.slack == b"\xaa\xbb\xcc\xdd"
    assert acl.to_bytes() == DACL
    assert acl_length(DACL[:8]) == 56


def test_what_follows_the_acl_is_left_alone() -> None:
    assert Acl.parse(b"\xff\xff" + DACL + b"\xff" * 9, 2) == Acl.parse(DACL)


def test_built_is_the_same_bytes() -> None:
    aces = (Ace.build(0, 0x10000000, SYSTEM), Ace.build(1, 2, ADMINISTRATORS, flags=0x0B))
    assert Acl.build(aces, slack=b"\xaa\xbb\xcc\xdd").to_bytes() == DACL


# An object ACE with both GUIDs: "reset password" (bytes as [MS-DTYP] 2.3.4.2 has them in memory).
RESET_PASSWORD = uuid.UUID("00299570-246d-11d0-a768-00aa006e0529")
USER_CLASS = uuid.UUID("bf967aba-0de6-11d0-a285-00aa003049e2")
OBJECT_ACE = (
    bytes([0x05, 0x00])  # ACCESS_ALLOWED_OBJECT_ACE_TYPE
    + bytes([0x3C, 0x00])  # AceSize 60 = 4 + 4 + 4 + 16 + 16 + 16
    + bytes([0x00, 0x01, 0x00, 0x00])  # mask: control access
    + bytes([0x03, 0x00, 0x00, 0x00])  # both GUIDs are present
    + bytes([0x70, 0x95, 0x29, 0x00, 0x6D, 0x24, 0xD0, 0x11, 0xA7, 0x68, 0x00, 0xAA, 0x00, 0x6E, 0x05, 0x29])
    + bytes([0xBA, 0x7A, 0x96, 0xBF, 0xE6, 0x0D, 0xD0, 0x11, 0xA2, 0x85, 0x00, 0xAA, 0x00, 0x30, 0x49, 0xE2])
    + ADMINISTRATORS.to_bytes()
)


def test_object_ace() -> None:
    ace = Ace.parse(OBJECT_ACE)
    assert (ace.object_flags, ace.object_type, ace.inherited_object_type) == (3, RESET_PASSWORD, USER_CLASS)
    assert (ace.mask, ace.sid, ace.application_data) == (0x100, ADMINISTRATORS, b"")
    assert Ace.build(5, 0x100, ADMINISTRATORS, 0, RESET_PASSWORD, USER_CLASS).raw == OBJECT_ACE
    assert Acl.build((ace,)).revision == 4


@pytest.mark.parametrize("first, second", [(None, None), (RESET_PASSWORD, None), (None, USER_CLASS)])
def test_object_ace_with_fewer_guids(first: "uuid.UUID | None", second: "uuid.UUID | None") -> None:
    ace = Ace.build(6, 1, SYSTEM, 0, first, second)
    assert (ace.object_type, ace.inherited_object_type, ace.sid) == (first, second, SYSTEM)


def test_callback_keeps_its_condition() -> None:
    ace = Ace.build(9, 1, SYSTEM, application_data=b"artx\x00\x00\x00\x00")
    assert (ace.type_name, ace.application_data) == ("ACCESS_ALLOWED_CALLBACK", b"artx\x00\x00\x00\x00")
    # The size is a multiple of 4, so data of 5 bytes comes back with 3 more.
    assert Ace.build(9, 1, SYSTEM, application_data=b"artx!").application_data == b"artx!\x00\x00\x00"


# winnt.h *_ACE_TYPE from 0 up, without the ending.
TYPES = (
    "ACCESS_ALLOWED ACCESS_DENIED SYSTEM_AUDIT SYSTEM_ALARM ACCESS_ALLOWED_COMPOUND ACCESS_ALLOWED_OBJECT "
    "ACCESS_DENIED_OBJECT SYSTEM_AUDIT_OBJECT SYSTEM_ALARM_OBJECT ACCESS_ALLOWED_CALLBACK ACCESS_DENIED_CALLBACK "
    "ACCESS_ALLOWED_CALLBACK_OBJECT ACCESS_DENIED_CALLBACK_OBJECT SYSTEM_AUDIT_CALLBACK SYSTEM_ALARM_CALLBACK "
    "SYSTEM_AUDIT_CALLBACK_OBJECT SYSTEM_ALARM_CALLBACK_OBJECT SYSTEM_MANDATORY_LABEL SYSTEM_RESOURCE_ATTRIBUTE "
    "SYSTEM_SCOPED_POLICY_ID SYSTEM_PROCESS_TRUST_LABEL SYSTEM_ACCESS_FILTER"
).split()


def test_types_are_winnts_and_their_names_say_what_they_are() -> None:
    assert ACE_TYPES == dict(enumerate(TYPES))
    by_name = {word: {kind for kind, name in enumerate(TYPES) if word in name} for word in ("OBJECT", "CALLBACK")}
    assert OBJECT_TYPES == by_name["OBJECT"] and CALLBACK_TYPES == by_name["CALLBACK"]
    compound = {TYPES.index("ACCESS_ALLOWED_COMPOUND")}
    assert ALLOW_TYPES == {kind for kind, name in enumerate(TYPES) if name.startswith("ACCESS_ALLOWED")} - compound
    assert DENY_TYPES == {kind for kind, name in enumerate(TYPES) if name.startswith("ACCESS_DENIED")}
    assert OPAQUE_TYPES == compound


def test_each_inheritance_flag() -> None:
    words = "OBJECT_INHERIT CONTAINER_INHERIT NO_PROPAGATE_INHERIT INHERIT_ONLY INHERITED".split()  # winnt.h, from 1 up
    for number, word in enumerate(words):
        assert Ace.build(0, 0, SYSTEM, 1 << number).flag_words == (word,)


@pytest.mark.parametrize("kind", sorted(set(ACE_TYPES) - OPAQUE_TYPES))
def test_every_type_has_mask_and_sid(kind: int) -> None:
    ace = Ace.build(kind, 0x1234, Sid(16, (8192,)), application_data=b"1234")
    assert (ace.mask, ace.sid, ace.application_data, ace.problem) == (0x1234, Sid(16, (8192,)), b"1234", "")
    assert (ace.object_flags is not None) == (kind in OBJECT_TYPES)


@pytest.mark.parametrize(
    "kind, flags, words",
    [
        (0x02, 0xC0, ("SUCCESSFUL_ACCESS", "FAILED_ACCESS")),
        (0x0D, 0x40, ("SUCCESSFUL_ACCESS",)),
        (0x00, 0x20, ("CRITICAL",)),
        (0x00, 0x50, ("INHERITED", "0x40")),
        (0x15, 0x40, ("TRUST_PROTECTED_FILTER",)),
        (0x11, 0x80, ("0x80",)),
        (0x02, 0x80, ("FAILED_ACCESS",)),
        (0x03, 0xE0, ("SUCCESSFUL_ACCESS", "FAILED_ACCESS", "0x20")),
        (0x05, 0x20, ("CRITICAL",)),
        (0x01, 0x20, ("0x20",)),
        (0x15, 0xE0, ("TRUST_PROTECTED_FILTER", "0xa0")),
        (0x14, 0x40, ("0x40",)),
        (
            0x00,
            0x3F,
            ("OBJECT_INHERIT", "CONTAINER_INHERIT", "NO_PROPAGATE_INHERIT", "INHERIT_ONLY", "INHERITED", "CRITICAL"),
        ),
    ],
)
def test_flags_depend_on_the_type(kind: int, flags: int, words: "tuple[str, ...]") -> None:
    assert Ace.build(kind, 0, SYSTEM, flags).flag_words == words


@pytest.mark.parametrize("kind", [0x04, 0x16, 0xFF])
def test_type_with_no_known_layout_keeps_its_bytes(kind: int) -> None:
    raw = bytes([kind, 0, 8, 0, 1, 2, 3, 4])
    ace = Ace.parse(raw)
    assert (ace.mask, ace.sid, ace.application_data, ace.raw) == (None, None, b"\1\2\3\4", raw)
    assert ace.type_name == ("ACCESS_ALLOWED_COMPOUND" if kind == 4 else "ACE_TYPE_0x{:x}".format(kind))
    with pytest.raises(BadFormat, match="no layout"):
        Ace.build(kind, 0, SYSTEM)


@pytest.mark.parametrize(
    "raw, problem",
    [
        (bytes([0, 0, 6, 0, 1, 2]), "the body has 2 bytes, 4 are needed"),
        (bytes([5, 0, 8, 0, 0, 0, 0, 0]), "the body has 4 bytes, 8 are needed"),
        (bytes([5, 0, 12, 0, 0, 0, 0, 0, 3, 0, 0, 0]), "the body has 8 bytes, 40 are needed"),
        (bytes([0, 0, 8, 0, 0, 0, 0, 0]), "a SID needs 8 bytes for its header, only 0 here"),
        (bytes([0, 0, 16, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 5]), "Revision (byte 0) is 9"),
    ],
)
def test_bad_body_is_a_problem_of_that_ace(raw: bytes, problem: str) -> None:
    ace = Ace.parse(raw)
    assert problem in ace.problem and ace.sid is None and ace.raw == raw


@pytest.mark.parametrize(
    "data, aces, problem",
    [
        # AceCount 65535 in an ACL of 8 bytes
        (b"\2\0\x08\0\xff\xff\0\0", 0, "ACE 0 of 65535 at offset 0x8: no room for its header"),
        (b"\2\0\x0c\0\1\0\0\0" + bytes(4), 0, "ACE 0 of 1 at offset 0x8: AceSize is 0, less than the header"),
        (b"\2\0\x0c\0\1\0\0\0\0\0\x08\0", 0, "AceSize is 8, only 4 bytes are left"),
        (DACL[:4] + b"\3\0" + DACL[6:], 2, "ACE 2 of 3 at offset 0x34: AceSize is 56780, only 4 bytes are left"),
        (DACL[:40], 1, "AclSize is 56, only 40 bytes here; ACE 1 of 2 at offset 0x1c: AceSize is 24, only 12"),
        (b"\2\0\x04\0\0\0\0\0", 0, "AclSize is 4, less than the header"),
        (b"\2\0\x07\0\0\0\0\0", 0, "AclSize is 7, less than the header"),
        (b"\x63\0\x08\0\0\0\0\0", 0, "AclRevision is 99, not 2 to 4"),
        # winnt.h: MIN_ACL_REVISION is 2, MAX_ACL_REVISION 4
        (b"\1\0\x08\0\0\0\0\0", 0, "AclRevision is 1, not 2 to 4"),
        (b"\5\0\x08\0\0\0\0\0", 0, "AclRevision is 5, not 2 to 4"),
    ],
)
def test_bad_acl_ends_with_what_could_be_read(data: bytes, aces: int, problem: str) -> None:
    acl = Acl.parse(data)
    assert len(acl.aces) == aces
    assert problem in acl.problem
    assert acl.to_bytes() == data


def test_each_revision_of_winnt_is_sound_and_the_first_broken_ace_ends_the_reading() -> None:
    assert [Acl.parse(bytes((revision, 0, 8, 0, 0, 0, 0, 0))).problem for revision in (2, 3, 4)] == [""] * 3
    # AceCount 65535, and no room for one: said once, not of each.
    assert Acl.parse(b"\2\0\x08\0\xff\xff\0\0").problem == "ACE 0 of 65535 at offset 0x8: no room for its header"


def test_what_is_refused() -> None:
    with pytest.raises(BadFormat, match="only 7 here"):
        Acl.parse(DACL[:7])
    with pytest.raises(BadFormat, match="only 0 here"):
        Acl.parse(DACL, -4)
    with pytest.raises(BadFormat, match="AclSize .byte 2. is 7"):
        acl_length(b"\2\0\7\0\0\0\0\0")
    with pytest.raises(BadFormat, match="an ACL needs 8 bytes for its header, only 7 here"):
        acl_length(DACL[:7])
    with pytest.raises(BadFormat, match="an ACE needs 4 bytes for its header, only 3 here"):
        Ace.parse(DACL[8:11])
    with pytest.raises(BadFormat, match="AceSize is 20, but the ACE has 21 bytes"):
        Ace.parse(DACL[8:29])
    with pytest.raises(BadFormat, match="more than AceSize"):
        Ace.build(0, 0, SYSTEM, application_data=bytes(0x10000))
    with pytest.raises(BadFormat, match="more than AclSize"):
        Acl.build((), slack=bytes(0x10000))
    for mask, flags in ((1 << 32, 0), (-1, 0), (0, 1 << 8), (0, -1)):
        with pytest.raises(BadFormat, match="mask of 32 bits and flags of 8"):
            Ace.build(0, mask, SYSTEM, flags)
    most = Ace.build(0, 0xFFFFFFFF, SYSTEM, 0xFF)
    assert (most.mask, most.flags) == (0xFFFFFFFF, 0xFF)
    # AceSize and AclSize are WORDs: 4 + 4 + 12 bytes before the data, 8 before the ACEs; an ACE's is a multiple of 4.
    assert Ace.build(0, 0, SYSTEM, application_data=bytes(0xFFFC - 20)).size == 0xFFFC
    assert Acl.build((), slack=bytes(0xFFFF - 8)).size == 0xFFFF
    with pytest.raises(BadFormat, match="the ACE would have 65536 bytes"):
        Ace.build(0, 0, SYSTEM, application_data=bytes(0xFFFD - 20))
    with pytest.raises(BadFormat, match="the ACL would have 65536 bytes"):
        Acl.build((), slack=bytes(0x10000 - 8))


sids = st.builds(Sid, st.integers(0, 20), st.lists(st.integers(0, 2**32 - 1), max_size=5).map(tuple))
guids = st.one_of(st.none(), st.uuids())
aces = st.builds(
    lambda kind, mask, sid, flags, one, two, more: Ace.build(
        kind, mask, sid, flags, one if kind in OBJECT_TYPES else None, two if kind in OBJECT_TYPES else None, more
    ),
    st.sampled_from(sorted(set(ACE_TYPES) - OPAQUE_TYPES)),
    st.integers(0, 2**32 - 1),
    sids,
    st.integers(0, 255),
    guids,
    guids,
    st.binary(max_size=12),
)
acls = st.builds(
    lambda parts, slack: Acl.build(tuple(parts), slack=slack), st.lists(aces, max_size=4), st.binary(max_size=8)
)


@settings(max_examples=examples(60))
@given(acls)
def test_round_trip(acl: Acl) -> None:
    data = acl.to_bytes()
    assert len(data) == acl.size
    assert Acl.parse(data) == acl
    assert Acl.parse(data + b"more") == acl


@settings(max_examples=examples(150))
@given(st.binary(min_size=8, max_size=120), st.integers(0, 120))
def test_any_bytes_end_bounded(data: bytes, size: int) -> None:
    data = data[:2] + size.to_bytes(2, "little") + data[4:]  # an AclSize worth following
    acl = Acl.parse(data)
    assert data.startswith(acl.to_bytes())
    assert acl.problem or len(acl.aces) == acl.count
