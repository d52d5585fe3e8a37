"""_EX_FAST_REF: the pointer is what RefCnt's width leaves of the value."""

from pathlib import Path

import pytest

from kdtoken.decode.fast_ref import fast_ref, fast_ref_mask
from kdtoken.errors import FieldNotFound, TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.model.absent import Missing, Unreadable
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)


class OfWidth(SyntheticSource):
    """A kernel whose RefCnt is `bits` wide, from bit `position` on."""

    bits, position = 3, 0

    def layout(self, name: str) -> Layout:
        if name != "_EX_FAST_REF":
            return super().layout(name)
        count = Field("RefCnt", 0, "Pos %d, %d Bits" % (self.position, self.bits))
        return make_layout(name, 4, [Field("Object", 0, "Ptr32 Void"), count])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_four_bits_on_every_x64_build(path: Path) -> None:
    assert fast_ref_mask(SyntheticSource(kernel_of(path))) == 0xF


def test_the_width_comes_from_the_symbols() -> None:
    source = OfWidth(KERNEL)
    seen = fast_ref(source, 0xE265A037)
    assert not isinstance(seen, Missing)
    assert (seen.object, seen.ref_count, seen.mask) == (0xE265A030, 7, 7)


def test_bits_of_the_pointer_beyond_the_count_stay() -> None:
    """With three bits, bit 3 belongs to the pointer."""
    source = OfWidth(KERNEL)
    seen = fast_ref(source, 0xE265A03F)
    assert not isinstance(seen, Missing)
    assert (seen.object, seen.ref_count) == (0xE265A038, 7)


def test_zero_is_a_null_pointer_with_no_references() -> None:
    seen = fast_ref(SyntheticSource(KERNEL), 0)
    assert not isinstance(seen, Missing)
    assert (seen.object, seen.ref_count) == (0, 0)


def test_what_could_not_be_read_stays_so() -> None:
    lost = Unreadable(0x1000, "paged out")
    assert fast_ref(SyntheticSource(KERNEL), lost) is lost


def test_a_count_that_does_not_start_at_bit_0_is_refused() -> None:
    source = OfWidth(KERNEL)
    source.position = 1
    with pytest.raises(FieldNotFound, match="RefCnt"):
        fast_ref_mask(source)


def test_symbols_without_the_type_name_it() -> None:
    with pytest.raises(TypeNotFound, match="_EX_FAST_REF"):
        fast_ref_mask(SyntheticSource(KERNEL).without_type("_EX_FAST_REF"))


def test_symbols_without_the_count_name_it() -> None:
    with pytest.raises(FieldNotFound, match="_EX_FAST_REF has no field RefCnt"):
        fast_ref_mask(SyntheticSource(KERNEL).without_field("_EX_FAST_REF", "RefCnt"))


def test_a_count_that_is_no_bit_field_is_refused() -> None:
    class Whole(SyntheticSource):
        def layout(self, name: str) -> Layout:
            if name != "_EX_FAST_REF":
                return super().layout(name)
            return make_layout(name, 8, [Field("Object", 0, "Ptr64 Void"), Field("RefCnt", 0, "Uint8B")])

    with pytest.raises(FieldNotFound, match="RefCnt of _EX_FAST_REF is no bit-field at bit 0 in these symbols"):
        fast_ref_mask(Whole(KERNEL))


def test_the_width_is_asked_for_once_by_a_target_that_remembers() -> None:
    source = CachedSource(SyntheticSource(KERNEL))
    assert fast_ref_mask(source) == fast_ref_mask(source) == 0xF
