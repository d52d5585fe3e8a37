"""Registry keys by path: abbreviations, torn lists of hives, names of both widths, keys that are not in memory."""

from typing import Any

import pytest

from kdtoken.decode.registry import find_key, full_path, key_descriptor, key_of_body, key_path
from kdtoken.errors import ObjectNotFound
from kdtoken.model.absent import Unreadable
from kdtoken.model.descriptor import SecurityDescriptor
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
KCB = "_CM_KEY_CONTROL_BLOCK"
SERVICES = "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services"
JAPAN = "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\\u65e5\u672c"
HERE = 0xFFFFA08077000000


def source() -> SyntheticSource:
    return SyntheticSource(KERNEL)


def refused(target: SyntheticSource, path: str) -> str:
    with pytest.raises(ObjectNotFound) as caught:
        find_key(target, path)
    return caught.value.message


@pytest.mark.parametrize(
    "typed, path",
    [
        ("HKLM\\SYSTEM", "\\REGISTRY\\MACHINE\\SYSTEM"),
        ("hklm\\SYSTEM\\", "\\REGISTRY\\MACHINE\\SYSTEM"),
        (" HKEY_LOCAL_MACHINE\\SYSTEM ", "\\REGISTRY\\MACHINE\\SYSTEM"),
        ("HKLM", "\\REGISTRY\\MACHINE"),
        ("HKLM\\", "\\REGISTRY\\MACHINE"),
        ("HKU\\S-1-5-18", "\\REGISTRY\\USER\\S-1-5-18"),
        ("HKEY_USERS", "\\REGISTRY\\USER"),
        ("\\registry\\machine\\x", "\\registry\\machine\\x"),
        ("\\REGISTRY", "\\REGISTRY"),
    ],
)
def test_the_kernel_s_name_of_what_a_person_types(typed: str, path: str) -> None:
    assert full_path(typed) == path


@pytest.mark.parametrize("typed", ["HKCU\\Software", "HKLMX\\a", "SYSTEM", "", "REGISTRY\\MACHINE"])
def test_what_is_no_path_of_the_registry(typed: str) -> None:
    with pytest.raises(ObjectNotFound) as caught:
        full_path(typed)
    assert caught.value.message == "%s is no path of the kernel's registry" % typed
    assert "HKLM" in caught.value.next_step and "HKU" in caught.value.next_step


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_path_of_each_control_block_by_its_parents(path: Any) -> None:
    kernel = kernel_of(path)
    target = SyntheticSource(kernel)
    assert key_path(target, kernel.keys["\\REGISTRY"]) == "\\REGISTRY"
    # The block between, MACHINE's, is not in memory: a hive's root hangs below the root of the master hive.
    assert key_path(target, kernel.keys[SERVICES]) == "\\REGISTRY\\SYSTEM\\ControlSet001\\Services"
    assert key_path(target, kernel.keys[JAPAN]) == "\\REGISTRY\\SYSTEM\\ControlSet001\\\u65e5\u672c"
    assert key_path(target, 0) == ""


def test_a_name_that_cannot_be_read_keeps_its_place() -> None:
    target = source()
    above = KERNEL.keys["\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001"]
    for pointer in (0, 0xFFFFDEAD00000000):
        target.poke_field(above, KCB, "NameBlock", pointer)
        assert key_path(target, KERNEL.keys[SERVICES]) == "\\REGISTRY\\SYSTEM\\?\\Services"


def test_parents_in_a_circle_end_after_512_levels() -> None:
    """The registry allows 512 levels ("Registry element size limits" on learn.microsoft.com)."""
    target = source()
    block = KERNEL.keys[SERVICES]
    target.poke_field(block, KCB, "ParentKcb", block)
    assert key_path(target, block) == "\\Services" * 512


def test_a_name_of_no_letters_and_one_whose_text_is_gone() -> None:
    target = source()
    names = KERNEL.pointer_at(KCB, KERNEL.keys[SERVICES], "NameBlock")
    target.poke_field(names, "_CM_NAME_CONTROL_BLOCK", "NameLength", 0)
    assert key_path(target, KERNEL.keys[SERVICES]).endswith("\\ControlSet001\\")
    # The struct ends with its page, the text begins on the next.
    inside = target.layout("_CM_NAME_CONTROL_BLOCK").field("Name").offset
    edge = HERE + 0x1000 - inside
    target.poke(edge, bytes(inside))
    target.poke_field(edge, "_CM_NAME_CONTROL_BLOCK", "NameLength", 8)
    target.poke_field(KERNEL.keys[SERVICES], KCB, "NameBlock", edge)
    target.without_pages([HERE + 0x1000])
    assert key_path(target, KERNEL.keys[SERVICES]).endswith("\\ControlSet001\\?")


