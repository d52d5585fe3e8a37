"""Access masks (``ACCESS_MASK``, 32 bits) as words: generic, standard and, for a known object type, specific rights.

[MS-DTYP] 2.4.3 lays out the bits. The specific rights are those of winnt.h, winuser.h and, for the object manager's
own types, wdm.h and phnt (ntobapi.h, ntexapi.h, ntpsapi.h, ntlpcapi.h). The types are named as the kernel names its
object types, in lower case; a directory of the file system is ``file directory``.
"""

from __future__ import annotations

from typing import Dict, Tuple

# [MS-DTYP] 2.4.3, highest bits; and winnt.h ACCESS_SYSTEM_SECURITY, MAXIMUM_ALLOWED.
GENERIC: Dict[int, str] = {
    0x80000000: "GENERIC_READ",
    0x40000000: "GENERIC_WRITE",
    0x20000000: "GENERIC_EXECUTE",
    0x10000000: "GENERIC_ALL",
    0x02000000: "MAXIMUM_ALLOWED",
    0x01000000: "ACCESS_SYSTEM_SECURITY",
}
STANDARD: Dict[int, str] = {
    0x00100000: "SYNCHRONIZE",
    0x00080000: "WRITE_OWNER",
    0x00040000: "WRITE_DAC",
    0x00020000: "READ_CONTROL",
    0x00010000: "DELETE",
}


def _bits(text: str) -> Dict[int, str]:
    """Names for bits 0, 1, 2 ...; a dot stands for a bit that has none."""
    return {1 << bit: name for bit, name in enumerate(text.split()) if name != "."}


# Low 16 bits by object type, from bit 0 up.
SPECIFIC: Dict[str, Dict[int, str]] = {
    "token": _bits(
        "ASSIGN_PRIMARY DUPLICATE IMPERSONATE QUERY QUERY_SOURCE ADJUST_PRIVILEGES ADJUST_GROUPS ADJUST_DEFAULT "
        "ADJUST_SESSIONID"
    ),
    "process": _bits(
        "TERMINATE CREATE_THREAD SET_SESSIONID VM_OPERATION VM_READ VM_WRITE DUP_HANDLE CREATE_PROCESS SET_QUOTA "
        "SET_INFORMATION QUERY_INFORMATION SUSPEND_RESUME QUERY_LIMITED_INFORMATION SET_LIMITED_INFORMATION"
    ),
    "thread": _bits(
        "TERMINATE SUSPEND_RESUME ALERT GET_CONTEXT SET_CONTEXT SET_INFORMATION QUERY_INFORMATION SET_THREAD_TOKEN "
        "IMPERSONATE DIRECT_IMPERSONATION SET_LIMITED_INFORMATION QUERY_LIMITED_INFORMATION RESUME"
    ),
    "job": _bits("ASSIGN_PROCESS SET_ATTRIBUTES QUERY TERMINATE SET_SECURITY_ATTRIBUTES IMPERSONATE"),
    "file": _bits(
        "READ_DATA WRITE_DATA APPEND_DATA READ_EA WRITE_EA EXECUTE DELETE_CHILD READ_ATTRIBUTES WRITE_ATTRIBUTES"
    ),
    "file directory": _bits(
        "LIST_DIRECTORY ADD_FILE ADD_SUBDIRECTORY READ_EA WRITE_EA TRAVERSE DELETE_CHILD READ_ATTRIBUTES "
        "WRITE_ATTRIBUTES"
    ),
    "key": _bits(
        "QUERY_VALUE SET_VALUE CREATE_SUB_KEY ENUMERATE_SUB_KEYS NOTIFY CREATE_LINK . . WOW64_64KEY WOW64_32KEY"
    ),
    "section": _bits("QUERY MAP_WRITE MAP_READ MAP_EXECUTE EXTEND_SIZE MAP_EXECUTE_EXPLICIT"),
    "event": _bits("QUERY_STATE MODIFY_STATE"),
    "mutant": _bits("QUERY_STATE"),
    "semaphore": _bits("QUERY_STATE MODIFY_STATE"),
    "timer": _bits("QUERY_STATE MODIFY_STATE"),
    "keyedevent": _bits("WAIT WAKE"),
    "iocompletion": _bits("QUERY_STATE MODIFY_STATE"),
    "directory": _bits("QUERY TRAVERSE CREATE_OBJECT CREATE_SUBDIRECTORY"),
    "symboliclink": _bits("QUERY SET"),
    "type": _bits("CREATE"),
    "alpc port": _bits("CONNECT"),
    "partition": _bits("QUERY MODIFY"),
    # Of the service control manager, which guards them itself: no types of the kernel (winsvc.h).
    "service": _bits(
        "QUERY_CONFIG CHANGE_CONFIG QUERY_STATUS ENUMERATE_DEPENDENTS START STOP PAUSE_CONTINUE INTERROGATE "
        "USER_DEFINED_CONTROL"
    ),
    "scmanager": _bits("CONNECT CREATE_SERVICE ENUMERATE_SERVICE LOCK QUERY_LOCK_STATUS MODIFY_BOOT_CONFIG"),
    "windowstation": _bits(
        "ENUMDESKTOPS READATTRIBUTES ACCESSCLIPBOARD CREATEDESKTOP WRITEATTRIBUTES ACCESSGLOBALATOMS EXITWINDOWS . "
        "ENUMERATE READSCREEN"
    ),
    "desktop": _bits(
        "READOBJECTS CREATEWINDOW CREATEMENU HOOKCONTROL JOURNALRECORD JOURNALPLAYBACK ENUMERATE WRITEOBJECTS "
        "SWITCHDESKTOP"
    ),
}

# *_ALL_ACCESS of the same headers (Vista and later values where they grew).
ALL_ACCESS: Dict[str, int] = {
    "token": 0x000F01FF,
    "process": 0x001FFFFF,
    "thread": 0x001FFFFF,
    "job": 0x001F003F,
    "file": 0x001F01FF,
    "file directory": 0x001F01FF,
    "key": 0x000F003F,
    "section": 0x000F001F,
    "event": 0x001F0003,
    "mutant": 0x001F0001,
    "semaphore": 0x001F0003,
    "timer": 0x001F0003,
    "keyedevent": 0x000F0003,
    "iocompletion": 0x001F0003,
    "directory": 0x000F000F,
    "symboliclink": 0x000F0001,
    "type": 0x000F0001,
    "alpc port": 0x001F0001,
    "partition": 0x001F0003,
    "service": 0x000F01FF,
    "scmanager": 0x000F003F,
    "windowstation": 0x000F037F,
    "desktop": 0x000F01FF,
}


def mask_words(mask: int, object_type: str = "") -> Tuple[str, ...]:
    """Words for a mask, highest bits first, ending with one hex word for bits that have no name.

    ``object_type`` (any letter case) chooses the specific rights; unknown or empty leaves them as hex. A mask that
    is exactly the type's ALL_ACCESS is that one word.
    """
    kind = object_type.lower()
    if kind in ALL_ACCESS and mask == ALL_ACCESS[kind]:
        return ("ALL_ACCESS",)
    words = []
    rest = mask
    for table in (GENERIC, STANDARD, SPECIFIC.get(kind, {})):
        for bit, name in table.items():
            if mask & bit:
                words.append(name)
                rest &= ~bit
    if rest:
        words.append("0x{:x}".format(rest))
    return tuple(words)
