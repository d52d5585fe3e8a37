"""What a type object says of the rights that its objects have."""

from typing import Any

import pytest

from kdtoken.decode.object_type import read_object_type
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.object_type import GenericMapping, ObjectType
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.namespace import MAPPINGS
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
AT = KERNEL.types["Token"]


def declared(kind: str) -> ObjectType:
    read, write, execute, everything, valid = MAPPINGS[kind]
    return ObjectType(kind, GenericMapping(read, write, execute, everything), valid, "target")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_type_with_its_mapping_and_mask(path: Any) -> None:
    kernel = kernel_of(path)
    for kind, address in kernel.types.items():
        assert read_object_type(SyntheticSource(kernel), address) == declared(kind)


def test_one_that_a_variable_led_to_needs_neither_table_nor_name() -> None:
    source = SyntheticSource(KERNEL).without_field("_OBJECT_TYPE", "Name")
    assert read_object_type(source, AT, "Token") == declared("Token")
    assert read_object_type(source, AT) == Absent("_OBJECT_TYPE.Name.Length")


def test_what_is_no_type_object() -> None:
    source = SyntheticSource(KERNEL)
    assert isinstance(read_object_type(source, 0xFFFFDEAD00000000), Unreadable)
    index = source.layout("_OBJECT_TYPE").field("Index").offset
    other = source.read(AT + index, 1)[0] + 1
    moved = SyntheticSource(KERNEL).poke(AT + index, bytes([other]))
    assert read_object_type(moved, AT) == Unreadable(AT, "no type object: the kernel's table of types does not have it")
    # A kernel without such a table, and one whose types tell no index: the name is believed.
    for older in (
        moved.without_symbol("ObTypeIndexTable"),
        SyntheticSource(KERNEL).without_field("_OBJECT_TYPE", "Index"),
    ):
        assert read_object_type(older, AT) == declared("Token")


def test_a_type_without_a_name() -> None:
    for member in ("Name.Length", "Name.Buffer"):
        source = SyntheticSource(KERNEL).poke_field(AT, "_OBJECT_TYPE", member, 0)
        assert read_object_type(source, AT) == Unreadable(AT, "the type object has no name")
    gone = SyntheticSource(KERNEL).poke_field(AT, "_OBJECT_TYPE", "Name.Buffer", 0xFFFFDEAD00000000)
    assert read_object_type(gone, AT) == Unreadable(0xFFFFDEAD00000000, "not mapped")


@pytest.mark.parametrize("member", ["GenericMapping", "ValidAccessMask"])
def test_rights_that_a_build_does_not_describe(member: str) -> None:
    source = SyntheticSource(KERNEL).without_field("_OBJECT_TYPE_INITIALIZER", member)
    assert isinstance(read_object_type(source, AT), Absent)
