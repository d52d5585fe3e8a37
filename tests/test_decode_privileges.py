"""Privileges: the three masks, and names from the kernel's own variables."""

from pathlib import Path

import pytest

from kdtoken.decode.privileges import privilege_names, read_privileges
from kdtoken.decode.structure import read_structure
from kdtoken.model.absent import Absent
from kdtoken.model.privilege import KERNEL_SYMBOLS, NAMES
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, kernel_of, privileges
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(FILES[3])


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
        seen = read_privileges(read_structure(target, "_TOKEN", kernel.tokens[key]), privilege_names(target))
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


def test_names_of_a_kernel_are_those_of_the_documentation() -> None:
    assert privilege_names(SyntheticSource(KERNEL)) == NAMES


def test_the_kernels_own_number_wins() -> None:
    """A kernel that numbers SeDebugPrivilege 40: no one else may be called so."""
    target = SyntheticSource(KERNEL)
    target.poke(target.symbol("SeDebugPrivilege"), (40).to_bytes(8, "little"))
    names = privilege_names(target)
    assert names[40] == "SeDebugPrivilege"
    assert 20 not in names or names[20] != "SeDebugPrivilege"


def test_names_cost_one_request() -> None:
    cached = CachedSource(SyntheticSource(KERNEL))
    privilege_names(cached)
    assert cached.requests == 1


def test_without_symbols_the_table_serves() -> None:
    target = SyntheticSource(KERNEL)
    for symbol in KERNEL_SYMBOLS:
        target.without_symbol(symbol)
    assert privilege_names(target) == NAMES
    assert target.requests == 0


def test_on_a_missing_page_the_table_serves() -> None:
    target = SyntheticSource(KERNEL)
    target.without_pages(target.symbol(symbol) for symbol in KERNEL_SYMBOLS if symbol in KERNEL.symbols)
    assert privilege_names(target) == NAMES


def test_a_variable_far_from_the_others_is_not_read_for() -> None:
    class Far(SyntheticSource):
        def symbol(self, name: str) -> int:
            return 0xFFFF900000000000 if name == "SeTcbPrivilege" else super().symbol(name)

    target = Far(KERNEL)
    assert privilege_names(target) == NAMES
    assert target.bytes_read < 0x2000


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
