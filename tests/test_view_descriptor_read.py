"""Descriptors from texts: each form gives the same model, with its own holes, and no line is lost."""

from typing import Any, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl, to_sddl
from kdtoken.model.sid import Sid
from kdtoken.view.descriptor import PartialDescriptor, read_descriptor_bytes, read_descriptor_text
from tests.examples import examples


def only(text: str) -> PartialDescriptor:
    """The one descriptor of a text, all of whose lines are understood."""
    seen = read_descriptor_text(text)
    assert len(seen.descriptors) == 1 and seen.not_understood == (), seen
    return seen.descriptors[0]


def aces(descriptor: SecurityDescriptor) -> List[Tuple[int, int, Any, str]]:
    assert descriptor.dacl is not None
    return [(ace.type, ace.flags, ace.mask, str(ace.sid)) for ace in descriptor.dacl.aces]


def states(one: PartialDescriptor) -> Tuple[str, str, str, str]:
    """Of owner, group, DACL, SACL."""
    seen = one.descriptor
    return seen.owner_state, seen.group_state, seen.dacl_state, seen.sacl_state


# --- SDDL and bytes

PLAIN = "O:BAG:SYD:(A;;CC;;;SY)"
# The same, laid out by hand: [MS-DTYP] 2.4.6.
BYTES = bytes.fromhex(
    "01000480 30000000 40000000 00000000 14000000"  # header: owner at 0x30, group at 0x40, no SACL, DACL at 0x14
    "02001c00 01000000 00001400 01000000 010100000000000512000000"  # ACL, ACE, S-1-5-18
    "01020000000000052000000020020000"  # S-1-5-32-544
    "010100000000000512000000"
)


@pytest.mark.parametrize(
    "text",
    [PLAIN, " " + PLAIN + "\r\n", '"%s"' % PLAIN, ' " %s " ' % PLAIN, "' %s'" % PLAIN, "O:BAG:SYD:(A;;CC\n   ;;;SY)\n"],
)
def test_sddl(text: str) -> None:
    one = only(text)
    assert one.form == "SDDL" and one.descriptor == from_sddl(PLAIN)
    assert states(one) == ("present", "present", "present", "absent")


def test_an_error_in_sddl_keeps_its_column() -> None:
    with pytest.raises(BadFormat, match="column 7"):
        read_descriptor_text("D:(A;;QQ;;;SY)")


def test_rights_in_full_need_a_type() -> None:
    text = "D:(A;;VM_READ|SYNCHRONIZE;;;SY)"
    seen = read_descriptor_text(text, object_type=documented_type("process")).descriptors[0]
    assert aces(seen.descriptor) == [(0, 0, 0x100010, "S-1-5-18")]
    with pytest.raises(BadFormat, match="column 7"):
        read_descriptor_text(text)


DUMP = """\
ffff9008`464082a0  01 00 04 80 30 00 00 00-40 00 00 00 00 00 00 00  ....0...@.......
ffff9008`464082b0  14 00 00 00 02 00 1c 00-01 00 00 00 00 00 14 00  ................
ffff9008`464082c0  01 00 00 00 01 01 00 00-00 00 00 05 12 00 00 00  ................
ffff9008`464082d0  01 02 00 00 00 00 00 05-20 00 00 00 20 02 00 00  ........ ... ...
ffff9008`464082e0  01 01 00 00 00 00 00 05-12 00 00 00              ............
"""


@pytest.mark.parametrize(
    "text", [BYTES.hex(), "0x" + BYTES.hex().upper(), BYTES.hex(" "), BYTES.hex(",", 4), DUMP, '" %s "' % BYTES.hex()]
)
def test_hex(text: str) -> None:
    one = only(text)
    assert one.form == "bytes" and to_sddl(one.descriptor) == PLAIN


def test_raw_bytes_of_a_file() -> None:
    seen = read_descriptor_bytes(BYTES)
    assert to_sddl(seen.descriptors[0].descriptor) == PLAIN
    cut = read_descriptor_bytes(BYTES[:40]).descriptors[0].descriptor
    assert cut.is_partial and cut.owner_state == "unreadable"


