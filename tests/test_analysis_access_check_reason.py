"""Why a bit was granted or not: winnt.h's ACCESS_REASON_TYPE, its data, and the words of event 4656."""

from typing import Optional

import pytest

from kdtoken.analysis.access_check.reason import UNCHECKED, Reason, ReasonType


@pytest.mark.parametrize(
    "type_, data, value, grants, ace, words",
    [
        # ACCESS_REASON_TYPE of winnt.h; the low 16 bits are the ACE's index, or the privilege's number.
        (ReasonType.NONE, 0, 0x0, False, None, "unknown or unchecked"),
        (ReasonType.ALLOWED_ACE, 3, 0x10003, True, 3, "granted by ACE 3"),
        (ReasonType.DENIED_ACE, 3, 0x20003, False, 3, "denied by ACE 3"),
        (ReasonType.ALLOWED_PARENT_ACE, 0, 0x30000, True, None, "allowed-parent-ace"),
        (ReasonType.DENIED_PARENT_ACE, 0, 0x40000, False, None, "denied-parent-ace"),
        (ReasonType.NOT_GRANTED_BY_CAPE, 0, 0x50000, False, None, "not granted by the central access policy"),
        (ReasonType.NOT_GRANTED_BY_PARENT_CAPE, 0, 0x60000, False, None, "not-granted-by-parent-cape"),
        (ReasonType.NOT_GRANTED_TO_APPCONTAINER, 0, 0x70000, False, None, "not granted to the AppContainer"),
        (ReasonType.MISSING_PRIVILEGE, 8, 0x100008, False, None, "not granted, for want of SeSecurityPrivilege"),
        (ReasonType.FROM_PRIVILEGE, 20, 0x200014, True, None, "granted by SeDebugPrivilege"),
        (ReasonType.FROM_PRIVILEGE, 60, 0x20003C, True, None, "granted by privilege 60"),
        (ReasonType.INTEGRITY, 0, 0x300000, False, None, "denied by the integrity policy check"),
        (ReasonType.OWNERSHIP, 0, 0x400000, True, None, "granted by ownership"),
        (ReasonType.NULL_DACL, 0, 0x500000, True, None, "granted by a null DACL"),
        (ReasonType.EMPTY_DACL, 0, 0x600000, False, None, "not granted by an empty DACL"),
        (ReasonType.NO_SD, 0, 0x700000, True, None, "granted for want of a security descriptor"),
        (ReasonType.NO_GRANT, 0, 0x800000, False, None, "not granted"),
        (ReasonType.TRUST_LABEL, 2, 0x900002, False, 2, "denied by the process trust label (SACL ACE 2)"),
        (ReasonType.FILTER_ACE, 2, 0xA00002, False, 2, "denied by the access filter (SACL ACE 2)"),
    ],
)
def test_every_reason(type_: ReasonType, data: int, value: int, grants: bool, ace: Optional[int], words: str) -> None:
    one = Reason(type_, data)
    assert (one.value, one.grants, one.ace, one.words) == (value, grants, ace, words)
    assert Reason(type_, data, "a note").words == words + ": a note"
    assert type_.word == type_.name.lower().replace("_", "-")


def test_there_are_no_others_and_data_has_sixteen_bits() -> None:
    assert len(ReasonType) == 18 and UNCHECKED == Reason(ReasonType.NONE, 0, "")
    assert Reason(ReasonType.ALLOWED_ACE, 0x1FFFF).value == 0x1FFFF
    assert Reason(ReasonType.DENIED_ACE, 0x10001).value == 0x20001
