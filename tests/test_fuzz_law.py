"""The law of 60 s and 1 GB: what is measured, and what counts as a break; `make law` gives each reader its 100 MB."""

import sys
from pathlib import Path

import pytest

from tests.fuzz import law

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and what a child took, as Linux tells them")


def test_a_reader_is_measured_and_its_one_line_kept(tmp_path: Path) -> None:
    one = law.measure("recording nested", 200_000, tmp_path)
    assert (one.code, one.breaks) == (2, False) and 0.1 < one.megabytes < 2
    assert 0 < one.seconds < law.SECONDS and 10 < one.peak < law.MEMORY / 1e6
    assert "line 2 is damaged" in one.said


def test_a_reader_that_takes_too_much_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for code, breaks in (
        ("sum(1 for _ in range(10 ** 6))", False),
        ("bytearray(1200 << 20)", True),  # more memory than the law has, less than the address space
        ("bytearray(5 << 30)", True),  # a MemoryError, and its traceback
        ("import os; os._exit(9)", True),
    ):
        case = law.Case(lambda size: iter([b"x" * size]), ".txt", ["-c", code, "{}"])
        monkeypatch.setitem(law.CASES, "made up", case)
        assert law.measure("made up", 1000, tmp_path).breaks is breaks, code


def test_what_was_forked_from_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests in one process take over a gigabyte, and every reader seemed to."""
    monkeypatch.setitem(law.CASES, "made up", law.Case(lambda size: iter([b"x"]), ".txt", ["-c", "0", "{}"]))
    ours = bytearray(300 << 20)
    ours[::4096] = b"x" * len(ours[::4096])  # each page of it
    assert law.measure("made up", 1, tmp_path).peak < 100


def test_what_is_too_slow_or_ends_by_a_signal_breaks_it() -> None:
    fine = law.Measured("x", 100.0, 59.0, 900.0, 2, "kdtoken: it is damaged")
    assert not fine.breaks
    for change in ({"seconds": 61.0}, {"peak": 1100.0}, {"code": -9}, {"said": "Traceback (most recent call last):"}):
        assert fine._replace(**change).breaks, change  # type: ignore[arg-type]
