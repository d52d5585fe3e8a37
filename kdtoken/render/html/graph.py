"""The lineage graph: how users and levels came out of one another, as boxes and lines for an SVG.

A box is a user at a level under one parent box; all processes that got it the same way are in it.  So a machine of
2,000 processes is a graph of some dozens of boxes, and each line between boxes is a change of token.
"""

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

from kdtoken.analysis.lineage.edges import Change

ROOM = 150  # boxes that anybody can still follow; the rest is counted
WIDTH, HEIGHT, ACROSS, DOWN, EDGE = 232, 54, 128, 18, 16
_COPIES = (Change.SAME, Change.SAME_OBJECT, Change.ADJUSTED)
_CHARACTERS = 31  # of 12 px in a box


@dataclass(frozen=True)
class Point:
    """A process for the graph, parents in front of their children.

    depth   in the tree of processes
    who     user and level in words; equal for those that may share a box
    change  what became of the token on the way from the parent, None for a root
    """

    row: str
    depth: int
    name: str
    user: str
    level: str
    colour: str
    change: Optional[Change]
    words: str
    mark: str = ""

    @property
    def who(self) -> Tuple[str, str]:
        """What a box stands for."""
        return self.user, self.level


@dataclass(eq=False)
class Box:
    """A user at a level under its parent; `x` and `y` of its upper left corner."""

    first: Point
    parent: Optional["Box"]
    points: List[Point] = field(default_factory=list)
    boxes: List["Box"] = field(default_factory=list)
    x: int = 0
    y: int = 0
    placed: bool = True

    @property
    def title(self) -> str:
        """User and level, as far as there is room."""
        user = self.first.user.split("\\")[-1]
        words = ["user not known" if user == "?" else user, *([self.first.level] if self.first.level != "?" else [])]
        return _cut(", ".join(words), _CHARACTERS)

    @property
    def names(self) -> str:
        """Its programs, the most frequent first, as far as there is room."""
        return _cut(self.all_names, _CHARACTERS + 1)

    @property
    def all_names(self) -> str:
        """Its programs with how often each is there."""
        counts: Dict[str, int] = {}
        for point in self.points:
            counts[point.name] = counts.get(point.name, 0) + 1
        ordered = sorted(counts.items(), key=lambda one: -one[1])
        return ", ".join(name + (" x%d" % count if count > 1 else "") for name, count in ordered)

    @property
    def mark(self) -> str:
        """The worst that is said of one in it."""
        return min((one.mark for one in self.points if one.mark), key=("!!", "!").index, default="")

    @property
    def line(self) -> str:
        """The way from its parent as an SVG path; empty for a root."""
        above = self.parent
        if above is None:
            return ""
        x, y, to = above.x + WIDTH, above.y + HEIGHT // 2, self.y + HEIGHT // 2
        middle = (x + self.x) // 2
        return "M%d %dC%d %d %d %d %d %d" % (x, y, middle, y, middle, to, self.x, to)

    @property
    def change(self) -> str:
        """What changed on that way, as far as there is room."""
        return _cut(self.first.change.value, 21) if self.first.change is not None and self.parent else ""


@dataclass(frozen=True)
class Graph:
    """Boxes in their places, and how many had no room."""

    boxes: Tuple[Box, ...]
    width: int
    height: int
    left_out: int = 0


def graph(points: Sequence[Point]) -> Graph:
    """The boxes of a machine's processes."""
    roots: List[Box] = []
    known: Dict[Tuple[int, Tuple[str, str], object], Box] = {}
    path: List[Tuple[int, Box]] = []  # of the process above: its depth and its box
    left_out = 0
    made: List[Box] = []
    for point in points:
        while path and path[-1][0] >= point.depth:
            path.pop()
        above = path[-1][1] if path else None
        if above is not None and point.change in _COPIES and point.who == above.first.who:
            box = above
        else:
            key = (id(above), point.who, point.change)
            if key not in known:
                box = known[key] = Box(point, above)
                box.placed = len(made) < ROOM and (above is None or above.placed)
                if box.placed:
                    made.append(box)
                    (roots if above is None else above.boxes).append(box)
                else:
                    left_out += 1
            box = known[key]
        box.points.append(point)
        path.append((point.depth, box))
    width, height = _place(roots)
    return Graph(tuple(made), width, height, left_out)


def _place(roots: Sequence[Box]) -> Tuple[int, int]:
    """Columns by depth, rows by order; a parent stands beside the first of its children.  (No recursion: a hostile
    chain of parents is as deep as the list is long.)
    """
    waiting: List[Tuple[Box, int]] = [(box, 0) for box in reversed(roots)]
    bottom = wide = 0
    column: Dict[int, int] = {}
    while waiting:
        box, depth = waiting.pop()
        box.x = EDGE + depth * (WIDTH + ACROSS)
        start = box.parent.y if box.parent is not None and box.parent.boxes[0] is box else bottom
        box.y = max(start, column.get(depth, EDGE), EDGE)
        column[depth] = bottom = box.y + HEIGHT + DOWN
        bottom = max(column.values())
        wide = max(wide, box.x + WIDTH + EDGE)
        waiting += [(one, depth + 1) for one in reversed(box.boxes)]
    return wide, bottom + EDGE


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "\u2026"
