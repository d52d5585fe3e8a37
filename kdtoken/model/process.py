"""Processes and threads as far as their security context goes."""

from __future__ import annotations

from typing import Mapping, Optional, Tuple

from kdtoken.frozen import dataclass, field
from kdtoken.model.absent import Absent, Maybe, NotAsked
from kdtoken.model.token import Origin, RawMember, Token


@dataclass(frozen=True, slots=True)
class FastRef:
    """`_EX_FAST_REF` taken apart.

    value      what the field holds
    mask       the low bits that are a reference count (from the width of RefCnt); 0 where only the pointer is told
    object     value without them: the pointer
    ref_count  those bits
    """

    value: int
    mask: int

    @property
    def object(self) -> int:
        """The address that the reference leads to; 0 for a null reference."""
        return self.value & ~self.mask

    @property
    def ref_count(self) -> int:
        """How many references are cached in the low bits."""
        return self.value & self.mask


@dataclass(frozen=True, slots=True)
class Process:
    """`_EPROCESS`, as much as a walk of the process list reads.

    image_name  ImageFileName: at most 15 bytes of the real name, non-ASCII bytes as \\xNN
    """

    address: int
    pid: Maybe[int]
    image_name: Maybe[str]
    token: Maybe[FastRef]
    parent_pid: Maybe[int]


@dataclass(frozen=True, slots=True)
class ProcessDetails:
    """More of `_EPROCESS`, read for a single process.

    create_time, exit_time  FILETIME (100 ns since 1601, UTC); exit_time 0 while it runs
    protection              _PS_PROTECTION.Level
    unnamed                 members that by their names have to do with tokens, and that nothing here stands for
    session_id              _MM_SESSION_SPACE.SessionId of the session that it runs in; None outside all sessions;
                            Absent on Windows 11 24H2, where the token's own SessionId is what there is
    token_frozen            PrimaryTokenFrozen: 1 once the primary token may not be replaced any more
    """

    create_time: Maybe[int]
    exit_time: Maybe[int]
    protection: Maybe[int]
    active_threads: Maybe[int]
    thread_list_head: int
    unnamed: Tuple[RawMember, ...] = ()
    session_id: Maybe[Optional[int]] = Absent("_EPROCESS.Session")
    token_frozen: Maybe[int] = Absent("_EPROCESS.PrimaryTokenFrozen")
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Impersonation:
    """What `_ETHREAD.ClientSecurity` says: which token, up to what level, and how much of it.

    effective_only  privileges and groups cannot be changed; a debugger's text does not tell it
    """

    token: int
    level: int
    effective_only: Maybe[bool]


@dataclass(frozen=True, slots=True)
class Thread:
    """`_ETHREAD`: impersonation is None when the thread runs under its process's token."""

    address: int
    pid: Maybe[int]
    tid: Maybe[int]
    impersonation: Maybe[Optional[Impersonation]]
    problems: Tuple[str, ...] = ()


@dataclass(frozen=True)
class CrossCheck:
    """The debugger's own `!process` asked for the same thing; token is None if it printed none."""

    command: str
    token: Optional[int]
    agrees: Optional[bool]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProcessDump:
    """One process, its token, and what its threads run under: what `dump` shows.

    tokens       the impersonation tokens of the threads, by address
    linked       the other half of a UAC pair; None where there is none
    shared_with  other processes whose fast reference points to the same token object; None where
                 the process list was not walked
    image_path   SeAuditProcessCreationInfo: the image's whole path as the object manager names it, by a walk NotAsked;
                 None where the kernel keeps none
    """

    process: Process
    details: Maybe[ProcessDetails]
    token: Maybe[Optional[Token]]
    threads: Tuple[Thread, ...] = ()
    tokens: Mapping[int, Maybe[Token]] = field(default_factory=dict)
    linked: Maybe[Optional[Token]] = None
    shared_with: Optional[Tuple[Process, ...]] = None
    cross_check: Optional[CrossCheck] = None
    problems: Tuple[str, ...] = ()
    image_path: Maybe[Optional[str]] = NotAsked(0)
