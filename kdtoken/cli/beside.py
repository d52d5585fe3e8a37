"""What is around a process that is dumped: the machine by which it is judged, as far as it may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Tuple

from kdtoken.errors import KdTokenError
from kdtoken.frozen import replace
from kdtoken.machine.base import Machine
from kdtoken.machine.process import MachineProcess
from kdtoken.model.absent import NotAsked
from kdtoken.model.process import ProcessDump
from kdtoken.model.snapshot import Look, Snapshot
from kdtoken.model.token import Token

if TYPE_CHECKING:
    from kdtoken.analysis.audit.finding import Finding

_NEAR = 16  # so many processes are read beside the one that was asked for, where it shares its token


def with_others(machine: Machine, found: MachineProcess, alone: bool) -> MachineProcess:
    """The same with the list of all processes: who else has its token is asked of them.

    A live target that found it by its id is not asked for the list, where each process takes its time; nor is one of
    which no more than this process shall be recorded.
    """
    if found.others is not None or alone or found.about.live:
        return found
    try:
        others = [one.process for one in machine.processes()]
    except KdTokenError:
        return found
    return MachineProcess(machine, found.process, others, found.problems, found.about)


def _whole(machine: Machine, found: MachineProcess, dump: ProcessDump, alone: bool) -> Optional[Snapshot]:
    """All of the machine, with this process as it was dumped, so that its findings are those of `walk` and `audit`.

    None on a live target, where each process takes its time, and where the source does not show the list.
    """
    if alone or found.about.live:
        return None
    try:
        walked = machine.walk()
        rows = list(walked.rows)
        snapshot = machine.snapshot(rows)
    except KdTokenError:
        return None
    if dump.process.address not in [row.process.address for row in rows if row.process.address]:
        return None
    rows = [dump if row.process.address == dump.process.address else row for row in rows]
    return replace(snapshot, processes=tuple(rows), whole=snapshot.whole and not walked.problems)


def _neighbours(machine: Machine, found: MachineProcess, dump: ProcessDump) -> List[ProcessDump]:
    """The other processes, by what was read on the way to this one, and its parent.

    Only where it shares its token is more read: who may have given it to whom is asked of their parents.
    """
    shared = dump.shared_with or ()
    parents = {one.parent_pid for one in (dump.process, *shared)}
    sharers = {one.address for one in shared}
    parent = machine.parent(found)
    rows: List[ProcessDump] = [parent] if parent is not None and found.others is None else []
    near = 0
    for other in found.others or ():
        if other.address == found.address:
            continue
        if shared and near < _NEAR and (other.address in sharers or other.pid in parents):
            near += 1
            rows.append(machine.dump(MachineProcess(machine, other), False))
        elif parent is not None and other.address == parent.process.address:
            rows.append(parent)
        else:
            rows.append(ProcessDump(other, NotAsked(other.address), NotAsked(other.address)))
    return rows


def judged(
    machine: Machine, found: MachineProcess, dump: ProcessDump, alone: bool
) -> Tuple[Snapshot, Tuple[Finding, ...]]:
    """The machine around it, or as much of it as was read on the way, and what the rules see of this process.

    The linked token, too, is one that its own may come from.
    """
    from kdtoken.analysis.audit.rules import audit, audit_process, of_process

    linked = dump.linked
    captures = {linked.address: (Look(linked),)} if isinstance(linked, Token) else {}
    snapshot = _whole(machine, found, dump, alone)
    if snapshot is not None:
        findings = of_process(audit(snapshot), dump.process.address)
        return replace(snapshot, captures=captures), findings
    rows = _neighbours(machine, found, dump)
    whole = found.others is not None and not found.problems
    return Snapshot("", (dump, *rows), captures=captures, whole=whole), audit_process(dump, rows)
