"""One Windows machine as a source shows it: its processes, tokens, logon sessions, and what it leaves out.

Filled from a kernel's memory (`decode.snapshot`) or from printed text, where holes stay holes.  Everything that
judges a whole machine (`analysis.audit`, `analysis.lineage`, `analysis.differences.machines`) reads this and
nothing else.
"""

from __future__ import annotations

from typing import Iterator, Mapping, Tuple

from kdtoken.frozen import dataclass, field
from kdtoken.model.absent import Absent, Maybe
from kdtoken.model.process import FastRef, ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import LogonSession, Token

NO_PID = -1  # what stands for a pid that a text does not tell


@dataclass(frozen=True)
class BootTokens:
    """Addresses of the tokens that the kernel makes for itself at its start, each a `_TOKEN *` variable of nt.

    boot                     nt!PspBootAccessToken: System's and Idle's token
    anonymous                nt!SeAnonymousLogonToken
    anonymous_no_everyone    nt!SeAnonymousLogonTokenNoEveryone: the same without the group Everyone

    Absent where the symbols or the view have none, 0 for a null pointer.
    """

    boot: Maybe[int] = Absent("nt!PspBootAccessToken")
    anonymous: Maybe[int] = Absent("nt!SeAnonymousLogonToken")
    anonymous_no_everyone: Maybe[int] = Absent("nt!SeAnonymousLogonTokenNoEveryone")


@dataclass(frozen=True)
class Look:
    """One of several looks at a token that a source holds.

    where       in words: "log.txt:31"
    incomplete  fields of which it shows a part only; "the rest" for all that comes after a cut
    listed      SIDs that it lists with attributes that are not known
    printed     whether it is what `!token` printed
    """

    token: Token
    where: str = ""
    incomplete: Tuple[str, ...] = ()
    listed: Tuple[Sid, ...] = ()
    printed: bool = False


@dataclass(frozen=True)
class Snapshot:
    """What a source shows of one machine.

    label           where it was read, in words for people
    build           Windows build of the kernel, "" where it is not told
    processes       each with its details, its token, its threads and theirs as far as they were read; in list order
    boot            the kernel's own tokens
    logon_sessions  of nt!SepLogonSessions, where that table was read; those of the tokens are found through them
    captures        address -> every look at that token, in order, of a source that holds more than one of any
    at_once         whether all of it is of one moment (a dump, a halted machine); a log is of many
    printed         whether it was read out of printed text, which tells of a token what `!token` does and no more
    whole           whether the list of processes was seen from end to end
    problems        what was wrong with the source
    """

    label: str
    processes: Tuple[ProcessDump, ...]
    build: str = ""
    boot: BootTokens = BootTokens()
    logon_sessions: Maybe[Tuple[LogonSession, ...]] = Absent("nt!SepLogonSessions was not read")
    captures: Mapping[int, Tuple[Look, ...]] = field(default_factory=dict)
    at_once: bool = True
    printed: bool = False
    whole: bool = True
    problems: Tuple[str, ...] = ()

    def tokens(self) -> Iterator[Token]:
        """Every token that could be read, once: those of processes in list order, then those of threads."""
        seen = set()
        for row in self.processes:
            if isinstance(row.token, Token) and row.token.address not in seen:
                seen.add(row.token.address)
                yield row.token
        for row in self.processes:
            for token in row.tokens.values():
                if isinstance(token, Token) and token.address not in seen:
                    seen.add(token.address)
                    yield token
        for address, looks in self.captures.items():
            if address not in seen and looks:
                seen.add(address)
                yield looks[-1].token


def token_address(row: ProcessDump) -> int:
    """Address of the process's token object; 0 where the reference is null or not known."""
    ref = row.process.token
    return ref.object if isinstance(ref, FastRef) else 0


def pid_of(row: ProcessDump) -> int:
    """UniqueProcessId; NO_PID where it is not known."""
    return row.process.pid if isinstance(row.process.pid, int) else NO_PID


def created(row: ProcessDump) -> int:
    """CreateTime (FILETIME), 0 where it is not known."""
    details = row.details
    return details.create_time if isinstance(details, ProcessDetails) and isinstance(details.create_time, int) else 0


def ended(row: ProcessDump) -> bool:
    """Whether the process is known to have ended."""
    details = row.details
    return isinstance(details, ProcessDetails) and isinstance(details.exit_time, int) and details.exit_time != 0
