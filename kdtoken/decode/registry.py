"""Registry keys: from a path to the key control block that guards it.

A key's descriptor is not in the key's own pages: `_CM_KEY_CONTROL_BLOCK.CachedSecurity` leads to a `_CM_KEY_SECURITY_CACHE`
that holds it.  Control blocks are there for keys that are open or were lately; each hive (`_CMHIVE`, all of them on
nt!CmpHiveListHead) has a hash table of its own.  Layouts and variables are those of the public symbols.
"""

from typing import Iterator, List, NamedTuple, Optional, Set, Tuple, Union

from kdtoken.decode.descriptor import read_descriptor
from kdtoken.decode.object_header import unicode_string
from kdtoken.decode.structure import Structure, read_members, read_structure
from kdtoken.errors import ObjectNotFound
from kdtoken.layout.layout import stride
from kdtoken.model.absent import Maybe, Missing
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.source.base import Source, read_span

KCB, BODY, SECURITY, NAME, HIVE, TABLE = (
    "_CM_KEY_CONTROL_BLOCK",
    "_CM_KEY_BODY",
    "_CM_KEY_SECURITY_CACHE",
    "_CM_NAME_CONTROL_BLOCK",
    "_CMHIVE",
    "_CM_KEY_HASH_TABLE_ENTRY",
)
HIVES = "CmpHiveListHead"
_BLOCK = ("KeyHash", "ParentKcb", "NameBlock", "CachedSecurity")
_HIVE = ("HiveList", "KcbCacheTable", "KcbCacheTableSize", "HiveRootPath", "RootKcb")
_ABBREVIATED = (
    ("HKLM", "\\REGISTRY\\MACHINE"),
    ("HKEY_LOCAL_MACHINE", "\\REGISTRY\\MACHINE"),
    ("HKU", "\\REGISTRY\\USER"),
    ("HKEY_USERS", "\\REGISTRY\\USER"),
)
# LEARN, RegLoadKey: a hive is loaded right below HKEY_LOCAL_MACHINE or HKEY_USERS, so its root's path has three names.
_LOADED = 3
_MAX_DEPTH = 512  # the registry allows 512 levels
_MAX_HIVES = 4096
_MAX_BLOCKS = 1_000_000
# Constants of the hash over a key's path, as the open configuration manager of ReactOS has them (ntoskrnl/include/internal/
# cm.h); where a build hashes otherwise, the guess is wrong and every bucket is looked through.
_FACTOR, _IRRATIONAL, _PRIME = 37, 314159269, 1000000007


class Key(NamedTuple):
    """A key: its control block, and its path with the names as they are spelled."""

    block: int
    path: str


class _Hive(NamedTuple):
    names: int  # so many names its root path has, by its length
    path: Structure  # where the text of that path stands, which is not read yet
    root: int  # its root key's control block
    table: int
    buckets: int

    def root_path(self, target: Source) -> Optional[str]:
        """The text, in a request of its own; None where it cannot be read."""
        text = unicode_string(target, self.path, "HiveRootPath")
        return text.rstrip("\\") if isinstance(text, str) else None


def key_of_body(target: Source, body: int) -> Maybe[int]:
    """The control block of a key object (`_CM_KEY_BODY`)."""
    return read_members(target, BODY, body, ["KeyControlBlock"]).uint("KeyControlBlock")


def key_descriptor(target: Source, block: int) -> Maybe[Optional[SecurityDescriptor]]:
    """The descriptor that a control block's CachedSecurity holds; None for a null pointer."""
    cached = read_members(target, KCB, block, ["CachedSecurity"]).uint("CachedSecurity")
    if isinstance(cached, Missing):
        return cached
    if cached == 0:
        return None
    s = read_members(target, SECURITY, cached, ["Descriptor"])
    return read_descriptor(target, s.address_of("Descriptor"))


def key_path(target: Source, block: int) -> str:
    """The path of a control block, by the names of its parents; unreadable ones are "?"."""
    names: List[str] = []
    while block and len(names) < _MAX_DEPTH:
        name, parent = _name_and_parent(target, block)
        names.append("?" if name is None else name)
        block = parent
    return "".join("\\" + name for name in reversed(names))


