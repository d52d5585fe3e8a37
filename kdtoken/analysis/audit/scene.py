"""A snapshot with what the rules ask of it worked out once."""

from __future__ import annotations

from bisect import bisect_left, insort
from functools import lru_cache
from operator import itemgetter
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from kdtoken.analysis.classification import LOCAL_SYSTEM, SERVICE_ACCOUNTS
from kdtoken.analysis.consistency import integrity_level
from kdtoken.analysis.lineage.parents import SYSTEM_PID, Family, Parent
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot, created, ended, token_address
from kdtoken.model.token import Token

# Processes that the kernel makes itself, by ImageFileName; all are children of System.
# Seen in Task Manager and !process of Windows 10 and 11; MemProcFS keeps such a list too.
KERNEL_MADE = ("registry", "memcompression", "memory compression", "secure system", "vmmem")
# First sub-authorities of virtual accounts: IIS pools, virtual machines, window manager, WinRM, font driver, services.
_VIRTUAL = (82, 83, 87, 90, 94, 96, 97, 98, 99)
IMAGE_LENGTH = 14  # characters of a name that ImageFileName keeps

Point = Tuple[int, int, int, ProcessDump]  # birth, TokenId, address of the token, whose
_birth_and_id = itemgetter(0, 1)


Users = Tuple[ProcessDump, ...]


class Scene:
    """What rules look at.  `family` is the snapshot's, where there is one already."""

    def __init__(self, snapshot: Snapshot, family: Optional[Family] = None) -> None:
        self.snapshot = snapshot
        self.family = family or Family(snapshot)
        self.rows = snapshot.processes
        self.running = tuple(row for row in self.rows if not ended(row))
        self.holders: Dict[int, List[ProcessDump]] = {}
        # Two dozen rules go through thousands of processes and tokens; what is asked of each is worked out once, and
        # what hangs on nothing but the kind of token is asked once of each kind.
        of = self.family.likeness.of
        self._primary: List[Tuple[ProcessDump, Token]] = []
        for row in self.running:
            address = token_address(row)
            if address:
                self.holders.setdefault(address, []).append(row)
            token = row.token
            if isinstance(token, Token):
                self._primary.append((row, token))
        self._tokens = list(snapshot.tokens())
        self._rows_alike = _alike([of(token) for _, token in self._primary])
        self._alike = _alike([of(token) for token in self._tokens])
        self._users: Optional[Dict[int, List[ProcessDump]]] = None
        self._points: Optional[List[Point]] = None
        self._out_of_time: Optional[Dict[int, int]] = None
        self._images: Optional[Dict[str, List[int]]] = None

    def parent(self, row: ProcessDump) -> Parent:
        """The parent of a process."""
        return self.family.parent(row)

    def primary(self) -> Iterator[Tuple[ProcessDump, Token]]:
        """Running processes whose token could be read."""
        return iter(self._primary)

    def primary_of(self, judge: Callable[[Token], object]) -> Iterator[Tuple[ProcessDump, Token]]:
        """Of `primary` those whose token `judge` says something of; see `tokens_of`."""
        return (self._primary[at] for at in self._chosen(self._rows_alike, judge))

    def named(self, images: Iterable[str]) -> Iterator[ProcessDump]:
        """Running processes of these images, in list order; names in lower case, cut as ImageFileName is."""
        if self._images is None:
            self._images = {}
            for at, row in enumerate(self.running):
                image = row.process.image_name
                if isinstance(image, str):
                    self._images.setdefault(image[:IMAGE_LENGTH].lower(), []).append(at)
        known = self._images
        return (self.running[at] for at in sorted(at for image in images for at in known.get(image, ())))

    def tokens(self) -> Iterator[Token]:
        """Every token, once."""
        return iter(self._tokens)

    def users(self, token: Token) -> Users:
        """The processes that hold a token as theirs, or one of whose threads does; some may have ended."""
        if self._users is None:
            self._users = {}
            for row in self.rows:
                addresses = {token_address(row), *row.tokens} if row.tokens else (token_address(row),)
                for address in addresses:
                    self._users.setdefault(address, []).append(row)
        return tuple(self._users.get(token.address, ()))

    def tokens_of(self, judge: Callable[[Token], object]) -> Iterator[Tuple[Token, Users]]:
        """Every token of which `judge` says something, with its users.

        It is asked once of all that are alike, so it may look at nothing that is each token's own (see Likeness).
        """
        for at in self._chosen(self._alike, judge):
            token = self._tokens[at]
            yield token, self.users(token)

    def primaries_of(self, judge: Callable[[Token], object]) -> Iterator[Tuple[Token, Users]]:
        """The same of primary tokens, with the running processes that hold it; none where a text shows it alone."""
        for token, users in self.tokens_of(lambda one: one.is_primary is True and judge(one)):
            holders = tuple(row for row in users if token_address(row) == token.address and not ended(row))
            if holders or not users:
                yield token, holders

    def _chosen(self, alike: Dict[int, List[int]], judge: Callable[[Token], object]) -> List[int]:
        tokens = self.family.likeness.tokens
        found = [places for number, places in alike.items() if judge(tokens[number])]
        return sorted(at for places in found for at in places)

    def points(self) -> List[Point]:
        """Birth and TokenId of running processes, where both are known, in order of birth and of TokenId."""
        if self._points is None:
            self._points = [
                (born, token.token_id.value, token.address, row)
                for row, token in self._primary
                for born in (created(row),)
                if born and isinstance(token.token_id, Luid)
            ]
            self._points.sort(key=_birth_and_id)
        return self._points

    def out_of_time(self, row: ProcessDump) -> int:
        """With how many running processes under other tokens its birth and its TokenId disagree.

        LUIDs count up: of two processes the older one has the lower TokenId.  0 for what has no birth or no id.
        """
        if self._out_of_time is None:
            self._out_of_time = _out_of_time(self.points())
        found = self._out_of_time.get(id(row))
        if found is None:  # one that has ended: of them few are asked for
            born, token = created(row), row.token
            if not born or not isinstance(token, Token) or not isinstance(token.token_id, Luid):
                return 0
            luid, address = token.token_id.value, token.address
            found = sum((p[0] < born) != (p[1] < luid) for p in self.points() if p[2] != address)
        return found

    @property
    def boot_token(self) -> int:
        """Address of the boot token: nt!PspBootAccessToken, else what System (pid 4) runs under; 0 if unknown."""
        boot = self.snapshot.boot.boot
        if isinstance(boot, int) and boot:
            return boot
        systems = [row for row in self.family.by_pid.get(SYSTEM_PID, ()) if row.process.image_name == "System"]
        return token_address(systems[0]) if len(systems) == 1 else 0


