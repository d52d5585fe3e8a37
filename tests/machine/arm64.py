"""A synthetic kernel of ARM64: types of that machine's own, and page tables rewritten as its.

ISF collections hold x64 and x86 only.  Of ARM64, ntdiff (github.com/ntdiff/headers) has published members and offsets out of
Microsoft's public symbols: `_EPROCESS`, `_KPROCESS`, `_ETHREAD` and `_KTHREAD` are those of 10.0.18975, which lie
elsewhere than x64's; the other types that are read here have pointers and numbers only, and are x64's of 10.0.19041.  The
genuine engine opens such a dump, attaches to such a machine, and is the judge of both (tests/engine).
A descriptor: bit 0 valid, bit 1 table or page, bit 10 accessed, frame in bits 12 to 47, bits 53 and 54 no execution
("Arm Architecture Reference Manual", D8.3).  Windows keeps both halves in one table, as MemProcFS takes them.
"""

import struct

from kdtoken.layout.layout_file import LayoutFile
from tests.dump_bytes import FRAME, LARGE, PAGE, VALID, Dump
from tests.machine.newest import Members, Types, with_types

MACHINE_ARM64 = 0xAA64
BUILD = "10.0.18975.1000"
_POINTER, _LIST, _TIME, _WORD = "Ptr64 Void", "_LIST_ENTRY", "_LARGE_INTEGER", "Uint4B"
_EPROCESS: Members = (
    ("Pcb", 0x000, "_KPROCESS"),
    ("UniqueProcessId", 0x3F8, _POINTER),
    ("ActiveProcessLinks", 0x400, _LIST),
    ("Flags2", 0x418, _WORD),
    ("PrimaryTokenFrozen", 0x418, "Pos 15, 1 Bit"),
    ("Flags", 0x41C, _WORD),
    ("ProcessExiting", 0x41C, "Pos 2, 1 Bit"),
    ("ProcessDelete", 0x41C, "Pos 3, 1 Bit"),
    ("CreateTime", 0x420, _TIME),
    ("Token", 0x470, "_EX_FAST_REF"),
    ("InheritedFromUniqueProcessId", 0x4F8, _POINTER),
    ("Peb", 0x508, "Ptr64 _PEB"),
    ("Session", 0x510, "Ptr64 _MM_SESSION_SPACE"),
    ("ObjectTable", 0x528, "Ptr64 _HANDLE_TABLE"),
    ("ImageFileName", 0x560, "[15] UChar"),
    ("SecurityPort", 0x570, _POINTER),
    ("SeAuditProcessCreationInfo", 0x578, "_SE_AUDIT_PROCESS_CREATION_INFO"),
    ("ThreadListHead", 0x598, _LIST),
    ("ActiveThreads", 0x5A8, _WORD),
    ("ExitStatus", 0x894, "Int4B"),
    ("VadRoot", 0x898, "_RTL_AVL_TREE"),
    ("ExitTime", 0x900, _TIME),
    ("Protection", 0x93A, "_PS_PROTECTION"),
    ("Flags3", 0x93C, _WORD),
    ("SecurityDomainChanged", 0x93C, "Pos 21, 1 Bit"),
    ("SecurityFreezeComplete", 0x93C, "Pos 22, 1 Bit"),
)
_KPROCESS: Members = (
    ("Header", 0x000, "_DISPATCHER_HEADER"),
    ("ProfileListHead", 0x018, _LIST),
    ("DirectoryTableBase", 0x028, "Uint8B"),
    ("Asid", 0x030, _WORD),
    ("ThreadListHead", 0x038, _LIST),
    ("ProcessListEntry", 0x358, _LIST),
)
_ETHREAD: Members = (
    ("Tcb", 0x000, "_KTHREAD"),
    ("CreateTime", 0x450, _TIME),
    ("ExitTime", 0x458, _TIME),
    ("Cid", 0x498, "_CLIENT_ID"),
    ("ClientSecurity", 0x4C8, "_PS_CLIENT_SECURITY_CONTEXT"),
    ("ThreadListEntry", 0x508, _LIST),
    ("CrossThreadFlags", 0x530, _WORD),
    ("ActiveImpersonationInfo", 0x530, "Pos 3, 1 Bit"),
    ("AdjustedClientToken", 0x5D8, _POINTER),
)
_KTHREAD: Members = (
    ("Header", 0x000, "_DISPATCHER_HEADER"),
    ("KernelStack", 0x058, _POINTER),
    ("ApcState", 0x090, "_KAPC_STATE"),
    ("Teb", 0x0E8, _POINTER),
    ("State", 0x17C, "UChar"),
    ("Process", 0x240, "Ptr64 _KPROCESS"),
    ("ThreadListEntry", 0x318, _LIST),
    ("MutantListHead", 0x328, _LIST),
)
# EPROCESS ends behind what was published in one piece; nothing here looks there.
_TYPES: Types = {
    "_EPROCESS": (0xB40, _EPROCESS),
    "_KPROCESS": (0x3F0, _KPROCESS),
    "_ETHREAD": (0x8B8, _ETHREAD),
    "_KTHREAD": (0x450, _KTHREAD),
}
TABLE, BLOCK, ACCESSED, NO_EXECUTE = 0b11, 0b01, 1 << 10, 0b11 << 53


def arm64_layouts(before: LayoutFile) -> LayoutFile:
    """The types of 10.0.18975 on ARM64, by those of 10.0.19041 on x64."""
    return with_types(before, BUILD, _TYPES)


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
