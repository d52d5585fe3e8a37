"""explain: why Windows says yes or no to a caller who wants something of an object, step by step.

    kdtoken explain MEMORY.DMP notepad.exe --to lsass.exe --want VM_READ              a process of the same machine
    kdtoken explain MEMORY.DMP 1120:1188 --to token:lsass.exe --want QUERY            a thread; the gates before a token
    kdtoken explain notepad.exe --to "D:(A;;FA;;;BA)(A;;FR;;;BU)" --type file --want write
    kdtoken explain whoami.txt --to sd.txt --type key --want maximum                  text against text, no machine
    kdtoken explain MEMORY.DMP --who --to lsass.exe --want VM_READ                    everybody who would get it
    kdtoken explain --against lab.json                  what a real Windows said (kdtoken collect --check), recomputed
    !py -m kdtoken.explain notepad.exe --to 0xffffcc8a1420a800 --want QUERY           any object by its address

A caller is a process, PID:TID for the token that a thread presents, or a file with a token (whoami's or !token's text,
collect's JSON), SOURCE@PROCESS where it holds several.  --to may be repeated.
Exit code: 0 yes, 1 no, 2 nothing could be worked out, 3 it depends.
"""

import argparse
import os
import sys
from dataclasses import replace
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from kdtoken import cli
from kdtoken.analysis.access_check.caller import MEDIUM, Caller, caller_of
from kdtoken.analysis.access_check.downgrade import stories
from kdtoken.analysis.access_check.gates import token_gates
from kdtoken.analysis.access_check.lab import lab_answers
from kdtoken.analysis.access_check.request import ACCESS_CHECK, OPEN, Request, parse_type_list, parse_wish
from kdtoken.analysis.access_check.truth import Answer, Verdict, decide
from kdtoken.analysis.access_check.turn import Other, turns
from kdtoken.decode.process import process_details
from kdtoken.errors import BadFormat, KdTokenError, UsageError
from kdtoken.files import read_packed
from kdtoken.machine.base import Machine
from kdtoken.machine.descriptor_file import descriptor_of_file
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.log import LogMachine, kernel_of
from kdtoken.machine.objects import Objects, default_label
from kdtoken.machine.process import MachineProcess, MachineThread
from kdtoken.machine.sniff import is_there
from kdtoken.model.absent import Absent, Missing
from kdtoken.model.object_type import ObjectType, documented_type
from kdtoken.model.process import Impersonation
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import Names
from kdtoken.model.token import Token
from kdtoken.model.view import Kind
from kdtoken.render.explain import chain_lines, explain_lines, lab_lines, who_lines
from kdtoken.render.explain_json import explain_json

_EXIT = {Verdict.YES: 0, Verdict.NO: 1, Verdict.DEPENDS: 3}


class Party(NamedTuple):
    """Who asks, the other tokens at hand for it, what may be behind its level, and its process's address."""

    caller: Caller
    others: Tuple[Other, ...] = ()
    stories: Tuple[str, ...] = ()
    process: int = 0


class Wanted(NamedTuple):
    """What is asked about: the object with its type, the protection of its process, and that process's address."""

    object: SecuredObject
    type: ObjectType
    protection: Optional[int] = 0
    process: int = 0
    argument: str = ""


