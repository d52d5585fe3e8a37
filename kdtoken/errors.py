"""What kdtoken raises.

Every error carries the thing it is about (`subject`: an address, a name, a file)
and, where there is one, the next step for the person who sees it.  The verbs
print `str(error)`; nobody needs a traceback to know what to do.
"""

from __future__ import annotations

from typing import Tuple, Union

Subject = Union[int, str, None]
NOT_RECORDED = "not recorded"  # the reason of what nobody ever asked for


class KdTokenError(Exception):
    """Base of all errors that kdtoken raises on purpose."""

    def __init__(self, message: str, subject: Subject = None, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.next_step = next_step

    def __str__(self) -> str:
        if self.next_step:
            return "%s\n  next: %s" % (self.message, self.next_step)
        return self.message


class UsageError(KdTokenError):
    """The command line itself cannot be carried out."""


class BadFormat(KdTokenError):
    """Bytes or text that are not in the format they should be in."""


class NothingPrinted(BadFormat):
    """A text that holds nothing of what a debugger prints about a kernel."""


class TargetError(KdTokenError):
    """The target cannot be used at all: no session, a user-mode session, no nt symbols."""


class MemoryUnreadable(KdTokenError):
    """Memory that the target cannot give: paged out, not mapped, or not in the dump.

    `partial` holds the bytes from `address` on that could be read before the stop.
    """

    def __init__(self, address: int, size: int, reason: str, partial: bytes = b"") -> None:
        super().__init__(
            "cannot read %d byte%s at 0x%x: %s" % (size, "" if size == 1 else "s", address, reason),
            address,
        )
        self.address = address
        self.size = size
        self.reason = reason
        self.partial = partial


class NotRecorded(MemoryUnreadable):
    """Memory that a source does not hold which keeps pieces smaller than pages: a recording, a log, a triage dump.

    `known` holds the parts of the range behind the first gap, as (address, bytes), where there are some.
    """

    def __init__(
        self,
        address: int,
        size: int,
        next_step: str = "",
        partial: bytes = b"",
        known: Tuple[Tuple[int, bytes], ...] = (),
        reason: str = NOT_RECORDED,
    ) -> None:
        super().__init__(address, size, reason, partial)
        self.next_step = next_step
        self.known = known


class LookupFailed(KdTokenError):
    """A type, field or symbol that the target's symbols do not have."""


class TypeNotFound(LookupFailed):
    """No such type in the target's symbols."""


class FieldNotFound(LookupFailed):
    """The type is there, the field is not."""


class SymbolNotFound(LookupFailed):
    """No such symbol in the target's symbols."""


class NoCommands(KdTokenError):
    """The target has no command interpreter, or this command cannot be answered."""


class ProcessNotFound(KdTokenError):
    """No process answers to that name, pid or address."""


class ProcessAmbiguous(KdTokenError):
    """Several processes answer to that name; `choices` are (pid, EPROCESS address) pairs."""

    def __init__(self, message: str, subject: Subject, choices: Tuple[Tuple[int, int], ...], next_step: str) -> None:
        super().__init__(message, subject, next_step)
        self.choices = choices


class NotAToken(KdTokenError):
    """The address does not hold a token object."""


class ObjectNotFound(KdTokenError):
    """No object of the kernel answers to that name, path or address."""
