"""A machine by what commands printed: the text of `!process`, `!thread` and `!token`, or of whoami.

No memory: what no command printed is NotSaid.
"""

from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from kdtoken.errors import BadFormat, KdTokenError, LookupFailed, NotAToken, NothingPrinted, UsageError
from kdtoken.frozen import replace
from kdtoken.machine.argument import choose, parse_process_argument, split_thread
from kdtoken.machine.base import Machine, Walk
from kdtoken.machine.merged import MergedProcess, merge_processes, merge_tokens, names_of, place_of, read_texts
from kdtoken.machine.process import MachineProcess, MachineThread, Processes
from kdtoken.machine.snapshot import snapshot_of_texts
from kdtoken.machine.unread import UnreadLines, line_of
from kdtoken.model.absent import Maybe, known
from kdtoken.model.process import FastRef, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.model.view import Kind, Unread, View
from kdtoken.source.base import About
from kdtoken.view.debugger.memory_read import pointers_to
from kdtoken.view.debugger.text import DebuggerText
from kdtoken.view.partial import PartialToken, TextPlace

_KINDS = {
    "!token": Kind.TOKEN_COMMAND,
    "dt": Kind.TOKEN_COMMAND,
    "!threadtoken": Kind.TOKEN_COMMAND,
    "whoami": Kind.WHOAMI,
    "GetTokenInformation": Kind.TOKEN_INFORMATION,
}
_TAKES = "it takes the text of whoami /all or of !token, a log with dt and db, a recording, or collect's JSON"
_PRINT = "!token ADDRESS prints one, and !process 0 1 the address of each process's"
_SHOWN = 6  # tokens that a message names before it says how many more there are


