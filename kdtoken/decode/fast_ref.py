"""`_EX_FAST_REF`: a pointer to a kernel object with a reference count in its low bits."""

from __future__ import annotations

from kdtoken.errors import FieldNotFound
from kdtoken.model.absent import Maybe, Missing
from kdtoken.model.process import FastRef
from kdtoken.source.base import Source

TYPE = "_EX_FAST_REF"


def fast_ref_mask(target: Source) -> int:
    """The bits of the value that are no pointer: as many as RefCnt is wide (4 on x64, 3 on x86).

    Objects are aligned to twice the pointer size, which leaves these bits free; the width is
    never assumed, but taken from the symbols.  Raises FieldNotFound without RefCnt.
    """
    memo, key = target.memo, ("fast_ref_mask",)
    if memo is not None and key in memo:
        known: int = memo[key]
        return known
    bits = target.layout(TYPE).field("RefCnt").bits
    if bits is None or bits[0] != 0:
        raise FieldNotFound("RefCnt of %s is no bit-field at bit 0 in these symbols" % TYPE, TYPE)
    mask = (1 << bits[1]) - 1
    if memo is not None:
        memo[key] = mask
    return mask


def fast_ref(target: Source, value: Maybe[int]) -> Maybe[FastRef]:
    """Take a fast reference's value apart."""
    if isinstance(value, Missing):
        return value
    return FastRef(value, fast_ref_mask(target))
