"""Descriptor -> SDDL: Windows' spelling, and what SDDL cannot say."""

import pytest

from kdtoken.errors import BadFormat
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import ace_to_sddl, from_sddl, rights_text, to_sddl
from kdtoken.model.sddl.words import flags_text
from kdtoken.model.sid import Sid

SYSTEM = Sid(5, (18,))
DOMAIN = Sid.from_text("S-1-5-21-1111-2222-3333")


@pytest.mark.parametrize(
    "mask, text",
    [
        # Words of [MS-DTYP] 2.5.1.1, bits in the order in which Windows prints them.
        (0x1F01FF, "FA"),
        (0x120089, "FR"),
        (0x120116, "FW"),
        (0x1200A0, "FX"),
        (0xF003F, "KA"),
        (0x20019, "KR"),
        (0x20006, "KW"),
        (0x0, ""),
        (0x1FF, "CCDCLCSWRPWPDTLOCR"),
        (0xF01FF, "CCDCLCSWRPWPDTLOCRSDRCWDWO"),
        (0xE00F0000, "SDRCWDWOGXGWGR"),
        (0x10000000, "GA"),
        (0x401200A0, "0x401200a0"),  # SYNCHRONIZE has no letters
        (0x200, "0x200"),
    ],
)
def test_rights(mask: int, text: str) -> None:
    assert rights_text(mask) == text


def test_the_mask_of_a_label_is_its_policy() -> None:
    assert rights_text(0x3, 0x11) == "NWNR" and rights_text(0x9, 0x11) == "0x9"


def test_accounts_of_the_own_domain() -> None:
    seen = from_sddl("O:DAD:(A;;GA;;;LA)", DOMAIN)
    assert to_sddl(seen, domain=DOMAIN) == "O:DAD:(A;;GA;;;LA)"
    assert to_sddl(seen) == "O:S-1-5-21-1111-2222-3333-512D:(A;;GA;;;S-1-5-21-1111-2222-3333-500)"


def of(*aces: Ace) -> SecurityDescriptor:
    return SecurityDescriptor(None, None, 0x8004, Acl.build(aces))


def test_types_without_a_word_name_the_ace() -> None:
    for kind in (0x0C, 0x0E, 0x0F, 0x10):
        with pytest.raises(BadFormat, match="ACE 1 .*CALLBACK"):
            to_sddl(of(Ace.build(0, 1, SYSTEM), Ace.build(kind, 1, SYSTEM)))
    with pytest.raises(BadFormat, match="COMPOUND"):
        ace_to_sddl(Ace.parse(bytes([0x04, 0, 8, 0, 0, 0, 0, 0])))


def test_what_was_cut_is_not_written_as_whole() -> None:
    whole = of(Ace.build(0, 1, SYSTEM), Ace.build(0, 2, SYSTEM)).to_bytes()
    cut = SecurityDescriptor.parse(whole[:-4])
    with pytest.raises(BadFormat, match="not whole"):
        to_sddl(cut)
    unread = SecurityDescriptor(None, None, 0x8004, dacl_state="unreadable", problem="paged out")
    with pytest.raises(BadFormat, match="unreadable.*paged out"):
        to_sddl(unread)
    with pytest.raises(BadFormat, match='"O:" .*not said'):
        to_sddl(SecurityDescriptor(None, None, 0x8000, owner_state="not said"))


def test_an_ace_that_is_not_whole_says_why() -> None:
    odd = Ace.parse(bytes([0, 0, 6, 0, 1, 2]))  # two bytes, where the mask takes four
    with pytest.raises(BadFormat) as caught:
        ace_to_sddl(odd)
    assert caught.value.message == "the ACE is not whole: " + odd.problem and "2 bytes, 4 are needed" in odd.problem
    for mask, sid in ((None, SYSTEM), (1, None)):
        with pytest.raises(BadFormat, match="the ACE is not whole: no SID$"):
            ace_to_sddl(Ace(0, 0, b"", mask, sid))


def test_application_data_that_is_no_condition() -> None:
    with pytest.raises(BadFormat, match="no condition"):
        to_sddl(of(Ace.build(0x09, 1, SYSTEM, application_data=b"abcd")))
    with pytest.raises(BadFormat, match="no place"):
        to_sddl(of(Ace.build(0x00, 1, SYSTEM, application_data=b"abcd")))
    # An access filter needs no condition, and may be padded; of data that are no condition nothing is left out.
    with pytest.raises(BadFormat, match="no condition"):
        to_sddl(of(Ace.build(0x15, 1, SYSTEM, application_data=b"abcd")))
    with pytest.raises(BadFormat, match="no condition"):
        to_sddl(of(Ace.build(0x09, 1, SYSTEM, application_data=bytes(4))))
    for padding in (b"", bytes(4)):
        assert ace_to_sddl(Ace.build(0x15, 1, SYSTEM, application_data=padding)) == "(FL;;CC;;;SY)"


def test_bits_of_flags_by_type() -> None:
    """0x40 is SA for an audit ACE and TP for a filter; 0x20 is CR for an allowing one."""
    assert ace_to_sddl(Ace.build(0x02, 1, SYSTEM, 0x40)) == "(AU;SA;CC;;;SY)"
    assert ace_to_sddl(Ace.build(0x15, 1, SYSTEM, 0x40)) == "(FL;TP;CC;;;SY)"
    assert ace_to_sddl(Ace.build(0x00, 1, SYSTEM, 0x20)) == "(A;CR;CC;;;SY)"


