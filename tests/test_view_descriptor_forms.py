"""Each form of a descriptor's text at its edges: where one ends, what is doubted, what is left over."""

from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.sid import Sid
from kdtoken.view.descriptor import DescriptorText, PartialDescriptor, read_descriptor_bytes, read_descriptor_text
from kdtoken.view.descriptor.icacls import IcaclsDescriptors
from kdtoken.view.descriptor.partial import told_ace, told_acl
from kdtoken.view.lines import Line

SYSTEM, ADMINS, ANNA = Sid(5, (18,)), Sid(5, (32, 544)), Sid.from_text("S-1-5-21-1-2-3-1001")


def one(text: str) -> PartialDescriptor:
    (found,) = read_descriptor_text(text).descriptors
    return found


def left(found: DescriptorText) -> List[int]:
    return [line.number for line in found.not_understood]


def dacl(found: PartialDescriptor) -> List[Tuple[int, int, Any, Optional[Sid]]]:
    assert found.descriptor.dacl is not None
    return [(ace.type, ace.flags, ace.mask, ace.sid) for ace in found.descriptor.dacl.aces]


def problems(found: PartialDescriptor) -> List[str]:
    assert found.descriptor.dacl is not None
    return [ace.problem for ace in found.descriptor.dacl.aces]


# --- an ACE and a list of them


def test_an_ace_of_which_something_is_not_told_has_no_bytes_and_says_why() -> None:
    whole = told_ace(0, 1, SYSTEM, 2)
    assert (whole.type, whole.flags, whole.mask, whole.sid, whole.problem) == (0, 2, 1, SYSTEM, "")
    assert whole.size == 8 + 12  # header and mask, SID of one number
    for mask, sid in ((None, SYSTEM), (1, None)):
        made = told_ace(0, mask, sid, 2)
        assert (made.mask, made.sid, made.problem, made.raw) == (
            mask,
            sid,
            "the text does not tell its SID or mask",
            b"",
        )
    assert told_ace(0, 1, SYSTEM, 0, "odd").problem == "odd"
    # [MS-DTYP] 2.4.4: callback types 9 to 0x10, object types 5 to 8, resource attribute 0x12.
    for kind in (0x9, 0xA, 0xD, 0x12):
        assert told_ace(kind, 1, SYSTEM, 0).problem == "the text does not show its condition or attribute"
        assert told_ace(kind, 1, SYSTEM, 0, "odd").problem == "odd"
    for kind in (5, 6, 7):
        assert told_ace(kind, 1, SYSTEM, 0).problem == "the text does not show which object types it is for"
        assert told_ace(kind, 1, SYSTEM, 0, "odd").problem == "odd"


def test_an_acl_has_the_revision_that_its_aces_need_and_says_what_is_missing() -> None:
    """ACL_REVISION is 2, ACL_REVISION_DS 4 as soon as one ACE is of an object ([MS-DTYP] 2.4.5)."""
    plain, of_object = told_ace(0, 1, SYSTEM, 0), told_ace(5, 1, SYSTEM, 0)
    assert (
        told_acl([plain]).revision == 2 and told_acl([plain, of_object]).revision == 4 == told_acl([of_object]).revision
    )
    assert told_acl([of_object], 2).revision == 2 and told_acl([]).revision == 2
    assert told_acl([plain, plain]).size == 8 + 40
    assert told_acl([plain]).problem == "" == told_acl([plain], 0, 1).problem
    assert told_acl([plain], 0, 3).problem == "3 ACEs, of which 1 are in the text"
    assert told_acl([plain], 0, 0).problem == "0 ACEs, of which 1 are in the text"


# --- !sd and !acl


def ace(index: int, *members: str, part: str = "Dacl") -> str:
    return "".join("->%s    : ->Ace[%d]: ->%s\n" % (part, index, member) for member in members)


