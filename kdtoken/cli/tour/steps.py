"""The steps of the tour, in the order of the concepts: what to type, which part of the answer to look at, what to notice.

Each command runs on the machine that kdtoken carries (machine/sniff.py, CARRIED), so it can be typed anywhere.
"""

import shlex
from dataclasses import dataclass
from typing import Callable, Dict, List, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.access_check.request import Request, parse_wish
from kdtoken.analysis.access_check.truth import Answer, decide
from kdtoken.analysis.access_check.turn import turns
from kdtoken.analysis.audit.rules import BY_ID
from kdtoken.analysis.differences.fields import compare
from kdtoken.cli import dump_report, lineage_report, walk_report
from kdtoken.cli.sides import Party, Sides
from kdtoken.machine.open import open_machine
from kdtoken.model.view import View
from kdtoken.render.audit import explain_lines as rule_lines
from kdtoken.render.diff import diff_lines
from kdtoken.render.explain import explain_lines
from kdtoken.render.words import columns, set_columns


@dataclass(frozen=True)
class Step:
    """One stop.

    command   as typed behind `kdtoken`
    sections  headings of the output that are shown; "" is everything before the first heading; none for all of it
    """

    title: str
    command: str
    sections: Tuple[str, ...]
    notice: str


STEPS = (
    Step(
        "whoami beside the kernel",
        "diff tour@notepad.exe tour-whoami",
        ("", "Differs as it must", "Not compared"),
        "Inside the guest, `whoami /all` shows the token as user mode sees it: Windows hands out a copy of the user, the "
        "groups and the privileges. What it printed in notepad's logon (tour-whoami) agrees with the kernel's memory in "
        "all that both can know. Who the token really belongs to, and whether anybody wrote into it, only memory tells.",
    ),
    Step(
        "!token: the same, from the debugger",
        "dump tour notepad.exe --format windbg",
        ("User: ", "Privs: ", "Authentication ID"),
        "In a user-mode debugger `!token` shows the token of the current thread; in a kernel debugger, of any address. "
        "It prints TokenFlags 0x2a00, which is a number until somebody says that it means filtered, not low, "
        "virtualisation allowed.",
    ),
    Step(
        "From _EPROCESS to the token",
        "dump tour notepad.exe --why",
        ("", "Process"),
        "A process points to its token with a fast reference: the lowest four bits of the pointer are a count, and "
        "must go before the rest is an address. How many bits, and at what offset the field lies, comes from the "
        "symbols of this very build.",
    ),
    Step(
        "Primary and impersonation: a thread that is somebody else",
        "dump tour 1120 --all",
        ("", "Threads"),
        "The process has one primary token. A service that runs as SYSTEM acts for its clients: five of its threads "
        "carry a token of their own, and for them that token is the one that counts. At level Identification it may "
        "only be asked who the client is; at Impersonation and Delegation it opens doors.",
    ),
    Step(
        "Privileges are not rights",
        'explain tour cmd.exe --to "O:SYG:SYD:(A;;FA;;;SY)" --type file --want read',
        ("NO", "Rights", "What would turn it"),
        "Anna's elevated prompt holds SeDebugPrivilege, and it is enabled; the file opens to SYSTEM only, and stays "
        "shut. Each privilege does one thing: this one opens processes and threads whatever guards them, and nothing "
        "else. Ask the same with --type process and the answer is yes, by that privilege alone.",
    ),
    Step(
        "Integrity: a Low process and a Medium object",
        'explain tour AcroRd32.exe --to "D:(A;;FA;;;WD)" --type file --want write',
        ("NO", "Rights", "Steps"),
        "Everyone may do everything with this file, and the reader's sandbox may not write to it: integrity is "
        "checked before the list is looked at. An object without a label counts as Medium, and a caller below it may "
        "read and run it, not change it.",
    ),
    Step(
        "Identity and policy",
        "dump tour notepad.exe --all",
        ("Identity", "Privileges"),
        "User, groups and integrity were fixed when the token was made: its identity. Privileges are switched on and "
        "off while the process runs: its policy; one that is `removed` was taken out for good.",
    ),
    Step(
        "Groups are policy too: a filtered administrator",
        "dump tour notepad.exe --all",
        ("Groups", "The full token behind this filtered one"),
        "A group that is not mandatory can be switched off, and one that is `DenyOnly` counts only where an access list "
        "denies it. Anna is an administrator, but notepad's token counts BUILTIN\\Administrators for deny only and holds "
        "five harmless privileges. Her other logon session keeps the full token; UAC's prompt stands between them.",
    ),
    Step(
        "Where tokens come from, 1: the boot",
        "lineage tour System",
        ("From parent to child", "Its token, step by step"),
        "The kernel makes the first token itself, before there is anybody to log on: nt!PspBootAccessToken. System's "
        "first children are started with copies of it.",
    ),
    Step(
        "Where tokens come from, 2: authentication",
        "lineage tour cmd.exe",
        ("Its token, step by step", "Its logon session"),
        "When somebody logs on, LSA makes a token and a logon session; AuthenticationId names the session. Anna has two "
        "of them: this is the one with her full token. What kind of logon it was, no token keeps.",
    ),
    Step(
        "Where tokens come from, 3: filtering",
        "lineage tour notepad.exe",
        ("Its token, step by step",),
        "A token can be made of another one by taking things away; ParentTokenId names the one it was taken from. Here "
        "it was UAC that filtered, at logon; explorer and all that it starts have copies of what was left.",
    ),
    Step(
        "Filtered further: a restricted token",
        "dump tour 5996 --all",
        ("", "Groups", "Restricting SIDs"),
        "A browser's sandbox turned every group into deny-only and added a restricting SID that is on no access list "
        "anywhere. Each access is checked twice, once against the groups and once against the restricting SIDs, and "
        "both must say yes.",
    ),
    Step(
        "Filtered further: an AppContainer",
        "dump tour 5716 --all",
        ("", "AppContainer", "Capabilities"),
        "The package SID names the app, and each capability is a SID that stands for one thing it may do. An "
        "object whose access list names neither the package, nor a capability, nor ALL APPLICATION PACKAGES is out of "
        "its reach, whatever the user may do.",
    ),
    Step(
        "Inheritance: from parent to child",
        "lineage tour notepad.exe",
        ("From parent to child",),
        "A child gets a copy of its parent's token: a new TokenId, nearly all else the same. Where the line says "
        "something else, somebody who was allowed to gave the child another token: a logon, a service, UAC.",
    ),
    Step(
        "A whole machine at a glance",
        "walk tour",
        (),
        "One line a process: look for what does not fit its neighbours. A user's program at System integrity, a "
        "sensitive privilege below High, a token shared by two programs: these are worth a `dump`.",
    ),
    Step(
        "Predict an access check",
        'explain tour notepad.exe --to "D:(A;;FA;;;BA)(A;;FR;;;BU)" --type file --want write',
        ("NO", "Rights", "What would turn it"),
        "The token is the caller's side only; the object's access list is the other. Here Administrators may do "
        "everything and Users may read. Before you look: Anna is both, and notepad runs under her filtered token. Each "
        "right has its own reason, and each way out was tried by running the check again.",
    ),
    Step(
        "Why attackers care",
        "audit --explain shared-token",
        ("shared-token",),
        "Who can write eight bytes into the kernel needs no password: the pointer in _EPROCESS.Token, or the masks and "
        "the label in the token itself, make any process SYSTEM, and no log tells it. Memory does: the kernel gives no "
        "token to two processes, and leaves a new ModifiedId behind each change that it makes.",
    ),
)


