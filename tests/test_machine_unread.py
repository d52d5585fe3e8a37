"""Lines that nobody understood: whose token's part of a text they stand in, and which are talk."""

from types import SimpleNamespace
from typing import Any, List, Tuple

import pytest

from kdtoken.machine.unread import UnreadLines, line_of
from kdtoken.view.lines import Line
from kdtoken.view.partial import PartialToken, TextPlace, partial_token

FACT = "a line with S-1-5-18"  # outside of a token's lines only what may be a fact counts


def token(address: int, *lines: int, left: Tuple[Line, ...] = (), file: str = "a.log") -> PartialToken:
    """A token whose values stand in these lines."""
    places = {"field %d" % at: TextPlace(file, line) for at, line in enumerate(lines)}
    return PartialToken("!token", partial_token("!token", address, {}), places, left)


def text(tokens: List[PartialToken], *left: Line, file: str = "a.log", blocks: Any = ()) -> Any:
    processes = SimpleNamespace(processes=[SimpleNamespace(not_understood=one) for one in blocks])
    return SimpleNamespace(tokens=tokens, not_understood=left, processes=processes, file=file)


def shown(lines: UnreadLines, one: PartialToken) -> List[Tuple[int, str]]:
    return [(found.line, found.text) for found in lines.of_token(one)]


def test_where_a_token_s_text_begins() -> None:
    assert line_of(token(1, 9, 7, 8)) == 7 and line_of(token(1)) == 0


def test_a_token_that_no_text_tells_of_or_that_has_no_place_has_none() -> None:
    """Not those of another, be it the last one of the text."""
    known = token(0x1000, 5)
    lines = UnreadLines([text([known], Line(5, FACT))])
    assert shown(lines, known) == [(5, FACT)]
    assert shown(lines, token(0x2000, 5)) == [] and shown(lines, token(0x1000)) == []
    assert UnreadLines([]).of_token(known) == ()
    placeless = token(0x3000)
    assert UnreadLines([text([placeless], Line(5, FACT))]).of_token(placeless) == ()
    # One that was put together of two outputs is known by its address.
    assert shown(lines, token(0x1000, 1, 5)) == [(5, FACT)]


@pytest.mark.parametrize(
    "line, words, mine",
    [
        # The first token's lines are 10 to 12, the second's begin at 20.
        (1, FACT, True),  # the first part goes from the text's beginning
        (1, "talk", False),
        (9, FACT, True),
        (9, "talk", False),
        (10, "talk", True),
        (12, "talk", True),
        (13, "talk", True),  # right behind
        (14, "talk", False),
        (14, FACT, True),
        (19, FACT, True),
        (20, FACT, False),  # the next one's
        (20, "talk", False),
        (11, "kd> !token", False),  # what was asked tells nothing
    ],
)
def test_a_token_s_part_goes_to_the_next_token(line: int, words: str, mine: bool) -> None:
    one, two = token(0x1000, 10, 12), token(0x2000, 20, 25)
    lines = UnreadLines([text([one, two], Line(line, words))])
    assert shown(lines, one) == ([(line, words)] if mine else [])
    assert shown(lines, two) == ([(line, words)] if line == 20 else [])


def test_what_follows_without_a_gap_belongs_to_it() -> None:
    one = token(0x1000, 10, 12)
    for given, mine in (((13, 14, 16), [13, 14]), ((13, 15), [13]), ((14,), [])):
        talk = [Line(number, "talk %d" % number) for number in given]
        assert [line for line, _ in shown(UnreadLines([text([one], *talk)]), one)] == mine


def test_a_line_that_a_token_left_where_the_next_begins_is_not_its_own() -> None:
    one, two = token(0x1000, 10, left=(Line(19, FACT), Line(20, FACT), Line(21, FACT))), token(0x2000, 20)
    assert shown(UnreadLines([text([one, two])]), one) == [(19, FACT)]


def test_of_several_pieces_of_a_line_the_last_counts() -> None:
    one = token(0x1000, 10, 12, left=(Line(11, "a piece"), Line(12, "z")))
    assert shown(UnreadLines([text([one], Line(11, "b piece"), Line(11, "a piece"))]), one) == [
        (11, "b piece"),
        (12, "z"),
    ]


def test_parts_of_other_files_are_others() -> None:
    one, two = token(0x1000, 10), token(0x2000, 5, file="b.log")
    first, second = text([one], Line(30, FACT)), text([two], Line(7, FACT), file="b.log")
    lines = UnreadLines([first, second])
    assert shown(lines, one) == [(30, FACT)] and shown(lines, two) == [(7, FACT)]
    assert [(found.file, found.line) for found in lines.all()] == [("a.log", 30), ("b.log", 7)]


def test_all_are_those_of_tokens_and_of_the_rest_what_may_be_a_fact() -> None:
    one = token(0x1000, 10, 12)
    read = text(
        [one],
        Line(11, "talk of the token"),
        Line(30, "talk"),
        Line(31, FACT),
        Line(40, "talk in a process's block"),
        Line(42, "kd> !thread"),
        # Of a block, what the text understood elsewhere is no line of nobody, and a command tells nothing.
        blocks=[(Line(40, "talk in a process's block"), Line(41, "understood after all"), Line(42, "kd> !thread"))],
    )
    assert [(found.line, found.file) for found in UnreadLines([read]).all()] == [
        (11, "a.log"),
        (31, "a.log"),
        (40, "a.log"),
    ]
    # A text without a token: its facts are told too.
    assert [found.line for found in UnreadLines([text([], Line(2, FACT), Line(3, "talk"))]).all()] == [2]


def test_tokens_in_any_order_have_the_part_from_their_own_line_on() -> None:
    one, two, three = (token(0x1000 * at, 10 * at) for at in (1, 2, 3))
    for order in ([one, two, three], [three, two, one], [two, three, one]):
        lines = UnreadLines([text(order, *(Line(number, FACT) for number in (5, 15, 25, 35)))])
        assert [[line for line, _ in shown(lines, each)] for each in (one, two, three)] == [[5, 15], [25], [35]]


def test_behind_a_command_the_reading_goes_on() -> None:
    one = token(0x1000, 10, 20)
    lines = UnreadLines([text([one], Line(11, "kd> !thread"), Line(12, "talk"))])
    assert shown(lines, one) == [(12, "talk")]