@pytest.mark.parametrize("text", ["", "\n\n", "hello", "C:\\Windows", "S-1-5-18", "D:\\folder\n", "01020304"])
def test_texts_without_a_descriptor(text: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read_descriptor_text(text)
    assert "SDDL" in caught.value.next_step


# --- !sd and !acl

SD = """\
kd> !sd ffff9008`464082a0 1
->Revision: 0x1
->Sbz1    : 0x0
->Control : 0x8814
            SE_DACL_PRESENT
            SE_SACL_PRESENT
            SE_SACL_AUTO_INHERITED
            SE_SELF_RELATIVE
->Owner   : S-1-5-32-544 (Alias: BUILTIN\\Administrators)
->Group   : S-1-5-18 (Well Known Group: NT AUTHORITY\\SYSTEM)
->Dacl    :
->Dacl    : ->AclRevision: 0x2
->Dacl    : ->Sbz1       : 0x0
->Dacl    : ->AclSize    : 0x34
->Dacl    : ->AceCount   : 0x2
->Dacl    : ->Sbz2       : 0x0
->Dacl    : ->Ace[0]: ->AceType: ACCESS_ALLOWED_ACE_TYPE
->Dacl    : ->Ace[0]: ->AceFlags: 0x2
->Dacl    : ->Ace[0]:             CONTAINER_INHERIT_ACE
->Dacl    : ->Ace[0]: ->AceSize: 0x14
->Dacl    : ->Ace[0]: ->Mask : 0x001fffff
->Dacl    : ->Ace[0]: ->SID: S-1-5-18 (Well Known Group: NT AUTHORITY\\SYSTEM)

->Dacl    : ->Ace[1]: ->AceType: ACCESS_DENIED_ACE_TYPE
->Dacl    : ->Ace[1]: ->AceFlags: 0x0
->Dacl    : ->Ace[1]: ->AceSize: 0x18
->Dacl    : ->Ace[1]: ->Mask : 0x00121411
->Dacl    : ->Ace[1]: ->SID: S-1-5-32-544 (Alias: BUILTIN\\Administrators)

->Sacl    :
->Sacl    : ->AclRevision: 0x2
->Sacl    : ->Sbz1       : 0x0
->Sacl    : ->AclSize    : 0x1c
->Sacl    : ->AceCount   : 0x1
->Sacl    : ->Sbz2       : 0x0
->Sacl    : ->Ace[0]: ->AceType: SYSTEM_MANDATORY_LABEL_ACE_TYPE
->Sacl    : ->Ace[0]: ->AceFlags: 0x0
->Sacl    : ->Ace[0]: ->AceSize: 0x14
->Sacl    : ->Ace[0]: ->Mask : 0x00000003
->Sacl    : ->Ace[0]: ->SID: S-1-16-16384 (Label: Mandatory Label\\System Mandatory Level)
"""


def test_sd() -> None:
    one = only(SD)
    assert (one.form, one.line) == ("!sd", 2)
    expected = "O:BAG:SYD:(A;CI;0x1fffff;;;SY)(D;;0x121411;;;BA)S:AI(ML;;NWNR;;;SI)"
    assert to_sddl(one.descriptor) == expected
    assert from_sddl(expected).to_bytes() == one.descriptor.to_bytes()


def test_null_and_absent_look_alike_and_control_tells_them_apart() -> None:
    text = "->Revision: 0x1\n->Control : 0x%x\n->Owner   :  is NULL\n->Group   :  is NULL\n->Dacl    :  is NULL\n"
    assert states(only(text % 0x8004)) == ("absent", "absent", "null", "not said")
    assert states(only(text % 0x8000)) == ("absent", "absent", "absent", "not said")


def test_an_author_who_left_aces_out_does_not_shorten_the_list() -> None:
    text = SD.replace("AceCount   : 0x2", "AceCount   : 0x9", 1)
    dacl = only(text).descriptor.dacl
    assert dacl is not None and dacl.is_partial and "9 ACEs, of which 2" in dacl.problem
    without_first = "\n".join(line for line in SD.split("\n") if "Dacl    : ->Ace[0]" not in line)
    dacl = only(without_first).descriptor.dacl
    assert dacl is not None and dacl.is_partial


def test_a_cut_label_has_no_mask_and_says_so() -> None:
    text = "->Owner   : S-1-5-32-544\n->Sacl    : ->Ace[0]: ->AceType: SYSTEM_MANDATORY_LABEL_ACE_TYPE\n"
    one = only(text + "->Sacl    : ->Ace[0]: ->SID: S-1-16-4096\n")
    assert states(one) == ("present", "not said", "not said", "present")
    assert one.descriptor.sacl is not None and one.descriptor.sacl.aces[0].problem


def test_a_condition_that_sd_does_not_print_is_a_hole() -> None:
    text = SD.replace("ACCESS_DENIED_ACE_TYPE", "ACCESS_DENIED_CALLBACK_ACE_TYPE")
    dacl = only(text).descriptor.dacl
    assert dacl is not None and dacl.aces[1].type == 0x0A and "condition" in dacl.aces[1].problem


def test_lines_that_are_wrong_are_left_over() -> None:
    text = SD.replace("->Mask : 0x00121411", "->Mask : many").replace("S-1-5-18 (Well", "S-1-5-x (Well", 1)
    seen = read_descriptor_text(text)
    assert [line.number for line in seen.not_understood] == [10, 27]
    one = seen.descriptors[0].descriptor
    assert one.group_state == "unreadable" and one.dacl is not None and one.dacl.aces[1].problem


def test_acl() -> None:
    text = "kd> !acl e1bf35d4\nACL is:\nACL is: ->AclRevision: 0x2\nACL is: ->AceCount   : 0x1\n" + "".join(
        "ACL is: ->Ace[0]: ->%s\n" % part
        for part in (
            "AceType: ACCESS_ALLOWED_ACE_TYPE",
            "AceFlags: 0x0",
            "AceSize: 0x14",
            "Mask : 0x1",
            "SID: S-1-5-18",
        )
    )
    one = only(text)
    assert one.form == "!acl" and aces(one.descriptor) == [(0, 0, 1, "S-1-5-18")]
    assert states(one) == ("not said", "not said", "present", "not said")


def test_two_outputs_in_one_log() -> None:
    seen = read_descriptor_text(SD + "\n" + SD)
    assert [one.line for one in seen.descriptors] == [2, 43] and seen.not_understood == ()
    assert seen.descriptors[0].descriptor == seen.descriptors[1].descriptor


# --- icacls

ICACLS = """\
C:\\>icacls "C:\\Program Files"
C:\\Program Files NT SERVICE\\TrustedInstaller:(F)
                 NT AUTHORITY\\SYSTEM:(OI)(CI)(IO)(F)
                 BUILTIN\\Users:(I)(OI)(CI)(IO)(GR,GE)
                 CREATOR OWNER:(NP)(RX,WDAC)
                 S-1-5-21-1-2-3-1001:(DENY)(W)
                 Mandatory Label\\High Mandatory Level:(OI)(CI)(NW,NR)

C:\\a b.txt ANNA-PC\\Anna:(M)
          Everyone:(RD,AD,REA,X,RA,S)

Successfully processed 2 files; Failed processing 0 files
"""


def test_icacls() -> None:
    seen = read_descriptor_text(ICACLS)
    assert seen.not_understood == () and [one.name for one in seen.descriptors] == ["C:\\Program Files", "C:\\a b.txt"]
    first, second = seen.descriptors
    assert (first.form, first.object_type, first.line) == ("icacls", "file", 2)
    # FileSystemRights of .NET and the words of `icacls /?`; trusted installer's SID is a hash of its name.
    installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
    assert aces(first.descriptor) == [
        (0, 0x0, 0x1F01FF, installer),
        (0, 0xB, 0x1F01FF, "S-1-5-18"),
        (0, 0x1B, 0xA0000000, "S-1-5-32-545"),
        (0, 0x4, 0x1200A9 | 0x40000, "S-1-3-0"),
        (1, 0x0, 0x100116, "S-1-5-21-1-2-3-1001"),
    ]
    sacl = first.descriptor.sacl
    assert sacl is not None and [(a.type, a.flags, a.mask, str(a.sid)) for a in sacl.aces] == [
        (0x11, 3, 3, "S-1-16-12288")
    ]
    assert states(first) == ("not said", "not said", "present", "present")
    # An account of the machine has no SID that a text could tell: the ACE is there, and says so.
    assert second.descriptor.dacl is not None
    unknown, known = second.descriptor.dacl.aces
    assert unknown.sid is None and "ANNA-PC" in unknown.problem and unknown.mask == 0x1301BF
    assert known.mask == 0x1 | 0x4 | 0x8 | 0x20 | 0x80 | 0x100000 and str(known.sid) == "S-1-1-0"
    assert second.descriptor.is_partial and not first.descriptor.is_partial


def test_rights_that_icacls_does_not_have() -> None:
    seen = read_descriptor_text("x.txt Everyone:(QQ)\n")
    assert [line.number for line in seen.not_understood] == [1]
    assert seen.descriptors[0].descriptor.is_partial


def test_icacls_save_in_utf_16() -> None:
    text = "secret.txt\r\nD:AI(A;ID;FA;;;SY)\r\nother name.txt\r\nD:PAI(D;;FW;;;WD)\r\n"
    seen = read_descriptor_bytes(text.encode("utf-16"))
    assert [(one.name, one.form, to_sddl_of_dacl(one)) for one in seen.descriptors] == [
        ("secret.txt", "icacls /save", "D:AI(A;ID;FA;;;SY)"),
        ("other name.txt", "icacls /save", "D:PAI(D;;FW;;;WD)"),
    ]
    assert states(seen.descriptors[0]) == ("not said", "not said", "present", "not said")


def to_sddl_of_dacl(one: PartialDescriptor) -> str:
    seen = one.descriptor
    return to_sddl(SecurityDescriptor(None, None, seen.control, seen.dacl))


# --- Get-Acl

GET_ACL = """\
PS C:\\> Get-Acl C:\\Windows\\notepad.exe | Format-List

Path   : Microsoft.PowerShell.Core\\FileSystem::C:\\Windows\\notepad.exe
Owner  : NT SERVICE\\TrustedInstaller
Group  : NT SERVICE\\TrustedInstaller
Access : NT AUTHORITY\\SYSTEM Allow  ReadAndExecute, Synchronize
         BUILTIN\\Users Allow  ReadAndExecute, Synchronize
Audit  :
Sddl   : O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464G:S-1-5-80-956008885-3418522649-1831038044-185329
         2631-2271478464D:PAI(A;;0x1200a9;;;SY)(A;;0x1200a9;;;BU)

"""
REGISTRY = """\
Path   : Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE\\SOFTWARE
Owner  : BUILTIN\\Administrators
Group  : ANNA-PC\\None
Access : BUILTIN\\Users Allow  ReadKey
         ANNA-PC\\Anna Deny  SetValue, CreateSubKey
         NT AUTHORITY\\SYSTEM Allow  FullControl
         CREATOR OWNER Allow  268435456
Audit  :
Sddl   :
"""


def test_get_acl_by_its_sddl_which_the_console_wrapped() -> None:
    one = only(GET_ACL)
    assert (one.form, one.name, one.object_type) == ("Get-Acl", "C:\\Windows\\notepad.exe", "file")
    installer = Sid.from_text("S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464")
    assert one.descriptor.owner == one.descriptor.group == installer
    assert aces(one.descriptor) == [(0, 0, 0x1200A9, "S-1-5-18"), (0, 0, 0x1200A9, "S-1-5-32-545")]
    # Get-Acl does not ask for the label: its absence there says nothing.
    assert one.descriptor.sacl_state == "not said" and "label" in one.notes[0]


def test_get_acl_by_its_access_where_sddl_was_cut_off() -> None:
    one = only(REGISTRY)
    assert (one.object_type, one.name) == ("key", "HKEY_LOCAL_MACHINE\\SOFTWARE")
    assert states(one) == ("present", "not said", "present", "not said")
    assert aces(one.descriptor) == [
        (0, 0, 0x20019, "S-1-5-32-545"),
        (1, 0, 0x6, "None"),
        (0, 0, 0xF003F, "S-1-5-18"),
        (0, 0, 0x10000000, "S-1-3-0"),
    ]
    assert one.descriptor.is_partial


def test_a_rule_that_is_not_understood_is_left_over_and_marks_the_list() -> None:
    seen = read_descriptor_text(REGISTRY.replace("Allow  ReadKey", "Allow  ReadKeys"))
    assert [line.number for line in seen.not_understood] == [4]
    assert seen.descriptors[0].descriptor.is_partial


# --- laws


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.sampled_from(SD.split("\n") + ICACLS.split("\n") + GET_ACL.split("\n") + ["junk"]), max_size=25))
def test_any_mixture_of_lines_is_read_or_refused(lines: List[str]) -> None:
    try:
        seen = read_descriptor_text("\n".join(lines))
    except BadFormat:
        return
    junk = sum(line == "junk" for line in lines)
    assert sum(line.text == "junk" for line in seen.not_understood) == junk


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_descriptor_bytes(data)
    except BadFormat:
        pass


