"""What hangs on a token by pointers: the counts of its lists of claims and security attributes."""

from typing import Any

import pytest

from kdtoken.decode import token_parts
from kdtoken.decode.structure import read_structure
from kdtoken.decode.token import decode_token
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.acl import Acl
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import AttributeList, Diagnostics, SidHash, Token
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
AT = 0xFFFFBEEF00001000  # an address that the declared machine has nothing at
LISTS = [
    (
        token_parts.read_security_attributes,
        "_AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION",
        ("SecurityAttributeCount", "WorkingSecurityAttributeCount"),
    ),
    (
        token_parts.read_claims,
        "_AUTHZBASEP_CLAIM_ATTRIBUTES_COLLECTION",
        ("DeviceGroupsCount", "RestrictedDeviceGroupsCount"),
    ),
    (token_parts.read_sid_values, "_SEP_SID_VALUES_BLOCK", ("BlockLength", "SidCount")),
]


@pytest.mark.parametrize("read, type_name, names", LISTS, ids=[one[1] for one in LISTS])
def test_each_count_is_of_its_own_member(read: Any, type_name: str, names: "tuple[str, ...]") -> None:
    source = SyntheticSource(KERNEL)
    for number, name in enumerate(names, 3):
        source.poke_field(AT, type_name, name, number)
    assert read(source, AT) == AttributeList(AT, tuple((name, number) for number, name in enumerate(names, 3)))
    assert read(source, 0) is None
    gone = Unreadable(AT, "paged out")
    assert read(source, gone) is gone  # the pointer itself could not be read


def problems(source: SyntheticSource, key: str = "notepad") -> "tuple[str, ...]":
    token = decode_token(source, KERNEL.tokens[key], NAMES)
    assert isinstance(token, Token)
    return token.problems


@pytest.mark.parametrize("name", ["TokenLock", "SessionObject", "IndexEntry", "TrustLinkedToken"])
@pytest.mark.parametrize(
    "value, wrong",
    [
        (0, False),
        (0xFFFF8B8E349CD270, False),
        (0xFF00000000000010, False),  # kernels of five levels of page tables begin here
        (0xFFFF8B8E349CD274, True),
        (0x7FFE8B8E349CD270, True),
        (0xBFFF8B8E349CD270, True),
        (1, True),
    ],
)
def test_a_pointer_that_leads_nowhere_is_said(name: str, value: int, wrong: bool) -> None:
    found = problems(SyntheticSource(KERNEL).poke_field(KERNEL.tokens["notepad"], "_TOKEN", name, value))
    assert found == (("%s is 0x%x, which is no address of the kernel's" % (name, value),) if wrong else ())


def test_the_number_of_another_package_is_said() -> None:
    token = decode_token(SyntheticSource(KERNEL), KERNEL.tokens["calculator"], NAMES)
    assert isinstance(token, Token) and token.problems == () and token.lowbox_number
    # The package's own SID gets another last number: the entry still has the old one.
    source = SyntheticSource(KERNEL)
    at = KERNEL.pointer_at("_TOKEN", token.address, "LowboxNumberEntry")
    own = KERNEL.pointer_at("_SEP_LOWBOX_NUMBER_ENTRY", at, "PackageSid")
    source.poke(AT, source.read(own, 8 + 4 * source.read(own + 1, 1)[0])[:-1] + b"\x01")
    source.poke_field(token.address, "_TOKEN", "Package", AT)
    (said,) = problems(source, "calculator")
    assert said.startswith("LowboxNumberEntry is that of package %s, and Package is S-1-15-2-" % token.package)
    # Where the entry's SID cannot be read nothing is said.
    source.poke_field(at, "_SEP_LOWBOX_NUMBER_ENTRY", "PackageSid", AT + 0x10000)
    assert problems(source, "calculator") == ()


class Narrow(SyntheticSource):
    """A kernel whose _TOKEN has these pointers four bytes wide, as x86 has them."""

    def layout(self, name: str) -> Layout:
        whole = super().layout(name)
        if name != "_TOKEN":
            return whole
        fields = [Field(f.name, f.offset, "Ptr32 Void") if f.name == "SessionObject" else f for f in whole.fields]
        return make_layout(name, whole.size, fields)


@pytest.mark.parametrize(
    "value, wrong",
    [(0, False), (0x80000000, False), (0xFFFFFFFC, False), (0x7FFFFFFC, True), (0x80000002, True), (0x80000001, True)],
)
def test_an_x86_kernel_lies_in_the_upper_half_aligned_to_its_pointers(value: int, wrong: bool) -> None:
    source = Narrow(KERNEL)
    at = KERNEL.tokens["notepad"]
    source.poke(at + source.layout("_TOKEN").field("SessionObject").offset, value.to_bytes(4, "little"))
    found = token_parts.no_pointers(read_structure(source, "_TOKEN", at))
    assert found == (["SessionObject is 0x%x, which is no address of the kernel's" % value] if wrong else [])