ALLOW = ("AceType: ACCESS_ALLOWED_ACE_TYPE", "AceFlags: 0x0", "AceSize: 0x14", "Mask : 0x00000001", "SID: S-1-5-18")
HEAD = "->Revision: 0x1\n->Sbz1    : 0x0\n->Control : 0x%x\n"


def test_control_of_a_text_that_tells_none_is_what_its_lists_say() -> None:
    """SE_SELF_RELATIVE 0x8000, SE_DACL_PRESENT 4, SE_SACL_PRESENT 0x10 ([MS-DTYP] 2.4.6)."""
    label = ace(0, "AceType: SYSTEM_MANDATORY_LABEL_ACE_TYPE", "AceFlags: 0x0", "Mask : 1", part="Sacl")
    assert one("->Owner   : S-1-5-18\n").descriptor.control == 0x8000
    assert one("->Owner   : S-1-5-18\n" + ace(0, *ALLOW)).descriptor.control == 0x8004
    assert one("->Owner   : S-1-5-18\n" + label).descriptor.control == 0x8010
    assert one(HEAD % 0x8804 + ace(0, *ALLOW)).descriptor.control == 0x8804
    found = read_descriptor_text("->Control : none\n->Owner   : S-1-5-18\n")
    assert left(found) == [1] and found.descriptors[0].descriptor.control == 0x8000


@pytest.mark.parametrize(
    ("control", "is_null", "state"),
    [(0x8004, "Dacl", "null"), (0x8000, "Dacl", "absent"), (0x8010, "Sacl", "null"), (0x8004, "Sacl", "absent")],
)
def test_a_list_that_is_null_is_a_null_one_where_control_says_it_is_there(
    control: int, is_null: str, state: str
) -> None:
    found = one(HEAD % control + "->%s    :  is NULL\n" % is_null).descriptor
    assert (found.dacl_state, found.sacl_state) == ((state, "not said") if is_null == "Dacl" else ("not said", state))
    # Nor do lines of decoration, or those in which somebody says that he left some out.
    for other in ("-----", "(snip)", "..."):
        assert left(read_descriptor_text("->Owner   : S-1-5-18\n%s\n->Group   : S-1-5-18\n" % other)) == []
    assert left(read_descriptor_text("->Owner   : S-1-5-18\nother words\n->Group   : S-1-5-18\n")) == [2]
    # A heading alone says nothing of it, whatever blanks are behind.
    for blanks in ("", " ", "   "):
        assert left(read_descriptor_text("->Owner   : S-1-5-18\n->%s    :%s\n" % (is_null, blanks))) == []
    # Without Control nobody knows; and ACEs below it are more than the word.
    alone = one("->Owner   : S-1-5-18\n->Dacl    :  is NULL\n").descriptor
    assert alone.dacl_state == "absent"
    both = one(HEAD % control + "->Dacl    :  is NULL\n" + ace(0, *ALLOW)).descriptor
    assert both.dacl_state == "present"


def test_words_of_control_that_its_number_does_not_have_are_left_over() -> None:
    assert (
        left(read_descriptor_text(HEAD % 0x8004 + "            SE_DACL_PRESENT\n            SE_SELF_RELATIVE\n")) == []
    )
    assert left(read_descriptor_text(HEAD % 0x8004 + "            SE_SACL_PRESENT\n            SE_OTHER\n")) == [4, 5]
    assert left(read_descriptor_text("->Owner   : S-1-5-18\n            SE_SACL_PRESENT\n")) == []
    with pytest.raises(BadFormat):  # of nothing
        read_descriptor_text("            SE_DACL_PRESENT\n")


def test_an_owner_that_is_no_sid_is_unreadable_and_kept_as_the_problem() -> None:
    found = read_descriptor_text("->Owner   : S-1-5-z\n->Group   : S-1-5-18\n->Dacl    :  is NULL\n")
    made = found.descriptors[0].descriptor
    assert (made.owner, made.owner_state, made.group, made.group_state) == (None, "unreadable", SYSTEM, "present")
    assert made.problem == "Owner: S-1-5-z" and left(found) == [1]
    assert one("->Owner   : S-1-5-18\n").descriptor.group_state == "not said"


