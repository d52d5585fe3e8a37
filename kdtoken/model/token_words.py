"""Words for the numbers of a token that do not move with the build: flags, policies, type, level, audit entries.

Each table names its header. All are ``ULONG`` bit masks or enumerations as ``_TOKEN`` holds them; a bit or value
with no published name stays in the output as hex.
"""

from typing import Dict, Tuple

# _TOKEN.TokenFlags: ntifs.h TOKEN_* and SE_BACKUP_PRIVILEGES_CHECKED; the last two are one mask there,
# TOKEN_PERMISSIVE_LEARNING_MODE 0x03000000, which includes the logging bit. The word is the header's name
# without TOKEN_ or SE_. The meanings are ours, from the documentation of what sets or asks for each (the
# TokenXxx information classes, CreateRestrictedToken, SeTokenSetNoChildProcessRestricted, the redirection
# trust mitigation); those of 0x20, 0x100, 0x8000, 0x10000, 0x20000 and 0x40000 rest on the names alone.
TOKEN_FLAGS: Dict[int, Tuple[str, str]] = {
    0x00000001: ("HAS_TRAVERSE_PRIVILEGE", "SeChangeNotifyPrivilege is enabled: traverse checks are skipped"),
    0x00000002: ("HAS_BACKUP_PRIVILEGE", "SeBackupPrivilege is enabled"),
    0x00000004: ("HAS_RESTORE_PRIVILEGE", "SeRestorePrivilege is enabled"),
    0x00000008: ("WRITE_RESTRICTED", "the restricting SIDs count only when write access is asked for"),
    0x00000010: ("IS_RESTRICTED", "the token has restricting SIDs"),
    0x00000020: ("SESSION_NOT_REFERENCED", "the token holds no reference on its logon session"),
    0x00000040: ("SANDBOX_INERT", "AppLocker and software restriction policies do not check this token"),
    0x00000080: ("HAS_IMPERSONATE_PRIVILEGE", "SeImpersonatePrivilege is enabled"),
    0x00000100: ("BACKUP_PRIVILEGES_CHECKED", "backup and restore privileges have been looked at already"),
    0x00000200: ("VIRTUALIZE_ALLOWED", "UAC virtualisation of files and registry may be switched on"),
    0x00000400: ("VIRTUALIZE_ENABLED", "UAC virtualisation of files and registry is on"),
    0x00000800: ("IS_FILTERED", "made by filtering another token, as UAC does"),
    0x00001000: ("UIACCESS", "may drive the windows of processes of higher integrity"),
    0x00002000: ("NOT_LOW", "the integrity level is above Low"),
    0x00004000: ("LOWBOX", "an app container's token"),
    0x00008000: ("HAS_OWN_CLAIM_ATTRIBUTES", "claims are the token's own, not the logon session's"),
    0x00010000: ("PRIVATE_NAMESPACE", "uses a private object namespace"),
    0x00020000: ("DO_NOT_USE_GLOBAL_ATTRIBS_FOR_QUERY", "queries leave out the machine-wide attributes"),
    0x00040000: ("SPECIAL_ENCRYPTED_OPEN", "may open encrypted files without the key, for instance to move them"),
    0x00080000: ("NO_CHILD_PROCESS", "may not create a process"),
    0x00100000: ("NO_CHILD_PROCESS_UNLESS_SECURE", "may create only a secure process"),
    0x00200000: ("AUDIT_NO_CHILD_PROCESS", "process creation is only reported, not refused"),
    0x00400000: ("ENFORCE_REDIRECTION_TRUST", "links made by non-administrators are not followed"),
    0x00800000: ("AUDIT_REDIRECTION_TRUST", "following a link made by a non-administrator is only reported"),
    0x01000000: ("LEARNING_MODE_LOGGING", "app-container access failures are logged"),
    0x02000000: ("PERMISSIVE_LEARNING_MODE", "app-container access failures are logged and let through"),
}

# _TOKEN.MandatoryPolicy: winnt.h TOKEN_MANDATORY_POLICY_*.
MANDATORY_POLICY: Dict[int, str] = {0x1: "NO_WRITE_UP", 0x2: "NEW_PROCESS_MIN"}

# SYSTEM_MANDATORY_LABEL_ACE.Mask: winnt.h SYSTEM_MANDATORY_LABEL_*.
LABEL_POLICY: Dict[int, str] = {0x1: "NO_WRITE_UP", 0x2: "NO_READ_UP", 0x4: "NO_EXECUTE_UP"}

# Enumerations of winnt.h / ntifs.h: TOKEN_TYPE, SECURITY_IMPERSONATION_LEVEL, TOKEN_ELEVATION_TYPE.
TOKEN_TYPES: Dict[int, str] = {1: "Primary", 2: "Impersonation"}
IMPERSONATION_LEVELS: Dict[int, str] = {0: "Anonymous", 1: "Identification", 2: "Impersonation", 3: "Delegation"}
ELEVATION_TYPES: Dict[int, str] = {1: "Default", 2: "Full", 3: "Limited"}

# One entry of a per-user audit policy: ntsecapi.h PER_USER_AUDIT_*.
AUDIT_BITS: Dict[int, str] = {
    0x1: "SUCCESS_INCLUDE",
    0x2: "SUCCESS_EXCLUDE",
    0x4: "FAILURE_INCLUDE",
    0x8: "FAILURE_EXCLUDE",
}


def bit_words(value: int, names: Dict[int, str]) -> Tuple[str, ...]:
    """Words for the set bits, lowest first; bits that ``names`` lacks come last as one hex word."""
    words = [name for bit, name in sorted(names.items()) if value & bit]
    known = 0
    for bit in names:
        known |= bit
    rest = value & ~known
    return tuple(words + (["0x{:x}".format(rest)] if rest else []))


def value_word(value: int, names: Dict[int, str]) -> str:
    """The word for an enumeration's value; one that ``names`` lacks is shown as ``unknown (7)``."""
    return names.get(value, "unknown ({})".format(value))


def token_flag_words(flags: int, before_vista: bool = False) -> Tuple[str, ...]:
    """Words for ``_TOKEN.TokenFlags``; bit 0x8 meant something else before Vista."""
    names = {bit: name for bit, (name, _) in TOKEN_FLAGS.items()}
    if before_vista:
        names[0x8] = "HAS_ADMIN_GROUP"  # ntifs.h of the Server 2003 kits
    return bit_words(flags, names)


def audit_entries(policy: bytes) -> Tuple[Tuple[int, Tuple[str, ...]], ...]:
    """The entries of ``_TOKEN_AUDIT_POLICY.PerUserPolicy`` that are set: (index, words).

    Two 4-bit entries a byte, the low half first (the published reading is NtUtils' TTokenAuditPolicyHelper).
    The array has 27 bytes on 6.1 and 30 on 10.0, one entry a subcategory of the audit policy. Which subcategory
    an index stands for is written nowhere public that we found, so an index is all that is given.
    """
    found = []
    for index in range(2 * len(policy)):
        entry = policy[index >> 1] >> (4 * (index & 1)) & 0xF
        if entry:
            found.append((index, bit_words(entry, AUDIT_BITS)))
    return tuple(found)