def typed(command: str) -> str:
    """The command as it is typed here: in WinDbg with !py, else on a command line.

    pykd.pyd's own !py destroys its arguments, so that they go through the alias first (cli.alias_arguments).
    """
    verb, _, rest = command.partition(" ")
    if not cli.in_debugger():
        return "kdtoken %s" % command
    if cli.arguments_survive():
        return "!py -m kdtoken.%s %s" % (verb, rest)
    return "as %s %s   and then   !py kdtoken.%s %s" % (cli.ALIAS, rest, verb, rest)


def excerpt(lines: Sequence[str], sections: Sequence[str]) -> List[str]:
    """The wanted parts of a report: each from its heading to the next empty line or heading."""
    if not sections:
        return list(lines)
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


_MARGIN = "   | "  # before what a command prints


def step_lines(number: int) -> List[str]:
    """One step as it is printed."""
    step = STEPS[number - 1]
    verb, *arguments = shlex.split(step.command)
    lines = ["%d. %s" % (number, step.title), "", "   " + typed(step.command), ""]
    lines += [_MARGIN + line if line else "   |" for line in excerpt(_printed(verb, arguments), step.sections)]
    return [line.rstrip() for line in lines] + [""] + cli.paragraph(step.notice, "   ") + [""]


def _printed(verb: str, arguments: List[str]) -> List[str]:
    """What the verb prints; where a line has an end, so that the margin has room too."""
    room = columns()
    if not cli.has_width():
        return _RUN[verb](arguments)
    set_columns(room - len(_MARGIN))
    try:
        return _RUN[verb](arguments)
    finally:
        set_columns(room)


