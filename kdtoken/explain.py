"""explain: why Windows says yes or no to a caller who wants something of an object, step by step.

    kdtoken explain MEMORY.DMP notepad.exe --to lsass.exe --want VM_READ              a process of the same machine
    kdtoken explain MEMORY.DMP 1120:1132 --to token:lsass.exe --want QUERY            a thread; the gates before a token
    kdtoken explain notepad.exe --to "D:(A;;FA;;;BA)(A;;FR;;;BU)" --type file --want write
    kdtoken explain whoami.txt --to sd.txt --type key --want maximum                  text against text, no machine
    kdtoken explain MEMORY.DMP --who --to lsass.exe --want VM_READ                    everybody who would get it
    kdtoken explain --against lab.json                  what a real Windows said (kdtoken collect --check), recomputed
    !py -m kdtoken.explain notepad.exe --to 0xffffcc8a1420a800 --want QUERY           any object by its address

A caller is a process, PROCESS:TID (744:748, lsass.exe:748) for the token that a thread presents, or a file with a token
(whoami's or !token's text, collect's JSON), SOURCE@PROCESS where it holds several.  --to may be repeated.
Exit code: 0 yes, 1 no, 2 nothing could be worked out, 3 it depends.
"""

import argparse
import sys
from typing import Dict, List, Optional, Sequence, Tuple, Union

from kdtoken import cli
from kdtoken.analysis.access_check.by_type import node_results
from kdtoken.analysis.access_check.gates import token_gates
from kdtoken.analysis.access_check.lab import lab_answers, lab_checks
from kdtoken.analysis.access_check.request import ACCESS_CHECK, OPEN, Request, parse_type_list, parse_wish
from kdtoken.analysis.access_check.truth import Answer, Verdict, decide
from kdtoken.analysis.access_check.turn import turns
from kdtoken.cli.sides import Party, Sides, Wanted
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.files import read_packed
from kdtoken.machine.process import MachineProcess, MachineThread
from kdtoken.machine.sniff import head_of
from kdtoken.model.sid import Sid
from kdtoken.render.explain import chain_lines, explain_lines, lab_lines, who_lines
from kdtoken.render.explain_json import explain_json

_EXIT = {Verdict.YES: 0, Verdict.NO: 1, Verdict.DEPENDS: 3}


def _request(options: argparse.Namespace, party: Party, what: Wanted, level: int) -> Request:
    return Request(
        party.caller,
        what.object,
        what.type,
        parse_wish(what.type, options.want),
        Sid.from_text(options.self) if options.self else None,
        parse_type_list(options.object_type or ()),
        0 if party.process and party.process == what.process else what.protection,
        ACCESS_CHECK if options.access_check else OPEN,
        options.backup_intent,
        level,
    )


def _worked_out(sides: Sides, options: argparse.Namespace) -> int:
    if options.who:
        parties = list(sides.everybody(options.threads))
    else:
        parties = [sides.caller(word) for word in options.caller]
    sides.learn()  # the names of accounts, which a text about the object may have alone
    wanted = [sides.wanted(word) for word in options.to]
    level = sides.default_level(wanted)
    if not parties:
        raise KdTokenError("no process has a token that can be read")
    one = len(parties) * len(wanted) == 1
    if one and not options.who and options.to[0].lower().startswith("token:") and wanted[0].type.name == "Token":
        return _write_gates(sides, options, parties[0], wanted[0])
    rows: List[Tuple[str, str, Answer]] = []
    for party in parties:
        for what in wanted:
            answer = decide(_request(options, party, what, level), detail=one)
            rows.append((party.caller.name, what.object.name, answer))
    answers = [answer for _, _, answer in rows]
    tried = [list(turns(answers[0].request, answers[0].outcome, parties[0].others))] if one else []
    nodes = node_results(answers[0].request) if one else ()
    notes = parties[0].stories if one else tuple(sides.unjudged)
    if options.json:
        text = explain_json(answers, tried, sides.names, _about(sides), None, notes, nodes)
        cli.write_lines(text.split("\n"))
    elif one:
        cli.write_lines(explain_lines(answers[0], tried[0], sides.names, notes, nodes))
    else:
        cli.write_lines(who_lines(rows, sides.names, notes))
    return _EXIT[answers[0].verdict] if one else 0


def _write_gates(sides: Sides, options: argparse.Namespace, party: Party, what: Wanted) -> int:
    """OpenProcess, OpenProcessToken and the uses of the handle, for a process's token."""
    process = sides.wanted(what.argument.partition(":")[2])
    chain = token_gates(
        party.caller,
        process.object,
        process.type,
        what.object,
        what.type,
        parse_wish(what.type, options.want),
        process.protection,
        party.process == process.process,
        sides.default_level((process, what)),
    )
    answers = [gate.answer for gate in chain.gates]
    tried = [list(turns(one.request, one.outcome, party.others)) for one in answers]
    if options.json:
        cli.write_lines(explain_json(answers, tried, sides.names, _about(sides), chain, party.stories).split("\n"))
    else:
        cli.write_lines(chain_lines(chain, tried, sides.names))
    return _EXIT[chain.verdict]