def _alike(numbers: Sequence[int]) -> Dict[int, List[int]]:
    """The places of each number."""
    found: Dict[int, List[int]] = {number: [] for number in set(numbers)}
    for place, number in enumerate(numbers):
        found[number].append(place)
    return found


def _out_of_time(points: Sequence[Point]) -> Dict[int, int]:
    """See Scene.out_of_time.  In sorted lists: a thousand processes may share a token, and each is compared with all."""
    found: Dict[int, int] = {}
    earlier: Dict[int, List[int]] = {}  # births of all so far that have the same token, and so the same TokenId
    for (born, _, address, row), disagreeing in zip(points, _disagreements(points)):
        births = earlier.setdefault(address, [])
        found[id(row)] = disagreeing - bisect_left(births, born)
        births.append(born)
    return found


def _disagreements(points: Sequence[Point]) -> List[int]:
    """For each of some that are in order of time: how many others are earlier and not lower, or lower and not earlier."""
    ids = sorted([point[1] for point in points])
    counts: List[int] = []
    lower: List[int] = []  # ids of all that are earlier, sorted
    waiting: List[int] = []  # of the same time: none of them is earlier than another
    last, earlier = None, 0
    for number, point in enumerate(points):
        time, luid = point[0], point[1]
        if time != last:
            for one in waiting:
                insort(lower, one)
            waiting, last, earlier = [], time, number
        counts.append(earlier + bisect_left(ids, luid) - 2 * bisect_left(lower, luid))
        waiting.append(luid)
    return counts


def is_system_family(row: ProcessDump) -> bool:
    """Idle, System, or a process that the kernel made itself as System's child."""
    process = row.process
    if process.pid == SYSTEM_PID or process.pid == 0:
        return True
    name = process.image_name
    return process.parent_pid in (0, SYSTEM_PID) and isinstance(name, str) and name.lower() in KERNEL_MADE


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
