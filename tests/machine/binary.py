"""Builders for the formats that never move: SID, ACL, and the hash that tokens keep of their SIDs.

Kept apart from kdtoken.model on purpose: a test that builds and decodes with one piece of code
proves nothing.  What was made is remembered: hundreds of machines are made of the same few SIDs.
"""

import struct
from functools import lru_cache
from typing import Sequence, Tuple

from tests.machine.spec import AceSpec


@lru_cache(maxsize=4096)
def sid_bytes(text: str) -> bytes:
    """Binary SID of "S-1-5-18" ([MS-DTYP] 2.4.2.2)."""
    parts = text.split("-")
    numbers = [int(part) for part in parts[3:]]
    head = struct.pack("<BB", int(parts[1]), len(numbers)) + int(parts[2]).to_bytes(6, "big")
    return head + struct.pack("<%dI" % len(numbers), *numbers)


def acl_bytes(aces: Sequence[AceSpec]) -> bytes:
    """Binary ACL, revision 2 ([MS-DTYP] 2.4.5)."""
    return _acl_bytes(tuple(aces))


@lru_cache(maxsize=4096)
def _acl_bytes(aces: Tuple[AceSpec, ...]) -> bytes:
    body = b""
    for ace in aces:
        sid = sid_bytes(ace.sid)
        body += struct.pack("<BBHI", ace.kind, ace.flags, 8 + len(sid), ace.mask) + sid
    return struct.pack("<BBHHH", 2, 0, 8 + len(body), len(aces), 0) + body


def sid_hash(sids: Sequence[str]) -> Tuple[int, ...]:
    """The 32 words of `_SID_AND_ATTRIBUTES_HASH.Hash` for a list of SIDs.

    Bit i of a word stands for SID i, of which only the first 64 count.  The low byte of the last
    sub-authority picks two words: its low half one of 0-15, its high half one of 16-31.  As Wine's
    ntdll documents it by its RtlSidHashInitialize (dlls/ntdll/sec.c).
    """
    return _sid_hash(tuple(sids))


@lru_cache(maxsize=4096)
def _sid_hash(sids: Tuple[str, ...]) -> Tuple[int, ...]:
    words = [0] * 32
    for index, text in enumerate(sids[:64]):
        low = int(text.rsplit("-", 1)[1]) & 0xFF
        words[low & 0xF] |= 1 << index
        words[16 + (low >> 4)] |= 1 << index
    return tuple(words)


def sids_array(at: int, groups: Sequence[Tuple[str, int]], pointer_size: int = 8) -> bytes:
    """A `_SID_AND_ATTRIBUTES` array for address `at`, and its SIDs right behind it.

    A token's variable part has this form (seen in `dt`: the first Sid points to the array's end).
    """
    return _sids_array(at, tuple(groups), pointer_size)


@lru_cache(maxsize=4096)
def _sids_array(at: int, groups: Tuple[Tuple[str, int], ...], pointer_size: int) -> bytes:
    entry = 2 * pointer_size
    next_sid = at + entry * len(groups)
    array, tail = b"", b""
    for text, attributes in groups:
        array += next_sid.to_bytes(pointer_size, "little")
        array += attributes.to_bytes(pointer_size, "little")
        sid = sid_bytes(text)
        next_sid += len(sid)
        tail += sid
    return array + tail + bytes(-len(array + tail) % 8)
