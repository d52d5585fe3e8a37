"""Privileges: three 64-bit masks of the token.

Their numbers are documented (model.privilege); the kernel's own variables that hold them (nt!SeDebugPrivilege ...) are
not asked, since who can write there could have one privilege shown as another.
"""

from __future__ import annotations

import struct
from typing import Mapping, Tuple

from kdtoken.decode.structure import Structure, unreadable
from kdtoken.errors import MemoryUnreadable
from kdtoken.model.absent import Maybe, Missing, Unreadable
from kdtoken.model.privilege import Privilege, privilege_with, privileges_of
from kdtoken.source.base import Source

_ELEMENT = struct.Struct("<QI")
_MOST_LISTED = 256  # there are 36 of them


def read_privileges(s: Structure, names: Mapping[int, str]) -> Maybe[Tuple[Privilege, ...]]:
    """`_TOKEN.Privileges`: three masks (`_SEP_TOKEN_PRIVILEGES`), before Vista a pointer to an array."""
    if s.has("PrivilegeCount") and not s.has("Privileges.Present"):
        return _listed(s, names)
    masks = []
    for path in ("Privileges.Present", "Privileges.Enabled", "Privileges.EnabledByDefault"):
        mask = s.uint(path)
        if isinstance(mask, Missing):
            return mask
        masks.append(mask)
    if s.noting:
        s.note("Privileges", s.address_of("Privileges.Present"), b"".join(mask.to_bytes(8, "little") for mask in masks))
    present, enabled, default = masks
    return of_masks(s.target, names, present, enabled, default)


def of_masks(
    target: Source, names: Mapping[int, str], present: int, enabled: int, default: int
) -> Tuple[Privilege, ...]:
    """The privileges of three masks; one tuple for all tokens of a target that have these."""
    memo = target.memo
    if memo is None:
        return privileges_of(present, enabled, default, names)
    # The tokens of a machine have few different sets; one run has one table of names.
    known = memo.setdefault(("privileges",), {})
    key = present, enabled, default, id(names)
    if key not in known:
        known[key] = privileges_of(present, enabled, default, names), names  # kept, so that no other gets its id
    privileges: Tuple[Privilege, ...] = known[key][0]
    return privileges


def _listed(s: Structure, names: Mapping[int, str]) -> Maybe[Tuple[Privilege, ...]]:
    """XP and Server 2003: PrivilegeCount elements of LUID_AND_ATTRIBUTES, in the token's own allocation.

    The element is winnt.h's, packed to 4 bytes and the same in every build: {LUID Luid; DWORD Attributes;}.
    """
    count, address = s.uint("PrivilegeCount"), s.uint("Privileges")
    if isinstance(count, Missing):
        return count
    if isinstance(address, Missing):
        return address
    if count > _MOST_LISTED:
        return Unreadable(address, "a count of %d (0x%x) privileges is not believable" % (count, count))
    if count == 0:
        return ()
    if address == 0:
        return Unreadable(address, "the array pointer is null, but its count is %d" % count)
    try:
        data = s.target.read(address, _ELEMENT.size * count)
    except MemoryUnreadable as error:
        return unreadable(error)
    s.note("Privileges", address, data)
    found = [privilege_with(number, attributes, names) for number, attributes in _ELEMENT.iter_unpack(data)]
    return tuple(sorted(found, key=lambda one: one.number))