def find_key(target: Source, path: str) -> Key:
    """The control block of a key by its path: \\REGISTRY\\MACHINE\\..., or HKLM\\..., any letter case.

    Raises ObjectNotFound: for no such path, and for a key that the kernel does not have in memory.
    """
    wanted = full_path(path)
    parts = _parts(wanted)
    waiting: List[_Hive] = []
    torn, held = "", False
    for hive in _hives(target, parts):
        if isinstance(hive, str):
            torn = hive
        elif hive.names != _LOADED:
            waiting.append(hive)
        else:  # no hive lies below a loaded one, so the others need not be asked
            found = _in_hive(target, hive, parts)
            held = held or found is not None
            if found:
                return found
    for hive in sorted(waiting, key=lambda one: -one.names):
        found = None if held else _in_hive(target, hive, parts)
        held = held or found is not None
        if found:
            return found
    if not held:
        raise ObjectNotFound(
            "no hive that is loaded holds %s%s" % (wanted, "; " + torn if torn else ""),
            wanted,
            "!reg hivelist lists them",
        )
    raise ObjectNotFound(
        "the key %s is not in the kernel's memory: only keys that are open, or were lately, have their descriptor there%s"
        % (wanted, "; " + torn if torn else ""),
        wanted,
        "open it on the machine first, or give its descriptor as text (Get-Acl, or SDDL) with --type key",
    )


def _in_hive(target: Source, hive: _Hive, parts: List[str]) -> Union[Key, Tuple[()], None]:
    """The key, () where the hive holds the path and has no block for it, None where it is another's path."""
    root_path = hive.root_path(target)
    if root_path is None or not _starts(parts, root_path):
        return None
    rest = parts[hive.names :]
    if not rest:
        return Key(hive.root, root_path)
    for block in _blocks(target, hive, parts):
        spelled = _spelled_under(target, block, hive, rest)
        if spelled is not None:
            return Key(block, root_path + "".join("\\" + name for name in spelled))
    return ()


def full_path(path: str) -> str:
    """The kernel's name of a registry path."""
    stripped = path.strip().rstrip("\\")
    first, _, rest = stripped.partition("\\")
    for short, long in _ABBREVIATED:
        if first.upper() == short:
            return long + ("\\" + rest if rest else "")
    if not stripped.upper().startswith("\\REGISTRY"):
        raise ObjectNotFound(
            "%s is no path of the kernel's registry" % path,
            path,
            "\\REGISTRY\\MACHINE\\... (HKLM\\...) or \\REGISTRY\\USER\\SID\\... (HKU\\SID\\...)",
        )
    return stripped


def _parts(path: str) -> List[str]:
    return [part for part in path.split("\\") if part]


def _starts(parts: List[str], root_path: str) -> bool:
    root = _parts(root_path)
    return bool(root) and [part.lower() for part in parts[: len(root)]] == [part.lower() for part in root]


def _hives(target: Source, parts: List[str]) -> Iterator[Union[_Hive, str]]:
    """The hives that may hold a path, or (as text) why the list ends early.

    A request each; the text of a hive's own path is asked for only where its length fits a beginning of the path.
    """
    sizes = {
        2 * sum(1 + len(part) for part in parts[:count]) + more: count
        for count in range(len(parts) + 1)
        for more in (0, 2)
    }
    head = target.symbol(HIVES)
    link = target.layout(HIVE).field("HiveList").offset
    at = read_structure(target, "_LIST_ENTRY", head).uint("Flink")
    seen: Set[int] = set()
    while at != head:
        if isinstance(at, Missing) or not at or at in seen or len(seen) > _MAX_HIVES:
            yield "the list of hives is torn: %s" % (at if isinstance(at, Missing) else "at 0x%x" % at)
            return
        seen.add(at)
        s = read_members(target, HIVE, at - link, _HIVE)
        length, root = s.uint("HiveRootPath.Length"), s.uint("RootKcb")
        names = sizes.get(length) if isinstance(length, int) else None
        table, buckets = s.uint("KcbCacheTable"), s.uint("KcbCacheTableSize")
        if names is not None and isinstance(root, int) and isinstance(table, int) and isinstance(buckets, int):
            yield _Hive(names, s, root, table, buckets)
        at = s.uint("HiveList.Flink")


