"""What a type of object means by an access mask: its generic mapping, the bits that it has, and their names.

On a machine both come from the type itself (``_OBJECT_TYPE.TypeInfo``).  Where there is none, as with an SDDL text,
the mappings of the headers stand in, and say so: winnt.h (FILE_GENERIC_*,
KEY_*, TOKEN_*, SECTION_*) and the pages on the security of each type.
"""

import re
from typing import Dict, Sequence, Tuple

from kdtoken.errors import BadFormat
from kdtoken.frozen import dataclass
from kdtoken.model.access_mask import GENERIC, SPECIFIC, STANDARD, mask_words

TARGET = "target"  # read from the machine's own _OBJECT_TYPE
DOCUMENTED = "documented"  # from the headers

GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE, GENERIC_ALL = 0x80000000, 0x40000000, 0x20000000, 0x10000000

# What people call the generic rights and the wish for everything.
_WISHES = {
    "read": GENERIC_READ,
    "write": GENERIC_WRITE,
    "execute": GENERIC_EXECUTE,
    "all": GENERIC_ALL,
    "maximum": 0x02000000,
}
# More digits than a mask has are refused below; thousands of them Python itself refuses.
_NUMBER = re.compile(r"0x[0-9a-f]{1,99}\Z|[0-9]{1,99}\Z", re.IGNORECASE | re.ASCII)
# Prefixes that the headers put before a type's rights.
_PREFIXES = {
    "token": "TOKEN_",
    "alpc port": "PORT_",
    "iocompletion": "IO_COMPLETION_",
    "windowstation": "WINSTA_",
    "scmanager": "SC_MANAGER_",
}


@dataclass(frozen=True)
class GenericMapping:
    """``_GENERIC_MAPPING``: what each generic right stands for, four masks of 32 bits."""

    read: int
    write: int
    execute: int
    all: int

    def map(self, mask: int) -> int:
        """The mask with its generic bits replaced by what they stand for."""
        for bit, meaning in (
            (GENERIC_READ, self.read),
            (GENERIC_WRITE, self.write),
            (GENERIC_EXECUTE, self.execute),
            (GENERIC_ALL, self.all),
        ):
            if mask & bit:
                mask = mask & ~bit | meaning
        return mask


@dataclass(frozen=True)
class ObjectType:
    """A type of object: ``name`` as the kernel spells it, ``valid_access`` the bits that a handle can carry.

    ``origin`` is ``target`` (read from the machine's own type object) or ``documented`` (from the headers).
    """

    name: str
    mapping: GenericMapping
    valid_access: int
    origin: str = TARGET

    @property
    def rights(self) -> Dict[str, int]:
        """Name -> bit: specific, standard, generic and special rights that this type can be asked for."""
        found = {name: bit for bit, name in SPECIFIC.get(self.name.lower(), {}).items()}
        found.update({name: bit for bit, name in STANDARD.items()})
        found.update({name: bit for bit, name in GENERIC.items()})
        return found

    def words(self, mask: int) -> Tuple[str, ...]:
        """Words for a mask, see :func:`kdtoken.model.access_mask.mask_words`."""
        return mask_words(mask, self.name)

    def parse_access(self, text: str) -> int:
        """The mask that a person wrote: words and numbers joined by ``|``, ``,`` or ``+``.

        Words are the type's rights with or without their prefix (``VM_READ``, ``PROCESS_VM_READ``), ``ALL_ACCESS``,
        and ``read``, ``write``, ``execute``, ``all``, ``maximum``.  :class:`BadFormat` says what there is.
        """
        mask = 0
        words = [word for word in re.split(r"[|,+\s]+", text) if word]
        if not words:
            raise BadFormat("no access is named", text, "name rights, for instance %s" % self._examples())
        for word in words:
            mask |= self._one(word)
        return mask

    def _one(self, word: str) -> int:
        if _NUMBER.match(word):
            try:
                number = int(word, 0)
            except ValueError:  # 0-led decimals
                number = int(word, 10)
            if number >> 32:
                raise BadFormat("an access mask has 32 bits, %s has more" % word, word, "at most 0xffffffff")
            return number
        if word.lower() in _WISHES:
            return _WISHES[word.lower()]
        name, rights = word.upper(), self.rights
        kind = self.name.upper().replace(" ", "_")
        prefix = _PREFIXES.get(self.name.lower(), kind + "_")
        for start in ("", prefix, kind + "_"):
            bare = name[len(start) :] if name.startswith(start) else name
            if bare in rights:
                return rights[bare]
            if bare == "ALL_ACCESS":
                return self.mapping.all
            if start == "KEY_" and bare in ("READ", "WRITE", "EXECUTE"):  # winnt.h's names for what these map to
                return _WISHES[bare.lower()]
        if name.startswith("0X"):
            raise BadFormat(
                "%s is no number" % word, word, "a mask is 0x and hexadecimal digits, or the names of rights"
            )
        hexadecimal = "did you mean 0x%s? " % word if re.match(r"[0-9][0-9a-f]{0,7}\Z", word, re.IGNORECASE) else ""
        raise BadFormat(
            "the type %s has no access right %s" % (self.name, word),
            word,
            "%sit has %s" % (hexadecimal or near(word, [*rights, *_WISHES]), ", ".join(sorted(rights))),
        )

    def _examples(self) -> str:
        return ", ".join(list(self.rights)[:2] + ["read", "maximum"])


