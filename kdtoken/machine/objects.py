"""Objects of the kernel and what guards them: by address, by name, or as the process, thread or token of a process."""

from typing import Dict, Optional

from kdtoken.decode.cid_table import thread_by_id
from kdtoken.decode.descriptor import read_descriptor
from kdtoken.decode.directory import find_path, object_name
from kdtoken.decode.fast_ref import fast_ref_mask
from kdtoken.decode.object_header import PROCESS_TYPE, THREAD_TYPE, TOKEN_TYPE, body_offset, type_object
from kdtoken.decode.object_header import TYPE as HEADER
from kdtoken.decode.object_type import read_object_type
from kdtoken.decode.process import pointer_bytes, process_details
from kdtoken.decode.registry import find_key, key_descriptor, key_of_body, key_path
from kdtoken.decode.sids import read_sid
from kdtoken.decode.structure import pointer_width, read_members
from kdtoken.decode.thread import walk_threads
from kdtoken.errors import MemoryUnreadable, ObjectNotFound, SymbolNotFound, UsageError
from kdtoken.machine.argument import parse_process_argument
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Absent, Maybe, Missing, Unreadable
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import ObjectType, documented_type
from kdtoken.model.process import FastRef
from kdtoken.model.secured_object import NotInMemory, SecuredObject
from kdtoken.model.sid import Sid
from kdtoken.source.base import Source

DEFAULT_LABEL = "SepDefaultMandatorySid"
KEY_TYPE = "CmKeyObjectType"
# The kernel's pointer variables, and what the type is called that each points to.
_TYPES = {PROCESS_TYPE: "Process", THREAD_TYPE: "Thread", TOKEN_TYPE: "Token", KEY_TYPE: "Key"}
# What may stand before an argument, and what it makes of it.
KINDS = ("process", "thread", "token", "key", "object", "device", "file")

_OF_HEADER = ("TypeIndex", "Type", "InfoMask", "NameInfoOffset", "SecurityDescriptor")
OF_A_FILE = NotInMemory(
    "a file's descriptor is kept by its file system, and no public symbol leads to it",
    'give it as text with --type file: SDDL (powershell "(Get-Acl FILE).Sddl"), or what icacls FILE or Get-Acl printed',
)


