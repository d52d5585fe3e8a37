"""Privileges: numbers of wdm.h SE_*_PRIVILEGE, and the three masks of _SEP_TOKEN_PRIVILEGES."""

import itertools

from kdtoken.model.privilege import (
    NAMES,
    NUMBERS,
    SENSITIVE,
    Privilege,
    privileges_of,
)

# wdm.h SE_*_PRIVILEGE from 2 up, without Se and Privilege; the spelling is that of winnt.h SE_*_NAME.
FROM_2 = (
    "CreateToken AssignPrimaryToken LockMemory IncreaseQuota MachineAccount Tcb Security TakeOwnership LoadDriver "
    "SystemProfile Systemtime ProfileSingleProcess IncreaseBasePriority CreatePagefile CreatePermanent Backup Restore "
    "Shutdown Debug Audit SystemEnvironment ChangeNotify RemoteShutdown Undock SyncAgent EnableDelegation ManageVolume "
    "Impersonate CreateGlobal TrustedCredManAccess Relabel IncreaseWorkingSet TimeZone CreateSymbolicLink "
    "DelegateSessionUserImpersonate"
)


def test_numbers() -> None:
    assert NAMES == {number: "Se%sPrivilege" % word for number, word in enumerate(FROM_2.split(), 2)}
    assert NUMBERS == {name: number for number, name in NAMES.items()} and len(NUMBERS) == 35
    assert NUMBERS["SeDebugPrivilege"] == 20 and NUMBERS["SeImpersonatePrivilege"] == 29


def test_sensitive_holds_what_uac_filters_for() -> None:
    # MSDN Magazine, January 2007: holding one of these makes UAC create a filtered token.
    for word in "CreateToken Tcb TakeOwnership Backup Restore Debug Impersonate Relabel".split():
        assert "Se{}Privilege".format(word) in SENSITIVE
    assert set(SENSITIVE) <= set(NUMBERS)
    assert "SeChangeNotifyPrivilege" not in SENSITIVE  # everyone holds it


def test_states() -> None:
    present, enabled, default = 1 << 20 | 1 << 23, 1 << 23, 1 << 23 | 1 << 17
    backup, debug, notify = privileges_of(present, enabled, default)
    assert backup == Privilege(17, "SeBackupPrivilege", False, False, True)
    assert backup.removed and backup.words == ("Removed",) and backup.attributes == 0x1
    assert debug.words == ("Disabled",) and debug.attributes == 0 and not debug.removed
    assert debug.danger is not None and "open any process" in debug.danger
    assert notify.words == ("Enabled", "Default") and notify.attributes == 0x3 and notify.danger is None


def test_enabled_without_present_is_shown() -> None:
    # The mark of a token patched by hand: the kernel itself never leaves this.
    (debug,) = privileges_of(0, 1 << 20, 0)
    assert debug.words == ("NotPresent", "Enabled")


def test_unknown_bits_are_kept() -> None:
    assert [p.name for p in privileges_of(1 << 61 | 1, 0, 0)] == [
        "privilege 0 (no name known)",
        "privilege 61 (no name known)",
    ]
    (one,) = privileges_of(1 << 61, 0, 0, {61: "SeFuturePrivilege"})
    assert one.name == "SeFuturePrivilege"


def test_no_bits() -> None:
    assert privileges_of(0, 0, 0) == ()
    assert len(privileges_of((1 << 64) - 1, 0, 0)) == 64


def test_removed_is_default_and_no_longer_held() -> None:
    """Every combination of the three bits; only one of them is a removal."""
    for present, enabled, default in itertools.product((False, True), repeat=3):
        assert Privilege(20, "SeDebugPrivilege", present, enabled, default).removed is (default and not present)
    assert Privilege(20, "SeDebugPrivilege", False, False, True).words == ("Removed",)
    assert Privilege(20, "SeDebugPrivilege", False, True, False).words == ("NotPresent", "Enabled")
    assert Privilege(20, "SeDebugPrivilege", False, False, False).words == ("NotPresent",)


def test_attributes_are_those_of_winnt() -> None:
    """SE_PRIVILEGE_ENABLED_BY_DEFAULT 1, SE_PRIVILEGE_ENABLED 2, as GetTokenInformation gives them."""
    states = itertools.product((False, True), repeat=2)
    found = [Privilege(20, "SeDebugPrivilege", True, on, default).attributes for on, default in states]
    assert found == [0, 1, 2, 3]


def test_bits_0_to_63_and_no_more() -> None:
    every = privileges_of((1 << 70) - 1, 0, 0)
    assert [one.number for one in every] == list(range(64))