def near(word: str, known: Sequence[str]) -> str:
    """ "did you mean X? " for the known word that a mistyped one is nearest to, letter case ignored; else nothing."""
    import difflib  # costs time, which only an error should

    folded = {one.lower(): one for one in known}
    found = difflib.get_close_matches(word.lower(), list(folded), 1, 0.7)
    return "did you mean %s? " % folded[found[0]] if found else ""


def _documented(read: int, write: int, execute: int, all_access: int) -> Tuple[GenericMapping, int]:
    return GenericMapping(read, write, execute, all_access), all_access


_SYNC_STATE = _documented(0x00020001, 0x00020002, 0x00120000, 0x001F0003)
# Unions that winnt.h, winuser.h and the pages on each type's access rights spell out; the write and execute mappings
# of processes, threads and tokens are not spelled out anywhere, and are those that a Windows 10 kernel's types hold.
# A machine's own type is asked first, always.
_MAPPINGS: Dict[str, Tuple[str, Tuple[GenericMapping, int]]] = {
    "file": ("File", _documented(0x00120089, 0x00120116, 0x001200A0, 0x001F01FF)),
    "file directory": ("File Directory", _documented(0x00120089, 0x00120116, 0x001200A0, 0x001F01FF)),
    "key": ("Key", _documented(0x00020019, 0x00020006, 0x00020019, 0x000F003F)),
    "process": ("Process", _documented(0x00020410, 0x00020BEA, 0x00121001, 0x001FFFFF)),
    "thread": ("Thread", _documented(0x00020048, 0x00020437, 0x00121800, 0x001FFFFF)),
    "token": ("Token", _documented(0x0002001A, 0x000201E0, 0x00020005, 0x000F01FF)),
    "section": ("Section", _documented(0x00020005, 0x00020002, 0x00020008, 0x000F001F)),
    "event": ("Event", _SYNC_STATE),
    "semaphore": ("Semaphore", _SYNC_STATE),
    "timer": ("Timer", _SYNC_STATE),
    "mutant": ("Mutant", _documented(0x00020001, 0x00020000, 0x00120000, 0x001F0001)),
    "directory": ("Directory", _documented(0x00020003, 0x0002000C, 0x00020003, 0x000F000F)),
    "desktop": ("Desktop", _documented(0x00020041, 0x000200BE, 0x00020100, 0x000F01FF)),
    "windowstation": ("WindowStation", _documented(0x00020303, 0x0002001C, 0x00020060, 0x000F037F)),
    # LEARN, "Service Security and Access Rights"; the service control manager guards both itself.
    "service": ("Service", _documented(0x0002008D, 0x00020002, 0x00020170, 0x000F01FF)),
    "scmanager": ("SCManager", _documented(0x00020014, 0x00020022, 0x00020009, 0x000F003F)),
}
# Other names that people use.
_ALIASES = {"mutex": "mutant", "registry": "key", "folder": "file directory", "winsta": "windowstation"}


def documented_type(name: str) -> ObjectType:
    """The type by its name, letter case ignored, from the headers; :class:`BadFormat` lists those that there are."""
    key = name.strip().lower()
    key = _ALIASES.get(key, key)
    if key not in _MAPPINGS:
        raise BadFormat(
            "no documented mapping of rights for objects of type %s" % (name.strip() or "(none)"),
            name,
            "%sone of %s; or name the object on a machine, whose own type says it"
            % (near(key, list(_MAPPINGS)), ", ".join(sorted(_MAPPINGS))),
        )
    spelled, (mapping, valid) = _MAPPINGS[key]
    return ObjectType(spelled, mapping, valid, DOCUMENTED)