# --- accesschk -l: the form is that of published outputs (see the reader), objects and rights are ours

ACCESSCHK = """\
Accesschk v6.14 - Reports effective permissions for securable objects
Copyright \u2310 2006-2021 Mark Russinovich
Sysinternals - www.sysinternals.com

PaintMixer
  DESCRIPTOR FLAGS:
      [SE_DACL_PRESENT]
      [SE_SACL_PRESENT]
      [SE_SELF_RELATIVE]
  OWNER: NT AUTHORITY\\SYSTEM
  [0] ACCESS_DENIED_ACE_TYPE: BUILTIN\\Guests
        SERVICE_START
        SERVICE_STOP
  [1] ACCESS_ALLOWED_ACE_TYPE: NT AUTHORITY\\INTERACTIVE
        SERVICE_QUERY_STATUS
        READ_CONTROL
  [2] ACCESS_ALLOWED_ACE_TYPE: BUILTIN\\Administrators
        SERVICE_ALL_ACCESS
"""


def test_accesschk() -> None:
    one = only(ACCESSCHK)
    assert (one.form, one.name, one.object_type, one.line) == ("accesschk -l", "PaintMixer", "service", 5)
    assert states(one) == ("present", "not said", "present", "not said")
    assert str(one.descriptor.owner) == "S-1-5-18"
    # winsvc.h: START 0x10, STOP 0x20, QUERY_STATUS 0x4, ALL_ACCESS 0xf01ff; winnt.h READ_CONTROL 0x20000
    assert aces(one.descriptor) == [
        (1, 0, 0x30, "S-1-5-32-546"),
        (0, 0, 0x20004, "S-1-5-4"),
        (0, 0, 0xF01FF, "S-1-5-32-544"),
    ]
    assert one.descriptor.control_words[:2] == ("DACL_PRESENT", "SACL_PRESENT")
    assert "integrity label" in one.notes[0]


