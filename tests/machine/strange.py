"""A declared machine with nothing strange on it, and how to put something on it.

QUIET is THE machine without its own oddities: nothing on it is worth a remark.  The machines of `tests.machine.guilty`
are QUIET with one thing written into it, those of `tests.machine.innocent` QUIET with something that a rule might take
for it.
"""

from dataclasses import dataclass, replace
from typing import Any, Dict, Optional

from tests.machine import owner, spec
from tests.machine.declared import BOOT, MACHINE, SECOND, SYSTEM32
from tests.machine.spec import LogonSessionSpec, Machine, ProcessSpec, ThreadSpec, TokenSpec

SYSTEM, SMSS, WININIT, WINLOGON, SERVICES, LSASS, DCOM, RPCSS = 4, 396, 588, 668, 724, 744, 868, 980
EXPLORER, READER, CALCULATOR, CHROME, SANDBOX, NOTEPAD, PAINT, CMD, CONHOST = (
    4120,
    5300,
    5716,
    5952,
    5996,
    6104,
    6240,
    6488,
    6520,
)
BORIS = owner.MACHINE_SID + "-1002"
BORIS_ID, SECOND_LOGON = 0x7A210, 0x7B330


def quiet() -> Machine:
    """THE machine with a token for every process, in the order in which they were started, and no debugger."""
    made: Dict[str, TokenSpec] = {}
    processes = []
    shared = {4: "system", 92: "system"}
    for process in MACHINE.processes:
        if process.pid == 6040:  # the search service under a user's shell
            continue
        if process.token is None or process.pid in shared:
            processes.append(process)
            continue
        key = "of-%d" % process.pid
        made[key] = replace(MACHINE.tokens[process.token], key=key, paged_out=frozenset())
        processes.append(replace(process, token=key))
    luid = 0x80000
    for process in sorted(processes, key=lambda one: one.create_time):
        if process.token in made:
            # Adjusted soon after, before the next process was started.
            made[process.token] = replace(made[process.token], token_id=luid, modified_id=luid + 7)
            luid += 0x100
    made["of-5952"] = replace(made["of-5952"], parent_id=made["of-4120"].token_id)
    made["of-6488"] = replace(made["of-6488"], privileges=owner.ADMIN_PRIVILEGES)
    made["of-6520"] = replace(made["of-6520"], privileges=owner.ADMIN_PRIVILEGES)
    return Machine(tuple(processes), {**MACHINE.tokens, **made}, MACHINE.logon_sessions)


QUIET = quiet()


def with_process(machine: Machine, pid: int, **values: Any) -> Machine:
    """The machine with one process changed."""
    changed = tuple(replace(one, **values) if one.pid == pid else one for one in machine.processes)
    return replace(machine, processes=changed)


def with_token(machine: Machine, pid: int, **values: Any) -> Machine:
    """The machine with a process's token changed."""
    key = machine.process(pid).token
    assert key is not None
    return replace(machine, tokens={**machine.tokens, key: replace(machine.tokens[key], **values)})


def with_new(machine: Machine, process: ProcessSpec, token: TokenSpec) -> Machine:
    """The machine with one process more, at the end of the list, and its token."""
    added = replace(process, token=token.key)
    return replace(machine, processes=(*machine.processes, added), tokens={**machine.tokens, token.key: token})


def child(name: str, parent: int, at: int = 3000, pid: int = 9000, session: int = 1, **more: Any) -> ProcessSpec:
    """A process started at that second after the boot."""
    return ProcessSpec(
        pid,
        SYSTEM32 + name,
        None,
        parent=parent,
        session=session,
        threads=(ThreadSpec(pid + 4),),
        create_time=BOOT + at * SECOND,
        **more,
    )


def fresh(machine: Machine, pid: int, key: str = "fresh", **values: Any) -> TokenSpec:
    """A copy of a process's token, made later than all others.

    Another account that is in none of its groups has its own SID for its primary group, as whoami shows of service
    accounts: no kernel makes a token whose primary group is none of its SIDs (STATUS_INVALID_PRIMARY_GROUP).
    """
    of = machine.process(pid).token
    assert of is not None
    made = replace(machine.tokens[of], key=key, **{"token_id": 0x90000, "modified_id": 0x90007, **values})
    if "user" in values and made.primary_group not in {one.sid for one in made.groups}:
        made = replace(made, primary_group=values.get("primary_group", made.user))
    return made


def impersonating(machine: Machine, pid: int, token: TokenSpec, level: int, **more: Any) -> Machine:
    """The machine with a thread more in a process, which impersonates that token."""
    thread = ThreadSpec(pid + 44, token.key, level, **more)
    process = machine.process(pid)
    changed = with_process(machine, pid, threads=(*process.threads, thread))
    return replace(changed, tokens={**changed.tokens, token.key: token})


def client(machine: Machine, pid: int, **values: Any) -> TokenSpec:
    """An impersonation copy of a process's token."""
    return fresh(
        machine, pid, "client", **{"type": spec.IMPERSONATION, "level": spec.IMPERSONATE, "in_use": False, **values}
    )


def with_session(machine: Machine, session: LogonSessionSpec) -> Machine:
    """The machine with a logon session more."""
    return replace(machine, logon_sessions=(*machine.logon_sessions, session))


# The tour's incident: mspaint's fast reference leads to winlogon's token, and nothing else is wrong.  It is another
# day: every process was born after another start, so that nobody takes its tokens for those of THE machine, replaced.
_DAY = 24 * 60 * 60 * SECOND


def _a_day_later(machine: Machine) -> Machine:
    return replace(
        machine,
        processes=tuple(
            replace(
                one, **{name: getattr(one, name) and getattr(one, name) + _DAY for name in ("create_time", "exit_time")}
            )
            for one in machine.processes
        ),
    )


INCIDENT = _a_day_later(with_process(QUIET, PAINT, token="of-%d" % WINLOGON))


@dataclass(frozen=True)
class Case:
    """A machine and what a rule says of it.

    rule   the rule that it is about
    mark   "!!", "!" or "i" for a guilty one; for an innocent one the worst that the rule may say, "" for nothing
    pid    the process that the finding is about first; None where any will do
    token  key of the token that the evidence must name by its address
    shown  whether printed text shows it too (!process and !token)
    """

    name: str
    rule: str
    machine: Machine
    mark: str
    pid: Optional[int] = None
    token: Optional[str] = None
    shown: bool = False


def everyone(machine: Machine, **values: Any) -> Machine:
    return replace(machine, processes=tuple(replace(one, **values) for one in machine.processes))