class Sides:
    """The machine of the options, opened when something of it is asked, and the files that were named."""

    def __init__(self, options: argparse.Namespace, machine: Optional[Machine] = None) -> None:
        self.options = options
        self._machine = machine
        self._objects: Optional[Objects] = None
        self.names: Names = Names()
        self.unjudged: List[str] = []  # of --who: whose token cannot be read

    @property
    def machine(self) -> Machine:
        """The one machine, whose processes are asked about."""
        if self._machine is None:
            self._machine = cli.open_machine(self.options)
        return self._machine

    @property
    def objects(self) -> Objects:
        """Its objects; a text has none."""
        if self._objects is None:
            kernel, name = kernel_of(self.machine), self.machine.about.source
            if kernel is None:
                what = "%s shows no object's descriptor" % name
                raise UsageError(what, name, 'give the object as text: --to "D:(A;;FA;;;BA)" --type file')
            self._objects = Objects(kernel.source)
        return self._objects

    def source_of(self, words: List[str]) -> List[str]:
        """The words behind the file of a machine, which may stand first: FILE PROCESS, FILE@PROCESS, FILE --who."""
        options = self.options
        file = words[0] if words and is_there(words[0]) else (words or [""])[0].rpartition("@")[0]
        if options.session or options.dump or options.log or options.attach or not is_there(file):
            return words
        machine = cli.opened(cli.request(options, (file,), lenient=True, instead=True))
        rest = [word for word in [words[0][len(file) + 1 :]] + words[1:] if word]
        if isinstance(machine, KernelMachine) or (isinstance(machine, LogMachine) and (rest or options.who)):
            self._machine = machine
            return rest
        return words  # a text: it is the caller

    def default_level(self) -> int:
        """What an object without a label counts as: read from the kernel, where there is one."""
        kernel = None if self._machine is None else kernel_of(self._machine)
        label = None if kernel is None else default_label(kernel.source)
        if isinstance(label, Sid) and label.subauthorities:
            return label.subauthorities[0]
        return MEDIUM

    def learn(self) -> None:
        """The names that the machine gave, for who prints."""
        if self._machine is not None:
            self.names = self.names.with_accounts(self._machine.names.accounts)

    def caller(self, word: str) -> Party:
        """The caller that one word names."""
        source, at, which = word.rpartition("@")
        if os.path.isfile(word):
            return self._of_file(word, "")
        if at and source:
            return self._of_file(source, which)
        pid, colon, tid = word.partition(":")
        if colon and pid.isdigit() and tid.isdigit():
            return self._of_thread(pid, int(tid, 0))
        process = self.machine.find(word)
        token = _there(process.token, "the token of %s" % word)
        caller = self._caller(token, "%s (%s)" % (process.name, process.pid), None, self._protection(process.address))
        linked = process.linked_token if kernel_of(self.machine) is not None else None
        told = ("System's threads run in kernel mode, where an open is checked only if they ask for it",)
        return Party(caller, self._linked(linked, caller), told if process.pid == 4 else (), process.address)

    def _linked(self, linked: object, caller: Caller) -> Tuple[Other, ...]:
        if not isinstance(linked, Token):
            return ()
        other = self._caller(linked, caller.name + ", its linked token", None, caller.protection)
        return (Other("linked", "the linked token of its UAC pair (run elevated, or not)", other),)

    def _of_file(self, source: str, which: str) -> Party:
        wanted = cli.request(self.options, (source,), lenient=True, instead=True)
        view = cli.opened(wanted).view(which)
        self.names = self.names.with_accounts(view.names.accounts)
        caller = caller_of(view.token, view.label, settle="kdtoken collect --pid PID, on the machine")
        whole = caller.sids_whole and not view.incomplete and not view.not_understood
        return Party(replace(caller, sids_whole=whole, protection=None, of_whoami=view.kind is Kind.WHOAMI))

    def _of_thread(self, pid: str, tid: int) -> Party:
        process = self.machine.find(pid)
        for thread in process.threads:
            if thread.tid != tid:
                continue
            name = "thread %s:%d of %s" % (pid, tid, process.name)
            own = _there(process.token, "the token of process %s" % pid)
            protection = self._protection(process.address)
            acts = thread.impersonation
            if acts is None:
                return Party(self._caller(own, name, None, protection), (), (), process.address)
            if not isinstance(acts, Impersonation):
                raise KdTokenError("whom thread %d impersonates is %s" % (tid, acts), tid)
            token = _there(thread.token, "the token that thread %d impersonates" % tid)
            reverted = self._caller(own, "%s (%s)" % (process.name, pid), None, protection)
            other = Other("revert", "stop impersonating (RevertToSelf): the process's own token counts then", reverted)
            told = stories(own, token, acts.level)
            return Party(self._caller(token, name, acts.level, protection), (other,), told, process.address)
        raise UsageError("process %s has no thread %d" % (pid, tid), tid, "kdtoken dump %s lists its threads" % pid)

    def everybody(self, threads: bool) -> Iterator[Party]:
        """Every process, and with `threads` every thread that impersonates."""
        for row in self.machine.walk(threads=threads).rows:
            name = "%s (%s)" % (row.process.image_name, row.process.pid)
            details = row.details
            protection = None if isinstance(details, Missing) else _number(details.protection)
            if not isinstance(row.token, Token):
                self.unjudged.append("%s: its token is %s" % (name, row.token or "gone, its reference is null"))
            else:
                yield Party(self._caller(row.token, name, None, protection), (), (), row.process.address)
            for thread in row.threads:
                acts = thread.impersonation
                token = row.tokens.get(acts.token) if isinstance(acts, Impersonation) else None
                if isinstance(acts, Impersonation) and isinstance(token, Token):
                    shown = "%s, thread %s" % (name, thread.tid)
                    yield Party(self._caller(token, shown, acts.level, protection), (), (), row.process.address)

    def _caller(self, token: Token, name: str, level: Optional[int], protection: Optional[int]) -> Caller:
        made = caller_of(token, name, level, settle="kdtoken collect --pid PID, inside the machine")
        return replace(made, protection=protection)

    def _protection(self, address: int) -> Optional[int]:
        """_PS_PROTECTION.Level; 0 on kernels that have none, None where it cannot be told."""
        kernel = kernel_of(self.machine)
        if kernel is None or not address:
            return None
        process = kernel.find("0x%x" % address).process
        return _number(process_details(kernel.source, process, origins=False).protection)

    def wanted(self, word: str) -> Wanted:
        """The object that one --to names."""
        given = self.options.type
        if _is_sddl(word):
            kind = documented_type(_needed(given, word))
            try:
                return Wanted(SecuredObject(None, word, kind, from_sddl(word, object_type=kind)), kind, argument=word)
            except BadFormat as error:
                error.next_step = error.next_step or 'quote it whole, for instance "D:(A;;FA;;;BA)(A;;FR;;;BU)"'
                raise
        file, mark, number = word.rpartition("#")
        if os.path.isfile(word):
            return _guarded(descriptor_of_file(word, 0, documented_type(given) if given else None), word)
        if mark and number.isdigit() and os.path.isfile(file):
            return _guarded(descriptor_of_file(file, int(number), documented_type(given) if given else None), word)
        found = self.objects.find(word)
        kind = found.type if isinstance(found.type, ObjectType) else documented_type(_needed(given, word))
        address = found.address or 0
        if kind.name == "Process":
            return Wanted(found, kind, self._protection(address), address, word)
        if kind.name == "Thread":
            owner = word.split(":")[1] if word.count(":") == 2 else ""
            return Wanted(found, kind, self._protection(self.machine.find(owner).address) if owner else None, 0, word)
        return Wanted(found, kind, 0, address, word)


