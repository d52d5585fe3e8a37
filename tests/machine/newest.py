"""The types of Windows 11 24H2 (10.0.26100), as far as they are public: an _EPROCESS of another order.

Offsets as `dt nt!_EPROCESS` and `dt nt!_KPROCESS` of 26100 print them in published notes, of which several agree (Token at
0x248, ImageFileName at 0x338); `_TOKEN` is what it was.  `_MM_SESSION_SPACE` is gone: Session points to a
_PSP_SESSION_SPACE that the public symbols do not describe (Volatility 3, get_session_id).  Nobody has published a whole
_ETHREAD of it; threads and all else here are Windows 11 21H2's.
"""

from dataclasses import replace
from typing import Dict, Sequence, Tuple

from kdtoken.layout.layout import Field, make_layout
from kdtoken.layout.layout_file import LayoutFile

BUILD = "10.0.26100.1"
Members = Tuple[Tuple[str, int, str], ...]
Types = Dict[str, Tuple[int, Members]]
_POINTER, _LIST, _TIME, _WORD = "Ptr64 Void", "_LIST_ENTRY", "_LARGE_INTEGER", "Uint4B"
# What a reader of tokens asks for, whatever looks as if it had to do with them, and what the declared machine fills.
_PROCESS: Members = (
    ("Pcb", 0x000, "_KPROCESS"),
    ("UniqueProcessId", 0x1D0, _POINTER),
    ("ActiveProcessLinks", 0x1D8, _LIST),
    ("Flags2", 0x1F0, _WORD),
    ("PrimaryTokenFrozen", 0x1F0, "Pos 15, 1 Bit"),
    ("Flags", 0x1F4, _WORD),
    ("ProcessExiting", 0x1F4, "Pos 2, 1 Bit"),
    ("ProcessDelete", 0x1F4, "Pos 3, 1 Bit"),
    ("CreateTime", 0x1F8, _TIME),
    ("Token", 0x248, "_EX_FAST_REF"),
    ("InheritedFromUniqueProcessId", 0x2D0, _POINTER),
    ("Peb", 0x2E0, "Ptr64 _PEB"),
    ("Session", 0x2E8, "Ptr64 _PSP_SESSION_SPACE"),
    ("ObjectTable", 0x300, "Ptr64 _HANDLE_TABLE"),
    ("ImageFileName", 0x338, "[15] UChar"),
    ("SecurityPort", 0x348, _POINTER),
    ("SeAuditProcessCreationInfo", 0x350, "_SE_AUDIT_PROCESS_CREATION_INFO"),
    ("ThreadListHead", 0x370, _LIST),
    ("ActiveThreads", 0x380, _WORD),
    ("ExitStatus", 0x554, "Int4B"),
    ("VadRoot", 0x558, "_RTL_AVL_TREE"),
    ("ExitTime", 0x5C0, _TIME),
    ("Protection", 0x5FA, "_PS_PROTECTION"),
    ("Flags3", 0x5FC, _WORD),
    ("SecurityDomainChanged", 0x5FC, "Pos 21, 1 Bit"),
    ("SecurityFreezeComplete", 0x5FC, "Pos 22, 1 Bit"),
    ("EnableProcessImpersonationLogging", 0x5FC, "Pos 31, 1 Bit"),
    ("SecurityDomain", 0x760, "Uint8B"),
    ("ParentSecurityDomain", 0x768, "Uint8B"),
    ("FreezeWorkLinks", 0x808, _LIST),
)
_SCHEDULER: Members = (
    ("Header", 0x000, "_DISPATCHER_HEADER"),
    ("DirectoryTableBase", 0x028, "Uint8B"),
    ("ThreadListHead", 0x030, _LIST),
    ("AvailableCpuState", 0x1C0, _POINTER),
)
_TYPES: Types = {"_EPROCESS": (0x840, _PROCESS), "_KPROCESS": (0x1C8, _SCHEDULER)}


def newest_layouts(before: LayoutFile) -> LayoutFile:
    """The types of 24H2, by those of 21H2."""
    return with_types(before, BUILD, _TYPES, ("_MM_SESSION_SPACE",))


def with_types(before: LayoutFile, build: str, types: Types, without: Sequence[str] = ()) -> LayoutFile:
    """Another build's types where they are known, the rest as it was.

    types  name -> (size, its members as (name, offset, type))
    """
    found = {name: layout for name, layout in before.types.items() if name not in without}
    for name, (size, members) in types.items():
        fields = [Field(one, at, kind, _WORD if kind.startswith("Pos ") else "") for one, at, kind in members]
        found[name] = make_layout(name, size, fields)
    return replace(before, build=build, pdb="", types=found)