def _blocks(target: Source, hive: _Hive, parts: List[str]) -> Iterator[int]:
    """Control blocks of a hive: first those of the buckets that the path should be in, then all others."""
    if not hive.table or not 0 < hive.buckets <= _MAX_BLOCKS:
        return
    seen: Set[int] = set()
    size = stride(target.layout(TABLE), target.layout)
    likely = _bucket(hive, parts, 0)
    yield from _chain(target, read_structure(target, TABLE, hive.table + likely * size).uint("Entry"), seen)
    root = _root_hash(target, hive)  # where a hive's root is hashed otherwise than from its path
    if root is not None and _bucket(hive, parts[hive.names :], root) != likely:
        likely = _bucket(hive, parts[hive.names :], root)
        yield from _chain(target, read_structure(target, TABLE, hive.table + likely * size).uint("Entry"), seen)
    span = read_span(target, hive.table, hive.buckets * size)
    for number in range(hive.buckets):
        yield from _chain(target, Structure(target, TABLE, hive.table + number * size, span).uint("Entry"), seen)


def _chain(target: Source, entry: Maybe[int], seen: Set[int]) -> Iterator[int]:
    place = target.layout(KCB).field("KeyHash").offset
    while isinstance(entry, int) and entry and entry not in seen and len(seen) < _MAX_BLOCKS:
        seen.add(entry)
        yield entry - place
        entry = read_members(target, "_CM_KEY_HASH", entry, ["NextHash"]).uint("NextHash")


def _root_hash(target: Source, hive: _Hive) -> Optional[int]:
    s = read_members(target, KCB, hive.root, ["KeyHash"])
    hashed = s.uint("KeyHash.ConvKey.Hash") if s.has("KeyHash.ConvKey.Hash") else s.uint("KeyHash.ConvKey")
    return hashed if isinstance(hashed, int) else None


def _bucket(hive: _Hive, names: List[str], hashed: int) -> int:
    """Where names most likely are in the hive's table, from the hash of what stands before them on."""
    for name in names:
        for character in name.upper():
            hashed = (hashed * _FACTOR + ord(character)) & 0xFFFFFFFF
    return hashed * _IRRATIONAL % _PRIME % hive.buckets


def _spelled_under(target: Source, block: int, hive: _Hive, rest: List[str]) -> Optional[List[str]]:
    """The names from the hive's root to the block, if they are those of the path; None if not.

    The last name is compared first, so that hardly a block needs its parents read.
    """
    spelled: List[str] = []
    for wanted in reversed(rest):
        name, parent = _name_and_parent(target, block)
        if name is None or name.lower() != wanted.lower():
            return None
        spelled.insert(0, name)
        block = parent
    return spelled if block == hive.root else None


def _name_and_parent(target: Source, block: int) -> Tuple[Optional[str], int]:
    s = read_members(target, KCB, block, _BLOCK)
    parent, name_block = s.uint("ParentKcb"), s.uint("NameBlock")
    name = None if isinstance(name_block, Missing) or not name_block else _name(target, name_block)
    return name, parent if isinstance(parent, int) else 0


def _name(target: Source, address: int) -> Optional[str]:
    """The text of a `_CM_NAME_CONTROL_BLOCK`: a byte a character where Compressed is set, else UTF-16."""
    s = read_structure(target, NAME, address, after=64)
    compressed, length = s.uint("Compressed"), s.uint("NameLength")
    if isinstance(compressed, Missing) or isinstance(length, Missing):
        return None
    span = read_span(target, s.address_of("Name"), length) if length else None
    if span is None:
        return ""
    if span.holes:
        return None
    data = span.pieces[0][1]
    return data.decode("latin-1") if compressed else data.decode("utf-16-le", "backslashreplace")
