"""Figures of `make bench`: kept, read again, and told apart from noise."""

import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from tests.engine import bench_rows


def row(value: float, spread: Optional[float] = 0.02, unit: str = "loops") -> Dict[str, Any]:
    return {"value": value, "unit": unit, "spread": spread}


def test_figures_are_kept_by_area_and_name_and_the_last_one_counts(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    bench_rows.add("walk", "31 processes", 1.5, "loops", 0.1, file)
    bench_rows.add("wire", "token by pid", 9, "reads", None, file)
    bench_rows.add("walk", "31 processes", 1.25, "loops", 0.2, file)
    assert bench_rows.read(file) == {"walk: 31 processes": row(1.25, 0.2), "wire: token by pid": row(9, None, "reads")}
    assert [path.name for path in file.parent.iterdir()] == ["bench.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"value": "x", "unit": "s", "spread": 0}}'])
def test_a_file_of_something_else_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"other.json holds no figures of `make bench`"):
        bench_rows.read(file)
    with pytest.raises(SystemExit, match="none.json"):
        bench_rows.read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        (row(1.0), row(1.07), False),  # below the least that counts
        (row(1.0), row(1.09), True),
        (row(1.0), row(0.91), True),  # to the better is moved, too
        (row(1.0, 0.1), row(1.29, 0.02), False),  # three spreads of the worse run
        (row(1.0, 0.02), row(1.29, 0.1), False),
        (row(1.0, 0.1), row(1.31, 0.1), True),
        (row(9, None), row(10, None), True),  # counted: any change
        (row(9, None), row(9, None), False),
        (row(0, None), row(1, None), True),
    ],
)
def test_what_moved_beyond_noise(old: Dict[str, Any], new: Dict[str, Any], moved: bool) -> None:
    assert bool(bench_rows.compare({"a": old}, {"a": new})) is moved


def test_what_is_in_one_run_only_is_said() -> None:
    said = bench_rows.compare({"gone": row(1), "unit": row(1)}, {"come": row(1), "unit": row(1, unit="s")})
    assert [" ".join(line.split()) for line in said] == [
        "come only in the new run",
        "gone only in the old run",
        "unit was in loops, is in s",
    ]


def test_two_files_are_compared(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    bench_rows.add("walk", "x", 2.0, "loops", 0.01, old)
    bench_rows.add("walk", "x", 1.0, "loops", 0.01, new)
    said: List[str] = []
    assert bench_rows.main([str(old), str(new)], said.append) == 0
    assert len(said) == 1 and "2 -> 1 loops (-50 %)" in said[0]
    assert bench_rows.main([str(old), str(old)], said.append) == 0 and "nothing moved" in said[1]
    assert bench_rows.main([], said.append) == 2 and "usage" in said[2]


def test_half_the_distance_of_the_quartiles() -> None:
    assert bench_rows.spread_of([1.0]) == 0 and bench_rows.spread_of([2.0, 2.0, 2.0]) == 0
    assert bench_rows.spread_of([1, 2, 3, 4, 5]) == pytest.approx(0.5)  # quartiles 1.5 and 4.5 around 3


def test_what_a_program_used_and_that_it_must_succeed() -> None:
    spent = bench_rows.spend([sys.executable, "-c", "x = bytearray(50_000_000)"])
    assert spent.memory > 45 and 0 < spent.cpu and spent.wall > 0
    with pytest.raises(SystemExit, match="status"):
        bench_rows.spend([sys.executable, "-c", "raise SystemExit(3)"])
    assert bench_rows.spend([sys.executable, "-c", "raise SystemExit(3)"], answers=(0, 3)).wall > 0
    with pytest.raises(SystemExit, match="status 255"):  # it was ended
        bench_rows.spend([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], answers=(0, 3))
