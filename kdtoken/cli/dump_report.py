"""What `dump` asks of a machine and shows of it; `record` and `tour` show the same."""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from typing import Any, List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.errors import NOT_RECORDED, BadFormat, KdTokenError, UsageError
from kdtoken.frozen import replace
from kdtoken.machine.base import About, Machine
from kdtoken.machine.process import MachineProcess
from kdtoken.machine.sniff import is_source, is_there, looks_like_file
from kdtoken.model.absent import Maybe, Unreadable
from kdtoken.model.process import FastRef, ProcessDump
from kdtoken.model.snapshot import Look, Snapshot
from kdtoken.model.token import Token
from kdtoken.model.view import Unread
from kdtoken.render.unread import unread_lines, unread_problems

FORMATS = ("text", "json", "windbg")


class _Format(argparse.Action):
    """--format FORMAT, or --json for one of them; two of them are a slip."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Optional[str] = None) -> None:
        chosen = self.const or values
        before = getattr(namespace, "chosen_format", chosen)
        if before != chosen:
            raise UsageError("%s and %s are two formats" % (before, chosen), option_string, "leave one away")
        namespace.format = namespace.chosen_format = chosen


def add_arguments(parser: cli.Parser) -> None:
    """What `dump` understands; `record dump ...` understands the same."""
    parser.add_argument(
        "words",
        metavar="[FILE] PROCESS",
        nargs="*",
        help="a crash dump, recording, log or text, where it is not the debugger session that this runs in; and the "
        "process: image name (any case, with or without .exe), pid (1234, 0n1234 or 0x4d2) or EPROCESS address",
    )
    parser.add_argument("--token", metavar="ADDRESS", help="dump the token object at this address instead")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        action=_Format,
        default="text",
        help="text (default), json for programs, windbg for the form of !token",
    )
    parser.add_argument("--json", action=_Format, nargs=0, dest="format", const="json", help="short for --format json")
    parser.add_argument("--all", action="store_true", help="every field; without it, the answer on one screen")
    parser.add_argument(
        "--why", action="store_true", help="--all, and where each value was read: field, address, bytes"
    )
    parser.add_argument(
        "--explain",
        metavar="WORD",
        help="what a privilege (SeDebug, 20) or a word of TokenFlags (NOT_LOW) means, and how it stands here; all lists them",
    )
    parser.add_argument("--unread", action="store_true", help=cli.UNREAD)
    parser.add_argument("--watch", action="store_true", help="print the breakpoints that would catch the next write")
    parser.add_argument("--no-check", action="store_true", help="do not ask the debugger's own !process as well")


def split(options: Namespace) -> Tuple[Sequence[str], str]:
    """(files, process) of the words: a word that is a source stands for itself, what is left names the process.

    Raises UsageError where more than one is left.
    """
    named = options.session or options.dump or options.log or options.attach
    files: List[str] = []
    rest: List[str] = []
    for at, word in enumerate(options.words):
        # In a debugger a lone word is a process of its session, though a file may be called so too.
        may_be_process = at == len(options.words) - 1 and (files or cli.in_debugger())
        if not named and not rest and (is_source(word) or (not may_be_process and looks_like_file(word))):
            files.append(word)
        else:
            rest.append(word)
    if len(rest) > 1 and named and is_there(rest[0]):
        raise UsageError(
            "give one of %s and a file's name: %s" % (_option(options), rest[0]), rest[0], "one source at a time"
        )
    if len(rest) > 1:
        words = "one process at a time: %s" % ", ".join(rest)
        raise UsageError(words, rest[1], "kdtoken walk lists all, kdtoken diff compares two")
    return files, rest[0] if rest else ""


def _option(options: Namespace) -> str:
    return next("--" + name for name in ("session", "dump", "log", "attach") if getattr(options, name))


def explained(options: Namespace) -> List[str]:
    """What `--explain` says where no process is named: nothing of a machine."""
    if options.explain == "all":
        from kdtoken.render import privileges, token_flags

        return ["Privileges", *privileges.all_lines(), "", "Words of TokenFlags", *token_flags.all_lines()]
    return _told(options.explain)


def _told(word: str, token: Maybe[Optional[Token]] = None, whose: str = "") -> List[str]:
    """What a privilege, or a word of TokenFlags, says."""
    from kdtoken.model.token_flags import find_flag

    flag = find_flag(word)
    if flag:
        from kdtoken.render.token_flags import flag_lines

        return flag_lines(flag, token, whose)
    from kdtoken.model.privilege_words import find_privilege
    from kdtoken.render.privileges import privilege_lines

    return privilege_lines(find_privilege(word), token, whose)


def _explained_here(machine: Machine, process: str, options: Namespace) -> List[str]:
    """The same, and how it stands in the token that was asked for."""
    from kdtoken.render.words import clean, show

    if options.token:
        address = _address(options.token)
        return _told(options.explain, machine.token(address), "token 0x%x" % address)
    if not process or process.startswith("#"):
        view = machine.view(process)
        return _told(options.explain, view.token, clean(view.label))
    found = machine.find(process)
    whose = "%s (%s)" % (show(found.name, clean), show(found.pid, str))
    return _told(options.explain, machine.primary_token(found), whose)


def report(machine: Machine, options: Namespace) -> List[str]:
    """The lines that `dump` prints."""
    if options.why and options.format == "windbg":
        raise UsageError("--why has no place in the form of !token", "--why", "use it with text or --json")
    files, process = split(options)
    if options.explain:
        return _explained_here(machine, process, options)
    if options.token:
        if process:
            raise UsageError("give a process or --token ADDRESS, not both", process, "leave one away")
        address = _address(options.token)
        token = machine.token(address)
        return _token_report(machine, token, machine.about_token(address), options) + _closing(
            (), _left_out(token), options
        )
    if not process and machine.has_memory:
        source = "".join(word + " " for word in files)
        step = "kdtoken dump %snotepad.exe   (or a pid, or an EPROCESS address)" % source
        raise UsageError("no process was named", None, step)
    if process.startswith("#"):
        return _view_report(machine, process, options)
    try:
        found = machine.find(process) if process else _owner(machine)
        if found is None:
            return _view_report(machine, process, options)
    except BadFormat:
        # A text that tells of no token may tell of a process; of one alone, there is no doubt which is meant.
        found = _only(machine)
        if process or found is None:
            raise
    from kdtoken.cli.beside import with_others  # each `!py` imports anew: as late as may be

    found = with_others(machine, found, bool(getattr(options, "alone", False)))
    dump = found.dump(not options.no_check)
    _refuse_nothing(dump)
    unread = found.machine.unread(found)
    if options.format == "json":
        dump = replace(dump, problems=dump.problems + unread_problems(unread))
    lines = _dump_report(machine, dump, found, options)
    shown = dump.token if isinstance(dump.token, Token) else None
    return lines + _closing(unread, _left_out(shown, dump.details), options, dump.process.address)


def report_alone(machine: Machine, options: Namespace) -> List[str]:
    """The same, and no more is read than this process: for recordings, which shall hold no other's token."""
    options.alone = True
    return report(machine, options)


