"""SDDL -> descriptor.

Bytes that were not made by us: fixtures/sddl/pairs.json (texts of our own, bytes by Samba 4.22), the example of [MS-DTYP]
2.5.1.4, and ACEs written out by hand from winnt.h.
"""

import json
from pathlib import Path
from typing import Any, List, Optional
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.model.acl import Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl, to_sddl
from kdtoken.model.sddl.words import ACE_WORDS, FLAG_WORDS
from kdtoken.model.sid import Sid
from kdtoken.model.sid_aliases import ALIASES, DOMAIN_ALIASES, alias_of_sid, sid_of_alias
from tests.examples import examples
from tests.over import over

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "sddl"
PAIRS: List[Any] = json.loads((FIXTURES / "pairs.json").read_text(encoding="utf-8"))
DOMAIN = Sid.from_text("S-1-5-21-1111-2222-3333")  # the one that the pairs were made with


def hexes(acl: Optional[Acl]) -> Optional[List[str]]:
    """The ACEs' bytes in hex; None where there is no ACL."""
    return None if acl is None else [ace.raw.hex() for ace in acl.aces]


def hex_of(sid: Optional[Sid]) -> Optional[str]:
    return None if sid is None else sid.to_bytes().hex()


@over([tuple(row) for row in PAIRS], lambda text, *_: text)
def test_as_samba_reads_it(text: str, control: int, owner: str, group: str, dacl: List[str], sacl: List[str]) -> None:
    seen = from_sddl(text, DOMAIN)
    assert seen.control == control
    assert (hex_of(seen.owner), hex_of(seen.group)) == (owner, group)
    assert (hexes(seen.dacl), hexes(seen.sacl)) == (dacl, sacl)
    # What is written of it stands for the same bytes.
    again = to_sddl(seen)
    assert from_sddl(again).to_bytes() == seen.to_bytes()
    assert to_sddl(from_sddl(again)) == again


def test_there_are_enough_pairs() -> None:
    kinds = "".join(row[0] for row in PAIRS)
    assert len(PAIRS) >= 300 and all(
        kinds.count("(" + kind) > 10 for kind in ("A;", "D;", "OA", "OU", "XA", "XU", "RA")
    )


# [MS-DTYP] 2.5.1.4, both columns.
EXAMPLE = "O:BAG:BAD:P(A;CIOI;GRGX;;;BU)(A;CIOI;GA;;;BA)(A;CIOI;GA;;;SY)(A;CIOI;GA;;;CO)S:P(AU;FA;GR;;;WD)"
EXAMPLE_BYTES = bytes.fromhex(
    "010014b090000000a000000014000000300000000200"  # header; SACL
    "1c000100000002801400000000800101000000000001"
    "0000000002006000040000000003180000"  # DACL of 0x60 bytes, 4 ACEs
    "0000a00102000000000005200000002102000000031800000000100102000000000005"
    "2000000020020000000314000000001001010000000000051200000000031400"
    "00000010010100000000000300000000"
    "01020000000000052000000020020000"  # owner
    "01020000000000052000000020020000"  # group
)


