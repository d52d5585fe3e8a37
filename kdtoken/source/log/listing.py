"""Lines of `dt` put together to listings, though other lines may have come in between."""

from typing import Dict, List, Optional, Set, Tuple

from kdtoken.layout.dt import type_text
from kdtoken.source.log.commands import Dt
from kdtoken.source.log.types import Listing, Member, Types

# Lines that may lie between two members of one listing (a driver that printed in between).
_LONGEST_GAP = 200
# The public symbols' largest struct has under 2,000; with -r, members of members count too.
_MOST_MEMBERS = 1 << 16


class Listings:
    """Gives each whole `dt` output to `types`."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._dts: Tuple[Dt, ...] = ()
        self._dt_index = 0
        self._clear()

    def _clear(self) -> None:
        self._head: Optional[Tuple[str, Optional[int], Optional[int]]] = None
        self._members: List[Member] = []
        self._names: Set[str] = set()
        self._values: List[Tuple[str, int]] = []
        self._inner: Dict[int, List[Tuple[str, int]]] = {}
        self._broken, self._unnamed = False, 0
        self._begin = self._last = 0

    def asked(self, dts: Tuple[Dt, ...]) -> None:
        """A command line begins, with these `dt` commands in it."""
        self.end()
        self._dts, self._dt_index = dts, 0

    def cut(self) -> None:
        """The log ends in the middle of a line."""
        self._broken = bool(self._members or self._values)

    def left_out(self) -> None:
        """Its author left lines out here."""
        self._broken = self._broken or bool(self._members or self._values)

    def head(self, head: Tuple[str, Optional[int], Optional[int]], at: int) -> None:
        """Take in the line above a listing."""
        self.end()
        self._head, self._begin, self._last = head, at, at

    def member(self, member: Member, at: int) -> None:
        """Take in one member line."""
        gap = bool(self._last) and at - self._last > 1
        far = gap and at - self._last > _LONGEST_GAP
        root = not self._members or member.depth <= self._members[0].depth
        if self._members and (far or (root and member.name in self._names)):
            self.end()
        if not self._members and not self._head:
            self._begin = at
            gap = False
        if root and len(self._names) < _MOST_MEMBERS:
            self._names.add(member.name)
        self._broken = self._broken or gap
        self._last = at
        if len(self._members) < _MOST_MEMBERS:
            self._members.append(member)
        else:
            self._broken = True

    def anonymous(self, at: int) -> None:
        """Take in a line about an unnamed union of the listing that it ends."""
        if self._members and at - self._last <= 1:
            self._last = at
            self._unnamed += 1

    def enum_value(self, value: Tuple[str, int], at: int) -> None:
        """Take in one line of an enum."""
        if self._members:
            # `dt -r` unfolds an enum under the member that is one.
            if at - self._last <= 1:
                self._last = at
                self._inner.setdefault(len(self._members) - 1, []).append(value)
            return
        if not (self._head or self._dt_index < len(self._dts)):
            return
        if self._values and at - self._last > 1:
            self._broken = True
        if not self._values and not self._head:
            self._begin = at
        self._last = at
        self._values.append(value)

    def end(self) -> None:
        """Nothing more belongs to the listing: hand it to the types."""
        if self._members or self._values or (self._head and self._head[2] is not None):
            self._types.add(self._listing())
            for index, values in self._inner.items():
                enum = type_text(self._members[index].text)
                if enum is not None and enum.startswith("_") and not self._broken:
                    line = self._members[index].line
                    self._types.add(Listing(enum, None, None, (), tuple(values), None, False, False, False, line))
            self._dt_index += 1
        self._clear()

    def _listing(self) -> Listing:
        head, dts = self._head, self._dts
        dt: Optional[Dt] = None
        if head is not None:
            same = [one for one in dts if one.type.lower() == head[0].lower()]
            dt = same[0] if len(same) == 1 else None
            # Two questions about one type: in the order of the answers, if each has been answered.
            if len(same) > 1 and self._dt_index < len(dts) and dts[self._dt_index] in same:
                dt = dts[self._dt_index]
        elif self._dt_index < len(dts) and (len(dts) == 1 or self._dt_index == 0):
            dt = dts[self._dt_index]
        name = head[0] if head else dt.type if dt else ""
        if dt is not None and not dt.known:
            name = ""
        elements, size = (head[1], head[2]) if head else (None, None)
        # Without the command a plain listing may be a choice of fields.
        filtered = dt.filtered if dt else True
        nested = dt.nested if dt else False
        for index in self._inner:
            if not self._members[index].text:
                # `dt -r` prints an enum's values in place of its name; an enum is four bytes wide.
                self._members[index] = self._members[index]._replace(text="Uint4B")
        return Listing(
            name,
            elements,
            size,
            tuple(self._members),
            tuple(self._values),
            dt.address if dt else None,
            filtered,
            nested,
            self._broken,
            self._begin,
            self._unnamed,
        )