def test_accesschk_with_flags_of_its_aces() -> None:
    """As learn.microsoft.com shows a folder: flags in brackets, then the rights; tabs or none before the lines."""
    text = ACCESSCHK.replace(
        "SERVICE_START\n", "[CONTAINER_INHERIT_ACE]\n\t[INHERIT_ONLY_ACE]\n\t[INHERITED_ACE]\n\tDELETE\n"
    )
    text = text.replace("SERVICE_STOP\n", "FILE_TRAVERSE\n").replace("SERVICE_QUERY_STATUS", "FILE_LIST_DIRECTORY")
    one = only(text.replace("SERVICE_ALL_ACCESS", "FILE_ALL_ACCESS").replace("PaintMixer", "C:\\mixer"))
    assert (one.name, one.object_type) == ("C:\\mixer", "file directory")
    assert aces(one.descriptor)[0] == (1, 0x1A, 0x10020, "S-1-5-32-546")
    assert aces(one.descriptor)[2][2] == 0x1F01FF


def test_accesschk_of_several_objects_and_behind_a_prompt() -> None:
    second = ACCESSCHK.split("\n\n", 1)[1].replace("PaintMixer", "HKLM\\Software\\Mixer")
    for word, right in (("START", "QUERY_VALUE"), ("STOP", "NOTIFY"), ("QUERY_STATUS", "SET_VALUE")):
        second = second.replace("SERVICE_" + word, "KEY_" + right)
    text = "C:\\> accesschk64.exe -l PaintMixer\r\n" + ACCESSCHK + second.replace("SERVICE_", "KEY_") + "\nC:\\>\n"
    seen = read_descriptor_text(text)
    assert [(one.name, one.object_type) for one in seen.descriptors] == [
        ("PaintMixer", "service"),
        ("HKLM\\Software\\Mixer", "key"),
    ]
    assert aces(seen.descriptors[1].descriptor)[0] == (1, 0, 0x11, "S-1-5-32-546")
    assert [line.text for line in seen.not_understood] == ["C:\\>"]


