"""The global variables and functions that a synthetic nt has, and their C types.

One list for the two that need it: image.py compiles them into ntoskrnl.exe and its PDB,
kernel.py fills them in memory.  Types are written in `dt`'s words (kdtoken.layout).

What lies together in real kernels does here, and what lies apart does not: each place costs a read on the wire.
The order and the small distances are those of the public symbols of 10.0.22000, and of 6.1.7601 for what is older;
of the large distances, up to megabytes, only so much is kept as no single read spans.
"""

from typing import Dict

from kdtoken.layout.layout_file import LayoutFile
from kdtoken.model.privilege import NUMBERS

_PRIVILEGES = (
    "CreateToken AssignPrimaryToken LockMemory IncreaseQuota UnsolicitedInput Tcb Security "
    "TakeOwnership LoadDriver SystemProfile Systemtime ProfileSingleProcess "
    "IncreaseBasePriority CreatePagefile CreatePermanent Backup Restore Shutdown Debug Audit "
    "SystemEnvironment ChangeNotify RemoteShutdown Undock SyncAgent EnableDelegation "
    "ManageVolume Impersonate CreateGlobal TrustedCredManAccess Relabel IncreaseWorkingSet "
    "TimeZone CreateSymbolicLink"
).split()

_LISTS: Dict[str, str] = {
    "PsActiveProcessHead": "_LIST_ENTRY",
    "PsLoadedModuleList": "_LIST_ENTRY",
    "ObpRootDirectoryObject": "Ptr64 Void",
}
_READ_ONLY: Dict[str, str] = {
    "PsProcessType": "Ptr64 _OBJECT_TYPE",
    "PsInitialSystemProcess": "Ptr64 _EPROCESS",
    "PsThreadType": "Ptr64 _OBJECT_TYPE",
    "PsNtosImageBase": "Ptr64 Void",
    "PsIdleProcess": "Ptr64 _EPROCESS",
    "MmPhysicalMemoryBlock": "Ptr64 Void",
    "MmPfnDatabase": "Ptr64 Void",
    "KeNumberProcessors": "Uint2B",
}
_CID_TABLE = {"PspCidTable": "Ptr64 _HANDLE_TABLE"}
_TYPE_TABLE = {"ObTypeIndexTable": "[64] Ptr64 _OBJECT_TYPE"}
_TOKEN_TYPE = {"SeTokenObjectType": "Ptr64 _OBJECT_TYPE"}
_COOKIE = {"ObHeaderCookie": "UChar"}
_SECURITY: Dict[str, str] = {"Se%sPrivilege" % name: "_LUID" for name in _PRIVILEGES}
_SESSIONS = {"SepLogonSessions": "Ptr64 Ptr64 _SEP_LOGON_SESSION_REFERENCES"}
# what debuggers and memory tools ask for
_OTHERS: Dict[str, str] = {
    "KiProcessorBlock": "[64] Ptr64 _KPRCB",
    "KdDebuggerDataBlock": "[896] UChar",
    "KdVersionBlock": "[40] UChar",
    "NtBuildNumber": "Uint4B",
    "NtGlobalFlag": "Uint4B",
    "CmNtCSDVersion": "Uint4B",
    "CmpHiveListHead": "_LIST_ENTRY",
    "MmHighestUserAddress": "Ptr64 Void",
    "MmUserProbeAddress": "Ptr64 Void",
    "MmSystemRangeStart": "Ptr64 Void",
    "KiBugCheckData": "[5] Uint8B",
}
# The tokens that the kernel makes at its start.  Where these lie in real kernels was not looked at; last, they move
# nothing else.
_BOOT_TOKENS = {
    name: "Ptr64 _TOKEN" for name in ("PspBootAccessToken", "SeAnonymousLogonToken", "SeAnonymousLogonTokenNoEveryone")
}
# When the kernel started.  Last and apart, for the same reason.
_BOOT_TIME = {"KeBootTime": "Int8B"}
# Only kernels of Windows 10 and later have this one, and ObHeaderCookie.
_DELEGATE = {"SeDelegateSessionUserImpersonatePrivilege": "_LUID"}

# The types of what has a name, and the label of what has none.
_OBJECTS: Dict[str, str] = {
    "CmKeyObjectType": "Ptr64 _OBJECT_TYPE",
    "IoFileObjectType": "Ptr64 _OBJECT_TYPE",
    "IoDeviceObjectType": "Ptr64 _OBJECT_TYPE",
    "SepDefaultMandatorySid": "Ptr64 Void",
}

FUNCTIONS = ("KiSystemStartup", "KeBugCheckEx", "DbgBreakPointWithStatus")


def _far(number: int, size: int = 0x2000) -> Dict[str, str]:
    return {"Gap%d" % number: "[%d] UChar" % size}


def variables_of(layouts: LayoutFile) -> Dict[str, str]:
    """The global variables that this build has, in the order of their addresses, with the gaps between them."""
    if int(layouts.build.split(".")[0]) >= 10:
        parts = (
            _OTHERS,
            _far(1),
            _LISTS,
            _far(2),
            _READ_ONLY,
            _far(3, 0xD0),
            _CID_TABLE,
            _far(4, 0x1A0),
            _COOKIE,
            _far(5, 0x870),
            _TYPE_TABLE,
            _far(6),
            _TOKEN_TYPE,
            _far(7),
            _SECURITY,
            _SESSIONS,
            _DELEGATE,
            _far(8),
            _OBJECTS,
            _BOOT_TOKENS,
            _far(9),
            _BOOT_TIME,
        )
    else:
        parts = (
            _OTHERS,
            _far(1),
            _LISTS,
            _CID_TABLE,
            _far(2),
            _TYPE_TABLE,
            _far(3),
            _READ_ONLY,
            _far(4),
            _TOKEN_TYPE,
            _SECURITY,
            _SESSIONS,
            _far(5),
            _OBJECTS,
            _BOOT_TOKENS,
            _far(9),
            _BOOT_TIME,
        )
    return {name: kind for part in parts for name, kind in part.items()}


# The LUID variables of the kernel that hold these numbers, symbol (without "nt!") -> number. They carry the names
# of the privileges (ntifs.h SE_EXPORTS lists most) but for number 6, which was "unsolicited input" before it was
# "machine account" (ntifs.h has both constants) and whose variable kept the old name: no kernel from 6.1.7601 to
# 10.0.22000 has nt!SeMachineAccountPrivilege. Number 36 has a variable since Windows 10.
PRIVILEGE_VARIABLES: Dict[str, int] = {
    "SeUnsolicitedInputPrivilege" if number == 6 else name: number for name, number in NUMBERS.items()
}
