"""Processes: the list at nt!PsActiveProcessHead, and the one at an address."""

from __future__ import annotations

import re
from typing import Callable, List, Mapping, Optional, Tuple, TypeVar

from kdtoken.decode.fast_ref import fast_ref, fast_ref_mask
from kdtoken.decode.image_path import pointer_path
from kdtoken.decode.lists import walk_list
from kdtoken.decode.object_header import PROCESS_TYPE, is_object_of, type_name
from kdtoken.decode.structure import Structure, pointer_width, read_members
from kdtoken.decode.unnamed import raw_member, unnamed_members
from kdtoken.decode.variables import fetch_variables
from kdtoken.errors import LookupFailed, ProcessNotFound
from kdtoken.frozen import replace
from kdtoken.model.absent import Absent, Maybe, Missing, Unreadable
from kdtoken.model.process import Process, ProcessDetails
from kdtoken.model.token import Origin, RawMember
from kdtoken.source.base import Source, read_span

TYPE = "_EPROCESS"
_LINK = "ActiveProcessLinks"
_REQUIRED = ("UniqueProcessId", _LINK, "ImageFileName", "Token")
_WALK = _REQUIRED + ("InheritedFromUniqueProcessId",)
_DETAILS = (
    "CreateTime",
    "ExitTime",
    "Protection.Level",
    "ActiveThreads",
    "ThreadListHead",
    "Session",
    "PrimaryTokenFrozen",
)
_SESSION = "_MM_SESSION_SPACE"  # what Session points to where its type does not say so
_NAMED_SESSION = re.compile(r"Ptr(?:32|64) (_\w+)$")


_ONLY_KEPT = "a triage dump has no list of processes: this is the one that ran at the crash"


# Members with these words in their names have to do with tokens...
_OF_TOKENS = re.compile("Token|Impersonat|Security|Privilege|Integrity|LowBox|AppContainer")
# ... and of those these are known: Token is decoded; PrimaryTokenFrozen says that no call may replace it any more;
# SecurityPort is the LSA's; the security domains keep speculative execution apart and have nothing to do with tokens;
# EnableProcessImpersonationLogging (24H2) asks for events, as its neighbours of other calls do.
_KNOWN_OF_TOKENS = frozenset(
    (
        "Token",
        "PrimaryTokenFrozen",
        "SecurityPort",
        "SecurityDomain",
        "ParentSecurityDomain",
        "SecurityDomainChanged",
        "SecurityFreezeComplete",
        "EnableProcessImpersonationLogging",
    )
)


def members_shown(target: Source) -> Tuple[str, ...]:
    """The members of `_EPROCESS` that a dump of one process takes."""
    return _WALK + _DETAILS + pointer_path(target)


def walk_processes(target: Source, details: bool = False) -> Tuple[List[Process], List[str]]:
    """All processes of nt!PsActiveProcessHead, one request each, and what was wrong with the list.

    details  process_details of each will be asked next: fetch its members in the same request
    Raises SymbolNotFound, TypeNotFound or FieldNotFound when the symbols cannot describe it.
    """
    return _walk(target, _WALK + _DETAILS if details else _WALK, lambda s: _process(target, s), lambda one: one)


def walk_with_details(target: Source) -> Tuple[List[Tuple[Process, ProcessDetails]], List[str]]:
    """The same, with the `process_details` of each out of the same request; no origins."""

    def both(s: Structure) -> Tuple[Process, ProcessDetails]:
        return _process(target, s), _details(target, s)

    return _walk(target, _WALK + _DETAILS, both, lambda one: (one, process_details(target, one, origins=False)))


T = TypeVar("T")


def _walk(
    target: Source, paths: Tuple[str, ...], made: Callable[[Structure], T], kept: Callable[[Process], T]
) -> Tuple[List[T], List[str]]:
    """What is made of each process's members; of one that a triage dump kept, of the process."""
    layout = target.layout(TYPE)
    for name in _REQUIRED:
        layout.field(name)
    fast_ref_mask(target)
    if target.kept_processes is not None:
        return [kept(process_at(target, address)) for address in target.kept_processes], [_ONLY_KEPT]
    fetch_variables(target)

    def read(address: int) -> Tuple[Structure, T]:
        s = read_members(target, TYPE, address, paths, origins=False)
        return s, made(s)

    def is_process(address: int) -> Maybe[bool]:
        return is_object_of(target, address, PROCESS_TYPE)

    return walk_list(target, target.symbol("PsActiveProcessHead"), TYPE, _LINK, read, is_process)