@pytest.mark.parametrize(
    ("member", "instead", "index", "problem"),
    [
        ("Mask : 0x00000001", "Mask : many", 4, "the text does not tell its SID or mask"),
        ("SID: S-1-5-18", "SID: S-1-5-z", 5, "the text does not tell its SID or mask"),
        ("AceType: ACCESS_ALLOWED_ACE_TYPE", "AceType: of some kind", 1, "the text does not tell its type"),
        ("AceSize: 0x14", "AceSize: 0x18", None, "AceSize is 24, what the text tells of it takes 20"),
        ("AceFlags: 0x0", "AceFlags: none", 2, ""),
        ("AceSize: 0x14", "AceSizes of old", 3, "a line of it is not understood: ->AceSizes of old"),
    ],
)
def test_a_member_of_an_ace_that_is_not_understood(
    member: str, instead: str, index: Optional[int], problem: str
) -> None:
    text = "->Owner   : S-1-5-18\n" + ace(0, *(instead if one == member else one for one in ALLOW))
    found = read_descriptor_text(text)
    assert left(found) == ([] if index is None else [index + 1])
    assert problems(found.descriptors[0]) == [problem]


def test_the_type_of_an_ace_as_a_number() -> None:
    text = "->Owner   : S-1-5-18\n" + ace(0, "AceType: 0x1", *ALLOW[1:])
    assert dacl(one(text)) == [(1, 0, 1, SYSTEM)]
    # Flags in words stand below their number, which says it all.
    text = "->Owner   : S-1-5-18\n" + ace(0, *ALLOW[:1], "AceFlags: 0x13") + "->Dacl    : ->Ace[0]:   INHERITED_ACE\n"
    assert dacl(one(text + ace(0, *ALLOW[2:]))) == [(0, 0x13, 1, SYSTEM)] and left(read_descriptor_text(text)) == []


@pytest.mark.parametrize("indexes, whole", [((0, 1), True), ((0, 2), False), ((1, 2), False)])
def test_a_number_that_is_left_out_marks_the_list(indexes: Tuple[int, int], whole: bool) -> None:
    text = "->Owner   : S-1-5-18\n" + "".join(ace(index, *ALLOW) for index in indexes)
    made = one(text).descriptor.dacl
    assert made is not None and len(made.aces) == 2
    assert made.problem == ("" if whole else "3 ACEs, of which 2 are in the text")


def test_the_revision_and_the_count_of_a_list_are_kept() -> None:
    lists = "->Dacl    : ->AclRevision: 0x4\n->Dacl    : ->AceCount   : 0x3\n"
    made = one("->Owner   : S-1-5-18\n" + lists + ace(0, *ALLOW)).descriptor.dacl
    assert made is not None and (made.revision, made.count) == (4, 3)
    assert made.problem == "3 ACEs, of which 1 are in the text"
    assert left(read_descriptor_text("->Owner   : S-1-5-18\n->Dacl    : ->AclRevision: four\n")) == [2]


def test_where_one_output_ends_and_the_next_begins() -> None:
    """A command ends one, `->Revision` begins one; so does `ACL is:` where a list is there already."""
    two = "->Revision: 0x1\n->Owner   : S-1-5-18\n->Revision: 0x1\n->Owner   : S-1-5-32-544\n"
    assert [found.descriptor.owner for found in read_descriptor_text(two).descriptors] == [SYSTEM, ADMINS]
    found = read_descriptor_text("->Owner   : S-1-5-18\nkd> k\n->Group   : S-1-5-18\n")
    assert len(found.descriptors) == 2 and left(found) == [2]
    for command in ("!sd 1", "!acl 1", "!exts.sd 1", "!exts.acl 1"):
        assert left(read_descriptor_text("kd> " + command + "\n->Owner   : S-1-5-18\n")) == []
    acl = "ACL is:\n" + ace(0, *ALLOW).replace("->Dacl    :", "ACL is:")
    found = read_descriptor_text(acl + acl)
    assert [(made.form, made.line, dacl(made)) for made in found.descriptors] == [
        ("!acl", 1, [(0, 0, 1, SYSTEM)]),
        ("!acl", 7, [(0, 0, 1, SYSTEM)]),
    ]
    assert found.descriptors[0].descriptor.sacl_state == "not said"
    # An author's cut and a rule are part of it, another remark is left over.
    assert left(read_descriptor_text("->Owner   : S-1-5-18\n...\n-----\nwhat is this\n")) == [4]