def test_the_example_of_the_specification() -> None:
    assert from_sddl(EXAMPLE).to_bytes() == EXAMPLE_BYTES
    seen = SecurityDescriptor.parse(EXAMPLE_BYTES)
    # Windows writes flags and rights in its own order.
    expected = "O:BAG:BAD:P(A;OICI;GXGR;;;BU)(A;OICI;GA;;;BA)(A;OICI;GA;;;SY)(A;OICI;GA;;;CO)S:P(AU;FA;GR;;;WD)"
    assert to_sddl(seen) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        # ACE_HEADER (type, flags, size), mask, SID, by hand from winnt.h.
        ("S:(ML;;NW;;;HI)", "11 00 1400 01000000 0101000000000010 00300000"),
        ("S:(ML;OICI;NWNRNX;;;LW)", "11 03 1400 07000000 0101000000000010 00100000"),
        ("S:(TL;;0x1000;;;S-1-19-512-4096)", "14 00 1800 00100000 0102000000000013 00020000 00100000"),
        ("S:(SP;;;;;S-1-17-1)", "13 00 1400 00000000 0101000000000011 01000000"),
        ("S:(FL;TP;FR;;;WD)", "15 40 1400 89001200 0101000000000001 00000000"),
        ("D:(A;CR;GA;;;SY)", "00 20 1400 00000010 0101000000000005 12000000"),
        ("S:(AL;SA;GR;;;WD)", "03 40 1400 00000080 0101000000000001 00000000"),
        (
            "S:(OL;;CR;00299570-246d-11d0-a768-00aa006e0529;;WD)",  # ObjectFlags 1, the GUID's first parts little-endian
            "08 00 2800 00010000 01000000 709529006d24d011a76800aa006e0529 0101000000000001 00000000",
        ),
    ],
)
def test_types_that_few_readers_know(text: str, expected: str) -> None:
    seen = from_sddl(text)
    acl = seen.dacl or seen.sacl
    assert acl is not None and hexes(acl) == [expected.replace(" ", "")]
    assert to_sddl(seen) == text


@pytest.mark.parametrize(
    "word, mask",
    [
        # Hexadecimal with either letter, octal behind a 0, else decimal, as strtoul has them.
        ("0x1f", 0x1F),
        ("0X1F", 0x1F),
        ("0xaB", 0xAB),
        ("0Xffffffff", 0xFFFFFFFF),
        ("017", 0o17),
        ("00", 0),
        ("0", 0),
        ("17", 17),
        ("4294967295", 0xFFFFFFFF),
        ("037777777777", 0xFFFFFFFF),
    ],
)
def test_rights_as_a_number(word: str, mask: int) -> None:
    dacl = from_sddl("D:(A;;%s;;;SY)" % word).dacl
    assert dacl is not None and dacl.aces[0].mask == mask


def test_a_filter_with_a_condition() -> None:
    text = 'S:(FL;;FR;;;WD;(@USER.Title == "PM"))'
    sacl = from_sddl(text).sacl
    assert sacl is not None and sacl.aces[0].application_data.startswith(b"artx")
    assert to_sddl(from_sddl(text)) == text


def test_null_empty_and_absent_lists() -> None:
    null = from_sddl("O:SYD:NO_ACCESS_CONTROL")
    assert (null.dacl, null.dacl_state, null.sacl_state) == (None, "null", "absent")
    assert to_sddl(null) == "O:SYD:NO_ACCESS_CONTROL"
    assert SecurityDescriptor.parse(null.to_bytes()).dacl_state == "null"
    empty = from_sddl("D:")
    assert empty.dacl_is_empty and to_sddl(empty) == "D:"
    assert from_sddl("").dacl_state == "absent" and to_sddl(from_sddl("")) == ""
    assert to_sddl(from_sddl("D:PARAINO_ACCESS_CONTROL")) == "D:PARAINO_ACCESS_CONTROL"


def test_flags_and_the_next_part_are_told_apart() -> None:
    assert to_sddl(from_sddl("D:PS:")) == "D:PS:"
    seen = from_sddl("D:PARAIS:PAR")
    assert seen.control == 0x8000 | 0x4 | 0x10 | 0x1000 | 0x100 | 0x400 | 0x2000 | 0x200


def test_an_acl_is_no_longer_than_its_size_field_can_say() -> None:
    """AclSize has 16 bits; an ACE of SYSTEM has 20 bytes, the header 8: 3276 of them make 65528."""
    seen = from_sddl("D:" + "(A;;GA;;;SY)" * 3276)
    assert seen.dacl is not None and len(seen.dacl.aces) == 3276
    with pytest.raises(BadFormat, match=r"column 39327: .*65548 bytes"):
        from_sddl("D:" + "(A;;GA;;;SY)" * 3277)


