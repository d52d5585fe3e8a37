"""Objects by address, by name, and as the process, thread or token of a process: type, rights, descriptor."""

from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.errors import KdTokenError, ObjectNotFound, ProcessNotFound, UsageError
from kdtoken.machine.kernel import find_process
from kdtoken.machine.objects import Objects, default_label
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.acl import Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import DOCUMENTED, GenericMapping, ObjectType
from kdtoken.model.secured_object import NotInMemory, SecuredObject
from kdtoken.model.sid import Sid
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_7, WINDOWS_11, kernel_of
from tests.machine.kernel import Kernel
from tests.machine.namespace import (
    KEYS,
    MAPPINGS,
    OBJECTS,
    descriptor_bytes,
    descriptor_of_process,
    descriptor_of_token,
)
from tests.machine.spec import AceSpec, DescriptorSpec
from tests.machine.synthetic import SyntheticSource

NEWEST, SEVEN = WINDOWS_11, WINDOWS_7


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def seen_acl(acl: Optional[Acl]) -> Any:
    return None if acl is None else tuple((ace.type, ace.flags, ace.mask, str(ace.sid)) for ace in acl.aces)


def said_acl(aces: Optional[Tuple[AceSpec, ...]]) -> Any:
    return None if aces is None else tuple((ace.kind, ace.flags, ace.mask, ace.sid) for ace in aces)


def assert_guarded(seen: SecuredObject, said: Optional[DescriptorSpec]) -> None:
    """The descriptor is the declared one, part by part."""
    if said is None:
        assert seen.descriptor is None
        return
    found = seen.descriptor
    assert isinstance(found, SecurityDescriptor), found
    for mine, declared in ((found.owner, said.owner), (found.group, said.group)):
        assert (None if mine is None else str(mine)) == declared
    assert (seen_acl(found.dacl), seen_acl(found.sacl)) == (said_acl(said.dacl), said_acl(said.sacl))
    assert found.dacl_state == ("present" if said.dacl is not None else "null" if said.dacl_present else "absent")
    assert not found.is_partial and not found.problem


def assert_type(seen: SecuredObject, kind: str) -> None:
    read, write, execute, everything, valid = MAPPINGS[kind]
    assert seen.type == ObjectType(kind, GenericMapping(read, write, execute, everything), valid, "target")


def test_every_process_thread_and_token(kernel: Kernel) -> None:
    objects = Objects(SyntheticSource(kernel))
    machine = kernel.machine
    for process in machine.processes:
        said = descriptor_of_process(machine, process.token, 0x1FFFFF)
        seen = objects.at(kernel.processes[process.pid])
        assert_type(seen, "Process")
        assert_guarded(seen, said)
        for thread in process.threads:
            of_thread = objects.at(kernel.threads[thread.tid])
            assert_type(of_thread, "Thread")
            assert_guarded(of_thread, said)
    for key, at in kernel.tokens.items():
        seen = objects.at(at)
        assert_type(seen, "Token")
        assert_guarded(seen, descriptor_of_token(machine, key))