def test_compressed_names_are_latin_1_and_others_utf_16() -> None:
    target = source()
    names = KERNEL.pointer_at(KCB, KERNEL.keys[SERVICES], "NameBlock")
    inside = target.layout("_CM_NAME_CONTROL_BLOCK").field("Name").offset
    target.poke(names + inside, b"Caf\xe9\xb5\xdf12")
    assert key_path(target, KERNEL.keys[SERVICES]).endswith("\\Caf\xe9\xb5\xdf12")
    target.poke_field(names, "_CM_NAME_CONTROL_BLOCK", "Compressed", 0)
    target.poke(names + inside, "\u65e5\u672c\u8a9ex".encode("utf-16-le"))
    assert key_path(target, KERNEL.keys[SERVICES]).endswith("\\\u65e5\u672c\u8a9ex")


def test_what_guards_a_key() -> None:
    target = source()
    block = KERNEL.keys[SERVICES]
    found = key_descriptor(target, block)
    assert isinstance(found, SecurityDescriptor) and found.dacl is not None and len(found.dacl.aces) == 3
    target.poke_field(block, KCB, "CachedSecurity", 0)
    assert key_descriptor(target, block) is None
    target.without_pages([block])
    assert isinstance(key_descriptor(target, block), Unreadable)


def test_the_block_of_a_key_that_is_open() -> None:
    target = source()
    place = target.layout("_CM_KEY_BODY").field("KeyControlBlock").offset
    target.poke(HERE, bytes(0x100)).poke(HERE + place, KERNEL.keys[SERVICES].to_bytes(8, "little"))
    assert key_of_body(target, HERE) == KERNEL.keys[SERVICES]


def test_the_root_of_a_hive_and_a_key_in_any_letter_case() -> None:
    for typed in ("HKLM\\system", "\\registry\\machine\\SYSTEM"):
        key = find_key(source(), typed)
        assert (key.block, key.path) == (KERNEL.keys["\\REGISTRY\\MACHINE\\SYSTEM"], "\\REGISTRY\\MACHINE\\SYSTEM")
    key = find_key(source(), SERVICES.lower())
    assert (key.block, key.path) == (KERNEL.keys[SERVICES], SERVICES)
    assert find_key(source(), "\\REGISTRY").block == KERNEL.keys["\\REGISTRY"]


NOT_THERE = (
    "the key %s is not in the kernel's memory: only keys that are open, or were lately, have their descriptor there"
)


def hive(target: SyntheticSource, number: int) -> int:
    """Address of the `_CMHIVE` so far down the list: the master hive, SYSTEM, SAM."""
    at = target.symbol("CmpHiveListHead")
    for _ in range(number + 1):
        at = int.from_bytes(target.read(at, 8), "little")
    return at - target.layout("_CMHIVE").field("HiveList").offset


def test_a_key_that_no_block_is_there_for_and_a_hive_that_is_not_loaded() -> None:
    missing = "\\REGISTRY\\MACHINE\\SYSTEM\\Nope"
    assert refused(source(), missing) == NOT_THERE % missing
    # The master hive holds every path that no other one does.
    elsewhere = "\\REGISTRY\\MACHINE\\SOFTWARE\\x"
    assert refused(source(), elsewhere) == NOT_THERE % elsewhere
    target = source()
    target.poke_field(hive(target, 0), "_CMHIVE", "HiveRootPath.Length", 0)
    assert refused(target, elsewhere) == "no hive that is loaded holds %s" % elsewhere


def test_of_two_hives_that_hold_a_path_the_deeper_one_is_asked_first() -> None:
    """The master hive, \\REGISTRY, holds whatever begins so; a hive at \\REGISTRY\\MACHINE has its own root for that."""
    target, path = source(), "\\REGISTRY\\MACHINE"
    deeper = hive(target, 2)
    target.poke(HERE, path.encode("utf-16-le"))
    for name, value in (("Buffer", HERE), ("Length", 2 * len(path)), ("MaximumLength", 2 * len(path))):
        target.poke_field(deeper, "_CMHIVE", "HiveRootPath." + name, value)
    assert find_key(target, "HKLM") == (KERNEL.keys["\\REGISTRY\\MACHINE\\SAM"], path)  # what its RootKcb leads to
    assert find_key(target, SERVICES).block == KERNEL.keys[SERVICES]


@pytest.mark.parametrize("number, root", list(enumerate(["\\REGISTRY", "\\REGISTRY\\MACHINE\\SYSTEM"])))
@pytest.mark.parametrize("spelled", ["%s", "%s\\"])
def test_a_hive_s_root_path_may_end_in_a_backslash(number: int, root: str, spelled: str) -> None:
    """Its length tells what paths it may hold, with that backslash or without; the key's path is without."""
    target, text = source(), spelled % root
    target.poke(HERE, text.encode("utf-16-le"))
    for name, value in (("Buffer", HERE), ("Length", 2 * len(text)), ("MaximumLength", 2 * len(text) + 2)):
        target.poke_field(hive(target, number), "_CMHIVE", "HiveRootPath." + name, value)
    assert find_key(target, root) == (KERNEL.keys[root], root)
    assert find_key(target, SERVICES) == (KERNEL.keys[SERVICES], SERVICES)
    assert refused(target, root + "\\Nope") == NOT_THERE % (root + "\\Nope")