def test_an_ace_is_no_longer_than_its_size_field_can_say() -> None:
    """AceSize has 16 bits; a string of 40,000 characters has 80,000 bytes: the error names the column of the ACE."""
    text = 'D:(A;;GA;;;SY)(XA;;GA;;;SY;(@User.a == "%s"))' % ("x" * 40000)
    with pytest.raises(BadFormat) as caught:
        from_sddl(text)
    # 4 of header, 4 of mask, 12 of SID, 4 of "artx", 5 + 2 of the attribute, 5 + 80000 of the string, 1 of ==: 80037
    assert caught.value.message == "SDDL, column 15: the ACE would have 80040 bytes, more than AceSize can say"


@pytest.mark.parametrize(
    "text, an_ace",
    [("x", False), ("(A;;GA;;;SY)", False), ("O:SY x", False), ("D:x", True), ("O:SYS:(AU;;GA;;;SY)x", True)],
)
def test_an_ace_is_proposed_where_one_could_stand(text: str, an_ace: bool) -> None:
    with pytest.raises(BadFormat) as caught:
        from_sddl(text)
    assert ('or an ACE "("' in caught.value.message) is an_ace, caught.value.message


# --- what a person gets wrong


@pytest.mark.parametrize(
    "text, column, words",
    [
        ("Q:SY", 1, '"O:"'),
        ("d:(A;;GA;;;SY)", 1, '"D:"'),
        ("O:", 3, "a SID"),
        ("O:XX", 3, "no alias"),
        ("O:S-2-5-18", 3, "is not the text of a SID"),
        ("O:SYO:BA", 5, "only one"),
        ("D:(B;;GA;;;SY)", 4, "an ACE type"),
        ("D:(A,;GA;;;SY)", 5, '";" after the ACE\'s type'),
        ("D:(A;QQ;GA;;;SY)", 6, "an ACE flag"),
        ("D:(A;;GAQQ;;;SY)", 9, "rights"),
        ("D:(A;;0x1ffffffff;;;SY)", 7, "32 bits"),
        ("D:(A;;089;;;SY)", 7, "octal"),
        ("D:(A;;-2;;;SY)", 7, '";"'),
        ("D:(A;;NW;;;SY)", 7, "rights"),
        ("D:(A;;GA;x;;SY)", 10, "GUID"),
        ("D:(A;;GA;00299570-246d-11d0-a768-00aa006e0529;;SY)", 10, "only object ACEs"),
        ("D:(A;;GA;;;SY", 14, '")"'),
        ("D:(A;;GA;;;SY;)", 14, '")"'),
        ("D:(XA;;GA;;;SY)", 15, "condition"),
        ("D:(XA;;GA;;;SY;)", 16, "condition"),
        ("D:(XA;;GA;;;SY;(@User.a == ))", 28, "a number"),
        ("S:(RA;;;;;WD;)", 14, "resource attribute"),
        ('S:(RA;;;;;WD;("a",QQ,0,1))', 19, "the type of its values"),
        ("D:(A;;GA;;;SY)x", 15, 'ACE "("'),
        ("D:(A;;GA;;;S-1-5-21-4294967296-1)", 12, "32 bits"),
        ("D:P:(A;;GA;;;SY)", 3, '"O:"'),  # a flag is no part
        ("D:AI:(A;;GA;;;SY)", 3, '"O:"'),
    ],
)
def test_errors_say_the_column_and_what_was_expected(text: str, column: int, words: str) -> None:
    with pytest.raises(BadFormat) as caught:
        from_sddl(text)
    assert "column %d:" % column in caught.value.message, caught.value.message
    assert words in caught.value.message, caught.value.message
    assert caught.value.subject == text