class TextMachine(Machine):
    """What is printed in one text or several of one machine.

    tokens  every token that is told of, in the order of the text; `view` counts them from 1
    """

    has_memory = False

    def __init__(
        self,
        source: str,
        texts: Sequence[Tuple[str, str]],
        about: About,
        names: Names = NO_NAMES,
        again: Sequence[Callable[[], Iterable[str]]] = (),
    ) -> None:
        """source  how messages call it: the file as it was named
        texts   (name, text) of each
        again   gives each once more, with the rows of memory that `texts` lack, in pieces that end with a line
        """
        self._source, self._several = source, len(texts) > 1
        super().__init__(replace(about, source=about.source + ", the text of !process and !token, no memory"), names)
        self._base = about
        self._debugged = any("kd>" in text for _, text in texts)
        self._texts = read_texts(texts)
        self._read = [DebuggerText(one.debugger, one.processes, one.not_understood) for one in self._texts]
        self._read_rows(again)
        self._by_address = merge_tokens(self._read)
        self._merged = merge_processes(self._read, self._by_address)
        self.tokens: List[PartialToken] = [token for text in self._texts for token in text.tokens]
        self._unread = UnreadLines(self._texts)
        self.names = names.with_accounts(names_of(self.tokens))
        self._processes = Processes(self._handle(one) for one in self._merged)
        self._dumps: Dict[int, ProcessDump] = {one.dump.process.address: one.dump for one in self._merged}

    def _read_rows(self, again: Sequence[Callable[[], Iterable[str]]]) -> None:
        """Of the rows of memory only a process's pointer to a token counts, where the text tells of both."""
        tokens = {token.token.address for one in self._read for token in one.tokens.tokens} - {0}
        if not (tokens and any(one.processes.processes for one in self._read)):
            return
        for at, pieces in enumerate(again):
            read = self._read[at]
            rows = pointers_to(tokens, pieces())
            every = tuple(sorted({*read.processes.pointers, *rows}, key=lambda one: one.line))
            self._read[at] = replace(read, processes=replace(read.processes, pointers=every))

    def _handle(self, merged: MergedProcess) -> MachineProcess:
        about = self._about_lines([("!process", merged.process_at), ("!token", merged.token_at)])
        return MachineProcess(self, merged.dump.process, about=about)

    def _about_lines(self, where: Sequence[Tuple[str, Optional[TextPlace]]]) -> About:
        """Where an answer stands in the text."""
        lines = [
            "%s (%s)" % (what, at if self._several else "line %d" % at.line) for what, at in where if at is not None
        ]
        return replace(
            self._base, source="%s, the text of %s, no memory" % (self._base.source, " and ".join(lines) or "commands")
        )

    @property
    def has_processes(self) -> bool:
        """Whether it tells of any process."""
        return bool(self._processes)

    def processes(self) -> Processes:
        if not self._processes:
            raise self.shows_no_process()
        return self._processes

    def shows_no_process(self) -> KdTokenError:
        """The error where processes are asked for: NothingPrinted of the text of a token, else LookupFailed."""
        step = "!process 0 1 lists them with their tokens"
        if not self.tokens:
            return LookupFailed("%s shows no process" % self._source, self._source, step)
        many = "a token" if len(self.tokens) == 1 else "%d tokens" % len(self.tokens)
        words = "%s tells of %s, and of no process that has it" % (self._source, many)
        shows = "kdtoken dump %s shows it; kdtoken diff and kdtoken explain take it too" % self._source
        return NothingPrinted(words, self._source, "%s; %s" % (step, shows) if self._debugged else shows)

    def find(self, argument: Union[str, int]) -> MachineProcess:
        text, processes = str(argument), self.processes()
        kind, value = parse_process_argument(text, 4 if processes[0].address < 1 << 32 else 8)
        wanted = choose([one.process for one in processes], text, kind, value)
        return next(one for one in processes if one.process is wanted)

    def dump(self, process: MachineProcess, check: bool = True) -> ProcessDump:
        return self._dumps[process.address]

    def unread(self, process: Optional[MachineProcess] = None) -> Tuple[Unread, ...]:
        token = self._dumps[process.address].token if process is not None else None
        text = self._by_address.get(token.address) if isinstance(token, Token) else None
        if text is not None:
            return self._unread.of_token(text)
        return self._unread.all()

    def primary_token(self, process: MachineProcess) -> Maybe[Optional[Token]]:
        return self._dumps[process.address].token

    def token(self, address: int) -> Token:
        return self.partial(address).token

    def partial(self, address: int) -> PartialToken:
        """What the text tells of the token at an address.  Raises NotAToken."""
        found = self._by_address.get(address)
        if found is None:
            raise NotAToken(
                "%s has no !token of 0x%x" % (self._source, address), address, "!token %x prints it" % address
            )
        return found

    def about_token(self, address: int) -> About:
        """Where the token at an address stands in the text."""
        return self._about_lines([("!token", place_of(self.partial(address)))])

    def walk(self, threads: bool = False) -> Walk:
        rows = [self._dumps[one.address] for one in self.processes()]
        problems = ["%s: %s" % (row.process.image_name, problem) for row in rows for problem in row.problems]
        problems += [
            "the list of processes may lack some: %s" % why for one in self._read for why in one.processes.torn
        ]
        return Walk(self.about, len(rows), iter(rows), problems)

    def snapshot(self, walked: Optional[Sequence[ProcessDump]] = None, sessions: bool = False) -> Snapshot:
        """Also of a text that shows no process: its tokens are judged by themselves."""
        return snapshot_of_texts(self._read, self._source, self._base.build)

    def chosen(self, which: str) -> List[PartialToken]:
        """The tokens that `which` may mean: all for "", one for "#2", else by address, user, or process."""
        if which[:1] == "#":
            place = int(which[1:]) if which[1:].isdecimal() and len(which) < 12 else 0
            return self.tokens[place - 1 : place] if place else []
        return [one for one in self.tokens if self._is_of(one, which)] if which else self.tokens

    def _is_of(self, text: PartialToken, which: str) -> bool:
        """Whether a text is of the token at that address, of that user, or of the process of that name or pid."""
        wanted = which.lower().replace("`", "")
        address = text.token.address
        if address and wanted in ("%x" % address, hex(address)):
            return True
        user = text.token.user
        if isinstance(user, Sid) and wanted in (str(user).lower(), text.names.get(user, "").lower()):
            return True
        for block in (block for read in self._read for block in read.processes.processes):
            process = block.process
            ref = process.token
            names = (
                str(process.image_name).lower(),
                str(process.pid),
                hex(process.pid) if isinstance(process.pid, int) else "",
                "%x" % process.address,
            )
            if wanted in names and isinstance(ref, FastRef) and address and ref.object == address:
                return True
        return False

    def view(self, which: Union[str, MachineProcess, MachineThread] = "") -> View:
        if not isinstance(which, str):
            token = which.token
            if not isinstance(token, Token):
                raise KdTokenError("the token of %r is %s" % (which, "null" if token is None else token))
            return self._view(self.partial(token.address))
        if split_thread(which)[1] is not None and self._processes:
            return self.view(self.presenter(which))
        chosen = self.chosen(which)
        if len(chosen) == 1:
            return self._view(chosen[0])
        addresses = {one.token.address for one in chosen}
        if len(addresses) == 1 and any(addresses):
            # Outputs of one token: the later counts, and what they differ in is told.
            return self._view(self.partial(addresses.pop()))
        step = "choose one by its place in the text: %s@#1" % self._source
        if chosen:
            words = "%s holds %d tokens: %s" % (self._source, len(chosen), self._listed(chosen))
            raise UsageError(words, self._source, step)
        if self.tokens:
            words = "%s tells of no token of %s; it holds %s" % (self._source, which, self._listed(self.tokens))
            raise UsageError(words, self._source, step)
        raise self.tells_of_none(which)

    def tells_of_none(self, which: str = "") -> BadFormat:
        """The error for a text that tells of no token: what it tells of instead, and the command that it lacks."""
        what = "tells of no token%s" % (" of %s" % which if which else "")
        if not self._processes:
            # Who has a debugger lacks one command; what tool another text is of, nobody knows.
            return BadFormat("%s %s" % (self._source, what), self._source, _PRINT if self._debugged else _TAKES)
        shown = ", ".join("%s (%s)" % (one.name, one.pid) for one in self._processes[:_SHOWN])
        more = len(self._processes) - _SHOWN
        names = shown + (" and %d more" % more if more > 0 else "")
        lacking = next(iter(sorted({*self._addresses_told()})), 0)
        step = (
            "!token %x prints one that it names" % lacking if lacking else "!process 0 1 lists them with their tokens"
        )
        return BadFormat(
            "%s %s; it shows the process%s %s" % (self._source, what, "" if len(self._processes) == 1 else "es", names),
            self._source,
            step,
        )

    def _addresses_told(self) -> List[int]:
        """Tokens that are named by their address only."""
        addresses: List[int] = []
        for dump in self._dumps.values():
            ref = dump.process.token
            addresses += [ref.object] if isinstance(ref, FastRef) and ref.object else []
            addresses += list(dump.tokens)
        return [one for one in addresses if one not in self._by_address]

    def _view(self, text: PartialToken) -> View:
        return replace(view_of(text, self._source, self.names), not_understood=self._unread.of_token(text))

    def _listed(self, chosen: Sequence[PartialToken]) -> str:
        words = []
        for text in chosen[:_SHOWN]:
            user = text.token.user
            what = hex(text.token.address) if text.token.address else "of %s" % user if known(user) else "one"
            words.append("#%d %s (line %d)" % (self.tokens.index(text) + 1, what, line_of(text)))
        return ", ".join(words) + (" and %d more" % (len(chosen) - _SHOWN) if len(chosen) > _SHOWN else "")


def view_of(text: PartialToken, source: str, names: Names = NO_NAMES) -> View:
    """A token of a text, to be compared."""
    label = "%s, line %d" % (source, line_of(text)) if line_of(text) else source
    # Listed, with attributes that nobody here knows the words for: the Token has a hole in their place.
    listed = tuple(one.sid for one in text.groups if not isinstance(one.attributes, int))
    return View(text.token, _KINDS[text.view], label, text.incomplete, listed, names=names)
