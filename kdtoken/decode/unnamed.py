"""Members that a build's type has and this kdtoken has no name for: read raw, so that nothing is dropped in silence."""

from typing import Callable, FrozenSet, List, NamedTuple, Optional

from kdtoken.decode.structure import Structure, holds_members
from kdtoken.errors import LookupFailed
from kdtoken.layout.layout import PRIMITIVE_SIZES, Field, Layout, pointer_size, size_of
from kdtoken.model.absent import Missing
from kdtoken.model.token import RawMember
from kdtoken.source.base import Source

_NO_NUMBERS = frozenset(("Void", "Float", "Double"))


class Unnamed(NamedTuple):
    """A member that nobody named: its path, where it lies from the start of the outermost struct, and its bytes."""

    path: str
    offset: int
    size: int
    member: Field


def unnamed_members(
    target: Source, layout: Layout, named: FrozenSet[str], wanted: Callable[[str], bool] = lambda name: True
) -> List[Unnamed]:
    """Every member that no path of `named` takes, in the order of the layout.

    named   paths such as "TokenId" or "Privileges.Present": a struct of which members are named is gone into
    wanted  name of a member of `layout` -> whether to look at it at all
    """
    memo, key = target.memo, ("unnamed", layout.name)
    found: Optional[List[Unnamed]] = memo.get(key) if memo is not None else None
    if found is None:
        found = [one for one in _beside(target, layout, named) if wanted(one.path.split(".")[0])]
        if memo is not None:
            memo[key] = found
    return found


def _beside(target: Source, layout: Layout, named: FrozenSet[str], before: str = "", start: int = 0) -> List[Unnamed]:
    gone_into = {path.rpartition(".")[0] for path in named}
    found: List[Unnamed] = []
    for member in layout.fields:
        path, offset = before + member.name, start + member.offset
        if path in named:
            continue
        if path not in gone_into:
            found.append(Unnamed(path, offset, _size(target, layout, member), member))
        elif holds_members(member):
            found += _beside(target, target.layout(member.type), named, path + ".", offset)
    return found


def _size(target: Source, layout: Layout, member: Field) -> int:
    """Bytes of a member; up to the next one where the symbols do not describe its type."""
    try:
        return size_of(member.type, target.layout)
    except LookupFailed:
        later = [one.offset for one in layout.fields if one.offset > member.offset]
        end = min(later, default=layout.size or member.offset)
        return end - member.offset


def raw_member(s: Structure, one: Unnamed) -> RawMember:
    """What lies there, and as a number or an enum's word where it is one."""
    address = s.address + one.offset
    raw = s.bytes_at(address, one.size)
    number, word = None, ""
    if not isinstance(raw, Missing) and raw:
        enum = _enum_of(s.target, one.member)
        if enum is not None or _is_number(one.member):
            number = int.from_bytes(raw, "little", signed=one.member.type.startswith("Int"))
            bits = one.member.bits
            if bits is not None:
                number = number >> bits[0] & (1 << bits[1]) - 1
        word = (enum.value_name(number) or "") if enum is not None and number is not None else ""
    return RawMember(s.layout.name, one.path, one.member.type, address, raw, number, word)


def _is_number(member: Field) -> bool:
    kind = member.type
    return (
        member.bits is not None
        or pointer_size(kind) is not None
        or (kind in PRIMITIVE_SIZES and kind not in _NO_NUMBERS)
    )


def _enum_of(target: Source, member: Field) -> Optional[Layout]:
    if not holds_members(member):
        return None
    try:
        layout = target.layout(member.type)
    except LookupFailed:
        return None
    return layout if layout.is_enum else None
