"""The full path of a process's image, as the kernel keeps it for its audit of process creation.

`_EPROCESS.SeAuditProcessCreationInfo.ImageFileName` points to an `_OBJECT_NAME_INFORMATION` {UNICODE_STRING Name}, what
SeLocateProcessImageName of wdm.h hands out a copy of: the path in the object manager's namespace, not cut to 15 bytes.
"""

from __future__ import annotations

from typing import Optional, Tuple

from kdtoken.decode.object_header import unicode_string
from kdtoken.decode.structure import place_of, read_members, read_structure
from kdtoken.errors import LookupFailed
from kdtoken.model.absent import Absent, Maybe, Missing, NotAsked
from kdtoken.source.base import Source

TYPE = "_EPROCESS"
POINTER = "SeAuditProcessCreationInfo.ImageFileName"
_NAME = "_OBJECT_NAME_INFORMATION"
_BEHIND = 240  # the text lies right behind the struct in one block of memory: most paths are shorter than 120 letters


def pointer_path(target: Source) -> Tuple[str, ...]:
    """The member that leads to it, to be read with others of `_EPROCESS`; none where the types are not all there."""
    memo, key = target.memo, ("image path", TYPE)
    if memo is None or key not in memo:
        try:
            target.layout(_NAME)
            found: Tuple[str, ...] = (POINTER,) if place_of(target, target.layout(TYPE), POINTER) is not None else ()
        except LookupFailed:
            found = ()
        if memo is None:
            return found
        memo[key] = found
    known: Tuple[str, ...] = memo[key]
    return known


def image_path(target: Source, process: int) -> Maybe[Optional[str]]:
    r"""`\Device\HarddiskVolume3\Windows\System32\notepad.exe` of the process whose `_EPROCESS` is there, in one request.

    None where the kernel keeps none (its own processes), Absent where this build has no such member, NotAsked where the
    types that lead there are not known, as in recordings that were made before this was asked.
    """
    if not pointer_path(target):
        here = target.layout(TYPE).has(POINTER.partition(".")[0])
        return NotAsked(process) if here else Absent("%s.%s" % (TYPE, POINTER))
    pointer = read_members(target, TYPE, process, [POINTER]).uint(POINTER)
    if isinstance(pointer, Missing):
        return pointer
    if not pointer:
        return None
    return unicode_string(target, read_structure(target, _NAME, pointer, after=_BEHIND), "Name") or None
