"""Types of objects: generic mapping, names of rights, and what a person may write for a wish."""

import pytest

from kdtoken.errors import BadFormat
from kdtoken.model.access_mask import SPECIFIC, STANDARD
from kdtoken.model.object_type import DOCUMENTED, GenericMapping, ObjectType, documented_type


def mask_of(kind: str, *names: str) -> int:
    """The union of rights by the names of the headers."""
    table = {name: bit for bits in (SPECIFIC[kind], STANDARD) for bit, name in bits.items()}
    return sum({table[name] for name in names})


def test_generic_rights_become_what_the_type_says() -> None:
    mapping = GenericMapping(read=0x1, write=0x2, execute=0x4, all=0xF)
    assert mapping.map(0x80000000) == 0x1
    assert mapping.map(0x40000000) == 0x2
    assert mapping.map(0x20000000) == 0x4
    assert mapping.map(0x10000000) == 0xF
    assert mapping.map(0xC0000100) == 0x103  # what is not generic stays
    assert mapping.map(0x02000020) == 0x02000020  # nor is MAXIMUM_ALLOWED


# winnt.h spells these as unions: FILE_GENERIC_*, KEY_*, SECTION_*; winuser.h's page has the two of the desktop.
@pytest.mark.parametrize(
    "kind, which, names",
    [
        ("file", "read", "READ_CONTROL READ_DATA READ_ATTRIBUTES READ_EA SYNCHRONIZE"),
        ("file", "write", "READ_CONTROL WRITE_DATA WRITE_ATTRIBUTES WRITE_EA APPEND_DATA SYNCHRONIZE"),
        ("file", "execute", "READ_CONTROL READ_ATTRIBUTES EXECUTE SYNCHRONIZE"),
        ("key", "read", "READ_CONTROL QUERY_VALUE ENUMERATE_SUB_KEYS NOTIFY"),
        ("key", "write", "READ_CONTROL SET_VALUE CREATE_SUB_KEY"),
        ("process", "read", "READ_CONTROL VM_READ QUERY_INFORMATION"),
        ("thread", "read", "READ_CONTROL GET_CONTEXT QUERY_INFORMATION"),
        ("desktop", "read", "READ_CONTROL ENUMERATE READOBJECTS"),
        ("windowstation", "write", "READ_CONTROL ACCESSCLIPBOARD CREATEDESKTOP WRITEATTRIBUTES"),
        ("event", "write", "READ_CONTROL MODIFY_STATE"),
        # LEARN, "Service Security and Access Rights"
        ("service", "read", "READ_CONTROL QUERY_CONFIG QUERY_STATUS INTERROGATE ENUMERATE_DEPENDENTS"),
        ("service", "write", "READ_CONTROL CHANGE_CONFIG"),
        ("service", "execute", "READ_CONTROL START STOP PAUSE_CONTINUE USER_DEFINED_CONTROL"),
        ("scmanager", "read", "READ_CONTROL ENUMERATE_SERVICE QUERY_LOCK_STATUS"),
        ("scmanager", "write", "READ_CONTROL CREATE_SERVICE MODIFY_BOOT_CONFIG"),
        ("scmanager", "execute", "READ_CONTROL CONNECT LOCK"),
        ("directory", "read", "READ_CONTROL QUERY TRAVERSE"),
    ],
)
def test_documented_mappings(kind: str, which: str, names: str) -> None:
    assert getattr(documented_type(kind).mapping, which) == mask_of(kind, *names.split())


def test_what_all_access_holds() -> None:
    """GENERIC_ALL of a type holds each of its three others."""
    for kind in SPECIFIC:
        try:
            mapping = documented_type(kind).mapping
        except BadFormat:
            continue
        assert mapping.read | mapping.write | mapping.execute | mapping.all == mapping.all, kind


def test_a_documented_type_says_so_and_is_spelled_as_the_kernel_spells_it() -> None:
    assert documented_type("KEY").name == "Key"
    assert documented_type("mutex").name == "Mutant"
    assert documented_type("key").origin == DOCUMENTED


def test_a_type_without_a_mapping_lists_those_that_have_one() -> None:
    with pytest.raises(BadFormat) as caught:
        documented_type("Toaster")
    assert "Toaster" in caught.value.message and "process" in caught.value.next_step


PROCESS = documented_type("process")


@pytest.mark.parametrize(
    "text, mask",
    [
        ("VM_READ", 0x10),
        ("vm_read", 0x10),
        ("PROCESS_VM_READ", 0x10),
        ("VM_READ|VM_WRITE", 0x30),
        ("VM_READ, QUERY_INFORMATION", 0x410),
        ("0x1000", 0x1000),
        ("4096", 4096),
        ("0x1000|VM_READ", 0x1010),
        ("write", 0x40000000),
        ("maximum", 0x02000000),
        ("MAXIMUM_ALLOWED", 0x02000000),
        ("READ_CONTROL", 0x20000),
        ("ALL_ACCESS", 0x1FFFFF),
        ("PROCESS_ALL_ACCESS", 0x1FFFFF),
        ("ACCESS_SYSTEM_SECURITY", 0x01000000),
    ],
)
def test_wishes(text: str, mask: int) -> None:
    assert PROCESS.parse_access(text) == mask


@pytest.mark.parametrize("text", ["", "|", "QUERY_VALUE", "KEY_READ", "0x100000000", "VM_READ|NOPE", "0x", "-1"])
def test_wishes_that_the_type_does_not_have(text: str) -> None:
    with pytest.raises(BadFormat) as caught:
        PROCESS.parse_access(text)
    assert caught.value.next_step or "32 bits" in caught.value.message


def test_words_are_the_types_own() -> None:
    own = ObjectType("Process", GenericMapping(1, 2, 4, 7), 0x1FFFFF)
    assert own.words(0x1010) == ("VM_READ", "QUERY_LIMITED_INFORMATION")