# The forms that Chromium's base/win/security_descriptor_unittest.cc and access_control_list_unittest.cc expect of Windows
# (ConvertSecurityDescriptorToStringSecurityDescriptor), with SIDs of our own choice where theirs do not matter.
@pytest.mark.parametrize(
    "text",
    [
        "",
        "O:BU",
        "G:SY",
        "D:",
        "D:NO_ACCESS_CONTROL",
        "D:(A;;GA;;;BU)",
        "D:P(A;;GA;;;BU)",
        "D:P(A;;FA;;;BU)",
        "D:P(A;OICI;FA;;;BU)",
        "D:(A;ID;FA;;;BU)",
        "D:(D;;FX;;;BU)(A;;GA;;;SY)",
        "D:(D;OICI;DC;;;BU)(A;;0x1f0003;;;SY)",
        "D:(A;;RC;;;BU)",
        "D:(A;;DCRC;;;BU)",
        "S:P",
        "S:(ML;;;;;SI)",
        "S:P(ML;;;;;SI)",
        "S:(ML;;;;;S-1-16-0)",
        "S:(ML;OICI;;;;SI)",
        "S:(ML;;NW;;;ME)",
        "S:(ML;OICI;NW;;;ME)",
        "S:(ML;;NWNRNX;;;SI)",
        "S:(ML;OICI;NWNRNX;;;SI)",
        "O:BUG:SYD:P(A;;GA;;;BU)S:P(ML;;;;;SI)",
    ],
)
def test_what_windows_writes_is_written_again(text: str) -> None:
    assert to_sddl(from_sddl(text)) == text


@pytest.mark.parametrize(
    "mask, text",
    [
        # winnt.h: PROCESS_TERMINATE 1, PROCESS_VM_READ 0x10; CC and RP are a directory object's words for them.
        (0x1, "TERMINATE"),
        (0x10, "VM_READ"),
        (0x20000, "RC"),
        (0x10000000, "GA"),
    ],
)
def test_the_type_s_own_words_for_specific_rights(mask: int, text: str) -> None:
    process = documented_type("process")
    assert ace_to_sddl(Ace.build(0, mask, SYSTEM), process) == "(A;;%s;;;SY)" % text
    assert from_sddl("D:(A;;%s;;;SY)" % text, object_type=process).dacl == Acl.build((Ace.build(0, mask, SYSTEM),))


@pytest.mark.parametrize(
    "kind, mask, text",
    [
        # winnt.h; SDDL's own words for the same bits are those of a directory's object: LO 0x80, CR 0x100.
        ("process", 0x80, "CREATE_PROCESS"),
        ("process", 0x100, "SET_QUOTA"),
        ("process", 0x200, "SET_INFORMATION"),  # from here on SDDL has no word
        ("process", 0x1000, "QUERY_LIMITED_INFORMATION"),
        ("process", 0x20100, "READ_CONTROL|SET_QUOTA"),
        ("process", 0x8000, "0x8000"),  # no right of a process
        ("token", 0x100, "ADJUST_SESSIONID"),
        ("file", 0x100, "WRITE_ATTRIBUTES"),
        ("thread", 0x100, "IMPERSONATE"),
        ("file", 0x1F01FF, "ALL_ACCESS"),
        # Only generic and standard rights: SDDL's words mean them on every type.
        ("process", 0x30000, "SDRC"),
        ("file", 0xC0000, "WDWO"),
        ("key", 0xF0000000, "GAGXGWGR"),
        ("file", 0x110000, "SYNCHRONIZE|DELETE"),  # SDDL has no word for SYNCHRONIZE
    ],
)
def test_the_words_of_each_bit_of_a_type(kind: str, mask: int, text: str) -> None:
    of_type, ace = documented_type(kind), Ace.build(0, mask, SYSTEM)
    assert ace_to_sddl(ace, of_type) == "(A;;%s;;;SY)" % text
    assert from_sddl("D:(A;;%s;;;SY)" % text, object_type=of_type).dacl == Acl.build((ace,))


def test_a_label_s_policy_is_in_no_type_s_words() -> None:
    """Its mask is NO_WRITE_UP 1, NO_READ_UP 2, NO_EXECUTE_UP 4 of winnt.h, whatever object it is on."""
    process = documented_type("process")
    for text in ("S:(ML;;NW;;;HI)", "S:(ML;;NWNRNX;;;HI)", "S:(ML;;0x9;;;HI)"):
        assert to_sddl(from_sddl(text, object_type=process), process) == text
    with pytest.raises(BadFormat, match="column 8: expected rights"):
        from_sddl("S:(ML;;VM_READ;;;HI)", object_type=process)


@pytest.mark.parametrize(
    "flags, ace_type, text",
    [
        (0x20, 0x00, "CR"),  # winnt.h CRITICAL_ACE_FLAG: of ACEs that allow (ACCESS_ALLOWED_ACE_TYPE)
        (0x20, 0x05, "CR"),  # ACCESS_ALLOWED_OBJECT_ACE_TYPE
        (0x20, 0x09, "CR"),  # ACCESS_ALLOWED_CALLBACK_ACE_TYPE
        (0x20, 0x01, ""),  # ACCESS_DENIED_ACE_TYPE
        (0x20, 0x06, ""),  # ACCESS_DENIED_OBJECT_ACE_TYPE
        (0x20, 0x0A, ""),  # ACCESS_DENIED_CALLBACK_ACE_TYPE
        (0x20, 0x02, ""),  # SYSTEM_AUDIT_ACE_TYPE
        (0x23, 0x01, "OICI"),
    ],
)
def test_critical_is_said_of_what_allows(flags: int, ace_type: int, text: str) -> None:
    assert flags_text(flags, ace_type) == text
