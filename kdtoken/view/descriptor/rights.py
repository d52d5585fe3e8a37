"""Rights as .NET and icacls spell them.

Names: System.Security.AccessControl.FileSystemRights and RegistryRights, and the list that `icacls /?` prints.  icacls' own
short words (F, M, RX, R, W, D) stand for the .NET right of that name with SYNCHRONIZE.
"""

from typing import Dict, Optional

# FileSystemRights; Get-Acl shows SYNCHRONIZE as a word of its own.
FILE_RIGHTS: Dict[str, int] = {
    "ReadData": 0x1,
    "ListDirectory": 0x1,
    "WriteData": 0x2,
    "CreateFiles": 0x2,
    "AppendData": 0x4,
    "CreateDirectories": 0x4,
    "ReadExtendedAttributes": 0x8,
    "WriteExtendedAttributes": 0x10,
    "ExecuteFile": 0x20,
    "Traverse": 0x20,
    "DeleteSubdirectoriesAndFiles": 0x40,
    "ReadAttributes": 0x80,
    "WriteAttributes": 0x100,
    "Write": 0x116,
    "Delete": 0x10000,
    "ReadPermissions": 0x20000,
    "Read": 0x20089,
    "ReadAndExecute": 0x200A9,
    "Modify": 0x301BF,
    "ChangePermissions": 0x40000,
    "TakeOwnership": 0x80000,
    "Synchronize": 0x100000,
    "FullControl": 0x1F01FF,
}
# RegistryRights.
KEY_RIGHTS: Dict[str, int] = {
    "QueryValues": 0x1,
    "SetValue": 0x2,
    "CreateSubKey": 0x4,
    "EnumerateSubKeys": 0x8,
    "Notify": 0x10,
    "CreateLink": 0x20,
    "Delete": 0x10000,
    "ReadPermissions": 0x20000,
    "WriteKey": 0x20006,
    "ReadKey": 0x20019,
    "ExecuteKey": 0x20019,
    "ChangePermissions": 0x40000,
    "TakeOwnership": 0x80000,
    "FullControl": 0xF003F,
}
ICACLS_RIGHTS: Dict[str, int] = {
    "F": 0x1F01FF,
    "M": 0x1301BF,
    "RX": 0x1200A9,
    "R": 0x120089,
    "W": 0x100116,
    "D": 0x110000,
    "DE": 0x10000,
    "RC": 0x20000,
    "WDAC": 0x40000,
    "WO": 0x80000,
    "S": 0x100000,
    "AS": 0x1000000,
    "MA": 0x2000000,
    "GR": 0x80000000,
    "GW": 0x40000000,
    "GE": 0x20000000,
    "GA": 0x10000000,
    "RD": 0x1,
    "WD": 0x2,
    "AD": 0x4,
    "REA": 0x8,
    "WEA": 0x10,
    "X": 0x20,
    "DC": 0x40,
    "RA": 0x80,
    "WA": 0x100,
}


def mask_of(text: str, table: Dict[str, int]) -> Optional[int]:
    """The union of rights that are separated by commas; a number stands for itself.  None for an unknown word."""
    mask = 0
    for word in (part.strip() for part in text.split(",")):
        if word.lstrip("-").isdecimal() and len(word) < 20:
            mask |= int(word) & 0xFFFFFFFF
        elif word in table:
            mask |= table[word]
        else:
            return None
    return mask