# --- bytes and SDDL


def test_bytes_are_a_descriptor_from_twenty_of_them_with_self_relative_set() -> None:
    """[MS-DTYP] 2.4.6: a header of 20 bytes; without a list and with offsets of zero it is whole."""
    empty = bytes.fromhex("01000080") + bytes(16)
    found = read_descriptor_bytes(empty)
    made = found.descriptors[0]
    assert (made.form, made.line, made.descriptor.owner_state, made.descriptor.dacl_state) == (
        "bytes",
        1,
        "absent",
        "absent",
    )
    for data in (empty[:19], b"\x02" + empty[1:], empty[:3] + b"\0" + empty[4:]):
        with pytest.raises(BadFormat) as caught:
            read_descriptor_bytes(data, "x.bin")
        assert caught.value.message == "x.bin is neither a text nor the bytes of a self-relative descriptor"
        assert caught.value.next_step.startswith("SDDL, what !sd")
    with pytest.raises(BadFormat) as caught:
        read_descriptor_bytes(b"", "x.bin")
    assert "neither" not in caught.value.message
    assert one(empty.hex()).form == "bytes"
    with pytest.raises(BadFormat):  # an odd digit
        read_descriptor_text(empty.hex() + "0")


@pytest.mark.parametrize(
    "text", ["O:SY", "G:S-1-5-18", "D:", "D:P", "D:AI(A;;CC;;;SY)", "S:(ML;;NW;;;ME)", "D:NO_ACCESS_CONTROL"]
)
def test_what_begins_sddl(text: str) -> None:
    assert one(text).form == "SDDL" == one(" '%s' " % text).form


# --- Get-Acl

LIST = "Path   : Microsoft.PowerShell.Core\\FileSystem::C:\\a.txt\nOwner  : BUILTIN\\Administrators\nGroup  : NT AUTHORITY\\SYSTEM\n"
RULE = "NT AUTHORITY\\SYSTEM Allow  FullControl\n"


def test_get_acl_with_a_rule_of_each_kind() -> None:
    text = (
        LIST + "Access : " + RULE + "         Everyone Deny  Write\n         NT AUTHORITY\\SYSTEM Allow  -1610612736\n"
    )
    found = one(text)
    assert dacl(found) == [(0, 0, 0x1F01FF, SYSTEM), (1, 0, 0x116, Sid(1, (0,))), (0, 0, 0xA0000000, SYSTEM)]
    assert (found.descriptor.owner, found.descriptor.group) == (ADMINS, SYSTEM)
    assert (found.line, found.name, found.object_type) == (1, "C:\\a.txt", "file")
    assert found.notes == ("Get-Acl does not tell the integrity label", "read from Access, as Sddl is not there")
    assert found.descriptor.control == 0x8004 and found.descriptor.sacl_state == "not said"


def test_a_rule_of_get_acl_that_is_not_understood_keeps_its_place() -> None:
    long = "somebody may do everything that there is to do with it, and more so"
    text = LIST + "Access : %s\n         Everyone Allow  Wrote\n         LAB\\anna Allow  Read\n         %s" % (
        long,
        RULE,
    )
    found = read_descriptor_text(text)
    assert left(found) == [4, 5]
    assert problems(found.descriptors[0]) == [
        "a rule that is not understood: " + long[:60],
        "its rights are not understood: Wrote",
        "the SID of 'LAB\\\\anna' is not told",
        "",
    ]
    assert dacl(found.descriptors[0])[1:] == [
        (0, 0, None, Sid(1, (0,))),
        (0, 0, 0x20089, None),
        (0, 0, 0x1F01FF, SYSTEM),
    ]
    known = read_descriptor_text(text, accounts={"LAB\\anna": ANNA}.get).descriptors[0]
    assert dacl(known)[2] == (0, 0, 0x20089, ANNA)


