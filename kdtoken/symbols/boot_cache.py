"""What a kernel put into its variables at the start and leaves there until the next: read once a boot, kept on disk.

Over a wire each variable that lies apart is a request.  Where the table of process ids lies, the types of objects, the
cookie that hides them: none of it moves while the machine runs, so the next `!py` need not ask again.  Which boot it is
is proven first, every time: by nt!KeBootTime, the moment of the start to 100 ns, at the address where this boot loaded
nt.  A clock that is set moves KeBootTime, and then all is read anew.

One file a PDB beside its layouts (symbols.layout_cache: sealed lines, the user's own, safe under two sessions at once).
"""

from typing import Dict, Optional

from kdtoken.symbols.layout_cache import LineFile

FORMAT = "boots-1"
# Longest believable variable: the head of nt!ObTypeIndexTable.
_LIMIT = 0x1000


class BootCache:
    """The boots of one build that this user has looked at: a source.base.BootMemory."""

    def __init__(self, pdb: str, digest: str) -> None:
        """Both as LayoutCache has them."""
        self._file = LineFile(FORMAT, pdb, digest)

    def recall(self, place: int, proof: bytes) -> Optional[Dict[str, bytes]]:
        """As source.base.BootMemory has it; None as well where a line is torn, damaged or foreign."""
        kept = self._file.get("%x" % place, proof.hex())
        if not isinstance(kept, dict):
            return None
        try:
            found = {name: bytes.fromhex(text) for name, text in kept.items()}
        except (TypeError, ValueError):
            return None
        return found if all(0 < len(data) <= _LIMIT for data in found.values()) else None

    def keep(self, place: int, proof: bytes, values: Dict[str, bytes]) -> None:
        """As source.base.BootMemory has it."""
        self._file.add("%x" % place, proof.hex(), {name: data.hex() for name, data in values.items()})
