"""The objects that others may want to open: descriptors, directories, named objects, devices, registry keys.

All of it is put in memory after everything else, so that processes and tokens lie where they always did.
"""

import struct
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from tests.machine.binary import sid_bytes
from tests.machine.objects import CREATOR, NAME, Objects
from tests.machine.owner import ADMINS, ANNA, AUTHENTICATED, EVERYONE, LOGON_SID, MEDIUM, SYSTEM, SYSTEM_LEVEL, USERS
from tests.machine.spec import AceSpec, DescriptorSpec, KeySpec, Machine, ObjectSpec
from tests.machine.structs import Structs, Value, link

# What the type objects of Windows 10 hold: generic read, write, execute, all; valid access.
MAPPINGS: Dict[str, Tuple[int, int, int, int, int]] = {
    "Type": (0x20000, 0x20000, 0x20000, 0xF0001, 0xF0001),
    "Directory": (0x20003, 0x2000C, 0x20003, 0xF000F, 0xF000F),
    "SymbolicLink": (0x20001, 0x20000, 0x20001, 0xF0001, 0xFFFFF),
    "Token": (0x2001A, 0x201E0, 0x20005, 0xF01FF, 0x1F01FF),
    "Process": (0x20410, 0x20BEA, 0x121001, 0x1FFFFF, 0x1FFFFF),
    "Thread": (0x20048, 0x20437, 0x121800, 0x1FFFFF, 0x1FFFFF),
    "Event": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "Device": (0x120089, 0x120116, 0x1200A0, 0x1F01FF, 0x1F01FF),
    "File": (0x120089, 0x120116, 0x1200A0, 0x1F01FF, 0x1F01FF),
    "Key": (0x20019, 0x20006, 0x20039, 0xF003F, 0x1F003F),
}
# ACE types and policies of winnt.h.
_ALLOW, _LABEL = 0x00, 0x11
NO_WRITE_UP, NO_READ_UP = 0x1, 0x2
# What a protected or service process gives administrators on real machines.
ADMINS_ON_SYSTEM = 0x121411


def label(level: str, policy: int = NO_WRITE_UP) -> Tuple[AceSpec, ...]:
    """A SACL of one mandatory label."""
    return (AceSpec(level, policy, _LABEL),)


def descriptor_of_process(machine: Machine, key: Optional[str], all_access: int) -> DescriptorSpec:
    """What a process or thread is guarded by, as new ones of that account are on Windows 10."""
    token = machine.tokens[key] if key else None
    level = token.integrity if token else SYSTEM_LEVEL
    sacl = label(level, NO_WRITE_UP | NO_READ_UP)
    if token is None or token.user != ANNA:
        dacl = (AceSpec(SYSTEM, all_access), AceSpec(ADMINS, ADMINS_ON_SYSTEM))
        return DescriptorSpec(ADMINS, SYSTEM, dacl, sacl)
    dacl = (AceSpec(ANNA, all_access), AceSpec(SYSTEM, all_access), AceSpec(LOGON_SID, ADMINS_ON_SYSTEM))
    return DescriptorSpec(ANNA, token.primary_group, dacl, sacl)


def descriptor_of_token(machine: Machine, key: str) -> DescriptorSpec:
    """A token's own: its default DACL with the generic rights of a token in their place."""
    token = machine.tokens[key]
    dacl = tuple(AceSpec(ace.sid, 0xF01FF if ace.mask & 0x10000000 else 0x2001F) for ace in token.default_dacl or ())
    owner = token.default_owner or token.user
    return DescriptorSpec(owner, token.primary_group, dacl, label(token.integrity))


