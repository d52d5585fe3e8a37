"""What each privilege lets its holder do, and finding one by what people type.

Facts: learn.microsoft.com, "Privilege Constants (Authorization)" and the user rights assignment page of each; the words
of those that give power over others are those of kdtoken.model.privilege.
"""

import difflib
from typing import Dict, List

from kdtoken.errors import UsageError
from kdtoken.model.privilege import NAMES, NUMBERS, SENSITIVE
from kdtoken.model.token_flags import TokenFlags

_ORDINARY: Dict[str, str] = {
    "SeLockMemoryPrivilege": "can keep pages in physical memory, so that they are never paged out",
    "SeIncreaseQuotaPrivilege": "can raise the memory quota of a process; starting one under another token asks for it too",
    "SeMachineAccountPrivilege": "can add a computer to the domain (means something on domain controllers)",
    "SeSystemProfilePrivilege": "can collect profiling data of the whole system",
    "SeSystemtimePrivilege": "can set the system's clock",
    "SeProfileSingleProcessPrivilege": "can collect profiling data of a process that is not the system's",
    "SeIncreaseBasePriorityPrivilege": "can raise the base priority of a process",
    "SeCreatePagefilePrivilege": "can create a paging file and change its size",
    "SeCreatePermanentPrivilege": "can create objects that stay when nobody has a handle to them any more",
    "SeShutdownPrivilege": "can shut the local system down",
    "SeAuditPrivilege": "can write entries into the security log",
    "SeSystemEnvironmentPrivilege": "can change variables of the firmware (UEFI)",
    "SeChangeNotifyPrivilege": "goes through directories without a check of each, and may be told of changes; all users have it",
    "SeRemoteShutdownPrivilege": "can shut the system down over the network",
    "SeUndockPrivilege": "can take a laptop out of its docking station",
    "SeCreateGlobalPrivilege": "can create sections and symbolic links in the global namespace from another session than 0",
    "SeIncreaseWorkingSetPrivilege": "can raise the working set of a process of its own",
    "SeTimeZonePrivilege": "can set the time zone",
    "SeCreateSymbolicLinkPrivilege": "can create symbolic links in file systems",
}


def words_of(name: str) -> str:
    """What the privilege allows, as the end of "who holds it ..."."""
    return SENSITIVE.get(name) or _ORDINARY[name]


def find_privilege(text: str) -> str:
    """The name that a person means: SeDebugPrivilege, sedebug, debug, 20 or 0x14.  Raises UsageError with near names."""
    short = {name[2:-9].lower(): name for name in NUMBERS}
    typed = text.strip().lower()
    try:
        number = int(typed, 0)
    except ValueError:
        number = -1
    if number in NAMES:
        return NAMES[number]
    bare = typed[2:] if typed.startswith("se") and typed not in short else typed
    bare = bare[:-9] if bare.endswith("privilege") else bare
    for one in (bare, typed):
        if one in short:
            return short[one]
    others = {**short, **{flag.lower(): flag for flag in TokenFlags.__members__}}  # `dump --explain` tells both
    near: List[str] = [others[one] for one in difflib.get_close_matches(bare, list(others), 3, 0.5)]
    raise UsageError(
        "no privilege, and no word of TokenFlags, is called %s" % ascii(text),
        text,
        "near: %s" % ", ".join(near) if near else "kdtoken dump --explain all lists them",
    )
