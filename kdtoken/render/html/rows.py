"""The processes of a machine as rows of the page: words, and classes that the style sheet gives a colour."""

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from kdtoken.analysis.audit.finding import Finding, Severity, name_of
from kdtoken.analysis.classification import LOCAL_SYSTEM
from kdtoken.analysis.consistency import integrity_level
from kdtoken.analysis.lineage.edges import Change
from kdtoken.analysis.lineage.parents import Family
from kdtoken.analysis.lineage.tree import Node, tree
from kdtoken.model.integrity import IntegrityLevel, integrity_text
from kdtoken.model.process import Impersonation, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import Names
from kdtoken.model.snapshot import Snapshot, ended, token_address
from kdtoken.model.token import Token
from kdtoken.render.lineage import edge_words, root_words
from kdtoken.render.words import clean, show, sid_name

DEEPEST = 24  # steps that a row is moved to the right; what is deeper says its depth
_LOCAL_SERVICE, _NETWORK_SERVICE = Sid(5, (19,)), Sid(5, (20,))
_FIXED = {LOCAL_SYSTEM: "u-system", _LOCAL_SERVICE: "u-local", _NETWORK_SERVICE: "u-network"}
_COLOURS = 8  # for the other users, in the order in which they are met
_LEVELS = (
    (IntegrityLevel.SYSTEM, "l-system"),
    (IntegrityLevel.HIGH, "l-high"),
    (IntegrityLevel.MEDIUM, "l-medium"),
    (IntegrityLevel.LOW, "l-low"),
    (IntegrityLevel.UNTRUSTED, "l-untrusted"),
)
_QUIET = (Change.SAME, Change.SAME_OBJECT, Change.ADJUSTED)


class Colours:
    """The same colour for the same user, on all machines of the page."""

    def __init__(self) -> None:
        self._users: Dict[Sid, str] = {}

    def of(self, user: object) -> str:
        """A class of the style sheet."""
        if not isinstance(user, Sid):
            return "u-unknown"
        fixed = _FIXED.get(user)
        return fixed or self._users.setdefault(user, "u-%d" % (len(self._users) % _COLOURS))


@dataclass(frozen=True)
class Row:
    """A process as the tree shows it.

    id       of the row in the page; `token` the number of its card, -1 where there is none
    what     what became of the token on the way from its parent, `reason` why that usually happens
    changed  whether that is worth a look: another user, another level, a confinement
    search   what else it can be found by: addresses, SIDs, enabled privileges
    """

    id: str
    dump: ProcessDump
    token: int
    depth: int
    name: str
    image: str
    pid: str
    user: str
    user_class: str
    level: str
    level_class: str
    change: Optional[Change]
    what: str
    reason: str
    changed: bool
    mark: str
    rules: Tuple[str, ...]
    impersonating: int
    threads: int
    ended: bool
    search: str

    @property
    def authority(self) -> str:
        """What stands in front of the account's name, "" where nothing does."""
        return self.user.rpartition("\\")[0]

    @property
    def account(self) -> str:
        """The name behind it."""
        return self.user.rpartition("\\")[2]

    @property
    def step(self) -> int:
        """How far it is moved to the right."""
        return min(self.depth, DEEPEST)


def rows_of(
    snapshot: Snapshot,
    family: Family,
    findings: Sequence[Finding],
    names: Names,
    cards: Mapping[int, int],
    colours: Colours,
    first: int,
) -> List[Row]:
    """All processes as a tree.

    cards  address of a token -> the number of its card
    first  number of the first row: ids are of the whole page
    """
    found: Dict[int, List[Finding]] = {}
    for one in findings:
        for about in one.processes[:1]:
            found.setdefault(about.process.address, []).append(one)
    return [
        _row(node, "p%d" % number, found.get(node.row.process.address, ()), names, cards, colours)
        for number, node in enumerate(tree(snapshot, family), first)
    ]


def _row(
    node: Node, id: str, findings: Sequence[Finding], names: Names, cards: Mapping[int, int], colours: Colours
) -> Row:
    row = node.row
    telling = sorted((one for one in findings if one.severity is not Severity.INFORMATION), key=_rank)
    token = row.token if isinstance(row.token, Token) else None
    user, level, level_class = token_words(token, names)
    if token is None:
        user = "no token" if row.token is None else "token not known"
    change = node.edge.change if node.parent.row is not None else None
    return Row(
        id,
        row,
        cards.get(token_address(row), -1) if token is not None else -1,
        node.depth,
        clean(name_of(row)),
        show(row.process.image_name, clean),
        show(row.process.pid, str),
        user,
        colours.of(token.user if token is not None else None),
        level,
        level_class,
        change,
        clean(root_words(node) or edge_words(node)),
        node.reason if change is not None else "",
        change is not None and change not in _QUIET and change is not Change.UNKNOWN,
        telling[0].severity.value if telling else "",
        tuple(dict.fromkeys(one.rule for one in telling)),
        sum(isinstance(one.impersonation, Impersonation) for one in row.threads),
        len(row.threads),
        ended(row),
        _search(row, token),
    )


def _rank(finding: Finding) -> int:
    return finding.severity.rank


def token_words(token: Optional[Token], names: Names) -> Tuple[str, str, str]:
    """User and level of a token in words, and the level's class."""
    if token is None:
        return "?", "?", "l-unknown"
    user = show(token.user, lambda sid: sid_name(sid, token, names)) if isinstance(token.user, Sid) else "?"
    level = integrity_level(token)
    if level is None:
        return user, "?", "l-unknown"
    words = integrity_text(level).replace(" Mandatory Level", "")
    return user, words, next((name for least, name in _LEVELS if level >= least), "l-unknown")


def _search(row: ProcessDump, token: Optional[Token]) -> str:
    words = ["0x%x" % row.process.address, show(row.process.pid, hex)]
    if token is not None:
        words += ["0x%x" % token.address if token.address else ""]
        words += [str(token.user)] if isinstance(token.user, Sid) else []
        words += [one.name for one in token.enabled_privileges]
    return " ".join(words).lower()