_EVERYBODY = DescriptorSpec(ADMINS, SYSTEM, (AceSpec(EVERYONE, 0x20003), AceSpec(ADMINS, 0xF000F)))
_BY_SYSTEM = DescriptorSpec(ADMINS, SYSTEM, (AceSpec(SYSTEM, 0x1F0003), AceSpec(ADMINS, 0x1F0003)), label(SYSTEM_LEVEL))
_KEY_OF_ALL = DescriptorSpec(
    ADMINS, SYSTEM, (AceSpec(USERS, 0x20019, flags=2), AceSpec(ADMINS, 0xF003F, flags=2), AceSpec(SYSTEM, 0xF003F))
)
_KEY_OF_SYSTEM = DescriptorSpec(ADMINS, SYSTEM, (AceSpec(SYSTEM, 0xF003F), AceSpec(ADMINS, 0x60000)))

# Paths end with the object's name; a directory is there by being a path's part.
OBJECTS: Tuple[ObjectSpec, ...] = (
    ObjectSpec("\\BaseNamedObjects", "Directory", _EVERYBODY),
    ObjectSpec("\\Sessions\\1\\BaseNamedObjects", "Directory", _EVERYBODY),
    ObjectSpec("\\Device", "Directory", _EVERYBODY),
    ObjectSpec("\\GLOBAL??", "Directory", _EVERYBODY),
    ObjectSpec("\\BaseNamedObjects\\ServiceReady", "Event", _BY_SYSTEM),
    ObjectSpec("\\BaseNamedObjects\\serviceREADY", "Event", DescriptorSpec(ANNA, None, ())),  # an empty DACL
    ObjectSpec("\\BaseNamedObjects\\Open", "Event", DescriptorSpec(SYSTEM, SYSTEM, None, dacl_present=True)),  # null
    ObjectSpec("\\BaseNamedObjects\\Bare", "Event", None),  # no descriptor at all
    ObjectSpec(
        "\\Sessions\\1\\BaseNamedObjects\\Zo\u00eb's event",
        "Event",
        DescriptorSpec(ANNA, None, (AceSpec(ANNA, 0x1F0003), AceSpec(AUTHENTICATED, 0x100000)), label(MEDIUM)),
    ),
    ObjectSpec("\\Device\\Null", "Device", DescriptorSpec(ADMINS, SYSTEM, (AceSpec(EVERYONE, 0x1201BF),))),
    ObjectSpec("\\GLOBAL??\\NUL", "SymbolicLink", _EVERYBODY, target="\\Device\\Null"),
    ObjectSpec("\\GLOBAL??\\Loop", "SymbolicLink", _EVERYBODY, target="\\GLOBAL??\\Loop"),
    ObjectSpec("\\GLOBAL??\\Names", "SymbolicLink", _EVERYBODY, target="\\BaseNamedObjects"),
    ObjectSpec("\\BaseNamedObjects\\A file", "File", _EVERYBODY),
)
# Roots of hives end their own path; the others are below one of them.
KEYS: Tuple[KeySpec, ...] = (
    KeySpec("\\REGISTRY", _KEY_OF_ALL, hive=True),
    KeySpec("\\REGISTRY\\MACHINE\\SYSTEM", _KEY_OF_ALL, hive=True),
    KeySpec("\\REGISTRY\\MACHINE\\SAM", _KEY_OF_SYSTEM, hive=True),
    KeySpec("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001", _KEY_OF_ALL),
    KeySpec("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services", _KEY_OF_ALL),
    KeySpec("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\\u65e5\u672c", _KEY_OF_SYSTEM),
    KeySpec("\\REGISTRY\\MACHINE\\SAM\\SAM", _KEY_OF_SYSTEM),
)

DIRECTORY_BUCKETS, KEY_BUCKETS = 37, 8


def acl_bytes(aces: Sequence[AceSpec]) -> bytes:
    """Binary ACL of allowing, denying and label ACEs ([MS-DTYP] 2.4.5)."""
    body = b""
    for ace in aces:
        sid = sid_bytes(ace.sid)
        body += struct.pack("<BBHI", ace.kind, ace.flags, 8 + len(sid), ace.mask) + sid
    return struct.pack("<BBHHH", 2, 0, 8 + len(body), len(aces), 0) + body


