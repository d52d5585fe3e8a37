"""Privileges: the three masks, and the documented names."""

from pathlib import Path

import pytest

from kdtoken.decode.privileges import read_privileges
from kdtoken.decode.process_dump import Tokens
from kdtoken.decode.structure import read_structure
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import Token
from kdtoken.source.base import Source
from tests.expected import FILES, WINDOWS_11, kernel_of, privileges
from tests.machine.declared import MACHINE
from tests.machine.memory import Memory
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)


def in_masks(present: int, enabled: int, default: int) -> object:
    """What a token with these masks says, as (number, words)."""
    target = SyntheticSource(KERNEL)
    at = KERNEL.tokens["notepad"]
    masks = b"".join(mask.to_bytes(8, "little") for mask in (present, enabled, default))
    target.poke_field(at, "_TOKEN", "Privileges", masks)
    seen = read_privileges(read_structure(target, "_TOKEN", at), NAMES)
    assert isinstance(seen, tuple)
    return [(one.number, one.words) for one in seen]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_token(path: Path) -> None:
    kernel = kernel_of(path)
    target = SyntheticSource(kernel)
    for key, spec in MACHINE.tokens.items():
        seen = read_privileges(read_structure(target, "_TOKEN", kernel.tokens[key]), NAMES)
        assert isinstance(seen, tuple)
        assert [(p.number, p.name, p.present, p.enabled, p.enabled_by_default) for p in seen] == privileges(spec)


def test_no_privileges_at_all() -> None:
    assert in_masks(0, 0, 0) == []


def test_the_highest_bit_and_unnamed_ones_are_kept() -> None:
    assert in_masks(1 << 63 | 1 << 61, 1 << 63, 0) == [(61, ("Disabled",)), (63, ("Enabled",))]


def test_enabled_without_present_is_not_hidden() -> None:
    assert in_masks(0, 1 << 20, 0) == [(20, ("NotPresent", "Enabled"))]


def test_a_removed_one_is_told() -> None:
    assert in_masks(0, 0, 1 << 30) == [(30, ("Removed",))]


def test_what_lies_in_the_kernels_variables_renames_nothing() -> None:
    """One bit in nt!SeDebugPrivilege once had a held SeShutdownPrivilege (19) shown as SeDebugPrivilege."""
    target = SyntheticSource(KERNEL)
    variable = target.symbol("SeDebugPrivilege")
    target.poke(variable, (19).to_bytes(8, "little"))
    token = Tokens(target).at(KERNEL.tokens["notepad"])
    assert isinstance(token, Token) and isinstance(token.privileges, tuple)
    seen = [(p.number, p.name, p.present, p.enabled, p.enabled_by_default) for p in token.privileges]
    assert seen == privileges(MACHINE.tokens["notepad"])
    assert not any(at <= variable < at + size for at, size in target.log)


def test_a_missing_mask_is_absent() -> None:
    target = SyntheticSource(KERNEL).without_field("_SEP_TOKEN_PRIVILEGES", "Enabled")
    seen = read_privileges(read_structure(target, "_TOKEN", KERNEL.tokens["notepad"]), NAMES)
    assert seen == Absent("_TOKEN.Privileges.Enabled")


def test_where_the_masks_lie_is_told_as_one() -> None:
    target = SyntheticSource(KERNEL)
    s = read_structure(target, "_TOKEN", KERNEL.tokens["notepad"])
    read_privileges(s, NAMES)
    at = KERNEL.tokens["notepad"] + target.layout("_TOKEN").field("Privileges").offset
    assert (s.origins["Privileges"].address, len(s.origins["Privileges"].raw)) == (at, 24)
    assert s.origins["Privileges"].raw == KERNEL.memory.peek(at, 24)


