"""Security descriptors in self-relative form: ``_SECURITY_DESCRIPTOR_RELATIVE`` and what its offsets lead to.

20 bytes, then owner, group, SACL and DACL at offsets from the start: [MS-DTYP] 2.4.6. This is the form the kernel
keeps objects' descriptors in; the absolute form holds pointers and is refused here. Offsets under a debugger may
be anything, so a part that cannot be read becomes a ``problem`` and leaves the others alone.
"""

import struct
from typing import List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.frozen import dataclass
from kdtoken.model.acl import Acl
from kdtoken.model.sid import Sid

HEADER_SIZE = 20

# Revision, Sbz1 (resource manager control bits when SE_RM_CONTROL_VALID), Control; the offsets from the start of the
# descriptor, 0 is none, of owner, group, SACL and DACL.
HEADER = struct.Struct("<BBHIIII")

DACL_PRESENT = 0x0004
SACL_PRESENT = 0x0010
SELF_RELATIVE = 0x8000

# winnt.h SE_* of SECURITY_DESCRIPTOR_CONTROL; [MS-DTYP] 2.4.6 adds the two Server Security bits.
CONTROL_NAMES: Tuple[Tuple[int, str], ...] = (
    (0x0001, "OWNER_DEFAULTED"),
    (0x0002, "GROUP_DEFAULTED"),
    (DACL_PRESENT, "DACL_PRESENT"),
    (0x0008, "DACL_DEFAULTED"),
    (SACL_PRESENT, "SACL_PRESENT"),
    (0x0020, "SACL_DEFAULTED"),
    (0x0040, "DACL_TRUSTED"),
    (0x0080, "SERVER_SECURITY"),
    (0x0100, "DACL_AUTO_INHERIT_REQ"),
    (0x0200, "SACL_AUTO_INHERIT_REQ"),
    (0x0400, "DACL_AUTO_INHERITED"),
    (0x0800, "SACL_AUTO_INHERITED"),
    (0x1000, "DACL_PROTECTED"),
    (0x2000, "SACL_PROTECTED"),
    (0x4000, "RM_CONTROL_VALID"),
    (SELF_RELATIVE, "SELF_RELATIVE"),
)

# How an ACL stands in a descriptor. Absent and null must not be confused with an empty list: an empty DACL
# grants nothing, while with a null one, or none, everything is granted.
ABSENT = "absent"  # the PRESENT bit is clear
NULL = "null"  # the PRESENT bit is set, the offset is 0
PRESENT = "present"
UNREADABLE = "unreadable"
NOT_SAID = "not said"  # this view of the descriptor (icacls, a part that nobody asked for) does not tell of it


