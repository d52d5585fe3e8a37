"""A sparse virtual address space.  It knows pages and nothing of Windows.

An address is in one of three states: mapped, paged out (the bytes exist but nobody can read them,
as with paged pool on a quiet machine), or not mapped at all.
"""

from typing import Dict, Iterable, Set, Union

from kdtoken.errors import MemoryUnreadable

PAGE = 0x1000

# A page that nobody wrote to: all memories have it in common until somebody does.
_ZEROES = bytes(PAGE)

NOT_MAPPED = "not mapped"
PAGED_OUT = "paged out"


class Memory:
    """Pages by number.  `write` maps what it touches; fresh pages are zero, and may be `bytes`."""

    def __init__(self) -> None:
        self.pages: Dict[int, Union[bytes, bytearray]] = {}
        self.paged_out: Set[int] = set()

    def map(self, address: int, size: int) -> None:
        """Make sure that every page of the range exists."""
        for number in range(address // PAGE, (address + max(size, 1) - 1) // PAGE + 1):
            if number not in self.pages:
                self.pages[number] = _ZEROES

    def _writable(self, number: int) -> bytearray:
        page = self.pages.get(number, _ZEROES)
        if not isinstance(page, bytearray):
            page = self.pages[number] = bytearray(page)
        return page

    def write(self, address: int, data: bytes) -> None:
        """Put bytes, mapping pages as needed.  A page that is paged out stays so."""
        number, start = divmod(address, PAGE)
        if start + len(data) <= PAGE:  # nearly every write: one page
            self._writable(number)[start : start + len(data)] = data
            return
        done = 0
        while done < len(data):
            number, start = divmod(address + done, PAGE)
            piece = data[done : done + PAGE - start]
            self._writable(number)[start : start + len(piece)] = piece
            done += len(piece)

    def read(self, address: int, size: int) -> bytes:
        """The bytes as a debugger gets them.  Raises MemoryUnreadable with what came before."""
        return self._gather(address, size, self.paged_out)

    def peek(self, address: int, size: int) -> bytes:
        """The bytes whether or not they are paged out: for the builder, not for a debugger."""
        return self._gather(address, size, set())

    def _gather(self, address: int, size: int, hidden: Set[int]) -> bytes:
        got = bytearray()
        while len(got) < size:
            number, start = divmod(address + len(got), PAGE)
            page = self.pages.get(number)
            if page is None or number in hidden:
                reason = NOT_MAPPED if page is None else PAGED_OUT
                raise MemoryUnreadable(address, size, reason, bytes(got))
            got += page[start : start + size - len(got)]
        return bytes(got)

    def page_out(self, address: int, size: int) -> None:
        """Take every mapped page of the range from the debugger's sight."""
        for number in range(address // PAGE, (address + max(size, 1) - 1) // PAGE + 1):
            if number in self.pages:
                self.paged_out.add(number)

    def without(self, pages: Iterable[int]) -> "Memory":
        """The same memory, sharing its bytes, with the given pages (addresses in them) paged out."""
        other = Memory()
        other.pages = self.pages
        other.paged_out = self.paged_out | {address // PAGE for address in pages}
        return other

    def copy(self) -> "Memory":
        """An independent copy."""
        other = Memory()
        other.pages = {number: page[:] for number, page in self.pages.items()}
        other.paged_out = set(self.paged_out)
        return other


class Pool:
    """Hands out addresses upwards from `start`.

    As in a real pool, an allocation below a page does not cross a page border, and every one is
    aligned to 16 bytes.
    """

    def __init__(self, memory: Memory, start: int) -> None:
        self.memory = memory
        self.next = start

    def take(self, size: int, alignment: int = 16, crossing: int = 0, own_pages: bool = False) -> int:
        """Address of `size` zero bytes.

        crossing   place it so that a page border falls this many bytes after its start
        own_pages  start on a fresh page, and leave nothing else on the last one
        """
        address = -(-self.next // alignment) * alignment
        if crossing:
            border = -(-(address + crossing) // PAGE) * PAGE
            address = border - crossing
        elif own_pages:
            address = -(-address // PAGE) * PAGE
        elif size <= PAGE and address // PAGE != (address + size - 1) // PAGE:
            address = -(-address // PAGE) * PAGE
        self.next = address + size
        if crossing or own_pages:
            self.next = -(-self.next // PAGE) * PAGE
        self.memory.map(address, size)
        return address
