"""SIDs of a token that lie where they do not belong: a pointer that leads out of the token's own memory.

A token's groups and restricting SIDs lie behind it, in the VariableLength bytes of its VariablePart: first the array,
then the SIDs.  Seen in public `dt nt!_TOKEN` listings of 10.0 (an explorer.exe: VariablePart holds UserAndGroups +
0x10 * UserAndGroupCount, which is the first SID's address; an AppContainer's the same).  Where _TOKEN.TokenSidValues
is not null, its block holds SIDs too, and whose label was set later may have it elsewhere: neither is blamed, nor is
a token of which no SID at all lies behind it, since then its build keeps them elsewhere.
"""

from typing import List, Mapping, Sequence

from kdtoken.decode.structure import Structure
from kdtoken.model.absent import Maybe


def strays(s: Structure, places: Mapping[str, Sequence[Maybe[int]]], label: Maybe[int]) -> List[str]:
    """What is wrong with where the SIDs of a token lie, a sentence a list.

    places  "UserAndGroups", "RestrictedSids" -> the pointer of each entry
    label   IntegrityLevelIndex
    """
    length = s.uint("VariableLength")
    if not isinstance(length, int) or not length or not s.has("VariablePart"):
        return []
    start = s.address_of("VariablePart")
    found: List[str] = []
    for name, pointers in places.items():
        known = [(at, pointer) for at, pointer in enumerate(pointers) if isinstance(pointer, int) and pointer]
        if name == "UserAndGroups":
            known = [one for one in known if one[0] != label]
        out = [one for one in known if not start <= one[1] < start + length]
        elsewhere = s.has("TokenSidValues") and s.uint("TokenSidValues") != 0
        if not out or len(out) == len(known) or elsewhere:
            continue
        entries = ", ".join("%d" % at for at, _ in out[:4]) + (" ..." if len(out) > 4 else "")
        found.append(
            "%s: SIDs of entries %s (0x%x ...) lie outside the %d bytes that the token has for them, "
            "so they may be another's" % (name, entries, out[0][1], length)
        )
    return found
