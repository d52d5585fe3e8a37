"""`_TOKEN.TokenFlags`: what each bit means, and the one bit whose meaning changed.

ntifs.h TOKEN_* and SE_BACKUP_PRIVILEGES_CHECKED; the name here is the header's without TOKEN_ or SE_.  The header's
TOKEN_PERMISSIVE_LEARNING_MODE is 0x03000000, both learning bits; here it is the bit that it adds.
SYSTEM_MANAGED_ADMIN_FULL_TOKEN came with Administrator Protection (Windows 11 25H2); vmi-os-windows (docs.rs,
WindowsTokenFlags) lists it with all others.  Nothing public names 0x04000000.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Dict, Optional, Tuple


class TokenFlags(IntFlag):
    """Bits of `_TOKEN.TokenFlags` (ULONG), by the headers of today."""

    HAS_TRAVERSE_PRIVILEGE = 0x00000001
    HAS_BACKUP_PRIVILEGE = 0x00000002
    HAS_RESTORE_PRIVILEGE = 0x00000004
    WRITE_RESTRICTED = 0x00000008
    IS_RESTRICTED = 0x00000010
    SESSION_NOT_REFERENCED = 0x00000020
    SANDBOX_INERT = 0x00000040
    HAS_IMPERSONATE_PRIVILEGE = 0x00000080
    BACKUP_PRIVILEGES_CHECKED = 0x00000100
    VIRTUALIZE_ALLOWED = 0x00000200
    VIRTUALIZE_ENABLED = 0x00000400
    IS_FILTERED = 0x00000800
    UIACCESS = 0x00001000
    NOT_LOW = 0x00002000
    LOWBOX = 0x00004000
    HAS_OWN_CLAIM_ATTRIBUTES = 0x00008000
    PRIVATE_NAMESPACE = 0x00010000
    DO_NOT_USE_GLOBAL_ATTRIBS_FOR_QUERY = 0x00020000
    SPECIAL_ENCRYPTED_OPEN = 0x00040000
    NO_CHILD_PROCESS = 0x00080000
    NO_CHILD_PROCESS_UNLESS_SECURE = 0x00100000
    AUDIT_NO_CHILD_PROCESS = 0x00200000
    ENFORCE_REDIRECTION_TRUST = 0x00400000
    AUDIT_REDIRECTION_TRUST = 0x00800000
    LEARNING_MODE_LOGGING = 0x01000000
    PERMISSIVE_LEARNING_MODE = 0x02000000
    SYSTEM_MANAGED_ADMIN_FULL_TOKEN = 0x08000000


# What WRITE_RESTRICTED's bit was before Vista: ntifs.h of the Server 2003 kits, TOKEN_HAS_ADMIN_GROUP.
HAS_ADMIN_GROUP = "HAS_ADMIN_GROUP"

# Ours, from the documentation of what sets or asks for each (the TokenXxx information classes, CreateRestrictedToken,
# SeTokenSetNoChildProcessRestricted, the redirection trust mitigation, "Administrator protection"); those of 0x20,
# 0x100, 0x8000, 0x10000, 0x20000 and 0x40000 rest on the names alone.
MEANINGS: Dict[TokenFlags, str] = {
    TokenFlags.HAS_TRAVERSE_PRIVILEGE: "SeChangeNotifyPrivilege is enabled: traverse checks are skipped",
    TokenFlags.HAS_BACKUP_PRIVILEGE: "SeBackupPrivilege is enabled",
    TokenFlags.HAS_RESTORE_PRIVILEGE: "SeRestorePrivilege is enabled",
    TokenFlags.WRITE_RESTRICTED: "the restricting SIDs count only when write access is asked for",
    TokenFlags.IS_RESTRICTED: "the token has restricting SIDs",
    TokenFlags.SESSION_NOT_REFERENCED: "the token holds no reference on its logon session",
    TokenFlags.SANDBOX_INERT: "AppLocker and software restriction policies do not check this token",
    TokenFlags.HAS_IMPERSONATE_PRIVILEGE: "SeImpersonatePrivilege is enabled",
    TokenFlags.BACKUP_PRIVILEGES_CHECKED: "backup and restore privileges have been looked at already",
    TokenFlags.VIRTUALIZE_ALLOWED: "UAC virtualisation of files and registry may be switched on",
    TokenFlags.VIRTUALIZE_ENABLED: "UAC virtualisation of files and registry is on",
    TokenFlags.IS_FILTERED: "made by filtering another token, as UAC does",
    TokenFlags.UIACCESS: "may drive the windows of processes of higher integrity",
    TokenFlags.NOT_LOW: "the integrity level is above Low",
    TokenFlags.LOWBOX: "an app container's token",
    TokenFlags.HAS_OWN_CLAIM_ATTRIBUTES: "claims are the token's own, not the logon session's",
    TokenFlags.PRIVATE_NAMESPACE: "uses a private object namespace",
    TokenFlags.DO_NOT_USE_GLOBAL_ATTRIBS_FOR_QUERY: "queries leave out the machine-wide attributes",
    TokenFlags.SPECIAL_ENCRYPTED_OPEN: "may open encrypted files without the key, for instance to move them",
    TokenFlags.NO_CHILD_PROCESS: "may not create a process",
    TokenFlags.NO_CHILD_PROCESS_UNLESS_SECURE: "may create only a secure process",
    TokenFlags.AUDIT_NO_CHILD_PROCESS: "process creation is only reported, not refused",
    TokenFlags.ENFORCE_REDIRECTION_TRUST: "links made by non-administrators are not followed",
    TokenFlags.AUDIT_REDIRECTION_TRUST: "following a link made by a non-administrator is only reported",
    TokenFlags.LEARNING_MODE_LOGGING: "app-container access failures are logged",
    TokenFlags.PERMISSIVE_LEARNING_MODE: "app-container access failures are logged and let through",
    TokenFlags.SYSTEM_MANAGED_ADMIN_FULL_TOKEN: "the elevated half of Administrator Protection, another account's",
}

MEANING_OF_HAS_ADMIN_GROUP = "Administrators are among the groups; before Vista, in the bit of WRITE_RESTRICTED"

_NAMES: Dict[int, str] = {int(flag): flag.name or "" for flag in TokenFlags}
_KNOWN = sum(_NAMES)


def token_flag_words(flags: int, admin_group: bool = False) -> Tuple[str, ...]:
    """Names of the set bits, lowest first; bits with no published name come last as one hex word.

    admin_group  bit 0x8 is HAS_ADMIN_GROUP, as before Vista; whose token this holds for decides
                 `model.token.Token.has_admin_group_bit`, and nothing else
    """
    words = [name for bit, name in _NAMES.items() if flags & bit]
    if admin_group and flags & TokenFlags.WRITE_RESTRICTED.value:
        words[words.index("WRITE_RESTRICTED")] = HAS_ADMIN_GROUP
    rest = flags & ~_KNOWN
    return tuple(words + (["0x%x" % rest] if rest else []))


def find_flag(text: str) -> Optional[str]:
    """The word that a person means: NOT_LOW, not-low, TOKEN_NOT_LOW (as ntifs.h has it).  None where it is none."""
    name = text.strip().upper().replace("-", "_")
    for one in (name, name[6:] if name.startswith("TOKEN_") else name):
        if one == HAS_ADMIN_GROUP or one in TokenFlags.__members__:
            return one
    return None
