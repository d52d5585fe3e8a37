"""What hangs on a token by pointers: the counts of its lists of claims and security attributes."""

from typing import Any

import pytest

from kdtoken.decode import token_parts
from kdtoken.decode.token import decode_token
from kdtoken.model.absent import Unreadable
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import AttributeList, Token
from tests.expected import WINDOWS_11, kernel_of
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