def test_a_line_of_get_acl_goes_on_behind_any_blank() -> None:
    for blanks in (" ", "  ", "\t"):
        found = read_descriptor_text("Path   : C:\\a\nSddl   : O:SYD:(A;;0x1;;;SY)\n%s(A;;0x2;;;BA)\n" % blanks)
        assert dacl(found.descriptors[0]) == [(0, 0, 1, SYSTEM), (0, 0, 2, ADMINS)] and left(found) == []


def test_get_acl_without_access_does_not_say_a_list() -> None:
    assert one(LIST).descriptor.dacl_state == "not said"
    empty = one(LIST + "Access :\n")
    assert empty.descriptor.dacl_state == "present" and dacl(empty) == []
    # The first rule may stand below the label.
    assert dacl(one(LIST + "Access :\n         " + RULE)) == [(0, 0, 0x1F01FF, SYSTEM)]
    assert one("Path   : C:\\a\nAccess : " + RULE).descriptor.owner_state == "not said"
    unknown = one(LIST.replace("NT AUTHORITY\\SYSTEM", "LAB\\users")).descriptor
    assert (unknown.group, unknown.group_state, unknown.owner_state) == (None, "not said", "present")


def test_two_lists_of_get_acl_are_two_descriptors_each_with_its_first_line() -> None:
    """A label that comes twice begins another; the fields may stand in any order."""
    second = "Owner  : NT AUTHORITY\\SYSTEM\nPath   : Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE\\a\n"
    found = read_descriptor_text(LIST + "\n" + second + "Sddl   : D:(A;;0x1;;;SY)\n").descriptors
    assert [(made.line, made.name, made.object_type) for made in found][:2] == [
        (1, "C:\\a.txt", "file"),
        (5, "HKEY_LOCAL_MACHINE\\a", "key"),
    ] or [made.line for made in found] == [1, 5, 6]
    plain = one("Path   : C:\\a\nSddl   : O:SYD:(A;;0x1;;;SY)\n")
    assert (plain.name, plain.object_type, plain.notes) == ("C:\\a", "", ("Get-Acl does not tell the integrity label",))
    audited = one("Path   : C:\\a\nSddl   : D:(A;;0x1;;;SY)S:(AU;SA;0x1;;;WD)\n")
    assert audited.notes == () and audited.descriptor.sacl_state == "present"


def test_sddl_of_get_acl_without_its_path() -> None:
    """Its second line begins as a saved list of icacls does."""
    found = read_descriptor_text("Sddl   : O:BAG:SY\n         D:PAI(A;;0x1;;;SY)\n")
    (made,) = found.descriptors
    assert (made.form, made.descriptor.owner, dacl(made)) == ("Get-Acl", ADMINS, [(0, 0, 1, SYSTEM)])
    assert left(found) == []


def test_what_stands_around_a_list_of_get_acl() -> None:
    text = "PS C:\\> Get-Acl a.txt | Format-List\n\n" + LIST + "\nnot of it\nPS C:\\> dir\n  Audit  : x\n"
    found = read_descriptor_text(text)
    assert left(found) == [7, 8, 9]
    with pytest.raises(BadFormat, match="Sddl of Get-Acl, line 2: "):
        read_descriptor_text("Path   : C:\\a\nSddl   : D:(A;;QQ;;;SY)\n")


# --- icacls


