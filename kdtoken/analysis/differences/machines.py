"""Two looks at machines compared: before and after on one, or one machine beside another.

Processes are the same where id and birth are the same; where no birth is told, where id and EPROCESS are.  On two
machines, or after another start, no id means anything: processes are then matched by image name and user.
"""

from collections import Counter
from enum import Enum
from typing import Dict, List, Optional, Set, Tuple

from kdtoken.analysis.differences.comparison import Comparison, Difference, Kind, Outcome, Part, View
from kdtoken.analysis.differences.fields import REPLACED, TRACELESS, compare
from kdtoken.analysis.differences.verdict import one_token
from kdtoken.analysis.lineage.parents import SYSTEM_PID
from kdtoken.frozen import dataclass
from kdtoken.model.absent import Missing
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import NO_PID, Snapshot, created, ended, pid_of, token_address
from kdtoken.model.token import Token


class Fate(Enum):
    """What became of a process and its token from the first look to the second; the worst first."""

    TAMPERED = "changed without the kernel's own trace of it"
    REPLACED = "holds another token than before"
    ADJUSTED = "adjusted"
    DIFFERENT = "differs"
    ENDED = "ended"
    APPEARED = "appeared"
    UNKNOWN = "could not be compared"
    SAME = "same"


@dataclass(frozen=True)
class Pair:
    """One process on both sides; None where it is on one only.  `comparison` where both tokens could be read."""

    fate: Fate
    before: Optional[ProcessDump]
    after: Optional[ProcessDump]
    comparison: Optional[Comparison] = None

    @property
    def row(self) -> ProcessDump:
        """The process as it was seen last."""
        row = self.after if self.after is not None else self.before
        assert row is not None
        return row

    def changed(self, part: Part) -> Tuple[str, ...]:
        """Names of what differs in identity, policy or bookkeeping."""
        if self.comparison is None:
            return ()
        rows = self.comparison.with_outcome(Outcome.DIFFERS)
        return tuple(row.shown for row in rows if row.part is part and row.name not in (TRACELESS, REPLACED))


@dataclass(frozen=True)
class TokenFate:
    """An impersonation token, or one that no process holds: what became of it."""

    fate: Fate
    before: Token
    after: Token
    comparison: Comparison


@dataclass(frozen=True)
class MachineComparison:
    """All pairs, the worst first, and whether both looks are of one machine since one start."""

    before: Snapshot
    after: Snapshot
    same_start: bool
    pairs: Tuple[Pair, ...]
    others: Tuple[TokenFate, ...] = ()

    def counted(self) -> Dict[Fate, int]:
        """How many of each fate, those that there are, in order."""
        counts = Counter(pair.fate for pair in self.pairs)
        return {fate: counts[fate] for fate in Fate if counts[fate]}

    @property
    def verdict(self) -> str:
        """One line."""
        counts = self.counted()
        tampered = counts.get(Fate.TAMPERED, 0) + sum(one.fate is Fate.TAMPERED for one in self.others)
        if tampered:
            what = "%d token%s changed without trace" % (tampered, "" if tampered == 1 else "s")
            more = [_count(fate, number) for fate, number in counts.items() if fate is not Fate.TAMPERED]
            return ", ".join([what, *[one for one in more if one]])
        words = [one for one in (_count(fate, number) for fate, number in counts.items()) if one]
        return ", ".join(words) if words else "nothing changed"

    @property
    def exit_code(self) -> int:
        """0 nothing changed, 1 something did, 2 nothing could be compared."""
        fates = {pair.fate for pair in self.pairs}
        if fates - {Fate.SAME, Fate.UNKNOWN} or any(one.fate is not Fate.SAME for one in self.others):
            return 1
        return 0 if Fate.SAME in fates else 2


def _count(fate: Fate, number: int) -> str:
    words = {
        Fate.REPLACED: "%d token%s replaced",
        Fate.ADJUSTED: "%d token%s adjusted",
        Fate.DIFFERENT: "%d process%s with another context",
        Fate.ENDED: "%d process%s ended",
        Fate.APPEARED: "%d process%s appeared",
        Fate.UNKNOWN: "%d process%s could not be compared",
    }.get(fate, "")
    if not words:
        return ""
    plural = "es" if "process" in words else "s"
    return words % (number, "" if number == 1 else plural)


