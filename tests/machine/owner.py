"""The tokens of the machine's owner, Anna: an administrator under UAC, and what her programs run with.

Two logon sessions are linked: the full one (high integrity) and the filtered one, in which
Administrators only denies.  Explorer and all that it starts run with copies of the filtered token.
"""

from dataclasses import replace
from typing import Tuple

from tests.machine import spec
from tests.machine.spec import AceSpec, GroupSpec, PrivilegesSpec, TokenSpec

MACHINE_SID = "S-1-5-21-1004336348-1177238915-682003330"
ANNA = MACHINE_SID + "-1001"
DOMAIN_USERS = MACHINE_SID + "-513"
SYSTEM, ADMINS, USERS = "S-1-5-18", "S-1-5-32-544", "S-1-5-32-545"
EVERYONE, AUTHENTICATED, INTERACTIVE = "S-1-1-0", "S-1-5-11", "S-1-5-4"
RESTRICTED_CODE = "S-1-5-12"
LOGON_SID = "S-1-5-5-0-192837"
LOW, MEDIUM, HIGH, SYSTEM_LEVEL = ("S-1-16-%d" % level for level in (0x1000, 0x2000, 0x3000, 0x4000))

SYSTEM_ID, FULL_ID, FILTERED_ID = 0x3E7, 0x2F3A1, 0x2F3D2

OF_ADMIN = (5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 22, 23, 24, 25, 28, 29, 30, 33, 34, 35, 36)
ADMIN_PRIVILEGES = PrivilegesSpec(OF_ADMIN, (23, 29, 30), (23, 29, 30))
ELEVATED_PRIVILEGES = replace(ADMIN_PRIVILEGES, enabled=(20, 23, 29, 30))  # SeDebugPrivilege switched on
# Filtering takes SeCreateGlobalPrivilege away and leaves its bit in EnabledByDefault, as on real ones.
USER_PRIVILEGES = PrivilegesSpec((19, 23, 25, 33, 34), (23,), (23, 30))

USER_DACL = (AceSpec(ANNA), AceSpec(SYSTEM), AceSpec(LOGON_SID, 0xA0000000))

# The package of an app, and its capabilities: its own, internetClient, and a custom one.
PACKAGE_NUMBERS = "3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194"
PACKAGE = "S-1-15-2-" + PACKAGE_NUMBERS
CAPABILITIES = (
    GroupSpec("S-1-15-3-1", 0x4),
    GroupSpec("S-1-15-3-" + PACKAGE_NUMBERS, 0x4),
    GroupSpec(
        "S-1-15-3-1024-1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-3456934681", 0x4
    ),
)


def groups(*entries: object) -> Tuple[GroupSpec, ...]:
    """Groups from SIDs; a pair gives the attributes too, a lone SID is simply on."""
    return tuple(
        GroupSpec(entry[0], entry[1]) if isinstance(entry, tuple) else GroupSpec(str(entry)) for entry in entries
    )


def _anna_groups(admins: int) -> Tuple[GroupSpec, ...]:
    return groups(
        DOMAIN_USERS,
        EVERYONE,
        ("S-1-5-114", spec.DENY if admins == spec.DENY else spec.ON),
        (ADMINS, admins),
        USERS,
        INTERACTIVE,
        "S-1-2-1",
        AUTHENTICATED,
        "S-1-5-15",
        "S-1-5-113",
        (LOGON_SID, spec.LOGON),
        "S-1-2-0",
        "S-1-5-64-10",
    )


