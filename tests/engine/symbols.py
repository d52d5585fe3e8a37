"""The global variables and functions that a synthetic nt has, and their C types.

One list for the two that need it: image.py compiles them into ntoskrnl.exe and its PDB,
kernel.py fills them in memory.  Types are written in `dt`'s words (kdtoken.layout).
"""

from typing import Dict

from kdtoken.layout.layout_file import LayoutFile

_PRIVILEGES = (
    "CreateToken AssignPrimaryToken LockMemory IncreaseQuota UnsolicitedInput Tcb Security "
    "TakeOwnership LoadDriver SystemProfile Systemtime ProfileSingleProcess "
    "IncreaseBasePriority CreatePagefile CreatePermanent Backup Restore Shutdown Debug Audit "
    "SystemEnvironment ChangeNotify RemoteShutdown Undock SyncAgent EnableDelegation "
    "ManageVolume Impersonate CreateGlobal TrustedCredManAccess Relabel IncreaseWorkingSet "
    "TimeZone CreateSymbolicLink"
).split()

_VARIABLES: Dict[str, str] = {
    # lists and tables that a walk starts from
    "PsActiveProcessHead": "_LIST_ENTRY",
    "PsLoadedModuleList": "_LIST_ENTRY",
    "PsInitialSystemProcess": "Ptr64 _EPROCESS",
    "PsIdleProcess": "Ptr64 _EPROCESS",
    "PspCidTable": "Ptr64 _HANDLE_TABLE",
    "SepLogonSessions": "Ptr64 Ptr64 _SEP_LOGON_SESSION_REFERENCES",
    "KiProcessorBlock": "[64] Ptr64 _KPRCB",
    # the object manager's types
    "ObTypeIndexTable": "[64] Ptr64 _OBJECT_TYPE",
    "ObpRootDirectoryObject": "Ptr64 Void",
    "PsProcessType": "Ptr64 _OBJECT_TYPE",
    "PsThreadType": "Ptr64 _OBJECT_TYPE",
    "SeTokenObjectType": "Ptr64 _OBJECT_TYPE",
    # what debuggers and memory tools ask for
    "KdDebuggerDataBlock": "[896] UChar",
    "KdVersionBlock": "[40] UChar",
    "NtBuildNumber": "Uint4B",
    "NtGlobalFlag": "Uint4B",
    "CmNtCSDVersion": "Uint4B",
    "CmpHiveListHead": "_LIST_ENTRY",
    "PsNtosImageBase": "Ptr64 Void",
    "MmHighestUserAddress": "Ptr64 Void",
    "MmUserProbeAddress": "Ptr64 Void",
    "MmSystemRangeStart": "Ptr64 Void",
    "MmPfnDatabase": "Ptr64 Void",
    "MmPhysicalMemoryBlock": "Ptr64 Void",
    "KeNumberProcessors": "Uint2B",
    "KiBugCheckData": "[5] Uint8B",
}
_VARIABLES.update(("Se%sPrivilege" % name, "_LUID") for name in _PRIVILEGES)

# Only kernels of Windows 10 and later have these (public symbols of the six builds in fixtures/layouts).
_SINCE_10: Dict[str, str] = {
    "ObHeaderCookie": "UChar",
    "SeDelegateSessionUserImpersonatePrivilege": "_LUID",
}

FUNCTIONS = ("KiSystemStartup", "KeBugCheckEx", "DbgBreakPointWithStatus")


def variables_of(layouts: LayoutFile) -> Dict[str, str]:
    """The global variables that this build has."""
    found = dict(_VARIABLES)
    if int(layouts.build.split(".")[0]) >= 10:
        found.update(_SINCE_10)
    return found