@dataclass(frozen=True)
class SecurityDescriptor:
    """A security descriptor. Each part is None unless its state is ``present``.

    ``dacl_state`` and ``sacl_state`` are one of ``absent``, ``null``, ``present``, ``unreadable``, ``not said``; so
    are ``owner_state`` and ``group_state``, which cannot be null. A state that is not given follows from the part:
    present if there is one, else absent. An empty DACL is present and has no ACE.
    """

    owner: Optional[Sid]
    group: Optional[Sid]
    control: int
    dacl: Optional[Acl] = None
    sacl: Optional[Acl] = None
    dacl_state: str = ""
    sacl_state: str = ""
    sbz1: int = 0
    problem: str = ""
    owner_state: str = ""
    group_state: str = ""

    def __post_init__(self) -> None:
        for part in ("owner", "group", "dacl", "sacl"):
            if not getattr(self, part + "_state"):
                state = ABSENT if getattr(self, part) is None else PRESENT
                object.__setattr__(self, part + "_state", state)

    @classmethod
    def parse(cls, data: bytes, offset: int = 0) -> "SecurityDescriptor":
        """The descriptor at ``offset``; :class:`BadFormat` if its 20 bytes of header are not those of one."""
        data = data[offset:] if offset >= 0 else b""
        if len(data) < HEADER_SIZE:
            raise BadFormat(
                "a security descriptor needs 20 bytes for its header, only {} here".format(len(data)), data.hex()
            )
        revision, sbz1, control, *offsets = HEADER.unpack_from(data)
        if revision != 1:
            raise BadFormat(
                "not a security descriptor: Revision (byte 0) is {}, must be 1".format(revision),
                data[:HEADER_SIZE].hex(),
            )
        if not control & SELF_RELATIVE:
            raise BadFormat(
                "not a self-relative security descriptor: SE_SELF_RELATIVE is clear, so it holds pointers",
                data[:HEADER_SIZE].hex(),
            )
        problems: List[str] = []
        owner, owner_state = _sid(data, offsets[0], "owner", problems)
        group, group_state = _sid(data, offsets[1], "group", problems)
        sacl, sacl_state = _acl(data, offsets[2], control & SACL_PRESENT, "SACL", problems)
        dacl, dacl_state = _acl(data, offsets[3], control & DACL_PRESENT, "DACL", problems)
        return cls(
            owner,
            group,
            control,
            dacl,
            sacl,
            dacl_state,
            sacl_state,
            sbz1,
            "; ".join(problems),
            owner_state,
            group_state,
        )

    @property
    def control_words(self) -> Tuple[str, ...]:
        """Words for Control, lowest bit first."""
        return tuple(name for bit, name in CONTROL_NAMES if self.control & bit)

    @property
    def grants_everything(self) -> bool:
        """No DACL or a null one: the access check grants what is asked for (short of integrity and trust labels)."""
        return self.dacl_state in (ABSENT, NULL)

    @property
    def dacl_is_empty(self) -> bool:
        """A DACL that is there, was read whole, and holds no ACE: nobody is granted anything by it."""
        return self.dacl is not None and not self.dacl.aces and not self.dacl.is_partial

    @property
    def is_partial(self) -> bool:
        """Whether a part could not be read, or an ACL was cut or damaged: what is there is not all."""
        acls = [acl for acl in (self.dacl, self.sacl) if acl is not None]
        return UNREADABLE in self._states or any(acl.is_partial for acl in acls)

    @property
    def _states(self) -> Tuple[str, str, str, str]:
        return self.owner_state, self.group_state, self.dacl_state, self.sacl_state

    def to_bytes(self) -> bytes:
        """Header, SACL, DACL, owner, group, each at a multiple of 4; an unreadable part is :class:`BadFormat`."""
        if UNREADABLE in self._states:
            raise BadFormat("the descriptor has a part that could not be read, so it cannot be written", self.problem)
        body = b""
        offsets = {}
        for name, part in (("sacl", self.sacl), ("dacl", self.dacl), ("owner", self.owner), ("group", self.group)):
            offsets[name] = 0
            if part is not None:
                body += b"\0" * (-len(body) % 4)
                offsets[name] = HEADER_SIZE + len(body)
                body += part.to_bytes()
        at = [offsets[name] for name in ("owner", "group", "sacl", "dacl")]
        return HEADER.pack(1, self.sbz1, self.control, *at) + body


def _sid(data: bytes, offset: int, what: str, problems: List[str]) -> Tuple[Optional[Sid], str]:
    if offset == 0:
        return None, ABSENT
    try:
        return Sid.parse(_part(data, offset)), PRESENT
    except BadFormat as error:
        problems.append("{} at offset 0x{:x}: {}".format(what, offset, error.message))
        return None, UNREADABLE


def _acl(data: bytes, offset: int, present: int, what: str, problems: List[str]) -> Tuple[Optional[Acl], str]:
    if not present:
        return None, ABSENT  # an offset may stand there all the same; the access check does not look at it
    if offset == 0:
        return None, NULL
    try:
        acl = Acl.parse(_part(data, offset))
    except BadFormat as error:
        problems.append("{} at offset 0x{:x}: {}".format(what, offset, error.message))
        return None, UNREADABLE
    if acl.problem:
        problems.append("{} at offset 0x{:x}: {}".format(what, offset, acl.problem))
    return acl, PRESENT


def _part(data: bytes, offset: int) -> bytes:
    """What lies at an offset of the descriptor; one inside the header leads to nothing that could be meant."""
    if offset < HEADER_SIZE:
        raise BadFormat("the offset points into the header", offset)
    return data[offset:]
