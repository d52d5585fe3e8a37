"""Access control lists: ``_ACL`` and the ACEs in it.

Layouts are fixed on every Windows build: [MS-DTYP] 2.4.5 (ACL), 2.4.4.1 (ACE_HEADER) and 2.4.4.2 to 2.4.4.17
(each ACE type); winnt.h adds the process trust label and access filter types. Memory under a debugger may hold
anything, so reading is bounded by ``AclSize`` and by the bytes given, and stops with a ``problem`` in words
instead of raising: what could be read before it is still worth seeing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from construct import Bytes, If, Int8ul, Int16ul, Int32ul, Struct, this  # type: ignore[import-untyped]

from kdtoken.errors import BadFormat
from kdtoken.model.sid import Sid

if TYPE_CHECKING:
    from uuid import UUID

ACL_HEADER_SIZE = 8
ACE_HEADER_SIZE = 4

ACL_HEADER = Struct(
    "revision" / Int8ul,  # AclRevision: 2, or 4 when it holds object ACEs
    "sbz1" / Int8ul,
    "size" / Int16ul,  # AclSize: bytes allocated, header and slack included
    "count" / Int16ul,  # AceCount
    "sbz2" / Int16ul,
)

ACE_HEADER = Struct(
    "type" / Int8ul,
    "flags" / Int8ul,
    "size" / Int16ul,  # AceSize: bytes of the whole ACE, header included
)

# What stands between the header and the SID.
MASK_FIELDS = Struct("mask" / Int32ul)
OBJECT_FIELDS = Struct(
    "mask" / Int32ul,
    "object_flags" / Int32ul,
    "object_type" / If(this.object_flags & 1, Bytes(16)),
    "inherited_object_type" / If(this.object_flags & 2, Bytes(16)),
)

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
    object_type: Optional["UUID"] = None
    inherited_object_type: Optional["UUID"] = None
    application_data: bytes = b""
    problem: str = ""

    @classmethod
    def parse(cls, raw: bytes) -> "Ace":
        """The ACE that fills ``raw`` exactly; a header that does not say so is :class:`BadFormat`."""
        if len(raw) < ACE_HEADER_SIZE:
            raise BadFormat("an ACE needs 4 bytes for its header, only {} here".format(len(raw)), raw.hex())
        header = ACE_HEADER.parse(raw)
        if header.size != len(raw):
            raise BadFormat("AceSize is {}, but the ACE has {} bytes".format(header.size, len(raw)), raw[:8].hex())
        kind, flags, body = int(header.type), int(header.flags), raw[ACE_HEADER_SIZE:]
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
        fields = (OBJECT_FIELDS if is_object else MASK_FIELDS).parse(body)
        object_flags = int(fields.object_flags) if is_object else None
        first = _guid(fields.object_type) if is_object else None
        second = _guid(fields.inherited_object_type) if is_object else None
        rest = body[need:]
        try:
            sid = Sid.parse(rest)
        except BadFormat as error:
            return cls(kind, flags, raw, int(fields.mask), None, object_flags, first, second, rest, error.message)
        return cls(kind, flags, raw, int(fields.mask), sid, object_flags, first, second, rest[sid.size :])

    @classmethod
    def build(
        cls,
        type: int,
        mask: int,
        sid: Sid,
        flags: int = 0,
        object_type: Optional["UUID"] = None,
        inherited_object_type: Optional["UUID"] = None,
        application_data: bytes = b"",
    ) -> "Ace":
        """An ACE made from its parts; the size is rounded up to 4 bytes, which [MS-DTYP] 2.4.4.1 asks for."""
        if type not in ACE_TYPES or type in OPAQUE_TYPES:
            raise BadFormat("no layout is known for this ACE type", type)
        if not 0 <= mask < 1 << 32 or not 0 <= flags < 1 << 8:
            raise BadFormat("an ACE has a mask of 32 bits and flags of 8", mask)
        if type in OBJECT_TYPES:
            body = OBJECT_FIELDS.build(
                {
                    "mask": mask,
                    "object_flags": (object_type is not None) + 2 * (inherited_object_type is not None),
                    "object_type": object_type and object_type.bytes_le,
                    "inherited_object_type": inherited_object_type and inherited_object_type.bytes_le,
                }
            )
        else:
            body = MASK_FIELDS.build({"mask": mask})
        body += sid.to_bytes() + application_data
        body += b"\0" * (-len(body) % 4)
        size = ACE_HEADER_SIZE + len(body)
        if size > 0xFFFF:
            raise BadFormat("the ACE would have {} bytes, more than AceSize can say".format(size))
        return cls.parse(ACE_HEADER.build({"type": type, "flags": flags, "size": size}) + body)

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
    def parse(cls, data: bytes, offset: int = 0) -> "Acl":
        """The ACL at ``offset``; fewer than 8 bytes there is :class:`BadFormat`, anything later a ``problem``."""
        data = data[offset:] if offset >= 0 else b""
        if len(data) < ACL_HEADER_SIZE:
            raise BadFormat("an ACL needs 8 bytes for its header, only {} here".format(len(data)), data.hex())
        header = ACL_HEADER.parse(data)
        size, count = int(header.size), int(header.count)
        problems: List[str] = []
        if not 2 <= header.revision <= 4:  # winnt.h MIN_ACL_REVISION, MAX_ACL_REVISION
            problems.append("AclRevision is {}, not 2 to 4".format(header.revision))
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
            int(header.revision),
            size,
            count,
            tuple(aces),
            data[at:end],
            "; ".join(problems),
            int(header.sbz1),
            int(header.sbz2),
        )

    @classmethod
    def build(cls, aces: Tuple[Ace, ...], revision: Optional[int] = None, slack: bytes = b"") -> "Acl":
        """A sound ACL of these ACEs; the revision is 4 if any is an object ACE and 2 otherwise."""
        if revision is None:
            revision = 4 if any(ace.type in OBJECT_TYPES for ace in aces) else 2
        size = ACL_HEADER_SIZE + sum(ace.size for ace in aces) + len(slack)
        if size > 0xFFFF:
            raise BadFormat("the ACL would have {} bytes, more than AclSize can say".format(size))
        return cls(revision, size, len(aces), tuple(aces), slack)

    def to_bytes(self) -> bytes:
        """Header, ACEs, slack: the bytes that were read, up to AclSize or as far as there were any."""
        header = {
            "revision": self.revision,
            "sbz1": self.sbz1,
            "size": self.size,
            "count": self.count,
            "sbz2": self.sbz2,
        }
        return bytes(ACL_HEADER.build(header)) + b"".join(ace.raw for ace in self.aces) + self.slack


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


def _guid(data: Optional[bytes]) -> Optional["UUID"]:
    from uuid import UUID  # brings subprocess and more along, for ACEs that hardly a token has

    return None if data is None else UUID(bytes_le=bytes(data))
