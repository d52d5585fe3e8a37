"""Access control lists: ``_ACL`` and the ACEs in it.

Layouts are fixed on every Windows build: [MS-DTYP] 2.4.5 (ACL), 2.4.4.1 (ACE_HEADER) and 2.4.4.2 to 2.4.4.17
(each ACE type); winnt.h adds the process trust label and access filter types. Memory under a debugger may hold
anything, so reading is bounded by ``AclSize`` and by the bytes given, and stops with a ``problem`` in words
instead of raising: what could be read before it is still worth seeing.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.frozen import dataclass
from kdtoken.model.sid import Sid

if TYPE_CHECKING:
    from uuid import UUID

ACL_HEADER_SIZE = 8
ACE_HEADER_SIZE = 4

# AclRevision (2, or 4 when it holds object ACEs), Sbz1, AclSize (bytes allocated, header and slack included), AceCount,
# Sbz2.  By `struct`: nearly every token has a DACL, and to import construct takes longer than the rest of a dump.
ACL_HEADER = struct.Struct("<BBHHH")
ACE_HEADER = struct.Struct("<BBH")  # AceType, AceFlags, AceSize (bytes of the whole ACE, header included)
# What stands between the header and the SID; behind the ObjectFlags the two GUIDs that they tell of.
MASK_FIELDS = struct.Struct("<I")  # Mask
OBJECT_FIELDS = struct.Struct("<II")  # Mask, ObjectFlags

# winnt.h *_ACE_TYPE, named without the ending.
ACE_TYPES: Dict[int, str] = {
    0x00: "ACCESS_ALLOWED",
    0x01: "ACCESS_DENIED",
    0x02: "SYSTEM_AUDIT",
    0x03: "SYSTEM_ALARM",
    0x04: "ACCESS_ALLOWED_COMPOUND",
    0x05: "ACCESS_ALLOWED_OBJECT",
    0x06: "ACCESS_DENIED_OBJECT",
    0x07: "SYSTEM_AUDIT_OBJECT",
    0x08: "SYSTEM_ALARM_OBJECT",
    0x09: "ACCESS_ALLOWED_CALLBACK",
    0x0A: "ACCESS_DENIED_CALLBACK",
    0x0B: "ACCESS_ALLOWED_CALLBACK_OBJECT",
    0x0C: "ACCESS_DENIED_CALLBACK_OBJECT",
    0x0D: "SYSTEM_AUDIT_CALLBACK",
    0x0E: "SYSTEM_ALARM_CALLBACK",
    0x0F: "SYSTEM_AUDIT_CALLBACK_OBJECT",
    0x10: "SYSTEM_ALARM_CALLBACK_OBJECT",
    0x11: "SYSTEM_MANDATORY_LABEL",
    0x12: "SYSTEM_RESOURCE_ATTRIBUTE",
    0x13: "SYSTEM_SCOPED_POLICY_ID",
    0x14: "SYSTEM_PROCESS_TRUST_LABEL",
    0x15: "SYSTEM_ACCESS_FILTER",
}
ACCESS_ALLOWED, ACCESS_DENIED = 0x00, 0x01
SYSTEM_MANDATORY_LABEL = 0x11
SYSTEM_RESOURCE_ATTRIBUTE = 0x12
SYSTEM_SCOPED_POLICY_ID = 0x13
SYSTEM_PROCESS_TRUST_LABEL = 0x14
SYSTEM_ACCESS_FILTER = 0x15
# What the types of a DACL do; the compound ACE is in neither, its body is not read.
ALLOW_TYPES = frozenset((0x00, 0x05, 0x09, 0x0B))
DENY_TYPES = frozenset((0x01, 0x06, 0x0A, 0x0C))
CALLBACK_TYPES = frozenset((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10))
OBJECT_TYPES = frozenset((0x05, 0x06, 0x07, 0x08, 0x0B, 0x0C, 0x0F, 0x10))
# The compound ACE never left Windows NT and has two SIDs; its body is kept as bytes.
OPAQUE_TYPES = frozenset((0x04,))

# winnt.h inherit and audit flags of ACE_HEADER.AceFlags. Bits 0x20 and 0x40 mean different things by type.
OBJECT_INHERIT, CONTAINER_INHERIT, NO_PROPAGATE_INHERIT, INHERIT_ONLY, INHERITED = 0x01, 0x02, 0x04, 0x08, 0x10
CRITICAL, TRUST_PROTECTED_FILTER, SUCCESSFUL_ACCESS, FAILED_ACCESS = 0x20, 0x40, 0x40, 0x80
_INHERIT_FLAGS = (
    (OBJECT_INHERIT, "OBJECT_INHERIT"),
    (CONTAINER_INHERIT, "CONTAINER_INHERIT"),
    (NO_PROPAGATE_INHERIT, "NO_PROPAGATE_INHERIT"),
    (INHERIT_ONLY, "INHERIT_ONLY"),
    (INHERITED, "INHERITED"),
)


@dataclass(frozen=True)
class Ace:
    """One ACE. ``raw`` is all of it; the other fields are what it says, None where its type has no such field.

    ``object_flags`` says which GUIDs an object ACE has (1 object type, 2 inherited object type).
    ``application_data`` is what follows the SID (a callback's condition, a resource attribute), or the whole body
    of a type that is not known. ``problem`` is empty unless the body could not be read to the end.
    """

    type: int
    flags: int
    raw: bytes
    mask: Optional[int] = None
    sid: Optional[Sid] = None
    object_flags: Optional[int] = None
    object_type: Optional[UUID] = None
    inherited_object_type: Optional[UUID] = None
    application_data: bytes = b""
    problem: str = ""

    @classmethod
    def parse(cls, raw: bytes) -> Ace:
        """The ACE that fills ``raw`` exactly; a header that does not say so is :class:`BadFormat`."""
        if len(raw) < ACE_HEADER_SIZE:
            raise BadFormat("an ACE needs 4 bytes for its header, only {} here".format(len(raw)), raw.hex())
        kind, flags, size = ACE_HEADER.unpack_from(raw)
        if size != len(raw):
            raise BadFormat("AceSize is {}, but the ACE has {} bytes".format(size, len(raw)), raw[:8].hex())
        body = raw[ACE_HEADER_SIZE:]
        if kind not in ACE_TYPES or kind in OPAQUE_TYPES:
            return cls(kind, flags, raw, application_data=body)
        is_object = kind in OBJECT_TYPES
        need = 4
        if is_object:
            # The GUIDs that follow depend on ObjectFlags, so that must be there before its bits are asked.
            present = body[4] & 3 if len(body) >= 8 else 0
            need = 8 + 16 * (present & 1) + 16 * (present >> 1)
        if len(body) < need:
            problem = "the body has {} bytes, {} are needed before the SID".format(len(body), need)
            return cls(kind, flags, raw, application_data=body, problem=problem)
        (mask,) = MASK_FIELDS.unpack_from(body)
        object_flags = first = second = None
        if is_object:
            object_flags, at = OBJECT_FIELDS.unpack_from(body)[1], OBJECT_FIELDS.size
            if object_flags & 1:
                first, at = _guid(body[at : at + 16]), at + 16
            if object_flags & 2:
                second = _guid(body[at : at + 16])
        rest = body[need:]
        try:
            sid = Sid.parse(rest)
        except BadFormat as error:
            return cls(kind, flags, raw, mask, None, object_flags, first, second, rest, error.message)
        return cls(kind, flags, raw, mask, sid, object_flags, first, second, rest[sid.size :])

    @classmethod
    def build(
        cls,
        type: int,
        mask: int,
        sid: Sid,
        flags: int = 0,
        object_type: Optional[UUID] = None,
        inherited_object_type: Optional[UUID] = None,
        application_data: bytes = b"",
    ) -> Ace:
        """An ACE made from its parts; the size is rounded up to 4 bytes, which [MS-DTYP] 2.4.4.1 asks for."""
        if type not in ACE_TYPES or type in OPAQUE_TYPES:
            raise BadFormat("no layout is known for this ACE type", type)
        if not 0 <= mask < 1 << 32 or not 0 <= flags < 1 << 8:
            raise BadFormat("an ACE has a mask of 32 bits and flags of 8", mask)
        if type in OBJECT_TYPES:
            guids = [guid for guid in (object_type, inherited_object_type) if guid is not None]
            present = (object_type is not None) + 2 * (inherited_object_type is not None)
            body = OBJECT_FIELDS.pack(mask, present) + b"".join(guid.bytes_le for guid in guids)
        else:
            body = MASK_FIELDS.pack(mask)
        body += sid.to_bytes() + application_data
        body += b"\0" * (-len(body) % 4)
        size = ACE_HEADER_SIZE + len(body)
        if size > 0xFFFF:
            raise BadFormat("the ACE would have {} bytes, more than AceSize can say".format(size))
        return cls.parse(ACE_HEADER.pack(type, flags, size) + body)

    @property
    def type_name(self) -> str:
        """The type's name in winnt.h without ``_ACE_TYPE``; an unknown one is ``ACE_TYPE_0x33``."""
        return ACE_TYPES.get(self.type, "ACE_TYPE_0x{:x}".format(self.type))

    @property
    def flag_words(self) -> Tuple[str, ...]:
        """Words for AceFlags; what 0x20 and 0x40 mean depends on the type, as in winnt.h."""
        words = [name for bit, name in _INHERIT_FLAGS if self.flags & bit]
        is_audit = self.type_name.startswith(("SYSTEM_AUDIT", "SYSTEM_ALARM"))
        rest = self.flags & 0xE0
        if rest & 0x20 and self.type_name.startswith("ACCESS_ALLOWED"):
            words.append("CRITICAL")
            rest &= ~0x20
        if rest & 0x40 and (is_audit or self.type == SYSTEM_ACCESS_FILTER):
            words.append("SUCCESSFUL_ACCESS" if is_audit else "TRUST_PROTECTED_FILTER")
            rest &= ~0x40
        if rest & 0x80 and is_audit:
            words.append("FAILED_ACCESS")
            rest &= ~0x80
        return tuple(words + (["0x{:x}".format(rest)] if rest else []))

    @property
    def size(self) -> int:
        """AceSize, in bytes."""
        return len(self.raw)

    def to_bytes(self) -> bytes:
        """The ACE's bytes, as they were read or built."""
        return self.raw


@dataclass(frozen=True)
class Acl:
    """``_ACL``: ``size`` is AclSize (bytes allocated), ``count`` AceCount as the header claims it.

    ``slack`` is what the allocation holds after the last ACE. ``problem`` is empty for a sound ACL; else it says
    what stopped the reading, and ``aces`` are those before it.
    """

    revision: int
    size: int
    count: int
    aces: Tuple[Ace, ...] = ()
    slack: bytes = b""
    problem: str = ""
    sbz1: int = 0
    sbz2: int = 0

    @property
    def is_partial(self) -> bool:
        """Whether reading stopped before the end, or an ACE's body could not be read: ``aces`` may not be all."""
        return bool(self.problem) or any(ace.problem for ace in self.aces)

    @classmethod
    def parse(cls, data: bytes, offset: int = 0) -> Acl:
        """The ACL at ``offset``; fewer than 8 bytes there is :class:`BadFormat`, anything later a ``problem``."""
        data = data[offset:] if offset >= 0 else b""
        if len(data) < ACL_HEADER_SIZE:
            raise BadFormat("an ACL needs 8 bytes for its header, only {} here".format(len(data)), data.hex())
        revision, sbz1, size, count, sbz2 = ACL_HEADER.unpack_from(data)
        problems: List[str] = []
        if not 2 <= revision <= 4:  # winnt.h MIN_ACL_REVISION, MAX_ACL_REVISION
            problems.append("AclRevision is {}, not 2 to 4".format(revision))
        if size < ACL_HEADER_SIZE:
            problems.append("AclSize is {}, less than the header".format(size))
        elif size > len(data):
            problems.append("AclSize is {}, only {} bytes here".format(size, len(data)))
        end = max(ACL_HEADER_SIZE, min(size, len(data)))
        aces: List[Ace] = []
        at = ACL_HEADER_SIZE
        for index in range(count):
            problem = ace_problem(data, at, end)
            if problem:
                problems.append("ACE {} of {} at offset 0x{:x}: {}".format(index, count, at, problem))
                break
            ace_size = int.from_bytes(data[at + 2 : at + 4], "little")
            aces.append(Ace.parse(data[at : at + ace_size]))
            at += ace_size
        return cls(
            revision,
            size,
            count,
            tuple(aces),
            data[at:end],
            "; ".join(problems),
            sbz1,
            sbz2,
        )

    @classmethod
    def build(cls, aces: Tuple[Ace, ...], revision: Optional[int] = None, slack: bytes = b"") -> Acl:
        """A sound ACL of these ACEs; the revision is 4 if any is an object ACE and 2 otherwise."""
        if revision is None:
            revision = 4 if any(ace.type in OBJECT_TYPES for ace in aces) else 2
        size = ACL_HEADER_SIZE + sum(ace.size for ace in aces) + len(slack)
        if size > 0xFFFF:
            raise BadFormat("the ACL would have {} bytes, more than AclSize can say".format(size))
        return cls(revision, size, len(aces), tuple(aces), slack)

    def to_bytes(self) -> bytes:
        """Header, ACEs, slack: the bytes that were read, up to AclSize or as far as there were any."""
        header = ACL_HEADER.pack(self.revision, self.sbz1, self.size, self.count, self.sbz2)
        return header + b"".join(ace.raw for ace in self.aces) + self.slack


def acl_length(header: bytes) -> int:
    """Bytes an ACL takes (AclSize), from its first 8 bytes; a size below the header's 8 is :class:`BadFormat`."""
    if len(header) < ACL_HEADER_SIZE:
        raise BadFormat("an ACL needs 8 bytes for its header, only {} here".format(len(header)), header.hex())
    size = int.from_bytes(header[2:4], "little")
    if size < ACL_HEADER_SIZE:
        raise BadFormat("not an ACL: AclSize (byte 2) is {}, at least 8".format(size), header[:8].hex())
    return size


def ace_problem(data: bytes, at: int, end: int) -> str:
    """What keeps an ACE from starting at ``at`` of ``data``, which the ACL lets reach to ``end``; empty if nothing."""
    if end - at < ACE_HEADER_SIZE:
        return "no room for its header"
    size = int.from_bytes(data[at + 2 : at + 4], "little")
    if size < ACE_HEADER_SIZE:
        return "AceSize is {}, less than the header".format(size)
    if size > end - at:
        return "AceSize is {}, only {} bytes are left".format(size, end - at)
    return ""


def _guid(data: bytes) -> UUID:
    from uuid import UUID  # brings subprocess and more along, for ACEs that hardly a token has

    return UUID(bytes_le=data)