@pytest.mark.parametrize(
    ("words", "flags", "kind", "mask"),
    [
        ("(F)", 0, 0, 0x1F01FF),
        ("(OI)(F)", 1, 0, 0x1F01FF),
        ("(CI)(F)", 2, 0, 0x1F01FF),
        ("(NP)(F)", 4, 0, 0x1F01FF),
        ("(IO)(F)", 8, 0, 0x1F01FF),
        ("(I)(F)", 0x10, 0, 0x1F01FF),
        ("(I)(DENY)(W)", 0x10, 1, 0x100116),
        ("(DENY)(OI)(W,DC)", 1, 1, 0x100156),
    ],
)
def test_flags_and_denial_of_icacls(words: str, flags: int, kind: int, mask: int) -> None:
    """winnt.h: OBJECT_INHERIT_ACE 1, CONTAINER_INHERIT 2, NO_PROPAGATE 4, INHERIT_ONLY 8, INHERITED_ACE 0x10."""
    assert dacl(one("a.txt NT AUTHORITY\\SYSTEM:%s\n" % words)) == [(kind, flags, mask, SYSTEM)]


@pytest.mark.parametrize("words", ["(OI)(CI)", "(DENY)", "(I)(Q)", "(F)(OI)", "(F,Q)", "(OI)(Q)(F)"])
def test_rights_of_icacls_that_are_missing_or_not_understood(words: str) -> None:
    found = read_descriptor_text("a.txt Everyone:(R)\n      Everyone:%s\n" % words)
    assert left(found) == [2] and dacl(found.descriptors[0])[0] == (0, 0, 0x120089, Sid(1, (0,)))
    assert dacl(found.descriptors[0])[1][2] is None
    assert problems(found.descriptors[0]) == ["", "its rights are not understood: " + words]


def test_a_label_of_icacls_whose_policy_is_not_understood_is_a_doubt() -> None:
    text = "a.txt Everyone:(F)\n      Mandatory Label\\High Mandatory Level:(%s)\n"
    for words, mask in (("NW", 1), ("NR", 2), ("NX", 4), ("NW,NR,NX", 7)):
        sacl = one(text % words).descriptor.sacl
        assert sacl is not None and [(a.type, a.mask, a.sid, a.problem) for a in sacl.aces] == [
            (0x11, mask, Sid(16, (12288,)), "")
        ]
    found = read_descriptor_text(text % "NW,NQ")
    sacl = found.descriptors[0].descriptor.sacl
    assert left(found) == [2] and sacl is not None
    assert [(a.mask, a.problem) for a in sacl.aces] == [(None, "its policy is not understood: (NW,NQ)")]


def test_an_account_below_the_first_is_what_stands_between_the_blanks_and_the_colon() -> None:
    asked: List[str] = []

    def resolve(name: str) -> Optional[Sid]:
        asked.append(name)
        return {"LAB\\anna": ANNA, "Everyone": Sid(1, (0,))}.get(name)

    reader = IcaclsDescriptors(resolve)
    for number, text in enumerate(("a.txt Everyone:(R)", "      LAB\\anna:(I)(F)", "   LAB\\boris :(W)  "), 1):
        assert reader.take(Line(number, text))
    (found,) = reader.finish()
    assert found.name == "a.txt" and asked[-2:] == ["LAB\\anna", "LAB\\boris"]
    assert dacl(found)[1] == (0, 0x10, 0x1F01FF, ANNA)
    assert problems(found)[2] == "the SID of 'LAB\\\\boris' is not told, only the machine knows it"


def test_where_one_file_of_icacls_ends() -> None:
    text = "a.txt Everyone:(F)\n      Everyone:(R)\n%sb.txt Everyone:(W)\n"
    for between in ("", "\n", "Successfully processed 1 files; Failed processing 0 files\n", "C:\\>icacls b.txt\n"):
        found = read_descriptor_text(text % between)
        assert [(made.name, made.line, len(dacl(made))) for made in found.descriptors] == [
            ("a.txt", 1, 2),
            ("b.txt", 3 + bool(between), 1),
        ]
        assert left(found) == []
    assert left(read_descriptor_text("a.txt Everyone:(F)\nC:\\>dir\n")) == [2]
    for command in ("icacls a.txt", "ICACLS a.txt", "C:\\Windows\\System32\\Icacls.exe a.txt"):
        assert left(read_descriptor_text("C:\\>%s\na.txt Everyone:(F)\n" % command)) == []
    # What somebody left out of it, or put below it, is no end and no loss.
    for mark in ("...", "(snip)", "-----"):
        found = read_descriptor_text("a.txt Everyone:(F)\n%s\n      Everyone:(R)\n" % mark)
        assert [(made.name, len(dacl(made))) for made in found.descriptors] == [("a.txt", 2)] and left(found) == []
    # An indented first line is a file's all the same.
    assert one("   a.txt Everyone:(F)\n").name == "a.txt"