def test_an_account_of_a_domain_that_nobody_named() -> None:
    with pytest.raises(BadFormat) as caught:
        from_sddl("O:DA")
    assert "column 3" in caught.value.message and "RID 512" in caught.value.message
    assert "S-1-5-21-...-512" in caught.value.next_step
    assert from_sddl("O:DA", DOMAIN).owner == Sid.from_text("S-1-5-21-1111-2222-3333-512")


def test_what_windows_would_silently_change_is_an_error() -> None:
    """It reads 0x123456789 as 0xffffffff, and S-0x1-... as some SID."""
    for text in ("D:(A;;0x123456789;;;SY)", "O:S-0x1-20-0-579", "D:(A;;GA;;;S-1-3-4294967296)"):
        with pytest.raises(BadFormat):
            from_sddl(text)


@pytest.mark.parametrize(
    "text",
    # Windows takes these; who pastes one should not have to clean it.
    [
        " O:BA ",
        "D: (A;;GA;;;SY)",
        "D:(a;;ga;;;sy)",
        "D:(A;;GA;;; SY)",
        "D:(A;;GA;;;SY )",
        "D:(A; ;GA;;;SY)",
        "D: ( A ;;GA;;;SY)",
        "D:(A;;GA; ;;SY)",
        "D:(A;;GA;; ;SY)",
        "D:P (A;;GA;;;SY) (A;;GA;;;BA)",
    ],
)
def test_spaces_and_letter_case_as_windows_takes_them(text: str) -> None:
    assert to_sddl(from_sddl(text)).replace("P", "").startswith(("O:BA", "D:(A;;GA;;;SY)"))


@pytest.mark.parametrize(
    "text, flags, mask",
    [
        # Samba's lists of what Windows was seen to take have spaces between rights (windows/non_canonical.txt) and before
        # flags and rights (data/conditional_aces_windows_only.txt); behind flags they are taken here as well.
        ("D:(A;;GR GW;;;SY)", 0, 0xC0000000),
        ("D:(A;;GR  GW GX;;;SY)", 0, 0xE0000000),
        ("D:(A;OICI ;GA;;;SY)", 0x3, 0x10000000),
        ("D:(A; OICI; GRGWGX;;;SY)", 0x3, 0xE0000000),
    ],
)
def test_spaces_between_rights_and_around_flags(text: str, flags: int, mask: int) -> None:
    dacl = from_sddl(text).dacl
    assert dacl is not None and [(ace.flags, ace.mask) for ace in dacl.aces] == [(flags, mask)]


@pytest.mark.parametrize(
    "text",
    [
        "D:(A;;GA ;;;SY)",
        "D:(A;;0x1 ;;;SY)",
        "D:(A;;GA;;;S-1-5-18 )",
        "D:(A;;RP LCLOR C;;;SY)",
        "D:(A;;RP LC\tLORC;;;SY)",
    ],
)
def test_spaces_that_windows_does_not_take(text: str) -> None:
    with pytest.raises(BadFormat):
        from_sddl(text)


def test_a_sid_whose_last_number_runs_into_the_dacl() -> None:
    """0x2D: is 0x2 and then D:, for what else could the colon be."""
    seen = from_sddl("O:S-1-5-0x2D:(A;;GA;;;SY)")
    assert seen.owner == Sid(5, (2,)) and seen.dacl is not None


def test_rights_by_the_names_of_a_type() -> None:
    process = documented_type("process")
    seen = from_sddl("D:(A;;VM_READ|QUERY_INFORMATION;;;SY)", object_type=process)
    assert seen.dacl is not None and seen.dacl.aces[0].mask == 0x410
    assert to_sddl(seen) == "D:(A;;0x410;;;SY)"
    assert to_sddl(seen, process) == "D:(A;;QUERY_INFORMATION|VM_READ;;;SY)" or "VM_READ" in to_sddl(seen, process)
    assert from_sddl(to_sddl(seen, process), object_type=process) == seen
    with pytest.raises(BadFormat, match="column 7: .*no access right"):
        from_sddl("D:(A;;VM_NOPE|VM_READ;;;SY)", object_type=process)


