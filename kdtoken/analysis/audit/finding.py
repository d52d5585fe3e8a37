"""What a rule of the audit is, and what it says when it saw something."""

from enum import Enum
from functools import lru_cache
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Tuple

from kdtoken.analysis.audit.scene import Scene
from kdtoken.frozen import dataclass
from kdtoken.model.process import ProcessDump
from kdtoken.model.snapshot import NO_PID, pid_of


class Severity(Enum):
    """How much a finding says.  The marks are those of every output."""

    IMPOSSIBLE = "!!"  # cannot happen innocently
    UNUSUAL = "!"  # has innocent causes, which the rule names
    INFORMATION = "i"  # worth knowing beside others

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Evidence(NamedTuple):
    """One fact that a finding rests on: what it is, its value in words, and the address where it can be looked at.

    address  0 where it has none; `kind` says what lies there: "process", "token", "thread", "session" or "field"
    """

    what: str
    value: str
    address: int = 0
    kind: str = "field"


@dataclass(frozen=True)
class Finding:
    """What a rule saw.

    saw        one sentence; may hold image names, which whoever runs a program chooses
    processes  those that it is about, the one that should be looked at first
    tokens     addresses of the tokens concerned, as for `processes`
    key        what stays the same on another machine or after another start: for baselines
    """

    rule: str
    severity: Severity
    saw: str
    evidence: Tuple[Evidence, ...]
    processes: Tuple[ProcessDump, ...] = ()
    tokens: Tuple[int, ...] = ()
    key: str = ""

    @property
    def identity(self) -> str:
        """Rule and key: equal for the same finding on two machines."""
        return "%s: %s" % (self.rule, self.key)


@dataclass(frozen=True)
class Rule:
    """A rule.

    id        as printed and as `--explain` takes it
    severity  the worst that it says
    title     what it looks for, in a few words
    why       why that is strange
    innocent  causes that are no attack; empty for what has none
    source    where the fact is from
    extra     asked for only by name: it is not proven on a real machine yet
    """

    id: str
    severity: Severity
    title: str
    why: str
    innocent: Tuple[str, ...]
    source: str
    check: Callable[[Scene], Iterator[Finding]]
    extra: bool = False


def name_of(row: ProcessDump) -> str:
    """ "notepad.exe (6104)"; the image's own text is for the renderer to make safe."""
    image = row.process.image_name
    return _name(image if isinstance(image, str) else "?", pid_of(row))


@lru_cache(maxsize=4096)
def _name(image: str, pid: int) -> str:
    return "%s (%s)" % (image, "pid ?" if pid == NO_PID else pid)


def image_of(row: ProcessDump) -> str:
    """The image name in lower case; empty where it is not known."""
    image = row.process.image_name
    return image.lower() if isinstance(image, str) else ""


def process_evidence(row: ProcessDump, what: str = "process") -> Evidence:
    """A process as evidence."""
    return Evidence(what, name_of(row), row.process.address, "process")


def token_evidence(row: ProcessDump, address: int, what: str = "") -> Evidence:
    """A process's token as evidence."""
    return Evidence(what or "token of %s" % name_of(row), "0x%x" % address, address, "token")


def by_process(findings: Iterable[Finding]) -> Dict[int, List[Finding]]:
    """EPROCESS -> the findings that are about it, in their order: for who asks of thousands of processes."""
    found: Dict[int, List[Finding]] = {}
    for one in findings:
        if one.processes:
            found.setdefault(one.processes[0].process.address, []).append(one)
    return found
