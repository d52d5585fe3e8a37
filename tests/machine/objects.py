"""The object manager's part: pool blocks, object headers, the type table.

Facts: the header layouts are the kernel's own (`_POOL_HEADER`, `_OBJECT_HEADER`, ...); where the
optional headers lie and what InfoMask's bits mean is described in Windows Internals, part 2,
"Object headers"; since Windows 10 TypeIndex is xored with ObHeaderCookie and with the second byte
of the header's address.
"""

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from tests.machine.memory import PAGE, Pool
from tests.machine.structs import Structs

# InfoMask's bits, nearest to the header first, and the struct that each one puts before it.
OPTIONAL_HEADERS = (
    (0x01, "_OBJECT_HEADER_CREATOR_INFO"),
    (0x02, "_OBJECT_HEADER_NAME_INFO"),
    (0x04, "_OBJECT_HEADER_HANDLE_INFO"),
    (0x08, "_OBJECT_HEADER_QUOTA_INFO"),
)
CREATOR, NAME, HANDLE, QUOTA = (bit for bit, _ in OPTIONAL_HEADERS)

# Type indexes as on real machines; 0 is never used.
TYPE_INDEXES = {"Type": 2, "Directory": 3, "Token": 5, "Process": 7, "Thread": 8}
POOL_TAGS = {"Type": b"ObjT", "Token": b"Toke", "Process": b"Proc", "Thread": b"Thre"}
# Types that come last, after all processes and tokens, which so lie where they always did.
MORE_TYPES = {"Directory": 3, "SymbolicLink": 4, "Event": 16, "Device": 33, "File": 37, "Key": 44}
MORE_TAGS = {
    "Directory": b"Dire",
    "SymbolicLink": b"Symb",
    "Event": b"Even",
    "Device": b"Devi",
    "File": b"File",
    "Key": b"Key ",
}


@dataclass(frozen=True)
class Regions:
    """Where things are on such a machine, as addresses of real ones are."""

    nt: int
    nonpaged: int
    paged: int
    session: int
    pcr: int