def descriptor_bytes(one: DescriptorSpec) -> bytes:
    """Self-relative form ([MS-DTYP] 2.4.6): header, SACL, DACL, owner, group."""
    control, offsets, body = 0x8000, {}, b""
    parts: List[Tuple[str, Optional[bytes]]] = [
        ("sacl", None if one.sacl is None else acl_bytes(one.sacl)),
        ("dacl", None if one.dacl is None else acl_bytes(one.dacl)),
        ("owner", None if one.owner is None else sid_bytes(one.owner)),
        ("group", None if one.group is None else sid_bytes(one.group)),
    ]
    for name, data in parts:
        offsets[name] = 20 + len(body) if data is not None else 0
        body += data or b""
    control |= 0x0010 if one.sacl is not None else 0  # SE_SACL_PRESENT
    control |= 0x0004 if one.dacl is not None or one.dacl_present else 0  # SE_DACL_PRESENT
    head = struct.pack("<BBHIIII", 1, 0, control, offsets["owner"], offsets["group"], offsets["sacl"], offsets["dacl"])
    return head + body


class NamespaceWriter:
    """Puts descriptors on what is there already, and makes the rest."""

    def __init__(self, structs: Structs, objects: Objects) -> None:
        self.structs = structs
        self.objects = objects
        self.bodies: Dict[str, int] = {}
        self.blocks: Dict[str, int] = {}
        self.descriptors: Dict[DescriptorSpec, int] = {}
        self._entries: Dict[int, int] = {}
        bits = structs.layouts.layout("_EX_FAST_REF").field("RefCnt").bits
        self._references = (1 << bits[1]) - 1 if bits else 0

    # --- descriptors

    def descriptor(self, one: DescriptorSpec) -> int:
        """Address of the descriptor; equal ones are one, as the kernel keeps them."""
        if one not in self.descriptors:
            data = descriptor_bytes(one)
            at = self.objects.block(len(data), b"ObSc")
            self.structs.memory.write(at, data)
            self.descriptors[one] = at
        return self.descriptors[one]

    def guard(self, body: int, one: Optional[DescriptorSpec]) -> None:
        """Point the object's header to its descriptor, with a count of references in the low bits."""
        pointer = self.descriptor(one) | (body >> 4 & self._references) if one is not None else 0
        header = body - self.structs.offset("_OBJECT_HEADER", "Body")
        self.structs.put("_OBJECT_HEADER", header, {"SecurityDescriptor": pointer})

    def guard_all(self, machine: Machine, processes: Mapping[int, int], threads: Mapping[int, int]) -> None:
        """Processes and their threads, by the token that they run with."""
        for process in machine.processes:
            one = process.descriptor or descriptor_of_process(machine, process.token, 0x1FFFFF)
            self.guard(processes[process.pid], one)
            for thread in process.threads:
                self.guard(threads[thread.tid], one)

    # --- types

    def types(self, table: int, variables: Mapping[str, int]) -> None:
        """The type objects that the rest needs, and every type's mapping."""
        self.objects.make_more_types(table)
        for kind, at in self.objects.types.items():
            names = ("GenericRead", "GenericWrite", "GenericExecute", "GenericAll")
            values: Dict[str, Value] = {
                "TypeInfo.GenericMapping." + name: mask for name, mask in zip(names, MAPPINGS[kind])
            }
            values["TypeInfo.ValidAccessMask"] = MAPPINGS[kind][4]
            self.structs.put("_OBJECT_TYPE", at, values)
        for variable, kind in (
            ("CmKeyObjectType", "Key"),
            ("IoFileObjectType", "File"),
            ("IoDeviceObjectType", "Device"),
        ):
            if variable in variables:
                self.structs.pointer(variables[variable], self.objects.types[kind])

    # --- named objects

    def namespace(self, objects: Sequence[ObjectSpec], root: int) -> None:
        """The directory that `root` (nt!ObpRootDirectoryObject) points to, and all objects below it."""
        self.bodies["\\"] = self._make("Directory", "", 0)
        self.structs.pointer(root, self.bodies["\\"])
        for one in objects:
            parent = self._directory(one.path.rpartition("\\")[0])
            self.bodies[one.path] = body = self._make(one.kind, one.path.rpartition("\\")[2], parent)
            if one.kind == "Device":
                pointer = self.descriptor(one.descriptor) if one.descriptor is not None else 0
                self.structs.put("_DEVICE_OBJECT", body, {"SecurityDescriptor": pointer})
            else:
                self.guard(body, one.descriptor)
            if one.target:
                self.objects.unicode_string(
                    body + self.structs.offset("_OBJECT_SYMBOLIC_LINK", "LinkTarget"), one.target, b"Symt"
                )

    def _directory(self, path: str) -> int:
        if not path:
            return self.bodies["\\"]
        if path not in self.bodies:
            parent = self._directory(path.rpartition("\\")[0])
            self.bodies[path] = self._make("Directory", path.rpartition("\\")[2], parent)
            self.guard(self.bodies[path], _EVERYBODY)
        return self.bodies[path]

    def _make(self, kind: str, name: str, parent: int) -> int:
        s = self.structs
        sizes = {"Directory": "_OBJECT_DIRECTORY", "SymbolicLink": "_OBJECT_SYMBOLIC_LINK", "Device": "_DEVICE_OBJECT"}
        sizes["File"] = "_FILE_OBJECT"
        size = s.size(sizes[kind]) if kind in sizes else 0x18  # an event is a dispatcher header
        # Every other object was made with a creator's header as well, which lies between name and object header.
        mask = (NAME | (CREATOR if len(name) % 2 else 0)) if name else 0
        body = self.objects.create(kind, size, mask=mask)
        if name:
            before = s.size("_OBJECT_HEADER_NAME_INFO")
            before += s.size("_OBJECT_HEADER_CREATOR_INFO") if mask & CREATOR else 0
            info = body - s.offset("_OBJECT_HEADER", "Body") - before
            s.put("_OBJECT_HEADER_NAME_INFO", info, {"Directory": parent})
            self.objects.unicode_string(info + s.offset("_OBJECT_HEADER_NAME_INFO", "Name"), name, b"ObNm")
            self._enter(parent, name, body)
        return body

    def _enter(self, directory: int, name: str, body: int) -> None:
        """Put an entry in front of its bucket's chain; names with a blank lie in a bucket that no hash gives."""
        s = self.structs
        hashed = 0
        for character in name.upper():
            hashed = (hashed * 3 + hashed // 2 + ord(character)) % (1 << 32)
        bucket = (hashed + (5 if " " in name else 0)) % DIRECTORY_BUCKETS
        place = directory + s.offset("_OBJECT_DIRECTORY", "HashBuckets") + bucket * s.layouts.pointer_size
        entry = self.objects.block(s.size("_OBJECT_DIRECTORY_ENTRY"), b"ObDi")
        before = int.from_bytes(s.memory.peek(place, s.layouts.pointer_size), "little")
        values: Dict[str, Value] = {"ChainLink": before, "Object": body, "HashValue": hashed}
        s.put("_OBJECT_DIRECTORY_ENTRY", entry, values)
        s.pointer(place, entry)

    # --- registry

    def registry(self, keys: Sequence[KeySpec], head: int) -> None:
        """Hives on the list at `head` (nt!CmpHiveListHead), and the control blocks of the keys."""
        s = self.structs
        if not s.has("_CM_KEY_CONTROL_BLOCK"):
            return
        hives: Dict[str, Tuple[int, int]] = {}
        for one in keys:
            root = max((path for path in hives if (one.path + "\\").startswith(path + "\\")), key=len, default="")
            block = self._block(one, self._parent(one.path, root))
            if one.hive:
                table = self.objects.block(KEY_BUCKETS * s.size("_CM_KEY_HASH_TABLE_ENTRY"), b"CMkb")
                hive = self.objects.block(s.size("_CMHIVE"), b"CM10", own_pages=True)
                values: Dict[str, Value] = {"KcbCacheTable": table, "KcbCacheTableSize": KEY_BUCKETS, "RootKcb": block}
                # Whoever walks the list believes in a hive by this; Volatility scans all pools where one has it not.
                values["Hive.Signature"] = 0xBEE0BEE0
                s.put("_CMHIVE", hive, values)
                self.objects.unicode_string(hive + s.offset("_CMHIVE", "HiveRootPath"), one.path)
                hives[one.path] = hive, table
                root = one.path
            self._hash(one.path, block, hives[root][1])
        entry = s.offset("_CMHIVE", "HiveList")
        link(s, head, tuple(hive + entry for hive, _ in hives.values()))

    def _parent(self, path: str, root: str) -> int:
        parent = path.rpartition("\\")[0]
        if not parent:
            return 0
        # A hive's own root hangs below a key of another hive, whose block need not be there.
        return self.blocks.get(parent, self.blocks.get(root, 0))

    def _block(self, one: KeySpec, parent: int) -> int:
        s = self.structs
        name = one.path.rpartition("\\")[2]
        narrow = all(ord(character) < 256 for character in name)
        data = name.encode("latin-1") if narrow else name.encode("utf-16-le")
        start = s.offset("_CM_NAME_CONTROL_BLOCK", "Name")
        names = self.objects.block(max(start + len(data), s.size("_CM_NAME_CONTROL_BLOCK")), b"CMnb")
        s.put("_CM_NAME_CONTROL_BLOCK", names, {"Compressed": int(narrow), "NameLength": len(data)})
        s.memory.write(names + start, data)
        guard = descriptor_bytes(one.descriptor)
        inside = s.offset("_CM_KEY_SECURITY_CACHE", "Descriptor")
        cache = self.objects.block(inside + len(guard), b"CMSc")
        s.put("_CM_KEY_SECURITY_CACHE", cache, {"DescriptorLength": len(guard)})
        s.memory.write(cache + inside, guard)
        block = self.objects.block(s.size("_CM_KEY_CONTROL_BLOCK"), b"CMkb")
        values: Dict[str, Value] = {"ParentKcb": parent, "NameBlock": names, "CachedSecurity": cache}
        s.put("_CM_KEY_CONTROL_BLOCK", block, values)
        self.blocks[one.path] = block
        return block

    def _hash(self, path: str, block: int, table: int) -> None:
        """Chain the block into its hive's table; keys with a name beyond Latin-1 lie in a bucket that no hash gives."""
        s = self.structs
        hashed = 0
        for character in path.upper().replace("\\", ""):
            hashed = (hashed * 37 + ord(character)) % (1 << 32)
        member = "KeyHash.ConvKey.Hash" if s.has("_CM_KEY_CONTROL_BLOCK", "KeyHash.ConvKey.Hash") else "KeyHash.ConvKey"
        bucket = hashed * 314159269 % 1000000007 % KEY_BUCKETS
        if any(ord(character) > 255 for character in path):
            bucket = (bucket + 3) % KEY_BUCKETS
        place = table + bucket * s.size("_CM_KEY_HASH_TABLE_ENTRY") + s.offset("_CM_KEY_HASH_TABLE_ENTRY", "Entry")
        before = int.from_bytes(s.memory.peek(place, s.layouts.pointer_size), "little")
        s.put("_CM_KEY_CONTROL_BLOCK", block, {member: hashed, "KeyHash.NextHash": before})
        s.pointer(place, block + s.offset("_CM_KEY_CONTROL_BLOCK", "KeyHash"))
