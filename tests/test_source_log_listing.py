"""Lines of `dt` put together: which belong to one listing, and which command it answers."""

from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.source.log.commands import Dt
from kdtoken.source.log.listing import Listings
from kdtoken.source.log.types import Listing, Member, Types

AT = 0xFFFFA08011002380


class Collected(Types):
    """Keeps the listings as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.all: List[Listing] = []

    def add(self, listing: Listing) -> None:
        self.all.append(listing)


def listed(steps: List[Any], dts: Tuple[Dt, ...] = ()) -> List[Listing]:
    """What comes of lines: (line, depth, name) a member, (line, "name", n) a value, "head" a header, "cut" a mark."""
    types = Collected()
    made = Listings(types)
    made.asked(dts)
    for step in steps:
        if step == "left out":
            made.left_out()
        elif step == "cut":
            made.cut()
        elif step[0] == "head":
            made.head(step[1], step[2])
        elif step[0] == "anonymous":
            made.anonymous(step[1])
        elif step[0] == "value":
            made.enum_value(step[1], step[2])
        else:
            line, depth, name = step[:3]
            made.member(Member(depth, 4 * line, name, step[3] if step[3:] else "Uint4B", line), line)
    made.asked(())
    return types.all


def dt(
    name: str, address: Optional[int] = None, known: bool = True, filtered: bool = False, nested: bool = False
) -> Dt:
    return Dt(name, address, known, filtered, nested)


HEAD = ("head", ("_X", 2, 8), 1)


@pytest.mark.parametrize(
    "steps, parts",
    [
        ([(2, 3, "A"), (3, 3, "B")], [("AB", False)]),
        ([(2, 3, "A"), (4, 3, "B")], [("AB", True)]),  # a line in between is missing, or foreign
        ([(2, 3, "A"), (202, 3, "B")], [("AB", True)]),
        ([(2, 3, "A"), (203, 3, "B")], [("A", False), ("B", False)]),  # too far: another listing
        ([(2, 3, "A"), (3, 3, "A")], [("A", False), ("A", False)]),  # a name comes once in a struct
        ([(2, 3, "A"), (3, 6, "A"), (4, 6, "B")], [("AAB", False)]),  # unfolded below a member it may come again
        ([(2, 3, "A"), (3, 6, "B"), (4, 3, "B"), (5, 3, "B")], [("ABB", False), ("B", False)]),
        ([(2, 3, "A"), "left out", (3, 3, "B")], [("AB", True)]),
        (["left out", (2, 3, "A")], [("A", False)]),  # before it nothing of it was left out
        ([(2, 3, "A"), "cut"], [("A", True)]),
        ([HEAD, (2, 3, "A")], [("A", False)]),
        ([HEAD, (3, 3, "A")], [("A", True)]),  # the line below the header is missing
        ([HEAD], [("", False)]),  # a header alone tells the size
        ([("head", ("_X", None, None), 1)], []),  # and one without a size nothing
        ([HEAD, HEAD], [("", False), ("", False)]),
    ],
)
def test_which_lines_are_one_listing(steps: List[Any], parts: List[Tuple[str, bool]]) -> None:
    found = listed(steps, (dt("_X"),))
    assert [("".join(one.name for one in listing.members), listing.broken) for listing in found] == parts


def test_where_a_listing_begins_is_its_header_or_its_first_member() -> None:
    assert listed([HEAD, (2, 3, "A")])[0].line == 1
    assert listed([(7, 3, "A"), (8, 3, "B")])[0].line == 7
    assert listed([("value", ("One", 1), 9)], (dt("_E"),))[0].line == 9


def test_unnamed_unions_are_counted_where_they_end_a_listing() -> None:
    assert listed([HEAD, (2, 3, "A"), ("anonymous", 3), ("anonymous", 4)])[0].unnamed == 2
    assert listed([HEAD, (2, 3, "A"), ("anonymous", 4)])[0].unnamed == 0  # of something else
    assert listed([("anonymous", 1), (2, 3, "A")])[0].unnamed == 0


ONE, TWO = ("value", ("One", 1), 2), ("value", ("Two", 2), 3)


def test_values_of_an_enum_are_a_listing_where_one_was_asked_for_or_has_a_header() -> None:
    (enum,) = listed([ONE, TWO], (dt("_E"),))
    assert (enum.type, enum.values, enum.broken) == ("_E", (("One", 1), ("Two", 2)), False)
    assert listed([ONE, TWO]) == []  # words with a number behind them, as chatter has them
    (headed,) = listed([("head", ("_E", 2, 4), 1), ONE, TWO])
    assert (headed.type, headed.elements, headed.size) == ("_E", 2, 4)
    (gap,) = listed([ONE, ("value", ("Two", 2), 4)], (dt("_E"),))
    assert gap.broken
    (cut,) = listed([ONE, "cut"], (dt("_E"),))
    assert cut.broken


def test_of_an_enum_its_author_may_leave_values_out_too() -> None:
    (cut,) = listed([ONE, "left out", TWO], (dt("_E"),))
    (whole,) = listed([ONE, TWO], (dt("_E"),))
    (before,) = listed(["left out", ONE, TWO], (dt("_E"),))
    (after,) = listed([ONE, TWO, "left out"], (dt("_E"),))
    assert (cut.broken, whole.broken, before.broken, after.broken) == (True, False, False, True)


def test_values_below_a_member_are_the_enum_of_that_member() -> None:
    """`dt -r` unfolds them; where it prints no name of the type, four bytes are what is known."""
    steps = [(2, 3, "Kind", ""), ("value", ("One", 1), 3), ("value", ("Two", 2), 4), (5, 3, "Last")]
    (outer,) = listed(steps, (dt("_X", nested=True),))
    assert [(one.name, one.text) for one in outer.members] == [("Kind", "Uint4B"), ("Last", "Uint4B")]
    assert not outer.broken
    named = [(2, 3, "Kind", "_KIND"), ("value", ("One", 1), 3), ("value", ("Two", 2), 4)]
    outer, enum = listed(named, (dt("_X", nested=True),))
    assert (enum.type, enum.values, enum.line) == ("_KIND", (("One", 1), ("Two", 2)), 2)
    # Values further down are somebody else's, and of a listing with holes no enum is believed.
    assert len(listed([(2, 3, "Kind", "_KIND"), ("value", ("One", 1), 4)], (dt("_X"),))) == 1
    assert len(listed([(2, 3, "Kind", "_KIND"), ("value", ("One", 1), 3), "left out"], (dt("_X"),))) == 1
    assert len(listed([(2, 3, "Kind", "Uint4B"), ("value", ("One", 1), 3)], (dt("_X"),))) == 1


def told(found: List[Listing]) -> List[Tuple[str, Optional[int], bool, bool]]:
    return [(one.type, one.address, one.filtered, one.nested) for one in found]


def test_a_listing_answers_the_command_before_it() -> None:
    members = [(2, 3, "A"), (3, 3, "B")]
    assert told(listed(members, (dt("_X", AT),))) == [("_X", AT, False, False)]
    assert told(listed(members, (dt("_X", AT, filtered=True, nested=True),))) == [("_X", AT, True, True)]
    # Without a command nobody knows whether it is a choice of fields, or of what type.
    assert told(listed(members)) == [("", None, True, False)]
    assert told(listed([HEAD, *members])) == [("_X", None, True, False)]
    # Of another module's type nothing is known.
    assert told(listed(members, (dt("_X", AT, known=False),))) == [("", AT, False, False)]
    # A header of another type than was asked for is no answer to that.
    assert told(listed([HEAD, *members], (dt("_Y", AT),))) == [("_X", None, True, False)]
    assert told(listed([HEAD, *members], (dt("_x", AT),))) == [("_X", AT, False, False)]


def test_several_commands_of_one_line_are_answered_in_their_order() -> None:
    two = (dt("_X", AT), dt("_X", AT + 8))
    again = [("head", ("_X", None, None), 1), (2, 3, "A"), ("head", ("_X", None, None), 3), (4, 3, "A")]
    assert [one.address for one in listed(again, two)] == [AT, AT + 8]
    # Without headers only the first answer's question is sure.
    plain = [(2, 3, "A"), (3, 3, "A")]
    assert [(one.type, one.address) for one in listed(plain, two)] == [("_X", AT), ("", None)]
    mixed = (dt("_Y", AT), dt("_X", AT + 8))
    headed = [("head", ("_X", None, None), 1), (2, 3, "A")]
    assert [one.address for one in listed(headed, mixed)] == [AT + 8]  # by its name
