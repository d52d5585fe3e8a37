"""`dt` listings in a saved log: layouts of types, and values at addresses.

A listing that is whole gives a layout; with `-r` or `-b` each embedded or pointed-to struct gives
one too.  Values (`dt nt!_X ADDRESS`) are kept as they stand, since the layout that tells their
widths may come later in the log (log_values).  Facts of the format: "dt (Display Type)" on
learn.microsoft.com; that `-v` counts the elements was seen from the engine.
"""

import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken.layout.dt import type_text
from kdtoken.layout.layout import Field, Layout, make_layout

_MEMBER = re.compile(r"^(\s*)\+0x([0-9a-fA-F]{1,8})\s+(\S{1,200})\s*:\s*((?:\S+(?:\s+\S+)*)?)\s*$")
_HEAD = re.compile(
    r"^\s*(?:struct|union|class)\s+(\S{1,200}),\s+(\d{1,6})\s+elements?,\s+0x([0-9a-fA-F]{1,8})\s+bytes\s*$"
)
_ENUM_HEAD = re.compile(r"^\s*Enum\s+(\S{1,200}),\s+(\d{1,6})\s+total enums\s*$")
_NAMED_HEAD = re.compile(r"^\s*(\w+)!([A-Za-z_<][\w<>\-$]*)\s*$")
_ENUM_VALUE = re.compile(r"^\s+([A-Za-z_][\w]*) = (0n-?[0-9]{1,20}|0x[0-9a-fA-F]{1,16}|-?[0-9]{1,20})\s*$")
# A struct's name and size inside a line of `dt -v`, and what remains of the line.
_SIZED = re.compile(r"(?:struct|union|class) (\S+), (\d+) elements?, 0x([0-9a-fA-F]+) bytes$")
_POINTER_VALUE = re.compile(r"^(0x[0-9a-fA-F][0-9a-fA-F`]{7,16})\s+(?:struct |union )?(_\w+)")
# The last line of a listing by `dt -v` whose type holds an unnamed union: counted, but at no offset.
_ANONYMOUS = re.compile(r"^\s*(?:struct|union|class) ,\s+\d{1,6} elements?,\s+0x[0-9a-fA-F]{1,8} bytes\s*$")
_UNNAMED = re.compile(r"^(<.*>|__unnamed)$")


class Member(NamedTuple):
    """One line of a listing: how far it is indented, and what it says."""

    depth: int
    offset: int
    name: str
    text: str
    line: int


class Value(NamedTuple):
    """What a listing says of one member at an address.  `type` is "" where it is not known."""

    type: str
    address: int
    offset: int
    name: str
    text: str
    line: int


class Listing(NamedTuple):
    """One `dt` output as it stands.

    type      "" where neither a header nor the command tells it
    elements  number of members by `dt -v`'s header, None otherwise
    broken    lines in between are missing or foreign, or the log ends in it
    unnamed   lines about unnamed unions, which the header counts among the elements
    """

    type: str
    elements: Optional[int]
    size: Optional[int]
    members: Tuple[Member, ...]
    values: Tuple[Tuple[str, int], ...]
    address: Optional[int]
    filtered: bool
    nested: bool
    broken: bool
    line: int
    unnamed: int = 0


def member_of(text: str, line: int) -> Optional[Member]:
    """The member that a line shows, or None."""
    match = _MEMBER.match(text)
    if match is None:
        return None
    return Member(len(match[1].expandtabs()), int(match[2], 16), match[3], match[4], line)


def is_anonymous(text: str) -> bool:
    """Whether a line tells of an unnamed union or struct in the listing above it."""
    return _ANONYMOUS.match(text) is not None


def head_of(text: str) -> Optional[Tuple[str, Optional[int], Optional[int]]]:
    """(type, elements, size) of a header line: of `dt -v`, or the `nt!_X` of older engines; or None."""
    match = _HEAD.match(text)
    if match:
        return match[1], int(match[2]), int(match[3], 16)
    match = _ENUM_HEAD.match(text)
    if match:
        return match[1], int(match[2]), 4
    match = _NAMED_HEAD.match(text)
    return (match[2], None, None) if match else None


def enum_value_of(text: str) -> Optional[Tuple[str, int]]:
    """(name, number) of a line of an enum, or None."""
    match = _ENUM_VALUE.match(text)
    if match is None:
        return None
    digits = match[2]
    number = int(digits[2:]) if digits.startswith("0n") else int(digits, 16 if "x" in digits else 10)
    if digits.startswith("0x") and number >> 31 == 1:
        number -= 1 << 32  # the engine writes -1 as 0xffffffff, and what is not negative as 0n
    return match[1], number


