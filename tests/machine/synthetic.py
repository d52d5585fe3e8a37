"""A Source that reads straight from a synthetic kernel, and can be made to fail where a test wants.

kernel = build(MACHINE, load_layouts("fixtures/layouts/nt-10.0.22000.2538.json"))
target = SyntheticSource(kernel)
target.without_pages([address])                 # paged out from now on
target.poke(address, bytes)                     # tamper; the kernel itself stays as it was
target.poke_field(address, "_EPROCESS", "Token.Object", another)
target.without_field("_TOKEN", "TrustLevelSid")
"""

from typing import Dict, Iterable, List, Optional, Set, Tuple

from kdtoken.errors import NoCommands, SymbolNotFound, TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.source.base import About, BootMemory, Source
from tests.machine.kernel import Kernel
from tests.machine.memory import PAGE
from tests.machine.standin_text import commands
from tests.machine.structs import Structs, Value


class SyntheticSource(Source):
    """Reads a Kernel.  Changes made here are this target's own.

    requests, bytes_read  how often `read` was called, and for how many bytes
    log                   (address, size) of every call, in order
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.about = About("synthetic kernel", kernel.layouts.build, synthetic=True)
        self.requests = 0
        self.bytes_read = 0
        self.log: List[Tuple[int, int]] = []
        self.commands: Dict[str, str] = {}
        self._memory = kernel.memory.without(())
        self._changed: Dict[str, Layout] = {}
        self._hidden_types: Set[str] = set()
        self._hidden_symbols: Set[str] = set()
        self.boot: Optional[BootMemory] = None

    def boot_memory(self) -> Optional[BootMemory]:
        return self.boot

    def read(self, address: int, size: int) -> bytes:
        """Raises MemoryUnreadable with the reason "not mapped" or "paged out"."""
        self.requests += 1
        self.bytes_read += size
        self.log.append((address, size))
        return self._memory.read(address, size)

    def layout(self, name: str) -> Layout:
        """Raises TypeNotFound."""
        if name in self._hidden_types:
            raise TypeNotFound("the layouts of %s hold no type %s" % (self.about.build, name), name)
        changed = self._changed.get(name)
        return changed if changed is not None else self.kernel.layouts.layout(name)

    def symbol(self, name: str) -> int:
        """With or without "nt!".  Raises SymbolNotFound."""
        plain = name.split("!", 1)[1] if "!" in name else name
        found = None if plain in self._hidden_symbols else self.kernel.symbols.get(plain)
        if found is None:
            raise SymbolNotFound("the synthetic kernel has no symbol %s" % name, name)
        return found

    def command(self, text: str) -> str:
        """The text set with `answer`; blanks, case and how numbers are written do not count."""
        found = self.commands.get(_folded(text))
        if found is None:
            raise NoCommands("the synthetic kernel has no answer to %s" % text, text)
        return found

    def answer(self, command: str, text: str) -> "SyntheticSource":
        """Make `command` answer with that text."""
        self.commands[_folded(command)] = text
        return self

    def with_commands(self) -> "SyntheticSource":
        """Answer `!process` and `!token` as standin_text renders them."""
        for command, text in commands(self.kernel).items():
            self.answer(command, text)
        return self

    def without_pages(self, addresses: Iterable[int]) -> "SyntheticSource":
        """Page out the pages that these addresses are in."""
        self._memory.paged_out |= {address // PAGE for address in addresses}
        return self

    def without_mapping(self, addresses: Iterable[int]) -> "SyntheticSource":
        """Unmap the pages that these addresses are in."""
        gone = {address // PAGE for address in addresses}
        self._memory.pages = {number: page for number, page in self._memory.pages.items() if number not in gone}
        return self

    def poke(self, address: int, data: bytes) -> "SyntheticSource":
        """Overwrite bytes, mapped or not."""
        self._own(address, len(data))
        self._memory.write(address, data)
        return self

    def poke_field(self, address: int, type_name: str, path: str, value: Value) -> "SyntheticSource":
        """Overwrite one member ("Token.Object", "Privileges.Enabled") of the struct at an address."""
        structs = Structs(self._memory, self.kernel.layouts)
        self._own(address + structs.offset(type_name, path), structs.width(type_name, path))
        structs.put(type_name, address, {path: value})
        return self

    def _own(self, address: int, size: int) -> None:
        """Make pages this target's own before they are written: the kernel shares its with all."""
        pages = dict(self._memory.pages)
        for number in range(address // PAGE, (address + size - 1) // PAGE + 1):
            pages[number] = bytearray(pages.get(number, bytes(PAGE)))
        self._memory.pages = pages

    def without_field(self, type_name: str, name: str) -> "SyntheticSource":
        """Let the type have no such member, as on an older build."""
        old = self.layout(type_name)
        old.field(name)
        fields = tuple(member for member in old.fields if member.name != name)
        self._changed[type_name] = Layout(old.name, old.size, fields, old.values)
        return self

    def with_field(self, type_name: str, name: str, offset: int, kind: str) -> "SyntheticSource":
        """Let the type have one more member, as on a newer build; it may lie over bytes that another one has.

        A member behind the struct's end makes the struct longer, by no more than eight bytes behind `offset`.
        """
        old = self.layout(type_name)
        size = old.size if old.size is None or offset < old.size else offset + 8
        self._changed[type_name] = make_layout(old.name, size, (*old.fields, Field(name, offset, kind)))
        return self

    def with_enum(self, type_name: str, *values: Tuple[str, int]) -> "SyntheticSource":
        """Let the symbols have one more enumeration, of four bytes."""
        self._changed[type_name] = make_layout(type_name, 4, (), values)
        return self

    def without_type(self, type_name: str) -> "SyntheticSource":
        """Let the symbols have no such type."""
        self._hidden_types.add(type_name)
        return self

    def without_symbol(self, name: str) -> "SyntheticSource":
        """Let the symbols have no such variable or function."""
        self._hidden_symbols.add(name.split("!", 1)[-1])
        return self

    def reset_counters(self) -> None:
        """Start counting anew."""
        self.requests = self.bytes_read = 0
        self.log.clear()


def _folded(command: str) -> str:
    return " ".join(command.replace("`", "").lower().replace(" 0x", " ").split())