class Objects:
    """Makes kernel objects in two pools.

    cookie         value of ObHeaderCookie, None on a kernel that has none
    protected_tag  whether object tags carry the high bit (PROTECTED_POOL), as up to Windows 7
    """

    def __init__(
        self, structs: Structs, nonpaged: Pool, paged: Pool, cookie: Optional[int], protected_tag: bool
    ) -> None:
        self.structs = structs
        self.nonpaged = nonpaged
        self.paged = paged
        self.cookie = cookie
        self.protected_tag = protected_tag
        self.types: Dict[str, int] = {}
        self._heads: Dict[Tuple[int, bytes, bool, bool], bytes] = {}

    def elsewhere(self, nonpaged: Pool, paged: Pool) -> "Objects":
        """The same maker with other pools; types are known to both."""
        other = Objects(self.structs, nonpaged, paged, self.cookie, self.protected_tag)
        other.types = self.types
        return other

    def block(
        self,
        size: int,
        tag: bytes,
        paged: bool = True,
        crossing: int = 0,
        own_pages: bool = False,
        protected: bool = False,
    ) -> int:
        """Address of a pool allocation of `size` zero bytes, with its `_POOL_HEADER` before it."""
        s = self.structs
        pool = self.paged if paged else self.nonpaged
        head = s.size("_POOL_HEADER") if s.has("_POOL_HEADER") else 16
        total = -(-(head + size) // 16) * 16
        if total > PAGE and not crossing:  # big allocations start a page and have no header
            return pool.take(size, own_pages=True)
        address = pool.take(total, crossing=head + crossing if crossing else 0, own_pages=own_pages)
        if s.has("_POOL_HEADER"):
            which = (total, tag, paged, protected)
            if which in self._heads:  # fresh memory, and the same header as before
                s.memory.write(address, self._heads[which])
                return address + head
            mark = bytes([tag[3] | 0x80]) if protected and self.protected_tag else tag[3:]
            # PoolType is the pool's number plus one: 0 nonpaged, 1 paged; 2 marks it as in use.
            values = {"BlockSize": min(total // 16, 255), "PoolType": 3 if paged else 2, "PoolTag": tag[:3] + mark}
            s.put("_POOL_HEADER", address, values)
            self._heads[which] = s.memory.peek(address, head)
        return address + head

    def create(
        self,
        kind: str,
        body: int,
        mask: int = QUOTA,
        handles: int = 1,
        crossing: int = 0,
        own_pages: bool = False,
        creator: int = 4,
    ) -> int:
        """Address of the body of a new object of type `kind`, `body` bytes long.

        crossing  let a page border fall that many bytes after the body's start
        """
        s = self.structs
        before = self._optional_size(mask)
        start = s.offset("_OBJECT_HEADER", "Body")
        paged = kind == "Token"
        at = self.block(
            before + start + body,
            {**POOL_TAGS, **MORE_TAGS}[kind],
            paged,
            crossing=before + start + crossing if crossing else 0,
            own_pages=own_pages,
            protected=True,
        )
        header = at + before
        values = {"PointerCount": handles + 2, "HandleCount": handles, "InfoMask": mask, "Flags": 0x20}
        values["TypeIndex"] = self.type_byte(kind, header)
        s.put("_OBJECT_HEADER", header, values)
        self._optional(mask, header, body, paged, creator)
        return header + start

    def type_byte(self, kind: str, header: int) -> int:
        """What TypeIndex holds in the header at that address."""
        index = {**TYPE_INDEXES, **MORE_TYPES}[kind]
        if self.cookie is None:
            return index
        return index ^ self.cookie ^ (header >> 8 & 0xFF)

    def make_types(self, table: int) -> None:
        """Fill ObTypeIndexTable with `_OBJECT_TYPE` objects, "Type" first."""
        self._make_types(table, {kind: index for kind, index in TYPE_INDEXES.items() if kind in POOL_TAGS}, POOL_TAGS)

    def make_more_types(self, table: int) -> None:
        """The types of what has a name."""
        self._make_types(table, MORE_TYPES, MORE_TAGS)

    def _make_types(self, table: int, indexes: Dict[str, int], tags: Dict[str, bytes]) -> None:
        s = self.structs
        for kind, index in indexes.items():
            if not s.has("_OBJECT_TYPE"):
                continue
            at = self.create("Type", s.size("_OBJECT_TYPE"), mask=CREATOR | NAME, handles=0)
            s.put("_OBJECT_TYPE", at, {"Index": index})
            s.put_present("_OBJECT_TYPE", at, {"Key": tags[kind]})
            self.unicode_string(at + s.offset("_OBJECT_TYPE", "Name"), kind)
            for member in ("TypeList", "CallbackList"):
                here = at + s.offset("_OBJECT_TYPE", member)
                s.pointer(here, here)
                s.pointer(here + 8, here)
            s.pointer(table + index * s.layouts.pointer_size, at)
            self.types[kind] = at

    def unicode_string(self, at: int, text: str, tag: bytes = b"Usst") -> None:
        """Write the `_UNICODE_STRING` at an address, its text in a pool block of its own."""
        data = text.encode("utf-16-le", "surrogatepass")
        values = {"Length": len(data), "MaximumLength": 0, "Buffer": 0}
        if data:
            buffer = self.block(len(data) + 2, tag)
            self.structs.memory.write(buffer, data)
            values.update(MaximumLength=len(data) + 2, Buffer=buffer)
        self.structs.put("_UNICODE_STRING", at, values)

    def _optional_size(self, mask: int) -> int:
        return sum(self.structs.size(name) for bit, name in OPTIONAL_HEADERS if mask & bit and self.structs.has(name))

    def _optional(self, mask: int, header: int, body: int, paged: bool, creator: int) -> None:
        s = self.structs
        at = header
        for bit, name in OPTIONAL_HEADERS:
            if not mask & bit or not s.has(name):
                continue
            at -= s.size(name)
            if bit == QUOTA:
                charge = "PagedPoolCharge" if paged else "NonPagedPoolCharge"
                s.put(name, at, {charge: body, "SecurityDescriptorCharge": 0x80})
            elif bit == CREATOR:
                s.put(name, at, {"CreatorUniqueProcess": creator})
                here = at + s.offset(name, "TypeList")
                s.pointer(here, here)
                s.pointer(here + 8, here)
