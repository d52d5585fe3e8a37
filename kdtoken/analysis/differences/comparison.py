"""What a comparison of two tokens is made of: the views, a row for each thing compared, the outcome."""

from enum import Enum
from typing import Optional, Tuple

from kdtoken.analysis.differences.verdict import one_token
from kdtoken.frozen import dataclass
from kdtoken.model.absent import Missing, NotAsked, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.sid_names import name_of
from kdtoken.model.view import Kind, View


class Part(Enum):
    """What a difference means."""

    IDENTITY = "identity"
    POLICY = "policy"
    BOOKKEEPING = "bookkeeping"


class Outcome(Enum):
    """How a field compares."""

    SAME = "same"
    DIFFERS = "differs"
    EXPECTED = "differs as it must"
    ONLY_A = "only A can know it"
    ONLY_B = "only B can know it"
    NEITHER = "neither can know it"
    UNREADABLE = "could not be read"


@dataclass(frozen=True)
class Difference:
    """One line of a comparison.  `a` and `b` are model values or None."""

    part: Part
    name: str
    outcome: Outcome
    a: object = None
    b: object = None
    note: str = ""

    @property
    def group(self) -> Optional[Group]:
        """The group that it is about, if it is about one."""
        return next((value for value in (self.a, self.b) if isinstance(value, Group)), None)

    @property
    def shown(self) -> str:
        """The name for people: a group by its own, where that is known without asking the machine."""
        if self.group is None or str(self.group.sid) not in self.name:
            return self.name
        return self.name.replace(str(self.group.sid), name_of(self.group.sid) or str(self.group.sid))


@dataclass(frozen=True)
class Comparison:
    """All lines, and the one-line verdict."""

    a: View
    b: View
    rows: Tuple[Difference, ...]
    verdict: str

    def __repr__(self) -> str:
        return "<Comparison: %s>" % self.verdict

    def _repr_html_(self) -> str:
        from kdtoken.model.notebook import html_table

        rows = [(row.part.value, row.shown, row.outcome.value, row.note) for row in self.rows]
        return html_table(self.verdict, rows, ("part", "what", "outcome", "why"))

    def with_outcome(self, *outcomes: Outcome) -> Tuple[Difference, ...]:
        """The rows that came out so."""
        return tuple(row for row in self.rows if row.outcome in outcomes)

    @property
    def over_time(self) -> bool:
        """Whether these are two looks at one process, or at one token: then nothing of its identity may differ."""
        same = bool(self.a.process) and self.a.process == self.b.process
        return same or one_token(self.a.token, self.b.token)

    @property
    def exit_code(self) -> int:
        """0 same, 1 differences, 2 nothing could be compared."""
        if self.with_outcome(Outcome.DIFFERS):
            return 1
        return 0 if self.with_outcome(Outcome.SAME) else 2


def one_sided(left: object, right: object) -> Optional[Outcome]:
    """The outcome where a side has no value; None where both have one."""
    if isinstance(left, (Unreadable, NotAsked)) or isinstance(right, (Unreadable, NotAsked)):
        return Outcome.UNREADABLE
    if isinstance(left, Missing) and isinstance(right, Missing):
        return Outcome.NEITHER
    if isinstance(right, Missing):
        return Outcome.ONLY_A
    if isinstance(left, Missing):
        return Outcome.ONLY_B
    return None


__all__ = ["Comparison", "Difference", "Kind", "Outcome", "Part", "View", "one_sided"]
