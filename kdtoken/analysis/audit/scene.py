"""A snapshot with what the rules ask of it worked out once."""

from bisect import bisect_left, insort
from functools import lru_cache
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from kdtoken.analysis.classification import LOCAL_SYSTEM, SERVICE_ACCOUNTS, integrity_level
from kdtoken.analysis.lineage.parents import SYSTEM_PID, Family, Parent
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot, created, ended, pid_of, token_address
from kdtoken.model.token import Token

# Processes that the kernel makes itself, by ImageFileName; all are children of System.
# Seen in Task Manager and !process of Windows 10 and 11; MemProcFS keeps such a list too.
KERNEL_MADE = ("registry", "memcompression", "memory compression", "secure system", "vmmem")
# First sub-authorities of virtual accounts: IIS pools, virtual machines, window manager, WinRM, font driver, services.
_VIRTUAL = (82, 83, 87, 90, 94, 96, 97, 98, 99)


class Scene:
    """What rules look at.  `family` is the snapshot's, where there is one already."""

    def __init__(self, snapshot: Snapshot, family: Optional[Family] = None) -> None:
        self.snapshot = snapshot
        self.family = family or Family(snapshot)
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
        self._points: List[_Point] = []
        self._out_of_time: Optional[Dict[int, int]] = None
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

    def out_of_time(self, row: ProcessDump) -> int:
        """With how many running processes under other tokens its birth and its TokenId disagree.

        LUIDs count up: of two processes the older one has the lower TokenId.  0 for what has no birth or no id.
        """
        if self._out_of_time is None:
            self._points = [point for point in (_point(*one) for one in self._primary) if point is not None]
            self._out_of_time = _out_of_time(self._points)
        found = self._out_of_time.get(id(row))
        if found is None:  # one that has ended: of them few are asked for
            mine = _point(row, row.token) if isinstance(row.token, Token) else None
            others = self._points if mine else ()
            found = sum((p[0] < mine[0]) != (p[1] < mine[1]) for p in others if mine and p[2] != mine[2])
        return found

    @property
    def boot_token(self) -> int:
        """Address of the boot token: nt!PspBootAccessToken, else what System (pid 4) runs under; 0 if unknown."""
        boot = self.snapshot.boot.boot
        if isinstance(boot, int) and boot:
            return boot
        systems = [row for row in self.family.by_pid.get(SYSTEM_PID, ()) if row.process.image_name == "System"]
        return token_address(systems[0]) if len(systems) == 1 else 0


_Point = Tuple[int, int, int, ProcessDump]  # birth, TokenId, address of the token, whose


def _point(row: ProcessDump, token: Token) -> Optional[_Point]:
    born = created(row)
    return (born, token.token_id.value, token.address, row) if born and isinstance(token.token_id, Luid) else None


def _out_of_time(points: Sequence[_Point]) -> Dict[int, int]:
    """See Scene.out_of_time.  In sorted lists: a thousand processes may share a token, and each is compared with all."""
    everyone = _disagreements([point[:2] for point in points])
    alike: Dict[int, List[int]] = {}
    for number, point in enumerate(points):
        alike.setdefault(point[2], []).append(number)
    found: Dict[int, int] = {}
    for numbers in alike.values():
        among = _disagreements([points[number][:2] for number in numbers]) if len(numbers) > 1 else [0]
        for number, inside in zip(numbers, among):
            found[id(points[number][3])] = everyone[number] - inside
    return found


def _disagreements(points: Sequence[Tuple[int, int]]) -> List[int]:
    """For each (time, id): how many others are earlier and not lower, or lower and not earlier."""
    times, ids = sorted(time for time, _ in points), sorted(luid for _, luid in points)
    counts = [0] * len(points)
    lower: List[int] = []  # ids of all that are earlier, sorted
    waiting: List[int] = []  # of the same time: none of them is earlier than another
    last = None
    for number in sorted(range(len(points)), key=lambda one: points[one][0]):
        time, luid = points[number]
        if time != last:
            for one in waiting:
                insort(lower, one)
            waiting, last = [], time
        both = bisect_left(lower, luid)
        counts[number] = bisect_left(times, time) + bisect_left(ids, luid) - 2 * both
        waiting.append(luid)
    return counts


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
    return None if user is None else _is_service_account(user)


@lru_cache(maxsize=4096)
def _is_service_account(user: Sid) -> bool:
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
    last = sid.subauthorities
    for one in token.groups:  # the longest loop of all rules: what nearly always differs is compared first
        if isinstance(one, Group) and one.sid.subauthorities == last and one.sid == sid:
            return one
    return None


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
