"""What hangs on a token by pointers: the counts of its lists of claims and security attributes."""

from typing import Any

import pytest

from kdtoken.decode import token_parts
from kdtoken.model.absent import Unreadable
from kdtoken.model.token import AttributeList
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