def test_a_hive_whose_path_only_begins_like_the_key_s_is_another() -> None:
    """\\REGISTRY\\MACHINE\\SYSTEN is as long as the key's, and not it: then the master hive, where no such block is."""
    target, text = source(), "\\REGISTRY\\MACHINE\\SYSTEN"
    target.poke(HERE, text.encode("utf-16-le"))
    target.poke_field(hive(target, 1), "_CMHIVE", "HiveRootPath.Buffer", HERE)
    assert refused(target, SERVICES) == NOT_THERE % SERVICES
    target.poke_field(hive(target, 0), "_CMHIVE", "HiveRootPath.Length", 0)  # nor is the path the master's
    assert refused(target, SERVICES) == "no hive that is loaded holds %s" % SERVICES


@pytest.mark.parametrize("pointer, told", [(0, "at 0x0"), (None, "at 0x"), (0xFFFFDEAD00000000, "unreadable")])
def test_a_list_of_hives_that_is_torn_is_said(pointer: Any, told: str) -> None:
    target = source()
    system = hive(target, 1)
    back = hive(target, 0) + target.layout("_CMHIVE").field("HiveList").offset
    target.poke_field(system, "_CMHIVE", "HiveList.Flink", back if pointer is None else pointer)
    missing = "\\REGISTRY\\MACHINE\\SAM\\SAM"
    words = refused(target, missing)
    assert words.startswith(NOT_THERE % missing + "; the list of hives is torn: ") and told in words
    # What stands in front of the tear is found all the same.
    assert find_key(target, SERVICES).block == KERNEL.keys[SERVICES]


def test_a_table_of_blocks_that_cannot_be() -> None:
    for name, value in (("KcbCacheTable", 0), ("KcbCacheTableSize", 0), ("KcbCacheTableSize", 1_000_001)):
        target = source()
        target.poke_field(hive(target, 1), "_CMHIVE", name, value)
        assert refused(target, SERVICES) == NOT_THERE % SERVICES
        assert find_key(target, "HKLM\\SYSTEM").block == KERNEL.keys["\\REGISTRY\\MACHINE\\SYSTEM"]


def test_chains_of_blocks_in_a_circle_end() -> None:
    target = source()
    for path in (SERVICES, JAPAN, "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001", "\\REGISTRY\\MACHINE\\SYSTEM"):
        here = KERNEL.keys[path] + target.layout(KCB).field("KeyHash").offset
        target.poke_field(KERNEL.keys[path], KCB, "KeyHash.NextHash", here)
    missing = "\\REGISTRY\\MACHINE\\SYSTEM\\Nope"
    assert refused(target, missing) == NOT_THERE % missing
    assert target.requests < 200


def test_a_key_below_another_parent_is_another_key() -> None:
    """ControlSet001\\Services is there; a block of that name below the hive's root is not."""
    wrong = "\\REGISTRY\\MACHINE\\SYSTEM\\Services"
    assert refused(source(), wrong) == NOT_THERE % wrong
    deep = "\\REGISTRY\\MACHINE\\SYSTEM\\x\\ControlSet001\\Services"
    assert refused(source(), deep) == NOT_THERE % deep


def test_a_path_that_a_loaded_hive_holds_is_no_other_one_s_whichever_comes_last() -> None:
    """SYSTEM holds the path and has no such key; a hive of as long a path behind it in the list holds it not."""
    target, text = source(), "\\REGISTRY\\MACHINE\\SYSTEN"
    target.poke(HERE, text.encode("utf-16-le"))
    for name, value in (("Buffer", HERE), ("Length", 2 * len(text)), ("MaximumLength", 2 * len(text))):
        target.poke_field(hive(target, 2), "_CMHIVE", "HiveRootPath." + name, value)
    missing = "\\REGISTRY\\MACHINE\\SYSTEM\\Nope"
    assert refused(target, missing) == NOT_THERE % missing
    # Nor does the master hive's: it is not asked.
    target.poke_field(hive(target, 0), "_CMHIVE", "HiveRootPath.Length", 0)
    assert refused(target, missing) == NOT_THERE % missing


@pytest.mark.parametrize("gone", ["Compressed", "NameLength"])
def test_a_name_whose_head_is_cut_by_the_end_of_memory_is_not_guessed(gone: str) -> None:
    """_CM_NAME_CONTROL_BLOCK: Compressed comes first, the length and the text behind it."""
    target = source()
    layout = target.layout("_CM_NAME_CONTROL_BLOCK")
    first, length = layout.field("Compressed").offset, layout.field("NameLength").offset
    assert first < length
    names = KERNEL.pointer_at(KCB, KERNEL.keys[SERVICES], "NameBlock")
    border = HERE + 0x1000
    at = border - length
    target.poke(at, target.read(names, 64))
    target.poke_field(KERNEL.keys[SERVICES], KCB, "NameBlock", at)
    assert key_path(target, KERNEL.keys[SERVICES]).endswith("\\ControlSet001\\Services")
    target.without_pages([border - 1 if gone == "Compressed" else border])
    assert key_path(target, KERNEL.keys[SERVICES]).endswith("\\ControlSet001\\?")