def test_every_named_object_by_its_path(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    for one in OBJECTS:
        if one.kind == "SymbolicLink":
            continue
        seen = Objects(source).find(one.path)
        assert (seen.address, seen.name) == (kernel.named[one.path], one.path)
        assert_type(seen, one.kind)
        if one.kind == "File":
            assert isinstance(seen.descriptor, NotInMemory) and "icacls" in seen.descriptor.hint
        else:
            assert_guarded(seen, one.descriptor)


def test_every_key_by_its_path(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    for one in KEYS:
        for spelling in (
            one.path,
            "key:" + one.path,
            one.path.upper(),
            one.path.replace("\\REGISTRY\\MACHINE", "HKLM"),
        ):
            seen = Objects(source).find(spelling)
            assert (seen.address, seen.name) == (kernel.keys[one.path], one.path)
            assert_type(seen, "Key")
            assert_guarded(seen, one.descriptor)


def test_names_as_they_are_spelled_come_first() -> None:
    """Two events whose names differ in letter case only are two objects."""
    objects = Objects(SyntheticSource(kernel_of(NEWEST)))
    first, second = "\\BaseNamedObjects\\ServiceReady", "\\BaseNamedObjects\\serviceREADY"
    assert objects.find(first).address != objects.find(second).address
    assert objects.find("\\basenamedobjects\\SERVICEREADY").name in (first, second)


def test_symbolic_links_are_followed_and_told() -> None:
    objects = Objects(SyntheticSource(kernel_of(NEWEST)))
    seen = objects.find("\\GLOBAL??\\NUL")
    assert seen.name == "\\Device\\Null" and seen.notes == ("symbolic link \\GLOBAL??\\NUL -> \\Device\\Null",)
    assert objects.find("\\GLOBAL??\\Names\\Open").name == "\\BaseNamedObjects\\Open"
    with pytest.raises(ObjectNotFound, match="circle"):
        objects.find("\\GLOBAL??\\Loop")


@pytest.mark.parametrize(
    "argument, name",
    [
        ("lsass.exe", "lsass.exe (744)"),
        ("process:lsass", "lsass.exe (744)"),
        ("744", "lsass.exe (744)"),
        ("token:lsass.exe", "token of lsass.exe (744)"),
        ("thread:1128", "thread 1128"),
        ("thread:1120:1128", "thread 1120:1128"),
        ("thread:0n1120:1128", "thread 0n1120:1128"),
    ],
)
def test_processes_threads_and_tokens_by_the_ordinary_argument(argument: str, name: str) -> None:
    kernel = kernel_of(NEWEST)
    seen = Objects(SyntheticSource(kernel)).find(argument)
    assert seen.name == name
    body = {"lsass.exe (744)": kernel.processes[744], "token of lsass.exe (744)": kernel.tokens["lsass"]}
    assert seen.address == body.get(name, kernel.threads[1128])


def test_any_object_by_its_address() -> None:
    kernel = kernel_of(NEWEST)
    objects = Objects(SyntheticSource(kernel))
    at = kernel.tokens["cmd"]
    for text in ("0x%x" % at, "%x" % at, "%x`%08x" % (at >> 32, at & 0xFFFFFFFF), "token:0x%x" % at, "object:%x" % at):
        assert objects.find(text).address == at
    assert objects.find("0x%x" % kernel.named["\\BaseNamedObjects\\Open"]).name == "Open"


def test_the_low_bits_of_the_pointer_are_taken_off_by_the_symbols_width(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    header = kernel.processes[744] - source.layout("_OBJECT_HEADER").field("Body").offset
    at = header + source.layout("_OBJECT_HEADER").field("SecurityDescriptor").offset
    pointer = int.from_bytes(source.read(at, 8), "little")
    for bits in (0, 1, 15):
        source.poke(at, (pointer & ~15 | bits).to_bytes(8, "little"))
        assert isinstance(Objects(source).find("744").descriptor, SecurityDescriptor)


# --- what goes wrong


@pytest.mark.parametrize(
    "argument, error, words",
    [
        ("\\BaseNamedObjects\\nope", ObjectNotFound, "no object nope in \\BaseNamedObjects"),
        ("\\Nowhere\\x", ObjectNotFound, "no object Nowhere in \\"),
        ("\\Device\\Null\\partition", ObjectNotFound, "is of type Device"),
        ("key:HKLM\\SYSTEM\\Nope", ObjectNotFound, "not in the kernel's memory"),
        # There is a key of that name in the hive, one level further down.
        ("key:HKLM\\SYSTEM\\Services", ObjectNotFound, "not in the kernel's memory"),
        ("key:\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\x", ObjectNotFound, "not in the kernel's memory"),
        ("key:HKCU\\Software", ObjectNotFound, "no path of the kernel's registry"),
        ("token:nobody.exe", ProcessNotFound, "nobody"),
        ("thread:3", ObjectNotFound, "no thread 3"),
        ("token:", UsageError, "names nothing"),
        ("object:zzz", UsageError, "no address"),
        ("token:whoami.exe", ObjectNotFound, "has no token"),
    ],
)
def test_errors_name_the_thing_and_the_next_step(argument: str, error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        Objects(SyntheticSource(kernel_of(NEWEST))).find(argument)
    assert words in caught.value.message


def test_an_address_that_is_no_object() -> None:
    kernel = kernel_of(NEWEST)
    for at in (kernel.tokens["cmd"] + 8, kernel.base, 0xFFFFDEAD00000000, kernel.tokens["cmd"] | 0xF):
        with pytest.raises(ObjectNotFound) as caught:
            Objects(SyntheticSource(kernel)).find("0x%x" % at)
        assert "%x" % at in caught.value.message


def test_a_type_that_the_kernels_table_does_not_have_is_none() -> None:
    """The index leads to something that is no type object: another object, whose bytes would make odd rights."""
    kernel = kernel_of(NEWEST)
    source = SyntheticSource(kernel)
    entry = source.symbol("ObTypeIndexTable") + 7 * 8  # Process, in tests/machine/objects.py
    source.poke(entry, kernel.tokens["cmd"].to_bytes(8, "little"))
    with pytest.raises(ObjectNotFound, match="names no type"):
        Objects(source).at(kernel.processes[744])


def test_a_file_is_not_guarded_by_memory() -> None:
    seen = Objects(SyntheticSource(kernel_of(NEWEST))).find("file:C:\\Windows\\notepad.exe")
    assert isinstance(seen.descriptor, NotInMemory) and "Sddl" in seen.descriptor.hint
    assert isinstance(seen.type, ObjectType) and seen.type.origin == DOCUMENTED


def test_a_descriptor_on_a_missing_page_is_unreadable_and_not_nothing() -> None:
    kernel = kernel_of(NEWEST)
    source = SyntheticSource(kernel)
    header = kernel.processes[744] - source.layout("_OBJECT_HEADER").field("Body").offset
    at = header + source.layout("_OBJECT_HEADER").field("SecurityDescriptor").offset
    source.poke(at, (0xFFFFDEAD00000000).to_bytes(8, "little"))
    seen = Objects(source).find("744")
    assert isinstance(seen.descriptor, Unreadable) and seen.descriptor.address == 0xFFFFDEAD00000000


HERE = 0xFFFFA08077000000


def with_descriptor_at(place: int, data: bytes, mapped: Tuple[int, ...]) -> SecuredObject:
    """lsass guarded by bytes at `place`, of which only some pages are there."""
    kernel = kernel_of(NEWEST)
    source = SyntheticSource(kernel)
    source.poke(place, data)
    source.without_pages([page for page in range(HERE, HERE + 0x3000, 0x1000) if page not in mapped])
    header = kernel.processes[744] - source.layout("_OBJECT_HEADER").field("Body").offset
    at = header + source.layout("_OBJECT_HEADER").field("SecurityDescriptor").offset
    return Objects(source.poke(at, place.to_bytes(8, "little"))).find("744")


LONG = DescriptorSpec("S-1-5-18", "S-1-5-18", tuple(AceSpec("S-1-5-21-1-2-3-%d" % rid, rid) for rid in range(200)))


def test_a_long_descriptor_is_read_to_its_end() -> None:
    place = HERE + 0x1000 - 0x40
    seen = with_descriptor_at(place, descriptor_bytes(LONG), (HERE, HERE + 0x1000, HERE + 0x2000))
    assert_guarded(seen, LONG)


def test_a_descriptor_whose_end_is_missing_is_kept_and_marked() -> None:
    seen = with_descriptor_at(HERE + 0x1000 - 0x400, descriptor_bytes(LONG), (HERE,))
    found = seen.descriptor
    assert isinstance(found, SecurityDescriptor) and found.is_partial
    # 0x400 bytes: 20 of header, 8 of the ACL's, then 36 an ACE.
    assert found.dacl is not None and len(found.dacl.aces) == (0x400 - 28) // 36
    assert "paged out" in found.problem and found.owner_state == "unreadable"


def test_bytes_that_are_no_descriptor() -> None:
    seen = with_descriptor_at(HERE, b"\x07" * 64, (HERE,))
    assert isinstance(seen.descriptor, Unreadable) and "Revision" in seen.descriptor.reason


# --- the default label


def test_the_label_of_what_has_none(kernel: Kernel) -> None:
    assert default_label(SyntheticSource(kernel)) == Sid(16, (0x2000,))


def test_a_default_label_that_is_none() -> None:
    source = SyntheticSource(kernel_of(NEWEST))
    symbol = source.symbol("SepDefaultMandatorySid")
    assert default_label(SyntheticSource(kernel_of(NEWEST)).without_symbol("SepDefaultMandatorySid")) == Absent(
        "nt!SepDefaultMandatorySid"
    )
    source.poke(symbol, bytes(8))
    assert isinstance(default_label(source), Unreadable)
    source.poke(HERE, bytes.fromhex("010100000000000512000000")).poke(symbol, HERE.to_bytes(8, "little"))  # S-1-5-18
    assert isinstance(default_label(source), Unreadable)


# --- cost


def test_an_object_of_two_dumped_processes_costs_six_requests_more(kernel: Kernel) -> None:
    """What explain needs beyond the dumps of the caller and the target: the object, its type, the default label."""
    for argument in ("lsass.exe", "token:lsass.exe", "thread:lsass.exe:748"):
        source = CachedSource(SyntheticSource(kernel))
        tokens = Tokens(source)
        for name in ("notepad.exe", "lsass.exe"):
            process, others, _ = find_process(source, name)
            dump_process(tokens, process, tuple(others))
        before = source.requests
        objects = Objects(source)
        objects.find(argument)
        objects.default_label()
        assert source.requests - before <= 6, argument


def test_a_path_costs_no_more_where_the_first_guess_is_right(kernel: Kernel) -> None:
    def cost(argument: str) -> int:
        source = CachedSource(SyntheticSource(kernel))
        Objects(source).find(argument)
        return source.requests

    assert cost("\\BaseNamedObjects\\Open") <= 15
    # In another letter case the same bucket is looked through, and no other.
    assert cost("\\basenamedobjects\\open") <= 15
    # The bucket that the name should be in comes first, so that no table is read as a whole.
    assert cost("key:HKLM\\SYSTEM\\ControlSet001\\Services") < cost("key:HKLM\\SYSTEM\\ControlSet001\\\u65e5\u672c")


def _hive(source: SyntheticSource, number: int) -> int:
    """Address of the `_CMHIVE` that is so far down the list."""
    at = source.symbol("CmpHiveListHead")
    for _ in range(number + 1):
        at = int.from_bytes(source.read(at, 8), "little")
    return at - source.layout("_CMHIVE").field("HiveList").offset


def test_hives_behind_the_one_that_holds_the_key_are_not_read(kernel: Kernel) -> None:
    """SYSTEM is the second of three; and the master hive's own path (the first's) is not asked for either."""
    source = SyntheticSource(kernel)
    sam = _hive(source, 2)
    source.log.clear()
    Objects(source).find("key:HKLM\\SYSTEM\\ControlSet001")
    assert not [one for one in source.log if sam <= one[0] < sam + source.layout("_CMHIVE").size]


def test_a_torn_list_behind_the_hive_is_no_matter(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    link = _hive(source, 1) + source.layout("_CMHIVE").field("HiveList").offset
    source.poke(link, bytes(8))
    assert Objects(source).find("key:HKLM\\SYSTEM\\ControlSet001").address
    with pytest.raises(ObjectNotFound, match="torn"):
        Objects(source).find("key:HKLM\\SAM\\SAM")


def test_a_root_that_is_hashed_otherwise_than_from_its_path(kernel: Kernel) -> None:
    """Its own hash is gone by then, so that the table is not looked through."""
    source = SyntheticSource(kernel)
    block, root = kernel.keys["\\REGISTRY\\MACHINE\\SAM\\SAM"], kernel.keys["\\REGISTRY\\MACHINE\\SAM"]
    layout, size = source.layout("_CM_KEY_CONTROL_BLOCK"), source.layout("_CM_KEY_HASH_TABLE_ENTRY").size
    hive, inside = _hive(source, 2), source.layout("_CMHIVE").field("KcbCacheTable").offset
    table = int.from_bytes(source.read(hive + inside, 8), "little")
    source.poke(table, bytes(8 * size))  # 8 buckets
    source.poke(root + layout.field("KeyHash").offset, (5).to_bytes(4, "little"))
    hashed = 5
    for character in "SAM":
        hashed = (hashed * 37 + ord(character)) % (1 << 32)
    entry = (
        table
        + hashed * 314159269 % 1000000007 % 8 * size
        + source.layout("_CM_KEY_HASH_TABLE_ENTRY").field("Entry").offset
    )
    source.poke(entry, (block + layout.field("KeyHash").offset).to_bytes(8, "little"))
    source.poke(block + layout.field("KeyHash").offset + 8, bytes(8))  # NextHash: the last of its chain
    source.log.clear()
    assert Objects(source).find("key:HKLM\\SAM\\SAM").address == block
    assert not [one for one in source.log if one == (table, 8 * size)]


def test_damage_anywhere_is_an_error_or_a_value_never_a_crash() -> None:
    """Each place that a look-up reads is overwritten in turn."""
    kernel = kernel_of(NEWEST)
    for argument in ("\\BaseNamedObjects\\Open", "key:HKLM\\SAM\\SAM", "token:lsass.exe", "\\GLOBAL??\\NUL"):
        plain = SyntheticSource(kernel)
        Objects(plain).find(argument)
        places: List[int] = sorted({address for address, _ in plain.log})
        for place in places:
            for damage in (bytes(8), b"\xff" * 8, place.to_bytes(8, "little")):
                try:
                    Objects(SyntheticSource(kernel).poke(place, damage)).find(argument)
                except KdTokenError:
                    pass
            try:
                Objects(SyntheticSource(kernel).without_pages([place])).find(argument)
            except KdTokenError:
                pass


# --- the ways to name one, and what of an object is told where a part of it is not there


@pytest.mark.parametrize(
    "argument, name",
    [
        (" lsass.exe ", "lsass.exe (744)"),
        ("PROCESS: lsass.exe", "lsass.exe (744)"),
        ("Token: lsass.exe ", "token of lsass.exe (744)"),
        ("object: \\BaseNamedObjects\\Open", "\\BaseNamedObjects\\Open"),
        ("thread:lsass.exe:748", "thread lsass.exe:748"),
        ("thread:748", "thread 748"),
        (" \\BaseNamedObjects\\Open ", "\\BaseNamedObjects\\Open"),
        ("object:\\BaseNamedObjects\\Open", "\\BaseNamedObjects\\Open"),
        ("device:\\Device\\Null", "\\Device\\Null"),
        ("\\REGISTRY\\MACHINE\\SAM\\SAM", "\\REGISTRY\\MACHINE\\SAM\\SAM"),
        ("HKLM\\SAM\\SAM", "\\REGISTRY\\MACHINE\\SAM\\SAM"),
        ("hklm\\sam\\sam", "\\REGISTRY\\MACHINE\\SAM\\SAM"),
        ("HKEY_LOCAL_MACHINE\\SAM\\SAM", "\\REGISTRY\\MACHINE\\SAM\\SAM"),
    ],
)
def test_every_way_to_spell_an_argument(argument: str, name: str) -> None:
    seen = Objects(SyntheticSource(kernel_of(NEWEST))).find(argument)
    assert seen.name == name
    if "thread" in name:
        assert seen.address == kernel_of(NEWEST).threads[748]


def test_the_primary_token_of_a_process_at_an_address_and_the_token_at_one() -> None:
    kernel = kernel_of(NEWEST)
    objects = Objects(SyntheticSource(kernel))
    token, process = kernel.tokens["lsass"], kernel.processes[744]
    assert (objects.find("token:%x" % token).address, objects.find("token:%x" % token).name) == (token, "0x%x" % token)
    # An address of what is no token is the process's.
    assert objects.find("token:%x" % process).name == "token of lsass.exe (744)"
    thread = kernel.threads[748]
    assert objects.find("thread:%x" % thread).address == thread
    for wrong in ("thread:", "thread:lsass.exe:", "thread: "):
        with pytest.raises(UsageError):
            objects.find(wrong)
    with pytest.raises(ObjectNotFound, match="no thread lsass.exe:1128"):
        objects.find("thread:lsass.exe:1128")  # of another process
    with pytest.raises(ObjectNotFound, match="no thread 744:zzz"):
        objects.find("thread:744:zzz")


def key_body_at(source: SyntheticSource, body: int, block: int) -> None:
    """The object of a handle to a key: a header that says its type, and the pointer to the key's control block."""
    layout, header = source.layout("_CM_KEY_BODY"), source.layout("_OBJECT_HEADER")
    source.poke(body - header.field("Body").offset, bytes(header.field("Body").offset + (layout.size or 0x60)))
    source.poke(body + layout.field("KeyControlBlock").offset, block.to_bytes(8, "little"))

    def pointer(at: int) -> int:
        return int.from_bytes(source.read(at, 8), "little")

    key = pointer(source.symbol("CmKeyObjectType"))
    table = source.symbol("ObTypeIndexTable")
    index = next(one for one in range(64) if pointer(table + 8 * one) == key)
    # Since Windows 10 the index is xored with a cookie and with the second byte of the header's address.
    cookie = source.read(source.symbol("ObHeaderCookie"), 1)[0]
    at = body - header.field("Body").offset
    source.poke(at + header.field("TypeIndex").offset, bytes([index ^ cookie ^ (at >> 8 & 0xFF)]))


def test_a_key_by_the_address_of_its_body_is_the_key() -> None:
    kernel = kernel_of(NEWEST)
    source, key = SyntheticSource(kernel), KEYS[-1]
    key_body_at(source, HERE + 0x100, kernel.keys[key.path])
    seen = Objects(source).at(HERE + 0x100)
    # By the names of its parents; this machine has no key MACHINE between the two hives.
    assert (seen.address, seen.name) == (HERE + 0x100, key.path.replace("\\MACHINE", ""))
    assert_type(seen, "Key")
    assert_guarded(seen, key.descriptor)
    # Where its control block is not there it is still an object of that type; what guards it is not known.
    for gone in (0, 0xFFFFDEAD00000000):
        source = SyntheticSource(kernel)
        key_body_at(source, HERE + 0x100, gone)
        source.without_pages([0])
        seen = Objects(source).at(HERE + 0x100)
        assert isinstance(seen.descriptor, Unreadable) and seen.name in ("0x%x" % (HERE + 0x100), "\\?")
        assert_type(seen, "Key")
    layout = source.layout("_CM_KEY_BODY").field("KeyControlBlock")
    key_body_at(source, HERE + 0xFF8 - layout.offset, 0)
    source.without_pages([HERE + 0x1000])
    assert Objects(source).at(HERE + 0xFF8 - layout.offset).name


def test_a_device_s_own_descriptor_guards_it_and_null_is_none() -> None:
    kernel = kernel_of(NEWEST)
    source = SyntheticSource(kernel)
    device = kernel.named["\\Device\\Null"]
    at = device + source.layout("_DEVICE_OBJECT").field("SecurityDescriptor").offset
    assert isinstance(Objects(source).at(device).descriptor, SecurityDescriptor)
    source.poke(at, bytes(8))
    assert Objects(source).at(device).descriptor is None
    source.poke(at, (0xFFFFDEAD00000000).to_bytes(8, "little"))
    assert isinstance(Objects(source).at(device).descriptor, Unreadable)


def test_a_type_that_another_variable_points_to_keeps_its_own_name() -> None:
    """What the caller expects saves a request only where nt's variable says the same."""
    kernel = kernel_of(NEWEST)
    objects = Objects(SyntheticSource(kernel))
    seen = objects.at(kernel.processes[744], "", "PsThreadType")
    assert isinstance(seen.type, ObjectType) and seen.type.name == "Process"
    without = Objects(SyntheticSource(kernel).without_symbol("PsProcessType"))
    seen = without.at(kernel.processes[744], "", "PsProcessType")
    assert isinstance(seen.type, ObjectType) and seen.type.name == "Process"
    keyless = Objects(SyntheticSource(kernel).without_symbol("CmKeyObjectType")).find("HKLM\\SAM\\SAM")
    assert keyless.type == Absent("nt!CmKeyObjectType") and isinstance(keyless.descriptor, SecurityDescriptor)


@pytest.mark.parametrize("given, known, shown", [("handle 0x44", True, "handle 0x44"), ("", True, ""), ("", False, "")])
def test_a_key_is_called_as_it_was_asked_for_or_by_its_path(given: str, known: bool, shown: str) -> None:
    kernel = kernel_of(NEWEST)
    source, key = SyntheticSource(kernel), KEYS[-1]
    key_body_at(source, HERE + 0x100, kernel.keys[key.path] if known else 0)
    seen = Objects(source)._key_of_body(HERE + 0x100, Absent("x"), given)
    path = key.path.replace("\\MACHINE", "")
    assert seen.name == (shown or (path if known else "0x%x" % (HERE + 0x100)))