@pytest.mark.parametrize(
    "value, wrong",
    [(0xFF00000000000000, False), (0xFEFFFFFFFFFFFFF8, True), (0xFFFFFFFFFFFFFFF8, False), (0xFFFF8B8E349CD278, False)],
)
def test_an_x64_kernel_lies_in_the_highest_2_56_bytes(value: int, wrong: bool) -> None:
    found = problems(SyntheticSource(KERNEL).poke_field(KERNEL.tokens["notepad"], "_TOKEN", "SessionObject", value))
    assert bool(found) is wrong


@pytest.mark.parametrize("name", token_parts.POINTERS)
def test_each_pointer_that_is_not_followed_is_looked_at(name: str) -> None:
    source = SyntheticSource(KERNEL)
    source.poke_field(KERNEL.tokens["notepad"], "_TOKEN", name, 0x1001)
    found = token_parts.no_pointers(read_structure(source, "_TOKEN", KERNEL.tokens["notepad"]))
    assert found == ["%s is 0x1001, which is no address of the kernel's" % name]


def test_a_hash_and_the_list_that_it_is_of() -> None:
    source = SyntheticSource(KERNEL)
    at = KERNEL.tokens["calculator"]
    for path, member in (("SidHash", "UserAndGroups"), ("RestrictedSidHash", "RestrictedSids"), ("CapabilitiesHash", "Capabilities")):  # fmt: skip
        source.poke_field(at, "_TOKEN", path + ".SidCount", 7)
        source.poke_field(at, "_TOKEN", path + ".SidAttr", 0x1230)
        found = token_parts.read_hash(read_structure(source, "_TOKEN", at), path)
        assert isinstance(found, SidHash) and (found.count, found.sid_attr, len(found.words)) == (7, 0x1230, 32)
        assert found.list_at == KERNEL.pointer_at("_TOKEN", at, member)
    lacking = SyntheticSource(KERNEL).without_field("_SID_AND_ATTRIBUTES_HASH", "SidAttr")
    found = token_parts.read_hash(read_structure(lacking, "_TOKEN", at), "SidHash")
    assert found == Absent("_TOKEN.SidHash.SidAttr")
    lacking = SyntheticSource(KERNEL).without_field("_SID_AND_ATTRIBUTES_HASH", "Hash")
    assert isinstance(token_parts.read_hash(read_structure(lacking, "_TOKEN", at), "SidHash"), Absent)


def test_an_acl_where_the_pointer_leads() -> None:
    source = SyntheticSource(KERNEL)
    source.poke(AT, bytes.fromhex("0200 0800 0000 0000"))  # revision 2, eight bytes, no ACE
    assert token_parts.read_acl(source, AT) == Acl.build(())
    assert token_parts.read_acl(source, 0) is None
    gone = Unreadable(AT, "paged out")
    assert token_parts.read_acl(source, gone) is gone
    assert token_parts.read_acl(source, AT + 0x100000) == Unreadable(AT + 0x100000, "not mapped")
    source.poke(AT + 2, b"\7")
    said = token_parts.read_acl(source, AT)
    assert isinstance(said, Unreadable) and said.address == AT and "AclSize (byte 2) is 7" in said.reason


def test_who_made_a_token() -> None:
    kind = "_SEP_TOKEN_DIAG_TRACK_ENTRY"
    source = SyntheticSource(KERNEL)
    assert source.layout(kind).has("ThreadCid")
    for name, value in (("ProcessCid", 0x10), ("ThreadCid", 0x14), ("CreateMethod", 3), ("Count", 5), ("CaptureCount", 0xFFFFFFFF)):  # fmt: skip
        source.poke_field(AT, kind, name, value)
    source.poke(AT + source.layout(kind).field("ImageFileName").offset, b"lsass.exe\0")
    assert token_parts.read_diagnostics(source, AT) == Diagnostics(AT, 0x10, 0x14, "lsass.exe", 3, 5, -1)
    assert token_parts.read_diagnostics(source, 0) is None
    assert token_parts.read_diagnostics(source.without_type(kind), AT) == Absent(kind)


def test_a_build_that_keeps_no_package_in_its_entry_blames_nobody() -> None:
    kind = "_SEP_LOWBOX_NUMBER_ENTRY"
    declared = MACHINE.tokens["calculator"].lowbox_number
    for source, number in (
        (SyntheticSource(KERNEL).without_type(kind), Absent(kind)),
        (SyntheticSource(KERNEL).without_field(kind, "PackageSid"), declared),
    ):
        token = decode_token(source, KERNEL.tokens["calculator"], NAMES)
        assert isinstance(token, Token) and (token.problems, token.lowbox_number) == ((), number)
