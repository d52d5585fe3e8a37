"""The tokens and logon sessions of THE machine: accounts of the system here, the owner's in owner.py.

Groups and privileges are those that real Windows 10 machines show for such accounts (`whoami /all`,
`!token`); the SIDs of services and of the machine are made up, or derived from a name as Windows does.
"""

from dataclasses import replace
from typing import Dict, Tuple

from tests.machine import owner, spec
from tests.machine.owner import (
    ADMINS,
    AUTHENTICATED,
    EVERYONE,
    FILTERED_ID,
    FULL_ID,
    SYSTEM,
    SYSTEM_ID,
    SYSTEM_LEVEL,
    USERS,
    groups,
)
from tests.machine.spec import AceSpec, GroupSpec, LogonSessionSpec, PrivilegesSpec, TokenSpec

LOCAL_SERVICE, NETWORK_SERVICE, ANONYMOUS = "S-1-5-19", "S-1-5-20", "S-1-5-7"
SERVICE, CONSOLE = "S-1-5-6", "S-1-2-1"
WRITE_RESTRICTED_CODE = "S-1-5-33"
NETWORK_ID, LOCAL_ID, ANONYMOUS_ID = 0x3E4, 0x3E5, 0x3E6

# A service's own SID: SHA-1 of its upper-case name in UTF-16, as `sc showsid` tells.
RPCSS = "S-1-5-80-979556362-403687129-3954533659-2335141334-1547273080"
SCHEDULE = "S-1-5-80-4125092361-1567024937-842823819-2091237918-836075745"
BFE = "S-1-5-80-1383147646-27650227-2710666058-1662982300-1023958487"

ALL_OF_SYSTEM = (
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    25,
    28,
    29,
    30,
    31,
    32,
    33,
    34,
    35,
    36,
)
ON_IN_SYSTEM = (4, 7, 11, 13, 14, 15, 16, 20, 21, 23, 29, 30, 33, 34, 35, 36)
SYSTEM_PRIVILEGES = PrivilegesSpec(ALL_OF_SYSTEM, ON_IN_SYSTEM, ON_IN_SYSTEM)
NETWORK_PRIVILEGES = PrivilegesSpec((3, 5, 19, 21, 23, 25, 29, 30, 33, 34), (23, 29, 30), (23, 29, 30))
LOCAL_PRIVILEGES = PrivilegesSpec((3, 5, 12, 19, 21, 23, 25, 29, 30, 33, 34), (23, 29, 30), (23, 29, 30))
SYSTEM_DACL = (AceSpec(SYSTEM), AceSpec(ADMINS, 0xA0020000))

# `PsProtectedSigner...-Light` processes carry a trust label (S-1-19-TYPE-LEVEL): 512 is light.
TRUST_WIN_TCB, TRUST_WIN_TCB_LIGHT, TRUST_LSA_LIGHT = "S-1-19-1024-8192", "S-1-19-512-8192", "S-1-19-512-4096"

SYSTEM_TOKEN = TokenSpec(
    "system",
    SYSTEM,
    auth_id=SYSTEM_ID,
    token_id=0x3EB,
    modified_id=0x3EC,
    integrity=SYSTEM_LEVEL,
    privileges=SYSTEM_PRIVILEGES,
    primary_group=SYSTEM,
    groups=groups((ADMINS, spec.SYSTEM_ADMINS), EVERYONE, AUTHENTICATED),
    default_owner=ADMINS,
    default_dacl=SYSTEM_DACL,
    source_name=b"*SYSTEM*",
    trust_sid=TRUST_WIN_TCB,
    mandatory_policy=1,
    fast_ref=0xD,
)


def _of_system(key: str, token_id: int, session: int = 0, trust: str = "", fast_ref: int = 0xF) -> TokenSpec:
    """A copy of System's token for one of its first processes."""
    return replace(
        SYSTEM_TOKEN,
        key=key,
        token_id=token_id,
        modified_id=token_id + 3,
        session_id=session,
        trust_sid=trust or None,
        fast_ref=fast_ref,
    )


def _service(key: str, token_id: int, base: TokenSpec, own: str, logon: int) -> TokenSpec:
    """A service's token: its own SID and that of its logon beside the account's groups."""
    groups = base.groups + (
        GroupSpec(SERVICE),
        GroupSpec(CONSOLE),
        GroupSpec("S-1-5-15"),
        GroupSpec(own, spec.SERVICE_SID),
        GroupSpec("S-1-5-5-0-%d" % logon, 0xC000000F),  # LogonId, and owner
        GroupSpec("S-1-2-0"),
    )
    return replace(
        base,
        key=key,
        token_id=token_id,
        modified_id=token_id + 8,
        groups=groups,
        source_name=b"Advapi  ",
        source_id=token_id - 0x21,
        originating_id=SYSTEM_ID,
        trust_sid=None,
        fast_ref=0xF,
    )


