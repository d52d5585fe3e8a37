"""What a synthetic machine is made of: frozen declarations, with no address and no layout in them.

A test compares kdtoken's answer with these, so every value is spelled as a reader of Windows
documentation would: SIDs as text, privileges by number, ids as integers.  Which of the fields reach
memory depends on the kernel: where `_TOKEN` has no `Package` (Windows 7), the declaration's package
is dropped, and `dropped_fields` of the built kernel says so.
"""

from dataclasses import dataclass, field
from typing import FrozenSet, Mapping, Optional, Tuple

# SE_GROUP_* sets as real tokens have them (winnt.h; the sets as `!token` and whoami show them).
ON = 0x7  # Mandatory, EnabledByDefault, Enabled
OWNER = 0xF  # the same and Owner: Administrators in an elevated token
SYSTEM_ADMINS = 0xE  # Administrators in SYSTEM's own token: not Mandatory
DENY = 0x10  # UseForDenyOnly
LOGON = 0xC0000007  # LogonId
LABEL = 0x60  # Integrity, IntegrityEnabled
SERVICE_SID = 0xE  # a service's own SID: EnabledByDefault, Enabled, Owner

NEVER = 0x7FFFFFFFFFFFFFFF  # ExpirationTime of an ordinary token
PRIMARY, IMPERSONATION = 1, 2  # _TOKEN_TYPE
ANONYMOUS, IDENTIFICATION, IMPERSONATE, DELEGATION = range(4)  # _SECURITY_IMPERSONATION_LEVEL


@dataclass(frozen=True)
class GroupSpec:
    """One `_SID_AND_ATTRIBUTES`."""

    sid: str
    attributes: int = ON


@dataclass(frozen=True)
class AceSpec:
    """One ACE of a DACL: `kind` 0 allows, 1 denies ([MS-DTYP] 2.4.4)."""

    sid: str
    mask: int = 0x10000000  # GENERIC_ALL
    kind: int = 0
    flags: int = 0


@dataclass(frozen=True)
class DescriptorSpec:
    """A security descriptor; None for a part that it does not have.

    dacl_present  with no DACL: whether SE_DACL_PRESENT is set all the same, which makes it a null one
    """

    owner: Optional[str]
    group: Optional[str]
    dacl: Optional[Tuple[AceSpec, ...]]
    sacl: Optional[Tuple[AceSpec, ...]] = None
    dacl_present: bool = False


@dataclass(frozen=True)
class ObjectSpec:
    """An object with a name; `target` is where a symbolic link leads."""

    path: str
    kind: str
    descriptor: Optional[DescriptorSpec]
    target: str = ""


@dataclass(frozen=True)
class KeySpec:
    """A registry key that the kernel has in memory; `hive` says that it is the root of one."""

    path: str
    descriptor: DescriptorSpec
    hive: bool = False


@dataclass(frozen=True)
class PrivilegesSpec:
    """Privilege numbers; what is enabled by default is on unless `enabled` says otherwise."""

    present: Tuple[int, ...]
    enabled: Tuple[int, ...] = ()
    default: Tuple[int, ...] = ()

    @property
    def masks(self) -> Tuple[int, int, int]:
        """Present, Enabled, EnabledByDefault as `_SEP_TOKEN_PRIVILEGES` holds them."""
        sets = (self.present, self.enabled, self.default)
        present, enabled, default = (sum(1 << number for number in set(one)) for one in sets)
        return present, enabled, default