class Old(Source):
    """A token of NT 5.2 for x86, as far as its privileges go: a count, and a pointer into its own allocation."""

    TOKEN = 0xE265A018
    ARRAY = TOKEN + 0xA8
    # {LUID Luid; DWORD Attributes;}, 12 bytes each, in no order
    ELEMENTS = (
        bytes.fromhex("14000000 00000000 03000000")  # 20 SeDebugPrivilege, on by default and enabled
        + bytes.fromhex("02000000 00000000 00000000")  # 2 SeCreateTokenPrivilege, held and off
        + bytes.fromhex("17000000 00000000 02000080")  # 23 SeChangeNotifyPrivilege, enabled; used for access
        + bytes.fromhex("08000000 00000000 05000000")  # 8 SeSecurityPrivilege, removed (4), was on by default
        + bytes.fromhex("03000000 01000000 00000000")  # 0x100000003: a LUID that nobody knows
    )

    def __init__(self, count: int, pointer: int = ARRAY) -> None:
        self.memory = Memory()
        self.memory.write(self.TOKEN, count.to_bytes(4, "little") + pointer.to_bytes(4, "little"))
        self.memory.write(self.ARRAY, self.ELEMENTS)

    def read(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)

    def layout(self, name: str) -> Layout:
        fields = [Field("PrivilegeCount", 0, "Uint4B"), Field("Privileges", 4, "Ptr32 _LUID_AND_ATTRIBUTES")]
        return make_layout(name, 8, fields)

    def symbol(self, name: str) -> int:
        raise AssertionError(name)

    def privileges(self) -> object:
        return read_privileges(read_structure(self, "_TOKEN", self.TOKEN), NAMES)


def test_a_list_as_before_vista() -> None:
    seen = Old(5).privileges()
    assert isinstance(seen, tuple)
    assert [(one.number, one.name, one.words) for one in seen] == [
        (2, "SeCreateTokenPrivilege", ("Disabled",)),
        (8, "SeSecurityPrivilege", ("Removed",)),
        (20, "SeDebugPrivilege", ("Enabled", "Default")),
        (23, "SeChangeNotifyPrivilege", ("Enabled",)),
        (0x100000003, "privilege 4294967299 (no name known)", ("Disabled",)),
    ]
    structure = read_structure(Old(5), "_TOKEN", Old.TOKEN)
    read_privileges(structure, NAMES)
    assert (structure.origins["Privileges"].address, structure.origins["Privileges"].raw) == (Old.ARRAY, Old.ELEMENTS)


def test_a_list_that_cannot_be() -> None:
    assert Old(0, 0).privileges() == ()
    assert Old(2, 0).privileges() == Unreadable(0, "the array pointer is null, but its count is 2")
    assert Old(0x41414141).privileges() == Unreadable(
        Old.ARRAY, "a count of 1094795585 (0x41414141) privileges is not believable"
    )
    assert Old(2, 0x90000000).privileges() == Unreadable(0x90000000, "not mapped")


@pytest.mark.parametrize("gone", [0, 1])
def test_a_count_or_a_pointer_that_cannot_be_read_is_no_empty_list(gone: int) -> None:
    """A page ends between the two: PrivilegeCount in its last four bytes, Privileges in the first four of the next."""
    cut, border = Old(5), 0xE265B000
    cut.memory.write(border - 4, (5).to_bytes(4, "little") + Old.ARRAY.to_bytes(4, "little"))
    assert len(read_privileges(read_structure(cut, "_TOKEN", border - 4), NAMES)) == 5  # type: ignore[arg-type]
    del cut.memory.pages[border // 0x1000 - 1 + gone]
    seen = read_privileges(read_structure(cut, "_TOKEN", border - 4), NAMES)
    assert seen == Unreadable(border - 4 + 4 * gone, "not mapped")


def test_the_most_privileges_that_are_believed() -> None:
    """A count of 256 is read, one of 257 is not: no build knows more than 36, and a token holds each once."""
    full = Old(256)
    full.memory.write(Old.ARRAY, Old.ELEMENTS[:12] * 257)
    seen = full.privileges()
    assert isinstance(seen, tuple) and len(seen) == 256
    full.memory.write(Old.TOKEN, (257).to_bytes(4, "little"))
    assert full.privileges() == Unreadable(Old.ARRAY, "a count of 257 (0x101) privileges is not believable")
