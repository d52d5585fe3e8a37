"""tour: access tokens in twelve steps, on the recording that kdtoken carries.  No Windows needed.

kdtoken tour          the list of steps
kdtoken tour 4        one step;  kdtoken tour all   every step, one after the other
"""

import shlex
import sys
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.access_check.caller import caller_of
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.truth import decide
from kdtoken.analysis.access_check.turn import Other, turns
from kdtoken.cli import dump_report, walk_report
from kdtoken.errors import UsageError
from kdtoken.machine.sniff import TOUR
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.token import Token
from kdtoken.render.explain import explain_lines


@dataclass(frozen=True)
class Step:
    """One stop: what to type, which part of the answer to look at, and what to notice in it.

    verb      "dump 6104", "walk": as typed behind `kdtoken`
    sections  headings of the output that are shown; "" is everything before the first heading
    """

    title: str
    verb: str
    sections: Tuple[str, ...]
    notice: str


STEPS = (
    Step(
        "From user mode: what the process may know of itself",
        "dump notepad.exe --format windbg",
        ("User: ", "Privs: "),
        "In the guest, `whoami /all` in a process of the same user prints this user, these groups and these privileges: "
        "the token as user mode sees it. Windows hands out a copy of these lists; who they really belong to, and "
        "whether anybody wrote into them, only the kernel's memory tells.",
    ),
    Step(
        "From !token: the same, from the debugger",
        "dump notepad.exe --format windbg",
        ("Authentication ID",),
        "This is the tail of what `!token` prints: ids, flags as one number, whether the token is in use. "
        "TokenFlags 0x2a00 is a number until somebody says that it means filtered, not low, virtualisation allowed.",
    ),
    Step(
        "From _EPROCESS to the token",
        "dump notepad.exe --why",
        ("", "Process"),
        "A process points to its token with a fast reference: the lowest four bits of the pointer are a count, and "
        "must go before the rest is an address. How many bits, and at what offset the field lies, comes from the "
        "symbols of this very build.",
    ),
    Step(
        "Identity and policy",
        "dump notepad.exe --all",
        ("Identity", "Privileges"),
        "User, groups and integrity were fixed when the token was made: its identity. Privileges are switched on and "
        "off while the process runs: its policy; one that is `removed` was taken out for good.",
    ),
    Step(
        "A filtered administrator and the token behind it",
        "dump notepad.exe --all",
        ("Groups", "The full token behind this filtered one"),
        "Anna is an administrator, but notepad's token counts BUILTIN\\Administrators for deny only and holds five "
        "harmless privileges. Her other logon session keeps the full token; UAC's prompt is what stands between them.",
    ),
    Step(
        "A thread that is somebody else",
        "dump 1120 --all",
        ("", "Threads"),
        "A service that runs as SYSTEM acts for its clients: five of its threads carry a token of their own, and for "
        "them that token is the one that counts. At level Identification it may only be asked who the client is; at "
        "Impersonation and Delegation it opens doors.",
    ),
    Step(
        "A restricted token",
        "dump 5996 --all",
        ("", "Groups", "Restricting SIDs"),
        "A browser's sandbox turned every group into deny-only and added a restricting SID that is on no access list "
        "anywhere. Each access is checked twice, once against the groups and once against the restricting SIDs, and "
        "both must say yes.",
    ),
    Step(
        "An AppContainer",
        "dump 5716 --all",
        ("", "AppContainer", "Capabilities"),
        "The package SID names the app, and each capability is a SID that stands for one thing it may do. An "
        "object whose access list names neither the package, nor a capability, nor ALL APPLICATION PACKAGES is out of "
        "its reach, whatever the user may do.",
    ),
    Step(
        "A whole machine at a glance",
        "walk",
        ("",),
        "One line a process: look for what does not fit its neighbours. A user's program at System integrity, a "
        "sensitive privilege below High, a token shared by two programs: these are worth a `dump`.",
    ),
    Step(
        "Predict an access check",
        "explain notepad.exe --to 'D:(A;;FA;;;BA)(A;;FR;;;BU)' --type file --want write",
        ("NO", "Rights", "What would turn it"),
        "The token is the caller's side only; the object's access list is the other. Here Administrators may do "
        "everything and Users may read. Before you look: Anna is both, and notepad runs under her filtered token. Each "
        "right has its own reason, and each way out was tried by running the check again.",
    ),
    Step(
        "Privileges are not rights",
        "explain cmd.exe --to 'O:SYG:SYD:(A;;FA;;;SY)' --type file --want read",
        ("NO", "Rights", "What would turn it"),
        "Anna's elevated prompt holds SeDebugPrivilege, and it is enabled; the file opens to SYSTEM only, and stays "
        "shut. Each privilege does one thing: this one opens processes and threads whatever guards them, and nothing "
        "else. Ask the same with --type process and the answer is yes, by that privilege alone.",
    ),
    Step(
        "A Low process and a Medium object",
        "explain AcroRd32.exe --to 'D:(A;;FA;;;WD)' --type file --want write",
        ("NO", "Rights", "Steps"),
        "Everyone may do everything with this file, and the reader's sandbox may not write to it: integrity is "
        "checked before the list is looked at. An object without a label counts as Medium, and a caller below it may "
        "read and run it, not change it.",
    ),
)


