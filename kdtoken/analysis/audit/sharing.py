"""Rules about token objects that more than one process has."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Set, Tuple

from kdtoken.analysis.audit.finding import (
    Evidence,
    Finding,
    Rule,
    Severity,
    image_of,
    name_of,
    process_evidence,
    token_evidence,
)
from kdtoken.analysis.audit.scene import Scene, is_system_family, session_of
from kdtoken.analysis.lineage.edges import Change
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, ProcessDump
from kdtoken.model.snapshot import created, token_address
from kdtoken.model.token import Token

# What an ordinary child gets at most: nothing is won by holding the object in place of such a copy.
_NOTHING_WON = (Change.SAME_OBJECT, Change.SAME, Change.ADJUSTED, Change.CONFINED)
_HARMLESS = "; a copy of it is what it would have anyway"


def shared_token(scene: Scene) -> Iterator[Finding]:
    """Two running processes, one token object."""
    for address, rows in scene.holders.items():
        if len(rows) < 2:
            continue
        insiders = [row for row in rows if is_system_family(row)]
        outsiders = [row for row in rows if not is_system_family(row)] if insiders else rows
        if not outsiders:
            continue
        sharers = {id(row) for row in rows}
        owner = insiders[0] if insiders else _owner(scene, rows)
        # Nobody's child gets the kernel's own.
        answers = [(row, True if insiders else _won(scene, row, sharers)) for row in outsiders if row is not owner]
        won = [row for row, answer in answers if answer]
        untold = [row for row, answer in answers if answer is None]
        # Outputs of two moments: the first process may have ended, and its token's memory been used again.
        severity = Severity.IMPOSSIBLE if won and scene.snapshot.at_once else Severity.UNUSUAL
        first = (won or untold or [row for row, _ in answers] or outsiders)[0]
        others = [row for row in rows if row is not first]
        saw = "%s runs under the very token object of %s" % (name_of(first), _names(others))
        if not won:
            saw += "; what it won by that cannot be told here: %s" % _why_not(scene, first) if untold else _HARMLESS
        evidence = [token_evidence(first, address, "the token that they share")]
        for row in [first, *others][:8]:
            ref = row.process.token
            value = "%s, Token 0x%x" % (name_of(row), ref.value if isinstance(ref, FastRef) else address)
            evidence.append(Evidence("process", value, row.process.address, "process"))
        yield Finding(
            SHARED.id,
            severity,
            saw,
            tuple(evidence),
            (first, *others),
            (address,),
            "%s with %s" % (image_of(first), ", ".join(sorted({image_of(row) for row in others}))),
        )


def _owner(scene: Scene, rows: List[ProcessDump]) -> ProcessDump:
    """Whose token it is, in all likelihood, of processes that are not the kernel's own: the one that it fits in time.

    LUIDs count up, so a process that was started before others has a lower TokenId than they.
    """
    links = scene.family.links()
    parents = {id(links[id(row)].above) for row in rows if id(row) in links}
    return min(rows, key=lambda row: (scene.out_of_time(row), id(row) not in parents, created(row)))


def _won(scene: Scene, row: ProcessDump, sharers: Set[int]) -> Optional[bool]:
    """Whether the token is more than a copy of what its parent has; None where the source does not show enough.

    A source that shows less never accuses more: tokens or times that it leaves out are no win.  A parent that is gone
    from a list that was seen whole excuses nobody.
    """
    link = scene.family.links().get(id(row))
    if link is None:
        return True if scene.snapshot.whole else None
    session = row.token.session_id if isinstance(row.token, Token) else None
    if isinstance(session, int) and session_of(row) not in (None, session):
        return True  # what a process gets at its birth is of its own session
    if id(link.above) in sharers:
        return False
    if not link.parent.certain or link.edge.change is Change.UNKNOWN:
        return None
    return link.edge.change not in _NOTHING_WON


def _why_not(scene: Scene, row: ProcessDump) -> str:
    link = scene.family.links().get(id(row))
    if link is None:
        return "its parent is not among the processes shown"
    if not link.parent.certain:
        return "whether %s is its parent still" % name_of(link.above)
    return "; ".join(link.edge.details)


def _names(rows: List[ProcessDump]) -> str:
    return ", ".join(name_of(row) for row in rows[:4]) + (" and %d more" % (len(rows) - 4) if len(rows) > 4 else "")


def boot_token(scene: Scene) -> Iterator[Finding]:
    """The kernel's own token in a process that the kernel did not make itself."""
    address = scene.boot_token
    for row in scene.holders.get(address, ()):
        here = token_address(row)
        if is_system_family(row):
            continue
        evidence = (
            process_evidence(row),
            token_evidence(row, here, "its token"),
            Evidence("boot token", _how(scene), here, "token"),
        )
        saw = "%s runs under System's own token, which the kernel made at its start" % name_of(row)
        yield Finding(BOOT.id, Severity.IMPOSSIBLE, saw, evidence, (row,), (here,), image_of(row))