_LOCAL = replace(
    SYSTEM_TOKEN,
    user=LOCAL_SERVICE,
    auth_id=LOCAL_ID,
    privileges=LOCAL_PRIVILEGES,
    primary_group=LOCAL_SERVICE,
    groups=groups(EVERYONE, USERS, AUTHENTICATED),
    default_owner=None,
    default_dacl=(AceSpec(SYSTEM), AceSpec(LOCAL_SERVICE)),
)
_NETWORK = replace(
    _LOCAL,
    user=NETWORK_SERVICE,
    auth_id=NETWORK_ID,
    privileges=NETWORK_PRIVILEGES,
    primary_group=NETWORK_SERVICE,
    default_dacl=(AceSpec(SYSTEM), AceSpec(NETWORK_SERVICE)),
)

RPCSS_TOKEN = _service("rpcss", 0x8A21, _NETWORK, RPCSS, 44871)
SCHEDULE_TOKEN = _service("schedule", 0xA3F0, SYSTEM_TOKEN, SCHEDULE, 52190)
# A write-restricted service: writes must be allowed to one of its restricted SIDs as well.
BFE_TOKEN = replace(
    _service("bfe", 0xB177, _LOCAL, BFE, 57344),
    restricted=(
        GroupSpec(EVERYONE),
        GroupSpec(WRITE_RESTRICTED_CODE),
        GroupSpec(BFE),
        GroupSpec("S-1-5-5-0-57344"),
    ),
    parent_id=0xB164,
    flags=0x2018,
    audit_policy=bytes([0x10, 0x03, 0, 0x21]),
)
# What a server gets when it impersonates a client that allowed no more than Anonymous.
ANONYMOUS_TOKEN = TokenSpec(
    "anonymous",
    ANONYMOUS,
    auth_id=ANONYMOUS_ID,
    token_id=0xC0D1,
    modified_id=0x3F2,
    integrity="S-1-16-0",
    privileges=PrivilegesSpec((23,), (23,), (23,)),
    primary_group="S-1-0-0",
    groups=groups(EVERYONE),
    default_dacl=(AceSpec(EVERYONE), AceSpec(ANONYMOUS), AceSpec(SYSTEM)),
    source_name=b"*SYSTEM*",
    type=spec.IMPERSONATION,
    level=spec.ANONYMOUS,
    flags=0x0000,
    in_use=False,
    mandatory_policy=1,
)


def _client(base: TokenSpec, key: str, token_id: int, level: int) -> TokenSpec:
    """The copy of a client's token that a server's thread runs under."""
    return replace(
        base,
        key=key,
        token_id=token_id,
        type=spec.IMPERSONATION,
        level=level,
        in_use=False,
        trust_sid=None,
        paged_out=frozenset(),
    )


ALL: Tuple[TokenSpec, ...] = (
    SYSTEM_TOKEN,
    _of_system("smss", 0x2C11, trust=TRUST_WIN_TCB_LIGHT),
    _of_system("csrss-0", 0x3B02, trust=TRUST_WIN_TCB_LIGHT, fast_ref=0xC),
    _of_system("wininit", 0x3D7A, trust=TRUST_WIN_TCB_LIGHT),
    _of_system("csrss-1", 0x3E54, session=1, trust=TRUST_WIN_TCB_LIGHT, fast_ref=0xB),
    _of_system("winlogon", 0x4190, session=1),
    _of_system("services", 0x46C8, trust=TRUST_WIN_TCB_LIGHT, fast_ref=0x3),
    _of_system("lsass", 0x4A1F, trust=TRUST_LSA_LIGHT, fast_ref=0x0),
    _of_system("dcomlaunch", 0x7733),
    RPCSS_TOKEN,
    SCHEDULE_TOKEN,
    BFE_TOKEN,
    ANONYMOUS_TOKEN,
    _client(RPCSS_TOKEN, "client-network", 0x61AA0, spec.IMPERSONATE),
    _client(SYSTEM_TOKEN, "client-system", 0x61B43, spec.IMPERSONATE),
    _client(owner.EXPLORER, "client-anna", 0x62F11, spec.IDENTIFICATION),
    _client(owner.CMD, "client-anna-full", 0x63A08, spec.DELEGATION),
) + owner.ALL

TOKENS: Dict[str, TokenSpec] = {token.key: token for token in ALL}

# Flags as seen on real sessions: 0xA on the full one of a linked pair, 0xD on the filtered one.
LOGON_SESSIONS: Tuple[LogonSessionSpec, ...] = (
    LogonSessionSpec(SYSTEM_ID, "ANNA-PC$", "WORKGROUP", flags=0x0, references=312, token="system"),
    LogonSessionSpec(ANONYMOUS_ID, "ANONYMOUS LOGON", "NT AUTHORITY"),
    LogonSessionSpec(LOCAL_ID, "LOCAL SERVICE", "NT AUTHORITY", references=41),
    LogonSessionSpec(NETWORK_ID, "NETWORK SERVICE", "NT AUTHORITY", references=37),
    LogonSessionSpec(FULL_ID, "Anna", "ANNA-PC", FILTERED_ID, flags=0xA, references=56, token="anna-full"),
    LogonSessionSpec(FILTERED_ID, "Anna", "ANNA-PC", FULL_ID, flags=0xD, references=1799, token="anna-filtered"),
    # Logged on but without a process; same bucket of the table as Anna's filtered session.
    LogonSessionSpec(0x41C02, "Zo\u00eb \u65e5\u672c", "ANNA-PC", references=2),
    LogonSessionSpec(0x77AF2, "", "", references=1),
)