def _only(machine: Machine) -> Optional[MachineProcess]:
    """The one process that there is."""
    try:
        processes = machine.processes()
    except KdTokenError:
        return None
    return processes[0] if len(processes) == 1 else None


def _owner(machine: Machine) -> Optional[MachineProcess]:
    """The one process of a text of which the text proves that the only token that it tells of is its primary one."""
    try:
        token, processes = machine.view().token, machine.processes()
    except KdTokenError:
        return None
    of_it = [one for one in processes if machine.dump(one, False).token == token]
    return of_it[0] if len(of_it) == 1 else None


def _refuse_nothing(dump: ProcessDump) -> None:
    """Raises KdTokenError where nobody recorded the token: a page of holes would be no answer."""
    token = dump.token
    parts: Sequence[object] = (token,)
    if isinstance(token, Token):
        parts = (token.user_and_groups, token.privileges, token.token_id, token.flags)
    missing = [part for part in parts if isinstance(part, Unreadable) and part.reason == NOT_RECORDED]
    if len(missing) == len(parts):
        process = dump.process
        address = process.token.object if isinstance(process.token, FastRef) else missing[0].address
        raise KdTokenError(
            "%s (pid %s) is there, but its token at 0x%x is not recorded" % (process.image_name, process.pid, address),
            address,
            _in_the_debugger(missing[0].hint),
        )


def _in_the_debugger(hint: str) -> str:
    """A debugger's command as a step of who looks at a log and not at the debugger."""
    return "type this in the debugger while it logs, then this again: %s" % hint if hint[:3] in ("dq ", "dd ") else hint


def _view_report(machine: Machine, which: str, options: Namespace) -> List[str]:
    """The token of a text that tells of no process, or of several tokens."""
    try:
        view = machine.view(which)
    except UsageError as error:
        # `view` speaks of sides; here what is chosen stands behind its file.  Quoted: # begins a shell's comment.
        step = re.sub(
            r"^.*: (\S.*)@(#\d+)$", r'choose one by its place in the text: kdtoken dump \1 "\2"', error.next_step
        )
        if step.startswith("SOURCE@"):
            step = "kdtoken dump %s notepad.exe   (or a pid, or an EPROCESS address)" % " ".join(
                split(options)[0] or options.log or ()
            )
        raise UsageError(error.message, error.subject, step) from None
    token = view.token
    if options.format == "json":
        token = replace(token, problems=token.problems + unread_problems(view.not_understood))
    lines = _token_report(machine, token, replace(machine.about, source=view.label), options)
    return lines + _closing(view.not_understood, _left_out(token), options)