def _how(scene: Scene) -> str:
    boot = scene.snapshot.boot.boot
    return "nt!PspBootAccessToken" if isinstance(boot, int) and boot else "the token of System (pid 4)"


def twin_token(scene: Scene) -> Iterator[Finding]:
    """Two token objects with one TokenId: a copy of the bytes, not a duplicate."""
    by_id: Dict[Tuple[int, int], List[Token]] = {}
    for token in scene.tokens():
        luid = token.token_id
        if isinstance(luid, Luid) and (luid.low or luid.high) and token.address:
            by_id.setdefault((luid.high, luid.low), []).append(token)
    for (high, low), alike in by_id.items():
        several = [(token, users) for token, users in zip(alike, map(scene.users, alike)) if users] if alike[1:] else []
        if len(several) < 2:
            continue
        luid = Luid(high, low)
        everyone = [row for _, rows in several for row in rows]
        insiders = [row for row in everyone if is_system_family(row)]
        owner = insiders[0] if insiders else _owner(scene, everyone)
        outsiders = [row for row in everyone if not is_system_family(row) and row is not owner]
        # Outputs of two starts of a machine count their ids from the beginning again.
        severity = Severity.IMPOSSIBLE if scene.snapshot.at_once else Severity.UNUSUAL
        saw = "%d token objects have the TokenId %s: %s" % (len(several), luid, _names(everyone))
        evidence = tuple(
            Evidence("TokenId %s" % luid, "token of %s" % name_of(rows[0]), token.address, "token")
            for token, rows in several
        )
        yield Finding(
            TWIN.id,
            severity,
            saw,
            evidence,
            tuple(_once(outsiders + everyone)),
            tuple(token.address for token, _ in several),
            ", ".join(sorted({image_of(row) for row in everyone})),
        )


def _once(rows: List[ProcessDump]) -> List[ProcessDump]:
    found: Dict[int, ProcessDump] = {}
    for row in rows:
        found.setdefault(row.process.address, row)
    return list(found.values())


SHARED = Rule(
    "shared-token",
    Severity.IMPOSSIBLE,
    "two running processes, one token object",
    "A primary token belongs to one process: the kernel refuses to assign one that is in use, and a child gets a "
    "duplicate. Two references to one object were written there.",
    (
        "System, Idle and the processes that the kernel makes itself share the boot token",
        "a process that has ended keeps its token until its last handle is closed (left out here)",
        "an image taken while the machine ran may be torn between two processes",
        "outputs of two moments in one log, where the memory of a token that is gone was used again",
        "! only: the shared token is what the process would have a copy of anyway, so nothing was won",
        "! only: the source shows neither the tokens nor the parents that would tell whether anything was won",
    ),
    "[MS-ERREF] STATUS_TOKEN_ALREADY_IN_USE; ReactOS ntoskrnl/ps/security.c (a child's token is a duplicate)",
    shared_token,
)
BOOT = Rule(
    "boot-token",
    Severity.IMPOSSIBLE,
    "the kernel's own token outside System and Idle",
    "nt!PspBootAccessToken is made at the start of the kernel for System and Idle; every other process gets a token "
    "of its own. Copying this pointer is the oldest way of token stealing.",
    ("Registry, MemCompression, Secure System: made by the kernel as System's children (left out here)",),
    "public symbol nt!PspBootAccessToken; captures of System's token (TokenId 0x3eb); public write-ups of token stealing",
    boot_token,
)
TWIN = Rule(
    "twin-token",
    Severity.IMPOSSIBLE,
    "two token objects with one TokenId",
    "Every token object gets a TokenId of its own, a duplicate too. Two objects with one id are a copy of bytes.",
    (
        "an image taken while the machine ran may hold one token twice",
        "outputs of two starts of a machine in one log (! only there)",
    ),
    "ntifs.h TOKEN_STATISTICS.TokenId; ReactOS SepDuplicateToken allocates a new one",
    twin_token,
)
RULES = (SHARED, BOOT, TWIN)