def compare_machines(before: Snapshot, after: Snapshot) -> MachineComparison:
    """Compare two looks process by process."""
    same = same_start(before, after)
    looks = _Looks(before, after)
    pairs = _by_birth(looks) if same else _by_name(looks)
    ranked = sorted(pairs, key=lambda pair: list(Fate).index(pair.fate))
    return MachineComparison(before, after, same, tuple(ranked), _loose(looks) if same else ())


@dataclass(frozen=True)
class _Looks:
    before: Snapshot
    after: Snapshot

    def compared(self, old: Token, new: Token, process: str = "") -> Comparison:
        """Two tokens, each as its side sees."""
        sides = ((old, self.before, "before"), (new, self.after, "after"))
        a, b = (
            View(token, Kind.TOKEN_COMMAND if side.printed else Kind.KERNEL, label, process=process)
            for token, side, label in sides
        )
        return compare(a, b)


def same_start(before: Snapshot, after: Snapshot) -> bool:
    """Whether both are of one machine since one start: the same System process, at the same address.

    Kernel addresses are drawn anew at each start, and System's creation time is that of the start.
    """
    if before.build and after.build and before.build != after.build:
        return False
    first, second = _system(before), _system(after)
    if first is not None and second is not None:
        if created(first) and created(second) and created(first) != created(second):
            return False
        return first.process.address == second.process.address
    mine = {(pid_of(row), row.process.address) for row in before.processes}
    return any((pid_of(row), row.process.address) in mine for row in after.processes) or _one_token(before, after)


def _one_token(before: Snapshot, after: Snapshot) -> bool:
    looks = {token.address: token for token in before.tokens()}
    return any(token.address in looks and one_token(looks[token.address], token) for token in after.tokens())


def _system(snapshot: Snapshot) -> Optional[ProcessDump]:
    return next((row for row in snapshot.processes if pid_of(row) == SYSTEM_PID), None)


def _by_birth(looks: _Looks) -> List[Pair]:
    before, after = looks.before, looks.after
    later: Dict[int, List[ProcessDump]] = {}
    for row in after.processes:
        later.setdefault(pid_of(row), []).append(row)
    pairs: List[Pair] = []
    met = set()
    for row in before.processes:
        match = next((one for one in later.get(pid_of(row), ()) if _same_process(row, one)), None)
        if match is None:
            # A list that was not seen to its end does not say that a process is gone.
            pairs.append(Pair(Fate.ENDED if after.whole and not ended(row) else Fate.UNKNOWN, row, None))
            continue
        met.add(id(match))
        pairs.append(_pair(looks, row, match))
    for row in after.processes:
        if id(row) not in met:
            pairs.append(Pair(Fate.APPEARED if before.whole else Fate.UNKNOWN, None, row))
    return pairs


def _same_process(row: ProcessDump, other: ProcessDump) -> bool:
    """By birth, where both tell it; else by address, which a later process of that id may have again."""
    if created(row) and created(other):
        return created(row) == created(other)
    return pid_of(row) != NO_PID and row.process.address == other.process.address


def _by_name(looks: _Looks) -> List[Pair]:
    """Image names that are there once on each side; what is there several times is counted only."""
    before, after = looks.before, looks.after
    mine, theirs = _named(before), _named(after)
    pairs: List[Pair] = []
    for name in list(mine) + [name for name in theirs if name not in mine]:
        here, there = mine.get(name, []), theirs.get(name, [])
        if len(here) == len(there) == 1:
            pairs.append(_pair(looks, here[0], there[0], one_machine=False))
            continue
        if name and here and there:
            pairs.append(
                Pair(_of_users({_user(row) for row in here}, {_user(row) for row in there}), here[0], there[0])
            )
            continue
        pairs += [Pair(Fate.ENDED, row, None) for row in here] + [Pair(Fate.APPEARED, None, row) for row in there]
    return pairs