# What logon gave Anna; her full session keeps it, no process runs under it (0x20: the session is
# not referenced by it).
FULL = TokenSpec(
    "anna-full",
    ANNA,
    auth_id=FULL_ID,
    token_id=0x2F3DF,
    modified_id=0x2F3D1,
    integrity=HIGH,
    privileges=ADMIN_PRIVILEGES,
    primary_group=DOMAIN_USERS,
    groups=_anna_groups(spec.OWNER),
    default_owner=ADMINS,
    default_dacl=(AceSpec(ADMINS), AceSpec(SYSTEM), AceSpec(LOGON_SID, 0xA0000000)),
    source_id=0x2F38F,
    originating_id=SYSTEM_ID,
    session_id=1,
    flags=0x2020,
    in_use=False,
    mandatory_policy=1,
)
# An elevated program runs with a copy of the full one.
CMD = replace(
    FULL,
    key="cmd",
    token_id=0x6A3C1,
    modified_id=0x6A3C8,
    flags=0x2000,
    in_use=True,
    privileges=ELEVATED_PRIVILEGES,
)
# Filtered from the full one.  Its copies are siblings: each has an id of its own, and all name as
# parent the token that was filtered.  On real machines that is three above the session's id, and
# no token with that id is left.
PARENT_ID = FILTERED_ID + 3
FILTERED = replace(
    FULL,
    key="anna-filtered",
    auth_id=FILTERED_ID,
    token_id=0x2F3D8,
    modified_id=0x2F3D7,
    parent_id=PARENT_ID,
    integrity=MEDIUM,
    privileges=USER_PRIVILEGES,
    groups=_anna_groups(spec.DENY),
    default_owner=None,
    default_dacl=USER_DACL,
    flags=0x2A20,
    mandatory_policy=3,
)


def _copy(key: str, token_id: int, fast_ref: int = 0xF, paged_out: Tuple[str, ...] = ()) -> TokenSpec:
    """A copy of the filtered token, as CreateProcess makes one for each of explorer's children."""
    return replace(
        FILTERED,
        key=key,
        token_id=token_id,
        modified_id=token_id + 7,
        flags=0x2A00,
        in_use=True,
        fast_ref=fast_ref,
        paged_out=frozenset(paged_out),
    )


EXPLORER = _copy("explorer", 0x31C40)
NOTEPAD = _copy("notepad", 0x5D21C, fast_ref=0x7)
# Low integrity by NtSetInformationToken: below medium the NOT_LOW flag (0x2000) is off.
READER = replace(_copy("reader", 0x58110), integrity=LOW, flags=0x0A00)
# An AppContainer: low label, LOWBOX (0x4000), and a package beside the user.
CALCULATOR = replace(
    _copy("calculator", 0x59E02),
    integrity=LOW,
    flags=0x4A00,
    mandatory_policy=1,
    package=PACKAGE,
    capabilities=CAPABILITIES,
    lowbox_number=5,
    default_dacl=(AceSpec(ANNA), AceSpec(SYSTEM), AceSpec(PACKAGE)),
)
# A browser's sandbox: every group denies only, one restricting SID that nothing is granted to,
# untrusted label, one privilege, and a default DACL with nobody in it.
SANDBOX = replace(
    _copy("sandbox", 0x5B777),
    integrity="S-1-16-0",
    user_attributes=spec.DENY,
    groups=tuple(
        GroupSpec(group.sid, spec.DENY if not group.attributes & 0xC0000000 else group.attributes)
        for group in FILTERED.groups
    ),
    restricted=(GroupSpec("S-1-0-0"),),
    privileges=PrivilegesSpec((23,), (23,), (23,)),
    parent_id=0x5B700,
    flags=0x0A10,
    default_dacl=(),
)
# Restricted in the ordinary way: two restricting SIDs, an expiry, and no default DACL at all.
RESTRICTED = replace(
    _copy("restricted", 0x5C010),
    restricted=(GroupSpec(RESTRICTED_CODE), GroupSpec(ANNA), GroupSpec(LOGON_SID)),
    parent_id=EXPLORER.token_id,
    flags=0x2A10,
    expiration=0x01D9000000000000,
    default_dacl=None,
)

ALL: Tuple[TokenSpec, ...] = (
    FULL,
    FILTERED,
    EXPLORER,
    NOTEPAD,
    _copy("notepad-2", 0x5E0B4),
    CMD,
    READER,
    CALCULATOR,
    SANDBOX,
    RESTRICTED,
    _copy("frame-host", 0x5F001, fast_ref=0x1),
    _copy("sids-paged-out", 0x60010, paged_out=("sids",)),
    _copy("token-paged-out", 0x60230, paged_out=("token",)),
    _copy("dynamic-paged-out", 0x60451, paged_out=("dynamic",)),
    # with an ACE that denies, as first
    replace(_copy("denying", 0x60777), default_dacl=(AceSpec(EVERYONE, 0x00040000, kind=1),) + USER_DACL),
)