@dataclass(frozen=True)
class TokenSpec:
    """One token object.  Processes and threads name it by `key`; two that do share it."""

    key: str
    user: str
    auth_id: int
    token_id: int
    integrity: str
    privileges: PrivilegesSpec
    primary_group: str
    groups: Tuple[GroupSpec, ...] = ()
    user_attributes: int = 0
    restricted: Tuple[GroupSpec, ...] = ()
    # entry of UserAndGroups that owns new objects, or None for the user himself (index 0)
    default_owner: Optional[str] = None
    default_dacl: Optional[Tuple[AceSpec, ...]] = ()
    source_name: bytes = b"User32 \0"
    source_id: int = 0
    parent_id: int = 0
    modified_id: int = 0
    originating_id: int = 0
    expiration: int = NEVER
    session_id: int = 0
    type: int = PRIMARY
    level: int = ANONYMOUS
    flags: int = 0x2000
    in_use: bool = True
    mandatory_policy: int = 3
    audit_policy: bytes = b""
    package: Optional[str] = None
    capabilities: Tuple[GroupSpec, ...] = ()
    lowbox_number: int = 0
    trust_sid: Optional[str] = None
    # parts that are paged out: "token" (the whole object), "sids" (the end of the object, from
    # the middle of its variable part on) or "dynamic" (primary group and default DACL)
    paged_out: FrozenSet[str] = frozenset()
    # value of the fast reference's spare count where processes point to it
    fast_ref: int = 0xF
    # attributes of the integrity label's entry
    label_attributes: int = LABEL
    # members of `_TOKEN` written over when all is in place, as whoever writes into a kernel does:
    # ("SidHash.SidCount", 3)
    written: Tuple[Tuple[str, int], ...] = ()

    @property
    def all_groups(self) -> Tuple[GroupSpec, ...]:
        """UserAndGroups as in memory: user first, integrity label last."""
        user = GroupSpec(self.user, self.user_attributes)
        return (user,) + self.groups + (GroupSpec(self.integrity, self.label_attributes),)

    @property
    def default_owner_index(self) -> int:
        """DefaultOwnerIndex."""
        if self.default_owner is None:
            return 0
        return [group.sid for group in self.all_groups].index(self.default_owner)


@dataclass(frozen=True)
class LogonSessionSpec:
    """One `_SEP_LOGON_SESSION_REFERENCES`."""

    logon_id: int
    account: str = ""
    authority: str = ""
    buddy_id: int = 0
    flags: int = 0
    references: int = 1
    token: Optional[str] = None  # key of the token that the session itself keeps


@dataclass(frozen=True)
class ThreadSpec:
    """One thread; `impersonates` is a token key.

    stale  the thread once impersonated: ClientSecurity is still filled, the flag is off
    """

    tid: int
    impersonates: Optional[str] = None
    level: int = ANONYMOUS
    effective_only: bool = False
    stale: bool = False


@dataclass(frozen=True)
class ProcessSpec:
    """One process.

    name       as in ImageFileName; None takes the first 14 characters of the path's last part,
               which is what the kernel does (15 bytes, the last one 0)
    token      key; None for a fast reference of 0, as a process has while it is being deleted
    exit_time  0 while it runs
    frozen     PrimaryTokenFrozen
    """

    pid: int
    path: str
    token: Optional[str]
    parent: int = 4
    name: Optional[bytes] = None
    session: Optional[int] = 0
    threads: Tuple[ThreadSpec, ...] = ()
    protection: int = 0
    create_time: int = 0
    exit_time: int = 0
    peb: int = 0
    handles: int = 100
    descriptor: Optional[DescriptorSpec] = None  # None: what a process of its account has
    frozen: int = 0

    @property
    def image_name(self) -> bytes:
        """The bytes of ImageFileName, without what pads them."""
        if self.name is not None:
            return self.name
        return self.path.rsplit("\\", 1)[-1].encode("latin-1", "replace")[:14]


@dataclass(frozen=True)
class Machine:
    """A whole machine.  Processes are on the list in this order.

    boot_token       key of the token that nt!PspBootAccessToken points to; None for a null pointer
    anonymous_token  the same of nt!SeAnonymousLogonToken
    """

    processes: Tuple[ProcessSpec, ...]
    tokens: Mapping[str, TokenSpec] = field(hash=False)
    logon_sessions: Tuple[LogonSessionSpec, ...]
    boot_token: Optional[str] = "system"
    anonymous_token: Optional[str] = None

    def process(self, pid: int) -> ProcessSpec:
        """The process with that id."""
        for one in self.processes:
            if one.pid == pid:
                return one
        raise KeyError(pid)

    def thread(self, tid: int) -> ThreadSpec:
        """The thread with that id."""
        for process in self.processes:
            for one in process.threads:
                if one.tid == tid:
                    return one
        raise KeyError(tid)
