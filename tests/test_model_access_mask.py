"""Access masks: [MS-DTYP] 2.4.3 and the headers' specific rights."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.model.access_mask import ALL_ACCESS, GENERIC, SPECIFIC, STANDARD, mask_words


@pytest.mark.parametrize(
    "mask, kind, words",
    [
        (0, "", ()),
        (0x10000000, "", ("GENERIC_ALL",)),
        (0xA0000000, "", ("GENERIC_READ", "GENERIC_EXECUTE")),  # what a default DACL gives Everyone
        (0x03000000, "", ("MAXIMUM_ALLOWED", "ACCESS_SYSTEM_SECURITY")),
        # FILE_GENERIC_READ
        (0x00120089, "file", ("SYNCHRONIZE", "READ_CONTROL", "READ_DATA", "READ_EA", "READ_ATTRIBUTES")),
        (0x000F01FF, "token", ("ALL_ACCESS",)),
        (0x000F01FF, "Token", ("ALL_ACCESS",)),
        (0x00020008, "Token", ("READ_CONTROL", "QUERY")),
        (0x0008, "token", ("QUERY",)),
        (0x001FFFFF, "process", ("ALL_ACCESS",)),
        (0x1410, "process", ("VM_READ", "QUERY_INFORMATION", "QUERY_LIMITED_INFORMATION")),
        (0x0200, "thread", ("DIRECT_IMPERSONATION",)),
        (0x00020019, "key", ("READ_CONTROL", "QUERY_VALUE", "ENUMERATE_SUB_KEYS", "NOTIFY")),  # KEY_READ
        (0x0004, "section", ("MAP_READ",)),
        (0x3, "no such type", ("0x3",)),
        (0x00028000, "event", ("READ_CONTROL", "0x8000")),
    ],
)
def test_words(mask: int, kind: str, words: "tuple[str, ...]") -> None:
    assert mask_words(mask, kind) == words


# The headers' constants, spelled again: mingw-w64's winnt.h, winuser.h and wdm.h, without the type in front; for what
# these do not have (THREAD_ALERT, THREAD_RESUME, PROCESS_SET_LIMITED_INFORMATION, partitions, keyed events, ALPC ports,
# SYMBOLIC_LINK_SET) today's winnt.h, ntobapi.h and ntlpcapi.h.
RIGHTS = {
    "token": "ASSIGN_PRIMARY 1 DUPLICATE 2 IMPERSONATE 4 QUERY 8 QUERY_SOURCE 10 ADJUST_PRIVILEGES 20 ADJUST_GROUPS 40 "
    "ADJUST_DEFAULT 80 ADJUST_SESSIONID 100 ALL_ACCESS F01FF",
    "process": "TERMINATE 1 CREATE_THREAD 2 SET_SESSIONID 4 VM_OPERATION 8 VM_READ 10 VM_WRITE 20 DUP_HANDLE 40 "
    "CREATE_PROCESS 80 SET_QUOTA 100 SET_INFORMATION 200 QUERY_INFORMATION 400 SUSPEND_RESUME 800 "
    "QUERY_LIMITED_INFORMATION 1000 SET_LIMITED_INFORMATION 2000 ALL_ACCESS 1FFFFF",
    "thread": "TERMINATE 1 SUSPEND_RESUME 2 ALERT 4 GET_CONTEXT 8 SET_CONTEXT 10 SET_INFORMATION 20 QUERY_INFORMATION 40 "
    "SET_THREAD_TOKEN 80 IMPERSONATE 100 DIRECT_IMPERSONATION 200 SET_LIMITED_INFORMATION 400 "
    "QUERY_LIMITED_INFORMATION 800 RESUME 1000 ALL_ACCESS 1FFFFF",
    "job": "ASSIGN_PROCESS 1 SET_ATTRIBUTES 2 QUERY 4 TERMINATE 8 SET_SECURITY_ATTRIBUTES 10 IMPERSONATE 20 "
    "ALL_ACCESS 1F003F",
    "file": "READ_DATA 1 WRITE_DATA 2 APPEND_DATA 4 READ_EA 8 WRITE_EA 10 EXECUTE 20 DELETE_CHILD 40 READ_ATTRIBUTES 80 "
    "WRITE_ATTRIBUTES 100 ALL_ACCESS 1F01FF",
    "file directory": "LIST_DIRECTORY 1 ADD_FILE 2 ADD_SUBDIRECTORY 4 READ_EA 8 WRITE_EA 10 TRAVERSE 20 DELETE_CHILD 40 "
    "READ_ATTRIBUTES 80 WRITE_ATTRIBUTES 100 ALL_ACCESS 1F01FF",
    "key": "QUERY_VALUE 1 SET_VALUE 2 CREATE_SUB_KEY 4 ENUMERATE_SUB_KEYS 8 NOTIFY 10 CREATE_LINK 20 WOW64_64KEY 100 "
    "WOW64_32KEY 200 ALL_ACCESS F003F",
    "section": "QUERY 1 MAP_WRITE 2 MAP_READ 4 MAP_EXECUTE 8 EXTEND_SIZE 10 MAP_EXECUTE_EXPLICIT 20 ALL_ACCESS F001F",
    "event": "QUERY_STATE 1 MODIFY_STATE 2 ALL_ACCESS 1F0003",
    "mutant": "QUERY_STATE 1 ALL_ACCESS 1F0001",
    "semaphore": "QUERY_STATE 1 MODIFY_STATE 2 ALL_ACCESS 1F0003",
    "timer": "QUERY_STATE 1 MODIFY_STATE 2 ALL_ACCESS 1F0003",
    "keyedevent": "WAIT 1 WAKE 2 ALL_ACCESS F0003",
    "iocompletion": "QUERY_STATE 1 MODIFY_STATE 2 ALL_ACCESS 1F0003",
    "directory": "QUERY 1 TRAVERSE 2 CREATE_OBJECT 4 CREATE_SUBDIRECTORY 8 ALL_ACCESS F000F",
    "symboliclink": "QUERY 1 SET 2 ALL_ACCESS F0001",
    "type": "CREATE 1 ALL_ACCESS F0001",
    "alpc port": "CONNECT 1 ALL_ACCESS 1F0001",
    "partition": "QUERY 1 MODIFY 2 ALL_ACCESS 1F0003",
    "windowstation": "ENUMDESKTOPS 1 READATTRIBUTES 2 ACCESSCLIPBOARD 4 CREATEDESKTOP 8 WRITEATTRIBUTES 10 "
    "ACCESSGLOBALATOMS 20 EXITWINDOWS 40 ENUMERATE 100 READSCREEN 200 ALL_ACCESS F037F",
    "desktop": "READOBJECTS 1 CREATEWINDOW 2 CREATEMENU 4 HOOKCONTROL 8 JOURNALRECORD 10 JOURNALPLAYBACK 20 ENUMERATE 40 "
    "WRITEOBJECTS 80 SWITCHDESKTOP 100 ALL_ACCESS F01FF",
    "service": "QUERY_CONFIG 1 CHANGE_CONFIG 2 QUERY_STATUS 4 ENUMERATE_DEPENDENTS 8 START 10 STOP 20 PAUSE_CONTINUE 40 "
    "INTERROGATE 80 USER_DEFINED_CONTROL 100 ALL_ACCESS F01FF",  # these two: winsvc.h
    "scmanager": "CONNECT 1 CREATE_SERVICE 2 ENUMERATE_SERVICE 4 LOCK 8 QUERY_LOCK_STATUS 10 MODIFY_BOOT_CONFIG 20 "
    "ALL_ACCESS F003F",
    "": "GENERIC_READ 80000000 GENERIC_WRITE 40000000 GENERIC_EXECUTE 20000000 GENERIC_ALL 10000000 "
    "MAXIMUM_ALLOWED 2000000 ACCESS_SYSTEM_SECURITY 1000000 SYNCHRONIZE 100000 WRITE_OWNER 80000 WRITE_DAC 40000 "
    "READ_CONTROL 20000 DELETE 10000",
}


@pytest.mark.parametrize("kind", RIGHTS, ids=lambda kind: kind or "any type")
def test_each_right_is_the_headers(kind: str) -> None:
    words = RIGHTS[kind].split()
    told = {name: int(number, 16) for name, number in zip(words[::2], words[1::2])}
    for name, number in told.items():
        assert mask_words(number, kind) == (name,)
    if kind:
        assert told.pop("ALL_ACCESS") == ALL_ACCESS[kind]
        assert told == {name: bit for bit, name in SPECIFIC[kind].items()}


def test_tables_agree() -> None:
    assert set(RIGHTS) - {""} == set(SPECIFIC)
    assert set(ALL_ACCESS) == set(SPECIFIC)
    for kind, mask in ALL_ACCESS.items():
        # ALL_ACCESS is standard rights and specific ones, and covers every specific right that has a name but the
        # two that the header leaves out of it.
        assert mask & 0xF0000 == 0xF0000
        missing = {name for bit, name in SPECIFIC[kind].items() if not mask & bit}
        assert missing <= {"MAP_EXECUTE_EXPLICIT", "WOW64_64KEY", "WOW64_32KEY", "SET"}


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(SPECIFIC)))
def test_no_bit_is_lost(mask: int, kind: str) -> None:
    values = {name: bit for table in (GENERIC, STANDARD, SPECIFIC[kind]) for bit, name in table.items()}
    values["ALL_ACCESS"] = ALL_ACCESS[kind]
    words = mask_words(mask, kind)
    assert reduce(lambda a, b: a | b, (values[w] if w in values else int(w, 16) for w in words), 0) == mask