def _named(snapshot: Snapshot) -> Dict[str, List[ProcessDump]]:
    found: Dict[str, List[ProcessDump]] = {}
    for row in snapshot.processes:
        name = row.process.image_name
        if isinstance(name, str) and not ended(row):
            found.setdefault(name.lower(), []).append(row)
    return found


def _of_users(mine: Set[Optional[Sid]], theirs: Set[Optional[Sid]]) -> Fate:
    """Whether processes of one name run as the same users on both sides; None is a user that nobody knows."""
    if None not in mine and None not in theirs:
        return Fate.SAME if mine == theirs else Fate.DIFFERENT
    # Who is known on one side and not among the others, of whom all are known, is another whoever the unknown is.
    surely = (None not in theirs and mine - theirs - {None}) or (None not in mine and theirs - mine - {None})
    return Fate.DIFFERENT if surely else Fate.UNKNOWN


def _user(row: ProcessDump) -> Optional[Sid]:
    return row.token.user if isinstance(row.token, Token) and isinstance(row.token.user, Sid) else None


def _pair(looks: _Looks, before: ProcessDump, after: ProcessDump, one_machine: bool = True) -> Pair:
    old, new = before.token, after.token
    if not isinstance(old, Token) or not isinstance(new, Token):
        if isinstance(old, Missing) or isinstance(new, Missing) or old is not new:
            # The pointers alone may say that it is another object.
            moved = token_address(before) and token_address(after) and token_address(before) != token_address(after)
            return Pair(Fate.REPLACED if moved and one_machine else Fate.UNKNOWN, before, after)
        return Pair(Fate.SAME, before, after)
    process = "process 0x%x" % after.process.address if one_machine else ""
    comparison = looks.compared(old, new, process)
    return Pair(_fate(comparison, one_machine), before, after, comparison)


def _fate(comparison: Comparison, one_machine: bool) -> Fate:
    differing = comparison.with_outcome(Outcome.DIFFERS)
    names = {row.name for row in differing}
    if not one_machine:
        # Ids, logons and SIDs of accounts are each machine's own; no two looks at one token are among them.
        differing = tuple(row for row in differing if row.name != TRACELESS)
        telling = [row for row in differing if row.part is not Part.BOOKKEEPING and not _of_one_machine(row)]
        return Fate.DIFFERENT if telling else Fate.SAME
    if TRACELESS in names:
        return Fate.TAMPERED
    if REPLACED in names:
        return Fate.REPLACED
    if any(row.part is not Part.BOOKKEEPING or row.name == "modified id" for row in differing):
        return Fate.ADJUSTED
    return Fate.SAME if comparison.with_outcome(Outcome.SAME) else Fate.UNKNOWN


_OWN = ("authentication id", "originating logon", "session", "lowbox number", "default DACL", "primary group")


def _of_one_machine(row: Difference) -> bool:
    """Whether a difference says nothing between two machines: accounts' SIDs and logons are each machine's own."""
    if row.name in _OWN or "S-1-5-21-" in row.name or "S-1-5-5-" in row.name:
        return True
    sides = [value for value in (row.a, row.b) if isinstance(value, Sid)]
    return len(sides) == 2 and all(sid.is_domain_relative for sid in sides)


def _loose(looks: _Looks) -> Tuple[TokenFate, ...]:
    """Tokens that both looks show and that no process holds on both: of threads, or of a text that shows tokens only."""
    before, after = looks.before, looks.after
    held = {token_address(row) for row in before.processes} & {token_address(row) for row in after.processes}
    old = {token.address: token for token in before.tokens() if token.address not in held}
    found: List[TokenFate] = []
    for token in after.tokens():
        earlier = old.get(token.address)
        if earlier is None or not one_token(earlier, token):
            continue
        comparison = looks.compared(earlier, token)
        fate = _fate(comparison, True)
        if fate is not Fate.SAME:
            found.append(TokenFate(fate, earlier, token, comparison))
    return tuple(found)
