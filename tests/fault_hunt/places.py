"""What lies at an address of the declared machine: `_TOKEN.SessionId`, `a SID of UserAndGroups`, `nt!PsProcessType`.

Worked out from the builder's own record and the layouts, never by a decoder.
"""

from bisect import bisect_right
from typing import Dict, List, NamedTuple, Optional, Tuple

from kdtoken.layout.layout import PRIMITIVE_SIZES, array_of, pointer_size, size_of
from tests.machine.kernel import Kernel

_HEADER = "_OBJECT_HEADER"
_LISTS = (
    ("UserAndGroups", "UserAndGroupCount"),
    ("RestrictedSids", "RestrictedSidCount"),
    ("Capabilities", "CapabilityCount"),
)
_SIDS = ("PrimaryGroup", "Package", "TrustLevelSid")


class Part(NamedTuple):
    """A stretch of memory with one meaning.  pointer: whether it is one; kind: of pointers that are alike."""

    start: int
    end: int
    name: str
    pointer: bool = False


class Places:
    """The parts of a kernel, by address."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._parts: Dict[int, Part] = {}
        self._members: Dict[str, List[Tuple[int, int, str, bool]]] = {}
        self._width = kernel.layouts.pointer_size
        self._body = kernel.layouts.layout(_HEADER).field("Body").offset
        for address in kernel.processes.values():
            self._object("_EPROCESS", address)
        for address in kernel.threads.values():
            self._object("_ETHREAD", address)
        for address in kernel.tokens.values():
            self._object("_TOKEN", address)
            self._of_token(address)
        for address in kernel.logon_sessions.values():
            self._of_session(address)
        for name, address in kernel.symbols.items():
            self._add(address, self._width, "nt!" + name, True)
        types = kernel.symbols["ObTypeIndexTable"]
        for index in range(64):
            self._add(types + index * self._width, self._width, "nt!ObTypeIndexTable", True)
        self._starts = sorted(self._parts)

    def at(self, address: int) -> Part:
        """The part that an address is in."""
        index = bisect_right(self._starts, address) - 1
        part = self._parts[self._starts[index]] if index >= 0 else None
        if part is not None and address < part.end:
            return part
        return Part(address, address + 1, "elsewhere")

    def alike(self, name: str) -> List[Part]:
        """All parts of that name, by address."""
        return [self._parts[start] for start in self._starts if self._parts[start].name == name]

    def pointers(self) -> Dict[str, List[Part]]:
        """Pointers that are alike: of one member, or of one kind of array."""
        found: Dict[str, List[Part]] = {}
        for start in self._starts:
            part = self._parts[start]
            if part.pointer and not part.name.startswith("nt!"):
                found.setdefault(part.name, []).append(part)
        return {name: parts for name, parts in found.items() if len(parts) > 1}

    def _add(self, address: int, size: int, name: str, pointer: bool = False) -> None:
        known = self._parts.get(address)
        if known is not None and known.name.partition(".")[0] == name.partition(".")[0] and known.end >= address + size:
            # Of a union the widest member, the first of several: bits of it have its name.
            self._parts[address] = known._replace(pointer=known.pointer or pointer)
            return
        if address and size > 0:
            self._parts[address] = Part(address, address + size, name, pointer)

    def _object(self, kind: str, address: int) -> None:
        self._struct(_HEADER, address - self._body, self._body)
        self._struct(kind, address)

    def _struct(self, kind: str, address: int, most: int = 1 << 30) -> None:
        if kind not in self._members:
            self._members[kind] = members(self._kernel, kind)
        for offset, size, path, pointer in self._members[kind]:
            if offset < most:
                self._add(address + offset, size, "%s.%s" % (kind, path), pointer)

    def _pointer(self, kind: str, address: int, name: str) -> int:
        if not self._kernel.layouts.layout(kind).has(name):
            return 0
        return self._kernel.pointer_at(kind, address, name)

    def _number(self, kind: str, address: int, name: str) -> int:
        member = self._kernel.layouts.layout(kind).field(name)
        return int.from_bytes(self._kernel.memory.peek(address + member.offset, 4), "little")

    def _of_token(self, address: int) -> None:
        layout = self._kernel.layouts.layout("_TOKEN")
        for name, count in _LISTS:
            array = self._pointer("_TOKEN", address, name)
            if not layout.has(count) or not array:
                continue
            for index in range(self._number("_TOKEN", address, count)):
                entry = array + 2 * self._width * index
                self._add(entry, self._width, "pointer in %s" % name, True)
                self._add(entry + self._width, self._width, "attributes in %s" % name)
                self._sid(int.from_bytes(self._kernel.memory.peek(entry, self._width), "little"), "SID of %s" % name)
        for name in _SIDS:
            self._sid(self._pointer("_TOKEN", address, name), "SID of %s" % name)
        dacl = self._pointer("_TOKEN", address, "DefaultDacl")
        if dacl:
            self._add(dacl, int.from_bytes(self._kernel.memory.peek(dacl + 2, 2), "little"), "DefaultDacl")
        for name, kind in (
            ("LowboxNumberEntry", "_SEP_LOWBOX_NUMBER_ENTRY"),
            ("pSecurityAttributes", "_AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION"),
        ):
            block = self._pointer("_TOKEN", address, name)
            if block:
                self._struct(kind, block)

    def _sid(self, address: int, name: str) -> None:
        if address:
            self._add(address, 8 + 4 * self._kernel.memory.peek(address + 1, 1)[0], name)

    def _of_session(self, address: int) -> None:
        kind = "_SEP_LOGON_SESSION_REFERENCES"
        self._struct(kind, address)
        for name in ("AccountName", "AuthorityName"):
            if not self._kernel.layouts.layout(kind).has(name):
                continue
            at = address + self._kernel.layouts.layout(kind).field(name).offset
            length = int.from_bytes(self._kernel.memory.peek(at, 2), "little")
            self._add(int.from_bytes(self._kernel.memory.peek(at + 8, 8), "little"), length, "text of %s" % name)


_PLACES: Dict[int, Tuple[Kernel, Places]] = {}


def places_of(kernel: Kernel) -> Places:
    """The parts of a kernel that nothing is built into any more, found once."""
    if id(kernel) not in _PLACES:
        _PLACES[id(kernel)] = kernel, Places(kernel)
    return _PLACES[id(kernel)][1]


def members(kernel: Kernel, kind: str, path: str = "", base: int = 0) -> List[Tuple[int, int, str, bool]]:
    """(offset, size, path, whether it is a pointer) of every member of a struct, those of embedded structs by themselves."""
    found: List[Tuple[int, int, str, bool]] = []
    for one in kernel.layouts.layout(kind).fields:
        name, offset = path + one.name, base + one.offset
        if (
            one.bits is None
            and one.type not in PRIMITIVE_SIZES
            and not pointer_size(one.type)
            and not array_of(one.type)
        ):
            inner: Optional[List[Tuple[int, int, str, bool]]] = None
            try:
                if not kernel.layouts.layout(one.type).is_enum:
                    inner = members(kernel, one.type, name + ".", offset)
            except KeyError:
                inner = None
            except Exception:  # noqa: BLE001 - a type that the fixture leaves out is one whole
                inner = None
            if inner:
                found += inner
                continue
        try:
            size = size_of(one.type, kernel.layouts.layout)
        except Exception:  # noqa: BLE001
            continue
        found.append((offset, size, name, pointer_size(one.type) is not None))
    return found
