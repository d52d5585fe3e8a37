"""Segments: a page's place in the file, for stretches in any order."""

from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.source.image import raw
from kdtoken.source.image.segments import Segments

PAGE = 0x1000
# (pages left free before it, pages, page of the file)
GAPS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 40)), max_size=6)


@given(GAPS, st.integers(0, 60 * PAGE))
def test_every_page_is_where_its_stretch_says(gaps: List[Tuple[int, int, int]], size: int) -> None:
    expected: Dict[int, int] = {}
    segments, at = [], 0
    for free, count, place in gaps:
        at += free
        segments.append((at, count, place * PAGE + 7))  # nobody says that the file is aligned
        for index in range(count):
            expected[at + index] = place * PAGE + 7 + index * PAGE
        at += count
    made = Segments(reversed(segments), size, "x")
    for page in range(at + 3):
        place_of = expected.get(page)
        there = place_of is not None and place_of + PAGE <= size
        assert made.offset(page) == (place_of if there else None)
        assert made.cut_off(page) == (place_of is not None and not there)
        assert (made.index(page) >= 0) == (place_of is not None)
    assert made.pages == len(expected)
    assert made.missing == sum(1 for place_of in expected.values() if place_of + PAGE > size)
    assert made.highest == max(expected, default=0)


@pytest.mark.parametrize("segments", [[(0, 5, 0), (4, 1, 0)], [(1 << 40, 1, 0)], [(0, 1, -1)], [(3, 1 << 41, 0)]])
def test_tables_that_cannot_be(segments: List[Tuple[int, int, int]]) -> None:
    with pytest.raises(BadFormat, match="damaged"):
        Segments(segments, 1 << 20, "x")


def test_ways_that_a_raw_image_may_be_spread() -> None:
    small = raw.layouts(1 << 30, "x")
    assert len(small) == 1 and small[0][1].offset(0x3FFFF) == 0x3FFFF000
    large = raw.layouts(8 << 30, "x", padded_first=False)
    words, three = large[0]
    assert words == "a hole from 3 to 4 GiB is left out" and not three.exact
    assert three.offset(0xBFFFF) == 0xBFFFF000 and three.offset(0xC0000) is None
    assert three.offset(0x100000) == 0xC0000000 and three.highest == 0x23FFFF
    assert [one[0] for one in large[1:]] == [
        "a hole from 2 to 4 GiB is left out",
        "a hole from 3.5 to 4 GiB is left out",
        "offset is address",
    ]