def test_accesschk_names_that_only_the_machine_knows() -> None:
    text = ACCESSCHK.replace("BUILTIN\\Guests", "LAB\\painters").replace(
        "OWNER: NT AUTHORITY\\SYSTEM", "OWNER: LAB\\anna"
    )
    one = only(text)
    assert states(one)[0] == "not said" and any("LAB\\\\anna" in note for note in one.notes)
    assert one.descriptor.dacl is not None
    unknown = one.descriptor.dacl.aces[0]
    assert (unknown.type, unknown.mask, unknown.sid) == (1, 0x30, None)
    assert unknown.problem == "the SID of 'LAB\\\\painters' is not told, only the machine knows it"
    anna = Sid.from_text("S-1-5-21-1-2-3-1001")
    known = (
        read_descriptor_text(text, accounts={"LAB\\anna": anna, "LAB\\painters": anna}.get).descriptors[0].descriptor
    )
    assert known.owner == anna and aces(known)[0] == (1, 0, 0x30, str(anna))


def test_accesschk_rights_that_no_header_has() -> None:
    seen = read_descriptor_text(ACCESSCHK.replace("SERVICE_STOP", "SERVICE_PAINT"))
    (one,) = seen.descriptors
    assert one.descriptor.dacl is not None and one.descriptor.dacl.aces[0].mask is None
    assert one.descriptor.dacl.aces[0].problem == "its rights are not understood: SERVICE_PAINT"
    assert [line.text.strip() for line in seen.not_understood] == ["SERVICE_PAINT"]
    numbered = only(ACCESSCHK.replace("SERVICE_STOP", "0x200"))
    assert aces(numbered.descriptor)[0][2] == 0x210