def _dump(arguments: List[str]) -> List[str]:
    parser = cli.parser("dump", "")
    dump_report.add_arguments(parser)
    options = parser.parse_intermixed_args(arguments)
    return dump_report.report(cli.open_machine(options, dump_report.split(options)[0]), options)


def _walk(arguments: List[str]) -> List[str]:
    parser = cli.parser("walk", "")
    walk_report.add_arguments(parser)
    parser.add_argument("files", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    return walk_report.report(cli.open_machine(options, options.files), options)


def _lineage(arguments: List[str]) -> List[str]:
    parser = cli.parser("lineage", "")
    lineage_report.add_arguments(parser)
    options = parser.parse_intermixed_args(arguments)
    return lineage_report.report(cli.open_machine(options, options.words[:-1]), options)


def view_of(side: str) -> View:
    """The token of SOURCE@PROCESS, or of a text."""
    source, _, which = side.partition("@")
    with open_machine(source) as machine:
        return machine.view(which)


def _diff(arguments: List[str]) -> List[str]:
    return diff_lines(compare(view_of(arguments[0]), view_of(arguments[1])))


def _audit(arguments: List[str]) -> List[str]:
    return rule_lines(BY_ID[arguments[-1]])


def checked(arguments: List[str]) -> Tuple[Answer, Sides, Party]:
    """What `explain` works out of a caller and an object that is given as text."""
    parser = cli.parser("explain", "")
    parser.add_argument("caller", nargs="+")
    for option in ("--to", "--type", "--want"):
        parser.add_argument(option)
    options = parser.parse_intermixed_args(arguments)
    options.who = False
    sides = Sides(options)
    caller = sides.source_of(options.caller)[0]
    what, party = sides.wanted(options.to), sides.caller(caller)
    sides.learn()
    request = Request(
        party.caller,
        what.object,
        what.type,
        parse_wish(what.type, options.want),
        default_level=sides.default_level([what]),
    )
    return decide(request), sides, party


def _explain(arguments: List[str]) -> List[str]:
    answer, sides, party = checked(arguments)
    return explain_lines(answer, list(turns(answer.request, answer.outcome, party.others)), sides.names, party.stories)


# What the verbs of the steps print; a step shows parts of it.
_RUN: Dict[str, Callable[[List[str]], List[str]]] = {
    "dump": _dump,
    "walk": _walk,
    "lineage": _lineage,
    "diff": _diff,
    "audit": _audit,
    "explain": _explain,
}
