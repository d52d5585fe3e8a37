"""Threads of a process, and the token that each runs under: `_ETHREAD.ClientSecurity`."""

from __future__ import annotations

from typing import List, Optional, Tuple

from kdtoken.decode.lists import walk_list
from kdtoken.decode.object_header import THREAD_TYPE, is_object_of
from kdtoken.decode.structure import Structure, read_members
from kdtoken.model.absent import Absent, Maybe, Missing
from kdtoken.model.process import Impersonation, Thread
from kdtoken.source.base import Source

TYPE = "_ETHREAD"
_LINK = "ThreadListEntry"
_CLIENT = "ClientSecurity"
_WALK = (
    "Cid.UniqueProcess",
    "Cid.UniqueThread",
    _LINK,
    "ImpersonationInfo",
    "ClientSecurity.ImpersonationData",
    "ActiveImpersonationInfo",
)


def walk_threads(target: Source, list_head: int) -> Tuple[List[Thread], List[str]]:
    """The threads of `_EPROCESS.ThreadListHead` at `list_head`, one request each."""

    if target.kept_threads is not None:
        kept = [_thread(read_members(target, TYPE, address, _WALK)) for address in target.kept_threads]
        return kept, ["a triage dump has no list of threads: this is the one that ran at the crash"]

    def read(address: int) -> Tuple[Structure, Thread]:
        s = read_members(target, TYPE, address, _WALK)
        return s, _thread(s)

    def is_thread(address: int) -> Maybe[bool]:
        return is_object_of(target, address, THREAD_TYPE)

    return walk_list(target, list_head, TYPE, _LINK, read, is_thread)


def _thread(s: Structure) -> Thread:
    problems: List[str] = []
    if s.has(_CLIENT):
        impersonation = _packed(s, problems)
    elif s.has("ImpersonationInfo"):
        impersonation = _pointed(s)
    else:
        impersonation = Absent("%s.%s" % (TYPE, _CLIENT))
    return Thread(s.address, s.uint("Cid.UniqueProcess"), s.uint("Cid.UniqueThread"), impersonation, tuple(problems))


def _packed(s: Structure, problems: List[str]) -> Maybe[Optional[Impersonation]]:
    """Windows Vista and later: token pointer, level and EffectiveOnly in one word.

    The layout tells which bits are which; what is left of the word is the pointer.  The word
    counts only while the ActiveImpersonationInfo bit of CrossThreadFlags is set; a word left
    behind from an impersonation that ended is no token of the thread.
    """
    active = s.uint("ActiveImpersonationInfo")
    if isinstance(active, Missing):
        return active
    word = s.uint(_CLIENT + ".ImpersonationData")
    level = s.uint(_CLIENT + ".ImpersonationLevel")
    only = s.uint(_CLIENT + ".EffectiveOnly")
    if isinstance(word, Missing):
        return word
    if not isinstance(level, int) or not isinstance(only, int):
        return Absent("%s.%s bit-fields" % (TYPE, _CLIENT))
    mask = 0
    layout = s.target.layout("_PS_CLIENT_SECURITY_CONTEXT")
    for name in ("ImpersonationLevel", "EffectiveOnly"):
        bits = layout.field(name).bits
        if bits is not None:
            mask |= ((1 << bits[1]) - 1) << bits[0]
    token = word & ~mask
    if active == 0:
        return None
    if token == 0:
        problems.append("ActiveImpersonationInfo is set, but ClientSecurity holds no token")
        return None
    return Impersonation(token, level, bool(only))


def _pointed(s: Structure) -> Maybe[Optional[Impersonation]]:
    """Windows XP and Server 2003: a pointer to a _PS_IMPERSONATION_INFORMATION of its own."""
    active = s.uint("ActiveImpersonationInfo")
    pointer = s.uint("ImpersonationInfo")
    for value in (active, pointer):
        if isinstance(value, Missing):
            return value
    assert isinstance(pointer, int)
    if pointer == 0 or active == 0:
        return None
    info = read_members(
        s.target,
        "_PS_IMPERSONATION_INFORMATION",
        pointer,
        ["Token", "EffectiveOnly", "ImpersonationLevel"],
    )
    token, only, level = info.uint("Token"), info.uint("EffectiveOnly"), info.uint("ImpersonationLevel")
    for value in (token, only, level):
        if isinstance(value, Missing):
            return value
    assert isinstance(token, int) and isinstance(level, int)
    return Impersonation(token, level, bool(only)) if token else None