class Objects:
    """Objects of one target.  Types are read once, however many objects are asked for."""

    def __init__(self, target: Source) -> None:
        self.target = target
        self._types: Dict[int, Maybe[ObjectType]] = {}

    def at(self, body: int, name: str = "", expected: str = "") -> SecuredObject:
        """The object whose body lies at `body`, with its type and descriptor.

        expected  nt's variable for the type that it should be of, which saves the request for the type's name
        Raises ObjectNotFound where the header names no type, so that no object lies there.
        """
        target = self.target
        # All that is needed of the header in one request.
        read_members(target, HEADER, body - body_offset(target), _OF_HEADER)
        kind_at = type_object(target, body)
        if isinstance(kind_at, Unreadable):
            word = _TYPES.get(expected, "File").lower()
            step = 'give what guards it as text: --to "D:(A;;GA;;;BA)" --type %s' % word
            what = "there is no readable object at 0x%x%s" % (body, ", where %s should be" % name if name else "")
            raise ObjectNotFound("%s: %s" % (what, kind_at.reason), body, step)
        kind: Maybe[ObjectType]
        if isinstance(kind_at, Missing):
            kind = kind_at
        else:
            kind = self.type_at(kind_at, expected) if kind_at else Unreadable(kind_at, "no type")
            if isinstance(kind, Unreadable):
                raise ObjectNotFound(
                    "0x%x is no object that can be read: the header in front of it names no type (%s)"
                    % (body, kind.reason),
                    body,
                    "!object takes the same address; a fast reference has a count in its low bits, to be taken off",
                )
        shown = name or object_name(target, body) or "0x%x" % body
        spelled = kind.name if isinstance(kind, ObjectType) else ""
        if spelled == "Key":
            return self._key_of_body(body, kind, name)
        if spelled == "File":
            return SecuredObject(body, shown, kind, OF_A_FILE)
        if spelled == "Device":
            return SecuredObject(body, shown, kind, self._device_descriptor(body))
        return SecuredObject(body, shown, kind, self._header_descriptor(body))

    def type_at(self, address: int, expected: str = "") -> Maybe[ObjectType]:
        """The type object at an address; one that nt's variable `expected` points to needs its name no more."""
        if address not in self._types:
            known_as = _TYPES.get(expected, "")
            if known_as and self._pointer_of(expected) != address:
                known_as = ""
            self._types[address] = read_object_type(self.target, address, known_as)
        return self._types[address]

    def _pointer_of(self, symbol: str) -> Maybe[int]:
        try:
            return _pointer(self.target, self.target.symbol(symbol))
        except SymbolNotFound:
            return Absent("nt!" + symbol)

    def find(self, argument: str) -> SecuredObject:
        """The object that a person named.

        notepad.exe, 4120, process:4120   a process, as everywhere in kdtoken
        token:notepad.exe                 its primary token
        thread:1188, thread:4120:1188     a thread by its id, with or without its process
        0xffffcc8a1420a800                any object by the address of its body
        \\BaseNamedObjects\\Name           any path of the object manager's namespace, devices too
        key:\\REGISTRY\\MACHINE\\...        a registry key (key:HKLM\\... for short)

        Raises ObjectNotFound, ProcessNotFound, ProcessAmbiguous, UsageError.
        """
        text = argument.strip()
        kind, colon, rest = text.partition(":")
        if colon and kind.lower() in KINDS:
            return self._of_kind(kind.lower(), rest.strip())
        if (text + "\\").upper().startswith(("\\REGISTRY\\", "HKLM\\", "HKU\\", "HKEY_")):
            return self.key(text)
        if text.startswith("\\"):
            return self.path(text)
        if parse_process_argument(text, pointer_bytes(self.target))[0] == "address":
            return self.at(_address(text))
        return self.process(text)

    def _of_kind(self, kind: str, rest: str) -> SecuredObject:
        if not rest:
            raise UsageError("%s: names nothing" % kind, kind, "for instance token:lsass.exe or key:HKLM\\SYSTEM")
        if kind == "process":
            return self.process(rest)
        if kind == "token":
            return self.token(rest)
        if kind == "thread":
            return self.thread(rest)
        if kind == "key":
            return self.key(rest)
        if kind == "file":
            return SecuredObject(None, rest, documented_type("file"), OF_A_FILE)
        return self.path(rest) if rest.startswith("\\") else self.at(_address(rest))

    def process(self, argument: str) -> SecuredObject:
        """The process object that a name, pid or address stands for."""
        process, _, _ = find_process(self.target, argument)
        name = process.image_name if isinstance(process.image_name, str) else "process"
        return self.at(process.address, "%s (%s)" % (name, process.pid), PROCESS_TYPE)

    def token(self, argument: str) -> SecuredObject:
        """The primary token of the process that a name, pid or address stands for, or the token at an address."""
        if parse_process_argument(argument, pointer_bytes(self.target))[0] == "address":
            found = self.at(_address(argument))
            if isinstance(found.type, ObjectType) and found.type.name == "Token":
                return found
        process, _, _ = find_process(self.target, argument)
        name = process.image_name if isinstance(process.image_name, str) else "process"
        if not isinstance(process.token, FastRef) or not process.token.object:
            raise ObjectNotFound("the process %s has no token to look at: %s" % (name, process.token), argument)
        return self.at(process.token.object, "token of %s (%s)" % (name, process.pid), TOKEN_TYPE)

    def thread(self, argument: str) -> SecuredObject:
        """The thread that an id (1188), a process and an id (4120:1188, lsass.exe:748) or an address stands for."""
        owner, _, own = argument.rpartition(":")
        if not own.strip():
            raise UsageError("thread:%s names no thread" % argument, argument, "thread:1188, or thread:PROCESS:1188")
        kind, value = parse_process_argument(own, pointer_bytes(self.target))
        if kind == "address":
            return self.at(_address(own))
        address: Optional[int] = None
        if owner and isinstance(value, int):
            process, _, _ = find_process(self.target, owner)
            details = process_details(self.target, process, origins=False)
            threads, _ = walk_threads(self.target, details.thread_list_head)
            address = next((thread.address for thread in threads if thread.tid == value), None)
        elif isinstance(value, int):
            address = thread_by_id(self.target, value)
        if address is None:
            raise ObjectNotFound(
                "there is no thread %s" % argument,
                argument,
                "threads go by their id, as !process PROCESS 2 lists them: thread:1188, or thread:PROCESS:1188",
            )
        return self.at(address, "thread %s" % argument, THREAD_TYPE)

    def path(self, path: str) -> SecuredObject:
        """The object at a path of the object manager's namespace."""
        named = find_path(self.target, path)
        found = self.at(named.body, named.path)
        notes = found.notes + tuple("symbolic link %s" % link for link in named.links)
        return SecuredObject(found.address, found.name, found.type, found.descriptor, notes)

    def key(self, path: str) -> SecuredObject:
        """A registry key by its path, through the key control blocks."""
        key = find_key(self.target, path)
        return SecuredObject(key.block, key.path, self._key_type(), key_descriptor(self.target, key.block))

    def default_label(self) -> Maybe[Sid]:
        """The integrity label that an object without one has: nt!SepDefaultMandatorySid."""
        return default_label(self.target)

    def _key_type(self) -> Maybe[ObjectType]:
        address = self._pointer_of(KEY_TYPE)
        return address if isinstance(address, Missing) else self.type_at(address, KEY_TYPE)

    def _key_of_body(self, body: int, kind: Maybe[ObjectType], name: str) -> SecuredObject:
        block = key_of_body(self.target, body)
        if isinstance(block, Missing):
            return SecuredObject(body, name or "0x%x" % body, kind, block)
        shown = name or key_path(self.target, block) or "0x%x" % body
        return SecuredObject(body, shown, kind, key_descriptor(self.target, block))

    def _header_descriptor(self, body: int) -> Maybe[Optional[SecurityDescriptor]]:
        """What the object header's SecurityDescriptor leads to; its low bits are a fast reference's count."""
        target = self.target
        s = read_members(target, HEADER, body - body_offset(target), ["SecurityDescriptor"])
        pointer = s.uint("SecurityDescriptor")
        if isinstance(pointer, Missing):
            return pointer
        address = pointer & ~fast_ref_mask(target)
        return read_descriptor(target, address) if address else None

    def _device_descriptor(self, body: int) -> Maybe[Optional[SecurityDescriptor]]:
        pointer = read_members(self.target, "_DEVICE_OBJECT", body, ["SecurityDescriptor"]).uint("SecurityDescriptor")
        if isinstance(pointer, Missing) or pointer:
            return pointer if isinstance(pointer, Missing) else read_descriptor(self.target, pointer)
        return None


def default_label(target: Source) -> Maybe[Sid]:
    """nt!SepDefaultMandatorySid: the label of an object that has none (Medium on every Windows that is known)."""
    try:
        pointer = _pointer(target, target.symbol(DEFAULT_LABEL))
    except SymbolNotFound:
        return Absent("nt!" + DEFAULT_LABEL)
    sid = read_sid(target, pointer)
    if isinstance(sid, Sid) and not sid.is_integrity_label:
        return Unreadable(target.symbol(DEFAULT_LABEL), "%s is no integrity label" % sid)
    return Unreadable(target.symbol(DEFAULT_LABEL), "the pointer is null") if sid is None else sid


def _address(text: str) -> int:
    try:
        return int(text.replace("`", ""), 16)
    except ValueError:
        raise UsageError("%r is no address" % text, text, "hexadecimal, as the debugger prints it") from None


def _pointer(target: Source, address: int) -> Maybe[int]:
    try:
        return int.from_bytes(target.read(address, pointer_width(target)), "little")
    except MemoryUnreadable as error:
        return Unreadable(error.address, error.reason)