# --- aliases


def test_every_alias_both_ways() -> None:
    for name, sid in ALIASES.items():
        assert sid_of_alias(name) == sid_of_alias(name.lower()) == sid
        assert alias_of_sid(sid) == name
    for name, rid in DOMAIN_ALIASES.items():
        sid = Sid(5, (21, 1111, 2222, 3333, rid))
        assert sid_of_alias(name, DOMAIN) == sid
        assert alias_of_sid(sid, DOMAIN) == name
        assert alias_of_sid(sid) == str(sid)


def test_no_two_aliases_are_one() -> None:
    assert len(set(ALIASES.values())) == len(ALIASES) and len(set(DOMAIN_ALIASES.values())) == len(DOMAIN_ALIASES)
    assert not set(ALIASES) & set(DOMAIN_ALIASES)


# [MS-DTYP] 2.5.1.1 and 2.4.2.4, and Samba's table (libcli/security/sddl.c, security.idl); HO and SH are on Microsoft's page
# "SID Strings" and in sddl.h only.
FIXED = (
    "WD 1-0 CO 3-0 CG 3-1 OW 3-4 NU 5-2 IU 5-4 SU 5-6 AN 5-7 ED 5-9 PS 5-10 AU 5-11 RC 5-12 SY 5-18 LS 5-19 NS 5-20 WR 5-33 "
    "BA 5-32-544 BU 5-32-545 BG 5-32-546 PU 5-32-547 AO 5-32-548 SO 5-32-549 PO 5-32-550 BO 5-32-551 RE 5-32-552 "
    "RU 5-32-554 RD 5-32-555 NO 5-32-556 MU 5-32-558 LU 5-32-559 IS 5-32-568 CY 5-32-569 ER 5-32-573 CD 5-32-574 "
    "RA 5-32-575 ES 5-32-576 MS 5-32-577 HA 5-32-578 AA 5-32-579 RM 5-32-580 HO 5-32-584 SH 5-32-585 "
    "UD 5-84-0-0-0-0-0 AC 15-2-1 LW 16-4096 ME 16-8192 MP 16-8448 HI 16-12288 SI 16-16384 AS 18-1 SS 18-2"
).split()
OF_A_DOMAIN = (
    "RO 498 LA 500 LG 501 DA 512 DU 513 DG 514 DC 515 DD 516 CA 517 SA 518 EA 519 PA 520 CN 522 AP 525 KA 526 EK 527 RS 553"
).split()


def test_each_alias_is_the_specifications() -> None:
    assert {name: str(sid) for name, sid in ALIASES.items()} == {
        name: "S-1-" + rest for name, rest in zip(FIXED[::2], FIXED[1::2])
    }
    assert DOMAIN_ALIASES == {name: int(rid) for name, rid in zip(OF_A_DOMAIN[::2], OF_A_DOMAIN[1::2])}


def test_an_alias_of_a_domain_that_nobody_named_says_what_to_write() -> None:
    with pytest.raises(BadFormat, match="DA stands for RID 512 of a domain or machine") as caught:
        sid_of_alias("da")
    assert caught.value.next_step == (
        "write the whole SID (S-1-5-21-...-512), or give the SID of the domain or machine"
    )


# The whole list of [MS-DTYP] 2.5.1.1.
SPECIFIED = (
    "DA DG DU ED DD DC BA BG BU LA LG AO BO PO SO AU PS CO CG SY PU WD RE IU NU SU RC WR AN SA CA RS EA PA RU LS NS RD "
    "NO MU LU IS CY OW ER RO CD AC RA ES MS UD HA CN AA RM LW ME MP HI SI"
)


def test_the_specification_has_no_alias_that_we_lack() -> None:
    for name in SPECIFIED.split():
        assert sid_of_alias(name, DOMAIN)