@pytest.mark.parametrize(
    ("line", "name", "account"),
    [
        ("C:\\Program Files NT SERVICE\\TrustedInstaller:(F)", "C:\\Program Files", None),
        ("C:\\a b LAB\\anna:(F)", "C:\\a b", "LAB\\anna"),
        ("a.txt anna:(F)", "a.txt", "anna"),
        ("C:\\a.txt CREATOR OWNER:(F)", "C:\\a.txt", None),
    ],
)
def test_the_name_of_a_file_ends_where_the_account_begins(line: str, name: str, account: Optional[str]) -> None:
    found = one(line + "\n")
    assert found.name == name
    wanted = "" if account is None else "the SID of %s is not told, only the machine knows it" % ascii(account)
    assert problems(found) == [wanted]


def test_a_saved_file_without_its_name_and_with_a_name_alone() -> None:
    found = read_descriptor_text("a.txt\nb.txt\nD:(A;;FA;;;SY)\n\nD:(A;;FA;;;BA)S:(ML;;NW;;;ME)\nc.txt\n")
    assert [(made.name, made.line, made.descriptor.sacl_state) for made in found.descriptors] == [
        ("b.txt", 2, "not said"),
        ("", 5, "present"),
    ]
    assert left(found) == [1, 6]
    assert one("  a.txt \t\n  D:(A;;FA;;;SY)\n").name == "a.txt"
    # A SACL without an ACE, which is written beside the DACL, says nothing of the file's own.
    for sacl, state in (("", "not said"), ("S:", "not said"), ("S:AI", "not said"), ("S:(ML;;NW;;;HI)", "present")):
        made = one("a.txt\nD:(A;;FA;;;SY)%s\n" % sacl)
        assert (made.descriptor.sacl_state, made.descriptor.sacl is None) == (state, state == "not said"), sacl
    assert found.descriptors[0].notes == ("icacls /save writes the DACL only: owner and integrity label are not said",)
    with pytest.raises(BadFormat, match="line 2: "):
        read_descriptor_text("a.txt\nD:(A;;QQ;;;SY)\nb.txt\nD:(A;;FA;;;SY)\n")


# --- accesschk -l

CHECKED = "Mixer\n  DESCRIPTOR FLAGS:\n      [SE_DACL_PRESENT]\n  OWNER: NT AUTHORITY\\SYSTEM\n"
RIGHT = "  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n        SERVICE_START\n"


@pytest.mark.parametrize(
    ("word", "bit"),
    [  # winnt.h
        ("OBJECT_INHERIT_ACE", 0x01),
        ("CONTAINER_INHERIT_ACE", 0x02),
        ("NO_PROPAGATE_INHERIT_ACE", 0x04),
        ("INHERIT_ONLY_ACE", 0x08),
        ("INHERITED_ACE", 0x10),
        ("SUCCESSFUL_ACCESS_ACE_FLAG", 0x40),
        ("FAILED_ACCESS_ACE_FLAG", 0x80),
    ],
)
def test_each_flag_of_an_ace_in_accesschk(word: str, bit: int) -> None:
    text = CHECKED + RIGHT.replace("        SERVICE", "        [%s]\n        SERVICE" % word)
    assert dacl(one(text)) == [(0, bit, 0x10, Sid(1, (0,)))]


