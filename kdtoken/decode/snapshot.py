"""A whole machine out of a kernel's memory: the kernel's own tokens, and what the rows of a walk do not have."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from kdtoken.decode.logon_session import all_logon_sessions
from kdtoken.decode.structure import pointer_width
from kdtoken.errors import LookupFailed, MemoryUnreadable
from kdtoken.model.absent import Absent, Maybe, Unreadable
from kdtoken.model.process import ProcessDump
from kdtoken.model.snapshot import BootTokens, Snapshot
from kdtoken.model.token import LogonSession
from kdtoken.source.base import Source

# Public symbols of every build from 6.1 to 10.0.22000, each a pointer to a token.
_BOOT, _ANONYMOUS, _NO_EVERYONE = "PspBootAccessToken", "SeAnonymousLogonToken", "SeAnonymousLogonTokenNoEveryone"


def boot_tokens(target: Source) -> BootTokens:
    """Addresses of the tokens that the kernel made at its start; a hole for each that is not there or not readable."""
    return BootTokens(_pointer(target, _BOOT), _pointer(target, _ANONYMOUS), _pointer(target, _NO_EVERYONE))


def snapshot_of(
    target: Source,
    rows: Sequence[ProcessDump],
    problems: Sequence[str] = (),
    with_sessions: bool = False,
    whole: bool = True,
) -> Snapshot:
    """The machine that `target` shows, whose processes were walked already.

    with_sessions  read the kernel's table of logon sessions too: a request for each session no token led to
    """
    sessions: Maybe[Tuple[LogonSession, ...]] = Absent("nt!SepLogonSessions was not read")
    said: List[str] = list(problems)
    if with_sessions:
        sessions = all_logon_sessions(target, said)
    about = target.about
    return Snapshot(
        label=about.source,
        processes=tuple(rows),
        build=about.build,
        boot=boot_tokens(target),
        logon_sessions=sessions,
        whole=whole,
        problems=tuple(said),
    )


def _pointer(target: Source, name: str) -> Maybe[int]:
    try:
        at = target.symbol(name)
        return int.from_bytes(target.read(at, pointer_width(target)), "little")
    except LookupFailed:
        return Absent("nt!" + name)
    except MemoryUnreadable as error:
        return Unreadable(error.address, error.reason)
