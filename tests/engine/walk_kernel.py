"""Run in the Windows Python of the bench: what genuine pykd and dbgeng see in a synthetic kernel, as JSON.

    walk_kernel.py DUMP

Typed variables only, so that every offset comes from the engine's reading of the PDB.
"""

import json
import sys
from typing import Any, Dict, List

import pykd  # type: ignore[import-not-found,unused-ignore]


def sid(address: int) -> str:
    """ "S-1-5-18" of the SID at an address."""
    head = bytes(pykd.loadBytes(address, 8))
    numbers = pykd.loadDWords(address + 8, head[1])
    return "-".join(["S", str(head[0]), str(int.from_bytes(head[2:8], "big"))] + [str(number) for number in numbers])


def sids(array: int, count: int) -> Any:
    """(SID, attributes) of a _SID_AND_ATTRIBUTES array."""
    return [[sid(pykd.ptrPtr(array + 16 * index)), pykd.ptrDWord(array + 16 * index + 8)] for index in range(count)]


def token(address: int) -> Any:
    """The parts of a token that lie in three different allocations."""
    one = pykd.typedVar("nt!_TOKEN", address)
    try:
        return {
            "id": int(one.TokenId.LowPart),
            "flags": int(one.TokenFlags),
            "privileges": [int(one.Privileges.Present), int(one.Privileges.Enabled)],
            "groups": sids(int(one.UserAndGroups), int(one.UserAndGroupCount)),
            "restricted": sids(int(one.RestrictedSids), int(one.RestrictedSidCount)),
            "primary group": sid(int(one.PrimaryGroup)),
        }
    except pykd.MemoryException:
        return "unreadable"


def main() -> None:
    pykd.initialize()
    pykd.loadDump(sys.argv[1])
    pykd.dbgCommand(".reload /f nt")
    nt = pykd.module("nt")
    mask = ~((1 << 4) - 1)
    processes: List[Any] = []
    threads: List[Any] = []
    tokens: Dict[int, Any] = {}
    for process in pykd.typedVarList(nt.PsActiveProcessHead, "nt!_EPROCESS", "ActiveProcessLinks"):
        reference = int(process.Token.Value)
        name = bytes(process.ImageFileName[index] & 0xFF for index in range(15))
        processes.append([int(process.UniqueProcessId), process.getAddress(), reference, name.decode("latin-1")])
        if reference:
            tokens[reference & mask] = token(reference & mask)
        head = process.ThreadListHead.getAddress()
        for thread in pykd.typedVarList(head, "nt!_ETHREAD", "ThreadListEntry"):
            word = int(thread.ClientSecurity.ImpersonationData)
            threads.append([int(thread.Cid.UniqueThread), int(thread.ActiveImpersonationInfo), word])
            if word:
                tokens[word & ~7] = token(word & ~7)
    version = pykd.dbgCommand("vertarget").splitlines()[0]
    print(json.dumps({"version": version, "processes": processes, "threads": threads, "tokens": tokens}))


main()