def _dump_report(machine: Machine, dump: ProcessDump, found: MachineProcess, options: Namespace) -> List[str]:
    about = found.about
    machine.parent(found)  # part of a dump wherever it is read; the rest of a file is not counted as its cost
    cost = machine.cost
    if options.format == "windbg":
        from kdtoken.render.windbg import dump_lines

        return dump_lines(dump)
    # Rules, lineage and their words are half of what there is to import: each `!py` starts with an empty Python.
    from kdtoken.cli.beside import judged

    beside, findings = judged(machine, found, dump, bool(getattr(options, "alone", False)))
    if options.format == "json":
        from kdtoken.render.audit import finding_data
        from kdtoken.render.json import dump_to_json

        as_data = [finding_data(one) for one in findings]
        return dump_to_json(dump, cli.about(about), options.why, machine.names, as_data).split("\n")
    from kdtoken.analysis.lineage.parents import Family

    parent = Family(beside).parent(dump)
    if options.all or options.why:
        from kdtoken.render.text import render_dump

        lines = render_dump(dump, cli.source(about), options.why, machine.names, findings, parent)
        return lines + _watch(machine, dump, options) + page_in_advice(about, dump) + _cost(cost, options.why)
    from kdtoken.analysis.lineage.origin import Lineages
    from kdtoken.render.screen import screen_lines

    token = dump.token if isinstance(dump.token, Token) else None
    made = Lineages(beside).of(token) if token is not None else None
    lines = screen_lines(dump, cli.source(about), machine.names, findings, parent, made, cli.width())
    return lines + _watch(machine, dump, options) + page_in_advice(about, dump)


def _closing(unread: Sequence[Unread], more: int, options: Namespace, process: int = 0) -> List[str]:
    """What ends a report for people: lines of a text that nobody understood, and the way to what the screen leaves out.

    process  the _EPROCESS, where the report is about one
    """
    if options.format != "text":
        return []
    lines = unread_lines(unread, options.unread)
    if not (options.all or options.why):
        from kdtoken.render.dml import link

        words = "--all for every field%s" % (" (%d more)" % more if more else "")
        lines += ["", link(words, process, "all")]
    return lines


def _left_out(token: Optional[Token], details: object = None) -> int:
    """How many fields the screen leaves out."""
    from kdtoken.render.screen import left_out

    return left_out(token, details)


def _watch(machine: Machine, dump: ProcessDump, options: Namespace) -> List[str]:
    """Breakpoints for a debugger; printed, never set."""
    if not options.watch:
        return []
    from kdtoken.render.audit import watch_words

    lines = watch_words(machine.watch(dump))
    if not lines:
        return ["", "Where to watch cannot be told: this source has no layouts of the kernel's types."]
    from kdtoken.render.words import columns, wrapped

    head = "These would stop the machine at the next write (nothing was set; four at most at a time):"
    return ["", *wrapped(head, columns())] + ["  " + line for line in lines]


def page_in_advice(about: About, dump: ProcessDump) -> List[str]:
    """What brings paged-out memory in, on a machine that can still run; never done unasked.

    `.pagein` (learn.microsoft.com) lets the machine run until the page is there.
    """
    if not about.live:
        return []
    token = dump.token
    values = [token] if isinstance(token, Unreadable) else [] if token is None else list(vars(token).values())
    missing = next((value.address for value in values if isinstance(value, Unreadable)), None)
    if missing is None:
        return []
    return [
        "",
        "Part of the token is not in memory. This brings it in, and lets the machine run for it:",
        "  .pagein /p %x %x   then   g   and, after the break, this dump again" % (dump.process.address, missing),
    ]


def _token_report(machine: Machine, token: Token, about: About, options: Namespace) -> List[str]:
    if options.format == "json":
        from kdtoken.render.json import token_to_json

        return token_to_json(token, cli.about(about), options.why, machine.names).split("\n")
    if options.format == "windbg":
        from kdtoken.render.windbg import token_lines

        return token_lines(token)
    if options.all or options.why:
        from kdtoken.render.text import render_token

        return render_token(token, cli.source(about), options.why, machine.names) + _cost(machine.cost, options.why)
    from kdtoken.analysis.lineage.origin import Lineages
    from kdtoken.render.screen import screen_token

    made = Lineages(Snapshot("", (), captures={token.address: (Look(token),)}, whole=False)).of(token)
    return screen_token(token, cli.source(about), machine.names, made, cli.width())


def _address(text: str) -> int:
    try:
        return int(text.replace("`", ""), 16)
    except ValueError:
        raise UsageError("%r is no address" % text, text, "hexadecimal, as !process prints it") from None


def _cost(cost: Tuple[int, int], why: bool) -> List[str]:
    return ["", "Read in %d requests, %d bytes." % cost] if why else []