def test_accesschk_of_which_somebody_cut_aces_out() -> None:
    """Write-ups print [0] and [4]: what stood between them might deny."""
    lines = ACCESSCHK.split("\n")
    text = "\n".join(lines[10:13] + lines[16:])  # ACE 0 with its rights, then ACE 2; neither flags nor owner
    one = only(text)
    assert states(one) == ("not said", "not said", "present", "not said")
    assert one.descriptor.dacl is not None and one.descriptor.dacl.is_partial
    assert aces(one.descriptor) == [(1, 0, 0x30, "S-1-5-32-546")]
    assert "ACE [2] where [1] is due" in one.notes[1]


def test_accesschk_without_an_ace_does_not_say_which_dacl_it_is() -> None:
    text = "\n".join(ACCESSCHK.split("\n")[:10]) + "\n"
    one = only(text)
    assert states(one)[2] == "not said" and "a null or an empty one" in one.notes[1]
    assert not one.descriptor.grants_everything


def test_accesschk_a_sacl_s_lines_are_no_aces_of_the_dacl() -> None:
    """Seen with its ACEs' types left out; whatever stands there is listed as not understood."""
    seen = read_descriptor_text(ACCESSCHK + "  SACL:\n  [0] : Everyone\n        SERVICE_ALL_ACCESS\n")
    assert len(aces(seen.descriptors[0].descriptor)) == 3
    assert [line.text.strip() for line in seen.not_understood] == ["[0] : Everyone", "SERVICE_ALL_ACCESS"]


@given(st.lists(st.sampled_from(ACCESSCHK.split("\n")), max_size=30))
@settings(max_examples=examples(100), deadline=None)
def test_accesschk_lines_in_any_order(lines: List[str]) -> None:
    try:
        seen = read_descriptor_text("\n".join(lines))
    except BadFormat:
        return
    for one in seen.descriptors:
        assert one.descriptor.dacl_state in ("present", "not said")
