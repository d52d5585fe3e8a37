"""Rights as .NET and icacls spell them: each word's bits, and what is no word of theirs."""

from typing import Tuple

import pytest

from kdtoken.view.descriptor.header_rights import HeaderRights
from kdtoken.view.descriptor.rights import FILE_RIGHTS, ICACLS_RIGHTS, KEY_RIGHTS, mask_of

# learn.microsoft.com, "FileSystemRights Enum" and "RegistryRights Enum": the values as they stand there, in decimal.
DOCUMENTED_FILE = {
    "AppendData": 4,
    "ChangePermissions": 262144,
    "CreateDirectories": 4,
    "CreateFiles": 2,
    "Delete": 65536,
    "DeleteSubdirectoriesAndFiles": 64,
    "ExecuteFile": 32,
    "FullControl": 2032127,
    "ListDirectory": 1,
    "Modify": 197055,
    "Read": 131209,
    "ReadAndExecute": 131241,
    "ReadAttributes": 128,
    "ReadData": 1,
    "ReadExtendedAttributes": 8,
    "ReadPermissions": 131072,
    "Synchronize": 1048576,
    "TakeOwnership": 524288,
    "Traverse": 32,
    "Write": 278,
    "WriteAttributes": 256,
    "WriteData": 2,
    "WriteExtendedAttributes": 16,
}
DOCUMENTED_KEY = {
    "ChangePermissions": 262144,
    "CreateLink": 32,
    "CreateSubKey": 4,
    "Delete": 65536,
    "EnumerateSubKeys": 8,
    "ExecuteKey": 131097,
    "FullControl": 983103,
    "Notify": 16,
    "QueryValues": 1,
    "ReadKey": 131097,
    "ReadPermissions": 131072,
    "SetValue": 2,
    "TakeOwnership": 524288,
    "WriteKey": 131078,
}
# `icacls /?` names the rights; winnt.h has their bits.
DOCUMENTED_ICACLS = {
    "DE": "DELETE",
    "RC": "READ_CONTROL",
    "WDAC": "WRITE_DAC",
    "WO": "WRITE_OWNER",
    "S": "SYNCHRONIZE",
    "AS": "ACCESS_SYSTEM_SECURITY",
    "MA": "MAXIMUM_ALLOWED",
    "GR": "GENERIC_READ",
    "GW": "GENERIC_WRITE",
    "GE": "GENERIC_EXECUTE",
    "GA": "GENERIC_ALL",
    "RD": "FILE_READ_DATA",
    "WD": "FILE_WRITE_DATA",
    "AD": "FILE_APPEND_DATA",
    "REA": "FILE_READ_EA",
    "WEA": "FILE_WRITE_EA",
    "X": "FILE_EXECUTE",
    "DC": "FILE_DELETE_CHILD",
    "RA": "FILE_READ_ATTRIBUTES",
    "WA": "FILE_WRITE_ATTRIBUTES",
    "F": "FILE_ALL_ACCESS",
}


def header(*words: str) -> int:
    rights = HeaderRights()
    assert all([rights.add(word) for word in words])
    return rights.mask


def test_the_rights_of_dot_net_are_as_documented() -> None:
    assert FILE_RIGHTS == DOCUMENTED_FILE and KEY_RIGHTS == DOCUMENTED_KEY


def test_the_words_of_icacls_are_the_rights_that_its_help_names() -> None:
    for word, name in DOCUMENTED_ICACLS.items():
        if name not in ("ACCESS_SYSTEM_SECURITY", "MAXIMUM_ALLOWED"):
            assert ICACLS_RIGHTS[word] == header(name), word
    assert (ICACLS_RIGHTS["AS"], ICACLS_RIGHTS["MA"]) == (0x01000000, 0x02000000)  # winnt.h
    # The simple rights are .NET's of that name, with SYNCHRONIZE.
    for word, name in {"M": "Modify", "RX": "ReadAndExecute", "R": "Read", "W": "Write", "D": "Delete"}.items():
        assert ICACLS_RIGHTS[word] == DOCUMENTED_FILE[name] | 0x100000, word
    assert set(ICACLS_RIGHTS) == set(DOCUMENTED_ICACLS) | set("M RX R W D".split())


def test_rights_are_a_union_of_words_and_numbers() -> None:
    assert mask_of("ReadKey, SetValue", KEY_RIGHTS) == 0x2001B
    assert mask_of("268435456", FILE_RIGHTS) == 0x10000000
    assert mask_of("-1610612736, Read", FILE_RIGHTS) == 0xA0020089  # a signed number, as .NET prints generic bits
    assert mask_of("ReadKey, Nothing", KEY_RIGHTS) is None and mask_of("", KEY_RIGHTS) is None
    assert mask_of("1" * 20, KEY_RIGHTS) is None  # more digits than any such number has
    assert mask_of("0000000000000000001", KEY_RIGHTS) == 1


@pytest.mark.parametrize(
    ("words", "mask", "kind"),
    [  # winnt.h, winsvc.h, winuser.h
        (("FILE_READ_DATA",), 0x1, "file"),
        (("FILE_LIST_DIRECTORY",), 0x1, "file directory"),
        (("FILE_ALL_ACCESS",), 0x1F01FF, "file"),
        (("FILE_GENERIC_READ",), 0x120089, "file"),
        (("FILE_GENERIC_WRITE",), 0x120116, "file"),
        (("FILE_GENERIC_EXECUTE",), 0x1200A0, "file"),
        (("KEY_READ",), 0x20019, "key"),
        (("KEY_WRITE",), 0x20006, "key"),
        (("KEY_EXECUTE",), 0x20019, "key"),
        (("KEY_ALL_ACCESS",), 0xF003F, "key"),
        (("MUTEX_MODIFY_STATE",), 0x1, "mutant"),
        (("MUTEX_ALL_ACCESS",), 0x1F0001, "mutant"),
        (("SERVICE_START", "READ_CONTROL"), 0x20010, "service"),
        (("SC_MANAGER_CONNECT",), 0x1, "scmanager"),
        (("JOB_OBJECT_TERMINATE",), 0x8, "job"),
        (("SYMBOLIC_LINK_QUERY",), 0x1, "symboliclink"),
        (("WINSTA_ENUMDESKTOPS",), 0x1, "windowstation"),
        (("TOKEN_DUPLICATE", "TOKEN_QUERY"), 0xA, "token"),
        (("PROCESS_TERMINATE",), 0x1, "process"),
        (("DELETE", "SYNCHRONIZE", "GENERIC_ALL"), 0x10110000, ""),
        (("0x200", "SERVICE_STOP"), 0x220, "service"),
        (("SERVICE_STOP", "KEY_READ"), 0x20039, ""),  # of no one type
    ],
)
def test_words_of_the_headers_are_bits_and_tell_the_type(words: Tuple[str, ...], mask: int, kind: str) -> None:
    rights = HeaderRights()
    assert all([rights.add(word) for word in words])
    assert (rights.mask, rights.words, rights.unknown, HeaderRights.type_of([rights])) == (mask, len(words), [], kind)


def test_a_word_that_no_header_has_counts_and_is_named() -> None:
    rights = HeaderRights()
    assert not rights.add("SERVICE_PAINT") and rights.add("SERVICE_STOP")
    assert (rights.words, rights.unknown, rights.mask) == (2, ["SERVICE_PAINT"], 0x20)
    assert HeaderRights.type_of([HeaderRights(), rights]) == "service" and HeaderRights.type_of([]) == ""