# --- words

# [MS-DTYP] 2.5.1.1 ace-type, with the number of winnt.h; TL, FL and the alarms are in sddl.h only.
OF_TYPES = "A 0 D 1 AU 2 AL 3 OA 5 OD 6 OU 7 OL 8 XA 9 XD 10 ZA 11 XU 13 ML 17 RA 18 SP 19 TL 20 FL 21".split()
# Rights of any object, of files and of keys, in hexadecimal; LEARN, "ACE Strings", and winnt.h.
OF_RIGHTS = (
    "CC 1 DC 2 LC 4 SW 8 RP 10 WP 20 DT 40 LO 80 CR 100 SD 10000 RC 20000 WD 40000 WO 80000 GA 10000000 GX 20000000 "
    "GW 40000000 GR 80000000 FA 1F01FF FR 120089 FW 120116 FX 1200A0 KA F003F KR 20019 KW 20006 KX 20019"
).split()
OF_FLAGS = "OI 1 CI 2 NP 4 IO 8 ID 10 SA 40 FA 80 TP 40 CR 20".split()


def test_each_word_is_the_specifications() -> None:
    assert ACE_WORDS == {word: int(number) for word, number in zip(OF_TYPES[::2], OF_TYPES[1::2])}
    for word, number in zip(OF_RIGHTS[::2], OF_RIGHTS[1::2]):
        dacl = from_sddl("D:(A;;%s;;;WD)" % word).dacl
        assert dacl is not None and dacl.aces[0].mask == int(number, 16), word
    assert dict(FLAG_WORDS) == {word: int(number, 16) for word, number in zip(OF_FLAGS[::2], OF_FLAGS[1::2])}
    for word, policy in (("NW", 1), ("NR", 2), ("NX", 4)):  # winnt.h SYSTEM_MANDATORY_LABEL_NO_WRITE_UP and following
        sacl = from_sddl("S:(ML;;%s;;;ME)" % word).sacl
        assert sacl is not None and sacl.aces[0].mask == policy


# --- laws


@settings(max_examples=examples(200), deadline=None)
@given(st.text(alphabet='DOGSAXRA:;()PI"@.=!&|{}#0123456789abc SYBAxML,', max_size=60))
def test_any_text_is_read_or_refused_with_a_column(text: str) -> None:
    try:
        seen = from_sddl(text)
    except BadFormat as error:
        assert "column" in error.message
        return
    assert from_sddl(to_sddl(seen)) == seen


RIGHTS = st.integers(0, 0xFFFFFFFF)
SIDS = st.builds(
    lambda authority, numbers: Sid(authority, tuple(numbers)),
    st.sampled_from([0, 1, 5, 15, 16, 1 << 33]),
    st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=15),
)


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("AD"), RIGHTS, SIDS, st.integers(0, 31)), max_size=6),
    st.none() | SIDS,
    st.integers(0, 7),
)
def test_every_plain_descriptor_comes_back(aces: List[Any], owner: Optional[Sid], flags: int) -> None:
    from kdtoken.model.acl import Ace

    built = [Ace.build("AD".index(kind), mask, sid, ace_flags) for kind, mask, sid, ace_flags in aces]
    control = 0x8004 | sum(bit for index, bit in enumerate((0x1000, 0x100, 0x400)) if flags >> index & 1)
    descriptor = SecurityDescriptor(owner, None, control, Acl.build(tuple(built)))
    assert from_sddl(to_sddl(descriptor)) == descriptor


def test_guids_keep_their_order() -> None:
    seen = from_sddl("D:(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;WD)")
    assert seen.dacl is not None
    ace = seen.dacl.aces[0]
    assert ace.object_type == UUID("00299570-246d-11d0-a768-00aa006e0529")
    assert ace.inherited_object_type == UUID("bf967aba-0de6-11d0-a285-00aa003049e2")
    assert seen.dacl.revision == 4
