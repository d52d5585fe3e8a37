"""A snapshot with what the rules ask of it worked out once."""

from typing import Dict, Iterator, List, Optional, Tuple

from kdtoken.analysis.classification import LOCAL_SYSTEM, SERVICE_ACCOUNTS, integrity_level
from kdtoken.analysis.lineage.parents import SYSTEM_PID, Family, Parent
from kdtoken.model.group import Group
from kdtoken.model.process import FastRef, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot, ended, pid_of, token_address
from kdtoken.model.token import Token

# Processes that the kernel makes itself, by ImageFileName; all are children of System.
# Seen in Task Manager and !process of Windows 10 and 11; MemProcFS keeps such a list too.
KERNEL_MADE = ("registry", "memcompression", "memory compression", "secure system", "vmmem")
# First sub-authorities of virtual accounts: IIS pools, virtual machines, window manager, WinRM, font driver, services.
_VIRTUAL = (82, 83, 87, 90, 94, 96, 97, 98, 99)


class Scene:
    """What rules look at."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.family = Family(snapshot)
        self.rows = snapshot.processes
        self.running = tuple(row for row in self.rows if not ended(row))
        self.holders: Dict[int, List[ProcessDump]] = {}
        for row in self.running:
            address = token_address(row)
            if address:
                self.holders.setdefault(address, []).append(row)
        # Each of two dozen rules goes through these: made once.
        self._primary: List[Tuple[ProcessDump, Token]] = [
            (row, row.token) for row in self.running if isinstance(row.token, Token)
        ]
        self._tokens: List[Tuple[Token, Tuple[ProcessDump, ...]]] = list(self._with_users())
        self._primaries: List[Tuple[Token, Tuple[ProcessDump, ...]]] = list(self._held())

    def parent(self, row: ProcessDump) -> Parent:
        """The parent of a process."""
        return self.family.parent(row)

    def primary(self) -> Iterator[Tuple[ProcessDump, Token]]:
        """Running processes whose token could be read."""
        return iter(self._primary)

    def tokens(self) -> Iterator[Tuple[Token, Tuple[ProcessDump, ...]]]:
        """Every token with the running processes that hold it as theirs, or one of whose threads does."""
        return iter(self._tokens)

    def _with_users(self) -> Iterator[Tuple[Token, Tuple[ProcessDump, ...]]]:
        users: Dict[int, List[ProcessDump]] = {}
        for row in self.rows:
            for address in {token_address(row), *row.tokens}:
                users.setdefault(address, []).append(row)
        for token in self.snapshot.tokens():
            yield token, tuple(users.get(token.address, ()))

    def primaries(self) -> Iterator[Tuple[Token, Tuple[ProcessDump, ...]]]:
        """Every primary token with the running processes that hold it; none where a text shows the token alone."""
        return iter(self._primaries)

    def _held(self) -> Iterator[Tuple[Token, Tuple[ProcessDump, ...]]]:
        for token, users in self.tokens():
            if token.is_primary is not True:
                continue
            holders = tuple(row for row in users if token_address(row) == token.address and not ended(row))
            if holders or not users:
                yield token, holders

    @property
    def boot_token(self) -> int:
        """Address of the boot token: nt!PspBootAccessToken, else what System (pid 4) runs under; 0 if unknown."""
        boot = self.snapshot.boot.boot
        if isinstance(boot, int) and boot:
            return boot
        systems = [row for row in self.family.by_pid.get(SYSTEM_PID, ()) if row.process.image_name == "System"]
        return token_address(systems[0]) if len(systems) == 1 else 0


def is_system_family(row: ProcessDump) -> bool:
    """Idle, System, or a process that the kernel made itself as System's child."""
    if pid_of(row) in (0, SYSTEM_PID):
        return True
    name = row.process.image_name
    return row.process.parent_pid in (0, SYSTEM_PID) and isinstance(name, str) and name.lower() in KERNEL_MADE


def user_of(token: Token) -> Optional[Sid]:
    """The token's user; None where it is not known."""
    return token.user if isinstance(token.user, Sid) else None


def is_system(token: Token) -> bool:
    """Whether the user is LocalSystem."""
    return token.user == LOCAL_SYSTEM


def is_service_account(token: Token) -> Optional[bool]:
    """Whether the user is one of Windows' own accounts: SYSTEM, the two services', a helper's, a virtual account."""
    user = user_of(token)
    if user is None:
        return None
    if user in SERVICE_ACCOUNTS or user.is_service:
        return True
    return user.authority == 5 and bool(user.subauthorities) and user.subauthorities[0] in _VIRTUAL


def is_person(token: Token) -> bool:
    """Whether the user is an account of a machine, a domain or Entra: S-1-5-21-..., S-1-12-1-..."""
    user = user_of(token)
    return user is not None and (user.is_domain_relative or user.authority == 12)


def holds(token: Token, *names: str) -> Optional[bool]:
    """Whether any of these privileges is present, enabled or not; None where that is not known."""
    if not isinstance(token.privileges, tuple):
        return None
    return any(p.present and p.name in names for p in token.privileges)


def group(token: Token, sid: Sid) -> Optional[Group]:
    """The token's entry for a SID; None where there is none, or it cannot be read."""
    return next((one for one in token.groups if isinstance(one, Group) and one.sid == sid), None)


def level(token: Token) -> Optional[int]:
    """The integrity level."""
    return integrity_level(token)


def session_of(row: ProcessDump) -> Optional[int]:
    """The session that the process runs in; None outside all of them or where it is not known."""
    details = row.details
    if isinstance(details, ProcessDetails) and isinstance(details.session_id, int):
        return details.session_id
    return None


def reference(row: ProcessDump) -> Optional[FastRef]:
    """The process's fast reference."""
    return row.process.token if isinstance(row.process.token, FastRef) else None


def thread_name(thread: Thread) -> str:
    """ "thread 988"."""
    return "thread %s" % (thread.tid if isinstance(thread.tid, int) else "0x%x" % thread.address)
