"""Types of objects: generic mapping, names of rights, and what a person may write for a wish."""

import pytest

from kdtoken.errors import BadFormat
from kdtoken.model.access_mask import ALL_ACCESS, SPECIFIC, STANDARD
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


# winnt.h spells these as unions: FILE_GENERIC_*, KEY_*, TOKEN_*; the pages "Window Station Security and Access Rights" and
# "Desktop Security and Access Rights" spell theirs.  What no header spells is as a Windows 10 kernel's own type has it.
@pytest.mark.parametrize(
    "kind, which, names",
    [
        ("file", "read", "READ_CONTROL READ_DATA READ_ATTRIBUTES READ_EA SYNCHRONIZE"),
        ("file", "write", "READ_CONTROL WRITE_DATA WRITE_ATTRIBUTES WRITE_EA APPEND_DATA SYNCHRONIZE"),
        ("file", "execute", "READ_CONTROL READ_ATTRIBUTES EXECUTE SYNCHRONIZE"),
        ("key", "read", "READ_CONTROL QUERY_VALUE ENUMERATE_SUB_KEYS NOTIFY"),
        ("key", "write", "READ_CONTROL SET_VALUE CREATE_SUB_KEY"),
        ("key", "execute", "READ_CONTROL QUERY_VALUE ENUMERATE_SUB_KEYS NOTIFY"),
        ("file directory", "read", "READ_CONTROL LIST_DIRECTORY READ_ATTRIBUTES READ_EA SYNCHRONIZE"),
        ("file directory", "write", "READ_CONTROL ADD_FILE WRITE_ATTRIBUTES WRITE_EA ADD_SUBDIRECTORY SYNCHRONIZE"),
        ("file directory", "execute", "READ_CONTROL READ_ATTRIBUTES TRAVERSE SYNCHRONIZE"),
        ("process", "read", "READ_CONTROL VM_READ QUERY_INFORMATION"),
        (
            "process",
            "write",
            "READ_CONTROL CREATE_THREAD VM_OPERATION VM_WRITE DUP_HANDLE CREATE_PROCESS SET_QUOTA SET_INFORMATION "
            "SUSPEND_RESUME",
        ),
        ("process", "execute", "READ_CONTROL SYNCHRONIZE QUERY_LIMITED_INFORMATION TERMINATE"),
        ("thread", "read", "READ_CONTROL GET_CONTEXT QUERY_INFORMATION"),
        (
            "thread",
            "write",
            "READ_CONTROL TERMINATE SUSPEND_RESUME ALERT SET_CONTEXT SET_INFORMATION SET_LIMITED_INFORMATION",
        ),
        ("thread", "execute", "READ_CONTROL SYNCHRONIZE QUERY_LIMITED_INFORMATION RESUME"),
        ("token", "read", "READ_CONTROL QUERY QUERY_SOURCE DUPLICATE"),
        ("token", "write", "READ_CONTROL ADJUST_PRIVILEGES ADJUST_GROUPS ADJUST_DEFAULT ADJUST_SESSIONID"),
        ("token", "execute", "READ_CONTROL ASSIGN_PRIMARY IMPERSONATE"),
        ("section", "read", "READ_CONTROL QUERY MAP_READ"),
        ("section", "write", "READ_CONTROL MAP_WRITE"),
        ("section", "execute", "READ_CONTROL MAP_EXECUTE"),
        ("desktop", "read", "READ_CONTROL ENUMERATE READOBJECTS"),
        (
            "desktop",
            "write",
            "READ_CONTROL CREATEMENU CREATEWINDOW HOOKCONTROL JOURNALPLAYBACK JOURNALRECORD WRITEOBJECTS",
        ),
        ("desktop", "execute", "READ_CONTROL SWITCHDESKTOP"),
        ("windowstation", "read", "READ_CONTROL ENUMDESKTOPS ENUMERATE READATTRIBUTES READSCREEN"),
        ("windowstation", "write", "READ_CONTROL ACCESSCLIPBOARD CREATEDESKTOP WRITEATTRIBUTES"),
        ("windowstation", "execute", "READ_CONTROL ACCESSGLOBALATOMS EXITWINDOWS"),
        *((kind, "read", "READ_CONTROL QUERY_STATE") for kind in ("event", "semaphore", "timer", "mutant")),
        *((kind, "write", "READ_CONTROL MODIFY_STATE") for kind in ("event", "semaphore", "timer")),
        ("mutant", "write", "READ_CONTROL"),
        *((kind, "execute", "READ_CONTROL SYNCHRONIZE") for kind in ("event", "semaphore", "timer", "mutant")),
        # LEARN, "Service Security and Access Rights"
        ("service", "read", "READ_CONTROL QUERY_CONFIG QUERY_STATUS INTERROGATE ENUMERATE_DEPENDENTS"),
        ("service", "write", "READ_CONTROL CHANGE_CONFIG"),
        ("service", "execute", "READ_CONTROL START STOP PAUSE_CONTINUE USER_DEFINED_CONTROL"),
        ("scmanager", "read", "READ_CONTROL ENUMERATE_SERVICE QUERY_LOCK_STATUS"),
        ("scmanager", "write", "READ_CONTROL CREATE_SERVICE MODIFY_BOOT_CONFIG"),
        ("scmanager", "execute", "READ_CONTROL CONNECT LOCK"),
        ("directory", "read", "READ_CONTROL QUERY TRAVERSE"),
        ("directory", "write", "READ_CONTROL CREATE_OBJECT CREATE_SUBDIRECTORY"),
        ("directory", "execute", "READ_CONTROL QUERY TRAVERSE"),
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
        # The headers' *_ALL_ACCESS; test_model_access_mask.py spells each.
        assert mapping.all == documented_type(kind).valid_access == ALL_ACCESS[kind], kind


def test_a_documented_type_says_so_and_is_spelled_as_the_kernel_spells_it() -> None:
    assert documented_type("KEY").name == "Key"
    assert documented_type("mutex").name == "Mutant"
    assert documented_type("key").origin == DOCUMENTED


@pytest.mark.parametrize(
    "name, kernels, right",
    [
        ("folder", "File Directory", "LIST_DIRECTORY"),
        (" Folder ", "File Directory", "ADD_FILE"),
        ("file", "File", "READ_DATA"),
        ("registry", "Key", "QUERY_VALUE"),
        ("mutex", "Mutant", "QUERY_STATE"),
        ("winsta", "WindowStation", "READSCREEN"),
    ],
)
def test_what_people_call_a_type(name: str, kernels: str, right: str) -> None:
    kind = documented_type(name)
    assert kind.name == kernels and right in kind.rights


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
        ("0016", 16),  # a decimal number, though it begins with 0
        ("0X1f", 0x1F),
        ("0xffffffff", 0xFFFFFFFF),
        ("4294967295", 0xFFFFFFFF),
        ("read", 0x80000000),
        ("Execute", 0x20000000),
        ("all", 0x10000000),
        ("VM_READ+VM_WRITE  SYNCHRONIZE", 0x100030),
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


def test_unions_that_only_winnt_h_has_for_keys() -> None:
    for kind, text in (("token", "TOKEN_READ"), ("process", "PROCESS_WRITE"), ("file", "FILE_EXECUTE_ALL")):
        with pytest.raises(BadFormat, match="no access right " + text):
            documented_type(kind).parse_access(text)


@pytest.mark.parametrize(
    "kind, text, mask",
    [
        # The headers' prefixes: TOKEN_QUERY, WINSTA_ENUMDESKTOPS, SC_MANAGER_CONNECT; and the type's own name.
        ("token", "TOKEN_QUERY", 0x8),
        ("token", "TOKEN_ALL_ACCESS", 0xF01FF),
        ("windowstation", "WINSTA_ENUMDESKTOPS", 0x1),
        ("windowstation", "WINSTA_ALL_ACCESS", 0xF037F),
        ("windowstation", "WINDOWSTATION_ENUMDESKTOPS", 0x1),
        ("scmanager", "SC_MANAGER_CONNECT", 0x1),
        ("scmanager", "SC_MANAGER_ALL_ACCESS", 0xF003F),
        ("key", "KEY_QUERY_VALUE", 0x1),
        ("file directory", "FILE_DIRECTORY_LIST_DIRECTORY", 0x1),
        # KEY_READ and its like are unions of winnt.h, which is what the generic rights of a key stand for.
        ("key", "KEY_READ", 0x80000000),
        ("key", "key_write", 0x40000000),
        ("key", "KEY_EXECUTE", 0x20000000),
        ("key", "KEY_ALL_ACCESS", 0xF003F),
    ],
)
def test_wishes_with_the_prefix_of_the_headers(kind: str, text: str, mask: int) -> None:
    assert documented_type(kind).parse_access(text) == mask


# Ports and completion ports have no documented mapping: their types are a machine's.  PORT_CONNECT of ntlpcapi.h and
# IO_COMPLETION_MODIFY_STATE of winnt.h.
@pytest.mark.parametrize(
    "kind, text, mask", [("ALPC Port", "PORT_CONNECT", 1), ("IoCompletion", "IO_COMPLETION_MODIFY_STATE", 2)]
)
def test_prefixes_of_a_machine_s_types(kind: str, text: str, mask: int) -> None:
    own = ObjectType(kind, GenericMapping(0, 0, 0, 3), 0x1F0003)
    assert own.parse_access(text) == mask == own.parse_access(text.split("_", 2 if "IO_" in text else 1)[-1])


@pytest.mark.parametrize(
    "text, message, next_step",
    [
        ("|", "no access is named", "name rights, for instance TERMINATE, CREATE_THREAD, read, maximum"),
        ("0x100000000", "an access mask has 32 bits, 0x100000000 has more", "at most 0xffffffff"),
        ("4294967296", "an access mask has 32 bits, 4294967296 has more", "at most 0xffffffff"),
        ("0xg", "0xg is no number", "a mask is 0x and hexadecimal digits, or the names of rights"),
        ("1F", "the type Process has no access right 1F", "did you mean 0x1F? it has "),
        ("VM_RAED", "the type Process has no access right VM_RAED", "did you mean VM_READ? it has "),
        ("reed", "the type Process has no access right reed", "did you mean read? it has "),
        # Nine hexadecimal digits are no mask, and nothing like it is a right.
        ("123456abc", "the type Process has no access right 123456abc", "it has "),
        # As long as PROCESS_ and something else.
        ("SECTION_VM_READ", "the type Process has no access right SECTION_VM_READ", ""),
        ("SECTION_ALL_ACCESS", "the type Process has no access right SECTION_ALL_ACCESS", ""),
    ],
)
def test_what_is_said_to_a_wish_that_cannot_be_read(text: str, message: str, next_step: str) -> None:
    with pytest.raises(BadFormat) as caught:
        PROCESS.parse_access(text)
    assert caught.value.message == message
    assert caught.value.next_step.startswith(next_step)
    # Rights are listed in the order of the alphabet.
    if "it has " in next_step:
        assert caught.value.next_step.split("it has ")[1].split(", ")[:2] == [
            "ACCESS_SYSTEM_SECURITY",
            "CREATE_PROCESS",
        ]


@pytest.mark.parametrize(
    "name, message, next_step",
    [
        ("proces", "no documented mapping of rights for objects of type proces", "did you mean process? one of "),
        (" ", "no documented mapping of rights for objects of type (none)", "one of desktop, directory, event, file, "),
    ],
)
def test_what_is_said_to_a_type_that_is_not_documented(name: str, message: str, next_step: str) -> None:
    with pytest.raises(BadFormat) as caught:
        documented_type(name)
    assert caught.value.message == message and caught.value.subject == name
    assert caught.value.next_step.startswith(next_step)
    assert caught.value.next_step.endswith(", windowstation; or name the object on a machine, whose own type says it")


@pytest.mark.parametrize("text", ["", "|", "QUERY_VALUE", "KEY_READ", "0x100000000", "VM_READ|NOPE", "0x", "-1"])
def test_wishes_that_the_type_does_not_have(text: str) -> None:
    with pytest.raises(BadFormat) as caught:
        PROCESS.parse_access(text)
    assert caught.value.next_step or "32 bits" in caught.value.message


def test_words_are_the_types_own() -> None:
    own = ObjectType("Process", GenericMapping(1, 2, 4, 7), 0x1FFFFF)
    assert own.words(0x1010) == ("VM_READ", "QUERY_LIMITED_INFORMATION")