class Types:
    """All that the listings of a log tell.

    layouts   type -> its layout and the line it begins in
    partial   type -> line and words of why that listing is no layout
    doubted   type -> two lines whose layouts differ
    sizes     type -> bytes
    """

    def __init__(self) -> None:
        self.layouts: Dict[str, Tuple[Layout, int]] = {}
        self.partial: Dict[str, Tuple[int, str]] = {}
        self.doubted: Dict[str, Tuple[int, int]] = {}
        self.missing: Dict[str, int] = {}
        self.sizes: Dict[str, int] = {}
        self.values: List[Value] = []

    def add(self, listing: Listing) -> None:
        """Take one listing in."""
        if listing.values and not listing.members:
            self._add_enum(listing)
        elif listing.members:
            tree = _groups(listing)
            flat = listing.nested and len(tree) == 1
            for group in tree:
                self._add_group(group, listing, flat)
        if listing.type and listing.size is not None:
            self.sizes.setdefault(listing.type, listing.size)

    def _add_enum(self, listing: Listing) -> None:
        if not listing.type:
            return
        if listing.broken or (listing.elements is not None and listing.elements != len(listing.values)):
            self.partial.setdefault(listing.type, (listing.line, "the listing is cut"))
        else:
            self._keep(make_layout(listing.type, 4, (), listing.values), listing.line)

    def _add_group(self, group: "_Group", listing: Listing, flat: bool) -> None:
        fields: List[Field] = []
        shows_values = False
        for member in group.members:
            sized = _SIZED.search(member.text)
            if sized:
                self.sizes.setdefault(sized[1], int(sized[3], 16))
            kind = type_text(member.text)
            if kind is None:
                shows_values = True
            else:
                fields.append(Field(member.name, member.offset, kind))
            if group.address is not None:
                self.values.append(
                    Value(group.type, group.address, member.offset, member.name, member.text, member.line)
                )
        if not group.type or shows_values or _UNNAMED.match(group.type):
            return
        why = ""
        if group.elements is not None:
            if not len(fields) <= group.elements <= len(fields) + listing.unnamed:
                why = "%d of its %d members are there" % (len(fields), group.elements)
        elif listing.filtered:
            why = "only some fields were asked for"
        elif listing.broken:
            why = "lines are missing in the listing, whose text ends at +0x%03x" % group.members[-1].offset
        elif flat and any(field.type.startswith("_") for field in fields):
            # -r or -b, but no member lies deeper: the indentation that told them apart is gone.
            why = "the indentation of its nested listing is lost"
        elif group.members[0].offset != 0:
            why = "the beginning of the listing is missing"
        if why:
            self.partial.setdefault(group.type, (group.members[0].line, why))
            return
        size = group.size if group.size is not None else None
        self._keep(make_layout(group.type, size, fields), group.members[0].line)

    def _keep(self, layout: Layout, line: int) -> None:
        before = self.layouts.get(layout.name)
        if before is None:
            self.layouts[layout.name] = (layout, line)
            return
        old, first = before
        layout = _with_enums(layout, old.fields)
        if old.fields != layout.fields and _with_enums(old, layout.fields).fields == layout.fields:
            old = self.layouts[layout.name][0]
            self.layouts[layout.name] = (make_layout(old.name, old.size, layout.fields), first)
            return
        differs = old.fields != layout.fields or old.values != layout.values
        if differs or (old.size is not None and layout.size is not None and old.size != layout.size):
            self.doubted.setdefault(layout.name, (first, line))
        elif old.size is None and layout.size is not None:
            self.layouts[layout.name] = (layout, first)


def _with_enums(layout: Layout, others: Sequence[Field]) -> Layout:
    """The layout with the name of an enum wherever `dt -r` printed its values in place of it, and another has it."""
    if len(layout.fields) != len(others):
        return layout
    fields = [
        other
        if one.type == "Uint4B" and (one.name, one.offset) == (other.name, other.offset) and other.type[:1] == "_"
        else one
        for one, other in zip(layout.fields, others)
    ]
    return make_layout(layout.name, layout.size, fields, layout.values)


class _Group(NamedTuple):
    """Members that belong to one struct."""

    type: str
    elements: Optional[int]
    size: Optional[int]
    address: Optional[int]
    members: List[Member]


def _groups(listing: Listing) -> List[_Group]:
    """The structs of a listing: the outer one, and each that is unfolded under a member."""
    root = _Group(listing.type, listing.elements, listing.size, listing.address, [])
    found = [root]
    stack: List[Tuple[int, _Group]] = [(listing.members[0].depth, root)]
    for member in listing.members:
        while len(stack) > 1 and member.depth < stack[-1][0]:
            stack.pop()
        depth, group = stack[-1]
        if member.depth > depth and group.members:
            group = _unfolded(group, group.members[-1])
            found.append(group)
            stack.append((member.depth, group))
        group.members.append(member)
    return found


def _unfolded(outer: _Group, member: Member) -> _Group:
    """The struct that the lines under a member describe."""
    sized = _SIZED.search(member.text)
    elements, size = (int(sized[2]), int(sized[3], 16)) if sized else (None, None)
    at = None if outer.address is None else outer.address + member.offset
    pointer = _POINTER_VALUE.match(member.text)
    if pointer:
        return _Group(pointer[2], elements, size, int(pointer[1].replace("`", ""), 16), [])
    if sized and member.text.startswith(("struct ", "union ", "class ")):
        return _Group(sized[1], elements, size, at, [])
    kind = type_text(member.text) or type_text(member.text.split(" 0x", 1)[0].split(" [ ", 1)[0])
    if kind is None:
        # `dt nt!_X ADDRESS Member.` prints no type, but the members at their offsets.
        return _Group("", None, None, at if not member.text else None, [])
    while True:
        pointed = re.match(r"^Ptr(?:32|64) (.*)$", kind)
        array = re.match(r"^\[\d+\] (.*)$", kind)
        if not pointed and not array:
            break
        at = None  # of what pointer, or which element?
        kind = (pointed or array)[1]  # type: ignore[index]
    return _Group(kind, elements, size, at, [])
