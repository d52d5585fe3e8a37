"""Who asks, and for what: the words of `explain` made callers with their tokens, and objects with their descriptors."""

import argparse
import os
import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.access_check.caller import MEDIUM, Caller, caller_of
from kdtoken.analysis.access_check.downgrade import stories
from kdtoken.analysis.access_check.turn import Other
from kdtoken.errors import KdTokenError, LookupFailed, NotRecorded, ProcessNotFound, UsageError
from kdtoken.frozen import replace
from kdtoken.machine.argument import split_thread
from kdtoken.machine.base import Machine
from kdtoken.machine.descriptor_file import descriptor_of_file
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.log import LogMachine, kernel_of
from kdtoken.machine.objects import OF_A_FILE, Objects, default_label
from kdtoken.machine.sniff import is_there
from kdtoken.model.absent import Absent, Missing
from kdtoken.model.acl import INHERIT_ONLY, SYSTEM_MANDATORY_LABEL
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import ObjectType, documented_type
from kdtoken.model.process import Impersonation
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import Names
from kdtoken.model.token import Token
from kdtoken.model.view import Kind, Unread
from kdtoken.render.words import account_of, clean

_ID = re.compile("[0-9]{1,10}$")
_BARE_ACE = re.compile(r"\(?[A-Za-z]{1,2};[^;]*;[^;]*;[^;]*;[^;]*;[^;]")
_LOW = re.compile("0x[0-9a-fA-F]{1,16}$")
_LIKE_A_FILE = re.compile(r"[/\\]|\.(?:txt|log|json|bin|hex|sddl|sd|dat|md|csv)$", re.IGNORECASE)
_FILE = re.compile(r"(?:\\\?\?\\|\\\\\?\\)?[A-Za-z]:[\\/]|\\\\[^\\?]")  # C:\, \??\C:\, \\?\C:\, \\SERVER


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
        self._texts: Dict[str, Machine] = {}  # that were opened to see what they are; stdin is read once
        self.names: Names = Names()
        self.unread: List[Unread] = []  # lines of texts that were not understood
        self.unjudged: List[str] = []  # of --who: whose token cannot be read

    @property
    def machine(self) -> Machine:
        """The one machine, whose processes are asked about."""
        if self._machine is None:
            self._machine = cli.open_machine(self.options)
        return self._machine

    @property
    def opened(self) -> Optional[Machine]:
        """The machine, if anything was asked of it; text against text needs none."""
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
        file = words[0] if words and is_there(words[0]) else (words or [""])[0].rpartition("@")[0]
        if _is_named(self.options) or not is_there(file):
            return words
        machine = cli.opened(cli.request(self.options, (file,), lenient=True, instead=True))
        rest = [word for word in [words[0][len(file) + 1 :]] + words[1:] if word]
        if isinstance(machine, KernelMachine) or (isinstance(machine, LogMachine) and (rest or self.options.who)):
            self._machine = machine
            return rest
        self._texts[file] = machine
        return words  # a text: it is the caller

    def default_level(self, wanted: Sequence[Wanted]) -> int:
        """What an object without a label counts as: read from the kernel, where there is one and an object needs it."""
        labelled = all(_has_label(one.object) for one in wanted)
        kernel = None if self._machine is None or labelled else kernel_of(self._machine)
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
        if os.path.isfile(word) or word in self._texts:
            return self._of_file(word, "")
        if at and source:
            return self._of_file(source, which)
        owner, tid = split_thread(word)
        if tid is not None:
            return self._of_thread(owner, tid)
        process = self.machine.find(word)
        # First of all, since the dump that tells it reads both halves of a pair in fewer requests than one after the other.
        linked = process.linked_token if kernel_of(self.machine) is not None else None
        token = _there(process.token, "the token of %s" % word)
        self.unread += process.machine.unread(process)
        caller = self._caller(token, "%s (%s)" % (process.name, process.pid), None, self._protection(process.address))
        notes = ("System's threads run in kernel mode, where an open is checked only if they ask for it",)
        return Party(caller, self._linked(linked, caller), notes if process.pid == 4 else (), process.address)

    def _linked(self, linked: object, caller: Caller) -> Tuple[Other, ...]:
        if not isinstance(linked, Token):
            return ()
        other = self._caller(linked, caller.name + ", its linked token", None, caller.protection)
        return (Other("linked", "the linked token of its UAC pair (run elevated, or not)", other),)

    def _of_file(self, source: str, which: str) -> Party:
        wanted = cli.request(self.options, (source,), lenient=True, instead=True)
        view = (self._texts.get(source) or cli.opened(wanted)).view(which)
        self.unread += view.not_understood
        self.names = self.names.with_accounts(view.names.accounts)
        caller = caller_of(view.token, view.label, settle="kdtoken collect --pid PID, on the machine")
        whole = caller.sids_whole and not view.incomplete and not view.not_understood
        whoami = view.kind is Kind.WHOAMI
        return Party(replace(caller, sids_whole=whole, protection=None, of_whoami=whoami, lpac=view.less_privileged))

    def _of_thread(self, owner: str, tid: int) -> Party:
        process = self.machine.find(owner)
        pid = str(process.pid)
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
            notes = stories(own, token, acts.level)
            return Party(self._caller(token, name, acts.level, protection), (other,), notes, process.address)
        raise UsageError("process %s has no thread %d" % (pid, tid), tid, "kdtoken dump %s lists its threads" % pid)

    def everybody(self, threads: bool) -> Iterator[Party]:
        """Every process, and with `threads` every thread that impersonates."""
        rows = list(self.machine.walk(threads=threads).rows)
        self.unread += self.machine.unread()
        for row in rows:
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
        account = account_of(token)  # by its logon session, which is nearer than a domain that nobody can name
        if isinstance(token.user, Sid) and token.user not in self.names.accounts and account == clean(account or ""):
            self.names = self.names.with_accounts({token.user: account})
        return replace(made, protection=protection)

    def _protection(self, address: int) -> Optional[int]:
        """_PS_PROTECTION.Level; 0 on kernels that have none, None where it cannot be told."""
        kernel = kernel_of(self.machine)
        return None if kernel is None or not address else _number(kernel.protection(address))

    def _found(self, word: str) -> SecuredObject:
        """An object of the machine.  What no recording keeps is said of the object, not of a symbol."""
        if self._machine is None and self._texts and not _is_named(self.options) and not cli.in_debugger():
            text = next(iter(self._texts))
            raise UsageError(
                "%s is no file, so an object of a machine, and %s is the text of a token alone" % (word, text),
                word,
                "name the machine too: --dump FILE, --session FILE; or give the object as SDDL, with --type",
            )
        try:
            return self.objects.find(word)
        except ProcessNotFound as error:
            if _LOW.match(word):
                error.message += ", and no object lies at so low an address"
            elif _LIKE_A_FILE.search(word):
                error.message += ", and there is no such file here"
            raise
        except (LookupFailed, NotRecorded) as error:
            if "kdtoken record" not in error.next_step:
                raise
            raise UsageError(
                "%s cannot be looked up: the recording keeps processes, threads and tokens, and nothing beside them"
                % word,
                word,
                'ask the dump or the debugger; or give its descriptor: --to "D:(A;;FA;;;BA)" --type file',
            ) from error

    def wanted(self, word: str) -> Wanted:
        """The object that one --to names."""
        given = self.options.type
        if _is_sddl(word):
            kind = documented_type(_needed(given, word))
            return Wanted(SecuredObject(None, word, kind, from_sddl(word, object_type=kind)), kind, argument=word)
        file, mark, number = word.rpartition("#")
        numbered = bool(mark and _ID.match(number)) and not os.path.isfile(word)
        if os.path.isfile(file if numbered else word):
            said = documented_type(given) if given else None
            where, at = (file, int(number)) if numbered else (word, 0)
            return _guarded(descriptor_of_file(where, at, said, self.names.accounts), word)
        if _BARE_ACE.match(word):
            step = "a descriptor has its parts' letters: D:(%s)" % word.strip("()")
            raise UsageError("%s is an ACE, and no descriptor" % word, word, step)
        if os.path.isdir(word):
            raise UsageError("%s is a folder" % word, word, "name the file in it that holds the descriptor")
        if _FILE.match(word):
            raise UsageError(
                "%s is no file here; of another machine, %s" % (word, OF_A_FILE.what), word, OF_A_FILE.hint
            )
        found = self._found(word)
        kind = found.type if isinstance(found.type, ObjectType) else documented_type(_needed(given, word))
        if given and len(self.options.to) == 1 and kind.name.lower() != given.strip().lower():
            step = "leave --type away: it is for an object that is given as text"
            raise UsageError("%s is a %s, not a %s" % (word, kind.name, given), word, step)
        address = found.address or 0
        if kind.name == "Process":
            return Wanted(found, kind, self._protection(address), address, word)
        if kind.name == "Thread":
            owner = word.split(":")[1] if word.count(":") == 2 else ""
            return Wanted(found, kind, self._protection(self.machine.find(owner).address) if owner else None, 0, word)
        return Wanted(found, kind, 0, address, word)


def _is_named(options: argparse.Namespace) -> bool:
    return bool(options.session or options.dump or options.log or options.attach)


def _has_label(what: SecuredObject) -> bool:
    """Whether the object's own label says its level."""
    found = what.descriptor
    aces = found.sacl.aces if isinstance(found, SecurityDescriptor) and found.sacl is not None else ()
    return any(ace.type == SYSTEM_MANDATORY_LABEL and not ace.flags & INHERIT_ONLY and ace.sid for ace in aces)


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
