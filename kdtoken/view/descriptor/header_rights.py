"""Rights as the headers spell them, prefix and all: FILE_READ_DATA, KEY_QUERY_VALUE, SERVICE_ALL_ACCESS, READ_CONTROL."""

from functools import lru_cache
from typing import Dict, FrozenSet, List, Sequence, Tuple

from kdtoken.model.access_mask import ALL_ACCESS, GENERIC, SPECIFIC, STANDARD

# Where the headers' prefix is not the type's name: winnt.h, winsvc.h, winuser.h, wdm.h.
_PREFIXES: Dict[str, str] = {
    "file directory": "FILE_",
    "job": "JOB_OBJECT_",
    "symboliclink": "SYMBOLIC_LINK_",
    "windowstation": "WINSTA_",
    "iocompletion": "IO_COMPLETION_",
    "alpc port": "PORT_",
    "type": "OBJECT_TYPE_",
    "partition": "MEMORY_PARTITION_",
    "scmanager": "SC_MANAGER_",
}
# Unions that the headers name.
_UNIONS: Dict[str, Tuple[Tuple[str, int], ...]] = {
    "file": (("FILE_GENERIC_READ", 0x120089), ("FILE_GENERIC_WRITE", 0x120116), ("FILE_GENERIC_EXECUTE", 0x1200A0)),
    "key": (("KEY_READ", 0x20019), ("KEY_WRITE", 0x20006), ("KEY_EXECUTE", 0x20019)),
    "mutant": (("MUTEX_MODIFY_STATE", 0x1), ("MUTEX_ALL_ACCESS", 0x1F0001)),
}
_Meaning = Tuple[int, FrozenSet[str]]  # the mask, and the types that have the word; no types: every type


@lru_cache(maxsize=1)
def _words() -> Dict[str, _Meaning]:
    found: Dict[str, _Meaning] = {}

    def add(word: str, mask: int, kind: str) -> None:
        before = found.get(word, (mask, frozenset()))[1]
        found[word] = (mask, before | {kind})

    for kind, rights in SPECIFIC.items():
        prefix = _PREFIXES.get(kind, kind.upper().replace(" ", "_") + "_")
        for bit, name in rights.items():
            add(prefix + name, bit, kind)
        add(prefix + "ALL_ACCESS", ALL_ACCESS[kind], kind)
        for word, mask in _UNIONS.get(kind, ()):
            add(word, mask, kind)
    for table in (STANDARD, GENERIC):
        for bit, name in table.items():
            found[name] = (bit, frozenset())
    return found


class HeaderRights:
    """The rights of one ACE, word by word.

    words    how many were given;  unknown  those that no header has
    mask     their union;  kinds  the types that have them all, None as long as any type has
    """

    def __init__(self) -> None:
        self.words = 0
        self.mask = 0
        self.unknown: List[str] = []
        self._kinds: List[FrozenSet[str]] = []

    def add(self, word: str) -> bool:
        """Whether the word is known."""
        self.words += 1
        if word[:2] == "0x":
            self.mask |= int(word, 16)
            return True
        meaning = _words().get(word)
        if meaning is None:
            self.unknown.append(word)
            return False
        mask, kinds = meaning
        self.mask |= mask
        if kinds:
            self._kinds.append(kinds)
        return True

    @staticmethod
    def type_of(several: Sequence["HeaderRights"]) -> str:
        """The type whose rights the ACEs of one descriptor have, "" where they do not tell it.

        A file and a directory of the file system share their ALL_ACCESS: "file" then.
        """
        sets = [kinds for one in several for kinds in one._kinds]
        if not sets:
            return ""
        left = sorted(frozenset.intersection(*sets))
        if left == ["file", "file directory"]:
            return "file"
        return left[0] if len(left) == 1 else ""