def _guarded(what: SecuredObject, word: str) -> Wanted:
    assert isinstance(what.type, ObjectType)
    return Wanted(what, what.type, argument=word)


def _there(token: object, what: str) -> Token:
    if isinstance(token, Token):
        return token
    raise KdTokenError("%s is %s" % (what, "gone: the reference is null" if token is None else token))


def _number(value: object) -> Optional[int]:
    """A field's number; 0 where this build has no such field."""
    return value if isinstance(value, int) else (0 if isinstance(value, Absent) else None)


def _is_sddl(word: str) -> bool:
    return word[:2].upper() in ("O:", "G:", "D:", "S:") and not os.path.exists(word)


def _needed(given: Optional[str], word: str) -> str:
    if not given:
        raise UsageError("%s does not say what type of object it guards" % word, word, "--type file, key, process ...")
    return given


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
    wanted = [sides.wanted(word) for word in options.to]
    if options.who:
        parties = list(sides.everybody(options.threads))
    else:
        parties = [sides.caller(word) for word in options.caller]
    level = sides.default_level()
    sides.learn()
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
    told = parties[0].stories if one else tuple(sides.unjudged)
    if options.json:
        text = explain_json(answers, tried, sides.names, _about(sides), None, told)
        cli.write_lines(text.split("\n"))
    elif one:
        cli.write_lines(explain_lines(answers[0], tried[0], sides.names, told))
    else:
        cli.write_lines(who_lines(rows, sides.names, told))
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
        sides.default_level(),
    )
    answers = [gate.answer for gate in chain.gates]
    tried = [list(turns(one.request, one.outcome, party.others)) for one in answers]
    if options.json:
        cli.write_lines(explain_json(answers, tried, sides.names, _about(sides), chain, party.stories).split("\n"))
    else:
        cli.write_lines(chain_lines(chain, tried, sides.names))
    return _EXIT[chain.verdict]


def _about(sides: Sides) -> Optional[Dict[str, object]]:
    machine = sides._machine
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
    return decide(_request(options, sides.caller(word), what, sides.default_level()))


def _against(sides: Sides, options: argparse.Namespace) -> int:
    """What a real Windows answered, worked out again; where we differ is what matters."""
    party = sides.caller(options.against)
    answers = lab_answers(party.caller, read_packed(options.against, "lab run"), options.against)
    cli.write_lines(lab_lines(answers, sides.names))
    return 1 if any(one.differs for one in answers) else 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("caller", nargs="*", metavar="CALLER", help="a process, PID:TID, or a file with a token")
    parser.add_argument("--to", action="append", default=[], metavar="OBJECT", help="a process, token:PROCESS, "
        "thread:PID:TID, an address, \\PATH, key:\\REGISTRY\\..., SDDL, or a file with a descriptor; repeatable")  # fmt: skip
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
        raise UsageError(
            "name a caller, or --who for every process", None, "kdtoken explain notepad.exe --to lsass.exe"
        )
    for given, option in ((options.to, "--to OBJECT"), (options.want, "--want RIGHTS")):
        if not given:
            raise UsageError("%s is missing" % option, option, "for instance --to lsass.exe --want VM_READ")
    return _worked_out(sides, options)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); 0 yes, 1 no, 2 not worked out, 3 depends."""
    return cli.run(_main, arguments)


cli.make_callable(__name__, explain)

if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
