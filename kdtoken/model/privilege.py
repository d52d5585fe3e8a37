"""Privileges of a token: three 64-bit masks in ``_SEP_TOKEN_PRIVILEGES``, bit number = privilege number.

The numbers are fixed: wdm.h / ntifs.h SE_*_PRIVILEGE (SE_MIN_WELL_KNOWN_PRIVILEGE is 2). Names: winnt.h SE_*_NAME.
"""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Tuple

from kdtoken.frozen import dataclass

NAMES: Dict[int, str] = {
    2: "SeCreateTokenPrivilege",
    3: "SeAssignPrimaryTokenPrivilege",
    4: "SeLockMemoryPrivilege",
    5: "SeIncreaseQuotaPrivilege",
    6: "SeMachineAccountPrivilege",
    7: "SeTcbPrivilege",
    8: "SeSecurityPrivilege",
    9: "SeTakeOwnershipPrivilege",
    10: "SeLoadDriverPrivilege",
    11: "SeSystemProfilePrivilege",
    12: "SeSystemtimePrivilege",
    13: "SeProfileSingleProcessPrivilege",
    14: "SeIncreaseBasePriorityPrivilege",
    15: "SeCreatePagefilePrivilege",
    16: "SeCreatePermanentPrivilege",
    17: "SeBackupPrivilege",
    18: "SeRestorePrivilege",
    19: "SeShutdownPrivilege",
    20: "SeDebugPrivilege",
    21: "SeAuditPrivilege",
    22: "SeSystemEnvironmentPrivilege",
    23: "SeChangeNotifyPrivilege",
    24: "SeRemoteShutdownPrivilege",
    25: "SeUndockPrivilege",
    26: "SeSyncAgentPrivilege",
    27: "SeEnableDelegationPrivilege",
    28: "SeManageVolumePrivilege",
    29: "SeImpersonatePrivilege",
    30: "SeCreateGlobalPrivilege",
    31: "SeTrustedCredManAccessPrivilege",
    32: "SeRelabelPrivilege",
    33: "SeIncreaseWorkingSetPrivilege",
    34: "SeTimeZonePrivilege",
    35: "SeCreateSymbolicLinkPrivilege",
    36: "SeDelegateSessionUserImpersonatePrivilege",
}
NUMBERS: Dict[str, int] = {name: number for number, name in NAMES.items()}

# Privileges that let their holder become SYSTEM, reach any object, or take over the domain, with why. What each
# allows: Microsoft's "Privilege Constants" and user-rights-assignment pages. Eight of them are what makes UAC give
# a user a filtered token (MSDN Magazine, January 2007, "Teach Your Apps To Play Nicely With Windows Vista User
# Account Control"): create token, TCB, take ownership, backup, restore, debug, impersonate, relabel.
SENSITIVE: Dict[str, str] = {
    "SeCreateTokenPrivilege": "can make a token with any user, groups and privileges",
    "SeAssignPrimaryTokenPrivilege": "can start a process under another user's token",
    "SeTcbPrivilege": "acts as part of the operating system: can log on as anyone",
    "SeSecurityPrivilege": "can read and change any object's SACL and clear the security log",
    "SeTakeOwnershipPrivilege": "can become owner of any object, and then rewrite its DACL",
    "SeLoadDriverPrivilege": "can load a driver, so run code in the kernel",
    "SeBackupPrivilege": "can read any file or registry key, whatever its DACL",
    "SeRestorePrivilege": "can write any file or registry key, whatever its DACL, and set any owner",
    "SeDebugPrivilege": "can open any process that is not protected, whatever its DACL",
    "SeSyncAgentPrivilege": "can read every object and property of the directory (on a domain controller)",
    "SeEnableDelegationPrivilege": "can mark accounts as trusted for delegation (in the domain)",
    "SeManageVolumePrivilege": "can open a volume for direct access, beneath file DACLs",
    "SeImpersonatePrivilege": "can act as any client that connects to it",
    "SeTrustedCredManAccessPrivilege": "can read stored credentials through Credential Manager",
    "SeRelabelPrivilege": "can raise an object's integrity label, and take ownership of it",
    "SeDelegateSessionUserImpersonatePrivilege": "can get the token of another user of the same session",
}

# winnt.h SE_PRIVILEGE_*: the attribute bits of LUID_AND_ATTRIBUTES, as GetTokenInformation returns them.
ATTRIBUTE_ENABLED_BY_DEFAULT = 0x1
ATTRIBUTE_ENABLED = 0x2
ATTRIBUTE_REMOVED = 0x4


def name_of(number: int, names: Optional[Mapping[int, str]] = None) -> str:
    """The privilege's name, ``names`` (as read from the target) before the table here.

    A number that neither knows gives ``privilege 61 (no name known)``.
    """
    if names is not None and number in names:
        return names[number]
    return NAMES.get(number, "privilege {} (no name known)".format(number))


@dataclass(frozen=True)
class Privilege:
    """One bit of each of Present, Enabled and EnabledByDefault of ``_SEP_TOKEN_PRIVILEGES``.

    enabled_by_default  None where the view never says it (whoami)
    """

    number: int
    name: str
    present: bool
    enabled: bool
    enabled_by_default: Optional[bool]

    @property
    def removed(self) -> bool:
        """Was on at logon and is no longer held: taken out with SE_PRIVILEGE_REMOVED or by a filtered token."""
        return bool(self.enabled_by_default) and not self.present

    @property
    def attributes(self) -> int:
        """The SE_PRIVILEGE_* bits GetTokenInformation would give for it (ULONG)."""
        value = ATTRIBUTE_ENABLED_BY_DEFAULT if self.enabled_by_default else 0
        return value | (ATTRIBUTE_ENABLED if self.enabled else 0)

    @property
    def words(self) -> Tuple[str, ...]:
        """State in words: Enabled or Disabled, Default, Removed; an enabled bit that is not present says so."""
        if not self.present:
            words = ["Removed"] if self.removed else ["NotPresent"]
            return tuple(words + (["Enabled"] if self.enabled else []))
        return ("Enabled" if self.enabled else "Disabled",) + (("Default",) if self.enabled_by_default else ())

    @property
    def danger(self) -> Optional[str]:
        """Why holding it matters (:data:`SENSITIVE`), or None."""
        return SENSITIVE.get(self.name)


def privileges_of(
    present: int, enabled: int, default: int, names: Optional[Mapping[int, str]] = None
) -> Tuple[Privilege, ...]:
    """Every privilege that has a bit in any of the three 64-bit masks, by number; unnamed bits are kept."""
    anywhere = (present | enabled | default) & 0xFFFFFFFFFFFFFFFF
    return tuple(
        Privilege(
            number,
            name_of(number, names),
            bool(present >> number & 1),
            bool(enabled >> number & 1),
            bool(default >> number & 1),
        )
        for number in range(64)
        if anywhere >> number & 1
    )


def privilege_with(number: int, attributes: int, names: Optional[Mapping[int, str]] = None) -> Privilege:
    """The privilege of a LUID_AND_ATTRIBUTES: its LUID as a number, its SE_PRIVILEGE_* bits."""
    return Privilege(
        number,
        name_of(number, names),
        not attributes & ATTRIBUTE_REMOVED,
        bool(attributes & ATTRIBUTE_ENABLED),
        bool(attributes & ATTRIBUTE_ENABLED_BY_DEFAULT),
    )