def process_at(target: Source, address: int) -> Process:
    """The process whose EPROCESS is at `address`.

    Raises ProcessNotFound when nothing can be read there or the object header says otherwise.
    """
    try:
        verdict = is_object_of(target, address, PROCESS_TYPE)
    except LookupFailed:
        verdict = Unreadable(address, "symbols missing")
    if verdict is False:
        kind = type_name(target, address)
        raise ProcessNotFound(
            "0x%x is not a process: its object header says %s" % (address, kind or "something else"),
            address,
            "kdtoken walk lists all processes",
        )
    return process_of(target, address)


def process_of(target: Source, address: int) -> Process:
    """As process_at, of what is known to be one."""
    s = read_members(target, TYPE, address, _WALK)
    if isinstance(s.uint("UniqueProcessId"), Unreadable):
        raise ProcessNotFound(
            "0x%x cannot be read, so no process can be shown from there" % address,
            address,
            "kdtoken walk lists all processes",
        )
    return _process(target, s)


def read_protection(target: Source, address: int) -> Maybe[int]:
    """_PS_PROTECTION.Level (UCHAR) of the process whose EPROCESS lies at `address`.

    Read with all else that a dump wants of the process, so that the two are one request.
    """
    paths = _DETAILS + pointer_path(target)
    return read_members(target, TYPE, address, paths, False).uint("Protection.Level")


def process_details(target: Source, process: Process, origins: bool = True) -> ProcessDetails:
    """Times, protection and threads of one process, in one more request.

    origins  keep where each was read, and read members that have to do with tokens and have no name here
    """
    # Where the path of its image lies is wanted next, and comes in the same request.
    s = read_members(target, TYPE, process.address, _DETAILS + (pointer_path(target) if origins else ()), origins)
    made = _details(target, s)
    return replace(made, origins=s.origins, unnamed=_unnamed(target, process)) if origins else made


_NOWHERE: Mapping[str, Origin] = {}  # one for all processes of which it is not kept


def _details(target: Source, s: Structure) -> ProcessDetails:
    return ProcessDetails(
        create_time=s.sint("CreateTime"),
        exit_time=s.sint("ExitTime"),
        protection=s.uint("Protection.Level"),
        active_threads=s.uint("ActiveThreads"),
        thread_list_head=s.address_of("ThreadListHead"),
        session_id=_session_id(target, s.uint("Session")),
        token_frozen=s.uint("PrimaryTokenFrozen"),
        origins=_NOWHERE,
    )


def _unnamed(target: Source, process: Process) -> Tuple[RawMember, ...]:
    layout = target.layout(TYPE)
    found = unnamed_members(target, layout, _KNOWN_OF_TOKENS, lambda name: bool(_OF_TOKENS.search(name)))
    if not found:
        return ()
    first, end = min(one.offset for one in found), max(one.offset + one.size for one in found)
    s = Structure(target, TYPE, process.address, read_span(target, process.address + first, end - first))
    return tuple(raw_member(s, one) for one in found)


def _session_id(target: Source, space: Maybe[int]) -> Maybe[Optional[int]]:
    """The number of the session whose `_MM_SESSION_SPACE` that is; each is asked for once.

    Windows 11 24H2 has a _PSP_SESSION_SPACE in its place, which public symbols name and do not describe (Volatility 3's
    get_session_id says the same): Absent, as for whatever else these do not tell.
    """
    if isinstance(space, Missing):
        return space
    if not space:
        return None
    # A space that cannot be read is not tried again for each of its processes.
    memo, key = target.memo, (_SESSION, hex(space))
    if memo is not None and key in memo:
        known: Maybe[Optional[int]] = memo[key]
        return known
    named = _NAMED_SESSION.match(target.layout(TYPE).field("Session").type)
    kind = named[1] if named else _SESSION
    try:
        found: Maybe[Optional[int]] = read_members(target, kind, space, ["SessionId"]).uint("SessionId")
    except LookupFailed as error:  # also of a recording that never asked for it
        found = Unreadable(space, error.message) if kind == _SESSION else Absent("%s.SessionId" % kind)
    if memo is not None:
        memo[key] = found
    return found


def pointer_bytes(target: Source) -> int:
    """4 or 8: how wide this target's addresses are."""
    return pointer_width(target)


def _process(target: Source, s: Structure) -> Process:
    pid = s.uint("UniqueProcessId")
    parent = s.uint("InheritedFromUniqueProcessId")
    value = s.uint("Token.Value" if s.has("Token.Value") else "Token")
    return Process(
        address=s.address,
        pid=pid if isinstance(pid, int) else -1,
        image_name=s.text("ImageFileName"),
        token=fast_ref(target, value),
        parent_pid=parent,
    )