def test_flags_of_accesschk_s_descriptor() -> None:
    found = read_descriptor_text(CHECKED.replace("[SE_DACL_PRESENT]", "[SE_DACL_PRESENT]\n[SE_DACL_PROTECTED]") + RIGHT)
    assert found.descriptors[0].descriptor.control == 0x8000 | 0x1000 | 0x4 and left(found) == []
    for word in ("SE_RM_CONTROL_VALID", "SE_SERVER_SECURITY"):
        assert left(read_descriptor_text(CHECKED.replace("SE_DACL_PRESENT", word) + RIGHT)) == []
    assert left(read_descriptor_text(CHECKED.replace("SE_DACL_PRESENT", "SE_OTHER") + RIGHT)) == [3]
    # Behind the owner a word in brackets is an ACE's; before any ACE it is nobody's.
    assert left(read_descriptor_text(CHECKED + "      [SE_DACL_PRESENT]\n      [INHERITED_ACE]\n" + RIGHT)) == [5, 6]


def test_an_ace_of_accesschk_without_rights_says_so() -> None:
    found = one(CHECKED + RIGHT.split("\n")[0] + "\n")
    assert problems(found) == ["its rights are not understood: none"] and dacl(found)[0][2] is None


def test_lines_of_accesschk_that_belong_to_nothing_are_left_over() -> None:
    assert left(read_descriptor_text(CHECKED + "  OWNER: Everyone\n" + RIGHT)) == [5]  # a second owner
    assert left(read_descriptor_text(CHECKED + "        SERVICE_START\n" + RIGHT)) == [5]  # of no ACE
    assert left(read_descriptor_text(CHECKED + "  SACL:\n" + RIGHT)) == [6, 7]
    assert left(read_descriptor_text("  OWNER: Everyone\n" + CHECKED + RIGHT)) == [1]


def test_where_one_object_of_accesschk_ends() -> None:
    """A line that begins in the first column, or a prompt; a blank line does not end it."""
    assert len(dacl(one(CHECKED + "\n" + RIGHT))) == 1
    for between in ("note\n", "C:\\>dir\n", "   C:\\>dir\n"):
        found = read_descriptor_text(CHECKED + RIGHT + between + RIGHT.replace("[0]", "[1]"))
        # An ACE of an object whose beginning is not there: what it may have, nobody knows.
        assert len(found.descriptors) == 2 and left(found) == [7, 9]
    assert left(read_descriptor_text("C:\\>accesschk -l Mixer\n" + CHECKED)) == []
    # The name is the line before the flags, without the blanks around it; a prompt is none.
    for spelled in ("Mixer", "  Mixer", "Mixer   ", "\tMixer\t"):
        assert one(CHECKED.replace("Mixer", spelled, 1)).name == "Mixer"
    assert one("C:\\>accesschk -l Mixer\n" + CHECKED.split("\n", 1)[1]).name == ""
    gap = one(CHECKED + RIGHT.replace("[0]", "[1]"))
    assert gap.descriptor.dacl is not None and gap.descriptor.dacl.is_partial and dacl(gap) == []
    assert isinstance(gap.descriptor, SecurityDescriptor) and "ACE [1] where [0] is due" in gap.notes[1]


def test_a_line_of_icacls_with_a_million_blanks_is_looked_at_in_linear_time() -> None:
    """Where the account begins, only the blanks near its end can tell."""
    asked: List[int] = []

    def resolve(name: str) -> Optional[Sid]:
        asked.append(len(name))
        return Sid.from_text("S-1-5-18") if name == "NT AUTHORITY\\SYSTEM" else None

    reader = IcaclsDescriptors(resolve)
    assert reader.take(Line(1, "C:\\" + "a " * 5000 + "NT AUTHORITY\\SYSTEM:(F)"))
    (found,) = reader.finish()
    assert found.descriptor.dacl is not None and str(found.descriptor.dacl.aces[0].sid) == "S-1-5-18"
    assert len(asked) < 300 and sum(asked) < 300 * 600 + 20000
