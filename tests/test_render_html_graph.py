"""The lineage graph: every process is in one box, no two boxes lie on each other, and what changed stands on a line."""

from typing import List, Optional

from hypothesis import given
from hypothesis import strategies as st

from kdtoken.analysis.lineage.edges import Change
from kdtoken.render.html.graph import HEIGHT, ROOM, WIDTH, Graph, Point, graph


def point(depth: int, user: str = "a", level: str = "High", change: Optional[Change] = None, name: str = "x") -> Point:
    return Point("p0", depth, name, user, level, "u-0", change, "")


def overlaps(made: Graph) -> List[object]:
    boxes = made.boxes
    return [
        (one, other)
        for at, one in enumerate(boxes)
        for other in boxes[:at]
        if abs(one.x - other.x) < WIDTH and abs(one.y - other.y) < HEIGHT
    ]


def test_copies_stay_in_the_box_of_their_parent() -> None:
    made = graph(
        [
            point(0),
            point(1, change=Change.SAME),
            point(2, change=Change.ADJUSTED),
            point(1, "b", change=Change.OTHER_USER),
        ]
    )
    first, second = made.boxes
    assert len(first.points) == 3 and second.parent is first and second.change == "another user"
    assert second.x > first.x + WIDTH and second.line.startswith("M%d " % (first.x + WIDTH)) and not first.line


def test_those_that_got_the_same_the_same_way_share_a_box() -> None:
    twice = [point(1, "b", change=Change.OTHER_USER, name="svchost.exe")] * 2
    made = graph([point(0), *twice, point(1, "b", "Low", Change.OTHER_USER), point(1, "b", change=Change.ELEVATED)])
    assert len(made.boxes) == 4
    assert made.boxes[1].names == "svchost.exe x2"


def test_a_copy_that_is_otherwise_has_a_box_of_its_own() -> None:
    """A level that was lowered since is "same token" by no means."""
    made = graph([point(0), point(1, level="Low", change=Change.ADJUSTED)])
    assert len(made.boxes) == 2


CHANGES = st.sampled_from([None, *Change])
POINTS = st.lists(
    st.builds(point, st.integers(0, 6), st.sampled_from("abc"), st.sampled_from(["High", "Low"]), CHANGES)
)


@given(POINTS)
def test_every_process_in_one_box_and_no_box_on_another(points: List[Point]) -> None:
    made = graph(points)
    assert sum(len(box.points) for box in made.boxes) == len(points) or made.left_out
    assert overlaps(made) == []
    for box in made.boxes:
        assert 0 < box.x and box.x + WIDTH < made.width and 0 < box.y and box.y + HEIGHT < made.height
        assert {one.who for one in box.points} == {box.first.who}


def test_a_chain_as_deep_as_the_list_is_long() -> None:
    """A forged list: no recursion, and what has no room is counted."""
    made = graph([point(at, "user %d" % at, change=Change.OTHER_USER if at else None) for at in range(3000)])
    assert len(made.boxes) == ROOM and made.left_out == 3000 - ROOM and overlaps(made) == []


def test_long_names_are_cut_and_the_worst_mark_shown() -> None:
    marked = [Point("p1", 0, "n" * 400, "D\\" + "u" * 300, "High", "u-1", None, "", one) for one in ("!", "!!", "")]
    box = graph(marked).boxes[0]
    assert len(box.title) < 40 and len(box.names) < 40 and box.mark == "!!" and box.all_names.startswith("n" * 400)


def test_what_is_not_known_has_no_question_mark_for_a_level() -> None:
    titles = [
        graph([point(0, user, level)]).boxes[0].title
        for user, level in (("?", "?"), ("token not known", "?"), ("?", "High"))
    ]
    assert titles == ["user not known", "token not known", "user not known, High"]


def test_the_way_from_a_parent_leads_from_its_right_middle_to_its_child_s_left_middle() -> None:
    """SVG: M moves, C is a curve by two handles, both half-way between."""
    above, here = graph([point(0), point(1, "b", change=Change.OTHER_USER)]).boxes
    above.x, above.y, here.x, here.y = 100, 40, 400, 90
    x, y, to = 100 + WIDTH, 40 + HEIGHT // 2, 90 + HEIGHT // 2
    middle = (x + 400) // 2
    assert here.line == "M%d %dC%d %d %d %d %d %d" % (x, y, middle, y, middle, to, 400, to) and above.line == ""