def _about(sides: Sides) -> Optional[Dict[str, object]]:
    machine = sides.opened
    return None if machine is None else cli.about(machine.about)


def explain(caller: Union[MachineProcess, MachineThread], to: str, want: str, type: str = "") -> Answer:
    """Why Windows says yes or no to a process, or to a thread by the token that it presents.

    to    an object as on the command line: "lsass.exe", "token:lsass.exe", a key, a path, an address, SDDL, a file
    want  "VM_READ", "read|WRITE_DAC", "maximum", "0x10";  type  of an object that is given as text: "file"

    Raises KdTokenError where caller or object cannot be told.
    """
    parser = argparse.ArgumentParser()
    _add_arguments(parser)
    process = caller.process if isinstance(caller, MachineThread) else caller
    word = "%s:%s" % (process.pid, caller.tid) if isinstance(caller, MachineThread) else str(process.pid)
    options = parser.parse_args([word, "--to", to, "--want", want] + (["--type", type] if type else []))
    sides = Sides(options, process.machine)
    what = sides.wanted(to)
    return decide(_request(options, sides.caller(word), what, sides.default_level((what,))))


def _against(sides: Sides, options: argparse.Namespace) -> int:
    """What a real Windows answered, worked out again; where we differ is what matters."""
    head_of(options.against)  # says why a file cannot be read
    data = read_packed(options.against, "lab run")
    lab_checks(data, options.against)  # before its token is looked for: what is no lab run is not asked for one
    party = sides.caller(options.against)
    answers = lab_answers(party.caller, data, options.against)
    cli.write_lines(lab_lines(answers, sides.names))
    return 1 if any(one.differs for one in answers) else 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("caller", nargs="*", metavar="CALLER", help="a process, PROCESS:TID, or a file with a token")
    parser.add_argument("--to", action="append", default=[], metavar="OBJECT", help="a process, token:PROCESS, "
        "thread:PROCESS:TID, an address, \\PATH, key:\\REGISTRY\\..., SDDL, or a file with a descriptor; repeatable")  # fmt: skip
    parser.add_argument("--want", default="", metavar="RIGHTS", help="VM_READ, read, write, all, maximum, 0x10 ...")
    parser.add_argument("--type", metavar="TYPE", help="of an object that is given as text: file, key, process ...")
    parser.add_argument("--who", action="store_true", help="every process of the machine, instead of one caller")
    parser.add_argument("--threads", action="store_true", help="with --who: threads that impersonate, too")
    parser.add_argument("--self", metavar="SID", help="who SELF (S-1-5-10) in an ACE stands for")
    parser.add_argument(
        "--object-type", action="append", metavar="GUID", help="object type list, + a level; repeatable"
    )
    parser.add_argument("--backup-intent", action="store_true", help="the file is opened for backup or restore")
    parser.add_argument("--access-check", action="store_true", help="the AccessCheck function, not an open")
    parser.add_argument("--against", metavar="FILE", help="what collect --check wrote on a real Windows")
    parser.add_argument("--unread", action="store_true", help=cli.UNREAD)
    parser.add_argument("--json", action="store_true", help="for programs: JSON instead of text")


def _main(arguments: List[str]) -> int:
    parser = cli.parser("explain", "Why Windows says yes or no: an access check, step by step.")
    _add_arguments(parser)
    options = parser.parse_intermixed_args(arguments)
    sides = Sides(options)
    if options.against:
        return _against(sides, options)
    options.caller = sides.source_of(options.caller)
    if options.who == bool(options.caller):
        asked = "--to lsass.exe --want VM_READ"
        if options.who:
            caller = options.caller[0]
            raise UsageError("--who asks for every process, and %s is one" % caller, caller, "leave one of them away")
        step = "put a process in front (notepad.exe %s), or --who behind: kdtoken explain tour --who %s" % (
            asked,
            asked,
        )
        raise UsageError("name a caller, or --who for every process", None, step)
    if options.threads and not options.who:
        raise UsageError("--threads belongs to --who", "--threads", "PROCESS:TID is a thread as the caller")
    for given, option in ((options.to, "--to OBJECT"), (options.want, "--want RIGHTS")):
        if not given:
            raise UsageError("%s is missing" % option, option, "for instance --to lsass.exe --want VM_READ")
    code = _worked_out(sides, options)
    cli.tell_unread(sides.unread, options)
    return code


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); 0 yes, 1 no, 2 not worked out, 3 depends."""
    return cli.run(_main, arguments)


cli.make_callable(__name__, explain)

if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