def excerpt(lines: Sequence[str], sections: Sequence[str]) -> List[str]:
    """The wanted parts of a report: each from its heading to the next empty line or heading."""
    kept: List[str] = []
    parts: List[List[str]] = [[]]
    for line in lines:
        if line and not line.startswith(" ") and parts[-1]:
            parts.append([])
        parts[-1].append(line)
    head = [line for part in parts[:1] for line in part]
    for wanted in sections:
        if wanted == "":
            kept += head if head and not head[-1] else head + [""]
            continue
        for at, part in enumerate(parts):
            if part[0].startswith(wanted):
                kept += part + ([""] if part[-1] else [])
                # !token prints its whole tail without an indented line
                kept += [line for more in parts[at + 1 :] for line in more] if wanted.startswith("Auth") else []
                break
    while kept and not kept[-1]:
        kept.pop()
    return kept


def step_lines(number: int) -> List[str]:
    """One step as it is printed."""
    step = STEPS[number - 1]
    verb, *arguments = shlex.split(step.verb)
    lines = ["%d. %s" % (number, step.title), "", "   kdtoken %s --session %s" % (step.verb, TOUR), ""]
    lines += ["   | " + line if line else "   |" for line in excerpt(_report(verb, arguments), step.sections)]
    return [line.rstrip() for line in lines] + [""] + cli.paragraph(step.notice, "   ") + [""]


def _report(verb: str, arguments: List[str]) -> List[str]:
    """What the verb prints of the tour's machine."""
    parser = cli.parser(verb, "")
    if verb == "explain":
        return _explained(parser, arguments)
    (dump_report if verb == "dump" else walk_report).add_arguments(parser)
    options = parser.parse_args(["--session", TOUR] + arguments)
    machine = cli.open_machine(options)
    return dump_report.report(machine, options) if verb == "dump" else walk_report.report(machine, options)


def _explained(parser: cli.Parser, arguments: List[str]) -> List[str]:
    """An access check of one of the machine's processes against a descriptor that is given as text."""
    parser.add_argument("caller")
    for option in ("--to", "--type", "--want"):
        parser.add_argument(option)
    options = parser.parse_args(["--session", TOUR] + arguments)
    machine = cli.open_machine(options)
    process = machine.find(options.caller)
    token, linked = process.token, process.linked_token
    assert isinstance(token, Token), "the recording has the token of each process"
    kind = documented_type(options.type)
    caller = caller_of(token, "%s (%s)" % (process.name, process.pid))
    thing = SecuredObject(None, options.to, kind, from_sddl(options.to, object_type=kind))
    request = Request(caller, thing, kind, kind.parse_access(options.want))
    others = [Other("linked", "the linked token", caller_of(linked, "linked"))] if isinstance(linked, Token) else []
    answer = decide(request)
    return explain_lines(answer, turns(request, answer.outcome, others), machine.names)


def _main(arguments: List[str]) -> int:
    parser = cli.Parser(prog="kdtoken tour", description="Access tokens in %d steps, no Windows needed." % len(STEPS))
    parser.add_argument("step", nargs="?", help="number of a step, or all")
    chosen = parser.parse_args(arguments).step
    if chosen is None:
        lines = ["Access tokens in %d steps, on a recorded machine:" % len(STEPS), ""]
        lines += ["  %d. %s" % (number, step.title) for number, step in enumerate(STEPS, 1)]
        cli.write_lines(lines + ["", "kdtoken tour 1 begins; kdtoken tour all shows everything."])
        return 0
    if chosen == "all":
        numbers = range(1, len(STEPS) + 1)
    elif chosen.isdigit() and 1 <= int(chosen) <= len(STEPS):
        numbers = range(int(chosen), int(chosen) + 1)
    else:
        raise UsageError("there is no step %s" % chosen, chosen, "a number from 1 to %d, or all" % len(STEPS))
    for number in numbers:
        cli.write_lines(step_lines(number))
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
