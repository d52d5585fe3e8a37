"""Self-relative security descriptors: [MS-DTYP] 2.4.6."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.sid import Sid
from tests.examples import examples

SYSTEM = Sid(5, (18,))
ADMINISTRATORS = Sid(5, (32, 544))

# O:BAG:SYD:(A;;0x1;;;SY)
DESCRIPTOR = bytes(
    [
        0x01,
        0x00,  # Revision, Sbz1
        0x04,
        0x80,  # SE_DACL_PRESENT | SE_SELF_RELATIVE
        0x30,
        0x00,
        0x00,
        0x00,  # owner at 48
        0x40,
        0x00,
        0x00,
        0x00,  # group at 64
        0x00,
        0x00,
        0x00,
        0x00,  # no SACL
        0x14,
        0x00,
        0x00,
        0x00,  # DACL at 20
        #
        0x02,
        0x00,
        0x1C,
        0x00,
        0x01,
        0x00,
        0x00,
        0x00,  # ACL of 28 bytes, one ACE
        0x00,
        0x00,
        0x14,
        0x00,
        0x01,
        0x00,
        0x00,
        0x00,  # access allowed, 20 bytes, mask 1
        0x01,
        0x01,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x05,
        0x12,
        0x00,
        0x00,
        0x00,  # S-1-5-18
        #
        0x01,
        0x02,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x05,  # S-1-5-32-544
        0x20,
        0x00,
        0x00,
        0x00,
        0x20,
        0x02,
        0x00,
        0x00,
        #
        0x01,
        0x01,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x05,
        0x12,
        0x00,
        0x00,
        0x00,  # S-1-5-18
    ]
)


def _with(at: int, new: bytes) -> bytes:
    return DESCRIPTOR[:at] + new + DESCRIPTOR[at + len(new) :]


def test_by_hand() -> None:
    sd = SecurityDescriptor.parse(DESCRIPTOR)
    assert (sd.owner, sd.group, sd.problem) == (ADMINISTRATORS, SYSTEM, "")
    assert sd.control_words == ("DACL_PRESENT", "SELF_RELATIVE")
    assert sd.dacl == Acl.build((Ace.build(0, 1, SYSTEM),))
    assert (sd.dacl_state, sd.sacl, sd.sacl_state, sd.grants_everything) == ("present", None, "absent", False)
    assert sd.to_bytes() == DESCRIPTOR
    assert SecurityDescriptor.parse(b"??" + DESCRIPTOR, 2) == sd


def test_null_absent_and_empty_dacl_are_three_things() -> None:
    null = SecurityDescriptor.parse(_with(16, bytes(4)))
    assert (null.dacl, null.dacl_state, null.grants_everything) == (None, "null", True)
    absent = SecurityDescriptor.parse(_with(2, b"\x00\x80"))
    assert (absent.dacl, absent.dacl_state, absent.grants_everything) == (None, "absent", True)
    empty = SecurityDescriptor.parse(_with(20, b"\x02\x00\x08\x00\x00\x00\x00\x00"))
    assert (empty.dacl, empty.dacl_state, empty.grants_everything) == (Acl.build(()), "present", False)


def test_no_owner_and_no_group() -> None:
    sd = SecurityDescriptor.parse(_with(4, bytes(8)))
    assert (sd.owner, sd.group, sd.problem) == (None, None, "")


@pytest.mark.parametrize(
    "data, problem, state",
    [
        (_with(4, b"\xff\xff\xff\xff"), "owner at offset 0xffffffff: a SID needs 8 bytes", "present"),
        (_with(8, b"\x04\x00\x00\x00"), "group at offset 0x4: the offset points into the header", "present"),
        (_with(16, b"\x00\x10\x00\x00"), "DACL at offset 0x1000: an ACL needs 8 bytes", "unreadable"),
        (_with(24, b"\x05\x00"), "DACL at offset 0x14: ACE 1 of 5", "present"),
    ],
)
def test_one_bad_part_leaves_the_others(data: bytes, problem: str, state: str) -> None:
    sd = SecurityDescriptor.parse(data)
    assert problem in sd.problem
    assert sd.dacl_state == state and not sd.grants_everything
    assert ADMINISTRATORS in (sd.owner, sd.group) or SYSTEM in (sd.owner, sd.group)


def test_what_is_refused() -> None:
    with pytest.raises(BadFormat, match="only 19 here"):
        SecurityDescriptor.parse(DESCRIPTOR[:19])
    with pytest.raises(BadFormat, match="only 0 here"):
        SecurityDescriptor.parse(DESCRIPTOR, -20)
    # What is shown of the bytes is the header, not all that lies behind it.
    for at, new, message in (
        (0, b"\x02", "not a security descriptor: Revision (byte 0) is 2, must be 1"),
        (3, b"\x00", "not a self-relative security descriptor: SE_SELF_RELATIVE is clear, so it holds pointers"),
    ):
        with pytest.raises(BadFormat) as caught:
            SecurityDescriptor.parse(_with(at, new))
        assert (caught.value.message, caught.value.subject) == (message, _with(at, new)[:20].hex())
    with pytest.raises(BadFormat, match="Revision .byte 0. is 2"):
        SecurityDescriptor.parse(_with(0, b"\2"))
    with pytest.raises(BadFormat, match="holds pointers"):
        SecurityDescriptor.parse(_with(2, b"\x04\x00"))
    with pytest.raises(BadFormat, match="could not be read"):
        SecurityDescriptor.parse(_with(16, b"\x00\x10\x00\x00")).to_bytes()


_sids = st.one_of(st.none(), st.builds(Sid, st.integers(0, 20), st.tuples(st.integers(0, 2**32 - 1))))
_acls = st.builds(
    lambda sids, slack: Acl.build(tuple(Ace.build(0, 1, sid) for sid in sids), slack=slack),
    st.lists(_sids.filter(bool), max_size=3),
    st.binary(max_size=5),
)


@settings(max_examples=examples(80))
@given(_sids, _sids, st.one_of(st.none(), _acls), st.one_of(st.none(), _acls), st.booleans())
def test_round_trip(owner: object, group: object, dacl: object, sacl: object, bit: bool) -> None:
    control = 0x8000 | (0x4 if dacl or bit else 0) | (0x10 if sacl or bit else 0)
    missing = "null" if bit else "absent"
    states = ["present" if acl else missing for acl in (dacl, sacl)]
    sd = SecurityDescriptor(owner, group, control, dacl, sacl, *states)  # type: ignore[arg-type]
    assert SecurityDescriptor.parse(sd.to_bytes()) == sd


@settings(max_examples=examples(150))
@given(st.binary(min_size=16, max_size=90))
def test_any_bytes_never_fail_otherwise(data: bytes) -> None:
    SecurityDescriptor.parse(b"\x01\x00\x14\x80" + data)


def test_states_follow_from_the_parts() -> None:
    plain = SecurityDescriptor(SYSTEM, None, 0x8004, Acl.build(()))
    assert (plain.owner_state, plain.group_state, plain.dacl_state, plain.sacl_state) == (
        "present",
        "absent",
        "present",
        "absent",
    )


def test_an_empty_dacl_is_neither_null_nor_absent_nor_cut() -> None:
    empty = SecurityDescriptor.parse(SecurityDescriptor(None, None, 0x8004, Acl.build(())).to_bytes())
    assert empty.dacl_is_empty and not empty.grants_everything and not empty.is_partial
    null = SecurityDescriptor(None, None, 0x8004, dacl_state="null")
    assert not null.dacl_is_empty and null.grants_everything
    one = SecurityDescriptor(None, None, 0x8004, Acl.build((Ace.build(0, 1, SYSTEM),)))
    assert not one.dacl_is_empty
    cut = SecurityDescriptor.parse(one.to_bytes()[:40])  # the ACE's last bytes are missing
    assert cut.is_partial and not cut.dacl_is_empty and cut.dacl is not None and cut.dacl.aces == ()


def test_a_damaged_sacl_makes_the_descriptor_partial_as_a_damaged_dacl_does() -> None:
    whole = Acl.build((Ace.build(0x11, 1, Sid(16, (0x1000,))),))
    torn = Acl.parse(whole.to_bytes()[:-4])  # the label's last sub-authority is missing
    assert torn.problem and torn.aces == ()
    for dacl, sacl, partial in ((whole, whole, False), (torn, whole, True), (whole, torn, True), (None, torn, True)):
        assert SecurityDescriptor(None, None, 0x8014, dacl, sacl).is_partial is partial
    # One ACE whose body does not hold its SID, in an ACL that is whole otherwise.
    bad = Acl.parse(b"\2\0\x10\0\1\0\0\0\x11\0\x08\0\1\0\0\0")
    assert not bad.problem and bad.aces[0].problem
    assert SecurityDescriptor(None, None, 0x8010, None, bad).is_partial


def test_an_owner_that_is_cut_off_is_unreadable_and_not_absent() -> None:
    whole = SecurityDescriptor(SYSTEM, None, 0x8000).to_bytes()
    cut = SecurityDescriptor.parse(whole[:-2])
    assert (cut.owner, cut.owner_state, cut.group_state) == (None, "unreadable", "absent")
    assert cut.is_partial and "owner" in cut.problem
    with pytest.raises(BadFormat):
        cut.to_bytes()


# winnt.h SE_* of SECURITY_DESCRIPTOR_CONTROL from bit 0 up; bits 6 and 7 are [MS-DTYP] 2.4.6's DT and SS.
CONTROL = (
    "OWNER_DEFAULTED GROUP_DEFAULTED DACL_PRESENT DACL_DEFAULTED SACL_PRESENT SACL_DEFAULTED DACL_TRUSTED SERVER_SECURITY "
    "DACL_AUTO_INHERIT_REQ SACL_AUTO_INHERIT_REQ DACL_AUTO_INHERITED SACL_AUTO_INHERITED DACL_PROTECTED SACL_PROTECTED "
    "RM_CONTROL_VALID SELF_RELATIVE"
).split()


def test_each_control_bit_has_its_word() -> None:
    for bit, word in enumerate(CONTROL):
        assert SecurityDescriptor(None, None, 1 << bit).control_words == (word,)
