"""The page tables of a synthetic x64 kernel rewritten as those of ARM64, the types and all else being as they were.

The ISF collections hold x64 and x86 only, so the kernel's own types are x64's; the genuine engine opens such a dump and is the
judge of its page tables (tests/engine/test_crashdump.py).
A descriptor: bit 0 valid, bit 1 table or page, bit 10 accessed, frame in bits 12 to 47, bits 53 and 54 no execution
("Arm Architecture Reference Manual", D8.3).  Windows keeps both halves in one table, as MemProcFS takes them.
"""

import struct

from tests.dump_bytes import FRAME, LARGE, PAGE, VALID, Dump

MACHINE_ARM64 = 0xAA64
TABLE, BLOCK, ACCESSED, NO_EXECUTE = 0b11, 0b01, 1 << 10, 0b11 << 53


def to_arm64(dump: Dump) -> Dump:
    """A copy with other page tables."""
    made = dump.copy()
    made.put("MachineImageType", MACHINE_ARM64)
    done = set()

    def rewrite(page: int, level: int) -> None:
        if page in done or page not in dump.pages:
            return
        done.add(page)
        entries = list(struct.unpack("<512Q", dump.pages[page]))
        for index, entry in enumerate(entries):
            if not entry & VALID:
                continue  # the forms of what is not valid are Windows' own, on both
            frame = entry & FRAME & (1 << 48) - 1
            large = bool(entry & LARGE) and level in (2, 3)
            entries[index] = frame | (BLOCK | ACCESSED if large else TABLE | ACCESSED) | NO_EXECUTE
            if level > 1 and not large:
                rewrite(frame // PAGE, level - 1)
        made.pages[page] = struct.pack("<512Q", *entries)

    root = dump.root // PAGE
    # Every process has a root of its own, one page after another, which the self-map of the first does not reach.
    while root in dump.pages and struct.unpack_from("<Q", dump.pages[root], 0x1ED * 8)[0] & FRAME == root * PAGE:
        rewrite(root, 4)
        root += 1
    return made
