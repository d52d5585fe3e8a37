"""Stretches of memory rows: read at once or one by one, a log tells the same."""

from pathlib import Path
from typing import Any, List, Tuple
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import KdTokenError
from kdtoken.source.log import lines
from kdtoken.source.log.rows import content_of, stretches_at
from kdtoken.source.log.source import LogSource
from tests.test_source_log_memory import BASE, UNITS, rendered

DATA = bytes(range(0x10, 0x50))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


def told(path: Path) -> Any:
    """All that a log tells of memory, or what is wrong with it."""
    try:
        source = LogSource([str(path)])
    except KdTokenError as error:
        return str(error)
    scan = source._scan
    memory = scan.memory
    starts = [start for start, _ in memory._segments]
    where = [source.where(start + at) for start, data in memory._segments for at in range(0, len(data), 4)]
    return memory._segments, starts, where, memory._gone, memory.conflicts, scan.symbols, scan.wide, scan.outputs


def both_ways(path: Path, text: str) -> Tuple[Any, Any]:
    path.write_bytes(text.encode("latin-1"))
    at_once = told(path)
    with mock.patch.object(lines, "stretches_at", lambda block, at: iter(())):
        return at_once, told(path)


@pytest.mark.parametrize("form", sorted(UNITS))
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_stretch_shows_the_bytes_that_were_rendered(form: str, wide: bool, end: str) -> None:
    base = BASE if wide else 0x86011380
    text = "x\n" + rendered(form, base, DATA, wide).replace("\n", end) + "kd> g\n"
    (found,) = stretches_at(text.encode(), 2)
    assert (found.unit, found.wide, len(found.rows)) == (UNITS[form], wide, len(text) - len("x\nkd> g\n"))
    assert content_of(found) == (base, DATA, True)


@pytest.mark.parametrize(
    "damage",
    [
        ("380  ", "381  "),  # rows that do not follow each other
        ("10", "g0"),  # no digit
        ("  10", "   10"),  # another gap
    ],
)
def test_what_is_no_such_row_is_read_by_itself(damage: Tuple[str, str]) -> None:
    text = rendered("db", BASE, DATA[:32]).replace(*damage, 1)
    assert [content_of(found) for found in stretches_at(text.encode(), 0)] in ([], [None])


def test_a_text_beside_the_cells_that_is_another_is_told() -> None:
    text = rendered("db", BASE, b"kdtoken reads it" * 2)
    (found,) = stretches_at(text.replace("kdtoken", "kdt0ken").encode(), 0)
    content = content_of(found)
    assert content is not None and not content.fits


COMMANDS = st.sampled_from(["", "kd> dq nt!SeTokenObjectType L1\n", "kd> db X\n", "kd> !pte 0\n", "0: kd> dt nt!_X\n"])
ODD = st.sampled_from(
    [
        "",
        "ffffa080`11002380  ????????`???????? ????????`????????\n",
        "ffffa080`11002380  fffff803`11111111 nt!SeTokenObjectType\n",
        "ffffa080`110023c0  00 01 02\n",
        "ffffa080`110023c0 00000000`00000001 00000000`00000002\n",
        "        ffffb20f`00001000 fffff807`24681358 : ffffe689`13579be0 00000000`00000000 : nt!Frame\n",
        "   +0x000 A : Uint4B\n",
        "\n",
    ]
)
PIECE = st.tuples(
    COMMANDS,
    st.sampled_from(sorted(UNITS)),
    st.integers(0, 4).map(lambda n: 16 * n),
    st.binary(min_size=1, max_size=5).map(lambda seed: (seed * 80)[:80]),
    st.booleans(),
    ODD,
    st.sampled_from(["\n", "\r\n", "mixed"]),
    st.sampled_from([BASE, 0x7FFFFFFFFFFFFFE0, 0x7FF0, 0xFFFFFFFFFFFFFFE0]),
)


def piece(made: Any) -> str:
    command, form, skip, data, wide, odd, end, base = made
    base = base if wide else base & 0xFFFFFFFF
    text = rendered(form, base + skip, data, wide)
    if end == "mixed":
        return str(command + text.replace("\n", "\r\n", 2) + odd)
    return str(command + text.replace("\n", end) + odd)


@given(made=st.lists(PIECE, min_size=1, max_size=6))
def test_both_ways_tell_the_same(folder: Path, made: List[Any]) -> None:
    at_once, one_by_one = both_ways(folder / "a.log", "".join(piece(one) for one in made))
    assert at_once == one_by_one


def test_chosen_lines_begin_and_end_within_a_stretch(folder: Path) -> None:
    path = folder / "chosen.log"
    path.write_text("kd> dq X\n" + rendered("dq", BASE, DATA), encoding="ascii")
    source = LogSource(["%s:3-4" % path])
    assert source.pieces(BASE, 0x100) == ((BASE + 16, DATA[16:48]),)
    assert source.where(BASE + 32) == "chosen.log, line 4"


def test_rows_with_line_breaks_of_two_kinds_are_looked_at_once(folder: Path) -> None:
    rows = rendered("dq", BASE, bytes(16) * 5000).split("\n")[:-1]
    path = folder / "ends.log"
    path.write_bytes("".join(row + ("\n", "\r\n")[at % 2] for at, row in enumerate(rows)).encode())
    looked_at: List[int] = []

    def counted(block: bytes, at: int) -> Any:
        found = list(stretches_at(block, at))
        looked_at.extend(len(one.rows) for one in found)
        return iter(found)

    with mock.patch.object(lines, "stretches_at", counted):
        assert len(LogSource([str(path)]).pieces(BASE, 1 << 30)[0][1]) == 80000
    assert sum(looked_at) == path.stat().st_size
