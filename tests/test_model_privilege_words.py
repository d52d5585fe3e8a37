"""Privileges told: every one has words of its own, and is found by what people type."""

from typing import Tuple

import pytest

from kdtoken import dump
from kdtoken.errors import UsageError
from kdtoken.model.privilege import NAMES, NUMBERS, SENSITIVE
from kdtoken.model.privilege_words import _ORDINARY, find_privilege, words_of
from tests.sessions import MACHINE_22000

MACHINE = str(MACHINE_22000)


def test_every_privilege_has_words_of_its_own() -> None:
    assert set(_ORDINARY) | set(SENSITIVE) == set(NUMBERS) and not set(_ORDINARY) & set(SENSITIVE)
    assert len({words_of(name) for name in NUMBERS}) == len(NUMBERS) == 35


@pytest.mark.parametrize("number, name", sorted(NAMES.items()))
def test_a_privilege_is_found_by_name_short_name_and_number(number: int, name: str) -> None:
    short = name[2:-9]
    for text in (name, name.lower(), name.upper(), name[:-9], short, short.upper(), "%d" % number, "0x%x" % number):
        assert find_privilege(text) == name, text


@pytest.mark.parametrize(
    "text, near", [("SeDebgPrivilege", "SeDebugPrivilege"), ("0", "explain all"), ("64", "explain all"), ("", "all")]
)
def test_what_is_none_gets_near_names(text: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_privilege(text)
    assert near in caught.value.next_step


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Tuple[int, str, str]:
    code = dump.main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "process, privilege, wanted",
    [
        ("1120", "debug", "svchost.exe (1120): held and on, on by default"),
        ("1120", "backup", "svchost.exe (1120): held and off, off by default"),
        ("notepad.exe", "debug", "notepad.exe (6104): not held"),
        ("6020", "debug", "OneDrive.exe (6020): ?? unreadable at 0x"),
        ("whoami.exe", "debug", "whoami.exe (6560): there is no token"),
    ],
)
def test_how_it_stands_in_a_token(
    process: str, privilege: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, MACHINE, process, "--explain", privilege)
    assert code == 0 and wanted in out, out


def test_without_a_process_nothing_is_opened(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--explain", "SeDebugPrivilege")
    assert code == 0 and out.split("\n")[:2] == [
        "SeDebugPrivilege  (20, 0x14)",
        "  who holds it can open any process that is not protected, whatever its DACL",
    ]
    code, out, _ = said(capsys, "--explain", "all")
    assert code == 0 and all(name in out for name in NUMBERS)
    code, _, err = said(capsys, "--explain", "SeDebgPrivilege")
    assert code == 2 and "near: SeDebugPrivilege" in err


# Words of what secpol.msc and "Privilege Constants" (learn.microsoft.com) call each.
CALLED = {
    "SeAssignPrimaryToken": "start a process under another",
    "SeAudit": "entries into the security log",
    "SeBackup": "read any file",
    "SeChangeNotify": "directories without a check",
    "SeCreateGlobal": "global namespace",
    "SeCreatePagefile": "paging file",
    "SeCreatePermanent": "stay when nobody",
    "SeCreateSymbolicLink": "links in file systems",
    "SeCreateToken": "make a token",
    "SeDebug": "open any process",
    "SeDelegateSessionUserImpersonate": "another user of the same session",
    "SeEnableDelegation": "trusted for delegation",
    "SeImpersonate": "act as any client",
    "SeIncreaseBasePriority": "priority",
    "SeIncreaseQuota": "quota",
    "SeIncreaseWorkingSet": "working set",
    "SeLoadDriver": "driver",
    "SeLockMemory": "physical memory",
    "SeMachineAccount": "computer to the domain",
    "SeManageVolume": "volume",
    "SeProfileSingleProcess": "profiling data of a process",
    "SeRelabel": "integrity label",
    "SeRemoteShutdown": "over the network",
    "SeRestore": "write any file",
    "SeSecurity": "SACL",
    "SeShutdown": "shut the local system down",
    "SeSyncAgent": "property of the directory",
    "SeSystemEnvironment": "firmware",
    "SeSystemProfile": "of the whole system",
    "SeSystemtime": "clock",
    "SeTakeOwnership": "become owner",
    "SeTcb": "part of the operating system",
    "SeTimeZone": "time zone",
    "SeTrustedCredManAccess": "Credential Manager",
    "SeUndock": "docking station",
}


def test_the_words_of_a_privilege_are_its_own() -> None:
    assert {name + "Privilege" for name in CALLED} == set(NUMBERS)
    for name, called in CALLED.items():
        assert [one for one in NUMBERS if called in words_of(one)] == [name + "Privilege"], called
