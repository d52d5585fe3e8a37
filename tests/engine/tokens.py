"""The tokens and logon sessions of THE machine, as a Windows 10 of one owner has them.

Groups and privileges are those that real machines show for such accounts (`whoami /all`, `!token`);
the SIDs of the machine, its owner and its app package are made up.
"""

from dataclasses import replace
from typing import Dict, Tuple

from tests.engine import spec
from tests.engine.spec import AceSpec, GroupSpec, LogonSessionSpec, PrivilegesSpec, TokenSpec

MACHINE_SID = "S-1-5-21-1004336348-1177238915-682003330"
ANNA = MACHINE_SID + "-1001"
SYSTEM, LOCAL_SERVICE, NETWORK_SERVICE = "S-1-5-18", "S-1-5-19", "S-1-5-20"
ADMINS, USERS = "S-1-5-32-544", "S-1-5-32-545"
EVERYONE, AUTHENTICATED, INTERACTIVE = "S-1-1-0", "S-1-5-11", "S-1-5-4"
RESTRICTED_CODE, WRITE_RESTRICTED_CODE = "S-1-5-12", "S-1-5-33"
LOGON_SID = "S-1-5-5-0-192837"
LOW, MEDIUM, HIGH, SYSTEM_LEVEL = ("S-1-16-%d" % level for level in (0x1000, 0x2000, 0x3000, 0x4000))
PACKAGE = "S-1-15-2-3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194"

SYSTEM_ID, NETWORK_ID, LOCAL_ID, ANONYMOUS_ID = 0x3E7, 0x3E4, 0x3E5, 0x3E6
FULL_ID, FILTERED_ID = 0x2F3A1, 0x2F3D2  # Anna's two linked logon sessions

# Privileges, by number.
ALL_OF_SYSTEM = (2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 28, 29, 30,
                 31, 32, 33, 34, 35, 36)  # fmt: skip
ON_IN_SYSTEM = (4, 7, 11, 13, 14, 15, 16, 20, 21, 23, 29, 30, 33, 34, 35, 36)
OF_ADMIN = (5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 22, 23, 24, 25, 28, 29, 30, 33, 34, 35, 36)
OF_USER = (19, 23, 25, 33, 34)
OF_SERVICE = (3, 5, 12, 21, 23, 29, 30, 33, 34)

SYSTEM_PRIVILEGES = PrivilegesSpec(ALL_OF_SYSTEM, ON_IN_SYSTEM, ON_IN_SYSTEM)
ADMIN_PRIVILEGES = PrivilegesSpec(OF_ADMIN, (23, 29, 30), (23, 29, 30))
USER_PRIVILEGES = PrivilegesSpec(OF_USER, (23,), (23,))
SERVICE_PRIVILEGES = PrivilegesSpec(OF_SERVICE, (23, 29, 30), (23, 29, 30))

SYSTEM_DACL = (AceSpec(SYSTEM), AceSpec(ADMINS, 0xA0020000))
USER_DACL = (AceSpec(ANNA), AceSpec(SYSTEM), AceSpec(LOGON_SID, 0xA0000000))


def _groups(*entries: object) -> Tuple[GroupSpec, ...]:
    """Groups from SIDs; a pair gives the attributes too, a lone SID is simply on."""
    return tuple(
        GroupSpec(entry[0], entry[1]) if isinstance(entry, tuple) else GroupSpec(str(entry)) for entry in entries
    )


SYSTEM_TOKEN = TokenSpec(
    "system",
    SYSTEM,
    auth_id=SYSTEM_ID,
    token_id=0x3EB,
    modified_id=0x3EC,
    integrity=SYSTEM_LEVEL,
    privileges=SYSTEM_PRIVILEGES,
    primary_group=SYSTEM,
    groups=_groups((ADMINS, spec.SYSTEM_ADMINS), EVERYONE, AUTHENTICATED),
    default_owner=ADMINS,
    default_dacl=SYSTEM_DACL,
    source_name=b"*SYSTEM*",
    trust_sid="S-1-19-1024-8192",
    mandatory_policy=1,
    fast_ref=0xD,
)


def _anna_groups(admins: int) -> Tuple[GroupSpec, ...]:
    return _groups(
        MACHINE_SID + "-513",
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


# What logon gave Anna; her session keeps it, no process runs under it.
FULL = TokenSpec(
    "anna-full",
    ANNA,
    auth_id=FULL_ID,
    token_id=0x2F3B0,
    modified_id=0x2F3B2,
    integrity=HIGH,
    privileges=ADMIN_PRIVILEGES,
    primary_group=MACHINE_SID + "-513",
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
# Filtered from the full one.  Copies of it are its siblings: each has an id of its own, all name
# the full token as parent.
FILTERED = replace(
    FULL,
    key="anna-filtered",
    auth_id=FILTERED_ID,
    token_id=0x2F3D5,
    modified_id=0x2F3D4,
    parent_id=0x2F3B0,
    integrity=MEDIUM,
    privileges=USER_PRIVILEGES,
    groups=_anna_groups(spec.DENY),
    default_owner=None,
    default_dacl=USER_DACL,
    flags=0x2A00,
    mandatory_policy=3,
)
EXPLORER = replace(FILTERED, key="explorer", token_id=0x31C40, modified_id=0x31CA9, in_use=True)
NOTEPAD = replace(EXPLORER, key="notepad", token_id=0x5D21C, modified_id=0x5D223, fast_ref=0x7)

ALL: Tuple[TokenSpec, ...] = (SYSTEM_TOKEN, FULL, FILTERED, EXPLORER, NOTEPAD)
TOKENS: Dict[str, TokenSpec] = {token.key: token for token in ALL}

LOGON_SESSIONS: Tuple[LogonSessionSpec, ...] = (
    LogonSessionSpec(SYSTEM_ID, "ANNA-PC$", "WORKGROUP", references=312, flags=0x0, token="system"),
    LogonSessionSpec(ANONYMOUS_ID, "ANONYMOUS LOGON", "NT AUTHORITY"),
    LogonSessionSpec(LOCAL_ID, "LOCAL SERVICE", "NT AUTHORITY", references=41),
    LogonSessionSpec(NETWORK_ID, "NETWORK SERVICE", "NT AUTHORITY", references=37),
    LogonSessionSpec(FULL_ID, "Anna", "ANNA-PC", FILTERED_ID, flags=0xA, references=56, token="anna-full"),
    LogonSessionSpec(FILTERED_ID, "Anna", "ANNA-PC", FULL_ID, flags=0xD, references=1799, token="anna-filtered"),
)
