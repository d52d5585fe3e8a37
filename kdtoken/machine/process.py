"""A process and a thread of a machine: handles that ask the machine only for what is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence, Tuple

from kdtoken.model.absent import Maybe
from kdtoken.model.process import Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.token import Token
from kdtoken.source.base import About

if TYPE_CHECKING:
    from kdtoken.machine.base import Machine


class MachineProcess:
    """A process of a machine.

    process   what the process list tells of it
    others    the list of processes, where it was read on the way, to see who shares the token; else None
    problems  what was wrong with that list
    about     where what is told of it comes from; in a text, with the lines
    """

    def __init__(
        self,
        machine: Machine,
        process: Process,
        others: Optional[Sequence[Process]] = None,
        problems: Sequence[str] = (),
        about: Optional[About] = None,
    ) -> None:
        self.machine, self.process = machine, process
        self.others, self.problems = others, tuple(problems)
        self.about = machine.about if about is None else about
        self._dump: Optional[ProcessDump] = None

    @property
    def address(self) -> int:
        """Of the _EPROCESS; 0 where a text gives none."""
        return self.process.address

    @property
    def pid(self) -> Maybe[int]:
        """UniqueProcessId; NotSaid where no text tells it."""
        return self.process.pid

    @property
    def parent_pid(self) -> Maybe[int]:
        """InheritedFromUniqueProcessId: a pid that may have been given to another process since."""
        return self.process.parent_pid

    @property
    def name(self) -> Maybe[str]:
        """ImageFileName: at most 15 bytes of the real name, non-ASCII bytes as \\xNN."""
        return self.process.image_name

    def dump(self, check: Optional[bool] = None) -> ProcessDump:
        """All about its security context, read once.

        check  ask the debugger's own !process as well, where there is one; None: only if nothing was read yet
        """
        if self._dump is None or check is not None:
            self._dump = self.machine.dump(self, bool(check))
        return self._dump

    @property
    def token(self) -> Maybe[Optional[Token]]:
        """Its primary token; None when its reference is null, as after exit."""
        return self.machine.primary_token(self) if self._dump is None else self._dump.token

    @property
    def linked_token(self) -> Maybe[Optional[Token]]:
        """The other half of a UAC pair; None where there is none."""
        return self.dump().linked

    @property
    def details(self) -> Maybe[ProcessDetails]:
        """Times, protection, number of threads."""
        return self.dump().details

    @property
    def threads(self) -> Tuple[MachineThread, ...]:
        """Its threads, each with the token that it really presents."""
        return tuple(MachineThread(self, thread) for thread in self.dump().threads)

    def __repr__(self) -> str:
        from kdtoken.model.notebook import printable  # seldom needed, and never inside WinDbg

        name = printable(self.name) if isinstance(self.name, str) else "?"
        return "<Process %s pid %s%s>" % (name, self.pid, " at 0x%x" % self.address if self.address else "")

    def _repr_html_(self) -> str:
        from kdtoken.model.notebook import html_table

        rows = [("pid", self.pid), ("parent pid", self.parent_pid), ("EPROCESS", hex(self.address))]
        token = self.token
        return html_table(str(self.name), rows) + (token._repr_html_() if isinstance(token, Token) else "")


class MachineThread:
    """A thread of a process of a machine; `thread` is what its _ETHREAD tells."""

    def __init__(self, process: MachineProcess, thread: Thread) -> None:
        self.process, self.thread = process, thread

    @property
    def address(self) -> int:
        """Of the _ETHREAD."""
        return self.thread.address

    @property
    def tid(self) -> Maybe[int]:
        """Its id."""
        return self.thread.tid

    @property
    def tid_text(self) -> str:
        """The id in words."""
        return str(self.tid)

    @property
    def impersonation(self) -> Maybe[Optional[Impersonation]]:
        """Whom it acts for, and how far; None where it runs under its process's token."""
        return self.thread.impersonation

    @property
    def token(self) -> Maybe[Optional[Token]]:
        """The token that counts: the one that it impersonates, else its process's primary token."""
        impersonation = self.thread.impersonation
        if impersonation is None:
            return self.process.token
        if not isinstance(impersonation, Impersonation):
            return impersonation
        return self.process.dump().tokens[impersonation.token]

    def __repr__(self) -> str:
        from kdtoken.model.notebook import printable

        acts = isinstance(self.impersonation, Impersonation)
        whose = "%s at 0x%x" % (printable(str(self.process.name)), self.address)
        return "<Thread %s of %s%s>" % (self.tid_text, whose, ", impersonating" if acts else "")

    def _repr_html_(self) -> str:
        from kdtoken.model.notebook import html_table

        token = self.token
        rows = [("thread", self.tid_text), ("ETHREAD", hex(self.address)), ("impersonation", self.impersonation)]
        return html_table(repr(self), rows) + (token._repr_html_() if isinstance(token, Token) else "")


class Processes(Tuple[MachineProcess, ...]):
    """The processes of a machine, in its order; a tuple that shows itself as a table in a notebook."""

    def _repr_html_(self) -> str:
        from kdtoken.model.notebook import html_table
        from kdtoken.model.token_words import counted

        rows = [(one.pid, one.name, one.parent_pid, hex(one.address)) for one in self]
        return html_table(counted(len(self), "process", "processes"), rows, ("pid", "name", "parent", "EPROCESS"))
