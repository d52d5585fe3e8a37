"""Logon sessions: `_SEP_LOGON_SESSION_REFERENCES`, and the way to a token's linked twin."""

from __future__ import annotations

from typing import Dict, List, Optional, Set, Tuple

from kdtoken.decode.object_header import unicode_string
from kdtoken.decode.structure import Structure, lacking, read_structure
from kdtoken.decode.variables import together
from kdtoken.errors import LookupFailed, MemoryUnreadable
from kdtoken.layout.layout import pointer_size
from kdtoken.model.absent import Maybe, Missing, Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.token import LogonSession
from kdtoken.source.base import Source

TYPE = "_SEP_LOGON_SESSION_REFERENCES"

# nt!SepLogonSessions points to a table of 16 chains; LogonId.LowPart's low four bits choose the
# chain.  Public: worked through step by step in kernel debugger sessions that show the linked
# token of a filtered explorer.exe (2018); the bench's machine is laid out the same way.
_CHAIN_BITS = 0xF
_CHAIN_LIMIT = 4096


def read_logon_session(target: Source, address: Maybe[int], pair: bool = False) -> Maybe[Optional[LogonSession]]:
    """The logon session at `address`; None for a null pointer.

    pair  the other half of its UAC pair is asked next: fetch the names of both in one request, where they lie near
    """
    if isinstance(address, Missing):
        return address
    if address == 0:
        return None
    memo = target.memo  # the tokens of a session share it
    known: Dict[int, Maybe[Optional[LogonSession]]] = {} if memo is None else memo.setdefault(("logon sessions",), {})
    if address not in known:
        if pair and memo is not None:
            _fetch_names(target, address)
        known[address] = _read(target, address)
    return known[address]


def _fetch_names(target: Source, address: int) -> None:
    """The texts of a session's names, and of those of its buddy's, for a target that remembers."""
    try:
        s = read_structure(target, TYPE, address, origins=False)
        halves, buddy = [s], s.luid("BuddyLogonId")
        other = _find(target, buddy) if isinstance(buddy, Luid) and buddy.value else None
    except LookupFailed:
        return
    if isinstance(other, Structure):
        halves.append(other)
    places: List[Optional[Tuple[int, int]]] = []
    for half in halves:
        for name in ("AccountName", "AuthorityName"):
            at, size = half.uint(name + ".Buffer"), half.uint(name + ".Length")
            if isinstance(at, int) and isinstance(size, int) and at and size:
                places.append((at, at + size))
    for start, end in together(places):
        try:
            target.read_just(start, end - start)
        except MemoryUnreadable:
            pass  # each is read by itself then, and tells what is wrong


def _read(target: Source, address: int) -> Maybe[Optional[LogonSession]]:
    try:
        s = read_structure(target, TYPE, address, origins=False)
    except LookupFailed as error:
        return lacking(error, address)
    logon_id = s.luid("LogonId")
    if isinstance(logon_id, Unreadable):
        return logon_id
    return LogonSession(
        address=address,
        logon_id=logon_id,
        buddy_logon_id=s.luid("BuddyLogonId"),
        reference_count=s.uint("ReferenceCount"),
        flags=s.uint("Flags"),
        token=s.uint("Token"),
        account_name=unicode_string(target, s, "AccountName"),
        authority_name=unicode_string(target, s, "AuthorityName"),
        sibling_auth_id=s.luid("SiblingAuthId"),
    )


def find_logon_session(target: Source, logon_id: Luid) -> Maybe[Optional[LogonSession]]:
    """Look a logon session up in the kernel's table; None where the table has none of that id."""
    found = _find(target, logon_id)
    return read_logon_session(target, found.address) if isinstance(found, Structure) else found


def _find(target: Source, logon_id: Luid) -> Maybe[Optional[Structure]]:
    chain = logon_id.low & _CHAIN_BITS
    heads = _heads(target, chain, 1)
    if isinstance(heads, Missing):
        return heads
    (entry,) = heads
    seen: Set[int] = set()
    while isinstance(entry, int) and entry and entry not in seen and len(seen) < _CHAIN_LIMIT:
        seen.add(entry)
        s = read_structure(target, TYPE, entry)
        here = s.luid("LogonId")
        if here == logon_id:
            return s
        if isinstance(here, Missing):
            return here  # this may have been the one
        entry = s.uint("Next")
    if isinstance(entry, Missing):
        return entry
    if entry:
        return Unreadable(entry, "the chain of logon sessions runs in a circle")
    return None


def all_logon_sessions(target: Source, problems: List[str]) -> Maybe[Tuple[LogonSession, ...]]:
    """Every logon session of the kernel's table, by LUID; what breaks a chain is added to `problems`."""
    heads = _heads(target, 0, _CHAIN_BITS + 1)
    if isinstance(heads, Missing):
        return heads
    found: List[LogonSession] = []
    seen: Set[int] = set()
    for chain, entry in enumerate(heads):
        while isinstance(entry, int) and entry:
            if entry in seen or len(seen) > _CHAIN_LIMIT:
                problems.append("chain %d of the logon sessions runs in a circle at 0x%x" % (chain, entry))
                break
            seen.add(entry)
            session = read_logon_session(target, entry)
            if isinstance(session, LogonSession):
                found.append(session)
            entry = read_structure(target, TYPE, entry).uint("Next")
        if isinstance(entry, Unreadable):
            problems.append("chain %d of the logon sessions is cut: %s" % (chain, entry))
    return tuple(sorted(found, key=lambda one: one.logon_id.value if isinstance(one.logon_id, Luid) else 0))


def _heads(target: Source, first: int, count: int) -> Maybe[List[Maybe[int]]]:
    """Where that many chains of the kernel's table begin, from chain `first` on; 0 for an empty one."""
    try:
        width = pointer_size(target.layout(TYPE).field("Next").type) or 0
        table = target.symbol("SepLogonSessions")
    except LookupFailed as error:
        return lacking(error)
    try:
        at = int.from_bytes(target.read(table, width), "little")
        data = target.read_just(at + first * width, count * width)
    except MemoryUnreadable as error:
        return Unreadable(error.address, error.reason)
    return [int.from_bytes(data[place : place + width], "little") for place in range(0, len(data), width)]
